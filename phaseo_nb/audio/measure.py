"""Numbers about sound: how loud, how silent, how it goes up and down.

Loudness follows ITU-R BS.1770-4: K-weighting, blocks of 400 ms that overlap by three quarters,
an absolute gate at −70 LUFS and a relative one 10 LU under the mean of what is left.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
_Doubles = npt.NDArray[np.float64]

_OFFSET = -0.691
"""LUFS of a mean square of 1 after the filter (BS.1770): the filter's gain at 997 Hz, undone."""


def integrated_loudness(samples: FloatArray, sample_rate: int) -> float:
    """Return the integrated loudness in LUFS (ITU-R BS.1770-4); ``-inf`` for silence.

    Parameters
    ----------
    samples : array [shape=(n_channels, n_samples)]
        Nominal range −1.0 to 1.0. One and two channels count in full; of five or six, in the
        order L R C (LFE) Ls Rs, the surrounds count 1.41 and the LFE nothing. A clip under
        0.4 s, one gating block, is measured as one block as long as it is.
    sample_rate
        In Hz.

    Examples
    --------
    A sine of 997 Hz at full scale on one channel is what the standard defines as -3.01 LUFS:

    >>> t = np.arange(48_000) / 48_000
    >>> sine = np.sin(2 * np.pi * 997 * t, dtype=np.float32)[None]
    >>> round(integrated_loudness(sine, 48_000), 2)
    -3.01
    """
    sound = np.atleast_2d(samples)
    n_channels, n_samples = sound.shape
    if not n_samples:
        return -math.inf
    hop = max(round(sample_rate * 0.1), 1)
    if n_samples < 4 * hop:
        power = _hop_energies(sound, sample_rate, n_samples) / n_samples
    else:
        energy = _hop_energies(sound, sample_rate, hop)
        total = np.cumsum(np.pad(energy, ((0, 0), (1, 0))), axis=1)
        power = (total[:, 4:] - total[:, :-4]) / (4 * hop)
    blocks: _Doubles = _channel_weights(n_channels) @ power
    loud = blocks[blocks > _power(-70.0)]
    if not loud.size:
        return -math.inf
    gate = max(float(loud.mean()) / 10.0, _power(-70.0))
    return _OFFSET + 10.0 * math.log10(float(loud[loud > gate].mean()))


def peak_dbfs(samples: FloatArray) -> float:
    """Return the highest sample in dB relative to full scale; ``-inf`` for silence."""
    peak = max(float(samples.max()), -float(samples.min())) if samples.size else 0.0
    return 20.0 * math.log10(peak) if peak > 0 else -math.inf


def silence_fraction(
    samples: FloatArray, sample_rate: int, *, threshold_dbfs: float = -60.0, window: float = 0.05
) -> float:
    """Return which part of a recording is silent, 0.0 to 1.0.

    A stretch of ``window`` seconds is silent when the RMS of no channel reaches
    ``threshold_dbfs``. A recording without samples is silent as a whole.
    """
    sound = np.atleast_2d(samples)
    n_samples = sound.shape[1]
    if not n_samples:
        return 1.0
    size = min(max(round(sample_rate * window), 1), n_samples)
    n_whole = n_samples // size * size
    n_silent = 0
    for stretch in (sound[:, :n_whole].reshape(len(sound), -1, size), sound[:, None, n_whole:]):
        length = max(stretch.shape[2], 1)
        energy = np.einsum("cij,cij->ci", stretch, stretch) / length  # makes no copy of it all
        is_silent = energy.max(axis=0) < 10.0 ** (threshold_dbfs / 10.0)
        n_silent += int(np.count_nonzero(is_silent)) * stretch.shape[2]
    return n_silent / int(n_samples)


