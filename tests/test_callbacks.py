"""Callbacks from the order to the take: whatever arrives, and however, the end is the same."""

from __future__ import annotations

import hashlib
import json

import httpx
import pytest
from journals import rows
from paid_service import until

import phaseo_nb as nb
from phaseo_nb.callbacks import Spool
from phaseo_nb.sandbox import callbacks, delayed, dropped, failed, feed_silent

PUBLIC = "https://music.example.org/hooks"
PROMPT = "a slow harbour waltz"


class Counting(httpx.AsyncBaseTransport):
    """Passes everything on to the sandbox, and remembers what was sent."""

    is_phaseo_nb_sandbox = True

    def __init__(self, inner):
        self._inner = inner
        self.orders = []
        self.polls = []

    async def handle_async_request(self, request):
        if request.url.path.endswith("/feed"):
            self.polls.append(request.url.path)
        elif request.method == "POST":
            self.orders.append((request.url.path, json.loads(request.content)))
        return await self._inner.handle_async_request(request)


class Service:
    """A sandbox that reports to a listener of this process, and a session with it."""

    def __init__(self, door, *outcomes, speed=4.0):
        self.box = nb.Sandbox(speed=speed, seed=7, hosts={PUBLIC: door.url})
        if outcomes:
            self.box.script(None, *outcomes)
        self.wire = Counting(self.box.transport)
        self.connect()

    def connect(self, **more):
        self.session = nb.connect("udio", transport=self.wire, callbacks=PUBLIC, **more)

    def submit(self, prompt=PROMPT, **more):
        return nb.submit(prompt, show=False, session=self.session, **more)

    def generate(self, prompt=PROMPT, **more):
        return self.submit(prompt, **more).result(30)


@pytest.fixture
def door():
    with nb.callback_listener() as listener:
        yield listener


@pytest.fixture
def serve(door):
    def start(*outcomes, **more):
        return Service(door, *outcomes, **more)

    return start


def heard(take):
    """What there is to hear, and what it is called."""
    return [(track.title, hashlib.sha256(track.data or b"").hexdigest()) for track in take.tracks]


def test_an_order_carries_an_address_and_is_asked_about_twice_at_most(serve):
    """It goes to /api/generate with an address below the base; the end costs few questions."""
    service = serve()
    service.generate("another one, which proves that callbacks arrive")
    service.wire.polls.clear()

    take = service.generate()

    path, body = service.wire.orders[-1]
    base, _, token = body["callback_url"].rpartition("/")
    assert (path, base) == ("/api/generate", PUBLIC)
    assert len(token) >= 43  # 256 bits, six in a letter
    assert len(service.wire.polls) <= 2
    assert len(take.tracks) == 2
    assert not take.job.is_unverified
    assert take.request.callback_url is None


def test_each_job_has_a_token_of_its_own(serve):
    """No two addresses are the same."""
    service = serve()
    service.generate()
    service.generate("a fast one")

    first, second = (body["callback_url"] for _, body in service.wire.orders)
    assert first != second


def test_a_token_is_written_nowhere(serve, home):
    """Not in the journal, the spool, the store or a repr: only its hash is kept."""
    service = serve(speed=1.0)
    job = service.submit()
    until(lambda: job.heard is not None, "the first callback")
    ((_, body),) = service.wire.orders
    token = body["callback_url"].rpartition("/")[2]
    sha256 = hashlib.sha256(token.encode()).hexdigest()
    assert rows(home, "SELECT sha256 FROM callbacks") == [(sha256,)]
    assert Spool().knows(sha256)
    texts = [repr(job), repr(service.session), repr(service.box.deliveries)]
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files
    assert not any(token in text for text in texts)
    assert not any(token.encode() in path.read_bytes() for path in files)
    assert not any(token in str(path) for path in files)
    job.result(30)


def test_an_address_is_closed_when_its_job_is_over(serve):
    """What still comes afterwards is unknown, and what came is gone."""
    service = serve()
    service.generate()
    token = service.wire.orders[0][1]["callback_url"].rpartition("/")[2]
    sha256 = hashlib.sha256(token.encode()).hexdigest()

    until(lambda: not Spool().knows(sha256), "the address to be closed")
    until(lambda: not Spool().arrivals(sha256), "what came to be gone")


STORIES = {
    "lost": callbacks(lost="all"),
    "the end is lost": callbacks(lost="complete"),
    "late": callbacks(late=1.0),
    "doubled": callbacks(duplicated=3),
    "the end first": callbacks(reordered=True),
    "forged": callbacks(forged=True),
    "before the answer": callbacks(early=True),
    "everything": callbacks(duplicated=2, reordered=True, forged=True, early=True),
}


@pytest.fixture(scope="module")
def as_told(short_songs):
    """What comes of the request where nobody reports anything, by the client alone."""

    async def make():
        async with nb.Sandbox(speed=20, seed=7).client("udio", model="chirp-v4-5") as client:
            job = await client.wait(await client.submit(PROMPT))
            return [(t.title, await client.download(t, job=job)) for t in job.tracks]

    return [(title, hashlib.sha256(data).hexdigest()) for title, data in nb.run(make())]


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_however_callbacks_fare_the_take_is_the_same(serve, as_told, story, monkeypatch):
    """Lost, late, doubled, disordered, forged, too early: the same tracks as by asking alone."""
    monkeypatch.setattr("phaseo_nb.client.hints.QUIET", 1.0)  # half a minute, for who has time
    service = serve(story)

    take = service.generate()

    assert heard(take) == as_told
    assert not take.job.is_unverified
    assert len(service.wire.orders) == 1


def test_callbacks_that_never_come_cost_no_time(serve, caplog):
    """A door that leads nowhere: the service is asked as usual from the start, and that is said."""
    service = serve(callbacks(lost="all"), speed=1.0)

    job = service.submit()
    job.result(30)

    assert job.elapsed < 10
    assert "do not arrive" in caplog.text


def test_forged_words_never_reach_a_take(serve):
    """Titles and addresses of a forged callback are nowhere in what is kept."""
    service = serve(callbacks(forged=True))

    take = service.generate()

    kept = repr(take.job.raw) + repr(take.job.tracks) + take._repr_html_()
    assert "<script" not in kept
    assert all(track.audio_url.startswith("https://sandbox.") for track in take.tracks)


def test_a_silent_feed_leaves_the_callbacks_word_marked(serve):
    """Where the feed knows nothing of the job, the callback's tracks are kept as unverified."""
    service = serve(feed_silent())

    take = service.generate()

    assert take.job.is_unverified
    assert any("unverified" in note for note in take.notes)
    assert len(take.tracks) == 2
    assert all(track.data for track in take.tracks)
    again = nb.library().get(take.id)
    assert again.job.is_unverified


def test_a_failure_is_believed_from_the_feed_only(serve):
    """A job that fails ends in the feed's own reason."""
    service = serve(failed("This song violates Suno's content moderation policy"))

    with pytest.raises(nb.JobFailed, match="content moderation policy") as caught:
        service.generate()

    assert not caught.value.job.is_unverified


def test_the_stages_are_told_as_they_come(serve):
    """Whoever looks on hears the text from the callback, unverified, before the feed says it."""
    service = serve(delayed(4.0), speed=4.0)
    service.session._callbacks.way.is_proven = True
    seen = []
    job = service.submit()
    job.subscribe(
        lambda job: seen.append((job.heard and job.heard.stage, job.answer and job.answer.stage))
    )
    job.result(30)

    assert ("text", "new") in seen
    assert next(stage for stage, _ in seen if stage) == "text"
    assert job.heard.is_unverified


def test_a_job_in_doubt_is_found_by_what_was_reported(serve):
    """The answer was lost, so no name is known; its callbacks prove it, and bring the take."""
    service = serve(dropped("submit"))

    with pytest.raises(nb.UncertainSubmission):
        service.generate()
    (attempt,) = nb.library().uncertain()
    sha256 = nb.library().folder.journal.callback_of(attempt._entry.n)
    until(lambda: len(Spool().arrivals(sha256)) >= 3, "all callbacks")
    take = attempt.look_again().result(30)

    assert take.job.is_unverified
    assert len(take.tracks) == 2
    assert len(service.wire.orders) == 1
    assert list(nb.library().uncertain()) == []


