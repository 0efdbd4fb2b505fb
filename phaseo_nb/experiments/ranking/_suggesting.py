"""Which pair to hear next: the one whose vote says most about the order."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ExperimentError
from ._fitting import Pairs, chances, information, slope
from ._reading import read

Floats = npt.NDArray[np.float64]

_BELIEF = 2.0
"""Standard deviation of strengths before any vote: most preferences are below 50 to 1."""


def suggest(
    votes: Any, items: Iterable[Hashable], *, seed: int | None = None
) -> tuple[Hashable, Hashable]:
    """Return the pair whose comparison would tell most about the order of some items.

    Parameters
    ----------
    votes
        As for :func:`rank`; an empty list before the first one.
    items
        What is to be ranked.
    seed
        Settles which of several equally good pairs is taken, and which of the two comes first;
        ``None`` draws anew each time.

    Returns
    -------
    tuple
        Two different items.

    Raises
    ------
    ExperimentError
        There are fewer than two items, or something among the votes is no vote about them.
    """
    tally = read(votes, items)
    if len(tally.items) < 2:
        message = f"A pair needs two items, and there is {len(tally.items)}. Name at least two."
        raise ExperimentError(message)
    a, b = best_pair(tally.pairs(), seed=seed)
    return tally.items[a], tally.items[b]


def best_pair(
    pairs: Pairs, *, groups: Sequence[Sequence[int]] | None = None, seed: int | None = None
) -> tuple[int, int]:
    """Return the most informative pair, between two of some groups if there are groups.

    What a vote tells of a difference is its variance times p(1 − p); how much that matters is how
    likely it is that the two stand in the wrong order.
    """
    n = pairs.n_items
    strengths, covariance = _believed(pairs)
    one, other = np.triu_indices(n, 1)
    if groups is not None:
        group = np.empty(n, np.intp)
        for number, members in enumerate(groups):
            group[list(members)] = number
        is_between = group[one] != group[other]
        one, other = one[is_between], other[is_between]
    difference = strengths[one] - strengths[other]
    own = np.diag(covariance)
    variance = own[one] + own[other] - 2 * covariance[one, other]
    chance = chances(difference)
    gain = np.log(variance * chance * (1 - chance)) - difference**2 / (2 * variance)
    best = np.flatnonzero(gain >= gain.max() - 1e-9)
    random = np.random.default_rng(seed)
    pick = random.choice(best)  # nosec B311  # breaks ties
    a, b = int(one[pick]), int(other[pick])
    return (a, b) if random.random() < 0.5 else (b, a)  # nosec B311  # breaks ties


def _believed(pairs: Pairs) -> tuple[Floats, Floats]:
    """Return strengths and covariance that are there before the first vote, too."""
    ridge = np.eye(pairs.n_items) / _BELIEF**2
    strengths = np.zeros(pairs.n_items)
    for _ in range(50):
        chance = chances(strengths[pairs.first] - strengths[pairs.second])
        uphill = slope(pairs, pairs.won - pairs.n * chance) - strengths / _BELIEF**2
        matrix = information(pairs, pairs.n * chance * (1 - chance), ridge)
        step = np.linalg.solve(matrix, uphill)
        largest = np.abs(step).max()
        strengths = strengths + step / max(1.0, largest / 2)  # never far in one go
        if largest < 1e-4:
            break
    return strengths, np.asarray(np.linalg.inv(matrix), np.float64)
