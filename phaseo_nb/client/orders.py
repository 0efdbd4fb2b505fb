"""Placing paid orders: built, sent once, read to the end, and never forgotten on the way."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

from ..errors import Issue, RateLimited, RequestRejected, SettingsError, UncertainSubmission
from ..gateways import Gateway, may_resend
from ..gateways.catalogue import built_in
from ..jobs import MusicJob
from ..requests import MusicRequest, UdioRequest, build_request
from ..transport.http import AnswerLost, BeforeSending, Sleep, Transport
from ..transport.messages import Call, NotYet
from .asking import read_answer
from .memory import JobMemory

Request = MusicRequest | UdioRequest

log = logging.getLogger("phaseo_nb")


class Orders:
    """Starts jobs at one gateway."""

    def __init__(
        self,
        gateway: Gateway,
        transport: Transport,
        memory: JobMemory,
        sleep: Sleep,
        clock: Callable[[], float],
        *,
        model: str | None,
    ) -> None:
        self._gateway = gateway
        self._transport = transport
        self._memory = memory
        self._model = model
        self._sleep = sleep
        self._clock = clock
        self._sending: dict[asyncio.Task[MusicJob], int] = {}

    # -- what is ordered -----------------------------------------------------------------------

    def default_model(self) -> str:
        """Return the model for requests that name none; see :meth:`MusicClient.default_model`."""
        if self._model:
            return self._model
        listed = [f"{info.id} ({info.price})" for info in built_in(self._gateway.name)]
        offered = ", ".join(row for row in listed if not row.startswith("sandbox/"))
        message = (
            f"No model was named, and {self._gateway.name} has no default that would choose a "
            f"price for you. Pass `model=`, or set PHASEO_NB_MODEL. There are: {offered}."
        )
        raise SettingsError(message)

    def build(
        self, request: Request | str | None, words: dict[str, Any]
    ) -> tuple[Request, tuple[str, ...]]:
        """Return a request that fits the gateway, with notes on words that have no effect."""
        wire = "udio" if self._gateway.name == "udio" else "phaseo"
        if isinstance(request, (MusicRequest, UdioRequest)):
            if words:
                expected = "Give a ready request or words, not both."
                raise RequestRejected(Issue("request", "request_and_words", [*words], expected))
            fits = UdioRequest if wire == "udio" else MusicRequest
            if not isinstance(request, fits):
                expected = f"The {wire} gateway takes a {fits.__name__}."
                name = type(request).__name__
                raise RequestRejected(Issue("request", "wrong_request", name, expected))
            return request, ()  # whoever built it can ask it
        if request is not None and not isinstance(request, str):
            expected = "Give a prompt as text, a MusicRequest or a UdioRequest."
            name = type(request).__name__
            raise RequestRejected(Issue("request", "invalid_type", name, expected))
        prompt = words.pop("prompt", None) if request is None else request
        if words.get("model") is None:
            words["model"] = self.default_model()
        return build_request(wire, prompt, **words)  # type: ignore[arg-type]

    # -- sending it ----------------------------------------------------------------------------

    async def place(
        self,
        request: Request,
        on_submitted: Callable[[MusicJob], None] | None,
        before_sending: BeforeSending | None = None,
        turn: BeforeSending | None = None,
    ) -> MusicJob:
        """Send an order; cancelling ends only the waiting, see :meth:`MusicClient.submit`."""
        self._transport.pool()  # a closed client says so before anything starts
        task = asyncio.ensure_future(self._create(request, on_submitted, before_sending, turn))
        self._sending[task] = os.getpid()  # a forked child has the tasks, but not their loop
        task.add_done_callback(self._sent)
        return await asyncio.shield(task)

    async def settled(self) -> None:
        """Wait until everything that was sent is answered, on whichever event loop."""
        sending = [task for task, pid in list(self._sending.items()) if pid == os.getpid()]
        for loop in {task.get_loop() for task in sending}:
            done = _all_done([task for task in sending if task.get_loop() is loop])
            if loop is asyncio.get_running_loop():
                await done
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(done, loop))
            else:
                done.close()

    async def _create(
        self,
        request: Request,
        on_submitted: Callable[[MusicJob], None] | None,
        before_sending: BeforeSending | None,
        turn: BeforeSending | None,
    ) -> MusicJob:
        call = self._gateway.submission(request)
        attempt = 0
        while True:
            attempt += 1
            lost: AnswerLost | None = None
            if turn is not None:  # waited for outside the gate, where it holds nobody up
                await turn()
            try:
                answer = await self._transport.send(call, before=before_sending)
                job = await read_answer(self._gateway.read_submission, answer, request)
                break
            except NotYet:
                attempt -= 1
                continue
            except AnswerLost as error:
                lost = error
            except RateLimited as error:
                pause = None
                if may_resend(error):
                    self._transport.note_busy(error.retry_after)
                    pause = self._transport.pause_before_resending(attempt, error.retry_after)
                if pause is None:
                    raise
            if lost is not None:
                raise self._uncertain(call, request, lost)
            await self._sleep(pause or 0.0)
        entry = self._memory.put(job, submitted_at=self._clock())
        entry.asked_at = self._clock()
        if on_submitted is not None:
            on_submitted(entry.job)
        return entry.job

    def _uncertain(self, call: Call, request: Request, lost: AnswerLost) -> UncertainSubmission:
        price = self._gateway.list_price(request)
        about = f" ({price})" if price.usd or price.credits else ""
        known = f"It was sent, and no clear answer came: {lost}."
        base_url = self._transport.base_url
        message = (
            f"{call.method} {call.path} on {base_url} has an open end. {known} A job may "
            f"exist and may cost{about}, so the request was not sent again. Look at the usage page "
            "of your account first; `fresh=True` sends it once more, and pays once more if the "
            "first one went through."
        )
        error = UncertainSubmission(message, request=request, known=known, price=price)
        error.__cause__ = lost.__cause__
        return error

    def _sent(self, task: asyncio.Task[MusicJob]) -> None:
        self._sending.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            # Whoever waits gets it as well; whoever was interrupted finds it here.
            log.debug("A submission ended with %s", type(task.exception()).__name__)


async def _all_done(tasks: list[asyncio.Task[MusicJob]]) -> None:
    await asyncio.wait(tasks)
