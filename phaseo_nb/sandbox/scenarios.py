"""What can go wrong on purpose: outcomes for :meth:`Sandbox.script`, one function each.

An outcome says how one job fares; several can be given together, and later ones add to or
override earlier ones::

    sandbox.script("a waltz", failed("SENSITIVE_WORD_ERROR"))
    sandbox.script(re.compile("tide"), delayed(30), partial())
    sandbox.script("storm", http_fault("submit", 503, retry_after=2, times=1))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

Step = Literal["submit", "poll", "download"]
Match: TypeAlias = "str | re.Pattern[str] | Callable[[Mapping[str, Any]], bool] | None"

STATES = (
    "open",
    "music_disabled",
    "insufficient_funds",
    "key_limit_exceeded",
    "guardrail_blocked",
    "gateway_error",
    "no_enabled_providers",
    "pricing_not_configured",
    "key_not_found_or_revoked",
    "key_soft_blocked",
    "key_expired",
    "invalid_secret",
    "legacy_key_prefix_retired",
    "oauth_delegated_key_required",
)
"""States of the whole service, for ``Sandbox(state=…)``; each is the gateway's own word."""


@dataclass(frozen=True)
class Fault:
    """One answer that is not the answer."""

    step: Step
    status: int | None = None
    """HTTP status; ``None`` drops the connection instead of answering."""
    body: Any = None
    """JSON value, or text that is sent as it is; ``None`` is the service's usual envelope."""
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int | None = 1
    """How often; ``None`` for always."""
    after: int = 0
    """How many of these steps go well before."""
    created: bool = False
    """For ``submit``: whether the job exists all the same."""
    n_bytes: int = 0
    """For a dropped download: how many bytes get through before."""
    delay: float = 0.0
    """Seconds of silence before."""


@dataclass(frozen=True)
class Outcome:
    """How a job fares; ``None`` leaves the usual."""

    reason: str | None = None
    """The job ends as failed, for this reason."""
    message: str | None = None
    delay: float | None = None
    """Seconds from being accepted to the end."""
    statuses: tuple[Any, ...] = ()
    """Status words for one poll after the other; the last one stays."""
    is_stuck: bool = False
    tracks: Literal["all", "none", "partial"] = "all"
    refusal: tuple[int, str] | None = None
    """Code and message inside an HTTP 200."""
    faults: tuple[Fault, ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        """Return both together; what ``other`` says wins."""
        usual = Outcome()
        said = {
            name: value
            for name, value in vars(other).items()
            if value != getattr(usual, name) and name != "faults"
        }
        return replace(self, **said, faults=self.faults + other.faults)


USUAL = Outcome()


def failed(reason: str = "GENERATE_AUDIO_FAILED", message: str | None = None) -> Outcome:
    """End the job as failed; ``reason`` is a status word of Suno or any text."""
    return Outcome(reason=reason, message=message)


def delayed(seconds: float) -> Outcome:
    """Let the job take that many seconds of the sandbox's clock."""
    return Outcome(delay=float(seconds))


def statuses(*words: Any) -> Outcome:
    """Answer polls with these statuses in turn, known or not, backwards if need be.

    The last one stays. ``None`` is a status that is missing.
    """
    return Outcome(statuses=words)


def stuck() -> Outcome:
    """Keep the job queued for ever."""
    return Outcome(is_stuck=True)


def without_audio() -> Outcome:
    """Complete the job with nothing to hear."""
    return Outcome(tracks="none")


def partial() -> Outcome:
    """Let every track but the first come to nothing."""
    return Outcome(tracks="partial")


def refused(code: int = 429, message: str = "The requests are too frequent.") -> Outcome:
    """Refuse inside an HTTP 200, as Suno and udioapi.pro do; the gateway bills it all the same."""
    return Outcome(refusal=(code, message))


def http_fault(
    step: Step,
    status: int,
    *,
    body: Any = None,
    retry_after: float | str | None = None,
    headers: Mapping[str, str] | None = None,
    times: int | None = 1,
    after: int = 0,
    created: bool = False,
) -> Outcome:
    """Answer a step with an HTTP error.

    Parameters
    ----------
    step
        ``"submit"``, ``"poll"`` or ``"download"``.
    status
        HTTP status, 100 to 599.
    body
        A JSON value, or text that is sent as it is; the service's envelope without it.
    retry_after
        Seconds, or a date as text, for the ``Retry-After`` header.
    times
        How often it happens; ``None`` for always.
    after
        How many of these steps go well before.
    created
        For ``"submit"``: whether the job exists all the same.
    """
    more = dict(headers or {})
    if retry_after is not None:
        more["retry-after"] = (
            f"{retry_after:g}" if isinstance(retry_after, float) else str(retry_after)
        )
    fault = Fault(step, status, body, more, times, after, created)
    return Outcome(faults=(fault,))


def dropped(
    step: Step,
    *,
    times: int | None = 1,
    after: int = 0,
    created: bool = True,
    n_bytes: int = 0,
) -> Outcome:
    """Drop the connection: for ``"submit"`` after the job was created, unless told otherwise."""
    return Outcome(
        faults=(Fault(step, times=times, after=after, created=created, n_bytes=n_bytes),)
    )


def slow(step: Step, seconds: float, *, times: int | None = 1) -> Outcome:
    """Answer a step as usual, but only after so many seconds of the sandbox's clock."""
    return Outcome(faults=(Fault(step, 0, times=times, delay=float(seconds)),))


def expired(*, times: int | None = None, after: int = 0) -> Outcome:
    """Let the audio's address have run out: 403, always or ``times`` times."""
    text = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    return http_fault(
        "download",
        403,
        body=text,
        headers={"content-type": "application/xml"},
        times=times,
        after=after,
    )


def combine(outcomes: Sequence[Outcome]) -> Outcome:
    """Return several outcomes as one."""
    together = USUAL
    for outcome in outcomes:
        if not isinstance(outcome, Outcome):
            message = (
                f"{outcome!r} is no outcome. Give one of failed(), delayed(), statuses(), stuck(), "
                "without_audio(), partial(), refused(), http_fault(), dropped(), slow(), expired()."
            )
            raise TypeError(message)
        together = together + outcome
    return together


class Script:
    """An outcome and the requests it is meant for."""

    def __init__(self, match: Match, outcome: Outcome, times: int | None) -> None:
        self.match = match
        self.outcome = outcome
        self.left = times
        self.steps: dict[str, int] = {}

    def fits(self, body: Mapping[str, Any]) -> bool:
        """Whether a request's words hold the text (in any letter case) or pattern."""
        if self.match is None:
            return True
        if callable(self.match):
            return bool(self.match(body))
        words = "\n".join(_texts(body))
        if isinstance(self.match, re.Pattern):
            return self.match.search(words) is not None
        return str(self.match).casefold() in words.casefold()


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []
