"""Who may pass: the gateway's checks of a POST, in its own order.

Switched off → key → body → schema → provider slug → model → account → catalogue → routing →
provider's rules. Wire contract: ``apps/api/src/pipeline/before`` of ``phaseoteam/Phaseo``; schema
and rules themselves are those of :mod:`phaseo_nb.requests`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from ...requests.rules import Refusal, check_rules
from ...requests.schema import SchemaIssue, check_schema
from .. import catalogue
from ..catalogue import Model
from ..service import Service
from ..wire import BodyTooLarge, NotJSON, read_json
from . import envelopes

_KEY = re.compile(r"(phaseo|aistats)_v1_(sk|mk)_([A-Za-z0-9]{6,64})_(\S+)", re.ASCII)
_LEGACY_UNTIL = datetime(2027, 1, 1, tzinfo=timezone.utc)
_KEY_STATES = frozenset(
    [
        "key_not_found_or_revoked",
        "key_soft_blocked",
        "key_expired",
        "invalid_secret",
        "legacy_key_prefix_retired",
        "oauth_delegated_key_required",
    ]
)


class Admitted(NamedTuple):
    """A request that has passed every check but the provider's own."""

    body: dict[str, Any]
    model: Model
    name: str
    """The model as asked for, without blanks and pin."""
    refusal: Refusal | None
    """What the provider would refuse."""


def key_problem(request: Request, service: Service) -> str | None:
    """Return why the bearer key is not accepted, in the gateway's word; ``None`` for a good one.

    Every well-formed key is good: the sandbox has no accounts.
    """
    header = request.headers.get("authorization", "")
    key = header.removeprefix("Bearer ").strip()
    if not header.startswith("Bearer ") or not key:  # the word in this letter case only
        return "missing_or_invalid_authorization_header"
    if "_mk_" in key[:16]:
        return "management_key_not_valid_for_gateway"
    match = _KEY.fullmatch(key)
    if match is None:
        return "invalid_key_format"
    if match.group(1) == "aistats" and service.clock.wall() >= _LEGACY_UNTIL:
        return "legacy_key_prefix_retired"
    return service.state if service.state in _KEY_STATES else None


async def admit(request: Request, service: Service, request_id: str) -> Admitted | Response:
    """Return the request if it may go on to its provider, else the gateway's refusal."""
    problem = key_problem(request, service)
    if problem is not None:
        return envelopes.post_error(request_id, "unauthorised", reason=problem)
    try:
        body = await read_json(request)
    except BodyTooLarge:
        return envelopes.post_error(request_id, "payload_too_large")
    except NotJSON:
        return envelopes.post_error(request_id, "invalid_json")
    issues = check_schema(body)
    if issues:
        details = [_detail(issue) for issue in issues]
        return envelopes.post_error(request_id, "validation_error", details=details)
    return _after_schema(body, service, request_id)


def _after_schema(body: dict[str, Any], service: Service, request_id: str) -> Admitted | Response:
    refusal = check_rules(body)
    if refusal is not None and refusal.field == "model":
        return _model_refused(refusal, request_id)
    pin, name = _split(body["model"])
    if pin is not None and pin not in catalogue.PROVIDERS:
        message = (
            f'Unknown provider slug "{pin}" in provider-qualified model "{pin}:{name}". Use a '
            "provider slug returned by Phaseo's provider catalogue."
        )
        return _about_model(request_id, "unknown_provider_slug", message)
    refused = account_problem(service.state, request_id)
    if refused is not None:
        return refused
    model = catalogue.find(name)
    if model is None:
        return envelopes.post_error(request_id, "unsupported_model_or_endpoint")
    routed = _routing(body, model, pin, name, refusal, request_id)
    if routed is not None:
        return routed
    for reason in ("no_enabled_providers", "pricing_not_configured"):
        if service.state == reason and model.provider != "sandbox":
            return envelopes.post_error(request_id, "unsupported_model_or_endpoint", reason=reason)
    return Admitted(body, model, name, refusal)


