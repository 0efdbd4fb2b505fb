"""Carrying recordings from one store to another: several at once, and each read back."""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Literal

from ...errors import AudioError, LibraryError
from ..backends import Db
from ..store import Recording, Unreachable

if TYPE_CHECKING:
    from ..folder import Folder
    from .progress import Progress

_AT_ONCE = 8
_A_PAGE = 500  # SQLite's limit of variables in one statement was 999 for long
_LARGE = 32_000_000
"""Bytes from which on a recording is carried by itself: memory is not to grow with the pool."""

What = Literal["copied", "there", "missing"]


class Carrier:
    """Carries what the target does not have; may be called again for what came meanwhile.

    Parameters
    ----------
    source, target
        The libraries.
    progress
        What is told how far it is.
    """

    def __init__(self, source: Folder, target: Folder, progress: Progress) -> None:
        self._source = source
        self._target = target
        self._progress = progress
        self._large = threading.Lock()
        self._stop = threading.Event()
        self._seen = array("Q")
        """Beginnings of the hashes that were looked at, in their order; eight bytes each."""
        self.is_shared = source.store.place == target.store.place
        """Whether both libraries use the same recordings, so that none is carried."""
        self.missing: dict[str, Recording] = {}
        """What the source has lost."""
        self.n_copied = 0
        self.n_there = 0
        self.n_bytes = 0
        """Bytes that were carried."""

    def carry_all(self) -> None:
        """Carry every recording that the source knows by now.

        Raises
        ------
        LibraryError
            The target does not take one, or one that is there cannot be read now.
        """
        if self.is_shared:
            return
        query = "SELECT count(*), coalesce(sum(size), 0) FROM recordings"
        n_all, n_all_bytes = map(int, self._source.database.read(lambda db: _first(db, query)))
        n = n_bytes = 0
        self._progress.recordings(0, n_all, 0, n_all_bytes, 0)
        self._seen = array("Q")
        for page in self._pages():
            self._seen.extend(_number(recording) for recording in page)
            known = self._target.database.read(partial(_known, page=page))
            for recording, what in self._carry(page, known):
                n, n_bytes = n + 1, n_bytes + recording.size
                self._count(recording, what)
                going_on = n_bytes - self.n_bytes
                self._progress.recordings(n, max(n, n_all), n_bytes, n_all_bytes, going_on)

    def carry_rest(self, recordings: list[Recording]) -> None:
        """Carry what came since: the rows that name these are about to be written."""
        if not self.is_shared:
            new = [each for each in recordings if not self._was_seen(each)]
            for recording, what in self._carry(new, set()):
                self._count(recording, what)

    def _was_seen(self, recording: Recording) -> bool:
        number = _number(recording)
        place = bisect_left(self._seen, number)
        return place < len(self._seen) and self._seen[place] == number

    def stop(self) -> None:
        """Begin no other recording."""
        self._stop.set()

    def refuse_if_stopped(self) -> None:
        """Raise ``LibraryError`` once it is to stop."""
        if self._stop.is_set():
            message = "The copy was stopped. Run the same again: it goes on where it was."
            raise LibraryError(message)

    def _count(self, recording: Recording, what: What) -> None:
        if what == "missing":
            self.missing[recording.sha256] = recording
        elif what == "there":
            self.n_there += 1
        else:
            self.n_copied += 1
            self.n_bytes += recording.size

    def _pages(self) -> Iterator[list[Recording]]:
        page = self._source.database.read(partial(_page, after=""))
        while page:
            yield page
            page = self._source.database.read(partial(_page, after=page[-1].sha256))

    def _carry(self, page: list[Recording], known: set[str]) -> Iterator[tuple[Recording, What]]:
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="phaseo_nb copy")
        try:
            going = {pool.submit(self._one, each, each.sha256 in known): each for each in page}
            for done in as_completed(going):
                yield going[done], done.result()
        except BaseException:
            self._stop.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _one(self, recording: Recording, is_known: bool) -> What:
        self.refuse_if_stopped()
        there = self._target.store
        # What an earlier copy has a row for was read back then.
        if there.state_of(recording, quick=is_known) is None:
            return "there"
        with self._large if recording.size > _LARGE else nullcontext():
            data = self._read(recording)
            if data is None:
                return "missing"
            put = there.put(data, is_bare=recording.suffix == ".pcm")
            del data
        if put.name != recording.name:  # an earlier version may have named it otherwise
            there.rename_item(put.name, recording.name)
        if not there.is_whole(recording):
            message = (
                f"The recording {recording.name} was written to {there.place} and is not there as "
                "it was written. Look at that place, and run the same again: it goes on where it "
                "was."
            )
            raise LibraryError(message)
        return "copied"

    def _read(self, recording: Recording) -> bytes | None:
        """Return a recording; ``None`` where it is lost for sure."""
        why: AudioError | None = None
        for _ in range(3):
            try:
                return self._source.store.read_once(recording)
            except Unreachable as error:
                why = error
            except AudioError:
                return None
        message = f"{why} The copy goes on where it was, once you run the same again."
        raise LibraryError(message) from why


def _page(db: Db, after: str) -> list[Recording]:
    query = (
        "SELECT sha256, suffix, format, size FROM recordings WHERE sha256 > ?"
        " ORDER BY sha256 LIMIT ?"
    )
    return [Recording(*row) for row in db.execute(query, (after, _A_PAGE))]


def _known(db: Db, page: list[Recording]) -> set[str]:
    marks = ",".join("?" * len(page))
    query = f"SELECT sha256 FROM recordings WHERE sha256 IN ({marks})"
    return {row[0] for row in db.execute(query, [each.sha256 for each in page])}


def _number(recording: Recording) -> int:
    return int(recording.sha256[:16], 16)


def _first(db: Db, query: str) -> tuple[int, int]:
    n, n_bytes = db.execute(query).fetchone()
    return n, n_bytes
