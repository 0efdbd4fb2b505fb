"""Who looks after which job: every open job has at most one kernel's name on it.

Two kernels that share a library do not ask twice and do not fetch twice: one has the lease, the
others watch the row. When the one dies, the next takes the lease over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from .backends import Db, Row
from .database import Database
from .entries import NOT_ENDED, change_state, end_take, note_event
from .kernels import BEAT, Kernel, Watch, notebook_name, this_kernel

IDLE_BEAT = 60.0
"""Seconds between two signs of life of a kernel that looks after nothing."""
KILLED = "The kernel that handed it in ended before an answer was written down."
_A_MONTH = 30 * 86_400


class Waiting(NamedTuple):
    """What earlier kernels left behind."""

    unfinished: int
    uncertain: int


class Leases:
    """The leases of one kernel in one database; functions of a connection run in a transaction."""

    def __init__(
        self,
        database: Database,
        *,
        wall: Callable[[], float] = time.time,
        watch: Watch | None = None,
        kernel: Kernel | None = None,
    ) -> None:
        self._database = database
        self._wall = wall
        self._watch = watch or Watch()
        self._kernel = kernel
        self._mine: set[int] = set()
        database.regularly(self._pause, self._beat)

    @property
    def kernel(self) -> Kernel:
        """Who we are."""
        return self._kernel or this_kernel()

    @property
    def me(self) -> str:
        """Our name on a job."""
        return self.kernel.id

    # -- inside a transaction --------------------------------------------------------------------

    def sign(self, db: Db, n: int) -> None:
        """Put our name on a job."""
        self.present(db)
        db.execute("UPDATE takes SET owner = ? WHERE n = ?", (self.me, n))
        self.note_mine(n)

    def note_mine(self, n: int) -> None:
        """Give signs of life for a job that has our name on it."""
        self._mine.add(n)

    def release(self, db: Db, n: int) -> None:
        """Take our name off a job."""
        db.execute("UPDATE takes SET owner = NULL WHERE n = ? AND owner = ?", (n, self.me))

    def forget(self, n: int) -> None:
        """Stop giving signs of life for a job."""
        self._mine.discard(n)

    def present(self, db: Db) -> None:
        """Make sure that this kernel has a row."""
        me, now = self.kernel, self._wall()
        db.execute(
            "INSERT INTO kernels (id, host, boot, space, pid, born, notebook, started_at, beat_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (me.id, me.host, me.boot, me.space, me.pid, me.born, notebook_name(), now, now),
        )

    def is_free(self, db: Db, owner: str | None) -> bool:
        """Tell whether nobody who lives has a job, going by the name on it."""
        if owner is None:
            return True
        row = _kernel_row(db, owner)
        return row is None or self._watch.is_dead(_kernel_of(row), row["beat"], self.kernel)

    def shares_budget(self, db: Db) -> Callable[[str], bool]:
        """Return which payers share a budget with us: the kernels that live now."""

        def lives(payer: str) -> bool:
            if payer == self.me:
                return True
            row = _kernel_row(db, payer)
            if row is None:
                return False
            gone = _kernel_of(row).is_gone(self.kernel)
            if gone is None:  # on another machine: by its last sign of life
                return bool(abs(self._wall() - row["beat_at"]) < 5 * IDLE_BEAT)
            return not gone

        return lives

    # -- transactions ----------------------------------------------------------------------------

    def recover(self) -> Future[Waiting]:
        """Settle what dead kernels left in the middle, and count what is waiting.

        What they had only planned was never sent and is forgotten, unless any machine may send
        it; what they were handing in becomes ``uncertain``; everything else can be taken up.
        """

        def operation(db: Db) -> Waiting:
            rows = db.execute(
                "SELECT n, state, owner, shard FROM takes WHERE state IN ('planned', 'submitting')"
                f" AND {NOT_ENDED} AND (shard IS NULL OR owner IS NOT NULL)"
            ).fetchall()
            for n, state, owner, shard in rows:
                if owner == self.me or not self.is_free(db, owner):
                    continue
                if state == "submitting":
                    self.doubt(db, n)
                elif shard is not None:  # it waits on, for any machine
                    db.execute("UPDATE takes SET owner = NULL WHERE n = ?", (n,))
                else:
                    db.execute("DELETE FROM takes WHERE n = ?", (n,))
                    note_event(db, n, "withdrawn", self._wall(), "its kernel ended before")
            self._forget_old_kernels(db)
            return self._waiting(db)

        return self._database.write(operation)

    def doubt(self, db: Db, n: int) -> None:
        """Say of an order whose kernel died on the way that nobody knows what became of it."""
        db.execute("UPDATE takes SET known = ? WHERE n = ?", (KILLED, n))
        end_take(db, n, "uncertain", ("submitting",), self._wall())

    def revive(self, db: Db, n: int) -> None:
        """Take up a free job that is at the service."""
        self.sign(db, n)
        db.execute("UPDATE takes SET known = NULL WHERE n = ?", (n,))  # it is asked for anew
        change_state(db, n, "submitted", ("expired",), self._wall())

    def let_go(self) -> Future[None] | None:
        """Free all our jobs for others: a kernel that ends in peace need not be waited for."""
        if not self._mine:
            return None
        self._mine = set()

        def operation(db: Db) -> None:
            db.execute(
                f"UPDATE takes SET owner = NULL WHERE owner = ? AND {NOT_ENDED} AND (state IN"
                " ('submitted', 'completed', 'expired') OR state = 'planned'"
                " AND shard IS NOT NULL)",
                (self.me,),
            )

        return self._database.write(operation)

    def _waiting(self, db: Db) -> Waiting:
        rows = db.execute(
            "SELECT state, owner FROM takes WHERE deleted_at IS NULL AND state IN"
            f" ('submitted', 'completed', 'expired', 'uncertain') AND {NOT_ENDED}"
        ).fetchall()
        unfinished = [o for state, o in rows if state != "uncertain" and o != self.me]
        n_free = sum(self.is_free(db, owner) for owner in unfinished)
        return Waiting(n_free, len(rows) - sum(state != "uncertain" for state, _ in rows))

    def _pause(self) -> float:
        return BEAT if self._mine else IDLE_BEAT

    def _beat(self) -> Callable[[Db], None]:
        def operation(db: Db) -> None:
            query = "UPDATE kernels SET beat = beat + 1, beat_at = ? WHERE id = ?"
            db.execute(query, (self._wall(), self.me))

        return operation

    def _forget_old_kernels(self, db: Db) -> None:
        db.execute(
            "DELETE FROM kernels WHERE beat_at < ? AND id != ? AND id NOT IN"
            " (SELECT owner FROM takes WHERE owner IS NOT NULL)",
            (self._wall() - _A_MONTH, self.me),
        )


def _kernel_row(db: Db, kernel: str) -> Row | None:
    row: Row | None = db.execute("SELECT * FROM kernels WHERE id = ?", (kernel,)).fetchone()
    return row


def _kernel_of(row: Row) -> Kernel:
    return Kernel(**{name: row[name] for name in ("id", "host", "boot", "space", "pid", "born")})
