"""One listener's way through the trials: what is heard next, and what a vote from the page means.

The page knows a trial by a random name and its recordings by the letters A, B, C …; which is which
stays here. Trials follow from a seed that each vote carries, so whoever comes back goes on where
they stopped.
"""

from __future__ import annotations

import math
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeVar

from ...errors import ExperimentError
from . import orders
from .votes import Vote

Order = TypeVar("Order", bound="tuple[str, ...]")

MODES = ("preference", "rating", "score", "abx")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_RATED = 12
"""Recordings on one page of ratings; nobody keeps more of them in mind."""
ABX_TRIALS = 16
MOST_TRIALS = 10_000


@dataclass(frozen=True)
class Plan:
    """What a listener is to do: the same for each, apart from the draw."""

    mode: str
    ids: tuple[str, ...]
    trials: int
    is_informative: bool = False
    """Whether pairs go by what the votes so far leave open, instead of being balanced."""


@dataclass(frozen=True)
class Trial:
    """What is heard at a time."""

    name: str
    """Random; what the page calls it."""
    number: int
    order: tuple[str, ...]
    """Ids in the order of the letters."""
    seed: int
    x: str | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """What the page calls the recordings."""
        return (*LETTERS[: len(self.order)], *(["X"] if self.x else []))

    def id_of(self, label: Any) -> str:
        """Return which recording a letter stands for."""
        ids = dict(zip(self.labels, (*self.order, self.x or ""), strict=False))
        if label not in ids:
            message = "This trial has no such recording."
            raise ValueError(message)
        return ids[label]


class Run:
    """One listener's trials."""

    def __init__(self, plan: Plan, listener: str | None, votes: Sequence[Vote]) -> None:
        """Go on after ``votes``, which are this listener's so far."""
        self.plan = plan
        self.listener = listener
        self.seed = votes[-1].seed if votes else secrets.randbits(48)
        self.n_done = len({vote.trial for vote in votes})
        self.heard = Counter(frozenset(vote.order) for vote in votes)
        self.open: Trial | None = None

    @property
    def is_finished(self) -> bool:
        """Whether there is no further trial."""
        return self.n_done >= self.plan.trials

    def trial(self, votes: Sequence[Vote]) -> Trial | None:
        """Return the trial to hear now; ``None`` after the last one.

        ``votes`` are those of all listeners, which informative pairs go by.
        """
        if self.is_finished:
            return None
        if self.open is None:
            self.open = self._draw(votes)
        return self.open

    def _draw(self, votes: Sequence[Vote]) -> Trial:
        plan, number, name = self.plan, self.n_done + 1, secrets.token_hex(8)
        if plan.mode == "abx":
            one, other = plan.ids
            sides, xs = orders.draw_abx((one, other), plan.trials, self.seed)
            return Trial(name, number, sides, self.seed, xs[number - 1])
        if plan.mode == "rating":
            drawn = orders.draw_order(plan.ids, self.seed)
            return Trial(name, number, tuple(drawn), self.seed)
        if plan.mode == "score":
            alone = [(id,) for id in orders.draw_order(plan.ids, self.seed)]
            return Trial(name, number, self._first_new(alone), self.seed)
        return Trial(name, number, self._pair(votes, number), self.seed)

    def _first_new(self, drawn: Sequence[Order]) -> Order:
        """Return the first of what was drawn that was not heard yet.

        That is the next one, unless takes were added or left out since.
        """
        left = self.heard.copy()
        for order in drawn:
            if not left[frozenset(order)]:
                return order
            left[frozenset(order)] -= 1
        return drawn[-1]

    def _pair(self, votes: Sequence[Vote], number: int) -> orders.Pair:
        if not self.plan.is_informative:
            return self._first_new(orders.draw_pairs(self.plan.ids, self.plan.trials, self.seed))
        from ..ranking import suggest

        one, other = suggest(list(votes), self.plan.ids, seed=self.seed + number)
        return str(one), str(other)

    def votes_of(self, said: dict[str, Any], *, comparison: str, blind: bool) -> list[Vote]:
        """Return what the page says about the open trial as votes.

        Raises
        ------
        ValueError
            It is about another trial, or says nothing that can be counted.
        """
        trial = self.open
        if trial is None or said.get("trial") != trial.name:
            message = "This trial was voted on already. Go on with the next one."
            raise StaleVote(message)
        facts: dict[str, Any] = {
            "mode": self.plan.mode,
            "listener": self.listener,
            "comparison": comparison,
            "trial": trial.number,
            "trials": self.plan.trials,
            "order": trial.order,
            "seed": trial.seed,
            "replays": _numbers(said.get("replays"), len(trial.labels), int),
            "heard": _numbers(said.get("heard"), len(trial.labels), float),
            "seconds": _number(said.get("seconds")),
            "blind": blind,
            "at": datetime.now(timezone.utc).isoformat(timespec="microseconds"),
        }
        if self.plan.mode in ("rating", "score"):
            given = said.get("values")
            values = given if isinstance(given, dict) else {}
            return [
                Vote(**facts, item=id, rating=_rating(values.get(label), self.plan.mode))
                for label, id in zip(trial.labels, trial.order, strict=True)
            ]
        left, right = trial.order
        choice = said.get("choice")
        if self.plan.mode == "abx":
            if choice not in ("A", "B"):
                message = "Say whether X is A or B; if you cannot tell, guess."
                raise ValueError(message)
            return [Vote(**facts, left=left, right=right, x=trial.x, answer=trial.id_of(choice))]
        winner = None if choice == "tie" else trial.id_of(choice)
        return [Vote(**facts, left=left, right=right, winner=winner)]

    def done(self) -> None:
        """Note that the vote on the open trial is kept."""
        if self.open is not None:
            self.heard[frozenset(self.open.order)] += 1
        self.open = None
        self.n_done += 1


