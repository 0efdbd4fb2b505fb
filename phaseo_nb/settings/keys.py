"""API keys: cleaned, judged and hidden before anything can fail.

A verbose traceback prints every local variable it passes, so a key becomes a ``SecretStr`` first
and no function that holds it as plain text raises. No message quotes it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from typing import Any

from pydantic import SecretStr

from ..errors import SettingsError

KEYRING_SERVICE = "phaseo-nb"


def hide(value: Any) -> SecretStr | None:
    """Wrap and clean a key at once; never raises, whatever it gets.

    Surrounding blanks and quotes, a pasted ``Bearer`` and a pasted ``NAME=`` go; the rest is for
    :func:`check_key` to judge. What is no text comes back as a key that is refused there.
    """
    if value is None:
        return None
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, str):  # a NUL in front is our own mark, and what follows is shown
        return SecretStr(_clean(value).replace("\0", "\N{REPLACEMENT CHARACTER}"))
    return SecretStr("\0" + type(value).__name__)


_QUOTES = "\"'`“”‘’«»"


def _clean(text: str) -> str:
    for _ in range(3):
        text = text.strip().strip(_QUOTES).strip().lstrip("\ufeff\u200b").rstrip("\u200b")
        text = re.sub(r"^(export\s+)?[A-Z][A-Z0-9_]*_?KEY\s*=\s*", "", text)
        text = re.sub(r"^(authorization:\s*)?bearer(\s+|$)", "", text, flags=re.IGNORECASE)
    return text


def check_key(key: SecretStr, origin: str) -> None:
    """Refuse what cannot be a key, without quoting it.

    Raises
    ------
    SettingsError
        It is empty, too long, or has characters that no header may carry.
    """
    problem = _key_problem(key)
    if problem:
        message = f"The API key (from {origin}) {problem} Copy it again from your account."
        raise SettingsError(message)


def _key_problem(key: SecretStr) -> str | None:
    text = key.get_secret_value()
    if text.startswith("\0"):
        return f"is a {text[1:]}, not text."
    if not text:
        return "is empty."
    if len(text) > 512:
        return f"is {len(text)} characters long; keys are shorter."
    if any(character.isspace() for character in text):
        return "has a blank or a line break inside."
    if not all("!" <= character <= "~" for character in text):
        return "has characters that are not plain ASCII."
    if re.match(r"phaseo_v1_mk_", text):
        return "is a management key (`_mk_`), which music routes refuse; use one with `_sk_`."
    return None


def is_phaseo_key(key: SecretStr) -> bool:
    """Tell a Phaseo key by how it begins."""
    return key.get_secret_value().startswith(("phaseo_v1_", "aistats_v1_"))


# -- where keys are kept ------------------------------------------------------------------------

_entered: dict[str, SecretStr] = {}  # by the name of the variable; what came last stands last


def enter_key(variable: str, key: SecretStr) -> None:
    """Keep a key that was typed, in the memory of this process alone."""
    global _entered
    others = {name: old for name, old in _entered.items() if name != variable}
    _entered = {**others, variable: key}  # in one step: another thread never sees none


def entered() -> list[str]:
    """Return the names under which keys were typed, the newest first."""
    return list(reversed(list(_entered)))


def forget_key(variable: str) -> bool:
    """Drop a key that was typed; tell whether there was one."""
    return _entered.pop(variable, None) is not None


def stored_key(variable: str) -> tuple[SecretStr, str] | None:
    """Return the key that was typed or that environment or keyring hold, and which of them."""
    key = _entered.get(variable)
    if key is not None:
        return key, "login"
    key = hide(os.environ.get(variable))
    if key is not None and key.get_secret_value():
        return key, variable
    key = _from_keyring(variable)
    return (key, "keyring") if key is not None else None


def _from_keyring(variable: str) -> SecretStr | None:
    try:
        keyring = importlib.import_module("keyring")
        key = hide(keyring.get_password(KEYRING_SERVICE, variable))
    except Exception:  # not installed, locked, or no service behind it: then there is none
        return None
    return key if key is not None and key.get_secret_value() else None


def store_in_keyring(variable: str, key: SecretStr) -> str | None:
    """Store a key in the keyring; return why that did not work, ``None`` when it did."""
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        return "the package keyring is not installed (`pip install keyring`)"
    except Exception as error:
        return f"the package keyring cannot be loaded ({type(error).__name__})"
    try:
        keyring.set_password(KEYRING_SERVICE, variable, key.get_secret_value())
    except Exception as error:  # its frames hold the key, so nothing of it but its name goes on
        return f"no keyring works on this machine ({type(error).__name__})"
    if _from_keyring(variable) != key:  # keyring's null backend takes everything and keeps nothing
        return "the keyring of this machine keeps nothing"
    return None


def remove_from_keyring(variable: str) -> bool:
    """Remove a key from the keyring; tell whether one was there and is gone."""
    if _from_keyring(variable) is None:
        return False
    with contextlib.suppress(Exception):  # locked, or it cannot delete: then it is still there
        importlib.import_module("keyring").delete_password(KEYRING_SERVICE, variable)
    return _from_keyring(variable) is None
