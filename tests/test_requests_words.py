"""From words to provider fields: nothing is dropped without a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaseo_nb.errors import RequestRejected
from phaseo_nb.requests import MusicRequest, SunoOptions, UdioRequest, build_request
from phaseo_nb.requests.words import notes_on

SUNO, ELEVEN, MINIMAX = "suno/v4.5", "eleven-labs/music", "minimax/music-2.6"
LYRIA, SANDBOX = "google/lyria-3-pro-preview", "sandbox/band"


def phaseo(prompt="A warm trio", *, model, **words):
    request, notes = build_request("phaseo", prompt, model=model, **words)
    assert isinstance(request, MusicRequest)
    return request.to_wire(), notes


def udio(prompt="A warm trio", *, model=None, **words):
    request, notes = build_request("udio", prompt, model=model, **words)
    assert isinstance(request, UdioRequest)
    return request.to_wire(), notes


def test_none_is_absent():
    """Words left out are not on the wire, nor is None."""
    assert phaseo(model=SUNO, duration=None, suno=None) == (
        {"model": SUNO, "prompt": "A warm trio"},
        (),
    )
    assert udio() == ({"gpt_description_prompt": "A warm trio"}, ())


@pytest.mark.parametrize("flag", [True, False])
def test_instrumental_reaches_every_provider(flag):
    """Each provider has its own name for it."""
    assert phaseo(model=SUNO, instrumental=flag)[0]["suno"] == {"instrumental": flag}
    eleven = phaseo(model=ELEVEN, instrumental=flag)[0]["elevenlabs"]
    assert eleven == {"force_instrumental": flag}
    minimax = phaseo(model=MINIMAX, instrumental=flag, lyrics=None if flag else "la")[0]["minimax"]
    assert minimax["is_instrumental"] is flag
    assert phaseo(model=SANDBOX, instrumental=flag)[0]["is_instrumental"] is flag
    assert udio(instrumental=flag)[0]["make_instrumental"] is flag


def test_lyria_is_told_in_the_prompt():
    """Lyria has no field, so the prompt says it; "not instrumental" is a note."""
    assert phaseo(model=LYRIA, instrumental=True)[0]["prompt"] == (
        "A warm trio. Instrumental, no vocals."
    )
    assert phaseo(model=LYRIA, instrumental=False)[1][0].startswith("instrumental: google")


def test_suno_with_all_words():
    """Lyrics become the prompt of custom mode, and the musical prompt joins the style."""
    body, notes = phaseo(
        model=SUNO, lyrics="la la", style="bossa", title="Quay", negative="drums", voice="female"
    )

    assert body == {
        "model": SUNO,
        "prompt": "A warm trio",
        "suno": {
            "customMode": True,
            "prompt": "la la",
            "style": "bossa, A warm trio",
            "title": "Quay",
            "negativeTags": "drums",
            "vocalGender": "f",
        },
    }
    assert notes == ()


def test_suno_takes_the_prompt_as_style_beside_lyrics():
    """Without a style the musical prompt is the style; a title is made up and told."""
    body, notes = phaseo(model=SUNO, lyrics="[Verse]\nla la")

    assert body["suno"] == {
        "customMode": True,
        "prompt": "[Verse]\nla la",
        "style": "A warm trio",
        "title": "A warm trio",
    }
    assert [note.split(":")[0] for note in notes] == ["title"]


def test_suno_instrumental_with_style_keeps_the_prompt():
    """In instrumental custom mode the prompt is not read, so its words go to the style."""
    body, _ = phaseo(model=SUNO, style="bossa", instrumental=True)

    assert body["suno"]["style"] == "bossa, A warm trio"
    assert "prompt" not in body["suno"]


def test_suno_warns_when_the_prompt_would_be_sung():
    """Custom mode without lyrics sings the prompt: said before it is paid."""
    body, notes = phaseo(model=SUNO, style="bossa", title="Quay")

    assert body["suno"] == {"customMode": True, "style": "bossa", "title": "Quay"}
    assert any("word for word" in note for note in notes)


def test_suno_cannot_sing_without_any_style():
    """Lyrics alone give no style, which Suno needs: refused with its reason."""
    with pytest.raises(RequestRejected) as caught:
        phaseo(None, model=SUNO, lyrics="la")

    assert caught.value.reason == "style_and_title_required_when_custom_mode_enabled"


@pytest.mark.parametrize("suno", [{"customMode": False}, {"custom_mode": False}])
def test_explicit_custom_mode_wins(suno):
    """customMode that was switched off stays off; lyrics are told to have no effect."""
    body, notes = phaseo(model=SUNO, suno=suno, lyrics="la", style="bossa")

    assert body["suno"] == {"customMode": False, "style": "bossa"}
    assert [note.split(":")[0] for note in notes] == ["lyrics", "suno.style"]


def test_explicit_options_win_over_words():
    """An option beside a word is kept, and the word is told to lose."""
    options = SunoOptions(
        prompt="own", style="fado", title="Own", instrumental=False, vocal_gender="m"
    )

    body, notes = phaseo(
        model=SUNO,
        suno=options,
        lyrics="la",
        style="bossa",
        title="Quay",
        voice="f",
        instrumental=True,
    )

    assert body["suno"] == {**options.to_wire(), "customMode": True}
    told = {note.split(":")[0] for note in notes}
    assert {"lyrics", "style", "title", "voice", "instrumental", "prompt"} <= told


def test_the_same_value_twice_is_no_conflict():
    """A word that says what the option says needs no note."""
    assert phaseo(model=SUNO, suno={"instrumental": True}, instrumental=True)[1] == ()


@pytest.mark.parametrize("model", [ELEVEN, MINIMAX, LYRIA, "some/model"])
def test_words_without_a_field_join_the_prompt(model):
    """Style, voice and negative are told in words; a title is a note."""
    body, notes = phaseo(model=model, style="bossa", voice="m", negative="drums", title="Quay")

    assert body["prompt"] == "A warm trio. Style: bossa. Male vocals. Without: drums."
    assert [note.split(":")[0] for note in notes] == ["title"]


def test_lyrics_reach_every_provider():
    """MiniMax has a field, ElevenLabs and Lyria read them in the prompt, udio as prompt."""
    assert phaseo(model=MINIMAX, lyrics="la")[0]["minimax"] == {"lyrics": "la"}
    for model in (ELEVEN, LYRIA):
        assert phaseo(model=model, lyrics="la")[0]["prompt"] == "A warm trio.\nLyrics:\nla"
    assert phaseo(model=SANDBOX, lyrics="la")[0]["lyrics"] == "la"
    assert udio(lyrics="la")[0] == {"prompt": "la", "style": "A warm trio"}


@pytest.mark.parametrize("model", [SUNO, ELEVEN, MINIMAX, LYRIA])
def test_lyrics_of_an_instrumental_are_told(model):
    """Words that nobody will sing are a note."""
    notes = phaseo(model=model, lyrics="la", instrumental=True)[1]

    assert "lyrics: nothing is sung, the music is instrumental" in notes


@pytest.mark.parametrize(
    ("model", "options", "winner"),
    [
        (ELEVEN, {"elevenlabs": {"prompt": "own"}}, "elevenlabs.prompt"),
        (ELEVEN, {"elevenlabs": {"composition_plan": {}}}, "elevenlabs.composition_plan"),
        (MINIMAX, {"minimax": {"prompt": "own"}}, "minimax.prompt"),
    ],
)
def test_an_inner_prompt_hides_the_words(model, options, winner):
    """Words that would only reach a hidden prompt are told."""
    body, notes = phaseo(model=model, style="bossa", **options)

    assert body["prompt"] == "A warm trio"
    assert f"style: {winner} was given and wins" in notes


def test_sandbox_words_travel_in_their_fields():
    """The sandbox honours every word: top-level fields and four of suno's."""
    body, notes = phaseo(
        model=SANDBOX,
        duration=8,
        format="wav",
        lyrics="la",
        instrumental=False,
        style="bossa",
        title="Quay",
        negative="drums",
        voice="male",
    )

    assert body == {
        "model": SANDBOX,
        "prompt": "A warm trio",
        "duration": 8,
        "format": "wav",
        "lyrics": "la",
        "is_instrumental": False,
        "suno": {"style": "bossa", "title": "Quay", "negativeTags": "drums", "vocalGender": "m"},
    }
    assert notes == ()


