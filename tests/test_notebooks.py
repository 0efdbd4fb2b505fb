"""The example notebooks say what happens, and what they show still plays elsewhere."""

from __future__ import annotations

import copy
import importlib.util
import json
import math
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from browser import chromium, play_all

ROOT = Path(__file__).parent.parent
ALL = sorted((ROOT / "notebooks").glob("*.ipynb"))
HAS_SCALE = all(importlib.util.find_spec(name) for name in ("distributed", "psycopg", "fsspec"))
NOTEBOOKS = [path for path in ALL if HAS_SCALE or path.stem != "08_scale"]
SANITIZE = ROOT / "tests" / "nbval_sanitize.cfg"

ids = [path.stem for path in NOTEBOOKS]


def nbval(folder_or_file, home, *options):
    """Run nbval strictly, as the style guide of the notebooks asks."""
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:python"]
    command += ["-p", "no:cacheprovider", "-W", "default", "--nbval", "--nbval-current-env"]
    command += ["--nbval-sanitize-with", str(SANITIZE), str(folder_or_file), *options]
    # On a busy machine dask warns of how slow it is.
    env = {**os.environ, "PHASEO_NB_HOME": str(home), "DASK_LOGGING__DISTRIBUTED": "critical"}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=env, cwd=home)


def code_cells(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"])]


def test_there_are_notebooks():
    """The tests below have something to look at."""
    assert [path.name for path in NOTEBOOKS][:1] == ["00_start_here.ipynb"]
    assert len(ALL) == 9
    if not HAS_SCALE:
        pytest.skip("08_scale.ipynb was left out: it needs the extra [scale]")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=ids)
def test_every_cell_was_run_and_says_something_comparable(path):
    """No cell slips through nbval: each was run, in order, and most leave text to compare."""
    cells = code_cells(path)
    counts = [cell["execution_count"] for cell in cells]
    ignored = [cell for cell in cells if "nbval-ignore-output" in cell["metadata"].get("tags", [])]

    assert counts == list(range(1, len(cells) + 1))
    assert ignored == []
    assert sum(bool(cell["outputs"]) for cell in cells) >= 0.8 * len(cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=ids)
def test_a_notebook_is_small_and_tells_nothing_of_its_machine(path):
    """A stored notebook is under 1 MB and holds no path of the machine that ran it, no key."""
    text = path.read_text("utf-8")

    assert path.stat().st_size < 1_000_000
    assert not re.search(r"/(home|root|tmp|Users|work)/|site-packages|phaseo_v1_sk_\w+_\w{8}", text)


def test_nbval_passes(home):
    """Run again, the notebooks give what they show."""

    def run(path):
        library = home / path.stem  # its own: what one keeps must not stand in another
        library.mkdir(parents=True)
        return nbval(path, library)

    with ThreadPoolExecutor(3) as pool:  # most of it is waiting for kernels and jobs
        results = dict(zip(NOTEBOOKS, pool.map(run, NOTEBOOKS), strict=True))

    for path, result in results.items():
        assert result.returncode == 0, result.stdout[-4000:]
        assert f"{len(code_cells(path))} passed" in result.stdout


def test_nbval_would_notice(home):
    """The comparison is not blind: one changed word in a stored output makes it fail."""
    home.mkdir(parents=True)
    notebook = json.loads((ROOT / "notebooks" / "03_form.ipynb").read_text("utf-8"))
    changed = copy.deepcopy(notebook)
    number, fact = next(
        (number, output)
        for number, cell in enumerate(changed["cells"])
        for output in cell.get("outputs", [])
        if "duration=6" in "".join(output.get("text", []))
    )
    fact["text"] = [line.replace("duration=6", "duration=7") for line in fact["text"]]
    del changed["cells"][number + 1 :]
    spoiled = home / "spoiled.ipynb"
    spoiled.write_text(json.dumps(changed), "utf-8")

    result = nbval(spoiled, home)

    assert result.returncode == 1
    assert "1 failed" in result.stdout


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.mark.browser
@pytest.mark.parametrize("path", NOTEBOOKS, ids=ids)
def test_executed_and_exported_every_player_plays(path, browser, tmp_path, home):
    """Executed by nbclient and exported to HTML, every player has a duration and plays."""
    import nbformat
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    notebook = nbformat.read(path, as_version=4)
    stored = [cell.pop("outputs", None) for cell in notebook.cells]
    assert any(stored)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    page_file = tmp_path / "exported.html"
    page_file.write_text(HTMLExporter().from_notebook_node(notebook)[0], "utf-8")

    page = browser.new_page()
    page.route("http*://**", lambda route: route.abort())  # nothing may come from elsewhere
    page.goto(page_file.as_uri())
    played = play_all(page)
    page.close()

    assert len(played) >= 1
    for player in played:
        assert player["error"] is None
        assert player["refused"] is None
        assert math.isfinite(player["duration"])
        assert player["duration"] > 1
        assert player["played"] > 0.05
        assert player["controls"]
        assert not player["autoplay"]
