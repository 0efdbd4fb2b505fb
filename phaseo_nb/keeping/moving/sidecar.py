"""The JSON file beside an exported take: what was asked for, what came, where it is from.

It is written for people who must show where a track came from, and read back by an import. What
is in it is listed here name by name, so that nothing of an answer gets out unseen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..entries import Entry

FORMAT = "phaseo_nb take"
VERSION = 1
_SERVICES = {"phaseo": "Phaseo Gateway", "udio": "udioapi.pro"}
_JOB = (
    *("id", "request_id", "status", "stage", "provider", "model", "failure"),
    *("sandbox", "is_settled", "usage"),
)
_TRACK = (
    *("index", "id", "title", "tags", "duration", "audio_url", "stream_audio_url", "image_url"),
    *("lyrics", "is_preview", "sandbox", "failure", "pcm_rate"),
)
_ADDRESSES = ("audio_url", "stream_audio_url", "image_url")
_NOT_OURS_TO_TELL = ("callback_url", "callBackUrl", "token")


def sidecar_of(entry: Entry, files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is written beside the recordings of a take."""
    answer = json.loads(entry.answer) if entry.answer else {}
    request = json.loads(entry.request)
    changed: list[str] = []
    body = _without_secrets(request.get("body") or {}, (), changed)
    return {
        "format": FORMAT,
        "version": VERSION,
        "provenance": provenance(entry, answer),
        "take": {
            "number": entry.number,
            "created_at": _moment(entry.created_at),
            "seconds": entry.seconds,
            "title": entry.title,
            "prompt": entry.prompt,
            "notes": json.loads(entry.notes),
            "rating": entry.rating,
            "note": entry.note,
            "tags": list(entry.tags),
        },
        "request": {
            "kind": request.get("kind"),
            "api": request.get("api"),
            "gateway": entry.gateway,
            "base_url": plain_address(entry.base_url),
            "body": body,
            **({"without_signatures": changed} if changed else {}),
        },
        "cost": answer.get("cost"),
        "job": {name: answer.get(name) for name in _JOB},
        "tracks": [_track(track) for track in answer.get("tracks") or ()],
        "files": [dict(file) for file in files],
    }


def provenance(entry: Entry, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return where a take is from, in facts and in a sentence; nothing in it names an account."""
    is_sandbox = bool(entry.sandbox or answer.get("sandbox"))
    service = "phaseo_nb sandbox" if is_sandbox else _SERVICES.get(entry.gateway, entry.gateway)
    provider = answer.get("provider") or entry.provider
    host = urlsplit(plain_address(entry.base_url) or "").netloc
    made = datetime.fromtimestamp(entry.created_at, timezone.utc)
    if is_sandbox:
        words = (
            f"Made on {made:%Y-%m-%d} by the synthesizer of the phaseo_nb sandbox, offline: not "
            "by an AI model, not by a music service, whatever model was asked for."
        )
    else:
        by = f" by {provider}" if provider else ""
        model = f" with the model {entry.model}" if entry.model else ""
        words = (
            f"Generated on {made:%Y-%m-%d}{by}{model}, an AI music model, ordered through "
            f"{service} ({host})."
        )
    return {
        "statement": words,
        "is_sandbox": is_sandbox,
        "service": service,
        "gateway": entry.gateway,
        "host": host,
        "provider": provider,
        "model": entry.model,
        "provider_model": answer.get("model"),
        "date": _moment(entry.created_at),
        "exported_with": made_with(),
    }


def made_with() -> str:
    """Return this package with its version."""
    try:
        return f"phaseo_nb {version('phaseo-nb')}"
    except PackageNotFoundError:
        return "phaseo_nb"


def _track(facts: Mapping[str, Any]) -> dict[str, Any]:
    track = {name: facts.get(name) for name in _TRACK}
    return track | {name: plain_address(track[name]) for name in _ADDRESSES}


def plain_address(url: Any) -> str | None:
    """Return an address without what may be signed or secret in it; ``None`` where it is none."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except (AttributeError, TypeError, ValueError):
        return None
    if parts.scheme.lower() not in ("http", "https") or not host:
        return None
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port is not None else ""
    return str(urlunsplit((parts.scheme.lower(), place, parts.path, "", "")))


def _without_secrets(value: Any, path: tuple[str, ...], changed: list[str]) -> Any:
    """Return a request body without callback addresses and without signatures in its links."""
    if isinstance(value, dict):
        return {
            name: _without_secrets(item, (*path, str(name)), changed)
            for name, item in value.items()
            if name not in _NOT_OURS_TO_TELL
        }
    if isinstance(value, list):
        return [_without_secrets(item, (*path, str(i)), changed) for i, item in enumerate(value)]
    is_link = isinstance(value, str) and value.strip().lower().startswith(("http://", "https://"))
    if not is_link or any(sign.isspace() for sign in value.strip()):
        return value
    plain = plain_address(value)
    if plain is None or not any(sign in value for sign in "?#@"):
        return value
    changed.append(".".join(path))
    return plain


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()
