"""What stands in the lists of gateways and models: who can be asked, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..gateways import ModelInfo, catalogue
from ..jobs import Cost
from ..phrases import excerpt
from ..session import Session
from ..settings import WIRES, in_sandbox_mode
from ..settings.keys import stored_key
from .panels import OTHER_MODEL

Choices = list[list[str]]


def gateway_choices(session: Session) -> Choices:
    """Return the gateways, the one of a session first: (name, what a person reads)."""
    names = dict.fromkeys((session.gateway, "sandbox", *WIRES))
    return [[name, _gateway_words(name, session)] for name in names]


def _gateway_words(name: str, session: Session) -> str:
    if name == "sandbox":
        return "sandbox · free, offline"
    if name == session.gateway:
        return f"{name} · key from {session.connection.key_origin}"
    if in_sandbox_mode():
        return f"{name} · the sandbox in its place"
    found = stored_key(WIRES[name].key_variable)
    return f"{name} · key from {found[1]}" if found else f"{name} · no key yet: nb.login()"


def model_choices(models: Iterable[ModelInfo], *, chosen: str, is_sandbox: bool) -> Choices:
    """Return the models with their prices: (name, what a person reads).

    A model that is asked for and not listed is added; in the sandbox its own model comes first,
    and everything is free.
    """
    listed = {model.id: model for model in models}
    order = sorted(listed, key=lambda name: name != "sandbox/band") if is_sandbox else list(listed)
    choices = [["", "Choose a model"]] if not is_sandbox else []
    for name in order:
        price = listed[name].price
        choices.append([name, f"{excerpt(name, 60)} · {price_words(price, is_sandbox)}"])
    if chosen and chosen not in listed and chosen != OTHER_MODEL:
        choices.append([chosen, f"{excerpt(chosen, 60)} · price unknown"])
    return [*choices, [OTHER_MODEL, "another one …"]]


def price_words(price: Cost, is_sandbox: bool) -> str:
    """Return a price as a person reads it beside a model or a button."""
    if price.usd is None and price.credits is None:
        return "free here" if is_sandbox else "price unknown"
    if not price.usd and not price.credits:
        return "free"
    return f"free here, {price} at the service" if is_sandbox else str(price)


def list_words(models: Sequence[ModelInfo], note: str | None) -> str:
    """Say how old the list is, and what is to be known of the chosen model."""
    is_live = any(model.is_live for model in models)
    age = "as the gateway says now" if is_live else f"list of {catalogue.AS_OF}"
    return f"{note[:1].upper()}{note[1:]} ({age})." if note else f"Prices: {age}."


def note_of(models: Iterable[ModelInfo], name: str | None) -> str | None:
    """Return what to know before choosing a model."""
    found = next((model for model in models if model.id == name), None)
    return excerpt(found.note, 160) if found and found.note else None
