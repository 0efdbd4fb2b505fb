"""Keys, addresses, folders and limits, each with the place it came from.

Order: argument, typed at a login, environment, keyring (where the package ``keyring`` is
installed), default.
A key is turned into a ``SecretStr`` before anything can fail, because a verbose traceback prints
every local variable it passes; no message quotes it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from pydantic import SecretStr

from ..errors import SettingsError, brief
from .addresses import check_base_url
from .homes import find_home
from .keys import KEYRING_SERVICE, check_key, entered, hide, is_phaseo_key, stored_key
from .sandboxed import own_sandbox

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

MODE = "PHASEO_NB_MODE"
MODEL = "PHASEO_NB_MODEL"
BASE_URL = "PHASEO_NB_BASE_URL"
EMBED_LIMIT = "PHASEO_NB_EMBED_LIMIT"
DEFAULT_EMBED_LIMIT = 4_000_000

SANDBOX_KEY = "phaseo_v1_sk_sandbox_no_secret_at_all"  # the sandbox wants a key, any key
_SANDBOX_URLS = {
    "phaseo": "https://sandbox.phaseo-nb.invalid/v1",
    "udio": "https://sandbox.phaseo-nb.invalid",
}
_SANDBOX_MODELS = {"phaseo": "sandbox/band", "udio": "chirp-v4-5"}
_GATEWAYS = ("auto", "phaseo", "udio", "sandbox")


class _Wire(NamedTuple):
    base_url: str
    key_variable: str


WIRES = {
    "phaseo": _Wire("https://api.phaseo.app/v1", "PHASEO_API_KEY"),
    "udio": _Wire("https://udioapi.pro", "UDIOAPI_KEY"),
}


@dataclass(frozen=True)
class Setting(Generic[T]):
    """A value and where it came from."""

    value: T
    origin: str
    """``"argument"``, ``"login"``, a variable's name, ``"keyring"`` or ``"default"``."""


@dataclass(frozen=True)
class Connection:
    """Everything a client needs to know about its gateway; nothing has been sent yet."""

    name: str
    """The wire that is spoken: ``"phaseo"`` or ``"udio"``."""
    label: str
    """What a person calls it: ``"phaseo"``, ``"udio"`` or ``"sandbox"``."""
    base_url: str
    key: SecretStr
    key_origin: str
    model: str | None = None
    """Used where a request names none; ``None`` where that would choose a price for somebody."""
    is_sandbox: bool = False
    transport: httpx.AsyncBaseTransport | None = field(default=None, repr=False)

    def describe(self) -> str:
        """Say in one line where requests go and whose key pays, without the key."""
        if self.is_sandbox:
            wire = "" if self.name == "phaseo" else f" in place of {self.name}"
            return f"sandbox{wire} (offline, free)"
        model = f", model {self.model}" if self.model else ""
        return f"{self.label} at {self.base_url}, key from {self.key_origin}{model}"

    def __reduce__(self) -> Any:
        message = "A connection holds a key and cannot be pickled or copied. Connect again there."
        raise TypeError(message)


# -- one connection out of arguments and environment ---------------------------------------------


