"""Pitched sounds: wavetables that never alias, swept filters, ensembles, bars and bells, singers.

A note is read from tables of one period each, made from harmonics below half the sample rate.
A falling filter is a stack of such tables, from bright to dull, and a path through it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .timbres import TIMBRES, Timbre

FloatArray = NDArray[np.float32]
LEVELS = 16
PHASES = 8
LONGEST_TAIL = 2.2
"""Seconds; no note sounds longer than this after it is let go."""
CROSSFEED = 0.3
DARK = 4000.0
"""Hz; voices whose filter never opens further are made at half the sample rate."""
_FULL_TURN = 4294967296.0  # phases are uint32: they wrap around by themselves
_SINGERS = {
    "f": {
        "a": (850, 1300, 2900), "e": (600, 2200, 3000), "i": (380, 2600, 3200),
        "o": (520, 950, 2800), "u": (400, 850, 2700),
    },
    "m": {
        "a": (700, 1150, 2600), "e": (500, 1800, 2500), "i": (300, 2150, 2900),
        "o": (450, 800, 2500), "u": (340, 720, 2300),
    },
}  # fmt: skip
"""First three formants of each vowel, in Hz, by register."""
_SINGER = Timbre(
    tilt=1.05, bright=9000, dull=9000, attack=0.06, sustain=0.9, decay=0.4, release=0.12,
    vibrato=24, vibrato_rate=5.4, breath=0.07, detune=(-3.0, 4.0), level=1.05,
)  # fmt: skip


def timbre_of(voice: str, sound: str = "") -> Timbre:
    """Return the instrument of that name; a singer's depends on the vowel."""
    return _sung(voice, sound or "a") if voice in _SINGERS else TIMBRES[voice]


@lru_cache(maxsize=16)
def _sung(register: str, vowel: str) -> Timbre:
    first, second, third = _SINGERS[register][vowel]
    body = ((first, 6.0, 0.16 * first), (second, 3.0, 0.13 * second), (third, 1.6, 0.12 * third))
    return Timbre(**{**_SINGER.__dict__, "body": body})


