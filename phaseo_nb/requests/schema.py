"""The gateway's request schema, with its own codes and wording.

One source of truth for :class:`~phaseo_nb.MusicRequest` and for the sandbox. Wire contract:
``MusicGenerateSchema`` of the gateway (``phaseoteam/Phaseo:apps/api/src/core/schemas.ts``) and
the page ``apps/docs/v1/api-reference/endpoint/music-generate.mdx``; codes and messages are those
of zod 4. Unknown top-level keys are dropped there, so they are not an issue here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ._json import length
from ._weburl import is_url

Path = tuple[str | int, ...]
MAX_SAFE_INTEGER = 2**53 - 1


class SchemaIssue(NamedTuple):
    """One thing the schema refuses."""

    path: Path
    """Where, in the wire's spelling; ``()`` is the whole body."""
    code: str
    """zod's word, such as ``"invalid_type"`` or ``"too_big"``."""
    message: str
    """zod's sentence, such as ``"Too big: expected number to be <=1"``."""
    value: Any
    """What was there; ``None`` also where nothing was."""


def check_schema(body: Any) -> list[SchemaIssue]:
    """Return what the gateway's schema refuses in a decoded JSON body, in its order.

    Parameters
    ----------
    body
        Any JSON value. An empty list as the answer means that the schema accepts it.
    """
    return list(_BODY(body, ()))


def describe(issue: SchemaIssue) -> str:
    """Return the sentence the gateway puts into ``description``."""
    where = dotted(issue.path)
    return f"{issue.message} at {where}" if where else issue.message


def dotted(path: Path) -> str:
    """Return a path as text: ``suno.styleWeight``, ``provider.only.1``."""
    return ".".join(map(str, path))


Check = Callable[[Any, Path], "Sequence[SchemaIssue]"]
_MISSING: Any = type("Missing", (), {"__repr__": lambda self: "nothing"})()


