"""What JavaScript's ``new URL()`` accepts (WHATWG URL standard, absolute URLs only).

Python's ``urlsplit`` answers another question: it takes ``https://`` and refuses odd ports only
when asked. The gateways refuse by this one.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from ._json import trim

_SPECIAL = frozenset({"http", "https", "ws", "wss", "ftp"})
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.\-]*):")
_HOST_NEVER = frozenset("\0\t\n\r #/:<>?@[\\]^|")
_DOMAIN_NEVER = _HOST_NEVER | frozenset(map(chr, range(0x20))) | frozenset("%\x7f")
_C0_AND_SPACE = "".join(map(chr, range(0x21)))


def is_url(text: str) -> bool:
    """Whether ``new URL(text.trim())`` succeeds."""
    text = re.sub(r"[\t\n\r]", "", trim(text).strip(_C0_AND_SPACE))
    match = _SCHEME.match(text)
    if match is None:
        return False
    scheme, rest = match.group(1).lower(), text[match.end() :]
    if scheme == "file":
        return _is_file(rest)
    if scheme in _SPECIAL:
        return _is_authority(re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0], special=True)
    if rest.startswith("//"):
        return _is_authority(re.split(r"[/?#]", rest[2:], maxsplit=1)[0], special=False)
    return True


def _is_file(rest: str) -> bool:
    if not re.match(r"[/\\]{2}", rest):
        return True
    host = re.split(r"[/\\?#]", rest[2:], maxsplit=1)[0]
    return not host or bool(re.fullmatch(r"[a-zA-Z][:|]", host)) or _is_domain(host)


def _is_authority(authority: str, *, special: bool) -> bool:
    credentials, at, host = authority.rpartition("@")
    if at and not host:
        return False
    bracket = host.rfind("]")
    colon = host.find(":", bracket + 1)
    name, port = (host, "") if colon < 0 else (host[:colon], host[colon + 1 :])
    if port and not _is_port(port):
        return False
    if name.startswith("["):
        return _is_ipv6(name)
    if special:
        return bool(name) and _is_domain(name)
    return not (not name and (credentials or port or colon >= 0)) and not _HOST_NEVER & set(name)


def _is_port(port: str) -> bool:
    significant = port.lstrip("0")
    digits = bool(re.fullmatch(r"[0-9]+", port))
    return digits and len(significant) <= 5 and int(port) <= 65535


def _is_domain(host: str) -> bool:
    if host.startswith("["):
        return _is_ipv6(host)
    try:
        domain = unquote(host, errors="strict")
    except UnicodeDecodeError:
        return False
    domain = unicodedata.normalize("NFKC", domain).replace("\u00ad", "").replace("\u200b", "")
    domain = re.sub("[\u3002\uff0e\uff61]", ".", domain).lower()
    if not domain or _DOMAIN_NEVER & set(domain):
        return False
    labels = domain.split(".")
    if labels[-1] == "" and len(labels) > 1:
        labels.pop()
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        return _is_ipv4(labels)
    return all(_is_label(label) for label in labels)


def _is_label(label: str) -> bool:
    if not label.startswith("xn--"):
        return True
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, IndexError, OverflowError):
        return False
    return decoded.isprintable() and not decoded.isascii()


def _is_ipv4(parts: list[str]) -> bool:
    try:
        numbers = [_ipv4_number(part) for part in parts]
    except ValueError:
        return False
    fits = all(number <= 255 for number in numbers[:-1])
    return len(numbers) <= 4 and fits and numbers[-1] < 256 ** (5 - len(numbers))


def _ipv4_number(part: str) -> int:
    if not part or len(part) > 40:
        raise ValueError(part[:40])
    if part.startswith("0x"):
        return int(part[2:], 16) if part[2:] else 0
    return int(part, 8) if len(part) > 1 and part.startswith("0") else int(part, 10)


def _is_ipv6(host: str) -> bool:
    if not host.endswith("]") or not re.fullmatch(r"[0-9a-fA-F:.]+", host[1:-1]):
        return False
    import ipaddress  # only ever needed for this rare kind of host

    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True
