"""The one card language: what a track, a running job, a failure or a question looks like.

Pure functions: values in, one HTML string out, or with ``text=True`` the same in plain words for
terminals. Every value is escaped here, whoever it comes from.

How it survives: JupyterLab cleans the HTML of notebooks it does not trust. It drops ``<style>``,
``svg``, ``aria-*``, inline values with ``var()`` and properties such as ``gap``. So the look is
inline, in properties it keeps; text takes the colour of the page, and all other colours work on
light and dark alike. The small ``<style>`` block only refines (audio control, motion).
"""

from __future__ import annotations

from .paper import AMBER, BADGE, BADGE_STYLE, CARD, CODE, INK, QUIET, RED, STYLE, TITLE, escape
from .running import live_card, stopped_card
from .things import picture_card, player_card
from .words import failure_card, note_card, open_question_card, remark

__all__ = [
    "AMBER",
    "BADGE",
    "BADGE_STYLE",
    "CARD",
    "CODE",
    "INK",
    "QUIET",
    "RED",
    "STYLE",
    "TITLE",
    "escape",
    "failure_card",
    "live_card",
    "note_card",
    "open_question_card",
    "picture_card",
    "player_card",
    "remark",
    "stopped_card",
]
