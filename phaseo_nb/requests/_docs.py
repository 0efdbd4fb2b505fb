"""The string under each field of a model, as that field's description.

Pydantic can read them itself (``use_attribute_docstrings``), but it looks through every loaded
module for the source of each class: a fifth of the time until the first form stands there. Here
the source of a module is read once, by whoever has it: file or zip.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any


def field_docs(model: type[Any]) -> Mapping[str, str]:
    """Return the docs of the fields that a class itself declares; none without its source."""
    return _docs_in(model.__module__).get(model.__qualname__, {})


@lru_cache(maxsize=32)
def _docs_in(module: str) -> Mapping[str, Mapping[str, str]]:
    loader = getattr(sys.modules.get(module), "__loader__", None)
    get_source = getattr(loader, "get_source", None)
    try:
        source = get_source(module) if get_source else None
        tree = ast.parse(source or "")
    except (ImportError, OSError, SyntaxError, UnicodeDecodeError):
        return {}  # without docs a form is poorer, but it works
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return {node.name: dict(_documented(node.body)) for node in classes}


def _documented(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        said = text.value if isinstance(text, ast.Expr) else None
        if isinstance(said, ast.Constant) and isinstance(said.value, str):
            yield field.target.id, inspect.cleandoc(said.value)
