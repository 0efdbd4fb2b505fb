"""fsspec's drivers, in our words: what they say may hold secrets, and each says it its own way."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import random
import secrets
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib import import_module
from typing import Any, Literal

from ...errors import LibraryError
from .addresses import Address
from .recordings import UNFINISHED, Item

EXTRA = 'pip install "phaseo-nb[scale]"'
PATIENCE = 10.0
"""Seconds over which an attempt that failed in passing is repeated."""
_PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2)

# Their writes come into being whole, under the last name; everywhere else it takes a rename.
_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci", "memory"})
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "smb": "smbprotocol",
    "hdfs": "pyarrow",
    "webdav": "webdav4",
    "oss": "ossfs",
}
_AMONG_OTHERS = "s3://, gs://, abfs:// and sftp://"
_FULL = frozenset({errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)})

Kind = Literal["gone", "exists", "refused", "mistake", "full", "passing"]


class Problem(Exception):
    """What a driver said, without its words: they may hold keys, and are not ours to judge."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(kind, why)  # both, so that it can be pickled
        self.kind = kind
        self.why = why

    def __str__(self) -> str:
        return self.why


class Driver:
    """A filesystem of fsspec below an address.

    It is made for each process anew, as connections do not survive a fork, and where it is first
    needed; fsspec shares it among all of a process with the same options.

    Raises
    ------
    LibraryError
        fsspec or the driver is not installed, or there is none for such addresses.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._held = _held(address)
        self._is_whole = bool(_WHOLE & {*self._held.protocols})
        self._knows_create = self._is_whole

    def __repr__(self) -> str:
        return f"<Driver {self.address.shown}>"

    def __reduce__(self) -> Any:
        message = "A driver may hold secrets and cannot be pickled."
        raise TypeError(message)

    # -- asking ----------------------------------------------------------------------------------

    def ask(self, verb: str, name: str, *args: Any, **options: Any) -> Any:
        """Ask once for something about a name; what goes wrong is a :class:`Problem`."""
        if self._held.pid != os.getpid():
            self._held = _held(self.address)
        try:
            return getattr(self._held.fs, verb)(self._full(name), *args, **options)
        except Exception as error:
            problem = _problem_of(error)
        # Outside of the except: what the driver raised is to be in no traceback.
        raise problem

    def insist(self, verb: str, name: str, *args: Any, **options: Any) -> Any:
        """Ask, again and again for some seconds where it failed in passing."""
        patience = _Patience()
        while True:
            try:
                return self.ask(verb, name, *args, **options)
            except Problem as problem:
                if not patience.allows(problem):
                    raise

    def _full(self, name: str) -> str:
        return f"{self._held.root}/{name}" if name else self._held.root

    # -- reading ---------------------------------------------------------------------------------

    def read(self, name: str, start: int, end: int) -> bytes:
        """Return a part of an object; less where it is shorter."""
        data: bytes = self.insist("cat_file", name, start=start, end=end)
        return data

    def item(self, name: str) -> Item | None:
        """Return what lies under a name; ``None``: nothing."""
        self._forget_listings()
        try:
            facts = self.insist("info", name)
        except Problem as problem:
            if problem.kind == "gone":
                return None
            raise
        return _item(name, facts) if facts.get("type") != "directory" else None

    def items(self) -> Iterator[Item]:
        """Yield everything below the address, at any depth."""
        self._forget_listings()
        try:
            found: dict[str, Any] = self.insist("find", "", detail=True)
        except Problem as problem:
            if problem.kind != "gone" or self._is_whole:
                raise
            found = {}
        beginning = f"{self._held.root}/"
        for key in sorted(found):
            if key.startswith(beginning) and found[key].get("type") != "directory":
                yield _item(key[len(beginning) :], found[key])

    def _forget_listings(self) -> None:
        """Have a driver ask anew: some remember what they listed, and others write there, too."""
        with contextlib.suppress(Exception):
            self._held.fs.invalidate_cache()

    # -- writing ---------------------------------------------------------------------------------

    def write(self, name: str, data: bytes, *, anew: bool = False) -> None:
        """Put an object there as a whole; one of the same length stays, unless ``anew``."""
        patience = _Patience()
        is_new = not anew and self._knows_create
        while True:
            try:
                if self._is_whole:
                    self._put(name, data, is_new)
                else:
                    self._put_by_rename(name, data, anew)
            except Problem as problem:
                if problem.kind == "exists":
                    there = self.item(name)
                    if there is not None and there.size == len(data) and not anew:
                        return
                elif problem.kind == "mistake" and is_new:
                    self._knows_create = False  # this driver cannot write only what is not there
                elif not patience.allows(problem):
                    raise
                # From now on over whatever is there: the name says what is in it.
                is_new, anew = False, anew or problem.kind == "exists"
            else:
                return

    def _put(self, name: str, data: bytes, is_new: bool) -> None:
        self.ask("pipe_file", name, data, **({"mode": "create"} if is_new else {}))

    def _put_by_rename(self, name: str, data: bytes, anew: bool) -> None:
        there = self.item(name)
        if there is not None and there.size == len(data) and not anew:
            return
        shelf, _, file = name.rpartition("/")
        part = f"{shelf}/.{file[:30]}.{secrets.token_hex(6)}{UNFINISHED}"
        try:
            self.ask("makedirs", shelf, exist_ok=True)
            self.ask("pipe_file", part, data)
            written = self.item(part)
            if written is None or written.size != len(data):
                raise _half()
            if there is not None:  # a wrong one; not every driver renames over what is there
                self.ask("rm_file", name)
            self.ask("mv", part, self._full(name))
        except BaseException:
            with contextlib.suppress(Problem):
                self.ask("rm_file", part)
            raise

    def rename(self, name: str, new: str) -> None:
        """Give an object another name."""
        self.insist("mv", name, self._full(new))

    def remove(self, name: str) -> None:
        """Delete an object; it may be gone already."""
        try:
            self.insist("rm_file", name)  # not rm, which takes * in a name for a pattern
        except Problem as problem:
            if problem.kind != "gone":
                raise


# -- opening ---------------------------------------------------------------------------------------


class _Held:
    """A filesystem and its root; its own repr would show all its options."""

    __slots__ = ("fs", "pid", "protocols", "root")

    def __init__(self, fs: Any, root: str) -> None:
        self.fs = fs
        self.root = root
        self.pid = os.getpid()
        protocol = fs.protocol
        self.protocols = (protocol,) if isinstance(protocol, str) else tuple(protocol)

    def __repr__(self) -> str:
        return "<filesystem>"


def _held(address: Address) -> _Held:
    try:
        fsspec: Any = import_module("fsspec")  # it has no types
    except ImportError:
        message = f"Audio at {address.shown} needs the package fsspec. Install it: {EXTRA}."
        raise LibraryError(message) from None
    _refuse(address, (*fsspec.available_protocols(), *fsspec.registry))
    try:
        fs, root = fsspec.core.url_to_fs(address.reveal())
        return _Held(fs, root.rstrip("/"))
    except ImportError:
        package = _PACKAGES.get(address.scheme)
        install = f"`pip install {package}`" if package else "the package that fsspec names for it"
        message = f"Audio at {address.shown} needs a driver that is not installed: {install}."
    except Exception as error:
        message = f"{address.shown} cannot be opened: {_problem_of(error).why}."
    raise LibraryError(message)  # outside of the except, as above


def _refuse(address: Address, schemes: Iterable[str]) -> None:
    if address.scheme in ("http", "https"):
        message = f"{address.shown} cannot be written to. Audio can lie at {_AMONG_OTHERS}."
        raise LibraryError(message)
    if address.scheme not in schemes:
        message = (
            f"fsspec knows no addresses that begin with {address.scheme}://. Audio can lie in a "
            f"folder or at {_AMONG_OTHERS}, among others."
        )
        raise LibraryError(message)
    if address.has_user and address.scheme in _WHOLE:
        message = (
            f"Addresses such as {address.scheme}://… take no user and no password. Leave them out; "
            "the driver finds keys in its environment variables and configuration files."
        )
        raise LibraryError(message)


# -- parts -----------------------------------------------------------------------------------------

_sleep = time.sleep


class _Patience:
    """Waits between attempts, longer each time, until the next one would take too long."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._ends = self._began + PATIENCE
        self._pauses = iter(_PAUSES)

    def allows(self, problem: Problem) -> bool:
        """Wait a little and tell whether it is worth another attempt."""
        if problem.kind != "passing":
            return False
        # Jittered, as many may have failed in the same moment; drivers try again by themselves,
        # too, which may take seconds.
        pause = next(self._pauses, math.inf) * random.uniform(0.6, 1.4)  # nosec B311  # no secret
        now = time.monotonic()
        if now + pause + (now - self._began) > self._ends:
            return False
        _sleep(pause)
        self._began = time.monotonic()
        return True


