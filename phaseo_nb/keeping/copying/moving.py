"""Moving a library: a copy, at the end of which the original takes no orders any more."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from ...errors import LibraryError, PhaseoError
from .. import closing
from ..backends import Db
from . import lineage

if TYPE_CHECKING:
    from . import _Work


def check(work: _Work) -> None:
    """Raise ``LibraryError`` where the source cannot be moved there now."""
    source = work.source
    if not source.is_kept:
        message = f"The library that stands in as {source.shown} cannot be moved, only copied."
        raise LibraryError(message)
    facts = source.database.read(closing.closed)
    if facts is not None and facts["to"] != work.target.shown:
        raise LibraryError(closing.words(facts))
    source.leases.recover().result()
    source.database.read(lambda db: lineage.refuse_if_busy(source, db))


def move(work: _Work) -> None:
    """Shut the source, carry its rows, and say for good where it went."""
    source = work.source

    def shut(db: Db) -> None:
        lineage.refuse_if_busy(source, db)
        closing.close(db, _facts(work, db, is_done=False))

    was_closed = source.database.read(closing.closed) is not None
    source.database.write(shut).result()
    try:
        work.carry_rows()
    except BaseException:
        # Orders that wait to be sent may be in both by now: only one of the two may be open.
        if not was_closed and _is_elsewhere(work) is False:
            with contextlib.suppress(PhaseoError):
                source.database.write(closing.reopen).result()
        raise

    def say(db: Db) -> str:
        facts = _facts(work, db, is_done=True)
        closing.close(db, facts)
        return closing.words(facts)

    source.warning = source.database.write(say).result()


def _facts(work: _Work, db: Db, *, is_done: bool) -> dict[str, object]:
    return {
        "to": work.target.shown,
        "at": lineage.now(),
        "id": work.id,
        "events": lineage.last_event(db),
        "is_done": is_done,
    }


def _is_elsewhere(work: _Work) -> bool | None:
    """Tell whether the rows have arrived; ``None``: nobody can tell now."""
    try:
        said = work.target.database.read(lambda db: lineage.setting(db, lineage.COPY))
    except PhaseoError:
        return None
    return bool(json.loads(said or "{}").get("run") == work.run_id)
