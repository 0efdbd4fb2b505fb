"""Figures against outside truth: ITU-R BS.1770 and EBU Tech 3341 say what these signals measure."""

from __future__ import annotations

import math

import numpy as np
import pytest

from phaseo_nb.audio.measure import integrated_loudness, peak_dbfs, peaks, silence_fraction


def sine(level_dbfs: float, seconds: float, *, hertz: float = 997.0, rate: int = 48_000):
    time = np.arange(round(seconds * rate)) / rate
    return (10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize("rate", [48_000, 44_100, 32_000, 96_000])
def test_the_standards_own_example(rate):
    """A 997 Hz sine at full scale in one channel is −3.01 LUFS (BS.1770-4, annex 1)."""
    left = sine(0.0, 5.0, rate=rate)

    assert integrated_loudness(np.stack([left, 0 * left]), rate) == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize(("level", "expected"), [(-23.0, -23.0), (-33.0, -33.0)])
def test_ebu_3341_cases_1_and_2(level, expected):
    """A stereo 1 kHz sine of −23 or −33 dBFS for 20 s is as many LUFS, ±0.1."""
    left = sine(level, 20.0, hertz=1000.0)

    assert integrated_loudness(np.stack([left, left]), 48_000) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([(-36, 10), (-23, 60), (-36, 10)], id="case 3: relative gate"),
        pytest.param(
            [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], id="case 4: both gates"
        ),
        pytest.param([(-26, 20), (-20, 20.1), (-26, 20)], id="case 5: mean of energies"),
    ],
)
def test_ebu_3341_gating(steps):
    """The gated signals of EBU Tech 3341, cases 3 to 5, measure −23.0 LUFS, ±0.1."""
    left = np.concatenate([sine(level, seconds, hertz=1000.0) for level, seconds in steps])

    assert integrated_loudness(np.stack([left, left]), 48_000) == pytest.approx(-23.0, abs=0.1)


def test_ebu_3341_surround():
    """Case 6: L R −28, C −24, surrounds −30 dBFS, LFE ignored, is −23.0 LUFS, ±0.1."""
    levels = [-28, -28, -24, 0, -30, -30]
    sound = np.stack([sine(level, 20.0, hertz=1000.0) for level in levels])

    assert integrated_loudness(sound, 48_000) == pytest.approx(-23.0, abs=0.1)


def test_low_tones_count_less():
    """K-weighting takes 38 Hz down by about 6 dB and lifts 10 kHz by about 4 dB over 1 kHz."""
    low, middle, high = (
        integrated_loudness(sine(-20, 5, hertz=f), 48_000) for f in (38, 997, 10_000)
    )

    assert low - middle == pytest.approx(-6.6, abs=0.5)
    assert high - middle == pytest.approx(3.3, abs=0.3)


def test_chunks_leave_no_seam():
    """A recording longer than one filter chunk measures as its first seconds do."""
    noise = np.random.default_rng(3).standard_normal(48_000 * 20).astype(np.float32) * 0.1

    whole = integrated_loudness(np.tile(noise, 3), 48_000)

    assert whole == pytest.approx(integrated_loudness(noise, 48_000), abs=0.01)


@pytest.mark.parametrize("n_samples", [0, 1, 100, 19_199, 19_200])
def test_short_clips_are_measured(n_samples):
    """Clips under one gating block (0.4 s) give a number or −inf, never an exception."""
    clip = np.full((2, n_samples), 0.5, np.float32)

    assert not math.isnan(integrated_loudness(clip, 48_000))


def test_a_fifth_of_a_second_is_as_loud_as_it_is():
    """A short clip of a steady tone measures near the same tone at length."""
    assert integrated_loudness(sine(-20, 0.2), 48_000) == pytest.approx(-23.0, abs=0.3)


def test_silence_has_no_loudness():
    """Silence is −inf LUFS and −inf dBFS, without a warning."""
    nothing = np.zeros((2, 48_000), np.float32)

    assert integrated_loudness(nothing, 48_000) == -math.inf
    assert peak_dbfs(nothing) == -math.inf
    assert peak_dbfs(np.zeros((2, 0), np.float32)) == -math.inf


def test_the_peak_may_be_negative():
    """The peak counts both directions: a lowest sample of −0.5 is −6.02 dBFS."""
    assert peak_dbfs(np.array([[0.1, -0.5]], np.float32)) == pytest.approx(-6.0206, abs=1e-4)


def test_silence_is_where_no_channel_sounds():
    """A second of tone and three of silence, in one of two channels, are three quarters silent."""
    left = np.concatenate([sine(-20, 1.0), np.zeros(3 * 48_000, np.float32)])

    assert silence_fraction(np.stack([left, 0 * left]), 48_000) == pytest.approx(0.75)
    assert silence_fraction(np.zeros((1, 0), np.float32), 48_000) == 1.0


def test_peaks_are_the_extremes_of_each_stretch():
    """Each bin holds the lowest and highest sample of its stretch, over all channels."""
    left = np.array([0.0, 0.1, 0.2, -0.3, 0.4, 0.5], np.float32)
    right = np.array([0.0, -0.9, 0.0, 0.0, 0.0, 0.8], np.float32)

    low, high = peaks(np.stack([left, right]), 3)

    assert low == pytest.approx([-0.9, -0.3, 0.0])
    assert high == pytest.approx([0.1, 0.2, 0.8])


@pytest.mark.parametrize("n_samples", [0, 1, 7, 999, 1000, 1001])
def test_peaks_fit_any_length(n_samples):
    """There are as many bins as asked for, however few samples there are."""
    clip = np.full((2, n_samples), 0.25, np.float32)

    result = peaks(clip)

    assert (result.shape, result.dtype) == ((2, 1000), np.float32)
    assert set(result.ravel()) == ({0.25} if n_samples else {0.0})


def test_peaks_of_peaks_are_coarser_peaks():
    """Peaks can be made coarser from peaks, without the samples."""
    noise = np.random.default_rng(5).uniform(-1, 1, (2, 6000)).astype(np.float32)

    assert (peaks(peaks(noise, 600), 60) == peaks(noise, 60)).all()
