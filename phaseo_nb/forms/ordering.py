"""What the buttons of a form do: order, wait, stop, ask back, take up what is open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from ..engine import engine
from ..errors import JobTimeout, PhaseoError
from ..phrases import excerpt
from .drafts import Draft

if TYPE_CHECKING:
    from ..takes.handle import Job
    from .music_form import MusicForm

log = logging.getLogger("phaseo_nb")

TYPING_ARRIVES_IN = 0.15
"""Seconds that a click waits for what was typed before it: ipykernel 7.4 may handle two messages
of a page in the wrong order, as it lets one that arrives overtake one that waits for its turn."""


class Ordering:
    """The buttons of one form.

    Attributes
    ----------
    jobs : list of Job
        What was ordered with this form, oldest first.
    """

    def __init__(self, form: MusicForm) -> None:
        self._form = form
        self._parts = parts = form._parts
        self.jobs: list[Job] = []
        self._said_sent: list[Job] = []
        self.work: Future[None] | None = None
        """What the last click started."""
        self._lock = threading.Lock()
        self._in_turn = asyncio.Lock()
        self._answers: tuple[Callable[[], None], Callable[[], None]] = (_nothing, _nothing)
        self._is_about_controls = False
        parts.generate.on_click(lambda _: self._start(self._generate()))
        parts.stop.on_click(lambda _: self._stop())
        parts.neither.on_click(lambda _: self._answer(None))
        parts.code.on_click(lambda _: parts.toggle_readout("code", form.shown_text))
        parts.body.on_click(lambda _: parts.toggle_readout("request", form.shown_text))
        parts.first.on_click(lambda _: self._answer(0))
        parts.second.on_click(lambda _: self._answer(1))

    # -- ordering ----------------------------------------------------------------------------------

    def order(self, draft: Draft, *, fresh: bool) -> Job:
        """Start a draft's request, or find what it has become; show it on the form's shelf."""
        session = self._form.session
        job = session.start(request=draft.request, take=draft.take, fresh=fresh)
        self._follow(job)
        return job

    async def _generate(self, *, fresh: bool = False, only_play: bool = False) -> None:
        await asyncio.sleep(TYPING_ARRIVES_IN)
        form, parts = self._form, self._parts
        parts.ask_no_more()
        draft = await asyncio.to_thread(form.show_problems)
        if draft.request is None:
            first = parts.first_problem(draft.problems)
            if first is not None:
                parts.focus(first)
            n = len(set(draft.problems.values()))
            parts.say(f"Not sent: {n} thing{'s' if n != 1 else ''} to look at above.")
            self._is_about_controls = True
            return
        if not fresh:
            found = await asyncio.to_thread(form.session.find, draft.request, take=draft.take)
            state, number = found or ("", 0)
            if only_play and state != "kept":  # deleted meanwhile: what was said to be free is not
                parts.say("It is not in your library any more. Press Generate to make it anew.")
                return
            if state == "kept" and not only_play:
                self._ask_what_to_do(number, draft)
                return
        parts.say("Handing in …")
        await asyncio.to_thread(self.order, draft, fresh=fresh)

    def _ask_what_to_do(self, number: int, draft: Draft) -> None:
        price = self._form.session.list_price(draft.request)  # type: ignore[arg-type]
        words = str(price) if price.usd or price.credits else ""
        cost = "" if self._form.session.is_sandbox else f" ({words or 'price unknown'})"
        self._answers = (
            lambda: self._start(self._generate(only_play=True)),
            lambda: self._start(self._generate(fresh=True)),
        )
        self._parts.say("")
        self._is_about_controls = True
        self._parts.ask(
            f"This very request is in your library already, as take {number}.",
            "Play it, free",
            f"Make another take{cost}",
        )

    def _follow(self, job: Job) -> None:
        form = self._form
        with self._lock:
            is_known = job in self.jobs
            if not is_known:
                self.jobs.append(job)
        shelf = form._showing.shelf
        made_room = shelf is not None and job not in shelf.jobs and shelf.put(job, form.session)
        job.subscribe(self._on_change if not is_known else self._say_it_is_known)
        if made_room:
            words = "The oldest one below made room. It is in your library: nb.LibraryBrowser()."
            self._parts.say(words)

    def _say_it_is_known(self, job: Job) -> None:
        if job.outcome == (None, None):
            self._parts.say("This very request is on its way already; it is not sent twice.")

    def _on_change(self, job: Job) -> None:
        """Say what a job has come to. Its progress is in its own line, so nothing is said twice."""
        waiting = [each for each in self.jobs if each.is_waiting and each.outcome == (None, None)]
        self._parts.stop.disabled = not waiting
        take, error = job.outcome
        if (take, error) != (None, None):
            engine.submit(self._refresh())
        title = f"“{excerpt(job.prompt or 'Untitled', 60)}”"
        if take is not None:
            where = " below" if self._form._showing.shelf is not None else ""
            was = "from your library, nothing was paid" if job.was_kept else "kept in your library"
            self._parts.say(f"Take {take.number} of {title} is here{where}: {was}.")
        elif isinstance(error, JobTimeout):
            self._parts.say(
                f"You stopped waiting for {title}. It goes on at the service: press Generate for "
                "the same again, or nb.resume(), to pick it up. It is not paid twice."
            )
        elif error is not None:
            if self._form._showing.shelf is None:
                self._parts.say_error(error)
            else:
                self._parts.say(f"{title} came to nothing; why, is said below.")
        elif job.is_sent and job not in self._said_sent:
            self._said_sent.append(job)  # once, and not again at each answer of the service
            self._parts.say(f"{title} is handed in. Its line below shows how it stands.")

    async def _refresh(self) -> None:
        """Say anew what is left of the budget and what is in the library by now."""
        with contextlib.suppress(PhaseoError):  # such as a library that was closed meanwhile
            await asyncio.to_thread(self._form.refresh)

    def _stop(self) -> None:
        self._parts.generate.focus()  # Stop goes out of use, and with it the keyboard's place
        for job in self.jobs:
            if job.is_waiting:
                job.stop_waiting()

    # -- questions ---------------------------------------------------------------------------------

    def _answer(self, which: int | None) -> None:
        answers, self._answers = self._answers, (_nothing, _nothing)
        self._parts.ask_no_more()
        self._parts.generate.focus()
        if which is not None:
            answers[which]()

    def forget_question(self) -> None:
        """Take back what was asked or said about controls that say something else by now."""
        if self._is_about_controls:
            self._is_about_controls = False
            self._answers = (_nothing, _nothing)
            self._parts.ask_no_more()
            self._parts.say("")

    def look_for_open_ends(self) -> None:
        """Offer to take up what an earlier kernel left behind; asked when the form is shown."""
        self._start(self._look_for_open_ends(), quietly=True)

    async def _look_for_open_ends(self) -> None:
        session = self._form.session
        unfinished = await asyncio.to_thread(session.library.unfinished)
        here = session.gateway, session.connection.base_url
        left = [each for each in unfinished if not each.is_watched]
        left = [each for each in left if (each.gateway, each.base_url) == here]
        if not left:
            return
        first = f"“{excerpt(left[0].prompt or 'Untitled', 60)}”"
        n = len(left)
        which = f"{n} jobs are" if n > 1 else f"{first} is"
        self._answers = lambda: self._start(self._take_up()), _nothing
        words = f"{which} still open from before, paid for and not fetched yet."
        self._is_about_controls = False
        self._parts.ask(words, "Take it up" if n == 1 else "Take them up", "")

    async def _take_up(self) -> None:
        for job in await asyncio.to_thread(self._form.session.resume_all):
            self._follow(job)

    # -- work on the engine ------------------------------------------------------------------------

    def learn_models(self) -> None:
        """Ask the gateway for its models; the built-in list holds until it answers."""
        if not self._form.session.is_sandbox:
            self._start(self._learn_models(), quietly=True)

    async def _learn_models(self) -> None:
        session = self._form.session
        models = await session.models()
        if any(model.is_live for model in models):
            await asyncio.to_thread(self._form.learn, session.gateway, models)

    def _start(self, action: Coroutine[Any, Any, None], *, quietly: bool = False) -> None:
        """Begin an action, after those that were begun before it: no click is lost.

        A second click finds what the first has ordered, so nothing is ordered twice.
        """
        self.work = engine.submit(self._carry(action, quietly))

    async def _carry(self, action: Coroutine[Any, Any, None], quietly: bool) -> None:
        try:
            if quietly:
                await action
            else:
                async with self._in_turn:
                    await action
        except PhaseoError as error:
            if not quietly:
                self._parts.say_error(error)
        except Exception as error:
            log.exception("A button of the form failed.")
            if not quietly:
                name = type(error).__name__
                self._parts.say(f"This did not work ({name}); the log says more.")


def _nothing() -> None:
    """Do nothing: the other answer to a question that has only one."""
