"""Tab completion on the line of the magic: options, and the values there are to choose from.

Asks nobody: models come from the built-in list of the gateway that is connected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .. import connecting
from ..gateways.catalogue import built_in
from ..requests import MusicRequest, UdioRequest
from ..session import Session
from .options import OPTIONS, Option, known_option
from .rewriting import MAGIC

_LINE = re.compile(rf"\s*(?:[\w.,\[\]'\" ]+=\s*)?%{{1,2}}{MAGIC}\s(?P<rest>.*)", re.DOTALL)
_FORMATS = ["aac", "mp3", "ogg", "wav"]
_VOICES = ["f", "m"]


def complete(line: str, names: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the word that ends a line, and what it could become.

    Parameters
    ----------
    line
        Up to the cursor.
    names
        The user's variables.

    Returns
    -------
    (str, list of str)
        The part to replace, and whole replacements for it; none outside of the magic.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        return "", []
    *before, word = re.split(r"\s+", found["rest"])
    typed, equals, begun = word.partition("=")
    option = known_option(typed) if equals else None
    if option is None:
        begun, option = word, known_option(before[-1]) if before else None
    if option is not None and option.read is not None:
        return begun, [value for value in _values(option, names) if value.startswith(begun)]
    if not word.startswith("-"):
        return "", []
    said = {known.word for known in map(known_option, before) if known and not known.is_object}
    flags = [option.flag for option in OPTIONS if option.word not in said]
    return word, [flag for flag in flags if flag.startswith(word.replace("_", "-"))]


def _values(option: Option, names: Mapping[str, Any]) -> list[str]:
    if option.name == "model":
        return _models()
    if option.name == "provider":
        listed = {info.provider for info in built_in("phaseo")}
        return sorted(name for name in listed if name and name != "sandbox")
    kinds: dict[str, Any] = {"session": Session, "request": (MusicRequest, UdioRequest)}
    if option.name in kinds:
        holders = (name for name, value in names.items() if isinstance(value, kinds[option.name]))
        return sorted(name for name in holders if not name.startswith("_"))
    return {"format": _FORMATS, "voice": _VOICES}.get(option.name, [])


def _models() -> list[str]:
    """Return the models of the connected gateway; connecting for this would touch the disk."""
    session = connecting._default
    wire = session.connection.name if session is not None else "phaseo"
    return [info.id for info in built_in("udio" if wire == "udio" else "phaseo")]
