"""What was read from a far store, kept on this machine up to a size: the longest unused goes.

Several processes may share one folder. Whatever goes wrong with it, reading goes on without it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ...errors import LibraryError
from ..sizes import size_of
from .recordings import UNFINISHED, Recording

CACHE = "PHASEO_NB_CACHE"
LIMIT = "PHASEO_NB_CACHE_LIMIT"
DEFAULT_LIMIT = 2_000_000_000
_AN_HOUR = 3600.0

log = logging.getLogger("phaseo_nb")


class ReadCache:
    """A folder of recordings that can be fetched again at any time.

    Parameters
    ----------
    folder
        ``None``: ``PHASEO_NB_CACHE``, else the user's cache folder.
    limit
        Bytes that it may hold; 0 keeps nothing. ``None``: ``PHASEO_NB_CACHE_LIMIT``, else 2 GB.
    """

    def __init__(self, folder: Path | None = None, limit: int | None = None) -> None:
        self.folder = _default_folder() if folder is None else folder
        self.limit = _default_limit() if limit is None else limit
        self._room = 0
        """Bytes that may be written before the folder is looked through again."""
        self._pending = 0
        """Bytes that other threads are writing at this moment."""
        self._lock = threading.Lock()
        self._has_complained = False

    def __repr__(self) -> str:
        return f"<ReadCache {self.folder}>"

    def get(self, recording: Recording) -> bytes | None:
        """Return a recording if it is here and what it should be."""
        path = self._path(recording)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None
        if not recording.is_in(data):
            with contextlib.suppress(OSError):  # else it is written over
                path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used just now: others go first
        return data

    def put(self, recording: Recording, data: bytes) -> Path | None:
        """Keep a recording, and return where; ``None``: it could not be kept."""
        if not 0 < len(data) <= self.limit:
            return None
        path = self._path(recording)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._room_for(len(data)):
                _write(path, data)
        except OSError as error:
            self._complain(error)
            return None
        return path

    def path_of(self, recording: Recording) -> Path | None:
        """Return where a recording is, if it is here."""
        path = self._path(recording)
        return path if path.is_file() else None

    def _path(self, recording: Recording) -> Path:
        return self.folder / recording.name

    @contextlib.contextmanager
    def _room_for(self, n_bytes: int) -> Iterator[None]:
        with self._lock:
            if n_bytes > self._room:
                # Others write here, too: only a part of what is left is ours until the next look.
                left = self._most - n_bytes - self._shrink(n_bytes)
                self._room = n_bytes + max(0, left) // 16
            self._room -= n_bytes
            self._pending += n_bytes
        try:
            yield
        finally:
            with self._lock:
                self._pending -= n_bytes

    @property
    def _most(self) -> int:
        """The limit less what others may be writing that nobody can see yet."""
        return self.limit * 9 // 10

    def _shrink(self, n_bytes: int) -> int:
        """Delete what was longest unused until there is room; return the bytes that are left."""
        found, total = [], self._pending
        for entry in _entries(self.folder):
            with contextlib.suppress(OSError):
                facts = entry.stat(follow_symlinks=False)
                if entry.name.endswith(UNFINISHED):
                    if time.time() - facts.st_mtime > _AN_HOUR:
                        os.unlink(entry.path)
                    continue  # of other processes; ours are counted
                found.append((facts.st_mtime, facts.st_size, entry.path))
                total += facts.st_size
        if total + n_bytes > self._most:
            most = max(0, min(self._most - n_bytes, self.limit * 8 // 10))
            for _, size, path in sorted(found):
                if total <= most:
                    break
                with contextlib.suppress(OSError):  # a player of Windows has it open
                    os.unlink(path)
                    total -= size
        return total

    def _complain(self, error: OSError) -> None:
        if not self._has_complained:
            self._has_complained = True
            log.warning(
                "The read cache %s cannot be used (%s), so recordings are fetched each time they "
                "are read. %s names another folder.",
                self.folder,
                error.strerror or type(error).__name__,
                CACHE,
            )


def _write(path: Path, data: bytes) -> None:
    """Write beside the place, then put it there whole; not flushed, as it is checked when read."""
    part = path.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
    try:
        with part.open("xb") as file:
            file.write(data)
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    found = []
    for shelf in os.scandir(folder):
        # Only what can be ours: somebody may have named a folder with other things in it.
        if len(shelf.name) == 2 and shelf.is_dir(follow_symlinks=False):
            with contextlib.suppress(OSError):
                found += [entry for entry in os.scandir(shelf.path) if _is_ours(entry, shelf.name)]
    return found


def _is_ours(entry: os.DirEntry[str], shelf: str) -> bool:
    is_kept = len(entry.name) >= 64 and entry.name.startswith(shelf)
    is_part = entry.name.startswith(".") and entry.name.endswith(UNFINISHED)
    return (is_kept or is_part) and entry.is_file(follow_symlinks=False)


def _default_folder() -> Path:
    named = os.environ.get(CACHE, "").strip()
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("phaseo-nb", appauthor=False)) / "audio"


def _default_limit() -> int:
    named = os.environ.get(LIMIT, "").strip()
    if not named:
        return DEFAULT_LIMIT
    try:
        return size_of(named)
    except LibraryError as error:
        message = f"{LIMIT}: {error}"
        raise LibraryError(message) from error
