"""Deleting takes or their audio, with a way back until the kernel ends.

What is deleted is first only hidden: the row says by which kernel, its files stay. When that
kernel ends, or a later one finds that it is gone, the files and texts go for good. What a take
cost stays in the journal, so that spending stays true.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...cards import note_card
from ...errors import LibraryError
from ...phrases import size
from ..backends import Db
from ..entries import ENDED, SET_SETTING, Entry, named_entry, note_event, read_entry
from ..records import dump
from ..shelf import take_of
from ..tables import Takes
from .purging import Freed, freed_audio, purge, say_farewell

if TYPE_CHECKING:
    from ...jobs import MusicJob, Track
    from ..folder import Folder

_AGAIN = {
    False: "running its cell again fetches it, while the service still has it",
    True: "it came inside the answer, so only fresh=True makes it anew",
}
_DELETED = "The audio was deleted here on "
FOUND = "Its file was found "
_OURS = (_DELETED, FOUND)
"""How reasons begin that are not the service's."""


class Deleted:
    """What was deleted, and the way back.

    Attributes
    ----------
    ids : tuple of str
        The takes.
    size_bytes : int
        What their audio takes up on the disk, as far as no other take shares it.
    audio_only : bool
        Whether the takes themselves stay.
    """

    def __init__(
        self, folder: Folder, rows: Sequence[Entry], size_bytes: int, *, audio_only: bool
    ) -> None:
        self._folder = folder
        self._rows = [entry.n for entry in rows]
        self.ids = tuple(entry.id for entry in rows)
        self.size_bytes = size_bytes
        self.audio_only = audio_only
        self._n_lost = sum(_cannot_be_fetched(entry) for entry in rows) if audio_only else 0
        self._state = "open"

    def undo(self) -> Takes:
        """Bring everything back, and return the takes.

        A take whose number was given to another one meanwhile gets the next free one.

        Raises
        ------
        LibraryError
            The kernel that deleted it has ended since, or it was deleted for good.
        """
        bring_back = _bring_audio_back if self.audio_only else _bring_back

        def operation(db: Db) -> list[Entry]:
            back = [n for n in self._rows if bring_back(db, n, self._folder.leases.me)]
            found = (read_entry(db, "n = ?", (n,)) for n in back)
            return [entry for entry in found if entry is not None]

        entries = self._folder.database.write(operation).result()
        if not entries and self._rows:
            why = (
                "It was brought back already" if self._state == "undone" else "It is gone for good"
            )
            message = f"{why}; there is nothing left to undo."
            raise LibraryError(message)
        self._state = "undone"
        for entry in entries:
            self._folder.takes.pop(entry.n, None)  # its number or its audio may be another
        return Takes(take_of(self._folder, entry) for entry in entries if entry.state == "kept")

    def for_good(self) -> None:
        """Free the disk now instead of when the kernel ends; there is no way back then."""
        if self._state == "open":
            self._state = "gone"
            purge(self._folder, only=self._rows, audio_only=self.audio_only)

    def __repr__(self) -> str:
        return self._shown(text=True)

    def _repr_html_(self) -> str:
        return self._shown(text=False)

    def _shown(self, *, text: bool) -> str:
        n = len(self.ids)
        takes = f"{n:,} take{'' if n == 1 else 's'}"
        audio = f"{size(self.size_bytes)} of audio" if self.size_bytes else "no audio"
        if self._state != "open":
            now = "Brought back" if self._state == "undone" else "Deleted for good"
            return note_card([f"{takes}, {audio}."], heading=now, text=text)
        what = f"The audio of {takes}" if self.audio_only else takes[0].upper() + takes[1:]
        lines = [
            f"{what}: {audio} is freed when this kernel ends; `.for_good()` frees it now.",
            "`.undo()` brings everything back until then.",
        ]
        if self.audio_only:
            lines.append(
                "The takes stay, with all facts. Running a cell again fetches its audio anew, at "
                "no cost, while the service still has it."
            )
        if self._n_lost:
            lines.append(
                f"{self._n_lost:,} of them came inside the answer and cannot be fetched again: "
                "only `fresh=True` makes them anew, and pays for them."
            )
        return note_card(lines, heading="Deleted", text=text)


def delete(folder: Folder, what: Iterable[Any], *, audio_only: bool = False) -> Deleted:
    """Hide takes or detach their audio; see :meth:`Library.delete`."""
    names = list(named(what))

    def operation(db: Db) -> tuple[list[Entry], int]:
        folder.leases.present(db)  # who is not known there counts as gone
        rows = {entry.n: entry for entry in (_row(db, name, folder) for name in names)}
        entries = [e for e in rows.values() if not audio_only or any(e.recordings)]
        n_bytes = shared_out(db, entries)
        for entry in entries:
            if audio_only:
                _detach(db, entry, folder.leases.me)
            else:
                query = "UPDATE takes SET deleted_at = ?, deleted_by = ? WHERE n = ?"
                db.execute(query, (time.time(), folder.leases.me, entry.n))
                note_event(db, entry.n, "deleted", time.time())
        return entries, n_bytes

    entries, n_bytes = folder.database.write(operation).result()
    for entry in entries:
        folder.handles.pop(entry.n, None)
        if audio_only:
            folder.takes.pop(entry.n, None)
    say_farewell(folder)
    return Deleted(folder, entries, n_bytes, audio_only=audio_only)


