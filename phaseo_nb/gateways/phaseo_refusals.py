"""The Phaseo gateway's refusals in words: what each reason means and what to do about it.

Wire contract: the error envelopes of ``POST`` and ``GET /music/generate`` (``apps/api`` 1.2.1).
The documentation promises ``400 validation_error`` with a reason; really a provider's rule comes
as 502 with the reason as JSON text inside ``failure_sample[0].upstream_payload_preview``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import (
    GatewayError,
    GatewayUnavailable,
    Issue,
    PhaseoError,
    ProviderRefused,
    RateLimited,
)
from ..jobs import Cost
from ..transport.messages import Answer
from . import upstream
from .refusals import (
    SANDBOX_HINT,
    Said,
    class_of_question,
    class_of_submission,
    doubt,
    joined,
    not_found,
    place_of,
    read_error,
    refusal,
    wait_asked_for,
)
from .values import identifier, mapping, number, rows, said, status_code, text

KEY_PAGE = "https://phaseo.app"

KEY_ADVICE = {
    "missing_or_invalid_authorization_header": (
        "No key arrived. Set PHASEO_API_KEY, or pass it with `nb.connect(api_key=…)`."
    ),
    "invalid_key_format": (
        "A key is `phaseo_v1_sk_`, its id, `_` and its secret. Copy the whole of it, without "
        "quotes or blanks."
    ),
    "management_key_not_valid_for_gateway": (
        "This is a management key (`_mk_`). Make an API key (`_sk_`) and use that one."
    ),
    "key_not_found_or_revoked": f"The key was revoked or never existed. Make one at {KEY_PAGE}.",
    "key_soft_blocked": f"The key is paused. Switch it on again at {KEY_PAGE}, or use another.",
    "key_expired": f"The key is past its date. Make a new one at {KEY_PAGE}.",
    "invalid_secret": "The last part of the key is wrong. Copy the whole key once more.",
    "legacy_key_prefix_retired": (
        "Keys that begin with `aistats_v1_sk_` are no longer accepted. Make a new one, which "
        f"begins with `phaseo_v1_sk_`, at {KEY_PAGE}."
    ),
    "oauth_delegated_key_required": (
        f"This account lets apps in by OAuth only. Make an API key for yourself at {KEY_PAGE}."
    ),
}

REASON_ADVICE = {
    "prompt_required_when_custom_mode_disabled": (
        "Suno needs a prompt here. Give one, and leave an empty `suno.prompt` out: it hides the "
        "prompt at the top."
    ),
    "style_and_title_required_when_custom_mode_enabled": (
        "Suno's custom mode needs both: give `style` and `title`."
    ),
    "prompt_required_for_lyric_mode_when_custom_mode_enabled": (
        "Suno sings the prompt here: give `lyrics`, or `instrumental=True`."
    ),
    "lyrics_required_for_non_instrumental_minimax_music": (
        "MiniMax sings only what it is given: give `lyrics`, or `instrumental=True`."
    ),
    "invalid_minimax_music_prompt": "MiniMax takes a prompt of 1 to 2000 characters.",
    "invalid_minimax_music_cover_request": (
        "A cover needs exactly one of `audio_url`, `audio_base64` and `cover_feature_id`, and a "
        "prompt of 10 to 300 characters."
    ),
    "minimax_music_streaming_not_supported_by_gateway": "Leave `minimax.stream` out.",
    "unsupported_minimax_music_audio_format": 'MiniMax makes mp3 and wav: `format="mp3"`.',
    "missing_prompt_or_input": "Lyria needs a prompt.",
    "no_enabled_providers": (
        "No provider is switched on for this model. "
        "`await nb.MusicClient().models()` lists what there is."
    ),
    "no_provider_pricing": (
        "The gateway has no price for this model yet. "
        "`await nb.MusicClient().models()` lists others."
    ),
    "blocked": "The gateway has paused this provider after recent errors. Try later or elsewhere.",
    "no_pricing": "The gateway has no price for this model at that provider. Choose another.",
    "unsupported_executor": "The gateway cannot make music at that provider yet. Choose another.",
}

ERROR_ADVICE = {
    "model_required": 'Name a model, such as `model="minimax/music-3.0"`.',
    "unsupported_model_or_endpoint": (
        "The gateway makes no music with this model. "
        "`await nb.MusicClient().models()` lists what there is."
    ),
    "pricing_not_configured": REASON_ADVICE["no_provider_pricing"],
    "payload_too_large": "A request may have 16 MiB. Send a URL in place of the audio itself.",
    "invalid_json": "The body did not arrive as JSON. Something between here and there changed it.",
    "guardrail_blocked": (
        "A guardrail of this key forbids it (a daily limit, or a list of models). Whoever "
        "manages the key can change that; another model may be allowed."
    ),
    "model_region_unavailable": "This model is not offered where you are. Choose another model.",
    "key_limit_exceeded": (
        "The key has used up its own limit, and the gateway does not say when that starts anew. "
        f"Raise the limit at {KEY_PAGE} or use another key; waiting alone may not help."
    ),
}

PROVIDER_ADVICE = {
    401: "The provider does not accept the gateway's account; your own key is fine.",
    402: "The gateway's account at the provider is empty; your own account is fine.",
    403: "The provider does not let the gateway's account do this; your own key is fine.",
    404: "The provider does not offer this model there.",
}
_LATER = "Try another model or provider now, or this one later."
_ELSEWHERE = (
    "Change the request as the reason says, or send it elsewhere with another model or "
    '`provider={"only": […]}`.'
)


def submission_error(answer: Answer, request: Any, price: Cost | None) -> PhaseoError:
    """Return the error for an answer to ``POST /music/generate`` that brought no job."""
    body = mapping(answer.data)
    facts = read(answer, body)
    if 200 <= facts.status < 300:
        what = "The gateway accepted the request and gave no id to ask for."
        return doubt(facts, what, request=request, price=price)
    if facts.status >= 500 and facts.status != 501:
        return _of_attempts(facts, body, request, price)
    kind = class_of_submission(facts.status)
    if kind is not None:
        return refusal(kind, facts, advice(facts, body), issues=_issues(body, request))
    if 300 <= facts.status < 400:
        # A 303 follows work that is done, so a redirect of a paid request proves nothing.
        what = "A redirect of a paid request is never followed; check the base URL."
    else:
        what = "This does not say whether a job was created."
    return doubt(facts, what, request=request, price=price)


def status_error(answer: Answer, job_id: str) -> PhaseoError:
    """Return the error for an answer to ``GET /music/generate/{id}`` that is no job.

    What a provider answers to the gateway's own question is passed on raw there, so a 401 or 402
    without the gateway's envelope is about the gateway's account, not about the user's key.
    """
    body = mapping(answer.data)
    facts = read(answer, body)
    if facts.status == 404:
        return not_found(facts, job_id)
    if facts.status in (401, 402, 403) and not _is_envelope(body) and body:
        hint = PROVIDER_ADVICE[facts.status]
        return refusal(ProviderRefused, facts, joined(hint, "The job may go on; ask again later."))
    kind = class_of_question(facts.status)
    return refusal(kind, facts, _question_advice(kind, facts, body))


def read(answer: Answer, body: Mapping[str, Any]) -> Said:
    """Read both envelopes (POST's and GET's), and a provider's body passed on raw."""
    error, reason, description = read_error(body)
    status = answer.status_code
    inside = status_code(body.get("status_code"))
    if 200 <= status < 300 and inside and inside >= 400 and error and not body.get("id"):
        status = inside  # a refusal in the dress of a success
    if status == 401 and reason is None and description:
        word = description.split()[0].strip(".:,") if description.split() else ""
        reason = next((known for known in KEY_ADVICE if known in description), None) or (
            word if "_" in word else None
        )
    ids = (body.get("requestId"), body.get("request_id"), body.get("generation_id"))
    request_id = next((found for i in ids if (found := said(identifier(i), 80))), None)
    return Said(
        status,
        error=error,
        reason=reason,
        description=description or _plain(answer),
        retry_after=wait_asked_for(answer, body),
        request_id=None if request_id == "unknown" else request_id,
        place=place_of(answer, "/music/"),
        http_status=answer.status_code if status != answer.status_code else None,
    )