def _problem_of(error: Exception) -> Problem:
    name = type(error).__name__
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, FileNotFoundError):
        return Problem("gone", "there is no such bucket, folder or file")
    if isinstance(error, FileExistsError):
        return Problem("exists", "it is there already")
    if "credential" in name.lower():
        return Problem("refused", "no credentials were found, or they cannot be used")
    if isinstance(error, PermissionError) or "auth" in name.lower() or "denied" in name.lower():
        return Problem("refused", "the credentials are refused, or may not do this there")
    if number in _FULL:
        return Problem("full", os.strerror(number or 0))
    if isinstance(error, (TypeError, NotImplementedError)) or name == "ParamValidationError":
        return Problem("mistake", f"the driver cannot do this ({name})")
    what = f"{os.strerror(number)}, {name}" if number else name
    return Problem("passing", f"it did not work ({what})")


def _half() -> Problem:
    return Problem("passing", "only a part of it arrived")


def _item(name: str, facts: dict[str, Any]) -> Item:
    size = facts.get("size")
    return Item(name, size if isinstance(size, int) else None, _modified(facts))


def _modified(facts: dict[str, Any]) -> float | None:
    for word in ("LastModified", "last_modified", "mtime", "modified", "updated", "created"):
        said = facts.get(word)
        if isinstance(said, str):
            with contextlib.suppress(ValueError):
                said = datetime.fromisoformat(said.replace("Z", "+00:00"))
        if isinstance(said, datetime):
            return said.timestamp()
        if isinstance(said, (int, float)) and not isinstance(said, bool):
            return float(said)
    return None
