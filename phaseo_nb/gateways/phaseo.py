"""The Phaseo gateway: its music routes, model list and prices, as plain values.

Wire contract: ``POST /music/generate``, ``GET /music/generate/{music_id}``, ``GET /models``,
``GET /pricing/models``, ``POST /pricing/calculate`` (Phaseo docs; ``apps/api`` 1.2.1, whose code
says more than they do).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..jobs import Cost, Credits, MusicJob, Track, seconds_or_none
from ..transport.messages import Answer, Call, read_json
from . import catalogue, phaseo_models
from .base import ModelInfo
from .billing import breakdown_usd, read_cost, read_usage
from .phaseo_refusals import status_error, submission_error
from .values import (
    count,
    embedded_audio,
    identifier,
    is_data_uri,
    mapping,
    number,
    rows,
    status_code,
    storable,
    text,
    whole,
)

# These answer with the audio at once: their status never moves, and the audio may never come again.
SYNCHRONOUS = frozenset({"elevenlabs", "minimax", "google-ai-studio", "google"})
PRICING_PROVIDERS = {"google": "google-ai-studio"}
PCM_RATE = 44_100  # what ElevenLabs' "wav" is: bare samples at this rate


class PhaseoGateway:
    """The words of the Phaseo gateway."""

    name = "phaseo"
    default_base_url = "https://api.phaseo.app/v1"
    key_variable = "PHASEO_API_KEY"
    min_poll_interval = 1.0

    def submission(self, request: Any) -> Call:
        """Return ``POST /music/generate``."""
        body = request.to_wire()
        # Suno alone never answers with audio, so its answers fit the small cap.
        carries_audio = catalogue_provider(body.get("model")) != "suno"
        return Call("POST", "/music/generate", json=body, creates=True, carries_audio=carries_audio)

    def read_submission(self, answer: Answer, request: Any) -> MusicJob:
        """Read the answer to a submission; see :meth:`Gateway.read_submission`."""
        data = answer.data
        body = mapping(data)
        job_id = identifier(body.get("id")) or identifier(body.get("requestId"))
        if not 200 <= answer.status_code < 300 or job_id is None:
            raise submission_error(answer, request, self.list_price(request))
        job = _job(body, job_id, request.to_wire())
        refused = _refusal_inside(body)
        if refused is not None:
            return job.replace(status="failed", failure=refused or None)
        settled = job.has_audio and (job.provider or "").lower() in SYNCHRONOUS
        return job.replace(is_settled=settled)

    def status_calls(self, job_id: str, request_id: str | None = None) -> list[Call]:
        """Return ``GET /music/generate/{id}``: by id, then by request id (Lyria is kept there)."""
        names = [job_id] if request_id in (None, "", job_id) else [job_id, str(request_id)]
        return [
            Call("GET", f"/music/generate/{_segment(name)}", carries_audio=True) for name in names
        ]

    def read_status(self, answer: Answer, job_id: str) -> MusicJob:
        """Read what the gateway says about a job; see :meth:`Gateway.read_status`."""
        body = mapping(answer.data)
        is_job = any(key in body for key in ("status", "output", "result", "object"))
        if not 200 <= answer.status_code < 300 or not is_job:
            raise status_error(answer, job_id)
        return _job(body, identifier(body.get("id")) or job_id, {})

    def with_callback(self, request: Any, address: str) -> None:
        """Return nothing: this gateway reports to nobody."""

    def models_calls(self) -> list[Call]:
        """Return ``GET /models`` for music and ``GET /pricing/models``."""
        return phaseo_models.calls()

    def read_models(self, answers: list[Answer]) -> list[ModelInfo]:
        """Merge the two lists by model and provider; the built-in one where there is no answer."""
        return phaseo_models.merge(answers)

    def estimate_call(self, request: Any) -> Call | None:
        """Return ``POST /pricing/calculate``, or ``None`` where the provider is not known."""
        model = request.to_wire().get("model")
        provider = catalogue_provider(model)
        if provider in (None, "sandbox"):
            return None
        body = {
            "provider": PRICING_PROVIDERS.get(str(provider), provider),
            "model": catalogue.unpinned(str(model).strip()),
            "endpoint": "music.generate",
            "usage": {"requests": 1},
        }
        return Call("POST", "/pricing/calculate", json=body)

    def read_estimate(self, answer: Answer) -> Cost:
        """Read a price; ``Cost()`` where there is none (then :meth:`list_price` knows one)."""
        if not 200 <= answer.status_code < 300:
            return Cost()
        usd = breakdown_usd(mapping(mapping(answer.data).get("pricing")))
        return Cost() if usd is None else Cost(usd=usd, is_estimate=True)

    def list_price(self, request: Any) -> Cost:
        """Return the built-in price of the request's model."""
        return catalogue.price_of("phaseo", getattr(request, "model", None))

    def credits_call(self) -> None:
        """Return nothing: this gateway counts in US dollars."""

    def read_credits(self, answer: Answer) -> Credits:
        """Return nothing known: nobody asks."""
        return Credits()


