"""What it costs to have it: the import, the first form in a notebook, the disk.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_light.py              # imports and the first form
    python tests/benchmarks/bench_light.py --install    # and the disk: builds two environments

Imports are whole interpreters, by the time they keep a processor busy, each less a bare ``python
-c pass`` of its own environment run just before it; ours and the peer's take turns. Everything is
compiled beforehand, as an installer does. The form is shown in a new IPython kernel that has
loaded nothing of it: ``%load_ext phaseo_nb``, then ``nb.MusicForm()`` as the last value of a cell,
from the first request to the last message.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import peers
from figures import Figure, is_quick, run_alone
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).parents[2]
PEER = "musicapi-sdk"
LATER = (
    "import phaseo_nb.client, phaseo_nb.sandbox.app, phaseo_nb.takes.player, phaseo_nb.audio.codecs"
)
"""What the first music of the sandbox loads beyond a form."""


def measure() -> list[Figure]:
    """Return the figures."""
    figures = [*imports(turns=3 if is_quick() else 15), *first_form(turns=1 if is_quick() else 5)]
    return [*figures, install()] if "--install" in sys.argv else figures


# -- imports ---------------------------------------------------------------------------------------


def imports(turns: int) -> list[Figure]:
    """Compare ``import phaseo_nb`` with the peer's import; tell what comes with first use."""
    sides = {
        "ours": (sys.executable, "import phaseo_nb"),
        PEER: (str(peers.python_of(PEER)), "import musicapi"),
        "connect": (sys.executable, "import phaseo_nb as nb; nb.connect('sandbox')"),
        "later": (sys.executable, f"import phaseo_nb as nb; nb.connect('sandbox'); {LATER}"),
    }
    costs: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(turns + 1):
        for name, (python, code) in sides.items():
            cost = busy_ms(python, code) - busy_ms(python, "pass")
            if turn:  # the first one compiles
                costs[name].append(max(cost, 0.1))
    about = "processor time over bare Python"
    return [
        Figure("import", "ms", costs["ours"], {PEER: costs[PEER]}, f"<= 0.4x {PEER}", note=about),
        Figure("import and connect to the sandbox", "ms", costs["connect"], note=about),
        Figure("all that first music loads", "ms", costs["later"], note=about),
    ]


def busy_ms(python: str, code: str) -> float:
    """Run an interpreter; return for how long it kept a processor busy."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([python, "-c", code], check=True, env=environment(), cwd=environment()["HOME"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent * 1000.0


@cache
def environment() -> dict[str, str]:
    """Return the variables for all that is started: compiled code is kept, no key is known."""
    folder = tempfile.mkdtemp(prefix="bench-light-")
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_KEY")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    places = {"HOME": folder, "PHASEO_NB_HOME": f"{folder}/home", "IPYTHONDIR": f"{folder}/ipython"}
    return {**kept, **places, "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}


# -- the first form --------------------------------------------------------------------------------


def first_form(turns: int) -> list[Figure]:
    """Time ``%load_ext`` and the first form in new kernels; the first of them only compiles."""
    walls, busys = [], []
    for turn in range(turns + 1):
        with kernel() as run:
            run("import sys, time; assert 'ipywidgets' not in sys.modules; before = 0")
            run("before = time.process_time()")
            begin = perf_counter()
            run("%load_ext phaseo_nb")
            run("import phaseo_nb as nb\nnb.MusicForm()")
            wall = perf_counter() - begin
            busy = float(run("print(time.process_time() - before)"))
        if turn:
            walls.append(wall * 1000.0)
            busys.append(busy * 1000.0)
    return [
        Figure("%load_ext and the first form, on the clock", "ms", walls, target="<= 500"),
        Figure("%load_ext and the first form, processor time", "ms", busys),
    ]


@contextmanager
def kernel() -> Iterator[Any]:
    """Start a kernel; yield what runs a cell in it and returns what it printed."""
    manager, client = start_new_kernel(kernel_name="python3", env=environment())

    def run(code: str) -> str:
        said = []

        def hear(message: Any) -> None:
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])

        reply = client.execute_interactive(code, output_hook=hear, timeout=120)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(reply["content"].get("evalue", "the cell failed"))
        return "".join(said)

    try:
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# -- the disk --------------------------------------------------------------------------------------


def install() -> Figure:
    """Install JupyterLab alone, and with us beside it; return what comes on top."""
    with tempfile.TemporaryDirectory(prefix="bench-light-") as folder:
        sizes = []
        for name, what in (("lab", []), ("both", [str(ROOT)])):
            venv.create(Path(folder, name), with_pip=True)
            python = Path(folder, name, "bin", "python")
            command = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            kept = {**os.environ}
            kept.pop("PYTHONDONTWRITEBYTECODE", None)
            subprocess.run([*command, "jupyterlab", *what], check=True, env=kept)
            files = (path for path in Path(folder, name).rglob("*") if not path.is_symlink())
            sizes.append(sum(path.stat().st_size for path in files if path.is_file()) / 1e6)
    return Figure(
        "installed size beyond JupyterLab", "MB", [sizes[1] - sizes[0]], target="<= 120",
        note=f"JupyterLab alone is {sizes[0]:.0f} MB; compiled code included",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_alone(measure))
