"""Two kernels with one library share its jobs: one asks, the other looks on, none pays twice."""

from __future__ import annotations

import sys
import time

import pytest
from killing import Nursery
from paid_service import running_service, until

from phaseo_nb.keeping.kernels import BEAT, LEASE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked and killed")

CELL = 'out = cell("a waltz")'
BEGIN = 'job = nb.submit(**words("a waltz")); out = job.status'
# For a frozen kernel, which gives no sign of life anyway; one test waits for the real one.
SHORT_LEASE = "kernels.LEASE = 1.5"
END = "out = told(job.result(25))"


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


@pytest.fixture
def connected(nursery, service, home):
    """Return a new kernel of this library, connected under a name that the service sees."""

    def connected(name, **more):
        kernel = nursery.kernel(home, service.url)
        kernel.run(f"session = connect({name!r}, **{more!r})")
        return kernel

    return connected


def until_polled(service, who, more_than=0):
    def is_polled():
        return sum(poll["who"] == who for poll in service.polls()) > more_than

    until(is_polled, f"kernel {who} to ask for the job")


def job_of(service):
    (order,) = service.posts()
    return f"task_{order['number']}"


def n_polls(service, who):
    return sum(poll["who"] == who for poll in service.polls())


def test_the_same_request_in_two_kernels(connected, service):
    """Started in both, it is paid once, asked for by one, fetched once; both get the same take."""
    service.busy()
    a, b = connected("a"), connected("b")
    for kernel in (a, b):
        kernel.begin(CELL)  # at the same moment: who is first is decided by the file

    until(service.polls, "somebody to ask for the job")
    poller = service.polls()[0]["who"]
    until_polled(service, poller, more_than=20)
    service.busy(False)
    takes = [kernel.end() for kernel in (a, b)]

    assert len(service.posts()) == 1
    assert {poll["who"] for poll in service.polls()} == {poller}
    assert len(service.downloads()) == 1
    assert takes[0] == takes[1]
    assert takes[0]["sha256"]


def test_one_looks_on_while_the_other_hands_in(connected, service):
    """A request that is on its way in another kernel is neither sent again nor called in doubt."""
    service.hold("answer")
    a, b = connected("a"), connected("b")
    a.run(BEGIN)
    service.until_held("answer")

    b.run(BEGIN)
    b.run("while not job.is_watched_elsewhere: time.sleep(0.01)")
    found = b.run("out = listed()")
    service.release()

    assert found == {"unfinished": ["a waltz"], "uncertain": [], "kept": []}
    assert a.run(END) == b.run(END)
    assert len(service.posts()) == 1


@pytest.mark.parametrize("step", ["poll", "download"])
def test_the_one_that_asks_is_killed(connected, service, step):
    """When the kernel that looks after a job is killed, the other one finishes it at once."""
    service.hold(step)
    a, b = connected("a"), connected("b")
    a.run(BEGIN)
    service.until_held(step)
    b.run(BEGIN)
    assert n_polls(service, "b") == 0

    a.kill()
    killed_at = time.monotonic()
    service.release()
    take = b.run(END)

    assert time.monotonic() - killed_at < 5  # on the same machine nobody waits for a lease
    assert take["job"] == job_of(service)
    assert len(service.posts()) == 1


def test_the_one_that_hands_in_is_killed(connected, service):
    """When a kernel dies with an order on the wire, the one that looks on hears of the doubt."""
    service.hold("answer")
    a, b = connected("a"), connected("b")
    a.run(BEGIN)
    service.until_held("answer")
    b.begin(CELL)

    a.kill()
    end = b.end()

    assert end["error"] == "UncertainSubmission"
    assert "ended before" in end["message"]
    assert b.run(CELL)["error"] == "UncertainSubmission"
    assert len(service.posts()) == 1


def test_the_one_that_only_planned_is_killed(connected, nursery, service, home):
    """What a killed kernel had not sent yet is sent by the one that looked on, once."""
    a, b = connected("a"), connected("b")
    a.run('stop(journal.Journal, "claim", "before")')
    a.begin(CELL)
    a.until_here()
    b.begin(CELL)

    a.kill()

    assert b.end()["number"] == 1
    assert len(service.posts()) == 1


