"""``Comparison`` without a page: plans, letters, levels, votes that are kept, clear words."""

from __future__ import annotations

import base64
import itertools
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from math import comb

import numpy as np
import pytest

import phaseo_nb as nb
from phaseo_nb.audio.codecs import encode
from phaseo_nb.experiments.listening import levels, orders
from phaseo_nb.experiments.listening.binomial import p_of
from phaseo_nb.takes.kept import KeptTrack

RATE = 44_100


def tone(level=0.25, *, seconds=1.0, hertz=997.0, rate=RATE, channels=1):
    """A sine, which BS.1770 gives a loudness that can be worked out by hand."""
    t = np.arange(round(seconds * rate)) / rate
    wave = (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)
    return np.repeat(wave[None], channels, axis=0)


def track(name, samples=None, *, rate=RATE, format="wav", data=None):
    """A kept track in memory."""
    if data is None:
        tags = {"title": f"Title of {name}"}
        data = encode(tone() if samples is None else samples, rate, format, tags=tags)
    return KeptTrack(nb.Track(index=0, id=name, title=f"Title of {name}"), data)


def tracks(n, **more):
    return [track(f"t{i:03}", **more) for i in range(n)]


class Front:
    """What stands for a page: it asks, and has the answer."""

    def __init__(self, comparison):
        self.comparison = comparison
        self.told = []
        self.all_told = []
        comparison.send = self.send

    def send(self, content, buffers=None):
        json.dumps(content)
        self.told.append((content, buffers))
        self.all_told.append(content)

    def ask(self, do, **what):
        self.comparison._on_message(self.comparison, {"do": do, "ask": "1", **what}, [])
        self.comparison.work.result(30)
        answer, self.buffers = self.told.pop()
        return answer

    def sound(self, now, label):
        assert "wrong" not in self.ask("sound", trial=now["trial"], label=label)
        (data,) = self.buffers
        return np.frombuffer(data, "<i2").reshape(-1, 2).T / 32767

    def vote(self, now, **said):
        return self.ask("vote", trial=now["trial"], ballot=f"b-{now['trial']}", **said)

    def run(self, choose, *, listener=None):
        """Vote until there is no further trial."""
        now = self.ask("begin", **({"listener": listener} if listener else {}))
        while now["trial"]:
            now = self.vote(now, **choose(self.comparison._run().open))
        return now


def prefer(id):
    """Choose this one wherever it comes, the first letter elsewhere."""
    return lambda trial: {"choice": "AB"[trial.order.index(id)] if id in trial.order else "A"}


