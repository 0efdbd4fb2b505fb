"""Opening the file: made whole where it is missing, copied before its shape changes."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .migrations import LATEST, migrate, version_of
from .troubles import damaged, in_our_words, newer
from .words import SQLiteWords


class SQLiteDb(sqlite3.Connection):
    """A connection to a file; see :class:`~phaseo_nb.keeping.backends.Db`."""

    words = SQLiteWords()
    flushes = True
    """Whether commits wait for the disk."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.later: list[tuple[str, tuple[Any, ...]]] = []

    def insert(self, query: str, values: Any = ()) -> int:
        """Insert one row and return its number."""
        return int(self.execute(query, values).lastrowid or 0)

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert many rows as they are."""
        fields, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self.executemany(f"INSERT INTO {table} ({fields}) VALUES ({marks})", rows)

    def last_number(self, table: str) -> int:
        """Return the highest row number that was given out; where SQLite counts, past its rows."""
        highest = self.execute(f"SELECT coalesce(max(n), 0) FROM {table}").fetchone()[0]
        query = "SELECT seq FROM sqlite_sequence WHERE name = ?"
        row = self.execute(query, (table,)).fetchone()
        return max(int(highest), int(row[0]) if row else 0)

    def count_on(self, table: str, number: int) -> None:
        """Give out higher row numbers than this; a table without a count goes by its rows."""
        query = "SELECT 1 FROM sqlite_master WHERE name = ? AND sql LIKE '%AUTOINCREMENT%'"
        if self.execute(query, (table,)).fetchone():
            self.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            self.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, number))


def opened(path: Path, is_shared: bool, patience: float) -> SQLiteDb:
    """Open the file in its latest shape, after making a copy of an older one."""
    try:
        if not path.exists():
            _create(path)
        if path.stat().st_size == 0:
            raise damaged(path, "it is empty")
        db = connected(path, patience)
        try:
            if not is_shared:
                # Before the first access: a write-ahead log would need shared memory.
                db.execute("PRAGMA locking_mode = EXCLUSIVE")
            version = version_of(db)
            if version > LATEST:
                raise newer(path, version)
            if not is_shared:
                db.execute("PRAGMA journal_mode = DELETE")
            elif _mode(db) != "wal":
                db.execute("PRAGMA journal_mode = WAL")
            if version < LATEST:
                if version:
                    _back_up(db, path, version)
                migrate(db)
        except BaseException:
            db.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise in_our_words(error, path) from error
    return db


def mark(path: Path, is_shared: bool) -> tuple[int, int] | bool:
    """Return what tells a file from one that is put in its place; that it is there, on a network.

    File systems of a network may number a file anew while it is open.
    """
    try:
        found = path.stat()
    except OSError:
        return False
    return (found.st_dev, found.st_ino) if is_shared else True


def connected(path: Path, patience: float) -> SQLiteDb:
    """Connect with what every connection here wants: full flushes, foreign keys, named columns."""
    db = sqlite3.connect(
        str(path),
        timeout=min(patience, 5.0),
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=SQLiteDb,
    )
    db.row_factory = sqlite3.Row
    try:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
    except BaseException:  # no database at all
        db.close()
        raise
    return db


def _mode(db: SQLiteDb) -> str:
    return str(db.execute("PRAGMA journal_mode").fetchone()[0]).lower()


def _create(path: Path) -> None:
    """Make a new file beside its place and put it there whole: nobody ever sees half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(6)}.new")
    db = connected(new, 5.0)
    try:
        migrate(db)
    finally:
        db.close()
    try:
        _put_in_place(new, path)
    finally:
        new.unlink(missing_ok=True)


def _put_in_place(new: Path, path: Path) -> None:
    """Give a file its name unless another kernel was quicker."""
    try:
        os.link(new, path)
    except FileExistsError:
        return
    except OSError:  # no hard links here; Windows does not rename over a file either
        with contextlib.suppress(FileExistsError):
            if not path.exists():
                new.rename(path)


def _back_up(db: SQLiteDb, path: Path, version: int) -> None:
    """Keep a whole copy of the older shape beside the file."""
    copy = path.with_name(f"{path.name}.v{version}.backup")
    if copy.exists():
        return  # of an earlier try: the file has not changed its shape since
    copied(db, copy)


def copied(db: sqlite3.Connection, copy: Path) -> None:
    """Write a whole copy, which has its name once it is whole."""
    part = copy.with_name(f".{copy.name}.{secrets.token_hex(6)}.part")
    target = sqlite3.connect(str(part))
    try:
        db.backup(target)
        target.close()
        os.replace(part, copy)
    finally:
        target.close()
        part.unlink(missing_ok=True)
