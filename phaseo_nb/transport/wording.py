"""Saying in words how a connection failed: for people, who have no use for a library's names."""

from __future__ import annotations

import re

import httpx

from .bodies import BodyRefused, TooSlow

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.ConnectError, "no connection"),
    (httpx.ProxyError, "the proxy refused"),
    (httpx.ReadTimeout, "no answer in time"),
    (httpx.WriteTimeout, "it could not be sent in time"),
    (httpx.RemoteProtocolError, "the connection was closed before the answer was complete"),
    (httpx.NetworkError, "the connection broke"),
    (TooSlow, "the answer came too slowly"),
    (TimeoutError, "the time for the whole call was over"),
    (BodyRefused, "the answer cannot be taken"),
    (OSError, "its host could not be found"),
)

_CLOSED = re.compile("peer closed|disconnected|connection closed|closed the connection", re.I)
_NOISE = re.compile(r"\[(?:Errno|SSL|WinError)[^\]]*\]\s*|\s*\(_ssl\.c:\d+\)")


def in_words(error: Exception) -> str:
    """Say what happened, with what the system added to it.

    The error itself, with its own name, is the cause of the one that is raised.
    """
    if isinstance(error, httpx.ProtocolError) and not isinstance(error, httpx.LocalProtocolError):
        # A parser's own words are about its grammar.
        is_closed = not str(error) or _CLOSED.search(str(error))
        return _words_of(error) if is_closed else "what came is not HTTP"
    return _with(_words_of(error), error)


def system_words(error: Exception) -> str:
    """Return what the operating system said, without its numbers and places in code."""
    return _NOISE.sub("", " ".join(str(error).split()))[:160]


def _words_of(error: Exception) -> str:
    return next((words for kind, words in _WORDS if isinstance(error, kind)), "")


def _with(words: str, error: Exception) -> str:
    detail, name = system_words(error), type(error).__name__
    if not words:  # a transport that somebody gave may raise anything, and only that tells what
        return f"it failed ({name}: {detail})" if detail else f"it failed ({name})"
    return f"{words} ({detail})" if detail and detail != name else words
