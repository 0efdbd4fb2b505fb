"""How soon a job's end is noticed, and at how many questions: a simulation of schedules.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_polling.py

The learned schedule believes in a median of 60 s. The truths it meets are log-normal with that
median (sigma 0.5), a fast day (half of it), a slow day (twice), and two kinds of jobs under one
name (25 s and 110 s). Beside it: fixed intervals, one of them with the same delay, doubling
backoff up to 10 s, and what is used where nothing is known. 40,000 jobs each, the same for all.
No network, no clock: only the pauses are added up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import repeat

import numpy as np
from figures import Figure, run_alone

from phaseo_nb.polling import learned, schedule

MEDIAN, SIGMA, N = 60.0, 0.5, 40_000
POLLS_TARGET, DELAY_TARGET, FAST_DELAY_TARGET = 11.5, 2.4, 3.0

Pauses = Callable[[], Iterator[float]]


def truths() -> dict[str, np.ndarray]:
    """Return how long the jobs take, in seconds, by the kind of day."""
    random = np.random.default_rng(20261126)
    usual = MEDIAN * np.exp(SIGMA * random.standard_normal(N))
    short, long = (m * np.exp(0.25 * random.standard_normal(N)) for m in (25.0, 110.0))
    two_kinds = np.where(random.random(N) < 0.5, short, long)
    return {
        "as believed": usual,
        "fast day": usual / 2,
        "slow day": usual * 2,
        "two kinds": two_kinds,
    }


def simulate(pauses: Pauses, jobs: np.ndarray) -> tuple[float, float]:
    """Return the mean number of questions and the mean delay in seconds."""
    asked, at = [], 0.0
    waiting = pauses()
    while at <= jobs.max():
        at += next(waiting)
        asked.append(at)
    moments = np.array(asked)
    first_after = np.searchsorted(moments, jobs)
    return float((first_after + 1).mean()), float((moments[first_after] - jobs).mean())


def backoff() -> Iterator[float]:
    """Double the pause up to 10 s."""
    pause = 1.0
    while True:
        yield pause
        pause = min(10.0, pause * 2)


def measure() -> list[Figure]:
    """Print how the schedules do on every day, and return what has a target."""
    days = truths()
    schedules: dict[str, Pauses] = {
        "learned (60 s)": lambda: learned(MEDIAN)(1.0),
        "fixed 4.75 s": lambda: repeat(4.75),
        "fixed 2 s": lambda: repeat(2.0),
        "fixed 10 s": lambda: repeat(10.0),
        "backoff 1 to 10 s": backoff,
        "nothing known": lambda: schedule(1.0),
    }
    print(f"{'':20}" + "".join(f"{day:>20}" for day in days))
    results = {}
    for name, pauses in schedules.items():
        row = results[name] = {day: simulate(pauses, jobs) for day, jobs in days.items()}
        cells = "".join(f"{polls:>11.2f} {delay:>6.2f} s" for polls, delay in row.values())
        print(f"{name:20}{cells}")
    mine = results["learned (60 s)"]
    print("questions a job, mean delay\n")
    (polls, delay), worst = mine["as believed"], max(delay for _, delay in mine.values())
    end = "end noticed by polling, simulated"
    return [
        Figure("questions, simulated", "a job", [polls], target=f"<= {POLLS_TARGET:g}"),
        Figure(end, "s", [delay], target=f"<= {DELAY_TARGET:g}"),
        Figure(f"{end}, worst day", "s", [worst], target=f"<= {FAST_DELAY_TARGET:g}"),
    ]


if __name__ == "__main__":
    sys.exit(run_alone(measure))