# -- plans -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 13])
def test_all_pairs_come_once_with_sides_in_balance(n):
    """Each pair once; each recording is A as often as B, give or take one."""
    items = [f"t{i:02}" for i in range(n)]

    pairs = orders.draw_pairs(items, n * (n - 1) // 2, seed=7)

    assert sorted(map(sorted, pairs)) == sorted(map(list, itertools.combinations(items, 2)))
    first, second = (Counter(side) for side in zip(*pairs, strict=True))
    assert all(abs(first[item] - second[item]) <= 1 for item in items)


@pytest.mark.parametrize(("n", "trials"), [(5, 4), (9, 18), (200, 199), (200, 400), (4, 11)])
def test_some_pairs_are_balanced_and_hang_together(n, trials):
    """Every recording is heard as often as any other, give or take two, and all are connected."""
    items = [f"t{i}" for i in range(n)]

    pairs = orders.draw_pairs(items, trials, seed=3)

    assert len(pairs) == trials
    counts = Counter(itertools.chain(*pairs))
    assert max(counts.values()) - min(counts.values()) <= 2
    assert orders.is_connected(items, pairs)
    repeated = [pair for pair, k in Counter(map(frozenset, pairs)).items() if k > 1]
    assert not repeated or trials > n * (n - 1) / 2


def test_a_second_round_swaps_sides():
    """Where all pairs have been heard, they come again with A and B changed over."""
    pairs = orders.draw_pairs(["a", "b", "c"], 6, seed=1)

    assert set(pairs[3:]) == {pair[::-1] for pair in pairs[:3]}


def test_the_draw_follows_from_its_seed():
    """One seed is one order, and seeds differ."""
    items = list("abcdefgh")

    assert orders.draw_pairs(items, 28, 5) == orders.draw_pairs(items, 28, 5)
    assert len({tuple(orders.draw_pairs(items, 28, seed)) for seed in range(20)}) == 20


def test_x_is_a_fair_coin():
    """Over many runs X is A half of the time, in each place; so is who is A."""
    draws = [orders.draw_abx(("a", "b"), 16, seed) for seed in range(2000)]

    assert abs(sum(sides == ("a", "b") for sides, _ in draws) - 1000) < 150
    for place in range(16):
        assert abs(sum(xs[place] == "a" for _, xs in draws) - 1000) < 150


def test_p_is_the_exact_binomial():
    """Figures of any table of the binomial distribution: 5/5, 9/10, 12/16, 15/20."""
    known = {(5, 5): 0.03125, (9, 10): 0.0107421875, (12, 16): 0.0384063721, (15, 20): 0.0206947327}

    for (k, n), p in known.items():
        assert p_of(k, n) == pytest.approx(p, abs=1e-9)
    assert p_of(0, 16) == 1.0
    assert p_of(500, 1000) == pytest.approx(0.5 + comb(1000, 500) / 2**1001, rel=1e-12)


# -- levels ----------------------------------------------------------------------------------------


def test_gains_are_right_and_only_turn_down():
    """Tones of known level: each is turned down by what it is louder than the quietest."""
    given = [track("quiet", tone(0.05)), track("loud", tone(0.5)), track("mid", tone(0.1))]

    gains = nb.Comparison(given).gains_db

    expected = {"quiet": 0.0, "loud": -20.0, "mid": 20 * math.log10(0.05 / 0.1)}
    assert gains == pytest.approx(expected, abs=0.05)


def test_one_channel_counts_as_it_is_played():
    """One channel comes from two loudspeakers, so it is as loud as the same on two channels."""
    given = [track("one", tone(0.2)), track("two", tone(0.2, channels=2))]

    assert nb.Comparison(given).gains_db == pytest.approx({"one": 0, "two": 0}, abs=0.01)


def test_what_is_heard_is_equally_loud_and_long():
    """The samples that go to the page: RMS within 0.1 dB, equal in length, rate and channels."""
    given = [
        track("a", tone(0.7, seconds=1.3, rate=48_000, channels=2), rate=48_000),
        track("b", tone(0.1, seconds=2.0, rate=22_050), rate=22_050),
        track("c", tone(0.3, seconds=1.0), format="mp3"),
        track("d", tone(0.3, seconds=1.7, rate=32_000), rate=32_000, format="flac"),
    ]
    front = Front(nb.Comparison(given, mode="rating"))
    now = front.ask("begin")

    sounds = [front.sound(now, label) for label in now["labels"]]

    assert {sound.shape for sound in sounds} == {sounds[0].shape}
    assert sounds[0].shape[1] / now["rate"] == pytest.approx(1.0, abs=0.05)
    middle = [sound[:, 5000:-9000] for sound in sounds]  # the mp3 ends a little early
    rms = [20 * math.log10(np.sqrt((part**2).mean())) for part in middle]
    assert max(rms) - min(rms) < 0.1
    assert max(np.abs(sound).max() for sound in sounds) <= 1


def test_another_rate_is_the_same_music():
    """A tone at 32 kHz is, at 44.1 kHz, the tone that would have been made there."""
    at_32 = tone(0.5, seconds=0.5, rate=32_000, hertz=440)
    at_44 = tone(0.5, seconds=0.5, rate=44_100, hertz=440)

    made = levels.resampled(at_32, 32_000, 44_100, at_44.shape[1])

    assert made.shape == at_44.shape
    assert np.abs(made - at_44)[:, 2000:-2000].max() < 2e-3


def test_nothing_clips_that_was_decoded_above_full_scale():
    """A recording whose samples rise above full scale is turned down, and the others with it."""
    hot = track("hot", tone(0.25))
    hot.audio = lambda: (tone(1.5), RATE)
    other = track("other", tone(0.75))

    comparison = nb.Comparison([hot, other])

    assert comparison.gains_db["other"] == pytest.approx(0, abs=0.05)  # the quieter one
    assert comparison.gains_db["hot"] == pytest.approx(-6.02, abs=0.05)
    other.audio = lambda: (tone(1.5), RATE)
    gains = nb.Comparison([hot, other], name="both").gains_db
    assert gains == pytest.approx(dict.fromkeys(gains, 20 * math.log10(1 / 1.5)), abs=0.05)


def test_a_stretch_is_heard_from_its_beginning():
    """``loop=(start, end)`` plays that stretch, and levels are those of the stretch."""
    samples = np.concatenate([tone(0.5), tone(0.05)], axis=1)
    comparison = nb.Comparison(
        [track("a", samples), track("b", tone(0.05, seconds=2))], loop=(1.0, 1.5)
    )
    front = Front(comparison)
    now = front.ask("begin")

    assert comparison.gains_db == pytest.approx({"a": 0, "b": 0}, abs=0.1)
    assert front.sound(now, "A").shape[1] == RATE // 2


def test_sound_begins_and_ends_without_a_click():
    """The first and the last sample are silence, however the recording begins."""
    front = Front(nb.Comparison([track("a", np.full((1, RATE), 0.5, np.float32)), track("b")]))
    now = front.ask("begin")

    for label in "AB":
        sound = front.sound(now, label)
        assert abs(sound[:, [0, -1]]).max() < 1e-3
        assert np.abs(np.diff(sound[:, :400])).max() < 0.2


# -- votes -----------------------------------------------------------------------------------------


def test_votes_are_kept_with_all_that_was_heard():
    """Winner, sides, order, replays, times, listener and seed stand in the library at once."""
    comparison = nb.Comparison(tracks(3), listener="Ann", name="three")
    front = Front(comparison)
    now = front.ask("begin")
    trial = comparison._run().open

    front.vote(now, choice="B", replays=[0, 2], heard=[1.5, 3.25], seconds=9.1)

    (vote,) = nb.Votes.load("three")
    assert (vote.left, vote.right) == trial.order == vote.order
    assert vote.winner == trial.order[1]
    assert (vote.replays, vote.heard, vote.seconds) == ((0, 2), (1.5, 3.25), 9.1)
    assert (vote.listener, vote.trial, vote.trials, vote.blind) == ("Ann", 1, 3, True)
    assert vote.seed == trial.seed
    assert vote.at.endswith("+00:00")
    assert comparison.progress == (1, 3)
    assert comparison.order == [trial.order]


def test_votes_can_be_ranked():
    """What is always preferred comes first; the pairs are all there."""
    comparison = nb.Comparison(tracks(4), listener="Ann")
    Front(comparison).run(prefer("t002"))

    ranking = nb.rank(comparison.votes)

    assert ranking[0].item == "t002"
    assert ranking.n_votes == 6


def test_the_same_cell_goes_on_where_it_stopped():
    """Another Comparison of the same takes has the votes, and the trials that are left."""
    given = tracks(4)
    first = Front(nb.Comparison(given, listener="Ann"))
    now = first.ask("begin")
    for _ in range(2):
        now = first.vote(now, choice="A")

    again = nb.Comparison(given[::-1], listener="Ann")
    end = Front(again).run(lambda trial: {"choice": "A"})

    assert again.name == first.comparison.name
    assert end["done"] == 6
    assert len({frozenset(order) for order in again.order}) == 6
    assert len({vote.seed for vote in again.votes}) == 1


def test_takes_that_are_added_later_are_heard_with_the_others():
    """A comparison that grows hears no pair again before all have been heard."""
    Front(nb.Comparison(tracks(3), listener="Ann", name="grows")).run(lambda _: {"choice": "A"})

    more = nb.Comparison(tracks(5), listener="Ann", name="grows")
    Front(more).run(lambda _: {"choice": "A"})

    assert len(more.votes) == 10
    assert len({frozenset(vote.order) for vote in more.votes}) == 10


def test_each_listener_has_an_order_of_their_own():
    """Several listeners at one widget: each hears all pairs, in another order, on other sides."""
    comparison = nb.Comparison(tracks(4))
    front = Front(comparison)

    for who in ("Ann", "Bo", "Cy"):
        front.run(lambda trial: {"choice": "tie"}, listener=who)

    votes = comparison.votes
    assert votes.listeners == ["Ann", "Bo", "Cy"]
    assert [len(votes.by(who)) for who in votes.listeners] == [6, 6, 6]
    assert len({tuple(vote.order for vote in votes.by(who)) for who in votes.listeners}) == 3


def test_a_vote_that_comes_twice_counts_once():
    """The page hands a vote in again where no answer came; the kernel knows its number."""
    comparison = nb.Comparison(tracks(3))
    front = Front(comparison)
    now = front.ask("begin")

    first = front.vote(now, choice="A")
    second = front.vote(now, choice="A")

    assert len(comparison.votes) == 1
    assert second["trial"] == first["trial"]
    assert "wrong" not in second


def test_a_vote_about_a_trial_that_is_over_is_refused():
    """Another view of the widget that lags behind cannot vote on what it no longer hears."""
    comparison = nb.Comparison(tracks(3))
    front = Front(comparison)
    now = front.ask("begin")
    front.vote(now, choice="A")

    late = front.ask("vote", trial=now["trial"], ballot="another", choice="B")

    assert late["stale"]
    assert len(comparison.votes) == 1
    assert front.ask("sound", trial=now["trial"], label="A")["stale"]


def test_a_vote_that_cannot_be_written_is_not_counted_and_can_be_handed_in_again(monkeypatch):
    """A full disk: the page is told, the trial stays open, the next try keeps the vote."""
    from phaseo_nb.experiments import records

    comparison = nb.Comparison(tracks(3))
    front = Front(comparison)
    now = front.ask("begin")

    def full(*_):
        message = "The disk is full."
        raise nb.LibraryError(message)

    with monkeypatch.context() as patch:
        patch.setattr(records, "save_vote", full)
        answer = front.vote(now, choice="A")
    assert answer["wrong"] == "The disk is full."
    assert comparison.votes == []

    assert front.vote(now, choice="A")["done"] == 1
    assert len(comparison.votes) == 1


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"choice": "C"},
        {"choice": None},
        {"choice": ["A"]},
        {"choice": "A", "trial": "x"},
        {"choice": "A", "trial": None},
    ],
    ids=str,
)
def test_nonsense_is_no_vote(said):
    """What a page cannot have meant changes nothing and brings nothing down."""
    comparison = nb.Comparison(tracks(2))
    front = Front(comparison)
    now = front.ask("begin")

    answer = front.ask("vote", **{"trial": now["trial"], "ballot": "b", **said})

    assert answer["wrong"]
    assert comparison.votes == []


