"""In a real kernel that is interrupted, restarted or killed: what was paid is taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

jupyter_client = pytest.importorskip("jupyter_client")

from paid_service import PATIENCE, running_service, until  # noqa: E402
from test_kernels import Kernel, errors, final_state, html, players, printed  # noqa: E402

CONNECT = """
import itertools
import phaseo_nb as nb
key = "phaseo_v1_sk_abcdef123456_topsecretvalue99_k"
session = nb.connect("phaseo", api_key=key, base_url={url!r})
session._client.poll = lambda interval: itertools.repeat(0.05)
"""
CELL = 'print("waiting")\ntake = await nb.generate("slow harp", model="suno/v4.5")'


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def service(running):
    running.forget()
    yield running
    running.release()


class Restartable(Kernel):
    """A kernel with a library of its own, whose server stays when it goes."""

    def __init__(self, service, home, folder):
        manager = jupyter_client.KernelManager(kernel_name="python3")
        manager.kernel_spec.argv[0] = sys.executable
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PHASEO_", "UDIOAPI_"))
        }
        environment |= {"IPYTHONDIR": str(folder), "PHASEO_NB_HOME": str(home)}
        manager.start_kernel(env=environment, stderr=subprocess.DEVNULL)
        super().__init__(manager, None)
        self.service = service
        self.enter()

    def enter(self):
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def connect(self):
        outputs = self.run(CONNECT.format(url=self.service.url))
        assert errors(outputs) == []
        return html(outputs)

    def restart(self, how):
        """Bring up a new kernel after the old one was asked to go, made to go, or killed."""
        self.client.stop_channels()
        if how == "killed":
            os.kill(self.manager.provisioner.pid, signal.SIGKILL)
        self.manager.restart_kernel(now=how != "asked")
        self.enter()

    def interrupted(self, code, step):
        """Run a cell and interrupt it when its request is held at a step."""

        def there(outputs):
            if outputs:
                self.service.until_held(step)
            return bool(outputs)

        return self.run(code, interrupt_when=there)

    def begun(self, code, step):
        """Begin a cell and leave it once its request is held at a step."""
        self._send(code, None)
        self.service.until_held(step)

    def until_shown(self, what):
        """Wait until something appears in an output, and return that output."""
        ends = time.monotonic() + PATIENCE
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, ends - time.monotonic()))
            shown = message["content"].get("data", {}).get("text/html", "")
            if what in shown:
                return shown

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture
def kernel(service, home, tmp_path):
    kernel = Restartable(service, home, tmp_path / "ipython")
    yield kernel
    kernel.close()


@pytest.mark.parametrize("step", ["answer", "poll", "download"])
def test_an_interrupted_cell_joins_its_job_when_it_runs_again(kernel, service, step):
    """Interrupted while ordering, asking or fetching: the job stays open, and is joined unpaid."""
    kernel.connect()
    service.hold(step)

    outputs = kernel.interrupted(CELL, step)
    service.release()
    again = kernel.run(CELL)

    assert errors(outputs) == ["CancelledError"]
    assert "nb.resume()" in html(final_state(outputs))
    assert errors(again) == []
    assert players(final_state(again)) == 1
    assert printed(kernel.run("nb.library().unfinished()")) == ""
    assert len(service.posts()) == 1


@pytest.mark.parametrize("how", ["asked", "made", "killed"])
def test_a_restarted_kernel_takes_its_job_up_again(kernel, service, how):
    """However a kernel goes, the next one says what waits, and resume() ends in a player."""
    kernel.connect()
    service.hold("poll")
    kernel.begun(CELL, "poll")

    kernel.restart(how)
    service.release()
    news = kernel.connect()

    assert news.count("1 unfinished job: nb.resume()") == 1
    assert "in doubt" not in news
    assert errors(kernel.run("jobs = nb.resume()", cell_id="cell-1")) == []
    kernel.until_shown("<audio")
    again = kernel.run(CELL)
    assert players(final_state(again)) == 1
    assert len(service.posts()) == 1


def test_a_kernel_killed_with_its_order_on_the_wire(kernel, service):
    """The next kernel says in a line that one is in doubt, and its cell does not buy it again."""
    kernel.connect()
    service.hold("answer")
    kernel.begun(CELL, "answer")
    until(service.posts, "the order to be counted")

    kernel.restart("killed")
    service.release()
    news = kernel.connect()
    again = kernel.run(CELL)

    assert news.count("1 in doubt: nb.library().uncertain()") == 1
    assert errors(again) == ["UncertainSubmission"]
    assert players(again) == 0
    assert kernel.run("print(nb.resume())")[-1]["text"].strip() == "[]"
    assert len(service.posts()) == 1


def test_run_all_twice_buys_nothing_new(kernel, service):
    """Running every cell again, also in a new kernel, shows every player and orders nothing."""
    cells = [
        CELL,
        'job = nb.submit("fast techno", model="suno/v4.5")\nawait job',
        'nb.run(nb.generate("church organ", model="minimax/music-2.6"))',
    ]

    shown = []
    for run in range(3):
        if run == 2:
            kernel.restart("asked")
        kernel.connect()
        outputs = [kernel.run(cell) for cell in cells]
        assert [errors(output) for output in outputs] == [[], [], []]
        shown.append([players(final_state(output)) for output in outputs])

    assert shown == [[1, 1, 1]] * 3
    assert len(service.posts()) == 3
