"""The report of a sweep: one file that tells a study anywhere, offline, whoever named it."""

from __future__ import annotations

import base64
import re
import urllib.parse

import pytest
from axe import serious
from browser import chromium, play_all
from counting_gateway import PRICE, CountingGateway
from fake_gateway import KEY
from test_cards import EVIL, Page

import phaseo_nb as nb
from phaseo_nb.experiments.report.recipe import recipe, sweep_call

pytestmark = pytest.mark.usefixtures("quick")


def study(prompts=("Tune a", "Tune b"), **words):
    """A sweep that was run at a paid gateway in memory."""
    CountingGateway().connect()
    sweep = nb.Sweep(prompt=list(prompts), **words)
    nb.run(sweep.run(show=False))
    return sweep


def read(report):
    text = report.path.read_text("utf-8")
    return Page(re.sub(r"<(meta [^>]*)>", r"<\1/>", text))  # it has no end tag


def sources(page):
    return [attributes["src"] for tag, attributes in page.tags if tag in ("audio", "img")]


# -- what is in it -------------------------------------------------------------------------------


def test_a_report_is_one_file_that_needs_nothing_else(tmp_path):
    """No script, no address to fetch from, and each recording in it to the byte."""
    sweep = study(takes=2)

    report = sweep.report(tmp_path / "report.html")

    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["report.html"]
    page = read(report)
    tags = [tag for tag, _ in page.tags]
    assert not {"script", "link", "iframe", "object", "embed", "form", "a", "svg"} & set(tags)
    assert all(source.startswith("data:") for source in sources(page))
    assert not any(name.startswith("on") for _, found in page.tags for name in found)
    assert "url(" not in report.path.read_text("utf-8")
    heard = {base64.b64decode(s.partition(",")[2]) for s in sources(page) if "audio" in s[:12]}
    assert heard == {track.recording for track in sweep.results.tracks}
    assert repr(report) == "<Report report.html: 4 tracks>"


