"""How much a library takes up, how much it may, and what could go. Nothing goes by itself."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ...cards import note_card
from ...errors import LibraryError
from ...phrases import excerpt, size
from ...transport.images import FORMATS
from ..backends import Db
from ..entries import COLUMNS, SET_SETTING, Entry, count_kept, read_entries
from ..sizes import size_of
from .removing import Deleted, delete

if TYPE_CHECKING:
    from ..folder import Folder

log = logging.getLogger("phaseo_nb")

_QUOTA = "quota"
_SHOWN = 12


@dataclass(frozen=True)
class DiskUse:
    """What a library takes up on the disk, in bytes."""

    audio_bytes: int
    """All files of the audio folder but pictures."""
    deleted_bytes: int
    """Of these: recordings that were deleted and go when their kernel ends."""
    journal_bytes: int
    """The journal with its copies: requests, facts, prices, the search index."""
    n_recordings: int
    quota_bytes: int | None
    """How much audio there should be at most; ``None``: nobody said."""
    picture_bytes: int = 0
    """Cover images; no quota counts them."""
    n_pictures: int = 0

    @property
    def total_bytes(self) -> int:
        """Audio, pictures and journal."""
        return self.audio_bytes + self.picture_bytes + self.journal_bytes

    @property
    def over_bytes(self) -> int:
        """How much more audio there is than the quota; 0 where it fits."""
        if self.quota_bytes is None:
            return 0
        return max(0, self.audio_bytes - self.deleted_bytes - self.quota_bytes)

    def __repr__(self) -> str:
        return self._shown(text=True)

    def _repr_html_(self) -> str:
        return self._shown(text=False)

    def _shown(self, *, text: bool) -> str:
        n = self.n_recordings
        lines = [
            f"Audio: {size(self.audio_bytes)} in {n:,} recording{'' if n == 1 else 's'}",
            f"Journal: {size(self.journal_bytes)}",
        ]
        if self.n_pictures:
            lines.insert(1, f"Cover images: {size(self.picture_bytes)} in {self.n_pictures:,}")
        if self.deleted_bytes:
            lines[0] += f"; {size(self.deleted_bytes)} of it is deleted and goes with its kernel"
        if self.quota_bytes is None:
            lines.append("No quota; `library.set_quota('2GB')` sets one.")
        elif self.over_bytes:
            lines.append(_over(self.over_bytes, self.quota_bytes))
        else:
            left = self.quota_bytes - (self.audio_bytes - self.deleted_bytes)
            lines.append(f"Quota: {size(self.quota_bytes)} of audio, {size(left)} left")
        return note_card(lines, heading=f"{size(self.total_bytes)} on the disk", text=text)


def disk_use(folder: Folder) -> DiskUse:
    """Measure a library; see :meth:`Library.disk_use`."""
    database = folder.database

    def operation(db: Db) -> tuple[int, int, int, int | None, tuple[int, int]]:
        total = db.execute("SELECT count(*) FROM recordings").fetchone()[0]
        size = database.backend.size(db)
        return total, size, _audio_bytes(db)[1], quota(db), count_pictures(db)

    total, journal_bytes, deleted, limit, (n_pictures, picture_bytes) = database.read(operation)
    audio_bytes = max(0, folder.store.size() - picture_bytes)
    return DiskUse(
        audio_bytes, deleted, journal_bytes, total - n_pictures, limit, picture_bytes, n_pictures
    )


def in_short(db: Db) -> str:
    """Return how many takes there are and how large, by the journal: quick however many."""
    n, _ = count_kept(db)
    total = _audio_bytes(db)[0]
    return f"{n:,} take{'' if n == 1 else 's'}" + (f", {size(total)}" if total else "")


def _audio_bytes(db: Db) -> tuple[int, int]:
    """Return the bytes of all recordings, and of those that only what is deleted still has.

    Pictures are not counted: they are no audio.
    """
    query = (
        "SELECT coalesce(sum(size), 0), coalesce(sum(CASE WHEN EXISTS (SELECT 1 FROM tracks"
        " JOIN takes ON takes.n = tracks.take WHERE tracks.sha256 = recordings.sha256"
        " AND takes.deleted_at IS NULL) THEN 0 ELSE size END), 0) FROM recordings"
        f" WHERE format NOT IN {FORMATS}"
    )
    total, deleted = db.execute(query).fetchone()
    return int(total), int(deleted)


def count_pictures(db: Db) -> tuple[int, int]:
    """Return how many pictures the journal knows, and their bytes."""
    query = f"SELECT count(*), coalesce(sum(size), 0) FROM recordings WHERE format IN {FORMATS}"
    n, n_bytes = db.execute(query).fetchone()
    return int(n), int(n_bytes)


# -- the quota -----------------------------------------------------------------------------------


def quota(db: Db) -> int | None:
    """Return how many bytes of audio there should be at most."""
    row = db.execute("SELECT value FROM settings WHERE name = ?", (_QUOTA,)).fetchone()
    return int(row[0]) if row and str(row[0]).isdecimal() else None


def set_quota(folder: Folder, limit: int | str | None) -> None:
    """Set or take away the quota; see :meth:`Library.set_quota`."""
    n_bytes = None if limit is None else size_of(limit)

    def operation(db: Db) -> None:
        if n_bytes is None:
            db.execute("DELETE FROM settings WHERE name = ?", (_QUOTA,))
        else:
            db.execute(SET_SETTING, (_QUOTA, str(n_bytes)))

    folder.database.write(operation).result()
    _warned.discard(folder)


_warned: weakref.WeakSet[Folder] = weakref.WeakSet()


def warn_over_quota(folder: Folder) -> None:
    """Say once in the log when a library has grown over its quota; called after keeping."""

    def look(db: Db) -> int:
        limit = quota(db)
        if limit is None:
            return 0  # adding up a large library after each take would be for nothing
        total, deleted = _audio_bytes(db)
        return total - deleted - limit

    over = folder.database.read(look)
    if over <= 0:
        _warned.discard(folder)
    elif folder not in _warned:
        _warned.add(folder)
        log.warning("%s", _over(over, folder.database.read(quota) or 0))


def _over(over: int, limit: int) -> str:
    return (
        f"The library has {size(over)} more audio than its quota of {size(limit)}. Nothing is "
        "deleted by itself: `nb.library().make_room()` proposes what could go."
    )


# -- what could go -------------------------------------------------------------------------------


class Room:
    """A proposal: which takes could give their audio back. Nothing is done before :meth:`free`.

    Attributes
    ----------
    ids : tuple of str
        The takes, oldest first.
    size_bytes : int
        What would be free then.
    wanted_bytes : int
        What was asked for.
    """

    def __init__(
        self, folder: Folder, rows: Sequence[tuple[Entry, int]], wanted: int, *, rated: bool
    ) -> None:
        self._folder = folder
        self._rows = rows
        self._rated = rated
        self.ids = tuple(entry.id for entry, _ in rows)
        self.size_bytes = sum(n_bytes for _, n_bytes in rows)
        self.wanted_bytes = wanted

    def free(self) -> Deleted:
        """Delete the audio of these takes; their facts stay, and ``.undo()`` brings it back.

        Takes that were rated since the proposal keep theirs.
        """

        def unrated(db: Db) -> list[str]:
            still = candidates(db, rated=self._rated)
            there = {entry.id for entry in still}
            return [name for name in self.ids if name in there]

        return delete(self._folder, self._folder.database.read(unrated), audio_only=True)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return self._shown(text=True)

    def _repr_html_(self) -> str:
        return self._shown(text=False)

    def _shown(self, *, text: bool) -> str:
        if not self.wanted_bytes:
            return note_card(["It fits: there is nothing to free."], heading="Room", text=text)
        lines = [_line(entry, n_bytes) for entry, n_bytes in self._rows[:_SHOWN]]
        if len(self._rows) > _SHOWN:
            lines.append(f"… and {len(self._rows) - _SHOWN:,} more")
        if self.size_bytes < self.wanted_bytes:
            rest = size(self.wanted_bytes - self.size_bytes)
            rated = "" if self._rated else " Rated takes are only proposed with rated=True."
            lines.append(f"That is {rest} less than was asked for.{rated}")
        if self._rows:
            lines.append("Nothing is deleted yet: `.free()` does it, and can be undone.")
        n = len(self._rows)
        heading = f"{size(self.size_bytes)} could be freed: audio of {n:,} take"
        return note_card(lines, heading=heading + ("" if n == 1 else "s"), text=text)


def make_room(folder: Folder, wanted: int | str | None, *, rated: bool = False) -> Room:
    """Propose whose audio could go; see :meth:`Library.make_room`."""
    if wanted is None:
        use = disk_use(folder)
        if use.quota_bytes is None:
            message = "There is no quota. Say how much room you need, such as make_room('500MB')."
            raise LibraryError(message)
        n_bytes = use.over_bytes
    else:
        n_bytes = size_of(wanted)

    def operation(db: Db) -> list[tuple[Entry, int]]:
        return _choose(db, candidates(db, rated=rated), n_bytes)

    return Room(folder, folder.database.read(operation), n_bytes, rated=rated)


def candidates(db: Db, *, rated: bool) -> list[Entry]:
    """Return kept takes with audio: unrated ones oldest first, then (if wanted) the rated ones."""
    which = "" if rated else " AND rating IS NULL"
    query = (
        f"SELECT {COLUMNS} FROM takes WHERE state = 'kept' AND deleted_at IS NULL"
        f" AND kind = 'music'{which} ORDER BY coalesce(rating, 0), created_at, n"
    )
    return [entry for entry in read_entries(db, db.execute(query)) if any(entry.recordings)]


def _choose(db: Db, among: list[Entry], wanted: int) -> list[tuple[Entry, int]]:
    """Return the first takes that free so many bytes; what others share is not free with one."""
    query = (
        "SELECT sha256, count(*) FROM tracks JOIN takes ON takes.n = tracks.take"
        " WHERE sha256 IS NOT NULL AND deleted_at IS NULL GROUP BY sha256"
    )
    uses = dict(db.execute(query).fetchall())
    chosen: list[tuple[Entry, int]] = []
    total = 0
    for entry in among:
        if total >= wanted:
            break
        n_bytes = 0
        for recording in entry.recordings:
            if recording is not None:
                uses[recording.sha256] -= 1
                n_bytes += recording.size if uses[recording.sha256] == 0 else 0
        chosen.append((entry, n_bytes))
        total += n_bytes
    return chosen


def _line(entry: Entry, n_bytes: int) -> str:
    title = entry.prompt or entry.title
    of = f' of "{excerpt(title, 50)}"' if title else ""
    day = f"{datetime.fromtimestamp(entry.created_at):%Y-%m-%d}"
    rating = "" if entry.rating is None else f", rated {entry.rating}"
    shared = size(n_bytes) if n_bytes else "shared with another take"
    return f"{day}, take {entry.number}{of}{rating}: {shared} ({entry.id})"
