"""The run of a sweep on a cluster, as the notebook sees it.

The notebook plans rows, hands their numbers to tasks and reads the journal. It may be closed at
any moment: tasks go on, and whoever opens the sweep next sees how it stands.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from ...errors import ExperimentError, LibraryError, PhaseoError
from ..sweep.endings import aside
from ..sweep.purse import Bill, RunPurse
from ..sweep.runs import AnyRun, Orders
from .hands import Hands
from .planning import Planner, parts, price_aside, shard_size

if TYPE_CHECKING:
    from ..sweep.compiling import Compiled

log = logging.getLogger("phaseo_nb")

LOOK_EVERY = 1.0
"""Seconds between two looks at what has changed."""
AT_ONCE = 50
"""Jobs that one thread of a worker has on their way, where nobody says otherwise."""
DESERTED = 20.0
"""Seconds without anybody at work after which looking on ends."""
WHOLE_EVERY = 30.0
"""Seconds between two looks at everything."""
_CELL_STATES = {
    "planned": "waiting",
    "submitting": "making",
    "submitted": "making",
    "completed": "making",
    "expired": "unfinished",
    "withdrawn": "new",
    "written_off": "new",
}
_GOING = ("waiting", "making", "unfinished")
_UNSENT = ("new", "waiting", "refused")
_TO_SEND = ("new", "waiting", "failed")
_LEFT = "The workers left it: `await sweep.run(on=…)` goes on."
_SILENT = (
    "The scheduler of the cluster does not answer; it is tried again for a while. What went out "
    "goes on at the service."
)


class ClusterRun(AnyRun):
    """One run on a cluster, or only a look at one (``hands=None``)."""

    stopping = "interrupt the cell to stop looking on; the cluster goes on without this notebook"

    def __init__(
        self,
        name: str,
        compiled: Compiled,
        orders: Orders,
        purse: RunPurse,
        hands: Hands | None,
    ) -> None:
        super().__init__(compiled, orders, purse)
        self._hands = hands
        self._planner = Planner(name, compiled, retry_failed=orders.retry_failed)
        self._shards = compiled.places[0].session.library.folder.shards
        self._to_plan: list[int] = [0] * len(compiled.places)
        self._unsent: list[int] = []
        """Cells of which nothing had gone out when this run began, the first of each row."""
        self._event = 0
        self._tended_at = time.monotonic()

    # -- what others read ------------------------------------------------------------------------

    @property
    def states(self) -> list[str]:
        """The state of each cell, as it was last read."""
        return self._planner.table.states

    @property
    def reasons(self) -> dict[int, tuple[str, str]]:
        """Cells without a take: their state, and why."""
        return self._planner.table.reasons

    @property
    def to_do(self) -> list[int]:
        """Cells that still have to come to an end, by place."""
        left = [0] * len(self.compiled.places)
        for index, state in enumerate(self.states):
            if state in _GOING:
                left[self.compiled.place_of[index // self.grid.takes]] += 1
        return [n + more for n, more in zip(left, self._to_plan, strict=True)]

    @property
    def bill(self) -> Bill:
        """What went out while this run looked on, whoever planned it and whoever sent it."""
        bought, amount, credits, unknown = 0, 0.0, 0.0, 0
        states, costs = self.states, self._planner.table.costs
        for index in self._unsent:
            if states[index] in _UNSENT:
                continue
            price = self.compiled.place(index // self.grid.takes).price
            cost = costs.get(index)
            bought += 1
            amount += price.usd or 0.0 if cost is None else cost
            credits += price.credits or 0.0
            unknown += price.usd is None and price.credits is None
        return Bill(bought, amount, credits, unknown)

    @property
    def hitch(self) -> str:
        """What keeps it from going on at this moment; empty where nothing does."""
        is_silent = self._hands is not None and self._hands.is_silent
        return _SILENT if is_silent else ""

    # -- going -----------------------------------------------------------------------------------

    async def _go(self) -> None:
        """Plan, hand out and look on."""
        self._event = await aside(self._shards.last_change)
        todo = await aside(self._planner.look)
        wanted = [index for cells in todo.values() for index in cells]
        self._unsent = [index for index in wanted if self.states[index] in _UNSENT]
        self.on_change()
        looking = asyncio.ensure_future(self._look_on())
        try:
            if self._hands is not None:
                await self._hand_out(self._hands, todo)
            await self._until_done(looking)
        except PhaseoError as error:
            looking.cancel()  # it would overwrite what is said below
            with contextlib.suppress(LibraryError):
                await aside(self._whole)
            self._note_left(str(error), also_new=True)
            raise
        finally:
            looking.cancel()

    async def _hand_out(self, hands: Hands, todo: dict[int, list[int]]) -> None:
        problem = await aside(lambda: hands.check(self._planner.where))
        if problem is not None:
            raise ExperimentError(problem)
        n = sum(map(len, todo.values()))
        n_hands = await aside(hands.count)
        size = shard_size(n, n_hands)
        if self.orders.concurrency == 0:
            self.orders = self.orders._replace(concurrency=AT_ONCE * n_hands)
        for place, cells in todo.items():
            self._to_plan[place] = len(cells)
        for place, cells in todo.items():
            for some in parts(cells, size):
                if self.is_stopped:
                    return
                await self._hand_out_some(hands, place, some)
                self._to_plan[place] -= len(some)

    async def _hand_out_some(self, hands: Hands, place: int, cells: list[int]) -> None:
        wanted = []
        for index in cells:
            why = None
            if self.states[index] in _TO_SEND:
                why = price_aside(self.purse, self.compiled.places[place], index)
            if why is None:
                wanted.append(index)
            else:
                self.reasons[index] = self.states[index], why
        if not wanted:
            return
        at_once = max(1, self.orders.concurrency // max(1, hands.known_count))
        assignment, left = await aside(
            lambda: self._planner.assign(
                place, wanted, at_once=at_once, timeout=self.orders.timeout
            )
        )
        self._count_again(wanted)
        for index, why in left:
            self.purse.settle(index, 0.0, is_bought=False)
            self.reasons[index] = "new", why
        if assignment is not None:
            await aside(lambda: hands.give(assignment))
        self.on_change()

    def _count_again(self, cells: list[int]) -> None:
        """Count cells that failed in an earlier run, and that are bought once more."""
        if not self.orders.retry_failed:
            return
        known = set(self._unsent)
        again = [i for i in cells if self.states[i] == "waiting" and i not in known]
        for index in again:
            self._planner.table.costs.pop(index, None)  # of the earlier attempt
        self._unsent += again

    async def _until_done(self, looking: asyncio.Task[None]) -> None:
        """Wait until nothing is on its way any more, and take care of tasks that were lost."""
        while not self._stop.is_set():
            if looking.done():
                looking.result()
            if not any(state in _GOING for state in self.states):
                await aside(self._whole)
                if not any(state in _GOING for state in self.states):
                    return
            if self._hands is not None:
                hands = self._hands
                problem = await aside(hands.tend)
                if problem is not None:
                    raise ExperimentError(problem)
                if hands.is_idle:  # every task has said its word: what is left is left
                    await aside(self._whole)
                    self._note_left(hands.last_reason or _LEFT)
                    return
            elif await aside(self._is_deserted):
                self._note_left("Nobody is at work on it: `await sweep.run(on=…)` goes on.")
                return
            try:
                await asyncio.wait_for(self._stop.wait(), LOOK_EVERY)
            except asyncio.TimeoutError:
                continue

    def _note_left(self, why: str, *, also_new: bool = False) -> None:
        """Say of cells that nobody is at work on why, and whether anything of them was sent."""
        told = self._hands.reasons if self._hands is not None else {}
        cells_of = self._planner.table.cells_of
        whys = {index: said for n, said in told.items() for index in cells_of.get(n, ())}
        for index, state in enumerate(self.states):
            if state == "making":
                self.states[index] = state = "unfinished"
            if state not in _GOING and not (state == "new" and also_new):
                continue
            known = self.reasons.get(index)
            if known is None or known[0] != state:
                self.reasons[index] = state, whys.get(index, why)

    def _is_deserted(self) -> bool:
        """Tell whether for some time no living process has had any of the rows, or there are none.

        A worker that has just died may have a successor in a moment.
        """
        table = self._planner.table
        going = [n for n, cells in table.cells_of.items() if self.states[cells[0]] in _GOING]
        owners = {standing.owner for standing in self._shards.standings(going).values()}
        is_tended = not all(self._shards.are_free(owners).values())
        now = time.monotonic()
        self._tended_at = now if is_tended else self._tended_at
        return now - self._tended_at > DESERTED

    # -- looking on ------------------------------------------------------------------------------

    async def _look_on(self) -> None:
        whole_at = time.monotonic() + WHOLE_EVERY
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                if time.monotonic() >= whole_at:
                    await aside(self._whole)
                    whole_at = time.monotonic() + max(WHOLE_EVERY, 20 * self._took)
                else:
                    await aside(self._changes)
            except LibraryError as error:  # the next look makes up for it
                log.debug("The sweep could not be looked at: %s", error)
                continue
            self.on_change()

    _took = 0.0
    """Seconds that the last look at everything took."""

    def _changes(self) -> None:
        self._event, changed = self._shards.changes(self._event)
        table = self._planner.table
        for n, state in changed.items():
            for index in table.cells_of.get(n, ()):
                table.states[index] = _CELL_STATES.get(state, state)
                if state == "kept":
                    self._settle(index, None)

    def _whole(self) -> None:
        began = time.monotonic()
        waiting = {i for i, state in enumerate(self.states) if state in ("waiting", "making")}
        self._planner.read()
        for index in waiting:  # a row that is open says no more than that
            if self.states[index] == "unfinished":
                self.states[index] = "making"
        for index, cost in self._planner.table.costs.items():
            self._settle(index, cost)
        self._took = time.monotonic() - began

    def _settle(self, index: int, cost: float | None) -> None:
        self.purse.settle(index, cost)
