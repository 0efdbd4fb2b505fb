"""What stands between a client and a server on loopback, and gets in the way when told to.

::

    with Proxy(url) as proxy:                 # of a database, or of anything else over TCP
        connect(proxy.url(url))               # the same address, by way of the proxy
        proxy.delay = 2.0                     # each message waits so long; math.inf: for ever
        proxy.swallow_answers(to=b"COMMIT")   # it is done, and nobody hears of it
        proxy.cut(); proxy.refuse(); proxy.accept(); proxy.heal()

``HttpProxy`` knows requests as well: it counts them and answers a share of them itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_PORTS = {"postgresql": 5432, "postgres": 5432, "http": 80}
_MOST_HEAD = 2**20
_PIECE = 2**16


@dataclass(eq=False)
class _Pair:
    """A client, and the connection that was made to the server for it."""

    client: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    is_deaf: bool = False
    """Whether what the server says next is to be lost."""

    def cut(self) -> None:
        """Break the client's connection; what has been forwarded still reaches the server."""
        _reset(self.client[1])
        self.server[1].close()


class Proxy:
    """A proxy on a free port, from creation until :meth:`close`; also a context manager."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "127.0.0.1", parts.port or _PORTS[parts.scheme])
        self.heal()
        self.swallowed = 0
        """How many answers were lost."""
        self.waiting = 0
        """How many messages are being delayed."""
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task] = set()
        self._listener: asyncio.Server | None = None
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self.accept()

    def url(self, url: str) -> str:
        """Return an address as it is by way of this proxy."""
        parts = urlsplit(url)
        login, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{self.port}"))

    @property
    def open(self) -> int:
        """How many clients are connected."""
        return len(self._pairs)

    # -- what can be told --------------------------------------------------------------------------

    def heal(self) -> None:
        """Forward everything from now on; who was refused is let in by :meth:`accept`."""
        self.delay = 0.0
        """Seconds that each message of a client waits before it is forwarded."""
        self._left: int | None = None
        self._needle: bytes | None = None

    def cut(self) -> int:
        """Break all connections at once and return how many there were."""
        return self._do(self._cut())

    def cut_after(self, n_bytes: int) -> None:
        """Break all connections when clients have sent so many bytes more; these get through."""
        self._left = n_bytes

    def swallow_answers(self, to: bytes = b"") -> None:
        """Lose the next answer: to the next message, or to the next that holds ``to``.

        The message is forwarded. Once the server has answered, so when it is done, its answer is
        dropped and the connection is broken. It happens once.
        """
        self._needle = to

    def refuse(self) -> None:
        """Let nobody in any more; who is connected stays."""
        self._do(self._refuse())

    def accept(self) -> None:
        """Let clients in, at the same port."""
        self._do(self._accept())

    def close(self) -> None:
        """Stop; open connections are broken."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- in the loop -------------------------------------------------------------------------------

    def _do(self, what: Coroutine) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _accept(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(
                self._meet, "127.0.0.1", self.port, limit=_MOST_HEAD
            )
            self.port = self._listener.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            await asyncio.sleep(0)

    async def _cut(self) -> int:
        pairs = list(self._pairs)
        for pair in pairs:
            pair.cut()
        return len(pairs)

    async def _end(self) -> None:
        await self._refuse()
        await self._cut()
        if self._tasks:  # each ends by itself when its connections have
            await asyncio.wait(self._tasks, timeout=5)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            server = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
        else:
            await self._carry(_Pair((reader, writer), server))
        finally:
            self._tasks.discard(task)

    async def _carry(self, pair: _Pair) -> None:
        self._pairs.add(pair)
        ways = [asyncio.ensure_future(way) for way in (self._up(pair), self._down(pair))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._pairs.discard(pair)
            for _, writer in (pair.client, pair.server):
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _up(self, pair: _Pair) -> None:
        while data := await pair.client[0].read(_PIECE):
            await self._forward(pair, data)

    async def _down(self, pair: _Pair) -> None:
        while data := await pair.server[0].read(_PIECE):
            if pair.is_deaf:
                self.swallowed += 1
                pair.cut()
                return
            pair.client[1].write(data)
            await pair.client[1].drain()

    async def _forward(self, pair: _Pair, data: bytes) -> None:
        """Send what a client said on to the server, as far as it gets."""
        waits_since = self._loop.time()
        self.waiting += 1
        try:
            while self._loop.time() < waits_since + self.delay:  # noqa: ASYNC110 - it may change
                await asyncio.sleep(min(0.01, self.delay))
        finally:
            self.waiting -= 1
        if self._needle is not None and self._needle in data:
            pair.is_deaf, self._needle = True, None
        is_last = self._left is not None and len(data) >= self._left
        if self._left is not None:
            data = data[: self._left]
            self._left = None if is_last else self._left - len(data)
        pair.server[1].write(data)
        await pair.server[1].drain()
        if is_last:
            await self._cut()


@dataclass
class _Failing:
    """Which requests are answered by the proxy itself."""

    fraction: float = 0.0
    seed: int = 0
    methods: tuple[str, ...] = ()
    status: int = 503
    headers: str = ""
    asked: Counter[str] = field(default_factory=Counter)

    def takes(self, method: str, path: str) -> bool:
        """Decide by what is asked and how often it was: not by the order of clients."""
        if method not in self.methods or self.fraction <= 0:
            return False
        what = f"{self.seed} {method} {path}"
        self.asked[what] += 1
        digest = hashlib.sha256(f"{what} {self.asked[what]}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < self.fraction * 2**64


class HttpProxy(Proxy):
    """A proxy that understands HTTP/1.1 as far as it takes to count and to fail requests."""

    def __init__(self, target: str) -> None:
        self.requests: Counter[str] = Counter()
        """How many came, by method."""
        self.failed: Counter[str] = Counter()
        """How many of these were never forwarded."""
        super().__init__(target)

    def heal(self) -> None:
        """Forward everything from now on."""
        super().heal()
        self._failing = _Failing()

    def fail(
        self,
        fraction: float,
        *,
        seed: int = 0,
        methods: tuple[str, ...] = ("PUT",),
        status: int = 503,
        headers: str = "",
    ) -> None:
        """Answer a share of the requests with an error, the same ones for the same seed.

        A request that is sent again is decided anew. ``headers`` are lines such as
        ``"Retry-After: 1\\r\\n"``.
        """
        self._failing = _Failing(fraction, seed, methods, status, headers)

    async def _up(self, pair: _Pair) -> None:
        reader = pair.client[0]
        with contextlib.suppress(asyncio.IncompleteReadError):  # the client has left
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, path, headers = _read_head(head)
                self.requests[method] += 1
                if self._failing.takes(method, path):
                    self.failed[method] += 1
                    if not await self._answer(pair, headers):
                        return
                    continue
                await self._forward(pair, head)
                async for piece in _body(reader, headers):
                    await self._forward(pair, piece)

    async def _answer(self, pair: _Pair, headers: dict[str, str]) -> bool:
        """Say the error; return whether the connection is good for another request."""
        goes_on = "expect" not in headers  # a client that waits for a word sends no body now
        if goes_on:
            async for _ in _body(pair.client[0], headers):
                pass
        body = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
        closing = "" if goes_on else "Connection: close\r\n"
        opening = (
            f"HTTP/1.1 {self._failing.status} Not now\r\nContent-Type: application/xml\r\n"
            f"{self._failing.headers}{closing}Content-Length: {len(body)}\r\n\r\n"
        )
        pair.client[1].write(opening.encode() + body)
        await pair.client[1].drain()
        return goes_on


def _read_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    return method, path, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> Any:
    """Yield the pieces of a request's body as they came."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        size = 1
        while size:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line + await reader.readexactly(size + 2)
        return
    left = int(headers.get("content-length", "0"))
    while left:
        piece = await reader.read(min(left, _PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection as a crashed machine would."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
