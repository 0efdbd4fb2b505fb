"""A kernel that is killed at any step loses nothing that was paid and buys nothing twice.

What was paid is counted by the service, in a process that no kill reaches. After each kill the
journal is looked at as it lies on the disk, then by a new kernel that lists, resumes and runs the
same cell again.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from contextlib import closing
from typing import NamedTuple

import pytest
from killing import Nursery
from paid_service import running_service, until

from phaseo_nb.keeping.backends.sqlite import migrations

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked and killed")

SUNO = "suno/v4.5"
MINIMAX = "minimax/music-2.6"
CELL = "session = connect(); out = cell({prompt!r}, {model!r})"


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    nursery = Nursery(tmp_path_factory.mktemp("kernels"))
    yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def service(running, nursery):
    running.forget()
    yield running
    running.release()
    nursery.clear()


class Step(NamedTuple):
    name: str
    until: str
    """Code that sets the stop up; or the step at which the service holds the request."""
    finds: str
    """What a new kernel finds: nothing, uncertain, unfinished or kept."""
    paid: int
    """Orders that the service counted when the kernel was killed."""
    model: str = SUNO


STEPS = [
    Step("in the middle of planning", 'stop(ordering, "note_event", "before")', "nothing", 0),
    Step("before claim", 'stop(journal.Journal, "claim", "before")', "nothing", 0),
    Step("in the middle of claim", 'stop(journal, "note_event", "before")', "nothing", 0),
    Step("after claim", 'stop(journal.Journal, "claim", "after")', "uncertain", 0),
    Step("while posting", "post", "uncertain", 0),
    Step("after post, before the answer", "answer", "uncertain", 1),
    Step("before answered", 'stop(journal.Journal, "answered", "before")', "uncertain", 1),
    Step("in the middle of answered", 'stop(journal, "change_state", "before")', "uncertain", 1),
    Step("after answered", 'stop(journal.Journal, "answered", "after")', "unfinished", 1),
    Step("while polling", "poll", "unfinished", 1),
    Step("before completed", 'stop(journal.Journal, "completed", "before")', "unfinished", 1),
    Step("after completed", 'stop(journal.Journal, "completed", "after")', "unfinished", 1),
    Step("in the middle of the download", "download", "unfinished", 1),
    Step("before the store", 'stop(store.LocalStore, "put", "before")', "unfinished", 1),
    Step("before rename", 'stop(store.local.FileSink, "settle", "before")', "unfinished", 1),
    Step("after rename, before its row", 'stop(store.LocalStore, "put", "after")', "unfinished", 1),
    Step("in the middle of keep", 'stop(journal, "end_take", "before")', "unfinished", 1),
    Step("after keep", 'stop(journal.Journal, "keep", "after")', "kept", 1),
    # These bring the music with the answer to the order, and never again.
    Step("music is being made", "answer", "uncertain", 1, MINIMAX),
    Step(
        "music before the store", 'stop(store.LocalStore, "put", "before")', "uncertain", 1, MINIMAX
    ),
    Step(
        "music after the store", 'stop(store.LocalStore, "put", "after")', "uncertain", 1, MINIMAX
    ),
    Step(
        "music after answered",
        'stop(journal.Journal, "answered", "after")',
        "unfinished",
        1,
        MINIMAX,
    ),
    Step("music before keep", 'stop(journal.Journal, "keep", "before")', "unfinished", 1, MINIMAX),
    Step("music after keep", 'stop(journal.Journal, "keep", "after")', "kept", 1, MINIMAX),
]


def kill_at(step, nursery, service, home, prompt):
    """Run a cell in a new kernel and kill it at a step."""
    kernel = nursery.kernel(home, service.url)
    is_hold = "(" not in step.until
    if is_hold:
        service.hold(step.until)
    else:
        kernel.run(step.until)
    kernel.begin(CELL.format(prompt=prompt, model=step.model))
    service.until_held(step.until) if is_hold else kernel.until_here()
    n_paid = len(service.posts())
    kernel.kill()
    return n_paid


def on_disk(home):
    """The states of all rows as they lie on the disk, by prompt."""
    with closing(sqlite3.connect(home / "journal.db")) as db:
        return [tuple(row) for row in db.execute("SELECT prompt, state FROM takes ORDER BY n")]


def check_books(service, home):
    """Whatever was paid stands in the journal, in a state that a person gets to see."""
    stands = [prompt for prompt, state in on_disk(home) if state not in ("planned", "failed")]
    for order in service.posts():
        assert order["prompt"] in stands, f"lost: {order}"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_killed_at_a_step(step, nursery, service, home):
    """Killed at this step: paid at most once, and what is open is listed until it is settled."""
    prompt = f"a waltz, killed {step.name}"

    assert kill_at(step, nursery, service, home, prompt) == step.paid
    check_books(service, home)
    service.release()
    if step.until == "post":  # what was on the wire is bought though nobody is there any more
        until(service.posts, "the order on the wire to be counted")
    n_paid = len(service.posts())
    check_books(service, home)

    kernel = nursery.kernel(home, service.url)
    kernel.run("session = connect()")
    news = kernel.said
    found = kernel.run("out = listed()")
    nothing = {"unfinished": [], "uncertain": [], "kept": []}
    assert found == nothing | ({step.finds: [prompt]} if step.finds != "nothing" else {})
    assert ("1 unfinished job" in news) == (step.finds == "unfinished")
    assert ("1 in doubt" in news) == (step.finds == "uncertain")

    resumed = kernel.run("out = list(resume())")
    assert resumed == (["kept"] if step.finds == "unfinished" else [])
    check_books(service, home)
    assert len(service.posts()) == n_paid

    again = kernel.run(f"out = cell({prompt!r}, {step.model!r})")
    if step.finds == "uncertain":
        assert again["error"] == "UncertainSubmission"
        assert "fresh=True" in again["message"]
        assert kernel.run("out = listed()")["uncertain"] == [prompt]
        assert len(service.posts()) == n_paid
    else:
        assert again["number"] == 1
        assert kernel.run("out = listed()") == nothing | {"kept": [prompt]}
        assert len(service.posts()) == 1
    check_books(service, home)


def test_killed_at_a_refused_order(nursery, service, home):
    """An order that was refused, and whose kernel died before it noted that, stays in doubt."""
    kernel = nursery.kernel(home, service.url)
    kernel.run('stop(journal.Journal, "withdraw", "before")')
    kernel.begin(CELL.format(prompt="refuse a waltz", model=SUNO))
    kernel.until_here()
    kernel.kill()

    kernel = nursery.kernel(home, service.url)
    kernel.run("session = connect()")
    assert kernel.run('out = cell("refuse a waltz")')["error"] == "UncertainSubmission"
    kernel.run("nb.library().uncertain()[0].write_off(0)")
    assert kernel.run('out = cell("refuse a waltz")')["error"] == "InsufficientFunds"
    assert service.posts() == []


def test_killed_at_random_moments(nursery, service, home):
    """Whenever kernels are killed: each request is paid at most once and nothing is lost."""
    chance = random.Random(20_261_125)
    prompts: dict[str, str] = {}
    for number in range(12):
        prompts |= {f"étude {number}-{n}": (SUNO, SUNO, MINIMAX)[n] for n in range(3)}
        kernel = nursery.kernel(home, service.url)
        kernel.begin(
            f"session = connect(); nb.resume(show=False)\n"
            f"for prompt, model in {prompts!r}.items():\n"
            "    try:\n        nb.submit(**words(prompt, model))\n"
            "    except nb.UncertainSubmission:\n        pass\n"
            "come_to('here')"
        )
        if number % 3:
            kernel.until_here()
        time.sleep(chance.uniform(0.0, 0.5))
        kernel.kill()
        check_books(service, home)

    kernel = nursery.kernel(home, service.url)
    kernel.run("session = connect()")
    resumed = kernel.run("out = list(resume())")
    assert set(resumed) <= {"kept"}
    ends = {p: kernel.run(f"out = cell({p!r}, {model!r})") for p, model in prompts.items()}
    found = kernel.run("out = listed()")

    orders = [order["prompt"] for order in service.posts()]
    assert len(orders) == len(set(orders)), "bought twice"
    assert set(orders) <= {*found["kept"], *found["uncertain"]}, "lost"
    assert found["unfinished"] == []
    assert {p for p, end in ends.items() if "error" in end} == set(found["uncertain"])
    assert len(found["kept"]) + len(found["uncertain"]) == len(prompts)


@pytest.mark.parametrize(
    "stop",
    [
        'stop(opening, "migrate", "before")',
        'stop(migrations, "_run", "after", on=2)',
        'stop(opening, "_put_in_place", "before")',
        'stop(opening, "_put_in_place", "after")',
        'stop(folder, "Journal", "before")',
    ],
    ids=["still empty", "half a file", "not in its place yet", "in its place", "opened"],
)
def test_killed_while_the_library_is_made(stop, nursery, service, home):
    """A kernel that dies while it makes the library leaves none, or a whole one."""
    kernel = nursery.kernel(home, service.url)
    kernel.run(stop)
    kernel.begin("session = connect()")
    kernel.until_here()
    kernel.kill()

    kernel = nursery.kernel(home, service.url)
    kernel.run("session = connect()")
    assert "number" in kernel.run('out = cell("a waltz")')
    assert len(service.posts()) == 1


def older_file(home):
    """Turn a library's file into one of the first shape, with what is in it."""
    file = home / "journal.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.rename(home / "today.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        migrations.MIGRATIONS[0](db)
        db.execute("PRAGMA user_version = 1")
        db.execute("ATTACH ? AS today", (str(home / "today.db"),))
        for table in ("kernels", "takes", "tracks", "recordings", "events"):
            now = {row[1] for row in db.execute(f"PRAGMA today.table_info({table})")}
            names = [r[1] for r in db.execute(f"PRAGMA main.table_info({table})") if r[1] in now]
            columns = ", ".join(names)
            db.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM today.{table}")
        db.execute("DETACH today")
    for suffix in ("", "-wal", "-shm"):
        (home / f"today.db{suffix}").unlink(missing_ok=True)


