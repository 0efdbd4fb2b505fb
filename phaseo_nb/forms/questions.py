"""Open questions with buttons: look again, submit again, write off.

The table above the buttons is a static output that is redrawn after every decision, so the saved
notebook is right without its kernel. Below the buttons each question has a place of its own for
the live line and the player of its job; they are outputs of the cell as well, and stay.

A click may arrive on a thread of its own (ipykernel 7.0 to 7.3), and must return at once: what
it asks for runs on the engine, which waits in a worker thread where the library has to write.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

import ipywidgets

from .. import cards
from ..engine import engine
from ..errors import PhaseoError
from ..keeping import Attempt, Attempts
from ..keeping.entries import OPEN_ENDS
from ..keeping.tables._attempts import price_again, price_of
from ..keeping.tables._sheet import AS_IT_IS
from ..live import Bundle
from ..phrases import excerpt
from ..takes.handle import Job
from .look import WIDGET_VIEW
from .places import BLANK, PlacedLine

log = logging.getLogger("phaseo_nb")

MOST = 8
"""Questions with buttons at one time; the others come up as these are settled."""

_GONE = "(Buttons that work while the kernel of this cell lives. The lines above do the same.)"

# The notebook's own colours, as far as it has any: widgets are only shown where it lives.
_STYLE = """<style>
.phaseo-nb-questions {max-width:980px; font-family:system-ui,-apple-system,'Segoe UI',Roboto,
  sans-serif; overflow:visible}
.phaseo-nb-questions .widget-html-content {font-size:13px; line-height:1.5;
  color:var(--jp-content-font-color1, inherit); overflow-wrap:anywhere}
.phaseo-nb-questions .widget-html {height:auto; min-height:0; margin:0 2px}
.phaseo-nb-question {border:1px solid rgba(128,128,128,.35); border-left:4px solid #b97800;
  border-radius:4px 10px 10px 4px; background:rgba(128,128,128,.05); padding:10px 14px 12px 13px;
  margin:0 0 8px; overflow:visible}
.phaseo-nb-question.phaseo-nb-settled {border-left-color:rgba(128,128,128,.5)}
.phaseo-nb-buttons {flex-flow:row wrap; overflow:visible; margin:4px 0 0}
.phaseo-nb-questions .phaseo-nb-button {width:auto; height:auto; line-height:20px;
  padding:4px 14px; margin:4px 8px 0 2px; border:1px solid rgba(128,128,128,.5);
  border-radius:7px; background:transparent; color:var(--jp-content-font-color1, inherit);
  font:500 13px/20px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif; box-shadow:none;
  white-space:normal; text-align:center}
.phaseo-nb-questions .phaseo-nb-button:hover:enabled {background:rgba(128,128,128,.16);
  box-shadow:none}
.phaseo-nb-questions .phaseo-nb-button:focus-visible {outline:2px solid #757cea;
  outline-offset:2px}
