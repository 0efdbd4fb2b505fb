"""The line of code that makes a sweep again, and the connection it was run on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..sweep import Sweep
    from ..sweep.grid import Axis, Grid

LONGEST = 60_000
"""Signs of code that a report holds; beyond that the sweep is opened by its name alone."""
_WIDTH = 88


def recipe(sweep: Sweep) -> str:
    """Return the code that makes a sweep with the same cells, in this library or another one."""
    lines = ["import phaseo_nb as nb", "", _connect(sweep), ""]
    call = sweep_call(sweep.grid, sweep.name)
    if call is None or len(call) > LONGEST:
        lines += ["# Too long to be written out here; its words are kept in the library."]
        call = f"nb.Sweep(name={sweep.name!r})"
    return "\n".join([*lines, f"sweep = {call}", "sweep.plan()", "", "await sweep.run()"])


def versions() -> dict[str, str]:
    """Return what it was made with."""
    try:
        own = version("phaseo-nb")
    except PackageNotFoundError:  # a checkout that is not installed
        own = "not installed"
    return {"phaseo_nb": own, "Python": ".".join(map(str, sys.version_info[:3]))}


def _connect(sweep: Sweep) -> str:
    """Return the call that connects as this sweep was; a key is never part of it."""
    session = sweep.session
    said = [repr("sandbox" if session.is_sandbox else session.connection.name)]
    models = {model for model in sweep._models.values() if model}
    if not session.is_sandbox and len(models) == 1 and "model" not in sweep.grid.order:
        said.append(f"model={models.pop()!r}")
    return f"nb.connect({', '.join(said)})"


def sweep_call(grid: Grid, name: str) -> str | None:
    """Return ``nb.Sweep(…)`` with the same cells; ``None`` where words cannot say it."""
    arguments: list[str] = []
    words: dict[str, Any] = {}
    how = ""
    for axis in grid.axes:
        is_single = len(axis.names) == 1 and all(step[0] is not None for step in axis.values)
        if is_single:
            words[axis.names[0]] = [step[0] for step in axis.values]
        elif not {*axis.names} & {*grid.fill}:
            arguments.append(_literal(_rows(axis), 4))
        elif len(grid.axes) == 1 and all(None not in step for step in axis.values):
            columns = zip(*axis.values, strict=True)
            words |= {n: list(c) for n, c in zip(axis.names, columns, strict=True)}
            how = "zip"
        else:
            return None
    # A list would be several values, so one value that is a list stands in another one.
    words |= {n: [v] if isinstance(v, list) else v for n, v in grid.fixed.items()}
    fill = {n: words.pop(n) for n in grid.fill if n in words}
    arguments += [_argument(n, value) for n, value in words.items()]
    arguments += [f"fill={_literal(fill, 4)}"] if fill else []
    arguments += [f"how={how!r}"] if how else []
    arguments += [f"takes={grid.takes}"] if grid.takes > 1 else []
    arguments.append(f"name={name!r}")
    inside = "".join(f"    {argument},\n" for argument in arguments)
    return f"nb.Sweep(\n{inside})"


def _rows(axis: Axis) -> list[dict[str, Any]]:
    """Return the steps of an axis as rows; the first one has all names, for their order."""
    rows = [dict(zip(axis.names, step, strict=True)) for step in axis.values]
    later = [{n: v for n, v in row.items() if v is not None} for row in rows[1:]]
    return [rows[0], *later]


def _argument(name: str, value: Any) -> str:
    if name.isidentifier():
        return f"{name}={_literal(value, 4)}"
    return f"**{{{name!r}: {_literal(value, 4)}}}"


def _literal(value: Any, indent: int) -> str:
    """Return a value as Python code, folded where a line would be too long."""
    short = repr(value)
    if len(short) + indent <= _WIDTH or not isinstance(value, (Mapping, list)):
        return short
    space = " " * (indent + 4)
    if isinstance(value, Mapping):
        inside = [f"{n!r}: {_literal(v, indent + 4)}" for n, v in value.items()]
        ends = "{}"
    else:
        parts: Sequence[Any] = value
        inside, ends = [_literal(part, indent + 4) for part in parts], "[]"
    lines = "".join(f"{space}{line},\n" for line in inside)
    return f"{ends[0]}\n{lines}{' ' * indent}{ends[1]}"
