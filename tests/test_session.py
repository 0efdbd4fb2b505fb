"""A session buys a request once, keeps what comes, and says what is open."""

from __future__ import annotations

import gc
import inspect

import httpx
import pytest
from wires import KEY, Wire

import phaseo_nb as nb

pytestmark = pytest.mark.usefixtures("quick")

WORDS = {"model": "suno/v4.5", "show": False}


def connect(wire, **more):
    return nb.connect("phaseo", api_key=KEY, transport=wire.transport, **more)


def make(prompt="a waltz", **more):
    return nb.run(nb.generate(prompt, **{**WORDS, **more}))


def test_a_request_becomes_a_take():
    """The take holds request, job, track, cost and the audio that was fetched."""
    wire = Wire()
    connect(wire)

    take = make()

    assert take.request.prompt == "a waltz"
    assert take.job.id == "task_1"
    assert take.track.title == "Tide"
    assert take.track.format == "wav"
    assert take.track.audio()[0].shape == (1, 8000)
    assert take.cost.usd == pytest.approx(0.06)
    assert len(wire.posts) == 1


def test_the_same_request_again_is_free():
    """A kept take is shown again without a request, also after connecting again."""
    wire = Wire()
    connect(wire)
    first = make()

    connect(wire)
    again = make()

    assert again is first
    assert len(wire.posts) == 1


def test_fresh_and_take_buy_another_one():
    """fresh=True buys the next take each time; take=n buys it once."""
    wire = Wire()
    connect(wire)

    numbers = [make().number, make(fresh=True).number, make(take=3).number, make(take=3).number]

    assert numbers == [1, 2, 3, 3]
    assert len(wire.posts) == 3
    assert make().number == 3  # without a number, the newest


def test_a_failed_job_is_not_an_answer():
    """Running the cell again after a failure submits again, and the handle knows what it cost."""
    wire = Wire(gets=[lambda wire: wire.state("failed", result={"data": {"errorMessage": "no"}})])
    session = connect(wire)
    with pytest.raises(nb.JobFailed, match="no"):
        make()

    wire.gets = [Wire.done]
    job = nb.submit("a waltz", **WORDS)

    assert job.result(20).number == 1
    assert job.failed_before.usd == pytest.approx(0.06)
    assert len(wire.posts) == 2
    assert session.open_jobs() == []


def test_an_uncertain_submission_is_never_sent_again_by_itself():
    """After a lost answer the same cell raises again without a request, until fresh=True."""
    wire = Wire(post=lambda _: httpx.ReadTimeout("lost"))
    connect(wire)
    with pytest.raises(nb.UncertainSubmission):
        make()
    with pytest.raises(nb.UncertainSubmission):
        make()
    assert len(wire.posts) == 1

    wire.post = Wire.accepted
    assert make(fresh=True).number == 2
    assert len(wire.posts) == 2


def test_completed_without_audio_is_not_bought_again_by_itself():
    """A job that was paid and brought nothing raises JobFailed until fresh=True."""
    wire = Wire(gets=[lambda wire: wire.state("completed")])
    connect(wire)
    for _ in range(2):
        with pytest.raises(nb.JobFailed, match="without"):
            make()
    assert len(wire.posts) == 1

    wire.gets = [Wire.done]
    assert make(fresh=True).track.title == "Tide"


def test_audio_that_cannot_be_fetched_is_fetched_again_by_the_same_cell():
    """A failed download raises AudioError; running again downloads again and buys nothing."""
    wire = Wire(audio=lambda _: httpx.Response(200, content=b"<html>please log in</html>"))
    connect(wire)
    with pytest.raises(nb.AudioError):
        make()

    wire.audio = Wire.sound
    assert make().track.duration == pytest.approx(1.0)
    assert len(wire.posts) == 1


def test_a_timeout_leaves_the_job_open():
    """After JobTimeout the job is listed as open, and resume() ends it without paying again."""
    wire = Wire(gets=[lambda wire: wire.state("in_progress")])
    session = connect(wire)
    with pytest.raises(nb.JobTimeout, match="task_1"):
        make(timeout=0.2)
    assert [job.id for job in session.open_jobs()] == ["task_1"]

    wire.gets = [Wire.done]
    (job,) = nb.resume(show=False)

    assert job.result(20).job.id == "task_1"
    assert len(wire.posts) == 1
    assert nb.resume(show=False) == []


def test_stop_waiting_leaves_the_job_open():
    """stop_waiting() ends the polling here; the same request joins the job again."""
    wire = Wire(gets=[lambda wire: wire.state("in_progress")])
    connect(wire)
    job = nb.submit("a waltz", **WORDS)
    while not wire.polls:
        nb.run(_turn())

    job.stop_waiting()
    with pytest.raises(nb.JobTimeout, match=r"nb\.resume\(\)"):
        job.result(20)
    wire.gets = [Wire.done]

    assert make().job.id == "task_1"
    assert len(wire.posts) == 1


