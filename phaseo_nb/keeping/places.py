"""Where a library may lie: which folders can be written, and which are on another machine.

SQLite's write-ahead log needs memory that all its users share, which a network file system does
not give them: there the journal falls back to a rollback journal and to one kernel at a time.
Linux is tested; the answers of macOS and Windows are read as their documentation says, untested.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

NETWORK = "PHASEO_NB_NETWORK_HOME"
"""Environment variable that says outright whether the library is on a network: ``1`` or ``0``."""

_NETWORK_WORDS = """
    9p afpfs afs beegfs ceph cifs coda davfs glusterfs gfs2 gpfs lustre ncpfs nfs nfs4 ocfs2
    orangefs panfs pvfs2 smb smb2 smb3 smbfs virtiofs webdav wekafs
"""
_NETWORK_TYPES = frozenset(_NETWORK_WORDS.split())
_LOCAL_FUSE = frozenset({"fuseblk", "fuse.ntfs", "fuse.exfat", "fuse.fuse-overlayfs", "fuse.lxcfs"})


def is_network(folder: Path) -> bool:
    """Tell whether a folder is on a network file system, as far as the system says."""
    said = os.environ.get(NETWORK, "").strip().lower()
    if said:
        return said not in {"0", "false", "no", "off"}
    try:
        kind = file_system(folder)
    except (OSError, ValueError):
        return False
    return _is_network_type(kind)


def _is_network_type(kind: str) -> bool:
    if kind in _NETWORK_TYPES:
        return True
    return kind.startswith("fuse.") and kind not in _LOCAL_FUSE  # somebody's own driver: play safe


def file_system(folder: Path) -> str:
    """Return the type of the file system that holds a folder, in the system's own word.

    Raises
    ------
    OSError, ValueError
        The system does not tell.
    """
    place = _existing(folder)
    if sys.platform.startswith("linux"):
        return type_from_mountinfo(Path("/proc/self/mountinfo").read_text("utf-8"), place)
    if sys.platform == "darwin":
        command = ["/sbin/mount"]  # a path of the system's own, and nothing from outside
        out = subprocess.run(  # nosec B603
            command, capture_output=True, text=True, timeout=5, check=True
        )
        return type_from_mount(out.stdout, place)
    if sys.platform == "win32":
        return _windows_type(place)
    return "unknown"


def type_from_mountinfo(text: str, place: Path) -> str:
    """Return the type of the mount that a path is in, from ``/proc/self/mountinfo``."""
    best, kind = -1, "unknown"
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        fields = left.split(" ")
        if not dash or len(fields) < 5:
            continue
        point = _unescaped(fields[4])
        # A later mount hides an earlier one at the same point.
        if _is_below(place, point) and len(point) >= best:
            best, kind = len(point), right.split(" ")[0]
    return kind


def type_from_mount(text: str, place: Path) -> str:
    """Return the type of the mount that a path is in, from what macOS's ``mount`` prints."""
    best, kind = -1, "unknown"
    for line in text.splitlines():
        match = re.fullmatch(r".+? on (/.*?) \(([\w.]+)(?:,.*)?\)", line)
        if match and _is_below(place, match[1]) and len(match[1]) >= best:
            best, kind = len(match[1]), match[2]
    return kind


def _windows_type(place: Path) -> str:
    import ctypes

    drive = place.drive
    if drive.startswith("\\\\"):
        return "smb"  # \\server\share
    remote = 4  # DRIVE_REMOTE
    kind = ctypes.windll.kernel32.GetDriveTypeW(drive + "\\")  # type: ignore[attr-defined,unused-ignore]
    return "smb" if kind == remote else "local"


def _existing(folder: Path) -> Path:
    """Return the nearest folder that is there, links resolved."""
    place = folder.expanduser().absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place.resolve()


def _is_below(place: Path, point: str) -> bool:
    path = str(place)
    return path == point or path.startswith(point.rstrip("/") + "/")


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
