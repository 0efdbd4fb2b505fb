"""What holds for whatever comes: parsers, requests, headers, keys, addresses, bodies.

Hypothesis makes the same examples in each run, so that a failure can be had again.
"""

from __future__ import annotations

import gzip
import json
import math
import time
import zlib

import httpx
import pytest
from hostile import KEY, TEXTS, acting_signs
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

import phaseo_nb as nb
from phaseo_nb.callbacks import check_base
from phaseo_nb.callbacks.receiver import is_acceptable
from phaseo_nb.gateways import get_gateway, parse_callback
from phaseo_nb.gateways.values import said, storable
from phaseo_nb.jobs import Cost, Credits, MusicJob
from phaseo_nb.keeping.records import dump_answer, load_answer, trimmed
from phaseo_nb.phrases import excerpt, visible
from phaseo_nb.settings.addresses import check_base_url
from phaseo_nb.settings.keys import check_key, hide
from phaseo_nb.transport.audio_host import Download, Limits, continues, length, validator
from phaseo_nb.transport.bodies import BodyRefused, unpack
from phaseo_nb.transport.guard import check_url
from phaseo_nb.transport.messages import Answer
from phaseo_nb.transport.retry import retry_after
from phaseo_nb.transport.secrets import scrub_bytes

same = settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

deep = settings(same, max_examples=60)  # bodies take longer to make than to read

ANY_SIGN = st.characters(exclude_categories=())
ANY_TEXT = st.one_of(
    st.text(ANY_SIGN, max_size=60), st.sampled_from([text[:300] for text in TEXTS.values()])
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**308, 10**400, -(10**400), 5e-324, -0.0, 2**63, 2**53 + 1]),
)
_NAMES = """
id requestId status provider model output result usage cost_nanos cost_cents currency
pricing_breakdown pricing_lines total_nanos total_usd_str lines line_nanos quantity
audio_url audio_base64 stream_audio_url duration index title tags code msg message data
workId task_id taskId type response_data request_body extra_message fail_message error
reason description details path keyword failed_statuses failure_sample attempt_count
upstream_payload_preview upstream_error models meters meter price_per_unit unit_size
offers name lifecycle availability pricing sandbox retry_after_seconds status_code info
upstream_request meta response sunoData prompt content_type detail base_resp status_msg
credits used_credits images url state object min_usd endpoint display_name
"""
NAMES = st.sampled_from(_NAMES.split())
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, ANY_TEXT)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(NAMES, NAMES, NAMES, ANY_TEXT), inner, max_size=6),
    ),
    max_leaves=16,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=5)
BODIES = st.one_of(
    OBJECTS.map(lambda value: json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=80),
)
STATUSES = st.one_of(
    st.just(200), st.sampled_from([201, 204, 302, 400, 401, 402, 404, 408, 429, 502])
)
PLACES = {
    "phaseo": "https://api.phaseo.app/v1/music/generate",
    "udio": "https://udioapi.pro/api/v2/generate",
}


class Order:
    """The least a gateway needs of a request."""

    api, model = "v2", "elevenlabs/music"

    def to_wire(self):
        return {"model": self.model, "format": "wav"}


def told(read):
    """Return what comes of reading, and the error in its place."""
    try:
        return read(), None
    except nb.PhaseoError as error:
        return None, error


def check_message(error):
    message = str(error)
    assert acting_signs(message) == []
    assert len(message) < 3000
    assert KEY not in message
    assert KEY not in repr(error)


def check_amounts(*amounts):
    for amount in amounts:
        assert amount is None or (
            math.isfinite(amount) and amount >= 0 and math.copysign(1, amount) > 0
        )


def check_job(job):
    for text in (job.id, job.status, job.stage, job.provider, job.model, job.failure):
        (text or "").encode()
    check_amounts(job.cost.usd, job.cost.credits, *vars(job.usage).values())
    for track in job.tracks:
        assert track.duration is None or 0 < track.duration < 1e7
        for text in (track.id, track.title, track.tags, track.audio_url, track.lyrics):
            (text or "").encode()
    kept, _ = trimmed(job)
    stored = dump_answer(kept)
    assert json.loads(stored, parse_constant=lambda name: pytest.fail(name)) is not None
    assert KEY not in stored
    again = load_answer(stored)
    assert [track.title for track in again.tracks] == [track.title for track in kept.tracks]
    assert (again.id, again.status, again.cost) == (job.id, job.status, job.cost)
    assert repr(job).isprintable()


