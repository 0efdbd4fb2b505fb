"""Carrying the rows of one journal into another: all of them as they are at one moment.

They are written in one transaction of the target and compared before it is committed, so a copy
is whole or it is what it was before, whatever kills it. What was there before is replaced: rows
say nothing about when they last changed, and reading them all takes less than carrying audio.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import LibraryError
from ..backends import Db
from ..store import Recording

if TYPE_CHECKING:
    from ..folder import Folder

T = TypeVar("T")

# In this order, as rows refer to those of tables above them; with what their rows go by.
TABLES = {
    "kernels": ("id",),
    "takes": ("n",),
    "recordings": ("sha256",),
    "tracks": ("take", "position"),
    "events": ("n",),
    "texts": ("take",),
    "tags": ("take", "tag"),
    "budgets": ("per",),
    "settings": ("name",),
    "callbacks": ("sha256",),
    "sweeps": ("name",),
    "votes": ("n",),
    "descriptors": ("sha256", "version"),
    "accounts": ("base_url",),
}
COUNTED = ("takes", "events", "votes")
"""Tables that number their rows."""
SUMS = ("cost_usd", "reserved_usd", "cost_credits")
_A_PAGE = 1000
_MADE_THERE = frozenset({"words", "plain"})
"""Columns that PostgreSQL works out by itself."""
_FREE = ("planned", "submitted", "completed", "expired")
"""States of open jobs that nobody looks after in a copy. What is being handed in stays with its
kernel: once that is gone, it is in doubt there, too."""


@dataclass
class Written:
    """What was written into a copy."""

    counts: dict[str, int] = field(default_factory=dict)
    """Rows of each table."""
    sums: dict[str, float] = field(default_factory=dict)
    n_planned: int = 0
    """Orders that were left out, as they were never sent."""
    n_kept: int = 0
    events: int = 0
    """The last thing that had happened to a take."""


class SourceFailed(Exception):
    """Reading failed while the target was written; that one must not try again by itself."""

    def __init__(self, error: Exception) -> None:
        super().__init__("the source could not be read")
        self.error = error


@contextlib.contextmanager
def one_picture(folder: Folder, db: Db) -> Iterator[Reading]:
    """Read everything as it is at one moment."""
    if db.in_transaction:  # the one connection of a journal that serves one kernel at a time
        yield Reading(folder, db)
        return
    db.execute(folder.database.backend.picture)
    try:
        yield Reading(folder, db)
    finally:
        with contextlib.suppress(Exception):  # it was cut, then; nothing was changed
            if db.in_transaction:
                db.execute("ROLLBACK")


class Reading:
    """The rows of a journal, a page at a time."""

    def __init__(self, folder: Folder, db: Db) -> None:
        self._folder = folder
        self._db = db

    def count(self) -> int:
        """Return the number of all rows."""
        queries = (f"SELECT count(*) FROM {table}" for table in TABLES)
        return sum(int(self.ask(query)[0][0]) for query in queries)

    def last_number(self, table: str) -> int:
        """Return the highest row number that was given out in a table."""
        return self._guarded(lambda: self._db.last_number(table))

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the names of the columns that are carried."""
        return self._guarded(lambda: columns(self._db, table))

    def pages(self, table: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield all rows of a table in the order of what they go by."""
        names = self.columns(table)
        fields, order = ", ".join(names), ", ".join(TABLES[table])
        places = [names.index(name) for name in TABLES[table]]
        marks = ", ".join("?" * len(places))
        query, values = f"SELECT {fields} FROM {table} ORDER BY {order} LIMIT ?", ()
        while True:
            rows = self.ask(query, (*values, _A_PAGE))
            if not rows:
                return
            yield rows
            values = tuple(rows[-1][place] for place in places)
            query = (
                f"SELECT {fields} FROM {table} WHERE ({order}) > ({marks}) ORDER BY {order} LIMIT ?"
            )

    def ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self._guarded(lambda: [tuple(row) for row in self._db.execute(query, values)])

    def _guarded(self, read: Callable[[], T]) -> T:
        if not self._db.in_transaction:  # a new connection would see another moment
            message = (
                f"The connection to {self._folder.shown} was cut while it was copied. Run the same "
                "again: it goes on where it was."
            )
            raise SourceFailed(LibraryError(message))
        try:
            return read()
        except Exception as error:
            raise SourceFailed(error) from None


def columns(db: Db, table: str) -> tuple[str, ...]:
    """Return the names of a table's columns, without those that are worked out."""
    cursor: Any = db.execute(f"SELECT * FROM {table} LIMIT 0")
    names = tuple(column[0] for column in cursor.description)
    return tuple(n for n in names if table != "texts" or n not in _MADE_THERE)


class Writing:
    """One journal that becomes a copy of what is read; inside one transaction.

    Parameters
    ----------
    db
        The target.
    reading
        The source.
    moves
        Whether it takes the source's place: then what waits to be sent comes along.
    """

    def __init__(self, db: Db, reading: Reading, *, moves: bool) -> None:
        self._db = db
        self._reading = reading
        self._moves = moves
        self._left_out: set[int] = set()
        self.done = Written()

    def replace(
        self,
        settings: Callable[[list[tuple[Any, ...]]], list[tuple[Any, ...]]],
        recordings: Callable[[list[Recording]], None],
        tell: Callable[[int], None],
    ) -> Written:
        """Replace all rows, number on, index the texts and compare.

        Parameters
        ----------
        settings
            Given the settings there, says which are written.
        recordings
            Called with what the next rows name, before they are written.
        tell
            Told how many rows are written.
        """
        db = self._db
        db.words.drop(db)
        for table in reversed(TABLES):
            db.execute(f"DELETE FROM {table}")
        n = 0
        for table in TABLES:
            names = self._reading.columns(table)
            counted = 0
            for page in self._reading.pages(table):
                rows = settings(page) if table == "settings" else self._fit(table, names, page)
                if table == "recordings":
                    recordings(_recordings(names, rows))
                db.fill(table, names, rows)
                counted += len(rows)
                n += len(page)
                tell(n)
            if table == "settings":
                more = settings([])
                db.fill(table, names, more)
                counted += len(more)
            self.done.counts[table] = counted
        for table in COUNTED:
            db.count_on(table, self._reading.last_number(table))
        db.words.prepare(db)
        self._compare()
        return self.done

    def _fit(
        self, table: str, names: Sequence[str], page: list[tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        if table == "takes":
            return self._takes(names, page)
        if table == "events":
            self.done.events = max(self.done.events, page[-1][names.index("n")])
        if self._left_out and table in ("tracks", "texts", "tags", "callbacks"):
            take = names.index("take")
            return [row for row in page if row[take] not in self._left_out]
        return page

    def _takes(self, names: Sequence[str], page: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        n, state, owner, shard = (names.index(x) for x in ("n", "state", "owner", "shard"))
        rows = []
        for row in page:
            if row[state] == "planned" and not (self._moves and row[shard] is not None):
                self._left_out.add(row[n])
                continue
            if row[owner] is not None and row[state] in _FREE:
                row = (*row[:owner], None, *row[owner + 1 :])
            rows.append(row)
        done = self.done
        done.n_planned = len(self._left_out)
        done.n_kept += sum(row[state] == "kept" for row in rows)
        for name in SUMS:
            place = names.index(name)
            more = math.fsum(row[place] or 0.0 for row in rows)
            done.sums[name] = done.sums.get(name, 0.0) + more
        return rows

    def _compare(self) -> None:
        """Raise ``LibraryError`` where something else is there than was written."""
        wrong = []
        for table, count in self.done.counts.items():
            there = self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            if there != count:
                wrong.append(f"{there:,} of {count:,} rows of {table}")
        for name in SUMS:
            fields = f"coalesce(sum({name}), 0.0)"
            there = float(self._db.execute(f"SELECT {fields} FROM takes").fetchone()[0])
            wanted = self.done.sums.get(name, 0.0)
            if not abs(there - wanted) < 0.005:
                wrong.append(f"{there:.2f} of {wanted:.2f} in {name}")
        if wrong:
            message = (
                f"The copy is not the same as what was copied: {'; '.join(wrong)}. It was undone. "
                "Run the same again, and `library.doctor()` on what is copied."
            )
            raise LibraryError(message)


def _recordings(names: Sequence[str], rows: list[tuple[Any, ...]]) -> list[Recording]:
    places = [names.index(name) for name in ("sha256", "suffix", "format", "size")]
    return [Recording(*(row[place] for place in places)) for row in rows]
