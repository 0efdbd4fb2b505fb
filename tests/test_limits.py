"""What an account may be asked for: a rate, jobs at once, dollars; shared by whoever shares it."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from counting_gateway import CountingGateway
from grounds import services
from grounds.postgres import server
from grounds.processes import until

import phaseo_nb as nb
from phaseo_nb.keeping import limits

pytestmark = pytest.mark.usefixtures("quick")

URL = "https://api.phaseo.app/v1"
SIDES = Path(__file__).parent / "benchmarks" / "limits_sides.py"


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, home):
    """Where a library is, of either kind."""
    if request.param == "sqlite":
        yield str(home)
        return
    database = server().database()
    yield database
    nb.Library(database).close()
    server().drop(database)


@pytest.fixture
def library(place):
    return nb.Library(place)


class Busy(CountingGateway):
    """Notes when orders come; ``too_many`` holds how long each of the next answers asks to wait."""

    def __init__(self):
        super().__init__()
        self.came: list[float] = []
        self.too_many: dict[str, list[str]] = {"POST": [], "GET": []}

    def handle(self, request):
        if request.method == "POST":
            self.came.append(time.monotonic())
        waits = self.too_many[request.method]
        if waits and not request.url.path.endswith(".wav"):
            headers = {"Retry-After": waits.pop(0)}
            return httpx.Response(429, json={"error": "rate_limited"}, headers=headers)
        return super().handle(request)


def order(*prompts):
    return [nb.submit(prompt, show=False) for prompt in prompts]


def results(jobs):
    return [job.result(30) for job in jobs]


# -- the line of turns, by a clock of the test's ---------------------------------------------------


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ask(home, clock):
    """Take turns as a kernel does; the moments are by the clock of the test."""
    database = nb.Library(home).folder.database

    def take(wanted, **more):
        return database.write(
            lambda db: limits.take_turns(db, URL, wanted, wall=clock, clock=clock, **more)
        ).result()

    take.busy = lambda asked=None: database.write(
        lambda db: limits.slow_down(db, URL, asked, clock)
    ).result()
    take.account = lambda: database.read(lambda db: limits.account(db, URL, clock))
    return take


@pytest.mark.parametrize("seed", range(5))
def test_turns_are_evenly_apart_whoever_asks_for_them_and_when(ask, clock, seed):
    """Any mix of askers gets moments 1/rate apart, and while they ask none is left out."""
    rng = random.Random(seed)
    rate = rng.choice([0.2, 3.0, 50.0, 400.0])
    nb.library().set_limits(URL, per_second=rate)
    moments, began = [], clock.now

    while clock.now - began < 20 / rate + 5:
        given = ask(rng.choice([1, 2, 7, 300]))
        moments += given.at
        clock.now += rng.uniform(0, 0.05)

    gaps = [b - a for a, b in itertools.pairwise(moments)]
    assert min(gaps) >= 1 / rate - 1e-6
    assert len(moments) >= 0.9 * rate * (moments[-1] - began)
    assert moments[-1] <= clock.now + limits.AHEAD + max(1 / rate, limits.SHARE) * limits.SLACK


def test_a_line_that_was_idle_saves_nothing_up(ask, clock):
    """After an hour without orders the next ones are as far apart as ever."""
    nb.library().set_limits(URL, per_second=10)
    ask(2)
    clock.now += 3600

    at = ask(2).at

    assert at[0] == clock.now
    assert at[1] - at[0] >= 0.1


def test_a_clock_that_is_set_back_holds_nobody_up(ask, clock):
    """Moments of tomorrow are a mistake of the clock, and so is a pause until then."""
    nb.library().set_limits(URL, per_second=10)
    ask.busy(5.0)
    ask(5)
    clock.now -= 86_400

    assert ask(1).at == (clock.now,)


def test_429s_halve_the_rate_once_for_each_pause_and_calm_doubles_it(ask, clock):
    """A storm of 429s in one pause counts once; down to 1/16; up again after each 30 s."""
    nb.library().set_limits(URL, per_second=10)
    for _ in range(20):
        ask.busy(2.0)
        clock.now += 0.05
    assert ask.account().share == 0.5
    assert ask(1).at == ()
    assert ask.account().pause == pytest.approx(2.0, abs=0.06)

    for share in (0.25, 0.125, 0.0625, 0.0625):
        clock.now += 3
        ask.busy(None)
        assert ask.account().share == share

    clock.now += limits.PAUSE
    for share in (0.0625, 0.125, 0.25, 0.5, 1.0, 1.0):
        assert ask.account().share == share
        clock.now += 30
    assert ask(1).at


@pytest.mark.parametrize(("asked", "pause"), [(None, 1.0), (60.0, 60.0), (200_000.0, 1.0)])
def test_a_retry_after_of_days_is_not_waited_for(ask, asked, pause):
    """It used to hold every order up for a minute; whoever ordered hears of it, and can decide."""
    ask.busy(asked)

    assert ask.account().pause == pytest.approx(pause)


# -- through the public face -----------------------------------------------------------------------


def test_orders_go_out_no_faster_than_the_rate(library):
    """Ten orders at 20 a second take nine twentieths of a second, and all of them are made."""
    gateway = Busy()
    gateway.connect(library=library)
    library.set_limits("phaseo", per_second=20)

    takes = results(order(*(f"a waltz {n}" for n in range(10))))

    assert len(takes) == 10
    assert max(gateway.counts().values()) == 1
    assert gateway.came[-1] - gateway.came[0] >= 9 / 20 - limits.AHEAD / 2


def test_no_more_jobs_at_once_than_the_account_allows(library):
    """The service never has more than three of twelve, and the others follow."""
    gateway = Busy()
    gateway.connect(library=library)
    library.set_limits("phaseo", at_once=3)
    gateway.is_busy = True

    jobs = order(*(f"a waltz {n}" for n in range(12)))
    until(lambda: len(gateway.posts) >= 3, "three orders")
    (row,) = library.limits()
    assert row["in_flight"] <= 3
    gateway.is_busy = False

    assert len(results(jobs)) == 12
    assert gateway.most_at_once == 3
    assert max(gateway.counts().values()) == 1


def test_who_stops_waiting_for_a_turn_has_sent_and_paid_nothing(library):
    """The order is withdrawn at once, its price is free again, and the job before it goes on."""
    gateway = Busy()
    gateway.connect(library=library)
    library.set_limits("phaseo", at_once=1)
    gateway.is_busy = True
    (first,) = order("a waltz")
    until(lambda: first.id, "the first order to be answered")
    (second,) = order("a polka")
    time.sleep(0.3)
    assert second.status == "planned"

    second.stop_waiting()

    with pytest.raises(nb.JobTimeout, match="nothing was created, nothing was paid"):
        second.result(10)
    assert not second.is_sent
    assert gateway.posts == ["a waltz"]
    assert len(library.unfinished()) == 1
    gateway.is_busy = False
    first.result(30)
    results(order("a polka"))
    assert gateway.counts() == {"a waltz": 1, "a polka": 1}


def test_a_429_to_one_order_holds_up_all(library):
    """Nothing goes out before the service's pause is over, also where no limit was set."""
    gateway = Busy()
    gateway.connect(library=library)
    gateway.too_many["POST"] = ["0.7"]
    (first,) = order("a waltz")
    until(lambda: library.limits(), "the pause to be noted")
    assert library.limits()[0]["share"] == 0.5

    results([first, *order("a polka")])

    assert gateway.counts() == {"a waltz": 1, "a polka": 1}
    assert min(gateway.came[1:]) - gateway.came[0] >= 0.65  # noted a moment after it was said


