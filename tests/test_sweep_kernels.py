"""A sweep is bought once, also where kernels are killed in the middle of it, or two run it."""

from __future__ import annotations

import sys

import pytest
from killing import Nursery
from paid_service import running_service, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked and killed")

PROMPTS = [f"Tune {letter}" for letter in "abcd"]
SWEEP = f'sweep = nb.Sweep(prompt={PROMPTS!r}, model="suno/v4.5", name="study")'
RUN = "nb.run(sweep.run(concurrency=2, show=False)); out = [c.state for c in sweep.cells()]"
OPEN = 'sweep = nb.Sweep(name="study")'
SHORT_LEASE = "kernels.LEASE = 1.5"


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

    def connected(name):
        kernel = nursery.kernel(home, service.url)
        kernel.run(f"session = connect({name!r}); {SHORT_LEASE}")
        return kernel

    return connected


def bought(service):
    return sorted(order["prompt"] for order in service.posts())


def test_a_kernel_that_is_killed_leaves_a_sweep_that_the_next_one_ends(service, connected):
    service.busy()
    first = connected("a")
    first.begin(f"{SWEEP}; {RUN}")
    until(lambda: len(service.posts()) == 2 and service.polls(), "two jobs to be on their way")
    first.kill()
    service.busy(False)

    states = connected("b").run(f"{OPEN}; {RUN}")

    assert states == ["kept"] * 4
    assert bought(service) == PROMPTS


def test_an_order_that_was_on_the_wire_is_in_doubt_and_not_sent_again(service, connected):
    service.hold("answer")
    first = connected("a")
    first.begin(f"{SWEEP}; nb.run(sweep.run(concurrency=1, show=False))")
    service.until_held("answer")
    first.kill()
    service.release()

    states = connected("b").run(f"{OPEN}; {RUN}")

    assert states == ["uncertain", "kept", "kept", "kept"]
    assert bought(service) == PROMPTS


def test_two_kernels_that_run_one_sweep_buy_it_once(service, connected):
    kernels = [connected("a"), connected("b")]
    for kernel in kernels:
        kernel.run(SWEEP)
    for kernel in kernels:
        kernel.begin(RUN)

    states = [kernel.end() for kernel in kernels]

    assert states == [["kept"] * 4] * 2
    assert bought(service) == PROMPTS
