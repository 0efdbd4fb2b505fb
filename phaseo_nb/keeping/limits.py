"""What an account may be asked for: orders a second, jobs at once, dollars; for all kernels alike.

An account is known by the base URL of its gateway: whoever shares a library and an address shares
its limits. They are one row, so they hold over every kernel and worker. Turns are places in one
line of evenly spaced moments: who asks for some moves the end of the line, and nobody gets any
that lie far ahead, so that a limit that changes is felt within a moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import LibraryError, SettingsError, brief
from ..settings import base_url_of
from .backends import Db
from .entries import NOT_ENDED
from .money import PERIODS, spent_by_account

if TYPE_CHECKING:
    from types import EllipsisType

AHEAD = 0.5
"""Seconds that a turn may lie ahead when it is given out."""
SHARE = 0.25
"""Seconds' worth of turns that one kernel is given at a time."""
SLACK = 1.06
"""Turns are a little further apart than the limit says: what is sent arrives unevenly."""
LEAST = 1 / 16
"""Of its rate that a service which says 429 again and again is still asked at."""
CALM = 30.0
"""Seconds without a 429 after which twice as much is tried."""
PAUSE = 1.0
"""Seconds to pause where a 429 does not say how long."""
LONGEST_PAUSE = 60.0
"""Seconds; who is asked to wait longer hears it from the error, and can decide."""

Clock = Callable[[], float]


class Account(NamedTuple):
    """The row of an account, and what time it is there."""

    base_url: str
    per_second: float | None
    at_once: int | None
    budget_usd: float | None
    budget_per: str | None
    next_at: float
    """When the next turn is."""
    slowed: float
    """Share of the rate that was left at the last 429."""
    slowed_at: float
    """When the pause after it ends."""
    now: float

    @property
    def pause(self) -> float:
        """Seconds left of a pause after a 429; a clock that was set back makes none longer."""
        left = self.slowed_at - self.now
        return left if 0 < left <= LONGEST_PAUSE + 1 else 0.0

    @property
    def share(self) -> float:
        """Share of the rate by now: half of it after a 429, twice as much after each calm."""
        if self.slowed >= 1 or self.slowed_at - self.now > LONGEST_PAUSE + 1:
            return 1.0
        calm = max(0.0, self.now - self.slowed_at) // CALM
        return 1.0 if calm > 4 else min(1.0, self.slowed * 2.0**calm)

    @property
    def gap(self) -> float:
        """Seconds from one turn to the next; 0 without a rate."""
        return SLACK / (self.per_second * self.share) if self.per_second else 0.0

    @property
    def start(self) -> float:
        """When the next turn could be; a clock that was set back makes nobody wait for ever."""
        furthest = self.now + LONGEST_PAUSE + AHEAD + 2 * (self.gap / LEAST + SHARE)
        return self.now if self.next_at > furthest else max(self.next_at, self.now)

    @property
    def holds(self) -> bool:
        """Whether anybody has to wait for a turn."""
        return self.per_second is not None or self.at_once is not None or self.pause > 0


class Turns(NamedTuple):
    """What a kernel that asked for turns is given."""

    holds: bool
    """Whether turns are needed at all."""
    at: tuple[float, ...] = ()
    """When each turn is, by the monotonic clock of this process."""
    again: float | None = None
    """Seconds after which to ask for more; ``None`` where there is no room for more at once."""


class Turn(NamedTuple):
    """What an order shows when it is claimed."""

    base_url: str
    has_slot: bool = False
    """Whether it was given a moment at which it may go out."""


# -- taking turns --------------------------------------------------------------------------------


def account(db: Db, base_url: str, wall: Clock) -> Account | None:
    """Return the row of an account; ``None`` where nothing was ever said about it."""
    clock = db.words.clock  # machines differ in theirs; a database that they share has one
    fields = ", ".join(Account._fields[:-1])
    query = f"SELECT {fields}, {clock or '?'} FROM accounts WHERE base_url = ?"
    row = db.execute(query, (base_url,) if clock else (wall(), base_url)).fetchone()
    return Account(*row) if row is not None else None


