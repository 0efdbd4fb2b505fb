"""The sockets: who listens, who is let in, and which room and stage a request is for."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

from raw_server import answer

from .faults import FAULTS
from .music import Room
from .visits import Visit

_ROUTE = re.compile(r"(?:/(?P<room>[^?]*?))?/(?P<wire>v1|api)/(?P<rest>[^?]*)(?:\?.*)?")
_STAGES = (
    ("POST", r"music/generat(?:e|ions)/?|(?:v2/)?generate/?", "submit"),
    ("GET", r"music/generat(?:e|ions)/[^/]+|(?:v2/)?feed/?", "poll"),
    ("POST", r"(?:v2/)?feed/?", "poll"),
    ("GET", r"audio/[^/]+", "download"),
)
PATIENCE = 30.0
"""Seconds after which a client that says nothing is put out."""

Certificates = Callable[[int], ssl.SSLContext]
"""Which certificate to show to connection number *n*, from 0."""


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class FaultService:
    """The service; see the text of this package. A context manager.

    Parameters
    ----------
    port
        Where to listen on 127.0.0.1; 0 takes a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.rooms: dict[str, Room] = {}
        self.strays: list[str] = []
        """What was asked of the other host, which nobody should be led to."""
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._doors: list[socket.socket] = []
        self.url = self.listen(self.serve, port=port)
        self.elsewhere = self.listen(self._serve_stray)

    def __enter__(self) -> FaultService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def room(self, name: str) -> Room:
        """Return a room by the path that stands for it."""
        with self._lock:
            return self.rooms.setdefault(name, Room(name))

    def listen_tls(self, certificates: Certificates) -> str:
        """Open another door, with TLS; returns its address."""
        url = self.listen(self.serve, certificates=certificates)
        return url.replace("http:", "https:")

    def close(self) -> None:
        """Put everybody out."""
        self._closing.set()
        with self._lock:
            for sock in [*self._doors, *self._open]:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()

    # -- doors -----------------------------------------------------------------------------------

    def listen(
        self,
        serve: Callable[[socket.socket], None],
        *,
        port: int = 0,
        certificates: Certificates | None = None,
    ) -> str:
        """Let clients in at a port."""
        door = socket.create_server(("127.0.0.1", port), backlog=256)
        self._doors.append(door)

        def let_in() -> None:
            number = 0
            with contextlib.suppress(OSError):  # the door was closed
                while True:
                    sock, _ = door.accept()
                    tls = certificates(number) if certificates else None
                    number += 1
                    threading.Thread(
                        target=self._host, args=(sock, tls, serve), daemon=True
                    ).start()

        threading.Thread(target=let_in, daemon=True).start()
        return f"http://127.0.0.1:{door.getsockname()[1]}"

    def _host(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext | None,
        serve: Callable[[socket.socket], None],
    ) -> None:
        sock.settimeout(PATIENCE)
        guest = sock
        try:
            if tls is not None:
                guest = tls.wrap_socket(sock, server_side=True)
            with self._lock:
                self._open.add(guest)
            serve(guest)
            _say_goodbye(guest)
        except ValueError:  # it speaks something else, such as TLS at a door without
            with contextlib.suppress(OSError):
                guest.sendall(answer(400, b"this is no HTTP"))
        except OSError:  # it went away
            pass
        finally:
            with self._lock:
                self._open.discard(guest)
            guest.close()

    # -- requests --------------------------------------------------------------------------------

    def serve(self, sock: socket.socket) -> None:
        """Answer one request."""
        asked = _read(sock)
        if asked.target.startswith("/__"):
            sock.sendall(answer(body=json.dumps(self._tell(asked.target)).encode()))
            return
        visit = self._visit(sock, asked)
        if visit is None:
            body = json.dumps({"error": f"nothing is served at {asked.target}; see /__faults"})
            sock.sendall(answer(404, body.encode(), content_type="application/json"))
            return
        fault = FAULTS.get(visit.room.fault)
        number = visit.room.enter(visit.stage)
        if fault is None or visit.room.is_healed or not fault.happens(visit.stage, number):
            visit.say()
        else:
            fault.play(visit)

    def _visit(self, sock: socket.socket, asked: Asked) -> Visit | None:
        route = _ROUTE.fullmatch(asked.target)
        if route is None:
            return None
        stage = next(
            (
                stage
                for method, path, stage in _STAGES
                if method == asked.method and re.fullmatch(path, route["rest"])
            ),
            None,
        )
        room = unquote(route["room"] or "ok")
        if stage is None or (room.partition("/")[0] not in FAULTS and room.split("/")[0] != "ok"):
            return None
        scheme = "https" if isinstance(sock, ssl.SSLSocket) else "http"
        host = asked.headers.get("host", "")
        return Visit(
            sock,
            self._closing,
            room=self.room(room),
            wire="udio" if route["wire"] == "api" else "phaseo",
            stage=stage,
            target=asked.target,
            headers=asked.headers,
            body=asked.body,
            root=f"{scheme}://{host}/{route['room'] or ''}".rstrip("/"),
            elsewhere=self.elsewhere,
        )

    def _tell(self, target: str) -> Any:
        if target == "/__faults":
            return [fault.described() for fault in FAULTS.values()]
        if target.startswith("/__heal/"):
            self.room(unquote(target.removeprefix("/__heal/"))).heal()
        with self._lock:
            rooms = list(self.rooms.values())
        if target == "/__books":
            return {room.name: room.books() for room in rooms}
        return {room.name: room.paid for room in rooms}

    def _serve_stray(self, sock: socket.socket) -> None:
        asked = _read(sock)
        self.strays.append(f"{asked.method} {asked.target} {asked.headers}")
        sock.sendall(answer(404, b"you should not be here"))


def _read(sock: socket.socket) -> Asked:
    """Read one request.

    Raises
    ------
    ValueError
        It is no HTTP.
    OSError
        The client went away.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65_536)
        if not piece or len(data) > 1_000_000 or not (data + piece)[:1].isalpha():
            message = "no request"
            raise ValueError(message)
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    line, *rows = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split()
    headers = {k.lower(): v.strip() for k, v in (row.split(":", 1) for row in rows)}
    if "chunked" in headers.get("transfer-encoding", ""):
        return Asked(method, target, headers, _read_chunks(sock, body))
    while len(body) < int(headers.get("content-length", 0)):
        piece = sock.recv(65_536)
        if not piece:
            message = "half a request"
            raise ValueError(message)
        body += piece
    return Asked(method, target, headers, body)


def _read_chunks(sock: socket.socket, data: bytes) -> bytes:
    body = b""
    with sock.makefile("rb") as rest:

        def line() -> bytes:
            nonlocal data
            found, newline, data = data.partition(b"\n")
            return found + newline if newline else found + rest.readline()

        def take(n: int) -> bytes:
            nonlocal data
            taken, data = data[:n], data[n:]
            return taken + rest.read(n - len(taken))

        while size := int(line().split(b";")[0], 16):
            body += take(size)
            line()
    return body


def _say_goodbye(sock: socket.socket) -> None:
    """Close from this side, and wait for the other: a close with words unread is a reset."""
    if sock.fileno() < 0:
        return
    sock.settimeout(1.0)
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(65_536):
        pass
