"""Reading udioapi.pro's feeds: v1 (flat), v2 (in an envelope) and the bare array of a callback.

The order in which a state is decided follows the contract: an error code first (the caller's
part), then failure, then tracks that are all final, then any with first audio, then text, and the
feed's own ``type`` only where the tracks say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from ..jobs import MusicJob, Track, seconds_or_none
from ..transport.messages import read_json
from .values import identifier, mapping, rows, storable, text, whole

ALL_DONE = "all generated successfully"
_FINAL = frozenset({"complete", "completed"})
_FAILED = frozenset({"fail", "failed", "error", "failure"})
_FINISHED_TYPES = frozenset({"complete", "completed", "success"})

Phase = Literal["failed", "final", "first", "text", "unknown"]


class _Feed(NamedTuple):
    kind: str
    """The feed's ``type``, in lower case."""
    tracks: list[Mapping[str, Any]]
    request: Mapping[str, Any]
    is_flat: bool
    """True for v1, whose ``type`` alone says how far things are."""


def read_feed(data: Any, job_id: str) -> MusicJob | None:
    """Read any of the three shapes; ``None`` for what is none of them."""
    feed = _feed(data)
    if feed is None:
        return None
    phases = [_phase(item, feed) for item in feed.tracks]
    sandbox = _is_sandbox(data)
    tracks = tuple(
        _track(item, index, phase, sandbox)
        for index, (item, phase) in enumerate(zip(feed.tracks, phases, strict=True))
    )
    status, stage = _state(feed, phases)
    models = [item.get("model_name") for item in feed.tracks] + [feed.request.get("model")]
    model = next((found for name in models if (found := text(name))), None)
    return MusicJob(
        id=job_id,
        status=status,
        stage=stage,
        provider=provider_of_model(model),
        model=model,
        tracks=tracks,
        failure=next((track.failure for track in tracks if track.failure), None),
        sandbox=sandbox or any(track.sandbox for track in tracks),
        raw=storable(data) if isinstance(data, dict) else {"tracks": storable(data)},
    )


def provider_of_model(model: Any) -> str | None:
    """Return who makes a model of this service: the chirp family is Suno's."""
    name = model.lower() if isinstance(model, str) else ""
    return "suno" if name.startswith("chirp") else "udio" if name.startswith("udio") else None


def _feed(data: Any) -> _Feed | None:
    body = mapping(data)
    inner = body.get("data")
    # A bare array, or an older body: log rows whose `info` is JSON text.
    for tracks in (data, inner):
        if isinstance(tracks, list):
            items = _items(tracks)
            return _Feed("", items, {}, is_flat=False) if items or not tracks else None
    if "response_data" in body or "type" in body:
        return _Feed(_kind(body), _items(body.get("response_data")), _request(body), is_flat=True)
    envelope = mapping(inner)
    if "response_data" in envelope or "type" in envelope:
        items = _items(envelope.get("response_data"))
        return _Feed(_kind(envelope), items, _request(envelope), is_flat=False)
    return None


def _kind(body: Mapping[str, Any]) -> str:
    return (text(body.get("type")) or "").strip().lower()


def _request(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(body.get("request_body"))


def _items(value: Any) -> list[Mapping[str, Any]]:
    """Return the track objects, also from one object, from JSON text and from log rows."""
    value = _unpacked(value)
    if isinstance(value, dict):
        value = [value]
    found: list[Mapping[str, Any]] = []
    for item in rows(value):
        info = _unpacked(item["info"]) if isinstance(item.get("info"), str) else None
        found.extend([info] if isinstance(info, dict) else rows(info) or [item])
    return found


def _unpacked(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return read_json(value)
    except (ValueError, RecursionError):
        return None


def _phase(item: Mapping[str, Any], feed: _Feed) -> Phase:
    """Say how far one track is."""
    status = (text(item.get("status")) or "").strip().lower()
    url = text(item.get("audio_url"))
    if _fail_text(item) or status in _FAILED:
        return "failed"
    if ALL_DONE in (text(item.get("extra_message")) or "").lower() and url:
        return "final"
    if status in _FINAL:
        return "final" if url else "failed"  # complete without audio: moderated away
    if status in ("first", "text"):
        return "first" if status == "first" else "text"
    if feed.is_flat and not status:
        return _flat_phase(feed.kind)
    # Without a word of its own a track counts as done when the feed calls it a success and its
    # length is known: in the text stage, under the same SUCCESS, the length is still blank.
    known = seconds_or_none(item.get("duration")) is not None
    if not status and feed.kind in _FINISHED_TYPES and url and known:
        return "final"
    return "unknown"


def _flat_phase(kind: str) -> Phase:
    if kind in _FINISHED_TYPES:
        return "final"
    return "first" if kind == "first" else "text" if kind == "text" else "unknown"


def _state(feed: _Feed, phases: list[Phase]) -> tuple[str, str | None]:
    """Return status and stage of the whole job."""
    seen = set(phases)
    if feed.kind.startswith("fail") or feed.kind == "error" or (seen == {"failed"}):
        return "failed", None
    if seen and seen <= {"final", "failed"}:
        return "completed", "complete"
    if seen & {"first", "final"}:
        return "in_progress", "first"
    if "text" in seen:
        return "in_progress", "text"
    return _state_by_type(feed)


def _state_by_type(feed: _Feed) -> tuple[str, str | None]:
    kind = feed.kind
    if kind in ("new", "pending", "queued", "submitted"):
        return "queued", "new"
    if kind in ("text", "first"):
        return "in_progress", kind
    if kind == "complete" and feed.is_flat:
        return "completed", "complete"
    if kind in _FINISHED_TYPES or kind in ("in_progress", "running", "processing"):
        return "in_progress", "new"  # SUCCESS over nothing is no completion
    if not kind:
        return ("in_progress", "new") if feed.tracks else ("unknown", None)
    return whole(kind[:80]), None


def _fail_text(item: Mapping[str, Any]) -> str | None:
    return text(item.get("fail_message")) or text(item.get("error_message"))


def _track(item: Mapping[str, Any], index: int, phase: Phase, sandbox: bool) -> Track:
    url = text(item.get("audio_url"))
    return Track(
        index=index,
        id=identifier(item.get("id")),
        title=text(item.get("title")),
        tags=text(item.get("tags")),
        duration=seconds_or_none(item.get("duration")),
        audio_url=url.strip() if url else None,
        image_url=text(item.get("image_url")),
        lyrics=text(item.get("prompt")),
        is_preview=url is not None and phase != "final",
        sandbox=sandbox or item.get("sandbox") is True,
        failure=_fail_text(item),
        raw=storable(dict(item)),
    )


def _is_sandbox(data: Any) -> bool:
    body = mapping(data)
    return body.get("sandbox") is True or mapping(body.get("data")).get("sandbox") is True
