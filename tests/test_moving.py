"""Takes go out with their origin and come back whole; what comes from strangers is checked."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import stat
import struct
import wave
import zipfile
from datetime import datetime

import httpx
import pytest
from wires import KEY, Wire, sine_wav

import phaseo_nb as nb
from phaseo_nb.keeping.moving import exporting as moving
from phaseo_nb.keeping.moving import importing, sources

pytestmark = pytest.mark.usefixtures("quick")

MARKED_KEY = "phaseo_v1_sk_MARKEDKEY_0123456789abcdef"
WORDS = {"model": "suno/v4.5", "show": False}
INDEX = "phaseo-nb-export.json"


class Secretive(Wire):
    """A service that puts things of the account and signed links into its answers."""

    def done(self, **more):
        item = {
            "index": 0,
            "id": "c0",
            "title": "Tide",
            "duration": 1.0,
            "audio_url": "https://cdn.example.org/track.wav?X-Signature=SIGNED_QUERY&user=u1",
        }
        private = {"workspace_id": "WORKSPACE_42", "account": {"email": "me@example.org"}}
        line = {"dimension": "requests", "quantity": 1, "line_nanos": 60_000_000}
        bill = {"total_nanos": 60_000_000, "currency": "USD", "lines": [line]}
        usage = {"pricing_breakdown": bill}
        return self.state("completed", output=[item], usage=usage, **private, **more)


@pytest.fixture
def wire():
    wire = Secretive(gets=[Secretive.done])
    nb.connect("phaseo", api_key=MARKED_KEY, transport=wire.transport)
    return wire


def make(prompt="a waltz", **more):
    return nb.run(nb.generate(prompt, **{**WORDS, **more}))


def sidecars(folder):
    paths = sorted(path for path in folder.glob("*.json") if path.name != INDEX)
    return [json.loads(path.read_text("utf-8")) for path in paths]


@pytest.fixture
def exported(wire, tmp_path):
    """An export of one take, as a folder."""
    make()
    return nb.library().export(tmp_path / "out")


@pytest.fixture
def other(tmp_path):
    """A second, empty library."""
    return nb.Library(tmp_path / "other")


# -- out -----------------------------------------------------------------------------------------


def test_an_export_is_audio_with_a_readable_name_and_its_origin(wire, tmp_path):
    """Each take gives its recording as received and one JSON that says where it is from."""
    take = make()
    take.rating, take.note, take.tags = 4, "for the film", ["demo"]

    path = nb.library().export(tmp_path / "out")

    day = take.created_at.strftime("%Y-%m-%d")
    names = {f"{day} Tide, take 1.wav", f"{day} Tide, take 1.json", INDEX}
    assert {item.name for item in path.iterdir()} == names
    assert (path / f"{day} Tide, take 1.wav").read_bytes() == sine_wav()
    (facts,) = sidecars(path)
    assert facts["format"] == "phaseo_nb take"
    assert facts["request"]["body"] == {"model": "suno/v4.5", "prompt": "a waltz"}
    assert facts["files"][0]["sha256"] == hashlib.sha256(sine_wav()).hexdigest()
    assert facts["files"][0]["size"] == len(sine_wav())
    assert facts["job"]["id"] == "task_1"
    assert facts["tracks"][0]["duration"] == 1.0
    assert facts["cost"]["usd"] == pytest.approx(0.06)
    own = {name: facts["take"][name] for name in ("rating", "note", "tags", "number")}
    assert own == {"rating": 4, "note": "for the film", "tags": ["demo"], "number": 1}
    origin = facts["provenance"]
    assert origin["service"] == "Phaseo Gateway"
    assert origin["host"] == "api.phaseo.app"
    assert (origin["provider"], origin["model"]) == ("suno", "suno/v4.5")
    assert datetime.fromisoformat(origin["date"]) == take.created_at
    assert origin["is_sandbox"] is False
    assert origin["exported_with"] == f"phaseo_nb {nb.__version__}"
    assert origin["statement"] == (
        f"Generated on {day} by suno with the model suno/v4.5, an AI music model, ordered "
        "through Phaseo Gateway (api.phaseo.app)."
    )


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_nothing_of_the_account_gets_out(wire, tmp_path, name):
    """No key, workspace, account, callback address or signed link stands in any exported byte."""
    make(f"a waltz for {MARKED_KEY}", suno={"callBackUrl": "https://my.host/CALLBACK_TOKEN"})

    path = nb.library().export(tmp_path / name)

    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as file:
            parts = [file.read(member) for member in file.namelist()]
            parts += [member.encode() for member in file.namelist()]
    else:
        parts = [item.read_bytes() + item.name.encode() for item in path.iterdir()]
    everything = b"".join(parts)
    assert b"a waltz for" in everything
    account = ("WORKSPACE_42", "me@example", "CALLBACK", "SIGNED_QUERY", "Signature")
    for private in (MARKED_KEY, *account):
        assert private.encode() not in everything
    assert b"https://cdn.example.org/track.wav" in everything


def test_music_of_the_sandbox_says_so(tmp_path):
    """A take of the sandbox is never taken for a service's, whatever model was asked for."""
    nb.connect("sandbox")
    make("a waltz", duration=None)

    (facts,) = sidecars(nb.library().export(tmp_path / "out"))

    assert facts["provenance"]["is_sandbox"] is True
    assert facts["provenance"]["service"] == "phaseo_nb sandbox"
    assert "not by an AI model" in facts["provenance"]["statement"]


