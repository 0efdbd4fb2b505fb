"""Files for others to read: written whole or not at all, and never over somebody else's."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from ..errors import ExperimentError


def write_whole(
    path: str | os.PathLike[str],
    data: bytes,
    *,
    overwrite: bool,
    is_ours: Callable[[Path], bool],
) -> Path:
    """Write a file completely or not at all, and never over somebody else's.

    Parameters
    ----------
    path, data
        Where, and what.
    overwrite
        Whether whatever is there may be replaced.
    is_ours
        Tells whether a file there is an earlier one of the same making: a cell run again.
    """
    try:
        target = Path(os.path.abspath(Path(path).expanduser()))
        _check_place(target, overwrite, is_ours)
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, target)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # NUL, 300 letters, no right
        why = getattr(error, "strerror", None) or error
        message = f"{str(path)!r:.200} cannot be written: {why}. Nothing was changed there."
        raise ExperimentError(message) from error
    return target


def _check_place(target: Path, overwrite: bool, is_ours: Callable[[Path], bool]) -> None:
    if not target.parent.is_dir():
        message = f"The folder {target.parent} does not exist. Make it first."
        raise ExperimentError(message)
    if target.is_dir():
        message = f"{target} is a folder. Give the name of a file."
        raise ExperimentError(message)
    if target.exists() and not overwrite and not is_ours(target):
        message = (
            f"{target} is there already and was not written by this. Choose another name, or "
            "give overwrite=True."
        )
        raise ExperimentError(message)
