"""What a ranking says in sentences: what it rests on, what is settled, what to be careful about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...phrases import excerpt
from ._listeners import Doubt
from ._reading import Tally

if TYPE_CHECKING:
    from ._ranking import Place

_FEW_LISTENERS = 6
_SHOWN = 6  # names in one sentence


def heading(tally: Tally) -> str:
    """Return in one line what a ranking was made of."""
    n = len(tally.listeners)
    if tally.listeners == [None]:
        people = "nobody named"
    else:
        people = "1 listener" if n == 1 else f"{n} listeners"
    return f"Ranking of {len(tally.items)} by {_basis(tally)} · {people}"


def _basis(tally: Tally) -> str:
    if not tally.ratings:
        return "1 vote" if tally.n == 1 else f"{tally.n:,} votes"
    return "ratings" if (tally.weight < 1).all() else "votes and ratings"


def statements(places: Sequence[Place], above: npt.NDArray[np.bool_]) -> list[str]:
    """Return who is certainly preferred to whom; ``above`` is in the order of the places."""
    if not above.any():
        return ["The votes settle nothing yet: no item is certainly preferred to another."]
    said = []
    for place, row in zip(places, above, strict=True):
        below = [places[i].name for i in np.flatnonzero(row).tolist()]
        if below and len(below) == len(places) - 1:
            said.append(f"{place.name} is certainly preferred to all others.")
        elif below:
            said.append(f"{place.name} is certainly preferred to {_list(below)}.")
    if int(above.sum()) < len(places) * (len(places) - 1) // 2:
        said.append("Of all other pairs the votes do not settle which one is preferred.")
    return said


def notes(places: Sequence[Place], tally: Tally, known: Doubt) -> list[str]:
    """Return what a reader must know to read a ranking right."""
    said = _about_listeners(tally, places)
    if tally.score.size and (tally.score == 0.5).all():
        said.append("Every vote is a tie: the votes see no difference between the items.")
    if known.fit.is_penalised:
        said.append(_about_one_sided(places))
    if tally.n_repeated:
        again = "1 vote was" if tally.n_repeated == 1 else f"{tally.n_repeated} votes were"
        said.append(f"{again} handed in twice (same listener, same moment) and counted once.")
    if tally.ratings:
        said.append(
            "Ratings count by their order within each listener; those of k items weigh as much "
            "as k − 1 votes, and equal ratings are ties."
        )
    return said


def _about_listeners(tally: Tally, places: Sequence[Place]) -> list[str]:
    if tally.listeners == [None]:
        return [
            "The votes name no listener. The intervals hold only if each vote is independent of "
            "the others; votes of one person tell about that person alone."
        ]
    if len(tally.listeners) == 1:
        name = excerpt(tally.listeners[0], 40)
        return [
            f"All votes are {name}'s: this is one listener's preference, and the intervals tell "
            "how surely these votes show it. They say nothing about other listeners."
        ]
    n, said = len(tally.listeners), []
    if n < _FEW_LISTENERS:
        said.append(
            f"Only {n} listeners voted: what others would say is known roughly, and the "
            "intervals are wide for that reason. More listeners help more than more votes."
        )
    if None in tally.listeners:
        said.append("Votes without a listener's name are counted as those of one more listener.")
    alone = _heard_by_one(tally)
    if alone:
        called = {place.item: place.name for place in places}
        items = _list([called[tally.items[i]] for i in alone])
        said.append(f"Only one listener compared {items}: how far others differ is not known.")
    return said


def _heard_by_one(tally: Tally) -> list[int]:
    n = len(tally.listeners)
    codes = np.concatenate([tally.first * n + tally.listener, tally.second * n + tally.listener])
    counts = np.bincount(np.unique(codes) // n, minlength=len(tally.items))
    return np.flatnonzero(counts == 1).tolist()


def _about_one_sided(places: Sequence[Place]) -> str:
    unbeaten = [place.name for place in places if not (place.losses or place.ties)]
    beaten = [place.name for place in places if not (place.wins or place.ties)]
    parts = [f"{_list(unbeaten)} never lost"] if unbeaten else []
    parts += [f"{_list(beaten)} never won"] if beaten else []
    what = " and ".join(parts) or "A group of items never lost to the others"
    return (
        f"{what}, and these votes set no limit to by how much. The likelihood was weighed with "
        "Jeffreys' prior (Firth) to give a number; its interval reaches far on the open side."
    )


def _list(names: Sequence[str]) -> str:
    shown = list(names[:_SHOWN])
    if len(names) > _SHOWN:
        return f"{', '.join(shown)} and {len(names) - _SHOWN} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
