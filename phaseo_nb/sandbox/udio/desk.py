"""What udioapi.pro's paid routes have in common: the key, the order, the credits, the callback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from ...requests.udio import TOO_LONG
from ..jobbook import Job, request_key
from ..orders import Order
from ..scenarios import Outcome, failed
from ..service import Service, fault_response, origin_of
from ..studio import facts_of
from ..wire import JSON, BodyTooLarge, NotJSON, read_json
from .posts import posts_of
from .refusals import STATES, UNAUTHORIZED, udio_error

CREDITS = 1_000
PER_JOB, PER_COVER = 10, 1
_SECRET = frozenset({"token", "callback_url", "upload_url"})
"""What no answer repeats: an address may have a key in it, too."""


@dataclass(frozen=True)
class Wanted:
    """A checked order."""

    kind: Literal["udio", "oldest", "extend", "upload-cover"]
    body: Mapping[str, Any]
    model: str
    plan: Callable[[int], Order]
    """From the take to what is played; may take its time."""
    callback_url: str | None = None
    is_too_long: bool = False


class Desk:
    """Takes orders for one sandbox's udio side."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._n_jobs = 0
        self._n_covers = 0

    @property
    def used_credits(self) -> int:
        """Credits that were used since the sandbox began."""
        return PER_JOB * self._n_jobs + PER_COVER * self._n_covers

    def count_cover(self) -> None:
        """Note that a cover image was ordered."""
        self._n_covers += 1

    def refusal(
        self, request: Request, token: Any = None, *, word: str = "message"
    ) -> Response | None:
        """Return why nothing is taken from this key, or from anybody, at the moment."""
        if not (has_bearer(request) or (isinstance(token, str) and token.strip())):
            return udio_error(401, UNAUTHORIZED, word=word)
        state = self.service.state
        if state.startswith(("key_not", "key_soft", "key_expired", "invalid_secret")):
            return udio_error(401, UNAUTHORIZED, word=word)
        if state in STATES:
            return udio_error(*STATES[state], word=word)
        return None

    async def accept(self, request: Request, wanted: Wanted) -> Job | Response:
        """Take an order, or return the answer that a script has in its place."""
        service = self.service
        outcome, steps = service.outcome_for(wanted.body)
        if wanted.is_too_long:  # taken all the same, and then it comes to nothing
            outcome = outcome + failed(TOO_LONG)
        fault = await service.meet_fault(steps, outcome, "submit")
        usual = udio_error(fault.status or 500, "scripted by the sandbox") if fault else None
        if fault is not None and usual is not None and not fault.created:
            return fault_response(fault, usual)
        if outcome.refusal is not None:
            code, message = outcome.refusal
            return udio_error(200, message, code=code)
        job = await self._job(wanted, outcome)
        await self._call_back(job, wanted.callback_url, origin_of(request))
        if fault is not None and usual is not None:
            return fault_response(fault, usual)
        return job

    async def _job(self, wanted: Wanted, outcome: Outcome) -> Job:
        service = self.service
        surface = wanted.kind if wanted.kind in ("extend", "upload-cover") else "udio"
        take = service.book.count_take(surface, wanted.body)
        order = await anyio.to_thread.run_sync(wanted.plan, take)
        songs = [recording.song for recording in order.recordings]
        facts = await anyio.to_thread.run_sync(lambda: tuple(map(facts_of, songs)))
        work_id = service.book.next_id(wanted.kind)
        job = Job(
            id=work_id,
            request_id=service.book.next_id("request"),
            provider="udio",
            slug=wanted.model,
            order=order,
            facts=facts,
            take=take,
            created=service.clock.now(),
            created_at=service.now_text(),
            outcome=outcome,
            echo={name: value for name, value in wanted.body.items() if name not in _SECRET},
            heard=request_key(surface, wanted.body),
            has_callback=wanted.callback_url is not None,
        )
        service.book.add(job, work_id)
        service.begin(job)
        self._n_jobs += 1
        return job

    async def _call_back(self, job: Job, url: str | None, origin: str) -> None:
        if url is None:
            return
        courier = self.service.courier
        posts = posts_of(job, url, origin)
        courier.schedule(posts)
        if posts and job.outcome.callbacks.is_early:
            await anyio.to_thread.run_sync(courier.catch_up, job.request_id, abandon_on_cancel=True)


async def read_body(request: Request) -> Any:
    """Return a decoded body, ``None`` where there is none to be read."""
    try:
        return await read_json(request)
    except (NotJSON, BodyTooLarge):
        return None


def accepted(job: Job, *, has_task_id: bool = True) -> JSON:
    """Return the answer of the newer routes to an order that was taken."""
    answer = {"code": 200, "message": "success", "workId": job.id, "sandbox": True}
    if has_task_id:
        answer["data"] = {"task_id": job.id}
    return JSON(answer)


def has_bearer(request: Request) -> bool:
    """Whether a key came in the header."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(key.strip())
