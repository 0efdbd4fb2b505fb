"""The first row of an order: what is planned, whether it is there already, and at which number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import LibraryError
from . import money
from .backends import Db
from .entries import OPEN_ENDS, Entry, end_take, new_entry, note_event, read_entry
from .kernels import notebook_name
from .leases import Leases
from .records import cost_facts, dump, storable_text

if TYPE_CHECKING:
    from ..jobs import Cost


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
    shard: str | None = None
    """Set where any machine may take it up; then nobody has it at first."""


class Found(NamedTuple):
    """What a request is, once the journal has been asked."""

    is_new: bool
    """True for a new row, planned for us just now."""
    entry: Entry
    failed_usd: float | None
    """What the last attempt cost where it failed; ``None`` where it did not."""


def earlier(db: Db, key: str) -> tuple[int, int, float | None]:
    """Return attempts at a request, its highest living take, and what the last one cost if failed.

    One look where there is nothing, as nearly always.
    """
    attempts, newest = db.execute(
        "SELECT max(attempt), max(CASE WHEN state NOT IN ('failed', 'written_off')"
        " AND deleted_at IS NULL THEN number END) FROM takes WHERE key = ?",
        (key,),
    ).fetchone()
    return attempts or 0, newest or 0, _failed_before(db, key) if attempts else None


def _failed_before(db: Db, key: str) -> float | None:
    row = db.execute(
        "SELECT state, coalesce(cost_usd, reserved_usd, 0.0) FROM takes"
        " WHERE key = ? ORDER BY n DESC LIMIT 1",
        (key,),
    ).fetchone()
    return float(row[1]) if row and row[0] == "failed" else None


def give_up(db: Db, n: int, now: float) -> int:
    """Write an open end off and return its number, which is free now."""
    old = read_entry(db, "n = ?", (n,))
    if old is None or old.state not in OPEN_ENDS:
        message = "This request is settled by now, so it was not sent again."
        raise LibraryError(message)
    end_take(db, n, "written_off", OPEN_ENDS, now)
    note_event(db, n, "written_off", now, "submitted again")
    return old.number


def insert(db: Db, leases: Leases, plan: Plan, number: int, attempt: int, now: float) -> Entry:
    """Write a new row and return it; it has our name on it from the first moment."""
    leases.present(db)
    query, values = planned_row(leases, plan, number, attempt, now)
    n = db.insert(query, tuple(values.values()))
    leases.note_mine(n)
    note_event(db, n, "planned", now)
    return new_entry(n, values)


def planned_row(
    leases: Leases, plan: Plan, number: int, attempt: int, now: float
) -> tuple[str, dict[str, Any]]:
    """Return the statement that writes a new row, and its values in the order of its marks."""
    values: dict[str, Any] = {
        "id": f"{plan.key[:16]}-{attempt}",
        "key": plan.key,
        "number": number,
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
        "payer": leases.me,
        "owner": leases.me if plan.shard is None else None,
        "notebook": storable_text(notebook_name()),
        "created_at": now,
        "kind": plan.kind,
        "shard": plan.shard,
    }
    marks = ", ".join("?" * len(values))
    return f"INSERT INTO takes ({', '.join(values)}) VALUES ({marks})", values
