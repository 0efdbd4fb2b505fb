"""A library that takes no orders: it was moved away, and what both ordered would be paid twice.

What is kept in it can still be found, heard and copied; what is at the service can be fetched.
"""

from __future__ import annotations

import json
from typing import Any

from ..errors import LibraryError
from .backends import Db
from .entries import SET_SETTING

_NAME = "closed"
NOT_CLOSED = "NOT EXISTS (SELECT 1 FROM settings WHERE name = 'closed')"
"""SQL of whether orders may go out."""


def closed(db: Db) -> dict[str, Any] | None:
    """Return where a library was moved to and when; ``None`` where it takes orders."""
    row = db.execute("SELECT value FROM settings WHERE name = ?", (_NAME,)).fetchone()
    return json.loads(row[0]) if row else None


def close(db: Db, facts: dict[str, Any]) -> None:
    """Take no orders from now on; ``facts`` has at least ``to``, ``at`` and ``is_done``."""
    db.execute(SET_SETTING, (_NAME, json.dumps(facts)))


def reopen(db: Db) -> bool:
    """Take orders again; tell whether that is new."""
    return bool(db.execute("DELETE FROM settings WHERE name = ?", (_NAME,)).rowcount)


def refuse_orders(db: Db) -> None:
    """Raise ``LibraryError`` where no order may be planned or sent."""
    facts = closed(db)
    if facts is not None:
        message = f"{words(facts)} Nothing was sent and nothing was paid."
        raise LibraryError(message)


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
