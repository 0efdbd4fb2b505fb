"""From votes to a ranking: strengths, how far they may be off, and what cannot be ranked."""

from __future__ import annotations

import contextlib
import math
from types import SimpleNamespace

import numpy as np
import pytest

import phaseo_nb as nb
from phaseo_nb.experiments.ranking import Place, suggest


def votes_of(wins):
    """Pairs out of a table ``{(winner, loser): how often}``."""
    return [pair for pair, n in wins.items() for _ in range(n)]


def simulated(random, strengths, n, listener=None, tie=0.0):
    """Votes on random pairs, by someone to whom the items are as good as that."""
    votes = []
    for _ in range(n):
        a, b = random.choice(len(strengths), 2, replace=False).tolist()
        better = random.random() < 1 / (1 + math.exp(strengths[b] - strengths[a]))
        winner = None if random.random() < tie else a if better else b
        votes.append({"left": a, "right": b, "winner": winner, "listener": listener})
    return votes


# -- strengths -------------------------------------------------------------------------------------


def test_two_items_have_the_log_odds_of_their_votes():
    """Of two items the strengths differ by log(a/b), and the error of that is √(1/a + 1/b)."""
    ranking = nb.rank(votes_of({("harp", "jazz"): 30, ("jazz", "harp"): 10}))

    assert ranking.items == ["harp", "jazz"]
    assert ranking.strengths["harp"] == pytest.approx(math.log(3) / 2)
    error = math.sqrt(1 / 30 + 1 / 10)  # each strength is half of the difference
    assert ranking.standard_errors["harp"] == pytest.approx(error / 2)
    low, high = ranking.intervals["harp"]
    assert (low, high) == pytest.approx(
        ((math.log(3) - 1.959964 * error) / 2, (math.log(3) + 1.959964 * error) / 2)
    )
    chance = ranking.win_probability("harp", "jazz")
    assert chance.probability == pytest.approx(0.75)
    assert chance.low == pytest.approx(1 / (1 + math.exp(1.959964 * error) / 3), rel=1e-6)
    assert ranking.is_certain("harp", "jazz")
    assert not ranking.is_certain("jazz", "harp")


def test_strengths_agree_with_choix():
    """On tournaments of several sizes the strengths are those that choix finds."""
    choix = pytest.importorskip("choix", reason="choix, the other implementation, is not installed")
    random = np.random.default_rng(5)
    for n_items, n_votes in ((3, 40), (6, 200), (20, 2000)):
        votes = simulated(random, random.normal(size=n_items), n_votes)
        pairs = [(vote["winner"], vote["left"] + vote["right"] - vote["winner"]) for vote in votes]

        ranking = nb.rank(pairs)

        theirs = choix.ilsr_pairwise(n_items, pairs, alpha=0.0)
        mine = [ranking.strengths[item] for item in range(n_items)]
        np.testing.assert_allclose(mine, theirs - theirs.mean(), atol=1e-5)


