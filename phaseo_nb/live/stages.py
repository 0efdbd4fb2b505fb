"""What can be read and heard of a job before it is done: its words, and its first track.

Of what a callback said, only words are shown, and as what they are: an address in it could be
anybody's. Sound is fetched once the service itself has named it, through the guarded download.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

from ..errors import PhaseoError
from ..session.listening import STAGES
from ..takes import prompt_of
from ..takes.kept import About, KeptTrack

if TYPE_CHECKING:
    from ..jobs import MusicJob, Track
    from ..session import Session
    from ..takes.handle import Job

log = logging.getLogger("phaseo_nb")


class EarlyWords(NamedTuple):
    """What is known of a job that is still being made."""

    stage: str | None = None
    """``text`` or ``first``."""
    title: str | None = None
    lyrics: str | None = None
    """What is sung, where the service wrote it; nothing that the request said itself."""
    is_unverified: bool = False
    """True where only a callback said so."""


def early_words(job: Job) -> EarlyWords:
    """Return how far a job is and what was written for it, from whoever is further."""
    said = job.answer
    if job.heard is not None and _rank(job.heard) > _rank(said):
        said = job.heard
    if said is None or said.stage not in ("text", "first"):
        return EarlyWords()
    own = {getattr(job.request, name, None) for name in ("prompt", "gpt_description_prompt")}
    track = next((track for track in said.tracks if track.title or track.lyrics), None)
    lyrics = track.lyrics if track is not None and track.lyrics not in own else None
    title = track.title if track is not None else None
    return EarlyWords(said.stage, title, lyrics, said.is_unverified)


def early_track(job: Job) -> Track | None:
    """Return the track that can be heard while the others are made, by the service's own word."""
    answer = job.answer
    if answer is None or answer.stage != "first" or answer.is_unverified:
        return None
    ready = (t for t in answer.tracks if t.audio_url and t.duration and not t.failure)
    return next(ready, None)


async def early_player(session: Session, job: Job, track: Track) -> KeptTrack | None:
    """Fetch a track ahead and return it with everything that its player shows."""
    assert job.answer is not None
    try:
        data = await session.fetch_ahead(job.answer, track)
    except PhaseoError as error:
        log.debug("A preview could not be fetched: %s", error)  # the end brings it anyway
        return None
    about = About(prompt=prompt_of(job.request), number=job.number, n_tracks=len(job.answer.tracks))
    early = KeptTrack(track, data, about=about)
    return await asyncio.get_running_loop().run_in_executor(None, early.prepare)


def _rank(said: MusicJob | None) -> int:
    stage = said.stage if said is not None else None
    return STAGES.index(stage) if stage in STAGES else 0
