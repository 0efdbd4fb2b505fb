"""Which controls a form has, in which order and under which name."""

from __future__ import annotations

from dataclasses import dataclass

from ..requests import (
    DebugOptions,
    ElevenLabsOptions,
    MiniMaxOptions,
    MusicRequest,
    ProviderRouting,
    SunoOptions,
    UdioRequest,
)
from .fields import Field, Wording, fields_of

SECTIONS = ("[Intro]", "[Verse]", "[Chorus]", "[Bridge]", "[Solo]", "[Outro]")

OTHER_MODEL = "\x01other"
"""Chosen in the list of models to type a name that is not in it."""

_YES_NO = (("", "as the model decides"), ("true", "yes, no singing"), ("false", "no, with voice"))

WHERE = (
    Field("gateway", "Gateway", "choice", width="half"),
    Field("model", "Model", "choice", width="half"),
    Field("other_model", "Name of the other one", width="full", placeholder="suno/v4.5"),
)
PROMPT = (
    Field(
        "prompt",
        "Prompt",
        "area",
        "What it should sound like, in your own words.",
        placeholder="Warm jazz trio with brushed drums",
        width="full",
        rows=3,
    ),
)
WORDS = (
    Field(
        "lyrics",
        "Lyrics",
        "area",
        "What is sung. Leave it empty to leave it to the model.",
        width="full",
        rows=4,
        sections=SECTIONS,
    ),
    Field("style", "Style", width="half", placeholder="jazz, piano, brushes"),
    Field("title", "Title", width="half"),
)
SETTINGS = (
    Field("duration", "Duration", "integer", "Whole seconds.", width="quarter"),
    Field(
        "format",
        "Format",
        "choice",
        choices=(("", "as it comes"), *((v, v) for v in ("mp3", "wav", "ogg", "aac"))),
        width="quarter",
    ),
    Field(
        "voice",
        "Voice",
        "choice",
        choices=(("", "any"), ("f", "female"), ("m", "male")),
        width="quarter",
    ),
    Field("take", "Take", "integer", "Empty: the newest.", width="quarter"),
    Field("instrumental", "Instrumental", "flag", choices=_YES_NO, width="half"),
    Field("negative", "Keep out", placeholder="drums, vocals", width="half"),
)

WORD_NAMES = tuple(
    field.name for field in (*PROMPT, *WORDS, *SETTINGS) if field.name not in ("take",)
)
"""Words of ``generate`` that have a control of their own, beside the model."""


@dataclass(frozen=True)
class Panel:
    """Options that belong together, shown when a person opens them."""

    name: str
    title: str
    wire: str
    """The gateway's wire that knows them: ``"phaseo"`` or ``"udio"``."""
    fields: tuple[Field, ...]


_REGIONS = ("eu", "us")
_PLAN = """{
  "positive_global_styles": ["jazz", "warm"],
  "negative_global_styles": ["distorted"],
  "sections": [
    {
      "section_name": "Intro",
      "positive_local_styles": ["solo piano"],
      "negative_local_styles": [],
      "duration_ms": 8000,
      "lines": []
    }
  ]
}"""
_AREA = {"rows": 3, "width": "full"}


def _routing(home: str) -> dict[str, Wording]:
    return {
        f"{home}.mode": Wording(suggestions=("balanced", "price", "latency", "throughput")),
        f"{home}.order": Wording(placeholder="suno, minimax"),
        f"{home}.only": Wording(placeholder="minimax"),
        f"{home}.ignore": Wording(placeholder="suno"),
        f"{home}.sort": Wording(suggestions=("price", "latency", "throughput")),
        f"{home}.zdr": Wording("Zero data retention (short form)"),
        f"{home}.preferred_min_throughput": Wording(placeholder="20 or p50=20, p90=10"),
        f"{home}.preferred_max_latency": Wording(placeholder="30 or p50=30, p90=60"),
        f"{home}.required_execution_region": Wording(suggestions=_REGIONS),
        f"{home}.required_data_region": Wording(suggestions=_REGIONS),
    }


