"""Takes on their way out: a folder or zip file with readable names that tells where they are from.

Each take is one JSON file beside its recordings; ``importing.py`` reads them back. What would
identify an account stays here: keys, raw answers, callback addresses, and what is signed in links.

Bare samples (ElevenLabs' ``wav``) get a WAV header on their way, as no player knows them without;
the JSON says how long it is, so that an import has what was received, to the byte.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from ...audio.codecs import _wav_header
from ...errors import AudioError, LibraryError
from ..entries import Entry, entries_in, named_entry
from ..records import dump
from ..store import Recording, Unreachable
from ..upkeep.removing import named
from .names import safe_name, take_name, unique_name
from .sidecar import FORMAT, VERSION, made_with, sidecar_of

if TYPE_CHECKING:
    from ..folder import Folder

log = logging.getLogger("phaseo_nb")

INDEX = "phaseo-nb-export.json"
MOST_FILES = 50_000
"""In one zip file: a reader has to hold the whole list of them."""
_BLOCK = 1_000_000


class _Target(Protocol):
    def open(self, name: str, made: datetime) -> contextlib.AbstractContextManager[BinaryIO]:
        """Return a new file of the export."""


def export(
    folder: Folder, path: str | os.PathLike[str], takes: Any = None, *, overwrite: bool = False
) -> Path:
    """Write takes out; see :meth:`Library.export`."""
    target = _checked(path, overwrite)
    entries = _wanted(folder, takes)
    is_zip = target.suffix.lower() == ".zip"
    if is_zip and sum(1 + len(entry.recordings) for entry in entries) > MOST_FILES:
        message = (
            f"{len(entries):,} takes are too many files for one zip file. Export them into a "
            "folder, or in parts."
        )
        raise LibraryError(message)
    part = target.with_name(f".{safe_name(target.stem, most_bytes=60)}.{secrets.token_hex(6)}.part")
    try:
        if is_zip:
            _write_zip(folder, part, target.stem, entries)
        else:
            part.mkdir()
            _write_all(folder, _Directory(part), entries)
        _put_in_place(part, target)
    except (OSError, zipfile.LargeZipFile, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        message = f"The export could not be written to {target}: {why}. Nothing was left there."
        raise LibraryError(message) from error
    finally:  # an interrupt, too, leaves nothing behind
        _remove(part)
    return target


# -- what goes out -------------------------------------------------------------------------------


def _wanted(folder: Folder, takes: Any) -> list[Entry]:
    if takes is None:
        kept = folder.database.read(lambda db: entries_in(db, "kept"))
        return [entry for entry in kept if entry.kind == "music"]
    is_many = isinstance(takes, Iterable) and not isinstance(takes, str)
    names = list(named(takes if is_many else [takes]))
    found = folder.database.read(lambda db: [named_entry(db, name) for name in names])
    for name, entry in zip(names, found, strict=True):
        if entry is None or entry.state != "kept" or entry.kind != "music":
            is_no = "is no kept take" if entry else "is not there"
            if entry is not None and entry.kind == "picture":
                is_no = "is an order of cover images, no take of music,"
            message = f"{name[:80]!r} {is_no} in the library {folder.shown}. Nothing was exported."
            raise LibraryError(message)
    return list({entry.n: entry for entry in found if entry is not None}.values())


def _write_all(folder: Folder, target: _Target, entries: Iterable[Entry]) -> None:
    """Write recordings and sidecars; never more than one of them is in memory."""
    taken: set[str] = {INDEX.casefold()}
    written: list[str] = []
    lost = 0
    for entry in entries:
        made = datetime.fromtimestamp(entry.created_at, timezone.utc)
        stem = _stem(take_name(entry.title or entry.prompt, entry.number, made), taken)
        files: list[dict[str, Any]] = []
        n_tracks = len(entry.recordings)
        for position, recording in enumerate(entry.recordings):
            if recording is None:
                continue
            try:
                source = folder.store.open(recording)
            except Unreachable as error:
                message = f"{error} Nothing was exported."
                raise LibraryError(message) from error
            except AudioError:
                lost += 1
                continue
            with source:
                track = f", track {position + 1}" if n_tracks > 1 else ""
                suffix = ".wav" if recording.format == "pcm" else recording.suffix
                name = unique_name(stem + track, suffix, taken)
                header = _header(entry, position, recording)
                with target.open(name, made) as out:
                    out.write(header)
                    shutil.copyfileobj(source, out, _BLOCK)
            files.append(_facts(recording, position, name, len(header)))
            written.append(name)
        name = unique_name(stem, ".json", taken)
        with target.open(name, made) as out:
            out.write(_pretty(sidecar_of(entry, files)))
        written.append(name)
    about = {"format": f"{FORMAT} export", "version": VERSION, "exported_with": made_with()}
    with target.open(INDEX, datetime.now(timezone.utc)) as out:
        out.write(_pretty({**about, "files": written}))
    if lost:
        log.warning(
            "%d recordings are gone or damaged and are missing from the export; "
            "`nb.library().doctor()` says which.",
            lost,
        )


def _stem(name: str, taken: set[str]) -> str:
    """Return a stem that is free for the sidecar, so that a take's files sort together."""
    found = unique_name(name, ".json", set(taken))
    return found.removesuffix(".json")


