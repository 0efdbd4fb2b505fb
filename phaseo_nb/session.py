"""``Session``: one gateway, one shelf of takes, one budget.

A request comes down from a cell, is compared with what is kept, on its way or open, is paid for
against the budget, and goes to the client on the engine's thread. What comes back is kept before
anybody is told. Nothing here knows that a notebook exists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from .budget import Budget
from .client import MusicClient
from .engine import engine
from .errors import (
    AudioError,
    Issue,
    JobFailed,
    JobTimeout,
    PhaseoError,
    RequestRejected,
    UncertainSubmission,
)
from .handle import Job
from .jobs import Cost, MusicJob, Track
from .requests import MusicRequest, UdioRequest, build_request, request_key
from .settings import Connection, home_folder
from .shelf import Shelf, shelf_of
from .takes import Take, prompt_of


class Session:
    """A connection to one gateway, with its takes and its budget.

    Made by :func:`phaseo_nb.connect`. Jobs run on a thread of their own, so a session can be used
    from any cell, callback or thread.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        budget_usd: float | None = None,
        allow_unknown_price: bool = False,
        announcement: str | None = None,
    ) -> None:
        self.connection = connection
        self.shelf: Shelf = shelf_of(home_folder().value)
        self.budget = Budget(
            budget_usd,
            allow_unknown_price=allow_unknown_price,
            amounts=self.shelf.amounts[connection.base_url],
        )
        self._client = MusicClient.of(connection)
        self._announcement = announcement

    @property
    def _place(self) -> str:
        return f"{self.connection.name} {self.connection.base_url}"

    @property
    def gateway(self) -> str:
        """``"phaseo"``, ``"udio"`` or ``"sandbox"``."""
        return self.connection.label

    @property
    def is_sandbox(self) -> bool:
        """True where music is made on this machine, offline and free."""
        return self.connection.is_sandbox

    def __repr__(self) -> str:
        budget = f", {self.budget}" if self.budget.limit is not None else ""
        return f"<Session {self.connection.describe()}{budget}>"

    def announce_once(self) -> str | None:
        """Return what should be said aloud about this connection, the first time it is asked."""
        said, self._announcement = self._announcement, None
        return said

    # -- down: from words to a job -----------------------------------------------------------

    def start(
        self,
        prompt: str | None = None,
        *,
        request: MusicRequest | UdioRequest | None = None,
        take: int | None = None,
        fresh: bool = False,
        timeout: float | None = 900.0,
        **words: Any,
    ) -> Job:
        """Start a request, or find what it has already become; returns at once.

        Parameters are those of :func:`phaseo_nb.generate`.

        Raises
        ------
        RequestRejected, SettingsError, BudgetExceeded
            Before anything is sent.
        UncertainSubmission, JobFailed
            This very request ended openly before; only ``fresh=True`` buys it again.
        """
        _check_waiting(take, fresh, timeout)
        request, notes = self._request(prompt, request, words)
        key = request_key(request, gateway=self.connection.name, base_url=self.connection.base_url)
        with self.shelf.lock:
            if not fresh:
                found = self._found(key, take, timeout)
                if found is not None:
                    return found
            job = Job(
                key=key,
                request=request,
                place=self._place,
                prompt=prompt_of(request) or "",
                number=take if take and not fresh else self.shelf.next_number(key),
                notes=notes,
                price=self._client.gateway.list_price(request),
                timeout=timeout,
            )
            job.failed_before = self.shelf.failed_cost(key)
            self.budget.reserve(job)
            self.shelf.open(job)
        engine.submit(self._carry(job))
        return job

    def resume(self, job: Job, *, timeout: float | None = 900.0) -> Job:
        """Take up an open job that nobody looks after; returns its new handle."""
        if job.is_waiting:
            return job
        again = Job(
            key=job.key,
            request=job.request,
            place=job.place,
            prompt=job.prompt,
            number=job.number,
            notes=job.notes,
            price=job.price,
            timeout=timeout,
            answer=job.answer,
        )
        again.reserved_as = job.reserved_as
        self.shelf.open(again)
        engine.submit(self._carry(again))
        return again

    def open_jobs(self) -> list[Job]:
        """Return what is not finished at this gateway, oldest first."""
        return self.shelf.open_jobs(self._place)

    def usual_time(self, job: Job) -> float | None:
        """Return how long jobs of this model have taken here, in seconds."""
        return self.shelf.usual_time(_model_of(job))

    def _request(
        self,
        prompt: str | None,
        request: MusicRequest | UdioRequest | None,
        words: Mapping[str, Any],
    ) -> tuple[MusicRequest | UdioRequest, tuple[str, ...]]:
        wire = self._client.gateway.name
        given = {name: value for name, value in words.items() if value is not None}
        if request is not None:
            also = [name for name in ("prompt", *given) if name != "prompt" or prompt is not None]
            if also:
                expected = "Give a ready request or words, not both."
                raise RequestRejected(Issue("request", "request_and_words", also, expected))
            fits = UdioRequest if wire == "udio" else MusicRequest
            if not isinstance(request, fits):
                expected = f"The {wire} gateway takes a {fits.__name__}."
                raise RequestRejected(Issue("request", "wrong_request", type(request), expected))
            return request, tuple(request.ineffective())
        if "model" not in given:
            given["model"] = self._client.default_model()
        return build_request("udio" if wire == "udio" else "phaseo", prompt, **given)

    def _found(self, key: str, take: int | None, timeout: float | None) -> Job | None:
        kept = self.shelf.find(key, take)
        if kept is not None:
            request = kept.request
            job = Job(
                key=key,
                request=request,
                prompt=prompt_of(request) or "",
                number=kept.number,
                answer=kept.job,
            )
            job.was_kept = True
            job.finish(kept)
            return job
        on_its_way = self.shelf.open_job(key, take)
        if on_its_way is not None:
            return self.resume(on_its_way, timeout=timeout)
        error = self.shelf.open_end(key, take)
        if error is not None:
            raise error.with_traceback(None)
        return None

    # -- up: from a job to a take ------------------------------------------------------------

    async def _carry(self, job: Job) -> None:
        """Run one job to its end on the engine; whatever ends it, somebody is told."""
        try:
            take = await self._make(job)
        except JobTimeout as error:  # stays open: it can be taken up again
            job.fail(error)
        except UncertainSubmission as error:
            error.price = error.price or job.price
            self.shelf.end_openly(job, error)
            job.fail(error)
        except JobFailed as error:
            self.budget.settle(job, error.job.cost)
            if error.job.status == "completed":  # paid, and there is no music to show for it
                self.shelf.end_openly(job, error)
            else:
                self.shelf.fail(job, error.job.cost)
            job.fail(error)
        except AudioError as error:  # made and paid; running the cell again fetches again
            job.fail(error)
        except PhaseoError as error:
            if job.answer is None:  # refused or never sent: nothing was created
                self.shelf.close(job)
                self.budget.settle(job, Cost(usd=0.0))
            job.fail(error)
        except BaseException as error:  # the job exists and stays open; somebody must be told
            job.fail(error)
            raise
        else:
            job.finish(take)

    async def _make(self, job: Job) -> Take:
        if job.answer is None:
            job.update(await self._hand_in(job))
        answer = await self._wait(job)
        self.budget.settle(job, answer.cost)
        take = await self._collect(job, answer)
        self.shelf.note_time(_model_of(job), job.elapsed)
        self.shelf.keep(job, take)
        return take

    async def _hand_in(self, job: Job) -> MusicJob:
        """Submit; whatever is not a clear refusal leaves open whether it was created."""
        try:
            return await self._client.submit(job.request)
        except PhaseoError:
            raise
        except BaseException as error:
            known = f"Handing it in broke off with {type(error).__name__}."
            message = (
                f"{known} The job may exist and may cost; it was not sent again. To buy it once "
                "more in any case: `fresh=True`."
            )
            raise UncertainSubmission(message, request=job.request, known=known) from error

    async def _wait(self, job: Job) -> MusicJob:
        """Wait for the service, until the deadline or until nobody wants to wait any more."""
        assert job.answer is not None
        if job.stop_requested:
            raise _stopped(job)
        loop = asyncio.get_running_loop()
        waiting = asyncio.ensure_future(
            self._client.wait(job.answer, timeout=job.timeout, on_update=job.update)
        )

        def stop() -> None:
            loop.call_soon_threadsafe(waiting.cancel)

        job.on_stop(stop)
        try:
            return await waiting
        except asyncio.CancelledError:
            if job.stop_requested:
                raise _stopped(job) from None
            raise

    async def _collect(self, job: Job, answer: MusicJob) -> Take:
        """Fetch every playable track; one that cannot be fetched does not cost the others."""
        fetched = await asyncio.gather(
            *(self._fetch(answer, track) for track in answer.tracks), return_exceptions=True
        )
        errors = [error for error in fetched if isinstance(error, BaseException)]
        unexpected = [error for error in errors if not isinstance(error, PhaseoError)]
        recordings = [data if isinstance(data, bytes) else None for data in fetched]
        if unexpected or not any(recordings):
            raise (unexpected or errors)[0]
        take = Take.of(
            answer,
            recordings,
            id=f"{job.key[:12]}-{job.number}",
            request=job.request,
            number=job.number,
            notes=(*job.notes, *(f"One track could not be fetched. {error}" for error in errors)),
        )
        # Decoding and measuring take a while, and the event loop serves other jobs meanwhile.
        return await asyncio.get_running_loop().run_in_executor(None, take.prepare)

    async def _fetch(self, answer: MusicJob, track: Track) -> bytes | None:
        if not track.is_playable:
            return None
        data = await self._client.download(track, job=answer)
        assert isinstance(data, bytes)  # no path was given
        return data


def _check_waiting(take: Any, fresh: Any, timeout: Any) -> None:
    """Refuse what would be misread: ``take=True`` is 1 to Python, and NaN waits for ever."""
    if take is not None and (isinstance(take, bool) or not isinstance(take, int) or take < 1):
        raise RequestRejected(Issue("take", "invalid_take", take, "A take is a number from 1."))
    if take is not None and fresh:
        expected = "`fresh=True` makes the next take by itself; give one of the two."
        raise RequestRejected(Issue("take", "take_and_fresh", take, expected))
    number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    if timeout is not None and not (number and timeout > 0):
        expected = "Seconds greater than 0, or None to wait for ever."
        raise RequestRejected(Issue("timeout", "invalid_timeout", timeout, expected))


def _model_of(job: Job) -> str:
    return str(getattr(job.request, "model", None) or "")


def _stopped(job: Job) -> JobTimeout:
    assert job.answer is not None
    message = (
        f"Stopped waiting after {job.elapsed:.1f} s. Job {job.answer.id} goes on at the service "
        "and nothing is lost: `nb.resume()` takes it up again, and so does running the cell again."
    )
    return JobTimeout(message, job_id=job.answer.id, job=job.answer)
