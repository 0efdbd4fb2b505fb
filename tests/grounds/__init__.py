"""The grounds on which "past one machine" is tested: everything real, everything on loopback.

``postgres``
    A PostgreSQL server of the tests' own, with databases that can be cut, closed and stopped.
``proxy``
    What stands between a client and a server and delays, cuts, swallows or refuses.
``buckets``
    An S3 service that answers from memory.
``clusters``
    Dask clusters whose workers are killed, and services that count what was paid.
``processes``, ``fast_service``
    What these stand on.

Whatever is started here ends with the process that started it, however that ends. Set
``PHASEO_NB_REQUIRE_POSTGRES`` to have a missing server or package fail rather than skip.
"""

from __future__ import annotations

import importlib.util
import os

# Read when tests are collected: each test begins by clearing all variables of this name.
REQUIRED = bool(os.environ.get("PHASEO_NB_REQUIRE_POSTGRES"))


def missing(reason: str) -> None:
    """Skip the test with a reason, or fail it where the grounds have to be there."""
    import pytest

    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


def need(*modules: str) -> None:
    """Skip or fail where one of these packages is not installed."""
    for name in modules:
        if importlib.util.find_spec(name) is None:
            missing(f"needs the package {name}")
