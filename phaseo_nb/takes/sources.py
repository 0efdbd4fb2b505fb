"""Where the bytes of a kept track or picture are read from, once somebody asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from .files import read_checked


class Source(Protocol):
    """A kept recording; nothing is read or fetched before somebody asks."""

    @property
    def place(self) -> str:
        """Where it lies, in words without secrets."""
        ...

    @property
    def name(self) -> str:
        """Its file name."""
        ...

    @property
    def size(self) -> int | None:
        """In bytes, without reading it; ``None`` where that cannot be told."""
        ...

    @property
    def format(self) -> str | None:
        """What it is, without reading it; ``None`` where that cannot be told."""
        ...

    @property
    def path(self) -> Path:
        """A file of it on this machine; of a far one a copy, fetched if need be.

        Raises
        ------
        AudioError
            It cannot be fetched.
        """
        ...

    def read(self) -> bytes:
        """Return it after comparing it with its hash.

        Raises
        ------
        AudioError
            It is gone, cannot be read, or has changed.
        """
        ...


class FileSource:
    """A file on this machine.

    Parameters
    ----------
    path
        The file.
    sha256
        Hash of what was kept, where that is known: the file is compared with it at each reading.
    """

    format = None  # nobody reads it only for that

    def __init__(self, path: Path, sha256: str | None = None) -> None:
        self.path = path
        self._sha256 = sha256

    def __repr__(self) -> str:
        return f"<FileSource {self.path}>"

    @property
    def place(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def name(self) -> str:
        """Its file name."""
        return self.path.name

    @property
    def size(self) -> int | None:
        """In bytes; ``None`` where there is no such file."""
        try:
            return self.path.stat().st_size
        except OSError:
            return None

    def read(self) -> bytes:
        """Return what is in it after comparing it with its hash."""
        return read_checked(self.path, self._sha256)


def source_of(kept_in: Path | Source | None, sha256: str | None) -> Source | None:
    """Return what reads a recording from wherever it is kept."""
    return FileSource(kept_in, sha256) if isinstance(kept_in, Path) else kept_in
