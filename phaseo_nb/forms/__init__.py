"""What can be clicked in a notebook: the form, the library's browser, buttons for open questions.

Widgets are loaded when one is shown, not before. Whatever a widget does, a line of code does too.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError
from ..keeping import Attempts

if TYPE_CHECKING:
    from .library_browser import LibraryBrowser
    from .music_form import MusicForm

__all__ = ["LibraryBrowser", "MusicForm", "install"]

_HOMES = {"LibraryBrowser": "library_browser", "MusicForm": "music_form"}
_INSTEAD = {"LibraryBrowser": "nb.library().recent()", "MusicForm": "await nb.generate(…)"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    try:
        value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("ipywidgets", "anywidget"):
            raise
        message = (
            f"{name} needs {error.name}, which is not installed here. Install it with "
            f"`pip install {error.name}`, or do without: `{_INSTEAD[name]}`."
        )
        raise SettingsError(message) from None
    globals()[name] = value
    return value


def install() -> None:
    """Let ``nb.library().uncertain()`` show its buttons, where widgets can be shown."""
    Attempts.presenter = staticmethod(_show_questions)


def _show_questions(attempts: Attempts) -> bool:
    from ..live import can_watch

    if not can_watch():
        return False
    try:
        from .questions import show_questions
    except ImportError:  # no ipywidgets here: the table names the lines of code
        return False
    show_questions(attempts)
    return True
