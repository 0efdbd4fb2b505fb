"""Facts about jobs, tracks and prices, and how they read."""

from __future__ import annotations

import dataclasses

import pytest

from phaseo_nb.jobs import Cost, MusicJob, Track, seconds_or_none, text_or_none


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (Cost(), "price unknown"),
        (Cost(usd=0.0), "free"),
        (Cost(usd=0.06), "$0.06"),
        (Cost(usd=0.0012), "$0.0012"),
        (Cost(usd=12.5, is_estimate=True), "about $12.50"),
        (Cost(credits=10.0, is_estimate=True), "about 10 credits"),
        (Cost(credits=2.5), "2.5 credits"),
    ],
)
def test_costs_read_as_prices(cost, text):
    """A price reads as people write prices; unknown is not free."""
    assert str(cost) == text


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_final_statuses_are_finished(status):
    """Completed and failed jobs have nothing more to come."""
    assert MusicJob("t", status).is_finished


@pytest.mark.parametrize(
    "status", ["queued", "in_progress", "paused_v2", "SUCCESS ", "", "unknown"]
)
def test_other_statuses_are_not_finished(status):
    """Any other word, known or not, means that the job goes on."""
    assert not MusicJob("t", status).is_finished


def test_a_settled_job_is_finished_under_any_status():
    """Audio that came at once ends a job that calls itself queued."""
    assert MusicJob("t", "queued", is_settled=True).is_finished


@pytest.mark.parametrize(
    ("track", "playable"),
    [
        (Track(0), False),
        (Track(0, audio_url="https://cdn.example.org/a.mp3"), True),
        (Track(0, data=b"ID3"), True),
        (Track(0, data=b""), False),
        (Track(0, audio_url="https://live.example.org/a", is_preview=True), False),
        (Track(0, stream_audio_url="https://live.example.org/a"), False),
    ],
)
def test_a_track_is_playable_with_a_finished_recording(track, playable):
    """Only a finished recording, at hand or to be fetched, can be played."""
    assert track.is_playable is playable
    assert MusicJob("t", "completed", tracks=(track,)).has_audio is playable


def test_reprs_are_short_and_stable():
    """A repr says what it is, without addresses, audio or raw bodies."""
    track = Track(0, title="Tide", duration=8.0, data=b"secret", raw={"a": 1}, sandbox=True)
    job = MusicJob("task_123", "completed", tracks=(track, Track(1, duration=8.0)))

    assert repr(track) == "<Track 0 'Tide' 8.0 s sandbox>"
    assert repr(job) == "<MusicJob task_123 completed, 2 tracks, 16.0 s>"
    assert repr(Track(1)) == "<Track 1 no audio>"
    assert repr(MusicJob("t", "queued", sandbox=True)) == "<MusicJob t queued, sandbox>"


def test_facts_are_frozen_and_copied():
    """A fact cannot be changed in place; a copy with changes leaves the first alone."""
    job = MusicJob("t", "queued")

    with pytest.raises(dataclasses.FrozenInstanceError):
        job.status = "completed"
    assert job.replace(status="completed").status == "completed"
    assert job.status == "queued"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (8, 8.0),
        (0.2, 0.2),
        ("146.08", 146.08),
        (" 12 ", 12.0),
        (0, None),
        (-5, None),
        (float("nan"), None),
        (float("inf"), None),
        ("120s", None),
        ("1e999", None),
        ("1_0", None),
        (10**400, None),
        ("9" * 5000, None),
        (True, None),
        (None, None),
        ([8], None),
        (1e8, None),
    ],
)
def test_durations_are_seconds_or_nothing(value, seconds):
    """A duration that cannot be seconds of music is unknown."""
    assert seconds_or_none(value) == seconds


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), ("", None), (" \n", None), (7, None), (None, None), ([], None)]
)
def test_texts_are_text_or_nothing(value, text):
    """Blank and non-text values are unknown."""
    assert text_or_none(value) == text
