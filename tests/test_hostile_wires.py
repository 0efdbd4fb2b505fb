"""Answers that no honest service gives: facts, doubt or one error of ours, and never more."""

from __future__ import annotations

import json
import math

import pytest
from hostile import KEY, spellings
from pydantic import SecretStr

import phaseo_nb as nb
from phaseo_nb.gateways import get_gateway, may_resend
from phaseo_nb.keeping.records import dump_answer, load_answer
from phaseo_nb.transport.messages import Answer
from phaseo_nb.transport.secrets import scrub, scrub_bytes

PLACES = {
    "phaseo": "https://api.phaseo.app/v1/music/generate",
    "udio": "https://udioapi.pro/api/v2/generate",
}
BOTH = pytest.mark.parametrize("wire", ["phaseo", "udio"])
URL = "https://cdn.example.org/a.mp3"


class Order:
    """The least a gateway needs of a request."""

    api = "v2"

    def __init__(self, model="suno/v4.5"):
        self.model = model

    def to_wire(self):
        return {"model": self.model, "prompt": "a waltz"}


def ordered(wire, body, status=200, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(status, headers, data, PLACES[wire], "POST")
    return get_gateway(wire).read_submission(answer, Order())


def asked(wire, body, status=200, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return get_gateway(wire).read_status(Answer(status, headers, data, PLACES[wire]), "asked-for")


def feed(*tracks, type="SUCCESS", **more):
    return {"code": 200, "data": {"type": type, "response_data": list(tracks), **more}}


# -- statuses ------------------------------------------------------------------------------------

ODD_STATUSES = [
    *("paused_v2", "SUCCESS ", "COMPLETED", " completed", "completed\n", "complete", "done", "ok"),
    *(
        "Failed",
        "failed ",
        "canceled",
        "ｃompleted",
        "comple\u200bted",
        "completed\x00",
        "0",
        "100%",
    ),
    *(None, 1, 0, -1, 2.5, True, False, [], ["completed"], {}, {"completed": 1}, "", "   "),
    "x" * 10_000,
]


@pytest.mark.parametrize("status", ODD_STATUSES, ids=ascii)
def test_an_unknown_status_is_kept_and_is_no_end(status):
    """Only the contract's own words end a job; everything else is asked about again."""
    job = asked("phaseo", {"id": "a", "status": status, "output": []})

    assert not job.is_finished
    assert isinstance(job.status, str)
    assert 0 < len(job.status) <= 80
    if isinstance(status, str) and status:
        assert job.status == status[:80]


@pytest.mark.parametrize("kind", ODD_STATUSES, ids=ascii)
def test_an_unknown_type_of_a_feed_is_no_end(kind):
    """A feed's word that no page names ends nothing while its tracks say nothing."""
    job = asked("udio", {"code": 200, "data": {"type": kind, "response_data": []}})

    failing = isinstance(kind, str) and kind.strip().lower().startswith("fail")
    assert job.status != "completed"
    assert (job.status == "failed") == failing


@pytest.mark.parametrize(
    "output",
    [
        *([], None, {}, "x", 7, [None], [[]], ["https://x.example/a.mp3"], [{}]),
        *([{"audio_url": None}], [{"audio_url": ""}], [{"audio_url": " \t"}], [{"audio_url": 5}]),
        *([{"audio_url": ["https://x"]}], [{"audio_base64": ""}], [{"audio_base64": "!!!"}]),
        *([{"audio_url": "data:audio/mpeg;base64,"}], [{"audio_url": "data:,"}]),
        [{"stream_audio_url": URL}],
    ],
    ids=ascii,
)
def test_nothing_to_hear_is_no_audio(output):
    """A job that is called completed without a recording is not taken for one that has it."""
    job = asked("phaseo", {"id": "a", "status": "completed", "output": output})

    assert job.status == "completed"
    assert not job.has_audio


def test_some_of_several_tracks_count():
    """Tracks that came to nothing do not take the others along."""
    tracks = [{"id": "a", "audio_url": URL}, {"id": "b", "audio_url": None}, "junk", {"id": "c"}]

    job = asked("phaseo", {"id": "a", "status": "completed", "output": tracks})

    assert [track.is_playable for track in job.tracks] == [True, False, False]


# -- numbers -------------------------------------------------------------------------------------

NUMBERS = {
    "NaN": None,
    "Infinity": None,
    "-Infinity": None,
    "1e999": None,
    "-1e999": None,
    "0": None,
    "-0.0": None,
    "-5": None,
    "5e-324": 5e-324,
    "1e8": None,
    "12.5": 12.5,
    "120": 120.0,
    '"120"': 120.0,
    '" 12.5 "': 12.5,
    '"120s"': None,
    '"2:03"': None,
    '"NaN"': None,
    '"inf"': None,
    '"1_000"': None,
    '"١٢"': None,
    '"１２"': None,
    '"0x10"': None,
    '"12,5"': None,
    '""': None,
    "true": None,
    "null": None,
    "[12]": None,
    '{"s": 12}': None,
    "9" * 309: None,
    "9" * 5000: None,
    '"' + "9" * 5000 + '"': None,
}


@pytest.mark.parametrize(
    ("written", "seconds"), NUMBERS.items(), ids=[text[:16] for text in NUMBERS]
)
def test_a_duration_is_seconds_or_nothing(written, seconds):
    """A duration is a positive, finite number of seconds; what claims more becomes nothing."""
    phaseo = f'{{"id":"a","status":"completed","output":[{{"duration":{written}}}]}}'
    udio = f'{{"code":200,"data":{{"type":"text","response_data":[{{"duration":{written}}}]}}}}'

    for wire, body in (("phaseo", phaseo), ("udio", udio)):
        (track,) = asked(wire, body.encode()).tracks

        assert track.duration == seconds


AMOUNTS = {
    **dict.fromkeys(["NaN", "Infinity", "1e999", "-5", "-1e-9", "true", "[]", "9" * 5000]),
    **dict.fromkeys(['"free"', '"$5"', '"1_000"', '"٣"', '"-1"', '"nan"', "null"]),
    "0": 0.0,
    "-0.0": 0.0,
    '"0"': 0.0,
    "6e7": 6e7,
    '"60000000"': 6e7,
}


@pytest.mark.parametrize(
    ("written", "amount"), AMOUNTS.items(), ids=[text[:16] for text in AMOUNTS]
)
def test_an_amount_is_an_amount_or_nothing(written, amount):
    """A bill is a finite sum from zero, never a minus zero; anything else is a price unknown."""
    body = f'{{"id":"a","status":"queued","cost_nanos":{written}}}'
    left = f'{{"code":200,"data":{{"credits":{written},"used_credits":1}}}}'

    usd = ordered("phaseo", body.encode()).cost.usd
    answer = Answer(200, {}, left.encode(), PLACES["udio"])
    credits = get_gateway("udio").read_credits(answer).left

    assert usd == (None if amount is None else amount / 1e9)
    assert credits == amount
    assert all(found is None or math.copysign(1, found) > 0 for found in (usd, credits))


@BOTH
@pytest.mark.parametrize("digits", [309, 4299, 4301, 100_000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_one_endless_number_does_not_cost_the_answer(wire, digits, sign):
    """One number nobody can hold used to make the whole answer unreadable: a paid job's id too."""
    number = sign + "9" * digits
    body = f'{{"seed":{number},"id":"task_9","workId":"task_9","x":{{"y":[{number}]}}}}'

    job = ordered(wire, body.encode())

    assert job.id == "task_9"
    assert load_answer(dump_answer(job)).raw["seed"] is None


def test_an_endless_number_inside_a_text_does_not_cost_the_tracks():
    """Tracks that come as JSON text are read by the same rules."""
    tracks = '[{"id":"a","duration":' + "9" * 5000 + ',"title":"Tide"}]'

    job = asked("udio", {"code": 200, "data": {"type": "text", "response_data": tracks}})

    assert [(track.title, track.duration) for track in job.tracks] == [("Tide", None)]


# -- ids -----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "found", [None, "", "  ", True, 1.5, [], ["a"], {}, {"id": "a"}, "x" * 513, 10**70], ids=ascii
)
def test_an_order_without_an_id_is_in_doubt(wire, found):
    """A success that names no job may have made one: it is doubt, and is never sent again."""
    body = {"id": found, "requestId": found, "workId": found, "data": {"task_id": found}}

    with pytest.raises(nb.UncertainSubmission) as caught:
        ordered(wire, body)

    assert not may_resend(caught.value)
    assert "not sent again" in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"true", b"0", b'"task_1"', b"{", b"\xff", b"\x00" * 40]
)
@BOTH
def test_an_order_answered_with_nothing_is_in_doubt(wire, body):
    """A success with nothing in it is doubt too."""
    with pytest.raises(nb.UncertainSubmission):
        ordered(wire, body)


@pytest.mark.parametrize(
    "name", ["..", ".", "a/b", "a?b", "a#b", "a%2fb", "a\\b", "a\x00b", "\ud800", "é", "a" * 500]
)
def test_an_id_stays_one_part_of_a_path(name):
    """An id of any signs is asked for as one part of one path."""
    job = ordered("phaseo", {"id": name, "requestId": name, "status": "queued"})

    for call in get_gateway("phaseo").status_calls(job.id, job.request_id):
        part = call.path.removeprefix("/music/generate/")
        assert part.isascii()
        assert not set(part) & set("/\\?# \x00")
        assert set(part) != {"."}


# -- JSON ----------------------------------------------------------------------------------------

GOOD = '{"id":"task_1","workId":"task_1","status":"queued"}'


@BOTH
@pytest.mark.parametrize(
    "body",
    {
        "bom": b"\xef\xbb\xbf" + GOOD.encode(),
        "blanks": b" \r\n\t" + GOOD.encode() + b"\n\n",
        "name-twice": b'{"id":"other","workId":"other",' + GOOD[1:].encode(),
        "escaped": GOOD.replace("task_1", "\\u0074ask\\u005f1").encode(),
        "half-a-character": GOOD.replace("}", ',"title":"\\ud800"}').encode(),
        "nul-elsewhere": GOOD.replace("}", ',"title":"\\u0000"}').encode(),
        "not-a-number": GOOD.replace("}", ',"x":NaN,"y":-Infinity}').encode(),
        "deep-60": GOOD.replace("}", ',"x":' + "[" * 60 + "]" * 60 + "}").encode(),
        "deep-500": GOOD.replace("}", ',"x":' + '{"a":' * 500 + "1" + "}" * 501).encode(),
        "wide": GOOD.replace("}", ',"x":[' + "0," * 50_000 + "0]}").encode(),
        "long-name": GOOD.replace("}", ',"' + "n" * 50_000 + '":1}').encode(),
    }.items(),
    ids=lambda item: item[0],
)
def test_an_id_survives_odd_json_around_it(wire, body):
    """What JSON may be, or what parsers let pass, does not lose the id of a paid job."""
    job = ordered(wire, body[1])

    assert job.id == "task_1"
    json.loads(dump_answer(job))


@BOTH
@pytest.mark.parametrize(
    "body",
    {
        "utf-16": GOOD.encode("utf-16"),
        "utf-32": GOOD.encode("utf-32"),
        "latin-1": GOOD.replace("queued", "québec").encode("latin-1"),
        "overlong": GOOD.encode().replace(b"queued", b"\xc0\xaf"),
        "surrogates-in-utf-8": GOOD.encode().replace(b"queued", b"\xed\xa0\x80"),
        "single-quotes": GOOD.replace('"', "'").encode(),
        "comma-at-the-end": GOOD.replace("}", ",}").encode(),
        "comment": b"/* ok */" + GOOD.encode(),
        "two-values": GOOD.encode() * 2,
        "lines": b"\n".join([GOOD.encode()] * 2),
        "jsonp": b"callback(" + GOOD.encode() + b")",
        "guard": b")]}'\n" + GOOD.encode(),
        "sse": b"data: " + GOOD.encode(),
        "raw-control": GOOD.replace("queued", "a\nb").encode(),
        "deep-100000": b'{"id":"task_1","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "cut": GOOD[:-5].encode(),
        "nul-behind": GOOD.encode() + b"\x00",
        "gzip": b"\x1f\x8b\x08\x00" + GOOD.encode(),
    }.items(),
    ids=lambda item: item[0],
)
def test_odd_json_is_read_strictly_or_not_at_all(wire, body):
    """What is no JSON in UTF-8 is not guessed at: a paid order is in doubt then."""
    with pytest.raises(nb.UncertainSubmission):
        ordered(wire, body[1])
    with pytest.raises(nb.GatewayError):
        asked(wire, body[1])


# -- answers of another kind ---------------------------------------------------------------------

PAGE = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1><script>x</script></body></html>"


@BOTH
@pytest.mark.parametrize("body", [b"", PAGE, b"Bad Gateway", b"{}", b'"x"', b"\x89PNG\r\n\x1a\n"])
@pytest.mark.parametrize(
    "status", [100, 204, 206, 301, 302, 303, 307, 308, 500, 502, 504, 520, 599]
)
def test_an_answer_of_another_kind_is_one_error_of_ours(wire, body, status):
    """A page, a redirect or nothing says nothing of a paid order; of a question, ask again."""
    with pytest.raises(nb.UncertainSubmission) as doubted:
        ordered(wire, body, status)
    with pytest.raises(nb.GatewayError) as refused:
        asked(wire, body, status)

    for error in (doubted.value, refused.value):
        assert "<" not in str(error)
        assert PLACES[wire].partition("://")[2].partition("/")[0] in str(error)


@BOTH
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, nb.ProviderRefused),
        (401, nb.AuthenticationError),
        (402, nb.InsufficientFunds),
        (403, nb.AuthenticationError),
        (404, nb.ProviderRefused),
        (405, nb.ProviderRefused),
        (409, nb.ProviderRefused),
        (413, nb.ProviderRefused),
        (415, nb.ProviderRefused),
        (418, nb.ProviderRefused),
        (422, nb.ProviderRefused),
        (451, nb.ProviderRefused),
        (501, nb.EndpointDisabled),
    ],
)
def test_a_refusal_is_not_sent_again_and_names_a_step(wire, status, kind):
    """A clear no is final, of one class, and its message ends with what to do."""
    for body in ({}, {"error": "x"}, {"message": "no"}, PAGE):
        with pytest.raises(kind) as caught:
            ordered(wire, body, status)

        assert not may_resend(caught.value)
        assert str(caught.value).count(". ") >= 1
        assert caught.value.status_code == status


