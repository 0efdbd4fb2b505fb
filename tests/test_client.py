"""MusicClient: what is asked when, what counts as an end, and what is never paid twice."""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import copy
import gc
import json
import logging
import pickle
import re
import threading
import time

import httpx
import pytest
from fake_gateway import AUDIO_URL, KEY, sine_wav
from fake_gateway import FakeGateway as Wire
from raw_server import answer, serving

import phaseo_nb as nb
from phaseo_nb.client import MusicClient
from phaseo_nb.client.memory import JobMemory
from phaseo_nb.engine import Engine
from phaseo_nb.settings import resolve_connection

pytestmark = pytest.mark.anyio

SECRET = "topsecretvalue99"
MODEL = "suno/v4.5"
WAV = sine_wav()


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.pauses = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def client_of(wire, gateway="phaseo", **more):
    transport = wire if isinstance(wire, httpx.AsyncBaseTransport) else wire.transport
    connection = resolve_connection(gateway, api_key=KEY, transport=transport, **more)
    clock = Clock()
    client = MusicClient.of(connection, sleep=clock.sleep, clock=clock)
    client.clock = clock
    return client


# -- submit ------------------------------------------------------------------------------------


async def test_from_a_prompt_to_audio(tmp_path):
    """submit, wait and download: one POST, a first question after a pause, audio without key."""
    wire = Wire(gets=[lambda: Wire.state("in_progress"), Wire.done])
    async with client_of(wire) as client:
        job = await client.submit("a waltz", model=MODEL)
        assert wire.polls == []
        done = await client.wait(job.id)
        data = await client.download(done.tracks[0])
        path = await client.download(done.tracks[0], tmp_path / "a.wav")

    assert wire.posts == [{"model": MODEL, "prompt": "a waltz"}]
    assert client.clock.pauses[:2] == [1.0, 2.0]
    assert done.status == "completed"
    assert done.cost.usd == pytest.approx(0.06)  # only the POST answer knows it
    assert data == path.read_bytes() == WAV
    assert [h.get("authorization") for h in wire.headers] == [
        *[f"Bearer {KEY}"] * 3,
        *[None] * 2,
    ]


async def test_a_ready_request_goes_as_it_is():
    """A MusicRequest is posted unchanged; words beside it and the other service's are refused."""
    wire = Wire()
    request = nb.MusicRequest(model="suno/v5", prompt="slow harp")
    async with client_of(wire) as client:
        await client.submit(request)
        for bad, words in (
            (request, {"duration": 8}),
            (nb.UdioRequest(gpt_description_prompt="slow harp"), {}),
            (7, {}),
            ({"prompt": "x"}, {}),
        ):
            with pytest.raises(nb.RequestRejected):
                await client.submit(bad, **words)

    assert wire.posts == [{"model": "suno/v5", "prompt": "slow harp"}]


async def test_no_model_no_request():
    """A paid gateway has no silent default: the error lists models with their prices."""
    wire = Wire()
    async with client_of(wire) as client:
        with pytest.raises(nb.SettingsError, match=r"minimax/music-2\.6 \(about \$0\.15\)"):
            await client.submit("a waltz")
    assert wire.posts == []
    async with client_of(wire, model=MODEL) as client:
        await client.submit("a waltz")
    assert wire.posts[0]["model"] == MODEL


async def test_words_without_effect_are_said_before_the_job_starts(caplog):
    """A word that the provider ignores is logged before anything is sent, and stops nothing."""

    def post():
        said_before.extend(caplog.messages)
        return Wire.accepted()

    said_before = []
    wire = Wire(post=post)
    async with client_of(wire) as client:
        await client.submit("a waltz", model=MODEL, duration=8)

    (note,) = [text for text in said_before if "duration" in text]
    assert "suno" in note
    assert len(wire.posts) == 1


