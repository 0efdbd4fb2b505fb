"""The Phaseo surface of the sandbox, over HTTP, with a client that is not ours."""

from __future__ import annotations

import base64
import io
import json
from datetime import datetime
from pathlib import Path

import pytest
import soundfile
from sandboxes import BAND, GENERATE, SUNO, audio, finished, http, status, submit

from phaseo_nb.sandbox import KEY, Sandbox
from phaseo_nb.sandbox.clock import ManualClock

pytestmark = [pytest.mark.anyio, pytest.mark.full_songs]
CONTRACT = json.loads((Path(__file__).parent / "contract" / "phaseo_gateway.json").read_text())
ULID = r"G-[0-9A-HJKMNP-TV-Z]{26}"


@pytest.fixture
def sandbox():
    return Sandbox(clock="manual", seed=0)


def _read(answer) -> dict:
    """Return an answer in the words of the contract file."""
    body = answer.json()
    sample = body.get("failure_sample")
    preview = json.loads(sample[0]["upstream_payload_preview"]) if sample else {}
    return {
        "http_status": answer.status_code,
        "error": body.get("error"),
        "description": body.get("description"),
        "reason": body.get("reason"),
        "operational_kind": body.get("error_operational_kind"),
        "upstream_reason": preview.get("reason"),
        "issue_paths": [".".join(map(str, d["path"])) for d in body.get("details", [])],
    }


@pytest.mark.parametrize("row", CONTRACT, ids=[row["id"] for row in CONTRACT])
async def test_a_body_gets_the_gateways_answer(sandbox, row):
    """Each body gets the status, words and paths that the gateway gives it."""
    async with http(sandbox) as client:
        answer = await client.post(GENERATE, content=json.dumps(row["body"]))

    expected = {name: value for name, value in row.items() if name not in ("id", "body")}
    assert _read(answer) == expected


async def test_the_post_envelope_has_the_gateways_fields_and_headers(sandbox):
    """A refused POST has the fields, in the order, and the headers of the gateway's envelope."""
    async with http(sandbox) as client:
        answer = await client.post(GENERATE, json={"model": "suno/v5", "duration": 7.5})

    body = answer.json()
    assert list(body)[:6] == [
        "generation_id", "status_code", "error", "error_type", "error_origin", "description",
    ]  # fmt: skip
    assert (body["status_code"], body["error_type"], body["error_origin"]) == (400, "user", "user")
    assert body["details"][0] == {
        "message": "Invalid input: expected int, received number",
        "path": ["duration"],
        "keyword": "invalid_type",
        "params": {},
    }
    assert answer.headers["x-gateway-error-attribution"] == "user"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing_or_invalid_authorization_header"),
        ("Basic dTpw", "missing_or_invalid_authorization_header"),
        ("Bearer ", "missing_or_invalid_authorization_header"),
        ("bearer phaseo_v1_sk_abcdef12_secret", "missing_or_invalid_authorization_header"),
        ("Bearer hello", "invalid_key_format"),
        ("Bearer phaseo_v1_sk_short_x", "invalid_key_format"),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "invalid_key_format"),
        ("Bearer phaseo_v1_mk_abcdef12_secret", "management_key_not_valid_for_gateway"),
    ],
)
async def test_a_bad_key_is_refused_before_the_body_is_looked_at(sandbox, header, reason):
    """Without a good key even a broken body gets 401, with the reason in the description."""
    async with http(sandbox) as client:
        headers = {"authorization": header} if header is not None else {}
        if header is None:
            del client.headers["authorization"]
        posted = await client.post(GENERATE, content=b"{", headers=headers)
        asked = await client.get(f"{GENERATE}/x", headers=headers)

    assert (posted.status_code, posted.json()["error"]) == (401, "unauthorised")
    assert posted.json()["description"] == reason
    assert asked.json()["reason"] == reason
    assert "description" not in asked.json()


@pytest.mark.parametrize(
    "key", [KEY, "phaseo_v1_sk_Ab3dEf_a_b-c", "aistats_v1_sk_0123456789_secret"]
)
async def test_every_well_formed_key_is_good(sandbox, key):
    """The sandbox has no accounts: any key of the right form passes."""
    async with http(sandbox, authorization=f"Bearer {key}") as client:
        answer = await client.post(GENERATE, json=SUNO)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nope", b'{"model":NaN}', b"[" * 100_000, b"[" * 900 + b"]" * 900]
)
async def test_what_is_no_json_is_invalid_json(sandbox, body):
    """Empty and broken bodies are invalid_json, never a crash."""
    async with http(sandbox) as client:
        answer = await client.post(GENERATE, content=body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_json")


def _plan(*sections, **more) -> dict:
    return {"elevenlabs": {"composition_plan": {"sections": sections}, **more}}


ODD = [
    {"model": "eleven-labs/music", "duration": 1, **_plan({"duration_ms": 10**300})},
    {"model": "eleven-labs/music", **_plan({"duration_ms": -5}, {"lines": 3}, music_length_ms=500)},
    {"model": "suno/v5", "prompt": "\ud800 half \0", "suno": {"x": {"y": [None]}}},
    {"model": "sandbox/band", "prompt": "sea", "lyrics": {"la": 1}, "is_instrumental": "yes"},
    {"model": "suno/v5", "prompt": "sea", "beta": {"a": 1e308}, "provider": {"sort": {"by": "p"}}},
    {"model": "minimax/music-2.6", "prompt": "x", "lyrics": 5, "minimax": {"audio_setting": {}}},
]


@pytest.mark.parametrize("body", ODD)
async def test_odd_values_in_open_objects_break_nothing(sandbox, body):
    """What the schema lets through of any type or size is taken, and answered like any other."""
    async with http(sandbox) as client:
        answer = await client.post(GENERATE, content=json.dumps(body))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "reason",
    [
        "key_not_found_or_revoked",
        "key_soft_blocked",
        "key_expired",
        "invalid_secret",
        "legacy_key_prefix_retired",
        "oauth_delegated_key_required",
    ],
)
async def test_a_key_that_is_in_order_can_be_refused_for_every_reason(reason):
    """Each reason of the contract can be played: in the description of POST, as reason of GET."""
    async with http(Sandbox(state=reason)) as client:
        posted = await client.post(GENERATE, json=SUNO)
        asked = [await client.get(path) for path in (f"{GENERATE}/x", "/v1/models")]

    assert (posted.status_code, posted.json()["description"]) == (401, reason)
    assert [(each.status_code, each.json()["reason"]) for each in asked] == [(401, reason)] * 2


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-12-31T23:59:59", 200), ("2027-01-01T00:00:00", 401)],
    ids=["before", "after"],
)
async def test_the_old_key_prefix_ends_with_2026(day, expected):
    """Keys that begin with aistats are taken until 2027-01-01 in UTC, and not from then on."""

    class ThatDay(ManualClock):
        def wall(self):
            return datetime.fromisoformat(f"{day}+00:00")

    sandbox = Sandbox(clock=ThatDay())
    async with http(sandbox, authorization="Bearer aistats_v1_sk_0123456789_secret") as client:
        answer = await client.post(GENERATE, json=SUNO)

    assert answer.status_code == expected
    assert answer.json().get("description") in (None, "legacy_key_prefix_retired")


@pytest.mark.parametrize("state", ["open", "music_disabled"])
async def test_web_pages_may_ask_first(state):
    """OPTIONS is answered with 204 and CORS before the key, and with music switched off."""
    async with http(Sandbox(state=state), authorization="") as client:
        asked = await client.options(GENERATE)
        other = await client.get("/v1/models")

    assert (asked.status_code, asked.content) == (204, b"")
    for answer in (asked, other):
        assert answer.headers["access-control-allow-origin"] == "*"
    assert "Authorization" in asked.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", GENERATE),
        ("DELETE", f"{GENERATE}/x"),
        ("POST", f"{GENERATE}/x"),
        ("GET", GENERATE),
        ("GET", "/v1/music"),
    ],
)
async def test_what_is_no_route_is_not_found_as_text(method, path):
    """The gateway's router has no 405 and no JSON for what it does not know; 501 comes first."""
    async with http(Sandbox()) as client:
        answer = await client.request(method, path)
    async with http(Sandbox(state="music_disabled")) as client:
        disabled = await client.request(method, path)

    assert (answer.status_code, answer.text) == (404, "404 Not Found")
    assert answer.headers["content-type"].startswith("text/plain")
    assert disabled.status_code == 501


async def test_a_body_beyond_16_mib_is_too_large(sandbox):
    """One byte more than 16 MiB is 413, whether its length was said or not."""
    data = b" " * (16 * 2**20 + 1)

    async def chunks():
        yield data

    async with http(sandbox) as client:
        said = await client.post(GENERATE, content=data)
        unsaid = await client.post(GENERATE, content=chunks())

    assert [said.status_code, unsaid.status_code] == [413, 413]
    assert said.json()["error"] == "payload_too_large"


async def test_an_unknown_job_gets_the_envelope_of_get(sandbox):
    """GET of an unknown id has request_id, workspace_id and music_id, and no description."""
    async with http(sandbox) as client:
        answer = await client.get(f"{GENERATE}/no-such-id")

    body = answer.json()
    assert list(body)[:9] == [
        "error", "reason", "request_id", "workspace_id", "music_id",
        "status_code", "error_type", "error_origin", "generation_id",
    ]  # fmt: skip
    assert (answer.status_code, body["reason"]) == (404, "music_not_found_or_not_owned")
    assert body["music_id"] == "no-such-id"


@pytest.mark.parametrize(
    ("state", "status_code", "error"),
    [
        ("insufficient_funds", 402, "insufficient_funds"),
        ("key_limit_exceeded", 429, "key_limit_exceeded"),
        ("guardrail_blocked", 403, "guardrail_blocked"),
        ("gateway_error", 500, "gateway_error"),
        ("key_expired", 401, "unauthorised"),
        ("no_enabled_providers", 400, "unsupported_model_or_endpoint"),
    ],
)
async def test_a_state_refuses_everything_after_the_schema(state, status_code, error):
    """A state of the whole service has the gateway's status, and no Retry-After."""
    async with http(Sandbox(state=state)) as client:
        answer = await client.post(GENERATE, json=SUNO)

    assert (answer.status_code, answer.json()["error"]) == (status_code, error)
    assert "retry-after" not in answer.headers


async def test_music_switched_off_answers_501_before_the_key():
    """With music off every music route is 501 without a key, and the rest goes on."""
    sandbox = Sandbox(state="music_disabled")
    async with http(sandbox, authorization="") as client:
        posted = await client.post(GENERATE, json=SUNO)
        asked = await client.get(f"{GENERATE}/x")
    async with http(sandbox) as client:
        models = await client.get("/v1/models")

    assert (posted.status_code, asked.status_code, models.status_code) == (501, 501, 200)
    assert posted.json() | {"sandbox": True} == {
        "error": "not_implemented",
        "reason": "feature_temporarily_disabled",
        "feature": "music",
        "message": "music endpoints are temporarily disabled.",
        "sandbox": True,
    }


async def test_suno_brings_two_tracks_step_by_step(sandbox):
    """A Suno job goes queued, text, first track, both tracks; 20 s whatever was asked."""
    async with http(sandbox) as client:
        job = await submit(client, {**SUNO, "duration": 99, "format": "wav"})
        seen = []
        for seconds in (0, 0.5, 1.0, 0.6):
            sandbox.advance(seconds)
            seen.append(await status(client, job["id"]))

    assert job["status"] == "queued"
    assert "output" not in job
    assert (job["model"], job["cost_nanos"]) == ("V4_5", 60_000_000)
    assert job["usage"]["pricing_breakdown"]["total_usd_str"] == "0.06"
    words = [(each["status"], each["result"]["data"]["status"]) for each in seen]
    assert words == [
        ("queued", "QUEUED"),
        ("in_progress", "TEXT_SUCCESS"),
        ("in_progress", "FIRST_SUCCESS"),
        ("completed", "SUCCESS"),
    ]
    ready = [[bool(track["audio_url"]) for track in each["output"]] for each in seen]
    assert ready == [[], [False, False], [True, False], [True, True]]
    assert seen[-1]["usage"] == {"output_audio_count": 2, "output_audio_seconds": 40.0}
    assert seen[-1]["output"][0]["audio_url"].endswith(".mp3")


async def test_both_aliases_know_the_same_jobs(sandbox):
    """/music/generations is the same service under another name."""
    async with http(sandbox) as client:
        posted = await client.post("/v1/music/generations", json=SUNO)
        asked = await client.get(f"{GENERATE}/{posted.json()['id']}")
        other = await client.get(f"/v1/music/generations/{posted.json()['id']}")

    assert asked.json()["id"] == other.json()["id"] == posted.json()["id"]


@pytest.mark.parametrize("format", ["mp3", "wav", "ogg"])
async def test_the_band_honours_duration_and_format(sandbox, format):
    """sandbox/band plays exactly as long as asked, in the format asked for, for nothing."""
    async with http(sandbox) as client:
        job = await finished(sandbox, client, {**BAND, "duration": 3, "format": format})
        answer = await client.get(job["output"][0]["audio_url"])

    names = {"mp3": "MP3", "wav": "WAV", "ogg": "OGG"}
    types = {"mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg"}
    with soundfile.SoundFile(io.BytesIO(answer.content)) as file:
        assert file.format == names[format]
        assert file.frames / file.samplerate == pytest.approx(3, abs=0.1 if format == "mp3" else 0)
    assert answer.headers["content-type"] == types[format]
    assert job["output"][0]["duration"] == 3


async def test_aac_needs_its_extra_and_says_so(sandbox, monkeypatch):
    """Where PyAV is missing, AAC is refused with the extra's name, before anything is played."""
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "av" else found(name, *a)
    )
    async with http(sandbox) as client:
        answer = await client.post(GENERATE, json={**BAND, "format": "aac"})

    preview = json.loads(answer.json()["failure_sample"][0]["upstream_payload_preview"])
    assert answer.status_code == 502
    assert "phaseo-nb[aac]" in preview["message"]


async def test_elevenlabs_wav_is_bare_pcm_and_get_has_lost_it(sandbox):
    """ElevenLabs answers at once; its wav is PCM without header; GET is completed and empty."""
    body = {"model": "eleven-labs/music", "prompt": "sea", "duration": 2, "format": "wav"}
    async with http(sandbox) as client:
        job = await submit(client, body)
        later = await status(client, job["id"])
        by_request = await client.get(f"{GENERATE}/{job['requestId']}")

    data = base64.b64decode(job["audio_base64"])
    assert (job["status"], job["model"], job["provider"]) == ("completed", "music_v1", "elevenlabs")
    assert len(data) == 2 * 44_100 * 2 * 2  # seconds, rate, channels, bytes
    assert not data.startswith(b"RIFF")
    assert job["result"]["content_type"].startswith("audio/pcm")
    assert (later["status"], later["output"]) == ("completed", [])
    assert later["usage"] == {"output_audio_count": 0}
    assert by_request.status_code == 404


@pytest.mark.parametrize("format", ["mp3", "ogg", "aac"])
async def test_elevenlabs_makes_mp3_of_everything_else(sandbox, format):
    """ogg and aac become mp3 at ElevenLabs."""
    body = {"model": "eleven-labs/music", "prompt": "sea", "duration": 1, "format": format}
    async with http(sandbox) as client:
        job = await submit(client, body)

    assert job["result"]["content_type"] == "audio/mpeg"
    assert base64.b64decode(job["audio_base64"]).startswith(b"ID3")


async def test_minimax_gives_an_address_or_base64_and_forgets(sandbox):
    """MiniMax answers with audio_url, or hex turned into base64; GET knows nothing of it."""
    body = {"model": "minimax/music-2.6", "prompt": "sea", "minimax": {"output_format": "hex"}}
    async with http(sandbox) as client:
        by_url = await submit(client, {"model": "minimax/music-2.6", "prompt": "sea"})
        by_hex = await submit(client, body)
        file = await client.get(by_url["audio_url"])
        later = await client.get(f"{GENERATE}/{by_url['id']}")

    assert bytes.fromhex(by_hex["result"]["data"]["audio"]) == base64.b64decode(
        by_hex["audio_base64"]
    )
    assert file.content.startswith(b"ID3")
    assert (later.status_code, by_url["cost_nanos"]) == (404, 150_000_000)
    assert by_url["result"]["extra_info"]["music_duration"] == 20_000


async def test_google_is_asked_for_by_its_request_id(sandbox):
    """Lyria's job is stored under requestId, audio and all; its own id is 404."""
    body = {"model": "google/lyria-3-clip-preview", "prompt": "calm sea at dawn"}
    async with http(sandbox) as client:
        job = await submit(client, body)
        missing = await client.get(f"{GENERATE}/{job['id']}")
        later = await status(client, job["requestId"])

    assert missing.status_code == 404
    assert later["audio_base64"] == job["audio_base64"] == later["output"][0]["audio_base64"]
    assert later["result"]["candidates"][0]["content"]["parts"][0]["inlineData"]["data"]
    assert job["usage"]["input_tokens"] == 4


async def test_debug_brings_back_what_the_contract_says(sandbox):
    """Echo gives JSON text, debug the upstream answer, meta:true the routing; else none of it."""
    asked = {"return_upstream_request": True, "return_upstream_response": True}
    async with http(sandbox) as client:
        plain = await submit(client, SUNO)
        echoed = await submit(client, {**SUNO, "echo_upstream_request": True})
        full = await submit(client, {**SUNO, "debug": asked, "meta": True})

    assert not {"upstream_request", "upstream_response"} & set(plain)
    assert "routing" not in plain["meta"]
    assert json.loads(echoed["upstream_request"]) == {"model": "V4_5", "prompt": SUNO["prompt"]}
    assert full["upstream_response"]["id"] == full["id"]
    assert full["upstream_response"]["usage"]["pricing"]["total_nanos"] == 60_000_000
    assert full["meta"]["routing"]["selected_provider"] == "suno"


