"""One figure of tracks against another: each point opens its player.

A point is a ``<details>`` element: it opens at a click or a key without any script, and stays where
a notebook is opened untrusted or without a kernel. The same figures stand in a table below, for
those who cannot see the points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ... import cards
from ...cards.paper import FONT, NO_MATH, SMALL, head_line
from ...errors import AudioError, ExperimentError, brief
from ...keeping.tables._sheet import Column, Row, Sheet
from ...phrases import excerpt
from ...takes.player import embed
from ..described import Descriptors
from ._axes import Axis, axis_of
from ._items import Item, each, figures_of, items_of

FIGURES = {
    "duration_asked": "length asked for, s",
    "duration": "length, s",
    "bpm_asked": "tempo asked for, bpm",
    "bpm": "tempo, bpm",
    "key_confidence": "confidence of the key",
    "loudness_lufs": "loudness, LUFS",
    "peak_dbfs": "peak, dBFS",
    "silence_share": "share of silence",
    "brightness_hz": "brightness, Hz",
}
"""What can be drawn, and what stands at its axis."""
EMBED_LIMIT = 4_000_000
"""Bytes of audio in one plot, all points together."""
MOST = 200
"""Points that are drawn."""
_WIDTH, _HEIGHT = 560, 320
_DOT = 22  # pixels: wide enough for a finger beside others, and for two digits
_STEP = 12  # pixels of a point that stay free
_OPENED = 126  # pixels: height of an opened point
_LINE = "rgba(128,128,128,0.5)"
_FAINT = "rgba(128,128,128,0.22)"
_CARD = (
    "box-sizing:border-box;max-width:680px;margin:4px 0 10px;padding:14px 16px 12px;"
    "border:1px solid rgba(128,128,128,0.35);border-radius:10px;"
    f"background-color:rgba(128,128,128,0.05);{FONT};font-size:13px;line-height:1.5;"
    "text-align:left;overflow-x:auto"
)


class Point(NamedTuple):
    """A track with its place in the plot."""

    number: int
    item: Item
    figures: Descriptors
    x: float
    y: float


@dataclass(frozen=True)
class Audio:
    """What of a track can be played in the page."""

    source: str | None
    note: str = ""


class Scatter:
    """Two figures of many tracks as points; in a cell it shows itself, each point with a player."""

    def __init__(self, items: Sequence[Item], x: str, y: str, embed_limit: int) -> None:
        self._items = list(items)
        self.x = x
        self.y = y
        self._embed_limit = embed_limit
        self._figures: list[Descriptors] | None = None
        self._html: str | None = None

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        n = len(self._items)
        return f"<Scatter of {n} track{'' if n == 1 else 's'}: {self.y} over {self.x}>"

    @property
    def figures(self) -> list[Descriptors]:
        """The figures of each track, in order."""
        if self._figures is None:
            self._figures = each(figures_of, self._items)
        return self._figures

    def prepare(self) -> Scatter:
        """Work everything out now; meant for a worker thread."""
        if self._html is None:
            self._html = self._drawn()
        return self

    def _repr_html_(self) -> str:
        return self.prepare()._html or ""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self._repr_html_()}

    def text(self) -> str:
        """Return the figures as a table in plain words."""
        points, missing = self._points()
        return self._table(points, missing).text()

    # -- how it is drawn ---------------------------------------------------------------------------

    def _points(self) -> tuple[list[Point], list[Item]]:
        points: list[Point] = []
        missing: list[Item] = []
        for item, figures in zip(self._items, self.figures, strict=True):
            x, y = getattr(figures, self.x), getattr(figures, self.y)
            if x is None or y is None:
                missing.append(item)
            else:
                points.append(Point(len(points) + 1, item, figures, float(x), float(y)))
        return points, missing

    def _drawn(self) -> str:
        points, missing = self._points()
        table = self._table(points, missing)
        drawn = points[:MOST]
        title = f"{FIGURES[self.y]} over {FIGURES[self.x]}"
        title = title[:1].upper() + title[1:]
        is_sandbox = bool(self._items) and all(item.track.sandbox for item in self._items)
        head = head_line(cards.escape(title), "", is_sandbox) + (
            f'<div style="{SMALL};margin:0 0 6px">'
            "Each point is a track; a click or Enter on it opens its player.</div>"
        )
        if not drawn:
            body = f'<div style="{SMALL}">No track has both figures.</div>'
        else:
            share = self._embed_limit // len(drawn)
            sounds = each(lambda point: _audio(point.item, share), drawn)
            body = self._plot(drawn, sounds)
        return (
            f'<div class="phaseo-nb {NO_MATH}" role="group" aria-label="{cards.escape(title)}" '
            f'style="{_CARD}">{cards.STYLE}{head}{body}</div>{table.html()}'
        )

    def _plot(self, points: Sequence[Point], sounds: Sequence[Audio]) -> str:
        across = axis_of([point.x for point in points])
        up = axis_of([point.y for point in points])
        # From top to bottom, as the tab key goes, and each moved up to its place: rows of no height
        # do not push one another.
        order = sorted(range(len(points)), key=lambda i: (points[i].x, points[i].y))
        places = _places(points, across, up)
        dots = "".join(_dot(points[i], sounds[i], places[i], self) for i in order)
        return (
            f'<div style="width:{_WIDTH + 64}px">'
            f'<div style="{SMALL};height:20px">{cards.escape(FIGURES[self.y])} ↑</div>'
            f'<div style="position:relative;height:{_HEIGHT}px;width:{_WIDTH}px;margin-left:56px;'
            f'border-left:1px solid {_LINE};border-bottom:1px solid {_LINE}">'
            f"{_grid(across, up)}{dots}</div>"
            f"{_below(across)}"
            f'<div style="{SMALL};text-align:right;width:{_WIDTH + 56}px">'
            f"{cards.escape(FIGURES[self.x])} →</div></div>"
        )

    def _table(self, points: Sequence[Point], missing: Sequence[Item]) -> Sheet:
        columns = (
            Column("point", is_figure=True),
            Column("track", is_title=True),
            Column("which", is_optional=True),
            Column(FIGURES[self.x], is_figure=True),
            Column(FIGURES[self.y], is_figure=True),
        )
        rows = [
            Row(
                (
                    str(p.number) if p.number <= MOST else "",
                    p.item.label,
                    p.item.under,
                    _said(p.x, self.x),
                    _said(p.y, self.y),
                ),
                sandbox=p.item.track.sandbox,
            )
            for p in points
        ]
        rows += [
            Row(("", item.label, item.under, "", "not known"), sandbox=item.track.sandbox)
            for item in missing
        ]
        return Sheet("The same in figures", columns, rows)


def scatter(
    tracks: Any,
    x: str = "bpm",
    y: str = "brightness_hz",
    *,
    labels: Sequence[str] | None = None,
    embed_limit: int = EMBED_LIMIT,
) -> Scatter:
    """Return two figures of many tracks as points; each point opens its player.

    Parameters
    ----------
    tracks
        Takes or tracks; of a take, each track is a point.
    x, y
        Which figures, by their names in :class:`~phaseo_nb.Descriptors`: ``duration``, ``bpm``,
        ``loudness_lufs``, ``peak_dbfs``, ``silence_share``, ``brightness_hz``,
        ``key_confidence``, ``duration_asked``, ``bpm_asked``.
    labels
        Names of the points, one for each of ``tracks``; ``None`` takes the prompts.
    embed_limit
        Most bytes of audio in the plot, all points together; each has an equal share, and longer
        recordings are heard as previews. 0 puts none into the page.

    Raises
    ------
    ExperimentError
        What is given is no take or track, or there is no such figure.
    """
    for name, value in (("x", x), ("y", y)):
        if value not in FIGURES:
            message = f"{name} = {brief(value)} is no figure. Choose one of: {', '.join(FIGURES)}."
            raise ExperimentError(message)
    limit: Any = embed_limit
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        message = f"embed_limit = {brief(embed_limit)} is no number of bytes. Give 0 or more."
        raise ExperimentError(message)
    return Scatter(items_of(tracks, labels, "scatter"), x, y, embed_limit)


def _audio(item: Item, limit: int) -> Audio:
    if not limit:
        return Audio(None, "No audio was put into this page.")
    try:
        made = embed(item.track, limit)
    except AudioError as error:
        return Audio(None, str(error))
    return Audio(made.source, made.note or "")


def _said(value: float, name: str) -> str:
    form = {"silence_share": ".2f", "key_confidence": ".2f", "brightness_hz": ",.0f"}
    return format(value, form.get(name, ".1f")).replace("-", "−")


def _places(points: Sequence[Point], across: Axis, up: Axis) -> list[tuple[float, float]]:
    """Return left and top of each point; of two that would hide each other, one steps aside."""
    taken: list[tuple[float, float]] = []
    for point in points:
        left = across.share(point.x) * _WIDTH - _DOT / 2
        top = (1 - up.share(point.y)) * _HEIGHT - _DOT / 2
        for step in range(80):
            aside = left + (step + 1) // 2 * (_STEP if step % 2 else -_STEP)
            is_free = all(abs(aside - x) + abs(top - y) >= _STEP for x, y in taken)
            if is_free and -_DOT <= aside <= _WIDTH:
                left = aside
                break
        taken.append((left, top))
    return taken


def _dot(point: Point, sound: Audio, place: tuple[float, float], plot: Scatter) -> str:
    """Return a point: a disclosure whose content lies over the plot and moves nothing."""
    left, top = place
    figures = f"{_said(point.x, plot.x)}, {_said(point.y, plot.y)}"
    name = cards.escape(f"{point.number}: {point.item.name}: {figures}")
    # Past the middle the player opens to the left, or it would stand out of the card.
    shift = -min(max(left - (_WIDTH - 300), 0.0), 400.0)
    # And near the bottom upwards: the card scrolls what stands out of it.
    down = -(_DOT + _OPENED + 4) if top > _HEIGHT - _OPENED else 2
    return (
        f'<div style="position:relative;height:0px;top:{top:.1f}px">'
        f'<details style="position:relative;margin:0 0 0 {left:.1f}px;padding:0;width:{_DOT}px;'
        f'height:0px">'
        f'<summary title="{name}" aria-label="{name}" style="display:block;list-style:none;'
        f"cursor:pointer;width:{_DOT}px;height:{_DOT}px;border-radius:{_DOT // 2}px;"
        f"background-color:{_POINT};color:#ffffff;font-size:11px;font-weight:600;"
        f'line-height:{_DOT}px;text-align:center;margin:0;padding:0">{point.number}</summary>'
        f"{_opened(point, sound, figures, shift, down)}</details></div>"
    )


_POINT = "#4b50c8"
"""White digits are 6:1 on it, and it stands out from a white and a dark page."""


def _opened(point: Point, sound: Audio, figures: str, shift: float, down: int) -> str:
    title = excerpt(point.item.name, 70)
    control = (
        f'<audio controls preload="metadata" aria-label="Play {cards.escape(title)}" '
        f'title="{cards.escape(title)}" src="{cards.escape(sound.source)}" '
        'style="display:block;width:100%;height:40px;margin:6px 0 0"></audio>'
        if sound.source
        else ""
    )
    note = f'<div style="margin-top:4px">{cards.escape(sound.note)}</div>' if sound.note else ""
    return (
        f'<div style="position:relative;z-index:3;width:280px;height:{_OPENED}px;'
        f"margin:{down}px 0 0 {shift:.0f}px;overflow:auto;"
        "padding:8px 10px;box-sizing:border-box;border:1px solid #777777;border-radius:8px;"
        'background-color:#26262e;color:#ffffff;font-size:12px;line-height:1.4">'
        f'<div style="font-weight:600;overflow-wrap:break-word">{point.number}. '
        f"<bdi>{cards.escape(title)}</bdi></div><div>{cards.escape(figures)}</div>"
        f"{control}{note}</div>"
    )


def _grid(across: Axis, up: Axis) -> str:
    """Return lines and numbers of both axes, each of no height, so that none pushes another."""
    lines = []
    for value in up.ticks:
        top = (1 - up.share(value)) * _HEIGHT
        lines.append(
            f'<div style="position:relative;height:0px;top:{top:.1f}px">'
            f'<div style="height:0px;border-top:1px solid {_FAINT}"></div>'
            f'<div style="position:relative;top:-9px;height:0px;width:50px;margin-left:-56px;'
            f'text-align:right;line-height:16px;{SMALL}">{up.words(value)}</div></div>'
        )
    for value in across.ticks:
        left = across.share(value) * _WIDTH
        lines.append(
            f'<div style="position:relative;height:0px;top:0px">'
            f'<div style="width:0px;height:{_HEIGHT}px;margin-left:{left:.1f}px;'
            f'border-left:1px solid {_FAINT}"></div></div>'
        )
    return "".join(lines)


def _below(across: Axis) -> str:
    words = "".join(
        f'<div style="position:relative;height:0px"><div style="width:60px;text-align:center;'
        f'margin-left:{across.share(value) * _WIDTH + 56 - 30:.1f}px;{SMALL}">'
        f"{across.words(value)}</div></div>"
        for value in across.ticks
    )
    return f'<div style="height:20px">{words}</div>'