@pytest.mark.parametrize(
    "fault",
    [
        lambda: httpx.ReadTimeout("late"),
        lambda: httpx.ReadError("reset"),
        lambda: httpx.RemoteProtocolError("cut"),
        lambda: httpx.Response(500),
        lambda: httpx.Response(504, text="<html>"),
        lambda: httpx.Response(502, json={"error": "upstream_error", "failed_statuses": [500]}),
        lambda: httpx.Response(200, json={}),
        lambda: httpx.Response(200, text=""),
        lambda: httpx.Response(200, text="<html>"),
    ],
    ids=["timeout", "reset", "cut", "500", "504", "502", "no id", "empty", "page"],
)
async def test_an_open_outcome_is_never_sent_again(fault):
    """Whatever leaves open if a job exists raises UncertainSubmission after one POST."""
    wire = Wire(post=fault)
    async with client_of(wire) as client:
        with pytest.raises(nb.UncertainSubmission, match="fresh=True") as caught:
            await client.submit("a waltz", model=MODEL)

    assert len(wire.posts) == 1
    assert caught.value.request.prompt == "a waltz"
    assert caught.value.price.usd == pytest.approx(0.06)
    assert caught.value.known
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "validation_error"}, nb.ProviderRefused),
        (401, {"error": "unauthorised"}, nb.AuthenticationError),
        (402, {"error": "insufficient_funds"}, nb.InsufficientFunds),
        (403, {"error": "guardrail_blocked"}, nb.GatewayError),
        (429, {"error": "key_limit_exceeded"}, nb.RateLimited),
        (501, {"error": "not_implemented"}, nb.EndpointDisabled),
        (302, {}, nb.PhaseoError),
    ],
)
async def test_refusals_are_not_sent_again(status, body, error):
    """A clear refusal is one POST and one error of its class."""
    headers = {"Location": "https://elsewhere.example/"}
    wire = Wire(post=lambda: httpx.Response(status, json=body, headers=headers))
    async with client_of(wire) as client:
        with pytest.raises(error):
            await client.submit("a waltz", model=MODEL)

    assert len(wire.posts) == 1


async def test_too_many_requests_is_sent_again_within_limits():
    """429 created nothing: sent again after Retry-After, three times in all, then RateLimited."""
    busy = httpx.Response(429, json={"error": "rate"}, headers={"Retry-After": "3"})
    steps = iter([busy, busy])
    wire = Wire(post=lambda: next(steps, None) or Wire.accepted())
    async with client_of(wire) as client:
        await client.submit("a waltz", model=MODEL)
    assert len(wire.posts) == 3
    assert all(3 <= pause <= 3.4 for pause in client.clock.pauses)

    wire = Wire(post=lambda: busy)
    async with client_of(wire) as client:
        with pytest.raises(nb.RateLimited):
            await client.submit("a waltz", model=MODEL)
    assert len(wire.posts) == 3


async def test_an_hour_is_not_waited_for():
    """A long Retry-After raises RateLimited at once, with the seconds."""
    wire = Wire(post=lambda: httpx.Response(429, json={}, headers={"Retry-After": "3600"}))
    async with client_of(wire) as client:
        with pytest.raises(nb.RateLimited) as caught:
            await client.submit("a waltz", model=MODEL)

    assert (len(wire.posts), caught.value.retry_after) == (1, 3600)


async def test_a_dead_gateway_is_known_not_to_be_paid():
    """A connection that never stood raises ConnectionFailed, which says that nothing was paid."""
    wire = Wire(post=lambda: httpx.ConnectError("refused"))
    async with client_of(wire) as client:
        with pytest.raises(nb.ConnectionFailed, match="nothing was paid"):
            await client.submit("a waltz", model=MODEL)


