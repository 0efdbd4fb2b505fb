"""Where a journal lies: SQLite in a folder, or PostgreSQL for many machines.

Everything above this room talks to a :class:`Db` in one subset of SQL, with ``?`` for values, and
runs alike on both. What differs is said here: how one connects and writes, what went wrong in
plain words, and how words are found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from ..filters import Filter

__all__ = ["Backend", "Cursor", "Db", "Row", "Words", "Write"]


class Row(Protocol):
    """A row: its values by place or by name."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def keys(self) -> Any:
        """Return the names of its columns."""
        ...


class Cursor(Protocol):
    """What a statement brings."""

    @property
    def rowcount(self) -> int:
        """Rows that it changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next row."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Db(Protocol):
    """A connection, as operations see it."""

    later: list[tuple[str, tuple[Any, ...]]]
    """Statements that nobody waits for, with their values: run in one go before the commit."""

    @property
    def words(self) -> Words:
        """How takes are found by words here."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...

    def execute(self, query: str, values: Any = (), /) -> Cursor:
        """Run one statement; ``?`` or ``:name`` stand for values."""
        ...

    def executemany(self, query: str, rows: Iterable[Any], /) -> Cursor:
        """Run one statement for each of several rows of values."""
        ...

    def insert(self, query: str, values: Any = ()) -> int:
        """Insert one row and return its number, the column ``n``."""
        ...

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert many rows as they are, quickly."""
        ...

    def last_number(self, table: str) -> int:
        """Return the highest row number that was given out in a table that counts them."""
        ...

    def count_on(self, table: str, number: int) -> None:
        """Give out higher row numbers than this from now on."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Write(NamedTuple):
    """How a transaction is meant."""

    is_vital: bool = True
    """Whether it has to survive a power cut."""
    is_beside: bool = False
    """Whether others may write at the same time: it only changes rows that have our name."""


class Words(Protocol):
    """How a back end finds takes by words; what it has for that can always be made anew."""

    day: str
    """SQL of the day, such as ``2026-11-25``, at which a take was ordered, by the wall here."""
    month: str
    """SQL of its month."""
    same_tag: str
    """SQL of whether a tag is the one that is looked for, whatever its case."""

    @property
    def clock(self) -> str | None:
        """SQL of the seconds since 1970 by the database's clock; ``None`` for this machine's."""
        ...

    def prepare(self, db: Db) -> None:
        """Make the indexes where they are missing."""
        ...

    def drop(self, db: Db) -> None:
        """Give the word index up; :meth:`prepare` makes it anew."""
        ...

    def change(self, db: Db, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Change the texts, once for each row of values; an index that fails costs only itself."""
        ...

    def browse(self, db: Db, only: Filter, limit: int) -> list[int]:
        """Return the numbers of the first takes that pass a filter."""
        ...

    def find(
        self, db: Db, text: str, only: Filter, limit: int, *, ranked: bool, raw: bool
    ) -> list[int]:
        """Return the numbers of the takes that have some words."""
        ...

    def troubles(self, db: Db, quick: bool) -> list[str]:
        """Return what is the matter with the word index; run where it may be written."""
        ...


class Backend(Protocol):
    """One journal that can be opened; knows nothing of what is in it."""

    shown: str
    """Where it is, without any secret."""
    reads_beside: bool
    """Whether it can be read while somebody writes."""
    picture: str
    """SQL that opens a transaction in which everything is read as it is at one moment."""

    def writer(self, patience: float) -> Db:
        """Connect for writing, and bring the journal to its latest shape.

        Raises
        ------
        LibraryError
            It cannot be opened, is damaged, or comes from a newer version.
        """
        ...

    def reader(self, patience: float) -> Db:
        """Connect for reading only."""
        ...

    def begin(self, db: Db, write: Write) -> None:
        """Open a transaction; raises where nothing may be written any more."""
        ...

    def commit(self, db: Db) -> None:
        """Commit, if a transaction is open; once this returns, it is done."""
        ...

    def roll_back(self, db: Db) -> None:
        """Undo what the open transaction did, if one is open."""
        ...

    def is_busy(self, error: BaseException) -> bool:
        """Tell whether the same may go well in a moment."""
        ...

    def is_own(self, error: BaseException) -> bool:
        """Tell whether an error comes from the library underneath."""
        ...

    def in_our_words(self, error: BaseException) -> Exception:
        """Return the error of ours for whatever was raised."""
        ...

    def gone(self) -> Exception:
        """Return the error of a journal that is not the one that was opened."""
        ...

    def inconsistencies(self, db: Db, quick: bool) -> list[str]:
        """Return what is wrong inside the journal; nothing where all is well."""
        ...

    def size(self, db: Db) -> int:
        """Return the bytes that it takes up, copies included."""
        ...
