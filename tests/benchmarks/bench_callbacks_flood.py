"""What a flood of forged callbacks does to the process that listens for real ones.

Run it as a command of its own; it exits with 1 where a target is missed (with ``chrt -r 1``
before it where others use the machine, too: they make any loop late)::

    python tests/benchmarks/bench_callbacks_flood.py [seconds]

A listener runs on the engine, as in a kernel. Another process sends 1,000 requests a second to it
over 20 connections: to tokens nobody gave out; to one that is known (somebody reads the address
in a log), with sane JSON and with hostile JSON; and with a new connection for each request.
First nobody sends, to show the machine as it is. Meanwhile both event loops of the kernel, the
engine's and its own, tick each 5 ms and note how late they are; once a second a real callback comes
in, and is timed from the sender to the one who waits for it. Memory is the resident set, at its
height in the second and in the last fifth of the flood.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

from figures import Figure, arguments, is_quick, run_alone

import phaseo_nb as nb
from phaseo_nb.callbacks import Mailbox, Spool, hash_of, new_token
from phaseo_nb.callbacks.listener import CallbackListener
from phaseo_nb.engine import engine

RATE, SECONDS, N_CONNECTIONS, TICK = 1000, 10.0, 20, 0.005
LAG_TARGET, GROWTH_TARGET, NOTICE_TARGET = 50.0, 4.0, 0.2  # milliseconds, MB, seconds
SANE = b'[{"id": "a1", "status": "complete", "audio_url": "https://evil.example/a.mp3"}]'
HOSTILE = b"[" + b"[]," * 2000 + b"[" * 500
NOBODY = "nobody, the machine as it is"
KINDS = {
    NOBODY: ("none", SANE, False),
    "unknown tokens": ("unknown", SANE, False),
    "a known token": ("known", SANE, False),
    "a known token, hostile JSON": ("known", HOSTILE, False),
    "unknown tokens, new connections": ("unknown", SANE, True),
}


# -- the sender, a process of its own --------------------------------------------------------------


async def flood(port: int, token: str, body: bytes, is_new: bool, seconds: float) -> list[int]:
    """Send, and return the statuses that came back."""
    statuses: list[int] = []
    end = time.monotonic() + seconds

    async def go_on(number: int) -> None:
        streams = None
        due = time.monotonic() + number / RATE
        while due < end:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += N_CONNECTIONS / RATE
            if streams is None:
                streams = await asyncio.open_connection("127.0.0.1", port)
            reader, writer = streams
            path = token or new_token()
            head = f"POST /cb/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            first = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            size = int(first.split("content-length: ")[1].split("\r\n")[0])
            await reader.readexactly(size)
            statuses.append(int(first.split()[1]))
            if is_new:
                writer.close()
                streams = None

    await asyncio.gather(*(go_on(number) for number in range(N_CONNECTIONS)))
    return statuses


def send(port: str, token: str, kind: str, seconds: str) -> None:
    _, body, is_new = KINDS[kind]
    statuses = asyncio.run(flood(int(port), token, body, is_new, float(seconds)))
    print({status: statuses.count(status) for status in sorted(set(statuses))})


# -- the listening kernel --------------------------------------------------------------------------


async def tick(late: list[float], end: float) -> None:
    """Note how late each tick of this loop is."""
    while time.monotonic() < end:
        due = time.monotonic() + TICK
        await asyncio.sleep(TICK)
        late.append(time.monotonic() - due)


def resident() -> float:
    """Return the memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


async def watch_memory(seen: list[tuple[float, float]], begun: float, end: float) -> None:
    while time.monotonic() < end:
        seen.append((time.monotonic() - begun, resident()))
        await asyncio.sleep(0.1)


async def hear(box: Mailbox, sha256: str, heard: list[float]) -> None:
    async with aclosing(box.letters(sha256)) as letters:
        async for _ in letters:
            heard.append(time.monotonic())


