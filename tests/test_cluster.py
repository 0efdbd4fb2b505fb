"""A sweep on a cluster: real workers, killed and lost, and a service that counts what was paid."""

from __future__ import annotations

import collections
import contextlib
import html
import pickle
import random
import subprocess
import sys
import threading
import time
import types

import pytest

pytest.importorskip("distributed", reason="needs the extra [scale]")
pytest.importorskip("psycopg", reason="needs the extra [scale]")

from grounds import buckets, clusters, postgres, services
from grounds.proxy import HttpProxy

import phaseo_nb as nb
from phaseo_nb.engine import engine
from phaseo_nb.experiments.cluster.assignment import Assignment, where_of

PROMPTS = [f"Prompt {i}" for i in range(60)]


@pytest.fixture
def service():
    with services.fast(seconds=0.2) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, home):
    """Where the library is: for each back end, one that the workers can open."""
    return str(home) if request.param == "sqlite" else postgres.server().database()


@pytest.fixture
def database():
    return postgres.server().database()


def environment(place, key=services.KEY):
    return {"PHASEO_NB_HOME": place, "PHASEO_API_KEY": key}


def connect(service, place):
    more = {"base_url": service.url, "model": services.SOON, "library": nb.Library(place)}
    return nb.connect("phaseo", api_key=services.KEY, **more)


def states(sweep):
    return collections.Counter(cell.state for cell in sweep.cells())


def run(sweep, client, **more):
    return nb.run(sweep.run(on=client, show=False, **more))


@contextlib.contextmanager
def workers(n, env):
    with clusters.local_cluster(n, env=env) as cluster, cluster.get_client() as client:
        yield client


def test_each_cell_is_bought_once_and_kept(service, place):
    session = connect(service, place)
    sweep = nb.Sweep(prompt=PROMPTS, takes=2, name="all", session=session)

    with workers(2, environment(place)) as client:
        results = run(sweep, client)
        assert states(sweep) == {"kept": 120}
        again = run(nb.Sweep(name="all", session=session), client)

    assert len(results.takes) == len(again.takes) == 120
    assert set(service.orders()) == set(PROMPTS)
    assert set(service.orders().values()) == {2}
    take = results.takes[0]
    assert take.track.recording
    assert service.count()["orders"] == dict.fromkeys(PROMPTS, 2)


def test_killed_workers_pay_nothing_twice_and_lose_nothing(service, database):
    """Whatever a worker was doing when it died, another goes on; what is in doubt is listed."""
    session = connect(service, database)
    sweep = nb.Sweep(prompt=[f"Prompt {i}" for i in range(160)], name="killed", session=session)
    rng, done = random.Random(8), threading.Event()

    with clusters.cluster(2, env=environment(database)) as cluster, cluster.client() as client:

        def kill():
            for _ in range(4):
                if done.wait(2.5):
                    return
                clusters.until_workers(cluster, 2)
                clusters.kill_worker(cluster, rng)

        killer = threading.Thread(target=kill)
        killer.start()
        run(sweep, client)
        done.set()
        killer.join()

    ended = states(sweep)
    assert service.paid_twice() == {}
    assert ended["kept"] + ended["uncertain"] == 160
    assert len(session.library.uncertain()) == ended["uncertain"]
    assert len(service.orders()) >= ended["kept"]


def test_a_lost_cluster_is_gone_on_from_by_another(service, database):
    """What was sent and what waits is told apart, and each run counts what it bought itself.

    The first run used to count all 30 as bought and being made, and the second one none.
    """
    import dask

    dask.config.set({"distributed.comm.timeouts.connect": "5s"})  # else half a minute of hope
    service.set(seconds=12)
    session = connect(service, database)
    sweep = nb.Sweep(prompt=PROMPTS[:30], name="lost", session=session)

    with clusters.cluster(1, env=environment(database)) as cluster, cluster.client() as client:
        running = engine.submit(sweep.run(on=client, show=False, concurrency=6))
        until(lambda: sum(job["state"] == "submitted" for job in rows(session)) == 6)
        clusters.lose(cluster)
        until(lambda: running.done() or "does not answer" in drawn(sweep))
        assert not running.done()
        with pytest.raises(nb.ExperimentError, match=r"cluster .*Nothing is lost"):
            running.result(180)
    assert sum(service.orders().values()) == 6
    card = drawn(sweep)
    assert "◌ 24 waiting · ‖ 6 unfinished" in card
    assert "cost so far $0.90, 6 jobs bought" in card  # 15 cents each, says the service
    assert "24 waiting, not sent: The cluster" in card
    assert states(sweep) == {"waiting": 24, "unfinished": 6}
    assert {"Nothing is lost" in cell.reason for cell in sweep.cells()} == {True}
    assert (sweep.plan().to_buy, sweep.plan().rows()[0]["on_their_way"]) == (24, 6)

    service.set(seconds=0.2)
    with clusters.cluster(1, env=environment(database)) as cluster, cluster.client() as client:
        run(sweep, client)

    assert service.orders() == dict.fromkeys(PROMPTS[:30], 1)
    assert states(sweep) == {"kept": 30}
    assert "cost so far $3.60, 24 jobs bought" in drawn(sweep)


