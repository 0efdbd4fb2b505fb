"""Drum patterns of the genres, and the drummer who plays them.

A pattern is one bar in sixteenths; a digit is how hard the drum is struck, a dot is silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .score import Dice, Note


@dataclass(frozen=True)
class Groove:
    """What a drummer plays in one genre."""

    verse: dict[str, str]
    chorus: dict[str, str]
    fill: str = "toms"
    """``"toms" "snare" "roll" "break" "soft"`` or ``"none"``."""
    crash: str = "crash"


_EIGHTHS = "8.5.7.5.8.5.7.5."
_SIXTEENTHS = "8464846484648464"
GROOVES: dict[str, Groove] = {
    "pop": Groove(
        {"kick": "9.....5.9.......", "snare": "....9.......9...", "hat": _EIGHTHS},
        {"kick": "9.....7.9.7.....", "snare": "....9.......9...", "clap": "....6.......6...",
         "hat": "8.6.8.6.8.6.8.6.", "tamb": "..5...5...5...5."}, "toms"),
    "rock": Groove(
        {"kick": "9.....7.9.......", "snare": "....9.......9...", "hat": "9.6.8.6.9.6.8.6."},
        {"kick": "9.....9.9.9.....", "snare": "....9.......9...", "ride": "9.7.9.7.9.7.9.7.",
         "openhat": "..............5."}, "toms"),
    "metal": Groove(
        {"kick": "9.999.999.999.99", "snare": "....9.......9...", "ride": "9...8...9...8..."},
        {"kick": "9999999999999999", "snare": "....9.......9...", "china": "9...7...9...7..."},
         "toms"),
    "shuffle": Groove(
        {"kick": "9.......8.......", "snare": "....8.......8...", "ride": "8...8.6.8...8.6."},
        {"kick": "9.....5.8.......", "snare": "....9.......9..3", "ride": "9.5.9.6.9.5.9.6."},
         "toms"),
    "bossa": Groove(
        {"kick": "8.....58......5.", "rim": "7..7..7...7..7..", "shaker": "6353635363536353"},
        {"kick": "8.....58......5.", "rim": "8..8..8...8..8..", "shaker": "7454745474547454",
         "conga": "..4...67..4...67"}, "soft", "none"),
    "chip": Groove(
        {"kick": "9...5...9...5...", "snare": "....9.......9...", "hat": "7.7.7.7.7.7.7.7."},
        {"kick": "9..5..9.9..5..9.", "snare": "....9.......9..6", "hat": "7575757575757575"},
         "snare", "none"),
    "orchestra": Groove(
        {"timpani": "7..............."},
        {"timpani": "8.......5.....46", "crash": "4..............."}, "roll", "none"),
    "train": Groove(
        {"kick": "9.......9.......", "snare": "3.5.7.5.3.5.7.54"},
        {"kick": "9.......9.......", "snare": "45476547454765474", "hat": "....6.......6..."},
         "snare"),
    "breaks": Groove(
        {"kick": "9.........9.....", "snare": "....9..3.4..9...", "hat": "8.6.8.6.8.6.8.6."},
        {"kick": "9.........9..4..", "snare": "....9..3.4..9..5", "hat": "8.648.648.648.64",
         "ride": "7...7...7...7..."}, "break"),
    "folk": Groove(
        {"shaker": "6.4.7.4.6.4.7.4.", "cajon": "8.......7......."},
        {"shaker": "6455746564557465", "cajon": "9.....5.8.......", "slap": "....7.......7...",
         "tamb": "....5.......5..."}, "soft", "none"),
    "funk": Groove(
        {"kick": "9..5..8...5..4..", "snare": "....9..3.3..9..3", "hat": "8686868686868686"},
        {"kick": "9..6..9...6..5..", "snare": "....9..4.4..9..4", "hat": "8.68868.8.68868.",
         "openhat": "..............7.", "clap": "....7.......7..."}, "snare"),
    "boom bap": Groove(
        {"kick": "9..4...5..9.....", "snare": "....9.......9...", "hat": "7.5.7.5.7.5.7.5."},
        {"kick": "9..5...6..9..5..", "snare": "....9.......9..3", "clap": "....6.......6...",
         "hat": "7.5.7.575.5.7655"}, "snare", "none"),
    "house": Groove(
        {"kick": "9...9...9...9...", "hat": "..8...8...8...8.", "clap": "....8.......8..."},
        {"kick": "9...9...9...9...", "openhat": "..8...8...8...8.", "clap": "....9.......9...",
         "hat": "6.4464446.446444", "shaker": "5353535353535353"}, "roll"),
    "ride swing": Groove(
        {"kick": "4...3...4...3...", "ride": "8...9.6.8...9.6.", "pedal": "....7.......7...",
         "snare": "..........3....."},
        {"kick": "5...4...5...4.5.", "ride": "8...9.7.8...9.7.", "pedal": "....7.......7...",
         "snare": "..3...4.......5."}, "soft"),
    "lofi": Groove(
        {"kick": "8......58.......", "snare": "....7.......7...", "hat": "6.4.6.4.6.4.6.4."},
        {"kick": "8..4...58.5.....", "snare": "....8.......8..2", "hat": "6.446.4.6.446.45",
         "rim": "..........4....."}, "soft", "none"),
    "one drop": Groove(
        {"rim": "........9.......", "kick": "........9.......", "hat": "7.4.8.4.7.4.8.45"},
        {"snare": "........9.......", "kick": "9...5...9...5...", "hat": "7.558.4.7.558.45"},
         "toms"),
    "soul": Groove(
        {"kick": "9......68.5.....", "snare": "....8.......8...", "hat": "7.5.7.5.7.5.7.5."},
        {"kick": "9......68.5..4..", "snare": "....9..3....9..3", "hat": "7.557.5.7.557.5.",
         "tamb": "....6.......6..."}, "snare"),
    "gated": Groove(
        {"kick": "9...5...9...5...", "snare": "....9.......9...", "hat": "6.6.6.6.6.6.6.6."},
        {"kick": "9...7...9...7...", "snare": "....9.......9...", "hat": "7575757575757575",
         "tamb": "....5.......5..."}, "toms"),
    "techno": Groove(
        {"kick": "9...9...9...9...", "hat": "..7...7...7...7.", "rim": "...5......5....."},
        {"kick": "9...9...9...9...", "openhat": "..7...7...7...7.", "hat": "5353535353535353",
         "clap": "....7.......7...", "rim": "...6..6...6..5.."}, "none"),
    "trance": Groove(
        {"kick": "9...9...9...9...", "openhat": "..7...7...7...7."},
        {"kick": "9...9...9...9...", "openhat": "..8...8...8...8.", "clap": "....9.......9...",
         "hat": "6.5.6.5.6.5.6.5."}, "roll"),
    "ambient": Groove(
        {"shaker": "4...3...4...3..."}, {"shaker": "4...3...4...3...", "kick":
        "6..............."},
                      "none", "none"),
    "waltz": Groove(
        {"kick": "8...........", "hat": "....6...6..."},
        {"kick": "9...........", "snare": "....6...6...", "ride": "7.4.7.4.7.4."}, "soft",
         "none"),
}  # fmt: skip

_FILLS: dict[str, tuple[tuple[str, str], ...]] = {
    "toms": (
        ("snare", "6789...."),
        ("hightom", "....87.."),
        ("tom", "......87"),
        ("floortom", ".......9"),
    ),
    "snare": (("snare", "3.4567.9"),),
    "roll": (("snare", "34455678"),),
    "break": (("snare", "7.67.789"), ("kick", ".7..7...")),
    "soft": (("snare", "..3.4.5."),),
    "none": (),
}


def play_drums(
    groove: Groove, *, dice: Dice, sections: list[tuple[int, int, float]], beats: int
) -> Iterator[Note]:
    """Yield the drum notes of a song, in beats.

    Parameters
    ----------
    sections
        First bar, number of bars and energy of each section that has drums; an energy below
        0.55 keeps the small instruments only.
    beats
        Beats in a bar.
    """
    steps = beats * 4
    for first, bars, energy in sections:
        pattern = groove.chorus if energy >= 0.8 else groove.verse
        if energy >= 0.5 and groove.crash != "none" and first > 0:
            yield Note(first * beats, 2.0, 0, 0.75, groove.crash)
        for bar in range(bars):
            start = float((first + bar) * beats)
            last = bar == bars - 1
            fill_from = steps - 8 if last and bars > 1 and energy >= 0.5 else steps
            if last and bars > 2 and dice.chance(0.35):
                fill_from = min(fill_from, steps - 4)
            for piece, hits in pattern.items():
                if energy < 0.5 and piece in {"snare", "clap", "crash"}:
                    continue
                for step, hit in enumerate(hits[:steps]):
                    cut = step >= fill_from and piece not in {"kick", "hat", "shaker", "pedal"}
                    if hit == "." or cut:
                        continue
                    accent = 1.0 if energy >= 0.5 else 0.8
                    yield Note(start + step / 4, 0.25, 0, int(hit) / 9 * accent, piece)
            if fill_from < steps:
                yield from _fill(groove.fill, start + fill_from / 4, (steps - fill_from))
            elif bar % 4 == 3 and dice.chance(0.4) and energy >= 0.6 and "snare" in pattern:
                yield Note(start + beats - 0.25, 0.25, 0, 0.35, "snare")  # a ghost note


def _fill(kind: str, start: float, steps: int) -> Iterator[Note]:
    for piece, hits in _FILLS[kind]:
        for step, hit in enumerate(hits[8 - steps :]):
            if hit != ".":
                yield Note(start + step / 4, 0.25, 0, int(hit) / 9, piece)
