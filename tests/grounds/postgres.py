"""A PostgreSQL server of the tests' own, on loopback, with a password.

``server()`` is the one of this process: started when first asked for, stopped at its end.
``own_server()`` is another one, to be stopped and started in earnest. Databases are asked for by
``database()``; the rest takes its name or its URL.
"""

from __future__ import annotations

import atexit
import contextlib
import glob
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from . import missing, need
from .processes import PATIENCE, until

SECRET = "9f27c1d4"
"""The part of the password that is the same however the password is written."""
PASSWORD = f"p@ss/{SECRET}:%word"
USER = "musician"
"""Owns the databases and may do nothing else."""
_KEEPER = "keeper"  # the superuser, for whom three connections stay free

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "synchronous_commit": "on",
    # The machine is not going to lose its power: what survives a killed server is enough.
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
}

# Outlives whoever started it by as long as it takes to stop the server and to remove its folder.
_WARDEN = """
"$@" &
pid=$!
trap '' INT TERM HUP
read word
case "$word" in stop) kill -INT $pid;; *) kill -QUIT $pid;; esac
wait $pid
cd /
test -n "$word" || rm -rf "$FOLDER"
"""

_shared: Server | None = None


def server() -> Server:
    """Return the server of this process."""
    global _shared
    if _shared is None or _shared.owner != os.getpid():
        _shared = Server()
    return _shared


@contextlib.contextmanager
def own_server() -> Iterator[Server]:
    """Run a server of one test's own."""
    mine = Server()
    try:
        yield mine
    finally:
        mine.close()


def name_of(database: str) -> str:
    """Return the name of a database, from its URL or its name."""
    return urlsplit(database).path.lstrip("/") if "://" in database else database


