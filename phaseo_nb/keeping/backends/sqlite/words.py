"""Finding by words in SQLite: FTS5 over the table ``texts``, kept up to date by triggers.

A second index over three-letter pieces finds parts of words and scripts without blanks. Both can
be thrown away and made anew: where this SQLite has no FTS5, or the index is damaged, the triggers
go, a plain comparison takes over, and nothing that is kept depends on it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ....errors import LibraryError
from ...filters import FOUND_BY, Filter
from ...records import storable_text
from .. import Db
from .troubles import is_busy

_FIELDS = "prompt, title, lyrics, style, note"
_PIECES = "prompt, title, style, note"
_FEW = 500  # matches that are sooner sorted than met by going through all takes, newest first
_BROKEN = (sqlite3.DatabaseError, MemoryError)  # a damaged index may ask for any amount
_SHOWN = "state = 'kept' AND deleted_at IS NULL"
_PICTURES = "takes_pictures ON takes (n) WHERE kind = 'picture'"
"""A small index, so that what is no music can be counted without reading every row."""


class SQLiteWords:
    """How takes are found by words in a file of SQLite."""

    day = "date(created_at, 'unixepoch', 'localtime')"
    month = "strftime('%Y-%m', created_at, 'unixepoch', 'localtime')"
    same_tag = "tags.tag = ?"  # the column compares without case
    clock = None

    def prepare(self, db: Db) -> None:
        """Make the indexes where they are missing; FTS5 only where this SQLite has it."""
        for name in FOUND_BY:
            index = f"takes_found_by_{name} ON takes ({name})"
            db.execute(f"CREATE INDEX IF NOT EXISTS {index} WHERE {_SHOWN}")
        db.execute(f"CREATE INDEX IF NOT EXISTS {_PICTURES}")
        if not _has_fts5(db):
            self.drop(db)
            return
        if is_indexed(db) and _is_well(db):
            return
        self.drop(db)
        for table in ("words", "pieces"):
            _discard(db, table)
        _create_index(db)

    def drop(self, db: Db) -> None:
        """Stop keeping the index up to date; :meth:`prepare` makes it anew."""
        for name in ("texts_inserted", "texts_deleted", "texts_updated"):
            db.execute(f"DROP TRIGGER IF EXISTS {name}")

    def change(self, db: Db, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Change ``texts``; where the index cannot follow, it is given up instead."""
        db.execute("SAVEPOINT index_too")
        try:
            db.executemany(statement, rows)
            db.execute("SAVEPOINT index_done")  # FTS5 writes now, not too late: at the end
            db.execute("RELEASE index_done")
        except _BROKEN as error:
            if not db.in_transaction:  # everything was rolled back
                if isinstance(error, sqlite3.OperationalError):  # a full disk
                    raise
                self.drop(db)
                message = "the word index is busy: it was given up, and all is to be done again"
                raise sqlite3.OperationalError(message) from error
            db.execute("ROLLBACK TO index_too")
            self.drop(db)
            db.executemany(statement, rows)
        db.execute("RELEASE index_too")

    def browse(self, db: Db, only: Filter, limit: int) -> list[int]:
        """Find without words: by way of the index in which the fewest are met in vain."""
        music = ["takes.kind = 'music'"] if only.status == "kept" else []
        if only.tag is not None:
            joined = "tags CROSS JOIN takes ON takes.n = tags.take"
            where, order = [*music, "tags.tag = ?"], "tags.take DESC"
            return _select(db, joined, where, only, [only.tag], order, limit)
        if only.rating is not None:
            some = "SELECT 1 FROM takes WHERE rating >= ? LIMIT ?"
            if len(db.execute(some, (only.rating, _FEW)).fetchall()) < _FEW:
                rated = "takes INDEXED BY takes_rated"
                return _select(db, rated, music, only, [], "takes.n DESC", limit)
        if only.since is not None or only.until is not None:
            order = "takes.created_at DESC, takes.n DESC"
            return _select(db, "takes INDEXED BY takes_by_day", music, only, [], order, limit)
        return _select(db, "takes", music, only, [], "takes.n DESC", limit)

    def find(
        self, db: Db, text: str, only: Filter, limit: int, *, ranked: bool, raw: bool
    ) -> list[int]:
        """Find by words; ``raw`` is FTS5 syntax."""
        if only.status != "kept" or not is_indexed(db):
            return _compare(db, text, only, limit)
        order = "bm25(words), words.rowid DESC" if ranked else "words.rowid DESC"
        query = text if raw else phrase(text)
        try:
            found = _matching(db, "words", query, only, order, limit) if query else []
            return found if found or raw else _pieces(db, text, only, limit)
        except _BROKEN as error:
            if raw and isinstance(error, sqlite3.OperationalError) and _is_well(db):
                message = f"The raw search {text[:80]!r} is not FTS5 syntax ({error})."
                raise LibraryError(message) from error
            return _compare(db, text, only, limit)  # damaged: prepare() makes it anew

    def troubles(self, db: Db, quick: bool) -> list[str]:
        """Let the index compare itself with the texts; FTS5 is asked by INSERT."""
        if not _has_fts5(db):
            return []
        if not is_indexed(db):
            return ["it is not kept up to date"]
        found = []
        for table in ("words", "pieces"):
            if not _has_table(db, table):
                continue
            try:
                if not quick:
                    check = f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)"
                    db.execute(check)
                else:
                    some = f"SELECT rowid FROM {table} WHERE {table} MATCH 'a' LIMIT 1"
                    db.execute(some).fetchall()
            except sqlite3.DatabaseError as error:
                found.append(f"{table}: {error}")
        return found