async def _turn():
    import asyncio

    await asyncio.sleep(0.01)


def test_the_budget_is_kept():
    """What would go over the budget is not sent; what was spent is settled by the answer."""
    wire = Wire()
    session = connect(wire, budget_usd=0.10)
    make()

    with pytest.raises(nb.BudgetExceeded, match=r"\$0\.04"):
        make("another waltz")

    assert len(wire.posts) == 1
    assert session.budget.left == pytest.approx(0.04)


def test_connecting_again_does_not_fill_the_budget_up():
    """A cell that connects is run again with the rest; what was spent stays spent."""
    wire = Wire()
    connect(wire, budget_usd=0.10)
    make()

    assert connect(wire, budget_usd=0.10).budget.left == pytest.approx(0.04)
    with pytest.raises(nb.BudgetExceeded):
        make("another waltz")
    assert len(wire.posts) == 1


def test_the_budget_counts_every_job_however_many_there_were():
    """Amounts stay counted after their jobs are gone from memory."""
    wire = Wire()
    session = connect(wire)

    for number in range(12):
        job = nb.submit(f"waltz number {number}", **WORDS)
        job.result(20)
        del job
        gc.collect()

    assert session.budget.spent == pytest.approx(12 * 0.06)


def test_a_resumed_job_settles_what_was_reserved_for_it():
    """The price set aside for a job is replaced by its cost, also when it was taken up again."""
    wire = Wire(gets=[lambda wire: wire.state("in_progress")])
    wire.post = lambda wire: wire.accepted(cost_nanos=None, cost_cents=None)
    session = connect(wire, budget_usd=1)
    with pytest.raises(nb.JobTimeout):
        make(timeout=0.2)
    assert session.budget.spent == pytest.approx(0.06)

    wire.gets = [lambda wire: wire.done(cost_nanos=20_000_000, cost_cents=2)]
    make()

    assert session.budget.spent == pytest.approx(0.02)


def test_resume_asks_nobody_else_about_a_job():
    """After connecting elsewhere, jobs of the first gateway wait for it and stay open."""
    first = Wire(gets=[lambda wire: wire.state("in_progress")])
    connect(first)
    with pytest.raises(nb.JobTimeout):
        make(timeout=0.2)

    other = Wire()
    connect(other, base_url="https://eu.api.example.org/v1")
    assert nb.resume(show=False) == []
    assert other.polls == []

    first.gets = [Wire.done]
    connect(first)
    (job,) = nb.resume(show=False)
    assert job.result(20).job.id == "task_1"


def test_a_submission_that_broke_in_an_unknown_way_counts_as_uncertain():
    """An error nobody foresaw leaves open what was created: it is not bought again by itself."""
    wire = Wire()
    session = connect(wire, budget_usd=1)

    async def broken(_):
        raise ZeroDivisionError

    session._client.submit = broken
    for _ in range(2):
        with pytest.raises(nb.UncertainSubmission, match="fresh=True"):
            make(session=session)

    assert session.budget.spent == pytest.approx(0.06)


def test_an_unknown_price_needs_consent():
    """With a budget, a model without a known price is refused unless that is allowed."""
    wire = Wire()
    connect(wire, budget_usd=5)
    with pytest.raises(nb.BudgetExceeded, match="allow_unknown_price=True"):
        make(model="newcomer/model-1")
    assert wire.posts == []

    connect(wire, budget_usd=5, allow_unknown_price=True)
    make(model="newcomer/model-1")
    assert len(wire.posts) == 1


def test_what_was_never_created_is_given_back():
    """A refused submission costs nothing and leaves nothing open."""
    wire = Wire(post=lambda _: httpx.Response(402, json={"error": "insufficient_funds"}))
    session = connect(wire, budget_usd=1)

    with pytest.raises(nb.InsufficientFunds):
        make()

    assert session.budget.left == 1
    assert session.open_jobs() == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"duration": -1}, nb.RequestRejected),
        ({"duration": "8"}, nb.RequestRejected),
        ({"duration": float("nan")}, nb.RequestRejected),
        ({"format": "flac"}, nb.RequestRejected),
        ({"prompt": ""}, nb.RequestRejected),
        ({"prompt": 7}, nb.RequestRejected),
        ({"take": 0}, nb.RequestRejected),
        ({"take": True}, nb.RequestRejected),
        ({"take": 2, "fresh": True}, nb.RequestRejected),
        ({"timeout": -1}, nb.RequestRejected),
        ({"timeout": float("nan")}, nb.RequestRejected),
        ({"suno": {"styleWeight": 2}}, nb.RequestRejected),
        ({"suno": "loud"}, nb.RequestRejected),
        ({"voice": "alto"}, nb.RequestRejected),
        ({"model": " "}, nb.RequestRejected),
        ({"model": None}, nb.SettingsError),
        ({"request": "a waltz"}, nb.RequestRejected),
    ],
    ids=repr,
)
def test_bad_input_never_reaches_the_network(words, error):
    """Whatever is wrong with a request is refused before anything is sent."""
    wire = Wire()
    session = connect(wire)

    with pytest.raises(error) as caught:
        make(**{"prompt": "a waltz", **words})

    assert str(caught.value)
    assert wire.posts == wire.polls == []
    assert session.open_jobs() == []


