"""Many jobs in one process: each is bought, kept and found once; waiting ones cost next to nothing.

How quickly, and at what cost, is measured in ``tests/benchmarks/bench_scale.py``.
"""

from __future__ import annotations

import threading
import time

import pytest
from journals import rows
from wires import KEY, Wire

import phaseo_nb as nb

MODEL = "suno/v4.5"
N = 80


def submit(session, prompt):
    return nb.submit(prompt, model=MODEL, show=False, session=session)


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def session(quick, wire):
    return nb.connect("phaseo", api_key=KEY, transport=wire.transport)


def test_many_jobs_at_once_are_each_bought_and_kept_once(session, wire, home):
    """As many orders, takes, rows that say kept, and words to find as there were jobs."""
    jobs = [submit(session, f"a waltz, number {n}") for n in range(N)]
    takes = [job.result(60) for job in jobs]

    assert sorted(post["prompt"] for post in wire.posts) == sorted(job.prompt for job in jobs)
    assert len({take.job.id for take in takes}) == N
    states = rows(home, "SELECT state, count(*) FROM takes GROUP BY state")
    events = rows(home, "SELECT state, count(*) FROM events GROUP BY state")
    assert states == [("kept", N)]
    steps = ("planned", "submitting", "submitted", "completed", "kept")
    assert dict(events) == dict.fromkeys(steps, N)
    for n in (0, 57, N - 1):
        (found,) = session.library.search(f"number {n}")
        assert found.id == takes[n].id


def test_the_rows_know_the_last_word_and_the_recordings(session):
    """What is written down once, and not again for each step, is there all the same."""
    for job in [submit(session, f"a waltz, number {n}") for n in range(20)]:
        job.result(60)
    session.library.close()

    for take in nb.library().recent(20):
        assert take.job.status == "completed"
        assert take.track.title == "Tide"
        assert take.cost.usd == pytest.approx(0.06)
        assert take.track.path.exists()


def test_jobs_that_wait_have_no_thread_and_ask_nothing(wire):
    """Two hundred that are being made: no thread each, no work; all can be let go at once."""
    wire.gets = [lambda wire: wire.state("in_progress")]
    session = nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    session._client.poll = lambda interval: iter([3600.0])
    n_threads = threading.active_count()
    jobs = [submit(session, f"a waltz, number {n}") for n in range(200)]
    ends = time.monotonic() + 30
    while not all(job.id for job in jobs) and time.monotonic() < ends:
        time.sleep(0.01)

    assert [job.status for job in jobs] == ["queued"] * 200
    assert wire.polls == []
    assert threading.active_count() <= n_threads + 2  # the engine and the library's writer
    for job in jobs:
        job.stop_waiting()
    for job in jobs:
        with pytest.raises(nb.JobTimeout):
            job.result(30)
    assert len(session.library.unfinished()) == 200


@pytest.fixture
def drawn(monkeypatch):
    """The takes whose players were worked out ahead."""
    found = []
    inner = nb.Take.prepare

    def prepare(take):
        found.append(take.id)
        return inner(take)

    monkeypatch.setattr(nb.Take, "prepare", prepare)
    return found


def test_players_are_worked_out_ahead_only_where_somebody_looks(session, wire, drawn):
    """Drawing takes a hundred times what keeping takes; unseen it is left for later."""
    may_end = threading.Event()
    may_end.set()
    wire.gets = [lambda wire: wire.done() if may_end.is_set() else wire.state("in_progress")]
    unseen = submit(session, "a waltz nobody sees").result(30)
    assert drawn == []

    may_end.clear()
    job = session.start("a waltz on show", model=MODEL)
    job.subscribe(lambda job: None)
    may_end.set()
    seen = job.result(30)

    assert drawn == [seen.id]
    assert "<audio" in unseen._repr_html_()  # it is there when it is asked for