def phrase(text: str) -> str:
    """Return what somebody typed as FTS5 words, all of which must occur; ``ja*`` is a beginning."""
    terms = []
    for word in storable_text(text).split() if text else []:  # type: ignore[union-attr]
        core = word.rstrip("*")
        if any(sign.isalnum() for sign in core):
            quoted = core.replace('"', '""')
            terms.append(f'"{quoted}"' + (" *" if word.endswith("*") else ""))
    return " ".join(terms)


def _pieces(db: Db, text: str, only: Filter, limit: int) -> list[int]:
    """Find parts of words, and words of scripts that write no blanks."""
    words = [word.rstrip("*") for word in text.split()]
    words = [word for word in words if any(sign.isalnum() for sign in word)]
    if not words or not _has_table(db, "pieces") or min(map(len, words)) < 3:
        return _compare(db, text, only, limit) if words else []
    quoted = " ".join('"' + word.replace('"', '""') + '"' for word in words)
    return _matching(db, "pieces", storable_text(quoted), only, "pieces.rowid DESC", limit)


def _matching(
    db: Db, index: str, query: str | None, only: Filter, order: str, limit: int
) -> list[int]:
    # What is kept has a small index of its own: the rows themselves lie far apart.
    joined = f"{index} CROSS JOIN takes INDEXED BY takes_shown ON takes.n = {index}.rowid"
    return _select(db, joined, [f"{index} MATCH ?"], only, [query], order, limit)


def _compare(db: Db, text: str, only: Filter, limit: int) -> list[int]:
    """Find by plain comparison: where there is no index, or no text, as of what is not kept."""
    source, joined = "texts", "texts CROSS JOIN takes ON takes.n = texts.take"
    fields, order = _FIELDS.split(", "), "texts.take DESC"
    if only.status != "kept":
        source = joined = "takes"
        fields, order = ["prompt", "title", "note"], "takes.n DESC"
    everything = " || ' ' || ".join(f"coalesce({source}.{field}, '')" for field in fields)
    words = (storable_text(text) or "").split()
    like = ["%" + re.sub(r"([%_\\])", r"\\\1", word.rstrip("*")) + "%" for word in words]
    where = [f"{everything} LIKE ? ESCAPE '\\'" for _ in like]
    return _select(db, joined, where, only, like, order, limit)


