"""The front ends of labs.py start, show a widget and take settings: what others build on."""

from __future__ import annotations

import pytest
from browser import chromium
from labs import THEMES, WIDGETS, Lab, Notebook7, Voila, run_all, write

pytestmark = pytest.mark.browser

BUTTON = 'import ipywidgets; ipywidgets.Button(description="Press")'


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def button(page):
    return page.locator("button.jupyter-button:text-is('Press')")


def test_a_widget_in_notebook_7(browser, tmp_path):
    """Notebook 7 opens a notebook, runs it and shows its button."""
    write(tmp_path, "button.ipynb", BUTTON)
    with Notebook7(tmp_path) as server:
        page = server.open(browser, "button.ipynb")
        run_all(page)
        button(page).wait_for(timeout=30_000)
        page.close()


@pytest.mark.parametrize("only", [None, "button.ipynb"], ids=["a folder", "one file"])
def test_a_widget_in_voila(browser, tmp_path, only):
    """Voilà runs a notebook by itself and shows its button and no code."""
    write(tmp_path, "button.ipynb", BUTTON)
    with Voila(tmp_path, only=only) as server:
        page = server.open(browser, "button.ipynb")
        button(page).wait_for(timeout=30_000)
        assert "import ipywidgets" not in page.inner_text("body")
        page.close()


def test_lab_with_settings(browser, tmp_path):
    """A theme, the saving of widgets and a kernel's variables can be chosen beforehand."""
    settings = {THEMES: {"theme": "JupyterLab Dark"}, WIDGETS: {"saveState": True}}
    write(tmp_path, "button.ipynb", BUTTON, "import os; print('tastes of', os.environ['FLAVOUR'])")
    with Lab(tmp_path, settings=settings, kernel_env={"FLAVOUR": "salt"}) as server:
        page = server.open(browser, "button.ipynb")
        page.wait_for_selector("[data-jp-theme-light=false]", state="attached", timeout=30_000)
        run_all(page)
        button(page).wait_for(timeout=30_000)
        page.wait_for_selector("text='tastes of salt'", timeout=30_000)
        page.click(".lm-MenuBar-itemLabel:text-is('Settings')")
        saving = page.locator(".lm-Menu-item:has-text('Save Widget State Automatically')")
        saving.wait_for()
        assert "lm-mod-toggled" in saving.get_attribute("class")
        page.close()
