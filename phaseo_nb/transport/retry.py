"""How long to wait before asking again, and when to stop: pure, apart from one counter.

The counter is shared by everything that talks to one base URL. While a service is down, hundreds
of jobs that each retry "only three times" would be the next reason why it is down.
"""

from __future__ import annotations

import re
import threading
import time
from email.utils import parsedate_to_datetime

from .messages import Answer

LONGEST_PAUSE = 60.0
"""Seconds; who is asked to wait longer gets the answer instead, and can decide."""

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of an answer to a question that is worth asking again."""

_BASE, _CAP = 0.5, 8.0
_YEAR = 365 * 86_400.0


def backoff(attempt: int, spread: float) -> float:
    """Return the pause before attempt number ``attempt + 1`` in seconds.

    Parameters
    ----------
    attempt
        Attempts so far, from 1.
    spread
        Between 0 and 1, by chance: keeps those that failed together from coming back together.
    """
    pause: float = min(_CAP, _BASE * 2.0 ** (attempt - 1))
    return pause * (0.5 + spread / 2)


def pause_after(attempt: int, asked: float | None, spread: float) -> float:
    """Return the pause before the next attempt: as asked and a little more, else the backoff."""
    if asked is None:
        return backoff(attempt, spread)
    return asked + spread * min(1.0, 0.1 * asked)


def retry_after(answer: Answer) -> float | None:
    """Return the seconds an answer asks to wait, a number or an HTTP date: 0 to a year.

    The only reader of this header; both gateways use it as well.
    """
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    if re.fullmatch(r"-?[0-9]+(\.[0-9]*)?", text):
        return min(max(0.0, float(text)), _YEAR)
    until = _moment(text)
    # The server's own clock where it shows one: ours may be wrong by hours.
    now = _moment(answer.headers.get("date", ""))
    if until is None:
        return None
    return min(max(0.0, until - (time.time() if now is None else now)), _YEAR)


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


class RetryQuota:
    """How many retries everything at one base URL may still make; refilled by successes."""

    def __init__(self, size: float = 20.0, refill: float = 0.5) -> None:
        self._size = size
        self._refill = refill
        self._left = size
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<RetryQuota {self._left:g} of {self._size:g} left>"

    def take(self) -> bool:
        """Take one retry; False when none is left."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def give_back(self) -> None:
        """Note a success."""
        with self._lock:
            self._left = min(self._size, self._left + self._refill)


_quotas: dict[str, RetryQuota] = {}
_quotas_lock = threading.Lock()


def quota_of(base_url: str) -> RetryQuota:
    """Return the one quota of a base URL in this process."""
    with _quotas_lock:
        return _quotas.setdefault(base_url, RetryQuota())
