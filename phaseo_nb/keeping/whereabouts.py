"""Where the recordings of a library lie: said once, remembered in its journal, for everybody alike.

Two machines that share a journal must never keep recordings at two places. So the place stands in
the journal, without any password. It can be changed as long as nothing is kept and no job may
bring anything: from then on it stays. Whoever had the library open before finds that out in the
transaction that would order, take up or keep something, so no lock is needed.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from ..errors import LibraryError
from .backends import Db
from .database import Database
from .entries import SET_SETTING
from .store import Store, is_url, open_store, shown

_NAME = "audio"
_HAS_SOME = (
    "SELECT EXISTS (SELECT 1 FROM recordings)"
    " OR EXISTS (SELECT 1 FROM takes WHERE state NOT IN ('failed', 'written_off'))"
)


class Whereabouts:
    """Where the recordings of a library lie, as this process knows it.

    Parameters
    ----------
    database
        The journal.
    beside
        The folder that is meant where nobody ever said anything.
    also
        A folder that is only read, where this library stands in for another one.
    """

    def __init__(self, database: Database, beside: Path, also: Path | None = None) -> None:
        self._database = database
        self._beside = beside
        self._also = also
        self._known: str | None = None
        self._is_fixed = False
        """Whether something was kept at the place that is known, so that it stays."""

    def store(self, given: SecretStr | None) -> Store:
        """Return the store, and remember where it is; a place that is given is tried first.

        Parameters
        ----------
        given
            What somebody asks for; ``None`` is where they were before.

        Raises
        ------
        LibraryError
            They lie somewhere else already, or cannot be kept there; nothing is remembered then.
        """
        self._is_fixed = False
        if given is None:
            self._known = self._database.read(_kept)
            return open_store(self._known or str(self._beside), also=self._also)
        wanted = _told(given)
        before = self._database.read(lambda db: self._try(db, wanted))
        store = open_store(given.get_secret_value(), also=self._also)
        store.check()  # before anything is paid for

        def settle(db: Db) -> str | None:
            if self._try(db, wanted) not in (before, wanted):
                message = (
                    f"audio = {wanted!r}, but another kernel said {_kept(db)!r} at the same time. "
                    "Say the same place everywhere, or leave `audio=` out."
                )
                raise LibraryError(message)
            if wanted == str(self._beside):
                db.execute("DELETE FROM settings WHERE name = ?", (_NAME,))
            else:
                db.execute(SET_SETTING, (_NAME, wanted))
            return _kept(db)

        self._known = self._database.write(settle).result()
        return store

    def is_known(self, given: SecretStr) -> bool:
        """Tell whether this is the place that this process uses."""
        return _told(given) == (self._known or str(self._beside))

    def check(self, db: Db) -> None:
        """Raise ``LibraryError`` where the recordings lie elsewhere since the library was opened.

        Inside a transaction that orders something, takes it up or keeps it.
        """
        if self._is_fixed:  # a road there and back less for each order
            return
        kept = _kept(db)
        if kept != self._known:
            message = (
                f"The recordings of this library lie at {kept or str(self._beside)!r} now; when it "
                f"was opened here, it was {self._known or str(self._beside)!r}. So that none is "
                "kept where nobody looks: `library.close()` (it opens anew by itself), or restart "
                "this kernel; leave `audio=` out."
            )
            raise LibraryError(message)
        self._is_fixed = db.execute("SELECT 1 FROM recordings LIMIT 1").fetchone() is not None

    def _try(self, db: Db, wanted: str) -> str | None:
        """Return the place that is remembered; refuse one where recordings would be lost."""
        kept = _kept(db)
        now = kept or str(self._beside)
        if now != wanted and db.execute(_HAS_SOME).fetchone()[0]:
            message = (
                f"audio = {wanted!r}, but the recordings of this library lie at {now!r}, and would "
                "not be found any more. Leave `audio=` out. To have them elsewhere: "
                '`library.copy_to("…", audio="…")` copies all of it.'
            )
            raise LibraryError(message)
        return kept


def _told(given: SecretStr) -> str:
    """Return a place as it may be remembered."""
    if is_url(given.get_secret_value()):
        return shown(given.get_secret_value())
    return given.get_secret_value()


def _kept(db: Db) -> str | None:
    row = db.execute("SELECT value FROM settings WHERE name = ?", (_NAME,)).fetchone()
    return str(row[0]) if row else None


def for_this_machine_alone(library: str, place: str) -> str:
    """Say that a shared journal has recordings that nobody else can hear."""
    return (
        f"The recordings of the library {library} lie in the folder {place} of this machine, "
        "where no other machine finds them. To share them give an address that all can reach when "
        'the library is first opened: nb.Library("postgresql://…", audio="s3://…").'
    )


def of_this_process_alone(library: str) -> str:
    """Say that recordings are gone when the process ends."""
    return (
        f"NOT KEPT: the recordings of the library {library} are in the memory of this process "
        "alone (memory://) and gone when it ends."
    )
