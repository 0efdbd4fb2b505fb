"""What a gateway said about a job: frozen facts in one shape for both services.

Gateways fill these from the wire (``gateways/``); nothing here knows HTTP. Numbers from outside
are only kept when they can be what they claim; the untouched answer is :attr:`MusicJob.raw`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Status = Literal["queued", "in_progress", "completed", "failed"]
FINISHED: frozenset[str] = frozenset({"completed", "failed"})


@dataclass(frozen=True)
class CostLine:
    """One line of a bill."""

    meter: str
    """What was counted, such as ``"requests"``."""
    quantity: float | None = None
    unit_usd: float | None = None
    """US dollars for one."""
    usd: float | None = None
    """US dollars for this line."""


@dataclass(frozen=True)
class Cost:
    """A price, paid or expected.

    Source of the figures: ``usage.pricing_breakdown`` of the answer, ``POST /pricing/calculate``
    or the price list in ``gateways/catalogue.py``.
    """

    usd: float | None = None
    """US dollars; ``None`` means nobody knows, which is not the same as free."""
    credits: float | None = None
    """Credits, where the service counts in those (udio)."""
    is_estimate: bool = False
    """True before the service has billed it."""
    lines: tuple[CostLine, ...] = ()
    """The bill line by line, where the service gave one."""

    def __str__(self) -> str:
        if self.usd == 0:
            return "free"
        about = "about " if self.is_estimate else ""
        if self.usd is not None:
            return about + (f"${self.usd:.4f}" if 0 < self.usd < 0.005 else f"${self.usd:.2f}")
        if self.credits is not None:
            return f"{about}{self.credits:g} credit{'' if self.credits == 1 else 's'}"
        return "price unknown"


@dataclass(frozen=True)
class Credits:
    """How much can still be bought at a service that counts in credits.

    Wire contract: ``GET /api/v2/credits`` of udioapi.pro.
    """

    left: float | None = None
    """Credits that can still be used; ``None`` where the service did not say."""
    used: float | None = None
    """Credits used so far."""
    sandbox: bool = False

    def __str__(self) -> str:
        left = "unknown" if self.left is None else f"{self.left:,g}"
        used = "" if self.used is None else f", {self.used:,g} used"
        return f"{left} left{used}{', sandbox' if self.sandbox else ''}"

    def __repr__(self) -> str:
        return f"<Credits {self}>"


@dataclass(frozen=True)
class Usage:
    """What the service counted."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    audio_count: int | None = None
    """Tracks with audio."""
    audio_seconds: float | None = None


@dataclass(frozen=True)
class Track:
    """One entry of a job's output."""

    index: int
    id: str | None = None
    title: str | None = None
    tags: str | None = None
    duration: float | None = None
    """Seconds, as the service says; ``None`` where it said nothing usable."""
    audio_url: str | None = None
    stream_audio_url: str | None = None
    image_url: str | None = None
    lyrics: str | None = None
    is_preview: bool = False
    """True while ``audio_url`` is a live stream of something unfinished."""
    is_picture: bool = False
    """True for a cover image: nothing to hear, ``image_url`` is what there is."""
    sandbox: bool = False
    failure: str | None = None
    """Why this one track came to nothing, where the service said so."""
    data: bytes | None = field(default=None, repr=False)
    """Audio that came inside the answer, decoded (from base64, hex or a ``data:`` URI)."""
    pcm_rate: int | None = None
    """Samples per second where the audio is bare 16-bit samples without a header (ElevenLabs'
    ``wav`` and ``pcm_…``): a hint for decoding; what has a header says for itself."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_playable(self) -> bool:
        """True when there is a finished recording (or picture) to fetch or at hand."""
        address = self.image_url if self.is_picture else self.audio_url
        return not self.is_preview and bool(self.data or address)

    def __repr__(self) -> str:
        words = [f"<{'Picture' if self.is_picture else 'Track'} {self.index}"]
        if self.title:
            words.append(repr(self.title))
        if self.duration is not None:
            words.append(f"{self.duration:.1f} s")
        if self.is_preview:
            words.append("preview")
        elif not self.is_playable:
            words.append("no address" if self.is_picture else "no audio")
        if self.sandbox:
            words.append("sandbox")
        return " ".join(words) + ">"


@dataclass(frozen=True)
class MusicJob:
    """What the gateway last said about a job.

    Wire contract: Phaseo ``POST /music/generate`` and ``GET /music/generate/{music_id}``;
    udioapi.pro ``/api/generate``, ``/api/v2/generate`` and the two feeds.
    """

    id: str
    status: str
    """``queued``, ``in_progress``, ``completed`` or ``failed``; any other word is kept as it
    came and counts as not finished."""
    request_id: str | None = None
    """Phaseo's ``requestId``: some jobs can only be asked for under this name."""
    stage: str | None = None
    """udio only: ``new``, ``text``, ``first`` or ``complete``."""
    provider: str | None = None
    model: str | None = None
    tracks: tuple[Track, ...] = ()
    usage: Usage = Usage()
    cost: Cost = Cost()
    failure: str | None = None
    """What the provider gave as the cause; ``None`` where it gave none."""
    debug: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What ``debug`` and ``echo_upstream_request`` brought back."""
    sandbox: bool = False
    is_settled: bool = False
    """True where the answer is all there will ever be, whatever its status says: MiniMax returns
    the audio at once under ``queued``, and then knows nothing more of the job."""
    is_unverified: bool = False
    """True where only a callback said so, and the service's own answers did not confirm it."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The answer as it came, audio left out."""

    @property
    def is_finished(self) -> bool:
        """True when nothing more will happen."""
        return self.status in FINISHED or self.is_settled

    @property
    def has_audio(self) -> bool:
        """True when at least one track is ready to be heard (or picture to be seen)."""
        return any(track.is_playable for track in self.tracks)

    def replace(self, **changes: Any) -> MusicJob:
        """Return a copy with some facts changed."""
        return replace(self, **changes)

    def __repr__(self) -> str:
        words = [f"<MusicJob {_printable(self.id)} {_printable(self.status)}"]
        if self.tracks:
            n = len(self.tracks)
            what = "picture" if self.tracks[0].is_picture else "track"
            words.append(f"{n} {what}{'s' if n > 1 else ''}")
            seconds = sum(track.duration or 0.0 for track in self.tracks)
            if seconds:
                words.append(f"{seconds:.1f} s")
        if self.sandbox:
            words.append("sandbox")
        return ", ".join(words) + ">"


def _printable(word: str) -> str:
    """Return a service's word so that it can be shown: nothing in it may act on a terminal."""
    return word if word.isascii() and word.isprintable() else ascii(word)


def seconds_or_none(value: Any) -> float | None:
    """Read a duration from the wire: a finite, positive number of seconds, else ``None``."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not (value.isascii() and "_" not in value):
        return None  # "1_000" and "٣" are numbers to Python, and to nobody else
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 < number < 1e7 else None


def text_or_none(value: Any) -> str | None:
    """Read a text from the wire; blank and anything that is not text becomes ``None``."""
    return value if isinstance(value, str) and value.strip() else None
