"""Turning an answer that is no success into an error that says what to do next.

What both services share: the place in words, ``Retry-After``, the classes, doubt, and the message
of a job that failed. Their own words stand in ``phaseo_refusals.py`` and ``udio_refusals.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import (
    AuthenticationError,
    EndpointDisabled,
    GatewayError,
    GatewayUnavailable,
    InsufficientFunds,
    Issue,
    JobNotFound,
    ProviderRefused,
    RateLimited,
    UncertainSubmission,
)
from ..jobs import Cost, MusicJob
from ..transport.messages import Answer
from ..transport.retry import retry_after
from .values import mapping, number, said, text

SANDBOX_HINT = 'To go on without it: `nb.connect("sandbox")`.'
MODERATED = ("sensitive", "guideline", "moderat", "inappropriate", "policy", "copyright")
"""Words of a refusal that is about words."""


def may_resend(error: BaseException) -> bool:
    """Tell whether the request behind an error of ``read_submission`` may be sent again.

    True only where nothing was created and waiting helps: 429, also as a 502 whose attempts were
    all 429. A key that has used up its limit stays refused however often it asks.
    """
    return isinstance(error, RateLimited) and error.error != "key_limit_exceeded"


@dataclass(frozen=True)
class Said:
    """What an answer says about why it is no success, cleaned for messages."""

    status: int
    """HTTP status, or the ``code`` inside a success that counts in its place."""
    error: str | None = None
    reason: str | None = None
    description: str | None = None
    retry_after: float | None = None
    request_id: str | None = None
    place: str = ""
    """``POST /music/generate on https://api.phaseo.app/v1``."""
    http_status: int | None = None
    """Where it differs: the status of the success that the refusal came inside."""

    @property
    def answered(self) -> str:
        """The first clause of every message: what happened."""
        label = self.reason or self.error
        inside = f" with code {self.status} inside" if self.http_status else ""
        status = self.http_status or self.status
        return f"{self.place} answered {status}{inside}" + (f" ({label})" if label else "")


