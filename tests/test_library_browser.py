"""The library's browser: its Python by itself, and with its script in a real Chromium.

The Chromium shows the widget on a bare page, which is quicker than a JupyterLab: messages go
across as they would through a kernel, each way through JSON, buffers apart.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from axe import serious
from browser import chromium
from test_cards import EVIL, Page
from test_tables import connect, make, titled
from wires import KEY

import phaseo_nb as nb
from phaseo_nb.forms import library_rows as rows
from phaseo_nb.forms import library_sound as sound
from phaseo_nb.forms.look import WIDGET_VIEW

pytestmark = pytest.mark.usefixtures("quick")


class Front:
    """What stands for a page where none is needed: it asks, and has the answer."""

    def __init__(self, widget):
        self.widget = widget
        self.told = []
        widget.send = lambda content, buffers=None: self.told.append((content, buffers))

    def ask(self, do, **what):
        self.told.clear()
        self.widget._on_message(self.widget, {"do": do, "ask": "1", **what}, [])
        self.widget.work.result(20)
        ((answer, buffers),) = self.told
        json.dumps([answer, self.widget.get_state()["_shown"]]).encode()
        assert answer["answer"] == "1"
        return answer, buffers


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """A library with three takes of the sandbox; made once, as that takes its time."""
    folder = tmp_path_factory.mktemp("stock")
    nb.connect("sandbox", library=folder)
    make("Warm jazz trio", None, duration=2)
    make("Warm jazz trio", None, duration=2, take=2)
    make("slow harp", None, duration=4)
    nb.library().close()
    return folder


@pytest.fixture
def box(stock, home):
    """Three takes in the library of this test, the oldest first."""
    shutil.copytree(stock, home)
    nb.connect("sandbox")
    return nb.library().recent()[::-1]


def titles(widget):
    return [row["title"] for row in widget._shown["takes"]]


# -- finding -------------------------------------------------------------------------------------


def test_it_begins_with_the_newest(box):
    """Without a word it shows the newest takes as plain facts, and the line that finds them."""
    browser = nb.LibraryBrowser()

    assert [take.id for take in browser.takes] == [take.id for take in reversed(box)]
    first = browser._shown["takes"][0]
    assert first["sandbox"]
    assert first["number"] == 1
    assert {"4.0 s", "free", "sandbox/band"} <= set(first["facts"])
    assert browser.code == "nb.library().recent(12)"
    assert eval(browser.code) == browser.takes


def test_words_and_filters_find_what_the_library_finds(box):
    """A search from the page is the library's own, and its line of code finds the same."""
    box[0].rating, box[0].tags = 5, ["demo"]
    browser = nb.LibraryBrowser()
    front = Front(browser)

    front.ask("find", text="jazz", rating="4", tag="demo", gateway="sandbox", since="2000-01-01")

    assert browser.takes == [box[0]]
    assert browser.text == "jazz"
    assert browser.filters["rating"] == 4
    assert eval(browser.code) == browser.takes
    front.ask("find", text="", rating="", tag="", gateway="", since="", model="nothing/of-it")
    assert browser.takes == []
    assert browser._shown["empty"] == "No take fits."


def test_pages_go_through_all(box):
    """Each take is on one page, and the last page says that there is no more."""
    browser = nb.LibraryBrowser(n=2)
    front = Front(browser)
    assert browser._shown["has_more"]
    seen = list(browser.takes)

    front.ask("find", page=2)

    assert [*seen, *browser.takes] == box[::-1]
    assert not browser._shown["has_more"]
    assert browser.code == "nb.library().recent(4)[2:]"
    assert eval(browser.code) == browser.takes


def test_the_last_question_counts(box, monkeypatch):
    """What an earlier search finds late does not replace what a later one found."""
    browser = nb.LibraryBrowser()
    front = Front(browser)
    may_end = threading.Event()
    look = browser._look

    def slow(query):
        found = look(query)
        if query.text == "harp":
            assert may_end.wait(20)
        return found

    monkeypatch.setattr(browser, "_look", slow, raising=False)
    browser._on_message(browser, {"do": "find", "ask": "old", "text": "harp"}, [])
    early = browser.work
    front.ask("find", text="jazz")
    may_end.set()
    early.result(20)

    assert browser.text == "jazz"
    assert len(browser.takes) == 2
    assert front.told[-1][0] == {"answer": "old", "late": True}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"text": "x" * 100_000}, "text"),
        ({"since": "275760-09-13"}, "since"),
        ({"rating": "9"}, "rating"),
        ({"gateway": "elsewhere"}, "gateway"),
    ],
)
def test_refusals_name_their_field(box, asked, field):
    """What cannot be searched for is refused in words at its field; what was shown stays."""
    browser = nb.LibraryBrowser()

    answer, _ = Front(browser).ask("find", **asked)

    assert answer["field"] == field
    assert len(answer["wrong"]) < 600
    assert len(browser.takes) == 3


