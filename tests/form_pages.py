"""A form in a real browser: cells that show one, and hands that operate it."""

from __future__ import annotations

import json
import time

from playwright.sync_api import TimeoutError

HOME = 'import os; os.environ["PHASEO_NB_HOME"] = os.path.abspath("{}-home")\n'
"""Each notebook has a library of its own, or the jobs of one would be open ends of the next."""

RECORDER = """
import httpx, json, pathlib
import phaseo_nb as nb
from phaseo_nb.sandbox import Sandbox, delayed, stuck

class Recorder(httpx.AsyncBaseTransport):
    is_phaseo_nb_sandbox = True

    def __init__(self, inner, name):
        self.inner, self.file = inner, pathlib.Path(name)

    async def handle_async_request(self, request):
        if request.method == "POST" and "generate" in request.url.path:
            with self.file.open("a") as file:
                file.write((await request.aread()).decode() + "\\n")
        return await self.inner.handle_async_request(request)

box = Sandbox()
"""


def showing(name, *, gateway="phaseo", script="", form="nb.MusicForm()"):
    """A cell that shows a form whose orders are written into a file of that name."""
    connect = f'nb.connect("{gateway}", transport=Recorder(box.transport, "{name}"))'
    home = HOME.format(name.partition(".")[0])
    return f"{home}{RECORDER}{script}\n{connect}\nform = {form}\nform"


class Orders:
    """What was ordered, as the kernel of a page wrote it down."""

    def __init__(self, folder, name):
        self.file = folder / name

    @property
    def bodies(self):
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def wait_for(self, n, seconds=20):
        deadline = time.monotonic() + seconds
        while len(self.bodies) < n and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(self.bodies) == n, f"{len(self.bodies)} orders"
        return self.bodies[-1]


class FormPage:
    """A page with one form."""

    def __init__(self, page):
        self.page = page
        self.form = page.locator(".phaseo-nb-form")
        self.control("Prompt").wait_for(timeout=60_000)

    def control(self, label):
        """A control outside the panels, by its label."""
        return self.form.get_by_label(label, exact=True).first

    def button(self, name):
        return self.form.get_by_role("button", name=name, exact=True)

    def panel(self, title):
        """A panel, opened."""
        name = self.page.locator(".pnb-name").get_by_text(title, exact=True)
        panel = self.form.locator("details", has=name)
        if panel.get_attribute("open") is None:
            panel.locator("summary").click()
        return panel

    def choose(self, label, value):
        self.control(label).select_option(value)

    def fill(self, **texts):
        """Fill controls by their labels, ``_`` for a blank."""
        for name, text in texts.items():
            self.control(name.replace("_", " ")).fill(text)

    def generate(self, until=None):
        """Press the button; with ``until``, wait for what comes, and press once more if need be.

        On a machine that stands still for seconds a press can overtake what was typed just
        before. A person would press again; nothing is bought twice by it.
        """
        self.button("Generate").click()
        if until is None:
            return
        try:
            until.first.wait_for(timeout=25_000)
        except TimeoutError:
            self.button("Generate").click()
            until.first.wait_for(timeout=60_000)

    def wait_for_words(self, words, seconds=30):
        self.page.locator(f"text={words}").first.wait_for(timeout=seconds * 1000)


def controls_of(place):
    """The controls of a panel by their labels, as the browser connects the two."""
    ids = place.evaluate(
        "(panel) => Object.fromEntries([...panel.querySelectorAll('label')]"
        ".map((label) => [label.textContent, label.htmlFor]))"
    )
    return {label: place.locator(f"#{id}") for label, id in ids.items()}


def operate(control, value):
    """Put a value into a control as a person would; what kind of element it is."""
    kind = control.evaluate("(element) => element.tagName + ' ' + element.type")
    if kind.startswith("SELECT"):
        control.select_option(str(value).lower() if isinstance(value, bool) else str(value))
    elif kind.endswith("file"):
        control.set_input_files(value)
    elif isinstance(value, list):
        control.fill(", ".join(value))
    elif isinstance(value, dict):
        control.fill(json.dumps(value))
    else:
        control.fill(str(value))
    return kind
