"""Results of a sweep: rows, files a spreadsheet may open, grids of players, differences."""

from __future__ import annotations

import base64
import csv
import math
import re
import sys

import numpy as np
import pytest
from counting_gateway import PRICE, CountingGateway
from test_cards import EVIL, Page
from test_tables import KEPT_IN_TABLES

import phaseo_nb as nb
from phaseo_nb.audio.codecs import decode, encode
from phaseo_nb.experiments.results import embedding
from phaseo_nb.experiments.results.diff import diff
from phaseo_nb.experiments.results.exporting import guarded
from phaseo_nb.takes import KeptTrack

pytestmark = pytest.mark.usefixtures("quick")

COLUMNS = [
    *("cell", "prompt", "take", "track", "state", "reason", "gateway", "model", "sandbox", "id"),
    *("made", "title", "cost", "credits", "path", "format", "duration_asked", "duration"),
    *("bpm_asked", "bpm", "bpm_candidates", "key_asked", "key", "key_confidence"),
    *("loudness_lufs", "peak_dbfs", "silence_share", "brightness_hz", "measured_notes"),
    *("rating", "note", "tags"),
]


def made(prompts=("Tune a", "Tune b"), **words):
    """Run a sweep at a paid gateway in memory."""
    CountingGateway().connect()
    sweep = nb.Sweep(prompt=list(prompts), **words)
    return nb.run(sweep.run(show=False))


def played(**words):
    """Run a sweep in the sandbox: its songs are as long as they are asked to be."""
    nb.connect("sandbox")
    return nb.run(nb.Sweep(**words).run(show=False))


# -- rows ----------------------------------------------------------------------------------------


def test_there_is_a_row_for_each_track_and_the_columns_are_always_the_same():
    frame = made(takes=2).to_dataframe()

    assert list(frame.columns) == COLUMNS
    assert list(frame["prompt"]) == ["Tune a", "Tune a", "Tune b", "Tune b"]
    assert list(frame["take"]) == [1, 2, 1, 2]
    assert frame["id"].nunique() == 4


def test_what_was_asked_for_stands_beside_what_was_measured():
    """Lengths are those that the sandbox promises; the tempo is the one its prompt names."""
    rows = played(prompt="house in A minor, 120 bpm", duration=[6, 8]).rows()

    assert [row["duration_asked"] for row in rows] == [6.0, 8.0]
    assert [row["duration"] for row in rows] == pytest.approx([6.0, 8.0], abs=0.1)
    assert {row["bpm_asked"] for row in rows} == {120.0}
    assert {row["key_asked"] for row in rows} == {"A minor"}
    for row in rows:
        assert min(abs(row["bpm"] / tempo - 1) for tempo in (60, 120, 240)) < 0.04
        assert row["loudness_lufs"] < 0 < row["brightness_hz"]
        with open(row["path"], "rb") as file:
            assert file.read(3) in (b"ID3", b"\xff\xfb\xe0", b"\xff\xfb\x90")


def test_words_that_vary_come_first_and_options_by_their_path():
    results = made(["A {mood} tune"], fill={"mood": ["sad", "bright"]},
                   suno=[{"style_weight": 0.2}, {"style_weight": 0.8}])  # fmt: skip
    rows = results.rows(descriptors=False)

    assert list(rows[0])[:4] == ["cell", "suno.style_weight", "mood", "prompt"]
    assert [(row["mood"], row["suno.style_weight"]) for row in rows] == [
        (cell.words["mood"], cell.words["suno"]["style_weight"]) for cell in results
    ]


def test_a_name_of_ones_own_never_hides_a_fact():
    """With fill={"cost": …} the costs used to be what stood in the texts."""
    rows = made(["A {cost} tune"], fill={"cost": ["cheap", "dear"]}).rows(descriptors=False)

    assert [row["cost_asked"] for row in rows] == ["cheap", "dear"]
    assert [row["cost"] for row in rows] == [PRICE, PRICE]


