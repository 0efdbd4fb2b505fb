from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import Image
from IPython.utils.capture import capture_output

from phaseo_nb.audio.codecs import decode, encode
from phaseo_nb.audio.sniff import sniff
from phaseo_nb.errors import AudioError
from phaseo_nb.jobs import Cost, MusicJob, Track
from phaseo_nb.takes import Take, cell_run
from phaseo_nb.takes.kept import KeptTrack

RATE = 44_100
REQUEST = SimpleNamespace(prompt="Warm jazz trio with brushed drums and a walking bass", duration=8)


def recording(format: str = "mp3", seconds: float = 1.0) -> bytes:
    wave = 0.5 * np.sin(2 * np.pi * 997 * np.arange(round(seconds * RATE)) / RATE)
    return encode(np.stack([wave, 0 * wave]).astype(np.float32), RATE, format)


def kept(format: str = "mp3", **more) -> KeptTrack:
    return KeptTrack(Track(0, title="Tide", duration=7.0), recording(format), **more)


def make_take(n: int = 1, *, sandbox: bool = True, request=REQUEST, **more) -> Take:
    tracks = tuple(Track(i, title=f"Tide {i}", sandbox=sandbox) for i in range(n))
    job = MusicJob(
        "task_1", "completed", model="suno/v4.5", provider="suno", tracks=tracks, cost=Cost(0.06)
    )
    recordings = more.pop("recordings", [recording() for _ in range(n)])
    return Take.of(job, recordings, id="t1", request=request, **more)


# -- a kept track ------------------------------------------------------------------------------


def test_a_kept_track_is_the_track_and_its_sound():
    """The facts of the service stay, and hash, format, length and samples come from the bytes."""
    track = kept("wav")

    samples, rate = track.audio()

    assert isinstance(track, Track)
    assert (track.title, track.duration, track.index) == ("Tide", 7.0, 0)
    assert (track.format, track.path, track.seconds) == ("wav", None, 1.0)
    assert track.sha256 == hashlib.sha256(recording("wav")).hexdigest()
    assert (samples.shape, samples.dtype, rate) == ((2, RATE), np.float32, RATE)
    assert track.sample_rate == RATE


def test_its_figures_are_right():
    """Half of full scale in one channel at 997 Hz: −6.02 dBFS, −9.03 LUFS, no silence."""
    track = kept("wav")

    assert track.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert track.loudness_lufs == pytest.approx(-9.03, abs=0.05)
    assert track.silence_fraction == 0.0
    assert track.peaks(10).shape == (2, 10)
    assert track.peaks(10)[1] == pytest.approx([0.5] * 10, abs=0.001)


def test_its_pictures_are_displayable():
    """Waveform and spectrogram are PNG images with words for those who cannot see them."""
    track = kept("wav")

    for picture in (track.waveform(), track.spectrogram()):
        assert isinstance(picture, Image)
        assert picture.data.startswith(b"\x89PNG")
        assert "Tide" in picture.alt


def test_figures_are_worked_out_once_and_ahead(monkeypatch):
    """After prepare() the player needs no decoder any more."""
    track = kept("wav").prepare()
    monkeypatch.setattr("phaseo_nb.audio.codecs.decode", None)

    html = track._repr_html_()

    assert "LUFS" in html
    assert track.loudness_lufs < 0


def test_preparing_what_cannot_be_decoded_is_no_error():
    """Broken audio, or none, is prepared without an exception; asking for figures raises one."""
    broken = KeptTrack(Track(0), b"<html>").prepare()
    KeptTrack(Track(0, failure="refused")).prepare()

    assert "web page" in broken.unreadable
    with pytest.raises(AudioError, match="web page"):
        _ = broken.loudness_lufs


def test_a_track_can_live_on_disk(tmp_path):
    """With a path and no bytes, the file is read when it is needed, and named when it is gone."""
    path = tmp_path / "kept.wav"
    path.write_bytes(recording("wav"))
    track = KeptTrack(Track(0, title="Tide"), path=path)

    assert track.has_audio
    assert track.audio()[0].shape == (2, RATE)
    path.unlink()
    with pytest.raises(AudioError, match=r"kept\.wav cannot be read"):
        track.audio()


