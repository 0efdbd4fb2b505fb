"""Whatever comes over the wire: one of our errors, or a job that can be stored and shown."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phaseo_nb.errors import PhaseoError
from phaseo_nb.gateways import get_gateway, parse_callback
from phaseo_nb.jobs import MusicJob
from phaseo_nb.transport.messages import Answer

NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([10**400, -(10**400), 1e308, 5e-324, -0.0])
)
WORDS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "completed",
            "failed",
            "SUCCESS ",
            "NaN",
            "1e999",
            "-1",
            "\ud800",
            "data:audio/mpeg;base64,",
        ]
    ),
)
KEYS = st.sampled_from(
    [
        "id",
        "requestId",
        "status",
        "output",
        "result",
        "usage",
        "cost_nanos",
        "cost_cents",
        "currency",
        "pricing_breakdown",
        "total_nanos",
        "pricing_lines",
        "line_nanos",
        "audio_url",
        "audio_base64",
        "duration",
        "index",
        "title",
        "tags",
        "code",
        "msg",
        "message",
        "data",
        "workId",
        "task_id",
        "type",
        "response_data",
        "extra_message",
        "fail_message",
        "error",
        "reason",
        "description",
        "details",
        "path",
        "failed_statuses",
        "failure_sample",
        "upstream_payload_preview",
        "attempt_count",
        "provider",
        "models",
        "meters",
        "offers",
        "pricing",
        "sandbox",
        "retry_after_seconds",
        "status_code",
        "info",
        "upstream_request",
        "meta",
        "output_audio_seconds",
        "upstreamStatus",
        "failed_providers",
    ]
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(KEYS, st.text(max_size=5)), inner)
    ),
    max_leaves=25,
)
BODIES = st.one_of(JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=60))
STATUSES = st.sampled_from([200, 201, 204, 302, 400, 401, 402, 403, 404, 408, 409, 413, 429])
STATUSES = st.one_of(STATUSES, st.sampled_from([500, 501, 502, 503, 504, 520, 599]))
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "content-type"]), st.text(max_size=40), max_size=3
)


class SmallRequest:
    model = "suno/v4.5"
    api = "v2"

    def to_wire(self):
        return {"model": self.model}


def finite(value):
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(finite(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(finite(item) for item in value)
    return True


def check(job):
    assert isinstance(job, MusicJob)
    assert isinstance(job.id, str)
    assert isinstance(job.status, str)
    for amount in (job.cost.usd, job.cost.credits, job.usage.audio_seconds):
        assert amount is None or (math.isfinite(amount) and amount >= 0)
    for track in job.tracks:
        assert track.duration is None or 0 < track.duration < 1e7
        for words in (track.id, track.title, track.tags, track.audio_url, track.image_url):
            assert words is None or (isinstance(words, str) and words.strip())
        assert finite(dict(track.raw))
    stored = json.dumps([job.raw, dict(job.debug), job.failure], allow_nan=False, default=str)
    stored.encode()
    json.dumps(job.raw, ensure_ascii=False).encode("utf-8")  # no halves of surrogate pairs
    assert repr(job)


def attempt(read):
    refusal = None
    try:
        result = read()
    except PhaseoError as error:
        refusal = error
    if refusal is None:
        check(result)
        return
    assert str(refusal)
    str(refusal).encode("utf-8")
    wait = getattr(refusal, "retry_after", None)
    assert wait is None or (math.isfinite(wait) and wait >= 0)


@settings(max_examples=400, deadline=None)
@given(body=BODIES, status=STATUSES, headers=HEADERS, name=st.sampled_from(["phaseo", "udio"]))
def test_any_answer_is_a_sound_job_or_one_of_our_errors(body, status, headers, name):
    """No body at any status raises a stranger or yields numbers that are none."""
    gateway = get_gateway(name)
    post = Answer(status, headers, body, gateway.default_base_url + "/music/generate", "POST")

    attempt(lambda: gateway.read_submission(post, SmallRequest()))
    attempt(lambda: gateway.read_status(post, "asked-for"))
    for model in gateway.read_models([post, post]):
        assert model.price.usd is None or math.isfinite(model.price.usd)
    assert gateway.read_estimate(post).usd is None or gateway.read_estimate(post).usd >= 0


@settings(max_examples=200, deadline=None)
@given(body=st.one_of(BODIES, JSON))
def test_any_callback_is_a_sound_job_or_one_of_our_errors(body):
    """Whoever posts whatever to a callback address breaks nothing."""
    attempt(lambda: parse_callback(body, "gen1"))


@settings(max_examples=200, deadline=None)
@given(name=st.text(min_size=1, max_size=40))
def test_any_id_stays_in_its_place(name):
    """An id of any text makes one path segment, in ASCII."""
    [call] = get_gateway("phaseo").status_calls(name)

    segment = call.path.removeprefix("/music/generate/")
    assert segment.isascii()
    assert not set(segment) & set("/?#\\ ")
    assert segment not in (".", "..")


@pytest.mark.parametrize("depth", [50, 500, 5000, 100_000])
@pytest.mark.parametrize("name", ["phaseo", "udio"])
def test_deep_nesting_is_cut_or_refused(depth, name):
    """Nesting beyond sense is neither followed nor fatal."""
    body = (
        b'{"id":"a","workId":"a","status":"queued","result":' + b"[" * depth + b"]" * depth + b"}"
    )
    gateway = get_gateway(name)

    attempt(
        lambda: gateway.read_submission(
            Answer(200, {}, body, "https://x/y", "POST"), SmallRequest()
        )
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"a","status":"completed","output":[{"duration":NaN}],"cost_nanos":Infinity}',
        b'{"id":"a","status":"completed","output":[{"duration":1e999}],"cost_nanos":1e999}',
        b'{"id":"a","status":"completed","output":[{"duration":'
        + b"9" * 4000
        + b'}],"cost_cents":1}',
        b'\xef\xbb\xbf{"id":"a","status":"queued"}',
        b'{"id":"a","id":"b","status":"queued"}',
        b'{"id":"a\\u0000b","status":"queued"}',
    ],
    ids=["nan", "1e999", "4000-digits", "bom", "duplicate", "nul"],
)
def test_odd_json_still_gives_a_sound_job(body):
    """What JSON parsers are too liberal about does not get through."""
    job = get_gateway("phaseo").read_submission(
        Answer(200, {}, body, "https://x/v1/music/generate", "POST"), SmallRequest()
    )

    check(job)
    assert all(track.duration is None for track in job.tracks)
