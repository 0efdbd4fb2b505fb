"""Whatever goes wrong while audio is fetched, only whole audio is kept, and is had in the end."""

from __future__ import annotations

import pytest
from fake_gateway import KEY
from fault_service import FAULTS, sound_of
from fault_service.answers import long_sound
from fault_service.playing import check_words, playing, set_silence
from fault_service.rows import chosen, rows_of

import phaseo_nb as nb
from phaseo_nb import MusicClient
from phaseo_nb.settings import resolve_connection

STAGE = "download"

# Fetching is free, so what passes is tried again, and what stopped in the middle is gone on with.
ENDS = {
    "survived": """
        429-seconds 429-date 429-past 429-negative 429-silent 500 502 503 html-502 404 403
        20mb reset-before reset-during reset-after closed silence
        cut cut-unsaid chunks-cut chunks-bad length-short length-long no-http redirect""",
    "AudioError": "500-always 403-always cut-unsaid-always length-short-always",
}

# What comes is no audio, or comes from where nothing is fetched, or too slowly: that is given up,
# and the next run of the cell fetches it. Of udioapi.pro's two tracks one is kept meanwhile.
GIVEN_UP = """
    429-day html-200 empty json-cut json-types json-list json-deep 5gb gzip-bomb stall drip endless
    redirect-private redirect-elsewhere redirect-file"""
UDIO = {"partial": GIVEN_UP}
PHASEO = {
    "survived": "20mb-always reset-during-always cut-always",
    "AudioError": f"""
        {GIVEN_UP} redirect-chain 429-seconds-always 429-day-always 502-always 503-always
        404-always html-200-always json-deep-always 5gb-always reset-before-always silence-always
        stall-always endless-always chunks-bad-always length-long-always redirect-always
        redirect-private-always""",
}

ROWS = [
    *rows_of(STAGE, ENDS),
    *rows_of(STAGE, PHASEO, ways=("phaseo",)),
    *rows_of(STAGE, UDIO, ways=("udio",)),
]


@pytest.fixture(autouse=True)
def home():
    """Each row has a library of its own, and some are played while others are."""


@pytest.fixture(scope="module")
def table(request, tmp_path_factory):
    with playing(chosen(request), tmp_path_factory.mktemp(STAGE)) as table:
        yield table


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_only_whole_audio_is_kept(row, table):
    """The cell, the cell again, a repair, and ``resume()``: paid once, whole, nothing left over."""
    service, play = table

    play(row)

    assert service.strays == []


WRITING = """
    403 html-200 5gb gzip-bomb stall endless redirect-private 20mb reset-during cut cut-unsaid
    cut-unsaid-always chunks-cut chunks-bad-always length-short length-long-always"""
NAMES = {f"{STAGE}-{name}" for name in WRITING.split()}
FILES = [row for row in ROWS if row.way == "phaseo" and row.fault in NAMES]


@pytest.mark.parametrize("row", FILES, ids=str)
def test_a_file_is_whole_or_not_there(row, table, tmp_path):
    """``download(track, path)`` leaves the whole recording, or the folder as it was."""
    folder = tmp_path / "songs"
    folder.mkdir()

    outcome = fetch(table[0], row, folder / "a.wav")

    if isinstance(outcome, nb.AudioError):
        assert row.end == "AudioError"
        check_words(outcome)
        assert list(folder.iterdir()) == []
    else:
        assert row.end == "survived"
        assert list(folder.iterdir()) == [outcome]
        whole = long_sound(10) if row.fault.startswith("download-20mb") else sound_of(10)
        assert outcome.read_bytes() == whole


def fetch(service, row, path):
    """Order something through the client alone, and fetch it into a file."""

    async def whole_way():
        base_url = f"{service.url}/{row.fault}/file/v1"
        set_silence(base_url, min(row.silence, 1.0))
        connection = resolve_connection("phaseo", api_key=KEY, base_url=base_url)
        async with MusicClient.of(connection) as client:
            job = await client.wait(await client.submit("a waltz", model="suno/v4.5"))
            try:
                return await client.download(job.tracks[0], path)
            except nb.AudioError as error:
                return error

    return nb.run(whole_way())


def test_every_fault_has_its_row():
    """No fault of this stage is left out, but one that two tracks would share by chance."""
    named = {(row.fault, row.way) for row in ROWS}
    there = {(f.name, way) for f in FAULTS.values() if f.stage == STAGE for way in f.wires}
    once = {(name, way) for name, way in there if not name.endswith("-always")}

    assert once - named == {("download-redirect-chain", "udio")}
    assert named <= there
    assert len(named) == len(ROWS)
    assert len(FILES) == len(NAMES)
