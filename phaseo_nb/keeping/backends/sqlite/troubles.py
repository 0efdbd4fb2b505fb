"""What SQLite and the disk complain about, said in our own words with a way out."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from ....errors import LibraryError, PhaseoError
from .migrations import LATEST

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}  # Windows knows no quota
_ELSEWHERE = 'Another folder: `nb.connect(library="…")` or PHASEO_NB_HOME.'


def in_our_words(error: BaseException, path: Path) -> Exception:
    """Return the error of ours for whatever opening, reading or writing raised."""
    if isinstance(error, PhaseoError):
        return error
    words = str(error)
    is_unwritable = False
    if "disk is full" in words or getattr(error, "errno", None) in _FULL:
        message = (
            f"The disk that holds the library {path.parent} is full, so nothing could be written "
            f"down. Make room, or choose another folder. {_ELSEWHERE}"
        )
        is_unwritable = True
    elif is_busy(error):
        message = (
            f"Another program holds the library file {path} and does not let go. Close it (a "
            "database browser?), or try again in a moment."
        )
    elif "not a database" in words or "malformed" in words:
        return damaged(path, words)
    elif _is_forbidden(error, words):
        message = f"The library {path.parent} may not be written ({words}). {_ELSEWHERE}"
        is_unwritable = True
    elif isinstance(error, (sqlite3.Error, OSError)):
        what = getattr(error, "strerror", None) or words or type(error).__name__
        message = f"The library file {path} cannot be used: {what}. {_ELSEWHERE}"
    elif isinstance(error, Exception):
        return error  # a mistake of ours keeps its name
    else:
        message = f"The library file {path} could not be used ({type(error).__name__})."
    ours = LibraryError(message, is_unwritable=is_unwritable)
    ours.__cause__ = error
    return ours


def _is_forbidden(error: BaseException, words: str) -> bool:
    if isinstance(error, (PermissionError, FileExistsError, NotADirectoryError)):
        return True
    refused = getattr(error, "errno", None) in (errno.EROFS, errno.ENAMETOOLONG)
    return refused or "readonly" in words or "unable to open" in words


def is_busy(error: BaseException) -> bool:
    """Tell whether another writer was in the way."""
    words = str(error)
    return isinstance(error, sqlite3.OperationalError) and (
        "is locked" in words or "is busy" in words
    )


def damaged(path: Path, what: str) -> LibraryError:
    """Say that a file is no journal any more, and how to go on without losing anything."""
    backups = sorted(path.parent.glob(f"{path.name}.v*.backup"))
    copies = f" An older copy is {backups[-1].name}." if backups else ""
    message = (
        f"The library file {path} is damaged ({what}). It was left as it is, and the audio beside "
        f"it is not touched.{copies} To begin a new journal, move this file away together with "
        f"{path.name}-wal and {path.name}-shm, if they are there; `library.doctor()` then lists "
        f"the audio that no journal knows. {_ELSEWHERE}"
    )
    return LibraryError(message)


def gone(path: Path) -> LibraryError:
    """Say that a file is not where it was opened, so that what is written would be lost."""
    message = (
        f"The library file {path} was moved, deleted or replaced while this kernel had it open, so "
        "nothing can be written down in it. Put it back, or go on with what is there now: "
        f"`nb.library().close()` opens it anew. {_ELSEWHERE}"
    )
    return LibraryError(message)


def newer(path: Path, version: int) -> LibraryError:
    """Say that a file comes from a version after this one."""
    message = (
        f"The library file {path} has shape {version}, and this version of phaseo_nb knows up to "
        f"{LATEST}: a newer one has been here. It was not opened. Upgrade with "
        f"`pip install -U phaseo-nb`. {_ELSEWHERE}"
    )
    return LibraryError(message)
