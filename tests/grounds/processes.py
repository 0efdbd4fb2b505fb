"""Helpers in processes of their own, which end with the test process however that ends.

A child is ``python -m grounds.<module>``. It says in one line of JSON where it can be reached,
answers lines that it is sent, and kills itself and all that it started when its standard input
ends: that happens even when the test process is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from . import missing

HERE = Path(__file__).parents[1]
_FOLDER = "GROUNDS_FOLDER"
PATIENCE = 30.0
"""Seconds after which a helper has failed."""


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Wait for something that another process does; return it."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, f"waited {seconds:g} s for {what}"
        time.sleep(0.005)
    return found


def without_ours(environment: dict[str, str]) -> dict[str, str]:
    """An environment less what one test has set for itself."""
    return {k: v for k, v in environment.items() if not k.startswith(("PHASEO_", "UDIOAPI_"))}


class Child:
    """A helper as the test process sees it; ``said`` is what it said of itself."""

    def __init__(self, module: str, *arguments: str, env: dict[str, str] | None = None) -> None:
        if os.name == "nt":
            missing("needs process groups, which Windows has not")
        env = dict(os.environ) if env is None else env
        path = os.pathsep.join(filter(None, [str(HERE), env.get("PYTHONPATH")]))
        self.module = module
        self.folder = Path(tempfile.mkdtemp(prefix="grounds-"))
        self._log = self.folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={
                    **env,
                    "PYTHONPATH": path,
                    "PYTHONWARNINGS": "ignore",
                    _FOLDER: str(self.folder),
                },
                cwd=self.folder,
                start_new_session=True,  # so that all that it starts can be killed at once
            )
        self._owner = os.getpid()
        self._close = self.stop
        atexit.register(self._close)
        self.pid = self._process.pid
        self.said: Any = self._hear()

    def ask(self, line: str) -> Any:
        """Send a line and return the answer."""
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return self._hear()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """What it wrote to its standard error so far."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def kill(self) -> None:
        """End it and all that it started, as the machine would that loses its power."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)

    def stop(self) -> None:
        """Kill it and remove what it wrote."""
        if os.getpid() != self._owner:  # a fork of the test process has no say
            return
        atexit.unregister(self._close)
        if self._process.poll() is None:
            self.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _hear(self) -> Any:
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        line = self._process.stdout.readline() if ready else b""
        assert line, f"{self.module} said nothing. Its log ends:\n{self.log[-2000:]}"
        return json.loads(line)


def live(
    said: Any, answer: Callable[[str], Any] = lambda line: None, out: TextIO = sys.stdout
) -> None:
    """In a child: say where it is, answer its parent, and end with it."""
    print(json.dumps(said), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(line.strip())), file=out, flush=True)
    if _FOLDER in os.environ:
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)
