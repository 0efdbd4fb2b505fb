"""What every test stands on: a home of its own, no keys, one event loop."""

from __future__ import annotations

import os
import sys

import pytest

# jsonschema does without this optional grammar of web addresses, which takes three seconds to load.
sys.modules.setdefault("rfc3987_syntax", None)


def pytest_xdist_auto_num_workers(config):
    """Two workers or more, as half of the time is waiting; none for a single file.

    One file would run on one worker anyway, and in this process a debugger can stop in it.
    """
    files = {argument.partition("::")[0] for argument in config.args}
    if len(files) == 1 and files.pop().endswith(".py"):
        return 0
    return max(2, min(4, os.cpu_count() or 1))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable():
    """Hostile text that a test has logged may hold what no worker can send: lone surrogates."""
    return _encodable((yield))


def _encodable(thing):
    if isinstance(thing, str):
        return thing.encode("utf-8", "backslashreplace").decode()
    if isinstance(thing, dict):
        return {key: _encodable(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return type(thing)(map(_encodable, thing))
    return thing


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
    connecting = sys.modules.get("phaseo_nb.connecting")
    if connecting is not None:
        connecting._default = None  # the next test connects by itself
    keys = sys.modules.get("phaseo_nb.settings.keys")
    if keys is not None:
        keys._entered.clear()
