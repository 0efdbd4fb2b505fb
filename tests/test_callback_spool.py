"""The folder that callbacks lie in: whole or not at all, bounded, for its owner alone."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phaseo_nb.callbacks import Spool, hash_of
from phaseo_nb.callbacks import spool as module
from phaseo_nb.errors import LibraryError

ONE, TWO = hash_of("one"), hash_of("two")
not_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
)
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and pipes of POSIX")


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def spool(tmp_path, clock):
    return Spool(tmp_path / "spool", clock=clock)


def files(spool):
    return sorted(path for path in spool.folder.rglob("*") if path.is_file())


def bodies(spool, sha256=ONE):
    return [arrival.body for arrival in spool.arrivals(sha256)]


# -- tokens ----------------------------------------------------------------------------------------


def test_a_token_is_known_until_its_time(spool, clock):
    """To the second, and by its hash alone."""
    assert not spool.knows(ONE)
    spool.expect(ONE, clock.now + 10)

    assert spool.knows(ONE)
    assert not spool.knows(TWO)
    clock.now += 10
    assert not spool.knows(ONE)


def test_a_token_can_be_given_more_time(spool, clock):
    """The later time counts."""
    spool.expect(ONE, clock.now + 10)
    spool.expect(ONE, clock.now + 100)
    clock.now += 50

    assert spool.knows(ONE)


@pytest.mark.parametrize(
    "name", ["", "x", "../inbox", ONE.upper(), ONE + "0", ONE + "\n", "é" * 64]
)
def test_only_a_hash_names_a_file(spool, name):
    """A token, a path or anything else is refused before the disk is touched."""
    for act in (lambda: spool.expect(name, 2e6), lambda: spool.put(name, b"[]")):
        with pytest.raises(ValueError, match="Give hash_of"):
            act()
    assert not spool.knows(name)
    assert not spool.folder.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 90,
        ONE.encode(),
        f"{TWO} 9e9\n".encode(),
        f"{ONE} nan\n".encode(),
        b"x" * 10_000,
    ],
    ids=["empty", "zeros", "cut off", "of another", "no time", "long"],
)
def test_a_torn_token_lets_nobody_in(spool, content):
    """What a power cut left of the record is not taken for one."""
    spool.expect(TWO, 2e6)
    (spool.folder / "expected" / ONE).write_bytes(content)

    assert not spool.knows(ONE)
    spool.sweep()
    assert spool.knows(TWO)


# -- arrivals --------------------------------------------------------------------------------------


def test_arrivals_come_back_oldest_first(spool, clock):
    """In the order in which they were put, also within one tick of the clock, and when it goes
    back."""
    for body in (b"[1]", b"[2]", b"[3]"):
        assert spool.put(ONE, body)
    clock.now -= 100
    spool.put(ONE, b"[4]")
    spool.put(TWO, b"[5]")

    assert bodies(spool) == [b"[1]", b"[2]", b"[3]", b"[4]"]
    assert spool.arrivals(ONE)[0].at == pytest.approx(1_000_000.0)
    assert bodies(spool, TWO) == [b"[5]"]


def test_another_process_finds_them(spool):
    """A kernel that starts later reads what came before."""
    spool.expect(ONE, time.time() + 60)
    spool.put(ONE, b'["kept"]')
    code = (
        "import sys, pathlib\n"
        "from phaseo_nb.callbacks import Spool, hash_of\n"
        "spool = Spool(pathlib.Path(sys.argv[1]))\n"
        "print(spool.knows(hash_of('one')), spool.arrivals(hash_of('one'))[0].body)\n"
    )

    out = subprocess.run(
        [sys.executable, "-c", code, str(spool.folder)], capture_output=True, text=True, check=True
    )

    assert out.stdout.split("\n")[0] == """True b'["kept"]'"""


def test_taking_one_leaves_the_others(spool):
    """Taken twice, nothing happens."""
    for body in (b"[1]", b"[2]"):
        spool.put(ONE, body)
    first = spool.arrivals(ONE)[0]

    spool.take(first)
    spool.take(first)

    assert bodies(spool) == [b"[2]"]


def test_forgetting_takes_all_of_one_token(spool, clock):
    """Its arrivals go with it; those of others stay."""
    for sha256 in (ONE, TWO):
        spool.expect(sha256, clock.now + 10)
        spool.put(sha256, b"[]")

    spool.forget(ONE)
    spool.forget(ONE)

    assert (spool.knows(ONE), bodies(spool)) == (False, [])
    assert (spool.knows(TWO), bodies(spool, TWO)) == (True, [b"[]"])


def test_64_of_a_token_at_most(spool):
    """More is dropped and said; another token has room, and so has this one after a take."""
    assert [spool.put(ONE, b"[]") for _ in range(66)] == [True] * 64 + [False] * 2
    assert spool.put(TWO, b"[]")

    spool.take(spool.arrivals(ONE)[0])

    assert spool.put(ONE, b"[]")


@pytest.mark.parametrize(("name", "most"), [("MOST", 3), ("MOST_BYTES", 30)])
def test_there_is_a_bound_for_all_together(spool, monkeypatch, name, most):
    """By number and by bytes, whatever the tokens."""
    monkeypatch.setattr(module, name, most)

    answers = [spool.put(hash_of(str(n)), b"[       ]") for n in range(5)]

    assert answers == [True] * 3 + [False] * 2


def test_a_listener_of_this_process_hears_at_once(spool, tmp_path, clock):
    """Whichever object of the folder puts; not of another folder, and not after its end."""
    heard = []
    end = spool.on_arrival(lambda sha256, name: heard.append((sha256, name)))

    Spool(spool.folder, clock).put(ONE, b"[]")
    Spool(tmp_path / "other").put(ONE, b"[]")
    end()
    end()
    clock.now += 1
    spool.put(ONE, b"[]")

    assert heard == [(ONE, spool.arrivals(ONE)[0].name)]


# -- the disk --------------------------------------------------------------------------------------


@posix
def test_all_of_it_is_for_its_owner_alone(spool, clock):
    """Folders 0700, files 0600, with any umask."""
    before = os.umask(0)
    try:
        spool.expect(ONE, clock.now + 10)
        spool.put(ONE, b"[]")
    finally:
        os.umask(before)

    modes = {path: path.stat().st_mode & 0o777 for path in (spool.folder, *spool.folder.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert len(modes) == 6


def test_a_full_disk_leaves_nothing_half(spool, clock, monkeypatch):
    """The error says what to do, no part of a file stays, and what was there is still read."""
    spool.expect(ONE, clock.now + 10)
    spool.put(ONE, b"[1]")
    real = os.fsync

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LibraryError, match=r"No space left on device.*PHASEO_NB_CALLBACK_SPOOL"):
        spool.put(ONE, b"[2]")
    monkeypatch.setattr(os, "fsync", real)

    assert bodies(spool) == [b"[1]"]
    assert list((spool.folder / "writing").iterdir()) == []
    assert spool.put(ONE, b"[3]")


@pytest.mark.parametrize("in_the_way", ["spool", "spool/expected", "spool/writing"])
def test_a_folder_that_cannot_be_made(tmp_path, in_the_way):
    """A file in its place: a clear error, and nothing else breaks."""
    path = tmp_path / in_the_way
    path.parent.mkdir(exist_ok=True)
    path.write_text("not a folder")
    spool = Spool(tmp_path / "spool")

    with pytest.raises(LibraryError, match="Callbacks cannot be kept in") as caught:
        spool.expect(ONE, 9e9)

    assert caught.value.is_unwritable
    assert (spool.knows(ONE), spool.arrivals(ONE), spool.stamp()) == (False, [], 0)
    spool.forget(ONE)
    spool.sweep()


@not_root
def test_a_folder_without_the_right_to_write(spool, clock):
    """The same error as for a full disk."""
    spool.expect(ONE, clock.now + 10)
    (spool.folder / "writing").chmod(0o500)

    with pytest.raises(LibraryError, match="Permission denied"):
        spool.put(ONE, b"[]")


def test_the_folder_may_go_away_in_between(spool, clock):
    """It is made again."""
    spool.put(ONE, b"[1]")
    shutil.rmtree(spool.folder)

    assert bodies(spool) == []
    assert spool.put(ONE, b"[2]")
    assert bodies(spool) == [b"[2]"]


def good_name(spool):
    spool.put(ONE, b"[1]")
    (arrival,) = spool.arrivals(ONE)
    return arrival.name


def test_foreign_files_are_left_alone(spool):
    """Neither read nor counted nor swept."""
    name = good_name(spool)
    inbox = spool.folder / "inbox"
    foreign = [".DS_Store", f"{ONE}.json", f"._{name}", name + "~", f"{ONE}.1.2.json"]
    for other in foreign:
        (inbox / other).write_text("[2]")
    (inbox / "a folder").mkdir()

    assert bodies(spool) == [b"[1]"]
    spool.expect(ONE, 2e6)
    spool.sweep()
    assert {path.name for path in inbox.iterdir()} == {name, "a folder", *foreign}


def test_what_is_not_whole_is_not_read(spool):
    """A file of another size than its name says, a folder, a huge one."""
    name = good_name(spool)
    stem, at, size, mark, _ = name.split(".")
    inbox = spool.folder / "inbox"
    (inbox / f"{stem}.{at}.{int(size) + 1}.{mark}.json").write_bytes(b"[1]")
    (inbox / f"{stem}.{at}.9999999.{mark}.json").write_bytes(b"[" + b" " * 300_000)
    (inbox / f"{stem}.{at}.3.00000000.json").mkdir()

    assert bodies(spool) == [b"[1]"]
    spool.expect(ONE, 2e6)
    spool.sweep()
    assert len(list(inbox.iterdir())) == 2  # the good one, and a folder that is not ours


@posix
def test_neither_links_nor_pipes_are_opened(spool, tmp_path):
    """A pipe would be waited for without end; a link leads elsewhere."""
    name = good_name(spool)
    stem, at, size, *_ = name.split(".")
    secret = tmp_path / "secret"
    secret.write_bytes(b"[9]")
    (spool.folder / "inbox" / f"{stem}.{at}.{size}.00000000.json").symlink_to(secret)
    os.mkfifo(spool.folder / "inbox" / f"{stem}.{at}.{size}.00000001.json")
    os.mkfifo(spool.folder / "expected" / TWO) if (spool.folder / "expected").exists() else None

    assert bodies(spool) == [b"[1]"]
    assert not spool.knows(TWO)


def test_a_sweep_drops_what_is_over(spool, clock):
    """Expired tokens with their arrivals, arrivals of nobody, parts left by a crash."""
    for sha256, seconds in ((ONE, 10), (TWO, 1000)):
        spool.expect(sha256, clock.now + seconds)
        spool.put(sha256, b"[]")
    spool.put(hash_of("nobody"), b"[]")
    old, fresh = (spool.folder / "writing" / name for name in ("a.part", "b.part"))
    for path in (old, fresh):
        path.write_bytes(b"[")
    os.utime(old, (time.time() - 7200,) * 2)
    clock.now += 100

    spool.sweep()

    assert [path.parent.name for path in files(spool)] == ["expected", "inbox", "writing"]
    assert fresh.exists()
    assert bodies(spool, TWO) == [b"[]"]


def test_old_tokens_go_by_themselves(spool, clock, monkeypatch):
    """Nobody has to call the sweep: the first token of a process brings it, not every one."""
    spool.expect(ONE, clock.now + 10)
    spool.put(ONE, b"[]")
    clock.now += 100

    Spool(spool.folder, clock).expect(TWO, clock.now + 10)
    assert {path.name for path in files(spool)} > {ONE, TWO}

    monkeypatch.setattr(module, "_swept", {})  # as in the next process
    Spool(spool.folder, clock).expect(TWO, clock.now + 10)

    assert [path.name for path in files(spool)] == [TWO]


WRITER = """
import pathlib, sys
from phaseo_nb.callbacks import Spool, hash_of
spool = Spool(pathlib.Path(sys.argv[1]))
for n in range(30):
    assert spool.put(hash_of("one"), b'["%s", %d]' % (sys.argv[2].encode(), n))
"""


def test_two_processes_write_at_once(spool):
    """Nothing is lost, and the order of each one is kept."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(spool.folder), name]) for name in "ab"
    ]
    assert [writer.wait(30) for writer in writers] == [0, 0]

    found = bodies(spool)
    for name in "ab":
        own = [body for body in found if body.startswith(f'["{name}"'.encode())]
        assert own == [b'["%s", %d]' % (name.encode(), n) for n in range(30)]


def test_where_the_folder_is(home, monkeypatch, tmp_path):
    """Beside the library, or where the variable says."""
    assert Spool().folder == home / "callbacks"

    monkeypatch.setenv("PHASEO_NB_CALLBACK_SPOOL", str(tmp_path / "elsewhere"))

    assert Spool().folder == tmp_path / "elsewhere"
    assert not Path(tmp_path / "elsewhere").exists()
