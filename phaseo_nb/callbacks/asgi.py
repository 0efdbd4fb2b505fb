"""The receiver as an ASGI application: a door to mount on a server that is there already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from . import receiver as rules
from .receiver import Receiver, Reply
from .spool import LONGEST, Spool

if TYPE_CHECKING:
    import os

    from starlette.types import Message, Receive, Scope, Send


def callback_app(*, spool: str | os.PathLike[str] | None = None) -> CallbackApp:
    """Return an ASGI application that receives callbacks, to mount on a server of your own.

    Wire contract: udioapi.pro, ``/docs/generate-callback``. Whatever path it is mounted at, the
    last part of it is the token that a job was given; ``connect("udio", callbacks=…)`` takes the
    public address of that path. Mounted beside others, keep the path out of that server's access
    log: it holds the token.

    Parameters
    ----------
    spool
        Folder in which arrivals are kept until a kernel reads them. By default
        ``PHASEO_NB_CALLBACK_SPOOL``, else ``callbacks`` in the library's folder. Server and
        kernels must name the same one.

    Returns
    -------
    CallbackApp
        ASGI 3, for HTTP; sockets are closed, start and end of the server are answered.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> from starlette.applications import Starlette
    >>> from starlette.routing import Mount
    >>> app = Starlette(routes=[Mount("/music/callbacks", nb.callback_app())])
    """
    return CallbackApp(Receiver(Spool(None if spool is None else Path(spool).expanduser())))


class CallbackApp:
    """ASGI 3 around a receiver; see :func:`callback_app`."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def __repr__(self) -> str:
        return f"<CallbackApp into {self.receiver.spool.folder}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI 3 says."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        elif scope["type"] == "http":
            reply = await self._answer(scope, receive)
            if reply is not None:
                await _say(reply, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply | None:
        """Return the answer, or ``None`` where nobody waits for it any more."""
        token = scope["path"].rpartition("/")[2]
        size = _declared_size(scope)
        refusal = await self.receiver.ask(scope["method"], token, size)
        if refusal is not None:
            return refusal
        body: bytes | Reply | None = rules.TOO_SLOW
        with anyio.move_on_after(rules.PATIENCE):
            body = await _read(receive)
        if not isinstance(body, bytes):
            return body
        return await self.receiver.hand_in(token, body)


def _declared_size(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value[:20])
    return None


async def _read(receive: Receive) -> bytes | Reply | None:
    """Return the body, or what to say instead; ``None`` where the other side went away."""
    body = bytearray()
    while True:
        message: Message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > LONGEST:
            return rules.TOO_LARGE
        if not message.get("more_body", False):
            return bytes(body)


async def _say(reply: Reply, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
