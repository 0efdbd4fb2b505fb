"""Requests of udioapi.pro, checked by the rules of its pages before anything is sent.

Wire contract: udioapi.pro ``/doc/api/generate-with-callback``, ``/doc/api/generate-v1``,
``/docs/generate-callback`` and ``/docs/v2-generate``; the pages are of different ages, and
``custom_mode`` belongs to the older ones.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field

from ..errors import Issue, RequestRejected
from ._base import WireModel, in_words, suggest
from ._checks import Check, SchemaIssue, boolean, one_of, text, weight
from ._json import is_blank, length
from ._weburl import is_url

if TYPE_CHECKING:
    from typing_extensions import Self

Api = Literal["v2", "callback", "token"]
_APIS = ("v2", "callback", "token")
TOO_LONG = "Topic too long."
NOTHING_TO_MAKE = "gpt_description_prompt or prompt is required"


class _Limits:
    """Longest texts of a family of models, in characters; ``None`` where no page states one."""

    def __init__(self, prompt: int, style: int, description: int | None) -> None:
        self.by_field = {
            "prompt": prompt,
            "style": style,
            "gpt_description_prompt": description,
            "title": 80,
        }


_OLDER = _Limits(prompt=3000, style=200, description=400)
_NEWER = _Limits(prompt=5000, style=1000, description=None)
_OLDER_MODELS = frozenset({"chirp-v3-5", "chirp-v4-0"})


class UdioRequest(WireModel):
    """A music request of udioapi.pro, already checked by the rules of its pages.

    Wire contract: ``POST /api/v2/generate`` (``api="v2"``) and ``POST /api/generate``
    (``"callback"``, and ``"token"`` for its oldest form). Without ``custom_mode`` the mode
    follows from the field that is sent: ``prompt`` is what is sung, ``gpt_description_prompt``
    what the music should be. There is no length, format or seed.

    Raises
    ------
    RequestRejected
        The request breaks a rule; ``issues`` has all that were found.
    """

    model_config = ConfigDict(extra="forbid")
    makes: ClassVar[str] = "music"
    """``"music"`` or ``"picture"``: what comes of it."""

    gpt_description_prompt: str | None = None
    """What the music should be, in words; up to 400 characters for chirp-v3-5 and -v4-0."""
    prompt: str | None = None
    """What is sung (custom mode); up to 3000 characters, 5000 for newer models."""
    style: str | None = None
    """Style words (custom mode); up to 200 characters, 1000 for newer models."""
    title: str | None = None
    """Title of the tracks; up to 80 characters."""
    tags: str | None = None
    """What to keep OUT: in requests, tags are negative."""
    gender: Literal["male", "female"] | None = None
    """Voice."""
    make_instrumental: bool | None = None
    """True for no singing."""
    custom_mode: bool | None = None
    """Older pages only: whether style, title and prompt are given, or a prompt alone."""
    model: str | None = None
    """Such as ``"chirp-v4-5"``; names unknown here are let through, new ones appear."""
    style_weight: float | None = None
    """How strictly the style is followed, 0 to 1, two decimals."""
    weirdness_constraint: float | None = None
    """How far the music may stray, 0 to 1, two decimals."""
    audio_weight: float | None = None
    """How much given audio counts, 0 to 1, two decimals."""
    cluster: str | None = None
    """Older pages only: ``"default"``."""
    continue_clip_id: str | None = None
    """Oldest form only: the track to go on from."""
    continue_at: float | None = None
    """Oldest form only: where to go on, in seconds."""
    callback_url: str | None = None
    """Public address that takes the service's reports (POST)."""
    disable_callback: bool | None = None
    """Oldest form only: True to poll instead."""
    api: Api = Field(default="v2", exclude=True)
    """Which generation of the API is meant; never on the wire."""

    def __init__(self, /, **data: Any) -> None:
        if "token" in data:
            expected = (
                "The key does not belong into a request: connect('udio', api_key=…) sends it."
            )
            raise RequestRejected(Issue("token", "secret_in_request", None, expected))
        super().__init__(**data)

    @classmethod
    def model_validate(cls, obj: Any, **kwargs: Any) -> Self:
        """Make a request from a decoded wire body; a ``token`` in it is left behind.

        Raises
        ------
        RequestRejected
            With everything that is wrong with the body.
        """
        if isinstance(obj, Mapping) and "token" in obj:
            obj = {name: value for name, value in obj.items() if name != "token"}
            obj = {"api": "token", **obj} if cls is UdioRequest else obj
        return super().model_validate(obj, **kwargs)

    @property
    def provider_name(self) -> str | None:
        """Who makes the music: Suno's models under chirp names, Udio's under its own."""
        return {"chirp": "suno", "udio": "udio"}.get((self.model or "").strip().partition("-")[0])

    def ineffective(self) -> list[str]:
        """Return the fields the service is known to ignore, each with the reason."""
        lines = []
        if self.custom_mode is None and self.prompt and self.gpt_description_prompt:
            lines.append("gpt_description_prompt: prompt is given too, and decides the mode")
        said = self.style and self.style in (self.gpt_description_prompt or "")
        if self.custom_mode is None and not self.prompt and self.style and not said:
            lines.append("style: documented only together with prompt (custom mode)")
        for name in ("disable_callback", "continue_clip_id", "continue_at"):
            if self.api != "token" and getattr(self, name) is not None:
                lines.append(f'{name}: only the oldest form knows it (api="token")')
        if self.api == "v2" and self.callback_url is not None:
            lines.append('callback_url: /api/v2/generate documents none (api="callback" does)')
        return lines

    def to_wire(self) -> dict[str, Any]:
        """Return what is posted, less the token: a fresh copy, yours to change."""
        wire = super().to_wire()
        wire.pop("api", None)
        return wire

    def _keywords(self) -> dict[str, Any]:
        return {**self.to_wire(), **({"api": self.api} if self.api != "v2" else {})}

    @classmethod
    def _issues(cls, wire: Any) -> Iterable[Issue]:
        if not isinstance(wire, dict):
            return [in_words(wrong_type("object", wire, ()))]
        return list(shape(wire, cls._checks())) or list(cls._rules(wire))

    @classmethod
    def _checks(cls) -> Mapping[str, Check]:
        """Return what each field takes; there are no others."""
        return _FIELDS

    @classmethod
    def _rules(cls, wire: dict[str, Any]) -> Iterator[Issue]:
        """Yield what else is wrong with fields that are each what they should be."""
        yield from check_model(wire)
        yield from check_mode(wire)
        yield from check_lengths(wire)
        yield from check_weights(wire)
        yield from check_callback(wire)


