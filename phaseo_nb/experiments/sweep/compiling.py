"""From the rows of a sweep to requests: checked by the rules of their service, priced and named.

Everything is checked before the first is sent. The requests themselves are not held: each is
made again when its turn comes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ...connecting import session_beside
from ...errors import RequestRejected, SettingsError
from ...phrases import excerpt
from ...requests import MusicRequest, UdioRequest, build_request, request_key
from ...requests.words import BuiltRequest
from ...session import Session
from ...session.rhythm import model_of
from ...settings import WIRES, resolve_connection
from .grid import Grid
from .moulds import WORTH, Mould, is_plain, make_mould
from .wording import refused

if TYPE_CHECKING:
    from ...jobs import Cost

SessionOf = Callable[[Any], Session]


class Place(NamedTuple):
    """Where requests of one kind go, and what each of them costs."""

    gateway: str
    """As the row names it, else the session's."""
    session: Session
    model: str | None
    provider: str | None
    price: Cost


@dataclass
class Compiled:
    """All rows of a sweep as their services will see them."""

    grid: Grid
    keys: list[str] = field(default_factory=list)
    """The name of each row's request in the journal; equal for equal requests."""
    places: list[Place] = field(default_factory=list)
    place_of: list[int] = field(default_factory=list)
    """Which of the places each row goes to."""
    notes: dict[str, int] = field(default_factory=dict)
    """What is said about requests before they are sent, and how many rows it is about."""
    models: dict[str, str] = field(default_factory=dict)
    """Models of requests that name none, by the word gateway (``""`` where it is not given)."""

    def place(self, row: int) -> Place:
        """Return where a row goes."""
        return self.places[self.place_of[row]]

    def notes_said(self, most: int = 6) -> tuple[str, ...]:
        """Return what is said about the requests, each once, with how many rows it is about."""
        notes = sorted(self.notes.items(), key=lambda item: -item[1])
        n_rows = self.grid.n_rows
        said = [f"{n:,} of {n_rows:,} rows: {note}" if n < n_rows else note for note, n in notes]
        more = len(said) - most
        return (*said[:most], *([f"… and {more:,} more"] if more > 0 else []))

    def request(self, row: int) -> MusicRequest | UdioRequest:
        """Return the request of a row."""
        words = self.grid.request_words(row)
        return self.build(self.place(row).session, words, words.pop("prompt", None))[0]

    def build(self, session: Session, words: Mapping[str, Any], prompt: Any) -> BuiltRequest:
        """Return the checked request of words and a prompt, with its notes."""
        given = {name: value for name, value in words.items() if name != "gateway"}
        if "model" not in given:
            given["model"] = self._default_model(words.get("gateway") or "", session)
        wire: Literal["udio", "phaseo"] = "udio" if session.connection.name == "udio" else "phaseo"
        return build_request(wire, prompt, **given)

    def _default_model(self, gateway: str, session: Session) -> str:
        """Return what a gateway's requests without a model ask for: the same for a whole sweep."""
        if gateway not in self.models:
            self.models[gateway] = session.default_model()
        return self.models[gateway]


def compile_grid(grid: Grid, session_of: SessionOf, models: dict[str, str]) -> Compiled:
    """Check every row by the rules of its service.

    Parameters
    ----------
    grid
        The rows.
    session_of
        Value of the word ``gateway`` (or ``None``) → session.
    models
        Gateway → model for requests that name none, as far as that is settled; what is settled
        here is added.

    Raises
    ------
    ExperimentError
        Rows that break a rule, each with its number and its reason.
    SettingsError
        A key or a model is missing.
    """
    compiled = Compiled(grid, [""] * grid.n_rows, place_of=[0] * grid.n_rows, models=models)
    work = _Compiling(compiled, session_of)
    for rows, words, prompts in _alike(grid):
        work.compile(rows, words, prompts)
    problems = [said for _, said in sorted(work.problems, key=lambda problem: problem[0])]
    n = len({row for row, _ in work.problems})
    refused(f"This sweep breaks rules in {n:,} row{'' if n == 1 else 's'}", problems)
    return compiled


