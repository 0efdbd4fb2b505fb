"""How a library of 100,000 takes opens, finds and counts.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_library.py            # 100,000 takes
    python tests/benchmarks/bench_library.py 10000      # fewer
    python tests/benchmarks/bench_library.py 100000 DIR # build or use the one in DIR, and keep it

The takes are written into the journal's own tables in one transaction and indexed by
``search.prepare`` as an index given up would be. Their words are drawn as words of a language
are (the n-th most common one 1/n as often), 60 of them in each lyrics. Opening is timed in fresh
processes, imports left out; everything else is a median of calls of the public face, the twenty
``Take`` objects included, after one call that warms SQLite's pages up.
"""

from __future__ import annotations

import gc
import hashlib
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from figures import Figure, arguments, is_quick, run_alone

from phaseo_nb import MusicRequest
from phaseo_nb.jobs import Cost, MusicJob, Track
from phaseo_nb.keeping import Library, money
from phaseo_nb.keeping import search as finding
from phaseo_nb.keeping.records import dump_answer, dump_request

N_TAKES = 100_000
OPEN_TARGET, SEARCH_TARGET = 150.0, 5.0  # milliseconds
FIRST_DAY = 1_760_000_000.0
MODELS = ("suno/v4.5", "suno/v5", "minimax/music-2.6", "elevenlabs/music-v1", "sandbox/band")
COMMON, COMMON_TOO, RARE, ACCENTED, LONG, TOKYO = (
    "river", "winter", "zephyrine", "Café", "butterflies", "東京の夜"
)  # fmt: skip

_OPEN = """
import sys, time
import platformdirs
from phaseo_nb.keeping import Library
began = time.perf_counter()
library = Library(sys.argv[1])
opened = time.perf_counter()
library.recent(20)
print((opened - began) * 1e3, (time.perf_counter() - began) * 1e3)
"""


# -- a library to measure --------------------------------------------------------------------------


class Words:
    """A made-up language of 20,000 words, common and rare ones."""

    def __init__(self, dice: random.Random) -> None:
        parts = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "ai", "ou")]
        made = {"".join(dice.choices(parts, k=dice.randint(1, 4))) for _ in range(40_000)}
        self._dice = dice
        self._words = sorted(made)[:20_000]
        dice.shuffle(self._words)
        total, self._sums = 0.0, []
        for n in range(1, len(self._words) + 1):
            total += 1 / n
            self._sums.append(total)

    def some(self, n: int) -> list[str]:
        return self._dice.choices(self._words, cum_weights=self._sums, k=n)


