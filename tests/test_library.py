"""What was made is kept: found again, shown for free, with what it cost and how it came about."""

from __future__ import annotations

import base64
import json
import math
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from journals import rows
from wires import KEY, Wire, sine_wav

import phaseo_nb as nb
from phaseo_nb.session import carrying

pytestmark = pytest.mark.usefixtures("quick")

WORDS = {"model": "suno/v4.5", "show": False}


def connect(wire, **more):
    return nb.connect("phaseo", api_key=KEY, transport=wire.transport, **more)


def make(prompt="a waltz", **more):
    return nb.run(nb.generate(prompt, **{**WORDS, **more}))


def forget():
    """Close the library, as the end of a kernel would; what is used next is read from disk."""
    nb.library().close()


def minimax(wire):
    """MiniMax's way: the music is in the answer to the order, and never to be had again."""
    audio = base64.b64encode(sine_wav()).decode()
    return wire.accepted("queued", provider="minimax", audio_base64=audio)


def test_a_take_is_there_after_everything_was_closed():
    """Request, facts, cost, audio and opinions of a take come back from the disk."""
    wire = Wire()
    connect(wire)
    take = make(duration=3)
    take.rating, take.note, take.tags = 4, "nice brushes", ["demo", "slow"]
    before = take.track.recording
    forget()

    (again,) = nb.library().recent()

    assert again is not take
    assert again.request == take.request
    assert again.created_at == take.created_at
    assert (again.rating, again.note, again.tags) == (4, "nice brushes", ("demo", "slow"))
    assert again.job == take.job.replace(raw=again.job.raw, tracks=again.job.tracks)
    assert again.cost.usd == pytest.approx(0.06)
    assert again.track.recording == before == sine_wav()
    assert again.track.path.is_relative_to(nb.library().path)
    assert again.track.title == "Tide"


def test_the_same_cell_after_everything_was_closed_costs_nothing():
    """A request whose take is on disk is shown from there, and nothing is sent."""
    wire = Wire()
    connect(wire)
    make()
    forget()
    connect(wire)

    job = nb.submit("a waltz", **WORDS)

    assert job.result(20).track.recording == sine_wav()
    assert job.was_kept
    assert len(wire.posts) == 1
    assert wire.downloads == 1


def test_audio_that_was_lost_on_disk_is_fetched_again():
    """A kept take whose file is gone is mended by its cell, without paying again."""
    wire = Wire()
    connect(wire)
    path = make().track.path
    path.unlink()
    forget()
    connect(wire)

    take = make()

    assert take.track.recording == sine_wav()
    assert len(wire.posts) == 1
    assert wire.downloads == 2


def test_audio_that_was_changed_on_disk_is_not_passed_off_as_kept():
    """Whatever is read is compared with what was kept."""
    connect(Wire())
    track = make().track
    track.path.write_bytes(sine_wav()[:-2] + b"\x00\x01")

    with pytest.raises(nb.AudioError, match="no longer what was kept"):
        track.audio()


def test_audio_that_came_with_the_order_is_kept_at_once():
    """Audio in a POST answer is on disk before anything else happens."""
    wire = Wire(post=minimax, gets=[lambda _: httpx.Response(404, json={"error": "not_found"})])
    connect(wire)

    take = make(model="minimax/music-2.6", lyrics="la la")

    assert take.track.recording == sine_wav()
    assert wire.polls == []
    forget()
    assert nb.library().recent()[0].track.recording == sine_wav()


