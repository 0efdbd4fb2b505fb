"""Blind listening tests: :class:`Comparison` and the votes that come of it.

- ``comparison.py``: the widget; ``static/`` its page; ``votes.py``: votes as they are kept and read
- ``sounds.py``: what is compared: takes, tracks, ids and results, read into :class:`Sound`
- ``levels.py``: samples of equal length, rate, channels and loudness, without a word about them
- ``orders.py``: which pairs, in which order, on which side; drawn with a seed that is kept
- ``trials.py``: one listener's way through the trials, and what a vote from the page means
- ``binomial.py``: what so many right answers of an ABX test say
- ``given.py``: texts, stretch and library as somebody gave them; ``kept.py``: what was there before
- ``answers.py``: what the page asks for
- ``telling.py``: which was which, once that may be told
- ``twin.py``: the same to listen to where no widget and no kernel is
"""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent / "static"
