"""From a score to samples, block by block.

The desk keeps no more than one block of each group, the room's tail and the notes played last,
so that ten minutes need no more memory than ten seconds, but for the result itself.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .buffers import Buffers
from .drums import LONGEST, PHASES, PLACES, ROUND_ROBIN, drum_sound
from .mix import CEILING, Plate, duck, gain_for, soft_clip
from .score import Layer, Score
from .voices import LONGEST_TAIL, Orchestra

FloatArray = NDArray[np.float32]
BLOCK = 131_072
"""Samples mixed at once; a power of two for the reverb's sake."""
_EXCERPT = 65_536
_GROUPS = ("drums", "bass", "music", "front")
_STRUCK = frozenset({"drums", "effects"})
_GROUP_OF = {
    "drums": "drums", "effects": "drums", "bass": "bass", "lead": "front", "vocals": "front",
    "choir": "front",
}  # fmt: skip
_LEVELS = {
    "drums": 0.62, "effects": 0.5, "bass": 0.42, "chords": 0.62, "pad": 0.5, "arp": 0.65,
    "lead": 1.15, "vocals": 1.45, "choir": 1.1,
}  # fmt: skip
_WIDTHS = {"drums": 0.0, "bass": 0.0, "music": 0.3, "front": 0.16}
_SENDS = {"drums": 0.35, "bass": 0.0, "music": 1.0, "front": 1.0}


def render(score: Score, sample_rate: int = 44_100) -> FloatArray:
    """Return the whole song.

    Returns
    -------
    array [shape=(2, n_samples)]
        float32, ``n_samples == round(score.duration * sample_rate)``, peak at most -1.5 dBFS.

    Raises
    ------
    ValueError
        The sample rate is not 8,000 to 192,000 Hz.
    """
    _check_rate(sample_rate)
    total = round(score.duration * sample_rate)
    samples = np.empty((2, total), np.float32)
    at = 0
    for block in render_blocks(score, sample_rate, BLOCK):
        samples[:, at : at + block.shape[1]] = block
        at += block.shape[1]
    return samples


def render_blocks(
    score: Score, sample_rate: int = 44_100, block: int = 65_536
) -> Iterator[FloatArray]:
    """Yield the song in arrays of shape (2, at most ``block``); joined, they are :func:`render`.

    Raises
    ------
    ValueError
        The sample rate is not 8,000 to 192,000 Hz, or the block is empty.
    """
    _check_rate(sample_rate)
    if block < 1:
        message = f"block must be at least 1 sample, not {block}"
        raise ValueError(message)
    left = np.empty((2, 0), np.float32)
    for mixed in _mix_down(score, sample_rate):
        left = np.concatenate((left, mixed), axis=1) if left.size else mixed
        at = 0
        while left.shape[1] - at >= block:
            yield left[:, at : at + block]
            at += block
        left = left[:, at:]
    if left.shape[1]:
        yield left


def _check_rate(sample_rate: int) -> None:
    if not 8_000 <= sample_rate <= 192_000:
        message = f"sample_rate must be 8000 to 192000 Hz, not {sample_rate}"
        raise ValueError(message)


def _mix_down(score: Score, sample_rate: int) -> Iterator[FloatArray]:
    desk = _Desk(score, sample_rate)
    total = round(score.duration * sample_rate)
    gain = np.float32(gain_for(desk.excerpts(total), sample_rate))
    plate = Plate(sample_rate, BLOCK, 0.8 + 2.4 * score.space)
    wet = np.float32(1.1 * score.space)
    fade = _fade(total, score.duration, sample_rate)
    for first in range(0, total, BLOCK):
        mixed, send = desk.mix(first, BLOCK)
        room = plate.process(send)
        room *= wet
        mixed += room
        mixed *= gain
        soft_clip(mixed)
        frames = min(BLOCK, total - first)
        overlap = first + frames - (total - len(fade))
        if overlap > 0:
            span = min(overlap, frames)
            end = len(fade) - (total - first - frames)
            mixed[:, frames - span : frames] *= fade[end - span : end]
        yield mixed[:, :frames]


def _fade(total: int, duration: float, sample_rate: int) -> FloatArray:
    n = min(int(min(1.5, duration / 8) * sample_rate), total)
    return np.linspace(1, 0, n, dtype=np.float32) ** np.float32(1.5)


