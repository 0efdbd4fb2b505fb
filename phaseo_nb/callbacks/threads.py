"""Disk work of this room, off the event loop and in few threads of its own.

A disk that hangs (a network file system may, for minutes) then takes neither the loop nor the
threads that downloads run in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

T = TypeVar("T")

GATHERING = 0.01
"""Seconds that a question waits for others to go along with it."""
_AT_ONCE = 8
_limiter: anyio.lowlevel.RunVar[anyio.CapacityLimiter] = anyio.lowlevel.RunVar(
    "phaseo_nb_callbacks"
)


async def in_thread(function: Callable[..., T], *args: object) -> T:
    """Return what a function returns that may block."""
    try:
        limiter = _limiter.get()
    except LookupError:  # the first one on this event loop
        limiter = anyio.CapacityLimiter(_AT_ONCE)
        _limiter.set(limiter)
    return await anyio.to_thread.run_sync(function, *args, limiter=limiter)


class Together(Generic[T]):
    """Asks a function that may block for many at once: a flood costs few changes of thread.

    Parameters
    ----------
    function
        What is asked.
    """

    def __init__(self, function: Callable[..., T]) -> None:
        self._function = function
        self._waiting: list[_Question[T]] = []

    async def ask(self, *args: object) -> T:
        """Return what the function returns for these arguments."""
        question = _Question[T](args)
        self._waiting.append(question)
        if len(self._waiting) > 1:
            await question.is_answered.wait()
        else:  # the first one asks for all that come meanwhile, even if it is cancelled itself
            with anyio.CancelScope(shield=True):
                await anyio.sleep(GATHERING)
                questions, self._waiting = self._waiting, []
                await in_thread(self._answer, questions)
                for other in questions:
                    other.is_answered.set()
        if question.error is not None:
            raise question.error
        return question.answers[0]

    def _answer(self, questions: list[_Question[T]]) -> None:
        for question in questions:
            try:
                question.answers.append(self._function(*question.args))
            except Exception as error:  # theirs, not that of the others
                question.error = error


class _Question(Generic[T]):
    def __init__(self, args: tuple[Any, ...]) -> None:
        self.args = args
        self.is_answered = anyio.Event()
        self.answers: list[T] = []
        self.error: Exception | None = None