def test_an_answer_with_audio_survives_its_kernel(monkeypatch):
    """An order that was answered with its audio is finished later from what was kept of it."""
    wire = Wire(post=minimax, gets=[lambda _: httpx.Response(404, json={"error": "not_found"})])
    connect(wire)

    async def dies(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(carrying.Carrier, "_wait", dies)
        with pytest.raises(ZeroDivisionError):
            make(model="minimax/music-2.6", lyrics="la la")
    forget()
    connect(wire)
    assert [attempt.state for attempt in nb.library().unfinished()] == ["expired"]

    (job,) = nb.resume(show=False)

    assert job.result(20).track.recording == sine_wav()
    assert len(wire.posts) == 1


def test_a_job_is_asked_for_by_id_and_then_by_request_id():
    """Lyria's jobs are only known under the request id; also after everything was closed."""

    def by_request_id(wire):
        name = wire.polls[-1].rsplit("/", 1)[-1]
        return Wire.done(wire) if name == "G-1" else httpx.Response(404, json={"error": "x"})

    wire = Wire(gets=[lambda wire: httpx.Response(503)])
    connect(wire)
    with pytest.raises(nb.JobTimeout):
        make(model="google/lyria-3-clip-preview", timeout=0.3)
    forget()
    wire.gets = [by_request_id]
    connect(wire)

    (job,) = nb.resume(show=False)

    assert job.result(20).track.recording == sine_wav()
    assert [path.rsplit("/", 1)[-1] for path in wire.polls[-2:]] == ["task_1", "G-1"]


def test_an_expired_address_is_asked_for_anew_once():
    """A signed address that has expired costs one more question, not another order."""
    answers = [httpx.Response(403), httpx.Response(200, content=sine_wav())]
    wire = Wire(audio=lambda _: answers.pop(0))
    connect(wire)

    assert make().track.recording == sine_wav()
    assert wire.downloads == 2
    assert len(wire.posts) == 1


def test_an_address_that_stays_expired_has_an_end():
    """Without a way to the audio the take stays unfinished, is listed, and can be written off."""
    wire = Wire(audio=lambda _: httpx.Response(403))
    connect(wire)
    with pytest.raises(nb.AudioError):
        make()

    (attempt,) = nb.library().unfinished()
    assert attempt.state == "completed"
    attempt.write_off()

    assert not nb.library().unfinished()
    wire.audio = Wire.sound
    assert make().number == 1
    assert len(wire.posts) == 2


def test_queued_for_ever_ends_as_expired():
    """A job that never moves ends the wait, stays listed, and is not bought again."""
    wire = Wire(gets=[lambda wire: wire.state("queued")])
    connect(wire)
    for _ in range(2):
        with pytest.raises(nb.JobTimeout):
            make(timeout=0.3)

    assert [(a.state, a.id) for a in nb.library().unfinished()] == [("expired", "task_1")]
    assert len(wire.posts) == 1


# -- in doubt ------------------------------------------------------------------------------------


def lost_answer(wire=None, **more):
    wire = wire or Wire(post=lambda _: httpx.ReadTimeout("lost"))
    session = connect(wire, **more)
    with pytest.raises(nb.UncertainSubmission):
        make()
    return wire, session


def test_a_lost_answer_is_listed_with_prompt_time_and_price():
    """What nobody knows the end of is in the list, also after everything was closed."""
    before = time.time()
    lost_answer()
    forget()

    (attempt,) = nb.library().uncertain()

    assert attempt.prompt == "a waltz"
    assert before - 1 <= attempt.created_at.timestamp() <= time.time() + 1
    assert attempt.price.usd == pytest.approx(0.06)
    assert "no clear answer" in attempt.known
    assert attempt.request.to_wire()["prompt"] == "a waltz"


def test_the_error_of_a_lost_answer_is_the_same_after_everything_was_closed():
    """The same cell raises again from the disk, says what is known, and sends nothing."""
    wire, _ = lost_answer()
    forget()
    connect(wire)

    with pytest.raises(nb.UncertainSubmission, match=r"uncertain\(\).*fresh=True") as caught:
        make()

    assert caught.value.price.usd == pytest.approx(0.06)
    assert caught.value.request.to_wire()["prompt"] == "a waltz"
    assert len(wire.posts) == 1


def test_without_a_name_there_is_nothing_to_look_for():
    """Where no answer came at all, looking again says so and what to do instead."""
    lost_answer()

    with pytest.raises(nb.LibraryError, match="no name"):
        nb.library().uncertain()[0].look_again()


def test_looking_again_finds_a_job_by_its_request_id():
    """An answer that named only the request is enough to find the job and keep its take."""
    lost = {"error": "gateway_error", "generation_id": "G-7", "status_code": 500}
    wire = Wire(post=lambda _: httpx.Response(500, json=lost))
    lost_answer(wire)
    (attempt,) = nb.library().uncertain()
    assert attempt.request_id == "G-7"

    take = attempt.look_again().result(20)

    assert take.track.recording == sine_wav()
    assert wire.polls[0].endswith("/G-7")
    assert len(wire.posts) == 1
    assert not nb.library().uncertain()
    assert make() is take


def test_looking_again_in_vain_changes_nothing():
    """A gateway that knows nothing is no proof: the request stays in doubt."""
    lost = {"error": "gateway_error", "generation_id": "G-7", "status_code": 500}
    unknown = httpx.Response(404, json={"error": "not_found"})
    wire = Wire(post=lambda _: httpx.Response(500, json=lost), gets=[lambda _: unknown])
    lost_answer(wire)

    with pytest.raises(nb.JobNotFound):
        nb.library().uncertain()[0].look_again().result(20)

    assert [a.state for a in nb.library().uncertain()] == ["uncertain"]


def test_submitting_again_pays_once_more_and_writes_the_first_off():
    """Both attempts count as spent; the new one takes the place of the one in doubt."""
    wire, session = lost_answer()
    wire.post = Wire.accepted
    (attempt,) = nb.library().uncertain()

    take = attempt.submit_again().result(20)

    assert take.number == 1
    assert len(wire.posts) == 2
    assert not nb.library().uncertain()
    assert session.budget.spent == pytest.approx(0.12)


def test_submitting_again_twice_at_once_pays_once():
    """Two lists of the same question, acted upon in the same moment, send one order."""
    wire, _ = lost_answer()
    wire.post = Wire.accepted
    attempts = [nb.library().uncertain()[0] for _ in range(2)]
    together = threading.Barrier(2)

    def again(attempt):
        together.wait(5)
        try:
            return attempt.submit_again().result(20).number
        except nb.LibraryError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(again, attempts))

    assert 1 in outcomes
    assert any("settled" in str(outcome) for outcome in outcomes)
    assert len(wire.posts) == 2