# -- answers -------------------------------------------------------------------------------------


@deep
@given(body=BODIES, status=STATUSES, wire=st.sampled_from([*PLACES]))
@example(body=b'{"id":"a","x":' + b"9" * 5000 + b"}", status=200, wire="phaseo")
@example(body=b'{"failure_sample":[{"type":[]}]}', status=502, wire="phaseo")
@example(body=json.dumps({"id": "\x1b[2J", "status": "\u202e"}).encode(), status=200, wire="phaseo")
def test_any_answer_gives_facts_that_can_be_kept(body, status, wire):
    """Any body at any status is facts that can be stored and shown, or one error of ours."""
    gateway = get_gateway(wire)
    post = Answer(status, {}, body, PLACES[wire], "POST")
    get = Answer(status, {}, body, PLACES[wire])

    for read in (
        lambda: gateway.read_submission(post, Order()),
        lambda: gateway.read_status(get, "asked-for"),
        lambda: gateway.read_status(get, "cover:asked-for"),
        lambda: gateway.read_credits(get),
        lambda: gateway.read_estimate(get),
    ):
        facts, error = told(read)
        if isinstance(facts, MusicJob):
            check_job(facts)
        elif isinstance(facts, Cost):
            check_amounts(facts.usd, facts.credits)
        elif isinstance(facts, Credits):
            check_amounts(facts.left, facts.used)
        else:
            check_message(error)
    for info in gateway.read_models([get, post]):
        check_amounts(info.price.usd)
        info.id.encode()


@deep
@given(
    value=JSON, status=st.sampled_from([400, 401, 402, 403, 404, 409, 422, 429, 500, 501, 502, 503])
)
def test_any_refusal_is_one_sentence_without_a_key(value, status):
    """Whatever a refusal says, and wherever it echoes the key, the message is clean."""
    envelope = {
        "error": value,
        "reason": KEY,
        "description": f"the key {KEY} is wrong",
        "details": value,
    }
    body = scrub_bytes(json.dumps(envelope).encode(), SecretStr(KEY))
    answer = Answer(status, {}, body, PLACES["phaseo"], "POST")

    _, error = told(lambda: get_gateway("phaseo").read_submission(answer, Order()))

    check_message(error)
    for part in ("error", "reason", "description"):
        assert KEY not in str(getattr(error, part, ""))


