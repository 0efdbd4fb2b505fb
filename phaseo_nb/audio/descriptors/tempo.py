"""How fast: where sound begins, and after how long it begins again.

The strength of onsets is how much louder each band of pitch has become (spectral flux). Its
autocorrelation tells after which times the pattern comes back; the beat is the time of which two,
three and four times fit as well. Far multiples then say its length to a thousandth.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ._spectrum import FloatArray

Doubles = npt.NDArray[np.float64]

SLOWEST, FASTEST = 30.0, 300.0
"""Beats per minute that are looked for."""
SHORTEST = 2.0
"""Seconds: fewer hold too few beats."""
N_BANDS = 36
_USUAL, _WIDTH = 117.0, 0.9
"""Where most music is, in beats per minute, and how far around, in octaves. Which of two tempos an
octave apart is *the* tempo is a habit of listeners, not a property of sound."""
_STEADY = 0.09
"""Autocorrelation that chance does not reach in a few seconds of sound without a beat."""


class Tempo(NamedTuple):
    """A tempo, and what else it could be called."""

    bpm: float
    candidates: tuple[float, ...]
    """``bpm`` first, then half and double as far as there are such tempos, the likelier first."""
    confidence: float
    """How alike the recording is to itself one beat later, 0.0 to 1.0."""


def band_starts(n_bins: int, sample_rate: float) -> npt.NDArray[np.intp]:
    """Return the first bin of each band, and where the last one ends [shape=(N_BANDS + 1,)].

    Bands go from 40 Hz to 10 kHz and are all as wide to the ear; low ones, which would be narrower
    than a bin, are one bin wide.
    """
    top = min(10_000.0, sample_rate / 2)
    per_bin = sample_rate / 2 / (n_bins - 1)
    edges = np.rint(np.geomspace(40.0, top, N_BANDS + 1) / per_bin).astype(np.intp)
    rising = np.arange(N_BANDS + 1)
    starts = np.maximum.accumulate(np.maximum(edges, 1) - rising) + rising
    return np.minimum(starts, n_bins - 1 - N_BANDS + rising)


def tempo_of(bands: Iterable[FloatArray], frame_rate: float) -> Tempo | None:
    """Return the tempo of a recording; ``None`` where nothing comes back in time.

    Parameters
    ----------
    bands
        Energy in each band of each frame, blocks of shape (n_frames, N_BANDS).
    frame_rate
        Frames per second.
    """
    onsets = _onsets(np.concatenate(list(bands)), frame_rate)
    if onsets is None or onsets.size < SHORTEST * frame_rate:
        return None
    alike = _autocorrelation(onsets)
    grid = np.geomspace(SLOWEST, FASTEST, 600)
    scores = _comb(alike, 60.0 * frame_rate / grid, onsets.size)
    best = int((scores * _habit(grid)).argmax())
    lag = _refined(alike, 60.0 * frame_rate / float(grid[best]), onsets.size)
    confidence = min(max(float(_at(alike, np.array([lag]))[0]), 0.0), 1.0)
    if confidence < _STEADY:
        return None
    bpm = 60.0 * frame_rate / lag
    others = [other for other in (bpm / 2, bpm * 2) if SLOWEST <= other <= FASTEST]
    lags = 60.0 * frame_rate / np.array([*others, bpm])
    likely = dict(
        zip(
            others, _comb(alike, lags, onsets.size) * _habit(np.array([*others, bpm])), strict=False
        )
    )
    others.sort(key=lambda other: -likely[other])
    return Tempo(bpm, (bpm, *others), confidence)


def _onsets(energy: FloatArray, frame_rate: float) -> Doubles | None:
    """Return how strongly something begins in each frame; ``None`` where nothing does."""
    loudest = float(energy.max(initial=0.0))
    if loudest <= 1e-10 or len(energy) < 8:
        return None
    decibels = 10.0 * np.log10(np.maximum(energy, loudest * 1e-7))
    rise = np.maximum(decibels[1:] - decibels[:-1], 0.0).mean(axis=1, dtype=np.float64)
    rise = np.concatenate([[0.0], rise])
    if float(rise.max()) < 0.3:  # dB: a tone that only trembles has no beat
        return None
    around = max(round(frame_rate * 0.4), 1)
    total = np.cumsum(np.pad(rise, (around, around + 1), mode="edge"))
    level = (total[2 * around :] - total[: -2 * around])[: rise.size] / (2 * around)
    onsets: Doubles = np.maximum(rise - level, 0.0)
    return onsets


def _autocorrelation(onsets: Doubles) -> Doubles:
    """Return how alike the onsets are to themselves after each number of frames; 1 at 0."""
    n = onsets.size
    n_fft = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(onsets - onsets.mean(), n_fft)
    raw = np.fft.irfft(np.abs(spectrum) ** 2, n_fft)[: n * 3 // 4]
    overlap = n - np.arange(raw.size)
    result: Doubles = raw / overlap * n / max(float(raw[0]), 1e-12)
    return result


def _at(alike: Doubles, lags: Doubles) -> Doubles:
    """Return the autocorrelation between frames; 0 beyond its end."""
    values: Doubles = np.interp(lags, np.arange(alike.size), alike, right=0.0)
    return values


def _comb(alike: Doubles, lags: Doubles, n: int) -> Doubles:
    """Return how well a beat of each length fits, by its first multiples that there are."""
    total, weights = np.zeros(lags.size), np.zeros(lags.size)
    itself = np.zeros(lags.size)
    for times, weight in ((1, 1.0), (2, 1.0), (3, 0.6), (4, 1.0), (8, 0.6)):
        is_there = lags * times < alike.size - 1
        # The far ones are wanted near the place, not on it: the grid is coarser than a frame.
        near = np.max([_at(alike, lags * times + off) for off in (-1, 0, 1)], axis=0)
        itself = near if times == 1 else itself
        total += np.where(is_there, weight * near, 0.0)
        weights += np.where(is_there, weight, 0.0)
    fits: Doubles = np.maximum(total / np.maximum(weights, 1e-9), 1e-9)
    # Half a beat fits wherever two halves do; but nothing sounds there.
    return fits * np.clip(2 * itself / fits, 0.0, 1.0)


def _habit(bpm: Doubles) -> Doubles:
    weights: Doubles = np.exp(-0.5 * (np.log2(bpm / _USUAL) / _WIDTH) ** 2)
    return weights


def _refined(alike: Doubles, lag: float, n: int) -> float:
    """Return a lag to a fraction of a frame: the same beats far apart are further off, if it is."""
    times = 1
    while True:
        centre, room = lag * times, max(lag * 0.06 if times == 1 else 2.5, 2.0)
        first, last = max(int(centre - room), 1), int(centre + room) + 1
        if last + 1 >= alike.size:
            return lag
        peak = first + int(alike[first : last + 1].argmax())
        if not 1 <= peak < alike.size - 1 or alike[peak] < 0.3 * alike[max(round(lag), 1)]:
            return lag
        left, middle, right = alike[peak - 1 : peak + 2]
        bend = left - 2 * middle + right
        shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        lag = (peak + min(max(float(shift), -0.5), 0.5)) / times
        times *= 2
