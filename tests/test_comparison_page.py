"""The listening test in a real Chromium: together, without a click, blind, by keys, for everyone.

The page is a bare one; messages go across as they would through a kernel.
"""

from __future__ import annotations

import base64
import json
import math
import os
import re

import numpy as np
import pytest
from axe import serious
from browser import chromium, play_all
from test_cards import EVIL, Page
from test_comparison import RATE, tone, track
from test_library_browser import show

import phaseo_nb as nb
from phaseo_nb.experiments import records

pytestmark = pytest.mark.browser

HERE = ".phaseo-nb-comparison"
SHOTS = os.environ.get("PHASEO_NB_SCREENSHOTS")


@pytest.fixture(scope="module")
def chrome():
    with chromium() as browser:
        yield browser


@pytest.fixture
def pair():
    """A quiet low tone and a loud high one, 12 dB apart."""
    return [
        track("harp-1", tone(0.1, seconds=3, hertz=330)),
        track("jazz-2", tone(0.4, seconds=4, hertz=880)),
    ]


def shoot(page, name):
    """Keep a picture to look at, where somebody asked for pictures."""
    if SHOTS:
        page.locator(HERE).screenshot(path=f"{SHOTS}/comparison-{name}.png")


def ready(page):
    page.locator(f"{HERE} [role=status]:has-text('Ready')").wait_for(timeout=20_000)


def begin(page):
    page.get_by_role("button", name="Begin").click()
    ready(page)


def hear_all(page, seconds=0.34):
    """Play, and turn to each recording for a moment, by its letter."""
    page.keyboard.press("Space")
    for letter in page.locator(f"{HERE} .pnb-letter .pnb-name").all_inner_texts():
        page.keyboard.press(letter.lower())
        page.wait_for_timeout(1000 * seconds)


# -- sound -----------------------------------------------------------------------------------------

WATCH = """() => {
  const log = window.started = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (when, offset, ...more) {
    log.push({when, offset, now: this.context.currentTime, rate: this.buffer.sampleRate,
              frames: this.buffer.length, context: this.context.sampleRate, loop: this.loop});
    return start.call(this, when, offset, ...more);
  };
}"""


def test_all_recordings_start_at_one_moment(chrome, pair):
    """By the clock of the AudioContext: one moment in the future, one place, at one rate."""
    page = show(chrome, nb.Comparison(pair, mode="abx", trials=2))
    page.evaluate(WATCH)
    begin(page)

    page.keyboard.press("Space")
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowRight")

    started = page.evaluate("started")
    assert len(started) == 6  # three recordings, and three more after going on in the music
    for first, *others in (started[:3], started[3:]):
        assert first["when"] >= first["now"]  # none is late already
        for other in others:
            assert abs(other["when"] - first["when"]) <= 0.010
            assert other["offset"] == first["offset"]
            assert other["frames"] == first["frames"]
    assert {one["rate"] for one in started} == {one["context"] for one in started} == {RATE}
    assert all(one["loop"] for one in started)
    assert started[3]["offset"] == pytest.approx(0.3 + 0.3, abs=0.25)
    assert page.problems == []
    page.close()


DECK = """async ([source, plan]) => {
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  const {Deck} = await import(url);
  const rate = 44100, seconds = plan.seconds;
  const context = new OfflineAudioContext(plan.taps ? plan.tones.length : 1, seconds * rate, rate);
  const buffers = plan.tones.map(({level, hertz, length}) => {
    const buffer = context.createBuffer(2, Math.round((length ?? seconds) * rate), rate);
    for (const channel of [0, 1]) {
      const data = buffer.getChannelData(channel);
      for (let i = 0; i < data.length; i += 1)
        data[i] = hertz ? level * Math.sin(2 * Math.PI * hertz * i / rate)
          : (i === Math.round(plan.at * rate) ? 1 : 0);
    }
    return buffer;
  });
  const deck = new Deck(context, buffers, {loops: plan.loops ?? true});
  if (plan.taps) {  // every recording by itself, before it is decided which one is heard
    const merger = context.createChannelMerger(plan.tones.length);
    deck.master.disconnect();
    deck.gains.forEach((gain, i) => { gain.gain.value = 1; gain.disconnect();
                                      gain.connect(merger, 0, i); });
    merger.connect(context.destination);
  }
  for (const [when, deed, ...more] of plan.deeds)
    context.suspend(when).then(() => {
      if (deed === "hard") deck.gains.forEach((gain, i) => {
        gain.gain.value = i === more[0] ? 1 : 0; });
      else deck[deed](...more);
      context.resume();
    });
  deck.play();
  const made = await context.startRendering();
  return plan.tones.slice(0, plan.taps ? undefined : 1).map((_, i) => {
    const bytes = new Uint8Array(made.getChannelData(i).buffer);
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192)
      text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
  });
}"""