def test_costs_add_up_to_what_was_paid():
    """Two cells that ask for the same are one job; a job that failed was paid for as well."""
    results = made(["Tune a", "Tune a", "Tune b", "This one fails"])

    rows = results.rows(descriptors=False)
    assert math.fsum(row["cost"] for row in rows) == pytest.approx(2 * PRICE)
    assert len(rows) == 3
    assert results.cost_usd == pytest.approx(3 * PRICE)


def test_the_sandbox_is_free_whatever_its_price_list_says():
    results = played(prompt="Tune", model="suno/v4.5", takes=2)

    assert results.cost_usd == 0.0
    assert {row["cost"] for row in results.rows(descriptors=False)} == {0.0}


def test_a_cell_without_a_take_has_a_row_when_asked_for():
    results = made(["Tune a", "This one fails", "A broken line"])

    assert [row["state"] for row in results.rows(descriptors=False)] == ["kept"]
    rows = results.rows(descriptors=False, missing=True)
    assert [row["state"] for row in rows] == ["kept", "failed", "uncertain"]
    assert "SENSITIVE" in rows[1]["reason"]
    assert [list(row) for row in rows] == [COLUMNS] * 3
    assert [cell.state for cell in results.missing] == ["failed", "uncertain"]
    with pytest.raises(nb.ExperimentError, match="retry_failed"):
        results.take(1)
    with pytest.raises(nb.ExperimentError, match="from 0 to 2"):
        results.take(3)


def test_opinions_and_rankings_are_columns():
    results = made(["Tune a", "Tune b"])
    first, second = results.takes
    first.rating, first.note, first.tags = 5, "=mine", ["film", "calm"]

    ranking = nb.rank([(second.id, first.id)] * 3 + [(first.id, second.id)])
    one, other = results.rows(descriptors=False, ranking=ranking)

    assert (one["rating"], one["note"], one["tags"]) == (5, "=mine", "calm, film")
    assert (other["rating"], other["place"], one["place"]) == (None, 1, 2)
    assert other["strength"] == pytest.approx(math.log(3) / 2, rel=0.3)


def test_before_a_run_there_are_columns_and_no_rows():
    CountingGateway().connect()
    results = nb.Sweep(prompt=["Tune a", "Tune b"]).results

    assert list(results.to_dataframe().columns) == COLUMNS
    assert results.rows() == []
    assert len(results.rows(missing=True)) == 2
    assert "2 not started" in repr(results)