def drawn(sweep):
    """Return the card of a sweep's last run, in words."""
    from phaseo_nb.experiments.sweep.grid_card import grid_card
    from phaseo_nb.experiments.sweep.live_grid import GridCard

    return grid_card(GridCard(sweep._run, "drawn").view(), text=True)


def rows(session):
    query = "SELECT n, state FROM takes"
    found = session.library.folder.database.read(lambda db: db.execute(query).fetchall())
    return [{"n": n, "state": state} for n, state in found]


def until(is_so, seconds=120):
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_a_run_counts_no_more_than_it_was_allowed_to_buy(service, home):
    """What an earlier run planned and nobody sent counts for the run that sends it."""
    from phaseo_nb.experiments.cluster.planning import Planner

    session = connect(service, str(home))
    sweep = nb.Sweep(prompt=PROMPTS[:6], name="left over", session=session)
    planner = Planner("left over", sweep.compiled, retry_failed=False)
    (cells,) = planner.look().values()
    planner.assign(0, cells, at_once=1, timeout=1.0)

    with workers(1, environment(str(home))) as client:
        run(sweep, client, max_jobs=4)

    assert sum(service.orders().values()) == 4
    assert states(sweep) == {"kept": 4, "waiting": 2}
    assert "4 jobs bought" in drawn(sweep)
    assert "2 waiting, not sent: This run buys at most 4 jobs (max_jobs)." in drawn(sweep)


@pytest.fixture
def bucket(monkeypatch):
    """A bucket that this process can reach, and what says so."""
    url, env = buckets.bucket()
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    buckets.forget()
    yield url
    buckets.forget()


@pytest.mark.parametrize("what", ["no credentials", "may only read"])
def test_workers_that_cannot_keep_recordings_send_nothing(service, database, bucket, what):
    """They used to order everything, and nothing was kept."""
    library = nb.Library(database, audio=bucket)
    more = {"base_url": service.url, "model": services.SOON, "library": library}
    session = nb.connect("phaseo", api_key=services.KEY, **more)
    sweep = nb.Sweep(prompt=PROMPTS[:5], name="no bucket", session=session)
    shop = buckets.buckets()

    with HttpProxy(shop.url) as proxy:
        proxy.fail(1.0, methods=("PUT",), status=403)
        env = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        if what == "may only read":
            env = shop.environment(proxy.url(shop.url))
        refusal = pytest.raises(
            nb.ExperimentError, match=r"LocalCluster\(env=\{\"AWS_ACCESS_KEY_ID"
        )
        with workers(1, environment(database) | env) as client, refusal as failure:
            run(sweep, client)

    assert "nothing was sent" in str(failure.value)
    assert bucket in str(failure.value)
    assert buckets.SECRET not in str(failure.value)
    assert service.orders() == {}
    assert states(sweep) == {"new": 5}
    assert "5 not started: This worker cannot keep recordings." in drawn(sweep)


def test_a_bucket_that_goes_away_stops_the_orders_and_says_why(service, database, bucket):
    """Everything else went out, and the cells said no more than that the workers left them."""
    service.set(seconds=5.0)
    library = nb.Library(database, audio=bucket)
    more = {"base_url": service.url, "model": services.SOON, "library": library}
    session = nb.connect("phaseo", api_key=services.KEY, **more)
    sweep = nb.Sweep(prompt=PROMPTS[:20], name="bucket lost", session=session)
    shop = buckets.buckets()

    with workers(1, environment(database)) as client:
        running = engine.submit(sweep.run(on=client, show=False, concurrency=4))
        until_ordered(service, 4)
        shop.remove(bucket, "phaseo-nb.txt")
        shop.remove(bucket, "")
        running.result(180)

    n_sent = sum(service.orders().values())
    assert n_sent < 12
    assert states(sweep) == {"unfinished": n_sent, "waiting": 20 - n_sent}
    reasons = [cell.reason for cell in sweep.cells()]
    assert all("no such bucket" in reason for reason in reasons)
    assert f"{n_sent} jobs bought" in drawn(sweep)


