"""Build what would be released, look into it, and make a first track with nothing else.

Runs with a Python that has ``build`` (and with it ``packaging``). The tree is what is committed,
so that nothing that only lies about here gets into a release, or keeps one alive.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
import venv
import wave
import zipfile
from pathlib import Path

from packaging.metadata import Metadata

ROOT = Path(__file__).parent.parent
SERVER_CONFIG = "etc/jupyter/jupyter_server_config.d/phaseo_nb.json"

# Isolated, outside of the checkout, with no key: what somebody meets who has just installed it.
FIRST_TRACK = """
import sys
import phaseo_nb as nb

take = nb.run(nb.generate("Warm jazz trio with brushed drums", duration=3))
take.track.save(sys.argv[1])
print(nb.__version__, take, nb.__file__)
"""


def run(*command: object, **more: object) -> str:
    """Run a command to its end and return what it printed; what went wrong is shown."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=900, check=False, **more)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def clean_tree(folder: Path) -> Path:
    """Lay out what is committed."""
    archive = folder / "tree.tar"
    run("git", "-C", ROOT, "archive", "--prefix=tree/", f"--output={archive}", "HEAD")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "tree"


def contents(wheel: Path) -> dict[str, bytes]:
    """Return every file of a wheel."""
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def build(tree: Path, folder: Path) -> tuple[Path, Path]:
    """Build the sdist, a wheel from it, and one from the tree; both wheels must be the same."""
    run(sys.executable, "-m", "build", "--outdir", folder / "dist", tree)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder / "direct", tree)
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    (direct,) = (folder / "direct").glob("*.whl")
    ours, theirs = contents(wheel), contents(direct)
    differing = [name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)]
    assert not differing, f"the wheel from the sdist is another one: {sorted(differing)}"
    return sdist, wheel


def look_into(sdist: Path, wheel: Path, tree: Path) -> None:
    """Check names, metadata and completeness, and say the sizes."""
    files = contents(wheel)
    (about,) = [name for name in files if name.endswith(".dist-info/METADATA")]
    info, data = about.split("/")[0], about.split("/")[0].replace(".dist-info", ".data")
    metadata = Metadata.from_email(files[about], validate=True)
    assert metadata.license_expression == "BSD-3-Clause"
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (tree / "README.md").read_text("utf-8")
    assert f"{info}/licenses/LICENSE" in files
    assert str(metadata.version) in sdist.name
    assert str(metadata.version) in wheel.name

    package = {
        str(path.relative_to(tree))
        for path in (tree / "phaseo_nb").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = {name for name in files if not name.startswith((f"{info}/", f"{data}/"))}
    assert inside == package, f"in one of the two only: {sorted(inside ^ package)}"
    assert {"phaseo_nb/py.typed", "phaseo_nb/forms/static/fieldset.js"} <= inside
    extra = {name for name in files if name.startswith(f"{data}/")}
    assert extra == {f"{data}/data/{SERVER_CONFIG}"}

    with tarfile.open(sdist) as tar:
        sources = {name.partition("/")[2] for name in tar.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "tests/conftest.py"} <= sources
    assert not [name for name in sources if "__pycache__" in name or name.startswith(".venv")]
    for file in (wheel, sdist):
        print(f"{file.name}: {file.stat().st_size / 1e3:.0f} kB")


def empty_environment(folder: Path) -> Path:
    """Make an environment with pip alone and return its Python."""
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


def first_track(wheel: Path, folder: Path) -> Path:
    """Install the wheel alone, make a track far from the checkout, and read it by other means."""
    python = empty_environment(folder / "empty")
    run(python, "-m", "pip", "install", "-q", wheel)
    run(python, "-m", "pip", "check")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(elsewhere), "LANG": "C.UTF-8"}
    track = elsewhere / "first.wav"
    print(run(python, "-I", "-c", FIRST_TRACK, track, cwd=elsewhere, env=environment).strip())
    with wave.open(str(track)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
        loudest = max(memoryview(sound.readframes(sound.getnframes())).cast("h"))
    print(f"first.wav: {seconds:.2f} s")
    assert abs(seconds - 3) < 0.1
    assert loudest > 1000, "there is nothing to hear"
    return python


def server_extension(python: Path) -> None:
    """See that a Jupyter server beside it finds the door for callbacks, switched on."""
    config = json.loads((python.parent.parent / SERVER_CONFIG).read_text("utf-8"))
    assert config["ServerApp"]["jpserver_extensions"] == {"phaseo_nb": True}
    run(python, "-m", "pip", "install", "-q", "jupyter_server")
    said = run(python, "-m", "jupyter", "server", "extension", "list")
    lines = [line.strip() for line in said.splitlines() if "phaseo_nb" in line]
    print("\n".join(lines))
    assert any("enabled" in line for line in lines), said
    assert any("OK" in line for line in lines), said


def main() -> None:
    """Do it all in a folder that goes away."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = clean_tree(folder)
        sdist, wheel = build(tree, folder)
        look_into(sdist, wheel, tree)
        server_extension(first_track(wheel, folder))


if __name__ == "__main__":
    main()
