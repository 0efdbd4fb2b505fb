from __future__ import annotations

import struct

import pytest

from phaseo_nb.audio import sniff
from phaseo_nb.audio.sniff import adts_frames, id3_length

# MPEG 1 layer III, 128 kbit/s, 44.1 kHz, no padding: 144 * 128000 / 44100 = 417 bytes a frame.
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
# ADTS, AAC-LC, 44.1 kHz (index 4), stereo, 20 bytes: the length is 13 bits from bit 30 on.
ADTS_FRAME = b"\xff\xf1\x50\x80" + bytes([20 >> 3, (20 & 7) << 5 | 0x1F, 0xFC]) + bytes(13)
ID3 = b"ID3\x03\x00\x00\x00\x00\x01\x02" + bytes(130)


def ogg(packet: bytes) -> bytes:
    page = b"OggS\x00\x02" + bytes(20) + bytes([1, len(packet)])
    return page + packet


@pytest.mark.parametrize(
    ("data", "format", "mime"),
    [
        pytest.param(MP3_FRAME * 3, "mp3", "audio/mpeg", id="mp3, bare frames"),
        pytest.param(MP3_FRAME, "mp3", "audio/mpeg", id="mp3, one frame is all"),
        pytest.param(MP3_FRAME + b"TAG" + bytes(125), "mp3", "audio/mpeg", id="mp3, ID3v1"),
        pytest.param(ID3 + MP3_FRAME * 2, "mp3", "audio/mpeg", id="mp3 behind ID3"),
        pytest.param(ID3[:40], "mp3", "audio/mpeg", id="mp3, only the tag is there yet"),
        pytest.param(ID3 + ADTS_FRAME * 2, "aac", "audio/aac", id="aac behind ID3"),
        pytest.param(ID3 + b"fLaC" + bytes(9), "flac", "audio/flac", id="flac behind ID3"),
        pytest.param(ADTS_FRAME * 2, "aac", "audio/aac", id="aac"),
        pytest.param(b"RIFF\x24\0\0\0WAVEfmt ", "wav", "audio/wav", id="wav"),
        pytest.param(b"RF64\xff\xff\xff\xffWAVEds64", "wav", "audio/wav", id="wav over 4 GB"),
        pytest.param(b"FORM\0\0\0\x10AIFFCOMM", "aiff", "audio/aiff", id="aiff"),
        pytest.param(ogg(b"\x01vorbis" + bytes(23)), "ogg", "audio/ogg", id="vorbis"),
        pytest.param(ogg(b"OpusHead" + bytes(11)), "opus", "audio/ogg", id="opus"),
        pytest.param(b"\0\0\0\x20ftypM4A \0\0\0\0", "m4a", "audio/mp4", id="m4a"),
        pytest.param(b"\0\0\0\x20ftypisom\0\0\0\0", "m4a", "audio/mp4", id="mp4"),
        pytest.param(b"fLaC\0\0\0\x22", "flac", "audio/flac", id="flac"),
        pytest.param(
            b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "webm", "audio/webm", id="webm"
        ),
    ],
)
def test_the_first_bytes_tell_the_format(data, format, mime):
    """Each kind of audio is known by its first bytes, with the MIME type a browser needs."""
    kind = sniff(data)

    assert kind is not None
    assert (kind.format, kind.mime) == (format, mime)
    assert kind.suffix == f".{format}"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<!doctype html><title>Log in</title>", id="a login page"),
        pytest.param(b'{"error":"expired"}', id="JSON"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="SVG"),
        pytest.param("\ufeff<html>".encode("utf-16-le") + bytes(40), id="UTF-16 with its mark"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(40), id="a picture"),
        pytest.param(b"\0\0\0\x20ftypavif", id="a picture in an MP4 box"),
        pytest.param(b"RIFF\x24\0\0\0WEBPVP8 ", id="a picture in RIFF"),
        pytest.param(b"\x1a\x45\xdf\xa3matroska", id="a film"),
        pytest.param(ogg(b"\x80theora"), id="a film in Ogg"),
        pytest.param(struct.pack("<40h", *range(-20, 20)), id="raw samples"),
        pytest.param(MP3_FRAME + b"not a frame at all", id="sync bytes by chance"),
        pytest.param(b"\xff\xfb\xf0\x00" + bytes(500), id="a bit rate that does not exist"),
        pytest.param(b"ID3\xff\x00\x00\x00\x00\x00\x00", id="an ID3 version that does not exist"),
    ],
)
def test_what_is_no_audio_is_none(data):
    """Pages, JSON, pictures, films, raw samples and chance are no audio."""
    assert sniff(data) is None


def test_a_polyglot_is_what_it_begins_with():
    """A file that is two things at once is what it begins with."""
    page = b"<html><script>alert(1)</script></html>"

    assert sniff(page + MP3_FRAME * 4) is None
    kind = sniff(MP3_FRAME * 4 + page)
    assert kind is not None
    assert kind.format == "mp3"


def test_adts_frames_are_counted_by_their_headers():
    """Every whole ADTS frame is 1024 samples at its header's rate; half a frame does not count."""
    frames = list(adts_frames(ID3 + ADTS_FRAME * 5 + ADTS_FRAME[:12]))

    assert frames == [(44100, 1024)] * 5


def test_the_length_of_an_id3_tag_is_sync_safe():
    """The size of an ID3 tag has seven bits a byte, and its ten header bytes come on top."""
    assert id3_length(ID3) == 10 + 128 + 2
    assert id3_length(MP3_FRAME) == 0
