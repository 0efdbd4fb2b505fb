"""The key on its way out: put on a request by httpx itself, at the last moment."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import httpx
from pydantic import SecretStr


class KeyAuth(httpx.Auth):
    """Adds the key while httpx sends, so that no frame of ours ever holds it as plain text."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header on one request."""
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request

    def __repr__(self) -> str:
        return "<KeyAuth>"

    def __reduce__(self) -> Any:
        message = "A key cannot be pickled or copied."
        raise TypeError(message)
