"""What a journal promises, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

import functools
import gc
import hashlib
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

import pytest
from grounds.postgres import server
from pydantic import SecretStr
from wires import KEY, Wire

import phaseo_nb as nb
from phaseo_nb.errors import LibraryError
from phaseo_nb.jobs import Cost, MusicJob, Track
from phaseo_nb.keeping.database import Database
from phaseo_nb.keeping.folder import Folder
from phaseo_nb.keeping.journal import Journal
from phaseo_nb.keeping.kernels import Kernel, Watch
from phaseo_nb.keeping.leases import Leases
from phaseo_nb.keeping.money import Purse
from phaseo_nb.keeping.ordering import Plan
from phaseo_nb.keeping.records import dump_request
from phaseo_nb.keeping.store import LocalStore, Recording
from phaseo_nb.settings.homes import find_home

BOTH = ("sqlite", "postgres")


_numbers = itertools.count(1)


@functools.cache
def database():
    return server().database()


def somewhere():
    """A schema of its own in PostgreSQL."""
    return f"{database()}?schema=s{next(_numbers)}"


@pytest.fixture(params=BOTH)
def place(request, tmp_path):
    """Where a library may be."""
    return str(tmp_path / "library") if request.param == "sqlite" else somewhere()


@pytest.fixture
def library(place):
    with_it = nb.Library(place)
    yield with_it
    with_it.close()


@pytest.fixture
def session(place):
    wire = Wire()
    made = nb.connect("phaseo", api_key=KEY, transport=wire.transport, library=place)
    made._client.poll = lambda interval: iter(lambda: 0.02, None)
    made.wire = wire
    yield made
    made.library.close()


def plan(prompt="a waltz", *, usd=0.06, limit=None, model="suno/v4.5"):
    request = nb.MusicRequest(model=model, prompt=prompt)
    price = Cost(usd)
    return Plan(
        key=hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest(),
        gateway="phaseo",
        base_url="https://api.phaseo.app/v1",
        sandbox=False,
        model=model,
        provider="suno",
        prompt=prompt,
        request=dump_request(request),
        notes=(),
        price=price,
        purse=Purse("https://api.phaseo.app/v1", False, usd, limit, False),
    )


def order(journal, prompt="a waltz", *, fresh=False, take=None, **more):
    return journal.order(plan(prompt, **more), take=take, fresh=fresh).result(30)


def answer(name, status="completed", **more):
    tracks = (Track(index=0, title="Tide", audio_url="https://cdn.example/a.wav"),)
    return MusicJob(name, status, tracks=tracks, **more)


def recording(text="a"):
    return Recording(hashlib.sha256(text.encode()).hexdigest(), ".wav", "wav", 1000)


def keep(journal, prompt="a waltz", **more):
    """Take an order all the way."""
    entry = order(journal, prompt, **more).entry
    journal.claim(entry.n).result(30)
    name = f"task_{entry.n}"
    journal.answered(entry.n, answer(name, "queued"), {}).result(30)
    journal.completed(entry.n, answer(name)).result(30)
    return journal.keep(entry.n, answer(name), {0: recording(prompt)}, ()).result(30)


def history(library, n):
    query = "SELECT state FROM events WHERE take = ? ORDER BY n"
    return [row[0] for row in library.folder.database.read(lambda db: db.execute(query, (n,)))]


def state(library, n):
    query = "SELECT state, owner FROM takes WHERE n = ?"
    row = library.folder.database.read(lambda db: db.execute(query, (n,)).fetchone())
    return tuple(row) if row else None


def another(library, *, is_gone=True):
    """A kernel of this machine that works in the same journal; gone means that it was killed."""
    here = library.folder.leases.kernel
    pid = 2**22 + 7 if is_gone else os.getpid()
    kernel = Kernel("another", here.host, here.boot, here.space, pid, here.born)
    leases = Leases(library.folder.database, kernel=kernel, watch=Watch())
    return Journal(library.folder.database, leases)


# -- the life of an order --------------------------------------------------------------------------


def test_from_an_order_to_a_take(library):
    journal = library.folder.journal
    kept = keep(journal)

    assert (kept.state, kept.number, kept.attempt, kept.owner) == ("kept", 1, 1, None)
    assert kept.recordings == (recording("a waltz"),)
    steps = ["planned", "submitting", "submitted", "completed", "kept"]
    assert history(library, kept.n) == steps
    found = order(journal)
    assert (found.is_new, found.entry.id) == (False, kept.id)
    assert order(journal, fresh=True).entry.number == 2


def test_withdrawn_it_is_gone_and_costs_nothing(library):
    journal = library.folder.journal
    first = order(journal, limit=0.1).entry
    with pytest.raises(nb.BudgetExceeded):
        order(journal, "a polka", limit=0.1)

    journal.withdraw(first.n, was_claimed=False).result(30)

    assert state(library, first.n) is None
    assert order(journal, "a polka", limit=0.1).is_new


@pytest.mark.parametrize("end", ["failed", "empty", "uncertain", "expired", "written_off"])
def test_other_ends(end, library):
    journal = library.folder.journal
    entry = order(journal).entry
    journal.claim(entry.n).result(30)
    journal.answered(entry.n, answer("task_1", "queued"), {}).result(30)

    journal.end(entry.n, end, known="so it was", request_id="G-1").result(30)

    assert state(library, entry.n)[0] == end
    again = order(journal)
    assert again.is_new == (end in ("failed", "written_off"))
    assert (again.failed_usd is None) == (end != "failed")


def test_what_was_said_once_more_changes_nothing(library):
    """A step may be written down again where nobody knew whether it had been."""
    journal = library.folder.journal
    entry = order(journal).entry
    journal.claim(entry.n).result(30)
    for _ in range(2):
        journal.answered(entry.n, answer("task_1", "queued"), {}).result(30)
    journal.completed(entry.n, answer("task_1")).result(30)
    for _ in range(2):
        journal.keep(entry.n, answer("task_1"), {0: recording()}, ()).result(30)

    assert history(library, entry.n) == ["planned", "submitting", "submitted", "completed", "kept"]
    assert len(library.search("waltz")) == 1


def test_what_a_dead_kernel_left(library):
    """Planned is forgotten, being handed in is uncertain, at the service can be taken up."""
    theirs = another(library)
    planned, sending, sent = (order(theirs, name).entry.n for name in ("a", "b", "c"))
    for n in (sending, sent):
        theirs.claim(n).result(30)
    theirs.answered(sent, answer("task_c", "queued"), {}).result(30)

    waiting = library.folder.leases.recover().result(30)

    assert tuple(waiting) == (1, 1)
    assert state(library, planned) is None
    assert state(library, sending) == ("uncertain", None)
    taken = library.folder.journal.lease(sent).result(30)
    assert taken.owner == library.folder.leases.me


def test_what_a_living_kernel_has_is_left_to_it(library):
    theirs = another(library, is_gone=False)
    n = order(theirs).entry.n
    theirs.claim(n).result(30)

    assert library.folder.journal.lease(n).result(30).owner == "another"
    with pytest.raises(nb.LibraryError, match="not sent"):
        library.folder.journal.claim(n).result(30)
    assert tuple(library.folder.leases.recover().result(30)) == (0, 0)


# -- several at once -------------------------------------------------------------------------------

_ORDER = """
import sys, threading
import phaseo_nb as nb
from test_journals import order
library = nb.Library(sys.argv[1])
prompts, limit = sys.argv[2].split(","), float(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
bought = []
def buy(prompt):
    try:
        if order(library.folder.journal, prompt, usd=0.1, limit=limit).is_new:
            bought.append(prompt)
    except nb.BudgetExceeded:
        pass
threads = [threading.Thread(target=buy, args=(prompt,)) for prompt in prompts]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(bought))
sys.stdin.readline()
"""


def processes(place, prompts, limit, n=2):
    """Order in several processes at the same moment; return how much each bought."""
    command = [sys.executable, "-c", _ORDER, place]
    path = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    children = [
        subprocess.Popen(
            [*command, ",".join(prompts(number)), str(limit)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        for number in range(n)
    ]
    try:
        for child in children:
            assert child.stdout.readline() == "ready\n"
        for child in children:
            child.stdin.write("\n")
            child.stdin.flush()
        return [int(child.stdout.readline()) for child in children]
    finally:
        for child in children:
            child.communicate("\n", timeout=30)


def test_two_processes_order_the_same(place, library):
    """One row, whoever was first."""
    bought = processes(place, lambda number: [f"prompt {n}" for n in range(10)], 1000.0)

    assert sum(bought) == 10
    count = "SELECT count(*), count(DISTINCT key) FROM takes"
    row = library.folder.database.read(lambda db: tuple(db.execute(count).fetchone()))
    assert row == (10, 10)


def test_a_dollar_is_not_spent_twice(place, library):
    """Forty orders of ten cents from two processes with twenty threads each: ten go out."""
    library.set_budget(1.0, per="ever")

    bought = processes(place, lambda number: [f"{number}-{n}" for n in range(20)], 1000.0)

    assert sum(bought) == 10
    (row,) = library.folder.database.read(
        lambda db: [tuple(r) for r in db.execute("SELECT sum(reserved_usd), count(*) FROM takes")]
    )
    assert row == (pytest.approx(1.0), 10)


def test_threads_of_one_kernel_share_a_budget(library):
    bought, journal = [], library.folder.journal

    def buy(number):
        for n in range(10):
            try:
                order(journal, f"{number}-{n}", usd=0.1, limit=1.0)
                bought.append(n)
            except nb.BudgetExceeded:
                pass

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(bought) == 10


# -- transactions ----------------------------------------------------------------------------------


def test_one_that_fails_does_not_undo_its_neighbours(library):
    """Whether it is our error, the database's or a mistake."""
    database = library.folder.database
    gate = threading.Event()
    held = database.write(lambda db: gate.wait(30))  # so that the others share a transaction

    def put(name):
        return lambda db: db.execute("INSERT INTO settings VALUES (?, ?)", (name, "1")).rowcount

    def mistaken(db):
        put("mistake")(db)
        raise ValueError

    def refused(db):
        put("refused")(db)
        raise nb.LibraryError("no")

    asked = [database.write(work) for work in (put("a"), mistaken, put("a"), refused, put("b"))]
    gate.set()
    held.result(30)
    outcomes = [type(each.exception(30)).__name__ for each in asked]

    assert outcomes == ["NoneType", "ValueError", "LibraryError", "LibraryError", "NoneType"]
    names = database.read(lambda db: [row[0] for row in db.execute("SELECT name FROM settings")])
    assert sorted(set(names) - {"audio"}) == ["a", "b"]


