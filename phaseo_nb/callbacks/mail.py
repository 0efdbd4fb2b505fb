"""Handing arrivals to those who wait for them, on the engine's event loop.

What this process receives itself is noticed at once. What another one put into the folder (a
Jupyter server, another kernel) is noticed by looking: one look at the folder's time of change each
0.1 s for all listeners together, while there are any.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from pathlib import Path

from .spool import Arrival, Spool, spool_folder
from .threads import in_thread

LOOK_EACH = 0.1
"""Seconds between two looks at the folder's time of change."""
LIST_EACH = 1.0
"""Seconds after which it is listed all the same: some disks count time in seconds."""
_MOST_MAILBOXES = 8


class _Seat:
    """One who waits for the arrivals of a token."""

    def __init__(self) -> None:
        self.bell = asyncio.Event()
        self.names: deque[str] = deque()
        self._seen: set[str] = set()

    def offer(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._seen:
                self._seen.add(name)
                self.names.append(name)
                self.bell.set()

    def forget(self, name: str) -> None:
        self._seen.discard(name)


class Mailbox:
    """Hands what arrives in a spool to those who wait for it; use it on one event loop.

    Parameters
    ----------
    spool
        Where arrivals are put, by this process or by others.
    """

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self._seats: dict[str, set[_Seat]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scanner: asyncio.Task[None] | None = None
        self._look_now = asyncio.Event()
        self._end_listening: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<Mailbox of {self.spool.folder}, {self.n_listeners} listening>"

    @property
    def n_listeners(self) -> int:
        """How many wait at the moment."""
        return sum(map(len, self._seats.values()))

    async def letters(self, sha256: str) -> AsyncGenerator[Arrival, None]:
        """Yield each arrival of a token once, oldest first, and wait for more; never ends.

        What came before (also while no kernel was there) comes first. Nothing is removed: that is
        for :meth:`Spool.take` or :meth:`Spool.forget`. Close it (``contextlib.aclosing``) when no
        more is wanted.

        Parameters
        ----------
        sha256
            Hash of the token.
        """
        seat = self._sit(sha256)
        try:
            while True:
                while seat.names:
                    name = seat.names.popleft()
                    arrival = await in_thread(self.spool.read, name)
                    if arrival is None:  # taken by somebody, or not to be read yet
                        seat.forget(name)
                    else:
                        yield arrival
                seat.bell.clear()
                if not seat.names:
                    await seat.bell.wait()
        finally:
            self._leave(sha256, seat)

    def _sit(self, sha256: str) -> _Seat:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._seats and self._loop is not None and not self._loop.is_closed():
                message = "This mailbox is in use on another event loop. Listen on the engine's."
                raise RuntimeError(message)
            self._settle(loop)
        seat = _Seat()
        self._seats.setdefault(sha256, set()).add(seat)
        if self._end_listening is None:
            self._end_listening = self.spool.on_arrival(self._heard)
        self._look_now.set()  # one look for all who sit down together
        if self._scanner is None or self._scanner.done():
            self._scanner = loop.create_task(self._scan(), name="phaseo_nb-mailbox")
        return seat

    def _settle(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin on a loop; whoever sat on another one went away with it."""
        self._loop, self._scanner, self._seats = loop, None, {}
        self._look_now = asyncio.Event()

    def _heard(self, sha256: str, name: str) -> None:
        if sha256 in self._seats and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(self._ring, sha256, [name])

    def _leave(self, sha256: str, seat: _Seat) -> None:
        seats = self._seats.get(sha256, set())
        seats.discard(seat)
        if not seats:
            self._seats.pop(sha256, None)
        if not self._seats and self._end_listening is not None:
            self._end_listening()
            self._end_listening = None
            self._look_now.set()  # wakes the scanner, which ends

    def _ring(self, sha256: str, names: Iterable[str]) -> None:
        for seat in self._seats.get(sha256, ()):
            seat.offer(names)

    async def _scan(self) -> None:
        """Look until nobody listens."""
        stamp, listed = -1, float("-inf")
        look_now = self._look_now
        while self._seats and self._look_now is look_now:  # another loop has another one
            is_called, now = look_now.is_set(), time.monotonic()
            look_now.clear()
            before, stamp = stamp, await in_thread(self.spool.stamp)
            if is_called or stamp != before or now - listed >= LIST_EACH:
                listed = now
                held = await in_thread(self.spool.names)
                for sha256 in held.keys() & self._seats.keys():
                    self._ring(sha256, held[sha256])
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(look_now.wait(), LOOK_EACH)


_mailboxes: dict[tuple[int, Path], Mailbox] = {}


def mailbox() -> Mailbox:
    """Return the mailbox of this process for the folder that is set at the moment."""
    key = os.getpid(), spool_folder()  # a forked child has no loop and no listeners
    if key not in _mailboxes:
        for old in [key for key, box in _mailboxes.items() if not box.n_listeners]:
            if len(_mailboxes) >= _MOST_MAILBOXES:
                del _mailboxes[old]
        _mailboxes[key] = Mailbox(Spool(key[1]))
    return _mailboxes[key]
