"""The time that jobs of the sandbox live by: real, sped up, or held by a test."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Protocol

import anyio

_EPOCH = datetime(2026, 1, 5, 12, 0, tzinfo=timezone.utc)
_POLL = 0.005  # seconds between two looks at a clock that somebody else may move


class Clock(Protocol):
    """Seconds since the sandbox began, in its own time."""

    def now(self) -> float:
        """Return the seconds since the sandbox began."""

    def wall(self) -> datetime:
        """Return the time of day that answers show, in UTC."""

    async def sleep_until(self, moment: float) -> None:
        """Return when :meth:`now` has reached ``moment``."""


class RealClock:
    """Time as it passes, multiplied by ``speed``."""

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            message = f"speed = {speed!r} was given; the clock needs a number above 0."
            raise ValueError(message)
        self.speed = speed
        self._start = time.monotonic()

    def now(self) -> float:
        """Return the seconds since the sandbox began."""
        return (time.monotonic() - self._start) * self.speed

    def wall(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(timezone.utc)

    async def sleep_until(self, moment: float) -> None:
        """Return when :meth:`now` has reached ``moment``."""
        while (rest := moment - self.now()) > 0:  # noqa: ASYNC110 - wakes early under load
            await anyio.sleep(min(rest / self.speed, 3600.0))


class ManualClock:
    """Time that stands still until :meth:`advance`. Safe to move from any thread."""

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = threading.Lock()
        self._listeners: list[weakref.WeakMethod[Callable[[], None]]] = []

    def now(self) -> float:
        """Return the seconds since the sandbox began."""
        return self._now

    def wall(self) -> datetime:
        """Return a fixed day plus the seconds that have been advanced."""
        return _EPOCH + timedelta(seconds=self._now)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once, and whoever listens do what has become due."""
        if not seconds >= 0:
            message = f"seconds = {seconds!r} was given; time goes forward only."
            raise ValueError(message)
        with self._lock:
            self._now += seconds
            self._listeners = [each for each in self._listeners if each() is not None]
            listeners = [each() for each in self._listeners]
        for listener in listeners:  # outside of the lock: they may ask for the time
            if listener is not None:
                listener()

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call a method after each :meth:`advance`, as long as its object lives."""
        with self._lock:
            self._listeners.append(weakref.WeakMethod(listener))

    async def sleep_until(self, moment: float) -> None:
        """Return when somebody has advanced the clock to ``moment``."""
        while self._now < moment:  # noqa: ASYNC110 - an event would belong to one loop
            await anyio.sleep(_POLL)


def pause_until(clock: Clock, moment: float) -> float | None:
    """Return how many real seconds to wait before looking at the clock again.

    ``None`` for a clock that says when it has been moved.
    """
    if isinstance(clock, ManualClock):
        return None
    if isinstance(clock, RealClock):
        return max(moment - clock.now(), 0.0) / clock.speed
    return _POLL
