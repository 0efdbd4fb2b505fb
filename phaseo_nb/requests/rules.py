"""The gateway's rules after the schema, in its order, with its own reason words.

Wire contract: ``apps/api/src/pipeline`` (model, provider slug, routing filters) and the music
adapters of each provider in ``phaseoteam/Phaseo``. What depends on the live catalogue (does the
model exist, is the provider on, does a filter leave anyone) is left to the gateway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ._json import is_blank, length, trim


class Refusal(NamedTuple):
    """The first rule that a body breaks."""

    field: str
    """Where, in the wire's spelling with dots."""
    reason: str
    """The gateway's own word for the rule."""
    message: str
    """The gateway's own sentence; the reason where it has none."""
    status: int
    """What the gateway answers: 400 for its own rules, 502 for a provider's."""
    value: Any
    """What was there; ``None`` where nothing was."""
    expected: str
    """What would be right, in words."""


_NAMESPACES = {
    "suno": "suno",
    "elevenlabs": "elevenlabs",
    "eleven-labs": "elevenlabs",
    "minimax": "minimax",
    "google": "google",
    "google-ai-studio": "google",
    "sandbox": "sandbox",
}
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}", re.IGNORECASE)


@lru_cache(maxsize=256)
def provider_of(model: str) -> str | None:
    """Return who makes the music of a model: ``suno``, ``elevenlabs``, ``minimax``, ``google``
    or ``sandbox``; ``None`` where the name does not tell.

    Parameters
    ----------
    model
        A model id as sent, such as ``"suno/v4.5"`` or ``"minimax:minimax/music-2.6"``; blanks
        around it do not matter, letter case in the model's own name does.
    """  # noqa: D205 - the list of names belongs to the sentence
    qualifier, name = _split(model)
    if qualifier is not None:
        return _NAMESPACES.get(qualifier.lower())
    namespace, slash, _ = name.partition("/")
    return _NAMESPACES.get(namespace) if slash else None


def model_slug(model: str) -> str:
    """Return the last part of a model id: ``"music-2.6"`` of ``"minimax/music-2.6"``."""
    return _split(model)[1].rpartition("/")[2]


def is_cover(model: str) -> bool:
    """Whether a model makes MiniMax covers, which have rules of their own."""
    return provider_of(model) == "minimax" and model_slug(model).lower().startswith("music-cover")


def check_rules(body: dict[str, Any]) -> Refusal | None:
    """Return the first rule that a body breaks, or ``None``.

    Parameters
    ----------
    body
        A body the schema accepts, raw: keys that the schema drops are still in it, because
        MiniMax and Lyria read them.
    """
    return next(_refusals(body), None)


def _refusals(body: dict[str, Any]) -> Iterator[Refusal]:
    model = body["model"]
    yield from _model(model)
    yield from _routing(body)
    by_provider = {"suno": _suno, "minimax": _minimax, "google": _lyria, "sandbox": _band}
    check = by_provider.get(provider_of(model) or "")
    if check is not None:
        yield from check(body)


@lru_cache(maxsize=256)  # asked several times for each request, about a handful of models
def _split(model: str) -> tuple[str | None, str]:
    """Split ``provider:publisher/model``; a colon after the slash is part of the model."""
    name = trim(model)
    colon, slash = name.find(":"), name.find("/")
    if colon < 0 or slash < 0 or colon > slash:
        return None, name
    return trim(name[:colon]), trim(name[colon + 1 :])


def _model(model: str) -> Iterator[Refusal]:
    if is_blank(model):
        expected = 'Name a model, such as "suno/v4.5" or "sandbox/band".'
        yield Refusal("model", "model_required", "model_required", 400, model, expected)
        return
    qualifier, name = _split(model)
    if qualifier is None:
        return
    if not _SLUG.fullmatch(qualifier):
        message = (
            f'Invalid provider slug "{qualifier}" in model identifier "{trim(model)}". Provider '
            "slugs must start with a letter or number and contain only letters, numbers, "
            '".", "_" or "-".'
        )
        expected = 'Before the colon stands a provider, as in "suno:suno/v4.5".'
        yield Refusal("model", "invalid_provider_slug", message, 400, model, expected)
    elif (
        trim(model).find("/") <= trim(model).find(":") + 1
        or name.startswith((":", "/"))
        or (name.endswith("/"))
    ):
        message = (
            f'Invalid provider-qualified model identifier "{trim(model)}". Expected '
            '"<provider>:<publisher>/<model>".'
        )
        expected = 'A pinned provider reads as in "suno:suno/v4.5".'
        yield Refusal("model", "invalid_provider_qualified_model", message, 400, model, expected)


_UNBACKED = (
    ("data_collection", "dataCollection", "provider data-collection policy"),
    ("enforce_distillable_text", "enforceDistillableText", "distillable-text policy"),
    ("quantizations", "quantizations", "quantization"),
)


def _routing(body: Mapping[str, Any]) -> Iterator[Refusal]:
    for source in ("provider", "routing"):
        options = body.get(source) or {}
        for name, twin, filtered in _UNBACKED:
            spelling = name if options.get(name) is not None else twin
            value = options.get(spelling)
            # The contract lists data_collection as refused for "deny" alone.
            if value is None or value == "allow":
                continue
            message = (
                f"Routing by {filtered} is not yet backed by provider metadata in Phaseo Gateway."
            )
            expected = f"Leave {spelling} out: the gateway cannot filter by it yet."
            field = f"{source}.{spelling}"
            yield Refusal(field, "unsupported_routing_filter", message, 400, value, expected)


def _upstream(field: str, reason: str, value: Any, expected: str, message: str = "") -> Refusal:
    return Refusal(field, reason, message or reason, 502, value, expected)