@deep
@given(value=JSON)
def test_what_is_stored_is_json_without_a_key(value):
    """Anything that came is stored as JSON that every reader takes, with no key in it."""
    stored = storable({"a": value, KEY: value, "b": f"Bearer {KEY}"})

    text = json.dumps(stored, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert KEY not in text


# -- callbacks -----------------------------------------------------------------------------------


@deep
@given(body=st.one_of(BODIES, st.lists(OBJECTS, max_size=5).map(lambda v: json.dumps(v).encode())))
def test_any_callback_is_read_or_refused(body):
    """What may be kept is what everybody reads alike; reading it gives a job or one error."""
    acceptable = is_acceptable(body)
    job, error = told(lambda: parse_callback(body, "gen1"))

    if acceptable:
        text = body.decode()
        assert isinstance(json.loads(text), (list, dict))
    if error is None:
        assert job.id == "gen1"
        if acceptable:
            check_job(job)
    else:
        check_message(error)


# -- requests ------------------------------------------------------------------------------------

_REQUEST_NAMES = """
model prompt duration format suno elevenlabs minimax provider routing debug
echo_upstream_request callBackUrl callback_url customMode instrumental style title
gpt_description_prompt lyrics tags gender make_instrumental custom_mode style_weight
continue_at api token
"""
REQUEST_NAMES = st.sampled_from(_REQUEST_NAMES.split())


@deep
@given(body=st.dictionaries(REQUEST_NAMES, JSON, max_size=4))
@example(body={"model": "suno/v5", "prompt": "x", "suno": {"a": 10**400}})
@example(body={"model": "suno/v5", "prompt": "x", "duration": 10**5000})
@example(body={"model": "suno/v5", "prompt": "x", "suno": {"callBackUrl": f"http://x/{KEY}"}})
def test_any_body_is_posted_to_the_letter_or_refused(body):
    """A body that passes is posted as it is and comes back the same; another is refused cleanly."""
    for kind in (nb.MusicRequest, nb.UdioRequest):
        request, error = told(lambda kind=kind: kind.model_validate(body))
        if error is not None:
            assert isinstance(error, nb.RequestRejected)
            assert KEY not in str(error)
            assert acting_signs(str(error)) == []
            continue
        wire = request.to_wire()
        assert json.loads(json.dumps(wire, allow_nan=False)) == wire
        assert kind.model_validate(wire).to_wire() == wire
        assert hash(kind.model_validate(wire)) == hash(kind.model_validate(wire))


@same
@given(
    words=ANY_TEXT,
    model=st.sampled_from(["suno/v4.5", "minimax/music-2.6", "google/lyria-3-pro-preview"]),
)
def test_any_words_are_posted_unchanged_or_refused(words, model):
    """The words of a prompt are never changed on their way."""
    more = {"minimax": {"is_instrumental": True}} if model.startswith("minimax") else {}
    request, error = told(lambda: nb.MusicRequest(model=model, prompt=words, **more))

    if error is None:
        assert request.to_wire()["prompt"] == words
        assert KEY not in repr(request)
    else:
        assert acting_signs(str(error)) == []


# -- keys ----------------------------------------------------------------------------------------


@same
@given(
    st.one_of(ANY_TEXT, st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
)
@example(f"Bearer {KEY}\n")
@example("key\r\nX-Evil: 1")
@example("\x00secret-key-9")
def test_any_key_is_cleaned_or_refused_unquoted(text):
    """What passes may stand in a header; what does not is refused without being shown."""
    key = hide(text)
    plain = key.get_secret_value()

    _, error = told(lambda: check_key(key, "a test"))

    if error is None:
        assert all("!" <= sign <= "~" for sign in plain)
        assert 0 < len(plain) <= 512
        httpx.Headers({"Authorization": f"Bearer {plain}"})
        assert hide(plain).get_secret_value() == plain
    else:
        assert acting_signs(str(error)) == []
        assert len(plain) < 8 or plain not in str(error)


@same
@given(
    key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=60),
    around=ANY_TEXT,
)
def test_any_key_is_crossed_out_of_any_body(key, around):
    """A key is found wherever it is echoed, also where JSON had to escape it."""
    secret = SecretStr(key)
    body = json.dumps({"echo": f"{around}{key}{around}", "other": around}).encode()

    cleaned = scrub_bytes(body, secret)

    assert key.encode() not in cleaned
    assert json.dumps(key)[1:-1].encode() not in cleaned


# -- headers -------------------------------------------------------------------------------------

HEADER = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=40),
    st.from_regex(r"\A[-+]?[0-9]{0,400}(\.[0-9]{0,5})?([eE][0-9]{1,4})?\Z"),
    st.from_regex(
        r"\A(Mon|Tue|Xxx), [0-9]{1,3} (Jan|Feb|Foo) [0-9]{1,6} [0-9:]{1,9} (GMT|[+-][0-9]{1,6})\Z"
    ),
    st.sampled_from(
        ["٣", "１２", "²", "1_000", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "-1", "1e5"]
    ),
)


@same
@given(text=HEADER, date=HEADER)
def test_retry_after_is_seconds_or_nothing(text, date):
    """Whatever the header says, the wait is from nothing to a year, or not asked for."""
    wait = retry_after(Answer(429, {"retry-after": text, "date": date}, b"", ""))

    assert wait is None or 0 <= wait <= 365 * 86_400
    if text.strip().isascii() and text.strip().isdigit():
        assert wait == min(float(text), 365 * 86_400)


def response(**headers):
    raw = [
        (n.replace("_", "-").encode(), v.encode("latin-1", "replace")) for n, v in headers.items()
    ]
    return httpx.Response(206, headers=raw)