def wrong_type(expected: str, value: Any, path: tuple[str | int, ...]) -> SchemaIssue:
    """Return the issue of a value of another type."""
    message = f"Invalid input: expected {expected}, received {type(value).__name__}"
    return SchemaIssue(path, "invalid_type", message, value)


def seconds(value: Any, path: tuple[str | int, ...]) -> list[SchemaIssue]:
    """Check for a place in time: a number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return [wrong_type("number", value, path)]
    small = "Too small: expected number to be >=0"
    return [] if value >= 0 else [SchemaIssue(path, "too_small", small, value)]


_FIELDS: dict[str, Check] = {
    "gpt_description_prompt": text(),
    "prompt": text(),
    "style": text(),
    "title": text(),
    "tags": text(),
    "gender": one_of("male", "female"),
    "make_instrumental": boolean,
    "custom_mode": boolean,
    "model": text(),
    "style_weight": weight,
    "weirdness_constraint": weight,
    "audio_weight": weight,
    "cluster": text(),
    "continue_clip_id": text(at_least=1),
    "continue_at": seconds,
    "callback_url": text(),
    "disable_callback": boolean,
    "api": one_of(*_APIS),
}


def shape(wire: dict[str, Any], checks: Mapping[str, Check]) -> Iterator[Issue]:
    """Yield what is not of its type, and what is no field."""
    for name, check in checks.items():
        if name in wire:
            yield from map(in_words, check(wire[name], (name,)))
    for name in wire:
        if name not in checks:
            hint = suggest(name, checks)
            expected = f"udioapi.pro documents no such field.{hint}"
            yield Issue(name, "unrecognized_keys", wire[name], expected)


def check_model(wire: dict[str, Any]) -> Iterator[Issue]:
    """Yield a model that is no name."""
    model = wire.get("model")
    if model is not None and is_blank(model):
        expected = 'Name a model, such as "chirp-v4-5", or leave it out.'
        yield Issue("model", "model_required", model, expected)


def check_weights(wire: dict[str, Any]) -> Iterator[Issue]:
    """Yield weights that are finer than the service takes them."""
    for name in ("style_weight", "weirdness_constraint", "audio_weight"):
        if name in wire and round(wire[name], 2) != wire[name]:
            expected = f"Up to two decimals, such as {round(wire[name], 2)}."
            yield Issue(name, "too_many_decimals", wire[name], expected)


def check_mode(wire: dict[str, Any]) -> Iterator[Issue]:
    """Yield what the table custom × instrumental, or the newer rule without it, misses."""
    custom = wire.get("custom_mode")
    if custom is None:
        if wire.get("api") == "token":
            yield from required(wire, ("prompt",), "The oldest form always needs")
        elif is_blank(wire.get("prompt")) and is_blank(wire.get("gpt_description_prompt")):
            field = "prompt" if "prompt" in wire else "gpt_description_prompt"
            expected = "Give gpt_description_prompt (what it should be) or prompt (what is sung)."
            yield Issue(field, NOTHING_TO_MAKE, wire.get(field), expected)
    elif not custom:
        yield from required(wire, ("prompt",), "With custom_mode off, udioapi.pro needs")
    elif wire.get("make_instrumental"):
        lead = "With custom_mode and make_instrumental on, udioapi.pro needs"
        yield from required(wire, ("style", "title"), lead)
    else:
        lead = "With custom_mode on, udioapi.pro needs"
        yield from required(wire, ("style", "prompt", "title"), lead)


def required(wire: dict[str, Any], names: tuple[str, ...], lead: str) -> Iterator[Issue]:
    """Yield those of some fields that are missing or blank; ``lead`` begins the sentence."""
    for name in names:
        if is_blank(wire.get(name)):
            expected = f"{lead} {' and '.join(names)}."
            yield Issue(name, f"{name} is required", wire.get(name), expected)


def check_lengths(wire: dict[str, Any]) -> Iterator[Issue]:
    """Yield texts that are longer than the model takes them."""
    model = (wire.get("model") or "").strip().lower()
    limits = _OLDER if model.replace(".", "-") in _OLDER_MODELS else _NEWER
    for name, limit in limits.by_field.items():
        size = length(wire.get(name) or "")
        if limit is not None and size > limit:
            of = f" of {model}" if limits is _OLDER and name != "title" else ""
            expected = f"At most {limit} characters{of}; this has {size}."
            yield Issue(name, TOO_LONG, wire[name], expected)


def check_callback(wire: dict[str, Any]) -> Iterator[Issue]:
    """Yield an address for callbacks that is missing, or that nobody outside can reach."""
    url = wire.get("callback_url")
    if url is None:
        if wire.get("api") == "callback" and not wire.get("disable_callback"):
            expected = 'With api="callback", udioapi.pro needs an address it can reach.'
            yield Issue("callback_url", "callback_url is required", None, expected)
    elif not is_public(url):
        expected = "udioapi.pro must reach it: http or https, no localhost, no private address."
        yield Issue("callback_url", "invalid_callback_url", url, expected)


def is_public(url: str) -> bool:
    """Whether an address is http(s) and not plainly of this machine or a private network."""
    if not is_url(url) or url != url.strip():
        return False
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
    except ValueError:
        return False
    if parts.scheme.lower() not in ("http", "https") or not host or parts.username is not None:
        return False
    address = _as_address(host)
    if address is not None:
        return address.is_global and not address.is_multicast
    local = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
    return "." in host and not host.endswith(local)


def _as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read every spelling of an address that a browser would: ``2130706433``, ``0x7f.1``."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        parts = host.split(".")
        try:
            numbers = [_number(part) for part in parts]
        except ValueError:
            return None
        value = sum(number << 8 * (3 - i) for i, number in enumerate(numbers[:-1])) + numbers[-1]
        return ipaddress.IPv4Address(value % 2**32)
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return mapped or address


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8 if len(part) > 1 and part.startswith("0") else 10)
