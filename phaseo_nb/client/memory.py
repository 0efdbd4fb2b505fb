"""What a gateway said about its jobs: the answer to a paid call may never be given again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

from ..jobs import MusicJob, Track

MOST_AUDIO = 256 * 1024 * 1024
"""Bytes of audio that are kept; beyond that the oldest goes, the facts stay."""
MOST_JOBS = 10_000


@dataclass
class Entry:
    """One job."""

    job: MusicJob
    submitted_at: float | None = None
    """On the client's clock; ``None`` for a job that somebody else started."""
    asked_at: float | None = None
    misses: int = 0
    """How often the gateway did not know the job, since it last did."""


class JobMemory:
    """Remembers the latest state of each job, and merges what comes later into it."""

    def __init__(self, most_audio: int = MOST_AUDIO, most_jobs: int = MOST_JOBS) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._most_audio = most_audio
        self._most_jobs = most_jobs
        self._held = 0
        self._lock = threading.Lock()  # one client may serve the loops of several threads

    def __repr__(self) -> str:
        return f"<JobMemory {len(self._entries)} jobs>"

    def get(self, job_id: str) -> Entry | None:
        """Return what is known of a job."""
        return self._entries.get(job_id)

    def put(self, job: MusicJob, *, submitted_at: float | None = None) -> Entry:
        """Remember a job, or what is new about it."""
        with self._lock:
            entry = self._entries.get(job.id)
            if entry is None:
                entry = self._entries[job.id] = Entry(job, submitted_at)
            else:
                self._held -= _audio_bytes(entry.job)
                entry.job = merged(entry.job, job)
                if submitted_at is not None:
                    entry.submitted_at = submitted_at
            self._held += _audio_bytes(entry.job)
            self._entries.move_to_end(job.id)
            self._make_room()
            return entry

    def owner_of(self, track: Track) -> MusicJob | None:
        """Return the job that a track came from."""
        with self._lock:
            entries = list(self._entries.values())
        for entry in reversed(entries):
            if any(track is own or track == own for own in entry.job.tracks):
                return entry.job
        return None

    def _make_room(self) -> None:
        while len(self._entries) > self._most_jobs:
            _, gone = self._entries.popitem(last=False)
            self._held -= _audio_bytes(gone.job)
        if self._held <= self._most_audio:
            return
        for entry in list(self._entries.values())[:-1]:  # the newest stays, whatever its size
            if self._held <= self._most_audio:
                return
            self._held -= _audio_bytes(entry.job)
            tracks = tuple(replace(track, data=None) for track in entry.job.tracks)
            entry.job = entry.job.replace(tracks=tracks)


def merged(known: MusicJob, said: MusicJob) -> MusicJob:
    """Return the newer state with what only the older one knew.

    An end is final: an answer that goes back behind it, or has lost the audio that was there
    before, does not count.
    """
    if known.is_finished and (known.has_audio or not said.is_finished) and not said.has_audio:
        return known
    is_unpriced = said.cost.usd is None and said.cost.credits is None
    return said.replace(
        request_id=said.request_id or known.request_id,
        provider=said.provider or known.provider,
        model=said.model or known.model,
        cost=known.cost if is_unpriced else said.cost,
        debug={**known.debug, **said.debug},
        tracks=said.tracks if said.has_audio or not known.has_audio else known.tracks,
        sandbox=said.sandbox or known.sandbox,
    )


def _audio_bytes(job: MusicJob) -> int:
    return sum(len(track.data) for track in job.tracks if track.data)
