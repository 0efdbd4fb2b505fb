"""From what was typed to what is asked for: the words of ``generate``, and what to do with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from IPython.core.error import UsageError

from ..requests import MusicRequest, UdioRequest
from ..session import Session
from .options import OPTIONS, Option, shown
from .scanning import fill, scan, split_body


@dataclass(frozen=True)
class Order:
    """What one run of the magic asks for."""

    words: dict[str, Any]
    """For ``generate``; only what was given."""
    out: str | None = None
    form: bool = False
    estimate: bool = False

    @property
    def shows(self) -> bool:
        """False after ``--no-show``."""
        return self.words.get("show") is not False


def read_order(parser: Any, line: str, body: str | None, names: Mapping[str, Any]) -> Order:
    """Read a line, and the body below it where it is a cell.

    Parameters
    ----------
    parser
        IPython's, as ``magic_arguments`` made it.
    line, body
        As IPython gives them; ``None`` for no body.
    names
        The user's variables.

    Raises
    ------
    UsageError
        Something is wrong with it, in one line.
    """
    if "\0" in line + (body or ""):
        message = "It holds a NUL character, which no service reads. Type the text anew."
        raise UsageError(message)
    options, text = scan(line)
    if body is not None and text is not None:
        message = (
            f"The prompt goes below %%music, not behind it: {shown(text)} is too much. A value of "
            'several words needs quotes: --title "Slow Harp". Behind it: %music, with one %.'
        )
        raise UsageError(message)
    prompt, lyrics = (text or "").strip(), None
    if body is not None:
        prompt, lyrics = split_body(body)
    asked = {option.word for option, _ in options}
    if "interpolate" in asked:
        options = [(o, fill(v, names) if o.is_filled else v) for o, v in options]
        prompt, lyrics = fill(prompt, names), fill(lyrics, names) if lyrics else lyrics
    given = _parsed(parser, options)
    if prompt:
        given["prompt"] = prompt
    if lyrics is not None:
        if "lyrics" in given:
            message = "Lyrics stand below --- and in --lyrics as well. Leave one of them out."
            raise UsageError(message)
        given["lyrics"] = lyrics
    return _checked(given, names, is_cell=body is not None)


def _parsed(parser: Any, options: list[tuple[Option, str]]) -> dict[str, Any]:
    """Let the parser make values of the texts; returns those that were given."""
    argv = [o.flag if o.read is None else f"{o.flag}={value}" for o, value in options]
    try:
        values = vars(parser.parse_args(argv))
    except UsageError as error:
        raise UsageError(str(error).removeprefix("argument ")) from None
    given = {name: value for name, value in values.items() if value is not None}
    given.pop("prompt", None)
    for option in OPTIONS:
        if option.is_object and option.word in given:
            given[option.word] = _merged(option, given[option.word])
    if any(option.word == "timeout" for option, _ in options):
        given.setdefault("timeout", None)  # "none" was said: wait for ever
    return given


def _merged(option: Option, values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    if not all(isinstance(value, dict) for value in values):
        message = f"{option.flag}: give one name, or key=value as often as you like; not both."
        raise UsageError(message)
    merged: dict[str, Any] = {}
    for value in values:
        twice = next((key for key in value if key in merged), None)
        if twice is not None:
            message = f"{option.flag}: {shown(str(twice))} is given twice. Say it once."
            raise UsageError(message)
        merged |= value
    return merged


_VARIABLES: dict[str, tuple[Any, str, str]] = {
    "session": (Session, "a session", "session = nb.connect(…)"),
    "request": (
        (MusicRequest, UdioRequest),
        "a request",
        'request = nb.MusicRequest(model="sandbox/band", prompt="slow harp")',
    ),
}


def _checked(given: dict[str, Any], names: Mapping[str, Any], *, is_cell: bool) -> Order:
    """Look variables up and refuse what does not go together."""
    for word, (kind, what, example) in _VARIABLES.items():
        if word in given:
            value = names.get(given[word])
            if not isinstance(value, kind):
                state = "holds none" if given[word] in names else "is no variable"
                message = f"--{word}: {shown(given[word])} {state}. Make {what} first: {example}."
                raise UsageError(message)
            given[word] = value
    out, form = given.pop("out", None), given.pop("form", False)
    estimate = given.pop("estimate", False)
    given.pop("interpolate", None)
    if form and estimate:
        message = (
            "--form and --estimate do not go together: the form shows the price. Leave one out."
        )
        raise UsageError(message)
    if not (form or given.keys() & {"prompt", "lyrics", "request"}):
        place = "below the line %%music" if is_cell else 'behind it: %music "slow harp"'
        message = f"The prompt is empty. Write what it should sound like {place}."
        raise UsageError(message)
    return Order(given, out, form, estimate)
