"""Writing down what a job has come to: audio first, then the row that names it.

A disk that refuses after something was paid does not lose it: that is said aloud, what could not
be written is held in memory, and it is tried again as long as the kernel lives.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from ..audio.sniff import sniff
from ..engine import engine
from ..errors import AudioError, LibraryError
from ..jobs import MusicJob, Track
from ..keeping import Library
from ..keeping.entries import Entry
from ..keeping.folder import Folder
from ..keeping.journal import Journal
from ..keeping.outcomes import here
from ..keeping.shelf import take_of
from ..keeping.store import Recording
from ..keeping.upkeep.removing import unsaid
from ..keeping.upkeep.room import warn_over_quota
from ..takes import Take
from ..takes.handle import Job

log = logging.getLogger("phaseo_nb")

WRITE_AGAIN = 5.0
"""Seconds between two tries to write down what is only in memory."""

MANY = 8
"""Jobs under way from which on it pays to wait a moment for each other."""

QUOTA_EVERY = 1.0
"""Seconds between two looks at the quota while many jobs are under way."""

LEAST_BARE = 4096
"""Bytes of raw samples, 23 ms of stereo, below which no service's music can be."""

Recordings = dict[int, Recording]


class Bookkeeper:
    """Writes jobs down in one library; runs on the engine."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._opened = library.folder

    @property
    def _folder(self) -> Folder:
        return self._library.folder

    @property
    def _books(self) -> Journal:
        """Where what happened is written down, also after somebody closed the library."""
        return self._folder.journal

    @property
    def is_busy(self) -> bool:
        """Whether many jobs are under way, so that some can be written down together."""
        return len(self._folder.handles) >= MANY

    def _look_at_quota(self) -> None:
        """Say it where the library has grown too large; not for each of a thousand takes."""
        now = time.monotonic()
        if not self.is_busy or now - self._folder.quota_looked_at > QUOTA_EVERY:
            self._folder.quota_looked_at = now
            warn_over_quota(self._folder)

    async def write(self, job: Job, note: Callable[[], Awaitable[Any]]) -> None:
        """Write something down; a disk that refuses does not end a job that exists."""
        is_first = not job.unwritten
        job.unwritten.append(note)
        try:
            await self._catch_up(job)
        except LibraryError as error:
            self._complain(job, error)
            if is_first:
                engine.submit(self._until_written(job))

    async def keep(
        self,
        job: Job,
        answer: MusicJob,
        data: list[bytes | None],
        there: Recordings,
        notes: tuple[str, ...],
    ) -> Take:
        """Keep the audio and then its row; the take is in memory where the disk refuses.

        Parameters
        ----------
        job, answer
            Which job, and the last word of the service about it.
        data, there
            The recordings that were fetched, and those that are in the store already, by track.
        notes
            What to say about the take.
        """
        kept: list[Entry] = []

        async def keep() -> None:
            recordings = {**there, **await self._put(answer, data)}
            keeping = self._books.keep(
                job.n,
                unsaid(answer, recordings),
                recordings,
                notes,
                is_among_many=self.is_busy,
            )
            kept.append(await here(keeping))

        await self.write(job, keep)
        if kept:
            take = take_of(self._folder, kept[0], in_memory=data if job.is_shown else None)
            self._look_at_quota()
        else:
            take = self._in_memory(job, answer, data, (*notes, *dict.fromkeys(job.troubles)))
        if job.is_shown:
            # Decoding and measuring take a while, and the event loop serves other jobs meanwhile.
            take = await asyncio.get_running_loop().run_in_executor(None, take.prepare)
            for track in take.tracks:
                track.let_go()
        return take

    async def put_what_came(self, answer: MusicJob) -> Recordings:
        """Put the audio of an answer into the store: the service may never give it again."""
        try:
            return await self._put(answer, [track.data for track in answer.tracks])
        except LibraryError:  # it is in memory, and keeping it is tried again at the end
            return {}

    def with_audio(self, answer: MusicJob, recordings: Mapping[int, Recording]) -> MusicJob:
        """Give an answer of the journal its audio back: without it, it looks unfinished."""
        tracks = list(answer.tracks)
        for position, recording in recordings.items():
            if position < len(tracks) and not tracks[position].audio_url:
                try:
                    audio = self._folder.store.read(recording)
                except AudioError:
                    continue
                facts = {**vars(tracks[position]), "data": audio}
                tracks[position] = Track(**facts)
        return answer.replace(tracks=tuple(tracks))

    def _in_memory(
        self, job: Job, answer: MusicJob, data: list[bytes | None], notes: tuple[str, ...]
    ) -> Take:
        return Take.of(
            answer,
            data,
            id=f"unkept-{job.n}",
            request=job.request,
            number=job.number,
            notes=notes,
        )

    async def _put(self, answer: MusicJob, data: list[bytes | None]) -> Recordings:
        loop = asyncio.get_running_loop()
        recordings: Recordings = {}
        for position, (track, item) in enumerate(zip(answer.tracks, data, strict=True)):
            if item:
                bare = track.pcm_rate is not None
                recordings[position] = await loop.run_in_executor(
                    None, partial(self._folder.store.put, item, is_bare=bare)
                )
        return recordings

    async def _catch_up(self, job: Job) -> None:
        """Write down, one after the other, what is still to be written."""
        while job.unwritten:
            if self._folder is not self._opened and not self._folder.knows(job):
                raise self._folder.database.backend.gone()
            note = job.unwritten[0]
            is_settled = True
            try:
                await note()
            except LibraryError:
                is_settled = False  # it is tried again; a mistake of ours would never come right
                raise
            finally:
                if is_settled and job.unwritten and job.unwritten[0] is note:
                    del job.unwritten[0]

    async def _until_written(self, job: Job) -> None:
        while job.unwritten:
            await asyncio.sleep(WRITE_AGAIN)
            try:
                await self._catch_up(job)
            except LibraryError:
                continue
            except Exception:
                log.exception("Something about %r could not be written down.", job)
        if not job.is_waiting and self._folder.handles.get(job.n) is job:
            del self._folder.handles[job.n]
        log.warning("What could not be written down before is in the library now.")

    def _complain(self, job: Job, error: LibraryError) -> None:
        name = f"job {job.answer.id}" if job.answer else "this request"
        words = (
            f"NOT KEPT yet: what became of {name} could not be written down. {error} It is held "
            "in memory and tried again as long as this kernel lives."
        )
        if not job.troubles:
            log.warning(words)
        job.troubles.append(words)


def no_audio(answer: MusicJob) -> list[str]:
    """Say which recordings inside an answer are none: paid for, so they are kept all the same.

    What is fetched from an address is looked at where it is fetched, and may be fetched again.
    """
    said = []
    for number, track in enumerate(answer.tracks, start=1):
        data = track.data or b""
        may_be_bare = track.pcm_rate is not None and len(data) >= LEAST_BARE
        if data and sniff(data) is None and not may_be_bare:
            said.append(
                f"Track {number} is no audio that is known here: {len(data):,} bytes, which begin "
                f"{data[:8].hex(' ')}. They are kept as they came; ask the service what they are."
            )
    return said
