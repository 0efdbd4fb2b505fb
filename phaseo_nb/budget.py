"""What a session may spend: reserved before a job is handed in, settled by its answer."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

from .errors import BudgetExceeded, SettingsError

if TYPE_CHECKING:
    from .handle import Job
    from .jobs import Cost

_numbers = itertools.count(1)  # not id(job): Python gives it again to a later job


class Budget:
    """US dollars of one session; safe to use from several threads."""

    def __init__(
        self,
        limit: Any,
        *,
        allow_unknown_price: bool = False,
        amounts: dict[int, float] | None = None,
    ) -> None:
        number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
        if limit is not None and not (number and 0 <= limit < 1e9):
            message = f"budget_usd = {limit!r} is no amount of US dollars. Give a number from 0."
            raise SettingsError(message)
        self.limit: float | None = limit
        self.allow_unknown_price = allow_unknown_price
        # Shared by every session of one gateway in this process: a cell that connects is run
        # again with the rest, and must not fill the purse again.
        self._amounts = {} if amounts is None else amounts
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        if self.limit is None:
            return f"${self.spent:.2f} spent, no budget"
        return f"${self.left:.2f} of ${self.limit:.2f} left"

    @property
    def spent(self) -> float:
        """US dollars reserved or spent."""
        with self._lock:
            return sum(self._amounts.values())

    @property
    def left(self) -> float | None:
        """US dollars left; ``None`` without a budget."""
        return None if self.limit is None else max(0.0, self.limit - self.spent)

    def reserve(self, job: Job) -> None:
        """Set the price of a job aside.

        Raises
        ------
        BudgetExceeded
            It would go over the limit, or its price is unknown.
        """
        price = job.price.usd if job.price else None
        if price is None and self.limit is not None and not self.allow_unknown_price:
            message = (
                "The price of this request is unknown, so the budget cannot hold it; nothing was "
                "sent. Allow it with `nb.connect(…, allow_unknown_price=True)`."
            )
            raise BudgetExceeded(message)
        with self._lock:
            spent = sum(self._amounts.values())
            if self.limit is not None and spent + (price or 0.0) > self.limit + 1e-9:
                left = max(0.0, self.limit - spent)
                message = (
                    f"This request costs about ${price:.2f}, and ${left:.2f} of the budget of "
                    f"${self.limit:.2f} is left; nothing was sent. Raise "
                    "`budget_usd` in nb.connect(…) to go on."
                )
                raise BudgetExceeded(message)
            job.reserved_as = next(_numbers)
            self._amounts[job.reserved_as] = price or 0.0

    def settle(self, job: Job, cost: Cost) -> None:
        """Replace the reserved price by what the service says it cost."""
        if cost.usd is not None and job.reserved_as is not None:
            with self._lock:
                self._amounts[job.reserved_as] = cost.usd
