"""What a cell calls: ``generate``, ``submit`` and ``resume``.

Thin: the session does the work on the engine's thread, the live line draws it. What is decided
is what an interrupt means (it ends the waiting, never the job) and what is shown where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .connecting import default_session
from .live import LiveLine
from .live.making import finish, start
from .session import Session

if TYPE_CHECKING:
    from .requests import MusicRequest, UdioRequest
    from .takes import Take
    from .takes.handle import Job


async def generate(
    prompt: str | None = None,
    *,
    model: str | None = None,
    duration: int | None = None,
    format: str | None = None,
    lyrics: str | None = None,
    style: str | None = None,
    title: str | None = None,
    instrumental: bool | None = None,
    negative: str | None = None,
    voice: str | None = None,
    suno: Any = None,
    elevenlabs: Any = None,
    minimax: Any = None,
    provider: Any = None,
    routing: Any = None,
    debug: Any = None,
    echo_upstream_request: bool | None = None,
    request: MusicRequest | UdioRequest | None = None,
    take: int | None = None,
    fresh: bool = False,
    timeout: float | None = 900.0,
    show: bool = True,
    session: Session | None = None,
) -> Take:
    """Make music, show the job while it runs, then an inline player; return the take.

    The same request again is not bought again: a kept take is shown, a job on its way is joined.

    Wire contract: ``POST /music/generate`` and ``GET /music/generate/{music_id}`` of the Phaseo
    gateway; ``/api/generate``, ``/api/v2/generate`` and the feeds of udioapi.pro.

    Parameters
    ----------
    prompt
        What it should sound like, in words.
    model
        Such as ``"suno/v4.5"``; a paid gateway has no default, the sandbox has one.
    duration
        Whole seconds. Some providers decide themselves; then that is said before the job starts.
    format
        ``"mp3"``, ``"wav"``, ``"ogg"`` or ``"aac"``.
    lyrics, style, title, negative
        Words to sing, tags of style, the track's name, and what it should not contain.
    instrumental
        True for no singing.
    voice
        ``"m"`` or ``"f"`` (or ``"male"``, ``"female"``).
    suno, elevenlabs, minimax
        Options of one provider, in the wire's spelling or in snake_case. They win over words.
    provider, routing
        The gateway's routing object; ``provider`` may be a provider's name for short.
    debug, echo_upstream_request
        What the gateway should send back for looking into; see ``take.job.debug``.
    request
        A ready :class:`MusicRequest` or :class:`UdioRequest` instead of words.
    take
        Which attempt at this request: ``take=2`` is another one. Default: the newest.
    fresh
        True makes (and pays for) one more take each time the cell runs.
    timeout
        Longest wait in seconds once it is handed in. The job goes on after it. Handing in has
        limits of its own: 60 s of silence (600 s where the answer is the music itself), because
        what may have been paid is not broken off.
    show
        False for no display.
    session
        Where to send it; default is the one of the last :func:`connect`.

    Returns
    -------
    Take
        With at least one track that plays.

    Raises
    ------
    RequestRejected
        The request breaks a rule; nothing was sent.
    SettingsError, BudgetExceeded
        A key or model is missing, or the price breaks the budget; nothing was sent.
    JobFailed
        The provider ended the job without music.
    JobTimeout
        ``timeout`` passed first; :func:`resume` or the same cell takes the job up again.
    UncertainSubmission
        No clear answer came: the job may exist. It is never sent again by itself.
    AuthenticationError, InsufficientFunds, RateLimited, EndpointDisabled, ProviderRefused,
    GatewayUnavailable, ConnectionFailed
        The gateway refused it or could not be reached; nothing was created.
    AudioError
        It was made, but its audio could not be fetched. The same cell fetches again.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> session = nb.connect("sandbox")
    >>> take = nb.run(nb.generate("slow harp", duration=2, show=False))
    >>> take.track.format
    'mp3'
    """
    words = {
        name: value for name, value in locals().items() if name in _WORDS and value is not None
    }
    job, line = start(
        session or default_session(),
        prompt,
        words,
        request,
        take,
        cell_waits=True,
        fresh=fresh,
        timeout=timeout,
        show=show,
    )
    return await finish(job, line)


def submit(
    prompt: str | None = None,
    *,
    request: MusicRequest | UdioRequest | None = None,
    take: int | None = None,
    fresh: bool = False,
    timeout: float | None = 900.0,
    show: bool = True,
    session: Session | None = None,
    **words: Any,
) -> Job:
    """Start making music and return at once; the live line turns into the player by itself.

    Takes the words of :func:`generate`. ``take = await job`` or ``job.result()`` gives the take.

    Returns
    -------
    Job
        The live handle: awaitable, ``.status``, ``.elapsed``, ``.tracks``, ``.stop_waiting()``.

    Raises
    ------
    RequestRejected, SettingsError, BudgetExceeded
        Before anything is sent. Everything later is raised by the job.
    TypeError
        A word that :func:`generate` does not know.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> session = nb.connect("sandbox")
    >>> job = nb.submit("slow harp", duration=2, show=False)
    >>> job.result().track.format
    'mp3'
    """
    unknown = sorted(set(words) - _WORDS)
    if unknown:
        message = f"submit() got an unexpected keyword argument {unknown[0]!r}"
        raise TypeError(message)
    job, _ = start(
        session or default_session(),
        prompt,
        words,
        request,
        take,
        cell_waits=False,
        fresh=fresh,
        timeout=timeout,
        show=show,
    )
    return job


def resume(
    *, timeout: float | None = 900.0, show: bool = True, session: Session | None = None
) -> list[Job]:
    """Take up every open job of this gateway, each with a live line that ends as a player.

    Where nobody can watch (nbclient, a script), await the jobs that are returned to get the takes.
    Jobs that another kernel, now dead, had started are among them; those of one that lives are
    looked on. Requests in doubt are not sent again: ``nb.library().uncertain()`` has them.

    Parameters
    ----------
    timeout
        Longest wait for each job from now on, in seconds.
    show, session
        As in :func:`generate`.

    Returns
    -------
    list of Job
        Oldest first; empty when nothing is open.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> session = nb.connect("sandbox")
    >>> nb.resume()
    []
    """
    session = session or default_session()
    jobs = session.resume_all(timeout=timeout)
    if show:
        for job in jobs:
            LiveLine(job, session, cell_waits=False).show()
    return jobs


_WORDS = {
    "model",
    "duration",
    "format",
    "lyrics",
    "style",
    "title",
    "instrumental",
    "negative",
    "voice",
    "suno",
    "elevenlabs",
    "minimax",
    "provider",
    "routing",
    "debug",
    "echo_upstream_request",
}
