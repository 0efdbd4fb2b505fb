"""Lists of the library are tables: aligned words, plain HTML, rows that pandas takes."""

from __future__ import annotations

import re
import sys
import types

import httpx
import pytest
from browser import chromium
from test_cards import EVIL, KEPT, REFINEMENTS, Page
from wires import AUDIO_URL, KEY, Wire

import phaseo_nb as nb
from phaseo_nb.keeping import Attempts, Spending, Takes
from phaseo_nb.takes.kept import KeptTrack

pytestmark = pytest.mark.usefixtures("quick")

LOST = {"error": "gateway_error", "generation_id": "G-7", "status_code": 500}

# Inline properties beside those of the cards, all kept by JupyterLab 4.6 where it does not trust.
KEPT_IN_TABLES = KEPT | REFINEMENTS | {
    *("border-bottom", "border-collapse", "border-top", "caption-side", "overflow-x"),
    *("padding-bottom", "padding-top", "table-layout", "vertical-align"),
}  # fmt: skip


def connect(wire, **more):
    return nb.connect("phaseo", api_key=KEY, transport=wire.transport, **more)


def make(prompt="a waltz", model="suno/v4.5", **more):
    return nb.run(nb.generate(prompt, model=model, show=False, **more))


def titled(title, n=1, seconds=61.0):
    """A wire whose jobs have so many tracks of that name."""

    def done(wire):
        track = {"audio_url": AUDIO_URL, "title": title, "duration": seconds}
        output = [{**track, "index": i, "id": f"c{i}"} for i in range(n)]
        return wire.state("completed", output=output)

    return Wire(gets=[done])


def lose(prompt="a waltz", post=None):
    """Hand something in whose answer names only the request, or nothing at all."""
    wire = Wire(post=post or (lambda _: httpx.Response(500, json=LOST)))
    connect(wire)
    with pytest.raises(nb.UncertainSubmission):
        make(prompt)
    return wire


def stop(prompt="a tango"):
    """Leave a job open."""
    wire = Wire(gets=[lambda wire: wire.state("in_progress")])
    connect(wire)
    with pytest.raises(nb.JobTimeout):
        make(prompt, timeout=0.2)
    return wire


def words(html):
    return re.sub(r"\s+", " ", Page(html).text)


# -- takes ---------------------------------------------------------------------------------------


def test_takes_are_a_table_of_aligned_columns():
    """Each take is one line: when, title, model, tracks and length, cost, rating, tags."""
    connect(titled("Midnight Brushes", n=2))
    make("jazz trio")
    connect(titled("Tide", seconds=8))
    take = make("slow harp", model="elevenlabs/music_v1")
    take.rating, take.tags = 4, ["demo", "slow"]

    head, names, first, second, *_ = repr(nb.library().recent()).splitlines()

    assert head == "2 takes"
    for name, cell in [
        ("what", "Tide"),
        ("model", "elevenlabs/music_v1"),
        ("rating", "★★★★☆ 4/5"),
        ("tags", "demo, slow"),
    ]:
        assert first.index(cell) == names.index(name)
    for name, cell in [("length", "8.0 s"), ("cost", "$0.06")]:
        assert first.index(cell) + len(cell) == names.index(name) + len(name)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", first)
    assert "2 tracks, 2:02" in second


def test_the_table_is_the_same_each_time_and_names_no_address():
    """Two drawings of one list are equal, and no memory address stands in them."""
    connect(Wire())
    make()
    takes = nb.library().recent()

    assert repr(takes) == repr(nb.library().recent())
    assert takes._repr_html_() == nb.library().recent()._repr_html_()
    assert not re.search(r"0x[0-9a-f]{6}|object at", repr(takes) + takes._repr_html_())


def test_columns_without_a_word_are_left_out():
    """Nobody sees a column of ratings before the first rating."""
    connect(Wire())
    take = make()
    assert "rating" not in repr(nb.library().recent())

    take.rating = 1

    assert "★☆☆☆☆ 1/5" in repr(nb.library().recent())


def test_a_take_without_a_title_goes_by_its_prompt():
    """Where the service gave no title, the beginning of the prompt stands for it."""
    connect(titled(None))
    make("slow harp over distant thunder")

    assert "slow harp over distant thunder" in repr(nb.library().recent())


