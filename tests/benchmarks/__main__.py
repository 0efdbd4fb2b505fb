"""Run all benchmarks, or those that are named, and print one table: ``python tests/benchmarks``.

::

    python tests/benchmarks                     # all of them, then the chart in the README
    python tests/benchmarks scale light faults  # bench_scale.py, bench_light.py, bench_faults.py
    python tests/benchmarks --quick             # does it all still run? the figures mean nothing

Each benchmark is a process of its own; what it prints goes into a file beside the results, and
one that fails or hangs loses only its own rows. Peers are installed beside us, each into an
environment of its own (``peers.py``). Nothing else should run meanwhile: the load of the machine
is printed first. The exit code is 1 where a target is missed or a benchmark failed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import figures
import peers
from chart import write_charts

HERE = Path(__file__).parent
IMAGES = HERE.parent.parent / "notebooks" / "images"
PATIENCE = 900.0
"""Seconds that one benchmark may take."""
BUSY = 0.3
"""Load for each core above which timings are not to be trusted."""


def known() -> list[str]:
    """Return the names of the benchmarks, in the order in which they run."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description="See the file.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known())}")
    parser.add_argument("--quick", action="store_true", help="a smoke run of each")
    parser.add_argument("--envs", type=Path, help="where the peers' environments live")
    parser.add_argument("--results", type=Path, help="folder for results.json and the logs")
    parser.add_argument("--chart", type=Path, help="folder for the chart; a full run has one")
    given = parser.parse_args(words)
    strange = sorted(set(given.names) - set(known()))
    if strange:
        parser.error(f"no benchmark is called {', '.join(strange)}; there are {', '.join(known())}")
    return given


# -- the machine -----------------------------------------------------------------------------------


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    facts = {
        "date": date.today().isoformat(),
        "cpu": f"{os.cpu_count()} cores, {_cpu()}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    ours = ("phaseo-nb", "httpx", "pydantic", "numpy")
    return facts | {"with": ", ".join(f"{name} {version(name)}" for name in ours)}


def _cpu() -> str:
    with contextlib.suppress(OSError):
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        if found:
            return found[1].strip()
    return platform.processor() or "unknown"


def load() -> float | None:
    """Return how many processes wanted each core in the last minute, where the system tells."""
    with contextlib.suppress(OSError, AttributeError):
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    return None


# -- running ---------------------------------------------------------------------------------------


def run_all(
    names: list[str], folder: Path, *, is_quick: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run benchmarks one after the other; yields what is to be kept of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        print(f"{name:18}", end="", flush=True)
        began = time.monotonic()
        found, trouble = run_one(name, folder, is_quick=is_quick)
        seconds = time.monotonic() - began
        print(f"{seconds:6.0f} s  {trouble}".rstrip(), flush=True)
        yield (
            name,
            {
                "figures": [asdict(figure) for figure in found],
                "trouble": trouble,
                "seconds": round(seconds, 1),
                "is_quick": is_quick,
                "date": date.today().isoformat(),
            },
        )


def has_peers(name: str) -> bool:
    """Say whether a benchmark needs the peers' environments."""
    code = (HERE / f"bench_{name}.py").read_text(encoding="utf-8")
    return re.search(r"^\s*(import|from) peers\b", code, re.MULTILINE) is not None


def run_one(name: str, folder: Path, *, is_quick: bool) -> tuple[list[figures.Figure], str]:
    """Run one benchmark; return its figures, and why there are none."""
    written, log = folder / f"{name}.json", folder / f"{name}.log"
    written.unlink(missing_ok=True)
    command = [sys.executable, str(HERE / f"bench_{name}.py"), "--json", str(written)]
    command += ["--quick"] if is_quick else []
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | str = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = f"no end after {PATIENCE:.0f} s"
            end(process)
        except BaseException:
            end(process)
            raise
    if written.exists():
        try:
            return figures.read(written), ""
        except (ValueError, TypeError) as error:
            return [], f"FAILED: {error}; see {log}"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return [], f"FAILED ({code}): {lines[-1][:160] if lines else 'it printed nothing'}; see {log}"


def end(process: subprocess.Popen[bytes]) -> None:
    """End a benchmark, with the services and clients that it started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def caption_of(facts: dict[str, str], versions: dict[str, str]) -> str:
    """Return the line below the chart."""
    cores = facts["cpu"].partition(",")[0]
    there = [f"{name} {v}" for name, v in versions.items() if not v.startswith("missing")]
    return f"{facts['date']}, {cores}, Python {facts['python']}. Peers: {', '.join(there)}"


def report(done: dict[str, dict[str, Any]]) -> int:
    """Print the table, then where we miss a target or are behind; return the exit code."""
    found = [figures.Figure(**fields) for one in done.values() for fields in one["figures"]]
    print(f"\n{figures.table(found)}\n")
    missed = [figure.name for figure in found if figure.is_met is False]
    behind = [
        f"{figure.name} ({figures.number(figure.ratio() or 0)}x {figure.best_peer})"
        for figure in found
        if figure.standing == "behind"
    ]
    failed = [name for name, one in done.items() if one["trouble"]]
    print(f"behind: {'; '.join(behind) or 'nowhere'}")
    print(f"targets missed: {'; '.join(missed) or 'none'}")
    if failed:
        print(f"without figures: {', '.join(failed)}")
    is_quick = any(one["is_quick"] for one in done.values())
    return 1 if failed or (missed and not is_quick) else 0


def main(words: list[str]) -> int:
    """Do what the command line says."""
    given = parse(words)
    if given.envs:
        os.environ[peers.ENVS] = str(given.envs.resolve())
    folder = (given.results or peers.folder().parent / "results").resolve()
    folder = folder / "quick" if given.quick else folder
    facts, busy = machine(), load()
    print("\n".join(f"{name:8} {fact}" for name, fact in facts.items()))
    if busy is not None:
        warning = "  BUSY: others use this machine, timings mean little" if busy > BUSY else ""
        print(f"load     {busy:.2f} for each core{warning}")
    names = given.names or known()
    versions = peers.versions() if any(map(has_peers, names)) else {}
    print(f"peers    {', '.join(f'{name} {v}' for name, v in versions.items()) or 'none'}\n")
    done = dict(run_all(names, folder, is_quick=given.quick))
    code = report(done)
    results = folder / "results.json"
    kept: dict[str, Any] = {"benchmarks": {}}
    if results.exists() and not given.quick:  # of those that did not run now
        kept = json.loads(results.read_text(encoding="utf-8"))
    fresh = {name: one for name, one in done.items() if one["figures"]}
    everything = kept["benchmarks"] | fresh
    versions = kept.get("peers", {}) | versions
    caption = caption_of(facts, versions)
    whole = {"machine": facts, "load": busy, "peers": versions, "caption": caption}
    if not given.quick:
        results.write_text(json.dumps(whole | {"benchmarks": everything}, indent=1))
        print(f"\nresults: {results}")
    images = given.chart or (None if given.quick or given.names else IMAGES)
    if images:
        drawn = [figures.Figure(**row) for one in everything.values() for row in one["figures"]]
        print(*write_charts(drawn, images, caption), sep="\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
