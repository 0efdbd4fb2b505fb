"""udioapi.pro's surface: three generations of its API over the same jobs.

Wire contract: udioapi.pro ``/doc/api/generate-v1``, ``/doc/api/generate-with-callback``,
``/docs/v2-generate``, ``/docs/v2-feed``, ``/docs/query-credits``. A ``callback_url`` is taken and
not called yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...requests.udio import TOO_LONG
from ..jobbook import Job, request_key
from ..orders import udio_order
from ..scenarios import Outcome, failed
from ..service import Service, fault_response
from ..studio import facts_of
from ..wire import JSON, BodyTooLarge, NotJSON, read_json
from . import feeds
from .refusals import STATES, UNAUTHORIZED, problem_of, soft_refusal, udio_error

_CREDITS = 1_000
_PER_JOB = 10


class UdioSide:
    """Routes of udioapi.pro."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._n_paid = 0

    def routes(self) -> list[Route]:
        """Return what Starlette needs."""
        both = ["GET", "POST"]
        return [
            Route("/api/generate", self.generate, methods=["POST"]),
            Route("/api/v2/generate", self.generate, methods=["POST"]),
            Route("/api/feed", self.feed, methods=both),
            Route("/api/v2/feed", self.feed, methods=both),
            Route("/api/v2/credits", self.credits, methods=["GET"]),
        ]

    async def generate(self, request: Request) -> Response:
        """Accept or refuse a job."""
        body = await _body(request)
        is_v2 = request.url.path.startswith("/api/v2/")
        token = None if is_v2 or not isinstance(body, dict) else body.get("token")
        if not (_has_bearer(request) or (isinstance(token, str) and token.strip())):
            return udio_error(401, UNAUTHORIZED)
        if self._service.state.startswith(("key_not", "key_soft", "key_expired", "invalid_secret")):
            return udio_error(401, UNAUTHORIZED)
        if self._service.state in STATES:
            return udio_error(*STATES[self._service.state])
        if not isinstance(body, dict):
            return udio_error(400, "Invalid request body")
        is_oldest = token is not None
        api = "v2" if is_v2 else "token" if is_oldest else "callback"
        problem = problem_of(body, api)
        if problem is not None and problem != TOO_LONG:
            return soft_refusal(problem, is_oldest)
        if problem == TOO_LONG and is_oldest:
            return soft_refusal("prompt too long", is_oldest)
        return await self._accept(body, is_oldest, is_too_long=problem == TOO_LONG)

    async def _accept(self, body: dict[str, Any], is_oldest: bool, is_too_long: bool) -> Response:
        service = self._service
        outcome, steps = service.outcome_for(body)
        if is_too_long:  # taken all the same, and then it comes to nothing
            outcome = outcome + failed(TOO_LONG)
        fault = await service.meet_fault(steps, outcome, "submit")
        usual = udio_error(fault.status or 500, "scripted by the sandbox") if fault else None
        if fault is not None and usual is not None and not fault.created:
            return fault_response(fault, usual)
        if outcome.refusal is not None:
            code, message = outcome.refusal
            return udio_error(200, message, code=code)
        job = await self._job(body, outcome, is_oldest)
        if fault is not None and usual is not None:
            return fault_response(fault, usual)
        answer: dict[str, Any] = {"message": "success", "workId": job.id, "sandbox": True}
        if not is_oldest:
            answer = {"code": 200, **answer, "data": {"task_id": job.id}}
        return JSON(answer)

    async def _job(self, body: dict[str, Any], outcome: Outcome, is_oldest: bool) -> Job:
        service = self._service
        take = service.book.count_take("udio", body)
        order = udio_order(body, take)
        songs = [recording.song for recording in order.recordings]
        facts = await anyio.to_thread.run_sync(lambda: tuple(map(facts_of, songs)))
        work_id = service.book.next_id("oldest" if is_oldest else "udio")
        job = Job(
            id=work_id,
            request_id=service.book.next_id("request"),
            provider="udio",
            slug=str(body.get("model") or ("chirp-v3.0" if is_oldest else "chirp-v4-5")),
            order=order,
            facts=facts,
            take=take,
            created=service.clock.now(),
            created_at=service.now_text(),
            outcome=outcome,
            echo={name: value for name, value in body.items() if name not in _SECRET},
            heard=request_key("udio", body),
        )
        service.book.add(job, work_id)
        service.begin(job)
        self._n_paid += 1
        return job

    async def feed(self, request: Request) -> Response:
        """Say how a job fares: flat at ``/api/feed``, enveloped at ``/api/v2/feed``."""
        body = await _body(request) if request.method == "POST" else None
        given: Mapping[str, Any] = body if isinstance(body, dict) else {}
        work_id = request.query_params.get("workId") or given.get("workId")
        token = given.get("token") or request.query_params.get("token")
        # The newest page lists no key for the feed: none is asked for, a wrong state still shows.
        is_v2 = request.url.path.startswith("/api/v2/")
        if self._service.state in ("invalid_secret", "key_not_found_or_revoked") and not token:
            return udio_error(401, UNAUTHORIZED)
        if not isinstance(work_id, str) or not work_id:
            return udio_error(400, "workId is required")
        job = self._service.book.find(work_id)
        if job is None or job.provider != "udio":
            return udio_error(404, "Work not found")
        fault = await self._service.meet_fault(job.steps, job.outcome, "poll")
        if fault is not None:
            return fault_response(fault, udio_error(fault.status or 500, "scripted by the sandbox"))
        state = feeds.read(self._service, request, job)
        return JSON(feeds.enveloped(job, state) if is_v2 else feeds.flat(job, state))

    async def credits(self, request: Request) -> Response:
        """Say how many credits are left of a thousand that cost nothing."""
        if not _has_bearer(request):
            return udio_error(401, UNAUTHORIZED)
        used = _PER_JOB * self._n_paid
        data = {"credits": max(_CREDITS - used, 0), "used_credits": used}
        return JSON({"code": 200, "message": "success", "data": data, "sandbox": True})


_SECRET = frozenset({"token", "callback_url"})


async def _body(request: Request) -> Any:
    try:
        return await read_json(request)
    except (NotJSON, BodyTooLarge):
        return None


def _has_bearer(request: Request) -> bool:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(key.strip())
