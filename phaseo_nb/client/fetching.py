"""Getting the audio of a track: from the answer, over the network, or from a fresh address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import (
    AudioError,
    ConnectionFailed,
    GatewayError,
    Issue,
    JobNotFound,
    RequestRejected,
)
from ..jobs import MusicJob, Track
from ..transport.audio_host import AddressExpired, Limits
from ..transport.download import download
from ..transport.http import Sleep, Transport
from ..transport.images import LARGEST
from ..transport.sinks import hand_out
from .asking import Asking
from .memory import JobMemory


class Fetching:
    """Fetches audio for one client."""

    def __init__(
        self,
        asking: Asking,
        transport: Transport,
        memory: JobMemory,
        sleep: Sleep,
        clock: Callable[[], float],
        *,
        limits: Limits,
    ) -> None:
        self._asking = asking
        self._transport = transport
        self._memory = memory
        self._limits = limits
        self._sleep = sleep
        self._clock = clock

    async def fetch(
        self,
        track: Track,
        path: str | PathLike[str] | None,
        job: str | MusicJob | None,
        *,
        allow_preview: bool = False,
    ) -> bytes | Path:
        """Return or write the audio of a track; see :meth:`MusicClient.download`."""
        target = _path(path)
        if not isinstance(track, Track):
            expected = "Give one of the `.tracks` of a job."
            name = type(track).__name__
            raise RequestRejected(Issue("track", "invalid_type", name, expected))
        is_early = allow_preview and track.is_preview and track.audio_url
        if not (track.is_playable or is_early):
            what = "is still a preview" if track.is_preview else "has no audio"
            message = f"{track!r} {what}. Wait for its job to finish: `await client.wait(job)`."
            raise AudioError(message)
        if track.data is not None:
            return await hand_out(track.data, target)
        owner = self._memory.owner_of(track) if job is None else job
        try:
            return await self._fetch(track, target)
        except AddressExpired as error:
            if owner is None:
                raise
            expired = error
        fresh = await self._fresh(track, owner)
        if fresh is not None:
            try:
                return await self._fetch(fresh, target)
            except AddressExpired as error:  # as fresh as can be, and so not a matter of age
                expired = error
        message = f"{expired}{self._age(owner)}"
        raise AudioError(message) from None

    async def _fetch(self, track: Track, path: Path | None) -> bytes | Path:
        pool = self._transport.pool()
        if track.data is not None:
            return await hand_out(track.data, path)
        address = track.image_url if track.is_picture else track.audio_url
        return await download(
            address or "",
            path,
            client=pool.audio,
            own=pool.own,
            is_bare=track.pcm_rate is not None,
            is_picture=track.is_picture,
            resolves=pool.resolves,
            limits=replace(self._limits, max_bytes=LARGEST) if track.is_picture else self._limits,
            sleep=self._sleep,
        )

    async def _fresh(self, track: Track, owner: str | MusicJob) -> Track | None:
        """Return the same track as the gateway describes it now."""
        try:
            job = await self._asking.get(self._asking.job_id(owner))
        except (ConnectionFailed, GatewayError, JobNotFound):
            return None
        same = [t for t in job.tracks if t.id == track.id and track.id is not None]
        same = same or [t for t in job.tracks if t.index == track.index]
        return next((found for found in same if found.is_playable), None)

    def _age(self, owner: str | MusicJob) -> str:
        entry = self._memory.get(owner if isinstance(owner, str) else owner.id)
        if entry is None or entry.submitted_at is None:
            return ""
        return f" The job was started {self._clock() - entry.submitted_at:.0f} s ago."


def _path(path: Any) -> Path | None:
    if path is None:
        return None
    expected = "Give the name of a file, or leave it out for the bytes."
    if not isinstance(path, (str, PathLike)) or not str(path).strip():
        raise RequestRejected(Issue("path", "invalid_path", path, expected))
    return Path(path).expanduser()