def test_signed_links_of_a_request_are_named_where_they_were_cut(wire, tmp_path):
    """A signed address inside the request loses its signature, and the JSON says which it was."""
    make(suno={"uploadUrl": "https://files.example.org/a.mp3?token=SIGNED_QUERY"})

    path = nb.library().export(tmp_path / "out")

    (facts,) = sidecars(path)
    assert facts["request"]["body"]["suno"]["uploadUrl"] == "https://files.example.org/a.mp3"
    assert facts["request"]["without_signatures"] == ["suno.uploadUrl"]


def test_only_what_was_chosen_goes_out(wire, tmp_path):
    """takes= takes a take, an id or a list; what is not there exports nothing."""
    first, second, third = make(), make("a polka"), make("a march")
    library = nb.library()

    assert len(sidecars(library.export(tmp_path / "one", first))) == 1
    assert len(sidecars(library.export(tmp_path / "two", [second.id, third]))) == 2
    assert len(sidecars(library.export(tmp_path / "all"))) == 3
    with pytest.raises(nb.LibraryError, match="nonsense"):
        library.export(tmp_path / "none", ["nonsense"])
    assert not (tmp_path / "none").exists()


def test_names_in_one_export_differ(wire, tmp_path):
    """Takes with the same title keep apart, also where case does not count."""
    for _ in range(3):
        make(fresh=True)
        make("a polka", fresh=True)

    path = nb.library().export(tmp_path / "out")

    names = [item.name.casefold() for item in path.iterdir()]
    assert len(names) == len(set(names)) == 6 * 2 + 1
    listed = {name for facts in sidecars(path) for name in [facts["files"][0]["file"]]}
    assert len(listed) == 6
    assert all((path / name).is_file() for name in listed)


@pytest.mark.parametrize(
    "title", ["../../evil", "/etc/passwd", "C:\\x\\y", "nul", "\u202egnp", "é" * 300]
)
def test_a_hostile_title_is_one_plain_name(wire, tmp_path, title):
    """Whatever a service calls a track, nothing is written outside of the export."""
    item = {"index": 0, "id": "c0", "title": title, "audio_url": "https://cdn.example.org/t.wav"}
    wire.gets = [lambda wire: wire.state("completed", output=[item])]
    make()

    path = nb.library().export(tmp_path / "out")

    assert len(list(path.iterdir())) == 3
    assert {item.name for item in tmp_path.iterdir()} <= {"out", "home"}


