"""Rows of results in files: CSV that no spreadsheet obeys, Parquet; written whole or not at all."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ExperimentError
from ...phrases import size
from ..files import write_whole
from .rows import KINDS, column_names

if TYPE_CHECKING:
    from . import Results

FORMULA_SIGNS = "=+-@\t\r\n＝＋－＠"
"""A cell that begins with one of these is a formula, or can become one, in some spreadsheet."""
_MARK = "phaseo_nb results"


@dataclass(frozen=True)
class Written:
    """A file that was written."""

    path: Path
    n_rows: int
    size_bytes: int

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        s = "" if self.n_rows == 1 else "s"
        return f"<Written {self.path.name}: {self.n_rows:,} row{s}, {size(self.size_bytes)}>"


def names_of(results: Results) -> list[str]:
    """Return the columns of results that have no rows yet."""
    return column_names(results)


# -- CSV -----------------------------------------------------------------------------------------


def guarded(value: Any) -> Any:
    """Return a cell as it may stand in a CSV file: text that looks like a formula is quoted.

    Numbers stay as they are, also negative ones. Spaces before the sign do not hide it: some
    spreadsheets drop them.
    """
    if not isinstance(value, str):
        return "" if value is None else value
    text = value.encode("utf-8", "replace").decode().replace("\0", "�")
    start = text.lstrip(" \u00a0\ufeff")
    return f"'{text}" if start[:1] in tuple(FORMULA_SIGNS) else text


def write_csv(
    rows: Sequence[Mapping[str, Any]],
    results: Results,
    path: str | os.PathLike[str],
    *,
    overwrite: bool,
    encoding: str,
) -> Written:
    """Write rows as CSV (RFC 4180)."""
    names = list(rows[0]) if rows else names_of(results)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([guarded(name) for name in names])
    writer.writerows([[guarded(row[name]) for name in names] for row in rows])
    try:
        data = out.getvalue().encode(encoding)
    except (LookupError, UnicodeError) as error:
        message = f"encoding = {encoding!r:.60} cannot hold these rows: {error}. Use 'utf-8'."
        raise ExperimentError(message) from error
    target = write_whole(path, data, overwrite=overwrite, is_ours=_is_our_csv)
    return Written(target, len(rows), len(data))


def _is_our_csv(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(100_000)
    return first.removeprefix(b"\xef\xbb\xbf").startswith(b"cell,") and b",take,track," in first


# -- Parquet -------------------------------------------------------------------------------------


def check_parquet() -> Any:
    """Return pyarrow, or say what to install."""
    try:
        import pyarrow.parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        message = (
            "to_parquet() needs pyarrow, which is not installed: `pip install pyarrow`. Without "
            "it, `.to_csv(path)` writes the same rows as text."
        )
        raise ImportError(message, name="pyarrow") from error
    return pyarrow


def write_parquet(
    rows: Sequence[Mapping[str, Any]],
    results: Results,
    path: str | os.PathLike[str],
    *,
    overwrite: bool,
) -> Written:
    """Write rows as Parquet, each column of one type."""
    pyarrow = check_parquet()
    names = list(rows[0]) if rows else names_of(results)
    fields, columns = [], []
    for name in names:
        values = [row[name] for row in rows]
        kind = KINDS.get(name) or kind_of(values)
        kinds = {
            str: pyarrow.string(),
            float: pyarrow.float64(),
            int: pyarrow.int64(),
            bool: pyarrow.bool_(),
        }
        fields.append(pyarrow.field(name, kinds[kind]))
        columns.append(pyarrow.array([_as(kind, value) for value in values], kinds[kind]))
    schema = pyarrow.schema(fields, metadata={"made by": _MARK})
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns, schema=schema), sink)
    data = sink.getvalue()
    target = write_whole(path, data, overwrite=overwrite, is_ours=_is_our_parquet)
    return Written(target, len(rows), len(data))


def kind_of(values: Sequence[Any]) -> type:
    """Return what all values of a column can be: a truth, a whole number, a number or text."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return bool
    numbers = [v for v in known if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if not known or len(numbers) < len(known):
        return str
    is_whole = all(isinstance(v, int) and -(2**63) <= v < 2**63 for v in numbers)
    return int if is_whole else float


def _as(kind: type, value: Any) -> Any:
    if value is None or (isinstance(value, kind) and kind is not str):
        return value
    if kind is str:
        return str(value).encode("utf-8", "replace").decode()
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_our_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(file.tell() - 200_000, 0))
        return _MARK.encode() in file.read()
