"""Rows of a sweep from what people have: a list of dicts, a DataFrame, a CSV file."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import ExperimentError
from ...phrases import excerpt
from .grid import LIMIT
from .wording import OPTIONS, refused

MOST_BYTES = 50_000_000
"""Largest CSV file that is read: 100,000 long prompts fit in."""
_FIGURES = ("duration",)
_SWITCHES = ("instrumental", "echo_upstream_request")
_YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_HELP = "Rows are a list of dicts, a DataFrame, or the path of a CSV file."

Row = dict[str, Any]


def read_rows(given: Any) -> list[Row]:
    """Return rows of words; a word that a row says nothing about is not in it.

    Raises
    ------
    ExperimentError
        These are no rows, or the file cannot be read.
    """
    if isinstance(given, (str, os.PathLike)):
        return _from_csv(given)
    if isinstance(given, Mapping):
        message = f"{_HELP} This is one dict: for words with several values, give them as keywords."
        raise ExperimentError(message)
    return _checked(_records(given))


def _records(given: Any) -> Iterable[Any]:
    """Return what each row says, whatever kind of table it is."""
    too_long = f"These rows are {len(given):,}" if hasattr(given, "__len__") else ""
    if too_long and len(given) > LIMIT:
        message = f"{too_long}; the most is {LIMIT:,} cells. Take a sample of them."
        raise ExperimentError(message)
    for name, arguments in (("to_dicts", ()), ("to_pylist", ()), ("to_dict", ("records",))):
        method: Callable[..., Any] | None = getattr(given, name, None)
        if method is not None and (name != "to_dict" or hasattr(given, "columns")):
            records: Iterable[Any] = method(*arguments)
            return records
    if isinstance(given, Sequence) and not isinstance(given, (bytes, bytearray)):
        return given
    message = f"{excerpt(repr(given), 60)} are no rows. {_HELP}"
    raise ExperimentError(message)


def _checked(records: Iterable[Any]) -> list[Row]:
    rows: list[Row] = []
    problems: list[str] = []
    for number, record in enumerate(records, start=1):
        if not isinstance(record, Mapping):
            shown = excerpt(repr(record), 60)
            problems.append(f"row {number} is {shown}: a dict of words is needed.")
            continue
        names = [name for name in record if not isinstance(name, str)]
        problems += [f"row {number}: {name!r} is no name of a word." for name in names]
        rows.append({str(name): v for name, v in record.items() if not _is_missing(v)})
    refused("These rows cannot be read", problems, way_out=_HELP)
    return rows


def _is_missing(value: Any) -> bool:
    """Tell whether a cell of a table is empty: ``None``, or the NaN of its library."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")


# -- CSV -----------------------------------------------------------------------------------------


def _from_csv(given: str | os.PathLike[str]) -> list[Row]:
    reader = csv.reader(io.StringIO(_text_of(given), newline=""), strict=True)
    name = excerpt(os.fspath(given), 80)
    try:
        header = next(reader, [])
        if len(header) == 1:  # spreadsheets of many countries write semicolons
            sign = next((sign for sign in ";\t" if sign in header[0]), ",")
            text = io.StringIO(_text_of(given), newline="")
            reader = csv.reader(text, strict=True, delimiter=sign)
            header = next(reader)
        return _rows_of(reader, [column.strip() for column in header], name)
    except csv.Error as error:
        message = f"{name} is no CSV file that can be read: line {reader.line_num}: {error}."
        raise ExperimentError(message) from error


def _text_of(given: str | os.PathLike[str]) -> str:
    name = excerpt(os.fspath(given), 80)
    try:
        path = Path(given).expanduser()
        size = path.stat().st_size
        if size > MOST_BYTES:
            message = f"{name} has {size / 1e6:,.0f} MB; at most {MOST_BYTES / 1e6:,.0f} are read."
            raise ExperimentError(message)
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name} is no text in UTF-8. Save it as “CSV UTF-8” and try again."
        raise ExperimentError(message) from error
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        message = f"{name!r} cannot be read as a CSV file: {reason}. One prompt is prompt='…'."
        raise ExperimentError(message) from error


def _rows_of(reader: Iterable[list[str]], header: list[str], name: str) -> list[Row]:
    problems: list[str] = []
    twice = [column for column in dict.fromkeys(header) if header.count(column) > 1]
    problems += [f"the column {excerpt(column, 40)!r} stands there twice" for column in twice]
    if not any(header):
        problems.append("its first line names no words, such as prompt,duration")
    problems += [f"column {n} has no name" for n, column in enumerate(header, 1) if not column]
    refused(f"{name} cannot be read", problems[:20])
    rows: list[Row] = []
    for number, cells in enumerate(reader, start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if len(rows) >= LIMIT:
            message = f"{name} has more than {LIMIT:,} rows, which is the most. Take a sample."
            raise ExperimentError(message)
        if len(cells) > len(header):
            problems.append(f"row {number} has {len(cells)} cells, and there are {len(header)}.")
            continue
        row: Row = {}
        for column, cell in zip(header, cells, strict=False):
            if cell.strip():
                row[column] = _value(column, cell, f"row {number}", problems)
        rows.append(row)
    refused(f"{name} cannot be read", problems, way_out="A text with commas needs quotes.")
    return rows


def _value(column: str, cell: str, where: str, problems: list[str]) -> Any:
    """Return a cell as its word takes it: figures, yes and no, options; all else is text."""
    words = cell.strip()
    home, dot, _ = column.partition(".")
    if column in _FIGURES:
        return _parsed(words, float)
    if column in _SWITCHES:
        return _YES_NO.get(words.lower(), words)  # what is neither is refused with its reason
    if column in OPTIONS:
        found = _parsed(words, json.loads)
        if found is words and column != "provider":
            shown = excerpt(words, 40)
            problems.append(f"{where}: {column} = {shown}: options are written as JSON.")
        return found
    if dot and home in OPTIONS:
        if words.lower() in ("true", "false"):
            return words.lower() == "true"
        return _parsed(words, json.loads)
    return cell


def _parsed(words: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(words)
    except (ValueError, RecursionError):
        return words
