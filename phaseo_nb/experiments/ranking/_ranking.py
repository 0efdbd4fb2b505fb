"""``rank(votes)`` and what it returns."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from ...errors import ExperimentError
from ...keeping.tables._table import import_pandas
from ...phrases import excerpt
from . import _words
from ._fitting import Pairs, chances, fit, spreads
from ._graph import components
from ._listeners import Doubt, doubt
from ._picture import sheet
from ._quantiles import as_normal, holm
from ._reading import Tally, read
from ._suggesting import best_pair

_ALIKE = 1e-6  # strengths so near to each other differ by rounding


class Chance(NamedTuple):
    """How likely one item is preferred to another, with a 95 % interval."""

    probability: float
    low: float
    high: float


@dataclass(frozen=True)
class Place:
    """One item of a ranking."""

    item: Hashable
    name: str
    """What it is called in tables."""
    position: int
    """From 1; items of equal strength share one."""
    first: int
    """The best position that the votes leave open …"""
    last: int
    """… and the worst one; all of a ranking's hold together at 95 %."""
    strength: float
    """Log-odds; of all items they sum to zero."""
    standard_error: float
    low: float
    high: float
    """95 % interval of the strength."""
    wins: int
    losses: int
    ties: int
    """Counted over votes, or over the pairs that ratings make."""
    rating: float | None = None
    """Mean rating, where there were ratings."""


