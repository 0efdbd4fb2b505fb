"""Asking how jobs stand: under which names, how often, and what counts as an end."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar, get_args

import anyio.to_thread

from ..errors import (
    ConnectionFailed,
    GatewayError,
    GatewayUnavailable,
    Issue,
    JobFailed,
    JobNotFound,
    JobTimeout,
    RateLimited,
    RequestRejected,
)
from ..gateways import Gateway, failure_message, may_resend
from ..gateways.values import said
from ..jobs import MusicJob, Status
from ..polling import Schedule
from ..transport.bodies import OFF_LOOP
from ..transport.http import Sleep, Transport
from ..transport.messages import Answer
from ..transport.retry import LONGEST_PAUSE
from .hints import Hints
from .memory import JobMemory

T = TypeVar("T")

log = logging.getLogger("phaseo_nb")

PATIENCE = 300.0  # seconds of nothing but failing questions before a wait gives up
NOT_YET_KNOWN = 3  # a job just accepted may take a moment to be known everywhere
AUDIO_LATE = 3  # "completed" is sometimes said before the audio is there
GRACE = 5.0  # seconds a question may go on after the deadline of the wait
_KNOWN_STATUSES = frozenset(get_args(Status))


class Asking:
    """Asks one gateway about jobs, and remembers what it said."""

    def __init__(
        self,
        gateway: Gateway,
        transport: Transport,
        memory: JobMemory,
        sleep: Sleep,
        clock: Callable[[], float],
        *,
        interval: float,
    ) -> None:
        self.gateway = gateway
        self._transport = transport
        self._memory = memory
        self._interval = interval
        self._sleep = sleep
        self._clock = clock
        self._warned: set[str] = set()

    def job_id(self, job: str | MusicJob) -> str:
        """Return the id of a job, after noting what is known about it."""
        if isinstance(job, MusicJob):
            if self._memory.get(job.id) is None:
                self._memory.put(job)
            return job.id
        expected = "Give the id of a job, such as the `.id` of what submit() returned."
        if not isinstance(job, str):
            raise RequestRejected(Issue("job_id", "invalid_type", type(job).__name__, expected))
        if not job.strip() or len(job) > 1000:
            raise RequestRejected(Issue("job_id", "invalid_id", job, expected))
        return job.strip()

    async def get(self, job_id: str, *, within: float | None = None) -> MusicJob:
        """Ask once, under every name of the job; see :meth:`MusicClient.get`."""
        entry = self._memory.get(job_id)
        request_id = entry.job.request_id if entry else None
        unknown: JobNotFound | None = None
        for call in self.gateway.status_calls(job_id, request_id):
            answer = await self._transport.send(call, deadline=within)
            try:
                state = await read_answer(self.gateway.read_status, answer, job_id)
            except JobNotFound as error:
                unknown = unknown or error
            except GatewayError as error:
                if isinstance(error, RateLimited) and may_resend(error):
                    self._transport.note_busy(error.retry_after)
                # An older route that this key may not use says nothing about the job.
                if unknown is None or _is_passing(error):
                    raise
            else:
                entry = self._memory.put(state.replace(id=job_id))
                entry.asked_at, entry.misses = self._clock(), 0
                return entry.job
        if entry is not None:
            entry.asked_at = self._clock()
            entry.misses += 1
            if entry.job.has_audio:
                return entry.job
        assert unknown is not None
        raise unknown

    async def watch(
        self,
        job: str | MusicJob,
        poll: Schedule,
        timeout: float | None,
        hints: Hints | None = None,
    ) -> AsyncGenerator[MusicJob, None]:
        """Ask until the end; see :meth:`MusicClient.watch`."""
        check_seconds("timeout", timeout)
        job_id = self.job_id(job)
        began = self._clock()
        ends = None if timeout is None else began + timeout
        entry = self._memory.get(job_id)
        if entry is not None and entry.job.is_finished and _is_whole(entry.job):
            yield entry.job
            return
        is_ours = entry is not None and entry.submitted_at is not None
        pauses = poll(self._interval)
        pause = next(pauses) if is_ours else 0.0
        failing_since: float | None = None
        late = 0
        while True:
            await self._pause(job_id, pause, ends, timeout, hints)
            try:
                within = None if ends is None else max(0.0, ends - self._clock()) + GRACE
                state = await self.get(job_id, within=within)
            except (ConnectionFailed, GatewayError, JobNotFound) as error:
                now = self._clock()
                failing_since = now if failing_since is None else failing_since
                if not self._may_ask_again(error, job_id, now - failing_since, hints):
                    raise
                asked = getattr(error, "retry_after", None) or 0.0
                pause = max(next(pauses), min(asked, LONGEST_PAUSE))
                continue
            failing_since = None
            self._note_status(state)
            if hints is not None:
                hints.compare(state.stage, state.is_finished)
            yield state
            if state.is_finished and (_is_whole(state) or late >= AUDIO_LATE):
                return
            late += state.is_finished
            pause = next(pauses)

    def check_end(self, job: MusicJob) -> None:
        """Raise ``JobFailed`` for a job that ended without music."""
        if job.status == "failed" or not job.has_audio:
            entry = self._memory.get(job.id)
            began = entry.submitted_at if entry else None
            elapsed = None if began is None else self._clock() - began
            message = failure_message(job, elapsed=elapsed, wire=self.gateway.name)
            raise JobFailed(message, job=job)

    async def _pause(
        self,
        job_id: str,
        pause: float,
        ends: float | None,
        timeout: float | None,
        hints: Hints | None,
    ) -> None:
        """Sleep until the next question; the deadline may allow one earlier, last one."""
        entry = self._memory.get(job_id)
        asked_at = entry.asked_at if entry else None
        now = self._clock()
        left = None if ends is None else max(0.0, ends - now)
        if hints is not None:
            soonest = 0.0 if asked_at is None else asked_at + self._interval - now
            if await hints.rest(pause, soonest, left):
                return
        elif left is None or pause < left:
            await self._sleep(pause)
            return
        elif left:
            await self._sleep(left)
        if left and (asked_at is None or now + left - asked_at >= self._interval):
            return
        job = entry.job if entry else None
        status = f" (last status: {said(job.status, 80)})" if job else ""
        message = (
            f"Job {job_id[:80]} is not finished after {timeout:g} s{status}. It goes on at the "
            "service and nothing is lost: `nb.resume()`, running the cell again or "
            f"`await client.wait({job_id[:80]!r})` takes it up again."
        )
        raise JobTimeout(message, job_id=job_id, job=job)

    def _may_ask_again(
        self, error: Exception, job_id: str, failing_for: float, hints: Hints | None
    ) -> bool:
        if isinstance(error, JobNotFound):
            if hints is not None and hints.has_heard and not hints.is_over:
                return True  # it exists, and is not over
            entry = self._memory.get(job_id)
            is_new = entry is not None and entry.submitted_at is not None
            return is_new and entry is not None and entry.misses < NOT_YET_KNOWN
        return _is_passing(error) and not self._transport.is_closed and failing_for < PATIENCE

    def _note_status(self, job: MusicJob) -> None:
        if job.status not in _KNOWN_STATUSES and job.status not in self._warned:
            self._warned.add(job.status)
            log.warning(
                "The gateway used a status that is not known here, %r; the job counts as not "
                "finished until it says completed or failed.",
                job.status,
            )


async def read_answer(read: Callable[[Answer, Any], T], answer: Answer, about: Any) -> T:
    """Read an answer, a big one in a thread: 200 MB of JSON would stop the event loop."""
    if len(answer.body) <= OFF_LOOP:
        return read(answer, about)
    return await anyio.to_thread.run_sync(read, answer, about)


def check_seconds(name: str, value: Any) -> None:
    """Refuse a time that is none."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (is_number and 0 < value < 2**1023):  # more is no float
        expected = "Seconds greater than 0, or None."
        raise RequestRejected(Issue(name, "invalid_timeout", value, expected))


def _is_whole(job: MusicJob) -> bool:
    """Tell whether nothing better can be hoped for."""
    return job.status == "failed" or job.has_audio


def _is_passing(error: Exception) -> bool:
    if isinstance(error, RateLimited):
        return may_resend(error)
    return isinstance(error, (ConnectionFailed, GatewayUnavailable))
