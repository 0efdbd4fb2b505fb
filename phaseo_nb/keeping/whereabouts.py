"""Where the recordings of a library lie: said once, remembered in its journal, for everybody alike.

Two machines that share a journal must never keep recordings at two places. So the place stands in
the journal, without any password, and another one is refused.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from ..errors import LibraryError
from .backends import Db
from .database import Database
from .entries import SET_SETTING
from .store import is_url, shown

_NAME = "audio"


def settled_place(database: Database, given: SecretStr | None, beside: Path) -> SecretStr:
    """Return where the recordings lie, and remember it.

    Parameters
    ----------
    database
        The journal.
    given
        What somebody asks for; ``None`` is where they were before.
    beside
        The folder that is meant where nobody ever said anything.

    Raises
    ------
    LibraryError
        They lie somewhere else already.
    """
    if given is None:
        kept = database.read(_kept)
        return SecretStr(kept if kept is not None else str(beside))
    wanted = _told(given)

    def operation(db: Db) -> str | None:
        kept = _kept(db)
        has_some = db.execute("SELECT 1 FROM recordings LIMIT 1").fetchone() is not None
        now = kept or (str(beside) if has_some else None)
        if now is not None and now != wanted:
            message = (
                f"audio = {wanted!r}, but the recordings of this library lie at {now!r}, and would "
                "not be found any more. Leave `audio=` out. To have them elsewhere: "
                '`library.copy_to("…", audio="…")` copies all of it.'
            )
            raise LibraryError(message)
        if kept is None and wanted != str(beside):
            db.execute(SET_SETTING, (_NAME, wanted))
        return kept

    database.write(operation).result()
    return given


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
