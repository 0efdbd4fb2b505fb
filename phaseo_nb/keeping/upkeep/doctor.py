"""The check-up of a library: journal against files, both ways, and what stands open.

Looking changes nothing. Mending is asked for, and does only what can be taken back or made anew:
no journal is deleted, no recording that a row knows, and an orphaned file stays as long as
somebody may still come for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ...cards import note_card
from ...errors import LibraryError
from ...phrases import excerpt
from ..backends import Db
from ..closing import unfinished_copy
from ..entries import OPEN, OPEN_ENDS, count_kept, entries_in
from ..store import UNFINISHED, Item, Recording, State
from .findings import DAMAGED, KINDS, OF_PEOPLE, Finding
from .mending import MENDERS, beside_the_journal
from .room import count_pictures

if TYPE_CHECKING:
    from ..folder import Folder


@dataclass(frozen=True, repr=False)
class Checkup:
    """What a check-up found. Nothing was changed unless :attr:`done` says so."""

    findings: tuple[Finding, ...]
    n_recordings: int
    n_takes: int
    is_quick: bool
    """Whether hashes and the inside of the search index were left out."""
    done: tuple[str, ...] = ()
    """What was mended, in words."""
    n_pictures: int = 0
    """Cover images that were looked at like recordings."""
    _folder: Folder | None = field(default=None, compare=False)

    @property
    def is_well(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def of(self, kind: str) -> tuple[str, ...]:
        """Return what was found of one kind."""
        return next((found.items for found in self.findings if found.kind == kind), ())

    def mend(self, *, remove_orphans: bool = False) -> Checkup:
        """Do what each finding says, look again, and return the new check-up.

        Parameters
        ----------
        remove_orphans
            Whether audio that no row knows may be deleted.
        """
        assert self._folder is not None
        return examine(self._folder, mend=True, quick=self.is_quick, remove_orphans=remove_orphans)

    def __repr__(self) -> str:
        return self._shown(text=True)

    def _repr_html_(self) -> str:
        return self._shown(text=False)

    def _shown(self, *, text: bool) -> str:
        lines = [f"Done: {words}" for words in self.done]
        for found in self.findings:
            lines += found.lines()
        depth = "lengths only" if self.is_quick else "every byte"
        depth = "of the recordings nothing could be seen" if self.of("unreachable") else depth
        counted = [_counted(self.n_takes, "take"), _counted(self.n_recordings, "recording")]
        counted += [_counted(self.n_pictures, "cover image")] if self.n_pictures else []
        looked_at = f"{', '.join(counted[:-1])} and {counted[-1]}"
        lines.append(f"Looked at {looked_at} ({depth}).")
        n = len(self.findings)
        kinds = "one thing" if n == 1 else f"{n} things"
        heading = f"The library has {kinds} to look at" if n else "The library is well"
        if any(found.kind not in OF_PEOPLE for found in self.findings):
            lines.append("`library.doctor(mend=True)` mends what can be mended safely.")
        return note_card(lines, heading=heading, text=text)


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def examine(
    folder: Folder, *, mend: bool = False, quick: bool = False, remove_orphans: bool = False
) -> Checkup:
    """Look a library over; see :meth:`Library.doctor`."""
    findings = list(_findings(folder, quick))
    done: list[str] = []
    if mend:
        for found in findings:
            mender = MENDERS.get(found.kind)
            try:
                done += mender(folder, found.items, remove_orphans) if mender else ()
            except LibraryError as error:  # away by now: the others can be mended all the same
                done.append(f"nothing about {KINDS[found.kind].name.lower()}. {error}")
        findings = list(_findings(folder, quick))

    def count(db: Db) -> tuple[int, int, int]:
        n_files = db.execute("SELECT count(*) FROM recordings").fetchone()[0]
        n_pictures = count_pictures(db)[0]
        return n_files - n_pictures, count_kept(db)[0], n_pictures

    n_recordings, n_takes, n_pictures = folder.database.read(count)
    return Checkup(
        tuple(findings),
        n_recordings,
        n_takes,
        quick,
        tuple(done),
        n_pictures=n_pictures,
        _folder=folder,
    )


def _findings(folder: Folder, quick: bool) -> Iterator[Finding]:
    database = folder.database
    troubles = database.read(lambda db: database.backend.inconsistencies(db, quick))
    index = [trouble for trouble in troubles if "fts5" in trouble.lower()]
    journal = tuple(trouble for trouble in troubles if trouble not in index)
    if journal:
        yield Finding("journal", journal)
    try:
        copy = database.read(unfinished_copy)
        if copy is not None:
            yield Finding("copy", (copy,))
        index += database.write(lambda db: db.words.troubles(db, quick)).result()
        if index:
            yield Finding("index", tuple(dict.fromkeys(index)))
        yield from _files(folder, quick)
        yield from _open_jobs(folder)
    except LibraryError:
        if not journal:  # else it has been said already why no more can be read
            raise


# -- the files -----------------------------------------------------------------------------------


def _files(folder: Folder, quick: bool) -> Iterator[Finding]:
    recordings = folder.database.read(_recordings)
    troubles: Sequence[tuple[Recording, State]] = ()
    others: Sequence[Item] = ()
    try:
        folder.database.read(folder.whereabouts.check)
        troubles, others = folder.store.survey(recordings, quick=quick)
    except LibraryError as error:
        yield Finding("unreachable", (str(error), folder.database.read(_how_many)))
    found: dict[str, list[tuple[str, int]]] = {}
    for recording, state in troubles:
        found.setdefault(state, []).append((recording.name, recording.size))
    for item in (*others, *beside_the_journal(folder)):
        found.setdefault(_kind_of(item.name), []).append((item.name, item.size or 0))
    lost = [recording for recording, _ in troubles]
    takes = folder.database.read(lambda db: _takes_of(db, lost))
    for kind in ("missing", "changed", "unreadable", "orphan", "part", "set_aside"):
        if kind in found:
            items = tuple(name for name, _ in found[kind])
            files = [PurePosixPath(name).name for name in items]
            about = tuple(takes.get(file[:64], file) for file in files)
            yield Finding(kind, items, sum(n_bytes for _, n_bytes in found[kind]), about)


def _recordings(db: Db) -> list[Recording]:
    query = "SELECT sha256, suffix, format, size FROM recordings ORDER BY sha256"
    return [Recording(*row) for row in db.execute(query)]


def _how_many(db: Db) -> str:
    query = (
        "SELECT count(DISTINCT take) FROM tracks WHERE sha256 IN (SELECT sha256 FROM recordings)"
    )
    n = db.execute(query).fetchone()[0]
    return f"{_counted(n, 'take')} {'has' if n == 1 else 'have'} recordings there."


def _kind_of(name: str) -> str:
    if name.endswith((UNFINISHED, ".new")):
        return "part"
    return "set_aside" if name.endswith(DAMAGED) else "orphan"


def _takes_of(db: Db, recordings: Sequence[Recording]) -> dict[str, str]:
    """Return which takes have these recordings, in words, by hash."""
    query = (
        "SELECT takes.id, takes.title, takes.prompt FROM tracks JOIN takes ON"
        " takes.n = tracks.take WHERE tracks.sha256 = ?"
    )
    named = {}
    for recording in recordings:
        takes = [
            f"{row['id']} “{excerpt(row['prompt'] or row['title'] or '', 40)}”"
            for row in db.execute(query, (recording.sha256,))
        ]
        if takes:
            named[recording.sha256] = f"{recording.sha256[:12]}{recording.suffix} of " + ", ".join(
                takes
            )
    return named


# -- what stands open ----------------------------------------------------------------------------


def _open_jobs(folder: Folder) -> Iterator[Finding]:
    def operation(db: Db) -> list[str]:
        leases = folder.leases
        owned = [entry for entry in entries_in(db, *OPEN) if entry.owner is not None]
        return [e.id for e in owned if e.owner != leases.me and leases.is_free(db, e.owner)]

    stale = folder.database.read(operation)
    if stale:
        yield Finding("lease", tuple(stale))
    ends = folder.database.read(lambda db: entries_in(db, *OPEN_ENDS))
    for state in OPEN_ENDS:
        ids = tuple(entry.id for entry in ends if entry.state == state)
        if ids:
            yield Finding(state, ids)
