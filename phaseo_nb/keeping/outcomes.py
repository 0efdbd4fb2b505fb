"""What became of an operation on the database, for whoever waits for it: a thread or a loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
Outcome = tuple[Any, "BaseException | None"]
"""Result, or what went wrong."""


class Promise(Future[T]):
    """The outcome of an operation; :func:`here` waits for it on an event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[T]]] = []


_waking = threading.RLock()  # callbacks of a promise run inside


def here(promise: Future[T]) -> asyncio.Future[T]:
    """Return a future of the running event loop for an operation.

    As ``asyncio.wrap_future``, but a loop is woken once for a whole transaction, not once for each
    of the jobs that wait for it.
    """
    if not isinstance(promise, Promise):
        return asyncio.wrap_future(promise)
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[T] = loop.create_future()
    with _waking:
        if not promise.done():
            promise.waiters.append((loop, waiter))
            return waiter
    _pass_on([(waiter, promise)])
    return waiter


def settle(promises: Sequence[Promise[Any]], outcomes: Sequence[Outcome]) -> None:
    """Give everybody the outcome, and wake each event loop once."""
    waiting: dict[asyncio.AbstractEventLoop, list[Any]] = {}
    for promise, (result, failure) in zip(promises, outcomes, strict=True):
        with _waking:
            if failure is not None:
                promise.set_exception(failure)
            else:
                promise.set_result(result)
        for loop, waiter in promise.waiters:
            waiting.setdefault(loop, []).append((waiter, promise))
    for loop, waiters in waiting.items():
        with contextlib.suppress(RuntimeError):  # closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(_pass_on, waiters)


def _pass_on(waiters: list[tuple[asyncio.Future[Any], Future[Any]]]) -> None:
    for waiter, promise in waiters:
        if waiter.done():  # somebody stopped waiting
            continue
        error = promise.exception()
        if error is not None:
            waiter.set_exception(error)
        else:
            waiter.set_result(promise.result())
