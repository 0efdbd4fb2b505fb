"""Which pairs are heard, in which order and on which side: drawn, balanced, with a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

Pair = tuple[str, str]

FEW = 8
"""Up to so many recordings each is compared with each other one."""


def n_pairs(n: int) -> int:
    """Return how many pairs there are of ``n`` recordings."""
    return n * (n - 1) // 2


def usual_trials(n: int) -> int:
    """Return how many pairs a listener hears unless told otherwise.

    All of them while they are few; else so many that each recording is heard some four times.
    """
    return n_pairs(n) if n <= FEW else min(n_pairs(n), 2 * n)


def draw_pairs(items: Sequence[str], n: int, seed: int) -> list[Pair]:
    """Return ``n`` pairs, the first of each being A.

    Of fewer pairs than there are, each recording has as many as any other, give or take one, and
    they hang together from one less than there are recordings. Where there is room for all pairs,
    all come up once before any comes up again, then with sides swapped. Each recording is A as
    often as B, as far as that can be.

    Examples
    --------
    >>> sorted(map(sorted, draw_pairs(["a", "b", "c"], 3, seed=1)))
    [['a', 'b'], ['a', 'c'], ['b', 'c']]
    """
    dice = random.Random(seed)  # nosec B311  # drawn again from its seed
    drawn: list[Pair] = []
    while len(drawn) < n:
        once = _all_pairs(items, dice)
        if len(drawn) + len(once) <= n:
            dice.shuffle(once)
        again = _swapped(once, drawn[-len(once) :]) if drawn else once
        drawn += again[: n - len(drawn)]
    return drawn


def _all_pairs(items: Sequence[str], dice: random.Random) -> list[Pair]:
    """Return all pairs in rings: first each recording with its neighbour, and so on.

    In a ring everybody is A once and B once. The rings of a random order are a random sample of
    pairs in which everybody has two per ring.
    """
    seats = list(items)
    dice.shuffle(seats)
    n = len(seats)
    pairs: list[Pair] = []
    steps = list(range(2, n // 2 + 1))
    dice.shuffle(steps)
    for step in [1, *steps] if n > 2 else [1]:
        ends = range(n // 2 if 2 * step == n else n)
        ring = [(seats[i], seats[(i + step) % n]) for i in ends]
        if 2 * step == n:  # half a ring: sides are drawn
            ring = [pair if dice.random() < 0.5 else pair[::-1] for pair in ring]
        dice.shuffle(ring)  # a ring without any one of its pairs still hangs together
        pairs += ring
    return pairs


def _swapped(pairs: Sequence[Pair], before: Sequence[Pair]) -> list[Pair]:
    last = {frozenset(pair): pair for pair in before}
    return [last.get(frozenset(pair), pair)[::-1] for pair in pairs]


def draw_order(items: Sequence[str], seed: int) -> list[str]:
    """Return the recordings in a random order."""
    order = list(items)
    random.Random(seed).shuffle(order)  # nosec B311  # as above
    return order


def draw_abx(items: Pair, n: int, seed: int) -> tuple[Pair, list[str]]:
    """Return what is A and what B, and what X is in each trial: each time by a coin of its own."""
    dice = random.Random(seed)  # nosec B311  # as above
    sides = items if dice.random() < 0.5 else items[::-1]
    return sides, [dice.choice(sides) for _ in range(n)]


def is_connected(items: Sequence[str], pairs: Sequence[Pair]) -> bool:
    """Tell whether pairs lead from each recording to each other one."""
    if not items:
        return True
    seen, open_ends = {items[0]}, [items[0]]
    beside: dict[str, list[str]] = {item: [] for item in items}
    for one, other in pairs:
        beside[one].append(other)
        beside[other].append(one)
    while open_ends:
        for other in beside[open_ends.pop()]:
            if other not in seen:
                seen.add(other)
                open_ends.append(other)
    return len(seen) == len(items)