_WORDINGS = {
    "suno.prompt": Wording("Prompt for Suno", "area", more=_AREA),
    "suno.call_back_url": Wording("Callback URL", placeholder="https://example.org/hook"),
    "suno.model": Wording("Suno's model name"),
    "elevenlabs.prompt": Wording("Prompt for ElevenLabs", "area", more=_AREA),
    "elevenlabs.composition_plan": Wording(template=_PLAN, more={"rows": 8}),
    "elevenlabs.music_length_ms": Wording("Music length in ms"),
    "elevenlabs.model_id": Wording(suggestions=("music_v1",)),
    "elevenlabs.output_format": Wording(
        suggestions=("mp3_44100_128", "mp3_44100_192", "pcm_44100", "opus_48000_128")
    ),
    "minimax.prompt": Wording("Prompt for MiniMax", "area", more=_AREA),
    "minimax.lyrics": Wording("Lyrics for MiniMax", "area", more=_AREA),
    "minimax.audio_url": Wording("Cover of: audio URL"),
    "minimax.audio_base64": Wording("Cover of: audio file", "file"),
    "minimax.cover_feature_id": Wording("Cover of: prepared feature ID"),
    "minimax.is_instrumental": Wording("Instrumental at MiniMax"),
    "minimax.audio_setting.sample_rate": Wording("Sample rate in Hz"),
    "minimax.audio_setting.bitrate": Wording("Bitrate in bit/s"),
    "minimax.audio_setting.format": Wording("File format"),
    "udio.gpt_description_prompt": Wording("Description", "area", more=_AREA),
    "udio.prompt": Wording("Sung words", "area", more=_AREA),
    "udio.tags": Wording("Tags to keep out"),
    "udio.cluster": Wording(suggestions=("default",)),
    "udio.api": Wording("Generation of the API"),
    "udio.callback_url": Wording("Callback URL", placeholder="https://example.org/hook"),
    "udio.model": Wording("Model name at udioapi.pro"),
    "beta": Wording("Trial features (beta)", more={"rows": 3}),
    "meta": Wording("Explain the routing (meta)"),
    **_routing("routing"),
    **_routing("provider"),
}

_TOP = ("echo_upstream_request", "beta", "meta")
_IN_OTHER_PLACES = tuple(name for name in MusicRequest.model_fields if name not in _TOP)

PANELS = (
    Panel("suno", "Suno options", "phaseo", tuple(fields_of(SunoOptions, "suno", _WORDINGS))),
    Panel(
        "elevenlabs",
        "ElevenLabs options",
        "phaseo",
        tuple(fields_of(ElevenLabsOptions, "elevenlabs", _WORDINGS)),
    ),
    Panel(
        "minimax",
        "MiniMax options",
        "phaseo",
        tuple(fields_of(MiniMaxOptions, "minimax", _WORDINGS)),
    ),
    Panel("routing", "Routing", "phaseo", tuple(fields_of(ProviderRouting, "routing", _WORDINGS))),
    Panel(
        "provider",
        "Routing, under its older name “provider”",
        "phaseo",
        tuple(fields_of(ProviderRouting, "provider", _WORDINGS)),
    ),
    Panel(
        "debug",
        "Debug and trial features",
        "phaseo",
        (
            *fields_of(DebugOptions, "debug", _WORDINGS),
            *fields_of(MusicRequest, "", _WORDINGS, leave=_IN_OTHER_PLACES),
        ),
    ),
    Panel("udio", "udioapi.pro options", "udio", tuple(fields_of(UdioRequest, "udio", _WORDINGS))),
)

FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        *WHERE,
        *PROMPT,
        *WORDS,
        *SETTINGS,
        *(field for panel in PANELS for field in panel.fields),
    )
}
