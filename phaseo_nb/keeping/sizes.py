"""Sizes as people write them."""

from __future__ import annotations

import math
import re
from typing import Any

from ..errors import LibraryError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def size_of(value: Any) -> int:
    """Return a size in bytes from a number or words such as ``"2GB"`` or ``"500 MiB"``.

    Raises
    ------
    LibraryError
        It is no size.
    """
    number: float | None = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]i?)?b?\s*", value.lower())
        if match:
            number = float(match[1]) * {**_UNITS, **_BINARY}[match[2] or ""]
    if number is None or not math.isfinite(number) or not 0 <= number < 2**62:
        message = f"{value!r:.80} is no size. Give bytes, or words such as '2GB' or '500MB'."
        raise LibraryError(message)
    return int(number)
