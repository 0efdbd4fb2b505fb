"""In a real kernel: one player per track and cell, interrupts, and who gets which output."""

from __future__ import annotations

import importlib.metadata
import os
import queue
import subprocess
import sys
import time

import pytest

jupyter_client = pytest.importorskip("jupyter_client")

IPYKERNEL = tuple(map(int, importlib.metadata.version("ipykernel").split(".")[:2]))
# Plain cells of asyncio.sleep alone show it too, most often after an interrupt.
may_go_deaf = pytest.mark.skipif(
    (7, 0) <= IPYKERNEL < (7, 4),
    reason="ipykernel 7.0 to 7.3 may never start the cell that comes after an interrupt",
)

# One kernel serves the module; each test has a library folder and a sandbox of its own.
SETUP = """
import asyncio, os
import httpx
import phaseo_nb as nb

os.environ["PHASEO_NB_HOME"] = {home!r}

class Counting(httpx.AsyncBaseTransport):
    is_phaseo_nb_sandbox = True
    posts = 0

    async def handle_async_request(self, request):
        self.posts += request.method == "POST"
        return await box.transport.handle_async_request(request)

counting = Counting()
box = nb.Sandbox({scenario})
nb.connect("sandbox", transport=counting)
"""


class Kernel:
    """A kernel of this environment, driven by messages as a front end does it."""

    def __init__(self, manager, client):
        self.manager = manager
        self.client = client

    def run(self, code, *, cell_id=None, interrupt_when=None, timeout=60.0):
        """Run a cell; returns its outputs in order (updates included)."""
        outputs = []
        message_id = self._send(code, cell_id)
        deadline = time.monotonic() + timeout
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return outputs
            if kind in {"display_data", "update_display_data", "execute_result", "error", "stream"}:
                outputs.append({"kind": kind, **content})
                if interrupt_when is not None and interrupt_when(outputs):
                    interrupt_when = None
                    self.manager.interrupt_kernel()

    def _send(self, code, cell_id):
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        metadata = {"cellId": cell_id} if cell_id else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def drain(self, seconds):
        """Everything that still arrives within some seconds."""
        outputs = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.client.get_iopub_msg(timeout=left)
            except queue.Empty:
                break
            outputs.append({"kind": message["msg_type"], **message["content"]})
        return outputs


