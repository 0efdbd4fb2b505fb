"""Lists of the library that show themselves as tables, in a notebook and in plain text.

Each is a list and stays one: indexing gives the take, the attempt or the dict itself, slicing
another table. Drawing one reads no audio. Here: ``Takes``; the others have a module of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ... import cards
from ...errors import AudioError, LibraryError
from ...phrases import excerpt, length_words, size
from ...takes import prompt_of
from ._attempts import Attempts
from ._limits import Limits
from ._sheet import Cell, Column, Row, Sheet, Way
from ._spending import Spending
from ._table import NOTHING, Table, when

if TYPE_CHECKING:
    from ...takes import Take

__all__ = ["Attempts", "Limits", "Players", "Spending", "Takes"]

_TAKE_COLUMNS = (
    Column("", is_figure=True),
    Column("when"),
    Column("what", is_title=True),
    Column("model"),
    Column("length", is_figure=True),
    Column("cost", is_figure=True),
    Column("rating", is_optional=True),
    Column("tags", wraps=90, is_optional=True),
)


class Takes(Table["Take"]):
    """Kept takes, newest first."""

    _empty = 'No takes yet. Make one: await nb.generate("…")'

    def rows(self) -> list[dict[str, Any]]:
        """Return the takes as plain dicts.

        ``cost_usd`` is ``None`` where nobody knows it, and 0.0 for the sandbox, whatever price it
        tried out. ``duration`` is the sum over the tracks in seconds, as the service says.
        """
        return [_take_facts(take) for take in self]

    def players(self, n: int = 5) -> Players:
        """Return the players of the first takes, one below the other.

        Parameters
        ----------
        n
            Of how many takes. Each recording goes into the notebook, so a long list makes it
            large; what it comes to is said above them.

        Raises
        ------
        LibraryError
            ``n`` is no whole number from 1.
        """
        if not _is_count(n):
            message = f"n = {n!r} is no number of takes. Give a whole number from 1."
            raise LibraryError(message)
        return Players(self[:n])

    def _names(self) -> list[str]:
        return list(_TAKE_FACTS)

    def _sheet(self) -> Sheet:
        n = len(self)
        ways = [Way("With this list in takes, the players of the first one", "takes[0]")]
        ways += [Way("The players of the first five", "takes.players(5)")] if n > 1 else []
        rows = [Row(_take_cells(i, take), sandbox=take.sandbox) for i, take in enumerate(self)]
        return Sheet(f"{n:,} take{'' if n == 1 else 's'}", _TAKE_COLUMNS, rows, footer=ways)


class Players:
    """The players of some takes, one below the other; made by :meth:`Takes.players`."""

    def __init__(self, takes: Takes) -> None:
        self.takes = takes

    def __repr__(self) -> str:
        return repr(self.takes)

    def _repr_html_(self) -> str:
        if not self.takes:
            return self.takes._repr_html_()
        drawn = [_players(take) for take in self.takes]
        n = sum(html.count("<audio") for html in drawn)
        total = size(sum(len(html.encode()) for html in drawn))
        said = f"{n} player{'' if n == 1 else 's'}, {total} in this notebook"
        return cards.remark(said) + "".join(drawn)


_TAKE_FACTS: dict[str, Callable[[Take], Any]] = {
    "id": lambda take: take.id,
    "created_at": lambda take: take.created_at,
    "title": lambda take: _title(take),
    "prompt": lambda take: prompt_of(take.request),
    "model": lambda take: take.model,
    "provider": lambda take: take.provider,
    "take": lambda take: take.number,
    "tracks": lambda take: len(take.tracks),
    "duration": lambda take: _seconds(take),
    "cost_usd": lambda take: 0.0 if take.sandbox else take.cost.usd,
    "cost_credits": lambda take: None if take.sandbox else take.cost.credits,
    "rating": lambda take: take.rating,
    "tags": lambda take: list(take.tags),
    "note": lambda take: take.note,
    "sandbox": lambda take: take.sandbox,
    "path": lambda take: take.tracks[0].place if take.tracks else None,
}


def _is_count(n: Any) -> bool:
    return isinstance(n, int) and not isinstance(n, bool) and n >= 1


def _take_facts(take: Take) -> dict[str, Any]:
    return {name: fact(take) for name, fact in _TAKE_FACTS.items()}


def _take_cells(place: int, take: Take) -> tuple[str | Cell, ...]:
    title, prompt = _title(take), prompt_of(take.request)
    under = excerpt(prompt or "", 80) if title and prompt != title else ""
    number = f" (take {take.number})" if take.number > 1 else ""
    stars = f"{'★' * take.rating}{'☆' * (5 - take.rating)} {take.rating}/5" if take.rating else ""
    return (
        str(place),
        when(take.created_at),
        Cell(excerpt(title or prompt or "Untitled", 60) + number, under),
        take.model or NOTHING,
        _length(take),
        "free" if take.sandbox else str(take.cost),
        stars,
        ", ".join(take.tags),
    )


def _title(take: Take) -> str | None:
    return next((track.title for track in take.tracks if track.title), None)


def _seconds(take: Take) -> float | None:
    """Return the length of all tracks as the service says it: reading files takes too long."""
    known = [track.duration for track in take.tracks if track.has_audio and track.duration]
    return math.fsum(known) if known else None


def _length(take: Take) -> str:
    n, heard = len(take.tracks), sum(track.has_audio for track in take.tracks)
    words = f"{heard} of {n} tracks" if heard < n else f"{n} tracks" if n > 1 else ""
    seconds = length_words(_seconds(take))
    return ", ".join(word for word in (words, seconds) if word) or NOTHING


def _players(take: Take) -> str:
    try:
        return take._repr_html_()
    except AudioError as error:  # one lost file must not hide the others
        title = excerpt(_title(take) or prompt_of(take.request) or "Untitled", 60)
        return cards.failure_card(title, happened=str(error), sandbox=take.sandbox)
