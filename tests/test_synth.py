"""What the sandbox's synthesizer makes of a score, measured on the samples."""

from __future__ import annotations

import anyio
import numpy as np
import pytest

from phaseo_nb.audio.measure import integrated_loudness, peak_dbfs, silence_fraction
from phaseo_nb.sandbox.band import SongSpec, compose, render, render_blocks
from phaseo_nb.sandbox.band.drums import drum_sound
from phaseo_nb.sandbox.band.genres import GENRES
from phaseo_nb.sandbox.band.timbres import TIMBRES
from phaseo_nb.sandbox.band.voices import Orchestra

RATE = 22_050


def played(prompt="pop", rate=RATE, **words):
    return render(compose(SongSpec(prompt, **words)), rate)


def band_db(samples, low, high, rate=RATE):
    """Return the energy of a band in dB, both channels together."""
    spectrum = np.abs(np.fft.rfft(samples, axis=1)) ** 2
    f = np.fft.rfftfreq(samples.shape[1], 1 / rate)
    return 10 * np.log10(spectrum[:, (f >= low) & (f < high)].sum() + 1e-12)


@pytest.mark.parametrize("rate", [44_100, 48_000, 22_050, 8_000])
@pytest.mark.parametrize("duration", [0.5, 1.0, 1.2345, 7.77])
def test_the_length_is_exact(duration, rate):
    """Stereo float32, and as many samples as seconds times rate."""
    samples = played("house", rate, duration=duration)

    assert samples.shape == (2, round(duration * rate))
    assert samples.dtype == np.float32


def test_ten_minutes_are_ten_minutes():
    """The longest song has its exact length, sound to the end, and no ringing memory."""
    score = compose(SongSpec("ambient", duration=600))
    frames = 0
    for block in render_blocks(score, 8_000):
        frames += block.shape[1]
        assert np.isfinite(block).all()
        quiet = float(np.sqrt(np.mean(block**2)))
        assert quiet > 1e-3 or frames == 4_800_000

    assert frames == 4_800_000


@pytest.mark.parametrize("block", [1_000, 65_536, 131_072, 10_000_000])
def test_blocks_joined_are_the_song(block):
    """However it is cut, the song is the same to the bit."""
    score = compose(SongSpec("jazz", duration=8))
    pieces = list(render_blocks(score, RATE, block))

    assert max(piece.shape[1] for piece in pieces) <= block
    assert np.array_equal(np.concatenate(pieces, axis=1), render(score, RATE))


@pytest.mark.parametrize("rate", [0, 7_999, 200_000, -44_100])
def test_impossible_sample_rates_are_refused(rate):
    """A rate outside 8 to 192 kHz is an error that names it."""
    with pytest.raises(ValueError, match=str(rate)):
        render(compose(SongSpec("pop", duration=1)), rate)


def test_empty_blocks_are_refused():
    """A block of no samples would never end."""
    with pytest.raises(ValueError, match="at least 1"):
        next(render_blocks(compose(SongSpec("pop", duration=1)), RATE, 0))


@pytest.mark.parametrize("genre", GENRES)
def test_every_genre_is_loud_enough_and_never_clips(genre):
    """Each genre comes out at -16 to -12 LUFS, peaks below -1 dBFS, at most 1 % silence."""
    samples = played(genre, 44_100, duration=20)

    assert -16 <= integrated_loudness(samples, 44_100) <= -12
    assert peak_dbfs(samples) <= -1
    assert silence_fraction(samples, 44_100) <= 0.01
    assert abs(float(samples.mean())) < 0.003


@pytest.mark.parametrize("words", [{"instrumental": False}, {"negative": "drums, bass"}])
@pytest.mark.parametrize("duration", [1.0, 5.0])
def test_short_and_thin_songs_are_loud_enough_too(duration, words):
    """Neither a short length nor missing players move the loudness out of its range."""
    samples = played("folk", 44_100, duration=duration, **words)

    assert -16.5 <= integrated_loudness(samples, 44_100) <= -11.5
    assert silence_fraction(samples, 44_100) <= 0.02


def test_the_same_score_gives_the_same_samples():
    """Rendering twice gives identical arrays, whatever was played in between."""
    score = compose(SongSpec("funk", duration=6))
    first = render(score, RATE)
    played("metal", duration=3)

    assert np.array_equal(first, render(score, RATE))