async def test_an_interrupt_during_the_post_does_not_lose_the_job():
    """Cancelled while the POST is under way, the answer is still read, told and remembered."""
    go, told = asyncio.Event(), []

    async def script(asked):
        await go.wait()
        body = Wire.accepted("task_9").content
        await asked.say(answer(body=body, content_type="application/json"))

    async with serving(script) as server:
        client = MusicClient("phaseo", api_key=KEY, base_url=server.url)
        task = asyncio.ensure_future(
            client.submit("a waltz", model=MODEL, on_submitted=told.append)
        )
        await server.until(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        asyncio.get_running_loop().call_later(0.01, go.set)
        await client.aclose()  # waits for what is paid

    assert [job.id for job in told] == ["task_9"]
    assert len(server.asked) == 1


# -- waiting -----------------------------------------------------------------------------------


async def test_watch_yields_every_answer_and_ends():
    """watch() gives each state in turn, an unknown one too, and stops at the end."""
    states = [lambda s=s: Wire.state(s) for s in ("queued", "paused_v2", "in_progress")]
    wire = Wire(gets=[*states, Wire.done])
    async with client_of(wire) as client:
        seen = [job.status async for job in client.watch("task_1")]

    assert seen == ["queued", "paused_v2", "in_progress", "completed"]


async def test_an_unknown_status_is_warned_about_once(caplog):
    """A status nobody knows is logged once and is no end."""
    wire = Wire(gets=[lambda: Wire.state("paused_v2")] * 3 + [Wire.done])
    with caplog.at_level(logging.WARNING, "phaseo_nb"):
        async with client_of(wire) as client:
            await client.wait("task_1")

    assert [record.message for record in caplog.records if "paused_v2" in record.message] != []
    assert len([r for r in caplog.records if "paused_v2" in r.message]) == 1


async def test_watch_reports_a_failed_job_and_wait_raises():
    """watch(), get() and submit() return a failed job as it is; wait() raises with the reason."""
    failed = Wire.state("failed", result={"data": {"errorMessage": "SENSITIVE_WORD_ERROR"}})
    wire = Wire(gets=[lambda: failed])
    async with client_of(wire) as client:
        job = await client.submit("a waltz", model=MODEL)
        assert (await client.get(job)).status == "failed"
        with pytest.raises(nb.JobFailed, match="Reword it") as caught:
            await client.wait("task_1")

    assert caught.value.job_id == "task_1"
    assert caught.value.reason == "SENSITIVE_WORD_ERROR"
    assert "$0.06" in str(caught.value)


async def test_an_end_is_final():
    """A status that goes back behind the end does not count."""
    wire = Wire(gets=[Wire.done, lambda: Wire.state("queued")])
    async with client_of(wire) as client:
        assert (await client.get("task_1")).status == "completed"
        assert (await client.get("task_1")).status == "completed"
        assert (await client.get("task_1")).has_audio


async def test_the_deadline_is_kept_and_says_how_to_go_on():
    """A job that never ends raises JobTimeout in time; a last question is asked at the deadline."""
    wire = Wire(gets=[lambda: Wire.state("queued")])
    async with client_of(wire) as client:
        job = await client.submit("a waltz", model=MODEL)
        began = client.clock.now
        with pytest.raises(nb.JobTimeout, match=r"client\.wait\('task_1'\)") as caught:
            await client.wait(job, timeout=9)

    assert client.clock.now - began == pytest.approx(9)
    assert len(wire.polls) == 4  # after 1, 3 and 6 seconds, and at the deadline
    assert caught.value.job.status == "queued"
    assert isinstance(caught.value, TimeoutError)


async def test_a_silent_gateway_cannot_stretch_the_deadline():
    """A question that gets no answer does not hold a wait beyond its deadline and a grace."""

    async def script(asked):
        await asyncio.sleep(60)

    async with serving(script) as server:
        connection = resolve_connection("phaseo", api_key=KEY, base_url=server.url)
        client = MusicClient.of(connection)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("phaseo_nb.client.asking.GRACE", 0.1)
            with pytest.raises(nb.JobTimeout):
                await asyncio.wait_for(client.wait("task_1", timeout=0.1), 5)
        await client.aclose()


async def test_music_that_comes_with_the_post_needs_no_question():
    """A synchronous provider's audio is waited for, downloaded and kept without a GET."""
    audio = base64.b64encode(WAV).decode()
    post = Wire.accepted("m1", "queued", provider="minimax", audio_base64=audio)
    wire = Wire(post=lambda: post)
    async with client_of(wire) as client:
        job = await client.wait(await client.submit("x", model="minimax/music-2.6", lyrics="la"))
        assert await client.download(job.tracks[0]) == WAV

    assert wire.polls == []
    assert wire.downloads == 0


async def test_audio_that_get_has_lost_is_remembered():
    """Where GET gives 404 or an empty output, the audio of the POST answer stays."""
    audio = base64.b64encode(WAV).decode()
    post = Wire.accepted("m1", "completed", provider="elevenlabs", audio_base64=audio)
    lost = lambda: httpx.Response(404, json={"error": "not_found"})  # noqa: E731
    gets = [lost, lost, lambda: Wire.state("completed", id="m1")]
    wire = Wire(post=lambda: post, gets=gets)
    async with client_of(wire) as client:
        await client.submit("x", model="eleven-labs/music")
        for _ in range(2):
            assert (await client.get("m1")).tracks[0].data == WAV


async def test_a_job_is_asked_for_under_both_its_names():
    """404 by id goes on to the request id; the job keeps the id it had."""

    def handle(request):
        if request.method == "POST":
            return Wire.accepted("task_1")
        asked.append(request.url.path)
        if request.url.path.endswith("/task_1"):
            return httpx.Response(404, json={"error": "not_found"})
        return httpx.Response(200, content=Wire.done().content)

    asked = []
    async with client_of(httpx.MockTransport(handle)) as client:
        done = await client.wait(await client.submit("x", model=MODEL))

    assert done.id == "task_1"
    assert [path.rsplit("/", 1)[1] for path in asked] == ["task_1", "G-1"]


async def test_an_unknown_job_is_not_found():
    """404 under every name raises JobNotFound at once for a job of somebody else."""
    wire = Wire(gets=[lambda: httpx.Response(404, json={"error": "not_found"})])
    async with client_of(wire) as client:
        with pytest.raises(nb.JobNotFound, match="task_77"):
            await client.wait("task_77")

    assert len(wire.polls) == 1


async def test_a_new_job_may_take_a_moment_to_be_known():
    """A job that was just accepted is asked for again after a 404, but not for ever."""
    lost = lambda: httpx.Response(404, json={"error": "not_found"})  # noqa: E731
    wire = Wire(gets=[lost, lost, lost, lost, Wire.done])
    async with client_of(wire) as client:
        assert (await client.wait(await client.submit("x", model=MODEL))).has_audio
    wire = Wire(gets=[lost])
    async with client_of(wire) as client:
        with pytest.raises(nb.JobNotFound):
            await client.wait(await client.submit("x", model=MODEL))


async def test_completed_without_audio_is_asked_again_a_few_times():
    """Audio may be late; when it never comes, JobFailed says that there is none."""
    empty = lambda: Wire.state("completed")  # noqa: E731
    wire = Wire(gets=[empty, empty, Wire.done])
    async with client_of(wire) as client:
        assert (await client.wait("task_1")).has_audio
    wire = Wire(gets=[empty])
    async with client_of(wire) as client:
        with pytest.raises(nb.JobFailed, match="without any audio"):
            await client.wait("task_1")
    assert 3 <= len(wire.polls) <= 5


async def test_passing_faults_do_not_end_the_waiting():
    """A gateway that is away for a minute does not end a paid job's wait; one for good does."""
    down = lambda: httpx.Response(503)  # noqa: E731
    wire = Wire(gets=[*[down] * 9, Wire.done])
    async with client_of(wire) as client:
        assert (await client.wait("task_1")).has_audio

    wire = Wire(gets=[down])
    async with client_of(wire) as client:
        with pytest.raises(nb.GatewayUnavailable):
            await client.wait("task_1", timeout=None)
        assert client.clock.now - 1000 > 300

    for status, error in ((401, nb.AuthenticationError), (501, nb.EndpointDisabled)):
        wire = Wire(gets=[lambda s=status: httpx.Response(s, json={})])
        async with client_of(wire) as client:
            with pytest.raises(error):
                await client.wait("task_1")


async def test_on_update_hears_every_state():
    """wait() passes each answer on."""
    wire = Wire(gets=[lambda: Wire.state("queued"), Wire.done])
    heard = []
    async with client_of(wire) as client:
        await client.wait("task_1", on_update=lambda job: heard.append(job.status))

    assert heard == ["queued", "completed"]


# -- audio -------------------------------------------------------------------------------------


async def test_an_expired_address_is_asked_for_anew_once():
    """403 for audio leads to one more question about the job and one more download."""
    fresh = "https://cdn.example.org/fresh.wav"

    def handle(request):
        paths.append(request.url.path)
        if request.url.path == "/fresh.wav":
            return httpx.Response(200, content=WAV)
        if request.url.host == "cdn.example.org":
            return httpx.Response(403)
        url = fresh if "/track.wav" in paths else AUDIO_URL
        item = {"index": 0, "id": "c0", "audio_url": url}
        return httpx.Response(200, content=Wire.state("completed", output=[item]).content)

    paths = []
    async with client_of(httpx.MockTransport(handle)) as client:
        job = await client.get("task_1")
        assert await client.download(job.tracks[0]) == WAV
        assert [p.rsplit("/", 1)[1] for p in paths] == [
            "task_1",
            "track.wav",
            "task_1",
            "fresh.wav",
        ]


async def test_an_address_that_stays_expired_is_an_error():
    """When the fresh address is refused as well, AudioError says that it has expired."""
    wire = Wire(audio=lambda: httpx.Response(410))
    async with client_of(wire) as client:
        job = await client.wait("task_1")
        with pytest.raises(nb.AudioError, match="has expired"):
            await client.download(job.tracks[0], job=job)
    assert wire.downloads == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/x",
        "https://localhost/x",
        "https://0x7f.1/x",
        "file:///etc/passwd",
        "https://10.0.0.1/x",
    ],
)
async def test_private_addresses_are_not_fetched(url):
    """The guard holds for a given transport too: nothing is asked for."""
    wire = Wire()
    async with client_of(wire) as client:
        with pytest.raises(nb.AudioError, match="was not fetched"):
            await client.download(nb.Track(index=0, audio_url=url))

    assert wire.headers == []