def test_it_tells_the_study_from_question_to_cost(tmp_path):
    sweep = study(["Tune a", "Tune b", "This one fails"], style=["jazz", "harp"], name="Study 1")
    ids = [cell.id for cell in sweep.cells()]
    votes = [(ids[0], ids[1])] * 3 + [(ids[1], ids[2])] * 2 + [(ids[2], ids[3]), (ids[3], ids[0])]

    page = read(
        sweep.report(tmp_path / "r.html", question="Which tune?", notes="One.\n\nTwo.", votes=votes)
    )

    text = page.text
    for said in ("Study 1", "Which tune?", "One.", "Two.", "Ranking of 4 by 7 votes"):
        assert said in text
    assert "4 kept, 2 failed" in text
    assert "SENSITIVE" in text
    assert f"${6 * PRICE:.2f}" in text  # failed jobs were paid as well
    assert "suno/v4.5" in text
    assert 'nb.connect("phaseo"' in text.replace("'", '"')
    headings = [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1
    assert set(headings[1:]) == {"h2"}


def test_no_key_and_no_path_of_the_machine_is_in_it(tmp_path, home):
    sweep = study()

    damaged = sweep.results.tracks[0].path
    damaged.write_bytes(b"x" * 100)  # the message about it names the file

    text = sweep.report(tmp_path / "report.html").path.read_text("utf-8")

    assert "no longer what was kept" in text
    assert KEY not in text
    assert KEY.rsplit("_", 1)[-1] not in text
    assert str(home) not in text
    assert str(tmp_path) not in text


def test_a_sweep_that_was_not_run_has_a_report(tmp_path):
    CountingGateway().connect()
    sweep = nb.Sweep(prompt=["Tune a", "Tune b"])

    page = read(sweep.report(tmp_path / "report.html"))

    assert "2 not started" in page.text
    assert "audio" not in {tag for tag, _ in page.tags}


def test_votes_that_cannot_be_ranked_are_a_word_not_an_error(tmp_path):
    sweep = study(["Tune a", "Tune b", "Tune c", "Tune d"])
    a, b, c, d = (cell.id for cell in sweep.cells())

    page = read(sweep.report(tmp_path / "report.html", votes=[(a, b), (c, d)]))

    assert "cannot be ranked yet" in page.text


def test_items_of_a_ranking_are_called_by_their_words(tmp_path):
    sweep = study(["Tune a", "Tune b"])
    a, b = (cell.id for cell in sweep.cells())

    text = read(sweep.report(tmp_path / "report.html", votes=[(a, b)] * 3 + [(b, a)])).text

    assert a not in text
    assert "Tune a is" in text or text.count("Tune a") > 3


# -- hostile words -------------------------------------------------------------------------------


def test_hostile_words_stay_words_everywhere(tmp_path):
    """Prompt, name, style, question and notes that are markup are shown and not obeyed."""
    evil = EVIL.replace("\ud800", "")
    sweep = study([evil, "This one fails " + evil, "Tune"], style=["jazz", evil], name="N " + evil)

    report = sweep.report(tmp_path / "report.html", question=evil, notes=evil)

    page = read(report)
    text = report.path.read_text("utf-8")
    assert not {"script", "textarea"} & {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, found in page.tags for name in found)
    assert all(source.startswith("data:") for source in sources(page))
    assert page.open == []
    assert not any(sign in text for sign in ("\u202e", "\x1b", "\x07"))
    assert page.text.count("<script>") >= 5


def test_the_page_itself_forbids_what_it_does_not_need(tmp_path):
    """Should markup ever get past the escaping, the policy of the page lets it do nothing."""
    page = read(study().report(tmp_path / "report.html"))

    (policy,) = [a["content"] for _, a in page.tags if a.get("http-equiv") is not None]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules
    assert "http" not in policy


# -- sound ---------------------------------------------------------------------------------------


def test_recordings_beside_the_page_are_whole_and_safely_named(tmp_path):
    """Names are made of prompts, which are text of anybody."""
    sweep = study(["../../etc/passwd", 'a"b<c>?*', "CON", "Tune"])
    folder = tmp_path / "out"
    folder.mkdir()

    report = sweep.report(folder / "my report.html", audio="beside", plots=False)
    again = sweep.report(folder / "my report.html", audio="beside", plots=False)

    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["out"]
    assert sorted(path.name for path in folder.iterdir()) == ["my report.html", "my report_files"]
    assert again.files == report.files
    links = [s for s in sources(read(report)) if not s.startswith("data:")]
    assert len(links) == len(report.files) == 4
    whole = {track.recording for track in sweep.results.tracks}
    for link in links:
        path = (folder / urllib.parse.unquote(link)).resolve()
        assert path.parent == (folder / "my report_files").resolve()
        assert path.read_bytes() in whole


def test_large_recordings_go_in_as_beginnings_and_that_is_said(tmp_path):
    nb.connect("sandbox")
    sweep = nb.Sweep(prompt="Tune", duration=[1, 8])
    nb.run(sweep.run(show=False))

    report = sweep.report(tmp_path / "report.html", embed_mb=0.08, plots=False)

    assert report.previews == 1
    assert "as a beginning" in repr(report)
    assert "audio='beside'" in repr(report)
    inside = [s for s in sources(read(report)) if s.startswith("data:audio")]
    assert sum(len(s) * 3 / 4 for s in inside) < 90_000
    assert "Preview" in read(report).text
    assert sweep.report(tmp_path / "report.html", audio="none", plots=False).previews == 0
    assert "<audio" not in report.path.read_text("utf-8")


@pytest.mark.parametrize("bad", [{"audio": "loud"}, {"embed_mb": -1}, {"embed_mb": "12"}])
def test_an_option_that_is_not_known_is_said(tmp_path, bad):
    with pytest.raises(nb.ExperimentError, match=next(iter(bad))):
        study().report(tmp_path / "report.html", **bad)
    assert not (tmp_path / "report.html").exists()


# -- its file ------------------------------------------------------------------------------------


def test_an_earlier_report_is_replaced_and_nothing_else(tmp_path):
    sweep = study()
    path = tmp_path / "report.html"
    sweep.report(path, plots=False)
    sweep.report(path, plots=False)

    path.write_text("<p>my page</p>")
    with pytest.raises(nb.ExperimentError, match="overwrite=True"):
        sweep.report(path, plots=False)
    assert path.read_text() == "<p>my page</p>"
    sweep.report(path, overwrite=True, plots=False)


def test_files_of_somebody_else_beside_it_are_left_alone(tmp_path):
    sweep = study()
    mine = tmp_path / "report_files" / "diary.txt"
    mine.parent.mkdir()
    mine.write_text("mine")

    with pytest.raises(nb.ExperimentError, match="other files"):
        sweep.report(tmp_path / "report.html", audio="beside")
    sweep.report(tmp_path / "report.html", audio="beside", overwrite=True, plots=False)
    assert mine.read_text() == "mine"


# -- to repeat it --------------------------------------------------------------------------------

SWEEPS = {
    "product": {"prompt": ["Tune 'a'", 'Tune "b"\n\u202e'], "duration": [8, 12], "takes": 3},
    "zip": {"prompt": ["Tune a", "Tune b"], "style": ["jazz", "harp"], "how": "zip"},
    "rows": {
        "rows": [{"prompt": "Tune a"}, {"style": "x", "prompt": "Tune b"}],
        "duration": [8, 9],
    },
    "fill": {"prompt": "A {mood} tune {{here}}", "fill": {"mood": ["sad", "bright"]}},
    "zip with fill": {
        "prompt": ["A {mood} tune", "One {mood} tune"],
        "fill": {"mood": ["sad", "bright"]},
        "how": "zip",
    },
    "options": {"prompt": "Tune", "suno": [{"style_weight": 0.2}, {"style_weight": 0.8}]},
    "by path": {"prompt": "Tune", "suno.style_weight": [0.2, 0.8], "takes": 2},
    "a list as a value": {"prompt": "Tune", "provider.only": [["suno"]], "duration": [8, 9]},
    "many": {"prompt": [f"Tune number {n} that goes on for a while" for n in range(30)]},
}


@pytest.mark.parametrize("words", SWEEPS.values(), ids=SWEEPS)
def test_the_code_of_a_report_makes_the_same_sweep(words):
    CountingGateway().connect()
    sweep = nb.Sweep(words.get("rows"), **{n: v for n, v in words.items() if n != "rows"})

    code = sweep_call(sweep.grid, "another name")
    again = eval(code, {"nb": nb})

    assert again.grid.is_like(sweep.grid)
    assert again.count == sweep.count
    assert again.name == "another name"
    assert max(len(line) for line in code.splitlines()) < 140
    compile(recipe(sweep), "recipe", "exec", flags=0x2000)  # await at top level


# -- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.mark.browser
def test_every_player_plays_inside_and_beside(browser, tmp_path):
    """From the disk, with the network off; the policy of the page does not stop its own sound."""
    nb.connect("sandbox")
    sweep = nb.Sweep(prompt=["Warm jazz trio", "Slow <b>harp</b>"], duration=1)
    nb.run(sweep.run(show=False))
    for audio in ("inside", "beside"):
        report = sweep.report(tmp_path / "report.html", audio=audio)
        page = browser.new_page()
        asked = []
        page.route("http*://**", lambda route, asked=asked: (asked.append(1), route.abort()))
        problems = []
        page.on("console", lambda message, into=problems: into.append(message.text))
        page.goto(report.path.as_uri())
        played = play_all(page)
        page.close()

        assert len(played) == 2
        assert [player["error"] or player["refused"] for player in played] == [None] * 2
        assert all(player["played"] > 0.05 for player in played)
        assert asked == []
        assert problems == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_and_fits_a_telephone(browser, tmp_path, scheme):
    sweep = study(["Tune a", "A much longer tune", "This one fails"], duration=[8, 12])
    a, b, c, d = (cell.id for cell in sweep.cells()[:4])
    votes = [(a, b)] * 3 + [(b, a), (b, c), (c, b), (c, d), (d, c)]
    report = sweep.report(tmp_path / "report.html", votes=votes)
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": 390, "height": 800}, bypass_csp=True
    )
    page = context.new_page()
    page.goto(report.path.as_uri())

    assert serious(page, "body") == []
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    context.close()
    assert wide <= 0
