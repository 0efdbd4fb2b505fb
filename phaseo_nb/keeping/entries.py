"""The rows of the journal as values: what was ordered, how it stands, what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from .backends import Db, Row
from .records import dump_answer, load_answer, load_cost, load_request, storable_text
from .store import Recording

if TYPE_CHECKING:
    from ..jobs import Cost, MusicJob
    from ..requests import MusicRequest, UdioRequest

#: ``planned`` was not sent yet, ``submitting`` may have been, ``submitted`` has its job at the
#: service, ``completed`` waits for its audio, ``expired`` is not waited for here any more.
OPEN = ("planned", "submitting", "submitted", "completed", "expired")
#: Ends after which only a person decides to buy again: it may exist; it was paid and is silent.
OPEN_ENDS = ("uncertain", "empty")
ENDED = ("kept", "failed", "written_off")
#: Holds for every state but those; said in these words, SQLite uses the index that has only these.
NOT_ENDED = "state NOT IN ('kept', 'failed', 'written_off')"


@dataclass(frozen=True)
class Entry:
    """One attempt at a request."""

    n: int
    id: str
    key: str
    number: int
    attempt: int
    state: str
    gateway: str
    base_url: str
    sandbox: int
    model: str | None
    provider: str | None
    prompt: str | None
    title: str | None
    request: str
    notes: str
    job_id: str | None
    request_id: str | None
    answer: str | None
    price: str | None
    reserved_usd: float | None
    cost_usd: float | None
    cost_credits: float | None
    known: str | None
    payer: str | None
    owner: str | None
    notebook: str | None
    created_at: float
    """Seconds since 1970, by the wall clock; order goes by ``n``."""
    submitted_at: float | None
    ended_at: float | None
    seconds: float | None
    """How long it took from handing in to its end."""
    rating: int | None
    note: str | None
    imported: int
    deleted_at: float | None
    deleted_by: str | None
    kind: str = "music"
    """``"music"``, or ``"picture"`` for an order of which only a cover image comes."""
    shard: str | None = None
    """Of orders that any machine may take up: which others they are taken up with."""
    recordings: tuple[Recording | None, ...] = ()
    """One for each track; ``None`` where there is no audio."""
    tags: tuple[str, ...] = ()

    def read_request(self) -> MusicRequest | UdioRequest:
        """Return the request as it was made."""
        return load_request(self.request)

    def read_answer(self) -> MusicJob | None:
        """Return what the gateway last said; ``None`` before its first word."""
        return load_answer(self.answer) if self.answer else None

    def read_price(self) -> Cost:
        """Return the price that was reserved."""
        return load_cost(json.loads(self.price) if self.price else None)


_COLUMNS = tuple(f.name for f in fields(Entry) if f.name not in ("recordings", "tags"))
COLUMNS = ", ".join(f"takes.{name}" for name in _COLUMNS)
SET_SETTING = (
    "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
    " SET value = excluded.value"
)
_AT_ONCE = 500  # SQLite's limit of variables in one statement was 999 for long


def new_entry(n: int, values: Mapping[str, Any]) -> Entry:
    """Return a row as it was written just now; its other columns are empty."""
    return Entry(n=n, **{**_EMPTY, **values})


_EMPTY: dict[str, Any] = {
    **{name: None for name in _COLUMNS if name not in ("n", "kind")},
    "imported": 0,
}


def read_entries(db: Db, rows: Iterable[Row]) -> list[Entry]:
    """Return rows of ``takes`` (selected by :data:`COLUMNS`) with their recordings and tags."""
    rows = list(rows)
    tracks: dict[int, list[tuple[int, Recording | None]]] = {}
    tags: dict[int, list[str]] = {}
    for start in range(0, len(rows), _AT_ONCE):
        some = [row["n"] for row in rows[start : start + _AT_ONCE]]
        for n, position, recording in _recordings(db, some):
            tracks.setdefault(n, []).append((position, recording))
        marks = ",".join("?" * len(some))
        query = f"SELECT take, tag FROM tags WHERE take IN ({marks}) ORDER BY tag"
        for n, tag in db.execute(query, some):
            tags.setdefault(n, []).append(tag)
    return [
        Entry(*(*row, tuple(r for _, r in tracks.get(row["n"], ())), tuple(tags.get(row["n"], ()))))
        for row in rows
    ]


def read_entry(db: Db, where: str, values: Sequence[object]) -> Entry | None:
    """Return the first row that a condition (and order) finds."""
    row = db.execute(f"SELECT {COLUMNS} FROM takes WHERE {where} LIMIT 1", values).fetchone()
    return read_entries(db, [row])[0] if row else None


_RANK = (
    f"CASE WHEN state = 'kept' THEN 0 WHEN state IN {OPEN} THEN 1 WHEN state IN {OPEN_ENDS} THEN 2"
    " ELSE 3 END"
)


# -- looking up ----------------------------------------------------------------------------------


def living_entry(db: Db, key: str, take: int | None) -> Entry | None:
    """Return what a request has become: kept first, then on its way, then an open end."""
    number = "" if take is None else " AND number = ?"
    values = (key,) if take is None else (key, take)
    where = f"key = ?{number} AND deleted_at IS NULL AND {_RANK} < 3"
    return read_entry(db, f"{where} ORDER BY {_RANK}, number DESC", values)


def named_entry(db: Db, name: str) -> Entry | None:
    """Return a row by the id of its take, else by the gateway's id of its job."""
    by_take = read_entry(db, "id = ? AND deleted_at IS NULL", (name,))
    where = "(job_id = ? OR request_id = ?) AND deleted_at IS NULL ORDER BY n DESC"
    return by_take or read_entry(db, where, (name, name))


