"""What a benchmark hands back: figures of ours beside those of peers, and whether a target is met.

How to write one
----------------
A file ``bench_NAME.py`` with a function ``measure() -> list[Figure]``, closed by::

    if __name__ == "__main__":
        sys.exit(run_alone(measure))

Then ``python tests/benchmarks/bench_NAME.py`` prints its table and exits with 1 where a target
is missed, and ``python tests/benchmarks`` runs it among the others, in a process of its own.

- ``ours`` and each list in ``peers`` hold one value for each turn. Take turns (ours, peer, ours,
  peer …) in one run, as the machine's pace changes: **lists of one length are read as pairs**,
  and the ratio is the median of the pairs' ratios. Other lists are compared by their medians.
- ``target`` is ``"<= 500"`` or ``">= 20"`` (the median, in the figure's unit), ``"<= 0.4x"``
  (times the best peer), ``"<= 0.4x musicapi-sdk"`` (times that peer, named as in ``peers``), or
  ``""`` where there is no target. What must hold for the worst turn is a figure of its own
  ("lag, worst"). Keep a breakdown out of the table: print it.
- A peer that cannot do the thing has no list; say so in ``note``, one line under the table.
- Ask ``is_quick()`` for a smoke run: a few seconds, whatever the figures are worth.
- ``peers.python_of("musicapi-sdk")`` is the interpreter of an environment that holds that peer
  alone, built on first use.
"""

from __future__ import annotations

import json
import math
import os
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

QUICK = "PHASEO_NB_BENCH_QUICK"
LEVEL = 0.03
"""So near to a peer counts as level with it."""

_TARGET = re.compile(r"(<=|>=)\s*([\d.]+)(?:(x)(?:\s+(\S.*))?)?")


@dataclass(frozen=True)
class Figure:
    """One thing that was measured, of us and of peers."""

    name: str
    """What was measured, in a few words: ``"import, over bare Python"``."""
    unit: str
    """``"ms"``, ``"MB"``, ``"polls"``, … or ``""``."""
    ours: list[float]
    peers: dict[str, list[float]] = field(default_factory=dict)
    target: str = ""
    better: Literal["lower", "higher"] = "lower"
    note: str = ""
    """One line for the reader, such as why a peer is missing."""

    def __post_init__(self) -> None:
        """Refuse at once what no table could show."""
        wanted = _TARGET.fullmatch(self.target)
        if self.target and not wanted:
            message = f"a target reads like '<= 500' or '<= 0.4x httpx', not {self.target!r}"
            raise ValueError(message)
        if wanted and wanted[4] and wanted[4] not in self.peers:
            message = f"the target names {wanted[4]!r}, which is not among {sorted(self.peers)}"
            raise ValueError(message)
        for values in (self.ours, *self.peers.values()):
            if not values or not all(math.isfinite(value) for value in values):
                message = f"{self.name}: each list needs values, all of them finite: {values}"
                raise ValueError(message)

    @property
    def median(self) -> float:
        """Return our median."""
        return statistics.median(self.ours)

    @property
    def best_peer(self) -> str | None:
        """Return the name of the peer that did best, by its median."""
        best = min if self.better == "lower" else max
        return best(self.peers, key=lambda name: statistics.median(self.peers[name]), default=None)

    def ratio(self, peer: str | None = None) -> float | None:
        """Return ours over the peer's, the best one's unless named; None where there is none."""
        name = peer or self.best_peer
        if name is None:
            return None
        theirs = self.peers[name]
        if len(theirs) == len(self.ours) and all(theirs):
            return statistics.median(a / b for a, b in zip(self.ours, theirs, strict=True))
        below = statistics.median(theirs)
        return self.median / below if below else None

    @property
    def is_met(self) -> bool | None:
        """Say whether the target is met; None where there is none, or nothing to compare with."""
        wanted = _TARGET.fullmatch(self.target)
        if not wanted:
            return None
        value = self.ratio(wanted[4]) if wanted[3] else self.median
        if value is None:
            return None
        limit = float(wanted[2])
        return value <= limit if wanted[1] == "<=" else value >= limit

    @property
    def standing(self) -> Literal["ahead", "level", "behind", "alone"]:
        """Say where we stand beside the best peer."""
        name = self.best_peer
        if name is None:
            return "alone"
        ours, theirs = self.median, statistics.median(self.peers[name])
        ratio = self.ratio(name)
        if ours == theirs or (ratio is not None and abs(ratio - 1) <= LEVEL):
            return "level"
        less = ratio < 1 if ratio is not None else ours < theirs
        return "ahead" if less == (self.better == "lower") else "behind"

    @property
    def verdict(self) -> str:
        """Return the last column of the table: target first, then a peer that is ahead of us."""
        words = {True: ["ok"], False: ["MISSED"], None: []}[self.is_met]
        wanted = _TARGET.fullmatch(self.target)
        if wanted and wanted[4] and wanted[4] != self.best_peer:  # the column has another ratio
            words[0] += f" at {number(self.ratio(wanted[4]) or 0)}x"
        if self.standing == "behind":
            words.append(f"behind {self.best_peer}")
        return ", ".join(words) or ("-" if self.standing == "alone" else self.standing)