def _facts(recording: Recording, position: int, name: str, n_header: int) -> dict[str, Any]:
    return {
        "track": position,
        "file": name,
        "format": recording.format,
        "sha256": recording.sha256,
        "size": recording.size,
        "header_bytes": n_header,
    }


def _header(entry: Entry, position: int, recording: Recording) -> bytes:
    if recording.format != "pcm":
        return b""
    answer = entry.read_answer()
    rate = answer.tracks[position].pcm_rate if answer is not None else None
    return _wav_header(recording.size - recording.size % 4, rate or 44_100, 2)


def _pretty(facts: Any) -> bytes:
    return json.dumps(json.loads(dump(facts)), indent=1, allow_nan=False).encode() + b"\n"


# -- where it goes -------------------------------------------------------------------------------


class _Directory:
    """A folder as a place for files."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()

    @contextlib.contextmanager
    def open(self, name: str, made: datetime) -> Iterator[BinaryIO]:
        path = self._path / name
        if path.parent != self._path or not path.resolve().is_relative_to(self._path):
            message = f"{name!r} would lie outside of the export"
            raise ValueError(message)
        with path.open("xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())


class _Zip:
    """A zip file as a place for files, all in one folder of its name."""

    def __init__(self, zip_file: zipfile.ZipFile, top: str) -> None:
        self._zip = zip_file
        self._top = top

    @contextlib.contextmanager
    def open(self, name: str, made: datetime) -> Iterator[BinaryIO]:
        year = min(max(made.year, 1980), 2107)  # what a zip file can say
        info = zipfile.ZipInfo(f"{self._top}/{name}", (year, *made.timetuple()[1:6]))
        info.external_attr = 0o644 << 16
        is_text = name.endswith((".json", ".wav"))  # the other formats are compressed already
        info.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
        with self._zip.open(info, "w", force_zip64=True) as out:
            yield out  # type: ignore[misc]


def _write_zip(folder: Folder, part: Path, stem: str, entries: list[Entry]) -> None:
    with part.open("xb") as file:
        with zipfile.ZipFile(file, "w") as zip_file:
            _write_all(folder, _Zip(zip_file, safe_name(stem, most_bytes=60)), entries)
        file.flush()
        os.fsync(file.fileno())


def _checked(path: str | os.PathLike[str], overwrite: bool) -> Path:
    """Return the place of an export if it may be written."""
    try:
        target = Path(os.path.abspath(Path(path).expanduser()))
        if not target.parent.is_dir():
            message = f"The folder {target.parent} does not exist. Make it first."
            raise LibraryError(message)
        if target.is_symlink() or (target.exists() and not _may_replace(target, overwrite)):
            message = (
                f"{target} is there already and stays as it is. Choose another name; an earlier "
                "export is replaced with overwrite=True, anything else is not."
            )
            raise LibraryError(message)
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        message = f"{str(path)!r:.200} is no place for an export: {error}."
        raise LibraryError(message) from error
    return target


def _may_replace(target: Path, overwrite: bool) -> bool:
    """Tell whether a place is an empty folder, or an earlier export with nothing else in it."""
    if target.is_dir():
        there = {item.name for item in target.iterdir()}
        if target.suffix.lower() == ".zip":
            return False
        return not there or (overwrite and there <= {INDEX, *_listed(target / INDEX)})
    if not overwrite or target.suffix.lower() != ".zip":
        return False
    try:
        with zipfile.ZipFile(target) as zip_file:
            return any(name.rpartition("/")[2] == INDEX for name in zip_file.namelist())
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return False


def _listed(index: Path) -> set[str]:
    try:
        files = json.loads(index.read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
    return {name for name in files if isinstance(name, str)} if isinstance(files, list) else set()


def _put_in_place(part: Path, target: Path) -> None:
    """Give what is whole its name; an earlier export goes only after that."""
    if not target.is_dir():
        os.replace(part, target)
        return
    old = target.with_name(f".{secrets.token_hex(8)}.part")
    target.rename(old)
    try:
        part.rename(target)
    except BaseException:
        old.rename(target)
        raise
    _remove(old)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
