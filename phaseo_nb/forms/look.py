"""One look for all widgets: their style sheets, and who they are where widgets are not shown."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .. import cards

STATIC = Path(__file__).parent / "static"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def style(name: str) -> str:
    """Return the style sheet of a widget, with what all widgets share in front of it."""
    return "\n".join((STATIC / part).read_text("utf-8") for part in ("base.css", f"{name}.css"))


def script(name: str) -> str:
    """Return the ES module of a widget."""
    return (STATIC / f"{name}.js").read_text("utf-8")


def is_unproven() -> bool:
    """Tell whether this is a front end that our widgets were never run in: VS Code, Colab."""
    is_code = "VSCODE_PID" in os.environ or "VSCODE_CWD" in os.environ  # its own kernels have them
    return is_code or "google.colab" in sys.modules


def show_way_around(code: str) -> None:
    """Name the line of code that does the same, where a widget may not appear."""
    from IPython.display import display

    said = [f"If nothing appears above, widgets do not work here. The same in code: {code}"]
    bundle = {
        "text/html": cards.note_card(said),
        "text/plain": cards.note_card(said, text=True),
    }
    display(bundle, raw=True)  # type: ignore[no-untyped-call]
