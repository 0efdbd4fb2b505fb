"""Requests of the Phaseo gateway, checked by its own rules before anything is sent.

Wire contract: ``POST /music/generate`` (``phaseoteam/Phaseo:apps/docs/v1/api-reference/endpoint/
music-generate.mdx`` and ``apps/api/src/core/schemas.ts``, which knows more fields than the page).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import ConfigDict

from ..errors import Issue
from ._base import WireModel, in_words, suggest
from ._checks import camel_case
from ._effects import ineffective
from ._json import size_bytes
from .options import (
    DebugOptions,
    ElevenLabsOptions,
    MiniMaxOptions,
    Options,
    ProviderRouting,
    SunoOptions,
    dropped_keys,
    worded,
)
from .rules import check_rules, provider_of
from .schema import ELEVENLABS, KNOWN_KEYS, MINIMAX, PASSED_RAW, SUNO, check_schema

MAX_BODY_BYTES = 16 * 2**20
_PARTS: dict[str, type[Options]] = {
    "suno": SunoOptions,
    "elevenlabs": ElevenLabsOptions,
    "minimax": MiniMaxOptions,
    "provider": ProviderRouting,
    "routing": ProviderRouting,
    "debug": DebugOptions,
}


class MusicRequest(WireModel):
    """A music request of the Phaseo gateway, already checked by the gateway's rules.

    Wire contract: ``POST /music/generate`` (Phaseo docs, "Generate music"). Keywords take
    snake_case or the wire's spelling; ``model_validate(body)`` takes a wire body as it is, and
    ``to_wire()`` gives it back. Unknown keys are refused where the gateway would drop them.

    Raises
    ------
    RequestRejected
        The request breaks a rule: ``field``, ``reason`` (the wire's word), ``value`` and
        ``expected`` tell which; ``issues`` has all of them.
    """

    model_config = ConfigDict(extra="forbid")

    model: str
    """Model id, such as ``"suno/v4.5"``; ``provider:model`` pins a provider."""
    prompt: str | None = None
    """What the music should be, in words."""
    duration: int | None = None
    """Length in whole seconds, where the provider lets you choose."""
    format: Literal["mp3", "wav", "ogg", "aac"] | None = None
    """Audio format, where the provider lets you choose."""
    provider: ProviderRouting | None = None
    """Which providers may serve the request."""
    routing: ProviderRouting | None = None
    """The same object under its newer name; it wins over ``provider``, key by key."""
    suno: SunoOptions | None = None
    """What only Suno understands."""
    elevenlabs: ElevenLabsOptions | None = None
    """What only ElevenLabs understands."""
    minimax: MiniMaxOptions | None = None
    """What only MiniMax understands."""
    lyrics: str | None = None
    """Read by MiniMax when ``minimax.lyrics`` is left out; the other providers never see it."""
    is_instrumental: bool | None = None
    """Read by MiniMax when ``minimax.is_instrumental`` is left out."""
    debug: DebugOptions | None = None
    """What the gateway should tell about its work."""
    echo_upstream_request: bool | None = None
    """The answer carries what was sent to the provider."""
    beta: dict[str, Any] | None = None
    """Switches of the gateway's trial features."""
    meta: bool | None = None
    """The answer carries how the request was routed (``meta.routing``)."""

    @property
    def provider_name(self) -> str | None:
        """Who makes the music, as far as the model's name tells."""
        return provider_of(self.model)

    def ineffective(self) -> list[str]:
        """Return the fields the provider is known to ignore, each with the reason.

        Such as ``"duration: suno decides the length itself"``. Fields of an unknown provider
        are not judged.
        """
        return ineffective(self._wire)

    @classmethod
    def _parts(cls) -> dict[str, type[WireModel]]:
        return dict(_PARTS)

    @classmethod
    def _issues(cls, wire: Any) -> Iterable[Issue]:
        if not isinstance(wire, dict):
            return [worded(issue) for issue in check_schema(wire)]
        issues = [*_too_large(wire), *map(worded, check_schema(wire)), *_unseen(wire)]
        if issues:
            return issues
        refusal = check_rules(wire)
        if refusal is None:
            return ()
        return [Issue(refusal.field, refusal.reason, refusal.value, refusal.expected)]


def _too_large(wire: dict[str, Any]) -> Iterator[Issue]:
    size = size_bytes(wire)
    if size > MAX_BODY_BYTES:
        mib = f"{size / 2**20:.1f} MiB"
        expected = f"The gateway takes bodies of up to 16 MiB; this one has {mib}."
        yield Issue("", "payload_too_large", mib, expected)


def _unseen(wire: dict[str, Any]) -> Iterator[Issue]:
    """Yield what the schema drops or never looks at, so that nobody would be told."""
    for name, check in PASSED_RAW.items():
        if name in wire:
            yield from map(in_words, check(wire[name], (name,)))
    for name in wire:
        if name not in KNOWN_KEYS:
            yield Issue(name, "unrecognized_keys", wire[name], _about_unknown(name))
    for name in ("provider", "routing", "debug"):
        yield from dropped_keys(wire.get(name), (name,))


def _about_unknown(name: str) -> str:
    homes = {"suno": SUNO, "elevenlabs": ELEVENLABS, "minimax": MINIMAX}
    inside = [home for home, part in homes.items() if {name, camel_case(name)} & set(part.fields)]
    hint = suggest(name, KNOWN_KEYS)
    if inside:
        hint = f" It is a field of {' and '.join(inside)}: {inside[0]}={{{name!r}: …}}."
    return f"The gateway knows no such field and would drop it silently.{hint}"
