"""Files of the sandbox say what they are, and rendering is kept within its limits."""

from __future__ import annotations

import io
import threading

import anyio
import numpy as np
import pytest
import soundfile

from phaseo_nb.errors import AudioError
from phaseo_nb.sandbox.band import SongSpec, compose
from phaseo_nb.sandbox.encode import COMMENT, encode_track
from phaseo_nb.sandbox.studio import Recording, Studio, record

SAMPLES = np.tile(np.float32([[0.5, -1.0, 1.0, 2.0]]), (2, 5_000))


@pytest.fixture(scope="module")
def score():
    return compose(SongSpec(prompt="a harbour waltz", title="Slack Water", duration=1))


@pytest.mark.parametrize("format", ["wav", "ogg", "mp3"])
def test_tags_are_honest_in_every_format(score, format):
    """Title, artist and the comment of what made it stand in the file, read by libsndfile."""
    data = encode_track(SAMPLES, 44_100, format, score)

    with soundfile.SoundFile(io.BytesIO(data)) as file:
        tags = file.copy_metadata()
    assert tags["title"] == "Slack Water"
    assert tags["comment"] == COMMENT
    assert "sandbox" in tags["artist"]
    assert "not by an AI model" in COMMENT


def test_pcm_is_bare_samples(score):
    """pcm is 16 bit little-endian, left and right in turn, clipped, with nothing around it."""
    data = encode_track([SAMPLES[:, :2], SAMPLES[:, 2:4]], 44_100, "pcm", score)

    expected = [16384, 16384, -32767, -32767, 32767, 32767, 32767, 32767]
    assert np.frombuffer(data, "<i2").tolist() == expected


def test_an_unknown_format_is_an_audio_error(score):
    """A format that cannot be written is named."""
    with pytest.raises(AudioError, match="midi"):
        encode_track(SAMPLES, 44_100, "midi", score)


def _recording(n: int = 0, seconds: float = 0.5) -> Recording:
    return Recording(SongSpec(prompt=f"song {n}", duration=seconds), "wav")


def test_a_file_is_rendered_once_however_many_ask():
    """Asked for at the same time from several loops a recording is made once."""
    made: list[Recording] = []
    studio = Studio(n_workers=2, make=lambda each: made.append(each) or record(each))
    files: list[bytes] = []

    def ask() -> None:
        files.append(anyio.run(studio.file, _recording()))

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(files) == 5
    assert len(set(files)) == 1
    assert len(made) == 1


def test_what_is_asked_for_goes_before_what_may_be():
    """A file somebody waits for overtakes those that were only begun."""
    made: list[Recording] = []
    studio = Studio(n_workers=1, make=lambda each: made.append(each) or record(each))
    for n in range(20):
        studio.begin(_recording(n))
    anyio.run(studio.file, _recording(99))

    assert _recording(99) in made
    assert len(made) < 20


def test_a_recording_that_cannot_be_made_raises_and_is_not_remembered():
    """An error while rendering reaches who asked, each time anew, and the worker goes on."""
    studio = Studio(n_workers=1)
    bad = Recording(SongSpec(prompt="x", duration=1), "midi")

    for _ in range(2):
        with pytest.raises(AudioError):
            anyio.run(studio.file, bad)
    assert anyio.run(studio.file, _recording())
