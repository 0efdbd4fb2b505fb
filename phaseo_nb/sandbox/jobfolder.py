"""What a sandbox remembers when its process ends: each job as a small file in a folder.

Several processes may use one folder at once. A number is counted up by renaming the one file that
stands for it, which only one of them can do; a file of a job is written once, whole or not at
all. Music is not kept: it is played again from what was ordered. Whatever cannot be read, or
written, is as if it were not there.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from . import catalogue
from .band import LONGEST, SongSpec
from .clock import Clock
from .encode import MEDIA_TYPES
from .jobbook import Job
from .orders import Order
from .scenarios import Outcome
from .studio import Recording, SongFacts

MOST_JOBS = 500
_MOST_BYTES = 256_000
_MOST_TEXT = 8_000
_STALE = 60.0  # seconds after which an unfinished file is somebody's who is gone
_TRIES, _MISSES = 1_000, 20
_KINDS = ("request", "suno", "udio", "oldest", "song", "trace", "response")
_TOKEN = re.compile(r"([a-z]+)\.(\d{1,12})")
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_FILE = re.compile(r"([A-Za-z0-9-]{1,64})_([A-Za-z0-9-]{1,64})_([0-9a-f]{16})_(\d{1,9})\.json")
_TYPES = {"str": str, "int": int, "float": float, "bool": bool}


class JobFolder:
    """Jobs in a folder, for the sandboxes of several processes.

    Parameters
    ----------
    folder
        Made when the first job comes; where that is not possible nothing is remembered.
    clock
        What jobs are aged by while nobody runs.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._jobs = folder / "jobs"
        self._counts = folder / "counts"
        self._clock = clock

    def count(self, kind: str, at_least: int) -> int:
        """Return the next number of a kind, which no other process gets."""
        if kind not in _KINDS:
            return at_least
        n_misses = 0
        for _ in range(_TRIES):
            try:
                self._make_counts()
                numbers = [n for word, n in self._tokens() if word == kind]
                last = max(numbers, default=None)
                if last is None:  # being renamed while we looked; or somebody took it away
                    n_misses += 1
                    if n_misses > _MISSES:
                        (self._counts / f"{kind}.{at_least - 1}").touch(exist_ok=False)
                    continue
                mine = max(last + 1, at_least)
                os.rename(self._counts / f"{kind}.{last}", self._counts / f"{kind}.{mine}")
            except (FileExistsError, FileNotFoundError):  # another process was quicker
                continue
            except OSError:
                break
            return mine
        return at_least

    def _make_counts(self) -> None:
        """Make the files that stand for numbers, all at once: nobody sees some of them."""
        if self._counts.is_dir():
            return
        self._counts.parent.mkdir(parents=True, exist_ok=True)
        new = self._counts.with_name(f".{secrets.token_hex(6)}.part")
        new.mkdir()
        try:
            for kind in _KINDS:
                (new / f"{kind}.0").touch()
            with contextlib.suppress(OSError):  # another process was quicker
                os.rename(new, self._counts)
        finally:
            if new.exists():
                for path in new.iterdir():
                    path.unlink()
                new.rmdir()

    def _tokens(self) -> Iterator[tuple[str, int]]:
        for name in os.listdir(self._counts):
            match = _TOKEN.fullmatch(name)
            if match:
                yield match[1], int(match[2])

    # -- jobs ------------------------------------------------------------------------------------

    def n_takes(self, key: str) -> int:
        """Return the highest take of a request that is remembered."""
        return max((int(each[4]) for each in self._files() if each[3] == key), default=0)

    def add(self, job: Job, names: tuple[str, ...], key: str) -> None:
        """Remember a job."""
        name = names[0] if names else "none"
        if not (_NAME.fullmatch(job.request_id) and _NAME.fullmatch(name)):
            return
        part = self._jobs / f".{secrets.token_hex(6)}.part"
        try:
            text = json.dumps(_written(job, self._clock), allow_nan=False)
            if len(text) > _MOST_BYTES:
                return
            self._jobs.mkdir(parents=True, exist_ok=True)
            part.write_text(text, "utf-8")
            os.replace(part, self._jobs / f"{job.request_id}_{name}_{key}_{job.take}.json")
            self._tidy()
        except (OSError, ValueError, TypeError):
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def find(self, name: str, *, by_request: bool = False) -> Job | None:
        """Return the job of that name, from whichever process it came."""
        for match in self._files():
            if name == match[1 if by_request else 2] and name != "none":
                return self._read(self._jobs / match[0], match[1])
        return None

    def _read(self, path: Path, request_id: str) -> Job | None:
        try:
            if not path.is_file():  # a pipe would never end
                return None
            with path.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                return None
            job = _restored(json.loads(data), self._clock)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None  # damaged, or no file of ours
        return job if job.request_id == request_id else None

    def _files(self) -> list[re.Match[str]]:
        try:
            names = os.listdir(self._jobs)
        except OSError:
            return []
        return [match for match in map(_FILE.fullmatch, names) if match]

    def _tidy(self) -> None:
        """Forget the oldest jobs, whose ids come first, and what was never finished."""
        names = sorted(match[0] for match in self._files())
        for name in names[:-MOST_JOBS]:
            (self._jobs / name).unlink(missing_ok=True)
        for path in self._jobs.glob(".*.part"):
            if time.time() - path.stat().st_mtime > _STALE:
                path.unlink(missing_ok=True)


