"""Requests of udioapi.pro about music that exists: go on from it, play it anew, picture it.

Wire contract: udioapi.pro ``/docs/v2-extend``, ``/docs/v2-upload-cover`` and
``/docs/generate-music-cover``. They are requests like any other, with routes and fields of
their own; :class:`~phaseo_nb.Take` has a verb for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from ..errors import Issue
from ._checks import Check, Path, SchemaIssue, one_of, text
from ._json import is_blank
from ._weburl import is_url
from .udio import (
    _FIELDS,
    UdioRequest,
    check_callback,
    check_lengths,
    check_mode,
    check_model,
    check_weights,
    required,
    seconds,
    wrong_type,
)

_LONGEST_ID = 512


class ExtendRequest(UdioRequest):
    """A request to go on from a place in a track of a finished job, already checked.

    Wire contract: ``POST /api/v2/extend``. With ``custom_mode`` it is sung what ``prompt`` says;
    without, the service goes on by itself. The new job has two tracks again.

    Raises
    ------
    RequestRejected
        The request breaks a rule; ``issues`` has all that were found.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> request = nb.ExtendRequest(
    ...     origin_task_id="gen1bksv", extend_audio_index=0, extension_start_time=60.0
    ... )
    >>> request.to_wire()["extensionStartTime"]
    60.0
    """

    origin_task_id: str
    """Work id of the job to go on from."""
    extend_audio_index: Literal[0, 1]
    """Which of its two tracks."""
    extension_start_time: float | None = Field(default=None, alias="extensionStartTime")
    """Where to go on, in seconds; left to the service where it is not given."""
    model: str | None = None
    """Of the job that is extended. Not on the wire: the service knows it, and it has a price."""
    api: Literal["extend"] = Field(default="extend", exclude=True)  # type: ignore[assignment]
    """Never on the wire."""

    @property
    def wish(self) -> str:
        """What is asked for, in words, where the request itself has none."""
        at = self.extension_start_time
        start = "" if at is None else f" from {at:g} s on"
        return (
            f"More of track {self.extend_audio_index + 1} of job {self.origin_task_id[:80]}{start}"
        )

    def ineffective(self) -> list[str]:
        """Return the fields the service is known to ignore, each with the reason: none."""
        return []

    def to_wire(self) -> dict[str, Any]:
        """Return what is posted: a fresh copy, yours to change."""
        wire = super().to_wire()
        wire.pop("model", None)
        return wire

    def _keywords(self) -> dict[str, Any]:
        return {**super()._keywords(), **({"model": self.model} if self.model else {})}

    @classmethod
    def _checks(cls) -> Mapping[str, Check]:
        return _EXTEND

    @classmethod
    def _rules(cls, wire: dict[str, Any]) -> Iterator[Issue]:
        yield from check_model(wire)
        yield from _origin(wire, "origin_task_id")
        if "extend_audio_index" not in wire:
            expected = "Say which of its two tracks: 0 or 1."
            yield Issue("extend_audio_index", "extend_audio_index is required", None, expected)
        if wire.get("custom_mode"):
            yield from required(wire, ("prompt",), "With custom_mode on, udioapi.pro needs")
        yield from check_lengths(wire)
        yield from check_callback(wire)


class UploadCoverRequest(UdioRequest):
    """A request to play a recording anew, in other words or another style; already checked.

    Wire contract: ``POST /api/v2/upload-cover/generate``: the fields of
    :class:`~phaseo_nb.UdioRequest`, with ``upload_url`` and ``model`` required. The service
    fetches the recording by itself and keeps it for 15 days.

    Raises
    ------
    RequestRejected
        The request breaks a rule; ``issues`` has all that were found.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> request = nb.UploadCoverRequest(
    ...     upload_url="https://example.org/tune.mp3", model="chirp-v5", prompt="as a slow waltz"
    ... )
    >>> request.model
    'chirp-v5'
    """

    upload_url: str
    """Public address of the recording."""
    api: Literal["upload-cover"] = Field(default="upload-cover", exclude=True)  # type: ignore[assignment]
    """Never on the wire."""

    @classmethod
    def _checks(cls) -> Mapping[str, Check]:
        return _UPLOAD_COVER

    @classmethod
    def _rules(cls, wire: dict[str, Any]) -> Iterator[Issue]:
        url = wire.get("upload_url")
        if is_blank(url):
            expected = "Give the address of the recording to be played anew."
            yield Issue("upload_url", "upload_url is required", url, expected)
        elif not _is_web_address(str(url)):
            expected = "It must be an address the service can fetch: https://…, without a password."
            yield Issue("upload_url", "invalid_upload_url", url, expected)
        if "model" not in wire:
            expected = 'An upload cover needs a model, such as "chirp-v4-5".'
            yield Issue("model", "model is required", None, expected)
        yield from check_model(wire)
        yield from check_mode(wire)
        yield from check_lengths(wire)
        yield from check_weights(wire)
        yield from check_callback(wire)


class CoverImageRequest(UdioRequest):
    """A request for the cover images of a finished job.

    Wire contract: ``POST /api/v2/cover/generate`` with ``taskId``; one credit, and once per job.

    Raises
    ------
    RequestRejected
        There is no id in it, or anything else.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> nb.CoverImageRequest(task_id="gen1bksv").to_wire()
    {'taskId': 'gen1bksv'}
    """

    makes: ClassVar[str] = "picture"

    task_id: str = Field(alias="taskId")
    """Work id of the job."""
    api: Literal["cover-image"] = Field(default="cover-image", exclude=True)  # type: ignore[assignment]
    """Never on the wire."""

    @property
    def wish(self) -> str:
        """What is asked for, in words: the request itself has none."""
        return f"Cover image of job {self.task_id[:80]}"

    def ineffective(self) -> list[str]:
        """Return the fields the service is known to ignore: it takes but one."""
        return []

    @classmethod
    def _checks(cls) -> Mapping[str, Check]:
        return _COVER_IMAGE

    @classmethod
    def _rules(cls, wire: dict[str, Any]) -> Iterator[Issue]:
        yield from _origin(wire, "taskId")


KINDS: dict[str, type[UdioRequest]] = {
    "extend": ExtendRequest,
    "upload-cover": UploadCoverRequest,
    "cover-image": CoverImageRequest,
}
"""Which request has which ``api``; every other one is a plain :class:`UdioRequest`."""


def _origin(wire: dict[str, Any], name: str) -> Iterator[Issue]:
    value = wire.get(name)
    if is_blank(value):
        expected = "Give the id of a finished job of udioapi.pro, such as `take.job.id`."
        yield Issue(name, f"{name} is required", value, expected)
    elif len(str(value)) > _LONGEST_ID:
        expected = f"Ids have up to {_LONGEST_ID} characters; this has {len(str(value)):,}."
        yield Issue(name, f"bad {name}", value, expected)


def _track_index(value: Any, path: Path) -> list[SchemaIssue]:
    if isinstance(value, bool) or not isinstance(value, int):
        return [wrong_type("number", value, path)]
    message = "Invalid option: expected one of 0|1"
    return [] if value in (0, 1) else [SchemaIssue(path, "invalid_value", message, value)]


def _is_web_address(url: str) -> bool:
    if not is_url(url) or url != url.strip():
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in ("http", "https") and parts.username is None
    except ValueError:
        return False


_SHARED = ("custom_mode", "prompt", "style", "title", "tags", "callback_url", "model")
_EXTEND: dict[str, Check] = {
    "origin_task_id": text(),
    "extend_audio_index": _track_index,
    "extensionStartTime": seconds,
    **{name: _FIELDS[name] for name in _SHARED},
    "api": one_of("extend"),
}
_OLDEST = ("continue_clip_id", "continue_at", "disable_callback", "cluster", "api")
_UPLOAD_COVER: dict[str, Check] = {
    "upload_url": text(),
    **{name: check for name, check in _FIELDS.items() if name not in _OLDEST},
    "api": one_of("upload-cover"),
}
_COVER_IMAGE: dict[str, Check] = {"taskId": text(), "api": one_of("cover-image")}
