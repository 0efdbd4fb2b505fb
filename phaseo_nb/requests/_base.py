"""What all request models share: they speak the wire's spelling and refuse in our own error.

A model keeps the wire object it was made from, so that what is posted is what was checked, to
the key. The pydantic fields are a typed view of it with snake_case names and their docs.
"""

from __future__ import annotations

import difflib
import json
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_serializer

from ..errors import Issue, RequestRejected
from ._checks import SchemaIssue, camel_case, dotted
from ._docs import field_docs
from ._json import NotJson, canonical, copied, plain

if TYPE_CHECKING:
    from typing_extensions import Self

_SECRET_PLACES = frozenset({"callBackUrl", "callback_url"})
_BUILDING = threading.Lock()  # forms, cells and the engine each have a thread of their own


class WireModel(BaseModel):
    """A frozen part of a request; made from keywords or, verbatim, from a wire object.

    Keywords take snake_case or the wire's spelling, ``model_validate`` the wire's alone. Either
    raises :class:`~phaseo_nb.RequestRejected`, never a ``pydantic.ValidationError``.
    """

    model_config = ConfigDict(
        frozen=True,
        protected_namespaces=(),
        populate_by_name=True,
        defer_build=True,  # most notebooks use one of these classes; see _build
    )
    _wire: dict[str, Any] = PrivateAttr(default_factory=dict)
    wire_path: ClassVar[tuple[str, ...]] = ()
    """Where objects of this class sit in a body; for error messages."""
    has_twins: ClassVar[bool] = False
    """True where the wire itself takes both spellings, which are then kept as given."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Give each field the words that stand under it."""
        for name, words in field_docs(cls).items():
            if name in cls.model_fields:
                cls.model_fields[name].description = words

    def __init__(self, /, **data: Any) -> None:
        self._load(self._plain(self._spelled(data)))

    @classmethod
    def model_validate(cls, obj: Any, **kwargs: Any) -> Self:
        """Make a request from a decoded wire body, as it is.

        Raises
        ------
        RequestRejected
            With every issue the service would have found, in its order.
        """
        if isinstance(obj, cls):
            return obj
        return cls._from_wire(cls._plain(obj))

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **kwargs: Any) -> Self:
        """Make a request from a wire body as text."""
        try:
            body = json.loads(json_data)
        except (ValueError, RecursionError) as error:
            issue = Issue("", "invalid_json", None, f"This is not JSON: {error}.")
            raise RequestRejected(issue) from None
        return cls.model_validate(body)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed, checked like a new one."""
        return type(self)(**{**self._keywords(), **(update or {})})

    def to_wire(self) -> dict[str, Any]:
        """Return what is posted, in the wire's spelling: a fresh copy, yours to change."""
        wire: dict[str, Any] = copied(self._wire)
        return wire

    @model_serializer(mode="plain")
    def _serialize(self) -> dict[str, Any]:
        return self.to_wire()

    @classmethod
    def _issues(cls, wire: Any) -> Iterable[Issue]:
        """Yield what is wrong with a wire object; each class has its own rules."""
        return ()

    @classmethod
    def _from_wire(cls, wire: Any, *, is_checked: bool = False) -> Self:
        new = cls.__new__(cls)
        new._load(wire, is_checked=is_checked)
        return new

    def _load(self, wire: Any, *, is_checked: bool = False) -> None:
        issues = () if is_checked else tuple(self._issues(wire))
        if issues:
            raise RequestRejected(*issues)
        self._build()
        try:
            BaseModel.__init__(self, **self._fields(wire))
        except (
            ValidationError
        ) as error:  # the typed view is wider than the rules; in case it is not
            raise RequestRejected(*map(_from_pydantic, error.errors())) from None
        self._wire = wire

    @classmethod
    def _build(cls) -> None:
        """Have pydantic's part ready: built when first needed, by one thread for all of them."""
        if cls.__pydantic_complete__:
            return
        with _BUILDING:
            cls.model_rebuild()  # does nothing where another thread was quicker

    @classmethod
    def _fields(cls, wire: dict[str, Any]) -> dict[str, Any]:
        """Return the values for pydantic: one spelling, nested objects as their models."""
        values = dict(wire)
        for name in cls.model_fields if cls.has_twins else ():
            twin = camel_case(name)
            if twin != name and twin in values:
                value = values.pop(twin)
                if values.get(name) is None:
                    values[name] = value
        for name, part in cls._parts().items():
            if isinstance(values.get(name), dict):
                values[name] = part._from_wire(values[name], is_checked=True)
        return values

    @classmethod
    def _parts(cls) -> dict[str, type[WireModel]]:
        """Return the fields that hold another model."""
        return {}

    @classmethod
    def _spelled(cls, data: Mapping[str, Any], path: tuple[str, ...] | None = None) -> Any:
        """Turn keywords into the wire's spelling; both spellings of one key are refused."""
        path = cls.wire_path if path is None else path
        parts = cls._parts()
        spelled: dict[str, Any] = {}
        for key, value in data.items():
            name = cls._wire_name(key)
            if name in spelled or (cls.has_twins and _twin_of(key) in data):
                expected = f"Give {key} or its other spelling, not both."
                raise RequestRejected(Issue(dotted((*path, name)), "given_twice", value, expected))
            part = parts.get(name)
            if part is not None and isinstance(value, part):
                value = value._wire
            elif part is not None and isinstance(value, Mapping):
                value = part._spelled(value, (*path, name))
            spelled[name] = value
        return spelled

    @classmethod
    def _wire_name(cls, key: Any) -> Any:
        field = cls.model_fields.get(key) if isinstance(key, str) else None
        return field.alias if field is not None and field.alias else key

    @classmethod
    def _plain(cls, value: Any) -> Any:
        try:
            return plain(value, cls.wire_path)
        except NotJson as error:
            expected = f"{error.problem[0].upper()}{error.problem[1:]}."
            issue = Issue(dotted(error.path), "invalid_type", _shown(error.value), expected)
            raise RequestRejected(issue) from None

    def _keywords(self) -> dict[str, Any]:
        return self.to_wire()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._keywords() == other._keywords()

    def __hash__(self) -> int:
        return hash(canonical(self._keywords()))

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in self._keywords().items():
            if name in _SECRET_PLACES:
                value = "…"
            elif isinstance(value, str) and len(value) > 60:
                value = value[:57] + "…"
            elif isinstance(getattr(self, name, None), WireModel):
                value = getattr(self, name)
            yield name, value


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the name that was probably meant, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f" Did you mean {close[0]}?" if close else ""


