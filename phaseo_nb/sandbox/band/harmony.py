"""Scales, chords and how one chord moves to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
}
_STACKS = {"triad": (0, 2, 4), "power": (0, 2, 4), "seventh": (0, 2, 4, 6),
           "ninth": (0, 2, 4, 6, 8), "add9": (0, 2, 4, 8)}  # fmt: skip


@dataclass(frozen=True)
class Chord:
    """A chord of a key."""

    root: int
    """Pitch class, 0 to 11."""
    tones: tuple[int, ...]
    """Pitch classes from the root upwards."""
    power: bool = False
    """True where root and fifth alone are struck."""

    def nearest(self, pitch: float) -> int:
        """Return the chord tone, as a MIDI number, nearest to that pitch."""
        return min(
            (octave * 12 + tone for octave in range(11) for tone in self.tones[:4]),
            key=lambda tone: (abs(tone - pitch), tone),
        )


def is_minor(mode: str) -> bool:
    """Return True for modes with a minor third."""
    return 3 in SCALES[mode]


def chord_on(degree: int, tonic: int, mode: str, kind: str) -> Chord:
    """Build the chord on a scale degree (1 to 7) out of the mode's own notes."""
    scale = SCALES[mode]
    root = (tonic + scale[(degree - 1) % 7]) % 12
    if kind == "dom7":
        return Chord(root, tuple((root + step) % 12 for step in (0, 4, 7, 10)))
    tones = [(tonic + scale[(degree - 1 + step) % 7]) % 12 for step in _STACKS[kind]]
    if (tones[2] - root) % 12 == 6 and kind in {"triad", "power", "add9"}:
        tones[2] = (root + 7) % 12  # a diminished fifth sounds like a mistake here
    if kind == "ninth" and (tones[4] - root) % 12 == 1:
        tones.pop()  # so does a minor ninth
    if kind == "add9" and (tones[3] - root) % 12 == 1:
        tones.pop()
    return Chord(root, tuple(tones), power=kind == "power")


def parse_progression(text: str, tonic: int, mode: str, kind: str) -> list[list[Chord]]:
    """Return the chords of each bar: ``"1 4 2,5 1"`` is four bars, the third with two chords."""
    return [
        [chord_on(int(degree), tonic, mode, kind) for degree in bar.split(",")]
        for bar in text.split()
    ]


def lead_voices(chord: Chord, previous: Sequence[int], low: int, high: int) -> tuple[int, ...]:
    """Voice a chord so that its notes move as little as they can from the previous ones.

    Parameters
    ----------
    previous
        MIDI numbers of the last voicing, empty for the first chord.
    low, high
        Range of the instrument, at least an octave.
    """
    tones = chord.tones if len(chord.tones) < 5 else chord.tones[1:]  # the bass has the root
    centre = (low + high) / 2
    best: tuple[float, tuple[int, ...]] | None = None
    for bottom in range(low, low + 12):
        if bottom % 12 not in tones:
            continue
        voicing = [bottom]
        rotated = sorted(tones, key=lambda tone: (tone - bottom) % 12)
        voicing += [bottom + (tone - bottom) % 12 for tone in rotated if tone != bottom % 12]
        if voicing[-1] > high + 2:
            continue
        middle = sum(voicing) / len(voicing)
        cost = 0.15 * abs(middle - centre)
        if previous:
            cost += sum(min(abs(note - old) for old in previous) for note in voicing)
            cost += 0.5 * abs(voicing[-1] - previous[-1])  # the ear follows the top line
        if voicing[-1] - voicing[-2] == 1:
            cost += 3  # a semitone on top grates
        if best is None or cost < best[0]:
            best = (cost, tuple(voicing))
    if best is None:  # a range too narrow for this chord: close position from the bottom
        return tuple(sorted(low + (tone - low) % 12 for tone in tones))
    return best[1]


def scale_pitch(step: int, tonic: int, mode: str) -> int:
    """Return the MIDI number of a scale step; step 0 is the tonic in the octave from middle C."""
    octave, degree = divmod(step, 7)
    return 60 + tonic + 12 * octave + SCALES[mode][degree]


def nearest_step(pitch: float, tonic: int, mode: str) -> int:
    """Return the scale step whose pitch is nearest."""
    guess = round((pitch - 60 - tonic) * 7 / 12)
    return min(range(guess - 2, guess + 3), key=lambda s: abs(scale_pitch(s, tonic, mode) - pitch))
