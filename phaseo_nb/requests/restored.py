"""Requests that were checked and kept once, made again from what was kept."""

from __future__ import annotations

from typing import Any

from .phaseo import MusicRequest
from .udio import UdioRequest


def restored_request(
    kind: str, body: dict[str, Any], *, api: str | None = None
) -> MusicRequest | UdioRequest:
    """Return the request of a kept wire body, without judging it again.

    The rules may have become stricter since, and a callback address is not kept, which the rules
    might miss: neither makes it another request.

    Parameters
    ----------
    kind
        ``"phaseo"`` or ``"udio"``.
    body
        What ``to_wire()`` gave.
    api
        Which generation of udioapi.pro was meant.
    """
    if kind == "udio":
        about = {**body, **({"api": api} if api and api != "v2" else {})}
        return UdioRequest._from_wire(about, is_checked=True)
    return MusicRequest._from_wire(body, is_checked=True)
