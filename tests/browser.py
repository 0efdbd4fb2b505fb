"""A real Chromium for the tests that look at what a person sees.

Playwright drives the Chromium of the machine. Its loop runs inside the thread that uses it, so
the fixture lives for one module, and modules that use it hold no asynchronous tests.
"""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PLAY = """async (audio) => {
  const until = (ready, ms) => new Promise((done) => {
    const start = performance.now();
    const look = () => ready() || performance.now() - start > ms ? done() : setTimeout(look, 20);
    look();
  });
  await until(() => audio.readyState >= 1 || audio.error, 5000);
  audio.muted = true;
  let refused = null;
  await audio.play().catch((error) => { refused = String(error); });
  await until(() => audio.currentTime > 0.05, 5000);
  audio.pause();
  return {duration: audio.duration, played: audio.currentTime, refused,
          error: audio.error && audio.error.message, controls: audio.controls,
          autoplay: audio.autoplay};
}"""


def chromium_path() -> str | None:
    """Where this machine's Chromium is, if it has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def chromium():
    """A headless Chromium, or a skip with the reason."""
    path = chromium_path()
    if path is None:
        reason = "needs Chromium on this machine (Debian: apt-get install chromium)"
        if os.environ.get("PHASEO_NB_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def play_all(page):
    """Start every player of a page; what each one did."""
    return [audio.evaluate(PLAY) for audio in page.query_selector_all("audio")]
