"""What the words of a prompt ask for: tempo, key, genre, players, and who is to stay silent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from .genres import GENRES

LONGEST_TEXT = 6_000
"""Characters of a text that are read; what follows changes the take, not the wishes."""

INSTRUMENTS: dict[str, str] = {
    "piano": "piano, grand piano, upright piano, pianist, keys, keyboard, klavier",
    "epiano": "electric piano, rhodes, wurlitzer, fender rhodes, e piano",
    "organ": "organ, hammond, church organ, pipe organ, hammond organ",
    "guitar": "guitar, guitars, acoustic guitar, nylon guitar, classical guitar, spanish guitar,"
    " fingerpicked guitar, guitarist, lute",
    "eguitar": "electric guitar, clean guitar, electric guitars, clean electric guitar,"
    " twangy guitar, slide guitar",
    "distguitar": "distorted guitar, distorted guitars, heavy guitar, heavy guitars, riff, riffs,"
    " overdriven guitar, fuzz guitar, power chords, metal guitar",
    "ukulele": "ukulele, uke, charango",
    "banjo": "banjo, mandolin, bouzouki",
    "harp": "harp, koto, kora, zither, harpsichord",
    "strings": "strings, string section, orchestra, string quartet, orchestral, string ensemble",
    "violin": "violin, fiddle, viola, violins",
    "cello": "cello, celli, cellos",
    "brass": "brass, horns, horn section, trombone, brass section, french horn",
    "trumpet": "trumpet, muted trumpet, cornet, flugelhorn",
    "sax": "sax, saxophone, alto sax, tenor sax, saxophonist",
    "clarinet": "clarinet, oboe, bassoon",
    "flute": "flute, pan flute, recorder, tin whistle, whistle, ney",
    "accordion": "accordion, harmonica, bandoneon, melodica, concertina",
    "saw": "synth, synths, synthesizer, synth lead, lead synth, analog synth, synthesizers",
    "square": "square lead, chip lead, square wave, pulse lead",
    "supersaw": "supersaw, supersaws",
    "warmpad": "pad, pads, synth pad, synth pads, drone, drones, warm pad",
    "pluck": "arp, arps, arpeggio, arpeggios, arpeggiator, pluck, plucks, sequencer",
    "bell": "bells, bell, glockenspiel, music box, celesta, chimes, tubular bells",
    "vibes": "vibraphone, vibes",
    "marimba": "marimba, xylophone, kalimba, steelpan, steel drum, balafon, mbira",
    "choir": "choir, choirs, chorale, gospel choir",
    "theremin": "theremin, musical saw",
    "fingerbass": "bass guitar, electric bass, fretless bass, slap bass, bassist, picked bass",
    "upright": "upright bass, double bass, contrabass, acoustic bass, stand up bass, walking bass",
    "synthbass": "synth bass, moog bass, reese, reese bass, analog bass",
    "sub": "sub bass, 808 bass, sub, subs, deep bass",
    "acidbass": "acid bass, 303, acid line, acid",
}
BASSES = frozenset({"fingerbass", "upright", "synthbass", "sub", "acidbass"})
SOLOISTS = frozenset(
    {"violin", "cello", "trumpet", "sax", "clarinet", "flute", "theremin", "saw", "square"}
)
"""Voices that sing one line; the others can play chords as well."""
BEDS = frozenset({"warmpad", "choir"})
KITS: dict[str, str] = {
    "brushes": "brushes, brushed drums, brushed snare, brush drums, brushed",
    "808": "808, 808s, tr 808, trap drums, 808 drums",
    "909": "909, tr 909, drum machine, electronic drums",
    "acoustic": "live drums, acoustic drums, real drums, drum kit, drummer",
    "hands": "bongos, congas, cajon, hand drums, hand percussion, tabla, djembe, percussion only",
}
LAYERS: dict[str, str] = {
    "drums": "drums, drum, percussion, beat, beats, drumming, drum kit, drum machine, kit,"
    " percussions, drummer",
    "bass": "bass, bassline, bass line, basses, low end, bass guitar",
    "chords": "chords, harmony, comping, accompaniment, backing, chord",
    "pad": "pad, pads, synth pad, synth pads, drone, drones",
    "arp": "arp, arps, arpeggio, arpeggios, arpeggiator, sequencer",
    "lead": "lead, melody, melodies, solo, solos, lead instrument, leads, soloist",
    "vocals": "vocals, vocal, voice, voices, singing, singer, singers, lyrics, choir, vox,"
    " vocalist, choirs",
    "effects": "effects, fx, risers, sound effects",
}
PIECES: dict[str, str] = {
    "kick": "kick, kicks, bass drum, kick drum, four on the floor",
    "snare": "snare, snares, snare drum, backbeat",
    "hat": "hi hat, hi hats, hihat, hihats, hats, hat",
    "clap": "clap, claps, handclaps, hand claps",
    "crash": "crash, crashes, cymbals, cymbal, crash cymbals",
    "tom": "toms, tom, tom toms",
    "ride": "ride, ride cymbal",
}
TEMPOS: dict[str, float] = {
    "very slow": 0.62, "extremely slow": 0.6, "slow": 0.8, "slowly": 0.8, "calm": 0.88,
    "relaxed": 0.9, "laid back": 0.92, "mid tempo": 1.0, "midtempo": 1.0, "upbeat": 1.1,
    "up tempo": 1.15, "uptempo": 1.15, "energetic": 1.15, "driving": 1.1, "fast": 1.25,
    "quick": 1.2, "very fast": 1.45, "extremely fast": 1.5, "frantic": 1.45, "half time": 0.75,
}  # fmt: skip
ITALIAN: dict[str, float] = {
    "largo": 50, "larghetto": 62, "lento": 54, "adagio": 70, "andante": 90, "moderato": 108,
    "allegretto": 116, "allegro": 132, "vivace": 152, "presto": 176,
}  # fmt: skip
MOODS: dict[str, tuple[float, float]] = {
    "sad": (-1, -0.2), "melancholic": (-1, -0.2), "melancholy": (-1, -0.2), "dark": (-1, 0),
    "gloomy": (-1, -0.1), "brooding": (-1, 0), "somber": (-1, -0.2), "lonely": (-0.8, -0.2),
    "haunting": (-1, -0.1), "eerie": (-1, -0.2), "nostalgic": (-0.4, -0.1), "moody": (-0.7, 0),
    "tense": (-0.8, 0.1), "angry": (-0.8, 0.3), "aggressive": (-0.7, 0.3), "sinister": (-1, 0),
    "mysterious": (-0.6, 0), "wistful": (-0.5, -0.1), "epic": (-0.2, 0.2), "calm": (0.1, -0.2),
    "peaceful": (0.6, -0.2), "gentle": (0.4, -0.2), "soft": (0.2, -0.2), "quiet": (0.1, -0.25),
    "warm": (0.5, 0), "dreamy": (0.2, -0.1), "happy": (1, 0.1), "joyful": (1, 0.15),
    "bright": (1, 0.1), "cheerful": (1, 0.1), "sunny": (1, 0.1), "uplifting": (0.8, 0.15),
    "triumphant": (0.9, 0.2), "playful": (0.8, 0.1), "romantic": (0.4, -0.05),
    "hopeful": (0.7, 0), "euphoric": (0.6, 0.25), "powerful": (0, 0.2), "energetic": (0.2, 0.25),
    "minimal": (0, -0.15), "intense": (-0.3, 0.25), "festive": (1, 0.2),
}  # fmt: skip
SPACES: dict[str, float] = {
    "dreamy": 0.12, "spacious": 0.18, "reverb": 0.18, "reverberant": 0.2, "ethereal": 0.18,
    "cathedral": 0.3, "atmospheric": 0.14, "cinematic": 0.12, "intimate": -0.1, "dry": -0.3,
    "close": -0.08, "distant": 0.15, "echo": 0.1, "vast": 0.2,
}  # fmt: skip
MODES = {
    "major": "major", "maj": "major", "dur": "major", "ionian": "major", "minor": "minor",
    "min": "minor", "m": "minor", "moll": "minor", "aeolian": "minor", "dorian": "dorian",
    "phrygian": "phrygian", "lydian": "lydian", "mixolydian": "mixolydian", "locrian": "locrian",
    "harmonic minor": "harmonic minor", "natural minor": "minor",
}  # fmt: skip
_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SIGNS = {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1, "": 0}

_BPM = re.compile(r"(?<![\d.])(\d{2,3}(?:\.\d{1,3})?)[\s-]*(?:bpm|beats per minute)\b", re.I)
_BPM_AFTER = re.compile(
    r"\b(?:bpm|tempo)\s*(?:of|is|[:=])?\s*(\d{2,3}(?:\.\d{1,3})?)(?![\d.])", re.I
)
_MODE_WORD = "|".join(sorted((m for m in MODES if m != "m"), key=len, reverse=True))
_NAME = r"([A-Ga-g])(?:\s*(#|♯|♭)|[\s-]*(sharp|flat)\b|(b)(?=\b|m\b|maj|min))?"
_KEY_FULL = re.compile(
    rf"\b(?:in|key(?: of|:)?)\s+(?:the key of\s+)?{_NAME}[\s-]*({_MODE_WORD}|m)\b", re.I
)
_KEY_BARE = re.compile(rf"(?<![\w'’]){_NAME}[\s-]*({_MODE_WORD})\b")
_KEY_SHORT = re.compile(
    rf"\b(?:[Ii]n|[Kk]ey(?: of|:)?)\s+(?-i:(?=[A-G])){_NAME}(?![\w'’])(?!\s+[a-z]+ing\b)"
)
_MODE_ONLY = re.compile(
    rf"\b(?:in (?:a )?|key:? ?)({_MODE_WORD})\b|\b({_MODE_WORD}) (?:key|mode|scale|chords|tonality)\b"
    r"|\b(dorian|phrygian|lydian|mixolydian|locrian|harmonic minor)\b",
    re.I,
)
_NEGATION = re.compile(
    r"\b(?:no|without|minus|sans|exclude|excluding|omit|avoid|remove|not any|free of|except)\b"
)
_FILLERS = frozenset(
    "any the a an and or nor no of more other loud heavy big , / & + lead backing live real"
    " acoustic electric electronic at all without distorted".split()
)
_VAGUE = frozenset(
    "acoustic,ballad,dance,club,chill,swing,80s,eighties,indie,electronic,cinematic,soundtrack,"
    "orchestral,orchestra,symphonic,acid,beats,latin,western,gospel,waltz,string quartet".split(",")
)
"""Words that name a genre only where no other word does."""
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


def _index(table: Mapping[str, str]) -> dict[str, set[str]]:
    index: dict[str, set[str]] = {}
    for name, words in table.items():
        for word in words.split(","):
            index.setdefault(word.strip(), set()).add(name)
    return index


_INSTRUMENT_WORDS = {word: next(iter(names)) for word, names in _index(INSTRUMENTS).items()}
_KIT_WORDS = {word: next(iter(names)) for word, names in _index(KITS).items()}
_NAMED: dict[str, set[str]] = {}
for _table in (LAYERS, PIECES, INSTRUMENTS):
    for _word, _names in _index(_table).items():
        _NAMED.setdefault(_word, set()).update(_names)
_NAMED["guitar"] = _NAMED["guitars"] = {"guitar", "eguitar", "distguitar"}
_NAMED["synths"] = _NAMED["synth"] = {"saw", "square", "supersaw", "warmpad", "pluck", "synthbass"}
_NAMED["piano"] = {"piano", "epiano"}
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
            bare_article = letter in "aA" and not sign and pattern is not _KEY_FULL
            if bare_article and (letter == "a" or pattern is _KEY_SHORT):
                continue  # "a minor detail", "In A …" at the start of a sentence
            wishes.tonic = (_LETTERS[letter.lower()] + _SIGNS[sign]) % 12
            if len(rest) > 3 and rest[3]:
                wishes.mode = MODES[rest[3].lower()]
            break
        if wishes.tonic is not None:
            break
    if wishes.mode is None and (found_mode := _MODE_ONLY.search(raw)):
        wishes.mode = MODES[next(part for part in found_mode.groups() if part).lower()]


def _take_out_negations(text: str, wishes: Wishes) -> str:
    """Note what is not wanted, and return the text without those clauses."""
    text = re.sub(
        r"\b(drum|beat|bass|percussion|vocal)(?:s|less)? ?(?:less|free)\b", r"no \1 ;", text
    )
    text = re.sub(r"\b(drum|beat|bass|vocal)less\b", r"no \1 ;", text)
    words = _pattern(tuple(_NAMED))
    kept: list[str] = []
    position = 0
    for negation in _NEGATION.finditer(text):
        if negation.start() < position:
            continue
        end = negation.end()
        while True:
            rest = text[end:]
            indent = len(rest) - len(rest.lstrip())
            name = words.match(text, end + indent)
            if name:
                wishes.silent.update(_NAMED[name.group()])
                end = name.end()
                continue
            filler = re.match(r"[\w']+|[,/&+]", rest.lstrip())
            if not filler or filler.group() not in _FILLERS:
                break
            end += indent + filler.end()
        kept.append(text[position : negation.start()])
        position = end
    kept.append(text[position:])
    return re.sub(r"\bnot (?:too |very |so )?\w+", " ", " ; ".join(kept))


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
    strong = [match for match in found if match.group() not in _VAGUE] or found
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
