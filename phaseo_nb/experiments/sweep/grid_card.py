"""The live grid of a sweep: how its cells stand, what it has cost, how long it still takes.

Pure drawing, in the language of ``cards/``: a state is always a sign with its word, never a colour
alone. Up to :data:`MOST_DRAWN` cells are drawn one by one, of more than that only the numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ... import cards
from ...cards.paper import SMALL, card, escape, facts_row, head_line, row
from ...phrases import clock, excerpt, visible
from .cells import STATES
from .grid import Grid

MOST_DRAWN = 400
MOST_ROWS = 50
MOST_COLUMNS = 10
MOST_TROUBLES = 4

_DASHBOARD = "Dashboard of the cluster"
_COLOURS = {
    "kept": cards.INK,
    "failed": cards.RED,
    "refused": cards.RED,
    "empty": cards.AMBER,
    "uncertain": cards.AMBER,
}
_TROUBLES = ("failed", "refused", "empty", "uncertain", "unfinished")
_RULE = "border-bottom:1px solid rgba(128,128,128,0.22)"
_CELL = (
    f"padding:3px 14px 3px 0;vertical-align:top;text-align:left;font-size:12px;line-height:1.5;"
    f"max-width:none;background-color:transparent;{_RULE}"
)
_HEAD = "font-weight:600;white-space:nowrap"


@dataclass(frozen=True)
class Trouble:
    """A cell without a take, and why."""

    state: str
    where: str
    reason: str


@dataclass(frozen=True)
class View:
    """What a card shows: a run at one moment."""

    name: str
    grid: Grid
    states: Sequence[str]
    """Of each cell; empty where there are too many to draw."""
    counts: Counter[str]
    doing: str
    elapsed: float
    left: float | None = None
    """Seconds that it usually still takes; ``None`` where that is not known."""
    is_going: bool = True
    cost: str = ""
    concurrency: int = 0
    troubles: Sequence[Trouble] = ()
    more_troubles: int = 0
    not_started: Sequence[tuple[str, str, int]] = ()
    """States of cells that were not sent, why, and how many of them."""
    notes: Sequence[str] = field(default_factory=tuple)
    dashboard: str | None = None
    """Address of the page on which its cluster shows itself."""
    hitch: str = ""
    """What keeps it from going on at this moment."""
    sandbox: bool = False
    stopping: str = ""
    """What interrupting its cell does."""

    @property
    def total(self) -> int:
        """How many cells there are."""
        return sum(self.counts.values())


def grid_card(view: View, *, text: bool = False) -> str:
    """Return the card of a run, in HTML or in plain words."""
    return _in_words(view) if text else _in_html(view)


def cell_label(grid: Grid, index: int, *, without: Sequence[str] = ()) -> str:
    """Return what tells a cell from the others: its varied words."""
    words = grid.words(index // grid.takes)
    said = [
        _value(name, words[name]) for name in grid.varied if name in words and name not in without
    ]
    return " · ".join(said)


# -- what is said --------------------------------------------------------------------------------


def _timing(view: View) -> str:
    if not view.is_going:
        return clock(view.elapsed)
    left = f"about {clock(view.left)} left" if view.left is not None else "time left not known yet"
    return f"{clock(view.elapsed)} · {left}"


def _counted(view: View) -> list[str]:
    return [
        f"{state.sign} {view.counts[name]:,} {state.word}"
        for name, state in STATES.items()
        if view.counts[name]
    ]


def _facts(view: View) -> list[str]:
    facts = [f"{view.total:,} cell{'' if view.total == 1 else 's'}", view.cost]
    if view.is_going:
        facts += [f"at most {view.concurrency:,} at once"] if view.concurrency else []
        facts += [view.stopping]
    return [fact for fact in facts if fact]


def _said_below(view: View) -> list[tuple[str, str]]:
    """Return sentences and the code that belongs to each."""
    said = [(f"! {view.hitch}", "")] if view.hitch else []
    for trouble in view.troubles:
        state, where = STATES[trouble.state], f" {trouble.where}" if trouble.where else ""
        said.append((f"{state.sign} {state.word}:{where} — {excerpt(trouble.reason, 220)}", ""))
    if view.more_troubles:
        said.append((f"… and {view.more_troubles:,} more", "sweep.cells()"))
    if not view.is_going:
        ways = [STATES[name] for name in _TROUBLES if view.counts[name]]
        said += dict.fromkeys((state.way, state.code) for state in ways)
    for name, why, n in view.not_started:
        word = "waiting, not sent" if name == "waiting" else STATES[name].word
        said.append((f"{n:,} {word}: {excerpt(why, 260)}", ""))
    return said


# -- in plain words ------------------------------------------------------------------------------


def _in_words(view: View) -> str:
    badge = " · SANDBOX" if view.sandbox else ""
    lines = [
        *view.notes,
        f"{visible(view.doing)} “{excerpt(view.name, 60)}” · {_timing(view)}{badge}",
    ]
    lines += [f"  {' · '.join(_counted(view))}", f"  {' · '.join(_facts(view))}"]
    if view.dashboard:
        lines.append(f"  {_DASHBOARD}: {visible(view.dashboard)}")
    layout = _layout(view)
    if layout is not None:
        labels, heads, n_columns = layout
        width = max(map(len, labels), default=0)
        if any(heads):
            lines.append(f"  {' ' * width}  {' | '.join(heads)}")
        for number, label in enumerate(labels):
            some = view.states[number * n_columns : (number + 1) * n_columns]
            lines.append(
                f"  {label:<{width}}  {' '.join(STATES[state].sign for state in some)}".rstrip()
            )
    for words, code in _said_below(view):
        lines.append(f"  {visible(words)}" + (f": {code}" if code else ""))
    return "\n".join(lines)


# -- for a browser -------------------------------------------------------------------------------


def _in_html(view: View) -> str:
    name = f"“{escape(excerpt(view.name, 60))}”"
    title = f"{escape(view.doing)} <span style='font-weight:400'>{name}</span>"
    body = head_line(title, _timing(view), view.sandbox) + _bar(view)
    body += row(" · ".join(map(_coloured, _states(view))), "margin-top:8px;font-size:13px")
    body += facts_row(_facts(view), "margin-top:4px") + _dashboard_row(view) + _matrix(view)
    for words, code in _said_below(view):
        line = escape(words) + (
            f' <code style="{cards.CODE}">{escape(code)}</code>' if code else ""
        )
        body += row(line, f"{SMALL};margin-top:6px")
    notes = cards.note_card(list(view.notes)) if view.notes else ""
    frame = card(body, f"{view.doing} {view.name}", live=view.is_going)
    return notes + frame.replace("max-width:640px", "max-width:980px", 1)


def _dashboard_row(view: View) -> str:
    """Return the way to the cluster's page; what a browser should not follow is only text."""
    if not view.dashboard:
        return ""
    address = escape(view.dashboard)
    if re.match(r"https?://|/(?!/)", view.dashboard):
        rel = 'target="_blank" rel="noopener noreferrer"'
        address = f'<a href="{address}" {rel} style="color:{cards.INK}">{address}</a>'
    return row(f"{_DASHBOARD}: {address}", f"{SMALL};margin-top:4px;overflow-wrap:anywhere")


