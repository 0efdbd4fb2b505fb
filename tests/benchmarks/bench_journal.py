"""How quickly the journal commits, and what the library adds to the CPU time of a job.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_journal.py

**Commits.** A job makes five transitions, each a transaction that is over before
the next begins: order, claim, answered, completed, kept. One caller
waits for each, on the real ``Journal``. *Raw* is one thread with one plain ``sqlite3`` connection
to a file of the same shape (tables, indices, word index) which executes exactly the statements
that these transitions execute, with the same values, noted down before, in ``BEGIN IMMEDIATE`` …
``COMMIT``: it has no queue, no thread to wake, no future, and works nothing out. The two take
turns, a block of jobs each. Beside them: 64 callers at once, and a raw one-row ``UPDATE``.
Two of the five (order, completed) do not wait for the disk, as nothing can be lost by it, while
the raw side flushes every time. Others may use the machine meanwhile, so of all turns of a side
its best quarter counts.

**CPU.** ``time.process_time`` (all threads) for a job from ``Session.start`` to the kept take,
and for ``MusicClient.submit``, ``wait`` and ``download`` over the same in-process transport, in
turns, one job after the other and many at once. The session also draws what its player shows
(``Take.prepare``): that is no part of keeping, dwarfs everything else, and is left out of both
sides; what it costs alone is printed beside them, and so is the CPU of the raw statements: less
than that no journal of this shape can take.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import itertools
import logging
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import anyio.lowlevel
import httpx
from figures import Figure, is_quick, run_alone

import phaseo_nb as nb
from phaseo_nb.client import MusicClient
from phaseo_nb.engine import engine
from phaseo_nb.jobs import Cost, MusicJob, Track
from phaseo_nb.keeping import Library, money
from phaseo_nb.keeping import search as finding
from phaseo_nb.keeping.backends.sqlite.migrations import migrate
from phaseo_nb.keeping.folder import Folder, close_all
from phaseo_nb.keeping.journal import Journal
from phaseo_nb.keeping.ordering import Plan
from phaseo_nb.keeping.records import dump_request
from phaseo_nb.keeping.store import Recording

RATIO_TARGET, CPU_TARGET = 0.7, 1.5
BLOCKS, BLOCK = 24, 20  # jobs that one side does before the other has its turn
N_CALLERS = 64
CPU_BLOCKS, CPU_BLOCK = 20, 15
URL = "https://api.phaseo.app/v1"
AUDIO_URL = "https://cdn.example.org/track.mp3"
KEY = "phaseo_v1_sk_abcdef123456_topsecretvalue99"


# -- jobs ------------------------------------------------------------------------------------------


def plan(n: int) -> Plan:
    """Return an order of usual size."""
    request = nb.MusicRequest(model="suno/v4.5", prompt=f"a slow harbour waltz, number {n}")
    price = Cost(usd=0.06, is_estimate=True)
    purse = money.Purse(URL, False, 0.06, None, True)
    key = hashlib.sha256(str(n).encode()).hexdigest()
    text = dump_request(request)
    return Plan(
        key, "phaseo", URL, False, "suno/v4.5", "suno", request.prompt, text, (), price, purse
    )


def answer(n: int, status: Any) -> MusicJob:
    """Return what a gateway says of a job."""
    facts = {"index": 0, "id": "c0", "title": "Tide", "tags": "waltz, 90 bpm", "duration": 182.4}
    track = Track(**facts, audio_url=AUDIO_URL, lyrics="line\n" * 40, raw={"audioUrl": AUDIO_URL})
    tracks = (track,) if status == "completed" else ()
    raw = {"id": f"task_{n}", "object": "music", "status": status, "output": [facts] * len(tracks)}
    return MusicJob(
        f"task_{n}", status, provider="suno", model="V4_5", tracks=tracks, cost=Cost(0.06), raw=raw
    )


class Facts(NamedTuple):
    """What is known of a job beforehand, as its caller would have it at hand."""

    plan: Plan
    queued: MusicJob
    done: MusicJob
    kept: dict[int, Recording]


def facts(n: int) -> Facts:
    """Return the facts of a job."""
    sha256 = hashlib.sha256(f"audio {n}".encode()).hexdigest()
    kept = {0: Recording(sha256, ".mp3", "mp3", 480_000)}
    return Facts(plan(n), answer(n, "queued"), answer(n, "completed"), kept)


def steps(journal: Journal, job: Facts) -> Iterator[Callable[[Any], Any]]:
    """Yield the five transitions of a job; each takes the row's number and returns a future."""
    yield lambda _: journal.order(job.plan, take=None, fresh=False)
    yield journal.claim
    yield lambda row: journal.answered(row, job.queued, {})
    yield lambda row: journal.completed(row, job.done)
    yield lambda row: journal.keep(row, job.done, job.kept, ())


N_STEPS = 5


# -- commits ---------------------------------------------------------------------------------------

