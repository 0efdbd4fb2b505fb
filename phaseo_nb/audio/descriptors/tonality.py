"""In which key: how much each of the twelve pitches sounds, compared with what keys are like."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ._spectrum import FloatArray, frame_length, spectra

Doubles = npt.NDArray[np.float64]

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""The twelve tonics as they are written here."""

# How often each degree sounds in a major and in a minor key: Temperley, Music and Probability
# (2007), counted in the Kostka-Payne corpus. Its minor is that of classical music, where the
# seventh degree is raised (0.133 lowered, 0.330 raised); songs of today lower it more often than
# not, and would be taken for their relative major. So both sevenths share what they have, 7 to 3.
_MAJOR = (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400)
_MINOR = (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.271, 0.192)
_LOWEST, _HIGHEST = 65.0, 2100.0
"""Hz. Below, bins are wider than semitones; above, there are overtones more than notes."""
_TONAL = 0.35
"""Correlation that noise and drums do not reach."""
_SHARPNESS = 14.0
"""How quickly a worse fit is a smaller chance; set so that confidence is about how often it is
right on the sandbox's songs."""


class Key(NamedTuple):
    """A key, and how sure that is."""

    name: str
    """``"F# minor"``."""
    confidence: float
    """0.0 to 1.0: the chance of this key among all 24, by how well each one fits."""


def key_of(mono: FloatArray, sample_rate: float) -> Key | None:
    """Return the key of a recording; ``None`` where no pitch stands out.

    Parameters
    ----------
    mono : array [shape=(n_samples,)]
    sample_rate
        In Hz.
    """
    heard = chroma(mono, sample_rate)
    if heard is None or float(heard.std()) < 1e-6:
        return None
    profiles = np.array([np.roll(p, tonic) for p in (_MAJOR, _MINOR) for tonic in range(12)])
    fits = np.corrcoef(np.vstack([heard, profiles]))[0, 1:]
    best = int(fits.argmax())
    if not fits[best] >= _TONAL:
        return None
    chances = np.exp(_SHARPNESS * (fits - fits[best]))
    mode = "major" if best < 12 else "minor"
    return Key(f"{NAMES[best % 12]} {mode}", float(1.0 / chances.sum()))


def chroma(mono: FloatArray, sample_rate: float) -> Doubles | None:
    """Return how much each pitch class sounds [shape=(12,)], C first; ``None`` for silence.

    Only peaks of the spectrum count, at the pitch between bins where they are, after the tuning
    of the recording as a whole.
    """
    n_fft = frame_length(sample_rate, 0.37)
    pitches, weights = _peaks(mono, sample_rate, n_fft)
    if not weights.size or float(weights.sum()) <= 0:
        return None
    # All tones lie a little beside the keys of a piano: the same part of a semitone, on a circle.
    tuning = float(np.angle((weights * np.exp(2j * np.pi * pitches)).sum())) / (2 * np.pi)
    place = pitches - tuning
    nearest = np.rint(place)
    weights = weights * np.cos(np.pi * (place - nearest)) ** 2
    classes = nearest.astype(int) % 12
    total: Doubles = np.bincount(classes, weights, 12)[:12].astype(np.float64)
    return total


def _peaks(mono: FloatArray, sample_rate: float, n_fft: int) -> tuple[Doubles, Doubles]:
    """Return MIDI pitch and weight of every peak of every frame."""
    per_bin = sample_rate / n_fft
    low = max(int(_LOWEST / per_bin), 2)
    high = min(int(_HIGHEST / per_bin), n_fft // 2 - 2)
    pitches, weights = [np.empty(0)], [np.empty(0)]
    if high <= low:
        return pitches[0], weights[0]
    for frames in spectra(mono, n_fft, n_fft // 2, is_centred=False):
        part = frames[:, low - 1 : high + 1].astype(np.float64)
        middle = part[:, 1:-1]
        loudest = middle.max(axis=1, keepdims=True)
        is_peak = (middle > part[:, :-2]) & (middle >= part[:, 2:]) & (middle > 0.01 * loudest)
        is_peak &= loudest > 1e-5  # −100 dB: nothing is left in the room but rounding
        row, column = np.nonzero(is_peak)
        left, top, right = part[row, column], part[row, column + 1], part[row, column + 2]
        left, top, right = (np.log(np.maximum(v, 1e-12)) for v in (left, top, right))
        bend = left - 2 * top + right
        shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1.0), 0.0)
        frequency = (low + column + np.clip(shift, -0.5, 0.5)) * per_bin
        pitches.append(69.0 + 12.0 * np.log2(frequency / 440.0))
        weights.append(middle[row, column])
    return np.concatenate(pitches), np.concatenate(weights)
