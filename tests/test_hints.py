"""Hints: when a question is due, and that nobody can make a client ask as it likes."""

from __future__ import annotations

import asyncio
from itertools import islice

import pytest

from phaseo_nb.client import hints as room
from phaseo_nb.client.hints import QUIET, Hints, paced
from phaseo_nb.polling import schedule

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


async def test_silence_ends_after_the_pause(monkeypatch):
    """Without a word the question comes after the pause, as ever."""
    loop = Loop(monkeypatch)

    assert await Hints().rest(60.0, 5.0, None) is True
    assert loop.now == 60.0


async def test_the_end_is_asked_about_at_once(monkeypatch):
    """A word of the end is worth a question at once, also within the service's own interval."""
    hints = Hints()
    loop = Loop(monkeypatch, (0.5, lambda: hints.hear(is_over=True)))

    assert await hints.rest(60.0, 5.0, None) is True
    assert loop.now == 0.5


async def test_the_end_is_said_once(monkeypatch):
    """Said again, and again, it brings questions at the service's own pace only."""
    hints = Hints()
    many = [(0.1 * n, lambda: hints.hear(is_over=True)) for n in range(1, 1000)]
    loop = Loop(monkeypatch, *many)

    await hints.rest(60.0, 5.0, None)
    first = loop.now
    await hints.rest(5.0, 5.0, None)

    assert (first, loop.now) == pytest.approx((0.1, 5.1), abs=0.2)


async def test_news_waits_for_the_services_pace(monkeypatch):
    """The first track is worth a question, but none sooner than the service allows."""
    hints = Hints()
    loop = Loop(monkeypatch, (1.0, lambda: hints.hear(is_news=True)))

    await hints.rest(60.0, 5.0, None)

    assert loop.now == 5.0


async def test_a_word_starts_the_silence_anew(monkeypatch):
    """Whoever is heard of need not be asked about: silence counts from the last word."""
    hints = Hints()
    loop = Loop(monkeypatch, (50.0, hints.hear))

    await hints.rest(60.0, 5.0, None)

    assert loop.now == 110.0


async def test_the_limit_comes_first(monkeypatch):
    """At the deadline nothing is due."""
    loop = Loop(monkeypatch)

    assert await Hints().rest(60.0, 5.0, 20.0) is False
    assert loop.now == 20.0


async def test_a_word_before_the_wait_counts(monkeypatch):
    """What was heard while nobody waited is not forgotten."""
    hints = Hints()
    hints.hear(is_over=True)
    loop = Loop(monkeypatch)

    assert await hints.rest(60.0, 5.0, None) is True
    assert loop.now == 0.0


def test_pauses_are_long_only_while_hints_can_be_trusted():
    """A minute by default; the usual ones once the end was said, or nothing came that should."""
    hints = Hints()
    assert list(islice(paced(schedule(5.0), hints), 3)) == [QUIET] * 3
    assert list(islice(paced(schedule(5.0), None), 3)) == [5.0] * 3

    hints.hear(is_over=True)
    assert list(islice(paced(schedule(5.0), hints), 3)) == [5.0] * 3


def test_callbacks_that_do_not_come_are_noticed_once(caplog):
    """The feed is at a stage that should have been reported: said once, then asked as usual."""
    room._said.clear()
    for _ in range(2):
        hints = Hints("callbacks at https://my.host")
        hints.compare("new", is_finished=False)
        assert not hints.is_deaf
        hints.compare("text", is_finished=False)
        assert hints.is_deaf
        assert hints.pause(5.0) == 5.0

    assert caplog.text.count("my.host") == 1


def test_whoever_is_heard_is_not_missing(caplog):
    """Where something arrived, the feed may be ahead of it without anything being said."""
    hints = Hints()
    hints.hear()
    hints.compare("first", is_finished=False)

    assert not hints.is_deaf
    assert caplog.text == ""
