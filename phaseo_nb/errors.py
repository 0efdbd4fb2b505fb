"""Every error this package raises on purpose.

::

    PhaseoError
    ├── SettingsError            a key, URL, model or folder is missing or wrong
    ├── RequestRejected          the request breaks a rule; nothing was sent
    ├── GatewayError             the gateway answered, and the answer is a refusal
    │   ├── AuthenticationError      401, 403: the key is not accepted
    │   ├── InsufficientFunds        402: the account is empty
    │   ├── RateLimited              429: too many requests, or the key's limit
    │   ├── EndpointDisabled         501: music is switched off at the gateway
    │   ├── ProviderRefused          the gateway or the provider behind it said no to this request
    │   └── GatewayUnavailable       5xx or an answer that cannot be read, and nothing was paid
    ├── ConnectionFailed         no answer, and nothing can have been paid
    ├── UncertainSubmission      no clear answer to a paid request: it may exist, it was not resent
    ├── JobFailed                the provider ended the job without music
    ├── JobTimeout               the wait was over first; the job goes on
    ├── JobNotFound              the gateway knows no such job
    ├── AudioError               bytes that are not the audio they claim to be
    ├── LibraryError             the library cannot be read or written
    ├── BudgetExceeded           the price would break the budget; nothing was sent
    └── ExperimentError          a sweep, comparison or ranking cannot be made of what was given

One class per answer to "what can I do about it": each message says what happened, why, and what
to do next. No message, attribute or ``repr`` holds a key or a whole response body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .jobs import Cost, MusicJob


class PhaseoError(Exception):
    """Base of all errors of this package."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__module__ = "phaseo_nb"  # what a traceback should name is the public import

    def __reduce__(self) -> Any:  # by state: the constructors take more than `args`
        return _restore, (type(self), self.args, self.__dict__)


class SettingsError(PhaseoError):
    """A key, address, model name or folder is missing or cannot be used."""


class Issue(NamedTuple):
    """One thing that is wrong with a request."""

    field: str
    """Where, in the wire's spelling with dots: ``"suno.styleWeight"``; ``""`` is the whole body."""
    reason: str
    """The rule in the wire's own word, such as ``"too_big"`` or ``"model_required"``."""
    value: Any
    """The value that was wrong (``None`` where it is missing)."""
    expected: str
    """What would be right, in words."""


class RequestRejected(PhaseoError, ValueError):
    """The request breaks a rule of the service, found before anything was sent.

    Attributes
    ----------
    field, reason, value, expected
        Of the first issue; see :class:`Issue`.
    issues : tuple of Issue
        Everything that is wrong, in the order the service would check it.
    """

    def __init__(self, *issues: Issue) -> None:
        first = issues[0]
        self.issues = issues
        self.field, self.reason, self.value, self.expected = first
        more = f" ({len(issues) - 1} more in .issues)" if len(issues) > 1 else ""
        is_way_back = first.field.rpartition(".")[2].lower() in ("callback_url", "callbackurl")
        shown = _host_alone(first.value) if is_way_back else brief(first.value)
        what = f"{_printable(first.field) or 'the request'} = {shown}"
        rule = first.reason.rstrip(".")
        # What would be right may name what was wrong.
        expected = "".join(s if s.isprintable() else ascii(s)[1:-1] for s in first.expected)
        super().__init__(f"{what} was not sent. {expected} (Rule: {rule}.){more}")


