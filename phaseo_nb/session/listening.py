"""What callbacks are to a job: an address for its order, and words that prove nothing.

A token is made before an order goes out, and only its hash is written down, in the same step as
the order itself. What arrives there is shown in the service's own words and marked as such, and
hints when to ask the feed; it stands in for the feed only where that does not answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ..callbacks import Spool, address, hash_of, mailbox, new_token
from ..callbacks.threads import in_thread
from ..errors import ConnectionFailed, GatewayError, JobNotFound, PhaseoError
from ..gateways import parse_callback

if TYPE_CHECKING:
    from ..client import MusicClient
    from ..client.hints import Hints, Way
    from ..gateways import Gateway
    from ..jobs import MusicJob
    from ..polling import Schedule
    from ..takes.handle import Job

log = logging.getLogger("phaseo_nb")

GRACE = 3600.0
"""Seconds for which an address is good after the deadline of the wait: services may be late."""
A_DAY = 86_400.0
STAGES = ("new", "text", "first", "complete")
NOT_CONFIRMED = (
    "As the service's callback said it: its feed did not answer for this job, so title, lyrics and "
    "tracks are unverified."
)


class Invitation(NamedTuple):
    """An order with the address that its service may report to."""

    request: Any
    """As it is sent; never written down."""
    sha256: str
    """Hash of the token in the address."""
    until: float
    """Wall time in seconds until which it is good."""


class Callbacks:
    """Hands out addresses for the orders of one gateway.

    Parameters
    ----------
    base
        The public address under which a door of this machine can be reached.
    gateway
        Says whether, and how, an order carries an address.
    """

    def __init__(self, base: str, gateway: Gateway) -> None:
        from ..client.hints import Way  # with the client comes httpx, which a form can do without

        self.base = base
        self.way = Way(f"callbacks at {base}")
        self._gateway = gateway

    async def invite(self, job: Job) -> Invitation | None:
        """Make an address for an order; ``None`` where none can be given."""
        token = new_token()
        inviting = self._gateway.with_callback(job.request, address(self.base, token))
        if inviting is None:
            return None
        lasts = A_DAY if job.timeout is None else job.timeout + GRACE
        invitation = Invitation(inviting, hash_of(token), time.time() + lasts)
        try:
            await in_thread(Spool().expect, invitation.sha256, invitation.until)
        except (OSError, PhaseoError) as error:
            log.warning("No callback for this job, it is polled instead: %s", error)
            return None
        job.callback = invitation.sha256
        return invitation


async def wait(
    client: MusicClient, job: Job, poll: Schedule | None = None, way: Way | None = None
) -> MusicJob:
    """Wait for the end of a job, hinted by what arrives for it; see :meth:`MusicClient.wait`.

    Where the feed does not answer, the word of the callbacks counts if it is the last one and
    has something to hear; a failure is believed from the service's own answers only.
    """
    assert job.answer is not None
    sha256 = job.callback
    if sha256 is None:
        return await client.wait(job.answer, timeout=job.timeout, on_update=job.update, poll=poll)
    from ..client.hints import Hints

    hints = Hints(way)
    if (said := await last_word(sha256, job.id or "")) is not None:  # before a restart, perhaps
        hints.hear(said.stage, is_over=said.is_finished)
    following = asyncio.ensure_future(_follow(job, sha256, hints))
    try:
        return await client.wait(
            job.answer, timeout=job.timeout, on_update=job.update, poll=poll, hints=hints
        )
    except (JobNotFound, GatewayError, ConnectionFailed):
        said = await last_word(sha256, job.id or "")
        if said is None or said.status != "completed" or not said.has_audio:
            raise
        job.notes += (NOT_CONFIRMED,)
        job.update(said)
        return said
    finally:
        following.cancel()


async def _follow(job: Job, sha256: str, hints: Hints) -> None:
    try:
        await follow(job, sha256, hints)
    except OSError as error:  # the folder of arrivals cannot be read: then it is asked as usual
        log.warning("Callbacks cannot be read (%s); the service is asked instead.", error)
        hints.is_deaf = True


async def follow(job: Job, sha256: str, hints: Hints) -> None:
    """Pass on what arrives for a job to its handle and to whoever asks about it; never ends."""
    best = -1
    async with contextlib.aclosing(mailbox().letters(sha256)) as letters:
        async for letter in letters:
            said = _read(letter.body, job.id or "")
            if said is None:
                continue
            rank = len(STAGES) if said.is_finished else _rank(said)
            is_further = rank > best
            best = max(best, rank)
            if is_further and not said.is_finished:  # of the end the feed speaks
                job.hear(said)
            hints.hear(said.stage, is_over=said.is_finished)


async def last_word(sha256: str, job_id: str) -> MusicJob | None:
    """Return the furthest that callbacks said of a job, marked as unverified."""
    letters = await in_thread(Spool().arrivals, sha256)
    words = [said for letter in letters if (said := _read(letter.body, job_id)) is not None]
    words.sort(key=lambda said: (said.is_finished, said.has_audio, _rank(said)))
    return words[-1].replace(is_unverified=True) if words else None


async def reported(job: Job, sha256: str | None) -> MusicJob:
    """Return the last word about an order that has no other name than its token.

    Raises
    ------
    JobNotFound
        There is none.
    """
    said = await last_word(sha256, "") if sha256 else None
    if said is None:
        message = (
            "No answer came and no callback either, so nobody knows whether the job exists. Look "
            "at the usage page of your account; then `submit_again()` or `write_off()`."
        )
        raise JobNotFound(message, job_id="")
    job.callback = sha256
    job.notes += (NOT_CONFIRMED,)
    return said


async def close(job: Job) -> None:
    """Close the address of a job that is over: whatever still comes there is unknown."""
    if job.callback is not None:
        with contextlib.suppress(OSError):
            await in_thread(Spool().forget, job.callback)


def _read(body: bytes, job_id: str) -> MusicJob | None:
    try:
        said = parse_callback(body, job_id)
    except GatewayError:
        return None  # anybody's nonsense
    return said.replace(is_unverified=True)


def _rank(said: MusicJob) -> int:
    return STAGES.index(said.stage) if said.stage in STAGES else 0