def until_ordered(service, n):
    ends = time.monotonic() + 120
    while sum(service.orders().values()) < n:
        assert time.monotonic() < ends
        time.sleep(0.1)


NOTEBOOK = """
import sys
import phaseo_nb as nb
from distributed import Client
url, base_url, model, key, address = sys.argv[1:6]
session = nb.connect("phaseo", api_key=key, base_url=base_url, model=model, library=nb.Library(url))
sweep = nb.Sweep(prompt=[f"Prompt {i}" for i in range(60)], name="shared", session=session)
with Client(address) as client:
    results = nb.run(sweep.run(on=client, show=False))
print(len(results.takes))
"""


def notebook(service, place, cluster):
    words = [place, service.url, services.SOON, services.KEY, cluster.address]
    return subprocess.Popen(
        [sys.executable, "-c", NOTEBOOK, *words], stdout=subprocess.PIPE, text=True
    )


def test_two_notebooks_buy_each_cell_once(service, database):
    with clusters.cluster(2, env=environment(database)) as cluster:
        both = [notebook(service, database, cluster) for _ in range(2)]
        said = [each.communicate(timeout=240)[0] for each in both]

    assert [words.strip() for words in said] == ["60", "60"]
    assert service.orders() == dict.fromkeys(PROMPTS, 1)


def test_a_closed_notebook_changes_nothing_and_another_can_watch(service, database):
    """The one that began is killed once the first orders went out; the next one looks on."""
    with clusters.cluster(2, env=environment(database)) as cluster:
        first = notebook(service, database, cluster)
        until_ordered(service, 1)
        first.kill()
        first.communicate(timeout=30)
        sweep = nb.Sweep(name="shared", session=connect(service, database))
        results = nb.run(sweep.watch(show=False))

    assert len(results.takes) == len(PROMPTS)
    assert service.orders() == dict.fromkeys(PROMPTS, 1)


def test_no_secret_travels(service, database):
    session = connect(service, database)
    task = Assignment(where_of(session), "name/1", (1, 2, 3), 5, 900.0)
    sent = pickle.dumps(task)

    assert services.KEY.encode() not in sent
    assert b"topsecret" not in sent
    assert postgres.SECRET.encode() not in sent
    assert postgres.SECRET not in repr(task)
    assert b"Prompt" not in sent


def test_a_worker_without_a_key_says_how_to_set_it(service, database):
    session = connect(service, database)
    sweep = nb.Sweep(prompt=PROMPTS[:3], name="keyless", session=session)
    env = {"PHASEO_NB_HOME": database}

    refusal = pytest.raises(nb.ExperimentError, match="PHASEO_API_KEY")
    with workers(1, env) as client, refusal as failure:
        run(sweep, client)

    said = str(failure.value)
    assert said.startswith("This worker has no key for phaseo: PHASEO_API_KEY is not set. Set it")
    assert "LocalCluster(env=" in said
    assert "nb.login" not in said  # on a worker it helps nobody
    assert "nothing was sent" in said
    assert postgres.SECRET not in said
    assert service.orders() == {}
    assert states(sweep) == {"new": 3}


def test_a_worker_with_another_library_sends_nothing(service, database, tmp_path):
    session = connect(service, database)
    sweep = nb.Sweep(prompt=PROMPTS[:3], name="elsewhere", session=session)
    env = environment(str(tmp_path / "other"))

    refusal = pytest.raises(nb.ExperimentError, match="PHASEO_NB_HOME")
    with workers(1, env) as client, refusal as failure:
        run(sweep, client)

    assert postgres.SECRET not in str(failure.value)
    assert service.orders() == {}


@pytest.mark.parametrize("client", [object(), "tcp://127.0.0.1:8786", 4])
def test_what_is_no_client_is_refused(client):
    sweep = nb.Sweep(prompt="x", name="wrong", session=nb.connect("sandbox"))

    with pytest.raises(nb.ExperimentError, match=r"dask\.distributed\.Client") as failure:
        run(sweep, client)
    assert ('on=Client("tcp://127.0.0.1:8786")' in str(failure.value)) == (type(client) is str)


