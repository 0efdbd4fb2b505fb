"""In a real JupyterLab: the live line turns into a player, which still plays untrusted."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from browser import chromium, play_all

pytestmark = pytest.mark.browser

TOKEN = "only-for-this-test"


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


class Lab:
    """A JupyterLab on a free port of this machine, with a home of its own."""

    def __init__(self, folder):
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
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += [f"--ServerApp.port={self.port}", "--ServerApp.ip=127.0.0.1"]
        command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"]
        self.set("notification", {"fetchNews": "false", "checkForUpdates": False})
        self.log = (folder / "lab.log").open("w")
        self.process = subprocess.Popen(command, env=env, stdout=self.log, stderr=self.log)

    def set(self, plugin, settings):
        """Choose a setting as the settings editor would, before a page is opened."""
        file = self.folder / "settings" / "@jupyterlab" / "apputils-extension"
        file.mkdir(parents=True, exist_ok=True)
        (file / f"{plugin}.jupyterlab-settings").write_text(json.dumps(settings))

    def wait_until_up(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/api?token={TOKEN}", timeout=2).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        pytest.fail((self.folder / "lab.log").read_text())

    def open(self, browser, name):
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.goto(f"{self.url}/lab/tree/{name}?reset&token={TOKEN}")  # not the last page again
        page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", timeout=60_000)
        idle = page.locator("text=/\\| Idle/")
        idle.or_(page.locator("text=Select Kernel")).first.wait_for(timeout=60_000)
        if page.locator("text=Select Kernel").count():  # Lab asks where it is still starting
            page.click("button:has-text('Select')")
            idle.wait_for(timeout=60_000)
        return page

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.wait_until_up()
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def run_all(page):
    page.keyboard.press("Escape")
    page.click("text=Run >> nth=0")
    page.click("text=Run All Cells")


CELL = 'import phaseo_nb as nb\ntake = await nb.generate("Warm jazz trio", duration=4)'


def test_a_cell_shows_its_job_and_then_one_player(lab, browser):
    """In Lab the output is first the live line, then exactly one player that plays."""
    (lab.folder / "live.ipynb").write_text(json.dumps(notebook(CELL)))
    page = lab.open(browser, "live.ipynb")

    run_all(page)
    page.wait_for_selector("text=/interrupt the cell/i", timeout=60_000)
    assert page.query_selector("audio") is None
    page.wait_for_selector("audio", timeout=60_000)
    (played,) = play_all(page)

    assert played["duration"] == pytest.approx(4.0, abs=0.2)
    assert played["played"] > 0.05
    assert re.search("sandbox", page.inner_text(".jp-OutputArea"), re.I)
    page.close()


def test_a_player_survives_saving_and_an_untrusted_reopening(lab, browser):
    """Saved and opened by somebody who has not trusted it, the player still plays."""
    (lab.folder / "saved.ipynb").write_text(json.dumps(notebook(CELL)))
    page = lab.open(browser, "saved.ipynb")
    run_all(page)
    page.wait_for_selector("audio", timeout=60_000)
    page.click(".lm-MenuBar-itemLabel:text-is('File')")
    page.click(".lm-Menu-itemLabel:text-is('Save Notebook')")
    page.wait_for_selector(".jp-Document:not(.jp-mod-dirty)", state="attached", timeout=10_000)
    page.wait_for_timeout(1000)
    page.close()
    saved = json.loads((lab.folder / "saved.ipynb").read_text())
    outputs = saved["cells"][0]["outputs"]
    assert sum("<audio" in "".join(o["data"]["text/html"]) for o in outputs) == 1

    # A changed byte makes it somebody else's notebook: the signature no longer fits.
    saved["cells"][0]["source"] += "  # shared"
    (lab.folder / "shared.ipynb").write_text(json.dumps(saved))
    page = lab.open(browser, "shared.ipynb")
    page.wait_for_selector("audio", timeout=30_000)
    (played,) = play_all(page)

    assert page.query_selector(".jp-OutputArea style") is None  # it really is untrusted
    assert played["duration"] == pytest.approx(4.0, abs=0.2)
    assert played["played"] > 0.05
    page.close()
