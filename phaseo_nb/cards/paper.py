"""What every card is made of: colours, rows, the frame, and the one way text gets into HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from ..phrases import visible

INK = "#757cea"
RED = "#eb565a"
AMBER = "#b97800"
BADGE = ("#ffffff", "#8a5a00")
"""Text and ground of the SANDBOX badge."""
QUIET = 0.78
"""Opacity of secondary text over the page's own colours."""

NO_MATH = "mathjax_ignore tex2jax_ignore"  # two prices in a sentence are no formula
CLASS = f"phaseo-nb {NO_MATH}"
FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
CARD = (
    f"box-sizing:border-box;max-width:640px;margin:4px 0 10px;padding:14px 16px 12px;"
    f"border:1px solid rgba(128,128,128,0.35);border-radius:10px;"
    f"background-color:rgba(128,128,128,0.05);{FONT};font-size:13px;line-height:1.5;"
    f"text-align:left"
)
EDGE = "border-radius:4px 10px 10px 4px;padding-left:13px"
HEAD = "display:flex;flex-wrap:wrap;align-items:baseline"
TITLE = (
    "font-size:15px;font-weight:600;line-height:1.35;min-width:0;overflow-wrap:break-word;"
    "margin-right:12px"
)
RIGHT = "margin-left:auto;white-space:nowrap;font-variant-numeric:tabular-nums"
QUIETLY = f"opacity:{QUIET};overflow-wrap:break-word"
SMALL = f"{QUIETLY};font-size:12px;font-variant-numeric:tabular-nums"
BADGE_STYLE = (
    f"display:inline-block;padding:0 7px;border-radius:8px;font-size:10px;font-weight:700;"
    f"line-height:16px;letter-spacing:0.6px;background-color:{BADGE[1]};color:{BADGE[0]};"
    f"position:relative;top:-1px"
)
CODE = (
    "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px;"
    "padding:1px 5px;border-radius:4px;background-color:rgba(128,128,128,0.16);"
    "color:inherit;white-space:pre-wrap;overflow-wrap:break-word"
)

# The audio control is drawn by the browser, white unless it is told that the page is dark.
# Lab and nbconvert, VS Code, Colab say so each in its own way; elsewhere the system does.
STYLE = (
    "<style>"
    "body[data-jp-theme-light=false] .phaseo-nb,body.vscode-dark .phaseo-nb,"
    "html[theme=dark] .phaseo-nb{color-scheme:dark}"
    "body[data-jp-theme-light=true] .phaseo-nb,body.vscode-light .phaseo-nb{color-scheme:light}"
    "@media(prefers-color-scheme:dark){"
    "body:not([data-jp-theme-light]):not(.vscode-light):not(.vscode-dark) .phaseo-nb"
    "{color-scheme:light dark}}"
    ".phaseo-nb audio:focus-visible{outline:2px solid #757cea;outline-offset:2px}"
    "@keyframes phaseo-nb{from{margin-left:0}to{margin-left:70%}}"
    "@media(prefers-reduced-motion:no-preference){"
    ".phaseo-nb .phaseo-nb-open{animation:phaseo-nb 1.6s ease-in-out infinite alternate}}"
    "</style>"
)


_DATA = re.compile(r"data:[a-z0-9]+/[a-z0-9.+-]+;base64")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


def escape(text: object) -> str:
    """Return a text for HTML: escaped, with what cannot be seen made visible."""
    return html.escape(visible(text), quote=True)


def address(text: str) -> str:
    """Return an address for HTML. Megabytes of base64 hold nothing to escape, and are only checked.

    To make all that visible sign by sign kept everything else waiting for a fifth of a second.
    """
    head, comma, data = text.partition(",")
    if (
        comma
        and _DATA.fullmatch(head)
        and not data.encode("utf-8", "replace").translate(None, _BASE64)
    ):
        return text
    return escape(text)


def card(body: str, label: str, *, tone: str | None = None, live: bool = False) -> str:
    """Return the frame around a body; ``label`` is what a screen reader says of it."""
    style = CARD + (f";border-left:4px solid {tone};{EDGE}" if tone else "")
    role = 'role="status" aria-live="off"' if live else 'role="group"'
    return (
        f'<div class="{CLASS}" {role} aria-label="{escape(label)}" style="{style}">'
        f"{STYLE}{body}</div>"
    )


def head_line(title: str, place: str, sandbox: bool) -> str:
    """Return the first row: a title (as HTML), and what stands at its right."""
    badge = f'<span style="{BADGE_STYLE}">SANDBOX</span>' if sandbox else ""
    words = f'<span style="{SMALL}">{escape(place)}</span>' if place else ""
    aside = f'<span style="{RIGHT}">{badge} {words}</span>' if badge or words else ""
    return f'<div style="{HEAD}"><span style="{TITLE}"><bdi>{title}</bdi></span>{aside}</div>'


def row(content: str, style: str) -> str:
    """Return one row of HTML; none where there is nothing to say."""
    return f'<div style="{style}">{content}</div>' if content else ""


def facts_row(facts: Sequence[str], style: str) -> str:
    """Facts with dots between them; a line may end after a dot, not inside a short fact."""
    spans = [
        f'<span style="white-space:nowrap">{escape(fact)}</span>'
        if len(fact) <= 40
        else escape(fact)
        for fact in facts
        if fact
    ]
    return row(" · ".join(spans), f"{SMALL};{style}")


def message(
    heading: str,
    lines: Sequence[str],
    next_step: str | None,
    codes: Sequence[str],
    tone: str,
    sign: str,
    sandbox: bool,
    text: bool,
    more: str = "",
) -> str:
    """Return a card that says something: what happened, and what can be done."""
    if text:
        badge = " · SANDBOX" if sandbox else ""
        rest = [visible(line) for line in (*lines, *([next_step] if next_step else []), *codes)]
        return "\n  ".join([f"{sign} {visible(heading)}{badge}", *rest])
    body = head_line(escape(heading), "", sandbox)
    body += "".join(row(escape(line), "margin-top:3px;overflow-wrap:break-word") for line in lines)
    code = " ".join(f'<code style="{CODE}">{escape(line)}</code>' for line in codes)
    if next_step or code:
        words = f'<span style="opacity:{QUIET}">{escape(next_step or "")}</span>'
        body += row(f"{words} {code}", "margin-top:6px;overflow-wrap:break-word")
    return card(body + more, heading, tone=tone)
