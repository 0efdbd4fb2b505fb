"""How bass and chord players of the genres turn harmony into notes.

Patterns are one bar in sixteenths. Bass: ``R`` root, ``5`` fifth, ``3`` third, ``6`` sixth, ``o``
octave, ``-`` holds, ``.`` is silence. Chords: ``X`` struck, ``x`` softer, ``s`` short, ``n`` muted,
``d`` and ``u`` strummed down and up; digits are single chord tones from below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .harmony import Chord, lead_voices
from .score import Dice, Note

BASS_LINES: dict[str, str] = {
    "whole": "R---------------", "halves": "R-------5-------", "drone": "R---------------",
    "eighths": "R-R-R-R-R-R-R-R-", "pushed": "R-----R-R---R-5-", "offbeat": "..R-..R-..R-..R-",
    "house": "R..R..R-..R-..o-", "two feel": "R---....5---....", "boogie": "R-R-3-3-5-5-6-5-",
    "bossa": "R-----5-5-----R-", "chip": "R.o.R.o.R.o.5.o.", "dnb": "R-----..R-.R--5-",
    "funk": "R..R..o...R.5.oR", "808": "R-------..R---..", "lazy": "R-----..R---5-..",
    "gallop": "R-RRR-RRR-RRR-RR", "sixteenths": "RRRRRRRRRRRRRRRR", "reggae": "R--...R-3-..5-..",
    "soul": "R---..R-5-..3-5-", "octave16": "RRoRRRoRRRoRRRoR", "acid": "RRoR.RR.oRR.RRoR",
    "rolling": ".RRR.RRR.RRR.RRR", "808 push": "R--R------R--5--", "808 late": "R-----....R-----",
}  # fmt: skip
COMPS: dict[str, str] = {
    "pad": "X---------------", "halves": "X-------x-------", "quarters": "X---x---X---x---",
    "pushed": "X-----X-----x---", "blues": "X-----s.........", "bossa": "X-..X-..X---X-..",
    "chip": "0120120120120120", "alberti": "0-2-1-2-0-2-1-2-", "country": "....d-u-....d-u-",
    "strum": "d---d-u---u-d-u-", "picked": "0-2-1-3-0-2-1-3-", "scratch": "s.ns.nsn..s.nsn.",
    "stabs": "s..s....s..s....", "lazy": "X---------x-----", "house": "s..s..s...s..s..",
    "charleston": "X-....s.........", "gallop": "X-xxX-xxX-xxX-xx", "chug": "X-x-x-x-X-x-x-x-",
    "drive": "X---X-x-X---X-x-", "skank": "..s...s...s...s.", "soul": "X---..s...s-....",
    "techno": "..s....s..s.....", "gate": "X.XX.XX.X.XX.XX.", "swell": "X---------------",
}  # fmt: skip
ARPS: dict[str, str] = {
    "sixteenths": "0123210201232103", "eighths": "0-2-1-3-2-1-3-2-", "slow8": "0-1-2-3-1-2-3-2-",
}  # fmt: skip


class Bar(NamedTuple):
    """One bar of the plan."""

    number: int
    start: float
    """Beats from the beginning."""
    chords: tuple[Chord, ...]
    """Shared evenly over the bar."""
    energy: float
    kind: str
    """The section's name."""
    place: int
    """Which bar of its section, from 0."""
    last: bool
    """True for the last bar of its section."""


def _chord_at(bar: Bar, beat: float, beats: int) -> Chord:
    return bar.chords[min(int(beat / beats * len(bar.chords)), len(bar.chords) - 1)]


def _events(pattern: str) -> Iterator[tuple[str, int, int]]:
    """Yield what is struck, on which step, for how many steps."""
    for step, sign in enumerate(pattern):
        if sign in ".-":
            continue
        end = step + 1
        while end < len(pattern) and pattern[end] == "-":
            end += 1
        yield sign, step, end - step


def play_bass(
    bars: Sequence[Bar], style: str, *, dice: Dice, low: int, beats: int
) -> Iterator[Note]:
    """Yield the bass line in beats; its lowest root lies within an octave above ``low``."""
    for bar, following in zip(bars, [*bars[1:], bars[-1]], strict=True):
        if style == "walking":
            yield from _walk(bar, following, dice, low, beats)
            continue
        pattern = BASS_LINES["whole" if bar.energy < 0.5 and style != "drone" else style]
        if beats == 3:
            pattern = "R-----------" if style in {"halves", "two feel", "bossa"} else pattern[:12]
        for sign, step, length in _events(pattern):
            chord = _chord_at(bar, step / 4, beats)
            held = min(length / 4, beats / len(bar.chords)) if length > 4 else length / 4
            pitch = _bass_pitch(sign, chord, low)
            accent = 0.9 if step % 8 == 0 else 0.75
            short = 0.92 if length > 1 else 0.8
            yield Note(bar.start + step / 4, held * short, pitch, accent + dice.sway(0.06))
        if len(bar.chords) > 1 and pattern.count("-") == len(pattern) - 1:
            second = _bass_pitch("R", bar.chords[1], low)
            yield Note(bar.start + beats / 2, beats / 2 * 0.95, second, 0.75)


