"""What keeps a library in order: check-ups, deleting, disk use, moving to another place."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import LibraryError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from ..copying import Copied
    from ..folder import Folder
    from ..moving.importing import Imported
    from .doctor import Checkup
    from .removing import Deleted
    from .room import DiskUse, Room


class Upkeep:
    """The part of :class:`~phaseo_nb.Library` that keeps it in order."""

    @property
    def folder(self) -> Folder:
        """The folder as this process has it open."""
        raise NotImplementedError

    def doctor(
        self, *, mend: bool = False, quick: bool = False, remove_orphans: bool = False
    ) -> Checkup:
        """Look the library over: files without rows, rows without files, wrong hashes, open ends.

        Looking changes nothing. Mending removes unfinished files older than an hour, frees what
        dead kernels looked after, sets damaged recordings aside, forgets recordings whose file is
        gone (so that running a cell fetches them again) and makes the search index anew. The
        journal and whole recordings are never touched.

        Parameters
        ----------
        mend
            Whether to mend; the check-up that is returned was made afterwards and says in
            ``done`` what was mended.
        quick
            Leave out the hashes (every recording is read for them) and the inside of the index.
        remove_orphans
            With ``mend``: delete audio that no row knows, if it is older than an hour and no job
            is open or uncertain that might still come for it.

        Returns
        -------
        Checkup
            Says for each finding what it means and what mending would do; ``.mend()`` does it.

        Raises
        ------
        LibraryError
            The journal cannot be read at all.
        """
        from .doctor import examine

        return examine(self.folder, mend=mend, quick=quick, remove_orphans=remove_orphans)

    def delete(self, *takes: Any, audio_only: bool = False) -> Deleted:
        """Delete takes, or only their audio; can be undone until this kernel ends.

        A deleted take is not found any more, and its request counts as not kept: running its
        cell buys it again. What it cost stays in :meth:`spending`.

        Parameters
        ----------
        *takes
            Takes, attempts that have ended, ids, or lists of them.
        audio_only
            Keep the takes with all their facts and free only their audio. Running a cell then
            fetches it again, at no cost, while the service still has it.

        Returns
        -------
        Deleted
            ``.undo()`` brings everything back, ``.for_good()`` frees the disk at once instead of
            when this kernel ends.

        Raises
        ------
        LibraryError
            One of them is not there, or not finished; then nothing is deleted.
        """
        from .removing import delete

        return delete(self.folder, takes, audio_only=audio_only)

    def disk_use(self) -> DiskUse:
        """Return what the library takes up on the disk, and how that stands to its quota."""
        from .room import disk_use

        return disk_use(self.folder)

    def set_quota(self, size: int | str | None) -> None:
        """Say how much audio there should be at most. Nothing is ever deleted by itself.

        Parameters
        ----------
        size
            Bytes, or words such as ``"2GB"``; ``None`` takes the quota away.

        Raises
        ------
        LibraryError
            It is no size.
        """
        from .room import set_quota

        set_quota(self.folder, size)

    def make_room(self, size: int | str | None = None, *, rated: bool = False) -> Room:
        """Propose whose audio could go: unrated takes, oldest first. Does nothing by itself.

        Parameters
        ----------
        size
            How much to free, in bytes or words such as ``"500MB"``; ``None`` is what the library
            has over its quota.
        rated
            Whether rated takes may be proposed too, after all others, the lowest first.

        Returns
        -------
        Room
            The list with sizes; ``.free()`` deletes that audio and returns how to undo it.

        Raises
        ------
        LibraryError
            It is no size, or there is neither a size nor a quota.
        """
        from .room import make_room

        return make_room(self.folder, size, rated=rated)

    def export(
        self,
        path: str | os.PathLike[str],
        takes: Iterable[Any] | Any | None = None,
        *,
        overwrite: bool = False,
    ) -> Path:
        """Write takes into a folder or zip file, to keep elsewhere, hand on or show their origin.

        Each take gives its recordings, named by day and title, and one JSON file beside them with
        request, facts, cost, your rating and notes, and where it came from: service, provider,
        model, date. No key, account or callback address is in it, and links lose what is signed.
        Recordings are as received; bare samples get a WAV header so that players know them.

        Parameters
        ----------
        path
            A folder to be made, or a file that ends in ``.zip``.
        takes
            A take, takes or ids; ``None`` is all.
        overwrite
            Whether an earlier export at this place may be replaced. Anything else never is.

        Returns
        -------
        Path
            What was written.

        Raises
        ------
        LibraryError
            Something is there already, a take is not, or the disk refuses; nothing half is left.
        """
        from ..moving.exporting import export

        return export(self.folder, path, takes, overwrite=overwrite)

    def import_(self, path: str | os.PathLike[str]) -> Imported:
        """Take the takes of an export in; what is here already stays as it is.

        Everything in it is checked as input of a stranger: names, sizes, hashes, requests.

        Parameters
        ----------
        path
            A folder or zip file that :meth:`export` made.

        Returns
        -------
        Imported
            The takes that are new here. ``.refused`` says what was left out and why,
            ``.already`` how many were here before, ``.ignored`` how many files are no part of it.

        Raises
        ------
        LibraryError
            There is no such file, it is none or too large, or this disk refuses.
        """
        from ..moving.importing import import_export

        return import_export(self.folder, path)

    # -- copies of all of it ---------------------------------------------------------------------

    def copy_to(
        self,
        place: str | os.PathLike[str] | SecretStr,
        *,
        audio: str | os.PathLike[str] | None = None,
        move: bool = False,
        show: bool = True,
    ) -> Copied:
        """Copy the whole library to another place: all rows and all recordings, each compared.

        Kernels may go on working meanwhile: the copy is how everything was at one moment. It may
        be interrupted at any moment; run again, it goes on, and what changed since is brought up
        to date. What waits to be sent is left out, as two libraries would both buy it.

        Parameters
        ----------
        place
            An empty or new folder or database (``"postgresql://user@host/name"``), or an earlier
            copy of this very library.
        audio
            Where the recordings go: a folder or an address of fsspec. Default: into the folder,
            beside the journal. Beside a database they stay where they are if that is an address
            that every machine reaches; else it has to be said.
        move
            Whether the copy takes this one's place, with what waits to be sent: from then on this
            library takes no orders, and says where it went. Nothing in it is deleted.
        show
            Whether to show how far it is.

        Returns
        -------
        Copied
            What was copied, and what could not be: recordings that were lost before.

        Raises
        ------
        LibraryError
            The place holds another library; one of both cannot be read or written (what was
            copied so far stays, and is gone on from); or, for a move, a kernel looks after jobs.
        """
        from ...settings.homes import find_audio, find_home, hide_place
        from ..copying import copy_library

        # A verbose traceback prints every local variable it passes.
        place, audio = hide_place(place), hide_place(audio)
        given = None if audio is None else find_audio(audio)
        return copy_library(self.folder, find_home(place), given, moves=move, show=show)

    def back_up(self, folder: str | os.PathLike[str], *, show: bool = True) -> Copied:
        """Copy the whole library into a folder, or bring an earlier backup there up to date.

        ``Library(folder)`` opens it, ``Library(folder).copy_to(…)`` brings it back to an empty
        place, be that a folder or a database.

        Parameters
        ----------
        folder
            An empty or new one, or that of an earlier backup of this library.
        show
            Whether to show how far it is.

        Returns
        -------
        Copied
            What was copied.

        Raises
        ------
        LibraryError
            As :meth:`copy_to`.
        """
        from ...settings.homes import is_url

        if is_url(folder):
            message = "A backup is a folder. To copy the library into a database: `copy_to(…)`."
            raise LibraryError(message)
        return self.copy_to(folder, show=show)

    def go_on_here(self) -> bool:
        """Take orders again in a library that was moved away; tell whether that is new.

        Do this only where nobody orders in the place that it was moved to: what waited to be sent
        is in both, and would be paid twice. Where a copy into this library was not finished, it
        is given up.
        """
        from ..closing import reopen

        is_new = self.folder.database.write(reopen).result()
        self.folder.close()  # opened anew, it has nothing to warn of
        return is_new
