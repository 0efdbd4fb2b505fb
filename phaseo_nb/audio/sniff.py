"""What kind of audio some bytes are, by what they begin with.

File names, ``Content-Type`` and a provider's ``format`` field are claims; only the first bytes
count here. A file that is two things at once is what it begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple


class AudioType(NamedTuple):
    """A kind of audio file."""

    format: str
    """``mp3 wav ogg opus flac aac m4a webm aiff``; ``ogg`` is Vorbis (or FLAC) in Ogg."""
    mime: str
    """What a ``data:`` address needs for a browser to play it."""
    suffix: str
    """With the dot, for a file name."""


TYPES: dict[str, AudioType] = {
    kind.format: kind
    for kind in (
        AudioType("mp3", "audio/mpeg", ".mp3"),
        AudioType("wav", "audio/wav", ".wav"),
        AudioType("ogg", "audio/ogg", ".ogg"),
        AudioType("opus", "audio/ogg", ".opus"),
        AudioType("flac", "audio/flac", ".flac"),
        AudioType("aac", "audio/aac", ".aac"),
        AudioType("m4a", "audio/mp4", ".m4a"),
        AudioType("webm", "audio/webm", ".webm"),
        AudioType("aiff", "audio/aiff", ".aiff"),
    )
}

ADTS_RATES = (
    *(96000, 88200, 64000, 48000, 44100, 32000),
    *(24000, 22050, 16000, 12000, 11025, 8000, 7350),
)
"""Sample rates in Hz by the index that an ADTS header holds."""

_MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MP3_KBPS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MP3_KBPS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)

_OGG_CODECS = {b"OpusHead": "opus", b"\x01vorbis": "ogg", b"\x7fFLAC": "ogg"}
_PICTURE_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"crx "}


def sniff(data: bytes) -> AudioType | None:
    """Return what audio these bytes are, or ``None`` when they are none.

    Parameters
    ----------
    data
        The whole file, or its beginning; 4 kB are enough where no large ID3 tag comes first.

    Returns
    -------
    AudioType or None
        ``None`` for a web page, JSON, a picture, raw samples without a header, or nothing.

    Examples
    --------
    >>> sniff(b"RIFF$...WAVEfmt ").mime
    'audio/wav'
    >>> sniff(b"<html>502 Bad Gateway</html>") is None
    True
    """
    name = _name(bytes(data[:12]), data)
    return TYPES[name] if name else None


def _name(head: bytes, data: bytes) -> str | None:
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        return _ogg_codec(data)
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _PICTURE_BRANDS else "m4a"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "webm" if b"webm" in bytes(data[:64]) else None
    if head[:3] == b"ID3":
        return _after_id3(data)
    if _is_run(data, 0, adts_frame_length):
        return "aac"
    if _is_run(data, 0, mp3_frame_length):
        return "mp3"
    return None


def id3_length(data: bytes) -> int:
    """Return the length in bytes of the ID3v2 tag at the beginning; 0 without one."""
    head = bytes(data[:10])
    if len(head) < 10 or head[:3] != b"ID3" or 0xFF in head[3:5] or max(head[6:10]) >= 0x80:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def adts_frame_length(data: bytes, offset: int) -> int:
    """Return the length in bytes of the ADTS (AAC) frame at ``offset``; 0 if there is none."""
    head = bytes(data[offset : offset + 7])
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    if (head[2] >> 2) & 0xF >= len(ADTS_RATES):
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length >= 7 else 0


def adts_frames(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (sample rate in Hz, samples per channel) of every ADTS frame, one by one."""
    offset = id3_length(data)
    while length := adts_frame_length(data, offset):
        if offset + length > len(data):
            return  # a frame cut short gives no sound
        rate = ADTS_RATES[(data[offset + 2] >> 2) & 0xF]
        yield rate, 1024 * ((data[offset + 6] & 3) + 1)
        offset += length


class Mp3Shape(NamedTuple):
    """What a layer III frame header says."""

    rate: int
    """Hz."""
    n_samples: int
    """Per channel."""
    side_info: int
    """Bytes between the header and the sound."""


def mp3_frame_shape(data: bytes, offset: int) -> Mp3Shape:
    """Return what the valid frame header at ``offset`` says."""
    version, mode = (data[offset + 1] >> 3) & 3, data[offset + 3] >> 6
    rate = _MP3_RATES[version][(data[offset + 2] >> 2) & 3]
    is_first, is_mono = version == 3, mode == 3
    side_info = (17 if is_mono else 32) if is_first else (9 if is_mono else 17)
    return Mp3Shape(rate, 1152 if is_first else 576, side_info)


def mp3_frame_length(data: bytes, offset: int) -> int:
    """Return the length in bytes of the MPEG layer III frame at ``offset``; 0 if there is none."""
    head = bytes(data[offset : offset + 4])
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, rate_index, kbps_index = (head[1] >> 3) & 3, (head[2] >> 2) & 3, head[2] >> 4
    if version == 1 or rate_index == 3 or kbps_index in (0, 15):
        return 0
    is_first = version == 3
    kbps = (_MP3_KBPS_1 if is_first else _MP3_KBPS_2)[kbps_index - 1]
    rate = _MP3_RATES[version][rate_index]
    return (144_000 if is_first else 72_000) * kbps // rate + ((head[2] >> 1) & 1)


def _is_run(data: bytes, offset: int, frame_length: Callable[[bytes, int], int]) -> bool:
    """Two frames in a row, or one that is all there is: two bytes alone prove nothing."""
    length = frame_length(data, offset)
    if not length:
        return False
    following = bytes(data[offset + length : offset + length + 7])
    is_end = len(following) < 7 or following[:3] == b"TAG"
    return is_end or bool(frame_length(data, offset + length))


def _after_id3(data: bytes) -> str | None:
    start = id3_length(data)
    if not start:
        return None
    if bytes(data[start : start + 4]) == b"fLaC":
        return "flac"
    return "aac" if _is_run(data, start, adts_frame_length) else "mp3"


def _ogg_codec(data: bytes) -> str | None:
    segments = data[26] if len(data) > 26 else 1
    packet = bytes(data[27 + segments : 27 + segments + 8])
    for mark, name in _OGG_CODECS.items():
        if packet.startswith(mark):
            return name
    return None  # Theora and others: pictures, or nothing a browser plays
