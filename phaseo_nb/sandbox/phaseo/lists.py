"""Models and prices: ``/v1/models``, ``/v1/pricing/models``, ``/v1/pricing/calculate``."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import catalogue
from ..catalogue import Model
from ..service import Service
from ..wire import JSON, BodyTooLarge, NotJSON, read_json
from . import envelopes
from .answers import breakdown
from .gatekeeper import key_problem

_OUTPUTS = frozenset({"music", "audio_music", "audio"})


class Lists:
    """Routes of the catalogue and the price lists."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return what Starlette needs."""
        return [
            Route("/v1/models", self.models, methods=["GET"]),
            Route("/v1/models/{author}/{slug}/endpoints", self.endpoints, methods=["GET"]),
            Route("/v1/pricing/models", self.prices, methods=["GET"]),
            Route("/v1/pricing/calculate", self.calculate, methods=["POST"]),
        ]

    def _refused(self, request: Request) -> Response | None:
        problem = key_problem(request, self._service)
        if problem is None:
            return None
        request_id = self._service.book.next_id("poll")
        return envelopes.get_error(request_id, "unauthorised", problem)

    async def models(self, request: Request) -> Response:
        """List models, filtered."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        mode = request.query_params.get("availability", "active")
        limit = _whole(request.query_params.get("limit"), 50, 1, 250)
        offset = _whole(request.query_params.get("offset"), 0, 0, 5_000)
        if mode not in ("active", "all") or limit is None or offset is None:
            return _list_error(400, "invalid_query", "availability, limit or offset is not valid")
        found = [
            model
            for model in catalogue.MODELS
            if model.is_listed
            and (mode == "all" or model.status == "active")
            and _fits(model, request)
        ]
        page = found[offset : offset + limit]
        body = {
            "ok": True,
            "availability_mode": mode,
            "limit": limit,
            "offset": offset,
            "total": len(found),
            "models": [catalogue.entry(model) for model in page],
            "sandbox": True,
        }
        return JSON(body)

    async def endpoints(self, request: Request) -> Response:
        """List who offers one model."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        model = catalogue.find("{author}/{slug}".format(**request.path_params))
        if model is None:
            return _list_error(404, "not_found", "no such model")
        entry = catalogue.entry(model)
        return JSON({"ok": True, "model": entry, "endpoints": entry["offers"], "sandbox": True})

    async def prices(self, request: Request) -> Response:
        """List the price cards."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        wanted = _values(request, "provider")
        models = [
            {
                "provider": model.provider,
                "model": model.id,
                "endpoint": catalogue.ENDPOINT,
                "display_name": model.name,
                "meters": [catalogue.meter(model.nanos)],
            }
            for model in catalogue.MODELS
            if model.nanos is not None
            and model.is_listed
            and (not wanted or model.provider in wanted)
        ]
        headers = {"cache-control": "private, max-age=300"}
        return JSON({"ok": True, "models": models, "sandbox": True}, headers=headers)

    async def calculate(self, request: Request) -> Response:
        """Work out what a usage costs."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        try:
            body = await read_json(request)
        except (BodyTooLarge, NotJSON):
            body = None
        fields = ("provider", "model", "endpoint", "usage")
        if not isinstance(body, dict) or not all(body.get(name) for name in fields):
            message = f"needed: {', '.join(fields)}"
            return _list_error(400, "missing_required_fields", message)
        model = catalogue.find_by_slug(str(body["provider"]), str(body["model"]))
        if body["endpoint"] != catalogue.ENDPOINT or model is None or model.nanos is None:
            return _list_error(404, "pricing_not_found", "no price card for this model")
        usage = body["usage"] if isinstance(body["usage"], dict) else {}
        n_requests: Any = usage.get("requests", 0)
        if (
            isinstance(n_requests, bool)
            or not isinstance(n_requests, (int, float))
            or n_requests < 0
        ):
            return _list_error(500, "calculation_failed", "usage.requests is no number")
        pricing = breakdown(model.nanos, self._service.clock.wall(), n_requests)
        return JSON({"ok": True, "pricing": pricing, "sandbox": True})


def _fits(model: Model, request: Request) -> bool:
    """Whether a model passes every filter; a filter may repeat, and hold commas."""
    facts = {
        "endpoints": {catalogue.ENDPOINT},
        "provider": {model.provider, model.organisation},
        "organisation": {model.organisation},
        "organization": {model.organisation},
        "model_id": {model.id, *model.aliases},
        "id": {model.id, *model.aliases},
        "status": {model.status},
        "input_types": {"text"},
        "input_modalities": {"text"},
        "output_types": _OUTPUTS,
        "output_modalities": _OUTPUTS,
        "params": {"prompt", "duration", "format"},
        "supported_parameters": {"prompt", "duration", "format"},
    }
    for name, own in facts.items():
        wanted = _values(request, name)
        if wanted and not wanted & own:
            return False
    return True


def _values(request: Request, name: str) -> set[str]:
    given = request.query_params.getlist(name)
    return {word.strip() for text in given for word in text.split(",") if word.strip()}


def _whole(text: str | None, usual: int, low: int, high: int) -> int | None:
    if text is None:
        return usual
    is_number = text.isascii() and text.isdigit() and len(text) < 9
    return int(text) if is_number and low <= int(text) <= high else None


def _list_error(status: int, error: str, message: str) -> Response:
    return JSON({"ok": False, "error": error, "message": message, "sandbox": True}, status)