def place_of(answer: Answer, root: str) -> str:
    """Name a route and its host as in the documentation; ``root`` is where the route begins.

    >>> place_of(Answer(200, {}, b"", "https://api.phaseo.app/v1/music/generate", "POST"), "/music")
    'POST /music/generate on https://api.phaseo.app/v1'
    """
    try:
        parts = urlsplit(answer.url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return f"{answer.method} request"
    before, found, after = parts.path.rpartition(root)
    path = found + after if found else parts.path
    line = f"{answer.method} {path} on {parts.scheme}://{host}{before if found else ''}"
    return said(line, 200) or f"{answer.method} request"


def wait_asked_for(answer: Answer, body: Mapping[str, Any]) -> float | None:
    """Return the seconds to wait, from the header or, where that says nothing, the body."""
    seconds = retry_after(answer)
    return number(body.get("retry_after_seconds")) if seconds is None else seconds


def read_error(body: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Return error, reason and description from an envelope of either service."""
    inner = mapping(body.get("error"))
    error = said(body.get("error"), 120) or said(inner.get("code") or inner.get("type"), 120)
    words = (body.get("description"), body.get("message"), body.get("msg"), inner.get("message"))
    description = next((line for item in words if (line := said(item))), None)
    return error, said(body.get("reason"), 120), description


def refusal(
    kind: type[GatewayError], facts: Said, advice: str, *, issues: Sequence[Issue] = ()
) -> GatewayError:
    """Build one error: what happened, what the service said, what to do next."""
    return kind(
        joined(facts.answered, advice),
        status_code=facts.http_status or facts.status,
        error=facts.error,
        reason=facts.reason,
        description=facts.description,
        retry_after=facts.retry_after,
        request_id=facts.request_id,
        issues=issues,
    )


def doubt(facts: Said, known: str, *, request: Any, price: Cost | None) -> UncertainSubmission:
    """Build the error for an answer that leaves open whether a job was created."""
    cost = f" ({price})" if price is not None and (price.usd or price.credits) else ""
    called = said(facts.request_id, 80)  # kept as it came, to look again under; shown cleaned
    name = f" The gateway calls it {called}." if called else ""
    message = joined(
        facts.answered,
        f"{known} A job may exist and may cost{cost}, so the request was not sent again.{name}",
        "Look at the usage page of your account first; `fresh=True` sends it once more, and pays "
        "once more if the first one went through.",
    )
    return UncertainSubmission(
        message, request=request, known=known, price=price, request_id=facts.request_id
    )


def not_found(facts: Said, job_id: str) -> JobNotFound:
    """Build the error for a job that the gateway does not know."""
    shown = said(job_id, 80) or "(no id)"
    return JobNotFound(
        joined(
            f"{facts.answered}: it knows no job {shown}, or the job belongs to another account",
            "Check the id, and that the key is the one that started the job. Some jobs answer only "
            "to their request id, and some providers keep nothing after the first answer.",
        ),
        job_id=job_id,
        error=facts.error,
        reason=facts.reason,
    )


def class_of(status: int) -> type[GatewayError] | None:
    """Return the class of a refusal that means the same everywhere, or ``None``."""
    return {
        401: AuthenticationError,
        402: InsufficientFunds,
        403: AuthenticationError,
        429: RateLimited,
        501: EndpointDisabled,
    }.get(status)


def class_of_question(status: int) -> type[GatewayError]:
    """Return the class of a refused question: nothing was paid by it, whatever went wrong."""
    known = class_of(status)
    if known is not None:
        return known
    passing = status in (408, 409, 425) or not 400 <= status < 500
    return GatewayUnavailable if passing else GatewayError


def class_of_submission(status: int) -> type[GatewayError] | None:
    """Return the class of a refused submission, or ``None`` where it is no clear refusal.

    408 is a 4xx that does not say what became of the request: somebody on the way lost patience.
    """
    known = class_of(status)
    if known is not None or status == 408:
        return known
    return ProviderRefused if 400 <= status < 500 else None


def joined(*sentences: str) -> str:
    """Put sentences together, each with its full stop and one blank between."""
    parts = (sentence.strip() for sentence in sentences)
    return " ".join(part if part[-1] in ".!?…" else f"{part}." for part in parts if part)


def failure_message(job: MusicJob, *, elapsed: float | None = None, wire: str = "phaseo") -> str:
    """Say that a job failed, why, what it cost, and what to do next.

    Parameters
    ----------
    job
        The answer that says ``failed`` (or ``completed`` with nothing to hear).
    elapsed
        Seconds since the job was sent, where known.
    wire
        Which gateway said so: what can be done next is not the same at each.
    """
    after = f" after {elapsed:.1f} s" if elapsed is not None else ""
    at = f" at provider {said(job.provider, 60)}" if job.provider else ""
    job_id = said(job.id, 80) or "(no id)"
    reason = said(job.failure) or said(_upstream_word(job), 80)
    if job.status == "completed" and not job.has_audio:
        what = f"Job {job_id} was completed{after}{at} without any audio"
        reason = reason or "the gateway gave no reason"
    else:
        what = f"Job {job_id} failed{after}{at}"
        reason = reason or "the gateway gave no reason"
    paid = f"It cost {job.cost} all the same" if job.cost.usd else ""
    return joined(f"{what}: {reason}", _failure_advice(reason, job.provider, wire), paid)


def _upstream_word(job: MusicJob) -> str | None:
    """Suno's own status, where it says more than that it failed."""
    word = text(mapping(mapping(job.raw.get("result")).get("data")).get("status"))
    ordinary = {"FAILED", "ERROR", "SUCCESS", "PENDING"}
    return word if word and job.status == "failed" and word.upper() not in ordinary else None


def _failure_advice(reason: str, provider: str | None, wire: str) -> str:
    who = (said(provider, 60) or "the provider").capitalize()
    lower = reason.lower()
    if any(word in lower for word in MODERATED):
        if wire == "udio":  # there is no other provider behind it
            return (
                f"{who} refused a word of the prompt or the lyrics. Reword it, or name another "
                "model."
            )
        other = "elevenlabs" if provider != "elevenlabs" else "minimax"
        return (
            f"{who} refused a word of the prompt or the lyrics. Reword it, or send the same "
            f'request elsewhere with `provider={{"only": ["{other}"]}}` and a model of theirs.'
        )
    if "too long" in lower:
        return "Shorten the prompt, the lyrics or the style."
    if "credit" in lower or "balance" in lower or "insufficient" in lower:
        return f"{who}'s account is empty at the moment. Choose another model or try later."
    if "rate" in lower or "429" in lower or "frequen" in lower or "busy" in lower:
        return f"{who} had too much to do. Try again in a minute."
    return "Run the cell again to try once more (a new, paid job), or choose another model."
