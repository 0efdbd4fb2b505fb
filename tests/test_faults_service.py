"""The service that goes wrong counts what is paid, and its doors are what they are said to be."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from fake_gateway import KEY
from fault_service import FAULTS, STAGES, FaultService, sound_of
from pydantic import SecretStr

from phaseo_nb.errors import ConnectionFailed
from phaseo_nb.transport.http import Transport
from phaseo_nb.transport.messages import Call
from phaseo_nb.transport.wording import in_words

BODY = {"model": "suno/v4.5", "prompt": "a waltz"}


@pytest.fixture(scope="module")
def service():
    with FaultService() as service:
        yield service


def test_an_order_is_made_asked_for_and_fetched(service):
    """Without a fault both wires work as their contracts say, in rooms with books of their own."""
    phaseo, udio = f"{service.url}/ok/plain/v1", f"{service.url}/ok/musicapi/api"

    assert httpx.post(f"{phaseo}/music/generate", json=BODY).json()["id"] == "task_1"
    states = [httpx.get(f"{phaseo}/music/generate/task_1").json() for _ in range(2)]
    assert [state["status"] for state in states] == ["in_progress", "completed"]
    assert httpx.get(states[1]["output"][0]["audio_url"]).content == sound_of(10)

    assert httpx.post(f"{udio}/v2/generate", json=BODY).json()["workId"] == "gen_1"
    feeds = [httpx.get(f"{udio}/v2/feed", params={"workId": "gen_1"}).json() for _ in range(2)]
    assert [len(feed["data"]["response_data"]) for feed in feeds] == [0, 2]

    books = httpx.get(f"{service.url}/__books").json()
    assert books["ok/plain"] == {"paid": 1, "submits": 1, "polls": 2, "downloads": 1}
    assert books["ok/musicapi"] == {"paid": 1, "submits": 1, "polls": 2, "downloads": 0}


@pytest.mark.parametrize("name", ["submit-reset-after", "submit-reset-before"])
def test_what_is_paid_is_counted_where_the_answer_is_lost(service, name):
    """Each order that comes in counts, whatever the client hears of it."""
    base_url = f"{service.url}/{name}-always/count/v1"

    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            httpx.post(f"{base_url}/music/generate", json=BODY)

    paid = httpx.get(f"{service.url}/__paid").json()[f"{name}-always/count"]
    assert paid == (2 if FAULTS[f"{name}-always"].pays else 0)


def test_a_fault_happens_once_or_always_until_it_is_repaired(service):
    """``-always`` goes on until the room is healed."""
    once, always = (f"{service.url}/submit-503{more}/times" for more in ("", "-always"))

    def order(base):
        return httpx.post(f"{base}/v1/music/generate", json=BODY).status_code

    assert [order(once) for _ in range(2)] == [503, 200]
    assert [order(always) for _ in range(3)] == [503, 503, 503]
    httpx.get(f"{service.url}/__heal/submit-503-always/times")
    assert order(always) == 200


def test_every_fault_is_listed(service):
    """The list names stage, wires and payment; an unknown name is refused with a word."""
    listed = httpx.get(f"{service.url}/__faults").json()

    assert {fault["name"] for fault in listed} == set(FAULTS)
    assert {fault["stage"] for fault in listed} == set(STAGES)
    assert all((fault["pays"] is None) == (fault["stage"] != "submit") for fault in listed)
    wrong = httpx.post(f"{service.url}/submit-nonsense/v1/music/generate", json=BODY)
    assert (wrong.status_code, "__faults" in wrong.text) == (404, True)


def test_it_runs_by_itself():
    """``python -m fault_service`` prints its address first, and serves."""
    command = [sys.executable, "-m", "fault_service", "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
    )
    try:
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/__paid").json() == {}
    finally:
        process.kill()
        process.communicate(timeout=10)


# -- what the faults have found ------------------------------------------------------------------


def _packed(text: bytes):
    body = gzip.compress(text, 1)
    headers = {"Content-Encoding": "gzip"}
    stream = httpx.ByteStream(body)
    return lambda _: httpx.Response(200, headers=headers, stream=stream)


async def _ask(handle):
    wire = Transport(
        base_url="https://gateway.example/v1",
        key=SecretStr(KEY),
        transport=httpx.MockTransport(handle),
    )
    return await wire.send(Call("GET", "/music/generate/task_1", carries_audio=True))


@pytest.mark.anyio
async def test_a_bomb_below_the_large_cap_is_not_unpacked():
    """200 MB in 200 kB used to be unpacked with every question about a job."""
    with pytest.raises(ConnectionFailed, match="larger than"):
        await _ask(_packed(bytes(200_000_000)))


@pytest.mark.anyio
async def test_a_large_answer_that_packs_as_audio_does_is_read():
    """12 MB of text with a recording in it come through."""
    text = json.dumps({"audio_base64": random.Random(1).randbytes(6_000_000).hex()}).encode()

    assert (await _ask(_packed(text))).body == text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ReadTimeout(""), "no answer in time"),
        (httpx.ReadError("[Errno 104] Connection reset by peer"), "broke (Connection reset by"),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), "closed"),
        (httpx.RemoteProtocolError("illegal chunk header: bytearray(b'zz')"), "is not HTTP"),
        (
            httpx.ConnectError(
                "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has "
                "expired (_ssl.c:1006)"
            ),
            "no connection (certificate verify failed: certificate has expired)",
        ),
        (OSError(-2, "Name or service not known"), "not be found (Name or service not known)"),
        (KeyError("a given transport"), "KeyError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_broken_connection_is_said_in_words(error, words):
    """No class of a library, no number of an error, no place in its code."""
    said = in_words(error)

    assert words in said
    if not isinstance(error, KeyError):
        assert not any(odd in said for odd in ("Error", "Errno", "_ssl", "bytearray", "Timeout"))
