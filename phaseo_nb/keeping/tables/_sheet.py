"""A table in the card language: for a browser, and in plain words with aligned columns.

Like the cards it has to survive where a notebook is not trusted: inline styles only, no colour of
its own for text, every value escaped. What is too wide scrolls sideways inside the card.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ... import cards
from ...phrases import visible

MAX_ROWS = 50
"""Rows that are drawn; of the others only the number is said."""
AS_IT_IS = "mathjax_ignore tex2jax_ignore"
"""Classes of HTML in which two dollars are prices, and no formula between them."""

# Notebooks have a look of their own for tables (striped, fixed, right-aligned, small); each
# property that they set is set here again.
_WIDE = f"{cards.CARD};max-width:980px;padding:12px 0 10px"
_SCROLL = "overflow-x:auto;padding:0 16px"
_TABLE = (
    "width:100%;margin:0;border:none;border-collapse:collapse;table-layout:auto;"
    "font-size:13px;line-height:1.5;font-variant-numeric:tabular-nums"
)
_RULE = "1px solid rgba(128,128,128,0.22)"
_FIRM = "1px solid rgba(128,128,128,0.5)"
_TR = "background-color:transparent"
_CELL = "vertical-align:top;line-height:1.5;max-width:none"
_NAME = f"{_CELL};font-size:12px;font-weight:600;white-space:nowrap;border-bottom:{_FIRM}"
_CAPTION = "caption-side:top;padding:0 0 6px;text-align:left;color:inherit;font-size:13px"


class Column(NamedTuple):
    """What stands above a column, and how its cells stand in it."""

    name: str
    is_figure: bool = False
    """Right-aligned."""
    is_title: bool = False
    """Names its row; long words wrap."""
    wraps: int = 0
    """May fold, but not below so many pixels; 0 for words that stay on one line."""
    is_optional: bool = False
    """Left out where all of its cells are empty."""


class Cell(NamedTuple):
    """Words of a cell, and what browsers show as well or instead."""

    words: str
    under: str = ""
    """A second, quieter line."""
    picture: str = ""
    """HTML of this package's own making that says the same as the words, and stands for them."""


class Way(NamedTuple):
    """A sentence, and the line of code that does what it says."""

    words: str
    code: str = ""

    @property
    def text(self) -> str:
        """The same in plain words."""
        return f"{visible(self.words)}: {self.code}" if self.code else visible(self.words)

    @property
    def html(self) -> str:
        """The same for a browser."""
        words = f'<span style="opacity:{cards.QUIET}">{cards.escape(self.words)}</span>'
        if not self.code:
            return words
        return f'{words} <code style="{cards.CODE}">{cards.escape(self.code)}</code>'


