"""A server on loopback that can misbehave: it writes what it is told, byte by byte if need be."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Asked:
    """One request as it came over the socket."""

    line: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter

    @property
    def path(self) -> str:
        return self.line.split()[1]

    async def say(self, *parts: bytes, pause: float = 0.0) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            if pause:
                await asyncio.sleep(pause)

    def reset(self) -> None:
        """Break the connection as a crashed machine would."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass
class Server:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    most_open: int = 0
    open: int = 0

    async def until(self, n: int) -> None:
        """Wait until ``n`` requests have come."""
        while len(self.asked) < n:  # noqa: ASYNC110 - nothing here to notify
            await asyncio.sleep(0.002)


Script = Callable[[Asked], Awaitable[None]]


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rows = head.strip().split("\r\n")
    headers = {k.lower(): v.strip() for k, v in (row.split(":", 1) for row in rows)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(line, headers, body, writer)


@asynccontextmanager
async def serving(script: Script, *, keeps: bool = False, tls: ssl.SSLContext | None = None):
    """Run ``script`` for every request; a connection carries one, or many if it ``keeps``."""
    server = Server()
    tasks: set[asyncio.Task] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        server.open += 1
        server.most_open = max(server.most_open, server.open)
        try:
            while True:
                asked = await _read(reader, writer)
                server.asked.append(asked)
                await script(asked)
                if not keeps:
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            server.open -= 1
            tasks.discard(asyncio.current_task())
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


def answer(status: int = 200, body: bytes = b"", *, length: int | None = None, **headers: str):
    """An HTTP/1.1 answer as bytes; ``length`` may lie, ``-1`` leaves it out."""
    rows = [f"HTTP/1.1 {status} X", "Connection: close"]
    size = len(body) if length is None else length
    if size >= 0:
        rows.append(f"Content-Length: {size}")
    rows += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(rows).encode() + b"\r\n\r\n" + body
