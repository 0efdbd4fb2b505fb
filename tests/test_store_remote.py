"""Far stores: what fails in passing, the read cache, secrets, takes whose audio is elsewhere."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import threading
import traceback
import uuid
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
from wires import KEY, Wire, sine_wav

import phaseo_nb as nb
from phaseo_nb.audio.codecs import encode
from phaseo_nb.errors import AudioError, LibraryError
from phaseo_nb.jobs import MusicJob, Track
from phaseo_nb.keeping.store import Recording, Unreachable, drivers, open_store
from phaseo_nb.keeping.store.cache import ReadCache
from phaseo_nb.keeping.store.remote import RemoteStore
from phaseo_nb.takes import Take

fsspec = pytest.importorskip("fsspec")
from fsspec.implementations.memory import MemoryFileSystem  # noqa: E402

SONG = b"ID3" + bytes(range(256)) * 80
SHA256 = hashlib.sha256(SONG).hexdigest()
NAME = f"{SHA256[:2]}/{SHA256}.mp3"


class Faulty(MemoryFileSystem):
    """A store in memory that does what a test says instead: for each verb a list, call by call."""

    store = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    plan: dict[str, list] = {}  # noqa: RUF012
    """For each verb, what is done in its next calls: an error, ``"half"``, ``"short"`` (half,
    without a word), ``"lost"`` (the answer) or None."""
    calls: list[str] = []  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path):
        rest = path.partition("://")[2].rpartition("@")[2].partition("?")[0]
        return super()._strip_protocol(rest or path)

    def _step(self, verb):
        self.calls.append(verb)
        plan = self.plan.get(verb)
        what = plan.pop(0) if plan else None
        if isinstance(what, Exception):
            raise what
        return what

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        what = self._step("pipe_file")
        with pytest.MonkeyPatch.context() as patch:  # what it asks itself counts for nothing
            patch.setattr(Faulty, "info", MemoryFileSystem.info)
            super().pipe_file(
                path, value[:100] if what in ("half", "short") else value, mode=mode, **kwargs
            )
        if what in ("half", "lost"):
            message = "https://me:hush@host/?key=hush was cut"
            raise ConnectionResetError(message)

    def cat_file(self, path, start=None, end=None, **kwargs):
        what = self._step("cat_file")
        data = super().cat_file(path, start, end, **kwargs)
        return data[:100] if what == "half" else data

    def info(self, path, **kwargs):
        self._step("info")
        return super().info(path, **kwargs)

    def find(self, path, *args, **kwargs):
        self._step("find")
        return super().find(path, *args, **kwargs)

    def mv(self, path1, path2, **kwargs):
        self._step("mv")
        super().mv(path1, path2, **kwargs)


class Objects(Faulty):
    """One that puts whole objects, as S3 does."""

    protocol = ("objects", "memory")


class Files(Faulty):
    """One that writes files piece by piece, as SFTP does."""

    protocol = ("files",)


@pytest.fixture(autouse=True)
def slept(monkeypatch, tmp_path):
    """Register the faulty stores; nothing waits, and what was waited is here."""
    for kind in (Objects, Files):
        fsspec.register_implementation(kind.protocol[0], kind, clobber=True)
    monkeypatch.setattr(Faulty, "store", {})
    monkeypatch.setattr(Faulty, "pseudo_dirs", [""])
    monkeypatch.setattr(Faulty, "plan", {})
    monkeypatch.setattr(Faulty, "calls", [])
    monkeypatch.setenv("PHASEO_NB_CACHE", str(tmp_path / "cache"))
    slept = []
    monkeypatch.setattr(drivers, "_sleep", slept.append)
    return slept


@pytest.fixture(params=["objects", "files"])
def store(request):
    return open_store(f"{request.param}://{uuid.uuid4().hex}/tapes")


def there():
    """Return what lies in the faulty store, by file name."""
    return {key.rpartition("/")[2]: file.getvalue() for key, file in Faulty.store.items()}


def broken():
    return ConnectionResetError("https://me:hush@host/?key=hush was cut")


# -- what fails in passing -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "fails",
    [
        {"pipe_file": [broken()]},
        {"pipe_file": [broken(), TimeoutError(), OSError(5, "slow down")]},
        {"pipe_file": ["lost"]},
        {"info": [broken()]},
        {"mv": [broken()]},
    ],
    ids=["once", "three times", "answer lost", "asking", "renaming"],
)
def test_a_write_that_fails_in_passing_is_tried_again(store, fails):
    """A few failures are waited out, and nothing is left over."""
    Faulty.plan.update({verb: list(plan) for verb, plan in fails.items()})

    recording = store.put(SONG)

    assert there() == {NAME.rpartition("/")[2]: SONG}
    assert store.read(recording) == SONG


def test_half_a_file_never_has_the_name(monkeypatch):
    """Where files are written piece by piece, a cut leaves nothing under the last name."""
    store = open_store("files://host/tapes")
    seen = []
    pipe_file = Files.pipe_file

    def watching(self, path, value, **kwargs):
        try:
            pipe_file(self, path, value, **kwargs)
        finally:
            seen.append(set(there()))

    monkeypatch.setattr(Files, "pipe_file", watching)
    Faulty.plan["pipe_file"] = ["half", "short"]

    store.put(SONG)

    assert len(seen) == 3
    assert all(name.startswith(".") and name.endswith(".part") for names in seen for name in names)
    assert there() == {NAME.rpartition("/")[2]: SONG}


def test_patience_has_an_end(store, slept):
    """What goes on failing is an error in our words within ten seconds; later it may work."""
    Faulty.plan["pipe_file"] = [broken() for _ in range(6)]

    with pytest.raises(LibraryError, match="does not take the recording") as caught:
        store.put(SONG)

    assert "hush" not in str(caught.value)
    assert len(slept) == 5
    assert slept[0] < slept[-1] < sum(slept) <= 10
    assert there() == {}
    store.put(SONG)
    assert there() == {NAME.rpartition("/")[2]: SONG}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError("hush"), "credentials are refused"),
        (FileNotFoundError("hush"), "no such bucket"),
        (type("NoCredentialsError", (Exception,), {})("hush"), "no credentials were found"),
        (OSError(28, "hush"), "No space left"),
        (NotImplementedError("hush"), "cannot do this"),
    ],
    ids=["refused", "no bucket", "no credentials", "full", "cannot"],
)
def test_what_will_not_pass_is_said_at_once(store, slept, error, words):
    """What waiting does not mend is not waited for; its own words are not shown."""
    Faulty.plan["pipe_file"] = [error] * 3

    with pytest.raises(LibraryError, match=words) as caught:
        store.put(SONG)

    assert slept == []
    assert "hush" not in str(caught.value)
    assert store.place in str(caught.value)


def test_a_new_recording_takes_one_request():
    """Thousands are put: an object store is asked once for each, and not whether it is there."""
    store = open_store("objects://bucket/tapes")

    for n in range(20):
        store.put(SONG + bytes([n]))

    assert Faulty.calls == ["pipe_file"] * 20


def test_a_driver_that_cannot_write_only_what_is_new(monkeypatch, slept):
    """Not every driver knows the condition; it writes plainly then, and is not asked again."""
    modes = []

    def pipe_file(self, path, value, **kwargs):
        modes.append(kwargs)
        if kwargs:
            message = "unexpected keyword argument 'mode'"
            raise TypeError(message)
        MemoryFileSystem.pipe_file(self, path, value)

    monkeypatch.setattr(Objects, "pipe_file", pipe_file)
    store = open_store("objects://bucket/tapes")

    store.put(SONG)
    store.put(SONG + b"!")

    assert modes == [{"mode": "create"}, {}, {}]
    assert slept == []
    assert set(there().values()) == {SONG, SONG + b"!"}


def test_a_read_that_fails_in_passing_is_tried_again(store):
    """A cut connection, and a part that arrived as if it were all, cost no recording."""
    recording = store.put(SONG)
    Faulty.plan["cat_file"] = [broken(), "half"]

    assert store.read(recording) == SONG


def test_nobody_answering_is_not_gone(store):
    """Where nobody can tell, a recording does not count as lost, and no doctor forgets it."""
    recording = store.put(SONG)
    Faulty.plan["cat_file"] = [broken() for _ in range(30)]

    with pytest.raises(Unreachable, match="Try it again") as caught:
        store.read(recording)
    assert isinstance(
        pickle.loads(pickle.dumps(caught.value)), Unreachable
    )  # workers raise it, too

    assert store.is_there(recording)
    assert store.survey([recording]).troubles == [(recording, "unreadable")]
    Faulty.plan["info"] = [broken() for _ in range(6)]
    with pytest.raises(LibraryError, match="cannot be read"):
        store.item(recording.name)


def test_a_store_is_checked_before_anything_is_paid(store):
    """A check tells whether it can be written; it leaves one small file that is no orphan."""
    store.check()
    before = there()
    store.check()

    assert list(there()) == ["phaseo-nb.txt"]
    assert there() == before
    assert store.survey([]) == ([], [])

    Faulty.store.clear()
    Faulty.plan["pipe_file"] = [PermissionError("hush")]
    with pytest.raises(LibraryError, match="cannot be used for audio: the credentials"):
        store.check()
    Faulty.plan["pipe_file"] = [FileNotFoundError("hush")]
    with pytest.raises(LibraryError, match=r"no such bucket.* Make it there first"):
        store.check()


def test_who_may_only_read_a_bucket_is_told_so_though_its_small_file_is_there():
    """Somebody else wrote it; nothing was tried then, and the first recording was refused."""
    store = open_store(f"objects://{uuid.uuid4().hex}/tapes")
    store.check()

    Faulty.plan["pipe_file"] = [PermissionError("hush")]
    with pytest.raises(LibraryError, match="cannot be used for audio: the credentials"):
        store.check()


# -- the read cache ------------------------------------------------------------------------------


def test_what_was_read_is_not_fetched_again(store):
    """The second reading asks nobody; a store opened anew knows it, too."""
    recording = store.put(SONG)

    for each in (store, open_store(store.place)):
        assert each.read(recording) == SONG

    assert Faulty.calls.count("cat_file") == 1


@pytest.mark.parametrize("damage", [b"", SONG[:500], SONG[::-1]], ids=["empty", "cut", "changed"])
def test_a_damaged_copy_is_fetched_anew(store, tmp_path, damage):
    """What lies in the cache is compared with its hash, too."""
    recording = store.put(SONG)
    store.read(recording)
    (tmp_path / "cache" / NAME).write_bytes(damage)

    assert store.read(recording) == SONG
    assert (tmp_path / "cache" / NAME).read_bytes() == SONG


def test_the_longest_unused_goes_first(tmp_path):
    """Over its limit the cache loses what nobody read for longest, and nothing that is not ours."""
    cache = ReadCache(tmp_path / "cache", 10_000)
    songs = [b"ID3" + bytes([n]) * 1997 for n in range(9)]
    recordings = [Recording.of(song) for song in songs]
    foreign = tmp_path / "cache" / "my.txt"
    half = tmp_path / "cache" / "ab" / f".{'0' * 16}.part"
    for n in range(4):
        cache.put(recordings[n], songs[n])
        os.utime(cache.folder / recordings[n].name, (1000 + n, 1000 + n))
    foreign.write_bytes(b"x" * 50_000)
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"x" * 50_000)
    os.utime(half, (1000, 1000))

    assert cache.get(recordings[0]) == songs[0]
    for n in range(4, 7):
        cache.put(recordings[n], songs[n])

    kept = [n for n in range(7) if cache.path_of(recordings[n])]
    assert 0 in kept  # read just now
    assert 1 not in kept
    assert {4, 5, 6} <= set(kept)
    assert sum(len(songs[n]) for n in kept) <= 10_000
    assert foreign.exists()
    assert not half.exists()


def test_the_cap_holds_for_several_writers(tmp_path):
    """Many threads, and another cache of the same folder, stay within the limit together."""
    caches = [ReadCache(tmp_path / "cache", 40_000) for _ in range(2)]

    def fill(number):
        for n in range(40):
            song = b"ID3" + bytes([number, n]) * 500
            caches[number % 2].put(Recording.of(song), song)

    threads = [threading.Thread(target=fill, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 40_000
    assert len(files) > 20
    assert not [path for path in files if path.suffix == ".part"]


@pytest.mark.parametrize("trouble", ["a file", "full", "cannot be read"])
def test_reading_goes_on_without_a_cache(store, tmp_path, monkeypatch, caplog, trouble):
    """A cache that cannot be used costs time, never a recording, and is said once."""
    recording = store.put(SONG)
    if trouble == "a file":
        (tmp_path / "cache").write_text("in the way")
    elif trouble == "full":

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "open", full)
    else:
        (tmp_path / "cache" / NAME).mkdir(parents=True)

    with caplog.at_level(logging.WARNING, "phaseo_nb"):
        assert [store.read(recording) for _ in range(3)] == [SONG] * 3

    assert len([r for r in caplog.records if "read cache" in r.message]) == 1
    with pytest.raises(AudioError, match=r"track\.save"):
        _ = store.source(recording).path


@pytest.mark.parametrize(
    ("said", "n_bytes"), [("500MB", 500_000_000), ("2 GiB", 2**31), ("0", 0), ("", 2_000_000_000)]
)
def test_the_limit_of_the_cache_is_said_in_words(monkeypatch, said, n_bytes):
    """``PHASEO_NB_CACHE_LIMIT`` is a size as everywhere; 2 GB without it."""
    monkeypatch.setenv("PHASEO_NB_CACHE_LIMIT", said)

    assert ReadCache().limit == n_bytes


def test_a_wrong_limit_names_its_variable(monkeypatch):
    """What is no size says where it stands."""
    monkeypatch.setenv("PHASEO_NB_CACHE_LIMIT", "much")

    with pytest.raises(LibraryError, match="PHASEO_NB_CACHE_LIMIT: 'much' is no size"):
        open_store("memory://tapes")


def test_the_user_has_a_cache_folder(monkeypatch, tmp_path):
    """Without the variable it is the user's own cache folder."""
    monkeypatch.delenv("PHASEO_NB_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: str(tmp_path / "mine"))

    assert ReadCache().folder == tmp_path / "mine" / "audio"


# -- secrets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["objects", "files"])
def test_no_secret_of_an_address_is_shown(scheme, caplog, slept):
    """Neither reprs nor variables, errors, their tracebacks, logs or pickles hold a password."""
    caplog.set_level(logging.WARNING)
    if scheme == "files":
        store = open_store("files://me:hush@host/tapes?key=hush")
    else:  # as environment and configuration give it to a driver
        store = RemoteStore("objects://host/tapes")
        store._driver._held.fs.storage_options["secret"] = "hush"
    recording = store.put(SONG)
    source = store.source(recording)
    things = [store, source, store.address, store._driver, store._driver._held, store.cache]
    said = [repr(thing) for thing in things]
    said += [repr(vars(thing)) for thing in things if hasattr(thing, "__dict__")]

    for verb, ask in {
        "pipe_file": lambda: store.put(SONG + b"!"),
        "cat_file": lambda: store.read(recording),
        "find": lambda: list(store.items()),
    }.items():
        Faulty.plan[verb] = [broken() for _ in range(9)]
        with pytest.raises((LibraryError, AudioError)) as caught:
            ask()
        said += _verbose(caught.value)
    for thing in (store, source, store._driver, store.address):
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as caught:
            pickle.dumps(thing)
        said.append(str(caught.value))

    assert len(said) > 20
    assert "hush" not in " ".join([*said, caplog.text])


@pytest.mark.parametrize(
    "url",
    [
        "s3://me:hush@bucket/x",
        "gramophone://me:hush@host/x",
        "https://me:hush@host/x?key=hush",
        "files://me:hush@",
        "files://me:hush@host/*",
        "cache::files://me:hush@host/x",
    ],
)
def test_no_secret_of_a_wrong_address_is_shown(url):
    """An address that is refused is not quoted either, not even in a verbose traceback."""
    with pytest.raises(LibraryError) as caught:
        open_store(url)

    assert "hush" not in " ".join(_verbose(caught.value))


def _verbose(error):
    """Return an error as a verbose traceback shows it: with the variables of our functions."""
    shown = []
    while error is not None:
        shown.append(str(error))
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                shown.append(f"{frame.f_code.co_filename}:{line} {frame.f_locals!r}")
        error = error.__cause__ or error.__context__
    return shown


# -- takes whose audio is elsewhere --------------------------------------------------------------


def _sound():
    import numpy as np

    return encode(np.sin(np.arange(8000, dtype="float32") / 9)[None] * 0.5, 8000, "wav")


def _take(store, recording):
    job = MusicJob(id="1", status="completed", tracks=(Track(0, title="Tide", duration=1.0),))
    recordings, hashes = [store.source(recording)], [recording.sha256]
    return Take.of(job, recordings, id="t1", request=None, hashes=hashes)


def test_nothing_is_fetched_before_somebody_listens(store):
    """Facts, lists and tables of takes ask nobody; the first player fetches once."""
    takes = [_take(store, store.put(_sound())) for _ in range(3)]
    Faulty.calls.clear()

    rows = nb.keeping.tables.Takes(takes)
    facts = [(t.track.has_audio, t.track.format, t.track.sha256, t.track.place) for t in takes]
    sizes = [take.track.size_bytes for take in takes]
    assert "Tide" in repr(rows)
    assert rows.rows()[0]["path"] == takes[0].track.place

    assert Faulty.calls == []
    assert facts[0][:2] == (True, "wav")
    assert facts[0][3].startswith(store.place)
    assert sizes == [len(_sound())] * 3
    assert "<audio" in takes[0].track._repr_html_()
    assert Faulty.calls.count("cat_file") == 1


def test_a_far_track_can_be_played_measured_and_saved(store, tmp_path):
    """Whatever a track in a folder can, one elsewhere can; its path is a copy on this machine."""
    track = _take(store, store.put(_sound())).track

    assert track.recording == _sound()
    assert track.seconds == 1.0
    assert track.path.read_bytes() == _sound()
    assert track.path.is_relative_to(tmp_path / "cache")
    assert track.save(tmp_path / "mine.wav").read_bytes() == _sound()
    assert track.audio()[1] == 8000


def test_a_far_track_that_is_gone_says_so(store):
    """The card of a recording that vanished says it in words that fit an address."""
    recording = store.put(_sound())
    track = _take(store, recording).track
    Faulty.store.clear()

    with pytest.raises(AudioError, match=rf"{store.place}/\S+ cannot be read: it is gone"):
        _ = track.recording


def test_a_far_picture_is_fetched_when_shown(store, monkeypatch):
    """Cover images alike."""
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
        "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
    )
    recording = store.put(png)
    picture_of = nb.takes.pictures.Picture.of
    picture = picture_of(Track(0, title="Tide"), store.source(recording), title=None)
    Faulty.calls.clear()

    assert picture.is_here
    assert picture.format == "png"
    assert f"<Picture png {recording.sha256[:12]}" in repr(picture)
    assert Faulty.calls == []
    assert picture.data == png
    assert picture.path.read_bytes() == png
    assert "<img" in picture._repr_html_()
    monkeypatch.setenv("PHASEO_NB_CACHE_LIMIT", "0")
    source = open_store(store.place).source(recording)
    assert "<img" in picture_of(Track(0), source, title=None)._repr_html_()


