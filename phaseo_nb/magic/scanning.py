"""Reading the line of the magic and the body below it: what is an option, what is the prompt.

Prompts are prose: they hold apostrophes, quotes, braces and dashes that mean nothing here. So a
quote groups words only where a value or the whole prompt begins, and the rest is left as it is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from IPython.core.error import UsageError

from .options import Option, find_option, known_option, shown

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"\S+")
_OPTION = re.compile(r"--[^\s=-][^\s=]*|[–—]{1,2}[A-Za-z][\w-]*|-[A-Za-z][\w-]*")
_REST = re.compile(r"--(?:\s+|$)(.*)", re.DOTALL)
_PAIR_START = re.compile(r"[A-Za-z_]\w*=(?=[\"'{\[])")
_SWITCH_VALUES = {"true", "false", "yes", "no", "on", "off", "1", "0"}
_QUOTES = "\"'"
_CLOSING = {"{": "}", "[": "]"}

LONGEST_LINE = 10_000
"""Characters; what is longer was not typed on purpose."""


class Scanned(NamedTuple):
    """The line, taken apart."""

    options: list[tuple[Option, str]]
    """With the text of their values, quotes taken off; empty for a switch."""
    text: str | None
    """What is no option: the prompt of a line."""


def scan(line: str) -> Scanned:
    """Take a line apart into options and text.

    Raises
    ------
    UsageError
        An option that there is not, a value that is missing, a quote that is never closed, or a
        line that nobody has typed.
    """
    if len(line) > LONGEST_LINE:
        message = (
            f"The line has {len(line)} characters, more than {LONGEST_LINE}. A long prompt goes "
            "below a line %%music, and lyrics below a line of ---."
        )
        raise UsageError(message)
    options: list[tuple[Option, str]] = []
    pieces: list[str] = []
    at, after_switch = _skip(line, 0), None
    while at < len(line):
        if rest := _REST.match(line, at):
            pieces.append(rest[1])
            break
        if (found := _option_at(line, at)) is not None:
            option, at = _one_option(line, at, found, options)
            after_switch = option if option.read is None else None
            continue
        end = _text_end(line, at)
        pieces.append(_unquoted(line[at:end].rstrip()))
        _check_switch(after_switch, pieces[-1])
        at, after_switch = _skip(line, end), None
    if len(pieces) > 1:
        message = (
            f"{shown(pieces[0])} and {shown(pieces[1])} both look like the prompt. Put a value of "
            'several words in quotes, as in --title "Slow Harp", and the prompt last.'
        )
        raise UsageError(message)
    return Scanned(options, pieces[0] if pieces else None)


def _option_at(line: str, at: int) -> str | None:
    """Return the option that is typed here; ``None`` where text begins."""
    typed = _OPTION.match(line, at)
    if typed is None:
        return None
    if line[at] in "–—":  # an editor made one long dash of two; prose has them as well
        name = "--" + typed[0].lstrip("–—")
        if known_option(name) is None:
            return None
        message = f"There is no option {shown(typed[0])}. Did you mean {name}?"
        raise UsageError(message)
    return typed[0]


def _one_option(
    line: str, at: int, typed: str, options: list[tuple[Option, str]]
) -> tuple[Option, int]:
    """Read one option and its value; returns it and where the next word begins."""
    option = find_option(typed)
    if not option.is_object and any(option.word == known.word for known, _ in options):
        first = next(known for known, _ in options if known.word == option.word)
        both = option.flag if option is first else f"{first.flag} and {option.flag}"
        message = f"{both}: say it once."
        raise UsageError(message)
    end = at + len(typed)
    has_value = line.startswith("=", end)
    if end < len(line) and not has_value and not line[end].isspace():
        find_option(_WORD.match(line, at)[0])  # type: ignore[index]  # never known: says so
    if option.read is None:
        if has_value:
            message = f"{option.flag} is a switch and takes no value. Leave the = away."
            raise UsageError(message)
        options.append((option, ""))
        return option, _skip(line, end)
    start = end + 1 if has_value else _skip(line, end)
    if not has_value:
        _check_value_follows(line, start, option)
    value, end = _value(line, start, option)
    options.append((option, value))
    return option, _skip(line, end)


def _check_switch(switch: Option | None, text: str) -> None:
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    if switch is not None and word.lower() in _SWITCH_VALUES:
        message = f"{switch.flag} is a switch and takes no value. Leave {word!r} away."
        raise UsageError(message)


def _check_value_follows(line: str, start: int, option: Option) -> None:
    following = _OPTION.match(line, start)
    if start >= len(line) or (following and known_option(following[0])):
        example = "such as key=value" if option.is_object else "after it or after ="
        message = f"{option.flag} needs a value, {example}."
        raise UsageError(message)


def _value(line: str, at: int, option: Option) -> tuple[str, int]:
    """Read the value that begins here; returns it and where it ends."""
    start = at
    if option.is_object:
        if pair := _PAIR_START.match(line, at):
            at = pair.end()
        if at < len(line) and line[at] in _CLOSING:
            end = _group_end(line, at, option)
            return line[start:end], end
        if at > start:  # key="text": the quotes stay, they make it a text
            end = _quote_end(line, at)
            return line[start:end], end
    if at < len(line) and line[at] in _QUOTES:
        end = _quote_end(line, at)
        if end < len(line) and not line[end].isspace():
            message = f"{option.flag}: a quote closes in the middle of a word. Close it at its end."
            raise UsageError(message)
        return _unescaped(line[at + 1 : end - 1], line[at]), end
    word = _WORD.match(line, at)
    return (word[0], word.end()) if word else ("", at)


def _text_end(line: str, at: int) -> int:
    """Return where text that begins here ends: at the next option, else with the line."""
    if line[at] in _QUOTES:
        end = _quote_end(line, at)
        if end >= len(line) or line[end].isspace():
            at = end
    while (start := _skip(line, at)) < len(line):
        if start > at and (_option_at(line, start) or _REST.match(line, start)):
            return start
        word = _WORD.match(line, start)
        at = word.end() if word else len(line)
    return len(line)


def _quote_end(line: str, at: int) -> int:
    """Return where a quoted text that begins here ends, behind its closing quote."""
    for mark in re.compile(rf"\\.|{line[at]}", re.DOTALL).finditer(line, at + 1):
        if mark[0] == line[at]:
            return mark.end()
    message = f"A quote ({line[at]}) is opened and never closed: {shown(line[at:])}. Close it."
    raise UsageError(message)


def _group_end(line: str, at: int, option: Option) -> int:
    """Return where a group in braces ends that begins here."""
    open_ones: list[str] = []
    start = at
    while at < len(line):
        if line[at] in _QUOTES:
            at = _quote_end(line, at)
            continue
        if line[at] in _CLOSING:
            open_ones.append(_CLOSING[line[at]])
        elif open_ones and line[at] == open_ones[-1]:
            open_ones.pop()
            if not open_ones:
                return at + 1
        at += 1
    message = f"{option.flag}: {shown(line[start:])} misses a closing {open_ones[-1]!r}."
    raise UsageError(message)


def _unquoted(text: str) -> str:
    """Take the quotes off a text that is quoted as a whole."""
    if text and text[0] in _QUOTES and _quote_end(text, 0) == len(text):
        return _unescaped(text[1:-1], text[0])
    return text


def _unescaped(text: str, quote: str) -> str:
    return re.sub(rf"\\([\\{quote}])", r"\1", text)


def _skip(line: str, at: int) -> int:
    found = _SPACE.match(line, at)
    return found.end() if found else at


def split_body(body: str) -> tuple[str, str | None]:
    """Split the body of a cell into the prompt and, below a line of ``---``, the lyrics.

    Raises
    ------
    UsageError
        There is such a line and nothing below it.
    """
    lines = body.split("\n")
    border = next((i for i, line in enumerate(lines) if line.strip() == "---"), None)
    if border is None:
        return body.strip(), None
    lyrics = "\n".join(lines[border + 1 :]).strip()
    if not lyrics:
        message = "There is nothing below the line of ---. Write the lyrics there, or take it away."
        raise UsageError(message)
    return "\n".join(lines[:border]).strip(), lyrics


_FIELD = re.compile(r"\{\{|\}\}|\{[^{}]*\}?|\}")


def fill(text: str, names: Mapping[str, Any]) -> str:
    """Fill ``{name}`` from variables; nothing is evaluated.

    Raises
    ------
    UsageError
        There is no such variable, or it says more than a name.
    """

    def value_of(field: re.Match[str]) -> str:
        if field[0] in ("{{", "}}"):
            return field[0][0]
        name = field[0][1:-1] if field[0].startswith("{") and field[0].endswith("}") else ""
        if not name.strip().isidentifier():
            message = (
                f"--interpolate: {shown(field[0])} is not the name of a variable in braces. Give "
                "what you mean a name first; braces themselves are written {{ and }}."
            )
            raise UsageError(message)
        return _said(name.strip(), names)

    return _FIELD.sub(value_of, text)


def _said(name: str, names: Mapping[str, Any]) -> str:
    if name not in names:
        near = difflib.get_close_matches(name, [n for n in names if n[:1] != "_"], n=1)
        hint = f"Did you mean {{{near[0]}}}?" if near else "Run the cell that makes it first."
        message = f"--interpolate: there is no variable {shown(name)}. {hint}"
        raise UsageError(message)
    try:
        return str(names[name])
    except Exception as error:
        message = f"--interpolate: {name} cannot be written as text ({type(error).__name__})."
        raise UsageError(message) from error
