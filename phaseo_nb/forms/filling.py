"""From words, as ``generate`` takes them, to what stands in the controls at first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Issue, RequestRejected
from ..requests import UdioRequest
from ..requests._base import WireModel
from .drafts import Request, Wire, _snake_case
from .panels import FIELDS
from .values import write

_HOMES = ("suno", "elevenlabs", "minimax", "provider", "routing", "debug")
_AT_THE_TOP = {"is_instrumental": "instrumental"}


def texts_of(wire: Wire, words: Mapping[str, Any], request: Request | None) -> dict[str, str]:
    """Return the text of each control.

    Parameters
    ----------
    wire
        The gateway's wire.
    words
        Words of ``generate``; ``None`` is not given.
    request
        A ready request; its fields come before words.

    Raises
    ------
    RequestRejected
        An option for which there is no control.
    TypeError
        A word that ``generate`` does not know.
    """
    given = {**_of_request(request), **{k: v for k, v in words.items() if v is not None}}
    return {
        name: write(FIELDS[name], value)
        for word, value in given.items()
        for name, value in _controls(word, value)
    }


def _of_request(request: Request | None) -> dict[str, Any]:
    if request is None:
        return {}
    if isinstance(request, UdioRequest):
        words = request._keywords()
        model = {"model": words.pop("model")} if "model" in words else {}
        return {**model, **{f"udio.{name}": value for name, value in words.items()}}
    return request.to_wire()


def _controls(word: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, WireModel):
        value = value.to_wire()
    if word == "provider" and isinstance(value, str):
        value = {"only": [value]}
    if word in _HOMES and isinstance(value, Mapping):
        yield from _inside(word, value)
        return
    if word == "instrumental" and isinstance(value, bool):
        value = "true" if value else "false"
    yield _known(_AT_THE_TOP.get(word, word)), value


def _inside(home: str, options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in options.items():
        name = f"{home}.{_snake_case(str(key))}"
        is_group = isinstance(value, (Mapping, WireModel)) and name not in FIELDS
        if is_group and any(known.startswith(f"{name}.") for known in FIELDS):
            inner = value.to_wire() if isinstance(value, WireModel) else value
            yield from _inside(name, inner)
        else:
            yield _known(name), value


def _known(name: str) -> str:
    if name not in FIELDS and "." not in name:
        message = f"MusicForm() got an unexpected keyword argument {name!r}"
        raise TypeError(message)
    if name not in FIELDS:
        home, _, option = name.partition(".")
        code = f"await nb.generate(…, {home}={{{option!r}: …}})"
        expected = f"The form has no control for it. In code: {code}."
        raise RequestRejected(Issue(name, "no_control", None, expected))
    return name
