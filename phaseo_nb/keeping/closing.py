"""A library that takes no orders: it was moved away, or a copy into it is not finished.

What two libraries both ordered would be paid twice, and a copy never replaces what was ordered in
its target meanwhile. What is kept can still be found, heard and copied; what is at the service
can be fetched.
"""

from __future__ import annotations

import json
from typing import Any

from ..errors import LibraryError
from .backends import Db
from .entries import SET_SETTING

_NAME = "closed"
ARRIVING = "arriving"
"""Setting of a library into which a copy is being made."""
NOT_CLOSED = "NOT EXISTS (SELECT 1 FROM settings WHERE name IN ('closed', 'arriving'))"
"""SQL of whether orders may go out."""


def closed(db: Db) -> dict[str, Any] | None:
    """Return where a library was moved to and when; ``None`` where it was not."""
    return _facts(db, _NAME)


def close(db: Db, facts: dict[str, Any]) -> None:
    """Take no orders from now on; ``facts`` has at least ``to``, ``at`` and ``is_done``."""
    db.execute(SET_SETTING, (_NAME, json.dumps(facts)))


def await_copy(db: Db, source: str, at: str) -> None:
    """Take no orders until the copy is whole: its last step replaces all settings, and this one."""
    db.execute(SET_SETTING, (ARRIVING, json.dumps({"from": source, "at": at})))


def reopen(db: Db) -> bool:
    """Take orders again; tell whether that is new."""
    query = "DELETE FROM settings WHERE name IN (?, ?)"
    return bool(db.execute(query, (_NAME, ARRIVING)).rowcount)


def refuse_orders(db: Db) -> None:
    """Raise ``LibraryError`` where no order may be planned or sent."""
    why = why_closed(db)
    if why is not None:
        message = f"{why} Nothing was sent and nothing was paid."
        raise LibraryError(message)


def refuse_while_copied(db: Db) -> None:
    """Raise ``LibraryError`` where anything that is written would be in the way of a copy."""
    why = unfinished_copy(db)
    if why is not None:
        raise LibraryError(why)


def why_closed(db: Db) -> str | None:
    """Say why a library takes no orders, and both ways to go on."""
    query = "SELECT name, value FROM settings WHERE name IN (?, ?)"
    found = {row[0]: json.loads(row[1]) for row in db.execute(query, (_NAME, ARRIVING))}
    if ARRIVING in found:
        return _unfinished(found[ARRIVING])
    return words(found[_NAME]) if found else None


def unfinished_copy(db: Db) -> str | None:
    """Say that a copy into this library is not finished; ``None``: there is no such copy."""
    facts = _facts(db, ARRIVING)
    return _unfinished(facts) if facts else None


def _unfinished(facts: dict[str, Any]) -> str:
    return (
        f"A copy from {facts['from']} into this library began at {facts['at']} and is not "
        "finished, so it takes no orders. If that was interrupted, run the same copy again: it "
        "goes on. Or give it up and go on with what is here now: `library.go_on_here()`."
    )


def words(facts: dict[str, Any]) -> str:
    """Say where a library went, and both ways to go on."""
    to, at = facts["to"], facts["at"]
    if not facts["is_done"]:
        return (
            f"This library is being moved to {to} since {at}, so it takes no orders. If that was "
            "interrupted, run the same again: it goes on. Or stay here: `library.go_on_here()`."
        )
    return (
        f"This library was moved to {to} on {at}, so it takes no orders here. Go on there: set "
        "PHASEO_NB_HOME to it, or `nb.connect(library=…)`. Or stay here, if nobody orders there: "
        "`library.go_on_here()`."
    )


def _facts(db: Db, name: str) -> dict[str, Any] | None:
    row = db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return json.loads(row[0]) if row else None
