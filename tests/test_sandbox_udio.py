"""udioapi.pro's surface of the sandbox, in its three generations, and what goes on from songs."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from sandboxes import http

from phaseo_nb.sandbox import Sandbox, delayed, failed, http_fault, partial, refused

pytestmark = [pytest.mark.anyio, pytest.mark.full_songs]
IDEA = {"gpt_description_prompt": "a slow harbour shanty", "model": "chirp-v4-5"}
HOOK = "https://music.example.org/hook/1"
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
    body["callback_url"] = HOOK
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


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (None, "callback_url is required"),
        ("http://localhost:8000/cb", "callback_url must be a public http or https address"),
        ("http://127.1/cb", "callback_url must be a public http or https address"),
        ("https://192.168.1.7/cb", "callback_url must be a public http or https address"),
        ("ftp://music.example.org/cb", "callback_url must be a public http or https address"),
    ],
)
async def test_the_callback_form_wants_a_public_callback(sandbox, url, message):
    """POST /api/generate with a bearer key refuses a missing or private callback_url."""
    body = {"prompt": "la la", **({"callback_url": url} if url else {})}
    async with http(sandbox) as client:
        answer = await client.post("/api/generate", json=body)
        v2 = await client.post("/api/v2/generate", json=body)

    assert (answer.status_code, answer.json()["code"]) == (200, 400)
    assert answer.json()["message"] == message
    assert v2.json()["code"] == 200  # documents no callback, so it looks at none


# -- extend ----------------------------------------------------------------------------------------


async def _made(sandbox, client, body=IDEA, path="/api/v2/generate"):
    """Return the work id of a job and, once it is finished, the tracks that the feed has."""
    answer = await client.post(path, json=body)
    assert answer.json()["code"] == 200, answer.text
    sandbox.advance(5)
    work_id = answer.json()["workId"]
    feed = await client.get("/api/v2/feed", params={"workId": work_id})
    return work_id, feed.json()["data"]["response_data"]


def _character(track):
    """Return genre, tempo and key as the track's own tags say them."""
    return track["tags"].split(", ")


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"custom_mode": True, "prompt": "[Verse]\nthe tide goes out"},
        {
            "custom_mode": True,
            "prompt": "out",
            "style": "jazz in D major at 60 bpm",
            "title": "Out",
        },
    ],
    ids=["alone", "lyrics", "another style"],
)
async def test_a_continuation_is_the_same_song_going_on(sandbox, words):
    """Extend gives two new tracks in the original's genre, tempo and key, under its name."""
    idea = {"gpt_description_prompt": "a rock song in F# minor at 131 bpm", "title": "Ebb"}
    async with http(sandbox) as client:
        work_id, _ = await _made(sandbox, client, idea)
        body = {"origin_task_id": work_id, "extend_audio_index": 1, "extensionStartTime": 9.5}
        longer_id, after = await _made(sandbox, client, {**body, **words}, "/api/v2/extend")

    assert longer_id.startswith("ext")
    assert longer_id.endswith("bksv")
    assert [_character(track) for track in after] == [["rock", "131 bpm", "F# minor"]] * 2
    assert [track["title"] for track in after] == [words.get("title", "Ebb")] * 2
    assert after[0]["prompt"] == words.get("prompt", "")


async def test_a_song_can_be_extended_again_and_again(sandbox):
    """A continuation of a continuation is still in the first song's genre, tempo and key."""
    async with http(sandbox) as client:
        work_id, tracks = await _made(sandbox, client)
        first = _character(tracks[0])
        for _ in range(3):
            body = {"origin_task_id": work_id, "extend_audio_index": 0}
            work_id, tracks = await _made(sandbox, client, body, "/api/v2/extend")

        sound = await client.get(tracks[0]["audio_url"])

    assert _character(tracks[0]) == first
    assert sound.content.startswith(b"ID3")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extend_audio_index": None}, "extend_audio_index is required"),
        ({"extend_audio_index": 2}, "extend_audio_index must be 0 or 1"),
        ({"extend_audio_index": True}, "extend_audio_index must be 0 or 1"),
        ({"origin_task_id": None}, "origin_task_id is required"),
        ({"origin_task_id": "gen0bksv"}, "origin_task_id is invalid"),
        ({"custom_mode": True}, "prompt is required"),
        ({"extensionStartTime": -1}, "extensionStartTime must be a number of seconds"),
        (
            {"callback_url": "http://10.0.0.1/"},
            "callback_url must be a public http or https address",
        ),
    ],
)
async def test_extend_says_what_is_wrong(sandbox, change, message):
    """Missing and impossible fields are 400, and cost nothing."""
    async with http(sandbox) as client:
        work_id, _ = await _made(sandbox, client)
        body = {"origin_task_id": work_id, "extend_audio_index": 0, **change}
        answer = await client.post("/api/v2/extend", json=body)
        used = (await client.get("/api/v2/credits")).json()["data"]["used_credits"]

    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert answer.json()["message"] == message
    assert used == 10


async def test_what_is_not_finished_or_came_to_nothing_cannot_be_extended(sandbox):
    """A running job, a failed job and a dead track of a job are "Audio is not completed"."""
    sandbox.script("slow", delayed(60)).script("storm", failed()).script("half", partial())
    answers = []
    async with http(sandbox) as client:
        for prompt in ("slow", "storm", "half"):
            work_id, _ = await _made(sandbox, client, {"prompt": prompt})
            body = {"origin_task_id": work_id, "extend_audio_index": 1}
            answers.append((await client.post("/api/v2/extend", json=body)).json())

    assert [answer["message"] for answer in answers] == ["Audio is not completed"] * 3


