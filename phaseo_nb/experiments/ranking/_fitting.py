"""Bradley-Terry strengths: the chance that ``a`` is preferred to ``b`` is σ(strength a − b).

Highest likelihood by Newton's method, as the likelihood is concave. Where someone never lost or
never won (or a whole group never lost to the others), that maximum lies at infinity. There the
likelihood is weighed with Jeffreys' prior (Firth 1993), which needs no tuning, takes away the
leading term of the bias, and for two items amounts to half a win added to each side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ._graph import is_strong
from ._quantiles import Z

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_STEPS = 200
_CLOSE = 1e-9


class Pairs(NamedTuple):
    """Each pair that was compared, once."""

    n_items: int
    first: Places
    second: Places
    n: Floats
    """How often it was compared."""
    won: Floats
    """How often the first was preferred; a tie is half a win for each."""


class Fit(NamedTuple):
    """Strengths, and how well the votes tell them."""

    strengths: Floats
    """Log-odds, their sum is zero."""
    covariance: Floats
    """Of the strengths, if each vote is independent of the others."""
    is_penalised: bool
    below: Floats
    """How much longer than symmetric each interval is on its lower side …"""
    above: Floats
    """… and on its upper side; 1 where the likelihood is that of highest likelihood alone."""


def chances(differences: Floats) -> Floats:
    """Return σ(x) without overflow."""
    chance: Floats = 0.5 * (1 + np.tanh(0.5 * differences))
    return chance


def fit(pairs: Pairs) -> Fit:
    """Return the strengths of items that comparisons join."""
    lost = pairs.n - pairs.won
    winners = np.concatenate([pairs.first[pairs.won > 0], pairs.second[lost > 0]])
    losers = np.concatenate([pairs.second[pairs.won > 0], pairs.first[lost > 0]])
    is_penalised = not is_strong(pairs.n_items, winners, losers)
    strengths = _climb(pairs, is_penalised)
    covariance = _covariance(pairs, strengths)
    even = np.ones(pairs.n_items)
    below, above = _reach(pairs, strengths) if is_penalised else (even, even)
    return Fit(strengths, covariance, is_penalised, below, above)


def information(pairs: Pairs, weights: Floats, ridge: float | Floats) -> Floats:
    """Return the matrix of second derivatives, with something on its diagonal or all over."""
    n = pairs.n_items
    matrix = np.zeros((n, n))
    matrix[pairs.first, pairs.second] = matrix[pairs.second, pairs.first] = -weights
    matrix[np.diag_indices(n)] = -matrix.sum(axis=1)
    return matrix + ridge


def _weights(pairs: Pairs, strengths: Floats) -> Floats:
    chance = chances(strengths[pairs.first] - strengths[pairs.second])
    return pairs.n * chance * (1 - chance)


def _covariance(pairs: Pairs, strengths: Floats) -> Floats:
    """Invert the information where the sum of the strengths is zero."""
    even = 1 / pairs.n_items  # lifts the one direction in which nothing can be known
    inverse = np.linalg.inv(information(pairs, _weights(pairs, strengths), even))
    return np.asarray((inverse + inverse.T) / 2 - even, np.float64)


def _climb(pairs: Pairs, is_penalised: bool) -> Floats:
    strengths = np.zeros(pairs.n_items)
    height = _height(pairs, strengths, is_penalised)
    for _ in range(_STEPS):
        step = _step(pairs, strengths, is_penalised)
        for _ in range(30):
            there = strengths + step
            higher = _height(pairs, there, is_penalised)
            if higher >= height - 1e-12 * abs(height):
                break
            step = step / 2
        strengths, height = there, higher
        if np.abs(step).max() < _CLOSE:
            break
    middled: Floats = strengths - strengths.mean()
    return middled


def _height(pairs: Pairs, strengths: Floats, is_penalised: bool) -> float:
    """Return the log-likelihood."""
    difference = strengths[pairs.first] - strengths[pairs.second]
    lost = pairs.n - pairs.won
    height = -(pairs.won @ np.logaddexp(0, -difference) + lost @ np.logaddexp(0, difference))
    if is_penalised:
        weights = _weights(pairs, strengths)
        height += 0.5 * np.linalg.slogdet(information(pairs, weights, 1 / pairs.n_items))[1]
    return float(height)


def slope(pairs: Pairs, surprise: Floats) -> Floats:
    """Return what surprises (one for each pair) say for the first and against the second."""
    mine = np.bincount(pairs.first, surprise, pairs.n_items)
    other = np.bincount(pairs.second, surprise, pairs.n_items)
    return np.asarray(mine - other, np.float64)


def _step(pairs: Pairs, strengths: Floats, is_penalised: bool) -> Floats:
    chance = chances(strengths[pairs.first] - strengths[pairs.second])
    surprise = pairs.won - pairs.n * chance
    weights = pairs.n * chance * (1 - chance)
    matrix = information(pairs, weights, 1 / pairs.n_items)
    if is_penalised:  # Firth's correction: each pair's leverage pulls it towards even
        inverse = np.asarray(np.linalg.inv(matrix), np.float64)
        spread = spreads(inverse, pairs.first, pairs.second)
        surprise = surprise + weights * spread * (0.5 - chance)
        step: Floats = inverse @ slope(pairs, surprise)
        return step
    return np.asarray(np.linalg.solve(matrix, slope(pairs, surprise)), np.float64)


def spreads(covariance: Floats, first: Places, second: Places) -> Floats:
    """Return the variances of differences."""
    own = np.diag(covariance)
    return np.maximum(own[first] + own[second] - 2 * covariance[first, second], 0.0)


def _reach(pairs: Pairs, strengths: Floats) -> tuple[Floats, Floats]:
    """Return how far the likelihood of each item reaches down and up, beside a symmetric one.

    With everyone else held where they are: for two items that is the profile likelihood, and for
    more its shape, whose size the covariance gives. An item that never lost reaches far up.
    """
    mine = np.concatenate([pairs.first, pairs.second])
    other = strengths[np.concatenate([pairs.second, pairs.first])]
    n = np.concatenate([pairs.n, pairs.n])
    won = np.concatenate([pairs.won, pairs.n - pairs.won])

    def height(at: Floats) -> Floats:
        difference = at[mine] - other
        gain = -won * np.logaddexp(0, -difference) - (n - won) * np.logaddexp(0, difference)
        return np.bincount(mine, gain) + 0.5 * np.log(known(at))

    def known(at: Floats) -> Floats:
        chance = chances(at[mine] - other)
        return np.maximum(np.bincount(mine, n * chance * (1 - chance)), 1e-300)

    goal = height(strengths) - Z * Z / 2
    usual = Z / np.sqrt(known(strengths))
    reaches = []
    for sign in (-1, 1):
        near, far = np.zeros_like(strengths), 30 * np.maximum(usual, 1.0)
        for _ in range(50):
            middle = (near + far) / 2
            is_inside = height(strengths + sign * middle) > goal
            near, far = np.where(is_inside, middle, near), np.where(is_inside, far, middle)
        reaches.append(near / usual)
    return reaches[0], reaches[1]
