"""What is compared: takes, kept tracks, ids and the results of a sweep, each with one recording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ...errors import ExperimentError, PhaseoError, brief
from ...jobs import Track
from ...phrases import excerpt
from ...takes import Take
from ...takes.kept import KeptTrack

if TYPE_CHECKING:
    from ...keeping import Library

MOST = 500
"""Recordings in one comparison."""

_HOW = "Give a list of takes, of tracks or of their ids, or the results of a sweep."


@dataclass(frozen=True)
class Sound:
    """One of the recordings that are compared."""

    id: str
    """What votes call it: the id of its take, with the track where it is not the first one."""
    name: str
    """What people call it, once they may know."""
    facts: str
    track: KeptTrack


class Found:
    """What was read of what somebody handed in."""

    def __init__(self, library: Library | None) -> None:
        self.library = library
        self.sounds: list[Sound] = []
        self.n_without = 0
        """Cells of a sweep that have no take."""

    def of(self, takes: Any) -> Found:
        """Read everything.

        Raises
        ------
        ExperimentError
            Something is no recording, there is one twice, or there are not two.
        """
        sweep = getattr(takes, "sweep", takes if callable(getattr(takes, "cells", None)) else None)
        if sweep is not None and self.library is None:
            self.library = getattr(sweep, "library", None)
        if sweep is takes and sweep is not None:
            takes = sweep.cells()
        if isinstance(takes, str | bytes | dict) or not isinstance(takes, Iterable):
            takes = [takes] if isinstance(takes, str | Take | Track) else _refuse(takes)
        for thing in takes:
            self._add(thing)
            if len(self.sounds) > MOST:
                message = f"More than {MOST} recordings are too many for one comparison. Give less."
                raise ExperimentError(message)
        self._check()
        return self

    def _add(self, thing: Any) -> None:
        if isinstance(thing, Take):
            self.sounds.append(_of_take(thing))
        elif isinstance(thing, Track):
            kept = thing if isinstance(thing, KeptTrack) else KeptTrack(thing)
            self.sounds.append(self._of_track(kept))
        elif isinstance(thing, str):
            self.sounds.append(_of_take(self._get(thing)))
        elif hasattr(thing, "words") and hasattr(thing, "id"):  # a cell of a sweep
            if thing.id is None or getattr(thing, "state", "kept") != "kept":
                self.n_without += 1
            else:
                self.sounds.append(_of_take(self._get(thing.id)))
        else:
            _refuse(thing)

    def _of_track(self, track: KeptTrack) -> Sound:
        """Go by the service's id of a track; where that says nothing, by its content."""
        known = track.id or ""
        is_usable = 0 < len(known) <= 120 and all(known != sound.id for sound in self.sounds)
        return _named(track, known if is_usable else track.sha256[:16])

    def _get(self, id: str) -> Take:
        if self.library is None:
            from ...connecting import library

            self.library = library()
        try:
            found = self.library.get(id)
        except PhaseoError as error:
            message = f"{excerpt(id, 60)} cannot be compared: {error} {_HOW}"
            raise ExperimentError(message) from error
        if isinstance(found, Take):
            return found
        message = f"{excerpt(id, 60)} has no recording: its job is {found.state}. Leave it out."
        raise ExperimentError(message)

    def _check(self) -> None:
        seen: set[str] = set()
        for sound in self.sounds:
            if sound.id in seen:
                message = (
                    f"{excerpt(sound.id, 60)} ({excerpt(sound.name, 40)}) is there twice, and a "
                    "recording cannot be compared with itself. Give each once."
                )
                raise ExperimentError(message)
            seen.add(sound.id)
        if len(self.sounds) < 2:
            n, more = len(self.sounds), ""
            if self.n_without:
                more = (
                    f" Cells of the sweep without a take: {self.n_without}. `await sweep.run()` "
                    "makes what was not started; print(sweep.results) says how each stands."
                )
            what = "one recording" if n else "no recording"
            message = f"A comparison needs at least two recordings, and there is {what}.{more}"
            raise ExperimentError(message)


def _of_take(take: Take) -> Sound:
    if not take.tracks:
        message = f"Take {excerpt(take.id, 60)} has no track to hear. Leave it out."
        raise ExperimentError(message)
    return _named(take.track, take.id)


def _named(track: KeptTrack, id: str) -> Sound:
    about = track.about
    name = track.title or about.prompt or "untitled"
    facts = [about.model or "", f"take {about.number}" if about.number else ""]
    return Sound(str(id), excerpt(name, 80), " · ".join(filter(None, facts)), track)


def _refuse(thing: Any) -> NoReturn:
    message = f"{brief(thing)} cannot be compared. {_HOW}"
    raise ExperimentError(message)