async def knock(port: int, token: str) -> None:
    """Send one real callback, as the service would: on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /cb/{token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(SANE)}\r\n\r\n".encode() + SANE)
    await reader.read()
    writer.close()


async def knock_now_and_then(port: int, token: str, sent: list[float], end: float) -> None:
    while time.monotonic() < end - 1:
        await asyncio.sleep(1.0)
        sent.append(time.monotonic())
        await knock(port, token)


def warm_up(port: int, spool: Spool) -> None:
    """Have loaded what a session has loaded by the time it sends an order."""
    token, heard = new_token(), [0.0]
    spool.expect(hash_of(token), time.time() + 60)
    waiting = engine.submit(hear(Mailbox(spool), hash_of(token), heard))
    while len(heard) < 4:
        asyncio.run(knock(port, token))
        time.sleep(0.1)
    waiting.cancel()


def flood_once(kind: str, seconds: float) -> tuple[float, float, int, float]:
    """Flood once and print what it did; returns lag, growth, what was not heard, worst notice."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        known, real = new_token(), new_token()
        for token in (known, real):
            spool.expect(hash_of(token), time.time() + 600)
        with CallbackListener(nb.callback_app(spool=folder)) as listener:
            warm_up(listener.port, spool)
            token = known if KINDS[kind][0] == "known" else ""
            command = [sys.executable, __file__, "--send", str(listener.port), token, kind]
            if kind == NOBODY:
                command = [sys.executable, "-c", "print('none')"]
            sender = subprocess.Popen([*command, str(seconds)], stdout=subprocess.PIPE, text=True)
            begun = time.monotonic()
            end = begun + seconds
            lates: tuple[list[float], list[float]] = ([], [])
            memory: list[tuple[float, float]] = []
            sent: list[float] = []
            heard: list[float] = []
            cpu = time.process_time()
            waiting = engine.submit(hear(Mailbox(spool), hash_of(real), heard))
            ticking = engine.submit(tick(lates[0], end))

            async def kernel() -> None:
                await asyncio.gather(
                    tick(lates[1], end),
                    watch_memory(memory, begun, end),
                    knock_now_and_then(listener.port, real, sent, end),
                )

            asyncio.run(kernel())
            ticking.result()
            cpu = (time.process_time() - cpu) / seconds
            answers = sender.communicate(timeout=30)[0].strip()
            time.sleep(0.2)
            waiting.cancel()
    notices = [b - a for a, b in zip(sent, heard, strict=False)]
    part = seconds / 5
    before = max(mb for at, mb in memory if part <= at < 2 * part)
    after = max(mb for at, mb in memory if at >= 4 * part)
    lag = max(map(max, lates))
    print(f"{kind}: answers {answers}, {cpu:.0%} of a core")
    for name, late in zip(("engine's loop", "kernel's loop"), lates, strict=True):
        p99 = statistics.quantiles(late, n=100)[98]
        print(f"  {name}: late by {max(late) * 1e3:.1f} ms at most, p99 {p99 * 1e3:.1f} ms")
    print(f"  memory: {before:.1f} MB, then {after:.1f} MB")
    print(f"  real callbacks: {len(heard)} of {len(sent)}, slowest {max(notices) * 1e3:.0f} ms")
    return lag * 1e3, after - before, len(sent) - len(heard), max(notices)


def measure() -> list[Figure]:
    """Flood in every way; each value is one way's."""
    given = arguments()
    seconds = float(given[0]) if given else 3.0 if is_quick() else SECONDS
    quiet, *floods = (flood_once(kind, seconds) for kind in KINDS)
    lags, growths, losses, notices = (list(values) for values in zip(*floods, strict=True))
    idle = f"without a flood {quiet[0]:.1f} ms: the machine as it is"
    late, grown, slow = "loop late in a flood, worst", "memory grown in a flood", "callback noticed"
    return [
        Figure(late, "ms", [max(lags)], target=f"<= {LAG_TARGET:g}", note=idle),
        Figure(f"{grown}, worst", "MB", [max(growths)], target=f"<= {GROWTH_TARGET:g}"),
        Figure("callbacks lost in a flood", "", [sum(losses)], target="<= 0"),
        Figure(f"{slow} in a flood, worst", "s", [max(notices)], target=f"<= {NOTICE_TARGET:g}"),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--send"]:
        send(*sys.argv[2:])
    else:
        sys.exit(run_alone(measure))
