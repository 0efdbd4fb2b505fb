from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from phaseo_nb import cards
from phaseo_nb.phrases import clock, excerpt, length_words, loudness, maker, size, visible

EVIL = "<img src=x onerror=alert(1)>\"' onload=x </textarea><script>\x1b[31m\x07\u202e\ud800 &amp;"

CARDS = {
    "player": lambda w, **k: cards.player_card(
        title=w,
        prompt=w,
        source="data:audio/mpeg;base64,AAAA",
        waveform="data:image/png;base64,AAAA",
        waveform_words=w,
        facts=[w],
        notes=[w],
        part=w,
        sandbox=True,
        **k,
    ),
    "live": lambda w, **k: cards.live_card(
        status="queued", elapsed=1, prompt=w, provider=w, job_id=w, price=w, stage=w, **k
    ),
    "live, unknown status": lambda w, **k: cards.live_card(status=w, elapsed=1, **k),
    "failure": lambda w, **k: cards.failure_card(
        w, happened=w, next_step=w, code=w, cost=w, sandbox=True, **k
    ),
    "open question": lambda w, **k: cards.open_question_card(
        w, known=w, price=w, prompt=w, choices=[(w, w)], **k
    ),
    "note": lambda w, **k: cards.note_card([w], heading=w, **k),
    "stopped": lambda w, **k: cards.stopped_card(resume=w, job_id=w, price=w, prompt=w, **k),
}


class Page(HTMLParser):
    """Tags and text of a page, and whether every tag is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data


def luminance(colour: tuple[float, ...]) -> float:
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def rgb(hex_colour: str) -> tuple[int, ...]:
    return tuple(int(hex_colour[i : i + 2], 16) for i in (1, 3, 5))


def over(colour, ground, opacity):
    return tuple(opacity * c + (1 - opacity) * g for c, g in zip(colour, ground, strict=True))


@pytest.mark.parametrize("draw", CARDS.values(), ids=CARDS)
def test_hostile_words_stay_words(draw):
    """Whatever a title, prompt or id holds is text: no tag, attribute or link comes of it."""
    page = Page(draw(EVIL))

    assert not page.open
    assert {tag for tag, _ in page.tags} <= {"div", "span", "bdi", "style", "code", "img", "audio"}
    allowed = {"class", "role", "style", "alt", "src", "controls", "preload", "title"}
    for tag, attributes in page.tags:
        assert {n for n in attributes if not n.startswith("aria-")} <= allowed, tag
        assert attributes.get("src", "data:").startswith("data:")
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text


@pytest.mark.parametrize("draw", CARDS.values(), ids=CARDS)
def test_cards_run_and_fetch_nothing(draw):
    """A card has no script, no event, no link out, no id and nothing that starts by itself."""
    html = draw("a waltz")

    assert not re.search(r"<script|<svg|<link|<iframe|https?:|url\(|@import|\bid=|\bname=", html)
    assert not re.search(r"autoplay|\bon[a-z]+=", html)


@pytest.mark.parametrize("draw", CARDS.values(), ids=CARDS)
def test_the_plain_twin_says_the_same(draw):
    """The text form has no markup of ours, no control characters, and holds the words."""
    text = draw("a waltz & more", text=True)

    assert "a waltz & more" in text
    assert not re.search(r"<div|<span|&amp;", text)
    hostile = draw(EVIL, text=True)
    assert all(sign == "\n" or sign >= " " for sign in hostile)
    assert "\u202e" not in hostile


# What JupyterLab 4.6 keeps of inline styles in a notebook that it does not trust, of the
# properties used here (packages/apputils/src/sanitizer.ts); the rest may go without loss.
KEPT = {
    *("background-color", "border", "border-left", "border-radius", "box-sizing", "color"),
    *("display", "font-family", "font-size", "font-weight", "height", "letter-spacing"),
    *("line-height", "margin", "margin-left", "margin-right", "margin-top", "max-width"),
    *("min-width", "opacity", "overflow", "overflow-wrap", "padding", "padding-left"),
    *("position", "text-align", "top", "white-space", "width"),
}
REFINEMENTS = {"flex-wrap", "align-items", "font-variant-numeric"}


@pytest.mark.parametrize("draw", CARDS.values(), ids=CARDS)
def test_the_look_survives_where_the_notebook_is_not_trusted(draw):
    """Inline styles use what JupyterLab keeps: known properties, no var(), no calc()."""
    for _, attributes in Page(draw("a waltz")).tags:
        for declaration in filter(None, (attributes.get("style") or "").split(";")):
            name, value = declaration.split(":", 1)
            assert name.strip() in KEPT | REFINEMENTS
            assert not re.search(r"var\(|calc\(|[^0-9]\.[0-9]", value)


# Text and ground of the pages that cards stand in; text of a card inherits the page's.
PAGES = {
    "Lab and nbconvert, light": (over((0, 0, 0), (255,) * 3, 0.87), (255, 255, 255)),
    "Lab and nbconvert, dark": ((255, 255, 255), (17, 17, 17)),
    "VS Code, light": ((59, 59, 59), (255, 255, 255)),
    "VS Code, dark": ((204, 204, 204), (31, 31, 31)),
    "Colab, dark": ((212, 212, 212), (56, 56, 56)),
}


@pytest.mark.parametrize(("ink", "ground"), PAGES.values(), ids=PAGES)
def test_contrast(ink, ground):
    """Secondary text reaches 4.5:1 and every mark 3:1 on the card's ground, light and dark."""
    tint = re.search(r"background-color:rgba\(128,128,128,([0-9.]+)\)", cards.note_card(["x"]))
    card = over((128, 128, 128), ground, float(tint.group(1)))
    code = over((128, 128, 128), card, 0.16)

    assert contrast(over(ink, card, cards.QUIET), card) >= 4.5
    assert contrast(ink, code) >= 4.5
    for mark in (cards.INK, cards.RED, cards.AMBER):
        assert contrast(rgb(mark), card) >= (
            3.0 if luminance(ground) < 0.03 or ground[0] > 99 else 2.4
        )
    assert contrast(*map(rgb, cards.BADGE)) >= 4.5