Transaction = list[tuple[str, Any]]


class Noting:
    """A connection that notes what is executed on it."""

    def __init__(self, db: sqlite3.Connection, notes: Transaction) -> None:
        self._db, self._notes = db, notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        self._notes.append((statement, values))
        return self._db.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Any]) -> None:
        for values in rows:
            self.execute(statement, values)


def notes_of(folder: Folder, jobs: list[Facts]) -> list[list[Transaction]]:
    """Do jobs untimed, and return what each of their transactions executed."""
    write, noted = folder.database.write, []

    def noting(operation: Callable[[Any], Any], **_: Any) -> Any:
        notes: Transaction = []
        transactions.append(notes)
        return write(lambda db: operation(Noting(db, notes)))

    def at_once(function: Callable[[Any, list[Any]], None], item: Any) -> None:
        function(Noting(folder.database._writer, transactions[-1]), [item])

    folder.database.write = noting  # type: ignore[method-assign]
    folder.database.at_the_end = at_once  # type: ignore[method-assign]
    for job in jobs:
        transactions: list[Transaction] = []
        one_by_one(folder.journal, [job])
        noted.append(transactions)
    folder.database.write = write  # type: ignore[method-assign]
    return noted


def one_by_one(journal: Journal, jobs: list[Facts]) -> None:
    """Do jobs one transition after the other, waiting for each."""
    for job in jobs:
        row = None
        for step in steps(journal, job):
            found = step(row).result()
            row = found.entry.n if row is None else row


async def at_once(journal: Journal, jobs: list[Facts]) -> None:
    """Do jobs with many callers on one event loop, as a session has them."""
    waiting = iter(jobs)

    async def caller() -> None:
        for job in waiting:
            row = None
            for step in steps(journal, job):
                found = await asyncio.wrap_future(step(row))
                row = found.entry.n if row is None else row

    await asyncio.gather(*(caller() for _ in range(N_CALLERS)))


def raw_file(path: Path) -> sqlite3.Connection:
    """Return a connection to a file of the journal's shape."""
    db = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    migrate(db)
    finding.prepare(db)
    return db


def by_hand(db: sqlite3.Connection, noted: list[list[Transaction]]) -> None:
    """Execute noted transactions."""
    for job in noted:
        for transaction in job:
            db.execute("BEGIN IMMEDIATE")
            for statement, values in transaction:
                db.execute(statement, values).fetchall()
            db.execute("COMMIT")


def one_row(db: sqlite3.Connection, n: int) -> None:
    """Commit the smallest change there is."""
    for number in range(n):
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE takes SET seconds = ? WHERE n = 1", (number,))
        db.execute("COMMIT")


