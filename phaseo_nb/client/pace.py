"""Giving the event loop its time back where a thousand things are started in one go."""

from __future__ import annotations

import asyncio

BUDGET = 0.02
"""Seconds of one round of the event loop that may be spent on putting orders together."""


class Pace:
    """Spreads work that does not wait for anything over several rounds of the event loop.

    ``await asyncio.gather(*(client.submit(…) for … in range(1000)))`` starts a thousand tasks in
    the same round, and all of them would check their words and put their bodies together in it.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._until = 0.0

    async def turn(self) -> None:
        """Return at once, or in a later round where this one has had enough."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            if self._loop is not loop:
                self._loop, self._until = loop, now + BUDGET
                loop.call_soon(self._begin_anew)
            if now < self._until:
                return
            await asyncio.sleep(0)

    def _begin_anew(self) -> None:
        self._loop = None
