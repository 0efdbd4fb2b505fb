"""Votes: what they say, who they are by, and that they come back from the library as they were."""

from __future__ import annotations

import json
import re

import pytest

import phaseo_nb as nb
from phaseo_nb.experiments import records
from phaseo_nb.experiments.listening.votes import ballot_of, facts_of, question_of, votes_in

ONE = nb.Vote("preference", left="a", right="b", winner="b", listener="Ann", order=("a", "b"))
TIE = nb.Vote("preference", left="a", right="b", order=("a", "b"))
RATED = nb.Vote("rating", item="a", rating=70.0, order=("b", "a"))
X = nb.Vote("abx", left="a", right="b", x="a", answer="a", order=("a", "b"))


def test_a_vote_knows_winner_and_loser():
    """A preference is a pair, winner first; ties and other modes are none."""
    assert ONE.pair() == ("b", "a")
    assert ONE.loser == "a"
    assert not ONE.is_tie
    assert [vote.pair() for vote in (TIE, RATED, X)] == [None, None, None]
    assert TIE.is_tie
    assert not RATED.is_tie
    assert [vote.is_correct for vote in (ONE, RATED, X)] == [None, None, True]


def test_a_vote_cannot_be_changed():
    """What somebody said stays said."""
    with pytest.raises(AttributeError):
        ONE.winner = "a"


def test_an_abx_vote_does_not_show_whether_it_was_right():
    """What stands in the notebook while a run goes on must not tell how it goes."""
    wrong = nb.Vote("abx", left="a", right="b", x="b", answer="a", order=("a", "b"))

    assert repr(X) == repr(wrong)
    assert repr(nb.Votes([X])) == repr(nb.Votes([wrong]))


def test_votes_come_back_as_they_were(home):
    """Text and back is the same vote, with its number in the library."""
    library = nb.library()
    n = records.save_vote(library, "études", facts_of([RATED, ONE], "b1", "Which?"))
    records.save_vote(library, "other", facts_of([TIE], "b2", "Which?"))

    votes = nb.Votes.load("études", library)

    known = {"comparison": "études", "n": n}
    assert [nb.Vote(**{**vars(vote), **known}) for vote in (RATED, ONE)] == votes
    assert len(nb.Votes.load()) == 3
    assert votes.listeners == [None, "Ann"]
    assert votes.by("Ann") == votes[1:]
    assert votes.pairs() == [("b", "a")]


@pytest.mark.parametrize(
    "facts", ["", "[]", "null", '{"votes": 1}', '{"votes": [{"mood": 3}]}', '{"votes": [7]}', "{"]
)
def test_what_is_no_vote_of_ours_is_left_out(facts):
    """A line of a later version, or one mended by hand, costs that line and not all of them."""
    assert votes_in(facts, 1, "x") == []
    assert ballot_of(facts) == ""
    assert question_of(facts) is None


def test_votes_are_a_table_and_a_data_frame():
    """Each vote is one line; the frame has a column for each fact, also without a vote."""
    votes = nb.Votes([ONE, TIE, RATED])

    assert repr(votes).splitlines()[0] == "3 votes · 2 listeners · 1 tie"
    assert "b before a" in repr(votes)
    frame = votes.to_dataframe()
    assert list(frame["winner"][:1]) == ["b"]
    assert list(frame["tie"]) == [False, True, False]
    assert list(frame["loser"][:1]) == ["a"]
    assert list(nb.Votes().to_dataframe().columns) == list(frame.columns)
    assert repr(nb.Votes()) == "No votes yet."


def test_hostile_names_stay_text():
    """A listener or an id that is markup is shown, not obeyed."""
    evil = "<img src=x onerror=alert(1)>\x1b[31m"
    votes = nb.Votes([nb.Vote("preference", evil, evil + "2", evil, listener=evil, order=(evil,))])

    assert "<img" not in votes._repr_html_()
    assert "\x1b" not in repr(votes)
    assert "\x1b" not in repr(votes[0])


def test_pairs_can_be_brought_from_elsewhere():
    """Pairs and triples become votes that rank takes; a tie is a triple without a winner."""
    votes = nb.Votes.from_pairs([("a", "b"), ["c", "b", None], ("a", "c", "c")], listener="Bo")

    assert [vote.pair() for vote in votes] == [("a", "b"), None, ("c", "a")]
    assert [vote.trial for vote in votes] == [1, 2, 3]
    assert votes.listeners == ["Bo"]
    assert {place.item for place in nb.rank(votes)} == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("a",)], "Pair 1 cannot be read: it is"),
        ([("a", "b"), 7], "Pair 2 cannot be read: it is 7"),
        ([("a", "a")], "compares a with itself"),
        ([("a", "b", "c")], "its winner 'c' is neither"),
        ([(1, 2)], "Pair 1 cannot be read"),
        ("ab", "is no list of pairs"),
        (None, "is no list of pairs"),
    ],
)
def test_what_is_no_pair_is_named(pairs, said):
    """The message says which one it is and what a pair looks like."""
    with pytest.raises(nb.ExperimentError, match=re.escape(said)):
        nb.Votes.from_pairs(pairs)


def test_votes_go_into_a_file(tmp_path):
    """JSON with all facts, ASCII, readable by anything."""
    nb.Votes([ONE]).save(tmp_path / "votes.json")

    (row,) = json.loads((tmp_path / "votes.json").read_text("ascii"))
    assert row["winner"] == "b"
    assert row["order"] == ["a", "b"]
