"""Which addresses audio may be fetched from: rules only, no network.

An ``audio_url`` is somebody else's text. Followed blindly it could read the cloud's metadata
service, a router, a notebook server on this machine, or a file. So: ``https`` to public hosts and
nothing else, except the origin of the gateway that the user has chosen, which may be a sandbox on
this machine. What a name resolves to is checked where the connection is made (``pinned.py``).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

import httpx

from ..errors import AudioError
from ..settings.addresses import LONGEST, literal_address

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"https": 443, "http": 80}
_PRIVATE_NAMES = ("localhost", "local", "internal", "localdomain", "lan", "home.arpa", "intranet")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")


class Origin(NamedTuple):
    """Scheme, host and port: what may be reached although it is not public."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str | httpx.URL) -> Origin:
        """Return the origin of a URL, with the port it has by default."""
        url = httpx.URL(url)
        host = url.raw_host.decode("ascii").strip("[]").rstrip(".")
        return cls(url.scheme, host, url.port or _PORTS.get(url.scheme, 0))


def check_url(url: object, *, own: Origin | None = None) -> httpx.URL:
    """Return an audio address that may be asked for, without its fragment.

    Parameters
    ----------
    url
        Text from outside, or a redirect's target.
    own
        The configured gateway's origin, which is let through wherever it is.

    Raises
    ------
    AudioError
        Not ``https``, a user name inside, a port of another service, or a host that is private.
    """
    if isinstance(url, httpx.URL):
        url = str(url)
    if not isinstance(url, str) or not url.strip():
        raise _refused(str(url), "it is no address")
    text = url.strip()
    if len(text) > LONGEST:
        raise _refused(text, f"it is {len(text)} characters long")
    if any(character <= " " or character in "\\\x7f" for character in text):
        raise _refused(text, "it has a blank, a control character or a backslash inside")
    try:
        parsed = httpx.URL(text)
        origin = Origin.of(parsed)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise _refused(text, "it cannot be read") from None
    if parsed.userinfo:
        raise _refused(text, "it holds a user name or password")
    if not origin.host or parsed.scheme not in _PORTS:
        raise _refused(text, "audio is fetched over https only")
    if origin != own:
        _check_foreign(text, parsed, origin)
    return parsed.copy_with(fragment=None)


def _check_foreign(text: str, url: httpx.URL, origin: Origin) -> None:
    if url.scheme != "https":
        raise _refused(text, "audio is fetched over https only")
    if origin.port not in (443, 80):
        raise _refused(text, f"port {origin.port} is not a port of the web")
    name = origin.host.lower()
    address = literal_address(name)
    if address is not None:
        reason = why_not_public(address)
        if reason:
            raise _refused(text, f"{origin.host} is {reason}")
    elif any(name == private or name.endswith(f".{private}") for private in _PRIVATE_NAMES):
        raise _refused(text, f"{origin.host} is a name inside a private network")


def why_not_public(address: str | IPAddress) -> str | None:
    """Say why an IP address must not be reached, or ``None`` for a public one.

    Addresses inside others (IPv4-mapped, NAT64, 6to4, Teredo) are looked at as well:
    ``is_global`` alone calls ``64:ff9b::7f00:1`` and multicast public.
    """
    if isinstance(address, str):
        try:
            address = ipaddress.ip_address(address.split("%")[0])
        except ValueError:
            return "no address"
    if isinstance(address, ipaddress.IPv6Address):
        inner = list(_embedded(address))
        for embedded in inner:
            reason = why_not_public(embedded)
            if reason:
                return f"{reason} inside {address}"
        if inner:
            return None
        if address in _NAT64_LOCAL or address.is_site_local:
            return "private"
    return _kind(address)


def _embedded(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _kind(address: IPAddress) -> str | None:
    kinds = (
        ("unspecified", address.is_unspecified),
        ("this machine", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("private", address.is_private),
        ("reserved", address.is_reserved),
        ("not public", not address.is_global),
    )
    return next((name for name, holds in kinds if holds), None)


def _refused(url: str, reason: str) -> AudioError:
    return AudioError(
        f"The audio address {shown(url)} was not fetched: {reason}. The gateway gave this address; "
        "ask for the job again, and tell the service if it stays like this."
    )


def shown(url: str, limit: int = 80) -> str:
    """Return an address for a message: no query (it may be signed), no user name, no controls."""
    head = url.strip().split("?")[0].split("#")[0]
    scheme, slashes, rest = head.partition("://")
    host, slash, path = rest.partition("/")
    clean = scheme + slashes + host.rpartition("@")[2] + slash + path if slashes else head
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in clean)
    return printable if len(printable) <= limit else f"{printable[:limit]}…"