def test_wide_signs_keep_the_columns_straight():
    """Signs that take two columns of a terminal count as two."""
    connect(titled("夜の海"))
    make("one")
    connect(titled("The sea"))
    make("two")

    _, names, first, second, *_ = repr(nb.library().recent()).splitlines()

    assert first.index("suno/v4.5") == names.index("model")
    assert second.index("suno/v4.5") == names.index("model") - len("夜の海")


def test_sandbox_takes_are_marked_and_cost_nothing():
    """One badge for a list of the sandbox alone; among others, one for each; never a price."""
    nb.connect("sandbox")
    make("slow harp", model=None, duration=2)
    alone = nb.library().recent()
    assert repr(alone).splitlines()[0] == "1 take · SANDBOX"
    assert words(alone._repr_html_()).count("SANDBOX") == 1

    connect(Wire())
    make()
    paid, free = repr(nb.library().recent()).splitlines()[2:4]

    assert "SANDBOX" not in paid
    assert "· SANDBOX" in free
    assert "free" in free
    assert words(nb.library().recent()._repr_html_()).count("SANDBOX") == 1


def test_drawing_a_table_reads_no_audio(monkeypatch):
    """Neither words nor HTML nor rows open a recording."""
    connect(Wire())
    make()
    nb.library().close()
    takes = nb.library().recent()

    def opened(_):
        raise AssertionError

    monkeypatch.setattr(KeptTrack, "data", property(opened))

    assert "1.0 s" in repr(takes) + takes._repr_html_()
    assert takes.rows()[0]["duration"] == pytest.approx(1.0)


def test_players_are_shown_on_demand():
    """players(n) shows the players of the first takes, and what they add to the notebook."""
    connect(Wire())
    for prompt in ("one", "two", "three"):
        make(prompt)

    html = nb.library().recent().players(2)._repr_html_()

    assert html.count("<audio") == 2
    said = re.search(r"2 players, (\d+) kB in this notebook", html)
    assert int(said.group(1)) == pytest.approx(len(html) / 1000, rel=0.05)
    assert "<audio" not in nb.library().recent()._repr_html_()


def test_a_lost_recording_does_not_hide_the_other_players():
    """Where one file is gone, its place says so and the others play."""
    connect(Wire())
    make("one").track.path.unlink()
    connect(Wire(audio=lambda _: httpx.Response(200, content=other_wav())))
    make("two")
    nb.library().close()

    html = nb.library().recent().players()._repr_html_()

    assert html.count("<audio") == 1
    assert "cannot be read" in words(html)


def other_wav():
    from wires import sine_wav

    return sine_wav(0.5)


@pytest.mark.parametrize("n", [0, -1, True, 1.5, "2"])
def test_players_takes_a_number_of_takes(n):
    """What is no whole number from 1 is refused by name."""
    with pytest.raises(nb.LibraryError, match="no number of takes"):
        Takes().players(n)


# -- attempts ------------------------------------------------------------------------------------


def test_a_request_in_doubt_names_three_ways_on():
    """State, price and each way with its line of code and what it costs, in both forms."""
    lose()
    attempts = nb.library().uncertain()
    name = f'nb.library().get("{attempts[0].take_id}")'

    for said in (repr(attempts), words(attempts._repr_html_())):
        assert "1 request is in doubt" in said
        assert "may exist and may have cost" in said
        assert re.search(rf"Look again \(free\):? {re.escape(name)}\.look_again\(\)", said)
        assert re.search(
            rf"Submit again \(costs about \$0\.06\):? {re.escape(name)}\.submit_again\(\)", said
        )
        assert re.search(
            rf"counts about \$0\.06 as spent\):? {re.escape(name)}\.write_off\(\)", said
        )
        assert f"{name}.write_off(0)" in said


def test_the_lines_of_code_do_what_they_say():
    """The line of a table settles the attempt it stands below, whatever was settled before it."""
    lose("one")
    lose("two")
    lines = re.findall(r"nb\.library\(\).*write_off\(\)", repr(nb.library().uncertain()))

    eval(lines[1], {"nb": nb})
    assert [a.prompt for a in nb.library().uncertain()] == ["one"]
    eval(lines[0], {"nb": nb})

    assert nb.library().uncertain() == []


