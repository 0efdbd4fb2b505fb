"""Kernels that can be killed: processes that do what they are told, up to a point that is named.

A nursery is one process that has imported everything and opened nothing; each kernel is forked
from it, because a fresh interpreter takes a second to start. A test sends a kernel source text and
gets back what that left in ``out``. A stop is put around a public seam: the kernel says that it
has come there and sleeps until it is killed by its number.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path

from paid_service import PATIENCE, until

# What every kernel knows before it is told anything.
PRELUDE = """
import hashlib, itertools, os, threading, time
from pathlib import Path
import phaseo_nb as nb
from phaseo_nb.session import carrying
from phaseo_nb.keeping import (
    folder,
    journal,
    kernels,
    leases,
    ordering,
    store,
)
from phaseo_nb.keeping.backends.sqlite import migrations, opening

def connect(name="a", **more):
    key = f"phaseo_v1_sk_abcdef123456_topsecretvalue99_{name}"
    session = nb.connect("phaseo", api_key=key, base_url=URL, **more)
    session._client.poll = lambda interval: itertools.repeat(0.05)
    return session

def words(prompt, model="suno/v4.5", **more):
    return {"prompt": prompt, "model": model, "show": False, **more}

def cell(prompt, model="suno/v4.5", **more):
    "Run the cell and wait for its take, or name the error."
    try:
        return told(nb.submit(**words(prompt, model, **more)).result(25))
    except nb.PhaseoError as error:
        return {"error": type(error).__name__, "message": str(error)}

def told(take):
    sha256 = hashlib.sha256(Path(take.track.path).read_bytes()).hexdigest()
    assert sha256 == take.track.sha256
    return {"id": take.id, "number": take.number, "job": take.job.id, "sha256": sha256}

def listed():
    library = nb.library()
    states = {"unfinished": library.unfinished(), "uncertain": library.uncertain()}
    found = {name: [a.prompt for a in attempts] for name, attempts in states.items()}
    return {**found, "kept": [take.request.prompt for take in library.recent(1000)]}

def resume():
    taken_up = nb.resume(show=False)
    for job in taken_up:
        try:
            job.result(25)
        except nb.PhaseoError as error:
            yield f"{type(error).__name__}: {error}"
        else:
            yield "kept"

def come_to(name):
    "Say that we are here, and stay until somebody kills us."
    Path(MARKS, name).touch()
    threading.Event().wait()

def stop(owner, name, when, on=1):
    "Stop before or after the n-th call of a function; after one that returns a future: when done."
    inner = getattr(owner, name)
    count = itertools.count(1)
    def outer(*args, **options):
        is_it = next(count) == on
        if is_it and when == "before":
            come_to("here")
        result = inner(*args, **options)
        if is_it:
            if hasattr(result, "result"):
                result.result(25)
            come_to("here")
        return result
    setattr(owner, name, outer)
"""


class Kernel:
    """One forked process."""

    def __init__(self, nursery: str, home: Path, url: str, marks: Path, **environment: str) -> None:
        self.marks = marks
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(nursery)
        self._stream = self._socket.makefile("rwb")
        environment = {"PHASEO_NB_HOME": str(home), "PHASEO_NB_LIVE": "0"} | environment
        self._send({"env": environment, "names": {"URL": url, "MARKS": str(marks)}})
        self.pid: int = self._receive()["pid"]
        self.is_dead = False

    def run(self, code: str):
        """Run code to its end and return ``out``."""
        self.begin(code)
        return self.end()

    def begin(self, code: str) -> None:
        self._send({"code": code})

    def end(self):
        answer = self._receive()
        assert "error" not in answer, answer["error"]
        self.said: str = answer["said"]
        return answer["out"]

    def until_here(self, name: str = "here") -> None:
        """Wait until the kernel has come to its stop."""
        until((self.marks / name).exists, f"the kernel to come to {name!r}")

    def kill(self) -> None:
        """End it as the machine would that runs out of memory."""
        if not self.is_dead:
            os.kill(self.pid, signal.SIGKILL)
            self._stream.close()
            until(self._has_ended, "a killed process to end")
            self._socket.close()
        self.is_dead = True

    def _has_ended(self) -> bool:
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{self.pid}/stat").read_text()
            return stat.rpartition(")")[2].split()[0] == "Z"
        return True

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _send(self, message: dict) -> None:
        self._stream.write(json.dumps(message).encode() + b"\n")
        self._stream.flush()

    def _receive(self) -> dict:
        line = self._stream.readline()
        assert line, "the kernel has ended"
        return json.loads(line)


class Nursery:
    """Where kernels come from; kills what is left of them at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = str(folder / "nursery")
        self.log = folder / "kernels.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__, self.place], stdout=log, stderr=log
            )
        until(Path(self.place).exists, "the nursery to open")
        self.kernels: list[Kernel] = []
        self._n = 0

    def kernel(self, home: Path, url: str, **environment: str) -> Kernel:
        self._n += 1
        marks = self.folder / f"marks-{self._n}"
        marks.mkdir()
        kernel = Kernel(self.place, home, url, marks, **environment)
        self.kernels.append(kernel)
        return kernel

    def clear(self) -> None:
        """Kill every kernel that still runs."""
        for kernel in self.kernels:
            kernel.kill()
        self.kernels = []

    def close(self) -> None:
        self.clear()
        self._process.kill()
        self._process.wait(10)


# -- inside ----------------------------------------------------------------------------------------


def _nurse(place: str) -> None:
    import numpy  # noqa: F401
    import soundfile  # noqa: F401

    import phaseo_nb as nb

    for name in nb.__all__:
        getattr(nb, name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    listener.listen(32)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _live(connection)
            return
        connection.close()


def _live(connection: socket.socket) -> None:
    stream = connection.makefile("rwb")
    setup = json.loads(stream.readline())
    for name in list(os.environ):
        if name.startswith(("PHASEO_", "UDIOAPI_")):
            del os.environ[name]
    os.environ.update(setup["env"])
    names: dict = {"__name__": "kernel", **setup["names"]}
    exec(compile(PRELUDE, "<prelude>", "exec"), names)
    said = _Said()
    logging.getLogger("phaseo_nb").addHandler(said)
    _say(stream, {"pid": os.getpid()})
    for line in stream:
        names["out"] = None
        said.lines.clear()
        try:
            exec(compile(json.loads(line)["code"], "<cell>", "exec"), names)
            _say(stream, {"out": names["out"], "said": "\n".join(said.lines)})
        except Exception:
            _say(stream, {"error": traceback.format_exc()})


class _Said(logging.Handler):
    """What a kernel without a display says aloud."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _say(stream, message: dict) -> None:
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()


if __name__ == "__main__":
    _nurse(sys.argv[1])
