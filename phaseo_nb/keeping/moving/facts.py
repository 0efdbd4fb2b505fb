"""What a JSON file of an export may say: types, sizes and depths, checked before anything is used.

Python's reader takes NaN, numbers without end and names given twice; here they are refused.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ...gateways.values import whole
from ...jobs import Cost, MusicJob, Track, Usage
from ...requests import MusicRequest, UdioRequest, restored_request
from ...requests.udio_more import KINDS
from ...takes import checked_opinion
from ..records import MOST_TRACKS, load_cost
from .sidecar import VERSION, plain_address

MOST_DEPTH = 150
MOST_PARTS = 400_000
_LONGEST_NUMBER = 40
_FIRST, _LAST = 0.0, 4_102_444_800.0  # 1970 to 2100


class ImportRefused(Exception):
    """One file or take of an export is left out; the message says why."""


Text = Annotated[str, StringConstraints(max_length=200_000)]
Word = Annotated[str, StringConstraints(max_length=2_000)]
Amount = Annotated[float, Field(ge=0, lt=1e9)]
Count = Annotated[int, Field(ge=0, lt=2**53)]


class _Facts(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True
    )


class Sound(_Facts):
    """A recording beside the JSON file."""

    track: Annotated[int, Field(ge=0, lt=MOST_TRACKS)]
    file: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    format: Annotated[str, StringConstraints(max_length=20)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\z")]
    size: Annotated[int, Field(ge=1, lt=2**40)]
    header_bytes: Literal[0, 44] = 0


class _Take(_Facts):
    number: Annotated[int, Field(ge=1, le=10**6)]
    created_at: Annotated[str, StringConstraints(max_length=40)]
    seconds: Annotated[float, Field(ge=0, lt=1e9)] | None = None
    notes: Annotated[list[Text], Field(max_length=100)] = []
    rating: int | None = None
    note: Text | None = None
    tags: Annotated[list[Word], Field(max_length=100)] = []


class About(_Facts):
    """What was asked for, and where."""

    kind: Literal["phaseo", "udio"]
    api: Literal["v2", "callback", "token", "extend", "upload-cover"] | None = None
    gateway: Literal["phaseo", "udio"]
    base_url: Annotated[str, StringConstraints(max_length=500)]
    body: dict[str, Any]


class _Line(_Facts):
    meter: Word
    quantity: float | None = None
    unit_usd: float | None = None
    usd: float | None = None


class _Cost(_Facts):
    usd: Amount | None = None
    credits: Amount | None = None
    is_estimate: bool = False
    lines: Annotated[list[_Line], Field(max_length=200)] = []


class _Usage(_Facts):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    audio_count: Count | None = None
    audio_seconds: Annotated[float, Field(ge=0, lt=1e9)] | None = None


class _Job(_Facts):
    id: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    request_id: Word | None = None
    status: Word
    stage: Word | None = None
    provider: Word | None = None
    model: Word | None = None
    failure: Text | None = None
    sandbox: bool = False
    is_settled: bool = False
    usage: _Usage = _Usage()


class _Track(_Facts):
    index: Annotated[int, Field(ge=0, lt=10**6)]
    id: Word | None = None
    title: Text | None = None
    tags: Text | None = None
    duration: Annotated[float, Field(gt=0, lt=1e7)] | None = None
    audio_url: Text | None = None
    stream_audio_url: Text | None = None
    image_url: Text | None = None
    lyrics: Text | None = None
    is_preview: bool = False
    sandbox: bool = False
    failure: Text | None = None
    pcm_rate: Annotated[int, Field(ge=1_000, le=400_000)] | None = None


class _Provenance(_Facts):
    is_sandbox: bool


class Sidecar(_Facts):
    """Everything that an import takes from the JSON file of a take."""

    version: int
    provenance: _Provenance
    take: _Take
    request: About
    cost: _Cost | None = None
    job: _Job
    tracks: Annotated[list[_Track], Field(max_length=MOST_TRACKS)]
    files: Annotated[list[Sound], Field(max_length=MOST_TRACKS)]

    @property
    def is_sandbox(self) -> bool:
        """Whether the sandbox made it, by any of the marks it leaves."""
        marks = (self.provenance.is_sandbox, self.job.sandbox, *(t.sandbox for t in self.tracks))
        return any(marks)

    @property
    def made(self) -> float:
        """When it was ordered, in seconds since 1970."""
        return datetime.fromisoformat(self.take.created_at).timestamp()


def _whole_texts(value: Any) -> Any:
    """Replace halves of surrogate pairs, which JSON can hold and nothing else takes."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [_whole_texts(item) for item in value]
    if isinstance(value, dict):
        return {whole(name): _whole_texts(item) for name, item in value.items()}
    return value


