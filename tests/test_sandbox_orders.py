"""What each provider's fields order from the synthesizer."""

from __future__ import annotations

import pytest

from phaseo_nb.sandbox import catalogue
from phaseo_nb.sandbox.orders import CannotPlay, phaseo_order, udio_order

pytestmark = pytest.mark.full_songs

SUNO, BAND, ELEVEN = "suno/v5", "sandbox/band", "eleven-labs/music"
MINIMAX = "minimax/music-2.6"


def _order(model, **body):
    return phaseo_order({"model": model, **body}, catalogue.find(model), 1)


def _song(model, **body):
    return _order(model, **body).recordings[0].song


def test_the_band_reads_every_portable_word():
    """sandbox/band takes prompt, duration, lyrics, style, title, negative and voice."""
    suno = {"style": "dub", "title": "Reed", "negativeTags": "drums", "vocalGender": "f"}
    song = _song(BAND, prompt="sea", duration=7, lyrics="[Verse]\nla", suno=suno)

    assert (song.prompt, song.style, song.title, song.negative) == ("sea", "dub", "Reed", "drums")
    assert (song.duration, song.voice, song.instrumental) == (7.0, "f", False)
    assert song.lyrics == "[Verse]\nla"


@pytest.mark.parametrize(
    ("body", "instrumental"),
    [
        ({"prompt": "sea"}, True),
        ({"prompt": "a song with female vocals"}, False),
        ({"prompt": "choir, no vocals"}, True),
        ({"prompt": "instrumental with a singing guitar"}, True),
        ({"prompt": "sea", "lyrics": "la"}, False),
        ({"prompt": "sea", "lyrics": "la", "is_instrumental": True}, True),
        ({"prompt": "sea", "is_instrumental": False}, False),
        ({"prompt": "sea", "suno": {"instrumental": False}}, False),
    ],
)
def test_the_band_sings_when_there_is_something_to_sing(body, instrumental):
    """A flag decides; without one lyrics, a voice or words for singing do."""
    assert _song(BAND, **body).instrumental is instrumental


def test_the_band_refuses_what_it_cannot_play():
    """More than ten minutes are refused with the limit, not tried."""
    with pytest.raises(CannotPlay, match="600 seconds"):
        _order(BAND, prompt="sea", duration=2**53 - 1)


def test_suno_reads_the_prompt_as_lyrics_in_custom_mode():
    """Custom mode sings the prompt; else it describes; length and format are Suno's own."""
    custom = {"customMode": True, "style": "folk", "title": "Reed", "negativeTags": "brass"}
    sung = _order(SUNO, prompt="[Verse] la", duration=90, format="wav", suno=custom)
    described = _song(SUNO, prompt="a folk song", suno={"style": "dub", "instrumental": True})

    song = sung.recordings[0].song
    assert (song.lyrics, song.prompt, song.style, song.title) == ("[Verse] la", "", "folk", "Reed")
    assert (song.negative, song.duration, song.instrumental) == ("brass", 20.0, False)
    assert [each.format for each in sung.recordings] == ["mp3", "mp3"]
    assert [each.song.variation for each in sung.recordings] == [0, 1]
    assert (described.prompt, described.lyrics, described.instrumental) == ("a folk song", "", True)


def test_an_inner_prompt_wins():
    """suno.prompt, minimax.prompt and elevenlabs.prompt hide the one beside them."""
    assert _song(SUNO, prompt="out", suno={"prompt": "in"}).prompt == "in"
    assert _song(MINIMAX, prompt="out", minimax={"prompt": "in"}).prompt == "in"
    assert _song(ELEVEN, prompt="out", elevenlabs={"prompt": "in"}).prompt == "in"


