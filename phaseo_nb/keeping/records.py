"""Requests, answers and prices as text in the journal, and back.

Everything here is plain JSON without keys, audio or callback addresses, small enough to be read a
hundred times over: what is beyond all sense is left out and says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ..jobs import Cost, CostLine, MusicJob, Track, Usage
from ..requests import ExtendRequest, MusicRequest, UdioRequest, restored_request

MOST_TRACKS = 64
"""Tracks of one job that are kept; the services make one or two."""
MOST_RAW = 256_000
"""Characters of an untouched answer that are kept."""

_TRACK_FACTS = tuple(f.name for f in fields(Track) if f.name not in ("data", "raw"))
_JOB_FACTS = tuple(
    f.name for f in fields(MusicJob) if f.name not in ("usage", "cost", "tracks", "debug", "raw")
)


def dump_request(request: MusicRequest | UdioRequest) -> str:
    """Return a request as text, without callback addresses: they hold tokens."""
    kind = "udio" if isinstance(request, UdioRequest) else "phaseo"
    body = request.to_wire()
    body.pop("callback_url", None)
    if isinstance(body.get("suno"), dict):
        body["suno"].pop("callBackUrl", None)
    about: dict[str, Any] = {"kind": kind, "body": body}
    if isinstance(request, UdioRequest):
        about["api"] = request.api
        if isinstance(request, ExtendRequest) and request.model:  # not on the wire
            about["model"] = request.model
    return dump(about)


def load_request(text: str) -> MusicRequest | UdioRequest:
    """Return the request again; it was checked when it was made."""
    about = json.loads(text)
    api, model = about.get("api"), about.get("model")
    return restored_request(about["kind"], about["body"], api=api, model=model)


def dump_answer(job: MusicJob) -> str:
    """Return what a gateway said as text, without audio."""
    tracks = [
        {name: getattr(track, name) for name in _TRACK_FACTS} for track in job.tracks[:MOST_TRACKS]
    ]
    about: dict[str, Any] = {name: getattr(job, name) for name in _JOB_FACTS}
    about["usage"] = vars(job.usage)
    about["cost"] = cost_facts(job.cost)
    about["tracks"] = tracks
    about["n_tracks"] = len(job.tracks)
    # Put together from texts: an answer is long, and it is written down three times for each job.
    return f'{dump(about)[:-1]},"debug":{_bounded(job.debug)},"raw":{_bounded(job.raw)}}}'


def load_answer(text: str) -> MusicJob:
    """Return what a gateway said."""
    about = json.loads(text)
    return MusicJob(
        **{name: about.get(name) for name in _JOB_FACTS},
        usage=Usage(**about.get("usage", {})),
        cost=load_cost(about.get("cost")),
        tracks=tuple(Track(**facts) for facts in about.get("tracks", ())),
        debug=about.get("debug") or {},
        raw=about.get("raw") or {},
    )


def trimmed(job: MusicJob) -> tuple[MusicJob, str | None]:
    """Return an answer with a sensible number of tracks, and what was left out in words."""
    n = len(job.tracks)
    if n <= MOST_TRACKS:
        return job, None
    note = f"The service listed {n:,} tracks for one job; the first {MOST_TRACKS} are kept."
    return job.replace(tracks=job.tracks[:MOST_TRACKS]), note


def cost_facts(cost: Cost | None) -> dict[str, Any] | None:
    """Return a price as plain values."""
    if cost is None:
        return None
    lines = [vars(line) for line in cost.lines]
    return {
        "usd": cost.usd,
        "credits": cost.credits,
        "is_estimate": cost.is_estimate,
        **({"lines": lines} if lines else {}),
    }


def load_cost(facts: Mapping[str, Any] | None) -> Cost:
    """Return a price from plain values."""
    if not facts:
        return Cost()
    plain = Cost(facts.get("usd"), facts.get("credits"), bool(facts.get("is_estimate")))
    lines = facts.get("lines") or ()
    return replace(plain, lines=tuple(CostLine(**line) for line in lines)) if lines else plain


def dump(value: Any) -> str:
    """Return JSON that every reader takes: ASCII, no NaN."""
    try:
        return _encode(value)
    except ValueError:
        return _encode(_finite(value))


_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def storable_text(text: str | None) -> str | None:
    """Return a text that SQLite stores: no halves of surrogate pairs, no NUL that ends it early."""
    if text is None:
        return None
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{SYMBOL FOR NULL}")


def _bounded(value: Mapping[str, Any]) -> str:
    text = dump(value)
    if len(text) <= MOST_RAW:
        return text
    return dump({"left_out": f"an answer of {len(text):,} characters; its facts are kept"})


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