# -- a job as text, and back -----------------------------------------------------------------------


def _written(job: Job, clock: Clock) -> dict[str, Any]:
    """Return a job as plain values. Scripted answers and status words belong to their process."""
    age = timedelta(seconds=(clock.now() - job.created) / _speed(clock))
    names = ("id", "request_id", "provider", "slug", "take", "created_at", "native_id")
    outcome = {n: getattr(job.outcome, n) for n in ("reason", "message", "delay", "is_stuck")}
    return {
        **{name: getattr(job, name) for name in names},
        "model": job.model.id if job.model else None,
        "began": (clock.wall() - age).timestamp(),
        "lyrics": job.order.lyrics,
        "recordings": [{**vars(each), "song": vars(each.song)} for each in job.order.recordings],
        "facts": [vars(each) for each in job.facts],
        "outcome": {**outcome, "tracks": job.outcome.tracks},
        "echo": dict(job.echo),
    }


def _restored(about: dict[str, Any], clock: Clock) -> Job:
    """Return a job of plain values; anything odd is an error."""
    model = catalogue.find(about["model"]) if about["model"] is not None else None
    provider = _text(about["provider"])
    if provider != (model.provider if model else "udio"):
        raise ValueError
    datetime.fromisoformat(_text(about["created_at"]).replace("Z", "+00:00"))
    recordings = tuple(map(_recording, about["recordings"]))
    facts = tuple(_of(SongFacts, each) for each in about["facts"])
    if not 1 <= len(recordings) <= 2 or len(facts) != len(recordings):
        raise ValueError
    age = max(0.0, clock.wall().timestamp() - float(about["began"]))
    native_id = about["native_id"]
    return Job(
        id=_name(about["id"]),
        request_id=_name(about["request_id"]),
        provider=provider,
        slug=_text(about["slug"]),
        order=Order(recordings, _text(about["lyrics"])),
        facts=facts,
        take=_of_type(about["take"], "int"),
        created=clock.now() - age * _speed(clock),
        created_at=about["created_at"],
        outcome=_outcome(about["outcome"]),
        echo=dict(about["echo"]),
        model=model,
        native_id=None if native_id is None else _name(native_id),
    )


def _recording(about: dict[str, Any]) -> Recording:
    recording: Recording = _of(Recording, about, song=_of(SongSpec, about["song"]))
    kbps, song = recording.bitrate_kbps, recording.song
    is_sane = (
        recording.format in MEDIA_TYPES
        and 8_000 <= recording.sample_rate <= 48_000
        and (kbps is None or 8 <= kbps <= 320)
        and 0.1 <= song.duration <= LONGEST
        and 0 <= song.variation <= 9
        and 1 <= song.take < 10**9
        and song.voice in (None, "m", "f")
    )
    if not is_sane:
        raise ValueError
    return recording


def _outcome(about: dict[str, Any]) -> Outcome:
    if about["tracks"] not in ("all", "none", "partial"):
        raise ValueError
    for name in ("reason", "message"):
        if about[name] is not None:
            _text(about[name])
    delay = None if about["delay"] is None else float(about["delay"])
    stuck = _of_type(about["is_stuck"], "bool")
    return Outcome(about["reason"], about["message"], delay, (), stuck, about["tracks"])


def _of(kind: Any, about: dict[str, Any], **ready: Any) -> Any:
    """Return a frozen dataclass of plain values, each of its own type."""
    values = dict(ready)
    for name, hint in kind.__annotations__.items():
        if name in ready:
            continue
        value, (wanted, _, none) = about[name], str(hint).partition(" | ")
        values[name] = None if value is None and none else _of_type(value, wanted)
    return kind(**values)


def _of_type(value: Any, wanted: str) -> Any:
    if wanted == "str":
        return _text(value)
    if wanted == "float" and type(value) is int:
        return float(value)
    if type(value) is not _TYPES[wanted]:
        raise TypeError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT * 4:
        raise TypeError
    return value


def _name(value: Any) -> str:
    if not _NAME.fullmatch(_text(value)):
        raise ValueError
    return str(value)


def _speed(clock: Clock) -> float:
    return float(getattr(clock, "speed", 1.0))
