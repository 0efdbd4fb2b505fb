"""Words and their values → cells: products, rows side by side, templates; no I/O.

A grid knows how many cells it has without making one, and makes any of them on its own, so that
a sweep of any size costs no more memory than the words it was made of.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from ...errors import ExperimentError
from ...phrases import excerpt
from ...requests._json import NotJson, plain
from .filling import filled, names_in
from .wording import OPTIONS, check_name, refused

LIMIT = 100_000
"""Most cells of a sweep: each is a job that is paid, so beyond it is a slip, not a study."""


class Axis(NamedTuple):
    """Words that change together, and their values step by step; ``None`` is not given."""

    names: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Grid:
    """All cells of a sweep, made when they are asked for.

    The last axis changes fastest, and the takes of one request stand side by side.
    """

    axes: tuple[Axis, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Words with one value."""
    fill: tuple[str, ...] = ()
    """Names that stand in braces in the texts, and are no words of a request."""
    takes: int = 1

    @cached_property
    def n_rows(self) -> int:
        """How many different wishes there are."""
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def count(self) -> int:
        """How many cells there are."""
        return self.n_rows * self.takes

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """Words that have more than one value."""
        names = [(name, axis, i) for axis in self.axes for i, name in enumerate(axis.names)]
        return tuple(
            name
            for name, axis, place in names
            if any(step[place] != axis.values[0][place] for step in axis.values)
        )

    def words(self, row: int) -> dict[str, Any]:
        """Return what was asked for in a row, as it was given."""
        words = dict(self.fixed)
        for axis in reversed(self.axes):
            row, step = divmod(row, len(axis.values))
            given = zip(axis.names, axis.values[step], strict=True)
            words |= {name: value for name, value in given if value is not None}
        return {name: words[name] for name in self.order if name in words}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All words, those that change first."""
        return (*(name for axis in self.axes for name in axis.names), *self.fixed)

    def request_words(self, row: int) -> dict[str, Any]:
        """Return the words of a row as a request takes them: texts filled, options in place."""
        words = self.words(row)
        if self.fill:
            put = {name: words.pop(name) for name in self.fill if name in words}
            words = {name: filled(value, put) for name, value in words.items()}
        for name in [name for name in words if "." in name]:
            home, _, option = name.partition(".")
            options = words.get(home)
            value = words.pop(name)
            if home == "provider" and isinstance(options, str):
                options = {"only": [options]}
            if options is None or isinstance(options, Mapping):  # else refused as it is
                words[home] = {**(options or {}), option: value}
        return words

    def is_like(self, other: Grid) -> bool:
        """Tell whether it has the same cells, in whatever order."""
        return self._meaning == other._meaning

    @cached_property
    def _meaning(self) -> str:
        axes = sorted([axis.names, sorted(map(json.dumps, axis.values))] for axis in self.axes)
        return json.dumps([axes, sorted(self.fixed.items()), sorted(self.fill), self.takes])

    def to_text(self) -> str:
        """Return it as JSON, the same text for the same sweep."""
        about = {
            "version": 1,
            "axes": [[axis.names, axis.values] for axis in self.axes],
            "fixed": dict(sorted(self.fixed.items())),
            "fill": self.fill,
            "takes": self.takes,
        }
        return json.dumps(about, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Grid:
        """Return the grid of a text."""
        about = json.loads(text)
        axes = tuple(Axis(tuple(n), tuple(tuple(v) for v in steps)) for n, steps in about["axes"])
        return cls(axes, about["fixed"], tuple(about["fill"]), about["takes"])


def make_grid(
    rows: Sequence[Mapping[str, Any]] | None,
    words: Mapping[str, Any],
    *,
    how: str = "product",
    fill: Mapping[str, Any] | None = None,
    takes: int = 1,
) -> Grid:
    """Make a grid of rows and words, or say in one error everything that is wrong with them.

    Parameters
    ----------
    rows
        Dicts of words, each one step of an axis.
    words
        Word → its value, or several of them.
    how
        ``"product"`` of everything that has several values, or ``"zip"``: side by side.
    fill
        Name → what stands for ``{name}`` in the texts.
    takes
        How many attempts at each.
    """
    problems: list[str] = []
    _check_frame(how, takes, fill, problems)
    given: dict[str, Sequence[Any]] = {}
    for name, value in [*words.items(), *(fill or {}).items()]:
        if value is not None:
            given[name] = _several(name, value, problems)
    _check_words(rows, words, fill or {}, problems)
    refused("This sweep cannot be planned", problems)
    lengths = {name: len(values) for name, values in given.items() if len(values) != 1}
    if rows is not None:
        lengths = {"rows": len(rows), **lengths}
    _check_size(lengths, how, takes)
    settled = {name: _settled(name, values, problems) for name, values in given.items()}
    by_rows = _rows_axis(rows, problems) if rows is not None else None
    refused("This sweep cannot be planned", problems)
    fixed = {name: values[0] for name, values in settled.items() if len(values) == 1}
    several = [
        Axis((name,), tuple((value,) for value in values))
        for name, values in settled.items()
        if len(values) > 1
    ]
    axes = [*([by_rows] if by_rows else []), *several]
    if how == "zip" and len(axes) > 1:
        axes = [_side_by_side(axes)]
    for names, steps in [axis for axis in axes if len(axis.values) == 1]:  # nothing varies
        fixed |= {n: v for n, v in zip(names, steps[0], strict=True) if v is not None}
    axes = [axis for axis in axes if len(axis.values) > 1]
    grid = Grid(tuple(axes), fixed, tuple(fill or ()), takes)
    _check_templates(grid, problems)
    refused("This sweep cannot be planned", problems)
    return grid


# -- checks --------------------------------------------------------------------------------------


def _check_frame(how: Any, takes: Any, fill: Any, problems: list[str]) -> None:
    if how not in ("product", "zip"):
        problems.append(f"how = {how!r}: it is 'product' (each with each) or 'zip' (side by side).")
    if isinstance(takes, bool) or not isinstance(takes, int) or takes < 1:
        problems.append(f"takes = {takes!r}: give a whole number from 1.")
    if fill is not None and not isinstance(fill, Mapping):
        problems.append(f"fill = {excerpt(repr(fill), 60)}: give a dict, such as {{'mood': […]}}.")
    refused("This sweep cannot be planned", problems)


def _check_words(
    rows: Sequence[Mapping[str, Any]] | None,
    words: Mapping[str, Any],
    fill: Mapping[str, Any],
    problems: list[str],
) -> None:
    columns = dict.fromkeys(str(name) for row in rows or () for name in row)
    for name in [*words, *(name for name in columns if name not in fill)]:
        problems += check_name(name)
    for name in fill:
        if not str(name).isidentifier():
            problems.append(f"fill has {name!r}, which is no name: letters, digits and _.")
        elif name in words or name in OPTIONS or not check_name(name):
            problems.append(f"fill has {name!r}, which is a word of requests. Choose another name.")
    for name in columns:
        if words.get(name) is not None or fill.get(name) is not None:
            problems.append(f"{name} is a column of the rows, and given beside them. Give it once.")
    if rows is not None and not rows:
        problems.append("There are no rows.")
    if not columns and all(value is None for value in words.values()):
        problems.append('There are no words, such as prompt=["…", "…"].')


def _several(name: str, value: Any, problems: list[str]) -> Sequence[Any]:
    """Return the values of a word; text, dicts and numbers are one value."""
    if isinstance(value, (set, frozenset)):
        problems.append(f"{name} is a set, which has no order. Give a list.")
        return [None]
    if isinstance(value, range):
        return value if len(value) else _none_of(name, problems)
    is_one = isinstance(value, (str, bytes, Mapping)) or hasattr(value, "to_wire")
    if is_one or not isinstance(value, Iterable):
        return [value]
    if getattr(value, "ndim", 1) == 0:  # a number of numpy
        return [value]
    if isinstance(value, Sized) and len(value) > LIMIT:
        _check_size({name: len(value)}, "product", 1)
    values = list(itertools.islice(value, LIMIT + 1))
    if len(values) > LIMIT:
        _check_size({name: len(values)}, "product", 1, at_least=True)
    return values or _none_of(name, problems)


def _none_of(name: str, problems: list[str]) -> list[Any]:
    problems.append(f"{name} has no values.")
    return [None]


def _check_size(
    lengths: Mapping[str, int], how: str, takes: int, *, at_least: bool = False
) -> None:
    """Refuse what is too large, or does not fit side by side, before a cell of it is made."""
    if how == "zip" and len(set(lengths.values())) > 1:
        listed = ", ".join(f"{n:,} {name}" for name, n in lengths.items())
        message = (
            f"Side by side (how='zip') everything needs as many values, and here are {listed}. "
            "Give as many of each, or leave how='zip' out for each with each."
        )
        raise ExperimentError(message)
    sizes = [next(iter(lengths.values()), 1)] if how == "zip" else list(lengths.values())
    count = math.prod(sizes) * takes
    if count <= LIMIT:
        return
    factors = [f"{n:,} {name}" for name, n in lengths.items()] + [f"{takes:,} takes"] * (takes > 1)
    product = f" ({' × '.join(factors)})" if len(factors) > 1 and how == "product" else ""
    more = "more than " if at_least else ""
    message = (
        f"This sweep has {more}{count - at_least:,} cells{product}; the most is {LIMIT:,}, because "
        "each of them is a job that is paid. Nothing was planned. Give fewer values, put values "
        "side by side with how='zip', or take a sample of the rows."
    )
    raise ExperimentError(message)


def _settled(name: str, values: Iterable[Any], problems: list[str]) -> list[Any]:
    found = []
    for value in values:
        try:
            found.append(settle(value))
        except NotJson as error:
            problems.append(f"{name} = {excerpt(repr(error.value), 60)}: {error}.")
        else:
            if found[-1] is None and len(found) > 1:
                problems.append(f"{name} has None among its values. To leave it out, give rows.")
    return found


def settle(value: Any) -> Any:
    """Return a value as plain JSON has it, a whole number as one.

    Raises
    ------
    NotJson
        It has no place in a request.
    """
    if hasattr(value, "to_wire"):
        value = value.to_wire()
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()
    value = plain(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _rows_axis(rows: Sequence[Mapping[str, Any]], problems: list[str]) -> Axis:
    names = tuple(dict.fromkeys(str(name) for row in rows for name in row))
    steps = []
    for number, row in enumerate(rows, start=1):
        step = []
        for name in names:
            try:
                step.append(settle(row.get(name)))
            except NotJson as error:
                shown = excerpt(repr(error.value), 60)
                problems.append(f"row {number}: {name} = {shown}: {error}.")
        steps.append(tuple(step))
    return Axis(names, tuple(steps))


def _side_by_side(axes: Sequence[Axis]) -> Axis:
    names = tuple(name for axis in axes for name in axis.names)
    steps = zip(*(axis.values for axis in axes), strict=True)
    return Axis(names, tuple(tuple(itertools.chain(*step)) for step in steps))


def _check_templates(grid: Grid, problems: list[str]) -> None:
    """Make sure that each name in braces is filled, and each filling has its braces."""
    if not grid.fill:
        return
    texts = [value for name, value in grid.fixed.items() if name not in grid.fill]
    for axis in grid.axes:
        for place, name in enumerate(axis.names):
            if name not in grid.fill:
                texts += [step[place] for step in axis.values]
    used = set().union(*(names_in(text) for text in texts))
    for name in sorted(used - set(grid.fill)):
        problems.append(
            f"A text has {{{excerpt(name, 40)}}}, and fill= has no such name. For braces as they "
            "are, beside fill=, double them: {{ and }}."
        )
    for name in grid.fill:
        if name not in used:
            problems.append(f"fill has {name!r}, and no text has {{{name}}}.")
