"""How a kind of fault is written down: a function of a visit, with its name and its stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .visits import Visit

EVERYWHERE = ("submit", "poll", "download")
ASKED = ("submit", "poll")
"""The stages whose answers are JSON."""

Play = Callable[[Visit], None]


@dataclass(frozen=True)
class Kind:
    """A fault at one or more stages."""

    about: str
    play: Play
    stages: tuple[str, ...]
    pays: bool
    times: int | None
    wires: tuple[str, ...]


class Kinds(dict[str, Kind]):
    """Kinds by name; used as a decorator."""

    def add(
        self,
        name: str,
        about: str,
        *stages: str,
        pays: bool = True,
        times: int | None = 1,
        wires: tuple[str, ...] = ("phaseo", "udio"),
    ) -> Callable[[Play], Play]:
        """Enter a function under a name.

        Parameters
        ----------
        about
            What happens, in a few words.
        stages
            Where; everywhere without any.
        pays
            False where an order is not even looked at.
        times
            At how many visits; ``None`` for ever.
        """

        def enter(play: Play) -> Play:
            self[name] = Kind(about, play, stages or EVERYWHERE, pays, times, wires)
            return play

        return enter
