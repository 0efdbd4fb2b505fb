"""``SweepPlan``: what a run would find, buy, cost and take, before anything is spent."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import ExperimentError
from ...keeping.entries import last_times
from ...keeping.tables._sheet import Column, Row, Sheet, Way
from ...keeping.tables._table import NOTHING, import_pandas
from ...phrases import clock, excerpt
from ...polling import USUAL_SECONDS
from .cells import Standings, standings
from .compiling import Compiled, Place

if TYPE_CHECKING:
    from ...keeping import Library
    from ...keeping.backends import Db
    from .grid import Grid

SHOWN_NOTES = 6


@dataclass(frozen=True)
class PlanRow:
    """Cells of one model at one gateway."""

    gateway: str
    model: str | None
    sandbox: bool
    cells: int
    kept: int
    on_their_way: int
    """Paid by now and not here yet: they are waited for and cost nothing more."""
    open_ends: int
    """In doubt, or completed without audio: never bought again by themselves."""
    failed: int
    """Failed in an earlier run; bought again by ``run(retry_failed=True)`` alone."""
    to_buy: int
    low_usd: float | None
    """Of all that is to be bought; ``None`` where nobody knows the price."""
    high_usd: float | None
    credits: float | None
    usual_seconds: float | None
    """Of one job, by those that were made here, else by what is known of its provider."""

    @property
    def unknown(self) -> int:
        """How many jobs are to be bought whose price nobody knows."""
        return self.to_buy if self.low_usd is None and self.credits is None else 0


@dataclass(frozen=True)
class SweepPlan:
    """What :meth:`Sweep.run` would do; a table in a notebook.

    ``low_usd`` and ``high_usd`` span the price list and what the last jobs of the same model have
    cost here.
    """

    name: str
    rows_by_model: tuple[PlanRow, ...]
    same: int
    """Cells that ask for the very same take as another one: each is bought once."""
    takes: int
    concurrency: int
    notes: tuple[str, ...] = ()

    def _sum(self, name: str) -> int:
        return sum(getattr(row, name) for row in self.rows_by_model)

    @property
    def count(self) -> int:
        """How many cells there are."""
        return self._sum("cells")

    @property
    def kept(self) -> int:
        """How many of them are kept already, and cost nothing."""
        return self._sum("kept")

    @property
    def to_buy(self) -> int:
        """How many jobs a run would buy."""
        return self._sum("to_buy")

    @property
    def low_usd(self) -> float:
        """The least that they cost, as far as prices are known."""
        return math.fsum(row.low_usd or 0.0 for row in self.rows_by_model)

    @property
    def high_usd(self) -> float:
        """The most that they cost, as far as prices are known; see :attr:`unknown`."""
        return math.fsum(row.high_usd or 0.0 for row in self.rows_by_model)

    @property
    def credits(self) -> float:
        """What they cost where the service counts in credits."""
        return math.fsum(row.credits or 0.0 for row in self.rows_by_model)

    @property
    def unknown(self) -> int:
        """How many jobs have a price that nobody knows; no sum counts them."""
        return self._sum("unknown")

    @property
    def usual_seconds(self) -> float | None:
        """How long a run usually takes; ``None`` where that is not known of every model."""
        waits = [row for row in self.rows_by_model if row.to_buy + row.on_their_way]
        if any(row.usual_seconds is None for row in waits):
            return None
        return math.fsum(_seconds(row, self.concurrency) for row in waits)

    def rows(self) -> list[dict[str, Any]]:
        """Return the table as plain dicts: a row for each model at each gateway."""
        return [
            {
                **{n: v for n, v in vars(row).items() if n != "usual_seconds"},
                "unknown": row.unknown,
                "usual_seconds": row.usual_seconds,
            }
            for row in self.rows_by_model
        ]

    def to_dataframe(self) -> Any:
        """Return :meth:`rows` as a ``pandas.DataFrame``.

        Raises
        ------
        ImportError
            pandas is not installed; :meth:`rows` does without.
        """
        return import_pandas().DataFrame(self.rows())

    def __repr__(self) -> str:
        return self._sheet().text()

    def _repr_html_(self) -> str:
        return self._sheet().html()

    # -- as a table ------------------------------------------------------------------------------

    def _sheet(self) -> Sheet:
        columns = [
            Column("model", is_title=True, wraps=110),
            Column("at"),
            *(Column(name, is_figure=True) for name in ("cells", "kept")),
            *(
                Column(name, is_figure=True, is_optional=True)
                for name in ("on their way", "open ends", "failed before")
            ),
            Column("to buy", is_figure=True),
            Column("price", is_figure=True),
            Column("usual time", is_figure=True),
        ]
        rows = [Row(_cells(row, self.concurrency), row.sandbox) for row in self.rows_by_model]
        return Sheet(self._heading(), columns, rows, intro=self._intro(), footer=self._footer())

    def _heading(self) -> str:
        s = "" if self.count == 1 else "s"
        return f"Plan of “{excerpt(self.name, 60)}”: {self.count:,} cell{s}"

    def _intro(self) -> str:
        n, paid = self.to_buy, [row for row in self.rows_by_model if not row.sandbox]
        if not n:
            return "Nothing is to be bought."
        cost = _price(self.low_usd, self.high_usd, self.credits or None, self.unknown, n)
        said = [f"{n:,} job{'' if n == 1 else 's'} to buy: {cost}"]
        if not paid:
            said[0] += ", none of it paid: this is the sandbox"
        seconds = self.usual_seconds
        said.append(f"usually {clock(seconds)}" if seconds is not None else "time not known yet")
        said[-1] += f" with concurrency={self.concurrency}"
        return "; ".join(said)

    def _footer(self) -> list[Way]:
        is_done = self.kept == self.count
        ways = [
            Way("Everything is here", "sweep.results")
            if is_done
            else Way("Nothing was sent. To go on", "await sweep.run()")
        ]
        if self._sum("open_ends"):
            words = "Open ends are never bought again by themselves"
            ways.append(Way(words, "nb.library().uncertain()"))
        if self._sum("failed"):
            words = "What failed before is left alone, unless you ask for it"
            ways.append(Way(words, "await sweep.run(retry_failed=True)"))
        if self.unknown:
            words = "With a budget, unknown prices have to be allowed"
            ways.append(Way(words, "nb.connect(…, allow_unknown_price=True)"))
        if self.same:
            s, ask = ("", "asks") if self.same == 1 else ("s", "ask")
            words = f"{self.same:,} cell{s} {ask} for the same as another one; it is bought once"
            ways.append(Way(words))
        return [*ways, *(Way(excerpt(note, 200)) for note in self.notes)]


def make_plan(
    name: str, grid: Grid, compiled: Compiled, library: Library, concurrency: int
) -> SweepPlan:
    """Count what is there, price what is not."""
    check_concurrency(concurrency)
    found = standings(library, compiled.keys)
    counts, same = _count(grid, compiled, found)
    rows = [
        _row(place, counts[number], library)
        for number, place in enumerate(compiled.places)
        if counts[number]
    ]
    notes = compiled.notes_said(SHOWN_NOTES)
    return SweepPlan(name, tuple(rows), same, grid.takes, concurrency, notes)


def check_concurrency(value: Any, most: int = 1000) -> None:
    """Refuse what is no number of jobs."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        message = f"concurrency = {value!r}: give a whole number from 1 to {most:,}."
        raise ExperimentError(message)