def test_an_empty_library_says_what_to_do():
    """Somebody who has made nothing yet reads how to begin."""
    nb.connect("sandbox")

    assert "await nb.generate" in nb.LibraryBrowser()._shown["empty"]


def test_a_damaged_library_is_said_in_words(home):
    """A library that cannot be opened is a sentence in the widget, not a traceback."""
    nb.connect("sandbox", library=home.parent / "well")  # not the library of the test before
    home.mkdir()
    (home / "journal.db").write_bytes(b"no database" * 1000)

    browser = nb.LibraryBrowser(home)
    answer, _ = Front(browser).ask("find", text="jazz")

    assert "journal.db" in browser._shown["wrong"]
    assert answer["wrong"] == browser._shown["wrong"]
    data, _ = browser._repr_mimebundle_()
    assert "journal.db" in data["text/plain"]
    with pytest.raises(nb.LibraryError):
        browser.find("jazz")


def test_a_closed_library_opens_again(box):
    """Closing the library elsewhere in the notebook does not end its browser."""
    browser = nb.LibraryBrowser()
    nb.library().close()

    answer, _ = Front(browser).ask("find", text="harp")

    assert "wrong" not in answer
    assert titles(browser) == [box[2].track.title or "slow harp"]


@pytest.mark.parametrize("wrong", [{"library": 5}, {"n": 0}, {"n": True}, {"n": "12"}, {"n": 51}])
def test_wrong_arguments_are_refused(wrong):
    """What is no library and no number of takes is refused in our own error."""
    with pytest.raises(nb.LibraryError, match="Give"):
        nb.LibraryBrowser(**wrong)


# -- what a person says --------------------------------------------------------------------------


def test_opinions_are_kept(box):
    """Rating, note and tags go into the library and into the row; taking back works too."""
    browser = nb.LibraryBrowser()
    front = Front(browser)
    id = box[0].id

    front.ask("say", id=id, rating=4)
    front.ask("say", id=id, note="For the titles.", tags="demo, slow , demo,")

    assert (box[0].rating, box[0].note, box[0].tags) == (4, "For the titles.", ("demo", "slow"))
    row = browser._shown["takes"][-1]
    assert (row["rating"], row["note"], row["tags"]) == (4, "For the titles.", ["demo", "slow"])
    front.ask("say", id=id, rating=None, note="", tags="")
    assert (box[0].rating, box[0].note, box[0].tags) == (None, None, ())


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"rating": 6}, "1 to 5"),
        ({"tags": "x" * 100_000}, "80 letters"),
        ({"tags": ",".join(map(str, range(60)))}, "50"),
        ({"note": "x" * 100_001}, "100,000"),
    ],
)
def test_opinions_that_are_none_are_refused(box, said, words):
    """What is no rating, tag or note is refused in a short sentence; nothing changes."""
    answer, _ = Front(nb.LibraryBrowser()).ask("say", id=box[0].id, **said)

    assert words in answer["wrong"]
    assert len(answer["wrong"]) < 300
    assert (box[0].rating, box[0].note, box[0].tags) == (None, None, ())


@pytest.mark.parametrize(
    "text",
    [EVIL, "x" * 100_000, "a\x00b", "🎷" * 50, "\u202eabc\u2066", "[" * 1000 + "]" * 1000],
    ids=["markup", "long", "nul", "emoji", "marks", "deep"],
)
def test_anything_can_be_pasted_anywhere(box, text, tmp_path, monkeypatch):
    """Whatever is typed into whichever field, each question has an answer in words."""
    monkeypatch.chdir(tmp_path)
    browser = nb.LibraryBrowser()
    front = Front(browser)
    id = box[0].id

    for field in ("text", "model", "tag", "since", "gateway", "rating", "page"):
        front.ask("find", **{field: text})
    front.ask("say", id=id, note=text)
    front.ask("say", id=id, tags=text)
    front.ask("say", id=id, rating=text)
    front.ask("details", id=id)
    front.ask("export", path=text)
    for do in ("play", "details", "compare"):
        front.ask(do, id=text, ids=[text, text], track=text)
    front.ask("find")

    assert len(browser.takes) == 3
    assert len(json.dumps(browser._shown)) < 20_000
    labels = [label for pairs in browser._shown["choices"].values() for _, label in pairs]
    shown = json.dumps([browser._shown["takes"], labels], ensure_ascii=False)
    assert not {"\x00", "\u202e", "\u2066"} & set(shown)


