"""What was ordered and has not become a take: still on its way, in doubt, or failed."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError, SettingsError
from ..jobs import Cost
from ..phrases import excerpt
from .entries import OPEN, OPEN_ENDS, Entry

if TYPE_CHECKING:
    from ..requests import MusicRequest, UdioRequest
    from ..takes.handle import Job
    from .folder import Folder

_WORDS = {
    "planned": "waiting for its turn, not sent yet",
    "submitting": "being handed in",
    "submitted": "at the service",
    "completed": "made; its audio is still to be fetched",
    "expired": "at the service; nobody waits for it",
    "uncertain": "may exist and may have cost",
    "empty": "completed and paid, without any audio",
    "failed": "failed",
    "written_off": "written off",
}


class Attempt:
    """One attempt at a request that is not a take.

    Attributes
    ----------
    take_id : str
        Its name in the library.
    state : str
        ``submitted``, ``completed`` or ``expired`` (unfinished); ``uncertain``; ``empty``
        (completed without audio); ``failed``; ``written_off``.
    prompt, model, gateway, base_url, notebook : str or None
        What was asked for, where, and from which notebook.
    number : int
        Which take of its request it was to become.
    id, request_id : str or None
        The gateway's names for it, where it gave any.
    known : str or None
        What is known about how it ended.
    created_at : datetime
        When it was ordered.
    price : Cost
        What it cost, else what was set aside for it.
    is_watched : bool
        Whether a kernel that lives looks after it.
    """

    def __init__(self, folder: Folder, entry: Entry, *, is_watched: bool = False) -> None:
        self._folder = folder
        self._entry = entry
        self.is_watched = is_watched
        self.take_id = entry.id
        self.state = entry.state
        self.prompt = entry.prompt
        self.model = entry.model
        self.gateway = "sandbox" if entry.sandbox else entry.gateway
        self.base_url = entry.base_url
        self.notebook = entry.notebook
        self.number = entry.number
        self.id = entry.job_id
        self.request_id = entry.request_id
        self.known = entry.known
        self.created_at = datetime.fromtimestamp(entry.created_at, timezone.utc).astimezone()

    @property
    def price(self) -> Cost:
        """What it cost, else what was set aside for it."""
        entry = self._entry
        if entry.cost_usd is not None or entry.cost_credits is not None:
            return Cost(entry.cost_usd, entry.cost_credits)
        return entry.read_price()

    @property
    def request(self) -> MusicRequest | UdioRequest:
        """What was asked for."""
        return self._entry.read_request()

    @property
    def words(self) -> str:
        """How it stands, in words."""
        if self.state == "expired" and self.known:
            return "the service did not know it; write_off() closes it"
        return _WORDS.get(self.state, self.state)

    def __repr__(self) -> str:
        of = f' of "{excerpt(self.prompt, 40)}"' if self.prompt else ""
        sandbox = ", sandbox" if self._entry.sandbox else ""
        return f"<Attempt {self.number}{of}: {self.state}, {self.price}{sandbox}>"

    # -- what can be done about it ---------------------------------------------------------------

    def look_again(self) -> Job:
        """Ask the gateway under every name that is known, and take the job up if it is there.

        Where only an address for callbacks is known, what arrived there is looked at.

        Costs nothing. The job that is returned can be awaited; it raises ``JobNotFound`` where
        the gateway knows nothing of it, which is no proof that it was never made.

        Raises
        ------
        LibraryError
            No name is known, so there is nothing to ask for, or it is settled already.
        SettingsError
            This kernel is not connected to its gateway.
        """
        self._must_be(*OPEN, *OPEN_ENDS)
        reports = self._folder.journal.callback_of(self._entry.n)
        if self.state in OPEN_ENDS and not (self.id or self.request_id or reports):
            message = (
                "No answer came, so no name of the job is known and there is nothing to ask for. "
                "Look at the usage page of your account; then `submit_again()` or `write_off()`."
            )
            raise LibraryError(message)
        job: Job = self._agent().look_again(self._entry)
        return job

    def submit_again(self) -> Job:
        """Send the same request once more and pay for it; this attempt is written off.

        Raises
        ------
        LibraryError
            It is settled already.
        SettingsError
            This kernel is not connected to its gateway.
        BudgetExceeded
            It does not fit into the budget; nothing is sent, nothing is written off.
        """
        self._must_be(*OPEN_ENDS)
        job: Job = self._agent().submit_again(self._entry)
        return job

    def write_off(self, usd: float | None = None) -> None:
        """Close it: nobody will look for it any more, and its request counts as not made.

        Parameters
        ----------
        usd
            What it cost by the page of your account, in US dollars; ``0`` where it was not
            charged. ``None`` leaves what was set aside as spent.

        Raises
        ------
        LibraryError
            It is settled already, or ``usd`` is no amount.
        """
        self._must_be(*OPEN, *OPEN_ENDS)
        number = isinstance(usd, (int, float)) and not isinstance(usd, bool)
        if usd is not None and not (number and 0 <= usd < 1e9):
            message = f"usd = {usd!r} is no amount of US dollars."
            raise LibraryError(message)
        handle = self._folder.handles.get(self._entry.n)
        if handle is not None and handle.is_waiting:
            handle.stop_waiting()
        self._folder.journal.write_off(self._entry.n, usd).result()

    def _must_be(self, *states: str) -> None:
        entry = self._folder.database.read(self._again)
        if entry is None or entry.state not in states:
            now = f"it is {_WORDS.get(entry.state, entry.state)} now" if entry else "it is gone"
            if entry is not None and entry.state == "kept":
                now = "it is kept by now"
            message = f"{self!r} is settled: {now}. Nothing was done."
            raise LibraryError(message)
        self._entry = entry
        self.state = entry.state

    def _again(self, db: Any) -> Entry | None:
        from .entries import read_entry

        return read_entry(db, "n = ?", (self._entry.n,))

    def _agent(self) -> Any:
        entry = self._entry
        agent = self._folder.agents.get((entry.gateway, entry.base_url))
        if agent is None:
            name = "sandbox" if entry.sandbox else entry.gateway
            message = (
                f"This kernel is not connected to {name} at {entry.base_url}, which knows about "
                f"it. Connect first: `nb.connect({name!r})`."
            )
            raise SettingsError(message)
        return agent
