"""The models the sandbox offers: its own band, and the names of the two services' models.

Wire contract: ``GET /models`` and the price cards of ``phaseoteam/Phaseo``. Unlike the real
gateway of today, the sandbox routes to Suno and ElevenLabs: that is what it is for. Prices are
those of the cards, so that budgets can be learned; nothing is ever charged.
"""

from __future__ import annotations

from typing import Any, NamedTuple

ENDPOINT = "music.generate"
BAND = "sandbox/band"


class Model(NamedTuple):
    """One entry of the catalogue."""

    id: str
    name: str
    provider: str
    """The provider as the gateway calls it, such as ``"google-ai-studio"``."""
    slug: str
    """The provider's own name of the model, such as ``"V4_5PLUS"``."""
    nanos: int | None
    """Price of one request in billionths of a dollar; ``None`` where there is no card."""
    aliases: tuple[str, ...] = ()
    is_listed: bool = True

    @property
    def status(self) -> str:
        """What the gateway's catalogue says today: Suno is listed, not yet routed to."""
        return "coming_soon" if self.provider == "suno" else "active"

    @property
    def organisation(self) -> str:
        """Who stands behind the model: the first part of its id."""
        return self.id.partition("/")[0]


_SUNO = [
    ("v4", "V4"),
    ("v4.5", "V4_5"),
    ("v4.5+", "V4_5PLUS"),
    ("v4.5-all", "V4_5ALL"),
    ("v5", "V5"),
]
_CENT = 10_000_000

_MINIMAX = (
    ("music-3.0", "MiniMax Music 3.0", 15 * _CENT, True),
    ("music-2.6", "MiniMax Music 2.6", 15 * _CENT, True),
    ("music-2.6-free", "MiniMax Music 2.6 free", 0, True),
    ("music-cover", "MiniMax Music cover", None, False),
    ("music-cover-free", "MiniMax Music cover free", None, False),
)
_GOOGLE = (
    ("lyria-3-clip-preview", "Lyria 3 Clip", 4 * _CENT),
    ("lyria-3-pro-preview", "Lyria 3 Pro", 8 * _CENT),
)
MODELS: tuple[Model, ...] = (
    Model(BAND, "Sandbox band", "sandbox", "band", 0),
    *(
        Model(f"minimax/{slug}", name, "minimax", slug, nanos, is_listed=is_listed)
        for slug, name, nanos, is_listed in _MINIMAX
    ),
    *(
        Model(f"google/{slug}", name, "google-ai-studio", slug, nanos)
        for slug, name, nanos in _GOOGLE
    ),
    Model(
        "eleven-labs/music", "ElevenLabs Music", "elevenlabs", "music", None, ("elevenlabs/music",)
    ),
    *(
        Model(f"suno/{name}", f"Suno {name}", "suno", slug, 6 * _CENT, (f"suno/suno-{name}",))
        for name, slug in _SUNO
    ),
    # The example of the documentation, which the gateway's own catalogue does not have.
    Model("suno/v4.5plus", "Suno v4.5+", "suno", "V4_5PLUS", 6 * _CENT, is_listed=False),
)

_BY_ID = {name: model for model in MODELS for name in (model.id, *model.aliases)}

PROVIDERS = frozenset(
    [
        "suno",
        "elevenlabs",
        "minimax",
        "google-ai-studio",
        "google-vertex",
        "sandbox",
        "openai",
        "anthropic",
        "mistral",
        "groq",
        "fal",
        "replicate",
        "deepinfra",
        "together",
        "fireworks",
        "novita",
        "x-ai",
        "xai",
        "azure",
        "amazon-bedrock",
        "cohere",
        "deepseek",
        "baseten",
        "cerebras",
        "alibaba-cloud",
        "moonshot-ai",
    ]
)
"""Provider slugs that are known; a pinned model of another one is refused by name."""


def find(model: str) -> Model | None:
    """Return a model by its id or an alias; letter case matters, as at the gateway."""
    return _BY_ID.get(model)


def find_by_slug(provider: str, model: str) -> Model | None:
    """Return a model by a provider and either name of it, as ``/pricing/calculate`` asks."""
    for known in MODELS:
        names = (known.id, known.slug, *known.aliases)
        if provider in (known.provider, known.organisation) and model in names:
            return known
    return None


def entry(model: Model) -> dict[str, Any]:
    """Return a model as ``GET /models`` lists it."""
    modalities = {"input": ["text"], "output": ["music", "audio"]}
    is_active = model.status == "active"
    offer = {
        "provider": {"id": model.provider, "name": model.provider},
        "model": model.slug,
        "endpoints": [ENDPOINT],
        "modalities": modalities,
        "capabilities": {"endpoints": [ENDPOINT], "parameters": ["prompt", "duration", "format"]},
        "effective": {},
        "routing": {"status": model.status},
        "pricing": _pricing(model),
        "routable": is_active,
        "status": model.status,
        "status_reason": model.status,
    }
    return {
        "id": model.id,
        "base_model_id": model.id,
        "variant": "standard",
        "variants": {},
        "name": model.name,
        "description": f"{model.name}, played by the sandbox on this machine.",
        "aliases": list(model.aliases),
        "organization": {"id": model.organisation, "name": model.organisation},
        "availability": {
            "status": model.status,
            "provider_count": 1,
            "active_provider_count": int(is_active),
            "coming_soon_provider_count": int(not is_active),
            "inactive_provider_count": 0,
        },
        "capabilities": offer["capabilities"],
        "modalities": modalities,
        "limits": {"input_tokens": None, "output_tokens": None},
        "lifecycle": {
            "status": "active", "released_at": None, "deprecated_at": None, "retires_at": None,
            "replacement_id": None, "message": None,
        },
        "pricing": _pricing(model),
        "offers": [offer],
        "sandbox": True,
    }  # fmt: skip


def _pricing(model: Model) -> dict[str, Any]:
    meters = {} if model.nanos is None else {"requests": meter(model.nanos)}
    return {"pricing_plan": "standard", "meters": meters}


def meter(nanos: int) -> dict[str, Any]:
    """Return a price as the price lists show it."""
    return {
        "meter": "requests",
        "unit": "request",
        "unit_size": 1,
        "price_per_unit": usd(nanos),
        "currency": "USD",
        "conditions": [],
        "billing_timestamp_basis": "request_start",
        "time_windows": [],
    }


def usd(nanos: int) -> str:
    """Return an amount as text with nine decimals, without floating point."""
    return f"{nanos // 10**9}.{nanos % 10**9:09d}"


def short_usd(nanos: int) -> str:
    """Return an amount as text without trailing zeros: ``"0.06"``."""
    return usd(nanos).rstrip("0").rstrip(".")
