"""Jobs that begin with a song: extend, and upload cover.

Wire contract: udioapi.pro ``/docs/v2-extend``, ``/docs/v2-upload-cover``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...requests.udio import TOO_LONG
from ..band import SongSpec
from ..jobbook import Job
from ..service import Service
from . import songs
from .desk import Desk, Wanted, accepted, read_body
from .refusals import callback_problem, problem_of, udio_error

_OURS = re.compile(r"/sandbox/(?:audio|stream)/([A-Za-z0-9-]{1,64})/([01])\.[a-z0-9]{1,5}")


class Sequels:
    """Routes of udioapi.pro that go on from a song."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._service: Service = desk.service

    def routes(self) -> list[Route]:
        """Return what Starlette needs."""
        return [
            Route("/api/v2/extend", self.extend, methods=["POST"]),
            Route("/api/v2/upload-cover/generate", self.upload_cover, methods=["POST"]),
        ]

    async def extend(self, request: Request) -> Response:
        """Accept or refuse the continuation of a track."""
        body = await read_body(request)
        refusal = self._desk.refusal(request)
        if refusal is not None:
            return refusal
        if not isinstance(body, dict):
            return udio_error(400, "Invalid request body")
        problem = _problem_with_extend(body)
        if problem is not None and problem != TOO_LONG:
            return udio_error(400, problem)
        origin, index = self._service.book.find(body["origin_task_id"]), body["extend_audio_index"]
        if origin is None or origin.provider != "udio":
            return udio_error(400, "origin_task_id is invalid")
        if not self._has_audio(origin, index):
            return udio_error(400, "Audio is not completed")
        original = origin.order.recordings[index].song
        start = body.get("extensionStartTime")
        at = original.duration if start is None else float(start)
        wanted = Wanted(
            "extend",
            body,
            origin.slug,
            lambda take: songs.continuation(original, at, body, take),
            body.get("callback_url"),
            is_too_long=problem == TOO_LONG,
        )
        job = await self._desk.accept(request, wanted)
        return job if isinstance(job, Response) else accepted(job, has_task_id=False)

    async def upload_cover(self, request: Request) -> Response:
        """Accept or refuse a song in another style.

        A sandbox downloads nothing. Of audio that is its own it knows the song; of any other it
        plays the new style alone.
        """
        body = await read_body(request)
        refusal = self._desk.refusal(request)
        if refusal is not None:
            return refusal
        if not isinstance(body, dict):
            return udio_error(400, "Invalid request body")
        problem = _problem_with_upload(body)
        if problem is not None and problem != TOO_LONG:
            return udio_error(400, problem)
        original = self._own_song(body["upload_url"])
        wanted = Wanted(
            "upload-cover",
            body,
            body["model"],
            lambda take: songs.cover(original, body, take),
            body.get("callback_url"),
            is_too_long=problem == TOO_LONG,
        )
        job = await self._desk.accept(request, wanted)
        return job if isinstance(job, Response) else accepted(job)

    def _has_audio(self, job: Job, index: int) -> bool:
        stage = job.stage(self._service.clock.now())
        return stage == "done" and index < job.n_ready(stage)

    def _own_song(self, url: str) -> SongSpec | None:
        match = _OURS.fullmatch(urlsplit(url).path)
        job = self._service.book.by_request(match[1]) if match else None
        if match is None or job is None or int(match[2]) >= len(job.order.recordings):
            return None
        return job.order.recordings[int(match[2])].song


def _problem_with_extend(body: Mapping[str, Any]) -> str | None:
    """Return what is wrong, in the words of the page where it has some."""
    index, at = body.get("extend_audio_index"), body.get("extensionStartTime")
    task_id, prompt = body.get("origin_task_id"), body.get("prompt")
    if not isinstance(task_id, str) or not task_id.strip():
        return "origin_task_id is required"
    if index is None:
        return "extend_audio_index is required"
    if isinstance(index, bool) or index not in (0, 1):
        return "extend_audio_index must be 0 or 1"
    if body.get("custom_mode") is True and not (isinstance(prompt, str) and prompt.strip()):
        return "prompt is required"
    is_number = isinstance(at, (int, float)) and not isinstance(at, bool)
    if at is not None and not (is_number and 0 <= at < 1e6):
        return "extensionStartTime must be a number of seconds"
    # The rest is as for any song, except that it needs no words.
    asked = {**body, "prompt": prompt or "la"}
    asked.pop("custom_mode", None)
    return callback_problem(body.get("callback_url")) or problem_of(asked, "v2")


def _problem_with_upload(body: Mapping[str, Any]) -> str | None:
    url, model = body.get("upload_url"), body.get("model")
    if not isinstance(url, str) or not url.strip():
        return "upload_url is required"
    if not _is_web_address(url):
        return "upload_url must be an http or https address"
    if not isinstance(model, str) or not model.strip():
        return "model is required"
    return callback_problem(body.get("callback_url")) or problem_of(body, "v2")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
