"""Recordings on disk, by what is in them: ``audio/ab/<sha256>.<suffix>``.

A file only ever has its name when it is whole and on the disk for good; a row in the journal
names it after that. So a kernel that dies in between leaves a file without a row, never a row
without a file. Names never come from outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..audio.sniff import sniff
from ..errors import AudioError, LibraryError
from ..takes.files import hash_of, read_checked
from ..transport.images import sniff_image
from ..transport.sinks import FileSink

UNFINISHED = ".part"


@dataclass(frozen=True)
class Recording:
    """A recording as it lies in the store."""

    sha256: str
    suffix: str
    format: str
    """By what is in it, whatever it was called; ``pcm`` is bare samples."""
    size: int
    """In bytes."""


class Store:
    """The audio folder of a library.

    Parameters
    ----------
    folder
        Where recordings are written.
    also
        Another one that is only read: of a library that cannot be written.
    """

    def __init__(self, folder: Path, also: Path | None = None) -> None:
        self.folder = folder
        self._also = also

    def __repr__(self) -> str:
        return f"<Store {self.folder}>"

    def path(self, recording: Recording) -> Path:
        """Return where a recording lies, or would."""
        name = Path(recording.sha256[:2], f"{recording.sha256}{recording.suffix}")
        path = self.folder / name
        if self._also is not None and not path.exists() and (self._also / name).exists():
            return self._also / name
        return path

    def put(self, data: bytes, *, is_bare: bool = False) -> Recording:
        """Keep a recording as received, and return what it is; meant for a worker thread.

        Parameters
        ----------
        data
            The recording.
        is_bare
            Whether these may be samples without a header (ElevenLabs' ``wav``).

        Raises
        ------
        LibraryError
            The disk refuses. Nothing is left behind.
        """
        kind = sniff(data) or sniff_image(data)
        suffix, format = (kind.suffix, kind.format) if kind else (".bin", "unknown")
        if kind is None and is_bare:
            suffix, format = ".pcm", "pcm"
        recording = Recording(hashlib.sha256(data).hexdigest(), suffix, format, len(data))
        path = self.path(recording)
        if self.is_whole(recording):
            return recording
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sink = FileSink(path)
            try:
                sink.write(data)
                sink.settle()
            finally:
                sink.discard()
        except (OSError, AudioError) as error:
            cause = error.__cause__ if isinstance(error, AudioError) else error
            why = getattr(cause, "strerror", None) or str(error)
            message = f"The recording could not be written into {self.folder}: {why}."
            raise LibraryError(message) from error
        return recording

    def is_whole(self, recording: Recording) -> bool:
        """Tell whether a recording is there as it was kept, by length and hash."""
        path = self.path(recording)
        try:
            return path.stat().st_size == recording.size and hash_of(path) == recording.sha256
        except OSError:
            return False

    def is_there(self, recording: Recording) -> bool:
        """Tell whether there is a file of the right length: quick, without reading it."""
        try:
            return self.path(recording).stat().st_size == recording.size
        except OSError:
            return False

    def read(self, recording: Recording) -> bytes:
        """Return a recording after comparing it with its hash.

        Raises
        ------
        AudioError
            It is gone, or no longer what was kept.
        """
        return read_checked(self.path(recording), recording.sha256, recording.size)

    def remove(self, recording: Recording) -> None:
        """Delete a recording's file, if it is there.

        Raises
        ------
        LibraryError
            It cannot be deleted (a player may have it open on Windows).
        """
        path = self.path(recording)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            message = f"{path} cannot be deleted: {error.strerror or error}."
            raise LibraryError(message) from error

    def files(self) -> Iterator[Path]:
        """Yield everything that lies in the store, unfinished files included."""
        if not self.folder.is_dir():
            return
        for shelf in sorted(self.folder.iterdir()):
            if shelf.is_dir() and not shelf.is_symlink():
                yield from sorted(path for path in shelf.iterdir() if path.is_file())

    def size(self) -> int:
        """Return the bytes that the store takes up."""
        total = 0
        for path in self.files():
            try:
                total += path.stat().st_size
            except OSError:  # gone in this very moment
                continue
        return total
