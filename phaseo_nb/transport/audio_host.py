"""What one audio host says: its redirects, its statuses, its ranges, and whether it is audio."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from ..audio.extent import least_size
from ..audio.sniff import sniff
from ..errors import AudioError
from ..settings.addresses import shown
from .guard import Origin, check_url
from .images import sniff_image
from .messages import Answer
from .pinned import resolve
from .retry import PASSING, retry_after
from .texts import is_text

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({401, 403, 404, 410})
_SECRETS = ("Authorization", "Proxy-Authorization", "Cookie")
_LEAST_SAMPLES = 4096  # bytes: 23 ms of stereo, less than any service writes
HEAD = 4096  # bytes that show what a file is


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
class Download:
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
    is_picture: bool = False

    @property
    def what(self) -> str:
        """What is fetched, in a word."""
        return "picture" if self.is_picture else "audio"

    def too_big(self) -> AudioError:
        """Return the error for more bytes than a download may have."""
        announced = f" ({self.total} bytes are announced)" if self.total else ""
        return failed(self, f"it is larger than {self.limits.max_bytes / 1e6:g} MB{announced}")

    def too_slow(self) -> AudioError:
        """Return the error for fewer bytes than a download must have."""
        least, window = self.limits.min_rate, self.limits.rate_window
        return failed(self, f"less than {least:g} bytes per second came over {window:g} s")


class Again(Exception):
    """One attempt failed; another one may not."""


class AskedFor:
    """The answer after all redirects, each hop checked; closes what it opened."""

    def __init__(self, state: Download, client: httpx.AsyncClient, offset: int) -> None:
        self._state = state
        self._client = client
        self._offset = offset
        self._open: httpx.Response | None = None

    async def __aenter__(self) -> httpx.Response:
        state, url = self._state, self._state.url
        for _ in range(state.limits.redirects + 1):
            if state.resolves:
                await resolve(url.host, url.port or 443, state.own)
            response = await self._send(url)
            self._open = response
            target = response.headers.get("location")
            if response.status_code not in _REDIRECTS or not target:
                return response
            await self._close()
            url = _next_hop(state, url, target)
        raise failed(state, f"it was sent on more than {state.limits.redirects} times")

    async def _send(self, url: httpx.URL) -> httpx.Response:
        request = self._request(url)
        try:
            return await self._client.send(request, stream=True, follow_redirects=False, auth=None)
        except (httpx.InvalidURL, UnicodeError):
            # httpx reads where it would be sent on to, although it does not go there.
            raise _nowhere(self._state) from None
        except httpx.RemoteProtocolError as error:
            if "location header" in str(error):
                raise _nowhere(self._state) from None
            raise

    def _request(self, url: httpx.URL) -> httpx.Request:
        wanted = "image/*" if self._state.is_picture else "audio/*"
        headers = {"Accept": f"{wanted}, */*;q=0.5", "Accept-Encoding": "identity"}
        if self._offset and self._state.validator:
            headers["Range"] = f"bytes={self._offset}-"
            headers["If-Range"] = self._state.validator
        silence = self._state.limits.silence
        timeout = httpx.Timeout(silence, connect=min(silence, 20.0))
        request = self._client.build_request("GET", url, headers=headers, timeout=timeout)
        for name in _SECRETS:  # whatever the client adds by itself
            request.headers.pop(name, None)
        return request

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._open is not None:
            await self._open.aclose()
            self._open = None


def _next_hop(state: Download, url: httpx.URL, target: str) -> httpx.URL:
    try:
        following = url.join(target)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise _nowhere(state) from None
    if url.scheme == "https" and following.scheme != "https":
        raise failed(state, "it was sent on to an address that is not encrypted") from None
    return check_url(following, own=state.own, what=state.what)


def _nowhere(state: Download) -> AudioError:
    return failed(state, "it was sent on to something that is no address")


def check_status(state: Download, response: httpx.Response) -> None:
    """Let an answer through that can be audio; raise what its status means otherwise."""
    status = response.status_code
    if status in _GONE:
        word = "has expired" if status in (403, 410) else "is not served"
        message = (
            f"The {state.what} address {shown(str(state.url))} {word} (HTTP {status}). Such "
            "addresses live for days at most; ask for the job again to get a fresh one."
        )
        raise AddressExpired(message)
    if status in PASSING:
        state.retry_after = retry_after(
            Answer(status, {k.lower(): v for k, v in response.headers.items()}, b"", "")
        )
        message = f"the host answered {status}"
        raise Again(message)
    if status not in (200, 206):
        raise failed(state, f"the host answered {status}")
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise failed(state, f"it came packed as {encoding[:40]!r}; {state.what} is packed already")


def continues(state: Download, response: httpx.Response, offset: int) -> bool:
    """Tell whether a 206 is the rest of what is here."""
    match = re.fullmatch(
        r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", response.headers.get("content-range", "")
    )
    if match is None or int(match[1]) != offset or offset == 0:
        return False
    mark = validator(response)
    if mark is not None and mark != state.validator:
        return False
    if match[3] != "*":
        if state.total not in (None, int(match[3])):
            return False
        state.total = int(match[3])
    return True


def validator(response: httpx.Response) -> str | None:
    """Return what names this version of the file for ``If-Range``; a weak tag does not."""
    marks = (response.headers.get("etag", ""), response.headers.get("last-modified", ""))
    # It is sent back as it came, and not every byte that may come in a header may go in one.
    fit = [m if m.isascii() and m.isprintable() and len(m) <= 1000 else "" for m in marks]
    return (fit[0] if fit[0].startswith('"') else fit[1]) or None


def length(response: httpx.Response) -> int | None:
    """Return how many bytes are announced."""
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def check_audio(state: Download, head: bytes, *, complete: bool) -> None:
    """Raise ``AudioError`` where the first bytes of a file are not those of audio."""
    if complete and not head:
        raise failed(state, "the host sent an empty file")
    if state.is_picture:
        _check_picture(state, head)
        return
    if sniff(head) is not None:
        return
    what = "a web page or text" if is_text(head) else "no audio format that is known here"
    if state.is_bare and not is_text(head):
        if not complete or len(head) >= _LEAST_SAMPLES:
            return
        what = f"{len(head)} bytes, too little for a recording"
    raise failed(state, f"what came is {what}, not audio")


def check_whole(state: Download, head: bytes, size: int) -> None:
    """Raise ``Again`` for a file that ends before its own beginning says so.

    A host that closes early after an answer without a length, or with the length of what it had,
    has done everything right as far as HTTP can tell.
    """
    least = None if state.is_picture or state.is_bare else least_size(head)
    if least is not None and size < least:
        message = f"only {size} of the {least} bytes came that the file itself speaks of"
        raise Again(message)


def _check_picture(state: Download, head: bytes) -> None:
    if sniff_image(head) is None:
        what = "a web page or text" if is_text(head) else "neither PNG nor JPEG nor WebP"
        raise failed(state, f"what came is {what}, not a picture")


def failed(state: Download, reason: str) -> AudioError:
    """Return the error that says why there is no audio (or picture)."""
    return AudioError(
        f"The {state.what} at {shown(str(state.url))} could not be fetched: {reason}. The job "
        "itself is done and nothing is lost; fetch it again later."
    )
