"""What one run may buy: a number of jobs, an amount of US dollars, beside all other budgets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import ExperimentError
from .planning import usd

if TYPE_CHECKING:
    from ...jobs import Cost
    from ...session import Session

_TINY = 1e-9  # adding prices up in floats


class Bill(NamedTuple):
    """What a run has bought so far."""

    bought: int
    """Jobs."""
    usd: float = 0.0
    """US dollars that were billed, or are the price of jobs on their way."""
    credits: float = 0.0
    unknown: int = 0
    """Jobs among them whose price nobody knows."""


class RunPurse:
    """Counts what a run buys; used on one event loop.

    Parameters
    ----------
    max_jobs, budget_usd
        The most; ``None`` is no limit.
    """

    def __init__(self, max_jobs: Any = None, budget_usd: Any = None) -> None:
        _check(max_jobs, budget_usd)
        self.max_jobs: int | None = max_jobs
        self.budget_usd: float | None = budget_usd
        self.bought = 0
        """Jobs that were bought, or are about to be."""
        self.unknown = 0
        """Jobs among them whose price nobody knows."""
        self.credits = 0.0
        self._reserved: dict[int, Cost] = {}
        self._spent = 0.0
        self._aside = 0.0
        """Sum of what is set aside: adding it up anew for each job would take its square."""
        self._moved = asyncio.Event()
        self._is_closed = False

    @property
    def spent_usd(self) -> float:
        """US dollars that were billed, or are set aside for jobs on their way."""
        return self._spent + (self._aside if self._reserved else 0.0)

    @property
    def bill(self) -> Bill:
        """What was bought, or is about to be."""
        return Bill(self.bought, self.spent_usd, self.credits, self.unknown)

    async def reserve(self, index: int, price: Cost, session: Session) -> str | None:
        """Set a price aside; else return why it is not bought.

        Where jobs on their way may still give something back, their ends are waited for.
        """
        while True:
            why = self.reserve_now(index, price, session)
            if why is None:
                return None
            if not self._reserved or self._is_for_ever(price, session):
                return why
            self._moved.clear()
            await self._moved.wait()

    def reserve_now(self, index: int, price: Cost, session: Session) -> str | None:
        """Set a price aside without waiting for anything; else return why not."""
        why = "The run was stopped." if self._is_closed else self._why_not(price, session)
        if why is None:
            self._reserved[index] = price
            self._aside += price.usd or 0.0
            self.bought += 1
            self.unknown += price.usd is None and price.credits is None
        return why

    def settle(
        self,
        index: int,
        usd: float | None = None,
        *,
        credits: float | None = None,
        is_bought: bool = True,
    ) -> None:
        """Replace what was set aside by what it cost (its price where nobody says); once."""
        price = self._reserved.pop(index, None)
        if price is None:
            return
        self._aside = self._aside - (price.usd or 0.0) if self._reserved else 0.0
        if is_bought:
            self._spent += price.usd or 0.0 if usd is None else usd
            self.credits += price.credits or 0.0 if credits is None else credits
        else:
            self.bought -= 1
            self.unknown -= price.usd is None and price.credits is None
        self._moved.set()

    def close(self) -> None:
        """Buy nothing any more, and tell those who wait for something to be given back."""
        self._is_closed = True
        self._moved.set()

    def _why_not(self, price: Cost, session: Session) -> str | None:
        if self.max_jobs is not None and self.bought >= self.max_jobs:
            n = self.max_jobs
            return f"This run buys at most {n:,} job{'' if n == 1 else 's'} (max_jobs)."
        if self.budget_usd is None:
            return None
        if self._is_unknown(price, session):
            return (
                "Its price is unknown, so the budget of this run cannot hold it. Allow it with "
                "nb.connect(…, allow_unknown_price=True)."
            )
        amount = price.usd or 0.0
        if amount > 0 and self.spent_usd + amount > self.budget_usd + _TINY:
            left = max(0.0, self.budget_usd - self.spent_usd)
            return (
                f"It costs about {usd(amount)}, and {usd(left)} of this run's budget_usd="
                f"{self.budget_usd:g} is left."
            )
        return None

    def _is_for_ever(self, price: Cost, session: Session) -> bool:
        """Tell whether it would not fit either if all that is on its way were given back."""
        if self._is_closed or self.max_jobs == 0:
            return True
        if self.budget_usd is None:
            return False
        too_dear = (price.usd or 0.0) > self.budget_usd - self._spent + _TINY
        return too_dear or self._is_unknown(price, session)

    def _is_unknown(self, price: Cost, session: Session) -> bool:
        return price.usd is None and not session.budget.allow_unknown_price


def _check(max_jobs: Any, budget_usd: Any) -> None:
    is_whole = isinstance(max_jobs, int) and not isinstance(max_jobs, bool) and max_jobs >= 0
    if max_jobs is not None and not is_whole:
        message = f"max_jobs = {max_jobs!r}: give a whole number from 0."
        raise ExperimentError(message)
    number = isinstance(budget_usd, (int, float)) and not isinstance(budget_usd, bool)
    if budget_usd is not None and not (number and 0 <= budget_usd < 1e9):
        message = f"budget_usd = {budget_usd!r} is no amount of US dollars. Give a number from 0."
        raise ExperimentError(message)
