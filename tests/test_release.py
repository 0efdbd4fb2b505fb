"""What a release says of itself is the same everywhere."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

import phaseo_nb as nb

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "pyproject.toml"
CHANGES = ROOT / "CHANGELOG.md"

if not PROJECT.is_file():
    pytest.skip("installed without its source", allow_module_level=True)


def headings():
    """Version and date of each entry of the changelog, newest first."""
    lines = re.findall(r"^## (.*)$", CHANGES.read_text("utf-8"), re.M)
    matches = [re.fullmatch(r"(\d+\.\d+\.\d+) \((.+)\)", line) for line in lines]
    assert None not in matches, lines
    return [match.groups() for match in matches]


def field(name):
    """The value of a line of pyproject.toml (3.10 has no reader of its own)."""
    return re.search(rf'^{name} = "(.*)"$', PROJECT.read_text("utf-8"), re.M)[1]


def test_the_newest_entry_is_this_version():
    """Package, pyproject.toml and the newest entry of the changelog name one version."""
    assert nb.__version__ == field("version") == headings()[0][0]


def test_entries_are_dated_and_in_order():
    """Versions and dates fall from top to bottom; only the newest may be unreleased."""
    versions = [tuple(map(int, version.split("."))) for version, _ in headings()]
    dates = [date for _, date in headings()]
    if dates[0] == "unreleased":
        dates = dates[1:]
    days = [datetime.date.fromisoformat(date) for date in dates]

    assert versions == sorted(set(versions), reverse=True)
    assert days == sorted(days, reverse=True)


def test_each_supported_python_is_classified():
    """The classifiers begin with the oldest Python that requires-python lets in, without a gap."""
    minors = re.findall(r'"Programming Language :: Python :: 3\.(\d+)"', PROJECT.read_text("utf-8"))
    oldest = int(field("requires-python").removeprefix(">=3."))

    assert list(map(int, minors)) == list(range(oldest, oldest + len(minors)))
    assert len(minors) >= 4
    assert field("target-version") == f"py3{oldest}"
