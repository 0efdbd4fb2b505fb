"""What the library's browser shows, as plain facts: rows, choices, what differs, lines of code.

Text of others is made readable here, and cut: what a widget holds is saved with the notebook.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..gateways.values import without_keys
from ..keeping import Library, Takes
from ..keeping.filters import GATEWAYS
from ..keeping.records import storable_text
from ..keeping.tables._table import when
from ..phrases import excerpt, length_words, visible
from ..takes import Take

if TYPE_CHECKING:
    from ..keeping.backends import Db

MOST_CHOICES = 100
"""Models and tags that can be picked; a line of code finds by any."""
MOST_TRACKS = 8
MOST_DIFFERENCES = 30
_SECRETS = frozenset({"callBackUrl", "callback_url", "token"})


@dataclass(frozen=True)
class Query:
    """What is looked for, and which page of it."""

    text: str | None = None
    page: int = 1
    ranked: bool = False
    filters: Mapping[str, Any] = field(default_factory=dict)

    def code(self, library: str, n: int) -> str:
        """Return the line of code that finds the same.

        Parameters
        ----------
        library
            Code of the library, such as ``nb.library()``.
        n
            Takes on a page.
        """
        more = [f"{name}={value!r}" for name, value in self.filters.items()]
        first, last = n * (self.page - 1), n * self.page
        part = f"[{first}:]" if first else ""
        if self.text is None:
            return f"{library}.recent({', '.join([str(last), *more])}){part}"
        more += ["ranked=True"] if self.ranked else []
        return f"{library}.search({', '.join([repr(self.text), str(last), *more])}){part}"

    def state(self) -> dict[str, Any]:
        """Return the same for the fields of the widget."""
        filters = {name: storable_text(str(value)) for name, value in self.filters.items()}
        return {
            "text": storable_text(self.text) or "",
            "page": self.page,
            "ranked": self.ranked,
            **filters,
        }


def query_of(said: Mapping[str, Any]) -> Query:
    """Return what the fields of the widget ask for; empty ones ask for nothing."""
    text = said.get("text")
    page = said.get("page")
    filters = {
        name: said[name]
        for name in ("model", "gateway", "tag", "since")
        if isinstance(said.get(name), str) and said[name].strip()
    }
    rating = str(said.get("rating") or "")
    if rating.isdecimal():
        filters["rating"] = int(rating[:2])
    is_page = isinstance(page, int) and not isinstance(page, bool) and page > 0
    return Query(
        text if isinstance(text, str) and text.strip() else None,
        page if is_page and isinstance(page, int) else 1,
        said.get("ranked") is True,
        filters,
    )


def code_of(path: str | os.PathLike[str] | None) -> str:
    """Return the code of a library."""
    return "nb.library()" if path is None else f"nb.library({os.fspath(path)!r})"


def row_of(take: Take) -> dict[str, Any]:
    """Return a take as a row: short, readable texts."""
    (facts,) = Takes([take]).rows()
    title, prompt = facts["title"], facts["prompt"]
    heard = [track for track in take.tracks if track.has_audio]
    n, of = len(heard), len(take.tracks)
    tracks = "no audio" if not n else f"{n} of {of} tracks" if n < of else f"{n} tracks"
    said = [
        excerpt(take.model, 60) if take.model else "",
        when(take.created_at),
        "" if n == of == 1 else tracks,
        length_words(facts["duration"]),
        "free" if take.sandbox else str(take.cost),
    ]
    return {
        "id": take.id,
        "title": excerpt(title or prompt or "Untitled", 80),
        "prompt": excerpt(prompt, 160) if title and prompt and prompt != title else "",
        "number": take.number,
        "facts": [word for word in said if word],
        "rating": take.rating,
        "tags": [excerpt(tag, 80) for tag in take.tags[:20]],
        "note": excerpt(take.note or "", 140),
        "sandbox": take.sandbox,
        "tracks": [track.index for track in heard[:MOST_TRACKS]],
    }


def choices(library: Library) -> dict[str, list[tuple[str, str]]]:
    """Return models, gateways and tags to pick from, the most used first, each with its words."""
    asked = {
        "model": "SELECT model FROM takes WHERE state = 'kept' AND deleted_at IS NULL "
        "AND model IS NOT NULL GROUP BY model ORDER BY COUNT(*) DESC, model LIMIT ?",
        "tag": "SELECT tag FROM tags GROUP BY tag ORDER BY COUNT(*) DESC, tag LIMIT ?",
    }

    def look(db: Db) -> dict[str, list[str]]:
        return {
            name: [row[0] for row in db.execute(query, (MOST_CHOICES,))]
            for name, query in asked.items()
        }

    found = {**library.folder.database.read(look), "gateway": list(GATEWAYS)}
    return {name: [(word, excerpt(word, 60)) for word in words] for name, words in found.items()}


# -- two takes -----------------------------------------------------------------------------------


def differences(one: Take, other: Take) -> list[tuple[str, str, str]]:
    """Return what differs in the requests of two takes: what it is, in the one, in the other."""
    first, second = _flat(one), _flat(other)
    names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    rows = [
        (excerpt(name, 60), _said(first.get(name)), _said(second.get(name)))
        for name in names[:MOST_DIFFERENCES]
    ]
    more = len(names) - MOST_DIFFERENCES
    return [*rows, (f"… and {more} more", "", "")] if more > 0 else rows


def _flat(take: Take) -> dict[str, Any]:
    return {"take": take.number, **dict(_leaves(take.request.to_wire()))}


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, part in value.items():
        if name in _SECRETS:
            continue
        if isinstance(part, Mapping) and part and path.count(".") < 4:
            yield from _leaves(part, f"{path}{name}.")
        else:
            yield f"{path}{name}", part


def _said(value: Any) -> str:
    if value is None:
        return "—"
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return without_keys(excerpt(words, 240))


def details(take: Take) -> dict[str, Any]:
    """Return the words of a person about a take, whole, to be changed."""
    return {
        "note": storable_text(take.note) or "",
        "tags": ", ".join(storable_text(tag) or "" for tag in take.tags),
    }


def tags_in(text: str) -> list[str]:
    """Return the tags in a line of words with commas between them.

    Raises
    ------
    ValueError
        One is too long, or there are too many.
    """
    tags = [tag.strip() for tag in text.replace("\n", ",").split(",")]
    tags = [tag for tag in tags if tag]
    if len(tags) > 50:
        message = f"{len(tags):,} tags are too many. Give up to 50, with commas between them."
        raise ValueError(message)
    for tag in tags:
        if len(tag) > 80:
            message = (
                f"A tag has up to 80 letters; “{excerpt(tag, 40)}” has {len(tag):,}. Put commas "
                "between tags."
            )
            raise ValueError(message)
    return tags


def in_short(error: BaseException) -> str:
    """Return what an error says, readable and not without end."""
    words = visible(str(error)[:2_000])
    return words if len(words) <= 500 else f"{words[:300]} … {words[-150:]}"
