"""UdioRequest: the rules of udioapi.pro's pages, each with a case on both sides of its border."""

from __future__ import annotations

import pytest

from phaseo_nb.errors import RequestRejected
from phaseo_nb.requests import UdioRequest

EVERYTHING = {
    "gpt_description_prompt": "a slow harbour shanty",
    "prompt": "[Verse]\nSlack water",
    "style": "shanty",
    "title": "Slack Water",
    "tags": "drums",
    "gender": "female",
    "make_instrumental": False,
    "custom_mode": True,
    "model": "chirp-v4-5",
    "style_weight": 0.65,
    "weirdness_constraint": 0,
    "audio_weight": 1,
    "cluster": "default",
    "continue_clip_id": "clip",
    "continue_at": 12.5,
    "callback_url": "https://hooks.example.com/udio",
    "disable_callback": False,
}


def issues(**words):
    try:
        UdioRequest(**words)
    except RequestRejected as error:
        return [(issue.field, issue.reason) for issue in error.issues]
    return []


def test_a_body_with_everything_comes_back_as_it_went_in():
    """Every field of the pages survives; which generation is meant stays here."""
    request = UdioRequest.model_validate(EVERYTHING)

    assert request.to_wire() == EVERYTHING
    assert UdioRequest(**EVERYTHING, api="callback").to_wire() == EVERYTHING
    assert (request.api, request.title, request.continue_at) == ("v2", "Slack Water", 12.5)


def test_the_token_never_stays():
    """A token in a body is left behind; as a keyword it is refused without being shown."""
    body = {"token": "tok-very-secret", "prompt": "la"}

    request = UdioRequest.model_validate(body)
    with pytest.raises(RequestRejected) as caught:
        UdioRequest(prompt="la", token="tok-very-secret")

    assert request.to_wire() == {"prompt": "la"}
    assert request.api == "token"
    assert "very-secret" not in f"{request!r}{caught.value!r}{caught.value.issues}"


@pytest.mark.parametrize("style", [None, " ", "folk"])
@pytest.mark.parametrize("title", [None, "\u00a0", "Reed"])
@pytest.mark.parametrize("prompt", [None, "", "la"])
@pytest.mark.parametrize("instrumental", [None, False, True])
@pytest.mark.parametrize("custom", [False, True])
def test_table_of_custom_mode_and_instrumental(custom, instrumental, style, title, prompt):
    """The table of the callback page, for every filling of its fields."""
    words = {"style": style, "title": title, "prompt": prompt, "make_instrumental": instrumental}
    required = ["prompt"]
    if custom:
        required = ["style", "title"] if instrumental else ["style", "prompt", "title"]
    good = {"style": "folk", "title": "Reed", "prompt": "la"}
    missing = [(name, f"{name} is required") for name in required if words[name] != good[name]]

    found = issues(custom_mode=custom, **{k: v for k, v in words.items() if v is not None})

    assert found == missing


@pytest.mark.parametrize(
    ("words", "accepted"),
    [
        ({"prompt": "la"}, True),
        ({"gpt_description_prompt": "a shanty"}, True),
        ({"prompt": " ", "gpt_description_prompt": "a shanty"}, True),
        ({"prompt": " "}, False),
        ({"style": "folk", "title": "Reed"}, False),
        ({}, False),
        ({"api": "token", "prompt": "la"}, True),
        ({"api": "token", "gpt_description_prompt": "a shanty"}, False),
    ],
)
def test_without_custom_mode_one_of_two_prompts_is_enough(words, accepted):
    """The newer rule: what is sung, or what it should be; the oldest form needs prompt."""
    assert (issues(**words) == []) is accepted


@pytest.mark.parametrize(
    ("model", "field", "longest"),
    [
        ("chirp-v3-5", "prompt", 3000),
        ("chirp-v3.5", "prompt", 3000),
        ("chirp-v4-0", "prompt", 3000),
        ("chirp-v4.0", "prompt", 3000),
        ("chirp-v4-5", "prompt", 5000),
        ("chirp-v4-5-plus", "prompt", 5000),
        ("chirp-v9-new", "prompt", 5000),
        (None, "prompt", 5000),
        ("chirp-v3-5", "style", 200),
        ("chirp-v4.0", "style", 200),
        ("chirp-v4-5-plus", "style", 1000),
        ("chirp-v5", "style", 1000),
        ("chirp-v3-5", "title", 80),
        ("chirp-v5-5", "title", 80),
        ("chirp-v3-5", "gpt_description_prompt", 400),
    ],
)
def test_texts_have_longest_lengths_by_model(model, field, longest):
    """A text of the stated length passes, one character more is the service's own refusal."""
    words = {"prompt": "la"} | ({"model": model} if model else {})

    assert issues(**{**words, field: "a" * longest}) == []
    assert issues(**{**words, field: "a" * (longest + 1)}) == [(field, "Topic too long.")]


