"""What can be clicked in a notebook: buttons for open questions.

Widgets are loaded when one is shown, not before. Whatever a widget does, a line of code does too.
"""

from __future__ import annotations

from ..keeping import Attempts

__all__ = ["install"]


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
