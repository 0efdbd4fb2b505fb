"""Takes on their way in, from an export that anybody may have made.

Every file is input of a stranger: sizes are measured while reading, hashes compared, requests go
through their own rules again, and one bad take is left out by name without stopping the others.
Names of files are only looked up, never used as paths.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ... import cards
from ...audio.sniff import sniff
from ...errors import LibraryError, RequestRejected
from ...phrases import visible
from ...requests import MusicRequest, UdioRequest, request_key
from ...takes import prompt_of
from ...transport.texts import is_text
from ..backends import Db
from ..closing import refuse_while_copied
from ..entries import Entry, add_recording, note_event, read_entry, write_answer
from ..records import cost_facts, dump, dump_request, storable_text
from ..search import note_texts
from ..shelf import take_of
from ..store import Recording
from ..tables import Takes
from ..upkeep.purging import Freed
from ..upkeep.removing import free_number, say_why
from .exporting import INDEX
from .facts import ImportRefused, Sidecar, Sound, job_of, read_json, request_of, sidecar_in
from .sidecar import FORMAT
from .sources import MOST_AUDIO, MOST_JSON, Source, open_source

if TYPE_CHECKING:
    from ...jobs import MusicJob
    from ..folder import Folder

_SHOWN = 20


class Imported(Takes):
    """Takes that an import brought; new ones, or ones that have their audio back.

    Attributes
    ----------
    refused : tuple of str
        What was left out, each with the name of its file and the reason.
    already : int
        Takes that were here before.
    ignored : int
        Files that are no part of an export.
    """

    refused: tuple[str, ...] = ()
    already: int = 0
    ignored: int = 0

    def __repr__(self) -> str:
        return "\n".join([super().__repr__(), *self._remarks()]) if self else self._alone()

    def _repr_html_(self) -> str:
        remarks = "".join(cards.remark(words) for words in self._remarks())
        return (super()._repr_html_() if self else "") + remarks

    def _alone(self) -> str:
        return "\n".join(self._remarks())

    def _remarks(self) -> list[str]:
        n = len(self)
        words = [f"{n:,} take{'' if n == 1 else 's'} taken in"]
        words += [f"{self.already:,} here already"] if self.already else []
        words += [f"{len(self.refused):,} refused"] if self.refused else []
        words += [f"{self.ignored:,} other files ignored"] if self.ignored else []
        more = len(self.refused) - _SHOWN
        # Names of files are a stranger's, and this is printed on terminals too.
        reasons = [f"Refused: {visible(reason)}" for reason in self.refused[:_SHOWN]]
        return [", ".join(words) + ".", *reasons, *([f"… and {more:,} more"] if more > 0 else [])]


class _Item(NamedTuple):
    """A take that was checked and whose audio is in the store."""

    facts: Sidecar
    request: MusicRequest | UdioRequest
    key: str
    job: MusicJob
    recordings: Mapping[int, Recording]


def import_export(folder: Folder, path: str | os.PathLike[str]) -> Imported:
    """Take an export in; see :meth:`Library.import_`."""
    entries: dict[int, Entry] = {}
    already = 0
    refused: list[str] = []
    used: set[str] = set()
    folder.database.read(refuse_while_copied)
    with open_source(path) as source:
        refused += source.refused
        for name in source.named(".json"):
            try:
                facts = _sidecar(source, name)
                if facts is None:
                    continue
                used.add(name)
                used.update(_member(name, sound) for sound in facts.files)
                entry = _take_in(folder, source, name, facts)
            except ImportRefused as error:
                used.add(name)
                refused.append(f"{name[:120]}: {error}")
            else:
                already += entry is None
                if entry is not None:
                    entries[entry.n] = entry
        indexes = {name for name in source.names if posixpath.basename(name) == INDEX}
        ignored = len(set(source.names) - used - indexes)
        if not (used or indexes or refused):
            message = (
                f"{str(path)[:200]} is no export: nothing in it describes a take. Give the folder "
                "or zip that `library.export(…)` wrote."
            )
            raise LibraryError(message)
    for n in entries:
        folder.takes.pop(n, None)  # it may have its audio back
    takes = Imported(take_of(folder, entry) for entry in entries.values())
    takes.refused, takes.already, takes.ignored = tuple(refused), already, ignored
    return takes


def _sidecar(source: Source, name: str) -> Sidecar | None:
    """Return what a JSON file says of a take; ``None`` where it is about something else."""
    if posixpath.basename(name) == INDEX:
        return None
    facts = read_json(source.read(name, MOST_JSON))
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        return None
    return sidecar_in(facts)


def _take_in(folder: Folder, source: Source, name: str, facts: Sidecar) -> Entry | None:
    """Keep one take; ``None`` where it is here already."""
    try:
        request = request_of(facts.request)
    except RequestRejected as error:
        why = f"its request breaks the rules of its service: {error}"
        raise ImportRefused(why[:500]) from error
    job = job_of(facts)
    recordings = {}
    for sound in facts.files:
        if sound.track in recordings or sound.track >= len(job.tracks):
            message = f"track {sound.track} is there twice, or not at all"
            raise ImportRefused(message)
        recordings[sound.track] = _kept(folder, source, _member(name, sound), sound)
    about = facts.request
    key = request_key(request, gateway=about.gateway, base_url=about.base_url)
    item = _Item(facts, request, key, job, recordings)

    def operation(db: Db) -> Entry | None:
        refuse_while_copied(db)
        folder.whereabouts.check(db)
        return _add(db, item)

    return folder.database.write(operation).result()


def _kept(folder: Folder, source: Source, name: str, sound: Sound) -> Recording:
    """Put a recording into the store, if it is what the export says."""
    data = source.read(name, min(sound.size + sound.header_bytes, MOST_AUDIO))
    data = data[sound.header_bytes :]
    if len(data) != sound.size or hashlib.sha256(data).hexdigest() != sound.sha256:
        message = f"{sound.file[:120]} is not what its hash says"
        raise ImportRefused(message)
    is_bare = sound.format == "pcm"
    if sniff(data) is None and (not is_bare or is_text(data[:4096])):
        message = f"{sound.file[:120]} is no audio"
        raise ImportRefused(message)
    return folder.store.put(data, is_bare=is_bare)


def _member(sidecar: str, sound: Sound) -> str:
    return posixpath.join(posixpath.dirname(sidecar), sound.file)


# -- the row -------------------------------------------------------------------------------------


def _add(db: Db, item: _Item) -> Entry | None:
    """Write a take down, or give one that is here its audio back."""
    known, is_whole = _same(db, item)
    if known is None:
        n = _insert(db, item)
    elif is_whole:
        _know(db, item.recordings.values())  # its files are there again, if they were not
        return None
    else:
        n = known
        _give_back(db, n, item)
    return read_entry(db, "n = ?", (n,))


def _same(db: Db, item: _Item) -> tuple[int | None, bool]:
    """Return the row of the same request and job, and whether it has all this audio already."""
    new = {position: recording.sha256 for position, recording in item.recordings.items()}
    query = (
        "SELECT n FROM takes WHERE key = ? AND job_id = ? AND state = 'kept'"
        " AND deleted_at IS NULL ORDER BY n"
    )
    found = None
    for (n,) in db.execute(query, (item.key, storable_text(item.job.id))).fetchall():
        rows = db.execute("SELECT position, sha256 FROM tracks WHERE take = ?", (n,))
        old = {position: sha256 for position, sha256 in rows if sha256 is not None}
        if all(old[position] == new.get(position, old[position]) for position in old):
            if set(new) <= set(old):
                return n, True
            found = n  # its audio was deleted or lost, and this is it
    return found, False


def _insert(db: Db, item: _Item) -> int:
    facts, key = item.facts, item.key
    query = "SELECT coalesce(max(attempt), 0) FROM takes WHERE key = ?"
    attempt = int(db.execute(query, (key,)).fetchone()[0]) + 1
    model = getattr(item.request, "model", None)
    provider = item.job.provider or getattr(item.request, "provider_name", None)
    title = next((track.title for track in item.job.tracks if track.title), None)
    take = facts.take
    values = {
        "id": f"{key[:16]}-{attempt}",
        "key": key,
        "number": free_number(db, key, take.number),
        "attempt": attempt,
        "state": "kept",
        "gateway": facts.request.gateway,
        "base_url": facts.request.base_url,
        "sandbox": int(facts.is_sandbox),
        "model": storable_text(model),
        "provider": storable_text(provider),
        "prompt": storable_text(prompt_of(item.request)),
        "title": storable_text(title),
        "request": dump_request(item.request),
        "notes": dump(take.notes),
        "price": dump(cost_facts(item.job.cost)),
        "created_at": facts.made,
        "ended_at": facts.made + (take.seconds or 0.0),
        "seconds": take.seconds,
        "rating": take.rating,
        "note": storable_text(take.note),
        "imported": 1,
    }
    marks = ", ".join(f":{name}" for name in values)
    insert = f"INSERT INTO takes ({', '.join(values)}) VALUES ({marks})"
    n = db.insert(insert, values)
    write_answer(db, n, item.job, item.recordings, time.time())
    for tag in take.tags:
        db.execute("INSERT INTO tags VALUES (?, ?) ON CONFLICT DO NOTHING", (storable_text(tag), n))
    entry = read_entry(db, "n = ?", (n,))
    assert entry is not None
    note_texts(db, [(entry, item.job)])
    note_event(db, n, "imported", time.time())
    return n


def _give_back(db: Db, n: int, item: _Item) -> None:
    """Give a take recordings that were deleted or lost here."""
    _know(db, item.recordings.values())
    for position, recording in item.recordings.items():
        query = "UPDATE tracks SET sha256 = ? WHERE take = ? AND position = ? AND sha256 IS NULL"
        if db.execute(query, (recording.sha256, n, position)).rowcount:
            say_why(db, n, position, item.job.tracks[position].failure)
            db.execute("DELETE FROM settings WHERE name = ?", (Freed.name_of(n, position),))
    note_event(db, n, "audio imported", time.time())


def _know(db: Db, recordings: Iterable[Recording]) -> None:
    for recording in recordings:
        add_recording(db, recording, time.time())
