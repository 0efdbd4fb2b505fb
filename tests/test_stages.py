"""What can be read and heard of a job before it is done."""

from __future__ import annotations

import pytest
from paid_service import until
from wires import sine_wav

import phaseo_nb as nb
from phaseo_nb import live
from phaseo_nb.live.stages import EarlyWords, early_track, early_words
from phaseo_nb.takes.handle import Job

pytestmark = pytest.mark.full_songs

PROMPT = "a sea shanty"
LYRICS = "[Verse]\nThe boats come in\n" + "\n".join(f"line {n}" for n in range(20))


def answer(stage, status="in_progress", **more):
    return nb.MusicJob(id="gen1", status=status, stage=stage, provider="suno", **more)


def track(index=0, **more):
    more = {"title": "Harbour", "is_preview": True, "audio_url": "https://a.example/1"} | more
    return nb.Track(index, **more)


def job(said=None, heard=None, **words):
    request = nb.UdioRequest(**({"gpt_description_prompt": PROMPT} | words), model="chirp-v4-5")
    made = Job(n=1, request=request, prompt=PROMPT, answer=said)
    if heard is not None:
        made.hear(heard)
    return made


def test_nothing_is_said_before_the_words_are_written():
    """A new job has no words, and a job without an answer neither."""
    assert early_words(job()) == EarlyWords()
    assert early_words(job(answer("new"))) == EarlyWords()


def test_whoever_is_further_is_believed_to_be_further():
    """A callback that is ahead of the feed speaks, marked; once the feed is there, the feed."""
    ahead = answer("text", is_unverified=True, tracks=(track(title="Theirs", lyrics="la"),))
    behind = answer("first", tracks=(track(title="Ours", lyrics="la la"),))

    assert early_words(job(answer("new"), ahead)) == EarlyWords("text", "Theirs", "la", True)
    assert early_words(job(behind, ahead)) == EarlyWords("first", "Ours", "la la", False)


def test_what_the_request_said_is_not_repeated():
    """Own lyrics come back as the track's prompt; that is no news."""
    own = job(answer("text", tracks=(track(lyrics="my words"),)), prompt="my words")

    assert early_words(own).lyrics is None


@pytest.mark.parametrize(
    ("said", "is_there"),
    [
        (answer("first", tracks=(track(duration=20.0), track(1))), True),
        (answer("first", tracks=(track(), track(1))), False),
        (answer("first", tracks=(track(duration=20.0, failure="moderated"),)), False),
        (answer("text", tracks=(track(duration=20.0),)), False),
        (answer("first", is_unverified=True, tracks=(track(duration=20.0),)), False),
    ],
    ids=["ready", "still a stream", "moderated", "too early", "only a callback says so"],
)
def test_only_what_the_feed_calls_ready_is_played_ahead(said, is_there):
    """The track must be ready by the service's own word; a callback's address is never fetched."""
    assert (early_track(job(said)) is not None) is is_there


def test_words_of_a_callback_are_text_and_marked():
    """HTML in them is escaped, many lines are cut, and the card says whose words they are."""
    hostile = answer(
        "text",
        is_unverified=True,
        tracks=(track(title="<img src=x onerror=alert(1)>", lyrics="<b>x</b>\n" + LYRICS),),
    )
    session = nb.connect("udio", transport=nb.Sandbox().transport)
    bundle = live.LiveLine(job(answer("queued", "queued"), hostile), session)._running()

    html, text = bundle["text/html"], bundle["text/plain"]
    assert "<img" not in html
    assert "<b>x" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "The boats come in" in text
    assert "line 19" not in text
    assert "15 more lines" in text
    assert "has not confirmed it yet" in html
    assert "has not confirmed it yet" in text
    assert "Making your music" in text


class Screen:
    """Where a live line is drawn."""

    def __init__(self, monkeypatch):
        self.drawn = []
        monkeypatch.setattr(live, "can_watch", lambda: True)
        monkeypatch.setattr(live, "_display", self._display)

    def _display(self, bundle, with_handle=False):
        self.update(bundle)
        return self

    def update(self, bundle, raw=True):
        self.drawn.append(bundle["text/html"])

    @property
    def players(self):
        return [html.count("<audio") for html in self.drawn]


@pytest.fixture
def screen(monkeypatch):
    return Screen(monkeypatch)


@pytest.fixture
def session(monkeypatch):
    made = nb.connect("udio", transport=nb.Sandbox().transport)

    async def fetch_ahead(answer, track):
        return sine_wav()

    monkeypatch.setattr(made, "fetch_ahead", fetch_ahead)
    return made


FIRST = answer("first", tracks=(track(duration=1.0), track(1)))


def test_the_first_track_plays_while_the_rest_is_made(screen, session):
    """Its player appears once, says that it is a preview, and is not drawn anew meanwhile."""
    running = job(answer("new"))
    live.LiveLine(running, session).show()

    running.update(FIRST)
    until(lambda: 1 in screen.players, "the first track")
    n_drawn = len(screen.drawn)
    for _ in range(3):
        running.update(FIRST)
    running.update(answer("complete", "completed", tracks=(track(is_preview=False),)))

    assert len(screen.drawn) == n_drawn
    assert "track 1 of 2 is there" in screen.drawn[-1]
    running.fail(nb.JobTimeout("stopped", job_id="gen1"))
    assert len(screen.drawn) == n_drawn + 1


def test_a_preview_that_cannot_be_fetched_harms_nothing(screen, session, monkeypatch):
    """The line goes on as it was."""

    async def refuses(answer, track):
        message = "403"
        raise nb.AudioError(message)

    monkeypatch.setattr(session, "fetch_ahead", refuses)
    running = job(answer("new"))
    live.LiveLine(running, session).show()
    running.update(FIRST)
    running.update(FIRST)
    running.fail(nb.JobTimeout("stopped", job_id="gen1"))

    assert set(screen.players) == {0}


def test_a_client_fetches_what_is_unfinished_only_when_told_to():
    """download() refuses a preview, unless it is allowed."""

    box = nb.Sandbox(clock="manual")

    async def both():
        async with box.client("udio", model="chirp-v4-5") as client:
            made = await client.submit(PROMPT)
            box.advance(1.5)
            state = await client.get(made)
            assert state.stage == "first"
            early = next(track for track in state.tracks if track.duration)
            with pytest.raises(nb.AudioError, match="still a preview"):
                await client.download(early)
            return await client.download(early, allow_preview=True)

    assert len(nb.run(both())) > 100_000
