"""What the words of a prompt ask for: tempo, key, genre, players, and who is to stay silent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from .genres import GENRES
from .lexicon import (
    BASSES,
    INSTRUMENTS,
    ITALIAN,
    KITS,
    LAYERS,
    MODES,
    MOODS,
    PIECES,
    SPACES,
    TEMPOS,
    VAGUE,
)

LONGEST_TEXT = 6_000
"""Characters of a text that are read; what follows changes the take, not the wishes."""

_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SIGNS = {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1, "": 0}

_BPM = re.compile(r"(?<![\d.])(\d{2,3}(?:\.\d{1,3})?)[\s-]*(?:bpm|beats per minute)\b", re.I)
_BPM_AFTER = re.compile(
    r"\b(?:bpm|tempo)\s*(?:of|is|[:=])?\s*(\d{2,3}(?:\.\d{1,3})?)(?![\d.])", re.I
)
_MODE_WORD = "|".join(sorted((m for m in MODES if m != "m"), key=len, reverse=True))
_TONIC = r"([A-Ga-g])(?:\s*(#|♯|♭)|[\s-]*(sharp|flat)\b|(b)(?=\b|m\b|maj|min))?"
_KEY_FULL = re.compile(
    rf"\b(?:in|key(?: of|:)?)\s+(?:the key of\s+)?{_TONIC}[\s-]*({_MODE_WORD}|m)\b", re.I
)
_KEY_BARE = re.compile(rf"(?<![\w'’]){_TONIC}[\s-]*({_MODE_WORD})\b")
_KEY_SHORT = re.compile(
    rf"\b(?:[Ii]n|[Kk]ey(?: of|:)?)\s+(?-i:(?=[A-G])){_TONIC}(?![\w'’])(?!\s+[a-z]+ing\b)"
)
_MODE_ONLY = re.compile(
    rf"\b(?:in (?:a )?|key:? ?)({_MODE_WORD})\b|\b({_MODE_WORD})"
    r" (?:key|mode|scale|chords|tonality)\b"
    r"|\b(dorian|phrygian|lydian|mixolydian|locrian|harmonic minor)\b",
    re.I,
)
_NEGATION = re.compile(
    r"\b(?:no|without|minus|sans|exclude|excluding|omit|avoid|remove|not any|free of|except)\b"
)
_FILLERS = frozenset(
    {
        "any", "the", "a", "an", "and", "or", "nor", "no", "of", "more", "other", "loud", "heavy",
        "big", ",", "/", "&", "+", "lead", "backing", "live", "real", "acoustic", "electric",
        "electronic", "at", "all", "without", "distorted",
    }
)  # fmt: skip
"""May stand between a negation and what it negates."""
_PATIENCE = 5  # fillers in a row; without an end to them, "no no no …" would be read n² times
_FILLER = re.compile(r"[\w']+|[,/&+]")
_ALONE = re.compile(r"\b(?:solo|unaccompanied|only|just|lone)\b")
_ACAPPELLA = re.compile(r"\ba[\s-]?cap+ell?a\b|\bvoices? only\b|\bvocals? only\b|\bonly voices?\b")


@dataclass
class Wishes:
    """What was asked for in words; ``None`` or empty where nothing was said."""

    bpm: float | None = None
    tempo_factor: float = 1.0
    tonic: int | None = None
    mode: str | None = None
    brightness: float = 0.0
    """-1.0 (sad, dark) to 1.0 (happy, bright)."""
    energy: float = 0.0
    space: float = 0.0
    genre: str | None = None
    beats_per_bar: int | None = None
    voices: list[str] = field(default_factory=list)
    """Pitched instruments in the order in which they were named."""
    kit: str | None = None
    silent: set[str] = field(default_factory=set)
    """Layers, instruments and drum pieces that must not be heard."""
    alone: bool = False
    """Only the named instruments play."""
    a_cappella: bool = False


def read_wishes(prompt: str, style: str = "", negative: str = "") -> Wishes:
    """Read what the texts ask for; unknown words are left to chance.

    Parameters
    ----------
    prompt, style
        Free text. Where both name the same thing, the prompt is read first.
    negative
        What is not wanted, as a list of words.
    """
    raw = f"{prompt[:LONGEST_TEXT]} . {style[:LONGEST_TEXT]}"
    wishes = Wishes()
    _read_tempo_number(raw, wishes)
    _read_key(raw, wishes)
    text = _plain(raw)
    text = _take_out_negations(text, wishes)
    for word in _words_of(_plain(negative[:LONGEST_TEXT]), _NAMED):
        wishes.silent.update(_NAMED[word])
    _read_character(text, wishes)
    _read_players(text, wishes)
    return wishes


def _plain(text: str) -> str:
    """Lower case, one space between words, punctuation that parts clauses kept."""
    text = re.sub(r"[-_\u2010-\u2015]", " ", text.casefold())
    text = re.sub(r"([,.;:!?/&+()])", r" \1 ", text)
    return re.sub(r"\s+", " ", text).strip()


def _words_to_name(table: Mapping[str, str]) -> dict[str, str]:
    return {word.strip(): name for name, words in table.items() for word in words.split(",")}


_INSTRUMENT_WORDS = _words_to_name(INSTRUMENTS)
_KIT_WORDS = _words_to_name(KITS)
_NAMED: dict[str, set[str]] = {}
"""What each word takes away when it stands behind a "no"."""
for _table in (LAYERS, PIECES, INSTRUMENTS):
    for _word, _name in _words_to_name(_table).items():
        _NAMED.setdefault(_word, set()).add(_name)
_NAMED["guitar"] = _NAMED["guitars"] = {"guitar", "eguitar", "distguitar", "distlead"}
_NAMED["synths"] = _NAMED["synth"] = {"saw", "square", "supersaw", "warmpad", "pluck", "synthbass"}
_NAMED["piano"] = _NAMED["pianos"] = {"piano", "epiano"}
_GENRE_WORDS = {
    alias: genre.name for genre in GENRES.values() for alias in (genre.name, *genre.aliases)
}


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(r"(?<![\w'])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w'])")


def _words_of(text: str, table: Mapping[str, object]) -> list[str]:
    """Return the table's words in the order of the text, the longest where several fit."""
    return _pattern(tuple(table)).findall(text)


