"""A disk that refuses, a file that is broken, a clock that jumps: nothing paid is lost by it."""

from __future__ import annotations

import errno
import gc
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from killing import Nursery
from paid_service import running_service, until
from wires import KEY, Wire, sine_wav

import phaseo_nb as nb
from phaseo_nb.errors import LibraryError
from phaseo_nb.keeping import leases, locks, places, store
from phaseo_nb.keeping.backends.sqlite import SQLite, migrations
from phaseo_nb.keeping.database import Database
from phaseo_nb.keeping.journal import Journal
from phaseo_nb.keeping.kernels import Kernel, Watch
from phaseo_nb.keeping.leases import Leases
from phaseo_nb.session import bookkeeping

WORDS = {"model": "suno/v4.5", "show": False}
MINIMAX = "minimax/music-2.6"


def connect(wire, **more):
    session = nb.connect("phaseo", api_key=KEY, transport=wire.transport, **more)
    session._client.poll = lambda interval: iter(lambda: 0.02, None)
    return session


def make(prompt="a waltz", **more):
    return nb.run(nb.generate(prompt, **{**WORDS, **more}))


def full(*_, **__):
    raise sqlite3.OperationalError("database or disk is full")


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def refusing(*seams, error=full):
    """Let each of these writes fail as a full disk does."""
    with pytest.MonkeyPatch.context() as patch:
        for seam in seams:
            if seam == "audio":
                patch.setattr(store.local.FileSink, "write", no_space)
            else:
                patch.setattr(Journal, seam, lambda self, *_, **__: self.database.write(error))
        yield


@pytest.fixture
def again_soon(monkeypatch):
    """What could not be written is tried again at once, not after seconds."""
    monkeypatch.setattr(bookkeeping, "WRITE_AGAIN", 0.05)


def until_written():
    """Wait until no handle holds anything back."""
    handles = nb.library().folder.handles
    until(lambda: not any(job.unwritten for job in list(handles.values())), "the disk to take it")


# -- a full disk -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seam", ["order", "claim"])
def test_a_full_disk_before_anything_is_sent(seam):
    """Where the order cannot be written down it is not sent; with space again the cell works."""
    wire = Wire()
    connect(wire)
    make("an earlier waltz")

    with refusing(seam), pytest.raises(nb.LibraryError, match="disk") as caught:
        make()

    assert "full" in str(caught.value)
    assert "not sent" in str(caught.value)
    assert len(wire.posts) == 1
    assert nb.library().unfinished() == nb.library().uncertain() == []
    assert make().number == 1
    assert len(wire.posts) == 2
    prompts = [take.request.prompt for take in nb.library().recent()]
    assert prompts == ["a waltz", "an earlier waltz"]


AFTER = [
    ("answered",),
    ("completed",),
    ("audio",),
    ("keep",),
    ("answered", "completed", "keep"),
    ("answered", "completed", "audio", "keep", "end"),
]


@pytest.mark.parametrize("seams", AFTER, ids="+".join)
@pytest.mark.parametrize("model", ["suno/v4.5", MINIMAX])
def test_a_full_disk_after_it_was_paid(model, seams, again_soon, caplog):
    """The take comes back in memory and says so; it is written down later and not paid again."""
    wire = music_with_the_answer() if model == MINIMAX else Wire()
    wire.sound = lambda: httpx.Response(200, content=sine_wav(1.0 / len(wire.posts)))
    wire.audio = lambda wire: wire.sound()
    connect(wire)
    make("an earlier waltz", model=model)

    with refusing(*seams):
        take = make(model=model)
        samples, rate = take.track.audio()
        again = make(model=model)
        assert (samples.shape, rate) == ((1, 4000), 8000)
        assert again.track.audio()[0].shape == samples.shape
        assert len(wire.posts) == 2
        assert any("NOT KEPT yet" in note for note in take.notes)
    assert "NOT KEPT yet" in caplog.text

    until_written()
    until(lambda: len(nb.library().recent()) == 2, "the take to be kept")
    nb.library().close()
    take, earlier = nb.library().recent()
    assert earlier.request.prompt == "an earlier waltz"
    assert take.request.prompt == "a waltz"
    assert [track.path.exists() for track in take.tracks] == [True]
    assert take.cost.usd == pytest.approx(0.06)
    assert nb.library().unfinished() == nb.library().uncertain() == []
    assert make(model=model).id == take.id
    assert len(wire.posts) == 2