def _plain(answer: Answer) -> str | None:
    """Return the words of a plain text; a page of HTML says nothing worth showing."""
    kind = answer.headers.get("content-type", "")
    words = answer.text.lstrip()
    return said(words, 120) if "text/plain" in kind and not words.startswith(("<", "{")) else None


def _is_envelope(body: Mapping[str, Any]) -> bool:
    return text(body.get("error")) is not None


def advice(facts: Said, body: Mapping[str, Any]) -> str:
    """Return what the service said and what to do next, for a refused submission."""
    known = (
        KEY_ADVICE.get(facts.reason or "")
        or REASON_ADVICE.get(facts.reason or "")
        or ERROR_ADVICE.get(facts.error or "")
    )
    told = _details(body) or facts.description or "The gateway gave no reason"
    if told == facts.reason:
        told = ""
    if facts.status == 501:
        off = "Music routes are switched off on this gateway at the moment."
        return joined(off, SANDBOX_HINT)
    if facts.status == 402:
        least = number(body.get("min_usd"))
        line = f" (at least ${least:g})" if least else ""
        return joined(told, f"Top up the account{line} at {KEY_PAGE}. Nothing was created")
    if facts.status == 429:
        return joined(told, known or _wait(facts), "Nothing was created")
    if facts.status in (401, 403):
        return joined(told, known or f"Check the key, or make a new one at {KEY_PAGE}.")
    if facts.status == 404 and not facts.error:
        return joined("There is no such route here; check the base URL", "Nothing was created")
    return joined(told, "Nothing was created", known or "Change what it names and run it again.")


