"""What somebody gives a comparison beside the takes, checked: texts, a stretch, a library."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ...errors import ExperimentError
from ...phrases import excerpt

if TYPE_CHECKING:
    from ...keeping import Library

LONGEST_STRETCH = 120.0


def opened(library: Library | str | os.PathLike[str] | None, *, needed: bool = False) -> Any:
    """Return a library; ``None`` where none was given and none is needed yet."""
    from ...keeping import Library

    if isinstance(library, Library):
        return library
    if library is None and not needed:
        return None
    from ...connecting import library as default_library

    return default_library(library)


def checked_text(what: str, text: Any, longest: int) -> str | None:
    """Return a text on one line; ``None`` where none was given."""
    if text is None:
        return None
    if not isinstance(text, str) or not text.strip() or len(text) > longest:
        message = f"{what} = {excerpt(repr(text), 60)}: give a short text (up to {longest} signs)."
        raise ExperimentError(message)
    return " ".join(text.encode("utf-8", "replace").decode().split())


def checked_loop(loop: Any) -> tuple[tuple[float, float] | None, bool]:
    """Return the stretch that is heard, ``None`` for all, and whether it begins again."""
    if isinstance(loop, bool):
        return None, loop
    try:
        start, end = map(float, loop)
    except (TypeError, ValueError):
        start, end = 0.0, 0.0
    if not 0 <= start < end or end - start < 0.05 or end - start > LONGEST_STRETCH:
        message = (
            f"loop = {excerpt(repr(loop), 60)} is no stretch. Give True, False or (start, end) in "
            f"seconds, such as (10, 20), of up to {LONGEST_STRETCH:g} s."
        )
        raise ExperimentError(message)
    return (start, end), True
