"""What udioapi.pro's two feeds say of a job, false SUCCESS included.

Wire contract: udioapi.pro ``/docs/v2-feed`` and ``/quickstart/query-result``. In the text stage
the page's own sample has type SUCCESS and a live preview as ``audio_url``: so it is here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from ..jobbook import Job, Stage

_MODERATED = "This song violates Suno's content moderation policy"
_V1_TYPE: dict[Stage, str] = {"queued": "new", "text": "text", "first": "first", "done": "complete"}
_STATUS: dict[Stage, str] = {"text": "text", "first": "first", "done": "complete", "queued": ""}


class FeedState(NamedTuple):
    """A job as the feeds see it at one moment."""

    type: Any
    """Of the v2 feed."""
    stage: Stage
    tracks: list[dict[str, Any]]
    """Of the v2 feed."""
    is_failed: bool


def read(job: Job, now: float, origin: str) -> FeedState:
    """Work out what a feed says at a moment, asked under an origin."""
    stage = job.stage(now)
    is_failed = stage == "done" and job.failure is not None
    word: Any = "IN_PROGRESS" if stage == "queued" else "SUCCESS"
    if is_failed:
        word = "FAILED"
    if job.outcome.statuses:
        n_polls = job.steps.get("poll", 1)
        word = job.outcome.statuses[min(n_polls, len(job.outcome.statuses)) - 1]
        is_done = isinstance(word, str) and word.lower() in ("complete", "completed", "done")
        stage = "done" if is_done else "queued"
        word = "SUCCESS" if is_done else word
    return FeedState(word, stage, tracks_at(job, stage, origin), is_failed)


def tracks_at(job: Job, stage: Stage, origin: str) -> list[dict[str, Any]]:
    """Return a job's tracks as the v2 feed shows them at a stage."""
    if stage == "queued" or (job.outcome.tracks == "none" and stage == "done"):
        return []
    return [_track(job, stage, origin, index) for index in range(len(job.facts))]


def _track(job: Job, stage: Stage, origin: str, index: int) -> dict[str, Any]:
    facts = job.facts[index]
    is_ready = index < job.n_ready(stage)
    is_dead = stage == "done" and not is_ready
    url = ""
    if is_ready or not is_dead:
        url = job.audio_url(origin, index, is_stream=not is_ready)
    status = _STATUS[stage] if is_ready or is_dead else "text"
    extra = "Text generated successfully." if status == "text" else ""
    if is_ready and stage == "done":
        extra = "All generated successfully."
    fail = (job.outcome.message or job.failure or _MODERATED) if is_dead else ""
    return {
        "id": f"{job.id[3:11]}-{index}",
        "audio_url": url,
        "image_url": "",
        "image_large_url": "",
        "created_at": job.created_at,
        "timestamp": _milliseconds(job),
        "status": "error" if is_dead and job.failure else status,
        "title": facts.title,
        "prompt": job.order.lyrics,
        "tags": facts.tags,
        "duration": job.order.seconds if is_ready else "",
        "model_name": job.slug,
        "extra_message": extra,
        "fail_message": fail,
        "error_message": "",
        "sandbox": True,
    }


def enveloped(job: Job, state: FeedState) -> dict[str, Any]:
    """Return the body of ``/api/v2/feed``."""
    data = {
        "type": state.type,
        "request_body": dict(job.echo),
        "response_data": state.tracks,
        "created_at": job.created_at,
        "sandbox": True,
    }
    return {"code": 200, "message": "success", "data": data, "sandbox": True}


def flat(job: Job, state: FeedState) -> dict[str, Any]:
    """Return the body of ``/api/feed``: no envelope, no status on a track, other times."""
    names = ("id", "image_url", "model_name", "prompt", "tags", "title", "sandbox")
    tracks = []
    for track in state.tracks:
        ready = bool(track["duration"])
        url = track["audio_url"] if ready else ""
        one = {
            "audio_url": url,
            "createTime": track["timestamp"],
            "duration": track["duration"] or None,
        }
        one.update({name: track[name] for name in names})
        if track["fail_message"]:
            one["fail_message"] = track["fail_message"]
        tracks.append(one)
    echo = {name: job.echo[name] for name in ("prompt", "title") if name in job.echo}
    echo["customMode"] = job.echo.get("custom_mode") is True
    echo["instrumental"] = job.echo.get("make_instrumental") is True
    return {
        "type": "FAILED" if state.is_failed else _V1_TYPE[state.stage],
        "request_body": echo,
        "response_data": tracks,
        "created_at": job.created_at[:19].replace("T", " "),
        "sandbox": True,
    }


def _milliseconds(job: Job) -> int:
    return int(datetime.fromisoformat(job.created_at.replace("Z", "+00:00")).timestamp() * 1000)
