"""Finding takes: by words, newest first, and by what they are.

How words are found is the back end's (``backends/*/words.py``); what is searched stands in the
table ``texts`` in either.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError
from .backends import Db
from .entries import COLUMNS, Entry, read_entries
from .filters import Filter, make_filter
from .records import storable_text

if TYPE_CHECKING:
    from ..jobs import MusicJob

__all__ = ["Filter", "find", "make_filter", "note_texts", "prepare", "with_index"]

_LONGEST = 1_000  # characters of a search: what SQLite's limits let through in any case
_AT_ONCE = 500  # SQLite's limit of variables in one statement was 999 for long


def find(
    db: Db,
    text: str | None,
    only: Filter,
    *,
    limit: int,
    ranked: bool = False,
    raw: bool = False,
) -> list[Entry]:
    """Return the takes that match, newest first or (``ranked``) best first.

    Without words, what is filtered by a date goes by the clock, as the filter does.
    """
    _check_text(text)
    if text is None or not text.strip():
        numbers = db.words.browse(db, only, limit)
    else:
        numbers = db.words.find(db, text, only, limit, ranked=ranked, raw=raw)
    return _rows(db, numbers)


def _check_text(text: Any) -> None:
    if text is not None and not (isinstance(text, str) and len(text) <= _LONGEST):
        shown = repr(text)[:60]
        message = f"text = {shown} cannot be searched for. Give words, up to {_LONGEST} letters."
        raise LibraryError(message)


def _rows(db: Db, numbers: Sequence[int]) -> list[Entry]:
    entries: dict[int, Entry] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        query = f"SELECT {COLUMNS} FROM takes WHERE n IN ({','.join('?' * len(some))})"
        entries.update((entry.n, entry) for entry in read_entries(db, db.execute(query, some)))
    return [entries[n] for n in numbers if n in entries]


def prepare(db: Db) -> None:
    """Make the indexes where they are missing."""
    db.words.prepare(db)


# -- the texts -----------------------------------------------------------------------------------


def note_texts(db: Db, kept: Sequence[tuple[Entry, MusicJob]]) -> None:
    """Lay out what takes are searched by; an index that fails costs only itself.

    All of a transaction at once: the index writes as much for one take as for twenty. Pictures
    have no texts, so that a search finds music alone.
    """
    texts = [_texts_of(entry, answer) for entry, answer in kept if entry.kind == "music"]
    # Not INSERT OR REPLACE: that deletes without telling the triggers.
    query = (
        "INSERT INTO texts (take, prompt, title, lyrics, style, note) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (take) DO UPDATE SET prompt = excluded.prompt, title = excluded.title,"
        " lyrics = excluded.lyrics, style = excluded.style, note = excluded.note"
    )
    if texts:
        with_index(db, query, *texts)


def _texts_of(entry: Entry, answer: MusicJob) -> tuple[Any, ...]:
    lyrics, style = _asked(entry.request)
    titles = dict.fromkeys(track.title for track in answer.tracks if track.title)
    lyrics |= dict.fromkeys(track.lyrics for track in answer.tracks if track.lyrics)
    style |= dict.fromkeys(track.tags for track in answer.tracks if track.tags)
    texts = [storable_text("\n".join(words)) for words in (titles, lyrics, style)]
    return entry.n, entry.prompt, *texts, entry.note


def with_index(db: Db, statement: str, *rows: Sequence[Any]) -> None:
    """Change ``texts``, once for each row of values; the index follows, or is given up."""
    db.words.change(db, statement, rows)


def _asked(request: str) -> tuple[dict[str, None], dict[str, None]]:
    """Return lyrics and style words of a stored request, each once."""
    body = json.loads(request).get("body", {})
    parts = [body, *(part for part in body.values() if isinstance(part, Mapping))]
    is_udio = "gpt_description_prompt" in body or "make_instrumental" in body

    def texts(*names: str) -> dict[str, None]:
        found = (part.get(name) for part in parts for name in names)
        return dict.fromkeys(item for item in found if isinstance(item, str) and item.strip())

    lyrics = texts("lyrics")
    if not is_udio:
        suno = body.get("suno") or {}
        if suno.get("customMode") and isinstance(suno.get("prompt"), str):
            lyrics[suno["prompt"]] = None
    return lyrics, texts("style", "tags")
