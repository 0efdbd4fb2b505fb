"""Places that a cell keeps free for live lines and players.

A click has no output of its own: what it starts can only be shown where the cell has made room.
Such a place is an output of the cell, so it is saved with the notebook and plays without a kernel.
Where outputs do not change any more once the page stands (Voila), it is part of the widget.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

import ipywidgets

from .. import cards
from ..engine import engine
from ..live import Bundle, LiveLine, Part, _bundle
from ..takes.handle import Job

BLANK: Bundle = {"text/html": "", "text/plain": ""}


class Place(Protocol):
    """Somewhere to draw; a display handle is one."""

    def update(self, bundle: Bundle, *, raw: bool = True) -> None:
        """Draw this instead of what is there."""
        ...


class WidgetPlace:
    """A place inside a widget."""

    def __init__(self) -> None:
        self.widget = ipywidgets.HTML()

    def update(self, bundle: Bundle, *, raw: bool = True) -> None:
        """Draw this instead of what is there."""
        self.widget.value = bundle.get("text/html", "")


def outputs_stay_live() -> bool:
    """Tell whether an output can be updated after its cell has ended."""
    return not os.environ.get("SERVER_SOFTWARE", "").lower().startswith("voila")


class PlacedLine(LiveLine):
    """A live line in a place that its cell kept free: a click has no output of its own."""

    def __init__(self, job: Job, session: Any, place: Any, *, says_errors: bool) -> None:
        super().__init__(job, session, cell_waits=False)
        self._handle = place
        self._says_errors = says_errors

    def show(self) -> None:
        """Draw the line and keep it up to date."""
        self.job.subscribe(self._on_change)
        if not self._is_final:
            engine.submit(self._tick())

    def _on_change(self, job: Job) -> None:
        # While the service is only asked whether it knows the job there is nothing to watch.
        is_known = self._says_errors or job.status not in ("planned", "unknown")
        if is_known or job.outcome != (None, None):
            super()._on_change(job)

    def _draw(self, bundle: Bundle) -> None:
        failed = self.job.outcome[1] is not None
        super()._draw(BLANK if failed and not self._says_errors else bundle)


class Shelf:
    """A few places, one below another, filled from the bottom: the newest is on top.

    Parameters
    ----------
    places
        From top to bottom.
    """

    def __init__(self, places: list[Any]) -> None:
        self._places = places
        self._lines: list[ShelfLine] = []

    def put(self, job: Job, session: Any) -> bool:
        """Show a job on top of the others; tell whether an older one had to make room."""
        for line in self._lines:
            if line.job.n == job.n:
                line.is_taken_up_elsewhere()
        line = ShelfLine(job, session)
        is_full = self._place(line)
        line.show()
        return is_full

    def take_over(self, other: Shelf) -> None:
        """Show what still runs in places that nobody can see any more."""
        for line in other._lines:
            if line.job.is_waiting:
                self._place(line)

    def _place(self, line: ShelfLine) -> bool:
        self._lines.append(line)
        is_full = len(self._lines) > len(self._places)
        if is_full:
            del self._lines[0]
            for each, place in zip(self._lines, reversed(self._places), strict=True):
                each.move_to(place)
        else:
            line.move_to(self._places[-len(self._lines)])
        return is_full

    @property
    def jobs(self) -> list[Job]:
        """Jobs that are shown, oldest first."""
        return [line.job for line in self._lines]


class ShelfLine(PlacedLine):
    """A line that can move to another place."""

    def __init__(self, job: Job, session: Any) -> None:
        super().__init__(job, session, None, says_errors=True)
        self.cell_run = None  # no cell's output: a cell that awaits the job shows its player itself
        self.notes = _failed_before(job)  # all else is said at the controls
        self._shown: Bundle | None = None

    def move_to(self, place: Any) -> None:
        """Draw here from now on."""
        self._handle = place
        if self._shown is not None:
            place.update(self._shown, raw=True)

    def is_taken_up_elsewhere(self) -> None:
        """Say that the job goes on in a line above."""
        if self.job.take is None:
            self._draw(_bundle(Part.of(cards.remark, "Taken up again, see above.")))

    def _draw(self, bundle: Bundle) -> None:
        self._shown = bundle
        super()._draw(bundle)


def _failed_before(job: Job) -> Part | None:
    if job.failed_before is None:
        return None
    said = f"The last attempt at this request failed. It cost: {job.failed_before}."
    return Part.of(cards.note_card, [said])
