"""Models and prices of both services as they stood on :data:`AS_OF`, for when nobody answers.

Sources: the pricing cards and the model catalogue in the public repository ``phaseoteam/Phaseo``
(``apps/api`` 1.2.1); the public pages of udioapi.pro. A live list always wins over this one.
"""

from __future__ import annotations

from ..jobs import Cost
from .base import ModelInfo

AS_OF = "2026-08-31"
"""The day this list was last compared with its sources."""

UNKNOWN = Cost()
FREE = Cost(usd=0.0, is_estimate=True)


def _usd(amount: float) -> Cost:
    return Cost(usd=amount, is_estimate=True)


def _listed(
    model: str, provider: str, name: str, price: Cost = UNKNOWN, note: str | None = None
) -> ModelInfo:
    return ModelInfo(id=model, provider=provider, name=name, price=price, note=note)


_NOT_ROUTABLE = "listed as coming soon: the gateway does not route to it yet"
_NO_CARD = "no price card: the gateway would answer pricing_not_configured"

PHASEO: tuple[ModelInfo, ...] = (
    _listed("minimax/music-3.0", "minimax", "MiniMax Music 3.0", _usd(0.15), "up to 5 min"),
    _listed("minimax/music-2.6", "minimax", "MiniMax Music 2.6", _usd(0.15), "up to 5 min"),
    _listed(
        "minimax/music-2.6-free", "minimax", "MiniMax Music 2.6 free", FREE, "retired 2026-08-20"
    ),
    _listed("google/lyria-3-clip-preview", "google", "Lyria 3 Clip", _usd(0.04), "30 s clips"),
    _listed("google/lyria-3-pro-preview", "google", "Lyria 3 Pro", _usd(0.08)),
    _listed("eleven-labs/music", "elevenlabs", "ElevenLabs Music", UNKNOWN, _NO_CARD),
    _listed("suno/v5", "suno", "Suno v5", _usd(0.06), _NOT_ROUTABLE),
    _listed("suno/v4.5-all", "suno", "Suno v4.5-all", _usd(0.06), _NOT_ROUTABLE),
    _listed("suno/v4.5+", "suno", "Suno v4.5+", _usd(0.06), _NOT_ROUTABLE),
    _listed("suno/v4.5", "suno", "Suno v4.5", _usd(0.06), _NOT_ROUTABLE),
    _listed("suno/v4", "suno", "Suno v4", _usd(0.06), _NOT_ROUTABLE),
    _listed("sandbox/band", "sandbox", "Sandbox band", FREE, "made on this machine, no AI"),
)

_ALIASES = {
    "elevenlabs/music": "eleven-labs/music",
    "suno/v4.5plus": "suno/v4.5+",  # the example of the documentation; no catalogue id
    **{f"suno/suno-{v}": f"suno/{v}" for v in ("v4", "v4.5", "v4.5+", "v4.5-all", "v5")},
}

# The one figure known: a client saw about 10 credits go for one chirp-v4-5 job; the service's
# own page "Credit Consumption by Model" was not to be found.
_SEEN = Cost(credits=10.0, is_estimate=True)
_SEEN_NOTE = "credits as one user observed them, not from the service"

UDIO: tuple[ModelInfo, ...] = (
    _listed("chirp-v5-5", "suno", "chirp v5.5"),
    _listed("chirp-v5", "suno", "chirp v5"),
    _listed("chirp-v4-5-plus", "suno", "chirp v4.5+"),
    _listed("chirp-v4-5", "suno", "chirp v4.5", _SEEN, _SEEN_NOTE),
    _listed("chirp-v4-0", "suno", "chirp v4.0"),
    _listed("chirp-v3-5", "suno", "chirp v3.5", note="the default of an older page"),
    _listed("chirp-v3.5", "suno", "chirp v3.5 (old spelling)", note="oldest form of the service"),
    _listed("chirp-v3.0", "suno", "chirp v3.0 (old spelling)", note="oldest form of the service"),
    _listed("udio-130", "udio", "Udio 130", note="oldest form of the service; clips of 2:10"),
    _listed("udio-32", "udio", "Udio 32", note="oldest form of the service; clips of 32 s"),
)

_BY_WIRE = {"phaseo": PHASEO, "udio": UDIO}


def built_in(wire: str) -> list[ModelInfo]:
    """Return the built-in list of ``"phaseo"`` or ``"udio"``, newest models first."""
    return list(_BY_WIRE[wire])


def find(wire: str, model: str | None) -> ModelInfo | None:
    """Return what the built-in list knows of a model, by its id, an alias or a pinned form."""
    if not isinstance(model, str):
        return None
    name = unpinned(model.strip())
    wanted = _ALIASES.get(name, name)
    return next((info for info in _BY_WIRE[wire] if info.id == wanted), None)


def unpinned(model: str) -> str:
    """Drop a provider pin: ``"minimax:minimax/music-2.6"`` asks one provider for that model."""
    pin, colon, rest = model.partition(":")
    return rest if colon and rest and "/" not in pin else model


def price_of(wire: str, model: str | None) -> Cost:
    """Return the built-in price of one request; unknown for a model that is not listed."""
    info = find(wire, model)
    return info.price if info else UNKNOWN
