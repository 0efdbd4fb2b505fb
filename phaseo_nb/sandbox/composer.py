"""From words to a score: the same words always give the same song.

All decisions come from one hash over prompt, style, lyrics, take and variation. What takes
something away (``negative``), the length and the singer are left out of it on purpose: "the same
song without drums" is the same song.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .accompaniment import Bar, play_arpeggio, play_bass, play_chords
from .arrangement import Band, choose_band
from .form import plan_sections
from .genres import GENRES, Genre, progressions
from .grooves import GROOVES, play_drums
from .harmony import (
    Chord,
    chord_on,
    is_minor,
    nearest_step,
    parse_progression,
    scale_pitch,
)
from .melody import make_motif, play_melody, sing
from .score import PITCH_NAMES, Dice, Layer, Note, Score, Section
from .titles import make_title
from .vocabulary import Wishes, read_wishes

VERSION = 1
"""Part of the hash: a change of the music that is meant gets a new number."""
LONGEST = 600.0
"""Seconds; as long as the services allow."""


@dataclass(frozen=True)
class SongSpec:
    """What is asked of the sandbox's band."""

    prompt: str = ""
    style: str = ""
    lyrics: str = ""
    title: str | None = None
    negative: str = ""
    """Words for what must not be heard: ``"drums, vocals"``."""
    instrumental: bool = True
    voice: str | None = None
    """Register of the singer: ``"m"``, ``"f"`` or ``None`` for either."""
    duration: float = 20.0
    """Seconds, exact."""
    take: int = 1
    variation: int = 0
    """Which track of one job, from 0: same key and tempo, another tune."""


def compose(spec: SongSpec) -> Score:
    """Write the song for a request.

    Raises
    ------
    ValueError
        The duration is not a number of seconds from 0.1 to 600.
    """
    if not (math.isfinite(spec.duration) and 0.1 <= spec.duration <= LONGEST):
        message = f"duration must be 0.1 to {LONGEST:g} seconds, not {spec.duration!r}"
        raise ValueError(message)
    song_seed, seed = _seeds(spec)
    wishes = read_wishes(spec.prompt, spec.style, spec.negative)
    dice = Dice(song_seed, "character")
    genre = GENRES[wishes.genre or "pop"]
    mode = _choose_mode(genre, wishes, dice)
    tonic = wishes.tonic if wishes.tonic is not None else dice.pick(range(12))
    bpm = _choose_tempo(genre, wishes, dice)
    title = (spec.title or "").strip() or make_title(
        spec.prompt or spec.style, wishes.brightness, is_minor(mode), Dice(song_seed, "title")
    )
    beats = wishes.beats_per_bar or 4
    writer = _Writer(spec, wishes, genre, tonic, mode, bpm, beats, seed)
    layers, sections = writer.write()
    return Score(
        title=title,
        bpm=bpm,
        key=PITCH_NAMES[tonic],
        mode=mode,
        genre=genre.name,
        duration=float(spec.duration),
        beats_per_bar=beats,
        sections=sections,
        layers=layers,
        seed=seed,
        space=min(max(genre.space + wishes.space, 0.0), 0.7),
        pump=genre.pump if writer.band.drums else 0.0,
        pulse=writer.pulse,
    )


def _seeds(spec: SongSpec) -> tuple[int, int]:
    """Return one number for the song and one for this track of it."""
    words = [spec.prompt, spec.style, spec.lyrics, str(VERSION), str(spec.take)]
    text = "\0".join(words).encode("utf-8", "surrogatepass")
    song = hashlib.sha256(text).digest()
    track = hashlib.sha256(song + str(spec.variation).encode()).digest()
    return int.from_bytes(song[:8], "big"), int.from_bytes(track[:8], "big")


def _choose_mode(genre: Genre, wishes: Wishes, dice: Dice) -> str:
    habitual = dice.pick(genre.modes)
    turn = dice.roll()
    if wishes.mode is not None:
        return wishes.mode
    if genre.chord == "dom7" or abs(wishes.brightness) < 0.3:
        return habitual
    if wishes.brightness > 0:
        return habitual if not is_minor(habitual) else "major" if turn < 0.8 else "mixolydian"
    return habitual if is_minor(habitual) else "minor" if turn < 0.75 else "dorian"


def _choose_tempo(genre: Genre, wishes: Wishes, dice: Dice) -> float:
    own = dice.between(*genre.bpm)
    if wishes.bpm is not None:
        return wishes.bpm
    return float(round(min(max(own * wishes.tempo_factor, 50.0), 200.0)))


