"""The Phaseo gateway's music surface: ``/v1/music/generate`` and its alias, POST and GET."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..jobbook import Job, Stage, request_key
from ..orders import CannotPlay, phaseo_order
from ..scenarios import Outcome
from ..service import Service, fault_response
from ..studio import facts_of
from ..wire import JSON
from . import answers, envelopes, instant, tasks
from .gatekeeper import Admitted, admit, key_problem

_MUSIC = ("/v1/music/generate", "/v1/music/generations")
_WORKSPACE = "ws_sandbox"
_NO_STORE = {"cache-control": "no-store", "server-timing": "guardAuth;dur=1.000"}


class PhaseoSide:
    """Routes of the music endpoints."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return what Starlette needs."""
        posts = [Route(path, self.post, methods=["POST"]) for path in _MUSIC]
        gets = [Route(path + "/{music_id:path}", self.get, methods=["GET"]) for path in _MUSIC]
        return posts + gets

    async def post(self, request: Request) -> Response:
        """Accept or refuse a job."""
        service = self._service
        if service.state == "music_disabled":
            return envelopes.music_disabled()
        request_id = service.book.next_id("request")
        admitted = await admit(request, service, request_id)
        if isinstance(admitted, Response):
            return admitted
        outcome, steps = service.outcome_for(admitted.body)
        fault = await service.meet_fault(steps, outcome, "submit")
        if fault is not None and not fault.created:
            usual = envelopes.post_error(
                request_id, _error_of(fault.status), reason="scripted_by_the_sandbox"
            )
            return fault_response(fault, usual)
        if admitted.refusal is not None:
            return _provider_refuses(request_id, admitted)
        answer = await self._perform(request, admitted, outcome, request_id)
        if fault is not None:
            usual = envelopes.post_error(request_id, _error_of(fault.status))
            return fault_response(fault, usual)
        return answer

    async def _perform(
        self, request: Request, admitted: Admitted, outcome: Outcome, request_id: str
    ) -> Response:
        body, model = admitted.body, admitted.model
        if outcome.refusal is not None:
            return await self._refused_inside(admitted, outcome, request_id)
        try:
            order = phaseo_order(body, model, 1)  # may refuse, and then no take is counted
            take = self._service.book.count_take("phaseo", body)
            order = phaseo_order(body, model, take)
        except CannotPlay as error:
            payload = {
                "error": "validation_error",
                "reason": error.reason,
                "message": error.message,
            }
            return envelopes.upstream_failure(
                request_id,
                provider=model.provider,
                model=admitted.name,
                status=400,
                payload=payload,
            )
        songs = [recording.song for recording in order.recordings]
        facts = await anyio.to_thread.run_sync(lambda: tuple(map(facts_of, songs)))
        job = Job(
            id=request_id,
            request_id=request_id,
            provider=model.provider,
            slug="music_v1" if model.provider == "elevenlabs" else model.slug,
            order=order,
            facts=facts,
            take=take,
            created=self._service.clock.now(),
            created_at=self._service.now_text(),
            outcome=outcome,
            echo={},
            model=model,
            heard=request_key("phaseo", body),
        )
        self._service.begin(job)
        if model.provider in ("suno", "sandbox"):
            return await self._queue(job, body)
        return await self._play(request, job, admitted)

    async def _queue(self, job: Job, body: Mapping[str, Any]) -> Response:
        """Take a job that is polled."""
        job.id = self._service.book.next_id("suno")
        job.native_id = job.id
        self._service.book.add(job, job.id)
        answer = answers.post_body(
            job,
            body,
            status="queued",
            result=tasks.suno_created(job.id),
            wall=self._service.clock.wall(),
        )
        return JSON(answer, headers=_NO_STORE)

    async def _refused_inside(
        self, admitted: Admitted, outcome: Outcome, request_id: str
    ) -> Response:
        """Refuse as Suno does, inside HTTP 200; the gateway takes it for queued, and bills it."""
        model, (code, message) = admitted.model, outcome.refusal or (429, "")
        result = {"code": code, "msg": message, "data": None}
        if model.provider not in ("suno", "sandbox"):
            payload = {"error": "upstream_error", "code": code, "message": message}
            return envelopes.upstream_failure(
                request_id,
                provider=model.provider,
                model=admitted.name,
                status=code if 400 <= code <= 599 else 400,
                payload=payload,
            )
        order = phaseo_order(admitted.body, model, 1)
        job = Job(
            id=request_id,
            request_id=request_id,
            provider=model.provider,
            slug=model.slug,
            order=order,
            facts=(),
            take=1,
            created=0.0,
            created_at="",
            outcome=outcome,
            echo={},
            model=model,
        )
        answer = answers.post_body(
            job, admitted.body, status="queued", result=result, wall=self._service.clock.wall()
        )
        return JSON(answer, headers=_NO_STORE)

    async def _play(self, request: Request, job: Job, admitted: Admitted) -> Response:
        """Answer at once with the audio, as ElevenLabs, MiniMax and Google do."""
        service, outcome = self._service, job.outcome
        if outcome.is_stuck:
            await service.clock.sleep_until(float("inf"))
        if outcome.delay is not None:
            await service.clock.sleep_until(job.created + outcome.delay)
        if job.failure is not None or outcome.tracks == "none":
            return self._failed_at_once(job, admitted)
        recording = job.order.recordings[0]
        data = await service.studio.file(recording)
        prompt = str(admitted.body.get("prompt") or "")
        n_tokens = len(prompt.split()) if job.provider == "google-ai-studio" else 0
        kind = {"elevenlabs": "song", "minimax": "trace"}.get(job.provider, "response")
        job.native_id = job.id = service.book.next_id(kind)
        minimax = admitted.body.get("minimax") or {}
        url = None
        if job.provider == "minimax" and minimax.get("output_format") != "hex":
            url = service.audio_url(request, job, 0)
        job.echo = {"n_tokens": n_tokens}

        def answer() -> Response:
            # Megabytes of base64 and JSON: not on the event loop.
            if job.provider == "elevenlabs":
                audio, result = instant.elevenlabs_result(job, recording, data)
            elif job.provider == "minimax":
                audio, result = instant.minimax_result(job, recording, data, url)
            else:
                result = instant.google_result(job, recording, data, n_tokens)
                inline = result["candidates"][0]["content"]["parts"][0]["inlineData"]
                audio = {"audio_base64": inline["data"]}
            body = answers.post_body(
                job,
                admitted.body,
                status=outcome.statuses[0] if outcome.statuses else "completed",
                result=result,
                wall=service.clock.wall(),
                audio=audio,
                input_tokens=n_tokens,
            )
            return JSON(body, headers=_NO_STORE)

        # What GET knows: MiniMax's POST stores nothing, Google's goes by the request's id.
        names = {"elevenlabs": (job.id,), "minimax": ()}.get(job.provider, (job.request_id,))
        service.book.add(job, *names)
        return await anyio.to_thread.run_sync(answer)

    def _failed_at_once(self, job: Job, admitted: Admitted) -> Response:
        reason = job.failure or "no audio in the answer"
        if job.provider == "elevenlabs":
            job.native_id = job.id = self._service.book.next_id("song")
            status = "failed" if job.failure else "completed"
            result = {"request_id": job.id, "status": "error" if job.failure else "done"}
            result["message"] = job.outcome.message or reason
            job.echo = {"status": status}
            self._service.book.add(job, job.id)
            wall = self._service.clock.wall()
            body = answers.post_body(job, admitted.body, status=status, result=result, wall=wall)
            return JSON(body, headers=_NO_STORE)
        payload: dict[str, Any] = {"error": {"type": "upstream_protocol_error", "message": reason}}
        if job.provider == "minimax":
            payload = {
                "error": "upstream_error",
                "reason": "minimax_music_generation_failed",
                "provider": "minimax",
                "status_code": 1026,
                "message": job.outcome.message or reason,
            }
        return envelopes.upstream_failure(
            job.request_id,
            provider=job.provider,
            model=admitted.name,
            status=400 if job.failure else 502,
            payload=payload,
        )

    async def get(self, request: Request) -> Response:
        """Say how a job fares."""
        service = self._service
        if service.state == "music_disabled":
            return envelopes.music_disabled()
        request_id = service.book.next_id("poll")
        problem = key_problem(request, service)
        if problem is not None:
            return envelopes.get_error(request_id, "unauthorised", problem)
        music_id = request.path_params["music_id"]
        job = service.book.find(music_id)
        if job is None or job.model is None:
            return envelopes.get_error(
                request_id,
                "not_found",
                "music_not_found_or_not_owned",
                workspace_id=_WORKSPACE,
                music_id=music_id,
            )
        fault = await service.meet_fault(job.steps, job.outcome, "poll")
        if fault is not None:
            # The gateway passes a provider's refusal of a GET on as it came.
            usual = JSON({"code": fault.status, "msg": "scripted by the sandbox", "data": None})
            return fault_response(fault, usual)
        return await self._status(request, job)

    async def _status(self, request: Request, job: Job) -> Response:
        stage = job.stage(self._service.clock.now())
        word: Any = tasks.status_word(job, stage)
        if job.outcome.statuses:
            n_polls = job.steps.get("poll", 1)
            word = job.outcome.statuses[min(n_polls, len(job.outcome.statuses)) - 1]
            stage = _stage_of(word)
        if job.provider == "elevenlabs":
            status = job.echo.get("status", "completed") if not job.outcome.statuses else word
            return JSON(instant.elevenlabs_status(job, status))
        if job.provider == "google-ai-studio":
            data = await self._service.studio.file(job.order.recordings[0])
            n_tokens = job.echo.get("n_tokens", 0)
            status = word if job.outcome.statuses else "completed"
            return await anyio.to_thread.run_sync(
                lambda: JSON(instant.google_status(job, data, n_tokens, status))
            )
        n_tracks = len(job.order.recordings)
        urls = [
            (
                self._service.audio_url(request, job, i),
                self._service.audio_url(request, job, i, is_stream=True),
            )
            for i in range(n_tracks)
        ]
        tracks = tasks.suno_tracks(job, stage, urls)
        return JSON(tasks.task_status(job, tracks, word=word, stage=stage))


def _stage_of(word: Any) -> Stage:
    stages: dict[Any, Stage] = {"queued": "queued", "in_progress": "text", "completed": "done"}
    return stages.get(word, "text") if isinstance(word, str) else "queued"


def _provider_refuses(request_id: str, admitted: Admitted) -> Response:
    refusal = admitted.refusal
    if refusal is None:
        message = "nothing was refused"
        raise RuntimeError(message)
    payload: dict[str, Any] = {"error": "validation_error", "reason": refusal.reason}
    has_message = refusal.message != refusal.reason
    if has_message:
        payload["message"] = refusal.message
    if "streaming" in refusal.reason:
        payload["error"] = "not_supported"
    if admitted.model.provider == "google-ai-studio":
        payload = {"error": {**payload, "type": "invalid_request_error"}}
        payload["error"].pop("error")
    return envelopes.upstream_failure(
        request_id,
        provider=admitted.model.provider,
        model=admitted.name,
        status=400,
        payload=payload,
    )


def _error_of(status: int | None) -> str:
    """Return the word that usually goes with a status."""
    words = {code: word for word, code in reversed(envelopes.STATUS.items())}
    return words.get(status or 502, "upstream_error")
