"""The one card language: what a track, a running job, a failure or a question looks like.

Pure functions: values in, one HTML string out, or with ``text=True`` the same in plain words for
terminals. Every value is escaped here, whoever it comes from.

How it survives: JupyterLab cleans the HTML of notebooks it does not trust. It drops ``<style>``,
``svg``, ``aria-*``, inline values with ``var()`` and properties such as ``gap``. So the look is
inline, in properties it keeps; text takes the colour of the page, and all other colours work on
light and dark alike. The small ``<style>`` block only refines (audio control, motion).
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from .phrases import clock, excerpt, visible

INK = "#757cea"
RED = "#eb565a"
AMBER = "#b97800"
BADGE = ("#ffffff", "#8a5a00")
"""Text and ground of the SANDBOX badge."""
QUIET = 0.78
"""Opacity of secondary text over the page's own colours."""

_NO_MATH = "mathjax_ignore tex2jax_ignore"  # two prices in a sentence are no formula
_CLASS = f"phaseo-nb {_NO_MATH}"
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
_CARD = (
    f"box-sizing:border-box;max-width:640px;margin:4px 0 10px;padding:14px 16px 12px;"
    f"border:1px solid rgba(128,128,128,0.35);border-radius:10px;"
    f"background-color:rgba(128,128,128,0.05);{_FONT};font-size:13px;line-height:1.5;"
    f"text-align:left"
)
_EDGE = "border-radius:4px 10px 10px 4px;padding-left:13px"
_HEAD = "display:flex;flex-wrap:wrap;align-items:baseline"
_TITLE = (
    "font-size:15px;font-weight:600;line-height:1.35;min-width:0;overflow-wrap:break-word;"
    "margin-right:12px"
)
_RIGHT = "margin-left:auto;white-space:nowrap;font-variant-numeric:tabular-nums"
_QUIET = f"opacity:{QUIET};overflow-wrap:break-word"
_SMALL = f"{_QUIET};font-size:12px;font-variant-numeric:tabular-nums"
_BADGE = (
    f"display:inline-block;padding:0 7px;border-radius:8px;font-size:10px;font-weight:700;"
    f"line-height:16px;letter-spacing:0.6px;background-color:{BADGE[1]};color:{BADGE[0]};"
    f"position:relative;top:-1px"
)
_CODE = (
    "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px;"
    "padding:1px 5px;border-radius:4px;background-color:rgba(128,128,128,0.16);"
    "color:inherit;white-space:pre-wrap;overflow-wrap:break-word"
)

