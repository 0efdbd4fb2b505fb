"""What people hand in as votes, read into plain arrays; whatever cannot be a vote is named."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from ...errors import ExperimentError
from ...phrases import excerpt
from ._fitting import Pairs

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_HOW = (
    "A vote is a pair (winner, loser), a triple (a, b, winner) whose third is None for a tie, a "
    "vote of a comparison, or a rating: a dict with item, rating and listener."
)
_NOTHING = object()


class Tally(NamedTuple):
    """Votes as arrays, one entry for each; places count in ``items``."""

    items: list[Hashable]
    """In the order in which they came up."""
    first: Places
    second: Places
    score: Floats
    """1 where the first was preferred, 0 where the second was, ½ for a tie."""
    weight: Floats
    """1, and less for the pairs that come out of ratings, as these are not independent."""
    listener: Places
    listeners: list[Hashable | None]
    """``None`` is whoever gave no name."""
    ratings: dict[Hashable, list[float]]
    """What was rated, and how."""
    n_repeated: int = 0
    """Votes that were handed in once more and do not count again."""

    @property
    def n(self) -> int:
        """Votes, or pairs that came out of ratings."""
        return len(self.first)

    def pairs(self) -> Pairs:
        """Return each pair once, with the sums of its votes."""
        low, high = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        won = np.where(self.first < self.second, self.score, 1 - self.score) * self.weight
        n = len(self.items)
        codes, which = np.unique(low * n + high, return_inverse=True)
        counted = np.asarray(np.bincount(which, self.weight, len(codes)), np.float64)
        wins = np.bincount(which, won, len(codes))
        return Pairs(n, codes // n, codes % n, counted, np.clip(wins, 0, counted))


class _Reader:
    """Collects votes and ratings one by one."""

    def __init__(self, items: Iterable[Hashable] | None) -> None:
        self.places: dict[Hashable, int] = {}
        self.is_closed = False  # until all that is known beforehand has its place
        self.rows: list[tuple[int, int, float, int]] = []
        self.listeners: dict[Hashable, int] = {}
        self.rated: dict[tuple[int, str], dict[int, list[float]]] = {}
        self.seen: set[str] = set()
        self.n_repeated = 0
        for item in items or ():
            self.place(item, "items")
        self.is_closed = items is not None

    def place(self, item: Any, where: str) -> int:
        """Return where an item stands, after the others if it is new."""
        try:
            known = self.places.get(item)
        except TypeError:
            _refuse(where, f"{excerpt(item)} cannot name an item (it can change)", "Use ids.")
        if known is not None:
            return known
        if _is_missing(item):
            _refuse(where, "an item has no name", _HOW)
        if self.is_closed:
            known_ones = excerpt(", ".join(map(str, self.places)), 120)
            _refuse(where, f"{excerpt(item)} is not among the items ({known_ones})", "Leave it out")
        return self.places.setdefault(item, len(self.places))

    def vote(self, a: Any, b: Any, winner: Any, listener: Any, where: str) -> None:
        """Take one comparison."""
        a, b, winner = _id(a), _id(b), _id(winner)
        first, second = self.place(a, where), self.place(b, where)
        if first == second:
            _refuse(where, f"{excerpt(a)} is compared with itself", "Leave this vote out")
        score = self._score(a, b, winner, where)
        self.rows.append((first, second, score, self._listener(listener, where)))

    def _score(self, a: Any, b: Any, winner: Any, where: str) -> float:
        if not isinstance(winner, bool):  # True equals 1, and might be meant for an item 1
            if _is_same(winner, a):
                return 1.0
            if _is_same(winner, b):
                return 0.0
            if _is_missing(winner) or _is_same(winner, "tie"):
                return 0.5
        choices = f"{excerpt(a, 40)}, {excerpt(b, 40)} or None for a tie"
        _refuse(where, f"its winner is {excerpt(winner)}", f"It would have to be {choices}")

    def _listener(self, listener: Any, where: str) -> int:
        name = None if _is_missing(listener) or _is_same(listener, "") else listener
        try:
            return self.listeners.setdefault(name, len(self.listeners))
        except TypeError:
            _refuse(where, f"{excerpt(listener)} cannot name a listener", "Use names")

    def rating(self, item: Any, value: Any, listener: Any, scale: Any, where: str) -> None:
        """Take one rating."""
        place, person = self.place(_id(item), where), self._listener(listener, where)
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if isinstance(value, bool) or not math.isfinite(number):
            _refuse(where, f"the rating {excerpt(value)} is no number", "Leave it out")
        # Points on two scales cannot be compared, not even if one person gave them.
        sheet = self.rated.setdefault((person, str(scale)), {})
        sheet.setdefault(place, []).append(number)

    def thing(self, thing: Any, where: str) -> None:
        """Take one vote or rating in whichever form it came."""
        if isinstance(thing, list | tuple) and not hasattr(thing, "winner"):
            if len(thing) == 2:
                self.vote(thing[0], thing[1], thing[0], None, where)
            elif len(thing) == 3:
                self.vote(thing[0], thing[1], thing[2], None, where)
            else:
                _refuse(where, f"it has {len(thing)} parts", _HOW)
            return
        listener, mode = _get(thing, "listener"), _get(thing, "mode")
        if mode == "abx":
            why = "it comes from an ABX test, which asks what can be heard and not what is better"
            _refuse(where, why, "Leave ABX trials out")
        left, right = _get(thing, "left", "a", "first"), _get(thing, "right", "b", "second")
        winner, loser = _get(thing, "winner", default=_NOTHING), _get(thing, "loser")
        value = _get(thing, "rating", "score", "value")
        item = _get(thing, "item", "take")
        at = _get(thing, "at")
        # Nobody votes twice at one moment: the same votes, read twice. No moment is none.
        if at is not None and at != "":
            moment = repr((at, listener, mode, left, right, winner, item))
            if moment in self.seen:
                self.n_repeated += 1
                return
            self.seen.add(moment)
        if value is not None and item is not None:
            self.rating(item, value, listener, mode, where)
        elif left is not None and right is not None and winner is not _NOTHING:
            self.vote(left, right, winner, listener, where)
        elif winner is not _NOTHING and winner is not None and loser is not None:
            self.vote(winner, loser, winner, listener, where)
        else:
            _refuse(where, f"{excerpt(repr(thing))} is no vote", _HOW)

    def tally(self) -> Tally:
        """Return everything taken so far."""
        rows = self.rows
        first = np.array([row[0] for row in rows], np.intp)
        second = np.array([row[1] for row in rows], np.intp)
        score = np.array([row[2] for row in rows], np.float64)
        person = np.array([row[3] for row in rows], np.intp)
        parts = [(first, second, score, np.ones(len(rows)), person)]
        parts += [_compared(sheet, rater) for (rater, _), sheet in self.rated.items()]
        items = list(self.places)
        ratings: dict[Hashable, list[float]] = {}
        for sheet in self.rated.values():
            for place, values in sheet.items():
                ratings.setdefault(items[place], []).append(sum(values) / len(values))
        # Whoever rated one item alone compared nothing, and is no listener of this ranking.
        who, listener = np.unique(np.concatenate([part[4] for part in parts]), return_inverse=True)
        people = list(self.listeners)
        return Tally(
            items,
            np.concatenate([part[0] for part in parts]),
            np.concatenate([part[1] for part in parts]),
            np.concatenate([part[2] for part in parts]),
            np.concatenate([part[3] for part in parts]),
            listener,
            [people[i] for i in who.tolist()],
            ratings,
            self.n_repeated,
        )


def _compared(
    sheet: Mapping[int, list[float]], person: int
) -> tuple[Places, Places, Floats, Floats, Places]:
    """Return what one listener's ratings say of each pair.

    Only the order of one person's ratings is used: people use a scale differently, and the five
    points of a score are no equal steps. What k ratings say is k − 1 votes' worth and not that of
    all k(k − 1)/2 pairs, hence the weight.
    """
    places = np.fromiter(sheet, np.intp, len(sheet))
    values = np.array([sum(given) / len(given) for given in sheet.values()])
    one, other = np.triu_indices(len(places), 1)
    score = 0.5 + 0.5 * np.sign(values[one] - values[other])
    weight = np.full(len(one), 2 / max(len(places), 1))
    return places[one], places[other], score, weight, np.full(len(one), person, np.intp)


def read(votes: Any, items: Iterable[Hashable] | None = None) -> Tally:
    """Read votes in any of their forms.

    Raises
    ------
    ExperimentError
        Something among them is no vote, or names an item that is not among ``items``.
    """
    if hasattr(votes, "columns") and hasattr(votes, "to_dict"):  # a DataFrame
        votes = votes.to_dict("records")
    if isinstance(votes, str | bytes | Mapping) or not isinstance(votes, Iterable):
        message = f"{excerpt(repr(votes))} is no list of votes. {_HOW}"
        raise ExperimentError(message)
    reader = _Reader(items)
    for number, thing in enumerate(votes, 1):
        reader.thing(thing, f"Vote {number}")
    return reader.tally()


def _get(thing: Any, *names: str, default: Any = None) -> Any:
    """Return the first of some fields that a thing has and that says something."""
    found = default
    for name in names:
        if isinstance(thing, Mapping):
            value = thing.get(name, _NOTHING)
        else:
            value = getattr(thing, name, _NOTHING)
        if value is _NOTHING or callable(value):
            continue
        found = None if _is_missing(value) else value
        if found is not None:
            break
    return found


def _id(item: Any) -> Any:
    """Return the id of a take or track, and anything else as it is."""
    name = None if isinstance(item, str) else getattr(item, "id", None)
    return name if isinstance(name, str) else item


def _is_missing(value: Any) -> bool:
    """Say whether a value is None or one of the many ways in which a table says so."""
    if value is None:
        return True
    try:
        return bool(value != value)  # NaN
    except TypeError:  # pandas.NA will not say
        return True
    except ValueError:  # an array says it for each of its values
        return False


def _is_same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except (TypeError, ValueError):
        return False


def _refuse(where: str, what: str, way_out: str) -> NoReturn:
    message = f"{where} cannot be counted: {what}. {way_out.rstrip('.')}."
    raise ExperimentError(message)
