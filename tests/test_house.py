"""The house rules: imports point one way, the public face is true, importing is free."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import phaseo_nb as nb

PACKAGE = Path(nb.__file__).parent

# A room may import from its own floor and from those above it in this list.
FLOORS = [
    {"errors", "polling", "engine"},
    {"requests", "jobs", "settings", "audio"},
    {"transport", "gateways"},
    {"callbacks"},
    {"client", "cards", "phrases", "takes", "keeping"},
    {"session"},
    {"live"},
    {"connecting", "forms", "key_entry", "experiments"},
    {"cell"},
    {"magic", "__main__"},
]
SANDBOX_MAY_IMPORT = {"requests", "audio", "errors", "sandbox"}


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def _imported_rooms(path: Path) -> set[str]:
    """Rooms of ours that a module imports at run time, at any depth of its code."""
    rooms: set[str] = set()
    package = ("phaseo_nb", *path.relative_to(PACKAGE).parent.parts)

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            full = ".".join((*base, *([node.module] if node.module else [])))
            names = [full] if full != "phaseo_nb" else [f"{full}.{a.name}" for a in node.names]
        else:
            names = []
        rooms.update(name.split(".")[1] for name in names if name.startswith("phaseo_nb."))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text("utf-8")))
    return rooms


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    """A module imports only from its own floor and the floors above it."""
    room = _room(path)
    if room == "sandbox":
        allowed = SANDBOX_MAY_IMPORT
    else:
        floor = next(i for i, rooms in enumerate(FLOORS) if room in rooms)
        allowed = set().union(*FLOORS[: floor + 1])

    assert _imported_rooms(path) <= allowed


def test_every_room_has_a_floor():
    """The list of floors names the rooms there are, and no others."""
    rooms = {_room(path) for path in MODULES}

    assert rooms == set().union(*FLOORS) | {"sandbox"}


def test_the_check_sees_what_it_should(tmp_path):
    """The direction test is not blind: an import from a lower floor is found, nested or not."""
    source = PACKAGE / "errors.py"

    assert _imported_rooms(source) == set()  # its only import stands under TYPE_CHECKING
    assert "transport" in _imported_rooms(PACKAGE / "client" / "__init__.py")


def test_all_is_sorted_and_true():
    """__all__ is sorted, every name in it can be had, and nothing public is left out."""
    assert nb.__all__ == sorted(nb.__all__)
    for name in nb.__all__:
        assert getattr(nb, name) is not None
    assert set(nb.__all__) == {*nb._HOME_OF, "__version__"}
    assert dir(nb) == nb.__all__


def test_type_checkers_see_the_same_names():
    """The names imported for type checkers are those that are loaded lazily."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        (statement.module, alias.name)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }

    assert seen == {(home, name) for name, home in nb._HOME_OF.items()}


def test_unknown_names_are_attribute_errors():
    """A name that does not exist says so, so that hasattr() and typos work as usual."""
    with pytest.raises(AttributeError, match="genarate"):
        nb.genarate  # noqa: B018


IMPORT_PROBE = """
import sys, threading
events = []
def watch(event, args):
    if event == "open" or event.startswith("socket."):
        name = str(args[0])
        # Python itself reads modules; everything else would be ours.
        if not name.endswith((".py", ".pyc", ".pyi", ".so")):
            events.append(f"{event} {name}")
before = set(sys.modules)
sys.addaudithook(watch)
import phaseo_nb
import json
loaded = sorted(set(sys.modules) - before)
print(json.dumps({"loaded": loaded, "events": events, "threads": threading.active_count()}))
"""


@pytest.fixture(scope="module")
def import_report():
    code = [sys.executable, "-c", IMPORT_PROBE]
    out = subprocess.run(code, capture_output=True, text=True, timeout=30, check=True)
    return json.loads(out.stdout)


@pytest.mark.parametrize(
    "heavy", ["httpx", "pydantic", "ipywidgets", "numpy", "IPython", "asyncio", "soundfile"]
)
def test_import_loads_nothing_heavy(import_report, heavy):
    """`import phaseo_nb` in a fresh interpreter loads none of the libraries it stands on."""
    assert heavy not in import_report["loaded"]


def test_import_touches_nothing(import_report):
    """`import phaseo_nb` opens no file, no socket and starts no thread."""
    assert import_report["events"] == []
    assert import_report["threads"] == 1


