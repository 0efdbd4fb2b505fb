"""A store keeps recordings by what is in them, in a folder and at any address alike."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import subprocess
import sys
import textwrap
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from grounds import buckets
from grounds.processes import without_ours

from phaseo_nb.errors import AudioError, LibraryError
from phaseo_nb.keeping.store import LocalStore, Recording, is_url, open_store, shown

SONG = b"ID3" + bytes(range(256)) * 80
SHA256 = hashlib.sha256(SONG).hexdigest()
NAME = f"{SHA256[:2]}/{SHA256}.mp3"


class Folder:
    """A folder, and a way to look at it that is not ours."""

    def __init__(self, tmp_path):
        self.path = tmp_path / "tapes"
        self.place = self.path

    def write(self, name, data):
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(data)

    def remove(self, name):
        (self.path / name).unlink()

    def objects(self):
        files = (path for path in self.path.rglob("*") if path.is_file())
        return {path.relative_to(self.path).as_posix(): path.read_bytes() for path in files}


class Memory:
    """fsspec's own store in memory."""

    def __init__(self):
        fsspec = pytest.importorskip("fsspec")
        self._all = fsspec.filesystem("memory").store
        self._root = f"/{uuid.uuid4().hex}"
        self.place = f"memory:/{self._root}"

    def write(self, name, data):
        import fsspec

        fsspec.filesystem("memory").pipe_file(f"{self._root}/{name}", data)

    def remove(self, name):
        del self._all[f"{self._root}/{name}"]

    def objects(self):
        beginning = f"{self._root}/"
        return {
            key.removeprefix(beginning): file.getvalue()
            for key, file in list(self._all.items())
            if key.startswith(beginning)
        }


class Bucket:
    """An S3 service, asked without s3fs."""

    def __init__(self, monkeypatch):
        self._url, self.env = buckets.bucket()
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        self._all = buckets.buckets()
        self.place = f"{self._url}/some/tapes"

    def write(self, name, data):
        self._all.write(self._url, f"some/tapes/{name}", data)

    def remove(self, name):
        self._all.remove(self._url, f"some/tapes/{name}")

    def objects(self):
        names = self._all.objects(self._url)
        return {name.removeprefix("some/tapes/"): self._all.read(self._url, name) for name in names}


@pytest.fixture(scope="module", autouse=True)
def _asks_anew():
    """Earlier tests may have made s3fs talk to somebody else; here it is one service for all."""
    if importlib.util.find_spec("s3fs"):
        buckets.forget()


@pytest.fixture(params=["folder", "memory", "s3"])
def ground(request, tmp_path, monkeypatch):
    monkeypatch.setenv("PHASEO_NB_CACHE", str(tmp_path / "cache"))
    if request.param == "folder":
        return Folder(tmp_path)
    return Memory() if request.param == "memory" else Bucket(monkeypatch)


def test_what_is_put_is_read(ground):
    """A recording has its name by what is in it, lies there as received, and comes back."""
    store = open_store(ground.place)

    recording = store.put(SONG)

    assert recording == Recording(SHA256, ".mp3", "mp3", len(SONG))
    assert ground.objects() == {NAME: SONG}
    assert store.read(recording) == SONG
    with store.open(recording) as file:
        assert file.read() == SONG
    assert store.is_there(recording)
    assert store.is_whole(recording)
    assert store.state_of(recording) is None
    assert store.size() == len(SONG)


@pytest.mark.parametrize(
    ("data", "is_bare", "suffix", "format"),
    [
        (b"\0\1" * 400, True, ".pcm", "pcm"),
        (b"\0\1" * 400, False, ".bin", "unknown"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, False, ".png", "png"),
    ],
    ids=["bare samples", "nobody knows", "a picture"],
)
def test_names_go_by_what_is_inside(ground, data, is_bare, suffix, format):
    """What has no header is bare samples only where that was said; pictures are known, too."""
    recording = open_store(ground.place).put(data, is_bare=is_bare)

    assert (recording.suffix, recording.format) == (suffix, format)
    assert list(ground.objects()) == [recording.name]


