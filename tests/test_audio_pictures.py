from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from phaseo_nb.audio.pictures import INK, spectrogram_png, waveform_png

RATE = 44_100


def read_png(data: bytes):
    """Return pixels as (height, width, 4) from a palette PNG, by the PNG specification."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", data, at + 8 + size)[0] == zlib.crc32(name + body)
        chunks[name] = body
        at += 12 + size
    width, height, depth, kind = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    assert kind == 3
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert (rows[:, 0] == 0).all()
    pixels = rows[:, 1:]
    if depth == 2:
        pixels = np.stack([pixels >> 6, pixels >> 4 & 3, pixels >> 2 & 3, pixels & 3], axis=2)
        pixels = pixels.reshape(height, -1)
    palette = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    alpha = np.frombuffer(chunks.get(b"tRNS", b"\xff" * len(palette)), np.uint8)
    return np.dstack([palette[pixels], alpha[pixels]])[:, :width]


def luminance(colour) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def tall(pixels, column: slice) -> int:
    return int((pixels[:, column, 3] > 0).any(axis=1).sum())


def test_bars_are_as_high_as_the_sound():
    """A tone of half amplitude fills half of the height; full amplitude all of it."""
    wave = np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE).astype(np.float32)
    wave[:RATE] *= 0.5

    pixels = read_png(waveform_png(wave, width=300, height=50))

    assert pixels.shape == (100, 600, 4)
    assert tall(pixels, slice(20, 280)) == pytest.approx(50, abs=2)
    assert tall(pixels, slice(320, 580)) == pytest.approx(100, abs=2)


def test_silence_is_a_row_of_dots():
    """Silence is drawn as small dots, not as nothing."""
    pixels = read_png(waveform_png(np.zeros((2, RATE), np.float32), width=300, height=50))

    assert 2 <= tall(pixels, slice(0, 600)) <= 8


@pytest.mark.parametrize("n_samples", [0, 1, 50])
def test_any_length_can_be_drawn(n_samples):
    """Even a recording of no or few samples gives a picture of the asked size."""
    clip = np.full((2, n_samples), 0.5, np.float32)

    assert read_png(waveform_png(clip)).shape == (112, 1200, 4)
    assert read_png(spectrogram_png(clip, RATE)).shape == (320, 1200, 4)


def test_the_waveform_is_small_and_has_no_ground():
    """A waveform of noise, the worst case, is under 2.5 kB and transparent between its bars."""
    noise = np.random.default_rng(1).uniform(-1, 1, (2, RATE)).astype(np.float32)
    noise *= np.repeat(np.random.default_rng(2).uniform(0, 1, 100), RATE // 100).astype(np.float32)

    data = waveform_png(noise)

    assert len(data) < 2500
    assert (read_png(data)[..., 3] == 0).mean() > 0.2


@pytest.mark.parametrize("ground", [(255, 255, 255), (17, 17, 17), (33, 33, 33)])
def test_the_ink_is_readable_on_light_and_dark(ground):
    """The waveform's colour has a contrast of 3:1 on white and on dark grounds (WCAG 1.4.11)."""
    lighter, darker = sorted([luminance(INK), luminance(ground)], reverse=True)

    assert (lighter + 0.05) / (darker + 0.05) >= 3.0


@pytest.mark.parametrize("hertz", [110.0, 1000.0, 8000.0])
def test_a_tone_is_a_line_at_its_pitch(hertz):
    """In a spectrogram a tone is lightest at its place between 40 Hz and 16 kHz, by octaves."""
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE).astype(np.float32)

    pixels = read_png(spectrogram_png(wave, RATE, width=100, height=100)).astype(float)

    row = int(pixels[:, 60:140, :3].sum(axis=(1, 2)).argmax())
    expected = 200 * (1 - np.log(hertz / 40) / np.log(16_000 / 40))
    assert row == pytest.approx(expected, abs=4)


def test_louder_is_lighter():
    """In a spectrogram, lightness rises with level and silence is almost black."""
    time = np.arange(RATE) / RATE
    wave = (np.sin(2 * np.pi * 1000 * time) * np.repeat([0.001, 0.01, 0.1, 1.0], RATE // 4)).astype(
        "f4"
    )

    pixels = read_png(spectrogram_png(wave, RATE, width=100, height=100))
    lights = [max(map(luminance, pixels[:, column, :3])) for column in (25, 75, 125, 175)]

    assert lights == sorted(lights)
    assert lights[-1] > 0.8
    assert luminance(read_png(spectrogram_png(0 * wave, RATE))[0, 0, :3]) < 0.01
