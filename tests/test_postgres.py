"""A database that is away, slow, full, or not ours: nothing is paid twice, nothing is lost."""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import os
import re
import subprocess
import sys
import traceback
from urllib.parse import quote

import pytest
from grounds.postgres import PASSWORD, SECRET, USER, name_of, own_server, server
from grounds.proxy import Proxy
from paid_service import until
from wires import KEY, Wire

import phaseo_nb as nb
from phaseo_nb import keeping
from phaseo_nb.keeping.folder import close_all
from phaseo_nb.keeping.journal import Journal
from phaseo_nb.session import bookkeeping


@pytest.fixture
def database():
    """A database of the test's own, dropped at its end."""
    url = server().database()
    yield url
    close_all()
    server().drop(url)


@pytest.fixture
def proxy(database):
    with Proxy(database) as between:
        yield between


@pytest.fixture
def again_soon(monkeypatch):
    """What could not be written is tried again at once, not after seconds."""
    monkeypatch.setattr(bookkeeping, "WRITE_AGAIN", 0.05)


def connect(wire, url, **more):
    session = nb.connect("phaseo", api_key=KEY, transport=wire.transport, library=url, **more)
    session._client.poll = lambda interval: iter(lambda: 0.02, None)
    return session


def submit(session, prompt="a waltz", **more):
    return nb.submit(prompt, model="suno/v4.5", show=False, session=session, **more)


def make(session, prompt="a waltz", **more):
    return submit(session, prompt, **more).result(60)


def impatient(session, seconds):
    """Let a library wait no longer than so for a database that is away."""
    database = session.library.folder.database
    database.patience = database.backend._patience = seconds


def rows(url, query, *values):
    with server().admin(url) as admin:
        return admin.execute(query, values).fetchall()


def orders(wire, prompt):
    """How often a service was asked for this: what was paid."""
    return sum(post["prompt"] == prompt for post in wire.posts)


# -- passwords -------------------------------------------------------------------------------------


def hides_it(error, caplog):
    """Assert that no password is in an error, in its frames, or in the log."""
    texts = ["".join(traceback.format_exception(error)), caplog.text]
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        texts += [str(error), repr(error), repr(vars(error))]
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if not frame.f_code.co_filename.startswith(__file__):
                texts += [f"{name} = {value!r}" for name, value in frame.f_locals.items()]
        error = error.__cause__ or error.__context__
    assert not [text for text in texts if SECRET in text]


def closed(url):
    server().forbid(url)
    return url


def crowded(url):
    server().limit(url, 0)
    return url


def of_another(url):
    """A database in which we may not make anything."""
    with server().admin() as admin:
        admin.execute(f'ALTER DATABASE "{name_of(url)}" OWNER TO keeper')
    return url


def taken(url):
    """A database whose schema is somebody else's."""
    of_another(url)
    rows_of = server().admin(url)
    with rows_of as admin:
        admin.execute("CREATE SCHEMA phaseo_nb")
    return url


def latin(url):
    return server().database("ENCODING 'LATIN1'")


def newer(url):
    nb.Library(url).close()
    with server().admin(url) as admin:
        admin.execute("UPDATE phaseo_nb.shape SET version = 99")
    return url


def read_only(url):
    server().read_only(url)
    return url


