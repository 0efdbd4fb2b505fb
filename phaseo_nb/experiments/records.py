"""What a library keeps of experiments: the words of sweeps, votes, numbers about recordings.

Thin functions over its database. What they take and give is JSON text: whoever writes it knows
what is in it, and :func:`dump` makes text that every reader takes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from ..keeping.closing import refuse_while_copied
from ..keeping.records import dump, storable_text

if TYPE_CHECKING:
    from ..keeping import Library
    from ..keeping.backends import Db

__all__ = [
    "Kept",
    "dump",
    "find_sweep",
    "load_descriptors",
    "load_sweep",
    "load_votes",
    "save_descriptors",
    "save_sweep",
    "save_vote",
    "sweep_names",
]


def save_sweep(
    library: Library, name: str, spec: str, *, place: str = "{}", begin: bool = False
) -> str:
    """Keep what a sweep consists of, and return what is kept under its name.

    Until it is begun, other words replace what is kept: nothing was bought for it yet. From then
    on the words stay, and of two kernels that give one name to different words, the second one is
    handed those of the first.

    Parameters
    ----------
    library, name, spec
        Where, under which name, and its words.
    place
        At which gateway, with which default models; as it was last run.
    begin
        Whether something is bought for it from now on.
    """
    row = {"name": _text(name), "spec": _text(spec), "place": _text(place), "now": time.time()}

    def operation(db: Db) -> str:
        refuse_while_copied(db)
        db.execute(
            "INSERT INTO sweeps (name, spec, place, created_at)"
            " VALUES (:name, :spec, :place, :now) ON CONFLICT DO NOTHING",
            row,
        )
        db.execute(
            "UPDATE sweeps SET spec = :spec, place = :place"
            " WHERE name = :name AND (begun_at IS NULL OR spec = :spec)",
            row,
        )
        if begin:
            db.execute(
                "UPDATE sweeps SET begun_at = coalesce(begun_at, :now)"
                " WHERE name = :name AND spec = :spec",
                row,
            )
        kept = db.execute("SELECT spec FROM sweeps WHERE name = :name", row).fetchone()
        return str(kept[0])

    return library.folder.database.write(operation).result()


class Kept(NamedTuple):
    """What is kept of a sweep."""

    spec: str
    place: str
    is_begun: bool


def find_sweep(library: Library, name: str) -> Kept | None:
    """Return what is kept of a sweep; ``None`` where there is none of that name."""
    query = "SELECT spec, place, begun_at IS NOT NULL FROM sweeps WHERE name = ?"
    row = library.folder.database.read(lambda db: db.execute(query, (_text(name),)).fetchone())
    return Kept(str(row[0]), str(row[1]), bool(row[2])) if row else None


def load_sweep(library: Library, name: str) -> str | None:
    """Return the words of a sweep; ``None`` where there is none of that name."""
    kept = find_sweep(library, name)
    return kept.spec if kept else None


def sweep_names(library: Library) -> list[str]:
    """Return the names of the sweeps, newest first."""
    query = "SELECT name FROM sweeps ORDER BY created_at DESC, name"
    return [row[0] for row in library.folder.database.read(lambda db: db.execute(query).fetchall())]


def save_vote(library: Library, comparison: str, facts: str) -> int:
    """Keep a vote and return its number; once this returns, a power cut does not lose it."""
    row = _text(comparison), _text(facts), time.time()

    def operation(db: Db) -> int:
        query = "INSERT INTO votes (comparison, facts, at) VALUES (?, ?, ?)"
        return db.insert(query, row)

    return library.folder.database.write(operation).result()


def load_votes(library: Library, comparison: str | None = None) -> list[tuple[int, str, str]]:
    """Return number, comparison and facts of each vote, oldest first; ``None`` is all of them."""
    where, values = ("", ()) if comparison is None else (" WHERE comparison = ?", (comparison,))
    query = f"SELECT n, comparison, facts FROM votes{where} ORDER BY n"
    found = library.folder.database.read(
        lambda db: db.execute(query, tuple(map(_text, values))).fetchall()
    )
    return [(int(n), str(name), str(facts)) for n, name, facts in found]


def save_descriptors(library: Library, sha256: str, version: int, facts: str) -> None:
    """Keep the numbers about a recording; they can be made anew, so no flush is waited for."""
    row = sha256, version, _text(facts)
    query = (
        "INSERT INTO descriptors (sha256, version, facts) VALUES (?, ?, ?)"
        " ON CONFLICT (sha256, version) DO UPDATE SET facts = excluded.facts"
    )
    database = library.folder.database
    writing = database.write(
        lambda db: db.execute(query, row).rowcount, is_vital=False, is_beside=True
    )
    writing.result()


def load_descriptors(library: Library, sha256: str, version: int) -> str | None:
    """Return the numbers about a recording by one version of the arithmetic."""
    query = "SELECT facts FROM descriptors WHERE sha256 = ? AND version = ?"
    row = library.folder.database.read(lambda db: db.execute(query, (sha256, version)).fetchone())
    return str(row[0]) if row else None


def _text(text: str) -> str:
    return storable_text(text) or ""
