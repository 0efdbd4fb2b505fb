"""The errors of requests that ended without a take, made again from what the journal knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import JobFailed, JobTimeout, LibraryError, PhaseoError, UncertainSubmission
from ..gateways import failure_message
from ..takes.handle import Job

if TYPE_CHECKING:
    from ..jobs import Cost
    from ..keeping.entries import Entry

LOOK = "nb.library().uncertain()"


def error_of(entry: Entry) -> PhaseoError:
    """Return the error that a settled row stands for."""
    answer = entry.read_answer()
    if entry.state == "uncertain" or answer is None:
        known = entry.known or "No clear answer came."
        since = datetime.fromtimestamp(entry.created_at).astimezone()
        return doubt(entry.read_request(), known, entry.read_price(), since, entry.request_id)
    return JobFailed(failure_message(answer, elapsed=entry.seconds, wire=entry.gateway), job=answer)


def doubt(
    request: Any,
    known: str,
    price: Cost | None,
    since: datetime | None = None,
    request_id: str | None = None,
) -> UncertainSubmission:
    """Return the error of a request of which nobody knows what became of it."""
    about = f" ({price})" if price and (price.usd or price.credits) else ""
    when = f" since {since:%Y-%m-%d %H:%M}" if since else ""
    message = (
        f"This request has an open end{when}. {known} A job may exist and may cost{about}, so it "
        f"was not sent again. `{LOOK}` shows what can be done; `fresh=True` sends it once more, "
        "and pays once more if the first one went through."
    )
    return UncertainSubmission(
        message, request=request, known=known, price=price, request_id=request_id
    )


@contextmanager
def nothing_sent() -> Iterator[None]:
    """Say of a journal that refuses before anything was sent that nothing was sent."""
    try:
        yield
    except LibraryError as error:
        message = f"{error} The request was not sent; nothing was paid."
        raise LibraryError(message, is_unwritable=error.is_unwritable) from error


def stopped(job: Job) -> JobTimeout:
    """Return the error of a wait that was ended on purpose."""
    if job.answer is None:
        message = (
            "Stopped before it was sent: nothing was created, nothing was paid. Running the cell "
            "again sends it."
        )
        return JobTimeout(message, job_id="")
    message = (
        f"Stopped waiting after {job.elapsed:.1f} s. Job {job.answer.id} goes on at the service "
        "and nothing is lost: `nb.resume()` takes it up again, and so does running the cell again."
    )
    return JobTimeout(message, job_id=job.answer.id, job=job.answer)
