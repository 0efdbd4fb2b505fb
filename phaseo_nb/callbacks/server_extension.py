"""The receiver as a route of a Jupyter server: ``<base URL>/phaseo-nb/callbacks/<token>``.

No Jupyter login is asked for, on purpose: the service that posts has none, and a Jupyter token in
its address would be full control of the server. The handler is tornado's own, not Jupyter's: that
one would ask the identity provider (behind a Hub: the Hub) about every request of a stranger, and
refuse hosts it was not told of.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from jupyter_server.auth import decorator
from jupyter_server.utils import url_path_join
from tornado.ioloop import IOLoop
from tornado.web import RequestHandler, stream_request_body

from . import receiver as rules
from .receiver import DRAINED, Receiver, Reply
from .spool import FOLDER, LONGEST, Spool

Method = TypeVar("Method", bound=Callable[..., Any])
# Before 2.13 a handler had not to say so.
allow_unauthenticated: Callable[[Method], Method] = getattr(
    decorator, "allow_unauthenticated", lambda method: method
)
ROUTE = "phaseo-nb/callbacks"


@stream_request_body
class CallbackHandler(RequestHandler):
    """One request; every answer is the receiver's."""

    def initialize(self, receiver: Receiver, log: logging.Logger) -> None:
        """Take what all requests share."""
        self.receiver = receiver
        self.log = log
        self._body = bytearray()
        self._n_read = 0
        self._reply: Reply | None = None
        self._deadline: object = None

    def set_default_headers(self) -> None:
        """Say nothing about the server."""
        self.clear_header("Server")

    def check_xsrf_cookie(self) -> None:
        """Let it pass: there is no cookie here that anybody could misuse."""

    async def prepare(self) -> None:
        """Decide before the body is read."""
        token = _last_part(self.path_args[0])
        declared = self.request.headers.get("Content-Length", "")
        size = int(declared[:20]) if declared.isdigit() and declared.isascii() else None
        has_body = "Transfer-Encoding" in self.request.headers or bool(size)
        self._reply = await self.receiver.ask(self.request.method or "", token, size)
        if self._reply is not None and size is not None and size > LONGEST + DRAINED:
            self._answer(self._reply)  # tornado cuts the connection, the body stays unread
        elif has_body:
            self._deadline = IOLoop.current().call_later(rules.PATIENCE, self._too_slow)

    def data_received(self, chunk: bytes) -> None:
        """Collect the body; of one that is refused throw some away, then cut the connection.

        Cut at once, the sender might not see the answer, and a Hub's proxy says 503 in its place.
        """
        self._n_read += len(chunk)
        if self._reply is None and self._n_read > LONGEST:
            self._reply = rules.TOO_LARGE
            self._body.clear()
        if self._reply is None:
            self._body += chunk
        elif self._n_read > LONGEST + DRAINED:
            self._answer(self._reply)

    @allow_unauthenticated
    async def post(self, token: str) -> None:
        """Answer a request that has come whole."""
        self._stop_clock()  # it is for the sender, not for the disk
        if self._reply is None:
            token = _last_part(token)
            self._reply = await self.receiver.hand_in(token, bytes(self._body))
        self._answer(self._reply)

    get = head = put = patch = delete = options = post  # :meth:`prepare` has refused them

    def on_finish(self) -> None:
        """Stop the clock."""
        self._stop_clock()

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            IOLoop.current().remove_timeout(self._deadline)
            self._deadline = None

    def on_connection_close(self) -> None:
        """Stop the clock: nobody waits any more."""
        self._stop_clock()
        super().on_connection_close()

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Take any bytes as a token: what cannot be read is as unknown as the rest."""
        return value.decode("utf-8", "replace")

    def _too_slow(self) -> None:
        self._deadline = None
        self._reply = rules.TOO_SLOW
        self._answer(self._reply)

    def _answer(self, reply: Reply) -> None:
        if self._finished:
            return
        self.clear()
        self.set_status(reply.status)
        for name, value in reply.headers:
            self.set_header(name, value)
        self.finish(reply.body)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say what tornado found wrong in our own words: a method it does not know, or a fault."""
        self._answer(rules.NOT_POST if status_code == 405 else rules.UNABLE)

    def _log(self) -> None:
        """Log no request: its path holds the token."""

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log a fault by its kind: the request that tornado would add holds the token."""
        if typ is not None and not hasattr(value, "status_code"):
            self.log.error("phaseo_nb: a callback met %s.", typ.__name__)


def _last_part(path: str) -> str:
    return path.rpartition("/")[2]


def _load_jupyter_server_extension(server_app: Any) -> None:
    """Add the route; Jupyter Server calls this when it starts."""
    spool = Spool()
    # Kernels inherit it: they look where this server puts things, whatever library they use.
    os.environ.setdefault(FOLDER, str(spool.folder))
    web_app = server_app.web_app
    route = url_path_join(web_app.settings["base_url"], ROUTE) + "/?(.*)"
    shared = {"receiver": Receiver(spool), "log": server_app.log}
    web_app.add_handlers(".*$", [(route, CallbackHandler, shared)])