class StaleVote(ValueError):
    """A vote about a trial that is over: of another view of the same widget."""


def make_plan(
    mode: str, ids: Sequence[str], trials: int | None, *, is_informative: bool = False
) -> Plan:
    """Return the plan of a comparison.

    Raises
    ------
    ExperimentError
        There is no such mode, or it cannot be done with so many recordings or trials.
    """
    if mode not in MODES:
        message = f"mode = {mode!r:.60} is not a mode. Choose from: {', '.join(MODES)}."
        raise ExperimentError(message)
    n = len(ids)
    given: Any = trials
    is_count = isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= MOST_TRIALS
    if given is not None and not is_count:
        message = f"trials = {given!r:.60} is no number of trials. Give a whole number from 1."
        raise ExperimentError(message)
    if trials is not None and mode in ("rating", "score"):
        message = (
            f"trials is for preferences and ABX. In the mode {mode} each recording is judged once "
            "by each listener. Leave it out."
        )
        raise ExperimentError(message)
    if mode == "abx" and n != 2:
        message = (
            f"ABX asks whether two recordings can be told apart, and there are {n}. Give two, or "
            'compare more of them with mode="preference".'
        )
        raise ExperimentError(message)
    if mode == "rating" and n > MOST_RATED:
        message = (
            f"{n} recordings are too many to rate on one page; {MOST_RATED} can be held in mind. "
            'Give less, or use mode="preference" (two at a time) or mode="score" (one at a time).'
        )
        raise ExperimentError(message)
    usual = {
        "abx": ABX_TRIALS,
        "rating": 1,
        "score": n,
        "preference": orders.usual_trials(n),
    }[mode]
    # Sorted: the draw must not depend on the order in which the takes were given.
    return Plan(mode, tuple(sorted(ids)), trials or usual, is_informative)


def _rating(value: Any, mode: str) -> float:
    number = _number(value, none=math.nan)
    low, high = (0, 100) if mode == "rating" else (1, 5)
    if not low <= number <= high or (mode == "score" and number != int(number)):
        message = "Give each recording a value first."
        raise ValueError(message)
    return number


def _number(value: Any, none: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return none
    return round(min(max(float(value), 0.0), 1e7), 3)


def _numbers(values: Any, n: int, kind: type) -> tuple[Any, ...]:
    given = values if isinstance(values, list) else []
    return tuple(kind(_number(value)) for value in [*given[:n], *[0] * (n - len(given))])
