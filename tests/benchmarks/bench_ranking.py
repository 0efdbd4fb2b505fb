"""Whether rankings keep their word: coverage of intervals, votes saved, and time.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_ranking.py            # some minutes
    python tests/benchmarks/bench_ranking.py --quick    # a smoke run

**Coverage.** Listeners of known taste vote, over and over; how many of the 95 % intervals hold
the truth, for the strengths and for all their differences. A listener's taste is the truth plus a
normal deviation of their own. What is to be found is what the whole population would answer:
its mean chances by numerical integration, and the Bradley-Terry strengths nearest to them by
Hunter's MM algorithm, neither of which the package uses.

**Votes saved.** One listener of known taste, asked for random pairs or for those that ``suggest``
names; how many votes it takes until 80 % of the studies have the right order. Both sides are
ranked in the same way.

**Time.** CPU of ``rank`` beside ``choix.ilsr_pairwise``, which gives no errors, and of ``suggest``
among 200 items.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
from typing import Any, NamedTuple

import numpy as np
from figures import Figure, is_quick, run_alone

import phaseo_nb as nb
from phaseo_nb.experiments.ranking import suggest

LEAST, MOST = 92.0, 98.0  # percent
SHARE_TARGET, SUGGEST_MS = 0.7, 50.0


class Study(NamedTuple):
    """Who listens to what."""

    name: str
    n_items: int
    n_listeners: int
    votes_each: int
    taste: float
    """Standard deviation of a listener's strengths around the truth."""
    ties: float = 0.0
    is_even: bool = True
    """Whether each listener votes equally often; otherwise a quarter gives most votes."""


STUDIES = (
    Study("one listener, 60 votes", 6, 1, 60, 0.0),
    Study("one listener, 12 items, 240 votes", 12, 1, 240, 0.0),
    Study("one listener, ties", 6, 1, 60, 0.0, ties=0.3),
    Study("3 listeners", 6, 3, 20, 0.8),
    Study("5 listeners", 6, 5, 15, 0.8),
    Study("10 listeners of one taste", 6, 10, 15, 0.0),
    Study("10 listeners", 6, 10, 15, 0.8),
    Study("30 listeners", 6, 30, 15, 0.8),
    Study("20 uneven listeners", 6, 20, 8, 1.0, is_even=False),
    Study("12 items, 12 listeners", 12, 12, 20, 0.8),
)


# -- coverage --------------------------------------------------------------------------------------


def population(truth: np.ndarray, study: Study) -> np.ndarray:
    """Return the strengths that fit what a whole population would answer."""
    points, weights = np.polynomial.hermite_e.hermegauss(41)
    weights = weights / weights.sum()
    difference = truth[:, None] - truth[None, :]
    apart = difference[..., None] + study.taste * math.sqrt(2) * points
    wins = (1 / (1 + np.exp(-apart))) @ weights
    wins = (1 - study.ties) * wins + study.ties / 2
    np.fill_diagonal(wins, 0.0)
    worth = np.exp(truth)
    for _ in range(5000):
        total = worth[:, None] + worth[None, :]
        shared = 1 / total
        np.fill_diagonal(shared, 0.0)
        better = wins.sum(axis=1) / shared.sum(axis=1)
        better /= np.exp(np.log(better).mean())
        if np.abs(np.log(better / worth)).max() < 1e-10:
            break
        worth = better
    return np.log(better)


