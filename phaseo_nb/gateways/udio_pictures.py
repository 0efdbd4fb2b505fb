"""Cover images of udioapi.pro: orders of which pictures come, and nothing to hear.

Wire contract: udioapi.pro ``/docs/generate-music-cover``: ``POST /api/v2/cover/generate`` with
``taskId`` answers ``{code, msg, data: {taskId}}``, ``GET /api/v2/cover/status?task_id=`` says how
it stands; one credit, once per job, addresses good for 14 days. The page shows no finished body,
so addresses are looked for under every name that services of this kind use.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from ..jobs import Cost, MusicJob, Track
from ..transport.messages import Call
from .values import mapping, storable, text, whole

PRICE = Cost(credits=1.0, is_estimate=True)
_PREFIX = "cover:"
"""Put before the service's id: it may be the id of the very job that the picture is for."""
MOST = 8
"""Pictures of one order that are kept; the service makes one or two."""

_PLACES = (
    *("images", "image_urls", "imageUrls", "image_url", "imageUrl", "cover_urls", "coverUrls"),
    *("cover_url", "coverUrl", "cover_image", "urls", "url", "image_large_url"),
)
_INSIDE = ("data", "response", "result", "response_data", "output", "cover", *_PLACES)
_MOST_PARTS = 64
_STATE_WORDS = ("status", "state", "type", "successFlag")
_DONE = frozenset({"success", "complete", "completed", "succeeded", "done", "finished", "1"})
_FAILED = ("fail", "error", "2", "3")
_REASONS = ("fail_message", "error_message", "errorMessage", "failReason", "extra_message")


def is_wanted(request: Any) -> bool:
    """Tell whether a request asks for pictures."""
    return getattr(request, "makes", "music") == "picture"


def is_one(job_id: str) -> bool:
    """Tell whether a job of ours is one of pictures."""
    return job_id.startswith(_PREFIX)


def name_of(task_id: str) -> str:
    """Return what an order of pictures is called here, from the service's id."""
    return _PREFIX + task_id


def accepted(body: Mapping[str, Any], job_id: str) -> MusicJob:
    """Return the job of an order that was taken; its page says what it costs."""
    return MusicJob(
        id=job_id,
        status="queued",
        stage="new",
        cost=PRICE,
        sandbox=_is_sandbox(body),
        raw=storable(dict(body)),
    )


def status_call(job_id: str) -> Call:
    """Return where to ask about an order of pictures."""
    return Call("GET", "/api/v2/cover/status", params={"task_id": job_id.removeprefix(_PREFIX)})


def read_state(data: Any, job_id: str) -> MusicJob | None:
    """Read how an order of pictures stands; ``None`` for what says nothing about one."""
    body = mapping(data)
    if not isinstance(body.get("data"), (dict, list)) and not _addresses(body):
        return None
    inner = body.get("data")
    addresses = _addresses(inner if inner else body)[:MOST]
    word = _word(inner)
    reason = _reason(inner)
    is_over = word in _DONE or (not word and bool(addresses))
    if word.startswith(_FAILED) or (is_over and not addresses):
        status, reason = "failed", reason or "the service gave no picture"
    else:
        status = "completed" if is_over else _open(word)
    sandbox = _is_sandbox(body)
    pictures = tuple(
        Track(index, image_url=address, is_picture=True, is_preview=not is_over, sandbox=sandbox)
        for index, address in enumerate(addresses)
    )
    return MusicJob(
        id=job_id,
        status=status,
        stage="complete" if status == "completed" else None if status == "failed" else "new",
        tracks=pictures if status != "failed" else (),
        failure=reason if status == "failed" else None,
        sandbox=sandbox,
        raw=storable(dict(body)),
    )


def _open(word: str) -> str:
    """Name a state that is no end; a word that is not known here is kept as it came."""
    if word in ("", "0", "in_progress", "running", "processing", "generating"):
        return "in_progress"
    return "queued" if word in ("pending", "queued", "new", "submitted") else whole(word[:80])


def _word(value: Any) -> str:
    """Return what is said of the state, in lower case; HTTP-like codes are none."""
    for part in _parts(value):
        for name in _STATE_WORDS:
            said = part.get(name)
            if isinstance(said, bool):
                return "success" if said else "in_progress"
            if isinstance(said, (str, int)) and str(said).strip():
                return str(said).strip().lower()
    return ""


def _reason(value: Any) -> str | None:
    found = (text(part.get(name)) for part in _parts(value) for name in _REASONS)
    return next((reason for reason in found if reason), None)


def _addresses(value: Any) -> list[str]:
    """Return every address of a picture, each once, in the order in which they stand."""
    found: dict[str, None] = {}
    for part in _parts(value):
        for name in _PLACES:
            found.update(dict.fromkeys(_texts(part.get(name))))
    if isinstance(value, list):
        found.update(dict.fromkeys(_texts(value)))
    return list(found)


def _texts(value: Any) -> Iterator[str]:
    for item in value[:_MOST_PARTS] if isinstance(value, list) else [value]:
        address = text(item)
        if address is not None and "//" in address:
            yield address.strip()


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield an object and those inside it that may hold its facts, outer ones first; not many."""
    waiting = deque(_objects(value))
    for _ in range(_MOST_PARTS):
        if not waiting:
            return
        part = waiting.popleft()
        yield part
        for name in _INSIDE:
            waiting.extend(_objects(part.get(name)))


def _objects(value: Any) -> list[Mapping[str, Any]]:
    some = value[:_MOST_PARTS] if isinstance(value, list) else [value]
    return [item for item in some if isinstance(item, dict)]


def _is_sandbox(body: Mapping[str, Any]) -> bool:
    return body.get("sandbox") is True or mapping(body.get("data")).get("sandbox") is True