def test_a_lost_take_is_a_sentence(box):
    """A take that was deleted meanwhile is said to be gone, and leaves the selection."""
    browser = nb.LibraryBrowser()
    browser.selected_ids = [take.id for take in box]
    nb.library().delete(box[0])

    answer, _ = Front(browser).ask("play", id=box[0].id)

    assert "no take" in answer["wrong"]
    assert browser.selected == box[1:]


# -- sound ---------------------------------------------------------------------------------------


def test_audio_is_sent_when_asked_for_and_not_kept_in_state(box):
    """Play brings the recording as received; the state that is saved has none of it."""
    browser = nb.LibraryBrowser()
    front = Front(browser)

    answer, (data,) = front.ask("play", id=box[0].id, track=0)
    _, (picture,) = front.ask("picture", id=box[0].id, track=0)

    assert data == box[0].track.data
    assert answer["mime"] == "audio/mpeg"
    assert picture.startswith(b"\x89PNG")
    facts = {name: value for name, value in browser.get_state().items() if name not in STATIC}
    assert len(json.dumps(facts, default=str)) < 6_000
    assert not any(isinstance(value, bytes) for value in browser.get_state().values())


STATIC = {"_esm", "_css"}


def test_large_recordings_are_sent_as_previews(box):
    """Above the limit a smaller mp3 is sent, and said to be one."""
    whole = box[2].track
    heard = sound.sound_of(whole, most_bytes=30_000)

    assert len(heard.data) <= 30_000 < len(whole.data)
    assert "Preview" in heard.note


def test_the_louder_one_is_turned_down():
    """Levels are matched by attenuation alone, never by gain; silence is left as it is."""
    assert sound.gains_db(-14.0, -20.0) == (-6.0, 0.0)
    assert sound.gains_db(-20.0, -14.0) == (0.0, -6.0)
    assert sound.gains_db(float("-inf"), -14.0) == (0.0, 0.0)
    assert sound.gains_db(None, -14.0) == (0.0, 0.0)


def test_two_takes_are_compared(box):
    """Both recordings with pictures, loudness and gain, and what differs in the requests."""
    answer, buffers = Front(nb.LibraryBrowser()).ask("compare", ids=[box[0].id, box[2].id])

    lufs = [take.track.loudness_lufs for take in (box[0], box[2])]
    gains = [side["gain_db"] for side in answer["sides"]]
    assert max(gains) == 0
    assert lufs[0] + gains[0] == pytest.approx(lufs[1] + gains[1])
    assert all("LUFS" in side["level"] for side in answer["sides"])
    assert ("prompt", "Warm jazz trio", "slow harp") in answer["differs"]
    assert ("duration", "2", "4") in answer["differs"]
    assert buffers[:2] == [box[0].track.data, box[2].track.data]
    assert rows.differences(box[0], box[1]) == [("take", "1", "2")]


# -- out of the library --------------------------------------------------------------------------


def test_takes_are_exported(box, tmp_path, monkeypatch):
    """The selected takes, else the page, go where the name says, and nothing is overwritten."""
    monkeypatch.chdir(tmp_path)
    browser = nb.LibraryBrowser()
    front = Front(browser)
    browser.selected_ids = [box[0].id, box[2].id]

    answer, _ = front.ask("export", path="takes.zip", scope="selected")
    again, _ = front.ask("export", path="takes.zip", scope="page")

    assert answer["said"] == f"2 takes written to {tmp_path / 'takes.zip'}"
    assert "there already" in again["wrong"]
    assert Path("takes.zip").stat().st_size > 10_000
    assert "name" in front.ask("export", path=" ")[0]["wrong"]


def test_a_zip_can_be_downloaded(box, monkeypatch):
    """A small export is sent to the page; one that is too large is refused in words."""
    from phaseo_nb.forms import library_answers

    front = Front(nb.LibraryBrowser())

    answer, (data,) = front.ask("download", scope="page")

    assert data.startswith(b"PK")
    assert "3 takes" in answer["said"]
    monkeypatch.setattr(library_answers, "MOST_DOWNLOAD", 10)
    assert "too much" in front.ask("download", scope="page")[0]["wrong"]


