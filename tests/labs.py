"""The front ends people use, each on a free port of this machine: Lab, Notebook 7, Voilà.

The three have one interface: set what is to be chosen before a page is opened, start, open a
notebook of the folder in a browser, close.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

TOKEN = "only-for-this-test"

THEMES = "@jupyterlab/apputils-extension:themes"
NOTIFICATIONS = "@jupyterlab/apputils-extension:notification"
WIDGETS = "@jupyter-widgets/jupyterlab-manager:plugin"

# As `python -m` does it. jsonschema does without this optional grammar of web addresses, which
# takes three of the four seconds that a server needs to start.
START = """
import runpy, sys
sys.modules["rfc3987_syntax"] = None
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""

VIEWPORT = {"width": 1100, "height": 900}

ELSEWHERE = re.compile(r"^https?://(?!127\.0\.0\.1)")


def notebook(*sources):
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write(folder, name, *sources):
    """Put a notebook with these cells into a folder."""
    (folder / name).write_text(json.dumps(notebook(*sources)))


class FrontEnd:
    """A Jupyter server on a free port of this machine, with a home of its own.

    ``kernel_env`` are variables its kernels find; ``settings`` are as :meth:`set` takes them.
    """

    kind = ""

    def __init__(self, folder, *, kernel_env=None, settings=None):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PHASEO_", "UDIOAPI_"))},
            "HOME": str(folder),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "IPYTHONDIR": str(folder / "ipython"),
            "PHASEO_NB_HOME": str(folder / "library"),
            **(kernel_env or {}),
        }
        self.set(NOTIFICATIONS, {"fetchNews": "false", "checkForUpdates": False})
        for plugin, choices in (settings or {}).items():
            self.set(plugin, choices)
        self.log = (folder / f"{self.kind}.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *self.command()],
            env=env,
            cwd=folder,
            stdout=self.log,
            stderr=self.log,
        )

    def __enter__(self):
        try:
            self.wait_until_up()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error):
        self.close()

    def set(self, plugin, settings):
        """Choose a plugin's settings as the settings editor would, before a page is opened."""
        package, _, name = plugin.partition(":")
        file = self.folder / "settings" / package / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))

    def wait_until_up(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/api?token={TOKEN}", timeout=2).close()
            except urllib.error.HTTPError:
                return  # it answers, if only that there is no such page: Voilà
            except OSError:
                time.sleep(0.1)
            else:
                return
        pytest.fail((self.folder / f"{self.kind}.log").read_text())

    def open(self, browser, name):
        """A page with the notebook, once there is something to see and to click."""
        page = browser.new_page(viewport=VIEWPORT)
        page.route(ELSEWHERE, lambda route: route.abort())  # a page that waits for a CDN hangs
        page.goto(f"{self.url}{self.address(name)}token={TOKEN}")
        self.wait_for_page(page)
        return page

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
            raise
        finally:
            self.log.close()

    def command(self):
        raise NotImplementedError

    def address(self, name):
        raise NotImplementedError

    def wait_for_page(self, page):
        raise NotImplementedError


class _Server(FrontEnd):
    def command(self):
        return [
            self.kind,
            "--no-browser",
            "--allow-root",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",  # another port would be one nobody looks at
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.root_dir={self.folder}",
            f"--IdentityProvider.token={TOKEN}",
        ]


# What a person does with the tabs of a Lab that stays open. Nothing asks whether to save.
OPEN_TAB = """async (path) => {
  const tab = await jupyterapp.commands.execute("docmanager:open", {path, factory: "Notebook"});
  await tab.context.ready;
  await tab.sessionContext.ready;
}"""
CLOSE_TABS = """() => {
  for (const tab of [...jupyterapp.shell.widgets("main")]) {
    if (tab.context) tab.context.model.dirty = false;
    tab.close();
  }
}"""


class Lab(_Server):
    """JupyterLab.

    To load a page costs more than most tests do on it. So one that is closed stays in the browser
    without a tab, and the next notebook is opened in it.
    """

    kind = "jupyterlab"
    _spare = None

    def command(self):
        return [*super().command(), "--LabApp.expose_app_in_browser=True"]

    def open(self, browser, name, *, fresh=False):
        """A page with the notebook; ``fresh`` for one that remembers nothing."""
        page, self._spare = self._spare, None
        if page is not None and (fresh or page.context.browser is not browser):
            type(page).close(page)
            page = None
        if page is None:
            page = super().open(browser, name)
        else:
            page.set_viewport_size(VIEWPORT)
            page.evaluate(OPEN_TAB, name)
            self.wait_for_page(page)
        page.close = functools.partial(self._put_by, page)
        return page

    def _put_by(self, page):
        if self._spare is not None:  # two were open at once
            type(page).close(page)
            return
        page.evaluate(CLOSE_TABS)
        page.wait_for_function("() => !document.querySelector('.jp-NotebookPanel')")
        self._spare = page

    def address(self, name):
        return f"/lab/tree/{name}?reset&"  # not the last page again

    def wait_for_page(self, page):
        page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", timeout=60_000)
        idle = page.locator("text=/\\| Idle/")
        idle.or_(page.locator("text=Select Kernel")).first.wait_for(timeout=60_000)
        if page.locator("text=Select Kernel").count():  # Lab asks where it is still starting
            page.click("button:has-text('Select')")
            idle.wait_for(timeout=60_000)


class Notebook7(_Server):
    """Jupyter Notebook 7: one notebook per page, without Lab's shell."""

    kind = "notebook"

    def address(self, name):
        return f"/notebooks/{name}?"

    def wait_for_page(self, page):
        page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", timeout=60_000)
        # Before it has a kernel it says "idle", too.
        has_kernel = ":has(.jp-Toolbar-kernelName:not(:has-text('No Kernel')))"
        is_idle = ":has(.jp-Notebook-ExecutionIndicator[data-status=idle])"
        page.locator(f".jp-NotebookPanel-toolbar{has_kernel}{is_idle}").wait_for(timeout=60_000)


class Voila(FrontEnd):
    """Voilà: a page runs its notebook from the top and shows outputs only.

    With ``only``, the name of a notebook that is there by now, it serves that file at its root.
    """

    kind = "voila"

    def __init__(self, folder, *, only=None, **more):
        self.only = only
        super().__init__(folder, **more)

    def command(self):
        return [
            self.kind,
            str(self.folder / self.only if self.only else self.folder),
            "--no-browser",
            f"--port={self.port}",
            "--Voila.port_retries=0",  # another port would be one nobody looks at
            "--Voila.ip=127.0.0.1",
            f"--token={TOKEN}",
        ]

    def address(self, name):
        return "/?" if self.only else f"/voila/render/{name}?"

    def wait_for_page(self, page):
        """Wait until the notebook has run to its end, well or badly."""
        page.locator("#rendered_cells").wait_for(timeout=60_000)


def run_all(page):
    """Run all cells by the menu; once in a while a page that has just come up overhears it."""
    from playwright.sync_api import TimeoutError  # absent where no browser is driven

    prompts = page.locator(".jp-CodeCell .jp-InputPrompt").filter(has_text=re.compile(r"\[[*\d]"))
    for _ in range(3):
        page.keyboard.press("Escape")
        page.click("text=Run >> nth=0")
        page.click("text=Run All Cells")
        with contextlib.suppress(TimeoutError):  # a cell that waits for its turn has a star
            prompts.first.wait_for(state="attached", timeout=15_000)
            return
