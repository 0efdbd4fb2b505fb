"""A run of a sweep buys each cell once, whatever happens to it, to others, or to the run."""

from __future__ import annotations

import asyncio
import gc

import pytest
from counting_gateway import PRICE, CountingGateway

import phaseo_nb as nb
from phaseo_nb.takes.handle import Job

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick")]

PROMPTS = [f"Tune {letter}" for letter in "abcdef"]


@pytest.fixture
def gateway():
    return CountingGateway()


def states(sweep):
    return [cell.state for cell in sweep.cells()]


async def run(sweep, **options):
    return await sweep.run(show=False, **options)


async def until(condition):
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("waited ten seconds in vain")


async def test_a_run_buys_every_cell_once_and_a_second_run_nothing(gateway):
    gateway.connect()
    sweep = nb.Sweep(prompt=PROMPTS[:3], takes=2, name="study")

    await run(sweep)
    await run(sweep)
    await run(nb.Sweep(name="study"))

    assert gateway.counts() == dict.fromkeys(PROMPTS[:3], 2)
    assert states(sweep) == ["kept"] * 6
    takes = [sweep.library.get(cell.id) for cell in sweep.cells()]
    assert [take.number for take in takes] == [1, 2] * 3
    assert len({take.track.sha256 for take in takes}) == 6


async def test_what_a_notebook_made_before_is_a_cell_already(gateway):
    session = gateway.connect()
    before = await session.start(PROMPTS[0])

    sweep = nb.Sweep(prompt=PROMPTS[:2])

    assert (sweep.plan().kept, sweep.plan().to_buy) == (1, 1)
    await run(sweep)
    assert gateway.counts() == {PROMPTS[0]: 1, PROMPTS[1]: 1}
    assert sweep.cells()[0].id == before.id


async def test_cells_that_ask_for_the_same_are_one_job(gateway):
    gateway.connect()
    sweep = nb.Sweep(prompt=["Tune a", "Tune a", "Tune b"])

    plan = sweep.plan()
    await run(sweep)

    assert (plan.count, plan.to_buy, plan.same) == (3, 2, 1)
    assert gateway.counts() == {"Tune a": 1, "Tune b": 1}
    assert states(sweep) == ["kept"] * 3


async def test_one_bad_cell_stops_none_of_the_others(gateway):
    gateway.connect()
    sweep = nb.Sweep(prompt=["This one fails", "Tune a", "A broken line", "So silent", "Tune b"])

    await run(sweep, concurrency=1)

    assert states(sweep) == ["failed", "kept", "uncertain", "empty", "kept"]
    failed, _, uncertain, empty, _ = sweep.cells()
    assert "SENSITIVE" in failed.reason
    assert uncertain.reason
    assert "retry_failed" in failed.what_next
    assert "uncertain()" in uncertain.what_next
    assert "uncertain()" in empty.what_next


async def test_what_ended_badly_is_not_bought_again_unless_that_is_asked_for(gateway):
    gateway.connect()
    sweep = nb.Sweep(prompt=["This one fails", "A broken line", "So silent", "Tune a"])
    await run(sweep)
    bought = gateway.counts()

    await run(sweep)
    assert gateway.counts() == bought

    await run(sweep, retry_failed=True)
    assert gateway.counts()["This one fails"] == 2
    assert gateway.counts() - bought == {"This one fails": 1}


async def test_a_gateway_that_refuses_the_key_is_not_asked_for_every_cell(gateway):
    gateway.connect()
    sweep = nb.Sweep(prompt=[f"locked {n}" for n in range(20)])

    await run(sweep, concurrency=2)

    cells = sweep.cells()
    assert sum(cell.state == "refused" for cell in cells) <= 2
    assert all("nothing more" in cell.reason for cell in cells if cell.state == "new")


async def test_a_run_has_its_own_budget(gateway):
    gateway.connect()
    sweep = nb.Sweep(prompt=PROMPTS)

    await run(sweep, budget_usd=3.5 * PRICE)

    assert len(gateway.posts) == 3
    left = [cell for cell in sweep.cells() if not cell.is_kept]
    assert len(left) == 3
    assert all("budget_usd" in cell.reason for cell in left)
    await run(sweep)
    assert gateway.counts() == dict.fromkeys(PROMPTS, 1)


