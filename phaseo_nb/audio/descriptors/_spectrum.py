"""What all descriptors of timbre, tempo and key begin with: one channel, cut into spectra."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_AT_ONCE = 1 << 18
"""Samples of overlapping frames at a time: 1 MB, so that long recordings need little memory, and
the interpreter is free again every few milliseconds where numpy does not let go of it."""


def mixed_down(samples: FloatArray) -> FloatArray:
    """Return one channel: the mean, or the loudest one where the others cancel it out.

    Stereo wideners turn one side over; the mean of such a recording is next to nothing.
    """
    if len(samples) == 1:
        only: FloatArray = samples[0]
        return only
    mono: FloatArray = samples.mean(axis=0, dtype=np.float32)
    energies = np.einsum("ij,ij->i", samples, samples)
    loudest = int(energies.argmax())
    is_cancelled = float(mono @ mono) < 0.02 * float(energies[loudest])
    chosen: FloatArray = samples[loudest] if is_cancelled else mono
    return chosen


def spectra(
    mono: FloatArray, n_fft: int, hop: int, *, is_centred: bool = True
) -> Iterator[FloatArray]:
    """Yield magnitudes [shape=(n_frames, n_fft // 2 + 1)] of Hann-windowed frames, some at a time.

    A full-scale sine in the middle of a bin has magnitude 1. Frames are centred on multiples of
    ``hop``, or else begin there and lie wholly inside (one padded frame where it is too short).
    """
    if is_centred:
        sound = np.pad(mono, (n_fft // 2, n_fft // 2))
    else:
        sound = np.pad(mono, (0, max(n_fft - mono.size, 0)))
    frames = np.lib.stride_tricks.sliding_window_view(sound, n_fft)[::hop]
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    window *= np.float32(2.0 / window.sum())
    step = max(_AT_ONCE // n_fft, 1)
    for first in range(0, len(frames), step):
        block = np.abs(np.fft.rfft(frames[first : first + step] * window, axis=1))
        yield block.astype(np.float32, copy=False)


def frame_length(sample_rate: float, seconds: float) -> int:
    """Return the power of two nearest to so many seconds, in samples."""
    return int(1 << max(round(math.log2(max(sample_rate * seconds, 2.0))), 4))
