"""The form of a song: sections from the lyrics' tags, or the usual ones, fitted to the length."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .score import Section

_TAG = re.compile(r"\[([^\[\]\n]{1,60})\]")
_KINDS = (
    ("pre-chorus", "prechorus pre-chorus build buildup build-up rise"),
    ("chorus", "chorus refrain hook post-chorus postchorus"),
    ("verse", "verse strophe rap"),
    ("bridge", "bridge middle"),
    ("drop", "drop climax"),
    ("break", "break breakdown interlude instrumental solo pause"),
    ("intro", "intro introduction opening prelude"),
    ("outro", "outro end ending coda finale fade"),
)
_BARS = {
    "intro": 4,
    "verse": 8,
    "pre-chorus": 4,
    "chorus": 8,
    "bridge": 8,
    "drop": 8,
    "break": 4,
    "outro": 4,
}
_ENERGY = {
    "intro": 0.5, "verse": 0.65, "pre-chorus": 0.75, "chorus": 0.92, "bridge": 0.58,
    "drop": 1.0, "break": 0.42, "outro": 0.45,
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A section as the lyrics ask for it."""

    kind: str
    lines: tuple[str, ...] = ()


def read_lyrics(lyrics: str) -> tuple[list[Part], tuple[str, ...]]:
    """Return the tagged parts, and the lines that stand before the first tag.

    Words in square brackets that name no section (``[guitar]``) part nothing.
    """
    parts: list[tuple[str, list[str]]] = []
    untagged: list[str] = []
    position = 0
    for tag in _TAG.finditer(lyrics):
        kind = _kind_of(tag.group(1))
        if kind is None:
            continue
        (parts[-1][1] if parts else untagged).extend(_lines(lyrics[position : tag.start()]))
        parts.append((kind, []))
        position = tag.end()
    (parts[-1][1] if parts else untagged).extend(_lines(lyrics[position:]))
    return [Part(kind, tuple(lines)) for kind, lines in parts], tuple(untagged)


def _kind_of(tag: str) -> str | None:
    words = re.findall(r"[a-z][a-z-]*", tag.casefold().replace("pre chorus", "pre-chorus"))
    for kind, names in _KINDS:
        if any(word in names.split() for word in words):
            return kind
    return None


def _lines(text: str) -> list[str]:
    plain = _TAG.sub(" ", text)
    return [line.strip() for line in plain.splitlines() if any(map(str.isalpha, line))]


def plan_sections(
    lyrics: str, n_bars: int, energy: float = 0.0, *, drops: bool = False
) -> tuple[Section, ...]:
    """Lay out the sections over that many bars.

    Parameters
    ----------
    lyrics
        May hold section tags; lines without tags are shared out among verses and choruses.
    energy
        Added to each section's energy, -0.3 to 0.3.
    drops
        Dance music: a break and a drop take the place of the second verse and chorus.
    """
    parts, untagged = read_lyrics(lyrics)
    if not parts:
        parts = _usual_form(n_bars, drops=drops)
        parts = _share_out(parts, untagged)
    if len(parts) > n_bars:
        parts = [*parts[: max(n_bars - 1, 0)], parts[-1]][:n_bars]
    bars = _fit([_BARS[part.kind] for part in parts], n_bars)
    sections: list[Section] = []
    first = 0
    counts: dict[str, int] = {}
    for part, length in zip(parts, bars, strict=True):
        counts[part.kind] = counts.get(part.kind, 0) + 1
        rise = 0.05 * (counts[part.kind] - 1)  # the second chorus is bigger than the first
        level = min(max(_ENERGY[part.kind] + energy + min(rise, 0.1), 0.2), 1.0)
        sections.append(Section(part.kind, first, length, level, lines=part.lines))
        first += length
    return tuple(sections)


def _usual_form(n_bars: int, *, drops: bool) -> list[Part]:
    if n_bars <= 4:
        kinds = ["chorus"]
    elif n_bars < 12:
        kinds = ["verse", "chorus"]
    elif n_bars < 24:
        kinds = (
            ["intro", "verse", "chorus", "outro"]
            if not drops
            else ["intro", "verse", "drop", "outro"]
        )
    elif n_bars < 56:
        kinds = ["intro", "verse", "chorus", "verse", "chorus", "outro"]
        if drops:
            kinds = ["intro", "verse", "chorus", "break", "drop", "outro"]
    else:
        kinds = ["intro", "verse", "pre-chorus", "chorus", "verse", "pre-chorus", "chorus"]
        kinds += ["break", "drop", "outro"] if drops else ["bridge", "chorus", "outro"]
        while n_bars > 11 * len(kinds):
            kinds[-1:] = ["break", "verse", "chorus", "outro"]
    return [Part(kind) for kind in kinds]


def _share_out(parts: list[Part], lines: tuple[str, ...]) -> list[Part]:
    sung = [i for i, part in enumerate(parts) if part.kind not in {"intro", "outro", "break"}]
    if not lines or not sung:
        return parts
    shared = list(parts)
    size = -(-len(lines) // len(sung))
    for turn, i in enumerate(sung):
        chosen = lines[turn * size : (turn + 1) * size] or lines[:size]
        shared[i] = Part(parts[i].kind, tuple(chosen))
    return shared


def _fit(wanted: list[int], n_bars: int) -> list[int]:
    """Scale lengths to that sum: each at least one bar, even numbers first."""
    scale = n_bars / sum(wanted)
    bars = [max(1, 2 * round(length * scale / 2)) for length in wanted]
    while sum(bars) != n_bars:
        step = 1 if sum(bars) < n_bars else -1
        stretch = [
            (bar + step) / (length * scale) if step > 0 else -(bar + step) / (length * scale)
            for bar, length in zip(bars, wanted, strict=True)
        ]
        order = sorted(range(len(bars)), key=lambda i: (stretch[i], i))
        chosen = next(i for i in order if bars[i] + step >= 1)
        gap = abs(sum(bars) - n_bars)
        bars[chosen] += step * (2 if gap > 1 and bars[chosen] + 2 * step >= 1 else 1)
    return bars