HALFWAY = """
inner = migrations.MIGRATIONS[{at}]
def halfway(db):
    inner(db)
    come_to("here")
steps = list(migrations.MIGRATIONS)
steps[{at}] = halfway
migrations.MIGRATIONS = tuple(steps)
"""


@pytest.mark.parametrize(
    "stop",
    [
        'stop(opening.os, "replace", "before")',
        HALFWAY.format(at=1),
        HALFWAY.format(at=-1),
        'stop(opening, "migrate", "after")',
    ],
    ids=["in the copy", "in the second shape", "in the last shape", "after it"],
)
def test_killed_while_the_library_changes_its_shape(stop, nursery, service, home):
    """Killed in the middle of a migration: takes and open jobs are there, and so is a copy."""
    kernel = nursery.kernel(home, service.url)
    kernel.run("session = connect()")
    before = kernel.run('out = cell("a waltz")')
    service.busy()
    kernel.run('nb.submit(**words("a tango"))')
    until(service.posts, "the tango to be ordered")
    until(lambda: ("a tango", "submitted") in on_disk(home), "the tango to be written down")
    kernel.kill()
    older_file(home)

    kernel = nursery.kernel(home, service.url)
    kernel.run(stop)
    kernel.begin("session = connect()")
    kernel.until_here()
    kernel.kill()
    service.busy(False)

    kernel = nursery.kernel(home, service.url)
    kernel.run("session = connect()")
    assert kernel.run("out = listed()") == {
        "unfinished": ["a tango"],
        "uncertain": [],
        "kept": ["a waltz"],
    }
    assert kernel.run("out = list(resume())") == ["kept"]
    assert kernel.run('out = cell("a waltz")') == before
    assert len(service.posts()) == 2
    with closing(sqlite3.connect(home / "journal.db.v1.backup")) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 1
        rows = db.execute("SELECT prompt, state FROM takes ORDER BY n").fetchall()
    assert rows == [("a waltz", "kept"), ("a tango", "submitted")]
    with closing(sqlite3.connect(home / "journal.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == migrations.LATEST
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