class _Writer:
    """Writes one song; every player has dice of their own, so that none disturbs another."""

    def __init__(
        self,
        spec: SongSpec,
        wishes: Wishes,
        genre: Genre,
        tonic: int,
        mode: str,
        bpm: float,
        beats: int,
        seed: int,
    ) -> None:
        self.genre, self.tonic, self.mode = genre, tonic, mode
        self.seed, self.beats, self.wishes = seed, beats, wishes
        self.lyrics, self.duration = spec.lyrics, float(spec.duration)
        self.second = 60.0 / bpm
        self.band: Band = choose_band(
            genre, wishes, instrumental=spec.instrumental, voice=spec.voice, dice=self.dice("band")
        )
        self.pulse = 0.045 * self.dice("pulse").roll() if self.duration > 2 else 0.0

    def dice(self, player: str) -> Dice:
        return Dice(self.seed, player)

    def write(self) -> tuple[tuple[Layer, ...], tuple[Section, ...]]:
        n_bars = max(1, math.ceil((self.duration - self.pulse) / (self.second * self.beats) - 0.02))
        closes = n_bars > 4  # long enough for a last bar on the tonic
        drops = self.genre.name in {"house", "techno", "trance", "drum and bass"}
        sections = plan_sections(self.lyrics, n_bars - closes, self.wishes.energy, drops=drops)
        bars = self._bars(sections, n_bars if closes else 0)
        band = self.band
        layers = [
            self._drums(sections, n_bars if closes else 0),
            self._bass(bars),
            *self._harmony(bars),
            *self._tune(bars, sections),
        ]
        played = [layer for layer in layers if layer is not None and layer.notes]
        if not played:  # everything was ruled out: a held chord, rather than silence
            played = [self._layer("pad", band.last_resort, self._held(bars, "drone"), gain=1.0)]
        timed = tuple(replace(s, start=self._seconds(s.first_bar * self.beats)) for s in sections)
        return tuple(played), timed

    def _bars(self, sections: Iterable[Section], closing_bar: int) -> list[Bar]:
        dice = self.dice("harmony")
        choices = progressions(self.genre, self.mode)
        plans: dict[str, list[list[Chord]]] = {}
        bars: list[Bar] = []
        home = chord_on(1, self.tonic, self.mode, self.genre.chord)
        verse = dice.pick(choices)
        other = dice.pick([text for text in choices if text != verse] or [verse])
        for section in sections:
            text = other if section.name in {"chorus", "drop", "bridge"} else verse
            plan = plans.setdefault(
                text, parse_progression(text, self.tonic, self.mode, self.genre.chord)
            )
            for place in range(section.bars):
                number = section.first_bar + place
                last = place == section.bars - 1
                bars.append(
                    Bar(number, float(number * self.beats), tuple(plan[place % len(plan)]),
                        section.energy, section.name, place, last)
                )  # fmt: skip
        if closing_bar:
            number = closing_bar - 1
            bars.append(Bar(number, float(number * self.beats), (home,), 0.45, "end", 0, True))
        return bars

    def _drums(self, sections: tuple[Section, ...], closing_bar: int) -> Layer | None:
        band, genre = self.band, self.genre
        if not band.drums:
            return None
        groove = GROOVES[genre.groove if self.beats == 4 else "waltz"]
        played = [(s.first_bar, s.bars, s.energy) for s in sections if s.energy >= genre.drums_from]
        if not played and genre.drums_from <= 1:
            played = [(s.first_bar, s.bars, 0.7) for s in sections]
        notes = list(play_drums(groove, dice=self.dice("drums"), sections=played, beats=self.beats))
        if closing_bar and played:
            end = float((closing_bar - 1) * self.beats)
            pieces = set(groove.chorus)
            notes += [
                Note(end, 1.0, 0, 0.8, piece)
                for piece in ("kick", "timpani", groove.crash)
                if piece in pieces or piece == groove.crash != "none"
            ]
        notes = [note for note in notes if note.sound not in band.silent_pieces]
        return self._layer("drums", band.kit, notes, gain=genre.mix[0])

    def _bass(self, bars: list[Bar]) -> Layer | None:
        band, genre = self.band, self.genre
        if band.bass is None:
            return None
        style = self.dice("bass style").pick(genre.bass)
        playing = [bar for bar in bars if bar.energy >= 0.4 or bar.kind == "end"] or bars
        low = 28 if band.bass in {"sub", "synthbass"} else 33 if band.bass == "cello" else 28
        notes = list(play_bass(playing, style, dice=self.dice("bass"), low=low, beats=self.beats))
        return self._layer("bass", band.bass, notes, gain=genre.mix[1])

    def _held(self, bars: list[Bar], player: str) -> list[Note]:
        return list(
            play_chords(
                bars, "pad", dice=self.dice(player), low=52, high=72, beats=self.beats, power=False
            )
        )

    def _harmony(self, bars: list[Bar]) -> list[Layer]:
        band, genre = self.band, self.genre
        layers: list[Layer] = []
        if band.chords is not None:
            style = self.dice("comp style").pick(genre.comp)
            if band.chords in {"warmpad", "strings", "choir"} and style not in {"gate", "swell"}:
                style = "pad"
            power = band.chords == "distguitar"
            low = 40 if power else 50 if band.bass else 48
            notes = list(
                play_chords(bars, style, dice=self.dice("chords"), low=low, high=low + 19,
                            beats=self.beats, power=power)
            )  # fmt: skip
            if band.left_hand:
                notes += play_bass(bars, "halves" if self.beats == 4 else "whole",
                                   dice=self.dice("left hand"), low=36, beats=self.beats)  # fmt: skip
            layers.append(self._layer("chords", band.chords, notes, gain=genre.mix[2], spread=0.5))
        if band.pad is not None:
            bed = [
                bar for bar in bars if bar.energy >= 0.6 or bar.kind in {"intro", "break", "end"}
            ] or bars
            layers.append(
                self._layer("pad", band.pad, self._held(bed, "pad"), gain=0.6 * genre.mix[2])
            )
        if band.arp is not None:
            style, voice = band.arp
            lively = [
                bar for bar in bars if bar.energy >= 0.7 or genre.name in {"ambient", "techno"}
            ]
            lively = [bar for bar in lively if bar.kind != "end"]
            notes = list(
                play_arpeggio(lively, style, dice=self.dice("arp"), low=62, beats=self.beats)
            )
            layers.append(
                self._layer(
                    "arp", voice, notes, gain=0.7 * genre.mix[2], spread=0.8, echo=genre.echo
                )
            )
        return layers

    def _tune(self, bars: list[Bar], sections: tuple[Section, ...]) -> list[Layer]:
        band, genre = self.band, self.genre
        motifs = {
            kind: make_motif(genre.melody, self.dice(f"motif {kind}"), self.beats)
            for kind in ("", "chorus", "bridge")
        }
        motifs["drop"] = motifs["chorus"]
        layers: list[Layer] = []

        def tune(playing: list[Bar], player: str, centre: float) -> list[Note]:
            return list(
                play_melody(playing, motifs, dice=self.dice(player), tonic=self.tonic,
                            mode=self.mode, centre=centre, beats=self.beats)
            )  # fmt: skip

        sung_kinds = {"verse", "pre-chorus", "chorus", "bridge", "drop"}
        sung_bars = [bar for bar in bars if bar.kind in sung_kinds] or bars
        if band.vocals is not None:
            notes = tune(sung_bars, "melody", 55 if band.vocals == "m" else 66)
            lines = {section.first_bar: section.lines for section in sections}
            notes = sing(notes, bars, lines, self.dice("vowels"))
            layers.append(
                self._layer("vocals", band.vocals, notes, gain=1.0, echo=genre.echo * 0.5)
            )
            loud = [note for note in notes if self._energy_at(bars, note.start) >= 0.88]
            below = [
                note._replace(pitch=self._third_below(note.pitch), velocity=note.velocity * 0.7)
                for note in loud
            ]
            if below:
                layers.append(self._layer("choir", band.vocals, below, gain=0.6, pan=0.5))
        if band.lead is not None:
            if band.vocals is not None:
                playing = [bar for bar in bars if bar.kind not in sung_kinds]
            else:
                playing = [
                    bar for bar in bars if bar.kind not in {"intro", "break"} or bar.place >= 2
                ]
            playing = [bar for bar in playing if bar.kind != "end"] or bars[:1]
            notes = tune(
                playing, "melody", 69 if band.lead not in {"cello", "distlead", "sax"} else 64
            )
            last = bars[-1]
            if last.kind == "end":
                notes.append(Note(last.start, float(self.beats), last.chords[0].nearest(69), 0.7))
            layers.append(
                self._layer("lead", band.lead, notes, gain=genre.mix[3], pan=0.08, echo=genre.echo)
            )
        return layers

    def _energy_at(self, bars: list[Bar], beat: float) -> float:
        return bars[min(int(beat / self.beats), len(bars) - 1)].energy

    def _third_below(self, pitch: float) -> float:
        return scale_pitch(nearest_step(pitch, self.tonic, self.mode) - 2, self.tonic, self.mode)

    def _seconds(self, beat: float) -> float:
        """Return when a beat falls, with the genre's swing."""
        whole = math.floor(beat)
        part = beat - whole
        if self.genre.swing8:
            middle = 0.5 + self.genre.swing8
            part = part / 0.5 * middle if part < 0.5 else middle + (part - 0.5) / 0.5 * (1 - middle)
        elif self.genre.swing16:
            half = 0.5 if part >= 0.5 else 0.0
            inner = (part - half) * 2
            middle = 0.5 + self.genre.swing16 * 2
            inner = (
                inner / 0.5 * middle if inner < 0.5 else middle + (inner - 0.5) / 0.5 * (1 - middle)
            )
            part = half + inner / 2
        return self.pulse + (whole + part) * self.second

    def _layer(
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
        """Bring a part from beats to seconds, with a hand's unevenness."""
        dice = self.dice(f"hand {name}")
        loose = self.genre.looseness * (0.6 if name in {"drums", "bass"} else 1.0)
        timed: list[Note] = []
        for note in notes:
            start = self._seconds(note.start)
            if start >= self.duration:
                continue
            start = max(start + dice.sway(loose), 0.0)
            velocity = min(max(note.velocity + dice.sway(0.05), 0.05), 1.0)
            timed.append(Note(start, note.length * self.second, note.pitch, velocity, note.sound))
        timed.sort()
        return Layer(name, voice, tuple(timed), gain, pan, spread, echo)
