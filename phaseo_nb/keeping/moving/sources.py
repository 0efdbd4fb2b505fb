"""Where an import reads from: a zip file or a folder, neither of which is believed.

What a zip file says about itself (how many members, how large) is not what counts: the list of
members is only read up to a length, and everything else is measured while it is read.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, Protocol

from ...errors import LibraryError
from .exporting import MOST_FILES
from .facts import ImportRefused

MOST_JSON = 17 * 2**20
"""Bytes of one JSON file: the largest request there can be, and its facts."""
MOST_AUDIO = 256 * 2**20
"""Bytes of one recording."""
MOST_BYTES = 64 * 2**30
"""Bytes that one import reads altogether."""
MOST_BLOWN_UP = 200
"""How many times larger a member may be than what it takes in the file."""
_MOST_LISTED = 16 * 2**20
_FROM = 2**20
"""Bytes from which on it matters how far something was blown up."""
_BLOCK = 2**16
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others cannot be unpacked bit by bit
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


class Source(Protocol):
    """Files by name."""

    refused: list[str]

    @property
    def names(self) -> list[str]:
        """Return the names of all files that may be read."""

    def named(self, suffix: str) -> list[str]:
        """Return the names that end in a suffix, sorted."""

    def read(self, name: str, most: int) -> bytes:
        """Return what is in a file."""


@contextlib.contextmanager
def open_source(path: str | os.PathLike[str]) -> Iterator[Source]:
    """Open an export for reading.

    Raises
    ------
    LibraryError
        There is none, or it is too large.
    """
    try:
        place = Path(path).expanduser()
        is_folder = place.is_dir()
        file = None if is_folder else place.open("rb")
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        why = getattr(error, "strerror", None) or error
        message = f"{str(path)!r:.200} cannot be imported: {why}."
        raise LibraryError(message) from error
    if file is None:
        yield _FolderSource(place)
        return
    with file:
        yield _ZipSource(file, place)


class _Measured:
    """Reads block by block and knows when it is too much."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self._total = 0

    def _measured(self, name: str, stream: BinaryIO, most: int, packed: int | None) -> bytes:
        data = bytearray()
        while block := stream.read(min(_BLOCK, most + 1 - len(data))):
            data += block
            self._total += len(block)
            if len(data) > most:
                message = f"{name[:120]} is larger than it may be ({most:,} bytes)"
                raise ImportRefused(message)
            if packed is not None and len(data) > max(_FROM, packed * MOST_BLOWN_UP):
                message = f"{name[:120]} is {packed:,} bytes that unpack without end"
                raise ImportRefused(message)
            if self._total > MOST_BYTES:
                message = f"The export holds more than {MOST_BYTES:,} bytes. Import it in parts."
                raise LibraryError(message)
        return bytes(data)


class _ZipSource(_Measured):
    def __init__(self, file: BinaryIO, path: Path) -> None:
        super().__init__()
        try:
            self._zip = zipfile.ZipFile(_Narrow(file))
            infos = self._zip.infolist()
        except _BROKEN as error:
            message = f"{path} is no zip file that can be read: {error}."
            raise LibraryError(message) from error
        if len(infos) > MOST_FILES:
            message = f"{path} holds {len(infos):,} files; at most {MOST_FILES:,} are read."
            raise LibraryError(message)
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            why = _what_is_wrong(info)
            if info.filename in self._members:
                why = "is there twice"
            if why:
                self.refused.append(f"{info.filename[:120]} {why}")
            elif not info.is_dir():
                self._members[info.filename] = info

    @property
    def names(self) -> list[str]:
        return list(self._members)

    def named(self, suffix: str) -> list[str]:
        return sorted(name for name in self._members if name.lower().endswith(suffix))

    def read(self, name: str, most: int) -> bytes:
        info = self._members.get(name)
        if info is None:
            message = f"{name[:120]} is missing"
            raise ImportRefused(message)
        try:
            with self._zip.open(info) as stream:
                return self._measured(name, stream, most, info.compress_size)  # type: ignore[arg-type]
        except _BROKEN as error:
            message = f"{name[:120]} cannot be unpacked: {error}"
            raise ImportRefused(message) from error


class _FolderSource(_Measured):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._files: dict[str, Path] = {}
        for folder, _, names in os.walk(path):  # which does not follow links to folders
            for name in names:
                file = Path(folder, name)
                as_named = file.relative_to(path).as_posix()
                if not _is_plain_file(file):
                    self.refused.append(f"{as_named[:120]} is a link or no file")
                    continue
                self._files[as_named] = file
                if len(self._files) > 2 * MOST_FILES:
                    message = f"{path} holds more than {2 * MOST_FILES:,} files. Import parts."
                    raise LibraryError(message)

    @property
    def names(self) -> list[str]:
        return list(self._files)

    def named(self, suffix: str) -> list[str]:
        return sorted(name for name in self._files if name.lower().endswith(suffix))

    def read(self, name: str, most: int) -> bytes:
        file = self._files.get(name)
        if file is None:
            message = f"{name[:120]} is missing"
            raise ImportRefused(message)
        try:
            with file.open("rb") as stream:
                return self._measured(name, stream, most, None)
        except OSError as error:
            message = f"{name[:120]} cannot be read: {error.strerror or error}"
            raise ImportRefused(message) from error


class _Narrow:
    """A file that never gives more at once than a list of members may be long.

    :mod:`zipfile` reads the whole list in one piece and makes an object of each entry, before
    anybody can count them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = _MOST_LISTED + 1
        data = self._file.read(min(size, _MOST_LISTED + 1))
        if len(data) > _MOST_LISTED:
            message = f"its list of members is longer than {_MOST_LISTED:,} bytes"
            raise zipfile.BadZipFile(message)
        return data


def _what_is_wrong(info: zipfile.ZipInfo) -> str | None:
    """Return why a member is not read, whatever is in it; nothing is ever unpacked by its name."""
    name = info.orig_filename
    windows = PureWindowsPath(name)
    if "\x00" in name or "\\" in name:
        return "has a name that is no name"
    if windows.drive or windows.root or name.startswith("/"):
        return "has an absolute name"
    if ".." in PurePosixPath(name).parts:
        return "leads out of the export"
    mode = info.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or no file"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in _PLAIN:
        return "is packed in a way that is not read here"
    return None


def _is_plain_file(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except OSError:
        return False
