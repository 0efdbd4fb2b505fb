"""The sandbox without a socket: an httpx transport for any event loop."""

from __future__ import annotations

import httpx
from starlette.types import ASGIApp

from .service import ConnectionDropped


class InProcessTransport(httpx.AsyncBaseTransport):
    """Carries requests for any host to the application, whichever loop they come from.

    ``httpx.ASGITransport`` collects an answer before it hands it on, so streaming and broken
    downloads in mid-file are for a real port (:meth:`Sandbox.serve`).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __repr__(self) -> str:
        return "<InProcessTransport to the phaseo_nb sandbox>"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request.

        Raises
        ------
        httpx.ReadError
            A script drops the connection.
        """
        try:
            return await httpx.ASGITransport(self._app).handle_async_request(request)
        except ConnectionDropped as error:
            message = "the connection was dropped (scripted by the sandbox)"
            raise httpx.ReadError(message, request=request) from error