def test_hostile_figures_are_bounded():
    """Times and counts that are no numbers become none."""
    comparison = nb.Comparison(tracks(2))
    front = Front(comparison)
    now = front.ask("begin")

    front.vote(now, choice="A", replays=["x", 1e300, 3], heard={"A": 1}, seconds=math.nan)

    (vote,) = comparison.votes
    assert vote.replays == (0, 10_000_000)
    assert vote.heard == (0.0, 0.0)
    assert vote.seconds == 0.0


def test_a_name_stands_for_one_question():
    """Votes on other takes, in another mode or on another question are not mixed."""
    given = tracks(3)
    Front(nb.Comparison(given, name="one")).run(lambda trial: {"choice": "A"})

    for more, said in [
        ({"mode": "score"}, "in the mode preference"),
        ({"question": "Which is warmer?"}, "on another question: 'Which do you prefer?'"),
    ]:
        with pytest.raises(nb.ExperimentError, match=re.escape(said)):
            nb.Comparison(given, name="one", **more)
    with pytest.raises(nb.ExperimentError, match="about other takes, such as t002"):
        nb.Comparison(given[:2], name="one")
    assert len(nb.Comparison([*given, track("new")], name="one").votes) == 3


def test_a_name_that_was_taken_meanwhile_is_refused():
    """Two comparisons made before any vote: the second learns of it when it is begun, or votes."""
    one, other = tracks(2), [track("new1"), track("new2")]
    first = Front(nb.Comparison(one, name="twin", listener="A"))
    second = Front(nb.Comparison(other, name="twin", listener="A"))
    late = second.ask("begin")
    first.run(prefer("t000"))

    assert "about other takes" in second.vote(late, choice="A")["wrong"]
    assert "about other takes" in second.ask("begin")["wrong"]
    assert {vote.winner for vote in nb.Votes.load("twin")} == {"t000"}
    assert len(nb.Comparison(one, name="twin").votes) == 1


