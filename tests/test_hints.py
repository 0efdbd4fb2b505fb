"""Hints: when a question is due, and that nobody can make a client ask as it likes."""

from __future__ import annotations

import asyncio

import pytest

from phaseo_nb.client import hints as room
from phaseo_nb.client.hints import QUIET, Hints, Way

pytestmark = pytest.mark.anyio


class Loop:
    """A time of its own in place of the event loop's, so that minutes pass at once."""

    def __init__(self, monkeypatch, *events):
        self.now = 0.0
        self.events = list(events)
        """(when, what is heard then)."""
        monkeypatch.setattr(room.asyncio, "get_running_loop", lambda: self)
        monkeypatch.setattr(room.asyncio, "wait_for", self._wait_for)

    def time(self):
        return self.now

    async def _wait_for(self, waiting, seconds):
        waiting.close()
        ends = self.now + seconds
        if self.events and self.events[0][0] <= ends:
            self.now, heard = self.events.pop(0)
            heard()
            return
        self.now = ends
        raise asyncio.TimeoutError


@pytest.fixture
def hints():
    """Hints that come by a way which has been proven."""
    way = Way("callbacks at https://my.host")
    way.is_proven = True
    return Hints(way)


async def test_nothing_proven_is_nothing_relied_on(monkeypatch):
    """Until the first word has come by a way, questions come as usual."""
    loop = Loop(monkeypatch)

    assert await Hints().rest(5.0, 5.0, None) is True
    assert loop.now == 5.0


async def test_silence_ends_all_the_same(monkeypatch, hints):
    """By a proven way too, a word may get lost: half a minute of silence ends in a question."""
    loop = Loop(monkeypatch)

    assert await hints.rest(5.0, 5.0, None) is True
    assert loop.now == QUIET == 30.0


async def test_another_jobs_word_proves_the_way(monkeypatch):
    """What is reported of one job says that the others will be, too."""
    way = Way()
    one, other = Hints(way), Hints(way)
    loop = Loop(monkeypatch, (1.0, lambda: other.hear("text")))

    await one.rest(5.0, 5.0, None)

    assert loop.now >= QUIET


async def test_the_end_is_asked_about_at_once(monkeypatch, hints):
    """A word of the end is worth a question at once, also within the service's own interval."""
    loop = Loop(monkeypatch, (0.5, lambda: hints.hear(is_over=True)))

    assert await hints.rest(5.0, 5.0, None) is True
    assert loop.now == 0.5


async def test_the_end_is_said_once(monkeypatch, hints):
    """Said again, and again, it brings questions at the service's own pace only."""
    many = [(0.1 * n, lambda: hints.hear(is_over=True)) for n in range(1, 1000)]
    loop = Loop(monkeypatch, *many)

    await hints.rest(5.0, 5.0, None)
    first = loop.now
    await hints.rest(5.0, 5.0, None)

    assert (first, loop.now) == pytest.approx((0.1, 5.1), abs=0.2)


async def test_news_waits_for_the_services_pace(monkeypatch, hints):
    """The first track is worth a question, but none sooner than the service allows."""
    loop = Loop(monkeypatch, (1.0, lambda: hints.hear("first")))

    await hints.rest(5.0, 5.0, None)

    assert loop.now == 5.0


async def test_news_is_news_once(monkeypatch, hints):
    """The first track said again, or after the end, is no reason to ask."""
    hints.hear("first")
    loop = Loop(monkeypatch, *[(10.0 + n, lambda: hints.hear("first")) for n in range(5)])

    await hints.rest(5.0, 5.0, None)
    first = loop.now
    await hints.rest(5.0, 5.0, None)

    assert (first, loop.now) == (5.0, 14.0 + QUIET)


async def test_a_word_starts_the_silence_anew(monkeypatch, hints):
    """Whoever is heard of need not be asked about: silence counts from the last word."""
    loop = Loop(monkeypatch, (20.0, lambda: hints.hear("text")))

    await hints.rest(5.0, 5.0, None)

    assert loop.now == 50.0


async def test_the_limit_comes_first(monkeypatch, hints):
    """At the deadline nothing is due."""
    loop = Loop(monkeypatch)

    assert await hints.rest(5.0, 5.0, 20.0) is False
    assert loop.now == 20.0


async def test_a_word_before_the_wait_counts(monkeypatch, hints):
    """What was heard while nobody waited is not forgotten."""
    hints.hear(is_over=True)
    loop = Loop(monkeypatch)

    assert await hints.rest(5.0, 5.0, None) is True
    assert loop.now == 0.0


def test_after_the_end_it_is_asked_as_usual(hints):
    """The feed may need a moment to know of an end that was reported."""
    assert hints.pause(5.0) == QUIET
    hints.hear(is_over=True)
    assert hints.pause(5.0) == 5.0


@pytest.mark.parametrize("heard", [None, "text"], ids=["nothing came", "the rest does not come"])
def test_callbacks_that_do_not_come_are_noticed(caplog, hints, heard):
    """The feed is further than what was reported: then it is asked as usual, and that is said."""
    if heard:
        hints.hear(heard)
    hints.compare("text" if heard else "new", is_finished=False)
    assert not hints.is_deaf
    hints.compare("first", is_finished=False)  # perhaps it is on its way
    assert hints.pause(5.0) == 5.0
    assert caplog.text == ""
    hints.compare("first", is_finished=False)
    hints.compare("first", is_finished=False)

    assert not hints.way.is_proven
    assert caplog.text.count("https://my.host") == 1
    assert "door.is_open" in caplog.text


def test_a_late_word_is_trusted_again(hints):
    """What comes after all proves the way anew."""
    hints.compare("text", is_finished=False)
    hints.hear("text")

    assert hints.pause(5.0) == QUIET


def test_whoever_reports_more_is_not_missing(caplog, hints):
    """Where the callbacks are as far as the feed, or further, nothing is said."""
    hints.hear("first")
    for _ in range(3):
        hints.compare("first", is_finished=False)
        hints.compare("text", is_finished=False)

    assert not hints.is_deaf
    assert caplog.text == ""