def take_turns(
    db: Db,
    base_url: str,
    wanted: int,
    *,
    placed: int = 0,
    passing: int = 0,
    wall: Clock = time.time,
    clock: Clock = time.monotonic,
) -> Turns:
    """Take turns at an account, as many as there are now and at most as many as are wanted.

    Parameters
    ----------
    db, base_url
        Where, and of which account.
    wanted, placed
        Orders of this kernel that wait for a turn, and how many of them were claimed before, so
        that they count as being at the service.
    passing
        Orders that have a turn and are not claimed yet.
    wall, clock
        This machine's clock, for a journal that has none of its own, and the one of the turns.
    """
    now, found = clock(), account(db, base_url, wall)
    if found is None or not found.holds:
        return Turns(False)
    if found.pause:
        return Turns(True, again=found.pause)
    if found.at_once is not None:
        free = max(0, found.at_once - at_service(db, base_url) - passing)
        wanted = min(wanted, placed + free)
        if wanted <= 0:
            return Turns(True)
    if not found.per_second:
        return Turns(True, (now,) * wanted, again=0.0)
    if found.start - found.now > AHEAD:
        return Turns(True, again=found.start - found.now - AHEAD)
    _lock(db, base_url)
    now, found = clock(), account(db, base_url, wall)  # as those before us in the line left it
    if found is None or not found.per_second:
        return Turns(True, again=0.0)
    ahead, gap = found.start - found.now, found.gap
    if ahead > AHEAD or found.pause:
        return Turns(True, again=max(found.pause, ahead - AHEAD))
    n = min(wanted, max(1, int(SHARE / gap)))
    query = "UPDATE accounts SET next_at = ? WHERE base_url = ?"
    db.execute(query, (found.start + n * gap, base_url))
    at = tuple(now + ahead + i * gap for i in range(n))
    return Turns(True, at, again=max(0.0, ahead + n * gap - AHEAD))


def may_go(db: Db, turn: Turn, wall: Clock, *, again: bool) -> bool:
    """Tell, in the transaction that claims an order, whether it may go out now.

    One that went out before and was refused has its place at the service already.
    """
    found = account(db, turn.base_url, wall)
    if found is None or not found.holds:
        return True
    if found.pause or (found.per_second and not turn.has_slot):
        return False
    if found.at_once is None or again:
        return True
    _lock(db, turn.base_url)  # of two who want the last place, the second one sees the first
    return at_service(db, turn.base_url) < found.at_once


def at_service(db: Db, base_url: str) -> int:
    """Return how many orders are at a service, or on their way to it."""
    query = (
        "SELECT count(*) FROM takes WHERE base_url = ? AND state IN ('submitting', 'submitted')"
        f" AND {NOT_ENDED}"
    )
    return int(db.execute(query, (base_url,)).fetchone()[0])


def slow_down(db: Db, base_url: str, asked: float | None, wall: Clock) -> None:
    """Note a 429: everybody pauses, and goes on at half the rate. In one pause, it counts once.

    Parameters
    ----------
    db, base_url
        Where, and which account.
    asked
        Seconds that the service asked to wait.
    wall
        This machine's clock.
    """
    db.execute("INSERT INTO accounts (base_url) VALUES (?) ON CONFLICT DO NOTHING", (base_url,))
    _lock(db, base_url)
    found = account(db, base_url, wall)
    assert found is not None
    until = found.now + max(pause_for(asked), found.pause)
    share = found.slowed if found.pause else max(LEAST, found.share / 2)
    db.execute(
        "UPDATE accounts SET next_at = ?, slowed = ?, slowed_at = ? WHERE base_url = ?",
        (max(found.start, until), share, until, base_url),
    )


def pause_for(asked: float | None) -> float:
    """Return for how long everybody pauses after a 429, in seconds.

    A wait of days is about one key's allowance: it must not hold others up, or another try.
    """
    return PAUSE if asked is None or asked > LONGEST_PAUSE else max(0.1, asked)


def _lock(db: Db, base_url: str) -> None:
    """Have the row of an account for oneself until the end of the transaction."""
    db.execute("UPDATE accounts SET at_once = at_once WHERE base_url = ?", (base_url,))


