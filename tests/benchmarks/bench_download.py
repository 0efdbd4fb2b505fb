"""How fast a recording of 50 MB comes, and what it takes of memory, beside bare httpx.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_download.py

A server in a process of its own sends the same bytes to both, on loopback; they take turns, each
writing to a file. Bare httpx is the shortest loop that does it: ``stream``, ``aiter_raw``,
``write``. Ours is ``MusicClient.download``, which besides checks the address, what comes and how
fast it comes, can go on after a cut, and has the file on the disk for good before it says so: it
is compared with an httpx that waits for the disk, too, and then with one that does not. Memory is
the growth of the highest mark of a fresh process, from just before the download to after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
from figures import Figure, is_quick, run_alone

import phaseo_nb as nb

SIZE = 50_000_000
KEY = "phaseo_v1_sk_bench_nobodys"


def measure() -> list[Figure]:
    """Return the figures."""
    turns = 2 if is_quick() else 15
    with server() as url, tempfile.TemporaryDirectory(prefix="bench-download-") as folder:
        speeds = asyncio.run(take_turns(url, Path(folder), turns))
        growth = {side: grown(side, url, folder, 1 if is_quick() else 5) for side in SIDES}
    return [
        Figure(
            "50 MB into a file, on the disk for good", "MB/s", speeds["ours"],
            {"httpx and fsync": speeds["httpx and fsync"]}, ">= 0.85x httpx and fsync", "higher",
        ),
        Figure(
            "50 MB beside an httpx that does not wait for the disk", "MB/s", speeds["ours"],
            {"httpx": speeds["httpx"]}, "", "higher",
        ),
        Figure(
            "memory for 50 MB", "MB", growth["ours"], {"httpx": growth["httpx"]}, "<= 8",
        ),
    ]  # fmt: skip


# -- the sides -------------------------------------------------------------------------------------

Download = Callable[[Path], Awaitable[None]]


@contextlib.asynccontextmanager
async def ours(url: str) -> AsyncIterator[Download]:
    """Download as a notebook does."""
    async with nb.MusicClient("phaseo", base_url=url, api_key=KEY) as client:

        async def download(path: Path) -> None:
            await client.download(nb.Track(0, audio_url=f"{url}/song.wav"), path)

        yield download


@contextlib.asynccontextmanager
async def bare(url: str) -> AsyncIterator[Download]:
    """Download as one would by hand."""
    async with httpx.AsyncClient() as client:

        async def download(path: Path) -> None:
            async with client.stream("GET", f"{url}/song.wav") as response:
                with path.open("wb") as file:
                    async for chunk in response.aiter_raw():
                        file.write(chunk)

        yield download


@contextlib.asynccontextmanager
async def bare_for_good(url: str) -> AsyncIterator[Download]:
    """Download by hand, and wait for the disk."""
    async with bare(url) as bare_download:

        async def download(path: Path) -> None:
            await bare_download(path)
            with path.open("rb") as file:
                await asyncio.to_thread(os.fsync, file.fileno())

        yield download


SIDES = {"ours": ours, "httpx": bare, "httpx and fsync": bare_for_good}


async def take_turns(url: str, folder: Path, turns: int) -> dict[str, list[float]]:
    """Return MB/s of each side; the first round only warms up."""
    speeds: dict[str, list[float]] = {name: [] for name in SIDES}
    async with contextlib.AsyncExitStack() as stack:
        sides = {name: await stack.enter_async_context(SIDES[name](url)) for name in SIDES}
        for turn in range(turns + 1):
            for name, download in sides.items():
                path = folder / "song.wav"
                path.unlink(missing_ok=True)
                begin = time.perf_counter()
                await download(path)
                seconds = time.perf_counter() - begin
                assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256()
                if turn:
                    speeds[name].append(SIZE / 1e6 / seconds)
    return speeds


def grown(side: str, url: str, folder: str, turns: int) -> list[float]:
    """Return by how many MB fresh processes grow that download once."""
    command = [sys.executable, __file__, "--grow", side, url, f"{folder}/{side}.wav"]
    kept = {**os.environ, "PHASEO_NB_HOME": folder}
    return [float(subprocess.check_output(command, env=kept)) for _ in range(turns)]


async def grow(side: str, url: str, path: Path) -> float:
    """Download a little, look, download 50 MB, look again."""
    async with SIDES[side](f"{url}/short") as download:
        await download(path)  # what is loaded at first use is no growth
        async with SIDES[side](url) as download_all:
            begin_mark()
            before = memory_mb("VmRSS")
            await download_all(path)
            return max(memory_mb("VmHWM") - before, 0.0)


def begin_mark() -> None:
    """Have Linux note the highest memory anew."""
    Path("/proc/self/clear_refs").write_text("5")


def memory_mb(name: str) -> float:
    """Return what Linux says of this process: what it holds, or the most that it held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


# -- the server ------------------------------------------------------------------------------------


def song(size: int) -> bytes:
    """Return a WAV file of some noise."""
    noise = hashlib.shake_128(b"phaseo").digest(1_000_003)
    data = (noise * (size // len(noise) + 1))[: size - 44]
    head = b"RIFF" + (size - 8).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    head += bytes.fromhex("01000200 44ac0000 10b10200 0400 1000")
    return head + b"data" + len(data).to_bytes(4, "little") + data


@functools.cache
def sha256() -> str:
    """Return the hash of what must come."""
    return hashlib.sha256(song(SIZE)).hexdigest()


async def serve() -> None:
    """Send the song to whoever asks, until standard input ends."""
    long, short = song(SIZE), song(100_000)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                body = short if b"/short/" in asked.split(b"\r\n")[0] else long
                head = f'HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nETag: "1"\r\n\r\n'
                writer.write(head.encode())
                for at in range(0, len(body), 1 << 18):
                    writer.write(memoryview(body)[at : at + (1 << 18)])
                    await writer.drain()
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(json.dumps(listener.sockets[0].getsockname()[1]), flush=True)
    await asyncio.to_thread(sys.stdin.read)


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run the server in a process of its own; yield its address."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{json.loads(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait(10)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve())
    elif sys.argv[1:2] == ["--grow"]:
        print(asyncio.run(grow(sys.argv[2], sys.argv[3], Path(sys.argv[4]))))
    else:
        sys.exit(run_alone(measure))
