"""Text of strangers stays text: on cards and tables, in messages, reprs and logs."""

from __future__ import annotations

import csv
import io
import json
import logging

import httpx
import pytest
from hostile import FORMULAS, KEY, MARKUP, TEXTS, Page, acting_signs
from wires import Wire

import phaseo_nb as nb
from phaseo_nb import cards
from phaseo_nb.client.asking import Asking
from phaseo_nb.errors import Issue
from phaseo_nb.gateways import failure_message, get_gateway
from phaseo_nb.gateways.values import said
from phaseo_nb.jobs import Cost, MusicJob, Track
from phaseo_nb.phrases import excerpt, visible
from phaseo_nb.transport.messages import Answer

EACH = pytest.mark.parametrize("words", TEXTS.values(), ids=TEXTS)
PLACES = {
    "phaseo": "https://api.phaseo.app/v1/music/generate",
    "udio": "https://udioapi.pro/api/v2/generate",
}


def all_cards(words, *, text):
    short = words[:3000]
    yield cards.player_card(
        title=short,
        prompt=short,
        source="data:audio/mpeg;base64,AAAA",
        waveform="data:image/png;base64,AAAA",
        waveform_words=short,
        facts=[short],
        notes=[short],
        part=short,
        text=text,
    )
    yield cards.live_card(
        status=short,
        elapsed=1.0,
        expected=2.0,
        prompt=short,
        provider=short,
        stage=short,
        title=short,
        lyrics=short,
        is_unverified=True,
        job_id=short,
        price=short,
        text=text,
    )
    yield cards.failure_card(short, happened=short, next_step=short, code=short, text=text)
    yield cards.open_question_card(
        short, known=short, price=short, prompt=short, choices=[(short, short)], text=text
    )
    yield cards.note_card([short], heading=short, text=text)
    yield cards.stopped_card(resume=short, job_id=short, price=short, prompt=short, text=text)


@EACH
def test_text_is_text_on_every_card(words):
    """No tag, attribute, address or comment of a stranger's gets into a page; no tag is ended."""
    for page in all_cards(words, text=False):
        found = Page(page)

        assert found.problems == []
        assert acting_signs(found.text) == []


@EACH
def test_nothing_acts_in_plain_words(words):
    """What is printed moves no cursor, rings no bell, hides nothing and turns nothing around."""
    for page in all_cards(words, text=True):
        assert acting_signs(page, lines=True) == []
    assert acting_signs(visible(words)) == []
    assert len(excerpt(words, 40)) <= 40


@EACH
@pytest.mark.parametrize("wire", ["phaseo", "udio"])
def test_nothing_acts_in_a_message(words, wire):
    """Whatever a service says about a refusal, the message is one readable line, and not long."""
    gateway = get_gateway(wire)
    envelopes = [
        {"error": words, "reason": words, "description": words, "requestId": words},
        {"code": 400, "message": words, "msg": words, "workId": words},
        {"error": {"code": words, "message": words, "type": words}, "details": [{"path": [words]}]},
        {
            "error": "upstream_error",
            "failure_sample": [
                {"type": words, "provider": words, "status": 400, "upstream_error_message": words}
            ],
            "failed_providers": [words],
        },
    ]
    for status in (200, 400, 502):
        for body in envelopes:
            answer = Answer(status, {}, _json(body), PLACES[wire], "POST")
            for read in (
                lambda answer=answer: gateway.read_submission(answer, _Order()),
                lambda answer=answer: gateway.read_status(answer, words[:500]),
            ):
                try:
                    read()
                except nb.PhaseoError as error:
                    message = str(error)
                else:
                    continue
                assert acting_signs(message) == []
                assert len(message) < 2500

    assert acting_signs(said(words) or "") == []
    failed = MusicJob(id=words or "x", status="failed", provider=words, failure=words)
    assert acting_signs(failure_message(failed, elapsed=1.0, wire=wire)) == []


@EACH
def test_nothing_acts_in_a_repr(words):
    """The repr of facts shows a service's words without doing what they say."""
    job = MusicJob(id=words, status=words, tracks=(Track(0, id=words, title=words),))

    for thing in (job, job.tracks[0], Cost(usd=1.0), nb.RequestRejected(_issue(words))):
        assert repr(thing).isprintable() or words.isprintable()
        assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in repr(thing))


@EACH
def test_a_log_has_one_line_for_an_odd_status(words, caplog):
    """A status of a stranger's cannot forge a line of a log, nor act on who reads it."""
    job = MusicJob(id="a", status=words)

    with caplog.at_level(logging.WARNING, "phaseo_nb"):
        _asking()._note_status(job)

    for record in caplog.records:
        assert record.getMessage().isprintable() or words.isprintable()
        assert "\n" not in record.getMessage()


@pytest.mark.parametrize("family", ["markup", "rest"])
@pytest.mark.usefixtures("quick")
def test_text_is_text_in_a_library(family):
    """Words of a service come into the library, and out of it into every list, as text."""
    words = " · ".join(
        text[:300] for text in TEXTS.values() if (text in MARKUP.values()) == (family == "markup")
    )
    wire = Wire(gets=[_done(words)])
    nb.connect("phaseo", api_key=KEY, transport=wire.transport)

    prompt = words.encode("utf-8", "ignore").decode()
    take = nb.run(nb.generate(prompt, model="suno/v4.5", show=False))
    take.note, take.tags = words[:2000], [words[:60] or "x"]
    library = nb.library()
    things = (take, take.track, library.recent(), library.search("evil"), library, take.tracks[0])

    for thing in things:
        assert acting_signs(repr(thing), lines=True) == []
        page = Page(thing._repr_html_()) if hasattr(thing, "_repr_html_") else Page("")
        assert page.problems == []
    assert acting_signs(Page(take.track.player()._repr_html_()).text) == []


@pytest.mark.parametrize("words", FORMULAS.values(), ids=FORMULAS)
@pytest.mark.usefixtures("quick")
def test_formulas_stay_text_in_tables(words):
    """Rows of a table hold the words as they are; a CSV of them quotes what would break it."""
    wire = Wire(gets=[_done(words)])
    nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    nb.run(nb.generate(words, model="suno/v4.5", show=False))

    rows = nb.library().recent().rows()

    assert [row["prompt"] for row in rows] == [words]
    written = io.StringIO(newline="")
    csv.DictWriter(written, list(rows[0])).writerows(rows)
    written.seek(0)
    assert [line[list(rows[0]).index("prompt")] for line in csv.reader(written)] == [words]


def _done(words):
    """Say that a job is done, as a service that escapes what is not ASCII."""
    body = {"id": "task_1", "status": "completed", "provider": words, "output": [_track(words)]}
    return lambda wire: httpx.Response(200, content=_json(body))


def _track(words):
    return {
        "index": 0,
        "id": words,
        "title": words,
        "tags": words,
        "lyrics": words,
        "audio_url": "https://cdn.example.org/track.wav",
        "duration": 1.0,
    }


class _Order:
    api, model = "v2", "suno/v4.5"

    def to_wire(self):
        return {"model": self.model}


def _json(body):
    return json.dumps(body).encode()


def _issue(words):
    return Issue(words[:200], "unrecognized_keys", words, "Leave it out.")


def _asking():
    return Asking(None, None, None, None, None, interval=1.0)
