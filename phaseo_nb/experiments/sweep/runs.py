"""What every run is, whether its jobs are looked after in this kernel or on a cluster."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from ...session import check_waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from .compiling import Compiled
    from .purse import Bill, RunPurse


class Orders(NamedTuple):
    """How a run is to go."""

    concurrency: int
    retry_failed: bool
    timeout: float | None


class AnyRun(ABC):
    """One run over the cells of a sweep: what a card and a sweep ask of it, and how it stops.

    Parameters
    ----------
    compiled
        The rows of the sweep.
    orders
        How it is to go.
    purse
        What it may spend.
    """

    stopping: ClassVar[str]
    """What interrupting its cell does."""

    def __init__(self, compiled: Compiled, orders: Orders, purse: RunPurse) -> None:
        check_waiting(None, False, orders.timeout)
        self.grid = compiled.grid
        self.compiled = compiled
        self.orders = orders
        self.purse = purse
        self.is_going = False
        self.is_stopped = False
        self.why_closed: dict[str, str] = {}
        """Gateways that are sent nothing more by this run, and why."""
        self.on_change: Callable[[], None] = lambda: None
        self.seconds: list[list[float]] = [[] for _ in compiled.places]
        """How long the last jobs took, by place."""
        self._started = time.monotonic()
        self._ended: float | None = None
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- how it stands ---------------------------------------------------------------------------

    @property
    @abstractmethod
    def states(self) -> list[str]:
        """The state of each cell, as it was last heard of."""

    @property
    @abstractmethod
    def reasons(self) -> dict[int, tuple[str, str]]:
        """Cells without a take: their state, and why."""

    @property
    def has_ended(self) -> bool:
        """True once every cell has come to an end, or the run was stopped."""
        return self._ended is not None

    @property
    def elapsed(self) -> float:
        """Seconds since it was started here."""
        return (self._ended or time.monotonic()) - self._started

    @property
    def counts(self) -> Counter[str]:
        """How many cells are in which state."""
        return Counter(self.states)

    @property
    @abstractmethod
    def to_do(self) -> list[int]:
        """Cells that still have to come to an end in this run, by place."""

    @property
    def bill(self) -> Bill:
        """What it has bought so far."""
        return self.purse.bill

    @property
    def hitch(self) -> str:
        """What keeps it from going on at this moment; empty where nothing does."""
        return ""

    def state_of(self, index: int) -> str:
        """Return the state of a cell at this moment."""
        return self.states[index]

    def live_states(self) -> dict[int, str]:
        """Return the states of the cells that are waited for here."""
        return {}

    # -- going -----------------------------------------------------------------------------------

    async def go(self) -> None:
        """Come to the end of every cell; runs on the engine."""
        self.is_going, self._loop = True, asyncio.get_running_loop()
        if self.is_stopped:
            self._stop.set()
        try:
            await self._go()
        finally:
            self._ended, self.is_going = time.monotonic(), False
            self.on_change()

    @abstractmethod
    async def _go(self) -> None:
        """Do the work, until all is done or ``_stop`` is set."""

    def stop(self) -> None:
        """Stop waiting; from any thread. What went out goes on."""
        self.is_stopped = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._loop.call_soon_threadsafe(self.purse.close)
