"""Where songs are rendered: worker threads beside the event loop, and a bounded shelf of results.

Rendering is deterministic, so what has been dropped from the shelf is simply made again.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

import anyio.to_thread

from .band import SongSpec, compose
from .encode import encode_track

DEFAULT_SHELF_BYTES = 128 * 2**20
_EAGER = 32  # jobs waiting to be rendered; beyond it a song is rendered when it is asked for
_IDLE = 5.0  # seconds after which an idle worker goes


@dataclass(frozen=True)
class Recording:
    """What one file of the sandbox is made of; the same recording is the same file."""

    song: SongSpec
    format: str
    """``mp3 wav ogg aac`` or ``pcm`` (16 bit samples without header)."""
    sample_rate: int = 44_100
    bitrate_kbps: int | None = None

    @property
    def seconds(self) -> float:
        """Exact length before encoding."""
        return self.song.duration


@dataclass(frozen=True)
class SongFacts:
    """What the plan of a song says, before a sample of it exists."""

    title: str
    genre: str
    key: str
    mode: str
    bpm: float

    @property
    def tags(self) -> str:
        """Style words, as Suno and udio report them."""
        return f"{self.genre}, {self.bpm:.0f} bpm, {self.key} {self.mode}"


def facts_of(song: SongSpec) -> SongFacts:
    """Plan a song and return what is known of it."""
    score = compose(song)
    return SongFacts(score.title, score.genre, score.key, score.mode, score.bpm)


def record(recording: Recording) -> bytes:
    """Compose, render and encode."""
    from .band import render_blocks  # numpy and the synthesizer once something is played

    score = compose(recording.song)
    return encode_track(
        render_blocks(score, recording.sample_rate),
        recording.sample_rate,
        recording.format,
        score,
        bitrate_kbps=recording.bitrate_kbps,
    )


_Queue: TypeAlias = "queue.PriorityQueue[tuple[int, int, Recording]]"


class Studio:
    """Renders recordings on daemon threads and keeps the newest files within a limit of bytes."""

    def __init__(
        self,
        shelf_bytes: int = DEFAULT_SHELF_BYTES,
        n_workers: int | None = None,
        make: Callable[[Recording], bytes] = record,
    ) -> None:
        self._limit = shelf_bytes
        self._make = make
        self._n_workers = n_workers or max(1, min(3, (os.cpu_count() or 2) - 1))
        self._lock = threading.Lock()
        self._shelf: OrderedDict[Recording, bytes] = OrderedDict()
        self._n_bytes = 0
        self._started: dict[Recording, Future[bytes]] = {}
        self._playing: set[Recording] = set()
        self._queue: _Queue = queue.PriorityQueue()
        self._n_queued = 0
        self._n_running = 0

    @property
    def shelf_bytes(self) -> int:
        """Bytes of finished files that are held in memory."""
        return self._n_bytes

    def begin(self, recording: Recording) -> None:
        """Start rendering, unless so much is waiting already that it had better wait its turn."""
        if self._queue.qsize() < _EAGER:
            self._future(recording, is_urgent=False)

    async def file(self, recording: Recording) -> bytes:
        """Return the finished file, rendered in a worker thread if need be; any event loop."""
        future = self._future(recording, is_urgent=True)
        if not future.done():
            # Not awaited as a future: that would bind it to one loop.
            await anyio.to_thread.run_sync(future.exception, abandon_on_cancel=True)
        return future.result()

    def _future(self, recording: Recording, *, is_urgent: bool) -> Future[bytes]:
        with self._lock:
            if recording in self._shelf:
                self._shelf.move_to_end(recording)
                done: Future[bytes] = Future()
                done.set_result(self._shelf[recording])
                return done
            future = self._started.get(recording)
            if future is not None and not (is_urgent and recording not in self._playing):
                return future
            if future is None:
                future = self._started[recording] = Future()
            self._n_queued += 1  # urgent ones first, else as they came; one may stand there twice
            self._queue.put((0 if is_urgent else 1, self._n_queued, recording))
            needs_worker = self._n_running < self._n_workers
            self._n_running += needs_worker
        if needs_worker:
            self._hire()
        return future

    def _hire(self) -> None:
        worker = threading.Thread(
            target=_work,
            args=(weakref.ref(self), self._queue),
            name="phaseo_nb-studio",
            daemon=True,
        )
        try:
            worker.start()
        except RuntimeError:  # no threads here (Pyodide): then now
            while not self._queue.empty():
                self.finish(self._queue.get()[2])
            with self._lock:
                self._n_running -= 1

    def finish(self, recording: Recording) -> None:
        """Render one recording and put it on the shelf (called by a worker)."""
        with self._lock:
            future = self._started.get(recording)
            if future is None or recording in self._playing:
                return
            self._playing.add(recording)
        try:
            data = self._make(recording)
        except BaseException as error:
            with self._lock:
                self._playing.discard(recording)
                self._started.pop(recording, None)
            future.set_exception(error)
            return
        with self._lock:
            self._keep(recording, data)
            self._playing.discard(recording)
            self._started.pop(recording, None)
        future.set_result(data)

    def _keep(self, recording: Recording, data: bytes) -> None:
        self._shelf[recording] = data
        self._n_bytes += len(data)
        while self._n_bytes > self._limit and self._shelf:
            _, dropped = self._shelf.popitem(last=False)
            self._n_bytes -= len(dropped)

    def retire(self) -> bool:
        """Let an idle worker go; False where work came in the meantime."""
        with self._lock:
            if not self._queue.empty():
                return False
            self._n_running -= 1
            return True


def _work(studio: weakref.ref[Studio], waiting: _Queue) -> None:
    while True:
        try:
            recording = waiting.get(timeout=_IDLE)[2]
        except queue.Empty:
            owner = studio()
            if owner is None or owner.retire():
                return
            del owner
            continue
        owner = studio()
        if owner is None:
            return
        owner.finish(recording)
        del owner


def etag_of(data: bytes) -> str:
    """Return a strong entity tag for a file."""
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'