# -- upload cover ----------------------------------------------------------------------------------


async def test_an_upload_cover_of_our_own_song_keeps_key_and_tempo(sandbox):
    """A song of the sandbox comes back in the new style, in its own key and tempo."""
    idea = {"gpt_description_prompt": "a rock song in F# minor at 131 bpm", "title": "Ebb"}
    async with http(sandbox) as client:
        _, before = await _made(sandbox, client, idea)
        body = {"upload_url": before[0]["audio_url"], "model": "chirp-v5"}
        body["gpt_description_prompt"] = "slow bossa nova with flute"
        work_id, after = await _made(sandbox, client, body, "/api/v2/upload-cover/generate")

    assert work_id.startswith("upcov")
    assert [_character(track) for track in after] == [["bossa nova", "131 bpm", "F# minor"]] * 2
    assert {track["title"] for track in after} == {"Ebb"}


async def test_an_upload_cover_of_a_strangers_song_is_the_new_style_alone(sandbox):
    """Nothing is fetched from another's address, nor repeated: it may have a key in it."""
    url = "https://cdn.example.org/sandbox/audio/G-1/0.mp3?signature=s3cret"
    body = {"upload_url": url, "model": "chirp-v5", "gpt_description_prompt": "techno at 140 bpm"}
    async with http(sandbox) as client:
        work_id, after = await _made(sandbox, client, body, "/api/v2/upload-cover/generate")
        feed = await client.get("/api/v2/feed", params={"workId": work_id})

    assert _character(after[0])[:2] == ["techno", "140 bpm"]
    assert "s3cret" not in feed.text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"model": "chirp-v5", "prompt": "la"}, "upload_url is required"),
        ({"upload_url": "file:///etc/passwd", "model": "chirp-v5", "prompt": "la"},
         "upload_url must be an http or https address"),
        ({"upload_url": "https://e.example.org/a.mp3", "prompt": "la"}, "model is required"),
        ({"upload_url": "https://e.example.org/a.mp3", "model": "chirp-v5"},
         "gpt_description_prompt or prompt is required"),
    ],
)  # fmt: skip
async def test_upload_cover_says_what_is_wrong(sandbox, body, message):
    """Missing fields are 400 in the page's words."""
    async with http(sandbox) as client:
        answer = await client.post("/api/v2/upload-cover/generate", json=body)

    assert (answer.status_code, answer.json()["message"]) == (400, message)


# -- cover images ----------------------------------------------------------------------------------


def _pixels(data):
    """Return a PNG as (height, width, 3): RGB, each row as its difference to the one above."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", data, at + 8 + size)[0] == zlib.crc32(name + body)
        chunks[name] = body
        at += 12 + size
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind == [8, 2, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert (rows[:, 0] == 2).all()
    return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).reshape(height, width, 3)


async def test_cover_images_are_pictures_of_the_song(sandbox):
    """A cover takes a second, is a square PNG for each track, and costs one credit."""
    async with http(sandbox) as client:
        work_id, _ = await _made(sandbox, client)
        ordered = (await client.post("/api/v2/cover/generate", json={"taskId": work_id})).json()
        task = {"task_id": ordered["data"]["taskId"]}
        early = (await client.get("/api/v2/cover/status", params=task)).json()
        sandbox.advance(1)
        late = (await client.get("/api/v2/cover/status", params=task)).json()
        files = [await client.get(url) for url in late["data"]["images"]]
        used = (await client.get("/api/v2/credits")).json()["data"]["used_credits"]

    assert (ordered["code"], ordered["msg"]) == (200, "success")
    assert (early["data"]["status"], early["data"]["images"]) == ("IN_PROGRESS", [])
    assert (late["data"]["status"], len(late["data"]["images"])) == ("SUCCESS", 2)
    assert used == 11
    pictures = [_pixels(file.content) for file in files]
    assert [picture.shape for picture in pictures] == [(512, 512, 3)] * 2
    assert all(len(np.unique(picture.reshape(-1, 3), axis=0)) > 100 for picture in pictures)
    assert files[0].headers["content-type"] == "image/png"
    assert files[0].content != files[1].content
    assert max(len(file.content) for file in files) < 120_000


async def test_a_cover_is_made_once_for_each_job(sandbox):
    """The second order for one job is code 400 with a msg; unfinished and unknown jobs too."""
    sandbox.script("march", delayed(60))
    async with http(sandbox) as client:
        work_id, _ = await _made(sandbox, client)
        slow_id, _ = await _made(sandbox, client, {"prompt": "a march"})
        answers = [
            (await client.post("/api/v2/cover/generate", json=body)).json()
            for body in ({"taskId": work_id}, {"taskId": work_id}, {"taskId": slow_id},
                         {"taskId": "gen0bksv"}, {})
        ]  # fmt: skip
        unknown = await client.get("/api/v2/cover/status", params={"task_id": "cover1"})
        del client.headers["authorization"]
        keyless = await client.post("/api/v2/cover/generate", json={"taskId": work_id})

    assert [answer["code"] for answer in answers] == [200, 400, 400, 400, 400]
    assert "already" in answers[1]["msg"]
    assert unknown.status_code == 404
    assert (keyless.status_code, keyless.json()["msg"][:12]) == (401, "Unauthorized")
