"""One look for all widgets: their style sheets, and who they are where widgets are not shown."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent / "static"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def style(name: str) -> str:
    """Return the style sheet of a widget, with what all widgets share in front of it."""
    return "\n".join((STATIC / part).read_text("utf-8") for part in ("base.css", f"{name}.css"))


def script(name: str) -> str:
    """Return the ES module of a widget."""
    return (STATIC / f"{name}.js").read_text("utf-8")
