"""Names of sweeps: what is allowed, and what is said where a name has other words already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ExperimentError
from ...phrases import excerpt
from .grid import Grid

LONGEST = 120


def checked_name(name: Any) -> str:
    """Return a name without blanks around it.

    Raises
    ------
    ExperimentError
        It is none.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST:
        shown = excerpt(repr(name), 60)
        message = f"name = {shown}: give a short text (up to {LONGEST} signs)."
        raise ExperimentError(message)
    return name.strip()


def no_such_sweep(name: str, names: Sequence[str], library: object) -> ExperimentError:
    """Return the error of a name that nothing is kept under."""
    listed = ", ".join(repr(excerpt(each, 40)) for each in names[:8])
    there = f"There are: {listed}." if listed else "There are none yet."
    return ExperimentError(
        f"There is no sweep {excerpt(name, 60)!r} in the library {library}. {there} To make one, "
        "give its words too."
    )


def went_elsewhere(name: str, place: Mapping[str, Any], here: Mapping[str, Any]) -> ExperimentError:
    """Return the error of a sweep that is opened by its name where it did not go."""
    at, now = (f"{where.get('gateway')} ({where.get('base_url')})" for where in (place, here))
    return ExperimentError(
        f"The sweep {excerpt(name, 60)!r} went to {at}, and this session goes to {now}, where all "
        f"of it would be bought anew. Connect first: nb.connect({place.get('gateway')!r}). To buy "
        "it here, give its words too."
    )


def other_words(name: str, before: Grid, now: Grid) -> ExperimentError:
    """Return the error of a name under which other words were begun."""
    there, here = _values_of(before), _values_of(now)
    said = [
        f"{word}: {_shown(there.get(word))} there, {_shown(here.get(word))} here"
        f"{_only_one(there.get(word), here.get(word))}"
        for word in dict.fromkeys((*there, *here))
        if there.get(word) != here.get(word)
    ]
    if before.takes != now.takes:
        said.append(f"takes: {before.takes} there, {now.takes} here")
    what = "; ".join(said) or "the same values, put together in another way"
    shown, another = (repr(excerpt(n, 60)) for n in (name, f"{name} 2"))
    return ExperimentError(
        f"The sweep {shown} was begun with other words ({what}). Nothing was sent. Choose another "
        f"name for these, such as name={another}: what is the same request is found in the "
        f"library and costs nothing again. To open the other one: nb.Sweep(name={shown})."
    )


def another_model(name: str, before: str, now: str) -> ExperimentError:
    """Return the error of a sweep without a model that would now go to another one."""
    shown = repr(excerpt(name, 60))
    return ExperimentError(
        f"The sweep {shown} names no model and was begun with {before}; here it would go to {now}, "
        f"and all of it would be bought anew. Nothing was sent. nb.Sweep(name={shown}) goes on "
        f"with {before}; for {now}, choose another name."
    )


def _values_of(grid: Grid) -> dict[str, list[str]]:
    values = {name: [json.dumps(value)] for name, value in grid.fixed.items()}
    for axis in grid.axes:
        for place, name in enumerate(axis.names):
            values[name] = sorted({json.dumps(step[place]) for step in axis.values})
    return values


def _only_one(there: list[str] | None, here: list[str] | None) -> str:
    """Name a value that only one side has, where only their numbers are said of several."""
    if there is None or here is None or len(there) == len(here) == 1:
        return ""
    for some, others, where in ((here, there, "here"), (there, here, "there")):
        alone = [value for value in some if value not in set(others)]
        if alone:
            shown = json.dumps(json.loads(alone[0]), ensure_ascii=False)
            return f", such as {excerpt(shown, 60)} only {where}"
    return ""


def _shown(values: list[str] | None) -> str:
    if values is None:
        return "not given"
    return excerpt(values[0], 40) if len(values) == 1 else f"{len(values):,} values"
