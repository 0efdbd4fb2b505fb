"""The check-up finds what is wrong between journal and files, and mends only when it is asked."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import httpx
import pytest
from wires import KEY, Wire, sine_wav

import phaseo_nb as nb

pytestmark = pytest.mark.usefixtures("quick")

WORDS = {"model": "suno/v4.5", "show": False}


@pytest.fixture
def wire():
    wire = Wire()
    nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    return wire


def make(prompt="a waltz", **more):
    return nb.run(nb.generate(prompt, **{**WORDS, **more}))


def change(home, *statements):
    """Change the journal as a faulty disk or a stranger would: behind the library's back."""
    db = sqlite3.connect(home / "journal.db")
    with db:
        for statement in statements:
            db.execute(statement)
    db.close()


def plant(home, data, suffix=".wav", *, age=7200.0):
    """Put a file of some age into the store."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = home / "audio" / sha256[:2] / f"{sha256}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (time.time() - age,) * 2)
    return path


def snapshot(home):
    """Everything in the audio folder, and the rows that count."""
    files = {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and "journal.db" not in path.name
    }
    db = sqlite3.connect(home / "journal.db")
    tables = {
        name: db.execute(f"SELECT * FROM {name}").fetchall()
        for name in ("takes", "tracks", "recordings", "settings", "texts")
    }
    db.close()
    return files, tables


def kinds(checkup):
    return [found.kind for found in checkup.findings]


def test_a_healthy_library_is_well(wire):
    """Nothing is found where nothing is wrong, and the check-up says what it looked at."""
    make()

    checkup = nb.library().doctor()

    assert checkup.is_well
    assert "The library is well" in repr(checkup)
    assert "1 take and 1 recording" in repr(checkup)
    assert nb.library().doctor(quick=True, mend=True).done == ()


def test_an_empty_library_is_well():
    """A library in which nothing was made yet has nothing wrong with it."""
    assert nb.library().doctor().is_well


# -- each kind of damage -------------------------------------------------------------------------


def gone(home, path):
    path.unlink()


def shortened(home, path):
    path.write_bytes(path.read_bytes()[:-10])


def flipped(home, path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def orphaned(home, path):
    plant(home, sine_wav(0.3))


def broken_off(home, path):
    part = path.with_name(".x.wav.abc.part")
    part.write_bytes(b"half")
    os.utime(part, (time.time() - 7200,) * 2)


def not_indexed(home, path):
    change(home, "DROP TRIGGER texts_inserted")


def wrong_index(home, path):
    change(home, "DELETE FROM words_data WHERE id > 10")


def index_of_other_texts(home, path):
    change(home, "DROP TRIGGER texts_updated", "UPDATE texts SET prompt = 'a samba'")


def name_of(value):
    """Return what a parameter is called in the name of its test."""
    return getattr(value, "__name__", value)


DAMAGE = [
    (gone, "missing"),
    (shortened, "changed"),
    (flipped, "changed"),
    (orphaned, "orphan"),
    (broken_off, "part"),
    (not_indexed, "index"),
    (wrong_index, "index"),
    (index_of_other_texts, "index"),
]


@pytest.mark.parametrize(("damage", "kind"), DAMAGE, ids=name_of)
def test_damage_is_found_and_only_looked_at(wire, home, damage, kind):
    """Each kind of damage is found and named, in words and in HTML, and nothing is changed."""
    take = make()
    damage(home, take.track.path)
    before = snapshot(home)

    checkup = nb.library().doctor()

    assert kinds(checkup) == [kind]
    assert not checkup.is_well
    for shown in (repr(checkup), checkup._repr_html_()):
        assert checkup.findings[0].means.split(".")[0] in shown.replace("&#x27;", "'")
        assert "Mending" in shown
    assert snapshot(home) == before


@pytest.mark.parametrize(
    ("damage", "kind"),
    [pair for pair in DAMAGE if pair[1] != "orphan"],
    ids=name_of,
)
def test_mending_mends(wire, home, damage, kind):
    """After mending on request nothing of that kind is found, and what was done is said."""
    take = make()
    damage(home, take.track.path)

    mended = nb.library().doctor().mend()

    assert kind not in kinds(mended)
    assert len(mended.done) == 1
    assert f"Done: {mended.done[0]}" in repr(mended)
    assert [t.id for t in nb.library().search("waltz" if kind != "index" else "Tide")] == [take.id]


@pytest.mark.parametrize("damage", [gone, shortened, flipped])
def test_a_mended_take_is_fetched_again_by_its_cell(wire, home, damage):
    """What was lost or damaged comes again from the service when its cell runs, for nothing."""
    take = make()
    damage(home, take.track.path)
    nb.library().doctor(mend=True)
    nb.library().close()

    again = make()

    assert again.id == take.id
    assert again.track.recording == sine_wav()
    assert len(wire.posts) == 1
    assert "missing" not in kinds(nb.library().doctor())


def test_a_take_without_its_recording_says_why(wire, home):
    """The card of a take whose file was found missing says so instead of blaming the service."""
    take = make()
    take.track.path.unlink()

    nb.library().doctor(mend=True)

    assert "found missing" in nb.library().get(take.id)._repr_html_()


def test_a_damaged_recording_is_set_aside_not_deleted(wire, home):
    """A file with a wrong hash keeps its bytes under another name, and is told from then on."""
    path = make().track.path
    flipped(home, path)
    damaged = path.read_bytes()

    mended = nb.library().doctor(mend=True)

    assert not path.exists()
    assert path.with_name(path.name + ".damaged").read_bytes() == damaged
    assert kinds(mended) == ["set_aside"]
    assert nb.library().doctor(mend=True).of("set_aside") == mended.of("set_aside")


def test_a_quick_look_reads_no_recording(wire, home):
    """quick=True finds wrong lengths and missing files, not a flipped bit."""
    path = make().track.path
    flipped(home, path)
    assert nb.library().doctor(quick=True).is_well

    path.write_bytes(b"short")

    assert kinds(nb.library().doctor(quick=True)) == ["changed"]


# -- orphans -------------------------------------------------------------------------------------


def test_orphans_go_only_when_asked_by_name(wire, home):
    """mend=True keeps audio that no row knows; remove_orphans=True deletes it."""
    make()
    orphan = plant(home, sine_wav(0.3))

    assert kinds(nb.library().doctor(mend=True)) == ["orphan"]
    assert orphan.exists()
    mended = nb.library().doctor(mend=True, remove_orphans=True)

    assert mended.is_well
    assert not orphan.exists()
    assert len(list((home / "audio").rglob("*.wav"))) == 1


def test_an_orphan_somebody_may_come_for_is_kept(wire, home):
    """While a job is open or uncertain, or the file is young, no orphan is deleted."""
    young = plant(home, sine_wav(0.4), age=60)
    nb.library().doctor(mend=True, remove_orphans=True)
    assert young.exists()

    orphan = plant(home, sine_wav(0.3))
    wire.post = lambda _: httpx.ReadTimeout("lost")
    with pytest.raises(nb.UncertainSubmission):
        make()
    mended = nb.library().doctor(mend=True, remove_orphans=True)

    assert orphan.exists()
    assert any("may still come for it" in words for words in mended.done)
    nb.library().uncertain()[0].write_off()
    nb.library().doctor(mend=True, remove_orphans=True)
    assert not orphan.exists()
    assert young.exists()


def test_a_young_unfinished_file_is_left_alone(wire, home):
    """A download that runs right now is not pulled away from under its kernel."""
    part = make().track.path.with_name(".now.part")
    part.write_bytes(b"half")

    nb.library().doctor(mend=True)

    assert part.exists()


# -- open ends -----------------------------------------------------------------------------------


DYING = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
import phaseo_nb as nb
from wires import KEY, Wire
os.environ["PHASEO_NB_HOME"] = sys.argv[1]

def die(wire):
    os.kill(os.getpid(), signal.SIGKILL)

wire = Wire(**{sys.argv[3]: die if sys.argv[3] == "post" else [die]})
nb.connect("phaseo", api_key=KEY, transport=wire.transport)
nb.run(nb.generate("a waltz", model="suno/v4.5", show=False))
"""


