"""Music services that any process on this machine can reach, and that count what was paid.

``sandbox()`` is the package's own, slow and true; ``fast()`` answers thousands a second. What was
"paid twice" is what :meth:`Service.orders` counts more than once: no journal is asked.
"""

from __future__ import annotations

import bisect
import contextlib
import json
import os
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .processes import Child, without_ours

KEY = "phaseo_v1_sk_abcdef123456_topsecretvalue99"
SOON = "minimax/music-2.6"
"""A model whose jobs clients ask about after 1 s; with Suno's the first question is after 30 s."""


class Service:
    """A running service; ``url`` is the base URL that a client is given."""

    def __init__(self, child: Child) -> None:
        self.origin: str = child.said["url"]
        self.url = f"{self.origin}/v1"
        self.key: str = child.said.get("key", KEY)
        self._child = child

    def count(self) -> dict[str, Any]:
        """Return everything that was counted: see ``GET /_count`` of either service."""
        return self._ask("/_count")

    def orders(self) -> Counter[str]:
        """Return how often each prompt was paid for."""
        return Counter(self.count()["orders"])

    def paid_twice(self) -> dict[str, int]:
        """Return the prompts that were paid for more than once, for sweeps of one take each."""
        return {prompt: n for prompt, n in self.orders().items() if n > 1}

    def by_second(self, kind: str = "posts") -> dict[int, int]:
        """Return how many requests came in each second: ``posts``, ``polls``, ``downloads``."""
        counts = self.count()["by_second"].get(kind, {})
        return {int(second): n for second, n in counts.items()}

    def most_within(self, seconds: float) -> int:
        """Return the most orders that were taken within any stretch of time (fast service)."""
        times = self.count()["arrivals"]
        ends = (bisect.bisect_left(times, start + seconds) for start in times)
        return max((end - n for n, end in enumerate(ends)), default=0)

    def set(self, **what: float) -> None:
        """Change ``seconds`` of a job or the ``limit`` of orders a second (fast service)."""
        self._ask("/_set", what)

    def forget(self) -> None:
        """Begin to count anew."""
        self._ask("/_forget", {})

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        no_proxies = urllib.request.ProxyHandler({})
        opener = urllib.request.build_opener(no_proxies)
        with opener.open(f"{self.origin}{path}", data, timeout=20) as answer:
            return json.load(answer)


@contextlib.contextmanager
def sandbox(speed: float = 20.0) -> Iterator[Service]:
    """Serve the sandbox; a job takes 2 s at speed 1."""
    yield from _running("grounds.counted_sandbox", speed)


@contextlib.contextmanager
def fast(seconds: float = 0.5, limit: float = float("inf")) -> Iterator[Service]:
    """Serve jobs that take ``seconds``, and 429 above ``limit`` orders in one second."""
    yield from _running("grounds.fast_service", seconds, limit)


def _running(module: str, *numbers: float) -> Iterator[Service]:
    child = Child(module, *map(str, numbers), env=without_ours(dict(os.environ)))
    try:
        yield Service(child)
    finally:
        child.stop()
