"""What arrived and was not read yet: a folder on disk, which outlives any kernel.

Three folders in it, all for the owner alone. ``expected/<hash>`` holds until when callbacks of a
token are let in; ``inbox/`` one file for each callback, named by us: hash, time, size; and
``writing/`` what is not whole yet. Several processes use it at once without locks, which network
file systems do not keep: a file appears by a rename, whole or not at all, and is never changed.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..errors import LibraryError

FOLDER = "PHASEO_NB_CALLBACK_SPOOL"
"""Environment variable that names the folder; a Jupyter server and its kernels need the same."""
MOST_PER_TOKEN = 64
MOST = 10_000
MOST_BYTES = 64 * 2**20
LONGEST = 256 * 1024
"""Bytes of one callback; a real one has a few thousand."""

_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"([0-9a-f]{64})\.([0-9]{20})\.([0-9]{1,7})\.[0-9a-f]{8}\.json")
_ABANDONED = 3600.0  # seconds: nobody writes a file for that long
_SWEEP_EACH = 3600.0


class Arrival(NamedTuple):
    """One callback as it came."""

    name: str
    """Of its file."""
    at: float
    """When it came, in seconds since 1970."""
    body: bytes
    """As received: a JSON array or object, and nothing in it is to be trusted."""


Heard = Callable[[str, str], object]
"""Takes the hash of a token and the name of what arrived for it."""

_listening: dict[tuple[int, str], list[Heard]] = {}
"""Who in this process wants to know at once, by process (a forked child has none) and folder."""
_swept: dict[tuple[int, str], float] = {}
"""When this process swept a folder last."""


def spool_folder() -> Path:
    """Return where callbacks are kept: ``PHASEO_NB_CALLBACK_SPOOL``, else beside the library."""
    named = os.environ.get(FOLDER, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    from ..settings import home_folder

    return home_folder().value.absolute() / "callbacks"


class Spool:
    """A folder of callbacks that arrived.

    Parameters
    ----------
    folder
        By default :func:`spool_folder`. It is made when something has to be written.
    clock
        Seconds since 1970.
    """

    def __init__(self, folder: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self.folder = spool_folder() if folder is None else Path(folder).absolute()
        self._clock = clock
        self._latest = 0

    def __repr__(self) -> str:
        return f"<Spool {self.folder}>"

    # -- tokens ------------------------------------------------------------------------------------

    def expect(self, sha256: str, until: float) -> None:
        """Let callbacks of a token in from now on, up to a time in seconds since 1970.

        Raises
        ------
        LibraryError
            The folder cannot be written.
        """
        _check(sha256)
        # Not flushed: a token that a power cut takes along costs a hint, not the job.
        self._write("expected", sha256, f"{sha256} {until:.3f}\n".encode(), is_durable=False)
        self._now_and_then()

    def knows(self, sha256: str) -> bool:
        """Tell whether a token is expected, and still in time."""
        until = self._until(sha256) if _HASH.fullmatch(sha256) else None
        return until is not None and self._clock() < until

    def forget(self, sha256: str) -> None:
        """Let no more callbacks of a token in, and drop those that came."""
        _check(sha256)
        _remove(self.folder / "expected" / sha256)
        for name in self.names().get(sha256, []):
            _remove(self.folder / "inbox" / name)

    def _until(self, sha256: str) -> float | None:
        """Return until when a token is good; ``None`` where that is not on record."""
        try:
            text = _read(self.folder / "expected" / sha256, 200)
            stored, _, until = text.partition(b" ")
            if hmac.compare_digest(stored, sha256.encode()):
                return float(until)
        except (OSError, ValueError):
            pass
        return None

    # -- arrivals ----------------------------------------------------------------------------------

    def put(self, sha256: str, body: bytes) -> bool:
        """Keep a callback, on the disk for good. Blocks.

        Returns
        -------
        bool
            False where too much is lying here already: it is dropped, and polling finds the truth.

        Raises
        ------
        LibraryError
            The disk refuses. Nothing is left behind.
        """
        _check(sha256)
        held = self.names()
        sizes = [_size(name) for names in held.values() for name in names]
        too_many = len(held.get(sha256, ())) >= MOST_PER_TOKEN or len(sizes) >= MOST
        if len(body) > LONGEST or too_many or sum(sizes) + len(body) > MOST_BYTES:
            return False
        self._latest = max(self._latest + 1, int(self._clock() * 1e9))
        name = f"{sha256}.{self._latest:020d}.{len(body)}.{secrets.token_hex(4)}.json"
        self._write("inbox", name, body, is_durable=True)
        for heard in tuple(_listening.get(self._key(), ())):
            heard(sha256, name)
        return True

    def names(self) -> dict[str, list[str]]:
        """Return the names of all that lies in the inbox by token, oldest first."""
        found: dict[str, list[str]] = {}
        with contextlib.suppress(OSError):  # nothing came yet, or it cannot be read
            for name in sorted(os.listdir(self.folder / "inbox")):
                if _NAME.fullmatch(name):
                    found.setdefault(name[:64], []).append(name)
        return found

    def read(self, name: str) -> Arrival | None:
        """Return what lies under a name; ``None`` where it is gone or not whole."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        try:
            body = _read(self.folder / "inbox" / name, LONGEST)
        except (OSError, ValueError):
            return None
        if len(body) != int(match[3]):
            return None
        return Arrival(name, int(match[2]) / 1e9, body)

    def arrivals(self, sha256: str) -> list[Arrival]:
        """Return what came for a token and was not taken, oldest first."""
        found = [self.read(name) for name in self.names().get(sha256, [])]
        return [arrival for arrival in found if arrival is not None]

    def take(self, arrival: Arrival) -> None:
        """Remove one arrival; nothing happens where another process was quicker."""
        if _NAME.fullmatch(arrival.name):
            _remove(self.folder / "inbox" / arrival.name)

    def stamp(self) -> int:
        """Return a number that changes with the inbox, as finely as the disk tells times."""
        try:
            return (self.folder / "inbox").stat().st_mtime_ns
        except OSError:
            return 0

    def on_arrival(self, heard: Heard) -> Callable[[], None]:
        """Have a function called for each arrival that this process puts, in the thread that does.

        Returns
        -------
        callable
            Ends it.
        """
        key = self._key()
        _listening.setdefault(key, []).append(heard)

        def end() -> None:
            left = _listening.get(key, [])
            if heard in left:
                left.remove(heard)
            if not left:
                _listening.pop(key, None)

        return end

    def _key(self) -> tuple[int, str]:
        return os.getpid(), str(self.folder)

    # -- upkeep ------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Drop tokens that expired, what came for tokens nobody knows, and what is not whole."""
        held = self.names()  # before the tokens: whatever is here had its token first
        try:
            expected = set(os.listdir(self.folder / "expected"))
        except FileNotFoundError:
            expected = set()
        except OSError:
            return
        for sha256 in filter(_HASH.fullmatch, tuple(expected)):
            if self._is_over(sha256):
                _remove(self.folder / "expected" / sha256)
                expected.discard(sha256)
        for sha256, names in held.items():
            for name in names:
                path = self.folder / "inbox" / name
                if sha256 not in expected or _is_torn(path, _size(name)):
                    _remove(path)
        with contextlib.suppress(OSError):
            for path in (self.folder / "writing").iterdir():
                if time.time() - path.lstat().st_mtime > _ABANDONED:
                    _remove(path)

    def _is_over(self, sha256: str) -> bool:
        try:
            _read(self.folder / "expected" / sha256, 200)
        except OSError:  # perhaps readable again tomorrow
            return False
        except ValueError:  # no file of ours
            return False
        until = self._until(sha256)
        return until is None or until <= self._clock()

    def _now_and_then(self) -> None:
        last = _swept.get(self._key(), float("-inf"))
        if time.monotonic() - last >= _SWEEP_EACH:
            _swept[self._key()] = time.monotonic()
            self.sweep()

    # -- the disk ----------------------------------------------------------------------------------

    def _write(self, room: str, name: str, data: bytes, *, is_durable: bool) -> None:
        part = self.folder / "writing" / f"{secrets.token_hex(8)}.part"
        try:
            for folder in (part.parent, self.folder / room):
                _make(folder)
            try:
                _fill(part, data, is_durable)
                os.replace(part, self.folder / room / name)
            except BaseException:
                _remove(part)
                raise
            if is_durable:
                _flush(self.folder / room)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            message = (
                f"Callbacks cannot be kept in {self.folder}: {why}. Make room or give the right to "
                f"write there, or name another folder in {FOLDER} before Jupyter starts."
            )
            raise LibraryError(message, is_unwritable=True) from error


def _check(sha256: str) -> None:
    if not _HASH.fullmatch(sha256):  # it becomes the name of a file
        message = "This is no SHA-256 in hex. Give hash_of(token), not the token."
        raise ValueError(message)


def _size(name: str) -> int:
    return int(name.split(".")[2])


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # a named pipe in the way would be waited for


def _fill(path: Path, data: bytes, is_durable: bool) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        if is_durable:
            file.flush()
            os.fsync(file.fileno())


def _read(path: Path, limit: int) -> bytes:
    """Return what is in a file of at most ``limit`` bytes; ValueError for any other thing."""
    with os.fdopen(os.open(path, os.O_RDONLY | _BINARY | _NO_LINK | _NO_WAIT), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_size > limit:
            message = "not a file of ours"
            raise ValueError(message)
        return file.read(limit + 1)


def _is_torn(path: Path, size: int) -> bool:
    try:
        return path.lstat().st_size != size
    except OSError:
        return False


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # gone, or read by somebody on Windows: the sweep comes by
        path.unlink()


def _flush(folder: Path) -> None:
    """Put a new name on the disk for good, where folders can be flushed (not on Windows)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
