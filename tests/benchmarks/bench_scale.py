"""A thousand jobs of five seconds at once, in one process: wall, lag, polls, memory, CPU.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_scale.py

The service is a process of its own on loopback and answers as Phaseo does; jobs are done five
seconds after their order. Each side is a process of its own, too, and they take turns:

- *httpx*: one client, eight requests at a time, a question every two seconds;
- *phaseo*, the official SDK: a thread for each job, a question every second;
- *client*: ``MusicClient.submit`` and ``wait`` without a library, once with the schedule for whom
  nothing is known (questions after 1, 3 and 6 s), and once with the peer's pause of two seconds,
  so that both ask as often: what a job costs is compared with that;
- *session*: ``nb.submit`` with a library that knows this model's jobs. It fetches and keeps the
  audio as well, so what it adds is taken against a client that downloads.

One job is: order, ask until it is done. A peer that asks more often is done sooner after the end,
and pays for it in questions; the table says how many. ``waiting`` is 10,000 jobs that do not
end: what they take while they wait.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peers
from figures import Figure, is_quick, run_alone

SIDES = Path(__file__).with_name("scale_sides.py")
HISTORY = 0.0
"""A pause of 0 leaves the rhythm to us."""


@contextmanager
def service(seconds: float) -> Iterator[str]:
    """Run the service; yields its base URL."""
    command = [sys.executable, SIDES, "service", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def side(name: str, url: str, n: int, pause: float, timeout: float = 900.0) -> dict[str, float]:
    """Run one side in a process of its own; return what it took."""
    words = [name, url, str(n), str(pause)]
    if name == "phaseo":
        return dict(peers.run("phaseo", SIDES.name, *words, timeout=timeout))
    command = [sys.executable, str(SIDES), *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if ended.returncode:
        message = f"{name}: {ended.stderr.strip().splitlines()[-1:]}"
        raise RuntimeError(message)
    return dict(json.loads(ended.stdout.strip().splitlines()[-1]))


RUNS = {
    "httpx": ("httpx", 2.0),
    "phaseo": ("phaseo", 1.0),
    "client": ("client", HISTORY),
    "client, asks as httpx": ("client", 2.0),
    "client, downloads": ("client+audio", HISTORY),
    "session": ("session", HISTORY),
}


def measure() -> list[Figure]:
    """Let everybody take turns; return the figures."""
    n, seconds, turns = (60, 1.0, 1) if is_quick() else (1000, 5.0, 3)
    took: dict[str, list[dict[str, float]]] = {name: [] for name in RUNS}
    missing = ""
    with service(seconds) as url:
        for _ in range(turns):
            for name, (script, pause) in RUNS.items():
                try:
                    took[name].append(side(script, url, n, pause))
                except peers.PeerMissing as error:
                    missing = str(error)
    with service(600.0) as url:
        idle = side("waiting", url, 200 if is_quick() else 10_000, 300.0)

    def all_of(name: str, fact: str) -> list[float]:
        return [run[fact] for run in took[name]]

    rivals = [name for name in ("phaseo", "httpx") if took[name]]
    walls = {name: all_of(name, "wall") for name in rivals}
    polls = {name: all_of(name, "polls") for name in rivals}
    cpu = {name: all_of(name, "cpu_ms") for name in rivals}
    pairs = zip(all_of("session", "cpu_ms"), all_of("client, downloads", "cpu_ms"), strict=True)
    added = [whole - bare for whole, bare in pairs]
    jobs = f"{n:,} jobs of {seconds:g} s"
    ask = {name: statistics.median(values) for name, values in polls.items()}
    asked = ", ".join(f"{name} {value:.1f}" for name, value in ask.items())
    note = f"questions a job: {asked}. {missing}".strip()
    figures = [
        Figure(f"{jobs}, client, wall", "s", all_of("client", "wall"), walls, "<= 1x", note=note),
        Figure(f"{jobs}, with audio and library, wall", "s", all_of("session", "wall"), walls),
        Figure(
            "CPU of a job, library off",
            "ms",
            all_of("client, asks as httpx", "cpu_ms"),
            {name: cpu[name] for name in ("httpx", *rivals)},
            "<= 1.5x httpx",
        ),
        Figure("CPU that the library adds to a job", "ms", added, target="<= 1.5"),
    ]
    for name in ("client", "session"):
        figures += [
            Figure(f"{name}: worst lag of the event loop", "s", all_of(name, "lag"), {}, "<= 0.1"),
            Figure(f"{name}: questions a job", "", all_of(name, "polls"), polls, "<= 3"),
            Figure(f"{name}: memory of the whole run", "MB", all_of(name, "memory"), {}, "<= 60"),
        ]
    waiting = "waiting: 10,000 jobs"
    return [
        *figures,
        Figure(f"{waiting}, memory for 1,000", "MB", [idle["memory"] / idle["jobs"] * 1e3]),
        Figure(f"{waiting}, CPU while nothing happens", "% of a core", [idle["idle_cpu"]]),
    ]


if __name__ == "__main__":
    sys.exit(run_alone(measure))
