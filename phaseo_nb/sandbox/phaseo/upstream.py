"""What the gateway would have sent to each provider, for ``echo_upstream_request`` and debug."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalogue import Model

_SUNO = [
    "customMode",
    "instrumental",
    "callBackUrl",
    "style",
    "title",
    "personaId",
    "personaModel",
    "negativeTags",
    "vocalGender",
    "styleWeight",
    "weirdnessConstraint",
    "audioWeight",
]
_MINIMAX = [
    "lyrics",
    "lyrics_optimizer",
    "is_instrumental",
    "audio_url",
    "audio_base64",
    "cover_feature_id",
    "audio_setting",
]


def upstream_request(body: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """Return the body that goes to the provider behind a model."""
    if model.provider == "suno":
        return _suno(body, model)
    if model.provider == "elevenlabs":
        return _elevenlabs(body)
    if model.provider == "minimax":
        return _minimax(body, model)
    if model.provider == "google-ai-studio":
        parts = [{"text": body["prompt"].strip()}] if body.get("prompt") else []
        return {
            "contents": [{"role": "user", "parts": parts}],
            "generationConfig": {"responseModalities": ["AUDIO", "TEXT"]},
        }
    names = ("prompt", "duration", "format", "lyrics", "is_instrumental", "suno")
    return {"model": model.slug, **{name: body[name] for name in names if name in body}}


def _suno(body: Mapping[str, Any], model: Model) -> dict[str, Any]:
    suno = body.get("suno") or {}
    inner = suno.get("prompt")
    sent = {"model": suno.get("model") or model.slug}
    sent["prompt"] = body.get("prompt") if inner is None else inner
    known = {name: suno[name] for name in _SUNO if name in suno}
    extra = {n: v for n, v in suno.items() if n not in _SUNO and n not in ("model", "prompt")}
    return {name: value for name, value in {**sent, **known, **extra}.items() if value is not None}


def _elevenlabs(body: Mapping[str, Any]) -> dict[str, Any]:
    own = dict(body.get("elevenlabs") or {})
    prompt = own.pop("prompt", None)
    sent: dict[str, Any] = {"prompt": body.get("prompt") if prompt is None else prompt}
    sent["model_id"] = own.pop("model_id", "music_v1")
    if "duration" in body:
        sent["music_length_ms"] = int(body["duration"]) * 1000
    sent["output_format"] = "pcm_44100" if body.get("format") == "wav" else "mp3_44100_128"
    sent.update(own)
    return {name: value for name, value in sent.items() if value is not None}


def _minimax(body: Mapping[str, Any], model: Model) -> dict[str, Any]:
    own = body.get("minimax") or {}
    sent = {"model": model.slug, "prompt": own.get("prompt", body.get("prompt") or "")}
    sent.update({name: own[name] for name in _MINIMAX if name in own})
    if "lyrics" not in sent and isinstance(body.get("lyrics"), str) and body["lyrics"].strip():
        sent["lyrics"] = body["lyrics"].strip()
    if "is_instrumental" not in sent:
        if isinstance(body.get("is_instrumental"), bool):
            sent["is_instrumental"] = body["is_instrumental"]
        elif "lyrics" not in sent and own.get("lyrics_optimizer") is not True:
            sent["is_instrumental"] = True
    sent["stream"] = False
    sent["output_format"] = own.get("output_format", "url")
    if body.get("format"):
        sent["audio_setting"] = {**(own.get("audio_setting") or {}), "format": body["format"]}
    return sent
