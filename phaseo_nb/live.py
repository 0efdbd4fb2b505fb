"""The live line of a running job: one display, redrawn whole, that becomes the player.

Progress is never printed: text from a thread lands under whichever cell runs at the moment. A
display handle is addressed by its id, so it is right on every kernel, and what it last showed is
what the notebook saves. Where nobody can watch (nbclient, nbval, nbconvert --execute) outputs that
are updated would be lost, so there only the final state is written, by the cell that waits.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

from . import cards
from .engine import engine
from .errors import JobFailed, JobTimeout, UncertainSubmission
from .takes import current_cell_run

if TYPE_CHECKING:
    from .handle import Job
    from .session import Session
    from .takes import Take

REDRAW_EVERY = 1.0
"""Seconds between two redraws while nothing changes but the clock."""

Bundle = dict[str, str]


class LiveLine:
    """What one job looks like in one cell.

    Parameters
    ----------
    job
        The job to follow.
    session
        Where it runs; asked for the usual time of its model.
    announcement
        A sentence to show above it, such as which gateway was chosen.
    """

    def __init__(self, job: Job, session: Session, *, announcement: str | None = None) -> None:
        self.job = job
        self.session = session
        self.cell_run = current_cell_run()
        self.notes = _notes(job, announcement)
        self._handle: Any = None
        self._is_final = False

    def show(self) -> None:
        """Draw the line in the running cell and keep it up to date, where anybody can watch."""
        if not can_watch():
            return
        if self.job.outcome == (None, None):
            self._handle = _display(self._running(), with_handle=True)
        self.job.subscribe(self._on_change)
        if not self._is_final:
            engine.submit(self._tick())

    def show_final(self) -> None:
        """Draw the end in the running cell, unless the live line has become it already."""
        if not self._is_final:
            self._is_final = True
            self._draw(self._final())

    def show_stopped(self) -> None:
        """Say that the waiting was stopped, and how to take the job up again."""
        if not self._is_final:
            self._is_final = True
            self._draw(self._stopped())

    # -- drawing ---------------------------------------------------------------------------

    def _on_change(self, job: Job) -> None:
        if self._is_final:
            return
        if job.outcome != (None, None):
            self._is_final = True
            self._draw(self._final())
        elif self._handle is not None:
            self._draw(self._running())

    async def _tick(self) -> None:
        while not self._is_final and self.job.is_waiting:
            await asyncio.sleep(REDRAW_EVERY)
            self._on_change(self.job)

    def _draw(self, bundle: Bundle) -> None:
        if self._handle is not None:
            self._handle.update(bundle, raw=True)
        else:
            _display(bundle)

    def _running(self) -> Bundle:
        job = self.job
        card = cards.live_card(
            prompt=job.prompt,
            status=job.status,
            stage=job.answer.stage if job.answer else None,
            provider=job.answer.provider if job.answer else None,
            elapsed=job.elapsed,
            usual=self.session.usual_time(job),
            job_id=job.id,
            price=str(job.price) if job.price else None,
            is_sandbox=self.session.is_sandbox,
        )
        return _bundle(*self.notes, card)

    def _final(self) -> Bundle:
        take, error = self.job.outcome
        if take is not None:
            return self._taken(take)
        assert error is not None
        if isinstance(error, JobTimeout):
            return self._stopped()
        return _bundle(*self.notes, _error_card(self.job, error))

    def _taken(self, take: Take) -> Bundle:
        if take.was_shown_in(self.cell_run):
            said = "The same request as another one in this cell: its player is above."
            return _bundle(cards.note_card(said))
        take.mark_shown(self.cell_run)
        notes = self.notes
        if self.job.was_kept:
            kept = "Kept from before: nothing was sent and nothing was paid."
            notes = (*notes, cards.note_card(kept))
        return _bundle(*notes, cards.Card(take._repr_html_(), repr(take)))

    def _stopped(self) -> Bundle:
        job = self.job
        return _bundle(cards.stopped_card(job_id=job.id, elapsed=job.elapsed, prompt=job.prompt))


def can_watch() -> bool:
    """Tell whether a person can see outputs change while a cell runs.

    Front ends put the id of the cell into the request that runs it; nbclient, nbval and other
    programs do not. ``PHASEO_NB_LIVE=1`` or ``0`` overrides the guess.
    """
    said = os.environ.get("PHASEO_NB_LIVE", "").strip()
    if said:
        return said not in {"0", "false", "off", "no"}
    shell = _shell()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False  # a terminal: an update would be printed below, again and again
    try:
        metadata = kernel.get_parent("shell").get("metadata") or {}
    except (AttributeError, TypeError, LookupError):
        metadata = {}
    return "cellId" in metadata or "google.colab" in sys.modules


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _display(bundle: Bundle, *, with_handle: bool = False) -> Any:
    if _shell() is None:
        return None  # a script gets the take as a value; there is nowhere to draw
    from IPython.display import display

    return display(bundle, raw=True, display_id=with_handle or None)


def _bundle(*parts: cards.Card) -> Bundle:
    return {
        "text/html": "".join(part.html for part in parts),
        "text/plain": "\n".join(part.text for part in parts),
    }


def _notes(job: Job, announcement: str | None) -> tuple[cards.Card, ...]:
    said = [announcement] if announcement else []
    if job.failed_before is not None:
        said.append(f"The last attempt at this request failed. It cost: {job.failed_before}.")
    said.extend(job.notes)
    return tuple(cards.note_card(text) for text in said)


def _error_card(job: Job, error: BaseException) -> cards.Card:
    if isinstance(error, UncertainSubmission):
        return cards.uncertain_card(str(error), price=str(error.price or "price unknown"))
    title = "The job failed" if isinstance(error, JobFailed) else "This did not work"
    return cards.failure_card(title, str(error))
