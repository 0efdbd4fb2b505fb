"""Receiving the reports of udioapi.pro about a job: one handler behind three doors.

The service posts to an address that it is given with the order: first the lyrics, then the first
track, then all of them. A random token at the end of that address is all that tells who may post;
of the token only its hash is kept. What arrives is put on disk (:class:`Spool`), where kernels
find it (:func:`mailbox`), also one that was started later. It is a hint to look at the feed, never
the truth: anybody who learns the address can post to it.

- :func:`callback_listener`: a port of this machine, for a reverse proxy or the sandbox;
- ``/phaseo-nb/callbacks/`` of a Jupyter server, at work once this package is installed beside it
  (:mod:`.server_extension`);
- :func:`callback_app`: an ASGI application to mount wherever there is a server already.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .spool import Arrival, Spool
from .tokens import address, check_base, hash_of, new_token

if TYPE_CHECKING:
    from .asgi import callback_app
    from .listener import CallbackListener, callback_listener
    from .mail import Mailbox, mailbox

_HOMES = {
    "CallbackListener": "listener",
    "Mailbox": "mail",
    "callback_app": "asgi",
    "callback_listener": "listener",
    "mailbox": "mail",
}

__all__ = [
    "Arrival",
    "CallbackListener",
    "Mailbox",
    "Spool",
    "address",
    "callback_app",
    "callback_listener",
    "check_base",
    "hash_of",
    "mailbox",
    "new_token",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    # Late: a Jupyter server needs no second HTTP server, a kernel that only polls needs none.
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
