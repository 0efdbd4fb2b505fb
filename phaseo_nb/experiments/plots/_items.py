"""From takes and tracks to what is drawn: one entry for each track, with its name."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ...engine import HAS_THREADS
from ...errors import ExperimentError, brief
from ...jobs import Track
from ...phrases import excerpt
from ...takes import KeptTrack, Take

if TYPE_CHECKING:
    from ..described import Descriptors

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Item:
    """One track to be drawn."""

    track: KeptTrack
    take: Take | None
    label: str
    under: str = ""
    """Which take and track it is."""

    @property
    def name(self) -> str:
        """Label and place on one line."""
        return f"{self.label}, {self.under}" if self.under else self.label


def items_of(given: Any, labels: Sequence[str] | None, what: str) -> list[Item]:
    """Return an entry for each track of takes and tracks; ``what`` is the function's name."""
    if isinstance(given, Take | Track):
        given = [given]
    given = getattr(given, "takes", given)  # of the results of a sweep
    things = list(given) if isinstance(given, Iterable) else [given]
    wrong = next((thing for thing in things if not isinstance(thing, Take | Track)), None)
    if wrong is not None:
        message = (
            f"{what}() takes takes or tracks, such as nb.library().recent(), not {brief(wrong)}."
        )
        raise ExperimentError(message)
    if labels is not None and (isinstance(labels, str) or len(labels) != len(things)):
        n = 1 if isinstance(labels, str) else len(labels)
        message = f"labels = {brief(labels)} are {n} for {len(things)}. Give one for each."
        raise ExperimentError(message)
    items: list[Item] = []
    for place, thing in enumerate(things):
        label = str(labels[place]) if labels is not None else None
        if isinstance(thing, Take):
            items += [_item(track, thing, label, len(thing.tracks)) for track in thing.tracks]
        else:
            kept = thing if isinstance(thing, KeptTrack) else KeptTrack(thing)
            items.append(_item(kept, None, label, kept.about.n_tracks))
    return items


def _item(track: KeptTrack, take: Take | None, label: str | None, n_tracks: int) -> Item:
    about = track.about
    name = label if label is not None else about.prompt or track.title or "untitled"
    number = take.number if take else about.number
    words = [f"take {number}"] if number else []
    words += [f"track {track.index + 1}"] if n_tracks > 1 else []
    return Item(track, take, excerpt(name, 90) or "untitled", ", ".join(words))


def figures_of(item: Item) -> Descriptors:
    """Return the figures of an entry, beside what its take asked for."""
    from ..described import describe, describe_track

    return describe_track(item.take, item.track) if item.take else describe(item.track)


def each(work: Callable[[T], U], things: Sequence[T]) -> list[U]:
    """Do the same to each thing, on all processors: numpy lets go of the interpreter."""
    n_workers = min(os.cpu_count() or 1, 4, len(things))
    if not HAS_THREADS or n_workers < 2:
        return [work(thing) for thing in things]
    with ThreadPoolExecutor(n_workers, "phaseo_nb-plot") as pool:
        return list(pool.map(work, things))


def address(png: bytes) -> str:
    """Return a picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
