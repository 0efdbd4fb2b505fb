"""The table of a ranking, with a dot and a whisker for each strength."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ... import cards
from ...keeping.tables._sheet import Cell, Column, Row, Sheet, Way

if TYPE_CHECKING:
    from ._ranking import Place

_STEPS = 31
"""Signs of a plot in plain words; odd, so that one is the middle."""
_WIDTH = 220  # pixels


def sheet(
    places: Sequence[Place], heading: str, statements: Sequence[str], notes: Sequence[str]
) -> Sheet:
    """Return the table of a ranking."""
    scale = _scale(places)
    columns = (
        Column("#", is_figure=True),
        Column("item", is_title=True),
        Column("strength", is_figure=True),
        Column("95 % interval"),
        Column("strength and interval"),
        Column("place", is_figure=True),
        Column("won", is_figure=True),
        Column("lost", is_figure=True),
        Column("tied", is_figure=True),
        Column("mean rating", is_figure=True, is_optional=True),
    )
    rows = [Row(_cells(place, scale)) for place in places]
    ways = [Way(words) for words in (*statements[:8], *notes)]
    if len(statements) > 8:
        ways.insert(8, Way(f"… and {len(statements) - 8} more", "ranking.statements"))
    intro = (
        "Strengths are log-odds around an average of 0. Place: what the votes leave open, "
        "for all items together."
    )
    return Sheet(heading, columns, rows, intro=intro, footer=ways)


def _cells(place: Place, scale: tuple[float, float]) -> tuple[str | Cell, ...]:
    rating = "" if place.rating is None else f"{place.rating:.4g}"
    span = f"{place.first}–{place.last}" if place.first < place.last else str(place.first)
    return (
        str(place.position),
        place.name,
        signed(place.strength),
        f"{signed(place.low)} to {signed(place.high)}",
        Cell(_in_signs(place, scale), picture=_in_boxes(place, scale)),
        span,
        *map(str, (place.wins, place.losses, place.ties)),
        rating,
    )


def signed(value: float) -> str:
    """Return a log-odds with a real minus sign, and none before what rounds to nothing."""
    words = f"{value:+.2f}"
    return "0.00" if words in ("+0.00", "-0.00") else words.replace("-", "−")


def _scale(places: Sequence[Place]) -> tuple[float, float]:
    """Return the ends of the plot: those of the intervals, if they are not far beyond the others.

    One item with two votes may have an interval ten times as wide as everyone else's.
    """
    strengths = [place.strength for place in places]
    usual = statistics.median(place.high - place.low for place in places)
    room = max(max(strengths) - min(strengths), usual)
    low = max(min(place.low for place in places), min(strengths) - room)
    high = min(max(place.high for place in places), max(strengths) + room)
    return min(low, 0.0), max(high, 0.0)


def _share(value: float, scale: tuple[float, float]) -> float:
    low, high = scale
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _in_signs(place: Place, scale: tuple[float, float]) -> str:
    """Draw with signs: ``├───●───┤``, a line at zero, arrows where an interval goes on."""

    def at(value: float) -> int:
        return round(_share(value, scale) * (_STEPS - 1))

    signs = ["·"] * _STEPS
    signs[at(0.0)] = "│"
    low, high = at(place.low), at(place.high)
    signs[low : high + 1] = "─" * (high - low + 1)
    signs[low] = "◂" if place.low < scale[0] else "├"
    signs[high] = "▸" if place.high > scale[1] else "┤"
    signs[at(place.strength)] = "●"
    return "".join(signs)


def _in_boxes(place: Place, scale: tuple[float, float]) -> str:
    """Draw with boxes in properties that survive where a notebook is not trusted."""
    zero, dot = 100 * _share(0.0, scale), 100 * _share(place.strength, scale)
    low, high = 100 * _share(place.low, scale), 100 * _share(place.high, scale)
    words = f"{signed(place.strength)}, {signed(place.low)} to {signed(place.high)}"
    # One below the other in the flow, each moved up to the middle of the first.
    return (
        f'<div role="img" aria-label="{cards.escape(words)}" '
        f'style="width:{_WIDTH}px;height:20px;overflow:hidden">'
        f'<div style="width:0px;height:20px;margin-left:{zero:.2f}%;'
        f'border-left:1px solid rgba(128,128,128,0.6)"></div>'
        f'<div style="position:relative;top:-11px;height:2px;margin-left:{low:.2f}%;'
        f'width:{high - low:.2f}%;background-color:{cards.INK}"></div>'
        f'<div style="margin-left:-4px"><div style="position:relative;top:-16px;height:8px;'
        f"width:8px;border-radius:4px;margin-left:{dot:.2f}%;"
        f'background-color:{cards.INK}"></div></div></div>'
    )
