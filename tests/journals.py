"""Look into a journal from outside, wherever it lies: as somebody with a tool would."""

from __future__ import annotations

import contextlib
import sys

from phaseo_nb.keeping.backends.sqlite import SQLite


def backend_of(home):
    """The journal of a folder: a file, or what stands for it under ``-p on_postgres``."""
    plugin = sys.modules.get("on_postgres")
    return plugin.backend_at(home) if plugin else SQLite(home / "journal.db")


@contextlib.contextmanager
def journal_of(home):
    """A connection of its own to the journal of a folder; each statement is committed at once."""
    db = backend_of(home).writer(30.0)
    try:
        yield db
    finally:
        db.close()


def rows(home, query, *values):
    """What a query finds there, as plain tuples."""
    with journal_of(home) as db:
        return [tuple(row) for row in db.execute(query, values).fetchall()]
