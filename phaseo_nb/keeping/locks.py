"""One kernel at a time, where a library lies on the disk of another machine."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

from ..errors import LibraryError
from .kernels import Kernel, Watch, this_kernel

LOCK = "journal.lock"


class Lock:
    """Our name on a folder that only one kernel may have; gone again once it is released."""

    def __init__(self, folder: Path) -> None:
        self._file = _lock(folder)

    def touch(self) -> None:
        """Show kernels on other machines that we are still there."""
        with contextlib.suppress(OSError):
            os.utime(self._file)

    def release(self) -> None:
        """Let others have it."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)


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
