"""What makes a genre: tempo, mode, harmony, players and how they play.

Drum patterns stand in :mod:`.grooves`, ways of playing chords and bass in :mod:`.accompaniment`;
the names here point there.
"""

from __future__ import annotations

from dataclasses import dataclass

POP_MAJOR = ("1 5 6 4", "1 6 4 5", "1 4 6 5", "1 3 4 5")
POP_MINOR = ("1 6 3 7", "1 4 6 7", "1 7 6 7", "1 6 4 5")
ROCK_MAJOR = ("1 4 5 4", "1 4 1 5", "1 5 4 4", "1 6 4 5")
MODAL = {
    "dorian": ("1 4 1 4", "1 7 4 1", "1 3 4 1"),
    "phrygian": ("1 2 1 7", "1 1 2 1", "1 2 3 2"),
    "lydian": ("1 2 1 2", "1 2 5 1", "1 5 2 1"),
    "mixolydian": ("1 7 4 1", "1 4 7 1", "1 5 7 4"),
    "locrian": ("1 3 6 1", "1 6 3 1"),
    "harmonic minor": ("1 4 5 1", "1 6 5 1", "1 6 4 5"),
}
"""Chords of the modes that only live by their own degrees."""


@dataclass(frozen=True)
class Genre:
    """The habits of one genre."""

    name: str
    aliases: tuple[str, ...]
    bpm: tuple[float, float]
    modes: tuple[str, ...]
    """Most usual first; a repeated one is likelier."""
    major: tuple[str, ...]
    """Progressions in scale degrees, a bar each; a comma parts two chords of one bar."""
    minor: tuple[str, ...]
    chord: str
    """How chords are built: ``triad seventh ninth add9 power dom7``."""
    bass: tuple[str, ...]
    comp: tuple[str, ...]
    groove: str
    kit: str
    lead_voices: tuple[str, ...]
    chord_voices: tuple[str, ...]
    bass_voices: tuple[str, ...]
    pad_voices: tuple[str, ...] = ()
    arp: tuple[str, str] | None = None
    """Pattern and voice of an arpeggio."""
    melody: str = "song"
    """``"song" "sparse" "busy" "syncopated" "long" "riff"``"""
    swing8: float = 0.0
    """How late the second eighth of a beat comes, in beats; 1/6 is a triplet."""
    swing16: float = 0.0
    looseness: float = 0.006
    """How far players stray from the grid, in seconds."""
    space: float = 0.2
    pump: float = 0.0
    echo: float = 0.0
    drums_from: float = 0.4
    """Energy above which the drums play."""
    effects: tuple[str, ...] = ()
    """What announces a chorus: ``"riser" "reverse" "impact"``."""
    mix: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    """Level of drums, bass, chords with pads, lead."""


