"""The end of what was deleted: texts and files go when their kernel does.

Until then a row says by which kernel it was deleted (``deleted_by``), and a setting which
recording was taken from a take that stays. A row that is gone for good says nobody's name; what
it cost stays in it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ...errors import LibraryError
from ..backends import Db
from ..entries import note_event
from ..search import with_index
from ..store import Recording

if TYPE_CHECKING:
    from ..folder import Folder

_FREED_RANGE = ("freed/", "freed0")


class Freed(NamedTuple):
    """A recording that was taken from a take which stays, and can still come back."""

    name: str
    """Of the setting that remembers it."""
    take: int
    position: int
    sha256: str
    by: str
    """The kernel."""
    failure: str | None
    """What the service had said about the track."""

    @staticmethod
    def name_of(take: int, position: int) -> str:
        """Return the name of the setting that remembers it."""
        return f"freed/{take}/{position}"


def freed_audio(db: Db) -> list[Freed]:
    """Return whose audio was deleted and can still come back."""
    found = []
    query = "SELECT name, value FROM settings WHERE name >= ? AND name < ?"
    for name, value in db.execute(query, _FREED_RANGE):
        _, take, position = name.split("/")
        facts = json.loads(value)
        found.append(
            Freed(name, int(take), int(position), facts["sha256"], facts["by"], facts["failure"])
        )
    return found


def say_farewell(folder: Folder) -> None:
    """See to it that what this kernel deleted goes when the folder is closed."""
    if not any(isinstance(farewell, _Farewell) for farewell in folder.farewells):
        folder.farewells.append(_Farewell(folder))


class _Farewell:
    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def __call__(self) -> None:
        purge(self._folder, mine=True)


def purge(
    folder: Folder,
    *,
    mine: bool = False,
    only: Sequence[int] | None = None,
    audio_only: bool = False,
) -> int:
    """Let go of what was deleted by kernels that are gone, and return how many takes that were.

    Parameters
    ----------
    folder
        The library.
    mine
        Let go of what this kernel deleted instead: it ends.
    only
        Rows of this kernel that go now.
    audio_only
        Whether only audio that was deleted by itself goes.
    """
    if not folder.database.read(_is_anything_deleted):
        return 0
    me = folder.leases.me
    of_mine = mine or only is not None

    def goes(db: Db, n: int, by: str) -> bool:
        if of_mine:
            return by == me and (only is None or n in only)
        return by != me and folder.leases.is_free(db, by)

    def operation(db: Db) -> tuple[int, list[Recording]]:
        query = "SELECT n, deleted_by FROM takes WHERE deleted_at IS NOT NULL AND deleted_by > ''"
        hidden = [] if audio_only else db.execute(query).fetchall()
        rows = [n for n, by in hidden if goes(db, n, by)]
        freed = [item for item in freed_audio(db) if goes(db, item.take, item.by)]
        hashes = {item.sha256 for item in freed}
        for item in freed:
            db.execute("DELETE FROM settings WHERE name = ?", (item.name,))
        for n in rows:
            hashes |= _blank(db, n)
        return len(rows), _forget_unused(db, hashes)

    n_takes, unused = folder.database.write(operation).result()
    for recording in unused:
        _remove(folder, recording)
    return n_takes


def _is_anything_deleted(db: Db) -> bool:
    query = (
        "SELECT EXISTS (SELECT 1 FROM takes WHERE deleted_at IS NOT NULL AND deleted_by > '')"
        " OR EXISTS (SELECT 1 FROM settings WHERE name >= ? AND name < ?)"
    )
    return bool(db.execute(query, _FREED_RANGE).fetchone()[0])


def _blank(db: Db, n: int) -> set[str]:
    """Empty a row of all words; what it cost, when and where stays. Returns its recordings."""
    query = "SELECT sha256 FROM tracks WHERE take = ? AND sha256 IS NOT NULL"
    hashes = {row[0] for row in db.execute(query, (n,))}
    freed = [item for item in freed_audio(db) if item.take == n]  # its audio was deleted first
    for item in freed:
        hashes.add(item.sha256)
        db.execute("DELETE FROM settings WHERE name = ?", (item.name,))
    db.execute(
        "UPDATE takes SET deleted_by = NULL, prompt = NULL, title = NULL, request = '{}',"
        " notes = '[]', answer = NULL, known = NULL, rating = NULL, note = NULL WHERE n = ?",
        (n,),
    )
    with_index(db, "DELETE FROM texts WHERE take = ?", (n,))
    db.execute("DELETE FROM tags WHERE take = ?", (n,))
    db.execute("DELETE FROM tracks WHERE take = ?", (n,))
    note_event(db, n, "purged", time.time())
    return hashes


def _forget_unused(db: Db, hashes: Iterable[str]) -> list[Recording]:
    """Forget the recordings that nobody has any more, not even on the way back."""
    wanted_back = {item.sha256 for item in freed_audio(db)}
    unused = []
    for sha256 in hashes:
        query = "SELECT 1 FROM tracks WHERE sha256 = ?"
        if sha256 in wanted_back or db.execute(query, (sha256,)).fetchone():
            continue
        query = "SELECT sha256, suffix, format, size FROM recordings WHERE sha256 = ?"
        row = db.execute(query, (sha256,)).fetchone()
        if row is not None:
            unused.append(Recording(*row))
            db.execute("DELETE FROM recordings WHERE sha256 = ?", (sha256,))
    return unused


def _remove(folder: Folder, recording: Recording) -> None:
    """Delete a file of which the journal knows nothing any more.

    After the transaction, so that a kernel killed in between leaves a file without a row, which
    ``doctor()`` finds, and never a row without its file.
    """
    with suppress(LibraryError):  # a player has it open, or nobody answers; it is an orphan now
        folder.store.remove(recording)
