"""How far strengths may be off: votes of one listener resemble each other.

With several listeners, what counts as one observation is a listener (a cluster-robust
"sandwich"). Plain sandwiches promise too much where listeners are few or did not hear the same,
so each figure is corrected by what the sandwich would have found had all votes been independent,
and its t-quantile has the degrees of freedom of that (Bell and McCaffrey 2002).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ._fitting import Fit, chances, spreads
from ._quantiles import Z, t_width
from ._reading import Tally

Floats = npt.NDArray[np.float64]

_ENOUGH = 0.4
"""A sandwich that sees less than this share of the variance leaves the rest to the model. Two
listeners who heard the same are just above: each sees half."""
_FLOOR = 0.5
"""No interval is narrower than this times that of independent votes: few listeners may agree by
chance, and then seem to know more than they can."""


class Doubt(NamedTuple):
    """What is not known about strengths and their differences."""

    fit: Fit
    covariance: Floats
    """Of the strengths, if each vote is independent of the others."""
    standard_errors: Floats
    widths: Floats
    """Half of the 95 % interval, before its lopsidedness."""
    freedom: Floats
    """Degrees of freedom; infinite where votes are taken as independent."""
    variances: Floats
    """Of the differences [shape=(n_items, n_items)], corrected."""
    floor: float
    """The least share of the width of independent votes."""

    def interval(self, item: int) -> tuple[float, float]:
        """Return the 95 % interval of a strength."""
        middle, width = self.fit.strengths[item], self.widths[item]
        low = middle - width * self.fit.below[item]
        return float(low), float(middle + width * self.fit.above[item])

    def difference(self, a: int, b: int) -> tuple[float, float, float]:
        """Return how much stronger ``a`` is than ``b``, and the 95 % interval of that."""
        middle = float(self.fit.strengths[a] - self.fit.strengths[b])
        own = float(spreads(self.covariance, np.array([a]), np.array([b]))[0])
        steps = t_width(min(self.freedom[a], self.freedom[b]))
        width = max(steps * self.variances[a, b] ** 0.5, self.floor * Z * own**0.5)
        reach = self.reach()
        return middle, middle - width * float(reach[b, a]), middle + width * float(reach[a, b])

    def reach(self) -> Floats:
        """Return how lopsided each difference is: how much further its upper side goes."""
        above, below = self.fit.above, self.fit.below
        cov = self.covariance
        own = np.diag(cov)
        usual = own[:, None] + own[None, :] - 2 * cov
        bent = (above**2 * own)[:, None] + (below**2 * own)[None, :]
        bent = bent - 2 * np.outer(above, below) * cov
        np.fill_diagonal(usual, 1.0)
        np.fill_diagonal(bent, 1.0)
        reach: Floats = np.sqrt(np.maximum(bent, 0) / np.maximum(usual, 1e-300))
        return reach


def doubt(tally: Tally, fit: Fit) -> Doubt:
    """Return the errors of a fit: of independent votes, or by listener where there are several."""
    n = len(tally.items)
    pull, weights = _votes(tally, fit)
    calm = 1.0 if fit.is_penalised else _calm(tally, weights)
    covariance = fit.covariance * calm
    model, own = _differences(covariance), np.diag(covariance).copy()
    if len(tally.listeners) < 2:
        errors = np.sqrt(own)
        return Doubt(fit, covariance, errors, Z * errors, np.full(n, np.inf), model, 1.0)
    is_tied = bool((tally.score == 0.5).all())
    floor = 1.0 if fit.is_penalised or is_tied else _FLOOR
    scores = _by_listener(tally, pull)
    found = fit.covariance @ (scores.T @ scores) @ fit.covariance
    unseen = _unseen(tally, weights, fit.covariance) * calm
    variances = _corrected(_differences(found), _differences(unseen), model)
    freedom = _freedom(tally, weights, fit.covariance)
    # Where all agree nothing scatters, and what is left of 0 after rounding may lie below it.
    corrected = np.maximum(_corrected(np.diag(found), np.diag(unseen), own), 0.0)
    errors = np.maximum(np.sqrt(corrected), floor * np.sqrt(own))
    steps = np.array([t_width(df) for df in freedom])
    widths = np.maximum(steps * np.sqrt(corrected), floor * Z * np.sqrt(own))
    return Doubt(fit, covariance, errors, widths, freedom, variances, floor)


def _calm(tally: Tally, weights: Floats) -> float:
    """Return how much less ties scatter than wins and losses do.

    Two more votes that are no ties are imagined, or 30 ties of 30 would leave no doubt at all.
    With them the doubt is about that of the rule of three: up to 3 of 30 might be no tie.
    """
    n = tally.weight.sum()
    ties = tally.weight[tally.score == 0.5].sum() * n / (n + 2)
    return float(max(1 - ties / max(4 * weights.sum(), 1e-9), 2 / (n + 2)))


def _votes(tally: Tally, fit: Fit) -> tuple[Floats, Floats]:
    """Return how much each vote pulls, and how much it tells."""
    chance = chances(fit.strengths[tally.first] - fit.strengths[tally.second])
    return tally.weight * (tally.score - chance), tally.weight * chance * (1 - chance)


def _by_listener(tally: Tally, values: Floats) -> Floats:
    """Sum what votes say for their first and against their second [shape=(n_listeners, n_items)].

    ``values`` is one for each vote.
    """
    n, n_listeners = len(tally.items), len(tally.listeners)
    row = tally.listener * n
    sums = np.bincount(row + tally.first, values, n_listeners * n)
    sums = sums - np.bincount(row + tally.second, values, n_listeners * n)
    return np.asarray(sums.reshape(n_listeners, n), np.float64)


def _unseen(tally: Tally, weights: Floats, covariance: Floats) -> Floats:
    """Return what the sandwich misses on average where votes are independent.

    That is B (Σ H B H) B over listeners, with H the information of a listener's votes and B the
    covariance: the part of the errors by which each listener pulled the strengths to themselves.
    """
    n = len(tally.items)
    total = np.zeros((n, n))
    order = np.argsort(tally.listener, kind="stable")
    ends = np.cumsum(np.bincount(tally.listener, minlength=len(tally.listeners)))
    for votes in np.split(order, ends[:-1]):
        items, where = np.unique(
            np.concatenate([tally.first[votes], tally.second[votes]]), return_inverse=True
        )
        one, other = where[: len(votes)], where[len(votes) :]
        mine = np.zeros((len(items), len(items)))
        np.add.at(mine, (one, other), -weights[votes])
        mine += mine.T
        mine[np.diag_indices(len(items))] = -mine.sum(axis=1)
        block = np.ix_(items, items)
        total[block] += mine @ covariance[block] @ mine
    unseen: Floats = covariance @ total @ covariance
    return unseen


def _corrected(found: Floats, unseen: Floats, model: Floats) -> Floats:
    """Return variances as they would be if the sandwich saw everything."""
    model = np.maximum(model, 1e-300)
    share = np.clip(1 - unseen / model, 0.0, 1.0)
    added = found + (1 - share) * model
    corrected: Floats = np.where(share >= _ENOUGH, found / np.maximum(share, _ENOUGH), added)
    return corrected


def _freedom(tally: Tally, weights: Floats, covariance: Floats) -> Floats:
    """Return the degrees of freedom of each strength's error, after Satterthwaite.

    With Ω the covariance of what listeners contribute if all votes are independent, these are
    (tr Ω)² / tr Ω².
    """
    freedom = np.empty(len(tally.items))
    for item, column in enumerate(covariance):
        step = column[tally.first] - column[tally.second]
        own = np.bincount(tally.listener, weights * step**2, len(tally.listeners))
        pulled = _by_listener(tally, weights * step)
        through = pulled @ covariance
        shared = np.einsum("gi,gi->g", through, pulled)
        if len(own) <= len(covariance):
            square = ((np.diag(own) - through @ pulled.T) ** 2).sum()
        else:  # the same with the smaller matrices
            inner = covariance @ (pulled.T @ pulled)
            square = (own**2).sum() - 2 * own @ shared + (inner * inner.T).sum()
        trace = own.sum() - shared.sum()
        model = covariance[item, item]
        trace = trace if trace >= _ENOUGH * model else model  # what _corrected() adds is certain
        freedom[item] = trace**2 / max(square, 1e-300)
    return freedom


def _differences(covariance: Floats) -> Floats:
    """Return the variances of all differences."""
    own = np.diag(covariance)
    even = covariance + covariance.T  # rounding must not tell a − b from b − a
    return np.maximum(own[:, None] + own[None, :] - even, 0.0)