async def test_a_preview_is_no_recording():
    """A live stream and a track without audio are refused with what to do."""
    async with client_of(Wire()) as client:
        for track in (
            nb.Track(index=0, audio_url="https://a.example/x", is_preview=True),
            nb.Track(index=0),
        ):
            with pytest.raises(nb.AudioError, match=r"client\.wait"):
                await client.download(track)


async def test_audio_at_hand_is_written_without_the_network(tmp_path):
    """Audio from inside an answer goes to the file as it is."""
    async with client_of(Wire()) as client:
        path = await client.download(nb.Track(index=0, data=WAV), str(tmp_path / "a.wav"))

    assert path.read_bytes() == WAV


# -- models and prices -------------------------------------------------------------------------


async def test_models_fall_back_on_the_built_in_list():
    """When the gateway is away the dated list stands in and says that it is not live."""
    wire = Wire(gets=[lambda: httpx.ConnectError("refused")])
    async with client_of(wire) as client:
        models = await client.models()

    assert "minimax/music-2.6" in [model.id for model in models]
    assert not any(model.is_live for model in models)


async def test_estimate_asks_and_falls_back():
    """The gateway's price where it gives one, the built-in one where it does not."""
    priced = {"ok": True, "pricing": {"total_nanos": 70_000_000, "total_usd_str": "0.07"}}
    wire = Wire(post=lambda: httpx.Response(200, json=priced))
    async with client_of(wire) as client:
        assert (await client.estimate("x", model=MODEL)).usd == pytest.approx(0.07)
    wire = Wire(post=lambda: httpx.Response(404, json={"ok": False}))
    async with client_of(wire) as client:
        cost = await client.estimate("x", model=MODEL)
    assert (cost.usd, cost.is_estimate) == (pytest.approx(0.06), True)
    assert all("usage" in post for post in wire.posts)  # nothing but the pricing route was asked


