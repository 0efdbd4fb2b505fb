"""Names of strangers and places of users: one part of a path, or one error of ours."""

from __future__ import annotations

import errno
import json
import os
import shutil
import struct
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from hostile import PLACES, TEXTS, Page, acting_signs
from wires import KEY, Wire, sine_wav

import phaseo_nb as nb
from phaseo_nb.keeping.moving.names import folded, safe_name, unique_name

pytestmark = pytest.mark.usefixtures("quick")

INDEX = "phaseo-nb-export.json"
SHOWN = 20  # of what was refused


def titled(*titles):
    """Connect to a service whose tracks have these titles, one job for each."""

    def done(wire):
        number = int(wire.polls[-1].rsplit("_", 1)[-1])
        track = {"id": "c", "title": titles[number - 1], "duration": 1.0}
        track["audio_url"] = "https://cdn.example.org/track.wav"
        body = {"id": f"task_{number}", "status": "completed", "output": [track]}
        return httpx.Response(200, content=json.dumps(body).encode())

    wire = Wire(gets=[done])
    nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    for n in range(len(titles)):
        nb.run(nb.generate(f"order {n}", model="suno/v4.5", show=False))


# -- names that come from outside ----------------------------------------------------------------


@pytest.mark.parametrize("words", TEXTS.values(), ids=TEXTS)
def test_a_name_is_plain_on_every_system(words):
    """A name of any text is one part of a path, short, visible, and no name of a device."""
    name = safe_name(words, ".mp3")

    assert 5 <= len(name.encode()) <= 120
    assert Path(name).name == name
    assert not set(name) & set('<>:"/\\|?*\x00')
    assert acting_signs(name) == []
    assert name[0] not in ".-~ "
    assert name.removesuffix(".mp3")[-1] not in ". "
    stem = name.partition(".")[0].rstrip().upper()
    assert stem not in {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    assert not (stem[:3] in ("COM", "LPT") and stem[3:] in set("0123456789¹²³"))


@pytest.mark.parametrize(
    "names",
    [
        ("Tide", "tide", "TIDE", "tIDE"),
        ("étude", "e\u0301tude", "ÉTUDE"),
        ("straße", "STRASSE", "strasse"),
        ("ﬁn", "fin", "FIN"),
        ("a.", "a", "a ", "a..", "A"),
        ("x" * 200, "x" * 201, "X" * 202),
        ("K", "k", "\u212a"),
        ("a\u200bb", "ab", "a\u00adb", "a\U000e0061b"),
    ],
    ids=lambda names: ascii(names[0])[:20],
)
def test_names_that_a_disk_takes_for_one_are_kept_apart(names):
    """Letter case, composition, width and what is cut off do not let one file replace another."""
    taken: set[str] = set()

    made = [unique_name(name, ".mp3", taken) for name in names]

    assert len({folded(name) for name in made}) == len(names)
    assert all(len(name.encode()) <= 120 for name in made)


def test_an_exported_name_is_one_part_below_its_folder(tmp_path):
    """Whatever tracks are called, an export lies in its folder and nowhere else."""
    titles = [
        PLACES[key] for key in ("up", "drive", "unc", "nul-txt", "stream", "rlo-name", "home")
    ]
    titled(*titles)
    before = {path for path in tmp_path.rglob("*") if "home" not in path.parts}

    out = nb.library().export(tmp_path / "out")

    written = {p for p in tmp_path.rglob("*") if "home" not in p.parts} - before - {out}
    assert {path.parent for path in written} == {out}
    assert len([path for path in written if path.suffix == ".wav"]) == len(titles)
    assert all(acting_signs(path.name) == [] for path in written)


# -- archives ------------------------------------------------------------------------------------


@pytest.fixture
def exported(tmp_path):
    """An export of one take, as a folder; made once."""
    out = tmp_path / "out"
    if _files:
        out.mkdir()
        for name, data in _files.items():
            (out / name).write_bytes(data)
        return out
    titled("Tide")
    nb.library().export(out)
    _files.update({item.name: item.read_bytes() for item in out.iterdir()})
    return out


_files: dict[str, bytes] = {}


def packed(exported, tmp_path, rename):
    """Pack an export, each file under another name."""
    path = tmp_path / "in.zip"
    with zipfile.ZipFile(path, "w") as file:
        for item in sorted(exported.iterdir()):
            info = zipfile.ZipInfo("x")
            info.filename = rename(item.name)  # as it is: the constructor would mend it
            file.writestr(info, item.read_bytes())
    return path


def taken_in(path, tmp_path):
    """Return what an import brings, or why it brings nothing."""
    try:
        return nb.Library(tmp_path / "other").import_(path), ""
    except nb.LibraryError as error:
        return [], str(error)


LEADING = {
    "up": "../outside/{}",
    "up-far": "a/../../../../../../../../../../../../..{root}/outside/{}",
    "absolute": "{root}/outside/{}",
    "double-slash": "/{root}/outside/{}",
    "drive": "C:{root}/outside/{}",
    "drive-relative": "C:outside/{}",
    "unc": "//host/share/{}",
    "backslash": "..\\outside\\{}",
    "backslash-drive": "C:\\{}",
    "device": "//./{}",
    "stream": "a.json:{}",
}


@pytest.mark.parametrize("pattern", LEADING.values(), ids=LEADING)
def test_members_of_an_archive_lead_nowhere(exported, tmp_path, pattern):
    """A member whose name leads out is refused, or is just a name; nothing is unpacked by it."""
    path = packed(exported, tmp_path, lambda name: pattern.format(name, root=tmp_path))
    (tmp_path / "outside").mkdir()

    found, message = taken_in(path, tmp_path)

    assert "no export" in message or all(take.track.has_audio for take in found)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    "pattern",
    [
        "Ordner/{}",
        "NUL.{}",
        "a" * 200 + "{}",
        "夜/{}",
        "e\u0301/{}",
        "x.json/{}",
        ".{}",
        "-{}",
        "%2e%2e/{}",
    ],
    ids=ascii,
)
def test_odd_but_honest_names_in_an_archive_are_read(exported, tmp_path, pattern):
    """Names are looked up, never used as places, so that odd ones do no harm."""
    take = json.loads(next(p for p in exported.glob("*.json") if p.name != INDEX).read_text())
    path = packed(exported, tmp_path, pattern.format)
    if "/" not in pattern:  # the JSON names its recording by the old name
        with zipfile.ZipFile(path, "a") as file:
            name = take["files"][0]["file"]
            file.write(exported / name, name)

    found = nb.Library(tmp_path / "other").import_(path)

    assert len(found) == 1
    assert found[0].track.title == "Tide"


