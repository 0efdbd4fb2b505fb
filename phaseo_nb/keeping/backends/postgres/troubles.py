"""What PostgreSQL and the way to it complain about, in our own words with a way out.

Nothing of a driver's own message is passed on unread: it may quote the address.
"""

from __future__ import annotations

from ....errors import LibraryError, PhaseoError

_LOOK = "See to host and port in its address"
_UNREACHED = {  # a failed knock has no number; these are our own words for it
    "no name": f"no machine of that name is known here. {_LOOK}",
    "nobody": f"nobody listens there. Is the server running? {_LOOK}",
    "no way": f"no way leads there from this machine. {_LOOK}",
    "silence": "nobody answered within some seconds",
}
_PASSING = {
    "40001": "two kernels were in each other's way",
    "40P01": "two kernels waited for each other",
    "55P03": "another program holds the journal's lock",
    "57P01": "the server ended the connection",
    "57P02": "the server crashed",
    "57P03": "the server is starting",
    "57P05": "the server ended a connection that was idle",
    "57014": "the server took too long",
    "53300": "the server has no connection left",
    "25P03": "the server ended a transaction that was idle",
    "08000": "the connection broke",
    "08001": "it does not answer",
    "08003": "the connection broke",
    "08004": "it let nobody in",
    "08006": "the connection broke",
    "08P01": "the connection broke",
    **_UNREACHED,
}
_KNOCKING = {  # by the words of a failed knock
    "too many clients": "53300",
    "too many connections": "53300",
    "connection slots are reserved": "53300",
    "starting up": "57P03",
    "shutting down": "57P03",
    "recovery mode": "57P03",
    "not yet accepting": "57P03",
    "not currently accepting connections": "57P03",
    "permission denied": "42501",
    "pg_hba.conf": "28000",
    "authentication failed": "28P01",
    "no password supplied": "no password",
    "password retrieved from file": "28P01",
    "does not exist": "3D000",
    "resolve host": "no name",
    "translate host name": "no name",
    "Name or service not known": "no name",
    "Connection refused": "nobody",
    "Is the server running": "nobody",
    "Network is unreachable": "no way",
    "No route to host": "no way",
    "timeout expired": "silence",
    "but SSL was required": "no SSL",
    "response to SSL negotiation": "no PostgreSQL",
}
_LASTING = {
    "no password": (
        "wants a password, and none was found. It may stand in PGPASSWORD, in ~/.pgpass or in the "
        "address."
    ),
    "no SSL": "does not speak SSL, which the address or PGSSLMODE asks for.",
    "no PostgreSQL": f"is not there: what answers is no PostgreSQL. {_LOOK}.",
}
_FULL = ("53100", "53200", "54000", "58030")
_READ_ONLY = ("25006",)
_FORBIDDEN = ("42501", "28000", "28P01")
_ABSENT = ("3D000",)
_GONE = ("42P01", "3F000", "42703")
_SAFE = (
    "Nothing is sent while it cannot be written down; what is on its way is held in memory and "
    "written as soon as it answers."
)


def no_psycopg() -> LibraryError:
    """Say what a journal in PostgreSQL needs."""
    message = (
        "A library in PostgreSQL needs the package psycopg, which is not installed: "
        '`pip install "phaseo-nb[scale]"`.'
    )
    return LibraryError(message)


