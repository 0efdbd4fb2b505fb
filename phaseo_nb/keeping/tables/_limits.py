"""``Limits``: what accounts may be asked for, and how much of that is used by now."""

from __future__ import annotations

from typing import Any

from ...phrases import excerpt
from ._sheet import Column, Row, Sheet, Way
from ._spending import usd
from ._table import NOTHING, Table

_COLUMNS = (
    Column("account", is_title=True, wraps=190),
    Column("a second", is_figure=True),
    Column("at once", is_figure=True),
    Column("budget", is_figure=True),
    Column("now", wraps=140, is_optional=True),
)


class Limits(Table[dict[str, Any]]):
    """What accounts may be asked for: dicts, as :meth:`Library.limits` describes them."""

    _empty = 'No account has limits. Set some: nb.library().set_limits("phaseo", per_second=2)'

    def rows(self) -> list[dict[str, Any]]:
        """Return copies of the rows."""
        return [dict(row) for row in self]

    def _sheet(self) -> Sheet:
        n = len(self)
        heading = f"Limits of {n:,} account{'' if n == 1 else 's'}, shared by all kernels"
        way = Way("To take one away", "nb.library().set_limits(…, per_second=None)")
        return Sheet(heading, _COLUMNS, [Row(_cells(row)) for row in self], footer=[way])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        excerpt(row["base_url"], 60),
        NOTHING if row["per_second"] is None else f"{row['per_second']:g}",
        NOTHING if row["at_once"] is None else f"{row['in_flight']:,} of {row['at_once']:,}",
        _budget(row),
        _now(row),
    )


def _budget(row: dict[str, Any]) -> str:
    if row["budget_usd"] is None:
        return NOTHING
    per = {"ever": "", "day": " today"}.get(row["per"], f" this {row['per']}")
    return f"{usd(row['spent_usd'])} of {usd(row['budget_usd'])}{per}"


def _now(row: dict[str, Any]) -> str:
    """Say what a 429 has left behind."""
    said = [f"asked to wait, {row['pause']:.0f} s more"] if row["pause"] else []
    slow = row["share"] < 1 and row["per_second"] is not None
    said += [f"slowed down to {row['per_second'] * row['share']:g} a second"] if slow else []
    return "; ".join(said)