# The audio control is drawn by the browser, white unless it is told that the page is dark.
# Lab and nbconvert, VS Code, Colab say so each in its own way; elsewhere the system does.
_STYLE = (
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

_STATUS_WORDS = {
    "planned": "Waiting for its turn",
    "submitting": "Handing in",
    "queued": "Waiting in line",
    "in_progress": "Making your music",
    "completed": "Fetching the recording",
    "downloading": "Fetching the recording",
    "kept": "Done",
    "failed": "Failed",
}
_LINES_SHOWN = 8
_UNCONFIRMED = "In the words of the service's callback; its feed has not confirmed it yet."
_SHEET = (
    "margin-top:10px;padding:1px 0 1px 11px;border-left:2px solid rgba(128,128,128,0.45);"
    "line-height:1.45;overflow-wrap:break-word"
)
_STAGE_WORDS = {"text": "the words are written", "first": "the first track is there"}

# -- cards -------------------------------------------------------------------------------------


def player_card(
    *,
    title: str,
    prompt: str | None = None,
    source: str | None = None,
    waveform: str | None = None,
    waveform_words: str = "",
    facts: Sequence[str] = (),
    notes: Sequence[str] = (),
    number: int | None = None,
    part: str = "",
    sandbox: bool = False,
    text: bool = False,
) -> str:
    """Return the card of one track.

    Parameters
    ----------
    title
        What the track is called; falls back to the prompt at the caller's.
    prompt
        Shown small under the title.
    source
        ``data:`` address of the audio; ``None`` shows no audio control.
    waveform, waveform_words
        ``data:`` address of a picture, and what it shows, for those who cannot see it.
    facts
        Short phrases, in the order in which they are read.
    notes
        Sentences under the facts: a preview, a missing extra, words without effect.
    number, part
        Which take; which track of several, such as ``"track 2 of 2"``.
    sandbox
        Whether the badge is shown.
    text
        Plain words instead of HTML.
    """
    place = " · ".join(word for word in (f"take {number}" if number else "", part) if word)
    if text:
        head = " · ".join(["♪ " + visible(title), *([visible(place)] if place else [])])
        lines = [head + (" · SANDBOX" if sandbox else ""), " · ".join(map(visible, facts))]
        return "\n  ".join([line for line in (*lines, *map(visible, notes)) if line])
    name = _h(title)
    picture = (
        f'<img alt="{_h(waveform_words)}" src="{_h(waveform)}" '
        'style="display:block;width:100%;height:56px;margin:10px 0 0">'
        if waveform
        else ""
    )
    control = (
        f'<audio controls preload="metadata" aria-label="Play {name}" title="{name}" '
        f'src="{_h(source)}" style="display:block;width:100%;height:40px;margin:8px 0 0"></audio>'
        if source
        else ""
    )
    said = _line(_h(excerpt(prompt, 140)), f"{_QUIET};margin-top:1px") if prompt else ""
    rows = [_facts(facts, "margin-top:8px")]
    rows += [_line(_h(note), f"{_SMALL};margin-top:4px") for note in notes]
    head = _head(name, place, sandbox)
    return _card(head + said + picture + control + "".join(rows), f"Player: {title}")


def picture_card(
    *,
    title: str,
    source: str | None,
    alt: str,
    notes: Sequence[str] = (),
    sandbox: bool = False,
    text: bool = False,
) -> str:
    """Return the card of one picture.

    Parameters
    ----------
    title, alt
        What it is called, and what it shows, for those who cannot see it.
    source
        ``data:`` address of the picture; ``None`` shows none.
    notes
        Sentences under it: where it is, or why it is not here.
    sandbox, text
        As in :func:`player_card`.
    """
    if text:
        head = f"▣ {visible(title)}" + (" · SANDBOX" if sandbox else "")
        return "\n  ".join([head, *map(visible, notes)])
    picture = (
        f'<img alt="{_h(alt)}" src="{_h(source)}" '
        'style="display:block;max-width:100%;max-height:480px;margin:10px 0 0;border-radius:6px">'
        if source
        else ""
    )
    rows = [_line(_h(note), f"{_SMALL};margin-top:4px") for note in notes]
    return _card(_head(_h(title), "", sandbox) + picture + "".join(rows), f"Picture: {title}")


def live_card(
    *,
    status: str,
    elapsed: float | None,
    expected: float | None = None,
    prompt: str | None = None,
    provider: str | None = None,
    stage: str | None = None,
    title: str | None = None,
    lyrics: str | None = None,
    is_unverified: bool = False,
    job_id: str | None = None,
    price: str | None = None,
    number: int | None = None,
    sandbox: bool = False,
    can_interrupt: bool = True,
    elsewhere: bool = False,
    text: bool = False,
) -> str:
    """Return the line of a running job.

    The bar shows time gone against the time such jobs usually take, as the words beside it do;
    without such a figure, or beyond it, the bar only says that something is going on.

    Parameters
    ----------
    status
        The gateway's word, or ``submitting`` and ``downloading``; unknown ones are shown as
        they are.
    elapsed, expected
        Seconds so far (``None`` leaves the clock out, for a card that must stay as it is), and
        what is usual (``None`` when nobody knows yet).
    title, lyrics, is_unverified
        What was written for it by now, and whether only a callback says so, ``stage`` included.
    prompt, provider, stage, job_id, price, number, sandbox
        Shown where known; ``stage`` is udio's ``text`` or ``first``.
    can_interrupt
        Whether a cell waits that can be interrupted.
    elsewhere
        Whether another kernel asks for it, and this one looks on.
    text
        Plain words instead of HTML.
    """
    doing = _STATUS_WORDS.get(status, f"Status {visible(status)!r}")
    at = f" at {visible(provider)}" if provider and status in ("queued", "in_progress") else ""
    stage_words = f", {_STAGE_WORDS[stage]}" if stage in _STAGE_WORDS else ""
    is_late = expected is not None and elapsed is not None and elapsed > expected
    timing = _timing(elapsed, expected)
    written = _written(title, lyrics)
    doubt = [_UNCONFIRMED] if is_unverified else []
    facts = [f"take {number}"] if number else []
    facts += [f"job {visible(job_id)}"] if job_id else []
    facts += [visible(price)] if price else []
    facts += ["another kernel asks for it, this one looks on"] if elsewhere else []
    if can_interrupt and job_id:
        facts.append("interrupt the cell to stop waiting; the job goes on and is kept")
    if text:
        badge = " · SANDBOX" if sandbox else ""
        head = " · ".join(filter(None, [f"… {doing}{at}{stage_words}", timing])) + badge
        return "\n  ".join([head, *map(visible, written), *doubt, " · ".join(facts)])
    is_open = expected is None or elapsed is None or is_late
    share = None if is_open else min((elapsed or 0.0) / max(expected or 0.0, 1e-9), 1.0)
    head = _head(
        f"{_h(doing)}<span style='font-weight:400'>{_then(at + stage_words)}</span>",
        timing,
        sandbox,
    )
    said = _line(_h(excerpt(prompt, 140)), f"{_QUIET};margin-top:1px") if prompt else ""
    words = _line("<br>".join(map(_h, written)), _SHEET)
    rows = [*(_line(_h(line), f"{_SMALL};margin-top:6px") for line in doubt)]
    body = head + said + _bar(share) + words + "".join(rows) + _facts(facts, "margin-top:8px")
    return _card(body, f"{doing}{at}", live=True)


def failure_card(
    heading: str,
    *,
    happened: str,
    next_step: str | None = None,
    code: str | None = None,
    cost: str | None = None,
    sandbox: bool = False,
    text: bool = False,
) -> str:
    """Return the card of a job that came to nothing: what happened, what it cost, what to do."""
    lines = [happened, *([f"Cost: {cost}."] if cost else [])]
    return _message(heading, lines, next_step, [code] if code else [], RED, "✕", sandbox, text)


def open_question_card(
    heading: str = "The line was cut while the job was being handed in",
    *,
    known: str,
    price: str | None = None,
    prompt: str | None = None,
    choices: Sequence[tuple[str, str]] = (),
    sandbox: bool = False,
    text: bool = False,
) -> str:
    """Return the card of a submission that may or may not exist.

    Parameters
    ----------
    heading, known
        What happened, and what is known about how it ended.
    price
        What it may have cost.
    prompt
        Which request it is about.
    choices
        (what it does, line of code) for each way on.
    sandbox, text
        As in the other cards.
    """
    may = f"It may exist and may have cost {price}." if price else "It may exist and may have cost."
    lines = [known, f"{may} It was not sent again."]
    if prompt:
        lines.insert(0, f"“{excerpt(prompt, 140)}”")
    if text:
        ways = [f"{what}: {code}" for what, code in choices]
        return _message(heading, [*lines, *ways], None, [], AMBER, "?", sandbox, True)
    ways = [
        f"<div style='margin-top:6px'>{_h(what)}: <code style=\"{_CODE}\">{_h(code)}</code></div>"
        for what, code in choices
    ]
    return _message(heading, lines, None, [], AMBER, "?", sandbox, False, "".join(ways))


def remark(words: str, *, text: bool = False) -> str:
    """Return one quiet line above a card."""
    if text:
        return visible(words)
    return f'<div class="{_NO_MATH}" style="{_FONT};{_SMALL};margin:6px 0 0">{_h(words)}</div>'


def note_card(notes: Sequence[str], *, heading: str = "Good to know", text: bool = False) -> str:
    """Return a card with notes said before a job starts; empty where there are none."""
    if not notes:
        return ""
    return _message(heading, list(notes), None, [], INK, "i", False, text)


def stopped_card(
    *,
    resume: str = "nb.resume()",
    job_id: str | None = None,
    elapsed: float | None = None,
    price: str | None = None,
    prompt: str | None = None,
    sandbox: bool = False,
    was_sent: bool = True,
    text: bool = False,
) -> str:
    """Return the card of a job nobody waits for any more, with the line that takes it up."""
    lines = [f"“{excerpt(prompt, 140)}”"] if prompt else []
    if not was_sent:
        lines.append("It still waited for its turn: nothing was created, nothing was paid.")
        step = "To send it, run the cell again."
        return _message("Stopped before it was sent", lines, step, [], INK, "‖", sandbox, text)
    after = f" after {clock(elapsed)}" if elapsed is not None else ""
    which = f"Job {job_id}" if job_id else "The job"
    paid = f" It costs {price} either way." if price and price != "free" else ""
    lines.append(f"{which} goes on at the service and is in your library as unfinished.{paid}")
    heading = f"Stopped waiting{after}"
    step = "To take it up again, now or in another kernel:"
    return _message(heading, lines, step, [resume], INK, "‖", sandbox, text)


def _timing(elapsed: float | None, expected: float | None) -> str:
    if elapsed is None:
        return ""
    if expected is None:
        return clock(elapsed)
    is_late = elapsed > expected
    usual = (
        f"longer than the usual {clock(expected)}"
        if is_late
        else f"usually about {clock(expected)}"
    )
    return f"{clock(elapsed)} · {usual}"


def _written(title: str | None, lyrics: str | None) -> list[str]:
    """Return title and first lines of the words that were written for a song."""
    lines = [line.strip() for line in (lyrics or "").splitlines() if line.strip()]
    shown = [excerpt(line, 90) for line in lines[:_LINES_SHOWN]]
    more = len(lines) - len(shown)
    if more > 0:
        shown.append(f"… and {more} more line{'s' if more > 1 else ''}")
    return [*([f"“{excerpt(title, 80)}”"] if title else []), *shown]


# -- parts -------------------------------------------------------------------------------------


def _h(text: object) -> str:
    return html.escape(visible(text), quote=True)


def _card(body: str, label: str, *, tone: str | None = None, live: bool = False) -> str:
    style = _CARD + (f";border-left:4px solid {tone};{_EDGE}" if tone else "")
    role = 'role="status" aria-live="off"' if live else 'role="group"'
    return (
        f'<div class="{_CLASS}" {role} aria-label="{_h(label)}" style="{style}">'
        f"{_STYLE}{body}</div>"
    )


def _head(title: str, place: str, sandbox: bool) -> str:
    badge = f'<span style="{_BADGE}">SANDBOX</span>' if sandbox else ""
    words = f'<span style="{_SMALL}">{_h(place)}</span>' if place else ""
    aside = f'<span style="{_RIGHT}">{badge} {words}</span>' if badge or words else ""
    return f'<div style="{_HEAD}"><span style="{_TITLE}"><bdi>{title}</bdi></span>{aside}</div>'


def _then(words: str) -> str:
    return f"{'' if words.startswith(',') else ' '}{_h(words)}" if words else ""


def _line(content: str, style: str) -> str:
    return f'<div style="{style}">{content}</div>' if content else ""


def _facts(facts: Sequence[str], style: str) -> str:
    """Facts with dots between them; a line may end after a dot, not inside a short fact."""
    spans = [
        f'<span style="white-space:nowrap">{_h(fact)}</span>' if len(fact) <= 40 else _h(fact)
        for fact in facts
        if fact
    ]
    return _line(" · ".join(spans), f"{_SMALL};{style}")


def _bar(share: float | None) -> str:
    how = "width:30%" if share is None else f"width:{100 * share:.0f}%"
    open_end = ' class="phaseo-nb-open"' if share is None else ""
    now = "" if share is None else f' aria-valuenow="{100 * share:.0f}"'
    return (
        f'<div role="progressbar" aria-label="Time" aria-valuemin="0" aria-valuemax="100"{now} '
        'style="height:4px;margin-top:10px;border-radius:2px;overflow:hidden;'
        'background-color:rgba(128,128,128,0.3)">'
        f'<div{open_end} style="height:4px;border-radius:2px;{how};background-color:{INK}"></div>'
        "</div>"
    )


def _message(
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
    if text:
        badge = " · SANDBOX" if sandbox else ""
        rest = [visible(line) for line in (*lines, *([next_step] if next_step else []), *codes)]
        return "\n  ".join([f"{sign} {visible(heading)}{badge}", *rest])
    body = _head(_h(heading), "", sandbox)
    body += "".join(_line(_h(line), "margin-top:3px;overflow-wrap:break-word") for line in lines)
    code = " ".join(f'<code style="{_CODE}">{_h(line)}</code>' for line in codes)
    if next_step or code:
        words = f'<span style="opacity:{QUIET}">{_h(next_step or "")}</span>'
        body += _line(f"{words} {code}", "margin-top:6px;overflow-wrap:break-word")
    return _card(body + more, heading, tone=tone)
