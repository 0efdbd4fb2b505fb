"""Which process looks after a job, and whether it still lives.

A lease is a kernel's name on a job. It is not dated, because clocks jump: every kernel counts up
while it works, and who waits for it watches the count by a clock of its own. On the same machine
there is a quicker way, as a process that is gone is gone.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

BEAT = 4.0
"""Seconds between two signs of life of a kernel that looks after jobs."""
LEASE = 15.0
"""Seconds without a sign of life after which a kernel's jobs are free."""


@dataclass(frozen=True)
class Kernel:
    """One Python process, told apart from every other."""

    id: str
    host: str
    boot: str
    """Of the machine; another boot means that everything before it is gone."""
    space: str
    """Namespace of process numbers: containers on one host count for themselves."""
    pid: int
    born: str
    """When the process started, as the system counts it; numbers of processes come again."""

    def is_gone(self, here: Kernel) -> bool | None:
        """Tell whether the process has ended, as seen from ``here``; ``None``: cannot tell."""
        if self.id == here.id:
            return False
        if not self.host or self.host != here.host:
            return None
        if self.boot != here.boot:
            return True if self.boot and here.boot else None
        if self.space != here.space:
            return None
        if not _is_running(self.pid):
            return True
        born = _born(self.pid)
        if self.born and born:
            return born != self.born
        return None


_this: dict[int, Kernel] = {}


def this_kernel() -> Kernel:
    """Return who we are; a forked child is somebody else."""
    pid = os.getpid()
    if pid not in _this:
        _this.clear()
        _this[pid] = Kernel(
            id=secrets.token_hex(8),
            host=_host(),
            boot=_read("/proc/sys/kernel/random/boot_id"),
            space=_link("/proc/self/ns/pid"),
            pid=pid,
            born=_born(pid),
        )
    return _this[pid]


class Watch:
    """Watches the counts of other kernels, by a clock that never jumps."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}

    def is_dead(self, kernel: Kernel | None, beat: int, here: Kernel) -> bool:
        """Tell whether a kernel's lease is over; called again and again while somebody waits."""
        if kernel is None:
            return True
        gone = kernel.is_gone(here)
        if kernel.id == here.id or gone:
            return bool(gone)
        now = self._clock()
        known = self._seen.get(kernel.id)
        if known is None or known[0] != beat:
            self._seen[kernel.id] = beat, now
            return False
        return now - known[1] >= LEASE


def notebook_name() -> str | None:
    """Return which notebook this kernel serves, where the front end says so."""
    named = os.environ.get("JPY_SESSION_NAME", "").strip()
    if not named and "IPython" in sys.modules:
        shell = sys.modules["IPython"].get_ipython()
        named = str((getattr(shell, "user_ns", None) or {}).get("__vsc_ipynb_file__") or "")
    return _last_part(named)


@lru_cache(maxsize=16)  # asked three times for each job
def _last_part(named: str) -> str | None:
    return Path(named.replace("\\", "/")).name[:200] or None


def _host() -> str:
    known = _read("/etc/machine-id")
    name = ""
    with suppress(OSError):
        name = socket.gethostname()
    return f"{name}:{known}" if name or known else ""


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":
        return _is_running_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # not ours, so it is there
        return True
    # A killed process whose parent has not looked yet is still listed, and does nothing more.
    return _stat(pid)[:1] != ["Z"]


def _is_running_on_windows(pid: int) -> bool:  # untested: os.kill would end the process there
    import ctypes

    query, still_active = 0x1000, 259
    api = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = api.OpenProcess(query, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    api.GetExitCodeProcess(handle, ctypes.byref(code))
    api.CloseHandle(handle)
    return code.value == still_active


def _born(pid: int) -> str:
    """Return the start time of a process in ticks since boot; empty where nobody tells."""
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else ""


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/<pid>/stat`` after the name, which may hold anything."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