@dataclass(frozen=True)
class Row:
    """One line of a table, and what is said about it below."""

    cells: tuple[str | Cell, ...]
    sandbox: bool = False
    below: tuple[Way, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A table: heading, rows, a line of totals, and what can be done with it."""

    heading: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    total: tuple[str, ...] | None = None
    intro: str = ""
    footer: Sequence[Way] = ()

    @property
    def _is_sandbox(self) -> bool:
        """Whether one badge above speaks for all rows."""
        return bool(self.rows) and all(row.sandbox for row in self.rows)

    @property
    def _shown(self) -> list[int]:
        """Columns that say something."""
        return [
            place
            for place, column in enumerate(self.columns)
            if not column.is_optional or any(_words(row.cells[place]) for row in self.rows)
        ]

    @property
    def _more(self) -> str:
        rest = len(self.rows) - MAX_ROWS
        return f"… and {rest:,} more" if rest > 0 else ""

    # -- in plain words --------------------------------------------------------------------------

    def text(self) -> str:
        """Return the table in plain words."""
        shown, one_badge = self._shown, self._is_sandbox
        table = [[self.columns[place].name for place in shown]]
        for row in self.rows[:MAX_ROWS]:
            mark = " · SANDBOX" if row.sandbox and not one_badge else ""
            table.append([self._plain(row, place, mark) for place in shown])
        if self.total:
            table.append([visible(self.total[place]) for place in shown])
        widths = [max(_width(row[i]) for row in table) for i in range(len(shown))]
        lines = [self._aligned(cells, widths) for cells in table]
        said = [visible(self.heading) + (" · SANDBOX" if one_badge else "")]
        said += [visible(self.intro)] if self.intro else []
        said.append(lines[0])
        for line, row in zip(lines[1:], self.rows[:MAX_ROWS], strict=False):
            said += [line, *(f"     {way.text}" for way in row.below)]
        said += [f"  {self._more}"] if self._more else []
        said += [lines[-1]] if self.total else []
        return "\n".join([*said, *(way.text for way in self.footer)])

    def _plain(self, row: Row, place: int, mark: str) -> str:
        words = visible(_words(row.cells[place]))
        return words + (mark if self.columns[place].is_title else "")

    def _aligned(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        padded = []
        for place, words, width in zip(self._shown, cells, widths, strict=True):
            space = " " * (width - _width(words))
            padded.append(space + words if self.columns[place].is_figure else words + space)
        return ("  " + "  ".join(padded)).rstrip()

    # -- for a browser ---------------------------------------------------------------------------

    def html(self) -> str:
        """Return the table as HTML."""
        names = "".join(
            f'<th scope="col" style="{_NAME};{self._side(place)}">'
            f'<span style="opacity:{cards.QUIET}">'
            f"{cards.escape(self.columns[place].name)}</span></th>"
            for place in self._shown
        )
        drawn = self.rows[:MAX_ROWS]
        goes_on = bool(self.total or self.footer or self._more)
        rows = [self._row(row, goes_on or row is not drawn[-1]) for row in drawn]
        if self._more:
            rows.append(self._across(cards.escape(self._more), f"opacity:{cards.QUIET}", "none"))
        total = self._total() if self.total else ""
        table = (
            f'<table style="{_TABLE}">{self._caption()}<thead><tr style="{_TR}">{names}</tr>'
            f"</thead><tbody>{''.join(rows)}</tbody>{total}</table>"
        )
        footer = "".join(
            f'<div style="margin:4px 16px 0;font-size:12px">{way.html}</div>' for way in self.footer
        )
        region = f'role="region" aria-label="{cards.escape(self.heading)}" tabindex="0"'
        return (
            f'<div class="phaseo-nb {AS_IT_IS}" style="{_WIDE}">{cards.STYLE}'
            f'<div {region} style="{_SCROLL}">{table}</div>'
            f'<div style="padding:4px 0 2px">{footer}</div></div>'
        )

    def _caption(self) -> str:
        badge = f' <span style="{cards.BADGE_STYLE}">SANDBOX</span>' if self._is_sandbox else ""
        intro = (
            f'<div style="opacity:{cards.QUIET}">{cards.escape(self.intro)}</div>'
            if self.intro
            else ""
        )
        heading = f'<span style="{cards.TITLE}">{cards.escape(self.heading)}</span>'
        return f'<caption style="{_CAPTION}">{heading}{badge}{intro}</caption>'

    def _row(self, row: Row, goes_on: bool) -> str:
        end = _RULE if goes_on else "none"
        rule = "none" if row.below else end
        cells = []
        for place in self._shown:
            column, cell = self.columns[place], row.cells[place]
            picture = cell.picture if isinstance(cell, Cell) else ""
            words = picture or f"<bdi>{cards.escape(_words(cell))}</bdi>"
            if column.is_title and row.sandbox and not self._is_sandbox:
                words += f' <span style="{cards.BADGE_STYLE}">SANDBOX</span>'
            under = cell.under if isinstance(cell, Cell) else ""
            if under:
                words += (
                    f'<div style="font-weight:400;font-size:12px;opacity:{cards.QUIET}">'
                    f"<bdi>{cards.escape(under)}</bdi></div>"
                )
            tag = 'th scope="row"' if column.is_title else "td"
            weight = "600" if column.is_title else "400"
            style = f"{_CELL};border-bottom:{rule};font-weight:{weight};{self._side(place)}"
            cells.append(f'<{tag} style="{style}">{words}</{tag[:2]}>')
        line = f'<tr style="{_TR}">{"".join(cells)}</tr>'
        ways = "".join(f'<div style="margin-top:3px">{way.html}</div>' for way in row.below)
        return line + (self._across(ways, "padding-top:0;padding-bottom:10px", end) if ways else "")

    def _across(self, content: str, style: str, rule: str) -> str:
        """Return a row below another one: across all columns but the first."""
        base = f"{_CELL};border-bottom:{rule};white-space:normal;text-align:left;font-size:12px"
        return (
            f'<tr style="{_TR}"><td style="{base};padding:0"></td>'
            f'<td colspan="{len(self._shown) - 1}" style="{base};padding:6px 0;{style}">'
            f"{content}</td></tr>"
        )

    def _total(self) -> str:
        cells = "".join(
            f'<td style="{_CELL};font-weight:600;border-top:{_FIRM};{self._side(place)}">'
            f"{cards.escape((self.total or ())[place])}</td>"
            for place in self._shown
        )
        return f'<tfoot><tr style="{_TR}">{cells}</tr></tfoot>'

    def _side(self, place: int) -> str:
        column = self.columns[place]
        side = "right" if column.is_figure else "left"
        last = place == self._shown[-1]
        if column.is_title:
            fold = "white-space:normal;overflow-wrap:anywhere;min-width:190px"
            fold += ";width:100%" if not column.wraps else ""  # takes what the others leave
        elif column.wraps:
            fold = f"white-space:normal;overflow-wrap:anywhere;min-width:{column.wraps}px"
        else:
            fold = "white-space:nowrap"
        return f"text-align:{side};padding:6px {0 if last else 18}px 6px 0;{fold}"


def _words(cell: str | Cell) -> str:
    return cell.words if isinstance(cell, Cell) else cell


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: two for wide signs, none for accents."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )
