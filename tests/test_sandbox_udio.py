"""udioapi.pro's surface of the sandbox, in its three generations."""

from __future__ import annotations

import pytest
from sandboxes import http

from phaseo_nb.sandbox import Sandbox, failed, http_fault, partial, refused

pytestmark = pytest.mark.anyio
IDEA = {"gpt_description_prompt": "a slow harbour shanty", "model": "chirp-v4-5"}
TRACK = {
    "id", "audio_url", "image_url", "image_large_url", "created_at", "timestamp", "status",
    "title", "prompt", "tags", "duration", "model_name", "extra_message", "fail_message",
    "error_message",
}  # fmt: skip


@pytest.fixture
def sandbox():
    return Sandbox(clock="manual")


async def _feeds(sandbox, client, body, *, path="/api/v2/generate"):
    """Return the work id and the v2 feed after 0, 0.5, 1.5 and 5 s."""
    answer = (await client.post(path, json=body)).json()
    seen = []
    for seconds in (0, 0.5, 1.0, 3.5):
        sandbox.advance(seconds)
        feed = await client.get("/api/v2/feed", params={"workId": answer["workId"]})
        seen.append(feed.json()["data"])
    return answer, seen


async def test_v2_goes_through_its_stages_with_the_false_success(sandbox):
    """The feed has new, text (type SUCCESS and a preview already), first, complete."""
    async with http(sandbox) as client:
        answer, seen = await _feeds(sandbox, client, IDEA)

    assert answer["code"] == 200
    assert answer["data"]["task_id"] == answer["workId"]
    assert answer["workId"].startswith("gen")
    assert answer["workId"].endswith("bksv")
    assert [feed["type"] for feed in seen] == ["IN_PROGRESS", "SUCCESS", "SUCCESS", "SUCCESS"]
    statuses = [[track["status"] for track in feed["response_data"]] for feed in seen]
    assert statuses == [[], ["text"] * 2, ["first", "text"], ["complete"] * 2]
    assert [track["duration"] for track in seen[1]["response_data"]] == ["", ""]
    assert [track["duration"] for track in seen[3]["response_data"]] == [20.0, 20.0]
    assert "/stream/" in seen[1]["response_data"][0]["audio_url"]
    assert set(seen[3]["response_data"][0]) - {"sandbox"} == TRACK
    assert seen[3]["request_body"] == IDEA
    assert seen[3]["response_data"][0]["extra_message"] == "All generated successfully."


async def test_the_flat_feed_is_the_older_shape(sandbox):
    """GET and POST of /api/feed are flat, with camelCase echo, millisecond times, no status."""
    body = {"prompt": "la la", "style": "folk", "title": "Reed", "custom_mode": True}
    async with http(sandbox) as client:
        answer, _ = await _feeds(sandbox, client, body, path="/api/generate")
        got = await client.get("/api/feed", params={"workId": answer["workId"]})
        posted = await client.post("/api/feed", json={"workId": answer["workId"]})

    feed = got.json()
    assert feed == posted.json()
    assert feed["type"] == "complete"
    assert feed["request_body"]["customMode"] is True
    assert feed["created_at"] == "2026-01-05 12:00:00"
    track = feed["response_data"][0]
    assert (track["title"], track["duration"]) == ("Reed", 20.0)
    assert track["createTime"] == 1_767_614_400_000  # 2026-01-05 12:00:00 UTC
    assert "status" not in track


async def test_the_oldest_form_takes_its_key_from_the_body(sandbox):
    """A token in the body is enough, the answer has no code, and the token comes back nowhere."""
    async with http(sandbox) as client:
        del client.headers["authorization"]
        body = {"token": "secret-token", "prompt": "a shanty"}
        answer = await client.post("/api/generate", json=body)
        feed = await client.get("/api/feed", params={"workId": answer.json()["workId"]})

    assert set(answer.json()) == {"message", "workId", "sandbox"}
    assert "secret-token" not in answer.text + feed.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/generate", {"prompt": "la"}),
        ("/api/v2/generate", {"prompt": "la"}),
        ("/api/v2/generate", {"prompt": "la", "token": "only the oldest form"}),
        ("/api/generate", {"prompt": "la", "token": "  "}),
    ],
)
async def test_without_a_key_it_is_401(sandbox, path, body):
    """Without bearer (or token, where one counts) the service's own 401 comes."""
    async with http(sandbox) as client:
        del client.headers["authorization"]
        answer = await client.post(path, json=body)
        credits = await client.get("/api/v2/credits")

    assert answer.status_code == credits.status_code == 401
    assert answer.json()["code"] == 401
    assert answer.json()["message"] == "Unauthorized: Invalid or missing API key"


async def test_refusals_come_inside_http_200(sandbox):
    """Missing words are code 400 inside 200; too long a prompt fails later (oldest: at once)."""
    async with http(sandbox) as client:
        empty = await client.post("/api/v2/generate", json={"model": "chirp-v5"})
        oldest = await client.post("/api/generate", json={"token": "t", "prompt": "x" * 5001})
        _, seen = await _feeds(sandbox, client, {"prompt": "x" * 5001})

    assert empty.status_code == 200
    assert (empty.json()["code"], empty.json()["message"]) == (
        400, "gpt_description_prompt or prompt is required",
    )  # fmt: skip
    assert oldest.json() == {"message": "prompt too long", "sandbox": True}
    assert seen[-1]["type"] == "FAILED"
    assert {track["fail_message"] for track in seen[-1]["response_data"]} == {"Topic too long."}


async def test_scripts_work_on_this_side_too(sandbox):
    """Failures, half failures, refusals inside 200 and HTTP faults reach udioapi.pro's clients."""
    sandbox.script("alpha", failed("Does Not Meet Guidelines")).script("beta", partial())
    sandbox.script("gamma", refused(429, "busy")).script("delta", http_fault("submit", 500))
    async with http(sandbox) as client:
        _, lost = await _feeds(sandbox, client, {"prompt": "alpha"})
        _, half = await _feeds(sandbox, client, {"prompt": "beta"})
        busy = await client.post("/api/v2/generate", json={"prompt": "gamma"})
        broken = await client.post("/api/v2/generate", json={"prompt": "delta"})

    assert lost[-1]["type"] == "FAILED"
    assert lost[-1]["response_data"][0]["fail_message"] == "Does Not Meet Guidelines"
    assert [bool(track["audio_url"]) for track in half[-1]["response_data"]] == [True, False]
    assert half[-1]["response_data"][1]["fail_message"]
    assert (busy.status_code, busy.json()["code"]) == (200, 429)
    assert (broken.status_code, broken.json()["code"]) == (500, 500)


async def test_credits_go_down_by_ten(sandbox):
    """Each accepted job uses ten of the thousand credits, which cost nothing."""
    async with http(sandbox) as client:
        await client.post("/api/v2/generate", json=IDEA)
        await client.post("/api/v2/generate", json={})
        data = (await client.get("/api/v2/credits")).json()["data"]

    assert data == {"credits": 990, "used_credits": 10}


async def test_an_unknown_work_id_is_404_and_a_missing_one_400(sandbox):
    """The feed knows its own jobs only, not those of the other service."""
    async with http(sandbox) as client:
        other = (
            await client.post("/v1/music/generate", json={"model": "suno/v5", "prompt": "a"})
        ).json()
        codes = [
            (await client.get("/api/v2/feed", params=params)).json()["code"]
            for params in ({"workId": "gen1bksv"}, {"workId": other["id"]}, {})
        ]

    assert codes == [404, 404, 400]


async def test_the_tracks_of_a_job_differ_and_can_be_fetched(sandbox):
    """Two tracks of one job are two recordings."""
    async with http(sandbox) as client:
        _, seen = await _feeds(sandbox, client, IDEA)
        files = [
            (await client.get(track["audio_url"])).content for track in seen[-1]["response_data"]
        ]

    assert files[0] != files[1]
    assert all(file.startswith(b"ID3") for file in files)
