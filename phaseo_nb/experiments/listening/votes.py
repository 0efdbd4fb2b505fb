"""``Vote`` and ``Votes``: what listeners said, what they heard before, and in which order."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ExperimentError
from ...keeping import Library
from ...keeping.tables._sheet import Column, Row, Sheet, Way
from ...keeping.tables._table import Table
from ...phrases import excerpt
from .. import records
from ..files import write_whole

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Vote", "Votes"]


@dataclass(frozen=True)
class Vote:
    """What one listener said in one trial, about ids of takes.

    Which fields say something depends on the mode: a preference has ``left``, ``right`` and
    ``winner``; a rating or score has ``item`` and ``rating``; an ABX trial has ``left``,
    ``right``, ``x`` and ``answer``.
    """

    mode: str
    """``"preference"``, ``"rating"``, ``"score"`` or ``"abx"``."""
    left: str | None = None
    """What was A …"""
    right: str | None = None
    """… and what was B."""
    winner: str | None = None
    """What was preferred; ``None`` for a tie."""
    item: str | None = None
    rating: float | None = None
    """0 to 100 in the mode ``rating``, 1 to 5 in the mode ``score``."""
    x: str | None = None
    """What X was."""
    answer: str | None = None
    """What X was taken for."""
    listener: str | None = None
    comparison: str = ""
    """Name of the comparison."""
    trial: int = 1
    """Which trial of this listener it was."""
    trials: int = 1
    """Of how many."""
    order: tuple[str, ...] = ()
    """Everything that was heard in this trial, in the order of its labels A, B, C …"""
    seed: int = 0
    """What the order of trials and labels was drawn with."""
    replays: tuple[int, ...] = ()
    """How many times each of ``order`` was turned to, after the first time."""
    heard: tuple[float, ...] = ()
    """Seconds for which each of ``order`` was heard."""
    seconds: float = 0.0
    """From the beginning of the trial to the vote."""
    blind: bool = True
    at: str = ""
    """When, in UTC: ``"2026-11-26T09:03:16.123456+00:00"``."""
    n: int | None = None
    """Number in the library; ``None`` for what is not kept there."""

    def __repr__(self) -> str:
        who = f" by {excerpt(self.listener, 40)}" if self.listener else ""
        return f"<Vote {self.mode} {self.trial} of {self.trials}{who}: {self._said}>"

    @property
    def _said(self) -> str:
        if self.mode == "abx":
            return "X was given an answer"  # right or wrong is told when the run is finished
        if self.rating is not None:
            return f"{excerpt(self.item, 40)} has {self.rating:g}"
        if self.winner is None:
            return f"{excerpt(self.left, 40)} ties with {excerpt(self.right, 40)}"
        return f"{excerpt(self.winner, 40)} before {excerpt(self.loser, 40)}"

    @property
    def loser(self) -> str | None:
        """What was not preferred; ``None`` for a tie."""
        if self.winner is None:
            return None
        return self.right if self.winner == self.left else self.left

    @property
    def is_tie(self) -> bool:
        """Whether neither of two was preferred."""
        return self.mode == "preference" and self.winner is None

    @property
    def is_correct(self) -> bool | None:
        """Whether X was recognised; ``None`` in other modes."""
        return self.answer == self.x if self.mode == "abx" else None

    def pair(self) -> tuple[str, str] | None:
        """Return winner and loser; ``None`` for ties and what is no preference."""
        loser = self.loser
        return None if self.winner is None or loser is None else (self.winner, loser)


_NAMES = tuple(field.name for field in fields(Vote))
_COLUMNS = (
    Column("trial", is_figure=True),
    Column("listener", is_optional=True),
    Column("what", is_title=True),
    Column("said"),
    Column("heard", is_figure=True),
    Column("when (UTC)"),
)


class Votes(Table[Vote]):
    """Votes in the order in which they were given; :func:`phaseo_nb.rank` takes them."""

    _empty = "No votes yet."

    @classmethod
    def load(cls, comparison: str | None = None, library: Library | None = None) -> Self:
        """Return the votes that a library keeps.

        Parameters
        ----------
        comparison
            Name of a comparison; ``None`` is all of them.
        library
            Default: the one of ``nb.library()``.
        """
        if library is None:
            from ...connecting import library as default_library

            library = default_library()
        found: list[Vote] = []
        for n, name, facts in records.load_votes(library, comparison):
            found += votes_in(facts, n, name)
        return cls(found)

    @classmethod
    def from_pairs(
        cls, pairs: Iterable[Any], *, listener: str | None = None, comparison: str = "imported"
    ) -> Self:
        """Make votes of pairs ``(winner, loser)`` or triples ``(a, b, winner)``.

        The winner of a triple is ``None`` for a tie. Nothing is written into the library.

        Raises
        ------
        ExperimentError
            Something is neither.
        """
        votes = []
        if isinstance(pairs, str | bytes) or not isinstance(pairs, Iterable):
            message = f"{excerpt(repr(pairs))} is no list of pairs. Give [(winner, loser), …]."
            raise ExperimentError(message)
        for number, pair in enumerate(pairs, 1):
            one, other, winner = _read_pair(pair, number)
            votes.append(
                Vote(
                    "preference",
                    left=one,
                    right=other,
                    winner=winner,
                    listener=listener,
                    comparison=comparison,
                    trial=number,
                    order=(one, other),
                    blind=False,
                )
            )
        return cls(replace(vote, trials=len(votes)) for vote in votes)

    @property
    def listeners(self) -> list[str | None]:
        """Who voted, in the order of their first votes; ``None`` gave no name."""
        return list(dict.fromkeys(vote.listener for vote in self))

    def by(self, listener: str | None) -> Self:
        """Return the votes of one listener."""
        return self._like(vote for vote in self if vote.listener == listener)

    def pairs(self) -> list[tuple[str, str]]:
        """Return winner and loser of each preference; ties are left out."""
        return [pair for vote in self if (pair := vote.pair()) is not None]

    def rows(self) -> list[dict[str, Any]]:
        """Return the votes as plain dicts, all with the same keys."""
        return [
            {**asdict(vote), "loser": vote.loser, "tie": vote.is_tie, "correct": vote.is_correct}
            for vote in self
        ]

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the votes as JSON, one list of objects; over an earlier such file, or if told to.

        Raises
        ------
        ExperimentError
            The file cannot be written, or is there already and holds no votes.
        """
        text = json.dumps(self.rows(), ensure_ascii=True, allow_nan=False, indent=1)
        write_whole(path, f"{text}\n".encode(), overwrite=overwrite, is_ours=_holds_votes)

    def _names(self) -> list[str]:
        return [*_NAMES, "loser", "tie", "correct"]

    def _sheet(self) -> Sheet:
        n, people = len(self), self.listeners
        listeners = f" · {len(people)} listeners" if len(people) > 1 else ""
        ties = sum(vote.is_tie for vote in self)
        tied = f" · {ties} tie{'' if ties == 1 else 's'}" if ties else ""
        modes = {vote.mode for vote in self}
        ways = [Way("To rank what was heard, with this list in votes", "nb.rank(votes)")]
        return Sheet(
            f"{n:,} vote{'' if n == 1 else 's'}{listeners}{tied}",
            _COLUMNS,
            [Row(_cells(vote)) for vote in self],
            footer=ways if modes != {"abx"} else [],
        )


