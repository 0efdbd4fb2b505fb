"""``Job``: the live handle of something being made.

The engine writes to it, cells and widgets read it, from any thread. It never ends paid work:
whoever stops waiting leaves the job to the service, and it can be taken up again.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any

from ..engine import engine
from ..errors import JobFailed, JobTimeout
from ..phrases import excerpt, visible

if TYPE_CHECKING:
    from ..jobs import Cost, MusicJob, Track
    from . import Take

WAKE_EVERY = 0.2
"""Seconds within which a waiting cell notices that it was interrupted."""

Listener = Callable[["Job"], None]


class Job:
    """A request on its way to becoming a take; what :func:`phaseo_nb.submit` returns.

    ``take = await job`` waits, ``job.result()`` waits where ``await`` is not possible.

    Attributes
    ----------
    prompt : str
        What was asked for, in words.
    number : int
        Which take of its request this will be.
    notes : tuple of str
        Words of the request that have no effect at the chosen provider.
    """

    def __init__(
        self,
        *,
        n: int,
        request: Any,
        row: tuple[str, float] | None = None,
        prompt: str = "",
        number: int = 1,
        notes: tuple[str, ...] = (),
        price: Cost | None = None,
        timeout: float | None = None,
        answer: MusicJob | None = None,
    ) -> None:
        self.n = n
        """Its row in the journal."""
        self.row = row
        """What tells that row from one of the same number in another journal."""
        self.request = request
        self.number = number
        self.notes = notes
        self.price = price
        self.timeout = timeout
        self.failed_before: Cost | None = None
        """What the last attempt at the same request cost, where it failed."""
        self.was_kept = False
        """True where nothing was sent because the take was there already."""
        self.is_fresh = False
        """True where it was asked for as one more take, whatever is kept."""
        self.is_watched_elsewhere = False
        """True while another kernel asks for it and this one only looks on."""
        self.is_shown = False
        """True where its player will be drawn: then that is worked out ahead, off every loop."""
        self.troubles: list[str] = []
        """What went wrong on this machine while it was made, such as a full disk."""
        self.unwritten: list[Callable[[], Awaitable[Any]]] = []
        """What is still to be written down, oldest first, while the disk refuses."""
        self.callback: str | None = None
        """Hash of the token in the address that its service reports to."""
        self.heard: MusicJob | None = None
        """What a callback said of it, further than the service's own answers; unverified."""
        self.is_claimed = False
        """True once the journal says that this very handle sends it."""
        self._is_sent = self._is_recorded = answer is not None
        self.prompt = prompt
        self._answer = answer
        self._future: concurrent.futures.Future[Take] = concurrent.futures.Future()
        self._future.set_running_or_notify_cancel()  # so that no waiter can cancel it for others
        self._started = time.monotonic()
        self._ended: float | None = None
        self._stop = threading.Event()
        self._on_stop: Callable[[], None] | None = None
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    # -- what a user reads -----------------------------------------------------------------

    @property
    def id(self) -> str | None:
        """The gateway's id; ``None`` until it has answered."""
        return self._answer.id if self._answer else None

    @property
    def status(self) -> str:
        """``planned``, ``submitting``, then the gateway's word; ``kept`` once the take is here."""
        if self._future.done() and self._future.exception() is None:
            return "kept"
        if self._answer:
            return self._answer.status
        return "submitting" if self._is_sent else "planned"

    @property
    def is_sent(self) -> bool:
        """True from the moment on in which it may exist at the service."""
        return self._is_sent or self._answer is not None

    @property
    def answer(self) -> MusicJob | None:
        """What the gateway last said."""
        return self._answer

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks as far as they are known."""
        return self._answer.tracks if self._answer else ()

    @property
    def elapsed(self) -> float:
        """Seconds since it was started here (or taken up again)."""
        return (self._ended or time.monotonic()) - self._started

    @property
    def is_waiting(self) -> bool:
        """True while the engine looks after it."""
        return not self._future.done()

    @property
    def error(self) -> BaseException | None:
        """Why there is no take, once that is known."""
        return self._future.exception() if self._future.done() else None

    @property
    def take(self) -> Take | None:
        """The take, once it is here."""
        done = self._future.done() and self._future.exception() is None
        return self._future.result() if done else None

    def __repr__(self) -> str:
        name = f" of {excerpt(self.prompt, 40)!r}" if self.prompt else ""
        sandbox = ", sandbox" if self._answer and self._answer.sandbox else ""
        stopped = ", no longer watched" if isinstance(self.error, JobTimeout) else ""
        return f"<Job{name} {visible(self.status)}{sandbox}{stopped}>"

    # -- waiting ---------------------------------------------------------------------------

    def __await__(self) -> Generator[Any, None, Take]:
        return self._wait().__await__()

    async def _wait(self) -> Take:
        waiting = asyncio.wrap_future(self._future)
        # An interrupted waiter never looks at the end, and asyncio would complain about that.
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        # asyncio.wait leaves the future alone when this waiter is cancelled: one interrupted
        # cell must not end the wait of another. It wakes again and again because ipykernel's
        # handler of an interrupt only queues a callback, which a sleeping loop does not notice
        # (ipykernel 6.31 to 7.4: tornado's add_callback does not wake its own thread).
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=WAKE_EVERY)
        return waiting.result()

    async def ended(self) -> None:
        """Wait until the engine does not look after it any more, whatever came of it."""
        while not self._future.done():
            with contextlib.suppress(Exception):
                await self._wait()

    def result(self, timeout: float | None = None) -> Take:
        """Wait for the take where ``await`` is not possible, and return it.

        Parameters
        ----------
        timeout
            Longest wait in seconds; the job goes on after it.

        Raises
        ------
        JobTimeout
            ``timeout`` passed first.
        JobFailed, UncertainSubmission, AudioError, ...
            As ``await`` would.
        """
        if engine.is_current_thread and not self._future.done():
            message = "result() would wait for itself here. Use `await job` instead."
            raise RuntimeError(message)
        try:
            return self._future.result(timeout)
        except concurrent.futures.TimeoutError:
            if self._future.done():
                raise  # the job's own error
            message = f"{self!r} is not ready after {timeout:g} s. It goes on; wait again."
            raise JobTimeout(message, job_id=self.id or "", job=self._answer) from None
        except KeyboardInterrupt:
            self.stop_waiting()
            raise

    def stop_waiting(self) -> None:
        """Stop asking for the job here. The service goes on; ``nb.resume()`` takes it up again.

        A request that is being handed in is first answered and recorded, because it may cost. One
        that still waits for its turn is not sent at all.
        """
        with self._lock:
            is_first = not self._stop.is_set()
            self._stop.set()
        if is_first and self._on_stop is not None:
            self._on_stop()

    @property
    def is_ahead(self) -> bool:
        """True while the journal does not know yet how it ended, and there is nothing to go on."""
        is_open = self._answer is not None and not isinstance(self.error, (JobFailed, type(None)))
        return bool(self.unwritten) and not self.is_waiting and not is_open

    def go_on_from(self, earlier: Job) -> None:
        """Take over what another handle knew, and the journal could not be told."""
        self._answer = self._answer or earlier.answer
        self._is_sent = True
        self.unwritten = earlier.unwritten

    # -- what the engine writes ------------------------------------------------------------

    @property
    def stop_requested(self) -> bool:
        """True after :meth:`stop_waiting`."""
        return self._stop.is_set()

    def begin_sending(self) -> bool:
        """Note that it goes out now; ``False`` where somebody has stopped waiting before that."""
        with self._lock:
            if self._stop.is_set() and not self._is_sent:
                return False
            self._is_sent = True
        self._tell()
        return True

    def hold_back(self) -> None:
        """Note that it did not go out after all, and waits for its turn."""
        with self._lock:
            self._is_sent = self._answer is not None
        self._tell()

    def give_up(self) -> bool:
        """Keep it from being sent, if it was not yet; tell whether that was in time."""
        with self._lock:
            if self._is_sent or self._answer is not None:
                return False
            self._stop.set()
        return True

    @property
    def is_being_handed_in(self) -> bool:
        """True while it is sent and its answer is not written down."""
        return self.is_waiting and self._is_sent and not self._is_recorded

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Call this when somebody stops waiting."""
        self._on_stop = callback
        if self._stop.is_set():
            callback()

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener(job)`` at every change, on the thread that made it, and once now."""
        with self._lock:
            self._listeners.append(listener)
        self.is_shown = True
        listener(self)

    def update(self, answer: MusicJob, *, is_told: bool = True) -> None:
        """Note what the gateway said, and tell everybody who looks on."""
        self._answer = answer
        if is_told:
            self._is_recorded = True
            self._tell()

    def hear(self, said: MusicJob) -> None:
        """Note what a callback said, and tell everybody who looks on."""
        self.heard = said
        self._tell()

    def finish(self, take: Take) -> None:
        """Hand the take to everybody who waits; displays are told before waiters wake."""
        self._end(lambda: self._future.set_result(take), take=take)

    def fail(self, error: BaseException) -> None:
        """Hand the error to everybody who waits."""
        self._end(lambda: self._future.set_exception(error), error=error)

    def _end(
        self,
        resolve: Callable[[], None],
        *,
        take: Take | None = None,
        error: BaseException | None = None,
    ) -> None:
        self._ended = time.monotonic()
        self.outcome = take, error
        try:
            self._tell()
        finally:
            resolve()

    outcome: tuple[Take | None, BaseException | None] = (None, None)
    """Take or error, known to listeners a moment before waiters wake."""

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(self)