@pytest.mark.parametrize("meant", [{}, {"is_vital": False}, {"is_beside": True}], ids=str)
def test_what_is_written_is_there_for_everybody(meant, library):
    database = library.folder.database
    query = "INSERT INTO votes (comparison, facts, at) VALUES ('c', '{}', 1.5)"

    numbers = [database.write(lambda db: db.insert(query), **meant).result(30) for _ in range(3)]

    assert numbers == sorted(set(numbers))
    with_its_number = "SELECT n, at FROM votes ORDER BY n"
    found = database.read(lambda db: [tuple(row) for row in db.execute(with_its_number)])
    assert found == [(n, 1.5) for n in numbers]


def test_a_connection_that_comes_while_all_are_closed_is_closed_too(library, monkeypatch):
    """As where a form looks something up while its library is closed."""
    database = library.folder.database
    honest, made = database.backend.reader, []

    def reader(patience):
        made.append(honest(patience))
        made[0].execute("SELECT 1")  # PostgreSQL is asked to connect by the first question
        database.close()
        return made[0]

    monkeypatch.setattr(database.backend, "reader", reader)
    looking = Future()

    def look():
        try:
            looking.set_result(database.read(lambda db: db.execute("SELECT 1").fetchone()))
        except BaseException as error:
            looking.set_exception(error)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(30)
    with pytest.raises(LibraryError, match="was closed here"):
        looking.result(0)
    assert is_closed(made[0])