@pytest.mark.parametrize(("usd", "spent"), [(None, 0.06), (0, 0.0), (0.05, 0.05)])
def test_writing_off_settles_what_it_cost(usd, spent):
    """Whoever looked at the account says what it cost; the request counts as not made."""
    wire, session = lost_answer()

    nb.library().uncertain()[0].write_off(usd)

    assert session.budget.spent == pytest.approx(spent)
    wire.post = Wire.accepted
    assert make().number == 1


def test_what_is_settled_cannot_be_settled_twice():
    """An old list in another cell does not submit or write off what is settled already."""
    wire, _ = lost_answer()
    (attempt,) = nb.library().uncertain()
    attempt.write_off()

    for action in (attempt.submit_again, attempt.write_off, attempt.look_again):
        with pytest.raises(nb.LibraryError, match="settled"):
            action()
    assert len(wire.posts) == 1


def test_a_budget_stops_submitting_again_and_leaves_the_doubt():
    """What does not fit is neither sent nor written off."""
    wire, _ = lost_answer(budget_usd=0.06)

    with pytest.raises(nb.BudgetExceeded):
        nb.library().uncertain()[0].submit_again()

    assert len(nb.library().uncertain()) == 1
    assert len(wire.posts) == 1


def test_actions_need_the_gateway_that_knows():
    """A kernel that is connected elsewhere says where to connect first."""
    lost = {"error": "gateway_error", "generation_id": "G-7", "status_code": 500}
    lost_answer(Wire(post=lambda _: httpx.Response(500, json=lost)))
    library = nb.library()
    library.folder.agents.clear()

    with pytest.raises(nb.SettingsError, match=r"nb\.connect\('phaseo'\)"):
        library.uncertain()[0].look_again()


# -- waiting for a turn --------------------------------------------------------------------------


def test_what_was_not_sent_yet_is_given_up_for_free():
    """A job that is stopped while it waits for its turn is never sent, and costs nothing."""
    wire = Wire()
    session = connect(wire, budget_usd=5)
    gate = nb.run(_closed_gate(session))
    job = nb.submit("a waltz", **WORDS)
    nb.run(_turns())
    assert (job.status, wire.posts) == ("planned", [])

    job.stop_waiting()
    nb.run(_open(gate))

    with pytest.raises(nb.JobTimeout, match="nothing was paid"):
        job.result(20)
    assert wire.posts == []
    assert session.budget.spent == 0
    assert not nb.library().unfinished()
    assert make().number == 1


async def _closed_gate(session):
    gate = session._client._transport.pool().gate
    for _ in range(8):
        await gate.acquire()
    return gate


async def _open(gate):
    for _ in range(8):
        gate.release()


async def _turns():
    import asyncio

    for _ in range(20):
        await asyncio.sleep(0.01)


# -- cost ----------------------------------------------------------------------------------------


