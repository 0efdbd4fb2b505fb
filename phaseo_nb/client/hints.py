"""Hints: what a callback is to a client that believes answers only.

A hint says that a question is worth asking now. It is never an answer itself, so whoever forges
one gains a question, and not even many of those.
"""

from __future__ import annotations

import asyncio
import logging

log = logging.getLogger("phaseo_nb")

QUIET = 30.0
"""Seconds without a word after which the service is asked all the same: hints may get lost."""


class Way:
    """The way that hints take, shared by the jobs that are reported by it.

    Parameters
    ----------
    name
        What it is, in words; said if something does not come by it.
    """

    def __init__(self, name: str = "callbacks") -> None:
        self.name = name
        self.is_proven = False
        """True while what should come does come; until then the service is asked as usual."""

    def fails(self) -> None:
        """Notice that something did not come, and say so."""
        self.is_proven = False
        log.warning(
            "The service is further than its %s say: they do not arrive. It is asked as usual "
            "instead, so nothing is lost. Is a door open (`door.is_open`), does that address lead "
            "to it, and does it use the same folder (`door.spool`)?",
            self.name,
        )


class Hints:
    """What is heard about one job, for the one who asks about it; one event loop.

    Parameters
    ----------
    way
        How they come.
    """

    def __init__(self, way: Way | None = None) -> None:
        self.way = way or Way()
        self.is_over = False
        """True once somebody said that the job has ended."""
        self.is_deaf = False
        """True while the service is further than anything that was heard."""
        self._heard_of = 0
        self._n_ahead = 0
        self._asks: str | None = None
        self._heard = asyncio.Event()

    @property
    def has_heard(self) -> bool:
        """Whether anything was heard of the job."""
        return self._heard_of > 0

    def hear(self, stage: str | None = None, *, is_over: bool = False) -> None:
        """Take note of a word about the job.

        The first track is worth a question, at the service's own pace. That the job has ended is
        worth one at once, the first time. Either is news only once.

        Parameters
        ----------
        stage
            How far it is said to be: ``text``, ``first``.
        is_over
            Whether it is said to have ended.
        """
        rank = _rank(stage, is_over)
        is_news = rank > self._heard_of
        self._heard_of = max(self._heard_of, rank)
        self.is_deaf, self._n_ahead = False, 0
        self.way.is_proven = True
        if is_over and is_news:
            self.is_over, self._asks = True, "at once"
        elif (is_over or (is_news and stage == "first")) and self._asks is None:
            self._asks = "at its pace"
        self._heard.set()

    def pause(self, usual: float) -> float:
        """Return the pause before the next question, given what it would be without hints."""
        is_trusted = self.way.is_proven and not self.is_over and not self.is_deaf
        return max(usual, QUIET) if is_trusted else usual

    async def rest(self, usual: float, soonest: float, limit: float | None) -> bool:
        """Wait until a question is due; ``False`` where the limit came first.

        Parameters
        ----------
        usual
            Seconds of silence after which one would be due if there were no hints.
        soonest
            Seconds before which a hint that is not the end does not count.
        limit
            Longest wait in seconds; ``None`` for none.
        """
        now = asyncio.get_running_loop().time
        began = quiet_since = now()
        while True:
            due = quiet_since + self.pause(usual)  # another job may prove the way meanwhile
            if self._asks == "at once":
                due = began
            elif self._asks is not None:
                due = min(due, began + soonest)
            ends = due if limit is None else min(due, began + limit)
            if now() >= ends:
                is_due = now() >= due
                self._asks = None if is_due else self._asks
                return is_due
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), ends - now())
            except asyncio.TimeoutError:
                continue
            quiet_since = now()

    def compare(self, stage: str | None, is_finished: bool) -> None:
        """Notice that the service is further than what was heard.

        Once may be a callback on its way; from then on it is asked as usual. Twice is said.
        """
        if _rank(stage, is_finished) <= self._heard_of:
            return
        self.is_deaf = True
        self._n_ahead += 1
        if self._n_ahead == 2:
            self.way.fails()


def _rank(stage: str | None, is_over: bool) -> int:
    return 3 if is_over else {"text": 1, "first": 2}.get(stage or "", 0)
