"""Fills a library with many takes, each with a recording (of its own, unless ``n_songs``)."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from phaseo_nb.keeping.search import with_index

# What text can hold that a database, a driver or a format may trip over.
HOSTILE = (
    "a\tb\\N\\.\n\r\\",
    "'; DROP TABLE takes; --",
    "%s %(n)s :name ? {x}",
    "\u202eevil \U0001f3b5 \ufeff\uffff é e\u0301",
    '"<img src=x onerror=alert(1)>"',
    "\x01\x1b[31m\x7f",
    "",
    "日本語の歌 Жизнь",
)


def like(library, take, n, *, size=200, seed=0, n_songs=None):
    """Write ``n`` takes like this one, with other words, costs and recordings, and return ids."""
    noise = random.Random(seed)
    songs = [b"ID3" + noise.randbytes(size) for _ in range(n_songs or n)]
    with ThreadPoolExecutor(8) as pool:
        put = list(pool.map(library.folder.store.put, songs))
    recordings = [put[number % len(put)] for number in range(n)]

    def operation(db):
        query = "SELECT * FROM takes WHERE id = ?"
        row = db.execute(query, (take.id,)).fetchone()
        first = {name: row[name] for name in row.keys() if name != "n"}  # noqa: SIM118
        names = ", ".join(first)
        marks = ", ".join("?" * len(first))
        tracks, files, events, texts, ids = [], [], [], [], []
        for number, recording in enumerate(recordings):
            words = f"{seed} song {number} {HOSTILE[number % len(HOSTILE)]}"
            facts = {"id": f"{seed}-{number}", "key": f"{seed} {number}", "prompt": words}
            facts["cost_usd"] = round(0.01 * (number % 37), 2)
            values = list({**first, **facts}.values())
            row_number = db.insert(f"INSERT INTO takes ({names}) VALUES ({marks})", values)
            ids.append(facts["id"])
            tracks.append((row_number, 0, recording.sha256))
            sha256, suffix, format, n_bytes = vars(recording).values()
            files.append((sha256, suffix, format, n_bytes, 1.5))
            events += [(row_number, 1.0, "planned", None), (row_number, 2.0, "kept", words)]
            texts.append((row_number, words))
        db.executemany("INSERT INTO tracks (take, position, sha256) VALUES (?, ?, ?)", tracks)
        query = "INSERT INTO recordings (sha256, suffix, format, size, kept_at)"
        db.executemany(f"{query} VALUES (?, ?, ?, ?, ?)", files[: len(put)])
        query = "INSERT INTO events (take, at, state, words) VALUES (?, ?, ?, ?)"
        db.executemany(query, events)
        for text in texts:
            with_index(db, "INSERT INTO texts (take, prompt) VALUES (?, ?)", text)
        return ids

    return library.folder.database.write(operation).result()
