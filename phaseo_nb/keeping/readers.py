"""Connections for reading: one for each thread that looks, so that looking stops nobody."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from .backends import Db


class Reader:
    """A thread's own connection, which nobody closes while the thread is reading.

    Python's ``sqlite3`` ends the process where a connection is closed under a running statement.

    Parameters
    ----------
    connection
        What to read with.
    """

    def __init__(self, connection: Db) -> None:
        self.connection = connection
        self.thread = threading.current_thread()
        self.is_reading = threading.RLock()  # an operation may read in its turn

    def close(self, patience: float = 0.0) -> None:
        """Close the connection, once its thread has read to the end."""
        if self.is_reading.acquire(timeout=patience):
            try:
                with contextlib.suppress(Exception):  # it is given up in any case
                    self.connection.close()
            finally:
                self.is_reading.release()


class Readers:
    """The readers of all threads.

    Parameters
    ----------
    connect
        Makes a connection.
    """

    def __init__(self, connect: Callable[[], Db]) -> None:
        self._connect = connect
        self._mine = threading.local()
        self._all: list[Reader] = []
        self._listing = threading.Lock()
        self._is_closed = False

    def of_this_thread(self) -> Reader:
        """Return this thread's reader; those of threads that have ended are closed meanwhile."""
        reader: Reader | None = getattr(self._mine, "reader", None)
        if reader is None:
            reader = Reader(self._connect())
            with self._listing:
                for dead in [one for one in self._all if not one.thread.is_alive()]:
                    dead.close()
                    self._all.remove(dead)
                if self._is_closed:  # while it connected: nobody would come back to close it
                    reader.close()
                else:
                    self._all.append(reader)
            self._mine.reader = reader
        return reader

    def close(self, patience: float) -> None:
        """Close all of them; whoever reads now may read to the end, for some seconds each."""
        with self._listing:
            self._is_closed = True
            readers = list(self._all)
        for reader in readers:
            reader.close(patience)
