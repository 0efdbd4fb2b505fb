"""The words that the sandbox's band knows: instruments, drums, tempos, moods, spaces, modes."""

from __future__ import annotations

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
VAGUE = frozenset(
    {
        "acoustic", "ballad", "dance", "club", "chill", "swing", "80s", "eighties", "indie",
        "electronic", "cinematic", "soundtrack", "orchestral", "orchestra", "symphonic", "acid",
        "beats", "latin", "western", "gospel", "waltz", "string quartet",
    }
)  # fmt: skip
"""Words that name a genre only where no other word does."""