def _alike(grid: Grid) -> Iterator[tuple[list[int], dict[str, Any], list[Any]]]:
    """Yield rows that differ in their prompt alone: their numbers, words and prompts."""
    groups: dict[str, tuple[list[int], dict[str, Any], list[Any]]] = {}
    for row in range(grid.n_rows):
        words = grid.request_words(row)
        prompt = words.pop("prompt", None)
        rows, _, prompts = groups.setdefault(_text_of(words), ([], words, []))
        rows.append(row)
        prompts.append(prompt)
    yield from groups.values()


_text_of = json.JSONEncoder(sort_keys=True).encode


class _Compiling:
    """Fills in what is compiled, and collects what is wrong."""

    def __init__(self, compiled: Compiled, session_of: SessionOf) -> None:
        self.compiled = compiled
        self.session_of = session_of
        self.problems: list[tuple[int, str]] = []
        self._numbers: dict[tuple[Any, ...], int] = {}

    def compile(self, rows: list[int], words: dict[str, Any], prompts: list[Any]) -> None:
        """Check, name and price rows that differ in their prompt alone."""
        gateway = words.get("gateway")
        if gateway is not None and gateway not in _GATEWAYS:
            shown, known = excerpt(repr(gateway), 40), ", ".join(map(repr, _GATEWAYS))
            for row in rows:
                self._refuse(row, f"gateway = {shown}: it is one of {known}.")
            return
        session = self.session_of(gateway)
        plain = [prompt for prompt in prompts if is_plain(prompt)]
        mould = self._mould(session, words, plain) if len(plain) >= WORTH else None
        for row, prompt in zip(rows, prompts, strict=True):
            if mould is not None and is_plain(prompt):
                self._enter(row, gateway, session, mould.key(prompt), mould.request, mould.notes)
                continue
            try:
                request, notes = self.compiled.build(session, words, prompt)
            except RequestRejected as error:
                for issue in error.issues:
                    self._refuse(row, _issue(issue))
                continue
            connection = session.connection
            key = request_key(request, gateway=connection.name, base_url=connection.base_url)
            self._enter(row, gateway, session, key, request, notes)

    def _mould(self, session: Session, words: dict[str, Any], plain: list[str]) -> Mould | None:
        connection = session.connection
        try:
            return make_mould(
                lambda prompt: self.compiled.build(session, words, prompt),
                plain,
                gateway=connection.name,
                base_url=connection.base_url,
            )
        except RequestRejected:  # each row says by itself what is wrong
            return None

    def _enter(
        self,
        row: int,
        gateway: str | None,
        session: Session,
        key: str,
        request: MusicRequest | UdioRequest,
        notes: tuple[str, ...],
    ) -> None:
        compiled = self.compiled
        kind = gateway, model_of(request), getattr(request, "provider_name", None)
        number = self._numbers.get(kind)
        if number is None:
            number = self._numbers[kind] = len(compiled.places)
            price = session.list_price(request)
            where = gateway or session.gateway
            compiled.places.append(Place(where, session, kind[1], kind[2], price))
        compiled.keys[row] = key
        compiled.place_of[row] = number
        for note in notes:
            compiled.notes[note] = compiled.notes.get(note, 0) + 1

    def _refuse(self, row: int, what: str) -> None:
        self.problems.append((row, f"{_row(self.compiled.grid, row)}: {what}"))


_GATEWAYS = (*WIRES, "sandbox")


def beside(session: Session, gateway: str) -> Session:
    """Return the session for another gateway, with the same library and limits.

    Beside a session of the sandbox every gateway is the sandbox, in that gateway's words: what is
    tried out there must not cost anything because a row names a gateway.
    """
    if not session.is_sandbox:
        return session_beside(session, gateway)
    connection = resolve_connection(gateway, transport=session.connection.transport)
    return Session(
        connection,
        library=session.library,
        budget_usd=session.budget.limit,
        allow_unknown_price=session.budget.allow_unknown_price,
    )


def settled_model(session: Session) -> str | None:
    """Return the model of requests that name none; ``None`` where nothing was chosen."""
    try:
        return session.default_model()
    except SettingsError:
        return None


def _issue(issue: Any) -> str:
    what = issue.field or "the request"
    return f"{what} = {excerpt(repr(issue.value), 60)}: {issue.expected}"


def _row(grid: Grid, row: int) -> str:
    words: Mapping[str, Any] = grid.words(row)
    said = [f"{n}={excerpt(repr(words[n]), 30)}" for n in grid.varied[:3] if n in words]
    return f"row {row + 1}" + (f" ({', '.join(said)})" if said else "")
