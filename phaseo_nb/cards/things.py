"""Cards of what is there: a track with its player, a picture."""

from __future__ import annotations

from collections.abc import Sequence

from ..phrases import excerpt, visible
from .paper import QUIETLY, SMALL, address, card, escape, facts_row, head_line, row


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
    name = escape(title)
    picture = (
        f'<img alt="{escape(waveform_words)}" src="{address(waveform)}" '
        'style="display:block;width:100%;height:56px;margin:10px 0 0">'
        if waveform
        else ""
    )
    control = (
        f'<audio controls preload="metadata" aria-label="Play {name}" title="{name}" '
        f'src="{address(source)}" '
        'style="display:block;width:100%;height:40px;margin:8px 0 0"></audio>'
        if source
        else ""
    )
    said = row(escape(excerpt(prompt, 140)), f"{QUIETLY};margin-top:1px") if prompt else ""
    rows = [facts_row(facts, "margin-top:8px")]
    rows += [row(escape(note), f"{SMALL};margin-top:4px") for note in notes]
    head = head_line(name, place, sandbox)
    return card(head + said + picture + control + "".join(rows), f"Player: {title}")


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
        f'<img alt="{escape(alt)}" src="{address(source)}" '
        'style="display:block;max-width:100%;max-height:480px;margin:10px 0 0;border-radius:6px">'
        if source
        else ""
    )
    rows = [row(escape(note), f"{SMALL};margin-top:4px") for note in notes]
    return card(
        head_line(escape(title), "", sandbox) + picture + "".join(rows), f"Picture: {title}"
    )
