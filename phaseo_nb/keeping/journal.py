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

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Literal

from ..errors import LibraryError
from . import money
from .backends import Db
from .closing import NOT_CLOSED, refuse_orders
from .database import Database
from .entries import (
    OPEN,
    OPEN_ENDS,
    Entry,
    answer_facts,
    change_state,
    end_take,
    living_entry,
    note_event,
    read_entry,
    write_answer,
    write_tracks,
)
from .leases import Leases
from .limits import Turn, may_go
from .ordering import Found, Plan, earlier, give_up, insert
from .records import dump, storable_text
from .search import note_texts
from .store import Recording

if TYPE_CHECKING:
    from ..jobs import MusicJob

End = Literal["failed", "empty", "uncertain", "expired", "written_off"]
Recordings = Mapping[int, Recording]


class Journal:
    """States of takes in one database; every method is one transaction and returns a future."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        *,
        wall: Callable[[], float] = time.time,
        check_place: Callable[[Db], None] = lambda db: None,
    ) -> None:
        self.database = database
        self.leases = leases
        self._wall = wall
        self.now = wall
        """Seconds since 1970, as this journal writes them down."""
        self.check_place = check_place
        """Raises ``LibraryError`` where recordings would be kept where nobody looks for them."""
        self._written: dict[int, MusicJob] = {}
        """The last word about jobs that are nearly kept, where it is on the disk already."""

    def refuse_orders(self, db: Db) -> None:
        """Raise ``LibraryError`` where nothing may be ordered from here."""
        refuse_orders(db)
        self.check_place(db)

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

        def operation(db: Db) -> Found:
            now, number = self._wall(), None if fresh else take
            if instead_of is not None:
                number = give_up(db, instead_of, now)
            attempts, newest, failed = earlier(db, plan.key)
            found = living_entry(db, plan.key, take) if attempts and not fresh else None
            if found is not None:
                return Found(False, found, failed)
            self.refuse_orders(db)
            money.reserve(db, plan.purse, self.leases.shares_budget(db), now)
            entry = insert(db, self.leases, plan, number or newest + 1, attempts + 1, now)
            return Found(True, entry, failed)

        # Nothing was sent yet; and whoever orders waits for the outcome on the spot.
        return self.database.write(operation, is_vital=False, is_awaited=True)

    def claim(
        self,
        n: int,
        *,
        again: bool = False,
        callback: tuple[str, float] | None = None,
        turn: Turn | None = None,
    ) -> Future[bool]:
        """Say that it is about to be sent; once this is done, it may cost.

        The future says ``False`` where it has to wait for a turn, and raises ``LibraryError``
        where it is not ours any more or could not be written down: then nothing may be sent.

        Parameters
        ----------
        n
            Which row.
        again
            For an order that went out before and was certainly not created.
        callback
            Hash of the token that its service may report under, and until when.
        turn
            What it has to show where its account has limits; ``None`` asks for none.
        """

        def operation(db: Db) -> bool:
            if turn is not None and not may_go(db, turn, self._wall, again=again):
                return False
            query = (
                "UPDATE takes SET state = 'submitting', submitted_at = ? WHERE n = ? "
                f"AND owner = ? AND state = ? AND {NOT_CLOSED}"
            )
            state = "submitting" if again else "planned"
            if not db.execute(query, (self._wall(), n, self.leases.me, state)).rowcount:
                refuse_orders(db)
                message = (
                    "Another kernel took this request for abandoned while it waited for its turn, "
                    "so it was not sent and nothing was paid. Run the cell again."
                )
                raise LibraryError(message)
            note_event(db, n, "submitting", self._wall())
            if callback is not None:
                db.execute("DELETE FROM callbacks WHERE expires_at < ?", (self._wall(),))
                query = (
                    "INSERT INTO callbacks VALUES (?, ?, ?) ON CONFLICT (sha256) DO UPDATE"
                    " SET take = excluded.take, expires_at = excluded.expires_at"
                )
                db.execute(query, (callback[0], n, callback[1]))
            return True

        return self.database.write(operation, is_beside=True)

    def callback_of(self, n: int) -> str | None:
        """Return the hash of the token that the service of a job may report under."""
        query = "SELECT sha256 FROM callbacks WHERE take = ? AND expires_at > ?"
        row = self.database.read(lambda db: db.execute(query, (n, self._wall())).fetchone())
        return row[0] if row else None

    def withdraw(
        self, n: int, *, was_claimed: bool, for_good: bool = True, known: str | None = None
    ) -> Future[None]:
        """Forget an order that certainly was not created, and give its price back.

        Only who claimed it can say that of one that went out.

        Parameters
        ----------
        n, was_claimed
            Which row, and whether it went out.
        for_good
            False for a reason that may pass: then an order that any machine may take up waits on.
        known
            That reason.
        """
        sent = "submitting" if was_claimed else "planned"
        values = (n, self.leases.me, "planned", sent)

        def operation(db: Db) -> None:
            ours = "n = ? AND owner = ? AND state IN (?, ?)"
            if not for_good:
                query = (
                    "UPDATE takes SET state = 'planned', owner = NULL, submitted_at = NULL,"
                    f" known = ? WHERE {ours} AND shard IS NOT NULL"
                )
                if db.execute(query, (storable_text(known), *values)).rowcount:
                    note_event(db, n, "planned", self._wall(), storable_text(known))
                    return
            if db.execute(f"DELETE FROM takes WHERE {ours}", values).rowcount:
                note_event(db, n, "withdrawn", self._wall())

        self.leases.forget(n)
        return self.database.write(operation, is_beside=True)

    # -- up: what came of it ---------------------------------------------------------------------

    def answered(self, n: int, answer: MusicJob, recordings: Recordings) -> Future[None]:
        """Write down the gateway's answer to an order, with the audio that it brought."""

        def operation(db: Db) -> None:
            now, facts = self._wall(), answer_facts(answer)
            # Another kernel may have given us up for dead: the answer itself knows better.
            doubted = ("planned", "submitting", "uncertain")
            if change_state(db, n, "submitted", doubted, now, facts, owner=self.leases.me):
                self.leases.note_mine(n)
            write_tracks(db, n, answer, recordings, now)

        return self.database.write(operation, is_beside=True)

    def completed(self, n: int, answer: MusicJob, *, is_among_many: bool = False) -> Future[None]:
        """Write down that a job is done and its audio can be fetched."""

        def operation(db: Db) -> None:
            now, allowed = self._wall(), (*OPEN, *OPEN_ENDS)
            change_state(db, n, "completed", allowed, now, answer_facts(answer))
            write_tracks(db, n, answer, {}, now)

        # The service says it again.
        written = self.database.write(
            operation, is_vital=False, has_time=is_among_many, is_beside=True
        )
        written.add_done_callback(lambda done: self._remember(n, answer, done))
        return written

    def _remember(self, n: int, answer: MusicJob, done: Future[None]) -> None:
        if done.exception() is None:
            self._written[n] = answer

    def keep(
        self,
        n: int,
        answer: MusicJob,
        recordings: Recordings,
        notes: tuple[str, ...],
        *,
        is_among_many: bool = False,
    ) -> Future[Entry]:
        """Write down a take whose audio is in the store; ends its job."""
        is_written = self._written.pop(n, None) is answer

        def operation(db: Db) -> Entry:
            if recordings:
                self.check_place(db)
            now = self._wall()
            title = next((track.title for track in answer.tracks if track.title), None)
            facts = {} if is_written else answer_facts(answer)
            facts |= {"title": storable_text(title), "notes": dump(notes), "known": None}
            end_take(db, n, "kept", (*OPEN, *OPEN_ENDS), now, facts)
            write_tracks(db, n, answer, recordings, now)
            entry = read_entry(db, "n = ?", (n,))
            assert entry is not None
            self.database.at_the_end(note_texts, (entry, answer))
            return entry

        self.leases.forget(n)
        return self.database.write(operation, has_time=is_among_many, is_beside=True)

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

        def operation(db: Db) -> None:
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
        self._written.pop(n, None)
        return self.database.write(operation, is_beside=True)

    def write_off(self, n: int, usd: float | None) -> Future[None]:
        """Close an open end for good; ``usd`` replaces what was set aside for it."""

        def operation(db: Db) -> None:
            query = "UPDATE takes SET cost_usd = coalesce(?, cost_usd) WHERE n = ?"
            db.execute(query, (usd, n))
            end_take(db, n, "written_off", (*OPEN, *OPEN_ENDS), self._wall())

        self.leases.forget(n)
        return self.database.write(operation)

    def found_again(self, n: int, answer: MusicJob) -> Future[Entry]:
        """Write down that an uncertain order does have a job, and take it up."""

        def operation(db: Db) -> Entry:
            self.check_place(db)
            write_answer(db, n, answer, {}, self._wall())
            change_state(db, n, "submitted", OPEN_ENDS, self._wall())
            self.leases.sign(db, n)
            entry = read_entry(db, "n = ?", (n,))
            assert entry is not None
            return entry

        return self.database.write(operation)

    def lease(self, n: int) -> Future[Entry]:
        """Take up a job that no living kernel looks after; the entry says who does now."""

        def operation(db: Db) -> Entry:
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
                self.check_place(db)
                self.leases.revive(db, n)
            entry = read_entry(db, "n = ?", (n,))
            assert entry is not None
            return entry

        return self.database.write(operation)
