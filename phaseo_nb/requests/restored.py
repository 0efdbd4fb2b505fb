"""Requests that were checked and kept once, made again from what was kept."""

from __future__ import annotations

from typing import Any

from .phaseo import MusicRequest
from .udio import UdioRequest
from .udio_more import KINDS


def restored_request(
    kind: str, body: dict[str, Any], *, api: str | None = None, model: str | None = None
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
        Which generation of udioapi.pro was meant, or which of its other routes.
    model
        Of an :class:`ExtendRequest`, which knows it although it is not on the wire.
    """
    if kind == "udio":
        about = {**body, **({"api": api} if api and api != "v2" else {})}
        if api == "extend" and model is not None:
            about["model"] = model
        return KINDS.get(api or "", UdioRequest)._from_wire(about, is_checked=True)
    return MusicRequest._from_wire(body, is_checked=True)
