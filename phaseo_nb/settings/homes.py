"""Where a library is: a folder of this machine, or a database that many machines share."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from ..errors import SettingsError, brief

HOME = "PHASEO_NB_HOME"
AUDIO = "PHASEO_NB_AUDIO"
_SCHEMES = ("postgresql", "postgres")
_WORDS = re.compile(r"(?:^|\s)(?:host|hostaddr|dbname|user|password|service)\s*=\s*\S")
_URL = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]+://")
# With a slip of the finger: a folder of that name would have a password in its name.
_SLIP = re.compile(
    r"\s*(?:[a-z][a-z0-9+.-]+:/|(?:postgres(?:ql)?|mysql|s3|gs|gcs|az|abfs|https?):|"
    r"(?:postgres(?:ql)?|mysql|s3|gs|gcs|az|abfs|https?)//)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Home:
    """A place for a library; nothing is made or connected by it."""

    folder: Path
    """Of this machine: the library itself, or what a database has beside it here."""
    database: SecretStr | None = None
    """Address of the database, if the journal is in one; it may hold a password."""
    shown: str = ""
    """Where it is, without any password."""
    origin: str = "argument"
    """``"argument"``, the variable's name or ``"default"``."""

    @property
    def key(self) -> str:
        """What tells it from other places, the user's password included, and shows nothing."""
        if self.database is None:
            return str(self.folder)
        return hashlib.sha256(self.database.get_secret_value().encode()).hexdigest()

    def __reduce__(self) -> Any:
        message = "The place of a library may hold a password and cannot be pickled."
        raise TypeError(message)


def find_home(given: Any = None) -> Home:
    """Return where a library is: what is given, else ``PHASEO_NB_HOME``, else the user's folder.

    Raises
    ------
    SettingsError
        It is an address of something else than PostgreSQL, or none at all.
    """
    given = hide_place(given)  # a verbose traceback prints every local variable it passes
    if isinstance(given, SecretStr):
        return _in_database(given, "argument")
    if given is not None:
        return _in_folder(given)
    named = hide_place(os.environ.get(HOME, "").strip())
    if isinstance(named, SecretStr):
        return _in_database(named, HOME)
    return _in_folder(named, HOME) if named else _in_folder(default_folder(), "default")


def hide_place(place: Any) -> Any:
    """Return a place as it is given, an address of a database out of sight of tracebacks."""
    text = os.fspath(place) if isinstance(place, os.PathLike) else place
    return SecretStr(text) if is_url(text) or _is_slip(text) else place


def find_audio(given: str | os.PathLike[str] | SecretStr | None = None) -> SecretStr | None:
    """Return where recordings lie: what is given, else ``PHASEO_NB_AUDIO``, else nothing.

    An address may hold a password, so tracebacks are not to see it.

    Raises
    ------
    SettingsError
        It looks like an address, and is none.
    """
    what = f"{AUDIO}=" if given is None else "audio = "
    given = hide_place(os.environ.get(AUDIO, "").strip() if given is None else given)
    hidden = given if isinstance(given, SecretStr) else SecretStr(os.fspath(given).strip())
    if is_url(hidden.get_secret_value()) or not hidden.get_secret_value():
        return hidden or None
    if _is_slip(hidden.get_secret_value()):
        raise SettingsError(_slip_said(what, hidden, "an address such as s3://bucket/prefix"))
    return SecretStr(str(Path(hidden.get_secret_value()).expanduser().absolute()))


def default_folder() -> Path:
    """Return the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("phaseo-nb", appauthor=False))


def is_url(text: Any) -> bool:
    """Tell an address from a path; one letter before a colon is a drive of Windows."""
    return isinstance(text, str) and _URL.match(text) is not None


def _is_slip(text: Any) -> bool:
    """Tell what was meant to be an address; one letter before a colon is a drive of Windows."""
    return isinstance(text, str) and _SLIP.match(text) is not None and not is_url(text)


def _slip_said(what: str, hidden: SecretStr, meant: str) -> str:
    """Say that an address lacks its ``://``, without what may be a password."""
    word = re.split("[:/]", hidden.get_secret_value().strip(), maxsplit=1)[0]
    return (
        f"{what}{word}… looks like an address that lacks its ://, so nothing was made. Give "
        f"{meant}. (A folder that is really called so can be given as ./…)"
    )


def without_password(url: str) -> str:
    """Return an address as it may be shown: no password, no options but the harmless ones.

    A password that was not quoted may hold any sign, so it ends at the last ``@``.
    """
    scheme, _, rest = url.strip().partition("://")
    head, mark, query = rest.partition("?")
    who, at, where = head.rpartition("@")
    user = quote(unquote(who.partition(":")[0]), safe="")
    try:
        parts = urlsplit(f"{scheme}://{user}{at}{where}{mark}{query}")
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"{scheme}://…"
    user = f"{quote(unquote(parts.username), safe='')}@" if parts.username else ""
    named = [(n, v) for n, v in parse_qsl(parts.query) if n in ("schema", "host", "port", "dbname")]
    query = "&".join(f"{name}={quote(value, safe='/')}" for name, value in named)
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{user}{host}{port}", parts.path, query, ""))


def _in_folder(path: str | os.PathLike[str], origin: str = "argument") -> Home:
    _refuse_words(os.fspath(path))
    folder = Path(path).expanduser()
    return Home(folder, shown=str(folder), origin=origin)


def _in_database(url: SecretStr, origin: str) -> Home:
    what = "library = " if origin == "argument" else f"{origin}="
    if not is_url(url.get_secret_value()):
        raise SettingsError(_slip_said(what, url, "postgresql://user@host/name"))
    url = _with_small_scheme(url)
    shown = without_password(url.get_secret_value())
    scheme = shown.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        message = (
            f"{what}{brief(shown)} is no place for a library. Give a folder, or the address of a "
            "PostgreSQL database: postgresql://user@host/name. (Audio may lie anywhere: audio=.)"
        )
        raise SettingsError(message)
    if _is_misread(url):
        message = (
            f"The address {shown} cannot be read for certain. It is "
            "postgresql://user:password@host:port/name, with % and the number of a sign for each "
            "of `:/@?#%` inside user or password (urllib.parse.quote(…, safe='') does that). A "
            "password may stand in PGPASSWORD or ~/.pgpass instead."
        )
        raise SettingsError(message)
    name = hashlib.sha256(shown.encode()).hexdigest()[:16]
    return Home(default_folder() / "shared" / name, url, shown, origin)


def _with_small_scheme(url: SecretStr) -> SecretStr:
    """Spell the scheme in small letters: libpq takes no others."""
    scheme, mark, rest = url.get_secret_value().strip().partition("://")
    return SecretStr(f"{scheme.lower()}{mark}{rest}")


def _is_misread(url: SecretStr) -> bool:
    """Tell whether signs inside a password would be taken for the end of it."""
    head, _, _ = url.get_secret_value().strip().partition("?")
    try:
        parts = urlsplit(head)
        has_port = parts.port is None or parts.port > 0
    except ValueError:  # a port that is no number: of several hosts, or a password in its place
        return "," not in head
    elsewhere = "@" in parts.path or bool(parts.fragment) or parts.netloc.count("@") > 1
    return elsewhere or not has_port


def _refuse_words(place: str) -> None:
    """Refuse what libpq would take and a file system, too: a password as the name of a folder."""
    if _WORDS.search(place):
        message = (
            "A library in a database is given by its address, postgresql://user@host/name, and "
            "not in words such as host=… dbname=…; nothing was made. A password may stand in "
            "PGPASSWORD or ~/.pgpass."
        )
        raise SettingsError(message)
