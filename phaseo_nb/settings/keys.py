"""API keys: cleaned, judged and hidden before anything can fail.

A verbose traceback prints every local variable it passes, so a key becomes a ``SecretStr`` first
and no function that holds it as plain text raises. No message quotes it.
"""

from __future__ import annotations

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
    return SecretStr(_clean(value) if isinstance(value, str) else "\0" + type(value).__name__)


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


def stored_key(variable: str) -> tuple[SecretStr, str] | None:
    """Return the key that environment or keyring hold under a name, and which of them."""
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
