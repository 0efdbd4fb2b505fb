"""What both surfaces share: clock, jobs, studio and scripts."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .clock import Clock
from .jobbook import Job, JobBook
from .jobfolder import JobFolder
from .scenarios import STATES, USUAL, Fault, Outcome, Script, Step
from .studio import Studio
from .udio.callbacks import Courier
from .udio.hosts import Target
from .wire import JSON


class ConnectionDropped(BaseException):
    """Scripted: the peer goes away without (the rest of) an answer.

    No ``Exception``, because Starlette would answer 500 for one.
    """


class Service:
    """The inside of one sandbox."""

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int,
        state: str,
        outcome: Outcome,
        shelf_bytes: int,
        folder: Path | None = None,
        hosts: Mapping[str, Target] | None = None,
    ) -> None:
        self.clock = clock
        self.courier = Courier(clock, hosts)
        self.book = JobBook(clock, seed, JobFolder(folder, clock) if folder else None)
        self.studio = Studio(shelf_bytes)
        self.outcome = outcome
        self.state = state
        self._scripts: list[Script] = []
        self._lock = threading.Lock()
        self._usual_steps: dict[str, int] = {}

    def set_state(self, state: str) -> None:
        """Switch the whole service to another state.

        Raises
        ------
        ValueError
            No such state.
        """
        if state not in STATES:
            message = f"state = {state!r} is not known. Choose one of: {', '.join(STATES)}."
            raise ValueError(message)
        self.state = state

    def add_script(self, script: Script) -> None:
        """Keep a script; newer ones are looked at first."""
        with self._lock:
            self._scripts.insert(0, script)

    def outcome_for(self, body: Mapping[str, Any]) -> tuple[Outcome, dict[str, int]]:
        """Return how a request fares, and the counter of submissions it belongs to."""
        with self._lock:
            for script in self._scripts:
                if script.left == 0 or not script.fits(body):
                    continue
                if script.left is not None:
                    script.left -= 1
                return self.outcome + script.outcome, script.steps
        return self.outcome, self._usual_steps

    async def meet_fault(self, steps: dict[str, int], outcome: Outcome, step: Step) -> Fault | None:
        """Count a step; wait where a fault says so; return the fault that replaces the answer."""
        fault = self.book.fault(steps, outcome, step)
        if fault is None:
            return None
        if fault.delay:
            await self.clock.sleep_until(self.clock.now() + fault.delay)
        return None if fault.status == 0 else fault

    def now_text(self) -> str:
        """Return the time of day as answers show it: ISO 8601, UTC, milliseconds."""
        return self.clock.wall().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def begin(self, job: Job) -> None:
        """Start rendering what a job will need."""
        if job.failure is None and not job.outcome.is_stuck and job.outcome.tracks != "none":
            for recording in job.order.recordings:
                self.studio.begin(recording)

    def audio_url(self, request: Request, job: Job, index: int, *, is_stream: bool = False) -> str:
        """Return where a track is to be had, under the origin that the request came to."""
        return job.audio_url(origin_of(request), index, is_stream=is_stream)


def origin_of(request: Request) -> str:
    """Return under which name the sandbox was called, such as ``"https://udioapi.pro"``."""
    return f"{request.url.scheme}://{request.url.netloc}"


def fault_response(fault: Fault, usual: Response) -> Response:
    """Return the scripted answer in place of the usual envelope.

    Raises
    ------
    ConnectionDropped
        The script says so.
    """
    if fault.status is None:
        raise ConnectionDropped
    if fault.body is None:
        response = usual
        response.status_code = fault.status
    elif isinstance(fault.body, (str, bytes)):
        kind = "text/html" if str(fault.body).lstrip().startswith("<") else "text/plain"
        response = Response(fault.body, fault.status, media_type=kind)
    else:
        response = JSON(fault.body, fault.status)
    for name, value in fault.headers.items():
        response.headers[name] = value
    return response


def usual_outcome(outcome: Outcome | Sequence[Outcome] | None) -> Outcome:
    """Return what the constructor's ``outcome=`` means for every job."""
    from .scenarios import combine

    if outcome is None:
        return USUAL
    return combine([outcome] if isinstance(outcome, Outcome) else list(outcome))