.phaseo-nb-questions .phaseo-nb-button:disabled {opacity:.5}
.phaseo-nb-questions .phaseo-nb-pays {background:#4d55c4; border-color:#4d55c4; color:#fff}
.phaseo-nb-questions .phaseo-nb-pays:hover:enabled {background:#3f46ad}
</style>"""


def show_questions(attempts: Attempts) -> QuestionPanel:
    """Show attempts in doubt in the running cell: a table, buttons, a place for what comes."""
    from IPython.display import display

    def show(bundle: dict[str, Any]) -> Any:
        return display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    table = show(_table(attempts))
    panel = QuestionPanel(attempts, table)
    view = panel.widget._repr_mimebundle_()[WIDGET_VIEW]
    show({WIDGET_VIEW: view, "text/plain": _GONE})
    for question in panel.questions:
        question.place = show(BLANK)
    return panel


class QuestionPanel:
    """Buttons for attempts in doubt.

    Parameters
    ----------
    attempts
        What is in doubt.
    table
        A display handle that shows them; redrawn when one of them changes.
    """

    def __init__(self, attempts: Attempts, table: Any = None) -> None:
        self._attempts = attempts
        self._table = table
        self.questions = [Question(attempt, self._redraw) for attempt in attempts[:MOST]]
        more = len(attempts) - MOST
        rest = f"… and {more:,} more: settle these, then run the cell again." if more > 0 else ""
        self.widget = ipywidgets.VBox(
            [
                ipywidgets.HTML(_STYLE + (cards.remark(rest) if rest else "")),
                *(question.widget for question in self.questions),
            ]
        )
        self.widget.add_class("phaseo-nb-questions")

    def _redraw(self) -> None:
        if self._table is not None:
            self._table.update(_table(self._attempts.refreshed()), raw=True)


class Question:
    """One attempt in doubt, with its buttons and with what came of them.

    Attributes
    ----------
    widget : ipywidgets.VBox
        What is shown.
    place : object or None
        A display handle for the live line and the player.
    work : Future or None
        What the last click started.
    """

    def __init__(self, attempt: Attempt, redraw: Callable[[], None] = lambda: None) -> None:
        self.attempt = attempt
        self.place: Any = None
        self.work: Future[None] | None = None
        self._redraw = redraw
        self._lock = threading.Lock()
        self._is_busy = False
        self._make_buttons()
        self._head = ipywidgets.HTML(_head(attempt))
        self._row = ipywidgets.HBox([*self._choices, *self._answers])
        self._said = ipywidgets.HTML()
        self._row.add_class("phaseo-nb-buttons")
        self.widget = ipywidgets.VBox([self._head, self._said, self._row])
        self.widget.add_class("phaseo-nb-question")
        self._offer(*self._choices)

    def _make_buttons(self) -> None:
        attempt = self.attempt
        of = f"“{excerpt(attempt.prompt or 'Untitled', 60)}”"
        price = str(attempt.price)
        self.look = _button("Look again", f"Ask the service about {of}; free", self._on_look)
        again = f"Submit again ({price_again(attempt)})"
        self.submit = _button(again, f"Send {of} once more; asks before it does", self._on_submit)
        self.write_off = _button(
            "Write off", f"Close {of}: nobody looks for it any more", self._on_write_off
        )
        free = price_again(attempt).startswith("free")
        yes = "Yes, send it again (free)" if free else "Yes, send it and pay again"
        self.yes = _button(yes, f"Send {of} now", self._on_yes)
        self.yes.add_class("phaseo-nb-pays")
        self.keep = _button("Keep it", "Change nothing", self._on_keep)
        spent = attempt.price.usd if price != "free" else 0.0
        off = f"Count {price} as spent" if spent else "Yes, write it off"
        self.off = _button(off, f"Close {of}", lambda _: self._settle(None))
        tip = f"Close {of}; your account says that it cost nothing"
        self.off_free = _button("It was not charged", tip, lambda _: self._settle(0.0))
        self._can_be_charged = price != "free"
        if not (attempt.id or attempt.request_id):
            self.look.disabled = True
            self.look.tooltip = "No answer came, so there is no name to ask the service about"

    @property
    def _choices(self) -> tuple[Any, ...]:
        return self.look, self.submit, self.write_off

    @property
    def _answers(self) -> tuple[Any, ...]:
        return self.yes, self.off, self.off_free, self.keep

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing left to decide."""
        return self.attempt.state not in OPEN_ENDS

    # -- clicks ------------------------------------------------------------------------------------

    def _on_look(self, _: Any) -> None:
        self._start("Asking the service …", self._look_again())

    def _on_submit(self, _: Any) -> None:
        if price_again(self.attempt) == "free":
            words = "Send the same request once more? This one is written off."
        else:
            words = (
                "If the first one went through, you pay twice. Send the same request once more? "
                "This one is written off and stays counted."
            )
        self._ask(words, self.yes, self.keep)

    def _on_yes(self, _: Any) -> None:
        self._start("Sending it once more …", self._submit_again())

    def _on_write_off(self, _: Any) -> None:
        words = "Nobody looks for it any more, and its cell buys it anew when it is run again."
        if self._can_be_charged:
            words += " What does the page of your account say?"
            self._ask(words, self.off, self.off_free, self.keep)
        else:
            self._ask(words, self.off, self.keep)

    def _on_keep(self, _: Any) -> None:
        self._ask("", *self._choices)

    def _settle(self, usd: float | None) -> None:
        self._start("Writing it off …", self._close(usd))

    # -- what they do, on the engine -----------------------------------------------------------

    async def _look_again(self) -> None:
        job = await asyncio.to_thread(self.attempt.look_again)
        self._follow(job, says_errors=False)
        take = await job
        self._say(f"Found: it is kept as take {take.number}. Its player is below.")

    async def _submit_again(self) -> None:
        job = await asyncio.to_thread(self.attempt.submit_again)
        self._follow(job, says_errors=True)
        self._say("Sent again, see below. This one is written off.")

    async def _close(self, usd: float | None) -> None:
        spent = "Nothing" if usd == 0 or not self._can_be_charged else str(self.attempt.price)
        await asyncio.to_thread(self.attempt.write_off, usd)
        if self._can_be_charged and usd is None and self.attempt.price.usd is None:
            self._say("Written off. What it cost stays unknown.")
        else:
            self._say(f"Written off. {spent[:1].upper()}{spent[1:]} counts as spent for it.")

    def _follow(self, job: Job, *, says_errors: bool) -> None:
        if self.place is not None:
            session = self.attempt._agent()
            PlacedLine(job, session, self.place, says_errors=says_errors).show()

    # -- how it looks ------------------------------------------------------------------------------

    def _start(self, words: str, action: Coroutine[Any, Any, None]) -> None:
        """Begin an action, unless one is under way: a second click must not buy twice."""
        with self._lock:
            if self._is_busy or self.is_settled:
                action.close()
                return
            self._is_busy = True
        for button in self._row.children:
            button.disabled = True
        self._say(words)
        self.work = engine.submit(self._carry(action))

    async def _carry(self, action: Coroutine[Any, Any, None]) -> None:
        try:
            await action
        except PhaseoError as error:
            self._say(str(error))
        except Exception as error:
            log.exception("A button of an open question failed.")
            self._say(f"This did not work ({type(error).__name__}); the log says more.")
        finally:
            await asyncio.to_thread(self._refresh)

    def _refresh(self) -> None:
        """Show how it stands now."""
        try:
            (self.attempt,) = Attempts([self.attempt]).refreshed()
            self._head.value = _head(self.attempt)
            self._redraw()
        except PhaseoError as error:  # such as a library that was closed meanwhile
            self._say(str(error))
        finally:
            with self._lock:
                self._is_busy = False
            self._offer(*self._choices)

    def _ask(self, words: str, *buttons: Any) -> None:
        with self._lock:
            if self._is_busy or self.is_settled:
                return
        self._say(words)
        self._offer(*buttons)
        buttons[-1].focus()  # the button that was clicked is gone, and with it the keyboard's place

    def _offer(self, *buttons: Any) -> None:
        if self.is_settled:
            buttons = ()
            self.widget.add_class("phaseo-nb-settled")
        nameless = not (self.attempt.id or self.attempt.request_id)
        for button in self._row.children:
            button.disabled = button is self.look and nameless
            button.layout.display = None if button in buttons else "none"

    def _say(self, words: str) -> None:
        said = f'<div class="{AS_IT_IS}" role="status">{cards.remark(words)}</div>'
        self._said.value = said if words else ""


def _table(attempts: Attempts) -> Bundle:
    return {"text/html": attempts._repr_html_(), "text/plain": repr(attempts)}


def _head(attempt: Attempt) -> str:
    title = f"“{excerpt(attempt.prompt or 'Untitled', 90)}”"
    now = "kept" if attempt.state == "kept" else attempt.words
    facts = [f"take {attempt.number}", price_of(attempt), now]
    said = " · ".join(cards.escape(fact) for fact in facts)
    return (
        f'<div class="{AS_IT_IS}"><b style="font-weight:600"><bdi>{cards.escape(title)}</bdi></b>'
        f'<span style="opacity:{cards.QUIET}"> · {said}</span></div>'
    )


def _button(label: str, tip: str, click: Callable[[Any], None]) -> Any:
    button = ipywidgets.Button(description=label, tooltip=tip)
    button.add_class("phaseo-nb-button")
    button.on_click(click)
    return button