def build(path: Path, n_takes: int) -> tuple[float, float]:
    """Fill a library; returns the seconds of writing the rows and of indexing them."""
    Library(path).close()
    with closing(sqlite3.connect(path / "journal.db", isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = OFF")
        finding.drop_triggers(db)
        began = time.perf_counter()
        db.execute("BEGIN")
        _fill(db, n_takes)
        db.execute("COMMIT")
        written = time.perf_counter()
        db.execute("BEGIN")
        finding.prepare(db)
        db.execute("COMMIT")
        indexed = time.perf_counter()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return written - began, indexed - written


def _fill(db: sqlite3.Connection, n_takes: int) -> None:
    names: dict[str, str] = {}
    for rows in _rows(n_takes):
        for table, values in rows.items():
            if table not in names:
                marks = ", ".join(f":{name}" for name in values)
                names[table] = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"
            db.execute(names[table], values)
        if rows["takes"]["n"] % 3 == 0:
            db.execute("INSERT INTO tags VALUES (?, ?)", (f"mood{rows['takes']['n'] % 40}",
                                                         rows["takes"]["n"]))  # fmt: skip


def _rows(n_takes: int) -> Iterator[dict[str, dict[str, Any]]]:
    dice = random.Random(7)
    words = Words(dice)
    request, answer = _templates()
    for n in range(1, n_takes + 1):
        prompt, title, style = words.some(12), words.some(3), words.some(4)
        lyrics = words.some(60)
        _sprinkle(dice, prompt, lyrics, n)
        model = MODELS[n % len(MODELS)]
        texts = [" ".join(each) for each in (prompt, title, lyrics, style)]
        request["body"]["model"], request["body"]["prompt"] = model, texts[0]
        answer["id"] = answer["tracks"][0]["id"] = f"job{n:08d}"
        answer["tracks"][0].update(title=texts[1], lyrics=texts[2], tags=texts[3])
        is_kept = n % 20 != 0
        key = hashlib.sha256(str(n).encode()).hexdigest()
        moment = FIRST_DAY + n * 300.0
        yield {
            "takes": {
                "n": n, "id": f"{key[:16]}-1", "key": key, "number": 1, "attempt": 1,
                "state": "kept" if is_kept else "failed", "gateway": "phaseo",
                "base_url": "https://api.phaseo.app/v1", "sandbox": int(model == MODELS[-1]),
                "model": model, "provider": model.split("/")[0], "prompt": texts[0],
                "title": texts[1], "request": json.dumps(request), "job_id": answer["id"],
                "answer": json.dumps(answer), "price": '{"usd":0.06}', "reserved_usd": 0.06,
                "cost_usd": 0.06, "payer": "kernel", "notebook": f"lesson-{n % 12}.ipynb",
                "created_at": moment, "submitted_at": moment + 1, "ended_at": moment + 61,
                "seconds": 60.0, "rating": n // 7 % 5 + 1 if n % 7 == 0 else None,
            },
            "recordings": {
                "sha256": key, "suffix": ".mp3", "format": "mp3", "size": 480_000,
                "kept_at": moment + 61,
            },
            "tracks": {"take": n, "position": 0, "sha256": key},
            "texts": {
                "take": n, "prompt": texts[0], "title": texts[1], "lyrics": texts[2],
                "style": texts[3],
            },
        }  # fmt: skip


def _sprinkle(dice: random.Random, prompt: list[str], lyrics: list[str], n: int) -> None:
    """Put the words in that are searched: two in every third take, one in five of all."""
    if dice.random() < 0.3:
        prompt[3] = COMMON
    if dice.random() < 0.3:
        lyrics[5] = COMMON_TOO
    if n % 20_000 == 7:
        lyrics[9] = RARE
    if n % 50 == 1:
        prompt[5] = ACCENTED
    if n % 100 == 1:
        prompt[6] = LONG
    if n % 1000 == 1:
        prompt[7] = TOKYO


def _templates() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a request and an answer as the journal keeps them."""
    suno = {"customMode": False, "instrumental": False}
    request = MusicRequest(model="suno/v4.5", prompt="words", suno=suno)
    facts = {"index": 0, "id": "c0", "title": "t", "tags": "s", "duration": 182.4}
    url = "https://cdn.example.org/audio/0123456789abcdef.mp3"
    track = Track(**facts, lyrics="words", audio_url=url, raw={"audioUrl": url, **facts})
    job = MusicJob(
        "job", "completed", request_id="G-1", provider="suno", model="V4_5", tracks=(track,),
        cost=Cost(usd=0.06), raw={"object": "music", "status": "completed", "output": [facts]},
    )  # fmt: skip
    return json.loads(dump_request(request)), json.loads(dump_answer(job))


# -- measuring -------------------------------------------------------------------------------------


def opening(path: Path, runs: int = 9) -> tuple[float, float]:
    """Return the median milliseconds until a library is open and until it has shown something."""
    found = []
    for _ in range(runs):
        command = [sys.executable, "-c", _OPEN, str(path)]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found.append(tuple(map(float, out.split())))
    opened, shown = zip(*found, strict=True)
    return statistics.median(opened), statistics.median(shown)


def median_ms(work: Callable[[], Any], runs: int = 31) -> tuple[float, int]:
    """Return the median milliseconds of a call, every run for itself, and the length it gave."""
    size = len(work())
    times = []
    for _ in range(runs):
        gc.collect(0)
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1e3)
        if sum(times) > 3_000 and len(times) >= 5:
            break
    return statistics.median(times), size


def cases(library: Library) -> list[tuple[str, float | None, Callable[[], Any]]]:
    """Return what is timed: a name, a target in milliseconds or none, and the call."""
    find, t = library.search, SEARCH_TARGET
    half = LONG[3:9]
    read, shared = library.folder.database.read, library.folder.leases.shares_budget
    url = "https://api.phaseo.app/v1"
    return [
        ("recent(20)", t, lambda: library.recent(20)),
        (f"a rare word: {RARE}", t, lambda: find(RARE)),
        (f"a common word: {COMMON}", t, lambda: find(COMMON)),
        (f"two common words: {COMMON} {COMMON_TOO}", t, lambda: find(f"{COMMON} {COMMON_TOO}")),
        ("a beginning: riv*", t, lambda: find("riv*")),
        ("a common beginning: ka*", t, lambda: find("ka*")),
        ("without its accent: cafe", t, lambda: find("cafe")),
        (f"a part of a word: {half}", t, lambda: find(half)),
        ("part of a CJK text: 京の夜", t, lambda: find("京の夜")),
        ("two signs of it: 東京", None, lambda: find("東京")),
        ("a word that is nowhere", t, lambda: find("qwertzuiop")),
        ("two letters that are nowhere", None, lambda: find("qq")),
        ("ranked, rare", None, lambda: find(RARE, ranked=True)),
        ("ranked, common", None, lambda: find(COMMON, ranked=True)),
        ("ranked, two common", None, lambda: find(f"{COMMON} {COMMON_TOO}", ranked=True)),
        ("by model", t, lambda: library.recent(20, model="suno/v5")),
        ("by a model that nobody used", None, lambda: library.recent(20, model="suno/v9")),
        ("by rating >= 5", t, lambda: library.recent(20, rating=5)),
        ("by tag", t, lambda: library.recent(20, tag="mood3")),
        ("by tag that nobody used", t, lambda: library.recent(20, tag="none")),
        ("by one day, long ago", t, lambda: library.recent(20, since=_day(9), until=_day(9))),
        ("status='failed'", t, lambda: library.recent(20, status="failed")),
        ("status='uncertain', none", t, lambda: library.recent(20, status="uncertain")),
        ("status='failed' and a word", None, lambda: find(COMMON, status="failed")),
        ("common word and rating", t, lambda: find(COMMON, rating=5)),
        ("common word, one day long ago", None,
         lambda: find(COMMON, since=_day(9), until=_day(9))),
        ("spending()", None, library.spending),
        ("spending('month')", None, lambda: library.spending("month")),
        ("what a session spent", t, lambda: [read(lambda db: money.spent(db, url, shared(db)))]),
        ("unfinished()", t, library.unfinished),
        ("uncertain()", t, library.uncertain),
    ]  # fmt: skip


def _day(n: int) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(FIRST_DAY + n * 86_400))


def measure() -> list[Figure]:
    """Measure a library of as many takes as the command says, in the folder that it names."""
    given = arguments()
    n_takes = int(given[0]) if given else 5_000 if is_quick() else N_TAKES
    if len(given) > 1:
        return in_folder(n_takes, Path(given[1]))
    with tempfile.TemporaryDirectory() as temporary:
        return in_folder(n_takes, Path(temporary))


def in_folder(n_takes: int, folder: Path) -> list[Figure]:
    """Print a line for each way to ask; return what opening takes, and the slowest way."""
    if not (folder / "journal.db").exists():
        rows, index = build(folder, n_takes)
        print(f"built {n_takes:,} takes: {rows:.1f} s to write, {index:.1f} s to index")
    size = sum(file.stat().st_size for file in folder.glob("journal.db*"))
    print(f"journal: {size / 1e6:.0f} MB, {size / n_takes:,.0f} bytes a take\n")
    opened, shown = opening(folder)
    _line("open it (fresh process)", opened, OPEN_TARGET, None)
    _line("… and show recent(20)", shown, None, None)
    library, slowest = Library(folder), (0.0, "")
    for name, target, work in cases(library):
        milliseconds, found = median_ms(work)
        _line(name, milliseconds, target, found)
        if target is not None:
            slowest = max(slowest, (milliseconds, name))
    library.close()
    many, asking = f"library of {n_takes:,}", f"the slowest: {slowest[1]}"
    return [
        Figure(f"open a {many}", "ms", [opened], target=f"<= {OPEN_TARGET:g}"),
        Figure(f"ask a {many}", "ms", [slowest[0]], target=f"<= {SEARCH_TARGET:g}", note=asking),
    ]


def _line(name: str, milliseconds: float, target: float | None, found: int | None) -> None:
    met = target is None or milliseconds <= target
    verdict = "      " if target is None else "met   " if met else "MISSED"
    wanted = "" if target is None else f"(target {target:g} ms)"
    n = "" if found is None else f"{found:6,} found"
    print(f"{verdict}  {name:42s} {milliseconds:9.2f} ms {n} {wanted}", flush=True)


if __name__ == "__main__":
    sys.exit(run_alone(measure))
