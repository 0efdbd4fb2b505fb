"""Places that a cell keeps free for live lines and players.

A click has no output of its own: what it starts can only be shown where the cell has made room.
Such a place is an output of the cell, so it is saved with the notebook and plays without a kernel.
Where outputs do not change any more once the page stands (Voila), it is part of the widget.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

import ipywidgets

from ..engine import engine
from ..handle import Job
from ..live import Bundle, LiveLine

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

    def put(self, job: Job, session: Any) -> ShelfLine:
        """Show a job on top of the others; the oldest goes where there is no room."""
        line = ShelfLine(job, session)
        self._lines.append(line)
        if len(self._lines) <= len(self._places):
            line.move_to(self._places[-len(self._lines)])
        else:
            del self._lines[0]
            for each, place in zip(self._lines, reversed(self._places), strict=True):
                each.move_to(place)
        line.show()
        return line

    @property
    def jobs(self) -> list[Job]:
        """Jobs that are shown, oldest first."""
        return [line.job for line in self._lines]


class ShelfLine(PlacedLine):
    """A line that can move to another place."""

    def __init__(self, job: Job, session: Any) -> None:
        super().__init__(job, session, None, says_errors=True)
        self._shown: Bundle | None = None

    def move_to(self, place: Any) -> None:
        """Draw here from now on."""
        self._handle = place
        if self._shown is not None:
            place.update(self._shown, raw=True)

    def _draw(self, bundle: Bundle) -> None:
        self._shown = bundle
        super()._draw(bundle)
