"""The page of a report: its frame and its look; no script, nothing from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

from ... import cards
from ...phrases import UNSEEN

GENERATOR = "phaseo_nb sweep report"
"""Stands in the head of each report, by which an earlier one is known."""

# What a page may do is said by the page: text of others that got past the escaping could still
# neither run nor fetch anything.
_POLICY = (
    "default-src 'none'; img-src data:; media-src data: file: 'self'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
_CSS = """
:root{color-scheme:light dark;--ground:#ffffff;--ink:#1c1d22;--quiet:#5a5c66;--line:#d9dae0;
--soft:#f5f5f8;--mark:#4a51c9}
@media(prefers-color-scheme:dark){:root{--ground:#15161a;--ink:#e8e8ee;--quiet:#a6a8b4;
--line:#3a3c46;--soft:#1e2026;--mark:#a3a8f5}}
*{box-sizing:border-box}
html{font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;color:var(--ink);
background:var(--ground)}
body{margin:0 auto;padding:40px 24px 64px;max-width:1060px}
header{margin-bottom:36px}
h1{font-size:30px;line-height:1.2;margin:0 0 6px;overflow-wrap:anywhere}
h2{font-size:19px;line-height:1.3;margin:44px 0 10px;overflow-wrap:anywhere}
p{margin:8px 0;max-width:46em;overflow-wrap:anywhere}
.question{font-size:19px;line-height:1.4}
.quiet{color:var(--quiet);font-size:14px}
.badge{display:inline-block;padding:0 9px;border-radius:9px;font-size:11px;font-weight:700;
line-height:18px;letter-spacing:.6px;background:#8a5a00;color:#fff;vertical-align:middle}
.wide{overflow-x:auto;max-width:100%}
.wide:focus-visible{outline:2px solid var(--mark);outline-offset:3px}
main table.plain{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
main table.plain th,main table.plain td{text-align:left;vertical-align:top;
padding:5px 20px 5px 0;border-bottom:1px solid var(--line);max-width:44em;
overflow-wrap:break-word}
main table.plain th{font-weight:600}
main table.plain thead th{color:var(--quiet);white-space:nowrap;font-size:13px}
main table.plain .figure{text-align:right;white-space:nowrap}
main table.plain .long{min-width:11em}
main table.plain tfoot td{font-weight:600;border-bottom:0}
pre{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:14px 16px;
overflow-x:auto;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
details summary{cursor:pointer;color:var(--mark)}
.phaseo-nb{max-width:100%!important}
footer{margin-top:56px;border-top:1px solid var(--line);padding-top:12px}
@media(max-width:600px){body{padding:24px 14px 48px}h1{font-size:24px}}
/* Points, whiskers and badges are backgrounds, which printers leave out unless told. */
@page{margin:16mm}
@media print{html{font-size:12px;color-scheme:light}body{max-width:none;padding:0}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}.phaseo-nb{zoom:.86}
audio{display:none!important}pre,.wide{overflow:visible}pre{white-space:pre-wrap}
tr,pre,figure{break-inside:avoid}h2{break-after:avoid}}
"""


def page(title: str, body: str) -> str:
    """Return a whole page around a body of this package's own making."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="{GENERATOR}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{cards.escape(title)}</title>\n<style>{_CSS}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def section(heading: str, content: str) -> str:
    """Return a part of the page; none where there is nothing in it."""
    return f"<section><h2>{cards.escape(heading)}</h2>\n{content}</section>\n" if content else ""


def paragraph(text: object, kind: str = "") -> str:
    """Return a text as a paragraph; none where there is none."""
    words = cards.escape(text)
    name = f' class="{kind}"' if kind else ""
    return f"<p{name}><bdi>{words}</bdi></p>" if words else ""


def code(text: str) -> str:
    """Return lines of code as they are, with what cannot be seen made visible."""
    shown = UNSEEN.sub(lambda match: match[1] or f"⟨U+{ord(match[0][0]):04X}⟩", text)
    region = 'class="wide" role="region" aria-label="Code" tabindex="0"'
    return f"<pre {region}><code>{html.escape(shown)}</code></pre>"


class Head(NamedTuple):
    """What stands above a column."""

    name: str
    is_figure: bool = False
    is_long: bool = False
    """Holds text that folds."""


def table(
    label: str,
    heads: Sequence[Head],
    rows: Sequence[Sequence[str]],
    total: Sequence[str] | None = None,
) -> str:
    """Return a table of plain words; the first cell of a row names it."""
    if not rows:
        return ""

    def cell(tag: str, head: Head, words: str, scope: str = "") -> str:
        kind = "figure" if head.is_figure else "long" if head.is_long else ""
        name = f' class="{kind}"' if kind else ""
        return f"<{tag}{scope}{name}><bdi>{cards.escape(words)}</bdi></{tag}>"

    names = "".join(cell("th", head, head.name, ' scope="col"') for head in heads)
    lines = []
    for row in rows:
        first = cell("th", heads[0], row[0], ' scope="row"')
        others = zip(heads[1:], row[1:], strict=True)
        lines.append(
            f"<tr>{first}{''.join(cell('td', head, words) for head, words in others)}</tr>"
        )
    foot = ""
    if total is not None:
        summed = "".join(cell("td", h, words) for h, words in zip(heads, total, strict=True))
        foot = f"<tfoot><tr>{summed}</tr></tfoot>"
    return (
        f'<div class="wide" role="region" aria-label="{cards.escape(label)}" tabindex="0">'
        f'<table class="plain"><thead><tr>{names}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody>{foot}</table></div>"
    )