def test_the_same_is_there_once(ground):
    """Many threads and two stores put the same content: one file, and nothing left over."""
    stores = [open_store(ground.place), open_store(ground.place)]

    with ThreadPoolExecutor(6) as pool:
        put = set(pool.map(lambda n: stores[n % 2].put(SONG), range(12)))

    assert len(put) == 1
    assert ground.objects() == {NAME: SONG}


def test_what_is_there_is_not_written_again(ground):
    """A second time nothing is written: even an other content of that length stays."""
    store = open_store(ground.place)
    store.put(SONG)
    if isinstance(ground, Folder):  # there every byte is compared, which costs nothing
        before = (ground.path / NAME).stat().st_mtime_ns
        store.put(SONG)
        assert (ground.path / NAME).stat().st_mtime_ns == before
        return
    ground.write(NAME, SONG[::-1])

    open_store(ground.place).put(SONG)

    assert ground.objects() == {NAME: SONG[::-1]}


def test_a_half_one_is_put_right(ground):
    """A file of another length under the name is no reason to keep nothing."""
    ground.write(NAME, SONG[:100])

    open_store(ground.place).put(SONG)

    assert ground.objects() == {NAME: SONG}


@pytest.mark.parametrize(
    ("there", "state"),
    [(None, "missing"), (SONG[:99], "changed"), (SONG + b"!", "changed"), (SONG[::-1], "changed")],
    ids=["gone", "cut", "longer", "other bytes"],
)
def test_damage_is_found_when_read(ground, there, state):
    """What is gone or changed is never played: reading says so, and is then remembered."""
    store = open_store(ground.place)
    recording = store.put(SONG)
    ground.remove(NAME)
    if there is not None:
        ground.write(NAME, there)

    with pytest.raises(AudioError, match="gone" if there is None else "no longer what was kept"):
        store.read(recording)
    with pytest.raises(AudioError, match=r"gone|no longer what was kept"):
        store.open(recording)

    assert store.state_of(recording) == state
    assert not store.is_whole(recording)
    assert store.is_there(recording) == (isinstance(ground, Folder) and there == SONG[::-1])
    store.put(SONG)  # fetched anew
    assert store.read(recording) == SONG
    assert store.is_there(recording)


def test_a_survey_names_what_is_wrong_and_what_else_is_there(ground):
    """One look finds what is missing or changed, and everything that no row knows."""
    store = open_store(ground.place)
    whole, cut, turned = (store.put(SONG + bytes([n])) for n in range(3))
    gone = Recording("0" * 64, ".mp3", "mp3", 5)
    ground.write(cut.name, b"ID3")
    ground.write(turned.name, SONG[::-1] + b"?")
    ground.write("loose.txt", b"12")
    ground.write("ab/.half.part", b"123")
    known = [whole, cut, turned, gone]

    full, quick = store.survey(known), store.survey(known, quick=True)

    assert {r.sha256: state for r, state in full.troubles} == {
        cut.sha256: "changed",
        turned.sha256: "changed",
        gone.sha256: "missing",
    }
    assert {r.sha256 for r, _ in quick.troubles} == {cut.sha256, gone.sha256}
    others = {item.name: item.size for item in full.others}
    assert others == {"loose.txt": 2, "ab/.half.part": 3}
    assert all(item.modified is not None for item in full.others)


def test_items_are_renamed_and_removed(ground):
    """What lies there can be set aside and deleted; what is not there is no error."""
    store = open_store(ground.place)
    recording = store.put(SONG)

    assert store.item(NAME).size == len(SONG)
    assert store.rename_item(NAME, f"{NAME}.damaged")
    assert not store.rename_item(NAME, f"{NAME}.damaged")
    assert store.item(NAME) is None
    assert list(ground.objects()) == [f"{NAME}.damaged"]
    store.remove_item(f"{NAME}.damaged")
    store.remove_item(f"{NAME}.damaged")
    store.remove(recording)
    assert ground.objects() == {}
    assert list(store.items()) == []