def entries_in(db: Db, *states: str) -> list[Entry]:
    """Return the rows in some states, oldest first."""
    marks = ",".join("?" * len(states))
    few = "" if set(states) & set(ENDED) else f"{NOT_ENDED} AND "
    where = f"{few}state IN ({marks}) AND deleted_at IS NULL ORDER BY n"
    return read_entries(db, db.execute(f"SELECT {COLUMNS} FROM takes WHERE {where}", states))


def last_times(db: Db, base_url: str, model: str | None) -> list[float]:
    """Return how many seconds a model's last jobs took, newest first."""
    query = (
        "SELECT seconds FROM takes WHERE base_url = ? AND model IS ? AND state = 'kept'"
        " AND seconds IS NOT NULL ORDER BY n DESC LIMIT 25"
    )
    return [row[0] for row in db.execute(query, (base_url, model))]


def count_kept(db: Db) -> tuple[int, int]:
    """Return how many takes are kept, and how many orders of pictures."""
    kept = "SELECT count(*) FROM takes WHERE state = 'kept' AND deleted_at IS NULL"
    everything = db.execute(kept).fetchone()[0]  # from an index of its own, as the next one
    pictures = db.execute(f"{kept} AND kind = 'picture'").fetchone()[0]
    return everything - pictures, pictures


# -- writing, inside somebody's transaction ------------------------------------------------------


def write_answer(
    db: Db,
    n: int,
    answer: MusicJob,
    recordings: Mapping[int, Recording],
    now: float,
) -> None:
    """Write down what the gateway said, and which recordings belong to its tracks."""
    write_facts(db, n, answer_facts(answer))
    write_tracks(db, n, answer, recordings, now)


def answer_facts(answer: MusicJob) -> dict[str, object]:
    """Return what the gateway said as columns; what it did not say stays as it was."""
    told = {
        "request_id": storable_text(answer.request_id),
        "provider": storable_text(answer.provider),
        "cost_usd": answer.cost.usd,
        "cost_credits": answer.cost.credits,
    }
    facts: dict[str, object] = {"answer": dump_answer(answer), "job_id": storable_text(answer.id)}
    return facts | {name: value for name, value in told.items() if value is not None}