async def test_an_empty_account_ends_the_buying(gateway):
    gateway.connect()
    sweep = nb.Sweep(prompt=["refused", *PROMPTS[:2]])

    await run(sweep, concurrency=1)

    assert gateway.posts == []
    assert states(sweep) == ["refused", "new", "new"]
    assert "nothing more" in sweep.cells()[1].reason


async def test_what_was_not_accepted_leaves_its_money_to_the_others(gateway):
    gateway.connect()
    sweep = nb.Sweep(prompt=["unwanted words", *PROMPTS[:3]])

    await run(sweep, concurrency=1, max_jobs=2, budget_usd=2 * PRICE)

    assert gateway.counts() == {PROMPTS[0]: 1, PROMPTS[1]: 1}
    assert states(sweep) == ["refused", "kept", "kept", "new"]


async def test_the_session_s_budget_holds_too(gateway):
    gateway.connect(budget_usd=2.5 * PRICE)
    sweep = nb.Sweep(prompt=PROMPTS)

    await run(sweep)

    assert len(gateway.posts) == 2
    assert any("budget" in (cell.reason or "") for cell in sweep.cells())


async def test_unknown_prices_need_consent(gateway):
    gateway.connect(model="elevenlabs/music_v1")
    sweep = nb.Sweep(prompt=PROMPTS[:2])

    await run(sweep, budget_usd=5)

    assert gateway.posts == []
    assert "allow_unknown_price" in sweep.cells()[0].reason
    gateway.connect(model="elevenlabs/music_v1", allow_unknown_price=True)
    await run(nb.Sweep(prompt=PROMPTS[:2]), budget_usd=5)
    assert len(gateway.posts) == 2


@pytest.mark.parametrize("most", [0, 1, 4])
async def test_a_run_buys_at_most_so_many_jobs(gateway, most):
    gateway.connect()
    sweep = nb.Sweep(prompt=PROMPTS)

    await run(sweep, max_jobs=most)

    assert len(gateway.posts) == most
    assert states(sweep).count("kept") == most


async def test_no_more_jobs_at_once_than_the_window_has_room_for(gateway):
    gateway.connect()

    await run(nb.Sweep(prompt=PROMPTS, takes=2), concurrency=3)

    assert 1 <= gateway.most_at_once <= 3


async def test_an_interrupt_sends_nothing_more_and_the_next_run_goes_on(gateway):
    session = gateway.connect()
    gateway.is_busy = True
    sweep = nb.Sweep(prompt=PROMPTS)
    running = asyncio.ensure_future(run(sweep, concurrency=2))
    await until(lambda: len(gateway.posts) == 2)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert len(gateway.posts) == 2
    assert sorted(states(sweep)) == ["new"] * 4 + ["unfinished"] * 2
    assert session.library.folder.handles == {}
    gateway.is_busy = False
    await run(nb.Sweep(name=sweep.name))
    assert gateway.counts() == dict.fromkeys(PROMPTS, 1)
    assert states(sweep) == ["kept"] * 6


async def test_a_sweep_runs_once_at_a_time(gateway):
    gateway.connect()
    gateway.is_busy = True
    sweep = nb.Sweep(prompt=PROMPTS[:1])
    running = asyncio.ensure_future(run(sweep))
    await until(lambda: gateway.posts)

    with pytest.raises(nb.ExperimentError, match="running already"):
        await run(sweep)

    assert sweep.cells()[0].state == "making"
    gateway.is_busy = False
    await running
    assert states(sweep) == ["kept"]


async def test_a_job_that_takes_too_long_goes_on_and_is_waited_for_again(gateway):
    session = gateway.connect()
    gateway.is_busy = True
    sweep = nb.Sweep(prompt=PROMPTS[:2])

    await run(sweep, timeout=0.3)

    assert states(sweep) == ["unfinished"] * 2
    assert session.library.folder.handles == {}
    gateway.is_busy = False
    await run(sweep)
    assert gateway.counts() == dict.fromkeys(PROMPTS[:2], 1)
    assert states(sweep) == ["kept"] * 2


