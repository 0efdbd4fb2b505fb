"""A very fast music service, in a process of its own, that counts what is paid; stdlib alone.

It speaks the Phaseo wire: ``POST /v1/music/generate``, ``GET /v1/music/generate/{id}`` and the
audio, one second of it, no two alike (:func:`sound_of`). Every job takes ``seconds``. Above
``limit`` orders within one second of its clock it answers 429 with ``Retry-After``, unpaid.
``GET /_count`` tells what happened; ``POST /_set`` changes ``seconds`` and ``limit``.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import threading
import time
from collections import Counter, deque
from http import HTTPStatus
from typing import Any

from grounds.processes import live

_RATE = 8000
_TONE = b"".join(struct.pack("<h", (n * 37) % 16_000 - 8_000) for n in range(_RATE - 8))


def sound_of(number: int) -> bytes:
    """Return the WAV of the job ``task_<number>``: one second, 8 kHz, mono."""
    samples = b"".join(struct.pack("<h", number >> shift & 0xFF) for shift in range(0, 64, 8))
    size = 2 * _RATE
    head = struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE")
    head += struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, _RATE, 2 * _RATE, 2, 16)
    return head + struct.pack("<4sI", b"data", size) + samples + _TONE


class Books:
    """What the service knows."""

    def __init__(self, seconds: float, limit: float) -> None:
        self.seconds, self.limit = seconds, limit
        self.began = time.monotonic()
        self.jobs: list[float] = []
        """When each job is done; its place is its number."""
        self.forget()

    def forget(self) -> None:
        """Begin to count anew; numbers of jobs go on."""
        self.orders: Counter[str] = Counter()
        self.arrivals: list[float] = []
        self.by_second: dict[str, Counter[int]] = {}
        self.refused = 0
        self.at_once: deque[float] = deque()
        self.most_at_once = 0

    def note(self, kind: str) -> int:
        """Count a request and return how many of its kind came within this second."""
        second = int(time.monotonic() - self.began)
        counts = self.by_second.setdefault(kind, Counter())
        counts[second] += 1
        return counts[second]

    def order(self, prompt: str) -> int:
        """Take an order and return its number."""
        now = time.monotonic()
        self.orders[prompt] += 1
        self.arrivals.append(round(now - self.began, 4))
        while self.at_once and self.at_once[0] <= now:
            self.at_once.popleft()
        self.at_once.append(now + self.seconds)
        self.most_at_once = max(self.most_at_once, len(self.at_once))
        self.jobs.append(now + self.seconds)
        return len(self.jobs) - 1

    def told(self) -> dict[str, Any]:
        """Return everything that was counted."""
        names = ("orders", "arrivals", "refused", "by_second", "most_at_once")
        return {name: getattr(self, name) for name in names}


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with as little work as it can be done with."""

    def __init__(self, books: Books, url: str) -> None:
        self.books, self.url = books, url
        self.data = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        while True:
            head, found, rest = self.data.partition(b"\r\n\r\n")
            if not found:
                return
            lower = head.lower()
            size = int(lower.partition(b"\r\ncontent-length:")[2].split(b"\r\n")[0] or b"0")
            if len(rest) < size:
                return
            body, self.data = rest[:size], rest[size:]
            method, path, _ = head.decode("latin-1").split(" ", 2)
            self.say(*self.answer(method, path, body))
            if b"\r\nconnection: close" in lower:
                self.transport.close()
                return

    def say(self, status: int, body: Any, more: str = "") -> None:
        kind = "audio/wav" if isinstance(body, bytes) else "application/json"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        opening = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {kind}\r\n"
        opening += f"{more}Content-Length: {len(data)}\r\n\r\n"
        self.transport.write(opening.encode() + data)

    def answer(self, method: str, path: str, body: bytes) -> tuple:
        name = path.rpartition("/")[2]
        if path.startswith("/_"):
            return 200, self.control(name, body)
        if method == "POST" and name == "generate":
            return self.order(body)
        number = _number(name)
        if not 0 <= number < len(self.books.jobs):
            return 404, {"error": "not_found"}
        if name.endswith(".wav"):
            self.books.note("downloads")
            return 200, sound_of(number)
        self.books.note("polls")
        return 200, self.state(number)

    def control(self, name: str, body: bytes) -> Any:
        if name == "_set":
            vars(self.books).update(json.loads(body))
        elif name == "_forget":
            self.books.forget()
        return self.books.told()

    def order(self, body: bytes) -> tuple:
        if self.books.note("posts") > self.books.limit:
            self.books.refused += 1
            busy = {"error": "rate_limited", "reason": "too many orders"}
            return 429, busy, "Retry-After: 1\r\n"
        order = json.loads(body)
        number = self.books.order(order["prompt"])
        provider = str(order.get("model")).partition("/")[0]
        facts = {"requestId": f"G-{number}", "id": f"task_{number}", "object": "music"}
        facts |= {"status": "queued", "provider": provider, "model": order.get("model")}
        cents = 15 if provider == "minimax" else 6
        return 200, facts | {"cost_nanos": cents * 10**7, "cost_cents": cents, "currency": "USD"}

    def state(self, number: int) -> dict[str, Any]:
        is_done = time.monotonic() >= self.books.jobs[number]
        facts = {"id": f"task_{number}", "object": "music"}
        if not is_done:
            return facts | {"status": "in_progress", "output": []}
        track = {"index": 0, "id": f"c{number}", "title": f"Tide {number}", "duration": 1.0}
        track["audio_url"] = f"{self.url}/v1/audio/{number}.wav"
        return facts | {"status": "completed", "output": [track]}


def _number(name: str) -> int:
    digits = name.removeprefix("task_").removesuffix(".wav")
    return int(digits) if digits.isdecimal() else -1


async def _listen(books: Books, ready: Any) -> None:
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: _Connection(books, ready.url), "127.0.0.1", 0, backlog=512
    )
    ready.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    ready.set()
    await listener.serve_forever()


def _serve(seconds: float, limit: float) -> None:
    ready = threading.Event()
    listening = _listen(Books(seconds, limit), ready)
    threading.Thread(target=asyncio.run, args=(listening,), daemon=True).start()
    ready.wait()
    live({"url": ready.url})


if __name__ == "__main__":
    _serve(*map(float, sys.argv[1:]))
