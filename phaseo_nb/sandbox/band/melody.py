"""Motifs, phrases made of them, and the vowels that a voice sings on them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .accompaniment import Bar
from .harmony import nearest_step, scale_pitch
from .score import Dice, Note

Cell = tuple[tuple[float, float], ...]

_CELLS: dict[str, tuple[Cell, ...]] = {
    "song": (
        ((0, 1), (1, 1), (2, 1.5), (3.5, 0.5)), ((0, 1.5), (1.5, 0.5), (2, 1), (3, 1)),
        ((0, 0.5), (0.5, 0.5), (1, 1), (2, 2)), ((0, 1), (1, 0.5), (1.5, 0.5), (2, 2)),
        ((0, 2), (2, 1), (3, 1)), ((0.5, 0.5), (1, 1), (2, 1), (3, 1)),
    ),
    "sparse": (((0, 2), (2.5, 1.5)), ((0, 3),), ((1, 1), (2, 2)), ((0, 1.5), (1.5, 2.5)), ((2, 1),
        (3, 1))),
    "busy": (
        ((0, 0.5), (0.5, 0.5), (1, 0.5), (1.5, 0.5), (2, 1), (3, 0.5), (3.5, 0.5)),
        ((0.5, 0.5), (1, 0.5), (1.5, 0.5), (2, 0.5), (2.5, 0.5), (3, 1)),
        ((0, 1), (1, 0.5), (1.5, 0.5), (2, 0.5), (2.5, 0.5), (3, 0.5), (3.5, 0.5)),
        ((0, 1.5), (1.5, 0.5), (2, 0.5), (2.5, 1.5)),
    ),
    "syncopated": (
        ((0, 0.75), (0.75, 0.75), (1.5, 1), (2.5, 1.5)), ((0.5, 0.5), (1, 0.75), (1.75, 1.25), (3,
         1)),
        ((0, 0.5), (0.5, 1), (1.5, 0.5), (2.5, 0.5), (3, 1)), ((0, 1.5), (1.5, 1.5), (3.5, 0.5)),
    ),
    "long": (((0, 4),), ((0, 3), (3, 1)), ((0, 2), (2, 2)), ((0, 1.5), (1.5, 2.5))),
    "riff": (
        ((0, 0.5), (0.75, 0.5), (1.5, 0.5), (2.5, 0.5), (3, 0.5)),
        ((0, 0.25), (0.5, 0.5), (1.25, 0.25), (1.5, 0.5), (2.5, 0.5), (3.25, 0.5)),
        ((0, 0.5), (1.5, 0.5), (2, 0.25), (2.5, 0.5), (3.5, 0.5)),
        ((0, 0.75), (0.75, 0.75), (1.5, 0.5), (2, 0.75), (2.75, 0.75)),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Motif:
    """Two bars that a listener remembers: a rhythm and a contour in scale steps."""

    cells: tuple[Cell, Cell]
    contours: tuple[tuple[int, ...], tuple[int, ...]]


def make_motif(character: str, dice: Dice, beats: int) -> Motif:
    """Invent a motif: mostly steps, now and then a leap that is filled in afterwards."""
    cells = (
        _fit_cell(dice.pick(_CELLS[character]), beats),
        _fit_cell(dice.pick(_CELLS[character]), beats),
    )
    contours: list[tuple[int, ...]] = []
    position = dice.pick((0, 2, 4))
    for cell in cells:
        steps: list[int] = []
        leap = 0
        for _ in cell:
            steps.append(position)
            if leap:
                move = -1 if leap > 0 else 1
                leap = 0
            elif dice.chance(0.22):
                leap = dice.pick((-3, -2, 2, 3, 4))
                move = leap
            else:
                move = dice.pick((-1, -1, 0, 1, 1))
            position = min(max(position + move, -3), 7)
        contours.append(tuple(steps))
    return Motif(cells, (contours[0], contours[1]))


def _fit_cell(cell: Cell, beats: int) -> Cell:
    fitted = tuple((at, min(length, beats - at)) for at, length in cell if at < beats)
    return fitted or ((0.0, float(beats)),)


def play_melody(
    bars: Sequence[Bar],
    motifs: dict[str, Motif],
    *,
    dice: Dice,
    tonic: int,
    mode: str,
    centre: float,
    beats: int,
) -> Iterator[Note]:
    """Yield the melody over those bars, in beats: phrases of four bars, the last one closing.

    Parameters
    ----------
    motifs
        One for each kind of section; ``""`` serves the others.
    centre
        Middle of the register, as a MIDI number.
    """
    home = nearest_step(centre, tonic, mode)
    home -= home % 7 if home % 7 < 4 else home % 7 - 7
    for bar in bars:
        motif = motifs.get(bar.kind, motifs[""])
        half = bar.place % 2
        cell, contour = motif.cells[half], motif.contours[half]
        closing = bar.place % 4 == 3 or bar.last
        lift = 2 if bar.place % 8 in {4, 5} else 0  # the second phrase answers a little higher
        register = 3 if bar.energy >= 0.9 else 0
        notes = list(zip(cell, contour, strict=True))
        if closing and len(notes) > 2:
            notes = notes[: max(2, len(notes) - 2)]
        base = home + lift + register
        mean = sum(scale_pitch(base + step, tonic, mode) for _, step in notes) / len(notes)
        base -= 7 * round((mean - centre) / 12)  # whole bars move by an octave, not single notes
        for index, ((at, length), step) in enumerate(notes):
            pitch = scale_pitch(base + step, tonic, mode)
            chord = bar.chords[min(int(at / beats * len(bar.chords)), len(bar.chords) - 1)]
            final = closing and index == len(notes) - 1
            if at % 2 == 0 or length >= 1 or final:
                pitch = chord.nearest(pitch)
            if final:
                length = max(length, min(2.0, beats - at))
            accent = 0.85 if at % 1 == 0 else 0.7
            yield Note(bar.start + at, length * 0.93, pitch, accent + dice.sway(0.08))


_SYLLABLE = re.compile(r"[^\W\d_]*?([aeiouyäöüàáâèéêìíîòóôùúû]+)", re.IGNORECASE)
_VOWELS = {
    **dict.fromkeys("aàáâä", "a"), **dict.fromkeys("eèéê", "e"), **dict.fromkeys("iyìíî", "i"),
    **dict.fromkeys("oòóôö", "o"), **dict.fromkeys("uùúûü", "u"),
}  # fmt: skip

_PAIRS = {"oo": "u", "ou": "u", "ee": "i", "ea": "i", "ie": "i", "ai": "e", "ay": "e", "au": "o"}


def vowels_of(line: str) -> tuple[str, ...]:
    """Return one vowel for each syllable of a line, by its letters: no words are sung."""
    found: list[str] = []
    for word in line.casefold().split():
        groups = _SYLLABLE.findall(word)
        if len(groups) > 1 and word.rstrip(".,;:!?'\"").endswith("e"):
            groups = groups[:-1]  # a mute e
        found += [_PAIRS.get(group[:2]) or _VOWELS.get(group[0], "a") for group in groups]
    return tuple(found)


def sing(
    notes: Sequence[Note], bars: Sequence[Bar], lyrics: dict[int, tuple[str, ...]], dice: Dice
) -> list[Note]:
    """Give each melody note a vowel: from the section's lines where it has some, else "ah", "oo".

    Parameters
    ----------
    lyrics
        Lines of each section, by the number of its first bar.
    """
    starts = [bar.start for bar in bars]
    sung: list[Note] = []
    habit = dice.pick(("a", "o", "a", "u"))
    position = -1
    first = -1
    supply: list[str] = []
    for note in notes:
        while position + 1 < len(starts) and starts[position + 1] <= note.start + 1e-6:
            position += 1
            begin = bars[position].number - bars[position].place
            if begin != first:
                first = begin
                supply = [vowel for line in lyrics.get(first, ()) for vowel in vowels_of(line)]
                taken = 0
        vowel = supply[taken % len(supply)] if supply else habit
        taken += 1
        sung.append(note._replace(sound=vowel))
    return sung
