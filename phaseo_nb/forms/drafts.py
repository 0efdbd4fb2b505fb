"""From what stands in the controls to a request, or to what is wrong with it, field by field.

All judging is done by ``build_request`` and the request models; here their words only find their
way back to the control they are about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, cast

from ..errors import Issue, RequestRejected
from ..requests import MusicRequest, UdioRequest, build_request
from ..requests.words import notes_on
from .panels import FIELDS, PANELS, WORD_NAMES
from .values import Misread, read

Wire = Literal["phaseo", "udio"]
Request = MusicRequest | UdioRequest


@dataclass
class Draft:
    """What the controls say, read.

    Attributes
    ----------
    request : MusicRequest, UdioRequest or None
        What would be sent; ``None`` where something is wrong.
    words : dict
        What ``generate`` takes, but for the take.
    extras : dict
        Fields of the wire that ``generate`` has no word for.
    problems, notes : dict of str to str
        By field: what is wrong, and what will have no effect. The key ``""`` is the whole form.
    """

    wire: Wire
    words: dict[str, Any]
    extras: dict[str, Any]
    take: Any = None
    request: Request | None = None
    problems: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    """The same problems as the request model has them."""

    def refuse(self, name: str, reason: str, value: Any, words: str) -> None:
        """Note a problem that no request model can have."""
        self.problems[name] = words
        self.issues.append(Issue(name, reason, value, words))
        self.request = None


def read_draft(wire: Wire, model: str | None, texts: Mapping[str, str]) -> Draft:
    """Read the controls.

    Parameters
    ----------
    wire
        The gateway's wire.
    model
        The chosen model; ``None`` where none is chosen.
    texts
        What stands in each control, by field. Controls that are out of use count as empty.
    """
    draft = Draft(wire, {"model": model} if model else {}, {})
    unused = out_of_use(wire, model)
    for name, text in texts.items():
        if name not in FIELDS or name in unused or not text:
            continue
        try:
            value = read(FIELDS[name], text)
        except Misread as error:
            draft.refuse(name, "unreadable", text[:80], str(error))
            continue
        if value is not None:
            _put(draft, name, value)
    misread = bool(draft.problems)
    _build(draft)
    if misread:
        draft.request = None
    return draft


@lru_cache(maxsize=256)
def out_of_use(wire: Wire, model: str | None) -> Mapping[str, str]:
    """Return the controls that the chosen model does nothing with, each with the reason.

    Found by asking: a request with just that word is built, and its notes are read.
    """
    unused = {field.name: "" for panel in PANELS if panel.wire != wire for field in panel.fields}
    if model is None and wire == "phaseo":
        return unused
    for word, sample in _SAMPLES.items():
        for line in _notes_of(wire, model, {word: sample}):
            name, _, reason = line.partition(": ")
            if name == word:
                unused[word] = _sentence(reason)
    for panel in PANELS:
        if panel.name not in _PROVIDERS or wire != "phaseo":
            continue
        lines = _notes_of(wire, model, {panel.name: _HARMLESS[panel.name]})
        if any(line.startswith(f"{panel.name}: ") for line in lines):
            unused |= {field.name: f"Not used by {model}." for field in panel.fields}
    return unused


_PROVIDERS = ("suno", "elevenlabs", "minimax")
_HARMLESS = {
    "suno": {"personaId": "x"},
    "elevenlabs": {"model_id": "x"},
    "minimax": {"output_format": "url"},
}
_SAMPLES: dict[str, Any] = {
    "duration": 8,
    "format": "mp3",
    "lyrics": "la la la",
    "style": "jazz",
    "title": "Song",
    "instrumental": True,
    "negative": "drums",
    "voice": "f",
}


def _notes_of(wire: Wire, model: str | None, words: Mapping[str, Any]) -> tuple[str, ...]:
    prompt = "a song about the sea"
    try:
        if wire == "phaseo" and model is not None:
            return notes_on(model, prompt, words)
        return build_request(wire, prompt, model=model, **words).notes
    except RequestRejected:
        return ()


# -- putting together ------------------------------------------------------------------------------


def _put(draft: Draft, name: str, value: Any) -> None:
    home, *path = name.split(".")
    if name == "take":
        draft.take = value
    elif name in WORD_NAMES or name == "echo_upstream_request":
        draft.words[name] = value
    elif not path:
        draft.extras[name] = value
    elif home == "udio":
        draft.extras[path[0]] = value
    else:
        place = draft.words.setdefault(home, {})
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = value


def _build(draft: Draft) -> None:
    words = {"model": None, **draft.words}
    prompt = words.pop("prompt", None)
    try:
        if draft.wire == "udio" and draft.extras and set(draft.words) <= {"model"}:
            draft.request = UdioRequest(**{**draft.words, **draft.extras})
            lines = tuple(draft.request.ineffective())
        else:
            draft.request, lines = build_request(draft.wire, prompt, **words)
            if draft.extras:
                draft.request = _with_extras(draft.request, draft.extras)
                lines = (*lines, *draft.request.ineffective())
    except RequestRejected as error:
        draft.request = None
        draft.issues += error.issues
        for issue in error.issues:
            for name in _places(draft, issue.field):
                draft.problems.setdefault(name, issue.expected)
        return
    for line in dict.fromkeys(lines):
        name, _, reason = line.partition(": ")
        for place in _places(draft, name):
            draft.notes.setdefault(place, _sentence(reason))


def _sentence(reason: str) -> str:
    is_name = reason.startswith("udioapi.pro")
    return (reason if is_name else reason[:1].upper() + reason[1:]) + "."


def _with_extras(request: Request, extras: Mapping[str, Any]) -> Request:
    if isinstance(request, UdioRequest):
        return UdioRequest(**{**request._keywords(), **extras})
    return MusicRequest.model_validate({**request.to_wire(), **extras})


# -- finding the control that is meant -------------------------------------------------------------

_WORD_OF = {
    "suno.prompt": "lyrics",
    "suno.style": "style",
    "suno.title": "title",
    "suno.instrumental": "instrumental",
    "suno.negative_tags": "negative",
    "suno.vocal_gender": "voice",
    "elevenlabs.prompt": "prompt",
    "elevenlabs.force_instrumental": "instrumental",
    "minimax.prompt": "prompt",
    "minimax.lyrics": "lyrics",
    "minimax.is_instrumental": "instrumental",
    "udio.gpt_description_prompt": "prompt",
    "udio.prompt": "lyrics",
    "udio.style": "style",
    "udio.title": "title",
    "udio.tags": "negative",
    "udio.gender": "voice",
    "udio.make_instrumental": "instrumental",
    "udio.model": "model",
    "is_instrumental": "instrumental",
}
"""Which word fills an option, where a person gives the word."""


def _places(draft: Draft, wire_path: str) -> tuple[str, ...]:
    """Return the controls that a field of the wire is about; the whole form where there is none.

    An option that is filled is meant itself; one that is empty may as well be said as a word.
    """
    parts = [_snake_case(part) for part in wire_path.split(".")]
    prefixes = ("udio.", "") if draft.wire == "udio" else ("",)
    while parts:
        for prefix in prefixes:
            name = prefix + ".".join(parts)
            if name in FIELDS:
                word = _WORD_OF.get(name)
                if word is None or _is_said(draft, name):
                    return (name,)
                return (word, name) if _is_open(draft, name) else (word,)
            if name in _WORD_OF:
                return (_WORD_OF[name],)
        parts.pop()
    return ("",)


def _is_said(draft: Draft, name: str) -> bool:
    home, _, rest = name.partition(".")
    inside = draft.extras if home == "udio" else draft.words.get(home)
    return isinstance(inside, dict) and rest in inside


def _is_open(draft: Draft, name: str) -> bool:
    """Whether anything beside it in its panel is filled, so that a person looks there."""
    home = name.partition(".")[0]
    return bool(draft.extras if home == "udio" else draft.words.get(home))


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda match: "_" + match[0].lower(), name)


def as_wire(name: str) -> Wire:
    """Return a connection's wire as its type."""
    return cast("Wire", name)
