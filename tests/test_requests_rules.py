"""The gateway's rules after the schema, each with a case on both sides of its border."""

from __future__ import annotations

import pytest

from phaseo_nb.requests.rules import check_rules, provider_of
from phaseo_nb.requests.schema import check_schema

NO_PROMPT = "prompt_required_when_custom_mode_disabled"
NO_STYLE = "style_and_title_required_when_custom_mode_enabled"
NO_LYRICS = "prompt_required_for_lyric_mode_when_custom_mode_enabled"
MINIMAX_LYRICS = "lyrics_required_for_non_instrumental_minimax_music"
MINIMAX_PROMPT = "invalid_minimax_music_prompt"
COVER = "invalid_minimax_music_cover_request"


def reason(body):
    assert check_schema(body) == []
    refusal = check_rules(body)
    return refusal.reason if refusal else None


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("suno/v4.5", "suno"),
        ("  suno/v5 \u00a0", "suno"),
        ("eleven-labs/music", "elevenlabs"),
        ("elevenlabs/music", "elevenlabs"),
        ("minimax/music-2.6", "minimax"),
        ("google/lyria-3-clip-preview", "google"),
        ("google-ai-studio:google/lyria-3-pro-preview", "google"),
        ("Suno:suno/v5", "suno"),
        ("minimax/music-2.6:free", "minimax"),
        ("sandbox/band", "sandbox"),
        ("bogusprov:suno/v5", None),
        ("Suno/v5", None),
        ("v5", None),
        ("", None),
    ],
)
def test_provider_follows_from_the_model(model, provider):
    """The pinned provider counts, else the namespace; letter case counts in the model's name."""
    assert provider_of(model) == provider


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (" ", "model_required"),
        ("\u00a0", "model_required"),
        ("\u200b", None),
        (":suno/v5", "invalid_provider_slug"),
        ("-x:suno/v5", "invalid_provider_slug"),
        ("su no:suno/v5", "invalid_provider_slug"),
        ("a" * 129 + ":x/y", "invalid_provider_slug"),
        ("a" * 128 + ":x/y", None),
        ("suno:/v5", "invalid_provider_qualified_model"),
        ("suno:suno/", "invalid_provider_qualified_model"),
        ("bogusprov:suno/v5", None),
        ("suno:v5", None),
        ("suno/v5:free", None),
    ],
)
def test_model_names(model, expected):
    """Blank names and malformed pins are refused; who exists is the catalogue's business."""
    assert reason({"model": model, "prompt": "p"}) == expected


@pytest.mark.parametrize("source", ["provider", "routing"])
@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"data_collection": "deny"}, "data_collection"),
        ({"dataCollection": "deny"}, "dataCollection"),
        ({"quantizations": ["fp8"]}, "quantizations"),
        ({"enforce_distillable_text": True}, "enforce_distillable_text"),
        ({"enforceDistillableText": True}, "enforceDistillableText"),
    ],
)
def test_filters_the_gateway_cannot_apply_are_refused(source, options, field):
    """Policies without provider data behind them are refused by the gateway itself."""
    refusal = check_rules({"model": "suno/v5", "prompt": "p", source: options})

    assert refusal is not None
    assert (refusal.field, refusal.reason) == (f"{source}.{field}", "unsupported_routing_filter")
    assert refusal.status == 400


@pytest.mark.parametrize(
    "options",
    [
        {"data_collection": "allow"},
        {"data_collection": None, "quantizations": None, "enforce_distillable_text": None},
        {"zdr": True, "mode": "price"},
    ],
)
def test_other_filters_are_left_to_the_gateway(options):
    """Null and known filters pass."""
    assert reason({"model": "suno/v5", "prompt": "p", "provider": options}) is None


@pytest.mark.parametrize("instrumental", [None, True, False])
@pytest.mark.parametrize("custom", [None, True, False])
@pytest.mark.parametrize("style", [None, " \u00a0", "folk"])
@pytest.mark.parametrize("title", [None, "", "Reed"])
@pytest.mark.parametrize("prompt", [None, "\n", "words"])
def test_suno_matrix(custom, instrumental, style, title, prompt):
    """The custom × instrumental table of the contract, for every filling of its fields."""
    options = {
        "customMode": custom,
        "instrumental": instrumental,
        "style": style,
        "title": title,
    }
    body = {"model": "suno/v5", "suno": {k: v for k, v in options.items() if v is not None}}
    if prompt is not None:
        body["prompt"] = prompt
    has_prompt = prompt == "words"
    if custom is not True:
        expected = None if has_prompt else NO_PROMPT
    elif style != "folk" or title != "Reed":
        expected = NO_STYLE
    else:
        expected = None if instrumental is True or has_prompt else NO_LYRICS

    assert reason(body) == expected


