"""Our own client, bound to the sandbox by the sandbox itself."""

from __future__ import annotations

import pytest

from phaseo_nb.sandbox import Sandbox, failed

pytest.importorskip("phaseo_nb.client")
pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("gateway", "model"), [("sandbox", "sandbox/band"), ("udio", "chirp-v4-5")]
)
async def test_the_sandboxs_client_speaks_either_wire(gateway, model):
    """Sandbox.client() needs no key and no network, for both services' wires."""
    sandbox = Sandbox(clock="manual")
    async with sandbox.client(gateway) as client:
        job = await client.submit("a slow harbour waltz", model=model)
        sandbox.advance(5)
        done = await client.get(job.id)
        data = await client.download(done.tracks[0])

    assert done.status == "completed"
    assert done.sandbox
    assert data.startswith(b"ID3")


async def test_a_scripted_failure_reaches_the_client():
    """The reason of a scripted failure is the job's failure."""
    sandbox = Sandbox(clock="manual").script("waltz", failed("SENSITIVE_WORD_ERROR"))
    async with sandbox.client() as client:
        job = await client.submit("a waltz", model="suno/v4.5plus")
        sandbox.advance(5)
        done = await client.get(job.id)

    assert (done.status, done.failure) == ("failed", "SENSITIVE_WORD_ERROR")
