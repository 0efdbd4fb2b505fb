"""Recordings in files: saved under a name of the user's choice, read back by their hash."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from ..audio.sniff import TYPES
from ..errors import AudioError

if TYPE_CHECKING:
    from .kept import KeptTrack

_BY_SUFFIX = {kind.suffix: kind.format for kind in TYPES.values()} | {
    ".oga": "ogg",
    ".mp4": "m4a",
    ".aif": "aiff",
    ".pcm": "pcm",
    ".raw": "pcm",
}
_WRITABLE = ("mp3", "wav", "ogg", "flac", "aac")


def write_track(track: KeptTrack, path: Path, format: str | None, *, overwrite: bool) -> Path:
    """Write a track to a file; see :meth:`phaseo_nb.takes.kept.KeptTrack.save`."""
    try:
        path = path.expanduser()
        _refuse_folder(path)
        wanted = _wanted_format(track, path, format)
        if not path.suffix:
            path = path.with_name(path.name + (TYPES[wanted].suffix if wanted in TYPES else ".pcm"))
        data = _bytes_of(track, wanted)
        _check_place(path, overwrite or _is_ours(path, track))
        _write(path, data)
        _written[path.absolute()] = track.sha256, hash_of(path)
    except (OSError, ValueError, RuntimeError) as error:  # a NUL, 300 letters, no home, no right
        why = getattr(error, "strerror", None) or error
        message = f"{str(path)!r} cannot be written: {why}."
        raise AudioError(message) from error
    return path


_written: dict[Path, tuple[str, str]] = {}
"""Files written by this process: of which recording, and what was in them afterwards."""


def _is_ours(path: Path, track: KeptTrack) -> bool:
    """Tell whether a file is this very track, saved before and untouched: a cell run again."""
    return path.is_file() and _written.get(path.absolute()) == (track.sha256, hash_of(path))


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1_000_000):
            digest.update(block)
    return digest.hexdigest()


def read_checked(path: Path, sha256: str | None, size: int | None = None) -> bytes:
    """Return what is in a file if it is still what its hash says.

    Raises
    ------
    AudioError
        The file is gone, cannot be read, or has changed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        why = "it is gone" if gone else error.strerror or error
        message = f"The recording {path} cannot be read: {why}."
        raise AudioError(message) from error
    wrong_size = size is not None and len(data) != size
    if wrong_size or (sha256 is not None and hashlib.sha256(data).hexdigest() != sha256):
        kept = f" and {size:,} were kept" if size is not None else ""
        message = (
            f"The recording {path} is no longer what was kept: {len(data):,} bytes are there"
            f"{kept}, and the hash differs. Running its cell again fetches it anew while the "
            "service still has it; `nb.library().doctor()` looks at all recordings."
        )
        raise AudioError(message)
    return data


def _wanted_format(track: KeptTrack, path: Path, format: str | None) -> str:
    suffix = path.suffix.lower()
    by_suffix = _BY_SUFFIX.get(suffix)
    if format is not None:
        if suffix and by_suffix != format and {by_suffix, format} != {"ogg", "opus"}:
            message = (
                f"path = {str(path)!r} says {suffix} and format = {format!r} says otherwise."
                " Leave one of them out."
            )
            raise AudioError(message)
        return format
    if not suffix:
        return "wav" if track.format == "pcm" else track.format
    if by_suffix is None:
        message = (
            f"The suffix {suffix} of {path.name!r} is no audio format this package knows."
            f" Choose one of: {', '.join('.' + name for name in _WRITABLE)}."
        )
        raise AudioError(message)
    return by_suffix


def _bytes_of(track: KeptTrack, wanted: str) -> bytes:
    if wanted == track.format or (wanted, track.format) == ("ogg", "opus"):
        return track.recording
    if wanted == "wav" and track.format == "pcm":
        return track.playable
    from ..audio.codecs import encode

    tags = {"title": track.title or "", "comment": _origin(track)}
    return encode(*track.audio(), wanted, tags=tags)


def _origin(track: KeptTrack) -> str:
    if track.sandbox:
        return "made by the phaseo_nb sandbox synthesizer, not by an AI model"
    return f"made by {track.about.model}" if track.about.model else ""


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        message = f"{path} is a folder. Add a file name: {str(path / 'track.mp3')!r}."
        raise AudioError(message)


def _check_place(path: Path, overwrite: bool) -> None:
    if not path.parent.is_dir():
        message = (
            f"The folder {path.parent} does not exist. Make it first:"
            f" pathlib.Path({str(path.parent)!r}).mkdir(parents=True)."
        )
        raise AudioError(message)
    if path.exists() and not overwrite:
        message = (
            f"{path} exists already. Choose another name, or pass overwrite=True to replace it."
        )
        raise AudioError(message)


def _write(path: Path, data: bytes) -> None:
    """Write beside the place, then put it there whole: a full disk leaves no half file."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:  # an interrupt, too, leaves nothing behind
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
