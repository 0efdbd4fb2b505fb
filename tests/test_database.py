"""One writer for many callers: shared transactions, and for each its own outcome."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest

from phaseo_nb import errors
from phaseo_nb.keeping.backends.sqlite import SQLite
from phaseo_nb.keeping.database import Database
from phaseo_nb.keeping.outcomes import here


@pytest.fixture
def database(tmp_path):
    database = Database(SQLite(tmp_path / "journal.db"))
    database.write(lambda db: db.execute("CREATE TABLE t (x INTEGER UNIQUE)")).result()
    yield database
    database.close()


class Held:
    """Keeps the writer busy, so that what is asked for meanwhile shares the next transaction."""

    def __init__(self, database):
        self._go, here = threading.Event(), threading.Event()

        def operation(_):
            here.set()
            assert self._go.wait(10)

        self._done = database.write(operation)
        assert here.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._go.set()
        self._done.result(10)


def insert(x):
    return lambda db: db.execute("INSERT INTO t VALUES (?)", (x,)).lastrowid


def rows(database):
    return [x for (x,) in database.read(lambda db: db.execute("SELECT x FROM t").fetchall())]


def test_a_failure_does_not_undo_its_neighbours(database):
    """Of five that share a transaction two fail; three are there, and each hears its own."""

    def refuse(db):
        insert(99)(db)
        message = "no"
        raise errors.BudgetExceeded(message)

    with Held(database):
        good = [database.write(insert(x)) for x in (1, 2)]
        bad = [database.write(refuse), database.write(insert(1))]
        late = database.write(insert(3))

    assert [future.result(10) for future in (*good, late)] == [1, 2, 3]
    with pytest.raises(errors.BudgetExceeded, match="no"):
        bad[0].result(10)
    with pytest.raises(errors.LibraryError):
        bad[1].result(10)
    assert rows(database) == [1, 2, 3]


def test_what_is_done_at_the_end_is_done_once_for_all(database):
    """Items of one transaction come together, without those of an operation that failed."""
    calls = []

    def together(db, items):
        calls.append(items)

    def operation(item, *, fails=False):
        def inner(db):
            database.at_the_end(together, item)
            if fails:
                raise sqlite3.IntegrityError

        return inner

    with Held(database):
        futures = [database.write(operation(n)) for n in (1, 2)]
        failing = database.write(operation(3, fails=True))
        futures.append(database.write(operation(4)))

    assert [future.result(10) for future in futures] == [None] * 3
    assert isinstance(failing.exception(10), errors.LibraryError)
    assert calls == [[1, 2, 4]]
    database.write(operation(5)).result(10)
    assert calls == [[1, 2, 4], [5]]


def test_what_has_time_waits_for_company(database, monkeypatch):
    """Two that may wait are written together; one that may not takes both along at once."""
    monkeypatch.setattr("phaseo_nb.keeping.database.COMPANY", 60.0)
    calls = []

    def note(db, items):
        calls.append(items)

    def noted(item):
        return lambda db: database.at_the_end(note, item)

    first = database.write(noted(1), has_time=True)
    second = database.write(noted(2), has_time=True)
    assert not first.done()
    third = database.write(noted(3))
    for future in (first, second, third):
        future.result(10)

    assert calls == [[1, 2, 3]]


def test_what_has_time_does_not_wait_for_ever(database):
    """Nobody else comes: it is written after a moment."""
    assert database.write(insert(1), has_time=True).result(10) == 1


def test_what_is_awaited_runs_where_it_is_asked_for(database):
    """On the caller's own thread while nobody else writes, and in its turn where somebody does."""

    def who(db):
        return threading.current_thread()

    assert database.write(who, is_awaited=True).result(10) is threading.current_thread()
    with Held(database):
        behind = database.write(insert(1))
        later = database.write(lambda db: (insert(2)(db), who(db))[1], is_awaited=True)
        assert not later.done()
    assert later.result(10) is not threading.current_thread()
    assert behind.result(10) == 1
    assert rows(database) == [1, 2]


def test_awaited_here_and_asked_for_there_come_to_one_order(database):
    """Four threads that wait on the spot, and one that does not: everything is written once."""

    def caller(start):
        for x in range(start, start + 50):
            database.write(insert(x), is_awaited=True).result(10)

    threads = [threading.Thread(target=caller, args=(n * 100,)) for n in range(4)]
    for thread in threads:
        thread.start()
    futures = [database.write(insert(1000 + x)) for x in range(50)]
    for thread in threads:
        thread.join(20)
    for future in futures:
        future.result(10)

    assert len(rows(database)) == len(set(rows(database))) == 250


@pytest.mark.anyio
async def test_an_event_loop_waits_for_many_and_is_woken_once(database, monkeypatch):
    """Results and errors reach their waiters; who stopped waiting is left alone."""
    loop = asyncio.get_running_loop()
    woken = []
    inner = loop.call_soon_threadsafe

    def call_soon(*given, **options):
        woken.append(given)
        return inner(*given, **options)

    with Held(database):
        waiting = [here(database.write(insert(x))) for x in (1, 2, 1)]
        given_up = here(database.write(insert(4)))
        given_up.cancel()
        monkeypatch.setattr(loop, "call_soon_threadsafe", call_soon)
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert results[:2] == [1, 2]
    assert isinstance(results[2], errors.LibraryError)
    assert len(woken) == 1
    assert rows(database) == [1, 2, 4]


@pytest.mark.anyio
async def test_what_is_done_already_is_there_at_once(database):
    """Waiting for something that is through does not wait for the next transaction."""
    promise = database.write(insert(7))
    promise.result(10)

    assert await here(promise) == 1
