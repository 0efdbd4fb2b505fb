"""Reading values nobody vouches for: texts, numbers, ids, embedded audio, and what may be kept.

Everything here takes any JSON value and never raises. What is not what it claims to be becomes
``None``; a text that goes into a message is cleaned, shortened and freed of keys first.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from typing import Any

from ..jobs import text_or_none

MAX_DEPTH = 60  # far below any recursion limit, far above anything the services send
MAX_ID = 512

_KEYS = re.compile(
    r"(?:phaseo|aistats)_v1_[a-z]{2}_[A-Za-z0-9_\-]+"
    r"|(?i:(?<=bearer )[A-Za-z0-9._~+/=\-]{8,})"
    r"|(?i:(?<=\"token\":\")[^\"]{4,})"
)
# What acts on a terminal, turns text around, or is not seen at all (Default_Ignorable_Code_Point).
# Joiners and single variation selectors stay: emoji and several scripts are spelled with them.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    "|(?<=[\ufe00-\ufe0f\U000e0100-\U000e01ef])[\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
)
_AUDIO_KEYS = frozenset({"audio_base64", "audiobase64", "audio", "data", "b64_json", "bytes"})
_HEX = re.compile(r"[0-9a-fA-F]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-]+={0,2}")


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a JSON object as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a JSON array, and nothing for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """Return a text that can be stored and shown, or ``None`` where it is blank or not text."""
    found = text_or_none(value)
    return None if found is None else whole(found)


def whole(value: str) -> str:
    """Replace halves of surrogate pairs: they break on every way out (files, sqlite, sockets)."""
    return value.encode("utf-8", "replace").decode("utf-8")


def identifier(value: Any) -> str | None:
    """Return an id as text: the services send words, a careless one may send a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**MAX_DEPTH else None
    found = text(value)
    return found.strip() if found is not None and len(found) <= MAX_ID else None


def number(value: Any) -> float | None:
    """Return a finite number that is not negative; texts that hold one count."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not (value.isascii() and "_" not in value):
        return None  # "1_000" and "٣" are numbers to Python, and to nobody else
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    # Plus nothing: of -0.0 it makes 0.0.
    return found + 0.0 if math.isfinite(found) and found >= 0 else None


def count(value: Any) -> int | None:
    """Return a whole number that is not negative and small enough to be a count."""
    found = number(value)
    return int(found) if found is not None and found == int(found) and found < 1e15 else None


def status_code(value: Any) -> int | None:
    """Return an HTTP-like status from a body field; ``"429"`` counts, ``True`` and 0 do not."""
    found = count(value)
    return found if found is not None and 100 <= found <= 599 else None


def said(value: Any, limit: int = 300) -> str | None:
    """Make a remote text fit for a message: one line, no control characters, no key, not long."""
    found = text(value)
    if found is None:
        return None
    line = " ".join(_CONTROLS.sub(" ", without_keys(found[: 4 * limit])).split())
    return (line[: limit - 1] + "…" if len(line) > limit else line) or None


def without_keys(value: str) -> str:
    """Cross out what looks like an API key, whoever echoed it."""
    return _KEYS.sub("[key]", value)


def storable(value: Any, *, depth: int = 0) -> Any:
    """Copy a JSON value so that it can be stored and shown.

    Embedded audio becomes a short marker, keys are crossed out, halves of surrogate pairs
    replaced, numbers that are none dropped, and what is nested beyond sense cut off.
    """
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, (dict, list)) and depth >= MAX_DEPTH:
        return "[nested too deep]"
    if isinstance(value, dict):
        return {
            without_keys(whole(str(key))): (
                _marker(item) if _is_audio_field(key, item) else storable(item, depth=depth + 1)
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [storable(item, depth=depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _storable_text(value: str) -> str:
    if value[:5].lower() == "data:" and len(value) > 64:
        return _marker(value)
    # A kilobyte without one blank is no lyric; the alphabet check needs only its beginning.
    if len(value) > 1024 and _BASE64.fullmatch(re.sub(r"[\r\n=]", "", value[:1024])):
        return _marker(value)
    return without_keys(whole(value))


def _is_audio_field(key: Any, value: Any) -> bool:
    if not isinstance(value, str) or str(key).lower() not in _AUDIO_KEYS or len(value) < 32:
        return False
    return bool(_BASE64.fullmatch("".join(value.split())))


def _marker(value: str) -> str:
    return f"[audio left out: {len(value)} characters]"


def embedded_audio(value: Any) -> bytes | None:
    """Decode audio that came inside the answer: a ``data:`` URI, hex or base64.

    MiniMax sends hex where it is asked to; the gateway turns most of it into base64, not all.
    """
    if not isinstance(value, str):
        return None
    payload = value.strip()
    if payload[:5].lower() == "data:":
        return _data_uri(payload)
    if payload[:16].lower().startswith(("http:", "https:")):
        return None
    # A base64 text of hex digits alone does not happen by chance: 16 of 64 letters, 64 times.
    compact = "".join(payload.split())
    if len(compact) >= 64 and len(compact) % 2 == 0 and _HEX.fullmatch(compact):
        return bytes.fromhex(compact)
    return _base64(compact)


def is_data_uri(value: Any) -> bool:
    """Tell whether a text carries its content in itself."""
    return isinstance(value, str) and value.lstrip()[:5].lower() == "data:"


def _data_uri(uri: str) -> bytes | None:
    head, comma, payload = uri.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        return None
    return _base64("".join(payload.split()))


def _base64(compact: str) -> bytes | None:
    if not compact or not compact.isascii():
        return None
    plain = compact.replace("-", "+").replace("_", "/").rstrip("=")
    if len(plain) % 4 == 1:
        return None
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None
