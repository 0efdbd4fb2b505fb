"""What the library has of a comparison already, and who knows by now which is which."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...errors import ExperimentError
from ...phrases import excerpt
from .. import records
from .votes import question_of, votes_in

if TYPE_CHECKING:
    from ...keeping import Library
    from .trials import Plan


def check_name(library: Library, name: str, plan: Plan, question: str) -> None:
    """Refuse a name under which something else was asked; votes on two things make no sum."""
    for _, _, facts in records.load_votes(library, name):
        was = question_of(facts)
        votes = votes_in(facts, 0, name)
        other = {id for vote in votes for id in vote.order} - set(plan.ids)
        wrong = ""
        if any(vote.mode != plan.mode for vote in votes):
            wrong = f"in the mode {votes[0].mode}, and this one is in the mode {plan.mode}"
        elif other:
            wrong = f"about other takes, such as {excerpt(min(other), 40)}"
        elif was is not None and was != question:
            wrong = f"on another question: {excerpt(was, 80)!r}"
        elif plan.mode == "abx" and any(v.trials != plan.trials for v in votes):
            wrong = (
                f"in a run of {votes[0].trials} trials, which were fixed beforehand, and here "
                f"are {plan.trials}"
            )
        if wrong:
            message = (
                f"The comparison {excerpt(name, 60)!r} has votes already, {wrong}. "
                "Choose another name=."
            )
            raise ExperimentError(message)


def has_seen(library: Library, name: str, listener: str | None) -> bool:
    """Tell whether a listener was told which is which."""
    return any(_is_seen_by(facts, listener) for _, _, facts in records.load_votes(library, name))


def note_seen(library: Library, name: str, listener: str | None) -> None:
    """Keep that a listener was told which is which, once."""
    if not has_seen(library, name, listener):
        seen = records.dump({"revealed": True, "listener": listener})
        records.save_vote(library, name, seen)


def _is_seen_by(facts: str, listener: str | None) -> bool:
    try:
        found = json.loads(facts)
        return bool(found.get("revealed")) and found.get("listener") == listener
    except (ValueError, AttributeError):
        return False