# -- without a page ------------------------------------------------------------------------------


def test_its_twin_is_the_table(box):
    """Viewers without widgets get the takes as HTML and as text, the same each time."""
    browser = nb.LibraryBrowser()

    data, _ = browser._repr_mimebundle_()

    assert set(data) == {"text/plain", "text/html", WIDGET_VIEW}
    assert "widgets are not shown here" in Page(data["text/html"]).text
    assert browser.takes._repr_html_() in data["text/html"]
    assert data["text/plain"] == nb.LibraryBrowser()._repr_mimebundle_()[0]["text/plain"]
    assert repr(browser) == "<LibraryBrowser 3 takes of page 1>"


def test_no_key_is_in_its_state():
    """What is saved with the notebook has no key, also where one stands in a note."""
    connect(titled("Tide"))
    make("a waltz").note = f"my key {KEY}"
    browser = nb.LibraryBrowser()

    assert KEY not in json.dumps(browser.get_state(), default=str)


def test_what_it_does_not_know_it_ignores():
    """Messages that are none of its own have no effect and no answer."""
    nb.connect("sandbox")
    browser = nb.LibraryBrowser()
    front = Front(browser)

    for content in (None, 5, [], {}, {"do": "rm"}, {"do": []}):
        browser._on_message(browser, content, [])

    assert browser.work is None
    assert front.told == []


def test_without_anywidget_it_names_the_tables():
    """Where anywidget is missing the error says so, and what does without it."""
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import phaseo_nb as nb\n"
        "try: nb.LibraryBrowser\n"
        "except nb.SettingsError as error: assert 'nb.library().recent()' in str(error), error\n"
        "else: raise SystemExit('no error')"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- on a page -----------------------------------------------------------------------------------


PAGE = """<!doctype html><html lang="en"><head><title>A widget</title><style>{css}
body {{ margin: 0; padding: 12px; background: var(--jp-layout-color0);
  color: var(--jp-content-font-color1); }}
.light {{ --jp-layout-color0: #fff; --jp-content-font-color1: rgba(0,0,0,.87);
  --jp-input-background: #fff; }}
.dark {{ --jp-layout-color0: #111; --jp-content-font-color1: #fff;
  --jp-input-background: #212121; }}
</style></head><body class="{theme}" data-jp-theme-light="{is_light}"><main id="place"></main>
</body></html>"""

# As much of anywidget's model as its documentation promises.
MODEL = """async ([source, state]) => {
  const heard = {};
  const tell = (name, ...facts) => [...(heard[name] ?? [])].forEach((hear) => hear(...facts));
  const model = window.model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; changed[name] = value; tell(`change:${name}`); },
    save_changes: () => toPython(JSON.stringify({state: changed})).then(() => { changed = {}; }),
    send: (content) => toPython(JSON.stringify({content})),
    on: (name, hear) => { (heard[name] ??= []).push(hear); },
    off: (name, hear) => { heard[name] = (heard[name] ?? []).filter((one) => one !== hear); },
  };
  let changed = {};
  window.pump = async () => {
    for (const told of JSON.parse(await fromPython())) {
      for (const [name, value] of Object.entries(told.state ?? {})) {
        state[name] = value;
        tell(`change:${name}`, model, value);
      }
      const bytes = (told.buffers ?? []).map((text) =>
        new DataView(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer));
      if (told.content) tell("msg:custom", told.content, bytes);
    }
  };
  setInterval(window.pump, 30);
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  const widget = (await import(url)).default;
  window.cleanUp = widget.render({model, el: document.getElementById("place")});
}"""


class Bridge:
    """The Python side: what a widget sends, kept until the page asks for it."""

    def __init__(self, widget):
        self.widget = widget
        self._told = []
        self._lock = threading.Lock()
        widget.send = self._send
        widget.observe(self._on_change)

    def _send(self, content, buffers=None):
        self._tell(content=content, buffers=[base64.b64encode(b).decode() for b in buffers or []])

    def _on_change(self, change):
        if self.widget.trait_metadata(change["name"], "sync"):
            self._tell(state={change["name"]: change["new"]})

    def _tell(self, **facts):
        text = json.dumps(facts)
        text.encode()  # as a kernel would: halves of surrogate pairs end here
        with self._lock:
            self._told.append(text)

    def give(self):
        with self._lock:
            told, self._told = self._told, []
        return f"[{','.join(told)}]"

    def take(self, text):
        said = json.loads(text)
        if "state" in said:
            self.widget.set_state(said["state"])
        else:
            self.widget._on_message(self.widget, said["content"], [])