def resolve_connection(
    gateway: str = "auto",
    *,
    api_key: str | SecretStr | None = None,
    base_url: str | None = None,
    model: str | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Connection:
    """Find out where to connect and with which key. Sends nothing.

    Parameters
    ----------
    gateway
        ``"phaseo"``, ``"udio"``, ``"sandbox"`` or ``"auto"`` (see :func:`resolve_gateway`).
    api_key, base_url, model
        Before environment, keyring and default. ``base_url`` is ``https``, except on this machine.
    transport
        Carries API calls and audio. A test transport or the sandbox's needs no key.

    Raises
    ------
    SettingsError
        Something is missing or cannot be used; the message names the ways to set it.
    """
    key = hide(api_key)
    del api_key  # from here on only the hidden one, in whatever traceback comes
    _check_transport(transport)
    if in_sandbox_mode():
        _check_gateway(gateway)
        wire = gateway if gateway in WIRES else "phaseo"
        return _sandbox_connection(wire, None, _model(model), _own_sandbox())
    sandboxed = transport is not None and _is_sandbox(transport)
    label = resolve_gateway(gateway, key=key, base_url=base_url).value
    if label == "sandbox" and transport is not None and not _is_offline(transport):
        # Another transport under this name would be a gateway with the sandbox's promises.
        message = (
            'The gateway "sandbox" needs no network transport. Leave `transport=` out, or '
            'name the gateway that it leads to: "phaseo" or "udio".'
        )
        raise SettingsError(message)
    if label == "sandbox" or sandboxed:
        wire = label if label in WIRES else "phaseo"
        carrier = transport if transport is not None else _own_sandbox()
        return _sandbox_connection(wire, key, _model(model), carrier, base_url)
    found = _key(label, key, optional=transport is not None and _is_offline(transport))
    return Connection(
        name=label,
        label=label,
        base_url=_base_url(label, base_url),
        key=found.value,
        key_origin=found.origin,
        model=_model(model),
        transport=transport,
    )


def resolve_gateway(
    gateway: str = "auto", *, key: SecretStr | None = None, base_url: str | None = None
) -> Setting[str]:
    """Turn ``"auto"`` into a name: the first service there is a key for, else the sandbox.

    The key typed last goes before all others: whoever typed it wants it used.

    Raises
    ------
    SettingsError
        No such gateway, or a key was given and nothing says whose it is.
    """
    _check_gateway(gateway)
    if gateway != "auto":
        return Setting(gateway, "argument")
    if key is not None:
        return Setting(_owner(key, base_url), "argument")
    services = {wire.key_variable: name for name, wire in WIRES.items()}
    for variable in [*entered(), *services]:
        found = stored_key(variable)
        if found is not None:
            return Setting(services[variable], found[1])
    return Setting("sandbox", "default")


def _check_gateway(gateway: Any) -> None:
    if gateway not in _GATEWAYS or not isinstance(gateway, str):
        known = ", ".join(f'"{name}"' for name in _GATEWAYS)
        shown = repr(gateway)
        if len(shown) > 24:  # hardly a name mistyped; it may be a key in the wrong place
            shown = "of that name"
        message = f"There is no gateway {shown}. Choose one of {known}."
        raise SettingsError(message)


def _check_transport(transport: Any) -> None:
    if transport is not None and not hasattr(transport, "handle_async_request"):
        message = (
            f"transport = {type(transport).__name__} cannot carry requests. Give an "
            "httpx.AsyncBaseTransport, such as `Sandbox().transport`."
        )
        raise SettingsError(message)


def _owner(key: SecretStr, base_url: str | None) -> str:
    if is_phaseo_key(key):
        return "phaseo"
    if base_url and "udioapi" in base_url:
        return "udio"
    message = (
        "A key alone does not say whose it is, and a key must not go to the wrong service. "
        'Name the gateway: `connect("phaseo", api_key=…)` or `connect("udio", api_key=…)`.'
    )
    raise SettingsError(message)


def _sandbox_connection(
    wire: str,
    key: SecretStr | None,
    model: str | None,
    transport: httpx.AsyncBaseTransport,
    base_url: str | None = None,
) -> Connection:
    if key is not None:
        check_key(key, "argument")
    return Connection(
        name=wire,
        label="sandbox",
        base_url=_SANDBOX_URLS[wire] if base_url is None else check_base_url(base_url),
        key=key or SecretStr(SANDBOX_KEY),
        key_origin="default" if key is None else "argument",
        model=model or _SANDBOX_MODELS[wire],
        is_sandbox=True,
        transport=transport,
    )


def _own_sandbox() -> httpx.AsyncBaseTransport:
    return own_sandbox(home_folder().value.absolute())


def _is_sandbox(transport: Any) -> bool:
    """Recognise the sandbox by name: importing it here would load its synthesizer."""
    inner = getattr(transport, "app", None)
    return any(
        type(item).__module__.startswith("phaseo_nb.sandbox")
        or getattr(item, "is_phaseo_nb_sandbox", False) is True
        for item in (transport, inner)
    )


def _is_offline(transport: Any) -> bool:
    import httpx

    return isinstance(transport, (httpx.MockTransport, httpx.ASGITransport)) or _is_sandbox(
        transport
    )


# -- one setting each -----------------------------------------------------------------


def _key(wire: str, given: SecretStr | None, *, optional: bool) -> Setting[SecretStr]:
    variable = WIRES[wire].key_variable
    found = (given, "argument") if given is not None else stored_key(variable)
    if found is None and optional:
        found = SecretStr(SANDBOX_KEY), "default"
    if found is None:
        message = (
            f'No key for {wire}. Run `nb.login("{wire}")`, set the environment variable {variable} '
            f"before the kernel starts, store it with `keyring set {KEYRING_SERVICE} {variable}`, "
            "or pass `api_key=` (a key in a cell is saved with the notebook). Without any key: "
            '`nb.connect("sandbox")`.'
        )
        raise SettingsError(message)
    check_key(*found)
    return Setting(*found)


def in_sandbox_mode() -> bool:
    """Tell whether ``PHASEO_NB_MODE=sandbox`` holds: classrooms, where nothing may be paid.

    Raises
    ------
    SettingsError
        The variable holds another word: spending money because of a typo would be worse.
    """
    word = os.environ.get(MODE, "").strip().lower()
    if word in ("", "live"):
        return False
    if word == "sandbox":
        return True
    message = f"{MODE}={word[:40]!r} is no mode. Set it to sandbox, or leave it out."
    raise SettingsError(message)


def home_folder(home: str | os.PathLike[str] | None = None) -> Setting[Path]:
    """Return the folder that the library has on this machine; it is not created here."""
    found = find_home(home)
    return Setting(found.folder, found.origin)


def embed_limit(limit: Any = None) -> Setting[int]:
    """Return the largest recording, in bytes, that is put into a notebook as it is.

    ``PHASEO_NB_EMBED_LIMIT`` takes ``500kB`` or ``8MB``, or bytes without a unit; ``0`` embeds
    nothing, not even previews.

    Raises
    ------
    SettingsError
        The value is no size.
    """
    if limit is not None:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            message = f"The embed limit {brief(limit)} is no size. Give bytes, from 0."
            raise SettingsError(message)
        return Setting(limit, "argument")
    text = os.environ.get(EMBED_LIMIT, "").strip()
    if not text:
        return Setting(DEFAULT_EMBED_LIMIT, "default")
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,3})?)\s*(b|kb|mb)?", text, re.ASCII | re.IGNORECASE)
    unit = (match[2] or "").lower() if match else ""
    number = float(match[1]) if match else -1.0
    if number < 0 or (not unit and 0 < number < 1000):  # "8" hardly means 8 bytes
        message = f"{EMBED_LIMIT}={text[:40]!r} is no size. Write it as 500kB or 8MB."
        raise SettingsError(message)
    return Setting(int(number * {"kb": 1_000, "mb": 1_000_000}.get(unit, 1)), EMBED_LIMIT)


