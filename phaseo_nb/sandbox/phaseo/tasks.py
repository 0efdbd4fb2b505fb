"""Jobs that are polled: Suno's tasks, and those of the sandbox's own band in the same shape.

Wire contract: ``apps/api/src/routes/v1/data/music-generate.ts`` of ``phaseoteam/Phaseo``, which
maps the provider's status words and passes its answer on as ``result``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..jobbook import Job, Stage
from ..studio import SongFacts

_SUNO_WORDS: dict[Stage, str] = {
    "queued": "QUEUED",
    "text": "TEXT_SUCCESS",
    "first": "FIRST_SUCCESS",
    "done": "SUCCESS",
}
_STATUS: dict[Stage, str] = {
    "queued": "queued",
    "text": "in_progress",
    "first": "in_progress",
    "done": "completed",
}
_SUNO_FAILURES = frozenset(
    [
        "CREATE_TASK_FAILED",
        "CALLBACK_EXCEPTION",
        "GENERATE_AUDIO_FAILED",
        "SENSITIVE_WORD_ERROR",
        "FAILED",
        "ERROR",
    ]
)


def suno_created(task_id: str) -> dict[str, Any]:
    """Return what Suno says when it has taken a task."""
    return {"code": 200, "msg": "success", "data": {"taskId": task_id}, "sandbox": True}


def task_status(
    job: Job, tracks: list[dict[str, Any]], *, word: Any, stage: Stage
) -> dict[str, Any]:
    """Return the body of a GET for a task that runs: suno's shape, the band's too."""
    failed = word == "failed"
    output = [] if failed else [_output_item(i, track) for i, track in enumerate(tracks)]
    answer: dict[str, Any] = {
        "id": job.id,
        "object": "music",
        "status": word,
        "provider": job.provider,
        "model": job.slug,
        "nativeResponseId": job.native_id,
        "result": _suno_result(job, tracks, failed=failed, stage=stage),
        "output": output,
    }
    if word == "completed":
        seconds = sum(item["duration"] or 0 for item in output)
        usage: dict[str, Any] = {"output_audio_count": sum(1 for i in output if i["audio_url"])}
        if seconds:
            usage["output_audio_seconds"] = seconds
        answer["usage"] = usage
    answer["sandbox"] = True
    return answer


def suno_tracks(job: Job, stage: Stage, urls: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return Suno's own list of tracks at a stage.

    Parameters
    ----------
    urls
        For each track where its file and where its live stream is to be had.
    """
    if stage == "queued" or (stage == "done" and job.outcome.tracks == "none"):
        return []
    n_ready = job.n_ready(stage)
    tracks = []
    for index, (facts, (url, stream)) in enumerate(zip(job.facts, urls, strict=True)):
        ready = index < n_ready
        dead = stage == "done" and not ready
        track = {
            "id": f"{job.id[:8]}-{index}",
            "audioUrl": url if ready else "",
            "sourceAudioUrl": url if ready else "",
            "streamAudioUrl": None if dead else stream,
            "imageUrl": None,
            "prompt": job.order.lyrics,
            "modelName": job.slug,
            "title": facts.title,
            "tags": facts.tags,
            "createTime": job.created_at,
            "duration": job.order.seconds if ready else None,
            "sandbox": True,
        }
        tracks.append(track)
    return tracks


def _suno_result(
    job: Job, tracks: list[dict[str, Any]], *, failed: bool, stage: Stage
) -> dict[str, Any]:
    data: dict[str, Any] = {"taskId": job.id, "status": _SUNO_WORDS[stage]}
    if failed:
        reason = job.failure or "FAILED"
        data["status"] = reason if reason in _SUNO_FAILURES else "FAILED"
        data["errorCode"] = 413 if reason == "SENSITIVE_WORD_ERROR" else 500
        data["errorMessage"] = job.outcome.message or reason
        data["response"] = None
    else:
        is_empty = not tracks
        data["response"] = {"sunoData": None if is_empty else tracks}
    if job.provider == "sandbox":
        data["song"] = _song(job.facts[0], job)
    return {"code": 200, "msg": "success", "data": data}


def _song(facts: SongFacts, job: Job) -> dict[str, Any]:
    return {
        "bpm": facts.bpm,
        "key": facts.key,
        "mode": facts.mode,
        "genre": facts.genre,
        "take": job.take,
    }


def _output_item(index: int, track: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "index": index,
        "id": track["id"],
        "audio_url": track["audioUrl"],
        "stream_audio_url": track["streamAudioUrl"],
        "image_url": track["imageUrl"],
        "title": track["title"],
        "tags": track["tags"],
        "duration": track["duration"],
        "sandbox": True,
    }


def status_word(job: Job, stage: Stage) -> str:
    """Return the gateway's status for a stage."""
    if stage == "done" and job.failure is not None:
        return "failed"
    return _STATUS[stage]
