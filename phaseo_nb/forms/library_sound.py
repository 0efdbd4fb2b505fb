"""Recordings on their way into a page that asked for them: whole, or a preview; matched levels."""

from __future__ import annotations

import base64
import math
from typing import NamedTuple

from ..audio.sniff import sniff
from ..errors import AudioError
from ..phrases import loudness
from ..takes.kept import KeptTrack
from ..takes.player import embed

MOST_BYTES = 24_000_000
"""Of one recording as received; above that a preview is sent."""


class Sound(NamedTuple):
    """What of a recording goes into the page."""

    data: bytes
    mime: str
    note: str = ""
    """What the listener should know: that it is a preview, where the rest is."""


def sound_of(track: KeptTrack, most_bytes: int = MOST_BYTES) -> Sound:
    """Return a recording as a browser plays it.

    Raises
    ------
    AudioError
        There is none, or none that a browser plays.
    """
    data = track.playable
    kind = sniff(data)
    if kind is None:
        message = "This recording is in no format that a browser plays. Export it instead."
        raise AudioError(message)
    if len(data) <= most_bytes:
        return Sound(data, kind.mime)
    embedded = embed(track, most_bytes)
    if embedded.source is None:
        raise AudioError(embedded.note or "This recording is too large for the page.")
    preview = base64.b64decode(embedded.source.partition(",")[2])
    return Sound(preview, embedded.mime or "audio/mpeg", embedded.note or "")


def lufs_of(track: KeptTrack) -> float | None:
    """Return the loudness of a recording, ``None`` where it cannot be decoded."""
    return track.loudness_lufs if track.is_readable else None


def gains_db(one: float | None, other: float | None) -> tuple[float, float]:
    """Return how far to turn each of two recordings down, in dB, so that both are as loud.

    The louder one is attenuated, nothing is amplified. Silence and what has no figure stay.
    """
    if one is None or other is None or math.isinf(one) or math.isinf(other):
        return 0.0, 0.0
    level = min(one, other)
    return level - one, level - other


def level_words(lufs: float | None, gain_db: float) -> str:
    """Return the loudness of a recording, and what is done about it."""
    if lufs is None:
        return "loudness unknown, level not matched"
    if gain_db > -0.05:
        return loudness(lufs)
    return f"{loudness(lufs)}, played {-gain_db:.1f} dB softer to match"


def picture_of(track: KeptTrack) -> bytes:
    """Return a picture of the waveform; empty where the recording cannot be decoded."""
    return bytes(track.waveform().data) if track.is_readable else b""