def test_pandas_is_needed_only_where_it_is_called(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pandas", None)
    results = made()

    assert len(results.rows()) == 2
    assert results.to_csv(tmp_path / "rows.csv").n_rows == 2
    with pytest.raises(ImportError, match="pip install pandas"):
        results.to_dataframe()


def test_fewer_cells_are_results_again():
    results = made(["Tune a", "Tune b", "Tune c"])

    some = results[1:]
    assert [cell.words["prompt"] for cell in some] == ["Tune b", "Tune c"]
    assert [row["cell"] for row in some.rows(descriptors=False)] == [1, 2]
    assert some.take(2).request.prompt == "Tune c"
    assert results[0].words == {"prompt": "Tune a"}


# -- files ---------------------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "=cmd|' /C calc'!A0", " =1+1", "＝1+1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_looks_like_a_formula_is_quoted(text):
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("value", [-1.5, 0, True, "A tune", "a=b", "1-2", ""])
def test_everything_else_stays_as_it_is(value):
    assert guarded(value) == value


def test_no_cell_of_a_csv_file_is_a_formula(tmp_path):
    """Whatever prompts, notes and reasons begin with; numbers stay numbers, negative ones too."""
    prompts = ["=1+1", "+1", "-1", "@SUM(A1)", '="a",b', "Tune\r\n=2+2", "Tune"]
    results = made(prompts)
    results.takes[0].note = '=HYPERLINK("https://example.org")'
    path = tmp_path / "rows.csv"

    results.to_csv(path)

    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    assert table[0] == COLUMNS
    assert len(table) == 1 + len(prompts)
    numbers = {"loudness_lufs", "peak_dbfs"}
    for row in table[1:]:
        for name, cell in zip(COLUMNS, row, strict=True):
            if name in numbers and cell:
                assert float(cell) < 0
            else:
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert [row[1].removeprefix("'") for row in table[1:]] == prompts
    assert any(
        row[COLUMNS.index("loudness_lufs")] or row[COLUMNS.index("peak_dbfs")] for row in table
    )


def test_pandas_reads_what_was_written(tmp_path):
    import pandas

    results = made(["Tune ä \u202e", 'A "quoted", tune'])
    written = results.to_csv(tmp_path / "rows.csv")

    frame = pandas.read_csv(written)
    assert list(frame["prompt"]) == ["Tune ä \u202e", 'A "quoted", tune']
    assert list(frame["cost"]) == [PRICE, PRICE]
    assert str(frame["duration"].dtype) == "float64"


def test_a_file_of_somebody_else_is_not_replaced(tmp_path):
    results = made()
    path = tmp_path / "rows.csv"
    results.to_csv(path)
    results.to_csv(path)  # a cell that is run again

    path.write_text("my,own,table\n1,2,3\n")
    with pytest.raises(nb.ExperimentError, match="overwrite=True"):
        results.to_csv(path)
    assert path.read_text() == "my,own,table\n1,2,3\n"
    results.to_csv(path, overwrite=True)
    assert path.read_text().startswith("cell,")


@pytest.mark.parametrize("name", ["no/such/rows.csv", "", "a\0b.csv", "x" * 300 + ".csv"])
def test_a_place_that_cannot_be_is_said(tmp_path, name):
    results = made()

    with pytest.raises(nb.ExperimentError):
        results.to_csv(tmp_path / name)
    assert list(tmp_path.glob("*.part")) == []
    assert list(tmp_path.glob(".*")) == []


def test_parquet_needs_pyarrow_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ImportError, match="pip install pyarrow"):
        made().to_parquet(tmp_path / "rows.parquet")
    assert list(tmp_path.glob("*.parquet")) == []


def test_parquet_has_a_type_for_each_column(tmp_path):
    """Where pyarrow is installed: numbers are numbers, text is text as it was written."""
    parquet = pytest.importorskip("pyarrow.parquet")
    results = made(["=1+1", "Tune"], takes=2)
    path = tmp_path / "rows.parquet"

    results.to_parquet(path)
    results.to_parquet(path)

    table = parquet.read_table(path)
    assert table.column_names == COLUMNS
    assert table.column("prompt").to_pylist() == ["=1+1", "=1+1", "Tune", "Tune"]
    types = {name: str(table.schema.field(name).type) for name in COLUMNS}
    assert types["take"] == "int64"
    assert types["rating"] == "int64"
    assert types["cost"] == "double"
    assert types["sandbox"] == "bool"
    assert types["key"] == "string"


# -- grids ---------------------------------------------------------------------------------------


def test_a_grid_has_one_word_at_the_side_and_one_above():
    """Each take stands where its words meet; chosen the other way round, so does the grid."""
    results = made(["Tune a", "Tune b"], style=["jazz", "harp"])

    grid = results.grid(rows="style", columns="prompt")

    assert (grid.row_names, grid.column_names, grid.rest) == (("style",), ("prompt",), ())
    (cell,) = grid.cells(1, 0)
    assert cell.words == {"prompt": "Tune a", "style": "harp"}
    assert repr(grid).splitlines()[1].split() == ["style", "prompt", "Tune", "a", "prompt",
                                                  "Tune", "b"]  # fmt: skip


def test_what_is_not_chosen_is_chosen_and_said():
    results = made(["Tune a", "Tune b"], style=["jazz", "harp"], takes=2)

    grid = results.grid()
    assert (grid.row_names, grid.column_names, grid.rest) == (("prompt",), ("style",), ("take",))
    assert "Told at each player: take" in grid.message
    assert "results.grid(rows=" in grid.message
    assert len(grid.cells(0, 0)) == 2

    assert results.grid(columns="take").row_names == ("prompt",)
    assert made(["Tune a"], takes=2).grid().row_names == ("take",)