def _suno(body: Mapping[str, Any]) -> Iterator[Refusal]:
    suno = body.get("suno") or {}
    inner, outer = suno.get("prompt"), body.get("prompt")
    prompt = outer if inner is None else inner
    field = "prompt" if inner is None else "suno.prompt"
    hides = inner is not None and not is_blank(outer)
    remedy = (
        "suno.prompt is blank and hides the prompt beside it: leave suno.prompt out or fill it."
        if hides
        else None
    )
    if not suno.get("customMode"):
        if is_blank(prompt):
            expected = remedy or "Suno needs a prompt that is not blank, instrumental or not."
            yield _upstream(field, "prompt_required_when_custom_mode_disabled", prompt, expected)
        return
    for name in ("style", "title"):
        if is_blank(suno.get(name)):
            yield _upstream(
                f"suno.{name}",
                "style_and_title_required_when_custom_mode_enabled",
                suno.get(name),
                "With suno.customMode on, Suno needs suno.style and suno.title, neither blank.",
            )
    if not suno.get("instrumental") and is_blank(prompt):
        reason = "prompt_required_for_lyric_mode_when_custom_mode_enabled"
        default = (
            "With suno.customMode on, the prompt is what is sung: give lyrics, or set "
            "suno.instrumental."
        )
        yield _upstream(field, reason, prompt, remedy or default)


def _minimax(body: Mapping[str, Any]) -> Iterator[Refusal]:
    minimax = body.get("minimax") or {}
    cover = is_cover(body["model"])
    lyrics, writes_lyrics = _minimax_lyrics(body), minimax.get("lyrics_optimizer") is True
    instrumental = _minimax_instrumental(body)
    if instrumental is None and not cover and lyrics is None and not writes_lyrics:
        instrumental = True  # the gateway's default: a prompt alone is no song text
    if not cover and instrumental is False and lyrics is None and not writes_lyrics:
        yield _upstream(
            "minimax.lyrics",
            "lyrics_required_for_non_instrumental_minimax_music",
            None,
            "Give lyrics, or minimax={'lyrics_optimizer': True} to have them written, or leave "
            "is_instrumental out.",
            "MiniMax Music requires `lyrics` when `is_instrumental` is false.",
        )
    field = "minimax.prompt" if minimax.get("prompt") is not None else "prompt"
    prompt = minimax.get("prompt", body.get("prompt"))
    size = length(prompt or "")
    if size > 2000 or (instrumental is True and size == 0):
        expected = (
            f"MiniMax takes prompts of up to 2000 characters (this has {size})."
            if size
            else "minimax.prompt is empty and hides the prompt beside it: leave it out or fill it."
            if body.get("prompt") and field == "minimax.prompt"
            else "Instrumental music of MiniMax needs a prompt; without lyrics it is instrumental."
        )
        yield _upstream(field, "invalid_minimax_music_prompt", prompt, expected)
    if cover:
        yield from _cover(minimax, field, prompt or "")
    if minimax.get("stream") is True:
        reason = "minimax_music_streaming_not_supported_by_gateway"
        yield _upstream("minimax.stream", reason, True, "Leave minimax.stream out or false.")
    if body.get("format") in ("ogg", "aac"):
        reason = "unsupported_minimax_music_audio_format"
        yield _upstream("format", reason, body["format"], 'MiniMax makes "mp3" or "wav".')


def _minimax_lyrics(body: Mapping[str, Any]) -> str | None:
    """Return what is sung: ``minimax.lyrics`` first (even empty), then raw top-level ``lyrics``."""
    inner = (body.get("minimax") or {}).get("lyrics")
    if isinstance(inner, str):
        return inner
    outer = body.get("lyrics")
    return trim(outer) if isinstance(outer, str) and not is_blank(outer) else None


def _minimax_instrumental(body: Mapping[str, Any]) -> bool | None:
    inner = (body.get("minimax") or {}).get("is_instrumental")
    outer = body.get("is_instrumental")
    return next((flag for flag in (inner, outer) if isinstance(flag, bool)), None)


def _cover(minimax: Mapping[str, Any], field: str, prompt: str) -> Iterator[Refusal]:
    reason = "invalid_minimax_music_cover_request"
    sources = [n for n in ("audio_url", "audio_base64", "cover_feature_id") if minimax.get(n)]
    if len(sources) != 1:
        yield _upstream(
            "minimax",
            reason,
            sources,
            "A cover needs exactly one of minimax.audio_url, audio_base64, cover_feature_id.",
        )
    if not 10 <= length(prompt) <= 300:
        expected = f"A cover needs a prompt of 10 to 300 characters (this has {length(prompt)})."
        yield _upstream(field, reason, prompt, expected)


def _lyria(body: Mapping[str, Any]) -> Iterator[Refusal]:
    # The image keys pass the schema unseen; Lyria reads them from the raw body.
    pictures = ("input", "image", "input_image", "images", "input_images")
    if is_blank(body.get("prompt")) and not any(body.get(name) for name in pictures):
        yield _upstream(
            "prompt",
            "missing_prompt_or_input",
            body.get("prompt"),
            "Lyria needs a prompt that is not blank.",
            "music.generate for Google requires prompt text or image input.",
        )


def _band(body: Mapping[str, Any]) -> Iterator[Refusal]:
    """Refuse silence as a wish: the sandbox would play something, which teaches nobody."""
    options = body.get("suno") or {}
    words = [body.get("prompt"), body.get("lyrics"), options.get("style"), options.get("prompt")]
    if all(is_blank(word or "") for word in words):
        expected = 'Say what it should sound like, such as "Warm jazz trio with brushed drums".'
        message = "A prompt, a style or lyrics are needed."
        value = body.get("prompt")
        yield Refusal("prompt", "missing_prompt_or_input", message, 502, value, expected)