def account_problem(state: str, request_id: str) -> Response | None:
    """Return the refusal that the account as a whole is in for."""
    if state == "key_limit_exceeded":
        return envelopes.post_error(request_id, state, reason="key_limit_exceeded")
    if state == "insufficient_funds":
        return envelopes.post_error(request_id, state, reason="insufficient_funds", min_usd=1)
    if state == "guardrail_blocked":
        said = "No provider routes satisfy the account or workspace data-handling policy"
        kind = "data_handling_policy_no_routes"
        return envelopes.post_error(request_id, state, reason=kind, description=said, kind=kind)
    if state == "gateway_error":
        return envelopes.post_error(request_id, state, reason="gateway_context_failed")
    return None


def _model_refused(refusal: Refusal, request_id: str) -> Response:
    if refusal.reason == "model_required":
        return envelopes.post_error(request_id, "model_required")
    return _about_model(request_id, refusal.reason, refusal.message)


def _about_model(request_id: str, kind: str, message: str) -> Response:
    details = [{"message": message, "path": ["model"], "keyword": kind, "params": {}}]
    return envelopes.post_error(
        request_id, "validation_error", description=message, details=details, kind=kind
    )


def _routing(
    body: Mapping[str, Any],
    model: Model,
    pin: str | None,
    name: str,
    refusal: Refusal | None,
    request_id: str,
) -> Response | None:
    if refusal is not None and refusal.status == 400:
        detail = {
            "message": refusal.message,
            "path": refusal.field.split("."),
            "keyword": refusal.reason,
            "params": {},
        }
        return envelopes.post_error(request_id, "validation_error", details=[detail])
    if pin is not None and pin != model.provider:
        message = f'Provider-qualified model "{pin}:{name}" is not available for this endpoint'
        return _about_model(request_id, "qualified_provider_unavailable", message)
    hints = [body.get(source) or {} for source in ("provider", "routing")]
    if any(_excludes(hint, model.provider) for hint in hints):
        if pin is not None:
            message = f'Provider-qualified model "{pin}:{name}" conflicts with provider.only'
            return _about_model(request_id, "provider_qualified_model_conflict", message)
        return _no_match(request_id)
    if model.provider != "sandbox" and any(map(_wants_residency, hints)):
        return envelopes.no_candidate_left(request_id, name)
    return None


def _no_match(request_id: str) -> Response:
    kind = "request_provider_filter_no_match"
    message = "The request provider filters did not match any available routes"
    details = [{"message": message, "path": ["provider"], "keyword": kind, "params": {}}]
    return envelopes.post_error(
        request_id, "validation_error", description=message, details=details, kind=kind
    )


def _excludes(hint: Mapping[str, Any], provider: str) -> bool:
    only, ignored, order = (_slugs(hint.get(word)) for word in ("only", "ignore", "order"))
    strict = hint.get("allow_fallbacks", hint.get("allowFallbacks")) is False
    return bool(
        (only and provider not in only)
        or provider in ignored
        or (strict and order and provider not in order)
    )


def _slugs(value: Any) -> set[str]:
    return {slug.strip().lower() for slug in value or () if isinstance(slug, str) and slug.strip()}


_RESIDENCY = [
    "required_execution_region",
    "requiredExecutionRegion",
    "required_data_region",
    "requiredDataRegion",
    "require_zero_data_retention",
    "requireZeroDataRetention",
    "zdr",
]


def _wants_residency(hint: Mapping[str, Any]) -> bool:
    """Whether routing asks for what no music provider is known to give: a region, no retention."""
    return any(hint.get(word) not in (None, False, "") for word in _RESIDENCY)


def _split(model: str) -> tuple[str | None, str]:
    """Split a checked model name into its pin and its id."""
    name = model.strip()
    pin, colon, rest = name.partition(":")
    return (pin.strip().lower(), rest.strip()) if colon and "/" not in pin else (None, name)


def _detail(issue: SchemaIssue) -> dict[str, Any]:
    path = list(issue.path)
    return {"message": issue.message, "path": path, "keyword": issue.code, "params": {}}
