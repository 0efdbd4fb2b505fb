"""From an order to what stands in its cell: started, shown while it is made, waited for.

What :func:`phaseo_nb.generate` and the verbs of a take have in common.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from . import LiveLine, has_display

if TYPE_CHECKING:
    from ..requests import MusicRequest, UdioRequest
    from ..session import Session
    from ..takes import Take
    from ..takes.handle import Job

log = logging.getLogger("phaseo_nb")


def start(
    session: Session,
    prompt: str | None = None,
    words: dict[str, Any] | None = None,
    request: MusicRequest | UdioRequest | None = None,
    take: int | None = None,
    *,
    cell_waits: bool,
    fresh: bool = False,
    timeout: float | None = 900.0,
    show: bool = True,
) -> tuple[Job, LiveLine | None]:
    """Start an order and show its line in the running cell; returns at once.

    Parameters
    ----------
    session
        Where to send it.
    prompt, words, request, take, fresh, timeout, show
        As in :func:`phaseo_nb.generate`.
    cell_waits
        Whether a cell waits for it that could be interrupted.
    """
    job = session.start(
        prompt, request=request, take=take, fresh=fresh, timeout=timeout, **(words or {})
    )
    announcement = session.announce_once()
    if not show:
        _say(announcement, *job.notes)
        return job, None
    job.is_shown = has_display()
    if not job.is_shown:
        _say(announcement, *job.notes)
    line = LiveLine(job, session, announcement=announcement, cell_waits=cell_waits)
    line.show()
    return job, line


async def finish(job: Job, line: LiveLine | None) -> Take:
    """Wait for a job in its cell; an interrupt ends the waiting, never the job."""
    try:
        made = await job
    except asyncio.CancelledError:
        job.stop_waiting()
        if line:
            line.show_stopped()
        raise
    if line:
        line.show_final()
    return made


async def make(
    session: Session,
    request: UdioRequest,
    *,
    take: int | None = None,
    fresh: bool = False,
    timeout: float | None = 900.0,
    show: bool = True,
) -> Take:
    """Carry out a ready request from a cell."""
    job, line = start(
        session,
        request=request,
        take=take,
        cell_waits=True,
        fresh=fresh,
        timeout=timeout,
        show=show,
    )
    return await finish(job, line)


def _say(*notes: str | None) -> None:
    """Say what would stand on a card, where there are none."""
    for note in filter(None, notes):
        log.warning(note)
