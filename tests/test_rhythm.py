"""When a job is asked about: by what its model usually takes, as far as that is known."""

from __future__ import annotations

import itertools

import pytest
from journals import journal_of
from wires import KEY, Wire

import phaseo_nb as nb
from phaseo_nb.client import MusicClient

SUNO = "suno/v4.5"


@pytest.fixture
def pauses(monkeypatch):
    """Every pause that a client makes, which takes no time at all here."""
    made = []

    async def sleep(seconds):
        made.append(seconds)

    inner = MusicClient.of.__func__
    of = classmethod(lambda cls, connection, **more: inner(cls, connection, sleep=sleep, **more))
    monkeypatch.setattr(MusicClient, "of", of)
    return made


def generate(pauses, prompt, model=SUNO):
    wire = Wire(gets=[lambda wire: wire.state("queued")] * 5 + [Wire.done])
    session = nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    del pauses[:]
    nb.submit(prompt, model=model, show=False, session=session).result(30)
    return list(pauses)


def took(home, seconds):
    """Let everything that is kept have taken so long."""
    nb.library().close()
    with journal_of(home) as db:
        db.execute("UPDATE takes SET seconds = ?", (seconds,))


def test_a_provider_with_a_known_time_is_left_in_peace_at_first(pauses):
    """Suno takes about 100 s, so the first question comes after some 25 of them."""
    first, *others = generate(pauses, "a waltz")

    assert 20 < first <= 30
    assert all(1.0 <= pause < first for pause in others)


def test_where_nothing_is_known_it_is_asked_soon(pauses):
    """Another provider's jobs may be short: 1, 2, 3 seconds."""
    assert generate(pauses, "a waltz", "minimax/music-2.6")[:3] == [1.0, 2.0, 3.0]


def test_the_librarys_own_times_count_after_three_jobs(pauses, home):
    """This account's jobs take 10 s: from the fourth on it is asked in that rhythm."""
    for n in range(3):
        assert generate(pauses, f"waltz {n}")[0] > 20
    took(home, 10.0)

    first = generate(pauses, "waltz 4")[0]
    assert 3.0 <= first <= 6.0


def test_a_model_that_always_takes_as_long_is_asked_less(pauses, home):
    """Eight jobs of 5 s to the tenth: the ninth is asked about three times at most."""
    for n in range(8):
        generate(pauses, f"waltz {n}")
    took(home, 5.2)

    at = list(itertools.accumulate(generate(pauses, "waltz 9")))
    assert next(n for n, moment in enumerate(at, start=1) if moment >= 5.0) <= 3


def test_other_models_times_do_not_count(pauses, home):
    """What one model takes says nothing of another."""
    for n in range(3):
        generate(pauses, f"waltz {n}")
    took(home, 10.0)

    assert generate(pauses, "waltz 4", "suno/v5")[0] > 20


def test_udio_keeps_the_pace_its_page_asks_for(pauses, home):
    """Five seconds, whatever the library knows: its feed tells words and the first track."""
    session = nb.connect("udio", api_key="a-key-of-nobody", transport=Wire().transport)

    assert session._rhythm.poll(nb.Job(n=1, request=nb.UdioRequest(prompt="la")), 0.0) is None


def test_a_rhythm_that_somebody_set_wins(pauses):
    """MusicClient.poll is asked as before, whatever is known of the model."""
    wire = Wire(gets=[lambda wire: wire.state("queued"), Wire.done])
    session = nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    session._client.poll = lambda interval: iter([7.0] * 9)
    nb.submit("a waltz", model=SUNO, show=False, session=session).result(30)

    assert pauses == [7.0, 7.0]
