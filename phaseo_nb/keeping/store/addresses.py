"""Addresses of stores: told from folders, and shown without what nobody should see."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ...errors import LibraryError
from ...phrases import visible

_URL = re.compile(r"\s*(?:[a-z][a-z0-9+.-]+::)*[a-z][a-z0-9+.-]+://", re.IGNORECASE)
# With these, what stands before the @ is no user but a container or file system.
_CONTAINERS = frozenset({"abfs", "abfss", "az", "wasb", "wasbs"})


def is_url(text: Any) -> bool:
    """Tell an address from a folder; one letter before a colon is a drive of Windows."""
    return isinstance(text, str) and _URL.match(text) is not None


def shown(url: str) -> str:
    """Return an address as anybody may see it: without user, password, query and fragment."""
    return visible(_bare(url))[:200]


def _bare(url: str) -> str:
    scheme, _, rest = url.strip().rpartition("::")[2].partition("://")
    rest = re.split("[?#]", rest, maxsplit=1)[0]
    # A password may hold a slash that nobody quoted: the last @ of all ends it.
    before, at, after = rest.rpartition("@")
    keeps_user = scheme.lower() in _CONTAINERS and not re.search("[:/]", before)
    return f"{scheme.lower()}://{rest if keeps_user else after if at else rest}"


class Address:
    """The address of a store; whoever prints it sees no secret."""

    def __init__(self, url: str) -> None:
        text = url.strip()
        self.shown = shown(text)
        self.scheme = self.shown.partition("://")[0]
        self.reveal: Callable[[], str] = lambda: text  # in no repr, no vars() and no pickle

    def __repr__(self) -> str:
        return f"<Address {self.shown}>"

    def check(self) -> None:
        """Look whether it can be the address of a store.

        Raises
        ------
        LibraryError
            It cannot.
        """
        # Not where the address is made: a traceback may show the variables of that place.
        place = _bare(self.reveal()).partition("://")[2]
        if "::" in self.reveal().partition("://")[0]:
            message = (
                f"Chained addresses are not taken, and what is read is kept on this machine "
                f"anyway. Give the one at the end of the chain: {self.shown}."
            )
            raise LibraryError(message)
        if not place.strip("/"):
            message = (
                f"{self.shown} names no bucket or folder. Write {self.scheme}://bucket/folder."
            )
            raise LibraryError(message)
        if re.search(r"[*?\[\]\\]", place) or not place.isprintable():
            message = f"{self.shown} has signs in it that drivers read as patterns, such as * or [."
            raise LibraryError(message)

    @property
    def has_user(self) -> bool:
        """Whether a user, or a password, stands in it."""
        user = self.reveal().partition("://")[2].rpartition("@")[0]
        return bool(user) and (self.scheme not in _CONTAINERS or ":" in user)


def folder_of(url: str) -> str | None:
    """Return the folder that a ``file://`` address means; ``None`` for any other address."""
    if not url.strip().lower().startswith("file://"):
        return None
    parts = urlsplit(url.strip())
    host = parts.netloc if parts.netloc.lower() != "localhost" else ""
    if host:
        message = f"{shown(url)} names another machine. Write file:///folder, with three slashes."
        raise LibraryError(message)
    return url2pathname(parts.path)
