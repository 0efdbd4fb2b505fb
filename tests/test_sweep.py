"""Sweeps before they run: cells from words and rows, names, plans, and what is refused."""

from __future__ import annotations

import itertools

import pytest
from counting_gateway import PRICE, CountingGateway

import phaseo_nb as nb
from phaseo_nb.experiments.sweep import grid as grids
from phaseo_nb.requests import request_key


@pytest.fixture(autouse=True)
def sandbox():
    return nb.connect("sandbox")


def requests_of(sweep):
    return [sweep.compiled.request(row) for row in range(sweep.grid.n_rows)]


def words_of(sweep):
    return [cell.words for cell in sweep.cells()]


# -- cells ---------------------------------------------------------------------------------------


def test_a_product_is_each_with_each_and_the_last_word_changes_fastest():
    sweep = nb.Sweep(prompt=["a", "b"], duration=[8, 12, 16], takes=2, format="mp3")

    asked = [(cell.words["prompt"], cell.words["duration"], cell.take) for cell in sweep.cells()]

    assert asked == list(itertools.product("ab", (8, 12, 16), (1, 2)))
    assert sweep.count == 12
    assert sweep.varied == ("prompt", "duration")
    assert sweep.fixed == {"format": "mp3"}


def test_zip_puts_values_side_by_side():
    sweep = nb.Sweep(prompt=["a", "b"], style=["x", "y"], duration=8, how="zip")

    assert words_of(sweep) == [
        {"prompt": "a", "style": "x", "duration": 8},
        {"prompt": "b", "style": "y", "duration": 8},
    ]


def test_a_list_of_one_is_the_same_sweep_as_its_value():
    assert nb.Sweep(prompt=["a"], duration=[8]).name == nb.Sweep(prompt="a", duration=8).name


def test_rows_go_with_words_beside_them():
    rows = [{"prompt": "a", "duration": 8}, {"prompt": "b"}]

    sweep = nb.Sweep(rows, format=["mp3", "wav"])

    assert words_of(sweep) == [
        {"prompt": "a", "duration": 8, "format": "mp3"},
        {"prompt": "a", "duration": 8, "format": "wav"},
        {"prompt": "b", "format": "mp3"},
        {"prompt": "b", "format": "wav"},
    ]


def test_option_dicts_are_values_and_a_path_is_one_option():
    sweep = nb.Sweep(
        prompt="a", model="suno/v4.5", suno={"instrumental": True}, **{"suno.style_weight": [0, 1]}
    )

    bodies = [request.to_wire()["suno"] for request in requests_of(sweep)]

    assert bodies == [
        {"instrumental": True, "styleWeight": 0},
        {"instrumental": True, "styleWeight": 1},
    ]


def test_braces_are_braces_unless_they_are_to_be_filled():
    plain = nb.Sweep(prompt="A {mood} tune in {{C}}")
    filled = nb.Sweep(prompt="A {mood} tune in {{C}}", fill={"mood": ["sad", "bright"]})

    assert [request.prompt for request in requests_of(plain)] == ["A {mood} tune in {{C}}"]
    assert [request.prompt for request in requests_of(filled)] == [
        "A sad tune in {C}",
        "A bright tune in {C}",
    ]
    assert filled.varied == ("mood",)


def test_a_template_reaches_into_nothing():
    with pytest.raises(nb.ExperimentError, match="no such name"):
        nb.Sweep(prompt="{mood.__class__}", fill={"mood": ["sad"]})


def test_values_of_numpy_and_ranges_are_values():
    numpy = pytest.importorskip("numpy")

    sweep = nb.Sweep(prompt=numpy.array(["a", "b"]), duration=range(8, 10))

    assert [cell.words["duration"] for cell in sweep.cells()] == [8, 9, 8, 9]


# -- rows ----------------------------------------------------------------------------------------


def test_a_csv_file_is_read_as_its_words_take_it(tmp_path):
    file = tmp_path / "rows.csv"
    text = '﻿prompt,duration,instrumental,suno.style_weight\n"Warm, slow",8,yes,0.5\nB,,,\n\n'
    file.write_text(text, "utf-8")

    sweep = nb.Sweep(file)

    assert words_of(sweep) == [
        {"prompt": "Warm, slow", "duration": 8, "instrumental": True, "suno.style_weight": 0.5},
        {"prompt": "B"},
    ]