def render(page, **plan):
    widget_source = nb.Comparison._esm
    made = page.evaluate(DECK, [str(widget_source), plan])
    return [np.frombuffer(base64.b64decode(channel), np.float32) for channel in made]


@pytest.fixture(scope="module")
def bare(chrome):
    page = chrome.new_page()
    yield page
    page.close()


def test_recordings_run_side_by_side_sample_by_sample(bare):
    """A click at one place of each recording comes out at one sample, in every round of a loop."""
    made = render(
        bare,
        seconds=2,
        taps=True,
        at=0.25,
        tones=[{"hertz": 0, "length": 0.5} for _ in range(4)],
        deeds=[],
    )

    clicks = [np.flatnonzero(np.abs(channel) > 0.5) for channel in made]
    assert len(clicks[0]) == 4
    assert all(np.array_equal(one, clicks[0]) for one in clicks)
    assert np.allclose(np.diff(clicks[0]), 0.5 * RATE, atol=1)


STEEPEST = 0.4 * 2 * math.pi * 440 / RATE  # of the louder tone, from one sample to the next


@pytest.mark.parametrize("at", [0.5, 0.5007, 0.5013], ids="at {}".format)
def test_a_switch_makes_no_step(bare, at):
    """Rendered: no sample is further from the next than the tones themselves go, save a little."""
    tones = [{"level": 0.4, "hertz": 440}, {"level": 0.4, "hertz": 311}]
    deeds = [[at, "hear", 1], [at + 0.004, "hear", 0], [0.8, "hear", 1]]

    (made,) = render(bare, seconds=1.2, tones=tones, deeds=deeds)

    heard = made[RATE // 5 :]
    assert np.abs(np.diff(heard)).max() < 1.15 * STEEPEST
    assert np.abs(np.diff(heard, 2)).max() < 0.01
    # and the switch did happen: the second tone, and nothing of the first
    end = made[int(0.95 * RATE) : int(1.15 * RATE)]
    spectrum = np.abs(np.fft.rfft(end * np.hanning(len(end))))
    hertz = np.fft.rfftfreq(len(end), 1 / RATE)
    level = {f: spectrum[np.argmin(abs(hertz - f))] for f in (311, 440)}
    assert level[440] < 1e-3 * level[311]


def test_the_check_hears_a_hard_switch(bare):
    """The measure is not deaf: gains that jump make a step that it finds."""
    tones = [{"level": 0.4, "hertz": 440}, {"level": 0.4, "hertz": 311}]

    made = [render(bare, seconds=1, tones=tones, deeds=[[at, "hard", 1]])[0]
            for at in (0.5, 0.5007, 0.5013)]  # fmt: skip

    steps = [np.abs(np.diff(one[RATE // 5 :], 2)).max() for one in made]
    assert max(steps) > 0.05


def test_pause_seek_and_the_end_make_no_step(bare):
    """Whatever a listener does, sound comes and goes smoothly."""
    tones = [{"level": 0.4, "hertz": 440}]
    deeds = [[0.3, "seek", 0.1003], [0.6, "pause"], [0.9, "play"]]

    (made,) = render(bare, seconds=1.2, tones=tones, deeds=deeds, loops=False)

    assert np.abs(np.diff(made)).max() < 1.3 * STEEPEST
    assert np.abs(made[int(0.7 * RATE) : int(0.88 * RATE)]).max() < 1e-3
    assert np.abs(made[int(1.0 * RATE) :]).max() > 0.39


LOUD = """async () => {
  const {buffers} = window.desk;
  return buffers.map((b) => {
    const data = b.getChannelData(0).slice(4410, -4410);
    return 10 * Math.log10(data.reduce((sum, x) => sum + x * x, 0) / data.length);
  });
}"""


def test_what_the_page_plays_is_equally_loud(chrome):
    """Tones of one pitch, 14 and 20 dB apart as they came, are within 0.1 dB in the page."""
    given = [track("a", tone(0.05)), track("b", tone(0.25, channels=2)), track("c", tone(0.5))]
    comparison = nb.Comparison(given, mode="rating")
    page = show(chrome, comparison)
    page.evaluate(
        """() => { window.desk = {buffers: []};
        const make = BaseAudioContext.prototype.createBuffer;
        BaseAudioContext.prototype.createBuffer = function (...how) {
          const made = make.call(this, ...how); window.desk.buffers.push(made); return made; }; }"""
    )
    begin(page)

    levels = page.evaluate(LOUD)

    assert len(levels) == 3
    assert max(levels) - min(levels) < 0.1
    assert levels[0] == pytest.approx(20 * math.log10(0.05 / math.sqrt(2)), abs=0.1)
    page.close()


# -- blind -----------------------------------------------------------------------------------------

EVERYTHING = """() => {
  const seen = [document.documentElement.outerHTML];
  for (const element of document.querySelectorAll("*")) {
    for (const name of element.getAttributeNames()) seen.push(element.getAttribute(name));
    if ("value" in element) seen.push(String(element.value));
    seen.push(String(element.alt ?? ""), String(element.title ?? ""));
  }
  seen.push(JSON.stringify({...localStorage}), document.title, location.href);
  return seen.join("\\n");
}"""


def test_nothing_in_the_page_tells_what_a_letter_stands_for(chrome, pair):
    """Through a whole test: neither elements, attributes, state nor messages; then it is told."""
    comparison = nb.Comparison(pair, listener="Ann", trials=3)
    page = show(chrome, comparison)
    page.evaluate(
        """() => { Object.defineProperty(window, "localStorage", {value: {}});
        window.heardOf = []; model.on("msg:custom", (content) => heardOf.push(content)); }"""
    )
    seen = [page.evaluate(EVERYTHING)]
    begin(page)
    for done in range(1, 4):
        ready(page)
        hear_all(page)
        seen.append(page.evaluate(EVERYTHING))
        page.keyboard.press("1")
        page.locator(
            f"{HERE} :text('{'finished' if done == 3 else f'pair {done + 1} of 3'}')"
        ).wait_for()
        seen.append(page.evaluate(EVERYTHING))
    state = comparison.get_state()
    seen.append(json.dumps(state["_shown"]))
    seen.append(page.evaluate("JSON.stringify(heardOf)"))

    told = "\n".join(seen).replace(comparison._css, "")

    secrets = ["harp-1", "jazz-2", "Title of", *(one.sha256[:10] for one in pair)]
    secrets += [f"{abs(gain):.1f}" for gain in comparison.gains_db.values() if gain]
    secrets += ["LUFS", "4.0 s"]  # what is heard lasts 3 s, as the shortest one does
    assert [secret for secret in secrets if secret in told] == []
    assert len(comparison.votes) == 3
    page.get_by_role("button", name="Show what was heard").click()
    page.locator(f"{HERE} td:has-text('Title of jazz-2')").wait_for()
    assert f"turned down {-comparison.gains_db['jazz-2']:.1f} dB" in page.inner_text(HERE)
    assert page.problems == []
    page.close()


def test_a_saved_notebook_holds_neither_letters_nor_sound(chrome, pair):
    """What a notebook saves of the widget, in the middle of a test: its face and no more."""
    from ipywidgets import Widget

    comparison = nb.Comparison(pair, listener="Ann", trials=3)
    page = show(chrome, comparison)
    begin(page)
    hear_all(page)
    page.keyboard.press("2")
    page.locator(f"{HERE} :text('pair 2 of 3')").wait_for()

    saved = Widget.get_manager_state()["state"][comparison.model_id]

    own = {k: v for k, v in saved["state"].items() if k not in ("_esm", "_css")}
    assert set(own["_shown"]) == {
        *("mode", "question", "n", "seconds", "loops", "trials", "blind", "asks_name", "short"),
    }
    assert not re.search("harp|jazz|Title", json.dumps(own))
    assert len(json.dumps(own)) < 2_000
    assert not saved.get("buffers")
    page.close()


# -- everyone --------------------------------------------------------------------------------------


def test_a_whole_test_by_keys_alone(chrome, pair):
    """Name, begin, hear, switch, go through the music, vote, tie: no mouse, focus always seen."""
    comparison = nb.Comparison(pair, trials=3)
    page = show(chrome, comparison)

    def heard():
        return page.locator(f"{HERE} .pnb-letter[aria-pressed=true] .pnb-name").inner_text()

    def place():
        return float(page.locator(f"{HERE} .pnb-place").input_value())

    page.keyboard.press("Tab")
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    ready(page)
    assert page.evaluate(f"document.activeElement.matches('{HERE}')")
    page.keyboard.press("1")
    page.locator(f"{HERE} :text('Hear everything first')").wait_for()
    assert heard() == "A"
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('.pnb-place').value > 0.4")
    page.keyboard.press("b")
    assert heard() == "B"
    page.wait_for_timeout(400)
    page.keyboard.press("Space")
    before = place()
    page.keyboard.press("ArrowLeft")
    assert place() == pytest.approx(before - 0.3, abs=0.02)
    page.keyboard.press("ArrowRight")
    assert place() == pytest.approx(before, abs=0.02)
    page.keyboard.press("ArrowDown")
    assert heard() == "A"
    page.keyboard.press("ArrowUp")
    assert heard() == "B"
    page.keyboard.press("2")
    page.locator(f"{HERE} :text('pair 2 of 3')").wait_for()
    ready(page)
    hear_all(page)
    page.keyboard.press("0")
    page.locator(f"{HERE} :text('pair 3 of 3')").wait_for()
    ready(page)
    # the last one with Tab and Enter, as a screen reader would
    for name in ("A", "B"):
        for _ in range(20):
            page.keyboard.press("Tab")
            if (
                page.evaluate("document.activeElement.querySelector('.pnb-name')?.textContent")
                == name
            ):
                break
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        page.keyboard.press("Enter")
        page.wait_for_timeout(450)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "A is better":
            break
    page.keyboard.press("Enter")
    page.locator(f"{HERE} :text('finished')").wait_for()

    votes = comparison.votes
    assert [vote.listener for vote in votes] == ["Ann"] * 3
    assert [vote.winner for vote in votes] == [votes[0].right, None, votes[2].left]
    assert all(min(vote.heard) >= 0.3 for vote in votes)
    assert page.problems == []
    page.close()


def test_a_letter_in_a_field_is_a_letter(chrome, pair):
    """Keys of the test are not taken from somebody who types a name."""
    page = show(chrome, nb.Comparison(pair))

    page.locator("input").first.click()
    page.keyboard.type("A B 1 0 2 x")

    assert page.locator("input").first.input_value() == "A B 1 0 2 x"
    page.close()


def tones_of(n):
    return [track(f"t{i}", tone(0.1, hertz=200 + 50 * i)) for i in range(n)]


@pytest.mark.parametrize(
    ("theme", "width", "mode", "n"),
    [
        ("light", 900, "preference", 2),
        ("dark", 400, "rating", 5),
        ("light", 400, "score", 3),
        ("dark", 900, "abx", 2),
    ],
)
def test_nobody_is_shut_out(chrome, theme, width, mode, n):
    """In each mode and both themes axe-core finds nothing serious, and nothing stands out."""
    trials = 1 if mode == "abx" else None
    comparison = nb.Comparison(tones_of(n), mode=mode, trials=trials, question="Which is warmer?")
    page = show(chrome, comparison, theme=theme, width=width)
    name = f"{mode}-{theme}-{width}"
    assert serious(page, "#place") == []
    shoot(page, f"{name}-start")

    begin(page)
    hear_all(page)
    assert serious(page, "#place") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shoot(page, name)
    if mode == "rating":
        for slider in page.locator(".pnb-slider").all():
            slider.focus()
            page.keyboard.press("ArrowRight")
        page.get_by_role("button", name="Save ratings").click()
    elif mode == "score":
        page.keyboard.press("4")
        page.locator(f"{HERE} :text('recording 2 of 3')").wait_for()
        page.close()
        return
    else:
        page.keyboard.press("1")
    page.locator(f"{HERE} :text('finished')").wait_for()
    page.get_by_role("button", name="Show what was heard").click()
    page.locator(f"{HERE} table").wait_for()
    assert serious(page, "#place") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shoot(page, f"{name}-end")
    assert {vote.rating for vote in comparison.votes} == ({51.0} if mode == "rating" else {None})
    assert page.problems == []
    page.close()


def test_the_next_listener_begins_anew(chrome, pair):
    """At the end another person gives a name and hears their own order."""
    comparison = nb.Comparison(pair)
    page = show(chrome, comparison)
    page.locator("input").first.fill("Ann")
    begin(page)
    hear_all(page)
    page.keyboard.press("1")
    page.get_by_role("button", name="Next listener").click()
    page.get_by_role("button", name="Begin").click()
    page.locator(f"{HERE} :text('Give the next listener a name')").wait_for()
    page.locator("input").first.fill("Bo <b>")
    begin(page)
    hear_all(page)
    page.keyboard.press("0")
    page.locator(f"{HERE} :text('finished')").wait_for()

    assert comparison.votes.listeners == ["Ann", "Bo <b>"]
    page.close()


def test_a_vote_that_is_not_kept_stays_in_the_page(chrome, pair, monkeypatch):
    """The disk is full: it is said, the vote stays, and one press hands it in again."""
    comparison = nb.Comparison(pair)
    page = show(chrome, comparison)
    begin(page)
    hear_all(page)

    def full(*_):
        message = "The disk is full."
        raise nb.LibraryError(message)

    with monkeypatch.context() as patch:
        patch.setattr(records, "save_vote", full)
        page.keyboard.press("2")
        page.locator(f"{HERE} :text('Your vote is not kept yet. The disk is full.')").wait_for()
    assert serious(page, "#place") == []
    shoot(page, "not-kept")
    page.get_by_role("button", name="Hand the vote in again").click()
    page.locator(f"{HERE} :text('finished')").wait_for()

    (vote,) = comparison.votes
    assert vote.winner == vote.right
    page.close()


def test_a_kernel_that_is_gone_is_said_with_the_vote(chrome, pair):
    """No answer comes: the page says that the vote is here, and counts it once when it comes."""
    comparison = nb.Comparison(pair)
    page = show(chrome, comparison)
    page.clock.install()
    begin(page)
    hear_all(page)
    send, answers = comparison.send, []
    comparison.send = lambda *told: answers.append(told)

    page.keyboard.press("2")
    page.locator(f"{HERE} :text('Keeping your vote')").wait_for()
    page.clock.run_for(11_000)
    page.locator(f"{HERE} :text('Your vote is not kept yet. No answer yet')").wait_for()
    comparison.send = send
    page.get_by_role("button", name="Hand the vote in again").click()
    page.locator(f"{HERE} :text('finished')").wait_for()

    assert len(answers) == 1
    assert len(comparison.votes) == 1
    page.close()


# -- without a kernel ------------------------------------------------------------------------------


def open_page(chrome, file, **more):
    context = chrome.new_context(offline=True, **more)
    page = context.new_page()
    page.problems, page.asked = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda line: page.problems.append(line.text) if line.type == "error" else 0)
    page.on("request", lambda request: page.asked.append(request.url[:60]))
    page.goto(file.as_uri())
    return page


def test_the_exported_page_plays_by_itself(chrome, pair, tmp_path):
    """Offline, without a kernel: recordings start together, keys switch them, nothing is named."""
    file = nb.Comparison(pair, question="Which is warmer? </title><b>").to_html(tmp_path / "a.html")
    page = open_page(chrome, file, viewport={"width": 900, "height": 500})
    ready(page)
    page.evaluate(WATCH)

    page.keyboard.press("Space")
    page.wait_for_timeout(400)
    assert float(page.locator(f"{HERE} .pnb-place").input_value()) > 0.1
    page.keyboard.press("2")

    first, second = page.evaluate("started")
    assert (first["when"], first["offset"]) == (second["when"], second["offset"])
    assert page.locator(".pnb-letter[aria-pressed=true] .pnb-name").inner_text() == "2"
    assert serious(page, "body") == []
    assert page.locator("audio").first.is_hidden()
    shoot(page, "twin")
    text = file.read_text("utf-8")
    plain = re.sub('base64,[^"]+', "", text)
    assert not re.search("harp-1|jazz-2|Title of", plain)
    assert "<b>" not in plain
    assert len({len(coded) for coded in re.findall('base64,([^"]+)', text)}) == 1
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.problems == []
    page.context.close()


def test_the_exported_page_plays_without_scripts(chrome, pair, tmp_path):
    """Where scripts are off each recording has a plain player that plays, and it is said."""
    file = nb.Comparison(pair).to_html(tmp_path / "a.html")
    page = open_page(chrome, file, java_script_enabled=False)

    assert page.locator("audio").count() == 2
    assert page.locator("audio").first.is_visible()
    assert "not synchronised" in page.inner_text("body")
    page.context.close()
    plain = re.sub("(?s)<script.*</script>", "", file.read_text("utf-8"))
    (tmp_path / "plain.html").write_text(plain)
    page = open_page(chrome, tmp_path / "plain.html")
    for played in play_all(page):
        assert played["duration"] == pytest.approx(3, abs=0.1)
        assert played["played"] > 0.05
    page.context.close()


def test_titles_in_the_exported_page_are_text(chrome, pair, tmp_path):
    """``reveal=True`` writes titles beside the numbers; markup in them is shown."""
    pair[0].__dict__["title"] = EVIL
    file = nb.Comparison(pair).to_html(tmp_path / "a.html", reveal=True)

    page = open_page(chrome, file)
    ready(page)

    assert "Title of jazz-2" in page.inner_text("body")
    assert "onerror=alert(1)" in page.inner_text("body")
    assert page.locator("img").count() == 0
    assert page.problems == []
    page.context.close()


def test_a_notebook_without_widgets_plays(chrome, pair):
    """What is saved beside the widget: plain players, equally loud, without a name, no script."""
    html = nb.Comparison(pair)._repr_mimebundle_()[0]["text/html"]
    page = chrome.new_page()
    page.set_content(html)

    assert len(play_all(page)) == 2
    assert all(played["played"] > 0.05 for played in play_all(page))
    assert "not synchronised" in page.inner_text("body")
    assert {tag for tag, _ in Page(html).tags} <= {"div", "style", "audio"}
    assert not re.search("harp-1|jazz-2|Title of|var\\(", re.sub('base64,[^"]+', "", html))
    page.close()


def test_a_page_that_cannot_be_written_is_said(pair, tmp_path):
    """A folder that is not there, a name that cannot be."""
    comparison = nb.Comparison(pair)

    for name in ("no/such/folder.html", "a\0b.html"):
        with pytest.raises(nb.ExperimentError, match=r"cannot be written|does not exist"):
            comparison.to_html(f"{tmp_path}/{name}")
