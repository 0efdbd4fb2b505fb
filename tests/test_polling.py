"""When to ask next."""

from __future__ import annotations

from itertools import islice

import pytest

from phaseo_nb.polling import LONGEST, SPREAD, learned, schedule, spread_of


def first(n, *args):
    return list(islice(schedule(*args), n))


def test_the_first_question_is_not_asked_at_once():
    """There is a pause before the first question, and it is short."""
    assert first(1) == [1.0]


def test_pauses_grow_and_stay_bounded():
    """Pauses never shrink and end at a fixed length."""
    pauses = first(200)

    assert pauses == sorted(pauses)
    assert pauses[:5] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert pauses[-1] == LONGEST == 10.0


@pytest.mark.parametrize("least", [0.05, 0.25, 1.0, 5.0, 30.0])
def test_no_pause_is_shorter_than_the_gateway_asks(least):
    """The gateway's shortest interval holds for every pause."""
    assert min(first(200, least)) >= least


def test_a_long_job_is_not_asked_about_for_ever_closely():
    """Ten minutes of waiting are fewer than eighty questions, the first two minutes 28 at most."""
    total, asked = 0.0, 0
    for pause in schedule():
        total += pause
        if total > 600:
            break
        asked += 1
    assert 60 <= asked < 80


def test_where_asking_costs_nothing_it_is_asked_sooner():
    """The sandbox's short interval shrinks the whole schedule."""
    assert first(4, 0.25) == [0.25, 0.5, 0.75, 1.0]


# -- where it is known how long jobs take --------------------------------------------------------


def asked_at(pauses):
    times, at = [], 0.0
    for pause in pauses:
        at += pause
        times.append(at)
    return times


@pytest.mark.parametrize("median", [5.0, 20.0, 60.0, 180.0, 3600.0])
def test_it_is_asked_most_often_where_a_job_probably_ends(median):
    """Pauses are long at first, shorter around the median, and longer again much later."""
    pauses = list(islice(learned(median)(1.0), 400))
    at = asked_at(pauses)
    around = pauses[next(i for i, moment in enumerate(at) if moment > median)]

    assert pauses[0] >= max(1.0, 0.15 * median)
    assert around <= pauses[0]
    assert max(pauses) <= max(1.0, 0.3 * median) * 1.01


def test_a_job_on_its_way_is_asked_about_as_its_age_says():
    """Taken up after a minute, it is not asked about as if it had just begun."""
    fresh = list(islice(learned(60.0)(1.0), 12))
    late = next(learned(60.0, age=60.0)(1.0))
    pause_then = next(
        pause for pause, moment in zip(fresh[1:], asked_at(fresh), strict=False) if moment > 60
    )

    assert fresh[0] > 15
    assert late == pytest.approx(pause_then, rel=0.15)


@pytest.mark.parametrize("least", [1.0, 5.0, 30.0])
def test_what_was_learned_never_goes_below_the_services_interval(least):
    """The gateway's shortest interval holds here too, and fractions of a second are for none."""
    assert min(islice(learned(3.0)(least), 200)) >= least


def test_where_asking_costs_nothing_nothing_is_learned():
    """The sandbox is asked in its own close rhythm, however long it took before."""
    assert first(20, 0.25) == list(islice(learned(60.0)(0.25), 20))


@pytest.mark.parametrize("median", [1e-6, 0.01, 1e7])
def test_odd_medians_do_no_harm(median):
    """Times from a journal may be anything; pauses stay finite and positive."""
    pauses = list(islice(learned(median, age=1e6)(1.0), 50))

    assert all(0 < pause < float("inf") for pause in pauses)


# -- how much times scatter ------------------------------------------------------------------------


def test_few_times_prove_little():
    """Three equal times narrow the usual spread a little, thirty a lot; none leaves it alone."""
    none, three, thirty = (spread_of([60.0] * n, 60.0) for n in (0, 3, 30))

    assert none == SPREAD
    assert SPREAD / 2 < three < SPREAD
    assert thirty < SPREAD / 3


@pytest.mark.parametrize(
    "times", [[1.0, 1e9], [0.0, -1.0], [1e-9] * 40], ids=["far apart", "no times", "tiny"]
)
def test_odd_times_give_a_usable_spread(times):
    """Times from a journal may be anything; the spread never passes the usual one."""
    assert 0 < spread_of(times, 60.0) <= SPREAD


def test_jobs_that_take_as_long_as_each_other_need_few_questions():
    """Jobs of 60 s sharp: fewer questions until their end than for jobs that scatter."""
    sharp, usual = (
        sum(moment < 60 for moment in asked_at(list(islice(learned(60.0, 0.0, s)(1.0), 60))))
        for s in (0.1, SPREAD)
    )

    assert sharp < usual
