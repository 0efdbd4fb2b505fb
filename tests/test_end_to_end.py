"""From a cell's words to samples, through both wires, for every provider, in the sandbox."""

from __future__ import annotations

import numpy as np
import pytest

import phaseo_nb as nb

pytestmark = pytest.mark.full_songs


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


def test_saving_again_from_the_same_cell_is_no_conflict(phaseo, tmp_path):
    """A cell that saves can be run again; a file of somebody else is still not overwritten."""
    take = make(duration=2)
    for name in ("a.ogg", "a.mp3"):
        path = take.track.save(tmp_path / name)
        assert take.track.save(tmp_path / name) == path

    (tmp_path / "a.mp3").write_bytes(b"something dear")
    with pytest.raises(nb.AudioError, match="overwrite=True"):
        take.track.save(tmp_path / "a.mp3")
    assert (tmp_path / "a.mp3").read_bytes() == b"something dear"


def test_a_script_is_told_that_this_is_the_sandbox(caplog):
    """Without a display the announcement and the notes go to the log, once."""
    nb.connect("auto", transport=None)
    for _ in range(2):
        nb.run(nb.generate("slow harp", duration=2, title="Harp"))

    said = [record.getMessage() for record in caplog.records if record.name == "phaseo_nb"]
    assert len([line for line in said if "so this is the sandbox" in line]) == 1


def test_a_sandbox_card_does_not_look_like_a_bill(phaseo):
    """The price a service would ask for is shown as such; nothing was paid."""
    html = make(model="suno/v4.5").track._repr_html_()

    assert "free here, $0.06 for the job at the service" in html


@pytest.mark.parametrize("prompt", [None, "", "  \n"])
def test_the_band_wants_to_know_what_to_play(phaseo, prompt):
    """An empty request is refused by the sandbox's own model too."""
    with pytest.raises(nb.RequestRejected, match="Warm jazz trio"):
        make(prompt)


def test_a_misspelled_option_is_pointed_out():
    """A key that is passed on but looks like a slip is named with the field it may mean."""
    request = nb.MusicRequest(model="suno/v4.5", prompt="x", suno={"style_weigth": 0.5})

    (note,) = request.ineffective()
    assert "style_weigth" in note
    assert "styleWeight" in note


def test_a_player_wants_a_track():
    """Player says what it takes when it is given a file name or a whole take."""
    with pytest.raises(TypeError, match=r"take\.track"):
        nb.Player("a.wav")