def _read_tempo_number(raw: str, wishes: Wishes) -> None:
    found = _BPM.search(raw) or _BPM_AFTER.search(raw)
    if found:
        wishes.bpm = min(max(float(found.group(1)), 30.0), 300.0)


def _read_key(raw: str, wishes: Wishes) -> None:
    for pattern in (_KEY_FULL, _KEY_BARE, _KEY_SHORT):
        for found in pattern.finditer(raw):
            letter, *rest = found.groups()
            sign = next((part for part in rest[:3] if part), "").lower()
            if letter in "aA" and not sign and not _names_a_key(raw, found, pattern):
                continue
            wishes.tonic = (_LETTERS[letter.lower()] + _SIGNS[sign]) % 12
            if len(rest) > 3 and rest[3]:
                wishes.mode = MODES[rest[3].lower()]
            break
        if wishes.tonic is not None:
            break
    if wishes.mode is None and (found_mode := _MODE_ONLY.search(raw)):
        wishes.mode = MODES[next(part for part in found_mode.groups() if part).lower()]


def _names_a_key(raw: str, found: re.Match[str], pattern: re.Pattern[str]) -> bool:
    """Tell the key of A from the article in "a minor detail" or "in A Warm Room"."""
    if pattern is _KEY_SHORT:
        return re.match(r"\s*(?:$|[,.;:!?()]|at\b|\d)", raw[found.end() :]) is not None
    return pattern is _KEY_FULL or found.group(1) == "A"


def _take_out_negations(text: str, wishes: Wishes) -> str:
    """Note what is not wanted, and return the text without those clauses."""
    text = re.sub(
        r"\b(drum|beat|bass|percussion|vocal)(?:s|less)? ?(?:less|free)\b", r"no \1 ;", text
    )
    text = re.sub(r"\b(drum|beat|bass|vocal)less\b", r"no \1 ;", text)
    kept: list[str] = []
    position = 0
    for negation in _NEGATION.finditer(text):
        if negation.start() < position:
            continue
        names, end = _listed(text, negation.end(), joined=negation.group() != "no")
        wishes.silent.update(*(_NAMED[name] for name in names))
        kept.append(text[position : negation.start()])
        position = end
    kept.append(text[position:])
    return re.sub(r"\bnot (?:too |very |so )?\w+", " ", " ; ".join(kept))