def music_with_the_answer():
    """A service whose answer to the order holds the music; asked later it knows nothing."""
    import base64

    def post(wire):
        audio = base64.b64encode(wire.sound().content).decode()
        return wire.accepted(
            "completed", provider="minimax", output=[{"index": 0, "audio_base64": audio}]
        )

    return Wire(post=post, gets=[lambda _: httpx.Response(404, json={"error": "not_found"})])


def test_a_full_disk_while_an_answer_was_lost(again_soon):
    """A doubt that cannot be written down yet is a doubt all the same: nothing is sent again."""
    wire = Wire(post=lambda _: httpx.ReadTimeout("lost"))
    connect(wire)

    with refusing("end"):
        for _ in range(2):
            with pytest.raises(nb.UncertainSubmission):
                make()
    with pytest.raises(nb.UncertainSubmission):
        make()
    until_written()

    with pytest.raises(nb.UncertainSubmission):
        make()
    assert [attempt.prompt for attempt in nb.library().uncertain()] == ["a waltz"]
    assert len(wire.posts) == 1


def test_a_full_disk_while_a_refusal_came(again_soon):
    """An order that was refused while the disk was full can be sent once that is noted."""
    wire = Wire(post=lambda _: httpx.Response(402, json={"error": "insufficient_funds"}))
    connect(wire)
    with refusing("withdraw"), pytest.raises(nb.InsufficientFunds):
        make()
    until_written()

    wire.post = Wire.accepted
    assert make().number == 1
    assert len(wire.posts) == 2


def test_a_full_disk_and_nobody_waits(again_soon):
    """A job whose answer was not written down yet is taken up again by its name, not sent again."""
    wire = Wire(gets=[lambda wire: wire.state("in_progress")])
    connect(wire)

    with refusing("answered", "end"):
        with pytest.raises(nb.JobTimeout):
            make(timeout=0.2)
        wire.gets = [Wire.done]
        take = make()
    until_written()

    assert take.job.id == "task_1"
    assert make().job.id == "task_1"
    assert len(wire.posts) == 1
    assert nb.library().unfinished() == nb.library().uncertain() == []


def test_a_mistake_of_ours_never_leaves_a_cell_waiting():
    """An error that nobody foresaw while writing down ends the wait, and the job stays listed."""
    wire = Wire()
    connect(wire)

    def mistake(_):
        raise ZeroDivisionError

    with refusing("completed", error=mistake), pytest.raises(ZeroDivisionError):
        make()

    assert [attempt.prompt for attempt in nb.library().unfinished()] == ["a waltz"]
    assert make().job.id == "task_1"
    assert len(wire.posts) == 1


