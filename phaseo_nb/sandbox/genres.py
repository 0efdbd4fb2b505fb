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
    mix: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    """Level of drums, bass, chords with pads, lead."""


_ALL = (
    Genre("ambient", ("ambience", "drone music", "meditation", "new age", "soundscape", "sleep music"),
          (66, 84), ("lydian", "major", "major", "dorian", "minor"),
          ("1 4", "1 5 4 4", "1 2", "1 6 4 4"), ("1 6", "1 4", "1 3 6 6"), "add9",
          ("drone",), ("swell",), "ambient", "soft", ("flute", "bell", "theremin"), ("warmpad", "choir"),
          ("sub",), ("strings", "choir"), ("slow8", "bell"), "long",
          looseness=0.004, space=0.5, echo=0.35, drums_from=2.0, mix=(0.5, 0.8, 0.9, 0.8)),
    Genre("blues", ("delta blues", "blues rock", "rhythm and blues", "boogie", "boogie woogie"),
          (76, 112), ("mixolydian",),
          ("1 4 1 1 4 4 1 1 5 4 1 5", "1 1 1 1 4 4 1 1 5 4 1 1"),
          ("1 1 1 1 4 4 1 1 5 4 1 1",), "dom7", ("boogie", "walking"), ("blues", "quarters"), "shuffle",
          "acoustic", ("eguitar", "accordion"), ("piano", "organ"), ("fingerbass", "upright"),
          melody="syncopated", swing8=1 / 6, looseness=0.009, space=0.16),
    Genre("bossa nova", ("bossa", "samba", "latin", "latin jazz", "brazilian", "rumba", "salsa", "tango"),
          (118, 144), ("major", "major", "minor", "dorian"),
          ("1 1 2 5", "1 6 2 5", "1 4 2 5"), ("1 4 5 1", "1 1 4 5", "1 6 4 5"), "seventh", ("bossa",),
          ("bossa",), "bossa", "hands", ("flute", "sax", "vibes"), ("guitar",), ("upright",),
          melody="syncopated", looseness=0.006, space=0.18, mix=(0.9, 1.0, 1.15, 0.9)),
    Genre("chiptune", ("8 bit", "8bit", "chip", "video game", "game music", "nes", "retro game"),
          (130, 160), ("major", "major", "minor", "mixolydian"),
          ("1 5 6 4", "1 4 5 1", "1 6 4 5"), ("1 6 7 1", "1 7 6 7", "1 4 7 1"), "triad",
          ("chip",), ("chip",), "chip", "chip", ("square",), ("square",), ("triangle",), (), None, "busy",
          looseness=0.0, space=0.03, echo=0.3, mix=(1.0, 1.0, 0.8, 0.9)),
    Genre("classical", ("baroque", "orchestra", "orchestral", "symphony", "symphonic", "chamber music",
                        "string quartet", "cinematic", "film score", "soundtrack", "waltz", "minuet", "romantic era"),
          (84, 126), ("major", "major", "minor", "harmonic minor"),
          ("1 4 5 1", "1 6 2 5", "1 5 6 3 4 1 4 5"), ("1 4 5 1", "1 6 4 5", "1 7 3 6 4 1 5 1"), "triad",
          ("halves",), ("alberti", "quarters"), "orchestra", "timpani",
          ("violin", "flute", "clarinet"), ("piano", "harp"), ("cello",), ("strings",), None, "song",
          looseness=0.012, space=0.34, drums_from=0.8, mix=(0.8, 0.9, 1.0, 1.0)),
    Genre("country", ("bluegrass", "americana", "honky tonk", "western", "nashville"),
          (96, 132), ("major", "major", "mixolydian"),
          ("1 4 1 5", "1 1 4 5", "1 5 4 1", "1 4 5 1"), ("1 7 6 7", "1 4 7 1"), "triad",
          ("two feel",), ("country",), "train", "acoustic", ("violin", "banjo", "eguitar"), ("guitar",),
          ("upright", "fingerbass"), melody="song", looseness=0.007, space=0.14),
    Genre("drum and bass", ("drum n bass", "drum 'n' bass", "dnb", "d&b", "d & b", "jungle", "liquid", "breakcore",
                            "breakbeat", "neurofunk"),
          (168, 176), ("minor", "minor", "dorian"), ("1 4 6 5", "1 5 6 4"), ("1 6 3 7", "1 1 6 7", "1 3 7 6"),
          "ninth", ("dnb",), ("halves", "pad"), "breaks", "breaks", ("saw", "bell"), ("epiano", "warmpad"),
          ("synthbass", "sub"), ("warmpad",), None, "sparse", looseness=0.002, space=0.24, echo=0.3,
          drums_from=0.45, mix=(1.1, 1.1, 0.8, 0.8)),
    Genre("folk", ("singer songwriter", "acoustic folk", "celtic", "irish", "indie folk", "campfire", "acoustic",
                   "ballad", "sea shanty"),
          (92, 122), ("major", "major", "mixolydian", "dorian"),
          ("1 4 1 5", "1 5 6 4", "1 6 4 5"), ("1 7 6 7", "1 3 7 1", "1 6 3 7"), "triad",
          ("two feel", "whole"), ("strum", "picked"), "folk", "hands", ("flute", "violin", "accordion"),
          ("guitar", "ukulele"), ("upright",), melody="song", looseness=0.009, space=0.17,
          mix=(0.75, 0.9, 1.2, 1.0)),
    Genre("funk", ("disco", "disco funk", "nu disco", "funky", "p funk", "boogie funk"),
          (100, 118), ("dorian", "mixolydian", "minor"),
          ("1 1 4 1", "1 4 1 5"), ("1 1 4 1", "1 4 1 7", "1 7 4 1"), "ninth",
          ("funk",), ("scratch", "stabs"), "funk", "acoustic", ("brass", "sax"), ("eguitar", "epiano"),
          ("fingerbass",), ("brass",), melody="riff", swing16=0.03, looseness=0.004, space=0.1,
          mix=(1.05, 1.15, 0.9, 0.9)),
    Genre("hip hop", ("hiphop", "rap", "trap", "boom bap", "drill", "phonk", "beats to rap", "r&b trap"),
          (82, 98), ("minor", "minor", "phrygian", "dorian"),
          ("1 6 4 5", "1 4 1 5"), ("1 6 1 7", "1 4 1 6", "1 1 6 7"), "seventh",
          ("808",), ("lazy", "stabs"), "boom bap", "808", ("bell", "saw"), ("piano", "epiano"), ("sub",),
          (), None, "sparse", swing16=0.05, looseness=0.006, space=0.14, mix=(1.15, 1.15, 0.85, 0.8)),
    Genre("house", ("deep house", "tech house", "edm", "dance", "club", "progressive house", "dance pop",
                    "garage", "electro", "electronic", "electronica", "big room"),
          (120, 127), ("minor", "minor", "dorian", "major"),
          ("1 6 4 5", "1 5 6 4"), ("1 6 7 4", "1 4 6 7", "1 7 6 7"), "seventh",
          ("offbeat", "house"), ("house", "stabs"), "house", "909", ("pluck", "saw"), ("epiano", "piano", "organ"),
          ("synthbass",), ("warmpad",), None, "riff", looseness=0.001, space=0.18, pump=0.6, echo=0.25,
          mix=(1.05, 1.0, 0.95, 0.8)),
    Genre("jazz", ("swing", "bebop", "hard bop", "jazz trio", "big band", "cool jazz", "smooth jazz", "ragtime",
                   "gypsy jazz", "dixieland"),
          (116, 168), ("major", "major", "dorian", "minor"),
          ("1,6 2,5 1,6 2,5", "1 6 2 5", "1 4 2,5 1"), ("1 4 2,5 1", "1 6 2,5 1", "1 1 4 5"), "seventh",
          ("walking",), ("charleston",), "ride swing", "brushes", ("sax", "trumpet", "vibes"), ("piano",),
          ("upright",), melody="busy", swing8=1 / 6, looseness=0.008, space=0.18, mix=(0.9, 1.0, 0.9, 0.9)),
    Genre("lofi", ("lo fi", "lo fi hip hop", "lofi hip hop", "chillhop", "chill", "study beats", "chillout",
                   "downtempo", "trip hop", "vaporwave"),
          (72, 88), ("major", "dorian", "minor"),
          ("1 6 2 5", "1 4 3 6", "4 3 2 1"), ("1 4 7 3", "1 6 4 5", "1 4 1 5"), "ninth",
          ("lazy",), ("lazy",), "lofi", "lofi", ("vibes", "eguitar", "bell"), ("epiano", "piano"),
          ("fingerbass", "sub"), (), None, "sparse", swing16=0.07, looseness=0.009, space=0.16, pump=0.15,
          mix=(1.0, 1.0, 1.1, 0.75)),
    Genre("metal", ("heavy metal", "thrash", "death metal", "metalcore", "black metal", "doom", "djent", "hardcore"),
          (132, 176), ("phrygian", "minor", "minor", "harmonic minor"),
          ("1 4 5 4",), ("1 6 7 1", "1 1 6 7", "1 7 6 5"), "power", ("gallop", "sixteenths"),
          ("gallop", "chug"), "metal", "rock", ("distlead",), ("distguitar",), ("pickbass",), (), None, "riff",
          looseness=0.003, space=0.1, mix=(1.15, 0.9, 1.05, 0.85)),
    Genre("pop", ("pop song", "indie pop", "electropop", "k pop", "j pop", "synth pop", "pop rock", "singalong",
                  "hyperpop", "indie"),
          (98, 122), ("major", "major", "major", "minor"), POP_MAJOR, POP_MINOR, "triad",
          ("pushed", "eighths"), ("quarters", "pushed"), "pop", "acoustic", ("saw", "pluck", "piano"),
          ("piano", "epiano"), ("fingerbass", "synthbass"), ("warmpad", "strings"), ("eighths", "pluck"), "song",
          looseness=0.003, space=0.18, pump=0.2),
    Genre("reggae", ("dub", "ska", "rocksteady", "dancehall", "reggaeton", "roots reggae"),
          (72, 88), ("major", "minor", "mixolydian"),
          ("1 4 1 5", "1 5 4 4", "1 2 1 2"), ("1 4 1 7", "1 7 1 7", "1 4 1 5"), "triad",
          ("reggae",), ("skank",), "one drop", "acoustic", ("accordion", "trumpet", "organ"),
          ("organ", "eguitar"), ("fingerbass",), melody="syncopated", swing16=0.04, looseness=0.006, space=0.24,
          echo=0.4, mix=(1.0, 1.25, 1.0, 0.8)),
    Genre("rock", ("punk", "hard rock", "alternative", "alt rock", "grunge", "indie rock", "punk rock", "classic rock",
                   "garage rock", "rock and roll", "rock n roll", "surf rock", "post rock", "emo"),
          (112, 148), ("major", "mixolydian", "minor"), ROCK_MAJOR, ("1 7 6 7", "1 6 7 1", "1 3 7 4"), "power",
          ("eighths",), ("drive", "chug"), "rock", "rock", ("distlead", "eguitar"), ("distguitar",),
          ("pickbass",), melody="song", looseness=0.006, space=0.14, mix=(1.1, 0.95, 1.05, 0.9)),
    Genre("soul", ("r&b", "rnb", "r & b", "neo soul", "gospel", "motown", "rhythm n blues", "slow jam"),
          (78, 104), ("major", "major", "dorian", "mixolydian"),
          ("1 6 2 5", "1 4 1 5", "1 3 4 5"), ("1 4 7 1", "1 6 4 5", "1 4 1 7"), "seventh",
          ("soul",), ("soul",), "soul", "acoustic", ("sax", "eguitar", "brass"), ("epiano", "organ"),
          ("fingerbass",), ("strings",), melody="syncopated", swing16=0.05, looseness=0.008, space=0.18),
    Genre("synthwave", ("retrowave", "80s", "eighties", "outrun", "new wave", "darkwave", "80s synth", "italo disco",
                        "electro pop"),
          (88, 118), ("minor", "minor", "dorian", "major"), ("1 5 6 4", "1 6 4 5"),
          ("1 6 3 7", "1 7 6 7", "1 3 7 6"), "triad", ("octave16", "eighths"), ("pad",), "gated", "gated",
          ("saw", "supersaw"), ("warmpad", "supersaw"), ("synthbass",), ("strings",), ("sixteenths", "pluck"), "long",
          looseness=0.0, space=0.28, pump=0.3, echo=0.35, mix=(1.1, 1.0, 0.85, 0.9)),
    Genre("techno", ("minimal techno", "acid techno", "acid house", "industrial", "hard techno", "rave", "detroit techno",
                     "idm", "ebm"),
          (128, 142), ("phrygian", "minor", "minor"), ("1 1 1 1",), ("1 1 1 1", "1 1 1 2", "1 1 1 7"), "triad",
          ("acid",), ("techno",), "techno", "909", ("saw",), ("saw", "pluck"), ("acidbass",), ("warmpad",),
          ("sixteenths", "pluck"), "riff", looseness=0.0, space=0.22, pump=0.5, echo=0.35,
          mix=(1.15, 0.95, 0.75, 0.6)),
    Genre("trance", ("psytrance", "uplifting trance", "progressive trance", "hardstyle", "eurodance", "goa", "happy hardcore"),
          (132, 140), ("minor", "minor", "minor", "major"), ("1 5 6 4", "1 4 6 5"),
          ("1 6 7 1", "1 6 3 7", "1 4 6 7"), "add9", ("rolling",), ("gate",), "trance", "909",
          ("supersaw", "saw"), ("supersaw",), ("synthbass",), ("warmpad",), ("sixteenths", "pluck"), "song",
          looseness=0.0, space=0.3, pump=0.65, echo=0.35, mix=(1.05, 0.95, 0.85, 0.9)),
)  # fmt: skip
GENRES: dict[str, Genre] = {genre.name: genre for genre in _ALL}


def progressions(genre: Genre, mode: str) -> tuple[str, ...]:
    """Return the chord progressions that genre plays in that mode."""
    own = genre.major if genre.major is genre.minor or mode == "major" else genre.minor
    if genre.chord == "dom7" or mode in {"major", "minor"}:
        return genre.major if genre.chord == "dom7" else own
    return MODAL[mode]
