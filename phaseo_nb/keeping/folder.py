"""A library folder as this process has it open: one per folder, whoever asks for it.

A folder that cannot be written must not stop the music: then a temporary one stands in, with a
copy of the journal so that nothing is bought again, and everybody is told that it is not kept.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import logging
import math
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from ..errors import LibraryError, PhaseoError
from ..settings.homes import Home
from .backends import Backend, Db
from .closing import why_closed
from .database import Database
from .journal import Journal
from .kernels import BEAT
from .leases import Leases
from .locks import Lock
from .places import NETWORK, is_network
from .search import prepare
from .shards import Shards
from .store import LocalStore
from .whereabouts import Whereabouts, for_this_machine_alone, of_this_process_alone

if TYPE_CHECKING:
    from ..takes import Take
    from ..takes.handle import Job

JOURNAL = "journal.db"
AUDIO = "audio"
FAREWELL = 20.0
"""Seconds that the end of a process waits for the answers to orders that are on the wire."""

log = logging.getLogger("phaseo_nb")

_open: dict[tuple[int, str], Folder] = {}
_opening = threading.RLock()


class Folder:
    """Journal, store and live handles of one library.

    Parameters
    ----------
    home
        Where it is; a folder is made where it is missing.
    audio
        Folder or address of its recordings, where that is somewhere else.
    stands_in_for
        The folder that this one, a temporary one, is used instead of.
    """

    def __init__(
        self, home: Home, *, audio: SecretStr | None = None, stands_in_for: Path | None = None
    ) -> None:
        self.home = home
        self._stands_in_for = stands_in_for
        self.path = path = home.folder
        self.warning = _warning(path, stands_in_for)
        """What everybody should be told about this folder; ``None`` where all is well."""
        self._lock: Lock | None = None
        with contextlib.ExitStack() as undoing:  # what is opened for nothing is closed again
            undoing.callback(self._unlock)
            self.database = Database(self._backend())
            undoing.callback(self.database.close)
            self._furnish(audio)
            undoing.pop_all()
        self.pid = os.getpid()
        self.lock = threading.RLock()
        self.handles: dict[int, Job] = {}
        """Live handles by the row of their job."""
        self.takes: weakref.WeakValueDictionary[int, Take] = weakref.WeakValueDictionary()
        self.shelving = threading.Lock()
        """Held while a take is looked up in ``takes``, and by nobody for long."""
        self.quota_looked_at = -math.inf
        self.agents: dict[tuple[str, str], Any] = {}
        """Who can ask a gateway, by its name and address: sessions enter themselves."""
        self.farewells: list[Callable[[], None]] = []
        """What is to be done before the folder is closed."""

    def _furnish(self, audio: SecretStr | None) -> None:
        """Put up what stands on the journal, and find the recordings."""
        if self._lock is not None:
            self.database.regularly(lambda: BEAT, self._lock.touch)
        self.leases = Leases(self.database)
        also = self._stands_in_for / AUDIO if self._stands_in_for else None
        self.whereabouts = Whereabouts(self.database, self.path / AUDIO, also)
        self.journal = Journal(self.database, self.leases, check_place=self.whereabouts.check)
        self.shards = Shards(self.journal)
        self._warning = self.warning
        self.keep_at(audio)

    def keep_at(self, audio: SecretStr | None) -> None:
        """Keep recordings at a place; ``None`` is where they were before.

        Raises
        ------
        LibraryError
            They lie somewhere else, or cannot be kept there.
        """
        self.store = self.whereabouts.store(audio)
        self.warning = self._warning
        if self.home.database is not None and isinstance(self.store, LocalStore):
            self.warning = for_this_machine_alone(self.shown, self.store.place)
        elif self.store.place.startswith("memory:"):
            self.warning = of_this_process_alone(self.shown)
        self.warning = self.database.write(_ready).result() or self.warning

    def __repr__(self) -> str:
        return f"<Folder {self.shown}>"

    @property
    def shown(self) -> str:
        """Where it is, in words without any password."""
        return self.home.shown

    @property
    def is_kept(self) -> bool:
        """False where this is only a temporary stand-in."""
        return self._stands_in_for is None

    @property
    def is_open(self) -> bool:
        """False after :meth:`close`, and in a forked child, which has to open it for itself."""
        return self.database.is_ours

    def close(self) -> None:
        """Free our jobs for other kernels and close the file."""
        with _opening:
            if _open.get((os.getpid(), self.home.key)) is self:
                del _open[os.getpid(), self.home.key]
        if self.database.is_closed:
            return
        for farewell in self.farewells:
            with contextlib.suppress(PhaseoError, OSError):
                farewell()
        self.leases.let_go()
        self.database.close()
        self._unlock()

    def go_on_from(self, before: Folder) -> None:
        """Know what a folder knew that was closed, or opened by the parent of this process."""
        self.agents.update(before.agents)
        if before.pid == self.pid:  # a forked child has its parent's handles, but no thread
            for n, job in before.handles.items():
                if (job.is_waiting or job.unwritten) and self.knows(job):
                    self.handles.setdefault(n, job)

    def knows(self, job: Job) -> bool:
        """Tell whether this is the journal of a job, and not one that was put in its place."""
        query = "SELECT id, created_at FROM takes WHERE n = ?"
        row = self.database.read(lambda db: db.execute(query, (job.n,)).fetchone())
        return row is not None and tuple(row) == job.row

    def _backend(self) -> Backend:
        if self.home.database is not None:
            from .backends.postgres import Postgres

            return Postgres(self.home.database, self.home.shown)
        from .backends.sqlite import SQLite

        is_shared = not is_network(self.path)
        if not is_shared:
            self._lock = Lock(self.path)
            self.warning = self.warning or _alone(self.path)
        return SQLite(self.path / JOURNAL, is_shared=is_shared)

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()


def open_folder(
    home: Home, *, audio: SecretStr | None = None, may_stand_in: bool = False
) -> Folder:
    """Return the folder as this process has it open, opening it if need be.

    Parameters
    ----------
    home
        Where it is.
    audio
        Folder or address of its recordings; ``None`` is where they were before.
    may_stand_in
        Whether a temporary folder may stand in for one that cannot be written.

    Raises
    ------
    LibraryError
        It cannot be opened.
    """
    if home.database is None:
        with contextlib.suppress(OSError, RuntimeError):
            folder = home.folder.expanduser().resolve()
            home = replace(home, folder=folder, shown=str(folder))
    with _opening:
        key = os.getpid(), home.key
        if key not in _open:
            try:
                _open[key] = Folder(home, audio=audio)
            except LibraryError as error:
                if not (may_stand_in and error.is_unwritable and home.database is None):
                    raise
                _open[key] = _stand_in(home.folder)
            if len(_open) == 1:
                atexit.register(_at_the_end)
        elif audio is not None and not _open[key].whereabouts.is_known(audio):
            _open[key].keep_at(audio)  # refused where anything is kept already
        return _open[key]


def close_all() -> None:
    """Close every folder of this process."""
    with _opening:
        mine = [folder for (pid, _), folder in _open.items() if pid == os.getpid()]
    for folder in mine:
        folder.close()


def _at_the_end() -> None:
    """Let orders that are on the wire come to their answer before the process ends."""
    ends = time.monotonic() + FAREWELL
    with _opening:
        mine = [folder for (pid, _), folder in _open.items() if pid == os.getpid()]
    handles = [handle for folder in mine for handle in list(folder.handles.values())]
    unsent = [handle for handle in handles if handle.is_waiting and handle.give_up()]
    if unsent:
        n = len(unsent)
        log.warning("The program ended before %d order%s went out.", n, "s" if n > 1 else "")
    for handle in handles:
        while handle.is_being_handed_in and time.monotonic() < ends:
            time.sleep(0.02)
    close_all()


def _stand_in(path: Path) -> Folder:
    """Open a temporary folder that knows what the real one knows."""
    temporary = Path(tempfile.mkdtemp(prefix="phaseo-nb-"))
    try:
        for suffix in ("", "-wal"):
            source = path / f"{JOURNAL}{suffix}"
            if _is_there(source):
                shutil.copyfile(source, temporary / source.name)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        message = f"The library {path} can be neither written nor read: {error.strerror or error}."
        raise LibraryError(message) from error
    home = Home(temporary, shown=str(temporary))
    return Folder(home, stands_in_for=path)


def _ready(db: Db) -> str | None:
    """Make the indexes where they are missing, and say why a library takes no orders."""
    prepare(db)
    return why_closed(db)


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # nothing ever was
            return False
        raise


def _warning(path: Path, stands_in_for: Path | None) -> str | None:
    if stands_in_for is None:
        return None
    return (
        f"NOT KEPT: the library {stands_in_for} cannot be written, so what this kernel makes is in "
        f"the temporary folder {path} and will be gone. Save or export what you want to keep, or "
        "name a folder that can be written with PHASEO_NB_HOME."
    )


def _alone(path: Path) -> str:
    return (
        f"The library {path} is on a network file system, where its journal serves one kernel at a "
        f"time. Is it on this machine after all? Then say so with {NETWORK}=0."
    )
