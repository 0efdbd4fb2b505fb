"""The rows of the tables: a fault, the way it is met on, and where that should end."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from .faults import FAULTS

MODELS = {"phaseo": "suno/v4.5", "udio": "chirp-v4-5", "instant": "minimax/music-2.6"}
"""Which model is asked for on which way; ``instant`` is the Phaseo wire, with the music at once."""


@dataclass(frozen=True)
class Row:
    """One fault on one way, and where it should end."""

    fault: str
    way: str
    """A key of :data:`MODELS`."""
    end: str
    """``survived``, ``uncertain``, or the error's class."""
    timeout: float = 900.0
    """Of ``generate``, in seconds that pass by sleeping."""
    silence: float = 20.0
    """Longest silence of one request in real seconds."""
    at: str | None = None
    """The stage, for what is not a fault of the service itself."""

    @property
    def is_slow(self) -> bool:
        """True where real time must pass, so that it is best played beside others."""
        return self.silence < 20.0

    @property
    def stage(self) -> str:
        return self.at or FAULTS[self.fault].stage

    def __str__(self) -> str:
        return f"{self.fault}@{self.way}"


SLOW = ("silence", "stall", "drip")
"""Faults that are noticed by waiting."""


def rows_of(
    stage: str,
    ends: dict[str, str],
    *,
    ways: tuple[str, ...] = ("phaseo", "udio"),
    timeout: float = 900.0,
) -> list[Row]:
    """Read a table: ends, with the names of the faults that come to them."""
    rows = []
    for end, names in ends.items():
        for name in names.split():
            fault = FAULTS[f"{stage}-{name}"]
            silence = 2.0 if name.startswith(SLOW) else Row.silence
            wires = [*fault.wires, "instant"]
            rows += [Row(fault.name, way, end, timeout, silence) for way in ways if way in wires]
    return rows


def chosen(request: pytest.FixtureRequest) -> list[Row]:
    """Return the rows of a test module that this run of pytest has chosen."""
    items = [item for item in request.session.items if item.module is request.module]  # type: ignore[attr-defined]
    calls = [item.callspec.params for item in items if hasattr(item, "callspec")]
    return [params["row"] for params in calls]
