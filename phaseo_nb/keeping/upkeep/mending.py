"""What a check-up may do about what it found: each only what can be taken back or made anew.

A mender looks again before it acts, because another kernel may have been at work meanwhile, and
says in words what it did.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..entries import OPEN, OPEN_ENDS, entries_in
from ..search import drop_triggers, prepare
from ..store import Recording
from .findings import DAMAGED
from .purging import purge
from .removing import FOUND, say_why

if TYPE_CHECKING:
    from ..folder import Folder

Mender = Callable[["Folder", Sequence[str], bool], list[str]]

_AN_HOUR = 3600.0


def _index(folder: Folder, items: Sequence[str], remove_orphans: bool) -> list[str]:
    def operation(db: sqlite3.Connection) -> None:
        drop_triggers(db)  # without them `prepare` makes it anew
        prepare(db)

    folder.database.write(operation).result()
    return ["made the search index anew"]


def _missing(folder: Folder, items: Sequence[str], remove_orphans: bool) -> list[str]:
    gone = [name for name in items if not _path(folder, name).exists()]
    when = f"{datetime.now():%Y-%m-%d}"
    n = _forget(folder, gone, f"{FOUND}missing on {when}")
    return [f"forgot {n:,} recording{_s(n)} whose file is gone"] if n else []


def _changed(folder: Folder, items: Sequence[str], remove_orphans: bool) -> list[str]:
    renamed = []
    for name in items:
        path = _path(folder, name)
        # What lies in the folder that this one stands in for is not ours to touch.
        is_ours = path.is_relative_to(folder.store.folder)
        if is_ours and path.exists() and not _is_whole(folder, path):
            path.replace(_free_name(path))
            renamed.append(name)
    when = f"{datetime.now():%Y-%m-%d}"
    n = _forget(folder, renamed, f"{FOUND}damaged on {when} and set aside")
    return [f"set {n:,} damaged recording{_s(n)} aside"] if n else []


def _parts(folder: Folder, items: Sequence[str], remove_orphans: bool) -> list[str]:
    n = _unlink(folder, items)
    return [f"removed {n:,} unfinished file{_s(n)}"] if n else []


def _orphans(folder: Folder, items: Sequence[str], remove_orphans: bool) -> list[str]:
    if not remove_orphans:
        return []
    waiting = folder.database.read(lambda db: len(entries_in(db, *OPEN, *OPEN_ENDS)))
    if waiting:
        return [
            f"kept the audio that no row knows: {waiting:,} job{_s(waiting)} may still come for it"
        ]
    n = _unlink(folder, items)
    return [f"removed {n:,} file{_s(n)} that no row knows"] if n else []


def _leases(folder: Folder, items: Sequence[str], remove_orphans: bool) -> list[str]:
    folder.leases.recover().result()

    def operation(db: sqlite3.Connection) -> int:
        leases = folder.leases
        n = 0
        for entry in entries_in(db, "submitted", "completed", "expired"):
            if entry.owner not in (None, leases.me) and leases.is_free(db, entry.owner):
                db.execute("UPDATE takes SET owner = NULL WHERE n = ?", (entry.n,))
                n += 1
        return n

    n = folder.database.write(operation).result()
    purge(folder)
    settled = len(items) - n
    freed = [f"freed {n:,} job{_s(n)} of dead kernels"] if n else []
    return freed + ([f"settled {settled:,} that were being handed in"] if settled > 0 else [])


MENDERS: dict[str, Mender] = {
    "index": _index,
    "missing": _missing,
    "changed": _changed,
    "part": _parts,
    "orphan": _orphans,
    "lease": _leases,
}


# -- parts ---------------------------------------------------------------------------------------


def _forget(folder: Folder, names: Sequence[str], words: str) -> int:
    """Forget recordings; their takes say why, and are fetched again when their cells run."""
    hashes = [Path(name).name[:64] for name in names]

    def operation(db: sqlite3.Connection) -> list[int]:
        takes = []
        for sha256 in hashes:
            query = "SELECT take, position FROM tracks WHERE sha256 = ?"
            for n, position in db.execute(query, (sha256,)).fetchall():
                say_why(db, n, position, words)
                takes.append(n)
            db.execute("DELETE FROM recordings WHERE sha256 = ?", (sha256,))
        return takes

    for n in folder.database.write(operation).result():
        folder.takes.pop(n, None)
    return len(hashes)


def _unlink(folder: Folder, names: Sequence[str]) -> int:
    """Delete files that are old enough for nobody to be writing them, and that no row knows."""

    def known(db: sqlite3.Connection) -> set[str]:
        return {row[0] for row in db.execute("SELECT sha256 || suffix FROM recordings")}

    rows = folder.database.read(known)
    n = 0
    for name in names:
        path = _path(folder, name)
        try:
            if time.time() - path.lstat().st_mtime > _AN_HOUR and path.name not in rows:
                path.unlink()
                n += 1
        except OSError:  # gone already, or in use
            continue
    return n


def _is_whole(folder: Folder, path: Path) -> bool:
    query = "SELECT sha256, suffix, format, size FROM recordings WHERE sha256 = ?"
    row = folder.database.read(lambda db: db.execute(query, (path.name[:64],)).fetchone())
    return row is None or folder.store.is_whole(Recording(*row))


def _free_name(path: Path) -> Path:
    new, number = path.with_name(path.name + DAMAGED), 1
    while new.exists():
        number += 1
        new = path.with_name(f"{path.name}.{number}{DAMAGED}")
    return new


def _path(folder: Folder, name: str) -> Path:
    return Path(os.path.normpath(folder.store.folder / name))


def _s(n: int) -> str:
    return "" if n == 1 else "s"
