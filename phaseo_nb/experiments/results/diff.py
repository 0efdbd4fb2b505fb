"""``diff(a, b)``: what two requests have not in common, value by value and word by word."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ... import cards
from ...errors import ExperimentError
from ...keeping.tables._sheet import Cell as Said
from ...keeping.tables._sheet import Column, Row, Sheet
from ...phrases import excerpt, visible
from ..sweep.cells import Cell

NOT_GIVEN = "not given"
_SHOWN = 400
"""Signs of a value that are shown; where texts differ, those around the difference."""
_MOST_STEPS = 1_000_000
"""Words times words that are compared; two whole lyrics without anything in common are more."""


@dataclass(frozen=True)
class Difference:
    """One thing that two requests do not have in common."""

    name: str
    """A word, or an option by its path: ``suno.style_weight``."""
    a: Any
    b: Any
    """``None`` where it is not given."""


class RequestDiff(Sequence[Difference]):
    """What two requests have not in common; shown as a table, true if there is anything.

    Attributes
    ----------
    a_name, b_name : str
        Which two.
    same : tuple of str
        What they have in common, by name.
    """

    def __init__(self, a: Mapping[str, Any], b: Mapping[str, Any], names: tuple[str, str]) -> None:
        self.a_name, self.b_name = names
        order = dict.fromkeys([*a, *b])
        self.same = tuple(n for n in order if n in a and n in b and _is_same(a[n], b[n]))
        self._found = [Difference(n, a.get(n), b.get(n)) for n in order if n not in self.same]

    def __getitem__(self, index: Any) -> Any:
        return self._found[index]

    def __len__(self) -> int:
        return len(self._found)

    def rows(self) -> list[dict[str, Any]]:
        """Return the differences as plain dicts."""
        return [vars(found).copy() for found in self]

    def __repr__(self) -> str:
        return self._sheet().text()

    def _repr_html_(self) -> str:
        return self._sheet().html()

    def _sheet(self) -> Sheet:
        columns = [
            Column("", is_title=True, wraps=90),
            Column(self.a_name, wraps=180),
            Column(self.b_name, wraps=180),
        ]
        rows = [Row((found.name, *_pair(found))) for found in self]
        n, s = len(self), "" if len(self) == 1 else "s"
        heading = f"{n} difference{s}" if n else "No difference: the same request"
        intro = f"The same: {excerpt(', '.join(self.same), 200)}." if self.same else ""
        return Sheet(heading, columns, rows, intro=intro)


def diff(a: Any, b: Any) -> RequestDiff:
    """Return what two requests have not in common.

    Parameters
    ----------
    a, b
        Two of a kind: cells of sweeps, takes, requests, or dicts. Cells are compared by the words
        they were made of, the others by what is posted.

    Raises
    ------
    ExperimentError
        There is no request to compare, or a cell is to be compared with something else.

    Examples
    --------
    >>> diff({"prompt": "A slow waltz", "duration": 8}, {"prompt": "A fast waltz", "duration": 8})
    1 difference
    The same: duration.
              first             second
      prompt  A [-slow-] waltz  A {+fast+} waltz
    """
    if isinstance(a, Cell) != isinstance(b, Cell):
        message = "A cell is compared with a cell. For its take there is results.take(cell)."
        raise ExperimentError(message)
    first, second = _told(a), _told(b)
    names = _name(a, "first"), _name(b, "second")
    if names[0] == names[1]:
        names = f"{names[0]} (a)", f"{names[1]} (b)"
    return RequestDiff(first, second, names)


def _told(thing: Any) -> dict[str, Any]:
    if isinstance(thing, Cell):
        where = {"gateway": thing.gateway, "model": thing.model}
        return _flat({**where, **thing.words, "take": thing.take})
    request = getattr(thing, "request", thing)  # a take, an attempt
    if hasattr(request, "to_wire"):
        return _flat(request.to_wire())
    if isinstance(request, Mapping):
        return _flat(request)
    message = (
        f"{excerpt(repr(thing), 60)} has no request. Give two cells, two takes, two requests or "
        "two dicts."
    )
    raise ExperimentError(message)


def _flat(facts: Mapping[Any, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in facts.items():
        path = f"{before}{name}"
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{path}.")
        elif value is not None:
            flat[path] = value
    return flat


def _is_same(a: Any, b: Any) -> bool:
    # In JSON true is no 1, though it is in Python.
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _name(thing: Any, instead: str) -> str:
    if isinstance(thing, Cell):
        return f"cell {thing.index}"
    name = getattr(thing, "id", None)
    return excerpt(name, 24) if isinstance(name, str) and hasattr(thing, "request") else instead


# -- value by value ------------------------------------------------------------------------------


def _pair(found: Difference) -> tuple[Said, Said]:
    if isinstance(found.a, str) and isinstance(found.b, str):
        return _texts(found.a, found.b)
    return Said(_shown(found.a)), Said(_shown(found.b))


def _shown(value: Any) -> str:
    if value is None:
        return NOT_GIVEN
    if isinstance(value, str):
        return excerpt(value, _SHOWN)
    return excerpt(json.dumps(value, ensure_ascii=False, default=str), _SHOWN)


def _texts(a: str, b: str) -> tuple[Said, Said]:
    """Mark the words that differ: ``[-gone-]`` and ``{+new+}``, struck or underlined."""
    first, second = (re.findall(r"\s+|\w+|[^\w\s]", text) for text in (a, b))
    pairs = enumerate(zip(first, second, strict=False))
    start = next((i for i, (x, y) in pairs if x != y), min(len(first), len(second)))
    most = min(len(first), len(second)) - start
    end = next((i for i in range(most) if first[-1 - i] != second[-1 - i]), most)
    before, after = "".join(first[:start]), "".join(first[len(first) - end :])
    middle = first[start : len(first) - end], second[start : len(second) - end]
    if len(middle[0]) * len(middle[1]) > _MOST_STEPS:
        steps = [("replace", 0, len(middle[0]), 0, len(middle[1]))]
    else:
        steps = _joined(difflib.SequenceMatcher(None, *middle, autojunk=False), middle[0])
    ends = [(before, False)] if before else [], [(after, False)] if after else []
    left = [("".join(middle[0][i:j]), step != "equal") for step, i, j, _, _ in steps if j > i]
    right = [("".join(middle[1][i:j]), step != "equal") for step, _, _, i, j in steps if j > i]
    return (
        _marked([*ends[0], *left, *ends[1]], "[-{}-]", "del"),
        _marked([*ends[0], *right, *ends[1]], "{{+{}+}}", "ins"),
    )


def _joined(
    matcher: difflib.SequenceMatcher[str], first: Sequence[str]
) -> list[tuple[str, int, int, int, int]]:
    """Return the steps, with two changes that only a space parts made one."""
    steps: list[tuple[str, int, int, int, int]] = []
    found = matcher.get_opcodes()
    for place, (step, *ends) in enumerate(found):
        is_space = step == "equal" and not "".join(first[ends[0] : ends[1]]).strip()
        step = "replace" if is_space and 0 < place < len(found) - 1 else step
        if steps and step != "equal" and steps[-1][0] != "equal":
            before = steps.pop()
            steps.append(("replace", before[1], ends[1], before[3], ends[3]))
        else:
            steps.append((step, *ends))  # type: ignore[arg-type]
    return steps


def _marked(parts: Sequence[tuple[str, bool]], signs: str, tag: str) -> Said:
    words, html = [], []
    for text, is_changed in _near_changes(parts):
        # Around a change, spaces count: "a b" and "ab" differ in nothing else.
        before = " " if text[:1].isspace() else ""
        after = " " if text[1:] and text[-1:].isspace() else ""
        core = visible(text)
        if is_changed:
            core = core or "␣"
            words.append(before + signs.format(core) + after)
            html.append(f"{before}<{tag}>{cards.escape(core)}</{tag}>{after}")
        else:
            words.append(before + core + after)
            html.append(before + cards.escape(core) + after)
    return Said("".join(words), picture=f"<bdi>{''.join(html)}</bdi>")


def _near_changes(parts: Sequence[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Shorten long stretches, those that are the same to what stands beside a change."""
    found = []
    for place, (text, is_changed) in enumerate(parts):
        most = _SHOWN if is_changed else 120
        if len(text) > most and is_changed:
            text = text[:most] + "…"
        elif len(text) > most:
            head = text[: most // 2] if place else ""
            tail = text[-(most // 2) :] if place < len(parts) - 1 else ""
            text = f"{head or text[: most // 2] if not tail else head}…{tail}"
        found.append((text, is_changed))
    return found[:80]