def test_a_library_that_cannot_be_opened_leaves_nothing_open(place, tmp_path, monkeypatch):
    library = nb.Library(place, audio=tmp_path / "here")
    keep(library.folder.journal)
    library.close()
    made = []
    honest = Database.__init__

    def noted(self, *args, **more):
        honest(self, *args, **more)
        made.append(self)

    monkeypatch.setattr(Database, "__init__", noted)
    with pytest.raises(LibraryError, match="would not be found any more"):
        nb.Library(place, audio=tmp_path / "there").folder  # noqa: B018
    assert [is_closed(database._writer) for database in made] == [True]
    assert not {thread.name for thread in threading.enumerate()} & {"phaseo_nb library"}


def is_closed(db):
    if isinstance(db, sqlite3.Connection):
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            db.execute("SELECT 1")
        return True
    return db.is_cut


def test_who_reads_cannot_write(library):
    with pytest.raises(nb.LibraryError):
        library.folder.database.read(lambda db: db.execute("DELETE FROM takes").rowcount)


# -- texts and finding -----------------------------------------------------------------------------

HOSTILE = {
    "NUL": "a\0b",
    "surrogate": "a\ud800b",
    "right to left": "\u202ewaltz\u202c \u05e9\u05dc\u05d5\u05dd",
    "quotes": """'; DROP TABLE takes; -- "x" `y` $$z$$""",
    "marks": r"100 % of ? and :name, %s %(x)s {} {0} \ \\ \x00 _",
    "emoji": "\U0001f469\u200d\U0001f3a4 jazz",
    "json": json.dumps({"a": "\ud800\0"}),
    "a megabyte": "waltz " * 170_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_any_text_comes_back(name, library):
    """As it is, or with a sign in the place of what no database can hold."""
    journal, text = library.folder.journal, HOSTILE[name]
    prompt = text.replace("\ud800", "?")  # half a letter is no prompt: it is refused before
    entry = keep(journal, prompt)
    (found,) = library.recent()
    found.note, found.tags = text[:2000], [text[:50].strip()]
    del found
    gc.collect()  # what is asked for from here on is read anew

    (again,) = library.recent()

    kept = prompt.replace("\0", "\u2400")
    assert entry.prompt == kept
    assert again.request.prompt == prompt
    assert again.note == kept[:2000]
    assert again.tags == (kept[:50].strip(),)
    library.search(text[:900])  # raises nothing


SONGS = ("Café del Mar", "Ärger im Jazzkeller", "夜の音楽", "Тёплый ДЖАЗ", "jasmine 100%", "a_b")
SEARCHES = {
    "cafe": ["Café del Mar"],
    "MAR cafe": ["Café del Mar"],
    "mar bossa": [],
    "arger": ["Ärger im Jazzkeller"],
    "ja*": ["jasmine 100%", "Ärger im Jazzkeller"],
    "zzkell": ["Ärger im Jazzkeller"],
    "音楽": ["夜の音楽"],
    "джаз": ["Тёплый ДЖАЗ"],
    '"jazz" -NEAR(': [],
    "%": [],
}


def test_words_find_the_same_takes(library):
    """Accents, case, beginnings, pieces, scripts without blanks, signs; newest first."""
    for song in SONGS:
        keep(library.folder.journal, song)

    found = {text: [t.request.prompt for t in library.search(text)] for text in SEARCHES}

    assert found == SEARCHES
    ranked = library.search("jazz*", ranked=True)
    assert [take.request.prompt for take in ranked] == ["Ärger im Jazzkeller"]


def test_filters_find_the_same_takes(library):
    journal = library.folder.journal
    for prompt in ("one", "two", "three"):
        keep(journal, prompt)
    three, two, _ = library.recent()
    three.rating, two.rating = 5, 3
    two.tags = ["Rainy", "rainy", "Night"]
    n = two.id
    del three, two, _
    gc.collect()  # what is asked for from here on is read anew

    def prompts(**filters):
        return [take.request.prompt for take in library.recent(**filters)]

    assert sorted(library.get(n).tags, key=str.lower) == ["Night", "Rainy"]
    assert prompts(tag="RAINY") == ["two"]
    assert prompts(rating=3) == ["three", "two"]
    assert prompts(model="suno/v4.5") == ["three", "two", "one"]
    assert prompts(model="suno/v5") == []
    assert prompts(since=f"{datetime.now():%Y-%m-%d}") == ["three", "two", "one"]
    assert prompts(until="2020-01-01") == []


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York", "Asia/Kathmandu"])
def test_days_are_those_of_the_wall(zone, place, monkeypatch):
    """Spending is counted by the calendar of this machine, whatever the database's is."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        library = nb.Library(place)
        entry = keep(library.folder.journal)
        at = datetime(2026, 3, 31, 23, 30).timestamp()
        library.folder.database.write(
            lambda db: db.execute("UPDATE takes SET created_at = ? WHERE n = ?", (at, entry.n))
        ).result(30)
        (row,) = library.spending(("day", "month"))
        assert (row["day"], row["month"], row["kept"]) == ("2026-03-31", "2026-03", 1)
        library.close()
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


# -- shapes ----------------------------------------------------------------------------------------


def parts(place):
    """Migrations of a place's back end, and a way to its bare connection."""
    if "://" in place:
        from phaseo_nb.keeping.backends.postgres import Postgres, migrations

        backend = Postgres(nb.settings.homes.find_home(place).database, "it")
    else:
        from pathlib import Path

        from phaseo_nb.keeping.backends.sqlite import SQLite, migrations

        backend = SQLite(Path(place) / "journal.db")
    return backend, migrations


def shape(db):
    """Tables and columns: names, and whether they may be empty."""
    if hasattr(db, "raw"):
        query = (
            "SELECT table_name, column_name, is_nullable = 'NO' FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name != 'shape'"
            " AND NOT (table_name = 'texts' AND column_name IN ('plain', 'words'))"
        )
        rows = [tuple(row) for row in db.execute(query)]
    else:
        tables = [
            row[0]
            for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not row[0].startswith(("sqlite_", "words", "pieces"))
        ]
        rows = [
            (table, column[1], bool(column[3] or column[5]))
            for table in tables
            for column in db.execute(f"PRAGMA table_info({table})")
        ]
    found = {}
    for table, column, is_required in rows:
        found.setdefault(table, {})[column] = bool(is_required)
    return found


def test_both_have_the_same_shape(tmp_path):
    from phaseo_nb.keeping.backends.postgres import migrations as theirs
    from phaseo_nb.keeping.backends.sqlite import migrations as ours

    url = somewhere()
    shapes = []
    for place in (str(tmp_path / "library"), url):
        library = nb.Library(place)
        shapes.append(library.folder.database.read(shape))
        library.close()

    names = [[step.__name__ for step in each.MIGRATIONS] for each in (ours, theirs)]
    assert names[0] == names[1]
    # A primary key of SQLite may be empty, where nobody says otherwise; nobody here is.
    assert {t: set(c) for t, c in shapes[0].items()} == {t: set(c) for t, c in shapes[1].items()}
    assert shapes[0] == shapes[1]


def begun(place, monkeypatch, n):
    """Make a journal that has been through the first n migrations."""
    backend, migrations = parts(place)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:n])
        patch.setattr(migrations, "LATEST", n)
        for module in (sys.modules[type(backend).__module__], *_openers(backend)):
            patch.setattr(module, "LATEST", n)
        backend.writer(5.0).close()