def test_a_429_to_a_question_slows_orders_down(library):
    """Whatever was asked: a service that has too much to do is not ordered from as before."""
    gateway = Busy()
    gateway.connect(library=library)
    library.set_limits("phaseo", per_second=100)
    gateway.too_many["GET"] = ["0.2"]

    results(order("a waltz"))

    (row,) = library.limits()
    assert row["share"] == 0.5
    assert "slowed down to 50 a second" in repr(library.limits())


def test_an_order_that_was_refused_keeps_its_place_at_the_service(library):
    """It used to wait for the one place that it had itself."""
    gateway = Busy()
    gateway.connect(library=library)
    library.set_limits("phaseo", at_once=1, per_second=50)
    gateway.too_many["POST"] = ["0.1", "0.1"]

    results(order("a waltz", "a polka"))

    assert gateway.counts() == {"a waltz": 1, "a polka": 1}


def test_a_limit_that_is_taken_away_lets_everybody_go(library):
    """One order in three hours is not what was meant; nobody has to start anew."""
    gateway = Busy()
    gateway.connect(library=library)
    library.set_limits("phaseo", per_second=1e-4)
    jobs = order("a waltz", "a polka", "a march")
    until(lambda: gateway.posts, "the first order")

    library.set_limits("phaseo", per_second=None)

    assert len(results(jobs)) == 3


def test_the_budget_of_an_account_holds_for_its_address_alone(library):
    """Two of six cents fit into 13; another address has its own purse."""
    gateway = CountingGateway()
    gateway.connect(library=library)
    library.set_limits("phaseo", budget_usd=0.13, per="day")
    results(order("a waltz", "a polka"))

    with pytest.raises(nb.BudgetExceeded, match=r"\$0\.01 of the account's budget for this day"):
        order("a march")
    gateway.connect(library=library, base_url="https://other.example/v1")
    results(order("a march"))
    gateway.connect(library=library)
    library.set_limits("phaseo", budget_usd=None)
    results(order("a galop"))

    assert gateway.counts() == dict.fromkeys(["a waltz", "a polka", "a march", "a galop"], 1)


