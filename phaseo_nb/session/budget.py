"""What a session may spend: set aside in the journal before a job is handed in."""

from __future__ import annotations

from typing import Any

from ..errors import SettingsError, brief
from ..jobs import Cost
from ..keeping import Library
from ..keeping.money import Purse, spent


class Budget:
    """US dollars at one address, as the journal counts them.

    What every kernel that lives has reserved there with this library counts, so neither
    connecting again nor a second notebook fills the purse up.
    """

    def __init__(
        self,
        limit: Any,
        *,
        library: Library,
        base_url: str,
        sandbox: bool,
        allow_unknown_price: bool = False,
    ) -> None:
        number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
        if limit is not None and not (number and 0 <= limit < 1e9):
            shown = brief(limit)
            message = f"budget_usd = {shown} is no amount of US dollars. Give a number from 0."
            raise SettingsError(message)
        self.limit: float | None = limit
        self.allow_unknown_price = allow_unknown_price
        self._library = library
        self._base_url = base_url
        self._sandbox = sandbox

    def __repr__(self) -> str:
        if self.limit is None:
            return f"${self.spent:.2f} spent, no budget"
        return f"${self.left:.2f} of ${self.limit:.2f} left"

    @property
    def spent(self) -> float:
        """US dollars reserved or spent."""
        folder = self._library.folder
        return folder.database.read(
            lambda db: spent(db, self._base_url, folder.leases.shares_budget(db))
        )

    @property
    def left(self) -> float | None:
        """US dollars left; ``None`` without a budget."""
        return None if self.limit is None else max(0.0, self.limit - self.spent)

    def purse(self, price: Cost) -> Purse:
        """Return what an order of this price has to fit into."""
        return Purse(
            base_url=self._base_url,
            sandbox=self._sandbox,
            price_usd=price.usd,
            limit_usd=self.limit,
            allow_unknown=self.allow_unknown_price,
        )