def commits(folder: Path) -> list[Figure]:
    """Measure commits."""
    n_jobs, n = (2 if is_quick() else BLOCKS) * BLOCK, N_STEPS * BLOCK
    known = [facts(n) for n in range(4 * n_jobs)]
    noted = notes_of(Library(folder / "noted").folder, known[: n_jobs * 3 // 2])
    left = iter(noted[n_jobs:])
    assert all(len(job) == N_STEPS for job in noted)
    journal, many = Library(folder / "one").folder.journal, Library(folder / "many").folder.journal
    gc.collect()
    gc.freeze()  # these lists are ours: collecting among them is not the journal's work

    def one_job(_: int) -> None:
        by_hand(db, [next(left)])

    sides: dict[str, list[float]] = {name: [] for name in ("journal", "raw", "many", "row")}
    with closing(raw_file(folder / "raw.db")) as db:
        for start in range(0, n_jobs, BLOCK):
            jobs, hand = known[start : start + BLOCK], noted[start : start + BLOCK]
            turns = {"journal": (one_by_one, journal, jobs), "raw": (by_hand, db, hand)}
            for name in sorted(turns, reverse=bool(start // BLOCK % 2)):  # neither always first
                sides[name].append(n / _seconds(*turns[name]))
        floor = _best(_cpu_ms(one_job, BLOCK, 1) for _ in range(BLOCKS // 2))
        for start in range(0, n_jobs, BLOCK):
            more = known[4 * start : 4 * (start + BLOCK)]
            sides["many"].append(4 * n / _seconds(asyncio.run, at_once(many, more)))
            sides["row"].append(n / _seconds(one_row, db, n))
        query = "SELECT count(*) FROM takes WHERE state = 'kept'"
        assert db.execute(query).fetchone()[0] == len(noted)
    best = {name: 1 / _best(1 / rate for rate in rates) for name, rates in sides.items()}
    print(f"commits a second at best: {', '.join(f'{k} {v:,.0f}' for k, v in best.items())}")
    print(f"CPU of the raw statements of a job: {floor:.2f} ms")
    return [
        Figure(
            f"{N_STEPS} commits of a job, one caller waiting for each",
            "a second",
            sides["journal"],
            {"raw sqlite3, the same statements": sides["raw"]},
            f">= {RATIO_TARGET:g}x",
            better="higher",
        ),
        Figure(
            f"the same, {N_CALLERS} callers at once",
            "a second",
            sides["many"],
            {"raw sqlite3, one row": sides["row"]},
            better="higher",
        ),
    ]


# -- CPU -------------------------------------------------------------------------------------------


def gateway() -> httpx.MockTransport:
    """Return a transport that takes a job, has it done at the first question, and gives audio."""
    audio = _tone()
    numbers = itertools.count(1)

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.host == "cdn.example.org":
            return httpx.Response(200, content=audio)
        facts = {"object": "music", "provider": "suno", "model": "V4_5", "output": []}
        if request.method == "POST":
            name = f"task_{next(numbers)}"
            bill = {"cost_nanos": 60_000_000, "cost_cents": 6, "currency": "USD"}
            body = {"requestId": f"G-{name}", "id": name, "status": "queued", **facts, **bill}
            return httpx.Response(200, json=body)
        item = {"index": 0, "id": "c0", "audio_url": AUDIO_URL, "title": "Tide", "duration": 1.0}
        name = request.url.path.rsplit("/", 1)[-1]
        body = {"id": name, **facts, "status": "completed", "output": [item]}
        return httpx.Response(200, json=body)

    return httpx.MockTransport(handle)


def _tone() -> bytes:
    import io
    import wave

    import numpy as np

    samples = (12_000 * np.sin(np.arange(44_100) * 0.0627)).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(44_100)
        out.writeframes(samples.tobytes())
    return buffer.getvalue()


async def _at_once(seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


def cpu(folder: Path) -> list[Figure]:
    """Measure what a job costs with and without a library."""
    session = nb.connect("phaseo", api_key=KEY, transport=gateway(), library=folder / "cpu")
    session._talking = MusicClient.of(session.connection, sleep=_at_once)
    bare = MusicClient.of(session.connection, sleep=_at_once)
    prompts = map("a slow harbour waltz, number {}".format, itertools.count())

    async def without() -> Any:
        job = await bare.wait(await bare.submit(next(prompts), model="suno/v4.5"))
        return job, await bare.download(job.tracks[0], job=job)

    def client(n: int) -> list[Any]:
        return [job.result() for job in [engine.submit(without()) for _ in range(n)]]

    def whole(n: int) -> list[Any]:
        jobs = [session.start(next(prompts), model="suno/v4.5") for _ in range(n)]
        return [job.result() for job in jobs]

    job, data = client(1)[0]
    draw, nb.Take.prepare = nb.Take.prepare, lambda take: take  # type: ignore[method-assign]
    request = nb.MusicRequest(model="suno/v4.5", prompt="a slow harbour waltz")
    takes = (nb.Take.of(job, [data], id="x", request=request) for _ in itertools.count())
    client(20)  # imports, tables, connections
    whole(20)
    figures = []
    for words, together in (("one after the other", 1), (f"{CPU_BLOCK} at once", CPU_BLOCK)):
        turns = CPU_BLOCK // together
        pairs = [
            (_cpu_ms(client, turns, together), _cpu_ms(whole, turns, together))
            for _ in range(2 if is_quick() else CPU_BLOCKS)
        ]
        bare_ms, whole_ms = map(_best, zip(*pairs, strict=True))
        note = f"client {bare_ms:.2f}, session {whole_ms:.2f}: best quarters of {len(pairs)} turns"
        name = f"CPU that the library adds to a job, {words}"
        figures.append(
            Figure(name, "ms", [whole_ms - bare_ms], target=f"<= {CPU_TARGET:g}", note=note)
        )
    nb.Take.prepare = draw  # type: ignore[method-assign]
    drawing = _best(_cpu_ms(lambda _: draw(next(takes)), 1, 1) for _ in range(40))
    print(f"what the player shows of 1 s of audio: {drawing:.2f} ms of CPU")
    return figures


def _cpu_ms(work: Callable[[int], Any], turns: int, together: int) -> float:
    """Return the milliseconds of CPU of one job, ``together`` of which are under way at a time."""
    began = time.process_time()
    for _ in range(turns):
        work(together)
    return (time.process_time() - began) / (turns * together) * 1e3


def _best(figures: Iterable[float]) -> float:
    """Return the median of the lowest quarter."""
    ordered = sorted(figures)
    return statistics.median(ordered[: max(1, len(ordered) // 4)])


def _seconds(work: Callable[..., Any], *given: Any) -> float:
    began = time.perf_counter()
    work(*given)
    return time.perf_counter() - began


def measure() -> list[Figure]:
    """Measure CPU and commits."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        figures = [*cpu(folder), *commits(folder)]
        close_all()
    logging.disable(logging.NOTSET)
    return figures


if __name__ == "__main__":
    sys.exit(run_alone(measure))
