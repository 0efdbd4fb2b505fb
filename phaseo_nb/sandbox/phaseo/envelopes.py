"""The shapes of the gateway's refusals: one for POST, another for GET.

Wire contract: ``apps/api/src/core/error-handler.ts`` and ``apps/api/src/pipeline/before/http.ts``
of ``phaseoteam/Phaseo``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..wire import JSON

STATUS = {
    "invalid_json": 400,
    "validation_error": 400,
    "model_required": 400,
    "unsupported_model_or_endpoint": 400,
    "not_supported": 400,
    "unauthorised": 401,
    "insufficient_funds": 402,
    "guardrail_blocked": 403,
    "not_found": 404,
    "not_ready": 409,
    "payload_too_large": 413,
    "key_limit_exceeded": 429,
    "gateway_error": 500,
    "not_implemented": 501,
    "upstream_error": 502,
    "provider_payment_required": 502,
}
_USER_WORDS = ("invalid_json", "validation", "unsupported_model_or_endpoint")
_SYSTEM_WORDS = ("gateway", "upstream")
_FRIENDLY = {
    "unsupported_model_or_endpoint": (
        "Unsupported model or endpoint. Please check https://phaseo.ai/models for your model id, "
        "or the API Reference at https://docs.phaseo.ai/v1/api-reference for valid endpoints."
    )
}
_PREVIEW = 1_000  # characters of an upstream answer that are passed on


def post_error(
    request_id: str,
    error: str,
    *,
    reason: str | None = None,
    description: str | None = None,
    details: list[dict[str, Any]] | None = None,
    kind: str | None = None,
    **more: Any,
) -> JSON:
    """Return the gateway's refusal of a POST."""
    status = STATUS[error]
    said = description or _FRIENDLY.get(error) or reason
    if said is None and details:
        said = _described(details[0])
    body: dict[str, Any] = {
        "generation_id": request_id,
        "status_code": status,
        "error": error,
        "error_type": _error_type(error, status),
        "error_origin": _origin(error, status),
        "description": said or error,
    }
    if reason is not None and error not in ("unauthorised", "validation_error"):
        body["reason"] = reason
    if details is not None:
        body["details"] = details
    if kind is not None:
        body["error_operational_kind"] = kind
    body.update(more)
    body["sandbox"] = True
    attribution = "user" if status < 500 else "upstream"
    headers = {
        "cache-control": "no-store",
        "server-timing": "guardAuth;dur=1.000",
        "x-gateway-error-attribution": attribution,
        "x-gateway-error-origin": str(body["error_origin"]),
    }
    return JSON(body, status, headers)


def get_error(request_id: str, error: str, reason: str, **more: Any) -> JSON:
    """Return the gateway's refusal of a GET, which has no description."""
    status = STATUS[error]
    is_system = error in (
        "upstream_error",
        "gateway_error",
        "key_limit_exceeded",
        "insufficient_funds",
    )
    origin = {"upstream_error": "upstream", "gateway_error": "gateway"}.get(error, "user")
    body = {
        "error": error,
        "reason": reason,
        "request_id": request_id,
        **more,
        "status_code": status,
        "error_type": "system" if is_system else "user",
        "error_origin": origin,
        "generation_id": request_id,
        "sandbox": True,
    }
    return JSON(body, status, {"cache-control": "no-store"})


def music_disabled() -> JSON:
    """Return what the gateway answers to all music calls today, before it looks at the key."""
    body = {
        "error": "not_implemented",
        "reason": "feature_temporarily_disabled",
        "feature": "music",
        "message": "music endpoints are temporarily disabled.",
        "sandbox": True,
    }
    return JSON(body, 501, {"cache-control": "no-store"})