@pytest.mark.parametrize("limit", ["session", "library"])
def test_a_budget_holds_over_two_kernels(connected, service, limit):
    """With money for one of two jobs, exactly one of two kernels gets to pay."""
    budget = {"budget_usd": 0.10} if limit == "session" else {}
    a, b = connected("a", **budget), connected("b", **budget)
    if limit == "library":
        a.run('nb.library().set_budget(0.10, per="day")')
    service.hold("answer")  # the price of what is only reserved counts as well
    for kernel, prompt in ((a, "a waltz"), (b, "a tango")):
        kernel.begin(
            f"try:\n    job = nb.submit(**words({prompt!r}))\n"
            "except nb.BudgetExceeded as error:\n    out = str(error)"
        )
    refusals = {kernel: kernel.end() for kernel in (a, b)}
    service.until_held("answer")
    service.release()

    (winner,) = [kernel for kernel, refusal in refusals.items() if refusal is None]
    (refusal,) = [refusal for refusal in refusals.values() if refusal is not None]
    assert "nothing was sent" in refusal
    assert winner.run(END)["number"] == 1
    assert len(service.posts()) == 1


def test_a_kernel_that_stood_still(connected, service):
    """A frozen kernel loses its job to another one; thawed, it gets the same take, unpaid."""
    service.busy()
    a, b = connected("a"), connected("b")
    a.run(BEGIN)
    until_polled(service, "a")
    a.freeze()
    frozen_at = time.monotonic()

    b.begin(BEGIN + "\n" + END)
    until_polled(service, "b")
    waited = time.monotonic() - frozen_at
    service.busy(False)
    take = b.end()
    a.thaw()

    assert LEASE - BEAT < waited < 20
    assert a.run(END) == take
    assert len(service.posts()) == 1


def test_a_late_answer_is_recorded(connected, service):
    """An order given up as doubtful while its kernel stood still becomes a take when it answers."""
    service.hold("answer")
    a, b = connected("a"), connected("b")
    a.run(BEGIN)
    service.until_held("answer")
    a.freeze()
    b.run(SHORT_LEASE)
    assert b.run(CELL)["error"] == "UncertainSubmission"
    assert b.run("out = listed()")["uncertain"] == ["a waltz"]

    service.release()
    a.thaw()

    take = a.run(END)
    assert take["job"] == job_of(service)
    assert b.run(CELL) == take
    assert len(service.posts()) == 1


def test_an_order_given_up_before_it_was_sent_is_not_sent(connected, service):
    """A kernel that stood still before it claimed its order does not send what another one sent."""
    a, b = connected("a"), connected("b")
    a.run(
        "inner = journal.Journal.claim\n"
        "def claim(self, n, **options):\n"
        "    Path(MARKS, 'here').touch()\n"
        "    while not Path(MARKS, 'go').exists(): time.sleep(0.01)\n"
        "    return inner(self, n, **options)\n"
        "journal.Journal.claim = claim"
    )
    a.run('job = nb.submit(**words("a waltz"))')
    a.until_here()
    a.freeze()
    b.run(SHORT_LEASE)
    take = b.run(CELL)
    a.thaw()
    (a.marks / "go").touch()

    end = a.run(
        "try:\n    out = told(job.result(25))\n"
        "except nb.PhaseoError as error:\n    out = str(error)"
    )
    assert "not sent" in end
    assert a.run(CELL) == take
    assert len(service.posts()) == 1


def test_many_kernels_open_a_new_library_at_once(nursery, service, home):
    """Six kernels that begin together on an empty folder all get the same whole library."""
    kernels = [nursery.kernel(home, service.url) for _ in range(6)]
    for number, kernel in enumerate(kernels):
        kernel.begin(f'session = connect("k{number}"); out = cell("a waltz")')

    takes = [kernel.end() for kernel in kernels]

    assert takes == takes[:1] * 6
    assert len(service.posts()) == 1
    assert [path.name for path in home.glob(".*.new*")] == []
