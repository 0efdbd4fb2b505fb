"""The band at work: every player writes a part, and all parts become layers of the score."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from .accompaniment import Bar, play_arpeggio, play_bass, play_chords
from .arrangement import Band, choose_band
from .form import plan_sections
from .genres import Genre, progressions
from .grooves import GROOVES, play_drums
from .harmony import chord_on, nearest_step, parse_progression, scale_pitch
from .melody import make_motif, play_melody, sing
from .performance import Performance
from .score import Dice, Layer, Note, Section
from .vocabulary import Wishes

SUNG = frozenset({"verse", "pre-chorus", "chorus", "bridge", "drop"})
EFFECT_SECONDS = 1.9
"""How long before a chorus its announcement begins."""


class Ensemble:
    """Writes one song; every player has dice of their own, so that none disturbs another."""

    def __init__(
        self,
        wishes: Wishes,
        genre: Genre,
        tonic: int,
        mode: str,
        bpm: float,
        beats: int,
        seed: int,
        *,
        duration: float,
        lyrics: str,
        instrumental: bool,
        voice: str | None,
    ) -> None:
        self.genre, self.tonic, self.mode = genre, tonic, mode
        self.seed, self.beats = seed, beats
        self.band: Band = choose_band(
            genre, wishes, instrumental=instrumental, voice=voice, dice=self.dice("band")
        )
        second = 60.0 / bpm
        self.pulse = 0.045 * self.dice("pulse").roll() if duration > 2 else 0.0
        n_bars = max(1, math.ceil((duration - self.pulse) / (second * beats) - 0.02))
        self.n_bars = n_bars
        self.closes = n_bars > 4  # long enough for a last bar on the tonic
        written = plan_sections(
            lyrics, n_bars - self.closes, wishes.energy, drops="riser" in genre.effects
        )
        self.bars = self._bars(written)
        self.hand = Performance(
            genre,
            second=second,
            pulse=self.pulse,
            beats=beats,
            duration=duration,
            energies=[bar.energy for bar in self.bars],
            seed=seed,
        )
        self.sections = tuple(
            replace(s, start=self.hand.seconds(s.first_bar * beats)) for s in written
        )

    def dice(self, player: str) -> Dice:
        """Return that player's own dice."""
        return Dice(self.seed, player)

    def write(self) -> tuple[Layer, ...]:
        """Return everybody's part, at least one."""
        layers = [
            self._drums(),
            self._effects(),
            self._bass(),
            *self._harmony(),
            *self._tune(),
        ]
        played = tuple(layer for layer in layers if layer is not None and layer.notes)
        if played:
            return played
        # Everything was ruled out: a held chord, rather than silence.
        return (
            self.hand.layer("pad", self.band.last_resort, self._held(self.bars, "drone"), gain=1.0),
        )

    def _bars(self, sections: Iterable[Section]) -> list[Bar]:
        dice = self.dice("harmony")
        choices = progressions(self.genre, self.mode)
        verse = dice.pick(choices)
        other = dice.pick([text for text in choices if text != verse] or [verse])
        plans = {
            text: parse_progression(text, self.tonic, self.mode, self.genre.chord)
            for text in (verse, other)
        }
        bars: list[Bar] = []
        for section in sections:
            plan = plans[other if section.name in {"chorus", "drop", "bridge"} else verse]
            for place in range(section.bars):
                number = section.first_bar + place
                start, last = float(number * self.beats), place == section.bars - 1
                chords = tuple(plan[place % len(plan)])
                bars.append(Bar(number, start, chords, section.energy, section.name, place, last))
        if self.closes:
            number = self.n_bars - 1
            home = chord_on(1, self.tonic, self.mode, self.genre.chord)
            bars.append(Bar(number, float(number * self.beats), (home,), 0.49, "end", 0, True))
        return bars

    def _drums(self) -> Layer | None:
        band, genre = self.band, self.genre
        if not band.drums:
            return None
        groove = GROOVES[genre.groove if self.beats == 4 else "waltz"]
        played = [
            (s.first_bar, s.bars, s.energy) for s in self.sections if s.energy >= genre.drums_from
        ]
        if not played and genre.drums_from <= 1:
            played = [(s.first_bar, s.bars, 0.7) for s in self.sections]
        notes = list(play_drums(groove, dice=self.dice("drums"), sections=played, beats=self.beats))
        if self.closes and played:
            end = self.bars[-1].start
            known = {*groove.chorus, groove.crash} - {"none"}
            notes += [
                Note(end, 1.0, 0, 0.9, piece)
                for piece in ("kick", "timpani", "crash")
                if piece in known
            ]
        notes = [note for note in notes if note.sound not in band.silent_pieces]
        return self.hand.layer("drums", band.kit, notes, gain=genre.mix[0])

    def _effects(self) -> Layer | None:
        """Announce what is coming: noise that rises into a chorus, a blow where it lands."""
        band, genre = self.band, self.genre
        if not band.drums or not band.effects:
            return None
        notes: list[Note] = []
        for before, section in zip(self.sections, self.sections[1:], strict=False):
            if section.energy < before.energy + 0.1:
                continue
            landing = float(section.first_bar * self.beats)
            for effect in genre.effects:
                lead_in = 0.0 if effect == "impact" else EFFECT_SECONDS / self.hand.beat_seconds
                if landing - lead_in >= 0:
                    notes.append(Note(landing - lead_in, 1.0, 0, 0.9, effect))
        return self.hand.layer("effects", band.kit, notes, gain=0.8)

    def _bass(self) -> Layer | None:
        band, genre = self.band, self.genre
        if band.bass is None:
            return None
        style = self.dice("bass style").pick(genre.bass)
        resting = {"intro"} if band.drums and self.n_bars > 12 else set()
        playing = [
            b
            for b in self.bars
            if b.kind == "end" or (b.energy >= 0.4 and (b.kind not in resting or b.place >= 2))
        ] or self.bars
        low = 33 if band.bass == "cello" else 28
        notes = list(play_bass(playing, style, dice=self.dice("bass"), low=low, beats=self.beats))
        return self.hand.layer("bass", band.bass, notes, gain=genre.mix[1])

    def _held(self, bars: list[Bar], player: str) -> list[Note]:
        notes = play_chords(
            bars, "pad", dice=self.dice(player), low=52, high=72, beats=self.beats, power=False
        )
        return self._tied(notes)

    def _tied(self, notes: Iterable[Note]) -> list[Note]:
        """Tie common tones, and let each chord die away under the next one."""
        return [note._replace(length=note.length + 0.3) for note in self.hand.tied(notes)]

    def _harmony(self) -> list[Layer]:
        band, genre, bars = self.band, self.genre, self.bars
        layers: list[Layer] = []
        if band.chords is not None:
            layers.append(self._chords(band.chords))
        if band.pad is not None:
            bed = [
                b for b in bars if b.energy >= 0.6 or b.kind in {"intro", "break", "end"}
            ] or bars
            gain = 0.6 * genre.mix[2]
            layers.append(self.hand.layer("pad", band.pad, self._held(bed, "pad"), gain=gain))
        if band.arp is not None:
            style, voice = band.arp
            always = genre.drums_from > 1 or genre.name == "techno"
            lively = [b for b in bars if (b.energy >= 0.7 or always) and b.kind != "end"]
            notes = play_arpeggio(lively, style, dice=self.dice("arp"), low=62, beats=self.beats)
            gain = 0.7 * genre.mix[2]
            layers.append(
                self.hand.layer("arp", voice, notes, gain=gain, spread=0.8, echo=genre.echo)
            )
        return layers

    def _chords(self, voice: str) -> Layer:
        style = self.dice("comp style").pick(self.genre.comp)
        sustained = voice in {"warmpad", "strings", "choir"}
        if sustained and style not in {"gate", "swell"}:
            style = "pad"
        power = voice == "distguitar"
        low = (40 if self.band.bass else 48) if power else 50
        notes = list(
            play_chords(
                self.bars,
                style,
                dice=self.dice("chords"),
                low=low,
                high=low + 19,
                beats=self.beats,
                power=power,
            )
        )
        if sustained and style != "gate":
            notes = self._tied(notes)
        if self.band.left_hand:
            roots = "halves" if self.beats == 4 else "whole"
            notes += play_bass(
                self.bars, roots, dice=self.dice("left hand"), low=36, beats=self.beats
            )
        return self.hand.layer("chords", voice, notes, gain=self.genre.mix[2], spread=0.5)

    def _melody(self, playing: list[Bar], centre: float) -> list[Note]:
        motifs = {
            kind: make_motif(self.genre.melody, self.dice(f"motif {kind}"), self.beats)
            for kind in ("", "chorus", "bridge")
        }
        motifs["drop"] = motifs["chorus"]
        return list(
            play_melody(
                playing,
                motifs,
                dice=self.dice("melody"),
                tonic=self.tonic,
                mode=self.mode,
                centre=centre,
                beats=self.beats,
            )
        )

    def _tune(self) -> list[Layer]:
        band, bars = self.band, self.bars
        layers: list[Layer] = []
        if band.vocals is not None:
            layers += self._singers(band.vocals)
        if band.lead is not None:
            if band.vocals is not None:  # the instrument answers where nobody sings
                playing = [bar for bar in bars if bar.kind not in SUNG]
            else:
                playing = [b for b in bars if b.kind not in {"intro", "break"} or b.place >= 2]
            playing = [bar for bar in playing if bar.kind != "end"]
            centre = 64.0 if band.lead in {"cello", "distlead", "sax"} else 69.0
            notes = self._melody(playing, centre)
            if bars[-1].kind == "end":
                last = bars[-1].chords[0].nearest(centre)
                notes.append(Note(bars[-1].start, float(self.beats), last, 0.75))
            gain, echo = self.genre.mix[3], self.genre.echo
            layers.append(self.hand.layer("lead", band.lead, notes, gain=gain, pan=0.08, echo=echo))
        return layers

    def _singers(self, register: str) -> list[Layer]:
        bars = [bar for bar in self.bars if bar.kind in SUNG] or self.bars
        lines = {section.first_bar: section.lines for section in self.sections}
        notes = self._melody(bars, 55.0 if register == "m" else 66.0)
        notes = sing(notes, bars, lines, self.dice("vowels"))
        echo = self.genre.echo * 0.5
        layers = [self.hand.layer("vocals", register, notes, gain=1.0, echo=echo)]
        below = [
            note._replace(pitch=self._third_below(note.pitch), velocity=note.velocity * 0.7)
            for note in notes
            if self.hand.energy(note.start) >= 0.88
        ]
        layers.append(self.hand.layer("choir", register, below, gain=0.6, pan=0.5))
        return layers

    def _third_below(self, pitch: float) -> float:
        step = nearest_step(pitch, self.tonic, self.mode)
        return scale_pitch(step - 2, self.tonic, self.mode)
