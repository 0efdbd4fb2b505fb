"""Open questions have buttons: each does what it says, asks before it pays, and says what came."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from browser import chromium, play_all
from forms_by_hand import Handle
from test_cards import EVIL, Page
from test_lab import Lab, notebook, run_all
from test_tables import connect, lose, make
from wires import KEY, Wire

import phaseo_nb as nb
from phaseo_nb import forms
from phaseo_nb.forms.questions import MOST, QuestionPanel
from phaseo_nb.keeping import Attempts

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def ask():
    """Buttons for what is in doubt now, with places to draw in."""

    def build():
        panel = QuestionPanel(nb.library().uncertain(), Handle())
        for question in panel.questions:
            question.place = Handle()
        return panel

    return build


def click(question, button):
    """Click and wait until what it asked for is done; what the row says then."""
    assert button in offered(question)
    button.click()
    question.work.result(20)
    return said(question)


def said(question):
    return Page(question._said.value).text


def offered(question):
    return [b for b in question._row.children if b.layout.display != "none" and not b.disabled]


def labels(question):
    return [button.description for button in offered(question)]


CHOICES = ["Look again", "Submit again (costs about $0.06)", "Write off"]


def test_each_question_offers_three_ways(ask):
    """A row names its request and price, and has the three buttons with a word about each."""
    lose("a waltz")
    (question,) = ask().questions

    assert labels(question) == CHOICES
    assert all(button.tooltip for button in question._row.children)
    assert "“a waltz” · take 1 · about $0.06" in Page(question._head.value).text


def test_looking_again_finds_the_job_and_shows_its_player(ask):
    """Look again keeps the take, draws its player in the row's place, and sends nothing."""
    wire = lose()
    panel = ask()
    (question,) = panel.questions

    assert click(question, question.look) == ("Found: it is kept as take 1. Its player is below.")

    question.place.wait_for("<audio")
    assert offered(question) == []
    assert len(wire.posts) == 1
    assert len(nb.library().recent()) == 1
    assert "kept by now" in panel._table.drawn[-1]


def test_looking_again_in_vain_says_so_and_leaves_the_choice(ask):
    """Where the gateway knows nothing, the row says so and all three buttons are back."""
    wire = lose()
    wire.gets = [lambda _: httpx.Response(404, json={"error": "not_found"})]
    (question,) = ask().questions

    words = click(question, question.look)

    assert "G-7" in words
    assert labels(question) == CHOICES
    assert [attempt.state for attempt in nb.library().uncertain()] == ["uncertain"]
    assert all("<audio" not in html for html in question.place.drawn)
    assert question.place.drawn[-1:] in ([], [""])


def test_looking_again_is_not_offered_without_a_name(ask):
    """Where there is nothing to ask for, the button is off and says why."""
    lose(post=lambda _: httpx.ReadTimeout("lost"))
    (question,) = ask().questions

    assert labels(question) == CHOICES[1:]
    assert "no name" in question.look.tooltip


def test_nothing_is_sent_before_it_is_asked_once_more(ask):
    """Submit again only asks; Keep it changes nothing and brings the buttons back."""
    wire = lose()
    (question,) = ask().questions

    question.submit.click()

    assert labels(question) == ["Yes, send it and pay again", "Keep it"]
    assert "pay twice" in said(question)
    question.keep.click()
    assert labels(question) == CHOICES
    assert said(question) == ""
    assert question.work is None
    assert len(wire.posts) == 1


def test_yes_sends_once_however_often_it_is_clicked(ask):
    """One confirmed submission is one order; the old attempt is written off, the new one shown."""
    wire = lose()
    wire.post = Wire.accepted
    (question,) = ask().questions
    question.submit.click()

    question.yes.click()
    question.yes.click()
    question.work.result(20)

    assert said(question) == "Sent again, see below. This one is written off."
    question.place.wait_for("<audio")
    assert len(wire.posts) == 2
    assert nb.library().uncertain() == []
    question.yes.click()
    assert len(wire.posts) == 2