def test_a_take_has_its_bill_line_by_line():
    """The cost of a take is what the answer said, with every line of it."""
    line = {"dimension": "requests", "quantity": 1, "unit_price_usd": "0.060000000"}
    line |= {"line_nanos": 60_000_000, "line_cost_usd": "0.060000000"}
    breakdown = {"total_nanos": 60_000_000, "currency": "USD", "lines": [line]}
    wire = Wire(post=lambda w: w.accepted(usage={"pricing_breakdown": breakdown}))
    connect(wire)
    make()
    forget()

    cost = nb.library().recent()[0].cost

    assert cost.usd == pytest.approx(0.06)
    assert cost.lines == (nb.CostLine("requests", 1, 0.06, 0.06),)
    assert not cost.is_estimate


@pytest.mark.parametrize(
    ("answer", "usd"),
    [
        ({"ok": True, "pricing": {"total_nanos": 123_000_000, "currency": "USD"}}, 0.123),
        ({"ok": False, "error": "pricing_not_found"}, 0.06),
    ],
    ids=["live", "built-in"],
)
def test_an_estimate_is_live_where_it_can_be(answer, usd):
    """estimate() asks the gateway, and falls back to the dated list."""

    def handle(request):
        status = 200 if answer["ok"] else 404
        assert request.url.path == "/v1/pricing/calculate"
        return httpx.Response(status, json=answer)

    client = nb.MusicClient("phaseo", api_key=KEY, transport=httpx.MockTransport(handle))

    cost = nb.run(client.estimate("a waltz", model="suno/v4.5"))

    assert cost == nb.Cost(usd=pytest.approx(usd), is_estimate=True)


def test_an_unknown_price_is_unknown():
    """A model that nobody has priced costs None, never 0."""
    away = httpx.MockTransport(lambda _: httpx.Response(404, json={"ok": False}))
    client = nb.MusicClient("phaseo", api_key=KEY, transport=away)

    cost = nb.run(client.estimate("a waltz", model="newcomer/model-1"))

    assert cost.usd is None
    assert str(cost) == "price unknown"


# -- hostile answers -----------------------------------------------------------------------------


HOSTILE = {
    "index": 0,
    "id": "../../etc/passwd",
    "audio_url": "https://cdn.example.org/track.wav",
    "title": "<img src=x onerror=alert(1)>\x00\ud800 ../x\u202e",
    "tags": "'; DROP TABLE takes; --",
    "duration": "NaN",
}


def test_hostile_words_are_kept_as_words():
    """Ids with slashes, NULs, halves of signs and NaN are stored safely and come back as text."""

    def done(wire):
        body = json.dumps({"id": wire.polls[-1], "status": "completed", "output": [HOSTILE]})
        return httpx.Response(200, content=body.replace('"NaN"', "NaN"))

    wire = Wire(post=lambda w: w.accepted(id="../..%2f/task\x00'--"), gets=[done])
    connect(wire)
    make("a waltz '\x00 \u202e ../..")
    forget()

    take = nb.library().recent()[0]

    assert take.track.id == "../../etc/passwd"
    assert take.track.duration is None
    assert math.isclose(take.track.seconds, 1.0, abs_tol=0.01)
    assert "<img" in take.track.title
    assert "<img src=x" not in take._repr_html_()
    assert take.track.path.is_relative_to(nb.library().path)
    assert len(nb.library().search("waltz")) == 1


def test_a_hundred_thousand_tracks_in_one_answer_do_no_harm():
    """What is beyond sense is cut and said; the rest is kept."""
    item = {"audio_url": "https://cdn.example.org/track.wav", "title": "Tide"}
    body = {"id": "task_1", "status": "completed"}
    many = [{**item, "index": n, "id": f"c{n}"} for n in range(100_000)]
    wire = Wire(gets=[lambda _: httpx.Response(200, json={**body, "output": many})])
    connect(wire)

    take = make()

    assert len(take.tracks) == 64
    assert any("100,000" in note for note in take.notes)
    assert wire.downloads == 64
    assert len(list(nb.library().path.glob("audio/*/*"))) == 1  # the same sound, once
    assert nb.library().disk_use().journal_bytes < 2_000_000


@pytest.mark.parametrize("value", [0, 6, 2.5, True, "5", math.nan], ids=repr)
def test_a_rating_is_one_to_five(value):
    """What is no rating is refused and changes nothing."""
    connect(Wire())
    take = make()
    take.rating = 3

    with pytest.raises(ValueError, match="1 to 5"):
        take.rating = value

    forget()
    assert nb.library().recent()[0].rating == 3


def test_get_finds_by_either_name():
    """A take is found by its own id and by the gateway's id of its job; others are refused."""
    connect(Wire())
    take = make()

    assert nb.library().get(take.id) is take
    assert nb.library().get("task_1") is take
    with pytest.raises(nb.LibraryError, match="no take and no job"):
        nb.library().get("task_2")


