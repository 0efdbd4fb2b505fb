"""The errors of requests that ended without a take, made again from what the journal knows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from .errors import JobFailed, JobTimeout, PhaseoError, UncertainSubmission
from .gateways import failure_message
from .handle import Job

if TYPE_CHECKING:
    from .keeping.entries import Entry

LOOK = "nb.library().uncertain()"


def error_of(entry: Entry) -> PhaseoError:
    """Return the error that a settled row stands for."""
    answer = entry.read_answer()
    if entry.state == "uncertain" or answer is None:
        known = entry.known or "No clear answer came."
        price = entry.read_price()
        about = f" ({price})" if price.usd or price.credits else ""
        when = datetime.fromtimestamp(entry.created_at).astimezone()
        message = (
            f"This request has an open end since {when:%Y-%m-%d %H:%M}. {known} A job may exist "
            f"and may cost{about}, so it was not sent again. `{LOOK}` shows what can be done; "
            "`fresh=True` sends it once more, and pays once more if the first one went through."
        )
        return UncertainSubmission(
            message,
            request=entry.read_request(),
            known=known,
            price=price,
            request_id=entry.request_id,
        )
    return JobFailed(failure_message(answer, elapsed=entry.seconds), job=answer)


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
