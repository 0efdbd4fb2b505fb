"""Audio files to samples and back.

wav, mp3, ogg, opus and flac are read by libsndfile (soundfile); AAC, m4a and webm by PyAV, which
is the extra ``[aac]``. mp3 is written by LAME, wav by ourselves, ogg and flac by libsndfile.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import AudioError
from ._limits import MAX_SECONDS, check_length, damaged
from .lengths import duration_of
from .sniff import AudioType, sniff
from .tags import id3v2, list_info

if TYPE_CHECKING:
    import soundfile

__all__ = ["WRITABLE", "FloatArray", "decode", "duration_of", "encode", "wrap_pcm"]

FloatArray = npt.NDArray[np.float32]

# libvorbis puts a whole write on the stack: 4 minutes in one call end the process (libsndfile
# issue 1095). Blocks of 64 k frames are safe; half of that is also the fastest.
_BLOCK = 32_768

WRITABLE = ("mp3", "wav", "ogg", "flac", "aac")
"""Formats that :func:`encode` knows; ``aac`` needs the extra ``[aac]``."""


def decode(
    data: bytes,
    *,
    pcm_rate: int | None = None,
    pcm_channels: int = 2,
    max_seconds: float = MAX_SECONDS,
) -> tuple[FloatArray, int]:
    """Decode a whole audio file.

    Parameters
    ----------
    data
        The file. What it is, its first bytes say.
    pcm_rate
        Samples per second and channel of raw 16 bit little-endian samples without a header
        (ElevenLabs' "wav" is such), in Hz. Only used where ``data`` is no known file.
    pcm_channels
        Channels of such raw samples.
    max_seconds
        Longest recording that is accepted, in seconds.

    Returns
    -------
    samples : array [shape=(n_channels, n_samples)]
        float32, nominal range −1.0 to 1.0.
    sample_rate : int
        In Hz.

    Raises
    ------
    AudioError
        ``data`` is no audio, damaged, too long, or needs the extra ``[aac]``.
    """
    kind = sniff(data)
    if kind is None and pcm_rate:
        return _decode_pcm(data, pcm_rate, pcm_channels, max_seconds)
    if kind is None:
        message = f"These {len(data)} bytes are no audio: they begin {_beginning(data)}."
        raise AudioError(message)
    if kind.format in ("aac", "m4a", "webm"):
        from . import _av

        samples, rate = _av.decode(data, kind, max_seconds=max_seconds)
    else:
        samples, rate = _decode_sndfile(data, kind, max_seconds)
    if samples.shape[1] == 0:
        message = f"This {kind.format} file holds no sound: it has a header and no samples."
        raise AudioError(message)
    return samples, rate


def encode(
    samples: FloatArray | Iterable[FloatArray],
    sample_rate: int,
    format: str,
    *,
    bitrate_kbps: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> bytes:
    """Write samples as an audio file.

    Parameters
    ----------
    samples : array [shape=(n_channels, n_samples)] or iterable of such blocks
        Nominal range −1.0 to 1.0, clipped beyond it. Blocks bound the memory that is needed.
    sample_rate
        In Hz.
    format
        ``mp3`` (192 kbit/s by default), ``wav`` (16 bit), ``ogg`` (Vorbis), ``flac`` (16 bit)
        or ``aac`` (ADTS, 192 kbit/s by default, needs the extra ``[aac]``).
    bitrate_kbps
        Kilobits per second; for ``mp3`` and ``aac`` only.
    tags
        ``title artist album genre date comment software copyright``, as far as the format has
        a place for them.

    Raises
    ------
    AudioError
        Unknown format, a sample rate or number of channels that the format cannot hold, values
        that are not numbers, or a missing extra.

    Examples
    --------
    >>> samples = np.zeros((2, 44_100), np.float32)
    >>> data = encode(samples, 44_100, "wav", tags={"title": "Silence"})
    >>> again, sample_rate = decode(data)
    >>> again.shape, sample_rate
    ((2, 44100), 44100)
    """
    writer = _WRITERS.get(format)
    if writer is None:
        message = f"format = {format!r} cannot be written. Choose one of: {', '.join(WRITABLE)}."
        raise AudioError(message)
    first, blocks = _blocks(samples)
    n_channels = first.shape[0]
    if not 1 <= n_channels <= 2:
        message = f"{n_channels} channels cannot be written as {format}; give 1 or 2."
        raise AudioError(message)
    if not 8_000 <= sample_rate <= 192_000:
        message = f"sample_rate = {sample_rate} Hz cannot be written; 8000 to 192000 can."
        raise AudioError(message)
    return writer(blocks, sample_rate, n_channels, bitrate_kbps, dict(tags or {}))


def wrap_pcm(data: bytes, sample_rate: int = 44_100, n_channels: int = 2) -> bytes:
    """Put a WAV header before raw 16 bit little-endian samples, so that players know them."""
    whole = len(data) - len(data) % (2 * n_channels)
    return _wav_header(whole, sample_rate, n_channels) + data[:whole]


# -- reading -----------------------------------------------------------------------------------


def _decode_sndfile(data: bytes, kind: AudioType, max_seconds: float) -> tuple[FloatArray, int]:
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            check_length(file.frames, file.samplerate, file.channels, max_seconds)
            samples = np.empty((file.channels, file.frames), np.float32)
            n_read = 0
            while n_read < file.frames:
                block = file.read(min(_BLOCK * 8, file.frames - n_read), "float32", always_2d=True)
                if not len(block):
                    break  # the header promised more than there is
                samples[:, n_read : n_read + len(block)] = block.T
                n_read += len(block)
            return samples[:, :n_read], int(file.samplerate)
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise damaged(kind, data, error) from error


def _decode_pcm(
    data: bytes, rate: int, n_channels: int, max_seconds: float
) -> tuple[FloatArray, int]:
    whole = len(data) - len(data) % (2 * n_channels)
    if not whole:
        message = f"These {len(data)} bytes hold no sample of {n_channels} channels of 16 bits."
        raise AudioError(message)
    check_length(whole // (2 * n_channels), rate, n_channels, max_seconds)
    raw = np.frombuffer(data[:whole], "<i2").reshape(-1, n_channels)
    samples: FloatArray = np.ascontiguousarray(raw.T, dtype=np.float32)
    samples /= np.float32(32768)
    return samples, rate


def _beginning(data: bytes) -> str:
    if not data:
        return "with nothing"
    head = bytes(data[:12])
    lowered = bytes(data[:64]).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, what in ((b"<svg", "an SVG picture"), (b"<", "a web page"), (b"{", "JSON")):
        if lowered.startswith(mark):
            return f"like {what}"
    return f"with {head.hex(' ')}"


# -- writing -----------------------------------------------------------------------------------

Blocks = Iterator[FloatArray]


def _blocks(samples: FloatArray | Iterable[FloatArray]) -> tuple[FloatArray, Blocks]:
    """Return the first block (for its shape) and an iterator over all, none of them long."""
    source = iter([samples]) if isinstance(samples, np.ndarray) else iter(samples)
    empty = np.zeros((2, 0), np.float32)
    first = np.atleast_2d(np.asarray(next(source, empty), np.float32))
    return first, _small(chain([first], source), first.shape[0])


def _small(source: Iterator[FloatArray], n_channels: int) -> Blocks:
    for item in source:
        block = np.atleast_2d(np.asarray(item, np.float32))
        if block.ndim != 2 or block.shape[0] != n_channels:
            message = f"A block has shape {block.shape}; ({n_channels}, n_samples) was expected."
            raise AudioError(message)
        if not np.isfinite(block).all():
            message = "The samples hold values that are not numbers (NaN or infinite)."
            raise AudioError(message)
        for start in range(0, block.shape[1], _BLOCK):
            yield block[:, start : start + _BLOCK]


def _pcm16(block: FloatArray) -> bytes:
    """16 bit little-endian interleaved; full scale is 32767, so that −1 and 1 are alike."""
    scaled = np.rint(np.clip(block, -1.0, 1.0) * np.float32(32767))
    interleaved: npt.NDArray[np.int16] = scaled.T.astype("<i2", order="C")
    return interleaved.tobytes()


def _wav_header(n_bytes: int, sample_rate: int, n_channels: int, n_more: int = 0) -> bytes:
    frame = 2 * n_channels
    size = (4 + 24 + 8 + n_bytes + n_more, 16, 1, n_channels)
    rate = (sample_rate, sample_rate * frame, frame, 16)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", size[0], b"WAVE", b"fmt ", *size[1:], *rate, b"data", n_bytes
    )


def _write_wav(
    blocks: Blocks, rate: int, n_channels: int, bitrate: int | None, tags: dict[str, str]
) -> bytes:
    info = list_info(tags)
    out = io.BytesIO()
    out.write(_wav_header(0, rate, n_channels))
    n_bytes = sum(out.write(_pcm16(block)) for block in blocks)
    out.write(info)
    out.seek(0)
    out.write(_wav_header(n_bytes, rate, n_channels, len(info)))
    return out.getvalue()


def _write_mp3(
    blocks: Blocks, rate: int, n_channels: int, bitrate: int | None, tags: dict[str, str]
) -> bytes:
    kbps = min(bitrate or 192, 320 if rate >= 32_000 else 160 if rate >= 16_000 else 64)
    from . import _mp3

    counted = ((_pcm16(block), block.shape[1]) for block in blocks)
    try:
        sound = _mp3.encode(counted, rate, n_channels, kbps)
    except ImportError:  # Pyodide: libsndfile has LAME inside, only slower
        level = min(max((320 - kbps) / (320 - 32), 0.0), 1.0)
        how = {"bitrate_mode": "CONSTANT", "compression_level": level}
        sound = _write_sndfile(blocks, rate, n_channels, {}, "MP3", "MPEG_LAYER_III", **how)
    return id3v2(tags) + sound


def _write_ogg(
    blocks: Blocks, rate: int, n_channels: int, bitrate: int | None, tags: dict[str, str]
) -> bytes:
    return _write_sndfile(blocks, rate, n_channels, tags, "OGG", "VORBIS")


def _write_flac(
    blocks: Blocks, rate: int, n_channels: int, bitrate: int | None, tags: dict[str, str]
) -> bytes:
    return _write_sndfile(blocks, rate, n_channels, tags, "FLAC", "PCM_16")


def _write_aac(
    blocks: Blocks, rate: int, n_channels: int, bitrate: int | None, tags: dict[str, str]
) -> bytes:
    from . import _av

    return id3v2(tags) + _av.encode_adts(blocks, rate, n_channels, bitrate or 192)


def _write_sndfile(
    blocks: Blocks,
    rate: int,
    n_channels: int,
    tags: dict[str, str],
    format: str,
    subtype: str,
    **how: Any,
) -> bytes:
    import soundfile

    out = io.BytesIO()
    try:
        with soundfile.SoundFile(out, "w", rate, n_channels, subtype, format=format, **how) as file:
            _set_comments(file, tags)
            for block in blocks:
                file.write(np.ascontiguousarray(np.clip(block, -1.0, 1.0).T))
    except (RuntimeError, ValueError, TypeError) as error:
        message = f"{n_channels} channels of {rate} Hz cannot be written as {format.lower()}."
        raise AudioError(message) from error
    return out.getvalue()


def _set_comments(file: soundfile.SoundFile, tags: dict[str, str]) -> None:
    for name in ("title", "artist", "album", "genre", "date", "comment", "software", "copyright"):
        text = tags.get(name, "").replace("\0", "").encode("utf-8", "replace").decode()[:4000]
        if text:
            setattr(file, name, text)


_WRITERS = {
    "mp3": _write_mp3,
    "wav": _write_wav,
    "ogg": _write_ogg,
    "flac": _write_flac,
    "aac": _write_aac,
}