def test_a_disk_that_is_really_full(nursery, service, tmp_path):
    """On a small file system that fills up, jobs that were paid come back and are kept later."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        kernel = nursery.kernel(place / "home", service.url)
        kernel.run("session = connect(); nb.session.bookkeeping.WRITE_AGAIN = 0.05")
        kernel.run('out = cell("an earlier waltz")')
        service.hold("answer")
        kernel.run('job = nb.submit(**words("a waltz"))')
        service.until_held("answer")
        kernel.run(
            "try:\n    with open(PLACE, 'wb') as out_file:\n"
            "        while True: out_file.write(bytes(4096)); out_file.flush()\n"
            "except OSError as error:\n    out = error.errno\n".replace(
                "PLACE", repr(str(place / "ballast"))
            )
        )
        service.release()
        kernel.run("take = job.result(25); out = take.track.audio()[0].shape")
        assert "NOT KEPT yet" in kernel.said
        refused = kernel.run('out = cell("a tango")')
        assert refused["error"] == "LibraryError"
        assert "disk" in refused["message"]
        assert [order["prompt"] for order in service.posts()] == ["an earlier waltz", "a waltz"]

        (place / "ballast").unlink()
        kernel.run("while len(nb.library().recent()) < 2: time.sleep(0.01)")
        kernel.kill()
        kernel = nursery.kernel(place / "home", service.url)
        kernel.run("session = connect()")
        assert kernel.run("out = listed()")["kept"] == ["a waltz", "an earlier waltz"]
        assert "number" in kernel.run('out = cell("a waltz")')
        assert len(service.posts()) == 2
    finally:
        nursery.clear()
        umount = ["umount", str(place)]
        until(lambda: not subprocess.run(umount, capture_output=True).returncode, "its end")


# -- a home that cannot be used --------------------------------------------------------------------


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    if sys.platform != "linux":
        pytest.skip("kernels are forked and killed")
    nursery = Nursery(tmp_path_factory.mktemp("kernels"))
    yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def service(running, nursery):
    running.forget()
    yield running
    running.release()
    nursery.clear()


BECOME_NOBODY = "os.setgid(65534); os.setuid(65534)" if os.geteuid() == 0 else "pass"


def test_a_home_that_may_only_be_read(nursery, service, home, tmp_path):
    """What is kept is still shown and not bought again; what is new is said not to be kept."""
    kernel = nursery.kernel(home, service.url)
    kernel.run("session = connect()")
    take = kernel.run('out = cell("a waltz")')
    kernel.run("nb.library().close()")
    readable = [path for path in (home, *home.rglob("*")) if path.is_dir()]
    for path in readable:
        path.chmod(0o555)
    above = [path for path in home.parents if path != Path("/") and path.stat().st_mode & 5 != 5]
    modes = {path: path.stat().st_mode for path in above}
    for path in above:
        path.chmod(0o755)
    try:
        reader = nursery.kernel(home, service.url, TMPDIR="/tmp")
        reader.run(f"session = connect(library={str(tmp_path / 'mine')!r})")
        reader.run('cell("a warm-up")')  # imports what nobody may not read later
        reader.run(BECOME_NOBODY)
        reader.run("session = connect()")
        assert "NOT KEPT" in reader.said
        assert str(home) in reader.said
        assert reader.run('out = cell("a waltz")') == take
        assert reader.run('out = cell("a tango")')["number"] == 1
    finally:
        for path in readable:
            path.chmod(0o755)
        for path, mode in modes.items():
            path.chmod(mode)

    assert [order["prompt"] for order in service.posts()] == ["a waltz", "a warm-up", "a tango"]


@pytest.mark.parametrize("wrong", ["a file", "below a file", "too long"])
def test_a_home_that_is_no_folder(wrong, tmp_path, monkeypatch):
    """A default home that cannot be made gives way to a temporary one; a named one is refused."""
    file = tmp_path / "file"
    file.write_text("mine")
    places = {"a file": file, "below a file": file / "home", "too long": tmp_path / ("x" * 300)}
    place = places[wrong]
    monkeypatch.setenv("PHASEO_NB_HOME", str(place))

    with pytest.raises(LibraryError, match=r"nb\.connect\(library="):
        nb.Library(place)
    library = nb.Library()
    assert "NOT KEPT" in library.warning
    assert str(place) in library.warning
    assert file.read_text() == "mine"


def test_no_home_is_named(monkeypatch, tmp_path):
    """Without HOME and without a name for it, the library is the one of the user's account."""
    code = (
        "import phaseo_nb as nb\n"
        "from phaseo_nb.settings import home_folder\n"
        "place = home_folder()\n"
        "assert place.origin == 'default' and place.value.is_absolute(), place\n"
        "print(place.value)"
    )
    environment = {"PATH": os.environ["PATH"]}
    out = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert out.returncode == 0, out.stderr
    assert out.stdout.strip().endswith("phaseo-nb")


# -- a file that cannot be used --------------------------------------------------------------------


@contextmanager
def held(file, seconds=None):
    """Let another program hold the file, for some seconds or until the end."""
    taken, let_go = threading.Event(), threading.Event()

    def hold():
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            taken.set()
            let_go.wait(seconds)
            db.execute("ROLLBACK")

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(10)
    try:
        yield
    finally:
        let_go.set()
        thread.join()


def test_another_program_holds_the_file_for_a_moment(home):
    """Whoever holds the file for a moment is waited for; nothing is sent before."""
    wire = Wire()
    connect(wire)

    with held(home / "journal.db", 0.5):
        began = time.monotonic()
        assert make().number == 1
        assert time.monotonic() - began >= 0.4

    assert len(wire.posts) == 1


