"""Cards in words: a failure, an open question, notes, a quiet remark."""

from __future__ import annotations

from collections.abc import Sequence

from ..phrases import excerpt, visible
from .paper import AMBER, CODE, FONT, INK, NO_MATH, RED, SMALL, escape, message


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
    return message(heading, lines, next_step, [code] if code else [], RED, "✕", sandbox, text)


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
        return message(heading, [*lines, *ways], None, [], AMBER, "?", sandbox, True)
    ways = [
        f"<div style='margin-top:6px'>{escape(what)}: "
        f'<code style="{CODE}">{escape(code)}</code></div>'
        for what, code in choices
    ]
    return message(heading, lines, None, [], AMBER, "?", sandbox, False, "".join(ways))


def remark(words: str, *, text: bool = False) -> str:
    """Return one quiet line above a card."""
    if text:
        return visible(words)
    return f'<div class="{NO_MATH}" style="{FONT};{SMALL};margin:6px 0 0">{escape(words)}</div>'


def note_card(notes: Sequence[str], *, heading: str = "Good to know", text: bool = False) -> str:
    """Return a card with notes said before a job starts; empty where there are none."""
    if not notes:
        return ""
    return message(heading, list(notes), None, [], INK, "i", False, text)