def test_a_client_that_is_none_yet_or_no_more_is_named():
    """The class was called asynchronous, and a closed client was found out after the planning."""
    from distributed import Client, LocalCluster

    session = nb.connect("sandbox")
    sweep = nb.Sweep(prompt="x", name="wrong", session=session)
    with LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        closed = Client(cluster, set_as_default=False)
        closed.close()

    with pytest.raises(nb.ExperimentError, match=r"Client is a class.*on=Client\(cluster\)"):
        run(sweep, Client)
    with pytest.raises(nb.ExperimentError, match=r"was closed.*Nothing was planned or sent"):
        run(sweep, closed)
    assert session.library.unfinished() == []


@pytest.mark.filterwarnings("ignore:Port:UserWarning")
def test_a_cluster_without_a_dashboard_is_given_no_link():
    """Its scheduler names a port all the same, and nothing but numbers is there."""
    from distributed import Client, LocalCluster

    from phaseo_nb.experiments.cluster.hands import Hands

    for address, is_link in ((None, False), ("127.0.0.1:0", True)):
        kinds = {"n_workers": 0, "processes": False, "dashboard_address": address}
        with LocalCluster(**kinds) as cluster, Client(cluster, set_as_default=False) as client:
            assert (Hands(client).dashboard is not None) == is_link


def test_limits_of_a_run_hold_and_say_what_was_left(service, home):
    session = connect(service, str(home))
    sweep = nb.Sweep(prompt=PROMPTS[:10], name="few", session=session)

    with workers(1, environment(str(home))) as client:
        run(sweep, client, max_jobs=4)
        assert states(sweep) == {"kept": 4, "new": 6}
        run(sweep, client)

    assert states(sweep) == {"kept": 10}
    assert service.orders() == dict.fromkeys(PROMPTS[:10], 1)


def test_what_waits_can_be_taken_back(service, home):
    """Orders that no worker took up give their price back; nothing was sent."""
    from phaseo_nb.experiments.cluster.planning import Planner

    session = connect(service, str(home))
    sweep = nb.Sweep(prompt=PROMPTS[:5], name="back", session=session)
    planner = Planner("back", sweep.compiled, retry_failed=False)
    (cells,) = planner.look().values()
    task, left = planner.assign(0, cells, at_once=1, timeout=1.0)

    assert task is not None
    assert len(task.numbers) == 5
    assert left == []
    assert [attempt.state for attempt in session.library.unfinished()] == ["planned"] * 5
    assert sweep.withdraw() == 5
    assert session.library.unfinished() == []
    assert service.orders() == {}


def test_what_a_worker_holds_and_has_not_sent_is_taken_back_too(service, home):
    """A slow line at the account: most orders wait with the worker, which finds them gone."""
    session = connect(service, str(home))
    session.library.set_limits(service.url, per_second=2)
    sweep = nb.Sweep(prompt=PROMPTS[:30], name="changed my mind", session=session)

    with workers(1, environment(str(home))) as client:
        running = engine.submit(sweep.run(on=client, show=False))
        until_ordered(service, 1)
        n_back = sweep.withdraw()
        running.result(180)

    assert n_back >= 20
    assert states(sweep)["kept"] == 30 - n_back
    assert sum(service.orders().values()) == 30 - n_back
    assert session.library.unfinished() == []


def test_looking_on_ends_where_nobody_is_at_work(service, home, monkeypatch):
    from phaseo_nb.experiments.cluster import run as cluster_run
    from phaseo_nb.experiments.cluster.planning import Planner

    monkeypatch.setattr(cluster_run, "DESERTED", 0.5)
    session = connect(service, str(home))
    sweep = nb.Sweep(prompt=PROMPTS[:2], name="deserted", session=session)
    planner = Planner("deserted", sweep.compiled, retry_failed=False)
    (cells,) = planner.look().values()
    planner.assign(0, cells, at_once=1, timeout=1.0)

    nb.run(sweep.watch(show=False))

    (reason,) = {cell.reason for cell in sweep.cells()}
    assert "Nobody is at work on it" in reason
    assert states(sweep) == {"waiting": 2}
    assert sweep.plan().to_buy == 2
    assert service.orders() == {}


