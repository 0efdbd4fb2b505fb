"""The benchmarks' own arithmetic: ratios, verdicts, the table, the chart. Nothing is timed here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "benchmarks"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture
def figures():
    import figures

    return figures


@pytest.fixture
def chart():
    import chart

    return chart


# -- ratios and verdicts ---------------------------------------------------------------------------


def test_turns_of_one_run_are_compared_pair_by_pair(figures):
    """A machine that slows down in the middle does not change the ratio."""
    figure = figures.Figure("import", "ms", [10, 10, 40, 40, 40], {"sdk": [20, 20, 80, 80, 90]})

    assert figure.ratio() == pytest.approx(0.5)
    assert figure.standing == "ahead"


def test_lists_of_other_lengths_are_compared_by_their_medians(figures):
    """Three turns of ours and one of theirs."""
    figure = figures.Figure("wall", "s", [6.0, 7.0, 9.0], {"sdk": [14.0]})

    assert figure.ratio() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("better", "best", "ratio", "standing"),
    [("lower", "quick", 2.0, "behind"), ("higher", "slow", 0.5, "behind")],
)
def test_the_best_peer_is_the_one_that_did_best(figures, better, best, ratio, standing):
    """Less is better for times, more for speeds, and so is the peer to beat another one."""
    figure = figures.Figure("x", "", [10.0], {"quick": [5.0], "slow": [20.0]}, better=better)

    assert figure.best_peer == best
    assert figure.ratio() == pytest.approx(ratio)
    assert figure.standing == standing
    assert figure.verdict == f"behind {best}"


@pytest.mark.parametrize(
    ("target", "met"),
    [
        ("<= 30", True),
        ("<= 29.9", False),
        (">= 30", True),
        ("<= 3x", True),
        ("<= 2.9x", False),
        ("<= 1.5x sdk", True),
        (">= 2x sdk", False),
        ("", None),
    ],
)
def test_a_target_is_read_as_it_is_written(figures, target, met):
    """In the unit, against the best peer, or against one that is named; 30 to 10 and 20 here."""
    figure = figures.Figure("x", "ms", [30.0], {"httpx": [10.0], "sdk": [20.0]}, target)

    assert figure.is_met is met


def test_a_target_missed_is_said_beside_the_peer_that_is_ahead(figures):
    """Both stand in the last column, for a reader who looks at nothing else."""
    figure = figures.Figure("x", "MB/s", [80.0], {"httpx": [100.0]}, ">= 0.85x", "higher")

    assert figure.verdict == "MISSED, behind httpx"


def test_the_ratio_to_a_peer_that_is_named_is_said(figures):
    """The column of ratios is about the best peer, which may be another one."""
    figure = figures.Figure("x", "ms", [3.0], {"sdk": [2.0], "httpx": [4.0]}, "<= 1x httpx")

    assert figure.verdict == "ok at 0.75x, behind sdk"


def test_nobody_paid_twice_is_level(figures):
    """Zero has no ratio, and is no reason to fall over."""
    figure = figures.Figure("paid twice", "", [0.0], {"sdk": [0.0], "other": [3.0]}, "<= 0")

    assert (figure.ratio(), figure.standing, figure.verdict) == (None, "level", "ok")


@pytest.mark.parametrize(
    "fields",
    [
        {"target": "less than 5"},
        {"target": "<= 0.4x nobody"},
        {"ours": []},
        {"ours": [float("nan")]},
        {"peers": {"sdk": []}},
    ],
    ids=["words", "no such peer", "nothing", "nan", "peer without values"],
)
def test_a_figure_that_no_table_can_show_is_refused(figures, fields):
    """A mistake in a benchmark is heard where it is made, not in an empty cell."""
    with pytest.raises(ValueError, match=r"target|needs values"):
        figures.Figure(**{"name": "x", "unit": "ms", "ours": [1.0], **fields})


# -- the table -------------------------------------------------------------------------------------


def test_the_table_has_medians_spread_ratio_and_every_peer(figures):
    """One line for each figure; peers that are not the best one stand below, as do notes."""
    found = [
        figures.Figure("wall", "s", [6.5, 7, 9], {"a": [5.0], "b": [8.5]}, "<= 1x", note="8 cores"),
        figures.Figure("lag", "s", [0.04], target="<= 0.1"),
    ]

    head, _, wall, lag, _, others, note = figures.table(found).splitlines()

    assert head.split()[:2] == ["figure", "ours:"]
    assert _cells(wall) == ["wall, s", "7 [6.5-9]", "a: 5", "1.4x", "<= 1x", "MISSED, behind a"]
    assert _cells(lag) == ["lag, s", "0.04", "-", "-", "<= 0.1", "ok"]
    assert others == "wall; the other peers: b 8.5"
    assert note == "wall: 8 cores"


def _cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line)


def test_figures_survive_being_written_down(figures, tmp_path):
    """What a benchmark hands over in a file is what it measured."""
    found = [figures.Figure("wall", "s", [6.5, 7.25], {"a": [5.0]}, "<= 1x", "lower", "note")]

    figures.write(tmp_path / "f.json", found)

    assert figures.read(tmp_path / "f.json") == found


@pytest.mark.parametrize(("limit", "words", "code"), [(5, [], 0), (3, [], 1), (3, ["--quick"], 0)])
def test_run_alone_ends_with_1_where_a_target_is_missed(
    figures, monkeypatch, capsys, limit, words, code
):
    """In a smoke run the figures mean nothing, and so a miss does not, either."""
    monkeypatch.setenv(figures.QUICK, "")
    monkeypatch.setattr(sys, "argv", ["bench_x.py", *words])

    ended = figures.run_alone(lambda: [figures.Figure("x", "s", [4.0], target=f"<= {limit}")])

    assert ended == code
    assert ("TARGET MISSED: x" in capsys.readouterr().out) == (limit == 3)


# -- the chart -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chart_is_xml_with_words_for_every_figure(figures, chart, scheme):
    """Labels, both values and who is behind are text; bars are as long as the values are."""
    found = [
        figures.Figure("import <all> & more", "ms", [30.0], {"sdk": [120.0]}),
        figures.Figure("download", "MB/s", [80.0], {"httpx": [100.0]}, better="higher"),
    ]

    root = ET.fromstring(chart.draw(found, scheme, "2 cores"))
    texts = {text.text for text in root.iter(f"{SVG}text")}
    bars = [float(bar.get("width")) for bar in root.iter(f"{SVG}rect")][2:]  # after the legend

    assert texts >= {"Import <all> & more", "30 ms", "120 ms  sdk", "0.25× the peer"}
    assert texts >= {"Download", "80 MB/s", "100 MB/s  httpx", "0.8× the peer, behind", "2 cores"}
    assert texts >= {"Less is better", "More is better"}
    assert bars[0] / bars[1] == pytest.approx(0.25, abs=0.01)
    assert bars[2] / bars[3] == pytest.approx(0.8, abs=0.01)
    assert "behind" in root.find(f"{SVG}desc").text


def test_what_has_no_peer_or_no_length_is_not_drawn(figures, chart):
    """A target of our own is for the table; zero beside zero has no bars."""
    found = [
        figures.Figure("lag", "s", [0.04], target="<= 0.1"),
        figures.Figure("paid twice", "", [0.0], {"sdk": [0.0]}),
    ]

    assert ET.fromstring(chart.draw(found, "light")).findall(f"{SVG}rect")[2:] == []


@pytest.mark.parametrize(("scheme", "page"), [("light", "ffffff"), ("dark", "0d1117")])
def test_words_in_the_chart_can_be_read(chart, scheme, page):
    """Contrast as WCAG 2 defines it: 4.5 for text, and 3 for our bar."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(colour: str) -> float:
        darker, lighter = sorted([luminance(colour.lstrip("#")), luminance(page)])
        return (lighter + 0.05) / (darker + 0.05)

    colours = chart.SCHEMES[scheme]

    assert min(contrast(c) for c in (colours.ink, colours.quiet, colours.behind)) >= 4.5
    assert contrast(colours.ours) >= 3


