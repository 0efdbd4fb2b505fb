"""Figures of a track as people read them: one line in plain words, a small table in a cell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ...keeping.tables._sheet import Column, Row, Sheet, Way
from ...phrases import visible

if TYPE_CHECKING:
    from . import Descriptors


class Line(NamedTuple):
    """One figure: what it is, what was asked for, what was measured, how the two compare."""

    name: str
    asked: str
    measured: str
    verdict: str = ""


def in_words(figures: Descriptors) -> str:
    """Return the figures on one line."""
    words = [line.measured for line in lines(figures) if line.measured]
    return f"<Descriptors {', '.join(words) or 'nothing known'}>"


def in_html(figures: Descriptors) -> str:
    """Return the figures as a table."""
    columns = (
        Column("figure", is_title=True),
        Column("asked", is_figure=True, is_optional=True),
        Column("measured", is_figure=True),
        Column("as asked", is_optional=True),
    )
    rows = [Row(tuple(line)) for line in lines(figures) if line.asked or line.measured]
    notes = [
        Way(f"{note[:1].upper()}{note[1:]}".rstrip(".") + ".") for note in figures.notes if note
    ]
    return Sheet("What it sounds like", columns, rows, footer=notes).html()


def lines(figures: Descriptors) -> Iterator[Line]:
    """Yield the figures that people want to see, whether they are known or not."""
    yield Line(
        "length",
        number(figures.duration_asked, "s", "g"),
        number(figures.duration, "s", ".1f"),
        _verdict(figures.duration_fits),
    )
    yield Line(
        "tempo", number(figures.bpm_asked, "bpm", "g"), tempo(figures), _tempo_verdict(figures)
    )
    yield Line("key", figures.key_asked or "", key(figures), _verdict(figures.key_fits))
    yield Line("loudness", "", number(figures.loudness_lufs, "LUFS", ".1f"))
    yield Line("peak", "", number(figures.peak_dbfs, "dBFS", ".1f"))
    yield Line("silent", "", number(percent(figures.silence_share), "%", ".0f"))
    yield Line("brightness", "", number(figures.brightness_hz, "Hz", ",.0f"))


def number(value: float | None, unit: str, form: str) -> str:
    """Return a figure with its unit and a real minus sign; nothing where there is none."""
    if value is None or not math.isfinite(value):
        return ""
    words = format(value, form)
    zero = format(0.0, form)
    return f"{zero if words == f'-{zero}' else words} {unit}".replace("-", "−").strip()


def percent(share: float | None) -> float | None:
    """Return a share in per cent."""
    return None if share is None else 100.0 * share


def tempo(figures: Descriptors) -> str:
    """Return a tempo with what else it could be called."""
    if figures.bpm is None:
        return ""
    others = " or ".join(f"{bpm:.0f}" for bpm in figures.bpm_candidates[1:])
    return f"{figures.bpm:.1f} bpm" + (f" (or {others})" if others else "")


def key(figures: Descriptors) -> str:
    """Return a key and how sure it is."""
    if figures.key is None:
        return ""
    sure = number(percent(figures.key_confidence), "% sure", ".0f")
    return visible(figures.key) + (f" ({sure})" if sure else "")


def _verdict(fits: bool | None) -> str:
    return "" if fits is None else "✓ yes" if fits else "✕ no"


def _tempo_verdict(figures: Descriptors) -> str:
    if not figures.bpm_fits or not figures.bpm_asked or not figures.bpm:
        return _verdict(figures.bpm_fits)
    ratio = figures.bpm / figures.bpm_asked
    return "✓ yes" + (
        ", in half time" if ratio < 0.75 else ", in double time" if ratio > 1.5 else ""
    )
