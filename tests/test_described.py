"""``describe``: a track in numbers beside what was asked for, worked out once, off the loop."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import wave

import numpy as np
import pytest
from test_cards import EVIL, Page

import phaseo_nb as nb
from phaseo_nb.audio import descriptors
from phaseo_nb.audio.codecs import encode
from phaseo_nb.experiments import described, records
from phaseo_nb.jobs import Track
from phaseo_nb.sandbox import Sandbox
from phaseo_nb.takes import About, KeptTrack

COLUMNS = [
    *("duration_asked", "duration", "bpm_asked", "bpm", "bpm_candidates", "key_asked", "key"),
    *("key_confidence", "loudness_lufs", "peak_dbfs", "silence_share", "brightness_hz", "notes"),
]


@pytest.fixture(autouse=True)
def forgetful():
    """Nothing is remembered from another test."""
    described._memory.clear()
    yield
    described._memory.clear()


def connect(folder):
    """A library, and a sandbox of which no job takes time."""
    nb.connect("phaseo", transport=Sandbox(speed=1000).transport, library=folder / "library")


@pytest.fixture
def take(tmp_path, quick):
    """A song of a known score in a library: 120 bpm, A minor, 8 s."""
    connect(tmp_path)
    prompt = "house in A minor, 120 bpm"
    yield nb.run(nb.generate(prompt, model="sandbox/band", duration=8, show=False))
    nb.library().close()


def track(data, *, prompt=None, failure=None, **facts):
    return KeptTrack(Track(index=0, failure=failure, **facts), data, about=About(prompt=prompt))


def counted(monkeypatch):
    """Recordings that are measured from now on."""
    measured = []
    real = descriptors.measure

    def measure(samples, rate):
        measured.append(threading.current_thread())
        return real(samples, rate)

    monkeypatch.setattr(descriptors, "measure", measure)
    return measured


def wav(samples, rate=44_100, width=2):
    """A file of samples [n_channels, n_samples], written by Python's own module."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(len(samples))
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").T.tobytes())
    return file.getvalue()


def test_asked_stands_beside_measured(take):
    """What the request asked for and what is heard are columns of one row, in their order."""
    figures = nb.describe(take)

    facts = figures.to_dict()
    assert list(facts) == COLUMNS
    assert (facts["duration_asked"], facts["bpm_asked"], facts["key_asked"]) == (8, 120, "A minor")
    assert facts["duration"] == pytest.approx(8, abs=0.1)
    assert any(abs(bpm - 120) < 1 for bpm in facts["bpm_candidates"])
    assert figures.bpm_fits
    assert figures.duration_fits
    assert facts["loudness_lufs"] == pytest.approx(take.track.loudness_lufs, abs=1e-6)
    assert facts["peak_dbfs"] == pytest.approx(take.track.peak_dbfs)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


@pytest.mark.parametrize(
    ("asked", "heard", "fits"),
    [
        ("A minor", "A minor", True), ("A minor", "C major", False), ("A", "A minor", True),
        ("D dorian", "D minor", True), ("G mixolydian", "G major", True), (None, "C major", None),
        ("G lydian", "G minor", False), ("A minor", None, None),
    ],
)  # fmt: skip
def test_a_key_fits_as_far_as_it_was_named(asked, heard, fits):
    assert nb.Descriptors(key_asked=asked, key=heard).key_fits is fits


def test_a_tempo_fits_an_octave_aside():
    """Half and double of a tempo are the same beat; two thirds of it are not."""
    figures = {bpm: (bpm, bpm * 2, bpm / 2) for bpm in (60.0, 121.0, 239.0, 80.0)}

    assert [
        nb.Descriptors(bpm_asked=120.0, bpm=bpm, bpm_candidates=all_of_it).bpm_fits
        for bpm, all_of_it in figures.items()
    ] == [True, True, True, False]


def test_a_recording_is_measured_once(take, monkeypatch):
    """By its hash: in this process, and in the library when the process is another."""
    measured = counted(monkeypatch)
    first = nb.describe(take)
    again = nb.describe(take)
    described._memory.clear()
    later = nb.describe(nb.library().get(take.id))

    assert len(measured) == 1
    assert first == again == later


def test_other_arithmetic_measures_anew(take, monkeypatch):
    """Figures that were kept by another version are not taken for those of this one."""
    nb.describe(take)
    described._memory.clear()
    measured = counted(monkeypatch)
    monkeypatch.setattr(descriptors, "VERSION", descriptors.VERSION + 1)
    nb.describe(take)

    assert len(measured) == 1


@pytest.mark.parametrize(
    "facts",
    ["", "{", "[]", '{"bpm": "fast"}', '{"bpm": NaN}', '{"bpm_candidates": [null]}',
     '{"key": 7}', '{"notes": "x"}', '{"duration": true}', "[" * 100_000],
    ids=range(10),
)  # fmt: skip
def test_a_damaged_shelf_measures_anew(take, monkeypatch, facts):
    """What is no figures in the library is not believed."""
    version = descriptors.VERSION
    records.save_descriptors(nb.library(), take.track.sha256, version, facts)
    measured = counted(monkeypatch)

    assert nb.describe(take).bpm is not None
    assert len(measured) == 1


