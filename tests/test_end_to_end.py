"""From a cell's words to samples, through both wires, for every provider, in the sandbox."""

from __future__ import annotations

import numpy as np
import pytest

import phaseo_nb as nb


@pytest.fixture
def phaseo():
    return nb.connect("sandbox", transport=nb.Sandbox(speed=20).transport)


@pytest.fixture
def udio():
    return nb.connect("udio", transport=nb.Sandbox(speed=20).transport)


def make(prompt="Slow folk song with guitar", **words):
    return nb.run(nb.generate(prompt, show=False, **words))


@pytest.mark.parametrize(
    ("words", "n_tracks", "format", "seconds"),
    [
        ({"duration": 3}, 1, "mp3", 3),
        ({"duration": 3, "format": "wav"}, 1, "wav", 3),
        ({"duration": 3, "format": "ogg"}, 1, "ogg", 3),
        ({"duration": 3, "format": "aac"}, 1, "aac", 3),
        ({"model": "suno/v4.5", "duration": 8}, 2, "mp3", 20),
        ({"model": "eleven-labs/music", "duration": 4}, 1, "mp3", 4),
        ({"model": "eleven-labs/music", "duration": 4, "format": "wav"}, 1, "pcm", 4),
        ({"model": "minimax/music-2.6", "instrumental": True}, 1, "mp3", 20),
        ({"model": "minimax/music-2.6", "lyrics": "[Verse]\nSalt and rope"}, 1, "mp3", 20),
        ({"model": "google/lyria-3-clip-preview"}, 1, "mp3", 20),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_every_provider_ends_in_sound(phaseo, words, n_tracks, format, seconds):
    """Whatever way a provider hands its audio over, the take has samples of the right length."""
    if format == "aac":
        pytest.importorskip("av")

    take = make(**words)

    assert len(take.tracks) == n_tracks
    for track in take.tracks:
        samples, rate = track.audio()
        assert samples.dtype == np.float32
        assert samples.shape[0] == 2
        assert samples.shape[1] / rate == pytest.approx(seconds, abs=0.15)
        assert np.abs(samples).max() > 0.1
        assert track.sandbox
        assert format in (track.format, "pcm")
        assert "<audio" in track._repr_html_()
        assert "SANDBOX" in track._repr_html_()
    assert "sandbox" in repr(take)


def test_udio_makes_two_tracks(udio):
    """The other service's wire goes the same way: two tracks, its own polling rhythm."""
    take = make()

    assert len(take.tracks) == 2
    assert all(track.audio()[0].size for track in take.tracks)
    assert take.job.stage == "complete"


def test_takes_differ_and_the_same_take_is_the_same(phaseo):
    """take=2 sounds different; the kept take=1 is the same recording again."""
    first, second = make(duration=3), make(duration=3, take=2)

    one, two = (take.track.audio()[0][0] for take in (first, second))
    n = min(one.size, two.size)
    assert abs(np.corrcoef(one[:n], two[:n])[0, 1]) < 0.3
    assert make(duration=3, take=1) is first


def test_a_band_without_drums_has_no_drums(phaseo):
    """negative= reaches the sandbox: what is taken out of the words is gone from the sound."""
    with_drums = make("Techno, 130 bpm, with drums", duration=6).track.audio()[0].mean(axis=0)
    without = make("Techno, 130 bpm", negative="drums", duration=6).track.audio()[0].mean(axis=0)

    def highs(samples):
        spectrum = np.abs(np.fft.rfft(samples)) ** 2
        frequencies = np.fft.rfftfreq(samples.size, 1 / 44_100)
        return spectrum[frequencies > 8000].sum() / spectrum.sum()

    assert highs(without) < 0.5 * highs(with_drums)


def test_debug_brings_back_what_was_sent_upstream(phaseo):
    """debug and echo_upstream_request come back as job.debug."""
    take = make(duration=2, debug={"enabled": True, "return_upstream_request": True})

    assert "upstream_request" in take.job.debug


def test_a_track_can_be_saved_and_read_by_others(phaseo, tmp_path):
    """save() writes the format its name asks for; another library reads the same length."""
    import soundfile

    take = make(duration=3)
    for name in ("a.wav", "a.ogg", "a.mp3"):
        info = soundfile.info(take.track.save(tmp_path / name))
        assert info.duration == pytest.approx(3.0, abs=0.1)
