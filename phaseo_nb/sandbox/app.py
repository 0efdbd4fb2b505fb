"""The whole application: both services' routes, and the mark that every answer carries."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .audio_files import AudioFiles
from .phaseo.envelopes import music_disabled
from .phaseo.lists import Lists
from .phaseo.routes import PhaseoSide
from .service import ConnectionDropped, Service
from .udio.routes import UdioSide
from .wire import JSON

HEADER = (b"x-phaseo-nb-sandbox", b"true")
DROP = "phaseo_nb.drop"
"""Key of the ASGI scope under which a server on a port offers to cut the connection."""


def build_app(service: Service) -> ASGIApp:
    """Return the ASGI application of one sandbox; any host name is answered."""
    sides = (PhaseoSide(service), Lists(service), UdioSide(service), AudioFiles(service))
    routes = [route for side in sides for route in side.routes()]

    async def unknown(request: Request, error: Exception) -> Response:
        if service.state == "music_disabled" and request.url.path.startswith("/v1/music"):
            return music_disabled()
        status = getattr(error, "status_code", 404)
        message = f"{request.method} {request.url.path} is not a route of the phaseo_nb sandbox"
        return JSON({"error": "not_found", "message": message, "sandbox": True}, status)

    inner = Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown})
    return _Marked(inner)


class _Marked:
    """Adds the sandbox's header, and carries out scripted drops where a server can."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), HEADER]
            await send(message)

        try:
            await self._app(scope, receive, marked)
        except ConnectionDropped:
            drop = scope.get(DROP)
            if drop is None:
                raise
            drop()
            while (await receive())["type"] != "http.disconnect":
                pass
