"""Copying a library of 20,000 takes: from a folder into PostgreSQL and back, row by row compared.

Run it as a command of its own::

    python tests/benchmarks/bench_copying.py [TAKES] [BYTES]

Every recording is hashed before and after it is written and synced to the disk, so the journal
and the recordings are timed apart: the second run of each copy finds all recordings there.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from grounds.postgres import server
from many_takes import like

import phaseo_nb as nb


def timed(words: str, library: nb.Library, place: str, audio: str | None = None) -> None:
    """Copy, and once more with every recording there; print how quick that was."""
    begun = time.perf_counter()
    copied = library.copy_to(place, audio=audio, show=False)
    first = time.perf_counter() - begun
    begun = time.perf_counter()
    library.copy_to(place, audio=audio, show=False)
    again = time.perf_counter() - begun
    rows = library.folder.database.read(
        lambda db: sum(
            db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("takes", "tracks", "recordings", "events", "texts")
        )
    )
    audio_seconds = max(first - again, 1e-3)
    megabytes = copied.size_bytes / 1e6
    print(
        f"{words}: {copied.n_takes:,} takes, {rows:,} rows, {megabytes:,.0f} MB in {first:.1f} s"
        f" ({copied.n_copied / audio_seconds:,.0f} recordings/s, "
        f"{megabytes / audio_seconds:,.0f} MB/s); again {again:.1f} s ({rows / again:,.0f} rows/s)"
    )


def main() -> None:
    """Make a library, copy it there and back."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        nb.connect("sandbox", library=folder / "home")
        library = nb.library()
        take = nb.run(nb.generate("a waltz", duration=1, show=False))
        for seed in range(n // 1000):
            like(library, take, 1000, size=size, seed=seed + 1)
        url = server().database()
        timed("folder to folder", library, str(folder / "backup"))
        timed("folder to PostgreSQL", library, url, str(folder / "audio"))
        there = nb.Library(url, audio=folder / "audio")
        timed("PostgreSQL to folder", there, str(folder / "back"))


if __name__ == "__main__":
    main()
