"""Figures and pictures of many recordings, worked out on a cluster.

Ordinary tasks that calculate: they read recordings from the store by the names of their takes.
Figures go into the journal, where whoever asks for them finds them; pictures come back, as they
are small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import PhaseoError
from ...takes import KeptTrack, Take
from .assignment import Where, where_of_library
from .hands import Hands
from .worker import library_at

if TYPE_CHECKING:
    from ...keeping import Library

T = TypeVar("T")
AT_ONCE = 16
"""Recordings of one task: some seconds of work."""
Name = tuple[str, int]
"""A track: the name of its take in the library, and its place in it."""


def describe_on(client: Any, takes: Sequence[Take], library: Library) -> None:
    """Have the figures of takes worked out and kept; reading them afterwards costs nothing."""
    names = [take.id for take in takes]
    _on_all(client, _describe, where_of_library(library), names)


def draw_on(
    client: Any, kind: str, names: Sequence[Name], library: Library, width: int
) -> list[Any]:
    """Return a picture of each track, or ``None`` where none could be drawn there."""
    return _on_all(client, _draw, where_of_library(library), names, kind, width)


def _on_all(
    client: Any, work: Callable[..., list[T]], where: Where, names: Sequence[Any], *more: Any
) -> list[T]:
    parts = [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]
    hands = Hands(client)
    return [one for part in hands.each(work, where, parts, *more) for one in part]


# -- on a worker ---------------------------------------------------------------------------------


def _describe(where: Where, names: Sequence[str]) -> list[bool]:
    from ..described import describe_track

    library = library_at(where)
    done = []
    for name in names:
        try:
            take = library.get(name)
            for track in take.tracks if isinstance(take, Take) else ():
                describe_track(take, track)  # type: ignore[arg-type]
        except PhaseoError:  # it is told where the figures are asked for
            done.append(False)
        else:
            done.append(True)
    return done


def _draw(where: Where, names: Sequence[Name], kind: str, width: int) -> list[Any]:
    from ..plots._items import items_of
    from ..plots._multiples import KINDS

    library = library_at(where)
    pictures: list[Any] = []
    for name, place in names:
        picture = None
        try:
            take = library.get(name)
            track = take.tracks[place] if isinstance(take, Take) else None
            if isinstance(track, KeptTrack):
                item = next(i for i in items_of([take], None, kind) if i.track is track)
                chosen = KINDS[kind]
                picture = chosen.draw(item, width, chosen.height)
        except (PhaseoError, IndexError):  # it is drawn, or said, in the notebook
            pass
        pictures.append(picture)
    return pictures
