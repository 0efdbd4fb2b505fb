"""What a ranking looks like: a table with dots and whiskers, wherever it is opened."""

from __future__ import annotations

import re

import pytest
from browser import chromium
from test_cards import EVIL, Page
from test_tables import KEPT_IN_TABLES

import phaseo_nb as nb
from phaseo_nb.experiments.ranking import _quantiles

VOTES = (
    [("harp", "jazz")] * 9 + [("jazz", "harp")] * 3 + [("jazz", "drone")] * 8
    + [("drone", "jazz")] * 2 + [("harp", "drone")] * 9 + [("drone", "harp", None)]
)  # fmt: skip


def test_a_ranking_is_a_table_in_plain_words():
    """Each item is one line with its strength, its interval, a plot and its places."""
    lines = repr(nb.rank(VOTES, names={"harp": "Slow harp"})).splitlines()

    assert lines[0] == "Ranking of 3 by 32 votes · nobody named"
    assert [line.split()[1] for line in lines[3:6]] == ["Slow", "jazz", "drone"]
    assert all(re.search(r"[├◂]─*●─*[┤▸]", line) for line in lines[3:6])
    assert "Slow harp is certainly preferred to drone" in "\n".join(lines)


def test_hostile_names_stay_text():
    """An id or a name that is markup is shown, not obeyed."""
    html = nb.rank([(EVIL, "b"), ("b", EVIL)], names={"b": EVIL[::-1]})._repr_html_()

    assert "<script" not in html
    assert "<img" not in html


def test_the_look_survives_where_the_notebook_is_not_trusted():
    """Inline styles use what JupyterLab keeps; nothing is drawn with svg or script."""
    page = Page(nb.rank(VOTES)._repr_html_())

    assert {tag for tag, _ in page.tags} <= {
        *("div", "span", "table", "caption", "thead", "tbody", "tr", "th", "td", "bdi", "style"),
        "code",
    }
    for _, attributes in page.tags:
        for declaration in filter(None, (attributes.get("style") or "").split(";")):
            name, value = declaration.split(":", 1)
            assert name.strip() in KEPT_IN_TABLES
            assert not re.search(r"var\(|calc\(|[^0-9]\.[0-9]", value)


@pytest.mark.browser
def test_dots_stand_on_their_whiskers():
    """In a browser the dot of each item lies on its whisker, and stronger is further right."""
    html = nb.rank(VOTES)._repr_html_()
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 400})
        page.set_content(f"<body>{html}</body>")
        plots = page.eval_on_selector_all(
            "[role=img]",
            """plots => plots.map(plot => {
              const box = node => node.getBoundingClientRect();
              const [zero, whisker, shift] = plot.children;
              const dot = box(shift.firstElementChild), line = box(whisker), frame = box(plot);
              return {x: dot.x + dot.width / 2, y: dot.y + dot.height / 2, line: line.toJSON(),
                      zero: box(zero).x, top: frame.top, bottom: frame.bottom};
            })""",
        )
        label = page.get_attribute("[role=img]", "aria-label")

    assert len(plots) == 3
    for plot in plots:
        line = plot["line"]
        assert line["left"] <= plot["x"] <= line["right"]
        assert abs(plot["y"] - (line["top"] + line["bottom"]) / 2) <= 1
        assert plot["top"] <= line["top"] <= plot["bottom"]
    assert plots[0]["x"] > plots[1]["x"] > plots[2]["x"]
    assert plots[0]["x"] > plots[0]["zero"] > plots[2]["x"]
    assert len({plot["zero"] for plot in plots}) == 1
    assert " to " in label


# Two-sided 95 % points of Student's t, as printed in tables.
T_TABLE = {1: 12.7062, 2: 4.30265, 3: 3.18245, 5: 2.57058, 9: 2.26216, 30: 2.04227, 120: 1.97993}


@pytest.mark.parametrize(("df", "expected"), T_TABLE.items(), ids=T_TABLE)
def test_quantiles_are_those_of_the_tables(df, expected):
    """Student's t is computed here, as scipy is no dependency."""
    assert _quantiles.t_width(df) == pytest.approx(expected, rel=2e-5)