async def test_bad_rows_are_named_all_at_once_before_anything_is_sent(gateway):
    gateway.connect()
    rows = [{"prompt": "Fine"}, {"prompt": 3}, {"prompt": "Ok", "suno": {"style_weight": 7}}]

    with pytest.raises(nb.ExperimentError, match="2 rows") as caught:
        await run(nb.Sweep(rows))

    assert gateway.posts == []
    assert [problem.split(" (")[0] for problem in caught.value.problems] == ["row 2", "row 3"]
    assert "suno.styleWeight" in caught.value.problems[1]


async def test_gateways_side_by_side_stay_in_the_sandbox_of_the_session():
    nb.connect("sandbox")
    sweep = nb.Sweep(prompt="Slow harp", gateway=["phaseo", "udio"])

    plan = sweep.plan()

    assert [(row.gateway, row.sandbox) for row in plan.rows_by_model] == [
        ("phaseo", True),
        ("udio", True),
    ]
    assert {place.session.connection.name for place in sweep.compiled.places} == {"phaseo", "udio"}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
        ({"max_jobs": -1}, "max_jobs"),
        ({"budget_usd": float("nan")}, "budget_usd"),
        ({"budget_usd": "2"}, "budget_usd"),
    ],
)
async def test_wrong_orders_are_refused_before_anything_is_sent(gateway, options, word):
    gateway.connect()

    with pytest.raises(nb.ExperimentError, match=word):
        await run(nb.Sweep(prompt=PROMPTS), **options)

    assert gateway.posts == []


async def test_where_nobody_watches_the_final_state_is_drawn_once(gateway, monkeypatch):
    from phaseo_nb.experiments.sweep import live_grid

    drawn = []
    monkeypatch.setattr(live_grid, "_display", lambda bundle, **more: drawn.append(bundle))
    gateway.connect()

    await nb.Sweep(prompt=["Tune <b>", "This one fails"], name="<script>").run()

    (bundle,) = drawn
    assert "1 of 2 kept" in bundle["text/plain"]
    assert "✕ 1 failed" in bundle["text/plain"]
    assert "<script>" not in bundle["text/html"]
    assert "Tune <b>" not in bundle["text/html"]
    assert f"${2 * PRICE:.2f}" in bundle["text/plain"]


async def test_a_live_grid_is_one_display_that_ends_as_it_is_saved(gateway, monkeypatch):
    from phaseo_nb.experiments.sweep import live_grid

    drawn, updates = [], []

    class Handle:
        def update(self, bundle, raw):
            updates.append(bundle)

    def display(bundle, with_handle=False):
        drawn.append(bundle)
        return Handle()

    monkeypatch.setattr(live_grid, "_display", display)
    monkeypatch.setattr(live_grid, "can_watch", lambda: True)
    gateway.connect()

    await nb.Sweep(prompt=PROMPTS).run()

    (first,) = drawn
    assert "not started" in first["text/plain"]
    assert "✓ 6 kept" in updates[-1]["text/plain"]
    assert len(updates) <= 4  # once a second, and once at the end


async def test_a_run_holds_no_more_than_its_window(gateway):
    session = gateway.connect()
    sweep = nb.Sweep(prompt=[f"Tune {n}" for n in range(24)])
    running = asyncio.ensure_future(run(sweep, concurrency=4))
    most = 0
    while not running.done():
        most = max(most, len(session.library.folder.handles))
        await asyncio.sleep(0.002)
    await running
    del running
    gc.collect()

    # By type(): isinstance() would look through a weak proxy of another test, and that may be dead.
    alive = [thing for thing in gc.get_objects() if issubclass(type(thing), (Job, nb.Take))]
    left = [thing for thing in alive if "Tune" in repr(thing)]  # other tests may hold theirs

    assert 1 <= most <= 4
    assert session.library.folder.handles == {}
    assert left == []


def test_other_words_under_a_name_are_named(home):
    """Where both have two prompts, only their number was said, and not which one differs."""
    session = nb.connect("sandbox")
    asyncio.run(run(nb.Sweep(prompt=["a tango", "é" * 200], duration=1, name="told")))

    with pytest.raises(nb.ExperimentError) as failure:
        nb.Sweep(prompt=["a tango", "a fado"], duration=1, name="told", session=session)
    assert 'prompt: 2 values there, 2 values here, such as "a fado" only here' in str(failure.value)
    with pytest.raises(nb.ExperimentError, match=r'such as "é+… only there'):
        nb.Sweep(prompt=["a tango"], duration=1, name="told", session=session)
