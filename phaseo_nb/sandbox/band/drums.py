"""Drums, made from swept sines, inharmonic partials and shaped noise."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
ROUND_ROBIN = 3
PHASES = 8
"""Kicks there are, by the phase in which the drumhead is caught."""
LONGEST = 2.4
"""Seconds; the longest drum sound."""
PLACES: dict[str, float] = {
    "hat": 0.28, "openhat": 0.28, "pedal": 0.28, "ride": -0.32, "crash": -0.25, "china": 0.35,
    "shaker": -0.4, "tamb": 0.42, "hightom": 0.35, "tom": 0.05, "floortom": -0.35, "conga": 0.3,
    "rim": -0.12, "clap": 0.08,
}  # fmt: skip
"""Where the drum stands, from -1 (left) to 1 (right)."""
_KICKS = {  # end Hz, start Hz, sweep s, decay s, click, drive
    "acoustic": (56, 170, 0.018, 0.17, 0.5, 1.3), "rock": (60, 190, 0.012, 0.14, 0.9, 1.7),
    "909": (49, 250, 0.022, 0.22, 0.6, 2.2), "808": (47, 130, 0.03, 0.42, 0.15, 1.6),
    "lofi": (55, 130, 0.025, 0.15, 0.2, 2.6), "chip": (62, 420, 0.035, 0.1, 0.0, 6.0),
    "brushes": (60, 110, 0.02, 0.2, 0.12, 1.0), "breaks": (62, 180, 0.012, 0.11, 0.7, 2.2),
    "gated": (54, 180, 0.02, 0.2, 0.5, 1.8), "soft": (50, 85, 0.04, 0.3, 0.0, 1.0),
    "hands": (72, 120, 0.02, 0.13, 0.25, 1.0), "timpani": (60, 110, 0.02, 0.2, 0.1, 1.0),
}  # fmt: skip
_SNARES = {  # tone Hz, tone decay, noise decay, noise from Hz, noise to Hz, share of tone
    "acoustic": (192, 0.08, 0.13, 1200, 9000, 0.5), "rock": (182, 0.1, 0.19, 900, 9500, 0.55),
    "909": (205, 0.06, 0.15, 1500, 12000, 0.4), "808": (180, 0.09, 0.11, 2000, 11000, 0.5),
    "lofi": (200, 0.07, 0.1, 800, 5000, 0.5), "chip": (300, 0.03, 0.09, 2500, 16000, 0.15),
    "brushes": (210, 0.03, 0.17, 2200, 8500, 0.12), "breaks": (232, 0.06, 0.09, 1500, 10000, 0.55),
    "gated": (178, 0.1, 0.6, 700, 9000, 0.4), "soft": (200, 0.04, 0.1, 1500, 7000, 0.3),
    "hands": (240, 0.05, 0.06, 1500, 7000, 0.5), "timpani": (170, 0.08, 0.2, 1000, 8000, 0.3),
}  # fmt: skip
_NOISES = {  # from Hz, to Hz, attack s, decay s, level
    "hat": (6800, 16000, 0.0, 0.03, 0.3), "openhat": (6200, 16000, 0.0, 0.2, 0.27),
    "pedal": (5000, 12000, 0.002, 0.035, 0.26), "shaker": (4500, 11000, 0.018, 0.035, 0.24),
    "tamb": (6500, 15000, 0.003, 0.08, 0.24), "crash": (2600, 15000, 0.001, 0.75, 0.34),
    "reverse": (2600, 14000, 0.0, 0.5, 0.3),
    "china": (1800, 12000, 0.001, 0.3, 0.26),
}  # fmt: skip
_TONES = {  # Hz, sweep ratio, decay s, noise share, level
    "hightom": (175, 1.5, 0.16, 0.15, 0.62), "tom": (128, 1.5, 0.2, 0.15, 0.66),
    "floortom": (88, 1.5, 0.26, 0.15, 0.72), "conga": (290, 1.15, 0.12, 0.1, 0.4),
    "cajon": (78, 1.7, 0.11, 0.25, 0.75), "slap": (260, 1.3, 0.05, 0.7, 0.45),
}  # fmt: skip


@lru_cache(maxsize=256)
def drum_sound(
    kit: str, piece: str, turn: int, tuning: int, tonic: int, sample_rate: int
) -> FloatArray:
    """Return one stroke at full gain, shape (n_samples,), peaking below 1.

    Parameters
    ----------
    turn
        Which of the recordings of this drum: 0 to 2, of a kick 0 to 7.
    tuning
        How the kit is tuned, 0 to 15; 7 is as it comes.
    tonic
        Pitch class of the key; timpani follow it.
    """
    stretch = 2.0 ** ((tuning - 7) / 40)

    def tuned(hertz: float) -> float:
        return _in_key(hertz, tonic, tuning)

    seed = sum(map(ord, kit + piece)) * 1009 + turn * 31 + tuning
    random = np.random.default_rng(seed)
    if piece == "kick":
        sound = _kick(kit, tuned(_KICKS[kit][0]), turn, tuning, sample_rate, random)
    elif piece == "snare":
        sound = _snare(kit, tuned(_SNARES[kit][0]), sample_rate, random)
    elif piece == "clap":
        sound = _clap(sample_rate, random)
    elif piece == "rim":
        sound = 0.4 * _tone(1720 * stretch, 1.0, 0.012, sample_rate)
        sound += 0.4 * _tone(480 * stretch, 1.0, 0.02, sample_rate)
    elif piece == "ride":
        sound = _ride(sample_rate, random, stretch)
    elif piece == "riser":
        sound = _riser(sample_rate, random)
    elif piece == "impact":
        sound = 0.8 * _tone(_in_key(41, tonic, 0), 1.4, 0.35, sample_rate)
        sound += 0.2 * _burst(150, 3000, 0.0, 0.3, len(sound), sample_rate, random)
    elif piece == "timpani":
        f0 = 440.0 * 2.0 ** ((36 + (tonic + 7) % 12 - 7 - 69) / 12)
        t = _time(2.0, sample_rate)
        sound = np.zeros(len(t))
        for ratio, share in ((1.0, 0.45), (1.5, 0.27), (1.99, 0.18), (2.44, 0.09)):
            sound += share * np.sin(2 * np.pi * f0 * ratio * t) * np.exp(-t * ratio / 0.55)
        sound *= np.minimum(t / 0.002, 1.0)
    elif piece in _TONES:
        hertz, sweep, decay, share, level = _TONES[piece]
        sound = level * _tone(tuned(hertz), sweep, decay, sample_rate)
        sound = sound + share * level * _burst(
            900, 6000, 0.0, decay / 4, len(sound), sample_rate, random
        )
    else:
        low, high, attack, decay, level = _NOISES[piece]
        if kit == "chip":
            decay, low = decay * 0.6, 4000
        n = int((1.9 if piece == "reverse" else min(attack + decay * 6, LONGEST)) * sample_rate)
        sound = level * _burst(low, high, attack, decay, n, sample_rate, random)
        if kit in {"909", "808"} and piece in {"hat", "openhat"}:
            sound = 0.75 * sound + 0.4 * level * _cymbal(n, decay, sample_rate, stretch)
    if piece == "reverse":
        sound = sound[: int(1.9 * sample_rate)][::-1]
    if kit == "lofi":
        sound = _muffle(sound, 5200, sample_rate)
    quiet = {"soft": 0.6, "brushes": 0.85}.get(kit, 1.0)
    edge = min(len(sound), int(0.004 * sample_rate))
    result = np.asarray(sound, np.float32) * np.float32(
        quiet * (1 + 0.05 * (turn % ROUND_ROBIN - 1))
    )
    result[len(result) - edge :] *= np.linspace(1, 0, edge, dtype=np.float32)
    return result


def _time(seconds: float, sample_rate: int) -> NDArray[Any]:
    return np.arange(int(seconds * sample_rate), dtype=np.float32) / np.float32(sample_rate)


def _kick(
    kit: str, end: float, turn: int, tuning: int, rate: int, random: np.random.Generator
) -> NDArray[Any]:
    _, start, sweep, decay, click, drive = _KICKS[kit]
    t = _time(min(decay * 5, 1.4), rate)
    sweep *= 1 + 0.06 * (tuning % 5 - 2)
    phase = end * t + (start - end) * sweep * (1 - np.exp(-t / sweep))
    body = np.sin(2 * np.pi * (phase + turn / PHASES)) * np.exp(-t / decay)
    body *= np.minimum(t / 0.0015, 1.0)
    body = np.tanh(drive * body) / math.tanh(drive)
    n = min(len(t), int(0.02 * rate))
    body[:n] += click * 0.5 * _burst(1500, 7000, 0.0, 0.004, n, rate, random)
    return 0.66 * body


def _snare(kit: str, hertz: float, rate: int, random: np.random.Generator) -> NDArray[Any]:
    _, tone_decay, noise_decay, low, high, share = _SNARES[kit]
    seconds = 0.24 if kit == "gated" else min(max(tone_decay, noise_decay) * 5, 0.9)
    t = _time(seconds, rate)
    tone = np.sin(2 * np.pi * hertz * (t + 0.012 * (1 - np.exp(-t / 0.012))))
    tone += 0.6 * np.sin(2 * np.pi * hertz * 1.5 * t)
    tone *= np.exp(-t / tone_decay)
    attack = 0.025 if kit == "brushes" else 0.0
    noise = _burst(low, high, attack, noise_decay, len(t), rate, random)
    sound = 0.75 * (share * tone + (1.2 - share) * noise)
    if kit == "gated":
        gate = int(0.02 * rate)
        sound[-gate:] *= np.linspace(1, 0, gate)
    return sound


def _clap(rate: int, random: np.random.Generator) -> NDArray[Any]:
    n = int(0.35 * rate)
    sound = _burst(900, 6500, 0.0, 0.09, n, rate, random) * 0.55
    sound[: int(0.027 * rate)] = 0
    for hand in range(3):
        at = int(hand * 0.0095 * rate)
        length = int(0.012 * rate)
        sound[at : at + length] += 0.7 * _burst(900, 6500, 0.0, 0.005, length, rate, random)
    return 0.75 * sound


def _ride(rate: int, random: np.random.Generator, stretch: float) -> NDArray[Any]:
    n = int(1.1 * rate)
    wash = _burst(4500, 14000, 0.0, 0.3, n, rate, random)
    ping = _cymbal(n, 0.16, rate, stretch * 1.2)
    return 0.15 * wash + 0.12 * ping


def _cymbal(n: int, decay: float, rate: int, stretch: float) -> NDArray[Any]:
    """Eighteen high partials without common measure, too many for the ear to find a pitch."""
    t = np.arange(n, dtype=np.float32) / np.float32(rate)
    total = np.zeros(n, np.float32)
    for index in range(18):
        hertz = (4100.0 + 8300.0 * ((index * 0.618034) % 1.0)) * stretch
        if hertz < 0.45 * rate:
            total += np.sin(np.float32(2 * math.pi * hertz) * t + np.float32(index * 1.7))
    return np.asarray(total / 6 * np.exp(-t / decay))


def _riser(rate: int, random: np.random.Generator) -> NDArray[Any]:
    """Noise that climbs from a rumble to a hiss, and stops where the next part begins."""
    n = int(1.9 * rate)
    t = np.linspace(0, 1, n, dtype=np.float32)
    size = 1 << math.ceil(math.log2(n))
    spectrum = np.fft.rfft(random.standard_normal(size).astype(np.float32))
    f = np.fft.rfftfreq(size, 1 / rate).astype(np.float32)
    sound = np.zeros(n, np.float32)
    for step in range(5):
        centre = 400.0 * 2.1**step
        band = spectrum / (1 + ((f - centre) / (0.45 * centre)) ** 4)
        noise = np.fft.irfft(band, size)[:n].astype(np.float32)
        noise *= np.exp(-(((t - step / 4) / 0.19) ** 2)) / (3 * np.sqrt(np.mean(noise**2)) + 1e-9)
        sound += noise
    return 0.3 * sound * t**1.5


def _in_key(hertz: float, tonic: int, tuning: int) -> float:
    """Return the tonic or fifth nearest to a drum's own pitch: kits are tuned to the song."""
    own = 69 + 12 * math.log2(hertz / 440) + (tuning % 4 - 1.5) * 0.8
    notes = [12 * octave + (tonic + step) % 12 for octave in range(9) for step in (0, 7)]
    return float(440.0 * 2.0 ** ((min(notes, key=lambda note: abs(note - own)) - 69) / 12))