def test_a_comparison_can_be_ranked_as_it_is():
    """Instead of its votes."""
    comparison = nb.Comparison(tracks(3), name="ranked")
    Front(comparison).run(prefer("t000"))

    assert nb.rank(comparison).items[0] == "t000" == nb.rank(comparison.votes).items[0]


def test_somebody_elses_file_is_not_written_over(tmp_path):
    """A page over a page, votes over votes: a cell run again. Over anything else: a loss."""
    mine = tmp_path / "mine.csv"
    mine.write_text("a,b\n1,2\n")
    comparison = nb.Comparison(tracks(2), name="files")
    Front(comparison).run(prefer("t000"))

    for write in (comparison.to_html, comparison.votes.save):
        with pytest.raises(nb.ExperimentError, match="overwrite=True"):
            write(mine)
        assert mine.read_text() == "a,b\n1,2\n"
        write(tmp_path / write.__name__)
        write(tmp_path / write.__name__)
        write(mine, overwrite=True)
        mine.write_text("a,b\n1,2\n")


def test_informative_pairs_go_by_all_votes():
    """With ``pairs="informative"`` what is settled is asked less than what is open."""
    comparison = nb.Comparison(tracks(4), trials=12, pairs="informative", listener="Ann")

    Front(comparison).run(prefer("t000"))

    assert len(comparison.votes) == 12
    assert {id for vote in comparison.votes for id in vote.order} == {f"t{i:03}" for i in range(4)}


