"""The sandbox's udio side calls back: at which stages, with what, where to, and what goes wrong."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
import time
import weakref
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from sandboxes import http

from phaseo_nb.sandbox import (
    Sandbox,
    callbacks,
    delayed,
    dropped,
    failed,
    feed_silent,
    partial,
    stuck,
    without_audio,
)
from phaseo_nb.sandbox.udio import callbacks as delivering

pytestmark = pytest.mark.anyio
HOST = "https://music.example.org"
TOKEN = "t0k3n-that-nobody-else-knows"
IDEA = {"prompt": "a harbour shanty", "model": "chirp-v4-5"}


class Place:
    """Somebody who takes callbacks: an ASGI application that writes down what comes."""

    def __init__(self, status=202):
        self.status = status
        self.calls = []
        self.heard = threading.Condition()

    async def __call__(self, scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        with self.heard:
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.calls.append((time.monotonic(), scope["method"], scope["path"], headers, body))
            self.heard.notify_all()
        headers = [(b"location", b"https://elsewhere.example.org/")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    @property
    def bodies(self):
        return [json.loads(call[4]) for call in self.calls]

    @property
    def stages(self):
        return [_stage(body) for body in self.bodies]

    def wait_for(self, n):
        with self.heard:
            assert self.heard.wait_for(lambda: len(self.calls) >= n, 30), self.calls


def _stage(tracks):
    return "/".join(track["status"] for track in tracks)


TEXT, FIRST, COMPLETE = "text/text", "first/text", "complete/complete"


@pytest.fixture
def place():
    return Place()


@pytest.fixture
def sandbox(place):
    return Sandbox(clock="manual", hosts={HOST: place})


async def _submit(client, body=IDEA, *, token=TOKEN, path="/api/generate"):
    answer = await client.post(path, json={**body, "callback_url": f"{HOST}/{token}"})
    return answer.json()["workId"]


async def _feed(client, work_id):
    answer = await client.get("/api/v2/feed", params={"workId": work_id})
    return answer.json()["data"]["response_data"]


# -- what comes, and when --------------------------------------------------------------------------


async def test_a_callback_comes_at_each_stage_with_the_feeds_tracks(sandbox, place):
    """POST of a bare array at text, first and complete: the feed's tracks plus createTime."""
    feeds, seen = [], []
    async with http(sandbox) as client:
        work_id = await _submit(client)
        for seconds in (0.39, 0.02, 0.88, 0.02, 0.68, 0.02):
            sandbox.advance(seconds)
            seen.append(len(place.calls))
            feeds.append(await _feed(client, work_id))

    assert seen == [0, 1, 1, 2, 2, 3]
    assert place.stages == [TEXT, FIRST, COMPLETE]
    for body, feed in zip(place.bodies, feeds[1::2], strict=True):
        assert [track.pop("createTime") for track in body] == ["2026-01-05T12:00:00.000Z"] * 2
        assert body == feed
        assert all(track["sandbox"] is True for track in body)
    methods = {(method, path) for _, method, path, _, _ in place.calls}
    assert methods == {("POST", f"/{TOKEN}")}
    assert {call[3]["content-type"] for call in place.calls} == {"application/json"}
    assert work_id not in "".join(call[4].decode() for call in place.calls)


@pytest.mark.parametrize(
    ("outcome", "stages"),
    [
        (failed("Does Not Meet Guidelines"), [TEXT, "error/error"]),
        (partial(), [TEXT, FIRST, COMPLETE]),
        (without_audio(), [TEXT, ""]),
        (stuck(), []),
        (dropped("submit"), [TEXT, FIRST, COMPLETE]),
        (delayed(0), [TEXT, FIRST, COMPLETE]),
    ],
    ids=["failed", "partial", "no audio", "stuck", "answer lost", "at once"],
)
async def test_callbacks_follow_the_jobs_own_outcome(sandbox, place, outcome, stages):
    """A failure is called once at the end; a job whose answer was lost calls back all the same."""
    sandbox.script(None, outcome)
    async with http(sandbox) as client:
        try:
            await _submit(client)
        except httpx.ReadError:
            assert stages == [TEXT, FIRST, COMPLETE]
    sandbox.advance(10)

    assert place.stages == stages
    if stages[-1:] == ["error/error"]:
        reasons = {track["fail_message"] for track in place.bodies[-1]}
        assert reasons == {"Does Not Meet Guidelines"}
        assert sandbox.deliveries[-1].stage == "failed"


