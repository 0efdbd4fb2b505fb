"""``MusicClient``: submit, watch, wait, download. Async and thin.

The gateway knows the words, the transport the wire; this room holds the order of things: how a
paid order is sent (``orders.py``), what is asked when and what counts as an end (``asking.py``),
what was said before (``memory.py``), where audio comes from (``fetching.py``), and what it costs
(``prices.py``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx
from pydantic import SecretStr

from ..gateways import Gateway, ModelInfo, get_gateway
from ..jobs import Cost, Credits, MusicJob, Track
from ..polling import Schedule, schedule
from ..settings import Connection, resolve_connection
from ..settings.keys import hide
from ..transport.audio_host import Limits
from ..transport.http import BeforeSending, Sleep, Transport
from .asking import Asking, check_seconds
from .fetching import Fetching
from .hints import Hints
from .memory import JobMemory
from .orders import Orders, Request
from .pace import Pace
from .prices import ask_credits, list_models, price_of

if TYPE_CHECKING:
    from typing_extensions import Self

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
        ``Sandbox().transport``. Names are not resolved then, only looked at. Without it API calls
        use the proxy of the environment (``HTTPS_PROXY``), and audio never does.
    timeout
        Longest silence of one request in seconds. By default 60, and 600 for the call that starts
        a job at a provider which answers with the finished music (ElevenLabs, MiniMax, Lyria). A
        number holds for every request, that call too: a small one hangs up on music that is
        being made, and the paid request ends as ``UncertainSubmission``.
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
        self._set_up(connection, timeout)

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
        client._set_up(connection, timeout, sleep, clock, limits)
        return client

    def _set_up(
        self,
        connection: Connection,
        timeout: float | None,
        sleep: Sleep = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits | None = None,
    ) -> None:
        check_seconds("timeout", timeout)
        self.connection = connection
        self.gateway = get_gateway(connection.name)
        self.poll = schedule
        self._pace = Pace()
        memory = JobMemory()
        self._transport = Transport(
            base_url=connection.base_url,
            key=connection.key,
            timeout=timeout,
            transport=connection.transport,
            sleep=sleep,
        )
        interval = SANDBOX_INTERVAL if connection.is_sandbox else self.gateway.min_poll_interval
        limits = limits or Limits(silence=timeout or Limits.silence)
        tools = (self._transport, memory, sleep, clock)
        self._orders = Orders(self.gateway, *tools, model=connection.model)
        self._asking = Asking(self.gateway, *tools, interval=interval)
        self._fetching = Fetching(self._asking, *tools, limits=limits)

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

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let paid calls that are under way come to their answer, then close the connections."""
        await self._orders.settled()
        await self._transport.aclose()

    # -- starting a job ------------------------------------------------------------------------

    async def submit(
        self,
        request: Request | str | None = None,
        *,
        on_submitted: Callable[[MusicJob], None] | None = None,
        before_sending: BeforeSending | None = None,
        turn: BeforeSending | None = None,
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
        before_sending
            Awaited just before the connection is opened, again for each time the request goes
            out; what it raises is raised here, and then nothing was sent.
        turn
            Awaited before that, where it holds no other call up, until the order may go out.
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

        Notes
        -----
        Each word that has no effect at the chosen provider is a warning in the log
        ``phaseo_nb``, before anything is sent. A ready request says it by ``.ineffective()``.
        """
        await self._pace.turn()
        ready, notes = self._orders.build(request, words)
        for note in notes:
            log.warning("%s", note)
        return await self._orders.place(ready, on_submitted, before_sending, turn)

    def hear_busy(self, heard: Callable[[float | None], None]) -> None:
        """Call this at each 429, with the seconds that the service asks to wait if it says so."""
        self._transport.on_busy = heard

    def default_model(self) -> str:
        """Return the model for requests that name none.

        Raises
        ------
        SettingsError
            There is none: choosing one would be choosing a price. The message lists them.
        """
        return self._orders.default_model()

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
        return await self._asking.get(self._asking.job_id(job))

    def watch(
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
        return self._asking.watch(job, self.poll, timeout)

    async def wait(
        self,
        job: str | MusicJob,
        *,
        timeout: float | None = 600.0,
        on_update: Callable[[MusicJob], None] | None = None,
        poll: Schedule | None = None,
        hints: Hints | None = None,
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
        poll
            The rhythm, where :attr:`poll` was not set to another one. ``polling.learned`` fits one
            to known times.
        hints
            Says when asking is worthwhile, such as what callbacks bring; then it is asked rarely
            without one.

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
        is_set = self.poll is not schedule  # somebody knows better
        rhythm = self.poll if is_set or poll is None else poll
        watching = self._asking.watch(job, rhythm, timeout, hints)
        async with aclosing(watching) as states:
            async for state in states:
                if on_update is not None:
                    on_update(state)
        assert state is not None
        self._asking.check_end(state)
        return state

    # -- audio, models, prices ---------------------------------------------------------------------

    async def download(
        self,
        track: Track,
        path: str | PathLike[str] | None = None,
        *,
        job: str | MusicJob | None = None,
        allow_preview: bool = False,
    ) -> bytes | Path:
        """Fetch a track's audio, or hand out what came inside the answer already.

        Audio is fetched without the API key and without a proxy of the environment, from public
        hosts and the gateway itself only, up to 200 MB; under 1 kB/s over 10 s it is given up. An
        address that has expired is asked for anew once.

        Parameters
        ----------
        track
            Of a finished job.
        path
            File to write; replaced if it exists, and only ever there when complete. Without it
            the audio is returned.
        job
            The job the track is of; found by itself for jobs that this client has seen.
        allow_preview
            True fetches what there is of a track that is still being made.

        Returns
        -------
        bytes or Path
            The audio as received, or ``path``.

        Raises
        ------
        AudioError
            There is no finished audio, it could not be fetched, or it is none.
        """
        return await self._fetching.fetch(track, path, job, allow_preview=allow_preview)

    async def models(self) -> list[ModelInfo]:
        """Return the models of the gateway with their prices.

        Wire contract: ``GET /models``, ``GET /pricing/models`` (Phaseo). Where there is no list
        or no answer, the built-in, dated one (``is_live`` False) stands in.
        """
        return await list_models(self.gateway, self._transport)

    async def estimate(self, request: Request | str | None = None, **words: Any) -> Cost:
        """Return what a request would cost, without starting it.

        Wire contract: ``POST /pricing/calculate`` (Phaseo); else the built-in price list. Takes
        what :meth:`submit` takes.

        Returns
        -------
        Cost
            ``usd`` is ``None`` where nobody knows the price.
        """
        ready, _ = self._orders.build(request, words)
        return await price_of(ready, self.gateway, self._transport)

    async def credits(self) -> Credits:
        """Return how many credits the account has left (udioapi.pro only).

        Wire contract: ``GET /api/v2/credits``.

        Raises
        ------
        SettingsError
            This gateway counts in US dollars; nobody was asked.
        ConnectionFailed, GatewayError
            The question was not answered.
        """
        return await ask_credits(self.gateway, self._transport)
