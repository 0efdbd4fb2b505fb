"""How soon the end of a job is noticed, and at how many questions: callbacks against polling.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_callbacks.py

The same jobs twice in one run: 24 at once at the sandbox's udio side, which take 3 to 30 s each,
once with callbacks through a listener on this machine and once by polling alone, at the service's
own 5 s. *Noticed* is the time from the end of a job by the service's clock to the moment the
client has the feed's word for it. The questions are counted on the wire.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from typing import NamedTuple

import httpx
from figures import Figure, is_quick, run_alone

import phaseo_nb as nb
from phaseo_nb.keeping.folder import close_all
from phaseo_nb.sandbox import delayed

N_JOBS, SHORTEST, LONGEST = 24, 3.0, 30.0
NOTICED_TARGET, POLLS_TARGET = 0.2, 2
PUBLIC = "https://music.example.org"


class Counting(httpx.AsyncBaseTransport):
    """The sandbox as a stranger, so that the pace is that of the real service."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.polls: Counter[str] = Counter()
        self.accepted: dict[str, float] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Count a question, note when an order was accepted, and pass it on."""
        if request.url.path.endswith("/feed"):
            self.polls[request.url.params["workId"]] += 1
        response = await self._inner.handle_async_request(request)
        if request.method == "POST":
            body = b"".join([part async for part in response.stream])  # type: ignore[union-attr]
            response = httpx.Response(response.status_code, headers=response.headers, content=body)
            self.accepted[response.json()["workId"]] = time.monotonic()
        return response


class Waited(NamedTuple):
    """What one way of waiting came to."""

    noticed: list[float]
    """Seconds, one for each job."""
    polls: list[int]


def measure() -> list[Figure]:
    """Measure both ways, print how they differ, and return what has a target."""
    with_callbacks, alone = wait(callbacks=True), wait(callbacks=False)
    for name, waited in (("callbacks", with_callbacks), ("polling alone", alone)):
        noticed = waited.noticed
        print(
            f"{name:14} noticed after median {statistics.median(noticed):.3f} s, "
            f"worst {max(noticed):.3f} s; questions a job: "
            f"mean {statistics.mean(waited.polls):.1f}, most {max(waited.polls)}"
        )
    times = statistics.mean(alone.polls) / statistics.mean(with_callbacks.polls)
    sooner = statistics.mean(alone.noticed) / statistics.mean(with_callbacks.noticed)
    print(f"callbacks need 1/{times:.1f} of the questions and notice {sooner:.0f} times sooner")
    worst, most = max(with_callbacks.noticed), max(with_callbacks.polls)
    return [
        Figure("end noticed by callback, worst", "s", [worst], target=f"<= {NOTICED_TARGET}"),
        Figure("questions beside callbacks, most", "a job", [most], target=f"<= {POLLS_TARGET}"),
    ]


def wait(*, callbacks: bool) -> Waited:
    """Run all jobs at once, in a library of their own."""
    n_jobs, longest = (6, 8.0) if is_quick() else (N_JOBS, LONGEST)
    os.environ["PHASEO_NB_HOME"] = tempfile.mkdtemp()
    with nb.callback_listener() as door:
        service = nb.Sandbox(hosts={PUBLIC: door.url})
        wire = Counting(service.transport)
        base = PUBLIC if callbacks else None
        session = nb.connect("udio", api_key="a-key-of-nobody", transport=wire, callbacks=base)
        step = (longest - SHORTEST) / (n_jobs - 1)
        ends: dict[str, float] = {}
        lengths: dict[str, float] = {}
        jobs = []
        for n in range(n_jobs):
            prompt = f"song number {n:02}"
            lengths[prompt] = SHORTEST + n * step
            service.script(prompt, delayed(lengths[prompt]))
            job = nb.submit(prompt, model="chirp-v4-5", show=False, session=session)
            job.subscribe(lambda job: _note(job, ends))
            jobs.append(job)
        asyncio.run(_all(jobs))
        noticed = [
            ends[job.id] - wire.accepted[job.id] - lengths[job.prompt]
            for job in jobs
            if job.id is not None
        ]
    close_all()
    return Waited(noticed, [wire.polls[job.id or ""] for job in jobs])


def _note(job: nb.Job, ends: dict[str, float]) -> None:
    if job.answer is not None and job.answer.is_finished:
        ends.setdefault(job.answer.id, time.monotonic())


async def _all(jobs: list[nb.Job]) -> None:
    await asyncio.gather(*jobs)


if __name__ == "__main__":
    sys.exit(run_alone(measure))
