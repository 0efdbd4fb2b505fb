"""When to ask next: pure functions, no clock, no network.

Neither service tells how far a job is, and callbacks cannot reach most notebooks, so the answer
is a schedule: close together while a short job may be done, further apart for the long ones.
Whoever knows better (from the times of earlier jobs, say) passes another function of this shape
as ``MusicClient.poll``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
