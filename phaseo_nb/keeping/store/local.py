"""Recordings in a folder: ``audio/ab/<sha256>.<suffix>``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ...errors import AudioError, LibraryError
from ...takes.files import hash_of, read_checked
from ...transport.sinks import FileSink
from .recordings import Item, Recording, State, Survey


class LocalStore:
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
        return f"<LocalStore {self.folder}>"

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.folder)

    def check(self) -> None:
        """See whether the folder can be made and written; see :class:`Store`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            message = f"The folder {self.folder} cannot be written: {error.strerror or error}."
            raise LibraryError(message) from error

    # -- recordings ------------------------------------------------------------------------------

    def path(self, recording: Recording) -> Path:
        """Return where a recording lies, or would."""
        return self._path(recording.name)

    source = path

    def put(self, data: bytes, *, is_bare: bool = False) -> Recording:
        """Keep a recording as received; see :class:`Store`."""
        recording = Recording.of(data, is_bare=is_bare)
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

    def state_of(self, recording: Recording, *, quick: bool = False) -> State | None:
        """Return what is wrong with a recording; see :class:`Store`."""
        path = self.path(recording)
        try:
            if path.stat().st_size != recording.size:
                return "changed"
            return None if quick or hash_of(path) == recording.sha256 else "changed"
        except (FileNotFoundError, NotADirectoryError):
            return "missing"
        except OSError:
            return "unreadable"

    def is_whole(self, recording: Recording) -> bool:
        """Tell whether a recording is there as it was kept, by length and hash."""
        return self.state_of(recording) is None

    def is_there(self, recording: Recording) -> bool:
        """Tell whether there is a file of the right length: quick, without reading it."""
        return self.state_of(recording, quick=True) is None

    def read(self, recording: Recording) -> bytes:
        """Return a recording after comparing it with its hash; see :class:`Store`."""
        return read_checked(self.path(recording), recording.sha256, recording.size)

    read_once = read

    def open(self, recording: Recording) -> BinaryIO:
        """Open a recording after comparing it with its hash; see :class:`Store`."""
        path = self.path(recording)
        if not self.is_whole(recording):
            message = f"The recording {path} is gone or is no longer what was kept."
            raise AudioError(message)
        return path.open("rb")

    def remove(self, recording: Recording) -> None:
        """Delete a recording's file, if it is there; see :class:`Store`."""
        # What lies in the folder that this one stands in for is not ours to touch.
        self.remove_item(recording.name)

    # -- whatever lies there ---------------------------------------------------------------------

    def survey(self, recordings: Iterable[Recording], *, quick: bool = False) -> Survey:
        """Compare what is here with what should be; see :class:`Store`."""
        known, troubles = set(), []
        is_looked_for = False
        for recording in recordings:
            if not is_looked_for:
                self._look_for()
                is_looked_for = True
            known.add(recording.name)
            state = self.state_of(recording, quick=quick)
            if state is not None:
                troubles.append((recording, state))
        return Survey(troubles, [item for item in self.items() if item.name not in known])

    def items(self) -> Iterator[Item]:
        """Yield everything that lies here, unfinished files included."""
        try:
            paths = [*self._files(), *self._loose()]
        except OSError as error:
            message = f"{self.folder} cannot be listed: {error.strerror or error}."
            raise LibraryError(message) from error
        for path in paths:
            try:
                facts = path.lstat()
            except OSError:  # gone in this very moment
                continue
            name = path.relative_to(self.folder).as_posix()
            yield Item(name, facts.st_size, facts.st_mtime)

    def item(self, name: str) -> Item | None:
        """Return what lies under a name; ``None``: nothing."""
        path = self._path(name)
        try:
            facts = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            self._look_for()
            return None
        except OSError as error:
            message = f"{path} cannot be looked at: {error.strerror or error}."
            raise LibraryError(message) from error
        return Item(name, facts.st_size, facts.st_mtime)

    def remove_item(self, name: str) -> None:
        """Delete what lies under a name; see :class:`Store`."""
        path = self._own(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            message = f"{path} cannot be deleted: {error.strerror or error}."
            raise LibraryError(message) from error

    def rename_item(self, name: str, new: str) -> bool:
        """Give what lies under a name another one; see :class:`Store`."""
        path = self._own(name)
        if not path.exists():
            return False
        try:
            path.replace(self._own(new))
        except OSError as error:
            message = f"{path} cannot be renamed: {error.strerror or error}."
            raise LibraryError(message) from error
        return True

    def size(self) -> int:
        """Return the bytes that the store takes up."""
        return sum(item.size or 0 for item in self.items())

    # -- parts -----------------------------------------------------------------------------------

    def _look_for(self) -> None:
        """Raise ``LibraryError`` where the folder is away: then nobody knows what is in it."""
        try:
            if self._also is not None or self.folder.is_dir():
                return
            why = "it is not there"
        except OSError as error:
            why = error.strerror or str(error)
        message = (
            f"The folder {self.folder} cannot be looked into: {why}. If it is on another disk or "
            "machine, connect that; if it is lost for good, make an empty one in its place."
        )
        raise LibraryError(message)

    def _path(self, name: str) -> Path:
        path = self.folder / name
        if self._also is not None and not path.exists() and (self._also / name).exists():
            return self._also / name
        return path

    def _own(self, name: str) -> Path:
        path = Path(os.path.normpath(self.folder / name))
        if not path.is_relative_to(os.path.normpath(self.folder)):
            message = f"{name!r:.200} would lie outside of {self.folder}."
            raise LibraryError(message)
        return path

    def _files(self) -> Iterator[Path]:
        if not self.folder.is_dir():
            return
        for shelf in sorted(self.folder.iterdir()):
            if shelf.is_dir() and not shelf.is_symlink():
                yield from sorted(path for path in shelf.iterdir() if path.is_file())

    def _loose(self) -> Iterator[Path]:
        """Yield files that lie in no shelf."""
        if self.folder.is_dir():
            yield from (path for path in self.folder.iterdir() if path.is_file())
