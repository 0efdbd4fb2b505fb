"""Who was compared with whom: what hangs together, and what would join it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.intp]


def components(n: int, first: Places, second: Places) -> list[list[int]]:
    """Return the groups of items that comparisons join, the largest first."""
    group = np.arange(n)
    while True:  # each item takes the smallest number among its neighbours until nothing moves
        least = group.copy()
        np.minimum.at(least, first, group[second])
        np.minimum.at(least, second, group[first])
        least = least[least]
        if (least == group).all():
            break
        group = least
    found: dict[int, list[int]] = {}
    for item, number in enumerate(group.tolist()):
        found.setdefault(number, []).append(item)
    return sorted(found.values(), key=lambda items: (-len(items), items[0]))


def is_strong(n: int, winner: Places, loser: Places) -> bool:
    """Say whether from each item a chain of wins leads to each other one.

    That is when the strengths of highest likelihood are finite (Zermelo; Ford 1957).
    """
    return _reached(n, winner, loser) and _reached(n, loser, winner)


def _reached(n: int, start: Places, end: Places) -> bool:
    """Say whether all items can be reached from the first one."""
    seen = np.zeros(n, bool)
    seen[0] = True
    while True:
        fresh = end[seen[start] & ~seen[end]]
        if not len(fresh):
            return bool(seen.all())
        seen[fresh] = True
