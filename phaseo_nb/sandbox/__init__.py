"""A music service that runs here: real answers, real sound, no key and no network.

It speaks both wires, Phaseo's and udioapi.pro's, errors included, and plays what is asked for on
a synthesizer of its own. Reached in process through an httpx transport, or on a port.
"""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import anyio

from .clock import Clock, ManualClock, RealClock
from .scenarios import (
    STATES,
    Match,
    Outcome,
    Script,
    callbacks,
    combine,
    delayed,
    dropped,
    expired,
    failed,
    feed_silent,
    http_fault,
    partial,
    refused,
    slow,
    statuses,
    stuck,
    without_audio,
)

if TYPE_CHECKING:
    import httpx

    from .server import Server
    from .udio.callbacks import Delivery
    from .udio.hosts import Target

__all__ = [
    "STATES",
    "Outcome",
    "Sandbox",
    "callbacks",
    "delayed",
    "dropped",
    "expired",
    "failed",
    "feed_silent",
    "http_fault",
    "partial",
    "refused",
    "slow",
    "statuses",
    "stuck",
    "without_audio",
]

KEY = "phaseo_v1_sk_sandbox_offline"
"""What clients of the sandbox send where a key must be: it opens nothing anywhere."""


class Sandbox:
    """A music service of your own, for trying, teaching and testing.

    Wire contract: Phaseo ``/v1/music/generate`` (and ``/generations``), ``/v1/models``,
    ``/v1/pricing/…``; udioapi.pro ``/api/generate`` with its callbacks, ``/api/v2/generate``, both
    feeds, ``/api/v2/extend``, ``/api/v2/upload-cover/generate``, ``/api/v2/cover/…`` and
    ``/api/v2/credits``. ``sandbox/band`` honours every word, duration and format included; the
    services' model names behave like the services, only shorter (20 s). Nothing is ever charged:
    prices in answers are those of the services' price cards, and 0 for ``sandbox/band``.

    Parameters
    ----------
    clock
        ``"real"``, ``"manual"`` (time stands still until :meth:`advance`), or a clock.
    speed
        How fast the real clock goes; unscripted jobs take 2 s at 1.0.
    state
        Of the whole service, one of ``STATES``: ``"open"``, ``"music_disabled"`` (501),
        ``"insufficient_funds"`` (402), ``"key_limit_exceeded"`` (429), … Change it at any time.
    outcome
        What happens to every job unless a script says otherwise: ``failed()``, ``delayed(30)`` …
    scripts
        Outcomes by text of the request, as for :meth:`script`.
    seed
        Sandboxes of the same seed give the same ids. By default those with a folder share a seed,
        and all others have one of their own: a library must not take one's job for another's.
    shelf_bytes
        Most bytes of finished audio held in memory; what is dropped is played again when asked.
    folder
        Where jobs are remembered, so that another process with the same folder knows them and
        plays them again; scripts and callbacks are not. Without it, all ends with this object.
    hosts
        Where callbacks go, as a reverse proxy knows it: beginnings of public addresses and what
        stands behind them; see :meth:`lead`. Other addresses are never called.

    Examples
    --------
    A song, and one that fails as scripted; no second is really waited:

    >>> import asyncio
    >>> import phaseo_nb as nb
    >>> from phaseo_nb.sandbox import failed
    >>> sandbox = nb.Sandbox(clock="manual").script("storm", failed("SENSITIVE_WORD_ERROR"))
    >>> async def play(prompt):
    ...     async with sandbox.client() as client:
    ...         job = await client.submit(prompt, model="sandbox/band", duration=8)
    ...         sandbox.advance(5)
    ...         return await client.get(job.id)
    >>> job = asyncio.run(play("a calm sea at night"))
    >>> job.status, job.sandbox, job.tracks[0].duration
    ('completed', True, 8.0)
    >>> asyncio.run(play("a storm at sea")).failure
    'SENSITIVE_WORD_ERROR'
    >>> sandbox
    <Sandbox, 2 jobs>
    """

    def __init__(
        self,
        *,
        clock: Clock | Literal["real", "manual"] = "real",
        speed: float = 1.0,
        state: str = "open",
        outcome: Outcome | Sequence[Outcome] | None = None,
        scripts: dict[str, Outcome] | None = None,
        seed: int | None = None,
        shelf_bytes: int = 128 * 2**20,
        folder: str | os.PathLike[str] | None = None,
        hosts: Mapping[str, Target] | None = None,
    ) -> None:
        from .app import build_app
        from .inprocess import InProcessTransport
        from .service import Service, usual_outcome

        if isinstance(clock, str):
            clock = _clock(clock, speed)
        self.clock: Clock = clock
        if seed is None:
            seed = 0 if folder is not None else secrets.randbits(64)
        self._service = Service(
            clock,
            seed=seed,
            state="open",
            outcome=usual_outcome(outcome),
            shelf_bytes=shelf_bytes,
            folder=None if folder is None else Path(folder),
            hosts=hosts,
        )
        self._service.set_state(state)
        self.app = build_app(self._service)
        """The ASGI application."""
        self._transport = InProcessTransport(self.app)
        for match, each in (scripts or {}).items():
            self.script(match, each)

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        """An httpx transport that answers for any host name, from any event loop or thread."""
        return self._transport

    @property
    def state(self) -> str:
        """State of the whole service; see ``STATES``."""
        return self._service.state

    @state.setter
    def state(self, state: str) -> None:
        self._service.set_state(state)

    def script(
        self,
        match: Match,
        *outcomes: Outcome,
        outcome: Outcome | None = None,
        times: int | None = None,
    ) -> Sandbox:
        """Say how the jobs fare whose request holds ``match``; newer scripts come first.

        Parameters
        ----------
        match
            Text that is looked for in all texts of a request, in any letter case; a compiled
            pattern; a function of the body; ``None`` for every request.
        outcomes
            ``failed()``, ``delayed()``, ``statuses()``, ``stuck()``, ``without_audio()``,
            ``partial()``, ``refused()``, ``http_fault()``, ``dropped()``, ``slow()``,
            ``expired()``, ``callbacks()`` or ``feed_silent()``; several add up.
        times
            For how many submissions; ``None`` for all.

        Returns
        -------
        Sandbox
            This one, so that scripts can be chained.
        """
        given = [*outcomes, *([outcome] if outcome is not None else [])]
        self._service.add_script(Script(match, combine(given), times))
        return self

    def lead(self, address: str, target: Target) -> Sandbox:
        """Say where callbacks go that are meant for a public address.

        Parameters
        ----------
        address
            Beginning of a ``callback_url``, such as ``"https://music.example.org"``; of several
            that fit the longest counts.
        target
            ``"http://127.0.0.1:8123"`` or another address of this machine, which takes the place
            of ``address``; an ASGI application; or an httpx transport. The latter two are called
            from the event loop of a thread of the sandbox's own.

        Returns
        -------
        Sandbox
            This one, so that it can be chained.

        Raises
        ------
        ValueError
            ``address`` is no web address, or ``target`` is not on this machine.
        TypeError
            ``target`` is nothing that can be called.

        Examples
        --------
        >>> Sandbox().lead("https://music.example.org", "http://127.0.0.1:8123")
        <Sandbox, 0 jobs>
        """
        self._service.courier.hosts.lead(address, target)
        return self

    @property
    def deliveries(self) -> list[Delivery]:
        """The newest thousand callbacks that were made, or were not, and why; oldest first."""
        return self._service.courier.deliveries

    async def delivered(self) -> list[Delivery]:
        """Wait until every callback that is due has been answered, and return :attr:`deliveries`.

        A job may be known to be done while its last callbacks are still on their way: each is
        a hint to ask the feed, and the feed may answer first. Waits 10 s at most for each.

        Returns
        -------
        list of Delivery
            Oldest first.

        Examples
        --------
        >>> import asyncio
        >>> asyncio.run(Sandbox().delivered())
        []
        """
        await anyio.to_thread.run_sync(self._service.courier.catch_up)
        return self.deliveries

    def advance(self, seconds: float) -> None:
        """Let time pass at once; callbacks that become due have been made when this returns.

        So it waits for whoever takes them, 10 s at most: let that be no server in the event loop
        from which this is called.

        Raises
        ------
        TypeError
            The clock is not a manual one.
        """
        if not isinstance(self.clock, ManualClock):
            message = 'Only Sandbox(clock="manual") can be advanced; this clock goes by itself.'
            raise TypeError(message)
        self.clock.advance(seconds)

    def client(self, gateway: str = "sandbox", **options: Any) -> Any:
        """Return a ``MusicClient`` bound to this sandbox; ``"udio"`` for the other wire.

        Returns
        -------
        phaseo_nb.MusicClient
        """
        # By name: the sandbox stands below the client and must not import it.
        client = importlib.import_module("phaseo_nb.client")
        options.setdefault("api_key", KEY)
        return client.MusicClient(gateway, transport=self.transport, **options)

    def serve(self, port: int = 0, *, host: str = "127.0.0.1") -> Server:
        """Serve on a port until the server is closed; use it in a ``with`` or keep it.

        Returns
        -------
        Server
            With ``url``, ``phaseo_url``, ``udio_url``, ``port`` and ``close()``.

        Raises
        ------
        OSError
            The port is taken.
        """
        from .server import Server

        return Server(self.app, host, port)

    def __repr__(self) -> str:
        n_jobs = len(self._service.book)
        jobs = f"{n_jobs} job{'' if n_jobs == 1 else 's'}"
        state = "" if self.state == "open" else f", {self.state}"
        return f"<Sandbox, {jobs}{state}>"


def _clock(name: str, speed: float) -> Clock:
    if name == "manual":
        return ManualClock()
    if name == "real":
        return RealClock(speed)
    message = f'clock = {name!r} is not known. Choose "real" or "manual", or give a clock.'
    raise ValueError(message)