def test_an_earlier_export_is_replaced_only_when_asked(wire, tmp_path):
    """Without overwrite=True nothing is touched; with it, only an export is replaced."""
    make()
    library = nb.library()
    for name in ("out", "out.zip"):
        library.export(tmp_path / name)
        with pytest.raises(nb.LibraryError, match="overwrite=True"):
            library.export(tmp_path / name)
    make("a polka")

    assert len(sidecars(library.export(tmp_path / "out", overwrite=True))) == 2
    with zipfile.ZipFile(library.export(tmp_path / "out.zip", overwrite=True)) as file:
        assert len(file.namelist()) == 5
    assert {item.name for item in tmp_path.iterdir()} == {"out", "out.zip", "home"}


def test_what_is_no_export_is_never_replaced(wire, tmp_path):
    """A folder with anything else in it, a file and a link stay, whatever is asked."""
    make()
    library = nb.library()
    export = library.export(tmp_path / "mixed")
    (export / "thesis.txt").write_text("years of work")
    (tmp_path / "plain.zip").write_bytes(b"not a zip")
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.mp3").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "music")

    for name in ("mixed", "plain.zip", "file", "music", "link"):
        with pytest.raises(nb.LibraryError, match="stays as it is"):
            library.export(tmp_path / name, overwrite=True)

    assert (export / "thesis.txt").read_text() == "years of work"
    assert (tmp_path / "music" / "a.mp3").read_bytes() == b"mine"
    (tmp_path / "empty").mkdir()
    assert len(sidecars(library.export(tmp_path / "empty"))) == 1