def _kind(value: Any) -> str:
    """Name a value's type as zod does."""
    if value is _MISSING:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _is_number(value: Any) -> bool:
    """Whether zod takes it as a number: what JavaScript reads as Infinity is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _issue(path: Path, code: str, message: str, value: Any) -> list[SchemaIssue]:
    return [SchemaIssue(path, code, message, None if value is _MISSING else value)]


def _wrong_type(expected: str, value: Any, path: Path) -> list[SchemaIssue]:
    message = f"Invalid input: expected {expected}, received {_kind(value)}"
    return _issue(path, "invalid_type", message, value)


def _text(*, at_least: int = 0, at_most: int | None = None) -> Check:
    def check(value: Any, path: Path) -> list[SchemaIssue]:
        issues: list[SchemaIssue] = []
        size, noun, unit = at_least, "string", ""
        if isinstance(value, str):
            size, unit = length(value), "characters"
        else:
            issues += _wrong_type("string", value, path)
            if isinstance(value, list):  # zod measures whatever has a length, types or no types
                size, noun, unit = len(value), "array", "items"
        if size < at_least:
            message = f"Too small: expected {noun} to have >={at_least} {unit}"
            issues += _issue(path, "too_small", message, value)
        if at_most is not None and size > at_most:
            message = f"Too big: expected {noun} to have <={at_most} {unit}"
            issues += _issue(path, "too_big", message, value)
        return issues

    return check


def _url(value: Any, path: Path) -> list[SchemaIssue]:
    if not isinstance(value, str):
        return _wrong_type("string", value, path)
    return [] if is_url(value) else _issue(path, "invalid_format", "Invalid URL", value)


def _boolean(value: Any, path: Path) -> list[SchemaIssue]:
    return [] if isinstance(value, bool) else _wrong_type("boolean", value, path)


def _any_number(value: Any, path: Path) -> list[SchemaIssue]:
    return [] if _is_number(value) else _wrong_type("number", value, path)


def _positive_integer(value: Any, path: Path) -> list[SchemaIssue]:
    if not _is_number(value):
        return _wrong_type("number", value, path)
    if isinstance(value, float) and not value.is_integer():
        return _wrong_type("int", value, path)
    if value > MAX_SAFE_INTEGER:
        message = f"Too big: expected int to be <={MAX_SAFE_INTEGER}"
        return _issue(path, "too_big", message, value)
    issues = []
    if value < -MAX_SAFE_INTEGER:
        message = f"Too small: expected int to be >=-{MAX_SAFE_INTEGER}"
        issues += _issue(path, "too_small", message, value)
    if value <= 0:
        issues += _issue(path, "too_small", "Too small: expected number to be >0", value)
    return issues


def _weight(value: Any, path: Path) -> list[SchemaIssue]:
    if not _is_number(value):
        return _wrong_type("number", value, path)
    if value < 0:
        return _issue(path, "too_small", "Too small: expected number to be >=0", value)
    if value > 1:
        return _issue(path, "too_big", "Too big: expected number to be <=1", value)
    return []


def _one_of(*options: str) -> Check:
    message = "Invalid option: expected one of " + "|".join(f'"{option}"' for option in options)

    def check(value: Any, path: Path) -> list[SchemaIssue]:
        fits = isinstance(value, str) and value in options
        return [] if fits else _issue(path, "invalid_value", message, value)

    return check


def _literal(*numbers: int) -> Check:
    def check(value: Any, path: Path) -> list[SchemaIssue]:
        fits = _is_number(value) and value in numbers
        return [] if fits else _issue(path, "invalid_union", "Invalid input", value)

    return check


def _either(*checks: Check) -> Check:
    def check(value: Any, path: Path) -> list[SchemaIssue]:
        if any(not one(value, path) for one in checks):
            return []
        return _issue(path, "invalid_union", "Invalid input", value)

    return check


def _nullable(inner: Check) -> Check:
    return lambda value, path: [] if value is None else inner(value, path)


def _array(inner: Check) -> Check:
    def check(value: Any, path: Path) -> list[SchemaIssue]:
        if not isinstance(value, list):
            return _wrong_type("array", value, path)
        return [issue for i, item in enumerate(value) for issue in inner(item, (*path, i))]

    return check


def _record(inner: Check) -> Check:
    def check(value: Any, path: Path) -> list[SchemaIssue]:
        if not isinstance(value, dict):
            return _wrong_type("record", value, path)
        return [issue for key, item in value.items() for issue in inner(item, (*path, key))]

    return check


def _anything(value: Any, path: Path) -> list[SchemaIssue]:
    return []


class _Object:
    """An object whose known keys are checked; unknown ones pass unless it is strict."""

    def __init__(
        self, fields: Mapping[str, Check], *, required: Sequence[str] = (), strict: bool = False
    ) -> None:
        self.fields = dict(fields)
        self.required = frozenset(required)
        self.strict = strict

    def __call__(self, value: Any, path: Path) -> list[SchemaIssue]:
        if not isinstance(value, dict):
            return _wrong_type("object", value, path)
        issues: list[SchemaIssue] = []
        for name, check in self.fields.items():
            if name in value or name in self.required:
                issues += check(value.get(name, _MISSING), (*path, name))
        unknown = [name for name in value if name not in self.fields] if self.strict else []
        if unknown:
            names = ", ".join(f'"{name}"' for name in unknown)
            message = f"Unrecognized key{'s' if len(unknown) > 1 else ''}: {names}"
            issues += _issue(path, "unrecognized_keys", message, value)
        return issues


def _twins(fields: Mapping[str, Check]) -> dict[str, Check]:
    """Give each snake_case key its camelCase twin: the gateway takes both on the wire."""
    both: dict[str, Check] = {}
    for name, check in fields.items():
        both[name] = check
        both[camel_case(name)] = check
    return both


def camel_case(name: str) -> str:
    """Return ``style_weight`` as ``styleWeight``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


