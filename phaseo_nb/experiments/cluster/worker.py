"""What a worker does: it reads its own environment, takes rows up and brings them to their ends."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

from ...engine import engine
from ...errors import ExperimentError, LibraryError, PhaseoError
from ...keeping import Library
from ...session import Session
from ...settings import WIRES, resolve_connection
from ...settings.homes import HOME, find_home, is_url
from ...settings.keys import stored_key
from .assignment import Assignment, Where
from .shard import ShardRun

_HOW = (
    "Set it before the workers start, in the shell that starts them or with "
    'LocalCluster(env={"NAME": "value"}); keys and passwords never travel with a task.'
)
_sessions: dict[tuple[int, Where], Session] = {}
_making = threading.Lock()


async def check(where: Where) -> str | None:
    """Say why this worker could not work there; ``None`` where it can.

    It is done on a thread, as a store or a database that is away takes seconds to say so, and the
    worker is to give signs of life meanwhile.
    """
    return await asyncio.to_thread(_problem, where)


def _problem(where: Where) -> str | None:
    try:
        if where.gateway:
            _check_store(session_at(where).library)
        else:
            library_at(where)
    except PhaseoError as error:
        return str(error)
    return None


def _check_store(library: Library) -> None:
    """See whether what is ordered here could be kept: it is paid once it was sent."""
    store = library.folder.store
    try:
        store.check()
    except LibraryError as error:
        message = f"This worker cannot keep recordings. {error}"
        if is_url(store.place):
            message += (
                " Its driver (s3fs for s3://) has to be installed on the workers, and the "
                "credentials and the address of the service have to stand in their environment: "
                'LocalCluster(env={"AWS_ACCESS_KEY_ID": "…", "AWS_SECRET_ACCESS_KEY": "…"}), or '
                "the shell that starts them. They never travel with a task."
            )
        raise ExperimentError(message) from None


def advance(assignment: Assignment) -> dict[str, Any]:
    """Bring the rows of an assignment to their ends; returns how many came to which.

    To run it again, twice at once or anew after it ended does no harm: what has ended is left
    alone, and what another worker has is only looked at.
    """
    session = session_at(assignment.where)
    run = ShardRun(session, assignment)
    return engine.submit(run.go()).result()


def session_at(where: Where) -> Session:
    """Return this process's session there, made when first asked for.

    Raises
    ------
    ExperimentError, SettingsError, LibraryError
        The library or the gateway cannot be used from here; the message says how to.
    """
    key = os.getpid(), where
    with _making:
        if key not in _sessions:
            _sessions[key] = _session(where)
        return _sessions[key]


def library_at(where: Where) -> Library:
    """Return the library there, after making sure that it is the one that is meant.

    Raises
    ------
    ExperimentError, LibraryError
        It cannot be used from here, or is another one; the message says what to do.
    """
    import phaseo_nb

    if where.version != phaseo_nb.__version__:
        message = (
            f"This worker has phaseo_nb {phaseo_nb.__version__}, and the notebook has "
            f"{where.version}. Install the same version there."
        )
        raise ExperimentError(message)
    library = _library(where)
    here = library.folder.leases.kernel.host
    if where.machine and where.machine != here:
        message = (
            f"The recordings of the library {where.library} lie in a folder of the notebook's "
            "machine, and this worker is on another one. Give an address that all can reach, when "
            'the library is first opened: nb.Library("postgresql://…", audio="s3://…").'
        )
        raise ExperimentError(message)
    return library


def _session(where: Where) -> Session:
    library = library_at(where)
    connection = _connection(where)
    return Session(connection, library=library, allow_unknown_price=True)


def _library(where: Where) -> Library:
    home = find_home()
    if home.shown == where.library and home.origin == HOME:
        library = Library()
    elif is_url(where.library):
        try:
            library = Library(where.library)
        except PhaseoError as error:
            message = (
                f"This worker cannot open the library {where.library}. {error} Where a password "
                f"is needed: put the whole address into {HOME}, or the password into PGPASSWORD, "
                f"in the workers' environment. {_HOW}"
            )
            raise ExperimentError(message) from None
    else:
        if not os.path.isdir(where.library):
            message = (
                f"This worker has no folder {where.library}: a library in a folder serves workers "
                "on the same machine. For several machines give a database: "
                'nb.connect(library="postgresql://…").'
            )
            raise ExperimentError(message)
        library = Library(where.library)
    if library.folder.shards.library_id() != where.library_id:
        message = (
            f"The library {where.library} is another one for this worker than for the notebook. "
            f"Give both the same folder or database. {_HOW}"
        )
        raise ExperimentError(message)
    return library


def _connection(where: Where) -> Any:
    if where.is_sandbox:
        return resolve_connection("sandbox" if where.wire == "phaseo" else where.wire)
    try:
        return resolve_connection(where.wire, base_url=where.base_url)
    except PhaseoError as error:
        variable = WIRES[where.wire].key_variable
        try:
            has_key = stored_key(variable) is not None
        except PhaseoError:  # there is one that cannot be read, and the error says so
            has_key = True
        if has_key:
            message = f"This worker cannot use {where.gateway}. {error} ({variable}: {_HOW})"
        else:
            message = f"This worker has no key for {where.gateway}: {variable} is not set. {_HOW}"
        raise ExperimentError(message) from None