@same
@given(HEADER)
@example("²")
@example("1" * 30)
def test_length_headers_are_read_or_ignored(text):
    """A length is plain digits; anything else is as if there were none."""
    found = length(response(content_length=text))

    assert found is None or (found >= 0 and text.strip().isascii())


@same
@given(
    st.one_of(
        HEADER,
        st.from_regex(r"\A(bytes|octets)? ?[0-9]{0,20}-[0-9]{0,20}/([0-9]{0,20}|\*)\Z"),
        st.just("bytes 100-199/200"),
    ),
    st.integers(0, 300),
)
def test_a_rest_fits_or_is_not_glued_on(text, offset):
    """Only the very rest that is missing is added to what is here."""
    state = Download(httpx.URL("https://x.org/a"), None, Limits(), False, False, time.monotonic)

    fits = continues(state, response(content_range=text), offset)

    assert not fits or (offset > 0 and f"bytes {offset}-" in text)
    assert state.total is None or state.total >= 0


@same
@given(tag=HEADER, date=HEADER)
@example('"\xe9"', "")
def test_a_mark_of_a_file_can_be_sent_back(tag, date):
    """What names a version of a file fits into a header, or is not used."""
    mark = validator(response(etag=tag, last_modified=date))

    if mark is not None:
        httpx.Headers({"If-Range": mark})
        assert mark.isascii()
        assert "\n" not in mark


# -- bodies --------------------------------------------------------------------------------------


@same
@given(st.binary(max_size=3000), st.integers(0, 4), st.integers(0, 60))
def test_any_packed_body_is_bounded_or_refused(data, way, cut):
    """Packed bytes give what was packed, within the cap, or one refusal."""
    packers = (
        gzip.compress,
        zlib.compress,
        lambda d: zlib.compress(d)[2:-4],
        bytes,
        lambda d: d[::-1],
    )
    packed = packers[way](data)
    packed = packed[: len(packed) - cut] if cut else packed

    try:
        got = unpack(packed, 2000)
    except BodyRefused:
        got = b""

    assert len(got) <= 2000
    if not cut and way < 2 and len(data) <= 2000:
        assert got == data


# -- addresses -----------------------------------------------------------------------------------

PARTS = st.sampled_from(
    [
        *(
            "https",
            "http",
            "file",
            "javascript",
            ":",
            "//",
            "/",
            "\\",
            "@",
            "?",
            "#",
            "%",
            ".",
            "..",
            "[",
            "]",
        ),
        *(
            "127.0.0.1",
            "[::1]",
            "localhost",
            "example.org",
            "xn--",
            "xn--a",
            "é",
            "。",
            "１２７",
            "0x7f",
        ),
        *(":80", ":443", ":99999", "%00", "\x00", "\n", " ", "\u202e", "a" * 300, "::", "[v1.x]"),
    ]
)
ADDRESSES = st.one_of(
    ANY_TEXT,
    st.lists(PARTS, max_size=8).map("".join),
    st.lists(PARTS, max_size=6).map(lambda parts: "https://" + "".join(parts)),
)


@same
@given(ADDRESSES)
@example("https://xn--a/")
def test_any_text_is_an_address_or_refused(text):
    """Each of the three judges of addresses takes any text, and refuses in its own error."""
    for judge, kind in (
        (check_url, nb.AudioError),
        (check_base_url, nb.SettingsError),
        (check_base, nb.SettingsError),
    ):
        found, error = told(lambda judge=judge: judge(text))
        if error is not None:
            assert type(error) is kind
            assert acting_signs(str(error)) == []
            assert len(str(error)) < 600
        elif judge is check_url:
            assert found.scheme == "https"
            assert found.host
            assert not found.userinfo
        else:
            assert found.startswith(("https://", "http://"))


# -- texts ---------------------------------------------------------------------------------------


@same
@given(ANY_TEXT, st.integers(10, 200))
def test_any_text_can_be_shown_and_said(text, limit):
    """Text of anybody is one readable line, of the length that was asked for."""
    assert acting_signs(visible(text)) == []
    assert acting_signs(said(text, limit) or "") == []
    assert len(said(text, limit) or "") <= limit
    assert len(excerpt(text, limit)) <= limit
    assert visible(visible(text)) == visible(text)