# What may stand in the braces of a statement. Values never do: they are bound, with ? or :name.
# Constants are in capitals; the rest are names of tables and columns, marks for values, and
# conditions put together from such.
IN_A_STATEMENT = {
    *("body", "clause", "event", "everything", "few", "fields", "index", "kept", "living", "marks"),
    *(
        "name",
        "named",
        "number",
        "order",
        "ours",
        "part",
        "pragma",
        "some",
        "source",
        "table",
        "where",
        "which",
    ),
    "', '.join((str(i + 1) for i in range(len(by))))",
    "', '.join(values)",
    "','.join('?' * len(some))",
    *("', '.join(changes)", "clock or '?'"),
    "'FULL' if is_vital else 'NORMAL'",
    "_prefixed('new', fields)",
    "_prefixed('old', fields)",
    "version + 1",
    # PostgreSQL: numbers of locks, and words of its own transaction.
    *("lock", "query", "same_tag", "self._lock", "shared"),
    "'on' if write.is_vital else 'off'",
    "max(1, int(self._patience * 1000))",
    "_letters(db)",
}
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|FROM|VALUES|MATCH|LIKE|IN|AND|PRAGMA)\b")


def test_statements_hold_no_values():
    """SQL is put together from names, marks and constants; a new part is looked at and listed."""
    parts = set()
    for path in (PACKAGE / "keeping").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            pieces = node.values if isinstance(node, ast.JoinedStr) else []
            text = "".join(piece.value for piece in pieces if isinstance(piece, ast.Constant))
            if SQL.search(text):
                holes = [piece for piece in pieces if isinstance(piece, ast.FormattedValue)]
                parts |= {ast.unparse(hole.value) for hole in holes}

    assert len(parts) > 20  # it sees what there is
    assert {part for part in parts if not re.fullmatch("_?[A-Z_]+", part)} <= IN_A_STATEMENT


def test_asserts_only_tell_types():
    """Python may leave asserts out: they say what is not None or of which class, no more."""
    tests = [
        ast.unparse(node.test)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assert)
    ]

    assert tests
    assert [t for t in tests if not re.fullmatch(r"\S+ is not None|isinstance\(.*\)", t)] == []


FORM_PROBE = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "phaseo_nb")
at_load = sorted(set(sys.modules) - before)
import phaseo_nb as nb
form = nb.MusicForm()
form._repr_mimebundle_()
at_form = sorted(set(sys.modules) - before)
take = form.session.is_sandbox and nb.run(nb.generate("slow harp", duration=1, show=False))
print(json.dumps({"load": at_load, "form": at_form, "format": take.track.format}))
"""


@pytest.fixture(scope="module")
def form_report(tmp_path_factory):
    code = [sys.executable, "-c", FORM_PROBE]
    home = str(tmp_path_factory.mktemp("home"))
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_KEY")}
    env = {**kept, "PHASEO_NB_HOME": home, "IPYTHONDIR": home}
    out = subprocess.run(code, capture_output=True, text=True, timeout=60, check=True, env=env)
    return json.loads(out.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "heavy", ["httpx", "numpy", "soundfile", "starlette", "uvicorn", "phaseo_nb.sandbox"]
)
def test_the_first_form_waits_for_nothing_it_does_not_show(form_report, heavy):
    """``%load_ext`` and a form in the sandbox need no HTTP, no samples and no synthesizer."""
    assert heavy not in form_report["form"]


def test_the_magic_loads_no_widgets(form_report):
    """``%load_ext`` leaves the widgets to the first form; and what was put off works later."""
    assert "ipywidgets" not in form_report["load"]
    assert "ipywidgets" in form_report["form"]
    assert form_report["format"] == "mp3"


def test_the_version_is_written_once():
    """The version stands in pyproject.toml and nowhere else."""
    root = PACKAGE.parent
    if not (root / "pyproject.toml").is_file():
        pytest.skip("installed without its source")
    text = (root / "pyproject.toml").read_text("utf-8")
    line = next(row for row in text.splitlines() if row.startswith("version"))

    assert nb.__version__ == line.split('"')[1]
    holders = [p for p in MODULES if f'"{nb.__version__}"' in p.read_text("utf-8")]
    assert holders == []


def test_the_top_level_is_the_table_of_contents():
    """Beside the six names of the design only CI, dot files, licence and changes may stand."""
    root = PACKAGE.parent
    if not (root / ".git").exists():
        pytest.skip("not a checkout")
    tracked = subprocess.run(
        ["git", "-C", str(root), "ls-files"], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    top = {name.split("/")[0] for name in tracked if name and not name.startswith(".")}

    assert top == {
        "pyproject.toml",
        "phaseo_nb",
        "notebooks",
        "tests",
        "binder",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
    }
