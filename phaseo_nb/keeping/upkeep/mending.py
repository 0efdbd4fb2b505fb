"""What a check-up may do about what it found: each only what can be taken back or made anew.

A mender looks again before it acts, because another kernel may have been at work meanwhile, and
says in words what it did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ...errors import LibraryError
from ..backends import Db
from ..closing import unfinished_copy
from ..entries import OPEN, OPEN_ENDS, entries_in
from ..search import prepare
from ..store import UNFINISHED, Item, Recording
from .findings import DAMAGED
from .purging import purge
from .removing import FOUND, say_why

if TYPE_CHECKING:
    from ..folder import Folder

Mender = Callable[["Folder", Sequence[str], bool], list[str]]

_AN_HOUR = 3600.0


def _index(folder: Folder, items: Sequence[str], remove_orphans: bool) -> list[str]:
    def operation(db: Db) -> None:
        db.words.drop(db)
        prepare(db)

    folder.database.write(operation).result()
    return ["made the search index anew"]


def _missing(folder: Folder, items: Sequence[str], remove_orphans: bool) -> list[str]:
    next(iter(folder.store.items()), None)  # a bucket that is gone says nothing of what was in it
    gone = [name for name in items if folder.store.item(name) is None]
    when = f"{datetime.now():%Y-%m-%d}"
    n = _forget(folder, gone, f"{FOUND}missing on {when}")
    return [f"forgot {n:,} recording{_s(n)} whose file is gone"] if n else []


def _changed(folder: Folder, items: Sequence[str], remove_orphans: bool) -> list[str]:
    renamed = []
    for name in items:
        recording = _recording(folder, name)
        is_changed = recording is not None and folder.store.state_of(recording) == "changed"
        if is_changed and folder.store.rename_item(name, _free_name(folder, name)):
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
    if folder.database.read(unfinished_copy):
        return ["kept the audio that no row knows: the copy into this library brings its rows"]
    waiting = folder.database.read(lambda db: len(entries_in(db, *OPEN, *OPEN_ENDS)))
    if waiting:
        return [
            f"kept the audio that no row knows: {waiting:,} job{_s(waiting)} may still come for it"
        ]
    n = _unlink(folder, items)
    return [f"removed {n:,} file{_s(n)} that no row knows"] if n else []


def _leases(folder: Folder, items: Sequence[str], remove_orphans: bool) -> list[str]:
    folder.leases.recover().result()

    def operation(db: Db) -> int:
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
    hashes = [PurePosixPath(name).name[:64] for name in names]

    def operation(db: Db) -> list[int]:
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

    def known(db: Db) -> set[str]:
        return {row[0] for row in db.execute("SELECT sha256 || suffix FROM recordings")}

    rows = folder.database.read(known)
    n = 0
    beside = {item.name: item for item in beside_the_journal(folder)}
    for name in names:
        try:
            item = beside.get(name) or folder.store.item(name)
            if item is None or item.modified is None or PurePosixPath(name).name in rows:
                continue
            if time.time() - item.modified > _AN_HOUR:
                if name in beside:
                    (folder.path / PurePosixPath(name).name).unlink()
                else:
                    folder.store.remove_item(name)
                n += 1
        except (OSError, LibraryError):  # gone already, in use, or no name of ours
            continue
    return n


def beside_the_journal(folder: Folder) -> Iterator[Item]:
    """Yield what broke off in the folder of the journal, by names that no store has."""
    for pattern in (f".*{UNFINISHED}", ".*.new"):
        for path in folder.path.glob(pattern):
            with suppress(OSError):
                facts = path.lstat()
                yield Item(f"../{path.name}", facts.st_size, facts.st_mtime)


def _recording(folder: Folder, name: str) -> Recording | None:
    query = "SELECT sha256, suffix, format, size FROM recordings WHERE sha256 = ?"
    sha256 = PurePosixPath(name).name[:64]
    row = folder.database.read(lambda db: db.execute(query, (sha256,)).fetchone())
    return None if row is None else Recording(*row)


def _free_name(folder: Folder, name: str) -> str:
    new, number = f"{name}{DAMAGED}", 1
    while folder.store.item(new) is not None:
        number += 1
        new = f"{name}.{number}{DAMAGED}"
    return new


def _s(n: int) -> str:
    return "" if n == 1 else "s"
