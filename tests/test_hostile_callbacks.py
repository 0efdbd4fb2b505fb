"""Callbacks of any shape, in any order, to any path: a hint at most, and never the truth."""

from __future__ import annotations

import itertools
import json

import pytest
from hostile import TEXTS, acting_signs

from phaseo_nb.callbacks import Spool, hash_of, new_token
from phaseo_nb.callbacks.asgi import CallbackApp
from phaseo_nb.callbacks.receiver import Receiver, is_acceptable
from phaseo_nb.errors import GatewayError
from phaseo_nb.gateways import parse_callback

STAGES = {
    "text": [{"id": "a", "status": "text", "audio_url": "https://x.org/live", "duration": ""}],
    "first": [{"id": "a", "status": "first", "audio_url": "https://x.org/a.mp3", "duration": 90}],
    "complete": [
        {"id": "a", "status": "complete", "audio_url": "https://x.org/a.mp3", "duration": 90}
    ],
}


@pytest.fixture
def receiver(tmp_path):
    return Receiver(Spool(tmp_path / "spool"), clock=itertools.count().__next__)


@pytest.fixture
def token(receiver):
    token = new_token()
    receiver.spool.expect(hash_of(token), 4e9)
    return token


async def post(receiver, path, *, method="POST", headers=(), body=b"[]"):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
    await CallbackApp(receiver)(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


CHANGES = {
    "shorter": lambda token: token[:-1],
    "longer": lambda token: token + "x",
    "letter-case": lambda token: token.swapcase(),
    "turned": lambda token: token[::-1],
    "nothing": lambda token: "",
    "slash": lambda token: token + "/",
    "nul": lambda token: token + "\x00",
    "blank": lambda token: f" {token}",
    "its-hash": hash_of,
    "star": lambda token: "*",
    "zero-width": lambda token: token.replace("", "\u200b"),
    "up": lambda token: "..",
    "encoded-nul": lambda token: "%00",
    "many": lambda token: token * 500,
}


@pytest.mark.anyio
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_no_path_but_the_token_lets_in(receiver, token, change):
    """Only the very token is known; the answer to everything else says nothing."""
    status, words = await post(receiver, f"/hooks/{change(token)}")

    assert (status, words) == (404, b"not found\n")
    assert receiver.spool.names() == {}


@pytest.mark.anyio
@pytest.mark.parametrize("path", TEXTS.values(), ids=TEXTS)
async def test_any_path_gets_the_same_answer(receiver, token, path):
    """A path of any signs is an unknown token, and is not repeated."""
    assert await post(receiver, f"/{path}") == (404, b"not found\n")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "size", [b"-1", b"+5", b"0x10", b"1e3", b"\xb2", b"", b" 2", b"2, 3", b"9" * 99]
)
async def test_a_length_that_is_none_breaks_nothing(receiver, token, size):
    """A declared length is a hint; one that is no number is as if there were none."""
    status, _ = await post(receiver, f"/{token}", headers=[(b"content-length", size)])

    assert status == (413 if size == b"9" * 99 else 202)


BODIES = {
    "number": b"7",
    "text": b'"x"',
    "null": b"null",
    "nothing": b"",
    "blank": b"  ",
    "nan": b"[NaN]",
    "infinity": b"[-Infinity]",
    "1e999": b"[1e999]",
    "65-digits": b"[" + b"9" * 65 + b"]",
    "long-fraction": b"[0." + b"1" * 70 + b"]",
    "twice": b'{"a":1,"a":2}',
    "twice-deep": b'[{"b":{"a":1,"a":1}}]',
    "twice-escaped": b'{"a":1,"\\u0061":2}',
    "deep-33": b"[" * 33 + b"]" * 33,
    "deep-100000": b"[" * 100_000 + b"]" * 100_000,
    "deep-objects": b'{"a":' * 40 + b"1" + b"}" * 40,
    "wide": b"[" + b"0," * 10_001 + b"0]",
    "bom": b"\xef\xbb\xbf[]",
    "utf-16": "[]".encode("utf-16"),
    "latin-1": '["é"]'.encode("latin-1"),
    "overlong": b'["\xc0\xaf"]',
    "half-in-utf-8": b'["\xed\xa0\x80"]',
    "raw-control": b'["a\nb"]',
    "comma": b"[1,]",
    "two": b"[] []",
    "lines": b"[]\n[]",
    "form": b"payload=%5B%5D",
    "xml": b"<callback/>",
    "multipart": b"--x\r\nContent-Disposition: form-data\r\n\r\n[]\r\n--x--",
    "gzip": b"\x1f\x8b\x08\x00\x00",
    "jsonp": b"f([])",
    "nul": b"[]\x00",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bodies_that_nobody_should_read_are_400(receiver, token, body):
    """JSON that readers take differently, or that costs more than it is worth, is not kept."""
    assert not is_acceptable(body)
    assert receiver.take_in(token, body).status == 400
    assert receiver.spool.names() == {}


@pytest.mark.parametrize("order", list(itertools.permutations(STAGES)), ids=" ".join)
def test_any_order_of_stages_ends_in_the_same_word(order):
    """Each body is read by itself, so that order and repeats change nothing about any of them."""
    seen = {stage: parse_callback(json.dumps(STAGES[stage]), "gen1") for stage in (*order, *order)}

    assert [seen[stage].status for stage in STAGES] == ["in_progress", "in_progress", "completed"]
    assert [seen[stage].has_audio for stage in STAGES] == [False, False, True]
    assert [seen[stage].stage for stage in STAGES] == ["text", "first", "complete"]


@pytest.mark.parametrize("name", ["id", "workId", "task_id", "taskId", "job_id"])
def test_a_callback_names_no_job_but_its_own(name):
    """Whose job a callback is about is said by its address alone, whatever stands in it."""
    tracks = [{**STAGES["complete"][0], name: "somebody-elses"}]

    job = parse_callback(json.dumps(tracks), "gen1")

    assert job.id == "gen1"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"[1]", b'["x"]', b"[[]]", b"<html>", b"\xff", b'{"type":"SUCCESS"}'],
)
def test_what_is_no_list_of_tracks_is_one_error(body):
    """What was let in and is no callback all the same is refused when it is read."""
    with pytest.raises(GatewayError) as caught:
        parse_callback(body, "gen1")

    assert acting_signs(str(caught.value)) == []
    assert len(str(caught.value)) < 300


def test_an_empty_callback_says_nothing():
    """An empty list is a callback without news: no end, and no failure."""
    job = parse_callback(b"[]", "gen1")

    assert not job.is_finished
    assert job.tracks == ()
