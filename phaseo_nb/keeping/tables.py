"""Lists of the library that show themselves as tables, in a notebook and in plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..takes import Take
    from .attempts import Attempt


class Takes(list["Take"]):
    """Kept takes, newest first."""

    def __repr__(self) -> str:
        return "\n".join(map(repr, self)) or 'No takes yet. Make one: await nb.generate("…")'


class Attempts(list["Attempt"]):
    """What has not become a take."""

    def __repr__(self) -> str:
        return "\n".join(map(repr, self)) or "Nothing is unfinished."


class Spending(list[dict[str, Any]]):
    """What was spent."""

    def __repr__(self) -> str:
        return "\n".join(map(repr, self)) or "Nothing was spent yet."