class Troubles:
    """What goes wrong with one database.

    Parameters
    ----------
    shown
        Where it is, without any password.
    """

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def is_passing(self, error: BaseException) -> bool:
        """Tell whether the same may go well in a moment."""
        state = _state(error)
        if state is not None:
            return state in _PASSING
        return self.is_cut(error)

    def is_cut(self, error: BaseException) -> bool:
        """Tell whether there is no connection any more, or none could be made."""
        import psycopg

        if not isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
            return False
        state = _state(error)
        if state is None:
            return "invalid" not in str(error)
        if state in _UNREACHED:
            return True
        return state in _PASSING and (state[:2] in ("08", "57") or state == "25P03")

    def in_our_words(self, error: BaseException) -> Exception:
        """Return the error of ours for whatever connecting, reading or writing raised."""
        import psycopg

        if isinstance(error, PhaseoError) or not isinstance(error, psycopg.Error):
            return error if isinstance(error, Exception) else self._library(str(type(error)))
        ours = self._said(error, _state(error))
        ours.__cause__, ours.__suppress_context__ = None, True  # its frames hold the address
        return ours

    def newer(self, version: int, latest: int) -> LibraryError:
        """Say that a journal comes from a version after this one."""
        return self._library(
            f"has shape {version}, and this version of phaseo_nb knows up to {latest}: a newer one "
            "has been here. Nothing was written. Upgrade with `pip install -U phaseo-nb`."
        )

    def too_old(self, version: int, oldest: int) -> LibraryError:
        """Say that a server lacks what is needed."""
        return self._library(f"runs PostgreSQL {version}. It takes PostgreSQL {oldest} or later.")

    def no_rights(self, schema: str) -> LibraryError:
        """Say that somebody else has to make the schema."""
        return self._library(
            f"lets us in, but we may not make or use the schema {schema} there. Whoever owns the "
            f"database can make it: CREATE SCHEMA {schema} AUTHORIZATION, and your user's name.",
            is_unwritable=True,
        )

    def no_unicode(self, encoding: str) -> LibraryError:
        """Say that a database cannot hold every text."""
        return self._library(
            f"stores texts as {encoding}, which cannot hold every prompt. Make a database with "
            "ENCODING 'UTF8'."
        )

    def gone(self, schema: str) -> LibraryError:
        """Say that the tables are not there any more."""
        return self._library(
            f"has no journal any more: the schema {schema} was dropped or replaced while this "
            "kernel had it open. Restore it, or go on with what is there now: "
            "`nb.library().close()` opens it anew."
        )

    def in_doubt(self) -> LibraryError:
        """Say that nobody knows whether the last change was written."""
        return self._library(
            "did not say whether it had written the last change, and does not answer. Nothing "
            f"more was done. {_SAFE} Once it is back, `library.unfinished()` and "
            "`library.uncertain()` show how things stand."
        )

    def _said(self, error: BaseException, state: str | None) -> LibraryError:
        import psycopg

        if state in _FULL:
            words = f"is full ({_brief(error)}), so nothing could be written down. Make room there."
            return self._library(words, is_unwritable=True)
        if state in _READ_ONLY:
            words = (
                "can only be read now (a replica, or a server that was set to read only), so "
                "nothing could be written down. Give the address of the one that can be written."
            )
            return self._library(words, is_unwritable=True)
        if state in _FORBIDDEN:
            return self._library(
                "does not let us in, or not do this: user, password or rights are not right "
                "there. Passwords may stand in PGPASSWORD or in ~/.pgpass instead of the address.",
                is_unwritable=True,
            )
        if state in _LASTING:
            return self._library(_LASTING[state or ""])
        if state in _ABSENT:
            return self._library("does not exist there. Make it with `createdb`, or mend its name.")
        if state in _GONE:
            return self._library(
                "has no journal, or one that was changed by hand. `nb.library().close()` opens it "
                "anew."
            )
        if state in _PASSING or self.is_cut(error):
            why = _PASSING.get(state or "", "it does not answer")
            return self._library(f"cannot be reached or used now: {why}. {_SAFE}")
        if state is None and isinstance(error, psycopg.ProgrammingError):
            # Its message would quote what it stumbled on: a part of a password, perhaps.
            return self._library(
                "has an address that PostgreSQL cannot read. It is "
                "postgresql://user:password@host/name, with % and the number of a sign for each "
                "of `:/@?#%` inside user or password; after a ? come options that PostgreSQL "
                "knows, such as sslmode=require."
            )
        return self._library(f"refused a statement ({_brief(error)}).")

    def _library(self, words: str, *, is_unwritable: bool = False) -> LibraryError:
        return LibraryError(f"The library {self._shown} {words}", is_unwritable=is_unwritable)


def _state(error: BaseException) -> str | None:
    """Return PostgreSQL's number for what is wrong, or the one that its words stand for."""
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state
    words = str(error)
    return next((state for known, state in _KNOCKING.items() if known in words), None)


def _brief(error: BaseException) -> str:
    """Return the server's own short message: of statements, never of connecting."""
    diagnosis = getattr(error, "diag", None)
    said = getattr(diagnosis, "message_primary", None)
    return f"{type(error).__name__}: {said}"[:200] if said else type(error).__name__
