"""The gateway's request schema: codes and wording recorded from zod 4.4.3 itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaseo_nb.requests._checks import dotted
from phaseo_nb.requests._json import canonical, is_blank, length, plain, trim
from phaseo_nb.requests._weburl import is_url
from phaseo_nb.requests.rules import check_rules
from phaseo_nb.requests.schema import check_schema, describe

CONTRACT = Path(__file__).parent / "contract"
SHARED = Path(__file__).parents[2] / "shared/contracts/examples/phaseo_requests.json"
RECORDED = json.loads((CONTRACT / "phaseo_requests_schema.json").read_text("utf-8"))
URLS = json.loads((CONTRACT / "phaseo_requests_urls.json").read_text("utf-8"))

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["case"])
def test_issues_are_those_of_the_services_schema_library(case):
    """Path, code, message and order are what zod gives for the same body."""
    found = check_schema(case["body"])

    assert [[list(issue.path), issue.code, issue.message] for issue in found] == case["issues"]


@pytest.mark.skipif(not SHARED.exists(), reason="the measured examples are not at hand")
def test_measured_examples_come_out_as_measured():
    """Every example body has the issues, the description and the rule it had at the gateway."""
    for example in json.loads(SHARED.read_text("utf-8")):
        gateway = example["gateway"]
        issues = check_schema(example["body"])

        assert [dotted(issue.path) for issue in issues] == example["schema_issues"], example["id"]
        assert [issue.code for issue in issues] == example["schema_codes"], example["id"]
        if issues:
            assert describe(issues[0]) == gateway["description"], example["id"]
            continue
        refusal = check_rules(example["body"])
        reason = refusal.reason if refusal else None
        if refusal and refusal.status == 400:
            assert refusal.message == gateway["description"], example["id"]
            assert reason in (gateway["error"], gateway["operational_kind"]), example["id"]
        else:
            assert reason == gateway["upstream_reason"], example["id"]


def test_issue_carries_the_value_that_was_wrong():
    """An issue holds what stood there, and None where nothing did."""
    wrong, missing = check_schema({"model": 5})[0], check_schema({})[0]

    assert (wrong.value, missing.value) == (5, None)


@given(json_values)
def test_schema_never_breaks(body):
    """Any JSON value gets a list of issues, each with a path into the value."""
    for issue in check_schema(body):
        assert describe(issue)


@pytest.mark.parametrize("url", URLS["accepted"])
def test_urls_that_javascript_parses_are_accepted(url):
    """What new URL() takes passes."""
    assert is_url(url)


@pytest.mark.parametrize("url", URLS["refused"])
def test_urls_that_javascript_refuses_are_refused(url):
    """What new URL() throws at does not pass."""
    assert not is_url(url)


@given(st.text(max_size=30))
def test_url_check_never_breaks(text):
    """Any text is an URL or is none."""
    assert is_url(text) in (True, False)
    assert is_url("https://" + text) in (True, False)


@pytest.mark.parametrize("character", ["\u00a0", "\ufeff", "\u2028", "\u3000", "\t", " "])
def test_javascript_blanks_are_blank(character):
    """NBSP, BOM and line separators count as blank."""
    assert is_blank(character)
    assert trim(f"{character}x{character}") == "x"


@pytest.mark.parametrize("character", ["\u200b", "\x1c", "\x85", "\u180e"])
def test_other_invisible_characters_are_no_blanks(character):
    """What JavaScript's trim() leaves is text, though Python would strip some of it."""
    assert not is_blank(character)


def test_length_counts_utf16_units():
    """An emoji is two units, an accented letter one."""
    assert (length("🎵"), length("é"), length("")) == (2, 1, 0)


def test_canonical_text_ignores_order_and_number_spelling():
    """Key order and 8.0 for 8 make no difference; 8.5 and True do."""
    assert canonical({"b": 8.0, "a": [1.0]}) == canonical({"a": [1], "b": 8})
    assert canonical({"a": 8.5}) != canonical({"a": 8})
    assert canonical({"a": True}) != canonical({"a": 1})


def test_foreign_numbers_become_plain_ones():
    """Numbers of numpy are taken as numbers."""
    np = pytest.importorskip("numpy")

    value = plain({"a": np.int64(8), "b": np.float32(0.5), "c": (1,)})

    assert value == {"a": 8, "b": 0.5, "c": [1]}
    assert [type(item) for item in value.values()] == [int, float, list]
