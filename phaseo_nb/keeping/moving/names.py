"""File names that people can read and every system takes, made from prompts and titles.

A prompt is text of anybody: it may hold separators, controls, marks that turn text around, halves
of characters, or be the name of a printer port on Windows. What comes out of here is one plain
part of a path, never more.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import datetime, timezone

from ...phrases import UNSEEN

MOST_BYTES = 120
"""Of a whole name with its suffix, in UTF-8: the shortest limit of a file system in use is 143."""

_SEPARATORS = str.maketrans({"/": "-", "\\": "-", "|": "-", ":": " ", "*": " ", "?": " "})
_QUOTES = str.maketrans({'"': "'", "<": " ", ">": " "})
_JOINERS = "\u200c\u200d"  # Persian and emoji are spelled with them
_NOT_FIRST = " .-~" + _JOINERS
_NOT_LAST = " ." + _JOINERS
_PORTS = ("COM", "LPT")
_RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{digit}" for port in _PORTS for digit in "0123456789¹²³"}
)


def safe_name(
    text: str | None, suffix: str = "", *, most_bytes: int = MOST_BYTES, instead: str = "untitled"
) -> str:
    """Return a file name for a text.

    Parameters
    ----------
    text
        Anything.
    suffix
        With its dot; it is never cut.
    most_bytes
        Of the whole name, in UTF-8. The text is cut between characters as people see them, and
        between words where that costs little.
    instead
        What stands for a text of which nothing is left.
    """
    room = most_bytes - len(suffix.encode())
    stem = _cut(_plain(text or ""), room)
    if not any(unicodedata.category(sign)[0] in "LNS" for sign in stem):
        stem = _cut(instead, room)
    if _is_reserved(stem):
        stem = f"_{_cut(stem, room - 1)}"
    return stem + suffix


def unique_name(name: str, suffix: str, taken: set[str]) -> str:
    """Return a name that differs from all ``taken`` ones in more than case, and take it.

    Parameters
    ----------
    name
        Without suffix, from :func:`safe_name`.
    suffix
        With its dot.
    taken
        What is in use, as :func:`folded` gives it; the new name is added.
    """
    number = 1
    found = safe_name(name, suffix)
    while folded(found) in taken:
        number += 1
        found = safe_name(name, f" ({number}){suffix}")
    taken.add(folded(found))
    return found


def folded(name: str) -> str:
    """Return what two names have in common that some file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def take_name(title: str | None, number: int, made: datetime) -> str:
    """Return the name of a take without suffix: day, title or prompt, number."""
    day = made.astimezone(timezone.utc).strftime("%Y-%m-%d")
    words = safe_name(title, most_bytes=72)
    return safe_name(f"{day} {words}, take {number}", most_bytes=100)


def _plain(text: str) -> str:
    """Return text on one line without anything that acts instead of being read."""
    text = text.encode("utf-8", "replace").decode()  # half a character has no UTF-8
    text = text.translate(_SEPARATORS).translate(_QUOTES)
    kept = "".join(_sign(sign) for sign in unicodedata.normalize("NFC", text))
    kept = UNSEEN.sub(lambda match: match[1] or "", kept)
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def _sign(sign: str) -> str:
    kind = unicodedata.category(sign)
    if kind[0] == "Z" or sign in "\t\r\n\v\f":
        return " "
    if kind in ("Cc", "Cf") and sign not in _JOINERS and not _is_tag(sign):
        return ""
    is_no_character = ord(sign) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(sign) <= 0xFDEF
    return "" if is_no_character else sign


def _cut(text: str, most_bytes: int) -> str:
    """Return as much of a text as fits, without what may not begin or end a name."""
    text = text.lstrip(_NOT_FIRST).rstrip(_NOT_LAST)
    if len(text.encode()) <= most_bytes:
        return text
    kept, size = "", 0
    for cluster in clusters(text):
        size += len(cluster.encode())
        if size > most_bytes:
            break
        kept += cluster
    if not kept:  # one letter under a heap of accents
        kept = text.encode()[:most_bytes].decode("utf-8", "ignore")
    space = kept.rfind(" ")
    is_inside_word = len(kept) < len(text) and text[len(kept)] != " "
    if is_inside_word and space > 0.6 * len(kept):
        kept = kept[:space]
    return kept.rstrip(_NOT_LAST + ",;")


def clusters(text: str) -> Iterator[str]:
    """Yield characters as people see them: letters with their accents, emoji, flags."""
    cluster = ""
    for sign in text:
        if cluster and not _goes_on(cluster, sign):
            yield cluster
            cluster = ""
        cluster += sign
    if cluster:
        yield cluster


def _goes_on(cluster: str, sign: str) -> bool:
    is_flag = _is_regional(sign) and len(cluster) == 1 and _is_regional(cluster)
    is_mark = unicodedata.category(sign)[0] == "M" or "\U0001f3fb" <= sign <= "\U0001f3ff"
    # Old Hangul is spelled in parts: lead, vowel, tail.
    is_part = "\u1160" <= sign <= "\u11ff" and "\u1100" <= cluster[-1] <= "\ud7a3"
    return (
        is_flag
        or is_mark
        or is_part
        or sign in _JOINERS
        or _is_tag(sign)
        or cluster[-1] in "\u200d"
    )


def _is_regional(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"


def _is_tag(sign: str) -> bool:
    return "\U000e0020" <= sign <= "\U000e007f"  # the flags of Scotland and Wales end in them


def _is_reserved(stem: str) -> bool:
    return stem.partition(".")[0].rstrip(" ").upper() in _RESERVED