@pytest.mark.parametrize(
    "prompt",
    ["house 124 bpm in A minor", "rock", "techno 130 bpm in C minor", "solo piano in C major"],
)
def test_takes_and_tracks_differ(prompt):
    """Takes and the two tracks of a job hardly correlate, even with tempo and key given."""
    songs = [
        played(prompt, duration=20, take=take, variation=variation).mean(axis=0)
        for take in (1, 2, 3)
        for variation in (0, 1)
    ]
    likeness = np.abs(np.corrcoef(songs)) - np.eye(len(songs))

    assert likeness.max() < 0.1


def test_the_song_fades_at_its_end():
    """The last tenth of a second is far below the rest."""
    samples = played("rock", duration=16)
    last = samples[:, -RATE // 10 :]

    assert np.sqrt(np.mean(last**2)) < 0.1 * np.sqrt(np.mean(samples**2))
    assert np.abs(samples[:, -1]).max() < 1e-3


def test_stereo_is_wide_and_survives_mono():
    """Pads differ left and right, and the sum in mono loses little."""
    for prompt in ("synthwave", "classical", "rock without drums or bass"):
        left, right = played(prompt, duration=12)
        stereo = np.mean(left**2) + np.mean(right**2)
        mono = np.mean((left + right) ** 2) / 2
        assert np.mean((left - right) ** 2) / 2 > 0.02 * stereo
        assert 10 * np.log10(mono / stereo) > -4


def test_no_drums_means_no_drums_in_the_spectrum():
    """Without drums the hiss of cymbals above 9 kHz is gone, and all else stays."""
    full = played("pop", duration=16)
    less = played("pop", duration=16, negative="drums")

    assert band_db(full, 9_000, 11_000) - band_db(less, 9_000, 11_000) > 15
    assert abs(band_db(full, 300, 3_000) - band_db(less, 300, 3_000)) < 6


def test_no_bass_means_nothing_below_the_chords():
    """Without bass and drums there is next to nothing below 100 Hz."""
    for prompt in ("reggae", "trance", "rock", "jazz"):
        full = played(prompt, duration=16, negative="drums")
        less = played(prompt, duration=16, negative="drums, bass")
        share = band_db(less, 20, 100) - band_db(less, 20, 11_000)
        assert band_db(full, 20, 100) - band_db(less, 20, 100) > 15
        assert share < -20


def test_no_hats_leaves_the_kick():
    """Taking the hi-hat out thins the treble and leaves the low end."""
    full = played("techno", duration=16)
    less = played("techno", duration=16, negative="hi-hats")

    assert band_db(full, 8_500, 11_000) - band_db(less, 8_500, 11_000) > 3
    assert abs(band_db(full, 40, 90) - band_db(less, 40, 90)) < 1.5


def test_a_solo_flute_has_no_attack_of_strings_below():
    """Alone means alone: a solo flute has nothing below its own lowest notes."""
    samples = played("solo flute in G major", duration=12)

    assert band_db(samples, 20, 180) - band_db(samples, 180, 11_000) < -25


def test_vowels_are_heard_as_formants():
    """An "ee" has its second formant above 2 kHz, an "ah" most of its energy below 1.5 kHz."""

    def ratio(syllable):
        samples = played(
            "pop in D major",
            44_100,
            lyrics="[Verse]\n" + " ".join([syllable] * 12),
            instrumental=False,
            voice="f",
            duration=10,
            negative="drums, bass, chords, pads, arps",
        )
        return band_db(samples, 2_000, 3_200, 44_100) - band_db(samples, 700, 1_500, 44_100)

    orchestra = Orchestra(44_100)
    notes = {vowel: orchestra.note("f", 62, 44_100, 0.8, vowel, 0) for vowel in ("a", "i", "u")}
    heard = {
        vowel: band_db(note, 2_000, 3_200, 44_100) - band_db(note, 700, 1_500, 44_100)
        for vowel, note in notes.items()
    }

    assert heard["i"] > heard["a"] + 12
    assert heard["i"] > heard["u"] + 6
    assert ratio("see") > ratio("la") + 3


@pytest.mark.parametrize("voice", TIMBRES)
def test_every_instrument_plays_in_tune_and_without_aliases(voice):
    """A held A has its strongest partials on multiples of 220 Hz (distorted fifths: of 110)."""
    note = Orchestra(44_100).note(voice, 57, 66_150, 0.9, "", 1)
    spectrum = np.abs(np.fft.rfft(note.sum(axis=0) * np.hanning(note.shape[1])))
    f = np.fft.rfftfreq(note.shape[1], 1 / 44_100)
    spectrum[f < 60] = 0
    strongest = f[np.argmax(spectrum)]
    base = 110 if voice == "distguitar" else 220
    harmonic = max(round(strongest / base), 1)

    assert np.isfinite(note).all()
    assert abs(1200 * np.log2(strongest / (harmonic * base))) < 25
    assert abs(note[:, -1]).max() < 1e-3, "no click where the note ends"
    assert 0.01 < np.abs(note).max() < 1.5


def test_kicks_are_tuned_to_the_song():
    """The kick rings on the tonic or the fifth of the key."""
    for tonic, hertz in ((9, 55.0), (0, 32.703), (5, 43.654)):
        kick = drum_sound("808", "kick", 0, 7, tonic, 44_100)
        tail = kick[6_000:30_000] * np.hanning(24_000)
        spectrum = np.abs(np.fft.rfft(tail, 1 << 18))
        ring = np.argmax(spectrum) * 44_100 / (1 << 18)
        steps = 12 * np.log2(ring / hertz) % 12
        assert min(abs(steps - step) for step in (0, 7, 12)) < 0.6


def test_two_strokes_of_a_snare_are_not_the_same_recording():
    """Round robin: equal in kind, different in noise."""
    first, second = (drum_sound("acoustic", "snare", turn, 7, 0, 44_100) for turn in (0, 1))
    likeness = np.corrcoef(first, second)[0, 1]

    assert 0.05 < likeness < 0.9


def test_sidechain_ducks_the_music_under_the_kick():
    """Where a house kick falls, the rest is quieter than half a beat later."""
    score = compose(SongSpec("house at 120 bpm, pads", duration=16, negative="bass"))
    samples = render(score, RATE)
    spectrum = np.fft.rfft(samples.mean(axis=0))
    f = np.fft.rfftfreq(samples.shape[1], 1 / RATE)
    spectrum[(f < 300) | (f > 1_200)] = 0
    level = np.fft.irfft(spectrum, samples.shape[1]) ** 2

    def around(offset):
        starts = [int((score.pulse + beat * 0.5 + offset) * RATE) for beat in range(8, 24)]
        return sum(level[at : at + 1_000].mean() for at in starts)

    assert score.pump > 0.3
    assert around(0.4) > 1.5 * around(0.06)


@pytest.mark.anyio
async def test_rendering_in_a_worker_thread_leaves_the_loop_alive():
    """While a minute is rendered in a thread, the event loop goes on turning."""
    score = compose(SongSpec("trance", duration=60))
    turns = 0
    done = False

    async def work():
        nonlocal done
        await anyio.to_thread.run_sync(render, score)
        done = True

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        began = anyio.current_time()
        longest = 0.0
        while not done:
            before = anyio.current_time()
            await anyio.sleep(0.002)
            longest = max(longest, anyio.current_time() - before)
            turns += 1
        elapsed = anyio.current_time() - began

    assert turns > 10
    assert longest < max(0.25, 0.5 * elapsed)


@pytest.mark.parametrize("voice", ["supersaw", "warmpad", "violin", "bell", "f"])
def test_a_note_that_was_handed_out_stays_as_it_was(voice):
    """Later notes leave earlier ones alone, and come out as if nothing had been played before."""
    orchestra = Orchestra(44_100)
    first = orchestra.note(voice, 60.0, 30_000, 0.9, "", 0)
    kept = first.copy()

    orchestra.note("saw", 64.0, 9_000, 0.9, "", 3)
    short = orchestra.note(voice, 67.0, 2_000, 0.9, "", 0)

    assert np.array_equal(first, kept)
    assert np.array_equal(short, Orchestra(44_100).note(voice, 67.0, 2_000, 0.9, "", 0))
