"""How fast the sandbox plays, how much memory a long job takes, how loud it comes out.

Run it as a command of its own::

    python tests/benchmarks/bench_synth.py            # every genre
    python tests/benchmarks/bench_synth.py house jazz # these prompts

Speeds are the median of five runs in times real time, the first of them with cold tables; memory
is the peak of a fresh process that composes, renders and encodes 240 s as mp3, imports included.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import numpy as np

from phaseo_nb.audio.measure import integrated_loudness, peak_dbfs, silence_fraction
from phaseo_nb.sandbox.band import SongSpec, compose, render
from phaseo_nb.sandbox.band.genres import GENRES

RUNS = 5
SHORT, LONG = 30.0, 240.0
SHORT_TARGET, LONG_TARGET, MEMORY_TARGET = 150.0, 100.0, 300.0

_JOB = """
import sys
from phaseo_nb.sandbox.band import SongSpec, compose
from phaseo_nb.sandbox.encode import encode_track
from phaseo_nb.sandbox.band import render, render_blocks
score = compose(SongSpec(sys.argv[1], duration=240.0, instrumental=False))
samples = render(score) if sys.argv[2] == "whole" else render_blocks(score)
size = len(encode_track(samples, 44_100, "mp3", score))
try:  # not ru_maxrss where it can be helped: that one begins with the parent's peak
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
except OSError:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
print(f"{peak:.0f} {size}")
"""


def speeds(prompt: str, duration: float) -> list[float]:
    """Return how many seconds of music each second of work gave, for each run."""
    found = []
    for _ in range(RUNS):
        began = time.perf_counter()
        render(compose(SongSpec(prompt, duration=duration)))
        found.append(duration / (time.perf_counter() - began))
    return found


def memory_mb(prompt: str, way: str) -> tuple[float, int]:
    """Return the peak memory of a fresh process in MB, and the size of its mp3."""
    answer = subprocess.run(
        [sys.executable, "-c", _JOB, prompt, way], capture_output=True, text=True, check=True
    )
    peak, size = answer.stdout.split()
    return float(peak), int(size)


def main(prompts: list[str]) -> None:
    """Measure and print one line for each prompt, then the memory of a long job."""
    print("prompt             30 s   cold  240 s     LUFS   peak silence")
    medians: list[tuple[float, float]] = []
    for prompt in prompts:
        short, long = speeds(prompt, SHORT), speeds(prompt, LONG)
        samples = render(compose(SongSpec(prompt, duration=SHORT)))
        loudness = integrated_loudness(samples, 44_100)
        medians.append((statistics.median(short), statistics.median(long)))
        print(
            f"{prompt:16s} {medians[-1][0]:5.0f}x {short[0]:5.0f}x {medians[-1][1]:5.0f}x   "
            f"{loudness:6.1f} {peak_dbfs(samples):6.1f} {silence_fraction(samples, 44_100):7.2%}",
            flush=True,
        )
    short_median, long_median = np.median(np.array(medians), axis=0)
    _verdict(
        f"30 s, median of all: {short_median:.0f}x",
        short_median >= SHORT_TARGET,
        f">= {SHORT_TARGET:g}x",
    )
    _verdict(
        f"240 s, median of all: {long_median:.0f}x",
        long_median >= LONG_TARGET,
        f">= {LONG_TARGET:g}x",
    )
    for way in ("blocks", "whole"):
        peak, size = memory_mb(prompts[-1], way)
        label = f"240 s of {prompts[-1]} to mp3 ({size / 1e6:.1f} MB), in {way}: {peak:.0f} MB"
        _verdict(label, peak <= MEMORY_TARGET, f"<= {MEMORY_TARGET:g} MB")


def _verdict(label: str, met: bool, target: str) -> None:
    print(f"{label}  target {target}  {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(GENRES))
