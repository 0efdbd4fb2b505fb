"""A service and those who use it, each in a process of its own; see ``bench_scale.py``.

::

    scale_sides.py service SECONDS                    # prints its base URL, serves until killed
    scale_sides.py SIDE URL JOBS PAUSE                # prints what it took, as JSON

Only the standard library is imported here; each side imports what it is about.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

MODEL = "suno/v4.5"
KEY = "phaseo_v1_sk_abcdef123456_topsecretvalue99"
GATE = 8
TICK = 0.01
AUDIO = bytes(44_100)  # half a second of silence


# -- the service -----------------------------------------------------------------------------------


class Service(asyncio.Protocol):
    """One connection; HTTP/1.1 with as little work as it can be done with."""

    jobs: ClassVar[dict[str, float]] = {}
    counts: ClassVar[dict[str, int]] = {"posts": 0, "polls": 0, "audio": 0}
    seconds = 5.0

    def connection_made(self, transport: Any) -> None:
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while True:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0].strip()
            size = int(length or b"0")
            if len(rest) < size:
                return
            self._data = rest[size:]
            method, path, _ = head.split(b" ", 2)
            kind, body = self._answer(method.decode(), path.decode())
            opening = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
            self._transport.write(opening % (kind, len(body)) + body)
            if b"connection: close" in head.lower():
                self._transport.close()
                return

    def _answer(self, method: str, path: str) -> tuple[bytes, bytes]:
        name = path.rpartition("/")[2]
        if path.startswith("/audio/"):
            self.counts["audio"] += 1
            return b"audio/wav", wav(name)
        if path == "/counts":
            counts = {**self.counts}
            self.counts.update(dict.fromkeys(counts, 0))
            return b"application/json", json.dumps(counts).encode()
        if method == "POST":
            self.counts["posts"] += 1
            name = f"task_{os.urandom(8).hex()}"
            self.jobs[name] = time.monotonic() + self.seconds
            return b"application/json", self._state(name, "queued")
        self.counts["polls"] += 1
        is_done = time.monotonic() >= self.jobs[name]
        return b"application/json", self._state(name, "completed" if is_done else "in_progress")

    def _state(self, name: str, status: str) -> bytes:
        host, port = self._transport.get_extra_info("sockname")[:2]
        track = {
            "index": 0,
            "id": f"clip-{name}",
            "title": "Harbour tide",
            "tags": "waltz, 90 bpm, accordion",
            "duration": 0.5,
            "audio_url": f"http://{host}:{port}/audio/{name}",
        }
        body = {
            "object": "music",
            "id": name,
            "requestId": f"G-{name}",
            "status": status,
            "provider": "suno",
            "model": "V4_5",
            "cost_nanos": 60_000_000,
            "cost_cents": 6,
            "currency": "USD",
            "output": [track] if status == "completed" else [],
        }
        return json.dumps(body).encode()


def wav(name: str) -> bytes:
    """Return a recording that no other job has."""
    samples = name.encode().ljust(64, b"\0") + AUDIO[64:]
    rate, size = 44_100, len(samples)
    numbers = [(16, 4), (1, 2), (1, 2), (rate, 4), (2 * rate, 4), (2, 2), (16, 2)]
    form = b"".join(number.to_bytes(width, "little") for number, width in numbers)
    content = b"WAVEfmt " + form + b"data" + size.to_bytes(4, "little") + samples
    return b"RIFF" + len(content).to_bytes(4, "little") + content


async def serve(seconds: float) -> None:
    """Serve on loopback until the process is ended; at most half an hour."""
    Service.seconds = seconds
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Service, "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.sleep(1800)


# -- what a run takes ------------------------------------------------------------------------------


class Run:
    """Measures what is done inside ``with``: wall, CPU, memory, how late the event loop is."""

    def __init__(self, url: str, n: int) -> None:
        self._url, self._n = url, n
        self.lag = 0.0
        self.more: dict[str, float] = {}

    def _counts(self) -> dict[str, int]:
        with urllib.request.urlopen(self._url.removesuffix("/v1") + "/counts") as answer:
            return dict(json.load(answer))

    def __enter__(self) -> Run:
        self._counts()
        self._memory = memory_mb()
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        self.memory = max(memory_mb(), peak_mb()) - self._memory
        self.counts = self._counts()

    async def tick(self) -> None:
        """Note how late this event loop wakes, for ever."""
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            self.lag = max(self.lag, time.perf_counter() - due)

    def __str__(self) -> str:
        facts = {
            "wall": self.wall,
            "cpu_ms": self.cpu / self._n * 1e3,
            "lag": self.lag,
            "memory": self.memory,
            "polls": self.counts["polls"] / self._n,
            "posts": self.counts["posts"] / self._n,
            **self.more,
        }
        return json.dumps(facts)


def memory_mb() -> float:
    """Return the memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def peak_mb() -> float:
    """Return the most memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def body_of(n: int) -> dict[str, str]:
    """Return a request of usual size."""
    return {"model": MODEL, "prompt": f"a slow harbour waltz with accordion, number {n}"}


# -- peers -----------------------------------------------------------------------------------------


async def httpx_loop(run: Run, url: str, n: int, pause: float) -> None:
    """Use httpx by hand: one client, eight requests at a time, a fixed pause."""
    import httpx

    gate = asyncio.Semaphore(GATE)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(headers=headers, timeout=60.0) as client:

        async def job(number: int) -> None:
            async with gate:
                answer = await client.post(f"{url}/music/generate", json=body_of(number))
            answer.raise_for_status()
            address = f"{url}/music/generate/{answer.json()['id']}"
            while True:
                await asyncio.sleep(pause)
                async with gate:
                    answer = await client.get(address)
                answer.raise_for_status()
                if answer.json()["status"] == "completed":
                    return

        await job(-1)
        with run:
            ticking = asyncio.ensure_future(run.tick())
            await asyncio.gather(*(job(number) for number in range(n)))
            ticking.cancel()


def phaseo_threads(run: Run, url: str, n: int, pause: float) -> None:
    """Use the official SDK: a thread for each job, a fixed pause."""
    from gen import operations
    from gen.client import Client

    client = Client(url, headers={"Authorization": f"Bearer {KEY}"})

    def job(number: int) -> None:
        answer = operations.generateMusic(client, body=body_of(number))
        while True:
            time.sleep(pause)
            state = operations.getMusicGeneration(client, path={"music_id": answer["id"]})
            if state["status"] == "completed":
                return

    job(-1)
    with run:
        threads = [threading.Thread(target=job, args=(number,)) for number in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


# -- we --------------------------------------------------------------------------------------------


async def client_alone(run: Run, url: str, n: int, pause: float, *, audio: bool = False) -> None:
    """Submit and wait, without a library; a pause of 0 leaves the rhythm to the client."""
    from itertools import repeat

    from phaseo_nb.client import MusicClient

    async with MusicClient("phaseo", api_key=KEY, base_url=url) as client:
        if pause:
            client.poll = lambda _: repeat(pause)

        async def job(number: int) -> None:
            request = body_of(number)
            done = await client.wait(await client.submit(request["prompt"], model=MODEL))
            if audio:
                await client.download(done.tracks[0], job=done)

        await job(-1)
        with run:
            ticking = asyncio.ensure_future(run.tick())
            await asyncio.gather(*(job(number) for number in range(n)))
            ticking.cancel()


def session(run: Run, url: str, n: int, pause: float) -> None:
    """Submit many and wait for their takes, as a notebook does; audio is kept, too."""
    import tempfile
    from itertools import repeat

    import phaseo_nb as nb
    from phaseo_nb.engine import engine
    from phaseo_nb.polling import schedule

    with tempfile.TemporaryDirectory() as home:
        mine = nb.connect("phaseo", api_key=KEY, base_url=url, library=home)
        # Asked closely first, so that the library learns how long they take.
        mine._client.poll = lambda _: repeat(0.2)
        for job in [submit(mine, -1 - number) for number in range(8)]:
            job.result()
        mine._client.poll = (lambda _: repeat(pause)) if pause else schedule
        mine._rhythm._known.clear()  # as if ten seconds had passed
        with run:
            ticking = engine.submit(run.tick())
            jobs = [submit(mine, number) for number in range(n)]
            run.more["submitted"] = time.perf_counter() - run._wall
            for job in jobs:
                job.result()
            ticking.cancel()
        mine.library.close()


def waiting(run: Run, url: str, n: int, pause: float) -> None:
    """Submit many jobs that do not end for a while; see what they take while they wait."""
    import tempfile
    from itertools import repeat

    import phaseo_nb as nb

    with tempfile.TemporaryDirectory() as home:
        mine = nb.connect("phaseo", api_key=KEY, base_url=url, library=home)
        mine._client.poll = lambda _: repeat(pause)
        with run:
            jobs = [submit(mine, number) for number in range(n)]
            while any(job.id is None for job in jobs):
                time.sleep(0.2)
            time.sleep(1.0)
            cpu, wall = time.process_time(), time.perf_counter()
            time.sleep(10.0)
            idle = (time.process_time() - cpu) / (time.perf_counter() - wall)
        run.more = {"idle_cpu": 100 * idle, "jobs": n}
        for job in jobs:
            job.stop_waiting()
        for job in jobs:
            with contextlib.suppress(nb.PhaseoError):
                job.result()
        mine.library.close()


def submit(session: Any, number: int) -> Any:
    """Submit one job."""
    import phaseo_nb as nb

    return nb.submit(body_of(number)["prompt"], model=MODEL, show=False, session=session)


async def client_with_audio(*given: Any) -> None:
    """Submit, wait and download, without a library."""
    await client_alone(*given, audio=True)


SIDES: dict[str, Callable[..., Any]] = {
    "httpx": httpx_loop,
    "phaseo": phaseo_threads,
    "client": client_alone,
    "client+audio": client_with_audio,
    "session": session,
    "waiting": waiting,
}


def main() -> None:
    """Run one side and print what it took."""
    import logging

    logging.disable(logging.WARNING)
    name, url, *numbers = sys.argv[1:]
    if name == "service":
        asyncio.run(serve(float(url)))
        return
    n, pause = int(numbers[0]), float(numbers[1])
    run = Run(url, n)
    done = SIDES[name](run, url, n, pause)
    if done is not None:
        asyncio.run(done)
    print(run)


if __name__ == "__main__":
    main()
