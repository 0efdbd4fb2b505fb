"""What a task is told: which rows of which journal, and where they go. No secret is in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...errors import ExperimentError
from ...keeping.store import LocalStore

if TYPE_CHECKING:
    from ...keeping import Library
    from ...session import Session


@dataclass(frozen=True)
class Where:
    """A library and a gateway, in words that may travel."""

    library: str
    """Where the journal is, without any password."""
    library_id: str
    """What tells it from any other."""
    version: str
    """Of this package, which the workers have to have too."""
    machine: str = ""
    """Where the recordings lie in a folder: whose it is."""
    gateway: str = ""
    """``"phaseo"``, ``"udio"`` or ``"sandbox"``; empty where nothing is sent."""
    wire: str = ""
    """Which service is spoken to: ``"phaseo"`` or ``"udio"``."""
    base_url: str = ""
    is_sandbox: bool = False


@dataclass(frozen=True)
class Assignment:
    """Some hundred rows that one task brings to their ends."""

    where: Where
    shard: str
    numbers: tuple[int, ...]
    at_once: int
    """Jobs that are on their way at the same time."""
    timeout: float | None
    """Seconds to wait for one job."""


def where_of(session: Session) -> Where:
    """Return where a session keeps and sends.

    Raises
    ------
    ExperimentError
        It cannot be reached from another process.
    """
    connection = session.connection
    if connection.transport is not None and not getattr(
        connection.transport, "is_phaseo_nb_sandbox", False
    ):
        message = (
            "This session has a transport of this process, which no worker can reach. For a "
            "sandbox that all workers share: `python -m phaseo_nb.sandbox` serves one; connect to "
            "its address with base_url=."
        )
        raise ExperimentError(message)
    return replace(
        where_of_library(session.library),
        gateway=session.gateway,
        wire=connection.name,
        base_url=connection.base_url,
        is_sandbox=connection.is_sandbox,
    )


def where_of_library(library: Library) -> Where:
    """Return where a library is.

    Raises
    ------
    ExperimentError
        It is only a stand-in, or in the memory of this process: nobody else can open it.
    """
    import phaseo_nb

    if not library.folder.is_kept or library.folder.store.place.startswith("memory:"):
        message = f"{library.warning} Workers cannot use it."
        raise ExperimentError(message)
    folder = library.folder
    is_local = isinstance(folder.store, LocalStore)
    machine = folder.leases.kernel.host if is_local else ""
    return Where(library.shown, folder.shards.library_id(), phaseo_nb.__version__, machine)
