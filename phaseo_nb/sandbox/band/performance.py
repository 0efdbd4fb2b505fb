"""From written beats to played seconds: swing, dynamics, and a hand's unevenness."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .genres import Genre
from .score import Dice, Layer, Note

LONGEST_TIE = 5.0
"""Seconds; a held note is struck anew after that."""


class Performance:
    """How one song is played.

    Parameters
    ----------
    second
        Seconds of one beat.
    pulse
        Seconds before the first beat.
    energies
        Energy of each bar, 0.0 to 1.0: quiet sections are played more softly.
    """

    def __init__(
        self,
        genre: Genre,
        *,
        second: float,
        pulse: float,
        beats: int,
        duration: float,
        energies: Sequence[float],
        seed: int,
    ) -> None:
        self._genre, self._second, self._pulse = genre, second, pulse
        self._beats, self._duration = beats, duration
        self._energies, self._seed = energies, seed

    @property
    def beat_seconds(self) -> float:
        """Seconds of one beat."""
        return self._second

    def seconds(self, beat: float) -> float:
        """Return when a beat falls, with the genre's swing."""
        whole = math.floor(beat)
        part = beat - whole
        if self._genre.swing8:
            part = _late(part, self._genre.swing8)
        elif self._genre.swing16:
            half = 0.5 if part >= 0.5 else 0.0
            part = half + _late((part - half) * 2, self._genre.swing16 * 2) / 2
        return self._pulse + (whole + part) * self._second

    def energy(self, beat: float) -> float:
        """Return the energy of the bar in which a beat lies."""
        return self._energies[min(int(beat / self._beats), len(self._energies) - 1)]

    def layer(
        self,
        name: str,
        voice: str,
        notes: Iterable[Note],
        *,
        gain: float,
        pan: float = 0.0,
        spread: float = 0.0,
        echo: float = 0.0,
    ) -> Layer:
        """Play a part that is written in beats."""
        dice = Dice(self._seed, f"hand {name}")
        steady = name in {"drums", "bass", "effects"}
        loose = self._genre.looseness * (0.6 if steady else 1.0)
        quiet = 0.8 if steady else 0.68
        timed: list[Note] = []
        for note in notes:
            start = self.seconds(note.start)
            if start >= self._duration:
                continue
            start = max(start + dice.sway(loose), 0.0)
            dynamics = quiet + (1 - quiet) * self.energy(note.start)
            velocity = min(max((note.velocity + dice.sway(0.05)) * dynamics, 0.05), 1.0)
            timed.append(Note(start, note.length * self._second, note.pitch, velocity, note.sound))
        timed.sort()
        return Layer(name, voice, tuple(timed), gain, pan, spread, echo)

    def tied(self, notes: Iterable[Note]) -> list[Note]:
        """Hold a note over where the next chord has it too, as string players do."""
        held: dict[float, Note] = {}
        tied: list[Note] = []
        longest = LONGEST_TIE / self._second
        for note in sorted(notes):
            before = held.get(note.pitch)
            if (
                before is not None
                and abs(before.start + before.length - note.start) < 0.2
                and note.start + note.length - before.start <= longest
            ):
                length = note.start + note.length - before.start
                held[note.pitch] = before._replace(length=length)
                continue
            if before is not None:
                tied.append(before)
            held[note.pitch] = note
        return sorted([*tied, *held.values()])


def _late(part: float, swing: float) -> float:
    """Bend the time within a unit so that its middle comes later."""
    middle = 0.5 + swing
    if part < 0.5:
        return part / 0.5 * middle
    return middle + (part - 0.5) / 0.5 * (1 - middle)
