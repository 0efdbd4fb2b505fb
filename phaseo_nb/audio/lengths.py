"""How long an audio file sounds, from its own bytes.

Players guess (Chromium is up to 6 % off with bare AAC) and services round; this does neither.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from ..errors import AudioError
from ._limits import damaged
from .sniff import AudioType, adts_frames, sniff


def duration_of(data: bytes, *, pcm_rate: int | None = None, pcm_channels: int = 2) -> float:
    """Return the length of an audio file in seconds.

    mp3 counts the samples that decoding gives, its encoder's 20 to 50 ms of padding included.
    AAC is counted frame by frame and m4a by its header, so that neither needs an extra.

    Parameters
    ----------
    data
        The whole file.
    pcm_rate, pcm_channels
        For raw 16 bit samples, as in :func:`phaseo_nb.audio.codecs.decode`.

    Raises
    ------
    AudioError
        ``data`` is no audio, or does not say how long it is.
    """
    kind = sniff(data)
    if kind is None:
        if pcm_rate:
            return len(data) // (2 * pcm_channels) / pcm_rate
        message = f"These {len(data)} bytes are no audio, so they have no length."
        raise AudioError(message)
    if kind.format == "aac":
        seconds = sum(n_samples / rate for rate, n_samples in adts_frames(data))
    elif kind.format == "m4a":
        seconds = _mp4_duration(data) or _decoded(data, kind)
    elif kind.format == "webm":
        seconds = _decoded(data, kind)
    else:
        seconds = _sndfile_duration(data, kind)
    if seconds <= 0:
        message = f"This {kind.format} file holds no sound: its length is 0 s."
        raise AudioError(message)
    return seconds


def _sndfile_duration(data: bytes, kind: AudioType) -> float:
    import soundfile

    try:
        info = soundfile.info(io.BytesIO(data))
    except (RuntimeError, ValueError, TypeError) as error:
        raise damaged(kind, data, error) from error
    return float(info.frames) / float(info.samplerate)


def _decoded(data: bytes, kind: AudioType) -> float:
    from . import _av

    return _av.duration(data, kind)


def _mp4_duration(data: bytes) -> float | None:
    """Read ``moov/mvhd``; ``None`` where it says nothing (fragmented files)."""
    for name, start, end in _boxes(data, 0, len(data)):
        if name != b"moov":
            continue
        for inner, at, stop in _boxes(data, start, end):
            wide = data[at : at + 1] == b"\x01"
            if inner == b"mvhd" and stop - at >= (32 if wide else 20):
                scale, length = struct.unpack_from(
                    ">IQ" if wide else ">II", data, at + (20 if wide else 12)
                )
                unknown = length in (0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
                return None if unknown or not scale else length / scale
    return None


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, first byte of the body, end) of the MP4 boxes between two offsets."""
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and start + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        if size == 0:
            size = end - start
        if size < head:
            return
        yield name, start + head, min(start + size, end)
        start += size
