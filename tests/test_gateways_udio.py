"""The other routes of udioapi.pro: what is sent, what comes back, and every way it says no."""

from __future__ import annotations

import json

import pytest

from phaseo_nb import errors
from phaseo_nb.gateways import failure_message, get_gateway
from phaseo_nb.jobs import Cost, Credits
from phaseo_nb.requests import CoverImageRequest, ExtendRequest, UdioRequest, UploadCoverRequest
from phaseo_nb.transport.messages import Answer

SERVICE = "https://udioapi.pro"
EXTEND = ExtendRequest(origin_task_id="gen1bksv", extend_audio_index=0, model="chirp-v4-5")
COVER = UploadCoverRequest(upload_url="https://cdn.example.net/t.mp3", model="chirp-v5", prompt="x")
IMAGE = CoverImageRequest(task_id="gen1bksv")
PLAIN = UdioRequest(gpt_description_prompt="a shanty", model="chirp-v4-5")
EACH = [EXTEND, COVER, IMAGE]
NAMES = ["extend", "upload-cover", "cover-image"]


@pytest.fixture
def udio():
    return get_gateway("udio")


def answer(body, status=200, path="/api/v2/extend", method="POST"):
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(status, {"content-type": "application/json"}, data, SERVICE + path, method)


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (EXTEND, "/api/v2/extend"),
        (COVER, "/api/v2/upload-cover/generate"),
        (IMAGE, "/api/v2/cover/generate"),
    ],
    ids=NAMES,
)
def test_each_request_has_its_route(udio, request_, path):
    """Each is posted to the route of its page as a paid call, with the key in the header."""
    call = udio.submission(request_)

    assert (call.method, call.path, call.auth, call.creates) == ("POST", path, "bearer", True)
    assert call.json == request_.to_wire()


@pytest.mark.parametrize("spelling", ["chirp-v3-5", "chirp-v3.5"])
def test_both_spellings_of_a_model_go_out_as_given(udio, spelling):
    """Dots and dashes are not interchangeable, so neither is touched."""
    request = UploadCoverRequest(upload_url="https://a.example.net/x", model=spelling, prompt="x")

    assert udio.submission(request).json["model"] == spelling


@pytest.mark.parametrize(
    "body",
    [
        {"code": 200, "message": "success", "workId": "ext42bksv"},
        {"code": 200, "message": "success", "data": {"task_id": "ext42bksv"}},
        {"message": "success", "workId": "ext42bksv"},
    ],
)
@pytest.mark.parametrize("request_", [EXTEND, COVER], ids=NAMES[:2])
def test_an_accepted_order_has_its_work_id(udio, request_, body):
    """The id is found under each of its names; the job is queued."""
    job = udio.read_submission(answer(body), request_)

    assert (job.id, job.status, job.stage) == ("ext42bksv", "queued", "new")
    assert job.model == request_.model


def test_an_accepted_picture_says_what_it_costs(udio):
    """The page names one credit; its id is kept apart from those of music."""
    body = {"code": 200, "msg": "success", "data": {"taskId": "cover88bb"}}

    job = udio.read_submission(answer(body), IMAGE)

    assert job.id == "cover:cover88bb"
    assert job.cost == Cost(credits=1.0, is_estimate=True)
    assert job.tracks == ()


def test_songs_report_to_an_address_and_pictures_to_none(udio):
    """A callback goes with extend and upload cover; the page of cover images names none."""
    address = "https://my.example.com/callbacks/a-token"

    for request in (EXTEND, COVER):
        inviting = udio.with_callback(request, address)
        assert udio.submission(inviting).json == {**request.to_wire(), "callback_url": address}
        assert udio.submission(inviting).path == udio.submission(request).path
    assert udio.with_callback(IMAGE, address) is None


