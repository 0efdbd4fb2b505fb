"""What can be ordered for a take that exists: more of it, the same anew, its cover image.

The verbs of :class:`~phaseo_nb.Take` build their requests here and send them through the session
of the take's own gateway, so that they are journalled, priced and found again like any other.
Nothing here knows a notebook: who can show a job in a cell enters itself with :func:`show_with`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from ..errors import Issue, RequestRejected, SettingsError
from ..requests import CoverImageRequest, ExtendRequest, UdioRequest, UploadCoverRequest
from ..requests.udio import is_public
from ..settings.addresses import is_loopback

if TYPE_CHECKING:
    from . import Take
    from .kept import KeptTrack

log = logging.getLogger("phaseo_nb")

_LONGEST_TITLE = 80
_TRY = 'To try it out: `nb.connect("udio", transport=nb.Sandbox().transport)`.'


class Origin(NamedTuple):
    """Where a take was ordered."""

    gateway: str
    base_url: str
    sandbox: bool
    imported: bool
    session: Any
    """Who orders there in this kernel; ``None`` where nobody is connected."""


Carry = Callable[..., Awaitable["Take"]]


async def _carry_unseen(
    session: Any,
    request: UdioRequest,
    *,
    take: int | None,
    fresh: bool,
    timeout: float | None,
    show: bool,
) -> Take:
    job = session.start(request=request, take=take, fresh=fresh, timeout=timeout)
    made: Take = await job
    return made


_carry: Carry = _carry_unseen


def _nobody() -> None:
    return None


_current: Callable[[], Any] = _nobody


def show_with(carry: Carry, current: Callable[[], Any]) -> None:
    """Let somebody carry orders out who can show them in a cell.

    Parameters
    ----------
    carry
        Takes what :func:`_carry_unseen` takes.
    current
        Returns the session that a notebook has chosen last, if it has chosen one.
    """
    global _carry, _current
    _carry, _current = carry, current


async def carry_out(
    session: Any,
    request: UdioRequest,
    *,
    take: int | None = None,
    fresh: bool = False,
    timeout: float | None = 900.0,
    show: bool = True,
) -> Take:
    """Order something through a session and return the take that comes of it."""
    return await _carry(session, request, take=take, fresh=fresh, timeout=timeout, show=show)


def session_of(made: Take, verb: str) -> Any:
    """Return the session of the gateway that a take came from.

    Raises
    ------
    RequestRejected
        Another service made it, or it came from another library: nothing can be ordered for it.
    SettingsError
        This kernel is not connected to its gateway.
    """
    origin = made.origin
    if origin is None:
        expected = "It is in memory only. Keep it first: run its cell again once the disk is well."
        raise RequestRejected(Issue(verb, "not_in_a_library", made.id, expected))
    if origin.imported:
        expected = (
            "It was imported, so its job may belong to another account. This works for takes made "
            "through this library."
        )
        raise RequestRejected(Issue(verb, "imported_take", made.id, expected))
    if origin.gateway != "udio":
        where = "the sandbox's Phaseo side" if origin.sandbox else origin.gateway
        expected = f"It was made through {where}; only udioapi.pro can do this. {_TRY}"
        raise RequestRejected(Issue(verb, "wrong_gateway", origin.gateway, expected))
    if origin.session is None:
        message = (
            f"This kernel is not connected to {origin.gateway} at {origin.base_url}, which made "
            f'this take. Connect first: `nb.connect("{origin.gateway}")`.'
        )
        raise SettingsError(message)
    chosen = _current()
    if chosen is not None and chosen is not origin.session and not _is_same(chosen, origin):
        message = (
            f"This take was made through udio at {origin.base_url}, and the notebook is connected "
            f"to {chosen.gateway} now, so nothing was sent: it might have cost. To go on from it, "
            "connect to where it was made, as you did then."
        )
        raise SettingsError(message)
    return origin.session


def _is_same(session: Any, origin: Origin) -> bool:
    at = session.connection
    return (at.name, at.base_url) == (origin.gateway, origin.base_url)


# -- the three requests --------------------------------------------------------------------------


def extension(
    made: Take,
    at: float | None,
    *,
    track: int = 0,
    prompt: str | None = None,
    lyrics: str | None = None,
    style: str | None = None,
    title: str | None = None,
    negative: str | None = None,
) -> ExtendRequest:
    """Return the request to go on from a place in a track; see :meth:`Take.extend`."""
    chosen = track_of(made, track)
    seconds = chosen.duration
    if seconds is not None and _is_number(at) and at > seconds:  # type: ignore[operator]
        expected = f"The track ends after {seconds:.1f} s; give a time before that."
        raise RequestRejected(Issue("at", "behind_the_end", at, expected))
    sung, style = _one_field(prompt, lyrics, style)
    if sung is None and (style is not None or title is not None):
        expected = "With `style=` or `title=`, udioapi.pro needs what is sung: `lyrics=`."
        raise RequestRejected(Issue("prompt", "prompt is required", None, expected))
    return ExtendRequest(
        **_given(
            origin_task_id=made.job.id,
            extend_audio_index=chosen.index,
            extension_start_time=at,
            custom_mode=sung is not None,
            prompt=sung,
            style=style,
            title=title,
            tags=negative,
            model=made.model,
        )
    )


def cover(
    made: Take,
    session: Any,
    *,
    track: int = 0,
    prompt: str | None = None,
    lyrics: str | None = None,
    style: str | None = None,
    title: str | None = None,
    negative: str | None = None,
    voice: str | None = None,
    instrumental: bool | None = None,
    model: str | None = None,
    url: str | None = None,
    style_weight: float | None = None,
    weirdness_constraint: float | None = None,
    audio_weight: float | None = None,
) -> UploadCoverRequest:
    """Return the request to play a track anew; see :meth:`Take.cover`."""
    chosen = track_of(made, track)
    if prompt is None and lyrics is None and style is None:
        expected = "Say how it should sound: `style=`, `prompt=` or `lyrics=`."
        raise RequestRejected(Issue("prompt", "prompt is required", None, expected))
    if instrumental is None and getattr(made.request, "make_instrumental", None):
        instrumental = True
    is_custom = lyrics is not None or style is not None
    if is_custom and not instrumental:
        lyrics = lyrics or chosen.lyrics or _sung(made.request)
        if not lyrics:  # nothing is known that could be sung: then style is a description
            is_custom, prompt = False, ", ".join(filter(None, (style, prompt)))
            style = None
    if is_custom:  # a cover keeps words, style and title unless it is told others
        lyrics = None if instrumental else lyrics
        title = title or (chosen.title or "Cover")[:_LONGEST_TITLE]
        style = ", ".join(filter(None, (style or chosen.tags, prompt))) or None
        prompt = lyrics
    return UploadCoverRequest(
        **_given(
            upload_url=_address(chosen, url, session),
            model=model or made.model or session.default_model(),
            custom_mode=is_custom,
            prompt=prompt,
            style=style,
            title=title,
            tags=negative,
            gender={"m": "male", "f": "female"}.get(voice or "", voice),
            make_instrumental=instrumental,
            style_weight=style_weight,
            weirdness_constraint=weirdness_constraint,
            audio_weight=audio_weight,
        )
    )


def cover_image(made: Take) -> CoverImageRequest:
    """Return the request for the cover images of a take; see :meth:`Take.cover_image`."""
    return CoverImageRequest(task_id=made.job.id)


def track_of(made: Take, number: Any) -> KeptTrack:
    """Return a track by its number, from 0.

    Raises
    ------
    RequestRejected
        There is none of that number, or the service made nothing of it.
    """
    n = len(made.tracks)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < n:
        have = f"Give a number from 0 to {n - 1}." if n else "This take has no tracks."
        raise RequestRejected(Issue("track", "invalid_track", number, have))
    chosen = made.tracks[number]
    if not chosen.audio_url:
        why = chosen.failure or "the service gave no recording of it"
        raise RequestRejected(Issue("track", "no_recording", number, f"Choose another: {why}."))
    return chosen


# -- parts ---------------------------------------------------------------------------------------


def _address(chosen: KeptTrack, url: Any, session: Any) -> Any:
    """Return where the service fetches a recording: its own address of it, or a public one."""
    if url is None:
        return chosen.audio_url
    is_elsewhere = not is_loopback(urlsplit(session.connection.base_url).hostname or "")
    if isinstance(url, str) and is_elsewhere and not is_public(url):
        expected = "udioapi.pro must reach it: http or https, no localhost, no private address."
        raise RequestRejected(Issue("upload_url", "invalid_upload_url", url, expected))
    return url


def _one_field(
    prompt: str | None, lyrics: str | None, style: str | None
) -> tuple[str | None, str | None]:
    """Put words into the service's one field; beside lyrics, a prompt can only stand with style."""
    if lyrics is None:
        return prompt, style
    return lyrics, ", ".join(filter(None, (style, prompt))) or None


def _sung(request: Any) -> str | None:
    """Return what a request wanted to be sung: only in custom mode is that its prompt."""
    is_plain = getattr(request, "custom_mode", None) is False
    sung = None if is_plain else getattr(request, "prompt", None)
    return sung if isinstance(sung, str) else None


def _given(**words: Any) -> dict[str, Any]:
    return {name: value for name, value in words.items() if value is not None}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