def show(browser, widget, *, theme="light", width=900, **more):
    """Open a page with a widget on it; what it asks for is done in this process."""
    page = browser.new_page(viewport={"width": width, "height": 1000}, **more)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    bridge = Bridge(widget)
    page.expose_function("toPython", bridge.take)
    page.expose_function("fromPython", bridge.give)
    is_light = "true" if theme == "light" else "false"
    page.set_content(PAGE.format(css=widget._css, theme=theme, is_light=is_light))
    state = {name: widget.get_state()[name] for name in widget.keys if not name.startswith("_esm")}
    page.evaluate(MODEL, [widget._esm, json.loads(json.dumps(state, default=str))])
    return page


@pytest.fixture(scope="module")
def chrome():
    with chromium() as browser:
        yield browser


def play_seconds(page, selector):
    """Wait until a recording plays; how long it is, and where it is."""
    page.wait_for_function(
        "(s) => { const a = document.querySelector(s); return a && a.currentTime > 0.05; }",
        arg=selector,
    )
    return page.eval_on_selector(selector, "(a) => [a.duration, a.currentTime]")


@pytest.mark.browser
@pytest.mark.parametrize(("theme", "width"), [("light", 400), ("dark", 1600)])
def test_nobody_is_shut_out(chrome, box, theme, width):
    """With everything open axe-core finds nothing serious, and nothing stands out of the page."""
    box[0].rating, box[0].tags, box[0].note = 4, ["demo", "x" * 80], "For the titles."
    page = show(chrome, nb.LibraryBrowser(n=2), theme=theme, width=width)
    assert serious(page, "#place") == []
    assert page.locator("audio").count() == 0

    page.locator(".pnb-play").first.click()
    play_seconds(page, ".pnb-sound audio")
    page.locator(".pnb-take button[aria-expanded]").first.click()
    page.locator(".pnb-edit textarea").wait_for()
    for tick in page.locator(".pnb-take input[type=checkbox]").all():
        tick.check()
    page.get_by_role("button", name="Export …").click()
    page.get_by_role("button", name="Compare two").click()
    page.locator(".pnb-compare audio").first.wait_for()
    page.locator("summary").click()

    assert serious(page, "#place") == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.problems == []
    page.close()


@pytest.mark.browser
def test_a_library_without_takes_shuts_nobody_out(chrome):
    """The empty page says how to begin, and axe-core finds nothing serious there either."""
    nb.connect("sandbox")
    page = show(chrome, nb.LibraryBrowser())

    assert "await nb.generate" in page.inner_text("#place")
    assert serious(page, "#place") == []
    page.close()


@pytest.mark.browser
def test_the_keyboard_does_everything(chrome, box, tmp_path, monkeypatch):
    """Search, play, rate, note, select, compare and switch, export: keys alone, focus visible."""
    monkeypatch.chdir(tmp_path)
    browser = nb.LibraryBrowser()
    page = show(chrome, browser)

    def tab_to(name):
        for _ in range(60):
            label = page.evaluate(
                "(e => e === document.body ? ''"
                " : e.ariaLabel || e.labels?.[0]?.textContent || e.textContent)"
                "(document.activeElement)"
            )
            if name in label:
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid"
                return
            page.keyboard.press("Tab")
        pytest.fail(f"no way to {name!r} by Tab")

    tab_to("Search")
    page.keyboard.type("jazz")
    page.keyboard.press("Enter")
    page.locator("[role=status]:text-is('2 takes shown, page 1.')").wait_for()
    tab_to("Play")
    page.keyboard.press("Enter")
    seconds, _ = play_seconds(page, ".pnb-sound audio")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.pnb-sound audio').paused")
    tab_to("Rating of")
    page.keyboard.press("5")
    page.locator("[role=status]:has-text('is rated 5 of 5')").wait_for()
    tab_to("Add note")
    page.keyboard.press("Enter")
    page.locator(".pnb-edit textarea:focus").wait_for()
    page.keyboard.type("By hand")
    tab_to("Save note")
    page.keyboard.press("Enter")
    page.locator("text=✓ Saved").wait_for()
    page.keyboard.press("Shift+Tab")
    page.focus("input[type=search]")
    for _ in range(2):
        tab_to("Select “")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
    tab_to("Compare two")
    page.keyboard.press("Enter")
    page.locator(".pnb-compare:focus").wait_for()
    page.keyboard.press("b")
    tab_to("B is heard")
    page.focus("input[type=search]")
    tab_to("Export …")
    page.keyboard.press("Space")
    tab_to("Write file")
    page.keyboard.press("Enter")
    page.locator(".pnb-export :text('✓ 2 takes written to')").wait_for()

    assert seconds == pytest.approx(2, abs=0.2)
    assert (box[1].rating, box[1].note) == (5, "By hand")
    assert (tmp_path / "takes.zip").is_file()
    assert page.problems == []
    page.close()