# -- a library whose audio is elsewhere ----------------------------------------------------------


@pytest.fixture(params=["objects", "files"])
def far(request, monkeypatch, quick):
    """A session whose recordings go to an address, and that address."""
    url = f"{request.param}://bucket/tapes"
    monkeypatch.setenv("PHASEO_NB_AUDIO", url)
    connect()
    return url


def connect():
    """Connect to a gateway whose every job sounds different."""

    def sound(wire):
        return httpx.Response(200, content=sine_wav(0.2 + len(wire.posts) / 100))

    nb.connect("phaseo", api_key=KEY, transport=Wire(audio=sound).transport)


def make(prompt="a waltz", **more):
    return nb.run(nb.generate(prompt, model="suno/v4.5", show=False, **more))


def lying():
    """Return the keys of recordings in the faulty store; not what a check-up of it leaves."""
    names = {key.removeprefix("/bucket/tapes/") for key in Faulty.store}
    return names - {"phaseo-nb.txt"}


def plant(name, data, *, age=7200.0):
    """Put an object of some age into the store, behind everybody's back."""
    Objects().pipe_file(f"/bucket/tapes/{name}", data)
    file = Faulty.store[f"/bucket/tapes/{name}"]
    file.created = file.modified = datetime.now(timezone.utc) - timedelta(seconds=age)


