"""When to ask next."""

from __future__ import annotations

from itertools import islice

import pytest

from phaseo_nb.polling import LONGEST, schedule


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
