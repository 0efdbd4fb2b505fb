"""Ten thousand jobs on a cluster where everything breaks: workers, the cluster, the journal, S3.

``python tests/benchmarks/bench_cluster.py``: a real PostgreSQL, a dask cluster of worker
processes, an S3 server and a music service of a second's length, all on loopback. First the same
work in one process on SQLite and a folder; then on the cluster in peace; then with twenty workers
killed, the cluster lost once, connections of the database cut and 2 % of the writes to the bucket
refused. What was paid is counted by the service.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from figures import Figure, is_quick, run_alone
from grounds import buckets, clusters, postgres, services

N_PEACE = 60 if is_quick() else 1_500
N_WAR = 120 if is_quick() else 10_000
KILLS = 2 if is_quick() else 20
WORKERS = 2


def _prompts(name: str, n: int) -> list[str]:
    return [f"{name} {number}" for number in range(n)]


def _connect(nb, service, library):
    more = {"base_url": service.url, "model": services.SOON, "library": library}
    return nb.connect("phaseo", api_key=services.KEY, **more)


def _learn(nb, service, library) -> None:
    """Let a journal know how long jobs take, so that all are asked about as often."""
    session = _connect(nb, service, library)
    session._client.poll = lambda interval: itertools.repeat(0.2)
    sweep = nb.Sweep(prompt=_prompts("first", 4), name="first", session=session)
    nb.run(sweep.run(show=False))


def _cpu(pids: list[int]) -> float:
    """Return the seconds of processor that processes have used."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _resident(pids: list[int]) -> list[float]:
    sizes = []
    for pid in pids:
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            sizes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
    return sizes


def _in_one_process(nb, service) -> tuple[float, float]:
    """Return jobs per second and milliseconds of processor for a job, in this process."""
    library = nb.Library(tempfile.mkdtemp())
    _learn(nb, service, library)
    session = _connect(nb, service, library)
    sweep = nb.Sweep(prompt=_prompts("alone", N_PEACE), name="alone", session=session)
    sweep.plan()
    began, busy = time.perf_counter(), time.process_time()
    nb.run(sweep.run(concurrency=100, show=False))
    took, used = time.perf_counter() - began, time.process_time() - busy
    library.close()
    return N_PEACE / took, 1000 * used / N_PEACE


