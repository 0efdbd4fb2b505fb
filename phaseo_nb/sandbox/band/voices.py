"""Pitched sounds: swept filters, ensembles, bars and bells, singers.

A note is read from a stack of tables, from bright to dull; a falling filter is a path through it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .buffers import Buffers
from .timbres import Timbre, timbre_of
from .wavetables import LEVELS, breath_of, sine, stack_of

FloatArray = NDArray[np.float32]
PHASES = 8
LONGEST_TAIL = 2.2
"""Seconds; no note sounds longer than this after it is let go."""
CROSSFEED = 0.3
DARK = 4000.0
"""Hz; voices whose filter never opens further are made at half the sample rate."""
_FULL_TURN = 4294967296.0  # phases are uint32: they wrap around by themselves


class Orchestra:
    """Plays single notes, and remembers those it played last.

    Parameters
    ----------
    sample_rate
        Hz.
    memory_bytes
        Most that remembered notes may take.
    buffers
        Working memory to share with others of the same thread.
    """

    def __init__(
        self,
        sample_rate: float,
        memory_bytes: int = 72_000_000,
        buffers: Buffers | None = None,
    ) -> None:
        self.sample_rate = sample_rate
        self._buffers = buffers or Buffers()
        self._room = memory_bytes
        self._notes: dict[tuple[Any, ...], FloatArray] = {}
        self._shapes: dict[tuple[Any, ...], FloatArray] = {}
        self._envelopes: dict[tuple[Any, ...], FloatArray] = {}
        self._bytes = 0
        self._cellar: Orchestra | None = None

    def note(
        self, voice: str, pitch: float, hold: int, velocity: float, sound: str, turn: int
    ) -> FloatArray:
        """Return one note at full gain, shape (1 or 2, n_samples).

        Parameters
        ----------
        hold
            Samples until it is let go.
        turn
            Which recording of that note: 0 to 7 differ in phase, and slightly in pitch.
        """
        timbre = timbre_of(voice, sound)
        hardness = 0 if velocity < 0.5 else 1 if velocity < 0.78 else 2
        if timbre.bright == timbre.dull and not timbre.partials:
            hardness = 2  # nothing to hear of it but the gain
        turn = 0 if timbre.partials or len(timbre.detune) > 2 else turn % PHASES
        key = (voice, pitch, hold, hardness, sound, turn)
        wave = self._notes.pop(key, None)
        if wave is None:
            wave = self._play(timbre, pitch, hold, hardness, turn)
            self._bytes += wave.nbytes
            while self._bytes > self._room and self._notes:
                self._bytes -= self._notes.pop(next(iter(self._notes))).nbytes
        self._notes[key] = wave
        return wave

    def _play(
        self, timbre: Timbre, pitch: float, hold: int, hardness: int, turn: int
    ) -> FloatArray:
        if timbre.partials:
            return self._strike(timbre, pitch, hold, hardness)
        if max(timbre.bright, timbre.dull) <= DARK and self.sample_rate >= 32_000:
            if self._cellar is None:
                self._cellar = Orchestra(self.sample_rate / 2, 0, self._buffers)
            return _doubled(self._cellar._play(timbre, pitch, (hold + 1) // 2, hardness, turn))
        rate = self.sample_rate
        tail = int(min(timbre.release * 4.0, LONGEST_TAIL) * rate)
        n = hold + tail
        wave = self._read(timbre, stack_of(timbre, pitch, hardness, rate), pitch, n, turn)
        self._colour(wave, timbre, n, turn)
        wave *= self._envelope(timbre, hold, n, pitch)
        return wave

    def _read(
        self, timbre: Timbre, tables: FloatArray, pitch: float, n: int, turn: int
    ) -> FloatArray:
        """Read a note's tables along the path of its filter, once for each detuned copy."""
        buffers = self._buffers
        levels, size = tables.shape
        flat = tables.ravel()
        shift = np.uint32(32 - int(math.log2(size)))
        n_sides = 2 if len(timbre.detune) > 1 else 1
        wave = np.zeros((n_sides, n), np.float32)
        path = buffers.of("path", n, np.intp)
        if levels > 1:
            np.copyto(path, self._shape(("fall", timbre.sweep), n), casting="unsafe")
            path *= size
        place, tone = buffers.of("place", n, np.intp), buffers.of("tone", n)
        f0 = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0) / (2 if timbre.power else 1)
        for index, cents in enumerate(timbre.detune):
            step = f0 * 2.0 ** ((cents + 0.7 * (turn % 3 - 1)) / 1200.0)
            phase = self._phase(timbre, n, step / self.sample_rate * _FULL_TURN, index)
            phase += np.uint32((index * 0.381966 + turn / PHASES) % 1.0 * _FULL_TURN)
            phase >>= shift
            np.copyto(place, phase, casting="unsafe")
            if levels > 1:
                place += path
            # Nothing is out of range; "wrap" is the quickest of the ways to find that out.
            flat.take(place, mode="wrap", out=tone)
            wave[index % n_sides] += tone
        if n_sides > 1:  # some of each side on the other, or the sum in mono would thin out
            scale = 1.0 / math.sqrt((1 + CROSSFEED**2) * len(timbre.detune) / 2)
            crossed = buffers.of("crossed", 2 * n).reshape(2, n)
            np.multiply(wave[::-1], np.float32(CROSSFEED * scale), out=crossed)
            wave *= np.float32(scale)
            wave += crossed
        return wave

    def _phase(self, timbre: Timbre, n: int, step: float, index: int) -> NDArray[np.uint32]:
        buffers = self._buffers
        phase: NDArray[np.uint32] = buffers.of("phase", n, np.uint32)
        if not timbre.vibrato:
            return np.multiply(buffers.count(n), np.uint32(int(step)), out=phase)
        bend = self._shape(("vibrato", timbre.vibrato, timbre.vibrato_rate, index % 2), n)
        bent = np.multiply(bend, np.float32(step), out=buffers.of("bent", n))
        steps = buffers.of("steps", n, np.uint32)
        np.copyto(steps, bent, casting="unsafe")
        return np.cumsum(steps, dtype=np.uint32, out=phase)

    def _shape(self, key: tuple[Any, ...], n: int) -> FloatArray:
        """Return the first ``n`` samples of a curve that many notes share; not to be changed."""
        found = self._shapes.get(key)
        if found is not None and len(found) >= n:
            return found[:n]
        kind, *values = key
        curve: NDArray[Any]
        t = np.arange(n, dtype=np.float32) / np.float32(self.sample_rate)
        if kind == "vibrato":
            cents, rate, index = values
            depth = np.float32(cents / 1200 * math.log(2)) * np.clip((t - 0.12) / 0.35, 0, 1)
            curve = 1 + depth * np.sin(
                np.float32(2 * math.pi * rate * (1 + 0.04 * index)) * t + np.float32(index)
            )
            curve *= 1 - np.float32(0.012) * np.exp(t / np.float32(-0.03))  # a scoop into the note
        elif kind == "fall":
            curve = (LEVELS - 1) * (1 - np.exp(t / np.float32(-values[0])))
        elif kind == "tremolo":
            curve = np.sin(t * np.float32(2 * math.pi * 5.0))
        else:
            curve = np.exp(t / np.float32(-values[0]))
        shape = np.asarray(curve, np.float32)
        self._shapes[key] = shape
        return shape

    def _colour(self, wave: FloatArray, timbre: Timbre, n: int, turn: int) -> None:
        """Add what is not pitch: breath, the knock of a hammer or pick, a turning tremolo."""
        noise = breath_of(self.sample_rate)
        if timbre.breath:
            long = (
                np.resize(noise[turn * 7919 :], n)
                if n + turn * 7919 > len(noise)
                else noise[turn * 7919 :][:n]
            )
            wave += np.multiply(long, np.float32(timbre.breath), out=self._buffers.of("tone", n))
        if timbre.knock:
            length = min(n, int(0.03 * self.sample_rate))
            knock = noise[turn * 3001 : turn * 3001 + length] * self._shape(
                ("decay", 0.007), length
            )
            wave[:, :length] += knock * np.float32(2.2 * timbre.knock)
        if timbre.tremolo:
            swing = np.float32(timbre.tremolo) * self._shape(("tremolo",), n)
            wave[0] *= 1 + swing
            if len(wave) > 1:
                wave[1] *= 1 - swing

    def _envelope(self, timbre: Timbre, hold: int, n: int, pitch: float) -> FloatArray:
        rate = self.sample_rate
        longer = (
            1.0 if timbre.sustain else 2.0 ** ((60 - 6 * round(pitch / 6)) / 30)
        )  # low strings ring on
        key = (timbre.attack, timbre.decay, timbre.sustain, timbre.release, longer, hold, n)
        found = self._envelopes.get(key)
        if found is not None:
            return found
        envelope = self._shape(("decay", timbre.decay * longer), n) * np.float32(1 - timbre.sustain)
        envelope = envelope + np.float32(timbre.sustain)
        rise = max(min(int(timbre.attack * rate), hold), 1)
        envelope[:rise] *= np.sin(np.linspace(0, math.pi / 2, rise, dtype=np.float32)) ** 2
        tail = n - hold
        if tail:
            envelope[hold:] *= self._shape(("decay", timbre.release), tail)
            soft = min(tail, int(0.02 * rate) + 1)
            envelope[n - soft :] *= np.linspace(1, 0, soft, dtype=np.float32)
        if len(self._envelopes) > 64:
            self._envelopes.pop(next(iter(self._envelopes)))
        self._envelopes[key] = envelope
        return envelope

    def _strike(self, timbre: Timbre, pitch: float, hold: int, hardness: int) -> FloatArray:
        """Sound a bar or bell: partials that are no harmonics, each dying at its own pace."""
        rate = self.sample_rate
        n = hold + int(min(timbre.release * 2.5, LONGEST_TAIL) * rate)
        f0 = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
        wave = np.zeros((1, n), np.float32)
        buffers = self._buffers
        phase, place = buffers.of("phase", n, np.uint32), buffers.of("place", n, np.intp)
        tone = buffers.of("tone", n)
        for index, (ratio, amplitude, decay) in enumerate(timbre.partials):
            if f0 * ratio > 0.45 * rate:
                break
            if index:
                amplitude *= (0.5, 0.75, 1.0)[hardness]
            step = np.uint32(int(f0 * ratio / rate * _FULL_TURN))
            np.multiply(buffers.count(n), step, out=phase)
            phase >>= np.uint32(20)
            np.copyto(place, phase, casting="unsafe")
            sine().take(place, mode="wrap", out=tone)
            tone *= self._shape(("decay", decay), n)
            tone *= np.float32(amplitude)
            wave[0] += tone
        wave *= np.float32(0.16 * timbre.level * (261.6 / f0) ** 0.1)
        self._colour(wave, timbre, n, 0)
        tail = n - hold
        damp = self._shape(("decay", timbre.release), tail).copy()
        soft = min(tail, int(0.02 * rate) + 1)
        damp[tail - soft :] *= np.linspace(1, 0, soft, dtype=np.float32)
        wave[:, hold:] *= damp
        return wave


def _doubled(wave: FloatArray) -> FloatArray:
    """Bring a dark sound to twice its sample rate; its mirror lies where it has next to nothing."""
    full = np.empty((len(wave), 2 * wave.shape[1]), np.float32)
    full[:, 0::2] = wave
    between = full[:, 1:-1:2]
    np.add(wave[:, :-1], wave[:, 1:], out=between)
    between *= np.float32(0.5)
    full[:, -1] = 0.5 * wave[:, -1]
    return full