class Ranking(Sequence[Place]):
    """Items from the most to the least preferred, with what is known of each.

    Made by :func:`rank`. A sequence of :class:`Place`; shown as a table with a plot.

    Attributes
    ----------
    listeners : list
        Who voted; ``None`` stands for votes without a name.
    n_votes : int
        Votes counted (of ratings: the pairs that they make).
    notes : list of str
        What a reader must know to read it right, such as how few listeners it rests on.
    """

    def __init__(self, tally: Tally, names: Mapping[Hashable, str]) -> None:
        pairs = tally.pairs()
        fitted = fit(pairs)
        self._tally, self._pairs = tally, pairs
        self._doubt: Doubt = doubt(tally, fitted)
        self._where = {item: place for place, item in enumerate(tally.items)}
        self._above = _separated(self._doubt, pairs)
        self.listeners = list(tally.listeners)
        self.n_votes = tally.n
        order = np.argsort(-fitted.strengths, kind="stable")
        self._places = [self._place(i, order, names) for i in order.tolist()]
        self.notes: list[str] = _words.notes(self._places, tally, self._doubt)

    def _place(self, i: int, order: Any, names: Mapping[Hashable, str]) -> Place:
        tally, strengths = self._tally, self._doubt.fit.strengths
        item = tally.items[i]
        position = 1 + int((strengths[order] > strengths[i] + _ALIKE).sum())
        low, high = self._doubt.interval(i)
        mine = np.concatenate([tally.score[tally.first == i], 1 - tally.score[tally.second == i]])
        rated = tally.ratings.get(item)
        return Place(
            item,
            excerpt(names.get(item, item), 60),
            position,
            min(1 + int(self._above[:, i].sum()), position),
            max(len(strengths) - int(self._above[i].sum()), position),
            float(strengths[i]),
            float(self._doubt.standard_errors[i]),
            low,
            high,
            int((mine == 1.0).sum()),
            int((mine == 0.0).sum()),
            int((mine == 0.5).sum()),
            sum(rated) / len(rated) if rated else None,
        )

    # -- as a sequence ---------------------------------------------------------------------------

    @overload
    def __getitem__(self, index: int) -> Place: ...
    @overload
    def __getitem__(self, index: slice) -> list[Place]: ...
    def __getitem__(self, index: int | slice) -> Place | list[Place]:
        return self._places[index]

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places)

    # -- figures ---------------------------------------------------------------------------------

    @property
    def items(self) -> list[Hashable]:
        """Return the items, most preferred first."""
        return [place.item for place in self]

    @property
    def strengths(self) -> dict[Hashable, float]:
        """Return the log-odds of each item, most preferred first; their sum is zero."""
        return {place.item: place.strength for place in self}

    @property
    def standard_errors(self) -> dict[Hashable, float]:
        """Return the standard error of each strength."""
        return {place.item: place.standard_error for place in self}

    @property
    def intervals(self) -> dict[Hashable, tuple[float, float]]:
        """Return the 95 % interval of each strength."""
        return {place.item: (place.low, place.high) for place in self}

    @property
    def rank_intervals(self) -> dict[Hashable, tuple[int, int]]:
        """Return the best and the worst position that the votes leave open to each item.

        All of them hold together at 95 %, as do the statements of :meth:`is_certain`.
        """
        return {place.item: (place.first, place.last) for place in self}

    def win_probability(self, a: Hashable, b: Hashable) -> Chance:
        """Return how likely ``a`` is preferred to ``b`` (a tie is half), with a 95 % interval."""
        chance, low, high = chances(np.array(self._doubt.difference(*self._pair(a, b)))).tolist()
        return Chance(chance, low, high)

    def is_certain(self, a: Hashable, b: Hashable) -> bool:
        """Say whether the votes settle that ``a`` is preferred to ``b``.

        All pairs for which this is true hold together at 95 % (Holm's rule): however many items
        there are, the chance that any of these statements is wrong is at most 5 %.
        """
        i, j = self._pair(a, b)
        return bool(self._above[i, j])

    @property
    def statements(self) -> list[str]:
        """Return in words who is certainly preferred to whom."""
        where = [self._where[place.item] for place in self]
        return _words.statements(self._places, self._above[np.ix_(where, where)])

    def suggest(self, *, seed: int | None = 0) -> tuple[Hashable, Hashable]:
        """Return the pair whose comparison would tell most about the order."""
        a, b = best_pair(self._pairs, seed=seed)
        return self._tally.items[a], self._tally.items[b]

    def _pair(self, a: Hashable, b: Hashable) -> tuple[int, int]:
        unknown = [item for item in (a, b) if item not in self._where]
        if unknown:
            known = excerpt(", ".join(map(str, self._where)), 200)
            message = f"{excerpt(unknown[0])} is not among the ranked items: {known}."
            raise ExperimentError(message)
        if a == b:
            message = f"{excerpt(a)} cannot be compared with itself. Name two items."
            raise ExperimentError(message)
        return self._where[a], self._where[b]

    # -- as a table ------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """Return the places as plain dicts, all with the same keys."""
        return [asdict(place) for place in self]

    def to_dataframe(self) -> Any:
        """Return :meth:`rows` as a ``pandas.DataFrame``.

        Raises
        ------
        ImportError
            pandas is not installed; :meth:`rows` does without.
        """
        return import_pandas().DataFrame(self.rows())

    def __repr__(self) -> str:
        return sheet(self._places, self.heading, self.statements, self.notes).text()

    def _repr_html_(self) -> str:
        return sheet(self._places, self.heading, self.statements, self.notes).html()

    @property
    def heading(self) -> str:
        """Return in one line what it was made of."""
        return _words.heading(self._tally)