_IN_WORDS = {
    "string": "text",
    "boolean": "True or False",
    "number": "a number",
    "int": "a whole number",
    "object": "an object (a dict)",
    "array": "a list",
    "record": "an object (a dict)",
}
_GOT = {"NaN": "NaN", "string": "text"}
_UNIONS = {
    "sample_rate": "16000, 24000, 32000 or 44100",
    "bitrate": "32000, 64000, 128000 or 256000",
    "sort": "text or an object",
}


def in_words(issue: SchemaIssue, known: Iterable[str] = ()) -> Issue:
    """Turn a schema issue into ours, saying what would be right."""
    path, code, message, value = issue
    name = str(path[-1]) if path else ""
    if code == "invalid_type" and "expected " in message:
        wanted, _, got = message.partition("expected ")[2].partition(", received ")
        expected = f"It must be {_IN_WORDS.get(wanted, wanted)}"
        missing = {"undefined": ", and is missing.", "null": "; to say nothing, leave it out."}
        of_another_kind = f", not {_GOT.get(got) or _article(got)}."
        expected += missing.get(got, "." if (wanted, got) == ("int", "number") else of_another_kind)
    elif code == "invalid_value":
        expected = "It must be one of " + message.partition("one of ")[2].replace("|", ", ") + "."
    elif code == "invalid_union":
        expected = f"It must be {_UNIONS.get(name, 'a number, or what the field takes instead')}."
    elif code == "invalid_format":
        expected = "It must be an absolute URL, such as https://example.org/hook."
    elif code == "unrecognized_keys":
        expected = f"{message}; known are {', '.join(known)}." if known else f"{message}."
    else:
        limit = message.partition(" to ")[2]
        for sign, word in ((">=", "at least "), ("<=", "at most "), (">", "more than ")):
            limit = limit.replace(sign, word)
        expected = f"It must {limit}."
    return Issue(dotted(path), code, _shown(value), expected)


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"


def _from_pydantic(error: Any) -> Issue:
    return Issue(dotted(error["loc"]), error["type"], _shown(error["input"]), error["msg"] + ".")


def _twin_of(key: Any) -> str | None:
    if not isinstance(key, str):
        return None  # refused further on, in words
    twin = camel_case(key)
    return twin if twin != key else None


def _shown(value: Any) -> Any:
    """Keep plain values; name the others, so that no error holds a foreign object."""
    kinds = (str, int, float, bool, list, dict, type(None))
    return value if isinstance(value, kinds) else f"<{type(value).__name__}>"
