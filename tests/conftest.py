"""What every test stands on: a home of its own, no keys, one event loop."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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
