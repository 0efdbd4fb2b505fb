"""What takes can be filtered by, and which values that takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ..errors import LibraryError
from .entries import ENDED, NOT_ENDED

FOUND_BY = ("model", "provider", "notebook")
"""Columns that are looked up as they are; ``Words.prepare`` makes an index of each."""
GATEWAYS = ("phaseo", "udio", "sandbox")
STATES = (
    "kept",
    "failed",
    "empty",
    "uncertain",
    "expired",
    "submitted",
    "completed",
    "written_off",
)


@dataclass(frozen=True)
class Filter:
    """What takes have to be; ``None`` is anything."""

    model: str | None = None
    gateway: str | None = None
    provider: str | None = None
    notebook: str | None = None
    status: str = "kept"
    since: float | None = None
    until: float | None = None
    rating: int | None = None
    """At least."""
    tag: str | None = None

    def clauses(self, same_tag: str) -> tuple[list[str], list[Any]]:
        """Return conditions on ``takes`` with their values.

        Parameters
        ----------
        same_tag
            SQL of whether a tag is the one that is looked for.
        """
        where = ["takes.deleted_at IS NULL", f"takes.state = '{self.status}'"]
        if self.status not in ENDED:  # in the words of the index that has only these
            where.append(f"takes.{NOT_ENDED}")
        values: list[Any] = []
        for name in FOUND_BY:
            if getattr(self, name) is not None:
                where.append(f"takes.{name} = ?")
                values.append(getattr(self, name))
        if self.gateway is not None:
            named = "CASE WHEN takes.sandbox = 1 THEN 'sandbox' ELSE takes.gateway END"
            where.append(f"({named}) = ?")
            values.append(self.gateway)
        for sign, moment in ((">=", self.since), ("<", self.until)):
            if moment is not None:
                where.append(f"takes.created_at {sign} ?")
                values.append(moment)
        if self.rating is not None:
            where.append("takes.rating >= ?")
            values.append(self.rating)
        if self.tag is not None:
            tagged = f"SELECT 1 FROM tags WHERE {same_tag} AND tags.take = takes.n"
            where.append(f"EXISTS ({tagged})")
            values.append(self.tag)
        return where, values


def make_filter(
    *, status: str = "kept", since: Any = None, until: Any = None, **words: Any
) -> Filter:
    """Check what somebody wants to filter by.

    Raises
    ------
    LibraryError
        A status, gateway, date or rating is none, or something is no text.
    """
    if status not in STATES:
        known = ", ".join(repr(name) for name in STATES)
        message = f"status = {status!r} is no status of a take. Choose one of {known}."
        raise LibraryError(message)
    rating = words.get("rating")
    if rating is not None and (isinstance(rating, bool) or rating not in range(1, 6)):
        message = f"rating = {rating!r} is no rating. Give a whole number from 1 to 5: the least."
        raise LibraryError(message)
    gateway = words.get("gateway")
    if gateway is not None and gateway not in GATEWAYS:
        known = ", ".join(repr(name) for name in GATEWAYS)
        message = f"gateway = {gateway!r} is no gateway. Choose one of {known}."
        raise LibraryError(message)
    for name in (*FOUND_BY, "tag"):
        if not isinstance(words.get(name), (str, type(None))):
            message = f"{name} = {words[name]!r} is no text. Give one name, such as 'demo'."
            raise LibraryError(message)
    return Filter(
        status=status,
        since=_moment("since", since),
        until=_moment("until", until, is_end=True),
        **words,
    )


def _moment(name: str, value: Any, *, is_end: bool = False) -> float | None:
    """Return seconds since 1970 of a date or time; a day as an end includes itself."""
    if value is None:
        return None
    try:
        if isinstance(value, str):
            is_day = re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()) is not None
            value = datetime.fromisoformat(value.strip())
            value = value.date() if is_day else value
        if isinstance(value, date) and not isinstance(value, datetime):
            day = value + timedelta(days=1) if is_end else value
            value = datetime(day.year, day.month, day.day)
        if isinstance(value, datetime):
            return value.timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    message = f"{name} = {value!r} is no day. Write it as '2026-11-25', or give a date or datetime."
    raise LibraryError(message)
