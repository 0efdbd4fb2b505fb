"""The part of the service that works: rooms with their books, jobs, and the words of both wires."""

from __future__ import annotations

import base64
import functools
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from paid_service import wave_of

SECONDS = 1.0
"""Length of every track."""


@functools.lru_cache(maxsize=64)
def sound_of(number: int, kilobytes: int = 16) -> bytes:
    """Return the recording of a track; its number is in its file's name."""
    return wave_of(number, n_samples=kilobytes * 500)


@dataclass
class Order:
    """A job that was created, and so is paid."""

    number: int
    model: str
    n_tracks: int
    asked: int = 0
    """How often somebody asked for it and was told the truth."""

    @property
    def is_instant(self) -> bool:
        """True where the answer to the order is the only one that has the music."""
        return self.model.startswith(("minimax", "google", "eleven"))

    @property
    def tracks(self) -> list[int]:
        return [self.number * 10 + place for place in range(self.n_tracks)]


@dataclass
class Room:
    """One base URL: a fault, and what happened under it."""

    name: str
    orders: list[Order] = field(default_factory=list)
    visits: dict[str, int] = field(default_factory=dict)
    is_healed: bool = False
    first_fetched: int | None = None
    """The number of the first track that was asked for."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def fault(self) -> str:
        return self.name.partition("/")[0]

    @property
    def paid(self) -> int:
        """How many jobs were created here."""
        return len(self.orders)

    def heal(self) -> None:
        """Do everything well from now on."""
        self.is_healed = True

    def enter(self, stage: str) -> int:
        """Count a visit; returns how many there were at this stage."""
        with self.lock:
            self.visits[stage] = self.visits.get(stage, 0) + 1
            return self.visits[stage]

    def create(self, wire: str, body: Any) -> Order:
        """Take an order: from here on it is paid, whatever becomes of the answer."""
        model = body.get("model") if isinstance(body, dict) else None
        n_tracks = 2 if wire == "udio" else 1
        with self.lock:
            order = Order(len(self.orders) + 1, str(model or ""), n_tracks)
            self.orders.append(order)
        return order

    def order_of(self, job_id: str) -> Order | None:
        digits = job_id.rpartition("_")[2]
        number = int(digits) if digits.isdecimal() and len(digits) < 6 else 0
        return self.orders[number - 1] if 0 < number <= len(self.orders) else None

    def books(self) -> dict[str, int]:
        seen = {stage + "s": self.visits.get(stage, 0) for stage in ("submit", "poll", "download")}
        return {"paid": self.paid, **seen}


# -- the words of the wires ----------------------------------------------------------------------


def accepted(wire: str, order: Order) -> dict[str, Any]:
    """Answer an order."""
    if wire == "udio":
        name = f"gen_{order.number}"
        return {"code": 200, "message": "success", "workId": name, "data": {"task_id": name}}
    facts: dict[str, Any] = {"requestId": f"G_{order.number}", "id": f"task_{order.number}"}
    facts |= {"object": "music", "nativeResponseId": f"task_{order.number}", "currency": "USD"}
    facts |= {"cost_nanos": 60_000_000, "cost_cents": 6}
    if not order.is_instant:
        return facts | {"status": "queued", "provider": "suno", "model": "V4_5"}
    audio = base64.b64encode(sound_of(order.tracks[0])).decode()
    return facts | {
        "status": "completed",
        "provider": "minimax",
        "model": order.model,
        "audio_base64": audio,
    }


def state(wire: str, order: Order, status: str, audio_at: str) -> dict[str, Any]:
    """Say how a job stands.

    Parameters
    ----------
    status
        ``queued``, ``in_progress`` or ``completed``.
    audio_at
        The address below which the recordings are.
    """
    is_done = status == "completed"
    tracks = [_track(wire, number, place, audio_at) for place, number in enumerate(order.tracks)]
    if wire == "udio":
        word = "SUCCESS" if is_done else {"queued": "PENDING"}.get(status, "IN_PROGRESS")
        feed = {"type": word, "request_body": {}, "created_at": "2026-01-01 10:00:00"}
        feed["response_data"] = tracks if is_done else []
        return {"code": 200, "message": "success", "data": feed}
    facts = {"id": f"task_{order.number}", "object": "music", "provider": "suno", "model": "V4_5"}
    return facts | {"status": status, "output": tracks if is_done else []}


def _track(wire: str, number: int, place: int, audio_at: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"id": f"c{number}", "title": f"Tide {number}", "duration": SECONDS}
    facts |= {"audio_url": f"{audio_at}/{number}.wav", "image_url": None, "tags": "calm"}
    if wire == "udio":
        return facts | {"status": "complete", "model_name": "chirp-v4-5", "prompt": ""}
    return facts | {"index": place, "stream_audio_url": None}


def unknown(wire: str) -> dict[str, Any]:
    """Say that there is no such job."""
    if wire == "udio":
        return {"code": 404, "message": "task not found"}
    return {"error": "not_found", "reason": "music_not_found_or_not_owned", "status_code": 404}


def refusal(wire: str, status: int, error: str, words: str) -> bytes:
    """Say no in the envelope of a service."""
    if wire == "udio":
        return to_json({"code": status, "message": words})
    return to_json({"error": error, "status_code": status, "description": words})


def to_json(body: Any) -> bytes:
    return json.dumps(body).encode()
