"""A listening test in a real JupyterLab: by keys, saved in the middle, gone on with elsewhere."""

from __future__ import annotations

import json

import pytest
from axe import serious
from browser import chromium
from labs import Lab, notebook

import phaseo_nb as nb

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("quick")]

HERE = ".phaseo-nb-comparison"
CELL = """import phaseo_nb as nb
comparison = nb.Comparison(nb.library().recent(3), name="evening", listener="Ann")
comparison"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def wait(page, words):
    page.locator(f"{HERE} :text({json.dumps(words)})").first.wait_for(timeout=30_000)


def cast(page, key):
    wait(page, "Ready")
    page.keyboard.press("Space")
    for letter in "ab":
        page.keyboard.press(letter)
        page.wait_for_timeout(400)
    page.keyboard.press(key)


def run_and_begin(page):
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(f"{HERE} button:has-text('Begin')").wait_for(timeout=30_000)
    page.locator(f"{HERE} button:has-text('Begin')").click()


def test_a_test_is_begun_and_saved_in_lab(tmp_path, browser):
    """Keys stay in the widget, the saved file tells nothing, the vote outlives the kernel."""
    nb.connect("sandbox", library=tmp_path / "library")
    takes = [nb.run(nb.generate(p, duration=1, show=False)) for p in ("harp", "jazz", "drone")]
    nb.library().close()
    (tmp_path / "listen.ipynb").write_text(json.dumps(notebook(CELL)))
    with Lab(tmp_path) as lab:
        page = lab.open(browser, "listen.ipynb")
        run_and_begin(page)
        cast(page, "1")
        wait(page, "pair 2 of 3")
        assert page.locator(".jp-CodeCell").count() <= 2  # "a" and "b" made no cells
        assert serious(page, HERE) == []

        page.click(".lm-MenuBar-itemLabel:text-is('File')")
        with page.expect_response(lambda r: r.request.method == "PUT" and "listen.ipynb" in r.url):
            page.click(".lm-Menu-itemLabel:text-is('Save Notebook')")
        saved = (tmp_path / "listen.ipynb").read_text()

        page.close()

    cells = json.loads(saved)
    (output,) = cells["cells"][0]["outputs"]
    assert "preference of 3, blind, 0 of 3 done" in "".join(output["data"]["text/plain"])
    state = json.dumps(cells["metadata"].get("widgets", {}))
    for take in takes:
        names = (take.id, take.track.title, take.track.sha256)
        assert [name for name in names if name in saved or name in state] == []
    nb.library().close()
    again = nb.Comparison(takes, name="evening", listener="Ann")  # the Lab and its kernel are gone
    (vote,) = again.votes
    assert (vote.winner, vote.listener, vote.blind) == (vote.left, "Ann", True)
    assert again.progress == (1, 3)
    nb.library().close()