@pytest.mark.parametrize("first", range(0, len(TEXTS), SHOWN))
def test_what_was_refused_is_printed_harmlessly(tmp_path, first):
    """Names of files in an archive used to be printed as they are, escape sequences and all."""
    path = tmp_path / "in.zip"
    texts = [*TEXTS.values()][first : first + SHOWN]
    with zipfile.ZipFile(path, "w") as file:
        for n, words in enumerate(texts):
            name = words.encode("utf-8", "ignore").decode().replace("\x00", "")[:100]
            file.writestr(f"{n} {name}.json", '{"format": "phaseo_nb take", "version": 1}')

    found = nb.Library(tmp_path / "other").import_(path)

    assert len(found.refused) == len(texts)
    assert acting_signs(repr(found), lines=True) == []
    assert Page(found._repr_html_()).problems == []


def test_two_names_of_one_file_in_an_archive(exported, tmp_path):
    """Members that differ in case or composition are two members; the take comes once."""
    path = packed(exported, tmp_path, str)
    with zipfile.ZipFile(path, "a") as file:
        for item in exported.iterdir():
            file.writestr(item.name.swapcase(), item.read_bytes())

    found = nb.Library(tmp_path / "other").import_(path)

    assert len(found) == 1


@pytest.mark.parametrize("cut", [1, 10, 22, 60, 400])
@pytest.mark.parametrize("at", ["end", "begin"])
def test_archives_that_are_cut_are_refused_or_read(exported, tmp_path, cut, at):
    """Half an archive is one error of ours."""
    path = packed(exported, tmp_path, str)
    data = path.read_bytes()
    path.write_bytes(data[:-cut] if at == "end" else data[cut:])

    _, message = taken_in(path, tmp_path)

    assert acting_signs(message) == []


