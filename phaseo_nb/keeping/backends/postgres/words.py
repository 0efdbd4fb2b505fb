"""Finding by words in PostgreSQL: its own text search over the table ``texts``.

Accents and case are taken away by a function of the schema; words lie in a ``tsvector`` that the
database keeps up to date by itself, and parts of words are found with trigrams where the
extension ``pg_trgm`` may be had, else by going through the texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ....errors import LibraryError
from ...filters import FOUND_BY, Filter
from ...records import storable_text
from .. import Db

_SHOWN = "state = 'kept' AND deleted_at IS NULL"
_LONGEST = 200_000  # characters of a take that are indexed: a tsvector ends at a megabyte
_SOURCE = "texts JOIN takes ON takes.n = texts.take"


class PostgresWords:
    """How takes are found by words in PostgreSQL."""

    day = "to_char(to_timestamp(created_at), 'YYYY-MM-DD')"
    month = "to_char(to_timestamp(created_at), 'YYYY-MM')"
    same_tag = "lower(tags.tag) = lower(?)"
    clock = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"

    def prepare(self, db: Db) -> None:
        """Make the indexes where they are missing."""
        for name in FOUND_BY:
            index = f"takes_found_by_{name} ON takes ({name})"
            db.execute(f"CREATE INDEX IF NOT EXISTS {index} WHERE {_SHOWN}")
        pictures = "takes_pictures ON takes (n) WHERE kind = 'picture'"
        db.execute(f"CREATE INDEX IF NOT EXISTS {pictures}")
        if self._is_indexed(db):
            return
        self.drop(db)
        # Only to name it anew: it is the same for everybody, so it may be called unchanging.
        db.execute(
            "CREATE OR REPLACE FUNCTION folded(words text) RETURNS text LANGUAGE sql IMMUTABLE AS"
            " $$ SELECT lower(regexp_replace("
            f"normalize(words, NFKD), '[\u0300-\u036f]', '', 'g'){_letters(db)}) $$"
        )
        whole = f"left({_joined()}, {_LONGEST})"
        db.execute(
            "ALTER TABLE texts"
            f" ADD COLUMN plain text GENERATED ALWAYS AS (folded({whole})) STORED,"
            " ADD COLUMN words tsvector GENERATED ALWAYS AS"
            f" (to_tsvector('simple', folded({whole}))) STORED"
        )
        db.execute("CREATE INDEX texts_words ON texts USING gin (words)")
        db.execute("SAVEPOINT trigrams")
        try:
            # Not in our schema, with which it would go: others in this database have it, too.
            db.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
            place = db.execute(
                "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace"
                " ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm'"
            ).fetchone()[0]
            db.execute(f"CREATE INDEX texts_pieces ON texts USING gin (plain {place}.gin_trgm_ops)")
        except Exception:  # not installed there, or not ours to add: it is slower without
            db.execute("ROLLBACK TO SAVEPOINT trigrams")
        db.execute("RELEASE SAVEPOINT trigrams")

    def drop(self, db: Db) -> None:
        """Give the word index up; :meth:`prepare` makes it anew."""
        gone = "DROP COLUMN IF EXISTS words, DROP COLUMN IF EXISTS plain"
        db.execute(f"ALTER TABLE texts {gone}")

    def change(self, db: Db, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Change ``texts``; the database sees to the index."""
        db.executemany(statement, rows)

    def browse(self, db: Db, only: Filter, limit: int) -> list[int]:
        """Find without words, newest first; what is filtered by a date goes by the clock."""
        by_clock = only.tag is None and (only.since is not None or only.until is not None)
        by_clock = by_clock and only.rating is None
        order = "takes.created_at DESC, takes.n DESC" if by_clock else "takes.n DESC"
        music = ["takes.kind = 'music'"] if only.status == "kept" else []
        return _select(db, "takes", music, only, [], order, limit)

    def find(
        self, db: Db, text: str, only: Filter, limit: int, *, ranked: bool, raw: bool
    ) -> list[int]:
        """Find by words; ``raw`` is the syntax of ``to_tsquery``."""
        if only.status != "kept":
            return _compare(db, text, only, limit)
        terms, values = _terms(text)
        if raw:
            terms, values = "to_tsquery('simple', folded(?))", [storable_text(text)]
        if not values:
            return []
        order, more = "texts.take DESC", []
        if ranked:
            order, more = f"ts_rank(texts.words, {terms}) DESC, texts.take DESC", values
        where = [f"texts.words @@ ({terms})"]
        if raw:
            return self._raw(db, text, where, only, values, order, [*more, limit])
        found = _select(db, _SOURCE, where, only, values, order, *more, limit)
        return found or _pieces(db, text, only, limit)

    def _raw(
        self,
        db: Db,
        text: str,
        where: list[str],
        only: Filter,
        values: list[Any],
        order: str,
        last: list[Any],
    ) -> list[int]:
        try:
            return _select(db, _SOURCE, where, only, values, order, *last)
        except Exception as error:
            if getattr(error, "sqlstate", None) != "42601":
                raise
            message = (
                f"The raw search {text[:80]!r} is not in PostgreSQL's search syntax, such as "
                "'jazz & !drums'."
            )
            raise LibraryError(message) from error

    def troubles(self, db: Db, quick: bool) -> list[str]:
        """Tell whether the index is there; PostgreSQL keeps it true by itself."""
        return [] if self._is_indexed(db) else ["it is not kept up to date"]

    def _is_indexed(self, db: Db) -> bool:
        query = (
            "SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema()"
            " AND table_name = 'texts' AND column_name IN ('words', 'plain')"
        )
        return bool(db.execute(query).fetchone()[0] == 2)