KILLED = """
import os, sys, signal
import phaseo_nb as nb
from test_comparison import Front, tracks

front = Front(nb.Comparison(tracks(3), name="night", listener="Ann"))
now = front.ask("begin")
kill = front.comparison.send
def send(content, buffers=None):
    os.kill(os.getpid(), signal.SIGKILL)  # the moment at which the page would be told
front.comparison.send = send
front.vote(now, choice="B")
"""


def test_a_kernel_that_is_killed_right_after_a_vote_loses_none(home):
    """SIGKILL before the page has its answer: the vote is in the library, and it counts once."""
    env = {**os.environ, "PHASEO_NB_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    died = subprocess.run([sys.executable, "-c", KILLED], env=env, timeout=60)
    assert died.returncode == -signal.SIGKILL

    comparison = nb.Comparison(tracks(3), name="night", listener="Ann")

    (vote,) = comparison.votes
    assert vote.winner == vote.right
    assert comparison.progress == (1, 3)
    assert Front(comparison).ask("begin")["number"] == 2


# -- other modes -----------------------------------------------------------------------------------


def test_ratings_are_one_page_of_votes():
    """Each recording has a value from 0 to 100; they come by letter and are kept by id."""
    comparison = nb.Comparison(tracks(3), mode="rating", listener="Ann")
    front = Front(comparison)
    now = front.ask("begin")
    order = comparison._run().open.order
    assert now["labels"] == ["A", "B", "C"]
    assert front.vote(now, values={"A": 10, "B": 20})["wrong"]
    assert front.vote(now, values={"A": 10, "B": 20, "C": 101})["wrong"]

    end = front.vote(now, values={"A": 10, "B": 20, "C": 90.5})

    assert end["trial"] is None
    assert {vote.item: vote.rating for vote in comparison.votes} == dict(
        zip(order, (10, 20, 90.5), strict=True)
    )
    assert [place.item for place in nb.rank(comparison.votes)] == list(order[::-1])


def test_scores_come_one_at_a_time():
    """Each recording once, in a random order, 1 to 5."""
    comparison = nb.Comparison(tracks(6), mode="score")
    front = Front(comparison)
    now = front.ask("begin")
    assert now["labels"] == ["A"]
    for bad in (0, 6, 3.5, "4", None):
        assert front.vote(now, values={"A": bad})["wrong"]

    front.run(lambda trial: {"values": {"A": 4}})

    assert sorted(vote.item for vote in comparison.votes) == [f"t{i:03}" for i in range(6)]
    assert {vote.rating for vote in comparison.votes} == {4}


def test_abx_tells_nothing_before_its_end():
    """Neither answers nor results of an unfinished run show right or wrong, a count or a p."""
    comparison = nb.Comparison(tracks(2), mode="abx", listener="Ann")
    front = Front(comparison)
    now = front.ask("begin")
    assert now["labels"] == ["A", "B", "X"]
    assert now["trials"] == 16
    for _ in range(15):
        right = comparison._run().open
        now = front.vote(now, choice="AB"[right.order.index(right.x)])
        assert set(now) == {
            *("answer", "done", "trials", "listener", "trial", "number", "labels", "rate", "names"),
        }

    (result,) = comparison.abx
    assert (result.n, result.n_right, result.p, result.is_finished) == (15, None, None, False)
    assert "unfinished, so there is no result" in repr(result)
    assert not re.search("right|p =", repr(result))


def test_abx_has_an_exact_p_at_its_end():
    """12 of 16 right is p = 0.0384 (one-sided), said to the listener and in the result."""
    comparison = nb.Comparison(tracks(2), mode="abx", listener="Ann")
    turn = itertools.count()

    def choose(trial):
        is_right = next(turn) % 4 != 3
        place = trial.order.index(trial.x)
        return {"choice": "AB"[place if is_right else 1 - place]}

    end = Front(comparison).run(choose)

    (result,) = comparison.abx
    assert (result.n_right, result.n) == (12, 16)
    assert result.p == pytest.approx(0.0384063721)
    assert "12 of 16 right; p = 0.0384" in end["said"]
    with pytest.raises(nb.ExperimentError, match="ABX"):
        nb.rank(comparison.votes)


def test_the_number_of_abx_trials_stays_fixed():
    """Whoever has begun with 16 cannot go on with 20, or stop at 5 with a result."""
    given = tracks(2)
    front = Front(nb.Comparison(given, mode="abx", name="x", listener="Ann"))
    front.vote(front.ask("begin"), choice="A")

    with pytest.raises(nb.ExperimentError, match="16 trials, which were fixed beforehand"):
        nb.Comparison(given, mode="abx", name="x", trials=1)


def test_x_sounds_like_what_it_is():
    """The samples of X are those of A or of B, as the vote says later."""
    given = [track("a", tone(0.2, hertz=300)), track("b", tone(0.2, hertz=900))]
    comparison = nb.Comparison(given, mode="abx", trials=4)
    front = Front(comparison)
    now = front.ask("begin")
    while now["trial"]:
        a, b, x = (front.sound(now, label) for label in "ABX")
        same = [np.array_equal(x, one) for one in (a, b)]
        assert sorted(same) == [False, True]
        now = front.vote(now, choice="AB"[same.index(True)])

    assert comparison.abx[0].n_right == 4


# -- blind -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["preference", "rating", "score", "abx"])
def test_nothing_that_the_page_is_told_names_a_recording(mode):
    """Messages, state and outputs hold no id, title, hash, level or length of their own."""
    seconds = itertools.count(2)
    given = [
        track(f"id-{name}", tone(level, seconds=next(seconds) / 2), format="mp3")
        for name, level in (("harp", 0.05), ("jazz", 0.4))
    ]
    comparison = nb.Comparison(given, mode=mode, name="blind", trials=2 if mode == "abx" else None)
    front = Front(comparison)
    state = {k: v for k, v in comparison.get_state().items() if k not in ("_esm", "_css")}
    bundle, metadata = comparison._repr_mimebundle_()
    sound = re.compile('base64,([^"]+)')
    for coded in sound.findall(bundle["text/html"]):
        assert b"itle" not in base64.b64decode(coded)
    page = [json.dumps([state, metadata], default=str), bundle["text/plain"]]
    page.append(sound.sub("", bundle["text/html"]))
    now = front.ask("begin")
    sizes = set()
    while now["trial"]:
        for label in now["labels"]:
            front.ask("sound", trial=now["trial"], label=label)
            sizes.add(len(front.buffers[0]))
            assert b"Title" not in front.buffers[0]
        values = dict.fromkeys(now["labels"], 3)
        now = front.vote(now, choice="A", values=values)

    told = "\n".join([*page, json.dumps(front.all_told)]).lower()

    assert len(sizes) == 1
    for secret in [
        *("id-harp", "id-jazz", "harp", "jazz", "title of", "lufs", "gain_db"),
        *(one.sha256[:12] for one in given),
    ]:
        assert secret not in told
    gains = [f"{gain:.1f}" for gain in comparison.gains_db.values() if gain]
    assert not any(gain in told for gain in gains)


def test_letters_mean_something_else_each_time():
    """Over many listeners each take is A about half of the time; trial names never repeat."""
    comparison = nb.Comparison(tracks(2))
    front = Front(comparison)
    random.seed(1)
    names, first = set(), 0
    for i in range(60):
        now = front.ask("begin", listener=f"L{i}")
        names.add(now["trial"])
        first += comparison._run().open.order[0] == "t000"

    assert len(names) == 60
    assert 12 <= first <= 48  # a fair coin leaves this once in a million


def test_titles_are_told_where_it_is_not_blind():
    """``blind=False`` shows titles beside the letters, as text; votes say so."""
    evil = track("evil")
    evil.__dict__["title"] = "<img src=x onerror=alert(1)>"
    comparison = nb.Comparison([evil, track("b")], blind=False)
    front = Front(comparison)
    now = front.ask("begin")

    assert set(now["names"].values()) == {"<img src=x onerror=alert(1)>", "Title of b"}
    front.vote(now, choice="A")
    assert not comparison.votes[0].blind


def test_what_was_heard_is_told_after_the_last_trial():
    """Before it the page gets nothing; after it titles, levels and what was said."""
    comparison = nb.Comparison([track("quiet", tone(0.05)), track("loud", tone(0.5))])
    front = Front(comparison)
    now = front.ask("begin")
    assert "after the last trial" in front.ask("reveal")["wrong"]
    winner = comparison._run().open.order[0]
    front.vote(now, choice="A")

    rows = front.ask("reveal")["rows"]

    told = {row[0]: row for row in rows}
    assert "turned down 20.0 dB" in told["Title of loud"][2]
    assert told[f"Title of {winner}"][3] == "preferred in 1 of 1"


def test_who_has_seen_is_not_blind_any_more():
    """Votes after ``reveal()`` say so, also in another kernel; other listeners stay blind."""
    given = tracks(3)
    comparison = nb.Comparison(given, listener="Ann", name="seen")
    front = Front(comparison)
    now = front.vote(front.ask("begin"), choice="A")
    assert "Title of t000" in repr(comparison.reveal())
    front.vote(now, choice="A")
    again = nb.Comparison(given, listener="Ann", name="seen")
    Front(again).run(lambda trial: {"choice": "A"})
    Front(nb.Comparison(given, listener="Bo", name="seen")).run(lambda trial: {"choice": "A"})

    assert [vote.blind for vote in again.votes.by("Ann")] == [True, False, False]
    assert all(vote.blind for vote in again.votes.by("Bo"))


# -- what cannot be compared -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        (list, {}, "at least two recordings, and there is no recording"),
        (lambda: tracks(1), {}, "at least two recordings, and there is one recording"),
        (lambda: track("a"), {}, "there is one recording"),
        (lambda: 7, {}, "7 cannot be compared. Give a list of takes"),
        (lambda: [track("a"), None], {}, "None cannot be compared"),
        (lambda: {"a": 1}, {}, "cannot be compared"),
        (lambda: "nothing", {}, "has no take and no job"),
        (lambda: [track("a"), track("b", data=b"\x00" * 500)], {}, "(b) cannot be heard"),
        (lambda: [track("a"), track("b", data=b"<html>login")], {}, "Leave it out"),
        (lambda: [track("a"), track("b", data=b"")], {}, "(b) cannot be heard"),
        (lambda: [track("a"), KeptTrack(nb.Track(0, id="b"))], {}, "has no recording here"),
        (lambda: [track("a"), track("b", tone(seconds=0.01))], {}, "too little to be heard"),
        (lambda: tracks(2), {"mode": "mushra"}, "mode = 'mushra' is not a mode. Choose from"),
        (lambda: tracks(3), {"mode": "abx"}, "ABX asks whether two"),
        (lambda: tracks(13), {"mode": "rating"}, "13 recordings are too many to rate on one page"),
        (lambda: tracks(2), {"trials": 0}, "trials = 0 is no number of trials"),
        (lambda: tracks(2), {"trials": True}, "trials = True"),
        (lambda: tracks(2), {"trials": 10**400}, "is no number of trials"),
        (lambda: tracks(2), {"mode": "score", "trials": 3}, "trials is for preferences and ABX"),
        (lambda: tracks(2), {"loop": (0, 3)}, "goes beyond the end of the shortest recording"),
        (lambda: tracks(2), {"loop": (2, 1)}, "is no stretch"),
        (lambda: tracks(2), {"loop": (math.nan, 1)}, "is no stretch"),
        (lambda: tracks(2), {"loop": "ab"}, "is no stretch"),
        (lambda: tracks(2), {"loop": None}, "is no stretch"),
        (lambda: tracks(2), {"pairs": "all"}, "Choose balanced or informative"),
        (lambda: tracks(2), {"listener": ""}, "listener = ''"),
        (lambda: tracks(2), {"name": "n" * 121}, "name ="),
        (lambda: tracks(2), {"question": 7}, "question = 7"),
    ],
)
def test_what_cannot_be_compared_is_said(given, more, said):
    """One clear sentence with a way out, and no traceback of somebody else's."""
    with pytest.raises(nb.ExperimentError, match=re.escape(said)):
        nb.Comparison(given(), **more)