def test_without_a_name_looking_again_is_not_offered():
    """Where no name of the job is known there is no line to look again, only the reason."""
    lose(post=lambda _: httpx.ReadTimeout("lost"))
    text = repr(nb.library().uncertain())

    assert "look_again()" not in text
    assert "no name of the job is known" in text
    assert "submit_again()" in text


def test_what_is_unfinished_names_resume():
    """Open jobs are listed with state and price, and the one line that takes them up."""
    stop()
    attempts = nb.library().unfinished()

    for said in (repr(attempts), words(attempts._repr_html_())):
        assert "1 unfinished job" in said
        assert "at the service; nobody waits for it" in said
        assert re.search(r"To take it up, now or in another kernel:? nb\.resume\(\)", said)
        assert "submit_again" not in said


def test_refreshed_shows_how_it_stands_now():
    """A list made before tells, refreshed, what was settled meanwhile."""
    lose("one")
    lose("two")
    before = nb.library().uncertain()
    before[0].write_off(0)

    now = before.refreshed()

    assert [attempt.state for attempt in now] == ["written_off", "uncertain"]
    assert "1 request is in doubt" in repr(now)
    assert "written off" in repr(now)


def test_a_search_for_failures_shows_their_reasons():
    """Attempts of a search say how they stand and what is known, and offer nothing to buy."""
    wire = Wire(gets=[lambda wire: wire.state("failed", result={"data": {"errorMessage": "no"}})])
    connect(wire)
    with pytest.raises(nb.JobFailed):
        make()

    found = nb.library().recent(status="failed")

    assert isinstance(found, Attempts)
    assert "1 attempt" in repr(found)
    assert "failed" in repr(found)
    assert "submit_again" not in repr(found)


# -- spending ------------------------------------------------------------------------------------


def row(usd=0.0, *, sandbox=False, jobs=1, unknown=0, reserved=0.0, credits=0.0, **by):
    figures = {"usd": usd, "reserved_usd": reserved, "credits": credits, "unknown": unknown}
    return {"day": "2026-11-25", **by, "sandbox": sandbox, "jobs": jobs, "kept": jobs, **figures}


def test_the_sandbox_is_never_added_to_what_was_paid():
    """Rows of the sandbox say so, and the totals leave them out, whatever prices they tried."""
    spent = Spending([row(0.06), row(5.0, sandbox=True, jobs=7), row(0.12, jobs=2)])

    assert spent.total["usd"] == pytest.approx(0.18)
    assert spent.total["jobs"] == 3
    for said in (repr(spent), words(spent._repr_html_())):
        assert "$0.18 paid" in said
        assert said.count("not paid ($5.00 at the service)") == 1
        assert said.count("$5") == 1


def test_an_unknown_price_is_never_a_zero():
    """Jobs of unknown price are counted and said; where all are, no amount is shown."""
    some = Spending([row(0.06, jobs=3, unknown=2)])
    none = Spending([row(jobs=2, unknown=2)])

    assert "$0.06 paid · 2 jobs of unknown price" in repr(some)
    assert "$0.06 + 2 of unknown price" in repr(some)
    assert repr(none).splitlines()[0] == "2 jobs of unknown price"
    assert "$0.00" not in repr(none)


def test_money_that_is_set_aside_is_said_beside_what_was_billed():
    """Reserved dollars and credits stand beside what was paid, not in it."""
    text = repr(Spending([row(0.06, reserved=0.12), row(credits=10.0)]))

    assert "$0.06 + 10 credits paid · $0.12 set aside, not billed yet" in text


def test_spending_of_the_sandbox_alone_has_no_total():
    """Whoever only tried things out reads that nothing was paid."""
    spent = Spending([row(5.0, sandbox=True)])

    assert "Nothing was paid" in repr(spent)
    assert "total" not in repr(spent)
    assert "$5.00 paid" not in repr(spent)