def _states(view: View) -> list[tuple[str, str]]:
    counted = zip([s for s in STATES if view.counts[s]], _counted(view), strict=True)
    return list(counted)


def _coloured(said: tuple[str, str]) -> str:
    state, words = said
    sign, _, rest = words.partition(" ")
    return f'<span style="white-space:nowrap">{_sign(state, sign)} {escape(rest)}</span>'


def _sign(state: str, sign: str) -> str:
    colour = f"color:{_COLOURS[state]};" if state in _COLOURS else ""
    return f'<span style="{colour}font-weight:700">{escape(sign)}</span>'


def _bar(view: View) -> str:
    total = max(view.total, 1)
    kept = 100 * view.counts["kept"] / total
    bad = 100 * sum(view.counts[s] for s in ("failed", "refused", "empty", "uncertain")) / total
    part = "display:inline-block;vertical-align:top;height:4px"
    return (
        f'<div role="progressbar" aria-label="Cells with an end" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{kept + bad:.0f}" style="height:4px;margin-top:10px;'
        'border-radius:2px;overflow:hidden;background-color:rgba(128,128,128,0.3);font-size:0">'
        f'<span style="{part};width:{kept:.1f}%;background-color:{cards.INK}"></span>'
        f'<span style="{part};width:{bad:.1f}%;background-color:{cards.RED}"></span></div>'
    )


def _matrix(view: View) -> str:
    layout = _layout(view)
    if layout is None:
        return ""
    labels, heads, n_columns = layout
    table = [
        "<table style='margin:10px 0 0;border:none;border-collapse:collapse;table-layout:auto'>"
    ]
    if any(heads):
        names = "".join(
            f'<th scope="col" style="{_CELL};{_HEAD}">{escape(head)}</th>' for head in heads
        )
        corner = f'<td style="{_CELL}"></td>' if any(labels) else ""
        table.append(
            f"<thead><tr style='background-color:transparent'>{corner}{names}</tr></thead>"
        )
    table.append("<tbody>")
    for number, label in enumerate(labels):
        some = view.states[number * n_columns : (number + 1) * n_columns]
        head = (
            f'<th scope="row" style="{_CELL};font-weight:400;min-width:160px"><bdi>{escape(label)}'
            "</bdi></th>"
            if any(labels)
            else ""
        )
        table.append(
            f"<tr style='background-color:transparent'>{head}{''.join(map(_box, some))}</tr>"
        )
    table.append("</tbody></table>")
    region = 'style="overflow-x:auto" role="region" aria-label="Cells" tabindex="0"'
    return f"<div {region}>{''.join(table)}</div>"


def _box(state: str) -> str:
    sign, word, *_ = STATES[state]
    quiet = f"opacity:{cards.QUIET};" if state in ("new", "waiting") else ""
    return f'<td style="{_CELL};{quiet}white-space:nowrap">{_sign(state, sign)} {escape(word)}</td>'


# -- where each cell stands ----------------------------------------------------------------------


def _layout(view: View) -> tuple[list[str], list[str], int] | None:
    """Return labels of rows, heads of columns and their number; ``None`` for numbers alone."""
    grid = view.grid
    if not view.states or grid.count > MOST_DRAWN:
        return None
    last = grid.axes[-1] if len(grid.axes) > 1 else None
    if last is not None and len(last.values) * grid.takes <= MOST_COLUMNS:
        names, n_columns = last.names, len(last.values) * grid.takes
    else:
        names, n_columns = (), grid.takes
    if n_columns > MOST_COLUMNS or grid.count // n_columns > MOST_ROWS:
        return None
    labels = [cell_label(grid, first, without=names) for first in range(0, grid.count, n_columns)]
    heads = []
    for index in range(n_columns):
        words = grid.words(index // grid.takes)
        said = [f"{name}: {_value(name, words[name], 24)}" for name in names if name in words]
        said += [f"take {index % grid.takes + 1}"] if grid.takes > 1 else []
        heads.append(", ".join(said))
    return labels, heads, n_columns


def _value(name: str, value: Any, limit: int = 44) -> str:
    if isinstance(value, str):
        return excerpt(value, limit)
    is_plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    shown = f"{value:g}" if is_plain else excerpt(str(value), limit)
    return f"{shown} s" if name == "duration" and is_plain else shown
