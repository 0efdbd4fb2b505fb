"""``Comparison``: hear recordings blind, at one loudness, from one place in the music, and vote.

The page knows recordings by letters that mean something else in each trial. What letters stand
for, titles, ids, lengths and levels stay in the kernel until the listener is through; the widget's
state, which is saved with the notebook, never has them. A vote is in the library before the page
is told so.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from ...engine import engine
from ...errors import ExperimentError, PhaseoError
from ...forms.look import STATIC as SHARED
from ...forms.look import WIDGET_VIEW, is_unproven, script, show_way_around
from ...phrases import excerpt, visible
from . import STATIC, kept, telling, twin
from .answers import ANSWERS, Answer
from .binomial import AbxResult
from .given import checked_loop, checked_text, opened
from .levels import Levels
from .sounds import Found, Sound
from .trials import Run, StaleVote, make_plan
from .votes import Votes

if TYPE_CHECKING:
    from pathlib import Path

    from ...keeping import Library

__all__ = ["Comparison"]

log = logging.getLogger("phaseo_nb")

QUESTIONS = {
    "preference": "Which do you prefer?",
    "rating": "How good is each of them?",
    "score": "How good is it?",
    "abx": "Which one is X?",
}
LONGEST_NAME = 120
LONGEST_QUESTION = 300


class Comparison(anywidget.AnyWidget):
    """A listening test: takes side by side, blind, equally loud, switched without a click.

    All recordings of a trial start together and run on together; one of them is heard. Keys: A, B,
    C … turn to a recording, space plays and pauses, arrows go through the music (left, right) and
    from one recording to the next (up, down), 1, 2 and 0 vote. Each vote is in the library at
    once; the same cell run again goes on where it stopped.

    There is no reference among generated music: the mode ``rating`` looks like MUSHRA and is none.

    Parameters
    ----------
    takes
        A list of takes, of tracks or of ids of takes; or a sweep or its results.
    mode
        ``"preference"``: two at a time, ties allowed. ``"rating"``: all at once, 0 to 100.
        ``"score"``: one at a time, 1 (bad) to 5 (excellent). ``"abx"``: can two be told apart?
    blind
        Whether titles are kept from the listener.
    listener
        Who listens; ``None`` lets the page ask.
    name
        What the votes are kept under. Default: a name made of the takes, the mode and the question.
    question
        What is asked above the recordings.
    trials
        How many pairs each listener hears (default: each with each up to 8 takes, else twice as
        many as takes), or how many times X (default: 16, fixed by the first vote).
    pairs
        ``"balanced"``: each take as often as any other. ``"informative"``: what the votes so far
        leave most open.
    loop
        ``True`` begins again at the end; ``(start, end)`` in seconds hears only this stretch.
    library
        Where votes are kept, and where ids are looked up. Default: the one of ``nb.library()``.

    Raises
    ------
    ExperimentError
        These takes cannot be compared like this: there are not two, one cannot be decoded, …

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> session = nb.connect("sandbox")
    >>> takes = [nb.run(nb.generate(p, duration=1, show=False)) for p in ("slow harp", "jazz")]
    >>> comparison = nb.Comparison(takes, name="example")
    >>> comparison
    <Comparison 'example': preference of 2, blind, 0 of 1 done>
    >>> comparison.votes
    No votes yet.
    """

    _shown = traitlets.Dict().tag(sync=True)

    _esm = "\n".join(
        (
            script("library-parts"),
            *(
                (STATIC / f"{part}.js").read_text("utf-8")
                for part in ("deck", "desk", "comparison")
            ),
        )
    )
    _css = "\n".join(
        path.read_text("utf-8") for path in (SHARED / "base.css", STATIC / "comparison.css")
    )

    def __init__(
        self,
        takes: Any,
        *,
        mode: str = "preference",
        blind: bool = True,
        listener: str | None = None,
        name: str | None = None,
        question: str | None = None,
        trials: int | None = None,
        pairs: str = "balanced",
        loop: bool | tuple[float, float] = True,
        library: Library | str | os.PathLike[str] | None = None,
    ) -> None:
        stretch, self._loops = checked_loop(loop)
        if pairs not in ("balanced", "informative"):
            message = f"pairs = {pairs!r:.60} is none. Choose balanced or informative."
            raise ExperimentError(message)
        found = Found(opened(library)).of(takes)
        ids = [sound.id for sound in found.sounds]
        self._plan = make_plan(mode, ids, trials, is_informative=pairs == "informative")
        self._sounds = {sound.id: sound for sound in found.sounds}
        self._question = checked_text("question", question, LONGEST_QUESTION) or QUESTIONS[mode]
        digest = hashlib.sha256("\n".join([mode, self._question, *sorted(ids)]).encode())
        self._name = checked_text("name", name, LONGEST_NAME) or f"{mode}-{digest.hexdigest()[:10]}"
        self._given_listener = self._listener = checked_text("listener", listener, 80)
        self._library = found.library or opened(None, needed=True)
        self._is_blind = bool(blind)
        kept.check_name(self._library, self._name, self._plan, self._question)
        self._levels = Levels(found.sounds, stretch)
        self._n_without = found.n_without
        super().__init__()
        self._lock = threading.RLock()
        self._runs: dict[str | None, Run] = {}
        self.work: Future[None] | None = None
        self.on_msg(self._on_message)
        self._shown = {
            "mode": mode,
            "question": visible(self._question),
            "n": len(ids),
            "seconds": round(self._levels.seconds, 2),
            "loops": self._loops,
            "trials": self._plan.trials,
            "blind": self._is_blind,
            "asks_name": self._given_listener is None,
            "short": self._levels.seconds < 1,
        }

    def __repr__(self) -> str:
        done, trials = self.progress
        sight = "blind" if self._is_blind else "not blind"
        return (
            f"<Comparison {excerpt(self._name, 40)!r}: {self.mode} of {len(self._sounds)}, "
            f"{sight}, {done} of {trials} done>"
        )

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = {"text/plain": repr(self), "text/html": twin.fallback(self)}
        data, metadata = super()._repr_mimebundle_() or ({}, {})
        shown = {WIDGET_VIEW: data[WIDGET_VIEW]} if WIDGET_VIEW in data else {}
        return {**bundle, **shown}, metadata

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
        if is_unproven():
            show_way_around('comparison.to_html("listen.html")')

    # -- in code -----------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What the votes are kept under."""
        return self._name

    @property
    def mode(self) -> str:
        """``"preference"``, ``"rating"``, ``"score"`` or ``"abx"``."""
        return self._plan.mode

    @property
    def question(self) -> str:
        """What is asked."""
        return self._question

    @property
    def library(self) -> Library:
        """Where the votes are kept."""
        return self._library

    @property
    def listener(self) -> str | None:
        """Who listens now; can be set."""
        return self._listener

    @listener.setter
    def listener(self, name: str | None) -> None:
        self._listener = checked_text("listener", name, 80)

    @property
    def votes(self) -> Votes:
        """All votes of this comparison, of all listeners, as the library has them."""
        return Votes.load(self._name, self._library)

    @property
    def gains_db(self) -> dict[str, float]:
        """By how many dB each take is turned down, by id; all are then equally loud."""
        return dict(self._levels.gains_db)

    @property
    def order(self) -> list[tuple[str, ...]]:
        """Ids in the order of their letters, for each trial that this listener has voted on."""
        found = {vote.trial: vote.order for vote in self.votes.by(self._listener)}
        return [found[trial] for trial in sorted(found)]

    @property
    def progress(self) -> tuple[int, int]:
        """How many trials the listener is through, and of how many."""
        done = {vote.trial for vote in self.votes.by(self._listener)}
        return len(done), self._plan.trials

    @property
    def notes(self) -> list[str]:
        """What to know about these takes before somebody listens: silence, length, left out."""
        said = self._levels.notes()
        if self._n_without:
            n = self._n_without
            left = "1 cell has" if n == 1 else f"{n} cells have"
            said.append(f"{left} no take and cannot be heard; `await sweep.run()` makes the rest.")
        return said + telling.notes(self._plan)

    @property
    def abx(self) -> list[AbxResult]:
        """What came of each listener's ABX run; counts and p only where it is finished.

        Raises
        ------
        ExperimentError
            This comparison is in another mode.
        """
        if self.mode != "abx":
            message = f"This comparison is in the mode {self.mode}; only ABX has such a result."
            raise ExperimentError(message)
        votes, trials = self.votes, self._plan.trials
        people = dict.fromkeys([*votes.listeners, self._listener] if votes else [self._listener])
        given = [AbxResult.of(votes.by(listener), trials, listener) for listener in people]
        return [result for result in given if result.n or len(given) == 1]

    def reveal(self) -> telling.Revealed:
        """Tell what was heard: titles, levels, and what was said about each.

        Votes of this listener from now on are marked as not blind.
        """
        with self._lock:
            if self._is_blind:
                kept.note_seen(self._library, self._name, self._listener)
        return telling.Revealed(self._sounds, self._levels, self.votes, self.abx_or_none())

    def abx_or_none(self) -> list[AbxResult] | None:
        """Return :attr:`abx`, or ``None`` in other modes."""
        return self.abx if self.mode == "abx" else None

    def to_html(
        self, path: str | os.PathLike[str], *, reveal: bool = False, overwrite: bool = False
    ) -> Path:
        """Write a page that plays these takes by itself: no kernel, no network.

        They are called 1, 2, 3 … in an order that only :meth:`reveal` tells, unless ``reveal``
        writes the titles beside them. With scripts they start together and are switched without
        a click; without, each has a player of its own. Votes are given in a notebook.

        Raises
        ------
        ExperimentError
            The file cannot be written, or is there already and is no such page: that is replaced
            with ``overwrite=True`` only.
        """
        return twin.write(self, path, reveal=reveal, overwrite=overwrite)

    @property
    def sounds(self) -> dict[str, Sound]:
        """What is compared, by id."""
        return dict(self._sounds)

    @property
    def levels(self) -> Levels:
        """The recordings as they are heard."""
        return self._levels

    @property
    def loops(self) -> bool:
        """Whether the music begins again at its end."""
        return self._loops

    def _has_seen(self, listener: str | None) -> bool:
        return kept.has_seen(self._library, self._name, listener)

    def _run(self) -> Run:
        listener = self._listener
        if listener not in self._runs:
            self._runs[listener] = Run(self._plan, listener, self.votes.by(listener))
        return self._runs[listener]

    # -- what the page asks for --------------------------------------------------------------------

    def _on_message(self, _: Any, content: Any, buffers: Any) -> None:
        do = content.get("do") if isinstance(content, dict) else None
        if do in ANSWERS:
            self.work = engine.submit(self._carry(content, ANSWERS[do]))

    async def _carry(
        self, content: dict[str, Any], deed: Callable[[Comparison, dict[str, Any]], Answer]
    ) -> None:
        answer: dict[str, Any]
        buffers: list[bytes] = []
        try:
            answer, buffers = await asyncio.to_thread(deed, self, content)
        except StaleVote as error:
            answer = {"wrong": str(error), "stale": True}
        except (PhaseoError, ValueError) as error:
            answer = {"wrong": visible(error)}
        except Exception as error:
            log.exception("The comparison could not do what was asked: %s", content["do"])
            answer = {"wrong": f"This did not work ({type(error).__name__}); the log says more."}
        self.send({"answer": content.get("ask"), **answer}, buffers)
