"""What a player adds to a saved notebook: its recording as text, and a few kB around it."""

from __future__ import annotations

import math

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

AROUND = 6_000
"""Bytes a track may take beside its recording, which base64 makes 4/3 as large."""

MAKE = """
import numpy as np
from phaseo_nb import Track
from phaseo_nb.audio.codecs import encode
from phaseo_nb.jobs import Cost
from phaseo_nb.takes.kept import About, KeptTrack

def song(seconds, rate=16_000):
    t = np.arange(seconds * rate) / rate
    swell = np.abs(np.sin(t * 1.7)) * np.repeat(
        np.random.default_rng(7).uniform(0, 1, seconds * 8), rate // 8)
    return encode((swell * np.sin(2 * np.pi * 220 * t)).astype("f4")[None], rate, "mp3",
                  bitrate_kbps=32)

about = About(prompt="Warm jazz trio with brushed drums, close and a little sleepy, " * 3,
              model="suno/v4.5plus", provider="suno", asked=8.0, cost=Cost(0.06), number=12,
              n_tracks=2)
"""

TRACKS = {
    "short": 'KeptTrack(Track(0, title="Tide", sandbox=True), song(4), about=about)',
    "a minute": 'KeptTrack(Track(1, title="The last train home leaves at midnight, '
    'and nobody on the platform knows"), song(60), about=about)',
    "four minutes": 'KeptTrack(Track(0, title="Grüße aus der Küche"), song(240), about=about)',
}


@pytest.fixture(scope="module")
def notebook():
    """A notebook as it is saved after its cells were run, one track each."""
    cells = [MAKE]
    for code in TRACKS.values():
        cells += [f"track = {code}\nprint(len(track.data))", "track"]
    new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    nbclient.NotebookClient(new, timeout=60, kernel_name="python3").execute()
    return new


@pytest.mark.parametrize("name", TRACKS)
def test_a_player_adds_its_recording_and_little_more(notebook, name):
    """The file grows by 4/3 of the audio and at most 6 kB a track: card, waveform, plain words."""
    at = 1 + 2 * list(TRACKS).index(name)
    n_audio = int(notebook.cells[at].outputs[0].text)
    (player,) = notebook.cells[at + 1].outputs

    with_it = len(nbformat.writes(notebook).encode())
    notebook.cells[at + 1].outputs = []
    without = len(nbformat.writes(notebook).encode())
    notebook.cells[at + 1].outputs = [player]

    around = with_it - without - 4 * math.ceil(n_audio / 3)
    assert 2_000 < around <= AROUND
    assert player.data["text/html"].count("<audio") == player.data["text/html"].count("<img") == 1
