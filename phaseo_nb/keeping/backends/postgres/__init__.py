"""A journal in PostgreSQL: for many machines, one account, one truth.

Every transaction first takes a lock of the database, as a file of SQLite has one: those that only
change rows with their own kernel's name share it, all others have it alone. So what the journal
promises about two kernels holds here by the same reasoning. When a connection is cut, the server
is asked what became of the transaction, and only what certainly did not happen is done again.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from typing import cast
from urllib.parse import unquote

from pydantic import SecretStr

from ....errors import LibraryError, SettingsError
from .. import Db, Write
from .troubles import Troubles, no_psycopg

try:
    import psycopg
except ImportError as error:  # the extra is not installed
    raise no_psycopg() from error

from .connection import PostgresDb
from .migrations import LATEST, migrate, version_of

__all__ = ["Postgres"]

SCHEMA = "phaseo_nb"
_LOCKS = 0x70686173656F  # "phaseo": of this package among all advisory locks of a database
_OLDEST = 13
"""PostgreSQL's version from which on it can take accents off letters."""


class Postgres:
    """A schema of a database; see :class:`~phaseo_nb.keeping.backends.Backend`.

    Parameters
    ----------
    url
        ``postgresql://…`` as libpq takes it, its environment variables and password file
        included; ``?schema=…`` names another schema than ``phaseo_nb``.
    shown
        The same without any password.
    """

    reads_beside = True
    picture = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

    def __init__(self, url: SecretStr, shown: str) -> None:
        self._url, self.schema = _without_schema(url)
        self.shown = shown
        self._troubles = Troubles(shown)
        self._patience = 0.0
        self._mark: int | None = None
        """What tells the journal that was opened from one that is put in its place."""

    def __repr__(self) -> str:
        return f"<Postgres {self.shown}>"

    # -- connecting ------------------------------------------------------------------------------

    def writer(self, patience: float) -> Db:
        """Connect, and bring the schema to its latest shape."""
        self._patience = patience
        db = PostgresDb(self._url, self.schema)
        try:
            self._prepare(db)
            return db
        except psycopg.Error as error:
            failure = self.in_our_words(error)
            db.close()
        except BaseException:
            db.close()
            raise
        raise failure  # out here: frames of the driver hold the address with its password

    def is_there(self) -> bool:
        """Tell whether there is a journal, without making one.

        Raises
        ------
        LibraryError
            The database cannot be reached.
        """
        db = PostgresDb(self._url, self.schema, reads_only=True)
        failure: Exception | None = None
        try:
            return version_of(db) > 0
        except psycopg.Error as error:
            failure = self.in_our_words(error)
        finally:
            db.close()
        raise failure

    def reader(self, patience: float) -> Db:
        """Connect for reading only; the connection is opened by the first question."""
        return PostgresDb(self._url, self.schema, reads_only=True)

    def _prepare(self, db: PostgresDb) -> None:
        encoding = db.execute("SHOW server_encoding").fetchone()[0]
        if encoding != "UTF8":
            raise self._troubles.no_unicode(encoding)
        if db.raw.info.server_version < _OLDEST * 10_000:
            raise self._troubles.too_old(db.raw.info.server_version // 10_000, _OLDEST)
        self._make_schema(db)
        version = version_of(db)
        if version > LATEST:
            raise self._troubles.newer(version, LATEST)
        if version < LATEST:
            migrate(db, self._lock)
        self._mark = db.execute(f"SELECT {_MARK}").fetchone()[0]

    def _make_schema(self, db: PostgresDb) -> None:
        """Make the schema, or see to it that it is ours: else PostgreSQL looks past it."""
        query = "SELECT has_schema_privilege(oid, 'USAGE, CREATE') FROM pg_namespace"
        rights = db.execute(f"{query} WHERE nspname = ?", (self.schema,)).fetchone()
        if rights is None:
            try:
                db.execute(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')
            except psycopg.errors.UniqueViolation:  # somebody was quicker
                pass
            except psycopg.errors.InsufficientPrivilege:
                rights = (False,)
        if rights is not None and not rights[0]:
            raise self._troubles.no_rights(self.schema)

    # -- transactions ----------------------------------------------------------------------------

    @property
    def _lock(self) -> int:
        return _LOCKS + sum(map(ord, self.schema))

    def begin(self, db: Db, write: Write) -> None:
        """Open a transaction, in one message: its lock, its number, the shape of the journal."""
        mine = cast(PostgresDb, db)
        mine.raw  # noqa: B018 - made anew where it was cut; from here on it is this one
        shared = "_shared" if write.is_beside else ""
        try:
            cursor = mine.script(
                "BEGIN ISOLATION LEVEL READ COMMITTED;"
                f"SET LOCAL synchronous_commit TO {'on' if write.is_vital else 'off'};"
                f"SET LOCAL lock_timeout TO {max(1, int(self._patience * 1000))};"
                f"SELECT pg_advisory_xact_lock{shared}({self._lock});"
                f"SELECT txid_current(), (SELECT version FROM shape), {_MARK}"
            )
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            raise self.gone() from None
        number, version, mark = cursor.fetchone()
        mine.transaction = int(number)
        if version is not None and version > LATEST:
            raise self._troubles.newer(version, LATEST)
        if version is None or mark != self._mark:
            raise self.gone()  # other rows may have the numbers of ours by now

    def commit(self, db: Db) -> None:
        """Commit; where the answer is lost, find out what became of it.

        Without a transaction there is nothing to do: an operation that failed has undone it.
        """
        mine = cast(PostgresDb, db)
        number = mine.transaction
        if number is not None and mine.is_cut:
            message = "the connection was cut before the commit"
            raise psycopg.OperationalError(message)
        if not mine.in_transaction:
            mine.transaction = None
            return
        try:
            said = mine.command("COMMIT").statusmessage
        except psycopg.OperationalError as error:
            if not self._is_cut(error, mine):
                raise
            mine.transaction = None
            if not self._happened(mine, number):
                raise
        else:
            mine.transaction = None
            if said != "COMMIT":  # a failed transaction ends without a word, and undone
                message = "the transaction had failed, and was undone"
                raise psycopg.errors.InFailedSqlTransaction(message)

    def roll_back(self, db: Db) -> None:
        """Undo what the open transaction did; one whose connection was cut undoes itself."""
        mine = cast(PostgresDb, db)
        with contextlib.suppress(psycopg.Error):
            if mine.in_transaction:
                mine.command("ROLLBACK")
        mine.transaction = None

    def _happened(self, db: PostgresDb, number: int | None) -> bool:
        """Ask a server that did not answer a commit whether it was done.

        Raises
        ------
        LibraryError
            It does not come back, or does not know any more.
        """
        ends = time.monotonic() + self._patience
        found: str | None = "in progress"
        while True:
            with contextlib.suppress(psycopg.Error):  # it may be starting, or still be away
                found = db.execute("SELECT txid_status(?)", (number,)).fetchone()[0]
            if found in ("committed", "aborted"):
                return found == "committed"
            if found is None or time.monotonic() >= ends:
                raise self._troubles.in_doubt() from None
            time.sleep(0.1)

    # -- what goes wrong -------------------------------------------------------------------------

    def is_busy(self, error: BaseException) -> bool:
        """Tell whether the same may go well in a moment: a lost race, a server that restarts."""
        return self._troubles.is_passing(error)

    def is_own(self, error: BaseException) -> bool:
        """Tell whether an error is psycopg's."""
        return isinstance(error, psycopg.Error)

    def in_our_words(self, error: BaseException) -> Exception:
        """Return the error of ours for whatever was raised."""
        return self._troubles.in_our_words(error)

    def gone(self) -> LibraryError:
        """Return the error of a journal that was dropped or replaced."""
        return self._troubles.gone(self.schema)

    def _is_cut(self, error: BaseException, db: PostgresDb) -> bool:
        return db.is_cut or self._troubles.is_cut(error)

    # -- upkeep ----------------------------------------------------------------------------------

    def inconsistencies(self, db: Db, quick: bool) -> list[str]:
        """Look for what cannot be in a journal that is whole, and let PostgreSQL read all of it."""
        found = []
        for words, query in _IMPOSSIBLE.items():
            n = db.execute(f"SELECT count(*) FROM {query}").fetchone()[0]
            if n:
                found.append(f"{n:,} {words}")
        invalid = (
            "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid AND indrelid IN"
            " (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)"
        )
        found += [f"the index {row[0]} is not valid" for row in db.execute(invalid)]
        for table in () if quick else _TABLES:
            try:
                db.execute(f"SELECT count(md5(t::text)) FROM {table} t").fetchone()
            except psycopg.Error as error:  # a damaged page, most likely
                found.append(f"{table}: {self.in_our_words(error)}")
        return found

    def size(self, db: Db) -> int:
        """Return the bytes of the tables and their indexes."""
        query = (
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )
        return int(db.execute(query).fetchone()[0])


_MARK = "to_regclass('shape')::oid::bigint"
_TABLES = ("takes", "tracks", "recordings", "events", "texts", "tags", "sweeps", "votes")
_IMPOSSIBLE = {
    "kept takes without an answer": (
        "takes WHERE state = 'kept' AND answer IS NULL AND deleted_at IS NULL"
    ),
    "tracks of no take": (
        "tracks WHERE NOT EXISTS (SELECT 1 FROM takes WHERE takes.n = tracks.take)"
    ),
}


def _without_schema(url: SecretStr) -> tuple[SecretStr, str]:
    """Take our own word out of an address, and leave the rest in libpq's own way of quoting."""
    address, _, query = url.get_secret_value().strip().partition("?")
    words = [word for word in query.split("&") if word]
    ours = [word for word in words if word.startswith("schema=")]
    schema = unquote(ours[-1].partition("=")[2]) if ours else SCHEMA
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema):
        message = (
            f"schema={json.dumps(schema[:40])} is no name for a schema. Use small letters, digits "
            "and underscores."
        )
        raise SettingsError(message)
    rest = "&".join(word for word in words if word not in ours)
    return SecretStr(f"{address}?{rest}" if rest else address), schema
