"""Fifty orders a second over four kernels: never more at the service, and hardly fewer.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_limits.py

Four processes share one library, in a file of SQLite and then in PostgreSQL where that is
installed, and order as fast as they may from a service in a process of its own, which notes when
each order arrives. ``within a second`` is the most that came in any second, wherever it begins;
``on average`` leaves out the first two seconds, in which the kernels begin, and the last fifth of
the orders, of which one kernel may have none. Then the service itself takes only thirty a second
and says 429 to the rest: how many it has to say that to, and whether anything is paid twice.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from figures import Figure, is_quick, run_alone
from grounds import services

import phaseo_nb as nb

SIDES = Path(__file__).with_name("limits_sides.py")
RATE, KERNELS = 50, 4
BEGINS = 2.0
"""Seconds in which the kernels begin: they put all their orders together before the first goes."""


@contextmanager
def homes() -> Iterator[dict[str, str]]:
    """Yield the homes of libraries by the name of their back end."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        found = {"SQLite": folder}
        if importlib.util.find_spec("psycopg"):
            from grounds.postgres import server

            try:
                found["PostgreSQL"] = server().database()
            except BaseException as error:  # not installed here, which pytest would skip
                print(f"without PostgreSQL: {error}")
        yield found


def run(home: str, url: str, name: str, n: int, rate: float | None) -> int:
    """Let all kernels order at once; return how many orders are out."""
    library = nb.Library(home)
    library.set_limits(url, per_second=rate)
    library.close()
    command = [sys.executable, str(SIDES), url]
    env = {**os.environ, "PHASEO_NB_HOME": home}
    kernels = [
        subprocess.Popen(
            [*command, f"{name} {number}", str(n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )
        for number in range(KERNELS)
    ]
    try:
        for each in kernels:
            assert each.stdout is not None
            each.stdout.readline()
        for each in kernels:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        said = [each.communicate(timeout=180)[0] for each in kernels]
    finally:
        for each in kernels:
            each.kill()
    return sum(int(words) for words in said)


def average(service: services.Service) -> float:
    """Return orders a second, once every kernel has begun and while each has some left."""
    times = service.count()["arrivals"]
    steady = [at for at in times[: int(0.8 * len(times))] if at >= times[0] + BEGINS]
    steady = steady if len(steady) > 1 else times
    return float((len(steady) - 1) / (steady[-1] - steady[0]))


def measure() -> list[Figure]:
    """Run both scenes with both back ends."""
    n = 25 if is_quick() else 150
    found = []
    with homes() as places:
        for backend, home in places.items():
            with services.fast(3600.0) as service:
                run(home, service.url, "free", n, RATE)
                most, mean = service.most_within(1.0), average(service)
            found += [
                Figure(f"within a second, {backend}", "orders", [most], target="<= 55"),
                Figure(
                    f"on average, {backend}", "orders/s", [mean], target=">= 45", better="higher"
                ),
            ]
            with services.fast(3600.0, 30) as service:
                out = run(home, service.url, "busy", n // 2, RATE)
                count = service.count()
                print(backend, "429:", count["refused"], "out:", out, "mean:", average(service))
                twice = sum(service.paid_twice().values())
            note = f"{out} of {KERNELS * (n // 2)} orders out"
            found += [
                Figure(f"429 of a service that takes 30/s, {backend}", "", [count["refused"]]),
                Figure(f"paid twice, {backend}", "", [twice], target="<= 0", note=note),
            ]
    return found


if __name__ == "__main__":
    sys.exit(run_alone(measure))
