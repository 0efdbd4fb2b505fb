"""The field for an API key: one message with the key, and no state that could be saved.

What a widget syncs is saved with the notebook, and what stands in a message's content is written
to debug logs by the comm layer. So the key comes as a binary buffer of a custom message, of which
a log shows an address. What is said about keys goes the other way in messages, too: saved with
the page, it would be untrue as soon as the kernel is gone.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from pydantic import SecretStr

from .. import cards
from ..engine import engine
from ..errors import SettingsError
from ..key_entry import accept, connected_to, store
from ..settings import WIRES
from ..settings.keys import hide

log = logging.getLogger("phaseo_nb")

_STATIC = Path(__file__).parent / "static"
_SERVICES = {"phaseo": "Phaseo", "udio": "udioapi.pro"}


class KeyField(anywidget.AnyWidget):
    """A field for an API key that keeps nothing of it.

    Parameters
    ----------
    wire
        Whose key is asked for; ``None`` lets a person choose.
    remember
        Whether the key is stored in the keyring, too.
    in_use
        Which key is in use before, such as ``"phaseo: key from keyring"``.

    Attributes
    ----------
    said : str
        How it stands, in a few words without a key.
    work : Future or None
        What waits for the keyring.
    """

    _esm = _STATIC / "key-field.js"
    _css = _STATIC / "key-field.css"

    services = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)
    help = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, wire: str | None = None, remember: bool = False, in_use: str | None = None
    ) -> None:
        names = [wire] if wire else list(WIRES)
        kept = "and stored in the keyring of its machine" if remember else "and nowhere else"
        super().__init__(
            services=[[name, _SERVICES[name]] for name in names],
            help=f"Kept in the memory of this kernel {kept}; never in the notebook.",
        )
        self._wire = wire
        self._remember = remember
        self.work: Future[None] | None = None
        self.said = f"{in_use or f'{names[0]}: no key yet'}; the field takes one"
        words = f"In use: {in_use}. A key entered here goes before it." if in_use else "No key yet."
        self._status: dict[str, str] = {"words": words, "tone": "plain", "code": ""}
        self.on_msg(self._on_message)

    def __repr__(self) -> str:
        return f"<KeyField {self.said}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Add what is shown where there are no widgets, or no kernel any more."""
        made = super()._repr_mimebundle_(**kwargs)
        data, metadata = made if isinstance(made, tuple) else (made, {})
        variables = " or ".join(WIRES[name].key_variable for name, _ in self.services)
        lines = [
            "A field for an API key stands here while the kernel of this cell lives.",
            f"Without it: nb.login(field=False), or the environment variable {variables}.",
        ]
        twin = {
            "text/html": cards.note_card(lines, heading="API key"),
            "text/plain": cards.note_card(lines, heading="API key", text=True),
        }
        return {**(data or {}), **twin}, metadata

    # -- messages; they may arrive on a thread of their own, and none may raise: IPython would
    # -- print the frames it passed, with the message in them

    def _on_message(self, _: Any, content: Any, buffers: Any) -> None:
        try:
            if isinstance(content, dict) and content.get("kind") == "key":
                self._on_key(_read(buffers), content.get("service"))
            else:
                self._tell()
        except SettingsError as error:
            self._tell(str(error), "bad")
        except Exception as error:
            log.error("A key that was entered could not be used (%s).", type(error).__name__)
            self._tell(f"This did not work ({type(error).__name__}).", "bad")

    def _on_key(self, key: SecretStr, service: Any) -> None:
        # Chosen by hand among several, a service has to agree with the key as if none was named.
        wire = self._wire or (service if service == "udio" else None)
        found = accept(key, wire)
        if self._remember:
            self._tell("In use. Storing it in the keyring …", "good")
            self.work = engine.submit(self._store(found, key))
        else:
            self._tell_entered(found, "this kernel only")

    async def _store(self, wire: str, key: SecretStr) -> None:
        self._tell_entered(wire, await asyncio.to_thread(store, wire, key))

    def _tell_entered(self, wire: str, where: str) -> None:
        self.said = f"{wire}: key from login, {where}"
        now = connected_to()
        then = f" Still connected: {now}. To use the key:" if now else " Next:"
        words = f"Key for {_SERVICES[wire]} entered, {where}.{then}"
        self._tell(words, "good", f'nb.connect("{wire}")')

    def _tell(self, words: str | None = None, tone: str = "plain", code: str = "") -> None:
        """Say how it stands to all views of the field; without words, once more."""
        if words is not None:
            self._status = {"words": words, "tone": tone, "code": code}
        self.send({"kind": "status", **self._status})


def _read(buffers: Any) -> SecretStr:
    """Take the key out of a message; what is no text of moderate length is no key."""
    if not buffers or len(buffers[0]) > 4096:
        return SecretStr("")
    return hide(bytes(buffers[0]).decode("utf-8", "replace")) or SecretStr("")
