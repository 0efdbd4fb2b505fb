"""Where the recordings of a report are: inside the page, or in files beside it."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...audio.sniff import sniff
from ...errors import AudioError, ExperimentError
from ...keeping.moving.names import safe_name, unique_name
from ..files import write_whole
from ..results.embedding import Sound, linked_sounds, sounds_of

if TYPE_CHECKING:
    from ...takes import KeptTrack
    from ..results.grid import ResultsGrid

WAYS = ("inside", "beside", "none")
_OURS = re.compile(r"\d{3,6} .*, take \d+(, track \d+)?( \(\d+\))?\.\w{2,5}")
"""Names of recordings as a report writes them."""


@dataclass
class Placed:
    """The sounds of a report."""

    way: str
    by_track: dict[int, Sound]
    """By ``id()`` of the track."""
    files: list[Path] = field(default_factory=list)

    @property
    def previews(self) -> int:
        """How many of them are beginnings."""
        return sum(bool(sound.source and sound.note) for sound in self.by_track.values())

    most_bytes: int = 0
    """Of audio that the page may hold."""

    @property
    def room(self) -> int:
        """How many bytes of audio the page may hold beside these."""
        return max(self.most_bytes - sum(sound.n_bytes for sound in self.by_track.values()), 0)


def place_sounds(
    grid: ResultsGrid, target: Path, way: str, embed_mb: float, *, overwrite: bool
) -> Placed:
    """Return what each player of a report plays; write files beside it where that is asked for."""
    tracks = grid.drawn_tracks
    if way == "none":
        return Placed(way, {})
    if way == "inside":
        most = round(embed_mb * 1_000_000)
        found = sounds_of(tracks, most)
        by_track = {id(track): sound for track, sound in zip(tracks, found, strict=True)}
        return Placed(way, by_track, most_bytes=most)
    folder = target.with_name(safe_name(f"{target.stem}_files", most_bytes=100))
    links, files = _write_files(grid, folder, overwrite)
    found = linked_sounds(tracks, [links.get(id(track)) for track in tracks])
    by_track = {id(track): sound for track, sound in zip(tracks, found, strict=True)}
    return Placed(way, by_track, files)


def _write_files(
    grid: ResultsGrid, folder: Path, overwrite: bool
) -> tuple[dict[int, str], list[Path]]:
    """Write each recording as it was received, and return the links to them."""
    try:
        folder.mkdir(exist_ok=True)
        strangers = [item.name for item in folder.iterdir() if not _OURS.fullmatch(item.name)]
    except OSError as error:
        message = f"The folder {folder} cannot be made: {error.strerror or error}."
        raise ExperimentError(message) from error
    if strangers and not overwrite:
        message = (
            f"The folder {folder} has other files in it. Choose another name for the report, or "
            "give overwrite=True: what is in it stays."
        )
        raise ExperimentError(message)
    links: dict[int, str] = {}
    files: list[Path] = []
    taken: set[str] = set()
    for cell in grid.drawn:
        for track in grid.tracks(cell):
            if id(track) in links:
                continue
            data, suffix = _playable(track)
            if data is None:
                continue
            words = safe_name(track.about.prompt or track.title, most_bytes=60)
            part = f", track {track.index + 1}" if track.about.n_tracks > 1 else ""
            stem = safe_name(f"{cell.index:03} {words}, take {cell.take}{part}", most_bytes=100)
            name = unique_name(stem, suffix, taken)
            files.append(write_whole(folder / name, data, overwrite=overwrite, is_ours=_may_go))
            links[id(track)] = "/".join(map(urllib.parse.quote, (folder.name, name)))
    return links, files


def _may_go(path: Path) -> bool:
    return _OURS.fullmatch(path.name) is not None


def _playable(track: KeptTrack) -> tuple[bytes | None, str]:
    try:
        data = track.playable
    except AudioError:
        return None, ""
    kind = sniff(data)
    return (data, kind.suffix) if kind is not None else (None, "")
