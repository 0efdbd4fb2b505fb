"""One set of httpx clients per base URL and event loop, shared by everybody who talks to it.

A connection belongs to the event loop that opened it, and httpx looks at every connection of a
pool for every request: one small pool each, behind a gate, instead of one pool per client.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import threading
from collections.abc import AsyncGenerator, Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import anyio
import httpx

from ..errors import SettingsError
from ..settings.addresses import is_loopback
from .certificates import ssl_context
from .guard import Origin
from .pinned import PinnedTransport


@functools.lru_cache(maxsize=1)
def user_agent() -> str:
    """Return how we call ourselves: a service that knows no name may answer 403."""
    try:
        number = version("phaseo-nb")
    except PackageNotFoundError:
        number = "0"
    return f"phaseo-nb/{number} (+python httpx/{httpx.__version__})"


class Pool:
    """The clients and gates of one base URL on one event loop. Each is built when first used."""

    def __init__(
        self,
        base_url: str,
        transport: httpx.AsyncBaseTransport | None,
        in_flight: int,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.base_url = base_url
        self.own = Origin.of(base_url)
        self.loop = loop
        self.users: set[int] = set()
        self.gate = anyio.Semaphore(in_flight)
        """For answers that come at once."""
        self.long_gate = anyio.Semaphore(in_flight)
        """For calls that last as long as the music takes to make: they must not hold up others."""
        self._transport = transport
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._pid = os.getpid()
        # An event loop finishes its asynchronous generators before it closes: the one moment
        # when connections that nobody closed can still be.
        self._life = self._until_the_loop_ends()
        with contextlib.suppress(StopIteration):
            self._life.__anext__().__await__().__next__()

    @property
    def is_alive(self) -> bool:
        """True while the event loop of these connections runs in this process."""
        return self._pid == os.getpid() and self.loop.is_running()

    @property
    def resolves(self) -> bool:
        """True where a given transport opens sockets by itself: names are checked beforehand."""
        return isinstance(self._transport, httpx.AsyncHTTPTransport)

    @property
    def calls(self) -> httpx.AsyncClient:
        """For questions, over connections that are kept open."""
        return self._client("calls", lambda: self._api_client(keepalive=8))

    @property
    def creating(self) -> httpx.AsyncClient:
        """For paid calls, each over a new connection.

        A kept connection may be closed by the server in the moment it is used again; nobody
        could tell that from a request that was received and not answered.
        """
        return self._client("creating", lambda: self._api_client(keepalive=0))

    @property
    def audio(self) -> httpx.AsyncClient:
        """For audio: never with the key, only to addresses that were checked, without a proxy."""
        return self._client(
            "audio",
            lambda: _client(transport=PinnedTransport(self.own, ssl_context()), trust_env=False),
        )

    def _client(self, name: str, build: Callable[[], httpx.AsyncClient]) -> httpx.AsyncClient:
        if self._transport is not None:
            given = self._transport
            name, build = "given", lambda: _client(transport=given)
        if name not in self._clients:
            self._clients[name] = build()
        return self._clients[name]

    def _api_client(self, keepalive: int) -> httpx.AsyncClient:
        return _client(
            verify=ssl_context(),
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=keepalive, keepalive_expiry=5.0
            ),
            trust_env=not is_loopback(self.own.host),  # a proxy cannot reach this machine
        )

    async def aclose(self) -> None:
        """Close every connection; on the pool's own event loop."""
        await self._life.aclose()

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            while self._clients:
                _, client = self._clients.popitem()
                await client.aclose()


def _client(**options: Any) -> httpx.AsyncClient:
    # No cookies: nothing here logs in, and they would link the jobs of different people.
    jar = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    headers = {"User-Agent": user_agent()}
    try:
        return httpx.AsyncClient(headers=headers, cookies=jar, follow_redirects=False, **options)
    except ImportError:
        message = (
            "The environment names a SOCKS proxy (ALL_PROXY or HTTPS_PROXY), and httpx needs one "
            'more package for that: `pip install "httpx[socks]"`.'
        )
        raise SettingsError(message) from None
    except (ValueError, httpx.InvalidURL):  # do not quote it: proxies hold passwords
        message = "A proxy of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) is no address."
        raise SettingsError(message) from None


_pools: dict[tuple[int, int, str, int], tuple[asyncio.AbstractEventLoop, Pool]] = {}
_lock = threading.Lock()


def pool_for(
    base_url: str, transport: httpx.AsyncBaseTransport | None = None, in_flight: int = 8
) -> Pool:
    """Return the pool of a base URL (and of a given transport) on the running loop."""
    loop = asyncio.get_running_loop()
    # A forked child must not use its parent's sockets.
    key = (os.getpid(), id(loop), base_url, id(transport))
    with _lock:
        for old in [old for old, (owner, _) in _pools.items() if owner.is_closed()]:
            del _pools[old]  # its connections went with its loop
        if key not in _pools:
            _pools[key] = (loop, Pool(base_url, transport, in_flight, loop))
        return _pools[key][1]


async def release(pool: Pool, user: int) -> None:
    """Note that somebody is done with a pool; the last one closes it, where that is possible."""
    with _lock:
        pool.users.discard(user)
        if pool.users:
            return
        for key in [key for key, (_, held) in _pools.items() if held is pool]:
            del _pools[key]
    if pool.loop is asyncio.get_running_loop():
        await pool.aclose()
    elif pool.is_alive:  # its sockets are for its own loop to close
        closing = asyncio.run_coroutine_threadsafe(pool.aclose(), pool.loop)
        with anyio.move_on_after(5):
            await asyncio.wrap_future(closing)
