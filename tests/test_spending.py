"""What may be spent and what was: budgets over sessions and days, tables of costs, bills."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest
from journals import journal_of
from wires import KEY, Wire

import phaseo_nb as nb
from phaseo_nb.keeping import money
from phaseo_nb.keeping.journal import Journal

pytestmark = pytest.mark.usefixtures("quick")

WORDS = {"model": "suno/v4.5", "show": False}
WEDNESDAY = datetime(2026, 11, 25, 12)


class Clock:
    """The clock on the wall, as the journal reads it."""

    def __init__(self):
        self.now = WEDNESDAY

    def __call__(self):
        return self.now.timestamp()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    made = Journal.__init__
    monkeypatch.setattr(
        Journal, "__init__", lambda self, *given, **more: made(self, *given, wall=clock, **more)
    )
    return clock


def connect(wire=None, **more):
    return nb.connect("phaseo", api_key=KEY, transport=(wire or Wire()).transport, **more)


def make(prompt="a waltz", **more):
    return nb.submit(prompt, **{**WORDS, **more}).result(30)


def charging(usd):
    """A gateway that bills that much; ``None`` says nothing about the price."""
    nanos = None if usd is None else round(usd * 1e9)
    return Wire(post=lambda wire: wire.accepted(cost_nanos=nanos, cost_cents=None))


def tamper(statement, *values):
    with journal_of(nb.library().path) as db:
        db.execute(statement, values)


# -- budgets of a library --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per", "still", "over"),
    [
        ("day", datetime(2026, 11, 25, 23, 59, 59), datetime(2026, 11, 26)),
        ("week", datetime(2026, 11, 29, 23, 59), datetime(2026, 11, 30)),
        ("month", datetime(2026, 11, 30, 23, 59), datetime(2026, 12, 1)),
    ],
)
def test_a_budget_holds_over_sessions_until_its_period_is_over(clock, per, still, over):
    """Sessions share what is left of a day, week or month; with the next one it is there again."""
    first = Wire()
    connect(first)
    nb.library().set_budget(0.10, per=per)
    make("one")

    second = Wire()
    connect(second)
    clock.now = still
    with pytest.raises(nb.BudgetExceeded, match=rf"\$0\.04 of the library's budget for this {per}"):
        make("two")
    assert second.posts == []

    clock.now = over
    make("two")
    assert len(second.posts) == 1
    with pytest.raises(nb.BudgetExceeded):
        make("three")


def test_a_budget_for_ever_stays_spent(clock):
    """A budget "ever" knows no new day."""
    connect()
    nb.library().set_budget(0.10, per="ever")
    make("one")

    clock.now += timedelta(days=4_000)
    with pytest.raises(nb.BudgetExceeded, match=r"per='ever'"):
        make("two")


def test_several_budgets_hold_together(clock):
    """The tightest of all budgets decides, that of the session included."""
    connect(budget_usd=0.13)
    nb.library().set_budget(0.08, per="day")
    nb.library().set_budget(1.00, per="month")
    assert nb.library().budgets() == {"day": 0.08, "month": 1.00}

    make("one")
    with pytest.raises(nb.BudgetExceeded, match="day"):
        make("two")
    clock.now += timedelta(days=1)
    make("two")
    clock.now += timedelta(days=1)
    with pytest.raises(nb.BudgetExceeded, match="budget_usd"):
        make("three")

    nb.library().set_budget(None, per="day")
    nb.library().set_budget(None, per="month")
    assert nb.library().budgets() == {}


def test_a_kept_take_costs_no_budget():
    """What is in the library is shown although nothing is left."""
    wire = Wire()
    connect(wire)
    take = make()
    nb.library().set_budget(0.0, per="day")

    assert make() is take
    with pytest.raises(nb.BudgetExceeded):
        make(fresh=True)
    assert len(wire.posts) == 1


def test_the_bill_replaces_what_was_set_aside():
    """A job that was cheaper than its price leaves the rest, a dearer one takes more."""
    connect(charging(0.01))
    nb.library().set_budget(0.10, per="day")
    make("one")
    connect(charging(0.09))
    make("two")  # 0.06 of 0.09 that are left, and 0.09 in the end

    with pytest.raises(nb.BudgetExceeded, match=r"\$0\.00"):
        make("three")


def test_the_sandbox_has_a_purse_of_its_own():
    """What the sandbox makes as if for money does not count for the services, and the reverse."""
    paid = Wire()
    connect(paid)
    nb.library().set_budget(0.10, per="day")
    make("one")

    nb.connect("sandbox", transport=nb.Sandbox(speed=50).transport)
    make("one")
    with pytest.raises(nb.BudgetExceeded):
        make("two")
    make("two", model="sandbox/band", duration=1)  # free

    connect(paid)
    with pytest.raises(nb.BudgetExceeded):
        make("two")
    sums = {row["sandbox"]: row["usd"] for row in nb.spending("model") if row["usd"]}
    assert sums == {True: pytest.approx(0.06), False: pytest.approx(0.06)}


def test_an_unknown_price_needs_consent_wherever_there_is_a_budget():
    """With a library's budget, a price that nobody knows is refused unless that is allowed."""
    wire = charging(None)
    connect(wire)
    nb.library().set_budget(5, per="month")
    with pytest.raises(nb.BudgetExceeded, match="allow_unknown_price=True"):
        make(model="newcomer/model-1")
    assert wire.posts == []

    connect(wire, allow_unknown_price=True)
    make(model="newcomer/model-1")
    (row,) = nb.spending("model")
    assert (row["usd"], row["reserved_usd"], row["unknown"]) == (0, 0, 1)