@pytest.fixture(scope="module")
def running_kernel(tmp_path_factory):
    manager = jupyter_client.KernelManager(kernel_name="python3")
    manager.kernel_spec.argv[0] = sys.executable
    keys = ("PHASEO_API_KEY", "UDIOAPI_KEY", "PHASEO_NB_MODE", "PHASEO_NB_LIVE")
    environment = {name: value for name, value in os.environ.items() if name not in keys}
    environment["IPYTHONDIR"] = str(tmp_path_factory.mktemp("ipython"))
    manager.start_kernel(env=environment, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield Kernel(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


@pytest.fixture
def enter(running_kernel, home):
    """Set a sandbox up in the kernel."""

    def set_up(scenario):
        outputs = running_kernel.run(SETUP.format(home=str(home), scenario=scenario))
        assert errors(outputs) == []
        return running_kernel

    return set_up


@pytest.fixture
def kernel(enter):
    """A kernel whose sandbox is fast."""
    return enter("speed=20")


@pytest.fixture
def slow_kernel(enter):
    """A kernel whose sandbox makes nothing until its clock is moved."""
    return enter('clock="manual"')


def html(outputs):
    return "".join(o["data"].get("text/html", "") for o in outputs if "data" in o)


def players(outputs):
    return html(outputs).count("<audio")


def errors(outputs):
    return [o["ename"] for o in outputs if o["kind"] == "error"]


def final_state(outputs):
    """What a saved notebook would hold: each display with its last update."""
    displays, plain = {}, []
    for output in outputs:
        display_id = (output.get("transient") or {}).get("display_id")
        if display_id:
            displays[display_id] = output
        elif "data" in output:
            plain.append(output)
    return [*displays.values(), *plain]


@pytest.mark.parametrize(
    "cell",
    [
        'await nb.generate("slow harp", duration=2)',
        'take = await nb.generate("slow harp", duration=2)',
        'take = await nb.generate("slow harp", duration=2)\ntake',
        'take = await nb.generate("slow harp", duration=2)\ndisplay(take)',
        'job = nb.submit("slow harp", duration=2)\nawait job',
        'nb.run(nb.generate("slow harp", duration=2))',
        'nb.submit("slow harp", duration=2).result()',
    ],
)
@pytest.mark.parametrize("cell_id", [None, "cell-1"], ids=["nobody watches", "somebody watches"])
def test_one_player_per_track_and_cell(kernel, cell, cell_id):
    """However the cell is written, and whoever looks on, one track has one player."""
    outputs = kernel.run(cell, cell_id=cell_id)

    assert errors(outputs) == []
    assert players(final_state(outputs)) == 1


def test_a_take_is_shown_again_in_another_cell(kernel):
    """The rule is per cell run: another cell, or the same cell run again, shows the take."""
    kernel.run('take = await nb.generate("slow harp", duration=2)')

    assert players(kernel.run("take")) == 1
    assert players(kernel.run("take")) == 1
    assert players(kernel.run('await nb.generate("slow harp", duration=2)')) == 1


@pytest.mark.parametrize("cell_id", [None, "cell-1"], ids=["nobody watches", "somebody watches"])
def test_jobs_under_one_gather_keep_their_own_player(kernel, cell_id):
    """Several generate() calls in one gather each have their own line and their own player."""
    outputs = kernel.run(
        'a, b = await asyncio.gather(nb.generate("slow harp", duration=2),'
        ' nb.generate("fast techno", duration=2))',
        cell_id=cell_id,
    )

    final = final_state(outputs)
    assert errors(outputs) == []
    assert [players([output]) for output in final if "<audio" in html([output])] == [1, 1]
    assert html(final).count("slow harp") >= 1
    assert html(final).count("fast techno") >= 1


def test_the_same_request_twice_in_one_gather_is_one_job(kernel):
    """The second of two equal requests joins the first: one job, one player."""
    outputs = kernel.run(
        'a, b = await asyncio.gather(nb.generate("slow harp", duration=2),'
        ' nb.generate("slow harp", duration=2))\nprint(a is b)'
    )

    assert players(final_state(outputs)) == 1
    assert printed(outputs) == "True"


def test_the_live_line_becomes_the_player(kernel):
    """Somebody who watches sees one display that changes, not a growing list of outputs."""
    outputs = kernel.run('await nb.generate("slow harp", duration=2)', cell_id="cell-1")

    kinds = [output["kind"] for output in outputs]
    assert kinds.count("display_data") == 1
    assert set(kinds) == {"display_data", "update_display_data"}
    assert players(outputs[:1]) == 0
    assert players(outputs[-1:]) == 1


def test_nobody_watches_only_the_end_is_written(kernel):
    """Under nbclient and nbval no output is ever updated; the end stands there once."""
    outputs = kernel.run('await nb.generate("slow harp", duration=2)')

    assert [output["kind"] for output in outputs] == ["display_data"]


def test_a_submitted_job_turns_into_its_player_after_its_cell(kernel):
    """submit() returns at once; the display of its cell becomes the player by itself."""
    first = kernel.run('job = nb.submit("slow harp", duration=2)', cell_id="cell-1")
    later = kernel.drain(3.0)

    assert players(first) == 0
    assert players([o for o in later if o["kind"] == "update_display_data"][-1:]) == 1
    (display_id,) = {o["transient"]["display_id"] for o in first if "transient" in o}
    assert later[-1].get("transient", {}).get("display_id", display_id) == display_id


@may_go_deaf
@pytest.mark.parametrize("cell_id", [None, "cell-1"], ids=["nobody watches", "somebody watches"])
def test_interrupt_stops_the_waiting_and_not_the_job(slow_kernel, cell_id):
    """Interrupt raises at once, says how to go on, and the job is taken up again unpaid."""
    cell = "print('waiting')\nawait nb.generate('slow harp', duration=2)"

    outputs = slow_kernel.run(cell, cell_id=cell_id, interrupt_when=once_handed_in)

    assert errors(outputs) == ["CancelledError"]
    assert "nb.resume()" in html(final_state(outputs))
    again = slow_kernel.run("box.advance(60)\n(job,) = nb.resume()\ntake = await job\ntake")
    assert errors(again) == []
    assert players(final_state(again)) == 1
    assert printed(slow_kernel.run("print(counting.posts)")) == "1"


@may_go_deaf
def test_running_the_cell_again_after_an_interrupt_joins_the_job(slow_kernel):
    """Running the interrupted cell again waits for the job that is open instead of buying one."""
    cell = "print('waiting')\nawait nb.generate('slow harp', duration=2)"
    slow_kernel.run(cell, interrupt_when=once_handed_in)
    slow_kernel.run("box.advance(60)")

    outputs = slow_kernel.run(cell)

    assert players(outputs) == 1
    assert printed(slow_kernel.run("print(counting.posts)")) == "1"


@may_go_deaf
def test_run_all_stops_at_an_interrupted_cell(slow_kernel):
    """A cell queued behind an interrupted one is not run, as with any other error."""
    first = slow_kernel._send("await nb.generate('slow harp', duration=2)", None)
    second = slow_kernel._send("print('ran all the same')", None)
    time.sleep(1.0)
    slow_kernel.manager.interrupt_kernel()

    replies = {}
    while not {first, second} <= set(replies):
        message = slow_kernel.client.get_shell_msg(timeout=60)
        replies[message["parent_header"]["msg_id"]] = message["content"]

    assert replies[first]["ename"] == "CancelledError"
    assert replies[second]["status"] == "aborted"
    slow_kernel.drain(0.5)


def once_handed_in(outputs):
    """Interrupt half a second after the cell has begun to wait."""
    if outputs:
        time.sleep(0.5)
    return bool(outputs)


def printed(outputs):
    return "".join(output.get("text", "") for output in outputs).strip()


def test_a_failed_job_raises_in_the_cell(enter):
    """A job that fails raises JobFailed with the provider's reason and no player."""
    kernel = enter("speed=20")
    kernel.run(
        "from phaseo_nb.sandbox.scenarios import failed\n"
        "box.script('waltz', outcome=failed('SENSITIVE_WORD_ERROR'))"
    )

    outputs = kernel.run('await nb.generate("a waltz", model="suno/v4.5")')

    assert errors(outputs) == ["JobFailed"]
    assert "SENSITIVE_WORD_ERROR" in outputs[-1]["evalue"]
    assert players(outputs) == 0


def test_plain_ipython_shows_text(home):
    """In a terminal the take is one line of text, without HTML and without a traceback."""
    code = (
        "import phaseo_nb as nb\n"
        "nb.connect('sandbox', transport=nb.Sandbox(speed=20).transport);\n"
        'take = await nb.generate("slow harp", duration=2)\n'
        "take\n"
        "exit\n"
    )
    out = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        input=code,
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, "PHASEO_NB_HOME": str(home), "IPYTHONDIR": str(home / "ipython")},
    )

    assert "<Take 1 of" in out.stdout, out.stdout + out.stderr
    assert "<audio" not in out.stdout
    assert "Traceback" not in out.stdout
