"""``%%music`` and ``%music``: a prompt in a cell, without any Python around it.

At the top level of a cell the magic is awaited (``rewriting.py``); everywhere else it waits by
itself. Mistakes are one line without a traceback, and still fail the cell, so *Run All* stops.
"""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)

from ..cell import generate
from ..connecting import default_session
from ..engine import HAS_THREADS, engine, run
from ..errors import PhaseoError
from ..jobs import Cost
from ..keeping.entries import OPEN, living_entry
from ..live import say
from ..requests import request_key
from ..session import Session
from ..takes import Take, cell_run
from .completing import complete
from .options import with_options
from .orders import Order, read_order
from .rewriting import MAGIC, awaiting, without_lines_above

__all__ = ["MusicMagics", "load", "unload"]


@magics_class
class MusicMagics(Magics):
    """The magic, and what it hooks into IPython while it is loaded."""

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @with_options
    def music(
        self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None
    ) -> Any:
        """Make music, show the job while it runs, then a player.

        The body of the cell is the prompt; lyrics may follow below a line of three dashes::

          %%music --duration 8 --out waltz
          A slow waltz for accordion and double bass
          ---
          [Verse]
          Round and round we go

        In one line, also for a variable: take = %music --duration 4 "Tiny music box"

        Values of several words need quotes. Dashes and underscores are the same. Braces in a
        prompt stay as they are, unless --interpolate is given.
        """
        order = self._read(line, cell, local_ns)
        with _in_one_line():
            return self._done(order, _open_form(order) if order.form else _wait_for(order))

    async def awaited(self, line: str, cell: str | None = None, *, is_kept: bool = False) -> Any:
        """Do the same as the magic, awaited: what its calls in a cell are turned into."""
        order = self._read(line, cell, None)
        with _in_one_line():
            made = _open_form(order) if order.form else await _carry_out(order)
            result = self._done(order, made)
        if isinstance(result, Take) and not (order.shows or is_kept):
            result.mark_shown(cell_run())  # IPython shows the last value of a cell
        return result

    def _read(self, line: str, cell: str | None, local_ns: dict[str, Any] | None) -> Order:
        names = ChainMap(local_ns or {}, self._shell.user_ns)
        magic: Any = vars(MusicMagics)[MAGIC]  # as it was decorated
        return read_order(magic.parser, line, cell, names)

    def _done(self, order: Order, result: Any) -> Any:
        if order.out is not None:
            self._shell.push({order.out: result})
        return result

    def without_lines_above(self, lines: list[str]) -> list[str]:
        """Let comments stand above ``%%music``; for IPython's cleanup stage."""
        return without_lines_above(lines)

    def awaiting(self, lines: list[str]) -> list[str]:
        """Await the magic at the top level; for IPython's last stage."""
        return awaiting(lines, self._shell)

    @property
    def _shell(self) -> Any:
        return self.shell

    @context_matcher(identifier=f"phaseo_nb.{MAGIC}")  # type: ignore[untyped-decorator]
    def complete(self, context: CompletionContext) -> dict[str, Any]:
        """Complete options and their values."""
        begun, found = complete(context.text_until_cursor, self._shell.user_ns)
        completions = [SimpleCompletion(text, type="param") for text in found]
        return {
            "completions": completions,
            "matched_fragment": begun,
            "suppress": bool(found),
            "ordered": True,
        }


def _open_form(order: Order) -> Any:
    import phaseo_nb as nb

    return nb.MusicForm(**order.words)


async def _carry_out(order: Order) -> Any:
    return await (_estimate if order.estimate else generate)(**order.words)


def _wait_for(order: Order) -> Any:
    if not HAS_THREADS or engine.is_current_thread:
        message = "The magic cannot wait in this place. Write `await nb.generate(…)` instead."
        raise UsageError(message)
    return run(_carry_out(order))


async def _estimate(
    prompt: str | None = None,
    *,
    session: Session | None = None,
    request: Any = None,
    take: int | None = None,
    fresh: bool = False,
    timeout: float | None = None,
    show: bool = True,
    **words: Any,
) -> Cost:
    """Return the price of a new take, and say what should be known before it is paid."""
    session = session or default_session()
    ready, notes = session._request(prompt, request, words)
    asked = engine.submit(session._client.estimate(ready))
    cost = await asyncio.wrap_future(asked)
    said = [session.announce_once(), f"A new take: {cost}. No job was started.", *notes]
    where = session.connection
    key = request_key(ready, gateway=where.name, base_url=where.base_url)
    entry = session.library.folder.database.read(lambda db: living_entry(db, key, take))
    if entry is not None and not fresh:
        said.append(_KEPT if entry.state == "kept" else _OPEN if entry.state in OPEN else None)
    if show:
        say([note for note in said if note])
    return cost


_KEPT = "It is in your library already: without --estimate this shows it, free."
_OPEN = "It is on its way already: without --estimate this joins that job and pays nothing more."


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Turn what this package raises on purpose into a line without traceback."""
    try:
        yield
    except PhaseoError as error:
        line = " ".join(str(error).split())  # services write what they like, escapes too
        raise UsageError("".join(filter(str.isprintable, line))) from error


def load(shell: Any) -> None:
    """Add the magic to a shell; once is enough, twice is harmless."""
    unload(shell)
    shell.register_magics(MusicMagics)
    magics = shell.magics_manager.registry[MusicMagics.__name__]
    shell.input_transformers_cleanup.append(magics.without_lines_above)
    shell.input_transformers_post.append(magics.awaiting)
    shell.Completer.custom_matchers.append(magics.complete)


def unload(shell: Any) -> None:
    """Take away everything that :func:`load` added."""
    manager = shell.magics_manager
    magics = manager.registry.pop(MusicMagics.__name__, None)
    if magics is None:
        return
    for kind in ("line", "cell"):
        manager.magics[kind].pop(MAGIC, None)
    for hooks, hook in (
        (shell.input_transformers_cleanup, magics.without_lines_above),
        (shell.input_transformers_post, magics.awaiting),
        (shell.Completer.custom_matchers, magics.complete),
    ):
        if hook in hooks:
            hooks.remove(hook)
