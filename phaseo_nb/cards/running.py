"""Cards of a job that is being made, or that nobody waits for any more."""

from __future__ import annotations

from ..phrases import clock, excerpt, visible
from .paper import INK, QUIETLY, SMALL, card, escape, facts_row, head_line, message, row

_STATUS_WORDS = {
    "planned": "Waiting for its turn",
    "submitting": "Handing in",
    "queued": "Waiting in line",
    "in_progress": "Making your music",
    "picturing": "Making your cover image",
    "fetching pictures": "Fetching the pictures",
    "completed": "Fetching the recording",
    "downloading": "Fetching the recording",
    "kept": "Done",
    "failed": "Failed",
}
_AT_THE_SERVICE = ("queued", "in_progress", "picturing")
_LINES_SHOWN = 8
_UNCONFIRMED = "In the words of the service's callback; its feed has not confirmed it yet."
_SHEET = (
    "margin-top:10px;padding:1px 0 1px 11px;border-left:2px solid rgba(128,128,128,0.45);"
    "line-height:1.45;overflow-wrap:break-word"
)
_STAGE_WORDS = {"text": "words written", "first": "first track there"}


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
    at = (
        f" at {visible(provider)}"
        if provider and status in ("queued", "in_progress", "picturing")
        else ""
    )
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
    head = head_line(
        f"{escape(doing)}<span style='font-weight:400'>{_then(at + stage_words)}</span>",
        timing,
        sandbox,
    )
    said = row(escape(excerpt(prompt, 140)), f"{QUIETLY};margin-top:1px") if prompt else ""
    words = row("<br>".join(map(escape, written)), _SHEET)
    rows = [*(row(escape(line), f"{SMALL};margin-top:6px") for line in doubt)]
    body = head + said + _bar(share) + words + "".join(rows) + facts_row(facts, "margin-top:8px")
    return card(body, f"{doing}{at}", live=True)


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
        return message("Stopped before it was sent", lines, step, [], INK, "‖", sandbox, text)
    after = f" after {clock(elapsed)}" if elapsed is not None else ""
    which = f"Job {job_id}" if job_id else "The job"
    paid = f" It costs {price} either way." if price and price != "free" else ""
    lines.append(f"{which} goes on at the service and is in your library as unfinished.{paid}")
    heading = f"Stopped waiting{after}"
    step = "To take it up again, now or in another kernel:"
    return message(heading, lines, step, [resume], INK, "‖", sandbox, text)


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


def _then(words: str) -> str:
    return f"{'' if words.startswith(',') else ' '}{escape(words)}" if words else ""


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
