"""Whose copy a library is: only a copy of this very one, or an empty place, is written over."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING

from ...errors import LibraryError
from ..backends import Db
from ..closing import ARRIVING, closed

if TYPE_CHECKING:
    from ..folder import Folder

COPY = "copy"
ID = "id"
OF_ONE_PLACE = frozenset({ID, COPY, ARRIVING, "closed", "audio"})
"""Settings that say something about a place, and so are not copied with the rest."""

_FILLED = ("takes", "recordings", "sweeps", "votes")


def identity(folder: Folder) -> str:
    """Return what tells a library from others; one that cannot be written is told by its rows."""
    known = folder.database.read(lambda db: setting(db, ID))
    if known is not None:
        return known
    if folder.is_kept:
        return folder.shards.library_id()

    def first(db: Db) -> str:
        query = "SELECT id, created_at FROM takes ORDER BY n LIMIT 1"
        row = db.execute(query).fetchone()
        return hashlib.sha256(repr(tuple(row or ())).encode()).hexdigest()[:16]

    return folder.database.read(first)


def setting(db: Db, name: str) -> str | None:
    """Return the text of a setting."""
    row = db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else None


def last_event(db: Db) -> int:
    """Return the number of the last thing that happened to a take here."""
    return int(db.execute("SELECT coalesce(max(n), 0) FROM events").fetchone()[0])


def check(db: Db, source: str, shown: str) -> bool:
    """See whether a library may become a copy, and return whether it is one already.

    Parameters
    ----------
    db
        The library that is to be written.
    source
        Identity of the one that is copied.
    shown
        Where the one to be written is.

    Raises
    ------
    LibraryError
        It holds other takes, or went on by itself since it was copied.
    """
    if not any(db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in _FILLED):
        return False
    limit = _same_up_to(db, source)
    if limit is None:
        message = (
            f"{shown} holds another library, and nothing of it is written over. Name an empty "
            "place; to bring takes together, `export()` them here and `import_()` them there."
        )
        raise LibraryError(message)
    query = "SELECT count(*) FROM events WHERE n > ? AND state != 'uncertain'"
    if db.execute(query, (limit,)).fetchone()[0]:
        message = (
            f"{shown} was copied from this library and has taken orders of its own since, so it "
            "is not written over. Name an empty place; to bring takes together, `export()` them "
            "here and `import_()` them there."
        )
        raise LibraryError(message)
    return True


def _same_up_to(db: Db, source: str) -> int | None:
    """Return the last event that two libraries share; ``None``: they are not related."""
    mark = json.loads(setting(db, COPY) or "{}")
    if mark.get("of") == source:
        return int(mark["events"])
    moved = closed(db) or {}
    return int(moved["events"]) if moved.get("id") == source else None


def mark(source: str, shown: str, events: int, run: str) -> str:
    """Return what a copy says about itself: of which library, and by which run it was made."""
    return json.dumps({"of": source, "from": shown, "at": now(), "events": events, "run": run})


def now() -> str:
    """Return the moment by the wall here, to be read by people."""
    return datetime.now().astimezone().isoformat(" ", "seconds")


def refuse_if_busy(folder: Folder, db: Db) -> None:
    """Raise ``LibraryError`` where a kernel that lives looks after a job.

    Its next word about it would go into the library that was left.
    """
    query = (
        "SELECT owner FROM takes WHERE owner IS NOT NULL AND state IN"
        " ('planned', 'submitting', 'submitted', 'completed', 'expired')"
        " AND state NOT IN ('kept', 'failed', 'written_off')"
    )
    owners = [row[0] for row in db.execute(query).fetchall()]
    alive = {owner for owner in set(owners) if not folder.leases.is_free(db, owner)}
    n = sum(owner in alive for owner in owners)
    if n:
        jobs = "one job is" if n == 1 else f"{n:,} jobs are"
        message = (
            f"The library {folder.shown} cannot be moved now: {jobs} still looked after by a "
            "kernel that runs. Wait for them, or stop waiting there (`job.stop_waiting()`; they "
            "go on), or close those kernels. A copy without `move=True` can be made at any time."
        )
        raise LibraryError(message)
