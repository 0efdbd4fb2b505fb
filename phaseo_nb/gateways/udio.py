"""udioapi.pro: three generations of one service, as plain values.

Wire contract: its public pages "Generate" (v1, with callback, v2), "Query result", "Feed" and the
callback page. Nothing of it was tried against the live service. Two traps of those pages: the
feed's ``type: "SUCCESS"`` also stands over tracks that have only text, and an ``audio_url`` in the
text stage is a live stream of something unfinished.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import GatewayError
from ..jobs import Cost, Credits, MusicJob
from ..transport.messages import Answer, Call
from . import catalogue, udio_pictures
from .base import ModelInfo
from .udio_credits import read_credits
from .udio_feed import provider_of_model, read_feed
from .udio_refusals import code_inside, status_error, submission_error
from .values import identifier, mapping, said, storable

PATHS = {
    "v2": "/api/v2/generate",
    "callback": "/api/generate",
    "token": "/api/generate",
    "extend": "/api/v2/extend",
    "upload-cover": "/api/v2/upload-cover/generate",
    "cover-image": "/api/v2/cover/generate",
}
_UPLOADED = "upcov"
"""How work ids of upload covers begin in the examples: no promise; one more place to ask."""

# Which form of the service takes over from which where it is to report.
_REPORTING = {
    "v2": "callback",
    "callback": "callback",
    "token": "token",
    "extend": "extend",
    "upload-cover": "upload-cover",
}


class UdioGateway:
    """The words of udioapi.pro."""

    name = "udio"
    default_base_url = "https://udioapi.pro"
    key_variable = "UDIOAPI_KEY"
    min_poll_interval = 5.0  # the feed page asks for 5 to 10 s

    def submission(self, request: Any) -> Call:
        """Return the call of the request's own generation or route (``request.api``).

        ``/api/generate`` serves two of them: with a Bearer key and a callback, or with the key
        as ``token`` in the body.
        """
        api = str(getattr(request, "api", "v2"))
        return Call(
            "POST",
            PATHS.get(api, PATHS["v2"]),
            json=request.to_wire(),
            creates=True,
            auth="body_token" if api == "token" else "bearer",
        )

    def read_submission(self, answer: Answer, request: Any) -> MusicJob:
        """Read the answer to a generate call; see :meth:`Gateway.read_submission`."""
        body = mapping(answer.data)
        work_id = _work_id(body)
        if work_id is not None and udio_pictures.is_wanted(request):
            work_id = udio_pictures.name_of(work_id)
        accepted = 200 <= answer.status_code < 300 and code_inside(body) is None
        if not accepted or work_id is None:
            raise submission_error(answer, request, self.list_price(request), work_id)
        if udio_pictures.is_wanted(request):
            return udio_pictures.accepted(body, work_id)
        model = getattr(request, "model", None)
        sandbox = _is_sandbox(body)
        return MusicJob(
            id=work_id,
            status="queued",
            stage="new",
            provider=provider_of_model(model),
            model=model if isinstance(model, str) else None,
            sandbox=sandbox,
            raw=storable(body),
        )

    def status_calls(self, job_id: str, request_id: str | None = None) -> list[Call]:
        """Return both feeds: v2, then the oldest one. A work id does not tell where it lives.

        Uploaded covers have a status route besides, which third parties ask; pictures have theirs.
        """
        if udio_pictures.is_one(job_id):
            return [udio_pictures.status_call(job_id)]
        params = {"workId": job_id}
        calls = [Call("GET", path, params=params) for path in ("/api/v2/feed", "/api/feed")]
        if job_id.startswith(_UPLOADED):  # no page names the parameter
            both = {**params, "task_id": job_id}
            calls.append(Call("GET", "/api/v2/upload-cover/status", params=both))
        return calls

    def read_status(self, answer: Answer, job_id: str) -> MusicJob:
        """Read a feed of either generation, told apart by its shape, or the state of a picture."""
        data = answer.data
        body = mapping(data)
        failed = not 200 <= answer.status_code < 300 or code_inside(body) is not None
        read = udio_pictures.read_state if udio_pictures.is_one(job_id) else read_feed
        feed = None if failed else read(data, job_id)
        if feed is None:
            raise status_error(answer, job_id)
        return feed

    def with_callback(self, request: Any, address: str) -> Any | None:
        """Return the request with a ``callback_url``; ``/api/v2/generate`` documents none.

        What v2 would have taken goes to ``/api/generate`` then, which knows the same fields.
        """
        api = getattr(request, "api", None)
        asks_otherwise = getattr(request, "callback_url", None) or getattr(
            request, "disable_callback", None
        )
        if api not in _REPORTING or asks_otherwise:
            return None
        return request.model_copy(update={"callback_url": address, "api": _REPORTING[api]})

    def models_calls(self) -> list[Call]:
        """Return nothing: the service has no list of models."""
        return []

    def read_models(self, answers: list[Answer]) -> list[ModelInfo]:
        """Return the built-in list."""
        return catalogue.built_in("udio")

    def estimate_call(self, request: Any) -> Call | None:
        """Return nothing: the service prices no request beforehand."""
        return None

    def read_estimate(self, answer: Answer) -> Cost:
        """Return an unknown price."""
        return Cost()

    def list_price(self, request: Any) -> Cost:
        """Return what is known of the price in credits: the model's, or a picture's."""
        if udio_pictures.is_wanted(request):
            return udio_pictures.PRICE
        return catalogue.price_of("udio", getattr(request, "model", None))

    def credits_call(self) -> Call:
        """Return the call that says how many credits are left."""
        return Call("GET", "/api/v2/credits")

    def read_credits(self, answer: Answer) -> Credits:
        """Read how many credits are left; see :meth:`Gateway.read_credits`."""
        return read_credits(answer)


def parse_callback(body: Any, job_id: str = "") -> MusicJob:
    """Read the body of a callback: a bare array of tracks, without any work id.

    Wire contract: the callback page of udioapi.pro; sent at text, first and complete.

    Parameters
    ----------
    body
        As received (bytes or text), or already parsed.
    job_id
        The work id, known from the address that was called; the body has none.

    Raises
    ------
    GatewayError
        The body is not a JSON array of objects.
    """
    data = _parsed(body)
    job = read_feed(data, job_id) if isinstance(data, list) else None
    if job is None or (data and not job.tracks):
        shown = said(body.decode("utf-8", "replace") if isinstance(body, bytes) else body, 60)
        message = (
            f"An invalid callback body came in ({shown or type(data).__name__}): it should be a "
            "JSON array of tracks. It was ignored; ask the feed for the truth."
        )
        raise GatewayError(message, status_code=400, error="invalid")
    return job


def _parsed(body: Any) -> Any:
    if isinstance(body, str):
        body = body.encode("utf-8", "replace")
    if isinstance(body, (bytes, bytearray)):
        return Answer(200, {}, bytes(body), "", "POST").data
    return body


def _work_id(body: Mapping[str, Any]) -> str | None:
    """Find the id under any of its names: ``workId``, ``data.task_id``, ``data.taskId``."""
    inner = mapping(body.get("data"))
    places = [
        source.get(key) for key in ("workId", "task_id", "taskId") for source in (body, inner)
    ]
    return next((found for place in places if (found := identifier(place))), None)


def _is_sandbox(body: Mapping[str, Any]) -> bool:
    return body.get("sandbox") is True or mapping(body.get("data")).get("sandbox") is True
