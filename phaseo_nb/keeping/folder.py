"""A library folder as this process has it open: one per folder, whoever asks for it.

A folder that cannot be written must not stop the music: then a temporary one stands in, with a
copy of the journal so that nothing is bought again, and everybody is told that it is not kept.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import logging
import math
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError, PhaseoError
from .database import Database
from .journal import Journal
from .kernels import BEAT, Kernel, Watch, this_kernel
from .leases import Leases
from .places import NETWORK, is_network
from .search import prepare
from .store import Store

if TYPE_CHECKING:
    from ..takes import Take
    from ..takes.handle import Job

JOURNAL = "journal.db"
AUDIO = "audio"
LOCK = "journal.lock"
FAREWELL = 20.0
"""Seconds that the end of a process waits for the answers to orders that are on the wire."""

log = logging.getLogger("phaseo_nb")

_open: dict[tuple[int, Path], Folder] = {}
_opening = threading.RLock()


class Folder:
    """Journal, store and live handles of one library folder.

    Parameters
    ----------
    path
        Made where it is missing.
    """

    def __init__(self, path: Path, *, stands_in_for: Path | None = None) -> None:
        self.path = path
        self.warning = _warning(path, stands_in_for)
        """What everybody should be told about this folder; ``None`` where all is well."""
        self._lock_file: Path | None = None
        is_shared = not is_network(path)
        if not is_shared:
            self._lock_file = _lock(path)
            self.warning = self.warning or _alone(path)
        try:
            self.database = Database(path / JOURNAL, is_shared=is_shared)
        except BaseException:
            self._unlock()
            raise
        if self._lock_file is not None:
            self.database.regularly(lambda: BEAT, self._touch)
        self.leases = Leases(self.database)
        self.journal = Journal(self.database, self.leases)
        self.store = Store(path / AUDIO, also=stands_in_for / AUDIO if stands_in_for else None)
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
        self.database.write(prepare).result()

    def __repr__(self) -> str:
        return f"<Folder {self.path}>"

    @property
    def is_kept(self) -> bool:
        """False where this is only a temporary stand-in."""
        return self.store._also is None

    @property
    def is_open(self) -> bool:
        """False after :meth:`close`, and in a forked child, which has to open it for itself."""
        return self.database.is_ours

    def close(self) -> None:
        """Free our jobs for other kernels and close the file."""
        with _opening:
            if _open.get((os.getpid(), self.path)) is self:
                del _open[os.getpid(), self.path]
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

    def _touch(self) -> None:
        """Show kernels on other machines that we are still there."""
        if self._lock_file is not None:
            with contextlib.suppress(OSError):
                os.utime(self._lock_file)

    def _unlock(self) -> None:
        if self._lock_file is not None:
            with contextlib.suppress(OSError):
                self._lock_file.unlink(missing_ok=True)


def open_folder(path: Path, *, may_stand_in: bool = False) -> Folder:
    """Return the folder as this process has it open, opening it if need be.

    Parameters
    ----------
    path
        The folder.
    may_stand_in
        Whether a temporary folder may stand in for one that cannot be written.

    Raises
    ------
    LibraryError
        It cannot be opened.
    """
    with contextlib.suppress(OSError, RuntimeError):
        path = path.expanduser().resolve()
    with _opening:
        key = os.getpid(), path
        if key not in _open:
            try:
                _open[key] = Folder(path)
            except LibraryError as error:
                if not (may_stand_in and error.is_unwritable):
                    raise
                _open[key] = _stand_in(path)
            if len(_open) == 1:
                atexit.register(_at_the_end)
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
    return Folder(temporary, stands_in_for=path)


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


# -- one kernel at a time --------------------------------------------------------------------------


def _lock(path: Path) -> Path:
    """Put our name on a folder that only one kernel may have.

    Of a kernel on another machine one only sees whether it still touches the file; SQLite's own
    lock on the journal stands behind this one.
    """
    file = path / LOCK
    watch = Watch()
    first = _age(file)
    try:
        path.mkdir(parents=True, exist_ok=True)
        while not _create_lock(file):
            holder = _holder(file)
            gone = holder.is_gone(this_kernel()) if holder else None
            if gone is False or _age(file) != first:
                raise LibraryError(_held(path, holder))
            if gone or watch.is_dead(holder or _NOBODY, first, this_kernel()):
                file.unlink(missing_ok=True)
            else:
                time.sleep(0.2)
    except OSError as error:
        message = f"The library {path} cannot be written: {error.strerror or error}."
        raise LibraryError(message, is_unwritable=True) from error
    return file


_NOBODY = Kernel(id="", host="", boot="", space="", pid=0, born="")


def _create_lock(file: Path) -> bool:
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(vars(this_kernel()), out)
    return True


def _holder(file: Path) -> Kernel | None:
    try:
        return Kernel(**json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _age(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _held(path: Path, holder: Kernel | None) -> str:
    who = f"process {holder.pid} on {holder.host.split(':')[0]}" if holder else "another kernel"
    return (
        f"The library {path} is on a network file system and {who} has it open; there, one kernel "
        f"at a time can use it. Shut that kernel down (if it is gone for good, delete {LOCK}), or "
        'choose another folder with `nb.connect(library="…")` or PHASEO_NB_HOME.'
    )
