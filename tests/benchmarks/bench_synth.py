"""How fast the sandbox plays, how much memory a long job takes, how loud it comes out.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_synth.py            # some genres, the slowest among them
    python tests/benchmarks/bench_synth.py all        # every genre
    python tests/benchmarks/bench_synth.py house jazz # these prompts

Speeds are medians in times real time (composing and rendering, tables warm). Others may use the
machine meanwhile: a fixed piece of work is timed around each run, and runs during which that
took a fifth longer than at its best are made again. Memory is the peak of a fresh process that
composes, renders and encodes 240 s as mp3, imports included.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from figures import Figure, arguments, is_quick, run_alone

from phaseo_nb.audio.measure import integrated_loudness, peak_dbfs, silence_fraction
from phaseo_nb.sandbox.band import SongSpec, compose, render
from phaseo_nb.sandbox.band.genres import GENRES

SHORT, LONG = 30.0, 240.0
SHORT_RUNS, LONG_RUNS = 5, 3
SHORT_TARGET, LONG_TARGET, MEMORY_TARGET = 150.0, 100.0, 300.0
QUIETEST, LOUDEST = -16.0, -12.0
SOME = ("blues", "classical", "drum and bass", "house", "jazz", "metal")

_JOB = """
import sys
from phaseo_nb.sandbox.band import SongSpec, compose, render, render_blocks
from phaseo_nb.sandbox.encode import encode_track
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


class Row(NamedTuple):
    """What was measured of one prompt."""

    prompt: str
    short: float
    """Seconds of music a second of work gives, for 30 s."""
    long: float
    """The same for 240 s."""
    loudness_lufs: float
    peak_dbfs: float
    silence: float


class Yardstick:
    """A fixed piece of work like the synthesizer's own: it tells how busy the machine is."""

    def __init__(self) -> None:
        random = np.random.default_rng(1)
        self._table = random.standard_normal(65_536).astype(np.float32)
        self._places = random.integers(0, 65_536, 400_000)
        self._tone = np.empty(400_000, np.float32)
        self.best = min(self._once() for _ in range(50))
        self.noise = 1.0
        """How much longer it took at its worst while the runs that count were made."""

    def _once(self) -> float:
        began = time.perf_counter()
        self._table.take(self._places, mode="wrap", out=self._tone)
        return time.perf_counter() - began

    def _now(self) -> float:
        return statistics.median(self._once() for _ in range(5))

    def median(self, work: Callable[[], object], runs: int) -> float:
        """Return the median seconds of ``runs`` quiet runs; of the quietest, if few are quiet."""
        found: list[tuple[float, float]] = []
        for _ in range(4 * runs):
            before = self._now()
            began = time.perf_counter()
            work()
            seconds = time.perf_counter() - began
            after = self._now()
            self.best = min(self.best, before, after)
            found.append((max(before, after) / self.best, seconds))
            if sum(noise < 1.2 for noise, _ in found) == runs:
                break
        quiet = sorted(found)[:runs]
        self.noise = max(self.noise, quiet[-1][0])
        return statistics.median(seconds for _, seconds in quiet)


def measure_prompt(prompt: str, yardstick: Yardstick) -> Row:
    """Measure speeds, and the sound of the short song."""

    def play(duration: float) -> np.ndarray:
        return render(compose(SongSpec(prompt, duration=duration)))

    samples = play(SHORT)
    return Row(
        prompt,
        SHORT / yardstick.median(lambda: play(SHORT), SHORT_RUNS),
        LONG / yardstick.median(lambda: play(LONG), 1 if is_quick() else LONG_RUNS),
        integrated_loudness(samples, 44_100),
        peak_dbfs(samples),
        silence_fraction(samples, 44_100),
    )


def memory_mb(prompt: str, way: str) -> tuple[float, int]:
    """Return the peak memory of a fresh process in MB, and the size of its mp3."""
    answer = subprocess.run(
        [sys.executable, "-c", _JOB, prompt, way], capture_output=True, text=True, check=True
    )
    peak, size = answer.stdout.split()
    return float(peak), int(size)


def measure() -> list[Figure]:
    """Print one line for each prompt, and return the medians, each value a prompt's."""
    prompts = arguments() or (["house"] if is_quick() else list(SOME))
    prompts = list(GENRES) if prompts == ["all"] else prompts
    yardstick, rows = Yardstick(), []
    print("prompt            30 s  240 s     LUFS   peak  silence")
    for prompt in prompts:
        row = measure_prompt(prompt, yardstick)
        rows.append(row)
        print(
            f"{prompt:16s} {row.short:4.0f}x  {row.long:4.0f}x   {row.loudness_lufs:6.1f} "
            f"{row.peak_dbfs:6.1f}  {row.silence:7.2%}",
            flush=True,
        )
    print(f"(the machine was up to {yardstick.noise:.2f} times as slow as at its best)\n")
    slowest = min(rows, key=lambda row: row.long).prompt
    peaks = {way: memory_mb(slowest, way) for way in ("blocks", "whole")}
    for way, (peak, size) in peaks.items():
        print(f"240 s of {slowest} to mp3 ({size / 1e6:.1f} MB), in {way}: {peak:.0f} MB")
    levels = [row.loudness_lufs for row in rows]
    off = [row.prompt for row in rows if not QUIETEST <= row.loudness_lufs <= LOUDEST]
    wanted = f"{min(levels):.1f} to {max(levels):.1f} LUFS; off: {', '.join(off) or 'none'}"
    most, playing = max(peak for peak, _ in peaks.values()), "sandbox"
    return [
        _speed(f"{playing}, 30 s of music", [row.short for row in rows], SHORT_TARGET),
        _speed(f"{playing}, 240 s of music", [row.long for row in rows], LONG_TARGET),
        Figure(f"{playing}, prompts off {QUIETEST:g} to {LOUDEST:g} LUFS", "", [len(off)],
               target="<= 0", note=wanted),
        Figure(f"{playing}, memory for 240 s", "MB", [most], target=f"<= {MEMORY_TARGET:g}"),
    ]  # fmt: skip


def _speed(name: str, speeds: list[float], target: float) -> Figure:
    return Figure(name, "times real time", speeds, target=f">= {target:g}", better="higher")


if __name__ == "__main__":
    sys.exit(run_alone(measure))