def test_the_live_grid_draws_a_run_on_a_cluster(service, home):
    """Also at the moments in which nobody knows yet how many jobs there may be at once."""
    from phaseo_nb.experiments.cluster.run import ClusterRun
    from phaseo_nb.experiments.sweep.grid_card import grid_card
    from phaseo_nb.experiments.sweep.live_grid import GridCard
    from phaseo_nb.experiments.sweep.purse import RunPurse
    from phaseo_nb.experiments.sweep.runs import Orders

    session = connect(service, str(home))
    first = nb.Sweep(prompt=PROMPTS[:3], name="seen", session=session)
    nb.run(first.run(show=False))
    sweep = nb.Sweep(prompt=PROMPTS[:6], name="drawn", session=session)
    looking = ClusterRun("drawn", sweep.compiled, Orders(0, False, None), RunPurse(), None)
    looking.is_going = True
    looking._planner.look()
    looking.states[5] = "waiting"
    card = GridCard(looking, "drawn", dashboard="http://127.0.0.1:1/status")

    for is_text in (True, False):
        drawn = grid_card(card.view(), text=is_text)
        assert "http://127.0.0.1:1/status" in drawn
        assert "3 kept" in drawn
        assert "1 waiting" in drawn
        assert "at most 0" not in drawn
        assert "the cluster goes on without this notebook" in drawn
    assert '<a href="http://127.0.0.1:1/status" target="_blank"' in drawn


@pytest.mark.parametrize(
    ("address", "is_link"),
    [
        ("https://hub.test/user/me/proxy/8787/status", True),
        ("/user/me/proxy/8787/status", True),  # as a setting of dask on a hub says it
        ("//evil.test/status", False),
        ("javascript:alert(1)", False),
        ('http://a.test/"><script>alert(1)</script>', True),
    ],
)
def test_the_way_to_the_dashboard_is_a_link_and_nothing_else(address, is_link):
    """Its address comes from a setting or a scheduler, and is drawn as text whatever it says."""
    from phaseo_nb.experiments.sweep.grid_card import View, grid_card

    grid = types.SimpleNamespace(count=1, takes=1, varied=[])
    view = View("seen", grid, [], collections.Counter(kept=1), "Running", 1.0, dashboard=address)
    drawn = grid_card(view)
    assert ("<a href=" in drawn) == is_link
    assert "<script" not in drawn
    assert address in html.unescape(drawn)
    assert address in grid_card(view, text=True)


def test_planned_orders_outlive_the_kernel_that_planned_them(service, home):
    """Another kernel's recovery leaves them waiting, and can send them itself."""
    code = """
import sys
import phaseo_nb as nb
from phaseo_nb.experiments.cluster.planning import Planner
home, base_url, model, key = sys.argv[1:5]
session = nb.connect("phaseo", api_key=key, base_url=base_url, model=model, library=home)
sweep = nb.Sweep(prompt=["Prompt 0", "Prompt 1"], name="outlived", session=session)
planner = Planner("outlived", sweep.compiled, retry_failed=False)
(cells,) = planner.look().values()
sweep._save(begin=True)
planner.assign(0, cells, at_once=1, timeout=1.0)
import os; os._exit(0)
"""
    words = [str(home), service.url, services.SOON, services.KEY]
    subprocess.run([sys.executable, "-c", code, *words], check=True, timeout=120)
    session = connect(service, str(home))
    assert len(session.library.unfinished()) == 2

    nb.run(nb.Sweep(name="outlived", session=session).run(show=False))

    assert service.orders() == {"Prompt 0": 1, "Prompt 1": 1}
    assert session.library.unfinished() == []


def test_the_sandbox_of_this_machine_works_on_a_cluster(home):
    session = nb.connect("sandbox")
    sweep = nb.Sweep(prompt=["slow harp", "house"], duration=1, name="offline", session=session)

    with workers(2, {"PHASEO_NB_HOME": str(home)}) as client:
        results = run(sweep, client)
        figures = nb.run(nb.describe_all(results.takes, on=client))
        drawn = nb.plots.spectrograms(results.takes).prepare(on=client)

    assert states(sweep) == {"kept": 2}
    assert all(take.sandbox for take in results.takes)
    assert [figure.duration for figure in figures] == pytest.approx([1.0, 1.0], abs=0.1)
    assert drawn._repr_html_() == nb.plots.spectrograms(results.takes)._repr_html_()


def test_a_session_of_this_process_alone_is_refused():
    session = nb.connect("sandbox", transport=nb.Sandbox().transport)
    sweep = nb.Sweep(prompt="slow harp", name="alone", session=session)

    refusal = pytest.raises(nb.ExperimentError, match=r"python -m phaseo_nb\.sandbox")
    with workers(1, {}) as client, refusal:
        run(sweep, client)
