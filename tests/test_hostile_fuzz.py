"""The fuzzers of ``tests/fuzz`` find what is planted, and find nothing in a short run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the fuzzers count time and memory as POSIX does"
)
FUZZ = Path(__file__).parent / "fuzz"

PLANTED = """
import sys
sys.path.insert(0, {folder!r})
import answers, fuzzing

def check(given):
    answers.check(given)
    if b"status" in given.body and len(given.body) > 100:
        raise {error}

found = fuzzing.run(answers.TARGET._replace(check=check), seconds=20, seed=1, runs=30)
(small, error), *_ = found.values()
assert b"status" in small.body and len(small.body) < 140, small
print(type(error).__name__)
"""


def run(*arguments):
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("name", ["answers", "callbacks"])
def test_a_short_run_finds_nothing_and_says_how_fast_it_was(name, tmp_path):
    """The command ends with 0 where nothing was found; the same seed makes the same inputs."""
    done = run(FUZZ / f"{name}.py", "--runs", "100", "--seed", "7", "--folder", tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "100 inputs" in done.stdout
    assert "a second" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_fault_is_found_and_made_small(tmp_path):
    """A planted fault is found, cut down to what shows it, and saved."""
    done = run("-c", PLANTED.format(folder=str(FUZZ), error='KeyError("planted")'))

    assert done.stdout.splitlines()[-1] == "KeyError", done.stderr
    assert "FINDING 1: KeyError" in done.stdout
    saved = Path(done.stdout.partition("saved: ")[2].splitlines()[0])
    assert "planted" in saved.read_text("utf-8")
    saved.unlink()
    saved.parent.rmdir()