async def test_who_is_called_back(sandbox, place):
    """The oldest form, extend and upload cover call back; v2 and disable_callback do not."""
    url = "https://cdn.example.org/song.mp3"
    async with http(sandbox) as client:
        work_id = await _submit(client)
        sandbox.advance(5)
        extend = {"origin_task_id": work_id, "extend_audio_index": 0}
        for body, path, n in (
            ({**IDEA, "token": "t"}, "/api/generate", 3),
            ({**IDEA, "token": "t", "disable_callback": True}, "/api/generate", 0),
            (IDEA, "/api/v2/generate", 0),
            (extend, "/api/v2/extend", 3),
            ({**IDEA, "upload_url": url}, "/api/v2/upload-cover/generate", 3),
        ):
            before = len(place.calls)
            await _submit(client, body, path=path)
            sandbox.advance(5)
            assert len(place.calls) - before == n, path


async def test_with_the_real_clock_a_callback_comes_when_its_stage_begins(place):
    """A stage's callback comes at its moment (2 ms after it; far more on a busy machine)."""
    sandbox = Sandbox(speed=4.0, hosts={HOST: place})
    async with http(sandbox) as client:
        before = time.monotonic()
        await _submit(client)
        after = time.monotonic()
    await asyncio.to_thread(place.wait_for, 3)

    assert place.stages == [TEXT, FIRST, COMPLETE]
    for call, seconds in zip(place.calls, (0.1, 0.325, 0.5), strict=True):
        assert before + seconds <= call[0] <= after + seconds + 0.4


async def test_many_jobs_need_one_thread(sandbox, place):
    """A thousand calls of fifty jobs are made before advance() returns, by one thread."""
    n_before = threading.active_count()
    # Without audio, so that nobody plays all those songs.
    sandbox.script(None, without_audio(), callbacks(duplicated=10))
    async with http(sandbox) as client:
        for n in range(50):
            await _submit(client, token=f"token-{n}")
        n_threads = threading.active_count() - n_before
        sandbox.advance(5)

    assert len(place.calls) == 1_100
    assert len({call[2] for call in place.calls}) == 50
    assert n_threads <= 1 + 2  # anyio's workers, which compose
    assert len(sandbox.deliveries) == 1_000  # the newest


# -- where it goes ---------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """A plain server on a port: counts paths, redirects, or does not answer."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.paths.append(self.path)
        if "silent" in self.path:
            self.server.patience.wait(5)
        moved = "moved" in self.path
        self.send_response(307 if moved else 200)
        if moved:
            self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def port():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.paths, server.patience = [], threading.Event()
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.patience.set()
    server.shutdown()
    server.server_close()


async def test_the_longest_entry_leads_to_a_port_of_this_machine(port, place):
    """What follows the public beginning follows the address behind it, as with a reverse proxy."""
    url = f"http://127.0.0.1:{port.server_port}"
    sandbox = Sandbox(clock="manual", hosts={HOST: place}).lead(f"{HOST}/cb/", f"{url}/inner")
    async with http(sandbox) as client:
        for token in ("cb/one?a=1", "cbx/two", "three"):
            await _submit(client, token=token)
            sandbox.advance(5)

    assert port.paths == ["/inner/one?a=1"] * 3
    assert [call[2] for call in place.calls] == ["/cbx/two"] * 3 + ["/three"] * 3
    assert [each.status for each in sandbox.deliveries] == [200] * 3 + [202] * 6


