"""What Phaseo answers when all is well: the body of a POST, its prices, its debug parts.

Wire contract: ``apps/api/src/routes/v1/data/music-generate.ts`` and the music executors of
``phaseoteam/Phaseo``. Costs are those of the price cards (``sandbox/band`` is free), so that
budgets can be learned; every body says ``"sandbox": true`` and nobody pays anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..catalogue import Model, short_usd, usd
from ..jobbook import Job
from .upstream import upstream_request

_META = [
    "throughput_tps",
    "output_speed_tps",
    "generation_ms",
    "latency_ms",
    "provider_ttft_ms",
    "gateway_ttft_ms",
    "tpot_ms",
    "itl_ms",
    "phaseo_overhead_ms",
    "end_to_end_ms",
]
_TRUTHY = ("1", "true", "yes")


def post_body(
    job: Job,
    body: Mapping[str, Any],
    *,
    status: Any,
    result: Any,
    wall: datetime,
    audio: Mapping[str, str] | None = None,
    input_tokens: int = 0,
) -> dict[str, Any]:
    """Return the body of an accepted POST. It has no ``output`` list; only GET has."""
    model = _model(job)
    pricing = _pricing(model, wall)
    answer: dict[str, Any] = {
        "requestId": job.request_id,
        "id": job.id,
        "object": "music",
        "status": status,
        "model": job.slug,
        "provider": job.provider,
        "nativeResponseId": job.native_id,
        **(audio or {}),
        "result": result,
        "usage": {
            "input_tokens": input_tokens,
            "output_tokens": 0,
            "total_tokens": input_tokens,
            "pricing_breakdown": pricing,
        },
        "meta": dict.fromkeys(_META),
    }
    _add_debug(answer, job, body, model)
    answer["cost_nanos"] = pricing["total_nanos"]
    answer["cost_cents"] = pricing["total_cents"]
    answer["currency"] = "USD"
    answer["pricing_lines"] = pricing["lines"]
    answer["sandbox"] = True
    return answer


def breakdown(nanos: int | None, wall: datetime, quantity: float = 1) -> dict[str, Any]:
    """Return a price as ``pricing_breakdown`` and ``/pricing/calculate`` show it."""
    if nanos is None:
        zero = {"total_nanos": 0, "total_usd_str": "0", "total_cents": 0}
        return {**zero, "currency": "USD", "lines": []}
    total = round(nanos * quantity)
    line = {
        "dimension": "requests",
        "quantity": quantity,
        "billable_units": quantity,
        "unit_size": 1,
        "unit_price_usd": usd(nanos),
        "line_cost_usd": usd(total),
        "line_nanos": total,
        "billing_timestamp_basis": "request_start",
        "billing_timestamp_basis_configured": "request_start",
        "billing_timestamp_ms": int(wall.timestamp() * 1000),
        "billing_timestamp_iso": wall.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "pricing_time_window": None,
    }
    return {
        "total_nanos": total,
        "total_usd_str": short_usd(total),
        "total_cents": round(total / 10**7),
        "currency": "USD",
        "lines": [line],
    }


def _pricing(model: Model, wall: datetime) -> dict[str, Any]:
    return breakdown(model.nanos, wall)


def _model(job: Job) -> Model:
    if job.model is None:
        message = "a job of the Phaseo surface always has a model"
        raise RuntimeError(message)
    return job.model


def _add_debug(answer: dict[str, Any], job: Job, body: Mapping[str, Any], model: Model) -> None:
    debug = body.get("debug") or {}
    if _flag(body.get("meta")):
        answer["meta"]["routing"] = {
            "requested_model": body["model"],
            "selected_provider": job.provider,
            "provider_model_slug": job.slug,
            "candidates": [job.provider],
        }
    wants_request = debug.get(
        "return_upstream_request",
        debug.get(
            "returnUpstreamRequest",
            debug.get("echo_upstream_body", debug.get("echoUpstreamBody")),
        ),
    )
    if _flag(body.get("echo_upstream_request")) or _flag(wants_request):
        sent = upstream_request(body, model)
        answer["upstream_request"] = json.dumps(sent, separators=(",", ":"))
    if _flag(debug.get("return_upstream_response", debug.get("returnUpstreamResponse"))):
        names = ("id", "object", "status", "provider", "model", "nativeResponseId", "result")
        answer["upstream_response"] = {
            **{name: answer[name] for name in names},
            "usage": {"requests": 1, "pricing": answer["usage"]["pricing_breakdown"]},
        }


def _flag(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in _TRUTHY)
