"""What can go wrong on purpose: outcomes for :meth:`Sandbox.script`, one function each.

An outcome says how one job fares; several can be given together, and later ones add to or
override earlier ones::

    sandbox.script("a waltz", failed("SENSITIVE_WORD_ERROR"))
    sandbox.script(re.compile("tide"), delayed(30), partial())
    sandbox.script("storm", http_fault("submit", 503, retry_after=2, times=1))
    sandbox.script("dusk", callbacks(lost="first", duplicated=1), callbacks(forged=True))
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias, TypeVar

Step = Literal["submit", "poll", "download"]
CallbackStage = Literal["text", "first", "complete"]
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
CALLBACK_STAGES: tuple[CallbackStage, ...] = ("text", "first", "complete")
"""When udioapi.pro calls back; the call at the end is ``"complete"`` for failed jobs too."""
_MOST_COPIES = 1_000
_T = TypeVar("_T")


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
class Callbacks:
    """How a job's callbacks fare on their way."""

    lost: tuple[CallbackStage, ...] = ()
    """Stages whose callback never comes."""
    late: float = 0.0
    """Seconds after its stage at which each one comes."""
    duplicated: int = 0
    """How many more times each one comes."""
    is_reordered: bool = False
    """All come at the end, the last one first."""
    is_forged: bool = False
    """Somebody else posts too."""
    is_early: bool = False
    """The first one comes before the submission has been answered."""


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
    callbacks: Callbacks = Callbacks()
    is_feed_silent: bool = False
    """The feeds do not know the job where it has a callback."""

    def __add__(self, other: Outcome) -> Outcome:
        """Return both together; what ``other`` says wins."""
        together = _overridden(self, other)
        return replace(
            together,
            faults=self.faults + other.faults,
            callbacks=_overridden(self.callbacks, other.callbacks),
        )


def _overridden(one: _T, other: _T) -> _T:
    """Return a copy of ``one`` with all that ``other`` says beside the usual."""
    said: dict[str, Any] = {}
    for each in fields(other):  # type: ignore[arg-type]
        value = getattr(other, each.name)
        if value != each.default:
            said[each.name] = value
    return replace(one, **said)  # type: ignore[type-var]


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


def callbacks(
    *,
    lost: Literal["all"] | CallbackStage | Iterable[CallbackStage] = (),
    late: float = 0.0,
    duplicated: int = 0,
    reordered: bool = False,
    forged: bool = False,
    early: bool = False,
) -> Outcome:
    """Say how the callbacks of a udio job fare; without it, each comes once and in time.

    Parameters
    ----------
    lost
        Stages whose callback never comes: ``"text"``, ``"first"``, ``"complete"`` (also where
        the job fails), several of them, or ``"all"``.
    late
        Seconds of the sandbox's clock between a stage and its callback.
    duplicated
        How many more times each callback comes, one right after the other.
    reordered
        All come when the job ends, the last one first.
    forged
        Before each callback somebody else posts to the same address (tracks that are not the
        job's, addresses that must not be fetched, HTML in titles), and to one with a wrong token.
    early
        The first callback comes before the submission is answered.

    Raises
    ------
    ValueError
        There is no such stage, or a number is out of range.
    """
    named = CALLBACK_STAGES if lost == "all" else (lost,) if isinstance(lost, str) else tuple(lost)
    stages: tuple[CallbackStage, ...] = tuple(each for each in CALLBACK_STAGES if each in named)
    for stage in named:
        if stage not in CALLBACK_STAGES:
            message = f'lost = {stage!r} is no stage. Choose "text", "first", "complete" or "all".'
            raise ValueError(message)
    if not (math.isfinite(late) and late >= 0):
        message = f"late = {late!r} was given; callbacks can be 0 or more seconds late."
        raise ValueError(message)
    if not 0 <= duplicated <= _MOST_COPIES:
        message = f"duplicated = {duplicated!r} was given; it can be 0 to {_MOST_COPIES}."
        raise ValueError(message)
    fate = Callbacks(stages, float(late), duplicated, reordered, forged, early)
    return Outcome(callbacks=fate)


def feed_silent() -> Outcome:
    """Let both feeds answer 404 for a job with a callback: all that comes of it is called back."""
    return Outcome(is_feed_silent=True)


def combine(outcomes: Sequence[Outcome]) -> Outcome:
    """Return several outcomes as one."""
    together = USUAL
    for outcome in outcomes:
        if not isinstance(outcome, Outcome):
            message = (
                f"{outcome!r} is no outcome. Give one of failed(), delayed(), statuses(), stuck(), "
                "without_audio(), partial(), refused(), http_fault(), dropped(), slow(), "
                "expired(), callbacks(), feed_silent()."
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
