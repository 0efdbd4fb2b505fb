"""``MusicClient``: submit, watch, wait, download. Async and thin.

The gateway knows the words, the transport the wire; here is only the order of things: what is
asked when, what counts as an end, and which of the two names of a job is tried next.
"""

from __future__ import annotations

import asyncio
import logging
import time
import warnings
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
import httpx
from pydantic import SecretStr

from .errors import (
    AudioError,
    ConnectionFailed,
    GatewayError,
    Issue,
    JobFailed,
    JobNotFound,
    RateLimited,
    RequestRejected,
    SettingsError,
    UncertainSubmission,
)
from .gateways import Gateway, ModelInfo, failure_message, get_gateway, may_resend
from .gateways.catalogue import built_in
from .jobs import Cost, MusicJob, Track
from .polling import Schedule, schedule
from .requests import MusicRequest, UdioRequest, build_request
from .settings import Connection, resolve_connection
from .settings.keys import hide
from .transport.asking import Asking, read_answer
from .transport.download import AddressExpired, Limits, download
from .transport.http import AnswerLost, Sleep, Transport
from .transport.memory import JobMemory
from .transport.messages import Answer, Call
from .transport.sinks import hand_out

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

T = TypeVar("T")
Request = MusicRequest | UdioRequest

log = logging.getLogger("phaseo_nb")

SANDBOX_INTERVAL = 0.25  # nobody is kept busy by questions to this machine


class MusicClient:
    """A client of one gateway.

    Parameters
    ----------
    gateway
        ``"phaseo"``, ``"udio"``, ``"sandbox"``, or ``"auto"``: the first one there is a key for.
    api_key, base_url
        Before environment, keyring and default.
    transport
        An ``httpx`` transport that carries API calls and audio alike, such as
        ``Sandbox().transport``. Names are not resolved then, only looked at.
    timeout
        Longest silence of one request in seconds. By default 60, and 600 for the call that starts
        a job at a provider which answers with the finished music: hanging up earlier would lose
        what is paid for. A number holds for every request.
    model
        Used where a request names none; a paid gateway has no default of its own.

    Raises
    ------
    SettingsError
        A key, address or gateway name is missing or cannot be used. Nothing was sent.

    Examples
    --------
    ::

        async with MusicClient("phaseo") as client:
            job = await client.submit("Warm jazz trio", model="minimax/music-2.6")
            job = await client.wait(job)
            await client.download(job.tracks[0], "trio.mp3")
    """

    gateway: Gateway
    """The words of the service; no network."""
    poll: Schedule
    """Yields the pauses between questions; see ``polling.py``."""

    def __init__(
        self,
        gateway: str = "auto",
        *,
        api_key: str | SecretStr | None = None,
        base_url: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float | None = None,
        model: str | None = None,
    ) -> None:
        key = hide(api_key)
        del api_key  # a verbose traceback prints local variables
        connection = resolve_connection(
            gateway, api_key=key, base_url=base_url, model=model, transport=transport
        )
        self._set_up(connection, timeout=timeout)

    @classmethod
    def of(
        cls,
        connection: Connection,
        *,
        timeout: float | None = None,
        sleep: Sleep = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits | None = None,
    ) -> Self:
        """Make a client of a connection that is resolved already; the rest is for tests."""
        client = cls.__new__(cls)
        client._set_up(connection, timeout=timeout, sleep=sleep, clock=clock, limits=limits)
        return client

    def _set_up(
        self,
        connection: Connection,
        *,
        timeout: float | None,
        sleep: Sleep = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits | None = None,
    ) -> None:
        _check_seconds("timeout", timeout)
        self.connection = connection
        self.gateway = get_gateway(connection.name)
        self.poll = schedule
        self._sleep = sleep
        self._clock = clock
        self._limits = limits or Limits(silence=timeout or Limits.silence)
        self._memory = JobMemory()
        self._sending: set[asyncio.Task[MusicJob]] = set()
        self._transport = Transport(
            base_url=connection.base_url,
            key=connection.key,
            timeout=timeout,
            transport=connection.transport,
            sleep=sleep,
        )
        self._asking = Asking(
            self.gateway,
            self._transport,
            self._memory,
            interval=SANDBOX_INTERVAL if connection.is_sandbox else self.gateway.min_poll_interval,
            sleep=sleep,
            clock=clock,
        )

    @property
    def base_url(self) -> str:
        """Where API calls go."""
        return self.connection.base_url

    def __repr__(self) -> str:
        return f"<MusicClient {self.connection.label} at {self.base_url}>"

    def __reduce__(self) -> Any:
        message = (
            "A MusicClient holds a key and open connections, so it cannot be pickled or copied. "
            "Make one where it is used."
        )
        raise TypeError(message)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let paid calls that are under way come to their answer, then close the connections."""
        loop = asyncio.get_running_loop()
        sending = [task for task in self._sending if task.get_loop() is loop]
        if sending:
            await asyncio.wait(sending)
        await self._transport.aclose()

    # -- starting a job ------------------------------------------------------------------------

    async def submit(
        self,
        request: Request | str | None = None,
        *,
        on_submitted: Callable[[MusicJob], None] | None = None,
        **words: Any,
    ) -> MusicJob:
        """Start a job and return the gateway's answer, a failed one as it is.

        Wire contract: ``POST /music/generate`` (Phaseo); ``POST /api/v2/generate`` or
        ``/api/generate`` (udioapi.pro). There is no idempotency key at either service, so the
        request goes out once; only where nothing can have been created is it sent again.

        Once it is out, cancelling only ends the waiting: the answer is still read and remembered.

        Parameters
        ----------
        request
            A ready request, or the prompt.
        on_submitted
            Called with the answer, also when nobody waits for it any more.
        **words
            With a prompt: the words of :func:`phaseo_nb.generate`, such as ``model``.

        Raises
        ------
        RequestRejected, SettingsError
            Nothing was sent.
        UncertainSubmission
            It was sent and no clear answer came: the job may exist.
        ConnectionFailed, GatewayError
            Nothing was created.

        Warns
        -----
        UserWarning
            For each word that has no effect at the chosen provider.
        """
        ready, notes = self._request(request, words)
        for note in notes:
            warnings.warn(note, UserWarning, stacklevel=2)
        self._transport.pool()  # a closed client says so before anything starts
        task = asyncio.ensure_future(self._create(ready, on_submitted))
        self._sending.add(task)
        task.add_done_callback(self._sent)
        return await asyncio.shield(task)

    def default_model(self) -> str:
        """Return the model for requests that name none.

        Raises
        ------
        SettingsError
            There is none: choosing one would be choosing a price. The message lists them.
        """
        if self.connection.model:
            return self.connection.model
        listed = [f"{info.id} ({info.price})" for info in built_in(self.gateway.name)]
        offered = ", ".join(row for row in listed if not row.startswith("sandbox/"))
        message = (
            f"No model was named, and {self.gateway.name} has no free one to fall back on. Pass "
            f"`model=`, or set PHASEO_NB_MODEL. There are: {offered}."
        )
        raise SettingsError(message)

    def _request(
        self, request: Request | str | None, words: dict[str, Any]
    ) -> tuple[Request, tuple[str, ...]]:
        wire = "udio" if self.gateway.name == "udio" else "phaseo"
        if isinstance(request, (MusicRequest, UdioRequest)):
            if words:
                expected = "Give a ready request or words, not both."
                raise RequestRejected(Issue("request", "request_and_words", [*words], expected))
            fits = UdioRequest if wire == "udio" else MusicRequest
            if not isinstance(request, fits):
                expected = f"The {wire} gateway takes a {fits.__name__}."
                name = type(request).__name__
                raise RequestRejected(Issue("request", "wrong_request", name, expected))
            return request, tuple(request.ineffective())
        if request is not None and not isinstance(request, str):
            expected = "Give a prompt as text, a MusicRequest or a UdioRequest."
            name = type(request).__name__
            raise RequestRejected(Issue("request", "invalid_type", name, expected))
        prompt = words.pop("prompt", None) if request is None else request
        if words.get("model") is None:
            words["model"] = self.default_model()
        return build_request(wire, prompt, **words)  # type: ignore[arg-type]

    async def _create(
        self, request: Request, on_submitted: Callable[[MusicJob], None] | None
    ) -> MusicJob:
        call = self.gateway.submission(request)
        attempt = 0
        while True:
            attempt += 1
            lost: AnswerLost | None = None
            try:
                answer = await self._transport.send(call)
                job = await read_answer(self.gateway.read_submission, answer, request)
                break
            except AnswerLost as error:
                lost = error
            except RateLimited as error:
                pause = None
                if may_resend(error):
                    pause = self._transport.pause_before_resending(attempt, error.retry_after)
                if pause is None:
                    raise
            if lost is not None:
                raise self._uncertain(call, request, lost)
            await self._sleep(pause or 0.0)
        entry = self._memory.put(job, submitted_at=self._clock())
        entry.asked_at = self._clock()
        if on_submitted is not None:
            on_submitted(entry.job)
        return entry.job

    def _uncertain(self, call: Call, request: Request, lost: AnswerLost) -> UncertainSubmission:
        price = self.gateway.list_price(request)
        about = f" ({price})" if price.usd or price.credits else ""
        known = f"It was sent, and no clear answer came: {lost}."
        message = (
            f"{call.method} {call.path} on {self.base_url} has an open end. {known} A job may "
            f"exist and may cost{about}, so the request was not sent again. Look at the usage page "
            "of your account first; `fresh=True` sends it once more, and pays once more if the "
            "first one went through."
        )
        error = UncertainSubmission(message, request=request, known=known, price=price)
        error.__cause__ = lost.__cause__
        return error

    def _sent(self, task: asyncio.Task[MusicJob]) -> None:
        self._sending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Whoever waits gets it as well; whoever was interrupted finds it here.
            log.debug("A submission ended with %s", type(task.exception()).__name__)

    # -- asking about a job --------------------------------------------------------------------

    async def get(self, job: str | MusicJob) -> MusicJob:
        """Ask once how a job stands, by its id and then by its request id.

        Wire contract: ``GET /music/generate/{music_id}`` (Phaseo); the feeds of udioapi.pro.

        Parameters
        ----------
        job
            Its id, or an earlier answer, which may know more names of it.

        Returns
        -------
        MusicJob
            A failed one as it is. What only an earlier answer of this client had (audio, cost)
            is kept, and an end is final.

        Raises
        ------
        JobNotFound
            The gateway knows it under none of its names, and gave no audio before.
        ConnectionFailed, GatewayError
            The question was not answered; the job goes on.
        """
        return await self._asking.get(self._job_id(job))

    async def watch(
        self, job: str | MusicJob, *, timeout: float | None = None
    ) -> AsyncGenerator[MusicJob, None]:
        """Ask again and again, and yield every answer; the last one is the end of the job.

        A job that this client has just started is given a moment before the first question. An
        unknown status is not an end. Questions that fail in passing are repeated.

        Parameters
        ----------
        job
            Its id, or an earlier answer.
        timeout
            Longest time in seconds; ``None`` watches for ever.

        Raises
        ------
        JobTimeout
            ``timeout`` passed first. The job goes on.
        JobNotFound, ConnectionFailed, GatewayError
            As :meth:`get`; passing faults only after five minutes of nothing else.
        """
        _check_seconds("timeout", timeout)
        job_id = self._job_id(job)
        async with aclosing(self._asking.watch(job_id, self.poll, timeout)) as states:
            async for state in states:
                yield state

    async def wait(
        self,
        job: str | MusicJob,
        *,
        timeout: float | None = 600.0,
        on_update: Callable[[MusicJob], None] | None = None,
    ) -> MusicJob:
        """Wait until a job is finished and return it.

        Wire contract: as :meth:`get`, asked in the rhythm of ``polling.py``.

        Parameters
        ----------
        job
            The id that the gateway gave, such as ``"task_123"``, or the answer to :meth:`submit`:
            one that has its audio already is returned without another question.
        timeout
            Longest wait in seconds; ``None`` waits for ever. The job itself goes on after it.
        on_update
            Called with every answer.

        Returns
        -------
        MusicJob
            Completed, with at least one track that plays.

        Raises
        ------
        JobFailed
            The provider ended the job without music; ``error.reason`` says why.
        JobTimeout
            ``timeout`` passed first; ``error.job_id`` lets you wait again.
        JobNotFound, ConnectionFailed, GatewayError
            As :meth:`watch`.
        """
        state: MusicJob | None = None
        async with aclosing(self.watch(job, timeout=timeout)) as states:
            async for state in states:
                if on_update is not None:
                    on_update(state)
        assert state is not None
        if state.status == "failed" or not state.has_audio:
            entry = self._memory.get(state.id)
            began = entry.submitted_at if entry else None
            elapsed = None if began is None else self._clock() - began
            raise JobFailed(failure_message(state, elapsed=elapsed), job=state)
        return state

    def _job_id(self, job: str | MusicJob) -> str:
        """Return the id of a job, after noting what is known about it."""
        if isinstance(job, MusicJob):
            if self._memory.get(job.id) is None:
                self._memory.put(job)
            return job.id
        expected = "Give the id of a job, such as the `.id` of what submit() returned."
        if not isinstance(job, str):
            raise RequestRejected(Issue("job_id", "invalid_type", type(job).__name__, expected))
        if not job.strip() or len(job) > 1000:
            raise RequestRejected(Issue("job_id", "invalid_id", job, expected))
        return job.strip()

    # -- audio, models, prices ---------------------------------------------------------------------

    async def download(
        self,
        track: Track,
        path: str | PathLike[str] | None = None,
        *,
        job: str | MusicJob | None = None,
    ) -> bytes | Path:
        """Fetch a track's audio, or hand out what came inside the answer already.

        Audio is fetched without the API key, from public hosts and the gateway itself only, up to
        200 MB; under 1 kB/s over 10 s it is given up. An address that has expired is asked for
        anew once.

        Parameters
        ----------
        track
            Of a finished job.
        path
            File to write; replaced if it exists, and only ever there when complete. Without it
            the audio is returned.
        job
            The job the track is of; found by itself for jobs that this client has seen.

        Returns
        -------
        bytes or Path
            The audio as received, or ``path``.

        Raises
        ------
        AudioError
            There is no finished audio, it could not be fetched, or it is none.
        """
        target = _path(path)
        if not isinstance(track, Track):
            expected = "Give one of the `.tracks` of a job."
            name = type(track).__name__
            raise RequestRejected(Issue("track", "invalid_type", name, expected))
        if not track.is_playable:
            what = "is still a preview" if track.is_preview else "has no audio"
            message = f"{track!r} {what}. Wait for its job to finish: `await client.wait(job)`."
            raise AudioError(message)
        if track.data is not None:
            return await hand_out(track.data, target)
        owner = self._memory.owner_of(track) if job is None else job
        try:
            return await self._fetch(track, target)
        except AddressExpired as error:
            if owner is None:
                raise
            fresh = await self._fresh(track, owner)
            if fresh is None:
                message = f"{error}{self._age(owner)}"
                raise AudioError(message) from None
        return await self._fetch(fresh, target)

    async def _fetch(self, track: Track, path: Path | None) -> bytes | Path:
        pool = self._transport.pool()
        if track.data is not None:
            return await hand_out(track.data, path)
        return await download(
            track.audio_url or "",
            path,
            client=pool.audio,
            own=pool.own,
            is_bare=track.pcm_rate is not None,
            resolves=pool.resolves,
            limits=self._limits,
            sleep=self._sleep,
        )

    async def _fresh(self, track: Track, owner: str | MusicJob) -> Track | None:
        """Return the same track as the gateway describes it now."""
        try:
            job = await self.get(owner)
        except (ConnectionFailed, GatewayError, JobNotFound):
            return None
        same = [t for t in job.tracks if t.id == track.id and track.id is not None]
        same = same or [t for t in job.tracks if t.index == track.index]
        return next((found for found in same if found.is_playable), None)

    def _age(self, owner: str | MusicJob) -> str:
        entry = self._memory.get(owner if isinstance(owner, str) else owner.id)
        if entry is None or entry.submitted_at is None:
            return ""
        return f" The job was started {self._clock() - entry.submitted_at:.0f} s ago."

    async def models(self) -> list[ModelInfo]:
        """Return the models of the gateway with their prices.

        Wire contract: ``GET /models``, ``GET /pricing/models`` (Phaseo). Where there is no list
        or no answer, the built-in, dated one (``is_live`` False) stands in.
        """
        answers: list[Answer] = []
        for call in self.gateway.models_calls():
            try:
                answers.append(await self._transport.send(call))
            except ConnectionFailed:
                if self._transport.is_closed:
                    raise
        return await anyio.to_thread.run_sync(self.gateway.read_models, answers)

    async def estimate(self, request: Request | str | None = None, **words: Any) -> Cost:
        """Return what a request would cost, without starting it.

        Wire contract: ``POST /pricing/calculate`` (Phaseo); else the built-in price list. Takes
        what :meth:`submit` takes.

        Returns
        -------
        Cost
            ``usd`` is ``None`` where nobody knows the price.
        """
        ready, _ = self._request(request, words)
        call = self.gateway.estimate_call(ready)
        if call is not None:
            try:
                cost = self.gateway.read_estimate(await self._transport.send(call))
            except ConnectionFailed:
                cost = Cost()
            if cost.usd is not None or cost.credits is not None:
                return cost
        return self.gateway.list_price(ready)


def _check_seconds(name: str, value: Any) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (is_number and 0 < value < float("inf")):
        expected = "Seconds greater than 0, or None."
        raise RequestRejected(Issue(name, "invalid_timeout", value, expected))


def _path(path: Any) -> Path | None:
    if path is None:
        return None
    expected = "Give the name of a file, or leave it out for the bytes."
    if not isinstance(path, (str, PathLike)) or not str(path).strip():
        raise RequestRejected(Issue("path", "invalid_path", path, expected))
    return Path(path).expanduser()
