"""A group of labelled controls, drawn by the browser from plain facts.

ipywidgets' own controls cannot say "invalid" or point to a message, and a hundred of them are a
hundred models; this is one model for a group, with real ``label``, ``input`` and ``select``
elements. What is typed comes as a message for each change, so that nothing typed just before a
click arrives after it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets

from .fields import Field
from .look import script, style

LONGEST = 400_000
"""Characters that one control takes; what is beyond is cut, and said."""
LARGEST_FILE = 12 * 2**20
"""Bytes of a file that still fits into a request of 16 MiB as base64."""

Listener = Callable[[str, str], None]


class FieldSet(anywidget.AnyWidget):
    """A group of controls.

    Parameters
    ----------
    fields
        What is shown, in this order.
    title
        Heading of a group that can be opened and closed; without one it is always open.
    is_open
        Whether it is open at first.
    listener
        Called with a field's name and text whenever a person has changed it.
    on_rendered
        Called whenever a page draws it: when it is shown, and again when a page is loaded anew.
    **given
        What every widget takes, such as ``layout``.
    """

    # Traits of the class, not of each group: anywidget would make a class for every single one.
    _esm = traitlets.Unicode(script("fieldset")).tag(sync=True)
    _css = traitlets.Unicode(style("fieldset")).tag(sync=True)
    _anywidget_id = traitlets.Unicode(f"{__name__}.FieldSet").tag(sync=True)

    title = traitlets.Unicode("").tag(sync=True)
    summary = traitlets.Unicode("").tag(sync=True)
    is_open = traitlets.Bool(True).tag(sync=True)
    is_hidden = traitlets.Bool(False).tag(sync=True)  # its classes cannot be taken back (0.11)
    fields: Any = traitlets.List().tag(sync=True)
    texts = traitlets.Dict().tag(sync=True)
    choices = traitlets.Dict().tag(sync=True)
    problems = traitlets.Dict().tag(sync=True)
    notes = traitlets.Dict().tag(sync=True)
    unused = traitlets.Dict().tag(sync=True)
    hidden: Any = traitlets.List().tag(sync=True)
    focused = traitlets.Unicode("").tag(sync=True)
    """Where the cursor is to go, with a number so that it can go there twice."""

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        title: str = "",
        is_open: bool = True,
        listener: Listener = lambda name, text: None,
        on_rendered: Callable[[], None] = lambda: None,
        **given: Any,
    ) -> None:
        self._kinds = {field.name: field.kind for field in fields}
        self._files: dict[str, str] = {}
        self._listener = listener
        self._on_rendered = on_rendered
        self._n_focused = 0
        super().__init__(
            title=title,
            is_open=is_open or not title,
            fields=[field.facts() for field in fields],
            texts={field.name: "" for field in fields},
            **given,
        )
        self.on_msg(self._on_message)

    def add_traits(self, **traits: Any) -> None:
        """Add what the class has not got yet."""
        new = {name: trait for name, trait in traits.items() if not self.has_trait(name)}
        if new:
            super().add_traits(**new)

    def __repr__(self) -> str:
        return f"<FieldSet {self.title or ', '.join(self._kinds)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its fields."""
        return tuple(self._kinds)

    def text(self, name: str) -> str:
        """Return what stands in a control; of a file, its bytes as base64."""
        if self._kinds[name] == "file":
            return self._files.get(name, "")
        return str(self.texts.get(name, ""))

    def put(self, name: str, text: str) -> None:
        """Set a control, as if it had been typed."""
        if self._kinds[name] == "file":  # its bytes are not part of what a notebook saves
            self._files[name] = text
            n_bytes = len(text) * 3 // 4
            text = f"{n_bytes:,} bytes" if text else ""
        self.texts = {**self.texts, name: text}

    def focus(self, name: str) -> None:
        """Open the group and put the cursor into a control."""
        self.is_open = True
        self._n_focused += 1
        self.focused = f"{self._n_focused} {name}"

    def _on_message(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        """Take what a person typed; a message may be anything."""
        if not isinstance(content, dict):
            return
        if content.get("rendered") is True:
            self._on_rendered()
            return
        name, text = content.get("name"), content.get("text")
        kind = self._kinds.get(name) if isinstance(name, str) else None
        if kind is None or not isinstance(text, str):
            return
        if kind == "file":
            self._take_file(str(name), text, buffers)
        else:
            text = storable(text)
            if text == self.texts.get(str(name)):  # said already
                return
            self.texts = {**self.texts, str(name): text}
        self._listener(str(name), self.text(str(name)))

    def _take_file(self, name: str, title: str, buffers: Sequence[Any]) -> None:
        data = bytes(buffers[0]) if buffers else b""
        self._files[name] = base64.b64encode(data[:LARGEST_FILE]).decode("ascii")
        title = title[:80]
        shown = f"{title}, {len(data):,} bytes" if data else ""
        if len(data) > LARGEST_FILE:
            self._files[name] = ""
            shown = f"{title} is too large: {len(data):,} of at most {LARGEST_FILE:,} bytes"
        self.texts = {**self.texts, name: shown}


def storable(text: str) -> str:
    """Return text that can go over the wire and into a file: no half characters, not endless."""
    return text[:LONGEST].encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Readout(anywidget.AnyWidget):
    """Text to look at and to copy: the code or the request of a form."""

    _esm = script("readout")
    _css = style("readout")

    title = traitlets.Unicode("").tag(sync=True)
    text = traitlets.Unicode("").tag(sync=True)
    is_hidden = traitlets.Bool(False).tag(sync=True)
