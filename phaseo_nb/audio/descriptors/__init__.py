"""What a recording sounds like in numbers: loudness, peak, silence, tempo, key, brightness.

``tempo.py`` and ``tonality.py`` hold the arithmetic of their own; :func:`measure` makes all of it
in one go. Nothing here raises for bad sound: what cannot be measured is ``None``, with a word.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..measure import integrated_loudness, peak_dbfs, silence_fraction
from ._spectrum import FloatArray, frame_length, mixed_down, spectra
from .tempo import SHORTEST, Tempo, band_starts, tempo_of
from .tonality import NAMES, Key, key_of

__all__ = ["NAMES", "VERSION", "Key", "Measured", "Tempo", "measure"]

VERSION = 1
"""Of the arithmetic: figures that were kept under another number are made anew."""

_LOWEST_RATE = 4_000
"""Hz. Below, K-weighting is not defined, and neither tempo nor key would mean anything."""
_LOUDEST = 1_000.0
"""60 dB over full scale: samples beyond that are no sound, and their squares no numbers."""
_OFFSET = 1e-3
"""A constant this far from zero is taken off: it would be sound in a pause (−60 dBFS)."""


@dataclass(frozen=True)
class Measured:
    """The figures of one recording; ``None`` where there is nothing to tell. Never NaN."""

    duration: float
    """Seconds."""
    loudness_lufs: float | None = None
    peak_dbfs: float | None = None
    silence_share: float | None = None
    """0.0 to 1.0, as :func:`phaseo_nb.audio.measure.silence_fraction`."""
    tempo: Tempo | None = None
    key: Key | None = None
    brightness_hz: float | None = None
    """Centre of the spectrum (by magnitude), the mean over everything that is not silent."""
    notes: tuple[str, ...] = field(default=())
    """What is odd about the recording, and why figures are missing."""


def measure(samples: FloatArray, sample_rate: int) -> Measured:
    """Return all figures of a recording.

    Parameters
    ----------
    samples : array [shape=(n_channels, n_samples)]
        Nominal range −1.0 to 1.0. What is no number counts as silence, and is said.
    sample_rate
        In Hz.

    Examples
    --------
    >>> measure(np.zeros((2, 44_100), np.float32), 44_100)
    Measured(duration=1.0, loudness_lufs=None, peak_dbfs=None, silence_share=1.0, tempo=None, \
key=None, brightness_hz=None, notes=('silent',))
    """
    sound = np.atleast_2d(np.asarray(samples, np.float32))
    n_samples = sound.shape[1]
    if not n_samples or not len(sound):
        return Measured(0.0, silence_share=None, notes=("no samples",))
    duration = n_samples / max(sample_rate, 1)
    sound, notes = _made_usable(sound)
    peak = _finite(peak_dbfs(sound))
    sound = _without_offset(sound, notes)
    if sample_rate < _LOWEST_RATE:
        notes.append(f"{sample_rate} samples a second are too few for loudness, tempo and key")
        silence = silence_fraction(sound, max(sample_rate, 1))
        return Measured(duration, None, peak, silence, notes=tuple(notes))
    silence = silence_fraction(sound, sample_rate)
    lufs = _finite(integrated_loudness(sound, sample_rate))
    if silence >= 1.0:
        notes.append("silent")
        return Measured(duration, lufs, peak, 1.0, notes=tuple(notes))
    mono = mixed_down(sound)
    brightness, tempo = _brightness_and_tempo(mono, sample_rate)
    if duration < SHORTEST:
        notes.append(f"{duration:.1f} s are too short for a tempo")
    elif tempo is None:
        notes.append("no steady beat was found")
    key = key_of(mono, sample_rate) if duration >= 0.5 else None
    if key is None:
        short = f"{duration:.1f} s are too short for a key"
        notes.append(short if duration < 0.5 else "no key was found")
    return Measured(duration, lufs, peak, silence, tempo, key, brightness, tuple(notes))


def _made_usable(sound: FloatArray) -> tuple[FloatArray, list[str]]:
    is_bad = ~(np.abs(sound) <= _LOUDEST)  # NaN compares as False
    n_bad = int(np.count_nonzero(is_bad))
    if not n_bad:
        return sound, []
    share = 100.0 * n_bad / sound.size
    words = f"{n_bad:,} samples ({share:.2g} %) are no numbers and count as silence"
    return np.where(is_bad, np.float32(0), sound), [words]


def _without_offset(sound: FloatArray, notes: list[str]) -> FloatArray:
    offsets = sound.mean(axis=1, dtype=np.float64, keepdims=True)
    worst = float(offsets[np.abs(offsets).argmax()][0])
    if abs(worst) <= _OFFSET:
        return sound
    notes.append(f"constant offset of {worst:+.3f}".replace("-", "−"))
    centred: FloatArray = sound - offsets.astype(np.float32)
    return centred


def _brightness_and_tempo(mono: FloatArray, sample_rate: int) -> tuple[float | None, Tempo | None]:
    """Go over the spectra once, for both."""
    n_fft = frame_length(sample_rate, 0.04)
    hop = max(round(sample_rate * 0.0116), 1)
    starts = band_starts(n_fft // 2 + 1, sample_rate)
    frequencies = np.arange(n_fft // 2 + 1, dtype=np.float32) * (sample_rate / n_fft)
    bands, centres, n_heard = [], 0.0, 0
    for frames in spectra(mono, n_fft, hop):
        energy = frames * frames
        bands.append(np.add.reduceat(energy, starts, axis=1)[:, :-1])
        # A third of this sum is the mean square (Parseval, Hann): −60 dBFS and less is silence.
        is_heard = energy.sum(axis=1) > 3e-6
        heard = frames[is_heard]
        centres += float((np.einsum("ij,j->i", heard, frequencies) / heard.sum(axis=1)).sum())
        n_heard += len(heard)
    brightness = centres / n_heard if n_heard else None
    return brightness, tempo_of(bands, sample_rate / hop)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
