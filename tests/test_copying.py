"""A library copied whole: a backup, a way back, from SQLite into PostgreSQL and home again."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import pytest
from many_takes import HOSTILE, like
from pydantic import SecretStr

import phaseo_nb as nb
from phaseo_nb.__main__ import main
from phaseo_nb.errors import LibraryError
from phaseo_nb.keeping import folder as folders
from phaseo_nb.keeping.backends.sqlite.opening import SQLiteDb
from phaseo_nb.keeping.copying import recordings, tables
from phaseo_nb.keeping.copying.progress import Progress
from phaseo_nb.keeping.store import LocalStore
from phaseo_nb.transport.sinks import FileSink

pytestmark = pytest.mark.usefixtures("quick")

PYTHON = [sys.executable, "-W", "ignore"]
OF_A_PLACE = {"id", "copy", "closed", "arriving", "audio"}
"""Settings that every library has for itself."""


def make(prompt="a waltz", **more):
    return nb.run(nb.generate(prompt, duration=1, show=False, **more))


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return tmp_path_factory.mktemp("template") / "home"


@pytest.fixture
def library(home, template):
    """A library with a take of the sandbox and thirty others, rated, tagged, voted on."""
    if not template.exists():
        fill(template)
    shutil.copytree(template, home, dirs_exist_ok=True)
    nb.connect("sandbox", library=home)
    return nb.library()


def fill(home):
    nb.connect("sandbox", library=home)
    take = make()
    take.rating, take.note, take.tags = 4, "nice brushes", ["Slow", "Ünder"]
    library = nb.library()
    like(library, take, 30, seed=1)
    library.set_budget(5.0, per="week")
    library.set_limits("phaseo", per_second=2)
    library.set_quota("1GB")

    def more(db):
        db.execute("INSERT INTO votes (comparison, facts, at) VALUES ('c', '{}', 1.25)")
        db.execute("INSERT INTO sweeps VALUES ('s', '{}', 'here', 1.5, NULL)")
        db.execute("INSERT INTO descriptors VALUES ('ab', 1, '[0.1]')")
        db.execute("INSERT INTO callbacks VALUES ('cd', 1, 9e9)")

    library.folder.database.write(more).result()
    library.close()


@pytest.fixture
def database():
    pytest.importorskip("psycopg", reason="needs the extra [scale]")
    from grounds.postgres import server

    return server().database()


@pytest.fixture
def bucket(monkeypatch, tmp_path):
    from grounds import buckets

    url, environment = buckets.bucket()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PHASEO_NB_CACHE", str(tmp_path / "cache"))
    buckets.forget()
    return url


def dump(library):
    """Every row of every table but kernels, by the names of its columns."""

    def read(db):
        found = {}
        for table in tables.TABLES:
            rows = []
            for row in db.execute(f"SELECT * FROM {table}").fetchall():
                facts = {name: row[name] for name in row.keys()}  # noqa: SIM118
                facts = {k: v for k, v in facts.items() if k not in ("plain", "words", "beat_at")}
                if table != "settings" or facts["name"] not in OF_A_PLACE:
                    rows.append(facts if table != "events" else {**facts, "words": row["words"]})
            found[table] = sorted(rows, key=repr)
        found.pop("kernels")
        return found

    return library.folder.database.read(read)


def sounds(library):
    """The hash of every take's recording as it can be read."""
    takes = library.recent(1000)
    return {take.id: hashlib.sha256(take.track.recording).hexdigest() for take in takes}


def sql(library, query, *values):
    return library.folder.database.write(lambda db: db.execute(query, values).rowcount).result()


def rows(library, query, *values):
    read = library.folder.database.read
    return [tuple(row) for row in read(lambda db: db.execute(query, values).fetchall())]


# -- there and back --------------------------------------------------------------------------------


def test_there_and_back_loses_nothing(library, database, tmp_path):
    """Folder, PostgreSQL, folder: each row and recording the same, found, counted and well."""
    before, heard, spent = dump(library), sounds(library), list(library.spending())
    assert all(before.values())  # every table has something that could be lost

    copied = library.copy_to(database, audio=tmp_path / "audio", show=False)
    there = nb.Library(database)
    there.copy_to(tmp_path / "back", show=False)
    back = nb.Library(tmp_path / "back")

    assert (copied.n_takes, copied.n_recordings, copied.missing) == (31, 31, ())
    assert copied.usd == pytest.approx(sum(round(0.01 * n, 2) for n in range(30)))
    for copy in (there, back):
        assert dump(copy) == before
        assert sounds(copy) == heard
        assert list(copy.spending()) == spent
        assert copy.doctor().is_well
        assert len(copy.search("waltz")) == 1
        assert [take.id for take in copy.search("日本語")] == ["1-23", "1-15", "1-7"]
        assert "<audio" in copy.search("waltz")[0]._repr_html_()
    assert heard.keys() == {take.id for take in there.recent(1000)}