@pytest.mark.parametrize("name", ["../outside", "ab/../../outside", "/etc/passwd"])
def test_no_name_leads_outside(ground, tmp_path, name):
    """A strange name is left as it is, never taken for another place."""
    store = open_store(ground.place)
    store.put(SONG)
    outside = tmp_path / "outside"
    outside.write_text("stays")

    with pytest.raises(LibraryError, match=r"outside|no name of ours"):
        store.remove_item(name)
    with pytest.raises(LibraryError, match=r"outside|no name of ours"):
        store.rename_item(NAME, name)

    assert outside.read_text() == "stays"
    assert list(ground.objects()) == [NAME]


@pytest.mark.parametrize("sha256", ["../../outside", "A" * 64, "0" * 63, ""])
def test_a_journal_may_say_anything(ground, sha256):
    """A journal that others write, too, names no file outside of the store."""
    bad = Recording(sha256, ".mp3", "mp3", 3)
    store = open_store(ground.place)

    for ask in (store.read, store.is_there, store.remove, store.state_of):
        with pytest.raises(LibraryError, match="no name of one"):
            ask(bad)


_PUT = """
    import os, sys
    from phaseo_nb.keeping.store import open_store
    store = open_store(sys.argv[1])
    for n in range(8):
        store.put(b"ID3" + bytes([n]) * 2000)
    if hasattr(os, "fork") and sys.argv[2] == "0":
        child = os.fork()
        if child == 0:
            store.put(b"ID3 of the child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
"""


def test_processes_put_the_same(ground):
    """Two processes put the same at once, and a fork goes on: each is there once, and whole."""
    if isinstance(ground, Memory):
        pytest.skip("is in the memory of one process")
    code = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(_PUT), str(ground.place)]
    env = without_ours(dict(os.environ))

    running = [subprocess.Popen([*code, str(n)], env=env) for n in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]

    expected = {b"ID3" + bytes([n]) * 2000 for n in range(8)} | {b"ID3 of the child"}
    objects = ground.objects()
    assert set(objects.values()) == expected
    assert len(objects) == len(expected)


def test_a_bucket_that_often_fails_takes_everything(monkeypatch, tmp_path):
    """A fifth of all writes is answered 503: each recording arrives all the same."""
    monkeypatch.setenv("PHASEO_NB_CACHE", str(tmp_path / "cache"))
    songs = [SONG + bytes([n]) for n in range(20)]
    with buckets.buckets().flaky(0.2) as (url, env, _):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        buckets.forget()
        store = open_store(f"{url}/tapes")
        with ThreadPoolExecutor(6) as pool:
            recordings = list(pool.map(store.put, songs))

        assert sorted(map(store.read, recordings)) == sorted(songs)
        assert set(buckets.buckets().objects(url)) == {f"tapes/{r.name}" for r in recordings}
    buckets.forget()


@pytest.mark.parametrize("ask", ["check", "put", "survey"])
def test_a_bucket_that_is_not_there_is_said(monkeypatch, ask):
    """No bucket is no empty store: nobody pays for what it cannot keep, nothing is forgotten."""
    _, env = buckets.bucket()
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    store = open_store("s3://no-such-bucket/tapes")
    arguments = {"check": [], "put": [SONG], "survey": [[Recording(SHA256, ".mp3", "mp3", 3)]]}

    with pytest.raises(LibraryError, match=r"s3://no-such-bucket/tapes .*: there is no such"):
        getattr(store, ask)(*arguments[ask])


# -- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("s3://bucket/x", True),
        ("file:///x", True),
        ("a+b.c-1://x", True),
        ("simplecache::s3://bucket", True),
        (r"c:\music", False),
        ("c://music", False),
        ("/s3://x", False),
        ("music", False),
        ("", False),
        (None, False),
        (Path("x"), False),
    ],
)
def test_addresses_are_told_from_folders(text, is_one):
    """A scheme has two letters or more; one letter is a drive of Windows."""
    assert is_url(text) is is_one


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("s3://bucket/x", "s3://bucket/x"),
        (" S3://bucket ", "s3://bucket"),
        ("sftp://me:hush@host:22/x?key=hush#hush", "sftp://host:22/x"),
        ("sftp://me:hu/s@h@host/x", "sftp://host/x"),
        ("s3://hush@bucket/x", "s3://bucket/x"),
        ("abfs://container@account.dfs.example/x", "abfs://container@account.dfs.example/x"),
        ("abfs://me:hush@account/x", "abfs://account/x"),
        ("cache::sftp://me:hush@host/x", "sftp://host/x"),
        ("s3://bucket/\x1b[31m\u202ex", "s3://bucket/␛[31m⟨U+202E⟩x"),
    ],
)
def test_addresses_are_shown_without_secrets(url, seen):
    """What anybody sees of an address has no user, password, query or fragment in it."""
    assert shown(url) == seen


