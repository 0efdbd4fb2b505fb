"""Fuzz what both gateways read: answers to orders, questions, lists, prices and credits.

A command of its own; it exits with 1 on a finding and saves the smallest input that shows it::

    python tests/fuzz/answers.py --seconds 600

Whatever comes over the wire must end in one of our errors or in facts that hold what they
promise: frozen, no number that is none, texts that can be stored and shown, no key anywhere.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sqlite3
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

import fuzzing
from fuzzing import Finding, Spoiler, Target, examples, smaller_bytes
from hostile import KEY, Page, acting_signs
from pydantic import SecretStr

from phaseo_nb import cards
from phaseo_nb.errors import GatewayError, JobFailed, PhaseoError
from phaseo_nb.gateways import failure_message, get_gateway
from phaseo_nb.jobs import Cost, Credits, MusicJob
from phaseo_nb.keeping.moving.names import safe_name
from phaseo_nb.keeping.records import dump_answer, load_answer, storable_text, trimmed
from phaseo_nb.transport.messages import Answer
from phaseo_nb.transport.secrets import scrub, scrub_bytes

SECRET = SecretStr(KEY)
STATUSES = [200] * 10 + [201, 202, 204, 302, 303, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429]
STATUSES += [500, 501, 502, 502, 503, 504, 520, 524, 599]
QUESTIONS = ("order", "status", "picture", "models", "estimate", "credits")
PLACES = {
    "phaseo": "https://api.phaseo.app/v1/music/generate",
    "udio": "https://udioapi.pro/api/v2/generate",
}
DATABASE = sqlite3.connect(":memory:")
DATABASE.execute("CREATE TABLE answers (text TEXT, title TEXT)")


class Input(NamedTuple):
    """One answer, and what it answers."""

    wire: str
    question: str
    status: int
    headers: dict[str, str]
    body: bytes


class Order:
    """The least that a gateway needs of a request."""

    api = "v2"

    def __init__(self, model: str, makes: str = "music") -> None:
        self.model, self.makes = model, makes

    def to_wire(self) -> dict[str, Any]:
        return {"model": self.model, "prompt": "a waltz", "format": "wav"}


ORDERS = {"phaseo": Order("elevenlabs/music"), "udio": Order("chirp-v4-5")}
PICTURE = Order("chirp-v4-5", makes="picture")
CASES = examples("phaseo_responses.json", "udio_payloads.json")
MORE: list[Any] = [
    {"models": [{"id": "suno/v5", "name": "x", "offers": [{"provider": {"id": "suno"}}]}]},
    {
        "models": [
            {
                "provider": "minimax",
                "model": "minimax/music-3.0",
                "endpoint": "music.generate",
                "meters": [{"meter": "requests", "price_per_unit": "0.15", "unit_size": 1}],
            }
        ]
    },
    {"pricing": {"total_nanos": 60_000_000, "currency": "USD", "lines": [{"line_nanos": 1}]}},
    {"code": 200, "message": "ok", "data": {"credits": 1000, "used_credits": "12"}},
    {"code": 200, "data": {"status": "SUCCESS", "response": {"images": ["https://x.example/a"]}}},
]
BODIES = [case["body"] for case in CASES] + MORE


def make(spoiler: Spoiler, kept: list[Any]) -> Input:
    """Return an answer nobody has seen before."""
    random = spoiler.random
    if kept and random.random() < 0.4:
        old = random.choice(kept)
        try:
            body = spoiler.body(json.loads(old.body))
        except (ValueError, RecursionError):  # no JSON, or nested too deep to be taken apart
            return old._replace(body=spoiler.bytes(old.body))
        return old._replace(body=body, status=random.choice((old.status, random.choice(STATUSES))))
    case = random.choice(CASES)
    wire = "phaseo" if "method" in case else "udio"
    is_order = case.get("method") == "POST" or case.get("kind") == "generate"
    question, value, status = "order" if is_order else "status", case["body"], case["http_status"]
    if random.random() < 0.3:
        wire, question = random.choice(("phaseo", "udio")), random.choice(QUESTIONS)
        value = random.choice(BODIES)
    if random.random() < 0.2:
        status = random.choice(STATUSES)
    headers = {name.lower(): text for name, text in case["headers"].items()}
    return Input(wire, question, status, headers | spoiler.headers(), spoiler.body(value))


def check(given: Input) -> None:
    """Read an answer as the client would, and look at all that comes of it."""
    gateway = get_gateway(given.wire)
    root = PLACES[given.wire]
    body = scrub_bytes(given.body, SECRET)
    headers = {name: scrub(text, SECRET) for name, text in given.headers.items()}
    method = "POST" if given.question == "order" else "GET"
    answer = Answer(given.status, headers, body, root, method)
    try:
        facts = read(gateway, given.question, answer, ORDERS[given.wire])
    except PhaseoError as error:
        sound_error(error)
        return
    if isinstance(facts, MusicJob):
        sound_job(facts, given.wire)
    elif isinstance(facts, (Cost, Credits)):
        for amount in vars(facts).values():
            sound_number(amount)
        printable(str(facts), "price")
    else:
        for info in facts:
            sound_number(info.price.usd)
            shown(repr(info), "model")
            whole(info.id, "model")
            printable(info.name, "name of a model") if info.name != info.id else None
            printable(info.note or "", "note of a model")


def read(gateway: Any, question: str, answer: Answer, order: Order) -> Any:
    """Do what the client does with an answer."""
    if question == "order":
        return gateway.read_submission(answer, order)
    if question == "status":
        return gateway.read_status(answer, "asked-for")
    if question == "picture":
        if gateway.name == "udio":
            try:
                gateway.read_submission(answer, PICTURE)
            except PhaseoError as error:
                sound_error(error)
        return gateway.read_status(answer, "cover:asked-for")
    if question == "models":
        return gateway.read_models([answer, answer])
    if question == "estimate":
        return gateway.read_estimate(answer)
    return gateway.read_credits(answer)


# -- what must hold ------------------------------------------------------------------------------


def printable(text: str, what: str) -> None:
    """Look for signs that act or hide, and for the key."""
    signs = acting_signs(text)
    if signs:
        raise Finding(f"{what}: {signs[:5]} in {text[:200]!r}")
    if re.search("phaseo_v1_sk_[A-Za-z0-9]", text):  # anybody's
        raise Finding(f"key: in a {what}: {text[:200]!r}")


def shown(text: str, what: str) -> None:
    """Look for the key."""
    if KEY in text:
        raise Finding(f"key: in a {what}: {text[:200]!r}")


def whole(text: object, what: str) -> None:
    """Look for halves of characters, which break every way out."""
    if text is None:
        return
    if not isinstance(text, str):
        raise Finding(f"type: {what} is {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Finding(f"surrogate: in {what}") from None
    shown(text, what)


def sound_number(amount: object) -> None:
    """Look for amounts that are none."""
    if isinstance(amount, float) and not (math.isfinite(amount) and amount >= 0):
        raise Finding(f"number: {amount!r}")
    if isinstance(amount, int) and not 0 <= amount < 2**63:
        raise Finding(f"number: {amount!r:.60}")


def sound_error(error: PhaseoError) -> None:
    """Look at the message and at all attributes of an error."""
    printable(str(error), "message")
    shown(repr(error), "repr of an error")
    if isinstance(error, GatewayError):
        sound_number(error.retry_after)
        for name in ("error", "reason", "description"):
            printable(getattr(error, name) or "", name)
        for issue in error.issues:
            printable(f"{issue.field} {issue.reason} {issue.expected}", "issue")
    request_id = getattr(error, "request_id", None)
    if request_id is not None:
        whole(request_id, "request id")  # asked for again as it came
    if len(str(error)) > 4000:
        raise Finding(f"length: a message of {len(str(error))} characters")
    if not str(error).strip().endswith((".", "!", "?", "…")):
        raise Finding(f"sentence: {str(error)[-80:]!r}")


def sound_job(job: MusicJob, wire: str) -> None:
    """Look at all facts of a job, and send them every way they go."""
    try:
        job.status = "x"  # type: ignore[misc]
    except dataclasses.FrozenInstanceError:
        pass
    else:
        raise Finding("frozen: a job can be changed")
    for name in ("id", "status", "request_id", "stage", "provider", "model", "failure"):
        whole(getattr(job, name), name)
    for amount in (job.cost.usd, job.cost.credits, *vars(job.usage).values()):
        sound_number(amount)
    for line in job.cost.lines:
        whole(line.meter, "meter")
        for amount in (line.quantity, line.unit_usd, line.usd):
            sound_number(amount)
    for track in job.tracks:
        for name in ("id", "title", "tags", "audio_url", "image_url", "lyrics", "failure"):
            whole(getattr(track, name), name)
        sound_number(track.duration)
        sound_number(track.index)
        if track.duration is not None and not 0 < track.duration < 1e7:
            raise Finding(f"duration: {track.duration}")
        shown(repr(track), "repr")
        if not repr(track).isprintable():
            raise Finding(f"repr: {repr(track)!r}")
    shown(repr(job), "repr")
    if not repr(job).isprintable():
        raise Finding(f"repr: {repr(job)!r}")
    stored(job)
    pages(job, wire)


def stored(job: MusicJob) -> None:
    """Put a job into the journal and take it out again."""
    kept, _ = trimmed(job)
    text = dump_answer(kept)
    if len(text) > 4_000_000 + 4 * sum(
        len(t.lyrics or "") + len(t.title or "") for t in job.tracks
    ):
        raise Finding(f"length: {len(text)} characters in the journal")
    title = storable_text(next((track.title for track in job.tracks if track.title), None))
    DATABASE.execute("DELETE FROM answers")
    DATABASE.execute("INSERT INTO answers VALUES (?, ?)", (text, title))
    (again,) = DATABASE.execute("SELECT text FROM answers").fetchone()
    json.loads(again, parse_constant=_no_constant)
    shown(again, "journal")
    back = load_answer(again)
    for name in ("id", "status", "request_id", "provider", "failure", "cost", "usage"):
        if getattr(back, name) != getattr(job, name):
            raise Finding(f"journal: {name} came back as another: {getattr(back, name)!r:.100}")
    plain = [dataclasses.replace(track, data=None, raw={}) for track in kept.tracks]
    if [dataclasses.replace(track, raw={}) for track in back.tracks] != plain:
        raise Finding("journal: tracks came back as others")


def _no_constant(name: str) -> Any:
    raise Finding(f"number: {name} in the journal")


def pages(job: MusicJob, wire: str) -> None:
    """Show a job in every way it is shown."""
    track = job.tracks[0] if job.tracks else None
    title = (track and track.title) or job.id
    words = {
        "title": title[:5000],
        "prompt": (track.lyrics if track else None) or job.failure,
        "facts": [job.provider or "", job.model or "", (track.tags if track else None) or ""],
    }
    running = {
        "status": job.status,
        "elapsed": 1.0,
        "provider": job.provider,
        "stage": job.stage,
        "title": title[:5000],
        "lyrics": track.lyrics if track else None,
        "job_id": job.id,
        "price": str(job.cost),
    }
    for text in (False, True):
        for page in (
            cards.player_card(**words, text=text),
            cards.live_card(**running, text=text),
        ):
            if text:
                if signs := acting_signs(page, lines=True):
                    raise Finding(f"card: {signs[:5]}")
            else:
                found = Page(page)
                if found.problems:
                    raise Finding(f"page: {found.problems[:3]}")
            shown(page, "card")
    name = safe_name(title, ".mp3")
    if len(name.encode()) > 120 or "/" in name or "\\" in name or acting_signs(name):
        raise Finding(f"name: {name!r}")
    if job.status == "failed" or not job.has_audio:
        sound_error(JobFailed(failure_message(job, elapsed=1.0, wire=wire), job=job))


def smaller(given: Input) -> Iterable[Input]:
    """Give answers with less in them."""
    if given.headers:
        yield given._replace(headers={})
    for body in smaller_bytes(given.body):
        yield given._replace(body=body)


TARGET = Target("answers", make, check, smaller, BODIES)

if __name__ == "__main__":
    sys.exit(fuzzing.main(TARGET))
