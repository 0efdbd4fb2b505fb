"""The workers of a dask.distributed client: what they are told, and what becomes of their tasks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ...errors import ExperimentError, brief
from . import worker
from .assignment import Assignment, Where

T = TypeVar("T")
log = logging.getLogger("phaseo_nb")

_AGAIN = 20
"""Times that a shard is handed out anew after its task was lost."""
WORKERS_WITHIN = 30
"""Seconds within which a cluster has to have a worker."""
_SAFE = (
    "Nothing is lost: what went out goes on at the service, and `await sweep.run(on=…)` on "
    "another cluster goes on with the rest."
)


class Hands:
    """Hands shards to a cluster.

    Parameters
    ----------
    client
        A ``dask.distributed.Client``.
    """

    def __init__(self, client: Any) -> None:
        _check(client)
        self._client = client
        self._tasks: dict[str, tuple[Assignment, Any]] = {}
        self._tries: Counter[str] = Counter()
        self.known_count = 1
        """Tasks that run at the same time, as last counted."""
        self.last_reason: str | None = None
        """Why a task left rows as they are."""
        self.reasons: dict[int, str] = {}
        """Why it left some of them, by their number."""

    @property
    def dashboard(self) -> str | None:
        """Address of the cluster's own page, where it has one."""
        spec = getattr(getattr(self._client, "cluster", None), "scheduler_spec", None)
        options = (spec or {}).get("options") or {}
        # Its scheduler names a port all the same, of a server without that page.
        if options.get("dashboard_address", "") is None or options.get("dashboard") is False:
            return None
        try:
            link = self._client.dashboard_link
        except Exception:  # a scheduler without one, or one that does not answer
            return None
        return str(link) if link else None

    @property
    def is_silent(self) -> bool:
        """Whether the connection to the scheduler was lost, and may still come back."""
        return getattr(self._client, "status", "running") == "connecting"

    @property
    def is_idle(self) -> bool:
        """Whether every task has come to its end."""
        return not self._tasks

    def count(self) -> int:
        """Return how many tasks can run at the same time."""
        with _in_our_words():
            self.known_count = max(1, sum(self._client.nthreads().values()))
        return self.known_count

    def check(self, where: Sequence[Where]) -> str | None:
        """Ask every worker whether it could work; return the first reason why not."""
        with _in_our_words():
            self._client.wait_for_workers(1, timeout=WORKERS_WITHIN)
        for each in where:
            with _in_our_words():
                said = self._client.run(worker.check, each, on_error="return")
            for name, why in said.items():
                if isinstance(why, ImportError):
                    why = f"This worker cannot load phaseo_nb ({why}). Install it there."
                if isinstance(why, str):
                    return f"{why} (worker {name}; nothing was sent)"
        return None  # a worker that died meanwhile has said nothing, and its successor is asked

    def give(self, assignment: Assignment) -> None:
        """Start the task of a shard; it goes on whether or not anybody waits for it."""
        from distributed import fire_and_forget

        self._tries[assignment.shard] += 1
        name = f"phaseo_nb-{assignment.shard}-{secrets.token_hex(4)}"
        with _in_our_words():
            future = self._client.submit(
                worker.advance,
                assignment,
                key=name,
                retries=3,  # harmless: a task only takes up what nobody has
                pure=False,
            )
        fire_and_forget(future)  # type: ignore[no-untyped-call, unused-ignore]
        self._tasks[assignment.shard] = assignment, future

    def each(
        self, work: Callable[..., T], where: Where, parts: Sequence[Any], *more: Any
    ) -> list[T]:
        """Have something worked out for each part, and return what came of it, in their order.

        Raises
        ------
        ExperimentError
            A worker cannot use the library, the cluster does not answer, or a task failed.
        """
        problem = self.check([where])
        if problem is not None:
            raise ExperimentError(problem)
        with _in_our_words():
            futures = [
                self._client.submit(work, where, part, *more, pure=False, retries=3)
                for part in parts
            ]
            return list(self._client.gather(futures))

    def tend(self) -> str | None:
        """Hand out again what was lost; return why the run cannot go on, where it cannot."""
        if getattr(self._client, "status", "running") not in ("running", "connecting"):
            return f"The cluster is gone. {_SAFE}"
        for shard, (assignment, future) in list(self._tasks.items()):
            status = future.status
            if status == "pending":
                continue
            del self._tasks[shard]
            if status == "finished":
                self._hear(future)
            elif self._tries[shard] >= _AGAIN:
                return f"The task of the shard {shard} was lost {_AGAIN} times. {self._why(future)}"
            else:
                log.info("The task of the shard %s is handed out again (%s).", shard, status)
                self.give(assignment)
        return None

    def _hear(self, future: Any) -> None:
        said = future.result()
        if isinstance(said, dict):
            reasons = said.get("reasons") or {}
            self.reasons |= reasons
            first = next(iter(reasons.values()), None)
            self.last_reason = said.get("closed") or first or self.last_reason

    def _why(self, future: Any) -> str:
        error = future.exception() if future.status == "error" else None
        return f"{type(error).__name__}: {str(error)[:200]}" if error is not None else ""


@contextlib.contextmanager
def _in_our_words() -> Iterator[None]:
    """Say what a cluster that does not answer means for the sweep."""
    try:
        yield
    except (OSError, RuntimeError, TimeoutError, asyncio.TimeoutError) as error:
        message = f"The cluster does not answer ({type(error).__name__}: {error}). {_SAFE}"
        raise ExperimentError(message) from error


def _check(client: Any) -> None:
    is_client = all(hasattr(client, name) for name in ("submit", "run", "scheduler_info"))
    if isinstance(client, type):
        message = (
            f"on = {client.__name__} is a class. Give a client that is connected to a cluster: "
            "on=Client(cluster), or on=Client(LocalCluster())."
        )
        raise ExperimentError(message)
    if not is_client:
        way = "Client(cluster)" if hasattr(client, "get_client") else "Client(LocalCluster())"
        if isinstance(client, str):
            way = f'Client("{brief(client)[1:-1]}")'
        message = (
            f"on = {brief(client)} is no client of a cluster. Give a dask.distributed.Client: "
            f'on={way}. (It comes with `pip install "phaseo-nb[scale]"`.)'
        )
        raise ExperimentError(message)
    if getattr(client, "asynchronous", False):
        message = "on = an asynchronous client. Give an ordinary one: Client(cluster)."
        raise ExperimentError(message)
    if getattr(client, "status", "running") in ("closing", "closed"):
        message = (
            "on = a client that was closed. Give one that is connected: on=Client(cluster). "
            "Nothing was planned or sent."
        )
        raise ExperimentError(message)
