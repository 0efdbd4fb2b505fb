"""The gateway's request schema, with its own codes and wording.

One source of truth for :class:`~phaseo_nb.MusicRequest` and for the sandbox. Wire contract:
``MusicGenerateSchema`` of the gateway (``phaseoteam/Phaseo:apps/api/src/core/schemas.ts``) and
the page ``apps/docs/v1/api-reference/endpoint/music-generate.mdx``; codes and messages are those
of zod 4. Unknown top-level keys are dropped there, so they are not an issue here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._checks import (
    Check,
    ObjectCheck,
    SchemaIssue,
    any_number,
    anything,
    array,
    boolean,
    dotted,
    either,
    literal,
    nullable,
    one_of,
    positive_integer,
    record,
    text,
    twins,
    url,
    weight,
)

__all__ = ["SchemaIssue", "check_schema", "describe"]


def check_schema(body: Any) -> list[SchemaIssue]:
    """Return what the gateway's schema refuses in a decoded JSON body, in its order.

    Parameters
    ----------
    body
        Any JSON value. An empty list as the answer means that the schema accepts it.
    """
    return list(_BODY(body, ()))


def describe(issue: SchemaIssue) -> str:
    """Return the sentence the gateway puts into ``description``."""
    where = dotted(issue.path)
    return f"{issue.message} at {where}" if where else issue.message


_PRICE = ObjectCheck(
    dict.fromkeys(("prompt", "completion", "image", "audio", "request"), either(any_number, text()))
)
_AMOUNT = either(any_number, record(any_number))
_FLAG = nullable(boolean)
_TEXTS = array(text())
ROUTING = ObjectCheck(
    twins(
        {
            "mode": nullable(text()),
            "order": _TEXTS,
            "only": _TEXTS,
            "ignore": _TEXTS,
            "include_alpha": boolean,
            "allow_fallbacks": _FLAG,
            "require_parameters": _FLAG,
            "required_execution_region": nullable(text()),
            "required_data_region": nullable(text()),
            "require_zero_data_retention": _FLAG,
            "data_collection": nullable(one_of("allow", "deny")),
            "zdr": _FLAG,
            "enforce_distillable_text": _FLAG,
            "quantizations": nullable(_TEXTS),
            "sort": nullable(either(text(), record(anything))),
            "max_price": _PRICE,
            "preferred_min_throughput": _AMOUNT,
            "preferred_max_latency": _AMOUNT,
            "diagnostics": _FLAG,
            "return_diagnostics": _FLAG,
        }
    )
)
SUNO = ObjectCheck(
    {
        **dict.fromkeys(("prompt", "style", "title"), text()),
        **dict.fromkeys(("customMode", "instrumental"), boolean),
        **dict.fromkeys(("personaId", "personaModel", "model", "negativeTags"), text()),
        "vocalGender": one_of("m", "f"),
        **dict.fromkeys(("styleWeight", "weirdnessConstraint", "audioWeight"), weight),
        "callBackUrl": url,
    }
)
ELEVENLABS = ObjectCheck(
    {
        "prompt": text(),
        "composition_plan": anything,
        "music_length_ms": positive_integer,
        "model_id": text(),
        "force_instrumental": boolean,
        "store_for_inpainting": boolean,
        "with_timestamps": boolean,
        "sign_with_c2pa": boolean,
        "output_format": text(),
    }
)
AUDIO_SETTING = ObjectCheck(
    {
        "sample_rate": literal(16_000, 24_000, 32_000, 44_100),
        "bitrate": literal(32_000, 64_000, 128_000, 256_000),
        "format": one_of("mp3", "wav", "pcm"),
    },
    strict=True,
)
MINIMAX = ObjectCheck(
    {
        "prompt": text(at_most=2000),
        "lyrics": text(at_most=3500),
        "stream": boolean,
        "output_format": one_of("url", "hex"),
        "lyrics_optimizer": boolean,
        "is_instrumental": boolean,
        "audio_url": url,
        "audio_base64": text(at_least=1),
        "cover_feature_id": text(at_least=1),
        "audio_setting": AUDIO_SETTING,
    },
    strict=True,
)
DEBUG = ObjectCheck(
    {
        "enabled": boolean,
        "echo_upstream_body": boolean,
        **twins({"return_upstream_request": boolean, "return_upstream_response": boolean}),
        "trace": boolean,
        **twins({"trace_level": one_of("summary", "full")}),
    }
)
BETA = ObjectCheck(
    {
        **twins({"openai_websocket_mode": boolean}),
        "openai": ObjectCheck(twins({"websocket_mode": boolean})),
    }
)
_BODY = ObjectCheck(
    {
        "model": text(at_least=1),
        "prompt": text(),
        "duration": positive_integer,
        "format": one_of("mp3", "wav", "ogg", "aac"),
        "provider": ROUTING,
        "routing": ROUTING,
        "suno": SUNO,
        "elevenlabs": ELEVENLABS,
        "minimax": MINIMAX,
        "echo_upstream_request": boolean,
        "debug": DEBUG,
        "beta": BETA,
    },
    required=("model",),
)
PASSED_RAW: Mapping[str, Check] = {"lyrics": text(), "is_instrumental": boolean, "meta": boolean}
"""Top-level keys outside the schema that the gateway reads from the raw body all the same."""
KNOWN_KEYS = frozenset({*_BODY.fields, *PASSED_RAW})
PRICE_KEYS = frozenset(_PRICE.fields)