def _openers(backend):
    opening = sys.modules.get(f"{type(backend).__module__}.opening")
    return [opening] if opening else []


@pytest.mark.parametrize("n", range(1, 6))
def test_an_older_shape_is_brought_up_to_date(n, place, monkeypatch):
    begun(place, monkeypatch, n)

    library = nb.Library(place)

    keep(library.folder.journal)
    assert len(library.search("waltz")) == 1
    library.close()


def test_a_newer_shape_is_refused_and_left_alone(place):
    library = nb.Library(place)
    keep(library.folder.journal)
    library.close()
    backend, migrations = parts(place)
    db = backend.writer(5.0)
    newer = migrations.LATEST + 1
    statement = f"UPDATE shape SET version = {newer}"
    db.execute(statement if "://" in place else f"PRAGMA user_version = {newer}")
    before = shape(db)

    with pytest.raises(nb.LibraryError, match="pip install -U phaseo-nb"):
        nb.Library(place)

    assert shape(db) == before
    db.close()


def test_a_newer_version_comes_while_we_work(place, library):
    n = keep(library.folder.journal).n
    backend, migrations = parts(place)
    db = backend.writer(5.0)
    newer = migrations.LATEST + 1
    statement = f"UPDATE shape SET version = {newer}"
    db.execute(statement if "://" in place else f"PRAGMA user_version = {newer}")

    with pytest.raises(nb.LibraryError, match="newer one has been here"):
        order(library.folder.journal, "a polka")

    assert state(library, n) == ("kept", None)
    back = f"UPDATE shape SET version = {newer - 1}"
    db.execute(back if "://" in place else f"PRAGMA user_version = {newer - 1}")
    db.close()


