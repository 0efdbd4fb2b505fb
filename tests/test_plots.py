"""Pictures of many tracks: on one scale, readable aloud, playable without a script."""

from __future__ import annotations

import base64
import re
import struct

import numpy as np
import pytest
from axe import serious
from browser import PLAY, chromium
from test_cards import EVIL, Page
from test_described import connect, track, wav
from test_tables import KEPT_IN_TABLES

import phaseo_nb as nb
from phaseo_nb.experiments.plots._axes import axis_of

RATE = 22_050


def noise(seconds=1.0, level=0.1, seed=1, prompt="a waltz", **about):
    rng = np.random.default_rng(seed)
    return track(wav(level * rng.standard_normal((1, round(RATE * seconds))), RATE), prompt=prompt)


def size_of(tag):
    """Width and height of an embedded PNG in its own pixels, and the width that is shown."""
    png = base64.b64decode(tag["src"].partition(",")[2])
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">II", png[16:24]), int(re.search(r"width:(\d+)px", tag["style"])[1])


def images(html):
    return [attributes for tag, attributes in Page(html).tags if tag == "img"]


@pytest.mark.parametrize("draw", [nb.plots.waveforms, nb.plots.spectrograms])
def test_small_multiples_share_one_scale_of_time(draw):
    """A recording of half the length is half as wide; each picture says what it is."""
    plot = draw([noise(2.0), noise(1.0, prompt="slow harp"), noise(0.5)], width=200)
    pictures = images(plot._repr_html_())

    assert [size_of(picture)[1] for picture in pictures] == [200, 100, 50]
    assert "slow harp" in pictures[1]["alt"]
    assert "1.0 s" in pictures[1]["alt"]
    assert "0 to 2.0 s" in Page(plot._repr_html_()).text
    assert len(plot) == 3
    assert "of 3 tracks" in repr(plot)


def test_waveforms_are_higher_where_it_is_louder():
    """Full scale is the height of every picture: a louder track has more ink."""
    loud, soft = images(nb.plots.waveforms([noise(level=0.3), noise(level=0.03)])._repr_html_())

    assert len(loud["src"]) > len(soft["src"])


HOSTILE = {
    "waveforms": lambda t: nb.plots.waveforms(t, labels=[EVIL] * len(t)),
    "spectrograms": lambda t: nb.plots.spectrograms(t, labels=[EVIL] * len(t)),
    "scatter": lambda t: nb.plots.scatter(t, "duration", "loudness_lufs", labels=[EVIL] * len(t)),
}


@pytest.mark.parametrize("draw", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_stay_text(draw):
    """No tag, attribute, script or address comes of a name."""
    html = draw([noise(), track(b"junk", prompt=EVIL), noise(0.6)])._repr_html_()
    page = Page(html)

    assert not page.open
    assert "<img src=x onerror=alert(1)>" in page.text
    assert not re.search(r"<script|<svg|https?:|url\(|\bid=|\bname=|autoplay", html)
    allowed = {"class", "role", "style", "alt", "src", "controls", "preload", "title", "scope"}
    for tag, attributes in page.tags:
        names = {name for name in attributes if not name.startswith("aria-")}
        assert names <= allowed | {"tabindex"}, tag
        assert attributes.get("src", "data:").startswith("data:")


@pytest.mark.parametrize("draw", HOSTILE.values(), ids=HOSTILE)
def test_the_look_survives_where_the_notebook_is_not_trusted(draw):
    """Inline styles use what JupyterLab keeps: known properties, no var(), no calc()."""
    kept = KEPT_IN_TABLES | {"cursor", "list-style", "max-height", "min-height", "z-index"}
    for _, attributes in Page(draw([noise(), noise(0.5)])._repr_html_()).tags:
        for declaration in filter(None, (attributes.get("style") or "").split(";")):
            name, value = declaration.split(":", 1)
            assert name.strip() in kept, declaration
            assert not re.search(r"var\(|calc\(|[^0-9]\.[0-9]", value)


def test_what_cannot_be_drawn_is_said():
    """A damaged track keeps its place and says why; the others are drawn."""
    page = Page(nb.plots.waveforms([noise(), track(b"junk", prompt="broken")])._repr_html_())

    assert [tag for tag, _ in page.tags].count("img") == 1
    assert "are no audio" in page.text
    assert "broken" in page.text


def test_silence_is_drawn():
    """A silent track has a picture, and words that say that it is silent."""
    silent = track(wav(np.zeros((1, RATE)), RATE))

    assert "silent" in images(nb.plots.waveforms(silent)._repr_html_())[0]["alt"]
    assert len(images(nb.plots.spectrograms(silent)._repr_html_())) == 1


@pytest.mark.parametrize("draw", [*HOSTILE.values()], ids=HOSTILE)
def test_nothing_is_drawn_of_nothing(draw):
    """An empty list is no error."""
    assert "0 tracks" in repr(draw([])) or "No track" in draw([])._repr_html_()
    assert draw([])._repr_html_()


def test_every_track_of_a_take_is_drawn(tmp_path, quick):
    """A take gives all of its tracks, each with its number; asked figures come from the take."""
    connect(tmp_path)
    take = nb.run(nb.generate("a waltz, 90 bpm", model="suno/v4.5", show=False))

    plot = nb.plots.scatter(nb.library().recent(), "bpm_asked", "duration")
    assert len(nb.plots.waveforms(take)) == len(take.tracks) == 2
    assert "take 1, track 2" in Page(nb.plots.waveforms([take])._repr_html_()).text
    assert [figures.bpm_asked for figures in plot.figures] == [90, 90]
    assert "SANDBOX" in Page(plot._repr_html_()).text


def test_a_scatter_says_its_figures_in_a_table():
    """The same figures stand in words, with what has no place in the plot."""
    plot = nb.plots.scatter(
        [noise(1.5, prompt="first"), noise(0.5, prompt="second"), track(b"junk", prompt="third")],
        x="duration",
        y="loudness_lufs",
    )
    lines = plot.text().splitlines()

    assert [line.split()[:2] for line in lines[2:4]] == [["1", "first"], ["2", "second"]]
    assert "1.5" in lines[2]
    assert lines[4].split()[0] == "third"
    assert "not known" in lines[4]
    assert plot._repr_mimebundle_()["text/plain"] == plot.text()


def test_audio_in_a_scatter_has_a_budget():
    """All recordings together stay below the limit; none at all where it is 0."""
    tracks = [noise(4.0, seed=n) for n in range(4)]  # 176 kB each as they are

    def bytes_of_audio(**more):
        page = Page(nb.plots.scatter(tracks, "duration", "brightness_hz", **more)._repr_html_())
        sources = [a["src"] for tag, a in page.tags if tag == "audio"]
        return len(sources), sum(len(source) * 3 // 4 for source in sources)

    assert bytes_of_audio()[0] == 4
    n, size = bytes_of_audio(embed_limit=200_000)
    assert n == 4
    assert size <= 200_000
    assert bytes_of_audio(embed_limit=0) == (0, 0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nb.plots.waveforms(["song.mp3"]), "takes takes or tracks"),
        (lambda: nb.plots.spectrograms(7), "takes takes or tracks"),
        (lambda: nb.plots.waveforms([], columns=0), "columns = 0"),
        (lambda: nb.plots.waveforms([], width=5), "width = 5"),
        (lambda: nb.plots.waveforms([noise()], labels=["a", "b"]), "are 2 for 1"),
        (lambda: nb.plots.scatter([], x="loudness"), "x = 'loudness'"),
        (lambda: nb.plots.scatter([], y="key"), "y = 'key'"),
        (lambda: nb.plots.scatter([], embed_limit=-1), "embed_limit = -1"),
    ],
)
def test_mistakes_are_named(call, words):
    """What was wrong, and what would be right."""
    with pytest.raises(nb.errors.ExperimentError, match=re.escape(words)):
        call()