@lru_cache(maxsize=128)
def _tables(timbre: Timbre, pitch: float, hardness: int, sample_rate: float) -> FloatArray:
    """Return the stack of one-period tables, shape (levels, size), brightest first."""
    f0 = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    base = f0 / 2 if timbre.power else f0
    follow = (f0 / 261.6) ** timbre.track
    audible = min(0.46 * sample_rate, 14000.0, 4.5 * max(timbre.bright, timbre.dull) * follow)
    highest = max(int(audible / base), 1)
    size = min(max(1 << math.ceil(math.log2(24 * highest)), 512), 4096)
    highest = min(highest, size // 2 - 1)
    k = np.arange(1, highest + 1)
    amplitudes = _spectrum(timbre, k)
    turns = (
        np.zeros(highest) if timbre.drive else np.mod(k * (k - 1) * 0.5 * 0.618034 + k * 0.137, 1.0)
    )
    if timbre.drive:
        amplitudes, turns = _distort(timbre, amplitudes, size, highest)
    frequencies = k * base
    for centre, gain, width in timbre.body:
        amplitudes = amplitudes * (1 + gain / (1 + ((frequencies - centre) / width) ** 2))
    moves = timbre.bright != timbre.dull
    levels = LEVELS if moves else 1
    hard = (0.55, 0.78, 1.0)[hardness]
    top, bottom = timbre.bright * hard * follow, max(timbre.dull * follow, f0 * 1.1)
    cutoffs = np.geomspace(max(top, bottom), bottom, levels)[:, None]
    ratio = frequencies[None, :] / cutoffs
    response = 1.0 / np.sqrt(1.0 + ratio**4)
    if timbre.resonance:
        response = response * (1.0 + timbre.resonance / (1.0 + ((ratio - 1.0) / 0.12) ** 2))
    spectra = np.zeros((levels, size // 2 + 1), np.complex64)
    spectra[:, 1 : highest + 1] = response * amplitudes * np.exp(2j * np.pi * turns - 0.5j * np.pi)
    tables = np.fft.irfft(spectra, size, axis=1).astype(np.float32)
    loudest = float(np.sqrt(np.mean(tables[0] ** 2))) or 1.0
    tables *= 0.1 * timbre.level / loudest * (261.6 / f0) ** 0.12
    return tables


def _spectrum(timbre: Timbre, k: NDArray[Any]) -> NDArray[Any]:
    if timbre.drawbars:
        amplitudes = np.zeros(len(k))
        bars = timbre.drawbars[: len(k)]
        amplitudes[: len(bars)] = bars
        return amplitudes
    if timbre.pulse:
        return np.asarray(np.sin(np.pi * k * timbre.pulse) / k)
    amplitudes = k.astype(float) ** -timbre.tilt
    amplitudes[1::2] *= timbre.even
    if timbre.pluck:
        amplitudes *= np.abs(np.sin(np.pi * k * timbre.pluck)) + 0.04
    return amplitudes


def _distort(
    timbre: Timbre, amplitudes: NDArray[Any], size: int, highest: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bend one period through a valve, and return its spectrum through a loudspeaker."""
    spectrum = np.zeros(size // 2 + 1, complex)
    if timbre.power:  # the period is that of the octave below: root on 2, fifth on 3
        for step, share in ((2, 1.0), (3, 0.8), (4, 0.35)):
            n = len(spectrum[step::step][: highest // step])
            spectrum[step::step][:n] += share * amplitudes[:n]
    else:
        spectrum[1 : highest + 1] = amplitudes
    wave = np.fft.irfft(-1j * spectrum, size)
    wave = np.tanh(timbre.drive * wave / np.sqrt(np.mean(wave**2)) + 0.15)
    bent = np.fft.rfft(wave)[1 : highest + 1]
    magnitudes = np.abs(bent)
    if timbre.power:
        magnitudes[:1] *= 0.05  # the octave below the root only muddies the bass
    return magnitudes, np.angle(bent) / (2 * np.pi) + 0.25


@lru_cache(maxsize=4)
def _noise(sample_rate: float) -> FloatArray:
    """Return four seconds of breath: noise with most of its energy around 1 to 5 kHz."""
    size = 1 << math.ceil(math.log2(4 * sample_rate))
    spectrum = np.fft.rfft(np.random.default_rng(5).standard_normal(size).astype(np.float32))
    f = np.fft.rfftfreq(size, 1 / sample_rate)
    shape = (f / 900) / (1 + (f / 900) ** 2) / (1 + (f / 5500) ** 2)
    noise = np.fft.irfft(spectrum * shape, size).astype(np.float32)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)) * 0.1, np.float32)


class Orchestra:
    """Plays single notes, and remembers those it played last.

    Parameters
    ----------
    sample_rate
        Hz.
    memory_bytes
        Most that remembered notes may take.
    """

    def __init__(self, sample_rate: float, memory_bytes: int = 48_000_000) -> None:
        self.sample_rate = sample_rate
        self._room = memory_bytes
        self._notes: dict[tuple[Any, ...], FloatArray] = {}
        self._shapes: dict[tuple[Any, ...], FloatArray] = {}
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
                self._cellar = Orchestra(self.sample_rate / 2, 0)
            return _doubled(self._cellar._play(timbre, pitch, (hold + 1) // 2, hardness, turn))
        rate = self.sample_rate
        tail = int(min(timbre.release * 4.0, LONGEST_TAIL) * rate)
        n = hold + tail
        tables = _tables(timbre, pitch, hardness, rate)
        levels, size = tables.shape
        flat = tables.ravel()
        shift = np.uint32(32 - int(math.log2(size)))
        path = self._path(timbre, n, size) if levels > 1 else None
        stereo = len(timbre.detune) > 1
        wave = np.zeros((2 if stereo else 1, n), np.float32)
        f0 = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0) / (2 if timbre.power else 1)
        for index, cents in enumerate(timbre.detune):
            step = f0 * 2.0 ** ((cents + 0.7 * (turn % 3 - 1)) / 1200.0) / rate * _FULL_TURN
            start = np.uint32((index * 0.381966 + turn / PHASES) % 1.0 * _FULL_TURN)
            phase = self._phase(timbre, n, step, index)
            phase += start
            phase >>= shift
            place = phase.astype(np.intp)
            if path is not None:
                place += path
            wave[index % 2 if stereo else 0] += flat.take(place, mode="clip")
        if stereo:  # some of each side on the other, or the sum in mono would thin out
            scale = 1.0 / math.sqrt((1 + CROSSFEED**2) * len(timbre.detune) / 2)
            crossed = wave[::-1] * np.float32(CROSSFEED * scale)
            wave *= np.float32(scale)
            wave += crossed
        self._colour(wave, timbre, n, turn)
        wave *= self._envelope(timbre, hold, n, pitch)
        return wave

    def _phase(self, timbre: Timbre, n: int, step: float, index: int) -> NDArray[np.uint32]:
        if not timbre.vibrato:
            phase = np.arange(n, dtype=np.uint32)
            phase *= np.uint32(int(step))
            return phase
        bend = self._shape(("vibrato", timbre.vibrato, timbre.vibrato_rate, index % 2, n))
        steps = (bend * np.float32(step)).astype(np.uint32)
        return np.cumsum(steps, dtype=np.uint32)

    def _path(self, timbre: Timbre, n: int, size: int) -> NDArray[np.intp]:
        fall = self._shape(("fall", timbre.sweep, n))
        return fall.astype(np.intp) * size

    def _shape(self, key: tuple[Any, ...]) -> FloatArray:
        """Return a curve over time that many notes share."""
        found = self._shapes.get(key)
        if found is not None:
            return found
        kind, *values, n = key
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
        else:
            curve = np.exp(t / np.float32(-values[0]))
        if len(self._shapes) > 64:
            self._shapes.pop(next(iter(self._shapes)))
        shape = np.asarray(curve, np.float32)
        self._shapes[key] = shape
        return shape

    def _colour(self, wave: FloatArray, timbre: Timbre, n: int, turn: int) -> None:
        """Add what is not pitch: breath, the knock of a hammer or pick, a turning tremolo."""
        noise = _noise(self.sample_rate)
        if timbre.breath:
            long = (
                np.resize(noise[turn * 7919 :], n)
                if n + turn * 7919 > len(noise)
                else noise[turn * 7919 :][:n]
            )
            wave += long * np.float32(timbre.breath)
        if timbre.knock:
            length = min(n, int(0.03 * self.sample_rate))
            knock = noise[turn * 3001 : turn * 3001 + length] * self._shape(
                ("decay", 0.007, length)
            )
            wave[:, :length] += knock * np.float32(2.2 * timbre.knock)
        if timbre.tremolo:
            t = np.arange(n, dtype=np.float32) * np.float32(2 * math.pi * 5.0 / self.sample_rate)
            swing = np.float32(timbre.tremolo) * np.sin(t)
            wave[0] *= 1 + swing
            if len(wave) > 1:
                wave[1] *= 1 - swing

    def _envelope(self, timbre: Timbre, hold: int, n: int, pitch: float) -> FloatArray:
        rate = self.sample_rate
        longer = (
            1.0 if timbre.sustain else 2.0 ** ((60 - 6 * round(pitch / 6)) / 30)
        )  # low strings ring on
        key = (timbre.attack, timbre.decay, timbre.sustain, timbre.release, longer, hold, n)
        found = self._shapes.get(key)
        if found is not None:
            return found
        envelope = self._shape(("decay", timbre.decay * longer, n)) * np.float32(1 - timbre.sustain)
        envelope = envelope + np.float32(timbre.sustain)
        rise = max(min(int(timbre.attack * rate), hold), 1)
        envelope[:rise] *= np.sin(np.linspace(0, math.pi / 2, rise, dtype=np.float32)) ** 2
        tail = n - hold
        if tail:
            envelope[hold:] *= self._shape(("decay", timbre.release, tail))
            soft = min(tail, int(0.02 * rate) + 1)
            envelope[n - soft :] *= np.linspace(1, 0, soft, dtype=np.float32)
        if len(self._shapes) > 64:
            self._shapes.pop(next(iter(self._shapes)))
        self._shapes[key] = envelope
        return envelope

    def _strike(self, timbre: Timbre, pitch: float, hold: int, hardness: int) -> FloatArray:
        """Sound a bar or bell: partials that are no harmonics, each dying at its own pace."""
        rate = self.sample_rate
        n = hold + int(min(timbre.release * 2.5, LONGEST_TAIL) * rate)
        f0 = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
        wave = np.zeros((1, n), np.float32)
        sine = _sine()
        for index, (ratio, amplitude, decay) in enumerate(timbre.partials):
            if f0 * ratio > 0.45 * rate:
                break
            if index:
                amplitude *= (0.5, 0.75, 1.0)[hardness]
            step = np.uint32(int(f0 * ratio / rate * _FULL_TURN))
            place = ((np.arange(n, dtype=np.uint32) * step) >> np.uint32(20)).astype(np.intp)
            tone = sine.take(place, mode="clip")
            tone *= self._shape(("decay", decay, n))
            wave[0] += tone * np.float32(amplitude)
        wave *= np.float32(0.16 * timbre.level * (261.6 / f0) ** 0.1)
        self._colour(wave, timbre, n, 0)
        tail = n - hold
        damp = self._shape(("decay", timbre.release, tail)).copy()
        soft = min(tail, int(0.02 * rate) + 1)
        damp[tail - soft :] *= np.linspace(1, 0, soft, dtype=np.float32)
        wave[:, hold:] *= damp
        return wave


def _doubled(wave: FloatArray) -> FloatArray:
    """Bring a dark sound to twice its sample rate; its mirror lies where it has next to nothing."""
    full = np.empty((len(wave), 2 * wave.shape[1]), np.float32)
    full[:, 0::2] = wave
    full[:, 1:-1:2] = 0.5 * (wave[:, :-1] + wave[:, 1:])
    full[:, -1] = 0.5 * wave[:, -1]
    return full


@lru_cache(maxsize=1)
def _sine() -> FloatArray:
    return np.asarray(np.sin(np.arange(4096) * (2 * np.pi / 4096)), np.float32)