def test_ignored_fields_are_notes():
    """What ineffective() knows is said before the job starts."""
    notes = phaseo(model=SUNO, duration=8, format="mp3", elevenlabs={})[1]

    assert [note.split(":")[0] for note in notes] == ["duration", "format", "elevenlabs"]


def test_provider_may_be_a_name():
    """A provider's name is short for the routing object."""
    assert phaseo(model=SUNO, provider="suno")[0]["provider"] == {"only": ["suno"]}
    kept = phaseo(model=SUNO, provider={"zdr": True})[0]["provider"]
    assert kept == {"zdr": True}


def test_udio_with_all_words():
    """Negative words are tags there, and voices have whole names."""
    body, notes = udio(
        model="chirp-v4-5",
        lyrics="la",
        style="bossa",
        title="Quay",
        negative="drums",
        voice="f",
        instrumental=False,
    )

    assert body == {
        "model": "chirp-v4-5",
        "prompt": "la",
        "style": "bossa, A warm trio",
        "title": "Quay",
        "tags": "drums",
        "gender": "female",
        "make_instrumental": False,
    }
    assert notes == ()


def test_udio_without_lyrics_describes_the_style():
    """Inspiration mode reads the description, so the style is in it too."""
    body, notes = udio(style="bossa")

    assert body == {"gpt_description_prompt": "A warm trio. Style: bossa.", "style": "bossa"}
    assert notes == ()


