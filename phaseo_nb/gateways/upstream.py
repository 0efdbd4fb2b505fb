"""What became of the attempts behind a 5xx of the Phaseo gateway.

Every refusal of a provider, and every fault on the way to it, reaches a client as one 502. Whether
something was created can only be read from what the gateway says about its attempts (``apps/api``,
``lib/gateway/execute/index.ts`` and ``guards.ts``):

- ``failed_statuses`` holds each distinct status once, and **only of attempts that got an answer**;
  an attempt that broke off leaves no status. So ``[400]`` alone is no proof when two were made.
- ``failure_sample`` shows the first three attempts with their ``type``: ``upstream_non_2xx`` was
  answered, ``blocked``, ``no_pricing`` and ``unsupported_executor`` were never sent, ``error`` and
  ``retryable_error`` broke off and may have created a job.
- With no attempt at all (every provider filtered out by the routing rules) none of these fields is
  there, and the description ends with "No per-attempt diagnostics were captured."
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from ..transport.messages import read_json
from .values import count, mapping, rows, said, status_code, text

SAMPLE_LIMIT = 3  # attempts the gateway shows at most
_NEVER_SENT = frozenset({"blocked", "no_pricing", "unsupported_executor"})
_UNTRIED = "no per-attempt diagnostics were captured"
_CUT = re.compile(r"(?:\.\.\.|…)\s*(?:\[truncated[^\]]*\]?)?\s*$")
_FIELD = re.compile(
    r'"(reason|msg|message|status_msg|detail|description|error|code)"\s*:\s*"((?:[^"\\]|\\.)*)("?)'
)
_MACHINE_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_.-][A-Za-z0-9]+)+")

Outcome = Literal["refused", "limited", "untried", "open"]


class Verdict(NamedTuple):
    """What the gateway says about its attempts."""

    outcome: Outcome
    """``open`` where a job may exist; the other three say that none does."""
    provider: str | None = None
    status: int | None = None
    reason: str | None = None
    """The provider's rule in the wire's own word, where there is one."""
    explanation: str | None = None
    """What the provider said in words."""


def judge(body: Mapping[str, Any], known_reasons: Iterable[str] = ()) -> Verdict:
    """Decide from the body of a 5xx whether every attempt was refused."""
    sample = rows(body.get("failure_sample"))
    outcomes = [_of_attempt(entry) for entry in sample] + _of_statuses(body)
    if not outcomes:
        return Verdict("untried") if _says_untried(body) else Verdict("open")
    attempts = count(body.get("attempt_count"))
    if attempts is not None and attempts > len(sample) >= SAMPLE_LIMIT:
        outcomes.append("open")  # an attempt that is not shown may have broken off
    if "open" in outcomes:
        return _described("open", sample, body, known_reasons)
    all_limited = all(outcome == "limited" for outcome in outcomes)
    return _described("limited" if all_limited else "refused", sample, body, known_reasons)


def _of_attempt(entry: Mapping[str, Any]) -> Outcome:
    status = status_code(entry.get("status"))
    if status is not None:
        return _of_status(status)
    return "refused" if _was_never_sent(entry) else "open"


def _was_never_sent(entry: Mapping[str, Any]) -> bool:
    kind = entry.get("type")  # a list would be no member of any set, and says so by raising
    return isinstance(kind, str) and kind in _NEVER_SENT


def _of_status(status: int) -> Outcome:
    if status == 429:
        return "limited"
    return "refused" if 400 <= status < 500 and status != 408 else "open"


def _of_statuses(body: Mapping[str, Any]) -> list[Outcome]:
    listed = body.get("failed_statuses")
    if isinstance(listed, list) and listed:
        codes = [status_code(item) for item in listed]
        return ["open" if code is None else _of_status(code) for code in codes]
    if (upstream := status_code(body.get("upstreamStatus"))) is not None:  # normalization_failed
        return [_of_status(upstream)]
    if body.get("error") == "provider_payment_required" and not body.get("failure_sample"):
        return ["refused"]
    return []


def _says_untried(body: Mapping[str, Any]) -> bool:
    if body.get("error") not in ("upstream_error", "all_candidates_failed"):
        return False
    if body.get("failed_providers") or body.get("attempt_count"):
        return False
    return _UNTRIED in (text(body.get("description")) or "").lower()


def _described(
    outcome: Outcome,
    sample: list[Mapping[str, Any]],
    body: Mapping[str, Any],
    known_reasons: Iterable[str],
) -> Verdict:
    # What is refused explains a refusal; what is open explains doubt.
    entry = next((entry for entry in sample if _of_attempt(entry) == outcome), None)
    entry = entry or (sample[0] if sample else {})
    reason, explanation = dig(entry.get("upstream_payload_preview"), known_reasons)
    upstream = mapping(body.get("upstream_error"))
    if explanation is None:
        explanation = said(entry.get("upstream_error_message")) or said(upstream.get("message"))
    if reason is None and explanation is None:
        reason = _machine_word(entry.get("upstream_error_code"), upstream.get("code"))
        if reason is None and _was_never_sent(entry):
            reason = str(entry["type"])
    failed = body.get("failed_providers")
    first = failed[0] if isinstance(failed, list) and failed else None
    first = first or body.get("provider_payment_required_provider")
    listed = body.get("failed_statuses")
    status = status_code(entry.get("status"))
    if status is None and isinstance(listed, list):
        status = next((code for code in map(status_code, listed) if code is not None), None)
    provider = said(entry.get("provider"), 60) or said(first, 60)
    return Verdict(outcome, provider, status, reason, explanation)


def _machine_word(*candidates: Any) -> str | None:
    for candidate in candidates:
        found = said(candidate, 80)
        if found and found != "validation_error" and not found.isdigit():
            return found
    return None


def dig(preview: Any, known_reasons: Iterable[str] = ()) -> tuple[str | None, str | None]:
    """Find the reason and the words inside ``upstream_payload_preview``.

    It is the provider's body as JSON text, cut at 320 characters; text that is not JSON is the
    explanation itself.
    """
    found = text(preview)
    if found is None:
        return None, None
    found = found[:4000]
    try:
        parsed = read_json(found)
    except (ValueError, RecursionError):
        return _dig_cut(found, list(known_reasons))
    if isinstance(parsed, str):
        return None, said(parsed)
    return _dig_fields(_flat(parsed))


def _flat(parsed: Any) -> dict[str, Any]:
    """Bring the usual places of an error into one object, the outermost winning."""
    outer = dict(mapping(parsed[0] if isinstance(parsed, list) and parsed else parsed))
    fields: dict[str, Any] = {}
    for place in (outer, *(mapping(outer.get(k)) for k in ("error", "detail", "base_resp"))):
        for key, value in place.items():
            if isinstance(value, str) and value.strip():
                fields.setdefault(key, value)
    return fields


def _dig_fields(fields: Mapping[str, Any]) -> tuple[str | None, str | None]:
    reason = said(fields.get("reason"), 120)
    words = ("message", "msg", "status_msg", "errorMessage", "detail", "description")
    explanation = next((line for key in words if (line := said(fields.get(key)))), None)
    code = said(fields.get("error"), 120) or said(fields.get("code"), 120)
    if reason is None and code and code != "validation_error":
        if _MACHINE_WORD.fullmatch(code):
            reason = code
        else:
            explanation = explanation or code
    return reason, explanation


def _dig_cut(preview: str, known_reasons: list[str]) -> tuple[str | None, str | None]:
    body = _CUT.sub("", preview)
    if body.lstrip()[:1] not in ("{", "["):
        return None, None if "<" in body[:20] else said(body)
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(body):
        name, value, closed = match.groups()
        value = _unescaped(value)
        if name == "reason" and not closed:
            value = _completed(value, known_reasons)
        if value.strip():
            fields.setdefault(name, value)
    return _dig_fields(fields)


def _unescaped(value: str) -> str:
    try:
        return str(json.loads(f'"{value}"', strict=False))
    except ValueError:
        return value


def _completed(start: str, known_reasons: list[str]) -> str:
    """Complete a reason that the cut went through, where only one is meant."""
    meant = [reason for reason in known_reasons if reason.startswith(start)]
    return meant[0] if len(meant) == 1 and len(start) >= 8 else start