_KILLED = """
import os, signal, sys
import phaseo_nb as nb
from test_journals import parts
backend, migrations = parts(sys.argv[1])
steps = list(migrations.MIGRATIONS)
last = steps[-1]
def killed(db):
    last(db)
    os.kill(os.getpid(), signal.SIGKILL)
migrations.MIGRATIONS = (*steps[:-1], killed)
backend.writer(5.0)
"""


def test_killed_in_the_middle_of_a_migration(place, monkeypatch):
    """The older shape is still there, and the next one who comes goes on from it."""
    _, migrations = parts(place)
    n = migrations.LATEST - 1
    begun(place, monkeypatch, n)
    path = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", _KILLED, place]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr

    with monkeypatch.context() as patch:
        for module in (migrations, sys.modules[migrations.__package__]):
            patch.setattr(module, "LATEST", n)
        backend, _ = parts(place)
        for module in _openers(backend):
            monkeypatch.setattr(module, "LATEST", n)
        db = backend.writer(5.0)
        assert migrations.version_of(db) == n
        db.close()
        monkeypatch.undo()
    library = nb.Library(place)
    keep(library.folder.journal)
    library.close()


# -- through the session ---------------------------------------------------------------------------


def test_a_request_is_bought_once(session):
    takes = [
        nb.submit("a waltz", model="suno/v4.5", show=False, session=session).result(30)
        for _ in range(2)
    ]

    assert takes[0].id == takes[1].id
    assert len(session.wire.posts) == 1
    assert [(row["jobs"], row["kept"]) for row in session.library.spending("model")] == [(1, 1)]