def test_a_budget_keeps_its_period_until_another_one_is_named(library):
    library.set_limits("phaseo", budget_usd=5, per="day")
    library.set_limits("phaseo", budget_usd=7)
    (kept,) = library.limits().rows()
    library.set_limits("phaseo", per="week")
    (named,) = library.limits().rows()
    library.set_limits("udio", budget_usd=1)
    by_default = library.limits().rows()[1]

    assert (kept["budget_usd"], kept["per"]) == (7.0, "day")
    assert (named["budget_usd"], named["per"]) == (7.0, "week")
    assert by_default["per"] == "month"
    with pytest.raises(nb.LibraryError, match="Nothing is set"):
        library.set_limits("phaseo")


def test_an_account_without_limits_is_not_even_written_down(library):
    """Who sets no limit pays for none: no row, no line."""
    gateway = CountingGateway()
    gateway.connect(library=library)

    results(order("a waltz"))

    count = "SELECT count(*) FROM accounts"
    assert library.folder.database.read(lambda db: db.execute(count).fetchone()[0]) == 0
    assert repr(library.limits()).startswith("No account has limits.")


def test_limits_are_shown_as_a_table_and_what_is_left_out_stays(library):
    """Text and HTML say the same; None takes one limit away and leaves the others."""
    library.set_limits("phaseo", per_second=0.5, at_once=4, budget_usd=20)
    library.set_limits("https://udioapi.pro/", at_once=2)
    library.set_limits("phaseo", per_second=None)

    shown = library.limits()

    assert [row["base_url"] for row in shown] == [URL, "https://udioapi.pro"]
    assert shown.rows()[0] == {
        "base_url": URL,
        "per_second": None,
        "at_once": 4,
        "budget_usd": 20.0,
        "per": "month",
        "in_flight": 0,
        "spent_usd": 0.0,
        "share": 1.0,
        "pause": 0.0,
    }
    assert "0 of 4  $0.00 of $20.00 this month" in repr(shown)
    assert "$0.00 of $20.00 this month" in shown._repr_html_()


@pytest.mark.parametrize(
    ("gateway", "given", "words"),
    [
        ("phaseo", {"per_second": 0}, "per_second = 0 is no limit"),
        ("phaseo", {"per_second": float("nan")}, "per_second = nan is no limit"),
        ("phaseo", {"per_second": True}, "per_second = True is no limit"),
        ("phaseo", {"at_once": 0}, "at_once = 0 is no limit"),
        ("phaseo", {"at_once": 1.5}, r"at_once = 1\.5 is no limit"),
        ("phaseo", {"budget_usd": -1}, "budget_usd = -1 is no limit"),
        ("phaseo", {"budget_usd": 1, "per": "year"}, "per = 'year' is no period"),
        ("phaso", {"at_once": 1}, "'phaso' is no gateway: choose phaseo, udio, sandbox"),
        ("http://elsewhere.example", {"at_once": 1}, "http is for this machine only"),
        (None, {"at_once": 1}, "'NoneType' is no gateway"),
    ],
)
def test_what_is_no_limit_is_refused_in_words(gateway, given, words):
    """Nothing is written then."""
    library = nb.library()

    with pytest.raises(nb.LibraryError, match=words):
        library.set_limits(gateway, **given)

    assert library.limits() == []


# -- two kernels -----------------------------------------------------------------------------------


def test_two_kernels_share_one_rate(library, place):
    """Both together take as long as one would: 24 orders at 12 a second."""
    with services.fast(3600.0) as service:
        library.set_limits(service.url, per_second=12)
        command = [sys.executable, str(SIDES), service.url]
        kernels = [
            subprocess.Popen(
                [*command, name, "12"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "PHASEO_NB_HOME": place},
            )
            for name in ("one", "two")
        ]
        try:
            said = [kernel.communicate("go\n", timeout=60)[0].split() for kernel in kernels]
        finally:
            for kernel in kernels:
                kernel.kill()
        times = service.count()["arrivals"]

        assert said == [["ready", "12"]] * 2
        assert service.paid_twice() == {}
    assert times[-1] - times[0] >= 0.7 * 23 / 12


# -- whose they are --------------------------------------------------------------------------------


def test_the_name_of_a_gateway_means_the_address_that_one_is_connected_to(library):
    """A limit for an account that nobody uses would hold nothing back."""
    elsewhere = "http://127.0.0.1:9/v1"
    nb.connect("phaseo", api_key="k" * 20, base_url=elsewhere, library=library)
    library.set_limits("phaseo", at_once=6)
    assert [row["base_url"] for row in library.limits()] == [elsewhere]

    nb.connect("phaseo", api_key="k" * 20, library=library)
    said = library.set_limits("phaseo", at_once=7)  # where it is connected to now
    assert {row["base_url"]: row["at_once"] for row in said} == {elsewhere: 6, URL: 7}

    nb.connect("phaseo", api_key="k" * 20, base_url=elsewhere, library=library)
    library.set_limits("phaseo", at_once=8)
    assert {row["base_url"]: row["at_once"] for row in library.limits()} == {elsewhere: 8, URL: 7}


def test_in_the_sandbox_the_name_of_a_gateway_means_the_real_one(library):
    nb.connect("sandbox", library=library)
    library.set_limits("phaseo", at_once=6)
    assert [row["base_url"] for row in library.limits()] == [URL]