def test_empty_suno_prompt_hides_the_prompt_and_says_so():
    """An empty suno.prompt wins over a good prompt; the refusal names it as the cause."""
    refusal = check_rules({"model": "suno/v5", "prompt": "good", "suno": {"prompt": ""}})

    assert refusal is not None
    assert (refusal.field, refusal.reason, refusal.status) == ("suno.prompt", NO_PROMPT, 502)
    assert "hides the prompt" in refusal.expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"prompt": "p"}, None),
        ({"prompt": " "}, None),
        ({"prompt": ""}, MINIMAX_PROMPT),
        ({}, MINIMAX_PROMPT),
        ({"prompt": "p", "minimax": {"prompt": ""}}, MINIMAX_PROMPT),
        ({"prompt": "", "minimax": {"lyrics": "la"}}, None),
        ({"prompt": "", "minimax": {"lyrics": ""}}, None),
        ({"prompt": "", "lyrics": "la"}, None),
        ({"prompt": "", "lyrics": " \u00a0"}, MINIMAX_PROMPT),
        ({"minimax": {"lyrics_optimizer": True}}, None),
        ({"prompt": "p", "minimax": {"is_instrumental": False}}, MINIMAX_LYRICS),
        ({"prompt": "p", "is_instrumental": False}, MINIMAX_LYRICS),
        ({"prompt": "p", "is_instrumental": False, "minimax": {"is_instrumental": True}}, None),
        ({"prompt": "p", "is_instrumental": "no"}, None),
        ({"prompt": "p", "minimax": {"is_instrumental": False, "lyrics": ""}}, None),
        ({"prompt": "p", "lyrics": "la", "minimax": {"is_instrumental": False}}, None),
        ({"prompt": "p", "minimax": {"is_instrumental": False, "lyrics_optimizer": True}}, None),
        ({"prompt": "", "minimax": {"is_instrumental": True, "lyrics": "la"}}, MINIMAX_PROMPT),
        ({"prompt": "a" * 2000}, None),
        ({"prompt": "a" * 2001}, MINIMAX_PROMPT),
        ({"prompt": "🎵" * 1001, "minimax": {"lyrics": "la"}}, MINIMAX_PROMPT),
        ({"prompt": "p", "minimax": {"stream": False}}, None),
        (
            {"prompt": "p", "minimax": {"stream": True}},
            "minimax_music_streaming_not_supported_by_gateway",
        ),
        ({"prompt": "p", "format": "wav"}, None),
        ({"prompt": "p", "format": "ogg"}, "unsupported_minimax_music_audio_format"),
        ({"prompt": "p", "format": "aac"}, "unsupported_minimax_music_audio_format"),
        (
            {"prompt": "p", "format": "aac", "minimax": {"stream": True}},
            "minimax_music_streaming_not_supported_by_gateway",
        ),
        ({"prompt": "", "format": "ogg", "minimax": {"is_instrumental": False}}, MINIMAX_LYRICS),
    ],
)
def test_minimax_rules_in_their_order(body, expected):
    """Lyrics, prompt, stream, format: the first broken rule is the one that is told."""
    assert reason({"model": "minimax/music-2.6", **body}) == expected


URL = "https://a.example/x.mp3"


@pytest.mark.parametrize(
    ("prompt", "minimax", "expected"),
    [
        ("p" * 10, {"audio_url": URL}, None),
        ("p" * 300, {"audio_base64": "AA"}, None),
        ("p" * 10, {"cover_feature_id": "c"}, None),
        ("p" * 9, {"audio_url": URL}, COVER),
        ("p" * 301, {"audio_url": URL}, COVER),
        ("p" * 10, {}, COVER),
        ("p" * 10, {"audio_url": URL, "audio_base64": "AA"}, COVER),
        ("p" * 10, {"audio_url": URL, "is_instrumental": False}, None),
        ("p" * 2001, {"audio_url": URL}, MINIMAX_PROMPT),
        ("p" * 10, {"stream": True}, COVER),
    ],
)
@pytest.mark.parametrize("model", ["minimax/music-cover", "minimax:minimax/music-cover-free"])
def test_covers(model, prompt, minimax, expected):
    """A cover has exactly one source and a prompt of 10 to 300 characters."""
    assert reason({"model": model, "prompt": prompt, "minimax": minimax}) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"prompt": "p"}, None),
        ({"prompt": " \n"}, "missing_prompt_or_input"),
        ({}, "missing_prompt_or_input"),
        ({"image": "https://a.example/x.png"}, None),
    ],
)
def test_lyria_needs_a_prompt_or_an_image(body, expected):
    """Lyria refuses what has neither words nor a picture."""
    assert reason({"model": "google/lyria-3-clip-preview", **body}) == expected


@pytest.mark.parametrize("model", ["eleven-labs/music", "some/model", "bogusprov:suno/v5"])
def test_others_have_no_rule_here(model):
    """ElevenLabs and unknown providers take a request without words."""
    assert reason({"model": model, "prompt": ""}) is None