_ALL = (
    Genre(
        name="ambient", aliases=("ambience", "drone music", "meditation", "new age", "soundscape",
        "sleep music"), bpm=(66, 84), modes=("lydian", "major", "major", "dorian", "minor"),
        major=("1 4", "1 5 4 4", "1 2", "1 6 4 4"), minor=("1 6", "1 4", "1 3 6 6"), chord="add9",
        bass=("drone",), comp=("swell",), groove="ambient", kit="soft", lead_voices=("flute",
        "bell", "theremin"), chord_voices=("warmpad", "choir"), bass_voices=("sub",),
        pad_voices=("strings", "choir"), arp=("slow8", "bell"), melody="long", looseness=0.004,
        space=0.5, echo=0.35, drums_from=2.0, mix=(0.5, 0.35, 0.9, 0.85),
    ),
    Genre(
        name="blues", aliases=("delta blues", "blues rock", "rhythm and blues", "boogie",
        "boogie woogie"), bpm=(76, 112), modes=("mixolydian",), major=("1 4 1 1 4 4 1 1 5 4 1 5",
        "1 1 1 1 4 4 1 1 5 4 1 1"), minor=("1 1 1 1 4 4 1 1 5 4 1 1",), chord="dom7",
        bass=("boogie", "walking"), comp=("blues", "quarters"), groove="shuffle", kit="acoustic",
        lead_voices=("eguitar", "accordion"), chord_voices=("piano", "organ"),
        bass_voices=("fingerbass", "upright"), melody="syncopated", swing8=1 / 6, looseness=0.009,
        space=0.16,
    ),
    Genre(
        name="bossa nova", aliases=("bossa", "samba", "latin", "latin jazz", "brazilian", "rumba",
        "salsa", "tango"), bpm=(118, 144), modes=("major", "major", "minor", "dorian"),
        major=("1 1 2 5", "1 6 2 5", "1 4 2 5"), minor=("1 4 5 1", "1 1 4 5", "1 6 4 5"),
        chord="seventh", bass=("bossa",), comp=("bossa",), groove="bossa", kit="hands",
        lead_voices=("flute", "sax", "vibes"), chord_voices=("guitar",), bass_voices=("upright",),
        melody="syncopated", space=0.18, mix=(0.9, 1.0, 1.15, 0.9),
    ),
    Genre(
        name="chiptune", aliases=("8 bit", "8bit", "chip", "video game", "game music", "nes",
        "retro game"), bpm=(130, 160), modes=("major", "major", "minor", "mixolydian"),
        major=("1 5 6 4", "1 4 5 1", "1 6 4 5"), minor=("1 6 7 1", "1 7 6 7", "1 4 7 1"),
        chord="triad", bass=("chip",), comp=("chip",), groove="chip", kit="chip",
        lead_voices=("square",), chord_voices=("square",), bass_voices=("triangle",),
        melody="busy", looseness=0.0, space=0.03, echo=0.3, mix=(0.85, 0.75, 1.1, 1.2),
    ),
    Genre(
        name="classical", aliases=("baroque", "orchestra", "orchestral", "symphony", "symphonic",
        "chamber music", "string quartet", "cinematic", "film score", "soundtrack", "waltz",
        "minuet", "romantic era"), bpm=(84, 126), modes=("major", "major", "minor",
        "harmonic minor"), major=("1 4 5 1", "1 6 2 5", "1 5 6 3 4 1 4 5"), minor=("1 4 5 1",
        "1 6 4 5", "1 7 3 6 4 1 5 1"), chord="triad", bass=("halves",), comp=("alberti",
        "quarters"), groove="orchestra", kit="timpani", lead_voices=("violin", "flute",
        "clarinet"), chord_voices=("piano", "harp"), bass_voices=("cello",),
        pad_voices=("strings",), looseness=0.012, space=0.34, drums_from=0.8, mix=(0.8, 0.9, 1.0,
        1.0),
    ),
    Genre(
        name="country", aliases=("bluegrass", "americana", "honky tonk", "western", "nashville"),
        bpm=(96, 132), modes=("major", "major", "mixolydian"), major=("1 4 1 5", "1 1 4 5",
        "1 5 4 1", "1 4 5 1"), minor=("1 7 6 7", "1 4 7 1"), chord="triad", bass=("two feel",),
        comp=("country",), groove="train", kit="acoustic", lead_voices=("violin", "banjo",
        "eguitar"), chord_voices=("guitar",), bass_voices=("upright", "fingerbass"),
        looseness=0.007, space=0.14,
    ),
    Genre(
        name="drum and bass", aliases=("drum & bass", "drum n bass", "drum 'n' bass", "dnb",
        "d&b", "d & b",
        "jungle", "liquid", "breakcore", "breakbeat", "neurofunk"), bpm=(168, 176),
        modes=("minor", "minor", "dorian"), major=("1 4 6 5", "1 5 6 4"), minor=("1 6 3 7",
        "1 1 6 7", "1 3 7 6"), chord="ninth", bass=("dnb",), comp=("halves", "pad"),
        groove="breaks", kit="breaks", lead_voices=("saw", "bell"), chord_voices=("epiano",
        "warmpad"), bass_voices=("synthbass", "sub"), pad_voices=("warmpad",), melody="sparse",
        looseness=0.002, space=0.24, echo=0.3, drums_from=0.45, effects=("riser", "reverse"),
        mix=(0.95, 0.95, 1.2, 1.2),
    ),
    Genre(
        name="folk", aliases=("singer songwriter", "acoustic folk", "celtic", "irish",
        "indie folk", "campfire", "acoustic", "ballad", "sea shanty"), bpm=(92, 122),
        modes=("major", "major", "mixolydian", "dorian"), major=("1 4 1 5", "1 5 6 4", "1 6 4 5"),
        minor=("1 7 6 7", "1 3 7 1", "1 6 3 7"), chord="triad", bass=("two feel", "whole"),
        comp=("strum", "picked"), groove="folk", kit="hands", lead_voices=("flute", "violin",
        "accordion"), chord_voices=("guitar", "ukulele"), bass_voices=("upright",),
        looseness=0.009, space=0.17, mix=(0.75, 0.9, 1.2, 1.0),
    ),
    Genre(
        name="funk", aliases=("disco", "disco funk", "nu disco", "funky", "p funk",
        "boogie funk"), bpm=(100, 118), modes=("dorian", "mixolydian", "minor"), major=("1 1 4 1",
        "1 4 1 5"), minor=("1 1 4 1", "1 4 1 7", "1 7 4 1"), chord="ninth", bass=("funk",),
        comp=("scratch", "stabs"), groove="funk", kit="acoustic", lead_voices=("brass", "sax"),
        chord_voices=("eguitar", "epiano"), bass_voices=("fingerbass",), pad_voices=("brass",),
        melody="riff", swing16=0.03, looseness=0.004, space=0.1, mix=(0.95, 1.0, 1.3, 1.2),
    ),
    Genre(
        name="hip hop", aliases=("hiphop", "rap", "trap", "boom bap", "drill", "phonk",
        "beats to rap", "r&b trap"), bpm=(82, 98), modes=("minor", "minor", "phrygian", "dorian"),
        major=("1 6 4 5", "1 4 1 5"), minor=("1 6 1 7", "1 4 1 6", "1 1 6 7"), chord="seventh",
        bass=("808", "808 push", "808 late"), comp=("lazy", "stabs"), groove="boom bap",
        kit="808", lead_voices=("bell",
        "saw"), chord_voices=("piano", "epiano"), bass_voices=("sub",), melody="sparse",
        swing16=0.05, space=0.14, effects=("reverse",), mix=(0.85, 0.85, 1.6, 1.4),
    ),
    Genre(
        name="house", aliases=("deep house", "tech house", "edm", "dance", "club",
        "progressive house", "dance pop", "garage", "electro", "electronic", "electronica",
        "big room"), bpm=(120, 127), modes=("minor", "minor", "dorian", "major"),
        major=("1 6 4 5", "1 5 6 4"), minor=("1 6 7 4", "1 4 6 7", "1 7 6 7"), chord="seventh",
        bass=("offbeat", "house"), comp=("house", "stabs"), groove="house", kit="909",
        lead_voices=("pluck", "saw"), chord_voices=("epiano", "piano", "organ"),
        bass_voices=("synthbass",), pad_voices=("warmpad",), melody="riff", looseness=0.001,
        space=0.18, pump=0.6, echo=0.25, effects=("riser", "impact"), mix=(0.8, 0.8, 1.5, 1.3),
    ),
    Genre(
        name="jazz", aliases=("swing", "bebop", "hard bop", "jazz trio", "big band", "cool jazz",
        "smooth jazz", "ragtime", "gypsy jazz", "dixieland"), bpm=(116, 168), modes=("major",
        "major", "dorian", "minor"), major=("1,6 2,5 1,6 2,5", "1 6 2 5", "1 4 2,5 1"),
        minor=("1 4 2,5 1", "1 6 2,5 1", "1 1 4 5"), chord="seventh", bass=("walking",),
        comp=("charleston",), groove="ride swing", kit="brushes", lead_voices=("sax", "trumpet",
        "vibes"), chord_voices=("piano",), bass_voices=("upright",), melody="busy", swing8=1 / 6,
        looseness=0.008, space=0.18, mix=(0.9, 1.0, 0.9, 0.9),
    ),
    Genre(
        name="lofi", aliases=("lo fi", "lo fi hip hop", "lofi hip hop", "chillhop", "chill",
        "study beats", "chillout", "downtempo", "trip hop", "vaporwave"), bpm=(72, 88),
        modes=("major", "dorian", "minor"), major=("1 6 2 5", "1 4 3 6", "4 3 2 1"),
        minor=("1 4 7 3", "1 6 4 5", "1 4 1 5"), chord="ninth", bass=("lazy",), comp=("lazy",),
        groove="lofi", kit="lofi", lead_voices=("vibes", "eguitar", "bell"),
        chord_voices=("epiano", "piano"), bass_voices=("fingerbass", "sub"), melody="sparse",
        swing16=0.07, looseness=0.009, space=0.16, pump=0.15, mix=(1.0, 1.0, 1.1, 0.75),
    ),
    Genre(
        name="metal", aliases=("heavy metal", "thrash", "death metal", "metalcore", "black metal",
        "doom", "djent", "hardcore"), bpm=(132, 176), modes=("phrygian", "minor", "minor",
        "harmonic minor"), major=("1 4 5 4",), minor=("1 6 7 1", "1 1 6 7", "1 7 6 5"),
        chord="power", bass=("gallop", "sixteenths"), comp=("gallop", "chug"), groove="metal",
        kit="rock", lead_voices=("distlead",), chord_voices=("distguitar",),
        bass_voices=("pickbass",), melody="riff", looseness=0.003, space=0.1, mix=(0.7, 0.4,
        2.0, 1.6),
    ),
    Genre(
        name="pop", aliases=("pop song", "indie pop", "electropop", "k pop", "j pop", "synth pop",
        "pop rock", "singalong", "hyperpop", "indie"), bpm=(98, 122), modes=("major", "major",
        "major", "minor"), major=POP_MAJOR, minor=POP_MINOR, chord="triad", bass=("pushed",
        "eighths"), comp=("quarters", "pushed"), groove="pop", kit="acoustic", lead_voices=("saw",
        "pluck", "piano"), chord_voices=("piano", "epiano"), bass_voices=("fingerbass",
        "synthbass"), pad_voices=("warmpad", "strings"), arp=("eighths", "pluck"),
        looseness=0.003, space=0.18, pump=0.2, effects=("reverse",), mix=(1.0, 0.9, 1.0, 1.0),
    ),
    Genre(
        name="reggae", aliases=("dub", "ska", "rocksteady", "dancehall", "reggaeton",
        "roots reggae"), bpm=(72, 88), modes=("major", "minor", "mixolydian"), major=("1 4 1 5",
        "1 5 4 4", "1 2 1 2"), minor=("1 4 1 7", "1 7 1 7", "1 4 1 5"), chord="triad",
        bass=("reggae",), comp=("skank",), groove="one drop", kit="acoustic",
        lead_voices=("accordion", "trumpet", "organ"), chord_voices=("organ", "eguitar"),
        bass_voices=("fingerbass",), melody="syncopated", swing16=0.04, space=0.24, echo=0.4,
        mix=(0.9, 1.0, 1.4, 1.1),
    ),
    Genre(
        name="rock", aliases=("punk", "hard rock", "alternative", "alt rock", "grunge",
        "indie rock", "punk rock", "classic rock", "garage rock", "rock and roll", "rock n roll",
        "surf rock", "post rock", "emo"), bpm=(112, 148), modes=("major", "mixolydian", "minor"),
        major=ROCK_MAJOR, minor=("1 7 6 7", "1 6 7 1", "1 3 7 4"), chord="power",
        bass=("eighths",), comp=("drive", "chug"), groove="rock", kit="rock",
        lead_voices=("distlead", "eguitar"), chord_voices=("distguitar",),
        bass_voices=("pickbass",), space=0.14, mix=(0.95, 0.7, 1.5, 1.2),
    ),
    Genre(
        name="soul", aliases=("r&b", "rnb", "r & b", "neo soul", "gospel", "motown",
        "rhythm n blues", "slow jam"), bpm=(78, 104), modes=("major", "major", "dorian",
        "mixolydian"), major=("1 6 2 5", "1 4 1 5", "1 3 4 5"), minor=("1 4 7 1", "1 6 4 5",
        "1 4 1 7"), chord="seventh", bass=("soul",), comp=("soul",), groove="soul",
        kit="acoustic", lead_voices=("sax", "eguitar", "brass"), chord_voices=("epiano", "organ"),
        bass_voices=("fingerbass",), pad_voices=("strings",), melody="syncopated", swing16=0.05,
        looseness=0.008, space=0.18,
    ),
    Genre(
        name="synthwave", aliases=("retrowave", "80s", "eighties", "outrun", "new wave",
        "darkwave", "80s synth", "italo disco", "electro pop"), bpm=(88, 118), modes=("minor",
        "minor", "dorian", "major"), major=("1 5 6 4", "1 6 4 5"), minor=("1 6 3 7", "1 7 6 7",
        "1 3 7 6"), chord="triad", bass=("octave16", "eighths"), comp=("pad",), groove="gated",
        kit="gated", lead_voices=("saw", "supersaw"), chord_voices=("warmpad", "supersaw"),
        bass_voices=("synthbass",), pad_voices=("strings",), arp=("sixteenths", "pluck"),
        melody="long", looseness=0.0, space=0.28, pump=0.3, echo=0.35, effects=("reverse",
        "impact"), mix=(0.95, 0.85, 1.2, 1.2),
    ),
    Genre(
        name="techno", aliases=("minimal techno", "acid techno", "acid house", "industrial",
        "hard techno", "rave", "detroit techno", "idm", "ebm"), bpm=(128, 142), modes=("phrygian",
        "minor", "minor"), major=("1 1 1 1",), minor=("1 1 1 1", "1 1 1 2", "1 1 1 7"),
        chord="triad", bass=("acid",), comp=("techno",), groove="techno", kit="909",
        lead_voices=("saw",), chord_voices=("saw", "pluck"), bass_voices=("acidbass",),
        pad_voices=("warmpad",), arp=("sixteenths", "pluck"), melody="riff", looseness=0.0,
        space=0.22, pump=0.5, echo=0.35, effects=("riser",), mix=(0.8, 0.75, 1.6, 1.3),
    ),
    Genre(
        name="trance", aliases=("psytrance", "uplifting trance", "progressive trance",
        "hardstyle", "eurodance", "goa", "happy hardcore"), bpm=(132, 140), modes=("minor",
        "minor", "minor", "major"), major=("1 5 6 4", "1 4 6 5"), minor=("1 6 7 1", "1 6 3 7",
        "1 4 6 7"), chord="add9", bass=("rolling",), comp=("gate",), groove="trance", kit="909",
        lead_voices=("supersaw", "saw"), chord_voices=("supersaw",), bass_voices=("synthbass",),
        pad_voices=("warmpad",), arp=("sixteenths", "pluck"), looseness=0.0, space=0.3, pump=0.65,
        echo=0.35, effects=("riser", "impact"), mix=(0.8, 0.7, 1.4, 1.4),
    ),
)  # fmt: skip
GENRES: dict[str, Genre] = {genre.name: genre for genre in _ALL}


def progressions(genre: Genre, mode: str) -> tuple[str, ...]:
    """Return the chord progressions that genre plays in that mode."""
    own = genre.major if genre.major is genre.minor or mode == "major" else genre.minor
    if genre.chord == "dom7" or mode in {"major", "minor"}:
        return genre.major if genre.chord == "dom7" else own
    return MODAL[mode]
