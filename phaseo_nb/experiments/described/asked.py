"""What the words of a request ask for that can be measured afterwards: length, tempo, key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ...audio.descriptors import NAMES

LONGEST_TEXT = 20_000
"""Characters of a text that are looked at."""
SLOWEST, FASTEST = 20.0, 400.0
"""Beats per minute that somebody may mean; other numbers before "bpm" are jokes or slips."""

_NUMBER = r"(\d{2,3}(?:[.,]\d{1,3})?)"
_TO = r"(?:\s{0,3}(?:-|–|—|to|bis)\s{0,3}" + _NUMBER + r")?"
_UNIT = r"[\s-]{0,3}(?:bpm|b\.p\.m\.?|beats[\s-]{1,3}(?:per|a)[\s-]{1,3}minute)(?![a-z])"
_BPM = re.compile(rf"(?<![\d.,]){_NUMBER}{_TO}{_UNIT}", re.I)
_BPM_AFTER = re.compile(
    rf"(?<![a-z])(?:bpm|tempo)\s{{0,3}}(?:of|is|at|around|about|[:=])?\s{{0,3}}{_NUMBER}{_TO}(?![\d%])",
    re.I,
)
_MODE = (
    r"(?P<mode>major|minor|maj|min|dur|moll|ionian|aeolian|dorian|phrygian|lydian|mixolydian"
    r"|locrian|(?:harmonic|natural|melodic)[\s-]minor)(?![a-z])"
)
_SIGN = r"(?:\s{0,2}(?P<sign>#|♯|♭)|[\s-]{1,2}(?P<word>sharp|flat)(?![a-z])|(?P<b>b)(?![a-z]))?"
_TONIC = rf"(?<![\w'’#♯♭])(?P<letter>[A-Ga-g]){_SIGN}"
_LEAD = r"(?:(?:in|key(?:\s{0,3}of|\s{0,3}[:=])?)\s{1,3}(?:the\s{1,3}key\s{1,3}of\s{1,3})?)"
_WITH_MODE = re.compile(rf"(?P<lead>(?<![a-z]){_LEAD})?{_TONIC}[\s-]{{0,3}}{_MODE}", re.I)
_SHORT_MINOR = re.compile(r"(?<![\w'’])(?P<letter>[A-G])(?P<sign>#|♯|♭)?(?P<b>b)?m(?![\w'’])")
_KEY_ONLY = re.compile(
    rf"(?<![a-z])(?:[Kk]ey(?:\s{{0,3}}of|\s{{0,3}}[:=])?|[Ii]n)\s{{1,3}}"
    rf"{_TONIC.replace('A-Ga-g', 'A-G')}(?=\s{{0,3}}(?:$|[,.;:!?()\n]|at(?![a-z])|\d))"
)
_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_MODES = {"maj": "major", "dur": "major", "ionian": "major", "min": "minor", "moll": "minor",
          "aeolian": "minor", "natural minor": "minor", "harmonic minor": "minor",
          "melodic minor": "minor"}  # fmt: skip


class Asked(NamedTuple):
    """What was asked for; ``None`` where nothing was said."""

    duration: float | None = None
    """Seconds."""
    bpm: float | None = None
    key: str | None = None
    """Such as ``"F# minor"``, or a tonic alone where no mode was named."""


def asked_in(request: Any, duration: float | None = None) -> Asked:
    """Return what a request asks for, whichever service it is for.

    Its prompt is read first, then style, description and title. What is to be kept out is not.
    """
    seconds = getattr(request, "duration", None)
    texts = list(_texts(request))
    return Asked(
        float(seconds) if isinstance(seconds, int | float) and seconds > 0 else duration,
        next(filter(None, map(bpm_in, texts)), None),
        next(filter(None, map(key_in, texts)), None),
    )


def bpm_in(text: str) -> float | None:
    """Return the tempo that a text names; of a range, the middle.

    Examples
    --------
    >>> bpm_in("Slow waltz, 84 bpm"), bpm_in("tempo: 120-124"), bpm_in("at 7 in the morning")
    (84.0, 122.0, None)
    """
    text = text[:LONGEST_TEXT]
    found = _BPM.search(text) or _BPM_AFTER.search(text)
    if not found:
        return None
    ends = [float(number.replace(",", ".")) for number in found.groups() if number]
    middle = sum(ends) / len(ends)
    return middle if SLOWEST <= middle <= FASTEST else None


def key_in(text: str) -> str | None:
    """Return the key that a text names.

    Examples
    --------
    >>> key_in("A ballad in F sharp minor"), key_in("Key: Bb"), key_in("a minor detail")
    ('F# minor', 'Bb', None)
    """
    text = text[:LONGEST_TEXT]
    for pattern in (_WITH_MODE, _SHORT_MINOR, _KEY_ONLY):
        for found in pattern.finditer(text):
            parts = found.groupdict()
            if _is_article(parts):
                continue
            tonic = NAMES[(_LETTERS[parts["letter"].lower()] + _step(parts)) % 12]
            if pattern is _SHORT_MINOR:
                return f"{tonic} minor"
            mode = re.sub(r"[\s-]+", " ", (parts.get("mode") or "").lower())
            return f"{tonic} {_MODES.get(mode, mode)}".strip()
    return None


def _is_article(parts: dict[str, str | None]) -> bool:
    """Tell "a minor detail" and "in a minor key" from the key of A minor."""
    plain = not (parts.get("sign") or parts.get("word") or parts.get("b"))
    return parts["letter"] == "a" and plain


def _step(parts: dict[str, str | None]) -> int:
    sign = (parts.get("sign") or parts.get("word") or parts.get("b") or "").lower()
    return {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}.get(sign, 0)


def _texts(request: Any) -> Iterator[str]:
    suno = getattr(request, "suno", None)
    sources = (
        *((request, name) for name in ("prompt", "gpt_description_prompt", "style", "title")),
        *((suno, name) for name in ("style", "title")),
    )
    for source, name in sources:
        value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
        if isinstance(value, str) and value.strip():
            yield value
