"""Whatever goes wrong while a job is asked for, it ends well, or stays open and is found again."""

from __future__ import annotations

import pytest
from fault_service import FAULTS
from fault_service.playing import playing
from fault_service.rows import chosen, rows_of

STAGE = "poll"

# A question may be asked again, so what passes is survived. What does not pass ends the waiting,
# after five minutes of nothing else; the job stays in the library. A status that nobody knows is
# no end, and only the deadline is one then.
ENDS = {
    "survived": """
        429-seconds 429-date 429-past 429-negative 429-day 429-silent
        500 502 503 200-429 200-500 404 html-200 html-502
        empty json-cut json-types json-list json-nan json-deep 20mb gzip-bomb
        reset-before reset-during reset-after closed silence stall drip
        cut cut-unsaid chunks-cut chunks-bad length-short length-long no-http
        redirect redirect-chain redirect-private redirect-elsewhere redirect-file
        status-unknown status-null status-number status-backward
        done-without done-backward done-twice""",
    "RateLimited": "429-seconds-always 429-past-always 429-day-always 200-429-always",
    "GatewayUnavailable": """
        500-always 502-always 503-always 200-500-always html-200-always html-502-always
        json-cut-always json-list-always json-deep-always length-short-always
        redirect-always redirect-private-always""",
    "ConnectionFailed": """
        reset-before-always reset-during-always cut-always chunks-bad-always no-http-always""",
    "JobNotFound": "404-always",
    "JobFailed": "failed",
}

# The two services do not mean the same by these.
PHASEO = {
    "survived": "20mb-always done-blank",
    "JobFailed": "done-without-always done-blank-always done-backward-always",
}
UDIO = {
    "survived": "endless",
    "GatewayUnavailable": "json-types-always",
    "JobFailed": "done-blank done-blank-always",  # complete without an address: moderated away
}

# Here only the deadline is an end. At udioapi.pro, SUCCESS over nothing is one of them.
NO_END = "never status-unknown-always status-null-always status-backward-always"
PHASEO_NO_END = {"JobTimeout": f"{NO_END} json-types-always"}
UDIO_NO_END = {"JobTimeout": f"{NO_END} done-without-always done-backward-always"}

# These take real time or much to read, so the deadline comes before patience is over.
HEAVY = {"JobTimeout": "silence-always stall-always drip-always gzip-bomb-always"}
UDIO_HEAVY = {"JobTimeout": HEAVY["JobTimeout"] + " endless-always 20mb-always"}

ROWS = [
    *rows_of(STAGE, ENDS),
    *rows_of(STAGE, PHASEO, ways=("phaseo",)),
    *rows_of(STAGE, UDIO, ways=("udio",)),
    *rows_of(STAGE, PHASEO_NO_END, ways=("phaseo",), timeout=90.0),
    *rows_of(STAGE, UDIO_NO_END, ways=("udio",), timeout=90.0),
    *rows_of(STAGE, HEAVY, ways=("phaseo",), timeout=2.0),
    *rows_of(STAGE, UDIO_HEAVY, ways=("udio",), timeout=6.0),  # it is asked every 5 s
]


@pytest.fixture(autouse=True)
def home():
    """Each row has a library of its own, and some are played while others are."""


@pytest.fixture(scope="module")
def table(request, tmp_path_factory):
    with playing(chosen(request), tmp_path_factory.mktemp(STAGE)) as table:
        yield table


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_job_is_never_lost(row, table):
    """The cell, the cell again, a repair, and ``resume()``: kept whole, or listed until it is."""
    service, play = table

    play(row)

    assert service.strays == []


def test_every_fault_has_its_row():
    """No fault is left out at either service, but one of 256 MB; of those for ever, each kind."""
    named = {(row.fault, row.way) for row in ROWS}
    there = {(f.name, way) for f in FAULTS.values() if f.stage == STAGE for way in f.wires}

    assert named <= there
    once = {(name, way) for name, way in there if not name.endswith("-always")}
    assert once - named == {("poll-endless", "phaseo")}
    assert len(named) == len(ROWS)