def test_a_second_doubt_is_shown_as_one(ask):
    """When the second submission is lost as well, its place shows the open question."""
    lose()
    (question,) = ask().questions
    question.submit.click()

    question.yes.click()

    question.work.result(20)
    question.place.wait_for("It was not sent again")
    assert [attempt.take_id[-2:] for attempt in nb.library().uncertain()] == ["-2"]


@pytest.mark.parametrize(
    ("choice", "words", "spent"),
    [("off", "About $0.06 counts as spent", 0.06), ("off_free", "Nothing counts as spent", 0.0)],
)
def test_writing_off_asks_what_it_cost(ask, choice, words, spent):
    """Write off asks what the account says, and the budget counts just that."""
    lose()
    session = connect(Wire())
    panel = ask()
    (question,) = panel.questions

    question.write_off.click()
    assert labels(question) == ["Count about $0.06 as spent", "It was not charged", "Keep it"]
    assert words in click(question, getattr(question, choice))

    assert offered(question) == []
    assert nb.library().uncertain() == []
    assert session.budget.spent == pytest.approx(spent)
    assert "written off" in panel._table.drawn[-1]


def test_a_refusal_of_ours_stands_in_the_row(ask):
    """A budget that does not allow it is said in the row; nothing is sent, nothing settled."""
    wire = lose()
    connect(wire, budget_usd=0.06)
    (question,) = ask().questions
    question.submit.click()

    words = click(question, question.yes)

    assert "budget" in words
    assert labels(question) == CHOICES
    assert len(wire.posts) == 1


def test_each_row_goes_its_own_way(ask):
    """Settling one question leaves the others as they are."""
    lose("one")
    lose("two")
    first, second = ask().questions

    first.write_off.click()
    click(first, first.off_free)

    assert offered(first) == []
    assert labels(second) == CHOICES
    assert [attempt.prompt for attempt in nb.library().uncertain()] == ["two"]


def test_what_was_settled_elsewhere_is_said(ask):
    """A row whose attempt was settled by a line of code says so instead of doing it again."""
    wire = lose()
    (question,) = ask().questions
    nb.library().uncertain()[0].write_off(0)
    question.submit.click()

    words = click(question, question.yes)

    assert "settled" in words
    assert offered(question) == []
    assert len(wire.posts) == 1


def test_a_click_returns_at_once_and_blocks_its_row_only(ask):
    """While it works, a click from any thread has returned and the row's buttons are off."""
    lose("one")
    lose("two")
    busy, free = ask().questions
    may_end = threading.Event()
    ran_in = []

    def slow():
        ran_in.append(threading.current_thread())
        assert may_end.wait(20)
        raise nb.JobNotFound("not there", job_id="G-7")

    busy.attempt.look_again = slow
    clicker = threading.Thread(target=busy.look.click)
    clicker.start()
    clicker.join(20)

    assert not clicker.is_alive()
    assert offered(busy) == []
    assert said(busy) == "Asking the service …"
    assert labels(free) == CHOICES
    may_end.set()
    busy.work.result(20)
    assert said(busy) == "not there"
    assert ran_in[0] not in (clicker, threading.main_thread())


@pytest.mark.parametrize(
    ("error", "words"),
    [(nb.LibraryError(EVIL), "<img src=x onerror=alert(1)>"), (ZeroDivisionError(EVIL), "log")],
    ids=["ours", "unforeseen"],
)
def test_errors_are_text(ask, caplog, error, words):
    """Whatever an error holds is text in the row; one nobody foresaw leaves the buttons alive."""
    lose()
    (question,) = ask().questions

    def fails():
        raise error

    question.attempt.look_again = fails

    assert words in click(question, question.look)
    assert {tag for tag, _ in Page(question._said.value).tags} <= {"div"}
    assert labels(question) == CHOICES


def test_the_sandbox_asks_for_no_money(ask):
    """A sandbox attempt is sent again for free and written off without a question of cost."""
    box = nb.Sandbox()
    box.script("a waltz", nb.sandbox.without_audio())
    nb.connect("sandbox", transport=box.transport)
    with pytest.raises(nb.JobFailed):
        make(model=None)
    (question,) = ask().questions

    assert labels(question)[1] == "Submit again (free)"
    question.write_off.click()
    assert labels(question) == ["Yes, write it off", "Keep it"]
    assert click(question, question.off) == "Written off. Nothing counts as spent for it."


