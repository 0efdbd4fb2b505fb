from __future__ import annotations

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from phaseo_nb.audio.codecs import decode, duration_of, encode, wrap_pcm
from phaseo_nb.audio.sniff import sniff
from phaseo_nb.audio.tags import id3v2
from phaseo_nb.errors import AudioError

RATE = 44_100


def tone(seconds: float = 1.0, *, rate: int = RATE, n_channels: int = 2) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    waves = [0.5 * np.sin(2 * np.pi * hertz * time) for hertz in (440, 660)[:n_channels]]
    return np.stack(waves).astype(np.float32)


def pitch(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax()) * rate / samples.size


def test_a_wav_file_is_what_the_format_says_byte_by_byte():
    """A WAV file is a RIFF header counted by hand and 16 bit samples."""
    data = encode(np.array([[0.0, 1.0], [-1.0, 2.0]], np.float32), 44_100, "wav")

    assert data == (
        b"RIFF" + (36 + 8).to_bytes(4, "little") + b"WAVE"
        b"fmt \x10\0\0\0\x01\0\x02\0\x44\xac\0\0\x10\xb1\x02\0\x04\0\x10\0"
        b"data\x08\0\0\0" + struct.pack("<4h", 0, -32767, 32767, 32767)
    )  # fmt: skip


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("format", ["mp3", "wav", "ogg", "flac", "aac"])
def test_what_is_written_is_read_back(format, n_channels):
    """Each format gives back its channels, rate and pitches, and begins like itself."""
    if format == "aac":
        pytest.importorskip("av")

    data = encode(tone(2.0, n_channels=n_channels), RATE, format)
    samples, rate = decode(data)

    assert sniff(data).format == format
    assert (samples.shape[0], rate, samples.dtype) == (n_channels, RATE, np.float32)
    for channel, hertz in zip(samples, (440, 660), strict=False):
        assert pitch(channel[:RATE], RATE) == pytest.approx(hertz, abs=1.0)


@pytest.mark.parametrize("format", ["mp3", "wav", "ogg", "flac"])
@pytest.mark.parametrize("n_samples", [RATE, RATE * 2 + 17, 123_456])
def test_lengths_are_exact(format, n_samples):
    """What comes back is as long as what went in, to the sample, mp3 included."""
    data = encode(np.full((2, n_samples), 0.1, np.float32), RATE, format)

    assert decode(data)[0].shape == (2, n_samples)
    assert duration_of(data) == n_samples / RATE


@pytest.mark.parametrize("rate", [48_000, 22_050, 8_000])
def test_mp3_drops_its_delay_where_others_look_for_it(rate):
    """Another decoder than ours (FFmpeg) finds the sound in its place and nothing around it."""
    av = pytest.importorskip("av")
    samples = np.zeros((2, rate * 2), np.float32)
    samples[:, rate] = 1.0

    data = encode(samples, rate, "mp3")
    with av.open(io.BytesIO(data)) as container:
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])

    assert heard.size == rate * 2
    assert abs(int(np.abs(heard).argmax()) - rate) <= 1


