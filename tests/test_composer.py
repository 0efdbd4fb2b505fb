"""What the words of a request make of the sandbox's song, before any sound."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import pytest

from phaseo_nb.sandbox.band import SongSpec, compose
from phaseo_nb.sandbox.band.accompaniment import ARPS, BASS_LINES, COMPS
from phaseo_nb.sandbox.band.drums import drum_sound
from phaseo_nb.sandbox.band.genres import GENRES, progressions
from phaseo_nb.sandbox.band.grooves import GROOVES
from phaseo_nb.sandbox.band.harmony import chord_on, lead_voices
from phaseo_nb.sandbox.band.melody import vowels_of
from phaseo_nb.sandbox.band.timbres import TIMBRES
from phaseo_nb.sandbox.band.vocabulary import read_wishes

PITCH_CLASSES = {"C": 0, "C#": 1, "D": 2, "Eb": 3, "E": 4, "F": 5, "F#": 6, "G": 7, "Ab": 8, "A": 9}
PITCH_CLASSES |= {"Bb": 10, "B": 11}


def song(prompt="", **words):
    return compose(SongSpec(prompt, **words))


def names(score):
    return {layer.name for layer in score.layers}


def voices(score):
    return {layer.voice for layer in score.layers}


@pytest.mark.parametrize(
    ("text", "bpm"),
    [
        ("house at 124 bpm", 124),
        ("128BPM techno", 128),
        ("a waltz, 92.5 bpm", 92.5),
        ("tempo: 77, jazz", 77),
        ("140 beats per minute", 140),
        ("very fast punk, 60 bpm", 60),
        ("largo for strings", 50),
        ("999 bpm", 300),
        ("5 bpm", None),
        ("bpm unknown", None),
    ],
)
def test_a_number_of_beats_per_minute_is_taken_as_it_is(text, bpm):
    """A number before or after "bpm" is the tempo, within 30 to 300."""
    assert read_wishes(text).bpm == bpm


def test_tempo_words_move_the_tempo_of_the_genre():
    """The same genre is slower with slow words and faster with fast ones."""
    slow, plain, fast = (
        [song(text, take=take).bpm for take in range(1, 9)]
        for text in ("very slow rock", "rock", "very fast rock")
    )

    assert max(slow) < min(plain)
    assert max(plain) < min(fast)
    assert max(fast) <= 200


@pytest.mark.parametrize(
    ("text", "key", "mode"),
    [
        ("in F sharp minor", "F#", "minor"),
        ("folk in F# minor", "F#", "minor"),
        ("key of B♭ major", "Bb", "major"),
        ("in E-flat major", "Eb", "major"),
        ("something in Am", "A", "minor"),
        ("D dorian funk", "D", "dorian"),
        ("techno in c# phrygian", "C#", "phrygian"),
        ("A minor waltz", "A", "minor"),
        ("in C at 120 bpm", "C", None),
        ("song in A.", "A", None),
        ("lydian dream", None, "lydian"),
        ("in a minor key", None, "minor"),
        ("with a minor twist", None, None),
        ("in a dark club", None, None),
        ("I live in Denver", None, None),
        ("be major, be bold", None, None),
    ],
)
def test_key_and_mode_are_read_and_articles_are_not(text, key, mode):
    """A key that is named is the key; "a minor twist" names none."""
    wishes = read_wishes(text)

    if text == "in a minor key":  # either reading is fair English; the mode is what counts
        assert wishes.mode == mode
        return
    assert wishes.tonic == (None if key is None else PITCH_CLASSES[key])
    assert wishes.mode == mode


def test_moods_lean_towards_minor_and_major():
    """Without a named mode, sad songs are minor and happy ones major."""
    minor = {"minor", "dorian", "phrygian", "harmonic minor"}

    assert {song("sad country", take=take).mode for take in range(1, 10)} <= minor
    assert not {song("happy trance", take=take).mode for take in range(1, 10)} & minor


@pytest.mark.parametrize(
    ("text", "genre"),
    [
        ("Warm jazz trio with brushed drums", "jazz"),
        ("lo-fi hip-hop to study to", "lofi"),
        ("drum & bass roller", "drum and bass"),
        ("acid techno", "techno"),
        ("jazzy funky house", "house"),
        ("house with jazz piano", "house"),
        ("acoustic reggae", "reggae"),
        ("8-bit adventure", "chiptune"),
        ("a string quartet", "classical"),
        ("R&B slow jam", "soul"),
        ("nothing that we know", "pop"),
    ],
)
def test_genres_go_by_many_names(text, genre):
    """An alias names its genre; of several words in a row the last is the noun."""
    assert song(text).genre == genre


def test_every_name_in_the_genres_exists():
    """No genre asks for a groove, pattern, chord or instrument that nobody has."""
    aliases = [alias for genre in GENRES.values() for alias in (genre.name, *genre.aliases)]
    for genre in GENRES.values():
        assert genre.groove in GROOVES
        assert set(genre.bass) <= BASS_LINES.keys() | {"walking"}
        assert set(genre.comp) <= COMPS.keys()
        wanted = {*genre.lead_voices, *genre.chord_voices, *genre.bass_voices, *genre.pad_voices}
        assert wanted <= TIMBRES.keys()
        assert genre.arp is None or (genre.arp[0] in ARPS and genre.arp[1] in TIMBRES)
        for mode in genre.modes:
            assert progressions(genre, mode)
        groove = GROOVES[genre.groove]
        for piece in {*groove.verse, *groove.chorus, *genre.effects}:
            assert len(drum_sound(genre.kit, piece, 0, 7, 0, 22_050)) > 20

    assert len(GENRES) >= 15
    assert len(aliases) == len(set(aliases))
    assert all(len(line) in {16, 17} for line in (*BASS_LINES.values(), *COMPS.values()))


def test_genres_are_not_one_pattern_under_many_labels():
    """No two genres share groove, bass line and way of playing chords."""
    habits = {(genre.groove, genre.bass, genre.comp) for genre in GENRES.values()}
    grooves = {repr(sorted(groove.verse.items())) for groove in GROOVES.values()}

    assert len(habits) == len(GENRES)
    assert len(grooves) == len(GROOVES)


@pytest.mark.parametrize(
    ("text", "silent", "playing"),
    [
        ("jazz, no drums", {"drums"}, {"bass", "chords", "lead"}),
        ("jazz without drums or bass", {"drums", "bass"}, {"chords", "lead"}),
        ("drumless jazz", {"drums"}, {"bass"}),
        ("jazz, beat-free", {"drums"}, {"bass"}),
        ("pop, no melody", {"lead"}, {"drums", "chords"}),
        ("trance with no bass and no arpeggios", {"bass", "arp"}, {"drums", "chords"}),
    ],
)
def test_a_no_sends_players_home(text, silent, playing):
    """What stands behind "no" or "without" is not in the score, everybody else is."""
    found = names(song(text, duration=30))

    assert not found & silent
    assert playing <= found


@pytest.mark.parametrize(
    ("text", "voices"),
    [
        ("no drums, piano", ["piano"]),
        ("without bass or drums, piano and sax", ["piano", "sax"]),
        ("without drums, bass and piano", []),
        ("no drums, bass or piano", []),
        ("no vocals; strings", ["strings"]),
    ],
)
def test_a_no_ends_where_the_sentence_says(text, voices):
    """A list behind "no" goes on only as far as its "or" or "and"."""
    assert read_wishes(text).voices == voices


@pytest.mark.parametrize("word", ["drums", "bass", "piano", "hi-hats", "trumpet, sax", "vocals"])
def test_negative_words_take_away_and_change_nothing_else(word):
    """The same song without a player: every other part stays note for note."""
    spec = {"duration": 30, "instrumental": False}
    full = song("jazz with piano and trumpet", **spec)
    less = song("jazz with piano and trumpet", negative=word, **spec)

    assert (full.bpm, full.key, full.mode, full.title) == (
        less.bpm,
        less.key,
        less.mode,
        less.title,
    )
    same = [layer for layer in less.layers if layer in full.layers]
    assert len(same) >= len(full.layers) - (3 if word == "vocals" else 2)
    if word == "piano":
        assert "piano" in voices(full)
        assert not voices(less) & {"piano", "epiano"}
    if word == "hi-hats":
        assert not {n.sound for n in less.layer("drums").notes} & {"hat", "openhat", "pedal"}


def test_solo_and_a_cappella_leave_the_others_out():
    """A solo piano is only a piano, a cappella only voices."""
    piano = song("solo piano, slow and sad")
    vocal = song("a cappella gospel", instrumental=False)

    assert voices(piano) == {"piano"}
    assert min(n.pitch for n in piano.layer("chords").notes) < 48, "a left hand plays the roots"
    assert voices(vocal) <= {"choir", "m", "f"}
    assert "vocals" in names(vocal)


def test_ruling_everything_out_still_gives_a_sound():
    """Nobody left to play is answered with a held chord, not with silence."""
    score = song("no drums, no bass, no chords, no melody, no pads, no arps, no vocals")

    assert len(score.layers) == 1
    assert score.layers[0].notes


@pytest.mark.parametrize(
    ("word", "voice"),
    [
        ("flute", "flute"),
        ("muted trumpet", "trumpet"),
        ("Hammond organ", "organ"),
        ("kalimba", "marimba"),
    ],
)
def test_named_instruments_play(word, voice):
    """An instrument named in the prompt is in the band."""
    assert voice in voices(song(f"pop with {word}"))


def test_the_first_instrument_leads_and_the_second_accompanies():
    """In "sax and piano" the sax has the tune."""
    score = song("slow jazz, tenor sax and Rhodes")

    assert score.layer("lead").voice == "sax"
    assert score.layer("chords").voice == "epiano"


def test_singers_sing_only_when_asked():
    """Instrumental means no voice; otherwise the register that was asked for sings."""
    sung = song("pop", instrumental=False, voice="m", duration=30)
    low = [note.pitch for note in sung.layer("vocals").notes]
    high = [
        n.pitch
        for n in song("pop", instrumental=False, voice="f", duration=30).layer("vocals").notes
    ]

    assert song("pop", instrumental=True).layer("vocals") is None
    assert sung.layer("vocals").voice == "m"
    assert min(low) >= 40, "a bass voice ends at E2"
    assert max(low) <= 69, "a tenor at A4"
    assert max(high) <= 81, "a pop singer well below the soprano's high C"
    assert sum(low) / len(low) + 6 < sum(high) / len(high)


def test_vowels_come_from_the_letters_of_the_lyrics():
    """One vowel for each syllable; the song uses them in order."""
    score = song(
        "pop",
        lyrics="[Verse]\nmoon moon moon\n[Chorus]\nstar star",
        instrumental=False,
        duration=30,
    )
    verse, chorus = score.sections
    notes = score.layer("vocals").notes

    assert vowels_of("Hello moon, tree") == ("e", "o", "u", "i")
    assert vowels_of("…!?") == ()
    assert {n.sound for n in notes if n.start < chorus.start - 0.5} == {"u"}
    assert {n.sound for n in notes if n.start > chorus.start} == {"a"}
    assert verse.lines == ("moon moon moon",)


def test_section_tags_shape_the_form():
    """The lyrics' tags come in their order, without gaps, and the chorus has the most energy."""
    tags = "[Intro]\n[Verse 1]\nla la\n[Pre-Chorus]\noh\n[Chorus]\nhey\n"
    tags += "[Bridge]\n[Drop]\n[Break]\n[Outro]"
    score = song("pop at 120 bpm", lyrics=tags, duration=120)
    kinds = [section.name for section in score.sections]
    energy = {section.name: section.energy for section in score.sections}

    assert kinds == ["intro", "verse", "pre-chorus", "chorus", "bridge", "drop", "break", "outro"]
    assert energy["intro"] < energy["verse"] < energy["pre-chorus"] < energy["chorus"]
    for before, after in pairwise(score.sections):
        assert after.first_bar == before.first_bar + before.bars
        assert after.start - before.start == pytest.approx(before.bars * 2.0, abs=1e-9)
    assert score.sections[-1].start < 120