def votes_of(random: np.random.Generator, truth: np.ndarray, study: Study) -> list[dict[str, Any]]:
    """Return the votes of one study."""
    votes = []
    for who in range(study.n_listeners):
        own = truth + study.taste * random.normal(size=len(truth))
        n = study.votes_each
        if not study.is_even:
            n = 1 + random.poisson(n * (3.0 if who < study.n_listeners // 4 else 0.33))
        for _ in range(n):
            a, b = random.choice(len(truth), 2, replace=False).tolist()
            is_better = random.random() < 1 / (1 + math.exp(own[b] - own[a]))
            winner = None if random.random() < study.ties else a if is_better else b
            votes.append({"left": a, "right": b, "winner": winner, "listener": who})
    return votes


def coverage(study: Study, n_studies: int, seed: int) -> tuple[float, float, float]:
    """Return the percentages of right strengths, right differences, and studies with a false word.

    Studies whose votes leave an item out are drawn again, as they are refused.
    """
    random = np.random.default_rng(seed)
    strengths, differences, false = [], [], 0
    for _ in range(n_studies):
        truth = random.normal(size=study.n_items)
        wanted = population(truth, study)
        ranking = None
        while ranking is None:
            try:
                ranking = nb.rank(votes_of(random, truth, study), items=range(study.n_items))
            except nb.ExperimentError:
                continue
        strengths += [low <= wanted[i] <= high for i, (low, high) in ranking.intervals.items()]
        wrong = False
        for a, b in itertools.combinations(range(study.n_items), 2):
            chance = 1 / (1 + math.exp(wanted[b] - wanted[a]))
            _, low, high = ranking.win_probability(a, b)
            differences.append(low <= chance <= high)
            up, down = (a, b) if wanted[a] < wanted[b] else (b, a)
            wrong |= ranking.is_certain(up, down)
        false += wrong
    return 100 * np.mean(strengths), 100 * np.mean(differences), 100 * false / n_studies


def coverages() -> list[Figure]:
    """Measure all studies."""
    n = 20 if is_quick() else 250
    figures, falsehoods = [], []
    for seed, study in enumerate(STUDIES):
        strengths, differences, false = coverage(study, n, seed)
        falsehoods.append(false)
        both = [strengths, differences]
        figures += [
            Figure(f"{study.name}: coverage, worst", "%", [min(both)], target=f">= {LEAST:g}"),
            Figure(f"{study.name}: coverage, best", "%", [max(both)], target=f"<= {MOST:g}"),
        ]
    note = "studies in which any pair called certain stands in the wrong order"
    figures.append(Figure("false statements, worst", "%", [max(falsehoods)], {}, "<= 5", note=note))
    return figures


# -- votes saved -----------------------------------------------------------------------------------


EVERY = 4  # votes from one look at the order to the next


def right_after(
    n_votes: int, n_items: int, gap: float, seed: int, is_suggested: bool
) -> list[bool]:
    """Return at which looks of one study the order is right."""
    random = np.random.default_rng(seed)
    truth = gap * random.permutation(n_items)
    order = np.argsort(-truth).tolist()
    votes: list[tuple[int, int]] = []
    right = []
    for n in range(1, n_votes + 1):
        if is_suggested:
            a, b = suggest(votes, range(n_items), seed=seed * 10_000 + n)
        else:
            a, b = random.choice(n_items, 2, replace=False).tolist()
        is_better = random.random() < 1 / (1 + math.exp(truth[b] - truth[a]))
        votes.append((a, b) if is_better else (b, a))
        if n % EVERY:
            continue
        try:
            right.append(nb.rank(votes, items=range(n_items)).items == order)
        except nb.ExperimentError:  # not connected yet
            right.append(False)
    return right


def needed(n_items: int, gap: float, n_studies: int, most: int, is_suggested: bool) -> float:
    """Return after how many votes 80 % of the studies have the right order, for good.

    Where they never do within ``most`` votes, it is that number, which flatters that side.
    """
    runs = [right_after(most, n_items, gap, seed, is_suggested) for seed in range(n_studies)]
    share = np.convolve(np.mean(runs, axis=0), np.ones(3) / 3, "valid")  # evens the luck of few
    below = np.flatnonzero(share < 0.8)
    return float(EVERY * min((below[-1] + 3 if len(below) else 1), most // EVERY))


def savings() -> list[Figure]:
    """Measure how many votes suggested pairs save."""
    figures = []
    for n_items, gap, most in ((5, 1.0, 160), (8, 1.0, 240)):
        n = 8 if is_quick() else 50
        ours = needed(n_items, gap, n, most, True)
        random = needed(n_items, gap, n, most, False)
        name = f"votes until 80 % of orders of {n_items} are right"
        target = f"<= {SHARE_TARGET:g}x"
        note = f"neighbours {gap:g} log-odds apart, {n} studies, at most {most} votes"
        figures.append(Figure(name, "", [ours], {"random pairs": [random]}, target, note=note))
    return figures


# -- time ------------------------------------------------------------------------------------------


def cpu_ms(work: Any) -> float:
    """Return the milliseconds of CPU that some work takes."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3


def times() -> list[Figure]:
    """Measure CPU beside choix, and that of a suggestion."""
    random = np.random.default_rng(1)
    truth = random.normal(size=48)
    votes = [
        (vote["winner"], vote["left"] + vote["right"] - vote["winner"])
        for vote in votes_of(random, truth, Study("", 48, 1, 3000, 0.0))
    ]
    many = [tuple(random.choice(200, 2, replace=False).tolist()) for _ in range(4000)]
    turns = 3 if is_quick() else 15
    ours: list[float] = []
    peers: dict[str, list[float]] = {}
    try:
        import choix
    except ImportError:
        choix = None
    for _ in range(turns):
        ours.append(cpu_ms(lambda: nb.rank(votes)))
        if choix:
            theirs = cpu_ms(lambda: choix.ilsr_pairwise(48, votes, alpha=0.0))
            peers.setdefault("choix", []).append(theirs)
    next_pair = [cpu_ms(lambda: suggest(many, range(200), seed=0)) for _ in range(turns)]
    note = "" if choix else "choix is not installed"
    return [
        Figure("rank 48 items by 3000 votes, with errors, CPU", "ms", ours, peers, note=note),
        Figure(
            "suggest among 200 items, 4000 votes, CPU", "ms", next_pair, {}, f"<= {SUGGEST_MS:g}"
        ),
    ]


def measure() -> list[Figure]:
    """Return all figures."""
    return [*times(), *savings(), *coverages()]


if __name__ == "__main__":
    sys.exit(run_alone(measure))