# -- keys ----------------------------------------------------------------------------------------

KEYS = {"phaseo": KEY, "signs": 'ab+c/d==<x>&"z~_99', "plain": "udiokey0123456789abcdef"}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_that_is_echoed_is_crossed_out(key):
    """However a program writes a key down when it echoes it, it does not come back to be seen."""
    secret = SecretStr(key)

    for spelling in spellings(key).values():
        echo = f"your key {spelling} is wrong"

        assert scrub(echo, secret) == "your key [key] is wrong"
        assert scrub_bytes(echo.encode(), secret) == b"your key [key] is wrong"


def test_keys_are_crossed_out_in_names_of_fields_as_well():
    """A key may stand where nobody looks for one: as a name in an object."""
    job = ordered("phaseo", {"id": "a", "echo": {KEY: 1, f"Bearer {KEY}": [KEY]}})

    assert KEY not in json.dumps(job.raw)
    assert KEY not in dump_answer(job)


# -- feeds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made", [1_732_537_200, "1732537200", "2026-11-25T10:31:02.114Z", None, []]
)
@pytest.mark.parametrize("blank", ["", None, " ", 0, "0"])
def test_a_feed_that_says_success_over_words_is_not_done(made, blank):
    """``SUCCESS`` over tracks that have only words is no end, whatever form the times have."""
    track = {"id": "a", "status": "text", "audio_url": "", "duration": blank, "createTime": made}

    job = asked("udio", feed(track, createTime=made))

    assert (job.status, job.stage) == ("in_progress", "text")
    assert job.tracks[0].duration is None
    assert not job.has_audio


@pytest.mark.parametrize("code", [500, "500", 429, "404", 401, 402])
@BOTH
def test_the_code_inside_decides(wire, code):
    """A refusal in the dress of a success is a refusal, also where the code is text."""
    body = {"code": code, "status_code": code, "message": "no", "error": "refused"}

    with pytest.raises(nb.PhaseoError) as caught:
        asked(wire, body)

    if isinstance(caught.value, nb.GatewayError):
        assert caught.value.status_code == 200
        assert f"{code}" in str(caught.value) or wire == "phaseo"


@pytest.mark.parametrize("kind", [[], {}, ["upstream_non_2xx"], 7, None, True, "\x00"], ids=ascii)
@pytest.mark.parametrize("status", [400, None, []], ids=ascii)
def test_a_sample_of_any_type_is_judged(kind, status):
    """An attempt whose ``type`` was a list used to end in a TypeError in place of an error."""
    body = {"error": "upstream_error", "failure_sample": [{"type": kind, "status": status}]}

    with pytest.raises((nb.ProviderRefused, nb.UncertainSubmission)):
        ordered("phaseo", body, 502)