class Server:
    """A running server; see the module's text."""

    def __init__(self) -> None:
        need("psycopg")
        programs = _programs()
        if programs is None:
            missing("needs PostgreSQL on this machine (Debian: apt-get install postgresql)")
        self.owner = os.getpid()
        self._programs = programs
        self._user = _user()
        self.folder = _folder(self._user)
        self._log = self.folder / "log"
        self._warden: subprocess.Popen | None = None
        self._numbers = itertools.count(1)
        self._close = self.close
        atexit.register(self._close)
        self._make()
        self.port = 0
        self.start()
        with self.admin() as admin:
            login = f"LOGIN PASSWORD '{PASSWORD}'"
            admin.execute(f'CREATE ROLE "{USER}" {login}')

    # -- up and down -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it; once more at the port that it had."""
        assert self._warden is None, "it is running"
        for _ in range(1 if self.port else 5):  # a free port may be taken before we have it
            port = self.port or _free_port()
            if self._start(port):
                self.port = port
                return
        raise AssertionError(f"PostgreSQL did not start:\n{self.log[-2000:]}")

    def stop(self, *, crash: bool = False) -> None:
        """Stop it and keep its data: in good order, or in the middle of everything."""
        self._dismiss(b"crash\n" if crash else b"stop\n")

    def close(self) -> None:
        """Stop it for good and remove its data."""
        if os.getpid() != self.owner:  # a fork of the test process has no say
            return
        atexit.unregister(self._close)
        self._dismiss(b"")
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    @property
    def log(self) -> str:
        """What the server wrote down so far."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    # -- databases ---------------------------------------------------------------------------------

    def database(self, options: str = "") -> str:
        """Make an empty database and return its URL; ``options`` are those of the statement."""
        name = f"journal_{self.owner}_{next(self._numbers)}"
        with self.admin() as admin:
            if admin.info.server_version >= 150_000 and "STRATEGY" not in options:
                options += " STRATEGY file_copy"  # quicker where nothing is synced
            admin.execute(f'CREATE DATABASE "{name}" OWNER "{USER}" TEMPLATE template0 {options}')
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{name}"

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        with self.admin() as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name_of(database)}" WITH (FORCE)')

    def admin(self, database: str = "postgres") -> Any:
        """Connect as somebody who may do anything, to look and to break things."""
        import psycopg

        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=_KEEPER,
            password=PASSWORD,
            dbname=name_of(database),
            autocommit=True,
        )

    def connections(self, database: str) -> int:
        """Count who is connected to a database."""
        with self.admin() as admin:
            return len(_connected(admin, name_of(database)))

    def cut(self, database: str) -> int:
        """End all connections to a database and return how many there were."""
        with self.admin() as admin:
            there = _connected(admin, name_of(database))
            for pid in there:
                admin.execute("SELECT pg_terminate_backend(%s)", [pid])
            until(lambda: not there & _connected(admin, name_of(database)), "connections to end")
        return len(there)

    def read_only(self, database: str, is_so: bool = True) -> None:
        """Let a database take nothing any more, like one that is a copy; or let it again."""
        words = "SET default_transaction_read_only = on" if is_so else "RESET ALL"
        self._alter(database, words)
        self.cut(database)

    def forbid(self, database: str) -> None:
        """Let nobody in any more, and throw out who is there."""
        self._alter(database, "ALLOW_CONNECTIONS false")
        self.cut(database)

    def allow(self, database: str) -> None:
        """Undo :meth:`forbid` and :meth:`limit`."""
        self._alter(database, "ALLOW_CONNECTIONS true CONNECTION LIMIT -1")

    def limit(self, database: str, n: int) -> None:
        """Let no more than ``n`` connections in at once."""
        self._alter(database, f"CONNECTION LIMIT {n:d}")

    # -- inside ------------------------------------------------------------------------------------

    def _alter(self, database: str, words: str) -> None:
        with self.admin() as admin:
            admin.execute(f'ALTER DATABASE "{name_of(database)}" {words}')

    def _make(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)  # below a folder that is closed to others
        command = [self._programs / "initdb", "-D", self.folder / "data", "-U", _KEEPER]
        command += ["-A", "scram-sha-256", "--pwfile", password, "--no-sync"]
        command += ["--locale=C", "--encoding=UTF8"]
        with self._log.open("wb") as log:
            subprocess.run(
                command, stdout=log, stderr=log, cwd=self.folder, check=True, **self._user
            )
        password.unlink()

    def _start(self, port: int) -> bool:
        settings = {**_SETTINGS, "port": str(port), "unix_socket_directories": str(self.folder)}
        command: list[Any] = [self._programs / "postgres", "-D", self.folder / "data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("wb") as log:
            self._warden = subprocess.Popen(
                ["/bin/sh", "-c", _WARDEN, "warden", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, "FOLDER": str(self.folder)},
                start_new_session=True,  # Ctrl+C is for the tests
                **self._user,
            )
        return self._has_come_up(port)

    def _has_come_up(self, port: int) -> bool:
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            if "ready to accept connections" in self.log:
                return True
            if "could not create any TCP/IP sockets" in self.log:
                break
            time.sleep(0.01)
        self._dismiss(b"stop\n")
        return False

    def _dismiss(self, word: bytes) -> None:
        warden, self._warden = self._warden, None
        if warden is None:
            return
        with contextlib.suppress(BrokenPipeError):
            warden.stdin.write(word)
            warden.stdin.close()
        warden.wait(PATIENCE)


def _connected(admin: Any, name: str) -> set[int]:
    rows = admin.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [name])
    return {pid for (pid,) in rows}


def _programs() -> Path | None:
    """Where initdb and postgres are: on the path, or the newest where Debian puts them."""
    if shutil.which("initdb") and shutil.which("postgres"):
        return Path(shutil.which("initdb")).parent
    found = [Path(place).parent for place in glob.glob("/usr/lib/postgresql/*/bin/initdb")]
    return max(found, key=lambda place: float(place.parent.name), default=None)


def _user() -> dict[str, Any]:
    """Who runs the server: it refuses to be root, so then somebody without rights."""
    if os.getuid() != 0:
        return {}
    import pwd

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            who = pwd.getpwnam(name)
            return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    raise AssertionError("PostgreSQL cannot be run as root, and nobody else is here")


def _folder(user: dict[str, Any]) -> Path:
    """A folder of that user's, at a place that it can reach and with a name short enough."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        path = Path(place).resolve()
        is_open = all(each.stat().st_mode & 0o001 for each in (path, *path.parents))
        if len(str(path)) < 60 and (is_open or not user):
            break
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=path))
    if user:
        os.chown(folder, user["user"], user["group"])
    return folder


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
