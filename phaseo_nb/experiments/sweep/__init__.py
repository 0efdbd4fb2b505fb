"""``Sweep``: one musical question put in many ways.

Each cell becomes a request that the session buys, finds or takes up like any other. So what was
paid once is never paid again, and a sweep needs no state of its own but its words: what became of
each cell stands in the journal.

- ``grid.py``, ``filling.py``, ``reading.py``, ``wording.py``: cells of words, templates and rows
- ``compiling.py``, ``moulds.py``: cells to checked requests; ``naming.py``: how one is found again
- ``planning.py``: what it will cost; ``purse.py``: what it may; ``running.py``: buying it
- ``cells.py``, ``endings.py``: what became of cells; ``grid_card.py``, ``live_grid.py``: its looks
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...connecting import default_session
from ...errors import ExperimentError
from ...phrases import excerpt
from .. import records
from .cells import Cell, cells_of
from .compiling import Compiled, beside, compile_grid, settled_model
from .endings import aside
from .grid import Grid, make_grid
from .live_grid import GridCard
from .naming import another_model, checked_name, no_such_sweep, other_words, went_elsewhere
from .planning import SweepPlan, check_concurrency, make_plan
from .purse import RunPurse
from .reading import read_rows
from .running import Run, wait_for
from .runs import AnyRun, Orders

if TYPE_CHECKING:
    from ...keeping import Library
    from ...session import Session
    from ..cluster.hands import Hands
    from ..results import Results


class Sweep:
    """A grid of requests: each with each (or side by side), so many takes of each.

    Parameters
    ----------
    rows
        A list of dicts, a DataFrame or the path of a CSV file: each row one request. Words that
        are given beside them go with every row.
    takes
        How many attempts at each request.
    name
        Under which it is opened again: ``nb.Sweep(name="first study")``, in this notebook or
        another one, now or after a restart. Default: a name made of its words.
    how
        ``"product"`` for each value with each, ``"zip"`` for values side by side.
    fill
        What stands for names in braces: with ``fill={"mood": ["sad", "bright"]}`` a prompt may
        say ``"A {mood} tune"``. Without it braces are braces.
    session
        Where to send it; default is the session of the last :func:`connect`.
    **words
        Any words of :func:`generate`, each with one value or several: ``prompt=[…]``,
        ``duration=[8, 12]``, ``suno=[{"style_weight": 0.2}, …]``; and ``gateway=["phaseo", …]``.
        One option by its path: ``**{"suno.style_weight": [0.2, 0.8]}``.

    Raises
    ------
    ExperimentError
        The words make no sweep, or its name belongs to another one. Nothing is sent by this.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> session = nb.connect("sandbox")
    >>> sweep = nb.Sweep(prompt=["Warm jazz trio", "Slow harp"], duration=[1, 2], name="example")
    >>> sweep.plan().count
    4
    >>> results = nb.run(sweep.run())
    >>> [cell.state for cell in sweep.cells()]
    ['kept', 'kept', 'kept', 'kept']
    """

    def __init__(
        self,
        rows: Any = None,
        *,
        takes: int = 1,
        name: str | None = None,
        how: str = "product",
        fill: Mapping[str, Any] | None = None,
        session: Session | None = None,
        **words: Any,
    ) -> None:
        self.session = session or default_session()
        self._sessions: dict[str, Session] = {}
        self._compiled: Compiled | None = None
        self._reasons: dict[int, tuple[str, str]] = {}
        """Cells that came to nothing of which the journal knows nothing: state and reason."""
        self._run: AnyRun | None = None
        self._models: dict[str, str] = {}
        """Models of requests that name none, by gateway: those of its last run."""
        if name is not None:
            name = checked_name(name)
        if rows is None and fill is None and all(value is None for value in words.values()):
            self.name, self.grid = self._open(name, takes)
            return
        given = read_rows(rows) if rows is not None else None
        self.grid = make_grid(given, words, how=how, fill=fill, takes=takes)
        digest = hashlib.sha256(self.grid._meaning.encode()).hexdigest()
        self.name = name or f"sweep-{digest[:10]}"
        self._meet_the_kept_one()
        self._save()

    def __repr__(self) -> str:
        varied = ", ".join(self.grid.varied) or "nothing"
        return (
            f"<Sweep {excerpt(self.name, 60)!r}: {self.grid.count:,} "
            f"cell{'' if self.grid.count == 1 else 's'}, varied: {varied}>"
        )

    # -- what it is ------------------------------------------------------------------------------

    @property
    def library(self) -> Library:
        """Where its takes are kept."""
        return self.session.library

    @property
    def count(self) -> int:
        """How many cells it has."""
        return self.grid.count

    @property
    def takes(self) -> int:
        """How many attempts at each request."""
        return self.grid.takes

    @property
    def varied(self) -> tuple[str, ...]:
        """Words that have more than one value, names of ``fill`` among them."""
        return self.grid.varied

    @property
    def fixed(self) -> dict[str, Any]:
        """Words that are the same in all cells."""
        return {n: v for n, v in self.grid.words(0).items() if n not in self.grid.varied}

    def session_of(self, gateway: str | None) -> Session:
        """Return the session for a value of ``gateway=``; the sweep's own for none."""
        mine = self.session
        names = (mine.gateway, mine.connection.name) if mine.is_sandbox else (mine.gateway,)
        if gateway is None or gateway in names:
            return mine
        if gateway not in self._sessions:
            self._sessions[gateway] = beside(mine, gateway)
        return self._sessions[gateway]

    def cells(self) -> list[Cell]:
        """Return the cells as they stand in the journal now, in the order of the sweep."""
        live = self._run.live_states() if self._run is not None else {}
        return cells_of(self.compiled, self.library, self._reasons, live)

    @property
    def compiled(self) -> Compiled:
        """Every request checked by the rules of its service, and the name it is kept under.

        Raises
        ------
        ExperimentError
            Rows that break a rule, all of them at once.
        SettingsError
            A model or a key is missing.
        """
        if self._compiled is None:
            self._compiled = compile_grid(self.grid, self.session_of, self._models)
        return self._compiled

    # -- before, during, after -------------------------------------------------------------------

    def plan(self, *, concurrency: int = 8) -> SweepPlan:
        """Return what a run would do, cost and take, as a table; nothing is sent.

        Parameters
        ----------
        concurrency
            As in :meth:`run`; the usual time depends on it.

        Raises
        ------
        ExperimentError, SettingsError
            As :meth:`run` would, before anything is sent.
        """
        return make_plan(self.name, self.grid, self.compiled, self.library, concurrency)

    async def run(
        self,
        *,
        concurrency: int | None = None,
        max_jobs: int | None = None,
        budget_usd: float | None = None,
        retry_failed: bool = False,
        timeout: float | None = 900.0,
        show: bool = True,
        on: Any = None,
    ) -> Results:
        """Buy what is missing, wait for what is on its way, and return the results.

        What is kept costs nothing, what is on its way is waited for, what ended openly stays as
        it is. One cell that fails does not stop the others. An interrupt stops the waiting and
        sends nothing more; jobs that went out go on, and the next run takes them up.

        Parameters
        ----------
        concurrency
            At most so many jobs at once. Default: 8 in this kernel, 50 for each thread of a
            cluster.
        max_jobs
            Most jobs that this run buys.
        budget_usd
            Most US dollars that this run sets aside, beside the budgets of session and library.
            Where a price is unknown, `nb.connect(…, allow_unknown_price=True)` has to allow it.
        retry_failed
            Whether cells that failed in an earlier run are bought again.
        timeout
            Longest wait for one job in seconds; it goes on after that, and the next run waits
            for it again.
        show
            Whether to draw the live grid.
        on
            A ``dask.distributed.Client``, whose workers look after the jobs then: they go on when
            this notebook is closed, and run again when a worker dies, without paying twice. Each
            worker reads the key from its own environment.

        Raises
        ------
        ExperimentError
            A row breaks a rule (all of them are named), the words are not those that this sweep
            was begun with, or a worker cannot use the library or the gateway. Nothing was sent.
        """
        n = 8 if concurrency is None else concurrency
        check_concurrency(n, 1000 if on is None else 100_000)
        purse = RunPurse(max_jobs, budget_usd)
        hands = self._hands(on)
        self._check_idle()
        compiled = await aside(self._begin)
        self._check_idle()  # somebody may have been quicker
        if hands is None:
            orders = Orders(n, retry_failed, timeout)
            return await self._go(Run(compiled, orders, purse), show)
        from ..cluster.run import ClusterRun

        orders = Orders(concurrency or 0, retry_failed, timeout)
        run = ClusterRun(self.name, compiled, orders, purse, hands)
        return await self._go(run, show, hands.dashboard)

    async def watch(self, *, show: bool = True) -> Results:
        """Look on while a cluster, or another notebook, works on this sweep; nothing is sent.

        Returns once nothing is on its way any more. An interrupt stops the looking only.

        Parameters
        ----------
        show
            Whether to draw the live grid.
        """
        from ..cluster.run import ClusterRun

        self._check_idle()
        compiled = await aside(lambda: self.compiled)
        orders = Orders(0, False, None)
        return await self._go(ClusterRun(self.name, compiled, orders, RunPurse(), None), show)

    def withdraw(self) -> int:
        """Take back what waits on a cluster and was not sent; return how many jobs that were.

        Their prices are free again, also of those that a worker has taken up already. What went
        out goes on.
        """
        from ..cluster.planning import shards_of

        return self.library.folder.shards.withdraw(shards_of(self.name)).result()

    def _hands(self, on: Any) -> Hands | None:
        if on is None:
            return None
        from ..cluster.hands import Hands

        return Hands(on)

    async def _go(self, run: AnyRun, show: bool, dashboard: str | None = None) -> Results:
        self._run = run
        self._reasons = run.reasons
        card = None
        if show:
            announcement = self.session.announce_once()
            first = [announcement] if announcement else []
            card = GridCard(run, self.name, (*first, *run.compiled.notes_said()), dashboard)
        await wait_for(run, card)
        return await aside(lambda: self.results)

    def _check_idle(self) -> None:
        if self._run is not None and self._run.is_going:
            message = f"{self!r} is running already. Wait for it, or interrupt it first."
            raise ExperimentError(message)

    def _begin(self) -> Compiled:
        """Check everything before the first is sent, and write down what is begun."""
        self.compiled  # noqa: B018 - also settles the models that are written down with the words
        self._save(begin=True)
        return self.compiled

    @property
    def results(self) -> Results:
        """What there is by now: a table, a grid with players, a DataFrame, exports."""
        from ..results import Results

        return Results(self)

    def report(self, path: str | os.PathLike[str], **options: Any) -> Any:
        """Write everything about it into one HTML file: what was asked, heard, measured, preferred.

        Parameters
        ----------
        path
            Where; an earlier report there is replaced, anything else with ``overwrite=True`` only.
        **options
            ``question=`` and ``notes=`` (your words), ``votes=`` or ``ranking=``, ``rows=`` and
            ``columns=`` of the grid, ``audio="inside"``, ``"beside"`` or ``"none"``,
            ``embed_mb=12``, ``plots=True``, ``overwrite=False``.

        Raises
        ------
        ExperimentError
            The file cannot be written, or an option makes no sense.
        """
        from ..report import write_report

        return write_report(self, path, **options)

    # -- its name --------------------------------------------------------------------------------

    @property
    def _place(self) -> dict[str, Any]:
        """Where it goes: part of what is kept, and no part of its words."""
        connection = self.session.connection
        about: dict[str, Any] = {"gateway": self.session.gateway, "base_url": connection.base_url}
        return {**about, "models": self._models}

    def _is_here(self, place: Mapping[str, Any]) -> bool:
        connection = self.session.connection
        at = place.get("gateway"), place.get("base_url")
        return at == (self.session.gateway, connection.base_url)

    def _open(self, name: str | None, takes: int) -> tuple[str, Grid]:
        """Return the words that are kept under a name."""
        if name is None:
            message = (
                'A sweep needs words, such as nb.Sweep(prompt=["…", "…"], duration=[8, 12]), or '
                'the name of one there is: nb.Sweep(name="first study").'
            )
            raise ExperimentError(message)
        kept = records.find_sweep(self.library, name)
        if kept is None:
            raise no_such_sweep(name, records.sweep_names(self.library), self.library.shown)
        place = json.loads(kept.place)
        if not self._is_here(place):
            raise went_elsewhere(name, place, self._place)
        self._models = dict(place.get("models") or {})
        grid = Grid.from_text(kept.spec)
        if takes not in (1, grid.takes):
            message = (
                f"The sweep {excerpt(name, 60)!r} has takes={grid.takes}. For more of them give "
                "its words too, under another name; what is kept already costs nothing again."
            )
            raise ExperimentError(message)
        return name, grid

    def _meet_the_kept_one(self) -> None:
        """Go on with the sweep of this name, if it is the same one; else say what differs."""
        kept = records.find_sweep(self.library, self.name)
        if kept is None or not kept.is_begun:
            return
        before, place = Grid.from_text(kept.spec), json.loads(kept.place)
        if not before.is_like(self.grid):
            raise other_words(self.name, before, self.grid)
        self.grid = before  # in the order it had
        if self._is_here(place):
            self._models = dict(place.get("models") or {})
            for gateway, model in self._models.items():
                now = settled_model(self.session_of(gateway or None))
                if now is not None and now != model:
                    raise another_model(self.name, model, now)

    def _save(self, *, begin: bool = False) -> None:
        spec = self.grid.to_text()
        place = records.dump(self._place)
        kept = records.save_sweep(self.library, self.name, spec, place=place, begin=begin)
        if kept != spec:
            before = Grid.from_text(kept)
            if not before.is_like(self.grid):
                raise other_words(self.name, before, self.grid)
            self.grid, self._compiled = before, None
            records.save_sweep(self.library, self.name, kept, place=place, begin=begin)
