"""The option objects of a Phaseo request: one model each, checked by its part of the schema.

Wire contract: the objects of ``POST /music/generate`` in ``phaseoteam/Phaseo:apps/api/src/core/
schemas.ts``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict

from ..errors import Issue
from ._base import WireModel, in_words, suggest
from ._checks import SchemaIssue, camel_case, dotted
from .schema import AUDIO_SETTING, DEBUG, ELEVENLABS, MINIMAX, PRICE_KEYS, ROUTING, SUNO


class Options(WireModel):
    """One option object, checked by its part of the schema."""

    part: ClassVar[Any] = None

    @classmethod
    def _issues(cls, wire: Any) -> Iterable[Issue]:
        for issue in cls.part(wire, cls.wire_path):
            yield worded(issue)
        yield from dropped_keys(wire, cls.wire_path)


class SunoOptions(Options):
    """What only Suno understands; unknown keys go to Suno as they are.

    Wire contract: ``suno`` of ``POST /music/generate``.
    """

    model_config = ConfigDict(extra="allow", alias_generator=camel_case)
    wire_path = ("suno",)
    part = SUNO

    prompt: str | None = None
    """Takes the place of the request's prompt, even when empty. In custom mode: what is sung."""
    style: str | None = None
    """Style words, such as ``"bossa nova, soft brushes"``; read in custom mode."""
    title: str | None = None
    """Title of the tracks; read in custom mode."""
    custom_mode: bool | None = None
    """True: style and title are given, and the prompt is what is sung."""
    instrumental: bool | None = None
    """True for no singing."""
    persona_id: str | None = None
    """A persona made earlier."""
    persona_model: str | None = None
    """How the persona is used."""
    model: str | None = None
    """Suno's own model name; takes the place of the one that follows from ``model``."""
    negative_tags: str | None = None
    """What to keep out, such as ``"drums, vocals"``."""
    vocal_gender: Literal["m", "f"] | None = None
    """Voice: ``"m"`` or ``"f"``."""
    style_weight: float | None = None
    """How strictly the style is followed, 0 to 1."""
    weirdness_constraint: float | None = None
    """How far the music may stray, 0 to 1."""
    audio_weight: float | None = None
    """How much given audio counts, 0 to 1."""
    call_back_url: str | None = None
    """Where Suno reports progress (``callBackUrl`` on the wire)."""


class ElevenLabsOptions(Options):
    """What only ElevenLabs understands; unknown keys go to ElevenLabs as they are.

    Wire contract: ``elevenlabs`` of ``POST /music/generate``.
    """

    model_config = ConfigDict(extra="allow")
    wire_path = ("elevenlabs",)
    part = ELEVENLABS

    prompt: str | None = None
    """Takes the place of the request's prompt."""
    composition_plan: Any = None
    """Sections, styles and lines, in ElevenLabs' own form."""
    music_length_ms: int | None = None
    """Length in milliseconds; takes the place of ``duration``."""
    model_id: str | None = None
    """ElevenLabs' own model name; ``music_v1`` when left out."""
    force_instrumental: bool | None = None
    """True for no singing."""
    store_for_inpainting: bool | None = None
    """Keep the song at ElevenLabs for later edits."""
    with_timestamps: bool | None = None
    """Ask for word times."""
    sign_with_c2pa: bool | None = None
    """Sign the file as generated (C2PA)."""
    output_format: str | None = None
    """Such as ``"mp3_44100_192"``; takes the place of ``format``."""


class AudioSetting(Options):
    """How MiniMax encodes.

    Wire contract: ``minimax.audio_setting`` of ``POST /music/generate``.
    """

    model_config = ConfigDict(extra="forbid")
    wire_path = ("minimax", "audio_setting")
    part = AUDIO_SETTING

    sample_rate: int | None = None
    """Hz: 16000, 24000, 32000 or 44100."""
    bitrate: int | None = None
    """Bits per second: 32000, 64000, 128000 or 256000."""
    format: Literal["mp3", "wav", "pcm"] | None = None
    """Takes effect when the request's ``format`` is left out."""


class MiniMaxOptions(Options):
    """What only MiniMax understands; unknown keys are refused.

    Wire contract: ``minimax`` of ``POST /music/generate``.
    """

    model_config = ConfigDict(extra="forbid")
    wire_path = ("minimax",)
    part = MINIMAX

    prompt: str | None = None
    """Takes the place of the request's prompt, even when empty; up to 2000 characters."""
    lyrics: str | None = None
    """What is sung; up to 3500 characters."""
    stream: bool | None = None
    """True is refused by the gateway."""
    output_format: Literal["url", "hex"] | None = None
    """How the audio comes back: a link, or inside the answer."""
    lyrics_optimizer: bool | None = None
    """True lets MiniMax write the lyrics from the prompt."""
    is_instrumental: bool | None = None
    """True for no singing; without lyrics that is the default."""
    audio_url: str | None = None
    """Reference recording of a cover."""
    audio_base64: str | None = None
    """Reference recording of a cover, inside the request."""
    cover_feature_id: str | None = None
    """Reference of a cover, prepared earlier."""
    audio_setting: AudioSetting | None = None
    """Sample rate, bitrate and format of the file."""

    @classmethod
    def _parts(cls) -> dict[str, type[WireModel]]:
        return {"audio_setting": AudioSetting}


