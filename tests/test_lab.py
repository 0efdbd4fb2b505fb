"""In a real JupyterLab: the live line turns into a player, which still plays untrusted."""

from __future__ import annotations

import json
import re

import pytest
from browser import chromium, play_all
from labs import Lab, notebook, run_all

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.wait_until_up()
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


CELL = 'import phaseo_nb as nb\ntake = await nb.generate("Warm jazz trio", duration=4)'


def test_a_cell_shows_its_job_and_then_one_player(lab, browser):
    """In Lab the output is first the live line, then exactly one player that plays."""
    (lab.folder / "live.ipynb").write_text(json.dumps(notebook(CELL)))
    page = lab.open(browser, "live.ipynb")

    run_all(page)
    page.wait_for_selector("text=/interrupt the cell/i", timeout=60_000)
    assert page.query_selector("audio") is None
    page.wait_for_selector("audio", timeout=60_000)
    (played,) = play_all(page)

    assert played["duration"] == pytest.approx(4.0, abs=0.2)
    assert played["played"] > 0.05
    assert re.search("sandbox", page.inner_text(".jp-OutputArea"), re.I)
    page.close()


def test_a_player_survives_saving_and_an_untrusted_reopening(lab, browser):
    """Saved and opened by somebody who has not trusted it, the player still plays."""
    (lab.folder / "saved.ipynb").write_text(json.dumps(notebook(CELL)))
    page = lab.open(browser, "saved.ipynb")
    run_all(page)
    page.wait_for_selector("audio", timeout=60_000)
    page.click(".lm-MenuBar-itemLabel:text-is('File')")
    page.click(".lm-Menu-itemLabel:text-is('Save Notebook')")
    page.wait_for_selector(".jp-Document:not(.jp-mod-dirty)", state="attached", timeout=10_000)
    page.wait_for_timeout(1000)
    page.close()
    saved = json.loads((lab.folder / "saved.ipynb").read_text())
    outputs = saved["cells"][0]["outputs"]
    assert sum("<audio" in "".join(o["data"]["text/html"]) for o in outputs) == 1

    # A changed byte makes it somebody else's notebook: the signature no longer fits.
    saved["cells"][0]["source"] += "  # shared"
    (lab.folder / "shared.ipynb").write_text(json.dumps(saved))
    page = lab.open(browser, "shared.ipynb")
    page.wait_for_selector("audio", timeout=30_000)
    (played,) = play_all(page)

    assert page.query_selector(".jp-OutputArea style") is None  # it really is untrusted
    assert played["duration"] == pytest.approx(4.0, abs=0.2)
    assert played["played"] > 0.05
    page.close()
