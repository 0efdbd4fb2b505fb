"""``Spending``: what was paid, set aside and tried out in the sandbox, kept apart."""

from __future__ import annotations

import math
from typing import Any

from ...phrases import excerpt
from ._sheet import Column, Row, Sheet
from ._table import NOTHING, Table

_FIGURES = ("sandbox", "jobs", "kept", "usd", "reserved_usd", "credits", "unknown")


class Spending(Table[dict[str, Any]]):
    """What was spent: dicts of figures, as :meth:`Library.spending` describes them.

    What the sandbox tried out was never paid: its rows say so, and no total counts them.
    """

    _empty = "Nothing was spent yet."

    def rows(self) -> list[dict[str, Any]]:
        """Return copies of the rows; the prices of sandbox rows were tried out, not paid."""
        return [dict(row) for row in self]

    @property
    def total(self) -> dict[str, Any]:
        """What was paid, over all rows but the sandbox's: the same figures as a row."""
        paid = [row for row in self if not row.get("sandbox")]
        whole = {name: sum(int(row.get(name) or 0) for row in paid) for name in _COUNTS}
        sums = {name: math.fsum(float(row.get(name) or 0) for row in paid) for name in _AMOUNTS}
        return {**whole, **sums}

    def _sheet(self) -> Sheet:
        by = [name for name in self[0] if name not in _FIGURES]
        columns = [Column(name, is_title=name == by[0], wraps=110) for name in by]
        columns += [Column(name, is_figure=True) for name in ("jobs", "kept", "paid")]
        columns += [Column("set aside", is_figure=True, is_optional=True)]
        total = self.total
        rows = [
            Row((*(_by(row.get(name)) for name in by), *_figures(row)), bool(row.get("sandbox")))
            for row in self
        ]
        is_mixed = any(not row.sandbox for row in rows)
        last = ("total", *[""] * (len(by) - 1), *_figures(total)) if is_mixed else None
        return Sheet(_spent(total, is_mixed), columns, rows, total=last)


_COUNTS = ("jobs", "kept", "unknown")
_AMOUNTS = ("usd", "reserved_usd", "credits")


def _by(value: Any) -> str:
    return NOTHING if value is None else excerpt(value, 60)


def _figures(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return the cells jobs, kept, paid and set aside."""
    counts = f"{int(row.get('jobs') or 0):,}", f"{int(row.get('kept') or 0):,}"
    if row.get("sandbox"):
        tried = float(row.get("usd") or 0)  # the sandbox answers with the services' prices
        return (*counts, f"not paid ({usd(tried)} at the service)" if tried else "not paid", "")
    reserved = float(row.get("reserved_usd") or 0)
    return (*counts, _paid(row), f"${reserved:,.2f}" if reserved else "")


def _paid(row: dict[str, Any]) -> str:
    """Return what was paid in words; an unknown price is never a zero."""
    paid, credits = float(row.get("usd") or 0), float(row.get("credits") or 0)
    unknown, jobs = int(row.get("unknown") or 0), int(row.get("jobs") or 0)
    words = [usd(paid)] if paid or not (credits or (unknown and unknown == jobs)) else []
    words += [f"{credits:g} credits"] if credits else []
    words += [f"{unknown:,} of unknown price"] if unknown else []
    return " + ".join(words)


def _spent(total: dict[str, Any], is_paid: bool) -> str:
    if not is_paid:
        return "Nothing was paid: all of it was the sandbox"
    said = [f"{_paid({**total, 'unknown': 0})} paid"]
    if total["unknown"] and total["unknown"] == total["jobs"]:
        said = []
    if total["reserved_usd"]:
        said.append(f"{usd(total['reserved_usd'])} set aside, not billed yet")
    if total["unknown"]:
        s = "" if total["unknown"] == 1 else "s"
        said.append(f"{total['unknown']:,} job{s} of unknown price")
    return " · ".join(said)


def usd(amount: float) -> str:
    """Return an amount of US dollars in words."""
    return f"${amount:.4f}" if 0 < amount < 0.005 else f"${amount:,.2f}"
