"""When to ask next: pure functions, no clock, no network.

Neither service tells how far a job is, and callbacks cannot reach most notebooks, so the answer
is a schedule. Where nothing is known of a model, :func:`schedule`: close together while a short
job may be done, further apart for the long ones. Where it is known how long its jobs usually
take, :func:`learned`: rarely before one can be done, most often when one probably is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

Schedule = Callable[[float], Iterator[float]]
"""Takes the shortest pause the gateway allows, yields pauses without end; seconds."""

_STEPS = (1.0, 2.0, 3.0, 4.0, *(5.0,) * 22)  # two minutes: most jobs are done by then
LONGEST = 10.0


def schedule(min_interval: float = 1.0) -> Iterator[float]:
    """Yield the pauses between two questions about one job, the first of them before the first.

    Parameters
    ----------
    min_interval
        Shortest pause in seconds, as the gateway asks for; every pause is at least this long.
        Below one second, where asking costs nothing (the sandbox), the whole schedule shrinks
        with it.

    Yields
    ------
    float
        Seconds, never less than the one before; for ever.

    Examples
    --------
    >>> from itertools import islice
    >>> list(islice(schedule(), 6))
    [1.0, 2.0, 3.0, 4.0, 5.0, 5.0]
    >>> list(islice(schedule(5.0), 3))
    [5.0, 5.0, 5.0]
    """
    scale = min(1.0, max(min_interval, 0.05))
    for pause in _STEPS:
        yield max(min_interval, pause * scale)
    while True:
        yield max(min_interval, LONGEST * scale)


USUAL_SECONDS = {"suno": 100.0}
"""Median time of a job by provider, for who has no history: five recorded runs of Suno that are
public took 91 to 172 s, and a guide for such services says 30 s to 5 min. The other providers of
the gateway answer with the music itself, so they are hardly ever asked."""

WORTH = 0.265
"""Seconds of delay that one question less is worth."""
FIRST = 0.3
"""Longest pause, as a share of the median: a wrong median must not cost much."""
FIRST_OF_EVEN = 0.6
"""The same where all jobs take as long as each other."""
SPREAD = 0.5
"""Of the logarithm of times: two jobs of three take between 0.6 and 1.6 times the median."""
_LEAST_SPREAD = 0.1
_ASSUMED = 2  # times that the usual spread is worth beside those that are known
# How likely it is that today jobs take so many times the median.
_DAYS = ((0.70, 1.0), (0.25, 0.5), (0.05, 2.0))


def spread_of(times: Sequence[float], median: float) -> float:
    """Return how much known times scatter around their median, as :func:`learned` takes it.

    Few times prove little, so the usual spread counts as if it had been seen twice.
    """
    known = [math.log(time / median) ** 2 for time in times if time > 0 and median > 0]
    mean = (_ASSUMED * SPREAD**2 + math.fsum(known)) / (_ASSUMED + len(known))
    return min(SPREAD, max(_LEAST_SPREAD, math.sqrt(mean)))


def learned(median: float, age: float = 0.0, spread: float = SPREAD) -> Schedule:
    """Return a schedule for jobs that usually take so long.

    A question is worth its while where the job is likely to end soon: with the hazard *h* of its
    end (the chance per second that it ends now, if it has not yet), pauses of ``sqrt(2 w / h)``
    give the least delay for the number of questions, *w* being the seconds that a question less
    is worth. The hazard is that of log-normal times around the median, on some days around half
    or twice of it. Simulated in ``tests/benchmarks/bench_polling.py``.

    Parameters
    ----------
    median
        Seconds; half of the jobs took less.
    age
        Seconds for which the job is on its way already.
    spread
        How much times scatter, by :func:`spread_of`. Where they hardly do, few questions are
        enough.

    Examples
    --------
    >>> from itertools import islice
    >>> [round(pause) for pause in islice(learned(60.0)(1.0), 6)]
    [18, 7, 6, 5, 5, 5]
    """
    even = (SPREAD - spread) / (SPREAD - _LEAST_SPREAD)
    longest = (FIRST + (FIRST_OF_EVEN - FIRST) * even) * median

    def pauses(min_interval: float = 1.0) -> Iterator[float]:
        if min_interval < 1.0:  # asking costs nothing there
            yield from schedule(min_interval)
        since = age
        while True:
            pause = max(min_interval, _pause(since, median, spread, longest))
            since += pause
            yield pause

    return pauses


@lru_cache(maxsize=4096)  # a thousand jobs of one model, ordered together, ask alike
def _pause(since: float, median: float, spread: float, longest: float) -> float:
    """Return the pause after so many seconds, by halving the interval it lies in."""
    low, high = 1.0, max(1.0, longest)
    for _ in range(12):
        middle = (low + high) / 2
        if middle * middle * _hazard(since + middle / 2, median, spread) >= 2 * WORTH:
            high = middle
        else:
            low = middle
    return high


def _hazard(at: float, median: float, spread: float) -> float:
    """Return the chance per second that a job ends now, if it has not yet."""
    ending = left = 0.0
    for share, factor in _DAYS:
        z = math.log(at / (median * factor)) / spread
        ending += share * math.exp(-z * z / 2) / (math.sqrt(2 * math.pi) * spread * at)
        left += share * math.erfc(z / math.sqrt(2)) / 2
    return ending / max(left, 1e-12)
