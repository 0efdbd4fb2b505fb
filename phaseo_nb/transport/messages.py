"""What goes over the wire, and what comes back, as plain values.

Gateways build a :class:`Call` and read an :class:`Answer`; only ``http.py`` turns one into the
other. So a gateway can be tested, and a fault described, without a network.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Call:
    """One API request, without its secrets."""

    method: Literal["GET", "POST"]
    path: str
    """Below the base URL, with a leading slash; values in it are already percent-encoded."""
    params: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    """The body of a POST; ``None`` sends none."""
    creates: bool = False
    """True where a success costs money: never followed, never sent twice on an open outcome."""
    carries_audio: bool = False
    """True where the answer may hold a whole track: read with the large cap."""
    auth: Literal["bearer", "body_token"] = "bearer"
    """Where the transport puts the key: the Authorization header, or ``token`` in the body."""


@dataclass(frozen=True)
class Answer:
    """One API answer, whole and within its cap."""

    status_code: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str
    """Where it came from, without query."""
    method: str = "GET"

    @property
    def data(self) -> Any:
        """The body as JSON, or :data:`NOT_JSON`.

        See :func:`read_json`.
        """
        try:
            return read_json(self.body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            return NOT_JSON

    @property
    def text(self) -> str:
        """The first kilobyte of the body as text, for messages and sniffing only."""
        return self.body[:1024].decode("utf-8", "replace")


def read_json(text: str) -> Any:
    """Read JSON of strangers: NaN, Infinity and numbers that no float holds become ``None``.

    Python's parser is too liberal and too brittle for hostile text: it takes words for numbers,
    and one number of 5,000 digits makes a whole answer unreadable, the id of a paid job included.

    Raises
    ------
    ValueError, RecursionError
        It is no JSON, or nested so that nobody can follow.
    """
    return json.loads(text, parse_constant=lambda _: None, parse_float=_finite, parse_int=_small)


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _small(text: str) -> int | None:
    return int(text) if len(text) <= _MOST_DIGITS else None


_MOST_DIGITS = 308
"""Of a whole number, sign included: more than a float holds is nobody's number."""


class _NotJson:
    def __repr__(self) -> str:
        return "NOT_JSON"


NOT_JSON: Any = _NotJson()


class NotYet(Exception):
    """Raised just before a call goes out: it has to wait for another turn, nothing was sent."""
