"""The instruments as numbers: spectrum, filter, envelope, ensemble.

Everything here is data for :mod:`.voices`. Frequencies are Hz, times seconds, detuning and
vibrato cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Timbre:
    """One pitched instrument."""

    tilt: float = 1.0
    """Harmonic k has the amplitude k to the power of minus this."""
    even: float = 1.0
    """Weight of the even harmonics; 0 gives a square or a clarinet."""
    pluck: float = 0.0
    """Where the string is plucked, as a share of its length."""
    drawbars: tuple[float, ...] = ()
    """Amplitudes of the first harmonics, in place of a tilt."""
    pulse: float = 0.0
    """Width of a pulse wave, in place of a tilt."""
    body: tuple[tuple[float, float, float], ...] = ()
    """Resonances: frequency, gain, width."""
    bright: float = 5000.0
    """Low-pass frequency at the attack of a hard note."""
    dull: float = 5000.0
    """Low-pass frequency once the note is held."""
    sweep: float = 0.2
    """Time constant from one to the other."""
    resonance: float = 0.0
    track: float = 0.4
    """How far the filter follows the pitch, 0 to 1."""
    drive: float = 0.0
    power: bool = False
    """Sounds the fifth as well, distorted together."""
    attack: float = 0.004
    decay: float = 1.0
    sustain: float = 0.0
    release: float = 0.08
    detune: tuple[float, ...] = (0.0,)
    """One copy each; with more than one, they alternate between left and right."""
    vibrato: float = 0.0
    vibrato_rate: float = 5.3
    breath: float = 0.0
    knock: float = 0.0
    partials: tuple[tuple[float, float, float], ...] = ()
    """Bars and bells: ratio, amplitude, decay of each partial."""
    tremolo: float = 0.0
    level: float = 1.0


_ENSEMBLE = (-11.0, 10.0, -4.0, 5.0)
_AH = ((800, 5.0, 130), (1200, 2.6, 160), (2900, 1.2, 300))
TIMBRES: dict[str, Timbre] = {
    "piano": Timbre(tilt=1.15, pluck=0.12, bright=5200, dull=900, sweep=0.35, decay=1.3,
        release=0.12, detune=(-1.2, 1.3), knock=0.5, level=1.25),
    "epiano": Timbre(drawbars=(1, 0.28, 0.1, 0.05, 0.03, 0.02, 0.05, 0.02), bright=4200, dull=900,
        sweep=0.18, decay=1.5, release=0.15, detune=(-2.0, 2.0), knock=0.12, tremolo=0.25,
        level=1.15),
    "organ": Timbre(drawbars=(0.9, 1, 0.55, 0.6, 0.05, 0.3, 0.03, 0.35), bright=6000, dull=6000,
        attack=0.008, sustain=1.0, release=0.06, detune=(-3.0, 3.0), vibrato=6, vibrato_rate=6.4,
        knock=0.08, level=0.8),
    "guitar": Timbre(tilt=0.95, pluck=0.17, body=((110, 1.2, 40), (220, 0.8, 60)), bright=6200,
        dull=700, sweep=0.25, decay=0.8, release=0.09, detune=(-1.0, 1.2), knock=0.35, level=1.2),
    "eguitar": Timbre(pluck=0.13, bright=4600, dull=1300, sweep=0.4, drive=0.8, decay=1.1,
        detune=(-3.0, 3.0), knock=0.15),
    "distguitar": Timbre(tilt=0.9, pluck=0.11, bright=6500, dull=5200, sweep=0.3, track=0.1,
        body=((750, 1.2, 350), (2500, 3.5, 1100)), drive=7.0, power=True, decay=3.0,
        sustain=0.75, release=0.05, detune=(-6.0, 6.0),
        level=0.85),
    "distlead": Timbre(tilt=0.9, pluck=0.13, bright=4600, dull=3600, sweep=0.3, body=((1200,
        1.0, 500), (2800, 1.5, 1000)), drive=5.0,
        decay=2.0, sustain=0.8, detune=(-2.0, 2.0), vibrato=22, vibrato_rate=5.8, level=0.7),
    "ukulele": Timbre(pluck=0.22, body=((420, 1.0, 90),), bright=5200, dull=600, sweep=0.12,
        decay=0.38, release=0.06, detune=(-1.5, 1.5), knock=0.35, level=1.3),
    "banjo": Timbre(tilt=0.75, pluck=0.08, body=((700, 1.4, 200),), bright=8000, dull=1200,
        sweep=0.1, decay=0.3, release=0.05, knock=0.5, level=1.1),
    "harp": Timbre(tilt=1.25, pluck=0.3, bright=4500, dull=700, sweep=0.3, decay=1.2, release=0.4,
        detune=(-1.0, 1.0), knock=0.12, level=1.25),
    "pluck": Timbre(bright=7000, dull=500, sweep=0.09, resonance=1.2, decay=0.28, detune=(-6.0,
        6.0)),
    "strings": Timbre(tilt=1.05, body=((300, 0.6, 120), (1100, 0.5, 400)), bright=3600, dull=3600,
        attack=0.12, sustain=1.0, release=0.3, detune=_ENSEMBLE, vibrato=9, level=0.75),
    "violin": Timbre(tilt=0.95, body=((480, 0.9, 120), (2600, 0.8, 700)), bright=5200, dull=4600,
        attack=0.05, decay=0.5, sustain=0.9, release=0.1, vibrato=20, vibrato_rate=5.8,
        breath=0.04, level=0.85),
    "cello": Timbre(tilt=1.1, body=((220, 0.8, 80), (600, 0.7, 200)), bright=3000, dull=2300,
        attack=0.05, decay=0.5, sustain=0.9, release=0.14, detune=(-2.0, 2.0), vibrato=12,
        breath=0.04, level=0.95),
    "brass": Timbre(tilt=0.9, bright=4200, dull=2400, sweep=0.12, attack=0.035, decay=0.3,
        sustain=0.85, release=0.07, detune=(-6.0, 6.0, -1.0, 2.0), vibrato=5, level=0.75),
    "trumpet": Timbre(tilt=0.8, body=((1200, 0.9, 500),), bright=4800, dull=3000, sweep=0.15,
        attack=0.028, decay=0.3, sustain=0.85, release=0.07, vibrato=14, breath=0.05, level=0.75),
    "sax": Timbre(tilt=0.95, even=0.75, body=((650, 1.0, 220), (1500, 0.7, 300)), bright=3600,
        dull=2500, sweep=0.15, attack=0.03, decay=0.4, sustain=0.85, vibrato=18, breath=0.16,
        level=0.85),
    "clarinet": Timbre(tilt=1.05, even=0.12, bright=3400, dull=3000, attack=0.04, decay=0.4,
        sustain=0.95, release=0.07, vibrato=7, breath=0.08, level=0.85),
    "flute": Timbre(drawbars=(1, 0.38, 0.16, 0.06, 0.03, 0.015), bright=4000, dull=4000,
        attack=0.06, decay=0.3, sustain=0.95, release=0.1, vibrato=13, vibrato_rate=4.9,
        breath=0.32, level=0.95),
    "accordion": Timbre(tilt=0.75, even=0.6, dull=4600, attack=0.03, sustain=1.0, release=0.06,
        detune=(-9.0, 9.0), breath=0.04, level=0.6),
    "saw": Timbre(bright=5500, dull=2400, sweep=0.25, resonance=0.8, decay=0.5, sustain=0.75,
        release=0.12, detune=(-7.0, 7.0), vibrato=7, level=0.75),
    "square": Timbre(pulse=0.25, bright=14000, dull=14000, attack=0.002, decay=0.12, sustain=0.6,
        release=0.02, level=0.62),
    "supersaw": Timbre(tilt=0.95, bright=7500, sweep=0.4, attack=0.008, decay=0.6, sustain=0.85,
        release=0.16, detune=(-18.0, 17.0, -7.0, 8.0, -1.0, 2.0), level=0.6),
    "warmpad": Timbre(tilt=1.1, bright=1500, dull=1500, track=0.5, attack=0.3, sustain=1.0,
        release=0.6, detune=_ENSEMBLE, level=0.8),
    "choir": Timbre(tilt=1.1, body=_AH, bright=4500, dull=4500, attack=0.14, sustain=1.0,
        release=0.3, detune=_ENSEMBLE, vibrato=14, vibrato_rate=5.1, breath=0.08, level=0.8),
    "theremin": Timbre(drawbars=(1, 0.2, 0.08, 0.03), bright=3000, dull=3000, attack=0.09,
        sustain=1.0, release=0.18, vibrato=32, vibrato_rate=5.6, level=0.85),
    "bell": Timbre(attack=0.001, release=0.9, partials=((1.0, 1.0, 1.5), (2.0, 0.5, 0.9), (3.01,
        0.3, 0.5), (4.17, 0.2, 0.35), (5.43, 0.12, 0.2)), level=0.9),
    "vibes": Timbre(attack=0.002, release=0.6, knock=0.1, partials=((1.0, 1.0, 1.4), (3.98, 0.22,
        0.3), (9.9, 0.05, 0.06)), tremolo=0.35),
    "marimba": Timbre(attack=0.001, release=0.3, knock=0.4, partials=((1.0, 1.0, 0.4), (3.93,
        0.35, 0.09), (9.6, 0.12, 0.035)), level=1.15),
    "fingerbass": Timbre(tilt=1.15, pluck=0.24, bright=1500, dull=420, track=0.3, decay=1.2,
        sustain=0.25, release=0.06, knock=0.2, level=1.9),
    "pickbass": Timbre(pluck=0.12, bright=2600, dull=900, sweep=0.25, track=0.3, drive=1.0,
        decay=1.4, sustain=0.35, release=0.05, knock=0.3, level=1.6),
    "upright": Timbre(tilt=1.2, pluck=0.32, body=((95, 0.8, 30),), bright=1100, dull=300,
        sweep=0.16, track=0.3, decay=0.75, release=0.1, knock=0.45, level=2.2),
    "synthbass": Timbre(bright=1900, dull=380, sweep=0.14, resonance=1.6, track=0.3, decay=0.8,
        sustain=0.6, release=0.05, detune=(-4.0, 4.0), level=1.6),
    "acidbass": Timbre(tilt=0.95, bright=3400, dull=260, sweep=0.1, resonance=5.0, track=0.2,
        decay=0.5, sustain=0.4, release=0.04, level=1.5),
    "sub": Timbre(drawbars=(1, 0.16, 0.07, 0.03), bright=900, dull=400, track=0.2, drive=1.2,
        attack=0.006, decay=1.4, sustain=0.6, level=1.9),
    "triangle": Timbre(drawbars=(1, 0, 0.111, 0, 0.04, 0, 0.02), bright=9000, dull=9000,
        attack=0.002, sustain=1.0, release=0.01, level=1.5),
}  # fmt: skip
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