WRONG = {
    "nobody listens": (lambda url: url.replace(str(server().port), "1"), "Is the server running?"),
    "no such host": (lambda url: url.replace("127.0.0.1", "db.invalid"), "no machine of that name"),
    "no SSL": (lambda url: f"{url}?sslmode=require", "does not speak SSL"),
    "no password": (lambda url: url.replace(quote(PASSWORD, safe=""), ""), "none was found"),
    "wrong password": (lambda url: url.replace(quote(PASSWORD, safe=""), f"no{SECRET}"), "PGPASS"),
    "no such user": (lambda url: url.replace(USER, "nobody"), "user, password or rights"),
    "no database": (lambda url: url + "_gone", "createdb"),
    "closed": (closed, "cannot be reached"),
    "crowded": (crowded, "no connection left"),
    "not ours": (of_another, "CREATE SCHEMA phaseo_nb AUTHORIZATION"),
    "schema of another": (taken, "CREATE SCHEMA phaseo_nb AUTHORIZATION"),
    "no Unicode": (latin, "ENCODING 'UTF8'"),
    "newer": (newer, "pip install -U"),
    "read only": (read_only, "can only be read"),
    "bad percent": (lambda url: url.replace("%40", "%zz"), "cannot read"),
    "unknown word": (lambda url: f"{url}?{SECRET}=1", "after a ? come options"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_without_the_password(wrong, database, caplog, monkeypatch):
    """One sentence with a way out: no error of a driver, and the password nowhere."""
    caplog.set_level(logging.DEBUG)
    spoil, words = WRONG[wrong]
    url = spoil(database)

    with pytest.raises(nb.LibraryError, match="The library postgresql://") as caught:
        nb.Library(url)

    assert words in str(caught.value)
    assert not isinstance(caught.value.__cause__, Exception)
    hides_it(caught.value, caplog)


def test_a_verbose_traceback_shows_no_password(database, caplog):
    """As IPython prints it, with the variables of every frame."""
    from IPython.core.ultratb import VerboseTB

    url = database.replace(str(server().port), "1")

    def cell():
        nb.connect("sandbox", library=url)

    try:
        cell()
    except nb.LibraryError as error:
        frames = (type(error), error, error.__traceback__.tb_next.tb_next)  # less the address
        text = "\n".join(VerboseTB().structured_traceback(*frames))
    assert "cannot be reached" in text
    assert SECRET not in text


@pytest.mark.parametrize(
    "name", ["lab-1", "Lab", "a b", 'x";DROP TABLE takes', "é", "%zz"], ids=repr
)
def test_a_schema_has_a_plain_name(name, database):
    with pytest.raises(nb.SettingsError, match="no name for a schema"):
        nb.Library(f"{database}?schema={quote(name)}")


def test_where_it_is(database, monkeypatch):
    """Every name shows the address and no password; every way of giving it leads there."""
    session = connect(Wire(), database)
    take = make(session)
    library = session.library
    shown = f"postgresql://{USER}@127.0.0.1:{server().port}/{name_of(database)}"
    texts = [repr(library), library._repr_html_(), repr(session), str(library.path)]
    texts += [repr(library.folder), repr(library.folder.database), repr(take), repr(take.track)]
    texts += [repr(library.folder.database.backend), library.shown]

    assert library.shown == shown
    assert shown in repr(library)
    assert not any(SECRET in text for text in texts)
    assert library.path.is_dir() or not library.path.exists()
    monkeypatch.setenv("PHASEO_NB_HOME", database)
    assert nb.Library().recent()[0].id == take.id
    assert nb.library().shown == shown
    assert nb.Library(database.replace("postgresql:", "postgres:")).recent()[0].id == take.id


def test_schemas_are_libraries_of_their_own(database):
    """Also after one of them is dropped: they share nothing but the database."""
    make(connect(Wire(), f"{database}?schema=lab"))
    other = connect(Wire(), f"{database}?schema=class_2&connect_timeout=7")
    make(other, "a polka")
    server().cut(database)
    rows_before = [take.request.prompt for take in other.library.recent()]

    with server().admin(database) as admin:
        admin.execute("DROP SCHEMA lab CASCADE")
    make(other, "a bolero")

    assert rows_before == ["a polka"]
    assert [take.request.prompt for take in other.library.search("oler")] == ["a bolero"]


def test_the_password_may_stand_in_the_environment(database, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    bare = database.replace(":" + quote(PASSWORD, safe=""), "")

    assert "0 takes" in repr(nb.Library(bare))


def test_without_psycopg_it_says_what_to_install(tmp_path):
    """And everything else goes on: the sandbox, a folder."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "import phaseo_nb as nb\n"
        "nb.Library(sys.argv[1])\n"
        "try: nb.Library('postgresql://me:pw@127.0.0.1/x')\n"
        "except nb.LibraryError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert 'pip install "phaseo-nb[scale]"' in done.stdout


# -- cuts ------------------------------------------------------------------------------------------


class Cutting(Proxy):
    """Breaks the connection at the n-th message: before it arrives, or before its answer does."""

    def __init__(self, target):
        self.count, self.at, self.arrives = 0, None, False
        super().__init__(target)

    async def _forward(self, pair, data):
        self.count += 1
        if self.count != self.at:
            await super()._forward(pair, data)
            return
        if self.arrives:
            pair.is_deaf = True  # its answer is dropped, and then the connection breaks
            await super()._forward(pair, data)
        else:
            pair.cut()


@pytest.mark.parametrize("arrives", [False, True], ids=["request lost", "answer lost"])
def test_cut_at_any_message_of_an_order(arrives, database):
    """Wherever it is: the job is kept, one order went out, and no row is there twice."""
    wire = Wire()
    with Cutting(database) as proxy:
        session = connect(wire, proxy.url(database), budget_usd=100.0)
        make(session, "the first")
        proxy.count = 0
        make(session, "the second")
        n_messages = proxy.count
        proxy.arrives = arrives

        for number in range(1, n_messages + 1):
            proxy.count, proxy.at = 0, number
            make(session, f"number {number}")
        proxy.at = None

    assert n_messages > 10
    prompts = [post["prompt"] for post in wire.posts]
    assert len(prompts) == len(set(prompts)) == n_messages + 2
    states = rows(database, "SELECT state, count(*) FROM phaseo_nb.takes GROUP BY state")
    assert states == [("kept", len(prompts))]
    steps = rows(database, "SELECT state, count(*) FROM phaseo_nb.events GROUP BY state")
    names = ("planned", "submitting", "submitted", "completed", "kept")
    assert dict(steps) == dict.fromkeys(names, len(prompts))
    assert rows(database, "SELECT count(*) FROM phaseo_nb.tracks") == [(len(prompts),)]


def stuck_in_a_pipeline(connection):
    """As psycopg leaves it where the server's last words come a moment before its end."""
    connection.enter_pipeline_mode()
    connection.send_query_params(b"SELECT 1", [])
    connection.exit_pipeline_mode()  # raises: "cannot exit pipeline mode while busy"


def stuck_in_a_statement(connection):
    import psycopg

    connection.send_query(b"SELECT 1")
    raise psycopg.OperationalError("the answer will not be read")


@pytest.mark.parametrize("stuck", [stuck_in_a_pipeline, stuck_in_a_statement])
def test_a_connection_that_is_stuck_is_not_asked_again_and_again(stuck, database):
    """Not for as long as the patience lasts: libpq itself does not call it broken."""
    tries = []

    def operation(db):
        tries.append(db.execute("SELECT pg_backend_pid()").fetchone()[0])
        if len(tries) == 1:
            stuck(db.raw.pgconn)
        db.execute("INSERT INTO settings (name, value) VALUES ('a name', 'once')")

    library = nb.Library(database)
    library.folder.database.patience = 2.0
    library.folder.database.write(operation).result(20)
    assert len(set(tries)) == len(tries) == 2
    query = "SELECT value FROM phaseo_nb.settings WHERE name = 'a name'"
    assert rows(database, query) == [("once",)]


@pytest.mark.parametrize("at_once", [1, 8])
def test_all_connections_are_cut_again_and_again(at_once, database):
    """As a proxy does that ends what is idle, and a server that is restarted."""
    wire = Wire()
    session = connect(wire, database)
    for round in range(4):
        server().cut(database)
        jobs = [submit(session, f"{round}, {n}") for n in range(at_once)]
        server().cut(database)
        takes = [job.result(60) for job in jobs]
        server().cut(database)
        assert {take.id for take in takes} <= {take.id for take in session.library.recent()}
    assert len(wire.posts) == 4 * at_once
    assert rows(database, "SELECT count(*) FROM phaseo_nb.takes") == [(4 * at_once,)]


COMMIT = b"COMMIT\0"
STEPS = ("order", "claim", "answered", "completed", "keep")


@pytest.mark.parametrize("step", STEPS)
def test_the_answer_to_a_commit_is_lost(step, database, proxy):
    """The server is asked what became of it, so nothing is done twice."""

    wire = Wire()
    session = connect(wire, proxy.url(database))
    make(session, "the first")
    honest = getattr(Journal, step)

    def swallowed(self, *args, **kwargs):
        proxy.swallow_answers(COMMIT)
        return honest(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, step, swallowed)
        take = make(session)

    assert proxy.swallowed == 1
    assert take.number == 1
    assert orders(wire, "a waltz") == 1
    history = (
        "SELECT events.state FROM phaseo_nb.events JOIN phaseo_nb.takes ON takes.n = events.take"
        " WHERE prompt = 'a waltz' ORDER BY events.n"
    )
    steps = [state for (state,) in rows(database, history)]
    assert steps == ["planned", "submitting", "submitted", "completed", "kept"]


def test_nobody_says_whether_an_order_was_written_down(database, proxy):
    """Then it is not sent; once the database is back, the same cell buys it once."""

    wire = Wire()
    session = connect(wire, proxy.url(database))
    make(session, "the first")
    impatient(session, 0.3)
    honest = Journal.claim

    def swallowed(self, *args, **kwargs):
        proxy.swallow_answers(COMMIT)
        proxy.refuse()
        return honest(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "claim", swallowed)
        job = submit(session)
        until(lambda: proxy.swallowed, "the commit")
        with pytest.raises(nb.LibraryError, match="nothing was paid"):
            job.result(30)
    assert orders(wire, "a waltz") == 0

    proxy.accept()
    impatient(session, 30.0)
    until(lambda: not job.unwritten, "it to be withdrawn")
    assert session.library.uncertain() == session.library.unfinished() == []
    assert make(session).number == 1
    assert orders(wire, "a waltz") == 1


def test_a_failed_transaction_is_never_taken_for_a_committed_one(database):
    """PostgreSQL answers COMMIT with a quiet ROLLBACK where a statement had failed before."""
    library = nb.Library(database)

    def careless(db):
        db.execute("INSERT INTO settings VALUES ('a', 'b')")
        with contextlib.suppress(Exception):
            db.execute("SELECT 1 / 0")

    with pytest.raises(nb.LibraryError):
        library.folder.database.write(careless).result()
    assert library.folder.database.read(lambda db: db.execute("TABLE settings").fetchall()) == []


# -- away ------------------------------------------------------------------------------------------


def test_the_server_crashes_in_the_middle_of_jobs(again_soon):
    """Its clients wait, and every job ends as if nothing had been."""
    with own_server() as mine:
        url = mine.database()
        begun = []

        def crashing(wire):
            begun.append(wire)
            if len(begun) == 3:
                mine.stop(crash=True)
            return wire.accepted()

        wire = Wire(post=crashing)
        session = connect(wire, url)
        jobs = [submit(session, f"number {n}") for n in range(3)]
        until(lambda: len(begun) == 3 and mine._warden is None, "the crash")
        mine.start()
        takes = [job.result(60) for job in jobs]

        assert len(wire.posts) == 3
        assert all(take.track.path.exists() for take in takes)
        until(lambda: len(session.library.recent()) == 3, "the rows")
        session.library.close()


def test_away_for_longer_than_anybody_waits_before_an_order(database, proxy, monkeypatch, caplog):
    """It is not sent, and that is said; the same cell works once the database is back."""
    monkeypatch.setattr(keeping.database, "SILENT", 0.05)
    wire = Wire()
    session = connect(wire, proxy.url(database))
    make(session, "an earlier waltz")
    impatient(session, 0.2)
    proxy.refuse()
    proxy.cut()

    with pytest.raises(nb.LibraryError, match="cannot be reached"):
        make(session)

    said = [record.getMessage() for record in caplog.records]
    assert len([words for words in said if re.search(r"cannot be reached.*Trying for", words)]) == 1
    assert len(wire.posts) == 1
    proxy.accept()
    assert make(session).number == 1
    assert len(wire.posts) == 2


def test_away_for_longer_than_anybody_waits_after_it_was_paid(database, proxy, again_soon, caplog):
    """The take is there, in memory; it is written down once the database is back."""
    wire = Wire()

    def leaving(wire):
        proxy.refuse()
        proxy.cut()
        return wire.accepted()

    session = connect(wire, proxy.url(database))
    impatient(session, 0.2)
    wire.post = leaving
    take = make(session)
    assert take.track.audio()[1] == 8000
    assert "NOT KEPT yet" in caplog.text
    assert SECRET not in caplog.text
    assert rows(database, "SELECT state FROM phaseo_nb.takes") == [("submitting",)]

    proxy.accept()
    impatient(session, 30.0)
    handles = session.library.folder.handles
    until(lambda: not any(job.unwritten for job in list(handles.values())), "the database")

    assert rows(database, "SELECT state FROM phaseo_nb.takes") == [("kept",)]
    assert [take.request.prompt for take in session.library.recent()] == ["a waltz"]
    assert len(wire.posts) == 1


def test_a_database_that_hangs_holds_up_nobody_else(database, proxy, tmp_path):
    """What one library waits for does not keep the engine from serving another one."""
    slow, quick = Wire(), Wire()
    session = connect(slow, proxy.url(database))
    other = connect(quick, tmp_path / "folder")
    make(other, "the first")

    def hanging(wire):
        proxy.delay = math.inf
        return wire.accepted()

    slow.post = hanging
    job = submit(session)
    until(lambda: slow.posts, "the order")

    assert make(other).number == 1
    assert job.is_waiting
    proxy.heal()
    assert job.result(60).number == 1
    assert len(slow.posts) == 1


def test_a_slow_database_only_takes_longer(database, proxy):
    wire = Wire()
    session = connect(wire, proxy.url(database))
    make(session, "the first")
    proxy.delay = 0.02

    jobs = [submit(session, f"number {n}") for n in range(3)]

    assert [job.result(60).number for job in jobs] == [1, 1, 1]
    assert len(wire.posts) == 4


# -- what a database refuses -----------------------------------------------------------------------


def trigger(url, raised, when):
    """Let the database raise an error where a row comes to a state."""
    with server().admin(url) as admin:
        admin.execute(
            "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" RAISE EXCEPTION 'no' USING ERRCODE = '{raised}'; END $$"
        )
        admin.execute(
            "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON phaseo_nb.takes FOR EACH ROW"
            f" WHEN (new.state = '{when}') EXECUTE FUNCTION public.refuse()"
        )


def healed(url):
    with server().admin(url) as admin:
        admin.execute("DROP FUNCTION public.refuse() CASCADE")


@pytest.mark.parametrize("state", ["planned", "submitting"])
def test_a_full_disk_before_anything_is_sent(state, database):
    wire = Wire()
    session = connect(wire, database)
    trigger(database, "53100", state)

    with pytest.raises(nb.LibraryError, match="is full"):
        make(session)

    assert wire.posts == []
    healed(database)
    assert session.library.unfinished() == session.library.uncertain() == []
    assert make(session).number == 1
    assert len(wire.posts) == 1


@pytest.mark.parametrize("state", ["submitted", "completed", "kept"])
def test_a_full_disk_after_it_was_paid(state, database, again_soon, caplog):
    wire = Wire()
    session = connect(wire, database)
    trigger(database, "53100", state)

    take = make(session)

    assert any("NOT KEPT yet" in note and "is full" in note for note in take.notes)
    healed(database)
    until(lambda: len(session.library.recent()) == 1, "the take to be kept")
    assert len(wire.posts) == 1


def test_a_server_that_becomes_a_copy(database):
    """After a fail-over one may be connected to the one that can only be read."""
    wire = Wire()
    session = connect(wire, database)
    make(session, "the first")
    server().read_only(database)

    with pytest.raises(nb.LibraryError, match="can only be read"):
        make(session)

    assert len(wire.posts) == 1
    assert [take.request.prompt for take in session.library.recent()] == ["the first"]
    server().read_only(database, False)
    assert make(session).number == 1


@pytest.mark.parametrize("made_anew", [False, True], ids=["dropped", "replaced"])
def test_the_schema_goes_away_while_we_work(made_anew, database):
    """Nothing is written into a journal in which our numbers mean other rows."""
    wire = Wire()
    session = connect(wire, database)
    make(session, "the first")
    with server().admin(database) as admin:
        admin.execute("ALTER SCHEMA phaseo_nb RENAME TO elsewhere")
    if made_anew:
        code = "import sys, phaseo_nb as nb; nb.Library(sys.argv[1]).close()"
        subprocess.run([sys.executable, "-c", code, database], check=True, timeout=60)

    with pytest.raises(nb.LibraryError, match="dropped or replaced"):
        make(session)

    assert len(wire.posts) == 1
    if made_anew:
        assert rows(database, "SELECT count(*) FROM phaseo_nb.takes") == [(0,)]
    session.library.close()
    with server().admin(database) as admin:
        if made_anew:
            admin.execute("DROP SCHEMA phaseo_nb CASCADE")
        admin.execute("ALTER SCHEMA elsewhere RENAME TO phaseo_nb")
    assert [take.request.prompt for take in session.library.recent()] == ["the first"]


def test_many_kernels_use_all_connections_up(database):
    """Whoever comes too late is told; who is there works on."""
    session = connect(Wire(), database)
    make(session, "the first")
    server().limit(database, server().connections(database))
    code = (
        "import sys, phaseo_nb as nb\n"
        "try: nb.Library(sys.argv[1])\n"
        "except nb.LibraryError as error: print(error)\n"
    )
    late = subprocess.run(
        [sys.executable, "-c", code, database], capture_output=True, text=True, timeout=60
    )

    assert "the server has no connection left" in late.stdout, late.stderr
    assert make(session).number == 1


def _look(url, pipe):
    pipe.send(sorted(take.request.prompt for take in nb.Library(url).recent()))
    os._exit(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_connects_for_itself(database):
    """And leaves its parent's connection as it is."""
    wire = Wire()
    session = connect(wire, database)
    make(session, "the first")
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_look, args=(database, there))
    child.start()
    assert here.poll(30)
    assert here.recv() == ["the first"]
    child.join(30)

    mine = (
        "SELECT pid FROM pg_stat_activity WHERE usename = 'musician'"
        " AND datname = current_database()"
    )
    before = set(rows(database, mine))
    assert make(session).number == 1
    after = set(rows(database, mine))
    assert before <= after
    assert len(wire.posts) == 2


def test_a_zone_that_the_server_does_not_know(database, monkeypatch):
    """Days are counted by the wall here all the same."""
    import time

    monkeypatch.setenv("TZ", "<XYZ>-05:45")
    time.tzset()
    try:
        session = connect(Wire(), database)
        take = make(session)
        (row,) = session.library.spending("day")
        assert row["day"] == f"{take.created_at.astimezone():%Y-%m-%d}"
        monkeypatch.setenv("TZ", "Mars/Olympus")
        assert "0 takes" in repr(nb.Library(f"{database}?schema=mars"))
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
