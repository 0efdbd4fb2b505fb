"""``Attempts``: what has not become a take, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from ...jobs import Cost
from ...phrases import excerpt
from ..attempts import Attempt
from ..entries import OPEN, OPEN_ENDS
from ._sheet import Cell, Column, Row, Sheet, Way
from ._table import NOTHING, Table, when

if TYPE_CHECKING:
    from typing_extensions import Self

_ATTEMPT_COLUMNS = (
    Column("", is_figure=True),
    Column("when"),
    Column("what", is_title=True),
    Column("state", wraps=215),
    Column("price", is_figure=True),
    Column("model"),
    Column("gateway"),
)


class Attempts(Table["Attempt"]):
    """What has not become a take.

    Parameters
    ----------
    items
        The attempts.
    kind
        ``"uncertain"``, ``"unfinished"``, or ``"found"`` by a search.
    empty
        What is said where there are none.
    """

    presenter: ClassVar[Callable[[Attempts], bool] | None] = None
    """Shows open questions with buttons where that is possible, and tells whether it did;
    ``phaseo_nb.forms.install()`` sets it. A static method, called with the attempts."""

    _empty = "Nothing is unfinished."

    def __init__(
        self, items: Iterable[Attempt] = (), *, kind: str = "found", empty: str | None = None
    ) -> None:
        self.kind = kind
        words = {"uncertain": "Nothing is in doubt.", "found": "No attempt fits."}
        super().__init__(items, empty=empty or words.get(kind))

    def _like(self, items: Iterable[Attempt]) -> Self:
        empty = "No rows." if self else self._said_if_empty
        return type(self)(items, kind=self.kind, empty=empty)

    def rows(self) -> list[dict[str, Any]]:
        """Return the attempts as plain dicts; ``price_usd`` is what was set aside, or the cost.

        It is ``None`` where nobody knows it, and 0.0 for the sandbox.
        """
        return [{name: fact(attempt) for name, fact in _ATTEMPT_FACTS.items()} for attempt in self]

    def refreshed(self) -> Self:
        """Return the same attempts as they stand now, with those that are settled meanwhile."""
        return self._like([_refreshed(attempt) for attempt in self])

    def _names(self) -> list[str]:
        return list(_ATTEMPT_FACTS)

    def _ipython_display_(self) -> None:
        presenter = type(self).presenter
        if presenter is None or self.kind != "uncertain" or not self or not presenter(self):
            raise NotImplementedError  # IPython then shows it as it shows any other value

    def _sheet(self) -> Sheet:
        n_doubts = sum(attempt.state in OPEN_ENDS for attempt in self)
        n_open = sum(attempt.state in OPEN for attempt in self)
        footer = []
        if n_open:
            it = "it" if n_open == 1 else "them"
            footer.append(Way(f"To take {it} up, now or in another kernel", "nb.resume()"))
        if n_doubts:
            footer.append(
                Way("Also by place in this list, which changes when one is settled", _BY_PLACE)
            )
        rows = [
            Row(_attempt_cells(i, attempt), attempt._entry.sandbox == 1, below=ways_on(attempt))
            for i, attempt in enumerate(self)
        ]
        heading, intro = self._heading(n_doubts)
        return Sheet(heading, _ATTEMPT_COLUMNS, rows, intro=intro, footer=footer)

    def _heading(self, n_doubts: int) -> tuple[str, str]:
        n = len(self)
        if self.kind == "uncertain":
            if not n_doubts:
                return "Nothing is in doubt any more", ""
            asked = "1 request is" if n_doubts == 1 else f"{n_doubts:,} requests are"
            intro = "Nobody knows for sure what became of it. Nothing is sent again by itself."
            return f"{asked} in doubt", intro if n_doubts == 1 else intro.replace("it.", "them.", 1)
        what = "unfinished job" if self.kind == "unfinished" else "attempt"
        return f"{n:,} {what}{'' if n == 1 else 's'}", ""


_BY_PLACE = "nb.library().uncertain()[0]"

_ATTEMPT_FACTS: dict[str, Callable[[Attempt], Any]] = {
    "id": lambda attempt: attempt.take_id,
    "created_at": lambda attempt: attempt.created_at,
    "prompt": lambda attempt: attempt.prompt,
    "state": lambda attempt: attempt.state,
    "words": lambda attempt: attempt.words,
    "known": lambda attempt: attempt.known,
    "model": lambda attempt: attempt.model,
    "gateway": lambda attempt: attempt.gateway,
    "take": lambda attempt: attempt.number,
    "job_id": lambda attempt: attempt.id,
    "price_usd": lambda attempt: 0.0 if attempt._entry.sandbox else attempt.price.usd,
    "price_credits": lambda a: None if a._entry.sandbox else a.price.credits,
    "notebook": lambda attempt: attempt.notebook,
    "is_watched": lambda attempt: attempt.is_watched,
    "sandbox": lambda attempt: bool(attempt._entry.sandbox),
}


def price_of(attempt: Attempt) -> str:
    """Return what an attempt costs, in words; the sandbox only tries prices out."""
    if attempt.state == "written_off" and attempt.price.usd == 0:
        return "not charged"
    return f"{attempt.price}, free here" if _is_pretended(attempt) else str(attempt.price)


def price_again(attempt: Attempt) -> str:
    """Return what sending it once more costs, in words: ``costs about $0.06``."""
    price = replace(attempt.price, is_estimate=True)
    words = "free here" if _is_pretended(attempt) else str(price)
    return words if words in ("free", "free here", str(Cost())) else f"costs {words}"


def _is_pretended(attempt: Attempt) -> bool:
    """Tell whether a price is only tried out: the sandbox answers with those of the services."""
    return bool(attempt._entry.sandbox and attempt.price.usd)


def ways_on(attempt: Attempt) -> tuple[Way, ...]:
    """Return what is known about an attempt in doubt, and what can be done, line by line.

    The lines name it by its id: places in a list change as soon as one of them is settled, and
    one of the lines pays.
    """
    said = (Way(attempt.known),) if attempt.known and attempt.state != "kept" else ()
    if attempt.state not in OPEN_ENDS:
        return said
    name = f'nb.library().get("{attempt.take_id}")'
    look = Way("Look again (free)", f"{name}.look_again()")
    if not (attempt.id or attempt.request_id):
        look = Way("Look again: no name of the job is known, so only your account's page can tell")
    again = Way(f"Submit again ({price_again(attempt)})", f"{name}.submit_again()")
    counted = str(attempt.price)
    spent = "free" if counted == "free" else f"counts {counted} as spent"
    if attempt.price.usd is None and spent != "free":
        spent = "what it cost stays unknown"
    off = Way(f"Write off ({spent})", f"{name}.write_off()")
    if spent == "free":
        return (*said, look, again, off)
    zero = Way("Write off (your account says that it was not charged)", f"{name}.write_off(0)")
    return (*said, look, again, off, zero)


def _attempt_cells(place: int, attempt: Attempt) -> tuple[str | Cell, ...]:
    words = attempt.words if attempt.state != "kept" else "kept by now"
    if attempt.state in OPEN and attempt.is_watched:
        words += "; a kernel looks after it"
    return (
        str(place),
        when(attempt.created_at),
        Cell(f"{excerpt(attempt.prompt or 'Untitled', 60)} (take {attempt.number})"),
        words,
        price_of(attempt),
        attempt.model or NOTHING,
        attempt.gateway,
    )


def _refreshed(attempt: Attempt) -> Attempt:
    entry = attempt._folder.database.read(attempt._again)
    if entry is None:
        return attempt
    return Attempt(attempt._folder, entry, is_watched=attempt.is_watched)
