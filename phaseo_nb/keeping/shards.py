"""Orders that any machine may take up: planned many at a time, and taken up many at a time.

A shard is a name that some hundreds of orders share. Nobody has them at first; a process that
takes a shard up puts its name on those that are free, and when it dies they are free again. What
was being handed in at that moment is in doubt, as everywhere, and never handed in twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from ..errors import BudgetExceeded
from . import money
from .backends import Db
from .entries import (
    COLUMNS,
    ENDED,
    NOT_ENDED,
    OPEN,
    OPEN_ENDS,
    SET_SETTING,
    Entry,
    note_event,
    read_entries,
)
from .journal import Journal
from .ordering import Plan, planned_row

T = TypeVar("T")
AT_ONCE = 500  # SQLite's limit of variables in one statement was 999 for long
_ID = "id"


class Ordered(NamedTuple):
    """What a wanted take is, once its shard was planned."""

    n: int | None
    """Its row; ``None`` where nothing was planned."""
    state: str
    is_new: bool = False
    why: str | None = None
    """Why nothing was planned."""


class Standing(NamedTuple):
    """How a row stands: enough to know whether somebody has to do something about it."""

    state: str
    owner: str | None
    known: str | None


class Shards:
    """Shards of one journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._database = journal.database
        self._leases = journal.leases

    def library_id(self) -> str:
        """Return what tells this journal from any other, wherever it is opened."""

        def operation(db: Db) -> str:
            query = "SELECT value FROM settings WHERE name = ?"
            row = db.execute(query, (_ID,)).fetchone()
            if row is None:
                db.execute(SET_SETTING, (_ID, secrets.token_hex(8)))
                row = db.execute(query, (_ID,)).fetchone()
            return str(row[0])

        return self._database.write(operation).result()

    # -- planning --------------------------------------------------------------------------------

    def plan(self, wanted: Sequence[tuple[Plan, int]]) -> Future[list[Ordered]]:
        """Find what takes have become already, plan the others and set their prices aside.

        All in one transaction. Where a budget has no room for all, those that fit are planned,
        in their order.

        Parameters
        ----------
        wanted
            Orders, and as which take each; of one shard and one session.
        """

        def operation(db: Db) -> list[Ordered]:
            self._leases.present(db)
            there = _earlier(db, {plan.key for plan, _ in wanted})
            new: list[tuple[int, Plan, int]] = []
            done: list[Ordered] = []
            for place, (plan, take) in enumerate(wanted):
                found = there.living.get((plan.key, take))
                done.append(found or Ordered(None, "new"))
                if found is None:
                    new.append((place, plan, take))
            if new:
                self._journal.refuse_orders(db)
            self._insert(db, new, done, there.attempts)
            return done

        return self._database.write(operation, is_vital=False)

    def _insert(
        self,
        db: Db,
        new: Sequence[tuple[int, Plan, int]],
        done: list[Ordered],
        attempts: dict[str, int],
    ) -> None:
        one_by_one = not self._fits(db, [plan for _, plan, _ in new])
        now = self._journal.now()
        rows = []
        for place, plan, take in new:
            if one_by_one:
                try:
                    money.reserve(db, plan.purse, self._leases.shares_budget(db), now)
                except BudgetExceeded as error:
                    done[place] = Ordered(None, "new", why=str(error))
                    continue
            attempts[plan.key] = attempts.get(plan.key, 0) + 1
            query, values = planned_row(self._leases, plan, take, attempts[plan.key], now)
            n = db.insert(query, tuple(values.values()))
            rows.append((n, now, "planned", None))
            done[place] = Ordered(n, "planned", True)
        if rows:
            query = "INSERT INTO events (take, at, state, words) VALUES (?, ?, ?, ?)"
            db.executemany(query, rows)

    def _fits(self, db: Db, plans: Sequence[Plan]) -> bool:
        """Tell whether the prices of all fit at once, as they nearly always do."""
        if not plans:
            return True
        prices = [plan.purse.price_usd for plan in plans]
        if None in prices and not plans[0].purse.allow_unknown:
            return False
        whole = replace(plans[0].purse, price_usd=sum(price or 0.0 for price in prices))
        try:
            shares = self._leases.shares_budget(db)
            money.reserve(db, whole, shares, self._journal.now())
        except BudgetExceeded:
            return False
        return True

    def withdraw(self, shards: str) -> Future[int]:
        """Forget what was planned and not sent, and give the prices back; return how many.

        Whoever holds such a row finds it gone when it is about to send it.

        Parameters
        ----------
        shards
            The beginning of the names of the shards.
        """

        def operation(db: Db) -> int:
            query = (
                "SELECT n FROM takes WHERE shard >= ? AND shard < ? AND state = 'planned'"
                f" AND {NOT_ENDED}"
            )
            rows = db.execute(query, (shards, f"{shards}\x7f")).fetchall()
            now, n_gone = self._journal.now(), 0
            for (n,) in rows:
                query = "DELETE FROM takes WHERE n = ? AND state = 'planned'"
                if db.execute(query, (n,)).rowcount:
                    note_event(db, n, "withdrawn", now)
                    n_gone += 1
            return n_gone

        return self._database.write(operation)

    # -- taking up -------------------------------------------------------------------------------

    def take_up(self, numbers: Sequence[int]) -> Future[list[Entry]]:
        """Put our name on every row that is open and free; return those that are ours now.

        What a process that died was handing in becomes ``uncertain``: it is not returned.
        """

        def operation(db: Db) -> list[Entry]:
            entries = [entry for some in _parts(numbers) for entry in _read(db, some)]
            opened = [entry for entry in entries if entry.state in OPEN]
            free = self._free(db, {entry.owner for entry in opened})
            mine = []
            for entry in opened:
                if entry.owner == self._leases.me:
                    mine.append(entry)
                elif free[entry.owner] and entry.state == "submitting":
                    self._leases.doubt(db, entry.n)
                elif free[entry.owner]:
                    if entry.state == "expired":
                        self._leases.revive(db, entry.n)
                        entry = replace(entry, state="submitted", known=None)
                    mine.append(replace(entry, owner=self._leases.me))
            if mine:
                self._journal.check_place(db)
            self._sign(db, [entry.n for entry in mine])
            return mine

        return self._database.write(operation, is_vital=False)

    def standings(self, numbers: Sequence[int]) -> dict[int, Standing]:
        """Return how rows stand; one that is not there any more was withdrawn."""

        def operation(db: Db) -> dict[int, Standing]:
            found = {}
            for some in _parts(numbers):
                marks = ",".join("?" * len(some))
                query = f"SELECT n, state, owner, known FROM takes WHERE n IN ({marks})"
                found.update({row[0]: Standing(*row[1:]) for row in _rows(db, query, some)})
            return found

        return self._database.read(operation)

    def are_free(self, owners: Iterable[str | None]) -> dict[str | None, bool]:
        """Tell of names on rows whether nobody who lives goes by them."""
        names = set(owners)
        return self._database.read(lambda db: self._free(db, names))

    def changes(self, after: int, most: int = 20_000) -> tuple[int, dict[int, str]]:
        """Return what happened to rows since an event: its number, and each row's last state.

        Which numbers come into sight first is not certain where many write at once, so whoever
        follows them looks at everything now and then.
        """

        def operation(db: Db) -> tuple[int, dict[int, str]]:
            query = "SELECT n, take, state FROM events WHERE n > ? ORDER BY n LIMIT ?"
            rows = db.execute(query, (after, most)).fetchall()
            last = rows[-1][0] if rows else after
            return last, {take: state for _, take, state in rows}

        return self._database.read(operation)

    def last_change(self) -> int:
        """Return the number of the last event."""
        query = "SELECT coalesce(max(n), 0) FROM events"
        return int(self._database.read(lambda db: db.execute(query).fetchone()[0]))

    # -- parts -----------------------------------------------------------------------------------

    def _free(self, db: Db, owners: set[str | None]) -> dict[str | None, bool]:
        me = self._leases.me
        return {owner: owner != me and self._leases.is_free(db, owner) for owner in owners}

    def _sign(self, db: Db, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        self._leases.present(db)
        for some in _parts(numbers):
            marks = ",".join("?" * len(some))
            query = f"UPDATE takes SET owner = ? WHERE n IN ({marks})"
            db.execute(query, (self._leases.me, *some))
        for n in numbers:
            self._leases.note_mine(n)


class _There(NamedTuple):
    living: Mapping[tuple[str, int], Ordered]
    attempts: dict[str, int]


def _earlier(db: Db, keys: set[str]) -> _There:
    """Return what requests have become: kept first, then on its way, then an open end."""
    living: dict[tuple[str, int], Ordered] = {}
    attempts: dict[str, int] = {}
    rank = {"kept": 0, **dict.fromkeys(OPEN, 1), **dict.fromkeys(OPEN_ENDS, 2)}
    for some in _parts(sorted(keys)):
        query = (
            "SELECT key, number, n, state, attempt, deleted_at FROM takes"
            f" WHERE key IN ({','.join('?' * len(some))}) ORDER BY n"
        )
        for key, number, n, state, attempt, deleted_at in _rows(db, query, some):
            attempts[key] = max(attempt, attempts.get(key, 0))
            if state not in rank or deleted_at is not None:
                continue
            known = living.get((key, number))
            if known is None or rank[state] <= rank[known.state]:
                living[key, number] = Ordered(n, state)
    return _There(living, attempts)


def _read(db: Db, numbers: Sequence[int]) -> list[Entry]:
    marks = ",".join("?" * len(numbers))
    some = f"n IN ({marks}) AND state NOT IN {ENDED} AND deleted_at IS NULL"
    return read_entries(db, _rows(db, f"SELECT {COLUMNS} FROM takes WHERE {some}", numbers))


def _rows(db: Db, query: str, values: Sequence[object]) -> list[Any]:
    return db.execute(query, tuple(values)).fetchall()


def _parts(items: Sequence[T]) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
