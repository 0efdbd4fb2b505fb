"""Tempo and key of songs whose score is known; what describing costs, and who waits meanwhile.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_descriptors.py

The sandbox's band plays 25 s of each of its genres in a major and in a minor key. That is clean and
steady material, made by this project: real recordings do worse, with every analyser. A tempo is
right within 4 %, a key in tonic and mode. While many are described in worker threads an event loop
beside them wants to wake up every 5 ms; how late it wakes at worst is a figure.

librosa hears the same songs where it is installed: beat_track, and chroma_cqt with the profiles of
Temperley as they were counted.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
import warnings
from typing import Any

import numpy as np
from figures import Figure, is_quick, run_alone

from phaseo_nb import Track, describe_all
from phaseo_nb.audio import descriptors
from phaseo_nb.audio.codecs import encode
from phaseo_nb.experiments import described
from phaseo_nb.sandbox.band import SongSpec, compose, render
from phaseo_nb.sandbox.band.genres import GENRES
from phaseo_nb.takes.kept import KeptTrack

RATE, SECONDS, TICK = 44_100, 25, 0.005
OCTAVES = (0.5, 2.0, 1.5, 2 / 3, 3.0, 1 / 3)


def measure() -> list[Figure]:
    """Return the figures."""
    songs = [*asked()][: 4 if is_quick() else None]
    tempos, keys, octaves, took, clips = [], [], 0, [], []
    theirs: dict[str, list[bool]] = {"tempo": [], "key": []}
    for number, (prompt, bpm, key) in enumerate(songs):
        samples = render(compose(SongSpec(prompt, duration=SECONDS)), RATE).astype(np.float32)
        start = time.process_time()
        found = descriptors.measure(samples, RATE)
        took.append((time.process_time() - start) * 1000.0)
        ratio = found.tempo.bpm / bpm if found.tempo else 0.0
        tempos.append(abs(ratio - 1) < 0.04)
        octaves += any(abs(ratio / times - 1) < 0.04 for times in OCTAVES)
        keys.append(found.key is not None and found.key.name == key)
        hear(samples, bpm, key, theirs)
        clips += [encode(samples, RATE, "wav")] if number < 8 else []
    late = [asyncio.run(lateness(clips)) for _ in range(1 if is_quick() else 5)]
    wrong = len(tempos) - sum(tempos) - octaves
    said = f"of {len(tempos)} songs; {octaves} others an octave or a triplet apart, {wrong} not"
    return [
        Figure("tempo right within 4 %", "%", *shares(tempos, theirs["tempo"]), target=">= 80",
               better="higher", note=said),
        Figure("key right", "%", *shares(keys, theirs["key"]), target=">= 75", better="higher"),
        Figure("all figures of 25 s, processor", "ms", [statistics.median(took)], target="<= 250"),
        Figure("event loop beside them, late at worst", "ms", late, target="<= 100"),
    ]  # fmt: skip


def asked() -> Any:
    """Yield a prompt, its tempo and its key for each genre and mode."""
    for number, (name, genre) in enumerate(sorted(GENRES.items())):
        for mode in ("major", "minor"):
            low, high = genre.bpm
            bpm = round(low + (high - low) * (number * 5 % 7) / 6)
            tonic = descriptors.NAMES[(number * 7 + (mode == "minor")) % 12]
            yield f"{name} in {tonic} {mode}, {bpm} bpm", bpm, f"{tonic} {mode}"


def shares(ours: list[bool], theirs: list[bool]) -> tuple[list[float], dict[str, list[float]]]:
    """Return how many are right, in per cent."""
    peers = {"librosa": [100.0 * sum(theirs) / len(theirs)]} if theirs else {}
    return [100.0 * sum(ours) / len(ours)], peers


def hear(samples: Any, bpm: float, key: str, heard: dict[str, list[bool]]) -> None:
    """Add what librosa says; nothing where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import librosa
        except ImportError:
            return
        mono = samples.mean(axis=0)[::2]
        tempo = float(np.atleast_1d(librosa.beat.beat_track(y=mono, sr=RATE // 2)[0])[0])
        chroma = librosa.feature.chroma_cqt(y=mono, sr=RATE // 2).mean(axis=1)
    fits = {
        f"{descriptors.NAMES[tonic]} {mode}": np.corrcoef(np.roll(profile, tonic), chroma)[0, 1]
        for tonic in range(12)
        for mode, profile in PROFILES.items()
    }
    heard["tempo"].append(abs(tempo / bpm - 1) < 0.04)
    heard["key"].append(max(fits, key=fits.__getitem__) == key)


PROFILES = {
    "major": (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    "minor": (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
}


async def lateness(clips: list[bytes]) -> float:
    """Return how late the loop wakes at worst, in ms, while clips are described beside it."""
    described._memory.clear()  # or the second turn would know them all
    tracks = [KeptTrack(Track(0), clip) for clip in clips]
    work = asyncio.ensure_future(describe_all(tracks))
    worst = 0.0
    while not work.done():
        asleep = time.perf_counter()
        await asyncio.sleep(TICK)
        worst = max(worst, time.perf_counter() - asleep - TICK)
    assert all(figures.brightness_hz for figures in await work)
    return worst * 1000.0


if __name__ == "__main__":
    sys.exit(run_alone(measure))
