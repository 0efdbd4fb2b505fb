"""What every test stands on: a home of its own, no keys, one event loop."""

from __future__ import annotations

import functools
import os
import signal
import sys

import pytest

# jsonschema does without this optional grammar of web addresses, which takes three seconds to load.
sys.modules.setdefault("rfc3987_syntax", None)


def pytest_configure():
    """Let what tests start hear Ctrl+C.

    What a shell starts in its background (``pytest &``) ignores it, and so would its children.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config):
    """One more than there are cores, as half of the time is waiting; none for a single file.

    One file would run on one worker anyway, and in this process a debugger can stop in it.
    """
    files = {argument.partition("::")[0] for argument in config.args}
    if len(files) == 1 and files.pop().endswith(".py"):
        return 0
    return min(4, 1 + (os.cpu_count() or 1))


# What takes a minute or more, the longest first: begun last, it would keep one worker busy and
# the others idle. Those that wait stand between those that calculate.
LONG = (
    *(
        "comparison_page",
        "cluster",
        "form_lab",
        "notebooks",
        "form_walk",
        "kill_matrix",
        "sandbox_music",
        "login_lab",
    ),
    *("postgres", "grounds", "journals", "store_remote", "copying", "limits"),
    *("kernel_restart", "sandbox_phaseo", "secrets", "synth", "sandbox_callbacks", "lab"),
    *("sandbox_memory", "moving", "two_kernels", "questions", "magic", "session", "udio_verbs"),
    *("library_browser", "library", "sandbox_udio", "search", "login", "library_faults"),
    *("gateways_hostile", "kernels", "magic_kernels", "library_browser_lab", "form_kernels"),
)


def pytest_collection_modifyitems(items):
    ranks = {f"test_{name}": rank for rank, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


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


@pytest.fixture(autouse=True, scope="module")
def short_songs(request):
    """The sandbox's songs last 2 s where it would take 20: most of a job's work is its sound.

    A module that is marked ``full_songs`` has them as they are.
    """
    if request.node.get_closest_marker("full_songs"):
        yield
        return
    from phaseo_nb.sandbox import orders

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orders, "SongSpec", functools.partial(orders.SongSpec, duration=2.0))
        patch.setattr(orders, "USUAL_SECONDS", 2.0)
        yield


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
    for name in ("DATA", "CACHE"):  # what a library in a database has on this machine
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
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