def test_prices_are_those_of_the_model_and_of_the_page(udio):
    """An extension costs what its model does, a picture one credit, the unknown is unknown."""
    assert udio.list_price(EXTEND) == udio.list_price(PLAIN)
    assert udio.list_price(EXTEND).credits == 10
    assert udio.list_price(COVER) == Cost()
    assert str(udio.list_price(IMAGE)) == "about 1 credit"


def test_status_is_asked_where_the_job_lives(udio):
    """Music at the feeds, uploaded covers also at their own route, pictures at theirs alone."""

    def calls(job_id):
        return [(call.path, dict(call.params)) for call in udio.status_calls(job_id)]

    both = {"workId": "upcov7", "task_id": "upcov7"}
    assert [path for path, _ in calls("ext42bksv")] == ["/api/v2/feed", "/api/feed"]
    assert calls("upcov7")[-1] == ("/api/v2/upload-cover/status", both)
    assert len(calls("upcov7")) == 3
    assert calls("cover:gen1bksv") == [("/api/v2/cover/status", {"task_id": "gen1bksv"})]


# -- pictures ------------------------------------------------------------------------------------

ONE = "https://cdn.example.net/c0.png"
TWO = "https://cdn.example.net/c1.png"


def picture(udio, body, status=200):
    asked = answer(body, status, "/api/v2/cover/status", "GET")
    return udio.read_status(asked, "cover:gen1bksv")


@pytest.mark.parametrize(
    "data",
    [
        {"status": "SUCCESS", "images": [ONE, TWO]},
        {"images": [ONE, TWO]},
        {"state": "success", "response": {"images": [ONE, TWO]}},
        {"successFlag": 1, "response": {"imageUrls": [ONE, TWO]}},
        {"type": "SUCCESS", "response_data": [{"image_url": ONE}, {"image_url": TWO}]},
        {"status": "complete", "images": [{"url": ONE}, {"url": TWO}]},
        [{"image_url": ONE}, {"image_url": TWO}],
        [ONE, TWO],
    ],
)
def test_finished_pictures_are_found_in_any_usual_shape(udio, data):
    """The page shows no finished body: addresses count under every name in use."""
    job = picture(udio, {"code": 200, "msg": "success", "data": data})

    assert (job.status, job.is_finished, job.has_audio) == ("completed", True, True)
    assert [(t.image_url, t.is_picture, t.audio_url) for t in job.tracks] == [
        (ONE, True, None),
        (TWO, True, None),
    ]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"status": "IN_PROGRESS", "images": []}, "in_progress"),
        ({"taskId": "c", "successFlag": 0}, "in_progress"),
        ({"status": "PENDING"}, "queued"),
        ({}, "in_progress"),
        ({"status": "painting"}, "painting"),
        ({"status": "FAILED", "errorMessage": "no paint"}, "failed"),
        ({"successFlag": 3, "errorMessage": "no paint"}, "failed"),
        ({"status": "SUCCESS", "images": []}, "failed"),
    ],
)
def test_pictures_on_their_way_and_failed_ones(udio, data, status):
    """Only what is there counts as done; done without a picture is a failure with its reason."""
    job = picture(udio, {"code": 200, "msg": "success", "data": data})

    assert job.status == status
    assert not job.has_audio
    if status == "failed":
        assert job.failure in ("no paint", "the service gave no picture")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"code": 404, "msg": "Task not found"}, 200, errors.JobNotFound),
        ({"code": 401, "msg": "Unauthorized"}, 401, errors.AuthenticationError),
        ({"code": 500, "msg": "Internal server error"}, 200, errors.GatewayUnavailable),
        ("<html>502</html>", 502, errors.GatewayUnavailable),
        ({"code": 200, "msg": "success"}, 200, errors.GatewayUnavailable),
        ("[]", 200, errors.GatewayUnavailable),
        ("not json", 200, errors.GatewayUnavailable),
    ],
)
def test_answers_that_show_no_picture_are_errors(udio, body, status, kind):
    """A refusal inside HTTP 200 counts; what cannot be read is asked for again."""
    with pytest.raises(kind):
        picture(udio, body, status)


