"""The sandbox on a port: uvicorn in a thread of its own."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import DROP

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_PATIENCE = 10.0  # seconds for the server to come up, and to go
_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104  # only compared with
"""Hosts that mean every address of this machine, and one at which it hears itself."""


class _Protocol(H11Protocol):
    """Lets the application cut the connection it is answering on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner: Any = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[DROP] = self.transport.abort
            await inner(scope, receive, send)

        self.app = app


class Server:
    """A sandbox on a port, from creation until :meth:`close`; also a context manager."""

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> None:
        config = uvicorn.Config(
            app, http=_Protocol, ws="none", lifespan="off", log_level="critical", access_log=False
        )
        self._socket = _bind(host, port)
        self._server = uvicorn.Server(config)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="phaseo_nb-sandbox", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _PATIENCE
        while not self._server.started and self._thread.is_alive():
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        if not self._server.started:
            self.close()
            message = f"The sandbox did not come up on {host}:{self.port}."
            raise OSError(message)

    @property
    def url(self) -> str:
        """Origin of both services, such as ``"http://127.0.0.1:8123"``."""
        host = _ANY.get(self.host, self.host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}"

    @property
    def phaseo_url(self) -> str:
        """Base URL for Phaseo clients."""
        return self.url + "/v1"

    @property
    def udio_url(self) -> str:
        """Base URL for udioapi.pro clients."""
        return self.url

    def close(self) -> None:
        """Stop serving; open connections are cut."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(_PATIENCE)
        self._socket.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "serving" if self._thread.is_alive() else "closed"
        return f"<Server of the phaseo_nb sandbox, {state} {self.url}>"


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, so that asyncio sends what is written at once: else each answer waits 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there it would share a port that is in use
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
