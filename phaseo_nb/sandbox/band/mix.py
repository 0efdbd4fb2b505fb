"""The room and the mixing desk: reverb, ducking, loudness, soft clipping."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...audio.measure import k_weighting

FloatArray = NDArray[np.float32]
CEILING = 0.84
"""Highest sample, -1.5 dBFS: an mp3 encoder adds overshoot of its own."""
TARGET_LUFS = -14.4
"""Excerpts from the middle of sections come out a little quieter than the whole."""


@lru_cache(maxsize=8)
def _plate(seconds: float, sample_rate: int, size: int) -> NDArray[np.complex64]:
    """Return the spectra of a plate's two outputs: dense at once, the treble dying first."""
    n = min(int(seconds * 1.6 * sample_rate), size // 2)
    random = np.random.default_rng(11)
    t = np.arange(n, dtype=np.float32) / np.float32(sample_rate)
    response = np.zeros((2, size), np.float32)
    padded = 1 << math.ceil(math.log2(n))
    f = np.fft.rfftfreq(padded, 1 / sample_rate)
    for low, high, share in ((180, 900, 1.0), (900, 3200, 0.75), (3200, 8000, 0.4)):
        band = 1 / np.sqrt(1 + (low / np.maximum(f, 1)) ** 4) / np.sqrt(1 + (f / high) ** 4)
        for side in range(2):
            noise = np.fft.rfft(random.standard_normal(padded).astype(np.float32))
            shaped = np.fft.irfft(noise * band, padded)[:n].astype(np.float32)
            response[side, :n] += shaped * np.exp(t * np.float32(-6.9 / (seconds * share)))
    early = int(0.012 * sample_rate)
    response[:, :early] *= np.linspace(0, 1, early, dtype=np.float32)
    response /= np.sqrt(np.sum(response**2, axis=1, keepdims=True))
    return np.fft.rfft(response, axis=1).astype(np.complex64)


class Plate:
    """A reverb at half the sample rate, fed block by block.

    Parameters
    ----------
    block
        Samples per block at the full rate, a power of two.
    seconds
        Time in which the sound falls by 60 dB.
    """

    def __init__(self, sample_rate: int, block: int, seconds: float) -> None:
        self._half = block // 2
        self._size = 2 * self._half
        self._spectra = _plate(seconds, sample_rate // 2, self._size)
        self._ringing = np.zeros((2, self._half), np.float32)
        self._last = np.zeros((2, 1), np.float32)

    def process(self, send: FloatArray) -> FloatArray:
        """Return the room's answer to one block: mono in, stereo out."""
        thin = 0.5 * (send[0::2] + send[1::2])
        spectrum = np.fft.rfft(thin, self._size)
        wet = np.fft.irfft(spectrum * self._spectra, self._size, axis=1).astype(
            np.float32, copy=False
        )
        answer = wet[:, : self._half] + self._ringing
        self._ringing = wet[:, self._half :]
        full = np.empty((2, 2 * self._half), np.float32)
        full[:, 1::2] = answer
        np.add(answer[:, :-1], answer[:, 1:], out=full[:, 2::2])
        np.add(self._last, answer[:, :1], out=full[:, :1])
        full[:, 0::2] *= np.float32(0.5)
        self._last = answer[:, -1:].copy()
        return full


def soft_clip(samples: FloatArray) -> None:
    """Round off, in place, what would pass the ceiling; quiet samples pass unchanged."""
    samples *= np.float32(1 / CEILING)
    bend = np.square(samples)
    np.square(bend, out=bend)
    bend += np.float32(1.0)
    np.sqrt(bend, out=bend)
    np.sqrt(bend, out=bend)
    samples /= bend
    samples *= np.float32(CEILING)


def duck(
    frames: int, first: int, kicks: list[int], depth: float, sample_rate: int
) -> FloatArray | None:
    """Return the gain that makes room for the kick drum, ``None`` where no kick is near.

    Parameters
    ----------
    first
        The block's first sample in the song.
    kicks
        Samples on which a kick falls, sorted.
    """
    shape = _duck_shape(depth, sample_rate)
    gain: FloatArray | None = None
    for kick in kicks:
        at = kick - first
        if at >= frames or at + len(shape) <= 0:
            continue
        if gain is None:
            gain = np.ones(frames, np.float32)
        begin, end = max(at, 0), min(at + len(shape), frames)
        np.minimum(gain[begin:end], shape[begin - at : end - at], out=gain[begin:end])
    return gain


@lru_cache(maxsize=8)
def _duck_shape(depth: float, sample_rate: int) -> FloatArray:
    t = np.linspace(0, 1, int(0.3 * sample_rate), dtype=np.float32)
    shape = 1 - np.float32(depth) * (1 - t * t * (3 - 2 * t))
    fall = int(0.003 * sample_rate)
    shape[:fall] = np.linspace(1, shape[fall], fall, dtype=np.float32)
    return shape


@lru_cache(maxsize=8)
def _k_power(size: int, sample_rate: int) -> NDArray[Any]:
    return np.asarray(np.abs(k_weighting(sample_rate, size)) ** 2)


def loudness_power(samples: FloatArray, sample_rate: int) -> float:
    """Return the K-weighted power of an excerpt, both channels summed."""
    size = samples.shape[1]
    spectrum = np.fft.rfft(samples, axis=1)
    weights = _k_power(size, sample_rate)
    power = (spectrum.real**2 + spectrum.imag**2) @ weights
    total = float(2.0 * power.sum())
    return total / float(size) ** 2


def gain_for(excerpts: list[FloatArray], sample_rate: int) -> float:
    """Return the gain that brings a song to the target, judged by excerpts of it."""
    powers = [loudness_power(excerpt, sample_rate) for excerpt in excerpts]
    loud = [power for power in powers if power > 0.1 * max(powers)]  # the gate of BS.1770
    mean = sum(loud) / len(loud) if loud else 0.0
    if mean <= 1e-12:
        return 1.0
    target = 10 ** ((TARGET_LUFS + 0.691) / 10)
    gain = math.sqrt(target / mean)
    for _ in range(2):  # clipping takes some of it away again
        clipped = []
        for excerpt, power in zip(excerpts, powers, strict=True):
            if power <= 0.1 * max(powers):
                continue
            bent = excerpt * np.float32(gain)
            soft_clip(bent)
            clipped.append(loudness_power(bent, sample_rate))
        gain *= min(math.sqrt(target / (sum(clipped) / len(clipped))), 1.5)
    return gain