def read_json(data: bytes) -> Any:
    """Return what a JSON file says.

    Raises
    ------
    ImportRefused
        It is none, or one that nobody writes on purpose.
    """
    if sum(data.count(sign) for sign in (b",", b"[", b"{")) > MOST_PARTS:
        message = f"it has more than {MOST_PARTS:,} parts"
        raise ImportRefused(message)
    try:
        value = json.loads(
            data.decode("utf-8-sig"),
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        message = f"it is no JSON that is read here: {why[:200]}"
        raise ImportRefused(message) from None
    _check_depth(value)
    return _whole_texts(value)


def sidecar_in(facts: Any) -> Sidecar:
    """Return the facts of a take, checked.

    Raises
    ------
    ImportRefused
        One of them cannot be what it claims, or a newer version wrote them.
    """
    version = facts.get("version")
    if isinstance(version, int) and version > VERSION:
        message = "a newer version of phaseo_nb wrote it; upgrade with `pip install -U phaseo-nb`"
        raise ImportRefused(message)
    try:
        sidecar = Sidecar.model_validate(facts)
        take, about = sidecar.take, sidecar.request
        checked_opinion("rating", take.rating)
        take.tags = list(checked_opinion("tags", take.tags))
        if not _FIRST <= sidecar.made <= _LAST:
            message = f"created_at = {take.created_at!r} is no time of a take"
            raise ImportRefused(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        message = f"{where}: {first['msg']}"
        raise ImportRefused(message[:300]) from None
    except (ValueError, OverflowError, OSError) as error:
        raise ImportRefused(str(error)[:300]) from None
    if about.kind != about.gateway or plain_address(about.base_url) is None:
        message = f"request.base_url {about.base_url[:80]!r} is no address of {about.kind}"
        raise ImportRefused(message)
    return sidecar


def request_of(about: About) -> MusicRequest | UdioRequest:
    """Return the request of a take after it has gone through the rules again.

    Raises
    ------
    RequestRejected
        It breaks one.
    """
    body = {name: value for name, value in about.body.items() if name != "token"}
    if about.kind == "phaseo":
        MusicRequest.model_validate(body)
    else:
        body.pop("callback_url", None)
        checked = {**body, **({"api": about.api} if about.api else {})}
        if about.api == "callback":  # an address is asked for, and none is kept
            checked["callback_url"] = "https://example.org/callback"
        KINDS.get(about.api or "", UdioRequest).model_validate(checked)
    return restored_request(about.kind, body, api=about.api)


def job_of(facts: Sidecar) -> MusicJob:
    """Return what the gateway had said, as far as the export tells."""
    tracks = [track.model_dump() for track in facts.tracks]
    for track in tracks:
        for name in ("audio_url", "stream_audio_url", "image_url"):
            track[name] = plain_address(track[name])
    cost = load_cost(facts.cost.model_dump()) if facts.cost else Cost()
    job = facts.job.model_dump(exclude={"usage"})
    return MusicJob(
        **{**job, "sandbox": facts.is_sandbox},
        usage=Usage(**facts.job.usage.model_dump()),
        cost=cost,
        tracks=tuple(Track(**{**track, "sandbox": facts.is_sandbox}) for track in tracks),
    )


# -- JSON ----------------------------------------------------------------------------------------


def _no_constant(name: str) -> Any:
    message = f"{name} is no number"
    raise ValueError(message)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        message = f"{digits[:20]} is no number"
        raise ValueError(message)
    return number


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        message = f"a number of {len(digits):,} digits"
        raise ValueError(message)
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        message = "a name is given twice"
        raise ValueError(message)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [
            item
            for part in level
            if isinstance(part, (dict, list))
            for item in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return
    message = f"it is nested deeper than {MOST_DEPTH} levels"
    raise ImportRefused(message)
