"""TLS: which certificates are believed, and what to say when one is not."""

from __future__ import annotations

import os
import ssl

import httpx

from ..errors import SettingsError

ADVICE = (
    "The server's certificate is not trusted. Behind a company's proxy, point the environment "
    "variable SSL_CERT_FILE at the company's certificates."
)

_contexts: dict[tuple[str | None, str | None], ssl.SSLContext] = {}


def ssl_context() -> ssl.SSLContext:
    """Return the one TLS context: loading the certificates takes tens of milliseconds."""
    named = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    if named not in _contexts:
        try:
            if named[0]:  # httpx 0.27 takes its own certificates where that file is not there
                os.stat(named[0])
            _contexts[named] = httpx.create_ssl_context()
        except OSError:
            message = f"SSL_CERT_FILE={named[0]!r} (or SSL_CERT_DIR) cannot be read."
            raise SettingsError(message) from None
    return _contexts[named]


def is_distrust(error: BaseException) -> bool:
    """Tell whether a connection failed because of the server's certificate.

    That happens before a byte of the request is written, and happens again each time.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        if "CERTIFICATE_VERIFY_FAILED" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