def test_new_orders_follow_the_old_ones(library, database, tmp_path):
    """Numbers of rows go on behind the highest that was ever given out, in both back ends."""
    sql(library, "DELETE FROM tracks WHERE take = 31")
    sql(library, "DELETE FROM texts WHERE take = 31")
    sql(library, "DELETE FROM takes WHERE n = 31")
    library.copy_to(database, audio=tmp_path / "audio", show=False)
    library.copy_to(tmp_path / "backup", show=False)

    for place in (database, tmp_path / "backup"):
        nb.connect("sandbox", library=place)
        take = make("a new one")
        now = nb.library()
        assert rows(now, "SELECT n FROM takes WHERE id = ?", take.id) == [(32,)]
        sql(now, "INSERT INTO votes (comparison, facts, at) VALUES ('c', '{}', 2.0)")
        assert rows(now, "SELECT n FROM votes ORDER BY n") == [(1,), (2,)]


def test_the_same_request_is_not_bought_again_in_a_copy(library, tmp_path):
    """What was kept is found there, for free."""
    library.back_up(tmp_path / "backup", show=False)

    nb.connect("sandbox", library=tmp_path / "backup")
    job = nb.submit("a waltz", duration=1, show=False)

    job.result(20)
    assert job.was_kept


def test_audio_to_a_bucket_and_home_again(library, database, bucket, tmp_path):
    """Recordings go to S3 and come back, each read back by its hash; the cache is not flooded."""
    from grounds import buckets

    heard = sounds(library)
    copied = library.copy_to(database, audio=bucket, show=False)
    objects = buckets.buckets().objects(bucket)
    there = nb.Library(database)

    assert copied.audio == bucket
    assert sum(name.count("/") == 1 for name in objects) == 31
    assert there.copy_to(tmp_path / "back", show=False).n_copied == 31
    assert not (tmp_path / "cache").exists()
    assert sounds(nb.Library(tmp_path / "back")) == heard


def test_a_bucket_that_all_reach_is_used_by_both(library, database, bucket):
    """Where only the journal goes elsewhere, recordings stay, and it is said what that means."""
    from grounds.postgres import server

    library.copy_to(database, audio=bucket, show=False)
    there = nb.Library(database)

    copied = there.copy_to(server().database(), show=False)

    assert copied.is_shared
    assert copied.n_copied == 0
    assert "gone for both" in repr(copied)
    assert len(sounds(nb.Library(database))) == 31


def test_a_database_is_told_where_the_audio_goes(library, database, home):
    """A folder of this machine is no place that other machines reach: it has to be said."""
    with pytest.raises(LibraryError, match="Say audio="):
        library.copy_to(database, show=False)
    library.copy_to(database, audio=home.parent / "audio", show=False)

    assert library.copy_to(database, show=False).audio == str(home.parent / "audio")  # remembered


def test_a_journal_of_one_kernel_at_a_time(library, tmp_path, monkeypatch):
    """On a network its one connection reads and writes; that is enough on both sides."""
    library.close()
    monkeypatch.setenv("PHASEO_NB_NETWORK_HOME", "1")

    library.copy_to(tmp_path / "there", show=False)
    library.copy_to(tmp_path / "there", move=True, show=False)

    assert dump(nb.Library(tmp_path / "there")) == dump(library)
    assert len(sounds(nb.Library(tmp_path / "there"))) == 31


def test_every_table_is_carried(library):
    """The list of tables is the one of the journal: a new one must be looked at here."""
    found = rows(library, "SELECT name FROM sqlite_master WHERE type = 'table'")
    own = {name for (name,) in found if not re.match("sqlite_|words|pieces", name)}

    assert own == set(tables.TABLES)


def test_a_thousand_hostile_texts(library, database, tmp_path):
    """What trips up formats and drivers arrives as it was; NUL, which SQLite holds, as its sign."""
    like(library, library.recent(1)[0], 1000, seed=2, n_songs=3)
    sql(library, "UPDATE takes SET note = ? WHERE n = 5", "one\x00two")

    library.copy_to(database, audio=tmp_path / "audio", show=False)

    there = nb.Library(database)
    query = "SELECT prompt FROM takes ORDER BY n"
    assert rows(there, query) == rows(library, query)
    assert len(rows(there, "SELECT DISTINCT prompt FROM takes")) > len(HOSTILE)
    assert rows(there, "SELECT note FROM takes WHERE n = 5") == [("one␀two",)]