def test_errors_of_an_even_tournament():
    """Where all beat all equally often, B = 4/(mn) (I − J/n) is the covariance."""
    n, m = 7, 6
    wins = {(a, b): m // 2 for a in range(n) for b in range(n) if a != b}

    ranking = nb.rank(votes_of(wins))

    expected = math.sqrt(4 / (m * n) * (1 - 1 / n))
    assert list(ranking.standard_errors.values()) == pytest.approx([expected] * n)
    assert list(ranking.strengths.values()) == pytest.approx([0.0] * n, abs=1e-9)
    assert {place.position for place in ranking} == {1}  # nobody is first by rounding


def test_a_tie_is_half_a_win_for_each():
    """Two ties weigh as much as a win on either side."""
    wins = votes_of({("a", "b"): 5, ("b", "a"): 3, ("b", "c"): 4, ("c", "b"): 2})

    tied = nb.rank([*wins, ("a", "c", None), ("a", "c", "tie")])

    split = nb.rank([*wins, ("a", "c"), ("c", "a")])
    assert tied.strengths == pytest.approx(split.strengths)
    assert tied[0].ties == 2
    assert split[0].ties == 0


def test_ties_scatter_less_than_wins():
    """The error is that of a mean of 1, 0 and ½, by the delta method, and not of coin flips."""
    ranking = nb.rank([("a", "b")] * 300 + [("b", "a")] * 100 + [("a", "b", None)] * 400)

    p = 500 / 800
    of_mean = (p * (1 - p) - 0.25 * 400 / 800) / 800
    expected = math.sqrt(of_mean) / (p * (1 - p)) / 2
    assert ranking.standard_errors["a"] == pytest.approx(expected, rel=0.01)


def test_forms_of_votes_say_the_same():
    """Pairs, triples, dicts, objects and rows of a DataFrame can be handed in."""
    pandas = pytest.importorskip("pandas")
    rows = [{"left": "a", "right": "b", "winner": w, "listener": None} for w in "aaab"]

    forms = {
        "pairs": [("a", "b"), ("a", "b"), ("a", "b"), ("b", "a")],
        "triples": [("a", "b", "a"), ["b", "a", "a"], ("a", "b", "a"), ("a", "b", "b")],
        "dicts": rows,
        "objects": [SimpleNamespace(**row) for row in rows],
        "winner and loser": [
            {"winner": "a", "loser": "b"} for _ in range(3)
        ] + [{"winner": "b", "loser": "a"}],
        "frame": pandas.DataFrame(rows),
        "generator": (row for row in rows),
    }  # fmt: skip

    for name, votes in forms.items():
        assert nb.rank(votes).strengths["a"] == pytest.approx(math.log(3) / 2), name


def test_missing_winners_of_a_frame_are_ties():
    """pandas writes None as NaN or NA; either is a tie, not a third item."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"left": ["a"] * 3, "right": ["b"] * 3, "winner": ["a", None, pandas.NA]}
    )

    ranking = nb.rank(frame)

    assert (ranking[0].wins, ranking[0].ties, len(ranking)) == (1, 2, 2)


def test_the_same_vote_handed_in_twice_counts_once():
    """Votes that were read from two places are not twice as many; that is said."""
    votes = [
        SimpleNamespace(left="a", right="b", winner=w, listener="Ada", at=f"2026-11-26T10:00:0{n}")
        for n, w in enumerate("aab")
    ]

    ranking = nb.rank(votes + votes)

    assert ranking.standard_errors == nb.rank(votes).standard_errors
    assert any("3 votes were handed in twice" in note for note in ranking.notes)


# -- who never lost --------------------------------------------------------------------------------


def test_who_never_lost_gets_a_number_and_a_warning():
    """5:0 has no highest likelihood; with Jeffreys' prior the odds are 5½ to ½, and it is said."""
    ranking = nb.rank([("a", "b")] * 5)

    assert ranking.strengths["a"] == pytest.approx(math.log(5.5 / 0.5) / 2, abs=1e-6)
    assert any("a never lost and b never won" in note for note in ranking.notes)
    assert ranking.win_probability("a", "b").probability == pytest.approx(5.5 / 6)


def test_five_of_five_settle_nothing():
    """Five of five are 1 in 16 by chance, so nothing is settled; seven of seven are 1 in 64."""
    assert not nb.rank([("a", "b")] * 5).is_certain("a", "b")
    assert nb.rank([("a", "b")] * 7).is_certain("a", "b")


def test_the_interval_of_who_never_lost_is_that_of_its_likelihood():
    """Found by trying: where 20½ log p + ½ log q falls 1.92 below its peak."""
    ranking = nb.rank([("a", "b")] * 20)

    x = np.linspace(-2, 12, 1_400_001)
    height = -20.5 * np.log1p(np.exp(-x)) - 0.5 * np.log1p(np.exp(x))
    inside = x[height > height.max() - 1.959964**2 / 2]
    chance = ranking.win_probability("a", "b")
    ends = [math.log(p / (1 - p)) for p in chance[1:]]
    assert ends == pytest.approx([inside[0], inside[-1]], abs=1e-3)
    assert ends[1] - math.log(41) > 1.5 * (math.log(41) - ends[0])  # open above


def test_a_group_that_never_lost_to_the_others_is_told():
    """Two items beat two others always: finite numbers, each group in an order of its own."""
    inside = {("a", "b"): 4, ("b", "a"): 2, ("c", "d"): 4, ("d", "c"): 2}
    across = {(up, down): 3 for up in "ab" for down in "cd"}

    ranking = nb.rank(votes_of(inside | across))

    assert ranking.items == list("abcd")
    assert all(map(math.isfinite, ranking.strengths.values()))
    assert any("A group of items never lost" in note for note in ranking.notes)


def test_one_win_proves_nothing():
    """One vote is ranked, and settles nothing."""
    ranking = nb.rank([("a", "b")])

    assert ranking.items == ["a", "b"]
    assert ranking.rank_intervals == {"a": (1, 2), "b": (1, 2)}
    assert ranking.statements == [
        "The votes settle nothing yet: no item is certainly preferred to another."
    ]


# -- listeners -------------------------------------------------------------------------------------


def heard(a_to_b, times=1):
    """Listeners of whom so many prefer a and so many b, each saying so a number of times."""
    a, b = a_to_b
    return [
        SimpleNamespace(left="a", right="b", winner="a" if who < a else "b", listener=f"L{who}")
        for who in range(a + b)
        for _ in range(times)
    ]


def test_a_listener_counts_once_however_often_they_vote():
    """Saying the same ten times makes nobody surer, once listeners are told apart."""
    once, often = nb.rank(heard((7, 3))), nb.rank(heard((7, 3), times=10))

    # Of two items: the sandwich is √(1/7 + 1/3), times √(10/9) as it is of ten listeners.
    error = math.sqrt(1 / 7 + 1 / 3) * math.sqrt(10 / 9) / 2
    assert once.standard_errors["a"] == pytest.approx(error)
    assert often.standard_errors["a"] == pytest.approx(error)
    low, high = often.intervals["a"]
    assert high - low == pytest.approx(2 * 2.262157 * error)  # t of nine degrees of freedom
    assert often.win_probability("a", "b").low < 0.5


def test_without_listeners_votes_count_as_independent_and_that_is_said():
    """A ranking says whose preference it is: nobody's in particular, one person's, few people's."""
    unnamed = nb.rank([("a", "b"), ("b", "a")])
    single = nb.rank([{**vote, "listener": "Ada"} for vote in simulated_pair()])
    few = nb.rank(heard((2, 1), times=4))

    assert "name no listener" in unnamed.notes[0]
    assert "nobody named" in unnamed.heading
    assert "Ada's: this is one listener's preference" in single.notes[0]
    assert "Only 3 listeners" in few.notes[0]


def simulated_pair():
    return [{"winner": "a", "loser": "b"}, {"winner": "b", "loser": "a"}]


def test_an_item_that_one_listener_heard_is_no_surer_than_their_votes():
    """A sandwich knows nothing of an item with one listener and would call its error zero."""
    votes = heard((7, 3)) + [
        SimpleNamespace(left="a", right="c", winner=w, listener="L0") for w in "aacc"
    ]

    ranking = nb.rank(votes)

    assert ranking.standard_errors["c"] > 0.5  # four even votes: √(4/4) between a and c
    assert any("Only one listener compared c" in note for note in ranking.notes)


def test_all_ties_are_no_certainty():
    """Ten listeners who hear no difference: equal, and still not known exactly."""
    votes = [{"left": a, "right": b, "winner": None, "listener": who}
             for who in range(10) for a, b in ("ab", "bc", "ac")]  # fmt: skip

    ranking = nb.rank(votes)

    assert list(ranking.strengths.values()) == pytest.approx([0, 0, 0], abs=1e-9)
    assert [place.position for place in ranking] == [1, 1, 1]
    # Of 30 votes at most 3 may be none (rule of three): a share of 0.05 more, log-odds of 0.2.
    low, high = ranking.intervals["a"]
    assert 0.1 < high - low < 0.6
    assert any("Every vote is a tie" in note for note in ranking.notes)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Ten listeners of mixed taste, 100 times over: 92 to 98 % of the 95 % intervals are right."""
    random = np.random.default_rng(8)
    truth = np.array([-1.0, -0.4, 0.0, 0.5, 0.9])
    spread = 0.5
    hits = []
    for _ in range(100):
        votes = []
        for who in range(10):
            own = truth + spread * random.normal(size=5)
            votes += simulated(random, own, 14, listener=who)

        ranking = nb.rank(votes)

        # Mixed taste makes a population's odds smaller than its members' (Zeger 1988).
        shrunk = truth / math.sqrt(1 + 0.346 * 2 * spread**2)
        hits += [
            low <= shrunk[item] - shrunk.mean() <= high
            for item, (low, high) in ranking.intervals.items()
        ]
    assert 0.92 <= np.mean(hits) <= 0.98


# -- ratings ---------------------------------------------------------------------------------------


def rated(table, mode="rating"):
    return [
        {"item": item, "rating": value, "listener": who, "mode": mode}
        for who, values in table.items()
        for item, value in zip("abcd", values, strict=False)
    ]


TASTES = {"Ada": (80, 60, 40), "Bo": (90, 91, 10), "Cy": (55, 50, 52), "Di": (20, 70, 70)}


def test_ratings_count_by_their_order_within_a_listener():
    """Who uses half of the scale, or another part of it, says the same."""
    squeezed = {who: tuple(40 + value / 5 for value in row) for who, row in TASTES.items()}

    ranking, other = nb.rank(rated(TASTES)), nb.rank(rated(squeezed))

    assert ranking.strengths == pytest.approx(other.strengths)
    wins = {place.item: (place.wins, place.losses, place.ties) for place in ranking}
    assert wins == {"a": (5, 3, 0), "b": (4, 3, 1), "c": (2, 5, 1)}  # counted by hand
    assert {p.item: p.rating for p in ranking} == {"a": 61.25, "b": 67.75, "c": 43.0}
    assert any("order within each listener" in note for note in ranking.notes)


def test_many_ratings_of_one_person_are_not_many_votes():
    """Rating four items in an order makes six pairs and settles none of them."""
    ranking = nb.rank(rated({"Ada": (90, 70, 50, 30)}))

    assert ranking.items == list("abcd")
    assert not any(ranking.is_certain(a, b) for a in "abcd" for b in "abcd" if a != b)


def test_who_compared_nothing_is_no_listener():
    """Someone who rated one item alone says nothing about two, and does not count as a voice."""
    votes = rated({"Ada": (80, 20), "Bo": (70,)})

    assert nb.rank(votes).listeners == ["Ada"]


def test_two_listeners_are_hardly_more_than_one():
    """Two who disagree leave everything open: one degree of freedom, the same from both sides."""
    ranking = nb.rank(heard((1, 1), times=8))

    there, back = ranking.win_probability("a", "b"), ranking.win_probability("b", "a")
    assert there.low == pytest.approx(1 - back.high, abs=1e-12)
    # The sandwich of two listeners, √(1/1 + 1/1) √(2/1), times t of one degree.
    assert ranking.intervals["a"][1] == pytest.approx(12.7062 * 2 / 2, rel=1e-5)


def test_scores_and_ratings_are_not_mixed_up():
    """Five points of a score are not less than 60 of a rating."""
    votes = rated({"Ada": (60, 50)}) + rated({"Ada": (4, 5)}, mode="score")

    ranking = nb.rank(votes)

    assert ranking.strengths == pytest.approx({"a": 0.0, "b": 0.0}, abs=1e-9)


# -- what cannot be ranked -------------------------------------------------------------------------

NOT_VOTES = {
    "nothing": ([], "no votes yet"),
    "itself": ([("a", "b"), ("b", "b")], "Vote 2.*compared with itself"),
    "one rated": (rated({"Ada": (50,)}), "only one item, “a”"),
    "a word": ("ab", "no list of votes"),
    "words": (["ab"], "Vote 1.*no vote"),
    "a number": (7, "no list of votes"),
    "four parts": ([(1, 2, 3, 4)], "4 parts"),
    "a stranger wins": ([("a", "b", "c")], "its winner is c.*a, b or None"),
    "true": ([(1, 2, True)], "its winner is True"),
    "no name": ([("a", float("nan"))], "no name"),
    "changing": ([(["x"], "b")], "cannot name an item"),
    "rating": ([{"item": "a", "rating": float("inf")}], "inf is no number"),
    "rating word": ([{"item": "a", "rating": "good"}], "good is no number"),
    "abx": ([{"left": "a", "right": "b", "winner": "a", "mode": "abx"}], "ABX"),
}


@pytest.mark.parametrize(("votes", "words"), NOT_VOTES.values(), ids=NOT_VOTES)
def test_what_is_no_vote_is_named(votes, words):
    """Each mistake is said with its place and with what would be right."""
    with pytest.raises(nb.ExperimentError, match=words):
        nb.rank(votes)


def test_votes_about_unknown_items_are_refused():
    """With ``items`` a misspelt id is found, instead of becoming one more item."""
    with pytest.raises(nb.ExperimentError, match=r"Vote 2.*jaz is not among the items"):
        nb.rank([("harp", "jazz"), ("harp", "jaz")], items=["harp", "jazz"])


def test_what_is_not_connected_is_refused_with_the_pair_to_hear():
    """Groups without a vote between them are named, and one pair from two of them."""
    votes = [("a", "b"), ("b", "c"), ("x", "y")]

    with pytest.raises(nb.ExperimentError) as caught:
        nb.rank(votes, names={"a": "Slow harp"})

    words = str(caught.value)
    assert "(1) “Slow harp”, “b”, “c”; (2) “x”, “y”" in words
    one, other = words.partition("Compare “")[2].partition("” next")[0].split("” with “")
    assert len({one, other} & {"x", "y"}) == 1
    assert "missing" not in words  # one comparison is enough for two groups
    bridge = {"Slow harp": "a"}
    pair = bridge.get(one, one), bridge.get(other, other)
    assert len(nb.rank([*votes, pair])) == 5


def test_items_without_a_vote_are_not_ranked():
    """An item nobody heard is no last place."""
    with pytest.raises(nb.ExperimentError, match=r"\(2\) “c”.*Compare"):
        nb.rank([("a", "b"), ("b", "a")], items=["a", "b", "c"])


def test_hundreds_of_groups_make_a_short_message():
    """200 unconnected items: some are named, the rest counted."""
    with pytest.raises(nb.ExperimentError, match="and 95 more groups") as caught:
        nb.rank([(i, i + 1) for i in range(0, 200, 2)])

    assert len(str(caught.value)) < 700


def test_probabilities_are_of_two_items_that_were_ranked():
    """A stranger or the same item twice is named."""
    ranking = nb.rank([("a", "b"), ("b", "a")])

    with pytest.raises(nb.ExperimentError, match="z is not among the ranked"):
        ranking.win_probability("a", "z")
    with pytest.raises(nb.ExperimentError, match="itself"):
        ranking.is_certain("a", "a")


# -- what is settled -------------------------------------------------------------------------------


def test_statements_and_places_say_what_is_settled():
    """Two that are alike above one that is worse: places 1–2 and 3."""
    even = {("a", "b"): 20, ("b", "a"): 20}
    worse = {(up, "c"): 27 for up in "ab"} | {("c", up): 3 for up in "ab"}

    ranking = nb.rank(votes_of(even | worse), names={"c": "Drone"})

    assert ranking.rank_intervals == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    assert ranking.statements == [
        "a is certainly preferred to Drone.",
        "b is certainly preferred to Drone.",
        "Of all other pairs the votes do not settle which one is preferred.",
    ]


def test_many_comparisons_make_one_by_one_certainty_harder():
    """What two items settle alone is not settled when it is the best of many pairs."""
    alone = nb.rank(votes_of({(0, 1): 18, (1, 0): 7}))
    n = 12
    even = {(a, b): 2 for a in range(n) for b in range(n) if a != b}

    among = nb.rank(votes_of(even | {(0, 1): 14, (1, 0): 1}))

    assert alone.is_certain(0, 1)
    assert among.win_probability(0, 1).low > 0.5  # one pair among 66
    assert not among.is_certain(0, 1)


def test_two_hundred_items_are_ranked():
    """A long list is ranked in full, shown in part, and its order follows the truth."""
    random = np.random.default_rng(2)
    truth = np.linspace(3, -3, 200)

    ranking = nb.rank(simulated(random, truth, 6000))

    assert len(ranking) == 200
    places = {item: n for n, item in enumerate(ranking.items)}
    found = [places[item] for item in range(200)]
    assert np.corrcoef(found, range(200))[0, 1] > 0.9
    assert "and 150 more" in repr(ranking)


def test_rows_are_a_table():
    """rows() and to_dataframe() hold every figure of a place."""
    pytest.importorskip("pandas")
    ranking = nb.rank([("a", "b"), ("a", "b"), ("b", "a")])

    frame = ranking.to_dataframe()

    assert list(frame.columns) == list(Place.__dataclass_fields__)
    assert frame["item"].tolist() == ["a", "b"]
    assert ranking.rows()[0]["wins"] == 2
    assert ranking[0].item == "a"
    assert [place.name for place in ranking[:1]] == ["a"]


# -- the next pair ---------------------------------------------------------------------------------


def test_a_pair_is_suggested_before_any_vote():
    """The first pair is two different items; a seed settles which."""
    items = [f"take{n}" for n in range(200)]

    pairs = {suggest([], items, seed=seed) for seed in range(5)}

    assert len(pairs) > 1
    assert all(a != b and {a, b} <= set(items) for a, b in pairs)
    assert suggest([], items, seed=3) == suggest([], items, seed=3)


def test_what_was_never_heard_is_suggested_first():
    """Nothing is known about c, so a vote on it tells most."""
    votes = [("a", "b"), ("b", "a")] * 5

    assert "c" in suggest(votes, "abc", seed=1)


def test_what_is_settled_is_not_asked_again():
    """a is far above b and c, which are not told apart: they come next."""
    votes = votes_of({("a", "b"): 12, ("b", "a"): 1, ("a", "c"): 12, ("c", "a"): 1})
    votes += [("b", "c"), ("c", "b")]

    assert set(nb.rank(votes).suggest()) == {"b", "c"}


def test_one_item_makes_no_pair():
    with pytest.raises(nb.ExperimentError, match="two items, and there is 1"):
        suggest([], ["a"])


def test_suggested_pairs_need_fewer_votes_than_random_ones():
    """After 28 suggested votes the order is right more often than after 40 random ones."""
    random = np.random.default_rng(17)
    truth = [0.0, 1.2, 2.4, 3.6, 4.8]

    def prefers(a, b):
        return random.random() < 1 / (1 + math.exp(truth[b] - truth[a]))

    right = {"suggested": 0, "random": 0}
    for seed in range(40):
        votes = []
        for n in range(28):
            a, b = suggest(votes, range(5), seed=100 * seed + n)
            votes.append((a, b) if prefers(a, b) else (b, a))
        right["suggested"] += nb.rank(votes).items == [4, 3, 2, 1, 0]
        votes = simulated(random, truth, 40)
        with contextlib.suppress(nb.ExperimentError):  # 40 random votes may leave someone out
            right["random"] += nb.rank(votes, items=range(5)).items == [4, 3, 2, 1, 0]
    assert right["suggested"] > right["random"]


def test_votes_without_a_moment_are_all_counted():
    """Imported pairs have no time: those that said the same used to count as one."""
    votes = nb.Votes.from_pairs([("a", "b"), ("a", "b"), ("b", "a")], listener="Ada")

    assert nb.rank(votes).n_votes == 3


@pytest.mark.parametrize("listeners", ["x", "xy", "xyz", "vwxyz"])
def test_listeners_who_agree_in_everything_are_ranked(listeners):
    """Nothing scatters then, and rounding must not make less than nothing of it."""
    votes = [
        {"item": item, "rating": rating, "listener": listener}
        for listener in listeners
        for item, rating in zip("abc", (90, 50, 10), strict=True)
    ]
    with np.errstate(all="raise"):
        ranking = nb.rank(votes)

    assert ranking.items == ["a", "b", "c"]
    low, high = ranking.intervals["b"]
    assert low < 0 < high
    assert "b" in ranking._repr_html_()
