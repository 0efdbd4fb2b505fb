"""What the tables of the library have in common: lists that show themselves and stay lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, SupportsIndex, TypeVar, overload

from ... import cards
from ._sheet import Sheet

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
NOTHING = "—"
"""Stands in a cell about which nothing is known."""


class Table(list[T]):
    """A list that shows itself as a table."""

    _empty: ClassVar[str] = "Nothing."

    def __init__(self, items: Iterable[T] = (), *, empty: str | None = None) -> None:
        super().__init__(items)
        self._said_if_empty = empty or self._empty

    @overload
    def __getitem__(self, index: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: SupportsIndex | slice) -> T | Self:
        if not isinstance(index, slice):
            return super().__getitem__(index)
        return self._like(super().__getitem__(index))

    def copy(self) -> Self:
        """Return a table of the same things."""
        return self._like(self)

    def _like(self, items: Iterable[T]) -> Self:
        return type(self)(items, empty="No rows." if self else self._said_if_empty)

    def __repr__(self) -> str:
        return self._sheet().text() if self else self._said_if_empty

    def _repr_html_(self) -> str:
        return self._sheet().html() if self else cards.remark(self._said_if_empty)

    def _sheet(self) -> Sheet:
        raise NotImplementedError

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as plain dicts, all with the same keys."""
        raise NotImplementedError

    def to_dataframe(self) -> Any:
        """Return :meth:`rows` as a ``pandas.DataFrame``.

        Text is text here, also where it begins with ``=``, ``+``, ``-`` or ``@``. A spreadsheet
        would take such a cell of an exported file for a formula.

        Raises
        ------
        ImportError
            pandas is not installed; :meth:`rows` does without.
        """
        pandas = import_pandas()
        rows = self.rows()
        return pandas.DataFrame(rows) if rows else pandas.DataFrame(columns=self._names())

    def _names(self) -> list[str]:
        return []


def when(moment: datetime) -> str:
    """Return a moment by the clock on the wall, the same whenever it is shown."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def import_pandas() -> Any:
    """Return pandas, which is no dependency: only data frames need it.

    Raises
    ------
    ImportError
        It is not installed; the message says what does without.
    """
    try:
        import pandas  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        message = (
            "to_dataframe() needs pandas, which is not installed: `pip install pandas`. "
            "Without it, `.rows()` returns the same as plain dicts."
        )
        raise ImportError(message, name="pandas") from error
    return pandas