def test_words_that_change_side_by_side_are_one_edge():
    CountingGateway().connect()
    sweep = nb.Sweep(prompt=["Tune a", "Tune b"], style=["jazz", "harp"], how="zip")

    grid = sweep.results.grid()

    assert grid.row_names == ("prompt", "style")
    assert len(grid.row_keys) == 2


def test_an_option_by_its_path_is_an_edge():
    results = made(suno=[{"style_weight": 0.2}, {"style_weight": 0.8}])

    grid = results.grid(columns="suno.style_weight")

    assert grid.column_keys == [("0.2",), ("0.8",)]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"rows": "promt"}, "prompt"),
        ({"columns": "mood"}, "Known are prompt"),
        ({"rows": "prompt", "columns": "prompt"}, "Choose two words"),
    ],
)
def test_a_word_that_the_sweep_has_not_is_said(choice, said):
    with pytest.raises(nb.ExperimentError, match=said):
        made().grid(**choice)


def test_a_grid_holds_a_player_and_a_waveform_for_each_track():
    page = Page(made(takes=2).grid()._repr_html_())

    players = [attributes for tag, attributes in page.tags if tag == "audio"]
    assert len(players) == 4
    assert all(player["src"].startswith("data:audio/") for player in players)
    assert not any("autoplay" in player for player in players)
    assert len({player["aria-label"] for player in players}) == 4
    assert [tag for tag, _ in page.tags].count("img") == 4
    assert page.open == []


def test_a_cell_without_a_take_says_why_in_its_place():
    grid = made(["Tune a", "This one fails"]).grid()

    assert "failed" in repr(grid)
    assert "SENSITIVE" in Page(grid._repr_html_()).text


def test_hostile_words_stay_words(monkeypatch):
    """A prompt that is markup is shown, not obeyed, and marks that turn text are visible."""
    prompts = [EVIL.replace("\ud800", ""), "Tune \u202e b"]
    results = made(prompts)

    for html in (
        results._repr_html_(),
        results.grid()._repr_html_(),
        results.diff(0, 1)._repr_html_(),
    ):
        page = Page(html)
        assert "script" not in {tag for tag, _ in page.tags}
        assert all("onerror" not in attributes for _, attributes in page.tags)
        assert all(a.get("src", "data:").startswith("data:") for _, a in page.tags)
        assert "\u202e" not in html
        assert "⟨U+202E⟩" in page.text


def test_the_look_survives_where_the_notebook_is_not_trusted():
    results = made(["Tune a", "This one fails"], takes=2)

    for shown in (results, results.grid(), results.diff(0, 2)):
        for _, attributes in Page(shown._repr_html_()).tags:
            for declaration in filter(None, (attributes.get("style") or "").split(";")):
                name, value = declaration.split(":", 1)
                assert name.strip() in KEPT_IN_TABLES
                assert not re.search(r"var\(|calc\(|[^0-9]\.[0-9]", value)