def test_spending_of_a_library_reads_as_a_table():
    """What the library counts is shown by its words, billed and reserved apart."""
    connect(Wire())
    make()
    lose("two")

    text = repr(nb.spending(by=["model"]))

    assert "$0.06 paid · $0.06 set aside, not billed yet" in text
    assert re.search(r"suno/v4\.5 +2 +1 +\$0\.06 +\$0\.06", text)


# -- what all of them have in common -------------------------------------------------------------


def hostile_tables():
    connect(titled(EVIL.replace("\ud800", "")))
    take = make("a waltz " + EVIL.replace("\ud800", ""))
    take.tags = [EVIL.replace("\ud800", "")[:70]]
    wire = lose("a polka " + EVIL.replace("\ud800", ""))
    stop("a tango " + EVIL.replace("\ud800", ""))
    del wire
    library = nb.library()
    evil = Spending([{**row(0.06, unknown=1), "model": EVIL}])
    return [library.recent(), library.uncertain(), library.unfinished(), evil]


def test_hostile_words_stay_words():
    """Whatever a title, prompt, tag or model holds is text: no tag or attribute comes of it."""
    for table in hostile_tables():
        page = Page(table._repr_html_())

        assert not page.open
        tags = {"div", "span", "bdi", "style", "code", "table", "caption", "thead", "tbody"}
        assert {tag for tag, _ in page.tags} <= tags | {"tfoot", "tr", "th", "td"}
        for tag, attributes in page.tags:
            names = {name for name in attributes if not name.startswith("aria-")}
            assert names <= {"class", "role", "style", "scope", "colspan", "tabindex"}, tag
        assert "<img src=x" in page.text
        for said in (page.text, repr(table)):
            assert not re.search("[\x00-\x09\x0b-\x1f\u202e\ud800]", said)


def test_a_page_of_tables_fetches_and_runs_nothing():
    """No script, event, link, id or picture is in a table; prices are no formulas to MathJax."""
    for table in hostile_tables():
        html = re.sub(r"&lt;.*?&gt;|on[a-z]+=x", "", table._repr_html_())

        assert not re.search(r"<script|<svg|<img|<a |https?:|url\(|@import|\bid=|\bname=", html)
        assert re.match(r'<div class="phaseo-nb mathjax_ignore tex2jax_ignore"', html)


def test_the_look_survives_where_the_notebook_is_not_trusted():
    """Inline styles use only what JupyterLab keeps, and say all that its own tables set."""
    for table in hostile_tables():
        for tag, attributes in Page(table._repr_html_()).tags:
            style = dict(
                declaration.split(":", 1)
                for declaration in filter(None, (attributes.get("style") or "").split(";"))
            )
            assert set(style) <= KEPT_IN_TABLES
            assert not any(re.search(r"var\(|calc\(", value) for value in style.values())
            if tag in ("th", "td"):
                assert {"text-align", "vertical-align", "padding", "white-space"} <= set(style)


def test_a_table_can_be_read_aloud():
    """It is a real table: a caption, headings of columns and rows, a region to scroll by key."""
    connect(Wire())
    make()
    page = Page(nb.library().recent()._repr_html_())

    scopes = [a["scope"] for tag, a in page.tags if tag == "th"]
    assert [tag for tag, _ in page.tags].count("caption") == 1
    assert scopes.count("row") == 1
    assert scopes.count("col") == len(scopes) - 1
    assert any(a.get("tabindex") == "0" and a.get("aria-label") for _, a in page.tags)


@pytest.mark.browser
def test_a_narrow_page_scrolls_the_table_and_not_the_page():
    """At 480 pixels the table scrolls inside its card; nothing stands out of the page."""
    tables = hostile_tables()

    with chromium() as browser:
        page = browser.new_page(viewport={"width": 480, "height": 900})
        page.set_content("".join(table._repr_html_() for table in tables))
        regions = page.query_selector_all("[role=region]")
        widths = [r.evaluate("e => [e.scrollWidth, e.clientWidth]") for r in regions]
        whole = page.evaluate("document.documentElement.scrollWidth")

    assert whole <= 480
    assert len(widths) == len(tables)
    assert all(inner > outer for inner, outer in widths[:3])


