"""The engine runs what must outlive a cell."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

import phaseo_nb as nb
from phaseo_nb.engine import Engine, engine


async def _thread_name() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_run_waits_on_another_thread():
    """run() gives the result of a coroutine without a loop in the calling thread."""
    assert nb.run(_thread_name()) == "phaseo_nb"


@pytest.mark.anyio
async def test_run_works_inside_a_running_loop():
    """run() can be called from a plain function while a loop runs, without nesting."""
    assert nb.run(_thread_name()) == "phaseo_nb"


def test_run_passes_errors_on():
    """An error in the awaitable is raised by run() as it is."""

    async def fail() -> None:
        raise LookupError("no such tune")

    with pytest.raises(LookupError, match="no such tune"):
        nb.run(fail())


def test_run_refuses_to_wait_for_itself():
    """On the engine's own thread run() says to use await instead of hanging."""

    async def inner() -> None:
        nb.run(_thread_name())

    with pytest.raises(RuntimeError, match="Use `await`"):
        nb.run(inner())


def test_interrupt_cancels_the_awaitable_before_it_is_raised(monkeypatch):
    """Ctrl-C in run() lets the awaitable say how to go on, then raises."""
    import concurrent.futures

    said: list[str] = []
    started = threading.Event()

    async def wait_long() -> None:
        started.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            said.append("how to go on")
            raise

    def interrupted(self, timeout=None):
        started.wait(5)
        raise KeyboardInterrupt

    monkeypatch.setattr(concurrent.futures.Future, "result", interrupted)

    with pytest.raises(KeyboardInterrupt):
        nb.run(wait_long())

    monkeypatch.undo()
    assert nb.run(_thread_name()) == "phaseo_nb"  # one more turn of the loop
    assert said == ["how to go on"]


def test_one_thread_serves_everything():
    """A second coroutine does not start a second thread."""
    nb.run(_thread_name())
    before = threading.active_count()
    nb.run(_thread_name())

    assert threading.active_count() == before
    assert engine.is_running


def test_an_idle_engine_has_no_thread():
    """An engine starts its thread with the first coroutine, not before."""
    fresh = Engine()

    assert not fresh.is_running
    assert repr(fresh) == "<Engine idle>"


def test_a_forked_child_gets_a_thread_of_its_own():
    """After a fork the engine works again instead of waiting for a thread that is not there."""
    code = (
        "import os, warnings; warnings.simplefilter('ignore')\n"
        "import asyncio, phaseo_nb as nb\n"
        "nb.run(asyncio.sleep(0))\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os._exit(nb.run(asyncio.sleep(0, result=7)))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    if sys.platform == "win32":
        pytest.skip("no fork on Windows")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert out.stdout.strip() == "7", out.stderr


def test_nested_loops_are_opt_in(tmp_path):
    """asyncio.run nests only after allow_nested_loops(), and a new ipykernel is warned about."""
    code = (
        "import asyncio, sys, types, warnings\n"
        "import phaseo_nb as nb\n"
        "sys.modules['ipykernel'] = types.SimpleNamespace(__version__='7.4.0')\n"
        "async def outer():\n"
        "    coroutine = asyncio.sleep(0, result='nested')\n"
        "    try:\n"
        "        return asyncio.run(coroutine)\n"
        "    except RuntimeError:\n"
        "        coroutine.close()\n"
        "        return 'refused'\n"
        "print(asyncio.run(outer()))\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    nb.allow_nested_loops()\n"
        "print('drops the cells' in str(caught[0].message))\n"
        "print(asyncio.run(outer()))\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert out.stdout.split() == ["refused", "True", "nested"], out.stderr
