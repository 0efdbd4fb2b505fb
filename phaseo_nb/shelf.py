"""What this process has made and is making, in memory: the seam where the library comes in.

A session asks four things here before it sends anything: is this very request kept already, is
it on its way, did it end openly (so that buying it again is a decision), and which take is next.
There is one shelf per library folder, so that connecting again forgets nothing.
"""

from __future__ import annotations

import statistics
import threading
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import PhaseoError
    from .handle import Job
    from .jobs import Cost
    from .takes import Take


class Shelf:
    """Takes, open jobs and open ends by request key; safe to use from several threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._takes: dict[str, dict[int, Take]] = defaultdict(dict)
        self._jobs: dict[str, dict[int, Job]] = defaultdict(dict)
        self._open_ends: dict[str, dict[int, PhaseoError]] = defaultdict(dict)
        self._failed: dict[str, Cost] = {}
        self.amounts: dict[str, dict[int, float]] = defaultdict(dict)
        """US dollars reserved or spent, by gateway address and job."""
        self._times: dict[str, list[float]] = defaultdict(list)

    def __repr__(self) -> str:
        kept = sum(len(takes) for takes in self._takes.values())
        return f"<Shelf {kept} takes, {len(self.open_jobs())} open>"

    # -- takes -----------------------------------------------------------------------------

    def find(self, key: str, number: int | None = None) -> Take | None:
        """Return the kept take with this number; without one, the newest."""
        takes = self._takes.get(key) or {}
        return takes.get(max(takes) if number is None and takes else number or 0)

    def keep(self, job: Job, take: Take) -> None:
        """Put a take on the shelf and close its job."""
        with self.lock:
            self._takes[job.key][job.number] = take
            self._failed.pop(job.key, None)
            self.close(job)

    def next_number(self, key: str) -> int:
        """Return the number of the next take of this request."""
        used = [*self._takes[key], *self._jobs[key], *self._open_ends[key], 0]
        return max(used) + 1

    # -- jobs ------------------------------------------------------------------------------

    def open(self, job: Job) -> None:
        """Note that this job is on its way."""
        with self.lock:
            self._jobs[job.key][job.number] = job

    def close(self, job: Job) -> None:
        """Forget an open job."""
        with self.lock:
            self._jobs[job.key].pop(job.number, None)

    def open_job(self, key: str, number: int | None = None) -> Job | None:
        """Return the job that is making this request; without a number, the newest."""
        jobs = self._jobs.get(key) or {}
        return jobs.get(max(jobs) if number is None and jobs else number or 0)

    def open_jobs(self, place: str | None = None) -> list[Job]:
        """Return every job (of one gateway) that is not finished, oldest first."""
        with self.lock:
            jobs = [job for jobs in self._jobs.values() for job in jobs.values()]
        if place is not None:
            jobs = [job for job in jobs if job.place == place]
        return sorted(jobs, key=lambda job: job.elapsed, reverse=True)

    # -- ends that are no takes --------------------------------------------------------------

    def end_openly(self, job: Job, error: PhaseoError) -> None:
        """Note an end after which only a person may decide to buy again."""
        with self.lock:
            self.close(job)
            self._open_ends[job.key][job.number] = error

    def open_end(self, key: str, number: int | None = None) -> PhaseoError | None:
        """Return how this request ended openly, if it did."""
        ends = self._open_ends.get(key) or {}
        return ends.get(max(ends) if number is None and ends else number or 0)

    def fail(self, job: Job, cost: Cost) -> None:
        """Note that a job failed, and what it cost all the same."""
        with self.lock:
            self.close(job)
            self._failed[job.key] = cost

    def failed_cost(self, key: str) -> Cost | None:
        """Return what the last attempt at this request cost, if it failed."""
        return self._failed.get(key)

    # -- experience --------------------------------------------------------------------------

    def note_time(self, model: str, seconds: float) -> None:
        """Remember how long a job of this model took."""
        with self.lock:
            self._times[model].append(seconds)

    def usual_time(self, model: str) -> float | None:
        """Return the median time of this model's jobs in seconds; ``None`` before the first."""
        times = self._times.get(model)
        return statistics.median(times) if times else None


_shelves: dict[str, Shelf] = {}
_shelves_lock = threading.Lock()


def shelf_of(home: object) -> Shelf:
    """Return the one shelf of a library folder."""
    with _shelves_lock:
        return _shelves.setdefault(str(home), Shelf())