def test_other_addresses_and_dead_kernels_do_not_burden_a_session():
    """budget_usd counts this address and the kernels that live; the library counts everything."""
    connect()
    make("one")
    assert connect(budget_usd=1).budget.spent == pytest.approx(0.06)
    assert connect(budget_usd=1, base_url="https://eu.example.org/v1").budget.spent == 0

    tamper("UPDATE takes SET payer = 'a kernel that is gone'")
    assert connect(budget_usd=1).budget.spent == 0
    nb.library().set_budget(0.10, per="day")
    with pytest.raises(nb.BudgetExceeded):
        make("two")


@pytest.mark.parametrize("n_payers", [0, 1, 7])
def test_a_session_counts_every_kernel_that_pays(n_payers):
    """The sum over payers is that of their rows, whichever of them live."""
    connect()
    make("zero")
    library = nb.library()
    for n in range(n_payers):
        make(f"waltz {n}")
        tamper("UPDATE takes SET payer = ?, cost_usd = ? WHERE n = (SELECT max(n) FROM takes)",
               f"kernel {n}", 2.0**n)  # fmt: skip
    url = "https://api.phaseo.app/v1"
    read = library.folder.database.read

    for wanted in ({0, 2, 5}, {1}, set(), set(range(7))):
        names = {f"kernel {n}" for n in wanted}
        usd = read(lambda db, names=names: money.spent(db, url, names.__contains__))
        assert usd == sum(2.0**n for n in wanted if n < n_payers)


@pytest.mark.parametrize("usd", [-1, float("nan"), float("inf"), "5", True, 1e9, [1]])
def test_an_amount_that_is_none_is_refused(usd):
    """A budget is a number of dollars from 0; what is none changes nothing."""
    library = nb.library()
    library.set_budget(1, per="day")

    with pytest.raises(nb.LibraryError, match="US dollars"):
        library.set_budget(usd, per="day")
    assert library.budgets() == {"day": 1.0}


@pytest.mark.parametrize("per", ["year", "Day", "", 1, ["day"]])
def test_a_period_that_is_none_is_refused(per):
    """The message names the periods there are."""
    with pytest.raises(nb.LibraryError, match="'day', 'week', 'month', 'ever'"):
        nb.library().set_budget(1, per=per)


# -- the table ---------------------------------------------------------------------------------


def test_spending_by_day_model_and_notebook(clock, monkeypatch):
    """A row for each day, model and notebook, newest first, with counts and dollars."""
    connect()
    monkeypatch.setenv("JPY_SESSION_NAME", "one.ipynb")
    make("one")
    make("two")
    make("three", model="suno/v5")
    monkeypatch.setenv("JPY_SESSION_NAME", "two.ipynb")
    clock.now += timedelta(days=1)
    make("four")

    rows = [
        (row["day"], row["model"], row["notebook"], row["jobs"], row["kept"], round(row["usd"], 6))
        for row in nb.spending()
    ]
    assert rows == [
        ("2026-11-26", "suno/v4.5", "two.ipynb", 1, 1, 0.06),
        ("2026-11-25", "suno/v5", "one.ipynb", 1, 1, 0.06),
        ("2026-11-25", "suno/v4.5", "one.ipynb", 2, 2, 0.12),
    ]
    assert [row["jobs"] for row in nb.spending("month")] == [4]
    assert [row["day"] for row in nb.spending("day", since="2026-11-26")] == ["2026-11-26"]
    assert {row["notebook"] for row in nb.spending(("gateway", "notebook"))} == {
        "one.ipynb",
        "two.ipynb",
    }
    (row,) = nb.spending(["gateway", "provider"])
    assert (row["gateway"], row["provider"], row["sandbox"]) == ("phaseo", "suno", False)


