"""A connection to PostgreSQL that reads the SQL of this package.

The journal's statements say ``?`` and ``:name`` for values, as SQLite does; psycopg says ``%s``.
Rows answer to places and to names, sums of whole numbers are numbers, and truth is 1 or 0.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.numeric import FloatLoader
from pydantic import SecretStr

from .. import Cursor
from .words import PostgresWords

_MARKS = re.compile(r"%|\bIS \?|\?|(?<![:\w]):([a-z_]\w*)")
_OPTIONS = {
    "connect_timeout": "5",  # an event loop may wait for it
    "application_name": "phaseo_nb",
    # A machine that is gone says nothing: without these one would wait for its answer for hours.
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


class Row(tuple[Any, ...]):
    """One row: ``row[0]``, ``row["name"]``, or all of it as a tuple."""

    names: Mapping[str, int] = {}

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.names[key] if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        """Return the names of its columns."""
        return list(self.names)


class PostgresDb:
    """A connection; see :class:`~phaseo_nb.keeping.backends.Db`.

    Parameters
    ----------
    url, schema
        Where, and in which schema.
    reads_only
        Whether it may not change anything.
    """

    words = PostgresWords()

    def __init__(self, url: SecretStr, schema: str, *, reads_only: bool = False) -> None:
        self._url = url
        self._schema = schema
        self._reads_only = reads_only
        self._connection: psycopg.Connection[Any] | None = None
        self.later: list[tuple[str, tuple[Any, ...]]] = []
        self.transaction: int | None = None
        """Number of the open transaction, by which one may ask what became of it."""

    @property
    def raw(self) -> psycopg.Connection[Any]:
        """The connection underneath, made anew where it was cut."""
        if self.is_cut or self._connection is None:
            self.close()
            self._connection = self._connected()
        return self._connection

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, be it a failed one."""
        if self._connection is None or self._connection.closed:
            return False
        status = self._connection.info.transaction_status
        return status not in (psycopg.pq.TransactionStatus.IDLE, _UNKNOWN)

    @property
    def is_cut(self) -> bool:
        """Whether the connection underneath is gone, or stuck where nobody waits for an answer.

        A server that ends it says so before it hangs up. In between, and for long behind some
        proxies, libpq neither calls it broken nor takes another statement.
        """
        if self._connection is None or self._connection.closed or self._connection.broken:
            return True
        under = self._connection.pgconn
        return under.transaction_status == _ACTIVE or under.pipeline_status != _NO_PIPELINE

    def execute(self, query: str, values: Any = (), /) -> Cursor:
        """Run one statement."""
        text, takes_values = translated(query)
        return self._at().execute(text, _plain(values) if takes_values else None)

    def executemany(self, query: str, rows: Iterable[Any], /) -> Cursor:
        """Run one statement for each of several rows of values, in one go."""
        text, _ = translated(query)
        cursor = self._at().cursor()
        cursor.executemany(text, [_plain(values) for values in rows])
        return cursor

    def insert(self, query: str, values: Any = ()) -> int:
        """Insert one row and return its number."""
        return int(self.execute(f"{query} RETURNING n", values).fetchone()[0])

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert many rows as they are; a text with NUL, which SQLite holds, has a sign for it."""
        fields = ", ".join(columns)
        with self._at().cursor().copy(f"COPY {table} ({fields}) FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row([_without_nul(value) for value in row])

    def last_number(self, table: str) -> int:
        """Return the highest row number that was given out."""
        highest = self.execute(f"SELECT coalesce(max(n), 0) FROM {table}").fetchone()[0]
        query = (
            "SELECT last_value FROM pg_sequences WHERE schemaname = current_schema()"
            " AND format('%I.%I', schemaname, sequencename) = pg_get_serial_sequence(?, 'n')"
        )
        row = self.execute(query, (table,)).fetchone()
        return max(int(highest), int(row[0] or 0) if row else 0)

    def count_on(self, table: str, number: int) -> None:
        """Give out higher row numbers than this."""
        query = "SELECT setval(pg_get_serial_sequence(?, 'n'), ?, ? = 1)"
        self.execute(query, (table, max(1, number), number > 0))

    def script(self, text: str) -> Cursor:
        """Run several statements without values in one message; the last one's rows come back."""
        cursor = self.raw.execute(text.encode())
        while cursor.nextset():
            pass
        return cursor

    def command(self, text: str) -> psycopg.Cursor[Any]:
        """Run one statement without values, under its own name: none that is prepared."""
        return self._at().execute(text.encode(), prepare=False)

    def close(self) -> None:
        """Let go of it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()

    def _at(self) -> psycopg.Connection[Any]:
        """Return the connection; within a transaction never a new one, which would not be in it."""
        if self.transaction is not None:
            if self._connection is None or self._connection.closed:
                message = "the connection was cut within a transaction"
                raise psycopg.OperationalError(message)
            return self._connection
        return self.raw

    def _connected(self) -> psycopg.Connection[Any]:
        try:
            connection = _connect(self._url)
        except BaseException as error:
            raise error.with_traceback(None) from None  # those frames hold the password
        try:
            connection.adapters.register_loader("numeric", FloatLoader)
            path = sql.SQL("SET search_path TO {}").format(sql.Identifier(self._schema))
            connection.execute(path)
            _set_zone(connection)
            if self._reads_only:
                connection.execute("SET default_transaction_read_only TO on")
        except BaseException:
            connection.close()
            raise
        return connection


def _connect(url: SecretStr) -> psycopg.Connection[Any]:
    """Knock; what the address or the environment of libpq says goes before what is said here."""
    given = psycopg.conninfo.conninfo_to_dict(url.get_secret_value())
    named = {"connect_timeout": "PGCONNECT_TIMEOUT", "application_name": "PGAPPNAME"}
    told = [name for name, variable in named.items() if variable in os.environ]
    ours = {n: value for n, value in _OPTIONS.items() if n not in given and n not in told}
    more: dict[str, Any] = {**given, **ours, "client_encoding": "utf8"}
    return psycopg.Connection.connect(autocommit=True, row_factory=_rows, **more)


def _set_zone(connection: psycopg.Connection[Any]) -> None:
    """Count days as the wall here does; a server may not know our zone by its name."""
    for zone in _zones():
        try:
            connection.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
            return
        except psycopg.DataError:
            continue


_UNKNOWN = psycopg.pq.TransactionStatus.UNKNOWN
_ACTIVE = psycopg.pq.TransactionStatus.ACTIVE
_NO_PIPELINE = psycopg.pq.PipelineStatus.OFF


@lru_cache(maxsize=1024)
def translated(query: str) -> tuple[str, bool]:
    """Return a statement in psycopg's words, and whether it takes values."""
    takes_values = False

    def word(match: re.Match[str]) -> str:
        nonlocal takes_values
        if match[0] == "%":
            return "%%"
        takes_values = True
        if match[1]:
            return f"%({match[1]})s"
        return "IS NOT DISTINCT FROM %s" if match[0] == "IS ?" else "%s"

    text = _MARKS.sub(word, query)
    return (text, True) if takes_values else (query, False)


