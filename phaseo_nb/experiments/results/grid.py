"""``results.grid()``: players and waveforms, one varied word down the side, another one above."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ... import cards
from ...cards.paper import QUIETLY, SMALL
from ...errors import ExperimentError
from ...keeping.tables._sheet import MAX_ROWS, Column, Row, Sheet, Way
from ...keeping.tables._sheet import Cell as Said
from ...keeping.tables._table import NOTHING
from ...phrases import excerpt, length_words, loudness
from ...requests._base import suggest
from ..sweep.cells import STATES
from . import embedding
from .embedding import Sound

if TYPE_CHECKING:
    from ...takes import KeptTrack
    from ..sweep.cells import Cell
    from . import Results

MOST_COLUMNS = 24
MOST_STACKED = 12
"""Players in one place of the grid."""
_ALWAYS = ("take", "gateway", "model")
"""What tells cells apart beside their words."""


@dataclass(eq=False)
class ResultsGrid:
    """Results side by side: what was asked for at the edges, what came of it inside."""

    results: Results
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    rest: tuple[str, ...]
    """Varied words that stand on neither side: told at each player."""
    message: str = ""
    """What was chosen without being asked for."""
    audio: bool = True

    @cached_property
    def row_keys(self) -> list[tuple[str, ...]]:
        """The labels of the rows, in the order of the sweep."""
        return list(dict.fromkeys(self._key(cell, self.row_names) for cell in self.results))

    @cached_property
    def column_keys(self) -> list[tuple[str, ...]]:
        """The labels of the columns, in the order of the sweep."""
        return list(dict.fromkeys(self._key(cell, self.column_names) for cell in self.results))

    def cells(self, row: int, column: int) -> list[Cell]:
        """Return the cells that stand in one place, counted from 0."""
        return list(self._places.get((self.row_keys[row], self.column_keys[column]), []))

    @cached_property
    def _places(self) -> dict[tuple[Any, Any], list[Cell]]:
        places: dict[tuple[Any, Any], list[Cell]] = {}
        for cell in self.results:
            key = self._key(cell, self.row_names), self._key(cell, self.column_names)
            places.setdefault(key, []).append(cell)
        return places

    def _key(self, cell: Cell, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(json.dumps(value_of(cell, name), sort_keys=True) for name in names)

    # -- drawing ---------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return self.sheet({}, self._ways({})).text()

    def _repr_html_(self) -> str:
        sounds = self.sounds if self.audio else {}
        return self.sheet(sounds, self._ways(sounds)).html()

    @cached_property
    def drawn(self) -> list[Cell]:
        """The cells that are drawn one by one."""
        rows, columns = self.row_keys[:MAX_ROWS], self.column_keys[:MOST_COLUMNS]
        return [
            cell
            for row in rows
            for column in columns
            for cell in self._places.get((row, column), [])[:MOST_STACKED]
        ]

    @cached_property
    def sounds(self) -> dict[int, Sound]:
        """What of each recording goes into the page, by ``id()`` of its track; made once."""
        tracks = self.drawn_tracks
        is_light = len(tracks) >= embedding.LIGHT_FROM
        budget = embedding.LIGHT_BYTES if is_light else embedding.GRID_BYTES
        heard = tracks[: embedding.MOST_SOUNDS]
        each = embedding.LIGHT_BYTES // embedding.LIGHT_FROM if is_light else None
        found = embedding.sounds_of(heard, budget, most_each=each)
        return {id(track): sound for track, sound in zip(heard, found, strict=True)}

    def tracks(self, cell: Cell) -> list[KeptTrack]:
        """Return the tracks of a cell that have a recording."""
        take = self.results._takes.get(cell.id or "") if cell.is_kept else None
        return [track for track in take.tracks if track.has_audio] if take is not None else []

    @property
    def drawn_tracks(self) -> list[KeptTrack]:
        """The tracks of :attr:`drawn`, each once."""
        return list(dict.fromkeys(track for cell in self.drawn for track in self.tracks(cell)))

    def sheet(self, sounds: Mapping[int, Sound], footer: Sequence[Way] = ()) -> Sheet:
        """Return the table, with what each player plays by ``id()`` of its track."""
        columns = [Column(" · ".join(self.row_names), is_title=True, wraps=130)]
        heads = self.column_keys[:MOST_COLUMNS]
        columns += [Column(_head(self.column_names, key)) for key in heads]
        rows = [
            Row(
                (
                    _label(self.row_names, row),
                    *(self._place(self._places.get((row, key), []), sounds) for key in heads),
                ),
                sandbox=all(cell.sandbox for cell in self.results),
            )
            for row in self.row_keys
        ]
        heading = f"“{excerpt(self.results.sweep.name, 60)}”: {self.results.summary}"
        return Sheet(heading, columns, rows, intro=self.message, footer=footer)

    def _place(self, cells: Sequence[Cell], sounds: Mapping[int, Sound]) -> Said:
        shown = cells[:MOST_STACKED]
        more = f"… and {len(cells) - len(shown)} more" if len(cells) > len(shown) else ""
        words = "; ".join([*(self._in_words(cell) for cell in shown), *([more] if more else [])])
        boxes = [self._box(cell, sounds) for cell in shown]
        boxes += [f'<div style="{SMALL}">{cards.escape(more)}</div>'] if more else []
        return Said(words or NOTHING, picture="".join(boxes))

    def label(self, cell: Cell) -> str:
        """Return what tells a cell from the others in its place."""
        said = [_said(name, value_of(cell, name)) for name in self.rest]
        return " · ".join(said)

    def _in_words(self, cell: Cell) -> str:
        state = STATES[cell.state]
        tracks = self.tracks(cell)
        lengths = [length_words(track.duration) for track in tracks]
        said = ", ".join(filter(None, lengths)) or state.word
        label = self.label(cell)
        return f"{state.sign} {said}" + (f" ({label})" if label else "")

    def _box(self, cell: Cell, sounds: Mapping[int, Sound]) -> str:
        label = self.label(cell)
        tracks = self.tracks(cell)
        if not tracks:
            return _trouble(cell, label)
        return "".join(
            player_box(track, sounds.get(id(track)), label, f"cell {cell.index}")
            for track in tracks
        )

    def _ways(self, sounds: Mapping[int, Sound]) -> list[Way]:
        ways = []
        beginnings = sum(bool(sound.source and sound.note) for sound in sounds.values())
        silent = len(self.drawn_tracks) - sum(bool(sound.source) for sound in sounds.values())
        if beginnings:
            are = "player has a beginning" if beginnings == 1 else "players have beginnings"
            ways.append(Way(f"{beginnings:,} {are} only, so that the page stays small"))
        if sounds and silent:
            ways.append(Way(f"{silent:,} without sound here; to hear one", "results.take(0)"))
        elif beginnings:
            ways.append(Way("To hear one whole, by the number of its cell", "results.take(0)"))
        hidden = len(self.results) - len(self.drawn)
        if hidden:
            words = f"{hidden:,} cells are not drawn; to see some of them"
            ways.append(Way(words, "results[100:150].grid()"))
        return ways


def make_results_grid(
    results: Results,
    rows: str | Sequence[str] | None,
    columns: str | Sequence[str] | None,
    *,
    audio: bool,
) -> ResultsGrid:
    """Choose what stands where; see :meth:`Results.grid`."""
    sweep = results.sweep
    varied = [*sweep.varied, *(["take"] if sweep.takes > 1 else [])]
    side, above = _names(rows, "rows", results), _names(columns, "columns", results)
    twice = [name for name in side or () if name in (above or ())]
    if twice:
        message = f"{twice[0]!r} cannot stand at the side and above. Choose two words."
        raise ExperimentError(message)
    # Words that change side by side belong together: they are one edge.
    edges = [tuple(n for n in axis.names if n in sweep.varied) for axis in sweep.grid.axes]
    edges = [*filter(None, edges), *([("take",)] if sweep.takes > 1 else [])]
    free = [edge for edge in edges if not {*edge} & {*(side or ()), *(above or ())}]
    was_chosen = side is None and above is None and len(varied) > 2
    if side is None:
        side = free.pop(0) if free else ("model",)
    if above is None:
        above = free.pop(-1 if was_chosen and sweep.takes == 1 else 0) if free else ()
    rest = tuple(name for name in varied if name not in (*side, *above))
    message = ""
    if rest:
        message = (
            f"Rows: {', '.join(side)}. Columns: {', '.join(above)}. Told at each player: "
            f"{', '.join(rest)}."
        )
        if was_chosen:
            message += f' To choose: results.grid(rows="{rest[0]}", columns="{side[0]}").'
    return ResultsGrid(results, side, above, rest, message, audio)


def _names(
    given: str | Sequence[str] | None, where: str, results: Results
) -> tuple[str, ...] | None:
    if given is None:
        return None
    names = (given,) if isinstance(given, str) else tuple(given)
    known = (*results.sweep.grid.order, *_ALWAYS)
    for name in names:
        home = str(name).partition(".")[0]
        if name not in known and home not in results.sweep.grid.order:
            hint = suggest(str(name), known) or f" Known are {', '.join(known)}."
            message = f"{where}={excerpt(repr(name), 40)}: the sweep has no such word.{hint}"
            raise ExperimentError(message)
    return names


def value_of(cell: Cell, name: str) -> Any:
    """Return what a cell has for a word, for an option by its path, or for ``"take"``."""
    if name in cell.words:
        return cell.words[name]
    if name in _ALWAYS:
        return getattr(cell, name)
    value: Any = cell.words
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


# -- words ---------------------------------------------------------------------------------------


def _plainly(name: str, value: Any, limit: int = 60) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return excerpt(value, limit)
    if isinstance(value, Mapping):
        return excerpt(", ".join(f"{n} {_plainly(n, v)}" for n, v in value.items()), limit)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    shown = f"{value:g}" if is_number else excerpt(json.dumps(value, ensure_ascii=False), limit)
    return f"{shown} s" if name == "duration" and is_number else shown


def _said(name: str, value: Any, limit: int = 60) -> str:
    shown = _plainly(name, value, limit)
    return shown if isinstance(value, str) and name != "model" else f"{name} {shown}"


def _label(names: Sequence[str], key: Sequence[str]) -> str:
    values = [json.loads(part) for part in key]
    if len(names) == 1:
        return _plainly(names[0], values[0], 140)
    return " · ".join(map(_said, names, values))


def _head(names: Sequence[str], key: Sequence[str]) -> str:
    return ", ".join(
        f"{name} {_plainly(name, json.loads(part), 32)}"
        for name, part in zip(names, key, strict=True)
    )


# -- for a browser -------------------------------------------------------------------------------

_BOX = "width:236px;padding:2px 0 10px;white-space:normal;font-weight:400;text-align:left"


def player_box(track: KeptTrack, sound: Sound | None, label: str, place: str) -> str:
    """Return a small player: waveform, control, what it is."""
    title = track.title or excerpt(track.about.prompt or "", 40) or "Untitled"
    facts = [place, length_words(track.duration)]
    if "_measured" in track.__dict__ and track.is_readable:  # measured by now: costs nothing
        facts.append(loudness(track.loudness_lufs))
    source = sound.source if sound else None
    picture = sound.picture if sound else None
    name = cards.escape(f"{title}, {place}")
    parts = [f'<div style="font-size:12px;overflow-wrap:break-word"><bdi>{cards.escape(title)}']
    parts[0] += "</bdi></div>"
    if label:
        parts.append(f'<div style="{SMALL}"><bdi>{cards.escape(label)}</bdi></div>')
    if picture:
        parts.append(
            f'<img alt="Waveform of {name}" src="{cards.escape(picture)}" '
            'style="display:block;width:100%;height:28px;margin:4px 0 0">'
        )
    if source:
        parts.append(
            f'<audio controls preload="metadata" aria-label="Play {name}" '
            f'src="{cards.escape(source)}" '
            'style="display:block;width:100%;height:32px;margin:4px 0 0"></audio>'
        )
    words = " · ".join(fact for fact in facts if fact)
    parts.append(f'<div style="{SMALL};margin-top:3px">{cards.escape(words)}</div>')
    if sound and sound.note:
        note = cards.escape(excerpt(sound.note, 160))
        parts.append(f'<div style="{QUIETLY};font-size:11px">{note}</div>')
    return f'<div style="{_BOX}">{"".join(parts)}</div>'


def _trouble(cell: Cell, label: str) -> str:
    state = STATES[cell.state]
    lines = [f'<div style="font-size:13px">{cards.escape(f"{state.sign} {state.word}")}</div>']
    if label:
        lines.append(f'<div style="{SMALL}"><bdi>{cards.escape(label)}</bdi></div>')
    if cell.reason:
        lines.append(f'<div style="{SMALL}">{cards.escape(excerpt(cell.reason, 160))}</div>')
    return f'<div style="{_BOX}">{"".join(lines)}</div>'
