"""The grounds of the tests past one machine do what they say: else those tests prove nothing."""

from __future__ import annotations

import hashlib
import math
import os
import random
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grounds
import pytest
from grounds import buckets, clusters, postgres, services
from grounds.fast_service import sound_of
from grounds.processes import Child, until
from grounds.proxy import HttpProxy, Proxy

import phaseo_nb as nb

HERE = Path(__file__).parent


# -- the database ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server():
    return postgres.server()


@pytest.fixture
def database(server):
    url = server.database()
    yield url
    server.drop(url)


def _connect(url, **options):
    psycopg = pytest.importorskip("psycopg")
    return psycopg.connect(url, autocommit=True, connect_timeout=5, **options)


def _error(name):
    psycopg = pytest.importorskip("psycopg")
    return getattr(psycopg, name, None) or getattr(psycopg.errors, name)


def test_a_database_is_empty_and_asks_for_its_password(server, database):
    """Its owner has no other rights, and nobody gets in with another password."""
    with _connect(database) as there:
        tables = there.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        role = there.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert (tables.fetchone(), role.fetchone()) == ((0,), (False,))
    assert database.count(postgres.SECRET) == 1
    with pytest.raises(_error("OperationalError"), match="password authentication failed"):
        _connect(database.replace(postgres.SECRET, "other"))


def test_a_database_can_be_cut_closed_and_opened(server, database):
    """Connections end; then none is let in, none may write, one at a time is let in."""
    with _connect(database) as there:
        assert server.cut(database) == 1
        with pytest.raises(_error("OperationalError")):
            there.execute("SELECT 1")
    server.forbid(database)
    with pytest.raises(_error("OperationalError"), match="not currently accepting"):
        _connect(database)
    server.allow(database)
    server.read_only(database)
    with _connect(database) as there, pytest.raises(_error("ReadOnlySqlTransaction")):
        there.execute("CREATE TABLE t (x int)")
    server.read_only(database, False)
    server.limit(database, 1)
    with _connect(database) as there:
        there.execute("CREATE TABLE t (x int)")
        with pytest.raises(_error("OperationalError"), match="too many connections"):
            _connect(database)


def test_a_server_goes_down_and_comes_back_with_what_was_committed():
    """At the same port, and what was written is there: after a stop, and after a crash."""
    with postgres.own_server() as mine:
        url, folder = mine.database(), mine.folder
        with _connect(url) as there:
            there.execute("CREATE TABLE t AS SELECT 7 AS x")
        for crash in (False, True):
            with _connect(url) as there:
                mine.stop(crash=crash)
                with pytest.raises(_error("OperationalError")):
                    there.execute("SELECT 1")
            with pytest.raises(_error("OperationalError"), match="refused"):
                _connect(url)
            mine.start()
            with _connect(url) as there:
                assert there.execute("SELECT x FROM t").fetchone() == (7,)
    assert not folder.exists()


def test_nothing_outlives_a_test_process_that_is_killed(server):
    """Neither the server, nor its folder, nor a child with what it started."""
    code = (
        "import os, signal\n"
        "from grounds import postgres, services\n"
        "with services.fast() as fast:\n"
        "    server = postgres.Server()\n"
        "    child = fast._child\n"
        "    print(server.pid, server.folder, child.pid, child.folder, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, timeout=60
    )
    pid, folder, child, other_folder = done.stdout.split()

    assert done.returncode == -signal.SIGKILL
    until(lambda: not Path(folder).exists() and not Path(other_folder).exists(), "folders to go")
    until(lambda: _is_gone(int(pid)) and _is_gone(int(child)), "the processes to end")


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")  # nobody may be there to bury what has ended
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


# -- in between ------------------------------------------------------------------------------------


@pytest.fixture
def proxy(server):
    with Proxy(f"http://127.0.0.1:{server.port}") as proxy:
        yield proxy


def test_a_lost_answer_to_a_commit(database, proxy):
    """The client hears of nothing, the row is there."""
    with _connect(database) as direct, _connect(proxy.url(database)) as there:
        there.execute("CREATE TABLE t (x int)")
        proxy.swallow_answers(to=b"COMMIT")
        there.execute("BEGIN")
        there.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(_error("OperationalError")):
            there.execute("COMMIT")

        assert direct.execute("SELECT x FROM t").fetchall() == [(1,)]
        assert proxy.swallowed == 1


def test_a_connection_that_breaks_before_its_message_has_gone_out(database, proxy):
    """What is cut after three bytes has never been asked."""
    with _connect(database) as direct, _connect(proxy.url(database)) as there:
        there.execute("CREATE TABLE t (x int)")
        proxy.cut_after(3)
        with pytest.raises(_error("OperationalError")):
            there.execute("INSERT INTO t VALUES (1)")

        assert direct.execute("SELECT x FROM t").fetchall() == []
        with _connect(proxy.url(database)) as again:
            assert again.execute("SELECT 1").fetchone() == (1,)


def test_a_proxy_cuts_refuses_accepts_and_delays(database, proxy):
    """All connections break; nobody is let in; then somebody is, and waits."""
    with _connect(proxy.url(database)) as there:
        assert (proxy.open, proxy.cut()) == (1, 1)
        with pytest.raises(_error("OperationalError")):
            there.execute("SELECT 1")
    proxy.refuse()
    with pytest.raises(_error("OperationalError"), match="refused"):
        _connect(proxy.url(database))
    proxy.accept()
    with _connect(proxy.url(database)) as there, ThreadPoolExecutor(1) as pool:
        proxy.delay = math.inf
        asked = pool.submit(there.execute, "SELECT 7")
        until(lambda: proxy.waiting == 1, "the message to be held")
        assert not asked.done()
        proxy.heal()
        assert asked.result(20).fetchone() == (7,)


