"""Copying a whole library to another place: a backup, a way back, a move to another back end.

Recordings go first, as they never change; then all rows as they are at one moment, in one
transaction. So a copy may be made while kernels work, be stopped at any moment and be run again:
it goes on, and a row is never there without its recording.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from ...errors import LibraryError
from ...settings.homes import find_audio
from ..backends import Db
from ..closing import await_copy
from ..folder import Folder, open_folder
from ..store import LocalStore
from . import lineage, moving
from .copied import Copied
from .progress import Progress
from .recordings import Carrier
from .tables import SourceFailed, Writing, Written, one_picture

if TYPE_CHECKING:
    from ...settings.homes import Home

__all__ = ["Copied", "copy_library"]


def copy_library(
    source: Folder,
    home: Home,
    audio: SecretStr | None = None,
    *,
    moves: bool = False,
    show: bool = True,
) -> Copied:
    """Copy a library; see :meth:`Library.copy_to`."""
    began = time.monotonic()
    target = _opened(source, home, audio)
    try:
        work = _Work(source, target, moves=moves, show=show)
        work.check()
        work.run()
        return work.result(time.monotonic() - began)
    finally:
        target.close()  # whoever has it open here, too, opens it anew and sees what is there now


class _Work:
    """One copy on its way."""

    def __init__(self, source: Folder, target: Folder, *, moves: bool, show: bool) -> None:
        self.source = source
        self.target = target
        self.moves = moves
        self.id = lineage.identity(source)
        self.run_id = secrets.token_hex(8)
        self.progress = Progress(
            "Moving the library" if moves else "Copying the library", show=show
        )
        self.carrier = Carrier(source, target, self.progress)
        self.written = Written()

    def check(self) -> None:
        """Raise ``LibraryError`` where the target is no place for it; nothing is written yet."""
        target, source = self.target, self.source
        are_databases = source.home.database is not None and target.home.database is not None
        if are_databases and source.database.read(_which) == target.database.read(_which):
            raise _same(source)  # two addresses may lead to the same one
        target.database.read(lambda db: lineage.check(db, self.id, target.shown))
        if self.moves:
            moving.check(self)
        target.store.check()

    def run(self) -> None:
        """Carry everything; at the end of a move, shut the source first."""
        try:
            self.target.database.write(self._begin).result()
            self.carrier.carry_all()
            if self.moves:
                moving.move(self)
            else:
                self.carry_rows()
        except BaseException:
            self.carrier.stop()
            raise
        finally:
            self.progress.end()

    def _begin(self, db: Db) -> None:
        """Shut the target until the copy is whole; what it ordered meanwhile would end the copy."""
        self._check(db)
        await_copy(db, self.source.shown, lineage.now())

    def _check(self, db: Db) -> None:
        lineage.check(db, self.id, self.target.shown)
        self.target.whereabouts.check(db)

    def carry_rows(self) -> None:
        """Replace the target's rows by those of the source as they are at one moment."""

        def reading(db: Db) -> Written:
            with one_picture(self.source, db) as picture:
                n_all = picture.count()

                def writing(db: Db) -> Written:
                    self._check(db)
                    work = Writing(db, picture, moves=self.moves)
                    return work.replace(
                        _Settings(db, self, work.done),
                        self.carrier.carry_rest,
                        lambda n: self._tell(n, n_all),
                    )

                try:
                    return self.target.database.write(writing, is_awaited=True).result()
                except SourceFailed as failed:
                    raise failed.error from None

        self.written = self.source.database.read(reading)

    def _tell(self, n: int, n_all: int) -> None:
        self.carrier.refuse_if_stopped()
        self.progress.rows(n, n_all)

    def result(self, seconds: float) -> Copied:
        """Return what it came to."""
        counts, carrier = self.written.counts, self.carrier
        return Copied(
            source=self.source.shown,
            target=self.target.shown,
            audio=self.target.store.place,
            n_takes=self.written.n_kept,
            n_attempts=counts["takes"],
            n_recordings=counts["recordings"] - len(carrier.missing),
            n_copied=carrier.n_copied,
            size_bytes=carrier.n_bytes,
            usd=self.written.sums.get("cost_usd", 0.0),
            missing=tuple(sorted(recording.name for recording in carrier.missing.values())),
            n_planned=self.written.n_planned,
            is_shared=carrier.is_shared,
            is_moved=self.moves,
            seconds=seconds,
        )


class _Settings:
    """Which settings a copy has: the source's, but for what says something about a place."""

    def __init__(self, db: Db, work: _Work, done: Written) -> None:
        self._work = work
        self._done = done
        # Read before everything is replaced; a copy is another library than its original, so that
        # workers that were sent to the one do not take up the other.
        kept = ("audio",) if work.moves else ("audio", lineage.ID)
        self._own = [(name, lineage.setting(db, name)) for name in kept]

    def __call__(self, page: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return what is written of a page; an empty one is the end."""
        if page:
            return [row for row in page if row[0] not in lineage.OF_ONE_PLACE]
        work = self._work
        mark = lineage.mark(work.id, work.source.shown, self._done.events, work.run_id)
        rows = [(name, value) for name, value in self._own if value is not None]
        if work.moves:
            rows.append((lineage.ID, work.id))
        return [*rows, (lineage.COPY, mark)]


def _opened(source: Folder, home: Home, audio: SecretStr | None) -> Folder:
    """Open the target with the place of its recordings."""
    if home.database is None:
        is_same = home.folder.expanduser().resolve() == source.path.resolve()
        if is_same and source.home.database is None:
            raise _same(source)
    elif source.home.key == home.key:
        raise _same(source)
    target = open_folder(home, audio=audio)
    if home.database is None or audio or target.database.read(_has_audio):
        return target
    target.close()
    return open_folder(home, audio=_reachable(source, home))


def _has_audio(db: Db) -> bool:
    return lineage.setting(db, "audio") is not None


def _reachable(source: Folder, home: Home) -> SecretStr:
    """Return where recordings can lie whose journal is in a database, if nobody says it."""
    named = find_audio()
    if named is not None:
        return named
    if isinstance(source.store, LocalStore):
        message = (
            f"Where are the recordings to go? {home.shown} holds only the journal, and they are "
            f"in the folder {source.store.place} now. Say audio= (--audio): an address that every "
            'machine reaches, such as "s3://bucket/folder", or a folder.'
        )
        raise LibraryError(message)
    return SecretStr(source.store.address.reveal())  # type: ignore[attr-defined]


def _which(db: Db) -> tuple[Any, ...]:
    """Return what tells one schema of one running server from all others."""
    query = (
        "SELECT pg_postmaster_start_time()::text, current_database(), to_regclass('takes')::bigint"
    )
    return tuple(db.execute(query).fetchone())


def _same(source: Folder) -> LibraryError:
    message = f"{source.shown} is the library that is to be copied. Name another place."
    return LibraryError(message)
