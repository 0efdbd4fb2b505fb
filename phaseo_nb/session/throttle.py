"""Waiting for a turn: what an account may be asked for holds over all kernels, see ``limits.py``.

Orders wait in one line for each session. At its head one task asks the journal for turns, as many
at a time as orders wait, so a thousand orders that wait do not ask a thousand times. A session
whose account has no limits asks nothing: it hears of one when an order is claimed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from ..errors import LibraryError
from ..keeping.journal import Journal
from ..keeping.limits import PAUSE, Turn, Turns, pause_for, slow_down, take_turns
from ..keeping.outcomes import here
from ..takes.handle import Job
from ..transport.messages import NotYet
from .open_ends import nothing_sent

LATE = 0.06
"""Seconds after its moment from which on a turn is over: others have theirs by then."""
AT_MOST = 16
"""Orders whose moment has come and that are not on the wire; more would let theirs pass, too."""
STUCK = 5.0
"""Seconds after which one of them does not count any more: it waits for something else."""
SHORTEST, LONGEST = 0.1, 1.0
"""Seconds between two looks whether there is room for one more job at once."""


class NotSent(Exception):
    """Somebody stopped waiting while the order waited for its turn."""


class _Place(NamedTuple):
    """Where an order stands in the line."""

    future: asyncio.Future[float]
    is_placed: bool
    """Whether it counts as being at the service already."""


class Throttle:
    """The line of orders of one session at one account.

    Parameters
    ----------
    base_url
        What the account is known by.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.holds = False
        """Whether orders have to wait for a turn, as far as is known here."""
        self._heard_until = 0.0
        self._begin(None)

    def __repr__(self) -> str:
        return f"<Throttle of {self.base_url}, {len(self._waiting)} waiting>"

    def _begin(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop
        self._waiting: deque[_Place] = deque()
        self._passing: dict[Ticket, float] = {}
        self._usher: asyncio.Task[None] | None = None
        self._poked = asyncio.Event() if loop is not None else None

    # -- what a service says ---------------------------------------------------------------------

    def hear(self, journal: Journal, asked: float | None) -> None:
        """Tell everybody of a 429; of many in the same pause, the first one does."""
        until = time.monotonic() + pause_for(asked)
        self.holds = True
        if until <= self._heard_until + 0.5 * PAUSE:
            return
        self._heard_until = until
        noting: Future[None] = journal.database.write(
            lambda db: slow_down(db, self.base_url, asked, journal.now), is_vital=False
        )
        noting.add_done_callback(lambda done: done.exception())  # it pauses by itself, then

    def poke(self) -> None:
        """Look at once whether there is room for one more: a job of ours has ended."""
        if self._poked is not None and self._waiting:
            self._poked.set()

    # -- the line --------------------------------------------------------------------------------

    def join(self, ticket: Ticket) -> asyncio.Future[float]:
        """Stand in the line; the future has the moment of the turn.

        Who was claimed before stands in front: its place at the service is taken already.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a forked child, or another test
            self._begin(loop)
        place: asyncio.Future[float] = loop.create_future()
        is_placed = ticket.is_placed
        (self._waiting.appendleft if is_placed else self._waiting.append)(_Place(place, is_placed))
        if self._usher is None or self._usher.done():
            self._usher = loop.create_task(self._give_turns(ticket.journal))
        return place

    def passes(self, ticket: Ticket, moment: float) -> None:
        """Note that an order has its turn and is on its way to the wire."""
        self._passing[ticket] = max(moment, time.monotonic())

    def is_through(self, ticket: Ticket) -> None:
        """Note that it is there, or gives up."""
        self._passing.pop(ticket, None)

    def _n_held_up(self) -> int:
        """Count the orders whose moment has come and that are not on the wire."""
        now = time.monotonic()
        return sum(0 <= now - moment < STUCK for moment in self._passing.values())

    async def _give_turns(self, journal: Journal) -> None:
        try:
            await self._serve(journal)
        except Exception as error:  # of the journal: whoever waits hears it
            while self._waiting:
                self._resolve(error)

    async def _serve(self, journal: Journal) -> None:
        pause = SHORTEST
        while self._has_waiting():
            wanted = min(len(self._waiting), AT_MOST - self._n_held_up())
            if wanted <= 0:
                await asyncio.sleep(LATE / 2)
                continue
            asking = partial(
                take_turns,
                base_url=self.base_url,
                wanted=wanted,
                placed=sum(place.is_placed for place in list(self._waiting)[:wanted]),
                passing=sum(not ticket.is_placed for ticket in self._passing),
                wall=journal.now,
            )
            said: Turns = await here(journal.database.write(asking, is_vital=False, is_beside=True))
            if not said.holds:
                self.holds = False
                while self._waiting:
                    self._resolve(time.monotonic())
                return
            for moment in said.at:
                self._resolve(moment)
            if said.again is None:  # no room: look again soon, then less often
                await self._nap(random.uniform(0.5, 1.0) * pause)  # nosec B311  # no secret
                pause = SHORTEST if said.at else min(LONGEST, 1.5 * pause)
            else:
                spread = random.uniform(0.0, 0.1)  # nosec B311  # no secret
                pause = SHORTEST
                await asyncio.sleep(min(LONGEST, said.again + (spread if said.again else 0.0)))

    def _has_waiting(self) -> bool:
        still = [place for place in self._waiting if not place.future.done()]
        if len(still) < len(self._waiting):  # somebody stopped waiting: no turn is for them
            self._waiting = deque(still)
        return bool(still)

    def _resolve(self, said: float | Exception) -> None:
        """Give the first who waits a turn, or an error."""
        while self._waiting:
            place = self._waiting.popleft().future
            if place.done():
                continue
            if isinstance(said, Exception):
                place.set_exception(said)
            else:
                place.set_result(said)
            return

    async def _nap(self, seconds: float) -> None:
        assert self._poked is not None
        self._poked.clear()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._poked.wait(), seconds)


class Ticket:
    """The turns of one order, from its first one to the wire.

    Parameters
    ----------
    throttle, journal, job
        In which line, whose limits, and which order.
    callback
        Hash of the token that its service may report under, and until when.
    """

    def __init__(
        self,
        throttle: Throttle,
        journal: Journal,
        job: Job,
        callback: tuple[str, float] | None = None,
    ) -> None:
        self.journal = journal
        self._callback = callback
        self._throttle = throttle
        self._job = job
        self._moment: float | None = None
        self._is_ready = False
        """Whether it was claimed and did not go out since."""

    @property
    def is_placed(self) -> bool:
        """Whether the journal counts it as being at the service already."""
        return self._job.is_claimed

    async def wait(self) -> None:
        """Wait until the order may go out; at once where nothing holds it.

        It is claimed while its moment is still ahead: writing that down takes its time, too.

        Raises
        ------
        NotSent
            Somebody stopped waiting first.
        LibraryError
            It is not ours any more, or cannot be written down.
        """
        self._moment, self._is_ready = None, False
        while self._throttle.holds:
            async with self._stopping() as stopping:
                moment = await self._next(stopping)
                if not self._is_ready and not await self._claim(has_slot=True):
                    continue
                if (left := moment - time.monotonic()) > 0:
                    await asyncio.wait({stopping}, timeout=left)
                if stopping.done():
                    raise NotSent
            if time.monotonic() - moment <= LATE:
                self._moment = moment
                return

    async def go(self) -> None:
        """Make sure that the order may go out now: it does so right after this.

        Raises
        ------
        NotYet
            It has to wait for a turn.
        NotSent, LibraryError
            As :meth:`wait`.
        """
        if not self._is_ready:
            if self._throttle.holds and self._moment is None:  # as was learnt meanwhile
                raise NotYet
            if not await self._claim(has_slot=self._moment is not None):
                raise NotYet
        while self._moment is not None and time.monotonic() - self._moment > LATE:
            # What was held up must not arrive all at once. That is short: turns pass where
            # something else than the limit is what holds orders up.
            async with self._stopping() as stopping:
                self._moment = await self._next(stopping)
                left = max(0.0, self._moment - time.monotonic())
                await asyncio.wait({stopping}, timeout=left)
                if stopping.done():
                    raise NotSent
        self._is_ready = False
        self.done()

    def done(self) -> None:
        """Leave the way to the wire."""
        self._throttle.is_through(self)

    async def _claim(self, *, has_slot: bool) -> bool:
        """Write down that it goes out; tell whether it may."""
        job = self._job
        if not job.begin_sending():
            raise NotSent
        turn = Turn(self._throttle.base_url, has_slot)
        with nothing_sent():
            claiming = self.journal.claim(
                job.n, again=job.is_claimed, callback=self._callback, turn=turn
            )
            try:
                may_go = await here(claiming)
            except LibraryError:
                job.is_claimed = True  # perhaps: a journal that is away may have written it down
                raise
        if may_go:
            job.is_claimed = self._is_ready = True
        else:
            self._throttle.holds = True
            self.done()
            job.hold_back()
        return may_go

    async def _next(self, stopping: asyncio.Future[None]) -> float:
        """Return the moment of the next turn in the line."""
        place = self._throttle.join(self)
        both: set[asyncio.Future[Any]] = {place, stopping}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not place.done():
                raise NotSent
            with nothing_sent():
                moment = place.result()
        finally:
            place.cancel()
        self._throttle.passes(self, moment)
        return moment

    @contextlib.asynccontextmanager
    async def _stopping(self) -> AsyncIterator[asyncio.Future[None]]:
        """Give a future that is done once somebody stops waiting."""
        loop = asyncio.get_running_loop()
        stopping: asyncio.Future[None] = loop.create_future()
        self._job.on_stop(lambda: _call(loop, _finish, stopping))
        try:
            yield stopping
        except BaseException as error:
            self.done()
            if isinstance(error, NotSent):  # of one that was refused before, nothing was created
                self._job.hold_back()
            raise
        finally:
            stopping.cancel()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _call(loop: asyncio.AbstractEventLoop, *what: Any) -> None:
    with contextlib.suppress(RuntimeError):  # closed: nobody waits any more
        loop.call_soon_threadsafe(*what)
