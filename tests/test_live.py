"""The live line: who can watch, what is said, and that nothing is drawn where nobody can look."""

from __future__ import annotations

import sys
import types

import pytest
from wires import Wire

import phaseo_nb as nb
from phaseo_nb import live
from phaseo_nb.live import LiveLine, can_watch
from phaseo_nb.takes.handle import Job


class Shell:
    """What IPython gives inside a kernel: the request that is being answered."""

    def __init__(self, metadata):
        parent = {"header": {"msg_id": "m1"}, "metadata": metadata}
        self.kernel = types.SimpleNamespace(get_parent=lambda *_: parent)


@pytest.fixture
def in_kernel(monkeypatch):
    def enter(metadata):
        module = types.SimpleNamespace(get_ipython=lambda: Shell(metadata))
        monkeypatch.setitem(sys.modules, "IPython", module)

    return enter


@pytest.mark.parametrize(
    ("metadata", "watched"),
    [({"cellId": "abc", "recordTiming": False}, True), ({}, False), ({"papermill": {}}, False)],
)
def test_a_front_end_is_known_by_the_cell_it_names(in_kernel, metadata, watched):
    """Front ends put the cell's id into the request; programs that run notebooks do not."""
    in_kernel(metadata)

    assert can_watch() is watched


@pytest.mark.parametrize(("said", "watched"), [("1", True), ("0", False), ("off", False)])
def test_the_guess_can_be_overridden(monkeypatch, in_kernel, said, watched):
    """PHASEO_NB_LIVE wins over the guess, both ways."""
    in_kernel({} if watched else {"cellId": "abc"})
    monkeypatch.setenv("PHASEO_NB_LIVE", said)

    assert can_watch() is watched


def test_nobody_watches_outside_of_a_kernel():
    """In a script and in a terminal there is nothing to redraw."""
    assert can_watch() is False


@pytest.fixture
def session():
    return nb.connect("phaseo", api_key="phaseo_v1_sk_abcdef_xyz", transport=Wire().transport)


def job(**more):
    request = nb.MusicRequest(model="suno/v4.5", prompt="<b>a waltz</b>")
    return Job(n=1, request=request, prompt=request.prompt, **more)


def drawn(line, state):
    bundle = getattr(line, state)()
    return bundle["text/html"], bundle["text/plain"]


def test_the_running_line_says_what_where_and_how_to_stop(session):
    """Status, prompt, price, and that an interrupt ends the waiting only; the prompt is text."""
    waiting = job(price=nb.Cost(usd=0.06, is_estimate=True))
    waiting.update(nb.MusicJob(id="task_1", status="in_progress", provider="suno"))

    html, text = drawn(LiveLine(waiting, session), "_running")

    for said in ("suno", "task_1", "$0.06", "interrupt the cell"):
        assert said in html
        assert said in text
    assert "<b>" not in html
    assert "&lt;b&gt;a waltz" in html


def test_a_line_nobody_waits_for_does_not_talk_of_interrupts(session):
    """The line of submit() belongs to a cell that has ended; there is nothing to interrupt."""
    submitted = job()
    submitted.update(nb.MusicJob(id="task_1", status="queued"))

    html, text = drawn(LiveLine(submitted, session, cell_waits=False), "_running")

    assert "interrupt" not in html + text


def test_what_will_have_no_effect_is_said_above_the_line(session):
    """Words the provider ignores stand above the running line, before anything is paid for."""
    waiting = job(notes=("duration has no effect at suno: it decides the length itself",))
    waiting.begin_sending()

    html, text = drawn(LiveLine(waiting, session), "_running")

    assert html.index("duration has no effect") < html.index("Handing in")
    assert "duration has no effect" in text


def test_the_cost_of_a_failed_attempt_is_said_at_the_next(session):
    """Whoever tries again after a failure sees what the failed attempt cost."""
    again = job()
    again.failed_before = nb.Cost(usd=0.06)

    assert "It cost: $0.06" in drawn(LiveLine(again, session), "_running")[0]


def test_an_open_question_is_drawn_as_one(session):
    """A submission with an open outcome says what is known, and that it was not sent again."""
    lost = job(price=nb.Cost(usd=0.06))
    lost.fail(nb.UncertainSubmission("x", known="The line was cut.", price=nb.Cost(usd=0.06)))

    html, text = drawn(LiveLine(lost, session), "_final")

    assert "The line was cut." in html
    assert "not sent again" in text


def test_a_stopped_line_names_the_way_back(session):
    """After an interrupt the line says how to take the job up again."""
    stopped = job()
    stopped.update(nb.MusicJob(id="task_1", status="queued"))
    stopped.fail(nb.JobTimeout("stopped", job_id="task_1"))

    html, text = drawn(LiveLine(stopped, session), "_final")

    assert "nb.resume()" in html
    assert "nb.resume()" in text


def test_a_line_stopped_before_it_was_sent_says_that_nothing_was_paid(session):
    """Who stops a job that waits for its turn reads that there is nothing at the service."""
    stopped = job()
    stopped.stop_waiting()

    assert stopped.begin_sending() is False
    html, text = drawn(LiveLine(stopped, session), "_stopped")
    for said in (html, text):
        assert "nothing was paid" in said
        assert "nb.resume()" not in said


def test_a_line_of_a_job_that_another_kernel_asks_for_says_so(session):
    """Who watches a job of another kernel can read why it asks for nothing."""
    waiting = job()
    waiting.is_watched_elsewhere = True

    assert "another kernel" in drawn(LiveLine(waiting, session), "_running")[1]


def test_without_a_shell_nothing_is_printed(session, capsys):
    """In a script generate() returns the take and prints nothing."""
    assert live._shell() is None

    nb.run(nb.generate("a waltz", model="suno/v4.5", session=session))

    assert capsys.readouterr() == ("", "")
