"""Finding takes: by words, newest first, and by what they are.

The word index is SQLite's FTS5 over the table ``texts``, kept up to date by triggers; a second
one over three-letter pieces finds parts of words and scripts without blanks. Both can be thrown
away and made anew: where this SQLite has no FTS5, or the index is damaged, the triggers go, a
plain comparison takes over, and nothing that is kept depends on it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError
from .entries import COLUMNS, Entry, read_entries
from .filters import FOUND_BY, Filter, make_filter
from .records import storable_text
from .troubles import is_busy

if TYPE_CHECKING:
    from ..jobs import MusicJob

__all__ = ["Filter", "find", "make_filter", "note_texts", "prepare", "with_index"]

_FIELDS = "prompt, title, lyrics, style, note"
_PIECES = "prompt, title, style, note"
_LONGEST = 1_000  # characters of a search: what SQLite's limits let through in any case
_FEW = 500  # matches that are sooner sorted than met by going through all takes, newest first
_BROKEN = (sqlite3.DatabaseError, MemoryError)  # a damaged index may ask for any amount
_SHOWN = "state = 'kept' AND deleted_at IS NULL"
_PICTURES = "takes_pictures ON takes (n) WHERE kind = 'picture'"
"""A small index, so that what is no music can be counted without reading every row."""


def find(
    db: sqlite3.Connection,
    text: str | None,
    only: Filter,
    *,
    limit: int,
    ranked: bool = False,
    raw: bool = False,
) -> list[Entry]:
    """Return the takes that match, newest first or (``ranked``) best first.

    Without words, what is filtered by a date goes by the clock, as the filter does.
    """
    _check_text(text)
    if text is None or not text.strip():
        return _filtered(db, only, limit)
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
        return _compare(db, text, only, limit)  # the index is damaged: prepare() makes it anew


def _check_text(text: Any) -> None:
    if text is not None and not (isinstance(text, str) and len(text) <= _LONGEST):
        shown = repr(text)[:60]
        message = f"text = {shown} cannot be searched for. Give words, up to {_LONGEST} letters."
        raise LibraryError(message)


def _filtered(db: sqlite3.Connection, only: Filter, limit: int) -> list[Entry]:
    """Find without words: by way of the index in which the fewest are met in vain."""
    music = ["takes.kind = 'music'"] if only.status == "kept" else []
    if only.tag is not None:
        joined = "tags CROSS JOIN takes ON takes.n = tags.take"
        return _select(
            db, joined, [*music, "tags.tag = ?"], only, [only.tag], "tags.take DESC", limit
        )
    if only.rating is not None:
        some = "SELECT 1 FROM takes WHERE rating >= ? LIMIT ?"
        if len(db.execute(some, (only.rating, _FEW)).fetchall()) < _FEW:
            return _select(
                db, "takes INDEXED BY takes_rated", music, only, [], "takes.n DESC", limit
            )
    if only.since is not None or only.until is not None:
        order = "takes.created_at DESC, takes.n DESC"
        return _select(db, "takes INDEXED BY takes_by_day", music, only, [], order, limit)
    return _select(db, "takes", music, only, [], "takes.n DESC", limit)


def phrase(text: str) -> str:
    """Return what somebody typed as FTS5 words, all of which must occur; ``ja*`` is a beginning."""
    terms = []
    for word in storable_text(text).split() if text else []:  # type: ignore[union-attr]
        core = word.rstrip("*")
        if any(sign.isalnum() for sign in core):
            quoted = core.replace('"', '""')
            terms.append(f'"{quoted}"' + (" *" if word.endswith("*") else ""))
    return " ".join(terms)


def _pieces(db: sqlite3.Connection, text: str, only: Filter, limit: int) -> list[Entry]:
    """Find parts of words, and words of scripts that write no blanks."""
    words = [word.rstrip("*") for word in text.split()]
    words = [word for word in words if any(sign.isalnum() for sign in word)]
    if not words or not _has_table(db, "pieces") or min(map(len, words)) < 3:
        return _compare(db, text, only, limit) if words else []
    quoted = " ".join('"' + word.replace('"', '""') + '"' for word in words)
    return _matching(db, "pieces", storable_text(quoted), only, "pieces.rowid DESC", limit)


def _matching(
    db: sqlite3.Connection, index: str, query: str | None, only: Filter, order: str, limit: int
) -> list[Entry]:
    # What is kept has a small index of its own: the rows themselves lie far apart.
    joined = f"{index} CROSS JOIN takes INDEXED BY takes_shown ON takes.n = {index}.rowid"
    return _select(db, joined, [f"{index} MATCH ?"], only, [query], order, limit)


def _compare(db: sqlite3.Connection, text: str, only: Filter, limit: int) -> list[Entry]:
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
    db: sqlite3.Connection,
    source: str,
    where: Sequence[str],
    only: Filter,
    values: Sequence[Any],
    order: str,
    limit: int,
) -> list[Entry]:
    """Return the first rows of an order: their numbers first, so that nothing long is sorted."""
    conditions, more = only.clauses()
    clause = " AND ".join([*where, *conditions])
    query = f"SELECT takes.n FROM {source} WHERE {clause} ORDER BY {order} LIMIT ?"
    numbers = [row[0] for row in db.execute(query, [*values, *more, limit])]
    entries: dict[int, Entry] = {}
    for start in range(0, len(numbers), _FEW):
        some = numbers[start : start + _FEW]
        query = f"SELECT {COLUMNS} FROM takes WHERE n IN ({','.join('?' * len(some))})"
        entries.update((entry.n, entry) for entry in read_entries(db, db.execute(query, some)))
    return [entries[n] for n in numbers if n in entries]


# -- the texts and their index -------------------------------------------------------------------


def note_texts(db: sqlite3.Connection, kept: Sequence[tuple[Entry, MusicJob]]) -> None:
    """Lay out what takes are searched by; an index that fails costs only itself.

    All of a transaction at once: the index writes as much for one take as for twenty. Pictures
    have no texts, so that a search finds music alone.
    """
    texts = [_texts_of(entry, answer) for entry, answer in kept if entry.kind == "music"]
    # Not INSERT OR REPLACE: that deletes without telling the triggers.
    query = (
        "INSERT INTO texts (take, prompt, title, lyrics, style, note) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (take) DO UPDATE SET prompt = excluded.prompt, title = excluded.title,"
        " lyrics = excluded.lyrics, style = excluded.style, note = excluded.note"
    )
    if texts:
        with_index(db, query, *texts)


def _texts_of(entry: Entry, answer: MusicJob) -> tuple[Any, ...]:
    lyrics, style = _asked(entry.request)
    titles = dict.fromkeys(track.title for track in answer.tracks if track.title)
    lyrics |= dict.fromkeys(track.lyrics for track in answer.tracks if track.lyrics)
    style |= dict.fromkeys(track.tags for track in answer.tracks if track.tags)
    texts = [storable_text("\n".join(words)) for words in (titles, lyrics, style)]
    return entry.n, entry.prompt, *texts, entry.note


def with_index(db: sqlite3.Connection, statement: str, *rows: Sequence[Any]) -> None:
    """Change ``texts``, once for each row of values.

    Where the index cannot follow, it is given up instead.
    """
    db.execute("SAVEPOINT index_too")
    try:
        db.executemany(statement, rows)
        db.execute("SAVEPOINT index_done")  # FTS5 writes now, not when it is too late: at the end
        db.execute("RELEASE index_done")
    except _BROKEN as error:
        if not db.in_transaction:  # everything was rolled back
            if isinstance(error, sqlite3.OperationalError):  # a full disk
                raise
            drop_triggers(db)
            message = "the word index is busy: it was given up, and all is to be done again"
            raise sqlite3.OperationalError(message) from error
        db.execute("ROLLBACK TO index_too")
        drop_triggers(db)
        db.executemany(statement, rows)
    db.execute("RELEASE index_too")


def prepare(db: sqlite3.Connection) -> None:
    """Make the index where it is missing; leave it out where this SQLite cannot have one."""
    for name in FOUND_BY:
        index = f"takes_found_by_{name} ON takes ({name})"
        db.execute(f"CREATE INDEX IF NOT EXISTS {index} WHERE {_SHOWN}")
    db.execute(f"CREATE INDEX IF NOT EXISTS {_PICTURES}")
    if not _has_fts5(db):
        drop_triggers(db)
        return
    if is_indexed(db) and _is_well(db):
        return
    drop_triggers(db)
    for table in ("words", "pieces"):
        _discard(db, table)
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


def is_indexed(db: sqlite3.Connection) -> bool:
    """Tell whether the word index is there and kept up to date."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'texts_inserted'"
    return db.execute(query).fetchone() is not None