# -- the handle itself -------------------------------------------------------------------------


async def test_bad_arguments_never_reach_the_network():
    """Wrong types, empty ids and impossible times are refused by name, before any request."""
    wire = Wire()
    async with client_of(wire) as client:
        track = nb.Track(index=0, data=WAV)
        for call in (
            lambda: client.get(""),
            lambda: client.get("  "),
            lambda: client.get(7),
            lambda: client.get("x" * 5000),
            lambda: client.wait(None),
            lambda: client.wait("task_1", timeout=-1),
            lambda: client.wait("task_1", timeout=float("nan")),
            lambda: client.wait("task_1", timeout="60"),
            lambda: client.download("https://cdn.example.org/a.wav"),
            lambda: client.download(track, path=3),
            lambda: client.download(track, path=""),
        ):
            with pytest.raises(nb.RequestRejected):
                await call()
    for timeout in (0, -1, True, "60", float("nan")):
        with pytest.raises(nb.RequestRejected, match="timeout"):
            MusicClient("phaseo", api_key=KEY, timeout=timeout)

    assert wire.headers == []


async def test_ids_with_slashes_stay_one_name():
    """An id is quoted: it cannot become another path."""
    wire = Wire()
    async with client_of(wire) as client:
        await client.get("../../keys?x=1")

    assert wire.headers
    assert wire.polls == ["/v1/music/generate/../../keys?x=1"]  # httpx shows it decoded