def _plain(values: Any) -> Any:
    """Return values as the columns take them: truth as 1 or 0."""
    if isinstance(values, Mapping):
        return {n: int(v) if isinstance(v, bool) else v for n, v in values.items()}
    return [int(value) if isinstance(value, bool) else value for value in values]


def _without_nul(value: Any) -> Any:
    if isinstance(value, str) and "\x00" in value:
        return value.replace("\x00", "\N{SYMBOL FOR NULL}")
    return value


def _rows(cursor: psycopg.Cursor[Any]) -> Any:
    return _kind_of(tuple(column.name for column in cursor.description or ()))


@lru_cache(maxsize=256)
def _kind_of(names: tuple[str, ...]) -> type[Row]:
    return type("Row", (Row,), {"names": {name: place for place, name in enumerate(names)}})


def _zones() -> Iterator[str]:
    """Yield the time zone of this machine by its name, then by its distance from Greenwich."""
    named = os.environ.get("TZ", "").strip().lstrip(":")
    if not named:
        with contextlib.suppress(OSError):
            _, found, name = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")
            named = name if found else ""
    if named:
        yield named
    seconds = time.localtime().tm_gmtoff
    sign = "-" if seconds >= 0 else "+"  # in POSIX words, west counts up
    yield f"<local>{sign}{abs(seconds) // 3600:02d}:{abs(seconds) % 3600 // 60:02d}"
