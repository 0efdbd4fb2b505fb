"""The peers we are compared with, each installed in an environment of its own.

::

    python tests/benchmarks/peers.py     # build what is missing, print the versions

The environments live in the user's cache folder, or where ``PHASEO_NB_BENCH_ENVS`` says, and are
built on first use. Where a package cannot be had, ``python_of`` raises ``PeerMissing`` with the
installer's last line, and the comparison goes on without that peer.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

HERE = Path(__file__).parent
ENVS = "PHASEO_NB_BENCH_ENVS"

PEERS = {
    "phaseo": ["phaseo==3.0.0"],
    "musicapi-sdk": ["musicapi-sdk"],
    "openai": ["openai"],
    "fal-client": ["fal-client"],
    "replicate": ["replicate"],
    "httpx": ["httpx"],
}
"""Name → what pip installs. httpx bare stands for what one would write by hand."""


class PeerMissing(RuntimeError):
    """A peer could not be installed here."""


def folder() -> Path:
    """Return where the environments live."""
    chosen = os.environ.get(ENVS)
    if chosen:
        return Path(chosen).expanduser().resolve()
    return Path(platformdirs.user_cache_dir("phaseo_nb-benchmarks", appauthor=False)) / "envs"


@cache
def python_of(peer: str) -> Path:
    """Return the interpreter of the peer's environment, which is built when it is not there."""
    home = folder() / f"{peer}-py{sys.version_info[0]}.{sys.version_info[1]}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = home / "installed.txt"
    wanted = " ".join(PEERS[peer])
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(home, ignore_errors=True)
    venv.create(home, with_pip=True)
    command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    command += PEERS[peer]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        message = f"{peer}: pip did not end within 600 s"
        raise PeerMissing(message) from None
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or ["pip gave no reason"]
        message = f"{peer}: {lines[-1]}"
        raise PeerMissing(message)
    done.write_text(wanted, encoding="utf-8")
    return python


@cache
def version_of(peer: str) -> str:
    """Return the installed version of the peer."""
    code = f"from importlib.metadata import version; print(version({peer!r}))"
    return subprocess.run(
        [python_of(peer), "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def run(peer: str, script: str, *words: str, timeout: float) -> Any:
    """Run a script of this folder with the peer's interpreter; return the JSON of its last line."""
    ended = subprocess.run(
        [python_of(peer), HERE / script, *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": "", "no_proxy": "127.0.0.1"},
    )
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        message = f"{peer}: {lines[-1]}"
        raise RuntimeError(message)
    return json.loads(ended.stdout.strip().splitlines()[-1])


def versions() -> dict[str, str]:
    """Return the version of each peer, building what is missing; or why it could not be had."""
    found = {}
    for peer in PEERS:
        try:
            found[peer] = version_of(peer)
        except PeerMissing as error:
            found[peer] = f"missing ({error})"
    return found


if __name__ == "__main__":
    for name, version in versions().items():
        print(f"{name:14} {version}", flush=True)
