"""Fetching audio: streamed, resumed, bounded, and only kept when it is audio.

One attempt is one request with its redirects. What arrived stays in the sink; the next attempt
asks for the rest, and starts over where the server does not promise that it is the same file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx

from ..audio.sniff import sniff
from ..errors import AudioError
from .bodies import raw_chunks
from .guard import Origin, check_url, shown
from .messages import Answer
from .pinned import resolve
from .retry import LONGEST_PAUSE, backoff, retry_after
from .secrets import detached
from .sinks import FileSink, MemorySink, open_sink

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE = frozenset({401, 403, 404, 410})
_HEAD = 4096  # bytes that show what a file is


class AddressExpired(AudioError):
    """The address is not (or no longer) served: a fresh one may be had by asking for the job."""


@dataclass(frozen=True)
class Limits:
    """What a download may take."""

    max_bytes: int = 200_000_000
    min_rate: float = 1_000.0
    """Bytes per second, measured over ``rate_window``."""
    rate_window: float = 10.0
    silence: float = 60.0
    """Longest wait in seconds for a connection or for the head of an answer."""
    total: float = 1800.0
    """Seconds for everything."""
    redirects: int = 5
    attempts: int = 4
    """In a row without a new byte."""
    connections: int = 20


@dataclass
class _State:
    """What one download knows so far."""

    url: httpx.URL
    own: Origin | None
    limits: Limits
    is_bare: bool
    resolves: bool
    clock: Callable[[], float]
    validator: str | None = None
    total: int | None = None
    retry_after: float | None = None
    hops: list[str] = field(default_factory=list)


class _Again(Exception):
    """One attempt failed; another one may not."""


async def download(
    url: str,
    path: Path | None = None,
    *,
    client: httpx.AsyncClient,
    own: Origin | None = None,
    is_bare: bool = False,
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
    state = _State(check_url(url, own=own), own, limits, is_bare, resolves, clock)
    sink = open_sink(path)
    try:
        try:
            with anyio.fail_after(limits.total):
                await _fetch(state, sink, client, sleep)
        except TimeoutError:
            raise _failed(state, f"it was not complete after {limits.total:g} s") from None
        return await sink.finish()
    finally:
        sink.discard()


async def _fetch(
    state: _State,
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
        except _Again as error:
            reason = str(error)
        except httpx.HTTPError as error:
            cause = detached(error, None)
            reason = f"the connection failed ({type(error).__name__}: {str(error)[:120]})"
        except OSError as error:
            cause, reason = error, f"its host could not be found ({error})"
        else:
            _check_audio(state, sink.head(), complete=True)
            return
        misses = 1 if sink.size > best else misses + 1
        best = max(best, sink.size)
        pause = state.retry_after
        if misses >= state.limits.attempts or (pause or 0.0) > LONGEST_PAUSE:
            break
        if state.validator is None:
            sink.restart()  # without a mark of the file, two halves may be of two files
        await sleep(backoff(misses, 1.0) if pause is None else pause)
    raise _failed(state, f"{reason}, in {connections} attempts") from cause


async def _attempt(state: _State, sink: MemorySink | FileSink, client: httpx.AsyncClient) -> None:
    state.retry_after = None
    async with _Response(state, client, sink.size) as response:
        status = response.status_code
        if status == 416 and sink.size and state.total == sink.size:
            return
        if status == 416 and sink.size:
            sink.restart()
            message = "the host would not go on where it stopped"
            raise _Again(message)
        _check_status(state, response)
        if status != 206 or not _continues(state, response, sink.size):
            if status == 206 and sink.size == 0:
                message = "the host sent a part that nobody asked for"
                raise _Again(message)
            sink.restart()
            if status == 206:
                message = "the file changed on the way"
                raise _Again(message)
            state.total = _length(response)
        state.validator = _validator(response)
        if state.total is not None and state.total > state.limits.max_bytes:
            raise _too_big(state)
        await _receive(state, sink, response)
    if state.total is not None and sink.size != state.total:
        if sink.size > state.total:
            sink.restart()
        message = f"{sink.size} of {state.total} bytes came"
        raise _Again(message)


async def _receive(state: _State, sink: MemorySink | FileSink, response: httpx.Response) -> None:
    """Read the body: under the cap, above the least rate, and stop early when it is no audio."""
    limits = state.limits
    chunks = raw_chunks(response)
    began, counted = state.clock(), 0
    was_checked = sink.size >= _HEAD
    while True:
        try:
            with anyio.fail_after(limits.rate_window):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise _too_slow(state) from None
        if sink.size + len(chunk) > limits.max_bytes:
            raise _too_big(state)
        sink.write(chunk)
        counted += len(chunk)
        if not was_checked and sink.size >= _HEAD:
            _check_audio(state, sink.head(), complete=False)
            was_checked = True
        elapsed = state.clock() - began
        if elapsed >= limits.rate_window:
            if counted < limits.min_rate * elapsed:
                raise _too_slow(state)
            began, counted = state.clock(), 0


class _Response:
    """The answer after all redirects, each hop checked; closes what it opened."""

    def __init__(self, state: _State, client: httpx.AsyncClient, offset: int) -> None:
        self._state = state
        self._client = client
        self._offset = offset
        self._open: httpx.Response | None = None

    async def __aenter__(self) -> httpx.Response:
        state, url = self._state, self._state.url
        for _ in range(state.limits.redirects + 1):
            if state.resolves:
                await resolve(url.host, url.port or 443, state.own)
            response = await self._client.send(self._request(url), stream=True)
            self._open = response
            target = response.headers.get("location")
            if response.status_code not in _REDIRECTS or not target:
                return response
            await self._close()
            url = _next_hop(state, url, target)
        raise _failed(state, f"it was sent on more than {state.limits.redirects} times")

    def _request(self, url: httpx.URL) -> httpx.Request:
        headers = {"Accept": "audio/*, */*;q=0.5", "Accept-Encoding": "identity"}
        if self._offset and self._state.validator:
            headers["Range"] = f"bytes={self._offset}-"
            headers["If-Range"] = self._state.validator
        silence = self._state.limits.silence
        timeout = httpx.Timeout(silence, connect=min(silence, 20.0))
        return self._client.build_request("GET", url, headers=headers, timeout=timeout)

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._open is not None:
            await self._open.aclose()
            self._open = None


def _next_hop(state: _State, url: httpx.URL, target: str) -> httpx.URL:
    try:
        following = url.join(target)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise _failed(state, "it was sent on to something that is no address") from None
    if url.scheme == "https" and following.scheme != "https":
        raise _failed(state, "it was sent on to an address that is not encrypted") from None
    return check_url(following, own=state.own)


def _check_status(state: _State, response: httpx.Response) -> None:
    status = response.status_code
    if status in _GONE:
        word = "has expired" if status in (403, 410) else "is not served"
        message = (
            f"The audio address {shown(str(state.url))} {word} (HTTP {status}). Addresses of audio "
            "live for days at most; ask for the job again to get a fresh one."
        )
        raise AddressExpired(message)
    if status in _PASSING:
        state.retry_after = retry_after(
            Answer(status, {k.lower(): v for k, v in response.headers.items()}, b"", "")
        )
        message = f"the host answered {status}"
        raise _Again(message)
    if status not in (200, 206):
        raise _failed(state, f"the host answered {status}")
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise _failed(state, f"it came packed as {encoding[:40]!r}; audio is packed already")


def _continues(state: _State, response: httpx.Response, offset: int) -> bool:
    """Tell whether a 206 is the rest of what is here."""
    match = re.fullmatch(
        r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", response.headers.get("content-range", "")
    )
    if match is None or int(match[1]) != offset or offset == 0:
        return False
    mark = _validator(response)
    if mark is not None and mark != state.validator:
        return False
    if match[3] != "*":
        if state.total not in (None, int(match[3])):
            return False
        state.total = int(match[3])
    return True


def _validator(response: httpx.Response) -> str | None:
    """Return what names this version of the file for ``If-Range``; a weak tag does not."""
    tag: str = response.headers.get("etag", "")
    if tag.startswith('"'):
        return tag
    date: str | None = response.headers.get("last-modified")
    return date


def _length(response: httpx.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _check_audio(state: _State, head: bytes, *, complete: bool) -> None:
    if complete and not head:
        raise _failed(state, "the host sent an empty file")
    if sniff(head) is not None or (state.is_bare and not _is_text(head)):
        return
    what = "a web page or text" if _is_text(head) else "no audio format that is known here"
    raise _failed(state, f"what came is {what}, not audio")


def _is_text(head: bytes) -> bool:
    start = head[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in (b"<", b"{", b"[") and all(9 <= byte < 127 for byte in start[:24])


def _too_big(state: _State) -> AudioError:
    size = f"{state.limits.max_bytes / 1e6:g} MB"
    announced = f" ({state.total} bytes are announced)" if state.total else ""
    return _failed(state, f"it is larger than {size}{announced}")


def _too_slow(state: _State) -> AudioError:
    limits = state.limits
    return _failed(
        state,
        f"less than {limits.min_rate:g} bytes per second came over {limits.rate_window:g} s",
    )


def _failed(state: _State, reason: str) -> AudioError:
    return AudioError(
        f"The audio at {shown(str(state.url))} could not be fetched: {reason}. The job itself is "
        "done and nothing is lost; fetch it again later."
    )
