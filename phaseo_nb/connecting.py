"""``connect``: which gateway a notebook speaks to, and the session that cells use by default."""

from __future__ import annotations

import threading
from typing import Any

import httpx

from .errors import SettingsError
from .session import Session
from .settings import WIRES, Connection, in_sandbox_mode, resolve_connection
from .settings.keys import hide

_KEY_VARIABLES = " or ".join(wire.key_variable for wire in WIRES.values())

_default: Session | None = None
_default_lock = threading.Lock()


def connect(
    gateway: str = "auto",
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    model: str | None = None,
    library: Any = None,
    budget_usd: float | None = None,
    allow_unknown_price: bool = False,
    callbacks: str | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Session:
    """Choose the gateway that :func:`generate` and :func:`submit` use from now on.

    Parameters
    ----------
    gateway
        ``"phaseo"``, ``"udio"``, ``"sandbox"`` (offline, free) or ``"auto"``: the first one
        there is a key for (``PHASEO_API_KEY``, then ``UDIOAPI_KEY``), else the sandbox.
    api_key
        Better left to the environment or the keyring: a key in a cell is saved with the notebook.
    base_url
        Another address of the same service. ``https`` only, except on this machine.
    model
        Used where a request names none, such as ``"suno/v4.5"``. A paid gateway has no default.
    library, callbacks
        Not available yet: takes live in memory, and the services are polled.
    budget_usd
        The most that may be spent at this gateway while the kernel lives, in US dollars;
        connecting again does not fill it up.
    allow_unknown_price
        With a budget: let requests through whose price nobody knows.
    transport
        An ``httpx`` transport that carries API calls and audio alike, such as
        ``Sandbox().transport``.

    Returns
    -------
    Session

    Raises
    ------
    SettingsError
        A key, address or gateway name is missing or cannot be used. Nothing is sent by connecting.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> nb.connect("sandbox").gateway
    'sandbox'
    """
    key = hide(api_key)
    del api_key  # a verbose traceback prints every local variable it passes
    for name, value in {"library": library, "callbacks": callbacks}.items():
        if value is not None:
            message = f"`{name}=` is not available in this version. Leave it out."
            raise SettingsError(message)
    global _default
    connection = resolve_connection(
        gateway, api_key=key, base_url=base_url, model=model, transport=transport
    )
    session = Session(
        connection,
        budget_usd=budget_usd,
        allow_unknown_price=allow_unknown_price,
        announcement=_announcement(gateway, connection),
    )
    with _default_lock:
        _default = session
    return session


def default_session() -> Session:
    """Return the session of the last :func:`connect`, or connect automatically."""
    return _default or connect()


def _announcement(asked: str, connection: Connection) -> str | None:
    """Say that this is the sandbox where nobody asked for it by name."""
    if not connection.is_sandbox or asked == "sandbox":
        return None
    made = "music is made on this machine, offline and free, and marked as sandbox."
    if in_sandbox_mode():
        return f"PHASEO_NB_MODE=sandbox holds here: {made}"
    if asked == "auto":
        return f"No key was found in {_KEY_VARIABLES}, so this is the sandbox: {made}"
    return None
