"""The faults by name: which there are, when they happen, and where each kind is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from . import answers, breaks, states
from .visits import Visit

STAGES = ("submit", "poll", "download")
WIRES = ("phaseo", "udio")

Play = Callable[[Visit], None]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong at one stage."""

    name: str
    stage: str
    about: str
    play: Play
    times: int | None = 1
    """At how many visits, from the first one; ``None`` for ever."""
    pays: bool | None = None
    """At submit: whether the job is created all the same. Away from it: nothing to say."""
    wires: tuple[str, ...] = WIRES

    def happens(self, stage: str, number: int) -> bool:
        """Tell whether it happens at a visit, counted from 1 in its room and at its stage."""
        return stage == self.stage and (self.times is None or number <= self.times)

    def described(self) -> dict[str, Any]:
        """Return what there is to say about it, for a list."""
        facts = {"name": self.name, "stage": self.stage, "wires": self.wires, "pays": self.pays}
        return facts | {"about": self.about}


def _all() -> Iterable[Fault]:
    for base, kind in {**answers.KINDS, **breaks.KINDS, **states.KINDS}.items():
        for stage in kind.stages:
            name = f"{stage}-{base}"
            pays = kind.pays if stage == "submit" else None
            once = Fault(name, stage, kind.about, kind.play, kind.times, pays, kind.wires)
            yield once
            if kind.times is not None:
                about = f"{kind.about}; at every visit"
                yield replace(once, name=f"{name}-always", about=about, times=None)


FAULTS: dict[str, Fault] = {fault.name: fault for fault in _all()}
"""Every fault by its name."""