def _count(grid: Grid, compiled: Compiled, found: Standings) -> tuple[list[Counter[str]], int]:
    """Count the states of the cells for each place, each take once for the money."""
    counts = [Counter[str]() for _ in compiled.places]
    seen: set[str] = set()
    same = 0
    for row, key in enumerate(compiled.keys):
        count, is_first = counts[compiled.place_of[row]], key not in seen
        seen.add(key)
        same += 0 if is_first else grid.takes
        for take in range(1, grid.takes + 1):
            standing = found.get((key, take)) if found else None
            state = standing.cell_state if standing else "new"
            state = "new" if state == "waiting" else state  # not sent, so it is still to be bought
            count["cells"] += 1
            if is_first or state != "new":
                count[state] += 1
    return counts, same


def _row(place: Place, count: Counter[str], library: Library) -> PlanRow:
    n, price, session = count["new"], place.price, place.session
    base_url = session.connection.base_url
    costs = library.folder.database.read(lambda db: last_costs(db, base_url, place.model))
    listed = [price.usd] if price.usd is not None else []
    known = [*listed, *costs]
    return PlanRow(
        gateway=place.gateway,
        model=place.model,
        sandbox=session.is_sandbox,
        cells=count["cells"],
        kept=count["kept"],
        on_their_way=count["unfinished"],
        open_ends=count["uncertain"] + count["empty"],
        failed=count["failed"],
        to_buy=n,
        low_usd=n * min(known) if known else None,
        high_usd=n * max(known) if known else None,
        credits=n * price.credits if price.credits is not None else None,
        usual_seconds=usual_seconds(place),
    )


def usual_seconds(place: Place) -> float | None:
    """Return how long a job of a place usually takes; ``None`` where that is not known."""
    session = place.session
    base_url, database = session.connection.base_url, session.library.folder.database
    times = database.read(lambda db: last_times(db, base_url, place.model))
    if times:
        return statistics.median(times)
    return None if session.is_sandbox else USUAL_SECONDS.get(place.provider or "")


def last_costs(db: Db, base_url: str, model: str | None) -> list[float]:
    """Return what a model's last jobs cost, newest first."""
    query = (
        "SELECT cost_usd FROM takes WHERE base_url = ? AND model IS ? AND state = 'kept'"
        " AND cost_usd IS NOT NULL AND imported = 0 ORDER BY n DESC LIMIT 25"
    )
    return [float(row[0]) for row in db.execute(query, (base_url, model))]


def _seconds(row: PlanRow, concurrency: int) -> float:
    n = row.to_buy + row.on_their_way
    return math.ceil(n / concurrency) * (row.usual_seconds or 0.0)


def _cells(row: PlanRow, concurrency: int) -> tuple[str, ...]:
    there = [row.on_their_way, row.open_ends, row.failed]
    waits = row.to_buy + row.on_their_way
    usual = clock(_seconds(row, concurrency)) if row.usual_seconds is not None else "not known yet"
    return (
        excerpt(row.model or "default", 60),
        row.gateway,
        f"{row.cells:,}",
        f"{row.kept:,}",
        *(f"{n:,}" if n else "" for n in there),
        f"{row.to_buy:,}",
        _price(row.low_usd, row.high_usd, row.credits, row.unknown, row.to_buy),
        usual if waits else NOTHING,
    )


def _price(
    low: float | None, high: float | None, credits: float | None, unknown: int, n: int
) -> str:
    """Return a price in words; an unknown one is never a zero."""
    if not n:
        return NOTHING
    words = []
    if low is not None and high is not None and (high or not (credits or unknown)):
        span = usd(low) if low == high else f"{usd(low)} to {usd(high)}"
        words.append("free" if not high else f"about {span}")
    if credits:
        words.append(f"about {credits:,g} credits")
    if unknown:
        words.append("unknown" if unknown == n else f"{unknown:,} of unknown price")
    return " + ".join(words) or "unknown"


def usd(amount: float) -> str:
    """Return dollars with as many cents as it takes."""
    return f"${amount:.4f}" if 0 < amount < 0.005 else f"${amount:,.2f}"
