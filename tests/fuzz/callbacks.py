"""Fuzz the door that callbacks come through, and what is read of them.

A command of its own; it exits with 1 on a finding and saves the smallest input that shows it::

    python tests/fuzz/callbacks.py --seconds 600

Whatever is posted gets one of the receiver's own answers, which repeat nothing of it; what is
taken in can be read as a job with sound facts or is one of our errors; and the folder of arrivals
stays within its bounds and holds nothing else.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import fuzzing
from answers import BODIES, CASES, SECRET, sound_error, sound_job
from fuzzing import Finding, Spoiler, Target, smaller_bytes
from hostile import TEXTS

from phaseo_nb.callbacks import receiver as rules
from phaseo_nb.callbacks.asgi import CallbackApp
from phaseo_nb.callbacks.receiver import DEEPEST, MOST_NODES, Receiver, is_acceptable
from phaseo_nb.callbacks.spool import MOST_PER_TOKEN, Spool
from phaseo_nb.callbacks.tokens import hash_of
from phaseo_nb.errors import PhaseoError
from phaseo_nb.gateways import parse_callback
from phaseo_nb.transport.secrets import scrub_bytes

TOKEN = "T0KEN-of-this-run-9f8e7d6c5b4a"
REPLIES = {reply.status: reply for reply in vars(rules).values() if isinstance(reply, rules.Reply)}
CALLBACKS = [case for case in CASES if case.get("kind") in ("callback", "feed")]
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # nothing is to be waited for
FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-spool-", dir=_MEMORY))
atexit.register(shutil.rmtree, FOLDER, True)


class Clock:
    """Goes on a second with every look, so that no input is refused for its haste."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


CLOCK = Clock()
SPOOL = Spool(FOLDER / "spool", clock=CLOCK)
SPOOL.expect(hash_of(TOKEN), 1e12)
RECEIVER = Receiver(SPOOL, clock=CLOCK)
APP = CallbackApp(RECEIVER)
LOOP = asyncio.new_event_loop()


class Input(NamedTuple):
    """One request as a server hands it on."""

    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    pieces: int
    """In how many parts the body comes; 0 goes past the door, straight to the receiver."""


def make(spoiler: Spoiler, kept: list[Any]) -> Input:
    """Return a request nobody has seen before."""
    random = spoiler.random
    if kept and random.random() < 0.4:
        old = random.choice(kept)
        try:
            body = spoiler.body(json.loads(old.body))
        except (ValueError, RecursionError):
            body = spoiler.bytes(old.body)
        return old._replace(body=body)
    case = random.choice(CALLBACKS)
    value = case["body"]
    if case["kind"] == "feed" and isinstance(value, dict):
        inner = value.get("data")
        listed = inner.get("response_data") if isinstance(inner, dict) else None
        value = listed if isinstance(listed, list) else value
    method, path = "POST", f"/callbacks/{TOKEN}"
    if random.random() < 0.1:
        method = random.choice(("GET", "HEAD", "PUT", "OPTIONS", "post", "", "PO ST", "\xff"))
    if random.random() < 0.15:
        path = random.choice(("/", "", TOKEN, f"/{TOKEN}/", f"/{TOKEN}?x", f"/x/{TOKEN[:-1]}"))
        path = path if random.random() < 0.5 else "/" + random.choice([*TEXTS.values()])[:300]
    headers = [(b"content-type", b"application/json")]
    if random.random() < 0.3:
        size = random.choice((b"0", b"-1", b"99999999999999999999999", b"1e3", b"\xb2", b"", b" 5"))
        headers.append((random.choice((b"content-length", b"Content-Length")), size))
    return Input(method, path, headers, spoiler.body(value), random.choice((0,) * 9 + (1, 2, 7)))


def check(given: Input) -> None:
    """Post it, and read what was taken in."""
    if given.pieces:
        status = LOOP.run_until_complete(_post(given))
    else:  # without threads and an event loop it is many times quicker
        token = given.path.rpartition("/")[2]
        refusal = RECEIVER.admit(given.method, token, len(given.body))
        status = (refusal or RECEIVER.take_in(token, given.body)).status
    arrivals = SPOOL.arrivals(hash_of(TOKEN))
    if status == 202:
        if [arrival.body for arrival in arrivals] != [given.body]:
            raise Finding("kept: something else than what came")
        if given.method != "POST" or given.path.rpartition("/")[2] != TOKEN:
            raise Finding(f"let in: {given.method} {given.path}")
        modest(json.loads(given.body))
    elif arrivals:
        raise Finding(f"kept: after {status}")
    for arrival in arrivals:
        SPOOL.take(arrival)
    listed = [path for path in FOLDER.rglob("*") if path.is_file()]
    if len(listed) > MOST_PER_TOKEN or any(path.name.endswith(".part") for path in listed):
        raise Finding(f"folder: {len(listed)} files")
    acceptable = is_acceptable(given.body)
    if status == 202 and not acceptable:
        raise Finding("let in: what is not acceptable")
    try:
        # Also what the door would refuse; who sends a key of ours has it from elsewhere.
        job = parse_callback(scrub_bytes(given.body, SECRET), "gen1")
    except PhaseoError as error:
        sound_error(error)
        return
    if acceptable:
        sound_job(job, "udio")


async def _post(given: Input) -> int:
    size = max(1, -(-len(given.body) // given.pieces))
    parts = [given.body[at : at + size] for at in range(0, len(given.body), size)] or [b""]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        part = parts.pop(0) if parts else b""
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": given.method,
        "path": given.path,
        "headers": given.headers,
    }
    await asyncio.wait_for(APP(scope, receive, send), 5)
    start, rest = sent
    reply = REPLIES.get(start["status"])
    if reply is None or rest["body"] != reply.body:
        raise Finding(f"reply: {start['status']} {rest['body'][:80]!r}")
    if start["headers"] != [(name.encode(), value.encode()) for name, value in reply.headers]:
        raise Finding("reply: other headers")
    return int(start["status"])


def modest(value: Any, depth: int = 1) -> int:
    """Count the values of what was let in, the plain way."""
    if depth > DEEPEST:
        raise Finding("let in: too deep")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    n = 1 + sum(modest(item, depth + 1) for item in inner)
    if n > MOST_NODES or (isinstance(value, float) and value - value != 0):
        raise Finding("let in: too large")
    return n


def smaller(given: Input) -> Iterable[Input]:
    """Give requests with less in them."""
    if len(given.headers) > 1:
        yield given._replace(headers=given.headers[:1])
    if given.pieces:
        yield given._replace(pieces=0)
    for body in smaller_bytes(given.body):
        yield given._replace(body=body)


TARGET = Target("callbacks", make, check, smaller, BODIES)

if __name__ == "__main__":
    sys.exit(fuzzing.main(TARGET))