def _tone(hertz: float, sweep: float, decay: float, rate: int) -> NDArray[Any]:
    t = _time(min(max(decay * 6, 0.12), 1.2), rate)
    phase = hertz * (t + (sweep - 1) * 0.03 * (1 - np.exp(-t / 0.03)))
    return np.asarray(np.sin(2 * np.pi * phase) * np.exp(-t / decay) * np.minimum(t / 0.001, 1.0))


def _burst(
    low: float,
    high: float,
    attack: float,
    decay: float,
    n: int,
    rate: int,
    random: np.random.Generator,
) -> NDArray[Any]:
    """Return noise between two frequencies under a struck envelope, peaking near 1."""
    size = 1 << max(math.ceil(math.log2(max(n, 256))), 8)
    spectrum = np.fft.rfft(random.standard_normal(size).astype(np.float32))
    f = np.fft.rfftfreq(size, 1 / rate).astype(np.float32)
    high = min(high, 0.45 * rate)
    low = min(low, 0.6 * high)
    below, above = (low / np.maximum(f, 1.0)) ** 2, (f / high) ** 2
    spectrum /= np.sqrt((1 + below * below * below) * (1 + above * above * above * above))
    noise = np.fft.irfft(spectrum, size)[:n]
    noise /= 3.0 * np.sqrt(np.mean(noise**2)) + 1e-9
    t = np.arange(n, dtype=np.float32) / np.float32(rate)
    envelope = np.exp(-t / decay)
    if attack:
        envelope *= np.minimum(t / attack, 1.0)
    return np.asarray(noise * envelope)


def _muffle(sound: NDArray[Any], hertz: float, rate: int) -> NDArray[Any]:
    size = 1 << math.ceil(math.log2(len(sound) + 1))
    f = np.fft.rfftfreq(size, 1 / rate)
    return np.fft.irfft(np.fft.rfft(sound, size) / (1 + (f / hertz) ** 4), size)[: len(sound)]
