"""A kernel is killed between a callback and its reading: nothing is lost, nothing bought twice."""

from __future__ import annotations

import sys

import pytest
from killing import Nursery
from paid_service import until

import phaseo_nb as nb
from phaseo_nb.callbacks import Spool
from phaseo_nb.sandbox import callbacks, delayed, slow

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked and killed")

PUBLIC = "https://music.example.org"
UDIO = f"""
from phaseo_nb.session import listening
from phaseo_nb.callbacks import spool
from phaseo_nb.client import asking

nb.connect("udio", api_key="a-key-of-nobody", base_url=URL, callbacks={PUBLIC!r})
"""
CELL = 'nb.submit("slow harp", model="chirp-v4-5", show=False).result(60)'


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    made = Nursery(tmp_path_factory.mktemp("nursery"))
    yield made
    made.close()


@pytest.fixture
def world(nursery, home):
    """A service on a port, and a door in this process, which outlives the kernels."""
    with nb.callback_listener() as door:
        box = nb.Sandbox(speed=4.0, hosts={PUBLIC: door.url})
        with box.serve() as server:
            yield box, lambda: nursery.kernel(home, server.udio_url)
    nursery.clear()


def arrivals():
    return [name for names in Spool().names().values() for name in names]


STEPS = {
    "before the first is read": 'stop(spool.Spool, "read", "before")',
    "after the last is read": 'stop(listening, "_read", "after", on=3)',
    "before the feed is asked": 'stop(asking.Asking, "get", "before")',
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_killed_between_a_callback_and_its_reading(world, step):
    """What arrived lies on disk; the next kernel takes the job up and keeps what the feed says."""
    box, start = world
    box.script(None, delayed(4.0))
    kernel = start()
    kernel.run(UDIO + step)
    kernel.begin(CELL)
    kernel.until_here()
    kernel.kill()
    until(lambda: len(arrivals()) >= 3, "all callbacks to arrive without a kernel")

    kernel = start()
    kernel.run(UDIO)
    assert kernel.run("out = list(resume())") == ["kept"]

    assert kernel.run("out = [t.job.is_unverified for t in nb.library().recent()]") == [False]
    assert len(box.deliveries) == 3
    until(lambda: not arrivals(), "what came to be gone")


def test_killed_before_the_answer_to_the_order(world):
    """No name is known, but the job reported: it is found by that, and not bought again."""
    box, start = world
    box.script(None, callbacks(early=True), slow("submit", 8.0))
    kernel = start()
    kernel.run(UDIO)
    kernel.begin(CELL)
    until(arrivals, "the first callback")
    kernel.kill()

    kernel = start()
    kernel.run(UDIO)
    assert kernel.run("out = listed()")["uncertain"] == ["slow harp"]
    until(lambda: len(arrivals()) >= 3, "all callbacks to arrive without a kernel")
    kernel.run(
        "(attempt,) = nb.library().uncertain()\nout = len(attempt.look_again().result(30).tracks)"
    )

    found = kernel.run("out = listed()")
    assert (found["unfinished"], found["uncertain"], len(found["kept"])) == ([], [], 1)
    assert len(box.deliveries) == 3  # of one job
