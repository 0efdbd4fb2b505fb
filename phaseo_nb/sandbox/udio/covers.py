"""Cover images: ordered once for a job, ready after a second, painted when they are asked for.

Wire contract: udioapi.pro ``/docs/generate-music-cover``; these routes say ``msg``, not
``message``. The page does not say what a status looks like: here it has the feed's words.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, NamedTuple

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..jobbook import Job
from ..service import Service, fault_response, origin_of
from ..wire import JSON
from .desk import Desk, has_bearer, read_body
from .refusals import UNAUTHORIZED, udio_error

_SECONDS = 1.0  # of the sandbox's clock, from the order to the pictures
_MOST_COVERS = 5_000


class _Cover(NamedTuple):
    job: Job
    created: float


class Covers:
    """Routes of the cover images, and the images."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._service: Service = desk.service
        self._lock = threading.Lock()
        self._covers: OrderedDict[str, _Cover] = OrderedDict()

    def routes(self) -> list[Route]:
        """Return what Starlette needs."""
        return [
            Route("/api/v2/cover/generate", self.generate, methods=["POST"]),
            Route("/api/v2/cover/status", self.status, methods=["GET"]),
            Route("/sandbox/cover/{job}/{index:int}.png", self.picture, methods=["GET", "HEAD"]),
        ]

    async def generate(self, request: Request) -> Response:
        """Accept or refuse the order of a job's cover."""
        body = await read_body(request)
        refusal = self._desk.refusal(request, word="msg")
        if refusal is not None:
            return refusal
        task_id = body.get("taskId") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(task_id, str) or not task_id.strip():
            return udio_error(400, "taskId is required", word="msg")
        job = self._service.book.find(task_id)
        if job is None or job.provider != "udio":
            return udio_error(400, "taskId is invalid", word="msg")
        if not job.n_ready(job.stage(self._service.clock.now())):
            return udio_error(400, "Audio is not completed", word="msg")
        return await self._accept(body, job)

    async def _accept(self, body: dict[str, Any], job: Job) -> Response:
        service = self._service
        outcome, steps = service.outcome_for(body)
        fault = await service.meet_fault(steps, outcome, "submit")
        usual = udio_error(
            fault.status or 500 if fault else 500, "scripted by the sandbox", word="msg"
        )
        if fault is not None and not fault.created:
            return fault_response(fault, usual)
        if outcome.refusal is not None:
            return udio_error(200, outcome.refusal[1], code=outcome.refusal[0], word="msg")
        cover_id = self._ordered(job)
        if cover_id is None:
            return udio_error(400, "A cover was generated for this task already", word="msg")
        if fault is not None:
            return fault_response(fault, usual)
        data = {"taskId": cover_id}
        return JSON({"code": 200, "msg": "success", "data": data, "sandbox": True})

    def _ordered(self, job: Job) -> str | None:
        """Note an order and return its id; ``None`` where the job has a cover."""
        with self._lock:
            if any(each.job.request_id == job.request_id for each in self._covers.values()):
                return None
            cover_id = "cover" + self._service.book.next_id("cover")[:20]
            self._covers[cover_id] = _Cover(job, self._service.clock.now())
            if len(self._covers) > _MOST_COVERS:
                self._covers.popitem(last=False)
        self._desk.count_cover()
        return cover_id

    async def status(self, request: Request) -> Response:
        """Say whether the pictures are there, and where."""
        if not has_bearer(request):
            return udio_error(401, UNAUTHORIZED, word="msg")
        task_id = request.query_params.get("task_id")
        if not task_id:
            return udio_error(400, "task_id is required", word="msg")
        cover = self._covers.get(task_id)
        if cover is None:
            return udio_error(404, "Task not found", word="msg")
        is_ready = self._service.clock.now() >= cover.created + _SECONDS
        job, origin = cover.job, origin_of(request)
        urls = [f"{origin}/sandbox/cover/{job.request_id}/{n}.png" for n in range(len(job.facts))]
        data = {
            "taskId": task_id,
            "status": "SUCCESS" if is_ready else "IN_PROGRESS",
            "images": urls if is_ready else [],
            "sandbox": True,
        }
        return JSON({"code": 200, "msg": "success", "data": data, "sandbox": True})

    async def picture(self, request: Request) -> Response:
        """Send a picture; needs no key, as image hosts need none."""
        from .paintings import paint  # numpy once something is painted

        job = self._service.book.by_request(request.path_params["job"])
        index = request.path_params["index"]
        if job is None or job.provider != "udio" or index >= len(job.facts):
            return udio_error(404, "there is no such picture in this sandbox")
        data = await anyio.to_thread.run_sync(paint, job.facts[index], f"{job.request_id}/{index}")
        headers = {"cache-control": "private, max-age=3600"}
        return Response(data, headers=headers, media_type="image/png")