def base_url_of(gateway: Any) -> str:
    """Return where a gateway is asked, given its name or an address.

    Raises
    ------
    SettingsError
        It is neither.
    """
    if gateway == "sandbox":
        return _SANDBOX_URLS["phaseo"]
    if gateway in (*WIRES,):
        return _base_url(gateway, None)
    if isinstance(gateway, str) and "://" in gateway:
        return check_base_url(gateway)
    shown = gateway if isinstance(gateway, str) and len(gateway) <= 24 else type(gateway).__name__
    message = f"{shown!r} is no gateway: choose {', '.join(_GATEWAYS[1:])}, or give its base URL."
    raise SettingsError(message)


def _model(model: Any) -> str | None:
    if model is None:
        named = os.environ.get(MODEL, "").strip()
        return named or None
    if not isinstance(model, str) or not model.strip():
        message = f'model = {repr(model)[:60]} is no model. Give its name, such as "suno/v4.5".'
        raise SettingsError(message)
    return model.strip()


def _base_url(wire: str, given: Any) -> str:
    if given is not None:
        return check_base_url(given)
    # The variable is for the first service; a second one would need a second name.
    named = os.environ.get(BASE_URL, "").strip() if wire == "phaseo" else ""
    return check_base_url(named) if named else WIRES[wire].base_url
