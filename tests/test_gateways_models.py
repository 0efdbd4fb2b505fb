"""Models and prices: live lists, the built-in one, estimates."""

from __future__ import annotations

import json

import pytest

from phaseo_nb.gateways import get_gateway
from phaseo_nb.gateways.catalogue import AS_OF
from phaseo_nb.jobs import Cost
from phaseo_nb.transport.messages import Answer


class SmallRequest:
    def __init__(self, model):
        self.model = model

    def to_wire(self):
        return {"model": self.model}


def answer(body, status=200):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {}, content, "https://api.phaseo.app/v1/models")


def card(provider, model, price, **meter):
    meters = [
        {"meter": "requests", "unit": "request", "unit_size": 1, "price_per_unit": price, **meter}
    ]
    return {
        "provider": provider,
        "model": model,
        "endpoint": "music.generate",
        "display_name": "Card name",
        "meters": meters,
    }


MODELS = {
    "ok": True,
    "models": [
        {
            "id": "minimax/music-3.0",
            "name": "MiniMax: Music 3.0",
            "offers": [
                {"provider": {"id": "minimax"}, "model": "music-3.0", "status": "active"},
                {"provider": {"id": "elsewhere"}, "model": "mm3", "status": "active"},
            ],
        },
        {
            "id": "suno/v5",
            "name": "Suno v5",
            "availability": {"status": "coming_soon"},
            "offers": [{"provider": {"id": "suno"}, "status": "coming_soon", "routable": False}],
        },
        {"id": 7},
        "junk",
    ],
}
PRICES = {
    "ok": True,
    "models": [
        card("minimax", "minimax/music-3.0", "0.20"),
        card("elsewhere", "mm3", "0.10"),
        card("google-ai-studio", "google/lyria-3-pro-preview", "0.08"),
        {**card("x", "x/text", "1"), "endpoint": "chat.completions"},
    ],
}


def read(*answers):
    return get_gateway("phaseo").read_models(list(answers))


def test_lists_are_merged_by_model_and_provider():
    """Each offer of a model has its own live price; what only has a price is listed too."""
    models = {(m.id, m.provider): m for m in read(answer(MODELS), answer(PRICES))}

    assert models["minimax/music-3.0", "minimax"].price == Cost(usd=0.20, is_estimate=True)
    assert models["minimax/music-3.0", "elsewhere"].price == Cost(usd=0.10, is_estimate=True)
    assert models["google/lyria-3-pro-preview", "google-ai-studio"].name == "Card name"
    assert models["suno/v5", "suno"].note == "coming soon, not routable"
    assert models["suno/v5", "suno"].price.usd == 0.06  # no live card: the built-in price
    assert not any(model == "x/text" for model, _ in models)
    assert all(m.is_live for m in models.values())


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [answer({"ok": False, "error": "x"}, 500), answer(b"<html>", 502)],
        [answer(b""), answer([1])],
        [answer({"models": "none"}), answer({"models": [None, {}]})],
    ],
    ids=["none", "errors", "unreadable", "wrong-types"],
)
def test_the_built_in_list_stands_in(answers):
    """Without a live list the dated one is given, marked as not live."""
    models = read(*answers)

    assert {"minimax/music-3.0", "google/lyria-3-pro-preview", "sandbox/band"} <= {
        m.id for m in models
    }
    assert not any(m.is_live for m in models)


@pytest.mark.parametrize(
    "meter",
    [
        {"meter": "output_audio_seconds"},
        {"price_per_unit": None},
        {"price_per_unit": "NaN"},
        {"price_per_unit": "-1"},
        {"currency": "EUR"},
    ],
)
def test_a_card_that_cannot_be_priced_gives_no_price(meter):
    """A price that is not dollars per request is unknown, not guessed."""
    [model] = read(answer({"models": [card("new", "new/model", "1", **meter)]}))

    assert model.price.usd is None


def test_a_unit_of_several_requests_is_divided():
    """Ten requests for a dollar make ten cents each."""
    [model] = read(answer({"models": [card("new", "new/model", "1.00", unit_size=10)]}))

    assert model.price.usd == pytest.approx(0.10)