# -- again, and while others work ------------------------------------------------------------------


def test_a_backup_is_brought_up_to_date(library, tmp_path):
    """What changed, came or went since is so in the backup, and nothing is carried twice."""
    library.back_up(tmp_path / "backup", show=False)
    library.recent(1)[0].rating = 1
    make("a tango")
    library.delete("1-3").for_good()

    copied = library.back_up(tmp_path / "backup", show=False)

    assert copied.n_copied == 1
    assert dump(nb.Library(tmp_path / "backup")) == dump(library)
    assert sounds(nb.Library(tmp_path / "backup")) == sounds(library)


def test_a_copy_is_of_one_moment_while_others_write(library, tmp_path):
    """Orders and ratings go on: each row in the copy has its recording, and the next has all."""
    ends, made = threading.Event(), []

    def work():
        for number in itertools.count():
            if ends.is_set():
                return
            made.append(make(f"tune {number}"))
            made[-1].rating = 3

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for number in range(3):
            n_made = len(made)
            place = tmp_path / f"backup {number}"
            copied = library.back_up(place, show=False)
            copy = nb.Library(place)
            assert copied.missing == ()
            assert copied.n_takes >= 31 + n_made
            assert len(sounds(copy)) == copied.n_takes
            assert not [f for f in copy.doctor().findings if f.kind in ("missing", "journal")]
    finally:
        ends.set()
        worker.join()
    library.back_up(place, show=False)

    assert made
    assert sounds(nb.Library(place)) == sounds(library)


def test_what_came_after_the_recordings_is_carried_with_its_row(library, tmp_path, monkeypatch):
    """A take that is kept between recordings and rows has its recording in the copy, too."""
    carry_all = recordings.Carrier.carry_all

    def and_then_one_more(self):
        carry_all(self)
        make("a latecomer")

    monkeypatch.setattr(recordings.Carrier, "carry_all", and_then_one_more)

    copied = library.back_up(tmp_path / "backup", show=False)

    assert copied.n_copied == 32
    assert len(sounds(nb.Library(tmp_path / "backup"))) == 32


def test_another_library_is_never_written_over(library, tmp_path):
    """A place with takes of its own is refused, and so is a copy that went on by itself."""
    nb.connect("sandbox", library=tmp_path / "other")
    make("mine")
    library.back_up(tmp_path / "backup", show=False)
    nb.connect("sandbox", library=tmp_path / "backup")
    make("ordered in the copy")

    for place in ("other", "backup"):
        before = dump(nb.Library(tmp_path / place))
        with pytest.raises(LibraryError, match=r"(not|nothing of it is) written over"):
            library.copy_to(tmp_path / place, show=False)
        assert dump(nb.Library(tmp_path / place)) == before


@pytest.mark.parametrize("spelling", ["{home}", "{home}/../home", "file"])
def test_a_library_is_not_copied_onto_itself(library, home, spelling):
    """However its place is spelt."""
    place = Path(spelling.format(home=home)) if spelling != "file" else home.parent / "link"
    if spelling == "file":
        place.symlink_to(home)

    with pytest.raises(LibraryError, match="Name another place"):
        library.copy_to(place, show=False)
    assert len(sounds(library)) == 31


def test_a_database_is_not_copied_onto_itself(library, database, tmp_path):
    """Two addresses may lead to the same one."""
    library.copy_to(database, audio=tmp_path / "audio", show=False)
    other = database.replace("127.0.0.1", "localhost")

    with pytest.raises(LibraryError, match="Name another place"):
        nb.Library(database).copy_to(other, move=True, show=False)
    assert len(sounds(nb.Library(database))) == 31


# -- what is on its way ----------------------------------------------------------------------------


def rewrite(library, state, owner, shard=None, n=2):
    query = "UPDATE takes SET state = ?, owner = ?, shard = ? WHERE n = ?"
    sql(library, query, state, owner, shard, n)


def test_what_waits_to_be_sent_stays_in_the_original(library, tmp_path):
    """Two libraries that send it would pay twice; what was being handed in is in doubt there."""
    rewrite(library, "planned", None, "s/1", n=2)
    rewrite(library, "submitting", "gone", n=3)
    rewrite(library, "submitted", library.folder.leases.me, n=4)

    copied = library.back_up(tmp_path / "backup", show=False)

    copy = nb.Library(tmp_path / "backup")
    states = dict(rows(copy, "SELECT n, state FROM takes WHERE n < 5"))
    assert states == {1: "kept", 3: "submitting", 4: "submitted"}
    assert rows(copy, "SELECT owner FROM takes WHERE n = 4") == [(None,)]
    assert copied.n_planned == 1
    assert "had not been sent yet" in repr(copied)
    assert [attempt.take_id for attempt in copy.uncertain()] == ["1-1"]
    assert [attempt.take_id for attempt in copy.unfinished()] == ["1-2"]


