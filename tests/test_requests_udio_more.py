"""Requests of udioapi.pro about music that exists: their rules, and that they stay themselves."""

from __future__ import annotations

import json

import pytest

from phaseo_nb.errors import RequestRejected
from phaseo_nb.keeping.records import dump_request, load_request
from phaseo_nb.requests import (
    CoverImageRequest,
    ExtendRequest,
    UdioRequest,
    UploadCoverRequest,
    request_key,
)

EXTEND = {
    "origin_task_id": "gen1bksv",
    "extend_audio_index": 0,
    "extensionStartTime": 60.0,
    "custom_mode": True,
    "prompt": "once more",
    "style": "shanty",
    "title": "Slack Water, on",
    "tags": "drums",
    "callback_url": "https://hooks.example.com/udio",
}
UPLOAD_COVER = {
    "upload_url": "https://cdn.example.net/tune.mp3",
    "model": "chirp-v4-5",
    "custom_mode": True,
    "prompt": "[Verse]\nSlack water",
    "style": "bossa nova",
    "title": "Slack Water",
    "tags": "drums",
    "gender": "male",
    "make_instrumental": False,
    "style_weight": 0.65,
    "weirdness_constraint": 0,
    "audio_weight": 1,
    "callback_url": "https://hooks.example.com/udio",
}
COVER_IMAGE = {"taskId": "gen1bksv"}
WHOLE = [(ExtendRequest, EXTEND), (UploadCoverRequest, UPLOAD_COVER)]
WHOLE += [(CoverImageRequest, COVER_IMAGE)]
NAMES = [kind.__name__ for kind, _ in WHOLE]


def issues(kind, **words):
    try:
        kind(**words)
    except RequestRejected as error:
        return [(issue.field, issue.reason) for issue in error.issues]
    return []


def without(body, *names):
    return {name: value for name, value in body.items() if name not in names}


@pytest.mark.parametrize(("kind", "body"), WHOLE, ids=NAMES)
def test_a_body_with_everything_comes_back_as_it_went_in(kind, body):
    """Every field of the pages survives, in the wire's spelling, and nothing is added."""
    assert kind.model_validate(body).to_wire() == body
    assert kind(**body).to_wire() == body


@pytest.mark.parametrize(("kind", "body"), WHOLE, ids=NAMES)
def test_a_kept_request_is_the_same_again(kind, body):
    """What the journal has gives the same kind of request, less the callback address."""
    request = kind(**without(body, "callback_url"))

    again = load_request(dump_request(kind(**body)))

    assert type(again) is kind
    assert again == request
    assert "hooks.example.com" not in dump_request(kind(**body))


def test_python_spelling_is_taken_too():
    """snake_case goes out as the wire spells it."""
    extend = ExtendRequest(origin_task_id="g", extend_audio_index=1, extension_start_time=3)

    assert extend.to_wire()["extensionStartTime"] == 3
    assert CoverImageRequest(task_id="g").to_wire() == {"taskId": "g"}


def test_the_model_of_an_extension_is_known_and_not_sent():
    """It has a price, so it is kept; the page of extend lists no such field."""
    request = ExtendRequest(origin_task_id="g", extend_audio_index=1, model="chirp-v4-5")

    assert "model" not in request.to_wire()
    assert load_request(dump_request(request)).model == "chirp-v4-5"
    assert request.model_copy(update={"title": "x"}).model == "chirp-v4-5"


