"""The time that jobs of the sandbox live by: real, sped up, or held by a test."""

from __future__ import annotations

import threading
import time
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

    def now(self) -> float:
        """Return the seconds since the sandbox began."""
        return self._now

    def wall(self) -> datetime:
        """Return a fixed day plus the seconds that have been advanced."""
        return _EPOCH + timedelta(seconds=self._now)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        if not seconds >= 0:
            message = f"seconds = {seconds!r} was given; time goes forward only."
            raise ValueError(message)
        with self._lock:
            self._now += seconds

    async def sleep_until(self, moment: float) -> None:
        """Return when somebody has advanced the clock to ``moment``."""
        while self._now < moment:  # noqa: ASYNC110 - an event would belong to one loop
            await anyio.sleep(_POLL)