def test_long_lists_have_buttons_for_the_first(ask):
    """A page is not flooded with buttons: the first have them, the number of others is said."""
    for number in range(MOST + 2):
        lose(f"waltz {number}")

    panel = ask()

    assert len(panel.questions) == MOST
    assert "2 more" in panel.widget.children[0].value


def test_widgets_hold_no_key_and_no_markup_of_others(ask):
    """No trait of any widget has the key in it, and hostile prompts are text in all of them."""
    lose("a waltz " + EVIL.replace("\ud800", ""))
    panel = ask()
    click(panel.questions[0], panel.questions[0].look)

    widgets = [panel.widget]
    for widget in widgets:
        widgets += getattr(widget, "children", ())
    assert len(widgets) > 8
    for widget in widgets:
        state = widget.get_state()
        assert KEY not in str(state)
        if "value" in state:
            tags = {tag for tag, _ in Page(state["value"]).tags}
            assert tags <= {"div", "span", "b", "bdi", "style"}


def test_where_nobody_watches_the_table_stands_alone(monkeypatch):
    """nbclient, nbval and terminals get the table as any value, without widgets."""
    from IPython.core.formatters import DisplayFormatter

    monkeypatch.setattr(Attempts, "presenter", None)
    forms.install()
    lose()

    data, _ = DisplayFormatter().format(nb.library().uncertain())

    assert "submit_again()" in data["text/html"]
    assert "submit_again()" in data["text/plain"]
    assert set(data) == {"text/plain", "text/html"}


def test_widgets_are_loaded_when_shown():
    """Installing the buttons does not import ipywidgets."""
    code = (
        "import sys; from phaseo_nb import forms; forms.install(); "
        "assert 'ipywidgets' not in sys.modules; import phaseo_nb.forms.questions; "
        "assert 'ipywidgets' in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- in a real JupyterLab ------------------------------------------------------------------------

DOUBTS = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_tables import lose, connect
from wires import Wire
import httpx, phaseo_nb as nb
from phaseo_nb import forms
forms.install()
lose("a waltz for two")
lose("a <b id=polka>polka</b>", post=lambda _: httpx.ReadTimeout("lost"))
connect(Wire())
"""


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


@pytest.mark.browser
def test_clicks_in_a_real_lab(browser, lab):
    """In Lab a click changes its row and the table; the player it finds stays when saved."""
    (lab.folder / "doubts.ipynb").write_text(
        json.dumps(notebook(DOUBTS, "nb.library().uncertain()"))
    )
    page = lab.open(browser, "doubts.ipynb")
    run_all(page)
    rows = page.locator(".phaseo-nb-question")
    rows.nth(1).wait_for(timeout=60_000)
    assert rows.count() == 2
    assert page.locator("#polka").count() == 0

    rows.nth(1).locator("button:text-is('Write off')").click()
    rows.nth(1).locator("button:text-is('It was not charged')").click()
    rows.nth(1).locator("text=Nothing counts as spent").wait_for(timeout=20_000)
    rows.nth(0).locator("button:text-is('Look again')").click()
    rows.nth(0).locator("text=Found: it is kept as take 1").wait_for(timeout=20_000)
    page.wait_for_selector("audio", timeout=20_000)
    (played,) = play_all(page)

    assert played["played"] > 0.05
    assert page.locator(".phaseo-nb-question button:visible").count() == 0
    page.locator("caption:has-text('Nothing is in doubt any more')").wait_for(timeout=10_000)
    page.click(".lm-MenuBar-itemLabel:text-is('File')")
    with page.expect_response(lambda r: r.request.method == "PUT" and "doubts.ipynb" in r.url):
        page.click(".lm-Menu-itemLabel:text-is('Save Notebook')")
    page.close()
    saved = (lab.folder / "doubts.ipynb").read_text()
    assert KEY not in saved
    outputs = json.loads(saved)["cells"][1]["outputs"]
    shown = ["".join(output["data"].get("text/html", "")) for output in outputs]
    assert "Nothing is in doubt any more" in Page(shown[0]).text
    assert re.search("<audio controls", shown[2])
