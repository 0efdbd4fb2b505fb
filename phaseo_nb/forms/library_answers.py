"""What the library's browser answers when its page asks: audio, pictures, details, files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError
from ..keeping import Library
from ..phrases import size, visible
from ..takes import Take
from . import library_rows as rows
from . import library_sound as sound

if TYPE_CHECKING:
    from .library_browser import LibraryBrowser

MOST_DOWNLOAD = 50_000_000
"""Bytes that are sent to the page as one download."""

Answer = tuple[dict[str, Any], list[bytes]]
"""Facts, and the buffers that go with them."""


def kept_take(library: Library, id: Any) -> Take:
    """Return a take of the library by its id."""
    take = library.get(str(id)[:200])
    if not isinstance(take, Take):
        message = "This take is not kept any more."
        raise LibraryError(message)
    return take


def _play(browser: LibraryBrowser, asked: dict[str, Any]) -> Answer:
    take = kept_take(browser.library, asked.get("id"))
    heard = sound.sound_of(_track(take, asked.get("track")))
    return {"mime": heard.mime, "note": visible(heard.note)}, [heard.data]


def _picture(browser: LibraryBrowser, asked: dict[str, Any]) -> Answer:
    take = kept_take(browser.library, asked.get("id"))
    return {}, [sound.picture_of(_track(take, asked.get("track")))]


def _details(browser: LibraryBrowser, asked: dict[str, Any]) -> Answer:
    return rows.details(kept_take(browser.library, asked.get("id"))), []


def _compare(browser: LibraryBrowser, asked: dict[str, Any]) -> Answer:
    ids = asked.get("ids")
    if not isinstance(ids, list) or len(ids) != 2:
        message = "Select two takes to compare."
        raise ValueError(message)
    takes = [kept_take(browser.library, id) for id in ids]
    tracks = [take.track for take in takes]
    heard = [sound.sound_of(track) for track in tracks]
    lufs = [sound.lufs_of(track) for track in tracks]
    gains = sound.gains_db(*lufs)
    sides = [
        {
            **{key: row[key] for key in ("title", "number", "sandbox")},
            "facts": row["facts"],
            "level": sound.level_words(lufs[i], gains[i]),
            "gain_db": gains[i],
            "mime": heard[i].mime,
            "note": visible(f"{_part(takes[i])}{heard[i].note}"),
        }
        for i, row in enumerate(map(rows.row_of, takes))
    ]
    pictures = [sound.picture_of(track) for track in tracks]
    differs = rows.differences(*takes)
    return {"sides": sides, "differs": differs}, [*(one.data for one in heard), *pictures]


def _wanted(browser: LibraryBrowser, asked: dict[str, Any]) -> Sequence[Take]:
    wanted = browser.selected if asked.get("scope") == "selected" else browser.takes
    if not wanted:
        message = "There is nothing to export: no take is shown or selected."
        raise ValueError(message)
    return wanted


def _export(browser: LibraryBrowser, asked: dict[str, Any]) -> Answer:
    name, takes = str(asked.get("path") or ""), _wanted(browser, asked)
    if not name.strip():
        message = "Give a name, such as takes.zip."
        raise ValueError(message)
    path = browser.library.export(name.strip(), takes)
    return {"said": f"{_count(takes)} written to {visible(path)}"}, []


def _download(browser: LibraryBrowser, asked: dict[str, Any]) -> Answer:
    takes = _wanted(browser, asked)
    n_bytes = sum(track.size_bytes or 0 for take in takes for track in take.tracks)
    if n_bytes > MOST_DOWNLOAD:
        message = (
            f"{size(n_bytes)} are too much to send through the page (up to "
            f"{size(MOST_DOWNLOAD)}). Write a file instead."
        )
        raise ValueError(message)
    with tempfile.TemporaryDirectory() as folder:
        data = browser.library.export(Path(folder) / "takes.zip", takes).read_bytes()
    return {"said": f"{_count(takes)}, {size(len(data))}, sent to your browser"}, [data]


def _count(takes: Sequence[Take]) -> str:
    return f"{len(takes)} take{'' if len(takes) == 1 else 's'}"


def _track(take: Take, index: Any) -> Any:
    found = next((track for track in take.tracks if track.index == index), None)
    return found if found is not None else take.track


def _part(take: Take) -> str:
    return f"The first of {len(take.tracks)} tracks. " if len(take.tracks) > 1 else ""


ANSWERS: dict[str, Callable[[LibraryBrowser, dict[str, Any]], Answer]] = {
    "play": _play,
    "picture": _picture,
    "details": _details,
    "compare": _compare,
    "export": _export,
    "download": _download,
}