def test_what_failed_and_what_was_written_off_counts():
    """Spending counts jobs that brought no music: what they cost, or what was set aside."""
    connect(Wire(gets=[lambda wire: wire.state("failed")]))
    with pytest.raises(nb.JobFailed):
        make("fails")
    connect(Wire(post=lambda _: httpx.ReadTimeout("lost")))
    for prompt in ("lost", "lost and free", "lost and dear"):
        with pytest.raises(nb.UncertainSubmission):
            make(prompt)
    _, free, dear = nb.library().uncertain()
    free.write_off(0)
    dear.write_off(0.5)
    connect(Wire(post=lambda _: httpx.Response(402, json={"error": "insufficient_funds"})))
    with pytest.raises(nb.InsufficientFunds):
        make("refused, so it is not there")

    (row,) = nb.spending("model")

    assert (row["jobs"], row["kept"]) == (4, 0)
    assert row["usd"] == pytest.approx(0.06 + 0 + 0.5)
    assert row["reserved_usd"] == pytest.approx(0.06)


def test_what_was_imported_cost_nothing_here():
    """Rows that came from elsewhere are in no sum and no budget."""
    connect()
    make("one")
    make("two")
    tamper("UPDATE takes SET imported = 1 WHERE prompt = 'one'")

    assert [(row["jobs"], round(row["usd"], 6)) for row in nb.spending("model")] == [(1, 0.06)]
    nb.library().set_budget(0.13, per="ever")
    make("three")


@pytest.mark.parametrize("by", ["hour", "", (), ("day", "mood"), ["usd"]])
def test_spending_by_something_else_is_refused(by):
    """The message names what can be counted by."""
    with pytest.raises(nb.LibraryError, match="'day', 'month', 'gateway', 'model'"):
        nb.spending(by)


def test_spending_since_something_else_is_refused():
    """A day that is none is refused as in a search."""
    with pytest.raises(nb.LibraryError, match="2026-11-25"):
        nb.spending(since="last week")


# -- bills -------------------------------------------------------------------------------------


def line(dimension, quantity, unit, nanos):
    return {
        "dimension": dimension,
        "quantity": quantity,
        "billable_units": quantity,
        "unit_size": 1,
        "unit_price_usd": unit,
        "line_cost_usd": f"{nanos / 1e9:.9f}",
        "line_nanos": nanos,
        "billing_timestamp_basis": "request_start",
        "pricing_time_window": None,
    }


def bill(*lines):
    nanos = sum(each["line_nanos"] for each in lines)
    breakdown = {
        "total_nanos": nanos,
        "total_usd_str": f"{nanos / 1e9:g}",
        "total_cents": round(nanos / 1e7),
        "currency": "USD",
        "lines": list(lines),
    }
    usage = {"input_tokens": 0, "output_tokens": 0, "pricing_breakdown": breakdown}
    more = {"cost_nanos": nanos, "cost_cents": round(nanos / 1e7), "pricing_lines": list(lines)}
    return {"usage": usage, **more}


def test_the_lines_of_a_bill_are_kept():
    """take.cost.lines says what was counted at which price, also after a new start."""
    lines = [
        line("requests", 1, "0.060000000", 60_000_000),
        line("output_audio_seconds", 182.5, "0.000100000", 18_250_000),
    ]
    connect(Wire(post=lambda wire: wire.accepted(**bill(*lines))))
    take = make()

    for _ in range(2):
        assert take.cost.usd == pytest.approx(0.07825)
        assert [each.meter for each in take.cost.lines] == ["requests", "output_audio_seconds"]
        first, second = take.cost.lines
        assert (first.quantity, first.unit_usd, first.usd) == (1, 0.06, 0.06)
        assert (second.quantity, second.unit_usd) == (182.5, 0.0001)
        assert sum(each.usd for each in take.cost.lines) == pytest.approx(take.cost.usd)
        nb.library().close()
        (take,) = nb.library().recent()


@pytest.mark.parametrize(
    "lines",
    [None, "none", [], [None, 7], [{}], [{"dimension": 5, "quantity": "many", "line_nanos": []}]],
    ids=repr,
)
def test_odd_lines_of_a_bill_lose_no_take(lines):
    """Whatever stands where the lines should be, the take is kept with its total."""
    odd = {"usage": {"pricing_breakdown": {"total_nanos": 60_000_000, "currency": "USD",
                                           "lines": lines}}}  # fmt: skip
    connect(Wire(post=lambda wire: wire.accepted(**odd)))

    take = make()

    assert take.cost.usd == pytest.approx(0.06)
    assert all(each.usd is None for each in take.cost.lines)


def test_no_budget_without_a_period_is_none_at_all(tmp_path):
    """Whoever takes "the" budget away means every one, not the day's alone."""
    library = nb.Library(tmp_path)
    library.set_budget(1.0)
    library.set_budget(2.0, per="month")
    assert library.budgets() == {"day": 1.0, "month": 2.0}

    library.set_budget(None, per="day")
    assert library.budgets() == {"month": 2.0}

    library.set_budget(3.0)
    library.set_budget(None)
    assert library.budgets() == {}