@pytest.mark.parametrize("seed", range(24))
def test_archives_with_changed_bytes_are_refused_or_read(exported, tmp_path, seed):
    """A flipped byte anywhere in the list of members or in a member never escapes as a stranger."""
    import random

    path = packed(exported, tmp_path, str)
    data = bytearray(path.read_bytes())
    chance = random.Random(seed)
    begin = struct.unpack("<I", data[-6:-2])[0] if seed % 2 else 0  # of the list of members
    for _ in range(1 + seed % 3):
        data[chance.randrange(begin, len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)

    _, message = taken_in(path, tmp_path)

    assert acting_signs(message) == []


# -- places that users name ----------------------------------------------------------------------

NOWHERE = {
    "nul": "a\x00b.wav",
    "300-letters": "n" * 300 + ".wav",
    "200-umlauts": "é" * 200 + ".wav",
    "half": "a\ud800b.wav",
    "no-folder": "no/such/folder/a.wav",
    "a-file-as-folder": "file.txt/a.wav",
    "no-home": "~nobody-of-this-name/a.wav",
    "loop": "loop/a.wav",
    "empty": "",
    "folder": ".",
    "up": "..",
    "unknown-suffix": "a.exe",
}


@pytest.mark.parametrize("name", NOWHERE.values(), ids=NOWHERE)
def test_places_that_cannot_be_are_one_error(tmp_path, monkeypatch, name):
    """Saving where nothing can be saved is one error that can be read, and leaves nothing."""
    titled("Tide")
    track = nb.library().recent()[0].track
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    (place / "file.txt").write_text("x")
    os.symlink("loop", place / "loop")

    with pytest.raises(
        (nb.AudioError, FileNotFoundError) if name == "half" else nb.AudioError
    ) as caught:
        track.save(name)

    str(caught.value).encode("utf-8")
    assert "\x00" not in str(caught.value)
    assert sorted(os.listdir(place)) == ["file.txt", "loop"]


@pytest.mark.parametrize("sign", ["🎺", "é", "n", "夜"])
def test_a_name_of_emoji_fits_beside_its_unfinished_file(tmp_path, sign):
    """A name that the disk just takes used to fail: its unfinished file had a longer one."""
    if sys.platform == "win32":
        pytest.skip("names are counted otherwise there")
    name = sign * (250 // len(sign.encode())) + ".wav"
    if len(name.encode()) > 255:
        name = name[1:]
    wire = Wire()

    async def fetch():
        async with nb.MusicClient("phaseo", api_key=KEY, transport=wire.transport) as client:
            job = await client.submit("a waltz", model="suno/v4.5")
            done = await client.wait(job)
            return await client.download(done.tracks[0], tmp_path / name)

    path = nb.run(fetch())

    assert path.read_bytes() == sine_wav()
    assert os.listdir(tmp_path) in ([name], ["home", name], [name, "home"])


def test_a_disk_that_refuses_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    """Where the disk says no in the middle, no half file stays."""
    titled("Tide")
    track = nb.library().recent()[0].track
    place = tmp_path / "place"
    place.mkdir()

    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_room)
    with pytest.raises(nb.AudioError, match="No space left"):
        track.save(place / "a.wav")

    assert list(place.iterdir()) == []
    shutil.rmtree(place)
