"""The parts of a report, each a piece of HTML; text of others is escaped in every one of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ... import cards
from ...errors import ExperimentError
from ...keeping.tables._table import NOTHING
from ...phrases import excerpt, loudness
from ..plots import scatter, spectrograms
from ..ranking import Ranking, rank
from ..sweep.cells import STATES
from ..sweep.grid_card import cell_label
from ..sweep.planning import usd
from .page import Head, code, paragraph, table
from .recipe import recipe, versions

if TYPE_CHECKING:
    from ..results import Results
    from ..results.grid import ResultsGrid
    from ..sweep import Sweep
    from ..sweep.cells import Cell
    from .sounds import Placed

MOST_LINES = 300
"""Rows of a table in a page; a CSV file has all of them."""
MOST_PICTURES = 24
_LONG = Head("asked for", is_long=True)


def top(sweep: Sweep, results: Results, question: str | None, notes: str | None) -> str:
    """Return name, question and the study in one line."""
    badge = ' <span class="badge">SANDBOX</span>' if _is_sandbox(results) else ""
    wanted = question or _question(sweep)
    facts = [
        f"{len(results):,} cell{'' if len(results) == 1 else 's'}: {results.summary}",
        _days(results),
        ", ".join(sorted({cell.model or "default model" for cell in results})),
        _sum_words(results),
    ]
    paragraphs = [part for part in (notes or "").split("\n\n") if part.strip()]
    return (
        f"<header><h1><bdi>{cards.escape(excerpt(sweep.name, 120))}</bdi>{badge}</h1>"
        + paragraph(wanted, "question")
        + paragraph(" · ".join(fact for fact in facts if fact), "quiet")
        + "".join(map(paragraph, paragraphs))
        + "</header>"
    )


def _question(sweep: Sweep) -> str:
    if not sweep.varied:
        return "How much do takes of one and the same request differ?"
    return f"What becomes of it when {_listed(sweep.varied)} change{_s(sweep.varied)}?"


def _s(names: Sequence[str]) -> str:
    return "s" if len(names) == 1 else ""


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def asked(sweep: Sweep) -> str:
    """Return what was varied and what was kept the same."""
    grid = sweep.grid
    values: dict[str, list[str]] = {name: [] for name in grid.varied}
    for axis in grid.axes:
        for place, name in enumerate(axis.names):
            if name in values:
                each = dict.fromkeys(_said(step[place]) for step in axis.values)
                values[name] = list(each)
    rows = [(name, "varied", _several(found)) for name, found in values.items()]
    rows += [(name, "the same", excerpt(_said(v), 600)) for name, v in sweep.fixed.items()]
    if sweep.takes > 1:
        rows.append(("takes", "of each", str(sweep.takes)))
    return table(
        "What was asked for", [Head("word"), Head("how"), Head("values", is_long=True)], rows
    )


def _several(values: Sequence[str]) -> str:
    shown = [excerpt(value, 160) for value in values[:20]]
    more = f" … and {len(values) - 20:,} more" if len(values) > 20 else ""
    return " | ".join(shown) + more


def _said(value: Any) -> str:
    if value is None:
        return "not given"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# -- what came of it -----------------------------------------------------------------------------


def grid_of(grid: ResultsGrid, placed: Placed) -> str:
    """Return the players side by side."""
    hidden = len(grid.results) - len(grid.drawn)
    more = f"{hidden:,} more cells are not drawn here." if hidden else ""
    return grid.sheet(placed.by_track).html() + paragraph(more, "quiet")


def missing(results: Results) -> str:
    """Return the cells without a take, and why."""
    rows = [
        (
            str(cell.index),
            _label(cell, results),
            f"{STATES[cell.state].sign} {STATES[cell.state].word}",
            excerpt(cell.reason or "", 300),
        )
        for cell in results.missing[:MOST_LINES]
    ]
    heads = [
        Head("cell"),
        Head("asked for", is_long=True),
        Head("state"),
        Head("why", is_long=True),
    ]
    return table("Cells without a take", heads, rows) + _more(len(results.missing))


def _more(n: int) -> str:
    return paragraph(f"… and {n - MOST_LINES:,} more.", "quiet") if n > MOST_LINES else ""


def _label(cell: Cell, results: Results) -> str:
    grid = results.sweep.grid
    label = cell_label(grid, cell.index) or excerpt(cell.words.get("prompt", ""), 60)
    return f"{label} (take {cell.take})" if results.sweep.takes > 1 else label


def numbers(results: Results) -> str:
    """Return what was asked for beside what was measured, a line for each track."""
    rows = results.rows()
    cells = {cell.index: cell for cell in results}
    lines = [_numbers(row, _label(cells[row["cell"]], results)) for row in rows[:MOST_LINES]]
    names = ("length", "tempo", "key", "loudness", "peak", "silent", "brightness", "your rating")
    heads = [
        Head("cell"),
        Head("asked for", is_long=True),
        *(Head(name, name != "key") for name in names),
    ]
    shown = [
        place for place in range(len(heads)) if place < 3 or any(line[place] for line in lines)
    ]
    told = table(
        "Asked and measured",
        [heads[place] for place in shown],
        [[line[place] or NOTHING for place in shown] for line in lines],
    )
    if not told:
        return ""
    words = (
        "Where a value was asked for, it stands before the arrow. Tempo may be heard at half or "
        "double; the key is the likeliest of 24, with how sure that is."
    )
    return told + _more(len(rows)) + paragraph(words, "quiet")


def _numbers(row: Mapping[str, Any], label: str) -> tuple[str, ...]:
    def figure(name: str, form: str, unit: str) -> str:
        value = row[name]
        return f"{value:{form}} {unit}".replace("-", "−") if value is not None else ""

    def asked(name: str, form: str, measured: str) -> str:
        value = row[name]
        if value is None:
            return measured
        said = value if isinstance(value, str) else f"{value:{form}}"
        return f"{said} → {measured or '?'}"

    sure = row["key_confidence"]
    key = row["key"] + (f" ({sure:.0%})" if sure is not None else "") if row["key"] else ""
    silent = row["silence_share"]
    lufs = row["loudness_lufs"]
    return (
        str(row["cell"]) + (f", track {row['track']}" if row["track"] > 1 else ""),
        label,
        asked("duration_asked", "g", figure("duration", ".1f", "s")),
        asked("bpm_asked", "g", figure("bpm", ".0f", "bpm")),
        asked("key_asked", "", key),
        loudness(lufs) if lufs is not None else "",
        figure("peak_dbfs", ".1f", "dBFS"),
        f"{silent:.0%}" if silent is not None else "",
        figure("brightness_hz", ",.0f", "Hz"),
        f"{row['rating']}/5" if row["rating"] else "",
    )


def pictures(results: Results, most_bytes: int) -> str:
    """Return a plot of two descriptors and spectrograms.

    Parameters
    ----------
    results
        Of which sweep.
    most_bytes
        Of audio that the points of the plot may hold beside the grid.
    """
    takes = [take for take in results.takes if any(track.has_audio for track in take.tracks)]
    if not takes:
        return ""
    cells: dict[str | None, Cell] = {}
    for cell in results:
        cells.setdefault(cell.id, cell)
    labels = [_label(cells[take.id], results) for take in takes]
    first = takes[:MOST_PICTURES]
    html = spectrograms(first, labels=labels[: len(first)])._repr_html_()
    if len(takes) > 1:
        html = scatter(takes, labels=labels, embed_limit=most_bytes)._repr_html_() + html
    more = len(takes) - MOST_PICTURES
    return html + (paragraph(f"{more:,} more are not drawn.", "quiet") if more > 0 else "")


# -- what was preferred --------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """What listeners said: a ranking, or why there is none."""

    ranking: Ranking | None = None
    trouble: str = ""
    question: str | None = None

    @classmethod
    def of(cls, votes: Any, ranking: Ranking | None, results: Results) -> Heard:
        """Rank the votes of a comparison, or a list of them; items are called by their words."""
        question = getattr(votes, "question", None)
        asked = question if isinstance(question, str) else None
        if ranking is not None or votes is None:
            return cls(ranking, question=asked)
        given = votes.votes if asked is not None and hasattr(votes, "votes") else votes
        names: dict[Hashable, str] = {c.id: _label(c, results) for c in results if c.id}
        try:
            return cls(rank(given, names=names), question=asked)
        except ExperimentError as error:
            return cls(trouble=str(error), question=asked)


def ranked(heard: Heard) -> str:
    """Return the ranking with its plot, statements and what they rest on."""
    if heard.ranking is not None:
        return heard.ranking._repr_html_()
    return paragraph(heard.trouble)


# -- money and settings --------------------------------------------------------------------------


def cost(results: Results) -> str:
    """Return what it cost, by gateway and model, each job once."""
    jobs = {cell.id: cell for cell in results if cell.id is not None}
    groups: dict[tuple[str, str, bool], list[Cell]] = {}
    for cell in jobs.values():
        groups.setdefault((cell.gateway, cell.model or "default", cell.sandbox), []).append(cell)
    rows = []
    for (gateway, model, sandbox), cells in groups.items():
        states = Counter(cell.state for cell in cells)
        failed = len(cells) - states["kept"]
        dollars = [cell.cost_usd for cell in cells if cell.cost_usd is not None]
        words = usd(sum(dollars)) if dollars else "unknown"
        if dollars and len(dollars) < len(cells):
            words += f", {len(cells) - len(dollars)} unknown"
        if sandbox:
            words = f"free ({words} at the service)" if sum(dollars) else "free"
        rows.append(
            (model, gateway, f"{len(cells):,}", f"{states['kept']:,}", f"{failed:,}", words)
        )
    heads = [Head("model"), Head("gateway"), *(Head(n, True) for n in ("jobs", "kept", "not kept"))]
    total = ("in all", "", f"{len(jobs):,}", "", "", _sum_words(results) or "unknown")
    return table("Cost", [*heads, Head("paid", True)], rows, total if len(rows) > 1 else None)


def _sum_words(results: Results) -> str:
    if _is_sandbox(results):
        return "nothing was paid"
    paid = results.cost_usd
    if paid is None:
        return "cost not known of every job"
    return f"{usd(paid)} paid" if paid else "nothing was paid"


def settings(sweep: Sweep, results: Results) -> str:
    """Return the code that makes it again, and under which settings it was run."""
    place = {(cell.gateway, cell.model or "default") for cell in results}
    models = ", ".join(f"{model} at {gateway}" for gateway, model in sorted(place))
    base_url = sweep.session.connection.base_url
    rows = [
        ("name", sweep.name),
        ("models", models),
        *([] if _is_sandbox(results) else [("address", str(base_url))]),
        ("made", _days(results) or "nothing yet"),
        *versions().items(),
    ]
    words = (
        "The services have no seeds: the same request makes another take. In the library it was "
        "made with, this code finds the takes above and pays nothing."
    )
    facts = table("Settings", [Head("setting"), Head("value")], rows)
    return code(recipe(sweep)) + paragraph(words, "quiet") + facts


def bottom(placed: Placed) -> str:
    """Return what the page is, and where its sound is."""
    heard = {"inside": "Sound is inside this file.", "none": "Without sound."}.get(placed.way, "")
    if placed.files:
        folder = placed.files[0].parent.name
        heard = f"Sound is in the folder {folder} beside this file: keep them together."
    if placed.previews:
        heard += f" Of {placed.previews:,} recordings only the beginning is, or a smaller copy."
    now = datetime.now(timezone.utc)
    words = f"Written by phaseo_nb on {now:%Y-%m-%d %H:%M} UTC. {heard} No scripts, no network."
    return f"<footer>{paragraph(words, 'quiet')}</footer>"


def _is_sandbox(results: Results) -> bool:
    return bool(results) and all(cell.sandbox for cell in results)


def _days(results: Results) -> str:
    days = sorted({f"{take.created_at:%Y-%m-%d}" for take in results.takes})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}" if days else ""
