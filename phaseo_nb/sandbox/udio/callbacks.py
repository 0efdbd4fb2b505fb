"""Who calls back: one thread with one event loop, started by the first job that has a callback.

The thread knows the calls that are waiting, not the sandbox: where that is gone, it goes too.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import threading
import weakref
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import anyio
import httpx

from ..clock import Clock, ManualClock, pause_until
from .hosts import Hosts, Target, Way
from .posts import Post

PATIENCE = 10.0
"""Real seconds for which an answer is waited; nothing is tried again."""
_IDLE = 5.0  # real seconds after which a thread with nothing to do goes
_AT_ONCE = 64  # calls on their way at the same time
_MOST_WAITING = 50_000
_MOST_SHOWN = 1_000
_HEADERS = {
    "content-type": "application/json",
    "user-agent": "phaseo_nb sandbox",
    "x-phaseo-nb-sandbox": "true",
}


@dataclass
class Delivery:
    """One call that was made, or was not."""

    stage: str
    """``"text" "first" "complete" "failed"``, or ``"forged"``."""
    address: str
    """Where to, without the part that is secret."""
    status: int | None = None
    """HTTP status of the answer."""
    reason: str | None = None
    """Why there is none."""


class Courier:
    """Calls back whoever ordered a job.

    Parameters
    ----------
    clock
        Of the sandbox. A manual one has its calls made before ``advance()`` returns.
    hosts
        Which public address leads where.
    """

    def __init__(self, clock: Clock, hosts: Mapping[str, Target] | None = None) -> None:
        self.hosts = Hosts(hosts)
        self._round = _Round(clock, self.hosts)
        weakref.finalize(self, self._round.close).atexit = False
        if isinstance(clock, ManualClock):
            clock.on_advance(self.catch_up)

    @property
    def deliveries(self) -> list[Delivery]:
        """The newest calls, oldest first."""
        return self._round.shown()

    def schedule(self, posts: Sequence[Post]) -> None:
        """Have calls made when they are due."""
        if posts:
            self._round.add(posts)

    def catch_up(self, lane: str | None = None) -> None:
        """Return when every call that is due (in that lane) has been made; blocks."""
        self._round.catch_up(lane)


class _Round:
    """The calls that are waiting, and the thread that makes them."""

    def __init__(self, clock: Clock, hosts: Hosts) -> None:
        self._clock, self._hosts = clock, hosts
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Post]] = []
        self._n_added = 0
        self._n_running: Counter[str] = Counter()
        self._deliveries: deque[Delivery] = deque(maxlen=_MOST_SHOWN)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._is_closed = False

    def shown(self) -> list[Delivery]:
        with self._changed:
            return [replace(each) for each in self._deliveries]

    def add(self, posts: Sequence[Post]) -> None:
        with self._changed:
            for post in posts:
                if len(self._waiting) >= _MOST_WAITING:
                    self._note(post, "too many calls are waiting in this sandbox")
                    continue
                self._n_added += 1
                heapq.heappush(self._waiting, (post.due, self._n_added, post))
            if self._thread is None:
                self._hire()
            self._rouse()

    def catch_up(self, lane: str | None) -> None:
        with self._changed:
            if self._thread is threading.current_thread():  # a receiver that moves the clock
                return
            self._rouse()
            self._changed.wait_for(lambda: self._is_closed or not self._is_behind(lane))

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._rouse()
            self._changed.notify_all()

    # -- with the lock held ------------------------------------------------------------------------

    def _is_behind(self, lane: str | None) -> bool:
        now = self._clock.now()
        if lane is None:
            return bool(self._n_running) or bool(self._waiting and self._waiting[0][0] <= now)
        due = (post.lane for moment, _, post in self._waiting if moment <= now)
        return self._n_running[lane] > 0 or lane in due

    def _rouse(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    def _hire(self) -> None:
        self._wake = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=(self._loop,), name="phaseo_nb-callbacks", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # no threads here (Pyodide)
            self._loop.close()
            self._thread = self._loop = None
            for _, _, post in sorted(self._waiting):
                self._note(post, "there are no threads here")
            self._waiting.clear()

    def _note(self, post: Post, reason: str | None = None, way: Way | None = None) -> Delivery:
        shown = (way or self._hosts.way_to(post.url)).shown
        delivery = Delivery(post.shown, shown, None, reason)
        self._deliveries.append(delivery)
        return delivery

    # -- in the thread -----------------------------------------------------------------------------

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_until_complete(self._work())
        finally:
            loop.close()
            with self._changed:
                if self._loop is loop:  # not retired but broken: nobody may wait for it
                    self._thread = self._loop = None
                    self._waiting.clear()
                    self._n_running.clear()
                    self._changed.notify_all()

    async def _work(self) -> None:
        # Nothing but plain HTTP to this machine goes over it: no certificates, no proxies.
        wire = httpx.AsyncHTTPTransport(verify=False, trust_env=False)
        lanes: dict[str, asyncio.Task[None]] = {}
        slots = asyncio.Semaphore(_AT_ONCE)
        try:
            while True:
                self._wake.clear()
                for post in self._take_due():
                    before = lanes.get(post.lane)
                    task = asyncio.create_task(self._make(post, before, slots, wire))
                    lanes[post.lane] = task
                lanes = {lane: task for lane, task in lanes.items() if not task.done()}
                if self._retire(is_idle=False):
                    return
                with anyio.move_on_after(self._pause()) as pause:
                    await self._wake.wait()
                if pause.cancelled_caught and self._retire(is_idle=True):
                    return
        finally:
            for task in lanes.values():
                task.cancel()
            await asyncio.gather(*lanes.values(), return_exceptions=True)
            await wire.aclose()

    def _take_due(self) -> list[Post]:
        posts: list[Post] = []
        with self._changed:
            now = self._clock.now()
            while self._waiting and self._waiting[0][0] <= now:
                post = heapq.heappop(self._waiting)[2]
                self._n_running[post.lane] += 1
                posts.append(post)
        return posts

    def _pause(self) -> float:
        with self._changed:
            if not self._waiting:
                return _IDLE
            pause = pause_until(self._clock, self._waiting[0][0])
        return 3600.0 if pause is None else min(pause, 3600.0)

    def _retire(self, *, is_idle: bool) -> bool:
        """Whether the thread may go; from then on the next call needs a new one."""
        with self._changed:
            if not (self._is_closed or (is_idle and not self._waiting and not self._n_running)):
                return False
            self._thread = self._loop = None
            return True

    async def _make(
        self,
        post: Post,
        before: asyncio.Task[None] | None,
        slots: asyncio.Semaphore,
        wire: httpx.AsyncBaseTransport,
    ) -> None:
        try:
            if before is not None:
                await asyncio.wait([before])
            way = self._hosts.way_to(post.url)
            with self._changed:
                delivery = self._note(post, "on its way", way)
            if post.is_lost:
                delivery.reason = "lost on the way (scripted)"
            elif not way.url:
                delivery.reason = "nothing leads there: see Sandbox(hosts=…)"
            else:
                async with slots:
                    delivery.status, delivery.reason = await _call(post, way, way.transport or wire)
        finally:
            with self._changed:
                self._n_running[post.lane] -= 1
                if not self._n_running[post.lane]:
                    del self._n_running[post.lane]
                self._changed.notify_all()


async def _call(
    post: Post, way: Way, wire: httpx.AsyncBaseTransport
) -> tuple[int | None, str | None]:
    """Make one call; return its status, or why there is none. Redirects are not followed."""
    try:
        with anyio.move_on_after(PATIENCE):
            request = httpx.Request("POST", way.url, headers=_HEADERS, content=post.body())
            response = await wire.handle_async_request(request)
            with contextlib.suppress(httpx.HTTPError):
                await response.aclose()
            return response.status_code, None
    except Exception as error:  # whatever stands there: only the kind is safe to show
        return None, type(error).__name__
    return None, f"no answer within {PATIENCE:g} s"
