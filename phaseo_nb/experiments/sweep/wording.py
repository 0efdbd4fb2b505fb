"""Which words a sweep may vary, and how everything that is wrong is said at once."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from ...errors import ExperimentError
from ...requests import build_request
from ...requests._base import suggest

OPTIONS = ("suno", "elevenlabs", "minimax", "provider", "routing", "debug")
"""Words that hold options; ``"suno.style_weight"`` is one of them."""
_OF_REQUESTS = [name for name in inspect.signature(build_request).parameters if name != "wire"]
WORDS = ("gateway", *_OF_REQUESTS)
MOST_SAID = 12
"""Lines of what is wrong that a message shows; ``.problems`` has all of them."""


def check_name(name: Any) -> list[str]:
    """Return what is wrong with the name of a word: nothing, or one line."""
    if name in WORDS:
        return []
    if not isinstance(name, str):
        return [f"{name!r} is no name of a word."]
    home, dot, option = name.partition(".")
    if dot and home in OPTIONS and option:
        return []
    if dot:
        return [f"{name!r}: options stand in {', '.join(OPTIONS)}, such as 'suno.style_weight'."]
    hint = suggest(name, WORDS) or f" Known are {', '.join(WORDS)}."
    return [f"{name!r} is no word of a request.{hint}"]


def refused(heading: str, problems: Sequence[str], *, way_out: str = "") -> None:
    """Raise everything that is wrong in one error; nothing where nothing is.

    Raises
    ------
    ExperimentError
        With a line for each problem, the first ones in its message.
    """
    if not problems:
        return
    problems = list(dict.fromkeys(problems))
    more = len(problems) - MOST_SAID
    lines = [f"\n  {line}" for line in problems[:MOST_SAID]]
    lines += [f"\n  … and {more:,} more, in .problems"] if more > 0 else []
    closing = f"\n{way_out}" if way_out else ""
    error = ExperimentError(f"{heading}; nothing was sent.{''.join(lines)}{closing}")
    error.problems = tuple(problems)
    raise error
