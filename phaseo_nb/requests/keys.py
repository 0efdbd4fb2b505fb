"""When two requests are the same one."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from ._checks import camel_case
from ._json import canonical, trim
from .phaseo import MusicRequest
from .udio import UdioRequest

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LEFT_OUT = ("debug", "echo_upstream_request", "callback_url", "disable_callback", "token")


def request_key(request: MusicRequest | UdioRequest, *, gateway: str, base_url: str) -> str:
    """Return the name under which a request is kept: equal for equal wishes at one place.

    Callback addresses, secrets, ``debug`` and ``echo_upstream_request`` do not count; neither
    do key order, the spelling of ``provider`` keys, ``8.0`` for ``8``, blanks around the model,
    or option objects with nothing in them.

    Parameters
    ----------
    request
        What would be posted.
    gateway, base_url
        Where: the gateway's name and the address of its API.

    Returns
    -------
    str
        SHA-256 in hex.
    """
    text = meaning_text(request, gateway=gateway, base_url=base_url)
    return hashlib.sha256(text.encode()).hexdigest()


def meaning_text(request: MusicRequest | UdioRequest, *, gateway: str, base_url: str) -> str:
    """Return the text that :func:`request_key` is the hash of: ASCII, one text per meaning."""
    return canonical([gateway, _address(base_url), _meaning(request.to_wire())])


def _meaning(body: dict[str, Any]) -> dict[str, Any]:
    body = {name: value for name, value in body.items() if name not in _LEFT_OUT}
    if "model" in body:
        body["model"] = trim(body["model"])
    if "suno" in body:
        body["suno"] = {key: item for key, item in body["suno"].items() if key != "callBackUrl"}
    for name in ("provider", "routing"):
        if name in body:
            body[name] = _one_spelling(body[name])
    return {name: value for name, value in body.items() if value != {}}


def _one_spelling(options: dict[str, Any]) -> dict[str, Any]:
    camel = {camel_case(key): item for key, item in options.items() if "_" not in key}
    return {**camel, **{camel_case(key): item for key, item in options.items() if "_" in key}}


@lru_cache(maxsize=64)
def _address(base_url: str) -> str:
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
    except ValueError:
        return base_url.strip()
    host = (parts.hostname or "").lower()
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme.lower()):
        host = f"{host}:{port}"
    return f"{parts.scheme.lower()}://{host}{parts.path.rstrip('/')}"
