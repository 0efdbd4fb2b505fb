"""Ask whether a known hole is in what a plain install brings along.

Only the packages that every user gets are asked about, not those of the tests. Where the advisory
service cannot be reached, or does not know the packages (a mirror need not have advisories), this
says so and goes on: no network is no reason to hold a change back, a known hole is.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution, PackageNotFoundError, distributions
from pathlib import Path

from packaging.requirements import Requirement

WAIVED: dict[str, str] = {}
"""Advisories that do not concern this package: id, and why not."""


def installed(site: Path) -> dict[str, Distribution]:
    """Return the packages of an environment by their normal names."""
    return {_plain(each.metadata["Name"]): each for each in distributions(path=[str(site)])}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def default_install(packages: dict[str, Distribution]) -> dict[str, str]:
    """Return name and version of everything that ``pip install phaseo-nb`` needs here."""
    found: dict[str, str] = {}
    waiting = ["phaseo-nb"]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in packages:
            raise PackageNotFoundError(name)
        found[name] = packages[name].version
        for line in packages[name].requires or []:
            need = Requirement(line)
            # Extras of needs (uvicorn[standard], say) are none of ours: nothing asks for them.
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                waiting.append(_plain(need.name))
    del found["phaseo-nb"]
    return found


def audit(versions: dict[str, str]) -> list[dict] | None:
    """Return what the service says of each package, or None where it says nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("".join(f"{name}=={version}\n" for name, version in versions.items()))
        listed.flush()
        command = [sys.executable, "-m", "pip_audit", "-r", listed.name, "--no-deps"]
        command += ["--disable-pip", "--timeout", "10", "--progress-spinner", "off", "-f", "json"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
            return json.loads(done.stdout)["dependencies"]
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            return None


def main(site: Path) -> None:
    """Probe with one package, so that nothing hangs 40 times; then ask about all."""
    versions = default_install(installed(site))
    probe = audit({"httpx": versions["httpx"]})
    if not probe or "vulns" not in probe[0]:
        print(f"The advisory service gives no answer here: {len(versions)} packages not audited.")
        return
    answers = audit(versions) or []
    asked = [each for each in answers if "vulns" in each]
    holes = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {hole['fix_versions']}"
        for each in asked
        for hole in each["vulns"]
        if hole["id"] not in WAIVED
    ]
    print("\n".join([*holes, f"{len(asked)} of {len(versions)} packages audited."]))
    if holes:
        sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