# -- the table -------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Write a value with about three digits that mean something."""
    if value and abs(value) < 0.995:
        return f"{value:.2g}"
    if abs(value) < 99.5:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def spread(values: Sequence[float]) -> str:
    """Write the median and, where there was more than one turn, the least and the most."""
    median = number(statistics.median(values))
    if len(values) < 2:
        return median
    return f"{median} [{number(min(values))}-{number(max(values))}]"


def table(figures: Iterable[Figure]) -> str:
    """Return the table of figures, followed by their notes."""
    head = ("figure", "ours: median [spread]", "best peer: median [spread]", "ratio", "target", "")
    rows, notes = [head], []
    for figure in figures:
        peer, ratio = figure.best_peer, figure.ratio()
        theirs = f"{peer}: {spread(figure.peers[peer])}" if peer else "-"
        unit = f", {figure.unit}" if figure.unit else ""
        written = f"{number(ratio)}x" if ratio is not None else "-"
        target = figure.target or "-"
        rows.append(
            (f"{figure.name}{unit}", spread(figure.ours), theirs, written, target, figure.verdict)
        )
        others = [
            f"{name} {spread(values)}" for name, values in figure.peers.items() if name != peer
        ]
        if others:
            notes.append(f"{figure.name}; the other peers: {', '.join(others)}")
        if figure.note:
            notes.append(f"{figure.name}: {figure.note}")
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths).rstrip())
    return "\n".join([*lines, *(["", *notes] if notes else [])])


# -- running ---------------------------------------------------------------------------------------


def is_quick() -> bool:
    """Say whether this is a smoke run, in which a benchmark measures as little as it can."""
    return os.environ.get(QUICK, "") not in ("", "0")


def arguments() -> list[str]:
    """Return the words of the command line that are the benchmark's own."""
    words = [word for word in sys.argv[1:] if word != "--quick"]
    if "--json" in words:
        place = words.index("--json")
        del words[place : place + 2]
    return words


def run_alone(measure: Callable[[], list[Figure]]) -> int:
    """Measure, print the table, and return the exit code: 1 where a target is missed.

    ``--quick`` makes it a smoke run (missed targets count for nothing then), ``--json FILE``
    writes the figures down, for whoever runs several.
    """
    words = sys.argv[1:]
    if "--quick" in words:
        os.environ[QUICK] = "1"
    figures = measure()
    if "--json" in words:
        write(Path(words[words.index("--json") + 1]), figures)
    print(table(figures))
    missed = [figure.name for figure in figures if figure.is_met is False]
    print(f"\nTARGET MISSED: {'; '.join(missed)}" if missed else "\ntargets met")
    return 1 if missed and not is_quick() else 0


def write(path: Path, figures: Iterable[Figure]) -> None:
    """Write the figures down as JSON."""
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=1), encoding="utf-8")


def read(path: Path) -> list[Figure]:
    """Return the figures that ``write`` wrote."""
    return [Figure(**fields) for fields in json.loads(path.read_text(encoding="utf-8"))]
