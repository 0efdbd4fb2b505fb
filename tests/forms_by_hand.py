"""A form as a person uses it, without a browser: typing, clicking, reading what it says."""

from __future__ import annotations

import threading

from test_cards import Page

import phaseo_nb as nb
from phaseo_nb.forms.places import Shelf


class Handle:
    """A place in a notebook: what was drawn there, and a way to wait for it."""

    def __init__(self):
        self.drawn = []
        self._changed = threading.Condition()

    def update(self, bundle, *, raw=True):
        with self._changed:
            self.drawn.append(bundle["text/html"])
            self._changed.notify_all()

    def wait_for(self, words):
        with self._changed:
            there = self._changed.wait_for(lambda: self.drawn and words in self.drawn[-1], 20)
        assert there, self.drawn[-1:]


class Hand:
    """Somebody at a form."""

    def __init__(self, *words, places=3, **more):
        self.form = nb.MusicForm(*words, **more)
        self.parts = self.form._parts
        self.places = [Handle() for _ in range(places)]
        self.form._showing.outside = Shelf(self.places)

    def type(self, **texts):
        """Type into controls; ``suno__title`` is ``suno.title``."""
        for name, text in texts.items():
            self.put(name.replace("__", "."), text)

    def put(self, name, text, buffers=()):
        group = self.parts._of[name]
        group._on_message(group, {"name": name, "text": text}, buffers)

    def put_rendered(self):
        """What a page says when it has drawn the form."""
        group = self.parts._of["prompt"]
        group._on_message(group, {"rendered": True}, [])

    def click(self, name):
        """Press a button and wait until what it asked for is done."""
        button = getattr(self.parts, name)
        assert not button.disabled
        button.click()
        if self.form._ordering.work is not None:
            self.form._ordering.work.result(20)

    def settle(self):
        """Wait until all jobs of the form have ended, well or badly."""
        for job in self.form._ordering.jobs:
            nb.run(job.ended())

    def problem(self, name):
        return self.parts._of[name].problems.get(name)

    def note(self, name):
        return self.parts._of[name].notes.get(name)

    def unused(self, name):
        return self.parts._of[name].unused.get(name)

    @property
    def state(self):
        return Page(self.parts._state.value).text

    @property
    def price(self):
        return Page(self.parts._price.value).text

    @property
    def question(self):
        """What is asked, with the answers; ``None`` where nothing is."""
        if "pnb-hidden" in self.parts._asks._dom_classes:
            return None
        parts = self.parts
        answers = [parts.first, parts.second, parts.neither]
        offered = [a.description for a in answers if "pnb-hidden" not in a._dom_classes]
        return Page(parts._question.value).text, offered

    def readout(self):
        return None if self.parts._readout.is_hidden else self.parts._readout.text

    def html(self):
        """Everything that reaches the page as markup."""
        parts = self.parts
        values = [parts._head, parts._price, parts._question, parts._state]
        return "".join(part.value for part in values) + self.form._repr_mimebundle_()["text/html"]
