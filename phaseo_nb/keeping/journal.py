"""The record of what was ordered, paid and kept.

::

    planned → submitting → submitted → completed → kept
       │           │            ├──→ failed      the provider ended it without music
       ↓           ↓            ├──→ empty       completed, paid, and no audio came
    (gone)     uncertain        └──→ expired     nobody waits here any more; can be taken up

``submitting`` is on the disk before the connection opens, so whatever kills a kernel leaves
either a row that was never sent, or one that says that it may have been. Every change is one
transaction; which of two kernels was first is decided by the file, not by us.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..errors import LibraryError
from . import money
from .database import Database
from .entries import (
    OPEN,
    OPEN_ENDS,
    Entry,
    change_state,
    end_take,
    living_entry,
    note_event,
    read_entry,
    write_answer,
)
from .kernels import notebook_name
from .leases import Leases
from .records import cost_facts, dump, storable_text
from .search import note_texts
from .store import Recording

if TYPE_CHECKING:
    from ..jobs import Cost, MusicJob

End = Literal["failed", "empty", "uncertain", "expired", "written_off"]
Recordings = Mapping[int, Recording]


@dataclass(frozen=True)
class Plan:
    """A request about to be ordered."""

    key: str
    gateway: str
    base_url: str
    sandbox: bool
    model: str | None
    provider: str | None
    prompt: str | None
    request: str
    notes: tuple[str, ...]
    price: Cost
    purse: money.Purse
    kind: str = "music"
    """``"music"`` or ``"picture"``."""


class Found(NamedTuple):
    """What a request is, once the journal has been asked."""

    is_new: bool
    """True for a new row, planned for us just now."""
    entry: Entry
    failed_usd: float | None
    """What the last attempt cost where it failed; ``None`` where it did not."""


class Journal:
    """States of takes in one database; every method is one transaction and returns a future."""

    def __init__(
        self, database: Database, leases: Leases, *, wall: Callable[[], float] = time.time
    ) -> None:
        self.database = database
        self.leases = leases
        self._wall = wall

    # -- down: ordering ------------------------------------------------------------------------

    def order(
        self, plan: Plan, *, take: int | None, fresh: bool, instead_of: int | None = None
    ) -> Future[Found]:
        """Find what a request has become already, or plan it and reserve its price.

        Parameters
        ----------
        plan, take, fresh
            What is ordered, and as which take.
        instead_of
            The row of an open end that is written off in the same step.

        The future raises ``BudgetExceeded`` where the price does not fit, and ``LibraryError``
        where that open end is settled by now; then nothing is planned and nothing written off.
        """

        def operation(db: sqlite3.Connection) -> Found:
            number = None if fresh else take
            if instead_of is not None:
                number = self._give_up(db, instead_of)
            failed = _failed_before(db, plan.key)
            found = None if fresh else living_entry(db, plan.key, take)
            if found is not None:
                return Found(False, found, failed)
            money.reserve(db, plan.purse, self.leases.shares_budget(db), self._wall())
            n = self._insert(db, plan, number)
            entry = read_entry(db, "n = ?", (n,))
            assert entry is not None
            return Found(True, entry, failed)

        return self.database.write(operation, is_vital=False)  # nothing was sent yet

    def _give_up(self, db: sqlite3.Connection, n: int) -> int:
        """Write an open end off and return its number, which is free now."""
        old = read_entry(db, "n = ?", (n,))
        if old is None or old.state not in OPEN_ENDS:
            message = "This request is settled by now, so it was not sent again."
            raise LibraryError(message)
        end_take(db, n, "written_off", OPEN_ENDS, self._wall())
        note_event(db, n, "written_off", self._wall(), "submitted again")
        return old.number

    def _insert(self, db: sqlite3.Connection, plan: Plan, take: int | None) -> int:
        attempts, newest = db.execute(
            "SELECT max(attempt), max(CASE WHEN state NOT IN ('failed', 'written_off')"
            " AND deleted_at IS NULL THEN number END) FROM takes WHERE key = ?",
            (plan.key,),
        ).fetchone()
        attempt = (attempts or 0) + 1
        values = {
            "id": f"{plan.key[:16]}-{attempt}",
            "key": plan.key,
            "number": take or (newest or 0) + 1,
            "attempt": attempt,
            "state": "planned",
            "gateway": plan.gateway,
            "base_url": plan.base_url,
            "sandbox": int(plan.sandbox),
            "model": storable_text(plan.model),
            "provider": storable_text(plan.provider),
            "prompt": storable_text(plan.prompt),
            "request": plan.request,
            "notes": dump(plan.notes),
            "price": dump(cost_facts(plan.price)),
            "reserved_usd": plan.price.usd,
            "payer": self.leases.me,
            "notebook": storable_text(notebook_name()),
            "created_at": self._wall(),
            "kind": plan.kind,
        }
        marks = ", ".join(f":{name}" for name in values)
        query = f"INSERT INTO takes ({', '.join(values)}) VALUES ({marks})"
        n = int(db.execute(query, values).lastrowid or 0)
        self.leases.sign(db, n)
        note_event(db, n, "planned", self._wall())
        return n

    def claim(
        self, n: int, *, again: bool = False, callback: tuple[str, float] | None = None
    ) -> Future[None]:
        """Say that it is about to be sent; once this is done, it may cost.

        The future raises ``LibraryError`` where it is not ours any more or could not be written
        down: then nothing may be sent.

        Parameters
        ----------
        n
            Which row.
        again
            For an order that went out before and was certainly not created.
        callback
            Hash of the token that its service may report under, and until when.
        """

        def operation(db: sqlite3.Connection) -> None:
            query = (
                "UPDATE takes SET state = 'submitting', submitted_at = ? WHERE n = ? "
                "AND owner = ? AND state = ?"
            )
            state = "submitting" if again else "planned"
            if not db.execute(query, (self._wall(), n, self.leases.me, state)).rowcount:
                message = (
                    "Another kernel took this request for abandoned while it waited for its turn, "
                    "so it was not sent and nothing was paid. Run the cell again."
                )
                raise LibraryError(message)
            note_event(db, n, "submitting", self._wall())
            if callback is not None:
                db.execute("DELETE FROM callbacks WHERE expires_at < ?", (self._wall(),))
                row = (callback[0], n, callback[1])
                db.execute("INSERT OR REPLACE INTO callbacks VALUES (?, ?, ?)", row)

        return self.database.write(operation)

    def callback_of(self, n: int) -> str | None:
        """Return the hash of the token that the service of a job may report under."""
        query = "SELECT sha256 FROM callbacks WHERE take = ? AND expires_at > ?"
        row = self.database.read(lambda db: db.execute(query, (n, self._wall())).fetchone())
        return row[0] if row else None

    def withdraw(self, n: int, *, was_claimed: bool) -> Future[None]:
        """Forget an order that certainly was not created, and give its price back.

        Only who claimed it can say that of one that went out.
        """

        def operation(db: sqlite3.Connection) -> None:
            query = "DELETE FROM takes WHERE n = ? AND owner = ? AND state IN (?, ?)"
            sent = "submitting" if was_claimed else "planned"
            if db.execute(query, (n, self.leases.me, "planned", sent)).rowcount:
                note_event(db, n, "withdrawn", self._wall())

        self.leases.forget(n)
        return self.database.write(operation)

    # -- up: what came of it ---------------------------------------------------------------------

    def answered(self, n: int, answer: MusicJob, recordings: Recordings) -> Future[None]:
        """Write down the gateway's answer to an order, with the audio that it brought."""

        def operation(db: sqlite3.Connection) -> None:
            write_answer(db, n, answer, recordings, self._wall())
            # Another kernel may have given us up for dead: the answer itself knows better.
            doubted = ("planned", "submitting", "uncertain")
            if change_state(db, n, "submitted", doubted, self._wall()):
                self.leases.sign(db, n)

        return self.database.write(operation)

    def completed(self, n: int, answer: MusicJob) -> Future[None]:
        """Write down that a job is done and its audio can be fetched."""

        def operation(db: sqlite3.Connection) -> None:
            write_answer(db, n, answer, {}, self._wall())
            change_state(db, n, "completed", (*OPEN, *OPEN_ENDS), self._wall())

        return self.database.write(operation, is_vital=False)  # the service says it again

    def keep(
        self, n: int, answer: MusicJob, recordings: Recordings, notes: tuple[str, ...]
    ) -> Future[Entry]:
        """Write down a take whose audio is in the store; ends its job."""

        def operation(db: sqlite3.Connection) -> Entry:
            write_answer(db, n, answer, recordings, self._wall())
            title = next((track.title for track in answer.tracks if track.title), None)
            db.execute(
                "UPDATE takes SET title = ?, notes = ?, known = NULL WHERE n = ?",
                (storable_text(title), dump(notes), n),
            )
            end_take(db, n, "kept", (*OPEN, *OPEN_ENDS), self._wall())
            note_texts(db, n, answer)
            entry = read_entry(db, "n = ?", (n,))
            assert entry is not None
            return entry

        self.leases.forget(n)
        return self.database.write(operation)

    def end(
        self,
        n: int,
        state: End,
        *,
        known: str | None = None,
        answer: MusicJob | None = None,
        request_id: str | None = None,
    ) -> Future[None]:
        """Write down an end that is no take; ``expired`` can be taken up again by anybody.

        Parameters
        ----------
        n, state
            Which row, and its new state.
        known
            What is known about it, in words.
        answer
            What the gateway last said, its cost included.
        request_id
            What the gateway called an order whose job has no name yet.
        """

        def operation(db: sqlite3.Connection) -> None:
            if answer is not None:
                write_answer(db, n, answer, {}, self._wall())
            db.execute(
                "UPDATE takes SET known = coalesce(?, known), request_id = coalesce(?, request_id)"
                " WHERE n = ?",
                (storable_text(known), storable_text(request_id), n),
            )
            if state == "expired":
                self.leases.release(db, n)  # what is known to be complete stays complete
                change_state(db, n, "expired", ("submitted",), self._wall())
            else:
                end_take(db, n, state, (*OPEN, *OPEN_ENDS), self._wall())

        self.leases.forget(n)
        return self.database.write(operation)

    def write_off(self, n: int, usd: float | None) -> Future[None]:
        """Close an open end for good; ``usd`` replaces what was set aside for it."""

        def operation(db: sqlite3.Connection) -> None:
            query = "UPDATE takes SET cost_usd = coalesce(?, cost_usd) WHERE n = ?"
            db.execute(query, (usd, n))
            end_take(db, n, "written_off", (*OPEN, *OPEN_ENDS), self._wall())

        self.leases.forget(n)
        return self.database.write(operation)

    def found_again(self, n: int, answer: MusicJob) -> Future[Entry]:
        """Write down that an uncertain order does have a job, and take it up."""

        def operation(db: sqlite3.Connection) -> Entry:
            write_answer(db, n, answer, {}, self._wall())
            change_state(db, n, "submitted", OPEN_ENDS, self._wall())
            self.leases.sign(db, n)
            entry = read_entry(db, "n = ?", (n,))
            assert entry is not None
            return entry

        return self.database.write(operation)

    def lease(self, n: int) -> Future[Entry]:
        """Take up a job that no living kernel looks after; the entry says who does now."""

        def operation(db: sqlite3.Connection) -> Entry:
            entry = read_entry(db, "n = ?", (n,))
            if entry is None:
                message = (
                    "This request was given up by the kernel that had planned it, before it was "
                    "sent: nothing was paid. Run the cell again."
                )
                raise LibraryError(message)
            mine = entry.owner == self.leases.me
            if entry.state not in OPEN or mine or not self.leases.is_free(db, entry.owner):
                return entry
            if entry.state == "submitting":
                self.leases.doubt(db, n)
            else:
                self.leases.revive(db, n)
            entry = read_entry(db, "n = ?", (n,))
            assert entry is not None
            return entry

        return self.database.write(operation)


def _failed_before(db: sqlite3.Connection, key: str) -> float | None:
    row = db.execute(
        "SELECT state, coalesce(cost_usd, reserved_usd, 0.0) FROM takes"
        " WHERE key = ? ORDER BY n DESC LIMIT 1",
        (key,),
    ).fetchone()
    return float(row[1]) if row and row[0] == "failed" else None
