"""More peers for ``bench_scale.py``: many jobs at once by clients that speak another API.

::

    scale_peers.py SIDE URL JOBS PAUSE      # prints what it took, as JSON

Run with the interpreter of the peer's own environment: ``peers.run(name, "scale_peers.py", …)``.
Each is driven by the general request function that all its routes use (``fault_sides.py`` names
them), asynchronous ones with a gate of eight requests in flight like bare httpx, others with a
thread for each job. One job first warms up and does not count.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from scale_sides import GATE, KEY, Run, body_of

Ask = Callable[[str, str, Any], Awaitable[Any]]
"""Method, path, body; gives the answer as JSON."""


async def gated(ask: Ask, run: Run, n: int, pause: float) -> None:
    """Do all jobs on one event loop."""
    gate = asyncio.Semaphore(GATE)

    async def job(number: int) -> None:
        async with gate:
            answer = await ask("POST", "/music/generate", body_of(number))
        address = f"/music/generate/{answer['id']}"
        while answer["status"] != "completed":
            await asyncio.sleep(pause)
            async with gate:
                answer = await ask("GET", address, None)

    await job(-1)
    with run:
        ticking = asyncio.ensure_future(run.tick())
        await asyncio.gather(*(job(number) for number in range(n)))
        ticking.cancel()


def openai_side(run: Run, url: str, n: int, pause: float) -> None:
    """openai's asynchronous client."""
    from openai import AsyncOpenAI

    async def all_of_them() -> None:
        async with AsyncOpenAI(api_key=KEY, base_url=url, timeout=60.0) as client:

            async def ask(method: str, path: str, body: Any) -> Any:
                if method == "POST":
                    return await client.post(path, cast_to=object, body=body)
                return await client.get(path, cast_to=object)

            await gated(ask, run, n, pause)

    asyncio.run(all_of_them())


def replicate_side(run: Run, url: str, n: int, pause: float) -> None:
    """replicate's asynchronous requests."""
    import httpx
    from replicate.client import Client

    client = Client(KEY, base_url=url, timeout=httpx.Timeout(60.0))

    async def ask(method: str, path: str, body: Any) -> Any:
        return (await client._async_request(method, path, json=body)).json()

    asyncio.run(gated(ask, run, n, pause))


def fal_side(run: Run, url: str, n: int, pause: float) -> None:
    """fal-client's asynchronous ``run``, its host replaced."""
    import fal_client.client

    fal_client.client.RUN_URL_FORMAT = f"{url}/"

    async def all_of_them() -> None:
        client = fal_client.AsyncClient(key=KEY)

        async def ask(method: str, path: str, body: Any) -> Any:
            return await client.run(path.lstrip("/"), body or {}, method=method, timeout=60.0)

        await gated(ask, run, n, pause)

    asyncio.run(all_of_them())


def musicapi_side(run: Run, url: str, n: int, pause: float) -> None:
    """musicapi-sdk, which has no asynchronous side: a thread for each job."""
    from musicapi._http import HttpClient

    client = HttpClient(KEY, url, timeout=60.0)

    def job(number: int) -> None:
        answer = client.request("POST", "/music/generate", body=body_of(number))[1]
        address = f"/music/generate/{answer['id']}"
        while answer["status"] != "completed":
            time.sleep(pause)
            answer = client.request("GET", address)[1]

    job(-1)
    with run:
        threads = [threading.Thread(target=job, args=(number,)) for number in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


SIDES: dict[str, Callable[[Run, str, int, float], None]] = {
    "openai": openai_side,
    "replicate": replicate_side,
    "fal-client": fal_side,
    "musicapi-sdk": musicapi_side,
}


def main() -> None:
    """Run one side and print what it took."""
    name, url, n, pause = sys.argv[1:5]
    run = Run(url, int(n))
    SIDES[name](run, url, int(n), float(pause))
    print(run)


if __name__ == "__main__":
    main()
