"""From the cells of a sweep to rows of the journal, shard by shard, and to what tasks are told."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...keeping.entries import OPEN
from ..sweep.cells import standings
from .assignment import Assignment, Where, where_of

if TYPE_CHECKING:
    from ..sweep.compiling import Compiled, Place
    from ..sweep.purse import RunPurse

SMALLEST, LARGEST = 50, 500
"""Rows of a shard: below it a task costs more than its rows, above it too much waits for one."""


@dataclass
class Table:
    """Which row each cell of a sweep has, and how it stands as far as it was read."""

    states: list[str]
    reasons: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Cells without a take: their state, and why."""
    cells_of: dict[int, list[int]] = field(default_factory=dict)
    """Cells by the number of their row; equal requests share one."""
    costs: dict[int, float | None] = field(default_factory=dict)
    """What cells cost that are kept or failed, the first of each row."""


def shards_of(name: str) -> str:
    """Return the beginning of the names of a sweep's shards: one sweep's own, whatever its name."""
    return f"{hashlib.sha256(name.encode()).hexdigest()[:16]}/"


def shard_size(n: int, n_hands: int) -> int:
    """Return how many rows a shard should have, so that every hand gets a few."""
    return max(SMALLEST, min(LARGEST, -(-n // max(1, 4 * n_hands))))


class Planner:
    """Plans what a run is to do; used on one thread beside the event loop.

    Parameters
    ----------
    name
        Of the sweep.
    compiled
        Its requests.
    retry_failed
        Whether cells that failed in an earlier run are bought again.
    """

    def __init__(self, name: str, compiled: Compiled, *, retry_failed: bool) -> None:
        self._compiled = compiled
        self._retry_failed = retry_failed
        self._library = compiled.places[0].session.library
        self.prefix = shards_of(name)
        """The beginning of the names of all shards of this sweep."""
        self.table = Table(["new"] * compiled.grid.count)
        self.where: list[Where] = [where_of(place.session) for place in compiled.places]
        self._first: dict[tuple[str, int], int] = {}

    def look(self) -> dict[int, list[int]]:
        """Read how all cells stand; returns what is to do: cells by their place.

        What is on its way comes first, as it costs nothing.
        """
        self._library.folder.leases.recover().result()
        self.read()
        todo: dict[int, list[int]] = {}
        for is_on_its_way in (True, False):
            for index, state in enumerate(self.table.states):
                is_new = state == "new" or (state == "failed" and self._retry_failed)
                wanted = state in ("unfinished", "waiting") if is_on_its_way else is_new
                row, take = divmod(index, self._compiled.grid.takes)
                if wanted and self._first[self._compiled.keys[row], take + 1] == index:
                    todo.setdefault(self._compiled.place_of[row], []).append(index)
        return todo

    def read(self) -> None:
        """Read how all cells stand now, and what those cost that are kept or failed."""
        compiled, table = self._compiled, self.table
        found = standings(self._library, compiled.keys)
        cells: dict[int, list[int]] = {}
        costs: dict[int, float | None] = {}
        for index in range(compiled.grid.count):
            row, take = divmod(index, compiled.grid.takes)
            name = compiled.keys[row], take + 1
            first = self._first.setdefault(name, index)
            standing = found.get(name)
            if standing is None:
                if table.states[index] not in ("new", "refused"):
                    table.states[index] = "new"
                continue
            cells.setdefault(standing.n, []).append(index)
            table.states[index] = standing.cell_state
            if standing.reason and standing.cell_state not in ("waiting", "unfinished"):
                table.reasons[index] = standing.cell_state, standing.reason
            elif standing.state == "kept":
                table.reasons.pop(index, None)
            if first == index and standing.state in ("kept", "failed"):
                costs[index] = standing.cost_usd
        table.cells_of, table.costs = cells, costs

    def assign(
        self, place: int, cells: list[int], *, at_once: int, timeout: float | None
    ) -> tuple[Assignment | None, list[tuple[int, str]]]:
        """Plan some cells of one place; return what a task is told, and what was not planned."""
        shard = f"{self.prefix}{secrets.token_hex(6)}"
        compiled, session = self._compiled, self._compiled.places[place].session
        wanted = []
        for index in cells:
            row, take = divmod(index, compiled.grid.takes)
            wanted.append((session.plan(compiled.request(row), shard), take + 1))
        ordered = self._library.folder.shards.plan(wanted).result()
        numbers, left = [], []
        for index, order in zip(cells, ordered, strict=True):
            if order.n is None:
                left.append((index, order.why or "It was not planned."))
                continue
            self.table.cells_of.setdefault(order.n, []).append(index)
            if order.state in OPEN:
                self.table.states[index] = "waiting" if order.state == "planned" else "making"
                numbers.append(order.n)
            else:
                self.table.states[index] = order.state
        if not numbers:
            return None, left
        where = self.where[place]
        return Assignment(where, shard, tuple(numbers), at_once, timeout), left


def parts(cells: list[int], size: int) -> Iterator[list[int]]:
    """Yield cells so many at a time."""
    for start in range(0, len(cells), size):
        yield cells[start : start + size]


def price_aside(purse: RunPurse, place: Place, index: int) -> str | None:
    """Set a price aside in the purse of a run, without waiting; else return why not."""
    return purse.reserve_now(index, place.price, place.session)
