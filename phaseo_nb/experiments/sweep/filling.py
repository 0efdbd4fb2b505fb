"""Templates: ``{name}`` in a text, filled from a list of names; nothing else is a template."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Not str.format: that reaches into attributes, and falls over a brace that a poet wrote.
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def names_in(value: Any) -> set[str]:
    """Return the names in braces in a text, or in the texts inside a dict or list."""
    if isinstance(value, str):
        found = _BRACES.finditer(value)
        return {match[1] for match in found if match[1] is not None}
    if isinstance(value, Mapping):
        value = list(value.values())
    return set().union(*map(names_in, value)) if isinstance(value, (list, tuple)) else set()


def filled(value: Any, put: Mapping[str, Any]) -> Any:
    """Return a text with its names filled; doubled braces are braces."""
    if isinstance(value, str):
        return _BRACES.sub(lambda match: _one(match, put), value)
    if isinstance(value, Mapping):
        return {name: filled(item, put) for name, item in value.items()}
    return [filled(item, put) for item in value] if isinstance(value, (list, tuple)) else value


def _one(match: re.Match[str], put: Mapping[str, Any]) -> str:
    if match[1] is None:
        return match[0][0]
    return str(put[match[1]]) if put.get(match[1]) is not None else ""