# -- where the recordings lie ----------------------------------------------------------------------


def elsewhere(place, audio):
    """The library as another kernel opens it, with this place for its recordings."""
    folder = Folder(find_home(place), audio=SecretStr(str(audio)))
    folder.close()


def test_a_place_that_cannot_be_used_is_not_remembered(place, tmp_path):
    """A slip used to stay in the journal, and every other place was refused for good."""
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(LibraryError, match="cannot be written"):
        nb.Library(place, audio=tmp_path / "file" / "tapes")

    library = nb.Library(place, audio=tmp_path / "tapes")
    keep(library.folder.journal)
    library.close()

    assert nb.Library(place).folder.store.place == str(tmp_path / "tapes")


def test_the_place_may_change_until_something_is_ordered(place, tmp_path):
    """Whatever may still bring a recording holds the place: planned, paid, uncertain, kept."""
    for name in ("one", "two", "three"):  # the third while it is open
        library = nb.Library(place, audio=tmp_path / name)
        assert library.folder.store.place == str(tmp_path / name)
        if name == "one":
            library.close()
    journal = library.folder.journal
    entry = order(journal).entry

    for end in ("planned", "uncertain", "failed"):
        if end != "planned":
            journal.claim(entry.n).result(30)
            journal.end(entry.n, end).result(30)
        if end == "failed":
            break
        with pytest.raises(LibraryError, match="would not be found any more"):
            nb.Library(place, audio=tmp_path / "four")
        entry = order(journal, f"after {end}").entry
        if end == "uncertain":
            journal.write_off(1, None).result(30)
            journal.write_off(2, None).result(30)
    assert nb.Library(place, audio=tmp_path / "four").folder.store.place == str(tmp_path / "four")
    keep(journal, "at last")
    with pytest.raises(LibraryError, match="would not be found any more"):
        nb.Library(place, audio=tmp_path / "five")


