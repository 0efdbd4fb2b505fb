"""Who plays: the genre's usual band, changed by what the words ask for."""

from __future__ import annotations

from dataclasses import dataclass, field

from .genres import Genre
from .lexicon import BASSES, BEDS, PIECES, SOLOISTS
from .score import Dice
from .vocabulary import Wishes

_SUBSTITUTES = ("piano", "epiano", "guitar", "organ", "strings", "warmpad", "harp", "pluck")
_DECAYING = frozenset({"piano", "guitar", "harp", "ukulele", "banjo", "marimba", "vibes", "epiano"})


@dataclass
class Band:
    """The players of one song; ``None`` for a chair that stays empty."""

    drums: bool = True
    kit: str = "acoustic"
    bass: str | None = None
    chords: str | None = None
    pad: str | None = None
    arp: tuple[str, str] | None = None
    lead: str | None = None
    vocals: str | None = None
    """``"m"`` or ``"f"``."""
    left_hand: bool = False
    """The chord player has no bass player below and plays the roots as well."""
    silent_pieces: frozenset[str] = field(default_factory=frozenset)
    effects: bool = True
    last_resort: str = "warmpad"


def choose_band(
    genre: Genre, wishes: Wishes, *, instrumental: bool, voice: str | None, dice: Dice
) -> Band:
    """Seat the players.

    Parameters
    ----------
    instrumental
        False lets somebody sing.
    voice
        ``"m"`` or ``"f"``; anything else leaves it to chance.
    """
    silent = wishes.silent
    singer = voice if voice in {"m", "f"} else dice.pick(("f", "m"))
    band = Band(
        kit=wishes.kit or genre.kit,
        bass=_first_allowed(
            [dice.pick(genre.bass_voices), *genre.bass_voices, "fingerbass", "sub"], silent
        ),
        chords=_first_allowed(
            [dice.pick(genre.chord_voices), *genre.chord_voices, *_SUBSTITUTES], silent
        ),
        pad=_first_allowed([dice.pick(genre.pad_voices)] if genre.pad_voices else [], silent),
        arp=genre.arp if genre.arp and genre.arp[1] not in silent else None,
        lead=_first_allowed(
            [dice.pick(genre.lead_voices), *genre.lead_voices, *_SUBSTITUTES], silent
        ),
        vocals=None if instrumental else singer,
    )
    _seat_the_named(band, wishes)
    if wishes.a_cappella:
        band = Band(drums=False, chords="choir", vocals=singer, last_resort="choir")
    elif wishes.alone:
        _leave_alone(band, wishes)
    _send_home(band, silent)
    return band


def _first_allowed(voices: list[str], silent: set[str]) -> str | None:
    return next((voice for voice in voices if voice not in silent), None)


def _seat_the_named(band: Band, wishes: Wishes) -> None:
    pitched = [voice for voice in wishes.voices if voice not in BASSES]
    for voice in wishes.voices:
        if voice in BASSES:
            band.bass = voice
    soloists = [voice for voice in pitched if voice in SOLOISTS]
    players = [voice for voice in pitched if voice not in SOLOISTS and voice not in BEDS]
    if "distguitar" in players and len(players) == 1 and not soloists:
        soloists = ["distlead"]
    band.pad = next((voice for voice in pitched if voice in BEDS), band.pad)
    if "pluck" in players and band.arp is None and len(players) > 1:
        players.remove("pluck")
        band.arp = ("sixteenths", "pluck")
    if soloists:
        band.lead = soloists[0]
        if players:
            band.chords = players[0]
        if len(soloists) > 1 and band.pad is None and soloists[1] in {"cello", "violin"}:
            band.pad = "strings"
        if len(players) > 1 and band.pad is None:
            band.pad = players[1]
    elif players:
        band.lead = players[0] if players[0] != "strings" else "violin"
        band.chords = players[1] if len(players) > 1 else players[0]
        if len(players) > 2:
            band.pad = players[2]


def _leave_alone(band: Band, wishes: Wishes) -> None:
    """Keep the named instruments only, and drums and bass only where they were named."""
    named = set(wishes.voices)
    band.drums = wishes.kit is not None
    band.pad = band.arp = None
    if not any(voice in BASSES for voice in wishes.voices):
        band.bass = None
    if band.chords not in named:
        band.chords = None
    if band.lead not in named and band.lead != "distlead":
        band.lead = None
    band.left_hand = band.bass is None and band.chords is not None
    band.last_resort = wishes.voices[0]


def _send_home(band: Band, silent: set[str]) -> None:
    if "drums" in silent:
        band.drums = False
    if "bass" in silent:
        band.bass = None
        band.left_hand = False
    if "chords" in silent:
        band.chords = None
    if "pad" in silent:
        band.pad = None
    if "arp" in silent:
        band.arp = None
    if "effects" in silent:
        band.effects = False
    if "lead" in silent:
        band.lead = None
    if "vocals" in silent:
        band.vocals = None
        band.pad = None if band.pad == "choir" else band.pad
        band.chords = "warmpad" if band.chords == "choir" else band.chords
    pieces = set(silent & PIECES.keys())
    if "hat" in pieces:
        pieces |= {"openhat", "pedal"}
    if "snare" in pieces:
        pieces |= {"rim"}
    if "crash" in pieces:
        pieces |= {"ride", "china"}
    if "tom" in pieces:
        pieces |= {"hightom", "floortom"}
    band.silent_pieces = frozenset(pieces)
