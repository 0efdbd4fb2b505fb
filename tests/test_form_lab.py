"""The form in a real JupyterLab: made, heard, stopped, reopened, shared."""

from __future__ import annotations

import json
import subprocess
import sys

import axe
import pytest
from browser import chromium, play_all
from form_pages import HOME, RECORDER, FormPage, Orders, showing
from labs import Lab, run_all, write

pytestmark = pytest.mark.browser

SLOW = 'box.script("march", delayed(120))'
EVIL = '<img src=x onerror="document.title=1"><script>document.title=2</script><b>bold</b>'


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def save(page):
    page.click(".lm-MenuBar-itemLabel:text-is('File')")
    page.click(".lm-Menu-itemLabel:text-is('Save Notebook')")
    page.wait_for_selector(".jp-Document:not(.jp-mod-dirty)", state="attached", timeout=10_000)
    page.wait_for_timeout(500)


def run_cell(page, number):
    page.locator(".jp-CodeCell").nth(number).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")


def test_a_musician_needs_nothing_but_the_form(lab, browser):
    """Fill, press Generate, hear it; two jobs at once, stop one; reload, share: it still plays."""
    write(lab.folder, "music.ipynb", showing("music.jsonl", script=SLOW))
    orders = Orders(lab.folder, "music.jsonl")
    page = lab.open(browser, "music.ipynb")
    page.set_viewport_size({"width": 1100, "height": 1400})
    run_all(page)
    form = FormPage(page)
    assert page.locator("audio").count() == 0  # nothing plays by itself
    assert form.button("Stop waiting").is_disabled()

    # Suno's custom mode without a title: said at the control, and nothing is sent.
    form.choose("Model", "suno/v4.5")
    form.panel("Suno options").get_by_label("Custom mode").select_option("true")
    form.panel("Suno options").get_by_label("Style", exact=True).fill("waltz")
    form.fill(Prompt="Warm jazz trio")
    title = form.control("Title")
    page.wait_for_function(
        "(e) => e.getAttribute('aria-invalid') === 'true'", arg=title.element_handle()
    )
    says = page.locator("#" + title.get_attribute("aria-describedby"))
    assert "suno.title" in says.inner_text()
    form.generate(until=page.locator("text=/Not sent/"))
    assert orders.bodies == []
    assert title.evaluate("(element) => document.activeElement === element")
    form.panel("Suno options").get_by_label("Custom mode").select_option("")
    form.panel("Suno options").get_by_label("Style", exact=True).fill("")

    # A track with the length that was asked for.
    form.choose("Model", "sandbox/band")
    form.fill(Prompt="Warm jazz trio", Duration="3")
    form.generate(until=page.locator("audio"))
    orders.wait_for(1)
    (played,) = play_all(page)
    assert played["duration"] == pytest.approx(3.0, abs=0.2)
    assert played["played"] > 0.05

    # A long job and a quick one at the same time; the long one is stopped, not lost.
    form.fill(Prompt="a long march")
    form.generate(until=page.locator("text=/Waiting in line|Making your music/"))
    form.fill(Prompt="a quick waltz", Duration="2")
    form.generate(until=page.locator("audio >> nth=1"))
    assert form.button("Stop waiting").is_enabled()
    form.button("Stop waiting").click()
    form.wait_for_words("/nb.resume\\(\\)/")
    orders.wait_for(3)

    # The same request again is asked about; playing it costs nothing.
    form.generate(until=form.button("Play it, free"))
    form.button("Play it, free").click()
    form.wait_for_words("/nothing was paid/")
    orders.wait_for(3)

    save(page)
    page.reload()
    page.wait_for_selector("audio", timeout=60_000)
    assert [p["duration"] for p in play_all(page)][-1] == pytest.approx(3.0, abs=0.2)

    # The kernel is the same one: what is made now appears, though the outputs are not found.
    form = FormPage(page)
    form.wait_for_words("/loaded anew/")
    form.fill(Prompt="a polka", Duration="2")
    form.generate(until=page.locator(".phaseo-nb-form audio"))
    page.close()
    shared_and_exported(lab, browser)


def shared_and_exported(lab, browser):
    """What the page above has saved: reopened untrusted, and as a web page elsewhere."""
    saved = json.loads((lab.folder / "music.ipynb").read_text())
    assert "only-for-this-test" not in json.dumps(saved["metadata"])
    saved["cells"][0]["source"] += "  # shared"  # the signature does not fit any more
    (lab.folder / "shared.ipynb").write_text(json.dumps(saved))
    page = lab.open(browser, "shared.ipynb")
    page.wait_for_selector("audio", timeout=30_000)
    assert page.query_selector(".jp-OutputArea style") is None  # it really is untrusted
    assert all(played["played"] > 0.05 for played in play_all(page))
    page.close()

    elsewhere = lab.folder / "somewhere" / "else"
    elsewhere.mkdir(parents=True)
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(elsewhere)]
    subprocess.run([*command, str(lab.folder / "music.ipynb")], check=True, capture_output=True)
    page = browser.new_page()
    page.goto((elsewhere / "music.html").as_uri())
    played = play_all(page)
    assert len(played) >= 2
    assert all(one["played"] > 0.05 for one in played)
    assert "await nb.generate" in page.inner_text("body")  # the form's twin
    page.close()


