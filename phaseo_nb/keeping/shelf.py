"""From a row to a take: one object for one row, as long as somebody holds it."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError
from ..takes import Take
from ..takes.going_on import Origin
from .backends import Db
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
    # Not the folder's lock: who orders holds that until the disk has answered, and the event loop
    # must not wait for it.
    with folder.shelving:
        known = folder.takes.get(entry.n)
        if isinstance(known, FiledTake) and known.is_of(entry):
            return known
        take = FiledTake(folder, entry)
        folder.takes[entry.n] = take
    if in_memory is not None:
        for track, data in zip(take.tracks, in_memory, strict=False):
            track.hold(data)
    return take


def open_again(folder: Folder) -> Folder:
    """Return a folder as this process has it open now."""
    from .folder import open_folder

    return open_folder(folder.home)


class FiledTake(Take):
    """A take of which request, answer and tracks are read once somebody asks for one of them.

    A list of takes stays quick that way, however long their answers are.
    """

    def __init__(self, folder: Folder, entry: Entry) -> None:
        if entry.answer is None:
            message = f"Take {entry.id} has no answer of a service in the journal."
            raise LibraryError(message)
        self.__dict__.update(
            id=entry.id,
            number=entry.number,
            created_at=datetime.fromtimestamp(entry.created_at, timezone.utc),
            notes=tuple(json.loads(entry.notes)),
            rating=entry.rating,
            note=entry.note,
            tags=entry.tags,
            _filed_as=(folder, entry),
        )
        self.__post_init__()

        def keep_opinion(name: str, value: Any) -> None:
            now = folder if folder.is_open else open_again(folder)  # it was closed meanwhile
            now.database.write(lambda db: write_opinion(db, entry.n, name, value)).result()

        self.belong_to(keep_opinion)

    @property
    def origin(self) -> Origin:
        """Where it was ordered, and who can order more there."""
        folder, entry = self.__dict__["_filed_as"]
        agent = folder.agents.get((entry.gateway, entry.base_url))
        sandbox, imported = bool(entry.sandbox), bool(entry.imported)
        return Origin(entry.gateway, entry.base_url, sandbox, imported, agent)

    def is_of(self, entry: Entry) -> bool:
        """Tell whether this is a row as it stands: audio may have been fetched since."""
        filed: Entry = self.__dict__["_filed_as"][1]
        return filed.recordings == entry.recordings

    def __getattr__(self, name: str) -> Any:
        """Read what was not read yet; called only for what is not there."""
        if name not in _WHOLE or "_filed_as" not in self.__dict__:
            message = f"a take has no {name!r}"
            raise AttributeError(message)
        with _reading:  # one set of tracks, whoever asks: they remember what they worked out
            if name not in self.__dict__:
                whole = _read(*self.__dict__["_filed_as"])
                self.__dict__.update({part: getattr(whole, part) for part in _WHOLE})
        return self.__dict__[name]


_WHOLE = ("request", "job", "tracks", "pictures")
_reading = threading.Lock()


def _read(folder: Folder, entry: Entry) -> Take:
    answer = entry.read_answer()
    assert answer is not None  # a FiledTake has one
    recordings = [*entry.recordings, *[None] * len(answer.tracks)][: len(answer.tracks)]
    return Take.of(
        answer,
        [folder.store.source(recording) if recording else None for recording in recordings],
        id=entry.id,
        request=entry.read_request(),
        number=entry.number,
        hashes=[recording.sha256 if recording else None for recording in recordings],
    )


def write_opinion(db: Db, n: int, name: str, value: Any) -> None:
    """Keep a rating, a note or tags."""
    if name == "tags":
        db.execute("DELETE FROM tags WHERE take = ?", (n,))
        for tag in value:
            db.execute(
                "INSERT INTO tags VALUES (?, ?) ON CONFLICT DO NOTHING", (storable_text(tag), n)
            )
        return
    value = storable_text(value) if isinstance(value, str) else value
    db.execute(f"UPDATE takes SET {name} = ? WHERE n = ?", (value, n))
    if name == "note":
        with_index(db, "UPDATE texts SET note = ? WHERE take = ?", (value, n))
