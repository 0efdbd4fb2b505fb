"""API calls: what is sent again, what is not, how long and how much is taken."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from datetime import datetime, timezone
from email.utils import format_datetime

import httpx
import pytest
from pydantic import SecretStr
from raw_server import answer, serving

from phaseo_nb.errors import ConnectionFailed
from phaseo_nb.transport.bodies import BodyRefused, unpack
from phaseo_nb.transport.http import AnswerLost, Transport
from phaseo_nb.transport.messages import Answer, Call
from phaseo_nb.transport.retry import RetryQuota, backoff, retry_after

pytestmark = pytest.mark.anyio

KEY = "phaseo_v1_sk_abcdef123456_topsecretvalue99"
ASK = Call("GET", "/music/generate/task_1")
BUY = Call("POST", "/music/generate", json={"prompt": "é"}, creates=True)


class Pauses(list):
    """A sleep that only notes."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0)


def over(*steps, key=KEY, timeout=5.0, base_url="https://gateway.example/v1"):
    """A transport whose wire says one step after the other, the last one for ever."""
    left, seen, pauses = list(steps), [], Pauses()

    def handle(request):
        seen.append(request)
        step = left.pop(0) if len(left) > 1 else left[0]
        step = step(request) if callable(step) else step
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step.status_code, headers=step.headers, content=step.content)

    made = Transport(
        base_url=base_url,
        key=SecretStr(key),
        timeout=timeout,
        transport=httpx.MockTransport(handle),
        sleep=pauses,
        random=lambda: 1.0,
    )
    made.seen, made.pauses = seen, pauses
    return made


def real(server, *, timeout=5.0):
    return Transport(
        base_url=server.url, key=SecretStr(KEY), timeout=timeout, sleep=Pauses(), random=lambda: 0.0
    )


def ok(body=b'{"ok": true}', **headers):
    return httpx.Response(200, content=body, headers=headers)


async def test_a_call_goes_out_as_the_contract_says():
    """Bearer key, JSON body in UTF-8, an explicit User-Agent that names us and httpx."""
    wire = over(ok())

    got = await wire.send(BUY)

    (request,) = wire.seen
    assert str(request.url) == "https://gateway.example/v1/music/generate"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(request.content) == {"prompt": "é"}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("phaseo-nb/")
    assert "python httpx" in request.headers["user-agent"]
    assert got.data == {"ok": True}
    assert (got.method, got.url) == ("POST", "https://gateway.example/v1/music/generate")


async def test_the_oldest_form_has_its_key_in_the_body():
    """auth="body_token" puts the key into the body as token, and into no header."""
    wire = over(ok())

    await wire.send(Call("POST", "/api/generate", json={"prompt": "x"}, auth="body_token"))

    (request,) = wire.seen
    assert json.loads(request.content) == {"prompt": "x", "token": KEY}
    assert "authorization" not in request.headers


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_question_is_asked_again(status):
    """A GET is repeated after a passing error, with growing pauses."""
    wire = over(httpx.Response(status), httpx.Response(status), ok())

    assert (await wire.send(ASK)).status_code == 200
    assert len(wire.seen) == 3
    assert wire.pauses == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 501])
async def test_a_clear_refusal_is_not_asked_again(status):
    """A GET that is refused for good is sent once."""
    wire = over(httpx.Response(status))

    assert (await wire.send(ASK)).status_code == status
    assert len(wire.seen) == 1


