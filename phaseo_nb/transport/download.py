"""Fetching audio: streamed, resumed, bounded, and only kept when it is audio.

One attempt is one request with its redirects. What arrived stays in the sink; the next attempt
asks for the rest, and starts over where the server does not promise that it is the same file.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import httpx

from .audio_host import (
    HEAD,
    Again,
    AskedFor,
    Download,
    Limits,
    check_audio,
    check_status,
    check_whole,
    continues,
    failed,
    length,
    validator,
)
from .bodies import raw_chunks
from .certificates import ADVICE, is_distrust
from .guard import Origin, check_url
from .retry import LONGEST_PAUSE, pause_after
from .secrets import detached
from .sinks import FileSink, MemorySink, open_sink
from .wording import in_words


async def download(
    url: str,
    path: Path | None = None,
    *,
    client: httpx.AsyncClient,
    own: Origin | None = None,
    is_bare: bool = False,
    is_picture: bool = False,
    resolves: bool = False,
    limits: Limits | None = None,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> bytes | Path:
    """Fetch audio into memory, or into a file that appears only when it is complete.

    Parameters
    ----------
    url
        Where; checked here, and again at every redirect.
    path
        File to write. The bytes go to a temporary file beside it first.
    client
        An httpx client without any key. It must pin addresses, or ``resolves`` be set.
    own
        Origin of the configured gateway, which may be private.
    is_bare
        The audio is bare samples without a header, so its first bytes prove nothing.
    is_picture
        What is fetched is a picture: only PNG, JPEG and WebP count then.
    resolves
        Check what names resolve to before each request, for a client that cannot pin.
    limits, sleep, clock
        What it may take, and for tests.

    Returns
    -------
    bytes or Path
        The audio, or ``path``.

    Raises
    ------
    AudioError
        The address is refused, the bytes are no audio, or they did not come (in time).
    AddressExpired
        The host answered 401, 403, 404 or 410.
    """
    limits = limits or Limits()
    checked = check_url(url, own=own, what="picture" if is_picture else "audio")
    state = Download(checked, own, limits, is_bare, resolves, clock, is_picture=is_picture)
    sink = open_sink(path)
    try:
        try:
            with anyio.fail_after(limits.total):
                await _fetch(state, sink, client, sleep)
        except TimeoutError:
            raise failed(state, f"it was not complete after {limits.total:g} s") from None
        return await sink.finish()
    finally:
        sink.discard()


async def _fetch(
    state: Download,
    sink: MemorySink | FileSink,
    client: httpx.AsyncClient,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Try until it is complete or hopeless."""
    misses = best = connections = 0
    while connections < state.limits.connections:
        connections += 1
        cause: Exception | None = None
        try:
            await _attempt(state, sink, client)
            check_audio(state, sink.head(), complete=True)
            check_whole(state, sink.head(), sink.size)
            return
        except Again as error:
            reason = str(error)
        except httpx.HTTPError as error:
            cause = detached(error, None)
            if is_distrust(error):
                raise failed(state, f"there is no connection to its host. {ADVICE}") from cause
            reason = in_words(error)
        except OSError as error:
            cause, reason = error, in_words(error)
        misses = 1 if sink.size > best else misses + 1
        best = max(best, sink.size)
        pause = state.retry_after
        if misses >= state.limits.attempts or (pause or 0.0) > LONGEST_PAUSE:
            break
        if state.validator is None:
            sink.restart()  # without a mark of the file, two halves may be of two files
        await sleep(pause_after(misses, pause, 1.0))
    raise failed(state, f"{reason}, in {connections} attempts") from cause


async def _attempt(state: Download, sink: MemorySink | FileSink, client: httpx.AsyncClient) -> None:
    state.retry_after = None
    async with AskedFor(state, client, sink.size) as response:
        status = response.status_code
        if status == 416 and sink.size and state.total == sink.size:
            return
        if status == 416 and sink.size:
            sink.restart()
            message = "the host would not go on where it stopped"
            raise Again(message)
        check_status(state, response)
        if status != 206 or not continues(state, response, sink.size):
            if status == 206 and sink.size == 0:
                message = "the host sent a part that nobody asked for"
                raise Again(message)
            sink.restart()
            if status == 206:
                message = "the file changed on the way"
                raise Again(message)
            state.total = length(response)
        state.validator = validator(response)
        if state.total is not None and state.total > state.limits.max_bytes:
            raise state.too_big()
        await _receive(state, sink, response)
    if state.total is not None and sink.size != state.total:
        if sink.size > state.total:
            sink.restart()
        message = f"{sink.size} of {state.total} bytes came"
        raise Again(message)


async def _receive(state: Download, sink: MemorySink | FileSink, response: httpx.Response) -> None:
    """Read the body: under the cap, above the least rate, and stop early when it is no audio."""
    limits = state.limits
    began, counted = state.clock(), 0
    was_checked = sink.size >= HEAD
    try:
        # One scope whose end moves on: opening one for each chunk cost more than writing it.
        with anyio.fail_after(limits.rate_window) as silence:
            async for chunk in raw_chunks(response):
                silence.deadline = anyio.current_time() + limits.rate_window
                if sink.size + len(chunk) > limits.max_bytes:
                    raise state.too_big()
                sink.write(chunk)
                counted += len(chunk)
                if not was_checked and sink.size >= HEAD:
                    check_audio(state, sink.head(), complete=False)
                    was_checked = True
                elapsed = state.clock() - began
                if elapsed >= limits.rate_window:
                    if counted < limits.min_rate * elapsed:
                        raise state.too_slow()
                    began, counted = state.clock(), 0
    except TimeoutError:
        raise state.too_slow() from None
