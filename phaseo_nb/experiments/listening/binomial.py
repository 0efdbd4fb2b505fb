"""ABX: how likely guessing is to be right so many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

from ... import cards
from ...phrases import excerpt
from .votes import Vote


def p_of(n_right: int, n: int) -> float:
    """Return the chance that guessing is right at least so many times in ``n``; exact.

    Examples
    --------
    >>> round(p_of(12, 16), 4)
    0.0384
    """
    return float(Fraction(sum(comb(n, k) for k in range(n_right, n + 1)), 2**n))


@dataclass(frozen=True)
class AbxResult:
    """What came of one listener's ABX run.

    The number of trials was fixed before the first one. Until the last one is done there is
    neither a count nor a p: who stops when it looks good finds a difference where there is none.
    """

    listener: str | None
    n: int
    """Trials that were done."""
    trials: int
    """Trials that were fixed beforehand."""
    n_right: int | None = None
    """Right answers; ``None`` until the run is finished."""
    p: float | None = None
    """Chance of so many or more right answers by guessing (one-sided, exact)."""

    @classmethod
    def of(cls, votes: Sequence[Vote], trials: int, listener: str | None) -> AbxResult:
        """Return the result of one listener's votes."""
        n = len(votes)
        if n < trials:
            return cls(listener, n, trials)
        n_right = sum(bool(vote.is_correct) for vote in votes)
        return cls(listener, n, trials, n_right, p_of(n_right, n))

    @property
    def is_finished(self) -> bool:
        """Whether all trials are done."""
        return self.p is not None

    @property
    def words(self) -> str:
        """The result as a sentence."""
        if self.n_right is None or self.p is None:
            return (
                f"{self.n} of {self.trials} trials are done: unfinished, so there is no result. "
                "The number was fixed beforehand; a run that ends early says nothing."
            )
        p = f"p = {self.p:.3g}" if self.p >= 0.001 else f"p = {self.p:.1e}"
        told = (
            "Guessing rarely does as well, so a difference was heard."
            if self.p < 0.05
            else "Guessing often does as well; this does not show that there is no difference."
        )
        return f"{self.n_right} of {self.n} right; {p} (exact, one-sided). {told}"

    def __repr__(self) -> str:
        who = f" of {excerpt(self.listener, 40)}" if self.listener else ""
        return f"<ABX{who}: {self.words}>"

    def _repr_html_(self) -> str:
        who = f" · {self.listener}" if self.listener else ""
        return cards.note_card([self.words], heading=f"ABX{who}")