async def test_delivered_waits_for_the_answers_to_what_is_due(place):
    """Who asks the feed may know of the end before the last callback has been answered."""
    answer = threading.Event()

    async def hesitant(scope, receive, send):
        await asyncio.to_thread(answer.wait, 30)
        await place(scope, receive, send)

    sandbox = Sandbox(outcome=delayed(0), hosts={HOST: hesitant})
    async with http(sandbox) as client:
        work_id = await _submit(client)
        assert _stage(await _feed(client, work_id)) == COMPLETE
        assert not any(each.status for each in sandbox.deliveries)
        threading.Timer(0.1, answer.set).start()
        assert [each.status for each in await sandbox.delivered()] == [202] * 3


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example.org/hook",
        "https://music.example.org.evil.example.com/hook",
        "https://music.example.org:444/hook",
        "http://music.example.org/hook",
        "https://music.example.org/cb/../../admin",
        "https://music.example.org/cb/%2e%2e/admin",
        "https://music.example.org/cb/..%5cadmin",
    ],
)
async def test_nothing_else_is_ever_contacted(port, url, monkeypatch):
    """An address that no entry covers, or that climbs out of one, is counted and not called."""
    target = f"http://127.0.0.1:{port.server_port}/inner"
    sandbox = Sandbox(clock="manual", hosts={HOST: target})

    def connected(*args, **kwargs):
        raise AssertionError(args)

    monkeypatch.setattr("anyio.connect_tcp", connected)
    async with http(sandbox) as client:
        answer = await client.post("/api/generate", json={**IDEA, "callback_url": url})
        assert answer.json()["code"] == 200
        sandbox.advance(5)

    assert port.paths == []
    assert [each.status for each in sandbox.deliveries] == [None] * 3
    assert "nothing leads there" in sandbox.deliveries[0].reason
    assert "hook" not in repr(sandbox.deliveries)


async def test_redirects_are_not_followed_and_silence_is_not_waited_for(port, monkeypatch):
    """A redirect is an answer like any other; without an answer the call is given up."""
    url = f"http://127.0.0.1:{port.server_port}"
    sandbox = Sandbox(clock="manual", hosts={HOST: url, f"{HOST}/gone": "http://127.0.0.1:1"})
    sandbox.script(None, callbacks(lost=("first", "complete")))
    async with http(sandbox) as client:
        for token, patience in (("moved", 10.0), ("silent", 0.2), ("gone/x", 10.0)):
            monkeypatch.setattr(delivering, "PATIENCE", patience)
            await _submit(client, token=token)
            sandbox.advance(5)

    made = [(each.status, each.reason) for each in sandbox.deliveries if each.stage == "text"]
    assert made == [(307, None), (None, "no answer within 0.2 s"), (None, "ConnectError")]
    assert port.paths[0] == "/moved"
    assert set(port.paths[1:]) <= {"/silent"}  # nothing elsewhere; it may not have come so far
    assert len(port.paths) <= 2  # nothing twice


async def test_deliveries_show_no_token(sandbox, place):
    """What is shown of a call has no part of the address that came with the request."""
    sandbox.script(None, callbacks(forged=True))
    async with http(sandbox) as client:
        await _submit(client, token=f"{TOKEN}?key={TOKEN}")
        sandbox.advance(5)

    assert len(sandbox.deliveries) == 9
    assert {each.address for each in sandbox.deliveries} == {f"{HOST}/…"}
    assert TOKEN not in repr(sandbox.deliveries) + repr(sandbox)


async def test_a_receiver_that_breaks_is_an_answer_of_500(sandbox):
    """An error in whoever takes callbacks reaches neither the job nor advance()."""

    async def broken(scope, receive, send):
        raise ValueError(TOKEN)

    sandbox.lead(HOST, broken)
    async with http(sandbox) as client:
        work_id = await _submit(client)
        sandbox.advance(5)
        assert (await _feed(client, work_id))[0]["status"] == "complete"

    assert [each.status for each in sandbox.deliveries] == [500] * 3


