"""The jobs of a sandbox: their ids, their takes, and how far each has come by the clock.

Nothing here runs by itself: how a job fares is worked out from the clock when somebody asks.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .catalogue import Model
from .clock import Clock
from .orders import Order
from .scenarios import Fault, Outcome, Step
from .studio import SongFacts

if TYPE_CHECKING:
    from .jobfolder import JobFolder

Stage = Literal["queued", "text", "first", "done"]
USUAL_DELAY = 2.0  # seconds from being accepted to the end
_SHARES: dict[Stage, float] = {"done": 1.0, "first": 0.65, "text": 0.2}  # of that; latest first
_MOST_JOBS = 5_000
_SHAPES = {"udio": ("gen", "bksv"), "extend": ("ext", "bksv"), "upload-cover": ("upcov", "")}
"""What stands around udioapi.pro's work ids; the three kinds are counted as one."""
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_UNHEARD = ("debug", "echo_upstream_request", "meta", "callback_url", "token", "disable_callback")


@dataclass
class Job:
    """One accepted job."""

    id: str
    request_id: str
    provider: str
    slug: str
    order: Order
    facts: tuple[SongFacts, ...]
    take: int
    created: float
    """Seconds of the sandbox's clock."""
    created_at: str
    """Time of day, ISO 8601 in UTC with milliseconds."""
    outcome: Outcome
    echo: Mapping[str, Any]
    """What the request said, as far as answers repeat it."""
    model: Model | None = None
    native_id: str | None = None
    steps: dict[str, int] = field(default_factory=dict)
    """How often each step has been taken."""
    heard: str = "0" * 16
    """Which request it was: the same for each take of it."""
    has_callback: bool = False
    """Whether the service calls somebody when it gets on; another process does not."""

    def stage(self, now: float) -> Stage:
        """Return how far the job has come."""
        for stage in _SHARES:
            if now >= self.begins(stage):
                return stage
        return "queued"

    def begins(self, stage: Stage) -> float:
        """Return when a stage begins by the sandbox's clock; infinity for one that never does."""
        if stage == "queued":
            return self.created
        if self.outcome.is_stuck:
            return math.inf
        length = USUAL_DELAY if self.outcome.delay is None else self.outcome.delay
        return self.created + _SHARES[stage] * length

    @property
    def failure(self) -> str | None:
        """Why the job will fail, ``None`` where it will not."""
        return self.outcome.reason

    def audio_url(self, origin: str, index: int, *, is_stream: bool = False) -> str:
        """Return where a track is to be had, under an origin such as ``"https://udioapi.pro"``."""
        folder = "stream" if is_stream else "audio"
        format = self.order.recordings[index].format
        return f"{origin}/sandbox/{folder}/{self.request_id}/{index}.{format}"

    def n_ready(self, stage: Stage) -> int:
        """Return how many tracks have audio by then."""
        n_tracks = len(self.order.recordings)
        if self.failure is not None or self.outcome.tracks == "none":
            return 0
        if self.outcome.tracks == "partial":
            n_tracks = 1 if n_tracks > 1 else 0
        return {"queued": 0, "text": 0, "first": min(1, n_tracks), "done": n_tracks}[stage]


class JobBook:
    """Knows every job of one sandbox; safe to use from any thread.

    Parameters
    ----------
    clock, seed
        Of the sandbox.
    folder
        Where jobs outlive the process, if they are to.
    """

    def __init__(self, clock: Clock, seed: int = 0, folder: JobFolder | None = None) -> None:
        self._clock = clock
        self._seed = seed
        self._folder = folder
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._aliases: dict[str, str] = {}
        self._takes: dict[str, int] = {}
        self._n_ids: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def next_id(self, kind: str) -> str:
        """Return a new id: the same ones in the same order in every sandbox of that seed.

        Where jobs are kept in a folder, what was counted there before goes on. Each kind counts
        by itself, so that how often somebody polled changes no job's id.
        """
        shape = _SHAPES.get(kind, ("", ""))
        kind = "udio" if kind in _SHAPES else kind
        with self._lock:
            n = self._n_ids.get(kind, 0) + 1
            if self._folder is not None:
                n = self._folder.count(kind, n)
            self._n_ids[kind] = n
        digest = hashlib.sha256(f"{self._seed}:{kind}:{n}".encode()).hexdigest()
        if kind in ("request", "poll"):
            return "G-" + _ulid(n, digest)
        lengths = {"suno": 32, "udio": 24, "oldest": 21}
        text = digest[: lengths.get(kind, 26)]
        return f"{shape[0]}{text}{shape[1]}"

    def count_take(self, surface: str, body: Mapping[str, Any]) -> int:
        """Return which take of the same request this is, from 1."""
        key = request_key(surface, body)
        n_kept = self._folder.n_takes(key) if self._folder is not None else 0
        with self._lock:
            self._takes[key] = max(self._takes.get(key, 0), n_kept) + 1
            return self._takes[key]

    def add(self, job: Job, *names: str) -> None:
        """Keep a job under the names it can be asked for."""
        if self._folder is not None:
            self._folder.add(job, names, job.heard)
        self._note(job, *names)

    def _note(self, job: Job, *names: str) -> None:
        with self._lock:
            self._jobs[job.request_id] = job
            for name in names:
                self._aliases[name] = job.request_id
            while len(self._jobs) > _MOST_JOBS:
                gone, _ = self._jobs.popitem(last=False)
                self._aliases = {n: key for n, key in self._aliases.items() if key != gone}

    def find(self, name: str) -> Job | None:
        """Return the job that can be asked for under that name."""
        key = self._aliases.get(name)
        job = None if key is None else self._jobs.get(key)
        return job or self._taken_over(name, by_request=False)

    def by_request(self, request_id: str) -> Job | None:
        """Return a job by the id of its request, under which its audio is kept."""
        return self._jobs.get(request_id) or self._taken_over(request_id, by_request=True)

    def _taken_over(self, name: str, *, by_request: bool) -> Job | None:
        """Return a job of another process, known here from now on."""
        job = None if self._folder is None else self._folder.find(name, by_request=by_request)
        if job is None:
            return None
        known = self._jobs.get(job.request_id)  # by its other name: its steps are counted once
        if known is None:
            self._note(job, *(() if by_request else (name,)))
        else:
            with self._lock:
                self._aliases[name] = known.request_id
        return known or job

    def fault(self, job_steps: dict[str, int], outcome: Outcome, step: Step) -> Fault | None:
        """Count one more step and return what is scripted to go wrong with it."""
        with self._lock:
            n_before = job_steps.get(step, 0)
            job_steps[step] = n_before + 1
        for fault in outcome.faults:
            if fault.step != step or n_before < fault.after:
                continue
            if fault.times is None or n_before < fault.after + fault.times:
                return fault
        return None


def request_key(surface: str, body: Mapping[str, Any]) -> str:
    """Return what is the same for each take of a request."""
    heard = {name: value for name, value in body.items() if name not in _UNHEARD}
    text = json.dumps([surface, heard], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _ulid(n: int, digest: str) -> str:
    """Return 26 characters that sort by ``n``, as a ULID sorts by time."""
    moment = 1_795_182_000_000 + n  # milliseconds: a fixed day, so that notebooks stay the same
    time = "".join(_CROCKFORD[(moment >> shift) & 31] for shift in range(45, -1, -5))
    number = int(digest, 16)
    return time + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(75, -1, -5))