def test_a_job_in_doubt_that_is_still_made_says_so(serve):
    """Before its end only that it exists is known; nothing is bought, nothing is lost."""
    service = serve(dropped("submit"), delayed(3600))
    service.box.script(None, dropped("submit"), delayed(3600), callbacks(early=True))

    with pytest.raises(nb.UncertainSubmission):
        service.generate()
    (attempt,) = nb.library().uncertain()
    with pytest.raises(nb.UncertainSubmission, match="the job exists"):
        attempt.look_again().result(30)

    (attempt,) = nb.library().uncertain()
    assert "callback" in attempt.known


def test_after_a_restart_what_came_meanwhile_counts(serve):
    """Nobody waits any more; the callbacks lie on disk, and the one who resumes asks once."""
    service = serve(delayed(4.0), speed=4.0)
    job = service.submit()
    until(lambda: job.id is not None, "the answer")
    job.stop_waiting()
    with pytest.raises(nb.JobTimeout):
        job.result(30)
    sha256 = job.callback
    until(lambda: len(Spool().arrivals(sha256)) >= 3, "all callbacks")
    service.wire.polls.clear()
    nb.library().close()
    service.connect()

    (again,) = nb.resume(show=False)
    take = again.result(30)

    assert len(take.tracks) == 2
    assert len(service.wire.polls) == 1


def test_a_folder_that_cannot_be_written_costs_a_hint_only(serve, home, caplog):
    """Without a spool there is no address, and the service is asked as usual."""
    home.mkdir()
    (home / "callbacks").write_text("in the way")
    service = serve()

    take = service.generate()

    assert len(take.tracks) == 2
    assert "callback_url" not in service.wire.orders[0][1]
    assert "polled instead" in caplog.text


@pytest.mark.parametrize(
    "base",
    [
        "http://127.0.0.1:8000",
        "https://localhost/x",
        "https://10.0.0.1/x",
        "ftp://my.host",
        "https://my.host/hub?token=abc",
        "https://me:secret@my.host/",
        "my.host",
        "",
        " ",
    ],
)
def test_addresses_that_cannot_work_are_refused(base, monkeypatch):
    """What the service could not reach, or would give a login away, is refused at once."""
    if not base.strip():
        monkeypatch.setenv("PHASEO_NB_CALLBACK_BASE", "https://localhost")
    with pytest.raises(nb.SettingsError) as caught:
        nb.connect("udio", transport=nb.Sandbox().transport, callbacks=base)

    assert "secret" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_a_gateway_without_callbacks_says_so():
    """Only udioapi.pro reports."""
    with pytest.raises(nb.SettingsError, match=r"udioapi\.pro"):
        nb.connect("sandbox", callbacks=PUBLIC)


def test_the_environment_names_the_address_for_all(monkeypatch):
    """PHASEO_NB_CALLBACK_BASE counts where no argument is given, for udio alone."""
    monkeypatch.setenv("PHASEO_NB_CALLBACK_BASE", PUBLIC + "/")

    assert nb.connect("udio", transport=nb.Sandbox().transport).callbacks == PUBLIC
    assert nb.connect("sandbox").callbacks is None


def test_without_an_address_it_is_said_once(caplog, monkeypatch):
    """The first connection says that the service is asked, and how to change that."""
    from phaseo_nb import connecting

    monkeypatch.setattr(connecting, "_told_of_polling", set())
    for _ in range(2):
        nb.connect("udio", transport=nb.Sandbox().transport)

    assert caplog.text.count("asked every 5 s") == 1
    assert "callbacks=" in caplog.text


def test_a_request_with_an_address_of_its_own_is_left_alone(serve):
    """Who gives a callback_url takes the reports; the feed is asked as usual."""
    service = serve()
    request = nb.UdioRequest(
        gpt_description_prompt=PROMPT,
        model="chirp-v4-5",
        api="callback",
        callback_url="https://example.org/mine",
    )

    nb.submit(request=request, show=False, session=service.session).result(30)

    assert service.wire.orders[0][1]["callback_url"] == "https://example.org/mine"
