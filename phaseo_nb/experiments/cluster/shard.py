"""Bringing the rows of a shard to their ends, on the engine of a worker.

Nothing is remembered between two rounds but how often a row was tried: what is to be done is read
from the journal each time. So it does not matter who began, who died, and who works beside us.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from ...errors import LibraryError, PhaseoError
from ...keeping.entries import OPEN, Entry
from ...session import Session
from ..sweep.endings import aside, is_for_all, is_out_of_reach
from .assignment import Assignment

log = logging.getLogger("phaseo_nb")

LOOK_EVERY = 2.0
"""Seconds between two looks at rows that another process has."""
TRIES = 5
"""Times that a row is tried whose gateway is out of reach."""
LONGEST_PAUSE = 30.0
LOOKS = 4
"""Times that the place of the recordings is looked at, longer apart each time, before giving up."""
MOST_REASONS = 20
LONGEST_REASON = 400


class ShardRun:
    """One task's work on one shard.

    Parameters
    ----------
    session
        Where the rows are kept and sent.
    assignment
        Which rows, and how many at once.
    """

    def __init__(self, session: Session, assignment: Assignment) -> None:
        self._session = session
        self._assignment = assignment
        self._todo: deque[Entry] = deque()
        self._tries: Counter[int] = Counter()
        self._reasons: dict[int, str] = {}
        self._pause = 0.0
        """Seconds to wait before anything is sent again: the gateway or the journal is away."""
        self._closed: str | None = None
        """Why nothing more is sent by this task."""
        self._gate = asyncio.Lock()
        """Held while nobody knows whether recordings can be kept: nothing is sent meanwhile."""

    @property
    def _shards(self) -> Any:
        return self._session.library.folder.shards

    async def go(self) -> dict[str, Any]:
        """Work until every row has come to an end, or nothing more can be done here."""
        numbers: Sequence[int] = self._assignment.numbers
        while True:
            try:
                left = await self._round(numbers)
            except LibraryError as error:
                left = list(numbers)
                await self._breathe(error)
            if not left:
                break
            numbers = left
            if self._closed is not None:
                break
        return await self._report()

    async def _round(self, numbers: Sequence[int]) -> list[int]:
        """Take up what is free and carry it; return what may still need somebody."""
        standings = await aside(lambda: self._shards.standings(numbers))
        opened = [n for n in numbers if n in standings and standings[n].state in OPEN]
        wanted = [n for n in opened if self._tries[n] < TRIES]
        if not wanted:
            return []
        me = self._session.library.folder.leases.me
        owners = {standings[n].owner for n in wanted} - {me}
        free = await aside(lambda: self._shards.are_free(owners))
        mine = [n for n in wanted if standings[n].owner == me or free[standings[n].owner]]
        if not mine:
            await asyncio.sleep(LOOK_EVERY * random.uniform(0.8, 1.2))  # nosec B311  # no secret
            return wanted
        entries = await aside(lambda: self._shards.take_up(mine).result())
        self._todo.extend(entries)
        n_hands = min(self._assignment.at_once, len(entries))
        await asyncio.gather(*(self._work() for _ in range(n_hands)))
        return wanted

    async def _work(self) -> None:
        while self._todo:
            entry = self._todo.popleft()
            async with self._gate:
                pass
            if self._closed is not None and entry.state == "planned":
                await self._put_back(entry)
                continue
            if self._pause:
                await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))  # nosec B311
            await self._one(entry)

    async def _one(self, entry: Entry) -> None:
        """Carry one row; whatever becomes of it, the others go on."""
        self._tries[entry.n] += 1
        try:
            job = await self._session.carry(entry, timeout=self._assignment.timeout)
            error = job.error
        except PhaseoError as problem:
            error = problem
        else:
            if error is None and job.unwritten:
                self._note(entry, job.troubles[-1] if job.troubles else "It is not kept yet.")
                await self._until_it_keeps()
                return
        if error is None:
            self._pause = 0.0
            self._reasons.pop(entry.n, None)
            return
        if isinstance(error, LibraryError) and await self._is_withdrawn(entry):
            return
        self._note(entry, str(error))
        if isinstance(error, Exception) and is_for_all(error):
            self._closed = self._closed or str(error)[:300]
        elif isinstance(error, LibraryError) or (
            isinstance(error, Exception) and is_out_of_reach(error)
        ):
            self._pause = min(LONGEST_PAUSE, max(0.5, self._pause * 2))
        elif not isinstance(error, PhaseoError):
            log.error("A row of a sweep came to nothing.", exc_info=error)

    def _note(self, entry: Entry, why: str) -> None:
        if len(self._reasons) < MOST_REASONS or entry.n in self._reasons:
            self._reasons[entry.n] = why[:LONGEST_REASON]

    async def _until_it_keeps(self) -> None:
        """Send nothing while recordings cannot be kept, and nothing more if that does not pass."""
        if self._gate.locked():  # somebody looks already
            return
        store = self._session.library.folder.store
        async with self._gate:
            for number in range(LOOKS):
                try:
                    await aside(store.check)
                    return
                except LibraryError as error:
                    why = f"Recordings cannot be kept, so nothing more was sent. {error}"
                if number + 1 < LOOKS:
                    await asyncio.sleep(2**number * random.uniform(0.8, 1.2))  # nosec B311
            self._closed = self._closed or why[:LONGEST_REASON]

    async def _is_withdrawn(self, entry: Entry) -> bool:
        """Tell whether somebody took a row back before it was sent."""
        try:
            return entry.n not in await aside(lambda: self._shards.standings([entry.n]))
        except LibraryError:
            return False

    async def _put_back(self, entry: Entry) -> None:
        """Let others have a row that was not sent."""
        journal = self._session.library.folder.journal
        withdrawing = journal.withdraw(
            entry.n, was_claimed=False, for_good=False, known=self._closed
        )
        await asyncio.wrap_future(withdrawing)

    async def _breathe(self, error: LibraryError) -> None:
        if error.is_unwritable:
            self._closed = str(error)[:300]
            return
        self._pause = min(LONGEST_PAUSE, max(0.5, self._pause * 2))
        await asyncio.sleep(self._pause)

    async def _report(self) -> dict[str, Any]:
        """Return counts and a few reasons: results are numbers and names, never audio."""
        numbers = self._assignment.numbers
        try:
            standings = await aside(lambda: self._shards.standings(numbers))
        except LibraryError as error:
            return {"shard": self._assignment.shard, "closed": str(error)[:300]}
        states = Counter(standings[n].state if n in standings else "withdrawn" for n in numbers)
        return {
            "shard": self._assignment.shard,
            "states": dict(states),
            "reasons": {
                n: why
                for n, why in self._reasons.items()
                if n in standings and standings[n].state in OPEN
            },
            "closed": self._closed,
        }