def _select(
    db: Db,
    source: str,
    where: Sequence[str],
    only: Filter,
    values: Sequence[Any],
    order: str,
    limit: int,
) -> list[int]:
    """Return the numbers of the first rows of an order: so that nothing long is sorted."""
    conditions, more = only.clauses(SQLiteWords.same_tag)
    clause = " AND ".join([*where, *conditions])
    query = f"SELECT takes.n FROM {source} WHERE {clause} ORDER BY {order} LIMIT ?"
    return [row[0] for row in db.execute(query, [*values, *more, limit])]


# -- the index -----------------------------------------------------------------------------------


def _create_index(db: Db) -> None:
    db.execute(
        f"CREATE VIRTUAL TABLE words USING fts5({_FIELDS}, content='texts', content_rowid='take',"
        " tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
    )
    tables = [("words", _FIELDS)]
    with suppress(sqlite3.OperationalError):  # trigrams came with SQLite 3.34
        db.execute(
            f"CREATE VIRTUAL TABLE pieces USING fts5({_PIECES}, content='texts',"
            " content_rowid='take', tokenize='trigram', detail='full')"
        )
        tables.append(("pieces", _PIECES))
    for table, _ in tables:
        db.execute(f"INSERT INTO {table} ({table}) VALUES ('rebuild')")
    _create_triggers(db, tables)


def is_indexed(db: Db) -> bool:
    """Tell whether the word index is there and kept up to date."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'texts_inserted'"
    return db.execute(query).fetchone() is not None


def _discard(db: Db, table: str) -> None:
    """Remove an index; a damaged one cannot be dropped and is struck off the schema by hand."""
    try:
        db.execute(f"DROP TABLE IF EXISTS {table}")
        return
    except _BROKEN as error:
        if not db.in_transaction or is_busy(error):
            raise
    db.execute("PRAGMA writable_schema = ON")
    try:
        db.execute("DELETE FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    finally:
        db.execute("PRAGMA writable_schema = OFF")
    version = db.execute("PRAGMA schema_version").fetchone()[0]
    db.execute(f"PRAGMA schema_version = {version + 1}")  # so that everybody reads it anew
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB ?"
    for (part,) in db.execute(query, (f"{table}_*",)).fetchall():  # ordinary tables by now
        db.execute(f"DROP TABLE {part}")


def _is_well(db: Db) -> bool:
    """Tell whether the index finds what was kept last; looking at all of it takes seconds."""
    try:
        kept = db.execute("SELECT sql FROM sqlite_master WHERE name = 'texts_inserted'").fetchone()
        last = db.execute("SELECT take, prompt FROM texts ORDER BY take DESC LIMIT 1").fetchone()
        n, prompt = last or (0, None)
        words = (word for word in (prompt or "").split() if word.isascii() and word.isalnum())
        word = next((word for word in words if len(word) > 2), None)  # a token to either index
        for table in ("words", "pieces"):
            if kept is None or f"INTO {table} " in kept[0]:
                query = f"SELECT rowid FROM {table} WHERE {table} MATCH ? AND rowid = ?"
                found = db.execute(query, (f'"{word or "abc"}"', n)).fetchone()
                if word is not None and found is None:
                    return False
    except _BROKEN:
        return False
    return True


def _create_triggers(db: Db, tables: Sequence[tuple[str, str]]) -> None:
    added = " ".join(
        f"INSERT INTO {table} (rowid, {fields}) VALUES (new.take, {_prefixed('new', fields)});"
        for table, fields in tables
    )
    gone = " ".join(
        f"INSERT INTO {table} ({table}, rowid, {fields})"
        f" VALUES ('delete', old.take, {_prefixed('old', fields)});"
        for table, fields in tables
    )
    for name, event, body in (
        ("texts_inserted", "INSERT", added),
        ("texts_deleted", "DELETE", gone),
        ("texts_updated", "UPDATE", gone + " " + added),
    ):
        db.execute(f"CREATE TRIGGER {name} AFTER {event} ON texts BEGIN {body} END")


def _prefixed(name: str, fields: str) -> str:
    return ", ".join(f"{name}.{field}" for field in fields.split(", "))


def _has_fts5(db: Db) -> bool:
    return bool(db.execute("SELECT sqlite_compileoption_used('ENABLE_FTS5')").fetchone()[0])


def _has_table(db: Db, name: str) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None
