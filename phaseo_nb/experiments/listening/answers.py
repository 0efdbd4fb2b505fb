"""What a comparison answers when its page asks: the trial, its sounds, a vote kept, the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...phrases import excerpt, visible
from .. import records
from .kept import check_name
from .trials import StaleVote, Trial
from .votes import ballot_of, facts_of

if TYPE_CHECKING:
    from .comparison import Comparison

Answer = tuple[dict[str, Any], list[bytes]]
"""Facts, and the buffers that go with them."""


def _begin(test: Comparison, asked: dict[str, Any]) -> Answer:
    """Say what is to be heard now; with ``listener``, by whom."""
    with test._lock:
        if test._given_listener is None and "listener" in asked:
            given = str(asked["listener"] or "")
            test._listener = excerpt(given, 80) if given.strip() else None
        # Another comparison may have taken the name since this one was made.
        check_name(test._library, test._name, test._plan, test._question)
        return _now(test), []


def _now(test: Comparison) -> dict[str, Any]:
    run = test._run()
    trial = run.trial(test.votes if test._plan.is_informative else [])
    told: dict[str, Any] = {
        "done": run.n_done,
        "trials": test._plan.trials,
        "listener": test._listener or "",
        "trial": None,
    }
    if trial is None:
        results = test.abx if test.mode == "abx" else []
        said = [result.words for result in results if result.listener == test._listener]
        return {**told, "said": said[0] if said else ""}
    names = {} if test._is_blind else _names(test, trial)
    levels = test._levels
    return {
        **told,
        "trial": trial.name,
        "number": trial.number,
        "labels": list(trial.labels),
        "rate": levels.rate,
        "names": names,
    }


def _names(test: Comparison, trial: Trial) -> dict[str, str]:
    pairs = zip(trial.labels, trial.order, strict=False)
    return {label: visible(test._sounds[id].name) for label, id in pairs}


def _sound(test: Comparison, asked: dict[str, Any]) -> Answer:
    """Give the samples of one letter."""
    with test._lock:
        trial = test._run().open
    if trial is None or asked.get("trial") != trial.name:
        message = "This trial is over. Go on with the next one."
        raise StaleVote(message)
    return {}, [test._levels.samples(trial.id_of(asked.get("label")))]


def _vote(test: Comparison, asked: dict[str, Any]) -> Answer:
    """Keep a vote, and only then say so; what comes twice counts once."""
    ballot = str(asked.get("ballot") or "")[:80]
    with test._lock:
        run = test._run()
        if run.open is None or asked.get("trial") != run.open.name:
            kept = records.load_votes(test._library, test._name)
            if ballot and any(ballot_of(facts) == ballot for _, _, facts in kept):
                return _now(test), []
        is_blind = test._is_blind and not test._has_seen(test._listener)
        votes = run.votes_of(asked, comparison=test._name, blind=is_blind)
        check_name(test._library, test._name, test._plan, test._question)
        facts = facts_of(votes, ballot, test._question)
        records.save_vote(test._library, test._name, facts)
        run.done()
        return _now(test), []


def _reveal(test: Comparison, asked: dict[str, Any]) -> Answer:
    with test._lock:
        if not test._run().is_finished:
            message = "What was heard is told after the last trial."
            raise ValueError(message)
    return {"rows": test.reveal().lines()}, []


ANSWERS: dict[str, Callable[[Comparison, dict[str, Any]], Answer]] = {
    "begin": _begin,
    "sound": _sound,
    "vote": _vote,
    "reveal": _reveal,
}
