"""The options of the magic: one table that the parser, the help and the completion are made of.

Each word of :func:`phaseo_nb.generate` has its option, and what only a magic needs stands below.
Text becomes a value here; what the values mean is decided where it is for every other caller.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import keyword
import re
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument, kwds, magic_arguments

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Option:
    """One option of the magic."""

    name: str
    """As it is typed, without the two dashes."""
    help: str
    read: Callable[[str], Any] | None = None
    """Makes a value of the text; ``None`` for a switch, which takes no text."""
    metavar: str = ""
    short: str = ""
    also: tuple[str, ...] = ()
    dest: str = ""
    """The word it fills, where that is another one."""
    value: Any = True
    """What a switch stands for."""
    is_object: bool = False
    """Takes ``key=value`` or ``{…}``, more than once."""
    is_filled: bool = True
    """Whether ``--interpolate`` fills names in."""
    is_word: bool = True
    """Whether it is a word of ``generate``."""

    @property
    def word(self) -> str:
        """What ``generate`` calls it."""
        return self.dest or self.name.replace("-", "_")

    @property
    def flag(self) -> str:
        """The option with its dashes."""
        return f"--{self.name}"

    def add_to(self, function: F) -> F:
        """Declare it to IPython."""
        flags = [f"-{self.short}"] * bool(self.short)
        flags += [f"--{name}" for name in (self.name, *self.also)]
        if self.read is None:
            how: dict[str, Any] = {"action": "store_const", "const": self.value}
        else:
            how = {"type": self.read, "metavar": self.metavar or self.name.upper()}
            how |= {"action": "append"} if self.is_object else {}
        how |= {"dest": self.word, "default": None, "help": self.help}
        decorate = argument(*flags, **how)  # type: ignore[no-untyped-call]
        return decorate(function)  # type: ignore[no-any-return]


def shown(text: str) -> str:
    """Quote what was typed in a message, without flooding it."""
    return repr(text) if len(text) <= 40 else f"{text[:30]!r}… ({len(text)} characters)"


def _text(text: str) -> str:
    return text


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
        message = f"{shown(text)} is not a whole number. Write digits only, such as 8."
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _seconds(text: str) -> float | None:
    if text.lower() == "none":
        return None
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        message = f"{shown(text)} is no number of seconds. Write one such as 900, or none."
        raise argparse.ArgumentTypeError(message)
    return float(text)


def _identifier(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)  # as Python reads names
    if not text.isidentifier() or keyword.iskeyword(text):
        message = f"{shown(text)} cannot be the name of a variable. Write one such as harp."
        raise argparse.ArgumentTypeError(message)
    return text


_PAIR = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def _object(text: str) -> dict[str, Any]:
    """Read ``key=value``, JSON, or a dict as Python writes it."""
    pair = _PAIR.fullmatch(text)
    if pair:
        return {pair[1]: _scalar(pair[2])}
    value = _literal(text)
    if not isinstance(value, dict):
        message = f"{shown(text)} cannot be read. Write key=value, or {{…}} as in JSON or Python."
        raise argparse.ArgumentTypeError(message)
    return value


def _object_or_name(text: str) -> dict[str, Any] | str:
    return text if re.fullmatch(r"[\w.-]+", text) else _object(text)


def _scalar(text: str) -> Any:
    value = _literal(text)
    return text if value is _UNREADABLE else value


_UNREADABLE = object()


def _literal(text: str) -> Any:
    """Read a value as JSON or Python writes it; what comes out is a JSON value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python, about escapes in texts that are no code
        for read in (json.loads, _python_literal):
            try:
                return read(text)
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue
    return _UNREADABLE


def _python_literal(text: str) -> Any:
    value = ast.literal_eval(text)
    if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
        raise TypeError
    return json.loads(json.dumps(value))


def _objects(name: str, of: str, example: str) -> Option:
    return Option(
        name,
        f"{of}: {example}, or {{…}}. Repeatable.",
        _object,
        "KEY=VALUE",
        is_object=True,
        is_filled=False,
    )


