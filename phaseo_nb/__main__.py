"""``python -m phaseo_nb``: copies, backups and check-ups of a library, without a notebook."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .errors import LibraryError, PhaseoError

if TYPE_CHECKING:
    from .keeping import Library

_NAME = "python -m phaseo_nb"
_EPILOG = """\
A place is a folder or postgresql://user@host/name. Where one may be left out it is PHASEO_NB_HOME,
else the user's data folder. Passwords belong into PGPASSWORD or ~/.pgpass: whoever is logged in
here can read the arguments of a program.

It ends with 0 where all went well, 1 where something was found or failed, 2 where it was called
wrongly, and 130 after Ctrl+C. A copy that was stopped goes on when it is run again.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong without quoting what may hold a password."""

    def error(self, message: str) -> NoReturn:
        super().error(" ".join(_shown(word) for word in message.split(" ")))


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return what the process ends with."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except PhaseoError as error:
        sys.stderr.write(f"{error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Nothing is half there: run the same again to go on.\n")
        return 130
    return 1


def _copy(options: argparse.Namespace) -> int:
    library = _library(options.source)
    _warn_of_passwords(options.target)
    _say(library.copy_to(options.target, audio=options.audio, move=options.move))
    return 0


def _backup(options: argparse.Namespace) -> int:
    _say(_library(options.library).back_up(options.folder))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    checkup = _library(options.place or options.library).doctor(
        mend=options.mend, quick=options.quick
    )
    _say(checkup)
    return 0 if checkup.is_well else 1


def _unfinished(options: argparse.Namespace) -> int:
    library = _library(options.place or options.library)
    lists = (library.unfinished(), library.uncertain())
    for attempts in lists:
        _say(attempts)
    return 1 if any(lists) else 0


def _library(place: str | None) -> Library:
    """Open a library that is there; a name mistyped must not make an empty one."""
    from .keeping import Library
    from .keeping.folder import JOURNAL, open_folder
    from .settings.homes import find_audio, find_home

    _warn_of_passwords(place)
    home = find_home(place)
    if home.database is None and not _is_there(home.folder / JOURNAL):
        message = f"There is no library in {home.shown}: it has no {JOURNAL}."
        raise LibraryError(message)
    if home.database is not None:
        from .keeping.backends.postgres import Postgres

        if not Postgres(home.database, home.shown).is_there():
            message = f"There is no library in {home.shown}: no journal was ever made there."
            raise LibraryError(message)
    # One that cannot be written can be copied all the same: a temporary folder stands in for it.
    audio = find_audio() if place is None else None  # a named one knows where its own is
    try:
        folder = open_folder(home, audio=audio, may_stand_in=True)
    except LibraryError as error:
        if audio is None:
            raise
        # Nothing is ordered by a command, and who looks for what is wrong has to get in.
        sys.stderr.write(f"{error}\n")
        folder = open_folder(home, may_stand_in=True)
    library = Library.at(folder)
    if library.warning:
        sys.stderr.write(f"{library.warning}\n")
    return library


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that no disk takes
        return False


def _warn_of_passwords(place: str | None) -> None:
    if place is not None and _shown(place) != place and "@" in place:
        sys.stderr.write(
            "The address has a password in it, which others on this machine can read while this "
            "runs. PGPASSWORD, ~/.pgpass or PHASEO_NB_HOME keep it out of sight.\n"
        )


def _shown(word: str) -> str:
    from .settings.homes import hide_place, without_password

    if "://" not in word:
        return word if hide_place(word) is word else re.split("[:/]", word, maxsplit=1)[0] + "…"
    before, _, rest = word.partition("://")
    quote = before[: len(before) - len(before.lstrip("'\""))]
    return quote + without_password(f"{before.lstrip(quote)}://{rest}") if rest else word


def _say(thing: object) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    # A terminal of another encoding is no reason to fail.
    sys.stdout.write(f"{thing!r}\n".encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    kind = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog=_NAME, description="Look after a library.", epilog=_EPILOG, formatter_class=kind
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    what = "copy a library to an empty place, or bring an earlier copy there up to date"
    copy = commands.add_parser("copy", help=what, description=f"{what}.".capitalize())
    copy.add_argument("source", metavar="FROM", help="folder or postgresql://…")
    copy.add_argument("target", metavar="TO", help="folder or postgresql://…")
    copy.add_argument("--audio", help="where the recordings go: a folder or an address (s3://…)")
    copy.add_argument(
        "--move", action="store_true", help="FROM takes no orders afterwards; nothing is deleted"
    )
    copy.set_defaults(run=_copy)

    what = "copy a library into a folder, or bring the backup there up to date"
    backup = commands.add_parser("backup", help=what, description=f"{what}.".capitalize())
    backup.add_argument("folder", metavar="FOLDER", help="where the backup goes")
    backup.set_defaults(run=_backup)

    what = "look a library over; ends with 1 where something was found"
    doctor = commands.add_parser("doctor", help=what, description=f"{what}.".capitalize())
    doctor.add_argument("--mend", action="store_true", help="mend what can be mended safely")
    doctor.add_argument("--quick", action="store_true", help="leave the hashes out")
    doctor.set_defaults(run=_doctor)

    what = "list what is on its way or in doubt; ends with 1 where anything is"
    unfinished = commands.add_parser("unfinished", help=what, description=f"{what}.".capitalize())
    unfinished.set_defaults(run=_unfinished)

    for command in (doctor, unfinished):
        command.add_argument("place", metavar="PLACE", nargs="?", help="default: PHASEO_NB_HOME")
    for command in (backup, doctor, unfinished):
        command.add_argument("--library", metavar="PLACE", help="default: PHASEO_NB_HOME")
    return parser


if __name__ == "__main__":
    sys.exit(main())
