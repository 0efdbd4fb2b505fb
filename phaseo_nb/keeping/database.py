"""One journal, one thread that writes it, and errors in our own words.

Everything that is asked for within a moment shares one transaction, so a thousand jobs do not
wait for a thousand flushes; each asker still has its own outcome. A transaction is short and
never spans a network call. What may cost, and what came of it, survives a power cut; only what can
be found out again (a plan that was not sent) may wait for the next flush. Whether that is a file or
a server is the back end's (``backends/``).
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from ..engine import HAS_THREADS
from ..errors import LibraryError, PhaseoError
from .backends import Backend, Db, Write
from .outcomes import Outcome, Promise, settle
from .readers import Readers

T = TypeVar("T")
Operation = Callable[[Db], T]

PATIENCE = 30.0
"""Seconds to wait for another kernel that writes."""
LOOKING = 1.0
"""Seconds for which somebody who only looks waits for a server: it may be an event loop."""
SILENT = 5.0
"""Seconds for which a write waits without a word."""
COMPANY = 0.02
"""Seconds that something which has time waits for others."""
_MOST_AT_ONCE = 256

log = logging.getLogger("phaseo_nb")


class _Work(NamedTuple):
    operation: Operation[Any]
    future: Promise[Any]
    is_vital: bool = True
    has_time: bool = False
    is_beside: bool = False


class Database:
    """A journal with one writer per process.

    Parameters
    ----------
    backend
        Where it is.
    patience
        Seconds to wait for another writer, or for a server that is away.

    Raises
    ------
    LibraryError
        It is damaged, empty, from a newer version, or cannot be opened or written.
    """

    def __init__(self, backend: Backend, *, patience: float = PATIENCE) -> None:
        self.backend = backend
        self.patience = patience
        self._pid = os.getpid()
        self._writer = backend.writer(patience)
        self._readers = Readers(lambda: backend.reader(self.patience))
        self._has_spoken = False
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._regular: list[tuple[Callable[[], float], Callable[[], Operation[Any] | None]]] = []
        self._thread: threading.Thread | None = None
        self._asking = threading.RLock()
        self._writing = threading.RLock()
        """Held by whoever uses the one connection that writes."""
        self._n_asked = 0
        self._at_the_end: list[tuple[Callable[[Db, list[Any]], None], Any]] = []
        self.is_closed = False

    def __repr__(self) -> str:
        return f"<Database {self.backend.shown}>"

    @property
    def is_ours(self) -> bool:
        """Whether this process can use it: it is not closed, and was opened by this very one."""
        return not self.is_closed and self._pid == os.getpid()

    # -- asking ------------------------------------------------------------------------------

    def write(
        self,
        operation: Operation[T],
        *,
        is_vital: bool = True,
        is_awaited: bool = False,
        has_time: bool = False,
        is_beside: bool = False,
    ) -> Future[T]:
        """Run an operation in a transaction; the future has its result once that is on disk.

        An operation only talks to the connection: it may be run again where another kernel was
        in the way. What is not vital survives the end of the kernel at once, and a power cut
        only after the next flush. What is awaited on the spot runs on the caller's own thread
        where nothing else is asked for: waking another thread, and being woken by it, takes
        longer than the whole transaction while the engine is busy. What has time waits a moment
        for company: twenty in one transaction take a third of what they take one by one. What
        only changes rows that have our name need not wait for kernels elsewhere (``is_beside``).
        """
        work = _Work(operation, Promise(), is_vital, has_time, is_beside)
        work.future.set_running_or_notify_cancel()  # whoever stops waiting does not undo it
        if self.is_ours and HAS_THREADS:
            if is_awaited and self._run_here(work):
                return work.future
            with self._asking:  # nothing is asked for behind the end, where nobody would answer
                if self.is_ours:
                    self._start()
                    self._n_asked += 1
                    self._queue.put(work)
                    return work.future
        if not self.is_ours:
            message = f"The library {self.backend.shown} was closed here. Open it again."
            work.future.set_exception(LibraryError(message))
        else:
            self._run([work])
        return work.future

    def _run_here(self, work: _Work) -> bool:
        """Run something on this thread, unless that would be out of turn."""
        if self._n_asked > 0:
            return False
        with self._writing:  # no try-acquire: an interrupt right behind it would keep the lock
            with self._asking:
                is_next = self._n_asked == 0 and self.is_ours
                if is_next:
                    self._start()  # signs of life are given all the same
            if is_next:
                self._run([work])
        return is_next

    def at_the_end(self, function: Callable[[Db, list[Any]], None], item: Any) -> None:
        """Inside an operation: have a function called with this item, before the commit.

        It is called once for all items of a transaction, whichever operations they come from.
        """
        self._at_the_end.append((function, item))

    def read(self, operation: Operation[T]) -> T:
        """Run an operation that changes nothing, and return its result."""
        if not self.backend.reads_beside or not HAS_THREADS:
            return self.write(operation).result()  # the one connection holds the file
        if not self.is_ours:
            return self.write(operation).result()  # says what is the matter
        ends, pause = time.monotonic() + min(LOOKING, self.patience), 0.0
        while True:
            try:
                reader = self._readers.of_this_thread()
                with reader.is_reading:
                    if self.is_ours:
                        return operation(reader.connection)
                return self.write(operation).result()  # closed meanwhile
            except Exception as error:
                if not self.backend.is_own(error):
                    raise
                failure = self.backend.in_our_words(error)
                is_over = not self.backend.is_busy(error) or time.monotonic() + pause >= ends
            if is_over:  # out here, where no frame of a driver hangs on to it
                raise failure from failure.__cause__
            time.sleep(pause)  # the first time at once: an idle connection had been cut
            pause = min(0.25, 2 * pause + 0.02)

    def regularly(
        self, pause: Callable[[], float], operation: Callable[[], Operation[Any] | None]
    ) -> None:
        """Ask for ``operation()`` again after each ``pause()`` seconds, while the thread runs."""
        self._regular.append((pause, operation))

    def close(self) -> None:
        """Finish what was asked for and let go of the file."""
        if not self.is_ours:
            return  # a forked child must not touch its parent's connection
        with self._asking:
            self.is_closed = True
            self._queue.put(None)
        self._readers.close(self.patience)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=self.patience)
            if self._thread.is_alive():
                return  # still writing: what it has under way is worth more than a closed file
        with self._writing, contextlib.suppress(Exception):  # it is given up in any case
            self._writer.close()

    # -- the thread ----------------------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._serve, name="phaseo_nb library", daemon=True
            )
            self._thread.start()

    def _serve(self) -> None:
        due = [time.monotonic() + pause() for pause, _ in self._regular]
        while True:
            for index, (pause, operation) in enumerate(self._regular):
                if index == len(due):
                    due.append(time.monotonic() + pause())
                if time.monotonic() >= due[index]:
                    self._run_regular(operation)
                    due[index] = time.monotonic() + pause()
            wait = max(0.0, min(due, default=time.monotonic() + 1.0) - time.monotonic())
            batch = self._next_batch(min(wait, 1.0) if due else 1.0)
            if batch is None:
                return
            if batch:
                self._run(batch, n_asked=len(batch))

    def _run_regular(self, operation: Callable[[], Operation[Any] | None]) -> None:
        wanted = operation()
        if wanted is not None:
            work = _Work(wanted, Promise(), is_vital=False, is_beside=True)
            self._run([work], patience=1.0)
            work.future.exception()  # a missed beat is made up for by the next one

    def _next_batch(self, wait: float) -> list[_Work] | None:
        """Return what was asked for; empty after ``wait`` seconds, ``None`` at the end."""
        try:
            first = self._queue.get(timeout=wait)
        except queue.Empty:
            return []
        batch: list[_Work] = []
        leaves = time.monotonic() + COMPANY
        while first is not None:
            batch.append(first)
            if len(batch) >= _MOST_AT_ONCE:
                return batch
            has_time = first.has_time and all(work.has_time for work in batch)
            left = leaves - time.monotonic() if has_time else 0.0
            try:
                first = self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._run(batch)
        return None

    def _run(self, batch: list[_Work], patience: float | None = None, *, n_asked: int = 0) -> None:
        with self._writing:
            outcomes = self._tried(batch, patience)
        with self._asking:  # before anybody hears of it, who may have the next thing to ask for
            self._n_asked -= n_asked
        settle([work.future for work in batch], outcomes)

    def _tried(self, batch: list[_Work], patience: float | None) -> list[Outcome]:
        began = time.monotonic()
        ends = began + (self.patience if patience is None else patience)
        longest = 0.05
        while True:
            try:
                outcomes = self._transaction(batch)
                self._has_spoken = False
                return outcomes
            except Exception as error:
                if not self.backend.is_busy(error) or time.monotonic() >= ends:
                    return [(None, self.backend.in_our_words(error)) for _ in batch]
                if time.monotonic() >= began + SILENT and not self._has_spoken:
                    self._has_spoken = True  # once, until it goes well again
                    left = ends - time.monotonic()
                    log.warning(
                        "%s Trying for %.0f s more.", self.backend.in_our_words(error), left
                    )
                pause = random.uniform(longest / 10, longest)  # nosec B311  # no secret
                time.sleep(pause)  # the waiting of databases is not fair
                longest = min(1.0, 1.3 * longest)  # nor is a server that is down asked for ever

    def _transaction(self, batch: list[_Work], *, is_careful: bool = False) -> list[Outcome]:
        """Run a batch; where one of it fails, all of it again, each in a savepoint of its own.

        That is rare, and savepoints are a third of the statements.
        """
        db = self._writer
        outcomes: list[Outcome] = []
        self._at_the_end.clear()
        db.later.clear()
        is_vital = any(work.is_vital for work in batch)
        try:
            self.backend.begin(db, Write(is_vital, all(work.is_beside for work in batch)))
            for work in batch:
                outcomes.append(self._one(db, work.operation, is_careful=is_careful))
                if outcomes[-1][1] is not None and not is_careful and len(batch) > 1:
                    return self._transaction(batch, is_careful=True)
            self._end(db)
            self.backend.commit(db)
        except BaseException:
            self.backend.roll_back(db)
            raise
        return outcomes

    def _end(self, db: Db) -> None:
        items: dict[Callable[[Db, list[Any]], None], list[Any]] = {}
        for function, item in self._at_the_end:
            items.setdefault(function, []).append(item)
        for function, mine in items.items():
            function(db, mine)
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for statement, row in db.later:
            rows.setdefault(statement, []).append(row)
        for statement, some in rows.items():
            db.executemany(statement, some)

    def _one(self, db: Db, operation: Operation[Any], *, is_careful: bool) -> Outcome:
        """Run one operation so that its failure does not undo its neighbours."""
        n_at_the_end, n_later = len(self._at_the_end), len(db.later)
        if is_careful:
            db.execute("SAVEPOINT one")
        try:
            result = operation(db)
        except Exception as error:
            # A full disk rolls everything back, and a connection that was cut has no transaction.
            if self.backend.is_busy(error) or not db.in_transaction:
                raise
            del self._at_the_end[n_at_the_end:], db.later[n_later:]
            if is_careful:
                db.execute("ROLLBACK TO one")
                db.execute("RELEASE one")
            else:
                db.execute("ROLLBACK")
            ours = isinstance(error, PhaseoError)
            return None, error if ours else self.backend.in_our_words(error)
        if is_careful:
            db.execute("RELEASE one")
        return result, None