def _discard(db: sqlite3.Connection, table: str) -> None:
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


def _is_well(db: sqlite3.Connection) -> bool:
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


def drop_triggers(db: sqlite3.Connection) -> None:
    """Stop keeping the index up to date; :func:`prepare` makes it anew."""
    for name in ("texts_inserted", "texts_deleted", "texts_updated"):
        db.execute(f"DROP TRIGGER IF EXISTS {name}")


def _create_triggers(db: sqlite3.Connection, tables: Sequence[tuple[str, str]]) -> None:
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


def _has_fts5(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT sqlite_compileoption_used('ENABLE_FTS5')").fetchone()[0])


def _has_table(db: sqlite3.Connection, name: str) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None


def _asked(request: str) -> tuple[dict[str, None], dict[str, None]]:
    """Return lyrics and style words of a stored request, each once."""
    body = json.loads(request).get("body", {})
    parts = [body, *(part for part in body.values() if isinstance(part, Mapping))]
    is_udio = "gpt_description_prompt" in body or "make_instrumental" in body

    def texts(*names: str) -> dict[str, None]:
        found = (part.get(name) for part in parts for name in names)
        return dict.fromkeys(item for item in found if isinstance(item, str) and item.strip())

    lyrics = texts("lyrics")
    if not is_udio:
        suno = body.get("suno") or {}
        if suno.get("customMode") and isinstance(suno.get("prompt"), str):
            lyrics[suno["prompt"]] = None
    return lyrics, texts("style", "tags")