def _bass_pitch(sign: str, chord: Chord, low: int) -> int:
    root = low + (chord.root - low) % 12
    if sign == "o":
        return root + 12
    if sign == "R":
        return root
    step = {"3": (chord.tones[1] - chord.root) % 12, "5": 7, "6": 9}[sign]
    return root + step if root + step < low + 16 else root + step - 12


def _walk(bar: Bar, following: Bar, dice: Dice, low: int, beats: int) -> Iterator[Note]:
    """Walk in quarters: the root, chord tones, and a step into the next chord."""
    spans = beats // len(bar.chords)
    for index, chord in enumerate(bar.chords):
        target = bar.chords[index + 1] if index + 1 < len(bar.chords) else following.chords[0]
        root = low + (chord.root - low) % 12
        goal = low + (target.root - low) % 12
        middle = [low + (tone - low) % 12 for tone in chord.tones[1:3]]
        line: list[int] = [root, *sorted(middle, reverse=goal < root)][: max(spans - 1, 1)]
        if spans > 1:
            line.append(goal + dice.pick((-1, 1, 2)))
        for beat in range(spans):
            start = bar.start + index * spans + beat
            yield Note(start, 0.9, line[beat % len(line)], 0.8 + dice.sway(0.08))


def play_chords(
    bars: Sequence[Bar], style: str, *, dice: Dice, low: int, high: int, beats: int, power: bool
) -> Iterator[Note]:
    """Yield the chord player's notes in beats, voiced within that range.

    Parameters
    ----------
    power
        True for a distorted guitar, which strikes one string: its sound is root and fifth.
    """
    voicing: tuple[int, ...] = ()
    for bar in bars:
        pattern = COMPS[_calmer(style) if bar.energy < 0.5 else style]
        if beats == 3:
            pattern = "....X---x---" if style in {"alberti", "quarters"} else pattern[:12]
        for index, chord in enumerate(bar.chords):
            voicing = lead_voices(chord, voicing, low, high)
            span = len(pattern) // len(bar.chords)
            part = pattern[index * span : (index + 1) * span]
            if part[0] == "-":
                part = "x" + part[1:]
            root = low + (chord.root - low) % 12
            notes: tuple[int, ...] = (root,) if power else voicing
            offset = bar.start + index * span / 4
            for sign, step, length in _events(part):
                yield from _strike(sign, offset + step / 4, length / 4, notes, dice)


def _calmer(style: str) -> str:
    if "1" in COMPS[style] or style in {"bossa", "skank", "charleston", "country", "lazy"}:
        return style
    return "pad"


def _strike(
    sign: str, start: float, length: float, notes: tuple[int, ...], dice: Dice
) -> Iterator[Note]:
    if sign.isdigit():
        place = int(sign)
        pitch = notes[place % len(notes)] + 12 * (place // len(notes))
        yield Note(start, max(length, 0.5), pitch, (0.8 if place == 0 else 0.65) + dice.sway(0.06))
        return
    velocity = {"X": 0.8, "x": 0.62, "s": 0.75, "n": 0.3, "d": 0.75, "u": 0.55}[sign]
    held = {"s": 0.2, "n": 0.08}.get(sign, length * 0.97)
    order = notes[::-1] if sign == "u" else notes
    for place, pitch in enumerate(order):
        delay = place * 0.028 if sign in "du" else place * 0.004  # one string after the other
        yield Note(start + delay, held, pitch, velocity + dice.sway(0.07))


def play_arpeggio(
    bars: Sequence[Bar], style: str, *, dice: Dice, low: int, beats: int
) -> Iterator[Note]:
    """Yield an arpeggio over the bars that have the energy for it, in beats."""
    voicing: tuple[int, ...] = ()
    for bar in bars:
        for index, chord in enumerate(bar.chords):
            voicing = lead_voices(chord, voicing, low, low + 16)
            pattern = ARPS[style][: beats * 4]
            span = len(pattern) // len(bar.chords)
            for sign, step, length in _events(pattern[index * span : (index + 1) * span]):
                start = bar.start + (index * span + step) / 4
                place = int(sign)
                pitch = voicing[place % len(voicing)] + 12 * (place // len(voicing))
                accent = 0.85 if step % 4 == 0 else 0.6
                yield Note(start, length / 4 * 0.9, pitch, accent + dice.sway(0.05))