def test_more_sections_than_bars_are_cut_down():
    """Twenty tags in three seconds are no reason to fail."""
    score = song("pop 120 bpm", lyrics="[Verse]\nla\n[Chorus]\nlo\n" * 10, duration=3)

    assert 1 <= len(score.sections) <= 2


def test_a_chorus_returns_with_its_tune():
    """The second chorus has the first one's melody, as a listener expects."""
    score = song("pop in C major at 120 bpm", lyrics="[Chorus]\n[Verse]\n[Chorus]", duration=49)
    first, _, second = score.sections
    bars = min(first.bars, second.bars) - 1

    def tune(section):
        end = section.start + bars * 2.0 - 0.1
        notes = [n for n in score.layer("lead").notes if section.start - 0.05 <= n.start < end]
        return [n.pitch for n in notes]

    assert len(tune(first)) > 5
    assert tune(first) == tune(second)


def test_drums_fill_and_crash_where_sections_change():
    """A crash falls on the first beat of a chorus, a fill comes before it."""
    score = song("rock at 120 bpm", lyrics="[Verse]\n[Chorus]", duration=41)
    change = score.sections[1].start
    drums = score.layer("drums").notes

    assert any(n.sound == "crash" and abs(n.start - change) < 0.03 for n in drums)
    assert {n.sound for n in drums if change - 1.05 < n.start < change - 0.02} & {"tom", "hightom"}
    assert not any(n.sound == "crash" and 2 < n.start < change - 1 for n in drums)


