"""mp3 by LAME, with the note about its own padding that makes the length exact."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator

from .sniff import mp3_frame_length, mp3_frame_shape

_ENCODER_DELAY = 576  # samples that LAME puts before the sound
_DECODER_DELAY = 529  # samples that every decoder adds


def encode(
    blocks: Iterable[tuple[bytes, int]], sample_rate: int, n_channels: int, kbps: int
) -> bytes:
    """Write 16 bit interleaved blocks, each with its number of samples per channel.

    Raises
    ------
    ImportError
        There is no ``lameenc`` here (Pyodide).
    """
    import lameenc

    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_in_sample_rate(sample_rate)
    encoder.set_channels(n_channels)
    encoder.set_bit_rate(kbps)
    encoder.set_quality(5)
    if sample_rate > 48_000:
        encoder.set_out_sample_rate(48_000)
    out = io.BytesIO()
    n_samples = 0
    for pcm, length in blocks:
        n_samples += length
        out.write(encoder.encode(pcm))
    out.write(encoder.flush())
    sound = out.getvalue()
    return _info_frame(sound, sample_rate, n_samples) + sound


def _info_frame(sound: bytes, sample_rate: int, n_samples: int) -> bytes:
    """Return the silent first frame that tells decoders what to drop at both ends.

    LAME writes it, its Python binding does not: without it 30.000 s come back as 30.041 s. The
    layout is LAME's "Info" tag. Empty where LAME changed the sample rate.
    """
    if len(sound) < 4 or mp3_frame_shape(sound, 0).rate != sample_rate:
        return b""
    shape = mp3_frame_shape(sound, 0)
    n_frames = sum(1 for _ in _frames(sound))
    padding = n_frames * shape.n_samples - n_samples - _ENCODER_DELAY
    if not _DECODER_DELAY <= padding < 4096:
        return b""
    delays = (_ENCODER_DELAY << 12 | padding).to_bytes(3, "big")
    lame = b"LAME3.100" + bytes(12) + delays + bytes(12)
    for kbps_index in range(1, 15):
        head = bytes([sound[0], sound[1] | 1, kbps_index << 4 | sound[2] & 0x0C, sound[3]])
        size = mp3_frame_length(head, 0)
        start = 4 + shape.side_info
        if size >= start + 16 + len(lame):
            tag = struct.pack(">4sIII", b"Info", 3, n_frames, len(sound) + size) + lame
            return (head + bytes(shape.side_info) + tag).ljust(size, b"\0")
    return b""


def _frames(sound: bytes) -> Iterator[int]:
    offset = 0
    while length := mp3_frame_length(sound, offset):
        yield offset
        offset += length
