"""Scales with round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Axis(NamedTuple):
    """A scale from ``low`` to ``high`` with marks at round numbers."""

    low: float
    high: float
    ticks: tuple[float, ...]
    step: float

    def share(self, value: float) -> float:
        """Return where a value is, 0.0 to 1.0."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def words(self, value: float) -> str:
        """Return a number with as many digits as the steps need."""
        digits = max(-math.floor(math.log10(self.step) + 1e-9), 0)
        words = f"{value:,.{digits}f}"
        return (
            words[1:]
            if float(words.replace(",", "")) == 0 and words[0] == "-"
            else words.replace("-", "−")
        )


def axis_of(values: Sequence[float]) -> Axis:
    """Return a scale on which all values have room; marks are 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> axis_of([61.0, 148.0]).ticks
    (60.0, 80.0, 100.0, 120.0, 140.0)
    """
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or max(abs(high) * 0.1, 0.5)
    low, high = low - room, high + room
    raw = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= raw * 0.8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Axis(low, high, tuple(n * step for n in range(first, last + 1)), step)
