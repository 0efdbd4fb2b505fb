"""The same recordings to listen to where no kernel is: plain players, and a page with a script."""

from __future__ import annotations

import base64
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ... import cards
from ...audio.codecs import encode
from ...errors import AudioError, ExperimentError, SettingsError
from ...forms.look import STATIC as SHARED
from ...forms.look import script
from ...phrases import excerpt
from ...settings import DEFAULT_EMBED_LIMIT, embed_limit
from ..files import write_whole
from . import STATIC, telling

if TYPE_CHECKING:
    from .comparison import Comparison

_KBPS = (128, 96, 64, 48)
_HEARD_SECONDS = 60.0
"""Sound that goes into a notebook, of all recordings together; encoding it delays the cell."""
_LEAST_SECONDS = 5.0
_MOST_PLAYERS = 24
_PAGE_BYTES = 40_000_000
_PLAIN = (
    "Recordings equally loud and of one length, in no order that means something. These players "
    "are not synchronised; the test itself needs widgets and its kernel: run the cell again."
)


def fallback(comparison: Comparison) -> str:
    """Return what stands for the widget where there are none: a plain player for each recording.

    They are numbered, not named, and small: a notebook that is opened later, elsewhere or without
    trust still plays. Where that would be too much, words say how to have a page that plays.
    """
    levels, sounds = comparison.levels, telling.numbered(comparison.sounds)
    done, trials = comparison.progress
    head = f"{comparison.question} · {comparison.mode} · {done} of {trials} done"
    seconds = min(levels.seconds, _HEARD_SECONDS / len(sounds))
    room = _room() / len(sounds) * 0.7  # a data address is a third longer
    kbps = next((step for step in _KBPS if step * 125 * (seconds + 0.2) <= room), 0)
    if len(sounds) > _MOST_PLAYERS or not kbps or seconds < min(levels.seconds, _LEAST_SECONDS):
        way = f'{len(sounds)} recordings. A page that plays them: comparison.to_html("listen.html")'
        return cards.note_card([_NO_WIDGETS, way], heading=head)
    body = "".join(
        f'<div style="margin-top:6px">{number}</div>'
        f'<audio controls preload="metadata" aria-label="Recording {number}" '
        f'style="width:100%;height:40px" src="{_address(comparison, id, seconds, kbps)}"></audio>'
        for number, (id, _) in sounds.items()
    )
    title = f'<div style="{cards.TITLE}">{cards.escape(head)}</div>'
    note = f'<div style="opacity:{cards.QUIET};margin-top:3px">{cards.escape(_PLAIN)}</div>'
    return (
        f'<div class="phaseo-nb" role="group" aria-label="Recordings to compare" '
        f'style="{cards.CARD}">{cards.STYLE}{title}{note}{body}</div>'
    )


_NO_WIDGETS = "This listening test works where widgets are shown and its kernel runs."


def write(
    comparison: Comparison, path: str | os.PathLike[str], *, reveal: bool, overwrite: bool
) -> Path:
    """Write the page; see :meth:`Comparison.to_html`."""
    data = page(comparison, reveal=reveal).encode("utf-8", "replace")
    return write_whole(path, data, overwrite=overwrite, is_ours=_is_page)


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        return _GENERATOR.encode() in file.read(4_000)


def page(comparison: Comparison, *, reveal: bool = False) -> str:
    """Return a page that plays by itself: sound, style and script are all inside."""
    levels, sounds = comparison.levels, telling.numbered(comparison.sounds)
    room = _PAGE_BYTES / len(sounds) * 0.7
    kbps = next((step for step in _KBPS if step * 125 * levels.seconds <= room), 0)
    if not kbps:
        message = (
            f"{len(sounds)} recordings of {levels.seconds:.0f} s are too much for one page. "
            "Compare less of them, or a stretch: loop=(0, 10)."
        )
        raise ExperimentError(message)
    players = "".join(
        f'<div class="pnb-twin"><strong>{number}</strong> '
        f"{_name(sound.name, sound.facts) if reveal else ''}"
        f'<audio controls preload="auto" aria-label="Recording {number}" '
        f'src="{_address(comparison, id, levels.seconds, kbps)}"></audio></div>'
        for number, (id, sound) in sounds.items()
    )
    css = "".join(
        file.read_text("utf-8") for file in (SHARED / "base.css", STATIC / "comparison.css")
    )
    parts = [script("library-parts")]
    parts += [(STATIC / f"{name}.js").read_text("utf-8") for name in ("deck", "desk", "twin")]
    return _PAGE.format(
        title=cards.escape(excerpt(comparison.question, 120)),
        css=css,
        loops="true" if comparison.loops else "false",
        facts=cards.escape(
            f"{len(sounds)} recordings, {levels.seconds:.1f} s each, equally loud"
            + ("" if reveal else ", blind")
        ),
        players=players,
        script="\n".join(parts),
    )


_GENERATOR = '<meta name="generator" content="phaseo_nb listening page">'
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="generator" content="phaseo_nb listening page">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; media-src data:;
 style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>{css}
html {{ color-scheme: light dark; }}
body {{ margin: 0; padding: 16px; }}
main {{ margin: 0 auto; }}
@media (prefers-color-scheme: dark) {{
  .phaseo-nb-w {{ --pnb-accent: #6a72dc; --pnb-wrong: #ff8a84; }}
}}
</style></head><body>
<main class="phaseo-nb-w phaseo-nb-comparison" tabindex="-1" data-loops="{loops}">
<div class="pnb-card"><div class="pnb-body">
<div class="pnb-head"><h1 class="pnb-heading"><bdi>{title}</bdi></h1>
<span class="pnb-small">{facts}</span></div>
<div id="desk"></div>
<div id="players">{players}
<p class="pnb-small">Without scripts each player runs by itself; they are not synchronised.</p>
</div></div>
<p class="pnb-status" role="status" aria-live="polite"></p></div></main>
<script type="module">{script}</script>
</body></html>
"""


def _name(name: str, facts: str) -> str:
    return f'<bdi>{cards.escape(name)}</bdi> <span class="pnb-small">{cards.escape(facts)}</span>'


def _address(comparison: Comparison, id: str, seconds: float, kbps: int) -> str:
    levels = comparison.levels
    data = levels.samples(id)[: round(seconds * levels.rate) * 4]
    return f"data:audio/mpeg;base64,{_mp3(data, levels.rate, kbps)}"


@lru_cache(maxsize=32)
def _mp3(data: bytes, rate: int, kbps: int) -> str:
    samples = np.frombuffer(data, "<i2").reshape(-1, 2).T.astype(np.float32) / 32767
    try:
        return base64.b64encode(encode(samples, rate, "mp3", bitrate_kbps=kbps)).decode()
    except AudioError:  # no encoder here, or a rate that mp3 does not know
        return base64.b64encode(encode(samples, rate, "wav")).decode()


def _room() -> int:
    try:
        return embed_limit().value
    except SettingsError:
        return DEFAULT_EMBED_LIMIT
