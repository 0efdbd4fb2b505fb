"""``Results``: what became of the cells of a sweep, as a list, a table, a grid and a file.

- ``rows.py``: one row a track; ``exporting.py``: files of them, which no spreadsheet runs
- ``grid.py``, ``embedding.py``: players side by side, and how much audio a page may hold
- ``diff.py``: what differs between two requests
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from ...errors import ExperimentError
from ...keeping.entries import named_entry
from ...keeping.shelf import take_of
from ...keeping.tables import Takes
from ...keeping.tables._sheet import Cell as Said
from ...keeping.tables._sheet import Column, Row, Sheet, Way
from ...keeping.tables._table import NOTHING, import_pandas
from ...phrases import excerpt, length_words
from ..sweep.cells import STATES
from ..sweep.grid_card import _value
from ..sweep.planning import usd
from . import exporting
from .rows import make_rows

if TYPE_CHECKING:
    from ...takes import KeptTrack, Take
    from ..ranking import Ranking
    from ..sweep import Sweep
    from ..sweep.cells import Cell
    from .diff import RequestDiff
    from .grid import ResultsGrid


class Results(list["Cell"]):
    """The cells of a sweep as they stand in the journal; shown as a table.

    Takes are read from the library when they are first asked for, and audio when it is measured
    or heard. Slicing gives results of fewer cells.
    """

    def __init__(self, sweep: Sweep, cells: Iterable[Cell] | None = None) -> None:
        super().__init__(sweep.cells() if cells is None else cells)
        self.sweep = sweep

    @overload
    def __getitem__(self, index: SupportsIndex) -> Cell: ...
    @overload
    def __getitem__(self, index: slice) -> Results: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Cell | Results:
        if not isinstance(index, slice):
            return super().__getitem__(index)
        return Results(self.sweep, super().__getitem__(index))

    # -- what there is ---------------------------------------------------------------------------

    @property
    def kept(self) -> Results:
        """The cells that have a take."""
        return Results(self.sweep, [cell for cell in self if cell.is_kept])

    @property
    def missing(self) -> Results:
        """The cells that have none: not started, on their way, failed, in doubt."""
        return Results(self.sweep, [cell for cell in self if not cell.is_kept])

    @cached_property
    def _takes(self) -> dict[str, Take]:
        """All takes by id, read in one go."""
        ids = list(dict.fromkeys(cell.id for cell in self if cell.is_kept and cell.id))
        folder = self.sweep.library.folder
        found = folder.database.read(lambda db: [named_entry(db, id) for id in ids])
        # Between the look at the cells and this one, another kernel may have deleted some.
        return {
            id: take_of(folder, entry)
            for id, entry in zip(ids, found, strict=True)
            if entry is not None and entry.state == "kept"
        }

    @property
    def takes(self) -> Takes:
        """The takes, each once, in the order of the sweep."""
        return Takes(self._takes.values(), empty="No cell has a take yet.")

    @property
    def tracks(self) -> list[KeptTrack]:
        """All tracks that have a recording, in the order of the sweep."""
        return [track for take in self.takes for track in take.tracks if track.has_audio]

    def take(self, which: int | Cell) -> Take:
        """Return the take of a cell.

        Parameters
        ----------
        which
            The cell, or its number in the sweep (``cell.index``, as tables show it).

        Raises
        ------
        ExperimentError
            There is no such cell here, or it has no take; the message says why.
        """
        cell = self._cell(which)
        found = self._takes.get(cell.id or "")
        if found is None:
            state, why = STATES[cell.state].word, cell.reason or ""
            next_step = f" {cell.what_next}." if cell.what_next else ""
            message = f"Cell {cell.index} has no take ({state}). {why}{next_step}"
            raise ExperimentError(message)
        return found

    def _cell(self, which: Any) -> Cell:
        index = getattr(which, "index", which)
        cell = next((cell for cell in self if cell.index == index), None)
        if cell is None or isinstance(which, bool):
            numbers = f"from {self[0].index} to {self[-1].index}" if self else "none"
            message = f"There is no cell {excerpt(repr(index), 40)} here; their numbers: {numbers}."
            raise ExperimentError(message)
        return cell

    @property
    def cost_usd(self) -> float | None:
        """US dollars that its jobs cost, failed ones too; ``None`` if the price of one is unknown.

        What the sandbox made is free, whatever price it tried out.
        """
        costs = {
            cell.id: 0.0 if cell.sandbox else cell.cost_usd for cell in self if cell.id is not None
        }
        known = [cost for cost in costs.values() if cost is not None]
        return math.fsum(known) if len(known) == len(costs) else None

    # -- to take away ----------------------------------------------------------------------------

    def rows(
        self,
        *,
        descriptors: bool = True,
        missing: bool = False,
        ranking: Ranking | None = None,
    ) -> list[dict[str, Any]]:
        """Return one plain dict for each track, all with the same keys in the same order.

        First the words of the request (options by their path, such as ``suno.style_weight``),
        then take, cost, place and file, then what was measured, then your ratings. Where a word
        of the request and a fact have one name, the word is ``…_asked``: ``duration_asked`` is
        what you asked for, ``duration`` what it is, both in seconds. ``cost`` is the track's
        share of what its job cost in US dollars, so that sums are right.

        Parameters
        ----------
        descriptors
            Whether to measure the recordings (once; the library keeps the numbers).
        missing
            Whether cells without a take have a row too.
        ranking
            From :func:`phaseo_nb.rank`: adds ``place``, ``strength`` and ``mean_rating``.
        """
        return make_rows(self, descriptors=descriptors, missing=missing, ranking=ranking)

    def to_dataframe(self, **options: Any) -> Any:
        """Return :meth:`rows` as a ``pandas.DataFrame``, one row a track.

        Text is text here, also where it begins with ``=``, ``+``, ``-`` or ``@``. A spreadsheet
        would take such a cell of an exported file for a formula: :meth:`to_csv` guards against it.

        Parameters
        ----------
        **options
            As in :meth:`rows`.

        Raises
        ------
        ImportError
            pandas is not installed; :meth:`rows` does without.
        """
        pandas = import_pandas()
        rows = self.rows(**options)
        names = list(rows[0]) if rows else exporting.names_of(self)
        return pandas.DataFrame(rows, columns=names)

    def to_csv(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        encoding: str = "utf-8",
        **options: Any,
    ) -> exporting.Written:
        """Write :meth:`rows` as a CSV file that a spreadsheet may open without danger.

        Texts that a spreadsheet would take for a formula get an apostrophe before them; numbers
        stay numbers.

        Parameters
        ----------
        path
            File name. What :meth:`to_csv` wrote there before is replaced.
        overwrite
            Whether any other file may be replaced.
        encoding
            ``"utf-8-sig"`` for versions of Excel that take plain UTF-8 for something else.
        **options
            As in :meth:`rows`.

        Raises
        ------
        ExperimentError
            Another file is there, or it cannot be written.
        """
        rows = self.rows(**options)
        return exporting.write_csv(rows, self, path, overwrite=overwrite, encoding=encoding)

    def to_parquet(
        self, path: str | os.PathLike[str], *, overwrite: bool = False, **options: Any
    ) -> exporting.Written:
        """Write :meth:`rows` as a Parquet file: typed columns, text as it is.

        Parameters
        ----------
        path
            File name. What :meth:`to_parquet` wrote there before is replaced.
        overwrite
            Whether any other file may be replaced.
        **options
            As in :meth:`rows`.

        Raises
        ------
        ImportError
            pyarrow is not installed.
        ExperimentError
            Another file is there, or it cannot be written.
        """
        exporting.check_parquet()
        return exporting.write_parquet(self.rows(**options), self, path, overwrite=overwrite)

    # -- to look at ------------------------------------------------------------------------------

    def grid(
        self,
        rows: str | Sequence[str] | None = None,
        columns: str | Sequence[str] | None = None,
        *,
        audio: bool = True,
    ) -> ResultsGrid:
        """Return players and waveforms side by side.

        Parameters
        ----------
        rows, columns
            Words whose values stand at the side and above, such as ``rows="prompt",
            columns="duration"``; ``"take"`` is one too. What is left out is chosen; words that
            stand on neither side are told below each player.
        audio
            Whether recordings go into the page. Many or long ones go in as beginnings, and the
            grid says so.

        Raises
        ------
        ExperimentError
            The sweep has no such word.
        """
        from .grid import make_results_grid

        return make_results_grid(self, rows, columns, audio=audio)

    def diff(self, a: Any, b: Any) -> RequestDiff:
        """Return what two of its requests have not in common.

        Parameters
        ----------
        a, b
            Cells, or their numbers in the sweep.
        """
        from .diff import diff

        return diff(self._cell(a), self._cell(b))

    def __repr__(self) -> str:
        return self._sheet().text()

    def _repr_html_(self) -> str:
        return self._sheet().html()

    @property
    def summary(self) -> str:
        """How many cells are what, in a few words."""
        counts = Counter(cell.state for cell in self)
        return ", ".join(
            f"{counts[name]:,} {state.word}" for name, state in STATES.items() if counts[name]
        )

    def _sheet(self) -> Sheet:
        varied = self.sweep.varied
        columns = [
            Column("", is_figure=True),
            *(Column(n, is_title=i == 0, wraps=110 if i else 0) for i, n in enumerate(varied)),
            *([Column("take", is_figure=True)] if self.sweep.takes > 1 else []),
            Column("state", is_title=not varied),
            Column("length", is_figure=True),
            Column("cost", is_figure=True),
            Column("rating", is_optional=True),
        ]
        rows = [self._row(cell, varied) for cell in self]
        heading = f"Results of “{excerpt(self.sweep.name, 60)}”: {self.summary or 'no cells'}"
        return Sheet(heading, columns, rows, footer=self._ways())

    def _row(self, cell: Cell, varied: Sequence[str]) -> Row:
        state = STATES[cell.state]
        take = self._takes.get(cell.id or "") if cell.is_kept else None
        seconds = [track.duration for track in take.tracks if track.duration] if take else []
        asked = [
            excerpt(_value(name, cell.words[name]), 60) if name in cell.words else NOTHING
            for name in varied
        ]
        number = [str(cell.take)] if self.sweep.takes > 1 else []
        said = Said(f"{state.sign} {state.word}", excerpt(cell.reason or "", 140))
        length = length_words(math.fsum(seconds)) if seconds else NOTHING
        cost = "free" if cell.sandbox and cell.id else NOTHING
        if cell.cost_usd is not None and not cell.sandbox:
            cost = usd(cell.cost_usd)
        stars = f"{take.rating}/5" if take is not None and take.rating else ""
        return Row((str(cell.index), *asked, *number, said, length, cost, stars), cell.sandbox)

    def _ways(self) -> list[Way]:
        ways = [Way("To hear and see them side by side", "results.grid()")] if self.takes else []
        states = [STATES[name] for name in STATES if any(cell.state == name for cell in self)]
        later = dict.fromkeys((state.way, state.code) for state in states if state.way)
        return [*ways, *(Way(words, code) for words, code in later)]
