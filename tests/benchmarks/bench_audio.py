"""From the bytes of a recording of four minutes to its card: how long, and who waits meanwhile.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_audio.py

What a take goes through once, when its audio has come: decode the mp3 (128 kbit/s, stereo), lowest
and highest samples, loudness (BS.1770), waveform picture, and the card with the recording in it. It
runs in a worker thread, as in the package, while an event loop beside it wants to wake up every 5
ms; how late it wakes at worst is the second figure. The parts are printed below the table.

pyloudnorm, the usual library for loudness, is beside us where it is installed.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from figures import Figure, is_quick, run_alone

from phaseo_nb import Track
from phaseo_nb.audio import measure as sound
from phaseo_nb.audio.codecs import decode, encode
from phaseo_nb.audio.pictures import waveform_png
from phaseo_nb.takes.kept import BARS, About, KeptTrack

SECONDS, RATE, TICK = 240, 44_100, 0.005


def measure() -> list[Figure]:
    """Return the figures."""
    turns = 1 if is_quick() else 9
    mp3 = encode(music(), RATE, "mp3", bitrate_kbps=128)
    walls, lags = [], []
    for turn in range(turns + 1):  # the first one loads what is needed
        wall, lag = asyncio.run(one_turn(mp3))
        if turn:
            walls.append(wall * 1000.0)
            lags.append(lag * 1000.0)
    samples = decode(mp3)[0]
    parts = {
        "decode": lambda: decode(mp3),
        "peaks": lambda: sound.peaks(samples, BARS),
        "loudness": lambda: sound.integrated_loudness(samples, RATE),
        "waveform": lambda: waveform_png(sound.peaks(samples, BARS)),
    }
    took = {name: [elapsed_ms(part) for _ in range(turns)] for name, part in parts.items()}
    print(", ".join(f"{name} {statistics.median(ms):.0f} ms" for name, ms in took.items()))
    return [
        Figure("mp3 of 4 minutes to its card, in a thread", "ms", walls, target="<= 900"),
        Figure("event loop beside it, late at worst", "ms", [max(lags)], target="<= 100"),
        Figure("loudness of 4 minutes", "ms", took["loudness"], loudness_peer(samples, turns)),
    ]


def music() -> Any:
    """Return four minutes that go up and down: chords of slow tones, and noise."""
    random = np.random.default_rng(4)
    t = np.arange(SECONDS * RATE, dtype=np.float32) / RATE
    mix = 0.05 * random.standard_normal((2, t.size), dtype=np.float32)
    for hertz in (110.0, 164.8, 220.0, 277.2, 440.0):
        mix += 0.1 * np.sin(2 * np.pi * hertz * t) * np.sin(2 * np.pi * t / (hertz / 10))
    return mix.astype(np.float32)


async def one_turn(mp3: bytes) -> tuple[float, float]:
    """Return how long a card takes in a thread, and how late the loop woke meanwhile."""
    about = About(prompt="Chords", model="suno/v4.5", provider="suno")
    track = KeptTrack(Track(0, title="Chords"), mp3, about=about)
    begin = time.perf_counter()
    work = asyncio.ensure_future(asyncio.to_thread(track.prepare))
    worst = 0.0
    while not work.done():
        asleep = time.perf_counter()
        await asyncio.sleep(TICK)
        worst = max(worst, time.perf_counter() - asleep - TICK)
    assert (await work).loudness_lufs < 0
    return time.perf_counter() - begin, worst


def elapsed_ms(action: Callable[[], Any]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    action()
    return (time.perf_counter() - begin) * 1000.0


def loudness_peer(samples: Any, turns: int) -> dict[str, list[float]]:
    """Return what pyloudnorm takes; nothing where it is not installed."""
    try:
        import pyloudnorm
    except ImportError:
        return {}
    meter, frames = pyloudnorm.Meter(RATE), samples.T.astype(np.float64)
    return {
        "pyloudnorm": [elapsed_ms(lambda: meter.integrated_loudness(frames)) for _ in range(turns)]
    }


if __name__ == "__main__":
    sys.exit(run_alone(measure))
