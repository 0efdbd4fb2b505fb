"""The rows of results: one for each track, with the words of its request and what is known."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ...engine import run
from ..described import describe_all

if TYPE_CHECKING:
    from ...takes import KeptTrack, Take
    from ..ranking import Ranking
    from ..sweep.cells import Cell
    from . import Results

MEASURED = {
    "duration_asked": float,
    "duration": float,
    "bpm_asked": float,
    "bpm": float,
    "bpm_candidates": str,
    "key_asked": str,
    "key": str,
    "key_confidence": float,
    "loudness_lufs": float,
    "peak_dbfs": float,
    "silence_share": float,
    "brightness_hz": float,
    "measured_notes": str,
}
"""What is measured about a recording, beside what was asked for."""
BEFORE = {"cell": int}
FACTS = {
    "take": int,
    "track": int,
    "state": str,
    "reason": str,
    "gateway": str,
    "model": str,
    "sandbox": bool,
    "id": str,
    "made": str,
    "title": str,
    "cost": float,
    "credits": float,
    "path": str,
    "format": str,
}
OPINIONS = {"rating": int, "note": str, "tags": str}
RANKED = {"place": int, "strength": float, "mean_rating": float}
KINDS: dict[str, type] = {**BEFORE, **FACTS, **MEASURED, **OPINIONS, **RANKED}
"""Columns that every sweep has, and what stands in them; all others are words of requests."""
_SAME = ("gateway", "model")
"""Words that are facts as well: where a word is left out, the fact still says what it was."""


def make_rows(
    results: Results,
    *,
    descriptors: bool = True,
    missing: bool = False,
    ranking: Ranking | None = None,
) -> list[dict[str, Any]]:
    """Return a row for each track; see :meth:`Results.rows`."""
    takes = {cell.index: results._takes.get(cell.id or "") for cell in results}
    shares = Counter(cell.id for cell in results if takes[cell.index] is not None)
    measured = measure(results) if descriptors else {}
    words = word_columns(results)
    rows = []
    for cell in results:
        take = takes[cell.index]
        tracks = [track for track in take.tracks if track.has_audio] if take else []
        if not tracks and not missing:
            continue
        asked = _words(cell, words)
        cost = _cost(cell, take, max(len(tracks), 1) * max(shares[cell.id], 1))
        each: list[KeptTrack | None] = [*tracks] or [None]
        for track in each:
            known = {**_facts(cell, take, track), **cost}
            facts = {name: known[name] for name in FACTS}
            numbers = _numbers(cell, track, measured)
            row = {"cell": cell.index, **asked, **facts, **numbers, **_opinions(take)}
            rows.append(row | _place(cell, track, ranking))
    return rows


def column_names(results: Results) -> list[str]:
    """Return the names of all columns, in their order."""
    words = [column for column, _ in word_columns(results).values()]
    return [*BEFORE, *dict.fromkeys(words), *FACTS, *MEASURED, *OPINIONS]


# -- words of the request ------------------------------------------------------------------------


def word_columns(results: Results) -> dict[tuple[str, str], tuple[str, str]]:
    """Return for each word, or option of one, the name of its column: those that change first."""
    grid = results.sweep.grid
    names: dict[str, set[str]] = {name: set() for name in grid.order}
    for cell in results:
        for name, value in cell.words.items():
            if isinstance(value, Mapping):
                names[name].update(_flat(value))
            else:
                names[name].add("")
    found: dict[tuple[str, str], tuple[str, str]] = {}
    first = [name for name in grid.order if name in grid.varied]
    for name in [*first, *(name for name in grid.order if name not in grid.varied)]:
        if name in _SAME or name == "duration":
            continue  # facts say it
        for path in sorted(names[name]):
            column = f"{name}.{path}" if path else name
            while column in KINDS:
                column += "_asked"
            found[name, path] = (column, name)
    return found


def _flat(options: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in options.items():
        path = f"{before}{name}"
        flat |= _flat(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return flat


def _words(cell: Cell, columns: Mapping[tuple[str, str], tuple[str, str]]) -> dict[str, Any]:
    row: dict[str, Any] = {column: None for column, _ in columns.values()}
    for name, value in cell.words.items():
        pairs = _flat(value) if isinstance(value, Mapping) else {"": value}
        for path, part in pairs.items():
            if (name, path) in columns:
                row[columns[name, path][0]] = plain(part)
    return row


# -- what is known -------------------------------------------------------------------------------


def _facts(cell: Cell, take: Take | None, track: KeptTrack | None) -> dict[str, Any]:
    path = track.place if track is not None else None
    return {
        "take": cell.take,
        "track": track.index + 1 if track is not None else None,
        "state": cell.state,
        "reason": cell.reason,
        "gateway": cell.gateway,
        "model": (take.model if take is not None else None) or cell.model,
        "sandbox": cell.sandbox,
        "id": cell.id,
        "made": take.created_at.isoformat(timespec="seconds") if take is not None else None,
        "title": track.title if track is not None else None,
        "path": path,
        "format": PurePath(path).suffix.lstrip(".") if path is not None else None,
    }


def _cost(cell: Cell, take: Take | None, n_shares: int) -> dict[str, Any]:
    """Return the share of one row in what its job cost; nothing was paid in the sandbox."""
    if cell.id is None:
        return {"cost": None, "credits": None}
    if cell.sandbox:
        return {"cost": 0.0, "credits": None}
    dollars = cell.cost_usd
    credits = take.cost.credits if take is not None else None
    return {
        "cost": dollars / n_shares if dollars is not None else None,
        "credits": credits / n_shares if credits is not None else None,
    }


def _numbers(
    cell: Cell, track: KeptTrack | None, measured: Mapping[int, Mapping[str, Any]]
) -> dict[str, Any]:
    numbers: dict[str, Any] = dict.fromkeys(MEASURED)
    if track is not None:
        numbers["duration"] = plain(track.duration)
        numbers |= {
            name: plain(value)
            for name, value in measured.get(id(track), {}).items()
            if name in MEASURED and value is not None
        }
    asked = cell.words.get("duration")
    if isinstance(asked, (int, float)) and not isinstance(asked, bool):
        numbers["duration_asked"] = float(asked)
    return numbers


def _opinions(take: Take | None) -> dict[str, Any]:
    if take is None:
        return dict.fromkeys(OPINIONS)
    return {"rating": take.rating, "note": take.note, "tags": ", ".join(sorted(take.tags)) or None}


def _place(cell: Cell, track: KeptTrack | None, ranking: Ranking | None) -> dict[str, Any]:
    if ranking is None:
        return {}
    names = (cell.id, track.id if track is not None else None)
    for place in ranking:
        if place.item is not None and place.item in names:
            return {
                "place": place.position,
                "strength": place.strength,
                "mean_rating": place.rating,
            }
    return dict.fromkeys(RANKED)


def plain(value: Any) -> Any:
    """Return a value as a table has it: one text, number or truth; never a NaN."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        parts = list(value)
        if all(isinstance(part, (int, float)) for part in parts):
            return ", ".join(f"{part:g}" for part in parts) or None
        value = parts
    return json.dumps(value, ensure_ascii=False, default=str)


# -- measuring -----------------------------------------------------------------------------------


def measure(results: Results) -> dict[int, dict[str, Any]]:
    """Return the descriptors of all recordings, by ``id()`` of their track.

    Measured once and kept by the library. Threads of the engine do it, so that jobs on their way
    are not held up.
    """
    pairs = [(take, track) for take in results.takes for track in take.tracks if track.has_audio]
    if not pairs:
        return {}
    # A take knows what its style asked for as well; its other tracks take that from the first.
    things = [take if track is take.tracks[0] else track for take, track in pairs]
    found = run(describe_all(things, results.sweep.library))
    measured: dict[int, dict[str, Any]] = {}
    for (take, track), about in zip(pairs, found, strict=True):
        first = measured.get(id(take.tracks[0]), {})
        asked = {name: value for name, value in first.items() if name.endswith("_asked")}
        notes = "; ".join(about.notes) or None
        measured[id(track)] = {**about.to_dict(), **asked, "measured_notes": notes}
    return measured
