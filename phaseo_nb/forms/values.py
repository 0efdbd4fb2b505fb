"""What is typed in a control, as a value for a request, and back.

A control holds text, always. What cannot be read as its kind is handed on as it was typed, so
that the request model refuses it in its own words; only what has no value at all, such as broken
JSON, is refused here.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from .fields import Field

LONGEST_OBJECT = 200_000
"""Characters of JSON in one control; a composition plan has a few thousand."""

_WHOLE = re.compile(r"[+-]?\d{1,17}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,17}(\.\d{0,17})?|\.\d{1,17})(e[+-]?\d{1,3})?", re.ASCII | re.I)
_COMMA = re.compile(r"[+-]?\d{1,17},\d{1,17}", re.ASCII)
_PAIR = re.compile(r"\s*([A-Za-z0-9_]{1,32})\s*[=:]\s*(\S+)\s*")
_FLAGS = {"true": True, "false": False}


class Misread(ValueError):
    """What is typed has no value of this kind; the message says why."""


def read(field: Field, text: str) -> Any:
    """Return the value of a control's text; ``None`` where nothing is said.

    Raises
    ------
    Misread
        It is no JSON, or no list of figures.
    """
    if not text.strip():
        return None
    return _READERS.get(field.kind, _text)(text) if field.kind != "choice" else _choice(field, text)


def write(field: Field, value: Any) -> str:
    """Return a value as the text of a control."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if field.kind == "list" and isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    if field.kind == "amount" and isinstance(value, dict):
        return ", ".join(f"{name}={figure}" for name, figure in value.items())
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return str(value)


def _text(text: str) -> Any:
    if text.lstrip().startswith("{"):  # a few text fields take an object as well
        try:
            return _object(text)
        except Misread:
            return text
    return text


def _plain_text(text: str) -> str:
    return text


def _flag(text: str) -> Any:
    return _FLAGS.get(text.strip().lower(), text)


def _choice(field: Field, text: str) -> Any:
    """Return a chosen value: a number where all choices are numbers."""
    values = [value for value, _ in field.choices if value]
    if values and all(_WHOLE.fullmatch(value) for value in values):
        return _whole(text)
    return text


def _whole(text: str) -> Any:
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    number = _number(text)
    return number if isinstance(number, float) else text


def _number(text: str) -> Any:
    text = text.strip()
    if _COMMA.fullmatch(text):
        message = f"Write it with a point: {text.replace(',', '.')}."
        raise Misread(message)
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    return number if math.isfinite(number) else text


def _list(text: str) -> list[str]:
    return [item for item in (part.strip() for part in re.split(r"[,\n]", text)) if item]


def _amount(text: str) -> Any:
    """Read a number, or several by name: ``p50=20, p90=10``."""
    number = _number(text)
    if not isinstance(number, str):
        return number
    if number.startswith("{"):
        return _object(text)
    figures: dict[str, Any] = {}
    for part in text.split(","):
        pair = _PAIR.fullmatch(part)
        if pair is None:
            message = "Give a number, or numbers by name, such as p50=20, p90=10."
            raise Misread(message)
        figures[pair[1]] = _number(pair[2])
    return figures


def _object(text: str) -> Any:
    if len(text) > LONGEST_OBJECT:
        message = f"These are {len(text):,} characters; up to {LONGEST_OBJECT:,} are taken here."
        raise Misread(message)
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        message = f"No JSON yet: {error.msg} in line {error.lineno}, column {error.colno}."
        raise Misread(message) from None
    except RecursionError:
        message = "This JSON is nested too deeply."
        raise Misread(message) from None


def _no_number(name: str) -> Any:
    message = f"{name} is not JSON; a number or null is."
    raise Misread(message)


_READERS = {
    "area": _plain_text,
    "file": _plain_text,
    "integer": _whole,
    "number": _number,
    "flag": _flag,
    "list": _list,
    "amount": _amount,
    "object": _object,
}
