"""``Results``: what became of the cells of a sweep, as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cells import Cell
    from .sweep import Sweep


class Results(list["Cell"]):
    """The cells of a sweep as they stand in the journal."""

    def __init__(self, sweep: Sweep) -> None:
        super().__init__(sweep.cells())
        self.sweep = sweep