def sound_bytes(html):
    sources = [a["src"] for tag, a in Page(html).tags if tag == "audio"]
    return sources, sum(len(source.partition(",")[2]) * 3 // 4 for source in sources)


def test_a_grid_stays_small_and_says_what_it_left_out(monkeypatch):
    """Recordings that are too much together go in as beginnings, in as many bytes as they may."""
    results = played(prompt="Tune", duration=[2, 8], model="sandbox/band")
    whole, n_whole = sound_bytes(results.grid()._repr_html_())
    monkeypatch.setattr(embedding, "GRID_BYTES", n_whole // 2)

    grid = results.grid()
    html = grid._repr_html_()
    sources, n = sound_bytes(html)

    assert len(sources) == 2
    assert n <= n_whole // 2
    assert sources[0] == whole[0]
    assert sources[1] != whole[1]
    assert "1 player has a beginning only" in Page(html).text
    assert "Preview" in Page(html).text


def test_a_large_grid_has_light_players():
    """A hundred recordings of a minute would be megabytes; each is a beginning or small anyway."""
    results = made([f"Tune {n}" for n in range(100)])

    sources, n = sound_bytes(results.grid()._repr_html_())
    assert len(sources) == 50  # a table draws so many rows
    assert n <= embedding.LIGHT_BYTES
    assert "50 cells are not drawn" in repr(results.grid())
    assert results.grid(audio=False)._repr_html_().count("<audio") == 0


@pytest.mark.parametrize("form", ["mp3", "wav", "ogg", "flac"])
def test_a_beginning_is_the_beginning_and_nothing_complains(form, capfd):
    """A minute that gets louder: its beginning is quiet, as long as is said, and small."""
    rate, seconds = 16_000, 60
    rise = np.linspace(0, 0.5, rate * seconds, dtype=np.float32)
    samples = rise * np.sin(2 * np.pi * 440 * np.arange(rate * seconds) / rate).astype("float32")
    track = KeptTrack(nb.Track(index=0), encode(samples[None], rate, form))

    (sound,) = embedding.sounds_of([track], 40_000)

    assert sound.n_bytes <= 40_000
    said = float(re.search(r"the first (\d+) s", sound.note)[1])
    heard, heard_rate = decode(base64.b64decode(sound.source.partition(",")[2]))
    assert heard.shape[1] / heard_rate == pytest.approx(said, abs=0.7)
    assert np.abs(heard).max() < 0.5 * said / seconds + 0.05
    assert capfd.readouterr().err == ""


def test_rooms_are_shared_and_what_small_ones_leave_goes_to_large_ones():
    assert embedding._rooms([10, 10, 100, 100], 120, None) == [10, 10, 50, 50]
    assert embedding._rooms([10, 20], 1000, None) == [10, 20]
    assert embedding._rooms([10, 500], 1000, 100) == [10, 100]
    assert sum(embedding._rooms([7] * 11, 50, None)) <= 50


# -- differences ---------------------------------------------------------------------------------


def test_two_cells_differ_in_what_was_varied():
    results = made(["A slow waltz", "A fast waltz"], takes=2)

    found = results.diff(0, 3)

    assert [(one.name, one.a, one.b) for one in found] == [
        ("prompt", "A slow waltz", "A fast waltz"),
        ("take", 1, 2),
    ]
    assert "A [-slow-] waltz" in repr(found)
    assert "A {+fast+} waltz" in repr(found)
    assert not results.diff(1, 1)


def test_two_takes_differ_in_what_was_posted():
    results = made(suno=[{"style_weight": 0.2}, {"style_weight": 0.8, "persona_id": "p"}])
    one, other = results.takes[:2]

    found = diff(one, other)

    assert [(each.name, each.a, each.b) for each in found] == [
        ("suno.styleWeight", 0.2, 0.8),
        ("suno.personaId", None, "p"),
    ]
    assert "not given" in repr(found)


def test_true_is_not_one_and_neighbours_are_one_change():
    assert [d.name for d in diff({"a": True, "b": 1}, {"a": 1, "b": 1.0})] == ["a"]
    assert "[-one two-] three" in repr(diff({"t": "one two three"}, {"t": "four five three"}))


def test_long_texts_are_compared_where_they_differ():
    found = diff({"lyrics": "la " * 900 + "end"}, {"lyrics": "la " * 900 + "stop"})

    assert "[-end-]" in repr(found)
    assert len(max(repr(found).splitlines(), key=len)) < 500


def test_what_cannot_be_compared_is_said():
    results = made()
    with pytest.raises(nb.ExperimentError, match="compared with a cell"):
        diff(results[0], results.takes[0])
    with pytest.raises(nb.ExperimentError, match="no request"):
        diff(1, 2)
