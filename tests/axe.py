"""axe-core on a page: what it finds that would shut somebody out.

The script comes with the package axe-playwright-python, so this needs no network.
"""

from __future__ import annotations

import importlib.resources

GRAVE = ("serious", "critical")

RUN = """(selector) => axe.run(selector, {resultTypes: ["violations"], iframes: false})
  .then((found) => found.violations)"""


def serious(page, selector):
    """Return what axe-core finds below ``selector`` that is serious or critical.

    An empty list is a page without such findings; else one line for each, with the element.
    Raises where ``selector`` fits nothing, as nothing was looked at then.
    """
    assert page.locator(selector).count(), f"there is no {selector} on the page"
    if not page.evaluate("() => 'axe' in window"):
        script = importlib.resources.files("axe_playwright_python") / "axe.min.js"
        page.evaluate(script.read_text("utf-8"))
    return [
        f"{finding['impact']} {finding['id']}: {node['failureSummary']} {node['html']}"
        for finding in page.evaluate(RUN, selector)
        if finding["impact"] in GRAVE
        for node in finding["nodes"]
    ]