@pytest.mark.parametrize(
    "values", [[0.0], [5.0, 5.0], [-70.0, -3.0], [1e-9, 2e-9], [0.0, 1e7], [-0.5, 0.5]], ids=str
)
def test_axes_have_round_marks_and_room(values):
    """Two marks at least, all inside, at 1, 2 or 5 times a power of ten; each says its own."""
    axis = axis_of(values)

    assert axis.low < min(values) <= max(values) < axis.high
    assert 2 <= len(axis.ticks) <= 12
    assert all(axis.low <= tick <= axis.high + axis.step * 1e-6 for tick in axis.ticks)
    assert f"{axis.step:.1e}"[0] in "125"
    assert len({axis.words(tick) for tick in axis.ticks}) == len(axis.ticks)


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_points_open_their_players(theme, tmp_path):
    """By mouse and by key a point opens its player, which plays; nothing moves by it."""
    ground, ink = ("#ffffff", "#1f1f1f") if theme == "light" else ("#111111", "#ffffff")
    tracks = [noise(s, prompt=f"song of {s} s", level=s / 10) for s in (0.5, 1.0, 1.5)]
    tracks.append(noise(1.5, prompt="the same again", level=0.15))  # would hide the one before
    html = nb.plots.scatter(tracks, "duration", "loudness_lufs")._repr_html_()
    pictures = (
        nb.plots.waveforms(tracks)._repr_html_() + nb.plots.spectrograms(tracks)._repr_html_()
    )
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 1200})
        page.set_content(
            f'<html lang="en"><title>Plots</title><body data-jp-theme-light="{theme == "light"}" '
            f'style="background:{ground};color:{ink}"><main>{html}{pictures}</main></body></html>'
        )
        boxes = page.eval_on_selector_all(
            "summary", "all => all.map(one => one.getBoundingClientRect().toJSON())"
        )
        by_number = dict(zip(page.locator("summary").all_inner_texts(), boxes, strict=True))
        assert by_number["1"]["x"] < by_number["2"]["x"] < by_number["3"]["x"]
        assert by_number["1"]["y"] > by_number["2"]["y"] > by_number["3"]["y"]
        apart = abs(by_number["4"]["x"] - by_number["3"]["x"])
        assert apart + abs(by_number["4"]["y"] - by_number["3"]["y"]) >= 12

        second = page.locator("summary", has_text="2")
        assert "song of 1.0 s" in second.get_attribute("aria-label")
        second.click()
        opened = page.locator("details[open]")
        assert opened.count() == 1
        assert "song of 1.0 s" in opened.inner_text()
        played = page.evaluate(PLAY, opened.locator("audio").element_handle())
        assert played["played"] > 0.05
        assert played["duration"] == pytest.approx(1.0, abs=0.05)

        page.locator("summary", has_text="3").focus()
        page.keyboard.press("Enter")
        assert page.locator("details[open]").count() == 2
        after = page.eval_on_selector_all(
            "summary", "all => all.map(one => one.getBoundingClientRect().toJSON())"
        )
        assert after == boxes

        page.locator("summary", has_text="1").click()
        inside = """([card, opened]) => {
          const [outer, inner] = [card, opened].map((one) => one.getBoundingClientRect());
          return inner.top >= outer.top && inner.bottom <= outer.bottom
            && inner.left >= outer.left && inner.right <= outer.right
            && card.scrollHeight <= card.clientHeight;
        }"""
        card = page.locator("[role=group]").first.element_handle()
        for opened in page.locator("details[open] > div").element_handles():
            assert page.evaluate(inside, [card, opened])
        assert serious(page, "main") == []
