"""The card of a run in its cell: one display, redrawn at most once a second.

Where nobody can watch only the final state is written, by the cell that waits.
"""

from __future__ import annotations

import asyncio
import math
import statistics
from collections import Counter
from typing import TYPE_CHECKING, Any

from ...engine import engine
from ...live import REDRAW_EVERY, Bundle, Part, _bundle, _display, can_watch
from ...phrases import excerpt
from .endings import aside
from .grid_card import MOST_DRAWN, MOST_TROUBLES, Trouble, View, cell_label, grid_card
from .planning import usd, usual_seconds

if TYPE_CHECKING:
    from .runs import AnyRun

FEW = 60
"""Cells up to which the clock alone is worth a redraw each second; beyond it every few seconds."""
_NOW_AND_THEN = 5
ENOUGH_TIMES = 3
"""Jobs of this run after which their times count, and not those of earlier ones."""
_NO_TAKE = ("failed", "refused", "empty", "uncertain", "unfinished")


class GridCard:
    """Draws one run.

    Parameters
    ----------
    run
        What to draw.
    name
        Of the sweep.
    notes
        Sentences to show above it.
    dashboard
        Address of its cluster's own page.
    """

    def __init__(
        self, run: AnyRun, name: str, notes: tuple[str, ...] = (), dashboard: str | None = None
    ) -> None:
        self.run = run
        self.name = name
        self.notes = notes
        self.dashboard = dashboard
        self._handle: Any = None
        self._is_final = False
        self._has_changed = False
        self._usual: list[float | None] | None = None

    def show(self) -> None:
        """Draw it in the running cell and keep it up to date, where anybody can watch."""
        self.run.on_change = self._changed
        if can_watch():
            self._handle = _display(self._bundle(), with_handle=True)
            engine.submit(self._tick())

    def show_final(self, *, is_stopped: bool = False) -> None:
        """Draw how it ended; once."""
        if self._is_final:
            return
        self._is_final = True
        bundle = self._bundle(is_stopped=is_stopped)
        if self._handle is not None:
            self._handle.update(bundle, raw=True)
        else:
            _display(bundle)

    def view(self, *, is_stopped: bool = False) -> View:
        """Return what there is to see at this moment."""
        run = self.run
        is_going = run.is_going and not is_stopped
        is_small = run.grid.count <= MOST_DRAWN
        states = [run.state_of(index) for index in range(run.grid.count)] if is_small else []
        troubles, more = self._troubles()
        return View(
            name=self.name,
            grid=run.grid,
            states=states,
            counts=run.counts,
            doing=self._doing(is_going),
            elapsed=run.elapsed,
            left=self._left() if is_going else None,
            is_going=is_going,
            cost=self._cost(),
            concurrency=run.orders.concurrency,
            troubles=troubles,
            more_troubles=more,
            not_started=[] if is_going else self._not_started(),
            notes=self.notes,
            dashboard=self.dashboard,
            hitch=run.hitch if is_going else "",
            sandbox=self._is_sandbox,
            stopping=run.stopping,
        )

    # -- parts -----------------------------------------------------------------------------------

    def _changed(self) -> None:
        self._has_changed = True

    async def _tick(self) -> None:
        beats = 0
        while self._may_draw() and (self.run.is_going or not self.run.has_ended):
            await asyncio.sleep(REDRAW_EVERY)
            beats += 1
            is_due = self.run.grid.count <= FEW or beats % _NOW_AND_THEN == 0
            if self._may_draw() and (self._has_changed or is_due):
                self._has_changed = False
                bundle = await aside(self._bundle)
                if self._may_draw():  # the end may have been drawn meanwhile
                    self._handle.update(bundle, raw=True)

    def _may_draw(self) -> bool:
        return not self._is_final

    def _bundle(self, *, is_stopped: bool = False) -> Bundle:
        return _bundle(Part.of(grid_card, self.view(is_stopped=is_stopped)))

    def _doing(self, is_going: bool) -> str:
        if is_going:
            return "Sweeping"
        if self.run.is_stopped:
            return "Stopped"
        n, kept = self.run.grid.count, self.run.counts["kept"]
        return "Done:" if n == kept else f"{kept:,} of {n:,} kept:"

    def _cost(self) -> str:
        bill, budget_usd = self.run.bill, self.run.purse.budget_usd
        if not bill.bought:
            return "nothing bought"
        words = [usd(bill.usd)] if bill.usd else []
        words += [f"{bill.credits:,g} credits"] if bill.credits else []
        words += [f"{bill.unknown:,} of unknown price"] if bill.unknown else []
        said = " + ".join(words)
        if self._is_sandbox:
            said = f"nothing, this is the sandbox{f' (at the service: {said})' if said else ''}"
        limit = f" of this run's {usd(budget_usd)}" if budget_usd is not None else ""
        jobs = f"{bill.bought:,} job{'' if bill.bought == 1 else 's'} bought"
        return f"cost so far {said or usd(0.0)}{limit}, {jobs}"

    @property
    def _is_sandbox(self) -> bool:
        return all(place.session.is_sandbox for place in self.run.compiled.places)

    def _left(self) -> float | None:
        """Return how long what is to do usually takes, by this run's jobs or by earlier ones."""
        run = self.run
        if self._usual is None:
            self._usual = [usual_seconds(place) for place in run.compiled.places]
        total = 0.0
        for number, n in enumerate(run.to_do):
            times, known = run.seconds[number], self._usual[number]
            is_enough = len(times) >= (ENOUGH_TIMES if known is not None else 1)
            usual = statistics.median(times) if is_enough else known
            if n and usual is None:
                return None
            total += n * (usual or 0.0)
        return math.ceil(total / run.orders.concurrency) if run.orders.concurrency else None

    def _troubles(self) -> tuple[list[Trouble], int]:
        reasons = [(i, *said) for i, said in list(self.run.reasons.items())]
        bad = sorted((i, state, why) for i, state, why in reasons if state in _NO_TAKE)
        shown = [
            Trouble(state, self._where(index), why) for index, state, why in bad[:MOST_TROUBLES]
        ]
        return shown, max(0, len(bad) - MOST_TROUBLES)

    def _where(self, index: int) -> str:
        take = f"take {index % self.run.grid.takes + 1}" if self.run.grid.takes > 1 else ""
        label = excerpt(cell_label(self.run.grid, index), 90)
        return ", ".join(part for part in (f"“{label}”" if label else "", take) if part)

    def _not_started(self) -> list[tuple[str, str, int]]:
        reasons = list(self.run.reasons.values())
        said = Counter((state, why) for state, why in reasons if state in ("waiting", "new"))
        rest = self.run.counts["new"] - sum(n for (state, _), n in said.items() if state == "new")
        stopped = ("new", "The run was stopped; `await sweep.run()` goes on.", rest)
        return [*((*why, n) for why, n in said.most_common(3)), *([stopped] if rest > 0 else [])]