def upstream_failure(
    request_id: str,
    *,
    provider: str,
    model: str,
    status: int,
    payload: Mapping[str, Any] | str,
) -> JSON:
    """Return the 502 that hides a provider's refusal: the truth is JSON text in a preview."""
    preview = payload if isinstance(payload, str) else json.dumps(payload, separators=(",", ":"))
    code, message = _upstream_words(payload)
    if status == 402:
        return _payment_required(request_id, provider, preview)
    hint = _HINTS.get(status) or (_SERVER_HINT if status >= 500 else None)
    said = [
        f'Provider "{provider}" failed with HTTP {status} for endpoint "music.generate" on model '
        f'"{model}".'
    ]
    said += [f"Upstream code: {code}."] if code else []
    said += [f"Upstream message: {message}."] if message else []
    said += [f"Hint: {hint}"] if hint else []
    said.append("Inspect failure_sample for per-attempt diagnostics.")
    return post_error(
        request_id,
        "upstream_error",
        reason="all_candidates_failed",
        description=" ".join(said),
        attempt_count=1,
        failed_providers=[provider],
        failed_statuses=[status],
        failure_sample=[_sample(provider, status, code, message, preview)],
        upstream_error={"code": code, "message": message, "description": None, "param": None},
        provider_failure_diagnostics={
            "category": _CATEGORIES.get(
                status, "server_error" if status >= 500 else "request_rejected"
            ),
            "hint": hint,
            "provider": provider,
        },
    )


def no_candidate_left(request_id: str, model: str) -> JSON:
    """Return the 502 for routing that leaves nobody to try: regions, zero data retention."""
    description = (
        f'Provider "unknown" failed for endpoint "music.generate" on model "{model}". '
        "No per-attempt diagnostics were captured."
    )
    return post_error(
        request_id, "upstream_error", reason="all_candidates_failed", description=description
    )


_SERVER_HINT = "The provider returned a server error; retrying may succeed."
_HINTS = {
    400: "The upstream provider rejected request parameters.",
    422: "The upstream provider rejected request parameters.",
    401: "Verify provider credentials/BYOK keys and account permissions.",
    403: "Verify provider credentials/BYOK keys and account permissions.",
    404: "The provider may not expose this model on this endpoint yet.",
    408: "The provider timed out; retrying may succeed.",
    429: "The provider is rate limiting requests; retry with backoff.",
    504: "The provider timed out; retrying may succeed.",
}
_CATEGORIES = {
    401: "credentials_invalid_or_forbidden",
    404: "model_unavailable_for_endpoint",
    429: "rate_limited",
}


def _payment_required(request_id: str, provider: str, preview: str) -> JSON:
    notice = "Please let us know on GitHub or Discord if you see this error."
    return post_error(
        request_id,
        "provider_payment_required",
        reason="upstream_provider_payment_required",
        description=f"Oops, we forgot to pay our provider bills ({provider}). {notice}",
        attempt_count=1,
        failed_providers=[provider],
        failed_statuses=[402],
        failure_sample=[_sample(provider, 402, None, None, preview)],
        upstream_error={"code": None, "message": None, "description": None, "param": None},
        provider_payment_required_provider=provider,
        provider_payment_required_support_notice=notice,
    )


def _sample(
    provider: str, status: int, code: str | None, message: str | None, preview: str
) -> dict[str, Any]:
    return {
        "provider": provider,
        "type": "upstream_non_2xx",
        "status": status,
        "upstream_error_code": code,
        "upstream_error_message": message,
        "upstream_error_description": None,
        "upstream_error_param": None,
        "upstream_payload_preview": preview[:_PREVIEW],
        "retryable": None,
    }


def _upstream_words(payload: Mapping[str, Any] | str) -> tuple[str | None, str | None]:
    if isinstance(payload, str):
        return None, None
    error, message = payload.get("error"), payload.get("message")
    if isinstance(error, Mapping):
        return error.get("type"), error.get("message")
    return error if isinstance(error, str) else None, message if isinstance(message, str) else None


def _described(detail: Mapping[str, Any]) -> str:
    where = ".".join(map(str, detail["path"]))
    return f"{detail['message']} at {where}" if where else str(detail["message"])


def _error_type(error: str, status: int) -> str:
    if any(word in error for word in _USER_WORDS):
        return "user"
    if any(word in error for word in _SYSTEM_WORDS) or status >= 500:
        return "system"
    return "system" if status in (401, 403, 408, 429) else "user"


def _origin(error: str, status: int) -> str:
    if error in ("upstream_error", "provider_payment_required"):
        return "upstream"
    return "gateway" if status >= 500 else "user"