def test_one_recording_twice_is_said():
    """A take against itself is a slip, and would make a vote that says nothing."""
    one = nb.run(nb.generate("harp", duration=1, session=nb.connect("sandbox"), show=False))

    with pytest.raises(nb.ExperimentError, match="is there twice"):
        nb.Comparison([one, one.id])


def test_silence_is_flagged_and_left_as_it_is():
    """Silence has no loudness to match: the others are not turned down to it."""
    given = [track("none", tone(0.0)), track("a", tone(0.1)), track("b", tone(0.2))]

    comparison = nb.Comparison(given)

    assert comparison.gains_db == pytest.approx({"none": 0, "a": 0, "b": -6.02}, abs=0.05)
    assert any("(none) is silent" in note for note in comparison.notes)
    end = Front(comparison).run(prefer("a"))
    assert end["trial"] is None


def test_only_silence_can_be_heard_without_a_crash():
    """Nothing to match at all."""
    comparison = nb.Comparison([track("a", tone(0.0)), track("b", tone(0.0))])

    assert comparison.gains_db == {"a": 0, "b": 0}
    assert len(comparison.notes) == 2


def test_a_short_recording_is_named():
    """0.2 s of one leave 0.2 s of all, which is said; the comparison works."""
    comparison = nb.Comparison([track("short", tone(seconds=0.2)), track("long", tone(seconds=3))])

    assert any("(short) lasts 0.2 s" in note for note in comparison.notes)
    assert comparison.get_state()["_shown"]["short"]
    front = Front(comparison)
    assert front.sound(front.ask("begin"), "A").shape[1] == round(0.2 * RATE)