def test_takes_are_kept_elsewhere(far):
    """What is made is at the address and nowhere else, and is found again for nothing."""
    take = make()
    again = make()

    assert take.track.place.startswith(far)
    assert lying() == {f"{take.track.sha256[:2]}/{take.track.sha256}.wav"}
    assert again.id == take.id
    assert not list((nb.library().path / "audio").rglob("*.*"))
    assert nb.library().doctor().is_well
    assert nb.library().disk_use().audio_bytes == take.track.size_bytes


def test_what_is_found_kept_costs_no_way_there(far):
    """A hundred cells that run again ask the store for nothing."""
    for n in range(5):
        make(f"a waltz {n}")
    nb.library().close()
    connect()
    Faulty.calls.clear()

    takes = [make(f"a waltz {n}") for n in range(5)]

    assert Faulty.calls == []
    assert all(take.track.has_audio for take in takes)


def test_what_turns_out_gone_is_fetched_again(far):
    """Playing finds that an object vanished; the cell, run again, fetches it anew, unpaid."""
    take = make()
    Faulty.store.clear()
    with pytest.raises(AudioError, match="Running its cell again"):
        _ = take.track.recording

    again = make()

    assert again.track.recording
    assert len(lying()) == 1
    assert nb.library().spending().rows()[0]["jobs"] == 1