def test_vorbis_of_five_minutes_does_not_end_the_process():
    """One long write to Ogg Vorbis used to overflow libvorbis' stack and kill the process."""
    code = (
        "import numpy as np; from phaseo_nb.audio.codecs import encode, duration_of\n"
        "x = np.random.default_rng(1).standard_normal((2, 300 * 16000), 'f4') * 0.1\n"
        "print(duration_of(encode(x, 16000, 'ogg')))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.returncode, done.stdout.strip()) == (0, "300.0"), done.stderr[-500:]


@pytest.mark.parametrize("format", ["mp3", "wav", "flac"])
def test_blocks_give_the_same_file_as_the_whole(format):
    """An iterator of blocks, of any size, is written like the array they make up."""
    whole = tone(1.0)

    parts = (part for part in np.array_split(whole, 7, axis=1))

    assert encode(parts, RATE, format) == encode(whole, RATE, format)


@pytest.mark.parametrize("format", ["ogg", "flac"])
def test_vorbis_comments_are_kept(format):
    """Ogg and FLAC carry title and comment as Vorbis comments."""
    tags = {"title": "Grüße ☃", "comment": "made by hand"}

    with soundfile.SoundFile(io.BytesIO(encode(tone(0.2), RATE, format, tags=tags))) as file:
        assert (file.title, file.comment) == ("Grüße ☃", "made by hand")


def test_id3_is_what_version_2_3_says():
    """An ID3v2.3 tag is header, sync-safe size, and frames of UTF-16 with its mark."""
    title = b"\x01\xff\xfeA\0b\0"
    comment = b"\x01XXX\xff\xfe\0\0\xff\xfec\0"

    tag = id3v2({"title": "Ab", "comment": "c"})

    frames = b"TIT2" + struct.pack(">IH", len(title), 0) + title
    frames += b"COMM" + struct.pack(">IH", len(comment), 0) + comment
    assert tag == b"ID3\x03\0\0\0\0\0" + bytes([len(frames)]) + frames


@pytest.mark.parametrize("format", ["mp3", "aac", "wav"])
def test_another_reader_finds_the_tags(format):
    """FFmpeg reads title and comment out of mp3, AAC and WAV; hostile text does no harm."""
    av = pytest.importorskip("av")
    tags = {"title": "Grüße ☃\0\ud800", "comment": "made by hand"}

    data = encode(tone(0.5), RATE, format, tags=tags)

    with av.open(io.BytesIO(data)) as container:
        found = {name.lower(): text for name, text in container.metadata.items()}
    assert found["title"] == "Grüße ☃?"
    assert found["comment"] == "made by hand"
    assert decode(data)[1] == RATE


def test_raw_samples_are_read_with_their_rate():
    """Samples without a header are read as 16 bit stereo when their rate is known."""
    raw = struct.pack("<6h", 0, 16384, -32768, 32767, 100, -100)

    samples, rate = decode(raw + b"x", pcm_rate=44_100)

    assert rate == 44_100
    assert samples.tolist() == [[0.0, -1.0, 100 / 32768], [0.5, 32767 / 32768, -100 / 32768]]
    assert duration_of(raw, pcm_rate=44_100) == 3 / 44_100


def test_raw_samples_get_a_header_for_players():
    """Wrapped raw samples are a WAV file that another library reads."""
    raw = struct.pack("<6h", 0, 16384, -32768, 32767, 100, -100)

    with soundfile.SoundFile(io.BytesIO(wrap_pcm(raw + b"x", 24_000))) as file:
        assert (file.samplerate, file.channels, file.frames) == (24_000, 2, 3)
        assert file.read(dtype="int16").tobytes() == raw


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "0 bytes are no audio: they begin with nothing", id="nothing"),
        pytest.param(b"<html>", "no audio: they begin like a web page", id="page"),
        pytest.param(b' {"a": 1}', "no audio: they begin like JSON", id="JSON"),
        pytest.param(b"\x01\x02\x03\x04", "they begin with 01 02 03 04", id="unknown"),
        pytest.param(b"RIFF\x24\0\0\0WAVEfmt ", "begin like wav and cannot be decoded", id="wav"),
        pytest.param(b"fLaC" + bytes(60), "begin like flac and cannot be decoded", id="flac"),
        pytest.param(
            b"ID3\x03\0\0\0\0\0\0<html>" * 9, "begin like mp3 and cannot be decoded", id="mp3"
        ),
    ],
)
def test_what_cannot_be_decoded_says_why(data, words):
    """Bytes that are no audio, or broken audio, raise AudioError with what they are instead."""
    with pytest.raises(AudioError, match=words):
        decode(data)
    with pytest.raises(AudioError):
        duration_of(data)


def test_an_empty_recording_is_an_error():
    """A file with a header and no samples is an error, not an empty array."""
    data = encode(np.zeros((2, 0), np.float32), RATE, "wav")

    with pytest.raises(AudioError, match="no sound"):
        decode(data)
    with pytest.raises(AudioError, match="no sound"):
        duration_of(data)