_PRICE = _Object(
    dict.fromkeys(
        ("prompt", "completion", "image", "audio", "request"), _either(_any_number, _text())
    )
)
_AMOUNT = _either(_any_number, _record(_any_number))
_FLAG = _nullable(_boolean)
_TEXTS = _array(_text())
ROUTING = _Object(
    _twins(
        {
            "mode": _nullable(_text()),
            "order": _TEXTS,
            "only": _TEXTS,
            "ignore": _TEXTS,
            "include_alpha": _boolean,
            "allow_fallbacks": _FLAG,
            "require_parameters": _FLAG,
            "required_execution_region": _nullable(_text()),
            "required_data_region": _nullable(_text()),
            "require_zero_data_retention": _FLAG,
            "data_collection": _nullable(_one_of("allow", "deny")),
            "zdr": _FLAG,
            "enforce_distillable_text": _FLAG,
            "quantizations": _nullable(_TEXTS),
            "sort": _nullable(_either(_text(), _record(_anything))),
            "max_price": _PRICE,
            "preferred_min_throughput": _AMOUNT,
            "preferred_max_latency": _AMOUNT,
            "diagnostics": _FLAG,
            "return_diagnostics": _FLAG,
        }
    )
)
SUNO = _Object(
    {
        **dict.fromkeys(("prompt", "style", "title"), _text()),
        **dict.fromkeys(("customMode", "instrumental"), _boolean),
        **dict.fromkeys(("personaId", "personaModel", "model", "negativeTags"), _text()),
        "vocalGender": _one_of("m", "f"),
        **dict.fromkeys(("styleWeight", "weirdnessConstraint", "audioWeight"), _weight),
        "callBackUrl": _url,
    }
)
ELEVENLABS = _Object(
    {
        "prompt": _text(),
        "composition_plan": _anything,
        "music_length_ms": _positive_integer,
        "model_id": _text(),
        "force_instrumental": _boolean,
        "store_for_inpainting": _boolean,
        "with_timestamps": _boolean,
        "sign_with_c2pa": _boolean,
        "output_format": _text(),
    }
)
AUDIO_SETTING = _Object(
    {
        "sample_rate": _literal(16_000, 24_000, 32_000, 44_100),
        "bitrate": _literal(32_000, 64_000, 128_000, 256_000),
        "format": _one_of("mp3", "wav", "pcm"),
    },
    strict=True,
)
MINIMAX = _Object(
    {
        "prompt": _text(at_most=2000),
        "lyrics": _text(at_most=3500),
        "stream": _boolean,
        "output_format": _one_of("url", "hex"),
        "lyrics_optimizer": _boolean,
        "is_instrumental": _boolean,
        "audio_url": _url,
        "audio_base64": _text(at_least=1),
        "cover_feature_id": _text(at_least=1),
        "audio_setting": AUDIO_SETTING,
    },
    strict=True,
)
DEBUG = _Object(
    {
        "enabled": _boolean,
        "echo_upstream_body": _boolean,
        **_twins({"return_upstream_request": _boolean, "return_upstream_response": _boolean}),
        "trace": _boolean,
        **_twins({"trace_level": _one_of("summary", "full")}),
    }
)
BETA = _Object(
    {
        **_twins({"openai_websocket_mode": _boolean}),
        "openai": _Object(_twins({"websocket_mode": _boolean})),
    }
)
_BODY = _Object(
    {
        "model": _text(at_least=1),
        "prompt": _text(),
        "duration": _positive_integer,
        "format": _one_of("mp3", "wav", "ogg", "aac"),
        "provider": ROUTING,
        "routing": ROUTING,
        "suno": SUNO,
        "elevenlabs": ELEVENLABS,
        "minimax": MINIMAX,
        "echo_upstream_request": _boolean,
        "debug": DEBUG,
        "beta": BETA,
    },
    required=("model",),
)
PASSED_RAW: Mapping[str, Check] = {"lyrics": _text(), "is_instrumental": _boolean, "meta": _boolean}
"""Top-level keys outside the schema that the gateway reads from the raw body all the same."""
KNOWN_KEYS = frozenset({*_BODY.fields, *PASSED_RAW})
PRICE_KEYS = frozenset(_PRICE.fields)
