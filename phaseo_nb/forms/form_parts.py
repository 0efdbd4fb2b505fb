"""The parts of a form: groups of controls, buttons, a question, what is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from .. import cards
from ..errors import UncertainSubmission
from .fieldset import FieldSet, Readout
from .panels import FIELDS, PANELS, PROMPT, SETTINGS, WHERE, WORDS

if TYPE_CHECKING:
    from .music_form import MusicForm

Handler = Callable[[Any], None]


class Parts:
    """What a form is made of.

    Attributes
    ----------
    generate, stop, code, body : ipywidgets.Button
        Generate, Stop waiting, Show code, Show request.
    layout : ipywidgets.Layout
        The one that all of them share.
    """

    def __init__(self, form: MusicForm) -> None:
        layout = ipywidgets.Layout()
        self._open_groups = [
            FieldSet(fields, listener=form.changed, layout=layout)
            for fields in (WHERE, WORDS, SETTINGS)
        ]
        prompt = FieldSet(
            PROMPT, listener=form.changed, on_rendered=form._showing.rendered, layout=layout
        )
        self._open_groups.insert(1, prompt)
        self._panels = {
            panel.name: FieldSet(
                panel.fields, title=panel.title, is_open=False, listener=form.changed, layout=layout
            )
            for panel in PANELS
        }
        self._groups = (*self._open_groups, *self._panels.values())
        self._of = {name: group for group in self._groups for name in group.names}
        # The style sheet says how all of it looks. Every widget brings a layout and a style along
        # all the same, unless it is given one: that was half of what a front end had to be told.
        given = {"layout": layout, "style": ipywidgets.ButtonStyle()}
        self.generate = button("Generate", "Make music out of this", "pnb-primary", **given)
        self.stop = button("Stop waiting", "The job goes on at the service and is kept", **given)
        self.code = button("Show code", "The line of code that does the same", "pnb-plain", **given)
        self.body = button("Show request", "Exactly what is sent", "pnb-plain", **given)
        self.first = button("", "", "pnb-primary", **given)
        self.second = button("", "", **given)
        self.neither = button("Not now", "Change nothing", "pnb-plain", **given)
        self._head = ipywidgets.HTML(layout=layout)
        given = {"layout": layout, "style": self._head.style}
        self._price = _wide(ipywidgets.HTML(**given))
        self._question = ipywidgets.HTML(**given)
        self._state = ipywidgets.HTML(**given)
        self._readout = Readout(is_hidden=True, layout=layout)
        self._shown: str | None = None
        answers = self.first, self.second, self.neither
        self._asks = _row("pnb-asks", self._question, *answers, layout=layout)
        self._login = ipywidgets.Box(layout=layout)
        self.stop.disabled = True
        _hide(self._asks, True)
        _hide(self._state, True)

        self.layout = layout
        self.children = self._stacked()

    def _stacked(self) -> list[Any]:
        """Return everything, from top to bottom."""
        panels = ipywidgets.VBox(list(self._panels.values()), layout=self.layout)
        panels.add_class("pnb-panels")
        buttons = self.generate, self.stop, self._price, self.code, self.body
        actions = _row("pnb-actions", *buttons, layout=self.layout)
        where, *others = self._open_groups
        top = [self._head, where, self._login, *others, panels]
        return [*top, self._asks, actions, self._state, self._readout]

    # -- controls ----------------------------------------------------------------------------------

    def text(self, name: str) -> str:
        """Return what stands in a control."""
        return self._of[name].text(name)

    def texts(self) -> dict[str, str]:
        """Return what stands in the controls, empty ones left out."""
        found = {name: group.text(name) for name, group in self._of.items()}
        return {
            name: text
            for name, text in found.items()
            if text and name not in ("gateway", "model", "other_model")
        }

    def put(self, name: str, text: str) -> None:
        """Set a control."""
        self._of[name].put(name, text)

    def focus(self, name: str) -> None:
        """Put the cursor into a control."""
        self._of[name].focus(name)

    def choose(self, name: str, choices: list[list[str]]) -> None:
        """Offer other choices."""
        group = self._of[name]
        if group.choices.get(name) != choices:
            group.choices = {**group.choices, name: choices}

    def show(
        self,
        *,
        problems: Mapping[str, str],
        notes: Mapping[str, str],
        unused: Mapping[str, str],
        hidden: Sequence[str],
        wire: str,
    ) -> None:
        """Show at each control what is to be said about it."""
        for group in self._groups:
            _set(group, "problems", _only(problems, group))
            _set(group, "notes", _only(notes, group))
            _set(group, "unused", _only(unused, group))
            _set(group, "hidden", [name for name in hidden if name in group.names])
        for panel in PANELS:
            group = self._panels[panel.name]
            _set(group, "is_hidden", panel.wire != wire)
            n_set = sum(bool(group.text(name)) for name in group.names)
            reason = next(iter(group.unused.values()), "")
            is_unused = len(group.unused) == len(group.names)
            n_wrong = len(group.problems)
            said = f"{n_set} set" if n_set else ""
            said = f"{n_wrong} to look at" if n_wrong else said
            _set(group, "summary", reason.rstrip(".").lower() if is_unused else said)

    def first_problem(self, problems: Mapping[str, str]) -> str | None:
        """Return the topmost control of which something is wrong."""
        return next((name for name in FIELDS if name in problems), None)

    # -- what is said ------------------------------------------------------------------------------

    def mark(self, is_sandbox: bool) -> None:
        """Head the form, with the mark of the sandbox where it is one."""
        badge = '<span class="pnb-mark">SANDBOX</span>' if is_sandbox else ""
        head = '<h3 class="pnb-heading">Make music</h3>'
        _set(self._head, "value", f'<div class="pnb-top">{head}<span>{badge}</span></div>')

    def show_price(self, words: str) -> None:
        """Say what it costs, beside the button."""
        _set(self._price, "value", f'<span class="pnb-small">{cards.escape(words)}</span>')

    def say(self, words: str, html: str = "") -> None:
        """Say how it stands; nothing where there is nothing to say."""
        said = (
            html or f'<span class="pnb-small">{cards.escape(words)}</span>' if words or html else ""
        )
        self._state.value = f'<div role="status">{said}</div>' if said else ""
        _hide(self._state, not said)

    def say_error(self, error: BaseException) -> None:
        """Say what went wrong, with the next step that the error names."""
        if isinstance(error, UncertainSubmission):
            known = error.known or str(error)
            choices = (("Look at it, or write it off", "nb.library().uncertain()"),)
            self.say("", cards.open_question_card(known=known, choices=choices))
        else:
            self.say("", cards.failure_card("This did not work", happened=str(error)))

    def ask(self, words: str, first: str, second: str) -> None:
        """Ask, with two answers; an empty one is not offered."""
        self._question.value = f'<div role="status">{cards.escape(words)}</div>'
        self.first.description, self.second.description = first, second
        _hide(self.second, not second)
        _hide(self._asks, False)
        self.first.focus()

    def offer_login(self, field: Any) -> None:
        """Show a field for a key below the gateway; ``None`` takes it away."""
        self._login.children = () if field is None else (field,)

    def ask_no_more(self) -> None:
        """Take the question away."""
        _hide(self._asks, True)

    # -- code and request --------------------------------------------------------------------------

    def toggle_readout(self, what: str, text_of: Callable[[str], str]) -> None:
        """Show the code or the request, or hide what is shown."""
        self._shown = None if self._shown == what else what
        self.refresh_readout(text_of)

    def refresh_readout(self, text_of: Callable[[str], str]) -> None:
        """Keep what is shown up to date."""
        if self._shown is not None:
            titles = {"code": "The same in code", "request": "What is sent"}
            self._readout.title = titles[self._shown]
            self._readout.text = text_of(self._shown)
        self.code.description = "Hide code" if self._shown == "code" else "Show code"
        self.body.description = "Hide request" if self._shown == "request" else "Show request"
        _set(self._readout, "is_hidden", self._shown is None)


def button(label: str, tip: str, *classes: str, **given: Any) -> Any:
    """Return a button of ours."""
    made = ipywidgets.Button(description=label, tooltip=tip, **given)
    for name in ("pnb-button", *classes):
        made.add_class(name)
    return made


def _row(name: str, *children: Any, **given: Any) -> Any:
    row = ipywidgets.Box(children, **given)
    row.add_class(name)
    return row


def _wide(widget: Any) -> Any:
    widget.add_class("pnb-grow")
    return widget


def _hide(widget: Any, is_hidden: bool) -> None:
    (widget.add_class if is_hidden else widget.remove_class)("pnb-hidden")


def _only(said: Mapping[str, str], group: FieldSet) -> dict[str, str]:
    return {name: words for name, words in said.items() if name in group.names}


def _set(widget: Any, name: str, value: Any) -> None:
    if getattr(widget, name) != value:
        setattr(widget, name, value)