class ProviderRouting(Options):
    """Which providers may serve the request; unknown keys are passed on.

    Wire contract: ``provider`` and ``routing`` of ``POST /music/generate``. The wire takes
    camelCase too; what was given is what is sent.
    """

    model_config = ConfigDict(extra="allow")
    wire_path = ("provider",)
    part = ROUTING
    has_twins = True

    mode: str | None = None
    """``balanced``, ``price``, ``latency`` or ``throughput``."""
    order: list[str] | None = None
    """Providers to try, in this order."""
    only: list[str] | None = None
    """The only providers allowed."""
    ignore: list[str] | None = None
    """Providers not to use."""
    include_alpha: bool | None = None
    """Use providers in alpha too."""
    allow_fallbacks: bool | None = None
    """False: no second provider after the first failed."""
    require_parameters: bool | None = None
    """Only providers that know every parameter."""
    required_execution_region: str | None = None
    """Where the model must run."""
    required_data_region: str | None = None
    """Where data must stay."""
    require_zero_data_retention: bool | None = None
    """Only providers that keep nothing."""
    data_collection: Literal["allow", "deny"] | None = None
    """``"deny"`` is refused: the gateway cannot filter by it yet."""
    zdr: bool | None = None
    """Short for ``require_zero_data_retention``."""
    enforce_distillable_text: bool | None = None
    """Refused: the gateway cannot filter by it yet."""
    quantizations: list[str] | None = None
    """Refused: the gateway cannot filter by it yet."""
    sort: str | dict[str, Any] | None = None
    """What to sort providers by."""
    max_price: dict[str, float | str] | None = None
    """Highest prices: ``prompt``, ``completion``, ``image``, ``audio``, ``request``."""
    preferred_min_throughput: float | dict[str, float] | None = None
    """A figure, or figures by percentile (``p50`` …)."""
    preferred_max_latency: float | dict[str, float] | None = None
    """A figure, or figures by percentile (``p50`` …)."""
    diagnostics: bool | None = None
    """Explain the choice of the provider in the answer."""
    return_diagnostics: bool | None = None
    """The same as ``diagnostics``."""


class DebugOptions(Options):
    """What the gateway should tell about its work.

    Wire contract: ``debug`` of ``POST /music/generate``. The wire takes camelCase too; what was
    given is what is sent. It would drop unknown keys silently; here they are refused.
    """

    model_config = ConfigDict(extra="forbid")
    wire_path = ("debug",)
    part = DEBUG
    has_twins = True

    enabled: bool | None = None
    """Switch the other wishes on."""
    echo_upstream_body: bool | None = None
    """Send back the body that went to the provider."""
    return_upstream_request: bool | None = None
    """The answer carries ``upstream_request``."""
    return_upstream_response: bool | None = None
    """The answer carries ``upstream_response``."""
    trace: bool | None = None
    """Trace the request inside the gateway."""
    trace_level: Literal["summary", "full"] | None = None
    """How much of it."""


def worded(issue: SchemaIssue) -> Issue:
    """Turn a schema issue into ours; unknown keys come with the known ones."""
    if issue.code == "unrecognized_keys":
        return in_words(issue, (AUDIO_SETTING if len(issue.path) > 1 else MINIMAX).fields)
    return in_words(issue)


def dropped_keys(options: Any, path: tuple[str, ...]) -> Iterator[Issue]:
    """Yield the keys of closed objects that the gateway would drop silently."""
    if not isinstance(options, dict):
        return
    closed: list[tuple[tuple[str, ...], Any, Iterable[str]]] = []
    if path[-1] == "debug":
        closed.append((path, options, DEBUG.fields))
    if path[-1] in ("provider", "routing"):
        for name in ("max_price", "maxPrice"):
            closed.append(((*path, name), options.get(name), sorted(PRICE_KEYS)))
    for where, value, known in closed:
        for key in value if isinstance(value, dict) else ():
            if key not in known:
                expected = "The gateway would drop it silently." + suggest(key, known)
                yield Issue(dotted((*where, key)), "unrecognized_keys", value[key], expected)
