"""What every run is, whether its jobs are looked after in this kernel or on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from .compiling import Compiled
    from .grid import Grid
    from .purse import RunPurse


class Orders(NamedTuple):
    """How a run is to go."""

    concurrency: int
    retry_failed: bool
    timeout: float | None


class AnyRun(Protocol):
    """What a card and a sweep ask of a run, wherever its jobs are looked after."""

    grid: Grid
    compiled: Compiled
    orders: Orders
    purse: RunPurse
    is_going: bool
    is_stopped: bool
    on_change: Callable[[], None]
    seconds: list[list[float]]
    stopping: str

    @property
    def reasons(self) -> dict[int, tuple[str, str]]:
        """Cells without a take: their state, and why."""
        ...

    @property
    def has_ended(self) -> bool:
        """True once every cell has come to an end, or the run was stopped."""
        ...

    @property
    def elapsed(self) -> float:
        """Seconds since it was started."""
        ...

    @property
    def counts(self) -> Counter[str]:
        """How many cells are in which state."""
        ...

    @property
    def to_do(self) -> list[int]:
        """Cells that still have to come to an end in this run, by place."""
        ...

    def state_of(self, index: int) -> str:
        """Return the state of a cell at this moment."""
        ...

    def live_states(self) -> dict[int, str]:
        """Return the states of the cells that are waited for here."""
        ...

    def stop(self) -> None:
        """Stop waiting; from any thread. What went out goes on."""
        ...

    async def go(self) -> None:
        """Come to the end of every cell; runs on the engine."""
        ...
