"""What can be made to go wrong in the sandbox, and that it goes wrong as told."""

from __future__ import annotations

import asyncio
import re
import threading
import time

import anyio
import httpx
import pytest
from sandboxes import BAND, GENERATE, SUNO, audio, finished, http, status, submit

from phaseo_nb.sandbox import (
    Sandbox,
    delayed,
    dropped,
    expired,
    failed,
    http_fault,
    partial,
    refused,
    slow,
    statuses,
    stuck,
    without_audio,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def sandbox():
    return Sandbox(clock="manual")


async def test_a_failed_job_gives_its_cause_inside_the_result(sandbox):
    """failed() ends a Suno job with the word in result.data, and no output."""
    sandbox.script("waltz", outcome=failed("SENSITIVE_WORD_ERROR"))
    async with http(sandbox) as client:
        job = await finished(sandbox, client, SUNO)

    data = job["result"]["data"]
    assert (job["status"], job["output"]) == ("failed", [])
    assert (data["status"], data["errorMessage"]) == ("SENSITIVE_WORD_ERROR",) * 2
    assert "usage" not in job


@pytest.mark.parametrize("match", ["WALTZ", re.compile(r"slow \w+ waltz"), lambda body: True, None])
async def test_a_script_finds_its_requests(sandbox, match):
    """Text in any letter case, patterns, functions and None all match; other requests do not."""
    sandbox.script(match, failed())
    async with http(sandbox) as client:
        job = await finished(sandbox, client, SUNO)
        other = await finished(sandbox, client, {**SUNO, "prompt": "a march"})

    assert job["status"] == "failed"
    assert (other["status"] == "failed") is (match is None or callable(match))


async def test_newer_scripts_win_and_times_run_out(sandbox):
    """The newest script that fits decides, as often as it was given for."""
    sandbox.script("waltz", failed("OLD")).script("harbour", failed("NEW"), times=1)
    async with http(sandbox) as client:
        first = await finished(sandbox, client, SUNO)
        second = await finished(sandbox, client, SUNO)

    messages = [job["result"]["data"]["errorMessage"] for job in (first, second)]
    assert messages == ["NEW", "OLD"]


async def test_delayed_and_stuck_jobs_take_the_clocks_time(sandbox):
    """delayed(30) is not done after 29 s and done after 30; stuck() never."""
    sandbox.script("waltz", delayed(30)).script("march", stuck())
    async with http(sandbox) as client:
        slow_one = await submit(client, SUNO)
        never = await submit(client, {**SUNO, "prompt": "a march"})
        sandbox.advance(29)
        before = await status(client, slow_one["id"])
        sandbox.advance(1)
        after = await status(client, slow_one["id"])
        sandbox.advance(1e6)
        still = await status(client, never["id"])

    assert (before["status"], after["status"], still["status"]) == (
        "in_progress", "completed", "queued",
    )  # fmt: skip


async def test_statuses_come_in_the_order_given(sandbox):
    """statuses() gives each poll the next word, unknown, backwards or missing; the last stays."""
    words = ("queued", "paused_v2", "completed", "queued", None)
    sandbox.script(None, statuses(*words))
    async with http(sandbox) as client:
        job = await submit(client, SUNO)
        seen = [(await status(client, job["id"]))["status"] for _ in range(6)]

    assert seen == [*words, None]


async def test_completed_without_audio_and_partial_failure(sandbox):
    """without_audio() completes empty; partial() leaves the second track without an address."""
    sandbox.script("waltz", without_audio()).script("march", partial())
    async with http(sandbox) as client:
        empty = await finished(sandbox, client, SUNO)
        half = await finished(sandbox, client, {**SUNO, "prompt": "a march"})
        good = await audio(client, half)

    assert (empty["status"], empty["output"]) == ("completed", [])
    assert [bool(track["audio_url"]) for track in half["output"]] == [True, False]
    assert half["usage"]["output_audio_count"] == 1
    assert good.startswith(b"ID3")


async def test_refused_inside_http_200(sandbox):
    """refused() is 200, queued, id = requestId, billed, and then nobody knows the job."""
    sandbox.script(None, refused(429, "slow down"))
    async with http(sandbox) as client:
        job = await submit(client, SUNO)
        later = await client.get(f"{GENERATE}/{job['id']}")

    assert (job["status"], job["id"]) == ("queued", job["requestId"])
    assert job["result"] == {"code": 429, "msg": "slow down", "data": None}
    assert job["cost_nanos"] == 60_000_000
    assert later.status_code == 404


async def test_submit_faults_come_so_often_and_then_it_works(sandbox):
    """http_fault() answers with its status, Retry-After and body, counts, and creates nothing."""
    sandbox.script("waltz", http_fault("submit", 503, body="<html>", retry_after=7, times=2))
    async with http(sandbox) as client:
        answers = [await client.post(GENERATE, json=SUNO) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].headers["content-type"].startswith("text/html")
    assert answers[0].text == "<html>"
    assert repr(sandbox) == "<Sandbox, 1 job>"


async def test_a_fault_without_body_has_the_services_envelope(sandbox):
    """Without a body a scripted error looks like the gateway's own."""
    sandbox.script(None, http_fault("submit", 429))
    async with http(sandbox) as client:
        answer = await client.post(GENERATE, json=SUNO)

    assert answer.status_code == 429
    assert answer.json()["error"] == "key_limit_exceeded"
    assert answer.json()["generation_id"].startswith("G-")


async def test_poll_and_download_faults_count_by_job(sandbox):
    """Faults of polls and downloads begin after so many good ones and belong to one job."""
    faults = (http_fault("poll", 502, body={"code": 1}, after=1), expired(times=1))
    sandbox.script(None, *faults)
    async with http(sandbox) as client:
        job = await submit(client, BAND)
        sandbox.advance(5)
        polls = [await client.get(f"{GENERATE}/{job['id']}") for _ in range(3)]
        url = polls[0].json()["output"][0]["audio_url"]
        files = [await client.get(url) for _ in range(2)]

    assert [poll.status_code for poll in polls] == [200, 502, 200]
    assert polls[1].json() == {"code": 1}
    assert [file.status_code for file in files] == [403, 200]
    assert b"expired" in files[0].content


@pytest.mark.parametrize(("created", "n_jobs"), [(True, 1), (False, 0)])
async def test_a_dropped_connection_is_a_read_error(sandbox, created, n_jobs):
    """dropped('submit') raises ReadError in process, with the job created or not, as told."""
    sandbox.script(None, dropped("submit", created=created))
    async with http(sandbox) as client:
        with pytest.raises(httpx.ReadError, match="scripted by the sandbox"):
            await client.post(GENERATE, json=SUNO)

    assert repr(sandbox) == f"<Sandbox, {n_jobs} job{'s' if n_jobs != 1 else ''}>"


async def test_a_slow_answer_waits_for_the_clock(sandbox):
    """slow() holds an answer until the sandbox's clock has gone on."""
    sandbox.script(None, slow("submit", 60))
    async with http(sandbox) as client, anyio.create_task_group() as group:
        done = anyio.Event()

        async def post():
            await submit(client, SUNO)
            done.set()

        group.start_soon(post)
        await anyio.sleep(0.05)
        assert not done.is_set()
        sandbox.advance(60)
        with anyio.fail_after(5):
            await done.wait()


async def test_synchronous_providers_wait_and_fail_too(sandbox):
    """Delays and failures reach providers that answer at once, each in its own way."""
    sandbox.script(None, failed("no such voice"))
    answers = {}
    async with http(sandbox) as client:
        for model in ("eleven-labs/music", "minimax/music-2.6", "google/lyria-3-pro-preview"):
            answers[model] = await client.post(GENERATE, json={"model": model, "prompt": "sea"})

    eleven = answers["eleven-labs/music"].json()
    assert (eleven["status"], eleven["result"]["status"]) == ("failed", "error")
    minimax = answers["minimax/music-2.6"].json()
    assert (minimax["status_code"], minimax["failed_statuses"]) == (502, [400])
    assert "no such voice" in minimax["failure_sample"][0]["upstream_payload_preview"]
    assert answers["google/lyria-3-pro-preview"].status_code == 502


async def test_an_upstream_402_has_its_own_envelope(sandbox):
    """A provider that wants money is provider_payment_required, 502."""
    sandbox.script(None, refused(402, "no credits"))
    async with http(sandbox) as client:
        answer = await client.post(GENERATE, json={"model": "minimax/music-2.6", "prompt": "sea"})

    body = answer.json()
    assert (answer.status_code, body["error"]) == (502, "provider_payment_required")
    assert body["provider_payment_required_provider"] == "minimax"
    assert body["failed_statuses"] == [402]


async def test_constructor_forms():
    """Outcome, scripts and state can be given at once, and the state changed at any time."""
    sandbox = Sandbox(clock="manual", outcome=failed("A"), scripts={"march": failed("B")})
    async with http(sandbox) as client:
        messages = [
            (await finished(sandbox, client, {**SUNO, "prompt": prompt}))["result"]["data"][
                "errorMessage"
            ]
            for prompt in ("a waltz", "a march")
        ]
        sandbox.state = "insufficient_funds"
        answer = await client.post(GENERATE, json=SUNO)

    assert messages == ["A", "B"]
    assert answer.status_code == 402


def test_wrong_words_name_the_right_ones():
    """A wrong clock, state, speed, outcome or step back in time says what would be right."""
    with pytest.raises(ValueError, match="music_disabled"):
        Sandbox(state="closed")
    with pytest.raises(ValueError, match="manual"):
        Sandbox(clock="sundial")
    with pytest.raises(ValueError, match="above 0"):
        Sandbox(speed=0)
    with pytest.raises(TypeError, match=r"failed\(\)"):
        Sandbox().script("a waltz", "FAILED")
    with pytest.raises(TypeError, match="manual"):
        Sandbox().advance(1)
    with pytest.raises(ValueError, match="forward only"):
        Sandbox(clock="manual").advance(-1)


def test_one_sandbox_serves_several_loops_and_threads():
    """The same sandbox answers loops in several threads at once, and loops one after another."""
    sandbox = Sandbox(clock="manual")
    sizes: list[int] = []

    async def once():
        async with http(sandbox) as client:
            job = await finished(sandbox, client, BAND)
            sizes.append(len(await audio(client, job)))

    threads = [threading.Thread(target=asyncio.run, args=(once(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    asyncio.run(once())

    assert len(sizes) == 5
    assert min(sizes) > 10_000


async def test_rendering_does_not_hold_up_the_event_loop():
    """While 60 s of music are played, the loop never waits for 0.1 s of this process's work."""
    sandbox = Sandbox()
    async with http(sandbox) as client:
        worst, done = 0.0, anyio.Event()

        async def watch():
            nonlocal worst
            while not done.is_set():
                # Not the clock on the wall: a busy machine keeps the loop waiting as well.
                before = time.process_time()
                await anyio.sleep(0.002)
                worst = max(worst, time.process_time() - before)

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            body = {"model": "eleven-labs/music", "prompt": "a march", "duration": 60}
            job = await submit(client, body)
            done.set()

    assert len(job["audio_base64"]) > 1_000_000
    assert worst < 0.1


@pytest.mark.parametrize("body", [BAND, SUNO], ids=["band", "suno"])
async def test_unscripted_jobs_end_within_five_seconds(sandbox, body):
    """Five seconds of the clock are enough for every unscripted job, and nothing ends at once."""
    async with http(sandbox) as client:
        job = await submit(client, body)
        assert (await status(client, job["id"]))["status"] == "queued"
        sandbox.advance(5)
        assert (await status(client, job["id"]))["status"] == "completed"


async def test_speed_makes_the_real_clock_go_faster():
    """At 1000 times the speed a job of a hundred seconds is over in a tenth of one."""
    sandbox = Sandbox(speed=1000, outcome=delayed(100))
    async with http(sandbox) as client:
        job = await submit(client, BAND)
        await sandbox.clock.sleep_until(sandbox.clock.now() + 100)
        assert (await status(client, job["id"]))["status"] == "completed"


async def test_finished_audio_is_bounded_and_made_again():
    """The shelf holds no more bytes than allowed; a dropped file comes back the same."""
    sandbox = Sandbox(clock="manual", shelf_bytes=100_000)
    async with http(sandbox) as client:
        first = await finished(sandbox, client, BAND)
        before = await audio(client, first)
        for _ in range(4):
            await audio(client, await finished(sandbox, client, BAND))
        again = await audio(client, first)

    assert before == again
    assert sandbox._service.studio.shelf_bytes <= 100_000