class _Part:
    """One layer's strokes in samples, with their echoes."""

    def __init__(
        self,
        layer: Layer,
        score: Score,
        sample_rate: int,
        orchestra: Orchestra,
        buffers: Buffers,
    ) -> None:
        self.group = _GROUP_OF.get(layer.name, "music")
        self._layer, self._rate, self._orchestra = layer, sample_rate, orchestra
        self._buffers = buffers
        self._tuning, self._tonic = score.seed % 16, score.tonic
        level = layer.gain * _LEVELS.get(layer.name, 0.8)
        delay = 0.75 * 60.0 / score.bpm
        strokes: list[tuple[int, int, float, float]] = []  # start, note, gain, pan
        for index, note in enumerate(layer.notes):
            gain = level * note.velocity**1.4
            pan = layer.pan
            if layer.name in _STRUCK:
                pan = PLACES.get(note.sound, 0.0)
            elif layer.spread:
                pan += layer.spread * min(max((note.pitch - 64) / 18, -1.0), 1.0)
            strokes.append((int(note.start * sample_rate), index, gain, pan))
            for repeat in range(1, 4 if layer.echo else 1):
                start = int((note.start + repeat * delay) * sample_rate)
                side = 0.7 if repeat % 2 else -0.7
                strokes.append((start, index, gain * layer.echo**repeat, side))
        strokes.sort()
        self._strokes = strokes
        self._turns = self._turning(score.rotation)
        self._starts = [stroke[0] for stroke in strokes]
        tail = LONGEST if layer.name in _STRUCK else LONGEST_TAIL
        longest = max((note.length for note in layer.notes), default=0.0)
        self._longest = int((longest + tail) * sample_rate) + 1

    def add_to(self, bus: FloatArray, first: int) -> None:
        """Add what sounds in this block of samples."""
        frames = bus.shape[1]
        begin = bisect_left(self._starts, first - self._longest)
        end = bisect_left(self._starts, first + frames)
        for start, index, gain, pan in self._strokes[begin:end]:
            wave = self._wave(index)
            length = wave.shape[-1]
            at = start - first
            if at + length <= 0:
                continue
            a, b = max(at, 0), min(at + length, frames)
            piece = wave[..., a - at : b - at]
            angle = (pan + 1) * math.pi / 4
            sides = np.array(((math.cos(angle),), (math.sin(angle),)), np.float32)
            placed = self._buffers.of("placed", 2 * (b - a)).reshape(2, b - a)
            np.multiply(piece, sides * np.float32(gain * math.sqrt(2)), out=placed)
            bus[:, a:b] += placed

    def _turning(self, rotation: int) -> list[int]:
        """Return which recording each stroke takes: in turn, or by the song's own rotation."""
        counts: dict[str, int] = {}
        turns: list[int] = []
        for note in self._layer.notes:
            count = counts.get(note.sound, 0)
            counts[note.sound] = count + 1
            deep = note.sound == "kick" or self._layer.name == "bass"
            wander = count * (count + 1) // 2 if self._layer.name == "bass" else count
            turns.append(wander * rotation % PHASES if deep else count % ROUND_ROBIN)
        return turns

    def _wave(self, index: int) -> FloatArray:
        note = self._layer.notes[index]
        turn = self._turns[index]
        if self._layer.name in _STRUCK:
            return drum_sound(
                self._layer.voice, note.sound, turn, self._tuning, self._tonic, self._rate
            )
        hold = max(round(note.length * self._rate), 64)
        return self._orchestra.note(
            self._layer.voice, note.pitch, hold, note.velocity, note.sound, turn
        )


class _Desk:
    """Mixes any stretch of the song, dry, and what goes to the room."""

    def __init__(self, score: Score, sample_rate: int) -> None:
        self._rate = sample_rate
        self._score = score
        self._haas = int(0.013 * sample_rate)
        self._buffers = buffers = Buffers()
        orchestra = Orchestra(sample_rate, buffers=buffers)
        self._parts = [
            _Part(layer, score, sample_rate, orchestra, buffers) for layer in score.layers
        ]
        drums = score.layer("drums")
        self._kicks = [
            int(note.start * sample_rate)
            for note in (drums.notes if drums else ())
            if note.sound == "kick"
        ]

    def mix(self, first: int, frames: int) -> tuple[FloatArray, FloatArray]:
        """Return the dry stereo mix of that stretch and the mono send to the room."""
        mixed = np.zeros((2, frames), np.float32)
        send = np.zeros(frames, np.float32)
        gain = None
        if self._score.pump:
            gain = duck(frames, first, self._kicks, self._score.pump, self._rate)
        whole = frames + self._haas
        bus = self._buffers.of("bus", 2 * whole).reshape(2, whole)
        both = self._buffers.of("both", frames)
        for group in _GROUPS:
            parts = [part for part in self._parts if part.group == group]
            if not parts:
                continue
            bus[:] = 0
            for part in parts:
                part.add_to(bus, first - self._haas)
            dry = bus[:, self._haas :]
            width = _WIDTHS[group]
            if width:  # what comes late is added left and taken away right: gone again in mono
                np.add(bus[0, :frames], bus[1, :frames], out=both)
                both *= np.float32(width / 2)
                dry[0] += both
                dry[1] -= both
            if gain is not None and group in {"bass", "music"}:
                dry *= gain
            mixed += dry
            if _SENDS[group]:
                np.add(dry[0], dry[1], out=both)
                both *= np.float32(0.5 * _SENDS[group])
                send += both
        return mixed, send

    def excerpts(self, total: int) -> list[FloatArray]:
        """Return a stretch out of the middle of each section, to judge the loudness by."""
        size = min(_EXCERPT, 1 << max(int(math.log2(max(total, 2))), 1))
        ends = [section.start for section in self._score.sections[1:]] + [self._score.duration]
        middles = [
            (section.start + end) / 2
            for section, end in zip(self._score.sections, ends, strict=True)
        ]
        if len(middles) > 8:
            middles = [middles[i * len(middles) // 8] for i in range(8)]
        found = []
        for middle in middles:
            first = min(max(int(middle * self._rate) - size // 2, 0), max(total - size, 0))
            dry, _ = self.mix(first, size)
            room = np.float32(1.1 * self._score.space)
            found.append(dry * np.float32(math.sqrt(1 + float(room) ** 2 * 0.5)) if room else dry)
        return found


__all__ = ["BLOCK", "CEILING", "render", "render_blocks"]