def catalogue_provider(model: Any) -> str | None:
    """Return who makes a model, by the name in front of its slash."""
    if not isinstance(model, str):
        return None
    author, slash, _ = catalogue.unpinned(model.strip()).partition("/")
    known = {"eleven-labs": "elevenlabs", "elevenlabs": "elevenlabs"}
    names = ("suno", "minimax", "google", "sandbox")
    return known.get(author) or (author if slash and author in names else None)


def _segment(name: str) -> str:
    """Encode an id for a path; a name of dots alone would be resolved away as a folder."""
    encoded = quote(name, safe="", errors="replace")
    return encoded.replace(".", "%2E") if set(name) <= {"."} else encoded


def _job(body: Mapping[str, Any], job_id: str, wire: Mapping[str, Any]) -> MusicJob:
    sandbox = body.get("sandbox") is True
    status = _status(body.get("status"))
    request_id = identifier(body.get("requestId"))
    if request_id is None and job_id.startswith("G-"):
        request_id = job_id  # a status answer has no requestId, but the id can be one
    return MusicJob(
        id=job_id,
        status=status,
        request_id=request_id,
        provider=text(body.get("provider")),
        model=text(body.get("model")),
        tracks=_tracks(body, wire, sandbox),
        usage=read_usage(body),
        cost=read_cost(body),
        failure=_failure(body) if status == "failed" else None,
        debug=_debug(body),
        sandbox=sandbox,
        raw=storable(body),
    )


def _status(value: Any) -> str:
    """Keep a status as text; what is no known word counts as not finished."""
    if isinstance(value, str):
        return whole(value[:80]) or "unknown"
    return "unknown" if value is None or isinstance(value, (dict, list)) else str(value)[:80]


def _tracks(body: Mapping[str, Any], wire: Mapping[str, Any], sandbox: bool) -> tuple[Track, ...]:
    items = rows(body.get("output"))
    top = {key: body[key] for key in ("audio_url", "audio_base64") if body.get(key)}
    hint = _pcm_rate(body, wire)
    if not items:
        track = _track({}, 0, top, body, hint, sandbox)
        return (track,) if track.data or track.audio_url else ()
    # Lyria's audio stands at the top and in the list: one recording, not two.
    return tuple(
        _track(item, index, top if index == 0 else {}, body, hint, sandbox)
        for index, item in enumerate(items)
    )


def _track(
    item: Mapping[str, Any],
    index: int,
    top: Mapping[str, Any],
    body: Mapping[str, Any],
    pcm_rate: int | None,
    sandbox: bool,
) -> Track:
    data, url = _audio(item)
    if data is None and url is None:
        data, url = _audio(top)
    track_id = identifier(item.get("id"))
    bare = data is None or not data.startswith((b"RIFF", b"ID3", b"OggS", b"fLaC"))
    place = count(item.get("index"))
    return Track(
        index=index if place is None or place > 10_000 else place,
        id=track_id,
        title=text(item.get("title")),
        tags=_tags(item.get("tags")),
        duration=seconds_or_none(item.get("duration")),
        audio_url=url,
        stream_audio_url=text(item.get("stream_audio_url")),
        image_url=text(item.get("image_url")),
        lyrics=_lyrics(body, track_id),
        sandbox=sandbox or item.get("sandbox") is True,
        data=data,
        pcm_rate=pcm_rate if bare and (data or url) else None,
        raw=storable(dict(item or top)),
    )


