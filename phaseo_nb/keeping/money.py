"""What may be spent, and what was: budgets of sessions, budgets of a library, a table of costs.

A price is set aside in the same transaction that plans its order, so two kernels cannot both
spend the last dollar. What an answer says replaces what was set aside. The sandbox answers with
the prices of the services, so that budgets can be tried out; its purse is one of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ..errors import BudgetExceeded, LibraryError, brief
from .backends import Db

PERIODS = ("day", "week", "month", "ever")
_AMOUNT = "coalesce(cost_usd, reserved_usd, 0.0)"
_TINY = 1e-9  # adding prices up in floats


@dataclass(frozen=True)
class Purse:
    """What an order may cost."""

    base_url: str
    sandbox: bool
    price_usd: float | None
    limit_usd: float | None
    """Of the session; ``None`` is no limit."""
    allow_unknown: bool


def spent(db: Db, base_url: str, pays: Callable[[str], bool]) -> float:
    """Return the US dollars that payers have reserved or spent at an address."""
    # From one payer to the next in their index: of those that do not pay, no row is read.
    payers = (
        "WITH RECURSIVE p (payer) AS (SELECT min(payer) FROM takes UNION ALL SELECT"
        " (SELECT min(payer) FROM takes WHERE payer > p.payer) FROM p WHERE payer IS NOT NULL)"
        " SELECT payer FROM p WHERE payer IS NOT NULL"
    )
    query = f"SELECT coalesce(sum({_AMOUNT}), 0.0) FROM takes WHERE payer = ? AND base_url = ?"
    paying = [payer for (payer,) in db.execute(payers).fetchall() if pays(payer)]
    return math.fsum(db.execute(query, (each, base_url)).fetchone()[0] for each in paying)


def reserve(db: Db, purse: Purse, pays: Callable[[str], bool], now: float) -> None:
    """Make sure that a price fits into every budget there is.

    Raises
    ------
    BudgetExceeded
        It does not fit, or nobody knows it and it may not be unknown.
    """
    limits = _limits(db, purse.base_url)
    if purse.limit_usd is None and not limits:
        return
    if purse.price_usd is None and not purse.allow_unknown:
        message = (
            "The price of this request is unknown, so the budget cannot hold it; nothing was "
            "sent. Allow it with `nb.connect(…, allow_unknown_price=True)`."
        )
        raise BudgetExceeded(message)
    price = purse.price_usd or 0.0
    if purse.limit_usd is not None:
        gone = spent(db, purse.base_url, pays)
        _check(price, gone, purse.limit_usd, "the budget", "`budget_usd` in nb.connect(…)")
    for per, usd, whose in limits:
        gone = _spent_since(db, _start(per, now), purse.sandbox, whose)
        owner, call = "library", f"set_budget(…, per={per!r})"
        if whose is not None:
            owner, call = "account", f"set_limits({whose!r}, budget_usd=…, per={per!r})"
        what = f"the {owner}'s budget" + ("" if per == "ever" else f" for this {per}")
        _check(price, gone, usd, what, f"it with `nb.library().{call}`")


def _limits(db: Db, base_url: str) -> list[tuple[str, float, str | None]]:
    """Return what limits an order: periods, US dollars, and the account if it is not for all."""
    query = (
        "SELECT per, usd, NULL FROM budgets UNION ALL SELECT budget_per, budget_usd, base_url"
        " FROM accounts WHERE base_url = ? AND budget_usd IS NOT NULL"
    )
    return [tuple(row) for row in db.execute(query, (base_url,)).fetchall()]


def _check(price: float, gone: float, limit: float, what: str, where: str) -> None:
    if price <= 0 or gone + price <= limit + _TINY:  # what is free fits even into a debt
        return
    message = (
        f"This request costs about ${price:.2f}, and ${max(0.0, limit - gone):.2f} of {what} of "
        f"${limit:.2f} is left; nothing was sent. Raise {where} to go on."
    )
    raise BudgetExceeded(message)


def budgets(db: Db) -> dict[str, float]:
    """Return the limits of the whole library by period, in US dollars."""
    return dict(db.execute("SELECT per, usd FROM budgets").fetchall())


def set_budget(db: Db, usd: Any, per: Any) -> None:
    """Set or (with ``None``) take away the limit of a period; without one: of a day, or all.

    Raises
    ------
    LibraryError
        The amount or the period is none.
    """
    if per is None and usd is None:
        db.execute("DELETE FROM budgets")
        return
    per = "day" if per is None else per
    if per not in PERIODS:
        known = ", ".join(repr(name) for name in PERIODS)
        message = f"per = {per!r} is no period. Choose one of {known}."
        raise LibraryError(message)
    if usd is None:
        db.execute("DELETE FROM budgets WHERE per = ?", (per,))
        return
    is_number = isinstance(usd, (int, float)) and not isinstance(usd, bool)
    if not (is_number and 0 <= usd < 1e9):
        message = f"usd = {brief(usd)} is no amount of US dollars. Give a number from 0, or None."
        raise LibraryError(message)
    query = (
        "INSERT INTO budgets (per, usd) VALUES (?, ?) ON CONFLICT (per) DO UPDATE"
        " SET usd = excluded.usd"
    )
    db.execute(query, (per, float(usd)))


def spent_by_account(db: Db, base_url: str, per: str, now: float) -> float:
    """Return the US dollars that were set aside or spent at an address in the running period."""
    start = _start(per, now)
    # In place of the services' prices, what was tried out counts where there is nothing else.
    return _spent_since(db, start, False, base_url) or _spent_since(db, start, True, base_url)


def _spent_since(db: Db, start: float, sandbox: bool, base_url: str | None = None) -> float:
    where = "created_at >= ? AND sandbox = ? AND imported = 0"
    values: list[Any] = [start, int(sandbox)]
    if base_url is not None:
        where, values = f"{where} AND base_url = ?", [*values, base_url]
    found = db.execute(f"SELECT sum({_AMOUNT}) FROM takes WHERE {where}", values).fetchone()
    return float(found[0] or 0.0)


def _start(per: str, now: float) -> float:
    """Return when the running period began, by the calendar on the wall."""
    if per == "ever":
        return -1e18
    today = datetime.fromtimestamp(now).date()
    first: date = today
    if per == "week":
        first = today - timedelta(days=today.weekday())
    elif per == "month":
        first = today.replace(day=1)
    return datetime(first.year, first.month, first.day).timestamp()


def spending(db: Db, by: tuple[str, ...], since: float | None) -> list[dict[str, Any]]:
    """Return what was spent as rows of plain values; see :meth:`Library.spending`."""
    groups = {
        "day": db.words.day,
        "month": db.words.month,
        "gateway": "CASE WHEN sandbox = 1 THEN 'sandbox' ELSE gateway END",
        "model": "model",
        "provider": "provider",
        "notebook": "notebook",
        "kind": "kind",
    }
    unknown = [name for name in by if name not in groups]
    if unknown or not by:
        known = ", ".join(repr(name) for name in groups)
        wrong = repr(unknown[0]) if unknown else repr(by)
        message = f"by = {wrong} cannot be counted by. Choose from {known}."
        raise LibraryError(message)
    named = ", ".join(f"{groups[name]} AS {name}" for name in by)
    query = (
        f"SELECT {named}, sandbox, count(*) AS jobs,"
        " count(CASE WHEN state = 'kept' THEN 1 END) AS kept,"
        " coalesce(sum(cost_usd), 0.0) AS usd,"
        " coalesce(sum(CASE WHEN cost_usd IS NULL THEN reserved_usd END), 0.0) AS reserved_usd,"
        " coalesce(sum(cost_credits), 0.0) AS credits,"
        " count(CASE WHEN cost_usd IS NULL AND reserved_usd IS NULL AND cost_credits IS NULL"
        " THEN 1 END) AS unknown"
        " FROM takes WHERE imported = 0 AND created_at >= ? AND state != 'planned'"
        f" GROUP BY {', '.join(str(i + 1) for i in range(len(by)))}, sandbox ORDER BY max(n) DESC"
    )
    rows = db.execute(query, (-1e18 if since is None else since,))
    return [{**dict(row), "sandbox": bool(row["sandbox"])} for row in rows]
