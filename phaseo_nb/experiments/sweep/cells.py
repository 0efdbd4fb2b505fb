"""What each cell of a sweep has become, by the journal: one look for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ...keeping.entries import OPEN, OPEN_ENDS

if TYPE_CHECKING:
    from ...keeping import Library
    from ...keeping.backends import Db
    from .compiling import Compiled


class State(NamedTuple):
    """How a state of a cell is shown, and what can be done about it."""

    sign: str
    word: str
    way: str = ""
    code: str = ""


_LOOK = "To look again, or to write it off"
STATES = {
    "kept": State("✓", "kept"),
    "waiting": State("◌", "waiting"),
    "making": State("…", "being made"),
    "new": State("○", "not started", "To start it", "await sweep.run()"),
    "unfinished": State("‖", "unfinished", "To wait again, at no cost", "await sweep.run()"),
    "failed": State("✕", "failed", "To buy it again", "await sweep.run(retry_failed=True)"),
    "refused": State("✕", "not accepted", "Not bought; to try again", "await sweep.run()"),
    "empty": State("?", "without audio", _LOOK, "nb.library().uncertain()"),
    "uncertain": State("?", "in doubt", _LOOK, "nb.library().uncertain()"),
}
"""Every state that a cell can have."""
AT_ONCE = 500  # SQLite's limit of variables in one statement was 999 for long


@dataclass(frozen=True)
class Cell:
    """One cell of a sweep: what was asked for, and what it has become."""

    index: int
    """Its place in the sweep, from 0."""
    words: dict[str, Any]
    """Everything that was asked for, as it was given: ``{"prompt": …, "duration": 8}``."""
    take: int
    """Which attempt at the same request it is, from 1."""
    gateway: str
    model: str | None
    state: str
    """One of :data:`STATES`."""
    id: str | None = None
    """Of its take (or attempt): ``sweep.library.get(cell.id)``."""
    reason: str | None = None
    """Why there is no take."""
    cost_usd: float | None = None
    sandbox: bool = False

    @property
    def is_kept(self) -> bool:
        """True where there is a take."""
        return self.state == "kept"

    @property
    def what_next(self) -> str:
        """What can be done about it, in words; empty where nothing is to be done."""
        state = STATES[self.state]
        return f"{state.way}: {state.code}" if state.way else ""


class Standing(NamedTuple):
    """One attempt in the journal."""

    n: int
    id: str
    state: str
    known: str | None
    cost_usd: float | None
    owner: str | None

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its turn, whoever may have it: nothing was sent or paid."""
        return self.state == "planned"

    @property
    def reason(self) -> str | None:
        """Why there is no take, in words."""
        return None if self.state == "kept" else self.known or _REASONS.get(self.state)

    @property
    def cell_state(self) -> str:
        """The state of its cell, while nobody here looks after it."""
        if self.is_waiting:
            return "waiting"
        return "unfinished" if self.state in OPEN else self.state


_RANK = {"kept": 0, **dict.fromkeys(OPEN, 1), **dict.fromkeys(OPEN_ENDS, 2), "failed": 3}

_REASONS = {
    "failed": "The provider gave no reason.",
    "empty": "The job was completed, and no audio came.",
    "uncertain": "No clear answer came.",
}

_NOT_SENT = (
    "Nothing of it was sent yet. Where nobody is at work on it, `await sweep.run(on=…)` goes on."
)

Standings = dict[tuple[str, int], Standing]


def cells_of(
    compiled: Compiled,
    library: Library,
    reasons: Mapping[int, tuple[str, str]],
    live: Mapping[int, str],
) -> list[Cell]:
    """Return all cells as they stand in the journal now.

    Parameters
    ----------
    compiled, library
        The rows of a sweep, and where it is kept.
    reasons
        State and reason of cells of which the journal knows nothing, as nothing was bought.
    live
        States of cells that are waited for here.
    """
    found = standings(library, compiled.keys)
    grid, cells = compiled.grid, []
    for index in range(grid.count):
        row, take = divmod(index, grid.takes)
        place, standing = compiled.place(row), found.get((compiled.keys[row], take + 1))
        state = standing.cell_state if standing else "new"
        reason = standing.reason if standing else None
        said = reasons.get(index)
        if state == "new" and said:
            state, reason = said
        elif reason is None and said and said[0] == state:
            reason = said[1]
        if state in ("new", "waiting", "unfinished"):
            state = live.get(index, state)
        if state == "waiting" and reason is None and index not in live:
            reason = _NOT_SENT
        cells.append(
            Cell(
                index=index,
                words=grid.words(row),
                take=take + 1,
                gateway=place.gateway,
                model=place.model,
                state=state,
                id=standing.id if standing else None,
                reason=reason,
                cost_usd=standing.cost_usd if standing else None,
                sandbox=place.session.is_sandbox,
            )
        )
    return cells


def standings(library: Library, keys: Iterable[str]) -> Standings:
    """Return what requests have become: by their key and the number of the take.

    A take that is kept comes before an attempt that is on its way, and that before one that ended
    openly; a failed one counts where there is nothing else. What was written off or deleted does
    not count.
    """
    wanted = list(dict.fromkeys(keys))
    return library.folder.database.read(lambda db: _look(db, wanted))


def _look(db: Db, keys: Sequence[str]) -> Standings:
    found: Standings = {}
    states = ", ".join(f"'{state}'" for state in _RANK)
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        query = (
            "SELECT key, number, n, id, state, known, cost_usd, owner FROM takes"
            f" WHERE key IN ({','.join('?' * len(some))}) AND deleted_at IS NULL"
            f" AND state IN ({states}) ORDER BY n"
        )
        for key, number, *facts in db.execute(query, some):
            standing = Standing(*facts)
            known = found.get((key, number))
            if known is None or _RANK[standing.state] <= _RANK[known.state]:
                found[key, number] = standing
    return found
