"""What a store holds, by what is in it: names never come from outside."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ...audio.sniff import sniff
from ...errors import AudioError, LibraryError
from ...transport.images import sniff_image

UNFINISHED = ".part"

State = Literal["missing", "changed", "unreadable"]
"""What can be wrong with a recording."""

_NAME = re.compile(r"[0-9a-f]{64}(\.[a-z0-9]{1,12})?")


@dataclass(frozen=True)
class Recording:
    """A recording as it lies in the store."""

    sha256: str
    suffix: str
    format: str
    """By what is in it, whatever it was called; ``pcm`` is bare samples."""
    size: int
    """In bytes."""

    @classmethod
    def of(cls, data: bytes, *, is_bare: bool = False) -> Recording:
        """Return what a recording is; ``is_bare``: it may be samples without a header."""
        kind = sniff(data) or sniff_image(data)
        suffix, format = (kind.suffix, kind.format) if kind else (".bin", "unknown")
        if kind is None and is_bare:
            suffix, format = ".pcm", "pcm"
        return cls(hashlib.sha256(data).hexdigest(), suffix, format, len(data))

    @property
    def name(self) -> str:
        """Its name in any store: ``ab/<sha256>.<suffix>``."""
        file = f"{self.sha256}{self.suffix}"
        if not _NAME.fullmatch(file):  # a journal that others write, too, may say anything
            message = f"The journal names a recording {file!r:.90}, which is no name of one."
            raise LibraryError(message)
        return f"{self.sha256[:2]}/{file}"

    def is_in(self, data: bytes) -> bool:
        """Tell whether these bytes are this recording, by length and hash."""
        return len(data) == self.size and hashlib.sha256(data).hexdigest() == self.sha256


class Item(NamedTuple):
    """Something that lies in a store, whatever it is."""

    name: str
    """Below the store, with ``/``."""
    size: int | None
    """In bytes; ``None`` where the store does not say."""
    modified: float | None
    """Seconds since 1970; ``None`` where the store does not say."""


class Survey(NamedTuple):
    """What was found by comparing a store with what should be there."""

    troubles: list[tuple[Recording, State]]
    others: list[Item]
    """Whatever else lies there."""


class Unreachable(AudioError):
    """A recording could not be read just now; whether it is there, nobody knows."""


Unreachable.__module__ = __name__  # where pickle finds it: it is no public name
