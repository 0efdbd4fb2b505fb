"""Where downloaded bytes go: memory, or a file that exists only when it is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread

from ..errors import AudioError

_HEAD = 4096
_AHEAD = 4 * 2**20
"""Bytes that may wait in memory before the disk is told to begin with them."""


class MemorySink:
    """Collects in memory."""

    path = None

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return len(self._data)

    def head(self) -> bytes:
        """Return the first bytes."""
        return bytes(self._data[:_HEAD])

    def write(self, chunk: bytes) -> None:
        """Add bytes."""
        self._data += chunk

    def restart(self) -> None:
        """Forget everything."""
        self._data.clear()

    async def finish(self) -> bytes:
        """Return what came."""
        return bytes(self._data)

    def discard(self) -> None:
        """Nothing is left behind in any case."""


class FileSink:
    """Writes to a temporary file in the same folder, and renames it at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = self._begun = 0
        self._head = b""
        # Not from its whole name: with what is added, one of emoji would be too long for the disk.
        self._part = path.with_name(f".{path.name[:30]}.{secrets.token_hex(6)}.part")
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        try:
            self._file = os.fdopen(os.open(self._part, flags, 0o666), "wb")
        except (OSError, ValueError) as error:
            raise _refused(path, error) from None

    def head(self) -> bytes:
        """Return the first bytes."""
        return self._head

    def write(self, chunk: bytes) -> None:
        """Add bytes."""
        with _disk_errors(self.path):
            self._file.write(chunk)
        if len(self._head) < _HEAD:
            self._head += chunk[: _HEAD - len(self._head)]
        self.size += len(chunk)
        if self.size - self._begun >= _AHEAD:
            self._begin_writing()

    def _begin_writing(self) -> None:
        """Have the disk write while the rest comes: all at the end took as long as the download."""
        if hasattr(os, "posix_fadvise"):  # Linux begins to write then, and nobody waits for it
            with contextlib.suppress(OSError):
                fresh = self.size - self._begun
                os.posix_fadvise(self._file.fileno(), self._begun, fresh, os.POSIX_FADV_DONTNEED)
        self._begun = self.size

    def restart(self) -> None:
        """Forget everything."""
        if self.size:
            with _disk_errors(self.path):
                self._file.seek(0)
                self._file.truncate()
        self.size, self._begun, self._head = 0, 0, b""

    async def finish(self) -> Path:
        """Put the file in its place, on the disk for good."""
        with _disk_errors(self.path):
            await anyio.to_thread.run_sync(self.settle)
        return self.path

    def settle(self) -> None:
        """Put the file in its place; blocks."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._part, self.path)
        _keep_name(self.path.parent)

    def discard(self) -> None:
        """Remove what is not finished; does nothing after :meth:`finish`."""
        with contextlib.suppress(OSError):  # a full disk refuses the last bytes once more
            self._file.close()
        with contextlib.suppress(OSError):  # what went wrong before is what should be said
            self._part.unlink(missing_ok=True)


def _keep_name(folder: Path) -> None:
    """Put the new name of a file on the disk for good, where folders can be flushed."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)  # not possible on Windows
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refused(path: Path, error: Exception) -> AudioError:
    reason = getattr(error, "strerror", None) or error
    if isinstance(error, FileNotFoundError):
        reason = f"the folder {path.parent} does not exist. Make it first, or choose another one"
    return AudioError(f"The audio cannot be written to {path}: {reason}. Nothing was fetched.")


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"The audio cannot be written to {path}: {error.strerror or error}."
        raise AudioError(message) from error


def open_sink(path: Path | None) -> MemorySink | FileSink:
    """Return the sink for a path, or for memory.

    Raises
    ------
    AudioError
        The file cannot be written there.
    """
    if path is None:
        return MemorySink()
    try:
        is_folder = path.is_dir()
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise _refused(path, error) from None
    if is_folder:
        message = f"{path} is a folder. Give the name of a file in it."
        raise AudioError(message)
    return FileSink(path)


async def hand_out(data: bytes, path: Path | None) -> bytes | Path:
    """Return audio that is at hand, or write it to a file, as :func:`open_sink` would.

    Raises
    ------
    AudioError
        The file cannot be written there.
    """
    if path is None:
        return data
    sink = open_sink(path)
    try:
        sink.write(data)
        return await sink.finish()
    finally:
        sink.discard()