def test_a_ready_request_goes_as_it_is():
    """request= sends a ready MusicRequest; words beside it are refused."""
    wire = Wire()
    connect(wire)
    request = nb.MusicRequest(model="suno/v5", prompt="slow harp")

    make(None, request=request, model=None)

    assert wire.posts == [{"model": "suno/v5", "prompt": "slow harp"}]
    with pytest.raises(nb.RequestRejected, match="not both"):
        make("words too", request=request, model=None)


def test_the_other_services_request_is_refused():
    """A UdioRequest does not fit the Phaseo wire and is refused before it is sent."""
    wire = Wire()
    connect(wire)

    with pytest.raises(nb.RequestRejected, match="MusicRequest"):
        make(None, request=nb.UdioRequest(prompt="slow harp"), model=None)
    assert wire.posts == []


def test_without_a_key_the_sandbox_is_used_and_said(capsys):
    """connect() without any key is the sandbox, and the session says so."""
    session = nb.connect()

    assert session.is_sandbox
    assert session.gateway == "sandbox"
    assert "sandbox" in repr(session)


@pytest.mark.parametrize(
    ("environment", "gateway"),
    [
        ({"PHASEO_API_KEY": KEY}, "phaseo"),
        ({"UDIOAPI_KEY": "udio-key-123456"}, "udio"),
        ({"PHASEO_API_KEY": KEY, "UDIOAPI_KEY": "udio-key-123456"}, "phaseo"),
    ],
)
def test_auto_follows_the_keys(monkeypatch, environment, gateway):
    """connect() takes the first service there is a key for, and never shows the key."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    session = nb.connect()

    assert session.gateway == gateway
    assert not any(value in repr(session) for value in environment.values())
    assert not any(value in str(vars(session)) for value in environment.values())


def test_marking_mode_overrides_code(monkeypatch):
    """PHASEO_NB_MODE=sandbox turns any gateway into the sandbox, and reads no key."""
    monkeypatch.setenv("PHASEO_NB_MODE", "sandbox")
    wire = Wire()

    session = connect(wire)

    assert session.is_sandbox
    assert make(model="suno/v4.5").track.sandbox
    assert wire.posts == []


def test_what_is_not_there_yet_is_refused():
    """An argument that this version cannot honour is refused, not ignored."""
    with pytest.raises(nb.SettingsError, match="callbacks"):
        nb.connect("sandbox", callbacks="https://my.host")


def test_submit_knows_the_words_of_generate():
    """submit() refuses a word that generate() does not know, as a call would."""
    nb.connect("sandbox")

    with pytest.raises(TypeError, match="bpm"):
        nb.submit("a waltz", bpm=120)


def test_the_signature_is_the_promised_one():
    """generate() takes the words that design and lessons promise, all by keyword."""
    names = list(inspect.signature(nb.generate).parameters)

    words = "prompt model duration format lyrics style title instrumental negative voice suno"
    more = "elevenlabs minimax provider routing debug echo_upstream_request request take fresh"
    assert " ".join(names) == f"{words} {more} timeout show session"


def test_what_comes_inside_an_answer_and_is_no_audio_is_kept_and_said(tmp_path):
    """It was paid for and may not be had again, so it is not thrown away; nor passed for music."""
    answer = {
        "object": "music",
        "id": "m8",
        "status": "completed",
        "provider": "suno",
        "output": [{"index": 0, "audio_url": "data:audio/mp3;base64,AAAA"}],
    }
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    session = nb.connect("phaseo", api_key=KEY, transport=transport, library=tmp_path)
    take = nb.run(nb.generate("a tune", model="suno/v4.5", show=False, session=session))

    (note,) = [note for note in take.notes if "no audio" in note]
    assert "3 bytes, which begin 00 00 00" in note
    assert take.track.data == bytes(3)
    (kept,) = session.library.recent()
    assert note in kept.notes
