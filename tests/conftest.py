"""What every test stands on: a home of its own, no keys, one event loop."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def quick(monkeypatch):
    """Clients wait a hundredth of a second where they would wait for seconds."""
    import anyio

    from phaseo_nb.client import MusicClient

    async def sleep(seconds):
        await anyio.sleep(min(seconds, 0.01))

    made = MusicClient.of.__func__
    of = classmethod(lambda cls, connection, **more: made(cls, connection, sleep=sleep, **more))
    monkeypatch.setattr(MusicClient, "of", of)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Every test has an empty library folder and no key of the person who runs it."""
    for name in list(os.environ):
        if name.startswith(("PHASEO_", "UDIOAPI_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("PHASEO_NB_HOME", str(folder))
    yield folder
    folders = sys.modules.get("phaseo_nb.keeping.folder")
    if folders is not None:
        folders.close_all()
