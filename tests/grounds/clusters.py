"""Dask clusters whose workers can be killed, and that can be lost as a whole.

``cluster()`` is a ``LocalCluster`` in a process of its own: nothing of it, not its scheduler
either, is in the test process, so :func:`lose` takes it away at one blow, like a machine that is
switched off. ``local_cluster()`` is one in the test process, as it is in a notebook.

Workers are processes that know the modules of ``tests/``. What ``env=`` says holds for those that
take the place of killed ones, too: it is an argument of each nanny, which hands it on.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from . import need
from .processes import Child, live, until

_ENV = "GROUNDS_WORKERS_ENV"


class Cluster:
    """A cluster in a process of its own; ``address`` is what a ``Client`` is given."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.address: str = child.said["address"]

    def client(self, **options: Any) -> Any:
        """Return a new client, to be closed by whoever asked."""
        from distributed import Client

        options.setdefault("set_as_default", False)
        return Client(self.address, **options)

    def pids(self) -> list[int]:
        """Return the process ids of its workers, less those that are just being replaced."""
        return self._child.ask("workers")

    def lose(self) -> None:
        """Kill all workers and the scheduler at once."""
        self._child.kill()

    @property
    def log(self) -> str:
        """What it warned of so far."""
        return self._child.log

    def close(self) -> None:
        self._child.stop()


@contextlib.contextmanager
def cluster(
    n_workers: int = 2, n_threads: int = 1, env: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """Run a cluster in a process of its own.

    Its workers begin with the environment of the test, and with ``env`` over that.
    """
    need("distributed")
    # Not as an argument: everybody can read these, and there may be a password in it.
    told = {**os.environ, _ENV: json.dumps(dict(env or {}))}
    child = Child("grounds.clusters", str(n_workers), str(n_threads), env=told)
    try:
        yield Cluster(child)
    finally:
        child.stop()


@contextlib.contextmanager
def local_cluster(
    n_workers: int = 2, n_threads: int = 1, env: Mapping[str, str] | None = None
) -> Iterator[Any]:
    """Run a ``LocalCluster`` in the test process; its workers are processes all the same."""
    need("distributed")
    with _made(n_workers, n_threads, dict(env or {})) as made:
        yield made


def pids(some_cluster: Any) -> list[int]:
    """Return the process ids of the workers of either kind of cluster."""
    if isinstance(some_cluster, Cluster):
        return some_cluster.pids()
    found = [nanny.pid for nanny in list(some_cluster.workers.values())]
    return [pid for pid in found if pid is not None]


def kill_worker(some_cluster: Any, rng: random.Random | None = None) -> int:
    """Kill one worker, whatever it does, and return its process id; its nanny starts another."""
    pid = (rng or random.Random(0)).choice(sorted(pids(some_cluster)))
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid not in pids(some_cluster), "a nanny to see that its worker is dead")
    return pid


def until_workers(some_cluster: Any, n: int) -> None:
    """Wait until so many workers run, such as after one was killed."""
    until(lambda: len(pids(some_cluster)) >= n, f"{n} workers")


def lose(some_cluster: Cluster) -> None:
    """Kill all workers and the scheduler at once."""
    some_cluster.lose()


def _made(n_workers: int, n_threads: int, env: dict[str, str]) -> Any:
    import logging

    from distributed import LocalCluster

    return LocalCluster(
        n_workers=n_workers,
        threads_per_worker=n_threads,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # None would be port 8787, and a warning if it is taken
        silence_logs=logging.ERROR,
        env=env,
    )


def _serve(n_workers: str, n_threads: str) -> None:
    env = json.loads(os.environ.pop(_ENV))
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what workers print is no answer
    made = _made(int(n_workers), int(n_threads), env)
    address = made.scheduler_address
    live({"address": address}, lambda line: pids(made), said)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