@pytest.mark.parametrize("name", ["out", "out.zip"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_full_disk_leaves_nothing_behind(wire, tmp_path, monkeypatch, name, after):
    """Where the disk is full in the middle, the error is ours and no part of an export stays."""
    make()
    make("a polka")
    n_copied = 0

    def copy(*arguments):
        nonlocal n_copied
        n_copied += 1
        if n_copied > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return shutil_copy(*arguments)

    shutil_copy = moving.shutil.copyfileobj
    monkeypatch.setattr(moving.shutil, "copyfileobj", copy)

    with pytest.raises(nb.LibraryError, match="No space left on device"):
        nb.library().export(tmp_path / name)

    assert {item.name for item in tmp_path.iterdir()} == {"home"}


def test_an_interrupt_leaves_nothing_behind(wire, tmp_path, monkeypatch):
    """Whoever stops an export in the middle finds no half of it, and the old one untouched."""
    make()
    nb.library().export(tmp_path / "out")

    def copy(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(moving.shutil, "copyfileobj", copy)
    with pytest.raises(KeyboardInterrupt):
        nb.library().export(tmp_path / "out", overwrite=True)

    assert {item.name for item in tmp_path.iterdir()} == {"home", "out"}
    assert len(sidecars(tmp_path / "out")) == 1


@pytest.mark.parametrize("place", ["missing/out.zip", "out\x00", ""])
def test_places_that_cannot_be_are_refused(wire, tmp_path, place, monkeypatch):
    """A place in a missing folder, a NUL and the current folder raise our own error."""
    monkeypatch.chdir(tmp_path)
    make()

    with pytest.raises(nb.LibraryError):
        nb.library().export(place)


def test_a_missing_recording_is_told(wire, tmp_path, caplog):
    """A take whose file is damaged goes out without it, and the log says that one is missing."""
    make().track.path.write_bytes(b"something else")

    path = nb.library().export(tmp_path / "out")

    assert [facts["files"] for facts in sidecars(path)] == [[]]
    assert "1 recordings are gone or damaged" in caplog.text


# -- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out", "out.zip", "OUT.ZIP"])
def test_a_round_trip_loses_nothing(wire, tmp_path, other, name):
    """In another library the take is the same: sound, facts, cost, rating, note, tags, date."""
    take = make()
    take.rating, take.note, take.tags = 5, "näher\u2028ran", ["demo", "slow"]
    second = make(fresh=True)

    taken = other.import_(nb.library().export(tmp_path / name))

    assert (taken.refused, taken.already, taken.ignored, len(taken)) == ((), 0, 0, 2)
    copy = next(t for t in taken if t.number == 1)
    assert copy.track.recording == take.track.recording
    assert copy.track.path.is_relative_to(other.path)
    for fact in ("rating", "note", "tags", "created_at", "number", "provider", "model", "request"):
        assert getattr(copy, fact) == getattr(take, fact), fact
    assert copy.cost == take.cost
    assert copy.cost.lines
    assert (copy.job.id, copy.job.usage) == (take.job.id, take.job.usage)
    assert {t.number for t in taken} == {take.number, second.number}
    assert len(other.search("waltz")) == 2


def test_a_taken_in_take_answers_its_cell_for_nothing(wire, tmp_path, other):
    """The same cell in the other library shows the take without an order and costs no budget."""
    take = make()
    other.import_(nb.library().export(tmp_path / "out.zip"))

    nb.connect("phaseo", api_key=KEY, transport=wire.transport, library=other.path, budget_usd=0.06)
    again = make()

    assert again.track.recording == take.track.recording
    assert len(wire.posts) == 1
    assert list(nb.library().spending()) == []
    make("a polka")  # the whole budget is there


def test_importing_twice_adds_nothing(exported, other):
    """What is here already stays as it is, rating included."""
    (take,) = other.import_(exported)
    take.rating = 1

    again = other.import_(exported)

    assert (len(again), again.already) == (0, 1)
    assert [t.rating for t in other.recent()] == [1]
    assert "1 here already" in repr(again)


def test_a_take_goes_back_into_its_own_library(wire, exported):
    """Importing an export where it came from adds nothing."""
    assert nb.library().import_(exported).already == 1
    assert len(nb.library().recent()) == 1


def test_an_import_brings_deleted_audio_back(wire, exported):
    """Audio that was freed after an export comes back to its take with an import."""
    library = nb.library()
    (take,) = library.recent()
    library.delete(take, audio_only=True).for_good()
    assert library.disk_use().audio_bytes == 0

    (back,) = library.import_(exported)

    assert back.id == take.id
    assert back.track.recording == sine_wav()
    assert back.track.failure is None
    assert library.doctor().is_well


def test_numbers_that_clash_move_on(wire, exported, other):
    """A take with a number that another one has here gets the next free one."""
    nb.connect("phaseo", api_key=KEY, transport=wire.transport, library=other.path)
    wire.audio = lambda _: httpx.Response(200, content=sine_wav(0.5))
    assert make().number == 1

    (taken,) = nb.library().import_(exported)

    assert taken.number == 2


def test_bare_samples_are_playable_outside_and_the_same_inside(tmp_path, other):
    """Raw samples get a WAV header in the export, and lose it in the import, to the byte."""
    samples = struct.pack("<4410h", *(n % 256 - 128 for n in range(4410)))

    def answered(wire):
        audio = base64.b64encode(samples).decode()
        return wire.accepted("completed", provider="elevenlabs", audio_base64=audio)

    nb.connect("phaseo", api_key=KEY, transport=Wire(post=answered).transport)
    take = make("a hum", model="eleven-labs/music", elevenlabs={"output_format": "pcm_44100"})
    assert take.track.format == "pcm"

    path = nb.library().export(tmp_path / "out")

    (facts,) = sidecars(path)
    with wave.open(str(path / facts["files"][0]["file"])) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (44100, 2, 2)
        assert sound.readframes(10**6) == samples[: len(samples) - len(samples) % 4]
    assert facts["tracks"][0]["pcm_rate"] == 44100
    (copy,) = other.import_(path)
    assert copy.track.recording == samples
    assert copy.track.format == "pcm"


# -- from strangers ------------------------------------------------------------------------------


def packed(path, members, **more):
    """A zip file with these members, each a name (or ZipInfo) and bytes."""
    with zipfile.ZipFile(path, "w", **more) as file:
        for name, data in members:
            file.writestr(name, data)
    return path


def members_of(folder):
    return [(item.name, item.read_bytes()) for item in sorted(folder.iterdir())]


def changed(exported, **facts):
    """The members of an export whose one JSON says something else."""

    def new(name, data):
        if not name.endswith(".json") or name == INDEX:
            return name, data
        about = json.loads(data)
        for path, value in facts.items():
            *parents, last = path.split("__")
            part = about
            for parent in parents:
                part = part[int(parent) if parent.isdecimal() else parent]
            part[last] = value
        return name, json.dumps(about).encode()

    return [new(name, data) for name, data in members_of(exported)]


@pytest.mark.parametrize(
    "name",
    ["../evil.wav", "a/../../evil.json", "/etc/evil", "C:\\evil", "\\\\host\\share\\x", "a\\..\\b"],
)
def test_members_that_lead_out_are_refused(exported, other, tmp_path, name):
    """A member with such a name is left out by name, and the honest ones are still taken."""
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name
    path = packed(tmp_path / "evil.zip", [*members_of(exported), (info, b"evil")])
    before = {item for item in tmp_path.rglob("*") if "other" not in item.parts}

    taken = other.import_(path)

    assert len(taken) == 1
    assert len(taken.refused) == 1
    assert "evil" in taken.refused[0] or "\\" in taken.refused[0]
    assert {item for item in tmp_path.rglob("*") if "other" not in item.parts} == before


def test_links_are_not_followed(exported, other, tmp_path):
    """A symbolic link in a zip file or a folder is refused, never read."""
    secret = tmp_path / "secret.wav"
    secret.write_bytes(sine_wav())
    info = zipfile.ZipInfo("link.wav")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = packed(tmp_path / "a.zip", [*members_of(exported), (info, str(secret).encode())])
    assert any("link.wav is a link" in reason for reason in other.import_(path).refused)

    sound = next(exported.glob("*.wav"))
    sound.unlink()
    sound.symlink_to(secret)
    other.close()
    taken = nb.Library(tmp_path / "third").import_(exported)

    assert len(taken) == 0
    assert any("is a link" in reason for reason in taken.refused)


def test_a_bomb_is_stopped_while_it_unpacks(exported, other, tmp_path):
    """A member that unpacks without end is given up early, whatever its header says."""
    zeros = bytes(80 * 2**20)
    (sound,) = [name for name, _ in members_of(exported) if name.endswith(".wav")]
    sha256 = hashlib.sha256(zeros).hexdigest()
    members = changed(exported, files__0__size=len(zeros), files__0__sha256=sha256)
    members = [(name, zeros if name == sound else data) for name, data in members]
    path = packed(tmp_path / "bomb.zip", members, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000

    taken = other.import_(path)

    assert len(taken) == 0
    assert "unpack without end" in taken.refused[0]
    assert other.disk_use().audio_bytes == 0


def test_a_lying_header_does_not_help_a_bomb(exported, other, tmp_path):
    """A member whose header claims few bytes is cut there and fails its hash."""
    path = packed(tmp_path / "a.zip", members_of(exported), compression=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    where = data.find(b"PK\x01\x02")
    while where >= 0:  # central directory: the size before packing stands at 24
        if b".wav" in data[where + 46 : where + 146]:
            data[where + 24 : where + 28] = struct.pack("<I", 100)
        where = data.find(b"PK\x01\x02", where + 4)
    path.write_bytes(data)

    taken = other.import_(path)

    assert (len(taken), len(taken.refused)) == (0, 1)


def test_the_total_is_bounded(exported, other, monkeypatch):
    """An import that is larger than any library stops with an error."""
    monkeypatch.setattr(sources, "MOST_BYTES", 1000)

    with pytest.raises(nb.LibraryError, match="in parts"):
        other.import_(exported)


def test_a_million_members_are_not_even_listed(other, tmp_path):
    """A list of members without end is refused before it is read into memory."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *[0] * 6, 0, 0, 0, 1, *[0] * 4, 0, 0) + b"x"
    listed = entry * 1_000_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(listed), 0, 0)
    path = tmp_path / "many.zip"
    path.write_bytes(listed + end)

    with pytest.raises(nb.LibraryError, match="list of members"):
        other.import_(path)

    few = entry * 60_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 60_000, 60_000, len(few), 0, 0)
    path.write_bytes(few + end)
    with pytest.raises(nb.LibraryError, match="60,000 files"):
        other.import_(path)


def test_one_bad_take_does_not_stop_the_others(wire, other, tmp_path):
    """A recording that is not what its hash says keeps its take out, by name, and only that."""
    make()
    wire.audio = lambda _: httpx.Response(200, content=sine_wav(0.5))
    make("a polka")
    path = nb.library().export(tmp_path / "out")
    bad = min(path.glob("*.wav"))
    bad.write_bytes(bad.read_bytes()[:-2] + b"\x01\x02")

    taken = other.import_(path)

    assert len(taken) == 1
    assert len(taken.refused) == 1
    assert bad.name in taken.refused[0]
    assert "hash" in taken.refused[0]
    assert "Refused" in repr(taken)


BAD_JSON = {
    "deep": b"[" * 100_000,
    "deep but whole": b'{"a":' * 3000 + b"1" + b"}" * 3000,
    "nan": b'{"format": "phaseo_nb take", "version": NaN}',
    "infinity": b'{"format": "phaseo_nb take", "version": 1e999}',
    "digits": b'{"format": "phaseo_nb take", "version": ' + b"9" * 5000 + b"}",
    "twice": b'{"format": "phaseo_nb take", "format": "x"}',
    "latin": '{"format": "é"}'.encode("latin-1"),
    "cut": b'{"format": "phaseo_nb ta',
    "empty": b"",
    "parts": b"[" + b"1," * 500_000 + b"1]",
}


@pytest.mark.parametrize("data", BAD_JSON.values(), ids=BAD_JSON)
def test_json_that_nobody_writes_is_refused_by_name(exported, other, tmp_path, data):
    """Each kind of bad JSON is told with the name of its file; the honest take is taken."""
    path = packed(tmp_path / "a.zip", [*members_of(exported), ("bad.json", data)])

    taken = other.import_(path)

    assert len(taken) == 1
    assert len(taken.refused) == 1
    assert taken.refused[0].startswith("bad.json: ")


@pytest.mark.parametrize(
    "facts",
    [
        {"version": 2},
        {"take__number": 0},
        {"take__number": True},
        {"take__rating": 9},
        {"take__tags": ["x" * 500]},
        {"take__note": ["no text"]},
        {"take__created_at": "yesterday"},
        {"take__created_at": "9999-12-31T00:00:00+00:00"},
        {"cost__usd": -1},
        {"cost__usd": "free"},
        {"files__0__sha256": "../../../etc/passwd"},
        {"files__0__sha256": "0" * 64},
        {"files__0__file": "../home/journal.db"},
        {"files__0__file": "/etc/passwd"},
        {"files__0__track": 5},
        {"files__0__header_bytes": 7},
        {"request__gateway": "udio"},
        {"request__base_url": "file:///etc"},
        {"request__body": {"prompt": "no model"}},
        {"request__body": {"model": "suno/v4.5", "prompt": "x", "unknown": 1}},
        {"tracks": [{"index": 0}] * 1000},
        {"job__id": ""},
        {"provenance": None},
    ],
    ids=str,
)
def test_facts_that_cannot_be_are_refused(exported, other, tmp_path, facts):
    """A take with one impossible fact is kept out with a reason, and nothing of it is kept."""
    taken = other.import_(packed(tmp_path / "a.zip", changed(exported, **facts)))

    assert len(taken) == 0
    assert len(taken.refused) == 1
    assert len(taken.refused[0]) < 700
    assert len(other.recent()) == 0


def test_what_is_no_audio_is_refused(exported, other, tmp_path):
    """A web page under the name of a recording is not kept, whatever hash it has."""
    page = b"<html><script>alert(1)</script></html>"
    facts = {"size": len(page), "sha256": hashlib.sha256(page).hexdigest()}
    for format in ("wav", "pcm"):
        about = {f"files__0__{name}": value for name, value in facts.items()}
        members = changed(exported, **about, files__0__format=format)
        members = [(n, page if n.endswith(".wav") else data) for n, data in members]

        taken = other.import_(packed(tmp_path / f"{format}.zip", members))

        assert "is no audio" in taken.refused[0]
    assert other.disk_use().audio_bytes == 0


def test_hostile_texts_are_kept_as_text(exported, other, tmp_path):
    """Titles and notes with markup, controls and NUL come in and stay harmless."""
    evil = "<img src=x onerror=alert(1)>\x00\x1b[31m\ud800"
    members = changed(
        exported,
        tracks__0__title=evil,
        take__note=evil,
        tracks__0__audio_url="javascript:alert(1)",
        tracks__0__image_url="file:///etc/passwd",
    )

    (take,) = other.import_(packed(tmp_path / "a.zip", members))

    assert "<img src=x" not in take._repr_html_()
    assert take.track.audio_url is None
    assert take.track.image_url is None
    assert other.search("onerror")
    other.export(tmp_path / "again")
    assert other.doctor().is_well


def test_what_is_no_part_of_an_export_is_counted(exported, other, tmp_path):
    """Other files are neither read nor kept, only counted."""
    more = [("readme.txt", b"hello"), ("other.json", b'{"a": 1}'), ("x/loose.wav", sine_wav(0.2))]

    taken = other.import_(packed(tmp_path / "a.zip", [*members_of(exported), *more]))

    assert (len(taken), taken.ignored) == (1, 3)
    assert "3 other files ignored" in repr(taken)
    assert other.disk_use().n_recordings == 1


def test_members_given_twice_or_packed_strangely_are_refused(exported, other, tmp_path):
    """Of two members with one name only the first counts; rare packings are not unpacked."""
    info = zipfile.ZipInfo("strange.json")
    info.compress_type = zipfile.ZIP_BZIP2
    members = members_of(exported)
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = packed(tmp_path / "a.zip", [*members, members[0], (info, b"{}")])

    taken = other.import_(path)

    assert len(taken) == 1
    assert len(taken.refused) == 2


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip", b"PK\x05\x06" + bytes(18)])
@pytest.mark.of_sqlite
def test_files_that_are_no_export(other, tmp_path, data):
    """Something that is no zip file raises, and so does a folder or zip without any take."""
    path = tmp_path / "x.zip"
    path.write_bytes(data)

    with pytest.raises(nb.LibraryError, match=r"no zip file|is no export"):
        other.import_(path)
    with pytest.raises(nb.LibraryError, match="is no export"):
        other.import_(other.path)  # a library, not an export
    with pytest.raises(nb.LibraryError, match="cannot be imported"):
        other.import_(tmp_path / "missing")


def test_a_full_disk_stops_an_import_with_its_own_error(exported, other, monkeypatch):
    """Where the store cannot write, the import raises and no row without a file is left."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("phaseo_nb.transport.sinks.os.fsync", refuse)
    with pytest.raises(nb.LibraryError, match="No space left"):
        other.import_(exported)

    monkeypatch.undo()
    assert len(other.recent()) == 0
    assert other.doctor().is_well


def test_the_list_of_an_import_shows_itself(exported, other):
    """The result is a list of takes that says how much came in, in text and in HTML."""
    taken = other.import_(exported)

    assert isinstance(taken, list)
    assert "1 take taken in." in repr(taken)
    assert "1 take taken in." in taken._repr_html_()
    assert importing.Imported().__repr__() == "0 takes taken in."
