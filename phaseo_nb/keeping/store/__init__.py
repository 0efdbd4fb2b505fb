"""Recordings by what is in them: in a folder, or at any address that fsspec has a driver for.

Either way the name is ``ab/<sha256>.<suffix>``. A recording only ever has its name when it is
whole and there for good; a row in the journal names it after that. So a kernel that dies in
between leaves a file without a row, never a row without a file. Names never come from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from ...errors import LibraryError
from ...takes.sources import Source
from .addresses import Address, folder_of, is_url, shown
from .local import LocalStore
from .recordings import UNFINISHED, Item, Recording, State, Survey, Unreachable

__all__ = [
    "UNFINISHED",
    "Item",
    "LocalStore",
    "Recording",
    "State",
    "Store",
    "Survey",
    "Unreachable",
    "is_url",
    "open_store",
    "shown",
]


class Store(Protocol):
    """Where the recordings of a library are. Every method may wait for a disk or a network."""

    @property
    def place(self) -> str:
        """Folder or address, as anybody may see it."""
        ...

    def check(self) -> None:
        """See whether a far store can be reached and written, before anything is paid.

        Raises
        ------
        LibraryError
            It cannot: no such bucket, no credentials, no answer.
        """
        ...

    def put(self, data: bytes, *, is_bare: bool = False) -> Recording:
        """Keep a recording as received, and return what it is; meant for a worker thread.

        What is there already is not written again.

        Parameters
        ----------
        data
            The recording.
        is_bare
            Whether these may be samples without a header (ElevenLabs' ``wav``).

        Raises
        ------
        LibraryError
            The disk or the service refuses, or did not answer for some seconds. Nothing half is
            ever there under its name.
        """
        ...

    def read(self, recording: Recording) -> bytes:
        """Return a recording after comparing it with its hash.

        Raises
        ------
        AudioError
            It is gone, or no longer what was kept; :class:`Unreachable` where nobody can tell.
        """
        ...

    def read_once(self, recording: Recording) -> bytes:
        """Return a recording as :meth:`read` does, past any cache: for who reads all of them."""
        ...

    def open(self, recording: Recording) -> BinaryIO:
        """Open a recording after comparing it with its hash; raises like :meth:`read`."""
        ...

    def source(self, recording: Recording) -> Path | Source:
        """Return what a track reads a recording from once somebody asks; fetches nothing."""
        ...

    def is_there(self, recording: Recording) -> bool:
        """Tell whether a recording counts as there: quick, without reading it or waiting."""
        ...

    def is_whole(self, recording: Recording) -> bool:
        """Tell whether a recording is there as it was kept, by length and hash."""
        ...

    def state_of(self, recording: Recording, *, quick: bool = False) -> State | None:
        """Return what is wrong with a recording; ``quick`` compares lengths only."""
        ...

    def survey(self, recordings: Iterable[Recording], *, quick: bool = False) -> Survey:
        """Compare what is there with what should be: each file once, and past any cache."""
        ...

    def items(self) -> Iterator[Item]:
        """Yield everything that lies there, unfinished files included."""
        ...

    def item(self, name: str) -> Item | None:
        """Return what lies under a name; ``None``: nothing, for sure."""
        ...

    def remove(self, recording: Recording) -> None:
        """Delete a recording, if it is there.

        Raises
        ------
        LibraryError
            It cannot be deleted (a player may have it open on Windows).
        """
        ...

    def remove_item(self, name: str) -> None:
        """Delete what lies under a name, if anything does; raises like :meth:`remove`."""
        ...

    def rename_item(self, name: str, new: str) -> bool:
        """Give what lies under a name another one; ``False``: nothing of ours is there."""
        ...

    def size(self) -> int:
        """Return the bytes that the store takes up."""
        ...


def open_store(place: str | Path, *, cache: Path | None = None, also: Path | None = None) -> Store:
    """Return the store at a place; nothing is made, asked or written yet.

    Parameters
    ----------
    place
        A folder, or an address such as ``s3://bucket/folder``.
    cache
        Folder for what was read from an address; ``None`` goes by ``PHASEO_NB_CACHE``.
    also
        A folder that is only read; beside a folder only.

    Raises
    ------
    LibraryError
        It is no address that audio can lie at, or its driver is not installed.
    """
    if isinstance(place, str) and is_url(place):
        local = folder_of(place)
        if local is None:
            place = Address(place)  # type: ignore[assignment] # the text may hold a password
            from .remote import RemoteStore

            return RemoteStore(place, cache)
        place = local
    # Path("s3://bucket") is the folder "s3:" here, which nobody means.
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(place), re.IGNORECASE):
        message = f"{shown(str(place))} looks like an address. Give it as a text, with its two /."
        raise LibraryError(message)
    return LocalStore(Path(place).expanduser(), also)
