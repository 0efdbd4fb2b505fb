"""A port of this machine that receives callbacks, served by the engine's event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import socket
import time
import weakref
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..engine import HAS_THREADS, engine
from ..errors import SettingsError
from . import receiver as rules
from .asgi import CallbackApp, callback_app
from .spool import LONGEST

if TYPE_CHECKING:
    from .spool import Spool

MOST_CONNECTIONS = 256
_COMING_UP = 10.0  # seconds
_GRACE = 2.0  # seconds


class _Protocol(H11Protocol):
    """One connection: a deadline for each request, and no word of it in any log."""

    _deadline: asyncio.TimerHandle | None = None
    _left_to_drain: int | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False  # another server of this process may have switched it on for all

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        else:
            self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._left_to_drain is None:
            super().data_received(data)
            return
        self._left_to_drain -= len(data)
        if self._left_to_drain < 0:
            self.transport.abort()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._set_deadline()
        if self.conn.their_state is h11.SEND_BODY and not _is_small(self.headers):
            self._drain()

    def _drain(self) -> None:
        """Take leave of one who is still sending; closed at once, it might not see the answer."""
        self._unset_keepalive_if_required()
        self._left_to_drain = rules.DRAINED
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.transport.resume_reading()

    def _set_deadline(self) -> None:
        """Give the next request its time, headers included; uvicorn waits for ever."""
        if self._deadline is not None:
            self._deadline.cancel()
        # Longer than the application waits, which then says why.
        self._deadline = self.loop.call_later(rules.PATIENCE + _GRACE, self.transport.abort)


def _is_small(headers: list[tuple[bytes, bytes]]) -> bool:
    size = dict(headers).get(b"content-length", b"")
    return size.isdigit() and int(size[:20]) <= LONGEST


def callback_listener(port: int = 0, *, host: str = "127.0.0.1") -> CallbackListener:
    """Start to receive callbacks on a port of this machine.

    Wire contract: udioapi.pro, ``/docs/generate-callback``. The service sends to public hosts
    only, so something with a public https address (a reverse proxy, a tunnel) has to pass on to
    this port; ``connect("udio", callbacks=…)`` takes that public address.

    Parameters
    ----------
    port
        ``0`` takes one that is free. On one where this kernel listens already, that listener is
        returned, so a cell can be run again.
    host
        Address to listen on; the default is heard on this machine alone.

    Returns
    -------
    CallbackListener
        Listening, until it is closed or the kernel ends.

    Raises
    ------
    SettingsError
        Nothing can listen there.
    """
    app = callback_app()
    known = _listening.get((host, port))
    if known is not None and known.is_open and known.spool.folder == app.receiver.spool.folder:
        return known
    listener = CallbackListener(app, port, host)
    _listening[host, listener.port] = listener
    return listener


_listening: weakref.WeakValueDictionary[tuple[str, int], CallbackListener]
_listening = weakref.WeakValueDictionary()


class CallbackListener:
    """A port on which callbacks arrive; see :func:`callback_listener`. A context manager."""

    def __init__(self, app: CallbackApp, port: int = 0, host: str = "127.0.0.1") -> None:
        if not HAS_THREADS:
            message = (
                "A browser's Python cannot listen on a port. Without callbacks, jobs are polled."
            )
            raise SettingsError(message)
        self._app = app
        self._pid = os.getpid()
        self._socket = _bind(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            backlog=MOST_CONNECTIONS,
        )
        self._server = uvicorn.Server(config)
        self._serving: concurrent.futures.Future[None] = engine.submit(self._serve())
        self._wait_until_up()

    @property
    def url(self) -> str:
        """Address below which tokens are taken, such as ``"http://127.0.0.1:8123"``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def spool(self) -> Spool:
        """Where arrivals are put."""
        return self._app.receiver.spool

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return not self._serving.done()

    def close(self) -> None:
        """Stop to listen; open connections are cut. A second time does nothing."""
        self._server.should_exit = True
        self._server.force_exit = True
        if (
            self._pid == os.getpid() and not engine.is_current_thread
        ):  # there it would wait for itself; it ends by itself
            with contextlib.suppress(concurrent.futures.TimeoutError, TimeoutError):
                self._serving.result(_COMING_UP)

    def __enter__(self) -> CallbackListener:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<CallbackListener {'on' if self.is_open else 'closed, was on'} {self.url}>"

    async def _serve(self) -> None:
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            for connection in list(self._server.server_state.connections):
                connection.transport.abort()
            self._socket.close()

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _COMING_UP
        # On the engine's own thread nobody can wait; the socket holds what comes meanwhile.
        while not (self._server.started or engine.is_current_thread or self._serving.done()):
            if time.monotonic() > deadline:
                self.close()
                message = f"The listener on {self.url} did not come up in {_COMING_UP:g} s."
                raise SettingsError(message)
            time.sleep(0.005)


def _bind(host: str, port: Any) -> socket.socket:
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65_535:
        message = (
            f"Nothing can listen on {host} port {port!r}: a port is a whole number from 0 to 65535."
        )
        raise SettingsError(message)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol by name: else asyncio leaves Nagle's delay on, and an answer takes 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there it would share a port that is in use
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(MOST_CONNECTIONS)
    except OSError as error:
        bound.close()
        message = (
            f"Nothing can listen on {host} port {port}: {error.strerror or error}. Close what "
            "listens there (an earlier `door.close()`?), or leave the port out for a free one."
        )
        raise SettingsError(message) from None
    return bound
