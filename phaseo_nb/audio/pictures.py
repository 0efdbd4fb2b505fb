"""Pictures of sound as small PNG files, written with zlib and nothing else.

No text and no background: both are the page's. One colour of middle lightness is readable on
white and on black (at least 3:1 on either, which a test computes).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

from .measure import peaks

FloatArray = npt.NDArray[np.float32]
_Bytes = npt.NDArray[np.uint8]

INK = (0x75, 0x7C, 0xEA)
"""Colour of the waveform, sRGB."""

_PITCH, _BAR = 8, 6  # pixels from bar to bar, and of a bar, at two pixels per CSS pixel
_PEAK_ALPHA = 0.45
# Nothing, the soft edge of a peak, a peak, a core. Four are two bits a pixel, and a row so short
# that the lower half, a mirror of the upper one, costs next to nothing: a saved notebook holds a
# picture for each track. At two pixels per CSS pixel more degrees are not seen.
_ALPHAS = (0.0, 0.2, _PEAK_ALPHA, 1.0)

# From dark violet over red to pale yellow, evenly in lightness, so that louder is always
# lighter, also in grey and for colour-blind eyes.
_HEAT = (
    *("#07060f", "#2a0f4f", "#5c1a6e", "#8f2a6b"),
    *("#c13f5a", "#e9653f", "#fa9a33", "#fad068", "#fdf6c9"),
)


def waveform_png(
    samples: FloatArray,
    *,
    width: int = 600,
    height: int = 56,
    colour: tuple[int, int, int] = INK,
) -> bytes:
    """Draw a waveform as rounded bars on a transparent ground.

    The pale part of a bar is its highest peak, the full part how high its peaks are on average.
    Linear; full scale fills the height; silence is a row of dots.

    Parameters
    ----------
    samples : array [shape=(n_channels, n_samples)]
        Samples, or what :func:`phaseo_nb.audio.measure.peaks` made of them.
    width, height
        Size in CSS pixels. The picture has twice as many each way.
    colour
        sRGB, 0 to 255 each.

    Returns
    -------
    bytes
        A PNG file with four degrees of one colour, about 1.5 kB.
    """
    n_bars = max(2 * width // _PITCH, 1)
    fine = peaks(samples, n_bars * 8)
    envelope = np.clip(np.maximum(-fine[0], fine[1]), 0.0, 1.0).reshape(n_bars, 8)
    tall = _capsules(envelope.max(axis=1), 2 * height)
    core = _capsules(envelope.mean(axis=1), 2 * height)
    alpha = core + (1 - core) * tall * _PEAK_ALPHA
    alpha = alpha.reshape(2 * height, n_bars * _PITCH)
    borders = (np.array(_ALPHAS[1:]) + _ALPHAS[:-1]) / 2
    levels = np.searchsorted(borders, alpha).astype(np.uint8)
    palette = np.tile(np.array(colour, np.uint8), (len(_ALPHAS), 1))
    return _png(levels, palette, np.rint(np.array(_ALPHAS) * 255).astype(np.uint8))


def _capsules(levels: FloatArray, height: int) -> npt.NDArray[np.float64]:
    """Return how far each pixel is covered by round-ended bars [shape=(height, n_bars, pitch)]."""
    radius = _BAR / 2
    half = np.maximum(np.rint(levels * (height / 2)), radius)[None, :, None]  # all ends look alike
    across = np.abs(np.arange(_PITCH) + 0.5 - radius)[None, None, :]
    along = np.abs(np.arange(height) + 0.5 - height / 2)[:, None, None]
    distance = np.hypot(across, np.maximum(along - (half - radius), 0.0)) - radius
    covered: npt.NDArray[np.float64] = np.clip(0.5 - distance, 0.0, 1.0)
    return covered


def spectrogram_png(
    samples: FloatArray,
    sample_rate: int,
    *,
    width: int = 600,
    height: int = 160,
    floor_db: float = -90.0,
) -> bytes:
    """Draw how strong each pitch is over time; lighter is louder.

    Time runs to the right, pitch upwards from 40 Hz to 16 kHz (or half the sample rate),
    each octave as high as the next. 0 dB is a full-scale sine; ``floor_db`` and less is black.

    Parameters
    ----------
    samples : array [shape=(n_channels, n_samples)]
        Channels are added up.
    sample_rate
        In Hz.
    width, height
        Size in CSS pixels. The picture has twice as many each way.
    floor_db
        What counts as nothing, in dB under full scale.
    """
    n_columns, n_rows, n_fft = 2 * width, 2 * height, 4096
    mono = np.atleast_2d(samples).mean(axis=0, dtype=np.float32)
    top = min(16_000.0, sample_rate / 2)
    edges = np.geomspace(min(40.0, top / 4), top, n_rows + 1) * n_fft / sample_rate
    padded = np.pad(mono, (n_fft // 2, n_fft))
    window = np.hanning(n_fft).astype(np.float32)
    at = np.arange(n_columns) * max(mono.size, 1) // n_columns
    picture = np.empty((n_rows, n_columns), np.float32)
    for first in range(0, n_columns, 128):  # bounds memory: a frame is 16 kB
        starts = at[first : first + 128, None] + np.arange(n_fft)
        spectrum = np.abs(np.fft.rfft(padded[starts] * window, axis=1)) * (4.0 / n_fft)
        picture[:, first : first + 128] = _by_pitch(spectrum.astype(np.float32), edges).T
    decibels = 20.0 * np.log10(np.maximum(picture, 1e-9))
    shade = np.clip(1.0 - decibels / floor_db, 0.0, 1.0)
    palette = _heat(64)
    return _png(np.rint(shade[::-1] * 63).astype(np.uint8), palette, None)


def _by_pitch(spectrum: FloatArray, edges: npt.NDArray[np.float64]) -> FloatArray:
    """Return the strongest bin of each pitch row; between bins, where rows are narrower, a line."""
    bins = np.arange(spectrum.shape[1])
    centres = np.sqrt(edges[:-1] * edges[1:])
    left = np.clip(centres.astype(int), 0, bins[-1] - 1)
    share = np.clip(centres - left, 0, 1).astype(np.float32)
    between = spectrum[:, left] * (1 - share) + spectrum[:, left + 1] * share
    starts = np.clip(np.rint(edges[:-1]).astype(int), 0, bins[-1])
    strongest = np.maximum.reduceat(spectrum, starts, axis=1)
    is_wide = np.diff(edges) > 1.0
    result: FloatArray = np.where(is_wide, strongest, between).astype(np.float32)
    return result


def _heat(n_colours: int) -> _Bytes:
    anchors = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in _HEAT], np.float64)
    place = np.linspace(0, len(anchors) - 1, n_colours)
    mixed = [np.interp(place, np.arange(len(anchors)), anchors[:, i]) for i in range(3)]
    colours: _Bytes = np.rint(np.stack(mixed, axis=1)).astype(np.uint8)
    return colours


def _png(indices: _Bytes, palette: _Bytes, alpha: _Bytes | None) -> bytes:
    """Write a palette picture; four pixels a byte where four colours are enough."""
    height, width = indices.shape
    depth = 2 if len(palette) <= 4 else 8
    if depth == 2:
        full = np.pad(indices, ((0, 0), (0, -width % 4)))
        indices = (full.reshape(height, -1, 4) << np.array([6, 4, 2, 0], np.uint8)).sum(
            axis=2, dtype=np.uint8
        )
    rows = np.pad(indices, ((0, 0), (1, 0)))  # a filter type (none) before each row
    chunks = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 3, 0, 0, 0)),
        _chunk(b"PLTE", palette.tobytes()),
        _chunk(b"tRNS", alpha.tobytes()) if alpha is not None else b"",
        _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
        _chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
