"""Reading an answer without letting it decide how much memory it takes."""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator

import anyio.to_thread
import httpx
from pydantic import SecretStr

from .secrets import scrub_bytes

SMALL_CAP = 8 * 1024 * 1024
"""Bytes; answers that hold no audio."""
AUDIO_CAP = 256 * 1024 * 1024
"""Bytes; answers that may hold a whole track as base64 or hex."""
OFF_LOOP = 256 * 1024
"""Bytes; larger bodies are decoded in a thread, so that the event loop keeps its time."""

WHISPER = 1024
"""Bytes; a drip of single ones is never silent, and would hold a call up to its last deadline."""

MOST_GAIN = 64
"""How many times its size a large body may unpack to: audio as text hardly packs at all, and a
bomb of 300 kB would fill the larger cap with every question."""

ACCEPTED = "gzip, deflate"


class BodyRefused(Exception):
    """An answer is too big, or packed in a way nobody asked for. Never leaves the transport."""


class TooSlow(TimeoutError):
    """An answer came so slowly that it was as good as silent."""


async def read_body(
    response: httpx.Response, cap: int, key: SecretStr | None, silence: float | None = None
) -> bytes:
    """Read a streamed answer up to ``cap`` bytes, before and after unpacking, without the key.

    Parameters
    ----------
    silence
        Seconds in which :data:`WHISPER` bytes must come, else it counts as silent.

    Raises
    ------
    BodyRefused
        It is larger, or its encoding is not one that was asked for.
    TooSlow
        Fewer bytes than that came.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        message = f"came packed as {encoding[:40]!r}, which nobody asked for"
        raise BodyRefused(message)
    announced = response.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and len(announced) < 20 and int(announced) > cap:
        raise _too_big(cap)
    was_read = response.is_stream_consumed
    chunks: list[bytes] = []
    size = heard = 0
    since = time.monotonic()
    async for chunk in raw_chunks(response):
        size += len(chunk)
        heard += len(chunk)
        if silence is not None and time.monotonic() - since >= silence:
            if heard < WHISPER:
                message = f"less than {WHISPER} bytes came in {silence:g} s"
                raise TooSlow(message)
            since, heard = time.monotonic(), 0
        if size > cap:
            raise _too_big(cap)
        chunks.append(chunk)
    packed = encoding not in ("", "identity") and not was_read
    if size <= OFF_LOOP and not packed:
        return scrub_bytes(b"".join(chunks), key)
    return await anyio.to_thread.run_sync(_finish, chunks, packed, cap, key)


async def raw_chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield a body as it came over the wire.

    A response that a test transport was given as a whole is read, and unpacked, already.
    """
    if response.is_stream_consumed:
        yield response.content
        return
    async for chunk in response.aiter_raw():
        yield chunk


def _finish(chunks: list[bytes], packed: bool, cap: int, key: SecretStr | None) -> bytes:
    data = b"".join(chunks)
    if packed:
        data = unpack(data, min(cap, max(SMALL_CAP, MOST_GAIN * len(data))))
    return scrub_bytes(data, key)


def unpack(data: bytes, cap: int) -> bytes:
    """Undo gzip or deflate (with or without header), at most ``cap`` bytes of result.

    httpx would unpack each chunk whole: 64 kB of wire became 67 MB before anybody could count.

    Raises
    ------
    BodyRefused
        The result would be larger, or the data is damaged or cut short.
    """
    raw_deflate = data[:1] not in (b"\x1f", b"\x78")
    parts: list[bytes] = []
    left = cap
    try:
        while data:
            engine = zlib.decompressobj(-zlib.MAX_WBITS if raw_deflate else zlib.MAX_WBITS | 32)
            parts.append(engine.decompress(data, left + 1))
            left -= len(parts[-1])
            if left < 0:
                raise _too_big(cap)
            if not engine.eof:
                message = "was cut short"
                raise BodyRefused(message)
            data = engine.unused_data  # gzip may hold several members in a row
    except zlib.error:
        message = "could not be unpacked"
        raise BodyRefused(message) from None
    return b"".join(parts)


def _too_big(cap: int) -> BodyRefused:
    return BodyRefused(f"is larger than {cap // (1024 * 1024)} MB")
