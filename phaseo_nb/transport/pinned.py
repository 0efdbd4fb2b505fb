"""Connections that go to the very address that was checked.

A name is resolved once, every address of it is checked, and the socket is opened to one of those
literal addresses: a name that changes its mind between check and connect gains nothing. TLS and
``Host`` still use the name.

No proxy of the environment (``HTTPS_PROXY`` and the like) is used for audio: it would resolve names
itself, and nobody could check what they lead to. API calls do use it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager

import anyio
import httpcore
import httpx

from ..errors import AudioError
from .guard import Origin, why_not_public


async def resolve(host: str, port: int, own: Origin | None = None) -> list[str]:
    """Return the literal addresses of a host, all of them checked.

    Raises
    ------
    AudioError
        One of them is not public, and the host is not the gateway's own.
    OSError
        The name cannot be resolved.
    """
    found = await anyio.getaddrinfo(host, port, type=1)  # SOCK_STREAM
    addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
    if own is not None and (host.rstrip("."), port) == (own.host, own.port):
        return addresses
    for address in addresses:
        reason = why_not_public(address)
        if reason:
            message = (
                f"The audio host {host[:80]} was not asked: its address {address} is {reason}. "
                "Audio is fetched from public hosts and from the gateway only."
            )
            raise AudioError(message)
    return addresses


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks, and connects to what was checked."""

    def __init__(self, own: Origin | None) -> None:
        self._own = own
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Open a connection to one of the checked addresses of ``host``."""
        ends = None if timeout is None else time.monotonic() + timeout
        try:
            with anyio.fail_after(timeout):
                addresses = await resolve(host, port, self._own)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for tried, address in enumerate(addresses):
            # A silent address must not take the time of those after it.
            left = None if ends is None else ends - time.monotonic()
            share = None if left is None else max(0.001, left / (len(addresses) - tried))
            try:
                return await self._inner.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no audio lives behind a socket file."""
        message = "unix sockets are not used"
        raise httpcore.ConnectError(message)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)


class PinnedTransport(httpx.AsyncBaseTransport):
    """An httpx transport over a pinned pool; never through a proxy."""

    def __init__(self, own: Origin | None, ssl_context: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=10,
            max_keepalive_connections=4,
            keepalive_expiry=5.0,
            network_backend=PinnedBackend(own),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        url = request.url
        with _httpx_errors():
            response = await self._pool.handle_async_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Stream(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for chunk in self._response.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


@contextmanager
def _httpx_errors() -> Iterator[None]:
    """Turn httpcore's errors into httpx's of the same name."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("httpcore"):
            raise
        kind = getattr(httpx, type(error).__name__, httpx.TransportError)
        raise kind(str(error)) from error
