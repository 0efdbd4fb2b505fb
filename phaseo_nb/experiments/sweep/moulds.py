"""A short cut for sweeps of many prompts: names of requests that differ in nothing else.

Checking a request and naming it takes a tenth of a millisecond, which ten thousand prompts feel.
Where a request holds its prompt word for word in one place, and only there, the name of the next
one is that of the first with another text in that place. The stand-in that is checked in full is
as long as the longest of the prompts, so that none of them breaks a limit that it did not; what
is no plain line of text is checked in full by itself. When its turn comes, every request is made
and checked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from json.encoder import encode_basestring_ascii
from typing import NamedTuple

from ...requests import MusicRequest, UdioRequest
from ...requests._json import length
from ...requests.keys import meaning_text

WORTH = 8
"""Prompts from which on a mould pays."""
LONGEST = 50_000
"""Units of UTF-16 beyond which a prompt is checked by itself."""
_CORE = "b6c9f3d40f5e4d6f8e0a5f7b2c917e53"  # in no prompt that anybody writes

Built = tuple[MusicRequest | UdioRequest, tuple[str, ...]]


def is_plain(prompt: object) -> bool:
    """Tell whether a prompt is a plain line of text: printable, without blanks around it."""
    return (
        isinstance(prompt, str)
        and prompt.isprintable()
        and bool(prompt)
        and prompt == prompt.strip()
        and len(prompt) <= LONGEST
    )


class Mould(NamedTuple):
    """What stands around the prompt in the text that requests are named by."""

    before: str
    after: str
    request: MusicRequest | UdioRequest
    notes: tuple[str, ...]

    def key(self, prompt: str) -> str:
        """Return the name of the request with this prompt."""
        text = f"{self.before}{encode_basestring_ascii(prompt)}{self.after}"
        return hashlib.sha256(text.encode()).hexdigest()


def make_mould(
    build: Callable[[str], Built], prompts: list[str], *, gateway: str, base_url: str
) -> Mould | None:
    """Return the mould of these prompts; ``None`` where there is more to a prompt than its text.

    Parameters
    ----------
    build
        Prompt → checked request and its notes; refuses what breaks a rule.
    prompts
        Plain ones.
    gateway, base_url
        As for ``request_key``.
    """
    longest = max(map(length, prompts))
    stand_in = f"{_CORE} {'x' * (longest - len(_CORE) - 1)}".strip()
    request, notes = build(stand_in)
    text = meaning_text(request, gateway=gateway, base_url=base_url)
    before, found, after = text.partition(encode_basestring_ascii(stand_in))
    if not found or text.count(_CORE) != 1 or any("prompt" in note for note in notes):
        return None
    return Mould(before, after, request, notes)