def test_many_are_described_off_the_loop(take, monkeypatch):
    """Worker threads measure; the loop that waits goes on turning meanwhile."""
    measured = counted(monkeypatch)
    rng = np.random.default_rng(5)
    songs = [wav(0.1 * rng.standard_normal((2, 44_100 * 4))) for _ in range(6)]
    tracks = [track(song, prompt=f"{n} bpm") for n, song in enumerate(songs, 90)]
    turns = 0

    async def main():
        async def turn():
            nonlocal turns
            while True:
                await asyncio.sleep(0.001)
                turns += 1

        turning = asyncio.ensure_future(turn())
        found = await nb.describe_all([*tracks, take], nb.library())
        turning.cancel()
        return found, threading.current_thread()

    found, loop_thread = nb.run(main())

    assert [figures.bpm_asked for figures in found] == [90, 91, 92, 93, 94, 95, 120]
    assert len(measured) == 7
    assert loop_thread not in measured
    assert turns > 7
    stored = records.load_descriptors(nb.library(), tracks[0].sha256, descriptors.VERSION)
    assert json.loads(stored)["duration"] == 4.0


def test_one_bad_track_stops_no_other(take):
    """Each gets its figures; the bad one gets a word."""
    bad = track(b"RIFF\0\0\0\0WAVEjunk", prompt="at 90 bpm")
    none = track(None, failure="The provider lost it.")
    found = nb.run(nb.describe_all([bad, take, none]))

    assert (found[0].bpm, found[0].bpm_asked) == (None, 90)
    assert "cannot be decoded" in found[0].notes[0]
    assert found[1].bpm is not None
    assert found[2].notes == ("The provider lost it.",)


def test_a_file_that_is_gone_is_a_word_and_comes_back(take):
    """A recording that cannot be read is said; once it is back it is measured."""
    path = take.track.path
    data = path.read_bytes()
    path.unlink()
    gone = nb.describe(take)
    path.write_bytes(data)

    assert gone.bpm is None
    assert gone.notes
    assert nb.describe(take).bpm is not None


def test_a_full_disk_loses_no_figures(take, monkeypatch):
    """Where figures cannot be kept they are shown all the same."""

    def save(*_):
        message = "The disk is full."
        raise nb.LibraryError(message)

    monkeypatch.setattr(records, "save_descriptors", save)

    assert nb.describe(take).bpm is not None


def test_raw_samples_are_another_sound_at_another_rate(take):
    """The hash alone does not say how fast raw samples are played."""
    t = np.arange(44_100) / 44_100
    data = (8000 * np.sin(2 * np.pi * 500 * t)).astype("<i2").repeat(2).tobytes()
    slow, fast = (KeptTrack(Track(index=0), data, pcm_rate=rate) for rate in (22_050, 44_100))

    assert nb.describe(slow, library=nb.library()).duration == 2.0
    assert nb.describe(fast, library=nb.library()).duration == 1.0


@pytest.mark.parametrize("format", ["mp3", "ogg", "flac"])
def test_every_format_has_figures(format):
    """A second of noise as another file is as loud and as bright."""
    rng = np.random.default_rng(2)
    samples = (0.1 * rng.standard_normal((2, 44_100))).astype(np.float32)
    figures = nb.describe(track(encode(samples, 44_100, format)))

    assert figures.duration == pytest.approx(1.0, abs=0.06)
    assert figures.loudness_lufs == pytest.approx(
        nb.describe(track(wav(samples))).loudness_lufs, abs=1
    )
    assert "too short" in " ".join(figures.notes)


def test_what_is_no_track_is_refused():
    with pytest.raises(TypeError, match="takes a take or a track, not str"):
        nb.describe("song.mp3")
    with pytest.raises(TypeError, match="not ndarray"):
        nb.run(nb.describe_all([np.zeros(3)]))


def test_figures_in_words(take):
    """One line in a terminal, with real minus signs, and no key where none was found."""
    words = repr(nb.describe(take))

    assert words.startswith("<Descriptors 8.0 s, ")
    assert "bpm (or " in words
    assert "−" in words
    assert repr(nb.Descriptors()) == "<Descriptors nothing known>"
    assert repr(nb.describe(track(wav(np.zeros((1, 44_100)))))) == "<Descriptors 1.0 s, 100 %>"


def test_figures_in_a_cell_are_text_whatever_they_hold():
    """Hostile keys and notes stay text in the table."""
    figures = nb.Descriptors(
        key_asked=EVIL, key=EVIL, key_confidence=float("nan"), bpm=float("inf"), notes=(EVIL,)
    )
    page = Page(figures._repr_html_())

    assert "<img src=x onerror=alert(1)>" in page.text
    assert {tag for tag, _ in page.tags}.isdisjoint({"img", "script"})
    assert "nan" not in page.text.lower()
