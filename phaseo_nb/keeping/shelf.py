"""From a row to a take: one object for one row, as long as somebody holds it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError
from ..takes import Take
from .entries import Entry
from .records import storable_text
from .search import with_index

if TYPE_CHECKING:
    from .folder import Folder


def take_of(
    folder: Folder, entry: Entry, *, in_memory: Sequence[bytes | None] | None = None
) -> Take:
    """Return the take of a kept row; the same one for the same row.

    Parameters
    ----------
    folder
        Where it is kept.
    entry
        Its row.
    in_memory
        Recordings that are at hand, so that preparing the players does not read them again.
    """
    with folder.lock:
        known = folder.takes.get(entry.n)
        if known is not None and len(entry.recordings) == len(known.tracks):
            return known
        take = _made(folder, entry)
        folder.takes[entry.n] = take
    for track, data in zip(take.tracks, in_memory or (), strict=False):
        track.hold(data)
    return take


def _made(folder: Folder, entry: Entry) -> Take:
    answer = entry.read_answer()
    if answer is None:
        message = f"Take {entry.id} has no answer of a service in the journal."
        raise LibraryError(message)
    recordings = [*entry.recordings, *[None] * len(answer.tracks)][: len(answer.tracks)]
    take = Take.of(
        answer,
        [folder.store.path(recording) if recording else None for recording in recordings],
        id=entry.id,
        request=entry.read_request(),
        number=entry.number,
        notes=json.loads(entry.notes),
        created_at=datetime.fromtimestamp(entry.created_at, timezone.utc),
        hashes=[recording.sha256 if recording else None for recording in recordings],
    )
    take.rating, take.note, take.tags = entry.rating, entry.note, entry.tags

    def keep_opinion(name: str, value: Any) -> None:
        folder.database.write(lambda db: write_opinion(db, entry.n, name, value)).result()

    take.belong_to(keep_opinion)
    return take


def write_opinion(db: sqlite3.Connection, n: int, name: str, value: Any) -> None:
    """Keep a rating, a note or tags."""
    if name == "tags":
        db.execute("DELETE FROM tags WHERE take = ?", (n,))
        for tag in value:
            db.execute("INSERT OR IGNORE INTO tags VALUES (?, ?)", (storable_text(tag), n))
        return
    value = storable_text(value) if isinstance(value, str) else value
    db.execute(f"UPDATE takes SET {name} = ? WHERE n = ?", (value, n))
    if name == "note":
        with_index(db, "UPDATE texts SET note = ? WHERE take = ?", (value, n))
