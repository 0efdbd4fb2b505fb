"""Certificates for the doors with TLS: one that is right, and the ways to be wrong."""

from __future__ import annotations

import ssl
import subprocess
import time
from pathlib import Path

KINDS = ("self-signed", "expired", "wrong-name")


class Authority:
    """Somebody who signs certificates, if clients are told to believe them.

    Parameters
    ----------
    folder
        Where certificates are written, with the command ``openssl``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "authority.pem"
        """What ``SSL_CERT_FILE`` should name."""
        self._new("authority", "/CN=authority", "-x509", "-addext", "keyUsage=keyCertSign")
        here = "subjectAltName=IP:127.0.0.1"
        self._new("self-signed", "/CN=here", "-x509", "-addext", here)
        for name, names, days in (
            ("good", here, 2),
            ("expired", here, 0),
            ("wrong-name", "subjectAltName=DNS:elsewhere.example", 2),
        ):
            self._new(name, "/CN=here")
            self._sign(name, names, days)
        self.contexts = {name: self._context(name) for name in ("good", *KINDS)}
        while time.time() < self._signed_at + 1.1:  # no days are one second
            time.sleep(0.05)

    def _new(self, name: str, subject: str, *more: str) -> None:
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        files = ["-keyout", str(self.folder / f"{name}.key"), "-out", str(self._file(name))]
        _openssl("req", *key, "-subj", subject, *files, *more)

    def _sign(self, name: str, names: str, days: int) -> None:
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"{names}\n")
        signer = ["-CA", str(self.file), "-CAkey", str(self.folder / "authority.key")]
        more = ["-days", str(days), "-CAcreateserial", "-extfile", str(extensions)]
        signed = ["-in", str(self._file(name)), "-out", str(self.folder / f"{name}.signed")]
        _openssl("x509", "-req", *signer, *more, *signed)
        (self.folder / f"{name}.signed").replace(self._file(name))
        self._signed_at = time.time()

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def _context(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._file(name), self.folder / f"{name}.key")
        return context


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)
