"""What a Phaseo answer says it counted and billed.

Wire contract: ``usage.pricing_breakdown``, ``cost_nanos``, ``cost_cents`` and ``pricing_lines`` of
``POST /music/generate``, and ``pricing`` of ``POST /pricing/calculate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..jobs import Cost, CostLine, Usage, seconds_or_none
from .values import count, mapping, number, rows, text

_MOST_LINES = 100


def read_usage(body: Mapping[str, Any]) -> Usage:
    """Read what the service counted, from either kind of answer."""
    usage = mapping(body.get("usage"))
    inner = mapping(mapping(body.get("result")).get("usage"))
    seconds = seconds_or_none(usage.get("output_audio_seconds"))
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        total_tokens=count(usage.get("total_tokens")),
        audio_count=count(usage.get("output_audio_count")),
        audio_seconds=seconds or seconds_or_none(inner.get("output_audio_seconds")),
    )


def read_cost(body: Mapping[str, Any]) -> Cost:
    """Read what was billed; a status answer says nothing about it."""
    usd = breakdown_usd(mapping(mapping(body.get("usage")).get("pricing_breakdown")))
    if usd is None and _in_dollars(body):
        usd = _scaled(body.get("cost_nanos"), 1e9)
        usd = _scaled(body.get("cost_cents"), 1e2) if usd is None else usd
        usd = _lines_usd(body.get("pricing_lines")) if usd is None else usd
    breakdown = mapping(mapping(body.get("usage")).get("pricing_breakdown"))
    lines = _lines(breakdown.get("lines")) or _lines(body.get("pricing_lines"))
    return Cost(usd=usd, lines=lines if usd is not None else ())


def _lines(value: Any) -> tuple[CostLine, ...]:
    """Read the lines of a bill; a service that lists thousands of them is not believed."""
    return tuple(
        CostLine(
            meter=text(line.get("dimension")) or text(line.get("meter")) or "unnamed",
            quantity=number(line.get("quantity")),
            unit_usd=number(line.get("unit_price_usd")),
            usd=_line_usd(line),
        )
        for line in rows(value)[:_MOST_LINES]
    )


def _line_usd(line: Mapping[str, Any]) -> float | None:
    usd = _scaled(line.get("line_nanos"), 1e9)
    return number(line.get("line_cost_usd")) if usd is None else usd


def breakdown_usd(breakdown: Mapping[str, Any]) -> float | None:
    """Read a ``pricing_breakdown`` (or ``pricing``): the finest figure that is there."""
    if not _in_dollars(breakdown):
        return None
    usd = _scaled(breakdown.get("total_nanos"), 1e9)
    if usd is None:
        usd = number(breakdown.get("total_usd_str"))
    if usd is None:
        usd = _scaled(breakdown.get("total_cents"), 1e2)
    return _lines_usd(breakdown.get("lines")) if usd is None else usd


def _lines_usd(value: Any) -> float | None:
    amounts = [_line_usd(line) for line in rows(value)]
    known = [amount for amount in amounts if amount is not None]
    # A sum with a hole in it is no price.
    return number(sum(known)) if known and len(known) == len(amounts) else None


def _in_dollars(body: Mapping[str, Any]) -> bool:
    currency = text(body.get("currency"))
    return currency is None or currency.strip().upper() == "USD"


def _scaled(value: Any, unit: float) -> float | None:
    amount = number(value)
    return None if amount is None else amount / unit
