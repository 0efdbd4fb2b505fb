"""udioapi.pro's refusals in words.

Wire contract: the envelope ``{code, message}`` of its public pages (``msg`` on the cover pages).
The code inside counts besides the HTTP status: a refusal may come inside HTTP 200, and the oldest
form of the service refuses with a bare ``{message}`` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import (
    AuthenticationError,
    GatewayError,
    GatewayUnavailable,
    InsufficientFunds,
    PhaseoError,
    ProviderRefused,
    RateLimited,
)
from ..jobs import Cost
from ..transport.messages import Answer
from .refusals import (
    SANDBOX_HINT,
    Said,
    class_of_question,
    class_of_submission,
    doubt,
    joined,
    not_found,
    place_of,
    read_error,
    refusal,
    wait_asked_for,
)
from .values import mapping, said, status_code

ROOT = "/api/"
_BLOCKED_CLIENT = "error code: 1010"

# Words that a message without a code uses when it says no; "success" and silence say nothing.
_REFUSING = (
    ("credit", InsufficientFunds),
    ("balance", InsufficientFunds),
    ("unauthorized", AuthenticationError),
    ("invalid token", AuthenticationError),
    ("api key", AuthenticationError),
    ("too many requests", RateLimited),
    ("rate limit", RateLimited),
    ("too long", ProviderRefused),
    ("required", ProviderRefused),
    ("invalid", ProviderRefused),
    ("missing", ProviderRefused),
    ("not allowed", ProviderRefused),
    ("not support", ProviderRefused),
    ("inappropriate", ProviderRefused),
    ("guideline", ProviderRefused),
    ("moderation", ProviderRefused),
)


def submission_error(
    answer: Answer, request: Any, price: Cost | None, work_id: str | None
) -> PhaseoError:
    """Return the error for an answer to a generate call that brought no job.

    ``work_id`` is what stood in it all the same: a name to look again under.
    """
    facts = read(answer, work_id)
    kind = class_of_submission(facts.status)
    if kind is None and 200 <= facts.status < 300:
        kind = _refused_in_words(facts)
        if kind is None:
            what = "There is no work id in the answer, so nobody knows whether a job was created."
            return doubt(facts, what, request=request, price=price)
    if kind is None:
        told = f"This does not say whether a job was created: {facts.description or 'no reason'}"
        if 300 <= facts.status < 400:
            told = "A redirect of a paid request is never followed; check the base URL."
        return doubt(facts, joined(told), request=request, price=price)
    return refusal(kind, facts, joined(_advice(kind, facts), "Nothing was created"))


def status_error(answer: Answer, job_id: str) -> PhaseoError:
    """Return the error for a feed answer that shows no job."""
    facts = read(answer)
    if facts.status == 404:
        return not_found(facts, job_id)
    kind: type[GatewayError] = class_of_question(facts.status)
    if kind is not GatewayUnavailable:
        return refusal(kind, facts, joined(_advice(kind, facts), "The job may go on"))
    readable = not 200 <= facts.status < 300
    told = (facts.description or "") if readable else "The answer cannot be read as a feed"
    return refusal(kind, facts, joined(told, "The job goes on; ask again later."))


def read(answer: Answer, work_id: str | None = None) -> Said:
    """Read the envelope; the code inside a success counts in place of the HTTP status."""
    body = mapping(answer.data)
    status = answer.status_code
    inside = code_inside(body)
    if 200 <= status < 300 and inside is not None:
        status = inside
    error, reason, description = read_error(body)
    if description is None and not body:
        description = _plain(answer)
    return Said(
        status,
        error=error,
        reason=reason,
        description=description or error,
        retry_after=wait_asked_for(answer, body),
        request_id=work_id,
        place=place_of(answer, ROOT),
        http_status=answer.status_code if status != answer.status_code else None,
    )


def code_inside(body: Mapping[str, Any]) -> int | None:
    """Return the refusing ``code`` of an envelope; ``None`` for 2xx and for what is no code."""
    code = status_code(body.get("code"))
    return None if code is None or 200 <= code < 300 else code


def _plain(answer: Answer) -> str | None:
    words = answer.text.lstrip()
    return None if words.startswith(("<", "{", "[")) else said(words, 120)


def _refused_in_words(facts: Said) -> type[GatewayError] | None:
    words = (facts.description or "").lower()
    return next((kind for word, kind in _REFUSING if word in words), None)


def _advice(kind: type[GatewayError], facts: Said) -> str:
    told = facts.description or "The service gave no reason"
    if _BLOCKED_CLIENT in told.lower():
        return joined(
            told,
            "The service's network blocks this client by its User-Agent; your key was not looked "
            "at. A proxy that rewrites headers can cause it: try without, or from elsewhere",
        )
    if kind is AuthenticationError:
        return joined(told, "Check UDIOAPI_KEY, or pass `nb.connect('udio', api_key=…)`")
    if kind is InsufficientFunds:
        return joined(told, "Buy credits at https://udioapi.pro", SANDBOX_HINT)
    if kind is RateLimited:
        wait = facts.retry_after
        ask = f"asks to wait {wait:.0f} s" if wait is not None else "does not say for how long"
        return joined(told, f"Wait before the next request; the service {ask}")
    if facts.status == 501:
        return joined(told, SANDBOX_HINT)
    if "too long" in told.lower():
        return joined(told, "Shorten the prompt, the lyrics or the style")
    return joined(told, "Change what it names and run it again")
