"""What kind of picture some bytes are, by what they begin with; what is none of these is none.

A name, a ``Content-Type`` and the address are claims. SVG is left out on purpose: it can hold
scripts and fetch from elsewhere, and the services send photographs.
"""

from __future__ import annotations

from typing import NamedTuple

LARGEST = 10_000_000
"""Bytes of one picture; cover images have some hundred thousand."""


class ImageType(NamedTuple):
    """A kind of picture."""

    format: str
    """``png``, ``jpeg`` or ``webp``."""
    mime: str
    suffix: str
    """With the dot, for a file name."""


_PNG = ImageType("png", "image/png", ".png")
_JPEG = ImageType("jpeg", "image/jpeg", ".jpg")
_WEBP = ImageType("webp", "image/webp", ".webp")
FORMATS = tuple(kind.format for kind in (_PNG, _JPEG, _WEBP))


def sniff_image(data: bytes) -> ImageType | None:
    """Return what picture these bytes are, or ``None`` when they are none.

    >>> sniff_image(b"RIFF$...WEBPVP8 ").mime
    'image/webp'
    >>> sniff_image(b"<svg onload=alert(1)>") is None
    True
    """
    head = bytes(data[:12])
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if head.startswith(b"\xff\xd8\xff"):
        return _JPEG
    return _WEBP if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None