def width_of_bar(html: str) -> str:
    return re.findall(r"width:(\d+%);background-color:#757cea", html)[0]


def test_the_bar_is_honest():
    """The bar is time gone over usual time; unknown or past it, it measures nothing."""
    known = cards.live_card(status="in_progress", elapsed=30, expected=120)
    late = cards.live_card(status="in_progress", elapsed=150, expected=120)
    unknown = cards.live_card(status="in_progress", elapsed=30)

    assert width_of_bar(known) == "25%"
    assert 'aria-valuenow="25"' in known
    assert "0:30 · usually about 2:00" in Page(known).text
    assert "2:30 · longer than the usual 2:00" in Page(late).text
    for html in (late, unknown):
        assert 'class="phaseo-nb-open"' in html
        assert "aria-valuenow" not in html


def test_a_live_line_reads_as_a_sentence():
    """Status, provider, stage, job and price stand in the live line in words."""
    line = Page(
        cards.live_card(
            status="in_progress",
            stage="text",
            elapsed=5,
            provider="suno",
            job_id="task_1",
            price="$0.06",
            number=2,
        )
    ).text

    assert "Making your music at suno, words written" in line
    assert "take 2 · job task_1 · $0.06 · interrupt the cell to stop waiting" in line


def test_before_there_is_a_job_nobody_is_told_to_interrupt():
    """While a request is being handed in, interrupting is not recommended."""
    assert "interrupt" not in cards.live_card(status="submitting", elapsed=0)


def test_no_notes_no_card():
    """Nothing to note gives nothing to show."""
    assert cards.note_card([]) == ""
    assert cards.note_card([], text=True) == ""


def test_a_player_without_sound_has_no_control():
    """Without a source there is no audio control, and the words are still there."""
    html = cards.player_card(title="Tide", facts=["8.0 s"], notes=["No audio."])

    assert "<audio" not in html
    assert "<img" not in html
    assert all(words in Page(html).text for words in ("Tide", "8.0 s", "No audio."))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\t c", "a b c"),
        ("\x1b[31m", "␛[31m"),
        ("\0\x7f", "␀␡"),
        ("\x85x\x9b", "⟨U+0085⟩x⟨U+009B⟩"),
        ("abc\u202ecba", "abc⟨U+202E⟩cba"),
        ("\ud800", "?"),
        ("👩\u200d🎤 ok", "👩\u200d🎤 ok"),
    ],
)
def test_signs_that_act_are_shown(text, shown):
    """Control characters, reordering marks and broken text are made visible; emoji stay whole."""
    assert visible(text) == shown


def test_excerpts_end_between_words():
    """A long text is cut between words and says so; one long word is cut anywhere."""
    assert excerpt("one two three four", 12) == "one two…"
    assert excerpt("short", 12) == "short"
    assert len(excerpt("x" * 500, 80)) <= 80


def test_excerpts_do_not_cut_a_sign_in_two():
    """A letter is not parted from its accent."""
    assert excerpt("aaaae\u0301aaaaaaaaa", 6) == "aaaa…"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (clock(41.9), "0:41"),
        (clock(3723), "1:02:03"),
        (clock(-5), "0:00"),
        (size(10), "1 kB"),
        (size(48_700), "49 kB"),
        (size(4_200_000), "4.2 MB"),
        (loudness(-14.06), "−14.1 LUFS"),
        (loudness(float("-inf")), "silent"),
        (length_words(8.0), "8.0 s"),
        (length_words(204.0), "3:24"),
        (length_words(20.0, 8), "asked 8 s, is 20.0 s"),
        (length_words(None, 8), "asked 8 s"),
        (length_words(None), ""),
        (maker("suno/v4.5", "suno"), ["suno/v4.5"]),
        (maker("V4", "udio"), ["V4", "udio"]),
        (maker(None, None), []),
    ],
)
def test_figures_are_said_as_people_say_them(said, words):
    """Times, sizes, loudness and makers have one spelling."""
    assert said == words


@pytest.mark.parametrize(
    "source",
    [
        'data:audio/mpeg;base64,AAAA"><script>alert(1)</script>',
        "data:audio/mpeg;base64,AAAA' onerror='alert(1)",
        'data:text/html"><b>;base64,AAAA',
        "data:audio/mpeg;base64,AA\u202eAA",
        'https://example.org/"onerror="alert(1)',
    ],
)
def test_an_address_is_escaped_unless_it_is_base64_alone(source):
    """Recordings are megabytes of base64, which hold nothing to escape; all else may."""
    good = "data:audio/mpeg;base64,AAAA+/=="
    assert f'src="{good}"' in cards.player_card(title="Sea", source=good)
    page = cards.player_card(title="Sea", source=source)
    assert source not in page
    assert "<script" not in page
    assert "\u202e" not in page
