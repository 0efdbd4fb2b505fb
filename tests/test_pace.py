"""A thousand orders in one go do not hold up the event loop."""

from __future__ import annotations

import asyncio

import pytest

from phaseo_nb.client import pace
from phaseo_nb.client.pace import Pace

pytestmark = pytest.mark.anyio


async def rounds(work, monkeypatch, *, n):
    """Return in which round of the loop each of ``n`` tasks had its turn."""
    loop, mine = asyncio.get_running_loop(), Pace()
    now, seen, turns = [100.0], [0], []
    monkeypatch.setattr(loop, "time", lambda: now[0])

    def count():
        seen[0] += 1
        if len(turns) < n:
            loop.call_soon(count)

    async def task():
        await mine.turn()
        now[0] += work
        turns.append(seen[0])

    loop.call_soon(count)
    await asyncio.gather(*(task() for _ in range(n)))
    monkeypatch.undo()
    return turns


async def test_one_round_takes_no_more_than_its_share(monkeypatch):
    """Of a hundred that take a quarter of the share each, four have their turn in a round."""
    turns = await rounds(pace.BUDGET / 4, monkeypatch, n=100)

    assert len(turns) == 100
    assert max(turns.count(seen) for seen in turns) <= 5
    assert len(set(turns)) >= 20


async def test_a_few_have_their_turn_at_once(monkeypatch):
    """What fits into one round is not spread."""
    turns = await rounds(pace.BUDGET / 1000, monkeypatch, n=50)

    assert len(set(turns)) == 1
