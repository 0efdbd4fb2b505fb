#!/usr/bin/env python3
"""Print the oldest packages that pyproject.toml allows, as constraints for pip."""

from __future__ import annotations

import re
from pathlib import Path

text = (Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8")
block = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.M | re.S)[1]
for name, version in re.findall(r'^  "([\w-]+)>=([\d.]+)', block, re.M):
    # The newest patch of that line: a floor of three parts is a patch itself.
    print(f"{name}=={version}" + (".*" if version.count(".") < 2 else ""))