def _letters(db: Db) -> str:
    """Return SQL of an order that knows small letters of every script; a database's may not."""
    known = ("und-x-icu", "pg_c_utf8", "C.utf8", "C.UTF-8")
    query = (
        "SELECT collname FROM pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace"
        " AND collname IN (?, ?, ?, ?)"
    )
    found = {row[0] for row in db.execute(query, known)}
    return next((f' COLLATE pg_catalog."{name}"' for name in known if name in found), "")


def _joined() -> str:
    parts = (f"coalesce({name}, '')" for name in ("prompt", "title", "lyrics", "style", "note"))
    return " || ' ' || ".join(parts)


def _terms(text: str) -> tuple[str, list[Any]]:
    """Return SQL of a query for words that all must occur, and its values; ``ja*`` begins one."""
    terms, values = [], []
    for word in (storable_text(text) or "").split():
        parts = [part for part in re.split(r"\W+", word, flags=re.UNICODE) if part]
        if not parts:
            continue
        if word.endswith("*"):
            *whole, begun = parts
            terms.append("to_tsquery('simple', '''' || folded(?) || ''':*')")
            values.append(begun)
            if not whole:
                continue
            word = " ".join(whole)
        terms.append("phraseto_tsquery('simple', folded(?))")
        values.append(word)
    return " && ".join(terms), values


def _pieces(db: Db, text: str, only: Filter, limit: int) -> list[int]:
    """Find parts of words, and words of scripts that write no blanks."""
    words = [word.rstrip("*") for word in (storable_text(text) or "").split()]
    words = [word for word in words if any(sign.isalnum() for sign in word)]
    if not words:
        return []
    where = ["texts.plain LIKE '%' || folded(?) || '%'" for _ in words]
    values = [_escaped(word) for word in words]
    return _select(db, _SOURCE, where, only, values, "texts.take DESC", limit)


def _compare(db: Db, text: str, only: Filter, limit: int) -> list[int]:
    """Find by plain comparison what is not kept and has no texts."""
    everything = "concat_ws(' ', takes.prompt, takes.title, takes.note)"
    words = [word.rstrip("*") for word in (storable_text(text) or "").split()]
    where = [f"{everything} ILIKE '%' || ? || '%'" for _ in words]
    values = [_escaped(word) for word in words]
    return _select(db, "takes", where, only, values, "takes.n DESC", limit)


def _escaped(word: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", word)


def _select(
    db: Db,
    source: str,
    where: Sequence[str],
    only: Filter,
    values: Sequence[Any],
    order: str,
    *last: Any,
) -> list[int]:
    """Return the numbers of the first rows of an order; ``last`` are its values and the limit."""
    conditions, more = only.clauses(PostgresWords.same_tag)
    clause = " AND ".join([*where, *conditions])
    query = f"SELECT takes.n FROM {source} WHERE {clause} ORDER BY {order} LIMIT ?"
    return [row[0] for row in db.execute(query, [*values, *more, *last])]
