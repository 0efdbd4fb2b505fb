"""What tracks sound like in numbers: sound of known tempo, key and colour goes in."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from phaseo_nb.audio.descriptors import NAMES, measure
from phaseo_nb.audio.measure import integrated_loudness
from phaseo_nb.experiments.described.asked import bpm_in, key_in
from phaseo_nb.sandbox.band import SongSpec, compose, render

RATE = 44_100


def clicks(bpm, seconds=12.0, rate=RATE, accent=4):
    """Short bursts of noise at each beat, every ``accent``-th one louder."""
    rng = np.random.default_rng(7)
    sound = np.zeros(round(seconds * rate), np.float32)
    burst = rng.standard_normal(round(0.03 * rate)) * np.exp(-np.linspace(0, 6, round(0.03 * rate)))
    for n in range(int(seconds * bpm / 60)):
        start = round(n * 60 / bpm * rate)
        part = sound[start : start + burst.size]
        part += 0.2 * (2 if n % accent == 0 else 1) * burst[: part.size]
    return sound[None]


def tones(pitches, each=0.5, rate=RATE, detune=0.0):
    """Notes or chords of MIDI numbers one after the other, each with four overtones."""
    t = np.arange(round(each * rate)) / rate
    fade = np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
    parts = []
    for chord in pitches:
        sound = np.zeros(t.size)
        for pitch in np.atleast_1d(chord):
            frequency = 440 * 2 ** ((pitch + detune - 69) / 12)
            sound += sum(np.sin(2 * np.pi * k * frequency * t) / k**1.5 for k in range(1, 6))
        parts.append(0.1 * fade * sound)
    return np.concatenate(parts).astype(np.float32)[None]


# Cadences of textbooks, from C: I IV V I and i iv v i in semitones over the tonic.
CADENCES = {
    "major": [(0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)],
    "minor": [(0, 3, 7), (5, 8, 12), (7, 10, 14), (0, 3, 7)],
    "harmonic minor": [(0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7)],
}


def cadence(tonic, mode, **more):
    chords = [[48 + tonic + step for step in chord] for chord in CADENCES[mode]]
    return tones(chords * 3, **more)


@pytest.mark.parametrize("bpm", [60, 72.5, 87, 100, 120, 128, 140, 174])
def test_the_tempo_of_clicks(bpm):
    """Clicks of a known tempo: it or its octave is found, to a tenth of a beat per minute."""
    found = measure(clicks(bpm), RATE).tempo

    assert any(abs(candidate - bpm) < 0.1 for candidate in found.candidates)
    assert found.bpm == found.candidates[0]
    for other in found.candidates[1:]:
        assert other / found.bpm == pytest.approx(2) or other / found.bpm == pytest.approx(0.5)
    assert found.confidence > 0.5


@pytest.mark.parametrize("mode", CADENCES)
@pytest.mark.parametrize("tonic", range(0, 12, 2), ids=lambda n: NAMES[n])
def test_the_key_of_a_cadence(tonic, mode):
    """Every textbook cadence is in its key."""
    key = measure(cadence(tonic, mode), RATE).key

    assert key.name == f"{NAMES[tonic]} {mode.split()[-1]}"
    assert 0.4 < key.confidence <= 1.0


@pytest.mark.parametrize("detune", [-0.4, 0.3])
def test_a_recording_out_of_tune_has_a_key(detune):
    """What is played a quarter tone beside the piano's keys is heard in its own tuning."""
    assert measure(cadence(2, "major", detune=detune), RATE).key.name == "D major"


def test_sureness_tells_a_cadence_from_one_chord():
    """One fifth fits several keys: the confidence is lower than that of a whole cadence."""
    sure = measure(cadence(0, "major"), RATE).key.confidence
    bare = measure(tones([[48, 55]] * 12), RATE).key.confidence

    assert bare < sure - 0.1