def _wait(facts: Said) -> str:
    if facts.retry_after is None:
        return "Wait a minute before the next request."
    return f"The gateway asks to wait {facts.retry_after:.0f} s."


def _question_advice(kind: type[GatewayError], facts: Said, body: Mapping[str, Any]) -> str:
    if kind is GatewayUnavailable:
        told = facts.description or ""
        if 200 <= facts.status < 300:
            told = "The answer cannot be read as a job"
        elif facts.error == "not_ready":
            told = "The job is not ready yet"
        return joined(told, "The job goes on; ask again later.")
    if kind is RateLimited:
        told = facts.description or ""
        return joined(told, _wait(facts), "The job goes on.")
    return advice(facts, body).replace("Nothing was created.", "The job may go on.")


def _of_attempts(
    facts: Said, body: Mapping[str, Any], request: Any, price: Cost | None
) -> PhaseoError:
    verdict = upstream.judge(body, REASON_ADVICE)
    who = f"provider {verdict.provider}" if verdict.provider else "the provider"
    if verdict.outcome == "open":
        what = "This does not say whether a job was created"
        told = verdict.explanation or verdict.reason or facts.description
        return doubt(facts, joined(what, f"{told}" if told else ""), request=request, price=price)
    dug = Said(
        facts.status,
        error=facts.error,
        reason=verdict.reason or facts.reason,
        description=verdict.explanation or facts.description,
        retry_after=facts.retry_after,
        request_id=facts.request_id,
        place=facts.place,
        http_status=facts.http_status,
    )
    if verdict.outcome == "untried":
        return refusal(
            ProviderRefused,
            dug,
            "No provider was tried: none is left by the routing rules of the request and the "
            "account. Nothing was created. Loosen `provider=` (only, ignore, regions, zdr, "
            "max_price), or choose another model.",
        )
    if verdict.outcome == "limited":
        line = f"{_capital(who)} has too many requests to do (429). Nothing was created"
        return refusal(RateLimited, dug, joined(line, _wait(dug)))
    line = f"{_capital(who)} refused the request"
    if verdict.status:
        line += f" ({verdict.status})"
    told = verdict.explanation or verdict.reason or "the gateway gave no reason"
    known = REASON_ADVICE.get(verdict.reason or "") or PROVIDER_ADVICE.get(verdict.status or 0, "")
    known = joined(known, _LATER) if verdict.status in PROVIDER_ADVICE else known or _ELSEWHERE
    return refusal(ProviderRefused, dug, joined(f"{line}: {told}", "Nothing was created", known))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _details(body: Mapping[str, Any]) -> str | None:
    lines = [
        f"{_path(row) or 'the body'}: {message}"
        for row in rows(body.get("details"))
        if (message := said(row.get("message"), 160))
    ]
    more = f"; and {len(lines) - 5} more" if len(lines) > 5 else ""
    return "; ".join(lines[:5]) + more if lines else None


def _path(row: Mapping[str, Any]) -> str:
    path = row.get("path")
    parts = path if isinstance(path, list) else []
    return said(".".join(str(part) for part in parts if isinstance(part, (str, int))), 80) or ""


def _issues(body: Mapping[str, Any], request: Any) -> list[Issue]:
    """Turn the schema's ``details`` into issues, with the value that was sent."""
    found = rows(body.get("details"))[:50]
    sent = request.to_wire() if found and hasattr(request, "to_wire") else None
    return [
        Issue(
            field=_path(row),
            reason=said(row.get("keyword"), 80) or "invalid",
            value=_at(sent, row.get("path")),
            expected=said(row.get("message")) or "",
        )
        for row in found
    ]


def _at(sent: Any, path: Any) -> Any:
    """Follow a path of keys and places; ``None`` where it leads nowhere."""
    try:
        for part in path if isinstance(path, list) else [None]:
            sent = sent[part]
    except (LookupError, TypeError):
        return None
    return sent
