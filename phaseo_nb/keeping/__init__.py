"""``Library``: what was made here, what is on its way, what it cost.

``journal.py`` is the record, ``leases.py`` says who looks after what, ``store.py`` has the audio,
``search.py`` finds, ``money.py`` counts, ``limits.py`` says how fast, ``doctor.py`` looks
everything over, ``removing.py`` and ``room.py`` delete, ``moving.py`` and ``importing.py`` carry
takes from one library to another, ``folder.py`` holds it all together for one process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from ..cards import note_card
from ..errors import LibraryError, brief
from ..settings.homes import find_audio, find_home, hide_place
from . import limits, money, search
from .attempts import Attempt
from .backends import Db
from .entries import ENDED, OPEN, Entry, entries_in, named_entry
from .folder import Folder, open_folder
from .records import storable_text
from .shelf import take_of
from .tables import Attempts, Limits, Spending, Takes
from .upkeep import Upkeep
from .upkeep.purging import purge
from .upkeep.room import in_short

if TYPE_CHECKING:
    from types import EllipsisType

    from ..takes import Take

__all__ = ["Attempt", "Attempts", "Folder", "Library", "Limits", "Spending", "Takes"]


class Library(Upkeep):
    """A folder of takes: kept audio, what is unfinished, what was spent.

    Parameters
    ----------
    place
        A folder, made where it is missing, or a database that many machines share:
        ``"postgresql://user@host/name"``. Default: ``PHASEO_NB_HOME``, else the user's data
        folder. Where the default cannot be written a temporary folder stands in, and says so.
    audio
        Where the recordings lie, if not beside the journal: a folder, or any address of fsspec
        such as ``"s3://bucket/prefix"``. The journal remembers it, so it is given once. With the
        default place: ``PHASEO_NB_AUDIO``.

    Raises
    ------
    LibraryError
        It is damaged, from a newer version, or cannot be opened.
    SettingsError
        The place or the address makes no sense.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> library = nb.library()
    >>> library.recent()
    No takes yet. Make one: await nb.generate("…")
    """

    def __init__(
        self,
        place: str | os.PathLike[str] | SecretStr | None = None,
        *,
        audio: str | os.PathLike[str] | None = None,
    ) -> None:
        if place is not None and not isinstance(place, SecretStr):
            _check_place("library", place)
        if audio is not None:
            _check_place("audio", audio)
        # The variable belongs to the place of the other one: a named place knows its own.
        self._may_stand_in = place is None
        is_audio_ours = audio is not None or place is None
        # A verbose traceback prints every local variable it passes.
        place, audio = hide_place(place), hide_place(audio)
        self._audio = find_audio(audio) if is_audio_ours else None
        self._home = find_home(place)
        self._folder = self._open()
        with suppress(LibraryError):  # another time, then
            purge(self._folder)

    @classmethod
    def at(cls, folder: Folder) -> Library:
        """Return the library of a folder that is open in this process."""
        library = cls.__new__(cls)
        library._home, library._audio = folder.home, None
        library._may_stand_in, library._folder = False, folder
        return library

    @property
    def folder(self) -> Folder:
        """The folder as this process has it open; opened again after a close or a fork."""
        if not self._folder.is_open:
            before = self._folder
            self._folder = self._open()
            self._folder.go_on_from(before)
        return self._folder

    def _open(self) -> Folder:
        return open_folder(self._home, audio=self._audio, may_stand_in=self._may_stand_in)

    @property
    def path(self) -> Path:
        """The folder; of a library in a database the one that it has on this machine."""
        return self.folder.path

    @property
    def shown(self) -> str:
        """Where it is, without any password."""
        return self.folder.shown

    @property
    def warning(self) -> str | None:
        """What to know about this folder: that it is not kept, or serves one kernel at a time."""
        return self.folder.warning

    def __repr__(self) -> str:
        if not hasattr(self, "_folder"):  # in the traceback of one that could not be opened
            return f"<Library {self._home.shown if hasattr(self, '_home') else ''}, not open>"
        try:
            temporary = "" if self.folder.is_kept else ", NOT KEPT"
            return f"<Library {self.shown}: {self.folder.database.read(in_short)}{temporary}>"
        except LibraryError:  # to show it must not fail because a server is away
            return f"<Library {self._home.shown}, cannot be read now>"

    def _repr_html_(self) -> str:
        try:
            lines = [self.shown, *([self.warning] if self.warning else [])]
            return note_card(lines, heading=f"Library of {self.folder.database.read(in_short)}")
        except LibraryError as error:
            return note_card([str(error)], heading="Library that cannot be read now")

    def close(self) -> None:
        """Free open jobs for other kernels and close the files. Opened again when next used.

        Deletions cannot be undone any more after it, as at the end of the kernel.
        """
        self.folder.close()

    # -- finding ---------------------------------------------------------------------------------

    def recent(self, n: int = 20, **filters: Any) -> Takes:
        """Return the newest takes.

        Parameters
        ----------
        n
            At most so many.
        **filters
            Any of: ``model``, ``gateway`` (``"sandbox"`` too), ``provider``, ``notebook``,
            ``since`` and ``until`` (``"2026-11-25"``, a date or a datetime), ``rating`` (at
            least), ``tag``, ``status``. With another status than ``"kept"`` (such as
            ``"failed"``), attempts are returned instead of takes.
        """
        return self.search(None, n, **filters)

    def search(
        self,
        text: str | None,
        n: int = 20,
        *,
        ranked: bool = False,
        raw: bool = False,
        **filters: Any,
    ) -> Takes:
        """Return the takes whose prompt, title, lyrics, style or note hold all these words.

        Parameters
        ----------
        text
            Words; ``ja*`` is a beginning. Accents and case do not count.
        n
            At most so many.
        ranked
            Best match first instead of newest first; slower for words that stand everywhere.
        raw
            Whether ``text`` is FTS5 syntax, taken as it is.
        **filters
            As in :meth:`recent`.

        Raises
        ------
        LibraryError
            A filter has a value that it cannot have, or the raw syntax is wrong.
        """
        _check_count(n)
        unknown = [name for name in filters if name not in _FILTERS]
        if unknown:
            message = f"There is no filter {unknown[0]!r}. Choose from {', '.join(_FILTERS)}."
            raise LibraryError(message)
        only = search.make_filter(**filters)
        entries = self.folder.database.read(
            lambda db: search.find(db, text, only, limit=n, ranked=ranked, raw=raw)
        )
        if only.status != "kept":
            return self._attempts(entries)  # type: ignore[return-value]
        takes = [take_of(self.folder, entry) for entry in entries]
        return Takes(takes, empty="No take fits." if text or filters else None)

    def get(self, id: str) -> Take | Attempt:
        """Return a take (or attempt) by its own id or by the gateway's id of its job.

        Raises
        ------
        LibraryError
            There is none of that name.
        """
        given: Any = id
        name = storable_text(given) if isinstance(given, str) else brief(given)
        entry = self.folder.database.read(lambda db: named_entry(db, name or ""))
        if entry is None:
            message = f"The library {self.shown} has no take and no job {str(name)[:80]!r}."
            raise LibraryError(message)
        if entry.state == "kept":
            return take_of(self.folder, entry)
        return self._attempts([entry])[0]

    # -- open ends -------------------------------------------------------------------------------

    def unfinished(self) -> Attempts:
        """Return the jobs that are paid or being paid and not kept yet, oldest first.

        ``nb.resume()`` takes them up.
        """
        self.folder.leases.recover().result()
        return self._attempts(self._in(*OPEN), "unfinished")

    def uncertain(self) -> Attempts:
        """Return the requests of which nobody knows what became of them, oldest first.

        Each can be looked for again, submitted again or written off: see :class:`Attempt`.
        Completed jobs without audio are among them.
        """
        self.folder.leases.recover().result()
        return self._attempts(self._in("uncertain", "empty"), "uncertain")

    def _in(self, *states: str) -> list[Entry]:
        return self.folder.database.read(lambda db: entries_in(db, *states))

    def _attempts(self, entries: Sequence[Entry], kind: str = "found") -> Attempts:
        def watched(db: Db) -> list[bool]:
            leases = self.folder.leases
            return [e.state not in ENDED and not leases.is_free(db, e.owner) for e in entries]

        are_watched = self.folder.database.read(watched)
        attempts = [
            Attempt(self.folder, entry, is_watched=is_watched)
            for entry, is_watched in zip(entries, are_watched, strict=True)
        ]
        return Attempts(attempts, kind=kind)

    # -- money -----------------------------------------------------------------------------------

    def spending(
        self, by: str | Sequence[str] = ("day", "model", "notebook"), *, since: Any = None
    ) -> Spending:
        """Return what was spent, a row for each day, model and notebook.

        Parameters
        ----------
        by
            What to count by: any of ``day month gateway model provider notebook kind``; the
            kind is ``music`` or ``picture`` (cover images).
        since
            First day, such as ``"2026-11-01"``.

        Returns
        -------
        Spending
            A list of dicts, ready for ``pandas.DataFrame(…)``: the words of ``by``, ``sandbox``,
            ``jobs``, ``kept``, ``usd`` (billed), ``reserved_usd`` (set aside, not billed yet),
            ``credits``, ``unknown`` (jobs whose price nobody knows).
        """
        words = (by,) if isinstance(by, str) else tuple(by)
        start = search.make_filter(since=since).since
        rows = self.folder.database.read(lambda db: money.spending(db, words, start))
        return Spending(rows)

    def set_budget(self, usd: float | None, *, per: str | None = None) -> None:
        """Limit what all kernels together may spend with this library.

        Parameters
        ----------
        usd
            US dollars; ``None`` takes the limit away. The sandbox's prices count by themselves.
        per
            ``"day"`` (the default), ``"week"``, ``"month"`` (by the calendar) or ``"ever"``.
            With ``usd=None`` the default is every one of them.
        """
        self.folder.database.write(lambda db: money.set_budget(db, usd, per)).result()

    def budgets(self) -> dict[str, float]:
        """Return the limits by period, in US dollars."""
        return self.folder.database.read(money.budgets)

    def set_limits(
        self,
        gateway: str,
        *,
        per_second: float | EllipsisType | None = ...,
        at_once: int | EllipsisType | None = ...,
        budget_usd: float | EllipsisType | None = ...,
        per: str | None = None,
    ) -> Limits:
        """Limit what all kernels and workers together may ask of an account.

        An account is known by the address of its gateway: everybody who shares this library and
        that address shares its limits. The name of a gateway stands for the address at which this
        kernel is connected to it (last, if at several), else for the usual one. Orders wait for
        their turn; questions and downloads are not held up. Kernels that run feel a change within
        a second.

        Parameters
        ----------
        gateway
            ``"phaseo"``, ``"udio"``, ``"sandbox"``, or a base URL.
        per_second
            Orders a second, evenly spread; such as ``0.5`` for one in two seconds.
        at_once
            Jobs that may be at the service at the same time. Those of a kernel that died count
            until they are settled: the service may still be at work on them.
        budget_usd, per
            US dollars in each ``"day"``, ``"week"``, ``"month"`` (by the calendar; so where
            nothing was said) or ``"ever"``.

        ``None`` takes a limit away; what is left out stays as it is.

        Returns
        -------
        Limits
            How they are now, with the addresses: see :meth:`limits`.

        Raises
        ------
        LibraryError
            There is no such gateway, or a value is no limit.
        """
        agents = self.folder.agents.items()
        connected = [(agent.gateway, address) for (_, address), agent in agents]
        base_url = limits.address_of(gateway, connected)
        given = limits.checked(per_second, at_once, budget_usd, per)
        self.folder.database.write(lambda db: limits.set_limits(db, base_url, given)).result()
        return self.limits()

    def limits(self) -> Limits:
        """Return what accounts may be asked for, and how much of that is used by now.

        Returns
        -------
        Limits
            A list of dicts: ``base_url``, ``per_second``, ``at_once``, ``budget_usd``, ``per``
            (``None`` where there is no such limit), ``in_flight`` (jobs at the service now),
            ``spent_usd`` (in the period), ``share`` (of the rate that is used: 1.0, or less
            after a service said that it has too much to do) and ``pause`` (seconds until orders
            go out again).
        """
        wall = self.folder.journal.now
        return Limits(self.folder.database.read(lambda db: limits.standing(db, wall)))


_WORDS = ("model", "gateway", "provider", "notebook", "rating", "tag")
_FILTERS = (*_WORDS, "status", "since", "until")


def _check_place(name: str, given: Any) -> None:
    """Refuse what would be misread: an empty name is the folder one happens to be in."""
    if not isinstance(given, (str, os.PathLike)) or not str(given).strip():
        message = f"{name} = {given!r} is no folder. Give its path, or leave it out."
        raise LibraryError(message)


def _check_count(n: Any) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or not 0 < n < 2**63:
        message = f"n = {brief(n)} is no number of takes. Give a whole number from 1."
        raise LibraryError(message)
