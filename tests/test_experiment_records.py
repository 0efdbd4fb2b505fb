"""What a library keeps of experiments: words of sweeps, votes, numbers about recordings."""

from __future__ import annotations

import sqlite3

import pytest
from journals import rows

import phaseo_nb as nb
from phaseo_nb.experiments import records
from phaseo_nb.keeping.backends.sqlite import migrations

HOSTILE = "a'; DROP TABLE votes; -- <b> \ud800 \x00 é"


@pytest.fixture
def library(tmp_path):
    return nb.Library(tmp_path / "library")


def test_votes_come_back_in_order_with_their_numbers(library):
    numbers = [records.save_vote(library, name, f'{{"n": {name!r}}}') for name in "aba"]

    assert numbers == sorted(set(numbers))
    assert records.load_votes(library, "a") == [
        (numbers[0], "a", "{\"n\": 'a'}"),
        (numbers[2], "a", "{\"n\": 'a'}"),
    ]
    assert len(records.load_votes(library)) == 3
    assert records.load_votes(library, "c") == []


def test_a_vote_is_on_the_disk_once_it_is_said_to_be(library):
    records.save_vote(library, "a", "{}")

    assert rows(library.path, "SELECT comparison, facts FROM votes") == [("a", "{}")]


def test_words_of_a_sweep_stay_once_it_is_begun(library):
    assert records.save_sweep(library, "s", "1") == "1"
    assert records.save_sweep(library, "s", "2") == "2"
    assert records.save_sweep(library, "s", "2", place="here", begin=True) == "2"

    assert records.save_sweep(library, "s", "3") == "2"
    assert records.save_sweep(library, "s", "3", begin=True) == "2"
    assert records.save_sweep(library, "s", "2", place="there") == "2"

    assert records.load_sweep(library, "s") == "2"
    assert records.find_sweep(library, "s") == ("2", "there", True)
    assert records.load_sweep(library, "t") is None


def test_sweeps_are_listed_newest_first(library):
    for name in "abc":
        records.save_sweep(library, name, "{}")

    assert records.sweep_names(library) == ["c", "b", "a"]


def test_numbers_are_kept_by_content_and_version(library):
    records.save_descriptors(library, "ff", 1, "old")
    records.save_descriptors(library, "ff", 1, "new")

    assert records.load_descriptors(library, "ff", 1) == "new"
    assert records.load_descriptors(library, "ff", 2) is None


def test_hostile_text_stays_text(library):
    records.save_vote(library, HOSTILE, HOSTILE)
    records.save_sweep(library, HOSTILE, HOSTILE)

    ((_, name, facts),) = records.load_votes(library, HOSTILE)

    assert name == facts
    assert name.startswith("a'; DROP TABLE votes; -- <b> ")
    assert records.load_sweep(library, HOSTILE) == facts


def test_there_is_no_nan_in_what_is_written():
    assert (
        records.dump({"a": float("nan"), "b": [float("inf"), 1.5]}) == '{"a":null,"b":[null,1.5]}'
    )


def test_a_library_from_before_experiments_gets_its_tables(tmp_path):
    folder = tmp_path / "library"
    folder.mkdir()
    with sqlite3.connect(folder / "journal.db", isolation_level=None) as db:
        for migration in migrations.MIGRATIONS[:4]:
            migration(db)
        db.execute("PRAGMA user_version = 4")
    db.close()

    library = nb.Library(folder)

    assert records.sweep_names(library) == []
    assert records.save_vote(library, "a", "{}") == 1
