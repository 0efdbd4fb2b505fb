"""``Session``: one gateway, one library, one budget.

A request comes down from a cell and is looked up in the journal: kept, on its way, or ended
openly. Only what is none of these is planned, paid for and carried to its end (``carrying.py``)
on the engine's thread. Nothing here knows that a notebook exists.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..engine import engine
from ..errors import Issue, RequestRejected
from ..gateways import ModelInfo, get_gateway
from ..jobs import Cost, Credits, MusicJob, Track
from ..keeping import Library
from ..keeping.entries import OPEN, Entry, entries_in, living_entry
from ..keeping.folder import Folder
from ..keeping.ordering import Found, Plan
from ..keeping.records import dump_request
from ..keeping.shelf import take_of
from ..requests import MusicRequest, UdioRequest, build_request, request_key
from ..settings import Connection
from ..takes import prompt_of
from ..takes.handle import Job
from ..transport.secrets import scrub
from .budget import Budget
from .carrying import Carrier
from .listening import Callbacks
from .open_ends import error_of, nothing_sent
from .rhythm import Rhythm, model_of
from .throttle import Throttle

if TYPE_CHECKING:
    from ..client import MusicClient


class Session:
    """A connection to one gateway, with its library and its budget.

    Made by :func:`phaseo_nb.connect`. Jobs run on a thread of their own, so a session can be used
    from any cell, callback or thread.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        library: Library | None = None,
        budget_usd: float | None = None,
        allow_unknown_price: bool = False,
        callbacks: str | None = None,
        announcement: str | None = None,
    ) -> None:
        self.connection = connection
        self.library = Library() if library is None else library
        self.budget = Budget(
            budget_usd,
            library=self.library,
            base_url=connection.base_url,
            sandbox=connection.is_sandbox,
            allow_unknown_price=allow_unknown_price,
        )
        self._gateway = get_gateway(connection.name)
        self._callbacks = Callbacks(callbacks, self._gateway) if callbacks else None
        self._talking: MusicClient | None = None
        self._lock = threading.Lock()
        self._announcement = announcement
        self._rhythm = Rhythm(self.library, connection)
        self._throttle = Throttle(connection.base_url)
        where = connection.name, connection.base_url
        self._folder.agents.pop(where, None)  # the newest comes last
        self._folder.agents[where] = self

    @property
    def _client(self) -> MusicClient:
        """The one client, made when there is something to ask; a form can do without httpx."""
        with self._lock:
            if self._talking is None:
                from ..client import MusicClient

                self._talking = MusicClient.of(self.connection)
                self._talking.hear_busy(
                    lambda asked: self._throttle.hear(self._folder.journal, asked)
                )
            return self._talking

    @property
    def _folder(self) -> Folder:
        return self.library.folder

    @property
    def gateway(self) -> str:
        """``"phaseo"``, ``"udio"`` or ``"sandbox"``."""
        return self.connection.label

    @property
    def is_sandbox(self) -> bool:
        """True where music is made on this machine, offline and free."""
        return self.connection.is_sandbox

    @property
    def callbacks(self) -> str | None:
        """The public address under which a service reports to this machine, if it does."""
        return self._callbacks.base if self._callbacks else None

    def __repr__(self) -> str:
        budget = f", {self.budget}" if self.budget.limit is not None else ""
        return f"<Session {self.connection.describe()}{budget}>"

    def announce_once(self) -> str | None:
        """Return what should be said aloud about this connection, the first time it is asked."""
        said, self._announcement = self._announcement, None
        return said

    # -- down: from words to a job -----------------------------------------------------------

    def start(
        self,
        prompt: str | None = None,
        *,
        request: MusicRequest | UdioRequest | None = None,
        take: int | None = None,
        fresh: bool = False,
        timeout: float | None = 900.0,
        **words: Any,
    ) -> Job:
        """Start a request, or find what it has already become; returns at once.

        Parameters are those of :func:`phaseo_nb.generate`.

        Raises
        ------
        RequestRejected, SettingsError, BudgetExceeded, LibraryError
            Before anything is sent.
        UncertainSubmission, JobFailed
            This very request ended openly before; only ``fresh=True`` buys it again.
        """
        check_waiting(take, fresh, timeout)
        request, notes = self._request(prompt, request, words)
        plan = self._plan(request, notes)
        with self._folder.lock:  # so that nobody finds a row whose handle is not here yet
            with nothing_sent():
                found = self._folder.journal.order(plan, take=take, fresh=fresh).result()
            job = self._job_of(found, request, notes, timeout)
            job.is_fresh = fresh
            return job

    def plan(self, request: MusicRequest | UdioRequest, shard: str) -> Plan:
        """Return the order of a ready request, for any machine to take up; nothing is written."""
        plan = self._plan(request, tuple(request.ineffective()))
        return replace(plan, shard=shard)

    async def carry(self, entry: Entry, *, timeout: float | None = 900.0) -> Job:
        """Carry a row that has our name on it to its end; runs on the engine.

        Whatever becomes of it stands in the journal and in the handle that is returned.
        """
        known = self._folder.handles.get(entry.n)
        if known is not None and known.is_waiting:
            await known.ended()
            return known
        job = self._handle(entry, timeout=timeout)
        if known is not None and known.unwritten:
            job.go_on_from(known)
        self._folder.handles[entry.n] = job
        await self._carrier.carry(job, entry)
        return job

    def find(
        self, request: MusicRequest | UdioRequest, *, take: int | None = None
    ) -> tuple[str, int] | None:
        """Say what a request has become: its state in the journal and the number of its take.

        ``kept`` is shown free of charge by :meth:`start`; ``None`` would be bought.
        """
        connection = self.connection
        key = request_key(request, gateway=connection.name, base_url=connection.base_url)
        entry = self._folder.database.read(lambda db: living_entry(db, key, take))
        return (entry.state, entry.number) if entry is not None else None

    def list_price(self, request: MusicRequest | UdioRequest) -> Cost:
        """Return what a request costs by the built-in list; nobody is asked."""
        return self._gateway.list_price(request)

    async def models(self) -> list[ModelInfo]:
        """Return the models of this gateway with their prices, as it says now."""
        return await self._client.models()

    async def fetch_ahead(self, answer: MusicJob, track: Track) -> bytes:
        """Fetch a track of a job that is still being made; it is not kept by that."""
        data = await self._client.download(track, job=answer, allow_preview=True)
        assert isinstance(data, bytes)  # no path was given
        return data

    async def credits(self) -> Credits:
        """Return how many credits are left; see :meth:`MusicClient.credits`."""
        return await self._client.credits()

    def default_model(self) -> str:
        """Return the model for requests that name none; see :meth:`MusicClient.default_model`."""
        return self._client.default_model()

    def resume(self, job: Job, *, timeout: float | None = 900.0) -> Job:
        """Take up an open job that nobody looks after here; returns its new handle."""
        if job.is_waiting:
            return job
        entry = self._folder.journal.lease(job.n).result()
        return self._take_up(entry, job.notes, timeout)

    def resume_all(self, *, timeout: float | None = 900.0) -> list[Job]:
        """Take up every open job of this gateway, oldest first."""
        self._folder.leases.recover().result()
        with self._folder.lock:
            return [self._take_up(entry, (), timeout) for entry in self._open_entries()]

    def open_jobs(self) -> list[Job]:
        """Return the jobs of this gateway that are not finished, oldest first, as they stand."""
        return [self._folder.handles.get(e.n) or self._handle(e) for e in self._open_entries()]

    def usual_time(self, job: Job) -> float | None:
        """Return how long jobs of this model have taken, in seconds."""
        return self._rhythm.usual_time(job.request)

    # -- open ends: what an Attempt asks for ---------------------------------------------------

    def look_again(self, entry: Entry) -> Job:
        """Ask for an order of which only a name is known; see :meth:`Attempt.look_again`."""
        if entry.state in OPEN:
            with self._folder.lock:
                return self._take_up(entry, (), 900.0)
        job = self._handle(entry)
        self._folder.handles[entry.n] = job
        engine.submit(self._carrier.look(job, entry))
        return job

    def submit_again(self, entry: Entry) -> Job:
        """Send an order once more; see :meth:`Attempt.submit_again`."""
        request = entry.read_request()
        plan = self._plan(request, tuple(request.ineffective()))
        with self._folder.lock, nothing_sent():
            order = self._folder.journal.order(plan, take=None, fresh=True, instead_of=entry.n)
            return self._job_of(order.result(), request, plan.notes, 900.0)

    # -- parts ---------------------------------------------------------------------------------

    @property
    def _carrier(self) -> Carrier:
        return Carrier(
            self._client,
            self.library,
            self.connection.key,
            self._callbacks,
            self._rhythm.poll,
            self._throttle,
        )

    def _plan(self, request: MusicRequest | UdioRequest, notes: tuple[str, ...]) -> Plan:
        connection, key = self.connection, self.connection.key
        price = self._gateway.list_price(request)
        model, prompt = model_of(request), prompt_of(request)
        return Plan(
            key=request_key(request, gateway=connection.name, base_url=connection.base_url),
            gateway=connection.name,
            base_url=connection.base_url,
            sandbox=connection.is_sandbox,
            model=scrub(model, key) if model else None,
            provider=getattr(request, "provider_name", None),
            prompt=scrub(prompt, key) if prompt else None,
            request=scrub(dump_request(request), key),
            notes=notes,
            price=price,
            purse=self.budget.purse(price),
            kind=getattr(request, "makes", "music"),
        )

    def _job_of(
        self,
        found: Found,
        request: MusicRequest | UdioRequest,
        notes: tuple[str, ...],
        timeout: float | None,
    ) -> Job:
        entry = found.entry
        if entry.state in ("uncertain", "empty"):
            raise error_of(entry)
        if entry.state == "kept" and self._is_whole(entry):
            job = self._handle(entry)
            job.was_kept = True
            job.finish(take_of(self._folder, entry))
            return job
        job = self._take_up(entry, notes, timeout, request)
        if found.failed_usd is not None:
            job.failed_before = Cost(usd=found.failed_usd)
        return job

    def _is_whole(self, entry: Entry) -> bool:
        """Tell whether every track that could be had is there; what is not is fetched again."""
        answer = entry.read_answer()
        playable = [track.is_playable for track in answer.tracks] if answer else []
        recordings = [*entry.recordings, *[None] * len(playable)]
        return all(
            self._folder.store.is_there(recording) if recording else not can_be_had
            for recording, can_be_had in zip(recordings, playable, strict=False)
        )

    def _take_up(
        self,
        entry: Entry,
        notes: tuple[str, ...],
        timeout: float | None,
        request: MusicRequest | UdioRequest | None = None,
    ) -> Job:
        """Return the handle that looks after a row, a new one where there is none."""
        known = self._folder.handles.get(entry.n)
        after = known if known is not None and known.is_waiting and known.stop_requested else None
        if known is not None and after is None and (known.is_waiting or known.is_ahead):
            return known
        job = self._handle(entry, notes=notes, timeout=timeout, request=request)
        if known is not None and after is None and known.unwritten:
            job.go_on_from(known)
        self._folder.handles[entry.n] = job
        engine.submit(self._carrier.carry(job, entry, after))
        return job

    def _handle(
        self,
        entry: Entry,
        *,
        notes: tuple[str, ...] = (),
        timeout: float | None = 900.0,
        request: MusicRequest | UdioRequest | None = None,
    ) -> Job:
        # The request at hand is sent as it is: the journal's has no callback address.
        return Job(
            n=entry.n,
            row=(entry.id, entry.created_at),
            request=request or entry.read_request(),
            prompt=entry.prompt or "",
            number=entry.number,
            notes=notes,
            price=entry.read_price(),
            timeout=timeout,
            answer=entry.read_answer(),
        )

    def _open_entries(self) -> list[Entry]:
        """Return what is at the service, or on its way there from this kernel."""
        here = self.connection.name, self.connection.base_url
        entries = self._folder.database.read(lambda db: entries_in(db, *OPEN))
        return [
            entry
            for entry in entries
            if (entry.gateway, entry.base_url) == here
            and (entry.state not in ("planned", "submitting") or entry.n in self._folder.handles)
        ]

    def _request(
        self,
        prompt: str | None,
        request: MusicRequest | UdioRequest | None,
        words: Mapping[str, Any],
    ) -> tuple[MusicRequest | UdioRequest, tuple[str, ...]]:
        wire = self._gateway.name
        given = {name: value for name, value in words.items() if value is not None}
        if request is not None:
            also = [name for name in ("prompt", *given) if name != "prompt" or prompt is not None]
            if also:
                expected = "Give a ready request or words, not both."
                raise RequestRejected(Issue("request", "request_and_words", also, expected))
            fits = UdioRequest if wire == "udio" else MusicRequest
            if not isinstance(request, fits):
                expected = f"The {wire} gateway takes a {fits.__name__}."
                raise RequestRejected(Issue("request", "wrong_request", type(request), expected))
            return request, tuple(request.ineffective())
        if "model" not in given:
            given["model"] = self._client.default_model()
        return build_request("udio" if wire == "udio" else "phaseo", prompt, **given)


def check_waiting(take: Any, fresh: Any, timeout: Any) -> None:
    """Refuse what would be misread: ``take=True`` is 1 to Python, and NaN waits for ever."""
    is_count = isinstance(take, int) and not isinstance(take, bool) and 0 < take < 2**31
    if take is not None and not is_count:
        raise RequestRejected(Issue("take", "invalid_take", take, "A take is a number from 1."))
    if take is not None and fresh:
        expected = "`fresh=True` makes the next take by itself; give one of the two."
        raise RequestRejected(Issue("take", "take_and_fresh", take, expected))
    number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    # Infinity, or what no float holds, would be refused by the wait: after the order was paid.
    if timeout is not None and not (number and 0 < timeout < 2**1023):
        expected = "Seconds greater than 0, or None to wait for ever."
        raise RequestRejected(Issue("timeout", "invalid_timeout", timeout, expected))
