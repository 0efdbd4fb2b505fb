"""Playing one fault through the whole public path, and saying what came of it.

A cell is run, run again, the service is repaired, ``nb.resume()`` is called, and the cell is run
once more. What must be true of every fault is checked here; which end a fault should come to
stands in the tables of the tests.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from fake_gateway import KEY

import phaseo_nb as nb
from phaseo_nb import connecting, keeping
from phaseo_nb.client import MusicClient
from phaseo_nb.transport.audio_host import Limits

from .answers import long_sound
from .music import SECONDS, Room, sound_of
from .rows import MODELS, Row
from .server import FaultService

GRACE = 8.0
"""Seconds after its deadline by which a cell must have come back: the five that a question may
still take (which the client states), and what a busy machine needs."""

LIBRARIES = re.compile(
    r"\b(httpx|httpcore|h11|h2|anyio|asyncio|ssl|_ssl|json|zlib|sqlite3|pydantic|urllib3?|socket)\b"
    r"|\b[A-Z][a-z]+[A-Za-z]*(Error|Exception|Timeout)\b|\[Errno|Traceback|0x[0-9a-f]{6}"
)
"""What belongs into a traceback, not into a message."""


class Naps:
    """Sleep that takes no time, and a clock that moves by it, faster than it was asked to.

    As on a machine that wakes late: five minutes of patience are over after a few questions.
    """

    def __init__(self) -> None:
        self.slept = 0.0
        self.longest = 0.0

    def clock(self) -> float:
        return time.monotonic() + self.slept

    async def sleep(self, seconds: float) -> None:
        self.slept += 6 * seconds
        self.longest = max(self.longest, seconds)
        await anyio.sleep(0.001)


def nap(monkeypatch: Any) -> None:
    """Let clients sleep without waiting, each by a clock of its own."""
    made = MusicClient.of.__func__  # type: ignore[attr-defined]

    def of(cls: type[MusicClient], connection: Any, **more: Any) -> MusicClient:
        naps = Naps()
        silence = _silences.get(connection.base_url, 20.0)
        limits = Limits(max_bytes=20_100_000, rate_window=silence, silence=silence, total=60.0)
        client: MusicClient = made(
            cls,
            connection,
            timeout=silence,
            limits=limits,
            sleep=naps.sleep,
            clock=naps.clock,
            **more,
        )
        client.naps = naps  # type: ignore[attr-defined]
        return client

    monkeypatch.setattr(MusicClient, "of", classmethod(of))


_silences: dict[str, float] = {}

Play = Callable[[Row], None]


def set_silence(base_url: str, seconds: float) -> None:
    """Say how long one request of the clients of an address may be silent, in real seconds."""
    _silences[base_url] = seconds


@contextmanager
def playing(rows: Iterable[Row], folder: Path) -> Iterator[tuple[FaultService, Play]]:
    """Run a service, and begin with the rows that take real time, in threads.

    Returns it with a function that plays a row, or waits for the one that is being played.
    """
    with (
        pytest.MonkeyPatch.context() as patch,
        FaultService() as service,
        ThreadPoolExecutor(32) as threads,
    ):
        for name in [name for name in os.environ if name.startswith(("PHASEO_", "UDIOAPI_"))]:
            patch.delenv(name)
        patch.setenv("PHASEO_NB_HOME", str(folder / "unused"))
        nap(patch)

        def play(row: Row) -> None:
            Player(service, row, folder / str(row)).play()

        ahead = {row: threads.submit(play, row) for row in rows if row.is_slow}
        yield service, lambda row: ahead[row].result(120) if row in ahead else play(row)
    keeping.folder.close_all()
    connecting._default = None


class Player:
    """Plays a row in a room and a library of its own."""

    def __init__(self, service: FaultService, row: Row, home: Path, url: str | None = None) -> None:
        self.row = row
        self.home = home
        self.room = service.room(f"{row.fault}/{row.way}")
        base = f"{url or service.url}/{self.room.name}"
        wire = "udio" if row.way == "udio" else "phaseo"
        base_url = base if wire == "udio" else f"{base}/v1"
        set_silence(base_url, row.silence)
        self.session = nb.connect(
            wire, api_key=KEY, base_url=base_url, model=MODELS[row.way], library=home
        )
        self.library = self.session.library

    def play(self) -> None:
        """Play the whole row; raises ``AssertionError`` where something is not as it should be."""
        try:
            self._play(self.row.end)
        finally:
            self.library.close()

    def _play(self, end: str) -> None:
        first = self.run_cell()
        assert ends_as(first) == end, f"ended as {first!r}"
        self.check_books()
        assert self.row.at or self.room.visits.get(self.row.stage), "the fault never happened"
        if end == "survived":
            self._is_free_from_now_on()
        elif end == "uncertain":
            self._stays_in_doubt()
        elif end == "partial":
            self._is_kept(self.run_cell())
        elif end == "JobFailed":
            self._is_over()
        elif self.row.stage == "submit":
            self._was_refused()
        else:
            self._stays_open()

    # -- what follows from each end --------------------------------------------------------------

    def _is_free_from_now_on(self) -> None:
        self._is_kept(self.run_cell())
        assert nb.resume(session=self.session, show=False) == []

    def _stays_in_doubt(self) -> None:
        submits = self.room.visits["submit"]
        self.is_in_doubt()
        self.room.heal()
        assert nb.resume(session=self.session, show=False) == []
        self.is_in_doubt()
        assert self.room.visits["submit"] == submits

    def is_in_doubt(self) -> None:
        assert ends_as(self.run_cell()) == "uncertain"
        assert [attempt.state for attempt in self.library.uncertain()] == ["uncertain"]
        assert len(self.library.unfinished()) == len(self.library.recent()) == 0

    def _is_over(self) -> None:
        """A failed job is no answer, and one without audio is not bought again by itself."""
        states = {attempt.state for attempt in self.library.recent(status="failed")}
        states |= {attempt.state for attempt in self.library.uncertain()}
        assert states in ({"failed"}, {"empty"})
        assert self.room.paid == 1
        if states == {"empty"}:
            assert ends_as(self.run_cell()) == "JobFailed"
            assert self.room.paid == 1

    def _was_refused(self) -> None:
        """Nothing was paid, and nothing is left; the cell sends it again."""
        assert self.room.paid == 0
        assert len(self.library.unfinished()) == len(self.library.uncertain()) == 0
        self.room.heal()
        self._is_kept(self.run_cell())

    def _stays_open(self) -> None:
        """What is paid stays listed; the cell goes on with it, and so does ``resume()``."""
        assert len(self.library.unfinished()) == 1
        again = self.run_cell()
        assert not isinstance(again, nb.UncertainSubmission)
        self.check_books()
        self.room.heal()
        jobs = nb.resume(session=self.session, show=False)
        assert len(jobs) == (0 if isinstance(again, nb.Take) else 1)
        for job in jobs:
            self._is_kept(job.result(30))
        self._is_kept(self.run_cell())

    def _is_kept(self, outcome: Any) -> None:
        assert isinstance(outcome, nb.Take), f"ended as {outcome!r}"
        assert len(self.library.recent()) == 1
        assert len(self.library.unfinished()) == len(self.library.uncertain()) == 0
        self.check_books()

    # -- what holds always -----------------------------------------------------------------------

    def run_cell(self) -> nb.Take | nb.PhaseoError:
        """Run the cell; returns the take or our error."""
        began = time.monotonic()
        cell = nb.generate("a waltz", show=False, timeout=self.row.timeout, session=self.session)
        try:
            outcome: nb.Take | nb.PhaseoError = nb.run(cell)
        except nb.PhaseoError as error:
            check_words(error)
            outcome = error
        took = time.monotonic() - began
        client = self.session._client
        assert took < min(self.row.timeout, 20.0) + GRACE, f"hung for {took:.1f} s"
        assert client.naps.longest <= 66.0, "slept for longer than anybody should"  # type: ignore[attr-defined]
        return outcome

    def check_books(self) -> None:
        """Nothing is paid twice, lost, half there, or not what the service made."""
        assert self.room.paid <= 1, "paid twice"
        takes = self.library.recent()
        listed = [*takes, *self.library.unfinished(), *self.library.uncertain()]
        listed += self.library.recent(status="failed")
        assert len(listed) >= self.room.paid, "paid, and neither kept nor listed"
        for take in takes:
            self._check_take(take)
        for path in self.home.rglob("*"):
            assert ".part" not in path.name, f"{path.name} was left behind"
            if path.is_file() and path.parent.parent.name == "audio":
                assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()

    def _check_take(self, take: nb.Take) -> None:
        expected = recordings(self.room, self.row)
        kept = {track.path.read_bytes() for track in take.tracks if track.path}
        assert kept == expected if ends_as(take) == "survived" else kept < expected
        assert len(expected) == self.room.orders[-1].n_tracks
        for track in take.tracks:
            if self.row.way != "instant":
                assert track.title == f"Tide {self.room.orders[-1].number}{track.title[-1]}"
                assert track.duration in (SECONDS, None)
            assert track.path is None or track.audio()[0].shape[1] >= 7_000


def recordings(room: Room, row: Row) -> set[bytes]:
    """Return what should be kept, as the service made it."""
    numbers = room.orders[-1].tracks
    is_long = row.fault.startswith("download-20mb")
    sounds = {sound_of(number) for number in numbers}
    if is_long and row.fault.endswith("always"):
        return {long_sound(number) for number in numbers}
    if is_long:  # the first that was fetched is the long one, whichever that was
        return {long_sound(n) if n == room.first_fetched else sound_of(n) for n in numbers}
    return sounds


def ends_as(outcome: nb.Take | nb.PhaseoError) -> str:
    """Name an end in the words of the tables."""
    if isinstance(outcome, nb.UncertainSubmission):
        return "uncertain"
    if not isinstance(outcome, nb.Take):
        return type(outcome).__name__
    return "survived" if all(track.has_audio for track in outcome.tracks) else "partial"


def check_words(error: nb.PhaseoError) -> None:
    """An error says what happened, why and what next, in words that are not a library's."""
    words = str(error)
    assert KEY not in words + repr(error) + repr(vars(error))
    found = LIBRARIES.search(re.sub(r"https?://\S+", "", words))
    assert found is None, f"{found[0]!r} in {words!r}"
    sentences = re.split(r"(?<=[.!?])\s", words)
    assert len(sentences) >= 2, words
    assert words[0].isupper(), words
    assert words[-1] in ".!?)…", words
    assert len(words) < 1200, words