def _in_peace(nb, service) -> tuple[float, float, float]:
    """Return jobs per second, milliseconds of processor for a job in the workers, and growth."""
    url = postgres.server().database()
    library = nb.Library(url, audio=tempfile.mkdtemp())
    _learn(nb, service, library)
    session = _connect(nb, service, library)
    with clusters.cluster(WORKERS, env=_environment(url)) as cluster, cluster.client() as client:
        warm = nb.Sweep(prompt=_prompts("warm", 4 * N_PEACE // 10), name="warm", session=session)
        nb.run(warm.run(on=client, show=False))
        before, pids = _resident(cluster.pids()), cluster.pids()
        sweep = nb.Sweep(prompt=_prompts("peace", N_PEACE), name="peace", session=session)
        sweep.plan()
        began, busy, here = time.perf_counter(), _cpu(pids), time.process_time()
        nb.run(sweep.run(on=client, show=False))
        took, used = time.perf_counter() - began, _cpu(pids) - busy
        used += time.process_time() - here
        growth = max(b - a for a, b in zip(before, _resident(pids), strict=True))
    library.close()
    return N_PEACE / took, 1000 * used / N_PEACE, growth


def _environment(url: str, **more: str) -> dict[str, str]:
    return {"PHASEO_NB_HOME": url, "PHASEO_API_KEY": services.KEY, **more}


class _War:
    """Breaks one thing after the other while a sweep runs."""

    def __init__(self, database: str) -> None:
        self.kills = 0
        self.cuts = 0
        self._database = postgres.name_of(database)
        self._rng = random.Random(7)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def wage(self, cluster, most: int) -> None:
        self._over.clear()
        self._thread = threading.Thread(target=self._fight, args=(cluster, most))
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _fight(self, cluster, most: int) -> None:
        ends = self.kills + most
        while self.kills < ends and not self._over.wait(self._rng.uniform(4.0, 9.0)):
            with contextlib.suppress(Exception):  # the cluster may be on its way out
                os.kill(self._rng.choice(sorted(cluster.pids())), signal.SIGKILL)
                self.kills += 1
            if self._rng.random() < 0.3:
                self.cuts += postgres.server().cut(self._database)


def _at_war(nb, service) -> list[Figure]:
    url = postgres.server().database()
    with buckets.buckets().flaky(0.02, seed=3) as (bucket, env, proxy):
        os.environ.update(env)
        buckets.forget()
        library = nb.Library(url, audio=f"{bucket}/takes")
        _learn(nb, service, library)
        session = _connect(nb, service, library)
        service.forget()
        sweep = nb.Sweep(prompt=_prompts("war", N_WAR), name="war", session=session)
        war, began = _War(url), time.perf_counter()
        told = _environment(url, **env)
        with clusters.cluster(WORKERS, env=told) as cluster, cluster.client() as client:
            war.wage(cluster, KILLS // 2)
            running = _start(nb, sweep.run(on=client, show=False))
            _until(lambda: sum(service.orders().values()) >= N_WAR // 3)
            war.end()
            clusters.lose(cluster)
            with contextlib.suppress(nb.ExperimentError):
                running.result(120)
        with clusters.cluster(WORKERS, env=told) as cluster, cluster.client() as client:
            war.wage(cluster, KILLS - war.kills)
            for _ in range(10):
                with contextlib.suppress(nb.ExperimentError):
                    nb.run(sweep.run(on=client, show=False))
                states = Counter(cell.state for cell in sweep.cells())
                if not states["new"] + states["unfinished"] + states["waiting"]:
                    break
            war.end()
        took = time.perf_counter() - began
        lost = _lost(library, service)
        refused = proxy.failed["PUT"]
        checkup = library.doctor(quick=True)
        size = library.folder.database.read(library.folder.database.backend.size)
        print(states, f"{war.kills} kills, {war.cuts} cuts, {refused} writes refused, {took:.0f} s")
        print(checkup, f"{size / N_WAR / 1000:.1f} kB of database for each job")
        library.close()
    return [
        Figure("paid twice", "jobs", [float(len(service.paid_twice()))], target="<= 0"),
        Figure("lost", "jobs", [float(lost)], target="<= 0"),
        Figure("ended or listed", "jobs", [float(states["kept"] + states["uncertain"])]),
        Figure("in doubt, listed", "jobs", [float(states["uncertain"])]),
        Figure("recordings missing", "", [float(len(checkup.of("missing")))], target="<= 0"),
        Figure("at war", "jobs/s", [N_WAR / took], better="higher"),
    ]


def _lost(library, service) -> int:
    """Return how many jobs were paid of which the journal knows nothing."""
    query = "SELECT prompt, count(*) FROM takes WHERE state != 'planned' GROUP BY prompt"
    rows = library.folder.database.read(lambda db: db.execute(query).fetchall())
    known = Counter(dict(rows))
    return sum((service.orders() - known).values())


def _start(nb, coroutine):
    from phaseo_nb.engine import engine

    return engine.submit(coroutine)


def _until(is_so, patience: float = 900.0) -> None:
    ends = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > ends:
            message = "it took too long"
            raise TimeoutError(message)
        time.sleep(0.5)


def measure() -> list[Figure]:
    """Measure all three in one run, so that they can be compared."""
    os.environ["PHASEO_NB_HOME"] = tempfile.mkdtemp()
    import phaseo_nb as nb

    with services.fast(seconds=0.5) as service:
        alone, alone_cpu = _in_one_process(nb, service)
        peace, peace_cpu, growth = _in_peace(nb, service)
        found = _at_war(nb, service)
    return [
        Figure(
            f"cluster of {WORKERS}", "jobs/s", [peace], {"one process": [alone]}, better="higher"
        ),
        Figure("CPU of a job over one process", "ms", [peace_cpu - alone_cpu], target="<= 3"),
        Figure("CPU of a job", "ms", [peace_cpu], {"one process": [alone_cpu]}),
        Figure(f"a worker grows in {N_PEACE:,} jobs", "MB", [growth], target="<= 20"),
        *found,
    ]


if __name__ == "__main__":
    sys.exit(run_alone(measure))
