"""In a real JupyterLab that saves widget state: a key typed into the field is in no file."""

from __future__ import annotations

import json
import re

import pytest
from browser import chromium
from labs import THEMES, WIDGETS, Lab, write

pytestmark = pytest.mark.browser

SECRET = "TypedIntoTheFieldAndNowhereElse"
KEY = f"phaseo_v1_sk_abcdef123456_{SECRET}"

FIELD = ".phaseo-nb-key-field"
INPUT = f"{FIELD} input[type=password]"
LABEL = "input => input.labels[0].innerText"
STATUS = f"{FIELD} [role=status]"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    settings = {WIDGETS: {"saveState": True}}
    with Lab(tmp_path_factory.mktemp("lab"), settings=settings) as lab:
        yield lab


def run_cell(page, number):
    page.locator(".jp-CodeCell .jp-InputArea-editor").nth(number).click()
    page.keyboard.press("Control+Enter")


def save(page):
    page.click(".lm-MenuBar-itemLabel:text-is('File')")
    page.click(".lm-Menu-itemLabel:text-is('Save Notebook')")
    page.wait_for_selector(".jp-Document:not(.jp-mod-dirty)", state="attached", timeout=10_000)
    page.wait_for_timeout(1000)


def status(page, words):
    said = page.locator(STATUS, has_text=re.compile(words))
    said.wait_for(timeout=30_000)
    return said.inner_text()


def test_a_typed_key_is_used_and_saved_nowhere(lab, browser):
    """Typed and used with the button, the key connects the next cell and is in no file."""
    write(
        lab.folder,
        "typed.ipynb",
        "%xmode Verbose\nimport phaseo_nb as nb\nnb.login()",
        'session = nb.connect("phaseo", base_url="http://127.0.0.1:9/v1")\nsession',
        'await nb.generate("a waltz", model="suno/v4.5")',
    )
    page = lab.open(browser, "typed.ipynb")
    run_cell(page, 0)
    status(page, "No key yet")
    assert page.locator(".jp-OutputArea-output", has_text="<Login").count() == 0

    assert page.eval_on_selector(INPUT, LABEL) == "API key"
    page.fill(INPUT, KEY)
    assert page.eval_on_selector(INPUT, "input => input.value.length") == len(KEY)
    save(page)  # while it stands in the field
    assert SECRET not in (lab.folder / "typed.ipynb").read_text()
    page.get_by_role("button", name="Use key").click()
    said = status(page, "entered, this kernel only")
    assert 'nb.connect("phaseo")' in said
    assert page.eval_on_selector(INPUT, "input => input.value") == ""
    run_cell(page, 1)
    page.wait_for_selector("text=/<Session phaseo at .*, key from login/", timeout=30_000)
    run_cell(page, 2)
    page.wait_for_selector("text=/ConnectionFailed/ >> nth=0", timeout=60_000)
    assert SECRET not in page.content()
    save(page)
    page.close()

    saved = json.loads((lab.folder / "typed.ipynb").read_text())
    states = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert "AnyModel" in {state["model_name"] for state in states.values()}
    assert "key from login" in str(saved["cells"][1]["outputs"])
    files = [path for path in lab.folder.rglob("*") if path.is_file()]
    assert {"journal.db", "jupyterlab.log", "history.sqlite"} <= {path.name for path in files}
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path


def test_the_keyboard_is_enough(lab, browser):
    """Tab, typing, Enter; a refusal is read out, shows no key, and leaves the place to retry."""
    write(lab.folder, "keys.ipynb", 'import phaseo_nb as nb\nnb.login("udio")')
    page = lab.open(browser, "keys.ipynb")
    run_cell(page, 0)
    status(page, "No key yet")
    assert page.locator(f"{FIELD} select").count() == 0

    assert page.eval_on_selector(INPUT, LABEL) == "API key for udioapi.pro"
    page.focus(INPUT)
    page.keyboard.type(KEY)  # letters that would be commands of Lab
    page.keyboard.press("Enter")
    assert SECRET not in status(page, "wrong service")
    assert page.evaluate("document.activeElement.type") == "password"
    page.keyboard.type(f"udio-{SECRET}")
    page.keyboard.press("Enter")
    status(page, "Key for udioapi.pro entered")

    assert page.locator(".jp-CodeCell").count() == 1
    assert page.get_attribute(STATUS, "aria-live") == "polite"
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outline")
    assert "2px" in outline
    assert "rgb(117, 124, 234)" in outline
    page.close()


def test_a_page_without_its_kernel_claims_nothing(lab, browser):
    """Reopened with another kernel, the page says what stood there, or that nobody answers."""
    write(lab.folder, "gone.ipynb", "import phaseo_nb as nb\nnb.login()")
    page = lab.open(browser, "gone.ipynb")
    run_cell(page, 0)
    status(page, "No key yet")
    page.fill(INPUT, KEY)
    page.keyboard.press("Enter")
    status(page, "entered")
    save(page)
    page.click(".lm-MenuBar-itemLabel:text-is('Kernel')")
    page.click(".lm-Menu-itemLabel:text-is('Shut Down Kernel')")
    page.wait_for_timeout(1000)
    page.close()

    page = lab.open(browser, "gone.ipynb", fresh=True)
    page.locator(".jp-OutputArea-output").first.wait_for(timeout=30_000)
    if page.locator(FIELD).count():
        status(page, "No answer from the kernel")
    shown = page.inner_text(".jp-OutputArea")

    assert "entered" not in shown
    page.close()


def test_it_fits_a_narrow_page_and_a_dark_one(lab, browser):
    """From 400 px to a projector nothing runs over; in the dark what is typed is light."""
    lab.set(THEMES, {"theme": "JupyterLab Dark"})
    write(lab.folder, "narrow.ipynb", "import phaseo_nb as nb\nnb.login()")
    page = lab.open(browser, "narrow.ipynb", fresh=True)
    run_cell(page, 0)
    status(page, "No key yet")
    page.fill(INPUT, "no key at all")
    page.keyboard.press("Enter")
    status(page, "has a blank")

    page.click("[data-id=filebrowser]")  # it would take most of a narrow page
    for width in (400, 900, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        over = page.eval_on_selector(
            FIELD,
            "el => [el, ...el.querySelectorAll('*')].filter(e => e.scrollWidth > "
            "e.clientWidth + 1 && e.clientWidth && e.tagName != 'SELECT').map(e => e.className)",
        )
        assert over == []
    style = page.eval_on_selector(
        INPUT, "el => [getComputedStyle(el).color, getComputedStyle(el).backgroundColor]"
    )
    ink, paper = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in style)
    assert ink > 600 > 150 > paper
    page.close()
