"""What an address of a gateway may look like, and which hosts are this machine."""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from ..errors import SettingsError

LONGEST = 8192
"""Characters; no service writes longer addresses."""


def check_base_url(url: Any) -> str:
    """Return a base URL without its trailing slash: ``https``, or anything on this machine.

    Raises
    ------
    SettingsError
        It is no such address. The message leaves out user names and passwords.
    """
    if not isinstance(url, str):
        message = f"base_url is a {type(url).__name__}. Give an address such as {_EXAMPLE}."
        raise SettingsError(message)
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused(url, "it cannot be read as an address") from None
    problem = _problem(url, parts.scheme.lower(), host, port)
    if problem is None and "@" in url:  # also behind a slash: a password may hold one
        problem = "it holds a user name or password; a key goes into `api_key=`"
    if problem is None and (parts.query or parts.fragment):
        problem = "it has a query or fragment"
    if problem:
        raise _refused(url, problem)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


_EXAMPLE = '"https://api.phaseo.app/v1"'


def _problem(url: str, scheme: str, host: str, port: int | None) -> str | None:
    if not url:
        return "it is empty"
    if len(url) > LONGEST:
        return f"it is {len(url)} characters long"
    if has_odd_characters(url):
        return "it has a blank, a control character or a backslash inside"
    if scheme not in ("http", "https"):
        return "it does not begin with https://"
    if not host or port == 0:
        return "it names no host"
    if scheme == "http" and not is_loopback(host):
        return "the key would travel unencrypted; http is for this machine only"
    return None


def _refused(url: str, problem: str) -> SettingsError:
    return SettingsError(f"base_url = {shown(url)!r}: {problem}. Give one such as {_EXAMPLE}.")


_BARE_HOST = re.compile(r"(localhost|[\w-]+(\.[\w-]+)+)(:\d{1,5})?(/[\w./-]*)?")


def shown(url: str, limit: int = 80) -> str:
    """Return an address for a message: no query (it may be signed), no secrets, no controls.

    A password may hold ``/`` or ``?``, so nobody can tell by an ``@`` where it ends: then at most
    a host that cannot be part of one is shown. Text that is no address may be a key.
    """
    text = url.strip()
    scheme, slashes, rest = text.partition("://")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,20}", scheme if slashes else ""):
        bare = text.split("?")[0].split("#")[0]
        return _printable(bare, limit) if _BARE_HOST.fullmatch(bare) else "…"
    if "@" not in rest:
        return _printable(text.split("?")[0].split("#")[0], limit)
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    # With a colon it may be a user name and the beginning of a password.
    is_host = re.fullmatch(r"[\w-]+(\.[\w-]+)+", host) is not None
    return _printable(f"{scheme}://{host}/…" if is_host else f"{scheme}://…", limit)


def _printable(text: str, limit: int) -> str:
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean if len(clean) <= limit else f"{clean[:limit]}…"


_ODD = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})


def has_odd_characters(url: str) -> bool:
    """Tell whether an address has characters that are seen otherwise than they are read."""
    return "\\" in url or any(unicodedata.category(character) in _ODD for character in url)


def is_loopback(host: str) -> bool:
    """Tell whether a host name or literal address is this machine itself, without asking DNS."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = literal_address(host)
    return address is not None and address.is_loopback


def literal_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read a host that is an address: also decimal, octal, hexadecimal and short ones.

    ``getaddrinfo`` takes ``127.1``, ``0177.0.0.1``, ``0x7f.1`` and ``2130706433`` for
    127.0.0.1, so whoever checks addresses has to as well.
    """
    text = host.strip("[]").split("%")[0].rstrip(".")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    if not text or not set(text.lower()) <= set("0123456789abcdefx."):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text))
    except OSError:
        return None
