"""Telling text from samples: an error page must not be kept as raw audio, which it looks like."""

from __future__ import annotations

import codecs

_SPACES = frozenset("\t\n\r\x0b\x0c")
_PRINTABLE = frozenset(range(0x20, 0x7F)) | {9, 10, 13}


def is_text(head: bytes) -> bool:
    """Tell whether the first bytes of something are plausible text in any usual encoding.

    Samples are not taken for it: silence is full of zeros, and anything that sounds goes through
    control characters, surrogates and bytes that are no UTF-8 within its first thousand samples.
    """
    if not head:
        return False
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and _reads_as(head, "utf-16"):
        return True
    if _reads_as(head, "utf-8-sig"):
        return True
    # Quiet samples on a constant offset read as UTF-16 letters; pages and JSON begin like this.
    if any(_reads_as(head, name, begins='<{["') for name in ("utf-16-le", "utf-16-be")):
        return True
    # One of the many encodings with one byte per character: mostly ASCII, and never a zero.
    plain = sum(byte in _PRINTABLE for byte in head)
    return 0 not in head and plain >= 0.85 * len(head)


def _reads_as(head: bytes, encoding: str, *, begins: str | None = None) -> bool:
    try:  # the last character may be cut in the middle
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    start = text.lstrip()[:1]
    if not start or (begins is not None and start not in begins):
        return False
    return all(c.isprintable() or c in _SPACES for c in text)
