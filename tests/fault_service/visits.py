"""One visit to the service: what was asked, what the right answer is, and ways to break it."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from raw_server import answer

from . import music

Stage = str
"""``submit``, ``poll`` or ``download``."""


class Reply(NamedTuple):
    """The right answer."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - never written to


class Visit:
    """One request that has come in whole, on the socket that waits for its answer."""

    def __init__(
        self,
        sock: socket.socket,
        closing: threading.Event,
        *,
        room: music.Room,
        wire: str,
        stage: Stage,
        target: str,
        headers: dict[str, str],
        body: bytes,
        root: str,
        elsewhere: str,
    ) -> None:
        self.sock = sock
        self.closing = closing
        self.room = room
        self.wire = wire
        self.stage = stage
        self.target = target
        self.headers = headers
        self.body = body
        self.root = root
        """This service's own address, with the room."""
        self.elsewhere = elsewhere
        """The address of another host that nobody should be sent to."""

    # -- the right answer ------------------------------------------------------------------------

    @functools.cached_property
    def reply(self) -> Reply:
        """The right answer; looking at it does what was asked for, once."""
        if self.stage == "submit":
            return self._to_order()
        return self._to_question() if self.stage == "poll" else self._to_fetching()

    @property
    def data(self) -> dict[str, Any]:
        """The right answer as JSON."""
        data: dict[str, Any] = json.loads(self.reply.body)
        return data

    def _to_order(self) -> Reply:
        try:
            wanted = json.loads(self.body)
        except ValueError:
            wanted = None
        if not isinstance(wanted, dict):
            return Reply(music.refusal(self.wire, 400, "invalid_json", "invalid body"), 400, _JSON)
        order = self.room.create(self.wire, wanted)
        return Reply(music.to_json(music.accepted(self.wire, order)), headers=_JSON)

    def _to_question(self) -> Reply:
        order = self.order
        if order is None or order.is_instant:
            return Reply(music.to_json(music.unknown(self.wire)), 404, _JSON)
        order.asked += 1
        return self.state_of(order, "in_progress" if order.asked == 1 else "completed")

    def state_of(self, order: music.Order, status: str) -> Reply:
        """Return the answer that says so of a job."""
        below = "v1" if self.wire == "phaseo" else "api"
        state = music.state(self.wire, order, status, f"{self.root}/{below}/audio")
        return Reply(music.to_json(state), headers=_JSON)

    @property
    def order(self) -> music.Order | None:
        """The job that is asked for."""
        asked = re.search(r"(?:music/generat\w+/|workId=)([^/?&]+)", self.target)
        return self.room.order_of(asked[1]) if asked else None

    def _to_fetching(self) -> Reply:
        match = re.search(r"/audio/(\d{1,6})\.wav", self.target)
        if match is None:
            return Reply(b"no such file", 404, {"Content-Type": "text/plain"})
        audio = music.sound_of(int(match[1]))
        headers = {"Content-Type": "audio/wav", "ETag": f'"{match[1]}"', "Accept-Ranges": "bytes"}
        part = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        if part and self.headers.get("if-range", headers["ETag"]) == headers["ETag"]:
            start = int(part[1])
            headers["Content-Range"] = f"bytes {start}-{len(audio) - 1}/{len(audio)}"
            return Reply(audio[start:], 206, headers)
        return Reply(audio, headers=headers)

    # -- ways to say it --------------------------------------------------------------------------

    def say(self, reply: Reply | None = None, *, length: int | None = None) -> None:
        """Answer; ``length`` may lie, and ``-1`` leaves it out."""
        reply = self.reply if reply is None else reply
        self.send(bytes_of(reply, length))

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send_slowly(self, data: bytes, pause: float) -> None:
        """Send byte by byte until it is out, or nobody listens any more."""
        for place in range(len(data)):
            self.send(data[place : place + 1])
            if self.closing.wait(pause):
                return

    def begin_chunks(self, reply: Reply | None = None) -> None:
        """Send the head of an answer in chunks."""
        head = bytes_of((self.reply if reply is None else reply)._replace(body=b""), -1)
        self.send(head[:-2] + b"Transfer-Encoding: chunked\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def for_ever(self, make: Callable[[], None]) -> None:
        """Do something again and again until nobody listens."""
        with contextlib.suppress(OSError):
            while not self.closing.is_set():
                make()

    def be_silent(self) -> None:
        """Say nothing until the client goes away."""
        while not self.closing.is_set():
            if select.select([self.sock], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    if self.sock.recv(1024):
                        continue
                return

    def reset(self) -> None:
        """Break the connection as a crashed machine would."""
        # What was sent just before should arrive: a reset throws away what is on its way.
        time.sleep(0.02)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


_JSON = {"Content-Type": "application/json"}


def bytes_of(reply: Reply, length: int | None = None) -> bytes:
    headers = {name.replace("-", "_"): value for name, value in reply.headers.items()}
    return answer(reply.status, reply.body, length=length, **headers)