def _audio(item: Mapping[str, Any]) -> tuple[bytes | None, str | None]:
    """Return the recording that is at hand, and the address of one that is not."""
    url = text(item.get("audio_url"))
    data = embedded_audio(item.get("audio_base64"))
    if is_data_uri(url):
        return data or embedded_audio(url), None
    return data, url.strip() if url else None


def _tags(value: Any) -> str | None:
    if isinstance(value, list):
        return text(", ".join(tag for tag in value if isinstance(tag, str)))
    return text(value)


def _lyrics(body: Mapping[str, Any], track_id: str | None) -> str | None:
    """Suno's words to a track: the output list leaves them out, the raw result has them."""
    if track_id is None:
        return None
    response = mapping(mapping(mapping(body.get("result")).get("data")).get("response"))
    songs = rows(response.get("sunoData"))
    return next((text(s.get("prompt")) for s in songs if identifier(s.get("id")) == track_id), None)


def _pcm_rate(body: Mapping[str, Any], wire: Mapping[str, Any]) -> int | None:
    """Return the rate of audio without a header, where request or answer say that it has none."""
    kind = (text(mapping(body.get("result")).get("content_type")) or "").lower()
    if kind and not any(word in kind for word in ("pcm", "l16", "octet-stream", "raw")):
        return None
    asked = mapping(wire.get("elevenlabs")).get("output_format")
    if isinstance(asked, str) and asked.strip():
        match = re.fullmatch(r"pcm_(\d{4,6})", asked.strip().lower())
        return int(match.group(1)) if match else None
    setting = mapping(mapping(wire.get("minimax")).get("audio_setting"))
    if setting.get("format") == "pcm":
        return count(setting.get("sample_rate")) or PCM_RATE
    if "pcm" in kind or "l16" in kind:
        rate = re.search(r"rate=(\d{4,6})\b", kind)
        return int(rate.group(1)) if rate else PCM_RATE
    is_elevenlabs = (text(body.get("provider")) or "").lower() == "elevenlabs"
    return PCM_RATE if is_elevenlabs and wire.get("format") == "wav" else None


def _refusal_inside(body: Mapping[str, Any]) -> str | None:
    """Return Suno's words where it refused inside a success (``""`` where it gave none).

    The gateway calls such a job ``queued`` under its own request id, stores nothing and bills it:
    asking for it gives 404 for ever.
    """
    result = mapping(body.get("result"))
    code = number(result.get("code"))
    is_suno = (text(body.get("provider")) or "suno").lower() == "suno"
    if code is None or code == 200 or not is_suno or mapping(result.get("data")):
        return None
    word = text(result.get("msg")) or text(result.get("message"))
    return word or ""


def _failure(body: Mapping[str, Any]) -> str | None:
    """Find the cause of a failed job in the raw result: no field of the gateway has it."""
    result = mapping(body.get("result"))
    data = mapping(result.get("data"))
    error = mapping(result.get("error"))
    code = status_code(result.get("code"))
    places = (
        data.get("errorMessage"),
        data.get("error_message"),
        result.get("errorMessage"),
        result.get("error_message"),
        mapping(result.get("base_resp")).get("status_msg"),
        error.get("message"),
        result.get("error"),
        mapping(result.get("detail")).get("message"),
        data.get("error"),
        result.get("msg") if code not in (None, 200) else None,
    )
    return next((found for place in places if (found := text(place))), None)


def _debug(body: Mapping[str, Any]) -> dict[str, Any]:
    """Collect what ``debug``, ``echo_upstream_request`` and ``meta`` brought back."""
    found: dict[str, Any] = {}
    for key in ("upstream_request", "upstream_response", "meta"):
        value = body.get(key)
        if value is None:
            continue
        if isinstance(value, str):
            with contextlib.suppress(ValueError, RecursionError):  # then it stays text
                value = read_json(value)
        found[key] = storable(value)
    return found
