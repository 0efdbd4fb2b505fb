"""Providers that answer at once: ElevenLabs, MiniMax and Google, with the audio in the POST.

What GET gives later is less, or nothing: that is how the services are. Wire contract: the music
executors and ``apps/api/src/routes/v1/data/music-generate.ts`` of ``phaseoteam/Phaseo``.
"""

from __future__ import annotations

import base64
from typing import Any

from ..encode import BITRATE_KBPS, MEDIA_TYPES
from ..jobbook import Job
from ..studio import Recording


def elevenlabs_result(job: Job, recording: Recording, data: bytes) -> tuple[dict[str, str], Any]:
    """Return the audio and ``result`` of a binary answer of ElevenLabs."""
    audio = base64.b64encode(data).decode()
    kind = MEDIA_TYPES[recording.format]
    content_type = f"{kind};rate={recording.sample_rate}" if recording.format == "pcm" else kind
    result = {
        "id": job.native_id,
        "object": "music",
        "status": "completed",
        "provider": "elevenlabs",
        "model": job.slug,
        "nativeResponseId": job.native_id,
        "audio_base64": audio,
        "content_type": content_type,
        "usage": {"requests": 1, "output_audio_seconds": recording.seconds},
        "upstream": {},
    }
    return {"audio_base64": audio}, result


def minimax_result(
    job: Job, recording: Recording, data: bytes, url: str | None
) -> tuple[dict[str, str], Any]:
    """Return the audio and ``result`` of MiniMax: an address, or hex that becomes base64."""
    result = {
        "data": {"status": 2, "audio": data.hex() if url is None else url},
        "trace_id": job.id,
        "extra_info": {
            "music_duration": round(recording.seconds * 1000),
            "music_sample_rate": recording.sample_rate,
            "music_channel": 2,
            "bitrate": (recording.bitrate_kbps or BITRATE_KBPS) * 1000,
            "music_size": len(data),
        },
        "base_resp": {"status_code": 0, "status_msg": "success"},
    }
    if url is not None:
        return {"audio_url": url}, result
    return {"audio_base64": base64.b64encode(data).decode()}, result


def google_result(job: Job, recording: Recording, data: bytes, n_tokens: int) -> Any:
    """Return ``result`` of Lyria: a Gemini answer with inline audio."""
    inline = {
        "mimeType": MEDIA_TYPES[recording.format],
        "data": base64.b64encode(data).decode(),
    }
    return {
        "candidates": [{"content": {"parts": [{"inlineData": inline}], "role": "model"}}],
        "usageMetadata": {"promptTokenCount": n_tokens, "totalTokenCount": n_tokens},
        "modelVersion": job.slug,
        "responseId": job.native_id,
    }


def elevenlabs_status(job: Job, status: Any) -> dict[str, Any]:
    """Return the body of a GET after a binary POST: completed, and the audio is gone."""
    answer: dict[str, Any] = {
        "id": job.id,
        "object": "music",
        "status": status,
        "provider": "elevenlabs",
        "model": job.slug,
        "nativeResponseId": job.native_id,
        "output": [],
    }
    if status == "completed":
        answer["usage"] = {"output_audio_count": 0}
    answer["sandbox"] = True
    return answer


def google_status(job: Job, data: bytes, n_tokens: int, status: Any) -> dict[str, Any]:
    """Return the body of a GET of a Lyria job, which is asked for by its ``requestId``."""
    recording = job.order.recordings[0]
    result = google_result(job, recording, data, n_tokens)
    audio = base64.b64encode(data).decode()
    item = {
        "index": 0,
        "id": job.native_id or job.request_id,
        "audio_url": None,
        "audio_base64": audio,
        "stream_audio_url": None,
        "image_url": None,
        "title": None,
        "tags": None,
        "duration": None,
        "sandbox": True,
    }
    answer: dict[str, Any] = {
        "id": job.request_id,
        "object": "music",
        "status": status,
        "provider": "google-ai-studio",
        "model": job.slug,
        "nativeResponseId": job.native_id or job.request_id,
        "audio_base64": audio,
        "result": result,
        "output": [item],
    }
    if status == "completed":
        answer["usage"] = {"output_audio_count": 1}
    answer["sandbox"] = True
    return answer
