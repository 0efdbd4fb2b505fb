"""The picture of the figures: ours beside the best peer, as SVG for light pages and for dark ones.

::

    python tests/benchmarks/chart.py results.json FOLDER    # draw again from an earlier run

Drawn by hand, because a plotting library would be the largest dependency of this folder. Each row
has two bars from zero on one scale, so their lengths are the ratio; what is better stands in the
heading above. Text is real text in the page's own fonts, and the colours of each file have the
contrast that WCAG asks for; who is ahead is said in words, not by colour.
"""

from __future__ import annotations

import json
import statistics
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from figures import Figure, number

WIDTH, RIGHT = 760, 170
"""Of the whole, and of what stands right of the bars; pixels."""
LETTER, LONGEST = 6.8, 48
"""Pixels of a letter, a little more than the mean, and how many a label may have."""
ROW, BAR, TOP = 46, 11, 66
FONT = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"
HEADS = {"lower": "Less is better", "higher": "More is better"}


class Colours(NamedTuple):
    """What one kind of page needs."""

    ink: str
    quiet: str
    ours: str
    peer: str
    line: str
    behind: str


SCHEMES = {
    "light": Colours("#1f2328", "#59636e", "#4d55c4", "#a9b1bb", "#d1d9e0", "#8a5a00"),
    "dark": Colours("#f0f6fc", "#9198a1", "#8a91f2", "#59626d", "#3d444d", "#f0b74a"),
}


@dataclass(frozen=True)
class Row:
    """One pair of bars."""

    label: str
    unit: str
    ours: float
    peer: float
    peer_name: str
    words: str
    """How far apart they are."""
    is_behind: bool


def rows_of(figures: Iterable[Figure]) -> dict[str, list[Row]]:
    """Return the rows by what is better: each figure that has a peer and a length to draw."""
    rows: dict[str, list[Row]] = {"lower": [], "higher": []}
    for figure in figures:
        peer = figure.best_peer
        if peer is None:
            continue
        theirs = statistics.median(figure.peers[peer])
        if figure.median < 0 or theirs < 0 or not (figure.median or theirs):
            continue
        row = Row(
            figure.name,
            figure.unit,
            figure.median,
            theirs,
            peer.partition(",")[0],  # what comes after it has no room; the table has all
            _words(figure),
            figure.standing == "behind",
        )
        rows[figure.better].append(row)
    return rows


def _words(figure: Figure) -> str:
    ratio = figure.ratio()
    times = f"{number(ratio)}× the peer" if ratio else ""
    standing = "" if figure.standing == "ahead" and times else figure.standing
    return ", ".join(filter(None, (times, standing)))


def draw(figures: Iterable[Figure], scheme: str, caption: str = "") -> str:
    """Return the SVG.

    Parameters
    ----------
    figures
        Those without a peer are left out: there is nothing to compare.
    scheme
        ``"light"`` or ``"dark"``; the background is the page's.
    caption
        Words below, such as what machine it was.
    """
    colours = SCHEMES[scheme]
    groups = {better: rows for better, rows in rows_of(figures).items() if rows}
    parts, y = _legend(colours), TOP - 22
    labels = [_short(row.label) for rows in groups.values() for row in rows]
    left = max([30, *map(len, labels)]) * LETTER + 16
    for better, rows in groups.items():
        parts.append(_text(0, y + 13, HEADS[better], colours.quiet, 12, weight=600))
        parts.append(f'<path d="M0 {y + 22.5}H{WIDTH}" stroke="{colours.line}"/>')
        y += 32
        for row in rows:
            parts += _row(row, left, y, colours)
            y += ROW
        y += 12
    for line in textwrap.wrap(caption, 148):
        parts.append(_text(0, y + 8, line, colours.quiet, 11.5))
        y += 16
    drawn = [row for rows in groups.values() for row in rows]
    summary = "; ".join(f"{row.label}: {row.words} ({row.peer_name})" for row in drawn)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
            f'viewBox="0 0 {WIDTH} {y}" role="img" font-family="{FONT}">',
            "<title>phaseo_nb beside the best peer</title>",
            f"<desc>{escape(summary)}</desc>",
            *parts,
            "</svg>\n",
        ]
    )


def _legend(colours: Colours) -> list[str]:
    return [
        _text(0, 20, "phaseo_nb beside the best peer of each row", colours.ink, 15, weight=600),
        _bar(WIDTH - 197, 11, 18, colours.ours),
        _text(WIDTH - 173, 20, "phaseo_nb", colours.ink, 12.5),
        _bar(WIDTH - 86, 11, 18, colours.peer),
        _text(WIDTH - 62, 20, "best peer", colours.ink, 12.5),
    ]


def _short(label: str) -> str:
    label = label[:1].upper() + label[1:]
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1].rstrip()}…"


def _row(row: Row, left: float, y: float, colours: Colours) -> list[str]:
    scale = (WIDTH - left - RIGHT) / max(row.ours, row.peer)
    ours, peer = row.ours * scale, row.peer * scale
    unit = f" {row.unit}" if row.unit else ""
    colour = colours.behind if row.is_behind else colours.quiet
    return [
        _text(0, y + 15, _short(row.label), colours.ink, 13.5),
        _text(0, y + 31, row.words, colour, 12),
        _bar(left, y + 5, ours, colours.ours),
        _text(left + ours + 8, y + 15, f"{number(row.ours)}{unit}", colours.ink, 12.5, weight=600),
        _bar(left, y + 21, peer, colours.peer),
        _text(
            left + peer + 8,
            y + 31,
            f"{number(row.peer)}{unit}  {row.peer_name}",
            colours.quiet,
            12.5,
        ),
    ]


def _bar(x: float, y: float, length: float, colour: str) -> str:
    # A value that is not zero is seen; square at zero, where all begin.
    width = max(length, 1.5) if length else 0
    return f'<rect x="{x:g}" y="{y:g}" width="{width:.1f}" height="{BAR}" rx="2" fill="{colour}"/>'


def _text(x: float, y: float, words: str, colour: str, size: float, weight: int = 400) -> str:
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    return (
        f'<text x="{x:.1f}" y="{y:g}" font-size="{size:g}" fill="{colour}"{bold}>'
        f"{escape(words)}</text>"
    )


def write_charts(figures: Sequence[Figure], folder: Path, caption: str = "") -> list[Path]:
    """Write ``benchmarks-light.svg`` and ``benchmarks-dark.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for scheme in SCHEMES:
        paths.append(folder / f"benchmarks-{scheme}.svg")
        paths[-1].write_text(draw(figures, scheme, caption), encoding="utf-8")
    return paths


def main() -> None:
    """Draw what an earlier run of ``python tests/benchmarks`` wrote down."""
    results: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    figures = [
        Figure(**fields)
        for bench in results["benchmarks"].values()
        for fields in bench["figures"]
        if not bench.get("is_quick")
    ]
    for path in write_charts(figures, Path(sys.argv[2]), results["caption"]):
        print(path)


if __name__ == "__main__":
    main()
