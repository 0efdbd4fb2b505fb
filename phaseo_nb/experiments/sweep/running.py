"""The run of a sweep: a window of jobs that moves over the cells, on the engine's thread.

Only what the window holds is in memory; a cell that has come to its end is a word. What is bought
is decided by the session and the journal, as for any other request, so a run can be stopped,
killed or started twice: each cell is paid once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from ...engine import engine
from ...errors import JobFailed, LibraryError, PhaseoError
from ...takes.handle import WAKE_EVERY
from .cells import standings
from .endings import aside, ending_of, is_for_all, is_out_of_reach
from .purse import RunPurse
from .runs import AnyRun, Orders

if TYPE_CHECKING:
    from ...takes.handle import Job
    from .compiling import Compiled, Place
    from .live_grid import GridCard

log = logging.getLogger("phaseo_nb")

FAREWELL = 3.0
"""Seconds that an interrupted cell waits for jobs to be put down."""
IN_A_ROW = 3
"""Times that a gateway may be out of reach before the run sends it nothing more."""


class Run(AnyRun):
    """One run whose jobs are looked after here; made by :meth:`Sweep.run`."""

    stopping = "interrupt the cell to stop; what went out goes on and is kept"

    def __init__(self, compiled: Compiled, orders: Orders, purse: RunPurse) -> None:
        super().__init__(compiled, orders, purse)
        self._states: list[str] = ["new"] * self.grid.count
        self._reasons: dict[int, tuple[str, str]] = {}
        self.jobs: dict[int, Job] = {}
        """The window: jobs that are waited for, by their cell."""
        self._todo: deque[int] = deque()
        self._same_as: dict[int, int] = {}
        self._out_of_reach: Counter[str] = Counter()
        self._ours: set[int] = set()
        """Cells whose handle was made by this run."""

    # -- what others read ------------------------------------------------------------------------

    @property
    def states(self) -> list[str]:
        """The state of each cell, as it was last heard of."""
        return self._states

    @property
    def reasons(self) -> dict[int, tuple[str, str]]:
        """Cells without a take: their state, and why."""
        return self._reasons

    @property
    def counts(self) -> Counter[str]:
        """How many cells are in which state."""
        counts = Counter(self.states)
        for index, job in list(self.jobs.items()):
            if self.states[index] == "waiting" and job.is_sent:
                counts["waiting"] -= 1
                counts["making"] += 1
        return +counts

    @property
    def to_do(self) -> list[int]:
        """Cells that still have to come to an end in this run, by place."""
        left = [0] * len(self.compiled.places)
        for index in [*self._todo, *self.jobs]:
            left[self.compiled.place_of[index // self.grid.takes]] += 1
        return left

    def state_of(self, index: int) -> str:
        """Return the state of a cell at this moment."""
        job = self.jobs.get(index)
        state = self.states[index]
        return "making" if state == "waiting" and job is not None and job.is_sent else state

    def live_states(self) -> dict[int, str]:
        """Return the states of the cells that are waited for."""
        return {index: self.state_of(index) for index in list(self.jobs)}

    def stop(self) -> None:
        """Send nothing more and stop waiting; from any thread. What went out goes on."""
        self.is_stopped = True
        for index, job in list(self.jobs.items()):
            if index in self._ours:
                job.stop_waiting()
        super().stop()

    # -- going -----------------------------------------------------------------------------------

    async def _go(self) -> None:
        try:
            await aside(self._look)
            window = min(self.orders.concurrency, len(self._todo))
            ends = await asyncio.gather(
                *(self._work() for _ in range(window)), return_exceptions=True
            )
            for error in ends:
                if isinstance(error, BaseException):
                    raise error
        finally:
            for index, first in self._same_as.items():
                self.states[index] = self.states[first]
                if first in self.reasons:
                    self.reasons[index] = self.reasons[first]
            self._todo.clear()

    def _look(self) -> None:
        """Find out what is there already; what is on its way comes first, as it costs nothing."""
        compiled, takes = self.compiled, self.grid.takes
        library = compiled.places[0].session.library
        library.folder.leases.recover().result()  # what a dead kernel had only planned is free
        found = standings(library, compiled.keys)
        first: dict[tuple[str, int], int] = {}
        on_their_way, new = [], []
        for row, key in enumerate(compiled.keys):
            for take in range(1, takes + 1):
                index = row * takes + take - 1
                earlier = first.setdefault((key, take), index)
                if earlier != index:
                    self._same_as[index] = earlier
                    continue
                standing = found.get((key, take))
                state = standing.cell_state if standing else "new"
                if standing and standing.is_waiting:  # nobody has it, or it is on its way there
                    state = "new" if standing.owner is None else "unfinished"
                self.states[index] = state
                if standing and standing.reason:
                    self.reasons[index] = state, standing.reason
                if state == "unfinished":
                    on_their_way.append(index)
                elif state == "new" or (state == "failed" and self.orders.retry_failed):
                    new.append(index)
        self._todo.extend([*on_their_way, *new])

    async def _work(self) -> None:
        """Take one cell after the other, until there are none or somebody stops."""
        while self._todo and not self.is_stopped:
            index = self._todo.popleft()
            place = self.compiled.place(index // self.grid.takes)
            is_new = self.states[index] != "unfinished"
            if is_new and not await self._may_buy(index, place):
                continue
            before = self.states[index], self.reasons.pop(index, None)
            self._set(index, "waiting")
            try:
                await self._one(index, place, is_new)
            finally:
                self.purse.settle(index)
                self.jobs.pop(index, None)
                self._ours.discard(index)
                if self.states[index] == "waiting":  # stopped before anything came of it
                    self._set(index, before[0])
                    if before[1]:
                        self.reasons[index] = before[1]

    async def _may_buy(self, index: int, place: Place) -> bool:
        """Set the price of a cell aside, or note why it is not bought."""
        why = self.why_closed.get(place.gateway)
        if why is None:
            why = await self.purse.reserve(index, place.price, place.session)
        if why is None and not self.is_stopped:
            return True
        self.purse.settle(index, 0.0, is_bought=False)
        if why is not None and not self.is_stopped:
            self.reasons[index] = self.states[index], why
        return False

    async def _one(self, index: int, place: Place, is_new: bool) -> None:
        """Bring one cell to its end; whatever becomes of it, the others go on."""
        try:
            for is_last in (False, True):
                try:
                    job, is_ours = await self._start(index, place)
                    if not is_ours:
                        self.purse.settle(index, 0.0, is_bought=False)
                    await self._wait(index, place, job, is_ours)
                    return
                except LibraryError as error:
                    # The kernel that had planned it gave it up unsent: then it is ours to send.
                    known = self.jobs.get(index)
                    was_sent = known is not None and known.is_sent
                    if is_last or was_sent or error.is_unwritable or self.is_stopped:
                        raise
        except Exception as error:
            self._note(index, place, error)

    async def _start(self, index: int, place: Place) -> tuple[Job, bool]:
        """Start a request off the event loop, as the journal is asked for it."""
        row, take = divmod(index, self.grid.takes)
        began = time.monotonic()
        job: Job = await aside(
            lambda: place.session.start(
                request=self.compiled.request(row), take=take + 1, timeout=self.orders.timeout
            )
        )
        # An older handle is looked after for somebody else, who did not ask us to stop it.
        is_ours = not job.was_kept and job.elapsed <= time.monotonic() - began
        self.jobs[index] = job
        if is_ours:
            self._ours.add(index)
            if self.is_stopped:
                job.stop_waiting()
        self.on_change()
        return job, is_ours

    async def _wait(self, index: int, place: Place, job: Job, is_ours: bool) -> None:
        waiting = asyncio.ensure_future(job._wait())
        stopping = asyncio.ensure_future(self._stop.wait())
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done() and not is_ours:
                waiting.cancel()
                self._set(index, "unfinished")
                return
            take = await waiting
        finally:
            stopping.cancel()
            await self._tidy(place, job)
        cost = take.cost
        if job.was_kept:
            self.purse.settle(index, 0.0, is_bought=False)
        else:
            self.purse.settle(index, cost.usd, credits=cost.credits)
            self._remember(place, job.elapsed)
        self._out_of_reach[place.gateway] = 0
        self._set(index, "kept")

    def _note(self, index: int, place: Place, error: Exception) -> None:
        """Write down why a cell has no take, and whether the gateway is worth asking again."""
        job = self.jobs.get(index)
        exists = job is not None and (job.answer is not None or job.is_watched_elsewhere)
        state, reason = ending_of(error, exists=exists)
        if isinstance(error, JobFailed):
            self.purse.settle(index, error.job.cost.usd, credits=error.job.cost.credits)
        elif state in ("new", "refused"):  # nothing was created, so nothing was bought
            self.purse.settle(index, 0.0, is_bought=False)
        if not isinstance(error, PhaseoError):
            log.error("A cell of a sweep came to nothing.", exc_info=error)
        self.reasons[index] = state, reason
        self._set(index, state)
        if exists:
            self._out_of_reach[place.gateway] = 0
        elif state in ("new", "refused"):
            self._close(place.gateway, error)

    def _close(self, gateway: str, error: Exception) -> None:
        """Send a gateway nothing more where every other request would be told the same."""
        self._out_of_reach[gateway] += is_out_of_reach(error)
        if is_for_all(error) or self._out_of_reach[gateway] >= IN_A_ROW:
            self.why_closed.setdefault(gateway, f"{gateway} was sent nothing more. {error}")

    async def _tidy(self, place: Place, job: Job) -> None:
        """Take a handle that nobody looks after any more out of the folder's list."""
        folder = place.session.library.folder

        def tidy() -> None:  # the lock may be held by who waits for the journal
            with folder.lock:
                if not (job.is_waiting or job.unwritten) and folder.handles.get(job.n) is job:
                    del folder.handles[job.n]

        if folder.handles.get(job.n) is job:
            await aside(tidy)

    def _remember(self, place: Place, seconds: float) -> None:
        times = self.seconds[self.compiled.places.index(place)]
        times.append(seconds)
        del times[:-25]

    def _set(self, index: int, state: str) -> None:
        self.states[index] = state
        self.on_change()


async def wait_for(run: AnyRun, card: GridCard | None = None) -> None:
    """Wait for a run in a cell; an interrupt stops the run, never the jobs that went out."""
    run.is_going = True  # as it will be in a moment; nobody may start another one before that
    if card is not None:
        card.show()
    waiting = asyncio.wrap_future(engine.submit(run.go()))
    waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        while not waiting.done():  # wakes for an interrupt, as a cell that waits for a job does
            await asyncio.wait({waiting}, timeout=WAKE_EVERY)
    except asyncio.CancelledError:
        run.stop()
        await asyncio.wait({waiting}, timeout=FAREWELL)
        if card is not None:
            card.show_final(is_stopped=True)
        raise
    if card is not None:
        card.show_final()
    waiting.result()