def test_a_track_without_audio_says_why():
    """A track that came to nothing keeps its facts and raises with the service's reason."""
    track = KeptTrack(Track(1, title="Tide", failure="SENSITIVE_WORD_ERROR"))

    assert not track.has_audio
    assert repr(track) == '<Track 1 "Tide", no audio>'
    assert "SENSITIVE_WORD_ERROR" in track._repr_html_()
    with pytest.raises(AudioError, match="SENSITIVE_WORD_ERROR"):
        track.audio()


# -- saving ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["song.mp3", "song.MP3", "song"])
def test_the_same_format_is_saved_as_received(tmp_path, name):
    """Saving in the format of the recording writes its very bytes; a missing suffix is added."""
    track = kept("mp3")

    path = track.save(tmp_path / name)

    assert path == tmp_path / (name if "." in name else "song.mp3")
    assert path.read_bytes() == track.data


@pytest.mark.parametrize("format", ["mp3", "wav", "ogg", "flac", "aac"])
def test_another_suffix_converts(tmp_path, format):
    """The suffix decides the format; the sound and the title come along."""
    if format == "aac":
        pytest.importorskip("av")
    track = kept("flac" if format == "wav" else "wav")

    data = track.save(tmp_path / f"song.{format}").read_bytes()

    assert sniff(data).format == format
    samples, rate = decode(data)
    assert np.abs(np.fft.rfft(samples[0, :rate])).argmax() == 997
    if format in ("ogg", "flac"):
        assert soundfile.SoundFile(io.BytesIO(data)).title == "Tide"


def test_a_format_can_be_named(tmp_path):
    """format= converts too, and gives a bare name its suffix."""
    path = kept("mp3").save(tmp_path / "song", format="wav")

    assert path.name == "song.wav"
    assert path.read_bytes()[:4] == b"RIFF"


def test_converted_sandbox_music_says_so(tmp_path):
    """A file made from sandbox music carries that in its comment."""
    track = KeptTrack(Track(0, sandbox=True), recording("wav"))

    with soundfile.SoundFile(track.save(tmp_path / "song.ogg")) as file:
        assert "sandbox synthesizer, not by an AI model" in file.comment


def test_raw_samples_are_saved_with_a_header(tmp_path):
    """Raw samples saved as .wav are a WAV file; as .pcm they are what came."""
    raw = bytes(range(256)) * 400
    track = KeptTrack(Track(0), raw, pcm_rate=44_100)

    assert soundfile.info(track.save(tmp_path / "a")).samplerate == 44_100
    assert track.save(tmp_path / "a.pcm").read_bytes() == raw


def test_nothing_is_overwritten_silently(tmp_path):
    """A file that is there stays; the error names the way to replace it, which works."""
    path = tmp_path / "song.mp3"
    path.write_text("mine")
    track = kept("mp3")

    with pytest.raises(AudioError, match="overwrite=True"):
        track.save(path)
    assert path.read_text() == "mine"

    track.save(path, overwrite=True)
    assert path.read_bytes() == track.data
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "format", "words"),
    [
        pytest.param("no/such/song.mp3", None, "does not exist. Make it first", id="folder"),
        pytest.param("song.txt", None, r"Choose one of: \.mp3", id="suffix"),
        pytest.param("song.mp3", "wav", "Leave one of them out", id="contradiction"),
        pytest.param("song", "wma", "cannot be written. Choose one of: mp3", id="format"),
        pytest.param("", None, "is a folder. Add a file name", id="a folder"),
        pytest.param("a\0b.mp3", None, "cannot be written", id="a NUL"),
        pytest.param("é" * 200 + ".mp3", None, "cannot be written", id="a long name"),
        pytest.param("song.m4a", None, "'m4a' cannot be written", id="a format only read"),
    ],
)
def test_what_cannot_be_saved_says_why(tmp_path, name, format, words):
    """Wrong places and formats are refused with what would be right; no file appears."""
    with pytest.raises(AudioError, match=words):
        kept("mp3").save(tmp_path / name, format)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_refuses_is_an_error(tmp_path):
    """A folder without permission gives one sentence, not a traceback of the system's."""
    tmp_path.chmod(stat.S_IREAD | stat.S_IEXEC)
    try:
        with pytest.raises(AudioError, match="cannot be written"):
            kept("mp3").save(tmp_path / "song.mp3")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_refusing_disk_leaves_no_half_file(tmp_path, monkeypatch):
    """When the disk is full, the error is ours and nothing is left behind."""
    real = Path.open

    def full(self, *args, **words):
        file = real(self, *args, **words)
        file.write(b"half")
        file.close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(AudioError, match="No space left on device"):
        kept("mp3").save(tmp_path / "song.mp3")

    assert list(tmp_path.iterdir()) == []


