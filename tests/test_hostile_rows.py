"""The table of hostile inputs is whole, and what it names exists."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from hostile_rows import ROWS

HERE = Path(__file__).parent


@cache
def named_in(file):
    tree = ast.parse((HERE / f"test_{file}.py").read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_kind_has_its_row():
    """There are fifty kinds, and each is either tested or said not to apply."""
    assert list(ROWS) == list(range(1, 51))
    assert all(bool(row.tests) != bool(row.not_applicable) for row in ROWS.values())


@pytest.mark.parametrize("number", [n for n, row in ROWS.items() if row.tests])
def test_a_row_names_tests_that_exist(number):
    """A test that is renamed or removed does not leave its row empty unseen."""
    for name in ROWS[number].tests:
        file, _, test = name.partition("::")
        assert f"test_{test}" in named_in(file), name
