"""What every gateway can do: say what to send, and read what came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ..jobs import Cost, Credits, MusicJob
from ..transport.messages import Answer, Call


class WireRequest(Protocol):
    """The part of a request that a gateway needs (``requests/`` has the whole)."""

    def to_wire(self) -> dict[str, Any]:
        """Return the body to post, without secrets."""
        ...


@dataclass(frozen=True)
class ModelInfo:
    """One model of a gateway, with what a request to it costs."""

    id: str
    """The name to ask for, such as ``"suno/v4.5"``."""
    provider: str | None
    name: str
    price: Cost
    """Of one request; an estimate until the service has billed it."""
    is_live: bool = False
    """True when the gateway itself said this just now; False from the built-in, dated list."""
    note: str | None = None
    """What to know before choosing it, such as ``"retired 2026-08-20"``."""


class Gateway(Protocol):
    """The words of one service, and nothing else: no network, no retries, no keys."""

    name: str
    """``"phaseo"`` or ``"udio"``."""
    default_base_url: str
    key_variable: str
    """Environment variable in which people keep the key."""
    min_poll_interval: float
    """Seconds between two questions about one job, as the service asks for."""

    def submission(self, request: Any) -> Call:
        """Return the paid call that starts a job."""
        ...

    def read_submission(self, answer: Answer, request: Any) -> MusicJob:
        """Read the answer to :meth:`submission`.

        Raises
        ------
        GatewayError
            One of its kinds: nothing was created. :func:`may_resend` tells which of them are
            worth sending again.
        UncertainSubmission
            The answer leaves open whether a job exists.
        """
        ...

    def status_calls(self, job_id: str, request_id: str | None = None) -> list[Call]:
        """Return where to ask about a job, in this order: a 404 goes on to the next."""
        ...

    def read_status(self, answer: Answer, job_id: str) -> MusicJob:
        """Read the answer to one of :meth:`status_calls`.

        Raises
        ------
        JobNotFound
            404, in whatever dress.
        GatewayError
            The question was refused (the job may go on), or the answer cannot be read.
        """
        ...

    def with_callback(self, request: Any, address: str) -> Any | None:
        """Return the same request with an address that the service reports to.

        ``None`` where it knows no callbacks, or the request says something about them itself.
        """
        ...

    def models_calls(self) -> list[Call]:
        """Return the calls that list models and prices; none where the service has no list."""
        ...

    def read_models(self, answers: list[Answer]) -> list[ModelInfo]:
        """Merge what came back; never raises, the built-in list stands in for what is missing."""
        ...

    def estimate_call(self, request: Any) -> Call | None:
        """Return the call that prices a request, or ``None`` where there is none."""
        ...

    def read_estimate(self, answer: Answer) -> Cost:
        """Read a price; an unknown one where the answer holds none. Never raises."""
        ...

    def list_price(self, request: Any) -> Cost:
        """Return the price by the built-in list, without asking anybody."""
        ...

    def credits_call(self) -> Call | None:
        """Return the call that says how many credits are left; ``None`` where there are none."""
        ...

    def read_credits(self, answer: Answer) -> Credits:
        """Read how many credits are left.

        Raises
        ------
        GatewayError
            One of its kinds: the question was refused, or the answer cannot be read.
        """
        ...
