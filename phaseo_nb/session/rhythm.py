"""How long jobs take here, by the journal, and when to ask about one because of that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError
from ..keeping.entries import last_times
from ..polling import USUAL_SECONDS, Schedule, learned, spread_of
from ..transport.secrets import scrub

if TYPE_CHECKING:
    from ..keeping import Library
    from ..settings import Connection
    from ..takes.handle import Job

ENOUGH_TIMES = 3
"""Jobs of a model after which its own times count, and not what is usual at its provider."""
GOOD_FOR = 10.0
"""Seconds for which times are not read again: live lines ask each second."""


class Rhythm:
    """What is known of the models of one gateway.

    Parameters
    ----------
    library
        Whose journal has the times.
    connection
        Which gateway.
    """

    def __init__(self, library: Library, connection: Connection) -> None:
        self._library = library
        self._wire = connection.name
        self._base_url = connection.base_url
        self._key = connection.key
        self._known: dict[str | None, tuple[float, list[float]]] = {}

    def usual_time(self, request: Any) -> float | None:
        """Return how long jobs of a request's model have taken: the median, in seconds."""
        times = self._times(request)
        return _median(times) if times else None

    def poll(self, job: Job, age: float) -> Schedule | None:
        """Return when to ask about a job; ``None`` leaves that to the client.

        udioapi.pro is asked each 5 s, as its page says, because its feed has more to tell than
        the end: words first, then the first track.

        Parameters
        ----------
        job
            Which one.
        age
            Seconds for which it is on its way already.
        """
        if self._wire == "udio":
            return None
        times = self._times(job.request)
        if len(times) >= ENOUGH_TIMES:
            median = _median(times)
            return learned(median, age, spread_of(times, median))
        usual = USUAL_SECONDS.get(getattr(job.request, "provider_name", None) or "")
        return learned(usual, age) if usual else None

    def _times(self, request: Any) -> list[float]:
        model, now = model_of(request), time.monotonic()
        read_at, times = self._known.get(model, (None, []))
        if read_at is None or now - read_at > GOOD_FOR:
            name = scrub(model, self._key) if model else model
            try:
                database = self._library.folder.database
                times = database.read(lambda db: last_times(db, self._base_url, name))
            except LibraryError:  # no reason to lose a job that is on its way
                times = []
            self._known[model] = now, times
        return times


def model_of(request: Any) -> str | None:
    """Return the model that a request names."""
    model = getattr(request, "model", None)
    return model if isinstance(model, str) else None


def _median(times: list[float]) -> float:
    import statistics  # brings fractions and more along, and a form needs none of it

    return statistics.median(times)