def test_hostile_bodies_do_no_harm(udio):
    """Nesting, thousands of addresses and wrong types end in a bounded, quiet answer."""
    deep: dict = {"images": [ONE]}
    for _ in range(150):
        deep = {"data": [deep, {"images": [{}] * 9}], "response": {}}
    many = {"images": [f"https://cdn.example.net/{n}.png" for n in range(5000)]}
    odd = {"images": [7, None, {"url": 7}, True, "no address", ["x"]], "status": ["SUCCESS"]}

    assert picture(udio, {"data": deep}).tracks == ()
    assert len(picture(udio, {"data": many}).tracks) == 8
    assert picture(udio, {"data": odd}).tracks == ()


# -- saying no -----------------------------------------------------------------------------------

REWORD = "Reword the prompt or the lyrics"
REFUSALS = [
    (EXTEND, "missing extend_audio_index", "0 or 1 (`track=`"),
    (EXTEND, "extend_audio_index is required", "0 or 1 (`track=`"),
    (EXTEND, "bad origin_task_id", "`take.job.id`"),
    (EXTEND, "Invalid origin_task_id", "`take.job.id`"),
    (EXTEND, "audio not completed", "wait for it (`nb.resume()`)"),
    (EXTEND, "Audio is not completed", "wait for it (`nb.resume()`)"),
    (EXTEND, "Topic too long.", "Shorten the prompt"),
    (PLAIN, "Topic too long.", "Shorten the prompt"),
    (PLAIN, "prompt too long", "Shorten the prompt"),
    (COVER, "invalid upload_url", "a public address of audio"),
    (PLAIN, "Does Not Meet Guidelines", REWORD),
    (PLAIN, "Prompt contained inappropriate material", REWORD),
    (COVER, "This song violates Suno's content moderation policy", REWORD),
    (IMAGE, "duplicate", "once per job"),
    (IMAGE, "A cover was generated for this task already", "once per job"),
    (IMAGE, "taskId is invalid", "`take.job.id`"),
    (PLAIN, "gpt_description_prompt or prompt is required", "Change what it names"),
]


@pytest.mark.parametrize("shape", ["status 400", "code in 200", "words in 200"])
@pytest.mark.parametrize(("request_", "told", "step"), REFUSALS)
def test_every_refusal_ends_in_its_next_step(udio, request_, told, step, shape):
    """By status, as a code inside HTTP 200 or in words alone: refused, and what to do now."""
    word = "msg" if request_ is IMAGE else "message"
    body = {word: told} if shape == "words in 200" else {"code": 400, word: told}
    status = 400 if shape == "status 400" else 200

    with pytest.raises(errors.ProviderRefused) as caught:
        udio.read_submission(answer(body, status), request_)

    message = str(caught.value)
    assert told.rstrip(".") in message
    assert step in message
    assert message.endswith("Nothing was created.")
    assert ".." not in message
    assert "  " not in message


@pytest.mark.parametrize("request_", EACH, ids=NAMES)
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"code": 401, "msg": "Unauthorized"}, errors.AuthenticationError),
        (200, {"code": 401, "msg": "Unauthorized"}, errors.AuthenticationError),
        (403, {"code": 403, "msg": "Forbidden"}, errors.AuthenticationError),
        (403, "error code: 1010", errors.AuthenticationError),
        (200, {"code": 402, "msg": "Insufficient credits"}, errors.InsufficientFunds),
        (200, {"msg": "Insufficient credits"}, errors.InsufficientFunds),
        (429, {"code": 429, "msg": "Too many requests"}, errors.RateLimited),
        (200, {"code": 429, "msg": "slow down"}, errors.RateLimited),
        (500, {"code": 500, "msg": "Internal server error"}, errors.UncertainSubmission),
        (200, {"code": 500, "msg": "Internal server error"}, errors.UncertainSubmission),
        (200, {"code": 200, "msg": "success", "data": {}}, errors.UncertainSubmission),
        (502, "<html>502</html>", errors.UncertainSubmission),
    ],
)
def test_the_other_codes_mean_the_same_on_every_route(udio, request_, status, body, kind):
    """Key, credits, rate and doubt are told apart; doubt is never called a refusal."""
    with pytest.raises(kind) as caught:
        udio.read_submission(answer(body, status), request_)

    assert ("Nothing was created" in str(caught.value)) is (kind is not errors.UncertainSubmission)