def test_a_copy_is_another_library_and_a_moved_one_is_the_same(library, tmp_path):
    """Workers that were sent to the one must not take up the other."""
    mine = library.folder.shards.library_id()

    library.back_up(tmp_path / "backup", show=False)
    library.copy_to(tmp_path / "moved", move=True, show=False)

    first = nb.Library(tmp_path / "backup").folder.shards.library_id()
    library.go_on_here()
    library.back_up(tmp_path / "backup", show=False)
    assert first != mine
    assert nb.Library(tmp_path / "backup").folder.shards.library_id() == first
    assert nb.Library(tmp_path / "moved").folder.shards.library_id() == mine


def test_a_moved_library_takes_no_orders_and_says_where_it_went(library, database, tmp_path):
    """What is kept is still shown, what waits to be sent went along, and there is a way back."""
    rewrite(library, "planned", None, "s/1", n=2)

    moved = library.copy_to(database, audio=tmp_path / "audio", move=True, show=False)

    there = nb.Library(database)
    assert moved.is_moved
    assert rows(there, "SELECT state, shard FROM takes WHERE n = 2") == [("planned", "s/1")]
    assert library.warning.startswith(f"This library was moved to {there.shown}")
    assert make("a waltz").id == library.search("waltz")[0].id
    with pytest.raises(LibraryError, match="was moved to postgresql"):
        make("something new")
    assert rows(library, "SELECT count(*) FROM takes WHERE state = 'submitting'") == [(0,)]
    assert library.go_on_here()
    assert library.warning is None
    make("something new")


def test_an_order_that_was_planned_before_is_not_sent_after_a_move(library, tmp_path):
    """The claim looks, too: whoever planned it may have been in time for that only."""
    folder = library.folder
    rewrite(library, "planned", folder.leases.me)
    facts = json.dumps({"to": "there", "at": "now", "is_done": True})
    sql(library, "INSERT INTO settings VALUES ('closed', ?)", facts)

    with pytest.raises(LibraryError, match="moved to there"):
        folder.journal.claim(2).result()


def test_and_back_again(library, tmp_path):
    """A library that was moved there and back has all that was made in both, and is open."""
    library.copy_to(tmp_path / "there", move=True, show=False)
    nb.connect("sandbox", library=tmp_path / "there")
    make("made there")

    nb.Library(tmp_path / "there").copy_to(library.path, move=True, show=False)

    assert library.warning is None
    assert len(library.search("made there")) == 1
    nb.connect("sandbox", library=library.path)
    make("made here")
    assert "was moved to" in nb.Library(tmp_path / "there").warning


def test_a_library_whose_jobs_are_looked_after_is_not_moved(library, tmp_path):
    """The kernel's next word about them would go into the library that was left."""
    rewrite(library, "submitted", library.folder.leases.me)
    library.folder.database.write(library.folder.leases.present).result()

    with pytest.raises(LibraryError, match="one job is still looked after"):
        library.copy_to(tmp_path / "there", move=True, show=False)
    assert library.warning is None
    library.copy_to(tmp_path / "copy", show=False)


