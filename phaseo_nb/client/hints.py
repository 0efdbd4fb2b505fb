"""Hints: what a callback is to a client that believes answers only.

A hint says that a question is worth asking now. It is never an answer itself, so whoever forges
one gains a question, and not even many of those.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

log = logging.getLogger("phaseo_nb")

QUIET = 60.0
"""Seconds without a word after which the service is asked all the same: hints may get lost."""


class Hints:
    """What is heard about one job, for the one who asks about it; one event loop.

    Parameters
    ----------
    source
        Where they come from, in words; said if they turn out not to come.
    """

    def __init__(self, source: str = "callbacks") -> None:
        self.source = source
        self.n_heard = 0
        self.is_over = False
        """True once somebody said that the job has ended."""
        self.is_deaf = False
        """True once the service was further than anything that was heard."""
        self._asks: str | None = None
        self._heard = asyncio.Event()

    def hear(self, *, is_news: bool = False, is_over: bool = False) -> None:
        """Take note of a word about the job.

        Parameters
        ----------
        is_news
            Whether it is worth a question, at the service's own pace.
        is_over
            Whether the job is said to have ended: worth a question at once, the first time.
        """
        self.n_heard += 1
        self.is_deaf = False
        if is_over and not self.is_over:
            self.is_over, self._asks = True, "at once"
        elif (is_news or is_over) and self._asks is None:
            self._asks = "at its pace"
        self._heard.set()

    def pause(self, usual: float) -> float:
        """Return the pause before the next question, given what it would be without hints."""
        return usual if self.is_over or self.is_deaf else max(usual, QUIET)

    async def rest(self, pause: float, soonest: float, limit: float | None) -> bool:
        """Wait until a question is due; ``False`` where the limit came first.

        Parameters
        ----------
        pause
            Seconds of silence after which one is due without a hint.
        soonest
            Seconds before which a hint that is not the end does not count.
        limit
            Longest wait in seconds; ``None`` for none.
        """
        now = asyncio.get_running_loop().time
        began = now()
        quiet_since = began
        while True:
            due = quiet_since + pause
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
        """Notice that the service is further than what was heard, and say so once."""
        if self.n_heard or self.is_deaf or not (is_finished or stage in ("text", "first")):
            return
        self.is_deaf = True
        _say_once(self.source)


_said: set[str] = set()


def _say_once(source: str) -> None:
    if source in _said:
        return
    _said.add(source)
    log.warning(
        "None of the %s has arrived, though the job is under way: the service may not reach that "
        "address, or nothing hands them on to this machine. It is asked as usual instead, so "
        "nothing is lost.",
        source,
    )


def paced(pauses: Iterator[float], hints: Hints | None) -> Iterator[float]:
    """Yield the pauses of a schedule, longer ones where hints can be relied on."""
    for pause in pauses:
        yield pause if hints is None else hints.pause(pause)