@pytest.mark.browser
def test_switching_keeps_the_place(chrome, box):
    """A and B play from one place, one at a time, the louder one turned down."""
    browser = nb.LibraryBrowser()
    browser.selected_ids = [box[0].id, box[2].id]
    page = show(chrome, browser)
    page.get_by_role("button", name="Compare two").click()
    audios = ".pnb-compare audio"
    page.locator(audios).nth(1).wait_for()

    page.locator(".pnb-compare .pnb-primary").click()
    play_seconds(page, audios)
    page.keyboard.press("B")
    page.wait_for_function(f"!document.querySelectorAll('{audios}')[1].paused")
    told = page.eval_on_selector_all(audios, "(all) => all.map(a => [a.paused, a.currentTime])")
    volumes = page.eval_on_selector_all(audios, "(all) => all.map(a => a.volume)")
    page.locator(".pnb-play").first.click()
    play_seconds(page, ".pnb-sound audio")

    assert [paused for paused, _ in told] == [True, False]
    assert told[1][1] == pytest.approx(told[0][1], abs=0.3)
    gains = sound.gains_db(*(take.track.loudness_lufs for take in (box[0], box[2])))
    assert volumes == pytest.approx([10 ** (gain / 20) for gain in gains], abs=0.01)
    assert page.eval_on_selector_all(audios, "(all) => all.every(a => a.paused)")
    page.close()


@pytest.mark.browser
def test_what_is_pasted_stays_text(chrome, box, monkeypatch, tmp_path):
    """Markup in any field or take is text on the page; a refusal stands at its field."""
    monkeypatch.chdir(tmp_path)
    connect(titled(EVIL.replace("\ud800", "")))
    make(EVIL.replace("\ud800", ""))
    page = show(chrome, nb.LibraryBrowser())
    page.locator(".pnb-take button[aria-expanded]").first.click()
    page.get_by_role("button", name="Export …").click()

    page.locator(".pnb-edit textarea").fill(EVIL.replace("\ud800", ""))
    page.locator(".pnb-edit input").fill("<b>tag</b>")
    page.get_by_role("button", name="Save note").click()
    page.locator("text=✓ Saved").wait_for()
    page.fill(".pnb-export input", "<img src=x>/takes.zip")
    page.get_by_role("button", name="Write file").click()
    page.locator(".pnb-export .pnb-wrong").wait_for()
    page.fill("input[type=search]", "x" * 100_000)
    page.keyboard.press("Enter")
    page.locator(".pnb-search .pnb-wrong").wait_for()

    assert page.locator("#place :is(img:not(.pnb-wave), script, b)").count() == 0
    assert "<b>tag</b>" in page.inner_text(".pnb-takes")
    assert page.get_attribute("input[type=search]", "aria-invalid") == "true"
    assert page.problems == []
    page.close()


@pytest.mark.browser
def test_it_cleans_up(chrome, box):
    """When its cell is cleared, sound stops, listeners go and addresses are given back."""
    browser = nb.LibraryBrowser()
    page = show(chrome, browser)
    page.evaluate(
        "() => { window.revoked = 0; const revoke = URL.revokeObjectURL;"
        "URL.revokeObjectURL = (url) => { window.revoked += 1; revoke.call(URL, url); }; }"
    )
    page.locator(".pnb-play").first.click()
    play_seconds(page, ".pnb-sound audio")
    page.evaluate("() => { window.audio = document.querySelector('audio'); window.cleanUp(); }")

    assert page.evaluate("audio.paused")
    assert page.evaluate("revoked") >= 1
    assert page.inner_text("#place") == ""
    browser.find("jazz")
    page.wait_for_timeout(100)
    assert page.problems == []
    page.close()
