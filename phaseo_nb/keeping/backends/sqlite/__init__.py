"""A journal in one file of SQLite: for one machine, and as many kernels as it has.

A write-ahead log where the disk is this machine's own; a rollback journal and one kernel at a
time on a network, where the log's shared memory is not shared.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import cast

from ....errors import LibraryError
from .. import Db, Write
from .migrations import LATEST, version_of
from .opening import SQLiteDb, connected, mark, opened
from .troubles import gone, in_our_words, is_busy, newer

__all__ = ["SQLite"]


class SQLite:
    """A file of SQLite; see :class:`~phaseo_nb.keeping.backends.Backend`.

    Parameters
    ----------
    path
        Created where it is missing.
    is_shared
        Whether several kernels may have it open; ``False`` on network file systems.
    """

    picture = "BEGIN"

    def __init__(self, path: Path, *, is_shared: bool = True) -> None:
        self.path = path
        self.shown = str(path.parent)
        self.is_shared = is_shared
        self.reads_beside = is_shared  # else the one connection holds the file
        self._mark: tuple[int, int] | bool = False

    def __repr__(self) -> str:
        return f"<SQLite {self.path}>"

    # -- connecting ------------------------------------------------------------------------------

    def writer(self, patience: float) -> Db:
        """Open the file in its latest shape."""
        db = opened(self.path, self.is_shared, patience)
        self._mark = mark(self.path, self.is_shared)
        return db

    def reader(self, patience: float) -> Db:
        """Connect for reading only."""
        db = connected(self.path, patience)
        db.execute("PRAGMA query_only = ON")
        return db

    # -- transactions ----------------------------------------------------------------------------

    def begin(self, db: Db, write: Write) -> None:
        """Open a transaction: here one at a time, whatever it is about."""
        file = cast(SQLiteDb, db)
        is_vital = write.is_vital or not self.is_shared  # a rollback journal always flushes
        if is_vital != file.flushes:
            file.execute(f"PRAGMA synchronous = {'FULL' if is_vital else 'NORMAL'}")
            file.flushes = is_vital
        file.execute("BEGIN IMMEDIATE")
        if version_of(db) > LATEST:
            raise newer(self.path, version_of(db))
        if mark(self.path, self.is_shared) != self._mark:
            raise self.gone()  # SQLite would go on writing into what nobody finds again

    def commit(self, db: Db) -> None:
        """Commit, if a transaction is open."""
        if db.in_transaction:
            db.execute("COMMIT")

    def roll_back(self, db: Db) -> None:
        """Undo what the open transaction did."""
        with contextlib.suppress(sqlite3.Error):
            if db.in_transaction:
                db.execute("ROLLBACK")

    # -- what goes wrong -------------------------------------------------------------------------

    def is_busy(self, error: BaseException) -> bool:
        """Tell whether another writer was in the way."""
        return is_busy(error)

    def is_own(self, error: BaseException) -> bool:
        """Tell whether an error is SQLite's."""
        return isinstance(error, sqlite3.Error)

    def in_our_words(self, error: BaseException) -> Exception:
        """Return the error of ours for whatever was raised."""
        return in_our_words(error, self.path)

    def gone(self) -> LibraryError:
        """Return the error of a file that was moved away or replaced."""
        return gone(self.path)

    # -- upkeep ----------------------------------------------------------------------------------

    def inconsistencies(self, db: Db, quick: bool) -> list[str]:
        """Let SQLite look the file over."""
        pragma = "quick_check" if quick else "integrity_check"
        try:
            said = [str(row[0]) for row in db.execute(f"PRAGMA {pragma}(20)")]
        except sqlite3.DatabaseError as error:
            said = [str(error)]
        return [words for words in said if words != "ok"]

    def size(self, db: Db) -> int:
        """Return the bytes of the file, its log and its copies."""
        parts = self.path.parent.glob(f"{self.path.name}*")
        return sum(path.stat().st_size for path in parts if path.is_file())