def test_udio_says_what_it_cannot_do():
    """Choices of the other service are notes, not sent."""
    body, notes = udio(duration=8, format="mp3", suno={}, provider="suno", debug={})

    assert body == {"gpt_description_prompt": "A warm trio"}
    assert {note.split(":")[0] for note in notes} == {
        "duration",
        "format",
        "suno",
        "provider",
        "debug",
    }


def test_udio_keeps_the_style_when_there_is_no_room_for_the_prompt():
    """Beside a style, an overlong prompt is left out aloud."""
    body, notes = udio("p" * 150, model="chirp-v4.0", lyrics="la", style="s" * 100)

    assert body["style"] == "s" * 100
    assert notes[0].startswith("prompt: no room")


@pytest.mark.parametrize(
    ("words", "field", "reason"),
    [
        ({"duration": "8"}, "duration", "invalid_type"),
        ({"prompt": 5}, "prompt", "invalid_type"),
        ({"lyrics": ["la"]}, "lyrics", "invalid_type"),
        ({"title": True}, "title", "invalid_type"),
        ({"instrumental": "yes"}, "instrumental", "invalid_type"),
        ({"voice": "tenor"}, "voice", "invalid_value"),
        ({"voice": 1}, "voice", "invalid_type"),
        ({"suno": "x", "style": "s"}, "suno", "invalid_type"),
        ({"suno": object()}, "suno", "invalid_type"),
        ({"routing": "x"}, "routing", "invalid_type"),
        ({"model": None}, "model", "invalid_type"),
        ({"model": 5}, "model", "invalid_type"),
        ({"format": "flac"}, "format", "invalid_value"),
        ({"suno": {"styleWeight": 2}}, "suno.styleWeight", "too_big"),
        ({"suno": {"style_weight": 0, "styleWeight": 0}}, "suno.styleWeight", "given_twice"),
    ],
)
def test_wrong_words_are_refused_in_our_error(words, field, reason):
    """Wrong types of words raise RequestRejected with the field that was wrong."""
    with pytest.raises(RequestRejected) as caught:
        build_request("phaseo", **{"prompt": "p", "model": SUNO, **words})

    assert (caught.value.field, caught.value.reason) == (field, reason)


anything = st.none() | st.text(max_size=5) | st.integers() | st.booleans() | st.just({"a": 1})


@given(
    wire=st.sampled_from(["phaseo", "udio"]),
    model=st.sampled_from([SUNO, ELEVEN, MINIMAX, LYRIA, SANDBOX, "x/y", None, "chirp-v4-5"]),
    words=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                *("prompt", "duration", "format", "lyrics", "style", "title", "instrumental"),
                *("negative", "voice", "suno", "elevenlabs", "minimax", "provider", "debug"),
            ),
            anything,
        ),
    ),
)
def test_any_words_become_a_request_or_are_refused(wire, model, words):
    """No combination of words ends in another exception; what is built is valid again."""
    try:
        request, notes = build_request(wire, **{"model": model, **words})
    except RequestRejected:
        return

    assert type(request).model_validate(request.to_wire()) == request
    assert all(": " in note for note in notes)
    for name in ("lyrics", "style", "title", "negative"):
        word = words.get(name)
        if isinstance(word, str) and word.strip():
            said = any(note.startswith(f"{name}:") for note in notes)
            assert (
                word in str(request.to_wire()) or repr(word)[1:-1] in str(request.to_wire()) or said
            )


@pytest.mark.parametrize(
    "model",
    ["suno/v4.5", "elevenlabs/music-v1", "minimax/music-2.6", "google/lyria-3", "sandbox/band"],
)
@pytest.mark.parametrize(
    "words",
    [
        {"duration": 8},
        {"lyrics": "la la la"},
        {"style": "jazz", "title": "Song"},
        {"instrumental": True, "lyrics": "la"},
        {"negative": "drums", "voice": "f"},
        {"suno": {"personaId": "x"}},
        {"elevenlabs": {"model_id": "x"}},
        {"minimax": {"output_format": "url"}},
        {"duration": -1},
        {"suno": "no dict"},
    ],
)
def test_notes_without_a_request_are_those_of_the_request(model, words):
    """A form asks for notes at each key; they are those that the request itself would carry."""

    def said(notes):
        try:
            return notes()
        except RequestRejected as error:
            return str(error)

    made = said(lambda: build_request("phaseo", "a tune", model=model, **words).notes)
    assert said(lambda: notes_on(model, "a tune", words)) == made
