"""The form's buttons in a real kernel, as the messages of a front end reach it.

Run on ipykernel 7.4 with the suite, and on 6.31 and 7.3 by CI: each handles such messages in a
way of its own (after the cell, on a thread of a subshell, on the main thread).
"""

from __future__ import annotations

import json
import time

import pytest
from test_kernels import enter, running_kernel  # noqa: F401 - fixtures

FORM = """
form = nb.MusicForm(duration=2)
display(form)
ids = {name: getattr(form._parts, name).model_id for name in ("generate", "stop")}
ids["prompt"] = form._parts._of["prompt"].model_id
import json; print("IDS", json.dumps(ids))
"""


class Front:
    """A front end with one form on its page."""

    def __init__(self, kernel, ids, subshell=None):
        self.kernel = kernel
        self.ids = ids
        self.subshell = subshell
        self.drawn = []

    def send(self, name, content):
        session = self.kernel.client.session
        data = {"method": "custom", "content": content}
        message = session.msg("comm_msg", {"comm_id": self.ids[name], "data": data})
        if self.subshell is not None:
            message["header"]["subshell_id"] = self.subshell
        self.kernel.client.shell_channel.send(message)

    def type(self, prompt):
        self.send("prompt", {"name": "prompt", "text": prompt})

    def press(self, name):
        self.send(name, {"event": "click"})

    def wait_for(self, words, seconds=30):
        """Wait until these words are drawn in one of the form's places."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for output in self.kernel.drain(0.3):
                if output["kind"] in ("update_display_data", "display_data"):
                    self.drawn.append(output["data"].get("text/html", ""))
            if any(words in drawn for drawn in self.drawn):
                return
        pytest.fail(f"nothing says {words!r}: {[drawn[-300:] for drawn in self.drawn[-2:]]}")


def subshell_of(kernel):
    """A subshell, as Lab makes one for widgets; ``None`` where the kernel has none."""
    client = kernel.client
    info = answer(client.kernel_info(), client.get_shell_msg)
    if "kernel subshells" not in info.get("supported_features", []):
        return None
    message = client.session.msg("create_subshell_request", {})
    client.control_channel.send(message)
    return answer(message["header"]["msg_id"], client.get_control_msg)["subshell_id"]


def answer(message_id, get):
    """The answer to a request; those to earlier ones may still be on their way."""
    while (reply := get(timeout=20))["parent_header"].get("msg_id") != message_id:
        pass
    return reply["content"]


@pytest.fixture(params=["main shell", "subshell"])
def front(request, running_kernel, enter):  # noqa: F811
    enter("")
    subshell = None
    if request.param == "subshell":
        subshell = subshell_of(running_kernel)
        if subshell is None:
            pytest.skip("this ipykernel has no subshells")
    began = time.monotonic()
    outputs = running_kernel.run(FORM, cell_id="form")
    assert time.monotonic() - began < 10  # the cell does not wait for anything
    said = "".join(output.get("text", "") for output in outputs if output["kind"] == "stream")
    return Front(running_kernel, json.loads(said.partition("IDS ")[2].splitlines()[0]), subshell)


def test_generate_makes_a_player_after_the_cell_has_ended(front):
    """The cell has ended long ago; a press makes a live line, which becomes the player."""
    front.type("a quick waltz")
    front.press("generate")

    front.wait_for("<audio")


def test_stop_works_during_a_long_job_and_a_long_cell(front):
    """A stuck job is stopped by its button, also while a cell awaits, and a second one goes on."""
    front.kernel.run('from phaseo_nb.sandbox import stuck; box.script("march", stuck())')
    front.type("a long march")
    front.press("generate")
    front.wait_for("a long march")
    front.type("a quick waltz")
    front.press("generate")
    front.wait_for("<audio")

    front.kernel._send("await asyncio.sleep(2)", "busy")
    front.press("stop")

    front.wait_for("nb.resume()")
    outputs = front.kernel.run("print(counting.posts, [job.status for job in form._ordering.jobs])")
    (said,) = [output["text"] for output in outputs if output["kind"] == "stream"]
    assert said.startswith("2 ")
    assert "kept" in said