@pytest.mark.parametrize(
    ("address", "target", "error", "words"),
    [
        (HOST, "https://127.0.0.1:8000", ValueError, "not on this machine"),
        (HOST, "http://192.168.0.1:8000", ValueError, "not on this machine"),
        (HOST, "http://localhost.example.org", ValueError, "not on this machine"),
        ("music.example.org", "http://127.0.0.1:8000", ValueError, "no public address"),
        (f"{HOST}?a=1", "http://127.0.0.1:8000", ValueError, "no public address"),
        (HOST, 8000, TypeError, "int cannot be called"),
    ],
)
def test_wrong_hosts_say_what_would_be_right(address, target, error, words):
    """Only this machine can stand behind an address, and an address is one of the web."""
    with pytest.raises(error, match=words):
        Sandbox(hosts={address: target})


async def test_it_works_over_a_port_too(place):
    """A sandbox on a port calls back, with its own address in the tracks."""
    sandbox = Sandbox(speed=20, hosts={HOST: place})
    with sandbox.serve() as server:
        async with httpx.AsyncClient(base_url=server.udio_url, trust_env=False) as client:
            client.headers["authorization"] = "Bearer any"
            await _submit(client)
        await asyncio.to_thread(place.wait_for, 3)

    assert place.bodies[-1][0]["audio_url"].startswith(f"{server.url}/sandbox/audio/")


# -- what can be made to go wrong ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "stages"),
    [
        (callbacks(lost="first"), [TEXT, COMPLETE]),
        (callbacks(lost=("text", "complete")), [FIRST]),
        (callbacks(lost="all"), []),
        (callbacks(duplicated=2), [TEXT] * 3 + [FIRST] * 3 + [COMPLETE] * 3),
        (callbacks(reordered=True), [COMPLETE, FIRST, TEXT]),
        (callbacks(reordered=True, lost="first") + callbacks(duplicated=1),
         [COMPLETE, COMPLETE, TEXT, TEXT]),
    ],
)  # fmt: skip
async def test_callbacks_get_lost_doubled_and_out_of_order(sandbox, place, outcome, stages):
    """callbacks() does what it says, and its words add up."""
    sandbox.script(None, outcome)
    async with http(sandbox) as client:
        await _submit(client)
    for _ in range(100):
        sandbox.advance(0.05)

    assert place.stages == stages
    n_lost = sum("lost" in str(each.reason) for each in sandbox.deliveries)
    assert len(sandbox.deliveries) - n_lost == len(stages)


async def test_late_callbacks_come_after_their_stage(sandbox, place):
    """late=30 holds each one back for 30 s of the sandbox's clock; the body stays its stage's."""
    sandbox.script(None, callbacks(late=30))
    counts = []
    async with http(sandbox) as client:
        await _submit(client)
        for seconds in (30.3, 0.2, 0.7, 0.2, 0.5, 0.2):
            sandbox.advance(seconds)
            counts.append(len(place.calls))

    assert counts == [0, 1, 1, 2, 2, 3]
    assert place.stages == [TEXT, FIRST, COMPLETE]


async def test_an_early_callback_is_there_before_the_answer(sandbox, place):
    """With early=True somebody is called before the POST is answered; the rest comes in time."""
    sandbox.script(None, callbacks(early=True))
    async with http(sandbox) as client:
        await _submit(client)
        at_the_answer = place.stages
        sandbox.advance(5)

    assert at_the_answer == [TEXT]
    assert place.stages == [TEXT, FIRST, COMPLETE]


async def test_forged_callbacks_are_hostile_and_come_to_wrong_tokens_too(sandbox, place):
    """Before each genuine call come one forged to the same address and one to a wrong token."""
    sandbox.script(None, callbacks(forged=True))
    async with http(sandbox) as client:
        await _submit(client)
        sandbox.advance(5)

    paths = [call[2] for call in place.calls]
    assert [path == f"/{TOKEN}" for path in paths] == [True, False, True] * 3
    assert len(set(paths[1::3])) == 3
    genuine, forged = place.bodies[2::3], place.bodies[0::3]
    assert [_stage(body) for body in genuine] == [TEXT, FIRST, COMPLETE]
    assert [_stage(body)[:8] for body in forged] == ["complete", "complete", "error/er"]
    ids = {track["id"] for track in genuine[0]}
    assert not ids & {track["id"] for track in forged[0]}
    assert {track["id"] for track in forged[1]} == ids
    urls = {track["audio_url"] for body in forged for track in body}
    assert {"file:///etc/passwd", "http://169.254.169.254/latest/meta-data/"} <= urls
    assert all("<script>" in track["title"] for body in forged for track in body)
    assert [each.stage for each in sandbox.deliveries][:3] == ["forged", "forged", "text"]


