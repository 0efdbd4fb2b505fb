"""``MusicForm``: everything ``generate`` can do, for those who do not program.

The form holds text in controls; ``drafts.py`` turns it into a request or into words at the
control that is wrong, the session carries the job on the engine, and the player appears in a place
that the cell kept free. Handlers return at once: they may be called while a cell computes, and on
a foreign thread (ipykernel 7.0 to 7.3).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets

from ..connecting import default_session, session_beside
from ..errors import PhaseoError, RequestRejected, SettingsError
from ..gateways import ModelInfo, catalogue
from ..phrases import excerpt
from ..session import Session, check_waiting
from ..settings import WIRES
from ..settings.keys import stored_key
from .choosing import gateway_choices, list_words, model_choices, note_of, price_words
from .code import code_of
from .drafts import Draft, Request, as_wire, out_of_use, read_draft
from .filling import texts_of
from .form_parts import Parts
from .ordering import Ordering
from .panels import OTHER_MODEL
from .showing import Showing

if TYPE_CHECKING:
    from ..takes import Take
    from ..takes.handle import Job

_LONGEST_READOUT = 100_000


class MusicForm(ipywidgets.VBox):  # type: ignore[misc]  # shipped without types
    """A form that makes music: words, options of every provider, price, players.

    Parameters
    ----------
    prompt
        What stands in the form at first.
    session
        Where jobs go at first; default is the one of the last ``connect``.
    take
        Which attempt is asked for.
    request
        A ready request to begin with.
    **words
        Any word of :func:`phaseo_nb.generate`: ``model``, ``lyrics``, ``suno={…}`` and so on.

    Attributes
    ----------
    job : Job or None
        The last job of this form.
    take : Take or None
        The last take.
    takes : list of Take
        All takes made or played with this form, oldest first.

    Raises
    ------
    RequestRejected
        A word or option for which the form has no control.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> session = nb.connect("sandbox")
    >>> form = nb.MusicForm("slow harp", duration=2)
    >>> print(form.to_code())
    take = await nb.generate('slow harp', model='sandbox/band', duration=2)
    >>> form.generate().result().track.format
    'mp3'
    """

    def __init__(
        self,
        prompt: str | None = None,
        *,
        session: Session | None = None,
        take: int | None = None,
        request: Request | None = None,
        **words: Any,
    ) -> None:
        self._home = session or default_session()
        self._sessions = {self._home.gateway: self._home}
        self._models: dict[str, list[ModelInfo]] = {}
        self._is_touched = False
        self._gateways = gateway_choices(self._home)
        self._lock = threading.RLock()
        self._showing = Showing(self)
        self._parts = parts = Parts(self)
        super().__init__(children=parts.children, layout=parts.layout)
        for name in ("phaseo-nb-w", "phaseo-nb-form"):
            self.add_class(name)
        self._ordering = Ordering(self)
        self.session = self._home
        given = {"prompt": prompt, "take": take, **words}
        texts = texts_of(as_wire(self._home.connection.name), given, request)
        texts["gateway"] = self._home.gateway
        texts.setdefault("model", self._home.connection.model or "")
        for name, text in texts.items():
            parts.put(name, text)
        self._is_touched = any(texts.get(name) for name in ("prompt", "lyrics", "style"))
        self._refresh()

    def __repr__(self) -> str:
        prompt = excerpt(self._parts.text("prompt"), 40)
        return f"<MusicForm {self.session.gateway}{f', “{prompt}”' if prompt else ''}>"

    # -- what code reads and does ------------------------------------------------------------------

    @property
    def request(self) -> Request:
        """The request as it would be sent now.

        Raises
        ------
        RequestRejected
            Something is missing or wrong; ``issues`` has one for each control.
        """
        draft = self.draft()
        if draft.request is None:
            raise RequestRejected(*draft.issues)
        return draft.request

    @property
    def job(self) -> Job | None:
        """The last job of this form."""
        return self._ordering.jobs[-1] if self._ordering.jobs else None

    @property
    def take(self) -> Take | None:
        """The last take of this form."""
        return self.takes[-1] if self.takes else None

    @property
    def takes(self) -> list[Take]:
        """All takes of this form, oldest first."""
        takes = (job.take for job in self._ordering.jobs if job.take is not None)
        return list(dict.fromkeys(takes))

    def to_code(self, *, fresh: bool = False) -> str:
        """Return the lines that do the same as the form.

        Raises
        ------
        RequestRejected
            Something is missing or wrong.
        """
        self.request  # noqa: B018 - raises where there is none
        gateway = None if self.session is default_session() else self.session.gateway
        return code_of(self.draft(), fresh=fresh, gateway=gateway)

    def generate(self, *, fresh: bool = False) -> Job:
        """Do what the button does, without asking back; ``take = await form.generate()``.

        Parameters
        ----------
        fresh
            Whether one more take is made of a request that is kept already.

        Raises
        ------
        RequestRejected, BudgetExceeded, UncertainSubmission, …
            As :func:`phaseo_nb.submit`.
        """
        draft = self.draft()
        self.request  # noqa: B018 - raises where there is none
        return self._ordering.order(draft, fresh=fresh)

    # -- what stands in the controls ---------------------------------------------------------------

    @property
    def model(self) -> str | None:
        """The chosen model."""
        chosen = self._parts.text("model")
        if chosen == OTHER_MODEL:
            return self._parts.text("other_model").strip() or None
        return chosen or None

    def draft(self) -> Draft:
        """Read the controls."""
        wire = as_wire(self.session.connection.name)
        draft = read_draft(wire, self.model, self._parts.texts())
        if self.model is None and wire == "phaseo":
            draft.issues = [issue for issue in draft.issues if issue.field != "model"]
            words = "Choose a model: a paid gateway has none of its own accord."
            draft.refuse("model", "model_required", None, words)
        try:
            check_waiting(draft.take, False, None)
        except RequestRejected as error:
            for issue in error.issues:
                draft.refuse(issue.field, issue.reason, issue.value, issue.expected)
        return draft

    def changed(self, name: str, text: str) -> None:
        """React to what a person typed or chose."""
        with self._lock:
            self._is_touched = True
            self._ordering.forget_question()
            if name == "gateway":
                self._choose_gateway(text)
            self._refresh()

    def refresh(self) -> None:
        """Check everything anew: prices, what is left, what is in the library."""
        with self._lock:
            self._refresh()

    def show_problems(self) -> Draft:
        """Say what is wrong or missing at every control, and return the draft."""
        with self._lock:
            self._is_touched = True
            return self._refresh()

    def _choose_gateway(self, name: str) -> None:
        try:
            if name not in self._sessions:
                self._sessions[name] = session_beside(self._home, name)
        except PhaseoError as error:
            self._parts.put("gateway", self.session.gateway)
            self._refuse_gateway(name, error)
            return
        self._gateways = gateway_choices(self._home)  # a key may have been typed meanwhile
        self._parts.offer_login(None)
        self._parts.say("")
        self.session = self._sessions[name]
        self._parts.put("model", self.session.connection.model or "")
        self._ordering.learn_models()

    def _refuse_gateway(self, name: str, error: PhaseoError) -> None:
        if not isinstance(error, SettingsError) or stored_key(WIRES[name].key_variable):
            self._parts.say_error(error)
            return
        from .key_field import KeyField

        self._parts.offer_login(KeyField(name))
        words = f"There is no key for {name} yet. Enter it above, then choose {name} once more."
        self._parts.say(words)

    def models(self) -> list[ModelInfo]:
        """Return the models of the chosen gateway as they are known by now."""
        name = self.session.gateway
        return self._models.get(name) or catalogue.built_in(self.session.connection.name)

    def learn(self, gateway: str, models: list[ModelInfo]) -> None:
        """Take over a live list of models."""
        with self._lock:
            self._models[gateway] = models
            self._refresh()

    # -- what is seen ------------------------------------------------------------------------------

    def _refresh(self) -> Draft:
        """Check everything and show what came of it."""
        draft, session, parts = self.draft(), self.session, self._parts
        models = self.models()
        chosen = self._parts.text("model")
        parts.choose("gateway", self._gateways)
        parts.choose("model", model_choices(models, chosen=chosen, is_sandbox=session.is_sandbox))
        problems = draft.problems if self._is_touched else {}
        notes = {"model": list_words(models, note_of(models, self.model)), **draft.notes}
        parts.show(
            problems=problems,
            notes=notes,
            unused=out_of_use(as_wire(session.connection.name), self.model),
            hidden=[] if chosen == OTHER_MODEL else ["other_model"],
            wire=session.connection.name,
        )
        parts.mark(session.is_sandbox)
        try:
            words = self._price_words(draft, problems)
        except PhaseoError as error:  # such as a library that was damaged meanwhile
            words = excerpt(str(error), 200)
        parts.show_price(words)
        parts.refresh_readout(self.shown_text)
        return draft

    def _price_words(self, draft: Draft, problems: Mapping[str, str]) -> str:
        words = [self._budget_words()]
        general = problems.get("")
        if general:
            words = [general]
        elif draft.request is not None:
            words.insert(0, self._what_it_costs(draft.request, draft.take))
        return " · ".join(word for word in words if word)

    def _what_it_costs(self, request: Request, take: Any) -> str:
        number = take if isinstance(take, int) and take > 0 else None
        found = self.session.find(request, take=number)
        if found is not None and found[0] == "kept":
            return f"in your library as take {found[1]}: playing it is free"
        listed = {model.id: model.price for model in self.models()}
        price = listed.get(self.model or "") or self.session.list_price(request)
        return price_words(price, self.session.is_sandbox)

    def _budget_words(self) -> str:
        budget = self.session.budget
        if budget.limit is None:
            return ""
        return f"${budget.left:.2f} of ${budget.limit:.2f} left"

    def shown_text(self, what: str) -> str:
        """Return the text of a readout: ``"code"`` or ``"request"``."""
        draft = self.draft()
        if draft.request is None:
            return "Something is missing or wrong; see the controls above."
        text = self.to_code() if what == "code" else _pretty(draft.request.to_wire())
        if len(text) > _LONGEST_READOUT:
            n_more = len(text) - _LONGEST_READOUT
            return f"{text[:_LONGEST_READOUT]}\n… and {n_more:,} more characters"
        return text

    # -- where it is shown -------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        self._showing.show()
        self._ordering.look_for_open_ends()
        self._ordering.learn_models()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return self._showing.bundle()


def _pretty(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2)