def test_models_are_asked_for_music_with_those_that_are_not_active():
    """Suno shows only under availability=all."""
    models, prices = get_gateway("phaseo").models_calls()

    assert models.params == {"endpoints": "music.generate", "availability": "all", "limit": "250"}
    assert prices.path == "/pricing/models"


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("suno/v4", 0.06),
        ("suno/v4.5", 0.06),
        ("suno/v4.5+", 0.06),
        ("suno/v4.5-all", 0.06),
        ("suno/v5", 0.06),
        ("suno/suno-v5", 0.06),
        ("suno/v4.5plus", 0.06),
        ("minimax/music-2.6", 0.15),
        ("minimax:minimax/music-3.0", 0.15),
        (" minimax/music-3.0 ", 0.15),
        ("minimax/music-2.6-free", 0.0),
        ("google/lyria-3-clip-preview", 0.04),
        ("google/lyria-3-pro-preview", 0.08),
        ("sandbox/band", 0.0),
        ("eleven-labs/music", None),
        ("elevenlabs/music", None),
        ("Suno/V5", None),
        ("nobody/knows", None),
        (None, None),
    ],
)
def test_built_in_prices_are_those_of_the_cards(model, usd):
    """The built-in price is the card's, and unknown where there is no card."""
    assert get_gateway("phaseo").list_price(SmallRequest(model)).usd == usd


def test_udio_prices_are_credits_as_observed_or_unknown():
    """udioapi publishes no price: one observed figure, the others unknown."""
    gateway = get_gateway("udio")

    assert gateway.list_price(SmallRequest("chirp-v4-5")) == Cost(credits=10.0, is_estimate=True)
    assert gateway.list_price(SmallRequest("chirp-v5")) == Cost()
    assert gateway.models_calls() == []
    assert gateway.estimate_call(SmallRequest("chirp-v5")) is None
    assert {"chirp-v5-5", "chirp-v3.5", "udio-130"} <= {m.id for m in gateway.read_models([])}


def test_the_built_in_list_is_dated():
    """Whoever sees an old price can see how old."""
    assert AS_OF == "2026-08-31"


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("minimax/music-3.0", "minimax"),
        ("google/lyria-3-pro-preview", "google-ai-studio"),
        ("eleven-labs/music", "elevenlabs"),
    ],
)
def test_an_estimate_asks_for_one_request(model, provider):
    """The price of one request is asked for under the provider's own slug."""
    call = get_gateway("phaseo").estimate_call(SmallRequest(model))

    assert (call.method, call.path, call.creates) == ("POST", "/pricing/calculate", False)
    assert call.json == {
        "provider": provider,
        "model": model,
        "endpoint": "music.generate",
        "usage": {"requests": 1},
    }


@pytest.mark.parametrize("model", ["sandbox/band", "nobody/knows", "plain", None, 7])
def test_no_estimate_without_a_known_provider(model):
    """Nothing is asked where the provider cannot be named."""
    assert get_gateway("phaseo").estimate_call(SmallRequest(model)) is None


@pytest.mark.parametrize(
    ("status", "body", "usd"),
    [
        (200, {"ok": True, "pricing": {"total_nanos": 60000000, "currency": "USD"}}, 0.06),
        (200, {"ok": True, "pricing": {"total_usd_str": "0.15"}}, 0.15),
        (200, {"ok": True, "pricing": {"total_cents": 4}}, 0.04),
        (200, {"ok": True, "pricing": {"lines": [{"line_nanos": 80000000}]}}, 0.08),
        (200, {"ok": True, "pricing": {"lines": [{"line_nanos": 8}, {}]}}, None),
        (200, {"ok": True, "pricing": {"total_nanos": -1}}, None),
        (200, {"ok": True}, None),
        (200, b"<html>", None),
        (404, {"ok": False, "error": "pricing_not_found"}, None),
        (500, {"ok": False, "pricing": {"total_cents": 4}}, None),
    ],
)
def test_estimates_are_read_or_unknown(status, body, usd):
    """A price comes from a clear answer only; anything else is unknown, never an error."""
    cost = get_gateway("phaseo").read_estimate(answer(body, status))

    assert cost.usd == usd
    assert cost.is_estimate is (usd is not None)
