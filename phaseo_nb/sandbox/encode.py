"""Samples to files that say what they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..audio import codecs

if TYPE_CHECKING:
    from ..audio.codecs import FloatArray
    from .band import Score

COMMENT = (
    "made by the phaseo_nb sandbox synthesizer, not by an AI model; vocals are wordless vowels"
)
ARTIST = "phaseo_nb sandbox"
BITRATE_KBPS = 128  # a notebook holds every player it shows; a lesson with three stays small

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "pcm": "audio/pcm",
}


def tags(score: Score) -> dict[str, str]:
    """Return what a file of the sandbox says about itself."""
    return {
        "title": score.title,
        "artist": ARTIST,
        "genre": score.genre,
        "comment": COMMENT,
        "software": ARTIST,
    }


def encode_track(
    samples: FloatArray | Iterable[FloatArray],
    sample_rate: int,
    format: str,
    score: Score,
    *,
    bitrate_kbps: int | None = None,
) -> bytes:
    """Write a rendered song as a file with honest tags (ID3, WAV INFO or Vorbis comment).

    Parameters
    ----------
    samples : array [shape=(n_channels, n_samples)] or iterable of such blocks
        Nominal range -1.0 to 1.0. Blocks bound the memory that is needed.
    sample_rate
        In Hz.
    format
        ``mp3``, ``wav``, ``ogg``, ``aac`` (needs the extra ``[aac]``), or ``pcm``: 16 bit
        little-endian samples without header, and so without tags.
    score
        The song, for its title and genre.
    bitrate_kbps
        Kilobits per second, for mp3 and aac.

    Raises
    ------
    AudioError
        The format is not known or its extra is missing.
    """
    if format == "pcm":
        return raw_pcm(samples)
    kbps = bitrate_kbps or BITRATE_KBPS
    return codecs.encode(samples, sample_rate, format, bitrate_kbps=kbps, tags=tags(score))


def raw_pcm(samples: FloatArray | Iterable[FloatArray]) -> bytes:
    """Return interleaved 16 bit little-endian samples, with nothing around them."""
    import numpy as np

    blocks = [samples] if isinstance(samples, np.ndarray) else samples
    return b"".join(
        np.rint(np.clip(block, -1.0, 1.0) * np.float32(32767)).T.astype("<i2", order="C").tobytes()
        for block in blocks
    )