async def test_a_silent_feed_knows_no_job_with_a_callback(sandbox, place):
    """feed_silent() is 404 from both feeds for jobs with a callback, and for no others."""
    sandbox.script(None, feed_silent())
    async with http(sandbox) as client:
        work_id = await _submit(client)
        other = (await client.post("/api/v2/generate", json=IDEA)).json()["workId"]
        sandbox.advance(5)
        answers = [
            (await client.get(path, params={"workId": each})).status_code
            for each in (work_id, other)
            for path in ("/api/v2/feed", "/api/feed")
        ]
        audio = await client.get(place.bodies[-1][0]["audio_url"])

    assert answers == [404, 404, 200, 200]
    assert audio.content.startswith(b"ID3")


@pytest.mark.parametrize(
    ("words", "message"),
    [({"lost": "second"}, '"text", "first"'), ({"late": -1}, "0 or more"),
     ({"late": float("inf")}, "0 or more"), ({"duplicated": -1}, "0 to 1000")],
)  # fmt: skip
def test_wrong_words_are_refused(words, message):
    """A wrong stage or number says what would be right."""
    with pytest.raises(ValueError, match=message):
        callbacks(**words)


# -- threads ---------------------------------------------------------------------------------------


def _threads():
    """Threads that deliver; those of other tests may still be there."""
    return {t for t in threading.enumerate() if t.name == "phaseo_nb-callbacks"}


async def test_waiting_callbacks_keep_no_sandbox_alive(place):
    """A sandbox that is dropped goes, and its thread with it, calls waiting or not."""
    others = _threads()
    sandbox = Sandbox(hosts={HOST: place}).script(None, delayed(3600))
    async with http(sandbox) as client:
        await _submit(client)
    (thread,), gone = _threads() - others, weakref.ref(sandbox._service)
    del sandbox, client
    gc.collect()

    assert gone() is None
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()
    assert place.calls == []


async def test_an_idle_thread_goes_and_the_next_call_gets_another(sandbox, place, monkeypatch):
    """With nothing to do the thread ends; another job's callbacks are made all the same."""
    monkeypatch.setattr(delivering, "_IDLE", 0.01)
    others = _threads()
    async with http(sandbox) as client:
        await _submit(client)
        (first,) = _threads() - others
        sandbox.advance(5)
        await asyncio.to_thread(first.join, 10)
        await _submit(client)
        sandbox.advance(5)

    assert not first.is_alive()
    assert place.stages == [TEXT, FIRST, COMPLETE] * 2


async def test_a_receiver_may_move_the_clock(sandbox):
    """advance() in the middle of a callback is no deadlock."""
    seen = []

    async def place(scope, receive, send):
        seen.append(scope["path"])
        sandbox.advance(0.5)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    sandbox.lead(HOST, place)
    async with http(sandbox) as client:
        await _submit(client)
        sandbox.advance(0.5)
        sandbox.advance(5)

    assert len(seen) == 3


def test_a_process_with_waiting_callbacks_ends():
    """A script that has submitted and is done does not hang on what is still to be called."""
    code = f"""
import asyncio
from phaseo_nb.sandbox import Sandbox
async def place(scope, receive, send):
    await asyncio.sleep(60)
box = Sandbox(speed=100, hosts={{"{HOST}": place}})
async def main():
    async with box.client("udio") as client:
        body = {{"prompt": "la", "callback_url": "{HOST}/x", "api": "callback"}}
        from phaseo_nb import UdioRequest
        await client.submit(UdioRequest(**body))
asyncio.run(main())
print("done")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout == "done\n"
    assert done.stderr == ""