def test_brightness_is_that_of_an_analyser_that_is_not_ours():
    """Centre of the spectrum as librosa has it, on noise and on music; a sine is at its pitch."""
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(3)
    noise = (0.1 * rng.standard_normal(3 * RATE)).astype(np.float32)
    music = render(compose(SongSpec("funk, 100 bpm", duration=5)), RATE).mean(axis=0)
    for mono in (noise, music.astype(np.float32)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            power = librosa.feature.rms(y=mono, frame_length=2048, hop_length=512)[0]
            centres = librosa.feature.spectral_centroid(y=mono, sr=RATE)[0]
        expected = centres[power > 1e-3].mean()
        assert measure(mono[None], RATE).brightness_hz == pytest.approx(expected, rel=0.03)

    t = np.arange(RATE) / RATE
    sine = (0.5 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)[None]
    assert measure(sine, RATE).brightness_hz == pytest.approx(1000, rel=0.03)


def test_peak_silence_and_loudness_by_hand():
    """Half a second of a sine at −6 dB in two seconds of nothing."""
    sound = np.zeros((1, 2 * 48_000), np.float32)
    sound[0, :24_000] = 0.5 * np.sin(2 * np.pi * 997 * np.arange(24_000) / 48_000)
    found = measure(sound, 48_000)

    assert found.duration == 2.0
    assert found.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert found.silence_share == pytest.approx(0.75, abs=0.03)
    assert found.loudness_lufs == pytest.approx(integrated_loudness(sound, 48_000), abs=0.01)


# The sandbox writes its songs to a score, so tempo and key are known; half of them in minor.
SONGS = {
    "house, 123 bpm, in A minor": (123, "A minor"),
    "pop, 112 bpm, in C# major": (112, "C# major"),
    "rock, 126 bpm, in D major": (126, "D major"),
    "hip hop, 90 bpm, in C minor": (90, "C minor"),
    "folk, 104 bpm, in G major": (104, "G major"),
    "techno, 132 bpm, in F# minor": (132, "F# minor"),
    "country, 114 bpm, in A major": (114, "A major"),
    "lofi, 80 bpm, in D minor": (80, "D minor"),
    "synthwave, 98 bpm, in B minor": (98, "B minor"),
    "soul, 88 bpm, in Ab major": (88, "Ab major"),
    "classical, 108 bpm, in Bb major": (108, "Bb major"),
    "funk, 106 bpm, in E minor": (106, "E minor"),
}


def test_songs_of_a_known_score():
    """Of twelve songs of twelve genres: no tempo but its octaves, ten right; nine keys right."""
    exact_tempos, exact_keys = [], []
    for prompt, (bpm, key) in SONGS.items():
        score = compose(SongSpec(prompt, duration=16))
        assert (score.bpm, f"{score.key} {score.mode}") == (bpm, key)
        found = measure(render(score, 22_050), 22_050)
        assert any(abs(c / bpm - 1) < 0.04 for c in found.tempo.candidates), prompt
        exact_tempos += [prompt] if abs(found.tempo.bpm / bpm - 1) < 0.04 else []
        exact_keys += [prompt] if found.key.name == key else []

    assert len(exact_tempos) >= 10, SONGS.keys() - set(exact_tempos)
    assert len(exact_keys) >= 9, SONGS.keys() - set(exact_keys)


def _noise(n_channels=1, seconds=3.0, rate=RATE):
    rng = np.random.default_rng(11)
    return (0.1 * rng.standard_normal((n_channels, round(seconds * rate)))).astype(np.float32)


def _with(sound, value):
    sound = sound.copy()
    sound[0, 100:200] = value
    return sound


BAD = {
    "silent": (np.zeros((2, RATE), np.float32), RATE, "silent"),
    "nothing": (np.zeros((2, 0), np.float32), RATE, "no samples"),
    "no channel": (np.zeros((0, 100), np.float32), RATE, "no samples"),
    "one sample": (np.ones((1, 1), np.float32), RATE, "silent"),
    "0.2 s": (cadence(0, "major", each=0.02)[:, : RATE // 5], RATE, "0.2 s are too short"),
    "NaN": (_with(clicks(120), np.nan), RATE, "are no numbers"),
    "infinite": (_with(clicks(120), np.inf), RATE, "are no numbers"),
    "all NaN": (np.full((2, RATE), np.nan, np.float32), RATE, "silent"),
    "huge": (_with(clicks(120), 1e30), RATE, "are no numbers"),
    "constant": (np.full((1, RATE), 0.5, np.float32), RATE, "constant offset of +0.500"),
    "offset": (clicks(120) - 0.25, RATE, "constant offset of −0.250"),
    "noise": (_noise(), RATE, "no steady beat"),
    "1 Hz": (_noise(rate=100), 1, "too few"),
    "denormal": (np.full((1, RATE), 1e-42, np.float32), RATE, "silent"),
    "1-dimensional": (np.zeros(RATE, np.float32), RATE, "silent"),
}


@pytest.mark.parametrize(("samples", "rate", "word"), BAD.values(), ids=BAD)
def test_bad_sound_gives_a_word_and_no_nan(samples, rate, word):
    """What cannot be measured is None and is said; nothing raises, nothing is NaN."""
    with np.errstate(all="raise", under="ignore"):
        found = measure(samples, rate)

    assert any(word in note for note in found.notes), found.notes
    numbers = [found.duration, found.loudness_lufs, found.peak_dbfs, found.silence_share]
    numbers += [found.brightness_hz, *(found.tempo or (0, (), 0))[::2], *(found.key or ("", 0))[1:]]
    assert all(np.isfinite(number) for number in numbers if number is not None)


@pytest.mark.parametrize("word", ["NaN", "infinite", "offset"])
def test_what_is_odd_hides_no_tempo(word):
    """Some bad samples or an offset are said, and the tempo is found all the same."""
    samples, rate, _ = BAD[word]

    assert any(abs(c - 120) < 0.1 for c in measure(samples, rate).tempo.candidates)


def test_a_constant_is_silence():
    """A voltage that does not change is heard by nobody."""
    found = measure(*BAD["constant"][:2])

    assert found.silence_share == 1.0
    assert (found.loudness_lufs, found.tempo, found.key) == (None, None, None)
    assert found.peak_dbfs == pytest.approx(-6.02, abs=0.01)


def test_drums_alone_have_no_certain_key():
    """Noise has no key."""
    assert measure(_noise(), RATE).key is None


@pytest.mark.parametrize("n_channels", [1, 2, 5])
@pytest.mark.parametrize("rate", [8_000, 22_050, 96_000])
def test_channels_and_rates(n_channels, rate):
    """Any number of channels at any usual rate gives the same tempo and key."""
    song = cadence(9, "minor", rate=rate) + clicks(120, seconds=6.0, rate=rate)
    found = measure(np.repeat(song, n_channels, axis=0), rate)

    assert any(abs(c - 120) < 0.5 for c in found.tempo.candidates)
    assert found.key.name == "A minor"


def test_a_side_that_is_turned_over_cancels_nothing():
    """Left and right of opposite sign sum up to nothing, and are heard all the same."""
    song = cadence(7, "major")
    found = measure(np.concatenate([song, -song]), RATE)

    assert found.key.name == "G major"
    assert found.brightness_hz == pytest.approx(measure(song, RATE).brightness_hz, rel=0.01)


ASKED_BPM = {
    "Slow waltz, 84 bpm": 84, "128BPM techno": 128, "92.5 bpm": 92.5, "92,5 bpm": 92.5,
    "between 90 and 100 bpm": 100, "90-100 bpm": 95, "90 to 100 BPM": 95, "tempo: 120": 120,
    "120 beats per minute": 120, "tempo of 76, in C": 76, "a tune from 1984": None,
    "bpm": None, "7 bpm": None, "999 bpm": None, "0.120 bpm": None, "120 bpmx": None,
    "tempo 120%": None, "": None,
}  # fmt: skip


@pytest.mark.parametrize(("text", "bpm"), ASKED_BPM.items(), ids=ASKED_BPM)
def test_the_tempo_that_words_ask_for(text, bpm):
    assert bpm_in(text) == bpm


ASKED_KEYS = {
    "in F sharp minor": "F# minor", "in F-sharp minor": "F# minor", "F# minor": "F# minor",
    "f# minor ballad": "F# minor", "Gb major": "F# major", "in B flat": "Bb", "key of A": "A",
    "Key: Bb": "Bb", "Am": "A minor", "a song in A minor": "A minor", "Ebm groove": "Eb minor",
    "D dorian": "D dorian", "in C": "C", "in C, 120 bpm": "C", "Cb major": "B major",
    "C♯-Moll": "C# minor", "E harmonic minor": "E minor", "in the key of D major": "D major",
    "a minor detail": None, "in a minor key": None, "A Room in Paris": None, "in Dublin": None,
    "I am": None, "in A Warm Room": None, "Plan B": None, "vitamin C and more": None, "": None,
}  # fmt: skip


@pytest.mark.parametrize(("text", "key"), ASKED_KEYS.items(), ids=ASKED_KEYS)
def test_the_key_that_words_ask_for(text, key):
    assert key_in(text) == key


@pytest.mark.parametrize("piece", ["in the key of ", "1", "120 - ", "A ", "tempo ", "in \n", "bb "])
def test_long_texts_are_read_to_the_end(piece):
    """Halves of a phrase, ten thousand times: read at once, where trying all pairs took hours."""
    text = piece * (200_000 // len(piece))

    assert (bpm_in(text), key_in(text)) == (None, None)
