"""The secret at the end of a callback's address, and the address.

Wire contract: ``callback_url`` of ``POST /api/generate`` (udioapi.pro,
``/doc/api/generate-with-callback``): http or https, no localhost, no private address. A callback
names no job and carries no signature, so the address itself has to say both.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import SettingsError

BASE = "PHASEO_NB_CALLBACK_BASE"
"""Environment variable with the public address that callbacks are sent below."""
_EXAMPLE = '"https://my.host/user/ann/phaseo-nb/callbacks"'
_LONGEST = 1000
"""Characters; a service may cut longer ones."""


def new_token() -> str:
    """Return a new token: 256 random bits as 43 characters that an address may hold."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """Return the SHA-256 of a token in hex: all of it that is ever kept. Takes any text."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def address(base: str, token: str) -> str:
    """Return the address a job's callbacks are sent to; ``base`` as :func:`check_base` gave it."""
    return f"{base}/{token}"


def check_base(base: Any, *, may_be_local: bool = False) -> str:
    """Return the public address that callbacks are sent below, without a trailing slash.

    Parameters
    ----------
    base
        Such as ``"https://my.host/user/ann/phaseo-nb/callbacks"``.
    may_be_local
        Whether this machine will do: for the sandbox, which runs on it.

    Raises
    ------
    SettingsError
        The service could not use it, or it would give away more than a callback address may. The
        message quotes no query, user name or password.
    """
    from ..settings.addresses import shown

    if not isinstance(base, str):
        message = f"callbacks is a {type(base).__name__}. Give an address such as {_EXAMPLE}."
        raise SettingsError(message)
    base = base.strip()
    problem = _problem(base, may_be_local)
    if problem:
        what = "The address for callbacks" if _has_login(base) else f"callbacks = {shown(base)!r}"
        message = f"{what} cannot be used: {problem}. Give one such as {_EXAMPLE}."
        raise SettingsError(message)
    parts = urlsplit(base)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _has_login(base: str) -> bool:
    return "token=" in unquote(base).lower()


def _problem(base: str, may_be_local: bool) -> str | None:
    from ..requests.udio import is_public
    from ..settings.addresses import has_odd_characters, is_loopback

    if not base:
        return "it is empty"
    if len(base) > _LONGEST:
        return f"it is {len(base)} characters long; {_LONGEST} will do"
    if has_odd_characters(base):
        return "it has a blank, a control character or a backslash inside"
    if _has_login(base):
        return (
            "it holds a `token=`. Whoever has a Jupyter token can run code on that server, and "
            "the service logs the address. Leave it out: callbacks have tokens of their own"
        )
    if "@" in base:
        return "it holds a user name or password, which the service would keep in its logs"
    if "?" in base or "#" in base:
        return "it has a query or fragment; the token goes behind it as one more part of the path"
    try:
        parts = urlsplit(base)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "it cannot be read as an address"
    if parts.scheme.lower() not in ("http", "https") or not host or port == 0:
        return "it does not begin with https:// and a host"
    if may_be_local and is_loopback(host):
        return None
    if not is_public(base):
        return (
            "udioapi.pro cannot reach it: it sends to public hosts only, not to this machine or a "
            "private network. Without a public address leave `callbacks` out; jobs are then polled"
        )
    if parts.scheme.lower() == "http":
        return "over http the token of each job would travel unencrypted; it has to be https"
    return None
