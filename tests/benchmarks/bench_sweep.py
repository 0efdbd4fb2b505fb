"""Sweeps: how long ten thousand cells take to plan, and what a long run holds in memory.

``python tests/benchmarks/bench_sweep.py``; nothing is paid, nothing leaves this process.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from counting_gateway import CountingGateway
from figures import Figure, is_quick, run_alone

CELLS = 10_000
ABOUT = "Tune {n}: a warm jazz trio with brushed drums, an upright bass and a soft piano"


def _prompts(n: int, more: str = "") -> list[str]:
    return [ABOUT.format(n=number) + more for number in range(n)]


def _plan(sweep_of) -> float:
    """Return the seconds that a plan takes, from the words to the table."""
    began, busy = time.perf_counter(), time.process_time()
    plan = sweep_of().plan()
    took = time.perf_counter() - began
    print(f"planned in {took:.2f} s, of which {time.process_time() - busy:.2f} s of processor")
    assert plan.count == CELLS
    return took


def _keep_half(nb, sweep) -> None:
    """Write down half of the cells of a sweep as kept, without buying them."""
    keys = sweep.compiled.keys[::2]
    columns = "id, key, number, attempt, state, gateway, base_url, sandbox, request, created_at"
    rows = [(f"{key[:16]}-1", key, 1, 1, "kept", "phaseo", "", 0, "{}", 0.0) for key in keys]
    query = f"INSERT INTO takes ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    sweep.library.folder.database.write(lambda db: db.executemany(query, rows).rowcount).result()


def _refuse(nb) -> float:
    thousand = [str(number) for number in range(1000)]
    began, said = time.perf_counter(), ""
    try:
        nb.Sweep(prompt=thousand, style=thousand, title=thousand)
    except nb.ExperimentError as error:
        said = str(error)
    took = time.perf_counter() - began
    assert "1,000,000,000" in said
    return 1000 * took


def _resident() -> float:
    """Return what this process holds now, in MB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _growth(nb, n: int) -> tuple[float, float]:
    """Return by how many MB a run of n cells makes this process larger, and its seconds."""
    sweep = nb.Sweep(prompt=_prompts(n, " again"))
    sweep.plan()
    before, began = _resident(), time.perf_counter()
    nb.run(sweep.run(show=False))
    return _resident() - before, time.perf_counter() - began


def measure() -> list[Figure]:
    """Measure each thing some times in one process."""
    os.environ["PHASEO_NB_HOME"] = tempfile.mkdtemp()
    import phaseo_nb as nb

    gateway = CountingGateway()
    session = gateway.connect()
    # A service that answers at once: what is measured is ours, not its rhythm.
    session._client.poll = lambda interval: iter([0.01] * 100)
    nb.Sweep(prompt=["warm", "up"]).plan()
    turns = 1 if is_quick() else 5
    fresh = [_plan(lambda: nb.Sweep(prompt=_prompts(CELLS))) for _ in range(turns)]
    grid = {"prompt": _prompts(100), "duration": list(range(1, 11)), "takes": 10}
    product = [_plan(lambda: nb.Sweep(**grid)) for _ in range(turns)]
    _keep_half(nb, nb.Sweep(prompt=_prompts(CELLS)))
    half = [_plan(lambda: nb.Sweep(prompt=_prompts(CELLS))) for _ in range(turns)]
    refused = [_refuse(nb) for _ in range(turns)]
    few, many = (20, 60) if is_quick() else (300, CELLS)
    _growth(nb, few)  # threads, connections, caches
    growth, seconds = _growth(nb, many)
    print(f"a run of {many} cells: {seconds:.1f} s, {1000 * seconds / many:.1f} ms each")
    return [
        Figure(f"plan {CELLS:,} prompts", "s", fresh, target="<= 1"),
        Figure("plan 100 prompts x 10 durations x 10 takes", "s", product, target="<= 1"),
        Figure(f"plan {CELLS:,} prompts, half of them kept", "s", half, target="<= 1"),
        Figure("refuse 10^9 cells", "ms", refused, target="<= 50"),
        Figure(f"memory that a run of {many:,} cells adds", "MB", [growth], target="<= 60"),
    ]


if __name__ == "__main__":
    sys.exit(run_alone(measure))
