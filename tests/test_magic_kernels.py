"""The magic in a real kernel: awaited, interrupted, stopping Run All, completed by Tab."""

from __future__ import annotations

import time

import pytest
from test_kernels import (
    enter,
    errors,
    final_state,
    html,
    once_handed_in,
    players,
    printed,
    running_kernel,
)

__all__ = ["enter", "running_kernel"]  # fixtures


@pytest.fixture
def kernel(enter):
    """A kernel with the magic, whose sandbox is fast."""
    kernel = enter("speed=20")
    kernel.run("%load_ext phaseo_nb")
    return kernel


def replies_of(kernel, *messages):
    """The replies to some cells, by message id."""
    replies = {}
    while not set(messages) <= set(replies):
        message = kernel.client.get_shell_msg(timeout=20)
        replies[message["parent_header"].get("msg_id")] = message["content"]
    return [replies[message] for message in messages]


@pytest.mark.parametrize("cell_id", [None, "cell-1"], ids=["nobody watches", "somebody watches"])
@pytest.mark.parametrize(
    "cell",
    [
        "%%music -d 2 --out take\nslow harp",
        "take = %music -d 2 slow harp\ntake",
        "def f():\n    %music -d 2 slow harp\nf()",
    ],
)
def test_one_player_per_track_and_cell(kernel, cell, cell_id):
    """However the magic is written, and whoever looks on, one track has one player."""
    outputs = kernel.run(cell, cell_id=cell_id)

    assert errors(outputs) == []
    assert players(final_state(outputs)) == 1


def test_no_show_leaves_no_player(kernel):
    """The value of a cell with --no-show is not displayed either; named, it can be."""
    assert players(kernel.run("%%music --no-show -d 2\nslow harp")) == 0
    assert players(kernel.run("take = %music --no-show -d 2 slow harp\ntake")) == 1


def test_the_kernel_stays_awake_meanwhile(kernel):
    """While the cell waits, other work in the kernel goes on."""
    kernel.run(
        "ticks = []\n"
        "async def tick():\n"
        "    while True:\n"
        "        ticks.append(1)\n"
        "        await asyncio.sleep(0.02)\n"
        "ticking = asyncio.ensure_future(tick())"
    )
    kernel.run("before = len(ticks)")
    kernel.run("%%music -d 2 --fresh\nslow harp")

    assert int(printed(kernel.run("print(len(ticks) - before); ticking.cancel();"))) > 5


def test_the_history_keeps_what_was_typed(kernel):
    """Raw history shows the magic; only the parsed one shows the await."""
    kernel.run("%%music -d 2\nslow harp")

    code = "manager = get_ipython().history_manager\nprint(manager.input_hist_raw[-2])"
    assert printed(kernel.run(code)) == "%%music -d 2\nslow harp"


def test_what_a_cell_made_is_in_the_underscore(kernel):
    """As after every cell, the last value is `_`."""
    kernel.run("%%music -d 2\nslow harp")

    assert printed(kernel.run("print(isinstance(_, nb.Take))")) == "True"


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("%%music --fresh -d 2\nslow harp", "CancelledError"),
        ("def f():\n    %music --fresh -d 2 slow harp\nf()", "KeyboardInterrupt"),
    ],
    ids=["awaited", "blocking"],
)
def test_interrupt_stops_the_waiting_and_not_the_job(enter, cell, error):
    """An interrupt passes as it is, and the job can be taken up again, unpaid."""
    kernel = enter('clock="manual"')
    kernel.run("%load_ext phaseo_nb")

    outputs = kernel.run(
        f"print('waiting')\n{cell}" if cell.startswith("def") else cell,
        cell_id="cell-1",
        interrupt_when=once_handed_in,
        timeout=20,
    )

    assert errors(outputs) == [error]
    assert "nb.resume()" in html(final_state(outputs))
    again = kernel.run("box.advance(60)\n(job,) = nb.resume()\ntake = await job\ntake")
    assert players(final_state(again)) == 1
    assert printed(kernel.run("print(counting.posts)")) == "1"


@pytest.mark.parametrize(
    "cell",
    ["%%music --modl x\nslow harp", "def f():\n    %music --modl x slow harp\nf()"],
    ids=["awaited", "blocking"],
)
def test_run_all_stops_at_a_mistake(kernel, cell):
    """A mistake is one line on stderr, the cell counts as failed, and the next one is not run."""
    kernel._send("import time; time.sleep(0.5)", None)  # so that the others queue up behind it
    first = kernel._send(cell, None)
    second = kernel._send("print('ran all the same')", None)

    failed, after = replies_of(kernel, first, second)
    outputs = kernel.drain(0.5)

    assert (failed["status"], failed["ename"]) == ("error", "UsageError")
    assert after["status"] == "aborted"
    texts = [o for o in outputs if o["kind"] == "stream"]
    said = "UsageError: There is no option '--modl'. Did you mean --model?\n"
    assert [(o["name"], o["text"]) for o in texts] == [("stderr", said)]
    assert errors(outputs) == []


def test_a_failed_job_is_one_line(kernel):
    """A job that fails leaves its card and one line, no traceback, and no player."""
    kernel.run(
        "from phaseo_nb.sandbox.scenarios import failed\n"
        "box.script('waltz', outcome=failed('SENSITIVE_WORD_ERROR'))"
    )

    outputs = kernel.run("%%music --model suno/v4.5\na waltz", cell_id="cell-1")

    assert errors(outputs) == []
    said = printed(outputs)
    assert said.startswith("UsageError: ")
    assert "SENSITIVE_WORD_ERROR" in said
    assert "\n" not in said
    assert players(outputs) == 0


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("%%music --du", ["--duration"]),
        ("x = 1\ntake = %music --du", ["--duration"]),
        ("%%music --model sandbox/", ["sandbox/band"]),
        ("%%music --model=sandbox/", ["sandbox/band"]),
        ("%%music --format ", ["aac", "mp3", "ogg", "wav"]),
    ],
)
def test_tab_completes_in_a_kernel(kernel, code, found):
    """A front end that asks the kernel gets options and models, and what they replace."""
    deadline = time.monotonic() + 20
    message_id = kernel.client.complete(code, len(code))
    while True:
        message = kernel.client.get_shell_msg(timeout=deadline - time.monotonic())
        if message["parent_header"].get("msg_id") == message_id:
            break

    content = message["content"]
    assert content["matches"] == found
    begun = code[content["cursor_start"] : content["cursor_end"]]
    assert found[0].startswith(begun)
    assert content["cursor_end"] == len(code)
