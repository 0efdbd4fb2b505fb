"""The whole application: both services' routes, and the mark that every answer carries.

Wire contract of what is no route: ``apps/api/src/routes/v1/index.ts`` of ``phaseoteam/Phaseo``.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
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
_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, x-title, http-referer, x-app-id, x-app-name, "
        b"x-phaseo-client, x-phaseo-client-version",
    ),
    (b"access-control-max-age", b"86400"),
]
"""What lets web pages call the gateway, on everything under ``/v1``."""


def build_app(service: Service) -> ASGIApp:
    """Return the ASGI application of one sandbox; any host name is answered."""
    sides = (PhaseoSide(service), Lists(service), UdioSide(service), AudioFiles(service))
    routes = [route for side in sides for route in side.routes()]

    async def unknown(request: Request, error: Exception) -> Response:
        if service.state == "music_disabled" and request.url.path.startswith("/v1/music"):
            return music_disabled()
        if _is_phaseo(request.url.path):  # what the gateway's router says, to any method
            return PlainTextResponse("404 Not Found", 404)
        status = getattr(error, "status_code", 404)
        message = f"{request.method} {request.url.path} is not a route of the phaseo_nb sandbox"
        return JSON({"error": "not_found", "message": message, "sandbox": True}, status)

    inner = Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown})
    return _Marked(inner)


def _is_phaseo(path: str) -> bool:
    return path == "/v1" or path.startswith("/v1/")


class _Marked:
    """Adds the sandbox's header and the gateway's CORS, and drops connections where scripted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_phaseo = _is_phaseo(scope.get("path", ""))
        extra = [HEADER, *_CORS] if is_phaseo else [HEADER]

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        if is_phaseo and scope.get("method") == "OPTIONS":  # before the key, and with music off
            await Response(status_code=204)(scope, receive, marked)
            return

        try:
            await self._app(scope, receive, marked)
        except ConnectionDropped:
            drop = scope.get(DROP)
            if drop is None:
                raise
            drop()
            while (await receive())["type"] != "http.disconnect":
                pass
