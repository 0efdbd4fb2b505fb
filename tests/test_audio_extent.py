"""What a file says about its own size agrees with what encoders write, and tells a cut."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from fake_gateway import sine_wav

from phaseo_nb.audio.codecs import encode
from phaseo_nb.audio.extent import least_size

RATE = 44_100
TONE = (0.5 * np.sin(np.arange(3 * RATE) * 0.06)).astype(np.float32)
HEAD = 4096


def written(format, subtype):
    out = io.BytesIO()
    soundfile.write(out, TONE, RATE, format=format, subtype=subtype)
    return out.getvalue()


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(sine_wav(1.0), id="wav of the standard library"),
        pytest.param(written("WAV", "FLOAT"), id="wav of libsndfile"),
        pytest.param(written("WAVEX", "PCM_24"), id="extensible wav"),
        pytest.param(written("AIFF", "PCM_16"), id="aiff"),
    ],
)
def test_headers_that_name_the_size_are_taken_at_their_word(file):
    """The size is the file's own, to the byte."""
    assert least_size(file[:HEAD]) == len(file)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(written("MP3", "MPEG_LAYER_III"), id="mp3 of libsndfile"),
        pytest.param(encode(np.stack([TONE, TONE]), RATE, "mp3"), id="mp3 of lame"),
        pytest.param(
            b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128) + written("MP3", "MPEG_LAYER_III"),
            id="mp3 behind a tag",
        ),
    ],
)
def test_the_note_of_an_mp3_tells_a_cut(file):
    """Nearly the whole size, and never more than there is; half of the file is too little."""
    least = least_size(file[:HEAD])

    assert 0.95 * len(file) < least <= len(file)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(written("OGG", "VORBIS"), id="ogg"),
        pytest.param(written("FLAC", "PCM_16"), id="flac"),
        pytest.param(written("RF64", "PCM_16"), id="rf64"),
        pytest.param(encode(np.stack([TONE, TONE]), RATE, "mp3")[1044:], id="mp3 without a note"),
        pytest.param(b"<html>" + bytes(200), id="no audio"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_says_nothing_is_not_suspected(file):
    """Where a size is not to be had from the beginning, there is none."""
    assert least_size(file[:HEAD]) is None


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000], ids=hex)
def test_a_wav_that_was_written_into_a_pipe_is_not_suspected(size):
    """Who does not know the size yet writes a stand-in; such files are whole all the same."""
    file = sine_wav(0.1)

    assert least_size(file[:40] + struct.pack("<I", size) + file[44:]) is None


def test_boxes_of_mp4_are_added_up():
    """An m4a ends no earlier than the last box that its beginning shows; one to the end says 0."""
    head = struct.pack(">I4s4sI", 16, b"ftyp", b"M4A ", 0) + struct.pack(">I4s", 8, b"free")

    assert least_size(head + struct.pack(">I4s8x", 90_000, b"mdat")) == 16 + 8 + 90_000
    assert least_size(head + struct.pack(">I4sQ", 1, b"mdat", 5 << 30)) == 16 + 8 + (5 << 30)
    assert least_size(head + struct.pack(">I4s8x", 0, b"mdat")) is None


@pytest.mark.parametrize("length", range(0, 60, 7))
def test_a_beginning_that_is_cut_itself_is_no_trouble(length):
    """However little there is, nothing is raised."""
    for file in (sine_wav(0.1), written("AIFF", "PCM_16"), written("MP3", "MPEG_LAYER_III")):
        least_size(file[:length])