@pytest.mark.parametrize(
    "fault",
    [httpx.ConnectError("refused"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut")],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_question_survives_faults_and_gives_up_in_the_end(fault):
    """A GET is repeated after connection faults, four times at most, then says what happened."""
    assert (await over(fault, fault, ok()).send(ASK)).status_code == 200
    wire = over(fault)
    with pytest.raises(ConnectionFailed, match="after 4 attempts") as caught:
        await wire.send(ASK)
    assert len(wire.seen) == 4
    assert type(caught.value.__cause__) is type(fault)


async def test_retry_after_is_honoured():
    """Retry-After in seconds is waited for, with a little spread."""
    wire = over(httpx.Response(429, headers={"Retry-After": "7"}), ok())

    await wire.send(ASK)

    assert wire.pauses == [pytest.approx(7.7)]


async def test_a_long_retry_after_gives_the_answer_back_at_once():
    """Whoever is asked to wait for an hour gets the answer and may decide."""
    wire = over(httpx.Response(429, headers={"Retry-After": "3600"}), ok())

    assert (await wire.send(ASK)).status_code == 429
    assert wire.pauses == []


async def test_a_pause_beyond_the_deadline_is_not_begun():
    """A pause that would end after the caller's deadline is left out."""
    wire = over(httpx.Response(503, headers={"Retry-After": "30"}), ok())

    assert (await wire.send(ASK, deadline=10)).status_code == 503
    assert wire.pauses == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 301, 302, 307, 308])
async def test_a_paid_call_is_sent_once_whatever_it_is_told(status):
    """A POST that creates is neither repeated nor followed; the answer goes to the gateway."""
    wire = over(httpx.Response(status, headers={"Location": "https://elsewhere.example/"}))

    assert (await wire.send(BUY)).status_code == status
    assert len(wire.seen) == 1


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ReadTimeout("late"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.WriteTimeout("late"),
        httpx.RemoteProtocolError("cut"),
        httpx.LocalProtocolError("odd"),
        ValueError("a transport of somebody else"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_paid_call_with_an_open_outcome_is_never_repeated(fault):
    """After anything that may have followed the sending, a POST is lost and not repeated."""
    wire = over(fault)

    with pytest.raises(AnswerLost):
        await wire.send(BUY)

    assert len(wire.seen) == 1


@pytest.mark.parametrize(
    "fault",
    [httpx.ConnectError("refused"), httpx.ConnectTimeout("late"), httpx.PoolTimeout("full")],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_paid_call_that_was_not_sent_goes_again(fault):
    """Before a connection stands nothing can have been paid: repeated, then ConnectionFailed."""
    wire = over(fault, fault, ok())
    assert (await wire.send(BUY)).status_code == 200
    assert len(wire.seen) == 3

    with pytest.raises(ConnectionFailed, match="nothing was paid"):
        await over(fault).send(BUY)


async def test_the_retry_quota_is_shared_and_refilled():
    """When everything fails, the retries run out for all; successes give them back slowly."""
    quota = RetryQuota(size=2, refill=0.5)

    assert [quota.take(), quota.take(), quota.take()] == [True, True, False]
    quota.give_back()
    assert not quota.take()
    quota.give_back()
    assert quota.take()


async def test_an_outage_exhausts_the_quota():
    """Ten questions to a dead gateway make far fewer than forty requests."""
    wire = over(httpx.Response(503))

    for _ in range(10):
        await wire.send(ASK)

    assert len(wire.seen) == 10 + 20


async def test_big_answers_are_refused():
    """An answer over the cap is not taken: a question fails, a paid call is open."""
    body = b"x" * (8 * 1024 * 1024 + 1)

    with pytest.raises(ConnectionFailed, match="larger than 8 MB"):
        await over(ok(body)).send(ASK)
    with pytest.raises(AnswerLost, match="larger than 8 MB"):
        await over(ok(body)).send(BUY)
    audio = Call("GET", "/x", carries_audio=True)
    assert len((await over(ok(body)).send(audio)).body) == len(body)


async def test_a_refusal_with_an_unreadable_body_is_still_a_refusal():
    """Where the status says no, a body that cannot be taken does not leave the outcome open."""
    wire = over(httpx.Response(402, content=b"x" * (8 * 1024 * 1024 + 1)))

    got = await wire.send(BUY)

    assert (got.status_code, got.body) == (402, b"")


async def test_the_key_is_taken_out_of_answers():
    """A gateway that echoes the key, in body or header, does not get it into our hands."""
    wire = over(ok(json.dumps({"echo": f"Bearer {KEY}"}).encode(), **{"X-Echo": KEY}))

    got = await wire.send(ASK)

    assert KEY not in repr(got)
    assert got.data == {"echo": "Bearer [key]"}
    assert got.headers["x-echo"] == "[key]"


async def test_the_key_is_taken_out_of_errors():
    """An error text that quotes the key comes through without it, causes included."""
    with pytest.raises(ConnectionFailed) as caught:
        await over(httpx.ConnectError(f"bad header {KEY}")).send(ASK)

    assert KEY not in f"{caught.value} {caught.value.__cause__!r} {vars(caught.value)}"


async def test_nothing_but_our_errors_after_a_close():
    """A closed transport says so, and sends nothing."""
    wire = over(ok())
    await wire.send(ASK)
    await wire.aclose()

    with pytest.raises(ConnectionFailed, match="closed"):
        await wire.send(ASK)
    assert len(wire.seen) == 1


# -- over real sockets -------------------------------------------------------------------------


async def test_a_reset_after_sending_leaves_the_outcome_open():
    """A connection broken after the request arrived: one request at the server, AnswerLost."""

    async def script(asked):
        asked.reset()

    async with serving(script) as server:
        wire = real(server)
        with pytest.raises(AnswerLost, match="connection"):
            await wire.send(BUY)
        await wire.aclose()

    assert len(server.asked) == 1


async def test_a_refused_connection_is_known_not_sent():
    """A port nobody listens on gives ConnectionFailed, also for a paid call."""
    async with serving(None) as server:
        pass
    wire = real(server)

    with pytest.raises(ConnectionFailed, match=r"not sent after 3 attempts"):
        await wire.send(BUY)
    await wire.aclose()


async def test_an_answer_cut_short_leaves_the_outcome_open():
    """A body shorter than announced is no answer to a paid call; a question is asked again."""
    turns = iter([answer(body=b'{"id":', length=50)] * 2 + [answer(body=b"{}")])

    async def script(asked):
        await asked.say(next(turns))

    async with serving(script) as server:
        wire = real(server)
        with pytest.raises(AnswerLost):
            await wire.send(BUY)
        assert (await wire.send(ASK)).data == {}
        await wire.aclose()

    assert len(server.asked) == 3


async def test_silence_ends():
    """A server that takes the request and says nothing is left after the timeout."""

    async def script(asked):
        await asyncio.sleep(5)

    async with serving(script) as server:
        wire = real(server, timeout=0.05)
        with pytest.raises(AnswerLost, match="no answer in time"):
            await wire.send(BUY)
        await wire.aclose()


@pytest.mark.parametrize(
    ("size", "pause", "why"),
    [(1, 0.02, "too slowly"), (200, 0.005, "whole call")],
    ids=["drip", "trickle"],
)
async def test_a_drip_ends(size, pause, why):
    """A server that is never silent and never done is left: soon, if it hardly says anything."""

    async def script(asked):
        await asked.say(answer(length=10**6), *([b" " * size] * 5_000), pause=pause)

    async with serving(script) as server:
        wire = real(server, timeout=0.1)
        with pytest.raises(AnswerLost, match=why):
            await wire.send(BUY)
        await wire.aclose()


async def test_packed_answers_are_unpacked_within_the_cap():
    """gzip and deflate are understood; a bomb is refused before it fills the memory."""
    bodies = {
        "gzip": gzip.compress(b'{"a": 1}'),
        "deflate": zlib.compress(b'{"a": 1}'),
        "br": b"whatever",
    }
    bomb = gzip.compress(b" " * (9 * 1024 * 1024))

    async def script(asked):
        name = asked.path.split("/")[-1]
        body = bomb if name == "bomb" else bodies[name]
        await asked.say(answer(body=body, content_encoding="gzip" if name == "bomb" else name))

    async with serving(script) as server:
        wire = real(server)
        assert (await wire.send(Call("GET", "/gzip"))).data == {"a": 1}
        assert (await wire.send(Call("GET", "/deflate"))).data == {"a": 1}
        for name, why in (("bomb", "larger than 8 MB"), ("br", "nobody asked")):
            with pytest.raises(ConnectionFailed, match=why):
                await wire.send(Call("GET", f"/{name}"))
        await wire.aclose()


async def test_at_most_eight_at_a_time():
    """Forty questions at once open eight connections, not forty, over two clients."""

    async def script(asked):
        await asyncio.sleep(0.01)
        await asked.say(answer(body=b"{}"))

    async with serving(script) as server:
        one, two = real(server), real(server)
        await asyncio.gather(*(wire.send(ASK) for wire in (one, two) for _ in range(20)))
        await one.aclose()
        await two.aclose()

    assert len(server.asked) == 40
    assert 4 <= server.most_open <= 8


async def test_clients_with_different_keys_share_connections_not_keys():
    """Two clients of one base URL ask over the same kept connection, each with its own key.

    The one that is closed first leaves the connection to the other.
    """
    seen = []

    async def script(asked):
        port = asked.writer.get_extra_info("peername")[1]
        seen.append((port, asked.headers["authorization"]))
        await asked.say(answer(body=b"{}").replace(b"Connection: close\r\n", b""))

    async with serving(script, keeps=True) as server:
        one, two = (
            Transport(base_url=server.url, key=SecretStr(f"key-number-{n}"), sleep=Pauses())
            for n in (1, 2)
        )
        assert one.pool() is two.pool()
        for wire in (one, two):
            await wire.send(ASK)
        await one.aclose()
        assert server.open == 1
        await two.send(ASK)
        await two.aclose()

    ports, keys = zip(*seen, strict=True)
    assert len(set(ports)) == 1
    assert keys == ("Bearer key-number-1", "Bearer key-number-2", "Bearer key-number-2")


async def test_calls_that_make_music_do_not_hold_up_the_others():
    """Eight paid calls that last minutes leave room for questions."""
    release = asyncio.Event()

    async def script(asked):
        if asked.line.startswith("POST"):
            await release.wait()
        await asked.say(answer(body=b"{}"))

    making = Call("POST", "/music/generate", json={}, creates=True, carries_audio=True)
    async with serving(script) as server:
        wire = real(server)
        paid = [asyncio.ensure_future(wire.send(making)) for _ in range(8)]
        await server.until(8)
        assert (await wire.send(ASK)).data == {}
        release.set()
        await asyncio.gather(*paid)
        await wire.aclose()


async def test_each_paid_call_has_a_connection_of_its_own():
    """A kept connection that the server just closed cannot make a paid call look lost."""
    ports = []

    async def script(asked):
        ports.append(asked.writer.get_extra_info("peername")[1])
        await asked.say(answer(body=b"{}").replace(b"Connection: close\r\n", b""))

    async with serving(script, keeps=True) as server:
        wire = real(server)
        for call in (ASK, ASK, BUY, BUY):
            await wire.send(call)
        await wire.aclose()

    assert ports[0] == ports[1]  # questions do share one
    assert len(set(ports)) == 3


# -- pure parts --------------------------------------------------------------------------------


def test_retry_after_reads_seconds_and_dates():
    """Both forms of RFC 9110 are read; rubbish is not; the server's own clock counts."""
    moment = datetime(2026, 11, 21, 12, 0, 30, tzinfo=timezone.utc)
    sent = datetime(2026, 11, 21, 12, 0, 0, tzinfo=timezone.utc)

    def read(**headers):
        return retry_after(Answer(429, headers, b"", ""))

    assert read(**{"retry-after": "12"}) == 12
    assert read(**{"retry-after": " 1.5 "}) == 1.5
    assert read(
        **{"retry-after": format_datetime(moment, usegmt=True), "date": format_datetime(sent)}
    ) == pytest.approx(30)
    assert read(**{"retry-after": "Sat, 21 Nov 2020 12:00:00 GMT"}) == 0
    for rubbish in ("", "soon", "-", "nan", "1e9", "١٢", "1.2.3"):
        assert read(**{"retry-after": rubbish}) is None
    assert read(**{"retry-after": "-5"}) == 0
    assert read(**{"retry-after": "9" * 400}) == 365 * 86400


def test_backoff_grows_to_a_limit_and_spreads():
    """Pauses double up to eight seconds; chance takes up to half away."""
    assert [backoff(n, 1.0) for n in (1, 2, 3, 4, 5, 9)] == [0.5, 1, 2, 4, 8, 8]
    assert backoff(3, 0.0) == 1.0


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (gzip.compress(b"a" * 100)[:-9], "cut short"),
        (b"\x1f\x8bnonsense", "unpacked"),
        (gzip.compress(b"a" * 2_000_000), "larger"),
    ],
    ids=["cut short", "not packed", "too large"],
)
def test_damaged_packing_is_refused(data, why):
    """What cannot be unpacked within the cap is refused with its reason."""
    with pytest.raises(BodyRefused, match=why):
        unpack(data, 1024 * 1024)


def test_several_members_are_one_body():
    """gzip may hold several members in a row; together they keep to the cap."""
    assert unpack(gzip.compress(b"one ") + gzip.compress(b"two"), 100) == b"one two"
    with pytest.raises(BodyRefused, match="larger"):
        unpack(gzip.compress(b"x" * 60) * 2, 100)


def test_deflate_without_header_is_understood():
    """Some servers send bare deflate under the same name."""
    engine = zlib.compressobj(wbits=-15)

    assert unpack(engine.compress(b"hello") + engine.flush(), 100) == b"hello"