def test_a_library_of_ones_own(tmp_path):
    """connect(library=…) keeps everything there, and the default library stays empty."""
    connect(Wire(), library=tmp_path / "mine")
    make()

    assert len(nb.library().recent()) == 1
    assert nb.library().path == (tmp_path / "mine").resolve()
    assert nb.Library().recent() == []


@pytest.mark.of_sqlite
def test_a_library_that_moved_still_plays(tmp_path):
    """Paths inside a library are relative: the folder can be copied elsewhere."""
    import shutil

    connect(Wire(), library=tmp_path / "here")
    make()
    forget()
    shutil.move(tmp_path / "here", tmp_path / "there")

    (take,) = nb.Library(tmp_path / "there").recent()

    assert take.track.recording == sine_wav()


def test_the_journal_can_be_read_without_us():
    """Facts stand in plain columns: what was paid is not locked in."""
    connect(Wire())
    make()
    path = nb.library().path
    forget()

    (row,) = rows(path, "SELECT state, prompt, model, job_id, cost_usd FROM takes")

    assert row == ("kept", "a waltz", "suno/v4.5", "task_1", pytest.approx(0.06))


def test_what_is_sent_is_what_was_asked_for():
    """A callback address goes out with the order, though it is not kept with it."""
    wire = Wire()
    connect(wire)
    options = {"callBackUrl": "https://hooks.example.org/?token=abc"}

    take = make(suno=options)

    assert wire.posts[0]["suno"] == options
    assert "hooks.example.org" not in json.dumps(take.request.to_wire())


# -- ends of programs and of libraries -------------------------------------------------------------

ENDING = """
import sys, time
import phaseo_nb as nb
nb.connect("sandbox")
job = nb.submit("slow harp", duration=2)
while {wait} and not job.is_sent:
    time.sleep(0.001)
"""


@pytest.mark.parametrize("wait", [True, False], ids=["sent", "at once"])
@pytest.mark.of_sqlite
def test_a_program_that_ends_after_submit_loses_nothing(wait):
    """An order on the wire comes to its answer before the end; one that was not sent is said."""
    script = [sys.executable, "-c", ENDING.format(wait=wait)]

    out = subprocess.run(script, capture_output=True, text=True, timeout=60)

    assert out.returncode == 0, out.stderr
    library = nb.Library()
    states = [attempt.state for attempt in library.unfinished()]
    assert library.uncertain() == []
    if wait or "before 1 order went out" not in out.stderr:
        assert states == ["submitted"]
    else:
        assert states == []


def test_a_take_in_hand_outlives_its_library():
    """What is said about a take after the library was closed is kept all the same."""
    connect(Wire())
    take = make()
    forget()

    take.rating = 4

    forget()
    assert nb.library().recent()[0].rating == 4


@pytest.mark.parametrize("folder", ["", "  ", 42], ids=repr)
def test_what_is_no_folder_is_refused(folder):
    """An empty name would be the folder one happens to be in."""
    with pytest.raises(nb.LibraryError, match="no folder"):
        connect(Wire(), library=folder)


def test_a_job_that_the_service_forgot_has_a_way_out():
    """A job that nobody knows any more says so and names the line that closes it."""
    wire = Wire(gets=[lambda _: httpx.Response(404, json={"error": "not_found"})])
    connect(wire)
    with pytest.raises(nb.JobNotFound, match=r"write_off\(\)"):
        make()

    (attempt,) = nb.library().unfinished()
    assert "did not know it" in repr(nb.library().unfinished())
    attempt.write_off()

    assert nb.library().unfinished() == []


def test_a_job_that_the_service_knows_again_is_at_the_service():
    """What was said of a job that was unknown once does not outlive the next look."""
    wire = Wire(gets=[lambda _: httpx.Response(404, json={"error": "not_found"})])
    connect(wire)
    with pytest.raises(nb.JobNotFound):
        make()
    wire.gets = [lambda wire: wire.state("in_progress")]

    with pytest.raises(nb.JobTimeout):
        make(timeout=0.3)

    assert "did not know it" not in repr(nb.library().unfinished())


def test_what_is_free_fits_into_any_budget():
    """A budget that is used up does not stop a request that costs nothing."""
    connect(Wire())
    make()
    nb.library().set_budget(0.01)

    nb.connect("sandbox", transport=nb.Sandbox(speed=50).transport)

    assert make("a hum", model="sandbox/band", duration=1).track.seconds > 0.9
