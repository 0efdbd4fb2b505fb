"""JSON as the services read it: their numbers, their blanks, their string lengths.

Both gateways run on JavaScript. Where its ideas of a number, a blank or a length differ from
Python's, a request that looks fine here would be refused there (or the other way round).
"""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Mapping
from typing import Any

# Made once: `json.dumps` with any option makes a new one at each call, and a sweep calls thousands.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

MAX_DEPTH = 200  # nobody nests deeper on purpose, and Python's own recursion ends soon after
_JS_BLANKS = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


class NotJson(ValueError):
    """A value that JSON cannot carry, and where it sits."""

    def __init__(self, path: tuple[str | int, ...], value: Any, problem: str) -> None:
        super().__init__(problem)
        self.path = path
        self.value = value
        self.problem = problem


def trim(text: str) -> str:
    """Strip what JavaScript's ``trim()`` strips: NBSP and BOM too, U+200B and U+001C not."""
    return text.strip(_JS_BLANKS)


def is_blank(text: str | None) -> bool:
    """Whether nothing is left of ``text`` after JavaScript's ``trim()``."""
    return not text or not trim(text)


def length(text: str) -> int:
    """Length in UTF-16 units, as JavaScript counts: an emoji outside the BMP counts two."""
    if text.isascii():
        return len(text)
    return len(text) + sum(1 for character in text if character > "\uffff")


def plain(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    """Return ``value`` copied into plain JSON types.

    Numbers of numpy and friends become Python's; tuples become lists.

    Raises
    ------
    NotJson
        For what JSON in UTF-8 cannot carry: other objects, NaN, infinities, lone surrogates, keys
        that are no text, nesting deeper than :data:`MAX_DEPTH`.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, numbers.Integral):
        return _whole(int(value), path)
    if isinstance(value, numbers.Real):
        return _finite(_as_float(value), path)
    if len(path) > MAX_DEPTH:
        raise NotJson(path[:3], "…", f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {_key(key, path): plain(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, (*path, index)) for index, item in enumerate(value)]
    raise NotJson(path, value, f"{type(value).__name__} is no JSON value")


def copied(value: Any) -> Any:
    """Return a copy of plain JSON; several times quicker than ``copy.deepcopy``."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def canonical(value: Any) -> str:
    """Return one text per meaning: keys sorted, ``8.0`` as ``8``, ASCII only."""
    return _canonical(_settled(value))


def size_bytes(value: Any) -> int:
    """Bytes of ``value`` as compact UTF-8 JSON."""
    return len(_compact(value).encode())


def _whole(number: int, path: tuple[str | int, ...]) -> int:
    # The services read numbers as JavaScript does: from 2^1024 on they are Infinity there.
    if abs(number) < 2**1024:
        return number
    raise NotJson(path, "…", "a number of over 308 digits cannot be sent")


def _as_float(value: numbers.Real) -> float:
    try:
        return float(value)
    except OverflowError:  # a fraction of huge numbers
        return math.inf


def _finite(number: float, path: tuple[str | int, ...]) -> float:
    if math.isfinite(number):
        return number
    raise NotJson(path, number, "JSON has no NaN and no Infinity")


def _text(text: str, path: tuple[str | int, ...]) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotJson(path, text, "half a character (a lone surrogate) cannot be sent") from None
    return str.__str__(text)


def _key(key: Any, path: tuple[str | int, ...]) -> str:
    if isinstance(key, str):
        return _text(key, path)
    raise NotJson(path, key, "names in JSON are text")


def _settled(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _settled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_settled(item) for item in value]
    return value