def _listed(text: str, start: int, *, joined: bool) -> tuple[list[str], int]:
    """Return the names right after a negation, and where they end.

    In "no drums, piano" and "without bass or drums, piano" the piano plays; in "without drums,
    bass and piano" it does not, nor in "no drums, bass or piano".
    """
    words = _pattern(tuple(_NAMED))
    names: list[str] = []
    sure = (0, start)  # how many names count in any case, and where those end
    end, comma, closed = start, False, False
    patience = _PATIENCE
    while patience:
        at = end + 1 if text[end : end + 1] == " " else end
        name = words.match(text, at)
        if name:
            names.append(name.group())
            end = name.end()
            patience = _PATIENCE
            if not comma:
                sure = (len(names), end)
            continue
        filler = _FILLER.match(text, at)
        if not filler or filler.group() not in _FILLERS:
            break
        if filler.group() in {",", "and", "or", "nor", "/", "&", "+"} and names:
            if filler.group() == ",":
                if closed:
                    break
                comma = True
            else:
                closed = True
                if comma and (filler.group() in {"or", "nor"} or joined):
                    comma = False
        end = filler.end()
        patience -= 1
    return names[: sure[0]], sure[1]


def _read_character(text: str, wishes: Wishes) -> None:
    genres = _words_of(text, _GENRE_WORDS)
    wishes.genre = _genre_in(text)
    tempo_text = text
    for word in genres:  # "hard bop" and "slowcore" are names, not tempos
        tempo_text = tempo_text.replace(word, " ")
    tempos = _words_of(tempo_text, TEMPOS)
    if tempos:
        wishes.tempo_factor = TEMPOS[tempos[0]]
    italian = _words_of(text, ITALIAN)
    if italian and wishes.bpm is None:
        wishes.bpm = ITALIAN[italian[0]]
    moods = [MOODS[word] for word in _words_of(text, MOODS)]
    if moods:
        wishes.brightness = sum(mood[0] for mood in moods) / len(moods)
        wishes.energy = sum(mood[1] for mood in moods) / len(moods)
    wishes.space = sum(SPACES[word] for word in dict.fromkeys(_words_of(text, SPACES)))
    if re.search(r"\bwaltz(?:es)?\b|\b3 / 4\b|\bthree four\b|\b6 / 8\b", text):
        wishes.beats_per_bar = 3


def _genre_in(text: str) -> str | None:
    """Return the first genre named; of several words in a row the last: "jazzy funky house"."""
    found = list(_pattern(tuple(_GENRE_WORDS)).finditer(text))
    strong = [match for match in found if match.group() not in VAGUE] or found
    if not strong:
        return None
    chosen = strong[0]
    for match in strong[1:]:
        if text[chosen.end() : match.start()].strip():
            break
        chosen = match
    return _GENRE_WORDS[chosen.group()]


def _read_players(text: str, wishes: Wishes) -> None:
    for word in _words_of(text, _INSTRUMENT_WORDS):
        voice = _INSTRUMENT_WORDS[word]
        if voice not in wishes.voices and voice not in wishes.silent:
            wishes.voices.append(voice)
    kits = _words_of(text, _KIT_WORDS)
    if kits:
        wishes.kit = _KIT_WORDS[kits[0]]
    wishes.a_cappella = bool(_ACAPPELLA.search(text)) and "vocals" not in wishes.silent
    pitched = [voice for voice in wishes.voices if voice not in BASSES]
    if pitched and _ALONE.search(text):
        names = "|".join(re.escape(w) for w, v in _INSTRUMENT_WORDS.items() if v in pitched)
        near = rf"\b(?:solo|unaccompanied|lone|just|only)\b (?:an? |the )?(?:\w+ )?(?:{names})\b"
        after = rf"\b(?:{names}) (?:solo|only|alone)\b"
        wishes.alone = bool(re.search(f"{near}|{after}", text))
