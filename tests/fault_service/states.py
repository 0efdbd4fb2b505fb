"""Faults of a job: what a service says of it cannot be, or does not come to an end."""

from __future__ import annotations

import json
from typing import Any

from . import music
from .kinds import Kinds
from .visits import Visit

KINDS = Kinds()


@KINDS.add("no-id", "an order is accepted, and no name is given to it", "submit")
def _no_id(visit: Visit) -> None:
    body = visit.data
    for name in ("id", "requestId", "workId", "data", "nativeResponseId"):
        body.pop(name, None)
    visit.say(visit.reply._replace(body=music.to_json(body)))


@KINDS.add("done-at-once", "an order is answered as completed", "submit", wires=("phaseo",))
def _done_at_once(visit: Visit) -> None:
    assert visit.reply
    body = visit.data
    done = visit.state_of(visit.room.orders[-1], "completed")
    visit.say(done._replace(body=music.to_json(body | _json(done.body) | {"id": body["id"]})))


@KINDS.add("status-unknown", "a status that nobody knows", "poll")
def _unknown(visit: Visit) -> None:
    _with_status(visit, "paused_v2")


@KINDS.add("status-null", "null for a status", "poll")
def _null(visit: Visit) -> None:
    _with_status(visit, None)


@KINDS.add("status-number", "a number for a status", "poll")
def _number(visit: Visit) -> None:
    _with_status(visit, 7)


@KINDS.add("status-backward", "queued again after it was in progress", "poll", times=2)
def _backward(visit: Visit) -> None:
    order = visit.order
    if order is None:
        visit.say()
        return
    status = "in_progress" if visit.room.visits["poll"] == 1 else "queued"
    visit.say(visit.state_of(order, status))


@KINDS.add("done-without", "completed without audio", "poll")
def _without(visit: Visit) -> None:
    _done(visit, lambda tracks: [])


@KINDS.add("done-blank", "completed with an empty address for audio", "poll")
def _blank(visit: Visit) -> None:
    _done(visit, lambda tracks: [track | {"audio_url": ""} for track in tracks])


@KINDS.add("done-backward", "completed without audio, then queued again", "poll", times=2)
def _done_backward(visit: Visit) -> None:
    if visit.room.visits["poll"] == 1:
        _without(visit)
    elif visit.order is not None:
        visit.say(visit.state_of(visit.order, "queued"))


@KINDS.add("done-twice", "completed, with every track named twice", "poll", times=None)
def _twice(visit: Visit) -> None:
    _done(visit, lambda tracks: [*tracks, *tracks])


@KINDS.add("never", "in progress for ever", "poll", times=None)
def _never(visit: Visit) -> None:
    if visit.order is not None:
        visit.say(visit.state_of(visit.order, "in_progress"))


@KINDS.add("failed", "the job fails", "poll", times=None)
def _failed(visit: Visit) -> None:
    _with_status(visit, "failed")


def _with_status(visit: Visit, status: Any) -> None:
    if visit.order is None:
        visit.say()
        return
    reply = visit.state_of(visit.order, "in_progress")
    body = _json(reply.body)
    if visit.wire == "udio":
        body["data"]["type"] = status
    else:
        body["status"] = status
    visit.say(reply._replace(body=music.to_json(body)))


def _done(visit: Visit, change: Any) -> None:
    if visit.order is None:
        visit.say()
        return
    reply = visit.state_of(visit.order, "completed")
    body = _json(reply.body)
    if visit.wire == "udio":
        body["data"]["response_data"] = change(body["data"]["response_data"])
    else:
        body["output"] = change(body["output"])
    visit.say(reply._replace(body=music.to_json(body)))


def _json(body: bytes) -> Any:
    return json.loads(body)