async def test_a_closed_client_says_so():
    """After closing, every call says that the client is closed."""
    wire = Wire()
    client = client_of(wire)
    await client.aclose()
    for call in (
        lambda: client.submit("x", model=MODEL),
        lambda: client.get("task_1"),
        lambda: client.models(),
        lambda: client.download(nb.Track(index=0, audio_url=AUDIO_URL)),
    ):
        with pytest.raises(nb.ConnectionFailed, match="closed"):
            await call()
    assert wire.headers == []


def test_a_client_shows_no_key_and_does_not_travel():
    """repr is stable and short; vars has no plain key; pickle and copy are refused."""
    client = MusicClient("phaseo", api_key=KEY)

    assert repr(client) == "<MusicClient phaseo at https://api.phaseo.app/v1>"
    assert SECRET not in str(vars(client))
    assert SECRET not in str(vars(client._transport))
    for carry in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="key"):
            carry(client)


def gateway_in_a_thread():
    """A gateway on a port, on an event loop of its own, that keeps connections open."""

    async def script(asked):
        body = (Wire.accepted() if asked.line.startswith("POST") else Wire.done()).content
        if asked.line.startswith("POST"):
            await asyncio.sleep(0.1)
        await asked.say(answer(body=body).replace(b"Connection: close\r\n", b""))

    async def main(ready):
        async with serving(script, keeps=True) as server:
            stop = asyncio.Event()
            ready.set_result((server, asyncio.get_running_loop(), stop))
            await stop.wait()

    ready = concurrent.futures.Future()
    thread = threading.Thread(target=lambda: asyncio.run(main(ready)))
    thread.start()
    return thread, *ready.result(timeout=5)


