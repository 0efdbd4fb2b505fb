"""How a cell without a take ended, by the error that its job ended with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from ...engine import HAS_THREADS
from ...errors import (
    AuthenticationError,
    BudgetExceeded,
    ConnectionFailed,
    EndpointDisabled,
    GatewayUnavailable,
    InsufficientFunds,
    JobFailed,
    JobTimeout,
    LibraryError,
    RateLimited,
    SettingsError,
    UncertainSubmission,
)

T = TypeVar("T")
# After these, every other request would be told the same.
_FOR_ALL = (AuthenticationError, InsufficientFunds, EndpointDisabled, BudgetExceeded, SettingsError)
_OUT_OF_REACH = (ConnectionFailed, GatewayUnavailable, RateLimited)


def ending_of(error: Exception, *, exists: bool) -> tuple[str, str]:
    """Return the state of a cell and why there is no take.

    Parameters
    ----------
    error
        What its job ended with.
    exists
        Whether there is a job at the service.
    """
    reason = str(error) or type(error).__name__
    if isinstance(error, JobFailed):
        if error.job.status == "completed":
            return "empty", reason
        return "failed", error.reason or reason
    if isinstance(error, UncertainSubmission):
        return "uncertain", error.known or reason
    if exists:
        return "unfinished", reason
    return "new" if isinstance(error, (JobTimeout, BudgetExceeded)) else "refused", reason


def is_for_all(error: Exception) -> bool:
    """Tell whether every other request would end like this one."""
    unwritable = isinstance(error, LibraryError) and error.is_unwritable
    return isinstance(error, _FOR_ALL) or unwritable


def is_out_of_reach(error: Exception) -> bool:
    """Tell whether nobody answered; once is nothing, again and again is a gateway that is away."""
    return isinstance(error, _OUT_OF_REACH)


async def aside(work: Callable[[], T]) -> T:
    """Run what blocks beside the event loop, where there are threads."""
    if not HAS_THREADS:
        return work()
    return await asyncio.get_running_loop().run_in_executor(None, work)
