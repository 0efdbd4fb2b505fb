"""The sandbox's band: words become a score, and a synthesizer plays it.

``vocabulary`` reads the words, ``composer`` and ``ensemble`` write the parts, ``synth`` renders
them. No AI model, no samples, no network: the same words always give the same song.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .composer import LONGEST, SongSpec, compose
from .score import Score

if TYPE_CHECKING:
    from .synth import render, render_blocks

__all__ = ["LONGEST", "Score", "SongSpec", "compose", "render", "render_blocks"]


def __getattr__(name: str) -> Any:
    # numpy comes with the first sound: a plan of a song needs none of it.
    if name in ("render", "render_blocks"):
        from . import synth

        return getattr(synth, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
