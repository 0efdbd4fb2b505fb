"""The address ranges that are not the public internet: a fixed list, the same on every Python.

``ipaddress.is_global`` follows registries as old as the Python that runs, and calls multicast
and ``64:ff9b::7f00:1`` public. Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries
(https://www.iana.org/assignments/iana-ipv4-special-registry/,
https://www.iana.org/assignments/iana-ipv6-special-registry/), the multicast address registries,
RFC 5214 (ISATAP), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 9637 (``3fff::/20``). Ranges that the
registries call reachable but which serve infrastructure (AS112, AMT, relays) are refused as well.
"""

from __future__ import annotations

import ipaddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_IPV4 = [
    (ipaddress.IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/32", "unspecified"),
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "private"),  # shared by the customers of one provider
        ("127.0.0.0/8", "this machine"),
        ("168.63.129.16/32", "a service of the cloud"),  # Azure's agent and DNS
        ("169.254.0.0/16", "link-local"),  # the metadata services of the clouds
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "infrastructure"),
        ("192.52.193.0/24", "infrastructure"),
        ("192.88.99.0/24", "a relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "infrastructure"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
]

_IPV6 = [
    (ipaddress.IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "unspecified"),
        ("::1/128", "this machine"),
        ("64:ff9b:1::/48", "private"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
        ("2001::/32", "a tunnel"),  # Teredo
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("2620:4f:8000::/48", "infrastructure"),
        ("3fff::/20", "documentation"),
    )
]
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # nothing else is given to anybody
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def range_of(address: IPAddress) -> str | None:
    """Return what kind of special address this is, or ``None`` for an ordinary one."""
    if isinstance(address, ipaddress.IPv4Address):
        return next((kind for network, kind in _IPV4 if address in network), None)
    kind = next((kind for network, kind in _IPV6 if address in network), None)
    return kind or (None if address in GLOBAL_UNICAST else "not public")


def embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that packets to an IPv6 address end up at, where there is one."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    number = int(address)
    if address in _NAT64:
        return ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    if address in GLOBAL_UNICAST and (number >> 32) & 0xFFFF_FFFF in _ISATAP:
        return ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    return None
