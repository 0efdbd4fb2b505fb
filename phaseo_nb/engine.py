"""One daemon thread with one event loop, for everything that must outlive a cell.

A notebook's own loop belongs to the kernel: it stands still while a cell computes, and nesting
another run inside it loses the cells queued behind (measured on ipykernel 7 with nest_asyncio).
So jobs run here, cells only wait for them, and code that cannot ``await`` blocks on a future.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import os
import sys
import threading
import warnings
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

HAS_THREADS = sys.platform != "emscripten"  # a browser's Python cannot start one


class Engine:
    """Runs coroutines on a loop of its own; started by the first one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0

    def __repr__(self) -> str:
        return f"<Engine {'running' if self.is_running else 'idle'}>"

    @property
    def is_running(self) -> bool:
        """True once something was submitted in this process."""
        alive = self._thread is not None and self._thread.is_alive()
        return alive and self._pid == os.getpid()

    @property
    def is_current_thread(self) -> bool:
        """True inside the engine's own thread, where blocking on it would wait for ever."""
        return self._thread is threading.current_thread()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine and return at once; the future can be waited for from any thread."""
        if not HAS_THREADS:
            return _on_running_loop(coroutine)
        return asyncio.run_coroutine_threadsafe(coroutine, self._ready_loop())

    def _ready_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or not self.is_running:  # a forked child has no thread
                started = threading.Event()
                self._loop = asyncio.new_event_loop()
                self._pid = os.getpid()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop, started), name="phaseo_nb", daemon=True
                )
                self._thread.start()
                started.wait()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop, started: threading.Event) -> None:
    asyncio.set_event_loop(loop)
    loop.call_soon(started.set)
    loop.run_forever()


def _on_running_loop(coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Without threads there is one loop; whoever waits must await."""
    future: concurrent.futures.Future[T] = concurrent.futures.Future()
    task = asyncio.ensure_future(coroutine)

    def pass_on(done: asyncio.Task[T]) -> None:
        if done.cancelled():
            future.cancel()
        elif (error := done.exception()) is not None:
            future.set_exception(error)
        else:
            future.set_result(done.result())

    task.add_done_callback(pass_on)
    return future


engine = Engine()


def run(awaitable: Awaitable[T]) -> T:
    """Wait for an awaitable where ``await`` is not possible, and return its result.

    The awaitable runs on the engine's thread, so this works inside a running event loop too
    (in a plain function called from a cell, in a callback, in a script).

    Parameters
    ----------
    awaitable
        Such as ``nb.generate("…")`` or a job from ``nb.submit("…")``.

    Raises
    ------
    RuntimeError
        Where blocking could never end: on the engine's own thread, or in a browser's Python.
    KeyboardInterrupt
        The wait was interrupted; the awaitable is cancelled first, so that it can say how to
        go on.

    Examples
    --------
    >>> import asyncio
    >>> import phaseo_nb as nb
    >>> nb.run(asyncio.sleep(0, result="done"))
    'done'
    """
    if engine.is_current_thread or not HAS_THREADS:
        if inspect.iscoroutine(awaitable):
            awaitable.close()
        message = "run() would wait for itself here. Use `await` instead."
        raise RuntimeError(message)

    async def carry() -> T:
        return await awaitable

    future = engine.submit(carry())
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        concurrent.futures.wait([future], timeout=2.0)
        raise


def allow_nested_loops() -> None:
    """Let ``asyncio.run`` and ``loop.run_until_complete`` work inside a running loop.

    Patches asyncio for the whole process with nest_asyncio. You do not need this for phaseo_nb:
    cells can ``await``, and :func:`run` waits without nesting. It is here for other code that
    insists.

    Warns
    -----
    UserWarning
        On ipykernel 7 and later, a nested ``asyncio.run`` silently drops the cells that were
        queued behind it by *Run All* (measured with ipykernel 7.3 and 7.4).
    """
    import nest_asyncio

    if _kernel_major() >= 7:
        warnings.warn(
            "With this ipykernel a nested asyncio.run() drops the cells queued behind it by "
            "Run All. Prefer `await`, or phaseo_nb.run(…), which does not nest.",
            UserWarning,
            stacklevel=2,
        )
    nest_asyncio.apply()


def _kernel_major() -> int:
    kernel = sys.modules.get("ipykernel")
    version = getattr(kernel, "__version__", "0")
    return int(str(version).split(".")[0])