# -- objects ---------------------------------------------------------------------------------------


@pytest.fixture
def s3(monkeypatch):
    """Return what opens the S3 of an environment."""

    def opened(env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        buckets.forget()
        import s3fs

        return s3fs.S3FileSystem()

    yield opened
    buckets.need("s3fs")
    buckets.forget()


def test_the_environment_alone_leads_to_a_bucket(s3):
    """s3fs finds the service without a word of code, and the service shows what it has."""
    url, env = buckets.bucket()
    s3(env).pipe(f"{url}/audio/ab/a sound.wav", b"0123")

    assert buckets.buckets().objects(url) == {"audio/ab/a sound.wav": 4}
    assert buckets.buckets().read(url, "audio/ab/a sound.wav") == b"0123"
    buckets.buckets().write(url, "other", b"89")
    assert s3(env).cat(f"{url}/other") == b"89"
    buckets.buckets().remove(url, "other")
    assert not s3(env).exists(f"{url}/other")


def test_a_share_of_writes_fails_and_is_tried_again_below(s3):
    """As many objects as were put, more requests than objects, the difference refused."""
    with buckets.buckets().flaky(0.3, seed=1) as (url, env, proxy):
        files = s3(env)
        for n in range(5):
            files.pipe(f"{url}/{n}", b"x" * 70_000)

        assert len(buckets.buckets().objects(url)) == 5
        assert proxy.failed["PUT"] == proxy.requests["PUT"] - 5


# -- HTTP, and services ----------------------------------------------------------------------------


def _post(url, body=b'{"prompt": "a tide"}'):
    try:
        with urllib.request.urlopen(f"{url}/music/generate", body, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_same_requests_fail_for_the_same_seed():
    """About the share that was asked for, never forwarded, and again the same ones."""
    with services.fast() as fast, HttpProxy(fast.origin) as proxy:

        def statuses(seed):
            proxy.fail(0.5, seed=seed, methods=("POST",))
            return [_post(proxy.url(fast.url)) for _ in range(40)]

        first, again, other = statuses(1), statuses(1), statuses(2)

        assert first == again != other
        assert 10 <= first.count(503) <= 30
        assert fast.orders()["a tide"] == (first + again + other).count(200)
        assert proxy.failed["POST"] == (first + again + other).count(503)


def test_a_fast_service_counts_orders_and_refuses_what_is_too_much():
    """Each order once, above the limit 429 unpaid; a session keeps the very sound that was made."""
    with services.fast(seconds=0.1) as fast:
        nb.connect("phaseo", api_key=fast.key, base_url=fast.url, model=services.SOON)
        take = nb.submit("a tide", show=False).result(20)
        first = fast.orders()
        fast.set(limit=0)
        refused = _post(fast.url)
        fast.set(limit=10**6)
        fast.forget()
        _post(fast.url), _post(fast.url)

        assert take.track.sha256 == hashlib.sha256(sound_of(0)).hexdigest()
        assert take.track.duration == 1.0
        assert (first, refused) == ({"a tide": 1}, 429)
        assert fast.paid_twice() == {"a tide": 2}
        assert (sum(fast.by_second().values()), fast.most_within(60), fast.most_within(0)) == (
            2,
            2,
            0,
        )


def test_a_sandbox_in_a_process_of_its_own_counts_orders():
    """A session makes a take there, and it was ordered once."""
    with services.sandbox(speed=40) as sandbox:
        nb.connect("phaseo", api_key=sandbox.key, base_url=sandbox.url, model="sandbox/band")
        nb.submit("a tide", duration=2, show=False).result(20)

        assert sandbox.orders() == {"a tide": 1}


# -- clusters --------------------------------------------------------------------------------------


def _told(_):
    return os.getpid(), os.environ.get("GROUNDS_SAID")


@pytest.mark.parametrize("kind", ["cluster", "local_cluster"])
def test_a_killed_worker_is_replaced_and_a_lost_cluster_is_not(kind):
    """The new process was told the same as the old one; in the end, nothing is left at once."""
    clusters.need("distributed")
    from distributed import Client

    with getattr(clusters, kind)(2, env={"GROUNDS_SAID": "yes"}) as cluster:
        address = getattr(cluster, "address", None) or cluster.scheduler_address
        with Client(address, set_as_default=False) as client:
            before = set(clusters.pids(cluster))
            killed = clusters.kill_worker(cluster, random.Random(1))
            clusters.until_workers(cluster, 2)
            until(lambda: len(client.run(os.getpid)) == 2, "the new worker to register")
            told = client.run(_told, None)
        after = clusters.pids(cluster)
        if kind == "cluster":
            clusters.lose(cluster)

            until(lambda: all(map(_is_gone, after)), "the workers to end")
            host, port = address.removeprefix("tcp://").split(":")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, int(port)), timeout=5)

    assert killed in before - set(after)
    assert set(told.values()) == {(pid, "yes") for pid in after}
    assert all(map(_is_gone, after))


def test_a_child_that_fails_says_why():
    """Its last words are in the error."""
    with pytest.raises(AssertionError, match="No module named"):
        Child("grounds.nowhere")


@pytest.mark.parametrize(
    ("required", "error"), [(False, pytest.skip.Exception), (True, pytest.fail.Exception)]
)
def test_what_is_not_there_skips_or_fails_with_a_reason(monkeypatch, required, error):
    """As the environment says."""
    monkeypatch.setattr(grounds, "REQUIRED", required)

    with pytest.raises(error, match="needs the package nowhere"):
        grounds.need("nowhere")
