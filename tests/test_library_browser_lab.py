"""The library's browser in a real JupyterLab: through a kernel, in both themes, saved."""

from __future__ import annotations

import json
import os

import pytest
from axe import serious
from browser import chromium
from labs import Lab, notebook

import phaseo_nb as nb

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("quick")]

HERE = ".phaseo-nb-browser"
SHOTS = os.environ.get("PHASEO_NB_SCREENSHOTS")


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def takes(tmp_path):
    """Two takes of one request and a third one, in the library that the Lab will have."""
    nb.connect("sandbox", library=tmp_path / "library")
    asked = [("Warm jazz trio", 1, 4), ("Warm jazz trio", 2, 4), ("slow harp", 1, 4)]
    made = [
        nb.run(nb.generate(prompt, take=take, duration=seconds, show=False))
        for prompt, take, seconds in asked
    ]
    yield made
    nb.library().close()


def shoot(page, name):
    """Keep a picture to look at, where somebody asked for pictures."""
    if SHOTS:
        page.locator(HERE).screenshot(path=f"{SHOTS}/browser-{name}.png")


def plays(page, selector):
    """Wait until a recording plays; how long it is."""
    moves = "(s) => { const a = document.querySelector(s); return a && a.currentTime > 0.1; }"
    page.wait_for_function(moves, arg=selector, timeout=20_000)
    return page.eval_on_selector(selector, "(audio) => audio.duration")


def says(page, words):
    page.locator(f"{HERE} [role=status]:has-text({json.dumps(words)})").wait_for(timeout=20_000)


def theme(page, name):
    page.click(".lm-MenuBar-itemLabel:text-is('Settings')")
    page.hover(".lm-Menu-itemLabel:text-is('Theme')")
    page.click(f".lm-Menu-itemLabel:text-is('JupyterLab {name}')")
    light = "true" if name == "Light" else "false"
    page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached", timeout=20_000)


def test_a_library_is_browsed_in_lab(tmp_path, takes, browser):
    """Find, hear, rate, note, compare, export in Lab; what is saved has no audio in it."""
    (tmp_path / "browse.ipynb").write_text(
        json.dumps(notebook("import phaseo_nb as nb\nnb.LibraryBrowser()"))
    )
    with Lab(tmp_path) as lab:
        page = lab.open(browser, "browse.ipynb")
        page.set_viewport_size({"width": 1600, "height": 1000})
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        page.wait_for_selector(f"{HERE} .pnb-take", timeout=60_000)
        assert page.locator(f"{HERE} .pnb-take").count() == 3
        assert page.locator("audio").count() == 0

        # Keys alone: Lab has commands of its own on letters, which must not reach its notebook.
        page.focus(f"{HERE} input[type=search]")
        page.keyboard.type("jazz")
        page.keyboard.press("Enter")
        says(page, "2 takes shown")
        page.focus(f"{HERE} .pnb-play")
        page.keyboard.press("Enter")
        assert plays(page, f"{HERE} .pnb-sound audio") == pytest.approx(4, abs=0.2)
        page.focus(f"{HERE} select.pnb-rating")
        page.keyboard.press("4")
        says(page, "is rated 4 of 5")

        page.locator(f"{HERE} .pnb-take button[aria-expanded]").first.click()
        page.locator(f"{HERE} .pnb-edit textarea").fill("<b>Best</b> so far")
        page.locator(f"{HERE} .pnb-edit input").fill("demo, evening")
        page.locator(f"{HERE} .pnb-edit button").click()
        page.locator(f"{HERE} :text('✓ Saved')").wait_for(timeout=20_000)
        assert page.locator(f"{HERE} b").count() == 0

        for tick in page.locator(f"{HERE} .pnb-take input[type=checkbox]").all():
            tick.check()
        page.get_by_role("button", name="Compare two").click()
        audios = f"{HERE} .pnb-compare audio"
        page.locator(audios).nth(1).wait_for(timeout=20_000)
        page.locator(f"{HERE} .pnb-compare .pnb-primary").click()
        plays(page, audios)
        page.keyboard.press("b")
        page.wait_for_function(f"!document.querySelectorAll('{audios}')[1].paused")
        told = page.eval_on_selector_all(audios, "(all) => all.map(a => [a.paused, a.currentTime])")
        assert [paused for paused, _ in told] == [True, False]
        assert told[1][1] == pytest.approx(told[0][1], abs=0.4)
        assert max(page.eval_on_selector_all(audios, "(all) => all.map(a => a.volume)")) == 1
        assert page.locator(".jp-CodeCell").count() <= 2  # "b" did not make a cell below

        page.get_by_role("button", name="Export …").click()
        page.get_by_role("button", name="Write file").click()
        page.locator(f"{HERE} :text('✓ 2 takes written to')").wait_for(timeout=20_000)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download", exact=True).click()
        assert download.value.suggested_filename == "takes.zip"

        for name in ("Light", "Dark"):
            theme(page, name)
            assert serious(page, HERE) == []
            shoot(page, f"{name}-1600")
            page.eval_on_selector(HERE, "(el) => { el.parentElement.style.width = '400px'; }")
            assert serious(page, HERE) == []
            assert page.eval_on_selector(HERE, "(el) => el.scrollWidth <= el.clientWidth")
            shoot(page, f"{name}-400")
            page.eval_on_selector(HERE, "(el) => { el.parentElement.style.width = ''; }")

        page.click(".lm-MenuBar-itemLabel:text-is('File')")
        with page.expect_response(lambda r: r.request.method == "PUT" and "browse.ipynb" in r.url):
            page.click(".lm-Menu-itemLabel:text-is('Save Notebook')")
        page.close()

    saved = json.loads((tmp_path / "browse.ipynb").read_text())
    (output,) = saved["cells"][0]["outputs"]
    assert "Warm jazz trio" in "".join(output["data"]["text/html"])
    assert "3 takes · SANDBOX" in "".join(output["data"]["text/plain"])
    assert len(json.dumps(saved)) < 100_000
    assert (tmp_path / "takes.zip").is_file()
    nb.library().close()
    (kept,) = nb.library().search("so far")  # the kernel's own words, read anew
    assert kept.tags == ("demo", "evening")
    assert kept.note == "<b>Best</b> so far"
    assert kept.rating == 4