def test_semicolons_separate_too(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("prompt;duration\nA, b;8\n", "utf-8")

    assert words_of(nb.Sweep(str(file))) == [{"prompt": "A, b", "duration": 8}]


def test_a_data_frame_is_rows():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"prompt": ["a", "b"], "duration": [8, None]})

    assert words_of(nb.Sweep(frame)) == [{"prompt": "a", "duration": 8}, {"prompt": "b"}]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"prompt,tempo\na,120\n", "'tempo' is no word"),
        (b"prompt,prompt\na,b\n", "twice"),
        (b"prompt\na,b\n", "2 cells"),
        (b"prompt\n\xff\xfe\n", "UTF-8"),
        (b"", "names no words"),
        (b"prompt\n", "no rows"),
        (b'prompt\n"a\n', "line"),
        (b"prompt,suno\na,{\n", "JSON"),
    ],
    ids=["word", "twice", "ragged", "latin", "empty", "header", "quote", "options"],
)
def test_a_file_that_is_no_table_says_why(tmp_path, content, word):
    file = tmp_path / "rows.csv"
    file.write_bytes(content)

    with pytest.raises(nb.ExperimentError, match=word):
        nb.Sweep(file)


@pytest.mark.parametrize(
    "rows", ["no-such-file.csv", "a\x00b", {"prompt": "a"}, 7, [["a"]], b"x", [{3: "a"}]], ids=repr
)
def test_what_is_no_rows_says_what_rows_are(rows):
    with pytest.raises(nb.ExperimentError):
        nb.Sweep(rows)


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({}, "needs words"),
        ({"prompts": ["a"]}, "Did you mean prompt"),
        ({"prompt": []}, "no values"),
        ({"prompt": {"a", "b"}}, "no order"),
        ({"prompt": ["\ud800"]}, "surrogate"),
        ({"prompt": "a", "duration": [float("nan")]}, "NaN"),
        ({"prompt": "a", "takes": 0}, "takes"),
        ({"prompt": "a", "takes": True}, "takes"),
        ({"prompt": "a", "how": "sideways"}, "how"),
        ({"prompt": ["a", "b"], "style": ["x", "y", "z"], "how": "zip"}, "2 prompt, 3 style"),
        ({"prompt": "a", "fill": {"mood": ["b"]}}, "no text has"),
        ({"prompt": "{style}", "fill": {"style": ["b"]}}, "Choose another name"),
        ({"rows": [{"prompt": "a"}], "prompt": "b"}, "Give it once"),
        ({"prompt": "a", "suno.": 1}, "suno."),
        ({"prompt": "a", "name": " "}, "name"),
    ],
)
def test_words_that_make_no_sweep_are_refused_in_words(words, said):
    with pytest.raises(nb.ExperimentError, match=said):
        nb.Sweep(**words)


def test_a_billion_cells_are_refused_with_their_number_and_without_making_one():
    thousand = [str(n) for n in range(1000)]

    with pytest.raises(nb.ExperimentError, match=r"1,000,000,000 cells \(1,000 prompt × "):
        nb.Sweep(prompt=thousand, style=thousand, title=thousand)
    with pytest.raises(nb.ExperimentError, match="1,000,000,000 cells"):
        nb.Sweep(prompt="a", duration=range(10**9))
    with pytest.raises(nb.ExperimentError, match="more than 100,000 cells"):
        nb.Sweep(prompt=(str(n) for n in itertools.count()))
    with pytest.raises(nb.ExperimentError, match=r"\(2 prompt × 500,000,000 takes\)"):
        nb.Sweep(prompt=["a", "b"], takes=500_000_000)


# -- names ---------------------------------------------------------------------------------------


def test_a_sweep_is_opened_by_its_name_with_the_words_it_had(sandbox):
    nb.Sweep(prompt=["a", "b"], duration=[8, 12], takes=3, name="first study")

    again = nb.Sweep(name="first study")

    assert again.count == 12
    assert again.cells()[0].words == {"prompt": "a", "duration": 8}
    with pytest.raises(nb.ExperimentError, match="There are: 'first study'"):
        nb.Sweep(name="frist study")


def test_words_may_change_until_something_was_bought():
    nb.Sweep(prompt=["a", "b"], name="study")
    sweep = nb.Sweep(prompt=["Slow harp"], duration=1, name="study")
    nb.run(sweep.run(show=False))

    with pytest.raises(nb.ExperimentError, match='prompt: "Slow harp" there, 2 values here'):
        nb.Sweep(prompt=["a", "b"], name="study")
    assert nb.Sweep(duration=[1], prompt="Slow harp", name="study").plan().kept == 1


def test_the_order_of_values_makes_no_other_sweep():
    first = nb.Sweep(prompt=["a", "b"], duration=[8, 12])

    assert nb.Sweep(duration=[12, 8], prompt=["b", "a"]).name == first.name


