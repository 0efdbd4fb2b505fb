"""The line of code that does the same as the form."""

from __future__ import annotations

from typing import Any

from ..requests import UdioRequest
from .drafts import Draft

_WIDTH = 88


def code_of(draft: Draft, *, fresh: bool = False, gateway: str | None = None) -> str:
    """Return a call of ``generate`` for a draft.

    Parameters
    ----------
    draft
        A draft without problems.
    fresh
        Whether it asks for one more take.
    gateway
        Named in a line before it, where the notebook's own session is another one.
    """
    assert draft.request is not None
    arguments: list[str] = []
    if draft.extras:
        arguments.append(f"request={_request(draft)}")
    else:
        words = dict(draft.words)
        if "prompt" in words:
            arguments.append(repr(words.pop("prompt")))
        arguments += [f"{name}={_value(value)}" for name, value in words.items()]
    if draft.take is not None:
        arguments.append(f"take={draft.take!r}")
    if fresh:
        arguments.append("fresh=True")
    lines = [f'nb.connect("{gateway}")'] if gateway else []
    return "\n".join([*lines, f"take = await nb.generate{_call(arguments)}"])


def _request(draft: Draft) -> str:
    request = draft.request
    if isinstance(request, UdioRequest):
        arguments = [f"{name}={_value(value)}" for name, value in request._keywords().items()]
        return f"nb.UdioRequest({', '.join(arguments)})"
    assert request is not None
    return f"nb.MusicRequest.model_validate({_value(request.to_wire())})"


def _call(arguments: list[str]) -> str:
    line = f"({', '.join(arguments)})"
    if len(line) <= _WIDTH - len("take = await nb.generate"):
        return line
    inner = "".join(f"    {argument},\n" for argument in arguments)
    return f"(\n{inner})"


def _value(value: Any) -> str:
    return repr(value)