class GatewayError(PhaseoError):
    """The gateway answered with a refusal.

    Attributes
    ----------
    status_code : int
        HTTP status of the answer (200 where a refusal came inside a success).
    error, reason, description : str or None
        The gateway's own words, as far as it gave any.
    retry_after : float or None
        Seconds the gateway asked to wait.
    request_id : str or None
        What support would ask for.
    issues : tuple of Issue
        For a schema refusal: what the gateway found wrong, and where.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        error: str | None = None,
        reason: str | None = None,
        description: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        issues: Sequence[Issue] = (),
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.error = error
        self.reason = reason
        self.description = description
        self.retry_after = retry_after
        self.request_id = request_id
        self.issues = tuple(issues)


class AuthenticationError(GatewayError):
    """The key is missing, malformed, expired, revoked or not allowed to do this."""


class InsufficientFunds(GatewayError):
    """The account behind the key cannot pay."""


class RateLimited(GatewayError):
    """Too many requests; nothing was created. See ``retry_after``."""


class EndpointDisabled(GatewayError):
    """The gateway has switched its music routes off."""


class ProviderRefused(GatewayError):
    """The gateway, or the provider behind it, refused this request; nothing was created."""


class GatewayUnavailable(GatewayError):
    """The gateway is broken or away at the moment, and nothing was paid by this request."""


class ConnectionFailed(PhaseoError):
    """No usable answer came back. Nothing was paid by this request."""


class UncertainSubmission(PhaseoError):
    """A paid request was sent and no clear answer came: the job may exist and may cost.

    It is never sent again by itself.

    Attributes
    ----------
    request : object
        The request that was sent.
    known : str
        What is known about how it ended, in one sentence.
    price : Cost or None
        What it would have cost, where the price is known.
    request_id : str or None
        What the gateway called it, where it said so: a name to look again under, or to ask
        support about.
    """

    def __init__(
        self,
        message: str,
        *,
        request: Any = None,
        known: str = "",
        price: Cost | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.request = request
        self.known = known
        self.price = price
        self.request_id = request_id


class JobFailed(PhaseoError):
    """The provider ended the job without music.

    Attributes
    ----------
    job : MusicJob
        The last answer; ``job.cost`` says what it cost all the same.
    reason : str or None
        What the provider said; ``None`` where it gave no reason.
    """

    def __init__(self, message: str, *, job: MusicJob) -> None:
        super().__init__(message)
        self.job = job
        self.reason = job.failure

    @property
    def job_id(self) -> str:
        """The job's id at the gateway."""
        return self.job.id

    @property
    def provider(self) -> str | None:
        """Who made (or did not make) the music."""
        return self.job.provider


class JobTimeout(PhaseoError, TimeoutError):
    """The wait was over before the job was. The job goes on; wait again with ``job_id``."""

    def __init__(self, message: str, *, job_id: str, job: MusicJob | None = None) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.job = job


class JobNotFound(PhaseoError, LookupError):
    """The gateway knows no such job, or it belongs to another workspace."""

    def __init__(
        self, message: str, *, job_id: str, error: str | None = None, reason: str | None = None
    ) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.error = error
        self.reason = reason


class AudioError(PhaseoError):
    """Bytes that cannot be fetched, or are not the audio they claim to be."""


class LibraryError(PhaseoError):
    """The library cannot be read or written.

    Attributes
    ----------
    is_unwritable : bool
        True where the folder is there (or could be) and the disk or its rights forbid writing.
    """

    def __init__(self, message: str, *, is_unwritable: bool = False) -> None:
        super().__init__(message)
        self.is_unwritable = is_unwritable


class BudgetExceeded(PhaseoError):
    """The price would break the budget of the session; nothing was sent."""


class ExperimentError(PhaseoError):
    """A sweep, a comparison or a ranking cannot be made of what was given; nothing was sent."""

    problems: tuple[str, ...] = ()
    """Everything that is wrong, a line each, where it is more than one thing."""


def _restore(cls: type[PhaseoError], args: tuple[Any, ...], state: dict[str, Any]) -> PhaseoError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


def brief(value: Any, limit: int = 60) -> str:
    """Show a value in a message without flooding it."""
    if isinstance(value, str) and len(value) > limit:
        return f"{brief(value[: limit - 20], limit)}… ({len(value)} characters)"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python writes no whole number of over 4,300 digits
        return f"<{type(value).__name__} that is too large to show>"
    text = _UNSEEN.sub(lambda sign: ascii(sign[0])[1:-1], _PRIVATE.sub(r"\1…", text[: 20 * limit]))
    return text if len(text) <= 2 * limit else f"{text[: 2 * limit]}…"


# What ``repr`` leaves although it is not seen: fillers, and selectors in a row.
_UNSEEN = re.compile(
    "[\u034f\u17b4\u17b5\u3164\uffa0]"
    "|(?<=[\ufe00-\ufe0f\U000e0100-\U000e01ef])[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_PRIVATE = re.compile(
    r"""((['"])(?:token|callback_?url)\2: )(?:'[^']*'?|"[^"]*"?)""", re.IGNORECASE
)
"""Parts of an object that say who asks, or who may call back."""


def _host_alone(url: Any) -> str:
    """Show an address for callbacks: whoever knows its path may post to it."""
    match = re.match(r"[A-Za-z]+://[^/?#\s]*", url) if isinstance(url, str) else None
    if match is None or "@" in str(url):  # nobody can tell where a password ends
        return "…"
    return f"'{_printable(match[0][:80])}/…'"


def _printable(text: str) -> str:
    """Return a name for a message: one of a stranger's body may act on a terminal, or hide."""
    plain = text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
    return plain if len(plain) <= 120 else f"{plain[:120]}…"
