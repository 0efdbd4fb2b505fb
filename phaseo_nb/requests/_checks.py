"""The building blocks of the gateway's schema: checks with the codes and wording of zod 4.

A check takes a value and where it sits, and returns what is wrong with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ._json import length
from ._weburl import is_url

Path = tuple[str | int, ...]
MAX_SAFE_INTEGER = 2**53 - 1


class SchemaIssue(NamedTuple):
    """One thing the schema refuses."""

    path: Path
    """Where, in the wire's spelling; ``()`` is the whole body."""
    code: str
    """zod's word, such as ``"invalid_type"`` or ``"too_big"``."""
    message: str
    """zod's sentence, such as ``"Too big: expected number to be <=1"``."""
    value: Any
    """What was there; ``None`` also where nothing was."""


def dotted(path: Path) -> str:
    """Return a path as text: ``suno.styleWeight``, ``provider.only.1``."""
    return ".".join(map(str, path))


Check = Callable[[Any, Path], "Sequence[SchemaIssue]"]
_MISSING: Any = type("Missing", (), {"__repr__": lambda self: "nothing"})()


def _kind(value: Any) -> str:
    """Name a value's type as zod does."""
    if value is _MISSING:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _is_number(value: Any) -> bool:
    """Whether zod takes it as a number: what JavaScript reads as Infinity is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _issue(path: Path, code: str, message: str, value: Any) -> list[SchemaIssue]:
    return [SchemaIssue(path, code, message, None if value is _MISSING else value)]


def _wrong_type(expected: str, value: Any, path: Path) -> list[SchemaIssue]:
    message = f"Invalid input: expected {expected}, received {_kind(value)}"
    return _issue(path, "invalid_type", message, value)


def text(*, at_least: int = 0, at_most: int | None = None) -> Check:
    """Return a check for text of so many UTF-16 units."""

    def check(value: Any, path: Path) -> list[SchemaIssue]:
        issues: list[SchemaIssue] = []
        size, noun, unit = at_least, "string", ""
        if isinstance(value, str):
            size, unit = length(value), "characters"
        else:
            issues += _wrong_type("string", value, path)
            if isinstance(value, list):  # zod measures whatever has a length, types or no types
                size, noun, unit = len(value), "array", "items"
        if size < at_least:
            message = f"Too small: expected {noun} to have >={at_least} {unit}"
            issues += _issue(path, "too_small", message, value)
        if at_most is not None and size > at_most:
            message = f"Too big: expected {noun} to have <={at_most} {unit}"
            issues += _issue(path, "too_big", message, value)
        return issues

    return check


def url(value: Any, path: Path) -> list[SchemaIssue]:
    """Check for what JavaScript takes as an absolute URL."""
    if not isinstance(value, str):
        return _wrong_type("string", value, path)
    return [] if is_url(value) else _issue(path, "invalid_format", "Invalid URL", value)


def boolean(value: Any, path: Path) -> list[SchemaIssue]:
    """Check for true or false."""
    return [] if isinstance(value, bool) else _wrong_type("boolean", value, path)


def any_number(value: Any, path: Path) -> list[SchemaIssue]:
    """Check for a finite number."""
    return [] if _is_number(value) else _wrong_type("number", value, path)


def positive_integer(value: Any, path: Path) -> list[SchemaIssue]:
    """Check for 1, 2, 3 … up to 2^53-1; ``8.0`` counts as 8."""
    if not _is_number(value):
        return _wrong_type("number", value, path)
    if isinstance(value, float) and not value.is_integer():
        return _wrong_type("int", value, path)
    if value > MAX_SAFE_INTEGER:
        message = f"Too big: expected int to be <={MAX_SAFE_INTEGER}"
        return _issue(path, "too_big", message, value)
    issues = []
    if value < -MAX_SAFE_INTEGER:
        message = f"Too small: expected int to be >=-{MAX_SAFE_INTEGER}"
        issues += _issue(path, "too_small", message, value)
    if value <= 0:
        issues += _issue(path, "too_small", "Too small: expected number to be >0", value)
    return issues


def weight(value: Any, path: Path) -> list[SchemaIssue]:
    """Check for a number from 0 to 1, both included."""
    if not _is_number(value):
        return _wrong_type("number", value, path)
    if value < 0:
        return _issue(path, "too_small", "Too small: expected number to be >=0", value)
    if value > 1:
        return _issue(path, "too_big", "Too big: expected number to be <=1", value)
    return []


class Choice:
    """A check for one of some words or numbers, which a form can read to list them."""

    def __init__(self, options: tuple[str, ...] | tuple[int, ...], code: str, message: str) -> None:
        self.options = options
        self._code = code
        self._message = message

    def __call__(self, value: Any, path: Path) -> list[SchemaIssue]:
        is_word = isinstance(self.options[0], str)
        of_this_kind = isinstance(value, str) if is_word else _is_number(value)
        fits = of_this_kind and value in self.options
        return [] if fits else _issue(path, self._code, self._message, value)


def one_of(*options: str) -> Choice:
    """Return a check for one of some words, to the letter."""
    message = "Invalid option: expected one of " + "|".join(f'"{option}"' for option in options)
    return Choice(options, "invalid_value", message)


def literal(*numbers: int) -> Choice:
    """Return a check for one of some numbers."""
    return Choice(numbers, "invalid_union", "Invalid input")


def either(*checks: Check) -> Check:
    """Return a check that is content when one of several is."""

    def check(value: Any, path: Path) -> list[SchemaIssue]:
        if any(not one(value, path) for one in checks):
            return []
        return _issue(path, "invalid_union", "Invalid input", value)

    return check


def nullable(inner: Check) -> Check:
    """Return a check that takes ``null`` too."""
    return lambda value, path: [] if value is None else inner(value, path)


def array(inner: Check) -> Check:
    """Return a check for a list, item by item."""

    def check(value: Any, path: Path) -> list[SchemaIssue]:
        if not isinstance(value, list):
            return _wrong_type("array", value, path)
        return [issue for i, item in enumerate(value) for issue in inner(item, (*path, i))]

    return check


def record(inner: Check) -> Check:
    """Return a check for an object of like values."""

    def check(value: Any, path: Path) -> list[SchemaIssue]:
        if not isinstance(value, dict):
            return _wrong_type("record", value, path)
        return [issue for key, item in value.items() for issue in inner(item, (*path, key))]

    return check


def anything(value: Any, path: Path) -> list[SchemaIssue]:
    """Accept everything."""
    return []


class ObjectCheck:
    """An object whose known keys are checked; unknown ones pass unless it is strict."""

    def __init__(
        self, fields: Mapping[str, Check], *, required: Sequence[str] = (), strict: bool = False
    ) -> None:
        self.fields = dict(fields)
        self.required = frozenset(required)
        self.strict = strict

    def __call__(self, value: Any, path: Path) -> list[SchemaIssue]:
        if not isinstance(value, dict):
            return _wrong_type("object", value, path)
        issues: list[SchemaIssue] = []
        for name, check in self.fields.items():
            if name in value or name in self.required:
                issues += check(value.get(name, _MISSING), (*path, name))
        unknown = [name for name in value if name not in self.fields] if self.strict else []
        if unknown:
            names = ", ".join(f'"{name}"' for name in unknown)
            message = f"Unrecognized key{'s' if len(unknown) > 1 else ''}: {names}"
            issues += _issue(path, "unrecognized_keys", message, value)
        return issues


def twins(fields: Mapping[str, Check]) -> dict[str, Check]:
    """Give each snake_case key its camelCase twin: the gateway takes both on the wire."""
    both: dict[str, Check] = {}
    for name, check in fields.items():
        both[name] = check
        both[camel_case(name)] = check
    return both


def camel_case(name: str) -> str:
    """Return ``style_weight`` as ``styleWeight``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