def rank(
    votes: Any,
    *,
    items: Iterable[Hashable] | None = None,
    names: Mapping[Hashable, str] | None = None,
) -> Ranking:
    """Rank items by who was preferred to whom (Bradley-Terry).

    Parameters
    ----------
    votes
        ``comparison.votes``, or the comparison itself; or pairs ``(winner, loser)``; or triples
        ``(a, b, winner)`` with ``None`` as the winner of a tie, which counts as half a win for
        each; or dicts or rows of a DataFrame with ``left``, ``right``, ``winner`` and, best of
        all, ``listener``. Ratings and scores (``item``, ``rating``, ``listener``) count by their
        order within a listener: people use a scale differently, and steps between points are not
        equal.
    items
        What is to be ranked, if votes about anything else are to be refused.
    names
        What items are called in tables, where their ids say little.

    Returns
    -------
    Ranking
        Strengths with standard errors and 95 % intervals. With several listeners these are
        robust to votes of one listener resembling each other; with one they tell about that
        listener alone.

    Raises
    ------
    ExperimentError
        Something is no vote; there are fewer than two items; or the votes leave items
        unconnected, so that nothing is known about one group beside another: the message names
        the groups and the comparison that would help most.

    Examples
    --------
    >>> ranking = rank([("harp", "jazz"), ("harp", "jazz"), ("jazz", "harp")])
    >>> ranking.items
    ['harp', 'jazz']
    >>> round(ranking.win_probability("harp", "jazz").probability, 2)
    0.67
    """
    tally = read(_votes_of(votes), items)
    names = dict(names or {})
    _check(tally, names)
    return Ranking(tally, names)


def _votes_of(given: Any) -> Any:
    """Return the votes of a comparison, where one is given instead of them."""
    return given.votes if hasattr(given, "votes") and hasattr(given, "reveal") else given


def _check(tally: Tally, names: Mapping[Hashable, str]) -> None:
    """Refuse what cannot be ranked."""

    def called(place: int) -> str:
        item = tally.items[place]
        return f"“{excerpt(names.get(item, item), 40)}”"

    if len(tally.items) < 2:
        what = "no votes yet" if not tally.items else f"only one item, {called(0)}"
        message = f"There is nothing to rank: {what}. A ranking needs two items and votes on them."
        raise ExperimentError(message)
    groups = components(len(tally.items), tally.first, tally.second)
    if len(groups) == 1:
        return
    a, b = best_pair(tally.pairs(), groups=groups, seed=0)
    shown = [", ".join(map(called, group[:4])) for group in groups[:5]]
    shown = [
        words + (f" and {len(group) - 4} more" if len(group) > 4 else "")
        for words, group in zip(shown, groups, strict=False)
    ]
    more = f"; and {len(groups) - 5} more groups" if len(groups) > 5 else ""
    message = (
        f"These {len(tally.items)} items cannot be ranked yet: no vote connects these "
        f"{len(groups)} groups, so nothing is known about one beside another: "
        f"{'; '.join(f'({n}) {words}' for n, words in enumerate(shown, 1))}{more}. "
        f"Compare {called(a)} with {called(b)} next: that helps most"
        f"{'' if len(groups) == 2 else f' (at least {len(groups) - 1} comparisons are missing)'}."
    )
    raise ExperimentError(message)


def _separated(known: Doubt, pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Return who is certainly above whom [shape=(n_items, n_items)], all pairs together."""
    strengths, n = known.fit.strengths, len(known.fit.strengths)
    one, other = np.triu_indices(n, 1)
    difference = strengths[one] - strengths[other]
    upper, lower = np.where(difference >= 0, one, other), np.where(difference >= 0, other, one)
    independent = spreads(known.covariance, one, other)
    # The end of the interval that is turned towards zero decides.
    reach = np.maximum(known.reach()[lower, upper], 1e-300)
    t = np.abs(difference) / np.sqrt(np.maximum(known.variances[one, other], 1e-300)) / reach
    least = known.floor * np.sqrt(np.maximum(independent, 1e-300)) * reach
    freedom = np.minimum(known.freedom[one], known.freedom[other])
    if known.fit.is_penalised:
        # Five of five happen by chance in one of 16 tries, and this likelihood would call them
        # certain. With as many degrees as votes it takes seven; an exact test takes six.
        heard = np.bincount(pairs.first, pairs.n, n) + np.bincount(pairs.second, pairs.n, n)
        freedom = np.minimum(freedom, np.minimum(heard[one], heard[other]))
    deviates = np.minimum(as_normal(t, np.minimum(freedom, 1e6)), np.abs(difference) / least)
    above = np.zeros((n, n), bool)
    above[upper, lower] = holm(deviates) & (np.abs(difference) > _ALIKE)
    return above
