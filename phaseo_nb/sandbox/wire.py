"""JSON in and out, as the services' JavaScript reads and writes it, within a limit."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

MAX_BODY = 16 * 2**20
"""Bytes of a body; the gateway's own limit."""
_DEEPEST = 200


class JSON(Response):
    """A JSON answer that survives lone surrogates and never holds NaN."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the content as compact JSON in ASCII-safe UTF-8."""
        return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()


class BodyTooLarge(Exception):
    """A body beyond :data:`MAX_BODY`."""


class NotJSON(Exception):
    """A body that is empty or no JSON."""


async def read_json(request: Request) -> Any:
    """Read and decode a body as the gateways' JavaScript does.

    Raises
    ------
    BodyTooLarge
        More than :data:`MAX_BODY` bytes, said or sent.
    NotJSON
        Empty, no JSON, NaN or Infinity in it, or nested beyond what can be read.
    """
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > MAX_BODY:
        raise BodyTooLarge
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise BodyTooLarge
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        body = json.loads(text, parse_constant=_no_constant, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise NotJSON from error
    if not _is_shallow(body):
        raise NotJSON
    return body


def _is_shallow(value: Any) -> bool:
    """Whether nothing is nested so deep that Python would stumble over it later."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for each in level
            if isinstance(each, (dict, list))
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return True
    return False


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _integer(text: str) -> float:
    return int(text) if len(text) < 400 else float(text)