def peaks(samples: FloatArray, n_bins: int = 1000) -> FloatArray:
    """Return the lowest and highest sample of each of ``n_bins`` stretches of equal length.

    Parameters
    ----------
    samples : array [shape=(n_channels, n_samples)]
        The extremes go over all channels. Peaks themselves may be given, to make them coarser.
    n_bins
        How many stretches.

    Returns
    -------
    array [shape=(2, n_bins)]
        Row 0 the lowest, row 1 the highest values, float32.
    """
    sound = np.atleast_2d(samples)
    n_samples = sound.shape[1]
    if not n_samples:
        return np.zeros((2, n_bins), np.float32)
    starts = np.arange(n_bins) * n_samples // n_bins
    low = np.minimum.reduceat(sound, starts, axis=1).min(axis=0)
    high = np.maximum.reduceat(sound, starts, axis=1).max(axis=0)
    return np.stack([low, high]).astype(np.float32)


def k_weighting(sample_rate: int, n_fft: int) -> npt.NDArray[np.complex128]:
    """Return the frequency response of both K-weighting filters for any sample rate.

    BS.1770 gives coefficients for 48 kHz; these are the analogue filters they come from (a
    high shelf and a high-pass), brought to ``sample_rate`` by the bilinear transform.

    Parameters
    ----------
    sample_rate
        In Hz.
    n_fft
        Length of the transform, in samples.

    Returns
    -------
    array [shape=(n_fft // 2 + 1,)]
        Complex gain at the bins of ``numpy.fft.rfft``.
    """
    z1 = np.exp(-2j * np.pi * np.arange(n_fft // 2 + 1) / n_fft)
    z2 = z1 * z1

    k, q = math.tan(math.pi * 1681.974450955533 / sample_rate), 0.7071752369554196
    high = 10.0 ** (3.999843853973347 / 20.0)
    middle = high**0.4996667741545416
    shelf = (
        (high + middle * k / q + k * k)
        + 2 * (k * k - high) * z1
        + (high - middle * k / q + k * k) * z2
    ) / ((1 + k / q + k * k) + 2 * (k * k - 1) * z1 + (1 - k / q + k * k) * z2)

    k, q = math.tan(math.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    high_pass = (1 - 2 * z1 + z2) / (1 + 2 * (k * k - 1) / a0 * z1 + (1 - k / q + k * k) / a0 * z2)
    response: npt.NDArray[np.complex128] = shelf * high_pass
    return response


def _power(lufs: float) -> float:
    return float(10.0 ** ((lufs - _OFFSET) / 10.0))


def _channel_weights(n_channels: int) -> _Doubles:
    surround = {5: [1, 1, 1, 1.41, 1.41], 6: [1, 1, 1, 0, 1.41, 1.41]}
    return np.array(surround.get(n_channels, [1] * n_channels), np.float64)


def _hop_energies(sound: FloatArray, sample_rate: int, hop: int) -> _Doubles:
    """Return the K-weighted energy of each whole stretch of ``hop`` samples, per channel.

    Filtered by overlap-save: the slower filter (a double pole near 38 Hz) has died down to
    1e-18 within 0.18 s, which is what each chunk is given as a run-up and then drops.
    """
    n_channels, n_samples = sound.shape
    n_hops = n_samples // hop
    run_up = max(round(sample_rate * 0.2), 1)
    # A good second at a time: the arrays stay in the processor's cache, which is four times
    # as fast as longer ones.
    n_fft = 1 << (max(round(sample_rate * 1.2), run_up + hop) - 1).bit_length()
    hops_per_chunk = (n_fft - run_up) // hop
    response = k_weighting(sample_rate, n_fft).astype(np.complex64)
    energies = np.empty((n_channels, n_hops))
    chunk = np.empty((n_channels, n_fft), np.float32)  # moves half the bytes; 1e-6 of an energy
    for first in range(0, n_hops, hops_per_chunk):
        last = min(first + hops_per_chunk, n_hops)
        start, stop = first * hop, last * hop
        begin, end = max(start - run_up, 0), run_up + stop - start
        chunk.fill(0.0)
        chunk[:, run_up - (start - begin) : end] = sound[:, begin:stop]
        spectrum = np.fft.rfft(chunk)
        spectrum *= response
        kept = np.fft.irfft(spectrum, n_fft)[:, run_up:end].reshape(n_channels, -1, hop)
        energies[:, first:last] = np.einsum("cij,cij->ci", kept, kept)
    return energies
