"""udioapi.pro's refusals in words.

Wire contract: the envelope ``{code, message}`` of its public pages (``msg`` on the cover pages).
The code inside counts besides the HTTP status: a refusal may come inside HTTP 200, and the oldest
form of the service refuses with a bare ``{message}`` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

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
    MODERATED,
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
from .udio_pictures import is_wanted
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
    ("bad ", ProviderRefused),
    ("missing", ProviderRefused),
    ("not allowed", ProviderRefused),
    ("not support", ProviderRefused),
    ("inappropriate", ProviderRefused),
    ("guideline", ProviderRefused),
    ("moderation", ProviderRefused),
    ("not complete", ProviderRefused),
    ("not finished", ProviderRefused),
    ("not found", ProviderRefused),
    ("not exist", ProviderRefused),
)

_MADE_BEFORE = ("duplicate", "already")
"""A second order of a picture is none; of anything else, these words leave it open."""
_ONCE = (
    "The service makes a cover image once per job, and made it before. If that was from this "
    "library, `await take.cover_image()` shows it; else it is on the service's own page"
)
_SHORTEN = "Shorten the prompt, the lyrics or the style"
# What helps against a refusal, by a word of it; the first that fits.
_NEXT_STEPS = (
    ("too long", _SHORTEN),
    *(
        (word, "Reword the prompt or the lyrics: a word of them is not allowed")
        for word in MODERATED
    ),
    (
        "extend_audio_index",
        "Say which of the two tracks to go on from: 0 or 1 (`track=` of a take)",
    ),
    (
        "not complete",
        "Only finished jobs can be gone on from or pictured: wait for it (`nb.resume()`), then "
        "run this again",
    ),
    ("not finished", "Wait for that job (`nb.resume()`), then run this again"),
    (
        "origin",
        "It must be the work id of a finished job of the same account (`take.job.id`)",
    ),
    ("taskid", "It must be the work id of a finished job of the same account (`take.job.id`)"),
    ("upload_url", "The service must be able to fetch the recording: a public address of audio"),
    *((word, _ONCE) for word in _MADE_BEFORE),
)


def submission_error(
    answer: Answer, request: Any, price: Cost | None, work_id: str | None
) -> PhaseoError:
    """Return the error for an answer to a generate call that brought no job.

    ``work_id`` is what stood in it all the same: a name to look again under.
    """
    facts = read(answer, work_id)
    kind = _unless_poor(class_of_submission(facts.status), facts)
    if kind is None and 200 <= facts.status < 300:
        # In JSON alone: a proxy that says "Bad Gateway" under a success refuses nothing.
        kind = _refused_in_words(facts, request) if mapping(answer.data) else None
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
    """Return the error for an answer about a job that shows none."""
    facts = read(answer)
    if facts.status == 404:
        return not_found(facts, job_id)
    return _of_question(
        facts, "The answer cannot be read as a feed", "The job goes on; ask again later"
    )


def question_error(answer: Answer, unreadable: str) -> PhaseoError:
    """Return the error for an answer to any other question; ``unreadable`` says what it is not."""
    return _of_question(read(answer), unreadable, "Ask again later")


def _of_question(facts: Said, unreadable: str, later: str) -> PhaseoError:
    kind: type[GatewayError] = _unless_poor(class_of_question(facts.status), facts)
    if kind is not GatewayUnavailable:
        rest = "The job may go on" if "job" in later else ""
        return refusal(kind, facts, joined(_advice(kind, facts), rest))
    readable = not 200 <= facts.status < 300
    told = (facts.description or "") if readable else unreadable
    return refusal(kind, facts, joined(told, later))


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


def _refused_in_words(facts: Said, request: Any) -> type[GatewayError] | None:
    words = (facts.description or "").lower()
    if is_wanted(request) and any(word in words for word in _MADE_BEFORE):
        return ProviderRefused
    return next((kind for word, kind in _REFUSING if word in words), None)


Kind = TypeVar("Kind", bound="type[GatewayError] | None")


def _unless_poor(kind: Kind, facts: Said) -> Kind | type[InsufficientFunds]:
    """Tell a key that is wrong from an account that is empty: both may come as 401 or 403."""
    words = (facts.description or "").lower()
    is_poor = any(word in words for word, other in _REFUSING if other is InsufficientFunds)
    return InsufficientFunds if kind is AuthenticationError and is_poor else kind


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
    step = next((step for word, step in _NEXT_STEPS if word in told.lower()), None)
    return joined(told, step or "Change what it names and run it again")