@pytest.mark.filterwarnings("error::ResourceWarning", "error::RuntimeWarning")
def test_one_client_on_two_loops_at_once_leaves_nothing_open():
    """Used on the engine's loop and on the notebook's, it closes the connections of both.

    The connections of a loop that ends before the client is closed are closed with it.
    """
    thread, server, home, stop = gateway_in_a_thread()
    engine = Engine()
    client = MusicClient("phaseo", api_key=KEY, base_url=server.url)

    async def notebook():
        there = engine.submit(client.get("task_1"))
        assert (await client.get("task_1")).has_audio
        assert (await asyncio.wrap_future(there)).has_audio
        paid = engine.submit(client.submit("a waltz", model=MODEL))
        await server.until(3)
        assert server.open == 3  # one kept on each loop, and the paid call
        await client.aclose()  # waits for what is paid on the other loop
        assert paid.done()
        assert paid.result().id == "task_1"

    try:
        asyncio.run(notebook())
        forgotten = MusicClient("phaseo", api_key=KEY, base_url=server.url)
        assert asyncio.run(forgotten.get("task_1")).has_audio
        until = time.monotonic() + 2
        while server.open and time.monotonic() < until:
            time.sleep(0.002)
        assert server.open == 0
        gc.collect()  # what is left open complains here
    finally:
        home.call_soon_threadsafe(stop.set)
        thread.join(timeout=5)
        engine._loop.call_soon_threadsafe(engine._loop.stop)
        engine._thread.join(timeout=5)
        engine._loop.close()


def test_one_client_serves_several_event_loops():
    """The same client works from one asyncio.run after the other."""
    wire = Wire()
    client = client_of(wire)

    for _ in range(2):
        assert asyncio.run(client.get("task_1")).has_audio
    asyncio.run(client.aclose())


@pytest.mark.parametrize("fault", ["reset", "refused", "bad key", "frames with the key"])
def test_verbose_tracebacks_show_no_key(fault, monkeypatch):
    """IPython's most talkative traceback, which prints local variables, does not print the key."""
    from IPython.core.ultratb import VerboseTB

    def below(request):
        """Where the bytes are written, a local variable holds the header; as in httpcore."""
        line = f"Authorization: {request.headers['authorization']}"
        raise httpx.WriteError(f"broken pipe after {line}", request=request)

    async def main():
        async def script(asked):
            asked.reset()

        async with serving(script) as server:
            more = {"base_url": server.url}
            if fault == "frames with the key":
                more["transport"] = httpx.MockTransport(below)
            if fault != "refused":
                async with MusicClient("phaseo", **more) as client:
                    await client.submit("a waltz", model=MODEL)
        async with MusicClient("phaseo", **more) as client:
            await client.submit("a waltz", model=MODEL)

    monkeypatch.setenv("PHASEO_API_KEY", KEY + (" with a blank" if fault == "bad key" else ""))
    with pytest.raises(nb.PhaseoError) as caught:
        asyncio.run(main())
    error = caught.value
    text = VerboseTB(include_vars=True).text(type(error), error, error.__traceback__)

    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    # It does print the values of variables.
    assert "more = {" in plain or "client = <MusicClient phaseo" in plain
    assert SECRET not in plain
    assert SECRET not in repr(vars(error))


def test_memory_is_bounded_by_bytes():
    """The audio of old jobs goes first; their facts stay, and the newest stays whole."""
    memory = JobMemory(most_audio=100, most_jobs=3)
    for n in range(5):
        track = nb.Track(index=0, data=bytes(80))
        memory.put(nb.MusicJob(id=f"job{n}", status="completed", tracks=(track,)))

    assert memory.get("job1") is None
    assert memory.get("job3").job.status == "completed"
    assert memory.get("job3").job.tracks[0].data is None
    assert len(memory.get("job4").job.tracks[0].data) == 80


# -- both services, as the sandbox plays them --------------------------------------------------


async def test_the_sandbox_speaks_both_wires():
    """The same code makes music over either service's surface."""
    box = nb.Sandbox(speed=50)
    for gateway, words in (("sandbox", {"duration": 2}), ("udio", {})):
        async with MusicClient(gateway, transport=box.transport) as client:
            job = await client.wait(await client.submit("slow harp", **words), timeout=30)
            data = await client.download(job.tracks[0])
        assert job.sandbox
        assert len(data) > 10_000


async def test_udio_refuses_inside_a_success():
    """HTTP 200 with a code inside is the refusal that it says."""
    body = {"code": 403, "message": "no"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=json.dumps(body)))
    async with client_of(transport, "udio") as client:
        with pytest.raises(nb.AuthenticationError):
            await client.submit("slow harp", model="chirp-v4-5")
