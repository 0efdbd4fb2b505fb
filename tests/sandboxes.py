"""What the sandbox's tests share: a client without our client, and a job from start to end."""

from __future__ import annotations

import httpx

from phaseo_nb.sandbox import KEY, Sandbox

BEARER = {"Authorization": f"Bearer {KEY}"}
BAND = {"model": "sandbox/band", "prompt": "a slow harbour waltz", "duration": 2}
SUNO = {"model": "suno/v4.5", "prompt": "a slow harbour waltz"}
GENERATE = "/v1/music/generate"


def http(sandbox: Sandbox, **headers: str) -> httpx.AsyncClient:
    """Return a plain HTTP client, as somebody else would write one."""
    sent = httpx.Headers(BEARER)
    sent.update(headers)
    return httpx.AsyncClient(
        transport=sandbox.transport,
        base_url="https://api.phaseo.app",
        headers=sent,
    )


async def submit(client: httpx.AsyncClient, body: dict) -> dict:
    answer = await client.post(GENERATE, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def status(client: httpx.AsyncClient, job_id: str) -> dict:
    answer = await client.get(f"{GENERATE}/{job_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def finished(sandbox: Sandbox, client: httpx.AsyncClient, body: dict) -> dict:
    """Submit to a sandbox with a manual clock and return the finished job."""
    job = await submit(client, body)
    sandbox.advance(5)
    return await status(client, job["id"])


async def audio(client: httpx.AsyncClient, job: dict, index: int = 0) -> bytes:
    answer = await client.get(job["output"][index]["audio_url"])
    assert answer.status_code == 200, answer.text
    return answer.content