def test_a_very_quiet_recording_is_named():
    """Everything would be turned down by 40 dB for its sake."""
    comparison = nb.Comparison([track("faint", tone(0.004)), track("b", tone(0.5))])

    assert any("(faint) is very quiet" in note for note in comparison.notes)


def test_two_hundred_takes_can_be_compared():
    """Far fewer pairs than 19,900; they connect all takes, and how many there are is said."""
    given = [track(f"t{i:03}", tone(0.1 + i / 1000, seconds=0.1, rate=8000), rate=8000)
             for i in range(200)]  # fmt: skip

    comparison = nb.Comparison(given)

    assert comparison.progress == (0, 400)
    assert any("400 pairs are a lot" in note for note in comparison.notes)
    assert any("cannot connect" in note for note in nb.Comparison(given, trials=20).notes)
    now = Front(comparison).ask("begin")
    assert now["labels"] == ["A", "B"]
    assert len(comparison._repr_mimebundle_()[0]["text/html"]) < 4_000


def test_all_ties_of_one_listener_rank_nothing_above_anything():
    """Ties are no order: nothing is called preferred, and one listener is called one."""
    comparison = nb.Comparison(tracks(3), listener="Ann")
    Front(comparison).run(lambda trial: {"choice": "tie"})

    ranking = nb.rank(comparison.votes)

    assert {place.position for place in ranking} == {1}
    settled = "The votes settle nothing yet: no item is certainly preferred to another."
    assert ranking.statements == [settled]
    assert "one listener" in repr(ranking)


