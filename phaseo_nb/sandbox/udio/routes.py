"""udioapi.pro's surface: three generations of its API over the same jobs.

Wire contract: udioapi.pro ``/doc/api/generate-v1``, ``/doc/api/generate-with-callback``,
``/docs/v2-generate``, ``/docs/v2-feed``, ``/docs/query-credits``. ``/api/generate`` calls back;
``/api/v2/generate`` documents no callback and makes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...requests.udio import TOO_LONG
from ..orders import udio_order
from ..service import Service, fault_response, origin_of
from ..wire import JSON
from . import feeds
from .covers import Covers
from .desk import CREDITS, Desk, Wanted, accepted, has_bearer, read_body
from .refusals import UNAUTHORIZED, problem_of, soft_refusal, udio_error
from .sequels import Sequels


class UdioSide:
    """Routes of udioapi.pro."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._desk = Desk(service)
        self._sequels = Sequels(self._desk)
        self._covers = Covers(self._desk)

    def routes(self) -> list[Route]:
        """Return what Starlette needs."""
        both = ["GET", "POST"]
        return [
            Route("/api/generate", self.generate, methods=["POST"]),
            Route("/api/v2/generate", self.generate, methods=["POST"]),
            Route("/api/feed", self.feed, methods=both),
            Route("/api/v2/feed", self.feed, methods=both),
            Route("/api/v2/credits", self.credits, methods=["GET"]),
            *self._sequels.routes(),
            *self._covers.routes(),
        ]

    async def generate(self, request: Request) -> Response:
        """Accept or refuse a job."""
        body = await read_body(request)
        is_v2 = request.url.path.startswith("/api/v2/")
        token = None if is_v2 or not isinstance(body, dict) else body.get("token")
        refusal = self._desk.refusal(request, token)
        if refusal is not None:
            return refusal
        if not isinstance(body, dict):
            return udio_error(400, "Invalid request body")
        is_oldest = token is not None
        problem = problem_of(body, "v2" if is_v2 else "token" if is_oldest else "callback")
        if problem is not None and problem != TOO_LONG:
            return soft_refusal(problem, is_oldest)
        if problem == TOO_LONG and is_oldest:
            return soft_refusal("prompt too long", is_oldest)
        kind: Literal["udio", "oldest"] = "oldest" if is_oldest else "udio"
        is_called = not is_v2 and body.get("disable_callback") is not True
        wanted = Wanted(
            kind,
            body,
            str(body.get("model") or ("chirp-v3.0" if is_oldest else "chirp-v4-5")),
            lambda take: udio_order(body, take),
            body.get("callback_url") if is_called else None,
            is_too_long=problem == TOO_LONG,
        )
        job = await self._desk.accept(request, wanted)
        if isinstance(job, Response):
            return job
        if is_oldest:
            return JSON({"message": "success", "workId": job.id, "sandbox": True})
        return accepted(job)

    async def feed(self, request: Request) -> Response:
        """Say how a job fares: flat at ``/api/feed``, enveloped at ``/api/v2/feed``."""
        body = await read_body(request) if request.method == "POST" else None
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
        if job.has_callback and job.outcome.is_feed_silent:
            return udio_error(404, "Work not found")
        fault = await self._service.meet_fault(job.steps, job.outcome, "poll")
        if fault is not None:
            return fault_response(fault, udio_error(fault.status or 500, "scripted by the sandbox"))
        state = feeds.read(job, self._service.clock.now(), origin_of(request))
        return JSON(feeds.enveloped(job, state) if is_v2 else feeds.flat(job, state))

    async def credits(self, request: Request) -> Response:
        """Say how many credits are left of a thousand that cost nothing."""
        if not has_bearer(request):
            return udio_error(401, UNAUTHORIZED)
        used = self._desk.used_credits
        is_empty = self._service.state == "insufficient_funds"
        data = {"credits": 0 if is_empty else max(CREDITS - used, 0), "used_credits": used}
        return JSON({"code": 200, "message": "success", "data": data, "sandbox": True})