def test_long_lists_say_how_many_are_not_drawn():
    """Fifty rows are drawn, of the others the number is said; totals count them all."""
    spent = Spending([row(0.01, model=f"model-{i}") for i in range(73)])

    for said in (repr(spent), words(spent._repr_html_())):
        assert "model-49" in said
        assert "model-50" not in said
        assert "and 23 more" in said
        assert "$0.73 paid" in said


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (Takes(), 'No takes yet. Make one: await nb.generate("…")'),
        (Attempts(kind="unfinished"), "Nothing is unfinished."),
        (Attempts(kind="uncertain"), "Nothing is in doubt."),
        (Spending(), "Nothing was spent yet."),
    ],
)
def test_empty_lists_say_so(table, words):
    """An empty list is one sentence, in both forms, and an empty list to Python."""
    assert repr(table) == words
    assert Page(table._repr_html_()).text == words
    assert table == []
    assert not table


def test_a_search_that_finds_nothing_does_not_claim_that_there_is_nothing():
    """No take that fits is not the same as no takes yet."""
    connect(Wire())
    make()

    assert repr(nb.library().search("zither")) == "No take fits."
    assert repr(nb.library().recent()[5:]) == "No rows."


def test_slices_are_tables_and_single_things_are_themselves():
    """A slice keeps kind and look; an index gives the take, the attempt, the dict."""
    lose("one")
    lose("two")
    attempts = nb.library().uncertain()
    spent = Spending([row(0.06), row(0.12)])

    assert type(attempts[:1]) is Attempts
    assert "1 request is in doubt" in repr(attempts[:1])
    assert attempts[1].prompt == "two"
    assert "$0.12 paid" in repr(spent[1:])
    assert spent[0]["usd"] == 0.06
    assert type(spent.copy()) is Spending


def test_rows_are_plain_values():
    """Rows have the same keys throughout, and hold numbers, text, times and lists."""
    connect(titled("=HYPERLINK(1)", n=2))
    take = make("-1+1")
    take.tags = ["demo"]
    lose("two")

    (facts,) = nb.library().recent().rows()
    (doubt,) = nb.library().uncertain().rows()

    assert facts["title"] == "=HYPERLINK(1)"
    assert (facts["prompt"], facts["tags"], facts["take"]) == ("-1+1", ["demo"], 1)
    assert facts["cost_usd"] == pytest.approx(0.06)
    assert facts["duration"] == pytest.approx(122.0)
    assert facts["created_at"] == take.created_at
    assert (doubt["state"], doubt["prompt"]) == ("uncertain", "two")
    assert doubt["price_usd"] == pytest.approx(0.06)


def test_a_sandbox_take_counts_nothing_in_a_sum():
    """Summing cost_usd over rows gives what was paid, sandbox or not."""
    nb.connect("sandbox")
    make("slow harp", model="suno/v4.5")

    assert [facts["cost_usd"] for facts in nb.library().recent().rows()] == [0.0]


def test_to_dataframe_gives_pandas_the_rows(monkeypatch):
    """pandas is loaded only when asked for, and gets rows, or the names of columns alone."""
    made = []
    frame = types.SimpleNamespace(DataFrame=lambda *a, **k: made.append((a, k)) or "frame")
    monkeypatch.setitem(sys.modules, "pandas", frame)
    connect(Wire())
    make()
    takes = nb.library().recent()

    assert takes.to_dataframe() == "frame"
    assert Takes().to_dataframe() == "frame"
    assert made[0] == ((takes.rows(),), {})
    assert made[1] == ((), {"columns": list(takes.rows()[0])})


def test_to_dataframe_with_the_real_pandas():
    """A frame has a row for each take and the columns of rows()."""
    pytest.importorskip("pandas")
    connect(Wire())
    make()

    frame = nb.library().recent().to_dataframe()

    assert list(frame.columns) == list(nb.library().recent().rows()[0])
    assert frame["cost_usd"].sum() == pytest.approx(0.06)


def test_without_pandas_the_error_says_what_to_do(monkeypatch):
    """A missing pandas is named with the line that installs it and the way without it."""
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(ImportError, match=r"pip install pandas.*\.rows\(\)"):
        Spending([row(0.06)]).to_dataframe()