# -- a take ------------------------------------------------------------------------------------


def test_a_take_in_one_line():
    """The repr says which attempt at what, how many tracks, how long, what format, and sandbox."""
    assert repr(make_take(2, number=3)) == (
        '<Take 3 of "Warm jazz trio with brushed drums and…": 2 tracks, 2.0 s, mp3, sandbox>'
    )
    assert repr(make_take(sandbox=False, request=SimpleNamespace(prompt=None))) == (
        '<Take 1 of "Tide 0": 1 track, 1.0 s, mp3>'
    )


def test_a_take_knows_its_request_and_job():
    """Model, provider, cost and tracks come from the job; the card of each track shows them."""
    take = make_take(2, number=2)

    assert (take.model, take.provider, take.cost) == ("suno/v4.5", "suno", Cost(0.06))
    assert take.track is take.tracks[0]
    assert take.track.about.asked == 8
    html = take._repr_html_()
    assert html.count("<audio") == 2
    assert "take 2 · track 1 of 2" in html
    assert "$0.06 for the job" in html


def test_what_happened_cannot_be_changed():
    """A take's facts are fixed; rating and note are the listener's."""
    take = make_take()

    take.rating, take.note = 4, "nice brushes"

    assert (take.rating, take.note) == (4, "nice brushes")
    with pytest.raises(AttributeError, match="rating and note can"):
        take.number = 7


def test_a_take_without_tracks_says_so():
    """Asking for the first track of none is an error in words."""
    take = make_take(0)

    assert take._repr_html_() == ""
    with pytest.raises(AudioError, match="no tracks"):
        _ = take.track


def test_a_track_that_was_not_fetched_has_its_card():
    """Of two tracks one may be missing: the other plays, and the missing one is not hidden."""
    take = make_take(2, recordings=[recording(), None]).prepare()

    assert take._repr_html_().count("<audio") == 1
    assert "gave no audio" in take._repr_html_()
    assert repr(take).endswith("2 tracks, 1.0 s, mp3, sandbox>")


def test_a_hostile_prompt_is_text_in_the_repr():
    """Control characters of a prompt do not reach the terminal through the repr."""
    take = make_take(request=SimpleNamespace(prompt="\x1b[2Jboo\nhoo\x07"))

    assert repr(take).startswith('<Take 1 of "␛[2Jboo hoo␇"')


# -- shown once --------------------------------------------------------------------------------


@pytest.fixture
def shell():
    """A real IPython shell."""
    shell = InteractiveShell.instance()
    shell.execution_count = 1
    yield shell
    InteractiveShell.clear_instance()


def shown(take: Take) -> list[dict]:
    with capture_output(display=True) as output:
        take._ipython_display_()
    return [out.data for out in output.outputs]


def test_outside_of_ipython_there_is_no_cell():
    """A script is in no cell."""
    assert cell_run() is None


def test_a_cell_shows_a_take_once(shell):
    """The same cell run shows a take once; the next run shows it again."""
    take = make_take()

    first, again = shown(take), shown(take)
    shell.execution_count += 1
    later = shown(take)

    assert [len(first), len(again), len(later)] == [1, 0, 1]
    assert set(first[0]) == {"text/html", "text/plain"}
    assert first[0]["text/plain"] == repr(take)
    assert first[0]["text/html"].count("<audio") == 1


def test_what_the_live_line_showed_is_not_shown_again(shell):
    """A take that became the live line of this cell is not shown by the same cell again."""
    take = make_take()

    take.mark_shown(cell_run())

    assert shown(take) == []


def test_a_kernel_tells_cell_runs_by_their_request(shell):
    """With a kernel, the id of the request tells runs apart, also where counting would not."""
    parent = {"header": {"msg_id": "a1"}}
    shell.kernel = SimpleNamespace(get_parent=lambda *_: parent)
    take = make_take()

    first, again = shown(take), shown(take)
    parent["header"]["msg_id"] = "a2"

    assert cell_run() == "a2"
    assert [len(first), len(again), len(shown(take))] == [1, 0, 1]


def test_nothing_needs_ipython_until_it_is_there(monkeypatch):
    """Where IPython was never imported, asking for the cell does not import it."""
    monkeypatch.delitem(sys.modules, "IPython")

    assert cell_run() is None
    assert "IPython" not in sys.modules