@pytest.mark.parametrize(
    ("kind", "words", "found"),
    [
        (ExtendRequest, EXTEND, []),
        (ExtendRequest, {**EXTEND, "extend_audio_index": 1}, []),
        (ExtendRequest, without(EXTEND, "custom_mode", "prompt", "extensionStartTime"), []),
        (
            ExtendRequest,
            without(EXTEND, "extend_audio_index"),
            [("extend_audio_index", "extend_audio_index is required")],
        ),
        (
            ExtendRequest,
            without(EXTEND, "origin_task_id"),
            [("origin_task_id", "origin_task_id is required")],
        ),
        (
            ExtendRequest,
            {**EXTEND, "origin_task_id": " "},
            [("origin_task_id", "origin_task_id is required")],
        ),
        (
            ExtendRequest,
            {**EXTEND, "extend_audio_index": 2},
            [("extend_audio_index", "invalid_value")],
        ),
        (
            ExtendRequest,
            {**EXTEND, "extend_audio_index": True},
            [("extend_audio_index", "invalid_type")],
        ),
        (
            ExtendRequest,
            {**EXTEND, "extensionStartTime": -1},
            [("extensionStartTime", "too_small")],
        ),
        (ExtendRequest, {**EXTEND, "extensionStartTime": 0}, []),
        (ExtendRequest, without(EXTEND, "prompt"), [("prompt", "prompt is required")]),
        (ExtendRequest, {**EXTEND, "prompt": "x" * 5000}, []),
        (ExtendRequest, {**EXTEND, "prompt": "x" * 5001}, [("prompt", "Topic too long.")]),
        (ExtendRequest, {**EXTEND, "title": "x" * 81}, [("title", "Topic too long.")]),
        (ExtendRequest, {**EXTEND, "gender": "male"}, [("gender", "unrecognized_keys")]),
        (
            ExtendRequest,
            {**EXTEND, "callback_url": "http://localhost/x"},
            [("callback_url", "invalid_callback_url")],
        ),
        (UploadCoverRequest, UPLOAD_COVER, []),
        (
            UploadCoverRequest,
            without(UPLOAD_COVER, "upload_url"),
            [("upload_url", "upload_url is required")],
        ),
        (UploadCoverRequest, without(UPLOAD_COVER, "model"), [("model", "model is required")]),
        (UploadCoverRequest, {**UPLOAD_COVER, "model": " "}, [("model", "model_required")]),
        (
            UploadCoverRequest,
            {**UPLOAD_COVER, "upload_url": "file:///etc/passwd"},
            [("upload_url", "invalid_upload_url")],
        ),
        (
            UploadCoverRequest,
            {**UPLOAD_COVER, "upload_url": "https://me:pw@example.org/x"},
            [("upload_url", "invalid_upload_url")],
        ),
        (UploadCoverRequest, without(UPLOAD_COVER, "title"), [("title", "title is required")]),
        (
            UploadCoverRequest,
            {**without(UPLOAD_COVER, "prompt", "style", "title"), "custom_mode": False},
            [("prompt", "prompt is required")],
        ),
        (UploadCoverRequest, {**UPLOAD_COVER, "style": "x" * 1001}, [("style", "Topic too long.")]),
        (
            UploadCoverRequest,
            {**UPLOAD_COVER, "style": "x" * 201, "model": "chirp-v4-0"},
            [("style", "Topic too long.")],
        ),
        (
            UploadCoverRequest,
            {**UPLOAD_COVER, "style_weight": 0.655},
            [("style_weight", "too_many_decimals")],
        ),
        (
            UploadCoverRequest,
            {**UPLOAD_COVER, "continue_at": 3},
            [("continue_at", "unrecognized_keys")],
        ),
        (CoverImageRequest, COVER_IMAGE, []),
        (CoverImageRequest, {}, [("taskId", "taskId is required")]),
        (CoverImageRequest, {"taskId": "x" * 513}, [("taskId", "bad taskId")]),
        (CoverImageRequest, {**COVER_IMAGE, "prompt": "a boat"}, [("prompt", "unrecognized_keys")]),
    ],
)
def test_the_rules_hold_on_both_sides_of_their_borders(kind, words, found):
    """A request is refused for what the pages say, by field and reason, and for nothing else."""
    assert issues(kind, **words) == found


def test_a_refusal_says_what_would_be_right():
    """The message names field, value and a way out, and that nothing was sent."""
    with pytest.raises(RequestRejected) as caught:
        ExtendRequest(origin_task_id="gen1bksv", extend_audio_index=7)

    assert "extend_audio_index = 7 was not sent" in str(caught.value)
    assert "one of 0, 1" in str(caught.value)


@pytest.mark.parametrize(("kind", "body"), WHOLE, ids=NAMES)
def test_each_knows_its_own_route_and_no_other(kind, body):
    """`api` says which route is meant, stays off the wire and cannot be another one."""
    request = kind(**body)

    assert "api" not in request.to_wire()
    assert kind.model_validate({**body, "api": request.api}) == request
    assert issues(kind, **body, api="v2") == [("api", "invalid_value")]
    assert issues(UdioRequest, prompt="la", api=request.api) == [("api", "invalid_value")]


def test_equal_wishes_have_one_name_and_other_wishes_another():
    """Neither callback nor model tells extensions apart; track, place and words do."""

    def key(request):
        return request_key(request, gateway="udio", base_url="https://udioapi.pro")

    plain = ExtendRequest(**without(EXTEND, "callback_url"))

    assert key(ExtendRequest(**EXTEND)) == key(plain)
    assert key(plain.model_copy(update={"model": "chirp-v5"})) == key(plain)
    others = [
        plain.model_copy(update=change)
        for change in ({"extend_audio_index": 1}, {"extensionStartTime": 61}, {"prompt": "no more"})
    ]
    assert len({key(request) for request in (plain, *others)}) == 4


def test_a_callback_address_is_never_shown():
    """It holds a token."""
    shown = repr(ExtendRequest(**EXTEND)) + repr(UploadCoverRequest(**UPLOAD_COVER))

    assert "hooks.example.com" not in shown


def test_a_request_of_before_is_still_read():
    """What the journal had before these kinds existed comes back as it was."""
    text = json.dumps({"kind": "udio", "body": {"prompt": "la"}, "api": "token"})

    assert load_request(text) == UdioRequest(prompt="la", api="token")
