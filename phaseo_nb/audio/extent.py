"""How large an audio file says it is: a connection that ends early need not say so itself."""

from __future__ import annotations

import struct

from .sniff import id3_length, mp3_frame_length, mp3_frame_shape, sniff

_UNKNOWN = 0x7FFF_0000  # who writes into a pipe knows no length yet, and writes one like this
_SLACK = 0.98  # of an mp3: who cuts or tags one does not always mend its note


def least_size(head: bytes) -> int | None:
    """Return how many bytes a whole file has at least, by what stands at its beginning.

    Parameters
    ----------
    head
        The first bytes; 4 kB are enough, where no large tag comes first.

    Returns
    -------
    int or None
        ``None`` where the file does not say: Ogg, FLAC and AAC do not, nor does an mp3 without
        the note that most encoders write.
    """
    kind = sniff(head)
    name = kind.format if kind else ""
    if name == "wav" and head[:4] == b"RIFF":
        return _in_chunks(head)
    if name == "aiff":
        return _plus(8, struct.unpack_from(">I", head, 4)[0]) if len(head) >= 8 else None
    if name == "mp3":
        return _of_mp3(head)
    return _in_boxes(head) if name == "m4a" else None


def _in_chunks(head: bytes) -> int | None:
    """Return where the samples of a WAV end; what comes behind them is no music."""
    offset = 12
    while offset + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, offset)
        if name == b"data":
            return _plus(offset + 8, size)
        offset += 8 + size + size % 2
    return None


def _in_boxes(head: bytes) -> int | None:
    offset = 0
    while offset + 16 <= len(head):
        size = struct.unpack_from(">I", head, offset)[0]
        if size == 1:
            size = struct.unpack_from(">Q", head, offset + 8)[0]
        if size < 8 or size >= 1 << 40:  # up to the end, or nonsense
            return None
        offset += size
    return offset or None


def _of_mp3(head: bytes) -> int | None:
    start = id3_length(head)
    if not mp3_frame_length(head, start):
        return None
    note = start + 4 + mp3_frame_shape(head, start).side_info
    if head[note : note + 4] not in (b"Xing", b"Info") or len(head) < note + 16:
        return None
    flags = struct.unpack_from(">I", head, note + 4)[0]
    if not flags & 2:
        return None
    size = struct.unpack_from(">I", head, note + (12 if flags & 1 else 8))[0]
    return start + int(_SLACK * size) if 0 < size < _UNKNOWN else None


def _plus(before: int, size: int) -> int | None:
    return before + size if 0 < size < _UNKNOWN else None