async def test_the_same_request_again_is_another_take(sandbox):
    """Posted twice a request sounds twice; a second sandbox plays the same two takes."""
    files = []
    for each in (sandbox, Sandbox(clock="manual", seed=0)):
        async with http(each) as client:
            for debug in ({}, {"enabled": True}):  # what is not heard makes no other take
                job = await finished(each, client, {**BAND, "debug": debug})
                files.append((job["id"], await audio(client, job)))

    assert files[0] == files[2]
    assert files[1] == files[3]
    assert files[0][1] != files[1][1]


async def test_ids_do_not_depend_on_polling(sandbox):
    """How often somebody asked changes no later id."""
    async with http(sandbox) as client:
        await submit(client, SUNO)
        for _ in range(3):
            await client.get(f"{GENERATE}/nothing")
        second = await submit(client, SUNO)
    async with http(Sandbox(clock="manual", seed=0)) as client:
        await submit(client, SUNO)
        assert (await submit(client, SUNO))["requestId"] == second["requestId"]


async def test_every_answer_says_sandbox(sandbox):
    """Bodies have sandbox: true, also on each track; every answer has the header."""
    async with http(sandbox) as client:
        job = await finished(sandbox, client, BAND)
        answers = [
            await client.post(GENERATE, json=SUNO),
            await client.post(GENERATE, json={}),
            await client.get(f"{GENERATE}/x"),
            await client.get("/v1/models"),
            await client.get("/v1/pricing/models"),
            await client.post("/api/v2/generate", json={"prompt": "la"}),
            await client.get("/nowhere"),
        ]
        file = await client.get(job["output"][0]["audio_url"])

    assert all(answer.json()["sandbox"] is True for answer in answers)
    assert all(answer.headers["x-phaseo-nb-sandbox"] == "true" for answer in [*answers, file])
    assert job["output"][0]["sandbox"] is True
    assert "phaseo_nb sandbox synthesizer, not by an AI model".encode("utf-16-le") in file.content


async def test_models_are_filtered_and_paged(sandbox):
    """Suno shows under availability=all only; filters repeat and take commas; pages fit."""
    async with http(sandbox) as client:
        active = (await client.get("/v1/models")).json()
        everything = (await client.get("/v1/models", params={"availability": "all"})).json()
        some = await client.get("/v1/models?provider=minimax,sandbox&endpoints=music.generate")
        page = await client.get("/v1/models?availability=all&limit=2&offset=1")
        odd = await client.get("/v1/models?limit=251")

    ids = {model["id"] for model in everything["models"]}
    assert {"suno/v5", "eleven-labs/music", "google/lyria-3-pro-preview", "sandbox/band"} <= ids
    assert not any(model["id"].startswith("suno/") for model in active["models"])
    assert {m["offers"][0]["provider"]["id"] for m in some.json()["models"]} == {
        "minimax",
        "sandbox",
    }
    assert [m["id"] for m in page.json()["models"]] == [m["id"] for m in everything["models"]][1:3]
    assert (page.json()["total"], page.json()["limit"]) == (everything["total"], 2)
    assert odd.status_code == 400


async def test_prices_are_those_of_the_cards(sandbox):
    """The price list and the calculator agree with the services' cards."""
    usage = {"endpoint": "music.generate", "usage": {"requests": 3}}
    async with http(sandbox) as client:
        listed = (await client.get("/v1/pricing/models")).json()["models"]
        suno = await client.post(
            "/v1/pricing/calculate", json={"provider": "suno", "model": "suno/v5", **usage}
        )
        eleven = await client.post(
            "/v1/pricing/calculate",
            json={"provider": "elevenlabs", "model": "eleven-labs/music", **usage},
        )
        empty = await client.post("/v1/pricing/calculate", json={})

    prices = {each["model"]: float(each["meters"][0]["price_per_unit"]) for each in listed}
    assert prices["google/lyria-3-clip-preview"] == 0.04
    assert prices["minimax/music-2.6"] == 0.15
    assert prices["sandbox/band"] == 0
    assert suno.json()["pricing"]["total_usd_str"] == "0.18"
    assert (eleven.status_code, eleven.json()["error"]) == (404, "pricing_not_found")
    assert (empty.status_code, empty.json()["error"]) == (400, "missing_required_fields")
