"""The Phaseo gateway's lists of models and prices, merged into one.

Wire contract: ``GET /models`` (filters, ``availability=all``) and ``GET /pricing/models`` (one
meter, ``requests``, on every music card).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..jobs import Cost
from ..transport.messages import Answer, Call
from . import catalogue
from .base import ModelInfo
from .values import identifier, mapping, number, rows, said, text

ENDPOINT = "music.generate"


def calls() -> list[Call]:
    """Return both list calls; Suno shows only under ``availability=all``."""
    everything = {"endpoints": ENDPOINT, "availability": "all", "limit": "250"}
    return [Call("GET", "/models", params=everything), Call("GET", "/pricing/models")]


def merge(answers: list[Answer]) -> list[ModelInfo]:
    """Merge the lists by model and provider; the built-in list where no list of models came.

    Models that the live list has without a price take the built-in one, which is an estimate in
    any case.
    """
    bodies = [mapping(a.data) for a in answers if 200 <= a.status_code < 300]
    listed = [item for body in bodies for item in rows(body.get("models"))]
    prices = _prices(listed)
    models: dict[tuple[str, str | None], ModelInfo] = {}
    for item in listed:
        for info in _models(item, prices):
            models.setdefault((info.id, info.provider), info)
    for (model, provider), (price, name) in prices.items():
        known = catalogue.find("phaseo", model)
        if any(key[0] == model for key in models):
            continue  # the catalogue speaks for it, under whichever provider
        label = name or (known.name if known else model)
        models[model, provider] = ModelInfo(model, provider, label, price, is_live=True)
    return list(models.values()) or catalogue.built_in("phaseo")


_Prices = Mapping[tuple[str, str | None], tuple[Cost, str | None]]


def _prices(items: list[Mapping[str, Any]]) -> _Prices:
    found: dict[tuple[str, str | None], tuple[Cost, str | None]] = {}
    for item in items:
        model = identifier(item.get("model"))
        if model is None or item.get("endpoint") != ENDPOINT or "meters" not in item:
            continue
        price = _price(item.get("meters"))
        found[model, text(item.get("provider"))] = price, said(item.get("display_name"), 80)
    return found


def _price(meters: Any) -> Cost:
    """Return the price of one request; unknown where another meter counts as well."""
    usd = 0.0
    found = rows(meters)
    for meter in found:
        price, size = number(meter.get("price_per_unit")), number(meter.get("unit_size"))
        currency = text(meter.get("currency")) or "USD"
        if meter.get("meter") != "requests" or price is None or currency.upper() != "USD":
            return Cost()
        usd += price / (size or 1.0)
    total = number(usd) if found else None
    return Cost() if total is None else Cost(usd=total, is_estimate=True)


def _models(item: Mapping[str, Any], prices: _Prices) -> Iterator[ModelInfo]:
    model = identifier(item.get("id")) or identifier(item.get("model_id"))
    if model is None:
        return
    known = catalogue.find("phaseo", model)
    name = said(item.get("name"), 80) or (known.name if known else model)
    offers = rows(item.get("offers")) or rows(item.get("providers")) or [{}]
    for offer in offers:
        provider = _provider(offer) or (known.provider if known else None)
        price = _price_for(model, provider, _slug(offer), prices)
        if price.usd is None and known is not None:
            price = known.price
        note = _note(item, offer)
        yield ModelInfo(model, provider, name, price, is_live=True, note=note)


def _provider(offer: Mapping[str, Any]) -> str | None:
    provider = offer.get("provider")
    named = mapping(provider).get("id") or mapping(provider).get("slug") or provider
    return text(named) or text(offer.get("api_provider_id"))


def _slug(offer: Mapping[str, Any]) -> str | None:
    return text(offer.get("model")) or text(offer.get("provider_model_slug"))


def _price_for(model: str, provider: str | None, slug: str | None, prices: _Prices) -> Cost:
    names = [model, slug, f"{provider}/{slug}"]
    for name in names:
        if name is not None and (name, provider) in prices:
            return prices[name, provider][0]
    return Cost()


def _note(item: Mapping[str, Any], offer: Mapping[str, Any]) -> str | None:
    """Say why a model cannot be had, in the gateway's own word."""
    status = said(offer.get("status") or mapping(item.get("availability")).get("status"), 40)
    reason = said(offer.get("status_reason"), 40)
    lifecycle = mapping(item.get("lifecycle"))
    words = [word for word in (status, reason) if word and word != "active"]
    if offer.get("routable") is False:
        words.append("not routable")
    if said(lifecycle.get("status"), 40) in ("deprecated", "retired"):
        words.append(str(lifecycle["status"]))
    if message := said(lifecycle.get("message"), 120):
        words.append(message)
    return ", ".join(dict.fromkeys(words)).replace("_", " ") or None
