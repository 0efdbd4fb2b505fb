"""Whatever goes wrong while an order comes in, it is bought once, or said to be in doubt."""

from __future__ import annotations

import pytest
from fault_service import FAULTS
from fault_service.playing import playing
from fault_service.rows import chosen, rows_of

STAGE = "submit"

# By the money rules: known not to be created, and worth another try; refused; or nobody knows,
# and then it is never sent again.
ENDS = {
    "survived": """
        429-seconds 429-date 429-past 429-negative 429-silent 502-limited 200-429
        json-nan done-at-once""",
    "RateLimited": """
        429-day 429-day-always 429-seconds-always 429-date-always 429-past-always
        429-negative-always 429-silent-always 502-limited-always 200-429-always""",
    "ProviderRefused": "502-refused 404",
    "InsufficientFunds": "402",
    "uncertain": """
        500 500-always 502 502-always 503 503-always 200-500 html-200 html-502
        empty json-cut json-types json-list json-deep no-id 20mb gzip-bomb
        reset-before reset-during reset-after closed silence-before silence stall drip endless
        cut cut-unsaid chunks-cut chunks-bad length-short length-long no-http
        redirect redirect-chain redirect-private redirect-elsewhere redirect-file""",
}

# Where the answer is the music itself, it may be large, and it never comes again.
INSTANT = {
    "survived": "429-seconds 502-limited json-nan 20mb done-at-once",
    "RateLimited": "429-day",
    "uncertain": """
        500 503 html-502 empty json-cut gzip-bomb reset-before reset-during reset-after silence
        stall drip cut cut-unsaid chunks-cut length-short length-long no-id redirect-file""",
}

ROWS = [*rows_of(STAGE, ENDS), *rows_of(STAGE, INSTANT, ways=("instant",))]


@pytest.fixture(autouse=True)
def home():
    """Each row has a library of its own, and some are played while others are."""


@pytest.fixture(scope="module")
def table(request, tmp_path_factory):
    with playing(chosen(request), tmp_path_factory.mktemp(STAGE)) as table:
        yield table


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_order_is_never_bought_twice(row, table):
    """The cell, the cell again, and ``resume()``: one clear end, and at most one job is paid."""
    service, play = table

    play(row)

    assert service.strays == []


def test_every_fault_has_its_row():
    """No fault of this stage is left out; without end it is the same, as nobody asks again."""
    named = {row.fault for row in ROWS}
    there = {name for name, fault in FAULTS.items() if fault.stage == STAGE}

    assert named <= there
    assert {name for name in there if not name.endswith("-always")} <= named
