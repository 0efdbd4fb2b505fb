"""Recordings at any address that fsspec has a driver for, by the same names as in a folder."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import AudioError, LibraryError
from .addresses import Address
from .cache import ReadCache
from .drivers import Driver, Problem
from .recordings import Item, Recording, State, Survey, Unreachable

_BLOCK = 8_000_000
_AT_ONCE = 8
_MARK = "phaseo-nb.txt"
_NEXT: dict[str, str] = {
    "refused": " Keys come from where its driver looks: environment or configuration.",
    "gone": " Make it there first, or mend its name in `audio=` or PHASEO_NB_AUDIO.",
}
"""What to do next, by what kind of problem it is."""
_WORDS = b"Recordings of phaseo_nb, by the SHA-256 of what is in them.\n"
_AGAIN = (
    "Running its cell again fetches it anew while the service still has it; "
    "`nb.library().doctor()` looks at all recordings."
)


class RemoteStore:
    """Recordings below an address.

    Parameters
    ----------
    url
        Such as ``s3://bucket/folder``. Keys come from where its driver looks for them.
    cache
        Folder for what was read; see :class:`ReadCache`.
    cache_limit
        Bytes that it may hold.

    Raises
    ------
    LibraryError
        There is no driver for it, or it is no address.
    """

    def __init__(
        self, url: str | Address, cache: Path | None = None, *, cache_limit: int | None = None
    ) -> None:
        url = url if isinstance(url, Address) else Address(url)  # no secret in any local variable
        self.address = url
        url.check()
        self.cache = ReadCache(cache, cache_limit)
        self._driver = Driver(self.address)
        self._lost: set[str] = set()
        """Names of which reading found that they are gone or changed."""

    def __repr__(self) -> str:
        return f"<RemoteStore {self.place}>"

    def __reduce__(self) -> Any:
        message = "A store may hold secrets and cannot be pickled; open it where it is needed."
        raise TypeError(message)

    @property
    def place(self) -> str:
        """The address, without user, password and options."""
        return self.address.shown

    def check(self) -> None:
        """See whether it can be reached and written; see :class:`Store`."""
        with self._in_words("cannot be used for audio"):
            self._driver.item(_MARK)  # whether it may be read
            self._driver.write(_MARK, _WORDS)  # refused where it may not, whatever is there by now

    # -- recordings ------------------------------------------------------------------------------

    def source(self, recording: Recording) -> RemoteSource:
        """Return what reads a recording once somebody asks."""
        return RemoteSource(self, recording)

    def put(self, data: bytes, *, is_bare: bool = False) -> Recording:
        """Keep a recording as received; see :class:`Store`."""
        recording = Recording.of(data, is_bare=is_bare)
        name = recording.name
        with self._in_words("does not take the recording"):
            self._driver.write(name, data, anew=name in self._lost)
        self._lost.discard(name)
        return recording

    def state_of(self, recording: Recording, *, quick: bool = False) -> State | None:
        """Return what is wrong with a recording; see :class:`Store`."""
        try:
            item = self._driver.item(recording.name)
        except Problem:
            return "unreadable"
        return self._state(recording, item, quick)

    def is_whole(self, recording: Recording) -> bool:
        """Tell whether a recording is there as it was kept, by length and hash."""
        return self.state_of(recording) is None

    def is_there(self, recording: Recording) -> bool:
        """Tell what is known about a recording, without asking.

        The journal names only what was put here, and asking takes as long as a road there and
        back for each of the hundreds of takes that a sweep finds kept. So what nobody found
        missing counts as there; reading it says otherwise, and is remembered here.
        """
        return recording.name not in self._lost

    def read(self, recording: Recording) -> bytes:
        """Return a recording after comparing it with its hash; see :class:`Store`."""
        data = self.cache.get(recording)
        if data is None:
            data = self._fetch(recording)
            self.cache.put(recording, data)
        return data

    def read_once(self, recording: Recording) -> bytes:
        """Return a recording past the cache; see :class:`Store`."""
        data = self.cache.get(recording)
        return self._fetch(recording) if data is None else data

    def copy_of(self, recording: Recording) -> Path:
        """Return the path of a copy on this machine, fetched if need be.

        Raises
        ------
        AudioError
            It cannot be read, or the cache cannot hold it.
        """
        data = self.read(recording)
        path = self.cache.path_of(recording) or self.cache.put(recording, data)
        if path is None:
            message = (
                f"There is no file of {self._shown(recording)} on this machine, as the read cache "
                f"{self.cache.folder} cannot hold it. `track.save(…)` writes one."
            )
            raise AudioError(message)
        return path

    def open(self, recording: Recording) -> BinaryIO:
        """Open a recording after comparing it with its hash; see :class:`Store`."""
        return io.BytesIO(self.read(recording))

    def remove(self, recording: Recording) -> None:
        """Delete a recording, if it is there; see :class:`Store`."""
        self.remove_item(recording.name)

    # -- whatever lies there ---------------------------------------------------------------------

    def survey(self, recordings: Iterable[Recording], *, quick: bool = False) -> Survey:
        """Compare what is there with what should be; see :class:`Store`."""
        there = {item.name: item for item in self.items()}
        wanted = iter(recordings)
        known: set[str] = set()
        troubles: list[tuple[Recording, State]] = []

        def look(recording: Recording) -> State | None:
            return self._state(recording, there.get(recording.name), quick)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while some := list(islice(wanted, 1000)):
                known.update(recording.name for recording in some)
                states = pool.map(look, some)
                found = zip(some, states, strict=True)
                troubles += [(recording, state) for recording, state in found if state is not None]
        others = [item for name, item in there.items() if name not in known and name != _MARK]
        return Survey(troubles, others)

    def items(self) -> Iterator[Item]:
        """Yield everything that lies there."""
        with self._in_words("cannot be listed"):
            yield from self._driver.items()

    def item(self, name: str) -> Item | None:
        """Return what lies under a name; ``None``: nothing."""
        with self._in_words("cannot be read"):
            return self._driver.item(name)

    def remove_item(self, name: str) -> None:
        """Delete what lies under a name; see :class:`Store`."""
        self._check_name(name)
        with self._in_words("does not delete"):
            self._driver.remove(name)

    def rename_item(self, name: str, new: str) -> bool:
        """Give what lies under a name another one; see :class:`Store`."""
        self._check_name(name)
        self._check_name(new)
        with self._in_words("does not rename"):
            if self._driver.item(name) is None:
                return False
            self._driver.rename(name, new)
        return True

    def size(self) -> int:
        """Return the bytes that its recordings take up."""
        return sum(item.size or 0 for item in self.items() if item.name != _MARK)

    # -- parts -----------------------------------------------------------------------------------

    def _shown(self, recording: Recording) -> str:
        return f"{self.place.rstrip('/')}/{recording.name}"

    def _fetch(self, recording: Recording) -> bytes:
        place, name = self._shown(recording), recording.name
        data = b""
        for _ in range(2):  # what was cut on the road is whole the second time
            try:
                # One byte more than there should be, so that a longer one is seen, not fetched.
                data = self._driver.read(name, 0, recording.size + 1)
            except Problem as problem:
                if problem.kind == "gone":
                    self._lost.add(name)
                    message = f"The recording {place} cannot be read: it is gone. {_AGAIN}"
                    raise AudioError(message) from None
                message = f"The recording {place} cannot be read now: {problem.why}. Try it again."
                raise Unreachable(message) from None
            if recording.is_in(data):
                self._lost.discard(name)
                return data
        self._lost.add(name)
        more = "more" if len(data) > recording.size else f"{len(data):,} bytes"
        message = (
            f"The recording {place} is no longer what was kept: {more} are there and "
            f"{recording.size:,} were kept, and the hash differs. {_AGAIN}"
        )
        raise AudioError(message)

    def _state(self, recording: Recording, item: Item | None, quick: bool) -> State | None:
        if item is None:
            return "missing"
        if item.size not in (recording.size, None):
            return "changed"
        if quick:
            return None
        digest = hashlib.sha256()
        try:
            for start in range(0, recording.size, _BLOCK):
                end = min(start + _BLOCK, recording.size)
                digest.update(self._driver.read(recording.name, start, end))
        except Problem as problem:
            return "missing" if problem.kind == "gone" else "unreadable"
        return None if digest.hexdigest() == recording.sha256 else "changed"

    def _check_name(self, name: str) -> None:
        """Refuse names that some drivers would take for another place."""
        if any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name:
            message = f"{name!r:.200} at {self.place} is no name of ours and is left as it is."
            raise LibraryError(message)

    @contextmanager
    def _in_words(self, what: str) -> Iterator[None]:
        try:
            yield
        except Problem as problem:
            message = f"{self.place} {what}: {problem.why}.{_NEXT.get(problem.kind, '')}"
            raise LibraryError(message) from None


class RemoteSource:
    """A recording in a far store; nothing is fetched before somebody asks for it."""

    def __init__(self, store: RemoteStore, recording: Recording) -> None:
        self._store = store
        self._recording = recording
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<RemoteSource {self.place}>"

    @property
    def place(self) -> str:
        """Where it lies, without secrets."""
        return f"{self._store.place.rstrip('/')}/{self._recording.name}"

    @property
    def name(self) -> str:
        """Its file name."""
        return self._recording.name.rpartition("/")[2]

    @property
    def size(self) -> int:
        """In bytes, by the journal."""
        return self._recording.size

    @property
    def format(self) -> str:
        """By what was in it when it was kept."""
        return self._recording.format

    @property
    def path(self) -> Path:
        """A copy on this machine, fetched if need be."""
        return self._store.copy_of(self._recording)

    def read(self) -> bytes:
        """Return it after comparing it with its hash."""
        with self._lock:  # two at once would fetch it twice
            return self._store.read(self._recording)