def test_the_doctor_of_a_far_store(far):
    """Missing, changed, orphaned and unfinished: each is found, and mended as in a folder."""
    gone, cut, whole = make("gone"), make("cut"), make("whole")
    names = {take: f"{take.track.sha256[:2]}/{take.track.sha256}.wav" for take in (gone, cut)}
    del Faulty.store[f"/bucket/tapes/{names[gone]}"]
    plant(names[cut], b"RIFF")
    plant("ab/" + "ab" * 32 + ".mp3", SONG)
    plant("ab/" + "cd" * 32 + ".mp3", SONG, age=60)
    plant("ab/.half.part", b"1")

    found = nb.library().doctor()

    assert {finding.kind: finding.items for finding in found.findings} == {
        "missing": (names[gone],),
        "changed": (names[cut],),
        "orphan": ("ab/" + "ab" * 32 + ".mp3", "ab/" + "cd" * 32 + ".mp3"),
        "part": ("ab/.half.part",),
    }
    mended = found.mend(remove_orphans=True)
    assert {finding.kind for finding in mended.findings} == {"orphan", "set_aside"}
    assert mended.of("orphan") == ("ab/" + "cd" * 32 + ".mp3",)  # somebody may be writing it
    assert mended.of("set_aside") == (f"{names[cut]}.damaged",)
    assert make("gone").track.recording
    assert make("cut").track.recording
    assert whole.track.recording


