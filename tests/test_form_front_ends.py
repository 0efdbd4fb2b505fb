"""The form outside of JupyterLab: in Notebook 7, and on a page of Voilà."""

from __future__ import annotations

import pytest
from browser import chromium, play_all
from form_pages import FormPage
from labs import Notebook7, Voila, run_all, write

pytestmark = pytest.mark.browser

CELL = 'import phaseo_nb as nb\nnb.connect("sandbox")\nnb.MusicForm()'


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def make_a_track(page):
    """Fill the form, press the button, hear what came."""
    form = FormPage(page)
    form.fill(Prompt="a quick waltz", Duration="2")
    form.generate(until=page.locator("audio"))
    (played,) = play_all(page)
    assert played["duration"] == pytest.approx(2.0, abs=0.2)
    assert played["played"] > 0.05
    form.wait_for_words("/is here below/")


def test_the_form_works_in_notebook_7(tmp_path, browser):
    """In Jupyter Notebook 7 the form makes a track that plays."""
    write(tmp_path, "form.ipynb", CELL)
    with Notebook7(tmp_path) as front_end:
        page = front_end.open(browser, "form.ipynb")
        run_all(page)
        make_a_track(page)
        page.close()


def test_the_form_works_in_voila(tmp_path, browser):
    """On a page of Voilà, whose outputs stand still, the player appears inside the form."""
    write(tmp_path, "form.ipynb", CELL)
    with Voila(tmp_path) as front_end:
        page = front_end.open(browser, "form.ipynb")
        make_a_track(page)
        assert page.locator(".phaseo-nb-form audio").count() == 1
        page.close()
