"""Runs tests of the library with its journal in PostgreSQL: ``pytest -p on_postgres tests/…``.

Each folder that a test opens as a library gets a schema of its own in one database of a real
server; everything else of it, recordings and spool, stays in the folder. So the same tests hold
for both back ends. What looks into the file of SQLite itself, or needs one in another process, is
marked ``of_sqlite`` and left out. ``python tests/on_postgres.py`` says which files are worth it.
"""

from __future__ import annotations

import functools
import hashlib
import sys

FILES = (
    "test_library.py",
    "test_search.py",
    "test_session.py",
    "test_spending.py",
    "test_removing.py",
    "test_experiment_records.py",
    "test_scale.py",
)
"""Where statements are: what only looks at takes would find the same."""


@functools.cache
def _database():
    from grounds.postgres import server

    return server().database()


def backend_at(path):
    """The journal that stands for the one of a folder."""
    from pydantic import SecretStr

    from phaseo_nb.keeping.backends.postgres import Postgres

    schema = f"t_{hashlib.sha256(str(path).encode()).hexdigest()[:24]}"
    return Postgres(SecretStr(f"{_database()}?schema={schema}"), str(path))


def pytest_configure(config):
    from phaseo_nb.keeping.folder import Folder

    Folder._backend = lambda folder: backend_at(folder.path)


def pytest_collection_modifyitems(items):
    import pytest

    for item in items:
        if item.get_closest_marker("of_sqlite"):
            item.add_marker(pytest.mark.skip(reason="looks into the file of SQLite"))


if __name__ == "__main__":
    print(*(f"{sys.path[0]}/{name}" for name in FILES))
