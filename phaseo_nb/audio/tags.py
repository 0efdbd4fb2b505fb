"""Words inside audio files: ID3v2.3 for mp3 and AAC, LIST INFO for WAV.

Vorbis comments (Ogg, FLAC) are written by libsndfile; see ``codecs.py``. Known names are
``title artist album genre date comment software copyright``; ID3 also keeps any other name.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_ID3 = {
    "title": b"TIT2",
    "artist": b"TPE1",
    "album": b"TALB",
    "genre": b"TCON",
    "date": b"TYER",
    "software": b"TSSE",
    "copyright": b"TCOP",
}
_INFO = {
    "title": b"INAM",
    "artist": b"IART",
    "album": b"IPRD",
    "genre": b"IGNR",
    "date": b"ICRD",
    "comment": b"ICMT",
    "software": b"ISFT",
    "copyright": b"ICOP",
}


def id3v2(tags: Mapping[str, str]) -> bytes:
    """Return an ID3v2.3 tag; empty bytes where there is nothing to say.

    Text is UTF-16 with a byte order mark, the only Unicode that version 2.3 knows. A comment
    gets no language (``XXX``); a name that ID3 has no frame for becomes a ``TXXX`` frame.
    """
    frames = b"".join(_id3_frame(name, _clean(text)) for name, text in tags.items() if text)
    if not frames:
        return b""
    size = len(frames)
    sync_safe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + sync_safe + frames


def list_info(tags: Mapping[str, str]) -> bytes:
    """Return a RIFF ``LIST INFO`` chunk in UTF-8; empty bytes where there is nothing to say."""
    body = b""
    for name, text in tags.items():
        if name in _INFO and text:
            value = _clean(text).encode() + b"\0"
            body += struct.pack("<4sI", _INFO[name], len(value)) + value + b"\0" * (len(value) % 2)
    return struct.pack("<4sI4s", b"LIST", len(body) + 4, b"INFO") + body if body else b""


def _id3_frame(name: str, text: str) -> bytes:
    value = _utf16(text)
    if name == "comment":
        frame, body = b"COMM", b"\x01XXX" + _utf16("") + b"\0\0" + value
    elif name in _ID3:
        frame, body = _ID3[name], b"\x01" + value
    else:
        frame, body = b"TXXX", b"\x01" + _utf16(_clean(name)) + b"\0\0" + value
    return struct.pack(">4sIH", frame, len(body), 0) + body


def _utf16(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le")


def _clean(text: str) -> str:
    """Text that both encodings can hold: no NUL, no lone surrogate, a bounded length."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:4000]