def test_of_two_that_say_it_at_once_one_is_right(place, tmp_path, monkeypatch):
    """Trying a place takes a while; what the journal says at the end of it counts."""
    honest = LocalStore.check

    def slow(self):
        honest(self)
        monkeypatch.setattr(LocalStore, "check", honest)
        elsewhere(place, tmp_path / "theirs")

    monkeypatch.setattr(LocalStore, "check", slow)
    with pytest.raises(LibraryError, match=r"ours.*another kernel said.*theirs"):
        nb.Library(place, audio=tmp_path / "ours")

    assert nb.Library(place).folder.store.place == str(tmp_path / "theirs")


def test_who_had_it_open_before_keeps_nothing_at_the_old_place(place, session, tmp_path):
    """It used to go on there in silence, where no other kernel finds anything."""
    old = Path(session.library.folder.store.place)
    elsewhere(place, tmp_path / "tapes")

    with pytest.raises(LibraryError, match=r"lie at .*tapes.* now.*nothing was paid"):
        nb.submit("a waltz", model="suno/v4.5", show=False, session=session).result(30)
    assert session.wire.posts == []
    theirs = another(session.library)
    entry = order(theirs, "a tango").entry
    theirs.claim(entry.n).result(30)
    theirs.answered(entry.n, answer("task_9", "queued"), {}).result(30)
    with pytest.raises(LibraryError, match=r"lie at .*tapes.* now"):
        session.library.folder.journal.lease(entry.n).result(30)
    session.library.close()
    nb.submit("a waltz", model="suno/v4.5", show=False, session=session).result(30)

    assert len(list((tmp_path / "tapes").glob("*/*.wav"))) == 1
    assert not list(old.glob("*/*"))


def test_recordings_that_are_away_are_not_taken_for_lost(session):
    """A disk that is not connected used to be mended away, with every recording on it."""
    take = nb.submit("a waltz", model="suno/v4.5", show=False, session=session).result(30)
    heard, library = take.track.recording, session.library
    there = Path(library.folder.store.place)
    there.rename(there.with_name("away"))

    for checkup in (library.doctor(), library.doctor(quick=True), library.doctor(mend=True)):
        assert [found.kind for found in checkup.findings] == ["unreachable"]
        assert checkup.done == ()
        assert "The recordings cannot be reached" in repr(checkup)
        assert "1 take has recordings there" in repr(checkup)
    there.with_name("away").rename(there)

    assert library.doctor().is_well
    assert library.recent()[0].track.recording == heard
