"""Which addresses audio may be fetched from: rules only, no network.

An ``audio_url`` is somebody else's text. Followed blindly it could read the cloud's metadata
service, a router, a notebook server on this machine, or a file. So: ``https`` to public hosts and
nothing else, except the origin of the gateway that the user has chosen, which may be a sandbox on
this machine. What a name resolves to is checked where the connection is made (``pinned.py``).
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

import httpx

from ..errors import AudioError
from ..settings.addresses import LONGEST, has_odd_characters, literal_address, shown
from .special import GLOBAL_UNICAST, IPAddress, embedded, range_of

_PORTS = {"https": 443, "http": 80}
_PRIVATE_NAMES = ("localhost", "local", "internal", "localdomain", "lan", "home.arpa", "intranet")


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
        port = _PORTS.get(url.scheme, 0) if url.port is None else url.port
        return cls(url.scheme, host, port)


def check_url(url: object, *, own: Origin | None = None, what: str = "audio") -> httpx.URL:
    """Return an audio address that may be asked for, without its fragment.

    Parameters
    ----------
    url
        Text from outside, or a redirect's target.
    own
        The configured gateway's origin, which is let through wherever it is.
    what
        What is to be had there, for messages.

    Raises
    ------
    AudioError
        Not ``https``, a user name inside, a port of another service, or a host that is private.
    """
    if isinstance(url, httpx.URL):
        url = str(url)
    if not isinstance(url, str) or not url.strip():
        raise _refused(str(url), "it is no address", what)
    text = url.strip()
    if len(text) > LONGEST:
        raise _refused(text, f"it is {len(text)} characters long", what)
    if has_odd_characters(text):
        raise _refused(text, "it has a blank, a control character or a backslash inside", what)
    try:
        parsed = httpx.URL(text)
        origin = Origin.of(parsed)
        _ = parsed.host  # of "xn--a" there is no other spelling, which httpx finds out too late
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise _refused(text, "it cannot be read", what) from None
    authority = re.split(r"[/?#]", text.partition("//")[2], maxsplit=1)[0]
    if parsed.userinfo or "@" in authority:
        raise _refused(text, "it holds a user name or password", what)
    if "%" in authority:
        raise _refused(text, "its host is written in disguise", what)
    if not origin.host or parsed.scheme not in _PORTS:
        raise _refused(text, f"{what} is fetched over https only", what)
    if origin != own:
        _check_foreign(text, parsed, origin, what)
    return parsed.copy_with(fragment=None)


def _check_foreign(text: str, url: httpx.URL, origin: Origin, what: str) -> None:
    if url.scheme != "https":
        raise _refused(text, f"{what} is fetched over https only", what)
    if origin.port != 443:
        raise _refused(text, f"port {origin.port} is not the port of https", what)
    name = origin.host.lower()
    address = literal_address(name)
    if address is not None:
        reason = why_not_public(address)
        if reason:
            raise _refused(text, f"{origin.host} is {reason}", what)
    elif re.fullmatch(r"[0-9]+|0x[0-9a-f]*", name.rpartition(".")[2]):
        raise _refused(text, f"{origin.host[:80]} is neither a name nor an address", what)
    elif any(name == private or name.endswith(f".{private}") for private in _PRIVATE_NAMES):
        raise _refused(text, f"{origin.host} is a name inside a private network", what)


def why_not_public(address: str | IPAddress) -> str | None:
    """Say why an IP address must not be reached, or ``None`` for a public one.

    Addresses inside others (IPv4-mapped, NAT64, 6to4, ISATAP) are looked at as well. See
    ``special.py`` for the ranges.
    """
    if isinstance(address, str):
        try:
            address = ipaddress.ip_address(address.split("%")[0])
        except ValueError:
            return "no address"
    if isinstance(address, ipaddress.IPv4Address):
        return range_of(address)
    inner = embedded(address)
    reason = None if inner is None else range_of(inner)
    if reason:
        return f"{reason} inside {address}"
    is_wrapping = inner is not None and address not in GLOBAL_UNICAST  # mapped, NAT64
    return None if is_wrapping else range_of(address)


def _refused(url: str, reason: str, what: str) -> AudioError:
    return AudioError(
        f"The {what} address {shown(url)} was not fetched: {reason}. The gateway gave this "
        "address; ask for the job again, and tell the service if it stays like this."
    )