def test_a_file_address_is_a_folder(tmp_path):
    """``file://`` needs no driver, and its store has the layout of any folder."""
    store = open_store((tmp_path / "my tapes").as_uri())

    assert isinstance(store, LocalStore)
    assert store.folder == tmp_path / "my tapes"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("s3://", "names no bucket"),
        ("s3://bucket/*", "read as patterns"),
        ("s3://me:hush@bucket", "no user and no password"),
        ("simplecache::s3://bucket", "Chained"),
        ("https://host/x", "cannot be written"),
        ("gramophone://x", "knows no addresses that begin with gramophone://"),
        ("file://host/x", "another machine"),
        (Path("s3://bucket"), "Give it as a text"),
    ],
)
def test_what_is_no_place_is_refused(place, words):
    """What cannot be a store says why, at once, and what would be right."""
    pytest.importorskip("s3fs")

    with pytest.raises(LibraryError, match=words) as caught:
        open_store(place)

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("missing", "url", "words"),
    [
        ("fsspec", "s3://bucket", 'pip install "phaseo-nb[scale]"'),
        ("s3fs", "s3://bucket", "pip install s3fs"),
        ("gcsfs", "gs://bucket", "pip install gcsfs"),
    ],
)
def test_what_is_not_installed_is_named(missing, url, words):
    """Without fsspec, or the driver of an address, the error says what to install."""
    pytest.importorskip("fsspec")
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import phaseo_nb as nb\n"
        "from phaseo_nb.keeping.store import open_store\n"
        f"try: open_store({url!r})\n"
        "except nb.LibraryError as error: print(error)\n"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)

    assert words in said.stdout.decode()


def test_nothing_of_it_is_imported_unless_used():
    """A library in a folder loads no fsspec."""
    code = (
        "import sys; from phaseo_nb.keeping.store import open_store; open_store('tapes');"
        "print([name for name in ('fsspec', 's3fs', 'aiohttp') if name in sys.modules])"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)

    assert out.stdout.strip() == b"[]"


def test_a_store_that_stands_in_leaves_the_other_alone(tmp_path):
    """What lies in the folder that this one stands in for is read, never written or deleted."""
    recording = LocalStore(tmp_path / "real").put(SONG)
    store = LocalStore(tmp_path / "temporary", also=tmp_path / "real")

    assert store.read(recording) == SONG
    assert store.is_there(recording)
    assert store.survey([recording]) == ([], [])
    store.remove(recording)
    assert not store.rename_item(NAME, f"{NAME}.damaged")
    assert store.put(SONG) == recording

    assert (tmp_path / "real" / NAME).read_bytes() == SONG
    assert not (tmp_path / "temporary").exists()


def test_opened_recordings_are_streams(ground):
    """What is opened can be copied block by block, and is closed by ``with``."""
    store = open_store(ground.place)

    with store.open(store.put(SONG)) as file:
        copy = io.BytesIO()
        while block := file.read(1000):
            copy.write(block)

    assert copy.getvalue() == SONG
    assert file.closed


def test_a_folder_that_is_away_says_nothing_about_what_is_in_it(tmp_path):
    """A disk that is not connected used to look like one on which every recording is gone."""
    store = LocalStore(tmp_path / "disk" / "tapes")
    assert store.survey([]) == ([], [])
    recording = store.put(SONG)
    (tmp_path / "disk").rename(tmp_path / "away")

    with pytest.raises(LibraryError, match=r"cannot be looked into: it is not there.* connect"):
        store.survey([recording])
    with pytest.raises(LibraryError, match="it is not there"):
        store.item(recording.name)
    store.folder.mkdir(parents=True)  # lost for good
    assert store.survey([recording]) == ([(recording, "missing")], [])
    assert store.item(recording.name) is None