def test_jazz_swings_and_techno_does_not():
    """A jazz ride's off-beats fall on the last third of the beat, a techno hat's on the half."""

    def places(text, piece):
        score = song(text, duration=30)
        beat = 60 / score.bpm
        starts = [
            (n.start - score.pulse) / beat % 1
            for n in score.layer("drums").notes
            if n.sound == piece
        ]
        return [place for place in starts if 0.25 < place < 0.9]

    assert sum(places("jazz", "ride")) / len(places("jazz", "ride")) == pytest.approx(
        2 / 3, abs=0.02
    )
    techno = places("techno 130 bpm", "openhat")
    assert all(place == pytest.approx(0.5, abs=0.01) for place in techno)


def test_a_waltz_has_three_beats():
    """Bars of a waltz are three beats long."""
    score = song("waltz at 120 bpm", lyrics="[Verse]\n[Chorus]", duration=40)

    assert score.beats_per_bar == 3
    assert score.sections[1].start - score.pulse == pytest.approx(score.sections[1].first_bar * 1.5)


def test_the_bass_plays_the_root_of_the_chord_on_the_first_beat():
    """Where pop chords stand on 1, 5, 6 and 4, so does the bass."""
    score = song("rock in C major at 120 bpm", duration=40)
    downbeats = {
        round(n.pitch) % 12
        for n in score.layer("bass").notes
        if min((n.start - score.pulse) % 2.0, 2.0 - (n.start - score.pulse) % 2.0) < 0.03
    }

    assert downbeats <= {0, 2, 4, 5, 7, 9}, "roots of the major key's own triads"
    assert 0 in downbeats


