"""Which public address leads where, for a sandbox that must not reach out to a real network."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

import httpx

Target: TypeAlias = (
    "str | httpx.AsyncBaseTransport | Callable[[Any, Any, Any], Awaitable[None]]"  # an ASGI app
)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Way(NamedTuple):
    """Where a public address leads."""

    shown: str
    """The address without its last and secret part: for people."""
    url: str
    """What is called; empty where nothing leads there."""
    transport: httpx.AsyncBaseTransport | None
    """What carries the call; ``None`` for a port of this machine."""


class Hosts:
    """Public addresses and what stands behind them, as a reverse proxy knows them.

    Safe to use from any thread.
    """

    def __init__(self, hosts: Mapping[str, Target] | None = None) -> None:
        self._lock = threading.Lock()
        self._targets: dict[str, str | httpx.AsyncBaseTransport] = {}
        for address, target in (hosts or {}).items():
            self.lead(address, target)

    def lead(self, address: str, target: Target) -> None:
        """Let what begins with ``address`` go to ``target``.

        Raises
        ------
        ValueError
            The address is no web address, or the target is not on this machine.
        TypeError
            The target is nothing that can be called.
        """
        prefix, checked = _prefix(address), _target(target)
        with self._lock:
            self._targets[prefix] = checked

    def way_to(self, url: str) -> Way:
        """Return where a public address leads; the longest entry decides."""
        origin, rest = _parted(url)
        with self._lock:
            fitting = [each for each in self._targets if _covers(each, origin + rest)]
            prefix = max(fitting, key=len, default=None)
            target = self._targets[prefix] if prefix is not None else None
        if prefix is None or target is None:
            return Way(f"{origin}/…", "", None)
        if isinstance(target, str):
            return Way(f"{prefix}/…", target + (origin + rest)[len(prefix) :], None)
        return Way(f"{prefix}/…", url, target)


def _covers(prefix: str, url: str) -> bool:
    """Whether a prefix ends where a part of the address ends, and nothing climbs out of it."""
    if not url.startswith(prefix) or url[len(prefix) : len(prefix) + 1] not in ("", "/", "?"):
        return False
    path = unquote(url[len(prefix) :].partition("?")[0]).replace("\\", "/")
    return not {".", ".."} & set(path.split("/"))


def _parted(url: str) -> tuple[str, str]:
    """Return scheme and host in lower case, and the rest without a fragment."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return "?", ""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    rest = parts.path + (f"?{parts.query}" if parts.query else "")
    return f"{parts.scheme.lower()}://{host}{port}", rest


def _prefix(address: str) -> str:
    parts = urlsplit(address)
    is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or not is_plain:
        message = (
            f"{address!r} is no public address. Give the beginning of a callback's URL, such as "
            '"https://music.example.org" or "https://example.org/callbacks".'
        )
        raise ValueError(message)
    origin, rest = _parted(address)
    return origin + rest.rstrip("/")


def _target(target: Target) -> str | httpx.AsyncBaseTransport:
    if isinstance(target, httpx.AsyncBaseTransport):
        return target
    if isinstance(target, str):
        parts = urlsplit(target)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK or parts.query:
            message = (
                f"{target!r} is not on this machine. A sandbox is offline: give an address such "
                'as "http://127.0.0.1:8123", or an ASGI application.'
            )
            raise ValueError(message)
        return target.rstrip("/")
    if callable(target):
        return httpx.ASGITransport(target, raise_app_exceptions=False)
    message = (
        f"{type(target).__name__} cannot be called. Give an address such as "
        '"http://127.0.0.1:8123", an ASGI application or an httpx transport.'
    )
    raise TypeError(message)