def write_facts(db: Db, n: int, facts: Mapping[str, object]) -> None:
    """Write some columns of a row, whatever its state."""
    named = ", ".join(f"{name} = ?" for name in facts)
    db.execute(f"UPDATE takes SET {named} WHERE n = ?", (*facts.values(), n))


def write_tracks(
    db: Db,
    n: int,
    answer: MusicJob,
    recordings: Mapping[int, Recording],
    now: float,
) -> None:
    """Write down which recordings belong to the tracks of an answer."""
    for position in range(len(answer.tracks)):
        recording = recordings.get(position)
        if recording is not None:
            add_recording(db, recording, now)
        db.execute(
            "INSERT INTO tracks (take, position, sha256) VALUES (?, ?, ?) ON CONFLICT"
            " (take, position) DO UPDATE SET sha256 = coalesce(excluded.sha256, tracks.sha256)",
            (n, position, recording.sha256 if recording else None),
        )


def add_recording(db: Db, recording: Recording, now: float) -> None:
    """Make a recording known; one that several takes share is one row."""
    db.execute(
        "INSERT INTO recordings (sha256, suffix, format, size, kept_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (recording.sha256, recording.suffix, recording.format, recording.size, now),
    )


def change_state(
    db: Db,
    n: int,
    state: str,
    allowed: Sequence[str],
    now: float,
    facts: Mapping[str, object] | None = None,
    *,
    owner: str | None = None,
) -> bool:
    """Move a row to another state, if it is in one of those that lead there.

    ``facts`` are columns that are written in the same breath, and also where it does not move:
    a row is long, and each time it is touched all of it is written anew. An ``owner`` is only
    written where it moves.
    """
    whole = {**(facts or {}), **({} if owner is None else {"owner": owner})}
    named = "".join(f", {name} = ?" for name in whole)
    return _moved(db, n, state, allowed, now, named, tuple(whole.values()), facts)


def end_take(
    db: Db,
    n: int,
    state: str,
    allowed: Sequence[str],
    now: float,
    facts: Mapping[str, object] | None = None,
) -> bool:
    """Move a row to its end, free its lease and note how long it took."""
    named = (
        ", owner = NULL, ended_at = ?,"
        " seconds = CASE WHEN submitted_at <= ? THEN ? - submitted_at END"
    ) + "".join(f", {name} = ?" for name in facts or ())
    values = (now, now, now, *(facts or {}).values())
    return _moved(db, n, state, allowed, now, named, values, facts)


def _moved(
    db: Db,
    n: int,
    state: str,
    allowed: Sequence[str],
    now: float,
    named: str,
    values: tuple[object, ...],
    facts: Mapping[str, object] | None,
) -> bool:
    marks = ",".join("?" * len(allowed))
    query = f"UPDATE takes SET state = ?{named} WHERE n = ? AND state IN ({marks})"
    if db.execute(query, (state, *values, n, *allowed)).rowcount:
        note_event(db, n, state, now)
        return True
    if facts:
        write_facts(db, n, facts)
    return False


def note_event(db: Db, n: int, state: str, now: float, words: str | None = None) -> None:
    """Write one line of history, with all others of its transaction."""
    query = "INSERT INTO events (take, at, state, words) VALUES (?, ?, ?, ?)"
    db.later.append((query, (n, now, state, words)))


def _recordings(db: Db, takes: list[int]) -> Iterable[tuple[int, int, Recording | None]]:
    marks = ",".join("?" * len(takes))
    query = (
        "SELECT take, position, tracks.sha256, suffix, format, size FROM tracks "
        "LEFT JOIN recordings ON recordings.sha256 = tracks.sha256"
        f" WHERE take IN ({marks}) ORDER BY take, position"
    )
    for n, position, sha256, suffix, format, size in db.execute(query, takes):
        known = sha256 is not None and suffix is not None
        yield n, position, Recording(sha256, suffix, format, size) if known else None