OPTIONS = (
    Option("model", 'Such as "suno/v4.5". The sandbox has a default.', _text, short="m"),
    Option("duration", "Whole seconds.", _whole, "SECONDS", short="d"),
    Option("format", "mp3, wav, ogg or aac.", _text, short="f"),
    Option("lyrics", "Words to sing; in a cell, rather below a line of ---.", _text),
    Option("style", "Tags of style.", _text),
    Option("title", "The name of the track.", _text),
    Option("instrumental", "No singing."),
    Option("vocals", "With singing.", also=("no-instrumental",), dest="instrumental", value=False),
    Option("negative", "What it should not contain.", _text),
    Option("voice", "m or f.", _text),
    _objects("suno", "An option of Suno", "style_weight=0.5"),
    _objects("elevenlabs", "An option of ElevenLabs", "force_instrumental=true"),
    _objects("minimax", "An option of MiniMax", "is_instrumental=true"),
    Option(
        "provider",
        "A provider's name, or the gateway's routing object.",
        _object_or_name,
        "NAME or KEY=VALUE",
        is_object=True,
        is_filled=False,
    ),
    _objects("routing", "The gateway's routing", "key=value"),
    _objects("debug", "What the gateway should tell", "trace=true"),
    Option("echo-upstream-request", "Send back what went to the provider."),
    Option(
        "request",
        "A variable that holds a ready request.",
        _identifier,
        "VARIABLE",
        is_filled=False,
    ),
    Option("take", "Which attempt: 2 is another one.", _whole, "NUMBER"),
    Option("fresh", "One more take each time the cell runs, and paid each time."),
    Option("timeout", "Longest wait; the job goes on after it.", _seconds, "SECONDS"),
    Option("no-show", "No player.", dest="show", value=False),
    Option("session", "A variable that holds a session.", _identifier, "VARIABLE", is_filled=False),
    Option(
        "out",
        "The variable that gets the take.",
        _identifier,
        "VARIABLE",
        is_filled=False,
        is_word=False,
    ),
    Option("form", "Open the form with these words filled in; nothing is sent.", is_word=False),
    Option("estimate", "Say what it would cost; no job is started.", is_word=False),
    Option("interpolate", "Fill {name} from your variables; {{ and }} are braces.", is_word=False),
)
"""All options, in the order of the help."""

_BY_NAME = {name: option for option in OPTIONS for name in (option.name, *option.also)}
_BY_SHORT = {option.short: option for option in OPTIONS if option.short}

_KEYS = {"api-key", "apikey", "key", "token", "api-token", "secret", "password"}


_USAGE = 'music [options] "prompt"\n  %%%%music [options]  (and the prompt below)'


def with_options(function: F) -> F:
    """Make a magic with these options of a function; its docstring becomes the help."""
    for option in reversed(OPTIONS):
        function = option.add_to(function)
    text = argument("prompt", nargs="*", help="What it should sound like.")  # type: ignore[no-untyped-call]
    for decorate in (text, kwds(usage=_USAGE), magic_arguments()):  # type: ignore[no-untyped-call]
        function = decorate(function)
    return function


def find_option(typed: str) -> Option:
    """Return the option that was typed, with its dashes.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    option = known_option(typed)
    if option is not None:
        return option
    name = _plain(typed)
    if name in _KEYS:
        message = (
            f"--{name} is not taken: a cell is saved with its notebook, and the key with it. Use "
            "nb.login(), or the environment (PHASEO_API_KEY or UDIOAPI_KEY), and run it again."
        )
        raise UsageError(message)
    near = [] if len(name) > 40 else difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.6)
    hint = "%music? lists them; a prompt with such a word needs quotes around it."
    message = f"There is no option {shown(typed)}. {f'Did you mean --{near[0]}?' if near else hint}"
    raise UsageError(message)


def known_option(typed: str) -> Option | None:
    """Return the option of that name, dashes and underscores alike; ``None`` for no option."""
    if typed.startswith("--"):
        return _BY_NAME.get(_plain(typed))
    return _BY_SHORT.get(typed[1:]) if typed.startswith("-") else None


def _plain(typed: str) -> str:
    return typed.lstrip("-–—").replace("_", "-")