@pytest.mark.parametrize("status", [401, 402, 403])
def test_an_empty_account_is_no_wrong_key(udio, status):
    """ "Insufficient credits" under 403 says to buy credits, not to look at the key."""
    body = {"code": status, "message": "Insufficient credits"}
    request = UdioRequest(prompt="la", model="chirp-v4-5")
    with pytest.raises(errors.InsufficientFunds, match="credits") as caught:
        udio.read_submission(answer(body, status), request)
    assert "UDIOAPI_KEY" not in str(caught.value)


def test_already_is_a_refusal_of_pictures_only(udio):
    """Of a song that "already" exists nobody knows whether it was just made: that stays open."""
    with pytest.raises(errors.UncertainSubmission):
        udio.read_submission(answer({"message": "task already submitted"}), PLAIN)


@pytest.mark.parametrize(
    ("told", "step"),
    [
        ("Topic too long.", "Shorten the prompt, the lyrics or the style"),
        ("Does Not Meet Guidelines", "Reword it, or name another model"),
        ("Prompt contained inappropriate material", "Reword it, or name another model"),
        ("This song violates Suno's content moderation policy", "Reword it, or name another model"),
    ],
)
def test_a_failed_job_has_a_next_step_that_exists_there(udio, told, step):
    """udioapi.pro has no other provider behind it, so none is named."""
    track = {
        "id": "t",
        "audio_url": "",
        "status": "error",
        "fail_message": told,
        "model_name": "chirp",
    }
    feed = {"code": 200, "data": {"type": "FAILED", "response_data": [track]}}

    job = udio.read_status(answer(feed, path="/api/v2/feed", method="GET"), "gen1bksv")
    message = failure_message(job, wire="udio")

    assert job.status == "failed"
    assert told.rstrip(".") in message
    assert step in message
    assert "provider=" not in message


# -- credits -------------------------------------------------------------------------------------


def test_credits_are_read(udio):
    """Left and used come as numbers, also where they were sent as text."""
    call = udio.credits_call()
    body = {"code": 200, "message": "success", "data": {"credits": 1234, "used_credits": "66"}}

    found = udio.read_credits(answer(body, path=call.path, method="GET"))

    assert (call.method, call.path, call.creates) == ("GET", "/api/v2/credits", False)
    assert found == Credits(left=1234.0, used=66.0)
    assert repr(found) == "<Credits 1,234 left, 66 used>"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"code": 401, "message": "Unauthorized"}, errors.AuthenticationError),
        (200, {"code": 401, "message": "Unauthorized"}, errors.AuthenticationError),
        (429, {"code": 429, "message": "Too many requests"}, errors.RateLimited),
        (500, {"code": 500, "message": "Internal"}, errors.GatewayUnavailable),
        (200, {"code": 200, "message": "success", "data": {}}, errors.GatewayUnavailable),
        (200, {"code": 200, "data": {"credits": -3}}, errors.GatewayUnavailable),
        (200, "not json", errors.GatewayUnavailable),
    ],
)
def test_credits_that_are_not_told_are_an_error(udio, status, body, kind):
    """No number is made up; a code inside HTTP 200 counts."""
    with pytest.raises(kind) as caught:
        udio.read_credits(answer(body, status, "/api/v2/credits", "GET"))

    assert "job" not in str(caught.value).lower()


def test_phaseo_has_no_credits():
    """It counts in US dollars, so there is no call to send."""
    assert get_gateway("phaseo").credits_call() is None
