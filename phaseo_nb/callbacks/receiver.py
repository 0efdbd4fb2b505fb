"""The one handler behind every door: which requests are let in, and what is kept of them.

Wire contract: udioapi.pro, ``/docs/generate-callback``: ``POST``, ``application/json``, a bare
array of tracks, sent at the stages text, first and complete. No signature, no id of the job or of
the event; repeats and disorder are allowed, and the sender wants a 2xx soon.

Everything that comes is somebody's claim. Here only its size, its shape and the token are looked
at; an answer depends on nothing else, and repeats nothing of what was asked.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..errors import LibraryError
from .spool import LONGEST, Spool
from .threads import Together, in_thread
from .tokens import hash_of

PATIENCE = 10.0
"""Seconds for a body to come in."""
RATE = 20
"""Requests a second that one token may make."""
DRAINED = 4 * LONGEST
"""Bytes of a body too large that are thrown away, so that the sender sees the answer."""
MOST_AT_ONCE = 256
"""Requests whose disk work may be under way or waiting."""
DEEPEST, MOST_NODES, LONGEST_NUMBER = 32, 10_000, 64
_MOST_BUCKETS = 1024


class Reply(NamedTuple):
    """An answer, the same for everybody who gets its status."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def _reply(status: int, text: str, **headers: str) -> Reply:
    body = f"{text}\n".encode()
    always = {
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, tuple({**always, **extra}.items()), body)


ACCEPTED = _reply(202, "accepted")
NOT_JSON = _reply(400, "not a JSON array or object")
UNKNOWN = _reply(404, "not found")
NOT_POST = _reply(405, "POST only", allow="POST")
TOO_SLOW = _reply(408, "too slow", connection="close")
TOO_LARGE = _reply(413, "too large")
TOO_OFTEN = _reply(429, "too often", retry_after="1")
UNABLE = _reply(503, "not now", retry_after="10")


class Receiver:
    """Decides about requests, and puts what it takes in into a spool; safe in any thread.

    Parameters
    ----------
    spool
        Where arrivals go.
    clock
        Seconds, for the rate of requests.
    """

    def __init__(
        self, spool: Spool | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.spool = Spool() if spool is None else spool
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._n_waiting = 0
        self._admitting = Together(self.admit)

    def __repr__(self) -> str:
        return f"<Receiver into {self.spool.folder}>"

    def admit(self, method: str, token: str, declared_size: int | None) -> Reply | None:
        """Return a refusal, or ``None`` if the body may be read. Blocks on the disk.

        Parameters
        ----------
        method
            Of the request.
        token
            Last part of its path, decoded.
        declared_size
            Its ``Content-Length`` in bytes, where there is one.
        """
        if method != "POST":
            return NOT_POST
        sha256 = hash_of(token)  # of whatever it is: every wrong token takes the same way
        if not self.spool.knows(sha256):
            return UNKNOWN
        if not self._is_in_rate(sha256):
            return TOO_OFTEN
        if declared_size is not None and declared_size > LONGEST:
            return TOO_LARGE
        return None

    def take_in(self, token: str, body: bytes) -> Reply:
        """Check a body, keep it as it came, and return the answer. Blocks on the disk."""
        sha256 = hash_of(token)
        if not self.spool.knows(sha256):
            return UNKNOWN
        if len(body) > LONGEST:
            return TOO_LARGE
        if not is_acceptable(body):
            return NOT_JSON
        try:
            self.spool.put(sha256, body)  # where it is full nothing is owed: polling goes on
        except LibraryError:
            return UNABLE
        return ACCEPTED

    async def ask(self, method: str, token: str, declared_size: int | None) -> Reply | None:
        """Do as :meth:`admit`, off the event loop."""
        if self._n_waiting >= MOST_AT_ONCE:
            return UNABLE
        with self._one_more():
            return await self._admitting.ask(method, token, declared_size)

    async def hand_in(self, token: str, body: bytes) -> Reply:
        """Do as :meth:`take_in`, off the event loop."""
        if self._n_waiting >= MOST_AT_ONCE:
            return UNABLE
        with self._one_more():
            return await in_thread(self.take_in, token, body)

    @contextlib.contextmanager
    def _one_more(self) -> Iterator[None]:
        self._n_waiting += 1
        try:
            yield
        finally:
            self._n_waiting -= 1

    def _is_in_rate(self, sha256: str) -> bool:
        """Take one from the token's bucket, which fills by :data:`RATE` a second up to that."""
        now = self._clock()
        with self._lock:
            level, at = self._buckets.pop(sha256, (float(RATE), now))
            level = min(float(RATE), level + max(0.0, now - at) * RATE)
            is_in_rate = level >= 1
            self._buckets[sha256] = level - is_in_rate, now
            if len(self._buckets) > _MOST_BUCKETS:
                self._buckets.popitem(last=False)
        return is_in_rate


# -- JSON of strangers -------------------------------------------------------------------------


def is_acceptable(body: bytes) -> bool:
    """Tell whether a body is a JSON array or object that anybody may read without harm.

    UTF-8, at most 32 levels deep and 10,000 values large, no number longer than 64 characters
    or beyond what a float holds, no key twice (readers differ in which one they take), no NaN.
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text,
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_refuse,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError):
        return False
    return isinstance(value, (list, dict)) and _is_modest(value)


def _whole_number(text: str) -> int:
    return int(text) if len(text) <= LONGEST_NUMBER else _refuse(text)


def _number(text: str) -> float:
    value = float(text) if len(text) <= LONGEST_NUMBER else math.inf
    return value if math.isfinite(value) else _refuse(text)


def _refuse(_: str) -> Any:
    message = "no number that everybody reads alike"
    raise ValueError(message)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs) or len(pairs) > MOST_NODES:
        message = "a key twice, or too many"
        raise ValueError(message)
    return made


def _is_modest(value: Any) -> bool:
    """Count values and levels without recursion."""
    n_nodes = 0
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for node in level:
            n_nodes += 1
            if isinstance(node, dict):
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
            if n_nodes + len(below) > MOST_NODES:
                return False
        if not below:
            return True
        level = below
    return False
