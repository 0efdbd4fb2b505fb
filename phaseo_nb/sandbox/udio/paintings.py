"""Pictures for songs: hills under a sun, in the colours of the song's key.

The key gives the colour, the mode day or night, the tempo how close the hills stand together, and
the song's id everything else: the same song always has the same picture.
"""

from __future__ import annotations

import colorsys
import hashlib
import math
import struct
import zlib

import numpy as np
import numpy.typing as npt

from ..band.harmony import is_minor
from ..band.score import PITCH_NAMES, Dice
from ..studio import SongFacts

SIZE = 512
"""Pixels each way."""
_HILLS = 6
_Plane = npt.NDArray[np.float32]


def paint(facts: SongFacts, name: str) -> bytes:
    """Return a PNG file, some 50 kB, of a song that is called ``name`` somewhere."""
    digest = hashlib.sha256(f"{facts.title}\0{name}".encode("utf-8", "replace")).digest()
    dice = Dice(int.from_bytes(digest[:8], "big"), "painting")
    # Neighbours in the circle of fifths are neighbours in colour.
    hue = PITCH_NAMES.index(facts.key) * 7 % 12 / 12
    is_night = is_minor(facts.mode)
    y, x = (np.mgrid[0:SIZE, 0:SIZE] / SIZE).astype(np.float32)
    picture = _sky(y, hue, is_night=is_night)
    _add_sun(picture, x, y, hue, dice, is_night=is_night)
    for layer in range(_HILLS):
        _add_hill(picture, x, y, layer, hue, facts.bpm, dice, is_night=is_night)
    return _png(np.rint(picture * 255).astype(np.uint8))


def _colour(hue: float, lightness: float, saturation: float) -> _Plane:
    return np.array(colorsys.hls_to_rgb(hue % 1.0, lightness, saturation), np.float32)


def _sky(y: _Plane, hue: float, *, is_night: bool) -> _Plane:
    top = _colour(hue, 0.12 if is_night else 0.52, 0.55)
    low = _colour(hue + 0.09, 0.48 if is_night else 0.88, 0.6)
    share = np.clip(y / 0.72, 0, 1)[..., None]
    sky: _Plane = top * (1 - share) + low * share
    return sky


def _add_sun(
    picture: _Plane, x: _Plane, y: _Plane, hue: float, dice: Dice, *, is_night: bool
) -> None:
    across, down = dice.between(0.25, 0.75), dice.between(0.22, 0.42)
    radius = dice.between(0.08, 0.15)
    distance = np.hypot(x - across, y - down)
    glow = 0.35 * np.exp(-np.maximum(distance - radius, 0) / 0.12)
    disc = np.clip((radius - distance) * SIZE + 0.5, 0, 1)
    cover = np.maximum(glow, disc)[..., None]
    picture *= 1 - cover
    picture += cover * _colour(hue + 0.12, 0.86 if is_night else 0.96, 0.8)


def _add_hill(
    picture: _Plane,
    x: _Plane,
    y: _Plane,
    layer: int,
    hue: float,
    bpm: float,
    dice: Dice,
    *,
    is_night: bool,
) -> None:
    """Lay one ridge over what is there; each one is nearer, darker and wilder than the last."""
    depth = (layer + 1) / _HILLS
    ridge = np.full(SIZE, 0.50 + 0.40 * depth, np.float32)
    for octave in range(4):
        waves = (bpm / 60.0) * 2.0**octave * dice.between(0.6, 1.1)
        height = 0.055 * (0.5 + depth) / 1.9**octave
        turn = dice.between(0, 2 * math.pi)
        ridge += height * np.sin(2 * math.pi * waves * x[0] + turn)
    cover = np.clip((y - ridge[None, :]) * SIZE + 0.5, 0, 1)[..., None]
    far, near = (0.42, 0.05) if is_night else (0.74, 0.16)
    colour = _colour(hue + 0.09 - 0.07 * depth, far + (near - far) * depth, 0.45)
    picture *= 1 - cover
    picture += cover * colour


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Write a picture of three bytes a pixel; each row as its difference to the one above."""
    height, width, _ = pixels.shape
    above = np.vstack([np.zeros_like(pixels[:1]), pixels[:-1]])
    rows = np.full((height, 1 + 3 * width), 2, np.uint8)  # the filter type "up" before each row
    rows[:, 1:] = (pixels - above).reshape(height, -1)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"tEXt", b"Software\0phaseo_nb sandbox"),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