@pytest.mark.parametrize(
    "name",
    [
        "../.evil.part",
        "ab/../../victim.part",
        "ab/*",
        "*/*",
        "../../victim",
        "<img src=x>",
        "ab//x.part",
    ],
)
def test_strange_names_are_orphans_and_no_paths(far, tmp_path, name):
    """An object of a strange name is told of; mending takes it for no other place."""
    library = nb.library()
    take = make()
    kept = f"/bucket/tapes/{take.track.sha256[:2]}/{take.track.sha256}.wav"
    near = [library.path / "victim", library.path.parent / "victim", library.path / "victim.part"]
    for path in near:
        path.write_text("stays")
    # As an object store has it: any text is a name there.
    Faulty.store[f"/bucket/tapes/{name}"] = Faulty.store[kept]
    Faulty.store[kept].modified = datetime(2020, 1, 1, tzinfo=timezone.utc)
    Faulty.store[kept].created = datetime(2020, 1, 1, tzinfo=timezone.utc)

    found = library.doctor()
    assert found.findings[0].items == (name,)
    assert "<img" not in found._repr_html_()
    found.mend(remove_orphans=True)

    assert [path.read_text() for path in near] == ["stays"] * 3
    assert kept in Faulty.store
    assert library.doctor().of("missing") == ()


def test_deleting_and_exporting_a_far_library(far, tmp_path):
    """What is deleted goes from the address, and an export brings home what was received."""
    kept, other, lost = make("kept"), make("other"), make("lost")
    sound = kept.track.recording
    for key in [key for key in Faulty.store if lost.track.sha256 in key]:
        del Faulty.store[key]

    nb.library().delete(other).for_good()
    path = nb.library().export(tmp_path / "out.zip")

    assert len(lying()) == 1
    with zipfile.ZipFile(path) as file:
        audio = [name for name in file.namelist() if name.endswith(".wav")]
        assert [file.read(name) for name in audio] == [sound]


def test_an_export_of_what_nobody_can_read_now_is_none(far, tmp_path):
    """Where the store does not answer there is no export, instead of one without its audio."""
    make()
    Faulty.plan["cat_file"] = [broken() for _ in range(9)]

    with pytest.raises(LibraryError, match="cannot be read now"):
        nb.library().export(tmp_path / "out")

    assert not (tmp_path / "out").exists()
