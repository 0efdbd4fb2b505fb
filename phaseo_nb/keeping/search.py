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
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError
from .entries import COLUMNS, Entry, read_entries
from .records import storable_text

if TYPE_CHECKING:
    from ..jobs import MusicJob

_FIELDS = "prompt, title, lyrics, style, note"
_PIECES = "prompt, title, style, note"
STATES = (
    "kept",
    "failed",
    "empty",
    "uncertain",
    "expired",
    "submitted",
    "completed",
    "written_off",
)


@dataclass(frozen=True)
class Filter:
    """What takes have to be; ``None`` is anything."""

    model: str | None = None
    gateway: str | None = None
    provider: str | None = None
    notebook: str | None = None
    status: str = "kept"
    since: float | None = None
    until: float | None = None
    rating: int | None = None
    """At least."""
    tag: str | None = None

    def clauses(self) -> tuple[list[str], list[Any]]:
        """Return conditions on ``takes`` with their values."""
        where = ["takes.deleted_at IS NULL", f"takes.state = '{self.status}'"]
        values: list[Any] = []
        for name in ("model", "provider", "notebook"):
            if getattr(self, name) is not None:
                where.append(f"takes.{name} = ?")
                values.append(getattr(self, name))
        if self.gateway is not None:
            where.append("(CASE WHEN takes.sandbox THEN 'sandbox' ELSE takes.gateway END) = ?")
            values.append(self.gateway)
        for sign, moment in ((">=", self.since), ("<", self.until)):
            if moment is not None:
                where.append(f"takes.created_at {sign} ?")
                values.append(moment)
        if self.rating is not None:
            where.append("takes.rating >= ?")
            values.append(self.rating)
        if self.tag is not None:
            where.append("EXISTS (SELECT 1 FROM tags WHERE tags.tag = ? AND tags.take = takes.n)")
            values.append(self.tag)
        return where, values


def make_filter(
    *, status: str = "kept", since: Any = None, until: Any = None, **words: Any
) -> Filter:
    """Check what somebody wants to filter by.

    Raises
    ------
    LibraryError
        A status, date or rating is none.
    """
    if status not in STATES:
        known = ", ".join(repr(name) for name in STATES)
        message = f"status = {status!r} is no status of a take. Choose one of {known}."
        raise LibraryError(message)
    rating = words.get("rating")
    if rating is not None and (isinstance(rating, bool) or rating not in range(1, 6)):
        message = f"rating = {rating!r} is no rating. Give a whole number from 1 to 5: the least."
        raise LibraryError(message)
    return Filter(
        status=status,
        since=_moment("since", since),
        until=_moment("until", until, is_end=True),
        **words,
    )


def find(
    db: sqlite3.Connection,
    text: str | None,
    only: Filter,
    *,
    limit: int,
    ranked: bool = False,
    raw: bool = False,
) -> list[Entry]:
    """Return the takes that match, newest first or (``ranked``) best first."""
    if text is None or not text.strip():
        return _select(db, "takes", [], only, [], "takes.n DESC", limit)
    if not is_indexed(db):
        return _compare(db, text, only, limit)
    order = "bm25(words)" if ranked else "words.rowid DESC"
    query = text if raw else phrase(text)
    found: list[Entry] = []
    if query:
        try:
            joined = "words JOIN takes ON takes.n = words.rowid"
            found = _select(db, joined, ["words MATCH ?"], only, [query], order, limit)
        except sqlite3.OperationalError as error:
            if not raw:
                raise
            message = f"The raw search {text[:80]!r} is not FTS5 syntax ({error})."
            raise LibraryError(message) from error
    if found or raw:
        return found
    return _pieces(db, text, only, limit)


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
    joined = "pieces JOIN takes ON takes.n = pieces.rowid"
    order = "pieces.rowid DESC"
    return _select(db, joined, ["pieces MATCH ?"], only, [storable_text(quoted)], order, limit)


def _compare(db: sqlite3.Connection, text: str, only: Filter, limit: int) -> list[Entry]:
    """Find by plain comparison, where there is no index."""
    everything = " || ' ' || ".join(f"coalesce(texts.{f}, '')" for f in _FIELDS.split(", "))
    words = (storable_text(text) or "").split()
    like = ["%" + re.sub(r"([%_\\])", r"\\\1", word.rstrip("*")) + "%" for word in words]
    where = [f"{everything} LIKE ? ESCAPE '\\'" for _ in like]
    joined = "texts JOIN takes ON takes.n = texts.take"
    return _select(db, joined, where, only, like, "takes.n DESC", limit)


def _select(
    db: sqlite3.Connection,
    source: str,
    where: Sequence[str],
    only: Filter,
    values: Sequence[Any],
    order: str,
    limit: int,
) -> list[Entry]:
    conditions, more = only.clauses()
    clause = " AND ".join([*where, *conditions])
    query = f"SELECT {COLUMNS} FROM {source} WHERE {clause} ORDER BY {order} LIMIT ?"
    return read_entries(db, db.execute(query, [*values, *more, limit]))


# -- the texts and their index -------------------------------------------------------------------


def note_texts(db: sqlite3.Connection, n: int, answer: MusicJob) -> None:
    """Lay out what a take is searched by; an index that fails costs only itself."""
    row = db.execute("SELECT prompt, request, note FROM takes WHERE n = ?", (n,)).fetchone()
    lyrics, style = _asked(row["request"])
    titles = dict.fromkeys(track.title for track in answer.tracks if track.title)
    lyrics |= dict.fromkeys(track.lyrics for track in answer.tracks if track.lyrics)
    style |= dict.fromkeys(track.tags for track in answer.tracks if track.tags)
    texts = [storable_text("\n".join(words)) for words in (titles, lyrics, style)]
    with_index(
        db,
        "INSERT OR REPLACE INTO texts (take, prompt, title, lyrics, style, note)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (n, row["prompt"], *texts, row["note"]),
    )


def with_index(db: sqlite3.Connection, statement: str, values: Sequence[Any]) -> None:
    """Change ``texts``; where the index cannot follow, it is given up instead."""
    db.execute("SAVEPOINT index_too")
    try:
        db.execute(statement, values)
    except sqlite3.DatabaseError:
        if not db.in_transaction:  # a full disk: everything was rolled back
            raise
        db.execute("ROLLBACK TO index_too")
        drop_triggers(db)
        db.execute(statement, values)
    db.execute("RELEASE index_too")


def prepare(db: sqlite3.Connection) -> None:
    """Make the index where it is missing; leave it out where this SQLite cannot have one."""
    if not _has_fts5(db):
        drop_triggers(db)
        return
    if is_indexed(db):
        return
    for table in ("words", "pieces"):
        with suppress(sqlite3.DatabaseError):  # damaged or half made: it is made anew
            db.execute(f"DROP TABLE IF EXISTS {table}")
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


def _moment(name: str, value: Any, *, is_end: bool = False) -> float | None:
    """Return seconds since 1970 of a date or time; a day as an end includes itself."""
    if value is None:
        return None
    try:
        if isinstance(value, str):
            is_day = re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()) is not None
            value = datetime.fromisoformat(value.strip())
            value = value.date() if is_day else value
        if isinstance(value, date) and not isinstance(value, datetime):
            day = value + timedelta(days=1) if is_end else value
            value = datetime(day.year, day.month, day.day)
        if isinstance(value, datetime):
            return value.timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    message = f"{name} = {value!r} is no day. Write it as '2026-11-25', or give a date or datetime."
    raise LibraryError(message)