@pytest.mark.parametrize("format", ["flac", "mp3", "aac"])
def test_a_decode_bomb_is_refused(format):
    """A small file that unpacks to more than the limit is refused with both lengths named."""
    if format == "aac":
        pytest.importorskip("av")
    data = encode(np.zeros((2, 20 * RATE), np.float32), RATE, format, bitrate_kbps=48)

    with pytest.raises(AudioError, match=r"at most 10 s"):
        decode(data, max_seconds=10)


def test_a_header_that_lies_about_its_length_costs_no_memory():
    """A FLAC header that claims 2**36 - 1 samples is refused before any array is made."""
    data = bytearray(encode(tone(0.1), RATE, "flac"))
    data[21] |= 0x0F  # the sample count is the 36 bits from here on
    data[22:26] = b"\xff\xff\xff\xff"

    with pytest.raises(AudioError, match="claims to be"):
        decode(bytes(data))


@pytest.mark.parametrize("format", ["aac", "m4a", "webm"])
def test_without_the_extra_the_error_names_it(format, monkeypatch):
    """Without PyAV, reading AAC, m4a and webm says which command brings it."""
    monkeypatch.setitem(sys.modules, "av", None)
    data = {
        "aac": (b"\xff\xf1\x50\x80\x02\x9f\xfc" + bytes(13)) * 3,
        "m4a": b"\0\0\0\x10ftypM4A \0\0\0\0",
        "webm": b"\x1a\x45\xdf\xa3webm",
    }[format]

    with pytest.raises(AudioError, match=r"pip install 'phaseo-nb\[aac\]'"):
        decode(data)


def test_writing_aac_without_the_extra_names_it(monkeypatch):
    """Without PyAV, writing AAC says which command brings it."""
    monkeypatch.setitem(sys.modules, "av", None)

    with pytest.raises(AudioError, match=r"pip install 'phaseo-nb\[aac\]'"):
        encode(tone(0.1), RATE, "aac")


def test_mp3_is_written_without_lame_too(monkeypatch):
    """Where there is no lameenc (Pyodide), libsndfile writes the mp3."""
    monkeypatch.setitem(sys.modules, "lameenc", None)

    samples, rate = decode(encode(tone(1.0), RATE, "mp3", tags={"title": "x"}))

    assert rate == RATE
    assert pitch(samples[0, :RATE], RATE) == pytest.approx(440, abs=1.0)


def test_aac_is_measured_without_the_extra(monkeypatch):
    """The length of AAC and m4a comes from their headers, without PyAV."""
    monkeypatch.setitem(sys.modules, "av", None)
    frame = b"\xff\xf1\x50\x80\x02\x9f\xfc" + bytes(13)
    mvhd = struct.pack(">4xIIII", 0, 0, 1000, 12_345) + bytes(80)
    box = struct.pack(">I4s", 8 + len(mvhd), b"mvhd") + mvhd
    m4a = b"\0\0\0\x10ftypM4A \0\0\0\0" + struct.pack(">I4s", 8 + len(box), b"moov") + box

    assert duration_of(frame * 43) == pytest.approx(43 * 1024 / 44_100)
    assert duration_of(m4a) == 12.345


@pytest.mark.parametrize(
    ("samples", "rate", "format", "words"),
    [
        pytest.param(tone(0.1), RATE, "wma", "mp3, wav, ogg, flac, aac", id="format"),
        pytest.param(np.zeros((6, 9), np.float32), RATE, "mp3", "6 channels", id="channels"),
        pytest.param(tone(0.1), 1000, "wav", "1000 Hz", id="rate"),
        pytest.param(np.full((1, 9), np.nan, np.float32), RATE, "wav", "NaN", id="no numbers"),
        pytest.param([tone(0.1), tone(0.1)[:1]], RATE, "wav", "shape", id="blocks that differ"),
    ],
)
def test_what_cannot_be_written_says_why(samples, rate, format, words):
    """Wrong formats, rates, channels and values are refused by name."""
    with pytest.raises(AudioError, match=words):
        encode(samples, rate, format)