def shared_out(db: Db, entries: Iterable[Entry]) -> int:
    """Return the bytes that would be free without these takes: what no other one shares."""
    uses: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for entry in entries:
        for recording in entry.recordings:
            if recording is not None:
                uses[recording.sha256] = uses.get(recording.sha256, 0) + 1
                sizes[recording.sha256] = recording.size
    query = (
        "SELECT count(*) FROM tracks JOIN takes ON takes.n = tracks.take"
        " WHERE tracks.sha256 = ? AND takes.deleted_at IS NULL"
    )
    alone = [s for s, n in uses.items() if db.execute(query, (s,)).fetchone()[0] <= n]
    return sum(sizes[sha256] for sha256 in alone)


def say_why(db: Db, n: int, position: int, words: str | None) -> str | None:
    """Write down why a track has no audio here, and return what stood there before.

    It stands where the service says why a track came to nothing, because that is what its card
    shows where a recording should be.
    """
    row = db.execute("SELECT answer FROM takes WHERE n = ?", (n,)).fetchone()
    answer = json.loads(row[0]) if row and row[0] else {}
    tracks = answer.get("tracks") or []
    if position >= len(tracks):
        return None
    before = tracks[position].get("failure")
    tracks[position]["failure"] = words
    db.execute("UPDATE takes SET answer = ? WHERE n = ?", (dump(answer), n))
    is_theirs = isinstance(before, str) and not before.startswith(_OURS)
    return before if is_theirs else None


def unsaid(answer: MusicJob, recordings: Collection[int]) -> MusicJob:
    """Return an answer without our own reasons at the tracks whose audio is here again."""

    def is_over(position: int, track: Track) -> bool:
        return position in recordings and (track.failure or "").startswith(_OURS)

    if not any(is_over(position, track) for position, track in enumerate(answer.tracks)):
        return answer
    tracks = [
        replace(track, failure=None) if is_over(position, track) else track
        for position, track in enumerate(answer.tracks)
    ]
    return answer.replace(tracks=tuple(tracks))


# -- hiding and bringing back --------------------------------------------------------------------


def named(what: Iterable[Any]) -> Iterator[str]:
    """Yield names of takes from takes, attempts, ids and lists of them."""
    for item in what:
        if isinstance(item, str):
            yield item
        elif isinstance(item, (list, tuple, set)):
            yield from named(item)
        else:
            name = getattr(item, "take_id", None) or getattr(item, "id", None)
            if not isinstance(name, str):
                message = f"{item!r:.80} is no take. Give takes, their ids, or a list of them."
                raise LibraryError(message)
            yield name


def _row(db: Db, name: str, folder: Folder) -> Entry:
    entry = named_entry(db, name)
    if entry is None:
        message = f"The library {folder.shown} has no take {name[:80]!r}. Nothing was deleted."
        raise LibraryError(message)
    if entry.state not in ENDED:
        message = (
            f"{name[:80]!r} is not finished ({entry.state}): it is paid or may be. Nothing was "
            "deleted. Let it end, or close it first with its `.write_off()`."
        )
        raise LibraryError(message)
    handle = folder.handles.get(entry.n)
    if handle is not None and handle.is_waiting:
        message = f"The audio of {name[:80]!r} is being fetched right now. Nothing was deleted."
        raise LibraryError(message)
    return entry


def _detach(db: Db, entry: Entry, me: str) -> None:
    """Take the recordings from a take; which they were is remembered for the way back."""
    words = f"{_DELETED}{datetime.now():%Y-%m-%d}; {_AGAIN[_cannot_be_fetched(entry)]}"
    for position, recording in enumerate(entry.recordings):
        if recording is None:
            continue
        before = say_why(db, entry.n, position, words)
        facts = {"sha256": recording.sha256, "by": me, "failure": before}
        db.execute(SET_SETTING, (Freed.name_of(entry.n, position), dump(facts)))
        query = "UPDATE tracks SET sha256 = NULL WHERE take = ? AND position = ?"
        db.execute(query, (entry.n, position))
    note_event(db, entry.n, "audio deleted", time.time())


def _bring_audio_back(db: Db, n: int, me: str) -> bool:
    mine = [freed for freed in freed_audio(db) if freed.take == n and freed.by == me]
    for freed in mine:
        query = "UPDATE tracks SET sha256 = ? WHERE take = ? AND position = ? AND sha256 IS NULL"
        if db.execute(query, (freed.sha256, n, freed.position)).rowcount:
            say_why(db, n, freed.position, freed.failure)
            db.execute("DELETE FROM settings WHERE name = ?", (freed.name,))
        # Otherwise it was fetched anew meanwhile: that recording stays, and the old one goes.
    if mine:
        note_event(db, n, "audio back", time.time())
    return bool(mine)


def _bring_back(db: Db, n: int, me: str) -> bool:
    query = "SELECT key, number, state FROM takes WHERE n = ? AND deleted_by = ?"
    row = db.execute(query, (n, me)).fetchone()
    if row is None:
        return False
    number = row["number"] if row["state"] != "kept" else free_number(db, row["key"], row["number"])
    query = "UPDATE takes SET deleted_at = NULL, deleted_by = NULL, number = ? WHERE n = ?"
    db.execute(query, (number, n))
    note_event(db, n, "undeleted", time.time())
    return True


def free_number(db: Db, key: str, wanted: int) -> int:
    """Return the number of a take if no living take of its request has it, else the next one."""
    living = "key = ? AND state NOT IN ('failed', 'written_off') AND deleted_at IS NULL"
    numbers = [row[0] for row in db.execute(f"SELECT number FROM takes WHERE {living}", (key,))]
    return wanted if wanted not in numbers else max(numbers) + 1


def _cannot_be_fetched(entry: Entry) -> bool:
    answer = entry.read_answer()
    tracks = answer.tracks if answer is not None else ()
    return any(
        recording is not None and not track.audio_url
        for track, recording in zip(tracks, entry.recordings, strict=False)
    )
