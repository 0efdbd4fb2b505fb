"""From a planned order to a kept take, or to an end that everybody can see.

Each step is written down before the next one begins. What can go wrong on the way is one of
three: nothing was created (the order is withdrawn), nobody knows (it stays ``uncertain``), or it
exists (it stays open until its audio is kept).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from ..errors import (
    JobFailed,
    JobNotFound,
    JobTimeout,
    LibraryError,
    PhaseoError,
    RequestRejected,
    UncertainSubmission,
)
from ..jobs import MusicJob, Track
from ..keeping import Library
from ..keeping.entries import OPEN, Entry
from ..keeping.folder import Folder
from ..keeping.journal import End, Journal
from ..keeping.outcomes import here
from ..keeping.records import trimmed
from ..keeping.shelf import take_of
from ..keeping.store import Recording
from ..polling import Schedule
from ..takes import Take
from ..takes.handle import Job
from ..transport.secrets import scrub
from .bookkeeping import Bookkeeper, Recordings, no_audio
from .listening import Callbacks, close, reported, wait
from .open_ends import doubt, error_of, stopped
from .throttle import NotSent, Throttle, Ticket

if TYPE_CHECKING:
    from ..client import MusicClient

log = logging.getLogger("phaseo_nb")

LOOK_EVERY = 0.5
"""Seconds between two looks at a job that another kernel asks for."""


class Carrier:
    """Carries jobs of one client into one library; runs on the engine."""

    def __init__(
        self,
        client: MusicClient,
        library: Library,
        key: SecretStr | None,
        callbacks: Callbacks | None = None,
        rhythm: Callable[[Job, float], Schedule | None] = lambda job, age: None,
        throttle: Throttle | None = None,
    ) -> None:
        self._client = client
        self._throttle = throttle or Throttle(client.base_url)
        self._callbacks = callbacks
        self._rhythm = rhythm
        """Says when to ask about a job that has been on its way for so many seconds."""
        self._library = library
        self._journal = library.folder.journal
        """As it was opened: once that is closed, nothing is taken up or sent any more."""
        self._book = Bookkeeper(library)
        self._key = key

    @property
    def _folder(self) -> Folder:
        return self._library.folder

    @property
    def _books(self) -> Journal:
        """Where what happened is written down, also after somebody closed the library."""
        return self._folder.journal

    async def carry(self, job: Job, entry: Entry, after: Job | None = None) -> None:
        """Run one job to its end; whatever ends it, somebody is told.

        Parameters
        ----------
        job, entry
            Which job, and its row.
        after
            A handle of the same row that somebody stopped, and that has not come to its end yet.
        """
        work = self._make(job, entry) if after is None else self._make_after(job, entry, after)
        await self._to_the_end(job, work)

    async def look(self, job: Job, entry: Entry) -> None:
        """Ask for an order of which only a name is known, and carry on from there."""
        await self._to_the_end(job, self._find(job, entry))

    async def _to_the_end(self, job: Job, work: Coroutine[Any, Any, Take]) -> None:
        try:
            take = await work
        except BaseException as error:
            try:
                await self._settle(job, error)
                self._journal.leases.forget(job.n)
                if not (job.unwritten or _stays_open(job, error)):
                    self._let_go(job)
                if not (isinstance(error, UncertainSubmission) or _stays_open(job, error)):
                    await close(job)
            finally:  # whatever else goes wrong, nobody waits for ever
                self._throttle.poke()
                job.fail(stopped(job) if isinstance(error, NotSent) else error)
            if not isinstance(error, Exception):
                raise
        else:
            if not job.unwritten:  # else only the handle knows what came of it
                self._let_go(job)
            job.finish(take)
            await close(job)

    def _let_go(self, job: Job) -> None:
        if self._folder.handles.get(job.n) is job:
            del self._folder.handles[job.n]

    async def _settle(self, job: Job, error: BaseException) -> None:
        """Write down how a job ended that is no take."""
        if isinstance(error, UncertainSubmission):
            error.price = error.price or job.price
            known, request_id = scrub(error.known, self._key), error.request_id
            await self._end(job, "uncertain", known=known, request_id=request_id)
        elif isinstance(error, JobFailed):
            state: End = "empty" if error.job.status == "completed" else "failed"
            await self._end(job, state, known=error.reason, answer=error.job)
        elif job.answer is None and isinstance(error, (PhaseoError, NotSent)):
            await self._book.write(
                job,
                lambda: here(
                    self._books.withdraw(
                        job.n,
                        was_claimed=job.is_claimed,
                        for_good=isinstance(error, RequestRejected),
                        known=scrub(str(error), self._key),
                    )
                ),
            )
        elif isinstance(error, JobNotFound):
            name = job.row[0] if job.row else job.n
            way_out = f"To close it for good: `nb.library().get({name!r}).write_off()`."
            error.args = (f"{error} {way_out}",)
            await self._end(job, "expired", known="The service did not know it when last asked.")
        else:  # it exists; whoever comes next takes it up
            await self._end(job, "expired")

    async def _end(self, job: Job, state: End, **facts: Any) -> None:
        await self._book.write(job, lambda: here(self._books.end(job.n, state, **facts)))

    # -- the steps -------------------------------------------------------------------------------

    async def _make_after(self, job: Job, entry: Entry, after: Job) -> Take:
        """Go on where another handle stops: an order on the wire is answered and noted first."""
        await after.ended()
        if after.unwritten:
            job.go_on_from(after)
        entry = await here(self._journal.lease(job.n))
        return await self._make(job, entry)

    async def _make(self, job: Job, entry: Entry) -> Take:
        entry = await self._our_turn(job, entry)
        answer = entry.read_answer() or job.answer
        if answer is None and entry.state in OPEN and entry.state != "planned":
            # It was sent by us, and yet nobody waits for its answer any more.
            raise doubt(job.request, _BROKEN_OFF, job.price)
        if entry.state not in (*OPEN, "kept"):
            raise error_of(entry)
        if job.was_kept:
            return take_of(self._folder, entry)
        recordings = dict(_known(entry))
        if answer is None:
            answer, recordings = await self._hand_in(job)
        else:
            answer = self._book.with_audio(answer, recordings)
            job.update(answer)
        if entry.state != "kept":
            age = max(0.0, time.time() - (entry.submitted_at or time.time()))
            answer = await self._wait(job, age)
        return await self._collect(job, answer, recordings, is_kept=entry.state == "kept")

    async def _our_turn(self, job: Job, entry: Entry) -> Entry:
        """Return the row once it is ours, or once it has come to an end in another kernel."""
        if entry.state == "planned" and entry.owner == self._folder.leases.me:
            return entry
        ends = None if job.timeout is None else time.monotonic() + job.timeout
        while True:
            entry = await here(self._journal.lease(job.n))
            is_mine = entry.owner == self._folder.leases.me
            if is_mine or entry.state not in OPEN:
                was_elsewhere, job.is_watched_elsewhere = job.is_watched_elsewhere, False
                job.was_kept = was_elsewhere and entry.state == "kept"
                return entry
            job.is_watched_elsewhere = True
            answer = entry.read_answer()
            if answer is not None and answer != job.answer:
                job.update(answer)
            if job.stop_requested:
                raise stopped(job)
            if ends is not None and time.monotonic() >= ends:
                raise _too_long(job, entry)
            await asyncio.sleep(LOOK_EVERY)

    async def _hand_in(self, job: Job) -> tuple[MusicJob, Recordings]:
        """Submit, and write down the answer with the audio that it brought."""
        answer, note = trimmed(await self._submit(job))
        job.notes += (note,) if note else ()
        job.update(answer, is_told=False)  # an id that is shown is one that is written down
        recordings = await self._book.put_what_came(answer)
        await self._book.write(job, lambda: here(self._books.answered(job.n, answer, recordings)))
        job.update(answer)
        return answer, recordings

    async def _submit(self, job: Job) -> MusicJob:
        """Hand a request in; whatever is not a clear refusal leaves open whether it was created."""
        invitation = await self._callbacks.invite(job) if self._callbacks else None
        callback = (invitation.sha256, invitation.until) if invitation else None
        request = invitation.request if invitation else job.request

        ticket = Ticket(self._throttle, self._journal, job, callback)
        try:
            return await self._client.submit(request, before_sending=ticket.go, turn=ticket.wait)
        except UncertainSubmission as error:  # the same words now and after a restart
            known, price = error.known, error.price or job.price
            raise doubt(job.request, known, price, None, error.request_id) from error.__cause__
        except (PhaseoError, NotSent):
            raise
        except BaseException as error:
            known = f"Handing it in broke off with {type(error).__name__}."
            raise doubt(job.request, known, job.price) from error
        finally:
            ticket.done()

    async def _find(self, job: Job, entry: Entry) -> Take:
        name = entry.job_id or entry.request_id
        if not name:
            return await self._find_by_callback(job, entry)
        known = entry.read_answer() or MusicJob(name, "unknown", request_id=entry.request_id)
        try:
            answer, _ = trimmed(await self._client.get(known))
        except PhaseoError as error:
            job.update(known)  # it stays as it was
            raise error
        entry = await here(self._journal.found_again(job.n, answer))
        return await self._make(job, entry)

    async def _find_by_callback(self, job: Job, entry: Entry) -> Take:
        """Take up an order that has no name but what its service reported."""
        answer = await reported(job, self._books.callback_of(job.n))
        if answer.is_finished and answer.has_audio:
            answer, _ = trimmed(answer)
            await here(self._journal.found_again(job.n, answer))
            job.update(answer)
            return await self._collect(job, answer, {}, is_kept=False)
        known = _REPORTED.format(stage=answer.stage)
        raise doubt(job.request, known, entry.read_price())

    async def _wait(self, job: Job, age: float) -> MusicJob:
        """Wait for the service, until the deadline or until nobody wants to wait any more."""
        assert job.answer is not None
        if job.stop_requested:
            raise stopped(job)
        if job.callback is None and not job.is_claimed:  # handed in by another kernel, perhaps
            with contextlib.suppress(LibraryError):  # no reason to give up what is on its way
                job.callback = self._books.callback_of(job.n)
        way = self._callbacks.way if self._callbacks else None
        loop = asyncio.get_running_loop()
        waiting = asyncio.ensure_future(wait(self._client, job, self._rhythm(job, age), way))

        def stop() -> None:
            loop.call_soon_threadsafe(waiting.cancel)

        job.on_stop(stop)
        try:
            answer, note = trimmed(await waiting)
        except asyncio.CancelledError:
            if job.stop_requested:
                raise stopped(job) from None
            raise
        if note and note not in job.notes:
            job.notes += (note,)
        await self._book.write(
            job,
            lambda: here(self._books.completed(job.n, answer, is_among_many=self._book.is_busy)),
        )
        self._throttle.poke()
        return answer

    async def _collect(
        self, job: Job, answer: MusicJob, recordings: Recordings, *, is_kept: bool
    ) -> Take:
        """Fetch every playable track; one that cannot be fetched does not cost the others."""
        there = {n: r for n, r in recordings.items() if self._folder.store.is_there(r)}
        fetched = await asyncio.gather(
            *(
                self._fetch(answer, track) if position not in there else _nothing()
                for position, track in enumerate(answer.tracks)
            ),
            return_exceptions=True,
        )
        errors = [error for error in fetched if isinstance(error, BaseException)]
        unexpected = [error for error in errors if not isinstance(error, PhaseoError)]
        data = [item if isinstance(item, bytes) else None for item in fetched]
        if unexpected or not (any(data) or there):
            raise (unexpected or errors)[0]
        lost = tuple(f"One track could not be fetched. {error}" for error in errors)
        if is_kept and not any(data):
            return await self._shown(job, lost)
        notes = (*job.notes, *lost, *no_audio(answer))
        return await self._book.keep(job, answer, data, there, notes)

    async def _shown(self, job: Job, lost: tuple[str, ...]) -> Take:
        entry = await here(self._journal.lease(job.n))
        job.was_kept = True
        job.notes += lost
        return take_of(self._folder, entry)

    async def _fetch(self, answer: MusicJob, track: Track) -> bytes | None:
        if not track.is_playable:
            return None
        data = await self._client.download(track, job=answer)
        assert isinstance(data, bytes)  # no path was given
        return data


_REPORTED = (
    "Its service reported the stage {stage!r} by callback: the job exists, under a name nobody "
    "knows. Look again in a minute; once it reports the end, that is kept."
)
_BROKEN_OFF = "Handing it in broke off in this kernel before an answer was written down."


def _stays_open(job: Job, error: BaseException) -> bool:
    """Tell whether a job can still be taken up after this error."""
    return job.answer is not None and not isinstance(error, (JobFailed, UncertainSubmission))


async def _nothing() -> None:
    """Stand in for a track that is here already."""


def _known(entry: Entry) -> Mapping[int, Recording]:
    return {n: recording for n, recording in enumerate(entry.recordings) if recording}


def _too_long(job: Job, entry: Entry) -> JobTimeout:
    name = entry.job_id or entry.id
    message = (
        f"Job {name} is not finished after {job.timeout:g} s. Another kernel looks after it and "
        "nothing is lost: running the cell again goes on waiting."
    )
    return JobTimeout(message, job_id=name, job=job.answer)