def test_a_sweep_of_another_gateway_is_not_bought_here_by_its_name_alone():
    nb.Sweep(prompt=["a", "b"], name="study")
    CountingGateway().connect()

    with pytest.raises(nb.ExperimentError, match=r"nb\.connect\('sandbox'\)"):
        nb.Sweep(name="study")
    assert nb.Sweep(prompt=["a", "b"], name="study").plan().to_buy == 2


@pytest.mark.usefixtures("quick")
def test_another_default_model_is_not_bought_under_the_same_name():
    gateway = CountingGateway()
    gateway.connect(model="suno/v4.5")
    nb.run(nb.Sweep(prompt=["a"], name="study").run(show=False))
    gateway.connect(model="suno/v5")

    with pytest.raises(nb.ExperimentError, match=r"begun with suno/v4\.5"):
        nb.Sweep(prompt=["a"], name="study")
    again = nb.Sweep(name="study")
    assert (again.plan().kept, again.cells()[0].model) == (1, "suno/v4.5")


# -- plans ---------------------------------------------------------------------------------------


def test_a_plan_counts_prices_and_sends_nothing():
    gateway = CountingGateway()
    gateway.connect()
    rows = [{"prompt": "a"}, {"prompt": "b"}, {"prompt": "c", "model": "elevenlabs/music_v1"}]

    plan = nb.Sweep(rows, takes=2).plan(concurrency=2)

    assert gateway.posts == []
    assert (plan.count, plan.kept, plan.to_buy, plan.unknown) == (6, 0, 6, 2)
    assert plan.low_usd == plan.high_usd == pytest.approx(4 * PRICE)
    assert plan.rows()[0]["usual_seconds"] == 100.0  # known of Suno; nothing is, of the other one
    assert plan.usual_seconds is None
    assert "about $0.24 + 2 of unknown price" in repr(plan)
    assert repr(plan) != plan._repr_html_()


@pytest.mark.usefixtures("quick")
def test_a_price_spans_the_list_and_what_jobs_have_cost_here():
    gateway = CountingGateway()
    gateway.connect(model="eleven-labs/music")  # no price in the list; 0.06 by its answers
    nb.run(nb.Sweep(prompt=["a"]).run(show=False))

    plan = nb.Sweep(prompt=["a", "b", "c"]).plan()

    assert (plan.to_buy, plan.unknown) == (2, 0)
    assert plan.high_usd == pytest.approx(2 * PRICE)
    assert plan.usual_seconds is not None


def test_hostile_words_stay_words_in_a_plan():
    plan = nb.Sweep(prompt=["<img src=x onerror=alert(1)>"], name="<script>x</script>").plan()

    assert "<script>" not in plan._repr_html_()
    assert "<img" not in plan._repr_html_()


MOULDED = [
    {"model": "sandbox/band"},
    {"model": "sandbox/band", "duration": 8, "lyrics": "la"},
    {"model": "suno/v4.5"},
    {"model": "suno/v4.5", "style": "jazz", "instrumental": True},
    {"model": "suno/v4.5", "title": "T", "suno": {"style": "x"}},
    {"model": "minimax/music-2.6", "lyrics": "la la"},
    {"model": "elevenlabs/music_v1", "style": "jazz", "voice": "f"},
    {"model": "google/lyria-3-clip-preview", "negative": "drums"},
    {"gateway": "udio"},
    {"gateway": "udio", "lyrics": "la"},
]


@pytest.mark.parametrize("words", MOULDED, ids=str)
def test_many_prompts_are_named_as_each_of_them_by_itself(words):
    """The short cut for many prompts gives the names that requests have on their own."""
    prompts = [f"Tune {n}" for n in range(9)]
    prompts += ['Say "hé" \\ 🎷', " blank ahead", "two\nlines", "ends with a stop.", "x" * 300]

    sweep = nb.Sweep(prompt=prompts, **words)

    for row, key in enumerate(sweep.compiled.keys):
        connection = sweep.compiled.place(row).session.connection
        request = sweep.compiled.request(row)
        assert key == request_key(request, gateway=connection.name, base_url=connection.base_url)


def test_a_limit_that_the_longest_prompt_breaks_is_that_row_s_alone():
    prompts = [f"Tune {n}" for n in range(20)] + ["x" * 2001]

    with pytest.raises(nb.ExperimentError) as caught:
        nb.Sweep(prompt=prompts, model="minimax/music-2.6", lyrics="la").plan()

    assert [problem.split(" (")[0] for problem in caught.value.problems] == ["row 21"]


def test_a_grid_survives_being_written_down():
    grid = grids.make_grid([{"prompt": "é", "suno": {"style_weight": 0.5}}, {"prompt": "b"}], {})

    again = grids.Grid.from_text(grid.to_text())

    assert again.is_like(grid)
    assert [again.words(n) for n in range(2)] == [grid.words(n) for n in range(2)]
