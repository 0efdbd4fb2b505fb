"""What the gateways send, and what of an answer is kept."""

from __future__ import annotations

import base64
import json

import pytest

from phaseo_nb import errors
from phaseo_nb.gateways import failure_message, get_gateway, may_resend
from phaseo_nb.gateways.upstream import dig
from phaseo_nb.gateways.values import embedded_audio, storable
from phaseo_nb.jobs import Cost, MusicJob, Track
from phaseo_nb.transport.messages import Answer

MP3 = b"ID3\x04" + bytes(range(256)) * 8


class SmallRequest:
    def __init__(self, model="suno/v4.5", api="v2", **wire):
        self.model = model
        self.api = api
        self.wire = {"model": model, **wire}

    def to_wire(self):
        return self.wire


def answer(body, status=200, method="POST", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = "https://api.phaseo.app/v1/music/generate"
    return Answer(
        status, {k.replace("_", "-"): v for k, v in headers.items()}, content, url, method
    )


def submitted(body, request=None):
    return get_gateway("phaseo").read_submission(answer(body), request or SmallRequest())


def refused(body, status, **headers):
    with pytest.raises(errors.PhaseoError) as caught:
        get_gateway("phaseo").read_submission(answer(body, status, **headers), SmallRequest())
    return caught.value


# What is sent


def test_phaseo_submission_is_one_creating_post():
    """A Phaseo submission posts the wire body to /music/generate, marked as paid."""
    call = get_gateway("phaseo").submission(SmallRequest(prompt="rain"))

    assert (call.method, call.path) == ("POST", "/music/generate")
    assert call.json == {"model": "suno/v4.5", "prompt": "rain"}
    assert call.creates
    assert call.auth == "bearer"


@pytest.mark.parametrize(
    ("model", "carries"),
    [
        ("suno/v4.5", False),
        ("suno:suno/v5", False),
        ("minimax/music-3.0", True),
        ("eleven-labs/music", True),
        ("google/lyria-3-pro-preview", True),
        ("somebody/new", True),
    ],
)
def test_only_suno_answers_are_known_to_hold_no_audio(model, carries):
    """The large cap is asked for wherever an answer may hold a track."""
    assert get_gateway("phaseo").submission(SmallRequest(model)).carries_audio is carries


@pytest.mark.parametrize(
    ("api", "path", "auth"),
    [
        ("v2", "/api/v2/generate", "bearer"),
        ("callback", "/api/generate", "bearer"),
        ("token", "/api/generate", "body_token"),
    ],
)
def test_udio_generations_have_their_own_route_and_key_place(api, path, auth):
    """Each API generation of udioapi posts to its route with the key where it wants it."""
    call = get_gateway("udio").submission(SmallRequest("chirp-v5", api=api))

    assert (call.path, call.auth, call.creates) == (path, auth, True)


@pytest.mark.parametrize(
    ("job_id", "path"),
    [
        ("tk-1", "/music/generate/tk-1"),
        ("a/b?c=d#e %", "/music/generate/a%2Fb%3Fc%3Dd%23e%20%25"),
        ("..", "/music/generate/%2E%2E"),
        ("ü", "/music/generate/%C3%BC"),
        ("\ud800", "/music/generate/%3F"),
    ],
)
def test_an_id_is_one_segment_of_the_path(job_id, path):
    """An id cannot leave its place in the path, whatever is in it."""
    assert [call.path for call in get_gateway("phaseo").status_calls(job_id)] == [path]


def test_status_is_asked_by_id_and_then_by_request_id():
    """Jobs are looked for under both names, once each."""
    gateway = get_gateway("phaseo")

    two = [call.path for call in gateway.status_calls("resp-1", "G-1")]
    one = [call.path for call in gateway.status_calls("G-1", "G-1")]

    assert two == ["/music/generate/resp-1", "/music/generate/G-1"]
    assert one == ["/music/generate/G-1"]


def test_udio_status_asks_both_feeds():
    """A work id does not say which feed knows it, so both are listed."""
    calls = get_gateway("udio").status_calls("gen1bksv")

    assert [call.path for call in calls] == ["/api/v2/feed", "/api/feed"]
    assert all(call.params == {"workId": "gen1bksv"} for call in calls)
    assert not any(call.creates for call in calls)


@pytest.mark.parametrize("name", ["phaseo", "udio", "sandbox"])
def test_gateways_are_found_by_name(name):
    """Each public name gives a gateway; the sandbox speaks the phaseo wire."""
    expected = {"phaseo": "phaseo", "udio": "udio", "sandbox": "phaseo"}

    assert get_gateway(name).name == expected[name]


def test_an_unknown_gateway_is_a_settings_error():
    """A wrong name is refused with the names that are right."""
    with pytest.raises(errors.SettingsError, match="'phaseo'"):
        get_gateway("spotify")


# Embedded audio


@pytest.mark.parametrize(
    "payload",
    [
        base64.b64encode(MP3).decode(),
        base64.b64encode(MP3).decode().rstrip("="),
        base64.urlsafe_b64encode(MP3).decode(),
        base64.encodebytes(MP3).decode(),
        MP3.hex(),
        MP3.hex().upper(),
        "data:audio/mpeg;base64," + base64.b64encode(MP3).decode(),
        "DATA:audio/mpeg;base64," + base64.b64encode(MP3).decode(),
    ],
    ids=["base64", "unpadded", "urlsafe", "lines", "hex", "HEX", "data-uri", "DATA-URI"],
)
def test_embedded_audio_is_decoded_to_its_bytes(payload):
    """Audio inside an answer arrives as the bytes it stands for, in every spelling."""
    field = "audio_url" if payload.lower().startswith("data:") else "audio_base64"

    track = submitted({"id": "m", "status": "completed", field: payload}).tracks[0]

    assert track.data == MP3
    assert track.audio_url is None
    assert track.is_playable


@pytest.mark.parametrize(
    "payload",
    ["", " ", "no base64!", "abcde", "data:audio/mpeg,abc", "data:", "ünïcode", 7, None, ["x"]],
)
def test_what_is_no_audio_gives_no_bytes(payload):
    """Text that cannot be decoded is left out, not guessed at."""
    assert embedded_audio(payload) is None
    assert submitted({"id": "m", "status": "completed", "audio_base64": payload}).tracks == ()


def test_raw_keeps_the_answer_without_its_audio():
    """The stored answer has every field, with a marker in place of each recording."""
    b64 = base64.b64encode(MP3).decode()
    body = {
        "id": "m",
        "status": "completed",
        "audio_base64": b64,
        "result": {
            "data": {"audio": MP3.hex(), "status": 2},
            "parts": [{"inlineData": {"mimeType": "audio/wav", "data": b64}}],
            "preview": "data:audio/mpeg;base64," + b64,
            "lyrics": "[Verse]\n" + "a long way down to the water\n" * 100,
        },
    }

    raw = submitted(body).raw

    text = json.dumps(raw)
    assert b64 not in text
    assert MP3.hex() not in text
    assert raw["result"]["lyrics"] == body["result"]["lyrics"]
    assert raw["result"]["data"]["status"] == 2
    assert text.count("audio left out") == 4


def test_what_is_stored_holds_no_key_and_no_broken_text():
    """Keys that an echo brings back and halves of surrogate pairs do not reach storage."""
    echoed = {"headers": "Authorization: Bearer phaseo_v1_sk_abc123_def", "word": "\ud800x"}

    kept = json.dumps(storable(echoed), ensure_ascii=False)

    assert "abc123" not in kept
    kept.encode("utf-8")


# PCM without a header


@pytest.mark.parametrize(
    ("wire", "content_type", "rate"),
    [
        ({"format": "wav"}, None, 44_100),
        ({"format": "wav"}, "audio/pcm", 44_100),
        ({"format": "wav"}, "application/octet-stream", 44_100),
        ({"format": "mp3"}, "audio/mpeg", None),
        ({}, "audio/pcm;rate=24000", 24_000),
        ({}, "audio/L16; rate=16000", 16_000),
        ({"elevenlabs": {"output_format": "pcm_22050"}}, None, 22_050),
        ({"format": "wav", "elevenlabs": {"output_format": "mp3_44100_128"}}, None, None),
        ({"format": "wav"}, "audio/mpeg", None),
    ],
)
def test_bare_samples_carry_their_rate(wire, content_type, rate):
    """ElevenLabs' wav is samples without a header: the track says at which rate."""
    body = {
        "id": "e",
        "status": "completed",
        "provider": "elevenlabs",
        "audio_base64": base64.b64encode(bytes(400)).decode(),
        "result": {"content_type": content_type},
    }

    job = submitted(body, SmallRequest("eleven-labs/music", **wire))

    assert job.tracks[0].pcm_rate == rate


def test_a_recording_with_a_header_needs_no_rate():
    """A real WAV file is no bare PCM, whatever was asked for."""
    wav = base64.b64encode(b"RIFF" + bytes(200)).decode()
    body = {"id": "e", "status": "completed", "provider": "elevenlabs", "audio_base64": wav}

    job = submitted(body, SmallRequest("eleven-labs/music", format="wav"))

    assert job.tracks[0].pcm_rate is None


# Facts


def test_debug_holds_what_was_asked_to_be_echoed():
    """The echoed request is parsed from its JSON text; text that is none stays text."""
    body = {
        "id": "t",
        "status": "queued",
        "upstream_request": '{"model":"V4_5PLUS","prompt":"tide"}',
        "upstream_response": "not json",
        "meta": {"latency_ms": 12},
    }

    debug = submitted(body).debug

    assert debug["upstream_request"] == {"model": "V4_5PLUS", "prompt": "tide"}
    assert debug["upstream_response"] == "not json"
    assert debug["meta"] == {"latency_ms": 12}


def test_suno_tracks_bring_their_lyrics():
    """The words to a track are found in the raw result, by the track's id."""
    song = {"id": "c1", "prompt": "[Verse] tide"}
    body = {
        "status": "completed",
        "provider": "suno",
        "output": [{"index": 0, "id": "c0"}, {"index": 1, "id": "c1"}],
        "result": {"data": {"response": {"sunoData": [song]}}},
    }

    job = get_gateway("phaseo").read_status(answer(body, method="GET"), "t")

    assert [track.lyrics for track in job.tracks] == [None, "[Verse] tide"]


def test_usage_counts_are_whole_and_not_negative():
    """Counts that cannot be counts are unknown, not zero."""
    usage = {
        "input_tokens": -1,
        "output_tokens": 1.5,
        "total_tokens": "7",
        "output_audio_count": 2,
        "output_audio_seconds": "242",
    }

    found = submitted({"id": "t", "status": "completed", "usage": usage}).usage

    assert found.input_tokens is None
    assert found.output_tokens is None
    assert found.total_tokens == 7
    assert (found.audio_count, found.audio_seconds) == (2, 242.0)


# Refusals


def test_schema_refusal_names_field_value_and_rule():
    """A 400 of the schema becomes issues with the value that was sent."""
    details = [
        {"message": "expected int", "path": ["duration"], "keyword": "invalid_type"},
        {"message": "expected m or f", "path": ["suno", "vocalGender"], "keyword": "invalid_value"},
        {"message": "no such", "path": ["provider", "order", 1], "keyword": "custom"},
    ]
    request = SmallRequest(duration=1.5, suno={"vocalGender": "x"}, provider={"order": ["a", "b"]})
    body = {"error": "validation_error", "details": details}

    with pytest.raises(errors.ProviderRefused) as caught:
        get_gateway("phaseo").read_submission(answer(body, 400), request)

    seen = [(i.field, i.reason, i.value) for i in caught.value.issues]
    assert seen == [
        ("duration", "invalid_type", 1.5),
        ("suno.vocalGender", "invalid_value", "x"),
        ("provider.order.1", "custom", "b"),
    ]


def test_uncertain_submission_says_what_is_known_and_what_to_do():
    """Doubt names the answer, the price, that nothing was resent, and the way on."""
    error = refused({"error": "gateway_error", "generation_id": "G-5"}, 500)

    assert isinstance(error, errors.UncertainSubmission)
    assert error.price == Cost(usd=0.06, is_estimate=True)
    assert error.request.model == "suno/v4.5"
    assert error.request_id == "G-5"
    for words in ("answered 500", "may cost (about $0.06)", "not sent again", "fresh=True", "G-5"):
        assert words in str(error)


def test_only_a_rate_limit_may_be_sent_again():
    """Nothing but 429 is safe and useful to resend, and a spent key limit is not."""
    assert may_resend(refused({"error": "rate_limited"}, 429))
    assert not may_resend(refused({"error": "key_limit_exceeded"}, 429))
    assert not may_resend(refused({"error": "model_required"}, 400))
    assert not may_resend(refused({}, 500))
    assert not may_resend(ValueError())


def test_retry_after_date_is_read_against_our_clock_without_a_date_header(monkeypatch):
    """A date to wait for is measured from now where the server does not show its clock."""
    monkeypatch.setattr("time.time", lambda: 1_792_567_650.0)  # Wed, 21 Oct 2026 07:27:30 GMT

    error = refused({}, 429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT")

    assert error.retry_after == 30.0


def test_no_message_or_attribute_holds_a_key_or_a_page():
    """What the gateway echoes back is freed of keys and markup before anybody sees it."""
    key = "phaseo_v1_sk_abcdef_secret0123"
    body = {"error": "unauthorised", "description": f"bad key {key}\x1b[31m\nBearer {key}"}

    error = refused(body, 401)

    everything = str(error) + repr(vars(error))
    assert "secret0123" not in everything
    assert "\x1b" not in everything
    assert "\n" not in str(error)


def test_long_reasons_are_cut():
    """A whole body never ends up in a message."""
    error = refused({"error": "x" * 9000, "description": "y" * 9000}, 400)

    assert len(str(error)) < 900


def test_the_place_hides_what_a_base_url_may_carry():
    """User and password of a base URL stay out of messages."""
    place = Answer(501, {}, b"", "http://me:pw@127.0.0.1:8000/v1/music/generate", "POST")

    with pytest.raises(errors.EndpointDisabled) as caught:
        get_gateway("phaseo").read_submission(place, SmallRequest())

    assert str(caught.value).startswith("POST /music/generate on http://127.0.0.1:8000/v1 answered")


@pytest.mark.parametrize(
    ("preview", "reason", "explanation"),
    [
        ('{"error":"validation_error","reason":"a_b_c"}', "a_b_c", None),
        ('{"code":402,"msg":"no credits"}', None, "no credits"),
        ('{"error":{"message":"bad","code":"x_y"}}', "x_y", "bad"),
        ('{"detail":"plain words"}', None, "plain words"),
        ('[{"error":{"message":"bad"}}]', None, "bad"),
        ('{"error":"Something went wrong"}', None, "Something went wrong"),
        (
            '{"error":"validation_error","message":"caf\\u00e9 is c...[truncated 9 chars]',
            None,
            "café is c",
        ),
        ('"just text"', None, "just text"),
        ("just text", None, "just text"),
        ("", None, None),
        (None, None, None),
        ({"reason": "x"}, None, None),
    ],
)
def test_the_reason_is_dug_out_of_a_preview(preview, reason, explanation):
    """Whatever the provider's body looked like, its reason and words are found."""
    assert dig(preview) == (reason, explanation)


# A job that failed


def test_failure_message_reads_as_documented():
    """A failed job's message names job, time, provider, reason and the next step."""
    job = MusicJob("task_123", "failed", provider="suno", failure="SENSITIVE_WORD_ERROR")

    assert failure_message(job, elapsed=41.2) == (
        "Job task_123 failed after 41.2 s at provider suno: SENSITIVE_WORD_ERROR. Suno refused a "
        "word of the prompt or the lyrics. Reword it, or send the same request elsewhere with "
        '`provider={"only": ["elevenlabs"]}` and a model of theirs.'
    )


def test_failure_message_admits_that_there_is_no_reason():
    """Where the gateway gave no reason the message says so, and what it cost."""
    job = MusicJob("t", "failed", provider="minimax", cost=Cost(usd=0.15))

    message = failure_message(job)

    assert "the gateway gave no reason" in message
    assert "It cost $0.15 all the same." in message


def test_failure_message_knows_suno_words_and_empty_successes():
    """Suno's own status word stands in for a reason; a silent success is named as one."""
    raw = {"result": {"data": {"status": "SENSITIVE_WORD_ERROR"}}}
    failed = MusicJob("t", "failed", provider="suno", raw=raw)
    silent = MusicJob("t", "completed", provider="suno", tracks=(Track(0),))

    assert "SENSITIVE_WORD_ERROR. Suno refused a word" in failure_message(failed)
    assert "was completed at provider suno without any audio" in failure_message(silent)


def test_audio_at_the_top_belongs_to_the_first_track_alone():
    """The recording at the top of an answer is not given to every entry of the list."""
    top = base64.b64encode(MP3).decode()
    body = {"status": "completed", "audio_base64": top, "output": [{"index": 0}, {"index": 1}]}

    job = get_gateway("phaseo").read_status(answer(body, method="GET"), "t")

    assert [track.data for track in job.tracks] == [MP3, None]
