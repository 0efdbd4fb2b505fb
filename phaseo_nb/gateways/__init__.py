"""The two services' words: bodies and answers of each ⇄ requests and jobs. No network here.

A gateway says which :class:`~phaseo_nb.transport.messages.Call` to send and reads the
:class:`~phaseo_nb.transport.messages.Answer`. The sandbox speaks the phaseo wire, so it is no
gateway of its own.
"""

from __future__ import annotations

from ..errors import SettingsError
from .base import Gateway, ModelInfo
from .phaseo import PhaseoGateway
from .refusals import failure_message, may_resend
from .udio import UdioGateway, parse_callback

_GATEWAYS: dict[str, type[PhaseoGateway] | type[UdioGateway]] = {
    "phaseo": PhaseoGateway,
    "sandbox": PhaseoGateway,
    "udio": UdioGateway,
}


def get_gateway(name: str) -> Gateway:
    """Return the gateway of that name: ``"phaseo"``, ``"udio"``, or ``"sandbox"``.

    Raises
    ------
    SettingsError
        There is no such gateway.
    """
    try:
        return _GATEWAYS[name]()
    except KeyError:
        known = ", ".join(repr(known) for known in _GATEWAYS)
        message = f"There is no gateway {name!r}. Choose one of {known}."
        raise SettingsError(message) from None


__all__ = [
    "Gateway",
    "ModelInfo",
    "PhaseoGateway",
    "UdioGateway",
    "failure_message",
    "get_gateway",
    "may_resend",
    "parse_callback",
]