# -- setting them --------------------------------------------------------------------------------


def address_of(gateway: Any, connected: Iterable[tuple[str, str]] = ()) -> str:
    """Return the base URL that an account is known by.

    Parameters
    ----------
    gateway
        Its name or address.
    connected
        Names and addresses that this kernel is connected to, the newest last: there a name means
        the own address.

    Raises
    ------
    LibraryError
        It is neither the name of a gateway nor an address.
    """
    ours = [address for name, address in connected if name == gateway]
    if ours:
        return ours[-1]
    try:
        return base_url_of(gateway)
    except SettingsError as error:
        message = f"There is no such account. {error}"
        raise LibraryError(message) from error


def checked(
    per_second: float | EllipsisType | None,
    at_once: int | EllipsisType | None,
    budget_usd: float | EllipsisType | None,
    per: str | None,
) -> dict[str, Any]:
    """Return the columns to set; what was left out (``...``) is not among them.

    Raises
    ------
    LibraryError
        A value is no limit.
    """
    if per is not None and per not in PERIODS:
        known = ", ".join(repr(name) for name in PERIODS)
        message = f"per = {brief(per)} is no period. Choose one of {known}."
        raise LibraryError(message)
    given: dict[str, Any] = {}
    if per_second is not ...:
        _check("per_second", per_second, 1e-4, 1e6, "a number of orders a second, such as 0.5")
        given["per_second"] = None if per_second is None else float(per_second)
    if at_once is not ...:
        _check("at_once", at_once, 1, 1_000_000, "a whole number of jobs from 1", is_whole=True)
        given["at_once"] = at_once
    if budget_usd is not ...:
        _check("budget_usd", budget_usd, 0, 1e9, "an amount of US dollars from 0")
        given["budget_usd"] = None if budget_usd is None else float(budget_usd)
    if per is not None:
        given["budget_per"] = per
    if not given:
        message = "Nothing is set. Give per_second=, at_once= or budget_usd=."
        raise LibraryError(message)
    return given


def _check(
    name: str, value: Any, least: float, most: float, right: str, *, is_whole: bool = False
) -> None:
    kinds = int if is_whole else (int, float)
    is_number = isinstance(value, kinds) and not isinstance(value, bool)
    if value is not None and not (is_number and least <= value <= most):
        message = f"{name} = {brief(value)} is no limit. Give {right}, or None to take it away."
        raise LibraryError(message)


def set_limits(db: Db, base_url: str, given: dict[str, Any]) -> None:
    """Change the limits of an account; a new rate holds from now on."""
    db.execute("INSERT INTO accounts (base_url) VALUES (?) ON CONFLICT DO NOTHING", (base_url,))
    changes = [f"{name} = ?" for name in given]
    changes += ["next_at = 0"] if "per_second" in given else []
    query = f"UPDATE accounts SET {', '.join(changes)} WHERE base_url = ?"
    db.execute(query, (*given.values(), base_url))
    usual = "UPDATE accounts SET budget_per = coalesce(budget_per, 'month') WHERE base_url = ?"
    db.execute(usual, (base_url,))


def standing(db: Db, wall: Clock) -> list[dict[str, Any]]:
    """Return the limits of all accounts and how much of them is used; see ``Library.limits``."""
    query = "SELECT base_url FROM accounts ORDER BY base_url"
    found = (account(db, base_url, wall) for (base_url,) in db.execute(query).fetchall())
    return [
        {
            "base_url": each.base_url,
            "per_second": each.per_second,
            "at_once": each.at_once,
            "budget_usd": each.budget_usd,
            "per": each.budget_per if each.budget_usd is not None else None,
            "in_flight": at_service(db, each.base_url),
            "spent_usd": spent_by_account(db, each.base_url, each.budget_per or "ever", wall()),
            "share": each.share,
            "pause": each.pause,
        }
        for each in found
        if each is not None and _says_something(each)
    ]


def _says_something(found: Account) -> bool:
    return found.holds or found.budget_usd is not None or found.share < 1
