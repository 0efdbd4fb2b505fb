"""The raw material of pitched sounds: tables of one period that never alias, noise, a sine.

A table is made from harmonics below half the sample rate. A falling filter is a stack of such
tables, from bright to dull.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .timbres import Timbre

FloatArray = NDArray[np.float32]
LEVELS = 16
"""Tables in a stack."""


@lru_cache(maxsize=128)
def stack_of(timbre: Timbre, pitch: float, hardness: int, sample_rate: float) -> FloatArray:
    """Return the stack of one-period tables, shape (levels, size), brightest first."""
    f0 = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    base = f0 / 2 if timbre.power else f0
    follow = (f0 / 261.6) ** timbre.track
    audible = min(0.46 * sample_rate, 14000.0, 4.5 * max(timbre.bright, timbre.dull) * follow)
    highest = max(int(audible / base), 1)
    size = min(max(1 << math.ceil(math.log2(24 * highest)), 512), 4096)
    highest = min(highest, size // 2 - 1)
    k = np.arange(1, highest + 1)
    amplitudes = _spectrum(timbre, k)
    turns = (
        np.zeros(highest) if timbre.drive else np.mod(k * (k - 1) * 0.5 * 0.618034 + k * 0.137, 1.0)
    )
    if timbre.drive:
        amplitudes, turns = _distort(timbre, amplitudes, size, highest)
    frequencies = k * base
    for centre, gain, width in timbre.body:
        amplitudes = amplitudes * (1 + gain / (1 + ((frequencies - centre) / width) ** 2))
    moves = timbre.bright != timbre.dull
    levels = LEVELS if moves else 1
    hard = (0.55, 0.78, 1.0)[hardness]
    top, bottom = timbre.bright * hard * follow, max(timbre.dull * follow, f0 * 1.1)
    cutoffs = np.geomspace(max(top, bottom), bottom, levels)[:, None]
    ratio = frequencies[None, :] / cutoffs
    response = 1.0 / np.sqrt(1.0 + ratio**4)
    if timbre.resonance:
        response = response * (1.0 + timbre.resonance / (1.0 + ((ratio - 1.0) / 0.12) ** 2))
    spectra = np.zeros((levels, size // 2 + 1), np.complex64)
    spectra[:, 1 : highest + 1] = response * amplitudes * np.exp(2j * np.pi * turns - 0.5j * np.pi)
    tables = np.fft.irfft(spectra, size, axis=1).astype(np.float32)
    loudest = float(np.sqrt(np.mean(tables[0] ** 2))) or 1.0
    tables *= 0.1 * timbre.level / loudest * (261.6 / f0) ** 0.12
    return tables


def _spectrum(timbre: Timbre, k: NDArray[Any]) -> NDArray[Any]:
    if timbre.drawbars:
        amplitudes = np.zeros(len(k))
        bars = timbre.drawbars[: len(k)]
        amplitudes[: len(bars)] = bars
        return amplitudes
    if timbre.pulse:
        return np.asarray(np.sin(np.pi * k * timbre.pulse) / k)
    amplitudes = k.astype(float) ** -timbre.tilt
    amplitudes[1::2] *= timbre.even
    if timbre.pluck:
        amplitudes *= np.abs(np.sin(np.pi * k * timbre.pluck)) + 0.04
    return amplitudes


def _distort(
    timbre: Timbre, amplitudes: NDArray[Any], size: int, highest: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bend one period through a valve, and return its spectrum through a loudspeaker."""
    spectrum = np.zeros(size // 2 + 1, complex)
    if timbre.power:  # the period is that of the octave below: root on 2, fifth on 3
        for step, share in ((2, 1.0), (3, 0.8), (4, 0.35)):
            n = len(spectrum[step::step][: highest // step])
            spectrum[step::step][:n] += share * amplitudes[:n]
    else:
        spectrum[1 : highest + 1] = amplitudes
    wave = np.fft.irfft(-1j * spectrum, size)
    wave = np.tanh(timbre.drive * wave / np.sqrt(np.mean(wave**2)) + 0.15)
    bent = np.fft.rfft(wave)[1 : highest + 1]
    magnitudes = np.abs(bent)
    if timbre.power:
        magnitudes[:1] *= 0.05  # the octave below the root only muddies the bass
    return magnitudes, np.angle(bent) / (2 * np.pi) + 0.25


@lru_cache(maxsize=4)
def breath_of(sample_rate: float) -> FloatArray:
    """Return four seconds of breath: noise with most of its energy around 1 to 5 kHz."""
    size = 1 << math.ceil(math.log2(4 * sample_rate))
    spectrum = np.fft.rfft(np.random.default_rng(5).standard_normal(size).astype(np.float32))
    f = np.fft.rfftfreq(size, 1 / sample_rate)
    shape = (f / 900) / (1 + (f / 900) ** 2) / (1 + (f / 5500) ** 2)
    noise = np.fft.irfft(spectrum * shape, size).astype(np.float32)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)) * 0.1, np.float32)


@lru_cache(maxsize=1)
def sine() -> FloatArray:
    """Return one period in 4096 steps."""
    return np.asarray(np.sin(np.arange(4096) * (2 * np.pi / 4096)), np.float32)
