"""The sandbox on a port, in a process of its own, with a count of what was ordered."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections import Counter
from typing import Any

from grounds.processes import live


class Counted:
    """The sandbox's application behind a counter; ``GET /_count`` tells, ``/_forget`` forgets.

    An order is counted when it was answered with 2xx, whether or not its answer arrives.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.forget()

    def forget(self) -> None:
        self.orders: Counter[str] = Counter()
        self.refused = 0
        self.by_second: dict[str, Counter[int]] = {"posts": Counter(), "polls": Counter()}
        self.began = time.monotonic()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if path.startswith("/_"):
            await self._tell(path, send)
            return
        is_order = scope.get("method") == "POST" and path.endswith("/generate")
        self._note("posts" if is_order else "polls")
        if not is_order:
            await self.app(scope, receive, send)
            return
        heard = []

        async def hear() -> Any:
            message = await receive()
            heard.append(message.get("body", b""))
            return message

        async def say(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._count(b"".join(heard), message["status"])
            await send(message)

        await self.app(scope, hear, say)

    def _note(self, kind: str) -> None:
        self.by_second[kind][int(time.monotonic() - self.began)] += 1

    def _count(self, body: bytes, status: int) -> None:
        if 200 <= status < 300:
            order = json.loads(body)
            self.orders[order.get("prompt") or order.get("gpt_description_prompt") or ""] += 1
        else:
            self.refused += 1

    async def _tell(self, path: str, send: Any) -> None:
        if path == "/_forget":
            self.forget()
        names = ("orders", "refused", "by_second")
        body = json.dumps({name: getattr(self, name) for name in names}).encode()
        headers = [(b"content-type", b"application/json")]
        headers += [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _serve(speed: float) -> None:
    from phaseo_nb.sandbox import KEY, Sandbox, orders
    from phaseo_nb.sandbox.server import Server

    # Songs of 2 s, as tests/conftest.py has them elsewhere: most of a job's work is its sound.
    orders.SongSpec = functools.partial(orders.SongSpec, duration=2.0)
    orders.USUAL_SECONDS = 2.0
    server = Server(Counted(Sandbox(speed=speed).app))
    live({"url": server.url, "key": KEY})


if __name__ == "__main__":
    _serve(*map(float, sys.argv[1:]))
