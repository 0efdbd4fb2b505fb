"""What is to be played: frozen plain facts between the composer and the synthesizer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

T = TypeVar("T")

PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


class Note(NamedTuple):
    """One sounding event. Times are beats while a part is written, seconds in a :class:`Score`."""

    start: float
    length: float
    pitch: float
    """MIDI number; without meaning for drums."""
    velocity: float
    """0.0 to 1.0: loudness and brightness."""
    sound: str = ""
    """The drum's name, a vowel to sing, or empty."""


@dataclass(frozen=True)
class Section:
    """One part of the form."""

    name: str
    """``"intro" "verse" "pre-chorus" "chorus" "bridge" "drop" "break"`` or ``"outro"``."""
    first_bar: int
    bars: int
    energy: float
    """0.0 to 1.0."""
    start: float = 0.0
    """Seconds."""
    lines: tuple[str, ...] = ()
    """Lyrics of this section."""


@dataclass(frozen=True)
class Layer:
    """All notes of one player."""

    name: str
    """``"drums" "bass" "chords" "pad" "arp" "lead" "vocals"``, ``"choir"`` or ``"effects"``."""
    voice: str
    """Name of the instrument, drum kit or singer."""
    notes: tuple[Note, ...] = field(repr=False)
    gain: float = 1.0
    pan: float = 0.0
    """-1.0 left to 1.0 right."""
    spread: float = 0.0
    """How far low and high notes stand apart, 0.0 to 1.0."""
    echo: float = 0.0
    """Level of the first echo, 0.0 for none."""


@dataclass(frozen=True)
class Score:
    """A whole song, ready to be rendered."""

    title: str
    bpm: float
    key: str
    """Tonic, such as ``"F#"`` or ``"Eb"``."""
    mode: str
    """``"major"``, ``"minor"``, ``"dorian"`` …"""
    genre: str
    duration: float
    """Seconds, exact."""
    beats_per_bar: int
    sections: tuple[Section, ...]
    layers: tuple[Layer, ...]
    seed: int = field(repr=False)
    """Feeds what is random in the sound itself: noise, detuning, the drum kit's tuning."""
    rotation: int = 0
    """How far the oscillators of kick and bass run on from stroke to stroke, in eighths of a
    turn: two takes of one tempo and key would else share their lowest octave."""
    space: float = 0.2
    """Share of reverb, 0.0 to 1.0."""
    pump: float = 0.0
    """How deep the kick ducks the rest, 0.0 to 1.0."""
    pulse: float = 0.0
    """Where the first beat falls, in seconds: players do not start on the tape's first sample."""

    @property
    def tonic(self) -> int:
        """Pitch class of the key, 0 for C to 11 for B."""
        return PITCH_NAMES.index(self.key)

    def layer(self, name: str) -> Layer | None:
        """Return the layer of that name, ``None`` where nobody plays it."""
        return next((layer for layer in self.layers if layer.name == name), None)


class Dice:
    """Choices that come out the same on every Python: only ``random()`` itself is relied on."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._random = random.Random(f"{seed}:{purpose}")  # nosec B311  # music, the same each time

    def roll(self) -> float:
        """Return a number from 0.0 up to but not including 1.0."""
        return self._random.random()

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[int(self._random.random() * len(choices))]

    def chance(self, probability: float) -> bool:
        """Return True in that share of all cases."""
        return self._random.random() < probability

    def between(self, low: float, high: float) -> float:
        """Return a number in that range, evenly spread."""
        return low + (high - low) * self._random.random()

    def sway(self, width: float) -> float:
        """Return a number around zero, rarely beyond ``width``, as a hand varies."""
        return (self.roll() + self.roll() + self.roll() - 1.5) * width / 0.9
