"""Finished songs over HTTP: ``/sandbox/audio/{job}/{index}.{format}``, whole or in part."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .encode import MEDIA_TYPES
from .jobbook import Job
from .scenarios import Fault
from .service import ConnectionDropped, Service, fault_response
from .studio import etag_of
from .wire import JSON

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


class AudioFiles:
    """Routes of the audio files and of the previews while a job runs."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return what Starlette needs."""
        paths = (
            "/sandbox/audio/{job}/{index:int}.{format}",
            "/sandbox/stream/{job}/{index:int}.{format}",
        )
        return [Route(path, self.get, methods=["GET", "HEAD"]) for path in paths]

    async def get(self, request: Request) -> Response:
        """Send a file; needs no key, as the services' audio hosts need none."""
        service = self._service
        job = service.book.by_request(request.path_params["job"])
        index = request.path_params["index"]
        if job is None or index >= len(job.order.recordings):
            return _missing("there is no such track")
        recording = job.order.recordings[index]
        if request.path_params["format"] != recording.format:
            return _missing("the track has another format")
        if not self._is_ready(request, job, index):
            return _missing("the track is not ready yet")
        fault = await service.meet_fault(job.steps, job.outcome, "download")
        if fault is not None and fault.status is not None:
            return fault_response(fault, _missing("scripted by the sandbox"))
        data = await service.studio.file(recording)
        response = _part(request, data, MEDIA_TYPES[recording.format])
        return response if fault is None else _Broken(response, fault)

    def _is_ready(self, request: Request, job: Job, index: int) -> bool:
        if job.provider == "minimax" or job.outcome.statuses:
            return job.failure is None
        stage = job.stage(self._service.clock.now())
        if request.url.path.startswith("/sandbox/stream/"):
            return stage != "queued" and index < job.n_ready("done")
        return index < job.n_ready(stage)


class _Broken(Response):
    """An answer that promises its full length and stops before."""

    def __init__(self, whole: Response, fault: Fault) -> None:
        super().__init__(bytes(whole.body)[: fault.n_bytes], whole.status_code)
        self.raw_headers = whole.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.body:
            start = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **start})
            await send({"type": "http.response.body", "body": self.body, "more_body": True})
        raise ConnectionDropped


def _missing(why: str) -> Response:
    return JSON({"error": "not_found", "message": f"{why} in this sandbox", "sandbox": True}, 404)


def _part(request: Request, data: bytes, media_type: str) -> Response:
    """Return the file or the range of it that was asked for (RFC 9110)."""
    tag = etag_of(data)
    headers = {"etag": tag, "accept-ranges": "bytes", "cache-control": "private, max-age=3600"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range", "")
    if wanted and request.headers.get("if-range", tag) == tag:
        match = _RANGE.fullmatch(wanted.replace(" ", ""))
        if match is not None and any(match.groups()):
            return _ranged(match, data, media_type, headers)
    return _sent(request, data, 200, media_type, headers)


def _ranged(
    match: re.Match[str], data: bytes, media_type: str, headers: dict[str, str]
) -> Response:
    first, last = match.groups()
    size = len(data)
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size or stop <= start:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
    headers["content-range"] = f"bytes {start}-{stop - 1}/{size}"
    return Response(data[start:stop], 206, headers, media_type)


def _sent(
    request: Request, data: bytes, status: int, media_type: str, headers: dict[str, str]
) -> Response:
    if request.method != "HEAD":
        return Response(data, status, headers, media_type)
    response = Response(status_code=status, headers=headers, media_type=media_type)
    response.headers["content-length"] = str(len(data))
    return response