def test_after_a_restart_the_form_offers_what_is_open(lab, browser):
    """A job that was on its way when the kernel died is offered by the form and not paid again."""
    home = HOME.format("again")
    slow = "box = Sandbox(folder='again-box', outcome=delayed(8))"  # long enough to be killed in
    connect = 'nb.connect("sandbox", transport=box.transport)'
    cell = f"{home}{RECORDER}{slow}\n{connect}\nform = nb.MusicForm()\nform"
    write(lab.folder, "again.ipynb", cell, "import os; os._exit(1)")
    page = lab.open(browser, "again.ipynb")
    page.set_viewport_size({"width": 1100, "height": 1400})
    run_cell(page, 0)
    form = FormPage(page)
    form.fill(Prompt="a harp before the storm", Duration="2")
    form.generate(until=page.locator("text=/Waiting in line|Making your music/").first)
    run_cell(page, 1)
    page.locator(".jp-Dialog button").first.click(timeout=30_000)  # "the kernel has died"
    page.locator("text=/\\| Idle/").wait_for(timeout=60_000)
    page.wait_for_timeout(500)

    run_cell(page, 0)
    form.wait_for_words("/is still open from before|Take it up/", 60)
    FormPage(page).button("Take it up").click()
    page.wait_for_selector("audio", timeout=60_000)

    (played,) = play_all(page)
    assert played["duration"] == pytest.approx(2.0, abs=0.2)
    page.close()


def test_nobody_is_shut_out(lab, browser):
    """Keyboard alone, narrow and wide, light and dark: it works, and axe finds nothing serious."""
    write(lab.folder, "looks.ipynb", showing("looks.jsonl"))
    page = lab.open(browser, "looks.ipynb")
    run_all(page)
    form = FormPage(page)
    press_by_keys_alone(page, form, "a waltz by keys")
    Orders(lab.folder, "looks.jsonl").wait_for(1)
    page.wait_for_selector("audio", timeout=60_000)

    form.choose("Model", "minimax/music-2.6")
    for title in ("MiniMax options", "Suno options", "Routing"):
        form.panel(title)
    form.button("Show code").click()
    form.fill(Take="none")  # a message at a control is looked at as well
    page.locator(".pnb-wrong").first.wait_for()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        choose_theme(page, theme)
        for width in (1600, 740):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(300)
            assert axe.serious(page, ".phaseo-nb-form") == []
            assert page.evaluate(TOO_WIDE) <= 1
    page.close()


TOO_WIDE = """(() => {
  const form = document.querySelector('.phaseo-nb-form');
  return form.scrollWidth - form.clientWidth;
})()"""


def choose_theme(page, theme):
    page.click(".lm-MenuBar-itemLabel:text-is('Settings')")
    page.locator(".lm-Menu-itemLabel:text-is('Theme')").hover()
    page.click(f".lm-Menu-itemLabel:text-is('{theme}')")
    light = str("Light" in theme).lower()
    page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
    page.wait_for_timeout(500)


def press_by_keys_alone(page, form, prompt):
    """From the prompt to the button by Tab, pressed by the space bar; focus is always visible."""
    form.control("Prompt").focus()
    page.keyboard.type(prompt)
    names = []
    while not names or names[-1] != "Generate":
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "[document.activeElement.textContent.trim().slice(0, 30),"
            " getComputedStyle(document.activeElement).outlineStyle]"
        )
        names.append(name)
        assert outline == "solid", names
        assert len(names) < 40, names
    page.keyboard.press("Space")


def test_pasted_markup_stays_text(lab, browser):
    """Hostile text in every word of the form: no element of it on the page, nothing sent."""
    write(lab.folder, "evil.ipynb", showing("evil.jsonl"))
    page = lab.open(browser, "evil.ipynb")
    run_all(page)
    form = FormPage(page)
    title = page.title()
    for text in (EVIL, "x" * 100_000, "a\u202eb\u2066c 🎷", "[" * 1000 + "]" * 1000):
        form.fill(Prompt=text, Lyrics=text, Style=text, Title=text, Duration=text[:500])
        form.control("Take").fill(text[:500])
        page.wait_for_timeout(300)
    form.fill(Prompt=EVIL, Lyrics="", Style="", Title="", Duration="", Take="")
    form.button("Show request").click()
    page.locator(".pnb-readout pre", has_text="onerror").wait_for(timeout=10_000)

    assert page.locator(".phaseo-nb-form img").count() == 0
    assert page.locator(".phaseo-nb-form b").count() == 0
    assert page.title().replace("*", "") == title.replace("*", "")
    assert Orders(lab.folder, "evil.jsonl").bodies == []
    form.generate(until=page.locator("audio"))
    assert page.locator(".jp-OutputArea img[src='x']").count() == 0
    assert Orders(lab.folder, "evil.jsonl").wait_for(1)["prompt"] == EVIL
    page.close()
