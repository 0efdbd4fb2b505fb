"""The live line of a running job: one display, redrawn whole, that becomes the player.

Progress is never printed: text from a thread lands under whichever cell runs at the moment. A
display handle is addressed by its id, so it is right on every kernel, and what it last showed is
what the notebook saves. Where nobody can watch (nbclient, nbval, nbconvert --execute) outputs that
are updated would be lost, so there only the final state is written, by the cell that waits.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import cards
from ..engine import engine
from ..errors import JobFailed, JobTimeout, UncertainSubmission
from ..takes import cell_run
from .stages import early_player, early_track, early_words

if TYPE_CHECKING:
    from ..jobs import Track
    from ..session import Session
    from ..takes import Take
    from ..takes.handle import Job

log = logging.getLogger("phaseo_nb")

REDRAW_EVERY = 1.0
"""Seconds between two redraws while nothing changes but the clock."""

Bundle = dict[str, str]

_CHOICES = (
    ("Look at it, or write it off", "nb.library().uncertain()"),
    ("Send it once more, and pay once more", "fresh=True"),
)


class Part(NamedTuple):
    """One card in both forms: for a browser and for a terminal."""

    html: str
    text: str

    @classmethod
    def of(cls, card: Callable[..., str], *args: Any, **facts: Any) -> Part:
        """Draw a card of ``cards`` in both forms."""
        return cls(card(*args, **facts), card(*args, **facts, text=True))


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
    cell_waits
        Whether a cell waits for it that could be interrupted.
    """

    def __init__(
        self,
        job: Job,
        session: Session,
        *,
        announcement: str | None = None,
        cell_waits: bool = True,
    ) -> None:
        self.job = job
        self.session = session
        self.cell_run = cell_run()
        self.cell_waits = cell_waits
        self.notes = _notes(job, announcement)
        self._handle: Any = None
        self._is_final = False
        self._early: Part | None = None
        """Player of the first track, while the others are still being made."""
        self._is_fetching = False
        self._is_playing = False
        """True once it can be heard: drawing anew would stop it for whoever listens."""

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
        elif self._handle is not None and not self._is_playing:
            self._draw(self._running())
            track = early_track(job)
            if track is not None and not self._is_fetching:
                self._is_fetching = True
                engine.submit(self._play_early(track))

    async def _play_early(self, track: Track) -> None:
        early = await early_player(self.session, self.job, track)
        if early is not None and not self._is_final:
            n, of = track.index + 1, len(self.job.tracks)
            words = f"Preview: track {n} of {of} is there, the rest is still being made."
            player = Part(early._repr_html_(), repr(early))
            self._early = _joined(Part.of(cards.remark, words), player)
            self._draw(self._running())
            self._is_playing = True

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
        job, early = self.job, early_words(self.job)
        card = Part.of(
            cards.live_card,
            status=_doing(job, early.stage),
            elapsed=None if self._early else job.elapsed,
            expected=self.session.usual_time(job),
            prompt=job.prompt,
            provider=job.answer.provider if job.answer else None,
            stage=early.stage,
            title=early.title,
            lyrics=early.lyrics,
            is_unverified=early.is_unverified,
            job_id=job.id,
            price=_price(job),
            number=job.number,
            sandbox=self.session.is_sandbox,
            can_interrupt=self.cell_waits,
            elsewhere=job.is_watched_elsewhere,
        )
        return _bundle(self.notes, card, self._early)

    def _final(self) -> Bundle:
        take, error = self.job.outcome
        if take is not None:
            return self._taken(take)
        assert error is not None
        if isinstance(error, JobTimeout):
            return self._stopped()
        return _bundle(self.notes, self._error(error))

    def _taken(self, take: Take) -> Bundle:
        if take.is_shown(self.cell_run):
            said = ["The same request as another one in this cell: its player is above."]
            return _bundle(Part.of(cards.note_card, said))
        take.mark_shown(self.cell_run)
        kept = "From your library: nothing was sent, nothing was paid."
        remark = Part.of(cards.remark, kept) if self.job.was_kept else None
        troubles = Part.of(cards.note_card, self.job.troubles) if self.job.troubles else None
        return _bundle(self.notes, troubles, remark, Part(take._repr_html_(), repr(take)))

    def _stopped(self) -> Bundle:
        job = self.job
        card = Part.of(
            cards.stopped_card,
            resume="nb.resume()",
            job_id=job.id,
            elapsed=job.elapsed,
            price=_price(job),
            prompt=job.prompt,
            sandbox=self.session.is_sandbox,
            was_sent=job.is_sent,
        )
        return _bundle(card)

    def _error(self, error: BaseException) -> Part:
        sandbox = self.session.is_sandbox
        if isinstance(error, UncertainSubmission):
            return Part.of(
                cards.open_question_card,
                known=error.known or str(error),
                price=str(error.price) if error.price else None,
                prompt=self.job.prompt,
                choices=_CHOICES,
                sandbox=sandbox,
            )
        heading = "The job failed" if isinstance(error, JobFailed) else "This did not work"
        return Part.of(cards.failure_card, heading, happened=str(error), sandbox=sandbox)


def say(lines: Sequence[str]) -> None:
    """Say something that belongs to no job: on a card where there are any, else in the log."""
    if has_display():
        part = Part.of(cards.note_card, list(lines))
        _display(_bundle(part))
        return
    for line in lines:
        log.warning("%s", line)


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


def has_display() -> bool:
    """Tell whether there is a notebook or a terminal of IPython to draw in."""
    return _shell() is not None


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _display(bundle: Bundle, *, with_handle: bool = False) -> Any:
    if _shell() is None:
        return None  # a script gets the take as a value; there is nowhere to draw
    from IPython.display import display

    return display(bundle, raw=True, display_id=with_handle or None)  # type: ignore[no-untyped-call]


def _joined(*parts: Part) -> Part:
    return Part("".join(part.html for part in parts), "\n".join(part.text for part in parts))


def _bundle(*parts: Part | None) -> Bundle:
    there = [part for part in parts if part is not None]
    return {
        "text/html": "".join(part.html for part in there),
        "text/plain": "\n".join(part.text for part in there),
    }


def _notes(job: Job, announcement: str | None) -> Part | None:
    said = [announcement] if announcement else []
    if job.failed_before is not None:
        said.append(f"The last attempt at this request failed. It cost: {job.failed_before}.")
    if job.is_fresh:
        price = job.price
        paid = f" and costs {price}" if price and price.usd != 0 else ""
        said.append(f"fresh=True: each run of this cell makes one more take{paid}.")
    said.extend(job.notes)
    return Part.of(cards.note_card, said) if said else None


def _doing(job: Job, stage: str | None) -> str:
    """Return the status as the card puts it: a callback may be ahead of it."""
    status = "in_progress" if stage else job.status
    if getattr(job.request, "makes", "music") != "picture":
        return status
    return {"queued": "picturing", "in_progress": "picturing"}.get(
        status, "fetching pictures" if status == "completed" else status
    )


def _price(job: Job) -> str | None:
    return str(job.price) if job.price is not None else None
