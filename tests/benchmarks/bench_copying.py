"""Copying a library: from a folder into PostgreSQL and back, row by row compared.

``python tests/benchmarks/bench_copying.py``. Every recording is hashed before and after it is
written and synced to the disk, so the journal and the recordings are timed apart: the second run
of each copy finds all recordings there.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from figures import Figure, is_quick, run_alone
from grounds.postgres import server
from many_takes import like

TAKES = 1_000 if is_quick() else 20_000
SIZE = 20_000  # bytes of a recording
_TABLES = ("takes", "tracks", "recordings", "events", "texts")


def _timed(library, place: str, audio: str | None = None) -> tuple[float, float]:
    """Copy, and once more with all recordings there; return recordings and rows a second."""
    begun = time.perf_counter()
    copied = library.copy_to(place, audio=audio, show=False)
    first = time.perf_counter() - begun
    begun = time.perf_counter()
    library.copy_to(place, audio=audio, show=False)
    again = time.perf_counter() - begun
    rows = library.folder.database.read(
        lambda db: sum(
            db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _TABLES
        )
    )
    return copied.n_copied / max(first - again, 1e-3), rows / again


def measure() -> list[Figure]:
    """Make a library, copy it there and back."""
    os.environ["PHASEO_NB_HOME"] = tempfile.mkdtemp()
    import phaseo_nb as nb

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        nb.connect("sandbox", library=folder / "home")
        library = nb.library()
        take = nb.run(nb.generate("a waltz", duration=1, show=False))
        for seed in range(TAKES // 1000):
            like(library, take, 1000, size=SIZE, seed=seed + 1)
        url = server().database()
        into = _timed(library, url, str(folder / "audio"))
        there = nb.Library(url, audio=folder / "audio")
        back = _timed(there, str(folder / "back"))
        there.close()
    named = f"of {TAKES:,} takes"
    return [
        Figure(f"into PostgreSQL, recordings {named}", "/s", [into[0]], better="higher"),
        Figure(f"into PostgreSQL, rows {named}", "/s", [into[1]], better="higher"),
        Figure(f"back into a folder, recordings {named}", "/s", [back[0]], better="higher"),
        Figure(f"back into a folder, rows {named}", "/s", [back[1]], better="higher"),
    ]


if __name__ == "__main__":
    sys.exit(run_alone(measure))
