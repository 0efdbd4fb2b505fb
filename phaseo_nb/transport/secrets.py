"""Where the key meets the wire: put on at the last moment, taken out of everything that returns."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any, Literal

import httpx
from pydantic import SecretStr

REPLACEMENT = "[key]"
_SHORTEST = 6  # shorter ones would tear holes into ordinary text


class KeyAuth(httpx.Auth):
    """Adds the key while httpx sends, so that no frame of ours ever holds it as plain text."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header on one request."""
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request

    def __repr__(self) -> str:
        return "<KeyAuth>"

    def __reduce__(self) -> Any:
        message = "A key cannot be pickled or copied."
        raise TypeError(message)


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
    """Replace the key in a body, as it is and as JSON would write it."""
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


def _forms(key: SecretStr) -> set[str]:
    plain = key.get_secret_value()
    written = json.dumps(plain)[1:-1]
    return {plain, written, written.replace("/", "\\/")}


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