def _holds_votes(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(2_000)
    return head.startswith(b"[]") or (head.startswith(b"[") and b'"listener"' in head)


def _cells(vote: Vote) -> tuple[str, ...]:
    what = " · ".join(excerpt(id, 40) for id in (vote.order if not vote.item else (vote.item,)))
    return (
        f"{vote.trial} of {vote.trials}",
        excerpt(vote.listener or "", 30),
        what,
        vote._said,
        f"{sum(vote.heard):.0f} s" if vote.heard else "",
        vote.at[:19].replace("T", " "),
    )


# -- as text ---------------------------------------------------------------------------------------


def facts_of(votes: Iterable[Vote], ballot: str, question: str) -> str:
    """Return the votes of one trial as JSON text.

    ``ballot`` is the page's number for them: what it sends twice, as no answer came, counts once.
    """
    plain = []
    for vote in votes:
        given = {name: getattr(vote, name) for name in _NAMES if name not in ("n", "comparison")}
        plain.append({name: value for name, value in given.items() if value is not None})
    return records.dump({"ballot": ballot, "question": question, "votes": plain})


def ballot_of(facts: str) -> str:
    """Return the page's number of a trial that is kept."""
    return _fact(facts, "ballot") or ""


def question_of(facts: str) -> str | None:
    """Return the question of a trial that is kept."""
    return _fact(facts, "question")


def _fact(facts: str, name: str) -> str | None:
    try:
        found = json.loads(facts).get(name)
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def votes_in(facts: str, n: int, comparison: str) -> list[Vote]:
    """Return the votes in a text of the library; none where it is not one of ours."""
    try:
        found = json.loads(facts)["votes"]
        return [_read(each, n, comparison) for each in found]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []  # of a later version, or mended by hand: one line less, and not all of them


def _read(facts: dict[str, Any], n: int, comparison: str) -> Vote:
    known = {name: value for name, value in facts.items() if name in _NAMES}
    for name in ("order", "replays", "heard"):
        known[name] = tuple(known.get(name) or ())
    return Vote(**{**known, "n": n, "comparison": comparison})


def _read_pair(pair: Any, number: int) -> tuple[str, str, str | None]:
    parts = tuple(pair) if isinstance(pair, list | tuple) else ()
    one, other, winner = {2: (*parts, *parts[:1]), 3: parts}.get(len(parts), (None, None, None))
    wrong = (
        f"it is {excerpt(repr(pair), 60)}"
        if not isinstance(one, str) or not isinstance(other, str)
        else f"it compares {excerpt(one, 40)} with itself"
        if one == other
        else f"its winner {excerpt(repr(winner), 40)} is neither of the two"
        if winner not in (one, other, None)
        else ""
    )
    if wrong:
        message = f"Pair {number} cannot be read: {wrong}. Give (winner, loser) or (a, b, winner)."
        raise ExperimentError(message)
    return str(one), str(other), winner
