"""The fields of a form, read off the request models: what they are called, take and mean.

Kind, choices and help come from the models, so a field that a contract gains is in the form the
day it is in the model. Only what a person reads as a label, and which fields stand where, is said
here and in ``panels.py``.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Union, get_args, get_origin

from ..requests._base import WireModel
from ..requests._checks import Choice, weight
from ..requests.options import Options

KINDS = ("text", "area", "integer", "number", "choice", "flag", "list", "object", "amount", "file")
"""What a control takes; ``flag`` is yes, no or not said, ``amount`` a number or several by name."""


@dataclass(frozen=True)
class Field:
    """One control of the form.

    Attributes
    ----------
    name : str
        ``"prompt"`` for a word of ``generate``; ``"suno.style_weight"`` for an option.
    label : str
        What stands above it.
    kind : str
        One of :data:`KINDS`.
    help : str
        What it means, in the words of the model.
    choices : tuple of (value, label)
        For ``choice``; the empty value is "not said".
    suggestions : tuple of str
        Values that may be typed, and others too.
    """

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    suggestions: tuple[str, ...] = ()
    placeholder: str = ""
    width: str = "third"
    rows: int = 2
    limits: tuple[float, float] | None = None
    sections: tuple[str, ...] = ()
    """Marks that a button puts where the cursor is, such as ``"[Verse]"``."""
    template: str = ""
    """For ``object``: an example that a button puts into an empty control."""

    def facts(self) -> dict[str, Any]:
        """Return what the front end needs to draw it."""
        return {
            "name": self.name,
            "label": self.label,
            "kind": self.kind,
            "help": self.help,
            "choices": [list(choice) for choice in self.choices],
            "suggestions": list(self.suggestions),
            "placeholder": self.placeholder,
            "width": self.width,
            "rows": self.rows,
            "limits": list(self.limits) if self.limits else [],
            "sections": list(self.sections),
            "template": self.template,
        }


@dataclass(frozen=True)
class Wording:
    """What is said about a field beyond its model."""

    label: str = ""
    kind: str = ""
    suggestions: tuple[str, ...] = ()
    placeholder: str = ""
    template: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def fields_of(
    model: type[WireModel], home: str, wordings: dict[str, Wording], *, leave: tuple[str, ...] = ()
) -> list[Field]:
    """Return a field for everything a model takes, nested models included, in its own order.

    Parameters
    ----------
    model
        Such as ``SunoOptions``.
    home
        Where it sits in a request: ``"suno"``, ``"minimax.audio_setting"``; ``""`` at the top.
    wordings
        By full name.
    leave
        Fields that have their place elsewhere.
    """
    return [
        found
        for name in model.model_fields
        if name not in leave
        for found in _fields(model, name, home, wordings)
    ]


def _fields(
    model: type[WireModel], name: str, home: str, wordings: dict[str, Wording]
) -> Iterator[Field]:
    full = f"{home}.{name}" if home else name
    inner = model._parts().get(name)
    if inner is not None:
        yield from fields_of(inner, full, wordings)
        return
    info = model.model_fields[name]
    kind, choices, names = _kind(_without_none(info.annotation))
    check = _check_of(model, info.alias or name)
    if isinstance(check, Choice):
        kind, choices = "choice", tuple(map(str, check.options))
    if names:  # a few prices, each under its own name
        for each in names:
            wording = wordings.get(f"{full}.{each}", Wording())
            label = wording.label or f"{_label(name)}: {each}"
            yield Field(
                f"{full}.{each}", label, "number", _plain(info.description), width="quarter"
            )
        return
    wording = wordings.get(full, Wording())
    yield Field(
        name=full,
        label=wording.label or _label(name),
        kind=wording.kind or kind,
        help=_plain(info.description),
        choices=(("", "not set"), *((value, value) for value in choices)) if choices else (),
        suggestions=wording.suggestions,
        placeholder=wording.placeholder,
        template=wording.template,
        limits=(0.0, 1.0) if check is weight else None,
        **{"width": _WIDTHS.get(wording.kind or kind, "third"), **wording.more},
    )


_WIDTHS = {"area": "full", "object": "full", "file": "full"}


def _kind(annotation: Any) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the kind of control, the values to choose from, and the names of nested figures."""
    if get_origin(annotation) is Literal:
        return "choice", tuple(map(str, get_args(annotation))), ()
    members = _members(annotation)
    if members == {bool}:
        return "flag", (), ()
    if members == {int}:
        return "integer", (), ()
    if members == {float}:
        return "number", (), ()
    if members == {str}:
        return "text", (), ()
    if any(get_origin(member) is list for member in members):
        return "list", (), ()
    if float in members:
        return "amount", (), ()
    if str in members:
        return "text", (), ()  # or an object, which begins with a brace
    prices = any(
        get_origin(member) is dict and get_args(member)[1] is not Any for member in members
    )
    return ("object", (), _price_names() if prices else ())


def _price_names() -> tuple[str, ...]:
    from ..requests.schema import PRICE_KEYS

    return tuple(sorted(PRICE_KEYS))


def _members(annotation: Any) -> set[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return {member for member in get_args(annotation) if member is not type(None)}
    return {annotation}


def _without_none(annotation: Any) -> Any:
    members = _members(annotation)
    return next(iter(members)) if len(members) == 1 else annotation


def _check_of(model: type[WireModel], wire_name: str) -> Any:
    """Return the check of the gateway's schema for a field, where it has one."""
    if issubclass(model, Options) and model.part is not None:
        return model.part.fields.get(wire_name)
    from ..requests.udio import _FIELDS

    return _FIELDS.get(wire_name) if model.__name__ == "UdioRequest" else None


def _label(name: str) -> str:
    """Return ``"style_weight"`` as ``"Style weight"``."""
    words = name.replace("_", " ")
    for short in ("id", "url", "c2pa", "zdr", "ms"):
        words = " ".join(short.upper() if word == short else word for word in words.split(" "))
    return words[:1].upper() + words[1:]


def _plain(description: str | None) -> str:
    """Return a model's words without the marks of its docs."""
    return " ".join((description or "").replace("``", "").split())