def test_chords_are_led_with_small_steps():
    """From C to its neighbours no voice of a well led triad moves more than a fourth."""
    previous = lead_voices(chord_on(1, 0, "major", "triad"), (), 52, 72)
    for degree in (4, 5, 6, 2, 5, 1):
        chord = chord_on(degree, 0, "major", "triad")
        voicing = lead_voices(chord, previous, 52, 72)
        assert {pitch % 12 for pitch in voicing} == set(chord.tones)
        assert max(abs(a - b) for a, b in zip(voicing, previous, strict=True)) <= 5
        previous = voicing


def test_melodies_stay_in_their_scale():
    """In C major nobody plays a black key, in any section."""
    for take in (1, 2, 3):
        score = song("pop in C major", duration=60, take=take)
        pitched = [layer for layer in score.layers if layer.name not in {"drums", "effects"}]
        used = {round(n.pitch) % 12 for layer in pitched for n in layer.notes}
        assert used <= {0, 2, 4, 5, 7, 9, 11}


def test_the_same_words_give_the_same_score():
    """Equal requests are equal songs; another take or variation is another tune."""
    spec = SongSpec("dreamy synthwave", lyrics="[Verse]\nla", duration=30)
    other_take = compose(SongSpec("dreamy synthwave", lyrics="[Verse]\nla", duration=30, take=2))
    other_track = compose(
        SongSpec("dreamy synthwave", lyrics="[Verse]\nla", duration=30, variation=1)
    )
    score = compose(spec)

    assert compose(spec) == score
    assert other_take.layer("lead") != score.layer("lead")
    assert other_track.layer("lead") != score.layer("lead")
    assert (other_track.bpm, other_track.key, other_track.title) == (
        score.bpm,
        score.key,
        score.title,
    )


def test_scores_do_not_depend_on_the_hash_seed():
    """Two Python processes with other hash seeds write the same notes."""
    code = (
        "from phaseo_nb.sandbox.band import SongSpec, compose; import hashlib;"
        "s = compose(SongSpec('sad jazz with guitar, synths and strings, no pads', duration=60,"
        " lyrics='[Verse] la', instrumental=False));"
        "text = repr([(l.name, l.voice, l.notes) for l in s.layers]);"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(answers) == 1
    assert len(answers.pop().strip()) == 64


def test_composing_needs_no_numpy():
    """Facts about a song are to be had without loading the synthesizer."""
    code = (
        "import sys; from phaseo_nb.sandbox.band import SongSpec, compose;"
        "compose(SongSpec('jazz')); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("duration", [0, -5, 0.05, 600.5, 1e9, float("nan"), float("inf")])
def test_impossible_durations_are_refused(duration):
    """A length that is no number of seconds from 0.1 to 600 is an error that names it."""
    with pytest.raises(ValueError, match="duration must be"):
        song("pop", duration=duration)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00\x1b[31m\ud800",
        "💥" * 3000,
        "no " * 2000,
        "[" * 5000,
        "a minor " * 900,
        "drums, " * 900,
    ],
    ids=["empty", "controls", "emoji", "no", "brackets", "keys", "list"],
)
def test_odd_texts_make_songs(text):
    """Whatever stands in a prompt or in lyrics, there is a song with a printable title."""
    score = compose(SongSpec(text, style=text, lyrics=text, negative=text, instrumental=False))

    assert score.layers
    assert score.title.isprintable()
    assert 0 < len(score.title) <= 60


def test_titles_come_from_the_prompt_or_are_kept():
    """A title that was given is kept; else a word of the prompt is in it."""
    assert song("pop", title="My Song").title == "My Song"
    assert "Lantern" in song("Lantern").title
