"""Which was which, once that may be told: titles, levels and what was said about each."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...keeping.tables._sheet import Column, Row, Sheet, Way
from ...phrases import excerpt, loudness, visible
from . import orders
from .binomial import AbxResult
from .levels import Levels
from .sounds import Sound
from .trials import Plan
from .votes import Vote, Votes

MANY_TRIALS = 60

_COLUMNS = (
    Column("", is_figure=True),
    Column("what", is_title=True),
    Column("made by", is_optional=True),
    Column("id"),
    Column("loudness", is_figure=True),
    Column("turned down", is_figure=True),
    Column("what was said"),
)


class Revealed:
    """What was compared, with titles, levels and votes; made by :meth:`Comparison.reveal`."""

    def __init__(
        self,
        sounds: Mapping[str, Sound],
        levels: Levels,
        votes: Votes,
        abx: Sequence[AbxResult] | None,
    ) -> None:
        self._sounds, self._levels, self._votes, self._abx = sounds, levels, votes, abx

    def __repr__(self) -> str:
        return self._sheet().text()

    def _repr_html_(self) -> str:
        return self._sheet().html()

    def rows(self) -> list[dict[str, Any]]:
        """Return a dict for each recording."""
        return [
            {
                "id": id,
                "name": sound.name,
                "number": number,
                "facts": sound.facts,
                "loudness_lufs": self._levels.lufs[id],
                "gain_db": self._levels.gains_db[id],
                "said": said_of(id, self._votes),
            }
            for number, (id, sound) in numbered(self._sounds).items()
        ]

    def lines(self) -> list[list[str]]:
        """Return name, level and what was said, for the page."""
        return [
            [
                visible(row["name"]),
                visible(row["facts"]),
                _gain(row["loudness_lufs"], row["gain_db"]),
                row["said"],
            ]
            for row in self.rows()
        ]

    def _sheet(self) -> Sheet:
        rows = [
            Row(
                (
                    str(row["number"]),
                    row["name"],
                    row["facts"],
                    excerpt(row["id"], 60),
                    loudness(row["loudness_lufs"]),
                    f"{abs(row['gain_db']):.1f} dB",
                    row["said"],
                )
            )
            for row in self.rows()
        ]
        ways = [Way(result.words) for result in self._abx or []]
        intro = "Numbers are those of the page that to_html() writes; letters change in each trial."
        return Sheet(f"{len(rows)} recordings compared", _COLUMNS, rows, intro=intro, footer=ways)


def numbered(sounds: Mapping[str, Sound]) -> dict[int, tuple[str, Sound]]:
    """Return the recordings by the numbers that the page without a kernel calls them.

    Their order follows from their ids alone, so that another kernel can still tell which is which.
    """
    ids = sorted(sounds)
    seed = "\n".join(ids)
    drawn = orders.draw_order(ids, int(hashlib.sha256(seed.encode()).hexdigest()[:12], 16))
    return {number: (id, sounds[id]) for number, id in enumerate(drawn, 1)}


def said_of(id: str, votes: Sequence[Vote]) -> str:
    """Return what listeners said about a recording, in words."""
    rated = [vote.rating for vote in votes if vote.item == id and vote.rating is not None]
    if rated:
        return f"{sum(rated) / len(rated):.3g} on average of {len(rated)}"
    about = [vote for vote in votes if vote.mode == "preference" and id in (vote.left, vote.right)]
    if not about:
        return ""
    won = sum(vote.winner == id for vote in about)
    ties = sum(vote.is_tie for vote in about)
    return f"preferred in {won} of {len(about)}" + (f", tied in {ties}" if ties else "")


def _gain(lufs: float, gain_db: float) -> str:
    if math.isinf(lufs):
        return "silent, played as it is"
    down = f", turned down {-gain_db:.1f} dB" if gain_db < -0.05 else ", played as it is"
    return f"{loudness(lufs)}{down}"


def notes(plan: Plan) -> list[str]:
    """Return what to know about the number of trials."""
    n, said = len(plan.ids), []
    if plan.mode == "preference":
        if plan.trials < n - 1:
            said.append(
                f"{plan.trials} pairs cannot connect {n} recordings: one listener alone gives no "
                f"ranking of all. That takes {n - 1} or more, or several listeners."
            )
        if plan.trials > MANY_TRIALS:
            said.append(
                f"{plan.trials} pairs are a lot for one listener. They can stop at any pair and go "
                "on later; several listeners with trials=20 each share the work."
            )
    if plan.mode == "score" and plan.trials > MANY_TRIALS:
        said.append(f"{plan.trials} recordings one by one are a lot; a listener can stop anywhere.")
    return said