# -- one command -----------------------------------------------------------------------------------


def test_a_benchmark_that_fails_loses_only_its_own_rows(figures, monkeypatch, tmp_path, capsys):
    """Its last words are shown, its rows are missing, the exit code says so."""
    import runpy

    main = runpy.run_path(str(HERE / "__main__.py"), run_name="main")
    for name, body in {
        "good": "return [Figure('wall', 's', [4.0], {'sdk': [5.0]}, '<= 1x')]",
        "bad": "raise RuntimeError('no such luck')",
    }.items():
        (tmp_path / f"bench_{name}.py").write_text(
            f"import sys\nsys.path.insert(0, {str(HERE)!r})\n"
            "from figures import Figure, run_alone\n"
            f"def measure():\n    {body}\nsys.exit(run_alone(measure))\n"
        )
    monkeypatch.setitem(main["main"].__globals__, "HERE", tmp_path)
    out = tmp_path / "out"

    code = main["main"](["--results", str(out), "--chart", str(out)])

    said = capsys.readouterr().out
    assert code == 1
    assert "FAILED (1): RuntimeError: no such luck" in said
    assert "without figures: bad" in said
    assert "wall, s" in said
    assert list(json.loads((out / "results.json").read_text())["benchmarks"]) == ["good"]
    assert {path.name for path in out.glob("*.svg")} == {
        "benchmarks-light.svg",
        "benchmarks-dark.svg",
    }


def test_an_unknown_benchmark_is_refused_with_the_names_there_are():
    """`python tests/benchmarks sclae` does not run everything."""
    ended = subprocess.run(
        [sys.executable, str(HERE), "sclae"], capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 2
    assert "no benchmark is called sclae" in ended.stderr
    assert "scale" in ended.stderr or "faults" in ended.stderr


@pytest.mark.parametrize("path", sorted(HERE.glob("bench_*.py")), ids=lambda path: path.stem)
def test_every_benchmark_hands_over_figures(path):
    """Whatever lies there is run by the one command, so it has to speak its language."""
    code = path.read_text(encoding="utf-8")

    assert "def measure() -> list[Figure]:" in code
    assert "sys.exit(run_alone(measure))" in code


# -- how faults are judged -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "tried", "outcome"),
    [
        ("openai", {"sha256": "a"}, "survived"),
        ("openai", {"sha256": "b"}, "wrong"),
        ("openai", {"ended": "hanging"}, "hanging"),
        ("openai", {"error": ["openai.APIStatusError"], "text": "500"}, "clear error"),
        ("openai", {"error": ["openai.APIStatusError"], "text": " "}, "unclear"),
        ("openai", {"error": ["json.decoder.JSONDecodeError"], "text": "line 1"}, "unclear"),
        ("phaseo", {"error": ["urllib.error.URLError"], "text": "refused"}, "clear error"),
        ("phaseo_nb", {"error": ["httpx.ReadError"], "text": "reset"}, "unclear"),
        ("phaseo_nb", {"error": ["phaseo_nb.JobFailed"], "text": "Job 1 …"}, "clear error"),
    ],
)
def test_an_order_is_judged_by_the_audio_and_by_whose_the_error_is(side, tried, outcome):
    """The same for all: only what its own package or HTTP library raised is a clear error."""
    import bench_faults

    assert bench_faults.outcome_of(side, tried, frozenset("a")) == outcome
