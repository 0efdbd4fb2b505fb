"""File names from other people's texts: readable, and safe on every system."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phaseo_nb.keeping.moving.names import clusters, folded, safe_name, take_name, unique_name

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)  # surrogates too
# Of the documentation of Windows, "Naming Files, Paths, and Namespaces".
WINDOWS_NAMES = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE
)
WINDOWS_SIGNS = set('<>:"/\\|?*') | {chr(code) for code in range(32)}


@given(ANY_TEXT, st.sampled_from(["", ".mp3", ".json"]))
@example("../../etc/passwd", ".mp3")
@example("C:\\Windows\\system32", "")
@example("\\\\server\\share", "")
@example("con.tar", ".mp3")
@example("com¹ .x", "")
@example("e" + "\u0301" * 300, ".mp3")
@example("a" * 119 + "é", "")
@example(". - .", "")
@example("\ud800", "")
@example("\u202egnp.exe", ".mp3")
@example("CON" + "x" * 300, "")
@example("nul" + " " * 300 + "x", "")
def test_every_text_gives_a_name_that_every_system_takes(text, suffix):
    """Whatever the text, the name is one part of a path, 1 to 120 bytes, without hidden signs."""
    name = safe_name(text, suffix)

    assert 1 + len(suffix) <= len(name.encode("utf-8")) <= 120
    assert name.endswith(suffix)
    assert not WINDOWS_SIGNS & set(name)
    assert name[0] not in ".-~ "
    assert name[-1] not in ". "
    assert not WINDOWS_NAMES.fullmatch(name.partition(".")[0].rstrip(" "))
    assert unicodedata.normalize("NFC", name) == name
    assert not any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in name)
    assert not any(
        unicodedata.bidirectional(s) in ("RLO", "LRO", "RLE", "LRI", "PDI") for s in name
    )


@given(ANY_TEXT)
def test_a_name_is_the_name_of_itself(text):
    """Naming a name again changes nothing, so that exports of imports keep their names."""
    name = safe_name(text)

    assert safe_name(name) == name


@given(st.lists(ANY_TEXT, max_size=30))
@example(["Tide", "tide", "TIDE", "ti\u0301de", "tíde", "straße", "STRASSE"])
def test_names_of_one_export_differ_in_more_than_case(texts):
    """Names that are made unique stay apart on systems that ignore case and composition."""
    taken = set()

    names = [unique_name(text, ".mp3", taken) for text in texts]

    as_seen = {unicodedata.normalize("NFD", name).casefold() for name in names}
    assert len(as_seen) == len(texts)
    assert all(len(name.encode()) <= 120 and name.endswith(".mp3") for name in names)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Warm jazz trio", "Warm jazz trio"),
        ("AC/DC: live?", "AC-DC live"),
        ("  two\n lines\t", "two lines"),
        ("../../x", "x"),
        ("…", "untitled"),
        ("", "untitled"),
        (None, "untitled"),
        ("CON", "_CON"),
        ("夜の海", "夜の海"),
        ("e\u0301tude", "étude"),
        ("a\x00b\u202ec\ufeffd", "abcd"),
        ("\ud83c", "untitled"),
        ('say "hi"', "say 'hi'"),
    ],
)
def test_readable_texts_stay_readable(text, name):
    """Ordinary words come through as they are; what cannot stay is left out or replaced."""
    assert safe_name(text) == name


def test_a_long_text_is_cut_between_words():
    """A cut leaves whole words where that costs little."""
    name = safe_name("trumpets " * 30)  # 120 bytes end within the 14th

    assert name == " ".join(["trumpets"] * 13)


def test_a_cut_never_splits_what_is_seen_as_one():
    """A family of emoji joined into one, a flag and an accented letter go as a whole."""
    family = "👨\u200d👩\u200d👧\u200d👦"  # 25 bytes

    assert safe_name(family * 10) == family * 4
    assert safe_name("🇳🇴" * 40) == "🇳🇴" * 15  # 8 bytes each
    assert safe_name("n\u0308" * 80) == "n\u0308" * 40  # has no single letter: 3 bytes each
    assert list(clusters("a👍🏽b")) == ["a", "👍🏽", "b"]
    assert list(clusters("🇳🇴🇩🇪")) == ["🇳🇴", "🇩🇪"]


def test_the_name_of_a_take_says_day_title_and_number():
    """An exported take can be told from others by its name alone."""
    made = datetime(2026, 11, 25, 23, 30, tzinfo=timezone.utc)

    assert take_name("Tide", 2, made) == "2026-11-25 Tide, take 2"
    assert len(take_name("ü" * 500, 1_000_000, made).encode()) <= 100


def test_names_fold_like_the_strictest_file_system():
    """Case and composition do not tell two names apart."""
    assert folded("Ti\u0301de") == folded("TÍDE")
