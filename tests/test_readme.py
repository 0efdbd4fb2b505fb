"""What the README shows works as it stands there."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import phaseo_nb as nb

pytestmark = pytest.mark.full_songs

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text("utf-8") if README.is_file() else ""
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.S)
ALL_PYTHON = BLOCKS + re.findall(r"```py\n(.*?)```", TEXT, re.S)


def test_the_blocks_run(monkeypatch, tmp_path):
    """The Python blocks run one after the other, in the sandbox, as cells would."""
    monkeypatch.chdir(tmp_path)
    nb.connect("sandbox", transport=nb.Sandbox(speed=20).transport)
    space: dict[str, object] = {}

    for block in BLOCKS:
        code = compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, space)
        if result is not None:
            nb.run(result)

    assert space["take"].track.duration == pytest.approx(8.0, abs=0.1)


def test_every_name_exists():
    """Every `nb.name` and every public name in the text can be imported."""
    for name in set(re.findall(r"\bnb\.(\w+)", TEXT)):
        assert name in nb.__all__ or inspect.ismodule(getattr(nb, name)), name
    for name in ("MusicClient", "MusicRequest", "UdioRequest"):
        assert name in TEXT
        assert hasattr(nb, name)


def test_every_link_leads_somewhere():
    """Pictures and links into the checkout exist."""
    links = re.findall(r'\]\(([^)#]+)\)|(?:src|srcset)="([^"]+)"', TEXT)
    for link in (a or b for a, b in links):
        assert (README.parent / link).exists(), link


def test_the_two_commands_are_one_line_each():
    """The first screen holds one command that opens the lesson and one that runs the tests."""
    commands = [c.strip() for c in re.findall(r"```bash\n(.*?)```", TEXT, re.S)][:2]

    assert all("\n" not in command for command in commands)
    assert commands[0].endswith("jupyter lab notebooks/00_start_here.ipynb")
    assert commands[1].endswith("pytest")