def test_newer_models_state_no_limit_for_descriptions():
    """Where no page states a limit, none is made up."""
    assert issues(gpt_description_prompt="a" * 9000, model="chirp-v4-5") == []


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/a?b=c",
        "http://hooks.example.com:8080",
        "https://8.8.8.8/x",
        "https://[2606:4700::1111]/",
    ],
)
def test_public_callbacks_pass(url):
    """The service can reach these."""
    assert issues(prompt="la", callback_url=url) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com",
        "javascript:alert(1)",
        "http://localhost/x",
        "http://LOCALHOST.:80/x",
        "http://printer/x",
        "http://box.local/x",
        "http://127.0.0.1/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "http://0177.0.0.1/x",
        "http://10.0.0.1/x",
        "http://192.168.1.4/x",
        "http://169.254.169.254/latest",
        "http://[::1]/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://[fd00::1]/x",
        "http://224.0.0.1/x",
        "https://user:pw@hooks.example.com/x",
        " https://hooks.example.com",
    ],
)
def test_callbacks_that_nobody_outside_reaches_are_refused(url):
    """No localhost, no private address in any spelling, no other scheme."""
    assert issues(prompt="la", callback_url=url) == [("callback_url", "invalid_callback_url")]


def test_the_callback_api_needs_an_address():
    """api="callback" asks for callback_url, unless the callback is switched off."""
    missing = [("callback_url", "callback_url is required")]

    assert issues(prompt="la", api="callback") == missing
    assert issues(prompt="la", api="callback", disable_callback=True) == []
    assert issues(prompt="la", api="callback", callback_url="https://h.example.com") == []


@pytest.mark.parametrize(
    ("words", "issue"),
    [
        ({"gender": "m"}, ("gender", "invalid_value")),
        ({"style_weight": 1.01}, ("style_weight", "too_big")),
        ({"audio_weight": -0.01}, ("audio_weight", "too_small")),
        ({"style_weight": 0.333}, ("style_weight", "too_many_decimals")),
        ({"style_weight": True}, ("style_weight", "invalid_type")),
        ({"make_instrumental": "yes"}, ("make_instrumental", "invalid_type")),
        ({"title": None}, ("title", "invalid_type")),
        ({"model": " "}, ("model", "model_required")),
        ({"continue_at": -1}, ("continue_at", "too_small")),
        ({"api": "v3"}, ("api", "invalid_value")),
        ({"duration": 8}, ("duration", "unrecognized_keys")),
        ({"make_instrumentals": True}, ("make_instrumentals", "unrecognized_keys")),
    ],
)
def test_wrong_values_are_refused(words, issue):
    """Each field refuses what its page does not allow."""
    assert issues(prompt="la", **words) == [issue]


@pytest.mark.parametrize("body", [None, [], "x", 5, True])
def test_bodies_that_are_no_object_are_refused(body):
    """Only an object is a request."""
    with pytest.raises(RequestRejected, match="object"):
        UdioRequest.model_validate(body)


def test_ineffective_fields_are_told():
    """Fields of another generation, and a description beside sung words, are listed."""
    request = UdioRequest(
        prompt="la",
        gpt_description_prompt="a shanty",
        continue_at=3,
        callback_url="https://h.example.com",
    )

    assert [line.split(":")[0] for line in request.ineffective()] == [
        "gpt_description_prompt",
        "continue_at",
        "callback_url",
    ]
    assert UdioRequest(gpt_description_prompt="a shanty").ineffective() == []


def test_copies_keep_the_generation():
    """A changed copy is checked again and stays at its endpoint."""
    request = UdioRequest(prompt="la", api="token")

    copy = request.model_copy(update={"title": "T"})

    assert (copy.api, copy.to_wire()) == ("token", {"prompt": "la", "title": "T"})
    assert copy != request
    with pytest.raises(RequestRejected, match="Topic too long"):
        request.model_copy(update={"title": "T" * 81})
