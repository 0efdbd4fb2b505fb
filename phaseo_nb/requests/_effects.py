"""Which fields a provider is known to ignore, said before the job starts.

Sources: the music adapters in ``phaseoteam/Phaseo:apps/api/src`` (``providers/suno``,
``providers/elevenlabs``, ``executors/minimax``, ``executors/google``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from .rules import provider_of
from .schema import ELEVENLABS, SUNO

_OPTION_OBJECTS = ("suno", "elevenlabs", "minimax")
_READS = {
    "suno": {"suno"},
    "elevenlabs": {"elevenlabs", "duration", "format"},
    "minimax": {"minimax", "format", "lyrics", "is_instrumental"},
    "google": set(),
    "sandbox": {"suno", "duration", "format", "lyrics", "is_instrumental"},
}
_INSTEAD = {
    ("suno", "duration"): "suno decides the length itself",
    ("suno", "format"): "suno decides the format itself",
    ("minimax", "duration"): "minimax decides the length itself",
    ("google", "duration"): "each Lyria model has its own length",
    ("google", "format"): "Lyria decides the format itself",
}


def ineffective(body: Mapping[str, Any]) -> list[str]:
    """Return one line per field of a wire body that will have no effect."""
    provider = provider_of(body["model"])
    if provider is None:
        return []
    lines = [
        f"{name}: {_INSTEAD.get((provider, name)) or f'{provider} never reads it'}"
        for name in ("duration", "format", *_OPTION_OBJECTS, "lyrics", "is_instrumental")
        if name in body and name not in _READS[provider]
    ]
    special = {"suno": _suno, "elevenlabs": _elevenlabs, "minimax": _minimax}.get(provider)
    return [*lines, *(special(body) if special else ())]


def _hidden_prompt(body: Mapping[str, Any], name: str) -> Iterator[str]:
    inner, outer = (body.get(name) or {}).get("prompt"), body.get("prompt")
    style = (body.get(name) or {}).get("style") or ""  # build_request may have put it there
    if inner is not None and outer and outer != inner and outer not in style:
        yield f"prompt: {name}.prompt takes its place"


def _misspelled(options: Mapping[str, Any], home: str, known: Mapping[str, Any]) -> Iterator[str]:
    """Tell of passthrough keys that look like a field and are none."""
    by_letters = {name.lower().replace("_", ""): name for name in known}
    for key in options:
        letters = key.lower().replace("_", "")
        if key in known:
            continue
        if letters in by_letters:
            yield f"{home}.{key}: not the field's name on the wire, which is {by_letters[letters]}"
        elif close := difflib.get_close_matches(letters, by_letters, n=1, cutoff=0.8):
            meant = by_letters[close[0]]
            yield f"{home}.{key}: no field of the contract, passed on; or is {meant} meant?"


def _suno(body: Mapping[str, Any]) -> Iterator[str]:
    options = body.get("suno") or {}
    yield from _hidden_prompt(body, "suno")
    if not options.get("customMode"):
        for name in ("style", "title"):
            if options.get(name):
                yield f"suno.{name}: suno reads it only with customMode on"
    yield from _misspelled(options, "suno", SUNO.fields)


def _elevenlabs(body: Mapping[str, Any]) -> Iterator[str]:
    options = body.get("elevenlabs") or {}
    yield from _hidden_prompt(body, "elevenlabs")
    for name, winner in (("duration", "music_length_ms"), ("format", "output_format")):
        if name in body and options.get(winner) is not None:
            yield f"{name}: elevenlabs.{winner} takes its place"
    if body.get("format") in ("ogg", "aac") and options.get("output_format") is None:
        yield f"format: elevenlabs has no {body['format']} and sends mp3"
    yield from _misspelled(options, "elevenlabs", ELEVENLABS.fields)


def _minimax(body: Mapping[str, Any]) -> Iterator[str]:
    options = body.get("minimax") or {}
    yield from _hidden_prompt(body, "minimax")
    for name in ("lyrics", "is_instrumental"):
        if name in body and name in options:
            yield f"{name}: minimax.{name} takes its place"
    if "format" in body and "format" in (options.get("audio_setting") or {}):
        yield "minimax.audio_setting.format: format takes its place"
