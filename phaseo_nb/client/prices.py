"""What there is and what it costs: asked where somebody answers, else from the built-in list."""

from __future__ import annotations

import anyio.to_thread

from ..errors import ConnectionFailed, SettingsError
from ..gateways import Gateway, ModelInfo
from ..jobs import Cost, Credits
from ..transport.http import Transport
from ..transport.messages import Answer
from .orders import Request


async def list_models(gateway: Gateway, transport: Transport) -> list[ModelInfo]:
    """Return the models with their prices; see :meth:`MusicClient.models`."""
    answers: list[Answer] = []
    for call in gateway.models_calls():
        try:
            answers.append(await transport.send(call))
        except ConnectionFailed:
            if transport.is_closed:
                raise
    return await anyio.to_thread.run_sync(gateway.read_models, answers)


async def price_of(request: Request, gateway: Gateway, transport: Transport) -> Cost:
    """Return what a request would cost; see :meth:`MusicClient.estimate`."""
    call = gateway.estimate_call(request)
    if call is not None:
        try:
            cost = gateway.read_estimate(await transport.send(call))
        except ConnectionFailed:
            cost = Cost()
        if cost.usd is not None or cost.credits is not None:
            return cost
    return gateway.list_price(request)


async def ask_credits(gateway: Gateway, transport: Transport) -> Credits:
    """Return how many credits are left; see :meth:`MusicClient.credits`."""
    call = gateway.credits_call()
    if call is None:
        message = (
            f"{gateway.name} counts in US dollars, not in credits, and does not say here what is "
            "left; your account's page there does. `nb.spending()` says what went through this "
            'library. Credits are for udioapi.pro: `nb.connect("udio")`.'
        )
        raise SettingsError(message)
    return gateway.read_credits(await transport.send(call))
