"""Where the key meets the wire in a body, and is taken out of everything that returns."""

from __future__ import annotations

import html
import json
import re
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote

from pydantic import SecretStr

REPLACEMENT = "[key]"
_SHORTEST = 6  # shorter ones would tear holes into ordinary text


def encode_body(body: Any, key: SecretStr | None, auth: Literal["bearer", "body_token"]) -> bytes:
    """Return a body as JSON bytes, with the key as ``token`` where the service wants it there."""
    content = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    encoded = content.encode("utf-8", "replace")  # a lone surrogate has no UTF-8
    if auth == "body_token" and key is not None and encoded[-1:] == b"}":
        return _with_token(encoded, key)
    return encoded


def _with_token(encoded: bytes, key: SecretStr) -> bytes:
    comma = b"," if encoded != b"{}" else b""
    return encoded[:-1] + comma + b'"token":' + json.dumps(key.get_secret_value()).encode() + b"}"


def scrub_bytes(data: bytes, key: SecretStr | None) -> bytes:
    """Replace the key in a body, however the program that echoed it writes such signs."""
    if key is None or len(key.get_secret_value()) < _SHORTEST:
        return data
    for form in _forms(key):
        if form.encode() in data:
            data = data.replace(form.encode(), REPLACEMENT.encode())
    return data


def scrub(text: str, key: SecretStr | None) -> str:
    """Replace the key in a message."""
    if key is None or len(key.get_secret_value()) < _SHORTEST:
        return text
    for form in _forms(key):
        text = text.replace(form, REPLACEMENT)
    return text


@lru_cache(maxsize=8)
def _forms(key: SecretStr) -> tuple[str, ...]:
    """Return the key in each way in which programs write such signs: JSON, HTML, addresses."""
    plain = key.get_secret_value()
    written = json.dumps(plain)[1:-1]
    address = quote(plain, safe="")
    forms = {plain, written, written.replace("/", "\\/"), html.escape(plain), address}
    forms.add(re.sub("%..", lambda sign: sign[0].lower(), address))
    # JSON may write any sign as its number; Go and .NET do so with <, >, & and +.
    for which in (".", "[^A-Za-z0-9]", "[^A-Za-z0-9._~/=-]"):
        for digits in ("04x", "04X"):
            forms.add(re.sub(which, lambda sign, d=digits: f"\\u{ord(sign[0]):{d}}", plain))
    return tuple(forms)


def detached(error: Exception, key: SecretStr | None) -> Exception:
    """Return a copy of a network error that can be shown: no key, no request, no frames.

    The frames below httpx hold the raw header bytes as local variables, and IPython's verbose
    tracebacks print those.
    """
    message = scrub(str(error), key) or type(error).__name__
    try:
        return type(error)(message)
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {message}")
