"""``connect`` and ``library``: where a notebook sends its requests and keeps what comes back."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import forms
from .callbacks.tokens import BASE as CALLBACK_BASE
from .callbacks.tokens import check_base
from .engine import run
from .errors import SettingsError
from .jobs import Credits
from .keeping import Library, Spending
from .live import say
from .live.making import make
from .session import Session
from .settings import WIRES, Connection, in_sandbox_mode, resolve_connection
from .settings.homes import hide_place
from .settings.keys import hide
from .takes import going_on

if TYPE_CHECKING:
    import httpx

# The verbs of a take get their live lines, and go where the notebook is connected.
going_on.show_with(make, lambda: _default)
forms.install()  # lists of the library get their buttons; loads no ipywidgets

_KEY_VARIABLES = " or ".join(wire.key_variable for wire in WIRES.values())

_default: Session | None = None
_default_lock = threading.Lock()


def connect(
    gateway: str = "auto",
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    model: str | None = None,
    library: Library | str | os.PathLike[str] | None = None,
    budget_usd: float | None = None,
    allow_unknown_price: bool = False,
    callbacks: str | bool | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Session:
    """Choose the gateway that :func:`generate` and :func:`submit` use from now on.

    Parameters
    ----------
    gateway
        ``"phaseo"``, ``"udio"``, ``"sandbox"`` (offline, free) or ``"auto"``: the first one
        there is a key for (``PHASEO_API_KEY``, then ``UDIOAPI_KEY``), else the sandbox.
    api_key
        Better left to the environment or the keyring: a key in a cell is saved with the notebook.
    base_url
        Another address of the same service. ``https`` only, except on this machine.
    model
        Used where a request names none, such as ``"suno/v4.5"``. A paid gateway has no default.
    library
        Where takes are kept: a :class:`Library`, a folder, or a database that many machines
        share, ``"postgresql://user@host/name"``. Default: ``PHASEO_NB_HOME``, else the user's
        data folder.
    callbacks
        For udioapi.pro, which reports what it does: the public ``https`` address under which it
        reaches this machine, such as ``"https://my.host/phaseo-nb/callbacks"``. Default:
        ``PHASEO_NB_CALLBACK_BASE``, which ``False`` leaves aside; without one the service is
        asked every 5 s. What has to
        stand behind that address: :func:`callback_listener`, :func:`callback_app`, or this
        package installed beside a Jupyter Server.
    budget_usd
        The most that may be reserved at this gateway while the kernel lives, in US dollars.
        Connecting again does not fill it up, and what other living kernels reserve there with
        the same library counts too. For a day or a month: ``library().set_budget``.
    allow_unknown_price
        With a budget: let requests through whose price nobody knows.
    transport
        An ``httpx`` transport that carries API calls and audio alike, such as
        ``Sandbox().transport``.

    Returns
    -------
    Session

    Raises
    ------
    SettingsError
        A key, address or gateway name is missing or cannot be used. Nothing is sent by connecting.
    LibraryError
        The library is damaged, from a newer version, or in use elsewhere on a network.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> nb.connect("sandbox").gateway
    'sandbox'
    """
    key, home = hide(api_key), hide_place(library)
    del api_key, library  # a verbose traceback prints every local variable it passes
    global _default
    connection = resolve_connection(
        gateway, api_key=key, base_url=base_url, model=model, transport=transport
    )
    session = Session(
        connection,
        library=home if isinstance(home, Library) else Library(home),
        budget_usd=budget_usd,
        allow_unknown_price=allow_unknown_price,
        callbacks=_callback_base(callbacks, connection),
        announcement=_announcement(gateway, connection),
    )
    with _default_lock:
        _default = session
    news = [*_news(session.library), *_unreachable(session)]
    if news:
        say(news)
    return session


def session_beside(session: Session, gateway: str) -> Session:
    """Return a session with another gateway, beside the notebook's own: same library and limits.

    Raises
    ------
    SettingsError
        There is no key for it.
    """
    connection = resolve_connection(gateway)
    return Session(
        connection,
        library=session.library,
        budget_usd=session.budget.limit,
        allow_unknown_price=session.budget.allow_unknown_price,
        callbacks=_callback_base(None, connection),
    )


def default_session() -> Session:
    """Return the session of the last :func:`connect`, or connect automatically."""
    return _default or connect()


def library(path: str | os.PathLike[str] | None = None) -> Library:
    """Return the library: what was made, what is unfinished or uncertain, what was spent.

    Parameters
    ----------
    path
        A folder, or a database: ``"postgresql://…"``. Default: the one of the last
        :func:`connect`, else ``PHASEO_NB_HOME``, else the user's data folder.

    Raises
    ------
    LibraryError
        It is damaged, from a newer version, or cannot be opened.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> nb.library().unfinished()
    Nothing is unfinished.
    """
    place = hide_place(path)
    del path  # a verbose traceback prints every local variable it passes
    if place is None and _default is not None:
        return _default.library
    return Library(place)


def spending(
    by: str | Sequence[str] = ("day", "model", "notebook"), *, since: str | None = None
) -> Spending:
    """Return what was spent, as a table that pandas takes: see :meth:`Library.spending`.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> nb.spending()
    Nothing was spent yet.
    """
    return library().spending(by, since=since)


def credits(session: Session | None = None) -> Credits:
    """Return how many credits the account at udioapi.pro has left; asks there, waits here.

    A plain call, in a cell as in a function. Where it could only wait for itself (in a browser's
    Python), the same is ``await session.credits()``.

    Wire contract: ``GET /api/v2/credits`` of udioapi.pro.

    Parameters
    ----------
    session
        Whom to ask; default is the session of the last :func:`connect`.

    Raises
    ------
    SettingsError
        This gateway counts in US dollars; nobody was asked.
    ConnectionFailed, GatewayError
        The question was not answered.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> session = nb.connect("udio", transport=nb.Sandbox().transport)
    >>> nb.credits()
    <Credits 1,000 left, 0 used, sandbox>
    """
    return run((session or default_session()).credits())


_told: set[tuple[int, str]] = set()


def _news(library: Library) -> list[str]:
    """Say once for each library what is the matter with it, and what a dead kernel left behind."""
    place = os.getpid(), library.shown
    if place in _told:
        return []
    _told.add(place)
    waiting = library.folder.leases.recover().result()
    said = [library.warning] if library.warning else []
    left = []
    if waiting.unfinished:
        n = waiting.unfinished
        left.append(f"{n} unfinished job{'s' if n > 1 else ''}: nb.resume()")
    if waiting.uncertain:
        left.append(f"{waiting.uncertain} in doubt: nb.library().uncertain()")
    if left:
        said.append(f"From before: {'; '.join(left)}.")
    return said


def _callback_base(given: str | bool | None, connection: Connection) -> str | None:
    """Return where a service reports to; only udioapi.pro reports at all."""
    from_environment = os.environ.get(CALLBACK_BASE, "").strip()
    base = given or from_environment or None
    if base is None or given is False:
        return None
    if connection.name != "udio":
        if given:
            message = (
                f"`callbacks=` is for udioapi.pro; {connection.label} reports to nobody and is "
                "polled. Leave it out, or connect('udio'). To try it without a key: "
                "connect('udio', transport=nb.Sandbox(hosts=…).transport, callbacks=…), see "
                "lesson 05."
            )
            raise SettingsError(message)
        return None
    try:
        return check_base(base)
    except SettingsError as error:
        if given is not None:
            raise
        message = (
            f"{CALLBACK_BASE} in the environment cannot be used. {error} (`callbacks=False` leaves "
            "it aside for once.)"
        )
        raise SettingsError(message) from None


def _unreachable(session: Session) -> list[str]:
    """Say once that a service that could report has no address to report to."""
    if session.connection.name != "udio" or session.callbacks or "udio" in _told_of_polling:
        return []
    _told_of_polling.add("udio")
    hub = os.environ.get("JUPYTERHUB_PUBLIC_URL", "").strip()
    example = f"{hub.rstrip('/')}/phaseo-nb/callbacks" if hub else "https://my.host/…"
    return [
        "udioapi.pro can report what it does, but no public address of this machine is known, so "
        f"it is asked every 5 s. To change that: nb.connect('udio', callbacks={example!r})."
    ]


_told_of_polling: set[str] = set()


def _announcement(asked: str, connection: Connection) -> str | None:
    """Say that this is the sandbox where nobody asked for it by name."""
    if not connection.is_sandbox or asked == "sandbox":
        return None
    made = "music is made on this machine, offline and free, and marked as sandbox."
    if in_sandbox_mode():
        return f"PHASEO_NB_MODE=sandbox holds here: {made}"
    if asked == "auto":
        how = "To give a key: nb.login()."
        return f"No key was found in {_KEY_VARIABLES}, so this is the sandbox: {made} {how}"
    return None
