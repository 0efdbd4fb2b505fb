"""How far a copy is: one line that is drawn anew, or a line now and then where nothing can be."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from ...cards import note_card

_IN_A_NOTEBOOK = 0.5
_IN_A_TERMINAL = 0.2
_IN_A_LOG = 5.0
"""Seconds between two lines that stay."""


class Progress:
    """What a person sees of it; thread-safe enough, as only one thread draws.

    Parameters
    ----------
    heading
        What is done.
    show
        Whether anything is shown.
    """

    def __init__(
        self, heading: str, *, show: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._heading = heading
        self._clock = clock
        self._began = clock()
        self._drawn = -1e9
        self._screen = _screen(heading) if show else None

    def recordings(self, n: int, n_all: int, n_bytes: int, n_all_bytes: int, gone_on: int) -> None:
        """Say how many recordings are there; ``gone_on`` bytes of them were there before."""
        if not self._is_due(is_last=n == n_all):
            return
        spent = self._clock() - self._began
        left = None
        if n_bytes > gone_on and spent > 2:
            left = spent * (n_all_bytes - n_bytes) / (n_bytes - gone_on)
        amount, unit = _scaled(n_all_bytes)
        said = f"{n:,} of {n_all:,} recordings, {n_bytes / unit:,.1f} of {amount}"
        self._draw(f"{said}{_remaining(left)}")

    def rows(self, n: int, n_all: int) -> None:
        """Say how many rows of the journal are written."""
        if self._is_due(is_last=n >= n_all):
            self._draw(f"Writing the journal: {n:,} of {n_all:,} rows")

    def end(self) -> None:
        """Take the line away."""
        if self._screen is not None:
            self._screen.end()

    def _is_due(self, *, is_last: bool) -> bool:
        if self._screen is None:
            return False
        since = self._clock() - self._drawn
        return since >= self._screen.pause or (is_last and self._screen.is_redrawn)

    def _draw(self, words: str) -> None:
        self._drawn = self._clock()
        if self._screen is not None:
            self._screen.draw(words)


class _Terminal:
    pause = _IN_A_TERMINAL
    is_redrawn = True

    def __init__(self, heading: str, stream: TextIO) -> None:
        self._heading = heading
        self._stream = stream
        self._length = 0

    def draw(self, words: str) -> None:
        line = f"{self._heading}: {words}"[:100]
        self._stream.write(f"\r{line.ljust(self._length)}")
        self._stream.flush()
        self._length = len(line)

    def end(self) -> None:
        if self._length:
            self._stream.write(f"\r{' ' * self._length}\r")
            self._stream.flush()


class _Log:
    pause = _IN_A_LOG
    is_redrawn = False

    def __init__(self, heading: str, stream: TextIO) -> None:
        self._heading = heading
        self._stream = stream
        self._is_first = True

    def draw(self, words: str) -> None:
        if self._is_first:  # what is done within a moment needs no line
            self._is_first = False
            return
        self._stream.write(f"{self._heading}: {words}\n")
        self._stream.flush()

    def end(self) -> None:
        pass


class _Notebook:
    pause = _IN_A_NOTEBOOK
    is_redrawn = True

    def __init__(self, heading: str) -> None:
        self._heading = heading
        self._handle: Any = None

    def draw(self, words: str) -> None:
        from IPython.display import display

        bundle = {
            "text/html": note_card([words], heading=self._heading),
            "text/plain": note_card([words], heading=self._heading, text=True),
        }
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)

    def end(self) -> None:
        if self._handle is not None:  # what came of it is said by what is returned
            self._handle.update({"text/plain": ""}, raw=True)


def _screen(heading: str) -> _Terminal | _Log | _Notebook | None:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        # Programs that run notebooks keep only the first state of an output; people have a cell.
        try:
            metadata = kernel.get_parent("shell").get("metadata") or {}
        except (AttributeError, TypeError, LookupError):
            metadata = {}
        is_watched = "cellId" in metadata or "google.colab" in sys.modules
        return _Notebook(heading) if is_watched else None
    stream = sys.stderr
    if stream is None:  # a program without a window
        return None
    return _Terminal(heading, stream) if stream.isatty() else _Log(heading, stream)


def _scaled(n_bytes: int) -> tuple[str, float]:
    unit, name = (1e9, "GB") if n_bytes >= 1e9 else (1e6, "MB")
    return f"{n_bytes / unit:,.1f} {name}", unit


def _remaining(seconds: float | None) -> str:
    if seconds is None or seconds < 1:
        return ""
    if seconds < 90:
        return f", about {seconds:.0f} s left"
    if seconds < 5400:
        return f", about {seconds / 60:.0f} min left"
    return f", about {seconds / 3600:.1f} h left"
