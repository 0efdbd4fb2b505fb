"""``sweep.report("report.html")``: one page that tells a whole study, for any browser, offline.

- :func:`write_report` here puts it together and writes it
- ``sections.py``: question, grid, what is missing, numbers, plots, ranking, cost
- ``recipe.py``: the code and settings that repeat it
- ``sounds.py``: recordings inside the page, or in files beside it
- ``page.py``: frame and look
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import cards
from ...errors import ExperimentError
from ...phrases import excerpt
from ..files import write_whole
from . import page, sections
from .sounds import WAYS, place_sounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ranking import Ranking
    from ..sweep import Sweep

__all__ = ["Report", "write_report"]

EMBED_MB = 12.0
"""Megabytes of audio in a page: a mail still takes it."""


@dataclass(frozen=True)
class Report:
    """A report that was written."""

    path: Path
    """The page."""
    files: tuple[Path, ...]
    """Recordings beside it, where that was asked for."""
    size_bytes: int
    """Of the page."""
    n_tracks: int
    previews: int = 0
    """Recordings of which only a beginning is in the page."""

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        s = "" if self.n_tracks == 1 else "s"
        words = f"{self.n_tracks:,} track{s}"
        if self.previews:
            words += f", {self.previews:,} of them as a beginning (whole: audio='beside')"
        if self.files:
            folder = self.files[0].parent.name
            words += f", {len(self.files):,} recordings beside it in {excerpt(folder, 60)}"
        return f"<Report {excerpt(self.path.name, 60)}: {words}>"


def write_report(
    sweep: Sweep,
    path: str | os.PathLike[str],
    *,
    question: str | None = None,
    notes: str | None = None,
    votes: Any = None,
    ranking: Ranking | None = None,
    rows: str | Sequence[str] | None = None,
    columns: str | Sequence[str] | None = None,
    audio: str = "inside",
    embed_mb: float = EMBED_MB,
    plots: bool = True,
    overwrite: bool = False,
) -> Report:
    """Write everything about a sweep into one HTML file that works offline, without scripts.

    Question, players side by side, what is missing and why, asked and measured, plots, ranking,
    cost, and the code that repeats it. It holds no key and no path of this machine.

    Parameters
    ----------
    sweep, path
        What, and where to. An earlier report there is replaced.
    question, notes
        Your words at the top, such as what you wanted to know and what you found. Blank lines
        part paragraphs.
    votes
        A comparison, its votes, or pairs ``(winner, loser)`` of take ids: ranked in the report.
    ranking
        A ranking that is there already.
    rows, columns
        Of the grid of players; see :meth:`Results.grid`.
    audio
        ``"inside"``: one file; what is too large for ``embed_mb`` megabytes of audio all together
        goes in as a beginning. ``"beside"``: whole recordings in a folder beside the page.
        ``"none"``: no sound.
    embed_mb
        Megabytes.
    plots
        Whether spectrograms and descriptor plots are drawn.
    overwrite
        Whether a file there that is no report may be replaced.

    Raises
    ------
    ExperimentError
        Another file is there, it cannot be written, or an option is not known.
    """
    _check(audio, embed_mb)
    target = Path(os.path.abspath(Path(path).expanduser()))
    results = sweep.results
    grid = results.grid(rows, columns)
    placed = place_sounds(grid, target, audio, embed_mb, overwrite=overwrite)
    title = f"“{excerpt(sweep.name, 80)}”"
    heard = sections.Heard.of(votes, ranking, results)
    parts = [
        sections.top(sweep, results, question or heard.question, notes),
        "<main>",
        page.section("What was asked", sections.asked(sweep)),
        page.section("Heard side by side", sections.grid_of(grid, placed)),
        page.section("What is missing", sections.missing(results)),
        page.section("What was preferred", sections.ranked(heard)),
        page.section("Asked and measured", sections.numbers(results)),
        page.section("In pictures", sections.pictures(results, placed.room) if plots else ""),
        page.section("What it cost", sections.cost(results)),
        page.section("To repeat it", sections.settings(sweep, results)),
        "</main>",
        sections.bottom(placed),
    ]
    whole = page.page(title, "\n".join(parts))
    # Some notes on recordings name their file. Where a library is, is nobody else's business.
    for place in (sweep.library.shown, str(sweep.library.path)):
        whole = whole.replace(cards.escape(place), "the library")
    data = whole.encode("utf-8", "replace")
    written = write_whole(target, data, overwrite=overwrite, is_ours=_is_report)
    n_tracks = len(grid.drawn_tracks)
    return Report(written, tuple(placed.files), len(data), n_tracks, placed.previews)


def _check(audio: Any, embed_mb: Any) -> None:
    if audio not in WAYS:
        message = f"audio = {excerpt(repr(audio), 40)}: it is one of {', '.join(map(repr, WAYS))}."
        raise ExperimentError(message)
    is_number = isinstance(embed_mb, (int, float)) and not isinstance(embed_mb, bool)
    if not is_number or not 0 <= embed_mb <= 500:
        message = f"embed_mb = {excerpt(repr(embed_mb), 40)}: give a number from 0 to 500."
        raise ExperimentError(message)


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return f'content="{page.GENERATOR}"'.encode() in file.read(4_000)