# -- takes, ids, sweeps ----------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_takes_ids_and_results_of_a_sweep_can_be_given():
    """All of them stand for the first track of a take, under the take's id."""
    nb.connect("sandbox")
    sweep = nb.Sweep(prompt=["slow harp", "jazz"], duration=1, name="both")
    with pytest.raises(nb.ExperimentError, match=re.escape("await sweep.run()")):
        nb.Comparison(sweep)
    nb.run(sweep.run())
    ids = [cell.id for cell in sweep.cells()]

    for given in (sweep, sweep.results, sweep.cells(), ids, nb.library().recent(2)[::-1]):
        assert sorted(nb.Comparison(given).gains_db) == sorted(ids)


def test_recordings_of_one_name_are_told_apart():
    """Tracks of two takes may have one id at the service; then they go by what is in them."""
    comparison = nb.Comparison([track("c0", tone(0.1)), track("c0", tone(0.2))])

    assert len(comparison.gains_db) == 2


def test_votes_go_to_the_library_that_is_given(tmp_path):
    """And to no other."""
    comparison = nb.Comparison(tracks(2), library=tmp_path / "there", name="n")
    Front(comparison).run(lambda trial: {"choice": "A"})

    assert len(comparison.votes) == 1
    assert nb.Votes.load("n") == []
    comparison.library.close()


def test_its_words_are_short_and_name_no_take():
    """The line in a terminal tells mode, number, progress, and no id."""
    comparison = nb.Comparison(tracks(3), name="x")

    assert repr(comparison) == "<Comparison 'x': preference of 3, blind, 0 of 3 done>"