def test_minimax_reads_raw_lyrics_and_its_audio_setting():
    """Top-level lyrics count; sample rate, bit rate and format are the audio_setting's."""
    setting = {"sample_rate": 16_000, "bitrate": 64_000, "format": "wav"}
    order = _order(MINIMAX, prompt="sea", lyrics="la", minimax={"audio_setting": setting})
    recording = order.recordings[0]

    assert (recording.song.lyrics, recording.song.instrumental) == ("la", False)
    assert (recording.sample_rate, recording.bitrate_kbps, recording.format) == (16_000, 64, "wav")
    assert _order(MINIMAX, prompt="s", format="mp3", minimax={"audio_setting": setting}).recordings[
        0
    ].format == "mp3"  # fmt: skip


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({}, 20),
        ({"duration": 12}, 12),
        ({"duration": 12, "elevenlabs": {"music_length_ms": 4500}}, 4.5),
        ({"elevenlabs": {"composition_plan": {"sections": [{"duration_ms": 3000}] * 2}}}, 6),
        ({"duration": 10**9}, 600),
    ],
)
def test_elevenlabs_has_its_own_length(body, seconds):
    """music_length_ms wins over duration, which wins over the plan's sections."""
    assert _order(ELEVEN, prompt="sea", **body).seconds == seconds


def test_elevenlabs_plays_a_composition_plan():
    """Styles, negative styles and lines of a composition plan all count."""
    section = {"section_name": "Chorus", "lines": ["ah", "oh"], "positive_local_styles": ["slow"]}
    plan = {
        "positive_global_styles": ["dub"],
        "negative_global_styles": ["brass"],
        "sections": [section],
    }
    song = _song(ELEVEN, elevenlabs={"composition_plan": plan})

    assert (song.style, song.negative, song.instrumental) == ("dub, slow", "brass", False)
    assert song.lyrics == "[Chorus]\nah\noh"


@pytest.mark.parametrize(
    ("format", "output_format", "expected"),
    [
        (None, None, ("mp3", 44_100, 128)),
        ("wav", None, ("pcm", 44_100, None)),
        ("ogg", None, ("mp3", 44_100, 128)),
        ("wav", "mp3_22050_32", ("mp3", 22_050, 32)),
        (None, "pcm_16000", ("pcm", 16_000, None)),
        (None, "opus_48000_96", ("mp3", 44_100, 128)),
    ],
)
def test_elevenlabs_formats(format, output_format, expected):
    """wav is bare PCM, ogg and aac become mp3, output_format wins."""
    body = {"format": format} if format else {}
    options = {"output_format": output_format} if output_format else {}
    recording = _order(ELEVEN, prompt="sea", elevenlabs=options, **body).recordings[0]

    assert (recording.format, recording.sample_rate, recording.bitrate_kbps) == expected


@pytest.mark.parametrize(
    ("body", "prompt", "lyrics"),
    [
        ({"gpt_description_prompt": "idea"}, "idea", ""),
        ({"prompt": "words"}, "", "words"),
        ({"prompt": "words", "gpt_description_prompt": "idea"}, "", "words"),
        ({"prompt": "idea", "custom_mode": False}, "idea", ""),
        ({"prompt": "idea", "token": "t"}, "idea", ""),
        ({"prompt": "words", "custom_mode": True, "make_instrumental": True}, "", ""),
    ],
)
def test_udio_modes(body, prompt, lyrics):
    """The field that is sent decides the mode, unless custom_mode or the oldest form does."""
    song = udio_order(body, 1).recordings[0].song

    assert (song.prompt, song.lyrics) == (prompt, lyrics)


def test_udio_tags_are_negative_and_gender_is_the_voice():
    """In requests tags keep things out; gender picks the singer."""
    body = {"prompt": "la", "tags": "drums", "gender": "female", "style": "folk", "title": "Reed"}
    song = udio_order(body, 1).recordings[0].song

    assert (song.negative, song.voice, song.style, song.title) == ("drums", "f", "folk", "Reed")


def test_odd_types_in_passthrough_objects_do_no_harm():
    """What the schema lets through of any type is left out, not tripped over."""
    plans = [None, 3, "x", [], {"sections": [None, 3, {"lines": [1, None, "la"]}]}]

    for plan in plans:
        _order(ELEVEN, prompt="sea", elevenlabs={"composition_plan": plan})
    assert _song(BAND, prompt="sea", lyrics=["no", "text"]).lyrics == ""