def test_another_program_holds_the_file_for_long(home):
    """Whoever holds the file for longer than our patience stops the order, in clear words."""
    wire = Wire()
    session = connect(wire)
    database = session.library.folder.database
    database.patience = 0.2
    database.write(lambda db: db.execute("PRAGMA busy_timeout = 50")).result()

    with held(home / "journal.db"), pytest.raises(LibraryError, match="does not let go") as caught:
        make()

    assert "not sent" in str(caught.value)
    assert wire.posts == []
    assert make().number == 1


def connect_and_make(wire, home):
    connect(wire, library=home)
    make()


def broken_files():
    def garbage(data):
        return b"This is no database at all.\n" * 40

    def holes(data):
        return data[:100] + bytes(range(256)) * ((len(data) - 100) // 256)

    return {
        "garbage": garbage,
        "zero bytes": lambda data: b"",
        "cut short": lambda data: data[: len(data) // 2],
        "cut in its head": lambda data: data[:50],
        "overwritten": holes,
    }


@pytest.mark.parametrize("how", broken_files())
def test_a_broken_file_is_left_as_it_is(how, home):
    """A file that is no journal any more is named, with a way out, and not one byte is changed."""
    connect(Wire())
    make()
    nb.library().close()
    file = home / "journal.db"
    file.write_bytes(broken_files()[how](file.read_bytes()))
    before = file.read_bytes()
    wire = Wire()

    with pytest.raises(LibraryError) as caught:
        connect_and_make(wire, home)

    assert str(file) in str(caught.value)
    assert "move this file away" in str(caught.value)
    assert file.read_bytes() == before
    assert wire.posts == []
    with pytest.raises(LibraryError):  # nothing stands in for it either: it would buy again
        nb.Library()


def test_a_file_of_a_newer_version_is_not_opened(home):
    """A file that a newer version has written is refused with the way to upgrade, unchanged."""
    connect(Wire())
    make()
    nb.library().close()
    file = home / "journal.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute(f"PRAGMA user_version = {migrations.LATEST + 1}")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = hashlib.sha256(file.read_bytes()).digest()
    wire = Wire()

    with pytest.raises(LibraryError, match="pip install -U phaseo-nb"):
        connect(wire, library=home)

    assert hashlib.sha256(file.read_bytes()).digest() == before
    assert wire.posts == []


def test_a_newer_version_comes_while_we_work(home):
    """A kernel whose file was changed by a newer version stops before it sends anything."""
    wire = Wire()
    connect(wire)
    make()
    with closing(sqlite3.connect(home / "journal.db")) as db:
        db.execute(f"PRAGMA user_version = {migrations.LATEST + 1}")

    with pytest.raises(LibraryError, match="newer"):
        make("a tango")

    assert len(wire.posts) == 1


@pytest.mark.parametrize("what", ["deleted", "moved", "replaced"])
def test_a_file_that_goes_away_while_we_work(what, home, tmp_path):
    """A kernel whose file is not there any more sends nothing that it could not write down."""
    wire = Wire()
    connect(wire)
    make()
    elsewhere = tmp_path / "elsewhere"
    home.rename(elsewhere)
    if what == "replaced":
        shutil.copytree(elsewhere, home)
    elif what == "deleted":
        shutil.rmtree(elsewhere)

    with pytest.raises(LibraryError, match="moved, deleted or replaced") as caught:
        make("a tango")

    assert "not sent" in str(caught.value)
    assert len(wire.posts) == 1
    if what == "moved":
        elsewhere.rename(home)
    else:
        nb.library().close()
    assert make("a tango").number == 1
    assert make().number == 1
    assert len(wire.posts) == (3 if what == "deleted" else 2)


def test_a_file_that_goes_away_while_an_order_is_out(home, again_soon):
    """The take of an order that was out already comes back in memory, said not to be kept."""
    wire = Wire()
    connect(wire)
    wire.post = lambda wire: shutil.rmtree(home) or wire.accepted()

    take = make()

    assert any("NOT KEPT yet" in note for note in take.notes)
    assert take.track.audio()[0].shape == (1, 8000)
    with pytest.raises(LibraryError, match="not sent"):
        make()
    assert len(wire.posts) == 1

    wire.post = Wire.accepted
    nb.library().close()
    other = make("a tango")  # in a new journal, under the number that the lost row had
    again = [time.sleep(0.02) or take.job.id for _ in range(10) for take in nb.library().recent()]
    assert set(again) == {other.job.id} == {"task_2"}


# -- a folder on a network -------------------------------------------------------------------------


def test_a_library_on_a_network_serves_one_kernel_at_a_time(nursery, service, home):
    """There is no write-ahead log there, and a second kernel waits until the first is gone."""
    network = {"PHASEO_NB_NETWORK_HOME": "1"}
    first = nursery.kernel(home, service.url, **network)
    first.run("session = connect()")
    assert "network file system" in first.said
    service.hold("poll")
    first.run('job = nb.submit(**words("a waltz"))')
    service.until_held("poll")
    assert not list(home.glob("journal.db-wal"))

    second = nursery.kernel(home, service.url, **network)
    refusal = second.run(
        "try:\n    connect()\nexcept nb.LibraryError as error:\n    out = str(error)"
    )
    assert f"process {first.pid}" in refusal
    assert "one kernel at a time" in refusal

    first.kill()
    service.release()
    second.run("session = connect()")
    assert "1 unfinished job" in second.said
    assert second.run("out = list(resume())") == ["kept"]
    assert second.run('out = cell("a waltz")')["number"] == 1
    second.run("nb.library().close()")
    with closing(sqlite3.connect(home / "journal.db")) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert not list(home.glob("journal.db-*"))
    assert not (home / locks.LOCK).exists()
    assert len(service.posts()) == 1


def test_a_local_library_has_a_write_ahead_log(home):
    """On this machine's own disk several kernels share the file through a write-ahead log."""
    nb.Library()

    assert (home / "journal.db-wal").exists()
    assert not (home / locks.LOCK).exists()


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /proc rw - proc proc rw
41 22 0:40 / /home rw,relatime shared:2 - nfs4 server:/home rw,vers=4.2
42 41 8:2 /data/ann /home/ann/local rw,relatime - ext4 /dev/sdb1 rw
43 22 0:41 / /mnt/My\\040Music rw - cifs //server/music rw
44 22 0:42 / /mnt/sshfs rw - fuse.sshfs ann@host: rw
45 22 0:43 / /mnt/over rw - fuse.fuse-overlayfs fuse-overlayfs rw
46 22 0:40 /ann/music /srv/music rw - nfs4 server:/home rw
47 22 8:3 / /mnt/twice rw - ext4 /dev/sdc1 rw
48 22 0:44 / /mnt/twice rw - nfs server:/x rw
49 22 8:4 / /mnt/back\\134slash\\011tab rw master:3 propagate_from:1 - xfs /dev/sdd1 rw
50 22 0:45 / /mnt/lustre rw - lustre mds@tcp:/fs rw
51 22 0:46 / /mnt/9p rw - 9p host rw
52 22 0:47 / /mnt/mine rw - fuse.somebodys ann rw
garbage that is no line of it
"""


@pytest.mark.parametrize(
    ("place", "kind", "is_network"),
    [
        ("/var/lib", "ext4", False),
        ("/home", "nfs4", True),
        ("/home/ben/.local/share", "nfs4", True),
        ("/homes", "ext4", False),
        ("/home/ann/local/share", "ext4", False),
        ("/mnt/My Music/phaseo", "cifs", True),
        ("/mnt/My", "ext4", False),
        ("/mnt/sshfs/x", "fuse.sshfs", True),
        ("/mnt/over/x", "fuse.fuse-overlayfs", False),
        ("/srv/music/lib", "nfs4", True),
        ("/mnt/twice/x", "nfs", True),
        ("/mnt/back\\slash\ttab/x", "xfs", False),
        ("/mnt/lustre/x", "lustre", True),
        ("/mnt/9p/x", "9p", True),
        ("/mnt/mine/x", "fuse.somebodys", True),
    ],
)
def test_which_file_system_a_folder_is_on(place, kind, is_network):
    """The innermost, latest mount decides, with its escapes; unknown drivers count as remote."""
    assert places.type_from_mountinfo(MOUNTS, Path(place)) == kind
    assert places._is_network_type(kind) is is_network


MAC_MOUNTS = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
//ann@server/music on /Volumes/My Music (smbfs, nodev, nosuid, mounted by ann)
server:/export on /Volumes/nfs (nfs)
/dev/disk4s1 on /Volumes/a on b (c) (exfat, local)
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/Users/ann/Library", "apfs"),
        ("/Volumes/My Music/phaseo", "smbfs"),
        ("/Volumes/nfs/x", "nfs"),
        ("/Volumes/nfsx", "apfs"),
    ],
)
def test_which_file_system_a_folder_of_a_mac_is_on(place, kind):
    """The same from what macOS prints, blanks in names included."""
    assert places.type_from_mount(MAC_MOUNTS, Path(place)) == kind


@pytest.mark.parametrize(
    ("said", "expected"),
    [("1", True), ("yes", True), ("0", False), ("off", False), (" no ", False)],
)
def test_a_person_knows_better(said, expected, monkeypatch, tmp_path):
    """What the environment says about the folder holds, whatever the system says."""
    monkeypatch.setenv("PHASEO_NB_NETWORK_HOME", said)

    assert places.is_network(tmp_path) is expected


# -- clocks ----------------------------------------------------------------------------------------


class Clock:
    """A wall clock that can be set."""

    now = 1_790_000_000.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0], ids=["ahead", "back"])
def test_a_clock_that_jumps_a_day(jump):
    """Order and leases go by counting, not by the clock: a jump changes neither."""
    clock = Clock()
    wire = Wire()
    session = connect(wire)
    library = session.library
    library.folder.journal._wall = library.folder.leases._wall = clock
    make("first")
    clock.now += jump
    make("second")
    wire.gets = [lambda wire: wire.state("in_progress")]
    job = nb.submit("third", **WORDS)
    until(lambda: len(wire.posts) == 3 and wire.polls, "the third to be ordered")
    clock.now -= jump

    until(lambda: job.id, "the answer")
    (attempt,) = library.unfinished()
    assert attempt.is_watched
    assert [take.request.prompt for take in library.recent()] == ["second", "first"]
    wire.gets = [Wire.done]
    job.result(20)
    assert [t.request.prompt for t in library.recent()] == ["third", "second", "first"]
    seconds = library.folder.database.read(
        lambda db: [row[0] for row in db.execute("SELECT seconds FROM takes ORDER BY n")]
    )
    assert all(value is None or value >= 0 for value in seconds)
    assert len(wire.posts) == 3


@pytest.mark.parametrize("jump", [0.0, 86_400.0, -86_400.0])
def test_leases_end_by_the_monotonic_clock(home, jump):
    """A kernel elsewhere lives as long as it counts, whatever its clock and ours say."""
    ticks, wall = Clock(), Clock()
    elsewhere = Kernel(id="far", host="another", boot="b", space="s", pid=7, born="1")
    here = Kernel(id="here", host="this", boot="b", space="s", pid=8, born="1")
    with closing(Database(SQLite(home / "journal.db"))) as database:
        far = Leases(database, wall=wall, kernel=elsewhere)
        near = Leases(database, wall=wall, kernel=here, watch=Watch(ticks))
        database.write(far.present).result()

        def is_free():
            return database.write(lambda db: near.is_free(db, "far")).result()

        assert not is_free()
        wall.now += jump
        ticks.now += leases.BEAT
        assert not is_free()
        database.write(far._beat()).result()
        ticks.now += 14.0
        assert not is_free()
        ticks.now += 14.0
        wall.now -= jump
        assert not is_free()
        ticks.now += 2.0
        assert is_free()


# -- one file, one writer --------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path):
    with closing(Database(SQLite(tmp_path / "lib" / "journal.db"))) as database:
        yield database


def put(name, value="x"):
    return lambda db: db.execute("INSERT INTO settings VALUES (?, ?)", (name, value))


COUNTING = (
    "WITH RECURSIVE few(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM few WHERE n < 30000)"
    " SELECT count(*) FROM few"
)


def count(db):
    return db.execute("SELECT count(*) FROM settings").fetchone()[0]


def test_what_is_asked_for_at_once_shares_a_transaction(database):
    """Everything that waits is committed together: many jobs do not wait for many flushes."""
    commits = []
    database._writer.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else 0)
    started, go_on = threading.Event(), threading.Event()

    def slow(_):
        started.set()
        assert go_on.wait(10)

    database.write(slow)
    assert started.wait(10)
    futures = [database.write(put(f"n{number}")) for number in range(100)]
    go_on.set()
    for future in futures:
        future.result(10)

    assert len(commits) == 2
    assert database.read(count) == 100


def test_one_that_fails_does_not_undo_its_neighbours(database):
    """In one transaction each has its own outcome: a failing one leaves nothing, others stay."""
    started, go_on = threading.Event(), threading.Event()

    def slow(_):
        started.set()
        assert go_on.wait(10)

    def half(db):
        put("half")(db)
        raise ValueError

    database.write(slow)
    assert started.wait(10)
    futures = [database.write(work) for work in (put("a"), half, put("a"), put("b"))]
    go_on.set()

    futures[0].result(10)
    with pytest.raises(ValueError):  # noqa: PT011 - it is our own
        futures[1].result(10)
    with pytest.raises(LibraryError):
        futures[2].result(10)
    futures[3].result(10)
    names = database.read(lambda db: [row[0] for row in db.execute("SELECT name FROM settings")])
    assert sorted(names) == ["a", "b"]


def test_a_full_disk_leaves_what_was_there(database):
    """Where SQLite finds no room, that operation fails in words and the file stays whole."""
    database.write(put("before")).result()
    pages = database.read(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    database.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone()).result()

    with pytest.raises(LibraryError, match="is full"):
        database.write(put("large", "x" * 500_000)).result()

    database.write(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchone()).result()
    database.write(put("after")).result()
    assert database.read(count) == 2
    assert database.read(lambda db: db.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"


def test_a_busy_file_is_tried_again(database):
    """An operation that comes while another program writes is run once that is done."""
    with held(database.backend.path, 0.3):
        database.write(put("a")).result(10)

    assert database.read(count) == 1


def test_a_reader_sees_what_was_committed(database):
    """As soon as a future is done, every reader sees it, from any thread."""
    for number in range(20):
        database.write(put(f"n{number}")).result()
        seen: Future = Future()
        thread = threading.Thread(target=lambda f=seen: f.set_result(database.read(count)))
        thread.start()
        thread.join()
        assert seen.result(1) == number + 1


def test_closing_waits_for_who_is_reading(tmp_path):
    """A look that is under way ends with its rows; after it the library says that it is closed.

    Python's sqlite3 ends the whole process where a connection is closed under a running query.
    """
    for turn in range(20):
        database = Database(SQLite(tmp_path / "lib" / "journal.db"))
        database.write(put(f"turn {turn}")).result()
        began, ends = threading.Event(), []

        def look(db, began=began):
            began.set()
            return db.execute(COUNTING).fetchone()[0]

        def work(database=database, look=look, ends=ends):
            try:
                while True:
                    ends.append(database.read(look))
            except LibraryError as error:
                ends.append(error)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        began.wait(10)
        database.close()
        for thread in threads:
            thread.join(10)

        answers = [end for end in ends if not isinstance(end, LibraryError)]
        assert answers
        assert set(answers) == {30_000}
        assert len(ends) - len(answers) == 3


def test_threads_that_are_gone_leave_no_open_file(database):
    """A hundred short threads read; SQLite itself keeps a few descriptors for the next one."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("open files are counted in /proc, which is Linux's own")

    def n_open():
        names = (os.readlink(entry) for entry in folder.iterdir() if entry.is_symlink())
        return sum(name == mine for name in names)  # other tests may hold theirs

    mine = str(database.backend.path.resolve())
    before = n_open()
    for _ in range(100):
        thread = threading.Thread(target=lambda: database.read(count))
        thread.start()
        thread.join()

    assert n_open() <= before + 3


def test_whoever_stops_waiting_does_not_stop_the_writer(database):
    """A cancelled wait neither undoes its operation nor ends the thread for all others."""
    started, go_on = threading.Event(), threading.Event()

    def slow(_):
        started.set()
        assert go_on.wait(10)

    database.write(slow)
    assert started.wait(10)
    left = database.write(put("left"))
    assert not left.cancel()
    go_on.set()
    database.write(put("next")).result(10)

    assert database.read(count) == 2


def test_closing_finishes_what_was_asked_for(tmp_path):
    """Everything asked for before close() is written; everything after it is refused at once."""
    database = Database(SQLite(tmp_path / "journal.db"))
    futures = [database.write(put(f"n{number}")) for number in range(300)]
    database.close()
    late = database.write(put("late"))

    assert [future.done() for future in futures] == [True] * 300
    with pytest.raises(LibraryError, match="closed"):
        late.result(1)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        assert count(db) == 300


def test_closing_while_others_write_leaves_nobody_waiting(tmp_path):
    """Whoever writes while another thread closes is written down or refused, never forgotten."""
    for round in range(5):
        database = Database(SQLite(tmp_path / f"{round}" / "journal.db"))
        futures = []
        begun = threading.Event()

        def ask(database=database, futures=futures, begun=begun):
            for number in range(400):
                futures.append(database.write(put(f"n{number}")))
                begun.set()

        thread = threading.Thread(target=ask)
        thread.start()
        begun.wait(10)
        database.close()
        thread.join()
        written = sum(future.exception(5) is None for future in futures)

        with closing(sqlite3.connect(database.backend.path)) as db:
            assert count(db) == written


def test_a_database_that_is_not_shared(tmp_path):
    """Alone with its file it keeps no write-ahead log, and nobody else gets in meanwhile."""
    path = tmp_path / "journal.db"
    with closing(Database(SQLite(path, is_shared=False))) as database:
        database.write(put("a")).result()
        assert database.read(count) == 1
        assert not list(tmp_path.glob("*-wal"))
        other = sqlite3.connect(path, timeout=0)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("SELECT count(*) FROM settings")
    with closing(sqlite3.connect(path)) as other:
        assert count(other) == 1


def test_a_forked_child_opens_the_library_for_itself(nursery, service, home):
    """After a fork both work on: the child with its own connection, the parent undisturbed."""
    kernel = nursery.kernel(home, service.url)
    kernel.run("session = connect(); first = cell('a waltz')")
    child = kernel.run(
        "child = os.fork()\n"
        "if child == 0:\n"
        "    ends = [cell('a waltz'), cell('a tango')]\n"
        "    os._exit(0 if ends[0] == first and ends[1].get('number') == 1 else 1)\n"
        "out = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])"
    )

    assert child == 0
    assert kernel.run("out = listed()")["kept"] == ["a tango", "a waltz"]
    assert kernel.run("out = cell('a mazurka')")["number"] == 1
    assert [order["prompt"] for order in service.posts()] == ["a waltz", "a tango", "a mazurka"]


# -- a library that is closed meanwhile ------------------------------------------------------------


def test_closing_the_library_while_an_order_is_on_the_wire(nursery, service, home):
    """An answer that comes after close() is written down, and the same cell joins its job."""
    kernel = nursery.kernel(home, service.url)
    kernel.run("session = connect()")
    service.hold("answer")
    kernel.run('job = nb.submit(**words("a waltz"))')
    service.until_held("answer")

    kernel.run("nb.library().close()")
    kernel.run('again = nb.submit(**words("a waltz"))')
    service.release()

    takes = kernel.run("out = [told(j.result(25)) for j in (job, again)]")
    assert takes[0] == takes[1]
    assert kernel.run("out = listed()") == {"unfinished": [], "uncertain": [], "kept": ["a waltz"]}
    assert len(service.posts()) == 1


def test_closing_the_library_and_connecting_anew_meanwhile(nursery, service, home):
    """A session that knows nothing of an order on the wire does not send it a second time."""
    kernel = nursery.kernel(home, service.url)
    kernel.run("session = connect()")
    service.hold("answer")
    kernel.run('job = nb.submit(**words("a waltz"))')
    service.until_held("answer")

    kernel.run("session.library.close(); session = connect()")
    end = kernel.run('out = cell("a waltz")')
    service.release()

    assert end.get("error") == "UncertainSubmission"
    take = kernel.run("out = told(job.result(25))")
    assert kernel.run('out = cell("a waltz")') == take
    assert len(service.posts()) == 1


def test_nothing_is_left_open(home):
    """Closing lets go of every file."""
    connect(Wire())
    make()
    nb.library().close()
    gc.collect()

    numbers = os.listdir("/proc/self/fd") if sys.platform == "linux" else []
    links = [os.path.realpath(f"/proc/self/fd/{number}") for number in numbers]
    assert [link for link in links if str(home) in link] == []