def die_while(home, step):
    tests = os.path.dirname(__file__)
    call = [sys.executable, "-c", DYING, str(home), tests, step]
    assert subprocess.run(call, timeout=60, check=False).returncode == -9


def test_the_lease_of_a_dead_kernel_is_found_and_freed(wire, home):
    """A paid job whose kernel was killed is listed, and after mending it can be taken up."""
    die_while(home, "gets")

    assert kinds(nb.library().doctor()) == ["lease"]
    assert kinds(nb.library().doctor()) == ["lease"]
    mended = nb.library().doctor(mend=True)

    assert mended.is_well
    assert len(nb.library().unfinished()) == 1


def test_what_was_being_handed_in_becomes_uncertain_when_mended(wire, home):
    """A kernel killed while it submitted leaves a lease; mending turns it into an open question."""
    die_while(home, "post")
    assert kinds(nb.library().doctor()) == ["lease"]

    mended = nb.library().doctor(mend=True)

    assert kinds(mended) == ["uncertain"]
    assert "library.uncertain()" in repr(mended)
    assert kinds(nb.library().doctor(mend=True)) == ["uncertain"]  # a person decides


def test_a_job_paid_in_silence_is_listed(wire):
    """A job that completed without audio stays on the list until it is settled."""
    wire.gets = [lambda wire: wire.state("completed")]
    with pytest.raises(nb.JobFailed):
        make()

    assert kinds(nb.library().doctor(mend=True)) == ["empty"]


# -- the journal ---------------------------------------------------------------------------------


def test_a_damaged_journal_is_told_and_left_alone(wire, home):
    """A row that an index has lost is found by SQLite's own check; the journal is not touched."""
    make()
    db = sqlite3.connect(home / "journal.db")
    page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'takes_by_key'").fetchone()
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    nb.library().close()
    with closing(sqlite3.connect(home / "journal.db")) as db, db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    with (home / "journal.db").open("r+b") as file:
        file.seek((page[0] - 1) * size)
        file.write(b"\x0a" + bytes(2) + bytes(2) + b"\x00\x00\x00")  # a leaf without cells

    checkup = nb.library().doctor(mend=True)

    assert "journal" in kinds(checkup)
    assert ".recover" in repr(checkup)
    assert checkup.done == ()


def test_hostile_titles_and_names_stay_text(wire, home):
    """What a check-up quotes is escaped in HTML and made visible in text."""
    make("<script>alert(1)</script>\x1b[31m").track.path.unlink()
    plant(home, b"x", ".<b>")
    (home / "audio" / "ab").mkdir(exist_ok=True)
    (home / "audio" / "ab" / "\x1b[31m<img src=x>").write_bytes(b"")

    checkup = nb.library().doctor()

    assert set(kinds(checkup)) == {"missing", "orphan"}
    assert "<script" not in checkup._repr_html_()
    assert "<img" not in checkup._repr_html_()
    assert "\x1b" not in repr(checkup)