def test_a_move_that_fails_leaves_the_original_open(library, tmp_path, monkeypatch):
    """Until the rows have arrived nothing was moved."""

    def fail(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(SQLiteDb, "count_on", fail)
    with pytest.raises(LibraryError, match="is full"):
        library.copy_to(tmp_path / "there", move=True, show=False)

    make("something new")


# -- what goes wrong -------------------------------------------------------------------------------

STOPS = {
    "with some recordings": ("from phaseo_nb.keeping.store import LocalStore as c", "put", 9),
    "with some rows": (
        "from phaseo_nb.keeping.backends.sqlite.opening import SQLiteDb as c",
        "fill",
        5,
    ),
    "before the commit": (
        "from phaseo_nb.keeping.copying.tables import Writing as c",
        "_compare",
        1,
    ),
    "after the commit": ("from phaseo_nb.keeping.copying import _Work as c", "result", 1),
}
KILLED = """
import os, signal, sys
{where}
whole, calls = c.{verb}, 0
def stop(*args, **more):
    global calls
    calls += 1
    if calls >= {n}:
        os.kill(os.getpid(), signal.SIG{signal})
    return whole(*args, **more)
c.{verb} = stop
from phaseo_nb.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def stopped(stop, *arguments, by="KILL"):
    where, verb, n = STOPS[stop]
    code = KILLED.format(where=where, verb=verb, n=n, signal=by)
    command = [*PYTHON, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("stop", STOPS)
def test_a_killed_copy_goes_on(stop, library, tmp_path):
    """Killed anywhere, a copy is empty or whole; run again, it is whole and has nothing twice."""
    library.close()
    ended = stopped(stop, "copy", library.path, tmp_path / "there")
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    half = nb.Library(tmp_path / "there")
    assert len(half.recent(100)) == (31 if stop == "after the commit" else 0)
    half.close()

    copied = library.copy_to(tmp_path / "there", show=False)

    assert copied.n_copied < 31
    whole = nb.Library(tmp_path / "there")
    assert dump(whole) == dump(library)
    assert sounds(whole) == sounds(library)
    files = [path for path in (tmp_path / "there" / "audio").rglob("*") if path.is_file()]
    assert len([path for path in files if not path.name.endswith(".part")]) == 31


@pytest.mark.parametrize("stop", ["with some rows", "before the commit", "after the commit"])
def test_a_killed_move_takes_no_orders_until_it_is_finished(stop, library, tmp_path):
    """Both might send what waits: so neither does, until it is run again or taken back."""
    library.close()
    ended = stopped(stop, "copy", "--move", library.path, tmp_path / "there")
    assert ended.returncode == -signal.SIGKILL, ended.stderr

    with pytest.raises(LibraryError, match=r"run the same again|was moved to"):
        make("something new")
    library.copy_to(tmp_path / "there", move=True, show=False)

    assert dump(nb.Library(tmp_path / "there")) == dump(library)
    assert "was moved to" in library.warning


@pytest.mark.parametrize("stop", ["with some recordings", "with some rows"])
def test_ctrl_c_stops_it_and_it_goes_on(stop, library, tmp_path):
    """In plain words and without a traceback."""
    library.close()
    ended = stopped(stop, "copy", library.path, tmp_path / "there", by="INT")

    assert ended.returncode == 130, ended.stderr
    assert "run the same again" in ended.stderr
    assert "Traceback" not in ended.stderr
    library.copy_to(tmp_path / "there", show=False)
    assert dump(nb.Library(tmp_path / "there")) == dump(library)


@pytest.mark.parametrize("which", ["target", "source"])
def test_a_database_that_goes_away_in_the_middle(which, library, database, tmp_path, monkeypatch):
    """Its connections are cut while rows are written: all of them are written anew."""
    from grounds.postgres import server

    from phaseo_nb.keeping.backends.postgres.connection import PostgresDb

    kind, place, source = PostgresDb, database, library
    if which == "source":
        library.copy_to(database, audio=tmp_path / "audio", show=False)
        kind, place, source = SQLiteDb, tmp_path / "back", nb.Library(database)
    calls, fill = [], kind.fill

    def cut_once(self, table, *more):
        calls.append(table)
        if len(calls) == 5:
            server().cut(database)
        return fill(self, table, *more)

    monkeypatch.setattr(kind, "fill", cut_once)
    source.copy_to(place, audio=tmp_path / "audio", show=False)

    # From the beginning: what was read before and after the cut would be of two moments.
    assert len(calls) > len(tables.TABLES)
    assert dump(nb.Library(place)) == dump(library)


def test_a_full_disk(library, tmp_path, monkeypatch):
    """It is said, the original is as it was, and once there is room the copy goes on."""
    written, write = [], FileSink.write

    def full(self, data):
        if len(written) >= 12:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(data)
        return write(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(FileSink, "write", full)
        with pytest.raises(LibraryError, match="No space left"):
            library.back_up(tmp_path / "backup", show=False)
    assert not nb.Library(tmp_path / "backup").recent()

    copied = library.back_up(tmp_path / "backup", show=False)

    assert copied.n_copied == 31 - 12
    assert len(sounds(nb.Library(tmp_path / "backup"))) == 31


def test_recordings_that_were_lost_before_are_listed(library, tmp_path):
    """They are no reason to copy nothing."""
    lost = library.recent(31)[3].track.path
    lost.unlink()

    copied = library.back_up(tmp_path / "backup", show=False)

    assert [Path(name).name for name in copied.missing] == [lost.name]
    assert copied.n_recordings == 30
    assert "the original has lost" in repr(copied)
    assert "library.doctor()" in copied._repr_html_()
    assert len(nb.Library(tmp_path / "backup").recent(100)) == 31


def test_a_recording_that_lies_there_damaged_is_written_anew(library, tmp_path):
    """A copy that was stopped may have left anything: what is there is read before it counts."""
    path = library.recent(1)[0].track.path
    there = tmp_path / "backup" / "audio" / path.relative_to(library.path / "audio")
    there.parent.mkdir(parents=True)
    there.write_bytes(b"\0" * path.stat().st_size)

    library.back_up(tmp_path / "backup", show=False)

    assert there.read_bytes() == path.read_bytes()


def test_rows_that_do_not_arrive_undo_the_copy(library, tmp_path, monkeypatch):
    """Everything is counted before it is committed."""
    library.back_up(tmp_path / "backup", show=False)
    before, fill = dump(nb.Library(tmp_path / "backup")), SQLiteDb.fill
    make("one more")

    def forgetful(self, table, names, rows):
        fill(self, table, names, list(rows)[1:] if table == "texts" else rows)

    monkeypatch.setattr(SQLiteDb, "fill", forgetful)
    with pytest.raises(LibraryError, match=r"31 of 32 rows of texts"):
        library.back_up(tmp_path / "backup", show=False)

    assert dump(nb.Library(tmp_path / "backup")) == before


READ_ONLY = """
import os, sys
from phaseo_nb.__main__ import main
from phaseo_nb.keeping.folder import close_all
home, target, warm = sys.argv[1:]
assert main(["copy", home, warm]) == 0  # imports what nobody may not read later
close_all()
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main(["copy", home, target]))
"""


@pytest.mark.skipif(os.name != "posix", reason="rights as POSIX has them")
def test_a_library_that_may_only_be_read_can_be_copied(library, home, tmp_path):
    """A disk that lets nothing be written any more is a reason for a copy."""
    heard = sounds(library)
    library.close()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    readable = [path for path in (home, *home.rglob("*")) if path.is_dir()]
    above = [path for path in home.parents if path != Path("/") and path.stat().st_mode & 5 != 5]
    modes = {path: path.stat().st_mode for path in (*readable, *above)}
    words = [str(home), str(tmp_path / "open" / "copy"), str(tmp_path / "warm")]
    try:
        for path in modes:
            path.chmod(0o755 if os.geteuid() == 0 or path in above else 0o555)
        command = [*PYTHON, "-c", READ_ONLY, *words]
        env = {**os.environ, "TMPDIR": "/tmp"}
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
    finally:
        for path, mode in modes.items():
            path.chmod(mode)

    assert ended.returncode == 0, ended.stderr
    assert "cannot be written" in ended.stderr
    assert sounds(nb.Library(tmp_path / "open" / "copy")) == heard


# -- the command -----------------------------------------------------------------------------------


class Ended(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(capsys):
    """Run a command in this process, as each new one takes a second to start."""

    def run(*arguments):
        folders.close_all()
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:  # argparse
            code = error.code
        folders.close_all()
        return Ended(code, *capsys.readouterr())

    return run


def test_the_command_copies_and_looks(command, library, tmp_path):
    """Backup, check-up and open jobs by hand: it ends with 0 where all is well, else with 1."""
    library.close()

    backup = command("backup", tmp_path / "backup")
    assert (backup.returncode, backup.stderr) == (0, "")
    assert "31 takes, 31 recordings" in backup.stdout
    well = command("doctor", "--library", tmp_path / "backup")
    assert (well.returncode, well.stdout.split("\n")[0]) == (0, "i The library is well")
    next((tmp_path / "backup" / "audio").rglob("*.mp3")).unlink()
    ill = command("doctor", "--library", tmp_path / "backup", "--quick")
    assert ill.returncode == 1
    assert command("unfinished").returncode == 0
    rewrite(library, "submitted", None)
    library.close()
    waiting = command("unfinished")
    assert waiting.returncode == 1
    assert "song 0" in waiting.stdout


def test_the_command_makes_no_library_by_looking(command, database):
    """A name of a database mistyped is told; nothing is made there."""
    for words in (["doctor"], ["unfinished", "--library"]):
        ended = command(*words, database)
        assert ended.returncode == 1
        assert "no journal was ever made there" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["copy", "{tmp}/nowhere", "{tmp}/x"], 1, "There is no library in"),
        (["doctor", "--library", "{tmp}/nowhere"], 1, "There is no library in"),
        (["copy", "{home}", "{home}"], 1, "Name another place"),
        (["backup", "postgresql://u@h/d"], 1, "A backup is a folder"),
        (["copy", "{home}", "mysql://u:hush@h/d"], 1, "no place for a library"),
        (["copy", "{home}"], 2, "usage:"),
        ([], 2, "usage:"),
        (["copy", "{home}", "x", "postgresql://u:hush@h/d"], 2, "unrecognized arguments"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_the_command_says_what_is_wrong(command, library, home, tmp_path, arguments, code, words):
    """In our words, with no traceback and no password."""
    library.close()

    ended = command(*(a.format(tmp=tmp_path, home=home) for a in arguments))

    assert ended.returncode == code, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hush" not in ended.stderr + ended.stdout
    assert not (tmp_path / "nowhere").exists()


def test_no_password_is_shown(command, library, database, tmp_path):
    """Neither by the command nor in what a copy remembers; as an argument it is warned of."""
    from grounds.postgres import SECRET

    library.close()
    moved = command("copy", "--move", library.path, database, "--audio", tmp_path / "audio")
    away = command("copy", library.path, f"{database}x", "--audio", tmp_path / "audio")
    said = moved.stdout + moved.stderr + away.stdout + away.stderr

    assert (moved.returncode, away.returncode) == (0, 1), said
    assert "others on this machine can read" in moved.stderr
    assert "does not exist there" in away.stderr
    assert SECRET not in said
    assert SECRET not in repr(rows(library, "SELECT * FROM settings"))
    there = nb.Library(SecretStr(database))
    assert SECRET not in repr(rows(there, "SELECT * FROM settings"))
    copied = there.copy_to(tmp_path / "back", show=False)
    assert SECRET not in repr(copied) + repr(vars(copied)) + copied._repr_html_()


# -- how far it is ---------------------------------------------------------------------------------


class Stream:
    def __init__(self, is_terminal):
        self.text, self.isatty = "", lambda: is_terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "file"])
def test_the_line_says_how_far_it_is_and_how_long_it_takes(monkeypatch, is_terminal):
    """One line drawn anew in a terminal; in a file a line every few seconds."""
    stream, now = Stream(is_terminal), [0.0]
    monkeypatch.setattr(sys, "stderr", stream)
    progress = Progress("Copying", clock=lambda: now[0])

    for n in range(0, 50_001, 1_000):
        now[0] = n / 10_000 * 60
        progress.recordings(n, 50_000, n * 280_000, 14_000_000_000, 0)
    progress.end()

    lines = re.split("[\r\n]+", stream.text)
    there = [line.strip() for line in lines if "12,000 of" in line]
    assert there == ["Copying: 12,000 of 50,000 recordings, 3.4 of 14.0 GB, about 4 min left"]
    assert ("\n" in stream.text, "\r" in stream.text) == (not is_terminal, is_terminal)


def test_in_a_notebook_the_line_is_one_output_and_ends_empty(library, tmp_path, monkeypatch):
    """It is drawn where a person has a cell, and what is returned says the rest."""
    IPython = pytest.importorskip("IPython")
    from IPython import display

    shown = []

    class Kernel:
        def get_parent(self, channel):
            return {"metadata": {"cellId": "a"}}

    class Handle:
        def update(self, bundle, raw):
            shown.append(bundle)

    def show(bundle, **_):
        shown.append(bundle)
        return Handle()

    shell = type("Shell", (), {"kernel": Kernel()})()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr(display, "display", show)
    library.back_up(tmp_path / "backup")

    assert "of 31 recordings" in shown[0]["text/plain"]
    assert "<div" in shown[0]["text/html"]
    assert shown[-1] == {"text/plain": ""}


def test_the_result_reads_well(library, tmp_path):
    """Where from, where to, how much, and that it was compared."""
    copied = library.back_up(tmp_path / "backup", show=False)

    text = repr(copied)
    assert f"From {library.shown} to {tmp_path / 'backup'}." in text
    assert "31 takes, 31 recordings" in text
    assert "each read back" in text
    assert "The library was copied" in copied._repr_html_()


# -- unfinished, mistyped, away --------------------------------------------------------------------


@pytest.fixture(params=["folder", "database"])
def target(request, tmp_path):
    """Where a copy goes, and the words of a command that say so."""
    if request.param == "folder":
        return tmp_path / "there", []
    return request.getfixturevalue("database"), ["--audio", tmp_path / "audio"]


def test_half_a_copy_takes_no_orders_until_it_is_whole(command, library, target):
    """It used to pass for an empty library; what was ordered in it ended the copy for good."""
    place, audio = target
    library.close()
    ended = stopped("with some recordings", "copy", library.path, place, *audio)
    assert ended.returncode == -signal.SIGKILL, ended.stderr

    half = nb.Library(place)
    assert f"A copy from {library.path} into this library" in half.warning
    assert "run the same copy again" in half.doctor().of("copy")[0]
    assert half.doctor(mend=True, remove_orphans=True).of("orphan")
    looked = command("doctor", "--library", place)
    assert (looked.returncode, "is not finished" in looked.stdout) == (1, True)
    nb.connect("sandbox", library=place)
    with pytest.raises(LibraryError, match=r"is not finished.*Nothing was sent"):
        make("something new")
    assert command("copy", library.path, place, *audio).returncode == 0

    whole = nb.Library(place)
    assert dump(whole) == dump(library)
    assert not whole.doctor().of("copy")
    assert "not finished" not in (whole.warning or "")
    nb.connect("sandbox", library=place)
    assert make("something new")


def test_half_a_copy_can_be_given_up(library, tmp_path):
    """Then it is a library like any other, and the copy goes elsewhere."""
    library.export(tmp_path / "exported")
    library.close()
    stopped("with some rows", "copy", library.path, tmp_path / "there", by="INT")
    half = nb.Library(tmp_path / "there")
    with pytest.raises(LibraryError, match="is not finished"):
        half.import_(tmp_path / "exported")
    nb.connect("sandbox", library=tmp_path / "there")
    with pytest.raises(LibraryError, match="is not finished"):
        nb.run(nb.Sweep(prompt=["one", "two"], name="s", duration=1).run())

    assert half.go_on_here()
    assert not half.go_on_here()

    nb.connect("sandbox", library=tmp_path / "there")
    assert make("something new")
    assert half.warning is None
    with pytest.raises(LibraryError, match="holds another library"):
        library.copy_to(tmp_path / "there", show=False)


def test_another_place_while_a_copy_is_on_its_way_undoes_it(library, tmp_path, monkeypatch):
    """Rows are never written beside recordings that went elsewhere."""
    carry = recordings.Carrier.carry_all

    def meanwhile(self):
        carry(self)
        audio = SecretStr(str(tmp_path / "other"))
        folders.Folder(self._target.home, audio=audio).close()

    monkeypatch.setattr(recordings.Carrier, "carry_all", meanwhile)
    with pytest.raises(LibraryError, match=r"lie at .*other.* now"):
        library.copy_to(tmp_path / "there", audio=tmp_path / "audio", show=False)
    monkeypatch.setattr(recordings.Carrier, "carry_all", carry)

    library.copy_to(tmp_path / "there", show=False)
    assert sounds(nb.Library(tmp_path / "there")) == sounds(library)
    assert len([path for path in (tmp_path / "other").rglob("*") if path.is_file()]) == 31


def test_a_slip_in_the_address_of_a_copys_audio_is_no_end(command, library, target, bucket):
    """The mistyped place used to stay in the target, which took no other one after that."""
    place, _ = target
    library.close()

    slip = command("copy", library.path, place, "--audio", "s3://no-such-tape/t")
    assert (slip.returncode, "there is no such bucket" in slip.stderr) == (1, True)
    again = command("copy", library.path, place, "--audio", f"{bucket}/t")

    assert again.returncode == 0, again.stderr
    assert nb.Library(place).folder.store.place == f"{bucket}/t"


def test_a_bucket_that_is_gone_is_a_finding(command, library, bucket, monkeypatch):
    """The check-up used to end there, and mending with it."""
    sql(library, "INSERT INTO settings VALUES ('audio', 's3://no-such-tape/t')")
    before = dump(library)
    library.close()
    monkeypatch.setenv("PHASEO_NB_AUDIO", "s3://no-such-tape/t")

    for words in (["doctor"], ["doctor", "--mend"], ["doctor", "--mend", "--quick"]):
        ended = command(*words)
        assert ended.returncode == 1
        for said in ("cannot be reached", "there is no such bucket", "31 takes have recordings"):
            assert said in ended.stdout
        assert "Traceback" not in ended.stderr

    monkeypatch.delenv("PHASEO_NB_AUDIO")
    assert dump(library) == before


def test_a_place_that_goes_away_between_look_and_mending(library, monkeypatch):
    """What was seen missing a moment ago is looked for again before it is forgotten."""
    next((library.path / "audio").rglob("*.mp3")).unlink()
    whole = LocalStore.survey

    def goes(self, *arguments, **more):
        found = whole(self, *arguments, **more)
        self.folder.rename(self.folder.with_name("away"))
        return found

    monkeypatch.setattr(LocalStore, "survey", goes)
    before = dump(library)
    checkup = library.doctor(mend=True)

    assert "nothing about recordings that are gone" in checkup.done[0]
    assert [found.kind for found in checkup.findings] == ["unreachable"]
    assert dump(library) == before
