"""The notebook's own sandbox, which is built when the first request comes.

A form shows itself, a session is connected and a library is read without one; its synthesizer and
its routes are a third of a second, best paid when there is something to play.
"""

from __future__ import annotations

import importlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import httpx

_MOST = 8


class _OwnSandbox:
    """An httpx transport in all but its base class, so that naming the sandbox loads no httpx."""

    is_phaseo_nb_sandbox = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._building = threading.Lock()
        self._built: httpx.AsyncBaseTransport | None = None

    def __repr__(self) -> str:
        return "<transport to the phaseo_nb sandbox of this notebook>"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, for any host."""
        return await self._transport().handle_async_request(request)

    def _transport(self) -> httpx.AsyncBaseTransport:
        with self._building:  # two loops may ask first
            if self._built is None:
                # By name: the sandbox stands beside the settings, and is no part of them.
                sandbox = importlib.import_module("phaseo_nb.sandbox").Sandbox(folder=self._folder)
                self._built = cast("httpx.AsyncBaseTransport", sandbox.transport)
            return self._built

    async def aclose(self) -> None:
        """Do nothing: clients come and go, jobs outlive them."""

    async def __aenter__(self) -> _OwnSandbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


_sandboxes: dict[tuple[int, Path], _OwnSandbox] = {}


def own_sandbox(home: Path) -> httpx.AsyncBaseTransport:
    """One sandbox per process and home: jobs outlive a new ``connect``, in the home the kernel."""
    key = os.getpid(), home  # a forked child has none of its threads
    if key not in _sandboxes:
        while len(_sandboxes) >= _MOST:  # its jobs are in its folder
            del _sandboxes[next(iter(_sandboxes))]
        _sandboxes[key] = _OwnSandbox(home / "sandbox")
    return cast("httpx.AsyncBaseTransport", _sandboxes[key])
