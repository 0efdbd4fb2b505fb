"""From words to a score: the same words always give the same song.

All decisions come from one hash over prompt, style, lyrics, take and variation. What takes
something away (``negative``), the length and the singer are left out of it on purpose: "the same
song without drums" is the same song.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from .ensemble import Ensemble
from .genres import GENRES, Genre
from .harmony import is_minor
from .score import PITCH_NAMES, Dice, Score
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

    Examples
    --------
    >>> score = compose(SongSpec("slow jazz in F minor, 70 bpm", negative="drums", duration=12.0))
    >>> score.genre, score.bpm, score.key, score.mode
    ('jazz', 70.0, 'F', 'minor')
    >>> score.layer("drums") is None
    True
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
    ensemble = Ensemble(
        wishes,
        genre,
        tonic,
        mode,
        bpm,
        beats,
        seed,
        duration=float(spec.duration),
        lyrics=spec.lyrics,
        instrumental=spec.instrumental,
        voice=spec.voice,
    )
    layers = ensemble.write()
    return Score(
        title=title,
        bpm=bpm,
        key=PITCH_NAMES[tonic],
        mode=mode,
        genre=genre.name,
        duration=float(spec.duration),
        beats_per_bar=beats,
        sections=ensemble.sections,
        layers=layers,
        seed=seed,
        rotation=2 * (spec.take - 1) + spec.variation,
        space=min(max(genre.space + wishes.space, 0.0), 0.7),
        pump=genre.pump if ensemble.band.drums else 0.0,
        pulse=ensemble.pulse,
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
