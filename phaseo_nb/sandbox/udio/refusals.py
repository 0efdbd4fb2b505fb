"""How udioapi.pro says no: by status, or with ``{code, message}`` inside an HTTP 200."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ...errors import RequestRejected
from ...requests.udio import TOO_LONG, UdioRequest
from ..wire import JSON

UNAUTHORIZED = "Unauthorized: Invalid or missing API key"
STATES = {
    "insufficient_funds": (403, "Insufficient credits"),
    "key_limit_exceeded": (429, "Too many requests"),
    "guardrail_blocked": (403, "Forbidden"),
    "gateway_error": (500, "Internal server error"),
    "music_disabled": (500, "Service temporarily unavailable"),
}
_IN_WORDS = {
    "invalid_callback_url": "callback_url must be a public http or https address",
}


def udio_error(
    status: int, message: str, *, code: int | None = None, word: str = "message", **more: Any
) -> JSON:
    """Return udioapi.pro's refusal: ``{code, message}``, at times inside an HTTP 200.

    The cover image's routes have ``msg`` for the ``word``.
    """
    return JSON(
        {"code": status if code is None else code, word: message, **more, "sandbox": True},
        status,
    )


def problem_of(body: Mapping[str, Any], api: str) -> str | None:
    """Return what the service would say is wrong; unknown keys it lets pass.

    So it does with a callback at ``/api/v2/generate``, which documents none.
    """
    known = {name: value for name, value in body.items() if name in UdioRequest.model_fields}
    if api == "v2":
        known.pop("callback_url", None)
    try:
        UdioRequest.model_validate({**known, "api": api})
    except RequestRejected as error:
        reasons = [_IN_WORDS.get(issue.reason, issue.reason) for issue in error.issues]
        other = [reason for reason in reasons if reason != TOO_LONG]
        return other[0] if other else TOO_LONG
    return None


def callback_problem(url: Any) -> str | None:
    """Return what is wrong with a callback address where none is needed."""
    if url is None:
        return None
    return problem_of({"prompt": "la", "callback_url": url}, "callback")


def soft_refusal(problem: str, is_oldest: bool) -> Response:
    """Refuse inside HTTP 200, as the service was seen to do."""
    if is_oldest:
        return JSON({"message": problem, "sandbox": True})
    return udio_error(200, problem, code=400)
